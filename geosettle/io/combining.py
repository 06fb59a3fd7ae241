"""One table for several layers: identifiers made of columns, and rows of one identifier as one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.errors import InputError
from geosettle.io.column_names import find_columns
from geosettle.io.numbers import to_number, to_text
from geosettle.io.source import Source
from geosettle.layers import LayerSpec, plain_name
from geosettle.problems import problem

ROW: Final = "#"
"""Stands for the number of the row among the columns that make an identifier."""
_COUNTS: Final = ("households", "persons")


def join_columns(source: Source, made: Mapping[str, Any]) -> Source:
    """Add columns made of others, their texts parted by " / "; empty where the last one is.

    Raises
    ------
    InputError
        A column does not exist.

    Examples
    --------
    >>> cells = pd.DataFrame({"State": ["Kano"], "LGA": ["Dala"]}, dtype=object)
    >>> source = Source(cells, "a.csv", "CSV")
    >>> join_columns(source, {"origin_id": ["State", "LGA"]}).cells.iloc[0, 2]
    'Kano / Dala'
    """
    if not made:
        return source
    cells = source.cells.copy()
    for name, columns in made.items():
        named = [columns] if isinstance(columns, str) else list(columns)
        parts = [_texts(source, column) for column in named]
        joined = [
            " / ".join(p for p in row if p) if row[-1] else None for row in zip(*parts, strict=True)
        ]
        cells[name] = pd.Series(joined, index=cells.index, dtype=object)
    return replace(source, cells=cells)


def _texts(source: Source, column: str) -> list[str]:
    if column == ROW:
        lines = range(1, len(source.cells) + 1) if source.lines is None else source.lines
        return [str(int(line)) for line in lines]
    wanted = plain_name(column)
    header = next((h for h in source.cells if h == column or plain_name(str(h)) == wanted), None)
    if header is None:
        raise InputError(
            f"there is no column {column!r} to make an identifier of", file=source.file,
            mend=f"It has: {', '.join(map(str, source.cells.columns))[:300]}.",
        )  # fmt: skip
    return [(to_text(cell) or "").strip() for cell in source.cells[header].tolist()]


def combine(
    source: Source, spec: LayerSpec, mapping: Mapping[str, str], made: Collection[str]
) -> Source:
    """Rows with the same key as one: households and persons are added up.

    Of the other columns those of `mapping` and `made` are kept where the rows of each key agree.
    Rows without a key are left out.

    Raises
    ------
    InputError
        The table has no column for the key.
    """
    found, _, _ = find_columns([str(c) for c in source.cells.columns], spec, mapping)
    absent = [k for k in spec.key if k not in found]
    if absent:
        raise InputError(f"rows cannot be put together without {absent[0]}", file=source.file)
    keys = [pd.Series([to_text(v) for v in source.cells[found[k]]], dtype=object) for k in spec.key]
    kept = np.flatnonzero(np.logical_and.reduce([k.notna() & (k != "") for k in keys]))
    groups = (
        pd.DataFrame(dict(enumerate(keys))).iloc[kept].groupby(list(range(len(keys))), sort=False)
    )
    number = groups.ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    named = {*made, *(h for pair in mapping.items() for h in pair)}
    cells = source.cells[[h for h in source.cells if h in named]].iloc[kept].reset_index(drop=True)
    counts = {found[c] for c in _COUNTS if c in found}
    problems = list(source.problems)
    for header in cells.columns:
        values = cells[header]
        if header in counts:
            cells[header], lost = _sums(values, number, source.decimal)
            problems += [
                problem("number_unreadable", line=_line(source, int(kept[row])), column=str(header),
                        value=str(values.iloc[row]), severity="warning")
                for row in lost
            ]  # fmt: skip
        elif not _agree(values, number):
            cells = cells.drop(columns=header)
    text = f"{len(source.cells)} rows were put together as {len(first)} with one key each."
    if left := len(source.cells) - len(kept):
        text += f" {left} row(s) without a key were left out."
    return replace(
        source,
        cells=cells.iloc[first].reset_index(drop=True),
        geometry=None,
        crs=None,
        lines=None if source.lines is None else source.lines[kept[first]],
        covered=frozenset(),
        problems=(*(replace(p, row=None) for p in problems), problem("rows_combined", text,
        file=source.file)),
    )  # fmt: skip


def _line(source: Source, row: int) -> int:
    return row + 2 if source.lines is None else int(source.lines[row])


def _agree(values: pd.Series, number: Any) -> bool:
    """Whether all rows of each group hold one value."""
    texts = [to_text(v) or "" for v in values]
    return len(set(zip(number.tolist(), texts, strict=True))) == len(set(number.tolist()))


def _sums(values: pd.Series, number: Any, decimal: str) -> tuple[pd.Series, Sequence[int]]:
    """Sum of each group, in all its rows; and the rows whose cell is no number."""
    pairs = [(np.nan, "") if v is None or v == "" else to_number(v, decimal) for v in values]
    numbers = pd.Series([n if not code else np.nan for n, code in pairs])
    sums = numbers.groupby(number).sum(min_count=1).reindex(number).to_numpy()
    cells = [None if np.isnan(s) else float(s) for s in sums]
    return (
        pd.Series(cells, index=values.index, dtype=object),
        [row for row, (_, code) in enumerate(pairs) if code],
    )
