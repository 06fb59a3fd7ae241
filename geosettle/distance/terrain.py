"""Metrics on terrain: the line draped on the elevation grid, and walking time out and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.distance import walking
from geosettle.distance._protocol import Context, positions
from geosettle.distance._solver.cost import solve
from geosettle.distance._solver.cost_grid import CostGrid, FloatArray, IndexArray, Target
from geosettle.distance.draping import bilinear, check_dem, drape
from geosettle.distance.walking import Place, WalkGrid, as_target, walk_grid
from geosettle.geodesy import GEOD
from geosettle.reasons import at, join, reason, rendered

_MANY_VISITS: Final = 60_000_000  # half a minute in NumPy
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
    return pd.DataFrame(out).assign(why=pd.array(why, dtype="str"))


def missing(n: int, columns: tuple[str, ...], why: str) -> pd.DataFrame:
    """Make a frame of missing values with one reason."""
    frame = pd.DataFrame({c: np.full(n, np.nan) for c in columns})
    return frame.assign(why=pd.array([why] * n, dtype="str"))


@rendered
def walk_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Time the walk over the elevation grid, from the origin to the site and back.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; `context.friction`, or `context.dem` in
        metres, `context.landcover` optional; options of "walk" are the keywords of
        `geosettle.distance.walking.walk_grid`.

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
    seconds, why = place_times(grid, origins, sites, pairs)
    hours = seconds / 3600
    frame = pd.DataFrame(
        {"walk_out_h": hours[:, 0], "walk_back_h": hours[:, 1], "walk_round_h": hours.sum(axis=1)}
    )
    return frame.assign(why=pd.array(why, dtype="str"))


def grid_of(context: Context, options: Mapping[str, Any]) -> WalkGrid:
    """Give the walking grid under options of `walk_grid`, prepared once for each of them."""
    ground = context.ground
    if ground is None:
        raise AssertionError("the caller has looked whether there is an elevation grid")
    key = ("walk grid", repr(sorted(options.items())))
    return context.once(key, lambda: walk_grid(ground, landcover=context.landcover, **options))


def place_times(
    grid: WalkGrid,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    *,
    compiled: bool | None = None,
) -> tuple[FloatArray, NDArray[np.object_]]:
    """Seconds from origin to site and back for every pair, (m, 2), and why they are missing."""
    places = []
    for side, frame in enumerate((origins, sites)):
        rows = np.unique(pairs[:, side])
        geometry = np.asarray(frame.geometry.array, dtype=object)[rows]
        places.append({int(i): grid.place(g) for i, g in zip(rows, geometry, strict=True)})
    return _walk_seconds(grid, places, pairs, compiled=compiled)


def _walk_seconds(
    grid: WalkGrid,
    places: list[dict[int, Place]],
    pairs: NDArray[np.intp],
    *,
    compiled: bool | None,
) -> tuple[FloatArray, NDArray[np.object_]]:
    """Seconds out and back of every pair, shape (m, 2), and the reason where missing."""
    seconds = np.full((len(pairs), 2), np.nan)
    why = np.full(len(pairs), "", dtype=object)
    for i, (o, s) in enumerate(pairs):
        ends = ("origin", places[0][int(o)]), ("site", places[1][int(s)])
        why[i] = join(*(at(p.why, end) if p.why != UNKNOWN else UNKNOWN for end, p in ends))
    island = _islands(grid)
    shared_side = 0 if len(places[0]) < len(places[1]) else 1
    jobs: list[tuple[NDArray[np.intp], Place, list[Place]]] = []
    for shared in sorted(places[shared_side]):
        rows = np.flatnonzero((pairs[:, shared_side] == shared) & (why == ""))
        home = places[shared_side][shared]
        away = [places[1 - shared_side][int(pairs[i, 1 - shared_side])] for i in rows]
        apart = np.array([not set(island(home)) & set(island(p)) for p in away], dtype=bool)
        why[rows[apart]] = BARRIER
        if not apart.all():
            jobs.append(
                (rows[~apart], home, [p for p, cut in zip(away, apart, strict=True) if not cut])
            )
    for toward in (False, True):
        column = 0 if toward == (shared_side == 1) else 1
        runs = [
            (
                home.cells,
                home.reach if toward else home.leave,
                [as_target(p, toward=toward) for p in away],
            )
            for _, home, away in jobs
        ]
        bounds = [grid.bound(away) for _, _, away in jobs]
        for (rows, home, away), found in zip(
            jobs, run_many(grid.grid, runs, bounds, toward=toward, compiled=compiled), strict=True
        ):
            direct = [_straight(grid, *((p, home) if toward else (home, p))) for p in away]
            seconds[rows, column] = np.minimum(found, direct)
    why[np.isinf(seconds).any(axis=1)] = BARRIER
    seconds[np.isinf(seconds)] = np.nan
    return seconds, why


def run_many(
    grid: CostGrid,
    runs: Sequence[tuple[IndexArray, FloatArray | None, list[Target]]],
    bounds: Sequence[Callable[[IndexArray], FloatArray]] | None = None,
    *,
    toward: bool,
    compiled: bool | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[FloatArray]:
    """Values of the targets of several runs (sources, their starting costs, targets) on one grid.

    Parameters
    ----------
    compiled
        True: compiled engine, runs side by side in threads; False: NumPy, directed by the bounds;
        None: compiled where the cells to be visited are so many that it pays even when it has to be
        compiled first.
    progress
        Called with the share of the runs that are done after each of them; whatever it raises stops
        the work.

    Notes
    -----
    Each run stops when its last target is settled. The result does not depend on the number of
    threads.
    """
    if compiled is None:
        compiled = sum(_visits(grid, *run[::2]) for run in runs) > _MANY_VISITS
    if compiled:
        return _side_by_side(grid, runs, toward=toward, progress=progress)
    out: list[FloatArray] = []
    for i, (sources, start, targets) in enumerate(runs):
        bound = None if bounds is None else bounds[i]
        cost = solve(
            grid, sources, start, targets=targets, bound=bound, toward=toward, compiled=False
        )
        out.append(np.array([t.value(cost) for t in targets]))
        if progress is not None:
            progress(len(out) / len(runs))
    return out


def _side_by_side(
    grid: CostGrid,
    runs: Sequence[tuple[IndexArray, FloatArray | None, list[Target]]],
    *,
    toward: bool,
    progress: Callable[[float], None] | None,
) -> list[FloatArray]:
    """Run the compiled engine on one grid in as many threads as are useful.

    The grid is laid out once; an interruption stops all threads.
    """
    from geosettle.distance._solver.cost_kernels import Prepared  # noqa: PLC0415  (numba takes a second to load)

    if not runs:
        return []
    prepared = Prepared(grid)
    interrupted = Event()

    def watch(_: float) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt

    def one(run: tuple[IndexArray, FloatArray | None, list[Target]]) -> FloatArray:
        sources, start, targets = run
        cost = prepared.run(sources, start, targets=targets, toward=toward, progress=watch)
        return prepared.values_at(targets)(cost)

    pool = ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, len(runs), prepared.side_by_side)))
    try:
        out: list[FloatArray] = []
        for found in pool.map(one, runs):
            out.append(found)
            if progress is not None:
                progress(len(out) / len(runs))
        return out
    finally:
        interrupted.set()
        pool.shutdown(cancel_futures=True)


def _visits(grid: CostGrid, sources: IndexArray, targets: list[Target]) -> float:
    """Approximate number of cells that an undirected run visits.

    It is a disc as wide as the farthest target, inside the grid.
    """
    columns = grid.shape[1]
    goals = np.array([t.cells[0] for t in targets if t.cells.size], dtype=np.int64)
    row, column = np.divmod(goals, columns)
    r, c = np.divmod(sources[:1], columns)
    reach = np.hypot(row - r, column - c).max(initial=0.0)
    return float(min(grid.closed.size, np.pi * reach**2))


def _straight(grid: WalkGrid, a: Place, b: Place) -> float:
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
    if np.hypot(row[1] - row[0], across) > walking.NEAR_CELLS:
        return np.inf
    share = np.linspace(0, 1, 33)
    r, c = row[0] + share * (row[1] - row[0]), column[0] + share * across
    rows, columns = grid.grid.shape
    if grid.grid.wraps:
        c = (c + 0.5) % columns - 0.5
    at_r = np.clip(np.floor(r + 0.5).astype(int), 0, rows - 1)
    at_c = np.clip(np.floor(c + 0.5).astype(int), 0, columns - 1)
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


def _islands(grid: WalkGrid) -> Callable[[Place], NDArray[np.intp]]:
    """Find the islands of open cells that places touch; a shared corner joins cells."""
    if grid.grid.arcs is not None or not grid.grid.closed.any():
        return lambda _: np.zeros(1, np.intp)
    from scipy.ndimage import label  # noqa: PLC0415

    labels = np.asarray(label(~grid.grid.closed, structure=np.ones((3, 3)))[0], dtype=np.int32)
    if grid.grid.wraps:
        labels = _joined_at_the_seam(labels)
    flat = labels.ravel()
    return lambda place: np.unique(flat[place.cells]).astype(np.intp)


def _joined_at_the_seam(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give islands that touch across the first and the last column one label."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    west = np.pad(labels[:, 0], 1)
    pairs = [(labels[:, -1], west[1 + d : west.size - 1 + d]) for d in (-1, 0, 1)]
    a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
    both = (a > 0) & (b > 0)
    size = int(labels.max(initial=0)) + 1
    graph = coo_array((np.ones(both.sum(), dtype=np.int8), (a[both], b[both])), shape=(size, size))
    new = connected_components(graph, directed=False)[1].astype(np.int32)
    return np.asarray(new[labels])
