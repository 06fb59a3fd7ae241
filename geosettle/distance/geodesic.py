"""Straight distances on the ellipsoid: pairs, matrices, nearest; points and edges of areas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geosettle.cells import radius_km
from geosettle.distance._protocol import Context, positions
from geosettle.distance._solver.geodesic_engine import matrix_m, pairs_m
from geosettle.distance._solver.geodesic_search import nearest_points, take_best
from geosettle.distance.regions import bounds_m, regions_of
from geosettle.geodesy import arc_bound_m, inverse, require_lonlat, shortest_m, to_xyz
from geosettle.reasons import reason, rendered, word

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

COLUMNS = ("geodesic_km", "geodesic_low_km", "geodesic_high_km", "bearing_deg")


def geodesic_distance(
    lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike
) -> FloatArray:
    """Distance between points on the WGS84 ellipsoid, metres.

    Parameters
    ----------
    lon1, lat1, lon2, lat2
        Degrees; they broadcast. A missing coordinate gives a missing distance.

    Returns
    -------
    ndarray
        Metres, within 0.1 mm of GeographicLib anywhere on Earth.

    Raises
    ------
    InputError
        A latitude beyond the poles, or an infinite longitude.

    Examples
    --------
    >>> geodesic_distance(76, 39, [77, -104], [39, -39]).round(1)
    array([   86626. , 20003931.5])
    """
    x1, y1, x2, y2 = (np.asarray(v, dtype=np.float64) for v in (lon1, lat1, lon2, lat2))
    for x, y in ((x1, y1), (x2, y2)):
        require_lonlat(x, y)
    one, two = (np.broadcast_shapes(x.shape, y.shape) for x, y in ((x1, y1), (x2, y2)))
    if len(one) == 2 and one[1] == 1 and (len(two) == 1 or (len(two) == 2 and two[0] == 1)):
        ends = [
            np.broadcast_to(v, s).ravel() for v, s in ((x1, one), (y1, one), (x2, two), (y2, two))
        ]
        return _known(matrix_m, ends, lambda a, b: a[:, None] | b)
    ends = [v.ravel() for v in np.broadcast_arrays(x1, y1, x2, y2)]
    return _known(pairs_m, ends, np.logical_or).reshape(np.broadcast_shapes(one, two))


def _known(
    measure: Callable[..., FloatArray], ends: list[FloatArray], either: Callable[..., Any]
) -> FloatArray:
    """Measure with missing coordinates set to 0, then make those results missing."""
    missing = [np.isnan(ends[0]) | np.isnan(ends[1]), np.isnan(ends[2]) | np.isnan(ends[3])]
    if not any(m.any() for m in missing):
        return measure(*ends)
    filled = [np.where(missing[i // 2], 0.0, v) for i, v in enumerate(ends)]
    out = measure(*filled)
    out[either(*missing)] = np.nan
    return out


def radius_m(frame: gpd.GeoDataFrame) -> FloatArray:
    """Radius within which the true position lies, metres; 0 where none is stated."""
    return radius_km(frame) * 1000


def _are_points(frame: gpd.GeoDataFrame) -> bool:
    return bool(
        (shapely.get_type_id(np.asarray(frame.geometry.array, dtype=object)) <= 0).all()
    )  # -1: None


@rendered
def geodesic_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: IntArray, context: Context
) -> pd.DataFrame:
    """Straight distance, its bounds and the bearing from origin to site; see `PairFunction`.

    Areas are measured between their nearest points. The bounds are ``max(0, d - u1 - u2)`` and ``d
    + u1 + u2``: by the triangle inequality the true distance lies between them wherever in its
    radius each end truly is. Of a place that is somewhere in an area (`Context.regions`) the
    nearest and the farthest point of the area count instead.
    """
    i, j = pairs[:, 0], pairs[:, 1]
    ends = [np.asarray(f.geometry.array, dtype=object) for f in (origins, sites)]
    if _are_points(origins) and _are_points(sites):
        (lon1, lat1), (lon2, lat2) = positions(origins), positions(sites)
        metres, azimuth = inverse(lon1[i], lat1[i], lon2[j], lat2[j])
    else:
        metres, start, end = shortest_m(ends[0][i], ends[1][j])
        azimuth = inverse(start[:, 0], start[:, 1], end[:, 0], end[:, 1])[1]
    azimuth = np.where(metres > 0, azimuth, np.nan)
    low, high = _bounds_m(origins, sites, pairs, metres, context)
    known = [~(shapely.is_missing(g) | shapely.is_empty(g)) for g in ends]
    why = np.select(
        [~known[0][i] & ~known[1][j], ~known[0][i], ~known[1][j], metres == 0],
        [
            reason("positions_unknown"),
            reason("position_unknown_of", role=word("end", "origin")),
            reason("position_unknown_of", role=word("end", "site")),
            reason("no_bearing"),
        ],
        "",
    )
    columns = (metres, low, high)
    values = dict(zip(COLUMNS, [c / 1000 for c in columns] + [azimuth], strict=True))
    return pd.DataFrame({**values, "why": pd.Series(why, dtype="str")})


def _bounds_m(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: IntArray,
    metres: FloatArray,
    context: Context,
) -> tuple[FloatArray, FloatArray]:
    """Least and greatest metres of each pair that radii and areas allow."""
    regions = [regions_of(context, r, f) for r, f in (("origin", origins), ("site", sites))]
    inside = [~shapely.is_missing(shapes) for shapes in regions]
    radius = [
        np.where(within, 0.0, radius_m(frame))
        for within, frame in zip(inside, (origins, sites), strict=True)
    ]
    i, j = pairs[:, 0], pairs[:, 1]
    slack = radius[0][i] + radius[1][j]
    low, high = metres.copy(), metres.copy()
    rows = np.flatnonzero((inside[0][i] | inside[1][j]) & np.isfinite(metres))
    if rows.size:
        shapes = [
            np.where(within, own, np.asarray(frame.geometry.array, dtype=object))
            for within, own, frame in zip(inside, regions, (origins, sites), strict=True)
        ]
        least, greatest = bounds_m(shapes[0][i[rows]], shapes[1][j[rows]])
        low[rows] = np.minimum(least, metres[rows])
        high[rows] = np.maximum(greatest, metres[rows])
    return np.maximum(0.0, low - slack), high + slack


def geodesic_matrix(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, context: Context
) -> FloatArray:
    """Straight distances of all origins (rows) from all sites (columns), km.

    See `MatrixFunction`.
    """
    if _are_points(origins) and _are_points(sites):
        lon1, lat1 = positions(origins)
        lon2, lat2 = positions(sites)
        ends = [lon1, lat1, lon2, lat2]
        return _known(lambda *e: matrix_m(*e, scale=1e-3), ends, lambda a, b: a[:, None] | b)
    pairs = np.stack(
        np.meshgrid(np.arange(len(origins)), np.arange(len(sites)), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    table = geodesic_pairs(origins, sites, pairs, context)
    return table["geodesic_km"].to_numpy().reshape(len(origins), len(sites))


LonLat = tuple[FloatArray, FloatArray]


def nearest_geodesic(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    points: tuple[LonLat, LonLat] | None,
    *,
    k: int | None,
    max_m: float,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the k nearest sites of each origin, or all within a radius.

    Returns origin positions, site positions, metres.

    Parameters
    ----------
    origins, sites
        Points or areas, WGS84.
    points
        Longitudes and latitudes of both where all are points, else None.
    k
        How many; None for all within the radius.
    max_m
        Radius, metres; may be infinite.

    Returns
    -------
    i, j, metres
        Sorted by origin, then distance, then position of the site. Origins and sites without
        position appear nowhere.

    Notes
    -----
    The result is that of measuring all pairs; see `nearest_points` for the proof, and
    `_area_candidates` for areas.
    """
    one, two = points or (positions(origins), positions(sites))
    here, there = (np.flatnonzero(~np.isnan(p[0])) for p in (one, two))
    if not len(here) or not len(there):
        none = np.empty(0, dtype=np.intp)
        return none, none, np.empty(0)
    k = None if k is None else min(k, len(there))
    if points:
        i, j, metres = nearest_points(
            (one[0][here], one[1][here]), (two[0][there], two[1][there]), k=k, max_m=max_m
        )
    else:
        i, j = _area_candidates(origins.iloc[here], sites.iloc[there], k=k, max_m=max_m)
        shapes = [
            np.asarray(f.geometry.array, dtype=object)[rows]
            for f, rows in ((origins, here), (sites, there))
        ]
        i, j, metres = take_best(i, j, shortest_m(shapes[0][i], shapes[1][j])[0], k=k, max_m=max_m)
    return here[i], there[j], metres


