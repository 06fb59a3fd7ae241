"""What the parts of an XLSX file say and a reader of values leaves out: errors, hidden rows ..."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import ParseError, iterparse

import defusedxml.ElementTree

from geosettle.io.archives import check_archive
from geosettle.io.source import Refused

CELLS: Final = 20_000_000
"""Cells that a sheet may span, filled or not."""
_OF_INTEREST: Final = re.compile(rb"<(?:\w+:)?f[ >/]|t=\"e\"|hidden=\"(?:1|true)\"")


@dataclass
class Parts:
    """Cells by sheet row and column (from 1 and 0), and rows, that a reader of values leaves out.

    Parameters
    ----------
    errors
        Text of an error, such as #REF!.
    formulas
        Formula whose value was never saved.
    padded
        Digits that a number is shown with, as in 007.
    hidden
        Rows that are hidden.
    """

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    padded: dict[tuple[int, int], int] = field(default_factory=dict)
    hidden: list[int] = field(default_factory=list)


def check_parts(data: bytes, file: str) -> None:
    """Refuse a workbook in a ZIP whose parts are unsafe.

    They unpack to too much, declare entities, or span too many cells.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in check_archive(archive, file):
                if not member.filename.endswith((".xml", ".rels")):
                    continue
                with archive.open(member) as part:
                    head = part.read(2000)
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise Refused("file_refused", "the workbook declares XML entities", file=file)
                if re.search(r"worksheets/[^/]*\.xml$", member.filename):
                    _check_span(archive.read(member), file)
                elif member.filename == "content.xml":
                    _check_repeats(archive.read(member), file)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OSError,
    ) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("file_unreadable", f"the workbook is damaged ({error})", file=file) from error


def _check_span(xml: bytes, file: str) -> None:
    """Refuse a sheet whose outermost cells span more than is read."""
    rows = [int(m[1]) for m in re.finditer(rb'<(?:\w+:)?row [^>]{0,200}?\br="(\d{1,7})"', xml)]
    far = {m[1] for m in re.finditer(rb'\br="([A-Z]{2,3})\d{1,7}"', xml)}
    columns = max((_column(name.decode()) for name in far), default=26) + 1
    # Only the rows between the first and the last count, whatever is above.
    span = (max(rows) - min(rows) + 1 if rows else 0) * columns
    if span > CELLS:
        last = f"row {max(rows)}, column {columns}"
        raise Refused(
            "file_too_large", f"a sheet reaches to {last}, far beyond its table", file=file,
            mend="Delete what is typed there, and the empty rows and columns, and save it again.",
        )  # fmt: skip


def _check_repeats(xml: bytes, file: str) -> None:
    """Refuse an OpenDocument sheet that repeats cells beyond what any sheet has."""
    for what, most in ((b"columns", 16_384), (b"rows", 1_048_576)):
        pattern = rb"table:number-" + what + rb'-repeated="(\d{1,20})"'
        if any(int(m[1]) > most for m in re.finditer(pattern, xml)):
            raise Refused(
                "file_too_large", f"a sheet repeats more than {most} {what.decode()}", file=file
            )
    total = 0
    for row in re.finditer(rb'number-rows-repeated="(\d{4,20})"', xml):
        text, end = xml.find(b"<text:p", row.end()), xml.find(b"</table:table-row>", row.end())
        total += int(row[1]) * 16 if 0 <= text < end else 0
        if total > CELLS:
            raise Refused("file_too_large", "a sheet repeats a row too often", file=file)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def read_parts(data: bytes, title: str) -> Parts:
    """Return what the sheet of that title holds in addition to values.

    Nothing where the parts cannot be read.
    """
    out = Parts()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            widths = _padded_styles(archive)
            xml = archive.read(_part_of(archive, title))
    except (KeyError, ValueError, ParseError, zipfile.BadZipFile):
        return out
    if not widths and not _OF_INTEREST.search(xml):
        return out
    row = 0
    column = -1
    try:
        for event, element in iterparse(io.BytesIO(xml), events=("start", "end")):  # noqa: S314  (no entities: check_parts)
            tag = str(element.tag).rpartition("}")[2]
            if event == "start" and tag == "row":
                row, column = int(element.get("r", row + 1)), -1
                if element.get("hidden") in {"1", "true"}:
                    out.hidden.append(row)
            elif event == "end" and tag == "c":
                place = re.match(r"([A-Z]{1,3})\d", element.get("r", ""))
                column = _column(place[1]) if place else column + 1
                _note_cell(element, (row, column), widths, out)
                element.clear()
            elif event == "end" and tag == "row":
                element.clear()
    except (ParseError, ValueError):
        return Parts()
    return out


def _note_cell(element: Any, at: tuple[int, int], widths: dict[int, int], out: Parts) -> None:
    inside = {str(e.tag).rpartition("}")[2]: e.text or "" for e in element}
    value = inside.get("v", "")
    if element.get("t") == "e" and value:
        out.errors[at] = value
    elif "f" in inside and not value and element.get("t") != "inlineStr":
        out.formulas[at] = ("=" + inside["f"])[:80]
    style = element.get("s", "")
    if (
        widths
        and value
        and style.isdecimal()
        and element.get("t", "n") == "n"
        and int(style) in widths
    ):
        out.padded[at] = widths[int(style)]


def _padded_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """Styles that show a number with leading zeros, and with how many digits."""
    try:
        root = defusedxml.ElementTree.fromstring(archive.read("xl/styles.xml"))
    except KeyError:
        return {}
    digits = {
        e.get("numFmtId"): len(str(e.get("formatCode")))
        for e in root.iter()
        if str(e.tag).endswith("}numFmt") and re.fullmatch(r"0{2,20}", str(e.get("formatCode")))
    }
    styles = next((e for e in root.iter() if str(e.tag).endswith("}cellXfs")), ())
    return {
        i: digits[e.get("numFmtId")] for i, e in enumerate(styles) if e.get("numFmtId") in digits
    }


def _part_of(archive: zipfile.ZipFile, title: str) -> str:
    """Name of the part that holds a sheet."""
    book = defusedxml.ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = defusedxml.ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    ids = {
        e.get("name"): next((v for k, v in e.attrib.items() if k.endswith("}id")), None)
        for e in book.iter()
        if str(e.tag).endswith("}sheet")
    }
    target = {e.get("Id"): str(e.get("Target")) for e in links}[ids[title]]
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
