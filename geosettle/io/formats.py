"""Which reader a file gets: extension and content must agree on one of the kinds listed here."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from geosettle.io import vectors
from geosettle.io.archives import unpacked
from geosettle.io.file_headers import Declared, inspect_gpkg, inspect_layer, inspect_shapefile
from geosettle.io.gpx import read_gpx
from geosettle.io.kml import read_kml
from geosettle.io.osm import Window, read_osm
from geosettle.io.raster_files import check_vrt
from geosettle.io.source import Refused, Source
from geosettle.io.text import read_text_table
from geosettle.io.workbooks import read_workbook
from geosettle.layers import LAYERS
from geosettle.problems import problem
from geosettle.settings import DEFAULTS

EXTENSIONS: Final = {
    ".csv": "table", ".tsv": "table", ".txt": "table", ".tab": "table",
    ".xlsx": "workbook", ".xlsm": "workbook", ".xls": "workbook", ".ods": "workbook",
    ".geojson": "geojson", ".json": "geojson",
    ".geojsonl": "geojsonseq", ".geojsons": "geojsonseq", ".ndjson": "geojsonseq",
    ".jsonl": "geojsonseq",
    ".gpkg": "geopackage", ".shp": "shapefile", ".fgb": "flatgeobuf",
    ".parquet": "parquet", ".geoparquet": "parquet",
    ".gpx": "gpx", ".osm": "osm", ".pbf": "osm",
    ".kml": "kml", ".kmz": "archive", ".zip": "archive",
    ".tif": "tiff", ".tiff": "tiff", ".gtiff": "tiff",
    ".asc": "asciigrid", ".hgt": "hgt", ".grd": "surfer", ".vrt": "vrt",
}  # fmt: skip
"""Extension to the kind of reader; nothing else is opened."""

_MAGIC: Final = (
    (b"SQLite format 3\x00", "geopackage"),
    (b"fgb\x03", "flatgeobuf"),
    (b"PAR1", "parquet"),
    (b"\x00\x00\x27\x0a", "shapefile"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"), (b"II+\x00", "tiff"), (b"MM\x00+", "tiff"),
)  # fmt: skip
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text holds."""
_FITS: Final = {
    "workbook": ("zip", "ole"),
    "archive": ("zip",),
    "table": ("text", "json"),  # a header may begin with a bracket
    "geojson": ("json",),
    "geojsonseq": ("json",),
    "asciigrid": ("text",),
    "hgt": ("text",),  # heights alone, no mark of a format
    "surfer": ("text",),
    "vrt": ("xml",),
}
"""Kind of reader to the contents it takes, where that is not the kind itself."""
LIMIT: Final = 500_000_000
"""Largest file that is opened, bytes."""
LIMITS: Final = {"table": 200_000_000, "geojson": 200_000_000, "geojsonseq": 200_000_000,
                 "kml": 100_000_000,
                 "workbook": 100_000_000, "tiff": 1_000_000_000_000}  # fmt: skip
"""The same for kinds that are read whole into memory, or piece by piece."""


def kind_of(path: Path) -> str:
    """Kind of a file by its extension, once its content agrees.

    Raises
    ------
    InputError
        The extension is not in the list, the content is something else, or it is no plain file.
    """
    file = path.name
    if not path.exists():
        raise Refused(
            "file_missing", "the file does not exist", file=str(path), mend="Check the path."
        )
    if path.is_dir() and path.suffix.lower() == ".gdb" and (path / "a00000001.gdbtable").is_file():
        return "filegdb"
    if not path.is_file():
        raise Refused("file_refused", "this is not a plain file", file=str(path))
    kind = EXTENSIONS.get(path.suffix.lower())
    if kind is None:
        also = {".dbf": "Name the .shp next to it."}
        mend = also.get(
            path.suffix.lower(), f"Convert it to one of {' '.join(sorted(EXTENSIONS))}."
        )
        raise Refused(
            "file_refused",
            f"files ending in {path.suffix or 'nothing'} are not read",
            file=file,
            mend=mend,
        )
    size, limit = path.stat().st_size, LIMITS.get(kind, LIMIT)
    if size > limit:
        text = f"the file is {size / 1e6:.0f} MB; at most {limit / 1e6:.0f} MB are read"
        raise Refused("file_too_large", text, file=file, mend="Cut it to the study region.")
    with path.open("rb") as handle:
        head = handle.read(4096)
    if not head:
        raise Refused("file_unreadable", "the file is empty", file=file, mend="Save it again.")
    content = _content(head)
    if content not in _FITS.get(kind, (kind,)):
        text, mend = f"the name says {kind}, but the content is {content}", ""
        if content == "text" and _BINARY.search(head):
            text, mend = f"the content is not that of a {kind}", "Save it again if it is damaged. "
        mend += "Give the file its right extension."
        raise Refused("file_refused", text, file=file, mend=mend)
    if kind == "vrt":
        check_vrt(path, kind_of)
    return kind


