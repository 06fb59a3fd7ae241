"""The plain words at the head of each section.

Sentences computed from the tables that follow them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from geosettle.analysis import MedianDistance, Result
from geosettle.cells import numbers
from geosettle.remoteness import INDICATORS
from geosettle.results import flat, in_scope, number
from geosettle.results.given import aside
from geosettle.results.pivots import VERDICTS, changes, kinds_shown, place_groups, section_rows
from geosettle.words import all_of, capital, has, say, sentences


def indicator_name(lang: str, indicator: str, metric: str = "geodesic") -> str:
    """Return an indicator in words.

    A kind of place or a metric that `words` does not know is unchanged.

    Examples
    --------
    >>> indicator_name("en", "nearest_county_seat"), indicator_name("en", "nearest_ger", "road")
    ('nearest county seat', 'nearest ger (by road)')
    """
    if indicator.startswith("nearest_"):
        kind = indicator.removeprefix("nearest_")
        known = f"kind_{kind}"
        text = say(lang, "nearest", kind=say(lang, known) if has(known) else kind.replace("_", " "))
    else:
        known = f"indicator_{indicator}"
        meaning = INDICATORS[indicator].meaning if indicator in INDICATORS else ""
        text = say(lang, known) if has(known) else meaning or indicator.replace("_", " ")
    if metric == "geodesic":
        return text
    how = say(lang, f"metric_{metric}") if has(f"metric_{metric}") else metric.replace("_", " ")
    return say(lang, "by_metric", text=text, metric=how)


def item_name(lang: str, item: str, model: str = "") -> str:
    """Return a condition or model of the package in the language wanted.

    One of the study is unchanged.

    Examples
    --------
    >>> item_name("zh", "developed land"), item_name("en", "a mill", "7"), item_name("zh", "a well")
    ('开发土地', 'model 7: a mill', 'a well')
    """
    key = f"item_{item.replace(' ', '_')}"
    text = say(lang, key) if has(key) else item
    return say(lang, "model_item", n=model, text=text) if model and text else text


def item_names(lang: str, rows: pd.DataFrame) -> dict[str, str]:
    """Name every item of a livelihood account in the language wanted."""
    first = rows.drop_duplicates("item")
    return {
        item: item_name(lang, condition or item, model if condition else "")
        for item, condition, model in zip(
            first["item"], first["condition"], first["model"], strict=True
        )
    }


def headline_sentence(found: MedianDistance, lang: str) -> str:
    """Say the median distance of those who moved, with its interval and what weighs it."""
    low, middle, high = headline_numbers(found)
    key = "headline_one" if found.n == 1 else f"headline_{found.weighting}"
    range_ = say(lang, "headline_range", low=low, high=high) if low != high else ""
    return say(lang, key, km=middle, range=range_, n=round(found.total))


def headline_numbers(found: MedianDistance) -> tuple[str, str, str]:
    """Low, median and high of the headline, with the digits that its interval carries."""
    half = (found.high_km - found.low_km) / 2 if found.low_km < found.high_km else 0.0
    ends = (found.low_km, found.km, found.high_km)
    low, middle, high = (number(end, half) if end == end else "" for end in ends)  # noqa: PLR0124
    return (low, middle, high) if half else (middle, middle, middle)


def remoteness_sentences(result: Result, lang: str) -> list[str]:
    """Say how far the nearest places of each kind are from the sites of the study."""
    frame = flat(result.remoteness)
    sites = in_scope(result).sites.index
    sentences = []
    for indicator, metric, unit in kinds_shown(frame, place_groups(result)):
        chosen = (
            (frame["role"] == "site")
            & (frame["indicator"] == indicator)
            & (frame["metric"] == metric)
        )
        rows = frame[chosen & frame["id"].isin(sites)]
        value, half = numbers(rows, "value"), (numbers(rows, "high") - numbers(rows, "low")) / 2
        known = value.notna()
        if not known.any():
            continue
        typical = float(half[known].median()) if half[known].notna().any() else 0.0
        ends: Any = value.idxmin(), value.idxmax()
        least, most = ends
        sentences.append(
            say(
                lang,
                "nearest_sentence",
                what=capital(indicator_name(lang, indicator, metric)),
                median=number(float(value.median()), typical),
                least=number(float(value[least]), float(np.nan_to_num(half[least]))),
                most=number(float(value[most]), float(np.nan_to_num(half[most]))),
                n=int(known.sum()),
                sites=len(sites),
                unit=unit_name(lang, unit),
            )
        )
    return sentences


def unit_name(lang: str, unit: str) -> str:
    """Return a unit in words of the language where `words` has it."""
    key = f"unit_{unit}"
    return say(lang, key) if has(key) else re.sub(r"\b(k?m)2\b", "\\1\N{SUPERSCRIPT TWO}", unit)


def change_sentences(result: Result, lang: str, most: int = 3) -> list[str]:
    """Say, per kind of place, how much nearer or farther the move brought people."""
    found = changes(result)
    studied = in_scope(result).sites.index
    lines = []
    for name, metric, unit in kinds_shown(found, place_groups(result), "change", most):
        rows = found[(found["indicator"] == name) & (found["metric"] == metric)]
        sites = rows[(rows["role"] == "site") & rows["id"].isin(studied)]
        what = capital(indicator_name(lang, name, metric))
        whole = rows[rows["role"] == "study"]
        study = [
            _change_of_study(lang, what, unit_name(lang, unit), row) for _, row in whole.iterrows()
        ]
        of_sites = _change_at_sites(lang, sites["direction"])
        alone = f"{what}{say(lang, 'colon')}{of_sites}"
        lines.append(sentences(lang, study[0], of_sites) if study else alone)
    return lines


def _change_of_study(lang: str, what: str, unit: str, row: pd.Series) -> str:
    """Say the mean change over the moves of the study, with its range."""
    direction = {"nearer": "nearer", "farther": "farther", "as before": "same"}.get(
        row["direction"]
    )
    ends = [float(row[end]) for end in ("low", "high")]
    half = (ends[1] - ends[0]) / 2
    known = bool(np.isfinite(half) and half > 0)

    def way(km: float) -> str:
        size = number(abs(km), half if known else 0.0)
        return say(lang, "way_nearer" if km < 0 else "way_farther", km=size, unit=unit)

    range_ = ""
    if known and direction:
        low, high = (number(km, half) for km in sorted(map(abs, ends)))
        range_ = say(lang, "change_range", low=low, high=high, unit=unit) if low != high else ""
    elif known:
        range_ = say(lang, "change_open_range", low=way(ends[0]), high=way(ends[1]))
    weighted = row["weighting"] == "households"
    return say(
        lang,
        f"change_sentence_{direction or 'open'}",
        what=what,
        unit=unit,
        change=number(abs(row["change"]), half if known else 0.0)
        if direction
        else way(row["change"]),
        range=range_,
        n=int(row["n"]),
        of=int(row["of"]),
        weighted=say(lang, "weighting_households") if weighted else "",
    )


def _change_at_sites(lang: str, direction: pd.Series) -> str:
    """Say at how many sites it is nearer, farther, or too uncertain to tell."""
    counts = {
        "change_nearer": int((direction == "nearer").sum()),
        "change_farther": int((direction == "farther").sum()),
        "change_open": int((direction == "not distinguishable").sum()),
    }
    parts = [say(lang, key, n=n) for key, n in counts.items() if n]
    if not parts:
        return ""
    if len(direction) in counts.values():
        (key,) = (key for key, n in counts.items() if n)
        return say(lang, key.replace("change_", "change_all_"), n=len(direction))
    compared = say(lang, "n_sites_compared", n=len(direction))
    return say(lang, "change_at", sites=compared, parts=all_of(lang, parts, "clause"))


def capitals_sentences(result: Result, lang: str) -> list[str]:
    """Say how many livelihood indicators have figures, and which way they point."""
    rows = section_rows(result, "capital")
    if rows.empty:
        return [line for line in (aside(result, "indicators", lang),) if line]
    both = rows["before"].notna() & rows["after"].notna()
    change = (rows["after"] - rows["before"])[both]
    ranged = int((rows["low"].notna() & rows["high"].notna() & both).sum())
    counts = {
        "capitals_higher": int((change > 0).sum()),
        "capitals_lower": int((change < 0).sum()),
        "capitals_ranged": ranged,
    }
    parts = [say(lang, key, n=n) for key, n in counts.items() if n]
    first = say(lang, "capitals_sentence", n=len(rows), both=int(both.sum()))
    rest = (
        say(lang, "parts_sentence", parts=capital(all_of(lang, parts, "clause"))) if parts else ""
    )
    return [sentences(lang, first, rest)]


def models_sentences(result: Result, lang: str) -> list[str]:
    """Say how many sites declare a model, and what the conditions of the models come to."""
    models, conditions = section_rows(result, "model"), section_rows(result, "model condition")
    if models.empty and conditions.empty:
        return []
    declared = models[models["verdict"] == "declared"]
    sites = models["site_id"].nunique() or conditions["site_id"].nunique()
    first = say(lang, "models_sentence", sites=sites,
                declaring=declared["site_id"].nunique(), n=len(declared),
                others=other_sites(result, lang, models["site_id"]))  # fmt: skip
    return [first, *verdicts_sentences(result, lang, "model condition")]


def constraints_sentences(result: Result, lang: str) -> list[str]:
    """Say, per constraint, what was measured: how many sites, and from where to where."""
    rows = section_rows(result, "constraint")
    sentences = []
    for item in dict.fromkeys(rows["item"]):
        own = rows[rows["item"] == item]
        value = own["after"].where(own["after"].notna(), own["change"])
        known = value.notna() & (own["verdict"] != "unknown")
        if not known.any():
            sentences.append(
                say(lang, "unmeasured_sentence", item=capital(item_name(lang, item)), n=len(own))
            )
            continue
        half = (
            ((own["high"] - own["low"]) / 2)
            .where(np.isfinite(own["high"] - own["low"]), 0.0)
            .fillna(0.0)
        )
        ends: Any = value[known].idxmin(), value[known].idxmax()
        least, most = ends
        text = say(
            lang,
            "constraint_sentence" if int(known.sum()) > 1 else "constraint_one_sentence",
            item=capital(item_name(lang, item)),
            n=int(known.sum()),
            of=len(own),
            least=number(float(value[least]), float(half[least])),
            most=number(float(value[most]), float(half[most])),
            unit=unit_name(lang, str(own.loc[known, "unit"].iloc[0])),
        )
        judged = own["verdict"].value_counts()
        parts = _counted(lang, judged.drop([v for v in ("measured", "unknown") if v in judged]))
        sentences.append(text + (say(lang, "judged_clause", counts=parts) if parts else ""))
    return sentences


def verdicts_sentences(result: Result, lang: str, section: str) -> list[str]:
    """Say how many checks of a section came to which verdict."""
    rows = section_rows(result, section)
    if rows.empty:
        return []
    return [
        say(
            lang,
            "verdicts_sentence",
            items=rows["item"].nunique(),
            n=len(rows),
            counts=_counted(lang, rows["verdict"].value_counts()),
            others=other_sites(result, lang, rows["site_id"]),
        )
    ]


def other_sites(result: Result, lang: str, ids: Iterable[object]) -> str:
    """State in brackets how many of these are no sites of the study.

    They are named for comparison, or a group surveyed as one.
    """
    seen = {str(key) for key in ids} - {""}
    compared = len(seen & (set(result.sites.index) - set(in_scope(result).sites.index)))
    counts = {
        "other_sites_compared": compared,
        "other_sites_groups": len(seen - set(result.sites.index)),
    }
    parts = say(lang, "list_comma").join(say(lang, key, n=n) for key, n in counts.items() if n)
    return say(lang, "other_sites", parts=parts) if parts else ""


def claims_sentences(result: Result, lang: str) -> list[str]:
    """Say how many claims came to which verdict, and name those that differ."""
    frame: Any = result.claims
    if frame.empty or "verdict" not in frame:
        return [line for line in (aside(result, "claims", lang),) if line]
    sentences = [
        say(
            lang,
            "claims_sentence",
            n=len(frame),
            counts=_counted(lang, frame["verdict"].value_counts(), "claims"),
        )
    ]
    differing = sorted(frame.loc[frame["verdict"] == "differs", "claim_id"].dropna().astype(str))
    return (
        [*sentences, say(lang, "differing_sentence", ids=", ".join(differing))]
        if differing
        else sentences
    )


def _counted(lang: str, counts: pd.Series, of: str = "") -> str:
    """List verdicts with their numbers, the most frequent first.

    Those of conditions are in their own order; claims that agree or differ come first.
    """
    order = {verdict: at for at, verdict in enumerate(VERDICTS)}
    order |= {"agrees": -3, "differs": -2} if of == "claims" else {}
    items = sorted(
        counts.items(), key=lambda item: (order.get(str(item[0]), -1), -item[1], str(item[0]))
    )
    texts = []
    for verdict, n in items:
        code = str(verdict).replace(" ", "_")
        word = say(lang, f"verdict_{code}") if has(f"verdict_{code}") else str(verdict)
        own = has(f"{of}_{code}")
        texts.append(say(lang, f"{of}_{code}" if own else "counted", n=int(n), what=word))
    return say(lang, "list_comma").join(texts)


def change_finding(result: Result, lang: str) -> str:
    """Say how access changed for those who moved, for the summary; nothing where it is unknown."""
    known = kinds_shown(changes(result), place_groups(result), "change", 1)
    return change_sentences(result, lang, most=1)[0] if known else ""
