"""Indicators of the sites for the map: columns, words, and changes from origin to site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.levels import seat_kinds
from geosettle.maps import encoding
from geosettle.remoteness import COLUMNS, INDICATORS
from geosettle.results.pivots import changes
from geosettle.words import has, say_all, untranslated

_MAIN: Final = {
    "land_mean": ("geodesic", "road", "walk"),
    "land_mean_unweighted": ("geodesic", "road", "walk"),
    "land_max": ("geodesic",),
}
"""Indicators shown in the card at once, in this order; then the nearest seat of a unit of each
level; the others are one click away.
"""
_SEAT: Final = ("geodesic", "road")
_WAYS: Final = {
    "farther": 1.0, "more": 1.0, "nearer": -1.0, "fewer": -1.0, "as before": 0.0,
    "not distinguishable": 2.0,
}  # fmt: skip
"""Direction of a change to the sign of the difference; 2: not distinguishable."""
_ENDS: Final = (("", "value"), ("_low", "low"), ("_high", "high"))


def indicators(result: Result) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Pack the sites' indicators, one per name and metric that has any number.

    Returns
    -------
    columns
        Columns of the table of sites: `i0`, `i0_low`, `i0_high` ... and for the change from origin
        to site `i0_c`, `i0_c_low`, `i0_c_high` (site less origin), `i0_c_way` (1 greater, -1 less,
        0 as before, 2 not distinguishable) and `i0_c_plain` (1: mean of the moves, because
        households are unknown; 0: mean of the households). `i0_n`, `i0_of`: the moves that a mean
        rests on, where it does not rest on all.
    entries
        Per indicator `key` (name and metric, for permalinks), `column`, `name`, `how` (the metric
        in words), `unit`, `main` (shown in the card at once), `unless` (a column whose number makes
        this one redundant) and `change`: whether there is one, in which words: `far` (km, h),
        `more` (of what one wants near) or `remote` (a score).
    """
    found = _found(result)
    changed = _changes(result)
    columns: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    of_key: dict[str, str] = {}
    kinds = [name.removeprefix("nearest_") for name, _ in found if name.startswith("nearest_")]
    seats = reversed(seat_kinds(kinds, result.study.boundaries))
    shown = {**_MAIN, **{f"nearest_{kind}": _SEAT for kind in seats}}
    rank = list(shown)
    names = sorted(found, key=lambda k: (rank.index(k[0]) if k[0] in rank else len(rank), k))
    for i, (name, metric) in enumerate(names):
        rows = found[name, metric]
        column, key = f"i{i}", f"{name}:{metric}"
        of_key[key] = column
        columns |= _packed(rows, column)
        first = rows[["indicator", "kind", "limit", "limit_unit"]].dropna().iloc[0]
        about = {str(k): str(v) for k, v in first.items()}
        partial = rows["n"] < rows["of"]
        if partial.any():
            columns |= {
                f"{column}_{end}": encoding.column(
                    rows[end].where(partial).reset_index(drop=True), digits=0
                )
                for end in ("n", "of")
            }
        entry = {
            "key": key,
            "column": column,
            "name": _name(about),
            "how": _how(metric, result),
            "unit": next((str(u) for u in rows["unit"] if pd.notna(u) and str(u)), ""),
            "main": metric in shown.get(name, ()),
            "unless": of_key.get(f"{name.removesuffix('_unweighted')}:{metric}")
            if name.endswith("_unweighted")
            else None,
        }
        change = changed.get((name, metric))
        if change is not None:
            columns |= _packed(change, f"{column}_c")
            for part in ("plain", "way"):
                columns[f"{column}_c_{part}"] = encoding.column(
                    change[part].reset_index(drop=True), digits=0
                )
            entry["change"] = _direction_words(about["kind"], str(entry["unit"]))
        entries.append(entry)
    return columns, entries


def _found(result: Result) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows per site, in the order of the sites, by indicator and metric.

    Infinite numbers count as missing.
    """
    long = result.remoteness
    if len(long) == 0 or not {"role", "id", "indicator", "value"} <= set(long.columns):
        return {}
    long = long[long["role"].astype(str).eq("site")].reindex(columns=list(COLUMNS))
    # A mean of a single flow without households is no mean by households: the plain mean is used.
    long = long[~(long["kind"].eq("land_mean") & long["weighting"].eq("flows"))]
    texts = ["indicator", "kind", "limit", "limit_unit"]
    long[texts] = long[texts].astype(object).fillna("").astype(str)
    numbers = (
        long[["value", "low", "high", "n", "of"]]
        .apply(pd.to_numeric, errors="coerce")
        .astype("float64")
    )
    long = long.assign(
        **numbers.where(np.isfinite(numbers)),
        id=long["id"].astype(str),
        metric=long["metric"].fillna("").astype(str),
    )
    long = long[long["value"].notna()]
    ids = result.sites.index.astype(str)
    return {
        (str(name), str(metric)): rows.drop_duplicates("id").set_index("id").reindex(ids)
        for (name, metric), rows in long.groupby(["indicator", "metric"], sort=True)
    }


def _changes(result: Result) -> dict[tuple[str, str], pd.DataFrame]:
    """Change per site: weighted by households where these are known.

    Else the mean of the moves, with `plain` = 1.
    """
    found = changes(result)
    found = found[found["role"].astype(str).eq("site")].assign(
        id=lambda f: f["id"].astype(str),
        value=lambda f: f["change"],
        plain=lambda f: f["weighting"].eq("flows").astype(float),
        way=lambda f: f["direction"].map(_WAYS),
    )
    ids = result.sites.index.astype(str)
    return {
        (str(name), str(metric)): rows.set_index("id").reindex(ids)
        for (name, metric), rows in found.groupby(["indicator", "metric"], sort=True)
    }


def _packed(rows: pd.DataFrame, column: str) -> dict[str, Any]:
    return {
        f"{column}{suffix}": encoding.column(rows[end].astype("float64").reset_index(drop=True))
        for suffix, end in _ENDS
        if rows[end].notna().any()
    }


def _direction_words(kind: str, unit: str) -> str:
    if kind in INDICATORS and INDICATORS[kind].more_is == "near":
        return "more"
    return "far" if unit in {"km", "h"} else "remote"


def _name(about: Mapping[str, str]) -> dict[str, str]:
    """Words for an indicator: its own, those of its kind, else its name."""
    name, kind, limit, unit = (about[c] for c in ("indicator", "kind", "limit", "limit_unit"))
    if has(f"ind_{name}"):
        return say_all(f"ind_{name}")
    if not limit or not has(f"ind_{kind}"):
        meaning = INDICATORS[kind].meaning if kind in INDICATORS else ""
        return untranslated(meaning or name.replace("_", " "))
    if unit:
        return say_all(f"ind_{kind}", x=untranslated(f"{limit} {unit}"))
    key = f"kind_{limit}"
    return say_all(
        f"ind_{kind}", x=say_all(key) if has(key) else untranslated(limit.replace("_", " "))
    )


def _how(metric: str, result: Result) -> dict[str, str] | None:
    """Words for a metric: its own, else its meaning, else its name."""
    if not metric:
        return None
    if has(f"metric_{metric}"):
        return say_all(f"metric_{metric}")
    known = result.metrics.get(metric)
    return untranslated((known.meaning if known else "") or metric.replace("_", " "))
