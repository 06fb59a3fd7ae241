"""Where places meet a road network, the legs to it, and the fastest ways between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._protocol import Context, positions
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance._solver.geodesic_search import nearest_points
from geosettle.distance._solver.shortest_paths import many_to_many
from geosettle.distance.draping import drape
from geosettle.distance.network import Edges, RoadNetwork
from geosettle.distance.noding import plane
from geosettle.distance.road_cleaning import turned
from geosettle.distance.walk_models import walk_model
from geosettle.geodesy import GEOD
from geosettle.settings import RoadRules

IntArray = NDArray[np.int64]
ON_ROAD_M: Final = 0.5
"""A place no farther from a road than this is on it: no leg leads to it."""
_AT_NODE_M: Final = 0.01
_MATRIX_CELLS: Final = 10_000_000


@dataclass(frozen=True, eq=False)
class Feet:
    """Where places may meet a network: per place and candidate, shape (n, k).

    Attributes
    ----------
    straight
        Metres from the place to its foot; NaN: no such candidate.
    lon, lat
        The foot.
    piece
        Label of the piece of network.
    edge, along
        Edge that the foot is on and the metres from its tail; -1 and 0 for the nodes of a table.
    node
        Shape (n, k, 2): the nodes by which the foot is left and reached; -1: none.
    leave, reach
        Seconds from the foot to each of these nodes, and from them to the foot; infinite where that
        is not allowed.
    metres
        Metres between the foot and these nodes.
    """

    straight: FloatArray
    lon: FloatArray
    lat: FloatArray
    piece: IntArray
    edge: IntArray
    along: FloatArray
    node: IntArray
    leave: FloatArray
    reach: FloatArray
    metres: FloatArray

    def rows(self, number: IntArray) -> Feet:
        """Give the feet of some places."""
        return Feet(*(getattr(self, name)[number] for name in self.__dataclass_fields__))


def meet(
    network: RoadNetwork, frame: gpd.GeoDataFrame, rules: RoadRules
) -> tuple[Feet, NDArray[np.bool_]]:
    """Where places may meet a network, and which of them are nodes of a table by name or place."""
    lon, lat = positions(frame)
    if not network.schematic:
        return feet_on_lines(network, lon, lat), np.zeros(lon.size, dtype=bool)
    node = network.named(frame, rules.max_access_km * 1000)
    near, straight = _near_nodes(network, lon, lat, rules)
    at = (node < 0) & (straight[:, 0] <= ON_ROAD_M)
    node[at] = near[at, 0]
    matched = node >= 0
    near[matched], straight[matched] = -1, np.nan
    near[matched, 0], straight[matched, 0] = node[matched], 0.0
    return _feet_at_nodes(network, near, straight), matched


def _feet_at_nodes(network: RoadNetwork, node: IntArray, straight: FloatArray) -> Feet:
    """Give the nodes of a table as feet."""
    none = node < 0
    zero = np.where(none, np.inf, 0.0)[:, :, None] + [0.0, np.inf]
    return Feet(
        straight,
        np.where(none, np.nan, network.lon[node]),
        np.where(none, np.nan, network.lat[node]),
        np.where(none, -1, network.component[node]),
        np.full(node.shape, -1, dtype=np.int64),
        np.zeros(node.shape),
        np.stack([node, np.full_like(node, -1)], axis=2),
        zero,
        zero,
        np.zeros((*node.shape, 2)),
    )


def _near_nodes(
    network: RoadNetwork, lon: FloatArray, lat: FloatArray, rules: RoadRules
) -> tuple[IntArray, FloatArray]:
    """Nearest nodes with a road, of every point, and the straight metres to them."""
    joined = np.diff(network.graph.first) > 0
    joined[network.graph.head] = True
    usable = np.flatnonzero(joined & np.isfinite(network.lon))
    k = max(1, min(rules.candidates, usable.size))
    node, leg = np.full((lon.size, k), -1, dtype=np.int64), np.full((lon.size, k), np.nan)
    known = np.flatnonzero(np.isfinite(lon))
    if not usable.size or not known.size:
        return node, leg
    places, nodes = (lon[known], lat[known]), (network.lon[usable], network.lat[usable])
    _, near, metres = nearest_points(places, nodes, k=k, max_m=np.inf)
    node[known], leg[known] = usable[near].reshape(-1, k), metres.reshape(-1, k)
    return node, leg


def feet_on_lines(
    network: RoadNetwork, lon: FloatArray, lat: FloatArray, piece: IntArray | None = None
) -> Feet:
    """Nearest point of the network to each point.

    Where that is on an island, also the nearest point of the largest piece.

    Parameters
    ----------
    network
        Of lines.
    lon, lat
        Shape (n,); NaN: unknown.
    piece
        Shape (n, 2): instead, on which pieces of the network to look; -1: none.
    """
    n = lon.size
    edge = np.full((n, 2), -1, dtype=np.int64)
    along, planar = np.zeros((n, 2)), np.zeros((n, 2))
    if network.edges is not None and n:
        nearest = _Nearest(network, network.edges, lon, lat)
        known = np.flatnonzero(np.isfinite(lon))
        if piece is None:
            edge[known, 0], planar[known, 0], along[known, 0] = nearest.on(None, known)
            label = network.component[network.edges.noded.tail]
            size = np.bincount(label, network.edges.noded.metres)
            main = int(np.argmax(size))
            island = known[label[edge[known, 0]] != main]
            edge[island, 1], planar[island, 1], along[island, 1] = nearest.on(main, island)
        else:
            for k in (0, 1):
                for label in np.unique(piece[known, k]):
                    some = known[piece[known, k] == label]
                    if label >= 0:
                        edge[some, k], planar[some, k], along[some, k] = nearest.on(
                            int(label), some
                        )
    return _feet_on_edges(network, (lon, lat), edge, planar, along)


class _Nearest:
    """Nearest edges of a network to points."""

    def __init__(
        self, network: RoadNetwork, edges: Edges, lon: FloatArray, lat: FloatArray
    ) -> None:
        noded = edges.noded
        drawn = np.flatnonzero(~noded.joint)
        self.edges, self.count = edges, drawn.size
        self.axis = noded.measure.drawn[noded.measure.first[noded.line[drawn]]] + noded.begin[drawn]
        # Lines without a piece (all of it is one point) are no road.
        some, first = np.unique(noded.line[drawn], return_index=True)
        piece = np.full(len(edges.flat), -1, dtype=np.int64)
        piece[some] = network.component[noded.tail[drawn[first]]]
        self.piece = piece[edges.nearest.line]
        self.lon, self.lat = turned(lon, edges.middle), lat

    def on(self, piece: int | None, some: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
        """Edge of each of some points, on one piece of the network or any.

        The planar position along its line and the metres from its tail are returned too.
        """
        nearest, noded = self.edges.nearest, self.edges.noded
        these = self.piece >= 0 if piece is None else self.piece == piece
        among = None if these.all() else np.flatnonzero(these)
        drawn, share = nearest.to(self.lon[some], self.lat[some], among)
        line, vertex = nearest.line[drawn], nearest.vertex[drawn]
        drawn_m = noded.measure.drawn
        at = drawn_m[vertex] + share * (drawn_m[vertex + 1] - drawn_m[vertex])
        planar = at - drawn_m[noded.measure.first[line]]
        edge = np.searchsorted(self.axis, at, side="right") - 1
        # At the very start or end of a line, rounding may point to its neighbour.
        first, last = (
            np.searchsorted(noded.line[: self.count], line, side=side) for side in ("left", "right")
        )
        edge = np.clip(edge, first, last - 1)
        metres = noded.measure.metres(line, planar)
        along = metres - noded.measure.metres(line, noded.begin[edge])
        return edge, planar, np.clip(along, 0.0, noded.metres[edge])


def _feet_on_edges(
    network: RoadNetwork,
    points: tuple[FloatArray, FloatArray],
    edge: IntArray,
    planar: FloatArray,
    along: FloatArray,
) -> Feet:
    """Feet at given edges: planar position along their lines, and metres from their tails."""
    lon, lat = points
    shape, none = edge.shape, edge < 0
    if network.edges is None:
        gone, off = np.full(shape, np.nan), np.full((*shape, 2), np.inf)
        nodes = np.full((*shape, 2), -1, dtype=np.int64)
        return Feet(gone, gone, gone, edge, edge, along, nodes, off, off, off)
    edges, noded = network.edges, network.edges.noded
    at = shapely.line_interpolate_point(edges.flat[noded.line[edge]].ravel(), planar.ravel())
    xy = shapely.get_coordinates(at).reshape(*shape, 2) / plane(np.ones(1), np.ones(1), edges.lat0)
    x, y = turned(xy[..., 0], -edges.middle), xy[..., 1]
    here = np.broadcast_to(lon[:, None], shape), np.broadcast_to(lat[:, None], shape)
    straight = np.full(shape, np.nan)
    known = ~none & np.isfinite(here[0])
    straight[known] = GEOD.inv(here[0][known], here[1][known], x[known], y[known])[2]
    node = np.stack([noded.tail[edge], noded.head[edge]], axis=2)
    total = noded.metres[edge]
    metres = np.stack([along, total - along], axis=2)
    share = metres / np.where(total > 0, total, 1.0)[:, :, None]
    with np.errstate(invalid="ignore"):
        leave = share * np.stack([edges.backward[edge], edges.forward[edge]], axis=2)
        reach = share * np.stack([edges.forward[edge], edges.backward[edge]], axis=2)
    # On a node every road that leaves it is open, whatever the direction of this one.
    at_node = metres <= _AT_NODE_M
    leave, reach = (np.where(at_node, 0.0, np.where(np.isnan(s), 0.0, s)) for s in (leave, reach))
    gone = none[:, :, None]
    node, leave, reach = (
        np.where(gone, v, a) for a, v in ((node, -1), (leave, np.inf), (reach, np.inf))
    )
    piece = np.where(none, -1, network.component[noded.tail[edge]])
    return Feet(straight, x, y, piece, edge, along, node, leave, reach, metres)


# --- Legs and ways


@dataclass(frozen=True, eq=False)
class JoinedPlaces:
    """Places joined to a road network.

    Attributes
    ----------
    network, rules
        See `RoadNetwork`, `RoadRules`.
    lon, lat
        Shape (n,); NaN: unknown.
    feet
        Where each place may meet the network.
    node
        Node of a table that each place is, -1: none.
    km, leave, reach
        Kilometres of the leg to each foot, seconds to the road and from it, shape (n, k); NaN where
        it is longer than allowed.
    """

    network: RoadNetwork
    rules: RoadRules
    lon: FloatArray
    lat: FloatArray
    feet: Feet
    node: IntArray
    km: FloatArray
    leave: FloatArray
    reach: FloatArray


def join_places(
    network: RoadNetwork, frame: gpd.GeoDataFrame, context: Context, rules: RoadRules
) -> JoinedPlaces:
    """Join places to a network, with timed legs."""
    lon, lat = positions(frame)
    feet, matched = meet(network, frame, rules)
    node = np.where(matched, feet.node[:, 0, 0], -1)
    return JoinedPlaces(
        network, rules, lon, lat, feet, node, *_legs((lon, lat), feet, context, rules)
    )


def _legs(
    points: tuple[FloatArray, FloatArray], feet: Feet, context: Context, rules: RoadRules
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kilometres and seconds of the legs to the road and from it, shape (n, k); NaN for none."""
    km, out, back = (np.full(feet.straight.shape, np.nan) for _ in range(3))
    on = feet.straight <= ON_ROAD_M
    km[on], out[on], back[on] = 0.0, 0.0, 0.0
    i, k = np.nonzero(~on & (feet.straight <= rules.max_access_km * 1000))
    straight = feet.straight[i, k]
    length, there = straight / 1000, straight / rules.off_road_kmh * 3.6
    here = there.copy()
    if context.dem is not None and i.size:
        ends = points[0][i], points[1][i], feet.lon[i, k], feet.lat[i, k]
        draped = drape(context.dem, ends, walk_model(rules.access_model).pace())
        known = np.isfinite(draped["out_s"])
        length[known], there[known], here[known] = (
            draped[name][known] for name in ("surface_km", "out_s", "back_s")
        )
    km[i, k], out[i, k], back[i, k] = length, there, here
    return km, out, back


