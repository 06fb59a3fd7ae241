"""How far settlements are from the land their households left: five metrics, one table of pairs.

A metric is one entry in METRICS. Everything here takes origins and sites as GeoDataFrames whose
index is the id (points or areas, WGS84) and gives kilometres or hours; what cannot be computed is
NaN, with its reason in `why`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance._bounds import nearest_by
from geosettle.distance._inputs import LonLat, as_located, position_unknown, rows_at
from geosettle.distance._metrics import (
    METRICS,
    blocks,
    context_of,
    matrix_of,
    metric_named,
    places_of,
    shares,
)
from geosettle.distance._pairs import (
    ESTIMATES,
    FLAGS,
    PAIR_COLUMNS,
    flag_codes,
    has_flag,
    measured,
    pair_distances,
)
from geosettle.distance._protocol import Context, Metric, positions
from geosettle.distance._solver.geodesic_search import rank_in_group
from geosettle.distance.cost_distance import cost_distance, travel_time
from geosettle.distance.geodesic import geodesic_distance, nearest_geodesic
from geosettle.distance.intervals import distance_intervals, sample_distances
from geosettle.distance.paths import PATH_COLUMNS, WAYS, least_cost_paths
from geosettle.distance.sampling import rank_intervals
from geosettle.distance.scenarios import (
    MONTH_COLUMNS,
    SCENARIO_COLUMNS,
    compare_scenarios,
    month_table,
    scenario_table,
)
from geosettle.errors import InputError
from geosettle.executors import executor_of, in_order
from geosettle.reasons import concerning, reason, rendered, word
from geosettle.settings import DEFAULTS, Spread

__all__ = [
    "ESTIMATES",
    "FLAGS",
    "METRICS",
    "MONTH_COLUMNS",
    "PAIR_COLUMNS",
    "PATH_COLUMNS",
    "SCENARIO_COLUMNS",
    "WAYS",
    "Context",
    "Metric",
    "Spread",
    "compare_scenarios",
    "cost_distance",
    "distance_intervals",
    "distance_matrix",
    "distance_table",
    "flag_codes",
    "geodesic_distance",
    "has_flag",
    "least_cost_paths",
    "month_table",
    "nearest",
    "pair_distances",
    "rank_intervals",
    "sample_distances",
    "scenario_table",
    "travel_time",
]


def distance_matrix(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metric: str = "geodesic",
    *,
    out: Path | str | None = None,
    sink: Callable[[pd.DataFrame], object] | None = None,
    block_cells: int = 4_000_000,
    executor: Any = None,
    **layers: Any,
) -> pd.DataFrame:
    """Distance of every origin from every site.

    Parameters
    ----------
    origins, sites
        Points or areas by id; see `pair_distances`.
    metric
        A name in METRICS.
    out
        Where the matrix would not fit: a Parquet file that it is streamed to in blocks of rows; the
        result is empty.
    sink
        Instead of `out`: called with one block of rows after the other.
    block_cells
        Cells of a block.
    executor
        Where to measure: a concurrent.futures executor, or a distributed.Client; None is here.
        Layers are sent with every share of the work. It changes no value.
    **layers
        dem, landcover, roads, places, options, as the metric needs; see `Context`.

    Returns
    -------
    DataFrame
        Origins x sites, km or h (`METRICS[metric].unit`); NaN where it cannot be computed.

    Raises
    ------
    UnknownNameError
        No such metric.
    InputError
        Positions that cannot be used.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76, 77], [39, 39]), index=["a", "b"], crs=4326
    ... )
    >>> distance_matrix(places, places).round(1)
    site_id       a     b
    origin_id
    a           0.0  86.6
    b          86.6   0.0
    """
    chosen, context = metric_named(metric), context_of(layers)
    origins, sites = (
        places_of(context, frame, role) for frame, role in ((origins, "origin"), (sites, "site"))
    )
    if out is not None:
        from geosettle.io.parquet import parquet_blocks  # noqa: PLC0415  (slow to load)

        with parquet_blocks(out) as write:
            options = {"sink": write, "block_cells": block_cells, "executor": executor, **layers}
            return distance_matrix(origins, sites, metric, **options)
    rows: list[Any] = [slice(None)]
    if executor is not None:
        context = context.sent(len(origins), len(sites))
        rows = shares(len(origins))
    if sink is not None:
        rows = list(blocks(len(origins), len(sites), block_cells))
    measure = partial(_matrix_rows, chosen, sites, context)
    found = in_order(executor_of(executor), measure, (origins.iloc[some] for some in rows))
    if sink is None:
        return pd.concat(list(found)) if len(rows) > 1 else next(found)
    for block in found:
        sink(block)
    return pd.DataFrame(index=origins.index[:0], columns=sites.index, dtype=np.float64)


def _matrix_rows(
    metric: Metric, sites: gpd.GeoDataFrame, context: Context, origins: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Rows of a matrix."""
    values = matrix_of(metric, origins, sites, context)
    return pd.DataFrame(values, index=origins.index, columns=sites.index)


