"""Surfaces: accumulated cost and travel time from everywhere to the nearest of several places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geosettle.crs import lonlat
from geosettle.distance._protocol import positions
from geosettle.distance._solver.cost import solve
from geosettle.distance._solver.cost_grid import (
    NEIGHBOURS,
    CostGrid,
    IndexArray,
    make_moves,
    open_at_corner,
)
from geosettle.distance.draping import check_grid, covered_cells, move_lengths, stretch
from geosettle.distance.travel import with_roads
from geosettle.distance.walk_models import WalkModel
from geosettle.distance.walking import walk_grid
from geosettle.errors import InputError
from geosettle.executors import executor_of
from geosettle.raster import Raster
from geosettle.settings import DEFAULTS, RoadRules


def cost_distance(
    friction: Raster | ArrayLike,
    targets: Any,
    *,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    corners: str = DEFAULTS.walk.corners,
    continuous: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Raster | NDArray[np.floating]:
    """Least accumulated cost from every cell to the nearest target.

    Parameters
    ----------
    friction
        Cost per metre (per unit of `cell_size` for an array), greater than 0; NaN and infinite
        cells are closed. A `Raster`, north-up, longitude/latitude (true cell sizes per row; 360
        degrees wide: its last column is next to its first) or projected; or a two-dimensional
        array.
    targets
        For a `Raster`: a GeoDataFrame or GeoSeries of points or areas in WGS84 (areas count with
        all their cells), or an array of longitude and latitude, shape (n, 2). For an array: rows
        and columns, shape (n, 2).
    cell_size
        For an array: side of a cell, or height and width.
    neighbours
        4, 8, 16 or 32. Largest error of the grid itself on square cells: 41.4 %, 8.24 %, 2.75 %,
        1.31 %, always too long, never too short; see `geosettle.distance._solver.cost_grid` for
        moves, barriers and the derivation.
    corners
        When a diagonal line may pass the corner where four cells meet: "one_open" if one of the two
        cells at its sides is open (a barrier joined by corners alone holds), "both_open", or "any"
        (as r.cost of GRASS, AccessMod and scikit-image do: barriers leak at their corners).
    continuous
        Let ways run in any direction (fast marching, see
        `geosettle.distance._solver.cost_eikonal`): below 0.6 % at constant friction beyond 10 cells
        from a target, 0.2 % beyond 60. `neighbours` and
        `corners` are not used: no corner is passed.
    progress
        Called with the cost reached so far; whatever it raises stops the work.

    Returns
    -------
    Raster or ndarray
        Accumulated cost, of the form given; NaN in closed cells and where no target can be reached.
        Grids of more than 4 million cells are computed in float32 (relative error at most 6e-8 per
        move), smaller ones in float64.

    Raises
    ------
    InputError
        A friction of zero or below, a target outside the grid or in a closed cell, no target,
        unknown neighbourhood or rule for corners.

    Examples
    --------
    A wall with no gap, and one open at the top:

    >>> friction = np.ones((3, 4))
    >>> friction[1:, 2] = np.nan
    >>> cost_distance(friction, [(2, 0)], neighbours=4)
    array([[ 2.,  3.,  4.,  5.],
           [ 1.,  2., nan,  6.],
           [ 0.,  1., nan,  7.]])
    """
    raster = friction if isinstance(friction, Raster) else None
    values = np.asarray(friction if raster is None else raster.values)  # noqa: PD011, RUF100
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    _check_friction(values, neighbours)
    moves = make_moves(neighbours)
    closed = ~np.isfinite(values)
    wraps = raster is not None and raster.goes_round
    if raster is not None:
        check_grid(raster, "friction")
        lengths = move_lengths(raster, moves)
        cells = _target_cells(raster, targets, closed)
        longer = stretch(raster)
        values = values if longer is None else values * longer
    else:
        height, width = cell_size if isinstance(cell_size, tuple) else (cell_size, cell_size)
        if not (height > 0 and width > 0):
            raise InputError("the cell size must be above zero", value=cell_size)
        lengths = np.tile(np.hypot(moves.row * height, moves.column * width), (values.shape[0], 1))
        cells = _array_cells(np.asarray(targets), closed)
    cost: NDArray[np.floating]
    if continuous:
        from geosettle.distance._solver.cost_eikonal import march  # noqa: PLC0415  (numba takes a second to load)

        sides = np.ascontiguousarray(lengths[:, 0]), np.ascontiguousarray(lengths[:, 2])
        cost = march(values, closed, cells, *sides, wraps=wraps, progress=progress)
    else:
        rule = open_at_corner(corners)
        grid = CostGrid(moves, lengths, closed, multiplier=values, wraps=wraps, corner=rule)
        cost = solve(grid, cells, progress=progress)
    np.copyto(cost, np.nan, where=np.isinf(cost))
    if raster is None:
        return cost
    return Raster(cost, raster.transform, raster.crs, "cost", source=raster.source)


def _check_friction(values: NDArray[np.floating], neighbours: int) -> None:
    if values.ndim != 2 or not values.size:
        raise InputError(
            "friction must be a grid of two dimensions with at least one cell", value=values.shape
        )
    if neighbours not in NEIGHBOURS:
        raise InputError("neighbours must be 4, 8, 16 or 32", value=neighbours)
    bad = values <= 0
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{bad.sum()} cells have a friction of zero or below, the first at row {row}, column "
            f"{column}",
            value=float(values[row, column]),
            mend=(
                "Friction is cost per metre; give closed cells NaN instead of 0 (or declare the "
                "no-data value)."
            ),
        )


def _array_cells(targets: NDArray[Any], closed: NDArray[np.bool_]) -> IndexArray:
    """Flat indices of (row, column) targets."""
    if targets.size == 0 or targets.ndim != 2 or targets.shape[1] != 2:
        raise InputError(
            "targets must be rows and columns, shape (n, 2), at least one", value=targets.shape
        )
    rows, columns = closed.shape
    if not np.isfinite(targets.astype(np.float64)).all():
        raise InputError(
            "targets must be rows and columns, none missing", value=targets.tolist()[:3]
        )
    row, column = np.floor(targets.astype(np.float64)).T.astype(np.int64)
    outside = (row < 0) | (row >= rows) | (column < 0) | (column >= columns)
    _refuse(outside, "is outside the grid", targets)
    _refuse(
        closed[np.where(outside, 0, row), np.where(outside, 0, column)],
        "is in a closed cell",
        targets,
    )
    return np.asarray(row * columns + column)


def _refuse(bad: NDArray[np.bool_], what: str, targets: NDArray[Any]) -> None:
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"target {first + 1} {what}"
            + (f" (and {bad.sum() - 1} more)" if bad.sum() > 1 else ""),
            row=first + 1,
            value=tuple(np.asarray(targets[first]).tolist()),
            mend="Leave it out, or give a grid that holds it.",
        )


def _geometries(targets: Any) -> NDArray[np.object_]:
    """Targets as shapely geometries in WGS84."""
    if isinstance(targets, gpd.GeoDataFrame | gpd.GeoSeries):
        return lonlat(targets)
    if isinstance(targets, pd.DataFrame):
        return np.asarray(
            shapely.points(targets[["lon", "lat"]].to_numpy(dtype=float)), dtype=object
        )
    return np.atleast_1d(
        np.asarray(shapely.points(np.asarray(targets, dtype=float).reshape(-1, 2)), dtype=object)
    )


def _target_cells(raster: Raster, targets: Any, closed: NDArray[np.bool_]) -> IndexArray:
    """Flat indices of the cells of targets.

    Points have their cell, areas all open cells whose centre they cover.
    """
    geometry = _geometries(targets)
    if not geometry.size:
        raise InputError("there is no target", mend="Give at least one point.")
    covered = [
        covered_cells(raster, shape) if shapely.get_dimensions(shape) == 2 else None
        for shape in geometry
    ]
    # An area too small to hold the centre of a cell counts as a point inside it.
    area = np.array([cells is not None and cells.size > 0 for cells in covered], dtype=np.bool_)
    lon, lat = positions(gpd.GeoDataFrame(geometry=geometry, crs="EPSG:4326"))
    shown = np.column_stack([lon, lat])
    _refuse(np.isnan(lon), "has no position", shown)
    row, column = raster.to_grid(lon, lat)
    rows, columns = closed.shape
    outside = (row < -0.5) | (row > rows - 0.5) | (column < -0.5) | (column > columns - 0.5)
    _refuse(np.asarray(outside & ~area, dtype=np.bool_), "is outside the grid", shown)
    # A point on the outer east or south edge belongs to the last cell.
    r = np.clip(np.floor(row + 0.5), 0, rows - 1).astype(np.int64)
    c = np.clip(np.floor(column + 0.5), 0, columns - 1).astype(np.int64)
    cells = [
        np.array([own]) if whole is None or not whole.size else whole
        for own, whole in zip(r * columns + c, covered, strict=True)
    ]
    flat = closed.ravel()
    _refuse(
        np.array([flat[some].all() for some in cells], dtype=np.bool_), "is in a closed cell", shown
    )
    found = np.unique(np.concatenate(cells))
    return np.asarray(found[~flat[found]])


def travel_time(
    dem: Raster,
    targets: Any,
    *,
    landcover: Raster | None = None,
    roads: pd.DataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    model: str | WalkModel = DEFAULTS.walk.model,
    speed_by_slope_kmh: Mapping[Any, float] | None = None,
    flat_kmh: float = DEFAULTS.walk.flat_kmh,
    age: str = DEFAULTS.walk.age,
    load_kg: float = DEFAULTS.walk.load_kg,
    body_kg: float = DEFAULTS.walk.body_kg,
    flat: bool = DEFAULTS.walk.flat,
    neighbours: int = DEFAULTS.walk.neighbours,
    corners: str = DEFAULTS.walk.corners,
    altitude: bool | None = None,
    landcover_speed_kmh: Mapping[int, float] | None = None,
    closed_classes: Sequence[int] = (),
    open_without_landcover: bool = DEFAULTS.walk.open_without_landcover,
    road_rules: RoadRules | None = None,
    friction: Raster | None = None,
    friction_weight: float = 1.0,
    barriers: gpd.GeoDataFrame | None = None,
    month: int = DEFAULTS.walk.month,
    away: bool = False,
    progress: Callable[[float], None] | None = None,
    executor: Any = None,
) -> Raster:
    """Travel time over terrain from every cell to the nearest target.

    Parameters
    ----------
    dem
        Heights in metres, north-up, longitude/latitude or projected.
    targets
        As for `cost_distance` with a `Raster`.
    landcover, landcover_speed_kmh, closed_classes, open_without_landcover, altitude, model
        As for `geosettle.distance.walking.walk_grid`.
    speed_by_slope_kmh, flat_kmh, age, load_kg, body_kg, flat, neighbours, corners
        The same.
    friction, friction_weight, barriers, month
        The same.
    roads, places, road_rules
        Roads to ride on, as for the metric "travel".
    away
        True: time from the nearest target to every cell instead of towards it; slopes make the two
        differ.
    progress
        As for `cost_distance`; not called from an executor.
    executor
        Where to work: a concurrent.futures executor, or a distributed.Client; None is here. All
        cells depend on each other: it is one task.

    Returns
    -------
    Raster
        Hours; NaN in closed cells, without height and where no target can be reached.

    Raises
    ------
    InputError
        Heights not in metres, a target outside the grid or in a closed cell, no target.

    Examples
    --------
    On the flat, one kilometre takes 0.2 h at Tobler's 5.04 km/h:

    >>> from affine import Affine
    >>> dem = Raster(np.zeros((3, 3)), Affine(0.01, 0, 76, 0, -0.01, 39), unit="m")
    >>> hours = travel_time(dem, [(76.015, 38.985)])
    >>> hours.values.round(2)
    array([[0.28, 0.22, 0.28],
           [0.17, 0.  , 0.17],
           [0.28, 0.22, 0.28]])
    """
    if executor is not None:
        given = {k: v for k, v in locals().items() if k not in {"executor", "progress"}}
        found: Raster = executor_of(executor).submit(partial(travel_time, **given)).result()
        return found
    grid = walk_grid(
        dem,
        model=model,
        speed_by_slope_kmh=speed_by_slope_kmh,
        flat_kmh=flat_kmh,
        age=age,
        load_kg=load_kg,
        body_kg=body_kg,
        flat=flat,
        neighbours=neighbours,
        corners=corners,
        altitude=altitude,
        landcover=landcover,
        landcover_speed_kmh=landcover_speed_kmh,
        closed_classes=closed_classes,
        open_without_landcover=open_without_landcover,
        friction=friction,
        friction_weight=friction_weight,
        barriers=barriers,
        month=month,
    )
    if roads is not None:
        grid = with_roads(grid, roads, places, road_rules)
    cells = _target_cells(dem, targets, grid.grid.closed)
    seconds = solve(grid.grid, cells, toward=not away, progress=progress)
    seconds /= 3600
    np.copyto(seconds, np.nan, where=np.isinf(seconds) | grid.grid.closed)
    return Raster(seconds, dem.transform, dem.crs, "h", source=dem.source)
