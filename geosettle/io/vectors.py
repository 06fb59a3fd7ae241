"""Vector files as cells and geometries.

JSON and KML are parsed here; GDAL reads the binary formats.

Whatever is read, the number of features is compared with what the file declares, and a geometry
that could not be read is named: GDAL alone would hand over fewer features, or empty ones, without a
word.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from geosettle.crs import parse_crs
from geosettle.errors import CrsError, InputError
from geosettle.io.encodings import Decoded, read_text
from geosettle.io.nesting import NESTED, is_nested
from geosettle.io.raster_files import Window, native_box
from geosettle.io.source import Refused, Source, check_size
from geosettle.layers import LAYERS, plain_name
from geosettle.problems import Problem, problem

_GEOMETRY_TYPES: Final = frozenset(
    {
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
    }
)


def geometry_problem(file: str, layer: str, row: int, what: str) -> Problem:
    """Report a geometry that could not be read."""
    return problem("geometry_unreadable", file=file, layer=layer, row=row, value=what[:80],
        message="The geometry could not be read.",
        mend="Draw it again, or repair the file it came from.",
    )  # fmt: skip


def read_geojson(data: bytes, file: str, *, encoding: str | None = None) -> Source:
    """Features of a GeoJSON document (RFC 7946, and the older form with a `crs` member).

    Raises
    ------
    InputError
        Not JSON, or not GeoJSON.
    """
    decoded = read_text(data, encoding)
    text = decoded.text
    if text.count("\n") and _is_sequence(text):
        return read_geojson_lines(data, file, encoding=encoding)
    document = _json(text, file)
    if not isinstance(document, Mapping) or "type" not in document:
        if isinstance(document, Mapping) and "operationalLayers" in document:
            raise InputError(
                "this is an ArcGIS web map: it names layers and holds no rows", file=file,
                mend="Export the layer itself, as GeoJSON, CSV or a shapefile.",
            )  # fmt: skip
        raise InputError(
            "this is JSON but not GeoJSON", file=file, mend="Save a FeatureCollection."
        )
    kind = document["type"]
    if kind == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list):
            raise InputError("the FeatureCollection has no list of features", file=file)
    elif kind == "Feature" or kind in _GEOMETRY_TYPES:
        features = [
            document
            if kind == "Feature"
            else {"type": "Feature", "geometry": document, "properties": {}}
        ]
    else:
        mend = "Convert it to GeoJSON." if kind == "Topology" else "Save a FeatureCollection."
        raise InputError(
            f"the document is of type {str(kind)[:40]!r}, not GeoJSON", file=file, mend=mend
        )
    return _features(features, file, "GeoJSON", decoded, _declared_crs(document, file))


def read_geojson_lines(data: bytes, file: str, *, encoding: str | None = None) -> Source:
    """Features of a GeoJSON text sequence (RFC 8142, or one feature a line)."""
    decoded = read_text(data, encoding)
    lines = _sequence(decoded.text)
    features = [_json(line, file, line=n) for n, line in lines]
    if any(not isinstance(f, Mapping) or f.get("type") == "FeatureCollection" for f in features):
        if len(features) == 1:
            return read_geojson(data, file, encoding=encoding)
        raise InputError("every line of a GeoJSON sequence must hold one feature", file=file)
    source = _features(features, file, "GeoJSONSeq", decoded, parse_crs(4326))
    return Source(
        source.cells, file, "GeoJSONSeq", geometry=source.geometry, crs=source.crs,
        encoding=source.encoding,
        lines=np.array([n for n, _ in lines], dtype=np.int64), problems=source.problems,
    )  # fmt: skip


def _sequence(text: str) -> list[tuple[int, str]]:
    """Line on which each record of a sequence starts, and the record.

    Records are between separators, or one a line.
    """
    mark = "\x1e" if "\x1e" in text else "\n"
    out, line = [], 1
    for record in text.split(mark):
        if record.strip():
            out.append((line, record.strip()))
        line += record.count("\n") + (mark == "\n")
    return out


def _is_sequence(text: str) -> bool:
    """Whether a text that is no single JSON document is one feature a line.

    Whatever its name.
    """
    records = _sequence(text)
    try:
        return len(records) > 1 and all(json.loads(r).get("type") == "Feature" for _, r in records)
    except (ValueError, AttributeError, RecursionError):
        return False


def _json(text: str, file: str, *, line: int | None = None) -> Any:
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(items)
        if len(out) < len(items):
            repeated.extend(key for key, _ in items)
        return out

    try:
        # Whole numbers beyond 2**53 stay exact; NaN and Infinity, which JSON does not have, become
        # None.
        document = json.loads(text, object_pairs_hook=pairs, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise InputError(
            f"this is not valid JSON: {error.msg} at line {line or error.lineno}, character "
            f"{error.colno}",
            file=file,
            mend="The file may have been cut off; save it again.",
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError(
            "the JSON is nested too deeply or holds a number too long to read", file=file
        ) from error
    if repeated:
        raise InputError(
            "an object of the JSON names the same member twice", file=file, value=min(set(repeated))
        )
    return document


def _declared_crs(document: Mapping[str, Any], file: str) -> Any:
    """CRS of a GeoJSON document: WGS84, unless an old `crs` member names another."""
    member = document.get("crs")
    if member is None:
        return parse_crs(4326)
    stated = member.get("properties") if isinstance(member, Mapping) else None
    name = stated.get("name") if isinstance(stated, Mapping) else None
    if (
        isinstance(stated, Mapping)
        and member.get("type") == "EPSG"
        and isinstance(stated.get("code"), int)
    ):
        name = f"EPSG:{stated['code']}"  # the form of GeoServer before 2008
    if not isinstance(name, str):
        raise CrsError(
            "the crs member names no coordinate reference system",
            file=file,
            mend="Say which with --crs.",
        )
    return parse_crs(name)


def _features(features: Sequence[Any], file: str, kind: str, decoded: Decoded, crs: Any) -> Source:
    rows, geometries, problems = [], [], decoded.problems(file)
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
            raise InputError("an item of the collection is not a Feature", file=file, row=number)
        properties = feature.get("properties")
        row = dict(properties) if isinstance(properties, Mapping) else {}
        if "id" in feature and "id" not in row:
            row["id"] = feature["id"]
        rows.append({_sound(k): flat(v) for k, v in row.items()})
        geometry, what = _shape(feature.get("geometry"))
        geometries.append(geometry)
        problems += [geometry_problem(file, "", number, what)] if what else []
    columns = list(dict.fromkeys(key for row in rows for key in row))
    check_size(len(rows), len(columns), file)
    cells = pd.DataFrame(
        {c: pd.Series([r.get(c) for r in rows], dtype=object) for c in columns},
        index=range(len(rows)),
    )
    out = np.empty(len(rows), dtype=object)
    out[:] = geometries
    return Source(
        cells, file, kind, geometry=out, crs=crs, encoding=decoded.encoding,
        problems=tuple(problems),
    )  # fmt: skip


def _sound(text: str) -> str:
    """Replace halves of characters by the sign for no character.

    JSON can escape such halves, but no text can hold them.
    """
    return (
        text
        if text.isascii()
        else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def flat(value: Any) -> Any:
    """Return a property as one cell; nested values stay as their JSON text."""
    cell = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
    return _sound(cell) if isinstance(cell, str) else cell


def _shape(geometry: Any) -> tuple[Any, str]:
    """Shapely geometry of a GeoJSON geometry, and what is wrong with it."""
    if geometry is None:
        return None, ""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind not in _GEOMETRY_TYPES:
        return None, f"type {kind!r}"
    if is_nested(text := json.dumps(geometry)):
        return None, NESTED
    if "null" in text or '"coordinates": [true' in text:
        return None, "a coordinate is not a number"
    try:
        # RFC 7946 lets a position have more than three numbers and readers leave them out.
        if re.search(r"\[" + r"\s*-?[\d.eE+-]+\s*," * 3 + r"\s*-?[\d.eE+-]+\s*[,\]]", text):
            text = json.dumps({**geometry, "coordinates": _three(geometry.get("coordinates"))})
        return shapely.from_geojson(text), ""
    except (shapely.errors.GEOSException, ValueError, TypeError, NotImplementedError) as error:
        return None, str(error).splitlines()[0]


def _three(coordinates: Any) -> Any:
    """Coordinates with at most three numbers a position."""
    if not isinstance(coordinates, list):
        return coordinates
    numbers = all(isinstance(v, int | float) for v in coordinates)
    return coordinates[:3] if numbers else [_three(v) for v in coordinates]


def layer_names(path: Path) -> list[str]:
    """Names of the layers of a file that GDAL reads."""
    return [str(name) for name, _ in pyogrio.list_layers(str(path))]


@contextmanager
def _heard() -> Iterator[list[warnings.WarningMessage]]:
    """Collect warnings of GDAL, whatever the warning filter.

    Raised inside its callback they would be lost.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def choose_layer(
    path: Path, file: str, layer: str | None, role: str | None, names: Collection[str]
) -> str | None:
    """Choose the layer of a file to read.

    The one asked for, the only one, the one named as the role, or the only one that fits.

    Raises
    ------
    Refused
        There is no such layer, or several fit.
    """
    try:
        with _heard():
            found = layer_names(path)
    except (pyogrio.errors.DataSourceError, RuntimeError) as error:
        raise Refused(
            "file_unreadable", f"the file cannot be read ({first_line(error)})", file=file
        ) from error
    if layer is not None:
        if layer not in found:
            raise Refused(
                "layer_unclear",
                f"there is no layer {layer!r}",
                file=file,
                mend=f"It has: {', '.join(found)}.",
            )
        return layer
    fitting = [n for n in found if n not in {"layer_styles", "geosettle_metadata"}]
    if len(fitting) > 1 and role is not None:
        fitting = [n for n in fitting if plain_name(n) == role] or fitting
    if len(fitting) > 1:
        drawn = [str(name) for name, kind in pyogrio.list_layers(str(path)) if kind is not None]
        takes = role is None or LAYERS[role].geometries != ("none",)
        fitting = [n for n in fitting if (n in drawn) == takes] or fitting
    if len(fitting) > 1 and names:
        with _heard():
            scores = {
                n: sum(
                    plain_name(str(f)) in names
                    for f in pyogrio.read_info(str(path), layer=n)["fields"]
                )
                for n in fitting
            }
        fitting = [n for n in fitting if scores[n] == max(scores.values())]
    if len(fitting) != 1:
        text = f"the file has {len(found)} layers: {', '.join(found[:20])}"
        raise Refused("layer_unclear", text, file=file, mend="Name the one to read with --layer.")
    return fitting[0]


