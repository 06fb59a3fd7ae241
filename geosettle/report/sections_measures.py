"""Sections of the report on where things are.

Map, sites, distances, declared against computed, land.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.distance import flag_codes, has_flag
from geosettle.report.html_builder import Column, element
from geosettle.report.section import DISC, Part, Writer, ranged, ranges
from geosettle.results import drawn_of
from geosettle.results.given import aside, finest_level, level_name, radius_stated_of_pairs
from geosettle.results.pivots import oasis_wide, ranged_text
from geosettle.words import capital

_LAND: Final = (
    *("site_id", "households", "parcels_n", "declared_ha", "mapped_ha", "leased_ha", "self_run_ha"),
    *(
        "developed_mu_per_household",
        "self_run_mu_per_household",
        "enough_mu",
        "enough",
        "geometry_basis",
        "why",
    ),
)
_MEASURED: Final = ("geodesic_km", "road_km", "road_h", "surface_km", "walk_out_h", "walk_back_h")
_NO_RANGE: Final = (np.nan, np.nan)
_ROAD: Final = ("road_class", "road_name")
_FIGURES: Final = 3
"""Significant figures of areas in discs: the positions and the rasters carry no more."""


def reading(writer: Writer) -> list[Part]:
    """Say how numbers are to be read."""
    layers = writer.result.study.layers.values()
    bases = [layer["geometry_basis"] for layer in layers if "geometry_basis" in _columns(layer)]
    made_up = any(basis.astype(str).eq("illustrative").any() for basis in bases)
    measured = len(writer.result.pairs) + len(writer.result.remoteness)
    wanted = [1] * bool(measured) + [2, 3] + [4] * made_up
    return [writer.p(f"reading_{n}") for n in wanted]


def _columns(layer: object) -> pd.Index:
    return layer.columns if isinstance(layer, pd.DataFrame) else pd.Index([])


def sites(writer: Writer) -> list[Part]:
    """List the sites: where, since when, how many, how well known; then what is at each."""
    frame = writer.tables["sites"].copy()
    level = finest_level(writer.result)
    name, declared = level_name(writer.lang, level), f"declared_{level}"
    note = "sites_note_level"
    if declared in frame and level in frame and frame[declared].notna().any():
        # The unit that the source states is first; the one at the location only where it differs.
        stated, found = (frame[c].astype(object) for c in (declared, level))
        frame[level] = stated.fillna(found)
        frame["unit_found"] = found.where(stated.notna() & found.notna() & (stated != found), None)
        note = "sites_note_stated"
    # Without a radius there is one possible position, and its share says nothing.
    share = (100 * numbers(frame, "admin_probability")).round(0)
    frame["unit_percent"] = share.where(numbers(frame, "uncertainty_km").notna())
    columns = [
        *("name", "name_local", "site_id", "households", "persons", "year"),
        *(level, "unit_found", "unit_percent", "uncertainty_km"),
    ]
    notes = (
        (note, level),
        ("sites_note_found", "unit_found"),
        ("sites_note_percent", "unit_percent"),
    )
    text = _notes(writer, frame, notes, level=name)
    found_head = capital(writer.say("found_level", level=name))
    heads = {level: capital(name), "unit_found": found_head}
    listed = writer.frame("sites", frame, columns, writer.say("cap_sites"), heads)
    return [text, listed, *_at_sites(writer)]


def _notes(
    writer: Writer, frame: pd.DataFrame, notes: Sequence[tuple[str, str]], **values: str
) -> Part:
    """Explain the columns that hold something."""
    keys = [k for k, column in notes if column in frame and frame[column].notna().any()]
    text = writer.say("sentence_gap").join(writer.say(key, **values) for key in keys)
    return element("p", text) if text else None


def _at_sites(writer: Writer) -> list[Part]:
    """Show the oasis, land cover, height, slope and nearest road at each site."""
    frame = ranged(writer.tables["sites"], "oasis_edge", "km")
    low, high = (
        numbers(frame, f"oasis_edge_{end}_km").fillna(numbers(frame, "oasis_edge_km"))
        for end in ("low", "high")
    )
    words = [writer.say(key) for key in ("yes", "no", "not_decided")]
    frame["in_oasis_word"] = np.select([high < 0, low > 0, low.notna()], words, "")
    found = ["in_oasis_word", "oasis_edge_range_km"]
    if "land_cover" in frame or "land_cover_shares" in frame:
        several = frame.reindex(columns=["land_cover", "land_cover_shares"]).astype(object)
        frame["land_cover"] = several["land_cover"].fillna(several["land_cover_shares"])
    for stem, unit in (("elevation", "m"), ("slope", "deg"), ("nearest_road", "km")):
        frame[f"{stem}_range_{unit}"] = _value_or_range(frame, stem, unit)
        found += [f"{stem}_range_{unit}"]
    frame["road_text"] = [
        " ".join(part for part in pair if isinstance(part, str) and part)
        for pair in zip(*(frame.get(c, [""] * len(frame)) for c in _ROAD), strict=True)
    ]
    found += ["road_text", "land_cover"]
    notes = (
        ("sites_note_oasis", "oasis_edge_km"),
        ("sites_note_range", "elevation_low_m"),
        ("sites_note_range", "nearest_road_low_km"),
    )
    shown = frame.reindex(columns=found).astype(object).fillna("")
    if not (shown != "").to_numpy().any():
        return []
    table = writer.frame("sites", frame, ["name", *found], writer.say("cap_at_sites"))
    return [_notes(writer, frame, notes), table]


def _value_or_range(frame: pd.DataFrame, stem: str, unit: str) -> list[str]:
    """Write a value with its range, or the range alone where the position allows no value."""
    ends = [numbers(frame, f"{stem}_{end}{unit}") for end in ("", "low_", "high_")]
    alone = ranges(*ends[1:])
    return [
        span if np.isnan(value) else ranged_text(value, low, high, 1)
        for value, low, high, span in zip(*ends, alone, strict=True)
    ]


def distances(writer: Writer) -> list[Part]:
    """Show every distance with its interval, then what has none and why."""
    frame = writer.tables["pairs"]
    lost = aside(writer.result, "flows", writer.lang)
    if frame.empty and not lost:
        return []
    straight = numbers(frame, "geodesic_km")
    known, drawn = straight.notna(), drawn_of(writer.result)
    placed = numbers(writer.result.pairs, "geodesic_km").notna()
    without = int((~radius_stated_of_pairs(writer.result)[placed]).sum())
    on_the_ground = any(numbers(frame, c).notna().any() for c in ("walk_out_h", "road_km"))
    none = lost or writer.say("find_no_distances")
    given = "" if len(drawn) else "_given"
    percent = f"{100 * float(numbers(drawn, 'level').max()):g}" if len(drawn) else ""
    shown = writer.named(_with_intervals(writer.result, _as_good_as_given(frame), drawn))
    own = {
        column: writer.word("metric", name)
        for metric in writer.result.metrics.values()
        for name, (column, _) in metric.measured.items()
        if column in shown and column not in _MEASURED
    }
    parts: list[Part] = [
        None if known.any() else element("p", none),
        writer.p("distances_note") if on_the_ground else None,
        writer.p("distances_given", n=without, of=int(placed.sum())) if without else None,
        *writer.picture("distances", f"distances{given}"),
        *writer.picture("distribution", f"distribution{given}"),
        writer.frame(
            "pairs",
            shown[known],
            ["origin_id", "site_id", "households", *_MEASURED, *own],
            writer.say(f"cap_distances{given}", percent=percent),
            own,
        ),
        *_scenarios(writer),
        *_months(writer),
    ]
    if not known.all():
        parts.append(
            writer.frame(
                "pairs",
                writer.named(frame[~known]),
                ["origin_id", "site_id", "households", "why"],
                writer.say("cap_no_distance"),
            )
        )
    return parts


def _as_good_as_given(frame: pd.DataFrame) -> pd.DataFrame:
    """Round what has no range to tenths: a position without a radius is not known to the metre."""
    made = frame.copy()
    low, high = (numbers(frame, f"geodesic_{end}_km") for end in ("low", "high"))
    for name in ("geodesic_km", "surface_km", "road_km"):
        value = numbers(made, name)
        made[name] = value.where((low < high) | (value < 1), value.round(1))
    return made


def _with_intervals(result: Result, frame: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Replace values by the median of the draws, with the interval of the same draws."""
    made = frame.copy()
    key = pd.MultiIndex.from_frame(frame[["origin_id", "site_id"]].astype(str))
    for metric in result.metrics.values():
        for name, (column, _) in metric.measured.items():
            own = drawn[drawn["metric"] == name] if len(drawn) else drawn
            if own.empty or column not in frame:
                continue
            own = own.set_index([own["origin_id"].astype(str), own["site_id"].astype(str)])
            ends = own[["median", "low", "high"]].reindex(key).to_numpy(float)
            alone = numbers(frame, column)
            made[column] = [
                ranged_text(*three) if np.isfinite(three[0]) else ranged_text(value, *_NO_RANGE)
                for three, value in zip(ends, alone, strict=True)
            ]
    return made


