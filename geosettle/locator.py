"""Land as it is seen on a globe turned to a place, for the locators of the map and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.data_files import read_data

FloatArray = NDArray[np.float64]


def from_space(
    lon: FloatArray, lat: FloatArray, lon0: float, lat0: float
) -> tuple[FloatArray, FloatArray]:
    """Orthographic view of points from above (lon0, lat0).

    Parameters
    ----------
    lon, lat
        Degrees, shape (n,).
    lon0, lat0
        The middle of the view, degrees.

    Returns
    -------
    xy, depth
        x to the right and y up, shape (n, 2), in radii of the globe; and the distance in front of
        its middle plane, shape (n,): negative on the far side.

    Notes
    -----
    Snyder (1987), Map Projections: A Working Manual, equations 20-3 to 20-5, on a sphere.

    Examples
    --------
    >>> xy, depth = from_space(np.array([76.0, 256.0]), np.array([39.0, 39.0]), 76.0, 39.0)
    >>> xy[0].round(9).tolist(), depth.round(3).tolist()
    ([0.0, 0.0], [1.0, -0.208])
    """
    east, north, middle = np.radians(lon - lon0), np.radians(lat), np.radians(lat0)
    x = np.cos(north) * np.sin(east)
    y = np.cos(middle) * np.sin(north) - np.sin(middle) * np.cos(north) * np.cos(east)
    depth = np.sin(middle) * np.sin(north) + np.cos(middle) * np.cos(north) * np.cos(east)
    return np.column_stack([x, y]), depth


def land_from_space(lon0: float, lat0: float) -> list[FloatArray]:
    """Land seen from above (lon0, lat0), as closed shapes to be filled; no border of any state.

    Parameters
    ----------
    lon0, lat0
        The middle of the view, degrees.

    Returns
    -------
    list of numpy.ndarray
        Shape (n, 2) each, radii of the globe, in the unit circle; what lies beyond the horizon is
        drawn in to it.

    Notes
    -----
    Natural Earth 1:110m land (public domain), simplified to half a degree, cut into pieces of at
    most 30 degrees: ``tests/reference/make_land.py``. A piece that straddles the horizon is filled
    truly, for each of its hidden corners moves along its own direction to the circle.

    Examples
    --------
    >>> shapes = land_from_space(76.0, 39.0)
    >>> bool(max(np.hypot(*shape.T).max() for shape in shapes) <= 1)
    True
    """
    shapes = []
    for ring in _rings():
        xy, depth = from_space(ring[:, 0], ring[:, 1], lon0, lat0)
        if (depth > 0).any():
            far = depth < 0
            xy[far] /= np.hypot(xy[far, 0], xy[far, 1])[:, None]
            shapes.append(np.clip(xy, -1, 1))
    return shapes


@cache
def _rings() -> tuple[FloatArray, ...]:
    """Rings of land, degrees, shape (n, 2)."""
    rings = read_data("land.json")["rings"]
    return tuple(np.asarray(ring, dtype=np.float64) / 10 for ring in rings)


_RADIUS: Final = 46
"""Radius of the globe in the units of its picture, as in static/tools.js."""


def land_path(view: Sequence[float]) -> str:
    """Land on the half of the globe that faces the study, as an SVG path.

    Parameters
    ----------
    view
        West, south, east, north of the study, degrees; its middle is the middle of the globe.

    Returns
    -------
    str
        Path in a picture whose origin is the middle of the globe and whose y points south; the
        globe's radius is 46.

    Examples
    --------
    >>> land_path([73, 34, 85, 42])[0]
    'M'
    """
    west, south, east, north = view
    shapes = land_from_space((west + east) / 2, (south + north) / 2)
    pieces = shapely.make_valid(
        [shapely.Polygon(shape * [1, -1]) for shape in shapes if len(shape) > 2]
    )
    # Land comes in pieces whose cuts would look like borders; pieces that touch are joined.
    land = shapely.simplify(shapely.union_all(shapely.buffer(pieces, 0.004, quad_segs=1)), 0.006)
    polygons: Any = shapely.get_parts(land)
    rings = shapely.get_rings(polygons[shapely.area(polygons) > 0.0008])
    return "".join(_ring_path(shapely.get_coordinates(ring)) for ring in rings)


def _ring_path(xy: Any) -> str:
    # Adding 0 turns -0.0 into 0.0.
    points = [f"{x:.1f} {y:.1f}" for x, y in np.round(xy[:-1] * _RADIUS, 1) + 0.0]
    return f"M{'L'.join(points)}Z" if len(points) > 2 else ""
