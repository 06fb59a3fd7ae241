"""Which reader a file gets: extension and content must agree on one of the kinds listed here."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from geosettle.errors import InputError
from geosettle.io import tables, vectors
from geosettle.io.source import Source
from geosettle.io.workbooks import read_workbook

__all__ = ["EXTENSIONS", "kind_of", "open_source"]

EXTENSIONS: Final = {
    ".csv": "table", ".tsv": "table", ".txt": "table", ".tab": "table",
    ".xlsx": "workbook", ".xlsm": "workbook",
    ".geojson": "geojson", ".json": "geojson",
    ".geojsonl": "geojsonseq", ".geojsons": "geojsonseq", ".ndjson": "geojsonseq", ".jsonl": "geojsonseq",
    ".gpkg": "geopackage", ".shp": "shapefile", ".fgb": "flatgeobuf",
    ".parquet": "parquet", ".geoparquet": "parquet",
    ".kml": "kml", ".kmz": "archive", ".zip": "archive",
    ".tif": "tiff", ".tiff": "tiff", ".gtiff": "tiff",
}  # fmt: skip
"""Extension to the kind of reader; nothing else is opened."""

_MAGIC: Final = (
    (b"SQLite format 3\x00", "geopackage"),
    (b"fgb\x03", "flatgeobuf"),
    (b"PAR1", "parquet"),
    (b"\x00\x00\x27\x0a", "shapefile"),
    (b"PK\x03\x04", "zip"),
    (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"), (b"II+\x00", "tiff"), (b"MM\x00+", "tiff"),
)  # fmt: skip
_FITS: Final = {
    "workbook": "zip",
    "archive": "zip",
    "table": "text",
    "geojson": "text",
    "geojsonseq": "text",
    "kml": "text",
}
LIMIT: Final = 500_000_000
"""Largest file that is opened, bytes."""


def kind_of(path: Path) -> str:
    """Kind of a file by its extension, once its content agrees.

    Raises
    ------
    InputError
        The extension is not in the list, the content is something else, or it is no plain file.
    """
    file = path.name
    if not path.exists():
        raise InputError("the file does not exist", file=str(path), mend="Check the path.")
    if not path.is_file():
        raise InputError("this is not a file", file=str(path))
    kind = EXTENSIONS.get(path.suffix.lower())
    if kind is None:
        also = {".xls": "Save it as .xlsx.", ".ods": "Save it as .xlsx.", ".dbf": "Name the .shp beside it."}
        mend = also.get(path.suffix.lower(), f"Convert it to one of {' '.join(sorted(EXTENSIONS))}.")
        raise InputError(f"files of kind {path.suffix or 'without extension'!r} are not read", file=file, mend=mend)
    if path.stat().st_size > LIMIT:
        raise InputError(
            f"the file is {path.stat().st_size / 1e6:.0f} MB; at most {LIMIT / 1e6:.0f} MB are read",
            file=file,
            mend="Cut it to the study region.",
        )
    with path.open("rb") as handle:
        head = handle.read(4096)
    if not head:
        raise InputError("the file is empty", file=file, mend="Save it again.")
    content = next((name for magic, name in _MAGIC if head.startswith(magic)), "text")
    if content != _FITS.get(kind, kind):
        raise InputError(
            f"the name says {kind}, but the content is {content}", file=file, mend="Give the file its right extension."
        )
    return kind


def open_source(
    path: Path,
    *,
    role: str | None,
    names: Collection[str] = (),
    encoding: str | None = None,
    layer: str | None = None,
    sheet: str | None = None,
) -> Source:
    """What a table or vector file holds.

    Parameters
    ----------
    path
        A plain file.
    role
        The layer wanted; it chooses among several layers of one file by their names.
    names
        Plain column names that a header may have.
    encoding, layer, sheet
        What the user said about it.

    Raises
    ------
    InputError
        It cannot be read, or it is a raster.
    """
    kind, file = kind_of(path), path.name
    if kind == "table":
        tab = path.suffix.lower() in {".tsv", ".tab"}
        return tables.read_text_table(path.read_bytes(), file, names=names, encoding=encoding, tab=tab)
    if kind == "workbook":
        return read_workbook(path.read_bytes(), file, names=names, sheet=sheet or layer, role=role)
    if kind == "geojson":
        return vectors.read_geojson(path.read_bytes(), file, encoding=encoding)
    if kind == "geojsonseq":
        return vectors.read_geojson_lines(path.read_bytes(), file, encoding=encoding)
    if kind == "parquet":
        return vectors.read_parquet(path, file)
    if kind in {"geopackage", "shapefile", "flatgeobuf"}:
        chosen = vectors.choose_layer(path, file, layer, role, names)
        return vectors.read_ogr(path, file, kind, layer=chosen, encoding=encoding)
    raise InputError(f"a layer of rows cannot be read from {kind}", file=file)
