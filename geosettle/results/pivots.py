"""Long tables turned into wide ones.

One row per site, one column per indicator, model or constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.distance import METRICS
from geosettle.remoteness import CHANGE_COLUMNS, INDICATORS
from geosettle.results import flat, name_of, number, oasis_shares
from geosettle.tables import round_to

_MOST_KINDS: Final = 3
VERDICTS: Final = ("met", "undecidable", "not met", "measured", "unknown")
"""Verdicts of conditions, in the order of tables and charts; others follow."""


def ranged_text(value: float, low: float, high: float, most: int = 1, *, sign: bool = False) -> str:
    """Write a value with its range, each with the digits that the range carries.

    Examples
    --------
    >>> ranged_text(-56.41, -82.4, -21.5), ranged_text(24.2, float("nan"), float("nan"), sign=True)
    ('-56 (-82 … -22)', '+24.2')
    """
    if not np.isfinite(value):
        return ""
    known = bool(np.isfinite(low) and np.isfinite(high))
    half = (high - low) / 2 if known else np.nan
    value, low, high = (float(round_to(part, half, most)) for part in (value, low, high))
    text = f"{value:+,.6g}" if sign and value else f"{value:,.6g}"
    return f"{text} ({low:,.6g} … {high:,.6g})" if known and low != high else text


def place_groups(result: Result) -> Collection[str]:
    """Return the names that the study gives to kinds of places that serve alike."""
    groups: Collection[str] = result.study.settings.services.groups
    return groups


def kinds_shown(
    frame: pd.DataFrame, groups: Collection[str], value: str = "value", most: int = _MOST_KINDS
) -> list[tuple[str, str, str]]:
    """Return indicator, metric and unit of the kinds of places with most values at sites.

    The straight line is first.

    `groups`, the names of kinds that serve alike, come last: one repeats the kinds in it.
    """
    if frame.empty or "kind" not in frame:
        return []
    rows = frame[(frame["role"] == "site") & (frame["kind"] == "nearest")]
    rows = rows.assign(value=numbers(rows, value))
    counts = (
        rows.groupby(["indicator", "limit", "metric", "unit"])["value"]
        .count()
        .reset_index(name="n")
    )
    counts = counts[counts["n"] > 0].assign(
        straight=lambda f: f["metric"] == "geodesic", group=lambda f: f["limit"].isin(list(groups))
    )
    counts = counts.sort_values(["straight", "n"], ascending=False, kind="stable").drop_duplicates(
        "indicator"
    )
    counts = counts.sort_values(["group", "n", "indicator"], ascending=[True, False, True])
    return [(str(r.indicator), str(r.metric), str(r.unit)) for r in counts.head(most).itertuples()]


def remoteness_wide(result: Result, covered: Callable[[int, int], str]) -> pd.DataFrame:
    """Return one row per site: the main indicators as text, with their ranges.

    The range is what the positions allow. `covered(n, of)` is added where a mean does not rest on
    all moves.

    Columns are named `ind_<indicator>_<metric>`; those without any value are left out.
    """
    frame = flat(result.remoteness)
    if frame.empty or "role" not in frame:
        return pd.DataFrame()
    sites = frame[frame["role"] == "site"]
    made = pd.DataFrame(
        {"name": {key: name_of(result.sites, key) for key in sorted(sites["id"].unique())}}
    )
    for indicator, metric, most in _columns_shown(result, frame, sites):
        rows = sites[(sites["indicator"] == indicator) & (sites["metric"] == metric)].set_index(
            "id"
        )
        columns = [numbers(rows, name) for name in ("value", "low", "high")]
        if columns[0].notna().any():
            texts = [ranged_text(a, b, c, most) for a, b, c in zip(*columns, strict=True)]
            counts = zip(texts, numbers(rows, "n"), numbers(rows, "of"), strict=True)
            texts = [
                f"{t}; {covered(int(n), int(of))}" if t and n < of else t for t, n, of in counts
            ]
            made[f"ind_{indicator}_{metric}"] = pd.Series(texts, index=rows.index)
    return made.reset_index(drop=True)


def _columns_shown(
    result: Result, frame: pd.DataFrame, sites: pd.DataFrame
) -> list[tuple[str, str, int]]:
    """Return indicator, metric and decimals of the report's columns.

    Those of the pairs, the nearest places, those of the places: as `INDICATORS` says, in its order.
    Of several farming radii the widest is shown.
    """
    radii = result.study.settings.remoteness.farming_radius_km
    others = {*radii} - {max(radii, key=lambda mode: radii[mode])} if radii else set()
    about = ["indicator", "kind", "limit", "metric"]
    rows = sites.reindex(columns=about).astype(object).fillna("").astype(str).drop_duplicates()
    rows = rows[~rows["limit"].isin(others)].sort_values("indicator")
    made: dict[str, list[tuple[str, str, int]]] = {"pairs": [], "places": []}
    for kind, entry in INDICATORS.items():
        for row in rows[rows["kind"] == kind].to_dict("records"):
            if shows(entry.report, row["metric"], result):
                decimals = 2 if entry.needs == "places" else 1
                made[entry.needs].append((row["indicator"], row["metric"], decimals))
    nearest = [(name, metric, 1) for name, metric, _ in kinds_shown(frame, place_groups(result))]
    return [*made["pairs"], *nearest, *made["places"]]


def shows(metrics: tuple[str, ...] | None, metric: str, result: Result) -> bool:
    """Tell whether an indicator is shown at once by a metric: as its entry says.

    By a metric that was given to `analyse` it is.
    """
    given = metric in result.metrics and metric not in METRICS
    return metrics is None or metric in metrics or (given and bool(metrics))


def changes(result: Result) -> pd.DataFrame:
    """Return the change of each indicator for those who moved.

    One row per site, and one for the study as a whole.

    The columns of `geosettle.remoteness.change`. Of the two weightings, by households where they
    are known, else every move counted once.
    """
    frame = flat(result.access_change, *CHANGE_COLUMNS)[list(CHANGE_COLUMNS)]
    known = frame[numbers(frame, "change").notna()]
    keys = ["role", "id", "indicator", "metric"]
    order = [*keys, "weighting"]  # households before flows
    known = known.sort_values(order, ascending=[True] * 4 + [False])
    return known.drop_duplicates(keys).reset_index(drop=True)


def models_wide(result: Result, word: Callable[[str, object], str]) -> tuple[pd.DataFrame, int]:
    """Return one row per site and one column per model.

    Return also the number of sites with no declared model and no decided condition.

    A cell says whether the model is declared, then how many of its conditions are met, not met,
    cannot be decided.
    """
    frame = flat(result.livelihood)
    conditions = _section(frame, "model condition")
    numbered = _section(frame, "model")
    declared = numbered.set_index(["site_id", "item"])["verdict"]
    number_of = dict(zip(numbered["item"], numbered["model"], strict=True))
    decided = conditions[conditions["verdict"] != "unknown"]
    stated = declared[declared.isin(["declared"])]
    sites = sorted({*decided["site_id"], *stated.index.get_level_values(0)} - {""})
    models = list(dict.fromkeys(declared.index.get_level_values(1)))
    counts: Any = decided.groupby(["site_id", "model", "verdict"]).size().to_dict()
    stated_pairs = set(stated.index)
    rows = []
    for site in sites:
        row = {"name": name_of(result.sites, site)}
        for model in models:
            key = (site, number_of[model])
            parts = [
                f"{n} {word('verdict', v)}" for v in VERDICTS if (n := counts.get((*key, v), 0))
            ]
            first = [word("verdict", "declared")] if (site, model) in stated_pairs else []
            row[model] = word("list", "gap").join(first + parts)
        rows.append(row)
    everyone = {*conditions["site_id"], *declared.index.get_level_values(0)} - {""}
    return pd.DataFrame(rows, columns=["name", *models]), len(everyone) - len(sites)


def conditions_wide(
    result: Result, section: str, word: Callable[[str, object], str]
) -> tuple[pd.DataFrame, int]:
    """Return one row per site or group and one column per constraint or check.

    Return also the number of rows without any.

    A cell is the measured value with its range and unit, and the verdict where there is a
    threshold.
    """
    rows = _section(flat(result.livelihood), section)
    decided = rows[rows["verdict"] != "unknown"]
    made: dict[str, dict[str, str]] = {}
    for row in decided.sort_values(["site_id", "item"]).to_dict("records"):
        key = str(row["site_id"])
        name = name_of(result.sites, key) if key in result.sites.index else word("subject", key)
        value = row["after"] if np.isfinite(row["after"]) else row["change"]
        parts = (
            [f"{ranged_text(value, row['low'], row['high'])} {word('unit', row['unit'])}".strip()]
            if np.isfinite(value)
            else []
        )
        parts += (
            [word("verdict", row["verdict"])] if row["verdict"] != "measured" or not parts else []
        )
        made.setdefault(key, {"name": name})[str(row["item"])] = word("list", "gap").join(parts)
    items = [
        item for item in dict.fromkeys(rows["item"].astype(str)) if (decided["item"] == item).any()
    ]
    return pd.DataFrame(list(made.values()), columns=["name", *items]), rows[
        "site_id"
    ].nunique() - len(made)


def verdict_counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many rows of each item have each verdict, items in their order.

    `note` is the threshold in words.
    """
    names = rows["verdict"].fillna("").astype(str)
    found = sorted(
        set(names) - {""}, key=lambda v: (VERDICTS.index(v) if v in VERDICTS else len(VERDICTS), v)
    )
    counts = pd.crosstab(rows["item"].astype(str), names).reindex(columns=found, fill_value=0)
    items = list(dict.fromkeys(rows["item"].astype(str)))
    return counts.reindex(items).rename_axis(index="item", columns=None).reset_index()


