"""Road networks, of lines or of tables of published lengths between places."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers, says_yes, texts
from geosettle.distance._protocol import Context, positions
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance._solver.graph import Graph, components, make_graph
from geosettle.distance.nearest_edge import NearestEdges
from geosettle.distance.noding import Noded, node_lines, plane
from geosettle.distance.openstreetmap import tag_problems
from geosettle.distance.road_cleaning import (
    directions,
    left_out,
    middle_meridian,
    prepare_lines,
    speeds,
    turned,
    turned_lines,
)
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.problems import Problem
from geosettle.reasons import decode, reason, render, word
from geosettle.settings import RoadRules

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """A road graph, with what is needed to find places on it.

    Attributes
    ----------
    lon, lat
        Nodes; NaN where the place's position is unknown.
    name
        What to call each node in a reason.
    label
        Id or name of each node as the table of lengths writes it; empty for lines.
    graph
        Arcs with seconds and metres.
    component
        Label per node of the piece of network it belongs to.
    set_aside
        Rows not used: `row` (1-based), `id`, `code`, `why`, `value`.
    lengths
        Of a table: its rows that are used, `row, id, tail, head, km, straight_km`.
    edges
        Of lines: the pieces between nodes; None for a table, whose lines mean nothing.
    notes
        What no rule knows of the tags of OpenStreetMap.
    """

    lon: FloatArray
    lat: FloatArray
    name: NDArray[np.object_]
    label: NDArray[np.object_]
    graph: Graph
    component: NDArray[np.int32]
    set_aside: pd.DataFrame
    lengths: pd.DataFrame | None = None
    edges: Edges | None = None
    notes: tuple[Problem, ...] = ()

    @property
    def schematic(self) -> bool:
        """Whether only the ends of the rows have a place (table of lengths)."""
        return self.lengths is not None

    def describe(self, node: int) -> dict[str, Any]:
        """Name the piece of network that a node belongs to, for reasons."""
        same = self.component == self.component[node]
        tail = np.repeat(np.arange(self.graph.size), np.diff(self.graph.first))
        length = self.graph.metres[same[tail]].sum() / 2000
        count = np.unique(self.component).size
        names = sorted({str(n) for n in self.name[same] if n})
        size = {"nodes": int(same.sum()), "km": round(float(length)), "pieces": count}
        return (
            word("piece", "around", name=names[0], **size) if names else word("piece", "", **size)
        )

    def arc(self, tail: IntArray, head: IntArray) -> FloatArray:
        """Seconds and metres of the arcs from nodes to nodes, shape (n, 2); NaN for none."""
        g = self.graph
        key = np.repeat(np.arange(g.size, dtype=np.int64), np.diff(g.first)) * g.size + g.head
        asked = tail * g.size + head
        at = np.searchsorted(key, asked).clip(max=max(key.size - 1, 0))
        out = np.full((asked.size, 2), np.nan)
        if key.size:
            there = key[at] == asked
            out[there] = np.column_stack([g.seconds[at], g.metres[at]])[there]
        return out

    def named(self, frame: gpd.GeoDataFrame, farthest_m: float) -> IntArray:
        """Node that the table of lengths calls by the id or the name of each place, -1: none.

        A node that is farther from the place than allowed is another place of that name.
        """
        out = np.full(len(frame), -1, dtype=np.int64)
        if not self.schematic:
            return out
        keys = [frame.index] + ([frame["name"]] if "name" in frame else [])
        lon, lat = positions(frame)
        for key in keys:
            asked = pd.Index(key.astype("str")).str.strip().str.casefold()
            for names in (self.label, self.name):
                known = pd.Series(np.arange(names.size), index=_folded(names))
                known = known[~known.index.duplicated(keep=False)]
                found = known.reindex(asked).to_numpy(dtype=float, na_value=np.nan)
                new = np.flatnonzero((out < 0) & np.isfinite(found) & (asked != ""))
                node = found[new].astype(np.int64)
                ends = lon[new], lat[new], self.lon[node], self.lat[node]
                with np.errstate(invalid="ignore"):
                    apart = np.asarray(GEOD.inv(*ends)[2])
                near = ~(apart > farthest_m)
                out[new[near]] = node[near]
        return out


def _folded(names: NDArray[np.object_]) -> pd.Index:
    return pd.Index([str(name).strip().casefold() for name in names])


@dataclass(frozen=True, eq=False)
class Edges:
    """Pieces of lines between nodes.

    Attributes
    ----------
    noded
        The pieces; see `Noded`. Joints of dangling ends are arcs of the graph only.
    flat
        The lines on the plane of the noding, true at latitude `lat0`, longitudes counted from
        `middle`.
    forward, backward
        Seconds along each piece and against it; infinite where that is not allowed.
    """

    noded: Noded
    flat: NDArray[np.object_]
    lat0: float
    middle: float
    forward: FloatArray
    backward: FloatArray

    @functools.cached_property
    def nearest(self) -> NearestEdges:
        """The lines' edges as drawn, to find the nearest."""
        scale = plane(np.ones(1), np.ones(1), self.lat0)
        return NearestEdges(np.asarray(shapely.transform(self.flat, lambda xy: xy / scale)))


