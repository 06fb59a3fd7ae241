"""Models of walking: how fast people go on a slope, by age, by load, with a cart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from geosettle.distance._solver.cost_grid import FloatArray, PaceTable
from geosettle.errors import InputError, UnknownNameError
from geosettle.settings import DEFAULTS, WalkOptions, points_of

_KMH: Final = 3.6
_BIN: Final = 0.00125
_STEEPEST: Final = 4.0


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
    relative
        Whether the model knows slopes only: the speed on the level is to be stated.
    """

    name: str
    speed_kmh: Callable[[FloatArray], FloatArray]
    kink: float | tuple[float, ...] = 0.0
    altitude: bool = False
    source: str = ""
    relative: bool = False

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
        for Márquez-Pérez, 2.8e-5 for a cart. Pieces that are straight are exact. Steeper than 4
        (76 degrees) nobody is faster than at 4.
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
            WalkModel(
                "cart",
                lambda s: np.asarray(1 / (1 + (s / 0.12) ** 2)),
                relative=True,
                source="Wheeled vehicles: 1 / (1 + (s / 0.12)^2) of the speed on the level, "
                "half of it at the critical slope of 12 % (published: 8 to 16 %). Llobera & "
                "Sluckin (2007), Journal of Theoretical Biology 249: 206-217; Verhagen & Jeneson "
                "(2012); " + _R_PACKAGES,
            ),
        )
    }
)
"""Walking models by name; a new one is one entry."""


AGES: Final[Mapping[str, float]] = MappingProxyType(
    {"adult": 1.0, "60_69": 0.94, "70_79": 0.87, "80_99": 0.69}
)
"""Speed of people of an age in years, relative to adults of 20 to 59, mean of both sexes.

Bohannon & Andrews (2011), Physiotherapy 97: 182-189, doi:10.1016/j.physio.2010.12.004: normal speed
of 23,111 healthy people on level ground, 1.38 m/s from 20 to 59, then 1.29, 1.20, 0.96; the same
values in a second public table. On slopes the share is an assumption. For children no two sources
agree: state `flat_kmh`.
"""
_STEEPEST_LOADED: Final = 0.25


def walk_model(model: str | WalkModel, flat_kmh: float = DEFAULTS.walk.flat_kmh) -> WalkModel:
    """Model by name, or the model itself, at a stated speed on the level.

    Parameters
    ----------
    model
        Name in MODELS, or a model.
    flat_kmh
        Speed on the level, km/h, to which all speeds of the model are scaled; 0 keeps the model's.

    Raises
    ------
    UnknownNameError
        No model has that name.
    InputError
        The model knows slopes only, and no speed is stated.

    Examples
    --------
    A cart goes at half its speed on a slope of 12 %:

    >>> walk_model("cart", flat_kmh=3).speed_kmh(np.array([0, 0.12, -0.24]))
    array([3. , 1.5, 0.6])
    """
    chosen = MODELS.get(model) if isinstance(model, str) else model
    if chosen is None:
        raise UnknownNameError(
            f"no walking model is called {model!r}.", mend=f"Use one of: {', '.join(MODELS)}."
        )
    if flat_kmh:
        level = flat_kmh / float(chosen.speed_kmh(np.zeros(1))[0])
        return replace(chosen, speed_kmh=lambda s: level * chosen.speed_kmh(s), relative=False)
    if chosen.relative:
        raise InputError(
            f"the model {chosen.name!r} says how slopes slow down, not how fast the level is",
            mend="State the speed on the level, km/h, as flat_kmh.",
        )
    return chosen


def of_walker(
    model: WalkModel,
    *,
    age: str = DEFAULTS.walk.age,
    load_kg: float = DEFAULTS.walk.load_kg,
    body_kg: float = DEFAULTS.walk.body_kg,
) -> WalkModel:
    """Model of an adult without load, for other ages and with a load.

    Parameters
    ----------
    model
        Speeds of adults without load.
    age
        Name in AGES.
    load_kg, body_kg
        Load carried, at most half the body, and weight of the body, kg.

    Raises
    ------
    UnknownNameError
        No age has that name.
    InputError
        The load is below zero or above half the body.

    Notes
    -----
    Who carries goes at the speed that costs as much power as the way without load, by the equation
    of Pandolf, Givoni & Goldman (1977), Journal of Applied Physiology 43: 577-581, as published
    again in several public implementations: ``M = 1.5 W + 2 (W + L)(L / W)² + (W + L)(1.5 v² +
    0.35 v G)``, watts, with W and L in kg, v in m/s and the grade G in per cent. It is used from
    level ground to a slope of 25 %; steeper, and downhill, where it does not hold, the share of the
    speed is that at the nearer end of this range.

    Examples
    --------
    >>> loaded = of_walker(MODELS["tobler"], age="70_79", load_kg=20, body_kg=60)
    >>> loaded.speed_kmh(np.array([-0.1, 0, 0.1])).round(2)
    array([3.6 , 3.6 , 2.34])
    """
    if age not in AGES:
        raise UnknownNameError(f"no age is called {age!r}.", mend=f"Use one of: {', '.join(AGES)}.")
    if not 0 <= load_kg <= body_kg / 2:
        raise InputError(
            "a load is from 0 to half the weight of the body, kg", value=f"{load_kg:g}"
        )
    if AGES[age] == 1 and load_kg == 0:
        return model

    def speed(slope: FloatArray) -> FloatArray:
        held = np.clip(slope, 0, _STEEPEST_LOADED)
        share = _loaded(model.speed_kmh(held) / _KMH, 100 * held, load_kg, body_kg)
        return np.asarray(AGES[age] * share * model.speed_kmh(slope))

    ends = () if load_kg == 0 else (0.0, _STEEPEST_LOADED)
    kinks = {float(k) for k in np.atleast_1d(model.kink)}.union(ends)
    return replace(model, speed_kmh=speed, kink=tuple(sorted(kinks)))


def _loaded(free: FloatArray, grade: FloatArray, load: float, body: float) -> FloatArray:
    """Speed with a load as a share of the speed without, m/s, at the same power (Pandolf)."""
    both = body + load
    # 1.5 both v² + 0.35 both grade v = power left for moving
    power = body * (1.5 * free**2 + 0.35 * free * grade) - 2 * both * (load / body) ** 2
    b = 0.35 * both * grade
    return (np.sqrt(b**2 + 6 * both * power) - b) / (3 * both) / free
