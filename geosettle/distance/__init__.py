"""How far settlements are from the land their households left: five metrics, one table of pairs.

A metric is one entry in METRICS. Everything here takes origins and sites as GeoDataFrames whose index is the id (points
or areas, WGS84) and gives kilometres or hours; what cannot be computed is NaN, with its reason in `why`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance._inputs import as_flows, as_places
from geosettle.distance._protocol import Context, Metric
from geosettle.distance.geodesic import (
    COLUMNS,
    geodesic_distance,
    geodesic_matrix,
    geodesic_pairs,
    nearest_geodesic,
    radius_m,
)
from geosettle.distance.uncertainty import distance_intervals, rank_intervals, sample_distances, separate, site_means
from geosettle.errors import InputError, UnknownNameError

__all__ = [
    "FLAGS",
    "METRICS",
    "PAIR_COLUMNS",
    "Context",
    "Metric",
    "distance_intervals",
    "distance_matrix",
    "distance_table",
    "geodesic_distance",
    "nearest",
    "pair_distances",
    "rank_intervals",
    "sample_distances",
    "separate",
    "site_means",
]

METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            "geodesic",
            value="geodesic_km",
            unit="km",
            columns=COLUMNS,
            pairs=geodesic_pairs,
            matrix=geodesic_matrix,
            meaning="shortest line on the WGS84 ellipsoid, from edge to edge where an end is an area",
        ),
    )
}

PAIR_COLUMNS: Final = (
    "households",
    "persons",
    "year",
    "geodesic_km",
    "geodesic_low_km",
    "geodesic_high_km",
    "bearing_deg",
    "surface_km",
    "ascent_m",
    "descent_m",
    "walk_out_h",
    "walk_back_h",
    "road_km",
    "road_h",
    "detour_ratio",
    "elevation_change_m",
    "declared_km",
    "flags",
    "why",
)
"""Columns of pairs.csv after origin_id and site_id; columns of metrics not listed here follow before `flags`."""

FLAGS: Final[Mapping[str, str]] = {
    "declared_shorter_than_straight": "the declared distance is shorter than the straight line can be: impossible",
    "declared_detour_outside_range": "declared distance over straight line lies outside the range set as plausible",
    "detour_outside_range": "road distance over straight line lies outside the range set as plausible",
    "order_violated": "a path on the ground came out shorter than the straight line: a fault of grid or roads",
    "position_rough": "the radii of both ends are more than a set share of the straight line",
    "used_to_place": "the declared distance served to place the site or origin: no evidence for it",
    "illustrative_position": "an end is drawn for illustration and is no evidence of place",
}
"""Code in the `flags` column (joined by semicolons) and what it says."""

_ORDER_SLACK = 0.005  # the lines compared are draped, gridded or edge-to-edge; half a per cent is no contradiction


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise UnknownNameError("no such metric", value=name, mend=f"There are: {', '.join(METRICS)}.")
    return METRICS[name]


def _context(layers: Mapping[str, Any]) -> Context:
    unknown = set(layers) - {"dem", "landcover", "roads", "places", "options"}
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    return Context(**{k: v for k, v in layers.items() if v is not None})


def _blocks(n: int, m: int, cells: int = 4_000_000) -> Iterator[NDArray[np.intp]]:
    """Rows of a matrix in blocks of about so many cells."""
    step = max(1, cells // max(m, 1))
    for first in range(0, n, step):
        yield np.arange(first, min(first + step, n))


def _matrix(
    metric: Metric, origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, context: Context
) -> NDArray[np.float64]:
    """Values of a metric for all origins and sites, whichever way the metric offers."""
    if metric.matrix is not None:
        return metric.matrix(origins, sites, context)
    every = np.stack(np.meshgrid(np.arange(len(origins)), np.arange(len(sites)), indexing="ij"), axis=-1)
    table = metric.pairs(origins, sites, every.reshape(-1, 2), context)
    return table[metric.value].to_numpy(dtype=np.float64).reshape(len(origins), len(sites))


def distance_matrix(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metric: str = "geodesic",
    *,
    sink: Callable[[pd.DataFrame], object] | None = None,
    block_cells: int = 4_000_000,
    **layers: Any,
) -> pd.DataFrame:
    """Distance of every origin from every site.

    Parameters
    ----------
    origins, sites
        Points or areas by id; see `pair_distances`.
    metric
        A name in METRICS.
    sink
        Where the matrix would not fit: called with one block of rows after the other; the result is then empty.
    block_cells
        Cells of a block.
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
    >>> places = gpd.GeoDataFrame(geometry=gpd.points_from_xy([76, 77], [39, 39]), index=["a", "b"], crs=4326)
    >>> distance_matrix(places, places).round(1)
    site_id       a     b
    origin_id
    a           0.0  86.6
    b          86.6   0.0
    """
    chosen, context = _metric(metric), _context(layers)
    origins, sites = as_places(origins, "origin"), as_places(sites, "site")
    if sink is None:
        return pd.DataFrame(_matrix(chosen, origins, sites, context), index=origins.index, columns=sites.index)
    for rows in _blocks(len(origins), len(sites), block_cells):
        some = origins.iloc[rows]
        sink(pd.DataFrame(_matrix(chosen, some, sites, context), index=some.index, columns=sites.index))
    return pd.DataFrame(index=origins.index[:0], columns=sites.index, dtype=np.float64)


def nearest(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    k: int | None = 1,
    max_km: float | None = None,
    *,
    metric: str = "geodesic",
    max_h: float | None = None,
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
    **layers
        As in `distance_matrix`.

    Returns
    -------
    DataFrame
        By (origin_id, site_id), sorted by origin and rank: `rank` (1 = nearest; equal distances by site id), the
        metric's value (`geodesic_km`), `why`. An origin without any site keeps one row, with an empty site_id and the
        reason in `why`. Sites without position are never near.

    Raises
    ------
    InputError
        k below 1, or neither k nor a limit.
    UnknownNameError
        No such metric.

    Examples
    --------
    >>> villages = gpd.GeoDataFrame(geometry=gpd.points_from_xy([76.1], [39]), index=["v"], crs=4326)
    >>> places = gpd.GeoDataFrame(geometry=gpd.points_from_xy([76, 77], [39, 39]), index=["a", "b"], crs=4326)
    >>> nearest(villages, places, k=2)[["rank", "geodesic_km"]].round(3)
                       rank  geodesic_km
    origin_id site_id
    v         a           1        8.663
              b           2       77.963
    """
    chosen = _metric(metric)
    limit = max_km if chosen.unit == "km" else max_h
    if (k is not None and k < 1) or (k is None and limit is None):
        raise InputError("nearest needs k of 1 or more, or a limit", value=k, mend="Give k=1, or max_km=50.")
    if limit is not None and not limit >= 0:
        raise InputError("the limit must be a distance of 0 or more", value=limit)
    origins, sites = as_places(origins, "origin").sort_index(), as_places(sites, "site").sort_index()
    if metric == "geodesic":
        i, j, value = nearest_geodesic(origins, sites, k=k, max_m=np.inf if limit is None else limit * 1000)
        value = value / 1000
    else:
        i, j, value = _nearest_by_matrix(chosen, origins, sites, _context(layers), k=k, limit=limit)
    first = np.flatnonzero(np.r_[True, np.diff(i) > 0]) if len(i) else i
    rank = np.arange(len(i)) - np.repeat(first, np.diff(np.r_[first, len(i)])) + 1
    found = pd.DataFrame({"i": i, "site_id": sites.index[j], "rank": rank, chosen.value: value, "why": ""})
    return _with_the_lonely(found, origins, sites, limit, chosen)


