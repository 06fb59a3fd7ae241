"""A matrix of cells as a table: the header found, rows under it, what is odd about them named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.errors import InputError
from geosettle.io.headers import Header, find_header, is_tag_row
from geosettle.io.source import Refused, Source
from geosettle.layers import plain_name
from geosettle.problems import Problem, problem

WIDEST: Final = 2_000
"""Columns that are read at most."""


def table_from_records(
    records: Sequence[Sequence[Any]],
    starts: Sequence[int],
    file: str,
    *,
    names: Collection[str] = (),
    layer: str = "",
    cut_off: bool = False,
    header_row: int | None = None,
    merged: Mapping[tuple[int, int], int] | None = None,
) -> Source:
    """Cells under their headers, the header found below any title lines.

    Parameters
    ----------
    records
        Rows of cells, none of them blank.
    starts
        Line or sheet row of each.
    names
        Plain column names a header may have, besides those of all layers.
    cut_off
        Whether the file ends without a line end, so that a short last row is one that was cut.
    header_row
        Line or sheet row of the header, as the user says; 0 where there is none: the columns are
        then called column1, column2 and so on.
    merged
        Sheet row and column (from 0) of a cell that repeats the value of a merged one, to the sheet
        row that value is written in.

    Raises
    ------
    InputError
        There is no row, or the header is not where the user says.
    """
    if not records:
        raise InputError(
            "the table is empty", file=file, mend="Give it a header line and at least one row."
        )
    at = None
    if header_row == 0:
        width = max(len(record) for record in records)
        header = Header(-1, -1, tuple(f"column{n}" for n in range(1, width + 1)))
    elif header_row is not None:
        if header_row not in starts:
            raise InputError(f"row {header_row} is empty, so it cannot be the header", file=file)
        at = list(starts).index(header_row)
    if header_row != 0:
        header = find_header(records, frozenset(names), at=at)
    headers, problems = _headers(header.texts, file, layer)
    problems += _about_header(header, starts, file, layer)
    rows, lines = list(records[header.last + 1 :]), list(starts[header.last + 1 :])
    rows, lines, repeated = _without_headers(rows, lines, header.texts, file, layer)
    problems += repeated
    problems += _widths(rows, lines, len(headers), file, layer, cut_off=cut_off)
    width = len(headers)
    columns = ([row[j] if j < len(row) else None for row in rows] for j in range(width))
    frame = pd.DataFrame(
        {h: pd.Series(cells, dtype=object) for h, cells in zip(headers, columns, strict=True)},
        index=range(len(rows)),
    )
    problems = [_with_difference(p, frame, lines) for p in problems]
    place = {line: i for i, line in enumerate(lines)}
    covered = frozenset(
        (place[line], headers[column])
        for (line, column) in merged or {}
        if line in place and column < width
    )
    return Source(
        frame, file, "table", layer=layer, lines=np.asarray(lines, dtype=np.int64),
        covered=covered, problems=tuple(problems),
    )  # fmt: skip


def _with_difference(found: Problem, frame: pd.DataFrame, lines: Sequence[int]) -> Problem:
    """Say of two columns of one name in how many rows they differ; a copy is only worth a note."""
    if found.code != "column_repeated":
        return found
    name = plain_name(found.column)
    names = {str(h): plain_name(str(h)) for h in frame.columns}
    first = frame[next(h for h, plain in names.items() if plain == name)]
    differ = np.zeros(len(frame), dtype=bool)
    for header in [h for h, p in names.items() if re.fullmatch(rf"{re.escape(name)}_\d+", p)]:
        other = frame[header]
        differ |= ((first != other) & ~(first.isna() & other.isna())).to_numpy(dtype=bool)
    rows = np.flatnonzero(differ)
    if not rows.size:
        return replace(found, severity="note", message=f"{found.message} They are the same.")
    text = f"{found.message} They differ in {rows.size} row(s), first in line {lines[rows[0]]}."
    return replace(found, message=text)


def _about_header(header: Header, starts: Sequence[int], file: str, layer: str) -> list[Problem]:
    out = []
    if header.first > 0:
        out.append(
            problem("header_below_title", file=file, layer=layer, line=int(starts[header.first]),
                message=f"The header was found below {header.first} line(s) of title, which were "
                        "skipped.",
            ),
        )  # fmt: skip
    if header.last > header.first:
        kinds = "names, or units" if not header.tags else "names, and HXL hashtags"
        text = (
            f"The header has {header.last - header.first + 1} rows ({kinds}); they were read as "
            "one."
        )
        line = int(starts[header.last])
        out.append(problem("header_several_rows", text, file=file, layer=layer, line=line))
    return out


def _without_headers(
    rows: list[Any], lines: list[int], header: Sequence[str], file: str, layer: str
) -> tuple[list[Any], list[int], list[Problem]]:
    """Leave out rows that repeat the header, as in files put together by hand."""
    stated = [plain_name(h) for h in header if h]
    again, problems = set(), []
    for i, row in enumerate(rows):
        if len(row) < 2 or (not isinstance(row[0], str) and not isinstance(row[-1], str)):
            continue
        first = str(row[0]).replace("\ufeff", "")
        if first != row[0] or plain_name(first) in stated:
            texts = [plain_name(str(c)) for c in row if c not in (None, "")]
            if texts == stated or is_tag_row(row):
                again.add(i)
            elif len(texts) > 2 and sorted(texts) == sorted(stated):
                raise InputError(
                    "from this row on the columns are in another order", file=file, row=i + 1,
                    mend="Split the file there, or write all rows in one order.",
                )  # fmt: skip
    if again:
        where = ", ".join(str(lines[i]) for i in sorted(again)[:5])
        text = f"The header is repeated in {len(again)} row(s) ({where}), which are no data."
        line = int(lines[min(again)])
        problems = [problem("header_repeated", text, file=file, layer=layer, line=line)]
    kept = [i for i in range(len(rows)) if i not in again]
    return [rows[i] for i in kept], [lines[i] for i in kept], problems


def _widths(
    rows: Sequence[Any], lines: Sequence[int], width: int, file: str, layer: str, *, cut_off: bool
) -> list[Problem]:
    """Rows that have more or fewer cells than there are headers."""
    problems = []
    for number, row in enumerate(rows, 1):
        if len(row) == width and row[-1]:
            continue  # nearly every row
        filled = max((i + 1 for i, cell in enumerate(row) if cell not in (None, "")), default=0)
        last = number == len(rows) and cut_off
        line = int(lines[number - 1])
        if filled > width:
            problems.append(
                problem("row_too_long", file=file, layer=layer, row=number, line=line,
                    value=str(row[width])[:80],
                    message=f"The row has {len(row)} cells under {width} headers; values may be in "
                            "wrong columns.",
                    mend="Put text that holds the delimiter in quotation marks.",
                ),
            )  # fmt: skip
        elif len(row) < width:
            problems.append(
                problem("row_cut" if last else "row_too_short", file=file, layer=layer, row=number,
                    line=line,
                    message=f"The row has {len(row)} cells under {width} headers"
                    + (" and the file ends in the middle of it." if last else "; the rest is taken "
                                                                              "as missing."),
                    mend="Fill it to the end." if last else "Add the missing delimiters.",
                ),
            )  # fmt: skip
    return problems


def _headers(row: Sequence[Any], file: str, layer: str) -> tuple[list[str], list[Problem]]:
    """Return unique header texts; a repeated one gets a number and is reported."""
    texts = ["" if c is None else str(c).replace("\ufeff", "").strip() for c in row]
    while texts and not texts[-1]:
        texts.pop()
    if len(texts) > WIDEST:
        raise Refused(
            "file_too_large",
            f"the table has {len(texts)} columns; at most {WIDEST} are read",
            file=file,
        )
    problems, seen, out = [], Counter[str](), []
    for n, header in enumerate(texts, 1):
        text = header or f"column {n}"
        seen[plain_name(text)] += 1
        if seen[plain_name(text)] > 1:
            problems.append(
                problem("column_repeated", file=file, layer=layer, column=text,
                    message=f"Two columns are called {text!r}; the first is used.",
                    mend="Rename or remove one of them.",
                ),
            )  # fmt: skip
            text = f"{text}.{seen[plain_name(text)]}"
        out.append(text)
    return out, problems
