"""Positions in other notations than lon and lat: pairs in one cell, GeoJSON, Plus Codes, UTM ..."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Any, Final

import pyproj
import shapely
from openlocationcode import openlocationcode

from geosettle.crs import parse_crs
from geosettle.errors import CrsError
from geosettle.io.nesting import is_nested
from geosettle.io.numbers import clean, is_long, to_angle, to_number

_LONGEST: Final = 200
"""Characters of a cell that may hold a position in one of the short notations."""
_GEOJSON: Final = 1_000_000
"""Characters of a cell that may hold a GeoJSON geometry."""
_SPLIT: Final = re.compile(r"\s*[,;|/]\s+|\s*[;|/]\s*|\s*,\s*")
_LABELS: Final = re.compile(r"\b(?:latitude|longitude|lat|long?|lng)\b\s*[:=]?", re.IGNORECASE)
_NUMBERS: Final = re.compile(
    r"[+-]?\d{1,3}(?:\.\d{1,15})?(?:[ ,;\t]+[+-]?\d{1,6}(?:\.\d{1,15})?){1,3}"
)
_DEGREES: Final = re.compile(r"([NSEW])", re.IGNORECASE)
_UTM: Final = re.compile(
    r"(?:utm\s*)?(?:zone\s*)?(\d{1,2})\s*([C-HJ-NP-X])?\s*[,; "
    r"]\s*(?:e\s*)?(\d{5,7}(?:\.\d{1,6})?)\s*(?:m?\s*e)?"
    r"\s*[,; ]\s*(?:n\s*)?(\d{1,8}(?:\.\d{1,6})?)\s*(?:m?\s*n)?",
    re.IGNORECASE,
)
_PLUS: Final = re.compile(r"[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,7}", re.IGNORECASE)


def parse_position(cell: Any, decimal: str = ".") -> tuple[Any, str, str]:  # noqa: PLR0911  (one way out for each notation)
    """Return the geometry that one cell holds, in which notation, and the code of what is wrong.

    Parameters
    ----------
    cell
        Text of a cell.
    decimal
        Decimal mark of the table.

    Returns
    -------
    tuple
        A geometry in degrees or None; the notation, "" if none is known; a code of
        `geosettle.problems.CODES`, "" if nothing is wrong.

    Examples
    --------
    >>> [parse_position(t)[0].wkt for t in ("-1.5, 36.25", "[36.25, -1.5]", "36.25E 1.5S")]
    ['POINT (36.25 -1.5)', 'POINT (36.25 -1.5)', 'POINT (36.25 -1.5)']
    >>> parse_position("6GCRMQPX+9G")[1], parse_position("near the bridge")[1]
    ('Plus Code', '')
    """
    text = str(cell).strip()
    if text.startswith(("{", "[")) and len(text) <= _GEOJSON:
        return _from_json(text)
    text = clean(text)
    if not text or len(text) > _LONGEST or not any(c.isdigit() for c in text):
        return None, "", ""
    if code := _PLUS.search(text):
        area = openlocationcode.decode(code[0].upper())
        return shapely.Point(area.longitudeCenter, area.latitudeCenter), "Plus Code", ""
    if utm := _UTM.fullmatch(text):
        return _from_utm(utm)
    bare = " ".join(_LABELS.sub(" ", text.strip("()[]{} ")).split())
    if _DEGREES.search(bare):
        return _from_angles(bare, decimal)
    bare = re.sub(r"[°()\[\]]", " ", bare).strip()
    labelled_lon = re.match(r"[(\[ ]*lon", text, re.IGNORECASE) is not None
    parts = _numbers(bare, decimal)
    if len(parts) < 2:
        return None, "", ""
    first, second = parts[0], parts[1]
    if labelled_lon or (abs(first) > 90 >= abs(second)):
        return _point(first, second), "longitude, latitude", ""
    return _point(second, first), "latitude, longitude", ""


def _numbers(text: str, decimal: str) -> list[float]:
    """Two to four numbers of a cell (latitude, longitude, height, accuracy)."""
    if decimal == "," or re.search(r"\d,\d+\s*[;| ]\s*[+-]?\d+,\d", text):
        text = re.sub(r"(?<=\d),(?=\d)", ".", text) if re.search(r"[;| ]", text) else text
    text = " ".join(re.sub(r"[;|,]", " ", text).split())
    return [float(v) for v in text.split()] if _NUMBERS.fullmatch(text) else []


def _point(lon: float, lat: float) -> Any:
    return shapely.Point(lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None


def _from_angles(text: str, decimal: str) -> tuple[Any, str, str]:
    """Two angles with their hemispheres, in either order."""
    pieces = [p for p in _SPLIT.split(text) if p]
    if len(pieces) != 2:
        pieces = [p.strip(" ,;/|") for p in re.split(r"(?<=[NSEWnsew])(?=[\s,;/|]+[+-]?\d)", text)]
    if len(pieces) != 2:
        pieces = [
            p.strip(" ,;/|")
            for p in re.split(r"(?<=[\d'\"°\s])[\s,;/|]+(?=[NSEWnsew]\s*[+-]?\d)", text)
        ]
    if len(pieces) != 2:
        return None, "", ""
    values: dict[str, float] = {}
    for piece in pieces:
        axis = "lat" if re.search(r"[NS]", piece, re.IGNORECASE) else "lon"
        value, code = to_angle(piece, axis, decimal)
        if code or abs(value) > (90 if axis == "lat" else 180):
            value, code = from_ddmm(piece, axis)
        if code or axis in values:
            return None, "", ""
        values[axis] = value
    if set(values) != {"lat", "lon"}:
        return None, "", ""
    return _point(values["lon"], values["lat"]), "degrees with hemispheres", ""


def from_ddmm(text: str, axis: str) -> tuple[float, str]:
    """Degrees of an angle written as degrees and minutes without a space, with its hemisphere.

    This is the notation of NMEA 0183.

    Examples
    --------
    >>> from_ddmm("1530.000S", "lat"), from_ddmm("00031.2E", "lon"), from_ddmm("1570.0S", "lat")
    ((-15.5, ''), (0.52, ''), (nan, 'coordinate_unreadable'))
    """
    match = re.fullmatch(
        r"([NSEW]?)\s*(\d{3,5})((?:[.,]\d{1,12})?)\s*([NSEW]?)", text.strip(), re.IGNORECASE
    )
    letter = (match[1] or match[4]).upper() if match else ""
    if (
        match is None
        or bool(match[1]) == bool(match[4])
        or letter not in ("NS" if axis == "lat" else "EW")
    ):
        return math.nan, "coordinate_unreadable"
    degrees, minutes = int(match[2][:-2] or 0), float(match[2][-2:] + match[3].replace(",", "."))
    if minutes >= 60 or degrees > (90 if axis == "lat" else 180):
        return math.nan, "coordinate_unreadable"
    return (-1 if letter in "SW" else 1) * round(degrees + minutes / 60, 12), ""


def _from_json(text: str) -> tuple[Any, str, str]:
    """GeoJSON geometry or feature, or the list of coordinates of one: longitude first."""
    if is_nested(text):
        return None, "", ""
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            inner = value.get("geometry", value) if value.get("type") == "Feature" else value
            return shapely.from_geojson(json.dumps(inner)), "GeoJSON", ""
        if (
            isinstance(value, list)
            and 2 <= len(value) <= 4
            and all(type(v) in {int, float} for v in value)
        ):
            if abs(value[1]) > 90 >= abs(value[0]):
                return _point(value[1], value[0]), "latitude, longitude", ""
            return _point(value[0], value[1]), "longitude, latitude", ""
    except (ValueError, TypeError, RecursionError, shapely.errors.GEOSException):
        return None, "GeoJSON", "geometry_unreadable"
    return None, "", ""


def utm_zone(
    cell: Any, northing: float = math.nan, hemisphere: str = ""
) -> tuple[int, bool] | None:
    """Return the number of a UTM zone and whether it is north of the equator.

    None where that is not stated.

    Examples
    --------
    >>> utm_zone("37M"), utm_zone("37N")
    ((37, False), (37, True))
    >>> utm_zone("Zone 43 S", 4_360_000.0), utm_zone("37 S", 9_800_000.0)
    (None, (37, False))
    """
    text = "" if is_long(cell) else clean(cell).casefold()
    match = re.fullmatch(
        r"(?:utm|zone|zona|huso|fuso|fuseau|wgs "
        r"?84|[\s:/_-]){0,6}(\d{1,2})(?:\.0)?\s*°?\s*([a-z]*)",
        text,
    )
    if match is None or not 1 <= int(match[1]) <= 60:
        return None
    number, letter = (
        int(match[1]),
        {
            "north": "n",
            "nord": "n",
            "norte": "n",
            "south": "s",
            "sud": "s",
            "sur": "s",
            "sul": "s",
        }.get(match[2], match[2]),
    )
    side = hemisphere[:1].casefold()
    if side in {"n", "s"}:
        return number, side == "n"
    if letter == "s":
        # A band of its own from 32 to 40 degrees north, or the southern half: the northing tells.
        return (
            None
            if not math.isfinite(northing) or 3_500_000 <= northing <= 4_500_000
            else (number, False)
        )
    if len(letter) == 1 and letter in "cdefghjklmnpqrtuvwx":
        return number, letter >= "n"
    return None


@cache
def utm_system(number: int, *, north: bool) -> pyproj.CRS:
    """Universal Transverse Mercator on WGS84."""
    return parse_crs((32600 if north else 32700) + number)


def _from_utm(match: re.Match[str]) -> tuple[Any, str, str]:
    """Zone, easting and northing in one cell."""
    east, north = (to_number(match[i])[0] for i in (3, 4))
    zone = utm_zone(f"{match[1]}{match[2] or ''}", north)
    if zone is None:
        return None, "UTM", "zone_unclear"
    try:
        change = pyproj.Transformer.from_crs(
            utm_system(zone[0], north=zone[1]), 4326, always_xy=True
        )
    except CrsError:
        return None, "UTM", "zone_unclear"
    return _point(*change.transform(east, north)), "UTM", ""
