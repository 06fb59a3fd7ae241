"""What indicators are given and what they give back; from pairs and points to long frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.distance import Metric
from geosettle.study import in_scope

FloatArray = NDArray[np.float64]

PlaceTables = pd.DataFrame | tuple[pd.DataFrame, ...]
"""Table point x place in the metric's unit; or three of them: values, their least and their
greatest.
"""

COLUMNS: Final = (
    "role", "id", "indicator", "kind", "limit", "limit_unit", "metric", "value", "low", "high",
    "unit", "n", "of", "weighting", "rank_low", "rank_high", "why",
)  # fmt: skip
"""Columns of the long table. `indicator` is `kind` and `limit` in one name.

`nearest_county_seat` is kind `nearest`, limit `county_seat`; `places_within_30min` is kind
`places_within`, limit `30`, limit_unit `min`.
"""

TEXTS: Final = (
    "role",
    "id",
    "indicator",
    "kind",
    "limit",
    "limit_unit",
    "metric",
    "unit",
    "weighting",
    "why",
)


def pair_columns(metrics: Mapping[str, Metric]) -> dict[str, tuple[str, str, str]]:
    """Columns of the metrics in the table of pairs: there, back, unit.

    A metric's distance is the mean of both ways. The time by road comes with its length.

    Examples
    --------
    >>> from geosettle.distance import METRICS
    >>> pair_columns(METRICS)["walk"], pair_columns(METRICS)["road_time"]
    (('walk_out_h', 'walk_back_h', 'h'), ('road_h', 'road_h', 'h'))
    """
    out = {}
    for name, metric in metrics.items():
        back = metric.value.replace("_out_", "_back_")
        out[name] = (metric.value, back if back in metric.columns else metric.value, metric.unit)
        timed = f"{name}_h"
        if metric.unit == "km" and timed in metric.columns:
            out[f"{name}_time"] = (timed, timed, "h")
    return out


@dataclass(frozen=True, eq=False)
class Inputs:
    """What an indicator may use; made by `remoteness`.

    Every number is already in km or h, NaN = missing.

    Attributes
    ----------
    pairs
        One row per pair and metric: `site_id, origin_id, in_study, households, metric, unit, there,
        back, value, low, high`.
    points
        Role (`site`, `origin`) to its frame.
    nearby
        (role, metric) to the table of distances point x place, and where known to those of their
        least and greatest. A place that a table does not have was not asked for.
    places
        Service places by `place_id`, or None.
    options
        The settings of the tables `remoteness` and `services`, by name, and `roads`.
    units
        Metric to its unit, km or h.
    draws
        Metric to drawn distances of the pairs, by (origin_id, site_id), a column for each draw;
        draw d of all pairs belongs together.
    level
        Level at which two drawn values count as different.
    """

    pairs: pd.DataFrame
    points: Mapping[str, gpd.GeoDataFrame]
    nearby: Mapping[tuple[str, str], PlaceTables] = field(default_factory=dict)
    places: gpd.GeoDataFrame | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    draws: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    level: float = 0.9


@dataclass(frozen=True)
class Indicator:
    """One indicator: meaning, source of the formula, needs and the function that computes it.

    Attributes
    ----------
    name
        Key in INDICATORS. A function that answers for several thresholds, modes or kinds of place
        names its rows `name_part`.
    unit
        Unit of the values; empty where each row says it.
    meaning, source
        One sentence each; `source` says where a formula was found, or that its numbers are the
        user's own.
    needs
        `pairs` or `places`.
    function
        ``f(inputs) -> DataFrame`` with `COLUMNS` but the ranks.
    more_is
        `remote` where a larger value is further away, `near` where it means more within reach.
    changes
        Whether it can be taken at the origin and at the site, and so has a change.
    report, card
        Metrics by which the report's table and the map's card show it at once; None: every one.
    """

    name: str
    unit: str
    meaning: str
    source: str
    needs: str
    function: Callable[[Inputs], pd.DataFrame]
    more_is: str = "remote"
    changes: bool = False
    report: tuple[str, ...] | None = None
    card: tuple[str, ...] | None = None


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put long frames together; an empty one with the right columns where there is nothing."""
    whole = [f for f in frames if len(f)]
    if whole:
        return pd.concat(whole, ignore_index=True)
    return pd.DataFrame({c: pd.Series(dtype="str" if c in TEXTS else "float64") for c in COLUMNS})


