"""The locator: land as seen from above the study, without any border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely

from geosettle.locator import land_from_space

__all__ = ["land_path"]

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
    pieces = shapely.make_valid([shapely.Polygon(shape * [1, -1]) for shape in shapes if len(shape) > 2])
    # Land comes in pieces whose cuts would look like borders; pieces that touch are joined.
    land = shapely.simplify(shapely.union_all(shapely.buffer(pieces, 0.004, quad_segs=1)), 0.006)
    polygons: Any = shapely.get_parts(land)
    rings = shapely.get_rings(polygons[shapely.area(polygons) > 0.0008])
    return "".join(_ring_path(shapely.get_coordinates(ring)) for ring in rings)


def _ring_path(xy: Any) -> str:
    # Adding 0 turns -0.0 into 0.0.
    points = [f"{x:.1f} {y:.1f}" for x, y in np.round(xy[:-1] * _RADIUS, 1) + 0.0]
    return f"M{'L'.join(points)}Z" if len(points) > 2 else ""
