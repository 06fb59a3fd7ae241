"""The WGS84 ellipsoid: areas, discs, inverse geodesics, positions in space.

Arrays in, arrays out.

Edges of polygons are straight in longitude/latitude, as every GIS draws them (a county border along
a parallel follows the parallel). Areas are integrated along exactly those edges, so nothing needs
densifying to be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from geosettle.crs import in_arrays, turned
from geosettle.errors import InputError


class _Geod(Geod):
    """An ellipsoid for arrays of any length, one included."""

    def fwd(self, *args: Any, **options: Any) -> Any:
        return in_arrays(partial(super().fwd, **options), *args)

    def inv(self, *args: Any, **options: Any) -> Any:
        return in_arrays(partial(super().inv, **options), *args)


GEOD: Final = _Geod(ellps="WGS84")
SEMI_MAJOR_M: Final = 6_378_137.0
FLATTENING: Final = 1 / 298.257223563
_E2: Final = FLATTENING * (2 - FLATTENING)
_E: Final = _E2**0.5
# a(1-e²), the smallest radius of curvature on the ellipsoid, metres (meridian at the equator)
_E1 = 6_335_439.327
_C = 6_399_593.626  # a/sqrt(1-e²), the largest (at the poles), metres
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)

FloatArray = NDArray[np.float64]


def authalic_q(lat: FloatArray) -> FloatArray:
    """Area of the ellipsoid per radian of longitude between the equator and `lat` (degrees).

    The unit is a²/2.

    Snyder (1987), Map Projections: A Working Manual, USGS PP 1395, eq. 3-12.

    Parameters
    ----------
    lat
        Degrees, any shape.

    Returns
    -------
    ndarray
        In a²/2 per radian, the same shape; 0 at the equator.

    Examples
    --------
    >>> float(authalic_q(np.array(0.0)))
    0.0
    """
    sin = np.sin(np.radians(lat))
    return (1 - _E2) * (sin / (1 - _E2 * sin**2) + np.arctanh(_E * sin) / _E)


def area_m2(geometries: ArrayLike | Sequence[Any]) -> FloatArray:
    """Area on the ellipsoid of polygons whose edges are straight in longitude/latitude.

    Parameters
    ----------
    geometries
        Shapely geometries in WGS84 longitude/latitude degrees, shape (n,). Points, lines and None
        count 0.

    Returns
    -------
    ndarray, shape (n,)
        Square metres, never negative. Holes are subtracted; the parts of a multipolygon are added.

    Notes
    -----
    By Green's theorem the area is the line integral of ``a²/2 · q(lat) dlon`` along the rings. `q`
    is integrated along each edge by five-point Gauss-Legendre quadrature: for edges of up to 10
    degrees the relative error is below 1e-9.

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
    mean_q = sum(
        (w / 2) * authalic_q(middle + half * x) for x, w in zip(_NODES, _WEIGHTS, strict=True)
    )
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
    q = authalic_q(np.asarray(lat_edges, dtype=np.float64))
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
    if _pole_within(lon, lat, radius_m * 1.001) is not None:
        # there the edges, straight in longitude/latitude, bulge outwards instead of cutting corners
        vertices *= 8
    azimuth = np.linspace(0, 360, vertices, endpoint=False)
    angle = 2 * np.pi / vertices
    outer = radius_m * float(np.sqrt(angle / np.sin(angle)))
    n = np.full(vertices, 1.0)
    x, y, _ = GEOD.fwd(n * lon, n * lat, azimuth, n * outer)
    x = lon + (np.asarray(x) - lon + 180) % 360 - 180
    pole = _pole_within(lon, lat, outer)
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
    return turned(np.array([shapely.Polygon(ring)], dtype=object), -180, 180)[0]


def _pole_within(lon: float, lat: float, reach_m: float) -> float | None:
    """Latitude of the pole nearer than this, if there is one."""
    return next(
        (pole for pole in (90.0, -90.0) if GEOD.inv(lon, lat, lon, pole)[2] < reach_m), None
    )