def _content(head: bytes) -> str:
    """Kind of content by the first bytes."""
    binary = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if binary:
        return binary
    if head[4:6] == b"\n\t" and head[6:15] == b"OSMHeader":
        return "osm"
    for encoding in (
        ("utf-8-sig", "utf-16") if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig",)
    ):
        text = head.decode(encoding, "ignore").lstrip()
    if text.startswith("<"):
        # VRT, and whatever else GDAL knows as XML, can point to any other file.
        if re.search(r"<(\w+:)?gpx\b", text):
            return "gpx"
        if re.search(r"<osm\b", text):
            return "osm"
        return "kml" if re.search(r"<(\w+:)?(kml|Document|Folder|Placemark)\b", text) else "xml"
    return "json" if text.startswith(("{", "[", "\x1e")) else "text"


def open_source(  # noqa: C901, PLR0911  (one way out for each kind of file)
    path: Path,
    *,
    role: str | None,
    names: Collection[str] = (),
    encoding: str | None = None,
    layer: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    window: Window | None = None,
    features: int = DEFAULTS.study.features,
) -> Source:
    """Return what a table or vector file holds.

    Parameters
    ----------
    path
        A plain file.
    role
        The layer wanted; it chooses among several layers of one file by their names.
    names
        Plain column names that a header may have.
    encoding, layer, sheet, header_row
        How the user wants it read.
    window
        West, south, east, north in degrees of what is needed of an OpenStreetMap extract, and of
        another file of more `features`.

    Raises
    ------
    InputError
        It cannot be read, or it is a raster.
    """
    kind, file = kind_of(path), path.name
    _check_options(kind, file, layer, sheet)
    if kind == "table":
        tab = path.suffix.lower() in {".tsv", ".tab"}
        return read_text_table(
            path.read_bytes(), file, names=names, encoding=encoding, tab=tab, header_row=header_row
        )
    if kind == "workbook":
        return read_workbook(
            path.read_bytes(), file, names=names, sheet=sheet or layer, role=role,
            header_row=header_row,
        )  # fmt: skip
    if kind == "geojson":
        data = path.read_bytes()
        if _is_esri(data):
            return vectors.read_ogr(path, file, "esrijson", encoding=encoding)
        return vectors.read_geojson(data, file, encoding=encoding)
    if kind == "geojsonseq":
        return vectors.read_geojson_lines(path.read_bytes(), file, encoding=encoding)
    if kind == "parquet":
        from geosettle.io.parquet import read_parquet  # noqa: PLC0415  (an extra)

        return read_parquet(path, file)
    if kind == "gpx":
        takes = LAYERS[role].geometries if role is not None and role in LAYERS else ("point",)
        return read_gpx(path.read_bytes(), file, lines="line" in takes and "point" not in takes)
    if kind == "osm":
        return read_osm(path, file, role, window)
    if kind == "kml":
        return read_kml(path.read_bytes(), file, layer=layer)
    if kind == "archive":
        with unpacked(path.read_bytes(), file, role, layer) as (inside, name, rest):
            found = open_source(
                inside,
                role=role,
                names=names,
                encoding=encoding,
                layer=rest,
                sheet=sheet,
                header_row=header_row,
                window=window,
                features=features,
            )
            return replace(
                found, file=name, problems=tuple(replace(p, file=name) for p in found.problems)
            )
    if kind in {"geopackage", "shapefile", "flatgeobuf", "filegdb"}:
        return _binary(
            path, kind, role=role, names=names, encoding=encoding, layer=layer, window=window,
            features=features,
        )  # fmt: skip
    raise Refused("file_refused", f"a layer of rows cannot be read from {kind}", file=file)


