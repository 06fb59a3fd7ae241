"""Walking: models of speed by slope, and the elevation grid made ready to be walked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray

from geosettle.distance._solver.cost_grid import (
    NEIGHBOURS,
    CostGrid,
    FloatArray,
    Moves,
    PaceTable,
    make_moves,
    open_at_corner,
)
from geosettle.distance.barriers import Barriers, barriers_on
from geosettle.distance.draping import check_dem, check_grid, move_lengths, stretch
from geosettle.distance.walking_grid import WalkGrid
from geosettle.errors import InputError, UnknownNameError
from geosettle.raster import Raster, resample_nearest, seconds_per_metre
from geosettle.settings import DEFAULTS, WalkOptions, points_of

_KMH: Final = 3.6
_BIN: Final = 0.00125
_STEEPEST: Final = 4.0
_ROWS_AT_ONCE: Final = 256


@dataclass(frozen=True)
class WalkModel:
    """How fast people walk on a slope.

    Attributes
    ----------
    name
        Key in MODELS.
    speed_kmh
        Speed by signed slope (rise/run, positive uphill in the direction walked), km/h.
    kink
        Slope or slopes at which the speed has a kink or a jump; the table of paces gets a node
        there.
    altitude
        Whether the altitude correction of Weiss et al. (2018) belongs to the model.
    source
        Publication, and where the constants were checked.
    """

    name: str
    speed_kmh: Callable[[FloatArray], FloatArray]
    kink: float | tuple[float, ...] = 0.0
    altitude: bool = False
    source: str = ""

    def pace(self) -> PaceTable:
        """Table of seconds per metre by slope.

        Raises
        ------
        InputError
            The speed is zero, negative or missing at some slope from -4 to 4.

        Notes
        -----
        Straight pieces over bins of 0.00125 or a little less, with a node at every kink. For
        ``exp(k |s|)`` the relative error is below ``(0.00125 k)² / 8``: 2.4e-6 for Tobler, 2.7e-6
        for Márquez-Pérez. Pieces that are straight are exact. Steeper than 4 (76 degrees) nobody is
        faster than at 4.
        """
        kinks = np.atleast_1d(np.asarray(self.kink, dtype=np.float64))
        step = _common_step(kinks)
        half = int(np.ceil(_STEEPEST / step))
        low = float(kinks[0]) - half * step
        edge = np.asarray(low + step * np.arange(2 * half + 1), dtype=np.float64)
        # One-sided values at the two ends of each bin, so that a jump at a node is not smeared over
        # a bin.
        inner = 1e-9 * step
        sides = edge[:-1] + inner, edge[1:] - inner
        left, right = (self._seconds_per_metre(slope) for slope in sides)
        gain = (right - left) / step
        base = left - gain * edge[:-1]
        for end, outward in ((0, -1), (-1, 1)):
            if gain[end] * outward < 0:
                base[end], gain[end] = (left[0], 0.0) if end == 0 else (right[-1], 0.0)
        return PaceTable(low, step, base, gain)

    def _seconds_per_metre(self, slope: FloatArray) -> FloatArray:
        speed = np.asarray(self.speed_kmh(slope), dtype=np.float64)
        bad = ~(np.isfinite(speed) & (speed > 0))
        if bad.any():
            first = int(np.argmin(np.where(bad, np.abs(slope), np.inf)))
            raise InputError(
                f"the walking model {self.name!r} gives a speed of {speed[first]:g} km/h at a "
                f"slope of {slope[first]:.2f}; nobody would arrive",
                mend="Give a speed above zero at every slope from -4 to 4, however small.",
            )
        return _KMH / speed


def _common_step(kinks: FloatArray) -> float:
    """Width of bins of at most `_BIN`, of which a whole number lies between any two kinks."""
    apart = [Fraction(float(k - kinks[0])).limit_denominator(100_000) for k in kinks[1:]]
    common = Fraction(0)
    for distance in apart:
        common = Fraction(
            math.gcd(
                common.numerator * distance.denominator, distance.numerator * common.denominator
            ),
            common.denominator * distance.denominator,
        )
    if common < Fraction(1, 50_000):  # one kink, or several that no bins fit
        return _BIN
    return float(common / math.ceil(common / Fraction(_BIN)))


def by_table(speed_kmh: Mapping[Any, float], name: str = "own") -> WalkModel:
    """Make a walking model from speeds at slopes: straight between them, the last one beyond.

    Parameters
    ----------
    speed_kmh
        Slope (rise/run, positive uphill, a number or text) to km/h.
    name
        Name of the model.

    Raises
    ------
    InputError
        A slope is no number from -4 to 4 or is given twice, or there are fewer than two.

    Examples
    --------
    >>> by_table({"-0.5": 2, "0": 5, "0.5": 1}).speed_kmh(np.array([-1, 0, 0.25, 3]))
    array([2., 5., 3., 1.])
    """
    slope, kmh = points_of(WalkOptions, "speed_by_slope_kmh", speed_kmh)
    return WalkModel(
        name,
        lambda s: np.asarray(np.interp(s, slope, kmh)),
        slope,
        source="speeds by slope of the study",
    )


def _tobler(slope: FloatArray) -> FloatArray:
    return np.asarray(6.0 * np.exp(-3.5 * np.abs(slope + 0.05)))


def _irmischer_clarke(
    factor: float, best: float, share: float
) -> Callable[[FloatArray], FloatArray]:
    def speed(slope: FloatArray) -> FloatArray:
        return np.asarray(
            _KMH * factor * (0.11 + share * np.exp(-((100 * slope + best) ** 2) / (2 * 30**2)))
        )

    return speed


def naismith_langmuir(
    a: float = 0.72,
    b: float = 6.0,
    c: float = 1.9998,
    d: float = -1.9998,
    slope_factor: float = -0.2125,
) -> WalkModel:
    """Naismith's rule with Langmuir's corrections, as GRASS r.walk defines it.

    Parameters
    ----------
    a
        Seconds per metre on the flat.
    b
        Seconds per metre of ascent.
    c, d
        Seconds per metre of height (negative downhill) on a moderate and on a steep descent.
    slope_factor
        Slope (negative) from which a descent is steep; -0.2125 is the tangent of -12 degrees.

    Notes
    -----
    ``T = a ΔS + b ΔH(up) + c ΔH(moderately down) + d ΔH(steeply down)`` with ΔS the horizontal
    distance, as in the manual of r.walk; the defaults are those that ``r.walk --help`` prints
    (GRASS 8). Compared with r.walk itself in the tests.

    Examples
    --------
    >>> model = naismith_langmuir()
    >>> model.pace()(np.array([0.0, 0.1, -0.1, -0.3])).round(4)
    array([0.72  , 1.32  , 0.52  , 1.3199])
    """

    def speed(slope: FloatArray) -> FloatArray:
        rate = np.where(slope >= 0, b, np.where(slope > slope_factor, c, d))
        return np.asarray(_KMH / np.maximum(a + rate * slope, 1e-6))

    return WalkModel(
        "naismith_langmuir", speed, slope_factor, source="GRASS r.walk; Langmuir (1984)"
    )


_R_PACKAGES: Final = "constants as in the R packages leastcostpath 1.8 and movecost 2"
_IRMISCHER: Final = (
    "Irmischer & Clarke (2018), Cartography and Geographic Information Science 45: 177-186, "
    "doi:10.1080/15230406.2017.1292150; slope signed, " + _R_PACKAGES
)
MODELS: Final[Mapping[str, WalkModel]] = MappingProxyType(
    {
        model.name: model
        for model in (
            WalkModel(
                "tobler",
                _tobler,
                -0.05,
                source="Tobler (1993), NCGIA Technical Report 93-1: "
                "6 exp(-3.5 |s + 0.05|) km/h on paths; " + _R_PACKAGES,
            ),
            WalkModel(
                "tobler_off_path",
                lambda s: 0.6 * _tobler(s),
                -0.05,
                source="Tobler (1993): 0.6 of the speed on paths; " + _R_PACKAGES,
            ),
            naismith_langmuir(),
            WalkModel(
                "marquez_perez",
                lambda s: np.asarray(4.8 * np.exp(-5.3 * np.abs(0.7 * s + 0.03))),
                -0.03 / 0.7,
                source="Márquez-Pérez, Vallejo-Villalta & Álvarez-Francoso (2017), "
                "Geografisk Tidsskrift 117: 53-62, doi:10.1080/00167223.2017.1316212; "
                + _R_PACKAGES,
            ),
            WalkModel(
                "irmischer_clarke",
                _irmischer_clarke(1.0, 5, 1.0),
                source=_IRMISCHER + " (male, on road)",
            ),
            WalkModel(
                "irmischer_clarke_off_road",
                _irmischer_clarke(1.0, 2, 0.67),
                source=_IRMISCHER + " (male, off road)",
            ),
            WalkModel(
                "irmischer_clarke_female",
                _irmischer_clarke(0.95, 5, 1.0),
                source=_IRMISCHER + " (female, on road)",
            ),
            WalkModel(
                "irmischer_clarke_female_off_road",
                _irmischer_clarke(0.95, 2, 0.67),
                source=_IRMISCHER + " (female, off road)",
            ),
            WalkModel(
                "weiss",
                lambda s: _tobler(np.abs(s)),
                0.0,
                altitude=True,
                source="Weiss et al. (2018), Nature 553: 333-336, doi:10.1038/nature25181: "
                "Tobler on the absolute slope, relative to 5 km/h, times the altitude factor",
            ),
        )
    }
)
"""Walking models by name; a new one is one entry."""


def walk_model(model: str | WalkModel) -> WalkModel:
    """Model by name, or the model itself.

    Raises
    ------
    UnknownNameError
        No model has that name.
    """
    if isinstance(model, WalkModel):
        return model
    if model not in MODELS:
        raise UnknownNameError(
            f"no walking model is called {model!r}.", mend=f"Use one of: {', '.join(MODELS)}."
        )
    return MODELS[model]


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
    flat = 5.0 if chosen.name == "weiss" else _KMH / float(chosen.pace()(np.zeros(1))[0])
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
    chosen = by_table(speed_by_slope_kmh) if speed_by_slope_kmh else walk_model(model)
    speeds = {int(k): float(v) for k, v in (landcover_speed_kmh or {}).items()}
    slowed = chosen.altitude if altitude is None else altitude
    longer = stretch(dem)
    factor = _multiplier(
        dem,
        chosen,
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
        pace=chosen.pace(),
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


_EVEN_PACE: Final = WalkModel("even", lambda slope: np.full_like(slope, _KMH))


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