def network_of(context: Context) -> RoadNetwork:
    """Network of a context's roads under its options, prepared once for the same options.

    Raises
    ------
    InputError
        The context has no roads.
    """
    roads = context.roads
    if roads is None:
        raise InputError("no roads in the study", file="roads", mend="Give roads.")
    rules = RoadRules(**context.options.get("road", {}))
    # Origins and sites name nodes of a table, and tell where they are.
    named = context.settlements if is_table(roads) else ()
    key = ("roads", repr(rules), tuple(id(frame) for frame in named))
    # The frames are kept with the network, so that their identity stays their own.
    return context.once(
        key, lambda: (named, read_network(roads, context.places, rules, named=named))
    )[1]


def read_network(
    roads: pd.DataFrame,
    places: gpd.GeoDataFrame | None = None,
    rules: RoadRules | None = None,
    *,
    named: Sequence[gpd.GeoDataFrame] = (),
) -> RoadNetwork:
    """Make a network of a line layer or of a table of lengths between places.

    Parameters
    ----------
    roads
        GeoDataFrame of lines, or a table with `a, b, length_km` (then `a` and `b` are ids or names
        of places, or `a_lon, a_lat, b_lon, b_lat` say where they are). Optional columns: `class,
        speed_kmh, oneway, season, quality, layer` and any named in `rules.closed`; of lines also
        the tags of OpenStreetMap.
    places
        Places by `place_id`.
    rules
        See `RoadRules`.
    named
        Further frames whose ids and names a table of lengths may use: origins, sites.

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
    if is_table(roads):
        return _from_table(roads, [f for f in (places, *named) if f is not None], rules)
    return _from_lines(roads, rules)


def is_table(roads: pd.DataFrame) -> bool:
    """Whether roads are a table of lengths between places.

    Lines are lines even where they also have these columns.
    """
    drawn = isinstance(roads, gpd.GeoDataFrame) and roads.active_geometry_name is not None
    return {"a", "b", "length_km"} <= set(roads.columns) and not (
        drawn and roads.geometry.notna().any()
    )


def _from_table(
    roads: pd.DataFrame, places: Sequence[gpd.GeoDataFrame], rules: RoadRules
) -> RoadNetwork:
    """Network of published lengths: the ends are places, lines between them mean nothing."""
    given = roads[["a", "b"]].notna().all(axis=1).to_numpy()
    ends = [
        roads[c].where(given, "").astype("str").str.strip().to_numpy(dtype=object)
        for c in ("a", "b")
    ]
    labels = np.unique(np.concatenate(ends).astype(str))
    lon, lat, name = _where(labels, ends, roads, places)
    tail, head = (np.searchsorted(labels, end.astype(str)) for end in ends)
    km = numbers(roads, "length_km").to_numpy()
    straight = np.full(len(roads), np.nan)
    known = np.isfinite(lon[tail]) & np.isfinite(lon[head])
    t, h = tail[known], head[known]
    straight[known] = np.asarray(GEOD.inv(lon[t], lat[t], lon[h], lat[h])[2]) / 1000
    why = left_out(roads, rules)
    short = km < straight - rules.straight_tolerance_km
    why[short] = [
        reason(
            "road_shorter_than_straight",
            **{"from": str(name[a]), "to": str(name[b])},
            km=float(k),
            straight=round(float(s), 1),
        )
        for a, b, k, s in zip(tail[short], head[short], km[short], straight[short], strict=True)
    ]
    why[~((km > 0) & np.isfinite(km))] = reason("road_length")
    why[(ends[0] == "") | (ends[1] == "")] = reason("road_end")
    if "used" in roads:
        flagged = ~says_yes(roads["used"]).to_numpy() & (why == "")
        why[flagged] = reason("road_not_used")
    use = why == ""
    seconds = km / speeds(roads, rules) * 3600
    lengths = pd.DataFrame(
        {
            "row": np.arange(len(roads)) + 1,
            "id": _ids(roads),
            "tail": tail,
            "head": head,
            "km": km,
            "straight_km": straight,
        }
    )
    graph = _both_ways(
        labels.size, (tail[use], head[use], seconds[use], km[use] * 1000), roads[use]
    )
    return RoadNetwork(
        lon,
        lat,
        name,
        labels.astype(object),
        graph,
        components(graph),
        _aside(roads, why, km),
        lengths[use].reset_index(drop=True),
    )


def _where(
    labels: NDArray[np.str_],
    ends: Sequence[NDArray[np.object_]],
    roads: pd.DataFrame,
    places: Sequence[gpd.GeoDataFrame],
) -> tuple[FloatArray, FloatArray, NDArray[np.object_]]:
    """Position and name of the places that a table names.

    They are found by id, by name, then by either without regard to case.
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
    asked, folded = pd.Index(labels), pd.Index(labels).str.casefold()
    for frame in places:
        if not len(frame):
            continue
        x, y = positions(frame)
        exact = [frame.index.astype("str")] + (
            [frame["name"].astype("str")] if "name" in frame else []
        )
        loose = [pd.Index(key).str.strip().str.casefold() for key in exact]
        for key, wanted in (*((k, asked) for k in exact), *((k, folded) for k in loose)):
            first = pd.Series(np.arange(len(frame)), index=key).groupby(level=0).first()
            found = first.reindex(wanted).to_numpy(dtype=float, na_value=np.nan)
            new = np.isfinite(found) & np.isnan(lon)
            at = found[new].astype(int)
            lon[new], lat[new] = x[at], y[at]
            if "name" in frame:
                name[new] = frame["name"].astype("str").to_numpy(dtype=object)[at]
    return lon, lat, name


