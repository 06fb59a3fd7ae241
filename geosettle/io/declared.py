"""What binary vector files declare about themselves, read without GDAL, to compare with what GDAL hands over."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.io.source import Refused
from geosettle.io.tables import decode

__all__ = ["gpkg_geometry_rows", "inspect_gpkg", "inspect_shapefile"]

_CODEPAGES: Final = {0x4D: "gbk", 0x4E: "cp949", 0x7A: "gbk", 0x78: "big5", 0x57: "cp1252", 0x03: "cp1252"}


def inspect_shapefile(path: Path, file: str, encoding: str | None) -> tuple[int, str]:
    """Return records that a shapefile holds, and the encoding of its texts.

    Parameters
    ----------
    path
        The .shp; .shx and .dbf must lie beside it.
    file
        Name for messages.
    encoding
        What the user said; else the .cpg, the code page of the .dbf, and at last the bytes decide.

    Returns
    -------
    tuple of int and str
        Records that are not marked as deleted; the encoding.

    Raises
    ------
    Refused
        A part is missing, cut off, or does not fit the others.
    """
    shx, dbf = (_beside(path, suffix, file) for suffix in (".shx", ".dbf"))
    with path.open("rb") as handle:
        head = handle.read(100)
    for part, header, size in ((".shp", head, path.stat().st_size), (".shx", shx[:100], len(shx))):
        if len(header) < 100 or struct.unpack(">i", header[24:28])[0] * 2 > size:
            raise Refused("count_differs", f"the {part} is shorter than it declares; it was cut off", file=file)
    index = np.frombuffer(shx[100 : 100 + (len(shx) - 100) // 8 * 8], dtype=">i4").reshape(-1, 2).astype(np.int64) * 2
    if len(index) and int((index.sum(axis=1) + 8).max()) > path.stat().st_size:
        raise Refused("count_differs", "the .shx points beyond the end of the .shp; it was cut off", file=file)
    if len(dbf) < 32:
        raise Refused("count_differs", "the .dbf has no header", file=file)
    rows, header_size, row_size = struct.unpack("<IHH", dbf[4:12])
    if len(dbf) < header_size + rows * row_size:
        raise Refused("count_differs", f"the .dbf declares {rows} rows but is too short for them", file=file)
    if rows != len(index):
        raise Refused("count_differs", f"the .shp has {len(index)} shapes and the .dbf {rows} rows", file=file)
    flags = np.frombuffer(dbf[header_size : header_size + rows * row_size], dtype=np.uint8)[:: row_size or 1]
    alive = int((flags != 0x2A).sum())
    return alive, encoding or _dbf_encoding(path, dbf, header_size)


def _beside(path: Path, suffix: str, file: str) -> bytes:
    for name in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if name.is_file():
            return name.read_bytes()
    raise Refused(
        "file_unreadable", f"the {suffix} that belongs to the shapefile is missing", file=file,
        mend="A shapefile is .shp, .shx, .dbf and .prj together.",
    )  # fmt: skip


def _dbf_encoding(path: Path, dbf: bytes, header_size: int) -> str:
    """Return the encoding of a .dbf: the bytes prove it, else .cpg or code page say it, else it is guessed."""
    body = dbf[header_size:]
    try:
        body.decode("ascii")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    stated = ""
    for name in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if name.is_file():
            stated = name.read_bytes()[:40].decode("ascii", "ignore").strip().casefold()
    stated = {"936": "gbk", "cp936": "gbk", "gb2312": "gbk", "65001": "utf-8", "ansi 936": "gbk"}.get(stated, stated)
    for name_ in (stated, _CODEPAGES.get(dbf[29], "")):
        try:
            if name_:
                body.decode(name_)
                return name_
        except (LookupError, ValueError):
            continue
    return decode(body.replace(b"\x00", b" "))[1]


def inspect_gpkg(path: Path, file: str) -> None:
    """Refuse a database that is damaged or is no GeoPackage.

    Raises
    ------
    Refused
        SQLite finds it damaged, or it has no table of contents.
    """
    try:
        with closing(_connect(path)) as base:
            verdict = base.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise Refused("file_unreadable", f"the database is damaged ({verdict})", file=file)
            if not base.execute("SELECT count(*) FROM sqlite_master WHERE name = 'gpkg_contents'").fetchone()[0]:
                raise Refused("file_unreadable", "this is an SQLite database but no GeoPackage", file=file)
    except sqlite3.Error as error:
        raise Refused("file_unreadable", f"the database is damaged ({error})", file=file) from error


def gpkg_geometry_rows(path: Path, layer: str, file: str) -> tuple[int, NDArray[np.bool_]]:
    """Rows of a layer of a GeoPackage, and which of them store a geometry at all.

    Raises
    ------
    Refused
        The layer cannot be read, or its table declares another count.
    """

    def quoted(name: Any) -> str:
        return '"' + str(name).replace('"', '""') + '"'

    try:
        with closing(_connect(path)) as base:
            found = (
                base.execute(
                    "SELECT column_name FROM gpkg_geometry_columns WHERE lower(table_name) = lower(?)",
                    (layer,),
                ).fetchone()
                if _has(base, "gpkg_geometry_columns")
                else None
            )
            table = quoted(layer)
            if found is None:
                count = base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  (quoted)
                return int(count), np.zeros(0, dtype=bool)
            rows = base.execute(f"SELECT {quoted(found[0])} IS NOT NULL FROM {table} ORDER BY rowid").fetchall()  # noqa: S608  (quoted)
            if _has(base, "gpkg_ogr_contents"):
                said = base.execute(
                    "SELECT feature_count FROM gpkg_ogr_contents WHERE lower(table_name) = lower(?)",
                    (layer,),
                ).fetchone()
                if said and said[0] is not None and said[0] != len(rows):
                    text = f"the layer {layer} declares {said[0]} features and holds {len(rows)}"
                    raise Refused("count_differs", text, file=file)
            return len(rows), np.array([r[0] for r in rows], dtype=bool)
    except sqlite3.Error as error:
        raise Refused("file_unreadable", f"the layer {layer} is damaged ({error})", file=file) from error


def _has(base: sqlite3.Connection, table: str) -> bool:
    return bool(base.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    base.execute("PRAGMA trusted_schema = OFF")
    # A view may be a query without end; a hundred million steps are seconds.
    steps = iter(range(10_000))
    base.set_progress_handler(lambda: next(steps, None) is None, 10_000)
    return base
