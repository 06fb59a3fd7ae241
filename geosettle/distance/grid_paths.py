"""Ways over a walking grid, with the roads on it: from finished cost fields to lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance._solver.cost_paths import Steps, path_finder
from geosettle.distance.terrain import BARRIER, near, searches, straight
from geosettle.distance.travel import Stretches
from geosettle.distance.walking_grid import Place, WalkGrid, as_target
from geosettle.geodesy import GEOD
from geosettle.reasons import reason

_STRAIGHT: Final = 33  # points, as `straight` takes them


@dataclass(frozen=True, eq=False)
class Way:
    """One way from place to place.

    Attributes
    ----------
    xy
        Longitude and latitude of its points, shape (n, 2); none where there is no way.
    seconds
        Of each piece between them, shape (n - 1,).
    ride
        Whether each piece is by road.
    why
        Reason why there is none, or what its line is not.
    km
        Length where the drawn line has another; NaN: that of the line.
    """

    xy: FloatArray
    seconds: FloatArray
    ride: NDArray[np.bool_]
    why: str = ""
    km: float = np.nan


def no_way(why: str) -> Way:
    """Give a way that does not exist, and why."""
    return Way(np.zeros((0, 2)), np.zeros(0), np.zeros(0, dtype=np.bool_), why)


class RideLines:
    """Lines of the arcs of a grid.

    Parameters
    ----------
    stretches
        The stretches of road that the arcs were made of; None: they run straight.
    cells
        Number of cells of the grid.
    """

    def __init__(self, stretches: Stretches | None, cells: int) -> None:
        self.stretches, self.cells = stretches, cells
        self.keys, self.back = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
        self.number = np.zeros(0, dtype=np.int64)
        if stretches is None:
            return
        there, against = (np.flatnonzero(v) for v in (stretches.forward, stretches.backward))
        number = np.r_[there, against]
        back = np.arange(number.size) >= there.size
        ends = stretches.tail[number], stretches.head[number]
        keys = np.where(back, ends[1] * cells + ends[0], ends[0] * cells + ends[1])
        order = np.lexsort((number, stretches.seconds[number], keys))
        first = order[np.diff(keys[order], prepend=-1) != 0]
        self.keys, self.number, self.back = keys[first], number[first], back[first]

    def line(self, tail: int, head: int) -> FloatArray | None:
        """Points of the quickest stretch from cell to cell; None where it has no line."""
        key = tail * self.cells + head
        at = int(np.searchsorted(self.keys, key))
        if self.stretches is None or at == self.keys.size or self.keys[at] != key:
            return None
        return self.stretches.line(int(self.number[at]), back=bool(self.back[at]))


def grid_ways(
    grid: WalkGrid,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    rides: RideLines,
    *,
    back: bool,
) -> list[Way]:
    """Cheapest way over a grid of each pair, from the origin to the site or back.

    Parameters
    ----------
    grid
        The grid, with roads or without.
    origins, sites, pairs
        See `geosettle.distance._protocol.PairFunction`.
    rides
        Lines of the roads on the grid.
    back
        From the site to the origin instead.
    """
    jobs, shared, why = searches(grid, origins, sites, pairs)
    found = [no_way(text) for text in why]
    toward = (shared == 1) != back  # from the other places to the one that they share
    ready = grid.prepared
    runs = [
        (
            home.cells,
            home.reach if toward else home.leave,
            [as_target(p, toward=toward) for p in away],
        )
        for _, home, away in jobs
    ]

    def follow(n: int, cost: NDArray[np.floating]) -> list[Way]:
        (_, home, away), (cells, start, targets) = jobs[n], runs[n]
        find = path_finder(ready, cells, start, toward=toward)
        close = set(near(grid, home, away).tolist())
        made = []
        for k, (place, target) in enumerate(zip(away, targets, strict=True)):
            values = cost[ready.layout.of(target.cells)] + target.legs
            best = int(values.argmin())
            ends = (place, home) if toward else (home, place)
            direct = straight(grid, *ends) if k in close else np.inf
            if not np.isfinite(min(values[best], direct)):
                made.append(no_way(BARRIER))
            elif direct <= values[best]:
                made.append(_direct(*ends, direct))
            else:
                steps = find(cost, int(target.cells[best]))
                legs = target.legs[best], start[cells == steps[0][-1]].min()
                way = _along(
                    grid, steps, ((place, legs[0]), (home, legs[1])), rides, turn=not toward
                )
                made.append(way)
        return made

    for (rows, _, _), made in zip(
        jobs, ready.run_many(runs, toward=toward, take=follow), strict=True
    ):
        for row, way in zip(rows, made, strict=True):
            found[row] = way
    return found


def _direct(start: Place, end: Place, seconds: float) -> Way:
    """Straight line between two points near each other; areas that touch have no way between."""
    if start.radius_m or end.radius_m:
        return no_way(reason("same_ground"))
    east = (end.lon - start.lon + 180) % 360 - 180
    share = np.linspace(0, 1, _STRAIGHT)
    xy = np.column_stack([start.lon + share * east, start.lat + share * (end.lat - start.lat)])
    each = np.full(_STRAIGHT - 1, seconds / (_STRAIGHT - 1))
    return Way(xy, each, np.zeros(each.size, dtype=np.bool_))


def _along(
    grid: WalkGrid,
    steps: Steps,
    ends: tuple[tuple[Place, float], tuple[Place, float]],
    rides: RideLines,
    *,
    turn: bool,
) -> Way:
    """Make a way of the steps from a place down to the other; with `turn` it goes up them."""
    cells, seconds, arcs = steps
    if turn:
        cells, seconds, arcs, ends = cells[::-1], seconds[::-1], arcs[::-1], ends[::-1]
    centres = np.column_stack(grid.centres(cells))
    points, times, by_road = [], [], []

    def add(xy: FloatArray, spent: FloatArray, *, ride: bool) -> None:
        """Add points, with the seconds to each from the one before."""
        points.append(xy)
        times.append(spent)
        by_road.append(np.full(len(xy), ride))

    (first, leave), (last, reach) = ends
    if not first.radius_m:
        add(np.array([[first.lon, first.lat]]), np.zeros(1), ride=False)
    add(centres[:1], np.array([leave]), ride=False)
    done = 0
    for k in np.flatnonzero(arcs).tolist():
        add(centres[done + 1 : k + 1], seconds[done:k], ride=False)
        line = rides.line(int(cells[k]), int(cells[k + 1]))
        line = centres[k : k + 2] if line is None else line
        on = np.hypot(*np.diff(line, axis=0).T)
        share = on / on.sum() if on.sum() > 0 else np.full(on.size, 1 / max(on.size, 1))
        add(line, np.r_[0.0, seconds[k] * share], ride=True)
        if k + 1 == arcs.size or not arcs[k + 1]:  # off the road; between two roads nothing is
            add(centres[k + 1 : k + 2], np.zeros(1), ride=True)
        done = k + 1
    add(centres[done + 1 :], seconds[done:], ride=False)
    if not last.radius_m:
        add(np.array([[last.lon, last.lat]]), np.array([reach]), ride=False)
    xy, spent, ride = (np.concatenate(v) for v in (points, times, by_road))
    return way_of(xy, spent[1:], ride[1:])


def way_of(
    xy: FloatArray, seconds: FloatArray, ride: NDArray[np.bool_], why: str = "", km: float = np.nan
) -> Way:
    """Make a way, without points where the one before is that take no time; as in `Way`."""
    keep = np.r_[True, (np.diff(xy, axis=0) != 0).any(axis=1) | (seconds > 0)]
    return Way(xy[keep], seconds[keep[1:]], ride[keep[1:]], why, km)


def metres(xy: FloatArray) -> FloatArray:
    """Geodesic lengths between points, shape (n - 1,)."""
    return np.asarray(GEOD.inv(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])[2])