def _both_ways(
    n: int, arcs: tuple[IntArray, IntArray, FloatArray, FloatArray], rows: pd.DataFrame
) -> Graph:
    """Arcs in the directions that the column `oneway` allows.

    "yes" is as drawn, "-1" against it, all else both.
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


def _ids(roads: pd.DataFrame) -> NDArray[np.object_]:
    return texts(roads, "road_id").to_numpy(dtype=object)


_PROBLEM: Final[Mapping[str, str]] = {
    "road_closed_in_season": "road_closed",
    "road_closed_in_month": "road_closed",
    "road_closed_by": "road_closed",
    "road_geometry_degrees": "road_geometry",
}
"""Reason to the problem it is listed as, where that has another name."""


def _aside(
    roads: pd.DataFrame, why: NDArray[np.object_], value: FloatArray | None = None
) -> pd.DataFrame:
    """Table of the rows not used."""
    row = np.flatnonzero(why != "")
    known = {text: decode(text)[0].code for text in set(why[row])}
    codes = [_PROBLEM.get(known[text], known[text]) for text in why[row]]
    stated = {text: render(text) for text in known}
    return pd.DataFrame(
        {
            "row": row + 1,
            "id": _ids(roads)[row],
            "code": pd.Series(codes, dtype="str"),
            "why": pd.Series([stated[text] for text in why[row]], dtype="str"),
            "value": value[row] if value is not None else np.nan,
        }
    )


def _from_lines(roads: pd.DataFrame, rules: RoadRules) -> RoadNetwork:
    """Make a network of lines."""
    ready = prepare_lines(roads, rules)
    if not ready.lines.size:
        return _no_network(_aside(roads, ready.why))
    middle = middle_meridian(ready.lines)
    lines = turned_lines(ready.lines, middle)
    noded = node_lines(
        lines, tolerance_m=rules.tolerance_m, level=ready.level, crossings=ready.crossings
    )
    seconds = noded.metres / ready.speed[noded.line] * 3.6
    forward, backward = (
        np.where(allowed[noded.line] | noded.joint, seconds, np.inf)
        for allowed in (ready.forward, ready.backward)
    )
    there, back = np.isfinite(forward), np.isfinite(backward)
    graph = make_graph(
        noded.lon.size,
        np.r_[noded.tail[there], noded.head[back]],
        np.r_[noded.head[there], noded.tail[back]],
        np.r_[seconds[there], seconds[back]],
        np.r_[noded.metres[there], noded.metres[back]],
    )
    lat = shapely.bounds(lines)[:, [1, 3]]
    lat0 = float((lat.min() + lat.max()) / 2)
    flat = np.asarray(shapely.transform(lines, lambda c: plane(c[:, 0], c[:, 1], lat0)))
    no_name = np.full(noded.lon.size, "", dtype=object)
    return RoadNetwork(
        turned(noded.lon, -middle),
        noded.lat,
        no_name,
        no_name,
        graph,
        components(graph),
        _aside(roads, ready.why),
        edges=Edges(noded, flat, lat0, middle, forward, backward),
        notes=tag_problems(roads, rules),
    )


def _no_network(set_aside: pd.DataFrame) -> RoadNetwork:
    """Network without a road, where all are closed."""
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    graph = make_graph(0, whole, whole, none, none)
    name, component = np.zeros(0, dtype=object), np.zeros(0, dtype=np.int32)
    return RoadNetwork(none, none, name, name, graph, component, set_aside)


def with_settlements(context: Context, *frames: gpd.GeoDataFrame) -> Context:
    """Give the context, with these origins and sites where it has none yet."""
    return context if context.settlements else replace(context, settlements=frames)
