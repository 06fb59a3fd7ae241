"""Who holds ground that several polygons claim: the earlier one, at a cost that heaps of polygons
do not explode.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.covers.overlaps import Contests
from geosettle.covers.zones import polygons_of
from geosettle.geodesy import area_m2
from geosettle.problems import Problems, note

__all__ = ["settle"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
_SLIVER_M2: Final = 1.0
_DUST_M2: Final = 1e-6  # what rounding may leave of a polygon that lies wholly under others


class _Heap:
    """Union of the polygons put in so far, in parts that double in size, so that each polygon is
    merged rarely.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, shapely.Geometry]] = []

    def put(self, polygon: shapely.Geometry) -> None:
        size = 1
        while self._parts and self._parts[-1][0] == size:
            polygon = shapely.union(self._parts.pop()[1], polygon)
            size *= 2
        self._parts.append((size, polygon))

    def under(self, polygon: shapely.Geometry) -> list[shapely.Geometry]:
        """Parts that meet a polygon."""
        parts = np.array([part for _, part in self._parts], dtype=object)
        return list(parts[shapely.intersects(polygon, parts)]) if parts.size else []


def settle(
    geometry: NDArray[np.object_],
    area: FloatArray,
    contests: Contests,
    ids: NDArray[np.object_],
    problems: Problems | None,
) -> tuple[IntArray, NDArray[np.object_]]:
    """Take from each polygon what earlier ones hold, in place; give who lost what.

    Parameters
    ----------
    geometry, area
        Valid polygons and their square metres; changed.
    contests
        Which of them may overlap; see `contests_among`.
    ids, problems
        For messages.

    Returns
    -------
    (polygon, ground)
        Positions of those that lost more than 1 m², and what they lost.

    Examples
    --------
    >>> from geosettle.geodesy.disc_overlap import Edges
    >>> from geosettle.covers.overlaps import contests_among
    >>> boxes = np.array([shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)], dtype=object)
    >>> rivals = contests_among(boxes, Edges.of(boxes), np.zeros(2))
    >>> lost, ground = settle(boxes, area_m2(boxes), rivals, np.array(["a", "b"], dtype=object), None)
    >>> lost, ground[0].bounds, boxes[1].bounds
    (array([1]), (1.0, 0.0, 2.0, 1.0), (2.0, 0.0, 3.0, 1.0))
    """
    lost, ground = [], []
    original, holds = geometry.copy(), np.ones(geometry.size, dtype=bool)
    heaps: dict[float, _Heap] = {}
    edges = np.searchsorted(contests.later, np.arange(geometry.size + 1))
    for one in np.flatnonzero(contests.crowded | (np.diff(edges) > 0)):
        before = contests.earlier[edges[one] : edges[one + 1]]
        shapely.prepare(original[one])
        # Each bit of ground is held by one polygon, so only those that still hold ground under this
        # one matter. Their shapes as drawn, not what is left of them, are taken away: that leaves
        # no hairlines.
        before = before[holds[before]]
        before = before[shapely.intersects(original[one], geometry[before])]
        above, rivals = list(original[before]), _list(ids[before])
        if contests.crowded[one]:
            heap = heaps.setdefault(float(contests.group[one]), _Heap())
            under = heap.under(original[one])
            above, rivals = (
                above + under,
                "; ".join(r for r in (rivals, "many others" if under else "") if r),
            )
            heap.put(original[one])
        if not above:
            continue
        earlier = shapely.union_all(above)
        taken = polygons_of(shapely.intersection(original[one], earlier))
        square_metres = float(area_m2([taken])[0])
        if square_metres <= _SLIVER_M2:
            continue
        geometry[one] = polygons_of(shapely.difference(original[one], earlier))
        area[one] = area_m2([geometry[one]])[0]
        holds[one] = area[one] > _DUST_M2
        lost.append(one)
        ground.append(taken)
        message = (
            f"Parcel {ids[one]} shares {square_metres / 1e4:.4f} ha with {rivals}; counted once."
        )
        note(problems, "cover_overlaps", message, id=str(ids[one]))
    out = np.empty(len(ground), dtype=object)
    out[:] = ground
    return np.asarray(lost, dtype=np.intp), out


def _list(names: NDArray[np.object_]) -> str:
    """Name a few, and say how many more there are."""
    shown = ", ".join(map(str, names[:3]))
    return shown if names.size <= 3 else f"{shown} and {names.size - 3} more"
