"""Road distance: networks from lines or from tables of published lengths, access legs, closures,
islands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.distance._protocol import Context, positions
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance._solver.graph import Graph, components, make_graph
from geosettle.distance._solver.shortest_paths import many_to_many
from geosettle.distance.draping import drape
from geosettle.distance.noding import node_lines, plane
from geosettle.distance.road_cleaning import (
    RoadRules,
    directions,
    left_out,
    middle_meridian,
    prepare_lines,
    speeds,
    truth,
    turned,
    turned_lines,
)
from geosettle.distance.walking import walk_model
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.problems import Problem, problem

__all__ = [
    "JoinedPoints",
    "RoadNetwork",
    "RoadRules",
    "is_table",
    "join_points",
    "read_network",
    "road_pairs",
    "road_problems",
    "ways",
]

IntArray = NDArray[np.int64]
NO_ROADS: Final = "no roads in the study"
UNKNOWN: Final = "position unknown"
COLUMNS: Final = ("road_km", "road_h", "road_access_km", "road_egress_km")


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """A road graph with places on it.

    Attributes
    ----------
    lon, lat
        Nodes; NaN where the place's position is unknown.
    name
        What to call each node in a reason.
    graph
        Arcs with seconds and metres.
    component
        Label per node of the piece of network it belongs to.
    schematic
        Whether only the ends of the rows have a place (table of lengths): legs lead to nodes alone.
    set_aside
        Rows not used: `row` (1-based), `id`, `code`, `why`, `value`.
    """

    lon: FloatArray
    lat: FloatArray
    name: NDArray[np.object_]
    graph: Graph
    component: NDArray[np.int32]
    schematic: bool
    set_aside: pd.DataFrame

    def describe(self, node: int) -> str:
        """Name the piece of network that a node belongs to, for reasons."""
        same = self.component == self.component[node]
        tail = np.repeat(np.arange(self.graph.size), np.diff(self.graph.first))
        length = self.graph.metres[same[tail]].sum() / 2000
        count = np.unique(self.component).size
        names = sorted({str(n) for n in self.name[same] if n})
        of = f" around {names[0]}" if names else ""
        return f"piece{of} ({same.sum()} nodes, about {length:.0f} km, one of {count} pieces)"


def read_network(
    roads: pd.DataFrame,
    places: gpd.GeoDataFrame | None = None,
    rules: RoadRules | None = None,
    *,
    points: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[RoadNetwork, IntArray, FloatArray]:
    """Make a network of a line layer or of a table of lengths between places.

    Parameters
    ----------
    roads
        GeoDataFrame of lines, or a table with `a, b, length_km` (then `a` and `b` are ids or names
        of places, or `a_lon, a_lat, b_lon, b_lat` say where they are). Optional columns: `class,
        speed_kmh, oneway, season, quality, layer` and any named in `rules.closed`.
    places
        Places by `place_id`.
    rules
        See `RoadRules`.
    points
        Longitude and latitude of places to be joined to the network.

    Returns
    -------
    network, node, leg
        The network; per point and candidate, shape (n, k), the node it may be joined at (-1: none)
        and the straight metres to it.

    Raises
    ------
    InputError
        No row is left, or lines in a projected CRS.
    """
    rules = rules or RoadRules()
    if not len(roads):
        raise InputError(
            "the road layer has no rows", file="roads", mend="Leave the layer out or give roads."
        )
    lon, lat = points if points is not None else (np.zeros(0), np.zeros(0))
    if is_table(roads):
        network = _from_table(roads, places, rules)
        node, leg = _near_nodes(network, lon, lat, rules)
        return network, node, leg
    return _from_lines(roads, rules, lon, lat)


def is_table(roads: pd.DataFrame) -> bool:
    """Whether roads are a table of lengths between places; lines are lines even where they also
    have these columns.
    """
    drawn = isinstance(roads, gpd.GeoDataFrame) and roads.active_geometry_name is not None
    return {"a", "b", "length_km"} <= set(roads.columns) and not (
        drawn and roads.geometry.notna().any()
    )


def _from_table(
    roads: pd.DataFrame, places: gpd.GeoDataFrame | None, rules: RoadRules
) -> RoadNetwork:
    """Network of published lengths: the ends are places, lines between them mean nothing."""
    named = roads[["a", "b"]].notna().all(axis=1).to_numpy()
    ends = [
        roads[c].where(named, "").astype("str").str.strip().to_numpy(dtype=object)
        for c in ("a", "b")
    ]
    labels = np.unique(np.concatenate(ends).astype(str))
    lon, lat, name = _where(labels, ends, roads, places)
    tail, head = (np.searchsorted(labels, end.astype(str)) for end in ends)
    km = pd.to_numeric(roads["length_km"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    straight = np.full(len(roads), np.nan)
    known = np.isfinite(lon[tail]) & np.isfinite(lon[head])
    t, h = tail[known], head[known]
    straight[known] = np.asarray(GEOD.inv(lon[t], lat[t], lon[h], lat[h])[2]) / 1000
    why = left_out(roads, rules)
    short = km < straight - rules.straight_tolerance_km
    why[short] = [
        f"road_shorter_than_straight: {k:g} km is shorter than the straight line of {s:.1f} km between its places"
        for k, s in zip(km[short], straight[short], strict=True)
    ]
    why[~((km > 0) & np.isfinite(km))] = "road_length: its length is missing or not above zero"
    why[(ends[0] == "") | (ends[1] == "")] = "road_end: it names no place at one end"
    if "used" in roads:
        flagged = ~truth(roads["used"]) & (why == "")
        why[flagged] = "road_not_used: the row itself says that it is not to be used"
    use = why == ""
    seconds = km / speeds(roads, rules) * 3600
    graph = _both_ways(
        labels.size, (tail[use], head[use], seconds[use], km[use] * 1000), roads[use]
    )
    return RoadNetwork(
        lon, lat, name, graph, components(graph), schematic=True, set_aside=_aside(roads, why, km)
    )


def _where(
    labels: NDArray[np.str_],
    ends: Sequence[NDArray[np.object_]],
    roads: pd.DataFrame,
    places: gpd.GeoDataFrame | None,
) -> tuple[FloatArray, FloatArray, NDArray[np.object_]]:
    """Position and name of the places that a table names: by id, by name, then by either without
    regard to case.
    """
    lon, lat = np.full(labels.size, np.nan), np.full(labels.size, np.nan)
    name = labels.astype(object)
    for end, of in zip(("a", "b"), ends, strict=True):
        row = np.searchsorted(labels, of.astype(str))
        if {f"{end}_lon", f"{end}_lat"} <= set(roads.columns):
            lon[row] = roads[f"{end}_lon"].to_numpy(dtype=float, na_value=np.nan)
            lat[row] = roads[f"{end}_lat"].to_numpy(dtype=float, na_value=np.nan)
        if f"{end}_name" in roads:
            name[row] = roads[f"{end}_name"].astype("str").to_numpy(dtype=object)
    if places is None or not len(places):
        return lon, lat, name
    x, y = positions(places)
    exact = [places.index.astype("str")] + (
        [places["name"].astype("str")] if "name" in places else []
    )
    asked, folded = pd.Index(labels), pd.Index(labels).str.casefold()
    loose = [pd.Index(key).str.strip().str.casefold() for key in exact]
    for key, wanted in (*((k, asked) for k in exact), *((k, folded) for k in loose)):
        first = pd.Series(np.arange(len(places)), index=key).groupby(level=0).first()
        found = first.reindex(wanted).to_numpy(dtype=float, na_value=np.nan)
        new = np.isfinite(found) & np.isnan(lon)
        at = found[new].astype(int)
        lon[new], lat[new] = x[at], y[at]
        if "name" in places:
            name[new] = places["name"].astype("str").to_numpy(dtype=object)[at]
    return lon, lat, name


def _both_ways(
    n: int, arcs: tuple[IntArray, IntArray, FloatArray, FloatArray], rows: pd.DataFrame
) -> Graph:
    """Arcs in the directions that the column `oneway` allows ("yes": as drawn, "-1": against it,
    else both).
    """
    tail, head, seconds, metres = arcs
    forward, backward = directions(rows)
    return make_graph(
        n,
        np.r_[tail[forward], head[backward]],
        np.r_[head[forward], tail[backward]],
        np.r_[seconds[forward], seconds[backward]],
        np.r_[metres[forward], metres[backward]],
    )


def _aside(
    roads: pd.DataFrame, why: NDArray[np.object_], value: FloatArray | None = None
) -> pd.DataFrame:
    """Table of the rows not used."""
    row = np.flatnonzero(why != "")
    ids = roads["road_id"] if "road_id" in roads else pd.Series("", index=roads.index)
    text = pd.Series(why[row]).astype("str").str.partition(": ")
    return pd.DataFrame(
        {
            "row": row + 1,
            "id": ids.iloc[row].astype("str").to_numpy(dtype=object),
            "code": text[0] if len(row) else pd.Series(dtype="str"),
            "why": text[2] if len(row) else pd.Series(dtype="str"),
            "value": value[row] if value is not None else np.nan,
        }
    )


def _near_nodes(
    network: RoadNetwork, lon: FloatArray, lat: FloatArray, rules: RoadRules
) -> tuple[IntArray, FloatArray]:
    """Nearest nodes with a road, within reach, of every point."""
    from scipy.spatial import cKDTree  # noqa: PLC0415  (slow to load)

    joined = np.diff(network.graph.first) > 0
    joined[network.graph.head] = True
    usable = np.flatnonzero(joined & np.isfinite(network.lon))
    k = max(1, min(rules.candidates, usable.size))
    node, leg = np.full((lon.size, k), -1, dtype=np.int64), np.full((lon.size, k), np.nan)
    known = np.flatnonzero(np.isfinite(lon))
    if not usable.size or not known.size:
        return node, leg
    # By chords first, a few more than asked for: on the ellipsoid geodesics may order near ties
    # otherwise.
    some = min(usable.size, k + 4)
    at = _on_sphere(network.lon[usable], network.lat[usable])
    near = np.sort(
        cKDTree(at).query(_on_sphere(lon[known], lat[known]), k=some)[1].reshape(known.size, some),
        axis=1,
    )
    to, of = usable[near], np.broadcast_to(known[:, None], near.shape)
    d = np.asarray(GEOD.inv(lon[of], lat[of], network.lon[to], network.lat[to])[2])
    best = np.argsort(d, axis=1, kind="stable")[:, :k]
    node[known], leg[known] = np.take_along_axis(to, best, 1), np.take_along_axis(d, best, 1)
    return node, leg


def _on_sphere(lon: FloatArray, lat: FloatArray) -> FloatArray:
    x, y = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])


def _from_lines(
    roads: pd.DataFrame, rules: RoadRules, lon: FloatArray, lat: FloatArray
) -> tuple[RoadNetwork, IntArray, FloatArray]:
    """Make a network of lines, cut also where the given points are nearest to it."""
    ready = prepare_lines(roads, rules)
    if not ready.lines.size:
        return _no_network(_aside(roads, ready.why), lon.size)
    middle = middle_meridian(ready.lines)
    lines, row, lon = turned_lines(ready.lines, middle), ready.row, turned(lon, middle)
    options: dict[str, Any] = {
        "tolerance_m": rules.tolerance_m,
        "level": ready.level,
        "crossings": rules.crossings,
    }
    first = node_lines(lines, **options)
    snapped = _nearest_on_lines(lines, first, lon, lat)
    noded = node_lines(lines, **options, extra=snapped[1:]) if lon.size else first
    metres = noded.metres
    speed = ready.speed[noded.line]
    rows = roads.iloc[row[noded.line]]
    graph = _both_ways(noded.lon.size, (noded.tail, noded.head, metres / speed * 3.6, metres), rows)
    name = np.full(noded.lon.size, "", dtype=object)
    network = RoadNetwork(
        turned(noded.lon, -middle),
        noded.lat,
        name,
        graph,
        components(graph),
        schematic=False,
        set_aside=_aside(roads, ready.why),
    )
    node, leg = np.full((lon.size, 2), -1, dtype=np.int64), np.full((lon.size, 2), np.nan)
    if lon.size:
        place, _, x, y = snapped
        slot = np.arange(place.size) - np.searchsorted(place, place)
        node[place, slot] = noded.at
        leg[place, slot] = GEOD.inv(lon[place], lat[place], x, y)[2]
    return network, node, leg


def _no_network(set_aside: pd.DataFrame, points: int) -> tuple[RoadNetwork, IntArray, FloatArray]:
    """Network without a road, where all are closed."""
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    graph = make_graph(0, whole, whole, none, none)
    name, component = np.zeros(0, dtype=object), np.zeros(0, dtype=np.int32)
    network = RoadNetwork(none, none, name, graph, component, schematic=False, set_aside=set_aside)
    return network, np.full((points, 2), -1, dtype=np.int64), np.full((points, 2), np.nan)


def _nearest_on_lines(
    lines: NDArray[np.object_], noded: Any, lon: FloatArray, lat: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Nearest point of the network to each point, and where that is on an island also that of the
    largest piece.

    Returns point number (sorted), line, longitude and latitude.
    """
    known = np.flatnonzero(np.isfinite(lon))
    lat0 = float(np.mean(noded.lat))
    flat = shapely.transform(lines, lambda c: plane(c[:, 0], c[:, 1], lat0))
    points = shapely.points(plane(lon[known], lat[known], lat0))
    nearest = shapely.STRtree(flat).query_nearest(points, all_matches=False)[1]
    n = noded.lon.size
    one = np.ones(noded.tail.size)
    piece = components(make_graph(n, noded.tail, noded.head, one, one))
    line_piece = piece[noded.start]
    largest = np.argmax(np.bincount(line_piece, shapely.length(flat)))
    main = np.flatnonzero(line_piece == largest)
    island = np.flatnonzero(line_piece[nearest] != largest)
    second = main[shapely.STRtree(flat[main]).query_nearest(points[island], all_matches=False)[1]]
    place, line = np.r_[known, known[island]], np.r_[nearest, second]
    order = np.argsort(place, kind="stable")
    place, line = place[order], line[order]
    target = shapely.points(plane(lon[place], lat[place], lat0))
    along = shapely.line_locate_point(flat[line], target)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(flat[line], along))
    xy = xy / plane(np.ones(1), np.ones(1), lat0)
    return place, line, xy[:, 0], xy[:, 1]


