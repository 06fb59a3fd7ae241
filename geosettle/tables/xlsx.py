"""tables.xlsx: every table, the data dictionary and the sources in one workbook."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xlsxwriter

from geosettle.analysis import Result
from geosettle.io.write import plain_table
from geosettle.problems import Problems, attempt
from geosettle.tables import TABLES, Table, cited, describe, tables
from geosettle.tables.dictionary import ABOUT_DICTIONARY, ABOUT_SOURCES, Entry

_CELL_MOST: Final = 32_767  # characters a cell of the format can hold
_ROWS_MOST: Final = 100_000
"""Rows of a table up to which it has a sheet: above, programs take minutes to open it."""
_CELLS_IN_MEMORY: Final = 500_000
_WIDEST: Final = 60
_WHOLE: Final = frozenset({"households", "persons", "count"})
"""Units that are counted."""
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
"""How a number is written that a cell can hold without loss; not a code that begins with 0."""
_CREATED: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  (the format has no zone; a fixed date keeps the bytes the same)


def tables_xlsx(
    result: Result,
    *,
    written: Mapping[str, pd.DataFrame] | None = None,
    catalogue: Mapping[str, Table] | None = None,
    problems: Problems | None = None,
) -> bytes:
    """Write all tables into one workbook, with a `dictionary` and a `sources` sheet.

    A table of more than 100,000 rows is in its CSV only, which its title in `dictionary` states.
    Text stays text: nothing from the data becomes a formula or a link. A column of the user's own
    is text as it was given; only where the dictionary states a unit is what reads as a number
    written as one. The bytes depend on the tables alone.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    written
        What `tables` returned for it, where that is at hand.
    catalogue
        The tables, by name; None takes `TABLES`.
    problems
        Takes one problem for each sheet that fails, which is then as far as it came; None: it is
        raised.
    """
    catalogue = TABLES if catalogue is None else catalogue
    frames = cited(tables(result, catalogue), result) if written is None else dict(written)
    described: dict[str, Mapping[str, Entry]] = {}
    for name, frame in frames.items():
        make = partial(describe, catalogue[name], frame, result)
        described[name] = attempt(problems, f"sheet {name}", make) or {}
    buffer = io.BytesIO()
    sheets = {name: frame for name, frame in frames.items() if len(frame) <= _ROWS_MOST}
    with _workbook(buffer, result.study.name, sheets.values()) as (book, looks):
        for name, frame in sheets.items():
            units = {column: found.unit for column, found in described[name].items()}
            attempt(problems, f"sheet {name}", partial(_sheet, book, name, frame, looks, units))
        sources = sources_frame(result)
        about = dictionary_frame(
            frames, described, catalogue, sources=list(map(str, sources)) * bool(len(sources))
        )
        _sheet(book, "dictionary", about, looks, {})
        if len(sources):
            _sheet(book, "sources", sources, looks, {"rows": "count"})
    return buffer.getvalue()


def sheet_xlsx(name: str, table: pd.DataFrame) -> bytes:
    """Write one table as a workbook of one sheet; named index levels become columns.

    Parameters
    ----------
    name
        Of the sheet; what the format does not allow in it is left out.
    table
        Any frame; geometry is left out.

    Returns
    -------
    bytes
        The same for the same table. Text stays text: no formulas, no links.
    """
    buffer = io.BytesIO()
    with _workbook(buffer, name, [table]) as (book, looks):
        sheet = re.sub(r"[\[\]:*?/\\']", "", name)[:31] or "table"
        _sheet(book, sheet, plain_table(table), looks, {})
    return buffer.getvalue()


@contextmanager
def _workbook(
    buffer: io.BytesIO, title: str, frames: Iterable[pd.DataFrame]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Open a workbook without formulas, links and dates; with the looks of its cells."""
    options = {
        # Kept in memory, a cell takes some 300 bytes.
        "constant_memory": sum(frame.size for frame in frames) > _CELLS_IN_MEMORY,
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": title, "author": "geosettle", "created": _CREATED})
        looks = {
            "head": book.add_format(
                {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
            ),
            "text": book.add_format({"num_format": "@"}),
            "number": book.add_format({"num_format": "General"}),
            "whole": book.add_format({"num_format": "#,##0"}),
            "year": book.add_format({"num_format": "0"}),
        }
        yield book, looks


def dictionary_frame(
    frames: Mapping[str, pd.DataFrame],
    described: Mapping[str, Mapping[str, Entry]],
    catalogue: Mapping[str, Table],
    *,
    sources: Sequence[str],
) -> pd.DataFrame:
    """One row per sheet and column: its meaning and its unit.

    Where it has no unit, what kind of value it holds.
    """
    rows = [
        {
            "table": name,
            "title": catalogue[name].title + _elsewhere(name, frame),
            "column": column,
            "meaning": found.meaning,
        }
        | {"unit": found.unit or _kind(frame[column])}
        for name, frame in frames.items()
        for column, found in described[name].items()
    ]
    rows += [
        {
            "table": name,
            "title": title,
            "column": column,
            "meaning": found.meaning,
            "unit": found.unit or "text",
        }
        for name, title, meanings in (
            ("dictionary", "What the columns mean", ABOUT_DICTIONARY),
            ("sources", "Input files", {name: ABOUT_SOURCES[name] for name in sources}),
        )
        for column, found in meanings.items()
    ]
    return pd.DataFrame(rows, columns=list(ABOUT_DICTIONARY))


def _elsewhere(name: str, frame: pd.DataFrame) -> str:
    """Say where a table is that is too long for a sheet; "" for the others."""
    too_long = len(frame) > _ROWS_MOST
    return f" ({len(frame):,} rows, only in tables/{name}.csv)" if too_long else ""


def _kind(column: pd.Series) -> str:
    """Say what kind of value a column without a unit holds.

    Examples
    --------
    >>> _kind(pd.Series(["a", None])), _kind(pd.Series([1.5]))
    ('text', 'number')
    >>> _kind(pd.Series([True, None], dtype=object))
    'true or false'
    """
    values = column.dropna()
    if len(values) and values.map(lambda value: isinstance(value, (bool, np.bool_))).all():
        return "true or false"
    return "number" if len(values) and pd.api.types.is_numeric_dtype(column) else "text"


def sources_frame(result: Result) -> pd.DataFrame:
    """One row per input file: layer, source, licence, date, rows, fingerprint."""
    stated = any(facts.get("attribution") for facts in result.study.inputs.values())
    fields = [name for name in ABOUT_SOURCES if stated or name != "attribution"]
    rows = [
        {"file": file, **{key: _plain(facts.get(key)) for key in fields[1:]}}
        for file, facts in sorted(result.study.inputs.items())
    ]
    return pd.DataFrame(rows, columns=fields)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, set)):
        return ", ".join(str(item) for item in value)
    return value if value is None or isinstance(value, (int, float, str)) else str(value)