def _is_esri(data: bytes) -> bool:
    """Whether JSON is a feature set of an ArcGIS server."""
    head = data[:20_000]
    return (
        b'"FeatureCollection"' not in head
        and b'"features"' in data
        and b'"attributes"' in data
        and (b'"geometryType"' in data or b'"spatialReference"' in data)
    )


_LAYERED: Final = frozenset(
    {"workbook", "kml", "archive", "geopackage", "shapefile", "flatgeobuf", "filegdb"}
)


def _check_options(kind: str, file: str, layer: str | None, sheet: str | None) -> None:
    """Refuse a layer or a sheet of a file that has none: the caller means another file."""
    if sheet is not None and kind not in {"workbook", "archive"}:
        raise Refused("layer_unclear", f"a file of this kind ({kind}) has no sheet {sheet!r}",
                      file=file,
                      mend="Leave the sheet out.")  # fmt: skip
    if layer is not None and kind not in _LAYERED:
        raise Refused("layer_unclear", f"a file of this kind ({kind}) has no layer {layer!r}",
                      file=file,
                      mend="Leave the layer out.")  # fmt: skip


def _binary(
    path: Path,
    kind: str,
    *,
    role: str | None,
    names: Collection[str],
    encoding: str | None,
    layer: str | None,
    window: Window | None,
    features: int,
) -> Source:
    """Read a format that GDAL reads, with what it declares compared with what GDAL hands over."""
    file, stated = path.name, None
    if kind == "shapefile":
        stated = inspect_shapefile(path, file, encoding)
    if kind == "geopackage":
        inspect_gpkg(path, file)
    chosen = vectors.choose_layer(path, file, layer, role, names)
    if kind == "geopackage" and chosen is not None:
        stated = inspect_layer(path, chosen, file)
    encoding = stated.encoding if stated else encoding
    rows = None if window is None else vectors.rows_within(path, chosen, window, features)
    found = vectors.read_ogr(
        path, file, kind, layer=chosen, encoding=encoding, declared=stated.rows if stated else None,
        rows=rows,
    )  # fmt: skip
    found = found if stated is None else _as_declared(found, stated, rows)
    if rows is None or window is None:
        return found
    box = ", ".join(f"{side:.2f}" for side in window)
    text = (
        f"{len(found.cells)} features were read, those in the box {box} (west, south, east, "
        f"north); {rows.of - len(found.cells)} others were left out."
    )
    note = problem("window_read", text, file=file, layer=role or "")
    return replace(found, lines=rows.number + 1, problems=(*found.problems, note))


def _as_declared(found: Source, stated: Declared, rows: vectors.Within | None) -> Source:
    """Return what was read with what GDAL does not report.

    These are texts among numbers, and geometries that it lost.
    """
    cells = found.cells.copy()
    at = None if rows is None else {int(n): i for i, n in enumerate(rows.number)}
    for (number, column), text in stated.texts.items():
        row = number if at is None else at.get(number, len(cells))
        if row < len(cells) and column < cells.shape[1]:
            cells.iat[row, column] = text
    more = list(stated.problems)
    if (
        rows is None
        and stated.stored is not None
        and found.geometry is not None
        and len(stated.stored) == len(found.geometry)
    ):
        lost = np.flatnonzero(stated.stored & (found.geometry == None))  # noqa: E711  (element by element)
        known = {p.row for p in found.problems}
        more += [
            problem("geometry_unreadable", file=found.file, row=int(i) + 1)
            for i in lost
            if int(i) + 1 not in known
        ]
    return replace(found, cells=cells, problems=(*found.problems, *more))
