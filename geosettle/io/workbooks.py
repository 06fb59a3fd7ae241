"""Workbooks (.xlsx, .xlsm, .xls, .ods) as cells: values only, no formula computed, no macro run."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import python_calamine

from geosettle.errors import InputError
from geosettle.io.headers import known_cells
from geosettle.io.source import Refused, Source
from geosettle.io.tables import WIDEST, table_from_records
from geosettle.io.xlsx_parts import Parts, check_parts, read_parts
from geosettle.layers import plain_name
from geosettle.problems import Problem, problem

_TOP: Final = 30
"""Rows at the top of a sheet that are looked at to choose among sheets."""


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Rows of a sheet that are not blank, with the number that its program shows for each."""

    title: str
    visible: bool
    rows: list[list[Any]]
    numbers: list[int]
    left: int
    merged: dict[tuple[int, int], int]


def read_workbook(
    data: bytes,
    file: str,
    *,
    names: Collection[str] = (),
    sheet: str | None = None,
    role: str | None = None,
    header_row: int | None = None,
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
    header_row
        Row of the header, as the program shows it.

    Raises
    ------
    InputError
        Not a workbook, no such sheet, or several that fit equally well.
    """
    sheets = _sheets(data, file)
    chosen = _choose(sheets, file, frozenset(names), sheet, role)
    out = _table(chosen, data, file, names, header_row)
    if chosen.visible:
        return out
    text = f"The sheet {chosen.title!r} is hidden, and is the only one that fits."
    hidden = problem("sheet_hidden", text, file=file, layer=chosen.title)
    return replace(out, problems=(*out.problems, hidden))


def read_sheets(data: bytes, file: str, *, names: Collection[str] = ()) -> list[Source]:
    """Every visible sheet that has rows, each as a table."""
    return [
        _table(s, data, file, names, None)
        for s in _sheets(data, file)
        if s.visible and len(s.rows) > 1
    ]


@lru_cache(maxsize=2)
def _sheets(data: bytes, file: str) -> list[_Sheet]:
    """Sheets of a workbook that hold cells; kept, for several layers are read from one workbook."""
    if data.startswith(b"PK"):
        check_parts(data, file)
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        return [
            _sheet(book.get_sheet_by_name(entry.name), entry)
            for entry in book.sheets_metadata
            if entry.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
    except python_calamine.PasswordError as error:
        raise Refused(
            "file_unreadable", "the workbook is protected by a password", file=file,
            mend="Save a copy without the password.",
        ) from error  # fmt: skip
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise InputError(
            "this is not a readable workbook "
            f"({str(error).splitlines()[0][:120] if str(error) else 'damaged'})",
            file=file,
            mend="Open it in a spreadsheet program and save it again as .xlsx.",
        ) from error


def _sheet(page: Any, entry: Any) -> _Sheet:
    top, left = page.start or (0, 0)
    matrix = [
        [None if v == "" else v for v in row[: max(0, WIDEST - left)]]
        for row in page.to_python(skip_empty_area=True)
    ]
    merged = _fill_merged(matrix, page.merged_cell_ranges or (), top, left)
    rows, numbers = [], []
    for number, row in enumerate(matrix, top + 1):
        if any(v is not None and not (isinstance(v, str) and not v.strip()) for v in row):
            rows.append(row)
            numbers.append(number)
    first = min((i for row in rows for i, v in enumerate(row) if v is not None), default=0)
    if first:
        rows = [row[first:] for row in rows]
        merged = {(r, c - first): v for (r, c), v in merged.items() if c >= first}
    visible = entry.visible == python_calamine.SheetVisibleEnum.Visible
    return _Sheet(entry.name, visible, rows, numbers, left + first, merged)


def _fill_merged(
    matrix: list[list[Any]], ranges: Any, top: int, left: int
) -> dict[tuple[int, int], int]:
    """Write the value of merged cells into every row they cover.

    At the top of the sheet, into every column too. Return which cells were filled, and the sheet
    row of each value.
    """
    filled: dict[tuple[int, int], int] = {}
    for (row1, column1), (row2, column2) in ranges:
        r1, c1 = row1 - top, column1 - left
        if not (0 <= r1 < len(matrix) and 0 <= c1 < len(matrix[r1])) or matrix[r1][c1] is None:
            continue
        wide = column2 - left if row2 - top < _TOP and row1 == row2 else c1
        for r in range(r1, min(row2 - top + 1, len(matrix))):
            for c in range(c1, min(wide + 1, len(matrix[r]))):
                if matrix[r][c] is None:
                    matrix[r][c] = matrix[r1][c1]
                    if r > r1:
                        filled[r + top + 1, c] = row1 + 1
    return filled


def _table(
    sheet: _Sheet, data: bytes, file: str, names: Collection[str], header_row: int | None
) -> Source:
    """Return a sheet as a table, with what the parts of the file say besides its values."""
    parts = read_parts(data, sheet.title) if data.startswith(b"PK") else Parts()
    index = {number: i for i, number in enumerate(sheet.numbers)}
    for (row, column), text in parts.errors.items():
        _put(sheet, index, row, column, text)
    for (row, column), digits in parts.padded.items():
        _put(sheet, index, row, column, digits)
    source = table_from_records(
        sheet.rows, sheet.numbers, file, names=names, layer=sheet.title, header_row=header_row,
        merged=sheet.merged,
    )  # fmt: skip
    return replace(
        source, format="XLSX" if data.startswith(b"PK") else "XLS",
        problems=(*source.problems, *_about(source, sheet, parts, file)),
    )  # fmt: skip


def _put(sheet: _Sheet, index: dict[int, int], row: int, column: int, what: str | int) -> None:
    """Write a text into a cell, or the number in it with so many digits."""
    i, at = index.get(row), column - sheet.left
    if i is None or not 0 <= at < len(sheet.rows[i]):
        return
    value = sheet.rows[i][at]
    if isinstance(what, str):
        sheet.rows[i][at] = what
    elif isinstance(value, float) and value.is_integer() and value >= 0:
        sheet.rows[i][at] = str(int(value)).zfill(what)


def _about(source: Source, sheet: _Sheet, parts: Parts, file: str) -> list[Problem]:
    """Hidden rows, merged cells and formulas without a value among the rows of a table."""
    lines = [] if source.lines is None else source.lines.tolist()
    row_of = {line: i + 1 for i, line in enumerate(lines)}
    where: dict[str, Any] = {"file": file, "layer": sheet.title}
    out = []
    hidden = [row for row in parts.hidden if row in row_of]
    if hidden:
        text = (
            f"{len(hidden)} row(s) are hidden, by a filter or by hand; they are read like the "
            "others."
        )
        out.append(problem("rows_hidden", text, line=hidden[0], **where))
    if source.covered:
        text = (
            f"Merged cells: their value is taken for all rows they cover ({len(source.covered)} "
            "cells)."
        )
        out.append(problem("merged_cells", text, severity="note", **where))
    for (row, _), formula in parts.formulas.items():
        if row in row_of:
            out.append(
                problem("formula_without_value", row=row_of[row], line=row, value=formula, **where,
                    message="The cell holds a formula whose value was never saved.",
                    mend="Open the workbook in a spreadsheet program, let it calculate, and save.",
                ),
            )  # fmt: skip
    return out


def _choose(
    sheets: list[_Sheet], file: str, names: frozenset[str], sheet: str | None, role: str | None
) -> _Sheet:
    """Return the sheet asked for, or the only one whose top rows carry the most known names."""
    titles = [s.title for s in sheets]
    if sheet is not None:
        named = [s for s in sheets if s.title == sheet] or [
            s for s in sheets if s.title.strip().casefold() == sheet.strip().casefold()
        ]
        if not named:
            text = f"the workbook has no sheet {sheet!r}"
            mend = f"It has: {', '.join(titles) or 'none'}."
            raise Refused("layer_unclear", text, file=file, mend=mend)
        return named[0]
    named = [s for s in sheets if plain_name(s.title) == role]
    if len(named) == 1:
        return named[0]
    scores = {s.title: _score(s, names) for s in sheets}
    best = max(scores.values(), default=0)
    fitting = [s for s in sheets if scores[s.title] == best and (best or len(s.rows) > 1)]
    if not fitting and len(sheets) == 1 and sheets[0].rows:
        fitting = sheets
    if not fitting:
        raise InputError(
            "the workbook has no sheet with rows", file=file, mend="Put the table on a sheet."
        )
    fitting = [s for s in fitting if s.visible] or fitting
    if len(fitting) > 1 and best:
        text = f"several sheets fit equally well: {', '.join(s.title for s in fitting)}"
        mend = f"Name one, as in --sheet {fitting[0].title!r}."
        raise Refused("layer_unclear", text, file=file, mend=mend)
    return fitting[0]


def _score(sheet: _Sheet, names: frozenset[str]) -> int:
    """Most names of columns that one of the top rows carries: those of the layer count first."""
    rows = sheet.rows[:_TOP]
    own = (sum(plain_name(str(c)) in names for c in row if c is not None) for row in rows)
    every = (known_cells(row, names) for row in rows)
    return max((10 * a + b for a, b in zip(own, every, strict=True)), default=0)
