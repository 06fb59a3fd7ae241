"""Where rows lie: geometry from the file, from well-known text or from lon and lat, brought to
WGS84.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.crs import WGS84, crs_name, parse_crs, same_crs, to_lonlat, to_wgs84
from geosettle.errors import CrsError
from geosettle.io.columns import Columns
from geosettle.io.numbers import is_missing, simple_numbers, to_angle
from geosettle.io.source import Options, Source, only
from geosettle.layers import LayerSpec
from geosettle.problems import Problem, problem

__all__ = ["Positions", "locate"]


@dataclass(frozen=True, eq=False)
class Positions:
    """One geometry or None per row, on WGS84; None altogether for a layer without positions."""

    geometry: NDArray[Any] | None
    crs_read: str | None = None
    crs_used: str | None = None
    problems: tuple[Problem, ...] = ()


def locate(source: Source, spec: LayerSpec, found: Columns, options: Options) -> Positions:
    """Positions of the rows of a source, from whatever it has."""
    headers = found.headers
    if source.geometry is not None and not all(g is None for g in source.geometry):
        raw, problems, declared = source.geometry, list[Problem](), source.crs
        basis = "geometry"
    elif "wkt" in headers:
        raw, problems, declared = _from_wkt(source.cells[headers["wkt"]])
        basis = "wkt"
    elif "lon" in headers and "lat" in headers:
        raw, problems = _from_columns(source, headers["lon"], headers["lat"])
        declared, basis = None, "lonlat"
    elif spec.geometries == ("none",) or (spec.name == "roads" and {"a", "b"} <= headers.keys()):
        return Positions(None)
    elif source.geometry is not None:
        raw, problems, declared, basis = source.geometry, [], source.crs, "geometry"
    else:
        missing = problem(
            "column_missing",
            f"No position was found: neither lon and lat nor wkt; the file has: {', '.join(map(str, source.cells))}.",
            column="lon",
            mend="Add lon and lat, or map them with --map lon=NAME,lat=NAME.",
        )
        return Positions(None, problems=(missing,))
    try:
        if basis in {"geometry", "wkt"} and {"lon", "lat"} <= headers.keys():
            problems += _contradictions(source, raw, headers["lon"], headers["lat"])
        return _on_wgs84(np.asarray(raw, dtype=object), problems, declared, basis, options)
    except CrsError as error:
        return Positions(
            None,
            problems=(
                *problems,
                problem("crs_unknown", error.message, value=str(error.value or "")),
            ),
        )


def _on_wgs84(
    raw: NDArray[Any], problems: list[Problem], declared: Any, basis: str, options: Options
) -> Positions:
    """Convert geometries from the system declared, stated or assumed; say which it was."""
    read = crs_name(declared) if declared is not None else None
    used, said = _choose_system(declared, basis, options, degrees=_looks_like_degrees(raw))
    problems = [*problems, *said]
    if used is None:
        return Positions(None, read, problems=tuple(problems))
    problems += _left_in_degrees(raw, used)
    out = to_lonlat(raw, used)
    if (away := _outside_area_of_use(out, used)) is not None:
        text = f"In {crs_name(used)} the positions lie near {away}, far outside the area it is made for."
        return Positions(
            None,
            read,
            problems=(*problems, problem("crs_contradicted", text, value=crs_name(used))),
        )
    if not same_crs(used, WGS84):
        problems.append(
            problem("crs_converted", f"Coordinates were brought from {crs_name(used)} to WGS84.")
        )
    if options.datum and options.datum != "wgs84":
        out = np.asarray(shapely.transform(out, lambda c: _datum(c, options.datum)), dtype=object)
        text = (
            f"Coordinates were brought from {options.datum.upper()} to WGS84 (residual under 1 cm)."
        )
        problems.append(problem("datum_converted", text, value=options.datum))
    return Positions(out, read, crs_name(used), tuple(problems))


def _choose_system(
    declared: Any, basis: str, options: Options, *, degrees: bool
) -> tuple[Any, list[Problem]]:
    """Choose the system of the coordinates: stated, declared or assumed; None where none can be
    right.
    """
    problems = []
    if options.crs:
        used = parse_crs(options.crs)
        if declared is not None and not same_crs(declared, used):
            text = (
                f"The file declares {crs_name(declared)}; {crs_name(used)} was stated and is used."
            )
            problems.append(problem("crs_overridden", text, value=crs_name(declared)))
    elif declared is not None:
        used = declared
    elif basis == "geometry":
        return None, [
            problem("crs_missing", "The file does not say its coordinate reference system.")
        ]
    elif not degrees:
        text = (
            "The coordinates are metres, not degrees, and no coordinate reference system is said."
        )
        return None, [problem("crs_missing", text)]
    else:
        used = parse_crs(WGS84)
    if used.is_projected == degrees:
        have, wants = (
            ("degrees", "in metres") if degrees else ("outside ±180 and ±90", "in degrees")
        )
        text = f"The coordinates are {have}, but {crs_name(used)} is {wants}."
        return None, [*problems, problem("crs_contradicted", text, value=crs_name(used))]
    return used, problems


def _left_in_degrees(raw: NDArray[Any], used: Any) -> list[Problem]:
    """Rows whose coordinates are degrees though the system of all is in metres."""
    if not used.is_projected:
        return []
    west, south, east, north = shapely.bounds(raw).T
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((west >= -180) & (east <= 180) & (south >= -90) & (north <= 90))
    text = f"The coordinates are degrees, but {crs_name(used)} is in metres."
    return [problem("crs_contradicted", text, severity="error", row=int(i) + 1, mend="Give all rows in one system.")
            for i in rows]  # fmt: skip


def _outside_area_of_use(lonlat: NDArray[Any], used: Any) -> str | None:
    """Where the middle of the positions lies, if that is more than ten degrees off the area a
    projection is for.
    """
    area = used.area_of_use
    xy = shapely.get_coordinates(lonlat)
    if not used.is_projected or area is None or not len(xy):
        return None
    if not np.isfinite(xy).all(axis=1).any():
        return "no place on Earth"
    x, y = np.median(xy[np.isfinite(xy).all(axis=1)], axis=0)
    wide = (area.east - area.west) % 360 or 360
    east_of_west = (x - area.west + 10) % 360
    if east_of_west <= wide + 20 and area.south - 10 <= y <= area.north + 10:
        return None
    return f"{x:.2f}, {y:.2f}"


def _contradictions(source: Source, raw: NDArray[Any], lon: str, lat: str) -> list[Problem]:
    """Points whose own lon and lat columns say another place than their geometry, both read as
    degrees.
    """
    points, _ = _from_columns(source, lon, lat)
    here, there = (
        np.column_stack([shapely.get_x(g), shapely.get_y(g)])
        for g in (only(raw, shapely.get_type_id(raw) == 0), points)
    )
    if not _looks_like_degrees(raw):
        return []
    with np.errstate(invalid="ignore"):
        apart = np.flatnonzero(np.abs(here - there).max(axis=1) > 0.01)
    return [
        problem(
            "position_contradicts_geometry",
            row=int(i) + 1,
            column=lon,
            value=f"{there[i][0]:.6g}, {there[i][1]:.6g}",
        )
        for i in apart
    ]


def _datum(coordinates: NDArray[np.float64], datum: Any) -> NDArray[np.float64]:
    return np.column_stack(to_wgs84(coordinates[:, 0], coordinates[:, 1], datum))


def _looks_like_degrees(raw: NDArray[Any]) -> bool:
    """Whether most coordinates can be degrees at all."""
    xy = shapely.get_coordinates(raw)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if not len(xy):
        return True
    fits = (np.abs(xy[:, 0]) <= 360) & (np.abs(xy[:, 1]) <= 180)
    return bool(fits.mean() > 0.5)


def _from_columns(source: Source, lon: str, lat: str) -> tuple[NDArray[Any], list[Problem]]:
    """Points from two columns; what cannot be read is said row by row."""
    problems: list[Problem] = []
    columns, empty = {}, {}
    for axis, header in (("lon", lon), ("lat", lat)):
        raw = source.cells[header].tolist()
        values, known = simple_numbers(raw, source.decimal)
        empty[axis] = np.zeros(len(raw), dtype=bool)
        for i in np.flatnonzero(~known).tolist():
            values[i], code = to_angle(raw[i], axis, source.decimal)
            empty[axis][i] = is_missing(raw[i])
            if code:
                problems.append(problem(code, row=i + 1, column=axis, value=str(raw[i])))
        columns[axis] = values
    x, y = columns["lon"], columns["lat"]
    half = np.flatnonzero(empty["lon"] != empty["lat"])
    problems += [
        problem("position_half", row=int(i) + 1, column="lon" if empty["lon"][i] else "lat")
        for i in half
    ]
    both = np.isfinite(x) & np.isfinite(y)
    out = np.full(len(x), None, dtype=object)
    out[both] = shapely.points(x[both], y[both])
    return out, problems


def _from_wkt(cells: pd.Series) -> tuple[NDArray[Any], list[Problem], Any]:
    """Geometries from well-known text, its SRID if it names one, and what cannot be read."""
    out, problems, srids = np.full(len(cells), None, dtype=object), [], set()
    for i, cell in enumerate(cells):
        if is_missing(cell):
            continue
        match = re.match(
            r"\s*(?:SRID\s*=\s*(\d+)\s*;)?\s*(.*)$", str(cell), re.DOTALL | re.IGNORECASE
        )
        text = match[2] if match else str(cell)
        if match and match[1]:
            srids.add(int(match[1]))
        try:
            is_hex = re.fullmatch(r"[0-9A-Fa-f]{18,}", text)
            out[i] = shapely.from_wkb(text) if is_hex else shapely.from_wkt(text)
            if is_hex and shapely.get_srid(out[i]):
                srids.add(int(shapely.get_srid(out[i])))
        except (shapely.errors.GEOSException, ValueError, TypeError, NotImplementedError) as error:
            first = str(error).splitlines()[0]
            problems.append(
                problem(
                    "geometry_unreadable",
                    f"{first}.",
                    row=i + 1,
                    column="wkt",
                    value=str(cell)[:80],
                )
            )
    if len(srids) > 1:
        raise CrsError(
            "the rows name several coordinate reference systems", value=str(sorted(srids))
        )
    return out, problems, parse_crs(srids.pop()) if srids else None
