"""Metrics on terrain: the line draped on the elevation grid, and walking time out and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import text_array
from geosettle.distance._protocol import EVERYTHING, Asked, Context, positions
from geosettle.distance._solver.cost import Prepared, Run
from geosettle.distance._solver.cost_grid import FloatArray, IndexArray, Target
from geosettle.distance.draping import bilinear, check_dem, drape
from geosettle.distance.walking import walk_grid
from geosettle.distance.walking_grid import Place, WalkGrid, as_target
from geosettle.geodesy import GEOD
from geosettle.raster import Raster
from geosettle.reasons import at, join, reason, rendered

_NEAR_CELLS: Final = 4
BARRIER: Final = reason("closed_between")
NO_DEM: Final = reason("no_elevation_grid")
UNKNOWN: Final = reason("position_unknown")
OUTSIDE: Final = reason("outside_elevation")


def _ends(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Coordinates of both ends of every pair.

    Points are as they are; areas have their point nearest to the other end.
    """
    a = np.asarray(origins.geometry.array, dtype=object)[pairs[:, 0]]
    b = np.asarray(sites.geometry.array, dtype=object)[pairs[:, 1]]
    (lon_a, lat_a), (lon_b, lat_b) = positions(origins), positions(sites)
    ends = lon_a[pairs[:, 0]], lat_a[pairs[:, 0]], lon_b[pairs[:, 1]], lat_b[pairs[:, 1]]
    known = np.isfinite(ends[0]) & np.isfinite(ends[2])
    area = known & ((shapely.get_dimensions(a) == 2) | (shapely.get_dimensions(b) == 2))
    for i in np.flatnonzero(area):
        # Longitudes shrunk to the scale of latitudes: near enough to find which point of the
        # outline is nearest.
        shrink = np.cos(np.radians((ends[1][i] + ends[3][i]) / 2))
        p, q = (shapely.transform(g, lambda xy, s=shrink: xy * [s, 1]) for g in (a[i], b[i]))
        (x0, y0), (x1, y1) = shapely.get_coordinates(shapely.shortest_line(p, q))
        ends[0][i], ends[1][i], ends[2][i], ends[3][i] = x0 / shrink, y0, x1 / shrink, y1
    return ends


@rendered
def surface_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Length of the geodesic draped on the elevation grid, ascent, descent, difference.

    The difference is that in elevation.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; `context.dem` in metres.

    Returns
    -------
    DataFrame
        `surface_km, ascent_m, descent_m, elevation_change_m` (site minus origin, and ascent minus
        descent), `why`.

    Notes
    -----
    The geodesic is cut into equal pieces of at most half a cell, heights are read by bilinear
    interpolation, and ``sqrt(ds² + dz²)`` is added up. A coarse grid hides short slopes: length,
    ascent and descent are those of the grid and grow with its resolution. Between areas the line
    runs between their nearest points. Horizontal lengths are those on the ellipsoid; at 4,000 m
    above it they are 0.06 % longer.
    """
    if context.dem is None:
        return missing(
            len(pairs), ("surface_km", "ascent_m", "descent_m", "elevation_change_m"), NO_DEM
        )
    check_dem(context.dem)
    lon1, lat1, lon2, lat2 = _ends(origins, sites, pairs)
    out = {
        name: np.full(len(pairs), np.nan)
        for name in ("surface_km", "ascent_m", "descent_m", "elevation_change_m")
    }
    known = np.isfinite(lon1) & np.isfinite(lon2)
    draped = drape(context.dem, (lon1[known], lat1[known], lon2[known], lat2[known]))
    outside = np.zeros(len(pairs))
    outside[known] = draped["outside"]
    for name, values in out.items():
        values[known] = draped[name]
    ends_missing = known & np.isnan(out["elevation_change_m"])
    why = np.full(len(pairs), "", dtype=object)
    why[~known] = UNKNOWN
    why[ends_missing] = OUTSIDE
    partly = known & ~ends_missing & np.isnan(out["surface_km"])
    why[partly] = [
        reason("line_outside_elevation", percent=round(100 * float(s))) for s in outside[partly]
    ]
    return pd.DataFrame(out).assign(why=text_array(why))


def missing(n: int, columns: tuple[str, ...], why: str) -> pd.DataFrame:
    """Make a frame of missing values with one reason."""
    frame = pd.DataFrame({c: np.full(n, np.nan) for c in columns})
    return frame.assign(why=text_array([why] * n))


@rendered
def walk_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Time the walk over the elevation grid, from the origin to the site and back.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; `context.friction`, or `context.dem` in
        metres, `context.landcover` and `context.barriers` optional; options of "walk" are the
        keywords of `geosettle.distance.walking.walk_grid`.

    Returns
    -------
    DataFrame
        `walk_out_h, walk_back_h, walk_round_h` and `why`.

    Notes
    -----
    One search per place of the side with fewer places, in both directions, which ends when the last
    partner is settled. Points are joined to the grid at their exact position (see
    `WalkGrid.place`); pairs nearer than four cells may also go straight. The value is that of the
    cheapest path on the grid; see `geosettle.distance._solver.cost_grid` for the error of the grid
    itself.
    """
    columns = ("walk_out_h", "walk_back_h", "walk_round_h")
    if context.ground is None:
        return missing(len(pairs), columns, NO_DEM)
    grid = grid_of(context, context.options.get("walk", {}))
    seconds, why = place_times(grid, origins, sites, pairs, context.asked)
    hours = seconds / 3600
    frame = pd.DataFrame(
        {"walk_out_h": hours[:, 0], "walk_back_h": hours[:, 1], "walk_round_h": hours.sum(axis=1)}
    )
    return frame.assign(why=text_array(why))


