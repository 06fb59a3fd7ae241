"""Text tables and workbooks, read as cells. What the cells mean is decided later."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.errors import InputError
from geosettle.io.columns import UNITS
from geosettle.io.source import Refused, Source
from geosettle.layers import plain_name
from geosettle.problems import Problem, problem

__all__ = ["decode", "read_text_table", "table_from_records"]

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = ",\t;|"
_WIDEST: Final = 2_000
"""Columns that are read at most."""
_HEADER_SEARCH: Final = 30
"""Rows at the top of a table among which the header is looked for."""


def decode(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Text of a file and the encoding it was in.

    Parameters
    ----------
    data
        Bytes of the file.
    encoding
        What the user says it is; None to find out from byte-order mark and content.

    Returns
    -------
    tuple of str and str
        The text without byte-order mark, and the encoding's name.

    Raises
    ------
    InputError
        The bytes are not text, or not in the encoding stated.

    Examples
    --------
    >>> decode("名称".encode("gb18030"))
    ('名称', 'gb18030')
    """
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    if encoding:
        try:
            name = codecs.lookup(encoding).name
            name = {"utf-8": "utf-8-sig"}.get(name, name)
            return data.decode(name).removeprefix("\ufeff"), encoding
        except (LookupError, UnicodeError) as error:
            raise InputError(
                f"the file is not in the encoding {encoding}",
                mend="Leave the encoding out, or name the right one.",
            ) from error
    guesses = (marked,) if marked else _guesses(data)
    for name in guesses:
        try:
            text = data.decode(name)
        except UnicodeError:
            continue
        if "\x00" in text:
            continue
        return text.removeprefix("\ufeff"), name.removesuffix("-sig")
    raise InputError(
        "the file is not text, or in an encoding that cannot be told",
        mend="Save it as UTF-8, or name its encoding.",
    )


def _guesses(data: bytes) -> tuple[str, ...]:
    """Return encodings to try, most telling first."""
    zeros = data[:4000].count(0)
    if zeros:
        even = data[:4000:2].count(0)
        return ("utf-16-be", "utf-16-le") if even > zeros / 2 else ("utf-16-le", "utf-16-be")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return ("utf-8",)
    scores = {name: _everyday(data, name) for name in ("gb18030", "big5", "cp1251")}
    best = max(scores, key=lambda name: scores[name])
    latin = _everyday(data, "cp1252")
    # Letters of the Latin alphabet with accents stand among plain ones; Chinese and Cyrillic come
    # in whole words.
    return ("cp1252",) if latin > scores[best] else (best,) if scores[best] > 0.5 else ()


def _everyday(data: bytes, encoding: str) -> float:
    """How far the characters beyond ASCII are everyday ones of the language an encoding is for, 0
    to 1.
    """
    try:
        text = data.decode(encoding)
    except UnicodeError:
        return 0.0
    beyond = [c for c in text if ord(c) > 127]
    if not beyond:
        return 0.0
    if encoding == "cp1252":
        words = [w for w in re.findall(r"\w+", text) if not w.isascii()]
        mixed = sum(not re.search(r"[^\x00-\x7f]{3,}", w) for w in words)
        letters = sum(c.isalpha() or c in "’“”–—°²³º€«»" for c in beyond)
        return min(letters / len(beyond), (mixed + 0.1) / (len(words) + 0.1))
    return sum(_commonness(c, encoding) for c in beyond) / len(beyond)


def _commonness(character: str, encoding: str) -> float:
    """1 for a character of the first, commoner half of a Chinese character set or for a Cyrillic
    letter.
    """
    if encoding == "cp1251":
        return 0.9 if "А" <= character <= "я" or character in "ЁёІіҚқ" else 0.0
    code = character.encode("gb2312" if encoding == "gb18030" else encoding, "ignore")
    if len(code) != 2:
        return 0.0
    common, rarer = (
        ((0xB0, 0xD7), (0xD8, 0xF7)) if encoding == "gb18030" else ((0xA4, 0xC6), (0xC9, 0xF9))
    )
    if 0xA1 <= code[0] <= 0xA3 or common[0] <= code[0] <= common[1]:
        return 1.0
    return 0.5 if rarer[0] <= code[0] <= rarer[1] else 0.0


