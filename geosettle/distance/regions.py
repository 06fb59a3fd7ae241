"""Bounds of the distance between places that are known to be somewhere in an area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geosettle.distance._protocol import Context
from geosettle.distance._solver.geodesic_engine import matrix_m
from geosettle.geodesy import shortest_m, to_xyz

FloatArray = NDArray[np.float64]

_PIECE_DEG: Final = 0.1
"""Longest piece of an edge: between its ends it bulges by less than 5 m up to 80 degrees."""


def regions_of(context: Context, role: str, frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Area in which each place is, None where its position is a point with a radius."""
    known: Mapping[str, Any] = context.regions.get(role, {})
    out = np.full(len(frame), None, dtype=object)
    for row, key in enumerate(frame.index if known else ()):
        out[row] = known.get(str(key))
    return out


def bounds_m(one: ArrayLike, two: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Least and greatest length of the geodesics between two places, each somewhere in its shape.

    Parameters
    ----------
    one, two
        Points or polygons in WGS84, shape (n,) each.

    Returns
    -------
    least, greatest
        Metres, shape (n,); NaN for a missing shape.

    Examples
    --------
    >>> least, greatest = bounds_m([shapely.box(10, 0, 11, 1)], [shapely.Point(9, 0)])
    >>> least.round(), greatest.round()
    (array([111319.]), array([248576.]))
    """
    a, b = (np.asarray(shapes, dtype=object) for shapes in (one, two))
    keys = {(id(p), id(q)): k for k, (p, q) in enumerate(zip(a, b, strict=True))}
    first = np.fromiter(keys.values(), dtype=np.intp)
    least = shortest_m(a[first], b[first])[0]
    place = {key: n for n, key in enumerate(keys)}
    back = [place[id(p), id(q)] for p, q in zip(a, b, strict=True)]
    return least[back], farthest_m(a[first], b[first])[back]


def farthest_m(one: ArrayLike, two: ArrayLike) -> FloatArray:
    """Longest geodesic between two shapes, metres, shape (n,); NaN for a missing shape.

    Notes
    -----
    The points within a distance of a place are convex for geodesics, so that the farthest point of
    a shape is a corner of its geodesic hull: the hull of its gnomonic projection. The corners are
    those of the edges, straight in longitude and latitude, in pieces of a tenth of a degree. Good
    to some metres, for shapes that reach less than a quarter around the Earth.
    """
    a, b = (np.asarray(shapes, dtype=object) for shapes in (one, two))
    points = (shapely.get_type_id(a) == 0) & (shapely.get_type_id(b) > 0)
    a, b = np.where(points, b, a), np.where(points, a, b)  # one loop for each area
    out = np.full(len(a), np.nan)
    known = ~(
        shapely.is_missing(a) | shapely.is_missing(b) | shapely.is_empty(a) | shapely.is_empty(b)
    )
    corners = {id(s): _corners(s) for s in (*a[known], *b[known])}
    groups: dict[int, list[int]] = {}
    for row in np.flatnonzero(known):
        groups.setdefault(id(a[row]), []).append(int(row))
    for key, rows in groups.items():
        here, there = corners[key], [corners[id(b[row])] for row in rows]
        ends = np.concatenate(there)
        metres = matrix_m(here[:, 0], here[:, 1], ends[:, 0], ends[:, 1]).max(axis=0)
        starts = np.cumsum([0, *(len(corner) for corner in there[:-1])])
        out[rows] = np.maximum.reduceat(metres, starts)
    return out


def _corners(shape: shapely.Geometry) -> FloatArray:
    """Longitude and latitude of the corners of the geodesic hull of a shape."""
    lonlat = shapely.get_coordinates(
        shape if shapely.get_type_id(shape) == 0 else shapely.segmentize(shape, _PIECE_DEG)
    )
    if len(lonlat) < 4:
        return np.asarray(lonlat)
    xyz = to_xyz(lonlat[:, 0], lonlat[:, 1])
    up = xyz.mean(axis=0)
    up /= np.linalg.norm(up)
    east = np.cross([0.0, 0.0, 1.0] if abs(up[2]) < 0.9 else [1.0, 0.0, 0.0], up)
    east /= np.linalg.norm(east)
    height = xyz @ up
    if height.min() <= 0:
        return np.asarray(
            lonlat
        )  # more than a quarter around the Earth: no gnomonic projection holds it
    flat = np.column_stack([xyz @ east, xyz @ np.cross(up, east)]) / height[:, None]
    hull = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(flat)))
    rows = {tuple(xy): row for row, xy in enumerate(flat.tolist())}
    return np.asarray(lonlat[sorted({rows[xy] for xy in map(tuple, hull.tolist())})])