def grid_of(context: Context, options: Mapping[str, Any]) -> WalkGrid:
    """Give the walking grid under options of `walk_grid`, prepared once for each of them."""
    ground = context.ground
    if ground is None:
        raise AssertionError("the caller has looked whether there is an elevation grid")
    key = ("walk grid", repr(sorted(options.items())))
    return context.once(key, lambda: grid_on(ground, context, options))


def grid_on(ground: Raster, context: Context, options: Mapping[str, Any]) -> WalkGrid:
    """Give a walking grid on a raster, with the layers of a context."""
    return walk_grid(ground, landcover=context.landcover, barriers=context.barriers, **options)


def least_walk(context: Context) -> float:
    """Hours that a kilometre takes at least on foot."""
    if context.ground is None:
        return 0.0
    return grid_of(context, context.options.get("walk", {})).least_s_per_m / 3.6


def place_times(
    grid: WalkGrid,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    asked: Asked = EVERYTHING,
) -> tuple[FloatArray, NDArray[np.object_]]:
    """Seconds from origin to site and back for every pair, (m, 2), and why they are missing.

    Where there is a limit (`Asked.within`, hours), the searches stop at it, in windows that hold
    what can be reached; what is beyond is missing.
    """
    limit = asked.within * 3600
    jobs, shared, why = searches(grid, origins, sites, pairs, asked.fewer, split=np.isinf(limit))
    seconds = np.full((len(pairs), 2), np.nan)
    for box, members in _windows(grid, [home for _, home, _ in jobs], limit):
        ready = grid.prepared if box is None else Prepared(grid.grid.window(*_slices(box)))
        for toward in (shared == 1,) if asked.value_only else (False, True):
            runs, held = [], []
            for _, home, away in (jobs[m] for m in members):
                start = home.reach if toward else home.leave
                targets = [as_target(p, toward=toward) for p in away]
                run, kept = _in_window(grid, box, (home.cells, start, targets))
                runs.append(run)
                held.append(kept)
            found = ready.run_many(runs, toward=toward, limit=limit)
            for m, kept, some in zip(members, held, found, strict=True):
                rows, home, away = jobs[m]
                value = np.full(rows.size, np.inf)
                value[kept] = np.where(some <= limit, some, np.inf)
                for k in near(grid, home, away):
                    ends = (away[k], home) if toward else (home, away[k])
                    value[k] = min(value[k], straight(grid, *ends))
                seconds[rows, 0 if toward == (shared == 1) else 1] = value
    why[np.isinf(seconds).any(axis=1)] = BARRIER
    seconds[np.isinf(seconds)] = np.nan
    return seconds, why


