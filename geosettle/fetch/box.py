"""The box around a study that open data is fetched for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from geosettle.errors import InputError
from geosettle.fetch.job import Box
from geosettle.geodesy import GEOD


def check_box(stated: Sequence[float]) -> Box:
    """Return a box as it was stated; one that crosses the 180th meridian ends above 180.

    Raises
    ------
    InputError
        Its sides are exchanged, or off the Earth.

    Examples
    --------
    >>> check_box([178, -19, -179, -16])
    (178.0, -19.0, 181.0, -16.0)
    """
    west, south, east, north = sides = [float(side) for side in stated]
    east += 360.0 if east < west else 0.0
    if not (-180 <= west <= 180 and -90 <= south < north <= 90 and west < east <= west + 360):
        raise InputError(
            "this is no box", value=sides, mend="Give west south east north, in degrees."
        )
    return west, south, east, north


def box_around(ends: Sequence[Any], reach_m: float) -> Box | None:
    """Return the hull of sites and origins, wider by the reach on each side.

    Parameters
    ----------
    ends
        Arrays of shapely geometries on WGS84.
    reach_m
        Metres on the ellipsoid.

    Returns
    -------
    tuple or None
        None where nothing has a position.

    Examples
    --------
    >>> box = box_around([shapely.points([[80.0, 40.0], [81.0, 40.5]])], 30_000)
    >>> [round(side, 2) for side in box]
    [79.65, 39.73, 81.35, 40.77]
    >>> box_around([shapely.points([[-29.3, 40.2], [-30.7, 40.7]])], 30_000)[0] < -30.7
    True
    >>> box = box_around([shapely.points([[179.5, 0.0], [-179.5, 0.0]])], 30_000)
    >>> [round(side, 2) for side in box]
    [179.23, -0.27, 180.77, 0.27]
    """
    boxes = np.concatenate(
        [shapely.bounds(some).reshape(-1, 4) for some in ends] or [[[np.nan] * 4]]
    )
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return None
    turned = boxes + np.where(boxes[:, :1] < 0, [[360.0, 0, 360.0, 0]], 0.0)
    if np.ptp(turned[:, [0, 2]]) < np.ptp(boxes[:, [0, 2]]) - 1:
        boxes = turned  # nearer to each other across the 180th meridian
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    far = max(abs(south), abs(north))
    _, (top, bottom), _ = GEOD.fwd([west, west], [north, south], [0, 180], [reach_m] * 2)
    aside = abs(GEOD.fwd(0.0, far, 90.0, reach_m)[0])
    west, east = (side + 360 * (west - aside < -180) for side in (west, east))
    return check_box(
        [west - aside, max(bottom, -89.9), min(east + aside, west - aside + 360), min(top, 89.9)]
    )


def area_of(box: Box) -> shapely.Geometry:
    """Return a box as an area in degrees up to 180.

    Examples
    --------
    >>> area_of((178.0, 0.0, 181.0, 1.0)).area
    3.0
    """
    return shapely.union_all([shapely.box(*half) for half in halves(box)])


def halves(box: Box) -> list[Box]:
    """Return a box as those on either side of the 180th meridian, in degrees up to 180.

    Examples
    --------
    >>> halves((178.0, 0.0, 181.0, 1.0)), halves((1.0, 0.0, 2.0, 1.0))
    ([(178.0, 0.0, 180.0, 1.0), (-180.0, 0.0, -179.0, 1.0)], [(1.0, 0.0, 2.0, 1.0)])
    """
    west, south, east, north = box
    if east <= 180:
        return [box]
    return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]
