"""Check that positions are where they can be, and explain those that are not.

Swapped axes, another hemisphere, radians, a lost decimal mark.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.geodesy import GEOD
from geosettle.io.source import centres
from geosettle.layers import LayerSpec
from geosettle.problems import Problem, problem

Region = tuple[float, float, float, float]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

HOME: Final[Region] = (73.0, 34.0, 85.7, 42.5)
"""Region of the embedded study. Positions that fall into it once swapped lie in the Arctic Ocean as
they are.
"""
BY_ROW: Final = frozenset({"sites", "origins", "development"})
"""Layers of which every row must lie in the study region; the others give context and may reach
beyond it.
"""
_OCEAN: Final[Region] = (-3.2, -1.6, 3.2, 1.6)
"""Open sea in the Gulf of Guinea: no position in degrees lies there, and every position in radians
does.
"""
_FAR_M: Final = 1_500_000
_COLD: Final = 66.0
"""Latitude that most of mankind lives below; a swap must lead there to be believed without other
evidence.
"""
_SETTLED: Final = (-60.0, 83.7)
"""Latitudes between which people live."""


def inside(x: Floats, y: Floats, region: Region) -> Mask:
    """Which positions lie in a region; one with west > east crosses the 180th meridian.

    Examples
    --------
    >>> inside(np.array([179.0, 0.0]), np.array([-17.0, -17.0]), (177, -20, -178, -15))
    array([ True, False])
    """
    west, south, east, north = region
    with np.errstate(invalid="ignore"):
        across = (x >= west) & (x <= east) if west <= east else (x >= west) | (x <= east)
        return np.asarray(across & (y >= south) & (y <= north))


def wrap_longitudes(geometry: NDArray[Any], spec: LayerSpec) -> tuple[NDArray[Any], list[Problem]]:
    """Bring points whose longitudes count from 0 to 360 to ±180.

    Only where the whole layer does so.
    """
    if "point" not in spec.geometries:
        return geometry, []
    points = np.flatnonzero((shapely.get_type_id(geometry) == 0) & ~shapely.is_empty(geometry))
    x, y = shapely.get_x(geometry[points]), shapely.get_y(geometry[points])
    with np.errstate(invalid="ignore"):
        beyond = (x > 180) & (x <= 360) & (np.abs(y) <= 90)
        if not beyond.any() or (x < 0).any():
            return geometry, []
    out = geometry.copy()
    out[points[beyond]] = shapely.points(x[beyond] - 360, y[beyond])
    text = f"{int(beyond.sum())} longitude(s) counted from 0 to 360 were converted to ±180."
    return out, [problem("longitude_wrapped", text)]


def doubt_positions(
    geometry: NDArray[Any],
    spec: LayerSpec,
    region: Region | None,
    *,
    drawn: bool,
    degrees: bool = False,
) -> list[Problem]:
    """Positions that cannot be right, each with the likeliest explanation.

    Parameters
    ----------
    geometry
        Geometries on WGS84 or None per row.
    spec
        The layer.
    region
        Where the study lies; None where nobody states it.
    drawn
        Whether the file has geometries of its own, of which a whole layer may be in latitude,
        longitude order.
    """
    known = np.flatnonzero(~(shapely.is_missing(geometry) | shapely.is_empty(geometry)))
    x, y = centres(geometry[known])
    finite = np.isfinite(x) & np.isfinite(y)
    known, x, y = known[finite], x[finite], y[finite]
    area = _area(x, y, region)
    code, text = _explain(x, y, area, region, degrees=degrees)
    if drawn and known.size and (code == "coordinates_swapped").mean() > 0.5:
        return [problem("crs_axis_order", "Longitude and latitude are swapped in the whole layer.")]
    out = []
    for i in np.flatnonzero(code != ""):
        row_code = str(code[i])
        by_row = spec.name in BY_ROW or row_code != "outside_region"
        if by_row:
            out.append(
                problem(row_code, text[i], row=int(known[i]) + 1, value=f"{x[i]:.6f}, {y[i]:.6f}")
            )
    points = shapely.get_type_id(geometry[known]) == 0
    for i in np.flatnonzero((code == "") & points & (x == y) & (x != np.round(x))):
        row, value = int(known[i]) + 1, f"{x[i]:.6f}, {y[i]:.6f}"
        out.append(problem("coordinates_equal", severity="warning", row=row, value=value))
    beyond = int((code == "outside_region").sum())
    if spec.name not in BY_ROW and beyond:
        everything = beyond == known.size
        sentence = f"{beyond} of {known.size} rows are outside the study region."
        out.append(
            problem(
                "outside_region", sentence, severity="warning" if everything else "note", mend=""
            )
        )
    return out


def _area(x: Floats, y: Floats, region: Region | None) -> Callable[[Floats, Floats], Mask] | None:
    """Test whether a position is where the others are.

    Inside the region if one is given, else around the middle of the positions.
    """
    if region is not None:
        return lambda a, b: inside(a, b, region)
    valid = (np.abs(x) <= 180) & (np.abs(y) <= 90) & ((x != 0) | (y != 0)) & ~inside(x, y, _OCEAN)
    if valid.sum() < 3:
        return None
    mx, my = np.median(x[valid]), np.median(y[valid])
    distance = _metres(x, y, mx, my)
    typical = float(np.quantile(distance[valid], 0.5))
    if typical > _FAR_M / 3:
        return None
    reach = max(_FAR_M, 10 * typical)
    return lambda a, b: _metres(a, b, mx, my) <= reach


def _metres(x: Floats, y: Floats, to_x: float, to_y: float) -> Floats:
    good = (np.abs(x) <= 360) & (np.abs(y) <= 90)
    out = np.full(x.shape, np.inf)
    if good.any():
        n = int(good.sum())
        out[good] = GEOD.inv(x[good], y[good], np.full(n, to_x), np.full(n, to_y))[2]
    return out


def _explain(
    x: Floats,
    y: Floats,
    area: Callable[[Floats, Floats], Mask] | None,
    region: Region | None,
    *,
    degrees: bool,
) -> tuple[NDArray[Any], list[str]]:
    """Code of what is wrong with each position ("" if nothing) and a sentence about it."""
    code = np.full(x.shape, "", dtype=object)
    text = [""] * len(x)

    def say(mask: Mask, name: str, sentence: str) -> None:
        for i in np.flatnonzero(mask & (code == "")):
            code[i], text[i] = name, sentence

    on_earth = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    there = area(x, y) if area is not None else on_earth.copy()
    there &= on_earth
    ocean = inside(x, y, _OCEAN) & (region is None) & (not degrees)
    ok = there & ~ocean
    say(~there & (x == 0) & (y == 0), "position_zero", "Longitude and latitude are both zero.")
    say(
        (x == 0) & (y == 0) & ~(ok & (region is not None)),
        "position_zero",
        "Longitude and latitude are both zero.",
    )
    # A coordinate is exactly zero once by chance at best.
    often = [(v == 0) & ((v == 0).sum() > 1) for v in (x, y)]
    lone_zero = (((x == 0) | (y == 0)) & (~there | (area is None))) | often[0] | often[1]
    say(lone_zero, "position_zero", "One coordinate is exactly zero.")
    radians = (np.abs(x) <= np.pi) & (np.abs(y) <= np.pi / 2) & ~there
    radians &= area(np.degrees(x), np.degrees(y)) if area is not None else inside(x, y, _OCEAN)
    say((radians & (not degrees)) | ocean, "coordinates_radians",
        "The numbers are too small for degrees here; as radians they fit.")  # fmt: skip
    say(
        ~there & (x == y) & (x != np.round(x)),
        "coordinates_equal",
        "Longitude and latitude are the same number.",
    )
    wrong = ~there
    swappable = (np.abs(y) <= 180) & (np.abs(x) <= 90)
    swapped = wrong & swappable & (area(y, x) if area is not None else np.abs(x) < _COLD)
    home = swappable & inside(y, x, HOME) & ~inside(x, y, HOME) & (region is None)
    unsettled = (
        on_earth
        & ((y < _SETTLED[0]) | (y > _SETTLED[1]))
        & swappable
        & ~(there & (region is not None))
    )
    say(swapped | home | unsettled, "coordinates_swapped", "Longitude and latitude are swapped.")
    south = on_earth & inside(x, -y, HOME) & (region is None)
    say(
        south,
        "hemisphere_contradicts",
        "The position is in the open Indian Ocean; north of the equator it would be on land.",
    )
    if area is not None and wrong.any():
        few = np.flatnonzero(wrong)  # the tests below are many, and most positions are right
        for sx, sy, what in (
            (-1, 1, "east and west"),
            (1, -1, "north and south"),
            (-1, -1, "both hemispheres"),
        ):
            mirrored = _among(few, on_earth[few] & area(sx * x[few], sy * y[few]), x.size)
            say(
                mirrored,
                "hemisphere_contradicts",
                f"The position fits the others only with {what} exchanged.",
            )
        scaled = _among(few, _scaled(x[few], y[few], area), x.size)
        say(scaled, "coordinate_scaled", "The decimal mark is in the wrong place.")
    say(wrong & ((np.abs(x) > 360) | (np.abs(y) > 90)) & (np.abs(x) > 1000) & (np.abs(y) > 1000),
        "coordinates_metres", "The numbers are metres, not degrees.")  # fmt: skip
    say(~on_earth, "coordinate_out_of_range", "")
    if region is not None:
        bounds = ", ".join(f"{v:g}" for v in region)
        say(~there, "outside_region", f"The position is outside the study region ({bounds}).")
    else:
        say(
            ~there,
            "far_from_others",
            "The position is more than 1,500 km from the middle of all others.",
        )
    return code, text


def _among(rows: NDArray[np.intp], true: Mask, size: int) -> Mask:
    """Spread the truth about some rows over all."""
    out = np.zeros(size, dtype=bool)
    out[rows] = true
    return out


def _scaled(x: Floats, y: Floats, area: Callable[[Floats, Floats], Mask]) -> Mask:
    """Positions that fall among the others when the decimal mark is moved.

    The mark of one or both numbers.
    """
    out = np.zeros(x.shape, dtype=bool)
    powers = (0, -1, -2, -3, -4, -5, -6, -7, 1, 2)
    for i in powers:
        for j in powers:
            if (i, j) != (0, 0) and (i == 0 or j in (0, i) or (i < 0 and j < 0)):
                out |= area(x * 10.0**i, y * 10.0**j)
    return out