def inverse(
    lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Length and direction of the geodesics between pairs of points.

    The method is GeographicLib's algorithm (Karney 2013).

    Parameters
    ----------
    lon1, lat1, lon2, lat2
        WGS84 degrees; they broadcast. A missing coordinate gives a missing result.

    Returns
    -------
    metres, azimuth_deg
        Distance, and the direction in which the geodesic leaves the first point, degrees east of
        north in 0..360.

    Raises
    ------
    InputError
        A latitude beyond the poles, or an infinite coordinate.

    Examples
    --------
    >>> metres, azimuth = inverse(76, 39, [77, 76], [39, 40])
    >>> metres.round(3), azimuth.round(3)
    (array([ 86625.968, 111025.046]), array([89.685,  0.   ]))
    """
    x1, y1, x2, y2 = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (lon1, lat1, lon2, lat2))
    )
    require_lonlat(x1, y1)
    require_lonlat(x2, y2)
    missing = np.isnan(x1) | np.isnan(y1) | np.isnan(x2) | np.isnan(y2)
    x1, y1, x2, y2 = (np.where(missing, 0.0, v).ravel() for v in (x1, y1, x2, y2))
    azimuth, _, metres = (np.asarray(v).reshape(missing.shape) for v in GEOD.inv(x1, y1, x2, y2))
    return np.where(missing, np.nan, metres), np.where(missing, np.nan, azimuth % 360)


def require_lonlat(lon: FloatArray, lat: FloatArray) -> None:
    """Raise InputError for a latitude beyond the poles or an infinite longitude.

    Missing coordinates pass.

    Parameters
    ----------
    lon, lat
        Degrees, WGS84, any shape.

    Raises
    ------
    InputError
        Naming the first latitude that cannot be.

    Examples
    --------
    >>> require_lonlat(np.array([76.0, np.nan]), np.array([39.0, np.nan]))
    """
    beyond = np.abs(lat) > 90
    if np.any(beyond):
        raise InputError(
            "a latitude is beyond the poles",
            value=float(np.asarray(lat)[beyond].flat[0]),
            mend="Give longitude first, then latitude, in degrees.",
        )
    if np.any(np.isinf(lon)):
        raise InputError("a longitude is infinite", mend="Leave a missing coordinate empty.")


def to_xyz(lon: ArrayLike, lat: ArrayLike) -> FloatArray:
    """Earth-centred coordinates of points on the ellipsoid, metres, shape (n, 3).

    Parameters
    ----------
    lon, lat
        Degrees, WGS84, shape (n,).

    Returns
    -------
    ndarray
        Metres, shape (n, 3): to 0° E and 90° E in the plane of the equator, and to the north pole.

    Examples
    --------
    >>> to_xyz([0.0], [0.0]).round(3)
    array([[6378137.,       0.,       0.]])
    """
    lam, phi = (
        np.radians(np.asarray(lon, dtype=np.float64)),
        np.radians(np.asarray(lat, dtype=np.float64)),
    )
    normal = SEMI_MAJOR_M / np.sqrt(1 - _E2 * np.sin(phi) ** 2)
    flat = normal * np.cos(phi)
    return np.stack(
        [flat * np.cos(lam), flat * np.sin(lam), normal * (1 - _E2) * np.sin(phi)], axis=-1
    )


def arc_bound_m(chord: ArrayLike) -> FloatArray:
    """Length that no geodesic with this chord exceeds, metres.

    The curvature of a geodesic on the ellipsoid is at most 1/6,335,439 m, so by Schur's theorem its
    chord is at least that of a circular arc of this radius and of the same length. Where the chord
    is too long for the theorem, half the equator. A geodesic is at least as long as its chord, so
    the pair bounds it: by 1 m in 100 km, 1 km in 1,000 km.

    Parameters
    ----------
    chord
        Straight-line distances through the Earth, metres, any shape.

    Returns
    -------
    ndarray
        Metres, the same shape.

    Examples
    --------
    >>> arc_bound_m([0.0, 100_000.0]).round(0).tolist()
    [0.0, 100001.0]
    """
    half = np.asarray(chord, dtype=np.float64) / (2 * _E1)
    arc = 2 * _E1 * np.arcsin(np.minimum(half, 1.0)) * (1 + 1e-15)
    return np.where(half < 1, arc, np.pi * SEMI_MAJOR_M)
