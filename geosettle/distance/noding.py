"""From lines as drawn to a graph: nodes where lines end, meet or cross."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.geodesy import GEOD

__all__ = ["Noded", "node_lines"]

IntArray = NDArray[np.int64]
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, eq=False)
class Noded:
    """Lines cut at their nodes.

    Attributes
    ----------
    lon, lat
        Nodes, WGS84.
    line, tail, head, metres
        Per piece: which line it is part of, its end nodes in the direction drawn, its geodesic
        length.
    at
        Node of each extra point that was asked for.
    start
        Node that each line starts at.
    """

    lon: FloatArray
    lat: FloatArray
    line: IntArray
    tail: IntArray
    head: IntArray
    metres: FloatArray
    at: IntArray
    start: IntArray


def plane(lon: FloatArray, lat: FloatArray, lat0: float) -> FloatArray:
    """Longitude and latitude as metres on a plane that is true along one latitude, shape (n, 2)."""
    return np.column_stack([lon * np.cos(np.radians(lat0)), lat]) * _METRES_PER_DEGREE


def node_lines(
    lines: NDArray[np.object_],
    *,
    tolerance_m: float,
    level: NDArray[np.integer] | None = None,
    crossings: bool = True,
    extra: tuple[IntArray, FloatArray, FloatArray] | None = None,
) -> Noded:
    """Cut lines where they meet.

    Parameters
    ----------
    lines
        LineStrings in WGS84, shape (n,).
    tolerance_m
        Ends nearer than this to another end or line are joined to it.
    level
        Lines on different levels (bridge, tunnel) do not meet where they cross, only at their ends.
    crossings
        Whether lines that cross meet there at all.
    extra
        Further points to be nodes: line number, longitude, latitude of points on that line.

    Notes
    -----
    Where lines meet is found on a plane true at the middle latitude; lengths are geodesic, along
    the vertices as drawn. Joining moves an end by at most the tolerance, which is the error of a
    length per node passed.
    """
    xy, of = shapely.get_coordinates(lines, return_index=True)
    lat0 = float((xy[:, 1].min() + xy[:, 1].max()) / 2) if len(xy) else 0.0
    flat = shapely.linestrings(plane(xy[:, 0], xy[:, 1], lat0), indices=of) if len(xy) else lines
    tree = shapely.STRtree(flat)
    number = np.arange(len(flat))
    length = shapely.length(flat)
    # A line that comes back to where it starts is cut in its middle too, or it would be an arc from
    # a node to itself.
    ring = np.flatnonzero(
        shapely.distance(shapely.get_point(flat, 0), shapely.get_point(flat, -1)) <= tolerance_m
    )
    which, place = [number, number, ring], [np.zeros(len(flat)), length, length[ring] / 2]
    for line, at in (
        *(_crossings(flat, tree, level) if crossings else ()),
        _touches(flat, tree, tolerance_m),
    ):
        which.append(line)
        place.append(at)
    extra_line = np.zeros(0, dtype=np.int64)
    if extra is not None:
        extra_line = extra[0]
        points = shapely.points(plane(extra[1], extra[2], lat0))
        which.append(extra_line)
        place.append(shapely.line_locate_point(flat[extra_line], points))
    owner, along = np.concatenate(which), np.concatenate(place)
    points = shapely.get_coordinates(shapely.line_interpolate_point(flat[owner], along))
    node, centre = _cluster(points, tolerance_m)
    order = np.lexsort((along, owner))
    same = owner[order][1:] == owner[order][:-1]
    a, b = order[:-1][same], order[1:][same]
    metres = _geodesic_along(xy, of, lat0, owner, along)
    keep = node[a] != node[b]
    a, b = a[keep], b[keep]
    lonlat = centre / _METRES_PER_DEGREE / [np.cos(np.radians(lat0)), 1]
    at = node[owner.size - extra_line.size :]
    return Noded(
        lonlat[:, 0],
        lonlat[:, 1],
        owner[a],
        node[a],
        node[b],
        metres[b] - metres[a],
        at,
        node[: len(flat)],
    )


def _crossings(
    flat: NDArray[np.object_], tree: shapely.STRtree, level: NDArray[np.integer] | None
) -> list[tuple[IntArray, FloatArray]]:
    """Positions along both lines where two lines cross or share a vertex."""
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


def _touches(
    flat: NDArray[np.object_], tree: shapely.STRtree, tolerance_m: float
) -> tuple[IntArray, FloatArray]:
    """Positions on lines near which another line ends."""
    ends = np.concatenate([shapely.get_point(flat, 0), shapely.get_point(flat, -1)])
    end, line = tree.query(ends, predicate="dwithin", distance=tolerance_m)
    other = end % len(flat) != line
    return line[other], shapely.line_locate_point(flat[line[other]], ends[end[other]])


def _cluster(points: FloatArray, tolerance_m: float) -> tuple[IntArray, FloatArray]:
    """Node of each point and the nodes' places: points nearer than the tolerance, in chains, are
    one node.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415
    from scipy.spatial import cKDTree  # noqa: PLC0415

    # Where lines meet, each brings the same point several times: what is equal to the millimetre is
    # looked at once.
    key = np.round(points * 1000).astype(np.int64)
    _, first, of = np.unique(key[:, 0] + 1j * key[:, 1], return_index=True, return_inverse=True)
    near = cKDTree(points[first]).query_pairs(tolerance_m, output_type="ndarray")
    links = coo_array(
        (np.ones(len(near), dtype=np.int8), (near[:, 0], near[:, 1])),
        shape=(first.size, first.size),
    )
    count, node = connected_components(links, directed=False)
    node = node[of]
    weight = np.bincount(node, minlength=count)
    centre = np.column_stack([np.bincount(node, points[:, k], count) / weight for k in (0, 1)])
    return node.astype(np.int64), centre


def _geodesic_along(
    xy: FloatArray, of: IntArray, lat0: float, line: IntArray, along: FloatArray
) -> FloatArray:
    """Geodesic metres from a line's start to planar positions along it."""
    step = np.zeros(len(xy))
    step[1:] = GEOD.inv(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])[2]
    planar = np.zeros(len(xy))
    planar[1:] = np.hypot(*np.diff(plane(xy[:, 0], xy[:, 1], lat0), axis=0).T)
    start = np.r_[True, of[1:] != of[:-1]]
    step[start], planar[start] = 0.0, 0.0
    true, drawn = np.cumsum(step), np.cumsum(planar)
    begin = np.flatnonzero(start)
    # All lines one after the other on one axis; a position is looked up on its own line's stretch.
    return np.asarray(np.interp(drawn[begin][line] + along, drawn, true) - true[begin][line])
