"""Travel: the cheapest of walking and roads on one surface. Walk to the road, ride, walk on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import text_array
from geosettle.distance._protocol import Context
from geosettle.distance._solver.cost_grid import Arcs, FloatArray, IndexArray
from geosettle.distance._solver.graph import make_graph
from geosettle.distance.network import is_table, read_network
from geosettle.distance.road_cleaning import prepare_lines
from geosettle.distance.terrain import NO_DEM, grid_of, missing, place_times
from geosettle.distance.walking_grid import WalkGrid
from geosettle.geodesy import GEOD
from geosettle.reasons import rendered
from geosettle.settings import RoadRules

COLUMNS: Final = ("travel_out_h", "travel_back_h")


def with_roads(
    grid: WalkGrid,
    roads: pd.DataFrame,
    places: gpd.GeoDataFrame | None = None,
    rules: RoadRules | None = None,
) -> WalkGrid:
    """Add roads to a walking grid, as arcs between cells along the lines.

    Parameters
    ----------
    grid
        The walking grid.
    roads, places, rules
        As for `geosettle.distance.network.read_network`.

    Notes
    -----
    A line is cut where it changes cell, and each stretch is an arc between the cells of its ends,
    with the line's own length and speed. A road can be entered and left in every cell that it
    passes; two roads meet where they share a cell, not where they pass in neighbouring ones. Roads
    cross closed cells (bridges). The rows of a table of lengths are arcs between the cells of their
    two places alone: they can be entered at the places only.
    """
    rules = rules or RoadRules()
    if is_table(roads):
        tail, head, seconds = _arcs_of_table(grid, roads, places, rules)
    else:
        tail, head, seconds = _arcs_of_lines(grid, roads, rules)
    size = grid.grid.closed.size
    forth, back = (_as_arcs(grid, size, a, b, seconds) for a, b in ((tail, head), (head, tail)))
    return dataclasses.replace(
        grid, grid=dataclasses.replace(grid.grid, arcs=forth, arcs_back=back)
    )


def _as_arcs(
    grid: WalkGrid, size: int, tail: IndexArray, head: IndexArray, seconds: FloatArray
) -> Arcs:
    graph = make_graph(size, tail, head, seconds, seconds)
    if not graph.head.size:
        return Arcs(graph.first.astype(np.int32), graph.head, graph.seconds, np.inf)
    start = np.repeat(np.arange(size), np.diff(graph.first))
    apart = np.asarray(
        GEOD.inv(*grid.centres(start), *grid.centres(graph.head.astype(np.int64)))[2]
    )
    fastest = float(np.min(graph.seconds / np.maximum(apart, 1e-3)))
    return Arcs(graph.first.astype(np.int32), graph.head, graph.seconds, fastest)


def _cells(grid: WalkGrid, lon: FloatArray, lat: FloatArray) -> IndexArray:
    """Cell of each point; -1 outside the grid or where the position is unknown."""
    row, column = grid.dem.to_grid(lon, lat)
    rows, columns = grid.grid.shape
    with np.errstate(invalid="ignore"):
        r, c = np.floor(row + 0.5), np.floor(column + 0.5)
        inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
    return np.where(inside, np.where(inside, r, 0) * columns + np.where(inside, c, 0), -1).astype(
        np.int64
    )


def _arcs_of_table(
    grid: WalkGrid, roads: pd.DataFrame, places: gpd.GeoDataFrame | None, rules: RoadRules
) -> tuple[IndexArray, IndexArray, FloatArray]:
    network = read_network(roads, places, rules)
    cell = _cells(grid, network.lon, network.lat)
    tail = cell[np.repeat(np.arange(network.graph.size), np.diff(network.graph.first))]
    head = cell[network.graph.head]
    on = (tail >= 0) & (head >= 0)
    return tail[on], head[on], network.graph.seconds[on]


@dataclass(frozen=True, eq=False)
class Stretches:
    """Stretches of road from cell to cell, and the samples of the lines that they are made of.

    Attributes
    ----------
    tail, head, seconds, metres
        Cells of the ends as drawn, and what it takes to ride along, shape (n,).
    forward, backward
        Whether each may be ridden as drawn, and against it.
    sample
        First and last sample around each, shape (n, 2).
    ends
        Metres along all lines of the ends of each, shape (n, 2).
    lon, lat, along
        Every sample: its position, and its metres along all lines.
    """

    tail: IndexArray
    head: IndexArray
    seconds: FloatArray
    metres: FloatArray
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    sample: IndexArray
    ends: FloatArray
    lon: FloatArray
    lat: FloatArray
    along: FloatArray

    def line(self, number: int, *, back: bool) -> FloatArray:
        """Longitude and latitude along a stretch, as drawn or against it, shape (k, 2)."""
        some = slice(self.sample[number, 0], self.sample[number, 1] + 1)
        along, (low, high) = self.along[some], self.ends[number]
        at = np.r_[low, along[(along > low) & (along < high)], high]
        xy = np.column_stack([np.interp(at, along, v[some]) for v in (self.lon, self.lat)])
        return xy[::-1] if back else xy


def road_stretches(grid: WalkGrid, roads: pd.DataFrame, rules: RoadRules) -> Stretches | None:
    """Cut lines where they change cell; None where all roads are closed."""
    ready = prepare_lines(roads, rules)
    if not ready.lines.size:  # all closed
        return None
    dense = shapely.segmentize(ready.lines, _spacing(grid))
    xy, line = shapely.get_coordinates(dense, return_index=True)
    cell = _cells(grid, xy[:, 0], xy[:, 1])
    metres = np.zeros(len(xy))
    metres[1:] = GEOD.inv(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])[2]
    first = np.r_[True, line[1:] != line[:-1]]
    metres[first] = 0.0
    along = np.cumsum(metres)
    # One point per run of samples in the same cell: its middle, and the line's own ends, so that no
    # stretch of road is lost or counted twice.
    begin = np.flatnonzero(first | np.r_[True, cell[1:] != cell[:-1]])
    end = np.r_[begin[1:], cell.size] - 1
    of = line[begin]
    same_line = of[1:] == of[:-1]
    middle = (along[begin] + along[end]) / 2
    middle = np.where(
        np.r_[True, ~same_line], along[begin], np.where(np.r_[~same_line, True], along[end], middle)
    )
    same = same_line & (cell[begin][1:] >= 0) & (cell[begin][:-1] >= 0)
    of = of[1:][same]
    length = np.diff(middle)[same]
    return Stretches(
        cell[begin][:-1][same],
        cell[begin][1:][same],
        length / ready.speed[of] * 3.6,
        length,
        ready.forward[of],
        ready.backward[of],
        np.column_stack([begin[:-1], end[1:]])[same],
        np.column_stack([middle[:-1], middle[1:]])[same],
        xy[:, 0],
        xy[:, 1],
        along,
    )


def _arcs_of_lines(
    grid: WalkGrid, roads: pd.DataFrame, rules: RoadRules
) -> tuple[IndexArray, IndexArray, FloatArray]:
    made = road_stretches(grid, roads, rules)
    if made is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    a, b, there, back = made.tail, made.head, made.forward, made.backward
    return (
        np.r_[a[there], b[back]],
        np.r_[b[there], a[back]],
        np.r_[made.seconds[there], made.seconds[back]],
    )


def _spacing(grid: WalkGrid) -> float:
    """Degrees between samples of a line: a quarter of a cell."""
    t = grid.dem.transform
    if grid.dem.is_lonlat:
        return float(min(abs(t.a), abs(t.e)) / 4)
    return float(grid.grid.lengths[:, :4].min() / 111_195 / 4)


@rendered
def travel_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Time of the cheapest mix of walking and riding, from each origin to its site and back.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; `context.friction`, or `context.dem` in
        metres, `context.roads` as for the metric "road"; options of "walk", "road" and "travel"
        (the last go first) are those of `walk_grid` and `RoadRules`.

    Returns
    -------
    DataFrame
        `travel_out_h, travel_back_h` and `why`.
    """
    if context.ground is None:
        return missing(len(pairs), COLUMNS, NO_DEM)
    seconds, why = place_times(travel_grid(context), origins, sites, pairs, context.asked)
    hours = seconds / 3600
    return pd.DataFrame(dict(zip(COLUMNS, hours.T, strict=True))).assign(why=text_array(why))


def least_travel(context: Context) -> float:
    """Hours that a kilometre takes at least by foot and road."""
    return 0.0 if context.ground is None else travel_grid(context).least_s_per_m / 3.6


def travel_grid(context: Context) -> WalkGrid:
    """Give the walking grid with the roads on it, prepared once for the same options."""
    options: dict[str, Any] = {
        **context.options.get("walk", {}),
        **context.options.get("travel", {}),
    }
    grid, roads = grid_of(context, options), context.roads
    if roads is None or not len(roads):
        return grid
    rules = RoadRules(**context.options.get("road", {}))
    key = ("travel grid", repr(sorted(options.items())), repr(rules))
    return context.once(key, lambda: with_roads(grid, roads, context.places, rules))