def _area_candidates(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, *, k: int | None, max_m: float
) -> tuple[IntArray, IntArray]:
    """Find pairs that may be among the k nearest where an end is an area.

    The search uses balls in space that hold each area.
    """
    (a, ra), (b, rb) = _balls(origins), _balls(sites)
    out = []
    for rows in np.array_split(np.arange(len(a)), max(1, len(a) * len(b) // 2_000_000)):
        chord = np.linalg.norm(a[rows, None] - b, axis=2)
        reach = np.full(len(rows), max_m)
        if k is not None:
            reach = np.minimum(reach, np.partition(arc_bound_m(chord), k - 1, axis=1)[:, k - 1])
        i, j = np.nonzero(chord - ra[rows, None] - rb <= reach[:, None] * (1 + 1e-9))
        out.append((rows[i], j))
    return np.concatenate([i for i, _ in out]), np.concatenate([j for _, j in out])


def _balls(frame: gpd.GeoDataFrame) -> tuple[FloatArray, FloatArray]:
    """Give a point of each geometry in space, and the radius of a ball that holds it.

    The radius is in metres.
    """
    geoms = np.asarray(frame.geometry.array, dtype=object)
    centre = to_xyz(*positions(frame))
    west, south, east, north = shapely.bounds(geoms).T
    # No point of a box is farther from another than its extent along the parallel and along the
    # meridian together.
    cos = np.cos(
        np.radians(np.where(south * north < 0, 0.0, np.minimum(np.abs(south), np.abs(north))))
    )
    extent = 6.4e6 * np.radians((north - south) + np.minimum(east - west, 180) * cos)
    return centre, extent
