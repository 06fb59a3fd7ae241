"""Scenarios: the same pairs under different closures or speeds, and their differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import MONTHS
from geosettle.distance._inputs import as_flows
from geosettle.distance._metrics import context_of, metric_named, places_of
from geosettle.distance._protocol import Context, Metric
from geosettle.distance.barriers import closed_barriers
from geosettle.distance.road_cleaning import left_out
from geosettle.errors import InputError
from geosettle.reasons import rendered
from geosettle.settings import RoadRules, Settings, check

SCENARIO_COLUMNS: Final = (
    "origin_id",
    "site_id",
    "scenario",
    "metric",
    "unit",
    "value",
    "baseline",
    "change",
    "change_share",
    "effect",
    "why",
)
MONTH_COLUMNS: Final = (
    "origin_id", "site_id", "metric", "months", "months_n", "hours", "longer_h", "why",
)  # fmt: skip
_TEXT: Final = {"origin_id", "site_id", "scenario", "metric", "unit", "effect", "why"}
Options = Mapping[str, Mapping[str, Any]]


@rendered
def scenario_table(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str],
    scenarios: Mapping[str, Options],
    *,
    baseline: str = "as set",
    **layers: Any,
) -> pd.DataFrame:
    """Measure pairs as set and once more under each scenario, and give the differences.

    Parameters
    ----------
    flows, origins, sites
        As in `pair_distances`; flows of one pair count once, those whose ids match nothing are left
        out.
    metrics
        Names in METRICS; those that no scenario touches are left out.
    scenarios
        Name to options per metric, which go before those in `layers`: ``{"winter": {"road":
        {"season": "winter"}}, "slow": {"walk": {"model": "tobler_off_path"}, "road":
        {"class_speed_kmh": {"track": 10}}}}``.
    baseline
        What to call the pairs as set.
    **layers
        dem, landcover, roads, places, options; see `Context`.

    Returns
    -------
    DataFrame
        Long, as `compare_scenarios`; without scenarios it has no rows.

    Raises
    ------
    InputError
        A scenario sets an option that does not exist or to a value that it cannot have, or has the
        name of the baseline.

    Examples
    --------
    >>> import shapely
    >>> roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(76, 0), (77, 0)])], crs=4326)
    >>> places = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76, 77], [0, 0]), index=["a", "b"], crs=4326
    ... )
    >>> flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
    >>> table = scenario_table(
    ...     flows, places, places, ["road"], {"slow": {"road": {"speed_kmh": 20}}}, roads=roads
    ... )
    >>> table.loc[table["metric"] == "road_time", ["scenario", "value", "change", "effect"]].round(
    ...     2
    ... )
      scenario  value  change    effect
    1   as set   2.78    0.00  baseline
    3     slow   5.57    2.78    longer
    """
    check(Settings, scenario=scenarios)
    if baseline in scenarios:
        raise InputError(
            "a scenario has the name of the baseline",
            value=baseline,
            mend="Call it something else.",
        )
    context = context_of(layers)
    origins, sites, pairs = _known(context, flows, origins, sites)
    changed = {name for options in scenarios.values() for name in options}
    parts = [
        compare_scenarios(
            metric, origins, sites, pairs, context, scenarios={baseline: {}, **scenarios}
        )
        for metric in (metric_named(name, context) for name in metrics)
        if changed & set(metric.options)
    ]
    if not parts:
        return pd.DataFrame(
            {c: pd.Series(dtype="str" if c in _TEXT else "float64") for c in SCENARIO_COLUMNS}
        )
    return pd.concat(parts, ignore_index=True)


def _known(
    context: Context, flows: pd.DataFrame, origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, NDArray[np.intp]]:
    """Give origins and sites, and the pairs of the flows whose ids match, each once."""
    table = as_flows(flows)
    origins, sites = (
        places_of(context, frame, role) for frame, role in ((origins, "origin"), (sites, "site"))
    )
    places = [
        frame.index.get_indexer(table[key])
        for frame, key in ((origins, "origin_id"), (sites, "site_id"))
    ]
    pairs = np.unique(np.stack(places, axis=1), axis=0)
    return origins, sites, pairs[(pairs >= 0).all(axis=1)].astype(np.intp)


@rendered
def month_table(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str],
    **layers: Any,
) -> pd.DataFrame:
    """Hours of pairs by month, from barriers and roads that are closed in some months.

    Parameters
    ----------
    flows, origins, sites
        As in `scenario_table`.
    metrics
        Names in METRICS; those without hours are left out.
    **layers
        As in `pair_distances`: `barriers` with a column `closed`, `roads` with a column `season`
        that names the months in which they are open; texts that name none, such as "winter", say
        nothing of months.

    Returns
    -------
    DataFrame
        `MONTH_COLUMNS`, one row per pair, measure and group of months in which the same is closed:
        `months` as in "Nov-Apr", `months_n` how many, `hours`, `longer_h` (more than in the best
        months), `why` where there is no way.

    Examples
    --------
    >>> import shapely
    >>> line = shapely.LineString([(76, 0), (77, 0)])
    >>> roads = gpd.GeoDataFrame({"season": ["May-Oct"]}, geometry=[line], crs=4326)
    >>> at = gpd.points_from_xy([76, 77], [0, 0])
    >>> places = gpd.GeoDataFrame(geometry=at, index=["a", "b"], crs=4326)
    >>> flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
    >>> table = month_table(flows, places, places, ["road"], roads=roads)
    >>> table[["metric", "months", "months_n", "hours"]].round(2)
          metric   months  months_n  hours
    0  road_time  Nov-Apr         6    NaN
    1  road_time  May-Oct         6   2.78
    """
    context = context_of(layers)
    origins, sites, pairs = _known(context, flows, origins, sites)
    groups = _alike(context)
    frames = []
    for metric in (metric_named(name, context) for name in metrics):
        timed = {n: column for n, (column, unit) in metric.measured.items() if unit == "h"}
        for months in groups if timed else ():
            options = {name: {"month": months[0]} for name in ("walk", "road")}
            found = metric.pairs(origins, sites, pairs, _under(context, options))
            for name, column in timed.items():
                values = {
                    "origin_id": origins.index.to_numpy()[pairs[:, 0]],
                    "site_id": sites.index.to_numpy()[pairs[:, 1]],
                    "metric": name,
                    "months": _spans(months),
                    "months_n": len(months),
                    "hours": found[column].to_numpy(dtype=np.float64),
                    "longer_h": np.nan,
                    "why": np.where(found[column].isna(), found["why"], ""),
                }
                frames.append(pd.DataFrame(values, columns=list(MONTH_COLUMNS)))
    if not frames:
        return pd.DataFrame(columns=list(MONTH_COLUMNS))
    table = pd.concat(frames, ignore_index=True)
    keys = ["origin_id", "site_id", "metric"]
    table["longer_h"] = table["hours"] - table.groupby(keys)["hours"].transform("min")
    return table.sort_values(keys, kind="stable", ignore_index=True)


def _alike(context: Context) -> list[list[int]]:
    """Group the months in which the same barriers and roads are closed."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    rules = RoadRules(**context.options.get("road", {}))
    for month in range(1, 13):
        closed: list[Any] = []
        if context.barriers is not None:
            closed += closed_barriers(context.barriers, month).index.tolist()
        closed.append("")
        if context.roads is not None:
            out = left_out(context.roads, replace(rules, month=month)) != ""
            closed += np.flatnonzero(out).tolist()
        groups.setdefault(tuple(closed), []).append(month)
    return list(groups.values())


