"""The ways themselves: least-cost and road paths as lines, out and back, with their legs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.crs import within_180
from geosettle.distance._inputs import as_flows, no_layers
from geosettle.distance._metrics import context_of, metric_named, places_of
from geosettle.distance._pairs import unmatched
from geosettle.distance._protocol import Context
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.draping import bilinear
from geosettle.distance.grid_paths import RideLines, Way, grid_ways, metres, no_way
from geosettle.distance.network import is_table, with_settlements
from geosettle.distance.road_paths import road_lines
from geosettle.distance.terrain import NO_DEM, grid_of
from geosettle.distance.travel import road_stretches, travel_grid
from geosettle.errors import InputError, UnknownNameError
from geosettle.raster import Raster
from geosettle.reasons import concerning, join, reason, rendered
from geosettle.settings import RoadRules

DIRECTIONS: Final = ("out", "back")
NUMBERS: Final = (
    *("length_km", "ascent_m", "descent_m", "hours", "walk_km", "walk_h", "ride_km", "ride_h"),
)
PATH_COLUMNS: Final = ("origin_id", "site_id", "metric", "direction", *NUMBERS, "legs", "why")
"""Columns of the paths before their geometry."""


@rendered
def least_cost_paths(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str] = ("walk",),
    *,
    directions: Sequence[str] = DIRECTIONS,
    **layers: Any,
) -> gpd.GeoDataFrame:
    """Ways from origins to sites and back as lines: on foot, by road, or by both.

    Parameters
    ----------
    flows, origins, sites
        As in `pair_distances`; flows of one pair count once.
    metrics
        Of "walk", "travel" and "road".
    directions
        Of "out" (from the origin to the site) and "back".
    **layers
        dem, landcover, friction, barriers, roads, places, options; see `Context`. Or context alone.

    Returns
    -------
    GeoDataFrame
        One row per pair, metric and direction, WGS84: `origin_id, site_id, metric, direction,
        length_km` on the ellipsoid, `ascent_m, descent_m, hours`, of these on foot `walk_km,
        walk_h` and by road `ride_km, ride_h`; `legs` in their order, as in "walk 1.2 km 0.31 h;
        ride 30.1 km 0.60 h"; `why` where there is no way or a number is missing. The line leads in
        the direction of the way.

    Raises
    ------
    UnknownNameError
        A metric or a direction without ways.
    InputError
        Positions or tables that cannot be used.

    Notes
    -----
    On a grid the way is found by following the finished cost field back from cell to cell: its
    hours are those of `pair_distances` (to a millionth; on grids of more than 4 million cells,
    whose costs are float32, to a hundred-thousandth). Its line runs between the centres of cells,
    so it is at most 2.7 % longer than a smooth one (16 directions). Roads of "travel" are drawn
    along their own vertices, with a link of no time and no length from the centre of the cell where
    they are entered. Of a table of lengths the line is drawn straight between the places;
    `length_km` is the published one. Ascent and descent are those of the elevation grid along the
    line.

    Examples
    --------
    >>> from affine import Affine
    >>> dem = Raster(np.zeros((9, 9)), Affine(0.01, 0, 76, 0, -0.01, 0.09), unit="m")
    >>> at = gpd.points_from_xy
    >>> villages = gpd.GeoDataFrame(index=["v"], geometry=at([76.015], [0.045]), crs=4326)
    >>> places = gpd.GeoDataFrame(index=["s"], geometry=at([76.075], [0.045]), crs=4326)
    >>> flows = pd.DataFrame({"origin_id": ["v"], "site_id": ["s"]})
    >>> paths = least_cost_paths(flows, villages, places, dem=dem)
    >>> paths[["direction", "length_km", "hours", "legs"]].round(2)
      direction  length_km  hours                 legs
    0       out       6.68   1.33  walk 6.68 km 1.33 h
    1      back       6.68   1.33  walk 6.68 km 1.33 h
    """
    context, table = context_of(layers), as_flows(flows).drop_duplicates(["origin_id", "site_id"])
    metrics, directions = ((v,) if isinstance(v, str) else v for v in (metrics, directions))
    chosen = [_maker(name) for name in metrics]
    if not (chosen and directions):
        raise InputError("ways need at least one metric and one direction")
    if unknown := set(directions) - set(DIRECTIONS):
        raise UnknownNameError(
            "no such direction", value=min(unknown), mend=f"There are: {', '.join(DIRECTIONS)}."
        )
    origins, sites = (
        places_of(context, frame, role) for frame, role in ((origins, "origin"), (sites, "site"))
    )
    context = with_settlements(context, origins, sites)
    ends = [
        frame.index.get_indexer(table[key])
        for frame, key in ((origins, "origin_id"), (sites, "site_id"))
    ]
    pairs = np.stack(ends, axis=1).astype(np.intp)
    known = np.asarray((pairs >= 0).all(axis=1), dtype=np.bool_)
    lost = unmatched(table, *ends)
    parts = []
    for name, make in zip(metrics, chosen, strict=True):
        lacking = metric_named(name).lacking(context)
        for direction in directions:
            if lacking:
                made = [no_way(no_layers(lacking))] * int(known.sum())
            else:
                made = make(origins, sites, pairs[known], context, back=direction == "back")
            ways = [no_way(why) for why in lost]
            for n, way in zip(np.flatnonzero(known), made, strict=True):
                ways[n] = way
            rows = _rows(ways, context, dense=name == "road")
            keys = table[["origin_id", "site_id"]].reset_index(drop=True)
            parts.append(pd.concat([keys.assign(metric=name, direction=direction), rows], axis=1))
    every = pd.concat(parts, ignore_index=True)
    order = every.sort_values(["origin_id", "site_id"], kind="stable", ignore_index=True)
    return gpd.GeoDataFrame(order[[*PATH_COLUMNS, "geometry"]], geometry="geometry", crs=4326)


def _walk_ways(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: Any, context: Context, *, back: bool
) -> list[Way]:
    grid = grid_of(context, context.options.get("walk", {}))
    return grid_ways(grid, origins, sites, pairs, RideLines(None, 0), back=back)


def _travel_ways(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: Any, context: Context, *, back: bool
) -> list[Way]:
    grid, roads = travel_grid(context), context.roads
    rules = RoadRules(**context.options.get("road", {}))

    def lines() -> RideLines:
        drawn = roads is not None and len(roads) and not is_table(roads)
        stretches = road_stretches(grid, roads, rules) if drawn and roads is not None else None
        return RideLines(stretches, grid.grid.closed.size)

    rides = context.once(("ride lines", id(grid)), lines)
    return grid_ways(grid, origins, sites, pairs, rides, back=back)


WAYS: Final[Mapping[str, Callable[..., list[Way]]]] = {
    "walk": _walk_ways,
    "travel": _travel_ways,
    "road": road_lines,
}
"""Metrics that have ways."""


def _maker(metric: str) -> Callable[..., list[Way]]:
    if metric not in WAYS:
        raise UnknownNameError(
            "no ways of this metric", value=metric, mend=f"Use {', '.join(WAYS)}."
        )
    return WAYS[metric]


def _rows(ways: list[Way], context: Context, *, dense: bool) -> pd.DataFrame:
    """Measure ways along their lines."""
    count = len(ways)
    size = np.array([len(way.xy) for way in ways], dtype=np.int64)
    xy = np.concatenate([way.xy for way in ways]) if ways else np.zeros((0, 2))
    of = np.repeat(np.arange(count), size)
    inner = of[1:] == of[:-1]
    km = metres(xy)[inner] / 1000 if len(xy) else np.zeros(0)
    hours = np.concatenate([way.seconds for way in ways] or [np.zeros(0)]) / 3600
    ride = np.concatenate([way.ride for way in ways] or [np.zeros(0, dtype=np.bool_)])
    km = np.where(ride & (hours == 0), 0.0, km)  # links to the road are drawn, not counted
    owner = of[1:][inner]
    there = size > 0
    out = {
        f"{kind}_{unit}": np.where(
            there, np.bincount(owner, np.where(ride == by_road, value, 0.0), count), np.nan
        )
        for kind, by_road in (("walk", False), ("ride", True))
        for unit, value in (("km", np.nan_to_num(km)), ("h", hours))
    }
    printed = np.array([way.km for way in ways])
    told = np.isfinite(printed)
    out["ride_km"][told] = printed[told] - out["walk_km"][told]
    out["length_km"] = out["walk_km"] + out["ride_km"]
    out["hours"] = out["walk_h"] + out["ride_h"]
    lines = np.array([_line(way.xy) for way in ways], dtype=object)
    climbed, partly = _climb(context.dem, lines, dense=dense)
    out |= dict(zip(("ascent_m", "descent_m"), climbed, strict=True))
    why = [
        _why(way, text if some else "", drawn=line is not None)
        for way, text, some, line in zip(ways, partly, there, lines, strict=True)
    ]
    first = np.searchsorted(owner, np.arange(count + 1))
    slices = [slice(*first[k : k + 2]) for k in range(count)]
    legs = [_legs(km[s], hours[s], ride[s], way.km) for s, way in zip(slices, ways, strict=True)]
    return pd.DataFrame({name: out[name] for name in NUMBERS}).assign(
        legs=pd.Series(legs, dtype="str"),
        why=pd.Series(why, dtype="str"),
        geometry=within_180(lines) if count else lines,
    )


def _why(way: Way, climb: str, *, drawn: bool) -> str:
    """Why there is no way, or no line, or no ascent."""
    if not len(way.xy):
        return concerning(way.why, *NUMBERS)
    climb = climb and concerning(climb, "ascent_m", "descent_m")
    return join(way.why, "" if drawn else reason("same_ground"), climb)


def _line(xy: FloatArray) -> Any:
    """Line through points, the short way round the Earth; None where they are all one."""
    xy = xy[np.isfinite(xy).all(axis=1)]
    if len(xy) < 2 or (xy == xy[0]).all():
        return None
    return shapely.LineString(np.column_stack([np.unwrap(xy[:, 0], period=360), xy[:, 1]]))


def _climb(
    dem: Raster | None, lines: NDArray[np.object_], *, dense: bool
) -> tuple[tuple[FloatArray, FloatArray], list[str]]:
    """Metres up and down along lines, and why they are missing."""
    none = np.array([line is None for line in lines], dtype=np.bool_)
    if dem is None:
        gone = np.full(len(lines), np.nan)
        return (gone, gone), ["" if n else NO_DEM for n in none]
    if dense:  # between the vertices of roads too
        side = min(abs(dem.transform.a), abs(dem.transform.e))
        if not dem.is_lonlat:
            side = float(min(np.median(size) for size in dem.cell_sizes_m())) / 111_195
        lines = shapely.segmentize(lines, side / 2)
    xy, of = shapely.get_coordinates(lines, return_index=True)
    lon = (xy[:, 0] + 180) % 360 - 180
    height = bilinear(dem.values, *dem.to_grid(lon, xy[:, 1]), wraps=dem.goes_round)
    inner = of[1:] == of[:-1]
    rise, owner = np.diff(height)[inner], of[1:][inner]
    up, down = (
        np.where(none, np.nan, np.bincount(owner, np.maximum(v, 0), len(lines)))
        for v in (rise, -rise)
    )
    points = np.maximum(np.bincount(of, minlength=len(lines)), 1)
    share = np.bincount(of, np.isnan(height), len(lines)) / points
    why = [
        reason("line_outside_elevation", percent=round(100 * float(s))) if s else "" for s in share
    ]
    return (up, down), why


def height_profiles(dem: Raster, lines: NDArray[np.object_], samples: int = 48) -> FloatArray:
    """Heights at equal steps of length along lines, metres, shape (n, samples).

    Parameters
    ----------
    dem
        Heights, metres.
    lines
        Lines, WGS84, in the direction of the way, shape (n,).
    samples
        How many, both ends among them.

    Examples
    --------
    >>> from affine import Affine
    >>> slope = Raster(np.tile(np.arange(9.0), (3, 1)), Affine(1, 0, 0, 0, -1, 1.5), unit="m")
    >>> line = np.array([shapely.LineString([(1.5, 0), (7.5, 0)])])
    >>> height_profiles(slope, line, 4).round(6).tolist()
    [[1.0, 3.0, 5.0, 7.0]]
    """
    out = np.full((len(lines), samples), np.nan)
    for n, line in enumerate(lines):
        xy = shapely.get_coordinates(line)
        lon = np.unwrap(xy[:, 0], period=360)
        far = np.r_[0, np.cumsum(metres(xy))]
        at = np.linspace(0, far[-1], samples)
        x, y = (np.interp(at, far, v) for v in (lon, xy[:, 1]))
        out[n] = bilinear(dem.values, *dem.to_grid((x + 180) % 360 - 180, y), wraps=dem.goes_round)
    return out


def _legs(km: FloatArray, hours: FloatArray, ride: NDArray[np.bool_], printed: float) -> str:
    """Say the legs of a way in their order."""
    if not km.size:
        return ""
    begin = np.flatnonzero(np.r_[True, ride[1:] != ride[:-1]])
    length, spent = (np.add.reduceat(v, begin) for v in (km, hours))
    if np.isfinite(printed):
        walked = np.nansum(km[~ride])
        length = np.where(ride[begin], printed - walked, length)
    named = zip(ride[begin], length, spent, strict=True)
    parts = [
        f"{'ride' if by_road else 'walk'} {far:.2f} km {long:.2f} h"
        for by_road, far, long in named
        if far > 0 or long > 0
    ]
    return "; ".join(parts)
