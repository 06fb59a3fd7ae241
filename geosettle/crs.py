"""Coordinate systems: longitude/latitude on WGS84 at rest; Chinese datums brought to it.

PROJ never asks the network for grids here. Axes are always longitude (x) first, whatever a
definition says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyproj
import pyproj.network
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import CRSError as ProjCrsError
from pyproj.exceptions import ProjError

from geosettle.errors import CrsError, UnknownNameError

if TYPE_CHECKING:
    import geopandas as gpd

pyproj.network.set_network_enabled(active=False)  # type: ignore[attr-defined]

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
FloatArray = NDArray[np.float64]

WGS84: Final = "EPSG:4326"
WEB_MERCATOR: Final = "EPSG:3857"
PACIFIC_MERCATOR: Final = "EPSG:3832"
"""Mercator around 150° east, in one piece where Web Mercator is cut in two."""
DATUMS: Final = ("wgs84", "cgcs2000", "gcj02", "bd09")

_KRASSOVSKY_A: Final = 6_378_245.0
_KRASSOVSKY_E2: Final = 0.006_693_421_622_965_943
_WIDEST: Final = 180.0
"""An edge longer than so many degrees of longitude is one that jumps over the 180th meridian."""
_SAME_AREA: Final = 1e-3
"""Share of its area that a polygon may change by when it is made fit to be cut."""
_CHINA: Final = (72.004, 0.8293, 137.8347, 55.8271)
"""The box inside which Chinese map services shift coordinates; outside it they are WGS84."""


def _wave(*terms: tuple[float, FloatArray]) -> FloatArray:
    return np.asarray(sum(2 / 3 * amplitude * np.sin(np.pi * angle) for amplitude, angle in terms))


def _gcj_offset(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Degrees by which GCJ-02 is east and north of WGS84, from WGS84 coordinates.

    The formula is the published reconstruction.
    """
    x, y = lon - 105, lat - 35
    root = np.sqrt(np.abs(x))
    common = _wave((20, 6 * x), (20, 2 * x))
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root + common
    north += _wave((20, y), (40, y / 3), (160, y / 12), (320, y / 30))
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root + common
    east += _wave((20, x), (40, x / 3), (150, x / 12), (300, x / 30))
    w = 1 - _KRASSOVSKY_E2 * np.sin(np.radians(lat)) ** 2
    meridian = _KRASSOVSKY_A * (1 - _KRASSOVSKY_E2) / w**1.5
    parallel = _KRASSOVSKY_A / np.sqrt(w) * np.cos(np.radians(lat))
    return np.degrees(east / parallel), np.degrees(north / meridian)


