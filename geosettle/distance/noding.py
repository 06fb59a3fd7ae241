"""From lines as drawn to a graph: nodes where lines end, meet or cross; dangling ends joined."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.geodesy import GEOD

IntArray = NDArray[np.int64]
Cuts = tuple[IntArray, FloatArray]
"""Line number and planar position along the line, of each place where a line is cut."""

_METRES_PER_DEGREE: Final = 111_195.0
_SAME_M: Final = 1e-4  # points nearer than this are one point: far above rounding, below any survey
LOOSE_M: Final = 20.0
"""Gap that is worth a word where it is not closed."""
_LOCAL: Final = 10.0  # an end that reaches a road within ten tolerances by road is joined already


@dataclass(frozen=True, eq=False)
class Noded:
    """Lines cut at their nodes.

    Attributes
    ----------
    lon, lat
        Nodes, WGS84.
    line, tail, head, metres
        Per piece: which line it is part of, its end nodes in the direction drawn, its geodesic
        length. Pieces of a line follow each other; the joints come last.
    begin, end
        Planar position of the ends of each piece along its line.
    measure
        Geodesic lengths along the lines.
    joint
        Whether a piece is the gap between a dangling end and the road it was joined to.
    drawn_m
        Geodesic length of the lines as drawn.
    loose
        Dangling ends that were not joined though another line is within `LOOSE_M`.
    """

    lon: FloatArray
    lat: FloatArray
    line: IntArray
    tail: IntArray
    head: IntArray
    metres: FloatArray
    begin: FloatArray
    end: FloatArray
    joint: NDArray[np.bool_]
    measure: Measure
    drawn_m: float
    loose: int = 0


def plane(lon: FloatArray, lat: FloatArray, lat0: float) -> FloatArray:
    """Longitude and latitude as metres on a plane that is true along one latitude, shape (n, 2)."""
    return np.column_stack([lon * np.cos(np.radians(lat0)), lat]) * _METRES_PER_DEGREE


def node_lines(
    lines: NDArray[np.object_],
    *,
    tolerance_m: float,
    level: NDArray[np.integer] | None = None,
    crossings: bool = True,
) -> Noded:
    """Cut lines where they meet, and join ends that nearly meet another line.

    Parameters
    ----------
    lines
        LineStrings in WGS84, shape (n,).
    tolerance_m
        A dangling end (nothing else ends or passes there) that is no farther than this from another
        line of its level is joined to the nearest point of it, by a piece as long as the gap.
    level
        Lines on different levels (bridge, tunnel) do not meet where they cross, only where one of
        them ends or both have a vertex.
    crossings
        Whether lines that cross without a common vertex meet there at all.

    Notes
    -----
    Where lines meet is found on a plane true at the middle latitude; lengths are geodesic, along
    the vertices as drawn. No node is moved and none is merged with another, so the length of the
    lines is kept; an end that is connected with the other line nearby (within ten tolerances along
    the roads) is left as it is.
    """
    xy, of = shapely.get_coordinates(lines, return_index=True)
    lat0 = float((xy[:, 1].min() + xy[:, 1].max()) / 2) if len(xy) else 0.0
    flat = shapely.linestrings(plane(xy[:, 0], xy[:, 1], lat0), indices=of) if len(xy) else lines
    length = shapely.length(flat)
    tree = shapely.STRtree(flat)
    number = np.arange(len(flat))
    # A line that comes back to where it starts is cut in its middle too, or it would be an arc from
    # a node to itself.
    ring = np.flatnonzero(
        shapely.distance(shapely.get_point(flat, 0), shapely.get_point(flat, -1)) <= _SAME_M
    )
    cuts = [(number, np.zeros(len(flat))), (number, length), (ring, length[ring] / 2)]
    if crossings:
        cuts += _crossings(flat, tree, level)
    cuts.append(_touches(flat, tree))
    measure = Measure(xy, of, lat0)
    cuts.append(_shared_vertices(xy, of, measure))
    first = _assembled(flat, cuts, measure)
    ends, target = _joints(first, flat, tree, tolerance_m, level)
    loose = max(0, _joints(first, flat, tree, LOOSE_M, level)[0].size - ends.size)
    if not ends.size:
        return _noded(first, measure, np.zeros((0, 3)), loose)
    second = _assembled(flat, [*cuts, target], measure)
    at = second.node_of_cut[-ends.size :]
    # Both ends of a gap may dangle: one piece joins them.
    pair = np.sort(np.column_stack([second.node_of_cut[ends], at]), axis=1)
    kept = np.sort(np.unique(pair, axis=0, return_index=True)[1])
    kept = kept[pair[kept, 0] != pair[kept, 1]]
    line = np.concatenate([number, number])[ends]
    joints = np.column_stack([line, second.node_of_cut[ends], at])[kept]
    return _noded(second, measure, joints, loose)


class Measure:
    """Geodesic lengths along lines, by planar positions along them."""

    def __init__(self, xy: FloatArray, of: IntArray, lat0: float) -> None:
        step, planar = np.zeros(len(xy)), np.zeros(len(xy))
        if len(xy):
            step[1:] = GEOD.inv(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])[2]
            planar[1:] = np.hypot(*np.diff(plane(xy[:, 0], xy[:, 1], lat0), axis=0).T)
        start = np.r_[True, of[1:] != of[:-1]] if len(xy) else np.zeros(0, bool)
        step[start], planar[start] = 0.0, 0.0
        self.true, self.drawn = np.cumsum(step), np.cumsum(planar)
        self.first = np.flatnonzero(start)
        self.scale = np.array([np.cos(np.radians(lat0)), 1]) * _METRES_PER_DEGREE
        self.total = float(step.sum())

    def metres(self, line: IntArray, along: FloatArray) -> FloatArray:
        """Geodesic metres from the start of each line to a planar position along it."""
        # All lines one after the other on one axis; a position is looked up on its own stretch.
        begin = self.first[line]
        found = np.interp(self.drawn[begin] + along, self.drawn, self.true)
        return np.asarray(found - self.true[begin])


@dataclass(frozen=True, eq=False)
class _Cut:
    """Lines cut at given places: nodes on the plane, and pieces between them."""

    centre: FloatArray
    node_of_cut: IntArray
    line: IntArray
    tail: IntArray
    head: IntArray
    begin: FloatArray
    end: FloatArray
    metres: FloatArray


def _assembled(flat: NDArray[np.object_], cuts: list[Cuts], measure: Measure) -> _Cut:
    """Cut the lines and number the nodes; places that are one point are one node."""
    owner = np.concatenate([line for line, _ in cuts]).astype(np.int64)
    along = np.concatenate([place for _, place in cuts])
    points = shapely.get_coordinates(shapely.line_interpolate_point(flat[owner], along))
    node, centre = _same_points(points)
    order = np.lexsort((along, owner))
    same = owner[order][1:] == owner[order][:-1]
    a, b = order[:-1][same], order[1:][same]
    keep = node[a] != node[b]
    a, b = a[keep], b[keep]
    metres = measure.metres(owner[b], along[b]) - measure.metres(owner[a], along[a])
    return _Cut(centre, node, owner[a], node[a], node[b], along[a], along[b], metres)


def _noded(cut: _Cut, measure: Measure, joints: NDArray[np.float64], loose: int) -> Noded:
    """Put pieces and joints together."""
    lon, lat = (cut.centre / measure.scale).T
    line, tail, head = joints.T.astype(np.int64)
    gap = np.asarray(GEOD.inv(lon[tail], lat[tail], lon[head], lat[head])[2])
    nothing = np.full(line.size, np.nan)
    return Noded(
        lon,
        lat,
        np.r_[cut.line, line],
        np.r_[cut.tail, tail],
        np.r_[cut.head, head],
        np.r_[cut.metres, gap],
        np.r_[cut.begin, nothing],
        np.r_[cut.end, nothing],
        np.arange(cut.line.size + line.size) >= cut.line.size,
        measure,
        measure.total,
        loose,
    )


def _crossings(
    flat: NDArray[np.object_], tree: shapely.STRtree, level: NDArray[np.integer] | None
) -> list[Cuts]:
    """Positions along both lines where two lines of one level cross or share a vertex."""
    i, j = tree.query(flat, predicate="intersects")
    keep = i < j
    if level is not None:
        keep &= level[i] == level[j]
    i, j = i[keep], j[keep]
    points, pair = shapely.get_coordinates(
        shapely.intersection(flat[i], flat[j]), return_index=True
    )
    where = shapely.points(points)
    return [(side[pair], shapely.line_locate_point(flat[side[pair]], where)) for side in (i, j)]


def _shared_vertices(xy: FloatArray, of: IntArray, measure: Measure) -> Cuts:
    """Positions along lines of vertices that are drawn more than once, whatever their levels."""
    _, inverse, count = np.unique(xy[:, 0] + 1j * xy[:, 1], return_inverse=True, return_counts=True)
    at = np.flatnonzero(count[inverse] > 1)
    return of[at], measure.drawn[at] - measure.drawn[measure.first[of[at]]]


def _touches(flat: NDArray[np.object_], tree: shapely.STRtree) -> Cuts:
    """Positions on lines at which another line ends, whatever their levels."""
    ends = np.concatenate([shapely.get_point(flat, 0), shapely.get_point(flat, -1)])
    end, line = tree.query(ends, predicate="dwithin", distance=_SAME_M)
    other = end % len(flat) != line if len(flat) else end == line
    return line[other], shapely.line_locate_point(flat[line[other]], ends[end[other]])


def _same_points(points: FloatArray) -> tuple[IntArray, FloatArray]:
    """Node of each point and the place of the nodes: points that differ by rounding are one."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415
    from scipy.spatial import cKDTree  # noqa: PLC0415

    # Where lines meet, each brings the same point: what is equal to the tenth of a millimetre is
    # looked at once.
    key = np.round(points / _SAME_M).astype(np.int64)
    _, first, of = np.unique(key[:, 0] + 1j * key[:, 1], return_index=True, return_inverse=True)
    near = cKDTree(points[first]).query_pairs(_SAME_M, output_type="ndarray")
    ones, size = np.ones(len(near), dtype=np.int8), first.size
    links = coo_array((ones, (near[:, 0], near[:, 1])), shape=(size, size))
    count, node = connected_components(links, directed=False)
    centre = np.zeros((count, 2))
    centre[node[::-1]] = points[first][::-1]  # the first of each node
    return node[of].astype(np.int64), centre


