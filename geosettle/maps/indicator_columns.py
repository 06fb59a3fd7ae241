"""Indicators of the sites for the map: their columns, their words, and what changed between origin
and site.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.maps import encoding
from geosettle.words import has, say_all, untranslated
from geosettle.remoteness import INDICATORS

__all__ = ["indicators"]

_MAIN: Final = {
    "land_mean": ("geodesic", "road", "walk"),
    "land_mean_unweighted": ("geodesic", "road", "walk"),
    "land_max": ("geodesic",),
    "nearest_township_seat": ("geodesic",),
    "nearest_county_seat": ("geodesic", "road"),
    "nearest_prefecture_seat": ("geodesic",),
    "nearest_port": ("geodesic",),
}
"""Indicators shown in the card at once, in this order; the others are one click away."""
_CHANGE: Final = re.compile(r"change_of_(?P<name>.+?)(?P<plain>_per_flow)?")
_VARIANT: Final = re.compile(r"(?P<stem>land_beyond|land_radii_unweighted|land_radii|nearest|places_within)_(?P<x>.+)")
_ENDS: Final = (("", "value"), ("_low", "low"), ("_high", "high"))


def indicators(result: Result) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Pack the sites' indicators, one per name and metric that has any number.

    Returns
    -------
    columns
        Columns of the table of sites: `i0`, `i0_low`, `i0_high` ... and for the change from origin
        to site `i0_c`, `i0_c_low`, `i0_c_high` (site less origin), `i0_c_way` (1 greater, -1 less,
        0 as before, 2 not distinguishable) and `i0_c_plain` (1: mean of the moves, because
        households are unknown; 0: mean of the households).
    entries
        Per indicator `key` (name and metric, for permalinks), `column`, `name`, `how` (the metric
        in words), `unit`, `main` (shown in the card at once), `unless` (a column whose number makes
        this one redundant) and `change`: whether there is one, in which words: `far` (km, h),
        `more` (of what one wants near) or `remote` (a score).
    """
    found = _found(result)
    changes = _changes(found)
    columns: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    of_key: dict[str, str] = {}
    names = [k for k in found if not k[0].startswith("change_of_")]
    rank = list(_MAIN)
    names.sort(key=lambda k: (rank.index(k[0]) if k[0] in rank else len(rank), k))
    for i, (name, metric) in enumerate(names):
        rows = found[name, metric]
        column, key = f"i{i}", f"{name}:{metric}"
        of_key[key] = column
        columns |= _packed(rows, column)
        entry = {
            "key": key,
            "column": column,
            "name": _name(name),
            "how": _how(metric, result),
            "unit": next((str(u) for u in rows["unit"] if pd.notna(u) and str(u)), ""),
            "main": metric in _MAIN.get(name, ()),
            "unless": of_key.get(f"{name.removesuffix('_unweighted')}:{metric}")
            if name.endswith("_unweighted")
            else None,
        }
        change = changes.get((name, metric))
        if change is not None:
            columns |= _packed(change, f"{column}_c")
            for part in ("plain", "way"):
                columns[f"{column}_c_{part}"] = encoding.column(change[part].reset_index(drop=True), digits=0)
            entry["change"] = _direction_words(name, str(entry["unit"]))
        entries.append(entry)
    return columns, entries


def _found(result: Result) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows per site, in the order of the sites, by indicator and metric; infinite numbers count as
    missing.
    """
    long = result.remoteness
    if len(long) == 0 or not {"role", "id", "indicator", "value"} <= set(long.columns):
        return {}
    long = long[long["role"].astype(str).eq("site")].reindex(
        columns=["id", "indicator", "metric", "value", "low", "high", "unit"]
    )
    numbers = long[["value", "low", "high"]].apply(pd.to_numeric, errors="coerce").astype("float64")
    long = long.assign(
        **numbers.where(np.isfinite(numbers)),
        id=long["id"].astype(str),
        indicator=long["indicator"].astype(str),
        metric=long["metric"].fillna("").astype(str),
    )
    long = long[long["value"].notna()]
    ids = result.sites.index.astype(str)
    return {
        (str(name), str(metric)): rows.drop_duplicates("id").set_index("id").reindex(ids)
        for (name, metric), rows in long.groupby(["indicator", "metric"], sort=True)
    }


def _changes(found: dict[tuple[str, str], pd.DataFrame]) -> dict[tuple[str, str], pd.DataFrame]:
    """Change per site: weighted by households where these are known, else the mean of the moves,
    with `plain` = 1.
    """
    out: dict[tuple[str, str], pd.DataFrame] = {}
    for (name, metric), rows in found.items():
        match = _CHANGE.fullmatch(name)
        if not match or (match["name"], metric) not in found:
            continue
        own = rows.assign(plain=np.where(rows["value"].notna(), float(bool(match["plain"])), np.nan))
        other = out.get((match["name"], metric))
        if other is None:
            out[match["name"], metric] = own
        else:
            weighted, plain = (other, own) if match["plain"] else (own, other)
            known = weighted["value"].notna()
            out[match["name"], metric] = weighted.where(known, plain)
    return {key: rows.assign(way=_way(rows)) for key, rows in out.items()}


def _way(rows: pd.DataFrame) -> pd.Series[float]:
    """Which way a change goes, as `geosettle.remoteness.change` says it: only an interval without 0
    has a direction.
    """
    low, high = rows["low"], rows["high"]
    way = pd.Series(
        np.select([low > 0, high < 0, (low == 0) & (high == 0)], [1.0, -1.0, 0.0], default=2.0), index=rows.index
    )
    return way.where(rows["value"].notna())


def _packed(rows: pd.DataFrame, column: str) -> dict[str, Any]:
    return {
        f"{column}{suffix}": encoding.column(rows[end].astype("float64").reset_index(drop=True))
        for suffix, end in _ENDS
        if rows[end].notna().any()
    }


def _direction_words(name: str, unit: str) -> str:
    if any(entry.more_is == "near" for n, entry in INDICATORS.items() if name == n or name.startswith(f"{n}_")):
        return "more"
    return "far" if unit in {"km", "h"} else "remote"


def _name(name: str) -> dict[str, str]:
    """Words for an indicator: its own, those of its family, else its name."""
    if has(f"ind_{name}"):
        return say_all(f"ind_{name}")
    match = _VARIANT.fullmatch(name)
    if match:
        what = match["x"]
        kind = f"kind_{what}"
        amount = re.fullmatch(r"([\d.]+)(km|h|min)", what)
        said = (
            say_all(kind) if has(kind) else untranslated(f"{amount[1]} {amount[2]}" if amount else what.replace("_", " "))
        )
        return say_all(f"ind_{match['stem']}", x=said)
    meaning = INDICATORS[name].meaning if name in INDICATORS else ""
    return untranslated(meaning or name.replace("_", " "))


def _how(metric: str, result: Result) -> dict[str, str] | None:
    """Words for a metric: its own, else its meaning, else its name."""
    if not metric:
        return None
    if has(f"metric_{metric}"):
        return say_all(f"metric_{metric}")
    known = result.metrics.get(metric)
    return untranslated((known.meaning if known else "") or metric.replace("_", " "))
