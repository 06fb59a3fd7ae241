"""Walking and travel at drawn positions of both ends, from a few runs per place.

Each run is read wherever the other end may be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost import Prepared
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.geodesic import geodesic_distance
from geosettle.distance.monte_carlo import Drawn, DrawnPairs, draw_reasons
from geosettle.distance.terrain import grid_of, grid_on, place_times
from geosettle.distance.travel import travel_grid, with_roads
from geosettle.distance.walking_grid import WalkGrid
from geosettle.raster import Raster
from geosettle.settings import RoadRules

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
_ROUNDS: Final = 8
_MARGIN: Final = 0.25
_CLOSED_FACTOR: Final = 10


def walked(job: DrawnPairs) -> Drawn:
    """Hours on foot out, back and both, at drawn positions of both ends.

    Notes
    -----
    The draws of one end (the shared end, on the side with fewer places) are gathered into
    `Spread.positions` clusters (Lloyd 1982, IEEE Transactions on Information Theory 28: 129-137).
    From the draw in the middle of each cluster the grid is solved once in either direction, and the
    times are read between the cell centres at the drawn positions of all places of the other side.
    The offset of a draw from the middle of its cluster adds the difference of the two straight
    lines at the pair's median pace, so on level ground the result is that of one run per draw.

    The grid is the part that holds all draws, with a quarter of its diagonal around (all of it
    where that does not reach), in cells as much coarser than the given ones as `Spread.cells` asks.
    Then every draw is multiplied by the ratio of the time between the stated positions as the
    metric gives it to that read here. Where land cover closes cells, they are not coarsened before
    a region has ten times `Spread.cells`.

    Compared draw by draw with runs of both drawn ends on the grid as given (embedded study, 80
    draws a pair, 30,000 cells): root mean square difference 0.3 % of the median for a pair 67 km
    apart on the plain, 3 % for one 84 km apart across mountains, 8 % for one whose discs of 30 km
    overlap in mountains; ends of the intervals within 0.4, 5 and 17 % of the median. With
    ``Spread(cells=1_000_000)`` the last two are 2 and 6 %, and 3 and 2 %. The draws themselves add
    what `distance_intervals` states.
    """
    return _on_foot(job, roads=False)


def travelled(job: DrawnPairs) -> Drawn:
    """Hours of the quickest mix of walking and riding, out and back, by the method of `walked`."""
    return _on_foot(job, roads=True)


def _on_foot(job: DrawnPairs, *, roads: bool) -> Drawn:
    m, draws = job.ends[0].shape
    stated = ("travel_out_h", "travel_back_h") if roads else ("walk_out_h", "walk_back_h")
    options: dict[str, Any] = {
        **job.context.options.get("walk", {}),
        **(job.context.options.get("travel", {}) if roads else {}),
    }
    empty, shut = _closed_at(job, options)
    bad = empty | shut
    shared_ends = list(_shared_ends(job))
    hours, coarse, factors = np.full((2, m, draws), np.nan), np.full((2, m), np.nan), np.ones(m)
    for shared in shared_ends:
        hours[:, shared.rows], coarse[:, shared.rows], factors[shared.rows] = _from_shared_end(
            job, shared, options, bad, roads=roads
        )
    hours *= _anchor(job, coarse, factors, stated, options, roads=roads)[:, :, None]
    nowhere = ~bad & np.isnan(hours).any(axis=0)
    hours[:, bad | nowhere] = np.nan
    hours *= job.factors("speed on foot", job.spread.walk_speed_share)
    notes = draw_reasons(
        {
            "draws_outside_elevation"
            if job.context.friction is None
            else "draws_outside_friction": (empty),
            "draws_closed": shut & ~empty,
            "draws_without_way": nowhere,
        }
    )
    if roads:
        return {"travel": hours[0], "travel_back": hours[1]}, notes
    return {"walk": hours[0], "walk_back": hours[1], "walk_round": hours[0] + hours[1]}, notes


def _ground(job: DrawnPairs) -> Raster:
    if job.context.ground is None:
        raise AssertionError("the caller has looked whether there is an elevation grid")
    return job.context.ground


def _cover(job: DrawnPairs) -> Raster | None:
    """Land cover, where walking heeds it."""
    return job.context.landcover if job.context.friction is None else None


def _closed_classes(options: Mapping[str, Any]) -> list[int]:
    """Classes of land cover that cannot be entered."""
    speeds = options.get("landcover_speed_kmh") or {}
    return [
        *(int(c) for c in options.get("closed_classes", ())),
        *(int(k) for k, v in speeds.items() if not v > 0),
    ]


def _closed_at(job: DrawnPairs, options: Mapping[str, Any]) -> tuple[BoolArray, BoolArray]:
    """Whether an end of each draw has no elevation, and whether one is in a closed class.

    The class is one of land cover.
    """
    ground, cover, closed = _ground(job), _cover(job), _closed_classes(options)
    empty, shut = (np.zeros(job.ends[0].shape, dtype=bool) for _ in range(2))
    for lon, lat in (job.side(0), job.side(1)):
        empty |= np.isnan(ground.sample(lon.ravel(), lat.ravel())).reshape(lon.shape)
        if cover is not None and closed:
            found = cover.sample(lon.ravel(), lat.ravel())
            unknown = np.isnan(found) & (not options.get("open_without_landcover", False))
            shut |= (np.isin(found, closed) | unknown).reshape(lon.shape)
    return empty, shut


@dataclass(frozen=True, eq=False)
class _SharedEnd:
    """A place of the side with fewer places, and the pairs that it is an end of.

    Attributes
    ----------
    rows, side
        Pairs; whether it is their origin (0) or site (1).
    at, away
        Longitude and latitude of its draws, shape (draws,), and of the other ends', shape (pairs,
        draws).
    home, goals
        The same of the stated positions.
    """

    rows: IntArray
    side: int
    at: tuple[FloatArray, FloatArray]
    away: tuple[FloatArray, FloatArray]
    home: tuple[float, float]
    goals: tuple[FloatArray, FloatArray]


def _shared_ends(job: DrawnPairs) -> Iterator[_SharedEnd]:
    side = 0 if np.unique(job.origin).size < np.unique(job.site).size else 1
    key = (job.origin, job.site)[side]
    lon, lat = job.side(side)
    x, y = job.stated[2 * side : 2 * side + 2]
    other = job.side(1 - side)
    u, v = job.stated[2 - 2 * side : 4 - 2 * side]
    for place in np.unique(key):
        mine = np.flatnonzero(key == place)
        same = bool((lon[mine] == lon[mine[0]]).all() and (lat[mine] == lat[mine[0]]).all())
        # An area is drawn by its point nearest to the other end, which differs from pair to pair.
        for rows in [mine] if same else np.split(mine, mine.size):
            i = rows[0]
            yield _SharedEnd(
                rows,
                side,
                (lon[i], lat[i]),
                (other[0][rows], other[1][rows]),
                (float(x[i]), float(y[i])),
                (u[rows], v[rows]),
            )


def gathered(lon: FloatArray, lat: FloatArray, count: int) -> tuple[IntArray, IntArray]:
    """Gather points into clusters (Lloyd's algorithm).

    Parameters
    ----------
    lon, lat
        Degrees, shape (n,).
    count
        Clusters; fewer where there are fewer distinct points.

    Returns
    -------
    middle, member
        Number of the point in the middle of each cluster, shape (k,), and cluster of each point,
        shape (n,).

    Examples
    --------
    >>> middle, member = gathered(np.array([76, 76.01, 77, 77.02, 77.01]), np.full(5, 39.0), 2)
    >>> sorted(middle.tolist()), (member[0] == member[1]) & (member[0] != member[2])
    ([0, 4], np.True_)
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415  (slow to load)

    flat = np.column_stack(
        [((lon - lon[0] + 180) % 360 - 180) * np.cos(np.radians(np.nanmean(lat))), lat]
    )
    first = np.sort(np.unique(flat, axis=0, return_index=True)[1])[:count]
    centre = flat[first]
    for _ in range(_ROUNDS):
        member = cKDTree(centre).query(flat)[1]
        size = np.bincount(member, minlength=len(centre))
        total = np.column_stack([np.bincount(member, flat[:, k], len(centre)) for k in (0, 1)])
        centre = np.where(size[:, None] > 0, total / np.maximum(size, 1)[:, None], centre)
    middle = np.unique(cKDTree(flat).query(centre)[1])
    return middle, np.asarray(cKDTree(flat[middle]).query(flat)[1])


def _from_shared_end(
    job: DrawnPairs, shared: _SharedEnd, options: Mapping[str, Any], bad: BoolArray, *, roads: bool
) -> tuple[FloatArray, FloatArray, int]:
    """Hours out and back of the pairs with a shared end, (2, pairs, draws).

    The hours of their stated positions and the coarsening are returned too.
    """
    draws = shared.at[0].size
    fine = np.flatnonzero(~bad[shared.rows].all(axis=0))  # draws of which something can be known
    none = np.full((2, shared.rows.size, draws), np.nan), np.full((2, shared.rows.size), np.nan), 1
    if not fine.size:
        return none
    middle, member = gathered(shared.at[0][fine], shared.at[1][fine], job.spread.positions)
    middle, of = fine[middle], np.zeros(draws, dtype=np.intp)
    of[fine] = member
    if job.spread.dem_error_m and middle.size == 1:  # one place, and as many errors of the heights
        of = np.arange(draws) % job.spread.positions
        middle = np.repeat(middle, job.spread.positions)
    for margin in (_MARGIN, np.inf):
        piece, factor = _piece(job, shared, options, margin, middle.size + 1)
        grid = grid_on(piece, job.context, options)
        if roads and job.context.roads is not None and len(job.context.roads):
            rules = RoadRules(**job.context.options.get("road", {}))
            grid = with_roads(grid, job.context.roads, job.context.places, rules)
        starts = [*zip(shared.at[0][middle], shared.at[1][middle], strict=True), shared.home]
        costs = _solved(job, grid, starts)
        hours = np.stack([_read(grid, c, of, shared.away) for c in costs]) / 3600
        if not np.isnan(hours[:, ~bad[shared.rows]]).any():
            break
    hours += _offset_hours(shared, hours, middle[of])
    stated = np.stack(
        [
            _read(grid, c, np.array([middle.size]), tuple(g[:, None] for g in shared.goals))
            for c in costs
        ]
    )
    order = [0, 1] if shared.side == 1 else [1, 0]  # the first cost is the way to the shared end
    return np.maximum(hours, 0)[order], stated[order, :, 0] / 3600, factor


def _piece(
    job: DrawnPairs, shared: _SharedEnd, options: Mapping[str, Any], margin: float, copies: int
) -> tuple[Raster, int]:
    """Part of the elevation grid that holds all draws with a margin.

    It is coarsened as the number of cells requires.
    """
    dem = _ground(job)
    rows, columns = dem.shape
    lon = np.concatenate([shared.at[0], shared.away[0].ravel(), shared.goals[0], [shared.home[0]]])
    lat = np.concatenate([shared.at[1], shared.away[1].ravel(), shared.goals[1], [shared.home[1]]])
    r, c = dem.to_grid(lon, lat)
    r, c = np.clip(r, 0, rows - 1), np.clip(c, 0, columns - 1)
    wide = margin * float(np.hypot(np.ptp(r), np.ptp(c))) + 5
    top, left = (int(max(0.0, np.floor(v.min() - wide))) for v in (r, c))
    bottom, right = (
        int(min(float(n - 1), np.ceil(v.max() + wide))) + 1 for v, n in ((r, rows), (c, columns))
    )
    cells = (bottom - top) * (right - left) * copies
    most = job.spread.cells
    if _cover(job) is not None and _closed_classes(options):
        most *= _CLOSED_FACTOR
    factor = max(1, int(np.ceil(np.sqrt(cells / most))))
    factor = min(factor, max(1, min(bottom - top, right - left) // 4))
    piece = dem.window(slice(top, bottom), slice(left, right))
    return (piece if factor == 1 else _padded(piece, factor).coarsened(factor)), factor


def _padded(raster: Raster, factor: int) -> Raster:
    """Missing rows and columns added, so that no ground is left off by coarsening."""
    more = [(0, -n % factor) for n in raster.shape]
    return dataclasses.replace(raster, values=np.pad(raster.values, more, constant_values=np.nan))


def _solved(job: DrawnPairs, grid: WalkGrid, starts: list[tuple[float, float]]) -> list[FloatArray]:
    """Seconds to each start from every cell, and back from it.

    These are two arrays of shape (starts, rows, columns).
    """
    import shapely  # noqa: PLC0415

    places = [
        grid.place(shapely.Point(p)) if np.isfinite(p).all() else grid.place(None) for p in starts
    ]
    errors = _height_errors(job, grid, len(starts))
    out = np.full((2, len(starts), *grid.grid.shape), np.inf)
    for k, place in enumerate(places):
        if not place.cells.size:
            continue
        ready = grid.prepared
        if errors is not None and grid.grid.height is not None:
            ready = Prepared(dataclasses.replace(grid.grid, height=grid.grid.height + errors[k]))
        for toward in (True, False):
            start = place.reach if toward else place.leave
            out[int(not toward), k] = ready.costs(place.cells, start, toward=toward)
    return list(out)


def _height_errors(job: DrawnPairs, grid: WalkGrid, copies: int) -> FloatArray | None:
    """Drawn errors of the heights, shape (copies, rows, columns), none in the last.

    None where there are no errors.

    White noise smoothed by a Gaussian, so that the correlation falls as ``exp(-(d/L)²)``; on cells
    of side c the mean of the error over a cell has the variance of a point's times ``v(c/L)²``,
    with ``v(x) = sqrt(pi)/x erf(x) - (1 - exp(-x²))/x²``.
    """
    if not job.spread.dem_error_m:
        return None
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415
    from scipy.special import erf  # noqa: PLC0415

    rows, columns = grid.grid.shape
    cell = float(np.median(grid.grid.lengths[:, :4])) / 1000
    x = max(cell / job.spread.dem_error_range_km, 1e-6)
    attenuation = (
        float(np.sqrt(np.pi) / x * erf(x) - (1 - np.exp(-(x**2))) / x**2) if x > 1e-3 else 1.0
    )
    noise = job.normal("heights", (copies - 1) * rows * columns).reshape(copies - 1, rows, columns)
    smooth = gaussian_filter(noise, (0, 1 / (2 * x), 1 / (2 * x)), mode="wrap")
    smooth *= job.spread.dem_error_m * attenuation / max(float(smooth.std()), 1e-12)
    return np.concatenate([smooth, np.zeros((1, rows, columns))])


def _read(grid: WalkGrid, cost: FloatArray, of: IntArray, at: tuple[FloatArray, ...]) -> FloatArray:
    """Cost at positions (pairs, draws), read in copy ``of[d]`` for draw d.

    The cost is interpolated between the cell centres reached.
    """
    rows, columns = grid.grid.shape
    r, c = grid.dem.to_grid(at[0].ravel(), at[1].ravel())
    with np.errstate(invalid="ignore"):
        inside = (r >= -0.5) & (r <= rows - 0.5) & (c >= -0.5) & (c <= columns - 0.5)
    r, c = (np.clip(np.where(inside, v, 0), 0, n - 1) for v, n in ((r, rows), (c, columns)))
    copy = np.broadcast_to(of, at[0].shape).ravel()
    low_r, low_c = np.floor(r).astype(np.intp), np.floor(c).astype(np.intp)
    total, weight = np.zeros(r.size), np.zeros(r.size)
    for dr in (0, 1):
        for dc in (0, 1):
            share = np.abs(1 - dr - (r - low_r)) * np.abs(1 - dc - (c - low_c))
            at_r, at_c = np.minimum(low_r + dr, rows - 1), np.minimum(low_c + dc, columns - 1)
            value = cost[copy, at_r, at_c]
            share = np.where(np.isfinite(value), share, 0.0)
            share[grid.cut_off(r, c, at_r * columns + at_c)] = 0.0
            total += share * np.where(share > 0, value, 0.0)
            weight += share
    out = np.divide(total, weight, out=np.full(r.size, np.nan), where=inside & (weight > 1e-9))
    return np.asarray(out.reshape(at[0].shape))


def _offset_hours(shared: _SharedEnd, hours: FloatArray, middle: IntArray) -> FloatArray:
    """Hours to add for the offset of each draw from the middle of its cluster.

    The draws are of the shared end; shape (2, pairs, draws).
    """
    true = np.asarray(geodesic_distance(*shared.away, *shared.at))
    read = np.asarray(geodesic_distance(*shared.away, shared.at[0][middle], shared.at[1][middle]))
    pace = np.full(hours.shape, np.nan)
    np.divide(hours, read, out=pace, where=read > 0)
    known = ~np.isnan(pace).all(axis=2)
    typical = np.zeros(hours.shape[:2])
    typical[known] = np.nanmedian(pace[known], axis=-1)
    return typical[:, :, None] * (true - read)


def _anchor(
    job: DrawnPairs,
    coarse: FloatArray,
    factors: FloatArray,
    stated: tuple[str, str],
    options: Mapping[str, Any],
    *,
    roads: bool,
) -> FloatArray:
    """Ratio of the time between stated positions on the given grid to the coarse one.

    The shape is (2, pairs).
    """
    ratio = np.ones(coarse.shape)
    rows = np.flatnonzero(np.isfinite(coarse).all(axis=0))
    if not rows.size:
        return ratio
    known = [job.hours.get(name) for name in stated]
    if any(k is None for k in known):
        true = _as_given(job, rows, options, roads=roads)
    else:
        true = np.stack([np.asarray(k, dtype=np.float64)[rows] for k in known])
    # Below two cells at an easy pace the ratio says less and less.
    dem = _ground(job)
    cell = float(np.median(dem.cell_sizes_m()[1])) / 1000
    floor = np.maximum(2 * factors[rows] * cell / 5 - coarse[:, rows], 0)
    whole = coarse[:, rows] + floor
    found = np.divide(true + floor, whole, out=np.ones(whole.shape), where=whole > 0)
    ratio[:, rows] = np.where(np.isfinite(found), found, 1.0)
    return ratio


def _as_given(
    job: DrawnPairs, rows: IntArray, options: Mapping[str, Any], *, roads: bool
) -> FloatArray:
    """Hours out and back between stated positions on the grid as given, shape (2, rows)."""
    import geopandas as gpd  # noqa: PLC0415

    grid = travel_grid(job.context) if roads else grid_of(job.context, options)
    ends, pairs = [], []
    for side in (0, 2):
        points, number = np.unique(
            np.stack(job.stated[side : side + 2])[:, rows], axis=1, return_inverse=True
        )
        ends.append(gpd.GeoDataFrame(geometry=gpd.points_from_xy(*points), crs="EPSG:4326"))
        pairs.append(number.ravel())
    seconds, _ = place_times(grid, ends[0], ends[1], np.stack(pairs, axis=1))
    return seconds.T / 3600
