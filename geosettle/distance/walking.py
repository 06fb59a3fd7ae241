"""Walking: the elevation grid made ready to be walked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray

from geosettle.distance._solver.cost_grid import (
    NEIGHBOURS,
    CostGrid,
    FloatArray,
    Moves,
    make_moves,
    open_at_corner,
)
from geosettle.distance.barriers import Barriers, barriers_on
from geosettle.distance.draping import check_dem, check_grid, move_lengths, stretch
from geosettle.distance.walk_models import WalkModel, by_table, of_walker, walk_model
from geosettle.distance.walking_grid import WalkGrid
from geosettle.errors import InputError
from geosettle.raster import Raster, resample_nearest, seconds_per_metre
from geosettle.settings import DEFAULTS

_ROWS_AT_ONCE: Final = 256


def altitude_factor(height_m: ArrayLike) -> FloatArray:
    """Speed at an altitude relative to that at sea level, by oxygen uptake.

    It is ``1.016 exp(-0.0001072 h)``.

    Weiss et al. (2018), Nature 553: 333-336; constants checked in three public implementations.

    Examples
    --------
    >>> altitude_factor([1290, 3090, 4733]).round(3)
    array([0.885, 0.73 , 0.612])
    """
    return np.asarray(1.016 * np.exp(-0.0001072 * np.maximum(np.asarray(height_m, dtype=float), 0)))


def _blocks(dem: Raster) -> Iterator[slice]:
    """Rows of a grid, some at a time, so that what is worked out on the way stays small."""
    for top in range(0, dem.shape[0], _ROWS_AT_ONCE):
        yield slice(top, top + _ROWS_AT_ONCE)


def _multiplier(
    dem: Raster,
    chosen: WalkModel,
    flat_kmh: float,
    shut: NDArray[np.bool_],
    *,
    landcover: Raster | None,
    speeds: Mapping[int, float],
    closed_classes: Sequence[int],
    open_without_landcover: bool,
    altitude: bool,
) -> NDArray[np.float32] | None:
    """How many times slower altitude and land cover make each cell.

    The cells of closed classes are closed in `shut`.
    """
    if landcover is None or not (speeds or closed_classes):
        landcover = None
        if not altitude:
            return None
    flat = flat_kmh or (5.0 if chosen.name == "weiss" else float(chosen.speed_kmh(np.zeros(1))[0]))
    # Without anything that slows down there is only closing to do.
    factor = (
        np.empty(dem.shape, dtype=np.float32)
        if altitude or any(v > 0 for v in speeds.values())
        else None
    )
    for rows in _blocks(dem):
        part = np.ones((len(dem.values[rows]), dem.shape[1]))
        if altitude:
            part /= altitude_factor(np.nan_to_num(dem.values[rows]))
        if landcover is not None:
            classes = resample_nearest(landcover, dem, rows)
            if not open_without_landcover:
                shut[rows] |= np.isnan(classes)
            shut[rows] |= np.isin(classes, list(closed_classes))
            for value, speed in sorted(speeds.items()):
                if speed > 0:
                    part[classes == value] *= flat / speed
                else:
                    shut[rows] |= classes == value
        if factor is not None:
            factor[rows] = part
    return factor


def _added(
    dem: Raster, friction: Raster, weight: float, shut: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Weighted friction of each cell, s/m; closes the cells without a friction in `shut`."""
    if not (np.isfinite(weight) and weight >= 0):
        raise InputError("the weight of the friction must be zero or above", value=weight)
    added = np.empty(dem.shape, dtype=np.float32)
    for rows in _blocks(dem):
        part = resample_nearest(friction, dem, rows)
        bad = np.argwhere(part < 0)
        if bad.size:
            row, column = (int(i) for i in bad[0])
            raise InputError(
                f"the friction is below zero at row {rows.start + row}, column {column} of the "
                "elevation grid",
                value=float(part[row, column]),
                mend=(
                    "Friction is added seconds per metre; give closed cells NaN, and declare the "
                    "no-data value."
                ),
            )
        shut[rows] |= ~np.isfinite(part)
        added[rows] = part * weight
    return added


