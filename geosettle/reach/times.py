"""Travel time between every cell and places: to each, or to the one that is reached first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance._inputs import as_places
from geosettle.distance._metrics import context_of
from geosettle.distance._solver.cost_grid import CostGrid
from geosettle.distance.travel import travel_grid
from geosettle.distance.walking_grid import Place, WalkGrid
from geosettle.errors import InputError, MissingLayerError
from geosettle.raster import Raster
from geosettle.reasons import rendered

MARGIN = 1.1
"""So far beyond a limit times are right, so that lines at the limit can be drawn."""


@dataclass(frozen=True, eq=False)
class Allocation:
    """Which site is reached first from each cell (or reaches it first), and in what time.

    Attributes
    ----------
    time
        Hours; infinite where no site is reached, NaN in closed cells.
    first
        Number of the site; `classes` gives its id. NaN where no site is reached.
    why
        By site_id, why a site is left out; empty where it is not.
    """

    time: Raster
    first: Raster
    why: pd.Series


def site_times(
    sites: gpd.GeoDataFrame, *, away: bool = False, limit_h: float = np.inf, **layers: Any
) -> Iterator[tuple[str, Raster]]:
    """Travel time over terrain between every cell and each site, one site after the other.

    Parameters
    ----------
    sites
        Points or areas by id, see `pair_distances`; those that cannot be reached by any way (see
        `Allocation.why`) are left out.
    away
        True: from the site to every cell; else from every cell to the site.
    limit_h
        Times above 1.1 times this need not be found: they may be too long, or infinite.
    **layers
        As for the metric "travel": dem or friction, and landcover, barriers, roads, places,
        options; see `distance_matrix`.

    Yields
    ------
    site_id, Raster
        Hours on the cells of the elevation (friction), by id; infinite where the site is not
        reached, NaN in closed cells.

    Returns
    -------
    Iterator
        As above.

    Raises
    ------
    MissingLayerError
        Neither elevation nor friction.
    InputError
        A limit that is not above zero.

    Notes
    -----
    Where slope plays no part (one height or `walk.flat`, a friction) and neither roads nor barrier
    lines are given, ways run in any direction (`cost_distance` with `continuous`), from the centre
    of the site's cell; else on the moves of the grid from the site's own position, as for the
    metrics "walk" and "travel", which is at most 2.75 % too long with 16 neighbours.

    Examples
    --------
    >>> from affine import Affine
    >>> dem = Raster(np.zeros((3, 3)), Affine(0.01, 0, 76, 0, -0.01, 39), unit="m")
    >>> sites = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76.015], [38.985]), index=["s"], crs=4326
    ... )
    >>> for name, time in site_times(sites, dem=dem):
    ...     print(name, time.values.max().round(2))
    s 0.28
    """
    if not limit_h > 0:
        raise InputError("the limit must be a time above zero", value=limit_h)
    grid, places = placed(sites, layers)
    even, limit = _even_pace(grid.grid), limit_h * MARGIN * 3600

    def runs() -> Iterator[tuple[str, Raster]]:
        for name, place in places.items():
            if not place.why:
                yield name, _hours(grid, _seconds(grid, place, even, limit, away=away))

    return runs()


def travel_allocation(sites: gpd.GeoDataFrame, *, away: bool = False, **layers: Any) -> Allocation:
    """Site that is reached first from every cell, and the time; or that reaches the cell first.

    Parameters
    ----------
    sites, away, **layers
        As for `site_times`.

    Returns
    -------
    Allocation
        Rasters on the cells of the elevation (friction); at the same time the first id counts.

    Raises
    ------
    MissingLayerError
        Neither elevation nor friction.

    Examples
    --------
    >>> from affine import Affine
    >>> dem = Raster(np.zeros((3, 5)), Affine(0.01, 0, 76, 0, -0.01, 39), unit="m")
    >>> sites = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76.005, 76.045], [38.985] * 2), index=["a", "b"], crs=4326
    ... )
    >>> found = travel_allocation(sites, dem=dem)
    >>> found.first.values[1].tolist(), found.first.classes
    ([1.0, 1.0, 1.0, 2.0, 2.0], {1: 'a', 2: 'b'})
    """
    grid, places = placed(sites, layers)
    even = _even_pace(grid.grid)
    reached = {n: p for n, (_, p) in enumerate(places.items(), start=1) if not p.why}
    if even is None:
        seconds, number = _one_after_the_other(grid, reached, toward=not away)
    else:
        seconds = np.full(grid.grid.shape, np.inf)
        number = np.zeros(grid.grid.shape)
        for n, place in reached.items():
            own = _seconds(grid, place, even, np.inf, away=away)
            better = own < seconds
            seconds[better], number[better] = own[better], n
    classes = dict(enumerate(places, start=1))
    first = np.where(number > 0, number, np.nan).astype(np.float32)
    dem = grid.dem
    return Allocation(
        _hours(grid, seconds),
        Raster(first, dem.transform, dem.crs, "class", classes, dem.source, "classes"),
        reasons_of(places),
    )


def reasons_of(places: Mapping[str, Place]) -> pd.Series[Any]:
    """Why places cannot be left or reached, by id; empty where they can."""
    return _reasons(places)["why"]


@rendered
def _reasons(places: Mapping[str, Place]) -> pd.DataFrame:
    return pd.DataFrame({"why": pd.Series({n: p.why for n, p in places.items()}, dtype="str")})


def placed(sites: gpd.GeoDataFrame, layers: Mapping[str, Any]) -> tuple[WalkGrid, dict[str, Place]]:
    """Grid to travel on, and the sites on it, by id."""
    context = context_of(layers)
    if context.ground is None:
        raise MissingLayerError(
            "travel times need the layer dem", mend="Give dem=, or friction= instead."
        )
    grid = travel_grid(context)
    return grid, {
        str(name): grid.place(shape)
        for name, shape in as_places(sites, "site").geometry.sort_index().items()
    }


def _even_pace(grid: CostGrid) -> NDArray[np.float64] | None:
    """Seconds per metre of each cell, where they do not depend on the direction; else None."""
    if grid.arcs is not None or grid.cut is not None or grid.pace is None or grid.height is None:
        return None
    ground = grid.height[~grid.closed]
    if ground.size and ground.min() != ground.max():
        return None
    pace = np.full(grid.shape, float(grid.pace(np.zeros(1))[0]))
    if grid.multiplier is not None:
        pace *= grid.multiplier
    return pace if grid.added is None else pace + grid.added


def _seconds(
    grid: WalkGrid, place: Place, even: NDArray[np.float64] | None, limit: float, *, away: bool
) -> NDArray[np.floating]:
    """Seconds between every cell and a place."""
    if even is None:
        start = place.leave if away else place.reach
        ready = grid.prepared
        return ready.layout.rows_of(ready.run(place.cells, start, toward=not away, limit=limit))
    from geosettle.distance._solver.cost_eikonal import march  # noqa: PLC0415  (numba loads slowly)

    # Of the cells around a point the first is its own.
    cells = place.cells if place.radius_m else place.cells[:1]
    lengths = grid.grid.lengths
    sides = np.ascontiguousarray(lengths[:, 0]), np.ascontiguousarray(lengths[:, 2])
    return march(even, grid.grid.closed, cells, *sides, wraps=grid.grid.wraps, limit=limit)


def _one_after_the_other(
    grid: WalkGrid, places: dict[int, Place], *, toward: bool
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Least seconds of all places, and whose; each is only followed where it is the quickest."""
    ready = grid.prepared
    layout = ready.layout
    cost = np.full(layout.size, np.inf, dtype=ready.precision)
    number = np.zeros(layout.size, dtype=np.float32)
    for n, place in places.items():
        before = cost.copy()
        start = place.reach if toward else place.leave
        cost = ready.run(place.cells, start, toward=toward, held=cost)
        number[cost < before] = n
    return layout.rows_of(cost), layout.rows_of(number)