_nearest = nearest  # distance_table has an option of this name


def _with_the_lonely(
    found: pd.DataFrame, origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, limit: float | None, metric: Metric
) -> pd.DataFrame:
    """Add a row with its reason for every origin that found no site."""
    alone = np.setdiff1d(np.arange(len(origins)), found["i"])
    unknown = origins.geometry.isna() | origins.geometry.is_empty
    none = (
        "no site has a known position"
        if not (~(sites.geometry.isna() | sites.geometry.is_empty)).any()
        else (f"no site within {limit:g} {metric.unit}" if limit is not None else "no site can be reached")
    )
    why = [f"{metric.value}: {'position of the origin unknown' if unknown.iloc[a] else none}" for a in alone]
    rows = pd.DataFrame({"i": alone, "site_id": "", "rank": pd.NA, metric.value: np.nan, "why": why})
    table = pd.concat([found.astype({"rank": "Int64"}), rows.astype({"rank": "Int64"})]) if len(alone) else found
    table = table.astype({"rank": "Int64", "why": "str", "site_id": "str"}).sort_values(["i", "rank"], kind="stable")
    table.insert(0, "origin_id", origins.index[table.pop("i").to_numpy(dtype=np.intp)])
    return table.set_index(["origin_id", "site_id"])


def _nearest_by_matrix(
    metric: Metric,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    context: Context,
    *,
    k: int | None,
    limit: float | None,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Nearest by any metric: from the full matrix, ties by position of the site."""
    values = _matrix(metric, origins, sites, context)
    order = np.argsort(np.where(np.isnan(values), np.inf, values), axis=1, kind="stable")[:, :k]
    i, j = np.repeat(np.arange(len(origins)), order.shape[1]), order.ravel()
    value = values[i, j]
    keep = np.isfinite(value) & (value <= (np.inf if limit is None else limit))
    return i[keep], j[keep], value[keep]


def pair_distances(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str] = ("geodesic",),
    *,
    detour_range: tuple[float, float] = (1.0, 3.0),
    rough_share: float = 0.25,
    **layers: Any,
) -> pd.DataFrame:
    """Every distance of every flow, with flags for what contradicts and reasons for what is missing.

    Parameters
    ----------
    flows
        Columns (or index levels) origin_id and site_id; households, persons, year and declared_km are passed on. A
        column `used_to_place` (true where the declared distance had served to place an end) is heeded.
    origins, sites
        GeoDataFrames by id, points or areas, WGS84 (or with a CRS to bring there); `uncertainty_km` in a column.
    metrics
        Names in METRICS.
    detour_range
        Least and greatest plausible ratio of path to straight line.
    rough_share
        Sum of the radii over the straight line from which on a pair is flagged `position_rough`.
    **layers
        dem, landcover, roads, places, options, as the metrics need; see `Context`. Where a layer is missing, so are
        the columns' values, and `why` says so.

    Returns
    -------
    DataFrame
        One row per flow, by (origin_id, site_id), sorted; the columns of PAIR_COLUMNS that the metrics give. `flags`
        holds codes of FLAGS, `why` one reason per missing number ("walk_out_h: outside the elevation model; ...").

    Raises
    ------
    UnknownNameError
        No such metric.
    InputError
        Positions or tables that cannot be used.

    Examples
    --------
    >>> villages = gpd.GeoDataFrame(geometry=gpd.points_from_xy([76.0], [39]), index=["v"], crs=4326)
    >>> places = gpd.GeoDataFrame(geometry=gpd.points_from_xy([77], [39]), index=["s"], crs=4326)
    >>> flows = pd.DataFrame({"origin_id": ["v"], "site_id": ["s"], "declared_km": [80.0]})
    >>> pair_distances(flows, villages, places)[["geodesic_km", "bearing_deg"]].round(1)
                       geodesic_km  bearing_deg
    origin_id site_id
    v         s               86.6         89.7
    """
    chosen, context = [_metric(m) for m in metrics], _context(layers)
    origins, sites, table = as_places(origins, "origin"), as_places(sites, "site"), as_flows(flows)
    i, j = origins.index.get_indexer(table["origin_id"]), sites.index.get_indexer(table["site_id"])
    matched = (i >= 0) & (j >= 0)
    pairs, row = np.unique(np.stack([i, j], axis=1)[matched], axis=0, return_inverse=True)
    whys: list[pd.Series] = [_unmatched(table, i, j)]
    for metric in chosen:
        values = _evaluate(metric, origins, sites, pairs.astype(np.intp), context)
        spread = values.iloc[row.ravel()].set_axis(table.index[matched], axis=0).reindex(table.index)
        table = table.assign(**{c: spread[c] for c in spread.columns if c != "why"})
        whys.append(spread["why"])
    if {"road_km", "geodesic_km"} <= set(table):
        table["detour_ratio"] = table["road_km"] / table["geodesic_km"].where(table["geodesic_km"] > 0)
    i, j = np.where(matched, i, -1), np.where(matched, j, -1)
    table["flags"] = _flags(table, origins, sites, i, j, detour_range=detour_range, rough_share=rough_share)
    table["why"] = _join(whys, table.index)
    for column in ("households", "persons", "declared_km"):
        table[column] = pd.to_numeric(table[column], errors="coerce") if column in table else np.nan
    extra = [c for m in chosen for c in m.columns if c not in PAIR_COLUMNS]
    names = [c for c in PAIR_COLUMNS[:-2] if c in table] + extra + ["flags", "why"]
    return table.set_index(["origin_id", "site_id"])[names]


def _evaluate(
    metric: Metric, origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Values of a metric for pairs, with `why` naming the missing columns in front of each reason."""
    lacking = [layer for layer in metric.needs if getattr(context, layer) is None]
    if lacking:
        values = pd.DataFrame(np.nan, index=range(len(pairs)), columns=list(metric.columns))
        values["why"] = f"the study has no layer {' and no layer '.join(lacking)}"
    else:
        values = metric.pairs(origins, sites, pairs, context)
    missing = values[list(metric.columns)].isna().to_numpy()
    why = values["why"].to_numpy(dtype=object).copy()
    for pattern in np.unique(missing, axis=0):
        if pattern.any():
            names = ", ".join(np.array(metric.columns)[pattern])
            rows = (missing == pattern).all(axis=1)
            why[rows] = [f"{names}: {reason or 'cannot be computed'}" for reason in why[rows]]
    return values.assign(why=pd.Series(why, index=values.index, dtype="str"))


def _unmatched(table: pd.DataFrame, i: NDArray[np.intp], j: NDArray[np.intp]) -> pd.Series:
    """Say which id of a flow matches nothing."""
    origin = "no origin has the id " + table["origin_id"]
    site = "no site has the id " + table["site_id"]
    text = np.select([(i < 0) & (j < 0), i < 0, j < 0], [origin + " and " + site, origin, site], "")
    return pd.Series(text, index=table.index, dtype="str")


def _join(parts: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    """Join the texts of each row that are not empty."""
    rows = zip(*(p.fillna("") for p in parts), strict=True)
    return pd.Series(["; ".join(text for text in row if text) for row in rows], index=index, dtype="str")


def _flags(
    table: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    *,
    detour_range: tuple[float, float],
    rough_share: float,
) -> pd.Series:
    """Codes of FLAGS for each row."""
    column = {
        c: pd.to_numeric(table[c], errors="coerce").to_numpy(dtype=np.float64)
        if c in table
        else np.full(len(table), np.nan)
        for c in ("declared_km", "geodesic_km", "geodesic_low_km", "surface_km", "road_km", "detour_ratio")
    }
    straight, low, declared = column["geodesic_km"], column["geodesic_low_km"], column["declared_km"]
    slack = (np.r_[radius_m(origins), 0.0][i] + np.r_[radius_m(sites), 0.0][j]) / 1000
    drawn = np.zeros(len(table), dtype=bool)
    for frame, at in ((origins, i), (sites, j)):
        if "geometry_basis" in frame:
            drawn |= np.r_[frame["geometry_basis"].eq("illustrative").to_numpy(dtype=bool), False][at]
    used = (
        table["used_to_place"].map(_is_true).to_numpy(dtype=bool)
        if "used_to_place" in table
        else np.zeros(len(table), bool)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        loosest = declared / np.maximum(low, 1e-9), declared / (straight + slack)
        floor = straight * (1 - _ORDER_SLACK)
        found = {
            "declared_shorter_than_straight": declared < low,
            "declared_detour_outside_range": (loosest[0] < detour_range[0]) | (loosest[1] > detour_range[1]),
            "detour_outside_range": (column["detour_ratio"] < detour_range[0])
            | (column["detour_ratio"] > detour_range[1]),
            "order_violated": (column["surface_km"] < floor) | (column["road_km"] < floor),
            "position_rough": slack > rough_share * straight,
            "used_to_place": used,
            "illustrative_position": drawn,
        }
    codes = [np.where(found[code], code, "") for code in FLAGS]
    return pd.Series(
        [";".join(c for c in row if c) for row in zip(*codes, strict=True)], index=table.index, dtype="str"
    )


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in {"true", "yes", "1", "1.0"}


def distance_table(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    *,
    flows: pd.DataFrame | None = None,
    nearest: int | None = None,
    within_km: float | None = None,
    metrics: Sequence[str] = ("geodesic",),
    **options: Any,
) -> pd.DataFrame:
    """Distances of the flows, or of the nearest sites, or of all within a radius, or of all pairs: one table.

    Parameters
    ----------
    origins, sites
        As in `pair_distances`.
    flows
        The pairs to measure.
    nearest, within_km
        Instead of flows: so many sites per origin, and no farther than this, by the first metric.
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
    """
    if flows is not None and (nearest is not None or within_km is not None):
        raise InputError("flows name the pairs already", mend="Ask for flows, or for nearest and within.")
    ranks = None
    if flows is None and (nearest is not None or within_km is not None):
        layers = {k: v for k, v in options.items() if k not in {"detour_range", "rough_share"}}
        ranks = _nearest(origins, sites, nearest, within_km, metric=metrics[0], **layers)
        flows = ranks.index.to_frame(index=False)
    if flows is None:
        ids = [as_places(origins, "origin").index, as_places(sites, "site").index]
        flows = pd.MultiIndex.from_product(ids, names=["origin_id", "site_id"]).to_frame(index=False)
    table = pair_distances(flows, origins, sites, metrics, **options)
    if ranks is None:
        return table
    table.insert(0, "rank", ranks["rank"].reindex(table.index))
    lonely = table.index.get_level_values("site_id") == ""
    table.loc[lonely, "why"] = ranks["why"].reindex(table.index)[lonely]
    return table.reset_index().sort_values(["origin_id", "rank"], kind="stable").set_index(["origin_id", "site_id"])
