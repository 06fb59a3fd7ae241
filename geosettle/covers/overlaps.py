"""Whether polygons overlap, and who holds ground that several claim: the earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.covers.zones import polygons_of
from geosettle.geodesy import area_m2
from geosettle.geodesy.disc_overlap import Edges
from geosettle.problems import Problems, note

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
_SLIVER_M2: Final = 1.0
_DUST_M2: Final = 1e-6  # what rounding may leave of a polygon that lies wholly under others
_RIM_SHARE: Final = 0.1
_CROWD: Final = 64  # rivals from which a polygon is in a stack
_BLOCK: Final = 2_000  # polygons whose rivals are sought at a time


def _unmatched(edges: Edges) -> NDArray[np.bool_] | None:
    """Edges that no neighbour shares in the other direction.

    None if two polygons have one edge on the same side.
    """
    bits = [(v + 0.0).view(np.uint64) for v in (edges.x0, edges.y0, edges.x1, edges.y1)]
    # Any good mixing will do: what falls together by chance is separated below.
    mix = [
        b * np.uint64(m)
        for b, m in zip(bits, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F) * 2, strict=True)
    ]
    start, end = (
        m ^ (m >> np.uint64(29))
        for m in (mix[0] + (mix[1] >> np.uint64(7)), mix[2] + (mix[3] >> np.uint64(7)))
    )
    order = np.argsort(start + end, kind="stable")
    key = (start + end)[order]
    a, b = order[:-1], order[1:]
    together = key[:-1] == key[1:]
    same = (edges.x0[a] == edges.x0[b]) & (edges.y0[a] == edges.y0[b])
    same &= (edges.x1[a] == edges.x1[b]) & (edges.y1[a] == edges.y1[b])
    turned = (edges.x0[a] == edges.x1[b]) & (edges.y0[a] == edges.y1[b])
    turned &= (edges.x1[a] == edges.x0[b]) & (edges.y1[a] == edges.y0[b])
    if np.any(together & same) or np.any(together[1:] & together[:-1]):
        return None
    alone = np.ones(edges.x0.size, dtype=bool)
    alone[a[together & turned]] = False
    alone[b[together & turned]] = False
    return alone


def surely_disjoint(geometry: NDArray[np.object_], edges: Edges, tree: shapely.STRtree) -> bool:
    """Whether valid polygons certainly share no ground; False where that would take long to tell.

    How many polygons lie over a point changes only across edges that are not shared by two
    neighbours, one on either side. If none of those edges runs through the inside of another
    polygon, and no polygon that has such an edge lies over another's inside, there is no ground
    under two.

    Examples
    --------
    >>> tiles = np.array(
    ...     [shapely.box(x, y, x + 1, y + 1) for x in range(3) for y in range(3)], dtype=object
    ... )
    >>> surely_disjoint(tiles, Edges.of(tiles), shapely.STRtree(tiles))
    True
    >>> stacked = np.append(tiles, shapely.box(0.2, 0.2, 0.4, 0.4))
    >>> surely_disjoint(stacked, Edges.of(stacked), shapely.STRtree(stacked))
    False
    """
    alone = _unmatched(edges)
    if alone is None or alone.sum() > max(1000, _RIM_SHARE * alone.size):
        return False
    owner = edges.owners()[alone]
    ends = np.stack(
        [edges.x0[alone], edges.y0[alone], edges.x1[alone], edges.y1[alone]], axis=-1
    ).reshape(-1, 2, 2)
    lines = shapely.linestrings(ends)
    at, other = tree.query(lines)
    foreign = other != owner[at]
    if np.any(shapely.relate_pattern(lines[at[foreign]], geometry[other[foreign]], "T********")):
        return False
    rim = np.unique(owner)
    at, other = tree.query(shapely.point_on_surface(geometry[rim]), predicate="intersects")
    return bool(np.all(other == rim[at]))


@dataclass(frozen=True, eq=False)
class Contests:
    """Which polygons may share ground.

    Parameters
    ----------
    earlier, later
        Pairs, sorted by the later one; those between two crowded polygons are left out: a stack of
        n has n² / 2.
    crowded
        Polygons in a stack, any of which may share ground with any other of its group, shape (n,).
    group
        Only polygons of one group can overlap, shape (n,).
    """

    earlier: IntArray
    later: IntArray
    crowded: NDArray[np.bool_]
    group: FloatArray


def contests_among(geometry: NDArray[np.object_], edges: Edges, group: FloatArray) -> Contests:
    """Find the polygons whose insides may meet.

    Parameters
    ----------
    geometry, edges
        Valid polygons and their edges.
    group
        Only polygons of one group can overlap; NaN is a group of its own.

    Examples
    --------
    >>> boxes = np.array(
    ...     [shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1), shapely.box(3, 0, 4, 1)],
    ...     dtype=object,
    ... )
    >>> found = contests_among(boxes, Edges.of(boxes), np.zeros(3))
    >>> found.earlier, found.later, found.crowded.any()
    (array([0]), array([1]), np.False_)
    """
    group = np.where(np.isnan(group), np.inf, group)
    none, crowded = np.zeros(0, dtype=np.intp), np.zeros(geometry.size, dtype=bool)
    if geometry.size < 2:
        return Contests(none, none, crowded, group)
    tree = shapely.STRtree(geometry)
    if surely_disjoint(geometry, edges, tree):
        return Contests(none, none, crowded, group)
    starts = range(0, geometry.size, _BLOCK)
    for start in starts:
        at, other = tree.query(geometry[start : start + _BLOCK])
        rivals = np.bincount(
            at[group[other] == group[start + at]], minlength=min(_BLOCK, geometry.size - start)
        )
        crowded[start : start + _BLOCK] = rivals > _CROWD
    shapely.prepare(geometry)
    pairs = [
        _meeting(geometry, tree, slice(start, start + _BLOCK), crowded, group) for start in starts
    ]
    earlier, later = (np.concatenate(column) for column in zip(*pairs, strict=True))
    order = np.lexsort((earlier, later))
    return Contests(earlier[order], later[order], crowded, group)


def _meeting(
    geometry: NDArray[np.object_],
    tree: shapely.STRtree,
    rows: slice,
    crowded: NDArray[np.bool_],
    group: FloatArray,
) -> tuple[IntArray, IntArray]:
    """Pairs of a block of polygons with earlier ones whose interiors intersect.

    Pairs of which both are in a stack of overlapping polygons are left out.
    """
    later, earlier = tree.query(geometry[rows])
    later = later + rows.start
    keep = (
        (earlier < later) & (group[earlier] == group[later]) & ~(crowded[earlier] & crowded[later])
    )
    earlier, later = earlier[keep], later[keep]
    meet = shapely.intersects(geometry[later], geometry[earlier])
    earlier, later = earlier[meet], later[meet]
    meet = ~shapely.touches(geometry[later], geometry[earlier])
    return earlier[meet], later[meet]


class _Stack:
    """Union of the polygons of a stack so far.

    It is kept in parts that double in size, so that each polygon is merged rarely.
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
    >>> lost, ground = settle(
    ...     boxes, area_m2(boxes), rivals, np.array(["a", "b"], dtype=object), None
    ... )
    >>> lost, ground[0].bounds, boxes[1].bounds
    (array([1]), (1.0, 0.0, 2.0, 1.0), (2.0, 0.0, 3.0, 1.0))
    """
    lost, ground = [], []
    original, holds = geometry.copy(), np.ones(geometry.size, dtype=bool)
    stacks: dict[float, _Stack] = {}
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
            stack = stacks.setdefault(float(contests.group[one]), _Stack())
            under = stack.under(original[one])
            above, rivals = (
                above + under,
                "; ".join(r for r in (rivals, "many others" if under else "") if r),
            )
            stack.put(original[one])
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
