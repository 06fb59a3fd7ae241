"""What the panel of the map says: title, totals, caveats, sources."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

import geosettle
from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.maps.page_data import counted
from geosettle.results import headline_of, number
from geosettle.results.sentences import headline_numbers
from geosettle.study import in_scope
from geosettle.words import has, say, say_all, untranslated


def headline(result: Result, title: str | None) -> dict[str, dict[str, str]]:
    """Title that states the finding, and subtitle that says what it rests on."""
    found = headline_of(result)
    if len(result.origins) == 0 and len(result.sites) > 0:
        n = len(result.sites)
        head, sub = (
            say_all("title_sites", n=n),
            say_all("subtitle_sites", k=int(result.sites.geometry.notna().sum()), n=n),
        )
    elif found is None:
        head, sub = say_all("title_none"), say_all("subtitle_none")
    else:
        low, middle, high = headline_numbers(found)
        key = "title_one" if found.n == 1 else f"title_{found.weighting}"
        head = say_all(key, median=middle)
        half = (found.high_km - found.low_km) / 2 if low != high else 0.0
        ends = {"low": number(found.nearest_km, half), "high": number(found.farthest_km, half)}
        sub = say_all("subtitle_distance", **ends, n=found.n, m=found.of)
        if low != high:
            more = say_all("subtitle_interval", low=low, high=high)
            sub = {
                lang: f"{text}{say(lang, 'sentence_gap')}{more[lang]}" for lang, text in sub.items()
            }
    if title:
        head = dict.fromkeys(head, title)
    named = result.study.settings.study.to_dict()
    kicker = str(named.get("title") or _study_name(result))
    return {
        "kicker": {lang: str(named.get(f"title_{lang}") or kicker) for lang in head},
        "title": head,
        "subtitle": sub,
    }


def _study_name(result: Result) -> str:
    return result.study.name.replace("_", " ")


def totals(result: Result) -> list[dict[str, Any]]:
    """Three numbers above the legend; each says over how many rows it was taken."""
    sites, origins = (f[in_scope(f)] for f in (result.sites, result.origins))
    count = counted(result.sites)
    households = numbers(sites, count)
    households = households.where(np.isfinite(households))

    def more(all_rows: gpd.GeoDataFrame, used: gpd.GeoDataFrame) -> dict[str, str] | str:
        aside = len(all_rows) - len(used)
        return say_all("total_more", k=aside) if aside else ""

    return [
        {
            "value": len(frame),
            "label": say_all(
                key, n=len(frame), k=int(frame.geometry.notna().sum()), more=more(whole, frame)
            ),
        }
        for key, whole, frame in (
            ("total_sites", result.sites, sites),
            ("total_origins", result.origins, origins),
        )
        if len(whole) > 0 or key == "total_sites"
    ] + [
        {
            "value": round(float(households.sum())) if households.notna().any() else None,
            "label": say_all(
                f"total_{count}",
                n=round(float(households.sum())),
                k=int(households.notna().sum()),
                m=len(sites),
            ),
        }
    ]


def notes(result: Result) -> dict[str, Any]:
    """Caveats, sources and colophon."""
    study = result.study.settings.study.to_dict()
    caveats = [say_all("note_straight")] if len(result.pairs) else []
    caveats += [say_all(key) for key in _position_notes(result)]
    caveats += [
        say_all(
            "note_set_aside",
            k=counts["rows_set_aside"],
            n=counts["rows_in"],
            layer=_layer_words(name),
        )
        for name, counts in result.study.ledger.items()
        if counts.get("rows_set_aside", 0) > 0
    ]
    development = result.study.development
    basis = (
        pd.Series(dtype=str)
        if development is None
        else development.get("geometry_basis", pd.Series(dtype=str))
    )
    if basis.astype(str).eq("illustrative").any():
        caveats.append(say_all("note_illustrative"))
    if study.get("boundary_note"):
        own = str(study["boundary_note"]).removeprefix("Boundaries: ").rstrip(".")
        caveats.append(say_all("note_boundary_set", set=own))
    caveats += [say_all("note_boundary"), say_all("note_projection")]
    if result.study.dem is not None:
        caveats.append(say_all("note_relief"))
    colophon = say_all("colophon", version=geosettle.__version__, hash=inputs_hash(result))
    date = str(study.get("date") or _last_date(result))
    return {"caveats": caveats, "sources": _sources(result), "colophon": colophon, "date": date}


def _position_notes(result: Result) -> list[str]:
    """State how roughly positions are known, or that the data do not state it.

    State also what curved flows mean.
    """
    stated = [
        numbers(frame, "uncertainty_km").gt(0) & frame.geometry.notna()
        for frame in (result.sites, result.origins)
        if "uncertainty_km" in frame
    ]
    rough = any(known.any() for known in stated)
    return [
        *(["note_uncertain"] if rough else ["note_unstated"]),
        *(["note_curved"] if len(result.pairs) else []),
    ]


def inputs_hash(result: Result) -> str:
    """First twelve digits of the input hash that the manifest prints.

    Or of one made the same way, for any study.
    """
    known = str(result.provenance.get("input_hash", ""))
    if known:
        return known[:12]
    lines = [
        f"{name} {facts.get('sha256', '')}" for name, facts in sorted(result.study.inputs.items())
    ]
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:12]


def _last_date(result: Result) -> str:
    """Latest of the full dates that the inputs state.

    The clock is never asked, so that two runs give the same map.
    """
    dates = [str(facts.get("date", "")) for facts in result.study.inputs.values()]
    return max((d for d in dates if re.fullmatch(r"\d{4}-\d{2}-\d{2}", d)), default="")


def _layer_words(name: str) -> dict[str, str]:
    return (
        say_all(f"layer_{name}") if has(f"layer_{name}") else untranslated(name.replace("_", " "))
    )


def _sources(result: Result) -> list[dict[str, str]]:
    """One line per input: layer, source, attribution, licence, date."""
    lines = []
    for name, facts in sorted(
        result.study.inputs.items(), key=lambda item: (str(item[1].get("layer", "")), item[0])
    ):
        parts = [
            str(facts[key])
            for key in ("source", "attribution", "licence", "date")
            if facts.get(key)
        ]
        layer = _layer_words(str(facts.get("layer") or name))
        lines.append(
            {
                lang: f"{text}{say(lang, 'colon')}{say(lang, 'list_gap').join(parts) or name}"
                for lang, text in layer.items()
            }
        )
    return list({line["en"]: line for line in lines}.values())
