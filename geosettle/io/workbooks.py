"""XLSX workbooks as cells. Values only: formulas are never computed, macros never run."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Collection
from typing import Any, Final

from openpyxl import load_workbook

from geosettle.errors import InputError
from geosettle.io.archives import check_archive
from geosettle.io.source import Refused, Source
from geosettle.io.tables import table_from_records
from geosettle.layers import plain_name
from geosettle.problems import Problem, problem

__all__ = ["read_workbook"]

_WIDEST: Final = 2_000
"""Columns that are read at most."""


def read_workbook(
    data: bytes,
    file: str,
    *,
    names: Collection[str] = (),
    sheet: str | None = None,
    role: str | None = None,
) -> Source:
    """Cells of one sheet of a workbook.

    Parameters
    ----------
    data
        Bytes of the file.
    file
        Name for messages.
    names
        Plain column names that a header may have; they choose the sheet and find the header.
    sheet
        Name of the sheet; None where only one fits.
    role
        The layer wanted; a sheet of that name is taken.

    Raises
    ------
    InputError
        Not a workbook, no such sheet, or several that fit equally well.
    """
    _check_zip(data, file)
    try:
        book = load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    except Exception as error:  # openpyxl fails in many ways on damaged parts; none of them is ours
        raise InputError(
            f"this is not a readable XLSX workbook ({type(error).__name__})",
            file=file,
            mend="Save it again as .xlsx.",
        ) from error
    page = _choose(book, file, frozenset(names), sheet, role)
    problems: list[Problem] = []
    records, starts = [], []
    for number, row in _rows(page):
        if any(v not in (None, "") and str(v).strip() for v in row):
            records.append(row)
            starts.append(number)
    if page.sheet_state != "visible":
        problems.append(
            problem("sheet_hidden", f"The sheet {page.title!r} is hidden, and is the only one that fits.", file=file,
                    layer=page.title)
        )  # fmt: skip
    merged = [
        str(r) for r in page.merged_cells.ranges if r.max_row > (starts[0] if starts else 0) + 1
    ]
    if merged:
        problems.append(
            problem("merged_cells", file=file, layer=page.title, value=", ".join(sorted(merged))[:80],
                message="Merged cells hold a value in their first cell only; the others are read as empty.",
                mend="Unmerge them and fill every row.",
            ),
        )  # fmt: skip
    source = table_from_records(records, starts, file, names=names, layer=page.title)
    formulas = _unsaved_formulas(data, page.title)
    problems += [
        problem("formula_without_value", file=file, layer=page.title, value=formula,
            row=int((source.lines < row).sum()) + 1, line=row,
            message="The cell holds a formula whose value was never saved.",
            mend="Open the workbook in a spreadsheet program, let it calculate, and save.",
        )
        for row, formula in formulas
        if source.lines is not None and row in source.lines
    ]  # fmt: skip
    return Source(
        source.cells,
        file,
        "XLSX",
        layer=page.title,
        lines=source.lines,
        problems=(*source.problems, *problems),
    )


def _check_zip(data: bytes, file: str) -> None:
    """Refuse a workbook whose parts unpack to too much, or declare entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in check_archive(archive, file):
                head = (
                    archive.open(member).read(2000)
                    if member.filename.endswith((".xml", ".rels"))
                    else b""
                )
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise Refused("file_refused", "the workbook declares XML entities", file=file)
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


def _rows(page: Any) -> list[tuple[int, list[Any]]]:
    """Sheet rows that have cells. Only cells that exist are visited: one stray cell can stand a
    billion cells away.
    """
    rows: dict[int, dict[int, Any]] = {}
    for (row, column), cell in page._cells.items():  # noqa: SLF001
        value = _value(cell)
        if value not in (None, "") and column <= _WIDEST:
            rows.setdefault(row, {})[column] = value
    width = max((max(cells) for cells in rows.values()), default=0)
    return [(n, [cells.get(c) for c in range(1, width + 1)]) for n, cells in sorted(rows.items())]


def _value(cell: Any) -> Any:
    """Value of a cell; a number shown with leading zeros becomes that text, as in 007."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        digits = re.fullmatch(r"0{2,}", str(cell.number_format or ""))
        if digits and float(value).is_integer() and value >= 0:
            return str(int(value)).zfill(len(digits[0]))
    return value


def _choose(
    book: Any, file: str, names: frozenset[str], sheet: str | None, role: str | None
) -> Any:
    """Return the sheet asked for, or the only one whose top rows carry known column names."""
    pages = {p.title: p for p in book.worksheets}
    if sheet is not None:
        if sheet not in pages:
            text = f"the workbook has no sheet {sheet!r}"
            raise Refused(
                "layer_unclear", text, file=file, mend=f"It has: {', '.join(pages) or 'none'}."
            )
        return pages[sheet]

    named = [p for title, p in pages.items() if plain_name(title) == role]
    if len(named) == 1:
        return named[0]

    def score(page: Any) -> int:
        rows = [row for _, row in _rows(page)[:30]]
        return max(
            (sum(plain_name(str(c)) in names for c in row if c is not None) for row in rows),
            default=0,
        )

    scores = {title: score(page) for title, page in pages.items()}
    best = max(scores.values(), default=0)
    fitting = [
        title
        for title, value in scores.items()
        if value == best and (best or len(_rows(pages[title])) > 1)
    ]
    if not pages or not (fitting or len(pages) == 1):
        raise InputError(
            "the workbook has no sheet with rows", file=file, mend="Put the table on a sheet."
        )
    fitting = [title for title in fitting if pages[title].sheet_state == "visible"] or fitting
    if len(fitting) > 1 and best:
        text = f"several sheets fit equally well: {', '.join(fitting)}"
        raise Refused(
            "layer_unclear", text, file=file, mend=f"Name one, as in --sheet {fitting[0]!r}."
        )
    return pages[(fitting or list(pages))[0]]


def _unsaved_formulas(data: bytes, title: str) -> list[tuple[int, str]]:
    """Sheet row and text of every formula that has no stored value."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [n for n in archive.namelist() if re.match(r"xl/worksheets/.*\.xml$", n)]
        if not any(re.search(rb"<(\w+:)?f[ >/]", archive.read(n)) for n in sheets):
            return []
    formulas = load_workbook(io.BytesIO(data), data_only=False, keep_links=False)[title]
    values = load_workbook(io.BytesIO(data), data_only=True, keep_links=False)[title]
    return [
        (number, str(cell.value)[:80])
        for (number, column), cell in sorted(formulas._cells.items())  # noqa: SLF001
        if cell.data_type == "f" and values.cell(number, column).value is None
    ]
