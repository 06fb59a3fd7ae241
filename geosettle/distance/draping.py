"""Heights along lines: positions on a grid, interpolated heights, lines draped on terrain."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray, IndexArray, Moves, PaceTable
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

_HIGHEST_M: Final = 9_000.0
_DEEPEST_M: Final = -11_100.0
_UNDECLARED: Final = (-9_999.0, -99_999.0, -32_768.0, -32_767.0)
"""Numbers that stand for "no data" in many files."""
_SAMPLES_AT_ONCE: Final = 2_000_000
_EVEN: Final = 1e-4
_DEGREES: Final = 0.05
"""Longest piece of an edge of an area that is brought to a projected grid as straight."""


def check_dem(dem: Raster) -> None:
    """Refuse an elevation grid that is not in metres or not north-up.

    Raises
    ------
    InputError
        Its unit is feet or degrees, or it has heights above 9,000 m, or its rows do not run west to
        east.
    """
    unit = dem.unit.strip().lower()
    if unit and unit not in {"m", "metre", "metres", "meter", "meters"}:
        raise InputError(
            "the elevation grid is not in metres",
            value=dem.unit,
            mend="Convert the heights to metres first.",
        )
    check_grid(dem, "elevation")
    lowest = float(np.nanmin(dem.values, initial=np.inf))
    if lowest in _UNDECLARED or lowest < _DEEPEST_M:
        raise InputError(
            "the elevation grid has a height lower than any on Earth, or one that usually means "
            "no data",
            value=lowest,
            mend=f"Declare it: gdal_edit.py -a_nodata {lowest:g} FILE; or set these cells to NaN.",
        )
    highest = float(np.nanmax(dem.values, initial=-np.inf))
    if highest > _HIGHEST_M:
        raise InputError(
            "the elevation grid has heights above 9,000 m, so it is not in metres (feet?)",
            value=highest,
            mend="Convert the heights to metres (feet x 0.3048) first.",
        )


def check_grid(raster: Raster, what: str) -> None:
    """Refuse a grid that is not north-up, or whose coordinates cannot be degrees as declared.

    Raises
    ------
    InputError
        It is rotated, south-up or east to west, or a longitude/latitude grid reaches beyond the
        poles.
    """
    if not raster.is_north_up:
        raise InputError(
            f"the {what} grid is not north-up", mend="Warp it to a north-up grid first."
        )
    if not raster.is_lonlat:
        return
    west, south, east, north = raster.bounds
    half = abs(raster.transform.e) / 2  # a grid may have the poles at the centres of its outer rows
    if (
        south < -90 - half
        or north > 90 + half
        or east - west > 360 + 2 * half
        or max(abs(west), abs(east)) > 540
    ):
        raise InputError(
            f"the {what} grid is declared to be in degrees, but it reaches beyond the poles or "
            "around the Earth twice",
            value=tuple(round(v, 6) for v in (west, south, east, north)),
            mend="Give its true coordinate reference system.",
        )


def move_lengths(raster: Raster, moves: Moves) -> FloatArray:
    """Metres on the ellipsoid of each move from each row, shape (rows, k).

    They are geodesics between centres; of a projected grid those in the middle of the row, see
    `stretch`.
    """
    rows = raster.shape[0]
    if not raster.is_lonlat:
        middle = np.array([(raster.shape[1] - 1) / 2])
        at = np.arange(rows, dtype=np.float64)
        steps = zip(moves.row, moves.column, strict=True)
        return np.column_stack(
            [raster.plane.lengths_m(at, middle, float(dr), float(dc))[:, 0] for dr, dc in steps]
        )
    t = raster.transform
    lat = t.f + t.e * (np.arange(rows) + 0.5)
    out = np.empty((rows, moves.row.size))
    for k, (dr, dc) in enumerate(zip(moves.row, moves.column, strict=True)):
        mirrored = np.flatnonzero((moves.row[:k] == dr) & (moves.column[:k] == -dc))
        if mirrored.size:
            out[:, k] = out[:, mirrored[0]]
            continue
        there = np.clip(lat + dr * t.e, -90, 90)
        zero = np.zeros(rows)
        out[:, k] = GEOD.inv(zero, lat, np.full(rows, dc * t.a), there)[2]
    return np.maximum(out, 1e-6)


def stretch(raster: Raster) -> NDArray[np.float32] | None:
    """How many times longer a move is in each cell than in the middle of its row, or None.

    None on a longitude/latitude grid, where a row has one length, and where no cell differs by more
    than `_EVEN` (a map in UTM: some 60 km wide), which is far below the error of the grid's own
    directions.
    """
    if raster.is_lonlat:
        return None
    rows, columns = (np.arange(n, dtype=np.float64) for n in raster.shape)
    area = raster.plane.areas_m2(rows[:: max(1, rows.size // 64)], columns)
    ratio = np.sqrt(area / area[:, columns.size // 2, None])
    if np.abs(ratio - 1).max() <= _EVEN:
        return None
    out = np.empty(raster.shape, dtype=np.float32)
    for top in range(0, rows.size, 256):
        area = raster.plane.areas_m2(rows[top : top + 256], columns)
        out[top : top + 256] = np.sqrt(area / area[:, columns.size // 2, None])
    return out


def bilinear(
    values: NDArray[np.floating], row: FloatArray, column: FloatArray, *, wraps: bool = False
) -> FloatArray:
    """Values between cell centres at fractional rows and columns (0 = centre of the first cell).

    Outside the outer cell edges NaN; in the outer half cell the value at the outermost centres;
    next to a missing cell the value of the nearest cell. With `wraps` the last column is next to
    the first.
    """
    rows, columns = values.shape
    with np.errstate(invalid="ignore"):
        inside = (row >= -0.5) & (row <= rows - 0.5) & (column >= -0.5) & (column <= columns - 0.5)
    r = np.clip(np.where(inside, row, 0), 0, rows - 1)
    c = (
        np.where(inside, column, 0) % columns
        if wraps
        else np.clip(np.where(inside, column, 0), 0, columns - 1)
    )
    r0 = np.minimum(r.astype(int), max(rows - 2, 0))
    c0 = np.minimum(c.astype(int), columns - 1 if wraps else max(columns - 2, 0))
    r1, c1 = (
        np.minimum(r0 + 1, rows - 1),
        (c0 + 1) % columns if wraps else np.minimum(c0 + 1, columns - 1),
    )
    a, b = r - r0, c - c0
    upper = values[r0, c0] * (1 - b) + values[r0, c1] * b
    lower = values[r1, c0] * (1 - b) + values[r1, c1] * b
    smooth = upper * (1 - a) + lower * a
    nearest = values[np.rint(r).astype(int), np.rint(c).astype(int) % columns]
    return np.where(inside, np.where(np.isnan(smooth), nearest, smooth), np.nan).astype(np.float64)


def covered_cells(raster: Raster, shape: Any) -> IndexArray:
    """Flat indices of the cells of a grid whose centre an area (WGS84) covers.

    The area may cross the 180th meridian.
    """
    rows, columns = raster.shape
    t, found = raster.transform, []
    # Between two corners an edge is straight in degrees, so in a projection it is curved.
    dense = shape if raster.is_lonlat else shapely.segmentize(shape, _DEGREES)
    x, y = raster.to_native(*shapely.get_coordinates(dense).T)
    x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    for turn in (-360.0, 0.0, 360.0) if raster.is_lonlat else (0.0,):
        if not x.size:
            continue
        row, column = (y - t.f) / t.e - 0.5, (x + turn - t.c) / t.a - 0.5
        r = np.arange(max(0, int(np.floor(row.min()))), min(rows - 1, int(np.ceil(row.max()))) + 1)
        c = np.arange(
            max(0, int(np.floor(column.min()))), min(columns - 1, int(np.ceil(column.max()))) + 1
        )
        cells = (r[:, None] * columns + c).ravel()
        lon, lat = raster.centres(cells // columns, cells % columns)
        found.append(cells[shapely.contains_xy(shape, lon - turn, lat)])
    return np.unique(np.concatenate([*found, np.zeros(0, dtype=np.int64)]))


def drape(
    dem: Raster,
    ends: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    pace: PaceTable | None = None,
    *,
    knots: int = 1,
) -> dict[str, FloatArray]:
    """Drape geodesics on the elevation grid.

    Parameters
    ----------
    dem
        Heights in metres.
    ends
        `lon1, lat1, lon2, lat2` of the lines, WGS84 degrees, shape (n,), all finite.
    pace
        Pace by slope; gives `out_s` and `back_s`, the seconds along the line and back.
    knots
        Only every so many samples lie on the geodesic, those between on straight lines in degrees:
        many times quicker, and off by less than a hundredth of a cell where it is not near a
        pole.

    Returns
    -------
    dict of ndarray, shape (n,)
        `distance_m` (geodesic), `surface_km`, `ascent_m`, `descent_m`, `elevation_change_m`,
        `outside` (share of the samples without height), and with `pace` `out_s`, `back_s`. NaN
        where a height is missing.

    Notes
    -----
    The line is cut into equal pieces of at most half the shortest side of the cells at its ends,
    heights are bilinear. So nothing depends on how far the grid reaches beyond the line.
    """
    _, _, distance = GEOD.inv(*ends)
    distance = np.atleast_1d(np.asarray(distance, dtype=float))
    sides = np.minimum(_shortest_side(dem, *ends[:2]), _shortest_side(dem, *ends[2:]))
    pieces = np.maximum(1, np.ceil(distance / (sides / 2))).astype(np.int64)
    group = np.cumsum(pieces + 1) // _SAMPLES_AT_ONCE
    parts = [
        _drape(
            dem,
            (ends[0][g], ends[1][g], ends[2][g], ends[3][g]),
            distance[g],
            pieces[g],
            pace,
            knots=knots,
        )
        for g in (group == i for i in np.unique(group))
    ]
    names = (
        parts[0]
        if parts
        else ("surface_km", "ascent_m", "descent_m", "elevation_change_m", "outside")
    )
    out = {
        name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0)
        for name in names
    }
    return {"distance_m": distance, **out}


def _shortest_side(dem: Raster, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Metres of the shorter side of a cell at each point, not below a tenth of the longer one.

    Infinite where the projection of the grid does not reach.
    """
    row, column = dem.to_grid(lon, lat)
    sides = []
    for dr, dc in ((0.0, 0.5), (0.5, 0.0)):
        x0, y0 = dem.centres(row - dr, column - dc)
        x1, y1 = dem.centres(row + dr, column + dc)
        known = np.isfinite(x0 + x1 + y0 + y1)
        x0, y0, x1, y1 = (np.where(known, v, 0.0) for v in (x0, y0, x1, y1))
        metres = GEOD.inv(x0, np.clip(y0, -90, 90), x1, np.clip(y1, -90, 90))[2]
        sides.append(np.where(known, metres, np.inf))
    return np.maximum(np.minimum(*sides), np.maximum(*sides) / 10)