Legs = tuple[FloatArray, FloatArray, FloatArray]
"""Kilometres of the legs, seconds to the road and from it, each of shape (n, k)."""


def ways(
    network: RoadNetwork, feet: Feet, legs: Legs, pairs: tuple[IntArray, IntArray]
) -> FloatArray:
    """Fastest ways between places joined to a network.

    Parameters
    ----------
    network
        The network.
    feet, legs
        Of all places.
    pairs
        Numbers of the places at the start and at the end, each of shape (m,).

    Returns
    -------
    ndarray, shape (m, 5)
        Kilometres and hours of the whole way, kilometres of the legs to the road and from it, hours
        of both legs; NaN where there is no way.
    """
    return fastest(network, feet, legs, pairs).found


def fastest(
    network: RoadNetwork, feet: Feet, legs: Legs, pairs: tuple[IntArray, IntArray]
) -> Fastest:
    """Give the ways of `ways`, with the feet and nodes that each leads over."""
    a, b = pairs
    ok = np.isfinite(legs[0])
    exits, entries = (
        np.unique(feet.node[at][ok[at][:, :, None] & np.isfinite(seconds[at])])
        for at, seconds in ((a, feet.leave), (b, feet.reach))
    )
    if exits.size * entries.size > _MATRIX_CELLS and a.size > 1:
        # A part of the places of the side with fewer nodes at a time, so that the matrix fits.
        order = np.argsort(a if exits.size < entries.size else b, kind="stable")
        best = Fastest(a.size)
        for part in np.array_split(order, 2):
            some = fastest(network, feet, legs, (a[part], b[part]))
            best.found[part], best.over[part] = some.found, some.over
        return best
    best = Fastest(a.size)
    if exits.size and entries.size:
        seconds, metres = many_to_many(network.graph, exits, entries)
        for i, j, p, q in np.ndindex(ok.shape[1], ok.shape[1], 2, 2):
            out_s, in_s = feet.leave[a, i, p], feet.reach[b, j, q]
            use = np.flatnonzero(ok[a, i] & ok[b, j] & np.isfinite(out_s) & np.isfinite(in_s))
            if not use.size:
                continue
            r = np.searchsorted(exits, feet.node[a[use], i, p])
            c = np.searchsorted(entries, feet.node[b[use], j, q])
            ride = out_s[use] + seconds[r, c] + in_s[use]
            length = feet.metres[a[use], i, p] + metres[r, c] + feet.metres[b[use], j, q]
            best.take(use, (i, j, p, q), (a[use], b[use]), legs, (ride, length))
    if network.edges is not None:
        for i, j in np.ndindex(ok.shape[1], ok.shape[1]):
            same = (feet.edge[a, i] == feet.edge[b, j]) & (feet.edge[a, i] >= 0)
            use = np.flatnonzero(ok[a, i] & ok[b, j] & same)
            edge = feet.edge[a[use], i]
            step = feet.along[b[use], j] - feet.along[a[use], i]
            total = np.where(step >= 0, network.edges.forward[edge], network.edges.backward[edge])
            length = np.abs(step)
            ride = np.zeros(use.size)
            moved = length > 0
            ride[moved] = total[moved] * length[moved] / network.edges.noded.metres[edge[moved]]
            best.take(use, (i, j, -1, -1), (a[use], b[use]), legs, (ride, length))
    # Both ends at the same place of the network: no road between them is known, only the legs.
    out = best.found
    out[np.isclose(out[:, 0], out[:, 2] + out[:, 3], rtol=0, atol=1e-9)] = np.nan
    return best


class Fastest:
    """The fastest way of each pair so far.

    Attributes
    ----------
    found
        As `ways` gives it.
    over
        Candidate feet of both ends and which of their nodes it leads over; nodes of -1: both feet
        are on one edge, and the way is along it. Shape (m, 4).
    """

    def __init__(self, n: int) -> None:
        self.seconds, self.found = np.full(n, np.inf), np.full((n, 5), np.nan)
        self.over = np.full((n, 4), -1, dtype=np.int8)

    def take(
        self,
        rows: IntArray,
        over: tuple[int, int, int, int],
        places: tuple[IntArray, IntArray],
        legs: Legs,
        ride: tuple[FloatArray, FloatArray],
    ) -> None:
        """Take the ways of some pairs, by seconds and metres of the ride, where they are faster."""
        km, leave, reach = legs
        (i, j, *_), (a, b) = over, places
        walked = leave[a, i] + reach[b, j]
        total = walked + ride[0]
        better = total < self.seconds[rows]
        self.seconds[rows[better]] = total[better]
        length = km[a, i] + ride[1] / 1000 + km[b, j]
        found = np.column_stack([length, total / 3600, km[a, i], km[b, j], walked / 3600])
        self.found[rows[better]], self.over[rows[better]] = found[better], over
