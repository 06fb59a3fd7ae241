"""The header of a table, found among its top rows, whatever the format of the file."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from geosettle.io.column_names import UNITS, is_known
from geosettle.layers import plain_name

_SEARCH: Final = 30
"""Rows at the top of a table among which the header is looked for."""
_TAG: Final = re.compile(r"#[A-Za-z][\w-]*(\s*\+\s*[\w-]+)*")
"""A hashtag of the Humanitarian Exchange Language, such as #geo+lat."""
_UNIT_WORDS: Final = frozenset(
    {unit for units in UNITS.values() for unit in units} | {"text", "%", "year", "年", "文本", "个"}
)
_MEASURED: Final = frozenset({"male", "female", "total", "min", "max", "mean", "date", "status"})


@dataclass(frozen=True)
class Header:
    """Rows of a matrix of cells that hold the header, and the text over each column.

    Parameters
    ----------
    first, last
        Index of the first row of the header and of its last one (tags and units included).
    texts
        Header of each column; "" where there is none.
    tags
        Whether a row of hashtags belongs to it.
    """

    first: int
    last: int
    texts: tuple[str, ...]
    tags: bool = False


def known_cells(row: Sequence[Any], names: Collection[str] = ()) -> int:
    """Count the cells of a row that can name a column of a layer, each name once."""
    texts = {str(c).strip() for c in row if isinstance(c, str) and c.strip()}
    return sum(plain_name(t) in names or is_known(t) for t in texts)


def is_tag_row(row: Sequence[Any]) -> bool:
    """Whether a row holds nothing but hashtags."""
    filled = [str(c).strip() for c in row if c not in (None, "") and str(c).strip()]
    return len(filled) >= 2 and all(len(c) < 100 and _TAG.fullmatch(c) for c in filled)


def find_header(
    rows: Sequence[Sequence[Any]], names: Collection[str] = (), *, at: int | None = None
) -> Header:
    """Find the header: of the top rows the first with most known names, else the first full one.

    Parameters
    ----------
    rows
        Rows of cells, none of them blank.
    names
        Plain names that a header may have, besides those of all layers.
    at
        Index of the row that the user says it is.

    Examples
    --------
    >>> rows = [["Sites of 2019"], ["id", "name", "#hh"], ["#loc+code", "#loc+name", "#hh"]]
    >>> rows.append(["a", "b", 3])
    >>> find_header(rows)
    Header(first=1, last=2, texts=('id', 'name', '#hh'), tags=True)
    """
    first = last = _row_of(rows, names) if at is None else at
    texts = _texts(rows[first])
    while at is None and first and _shares(rows[first - 1], texts):
        first -= 1  # cells of the header that are merged over several rows
    tags = False
    while last + 1 < len(rows):
        row = rows[last + 1]
        if not tags and is_tag_row(row):
            last, tags = last + 1, True
            continue
        below = None if at is not None else _second_row(texts, row, names)
        if below is None:
            break
        last, texts = last + 1, below
    return Header(first, last, tuple(texts), tags)


def _shares(above: Sequence[Any], texts: Sequence[str]) -> bool:
    """Whether a row has some of the texts in the columns they are in."""
    return any(t and t == u for t, u in zip(texts, _texts(above), strict=False))


def _texts(row: Sequence[Any]) -> list[str]:
    texts = ["" if c is None else str(c).replace("\ufeff", "").strip() for c in row]
    if texts and re.match(r"#\s*\w", texts[0]) and not is_tag_row(row):
        texts[0] = texts[0].lstrip("# ")  # the mark of a comment before a header
    return texts


def _row_of(rows: Sequence[Sequence[Any]], names: Collection[str]) -> int:
    top = rows[:_SEARCH]
    scores = [known_cells(_texts(row), names) for row in top]
    best = max(scores, default=0)
    if best >= 2:
        return scores.index(best)
    # No name is known: a title has few cells, a header is text over most of the columns.
    filled = [sum(c not in (None, "") for c in row) for row in rows[: 2 * _SEARCH]]
    usual = sorted(filled)[len(filled) // 2] if filled else 0
    for i, row in enumerate(top[: len(rows) - 1]):
        cells = [c for c in row if c not in (None, "")]
        if filled[i] >= max(2, 0.6 * usual) and all(isinstance(c, str) for c in cells):
            return i
    return 0


def _second_row(
    above: Sequence[str], row: Sequence[Any], names: Collection[str]
) -> list[str] | None:
    """Return the header and the row below it as one.

    Only if that row holds nothing but names of columns, or of their units.
    """
    cells = _texts(row)
    upper = [*above, *[""] * (len(cells) - len(above))]
    filled = [c for c in cells if c]
    if len(filled) < 2 or len(cells) > len(upper) or not all(isinstance(c, str) for c in row if c):
        return None
    blank_above = any(c and not u for c, u in zip(cells, upper, strict=False))
    if all(plain_name(c) in names or (blank_above and is_known(c)) for c in filled):
        return [
            c if c and not _names(u, names) else u
            for c, u in zip_longest(cells, upper, fillvalue="")
        ]
    if _groups(upper, cells, names):
        pairs = zip_longest(upper, cells, fillvalue="")
        return [f"{u} {c}".strip() if u != c else u for u, c in pairs]
    units = [unicodedata.normalize("NFKC", c).strip(" ()[]").casefold().strip("-—") for c in cells]
    if not any(units) or not all(u in _UNIT_WORDS for u in units if u):
        return None
    pairs = zip_longest(upper, units, fillvalue="")
    return [
        f"{name} ({unit})" if unit and not re.search(r"[(（\[]", name) else name
        for name, unit in pairs
    ]


def _names(text: str, names: Collection[str]) -> bool:
    return plain_name(text) in names or is_known(text)


def _groups(upper: Sequence[str], cells: Sequence[str], names: Collection[str]) -> bool:
    """Whether the upper row names groups of columns and the lower their members.

    A group is one text over several columns.
    """
    over = [(u, c) for u, c in zip(upper, cells, strict=False) if c]
    repeated = {u for u, _ in over if u and sum(u == other for other, _ in over) > 1}
    if not repeated:
        return False
    own = [c for u, c in over if u not in repeated]
    if any(c and u and u != c for u, c in over if u not in repeated):
        return False
    words = [c for u, c in over if u in repeated]
    return all(not re.search(r"\d{3}|\d\.\d", c) for c in words + own) and any(
        plain_name(c) in _MEASURED or _names(c, names) for c in words
    )