@dataclass(frozen=True, eq=False)
class Within:
    """The features of a layer that touch a box."""

    fids: NDArray[np.int64]
    number: NDArray[np.int64]
    """Their numbers in the order of the file, from 0."""
    of: int
    """Features of the layer."""


def rows_within(path: Path, layer: str | None, window: Window, features: int) -> Within | None:
    """Features of a layer of more than `features` that touch a box in degrees.

    None where all of the layer is to be read: it has no more, its CRS is not known, or nothing of
    it is in the box.
    """
    try:
        with _heard():
            info = pyogrio.read_info(str(path), layer=layer, force_feature_count=True)
            if info["features"] <= features or not info["crs"] or "Undefined" in info["crs"][:40]:
                return None
            box = native_box(parse_crs(info["crs"]), window)
            alone: dict[str, Any] = {
                "layer": layer,
                "columns": [],
                "read_geometry": False,
                "return_fids": True,
            }
            every, inside = (
                np.asarray(pyogrio.raw.read(str(path), bbox=b, **alone)[1]) for b in (None, box)
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, CrsError, ValueError):
        return None  # reading says what is wrong
    if not inside.size:
        return None
    order = np.argsort(every, kind="stable")
    return Within(inside, order[np.searchsorted(every, inside, sorter=order)], every.size)