def road_problems(network: RoadNetwork) -> list[Problem]:
    """Rows of the road layer that were not used, and places of a table of lengths that are nowhere,
    as problems.
    """
    aside = network.set_aside
    nowhere = [
        problem(
            "road_place_unknown",
            f"The roads lead to {place!r}, whose position is unknown: it cannot be left or reached on foot.",
            layer="roads",
            id=str(place),
        )
        for place in (network.name[np.isnan(network.lon)] if network.schematic else ())
        if place
    ]
    return nowhere + [
        problem(
            code,
            f"Not used for routing: {why}.",
            layer="roads",
            row=int(row),
            id=str(road),
            value="" if np.isnan(value) else f"{value:g}",
        )
        for row, road, code, why, value in zip(*(aside[c].tolist() for c in aside), strict=True)
    ]


def _legs(
    network: RoadNetwork,
    points: tuple[FloatArray, FloatArray],
    node: IntArray,
    context: Context,
    rules: RoadRules,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kilometres and seconds of the legs to the road and from it, shape (n, k); NaN where there is
    none.
    """
    lon, lat = points
    km, out, back = (np.full(node.shape, np.nan) for _ in range(3))
    i, k = np.nonzero(node >= 0)
    to = node[i, k]
    straight = np.asarray(GEOD.inv(lon[i], lat[i], network.lon[to], network.lat[to])[2])
    near = straight <= rules.max_access_km * 1000
    i, k, to, straight = i[near], k[near], to[near], straight[near]
    length, there = straight / 1000, straight / rules.off_road_kmh * 3.6
    here = there.copy()
    if context.dem is not None and i.size:
        ends = (lon[i], lat[i], network.lon[to], network.lat[to])
        draped = drape(context.dem, ends, walk_model(rules.access_model).pace())
        on = np.isfinite(draped["out_s"])
        length[on], there[on], here[on] = (
            draped[name][on] for name in ("surface_km", "out_s", "back_s")
        )
    km[i, k], out[i, k], back[i, k] = length, there, here
    return km, out, back


def road_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Fastest way by road from each origin to its site, with the legs to and from the road.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; `context.roads` lines or a table of
        lengths, `context.places` for the table; options of "road" are the fields of `RoadRules`.

    Returns
    -------
    DataFrame
        `road_km` and `road_h` of the whole way, legs included; `road_access_km`, `road_egress_km`,
        the legs; `why`.

    Notes
    -----
    Places stand for areas by a point inside them. Legs run straight on the map, draped on the
    elevation grid, at walking pace. Of a table of lengths only its places can be reached: the lines
    between them are drawn, not surveyed.
    """
    none = (
        NO_ROADS
        if context.roads is None
        else _all_closed(context.roads, RoadRules(**context.options.get("road", {})))
    )
    if none:
        frame = pd.DataFrame({c: np.full(len(pairs), np.nan) for c in COLUMNS})
        return frame.assign(why=pd.array([none] * len(pairs), dtype="str"))
    (lon_o, lat_o), (lon_s, lat_s) = positions(origins), positions(sites)
    joined = join_points(context, np.r_[lon_o, lon_s], np.r_[lat_o, lat_s])
    a, b = pairs[:, 0], pairs[:, 1] + len(lon_o)
    out = ways(joined, a, b)
    why = _reasons(joined, (a, b), out)
    return pd.DataFrame(dict(zip(COLUMNS, out.T[:4], strict=True))).assign(
        why=pd.array(why, dtype="str")
    )


def _all_closed(roads: pd.DataFrame, rules: RoadRules) -> str:
    """Say so where rules close every road; nothing else is at fault then."""
    why = left_out(roads, rules)
    closed = np.array([text.startswith("road_closed") for text in why], dtype=bool)
    return (
        "every road is closed in this season or by an attribute"
        if len(why) and closed.all()
        else ""
    )


@dataclass(frozen=True, eq=False)
class JoinedPoints:
    """Points joined to a road network.

    Attributes
    ----------
    network, rules
        See `RoadNetwork`, `RoadRules`.
    lon
        Longitude of each point, shape (n,); NaN: unknown.
    node, straight
        Per point and candidate, shape (n, k): where it may be joined (-1: nowhere), and the
        straight metres to there.
    km, leave, reach
        The same: kilometres of the leg, seconds to the road and from it; NaN beyond the cap.
    """

    network: RoadNetwork
    rules: RoadRules
    lon: FloatArray
    node: IntArray
    straight: FloatArray
    km: FloatArray
    leave: FloatArray
    reach: FloatArray


def join_points(context: Context, lon: FloatArray, lat: FloatArray) -> JoinedPoints:
    """Join points to the roads of a context, with timed legs."""
    rules = RoadRules(**context.options.get("road", {}))
    if context.roads is None:
        raise InputError(NO_ROADS, file="roads", mend="Give roads.")
    network, node, straight = read_network(context.roads, context.places, rules, points=(lon, lat))
    return JoinedPoints(
        network, rules, lon, node, straight, *_legs(network, (lon, lat), node, context, rules)
    )


def ways(joined: JoinedPoints, a: IntArray, b: IntArray) -> FloatArray:
    """Fastest ways from points a to points b.

    Parameters
    ----------
    joined
        From `join_points`.
    a, b
        Numbers of points, shape (m,).

    Returns
    -------
    ndarray, shape (m, 5)
        Kilometres and hours of the whole way, kilometres of the legs to the road and from it, hours
        of both legs; NaN where there is no way.
    """
    node, km, leave, reach = joined.node, joined.km, joined.leave, joined.reach
    ok = np.isfinite(km)
    from_nodes, to_nodes = np.unique(node[a][ok[a]]), np.unique(node[b][ok[b]])
    out = np.full((a.size, 5), np.nan)
    if not from_nodes.size or not to_nodes.size:
        return out
    seconds, metres = many_to_many(joined.network.graph, from_nodes, to_nodes)
    row = np.searchsorted(from_nodes, node).clip(max=from_nodes.size - 1)
    column = np.searchsorted(to_nodes, node).clip(max=to_nodes.size - 1)
    best = np.full(a.size, np.inf)
    for i in range(node.shape[1]):
        for j in range(node.shape[1]):
            r, c = row[a, i], column[b, j]
            legs = leave[a, i] + reach[b, j]
            total = legs + seconds[r, c]
            better = np.where(ok[a, i] & ok[b, j], total, np.inf) < best
            best[better] = total[better]
            length = km[a, i] + metres[r, c] / 1000 + km[b, j]
            found = np.column_stack([length, total / 3600, km[a, i], km[b, j], legs / 3600])
            out[better] = found[better]
    # Both ends at the same place of the network: no road between them is known, only the legs.
    out[np.isclose(out[:, 0], out[:, 2] + out[:, 3], rtol=0, atol=1e-9)] = np.nan
    return out


def _reasons(
    joined: JoinedPoints, pairs: tuple[IntArray, IntArray], out: FloatArray
) -> NDArray[np.object_]:
    """Why each pair has no way, in words."""
    network, rules = joined.network, joined.rules
    lon, straight, km, node = joined.lon, joined.straight, joined.km, joined.node
    why = np.full(out.shape[0], "", dtype=object)
    pieces: dict[int, str] = {}
    for m in np.flatnonzero(np.isnan(out[:, 0])):
        ends = [int(side[m]) for side in pairs]
        if np.isnan(lon[ends]).any():
            why[m] = UNKNOWN
            continue
        reasons = []
        for role, i in zip(("origin", "site"), ends, strict=True):
            if (
                network.schematic
                and not np.isfinite(network.lon[np.diff(network.graph.first) > 0]).any()
            ):
                reasons.append(_no_nodes(network))
            elif not np.isfinite(km[i]).any():
                nearest = int(np.nanargmin(straight[i])) if np.isfinite(straight[i]).any() else -1
                how_far = ""
                if nearest >= 0:
                    called = network.name[node[i, nearest]]
                    how_far = f" (nearest {straight[i, nearest] / 1000:.1f} km{': ' + called if called else ''})"
                reasons.append(f"no road within {rules.max_access_km:g} km of the {role}{how_far}")
        if not reasons:
            reasons = [_unconnected(network, pieces, *(node[i][np.isfinite(km[i])] for i in ends))]
        why[m] = "; ".join(dict.fromkeys(reasons))
    return why


def _no_nodes(network: RoadNetwork) -> str:
    """Why a table of lengths gives no place to go to."""
    if not network.graph.head.size:
        return "no row of the table of road lengths can be used"
    names = ", ".join(sorted(str(n) for n in network.name)[:3])
    return f"none of the places that the roads name ({names} ...) has a known position"


def _unconnected(
    network: RoadNetwork, pieces: dict[int, str], here: IntArray, there: IntArray
) -> str:
    """Why there is no way between two sets of nodes that can be reached; `pieces` keeps
    descriptions made before.
    """
    both = np.intersect1d(here, there)
    if both.size:
        called = f" ({network.name[both[0]]})" if network.name[both[0]] else ""
        return f"both ends meet the road network at the same place{called}: no road between them is known"
    a, b = int(here[0]), int(there[0])
    if network.component[a] == network.component[b]:
        return "no way by road in the directions allowed (one-way roads)"
    for at in (a, b):
        label = int(network.component[at])
        pieces[label] = pieces.get(label) or network.describe(at)
    origin, site = (pieces[int(network.component[at])] for at in (a, b))
    return f"no connection by road: the origin is on the {origin}, the site on the {site}"
