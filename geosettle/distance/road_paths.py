"""Ways by road as lines: the legs to the road and from it, and the vertices of the roads."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._protocol import Context
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.grid_paths import Way, no_way, way_of
from geosettle.distance.network import Edges, RoadNetwork
from geosettle.distance.road_cleaning import turned
from geosettle.distance.roads import RoadWays, no_roads, road_reasons, road_ways
from geosettle.reasons import reason
from geosettle.settings import RoadRules

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Arcs:
    """Which edge of the lines each arc of the graph is: keys tail · n + head, ascending."""

    key: IntArray
    edge: IntArray
    back: NDArray[np.bool_]


def road_lines(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    context: Context,
    *,
    back: bool,
) -> list[Way]:
    """Fastest way by road of each pair, from the origin to the site or back.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; as for `road_pairs`.
    back
        From the site to the origin instead.
    """
    none = no_roads(context.roads, RoadRules(**context.options.get("road", {})))
    if none:
        return [no_way(none) for _ in pairs]
    ways = road_ways(origins, sites, pairs, context, back=back)
    found = [no_way(text) for text in road_reasons(ways, back=back)]
    network = ways.joined.network
    arcs = None
    if network.edges is not None:
        edges = network.edges
        arcs = context.once(("arcs", id(network)), lambda: (network, _arcs(network, edges)))[1]
    rides = _rides(ways)
    for m in np.flatnonzero(np.isfinite(ways.found[:, 0])):
        found[m] = _way(ways, int(m), rides.get(int(m), np.zeros(0, dtype=np.int64)), arcs)
    return found


def _rides(ways: RoadWays) -> dict[int, IntArray]:
    """Nodes that the way of each pair leads over, where it leads over any."""
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415

    feet, graph = ways.joined.feet, ways.joined.network.graph
    rows = np.flatnonzero(np.isfinite(ways.found[:, 0]) & ((ways.over[:, 2] >= 0) | ways.published))
    i, j, p, q = ways.over[rows].T
    first, last = feet.node[ways.start[rows], i, p], feet.node[ways.end[rows], j, q]
    direct = ways.published[rows]
    own = ways.joined.node
    first = np.where(direct, own[ways.start[rows]], first)
    last = np.where(direct, own[ways.end[rows]], last)
    out = {int(m): np.array([a, b]) for m, a, b in zip(rows, first, last, strict=True)}
    turn = np.unique(last[~direct]).size < np.unique(first[~direct]).size
    if turn:  # from the side with fewer nodes
        graph, first, last = graph.reversed(), last, first
    matrix: Any = csr_array(
        (graph.seconds, graph.head, graph.first), shape=(graph.size, graph.size)
    )
    for node in np.unique(first[~direct]):
        before = dijkstra(matrix, indices=np.array([node]), return_predecessors=True)[1][0]
        for k in np.flatnonzero((first == node) & ~direct):
            chain = [int(last[k])]
            while chain[-1] != node:
                chain.append(int(before[chain[-1]]))
            out[int(rows[k])] = np.array(chain if turn else chain[::-1])
    return out


def _arcs(network: RoadNetwork, edges: Edges) -> _Arcs:
    noded, n = edges.noded, network.graph.size
    there, against = (np.flatnonzero(np.isfinite(v)) for v in (edges.forward, edges.backward))
    edge = np.r_[there, against]
    back = np.arange(edge.size) >= there.size
    ends = noded.tail[edge], noded.head[edge]
    key = np.where(back, ends[1] * n + ends[0], ends[0] * n + ends[1])
    seconds = np.where(back, edges.backward[edge], edges.forward[edge])
    order = np.lexsort((noded.metres[edge], seconds, key))
    first = order[np.diff(key[order], prepend=-1) != 0]
    return _Arcs(key[first], edge[first], back[first])


def _way(ways: RoadWays, m: int, nodes: IntArray, arcs: _Arcs | None) -> Way:
    """Put a way together: leg, the rest of an edge, edges, the beginning of an edge, leg."""
    joined, (a, b) = ways.joined, (int(ways.start[m]), int(ways.end[m]))
    network, feet = joined.network, joined.feet
    i, j, p, q = (int(v) for v in ways.over[m])
    lon, lat = joined.lon, joined.lat
    if arcs is None or network.edges is None:
        return _over_nodes(ways, m, nodes)
    foot = [(float(feet.lon[at, k]), float(feet.lat[at, k])) for at, k in ((a, i), (b, j))]
    edges, size = network.edges, network.graph.size
    at = [(int(feet.edge[n, k]), float(feet.along[n, k])) for n, k in ((a, i), (b, j))]
    parts: list[tuple[FloatArray, float]] = []
    if p < 0:
        edge, low, high = at[0][0], at[0][1], at[1][1]
        total = float((edges.forward if high >= low else edges.backward)[edge])
        share = abs(high - low) / max(float(edges.noded.metres[edge]), 1e-9)
        parts.append((_piece(edges, edge, low, high), total * share if high != low else 0.0))
    else:
        rest, begin = (
            float(edges.noded.metres[edge]) * (side == 1)
            for (edge, _), side in zip(at, (p, q), strict=True)
        )
        parts.append((_piece(edges, *at[0], rest), float(feet.leave[a, i, p])))
        for tail, head in pairwise(nodes):
            k = int(np.searchsorted(arcs.key, tail * size + head))
            edge, back = int(arcs.edge[k]), bool(arcs.back[k])
            ends = (0.0, float(edges.noded.metres[edge]))[:: -1 if back else 1]
            spent = (edges.backward if back else edges.forward)[edge]
            parts.append((_piece(edges, edge, *ends), float(spent)))
        parts.append((_piece(edges, at[1][0], begin, at[1][1]), float(feet.reach[b, j, q])))
    points, seconds = [np.array([[lon[a], lat[a]], foot[0]])], [np.array([joined.leave[a, i]])]
    for piece, took in parts:
        line = np.concatenate([points[-1][-1:], piece])
        on = np.hypot(*np.diff(line, axis=0).T)
        points.append(piece)
        seconds.append(took * (on / on.sum() if on.sum() > 0 else np.full(on.size, 1 / on.size)))
    points.append(np.array([foot[1], (lon[b], lat[b])]))
    seconds.append(np.array([0.0, joined.reach[b, j]]))
    xy, each = np.concatenate(points), np.concatenate(seconds)
    ride = np.ones(each.size, dtype=np.bool_)
    ride[[0, -1]] = False
    return way_of(xy, each, ride)


def _piece(edges: Edges, edge: int, low: float, high: float) -> FloatArray:
    """Points of an edge between two positions in metres from its tail, in that order, (k, 2).

    The ends that are vertices of nothing are interpolated.
    """
    noded = edges.noded
    if noded.joint[edge]:
        ends = [noded.tail[edge], noded.head[edge]]
        xy = np.column_stack([noded.lon[ends], noded.lat[ends]])
        at = np.array([0.0, noded.metres[edge]])
    else:
        line = int(noded.line[edge])
        flat = shapely.get_coordinates(edges.flat[line])
        planar = np.r_[0.0, np.cumsum(np.hypot(*np.diff(flat, axis=0).T))]
        xy = flat / noded.measure.scale
        number = np.full(planar.size, line)
        at = noded.measure.metres(number, planar)
        at -= noded.measure.metres(number[:1], np.array([noded.begin[edge]]))[0]
    start, end = min(low, high), max(low, high)
    inner = at[(at > start) & (at < end)]
    place = np.r_[start, inner, end]
    x, y = (np.interp(place, at, v) for v in xy.T)
    made = np.column_stack([turned(x, -edges.middle), y])
    return made if low <= high else made[::-1]


def _over_nodes(ways: RoadWays, m: int, nodes: IntArray) -> Way:
    """Way over the places of a table of lengths, drawn straight between them."""
    joined, (a, b) = ways.joined, (int(ways.start[m]), int(ways.end[m]))
    network, (i, j, *_) = joined.network, ways.over[m]
    legs = (0.0, 0.0) if ways.published[m] else (joined.leave[a, i], joined.reach[b, j])
    spent = network.arc(nodes[:-1], nodes[1:])[:, 0]
    at = np.column_stack([np.r_[joined.lon[a], network.lon[nodes], joined.lon[b]],
                          np.r_[joined.lat[a], network.lat[nodes], joined.lat[b]]])  # fmt: skip
    seconds = np.r_[legs[0], spent, legs[1]]
    ride = np.r_[False, np.ones(spent.size, dtype=np.bool_), False]
    return way_of(at, seconds, ride, reason("path_drawn_straight"), float(ways.found[m, 0]))