def read_text_table(
    data: bytes,
    file: str,
    *,
    names: Collection[str] = (),
    encoding: str | None = None,
    tab: bool = False,
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

    Raises
    ------
    InputError
        Not text, unbalanced quotes, or no row at all.
    """
    text, used = decode(data, encoding)
    text = text.rstrip("\x1a")  # the end-of-file mark of DOS programs
    lines = text.splitlines()[:1]
    declared = re.match(r"\s*sep=(.)\s*$", lines[0], re.IGNORECASE) if lines else None
    delimiter = declared[1] if declared else _delimiter(text, tab=tab)
    records, starts = _records(text, delimiter, file)
    if declared:
        records, starts = records[1:], starts[1:]
    source = table_from_records(
        records, starts, file, names=names, cut_off=bool(text) and text[-1] not in "\r\n"
    )
    extra = _text_problems(text, used, file)
    return Source(
        source.cells, file, "CSV", lines=source.lines, encoding=used, delimiter=delimiter,
        problems=(*extra, *source.problems),
    )  # fmt: skip


def _text_problems(text: str, encoding: str, file: str) -> list[Problem]:
    """Damage that shows in the text itself, and an encoding that had to be guessed."""
    out = []
    if "\ufffd" in text or "锟斤拷" in text or _misread(text):
        out.append(
            problem("text_damaged", file=file,
                message="Some letters were destroyed when the file was saved in the wrong encoding.",
                mend="Save it again from the original as UTF-8.",
            ),
        )  # fmt: skip
    if encoding in {"cp1252", "cp1251", "big5"}:
        out.append(
            problem("encoding_guessed", file=file, value=encoding,
                message=f"The file is not UTF-8; it was read as {encoding}.",
                mend="Save it as UTF-8, or name its encoding.",
            ),
        )  # fmt: skip
    return out


def _misread(text: str) -> bool:
    """Whether runs of accented letters are UTF-8 that was once read as Latin text and saved so."""
    for run in set(re.findall(r"[^\x00-\x7f]{2,}", text[:1_000_000])):
        for encoding in ("cp1252", "latin-1"):
            try:
                run.encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
            return True
    return False


def _delimiter(text: str, *, tab: bool) -> str:
    """Return the delimiter that splits the first lines into the same, largest number of fields."""
    sample = [line for line in _unquoted(text[:50_000]).splitlines() if line.strip()][:50]

    def score(mark: str) -> tuple[float, int]:
        counts = Counter(line.count(mark) for line in sample)
        fields, lines = max(
            ((n, k) for n, k in counts.items() if n), default=(0, 0), key=lambda item: item[1]
        )
        return (lines / max(len(sample), 1) if fields else 0.0, fields)

    if tab and score("\t")[1]:
        return "\t"
    best = max(
        _DELIMITERS,
        key=lambda mark: (min(score(mark)[0], 0.9) + (mark in "\t;") * 0.05, score(mark)[1]),
    )
    return best if score(best)[1] else ("\t" if tab else ",")


def _unquoted(text: str) -> str:
    return re.sub(r'"(?:[^"]|"")*"', "", text)


def _records(text: str, delimiter: str, file: str) -> tuple[list[list[str]], list[int]]:
    """Return records that are not blank, and the line each starts on."""
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records, starts, line = [], [], 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append(record)
                starts.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"quotation marks do not balance from line {line} on ({error})",
            file=file,
            mend='Put text that holds quotation marks in quotation marks, doubling them: "the ""new"" village".',
        ) from error
    return records, starts


def table_from_records(
    records: Sequence[Sequence[Any]],
    starts: Sequence[int],
    file: str,
    *,
    names: Collection[str] = (),
    layer: str = "",
    cut_off: bool = False,
) -> Source:
    """Cells under their headers, the header found below any title lines.

    Parameters
    ----------
    records
        Rows of cells, none of them blank.
    starts
        Line or sheet row of each.
    names
        Plain column names a header may have.
    cut_off
        Whether the file ends without a line end, so that a short last row is one that was cut.

    Raises
    ------
    InputError
        There is no row.
    """
    if not records:
        raise InputError(
            "the table is empty", file=file, mend="Give it a header line and at least one row."
        )
    known = frozenset(names)
    at = _header_at(records, known)
    first, header = at, records[at]
    while at + 1 < len(records) and (below := _second_header(header, records[at + 1], known)):
        at, header = at + 1, below
    headers, problems = _headers(header, file, layer)
    if first:
        problems.append(
            problem("header_below_title", file=file, layer=layer, line=int(starts[first]),
                message=f"The header was found below {first} line(s) of title, which were skipped.",
            ),
        )  # fmt: skip
    if at > first:
        problems.append(
            problem("header_several_rows", file=file, layer=layer, line=int(starts[at]),
                message=f"The header has {at - first + 1} rows (names, or units); they were read as one.",
            ),
        )  # fmt: skip
    rows, width = records[at + 1 :], len(headers)
    for number, row in enumerate(rows, 1):
        if len(row) == width and row[-1]:
            continue  # nearly every row
        filled = max((i + 1 for i, cell in enumerate(row) if cell not in (None, "")), default=0)
        last = number == len(rows) and cut_off
        if filled > width:
            problems.append(
                problem("row_too_long", file=file, layer=layer, row=number,
                    line=int(starts[at + number]), value=str(row[width])[:80],
                    message=f"The row has {len(row)} cells under {width} headers; values may be in wrong columns.",
                    mend="Put text that holds the delimiter in quotation marks.",
                ),
            )  # fmt: skip
        elif len(row) < width:
            problems.append(
                problem("row_cut" if last else "row_too_short", file=file, layer=layer,
                    row=number, line=int(starts[at + number]),
                    message=f"The row has {len(row)} cells under {width} headers"
                    + (" and the file ends in the middle of it." if last else "; the rest is taken as missing."),
                    mend="Fill it to the end." if last else "Add the missing delimiters.",
                ),
            )  # fmt: skip
    cells = np.full((len(rows), width), None, dtype=object)
    for i, row in enumerate(rows):
        cells[i, : min(len(row), width)] = row[:width]
    frame = pd.DataFrame({h: pd.Series(cells[:, j], dtype=object) for j, h in enumerate(headers)})
    lines = np.asarray(starts[at + 1 :], dtype=np.int64)
    return Source(frame, file, "table", layer=layer, lines=lines, problems=tuple(problems))


def _header_at(records: Sequence[Sequence[Any]], names: frozenset[str]) -> int:
    """Index of the header row: the first row among the top ones that has the most known names, else
    the first.
    """

    def known(row: Sequence[Any]) -> int:
        return sum(plain_name(str(c)) in names for c in row if c not in (None, ""))

    scores = [known(row) for row in records[:_HEADER_SEARCH]]
    best = max(scores, default=0)
    return scores.index(best) if best >= 2 else 0


_UNIT_WORDS: Final = frozenset(
    {unit for units in UNITS.values() for unit in units} | {"text", "%", "year", "年", "文本", "个"}
)


def _second_header(
    above: Sequence[Any], row: Sequence[Any], names: frozenset[str]
) -> list[Any] | None:
    """Return header and the row below it as one, if that row holds nothing but names of columns, or
    of their units.
    """
    cells = ["" if c is None else str(c).strip() for c in row]
    upper = ["" if c is None else str(c).strip() for c in above]
    upper += [""] * (len(cells) - len(upper))
    filled = [c for c in cells if c]
    if len(filled) < 2 or len(cells) > len(upper):
        return None
    if all(plain_name(c) in names for c in filled):
        return [
            c if c and plain_name(u) not in names else u
            for c, u in zip_longest(cells, upper, fillvalue="")
        ]
    units = [unicodedata.normalize("NFKC", c).strip(" ()[]").casefold().strip("-—") for c in cells]
    if not any(units) or not all(u in _UNIT_WORDS for u in units if u):
        return None
    pairs = zip_longest(upper, units, fillvalue="")
    return [
        f"{name} ({unit})" if unit and not re.search(r"[(（\[]", name) else name
        for name, unit in pairs
    ]


def _headers(row: Sequence[Any], file: str, layer: str) -> tuple[list[str], list[Problem]]:
    """Return unique header texts; a repeated one gets a number and is reported."""
    texts = ["" if c is None else str(c).replace("\ufeff", "").strip() for c in row]
    while texts and not texts[-1]:
        texts.pop()
    if len(texts) > _WIDEST:
        raise Refused(
            "file_too_large",
            f"the table has {len(texts)} columns; at most {_WIDEST} are read",
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