@rendered
def nearest(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    k: int | None = 1,
    max_km: float | None = None,
    *,
    metric: str = "geodesic",
    max_h: float | None = None,
    executor: Any = None,
    **layers: Any,
) -> pd.DataFrame:
    """Nearest sites of every origin, exactly.

    Parameters
    ----------
    origins, sites
        Points or areas by id; areas are measured edge to edge.
    k
        How many per origin; None: all within the limit.
    max_km, max_h
        Only sites within this distance (metrics in km) or time (metrics in h).
    metric
        A name in METRICS.
    executor, **layers
        As in `distance_matrix`.

    Returns
    -------
    DataFrame
        By (origin_id, site_id), sorted by origin and rank: `rank` (1 = nearest; equal distances by
        site id), the metric's value (`geodesic_km`), `why`. An origin without any site keeps one
        row, with an empty site_id and the reason in `why`. Sites without position are never near.

    Raises
    ------
    InputError
        k below 1, or neither k nor a limit.
    UnknownNameError
        No such metric.

    Examples
    --------
    >>> villages = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76.1], [39]), index=["v"], crs=4326
    ... )
    >>> places = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76, 77], [39, 39]), index=["a", "b"], crs=4326
    ... )
    >>> nearest(villages, places, k=2)[["rank", "geodesic_km"]].round(3)
                       rank  geodesic_km
    origin_id site_id
    v         a           1        8.663
              b           2       77.963
    """
    chosen = metric_named(metric)
    limit = max_km if chosen.unit == "km" else max_h
    if (k is not None and k < 1) or (k is None and limit is None):
        raise InputError(
            "nearest needs k of 1 or more, or a limit", value=k, mend="Give k=1, or max_km=50."
        )
    if limit is not None and not limit >= 0:
        raise InputError("the limit must be a distance of 0 or more", value=limit)
    (origins, one), (sites, two) = (
        _in_order(*as_located(origins, "origin")),
        _in_order(*as_located(sites, "site")),
    )
    points = (one, two) if one is not None and two is not None else None
    context = context_of(layers)
    if executor is None:
        i, j, value = _search(chosen, sites, context, k, limit, (origins, points))
    else:
        parts = shares(len(origins))
        send = partial(_search, chosen, sites, context.sent(len(origins), len(sites)), k, limit)
        some = ((origins.iloc[p], points and (_part(points[0], p), points[1])) for p in parts)
        found = list(in_order(executor_of(executor), send, some))
        i = np.concatenate([p.start + f[0] for p, f in zip(parts, found, strict=True)])
        j, value = (np.concatenate([f[n] for f in found]) for n in (1, 2))
    return _with_the_lonely(i, j, value, origins, sites, limit=limit, metric=chosen)