def _drape(
    dem: Raster,
    ends: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    distance: FloatArray,
    pieces: NDArray[np.int64],
    pace: PaceTable | None,
    *,
    knots: int,
) -> dict[str, FloatArray]:
    """Drape the lines of one chunk."""
    azimuth = np.asarray(GEOD.inv(*ends)[0])
    count = pieces + 1
    owner = np.repeat(np.arange(count.size), count)
    first = np.cumsum(count) - count
    step = distance / pieces
    along = (np.arange(owner.size) - first[owner]) * step[owner]
    if knots > 1:
        x, y = _between_knots(
            ends, azimuth, distance, owner, along, 1 + -(-int(pieces.max(initial=1)) // knots)
        )
    else:
        x, y, _ = GEOD.fwd(ends[0][owner], ends[1][owner], azimuth[owner], along)
    height = bilinear(dem.values, *dem.to_grid(x, y), wraps=dem.goes_round)
    inner = owner[1:] == owner[:-1]
    rise, of = np.diff(height)[inner], owner[1:][inner]
    piece = step[of]
    out = {
        "surface_km": np.bincount(of, np.hypot(piece, rise) / 1000, count.size),
        "ascent_m": np.bincount(of, np.maximum(rise, 0), count.size),
        "descent_m": np.bincount(of, np.maximum(-rise, 0), count.size),
        "elevation_change_m": height[first + count - 1] - height[first],
        "outside": np.bincount(owner, np.isnan(height), count.size) / count,
    }
    if pace is not None:
        slope = np.divide(rise, piece, out=np.zeros_like(rise), where=piece > 0)
        for name, sign in (("out_s", 1), ("back_s", -1)):
            seconds = np.where(np.isnan(slope), np.nan, piece * pace(sign * np.nan_to_num(slope)))
            out[name] = np.bincount(of, seconds, count.size)
    return out


def _between_knots(  # noqa: PLR0917
    ends: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    azimuth: FloatArray,
    distance: FloatArray,
    owner: NDArray[np.int64],
    along: FloatArray,
    knots: int,
) -> tuple[FloatArray, FloatArray]:
    """Points so far along their geodesics, on straight lines in degrees between knots."""
    share = np.linspace(0, 1, knots + 1)
    wide = (distance.size, knots + 1)
    lon, lat, toward = (np.broadcast_to(v[:, None], wide) for v in (ends[0], ends[1], azimuth))
    x, y, _ = GEOD.fwd(lon, lat, toward, distance[:, None] * share)
    x, y = ends[0][:, None] + (np.asarray(x) - ends[0][:, None] + 180) % 360 - 180, np.asarray(y)
    at = along / np.maximum(distance, 1e-9)[owner] * knots
    low = np.minimum(at.astype(np.int64), knots - 1)
    part = at - low
    lon, lat = (v[owner, low] * (1 - part) + v[owner, low + 1] * part for v in (x, y))
    return (lon + 180) % 360 - 180, lat