def _joints(
    cut: _Cut,
    flat: NDArray[np.object_],
    tree: shapely.STRtree,
    widest: float,
    level: NDArray[np.integer] | None,
) -> tuple[IntArray, Cuts]:
    """Dangling ends to be joined, and to which place.

    An end is its number among starts and ends of the lines.
    """
    n = len(flat)
    degree = np.bincount(np.r_[cut.tail, cut.head], minlength=len(cut.centre))
    dangling = np.flatnonzero(degree[cut.node_of_cut[: 2 * n]] == 1)
    points = np.concatenate([shapely.get_point(flat, 0), shapely.get_point(flat, -1)])[dangling]
    i, line = tree.query(points, predicate="dwithin", distance=widest)
    own = dangling[i] % n if n else i
    keep = own != line
    if level is not None:
        keep &= level[own] == level[line]
    i, line = i[keep], line[keep]
    gap = shapely.distance(points[i], flat[line])
    order = np.lexsort((line, gap, i))
    i, line, gap = i[order], line[order], gap[order]
    along = shapely.line_locate_point(flat[line], points[i])
    neighbours = _Neighbours(cut) if i.size else None
    ends: dict[int, tuple[int, float]] = {}
    for end, to, where in zip(i.tolist(), line.tolist(), along.tolist(), strict=True):
        if end in ends or neighbours is None:
            continue
        node = int(cut.node_of_cut[dangling[end]])
        if not neighbours.reach(node, to, _LOCAL * widest):
            ends[end] = to, where
    chosen = np.array(sorted(ends), dtype=np.int64)
    target = [ends[int(end)] for end in chosen]
    places = np.array([to for to, _ in target], dtype=np.int64)
    return dangling[chosen], (places, np.array([where for _, where in target], dtype=np.float64))


class _Neighbours:
    """Pieces by their nodes, to look around a node."""

    def __init__(self, cut: _Cut) -> None:
        ends = np.r_[cut.tail, cut.head]
        order = np.argsort(ends, kind="stable")
        self.first = np.r_[0, np.cumsum(np.bincount(ends, minlength=len(cut.centre)))]
        self.piece = order % cut.tail.size
        self.cut = cut

    def reach(self, node: int, line: int, limit: float) -> bool:
        """Whether a line can be reached along the roads from a node within a limit."""
        best = {node: 0.0}
        heap = [(0.0, node)]
        while heap:
            far, at = heappop(heap)
            if far > best[at]:
                continue
            for piece in self.piece[self.first[at] : self.first[at + 1]].tolist():
                if self.cut.line[piece] == line:
                    return True
                tail, head = int(self.cut.tail[piece]), int(self.cut.head[piece])
                to, total = head if tail == at else tail, far + float(self.cut.metres[piece])
                if total <= limit and total < best.get(to, np.inf):
                    best[to] = total
                    heappush(heap, (total, to))
        return False