Search = tuple[NDArray[np.intp], Place, list[Place]]
"""Rows of the pairs of a place of the shared side, the place, and the other ends."""


def searches(
    grid: WalkGrid,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    fewer: int | None = None,
    *,
    split: bool = True,
) -> tuple[list[Search], int, NDArray[np.object_]]:
    """One search per place of the side with fewer places, that side, and why pairs are in none."""
    places = []
    for side, frame in enumerate((origins, sites)):
        rows = np.unique(pairs[:, side])
        geometry = np.asarray(frame.geometry.array, dtype=object)[rows]
        places.append({int(i): grid.place(g) for i, g in zip(rows, geometry, strict=True)})
    why = _not_placed(places, pairs)
    if fewer is None:
        fewer = 0 if len(places[0]) < len(places[1]) else 1
    return _jobs(grid, places, pairs, fewer, why, split=split), fewer, why


Box = tuple[int, int, int, int]
"""First row and the one after the last, first column and the one after the last."""


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(box[0], box[1]), slice(box[2], box[3])


def _windows(
    grid: WalkGrid, homes: list[Place], limit: float
) -> list[tuple[Box | None, list[int]]]:
    """Windows that hold what can be reached within a limit, each with the searches in it.

    Places near each other share one, so that it is prepared once; None is the whole grid.
    """
    if not homes:
        return []
    whole: list[tuple[Box | None, list[int]]] = [(None, list(range(len(homes))))]
    if np.isinf(limit) or grid.grid.arcs is not None:
        return whole
    radius = limit / grid.least_s_per_m
    boxes = np.array([grid.around(home, radius) for home in homes])
    size = np.maximum((boxes[:, 1::2] - boxes[:, ::2]).max(axis=0), 1)
    tile, group = np.unique(boxes[:, ::2] // size, axis=0, return_inverse=True)
    out: list[tuple[Box | None, list[int]]] = []
    cells = 0
    for g in range(len(tile)):
        members = np.flatnonzero(group.ravel() == g)
        top, left = (int(v) for v in boxes[members, ::2].min(axis=0))
        bottom, right = (int(v) for v in boxes[members, 1::2].max(axis=0))
        out.append(((top, bottom, left, right), [int(m) for m in members]))
        cells += (bottom - top) * (right - left)
    return out if cells < grid.grid.closed.size else whole


def _in_window(grid: WalkGrid, box: Box | None, run: Run) -> tuple[Run, IndexArray]:
    """Search with the cells of a window, and which of its targets have a cell in it."""
    cells, start, targets = run
    if box is None or start is None:
        return run, np.arange(len(targets))
    top, bottom, left, right = box

    def inside(cells: IndexArray) -> tuple[IndexArray, NDArray[np.bool_]]:
        row, column = np.divmod(cells, grid.grid.shape[1])
        there = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        return (row - top) * (right - left) + column - left, there

    at, there = inside(cells)
    out, kept = [], []
    for k, target in enumerate(targets):
        of, held = inside(target.cells)
        if held.any():
            out.append(Target(of[held], target.legs[held]))
            kept.append(k)
    return (at[there], start[there], out), np.array(kept, dtype=np.int64)


def _not_placed(places: list[dict[int, Place]], pairs: NDArray[np.intp]) -> NDArray[np.object_]:
    """Why each pair has an end that is not on the grid; empty where both are."""
    why = np.full(len(pairs), "", dtype=object)
    lost = [np.array([i for i, p in side.items() if p.why], dtype=np.intp) for side in places]
    bad = np.isin(pairs[:, 0], lost[0]) | np.isin(pairs[:, 1], lost[1])
    for i in np.flatnonzero(bad):
        ends = zip(("origin", "site"), places, pairs[i], strict=True)
        reasons = [(side[int(n)].why, end) for end, side, n in ends]
        why[i] = join(*(at(text, end) if text != UNKNOWN else text for text, end in reasons))
    return why


def _jobs(
    grid: WalkGrid,
    places: list[dict[int, Place]],
    pairs: NDArray[np.intp],
    shared: int,
    why: NDArray[np.object_],
    *,
    split: bool,
) -> list[Search]:
    """Rows of the pairs of each place of the shared side, the place, and the other ends.

    With `split` pairs on two islands get the reason in `why` instead.
    """
    rows = np.flatnonzero(why == "")
    rows = rows[np.argsort(pairs[rows, shared], kind="stable")]
    begins = np.flatnonzero(np.diff(pairs[rows, shared], prepend=-1))
    islands = grid.islands if split else None
    jobs = []
    for some in np.split(rows, begins[1:]) if rows.size else []:
        home = places[shared][int(pairs[some[0], shared])]
        away = [places[1 - shared][int(n)] for n in pairs[some, 1 - shared]]
        joined = np.ones(some.size, dtype=bool)
        if islands is not None:
            here = np.unique(islands[home.cells])
            joined = np.array([np.isin(islands[p.cells], here).any() for p in away])
            why[some[~joined]] = BARRIER
        if joined.any():
            can = [p for p, joins in zip(away, joined, strict=True) if joins]
            jobs.append((some[joined], home, can))
    return jobs


def near(grid: WalkGrid, home: Place, away: list[Place]) -> IndexArray:
    """Which places are near enough to go straight, or share ground: areas always are asked."""
    lon, lat = (np.array([getattr(p, name) for p in (home, *away)]) for name in ("lon", "lat"))
    row, column = grid.dem.to_grid(lon, lat)
    across = np.abs(column[1:] - column[0])
    if grid.grid.wraps:
        across = np.minimum(across, grid.grid.shape[1] - across)
    close = np.hypot(row[1:] - row[0], across) <= _NEAR_CELLS
    return np.flatnonzero(close | np.array([p.radius_m > 0 for p in away]))


def straight(grid: WalkGrid, a: Place, b: Place) -> float:
    """Seconds of the straight line between two points near each other, over open cells.

    Near is less than four cells; else infinite.
    """
    if a.radius_m or b.radius_m:
        return 0.0 if np.isin(a.cells, b.cells).any() and a.radius_m and b.radius_m else np.inf
    row, column = grid.dem.to_grid(np.array([a.lon, b.lon]), np.array([a.lat, b.lat]))
    across = column[1] - column[0]
    if grid.grid.wraps:
        half = grid.grid.shape[1] / 2
        across = (across + half) % (2 * half) - half
    if np.hypot(row[1] - row[0], across) > _NEAR_CELLS:
        return np.inf
    share = np.linspace(0, 1, 33)
    r, c = row[0] + share * (row[1] - row[0]), column[0] + share * across
    rows, columns = grid.grid.shape
    if grid.grid.wraps:
        c = (c + 0.5) % columns - 0.5
    at_r = np.clip(np.floor(r + 0.5).astype(int), 0, rows - 1)
    at_c = np.clip(np.floor(c + 0.5).astype(int), 0, columns - 1)
    if (
        grid.barriers is not None
        and grid.barriers.cross(
            np.array([[column[0], row[0]]]), np.array([[column[0] + across, row[1]]])
        ).any()
    ):
        return np.inf
    if grid.grid.closed[at_r, at_c].any() or grid.grid.pace is None or grid.grid.height is None:
        return np.inf
    length = GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2] / 32
    if length == 0:
        return 0.0
    rise = np.diff(bilinear(grid.grid.height, r, c, wraps=grid.grid.wraps))
    pace = grid.grid.pace(rise / length)
    if grid.grid.multiplier is not None:
        factor = grid.grid.multiplier[at_r, at_c]
        pace = pace * (factor[1:] + factor[:-1]) / 2
    if grid.grid.added is not None:
        added = grid.grid.added[at_r, at_c]
        pace = pace + (added[1:] + added[:-1]) / 2
    return float(length * pace.sum())