def walk_grid(
    dem: Raster,
    *,
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
    landcover: Raster | None = None,
    landcover_speed_kmh: Mapping[int, float] | Mapping[str, float] | None = None,
    closed_classes: Sequence[int] = (),
    open_without_landcover: bool = DEFAULTS.walk.open_without_landcover,
    closed: NDArray[np.bool_] | None = None,
    friction: Raster | None = None,
    friction_weight: float = 1.0,
    barriers: gpd.GeoDataFrame | None = None,
    month: int = DEFAULTS.walk.month,
) -> WalkGrid:
    """Make an elevation grid ready to be walked.

    Parameters
    ----------
    dem
        Heights in metres, north-up, longitude/latitude or projected. Cells without height are
        closed. The last column of a longitude/latitude grid that is 360 degrees wide is next to
        its first. Or a friction, the time that a metre takes, above zero, whose `unit` is "s/m" or
        "min/m": then each move takes its true length times the mean of both cells, whatever the
        direction, cells without a value are closed, and of the options only `neighbours`,
        `corners`, `closed` and `barriers` count.
    model
        Name in MODELS, or a `WalkModel`.
    speed_by_slope_kmh
        Slope to km/h instead of a model, see `by_table`.
    flat_kmh
        Speed on the level, km/h, to which all speeds are scaled; 0 keeps the model's.
    age, load_kg, body_kg
        Who walks and what is carried, see `geosettle.distance.walk_models.of_walker`; speeds by
        class of land cover are those of adults without load.
    flat
        Leave slopes out: every move has the pace of the flat. Cells without height stay closed.
    neighbours
        4, 8, 16 or 32; see `geosettle.distance._solver.cost_grid` for what each costs in accuracy.
    corners
        When a step may pass the corner where four cells meet: "one_open" if one of the two cells at
        its sides is open (closed cells joined by corners alone are a barrier), "both_open", or
        "any" (as r.walk of GRASS and AccessMod do).
    altitude
        Slow down with altitude after Weiss et al. (2018); None follows the model.
    landcover
        Class raster, any resolution; read at the cell centres.
    landcover_speed_kmh
        Speed on the flat per class, km/h, relative to which the model's slope and altitude factors
        apply (the model's own speed on the flat counts as the reference, 5 km/h for "weiss"); 0
        closes the class; a class not named keeps the model's speed. No set of speeds is built in:
        published sets differ and none could be confirmed.
    closed_classes
        Classes that cannot be entered (water).
    open_without_landcover
        Whether ground of which the land cover says nothing can be walked on; it may be water.
    closed
        Further closed cells, shape of the grid.
    friction, friction_weight
        Seconds per metre to add, zero or above, read at the cell centres, and the number they are
        multiplied by: friction map and `lambda` of GRASS r.walk, ``total = walking time + lambda *
        mean friction * distance``. Cells without a friction are closed.
    barriers, month
        Lines that no move crosses, however it is directed, and areas whose cells are closed; those
        that are closed in a month of 1 to 12, or all year, see
        `geosettle.distance.barriers.closed_barriers`. A gap is a way through from the width of a
        cell on.

    Raises
    ------
    InputError
        Heights not in metres, grid not north-up, a friction below zero, or a neighbourhood that
        does not exist.
    """
    if neighbours not in NEIGHBOURS:
        raise InputError("neighbours must be 4, 8, 16 or 32", value=neighbours)
    moves, corner = make_moves(neighbours), open_at_corner(corners)
    shut = ~np.isfinite(dem.values)
    if closed is not None:
        shut |= closed
    fences = barriers_on(dem, barriers, month)
    if fences is not None:
        shut.ravel()[fences.inside] = True
    if seconds_per_metre(dem.unit) is not None:
        return _behind(fences, _on_friction(dem, moves, shut, corner))
    check_dem(dem)
    chosen = walk_model(by_table(speed_by_slope_kmh) if speed_by_slope_kmh else model, flat_kmh)
    speeds = {int(k): float(v) for k, v in (landcover_speed_kmh or {}).items()}
    slowed = chosen.altitude if altitude is None else altitude
    longer = stretch(dem)
    factor = _multiplier(
        dem,
        chosen,
        flat_kmh,
        shut,
        landcover=landcover,
        speeds=speeds,
        closed_classes=closed_classes,
        open_without_landcover=open_without_landcover,
        altitude=slowed,
    )
    added = None if friction is None else _added(dem, friction, friction_weight, shut)
    if longer is not None:
        factor = longer if factor is None else factor * longer
        added = None if added is None else added * longer
    grid = CostGrid(
        moves=moves,
        lengths=move_lengths(dem, moves),
        closed=shut,
        multiplier=factor,
        height=np.where(np.isnan(dem.values), dem.values, 0) if flat else dem.values,
        pace=of_walker(chosen, age=age, load_kg=load_kg, body_kg=body_kg).pace(),
        added=added,
        wraps=dem.goes_round,
        corner=corner,
    )
    return _behind(fences, WalkGrid(dem, grid, 1.0 if longer is None else float(longer.max())))


def _behind(barriers: Barriers | None, made: WalkGrid) -> WalkGrid:
    """Take the moves that cross a barrier from a grid."""
    if barriers is None:
        return made
    grid = made.grid
    cut = barriers.cut(grid.moves, grid.shape, wraps=grid.wraps)
    return replace(made, grid=replace(grid, cut=cut), barriers=barriers)


_EVEN_PACE: Final = WalkModel("even", lambda slope: np.full_like(slope, 3.6))


def _on_friction(friction: Raster, moves: Moves, shut: NDArray[np.bool_], corner: int) -> WalkGrid:
    """Make a friction ready to be walked: level ground, on which each cell has its own pace."""
    check_grid(friction, "friction")
    per_metre = (friction.values * (seconds_per_metre(friction.unit) or 1)).astype(np.float32)
    if (friction.values <= 0).any():
        row, column = (int(i) for i in np.argwhere(friction.values <= 0)[0])
        raise InputError(
            f"the friction is zero or below at row {row}, column {column}",
            value=float(friction.values[row, column]),
            mend="Give closed cells NaN, and declare the no-data value.",
        )
    longer = stretch(friction)
    if longer is not None:
        per_metre *= longer
    grid = CostGrid(
        moves=moves,
        lengths=move_lengths(friction, moves),
        closed=shut,
        multiplier=np.where(shut, np.float32(1), per_metre),
        height=np.zeros(friction.shape, dtype=np.float32),
        pace=_EVEN_PACE.pace(),
        wraps=friction.goes_round,
        corner=corner,
    )
    return WalkGrid(friction, grid, 1.0 if longer is None else float(longer.max()))