def _search(  # noqa: PLR0917
    metric: Metric,
    sites: gpd.GeoDataFrame,
    context: Context,
    k: int | None,
    limit: float | None,
    some: tuple[gpd.GeoDataFrame, tuple[LonLat, LonLat] | None],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Find the nearest sites of some origins: positions of origin and site, and the value."""
    origins, points = some
    if metric.name != "geodesic":
        return nearest_by(metric, origins, sites, points, context, k=k, limit=limit)
    most = np.inf if limit is None else limit * 1000
    i, j, metres = nearest_geodesic(origins, sites, points, k=k, max_m=most)
    return i, j, metres / 1000


def _part(at: LonLat, rows: slice) -> LonLat:
    return at[0][rows], at[1][rows]


def _in_order(
    places: gpd.GeoDataFrame, points: LonLat | None
) -> tuple[gpd.GeoDataFrame, LonLat | None]:
    """Sort places by id, so that ties and the table do not depend on the order given."""
    if places.index.is_monotonic_increasing:
        return places, points
    order = np.argsort(places.index.to_numpy(dtype=object), kind="stable")
    return places.iloc[order], None if points is None else (points[0][order], points[1][order])


_nearest = nearest  # distance_table has an option of this name


def _with_the_lonely(
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    value: NDArray[np.float64],
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    *,
    limit: float | None,
    metric: Metric,
) -> pd.DataFrame:
    """Make the table of nearest sites, with a row and a reason for each origin without one."""
    alone = np.flatnonzero(np.bincount(i, minlength=len(origins)) == 0)
    rank = (
        rank_in_group(i) if len(i) > len(origins) - len(alone) else np.ones(len(i), dtype=np.int64)
    )
    why: Any = pd.Series([""], dtype="str").array.take(np.zeros(len(i), dtype=np.intp))
    if alone.size:
        unknown = np.isnan(positions(origins)[0])
        lost, none = (
            concerning(text, metric.value)
            for text in (position_unknown(["origin"]), _none_near(sites, limit, metric.unit))
        )
        reasons = [lost if unknown[a] else none for a in alone]
        order = np.argsort(np.r_[i, alone], kind="stable")
        i, j = np.r_[i, alone][order], np.r_[j, np.full(len(alone), -1)][order]
        value, rank = (
            np.r_[value, np.full(len(alone), np.nan)][order],
            np.r_[rank, np.zeros(len(alone), int)][order],
        )
        why = (
            pd.concat([pd.Series(why), pd.Series(reasons, dtype="str")], ignore_index=True)
            .iloc[order]
            .array
        )
    levels = [origins.index, sites.index.append(pd.Index([""], dtype="str"))]
    codes: list[Any] = [i, np.where(j < 0, len(sites), j)]
    index = pd.MultiIndex(
        levels=levels, codes=codes, names=["origin_id", "site_id"], verify_integrity=False
    )
    ranks = pd.arrays.IntegerArray(rank.astype(np.int64, copy=False), rank == 0)
    return pd.DataFrame({"rank": ranks, metric.value: value, "why": why}, index=index, copy=False)


def _none_near(sites: gpd.GeoDataFrame, limit: float | None, unit: str) -> str:
    """Why an origin has no site near it."""
    if not np.isfinite(positions(sites)[0]).any():
        return reason("no_site_position")
    if limit is None:
        return reason("no_site_reached")
    return reason("no_site_within", limit=float(limit), unit=word("unit", unit))


@rendered
def distance_table(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    *,
    flows: pd.DataFrame | None = None,
    nearest: int | None = None,
    within_km: float | None = None,
    within_h: float | None = None,
    metrics: Sequence[str] = ("geodesic",),
    **options: Any,
) -> pd.DataFrame:
    """Distances of the flows, the nearest sites, all within a radius, or all pairs, in one table.

    Parameters
    ----------
    origins, sites
        As in `pair_distances`.
    flows
        The pairs to measure.
    nearest, within_km, within_h
        Instead of flows: so many sites per origin, and no farther than this, by the first metric
        (the limit in its unit; with both, the nearest within the limit).
    metrics
        Names in METRICS.
    **options
        As in `pair_distances`: layers, `detour_range`, `rough_share`.

    Returns
    -------
    DataFrame
        As `pair_distances`; with `rank` in front where the nearest were asked for.

    Raises
    ------
    InputError
        Flows together with nearest or within.

    Examples
    --------
    >>> at = gpd.points_from_xy
    >>> origins = gpd.GeoDataFrame(index=["o"], geometry=at([76.0], [39.0]), crs=4326)
    >>> sites = gpd.GeoDataFrame(index=["s", "t"], geometry=at([76.1, 77], [39.0] * 2), crs=4326)
    >>> table = distance_table(origins, sites, nearest=1)
    >>> table.reset_index()[["origin_id", "site_id", "rank"]].values.tolist()
    [['o', 's', 1]]
    """
    chosen = nearest is not None or within_km is not None or within_h is not None
    if flows is not None and chosen:
        raise InputError(
            "flows name the pairs already", mend="Ask for flows, or for nearest and within."
        )
    unit = metric_named(metrics[0]).unit
    if (within_h is not None and unit == "km") or (within_km is not None and unit == "h"):
        raise InputError(
            f"the first metric, {metrics[0]}, is in {unit}, the limit is not",
            mend=f"Give the limit in {unit}.",
        )
    flagging = {k: options.pop(k) for k in ("detour_range", "rough_share") if k in options}
    context = context_of(options)
    if flows is None and chosen:
        ranks = _nearest(
            origins, sites, nearest, within_km, metric=metrics[0], max_h=within_h, context=context
        )
        return _of_ranks(ranks, origins, sites, metrics, context, **flagging)
    if flows is None:
        ids = [
            places_of(context, frame, role).index
            for frame, role in ((origins, "origin"), (sites, "site"))
        ]
        flows = pd.MultiIndex.from_product(ids, names=["origin_id", "site_id"]).to_frame(
            index=False
        )
    return pair_distances(flows, origins, sites, metrics, context=context, **flagging)


def _of_ranks(  # noqa: PLR0917
    ranks: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str],
    context: Context,
    detour_range: tuple[float, float] = DEFAULTS.distance.detour_range_ratio,
    rough_share: float = DEFAULTS.distance.rough_share,
) -> pd.DataFrame:
    """Measure what `nearest` has found, in its order, with its rank in front."""
    origins, sites = (
        places_of(context, frame, role) for frame, role in ((origins, "origin"), (sites, "site"))
    )
    i, j = (rows_at(ranks.index, n, frame.index) for n, frame in enumerate((origins, sites)))
    table = measured(
        ranks.index.to_frame(index=False), i, j, origins, sites, metrics, context,
        detour_range=detour_range, rough_share=rough_share,
    ).set_axis(ranks.index, axis=0)  # fmt: skip
    table.insert(0, "rank", ranks["rank"])
    return table.assign(why=table["why"].where(j >= 0, ranks["why"]))