def read_ogr(
    path: Path,
    file: str,
    kind: str,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    declared: int | None = None,
    where: str | None = None,
    window: Window | None = None,
    rows: Within | None = None,
) -> Source:
    """Features of a file that GDAL reads, such as a Shapefile, GeoPackage or FlatGeobuf.

    Parameters
    ----------
    path
        A plain file, its content already known to be of this kind.
    file
        Name for messages.
    kind
        "Shapefile", "GeoPackage" or "FlatGeobuf".
    layer, encoding
        Which layer; encoding of the texts of a Shapefile.
    declared
        Features that the file says it has; None to ask GDAL.
    where, window
        Condition in SQL, and box in the CRS of the file, of the features that are wanted.
    rows
        The features that are wanted; None: all.

    Raises
    ------
    InputError
        GDAL cannot read it, or several layers fit.
    """
    try:
        with _heard() as caught:
            info = pyogrio.read_info(str(path), layer=layer, force_feature_count=False)
            declared = int(info["features"]) if declared is None else declared
            declared = -1 if where or window else declared if rows is None else rows.fids.size
            check_size(declared, len(info["fields"]), file)
            meta, _, wkb, fields = pyogrio.raw.read(
                str(path), layer=layer, encoding=encoding, datetime_as_string=True,
                where=where, bbox=window, fids=None if rows is None else rows.fids,
            )  # fmt: skip
    except Refused:
        raise
    except (
        Exception
    ) as error:  # GDAL and pyogrio fail in many ways on damaged files; none of them is ours
        raise InputError(f"this {kind} cannot be read ({first_line(error)})", file=file) from error
    if info["driver"] != _DRIVERS[kind]:
        raise Refused(
            "file_refused", f"the content is read as {info['driver']}, not {kind}", file=file
        )
    names = [str(n) for n in meta["fields"]]
    count = len(fields[0]) if fields else (len(wkb) if wkb is not None else 0)
    if declared >= 0 and declared != count:
        text = f"the file declares {declared} features, but {count} could be read"
        raise Refused("count_differs", text, file=file, mend="Get an undamaged copy.")
    cells = pd.DataFrame(
        {
            n: pd.Series(_objects(values), dtype=object)
            for n, values in zip(names, fields, strict=True)
        },
        index=range(count),
    )
    problems = [
        problem("reader_warning", file=file, layer=layer or "", message=first_line(w.message),
            mend="Save the file again with the program that made it.",
        )
        for w in caught
    ]  # fmt: skip
    geometry = None
    if wkb is not None:
        geometry, broken = from_wkb(wkb)
        problems += [geometry_problem(file, layer or "", row + 1, what) for row, what in broken]
    undefined = (
        not meta["crs"] or "Undefined" in str(meta["crs"])[:40]
    )  # srs_id 0 and -1 of a GeoPackage
    crs = None if undefined else parse_crs(meta["crs"])
    return Source(
        cells, file, kind, layer=layer or "", geometry=geometry, crs=crs,
        encoding=meta.get("encoding") or "",
        problems=tuple(problems),
    )  # fmt: skip


