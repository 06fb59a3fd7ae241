"""What binary vector files declare about themselves, read without GDAL.

It is compared with what GDAL returns.
"""

from __future__ import annotations

import codecs
import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.errors import InputError
from geosettle.io.encodings import read_text
from geosettle.io.source import Refused, check_size
from geosettle.problems import Problem, problem

_CODEPAGES: Final = {
    0x4D: "gbk",
    0x4E: "cp949",
    0x7A: "gbk",
    0x78: "big5",
    0x57: "cp1252",
    0x03: "cp1252",
}


_LONGEST_VALUE: Final = 100_000_000
"""Bytes of a text or a geometry in a GeoPackage; a view could make far longer ones of nothing."""
_NUMERIC: Final = np.frombuffer(b"0123456789+-.eE \x00", dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Declared:
    """What a file says of one of its layers.

    Parameters
    ----------
    rows
        Features it holds.
    encoding
        Encoding of its texts, where it is not UTF-8 by definition.
    stored
        Which rows store a geometry at all; None where nobody can tell.
    texts
        Cells of number columns that hold no number, by row and column, both from 0: GDAL would make
        them 0 or missing.
    problems
        What was found.
    """

    rows: int
    encoding: str | None = None
    stored: NDArray[np.bool_] | None = None
    texts: Mapping[tuple[int, int], str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def inspect_shapefile(path: Path, file: str, encoding: str | None) -> Declared:
    """Return what a shapefile declares: its valid records, and the encoding of its texts.

    Valid records are those that are not marked as deleted.

    Parameters
    ----------
    path
        The .shp; .shx and .dbf must be next to it.
    file
        Name for messages.
    encoding
        As the user states; else the .cpg, the code page of the .dbf, and at last the bytes decide.

    Raises
    ------
    Refused
        A part is missing, cut off, or does not fit the others.
    """
    shx, dbf = (_sidecar(path, suffix, file) for suffix in (".shx", ".dbf"))
    with path.open("rb") as handle:
        head = handle.read(100)
    for part, header, size in ((".shp", head, path.stat().st_size), (".shx", shx[:100], len(shx))):
        if len(header) < 100 or struct.unpack(">i", header[24:28])[0] * 2 > size:
            raise Refused(
                "count_differs",
                f"the {part} is shorter than it declares; it was cut off",
                file=file,
            )
    index = (
        np.frombuffer(shx[100 : 100 + (len(shx) - 100) // 8 * 8], dtype=">i4")
        .reshape(-1, 2)
        .astype(np.int64)
        * 2
    )
    if len(index) and int((index.sum(axis=1) + 8).max()) > path.stat().st_size:
        raise Refused(
            "count_differs", "the .shx points beyond the end of the .shp; it was cut off", file=file
        )
    if len(dbf) < 32:
        raise Refused("count_differs", "the .dbf has no header", file=file)
    rows, header_size, row_size = struct.unpack("<IHH", dbf[4:12])
    if len(dbf) < header_size + rows * row_size:
        raise Refused(
            "count_differs", f"the .dbf declares {rows} rows but is too short for them", file=file
        )
    if rows != len(index):
        raise Refused(
            "count_differs", f"the .shp has {len(index)} shapes and the .dbf {rows} rows", file=file
        )
    if rows and not row_size:
        raise Refused("file_unreadable", "the .dbf declares rows without length", file=file)
    body = np.frombuffer(dbf[header_size : header_size + rows * row_size], dtype=np.uint8).reshape(
        rows, row_size
    )
    alive = body[body[:, 0] != 0x2A] if rows else body
    gone = rows - len(alive)
    used, problems = (encoding, []) if encoding else _dbf_encoding(path, dbf, header_size, file)
    text = f"{gone} of {rows} rows are marked as deleted and are not read."
    problems += [problem("rows_deleted", text, file=file, value=str(gone))] if gone else []
    texts = _no_numbers(alive, dbf[32:header_size])
    return Declared(len(alive), used, None, texts, tuple(problems))


def _no_numbers(body: NDArray[np.uint8], fields: bytes) -> dict[tuple[int, int], str]:
    """Cells of the number fields of a .dbf that hold no number.

    Such as the stars of a number too long for its field.
    """
    out, at = {}, 1
    for n in range(len(fields) // 32):
        kind, size = fields[32 * n + 11], fields[32 * n + 16]
        cells = body[:, at : at + size]
        at += size
        if fields[32 * n] == 0x0D:
            break
        if kind in b"NF" and cells.size:
            for row in np.flatnonzero(~np.isin(cells, _NUMERIC).all(axis=1)):
                out[int(row), n] = cells[row].tobytes().decode("latin-1").strip()
    return out


def _sidecar(path: Path, suffix: str, file: str) -> bytes:
    for name in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if name.is_file():
            return name.read_bytes()
    raise Refused(
        "file_unreadable", f"the {suffix} that belongs to the shapefile is missing", file=file,
        mend="A shapefile is .shp, .shx, .dbf and .prj together.",
    )  # fmt: skip


def _dbf_encoding(path: Path, dbf: bytes, header_size: int, file: str) -> tuple[str, list[Problem]]:
    """Return the encoding of a .dbf, and what was found.

    The bytes prove it, else .cpg or the code page states it, else it is guessed.
    """
    body = dbf[header_size:]
    if body.isascii():
        return "utf-8", []
    stated = ""
    for name in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if name.is_file():
            letters = bytes(c for c in name.read_bytes()[:40] if 32 <= c < 127)
            stated = letters.decode("ascii").strip().casefold()
    stated = {
        "936": "gbk",
        "cp936": "gbk",
        "gb2312": "gbk",
        "65001": "utf-8",
        "ansi 936": "gbk",
    }.get(stated, stated) or _CODEPAGES.get(dbf[29], "")
    try:
        shown = read_text(body.replace(b"\x00", b" ")).encoding
    except InputError:
        if not (stated and _fits(body, stated)):
            raise
        return stated, []
    if not stated or _is_same(stated, shown):
        return shown, []
    # Any bytes are Latin text; a language shows in the bytes only where it is another.
    if shown not in _LATIN and (shown == "utf-8" or stated in _LATIN or not _fits(body, stated)):
        text = f"The file states the encoding {stated}; its texts are {shown}, which is used."
        return shown, [problem("encoding_guessed", text, file=file, value=stated,
                               severity="warning")]  # fmt: skip
    return (stated, []) if _fits(body, stated) else (shown, [])


_LATIN: Final = frozenset(
    {"cp1252", "iso-8859-1", "iso8859-1", "latin-1", "latin1", "1252", "88591"}
)


def _is_same(one: str, other: str) -> bool:
    """Whether two names are of one encoding; GBK is the older part of GB 18030."""
    with suppress(LookupError):
        a, b = (codecs.lookup(name).name.replace("gbk", "gb18030") for name in (one, other))
        return a == b
    return False


def _fits(body: bytes, encoding: str) -> bool:
    with suppress(LookupError, UnicodeError):
        body.decode(encoding)
        return True
    return False


def inspect_gpkg(path: Path, file: str) -> None:
    """Refuse a database that is damaged, is no GeoPackage, or is open elsewhere.

    Raises
    ------
    Refused
        SQLite finds it damaged, it has no table of contents, or changes are next to it that are not
        yet in it.
    """
    for suffix in ("-wal", "-journal"):
        companion = path.with_name(path.name + suffix)
        if companion.is_file() and companion.stat().st_size:
            raise Refused(
                "file_unreadable", f"changes that are not yet in the file are in {companion.name}",
                file=file,
                mend="Close the program that has it open, or give a copy saved by it.",
            )  # fmt: skip
    try:
        with closing(_connect(path)) as base:
            verdict = base.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise Refused("file_unreadable", f"the database is damaged ({verdict})", file=file)
            if not base.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'gpkg_contents'"
            ).fetchone()[0]:
                raise Refused(
                    "file_unreadable", "this is an SQLite database but no GeoPackage", file=file
                )
    except sqlite3.Error as error:
        raise Refused("file_unreadable", f"the database is damaged ({error})", file=file) from error


def inspect_layer(path: Path, layer: str, file: str) -> Declared:
    """Return what a GeoPackage declares of a layer.

    Raises
    ------
    Refused
        The layer cannot be read, or its table declares another count.
    """
    try:
        with closing(_connect(path)) as base:
            found = (
                base.execute(
                    "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE lower(table_name) "
                    "= lower(?)",
                    (layer,),
                ).fetchone()
                if _has(base, "gpkg_geometry_columns")
                else None
            )
            if _is_view(base, layer):
                _check_view(base, layer, file)
            table, texts = _quoted(layer), _misplaced(base, layer)
            if found is None:
                count = base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  (quoted)
                return Declared(int(count), texts=texts)
            order = "" if _is_view(base, layer) else " ORDER BY rowid"
            rows = base.execute(
                f"SELECT {_quoted(found[0])} IS NOT NULL FROM {table}{order}"  # noqa: S608
            ).fetchall()
            if _has(base, "gpkg_ogr_contents"):
                noted = base.execute(
                    "SELECT feature_count FROM gpkg_ogr_contents WHERE lower(table_name) = "
                    "lower(?)",
                    (layer,),
                ).fetchone()
                if noted and noted[0] is not None and noted[0] != len(rows):
                    text = f"the layer {layer} declares {noted[0]} features and holds {len(rows)}"
                    raise Refused("count_differs", text, file=file)
            stored = np.array([r[0] for r in rows], dtype=bool)
            return Declared(
                len(rows),
                stored=stored,
                texts=texts,
                problems=_two_systems(base, layer, found[1], file),
            )
    except sqlite3.Error as error:
        raise Refused(
            "file_unreadable", f"the layer {layer} is damaged ({error})", file=file
        ) from error


def _quoted(name: Any) -> str:
    return '"' + str(name).replace('"', '""') + '"'


def _is_view(base: sqlite3.Connection, table: str) -> bool:
    found = base.execute(
        "SELECT type FROM sqlite_master WHERE lower(name) = lower(?)", (table,)
    ).fetchone()
    return bool(found) and found[0] == "view"


def _check_view(base: sqlite3.Connection, layer: str, file: str) -> None:
    """Refuse a view that gives far more than the file holds: it is a program, not data."""
    columns = [_quoted(r[1]) for r in base.execute(f"PRAGMA table_info({_quoted(layer)})")]
    size = " + ".join(f"coalesce(length({column}), 0)" for column in columns) or "0"
    rows, total = base.execute(
        f"SELECT count(*), coalesce(sum({size}), 0) FROM {_quoted(layer)}"  # noqa: S608  (quoted)
    ).fetchone()
    check_size(int(rows), len(columns), file, int(total))


def _misplaced(base: sqlite3.Connection, layer: str) -> dict[tuple[int, int], str]:
    """Texts in number columns of a table, which SQLite allows and GDAL reads as 0."""
    if _is_view(base, layer):
        return {}
    kinds = ("INT", "REAL", "DOUBLE", "FLOAT", "NUMERIC")
    drawn = {r[0].casefold() for r in base.execute(
        "SELECT column_name FROM gpkg_geometry_columns WHERE lower(table_name) = lower(?)", (layer,)
    )} if _has(base, "gpkg_geometry_columns") else set()  # fmt: skip
    columns = [
        r
        for r in base.execute(f"PRAGMA table_info({_quoted(layer)})")
        if not r[5] and r[1].casefold() not in drawn
    ]
    out = {}
    for n, (_, name, kind, *_rest) in enumerate(columns):
        if any(k in str(kind).upper() for k in kinds):
            column = _quoted(name)
            ranked = (  # both names are quoted
                "SELECT row_number() OVER (ORDER BY rowid) - 1 AS n, "  # noqa: S608
                f"{column} AS v FROM {_quoted(layer)}"
            )
            for row, value in base.execute(
                f"SELECT n, v FROM ({ranked}) WHERE typeof(v) IN ('text', 'blob')"  # noqa: S608
            ):
                out[int(row), n] = str(value)
    return out


def _two_systems(base: sqlite3.Connection, layer: str, srs: int, file: str) -> tuple[Problem, ...]:
    """Two tables of a GeoPackage name the reference system of a layer; they must name the same."""
    noted = base.execute(
        "SELECT srs_id FROM gpkg_contents WHERE lower(table_name) = lower(?)", (layer,)
    ).fetchone()
    if not noted or noted[0] in (None, srs):
        return ()
    text = (
        f"The file declares the reference system {noted[0]} in its contents and {srs} for its "
        "geometry, which is used."
    )
    return (
        problem(
            "reader_warning", text, file=file, value=str(noted[0]), mend="Check which is right."
        ),
    )


def _has(base: sqlite3.Connection, table: str) -> bool:
    return bool(
        base.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    )


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    base.execute("PRAGMA trusted_schema = OFF")
    base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    # A view may be a query without end; a hundred million steps are seconds.
    steps = iter(range(10_000))
    base.set_progress_handler(lambda: next(steps, None) is None, 10_000)
    return base
