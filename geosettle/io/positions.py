"""Positions of rows: drawn, in one cell, or in columns; brought to WGS84."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.crs import WGS84, crs_name, parse_crs, same_crs, to_lonlat, to_wgs84
from geosettle.errors import CrsError
from geosettle.geodesy import GEOD
from geosettle.io.columns import Columns
from geosettle.io.companions import per_row_systems, read_axis
from geosettle.io.nesting import NESTED, is_nested
from geosettle.io.notations import parse_position
from geosettle.io.numbers import is_missing
from geosettle.io.source import Options, Source, only
from geosettle.layers import LayerSpec
from geosettle.problems import Problem, problem


@dataclass(frozen=True, eq=False)
class Positions:
    """One geometry or None per row, on WGS84; None altogether for a layer without positions."""

    geometry: NDArray[Any] | None
    crs_read: str | None = None
    crs_used: str | None = None
    problems: tuple[Problem, ...] = ()


def locate(  # noqa: C901  (one way for each notation)
    source: Source, spec: LayerSpec, found: Columns, options: Options
) -> Positions:
    """Positions of the rows of a source, from whatever it has."""
    headers = found.headers
    pair = all(axis in headers or f"{axis}_degrees" in headers for axis in ("lon", "lat"))
    if source.geometry is not None and not all(g is None for g in source.geometry):
        raw, problems, declared = source.geometry, list[Problem](), source.crs
        basis = "geometry"
    elif "wkt" in headers:
        raw, problems, declared = _from_cells(source, headers["wkt"])
        basis = "wkt"
    elif pair:
        raw, problems = _from_columns(source, headers)
        declared, basis = None, "lonlat"
    elif "position" in headers:
        raw, problems, declared = _from_cells(source, headers["position"])
        basis = "lonlat"
    elif spec.geometries == ("none",) or (spec.name == "roads" and {"a", "b"} <= headers.keys()):
        return Positions(None)
    elif source.geometry is not None:
        raw, problems, declared, basis = source.geometry, [], source.crs, "geometry"
    elif options.place:
        return Positions(np.full(len(source.cells), None, dtype=object))
    else:
        missing = problem(
            "column_missing",
            "No position was found: neither lon and lat nor wkt; the file has: "
            f"{', '.join(map(str, source.cells))}.",
            column="lon",
            mend="Add lon and lat, or map them with --map lon=NAME,lat=NAME.",
        )
        return Positions(None, problems=(missing,))
    try:
        raw = np.asarray(raw, dtype=object)
        raw[shapely.is_empty(raw) & (shapely.get_type_id(raw) == 0)] = None  # POINT EMPTY
        if basis in {"geometry", "wkt"} and {"lon", "lat"} <= headers.keys():
            problems += _contradictions(source, raw, headers)
        elif basis == "lonlat" and not options.crs and not options.datum:
            raw, more, placed = per_row_systems(source, headers, raw)
            problems += more
            declared = parse_crs(WGS84) if placed else declared
        return _on_wgs84(raw, problems, declared, basis, options)
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
    used, stated = _choose_system(
        declared, basis, options, degrees=_looks_like_degrees(raw), lost_marks=_lost_marks(raw)
    )
    problems = [*problems, *stated]
    if used is None:
        return Positions(None, read, problems=tuple(problems))
    problems += _left_in_degrees(raw, used)
    out = to_lonlat(raw, used)
    if (away := _outside_area_of_use(out, used)) is not None:
        text = (
            f"In {crs_name(used)} the positions are near {away}, far outside the area it is made "
            "for."
        )
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
    declared: Any, basis: str, options: Options, *, degrees: bool, lost_marks: str = ""
) -> tuple[Any, list[Problem]]:
    """Choose the system of the coordinates: stated, declared or assumed.

    None where none can be right.
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
    elif not degrees and lost_marks:
        return None, [problem("coordinate_scaled", lost_marks, severity="fatal")]
    elif not degrees:
        text = (
            "The coordinates are metres, not degrees, and no coordinate reference system is given."
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


def _lost_marks(raw: NDArray[Any]) -> str:
    """Report that decimal marks were lost.

    Whole numbers agree in their first digits but not in how many digits they have, or have more
    digits than metres can have.
    """
    xy = np.abs(shapely.get_coordinates(raw))
    xy = xy[np.isfinite(xy).all(axis=1) & (xy >= 1).all(axis=1)]
    if len(xy) < 2 or (xy != np.round(xy)).any():
        return ""
    digits = np.floor(np.log10(xy)) + 1
    leading = xy / 10.0 ** (digits - 2)
    alike = (np.ptp(leading, axis=0) < 5).all()
    if alike and ((np.ptp(digits, axis=0) > 0).any() or (digits.max(axis=0) > 7).all()):
        return "The decimal marks of the coordinates were lost, or taken for thousands marks."
    return ""


def _left_in_degrees(raw: NDArray[Any], used: Any) -> list[Problem]:
    """Rows whose coordinates are degrees though the system of all is in metres."""
    if not used.is_projected:
        return []
    west, south, east, north = shapely.bounds(raw).T
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((west >= -180) & (east <= 180) & (south >= -90) & (north <= 90))
    text = f"The coordinates are degrees, but {crs_name(used)} is in metres."
    return [problem("crs_contradicted", text, severity="error", row=int(i) + 1,
            mend="Give all rows in one system.")
            for i in rows]  # fmt: skip


def _outside_area_of_use(lonlat: NDArray[Any], used: Any) -> str | None:
    """Where the middle of the positions is, if that is outside the area of use of a projection.

    Outside means by more than ten degrees.
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


def _contradictions(source: Source, raw: NDArray[Any], headers: Mapping[str, str]) -> list[Problem]:
    """Points whose own lon and lat columns give another place than their geometry.

    Both are read as degrees.
    """
    points, _ = _from_columns(source, headers)
    here, there = (
        np.column_stack([shapely.get_x(g), shapely.get_y(g)])
        for g in (only(raw, shapely.get_type_id(raw) == 0), points)
    )
    if not _looks_like_degrees(raw):
        return []
    with np.errstate(invalid="ignore"):
        apart = np.flatnonzero(np.abs(here - there).max(axis=1) > 0.01)
    km = GEOD.inv(*here[apart].T, *there[apart].T)[2] / 1000
    return [
        problem(
            "position_contradicts_geometry",
            f"Lon and lat are {far:.3g} km from the geometry, which is used.",
            row=int(i) + 1,
            distance_km=float(far),
            column=headers["lon"],
            value=f"{there[i][0]:.6g}, {there[i][1]:.6g}",
        )
        for i, far in zip(apart, km, strict=True)
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


def _from_columns(source: Source, headers: Mapping[str, str]) -> tuple[NDArray[Any], list[Problem]]:
    """Points from two columns; what cannot be read is reported row by row."""
    x, no_x, problems = read_axis(source, headers, "lon")
    y, no_y, more = read_axis(source, headers, "lat")
    problems += more
    problems += [
        problem("position_half", row=int(i) + 1, column="lon" if no_x[i] else "lat")
        for i in np.flatnonzero(no_x != no_y)
    ]
    both = np.isfinite(x) & np.isfinite(y)
    out = np.full(len(x), None, dtype=object)
    out[both] = shapely.points(x[both], y[both])
    return out, problems


def _from_cells(source: Source, header: str) -> tuple[NDArray[Any], list[Problem], Any]:
    """Geometries that one column holds, and what cannot be read.

    Well-known text or binary, its SRID if it names one, GeoJSON or a pair of numbers.
    """
    cells = source.cells[header]
    out, problems = np.full(len(cells), None, dtype=object), list[Problem]()
    notations, srids = Counter[str](), dict[int, int]()
    for i, cell in enumerate(cells):
        if is_missing(cell):
            continue
        out[i], notation, srid, why = _from_cell(cell, source.decimal)
        notations[notation] += 1
        if srid:
            srids[i] = srid
        if why:
            problems.append(
                problem("geometry_unreadable", why, row=i + 1, column=header, value=str(cell)[:80])
            )
    pairs = sorted(n for n in notations if "itude" in n)
    if len(pairs) > 1 or notations["longitude, latitude"]:
        text = f"{header} was read as {' and '.join(pairs)}."
        problems.append(problem("position_order", text, column=header))
    if len(set(srids.values())) <= 1:
        return out, problems, parse_crs(next(iter(srids.values()))) if srids else None
    return *_by_srid(out, srids, header, problems), parse_crs(WGS84)


def _from_cell(cell: Any, decimal: str) -> tuple[Any, str, int, str]:
    """Geometry of a cell, its notation, its SRID or 0, and why it cannot be read."""
    match = re.match(
        r"\s*(?:SRID\s*=\s*(\d{1,9})\s*;)?\s*(.*)$", str(cell), re.DOTALL | re.IGNORECASE
    )
    text = match[2] if match else str(cell)
    srid = int(match[1]) if match and match[1] else 0
    if not re.match(
        r"[A-Za-z]+\s*(?:[ZM]{1,2}\s*)?(?:\(|EMPTY)|[0-9A-Fa-f]{18,}\s*$", text, re.IGNORECASE
    ):
        shape, notation, code = parse_position(cell, decimal)
        if code or notation:
            why = "" if shape is not None else f"The {notation} of the cell cannot be read."
            return shape, notation, 0, why
    if is_nested(text):
        return None, "WKT", 0, f"Its {NESTED}."
    try:
        is_hex = re.fullmatch(r"[0-9A-Fa-f]{18,}", text)
        shape = shapely.from_wkb(text) if is_hex else shapely.from_wkt(text)
        return shape, "WKT", srid or int(shapely.get_srid(shape)) if is_hex else srid, ""
    except (shapely.errors.GEOSException, ValueError, TypeError, NotImplementedError) as error:
        return None, "WKT", 0, f"{str(error).splitlines()[0]}."


def _by_srid(
    shapes: NDArray[Any], srids: Mapping[int, int], header: str, problems: list[Problem]
) -> tuple[NDArray[Any], list[Problem]]:
    """Bring rows of several reference systems to WGS84, each from its own."""
    usual = Counter(srids.values()).most_common(1)[0][0]
    of_row = np.array([srids.get(i, usual) for i in range(len(shapes))])
    out = shapes.copy()
    for srid in sorted(set(of_row.tolist())):
        rows = np.flatnonzero(of_row == srid)
        try:
            out[rows] = to_lonlat(shapes[rows], parse_crs(srid))
        except CrsError:
            out[rows] = None
            problems += [
                problem("crs_unknown", f"There is no reference system {srid}.", severity="error",
                        row=int(i) + 1, column=header, value=str(srid))
                for i in rows if shapes[i] is not None
            ]  # fmt: skip
    stated = ", ".join(map(str, sorted(set(srids.values()))))
    text = f"The rows name several reference systems ({stated}); each was converted from its own."
    return out, [*problems, problem("crs_converted", text)]
