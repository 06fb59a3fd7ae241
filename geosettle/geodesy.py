"""Primitives on the WGS84 ellipsoid: areas, discs, densified edges. Arrays in, arrays out; no pairs, no frames.

Edges of polygons are straight in longitude/latitude, as every GIS draws them (a county border along a parallel follows
the parallel). Areas are integrated along exactly those edges, so nothing needs densifying to be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

__all__ = ["FLATTENING", "GEOD", "SEMI_MAJOR_M", "area_m2", "cell_areas_m2", "disc"]

GEOD: Final = Geod(ellps="WGS84")
SEMI_MAJOR_M: Final = 6_378_137.0
FLATTENING: Final = 1 / 298.257223563
_E2: Final = FLATTENING * (2 - FLATTENING)
_E: Final = _E2**0.5
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)

FloatArray = NDArray[np.float64]


def _authalic_q(lat: FloatArray) -> FloatArray:
    """Area of the ellipsoid per radian of longitude between the equator and `lat` (degrees), in units of a²/2.

    Snyder (1987), Map Projections: A Working Manual, USGS PP 1395, eq. 3-12.
    """
    sin = np.sin(np.radians(lat))
    return (1 - _E2) * (sin / (1 - _E2 * sin**2) + np.arctanh(_E * sin) / _E)


def area_m2(geometries: ArrayLike | Sequence[Any]) -> FloatArray:
    """Area on the ellipsoid of polygons whose edges are straight in longitude/latitude.

    Parameters
    ----------
    geometries
        Shapely geometries in WGS84 longitude/latitude degrees, shape (n,). Points, lines and None count 0.

    Returns
    -------
    ndarray, shape (n,)
        Square metres, never negative. Holes are subtracted; the parts of a multipolygon are added.

    Notes
    -----
    By Green's theorem the area is the line integral of ``a²/2 · q(lat) dlon`` along the rings. `q` is integrated along
    each edge by five-point Gauss-Legendre quadrature: for edges of up to 10 degrees the relative error is below 1e-9.

    Examples
    --------
    >>> import shapely
    >>> float(area_m2([shapely.box(76, 38, 77, 39)])[0].round(-3))
    9683232000.0
    """
    geoms = np.atleast_1d(np.asarray(geometries, dtype=object))
    out = np.zeros(geoms.shape[0])
    if geoms.size == 0:
        return out
    parts, part_of = shapely.get_parts(geoms, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    if rings.size == 0:
        return out
    is_shell = np.r_[True, ring_of[1:] != ring_of[:-1]]
    coords, coord_of = shapely.get_coordinates(rings, return_index=True)
    same = coord_of[1:] == coord_of[:-1]
    lon, lat = coords[:, 0], coords[:, 1]
    dlon = np.radians(lon[1:] - lon[:-1])
    half, middle = (lat[1:] - lat[:-1]) / 2, (lat[1:] + lat[:-1]) / 2
    mean_q = sum((w / 2) * _authalic_q(middle + half * x) for x, w in zip(_NODES, _WEIGHTS, strict=True))
    edge = np.where(same, dlon * mean_q, 0.0)
    signed = np.bincount(coord_of[1:], weights=edge, minlength=rings.size)
    ring_area = np.abs(signed) * (SEMI_MAJOR_M**2 / 2)
    np.add.at(out, part_of[ring_of], np.where(is_shell, ring_area, -ring_area))
    return np.maximum(out, 0.0)


def cell_areas_m2(lat_edges: ArrayLike, cell_width_deg: float) -> FloatArray:
    """Area of the cells of each row of a longitude/latitude grid.

    Parameters
    ----------
    lat_edges
        Latitudes of the n + 1 row edges, degrees.
    cell_width_deg
        Width of a cell, degrees of longitude.

    Returns
    -------
    ndarray, shape (n,)
        Square metres.

    Examples
    --------
    >>> cell_areas_m2([1.0, 0.0], 1.0).round(-4)
    array([1.230846e+10])
    """
    q = _authalic_q(np.asarray(lat_edges, dtype=np.float64))
    return np.asarray(np.abs(np.diff(q)) * np.radians(abs(cell_width_deg)) * (SEMI_MAJOR_M**2 / 2))


def disc(lon: float, lat: float, radius_m: float, *, vertices: int = 180) -> shapely.Geometry:
    """Geodesic disc around a point, as a polygon whose area is that of the true disc within 1e-5.

    Parameters
    ----------
    lon, lat
        Centre, WGS84 degrees.
    radius_m
        Radius, metres, greater than 0.
    vertices
        Corners of the polygon; they lie slightly outside the circle so that the area is right.

    Returns
    -------
    shapely.Polygon or shapely.MultiPolygon
        Within longitudes -180..180: split at the antimeridian, closed over a pole.

    Examples
    --------
    >>> float((area_m2([disc(76, 39, 5_000)])[0] / (np.pi * 5_000**2)).round(5))
    1.0
    """
    azimuth = np.linspace(0, 360, vertices, endpoint=False)
    angle = 2 * np.pi / vertices
    outer = radius_m * float(np.sqrt(angle / np.sin(angle)))
    n = np.full(vertices, 1.0)
    x, y, _ = GEOD.fwd(n * lon, n * lat, azimuth, n * outer)
    x = lon + (np.asarray(x) - lon + 180) % 360 - 180
    pole = next((p for p in (90.0, -90.0) if GEOD.inv(lon, lat, lon, p)[2] < outer), None)
    if pole is not None:
        order = np.argsort(x)
        ring = np.column_stack([x[order], np.asarray(y)[order]])
        first, last = ring[0], ring[-1]
        ring = np.vstack(
            [
                [last[0] - 360, last[1]],
                ring,
                [first[0] + 360, first[1]],
                [first[0] + 360, pole],
                [last[0] - 360, pole],
            ]
        )
    else:
        ring = np.column_stack([np.unwrap(x, period=360), y])
    return _wrap(shapely.Polygon(ring))


def _wrap(polygon: shapely.Polygon) -> shapely.Geometry:
    """Cut a polygon with unwrapped longitudes at the antimeridian and bring the pieces into -180..180."""
    west, _, east, _ = polygon.bounds
    if west >= -180 and east <= 180:
        return polygon
    pieces = []
    for turn in range(int(np.floor((west + 180) / 360)), int(np.floor((east + 180) / 360)) + 1):
        window = shapely.box(-180 + 360 * turn, -90, 180 + 360 * turn, 90)
        piece = shapely.intersection(polygon, window)
        if not piece.is_empty:
            pieces.append(shapely.transform(piece, lambda c, t=turn: c - [360 * t, 0]))
    return shapely.union_all(pieces)