def _spans(months: Sequence[int]) -> str:
    """Write months as spans that go on after December."""
    if len(months) == 12:
        return "Jan-Dec"
    out = []
    for first in (m for m in months if (m - 2) % 12 + 1 not in months):
        last = first
        while last % 12 + 1 in months:
            last = last % 12 + 1
        ends = dict.fromkeys((first, last))
        out.append("-".join(MONTHS[m - 1].title() for m in ends))
    return ", ".join(out)


@rendered
def compare_scenarios(
    metric: Metric,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    context: Context,
    *,
    scenarios: Mapping[str, Options],
) -> pd.DataFrame:
    """Measure pairs under several scenarios and compare each with the first.

    Parameters
    ----------
    metric
        An entry of METRICS.
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`.
    scenarios
        Name to options per metric, which go before those of the context:
        ``{"open": {}, "winter": {"road": {"season": "winter"}}}``. The first is what the others are
        compared with.

    Returns
    -------
    DataFrame
        Long, one row per scenario, measure and pair: `origin_id, site_id, scenario, metric, unit,
        value, baseline, change, change_share, effect, why`. `metric` is a measure of METRICS
        ("road" in km, "road_time" in h, "walk", "walk_back" ...). `effect` is ``baseline``,
        ``same``, ``longer``, ``shorter``, ``lost`` (only the baseline has a value), ``gained``
        (only the scenario has one) or ``unknown`` (neither has one).

    Raises
    ------
    InputError
        Fewer than two scenarios.

    Examples
    --------
    >>> import shapely
    >>> from geosettle.distance import METRICS
    >>> at = gpd.points_from_xy
    >>> origins = gpd.GeoDataFrame(index=["o"], geometry=at([76], [0]), crs=4326)
    >>> sites = gpd.GeoDataFrame(index=["s"], geometry=at([77], [0]), crs=4326)
    >>> roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(76, 0), (77, 0)])], crs=4326)
    >>> speeds = {"now": {}, "fast": {"road": {"speed_kmh": 80}}}
    >>> found = compare_scenarios(
    ...     METRICS["road"], origins, sites, np.array([[0, 0]]), Context(roads=roads),
    ...     scenarios=speeds,
    ... )
    >>> found.loc[found["metric"] == "road_time", "effect"].tolist()
    ['baseline', 'shorter']
    """
    if len(scenarios) < 2:
        raise InputError("a comparison needs two scenarios or more", value=len(scenarios))
    frames: list[pd.DataFrame] = []
    first: dict[str, NDArray[np.float64]] = {}
    for scenario, options in scenarios.items():
        found = metric.pairs(origins, sites, pairs, _under(context, options))
        for name, (column, unit) in metric.measured.items():
            value = found[column].to_numpy(dtype=np.float64)
            baseline = first.setdefault(name, value)
            change = value - baseline
            share = np.divide(
                change, baseline, out=np.full_like(change, np.nan), where=baseline > 0
            )
            values = {
                "origin_id": origins.index.to_numpy()[pairs[:, 0]],
                "site_id": sites.index.to_numpy()[pairs[:, 1]],
                "scenario": scenario,
                "metric": name,
                "unit": unit,
                "value": value,
                "baseline": baseline,
                "change": change,
                "change_share": share,
                "effect": "baseline" if baseline is value else _effect(value, baseline),
                "why": found["why"].to_numpy(),
            }
            frames.append(pd.DataFrame(values, columns=list(SCENARIO_COLUMNS)))
    return pd.concat(frames, ignore_index=True)


def _under(context: Context, options: Options) -> Context:
    """Give a context with options that go before its own."""
    merged = {
        m: {**context.options.get(m, {}), **options.get(m, {})}
        for m in {*context.options, *options}
    }
    return replace(context, options=merged)


def _effect(value: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.str_]:
    """Say in a word what a scenario does to each pair; differences below a billionth are none."""
    here, there = np.isfinite(value), np.isfinite(baseline)
    same = np.isclose(value, baseline, rtol=1e-9, atol=0)
    conditions = [~here & ~there, ~here, ~there, same, value > baseline]
    return np.select(conditions, ["unknown", "lost", "gained", "same", "longer"], default="shorter")