def _hours(grid: WalkGrid, seconds: NDArray[np.floating]) -> Raster:
    hours = seconds / 3600
    hours[grid.grid.closed] = np.nan
    return Raster(hours, grid.dem.transform, grid.dem.crs, "h", source=grid.dem.source)


def within(time: Raster, limit_h: float) -> Raster:
    """Hours that are right where a limit was given: those farther beyond it are infinite.

    Examples
    --------
    >>> from affine import Affine
    >>> within(Raster(np.array([[1.0, 1.2]]), Affine(1, 0, 0, 0, -1, 0)), 1).values
    array([[ 1., inf]])
    """
    beyond = time.values > limit_h * MARGIN
    values = np.where(beyond, np.inf, time.values)
    return Raster(values, time.transform, time.crs, time.unit, source=time.source)


ROUGH_KM: Final = 1.0
"""A position known less well than this moves a catchment by more than some ten minutes on foot."""


def rough_positions(sites: pd.DataFrame) -> str:
    """Say how many sites are known less well than `ROUGH_KM`; "" where none is.

    Catchments, times and persons are those of the stated positions: they have no interval.

    Parameters
    ----------
    sites
        With `uncertainty_km`, kilometres, where it is known.

    Returns
    -------
    str
        Number of these sites and their least and largest uncertainty, in km.

    Examples
    --------
    >>> rough_positions(pd.DataFrame({"uncertainty_km": [0.1, 5, 20]}))
    '2 of 3 sites are known to 5-20 km only; times are those of the stated positions'
    """
    if "uncertainty_km" not in sites:
        return ""
    rough = sites.loc[sites["uncertainty_km"] > ROUGH_KM, "uncertainty_km"]
    if rough.empty:
        return ""
    low, high = rough.min(), rough.max()
    known = f"{low:g}" if low == high else f"{low:g}-{high:g}"
    return (
        f"{len(rough)} of {len(sites)} sites are known to {known} km only; "
        "times are those of the stated positions"
    )
