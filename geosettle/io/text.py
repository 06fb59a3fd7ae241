"""Delimited text as rows of cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from geosettle.errors import InputError
from geosettle.io import source as sizes
from geosettle.io.encodings import read_text
from geosettle.io.headers import known_cells
from geosettle.io.source import Source, check_size
from geosettle.io.tables import table_from_records
from geosettle.problems import problem

_DELIMITERS: Final = ",\t;|"
_HEADER_SEARCH: Final = 30
"""Rows at the top of a table among which the header is looked for."""


def read_text_table(
    data: bytes,
    file: str,
    *,
    names: Collection[str] = (),
    encoding: str | None = None,
    tab: bool = False,
    header_row: int | None = None,
) -> Source:
    """Cells of a delimited text file.

    Parameters
    ----------
    data
        Bytes of the file.
    file
        Name for messages.
    names
        Plain column names that a header may have, to find it below title lines.
    encoding
        As for `decode`.
    tab
        Whether the extension says that tabs delimit.
    header_row
        Line of the header, as the user says.

    Raises
    ------
    InputError
        Not text, unbalanced quotes, or no row at all.
    """
    decoded = read_text(data, encoding)
    text = decoded.text.rstrip("\x1a")  # the end-of-file mark of DOS programs
    lines = text.splitlines()[:1]
    declared = re.match(r"\s*sep=(.)\s*$", lines[0], re.IGNORECASE) if lines else None
    delimiter = declared[1] if declared else _delimiter(text, names, tab=tab)
    records, starts, loose = _records(text, delimiter, file)
    if declared:
        records, starts = records[1:], starts[1:]
    source = table_from_records(
        records, starts, file, names=names, header_row=header_row,
        cut_off=bool(text) and text[-1] not in "\r\n",
    )  # fmt: skip
    extra = decoded.problems(file)
    if loose:
        stated = f"Quotation marks do not pair on {len(loose)} line(s) and were read as letters."
        extra.append(problem("quotes_kept", stated, file=file, line=loose[0]))
    return replace(
        source, format="CSV", encoding=decoded.encoding, delimiter=delimiter,
        problems=(*extra, *source.problems),
    )  # fmt: skip


def _delimiter(text: str, names: Collection[str], *, tab: bool) -> str:
    """Return the delimiter that splits a line into the most names of columns.

    Else the one that splits the lines into the same, largest number of fields.
    """
    lines = [line for line in text[:50_000].splitlines()[:_HEADER_SEARCH] if line.strip()]
    known = {
        mark: max(
            (known_cells(_fields(line, mark), names) for line in lines if mark in line), default=0
        )
        for mark in _DELIMITERS
    }
    best = max(known.values())
    leading = [mark for mark in _DELIMITERS if known[mark] == best]
    if best >= 2 and len(leading) == 1:
        return leading[0]
    sample = [line for line in _unquoted(text[:50_000]).splitlines() if line.strip()][:50]

    def score(mark: str) -> tuple[float, int]:
        counts = Counter(line.count(mark) for line in sample)
        fields, lines = max(
            ((n, k) for n, k in counts.items() if n), default=(0, 0), key=lambda item: item[1]
        )
        return (lines / max(len(sample), 1) if fields else 0.0, fields)

    if tab and score("\t")[1]:
        return "\t"
    usual = max(
        _DELIMITERS,
        key=lambda mark: (min(score(mark)[0], 0.9) + (mark in "\t;") * 0.05, score(mark)[1]),
    )
    return usual if score(usual)[1] else ("\t" if tab else ",")


def _fields(line: str, delimiter: str) -> list[str]:
    """Fields of one line, its quotation marks taken as letters if they do not pair."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return line.split(delimiter)


def _unquoted(text: str) -> str:
    return re.sub(r'"(?:[^"]|"")*"', "", text)


def _records(text: str, delimiter: str, file: str) -> tuple[list[list[str]], list[int], list[int]]:
    """Return records that are not blank, the line each starts on, and lines with odd marks.

    In these lines the quotation marks are letters.
    """
    csv.field_size_limit(10_000_000)
    if delimiter in "\t|":
        records, starts, loose = _line_by_line(text, delimiter)
        if loose:
            return records, starts, loose
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records, starts, line, cells = [], [], 1, 0
    try:
        for record in reader:
            cells += len(record)
            if cells > sizes.MOST_CELLS:
                check_size(cells, 1, file)
            if "".join(record).strip():
                records.append(record)
                starts.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        kept = _line_by_line(text, delimiter)
        if kept[2]:
            return kept
        raise InputError(
            f"quotation marks do not balance from line {line} on ({error})",
            file=file,
            mend='Put text that holds quotation marks in quotation marks, doubling them: "the '
            '""new"" village".',
        ) from error
    return records, starts, []


def _line_by_line(text: str, delimiter: str) -> tuple[list[list[str]], list[int], list[int]]:
    """Read every line as a record; return also lines whose quotation marks do not pair.

    Only if those are letters, not the marks of a field over several lines.
    """
    lines = re.split(r"\r\n|[\r\n]", text)
    loose = [n for n, line in enumerate(lines, 1) if '"' in line and not _pairs(line, delimiter)]
    if not loose:
        return [], [], []
    usual = Counter(len(_fields(line, delimiter)) for line in lines if line.strip())
    width = max(usual, key=lambda n: (usual[n], n))
    if any(len(lines[n - 1].split(delimiter)) != width for n in loose):
        return [], [], []
    kept = [
        (n, _fields(line, delimiter))
        for n, line in enumerate(lines, 1)
        if line.strip(f" {delimiter}")
    ]
    return [record for _, record in kept], [n for n, _ in kept], loose


def _pairs(line: str, delimiter: str) -> bool:
    """Whether the quotation marks of a line enclose whole fields."""
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True), None)
    except csv.Error:
        return False
    return True