def named(kind: str, limit: str = "", limit_unit: str = "") -> dict[str, str]:
    """Name an indicator: its kind and limit, and both in one.

    Examples
    --------
    >>> named("places_within", "30", "min")["indicator"], named("land_mean")["indicator"]
    ('places_within_30min', 'land_mean')
    """
    name = f"{kind}_{limit}{limit_unit}" if limit else kind
    return {"indicator": name, "kind": kind, "limit": limit, "limit_unit": limit_unit}


def study_sites(sites: pd.DataFrame) -> list[str]:
    """Ids of the sites that the study is about.

    A site kept for comparison has its own rows and does not enter the figures of the study as a
    whole.
    """
    return [str(i) for i in sites.index[in_scope(sites)]]


def long_pairs(
    pairs: pd.DataFrame,
    sites: pd.DataFrame,
    intervals: pd.DataFrame | None,
    columns: Mapping[str, tuple[str, str, str]],
) -> pd.DataFrame:
    """One row per pair and metric with value, low and high.

    `columns` are those of `pair_columns`. Metrics the pairs do not have are left out.
    """
    flat = pairs.reset_index()
    frames = []
    for metric, (there, back, unit) in columns.items():
        if there not in flat:
            continue
        base = pd.DataFrame(
            {"site_id": flat["site_id"].astype(str), "origin_id": flat["origin_id"].astype(str)}
        )
        base["in_study"] = base["site_id"].isin(study_sites(sites))
        base["households"] = numbers(flat, "households")
        base["metric"], base["unit"] = metric, unit
        base["there"] = numbers(flat, there)
        base["back"] = numbers(flat, back if back in flat else there)
        base["value"] = (base["there"] + base["back"]) / 2
        stem = there.removesuffix(f"_{unit}")
        low, high = (f"{stem}_{end}_{unit}" for end in ("low", "high"))
        if low in flat and high in flat:
            base["low"], base["high"] = numbers(flat, low), numbers(flat, high)
        else:
            base = _with_intervals(base, intervals, metric, (there, back))
        frames.append(base)
    if not frames:
        texts = ["site_id", "origin_id", "metric", "unit"]
        empty = {c: pd.Series(dtype="str") for c in texts} | {"in_study": pd.Series(dtype="bool")}
        figures = ("households", "there", "back", "value", "low", "high")
        return pd.DataFrame(empty | {c: pd.Series(dtype="float64") for c in figures})
    return pd.concat(frames, ignore_index=True).sort_values(
        ["metric", "site_id", "origin_id"], ignore_index=True
    )


def _with_intervals(
    base: pd.DataFrame, intervals: pd.DataFrame | None, metric: str, columns: tuple[str, str]
) -> pd.DataFrame:
    """Intervals drawn for the metric; of the mean of both ways where the ways differ.

    Half the interval of the round trip, where it was drawn; else the mean of the ends of both ways,
    which bounds it.
    """
    if intervals is None or intervals.empty:
        return base.assign(low=np.nan, high=np.nan)
    there, back = columns
    out = _ends(base, intervals, (metric, there))
    if there != back:
        both = (out + _ends(base, intervals, (f"{metric}_back", back))) / 2
        round_trip = (
            _ends(base, intervals, (f"{metric}_round", there.replace("_out_", "_round_"))) / 2
        )
        out = round_trip.where(round_trip.notna().all(axis=1), both)
    # A place stated to lie on the road is farther off wherever else it lies; what is stated is
    # possible all the same.
    value = base["value"]
    return base.assign(low=out["low"].clip(upper=value), high=out["high"].clip(lower=value))


def _ends(base: pd.DataFrame, intervals: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Low and high of the pairs of `base`, in its order."""
    key = ["origin_id", "site_id"]
    known = intervals[intervals["metric"].isin(names)].drop_duplicates(key)
    known = known[[*key, "low", "high"]].astype({"origin_id": str, "site_id": str})
    return base[key].merge(known, on=key, how="left")[["low", "high"]].set_axis(base.index)