def _sheet(
    book: Any, name: str, frame: pd.DataFrame, looks: Mapping[str, Any], units: Mapping[str, str]
) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    columns, looks_of, stated = [str(c) for c in frame.columns], [], []
    for at, column in enumerate(columns):
        sheet.write_string(0, at, column, looks["head"])
        unit = units.get(column, "")
        stated.append(bool(unit))
        looks_of.append("year" if unit == "year" else "whole" if unit in _WHOLE else "number")
    widest = [len(column) for column in columns]
    values = zip(*(frame[column].tolist() for column in frame.columns), strict=True)
    for row, cells in enumerate(values, start=1):
        for at, value in enumerate(cells):
            read = _read(value) if stated[at] else value
            widest[at] = max(widest[at], _cell(sheet, (row, at), read, looks, looks_of[at]))
    for at, wide in enumerate(widest):
        sheet.set_column(at, at, min(max(wide, 6) + 2, _WIDEST))
    if len(frame.columns):
        sheet.autofilter(0, 0, max(len(frame), 1), len(frame.columns) - 1)


def _read(value: Any) -> Any:
    """Give the number that a text states, else the value as it is.

    Examples
    --------
    >>> [_read(v) for v in ("1666.67", "400", "about 40", "007", None)]
    [1666.67, 400.0, 'about 40', '007', None]
    """
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _cell(
    sheet: Any, place: tuple[int, int], value: Any, looks: Mapping[str, Any], look: str
) -> int:
    """Write one cell, nothing where the value is missing; return how wide it is."""
    row, at = place
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or value == ""
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        return 0
    if isinstance(value, bool):
        sheet.write_boolean(row, at, value)
        return 5
    if isinstance(value, (int, float)):
        sheet.write_number(row, at, value, looks[look])
        return len(f"{value:,}")
    text = str(value)
    if len(text) > _CELL_MOST:
        text = text[: _CELL_MOST - 1] + "…"
    sheet.write_string(row, at, text, looks["text"])
    if text.isascii():
        return min(len(text), 2 * _WIDEST)
    # Chinese characters are twice as wide as Latin ones.
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text[: 2 * _WIDEST])
