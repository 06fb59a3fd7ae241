"""Columns that change what the coordinates of a row mean: hemisphere, minutes, zone, datum, CRS."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geosettle.crs import WGS84, parse_crs, same_crs, to_lonlat, to_wgs84
from geosettle.errors import CrsError
from geosettle.io.notations import from_ddmm, parse_position, utm_system, utm_zone
from geosettle.io.numbers import clean, is_missing, simple_numbers, to_angle, to_number, to_text
from geosettle.io.source import Source
from geosettle.layers import COMPANIONS, POSITION
from geosettle.problems import Problem, problem

_PARTS: Final = ("minutes", "seconds")
_EXCEL_DAY: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001  (a spreadsheet knows no time zone)
_HOURS: Final = 180
_SAME: Final = re.compile(
    r"wgs[ _-]*(19)?84.*|epsg:? ?4326|4326(\.0)?|gps|wgs|itrf.*|etrs.*", re.IGNORECASE
)
_ALL_OF: Final = 0.8
"""Share of the cells of a column that must hold positions for it to be a column of positions."""


def keep_meant(source: Source, headers: Mapping[str, str]) -> dict[str, str]:
    """Columns of a layer without those that only seem to go with its coordinates.

    A zone next to degrees is a district, a location may be the name of one, and what goes with
    coordinates means nothing where the file is drawn.
    """
    out = dict(headers)
    for name in (c.name for c in (*COMPANIONS, POSITION)):
        if name in out and (_drawn(source) or not _meant(source, out, name)):
            del out[name]
    return out


def _drawn(source: Source) -> bool:
    return source.geometry is not None and not all(g is None for g in source.geometry)


def _meant(  # noqa: PLR0911  (one way out for each kind of column)
    source: Source, headers: Mapping[str, str], name: str
) -> bool:
    """Whether a column goes with the coordinates, by what it holds."""
    cells = [c for c in source.cells[headers[name]].tolist() if not is_missing(c)]
    pair = "lon" in headers and "lat" in headers
    if name == "position":
        return (
            not pair
            and "wkt" not in headers
            and _hold_positions(cells, least=0.5, decimal=source.decimal)
        )
    if name == "zone":
        return (
            pair
            and any(utm_zone(c) or utm_zone(c, 0.0) for c in cells)
            and not _degrees(source, headers)
        )
    if name.endswith("hemisphere"):
        return pair and bool(cells) and all(_side(c) for c in cells)
    if name in {"lat_degrees", "lon_degrees"}:
        return name[:3] not in headers and f"{name[:3]}_minutes" in headers
    if name.endswith(_PARTS):
        numbers = [to_number(c, source.decimal)[0] for c in cells]
        known = [n for n in numbers if n == n]  # noqa: PLR0124  (not a number)
        return bool(known) and all(0 <= n <= 60 for n in known)
    if name == "datum":
        return bool(cells)
    return any(_system_of(c) is not None for c in cells)


def _degrees(source: Source, headers: Mapping[str, str]) -> bool:
    values = [
        to_angle(c, "lon", source.decimal)[0] for c in source.cells[headers["lon"]].tolist()[:500]
    ]
    known = [abs(v) for v in values if v == v]  # noqa: PLR0124  (not a number)
    return not known or sum(v <= 360 for v in known) > 0.5 * len(known)


def _hold_positions(
    cells: list[Any], *, least: float, decimal: str, fraction: bool = False
) -> bool:
    sample = [c for c in cells[:200] if isinstance(c, str)]
    if not sample or len(sample) < least * len(cells[:200]):
        return False
    good = [
        c
        for c in sample
        if parse_position(c, decimal)[1] and (not fraction or re.search(r"\d[.,]\d|°|\+", c))
    ]
    return len(good) >= max(1, least * len(sample))


def position_column(source: Source, used: Mapping[str, str]) -> str | None:
    """Header of the one column whose cells hold positions, where no header says so."""
    hits = [
        str(h)
        for h in source.cells.columns
        if h not in used.values()
        and _hold_positions(
            [c for c in source.cells[h].tolist() if not is_missing(c)],
            least=_ALL_OF, decimal=source.decimal, fraction=True,
        )
    ]  # fmt: skip
    return hits[0] if len(hits) == 1 else None


def _side(cell: Any) -> str:
    """N, S, E or W; "" for anything else."""
    text = clean(cell).casefold().strip(". ")
    words = {"north": "N", "nord": "N", "norte": "N", "south": "S", "sud": "S", "sur": "S",
             "sul": "S",
             "east": "E", "est": "E", "este": "E", "leste": "E", "west": "W", "ouest": "W",
             "oeste": "W",
             "北": "N", "南": "S", "东": "E", "西": "W"}  # fmt: skip
    return words.get(text, text.upper() if text in {"n", "s", "e", "w"} else "")


def read_axis(
    source: Source, headers: Mapping[str, str], axis: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[Problem]]:
    """Return numbers of one axis with minutes, seconds and hemisphere of their own columns.

    Return also which cells are empty, and what cannot be read.
    """
    header = headers.get(axis, headers.get(f"{axis}_degrees", ""))
    raw = source.cells[header].tolist()
    problems: list[Problem] = []
    values, known = simple_numbers(raw, source.decimal)
    raw, spans = (raw, 0) if known.all() else _times_as_hours(raw)
    if spans:
        text = (
            f"A spreadsheet made times of degrees:minutes:seconds in {spans} cell(s) of {header}; "
            "they were turned back."
        )
        problems.append(problem("degrees_from_time", text, column=axis))
    empty = ~known
    empty[empty] = [is_missing(raw[i]) for i in np.flatnonzero(empty)]
    sides = _sides(source, headers, axis)
    # Plain numbers say no hemisphere.
    packed = (sides is not None or not known.any()) and _is_packed(raw, axis, sides)
    for i in np.flatnonzero(~known & ~empty).tolist():
        values[i], code = (
            from_ddmm(clean(raw[i]), axis) if packed else to_angle(raw[i], axis, source.decimal)
        )
        if code and not packed:
            values[i], code = _ddmm_or(raw[i], axis, code)
        if code:
            problems.append(problem(code, row=i + 1, column=axis, value=str(raw[i])))
    if packed:
        plain = known & np.isfinite(values)
        values[plain] = np.trunc(values[plain] / 100) + np.fmod(values[plain], 100) / 60
        text = f"{header} holds degrees and minutes without a mark between them (DDMM.MMM)."
        problems.append(problem("degrees_packed", text, column=axis))
    values, more = _with_parts(source, headers, axis, values)
    problems += more
    if sides is not None:
        problems += _apply_sides(values, sides, axis)
    return values, empty, problems


def _ddmm_or(cell: Any, axis: str, code: str) -> tuple[float, str]:
    value, other = from_ddmm(clean(cell), axis) if isinstance(cell, str) else (np.nan, code)
    return (value, "") if not other else (np.nan, code)


def _times_as_hours(raw: list[Any]) -> tuple[list[Any], int]:
    """Cells with times and spans of time as hours: 39:28:13 typed as degrees."""
    out, count = list(raw), 0
    for i, cell in enumerate(raw):
        hours = None
        if isinstance(cell, dt.timedelta):
            hours = cell.total_seconds() / 3600
        elif isinstance(cell, dt.time):
            hours = cell.hour + cell.minute / 60 + cell.second / 3600 + cell.microsecond / 3.6e9
        elif isinstance(cell, dt.datetime) and cell.year <= 1900:
            hours = (cell - _EXCEL_DAY).total_seconds() / 3600
        if hours is not None and hours <= _HOURS:
            out[i], count = float(round(hours, 9)), count + 1
    return out, count


def _sides(source: Source, headers: Mapping[str, str], axis: str) -> list[str] | None:
    """Hemisphere of each row from its column; None without one for this axis."""
    for name in (f"{axis}_hemisphere", "lat_hemisphere", "lon_hemisphere"):
        if name not in headers:
            continue
        found = [_side(c) for c in source.cells[headers[name]].tolist()]
        if any(s in ("NS" if axis == "lat" else "EW") for s in found if s):
            return found
    return None


def _is_packed(raw: list[Any], axis: str, sides: list[str] | None) -> bool:
    """Whether every cell is degrees and minutes run together, as NMEA 0183 writes them."""
    digits = 4 if axis == "lat" else 5
    texts = [clean(c) for c in raw if not is_missing(c)]
    letter = "[NS]" if axis == "lat" else "[EW]"
    lettered = re.compile(
        rf"{letter}?\s*\d{{{digits}}}([.,]\d{{1,12}})?\s*{letter}?", re.IGNORECASE
    )
    if not texts or not all(lettered.fullmatch(t) for t in texts):
        if sides is None or not texts:
            return False
        numbers = [to_number(t)[0] for t in texts]
        limit = 90 if axis == "lat" else 180
        fits = all(n == n and n % 100 < 60 and n // 100 <= limit for n in numbers)  # noqa: PLR0124
        return fits and any(n > limit for n in numbers)
    has_letter = all(re.search(letter, t, re.IGNORECASE) for t in texts)
    minutes = [float(re.sub(r"[^\d.]", "", t.replace(",", ".")) or 0) % 100 for t in texts]
    return (has_letter or sides is not None) and all(m < 60 for m in minutes)


def _with_parts(
    source: Source, headers: Mapping[str, str], axis: str, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[Problem]]:
    """Add minutes and seconds from their own columns to whole degrees."""
    sign = np.where(np.signbit(values), -1.0, 1.0)
    total, problems = np.abs(values), []
    for part, divisor in zip(_PARTS, (60, 3600), strict=True):
        header = headers.get(f"{axis}_{part}")
        if header is None:
            continue
        for i, cell in enumerate(source.cells[header].tolist()):
            number, code = to_number(cell, source.decimal)
            if code or (number == number and not 0 <= number <= 60):  # noqa: PLR0124
                problems.append(
                    problem("coordinate_unreadable", f"The {part} of {axis} cannot be read.",
                            row=i + 1, column=header, value=str(cell))
                )  # fmt: skip
                total[i] = np.nan
            elif number == number:  # noqa: PLR0124
                if total[i] != np.floor(total[i]) and part == "minutes":
                    problems.append(
                        problem("coordinate_unreadable",
                                "Degrees have decimals, and minutes of their own column.",
                                row=i + 1, column=header, value=str(cell))
                    )  # fmt: skip
                total[i] += number / divisor
    return sign * total, problems


def _apply_sides(values: NDArray[np.float64], sides: list[str], axis: str) -> list[Problem]:
    """Give numbers the sign of their hemisphere, in place."""
    letters = "NS" if axis == "lat" else "EW"
    out = []
    for i, side in enumerate(sides):
        if np.isnan(values[i]):
            continue
        where: dict[str, Any] = {
            "row": i + 1,
            "column": axis,
            "value": f"{values[i]:g} {side}".strip(),
        }
        if not side or side not in letters:
            if side == "" and values[i] >= 0:
                text = "The hemisphere of the row is not given, that of others is."
                out.append(problem("hemisphere_contradicts", text, **where))
        elif side == letters[1]:
            values[i] = -abs(values[i])
        elif values[i] < 0:
            out.append(
                problem("hemisphere_contradicts", "A negative number north or east.", **where)
            )
    return out


def per_row_systems(
    source: Source, headers: Mapping[str, str], raw: NDArray[Any]
) -> tuple[NDArray[Any], list[Problem], bool]:
    """Bring rows to WGS84 whose own columns say their zone, datum or reference system.

    Returns
    -------
    tuple
        Geometries; problems; whether anything was stated, so that the result is on WGS84.
    """
    names = [n for n in ("crs", "zone", "datum") if n in headers]
    if not names:
        return raw, [], False
    texts = {n: [to_text(c) or "" for c in source.cells[headers[n]].tolist()] for n in names}
    sides = _sides(source, headers, "lat") or [""] * len(raw)
    out, problems = raw.copy(), []
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(zip(*texts.values(), sides, strict=True)):
        groups.setdefault(key, []).append(i)
    for key, rows in groups.items():
        stated = dict(zip(names, key, strict=False))
        known = [i for i in rows if raw[i] is not None]
        if not known:
            continue
        moved, what = _to_wgs84(raw[known], stated, key[-1])
        if moved is None:
            quoted = ", ".join(f"{headers[n]} {v!r}" for n, v in stated.items())
            code = "zone_unclear" if stated.get("zone") or "zone" in names else "crs_unknown"
            problems += [
                problem(
                    code,
                    f"{what}: {quoted}.",
                    severity="error",
                    row=int(i) + 1,
                    column=headers[names[0]],
                )
                for i in known
            ]
            out[known] = None
        else:
            out[known] = moved
            if what:
                problems.append(
                    problem(
                        "crs_converted", f"{len(known)} row(s) were brought from {what} to WGS84."
                    )
                )
    return out, problems, True


def _to_wgs84(raw: NDArray[Any], stated: Mapping[str, str], side: str) -> tuple[Any, str]:
    """Geometries of rows of one system on WGS84, or None, and which system or what is wrong."""
    datum, zone = stated.get("datum", ""), stated.get("zone", "")
    plain = datum.casefold().replace("-", "").replace(" ", "").replace("_", "")
    if stated.get("crs"):
        system = _system_of(stated["crs"])
    elif zone:
        y = float(np.nanmedian(shapely.get_coordinates(raw)[:, 1]))
        number = utm_zone(zone, y, side)
        if number is None:
            return None, "The zone or its half of the Earth is not clear"
        system = _utm(datum, number)
    elif not datum or _SAME.fullmatch(datum) or plain == "cgcs2000":
        system = parse_crs(WGS84)
    elif plain in {"gcj02", "bd09"}:
        shift: Any = plain
        moved = shapely.transform(raw, lambda c: np.column_stack(to_wgs84(c[:, 0], c[:, 1], shift)))
        return moved, datum
    else:
        system = _system_of(datum)
    if system is None:
        return None, "The reference system is not known"
    xy = np.abs(shapely.get_coordinates(raw))
    if system.is_geographic and len(xy) and float(np.nanmedian(xy[:, 0])) > 360:
        return None, "The coordinates are not degrees"
    if same_crs(system, WGS84):
        return raw, ""
    return to_lonlat(raw, system), str(system.name)


def _utm(datum: str, zone: tuple[int, bool]) -> pyproj.CRS | None:
    """UTM zone on WGS84, or on another datum where the register has it."""
    number, north = zone
    if not datum or _SAME.fullmatch(datum):
        return utm_system(number, north=north)
    return _system_of(f"{datum} / UTM zone {number}{'N' if north else 'S'}")


def _system_of(cell: Any) -> pyproj.CRS | None:
    """Return the reference system that a cell names by its code or its name, if there is one."""
    text = clean(cell)
    text = re.sub(r"\.0$", "", text)
    if not text or len(text) > 100 or not re.search(r"\d", text):
        return None
    try:
        return parse_crs(int(text) if text.isdecimal() else text)
    except CrsError:
        return None
