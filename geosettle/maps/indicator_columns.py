"""Indicators of the sites for the map: columns, words, and changes from origin to site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.analysis import Result
from geosettle.levels import seat_kinds
from geosettle.maps import encoding
from geosettle.remoteness import COLUMNS, INDICATORS
from geosettle.results.pivots import changes, shows
from geosettle.words import has, say_all, untranslated

_SEAT: Final = ("geodesic", "road")
"""Metrics by which the card shows the nearest seat of a unit of each level."""
_WAYS: Final = {
    "farther": 1.0, "more": 1.0, "nearer": -1.0, "fewer": -1.0, "as before": 0.0,
    "not distinguishable": 2.0,
}  # fmt: skip
"""Direction of a change to the sign of the difference; 2: not distinguishable."""
_ENDS: Final = (("", "value"), ("_low", "low"), ("_high", "high"))
_TEXTS: Final = ("kind", "limit", "limit_unit", "unit")
_Measured: TypeAlias = dict[tuple[str, str], tuple[dict[str, str], dict[str, NDArray[np.float64]]]]
"""By indicator and metric: texts, and numbers of shape (sites,) in the order of the sites."""


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
    shown = {name: entry.card for name, entry in INDICATORS.items() if entry.card != ()}
    shown |= {f"nearest_{kind}": _SEAT for kind in seats}
    rank = list(shown)
    names = sorted(found, key=lambda k: (rank.index(k[0]) if k[0] in rank else len(rank), k))
    for i, (name, metric) in enumerate(names):
        about, numbers = found[name, metric]
        column, key = f"i{i}", f"{name}:{metric}"
        of_key[key] = column
        columns |= _packed(numbers, column)
        partial = numbers["n"] < numbers["of"]
        if partial.any():
            columns |= {
                f"{column}_{end}": encoding.column(
                    np.where(partial, numbers[end], np.nan), digits=0
                )
                for end in ("n", "of")
            }
        entry = {
            "key": key,
            "column": column,
            "name": _name(about),
            "how": _how(metric, result),
            "unit": about["unit"],
            "main": shows(shown.get(name, shown.get(about["kind"], ())), metric, result),
            "unless": of_key.get(f"{name.removesuffix('_unweighted')}:{metric}")
            if name.endswith("_unweighted")
            else None,
        }
        change = changed.get((name, metric))
        if change is not None:
            columns |= _packed(change[1], f"{column}_c")
            for part in ("plain", "way"):
                columns[f"{column}_c_{part}"] = encoding.column(change[1][part], digits=0)
            entry["change"] = _direction_words(about["kind"], str(entry["unit"]))
        entries.append(entry)
    return columns, entries


def _found(result: Result) -> _Measured:
    """Numbers per site by indicator and metric; infinite ones are missing."""
    long = result.remoteness
    if len(long) == 0 or not {"role", "id", "indicator", "value"} <= set(long.columns):
        return {}
    long = long[long["role"].astype(str).eq("site")].reindex(columns=list(COLUMNS))
    # A mean of a single flow without households is no mean by households: the plain mean is used.
    long = long[~(long["kind"].eq("land_mean") & long["weighting"].eq("flows"))]
    return _of_sites(long, ("value", "low", "high", "n", "of"), result)


def _changes(result: Result) -> _Measured:
    """Change per site: weighted by households where these are known.

    Else the mean of the moves, with `plain` = 1.
    """
    found = changes(result)
    found = found[found["role"].astype(str).eq("site")].assign(
        value=lambda f: f["change"],
        plain=lambda f: f["weighting"].eq("flows"),
        way=lambda f: f["direction"].map(_WAYS),
    )
    return _of_sites(found, ("value", "low", "high", "plain", "way"), result)


def _of_sites(long: pd.DataFrame, ends: tuple[str, ...], result: Result) -> _Measured:
    """Split a long table by indicator and metric: its texts, and numbers in the sites' order."""
    numbers = {end: pd.to_numeric(long[end], errors="coerce").to_numpy("float64") for end in ends}
    numbers = {end: np.where(np.isfinite(of), of, np.nan) for end, of in numbers.items()}
    names = ("indicator", "metric", *_TEXTS)
    texts = long.reindex(columns=list(names)).astype(object).fillna("").astype(str)
    at = pd.Index(result.sites.index.astype(str)).get_indexer(long["id"].astype(str))
    valid = (at >= 0) & ~np.isnan(numbers["value"])
    rows = np.flatnonzero(valid)[::-1]  # the last one written wins: the first row of a site
    groups: dict[Any, Any] = texts.iloc[rows].groupby(["indicator", "metric"]).indices
    made: _Measured = {}
    for (name, metric), chosen in groups.items():
        own = rows[chosen]
        table = np.full((len(ends), len(result.sites)), np.nan)
        table[:, at[own]] = [numbers[end][own] for end in ends]
        about = {text: next((v for v in texts[text].iloc[own[::-1]] if v), "") for text in _TEXTS}
        made[str(name), str(metric)] = (
            {"indicator": str(name), **about},
            dict(zip(ends, table, strict=True)),
        )
    return dict(sorted(made.items()))


def _packed(numbers: Mapping[str, NDArray[np.float64]], column: str) -> dict[str, Any]:
    return {
        f"{column}{suffix}": encoding.column(numbers[end])
        for suffix, end in _ENDS
        if not np.isnan(numbers[end]).all()
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