def _months(writer: Writer) -> list[Part]:
    """Show the hours by month."""
    frame = writer.tables.get("months", pd.DataFrame())
    if frame.empty:
        return []
    shown = writer.named(frame)
    shown["metric"] = [writer.word("metric", name) for name in shown["metric"]]
    columns = ["origin_id", "site_id", "metric", "months", "hours", "longer_h", "why"]
    heads = {c: writer.say(f"months_{c}") for c in ("months", "hours", "longer_h")}
    table = writer.frame("months", shown, columns, writer.say("cap_months"), heads, whole=True)
    return [element("h3", writer.say("cap_months")), writer.p("months_note"), table]


def _scenarios(writer: Writer) -> list[Part]:
    """Show what the scenarios of the study change, pair by pair."""
    frame = writer.named(writer.tables["scenarios"])
    if frame.empty:
        return []
    frame["metric"] = [writer.word("metric", name) for name in frame["metric"]]
    columns = [
        "origin_id",
        "site_id",
        "scenario",
        "metric",
        "value",
        "baseline",
        "change",
        "unit",
        "effect",
        "why",
    ]
    table = writer.frame("scenarios", frame, columns, writer.say("cap_scenarios"))
    return [element("h3", writer.say("h_scenarios")), writer.p("scenarios_note"), table]