def _section(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of one part of the livelihood account, numbers as floats, texts as texts."""
    columns = (
        "section", "site_id", "item", "capital", "model", "condition", "verdict", "unit",
        "weighting", "note", "source",
    )  # fmt: skip
    made = frame.assign(
        **{c: frame[c].fillna("").astype(str) if c in frame else "" for c in columns}
    )
    made = made.assign(
        **{
            c: numbers(made, c)
            for c in ("before", "after", "change", "low", "high", "n", "at_most", "at_least")
        }
    )
    return made[made["section"] == name]


def section_rows(result: Result, *names: str) -> pd.DataFrame:
    """Rows of some parts of the livelihood account, in their order."""
    frame = flat(result.livelihood)
    return pd.concat([_section(frame, name) for name in names], ignore_index=True)


def other_sections(result: Result, known: Sequence[str]) -> list[str]:
    """Return the parts of the livelihood account that no section of the report is made for."""
    frame: Any = result.livelihood
    return (
        []
        if "section" not in frame
        else [s for s in dict.fromkeys(frame["section"]) if s not in known]
    )


def oasis_wide(result: Result) -> pd.DataFrame:
    """Return one row per unit: its oasis share at each setting, in percent.

    Published and printed figures are columns too.
    """
    sources = result.oasis.groupby("name")["source"].agg(
        lambda texts: "; ".join(sorted(set(texts.dropna())))
    )
    rows = [
        {"name": share.name}
        | {
            f"oasis_{setting}": share.derived.get(setting, np.nan)
            for setting in ("low", "central", "high")
        }
        | {
            "oasis_published": ", ".join(dict.fromkeys(map(number, share.published))),
            "oasis_printed": ", ".join(dict.fromkeys(map(number, share.printed))),
            "source": sources.get(share.name, ""),
        }
        for share in oasis_shares(result)
    ]
    return pd.DataFrame(rows).round(1)