_DRIVERS: Final = {"geopackage": "GPKG", "shapefile": "ESRI Shapefile", "flatgeobuf": "FlatGeobuf",
                   "filegdb": "OpenFileGDB", "esrijson": "ESRIJSON", "osm": "OSM"}  # fmt: skip
"""Kind of file to the driver of GDAL that must have opened it."""


def first_line(error: Any) -> str:
    """First line of an error's text, or the name of its kind."""
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def _objects(values: Any) -> list[Any]:
    """Python objects of a column of numpy values; NaN and NaT become None."""
    array = np.asarray(values)
    if array.dtype == object:
        return [None if v is None or v is pd.NaT else v for v in array.tolist()]
    missing = pd.isna(array)
    return [None if gone else v for v, gone in zip(array.tolist(), missing, strict=True)]


def from_wkb(wkb: Sequence[bytes | None]) -> tuple[Any, list[tuple[int, str]]]:
    """Geometries of well-known binary, and what is wrong with those that cannot be read."""
    out = np.empty(len(wkb), dtype=object)
    broken = [(i, NESTED) for i, blob in enumerate(wkb) if is_nested(blob)]
    nested = {i for i, _ in broken}
    wkb = [None if i in nested else blob for i, blob in enumerate(wkb)] if broken else wkb
    try:
        out[:] = shapely.from_wkb(np.asarray(wkb, dtype=object))
    except (shapely.errors.GEOSException, TypeError, ValueError, NotImplementedError):
        for i, blob in enumerate(wkb):
            try:
                out[i] = shapely.from_wkb(blob) if blob is not None else None
            except (
                shapely.errors.GEOSException,
                TypeError,
                ValueError,
                NotImplementedError,
            ) as error:
                broken.append((i, first_line(error)))
    return out, broken