def declared(writer: Writer) -> list[Part]:
    """Compare declared distances with computed ones.

    Those that served to place an end are apart.
    """
    frame = writer.tables["pairs"]
    frame = frame[numbers(frame, "declared_km").notna()]
    if frame.empty:
        return []
    # Of the distance before it is rounded, as the summary has it; a way walked twice has one.
    exact = numbers(writer.result.pairs, "geodesic_km")
    exact = exact[~exact.index.duplicated()].reindex(
        pd.MultiIndex.from_frame(frame[["origin_id", "site_id"]])
    )
    ratio = (numbers(frame, "declared_km") / exact.to_numpy()).round(2)
    frame = _as_good_as_given(ranged(writer.named(frame).assign(ratio=ratio), "geodesic", "km"))
    circular = has_flag(frame, "used_to_place")
    known = numbers(frame, "geodesic_km").notna()
    frame["flags"] = [
        writer.say("list_gap").join(writer.word("flag", code) for code in flag_codes(text))
        for text in frame["flags"]
    ]
    columns = [
        *(
            "origin_id",
            "site_id",
            "declared_km",
            "geodesic_km",
            "geodesic_range_km",
            "ratio",
            "road_km",
            "flags",
        )
    ]
    parts: list[Part] = [writer.p("declared_note"), *writer.picture("declared", "declared")]
    parts.append(
        writer.frame("pairs", frame[~circular & known], columns, writer.say("cap_declared"))
    )
    short = ["origin_id", "site_id", "declared_km"]
    if (~circular & ~known).any():
        parts.append(
            writer.frame(
                "pairs", frame[~circular & ~known], short, writer.say("cap_declared_alone")
            )
        )
    if circular.any():
        parts.append(writer.p("declared_circular"))
        parts.append(
            writer.frame("pairs", frame[circular], [*short, "flags"], writer.say("cap_circular"))
        )
    return parts


def land(writer: Writer) -> list[Part]:
    """Show land: per site, oasis per unit, areas around the sites, change between two dates."""
    table, oasis, places = (
        writer.named(writer.tables["land"]),
        writer.tables["oasis"],
        writer.tables["sites"],
    )
    parts: list[Part] = [writer.p("land_note"), *writer.picture("land", "land")]
    none = aside(writer.result, "development", writer.lang)
    if "developed_ha" in table:
        table = table[numbers(table, "developed_ha").notna()]
    parts.append(writer.frame("land", table, _LAND, writer.say("cap_land")))
    if table.empty:
        parts = [element("p", none)] if none else []
    if len(oasis):
        parts += [
            element("h3", writer.say("h_oasis")),
            writer.p("oasis_note"),
            *writer.picture("oasis", "oasis"),
        ]
        wide = oasis_wide(writer.result)
        parts.append(
            writer.table(
                wide, [Column(c, writer.heading(c)) for c in wide.columns], writer.say("cap_oasis")
            )
        )
    discs = sorted(
        (c for c in places.columns if DISC.fullmatch(c) and (numbers(places, c) > 0).any()),
        key=lambda c: (not c.startswith("oasis"), DISC.sub(r"\1", c), float(DISC.sub(r"\2", c))),
    )
    if discs:
        short = places.assign(**{c: _significant(numbers(places, c)) for c in discs})
        parts += [element("h3", writer.say("h_covers")), writer.p("covers_note")]
        parts.append(
            writer.frame(
                "sites", short, ["name", "uncertainty_km", *discs], writer.say("cap_covers")
            )
        )
    change = writer.tables["change"]
    if len(change):
        parts += [element("h3", writer.say("h_cover_change"))]
        parts.append(writer.frame("change", change, list(change.columns), writer.say("cap_change")))
    return parts


def _significant(values: pd.Series) -> pd.Series:
    """Keep so many significant figures as the sources of an area carry."""
    with np.errstate(divide="ignore"):
        place = np.floor(np.log10(np.abs(values.where(values != 0)))).fillna(0)
    digits = (_FIGURES - 1 - place).clip(upper=1).astype(int)
    return pd.Series(
        [
            round(value, at) if np.isfinite(value) else value
            for value, at in zip(values, digits, strict=True)
        ],
        index=values.index,
    )