def _in_china(lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    west, south, east, north = _CHINA
    with np.errstate(invalid="ignore"):
        return (lon > west) & (lon < east) & (lat > south) & (lat < north)


def _to_gcj(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    with np.errstate(invalid="ignore"):
        east, north = _gcj_offset(lon, lat)
    return lon + east, lat + north


def _to_bd(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """BD-09 from WGS84: GCJ-02, then Baidu's own shift (published reconstruction)."""
    x, y = _to_gcj(lon, lat)
    turn = np.pi * 3000 / 180
    with np.errstate(invalid="ignore"):
        radius = np.hypot(x, y) + 0.00002 * np.sin(y * turn)
        angle = np.arctan2(y, x) + 0.000003 * np.cos(x * turn)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


_FORWARD: Final = {"gcj02": _to_gcj, "bd09": _to_bd}


def _arrays(lon: ArrayLike, lat: ArrayLike, datum: str) -> tuple[FloatArray, FloatArray]:
    if datum not in DATUMS:
        raise UnknownNameError(
            "there is no such datum", value=datum, mend=f"Use one of {', '.join(DATUMS)}."
        )
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    return x.copy(), y.copy()


def from_wgs84(
    lon: ArrayLike, lat: ArrayLike, datum: Datum = "gcj02"
) -> tuple[FloatArray, FloatArray]:
    """Coordinates as a Chinese map service would print them; the inverse of `to_wgs84`.

    It is for tests and comparisons.

    Parameters
    ----------
    lon, lat
        WGS84 degrees, any shapes that broadcast.
    datum
        "gcj02" (Amap, Tencent, Google in China), "bd09" (Baidu), "cgcs2000" or "wgs84".

    Returns
    -------
    tuple of ndarray
        Longitude and latitude in that datum, degrees. Outside China nothing is shifted.

    Examples
    --------
    >>> [float(v.round(5)) for v in from_wgs84(75.99, 39.47)]
    [75.99296, 39.47023]
    """
    x, y = _arrays(lon, lat, datum)
    if datum not in _FORWARD:
        return x, y
    there = _in_china(x, y)
    shifted = _FORWARD[datum](x, y)
    return np.where(there, shifted[0], x), np.where(there, shifted[1], y)


def to_wgs84(
    lon: ArrayLike, lat: ArrayLike, datum: Datum = "gcj02"
) -> tuple[FloatArray, FloatArray]:
    """WGS84 longitude and latitude of coordinates taken from a Chinese map service.

    Parameters
    ----------
    lon, lat
        Degrees in the given datum, any shapes that broadcast; NaN stays NaN.
    datum
        "gcj02" (Amap, Tencent, Google in China), "bd09" (Baidu), "cgcs2000" (Tianditu; within
        decimetres of WGS84 and returned unchanged) or "wgs84".

    Returns
    -------
    tuple of ndarray
        WGS84 degrees. Outside China nothing is shifted.

    Raises
    ------
    UnknownNameError
        The datum is none of these.

    Notes
    -----
    The shift has no closed inverse: the forward formula is iterated to a fixed point, leaving less
    than 1 cm. The formula itself is a published reconstruction of an unpublished one; its agreement
    with the services is about 1 m.

    Examples
    --------
    >>> lon, lat = to_wgs84(75.992956, 39.470227, datum="gcj02")
    >>> float(lon.round(5)), float(lat.round(5))
    (75.99, 39.47)
    """
    x, y = _arrays(lon, lat, datum)
    if datum not in _FORWARD:
        return x, y
    there = _in_china(x, y)
    forward = _FORWARD[datum]
    guess_x, guess_y = x.copy(), y.copy()
    for _ in range(12):
        there_x, there_y = forward(guess_x, guess_y)
        guess_x, guess_y = guess_x - (there_x - x), guess_y - (there_y - y)
    return np.where(there, guess_x, x), np.where(there, guess_y, y)


def parse_crs(definition: Any) -> pyproj.CRS:
    """Coordinate reference system from an EPSG code, WKT, PROJ text or pyproj object.

    Raises
    ------
    CrsError
        PROJ does not know it.

    Examples
    --------
    >>> parse_crs("epsg:32643").name
    'WGS 84 / UTM zone 43N'
    >>> parse_crs(4490).name
    'China Geodetic Coordinate System 2000'
    """
    text = definition.strip() if isinstance(definition, str) else definition
    if isinstance(text, str) and text.isdecimal():
        text = int(text)
    where: dict[str, Any] = {
        "value": str(definition)[:80],
        "mend": "Give an EPSG code such as EPSG:4326 or EPSG:32643.",
    }
    try:
        crs = pyproj.CRS.from_user_input(text)
    except (ProjCrsError, TypeError, ValueError) as error:
        raise CrsError("this coordinate reference system is not known", **where) from error
    if not (crs.is_geographic or crs.is_projected):
        raise CrsError(
            "this coordinate reference system is not on the surface of the Earth", **where
        )
    return crs


def crs_name(crs: pyproj.CRS) -> str:
    """Short name of a CRS: its authority code where PROJ is sure of one, else its name.

    Examples
    --------
    >>> crs_name(parse_crs("+proj=longlat +datum=WGS84"))
    'EPSG:4326'
    """
    if same_crs(crs, WGS84):
        return WGS84
    authority = crs.to_authority(min_confidence=70)
    return ":".join(authority) if authority else crs.name


def same_crs(a: pyproj.CRS, b: Any) -> bool:
    """Whether two CRS put the same x, y in the same place.

    Axis order does not count, since x is always longitude here.
    """
    other = parse_crs(b)
    return bool(a.equals(other, ignore_axis_order=True)) or (
        a.to_authority(min_confidence=90) == ("OGC", "CRS84") and other.to_epsg() == 4326
    )


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs(source, target, always_xy=True, allow_ballpark=True)
    except ProjError as error:
        raise CrsError(
            "this coordinate reference system cannot be converted to WGS84", value=source[:80]
        ) from error


def in_arrays(function: Callable[..., Any], *values: Any) -> Any:
    """Call a function of pyproj; arrays of one value stay arrays.

    With NumPy before 2.4 pyproj takes them for numbers.

    Examples
    --------
    >>> in_arrays(pyproj.Geod(ellps="WGS84").fwd, np.zeros(1), [0.0], 90, 0)[0]
    array([0.])
    """
    shapes = {np.shape(value) for value in values} - {()}
    if not shapes or any(np.size(value) != 1 for value in values):
        return function(*values)
    found = function(*(float(np.ravel(value)[0]) for value in values))
    return tuple(np.full(max(shapes, key=len), value) for value in found)


def change(source: str, target: str, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Coordinates (x, y) of one system in another; infinite where they cannot be converted.

    Examples
    --------
    >>> lon, lat = change("EPSG:32643", "EPSG:4326", 500_000, 0)
    >>> float(lon.round(9)), float(lat.round(9))
    (75.0, 0.0)
    """
    a, b = in_arrays(_transformer(source, target).transform, x, y)
    return np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)


def to_lonlat(geometries: NDArray[Any], crs: pyproj.CRS) -> NDArray[Any]:
    """Geometries in WGS84 longitude/latitude.

    None stays None; a point that cannot be converted becomes infinite.

    Parameters
    ----------
    geometries
        Array of shapely geometries with x (longitude or easting) first.
    crs
        What they are in.
    """
    if same_crs(crs, WGS84) or crs.to_epsg() == 4490:
        return geometries
    try:
        transformer = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=True)
    except ProjError as error:
        raise CrsError(
            "this coordinate reference system cannot be converted to WGS84", value=crs_name(crs)
        ) from error

    def convert(coordinates: FloatArray) -> FloatArray:
        return np.column_stack(in_arrays(transformer.transform, *coordinates.T))

    return np.asarray(shapely.transform(shapely.force_2d(geometries), convert), dtype=object)


def lonlat(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Geometry of a frame in WGS84 longitude/latitude within ±180 degrees, as an array.

    Raises
    ------
    CrsError
        The frame has geometries and no CRS.

    Examples
    --------
    >>> import geopandas as gpd
    >>> lonlat(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs="EPSG:3857"))[0]
    <POINT (0 0)>
    >>> lonlat(gpd.GeoDataFrame(geometry=[shapely.box(179, 0, 181, 1)], crs="EPSG:4326"))[0].bounds
    (-180.0, 0.0, 180.0, 1.0)
    """
    geometry = np.asarray(frame.geometry.array, dtype=object)
    if frame.crs is not None:
        return within_180(to_lonlat(geometry, frame.crs))
    if shapely.is_missing(geometry).all():
        return geometry
    raise CrsError(
        "the frame has no coordinate reference system",
        mend='Set it, e.g. frame.set_crs("EPSG:4326").',
    )


def within_180(geometries: NDArray[Any]) -> NDArray[np.object_]:
    """Longitude/latitude geometries cut at the 180th meridian where they cross it.

    Their longitudes may run on to 185, or jump from 179 to -179 in the middle of a ring.

    Parameters
    ----------
    geometries
        Shapely geometries or None, shape (n,).

    Returns
    -------
    ndarray
        Shape (n,); a geometry that needs no cut is the very object given. A polygon that crosses
        itself, so that cutting it would change its area, is not cut.

    Examples
    --------
    >>> jump = shapely.Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)])
    >>> [part.bounds for part in within_180(np.array([jump]))[0].geoms]
    [(-180.0, 0.0, -179.0, 1.0), (179.0, 0.0, 180.0, 1.0)]
    """
    out = np.asarray(geometries, dtype=object).copy()
    west, _, east, _ = shapely.bounds(out).T
    with np.errstate(invalid="ignore"):
        wanted = np.isfinite(west + east) & ((west < -180) | (east > 180) | (east - west > _WIDEST))
    point = wanted & (shapely.get_type_id(out) == 0)
    out[point] = shapely.points((west[point] + 180) % 360 - 180, shapely.get_y(out[point]))
    for i in np.flatnonzero(wanted & ~point):
        shape = _run_on(out[i])
        if shape.bounds[0] >= -180 and shape.bounds[2] <= 180:
            continue
        mended = shape if shapely.is_valid(shape) else shapely.make_valid(shape, method="structure")
        same = abs(mended.area - shape.area) <= _SAME_AREA * shape.area
        out[i] = turned(np.array([mended], dtype=object), -180, 180)[0] if same else shape
    return out


def _run_on(shape: Any) -> Any:
    """Shape whose longitudes run on beyond 180 where they jumped from one side to the other."""
    parts = shapely.get_parts(shape)
    moved = parts.copy()
    for k, part in enumerate(parts):
        x, of = shapely.get_coordinates(part)[:, 0], None
        if shapely.get_type_id(part) == 3:
            x, of = shapely.get_coordinates(shapely.get_rings(part), return_index=True)
            x = x[:, 0]
        inner = np.ones(max(0, x.size - 1), dtype=bool) if of is None else of[1:] == of[:-1]
        width = np.ptp(np.where(x < 0, x + 360, x))
        # As wide after moving, it is truly that wide, such as a ring around a pole; of no width, it
        # was the whole Earth.
        if (np.abs(np.diff(x))[inner] > _WIDEST).any() and 0 < width < _WIDEST:
            moved[k] = shapely.transform(
                part,
                lambda c: np.column_stack([np.where(c[:, 0] < 0, c[:, 0] + 360, c[:, 0]), c[:, 1]]),
            )
    if all(a is b for a, b in zip(parts, moved, strict=True)):
        return shape
    return moved[0] if len(moved) == 1 else shapely.union_all(moved)


def turned(geometry: NDArray[np.object_], west: float, east: float) -> NDArray[np.object_]:
    """Parts of geometries between two meridians, whichever turn of longitude they are written in.

    Only parts of the geometry's own dimension are kept: no point where a polygon touches the edge.

    Examples
    --------
    >>> turned(np.array([shapely.box(-181, 0, -179, 1)], dtype=object), 178, 182)[0].bounds
    (179.0, 0.0, 181.0, 1.0)
    """
    bounds = shapely.bounds(geometry)
    out = geometry.copy()
    for i in np.flatnonzero((bounds[:, 0] < west) | (bounds[:, 2] > east)):
        dimension = shapely.get_dimensions(geometry[i])
        pieces = []
        low, high = (bounds[i, 0] - east) / 360, (bounds[i, 2] - west) / 360
        for turn in range(int(np.ceil(low)), int(np.floor(high)) + 1):
            window = shapely.box(west + 360 * turn, -90, east + 360 * turn, 90)
            piece = shapely.transform(
                shapely.intersection(geometry[i], window), lambda c, t=turn: c - [360 * t, 0]
            )
            pieces += [p for p in _leaves(piece) if shapely.get_dimensions(p) == dimension]
        out[i] = shapely.union_all(pieces)
    return out


def _leaves(shape: Any) -> list[Any]:
    """List the simple geometries of a collection, whatever it is nested in."""
    if shapely.get_type_id(shape) < 4:
        return [] if shape.is_empty else [shape]
    return [leaf for part in shapely.get_parts(shape) for leaf in _leaves(part)]
