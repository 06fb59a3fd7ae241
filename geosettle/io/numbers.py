"""From a cell to a number or an angle.

Decimal comma, thousands, full-width digits, degrees-minutes-seconds.

Nothing is guessed that the cell does not say: what cannot be read is named, not turned into a
missing number.
"""

# ruff: noqa: RUF001, RUF002  (look-alike characters are what is handled here)

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MISSING: Final = frozenset(
    [
        "",
        "na",
        "n/a",
        "n.a.",
        "nan",
        "null",
        "none",
        "nil",
        "-",
        "--",
        "---",
        "—",
        "——",
        "–",
        "?",
        "？",
        ".",
        "..",
        "...",
        "…",
        "/",
        "\\",
        "unknown",
        "未知",
        "不详",
        "不明",
        "无",
        "空",
        "暂无",
        "缺失",
        "未",
        "nd",
        "n.d.",
        "tbd",
        "missing",
        "not available",
        "no data",
        "keine",
        "inconnu",
        "нет",
        "暂缺",
        "待定",
        "未统计",
        "未填",
        "无数据",
        "*",
        "**",
        "×",
    ]
)
"""Ways of writing "no value" in a number or coordinate cell (case aside)."""

EXCEL_ERRORS: Final = re.compile(
    r"^#(n/a|ref!|value!|div/0!|name\?|null!|num!|spill!|calc!|getting_data|field!|blocked!|nv|bezug!|wert!|zahl!|#+)$",
    re.IGNORECASE,
)

_SPACES: Final = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
LONGEST: Final = 200
"""Characters of a cell that can be a number, an angle, a year or a position."""
_ENOUGH: Final = 5_000
"""Numbers that suffice to tell the decimal mark of a table."""
_SIMPLE: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_PLAIN: Final = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
DATE: Final = re.compile(
    r"^(\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?月?( \d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}月\d{1,2}日"
    r"|\d{1,2}[- ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*([- ]\d{2,4})?"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ]\d{1,4}(T.*)?)$",
    re.IGNORECASE,
)
_MINUS: Final = str.maketrans(
    {"−": "-", "‐": "-", "‑": "-", "–": "-", "－": "-", "﹣": "-", "＋": "+"}
)
_MARKS: Final = str.maketrans(
    {"º": "°", "˚": "°", "∘": "°", "ᵒ": "°", "度": "°", "′": "'", "’": "'", "‘": "'", "´": "'",
     "`": "'", "ʹ": "'",
     "分": "'", "″": '"', "”": '"', "“": '"', "〃": '"', "ʺ": '"', "秒": '"'},
)  # fmt: skip
_BRACKETS: Final = str.maketrans("()[]", "    ")
_HEMISPHERES: Final = (
    ("东经", "E"), ("東經", "E"), ("西经", "W"), ("西經", "W"),
    ("北纬", "N"), ("北緯", "N"), ("南纬", "S"), ("南緯", "S"),
    ("东", "E"), ("東", "E"), ("西", "W"), ("北", "N"), ("南", "S"),
    ("east", "E"), ("west", "W"), ("north", "N"), ("south", "S"),
)  # fmt: skip
_LABEL: Final = re.compile(
    r"^(?:(?P<lon>longitude|long|lng|lon|[经經][度°])|(?P<lat>latitude|lat|[纬緯][度°]))\s*[:=]?\s*",
    re.IGNORECASE,
)
_WORDS: Final = tuple(
    (re.compile(rf"(?<=\d)\s*({words})\.?(?![a-z])", re.IGNORECASE), mark)
    for words, mark in (("degrees?|degs?", "°"), ("minutes?|mins?", "'"), ("seconds?|secs?", '"'))
)
_ANGLE: Final = re.compile(
    r"""^(?P<sign>[+-]?)(?P<d>\d+(\.\d+)?)\s*(?:[°d:\s]|$)\s*
        (?:(?P<m>\d+(\.\d+)?)\s*(?:['m:\s]|$)\s*)?
        (?:(?P<s>\d+(\.\d+)?)\s*(?:"|''|s|$)?)?$""",
    re.VERBOSE | re.IGNORECASE,
)


def clean(cell: Any) -> str:
    r"""Text of a cell without invisible characters and outer spaces.

    Full-width forms are folded.

    Examples
    --------
    >>> clean("\ufeff ７６．０６\u200b ")
    '76.06'
    """
    text = str(cell)
    if text.isascii() and text.isprintable() and "`" not in text:
        return text.strip()  # nearly every cell; the rest is slow
    text = text.translate(_MARKS)
    if any(unicodedata.category(c) == "No" for c in set(text)):
        # A raised or circled digit is a footnote mark: folded, 120² would read 1202.
        parts = groupby(text, key=lambda c: unicodedata.category(c) == "No")
        text = "".join(
            "".join(part) if raised else unicodedata.normalize("NFKC", "".join(part))
            for raised, part in parts
        )
    else:
        text = unicodedata.normalize("NFKC", text)
    return visible(text).translate(_MINUS).strip()


def visible(text: str, kept: str = "\t\n") -> str:
    r"""Text without its invisible characters, controls and marks of formatting.

    Examples
    --------
    >>> visible("a\u200bb\u0000")
    'ab'
    """
    hidden = {ord(c) for c in set(text) - set(kept) if unicodedata.category(c) in {"Cf", "Cc"}}
    return text.translate(dict.fromkeys(hidden)) if hidden else text


def is_long(cell: Any) -> bool:
    """Whether a cell holds too much text to be a number or a position; the rest is not read."""
    return isinstance(cell, str) and len(cell) > LONGEST and len(cell.strip()) > LONGEST


def is_missing(cell: Any) -> bool:
    """Whether a number cell says "no value"."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    try:
        if cell != cell:  # noqa: PLR0124  (what is not a number differs from itself)
            return True
    except TypeError:
        return True
    return isinstance(cell, str) and not is_long(cell) and clean(cell).casefold() in MISSING


def to_text(cell: Any) -> str | None:
    """Text of a cell as a person sees it; a whole number from a typed file has no decimals.

    Examples
    --------
    >>> to_text(7.0), to_text("007 "), to_text(None)
    ('7', '007', None)
    """
    if type(cell) is str and cell.isascii() and cell[:1].isalnum():
        return cell.rstrip()  # nearly every cell
    if (
        cell is None
        or cell is pd.NA
        or cell is pd.NaT
        or (isinstance(cell, float) and math.isnan(cell))
    ):
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    text = str(cell).replace("\ufeff", "").strip()
    # Our own tables write an apostrophe before text that a spreadsheet would take for a formula.
    return (text[1:] if re.match(r"'\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", text) else text) or None


def decimal_mark(cells: Iterable[Any]) -> str:
    """Decimal mark of a table's number cells: what the unambiguous ones use, "" if none is.

    Examples
    --------
    >>> decimal_mark(["76,0638", "1.660"]), decimal_mark(["1,660", "76.06"])
    (',', '.')
    >>> decimal_mark(["1,660"])
    ''
    """
    comma = point = 0
    for cell in cells:
        if not isinstance(cell, str) or (cell.isascii() and "," not in cell and "." not in cell):
            continue
        if is_long(cell):
            continue
        text = clean(cell)
        last = max(text.rfind(","), text.rfind("."))
        if last < 0 or not re.fullmatch(r"[+-]?[\d.,' ]+\D{0,3}", text):
            continue
        mark = text[last]
        digits = re.match(r"\d*", text[last + 1 :])
        after = len(digits[0]) if digits else 0
        both = "," in text and "." in text
        if both or (after != 3 and text.count(mark) == 1) or re.match(r"[+-]?0[.,]", text):
            comma, point = comma + (mark == ","), point + (mark == ".")
            if comma + point > _ENOUGH:
                break
    if comma == point:
        return ""
    return "," if comma > point else "."


def simple_numbers(
    cells: Sequence[Any], decimal: str = "."
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the numbers of cells that are written plainly, as nearly all are, and which those are.

    Examples
    --------
    >>> simple_numbers(["12.5", "1,660", None])
    (array([12.5,  nan,  nan]), array([ True, False, False]))
    """
    plain = _SIMPLE.fullmatch if decimal == "." else re.compile(r"-?[0-9]{1,15}").fullmatch
    known = np.fromiter(
        (isinstance(c, str) and plain(c) is not None for c in cells), bool, len(cells)
    )
    values = np.full(len(cells), np.nan)
    values[known] = [float(c) for c, yes in zip(cells, known, strict=True) if yes]
    return values, known


def to_number(cell: Any, decimal: str = ".") -> tuple[float, str]:  # noqa: PLR0911  (one way out for each kind of cell)
    """Return number in a cell, and the code of what is wrong with it ("" if nothing).

    Parameters
    ----------
    cell
        Text, number, date or None.
    decimal
        Decimal mark of the table, "." or ",".

    Returns
    -------
    tuple of float and str
        NaN where the cell is missing or unreadable; the code is a key of
        `geosettle.problems.CODES`.

    Examples
    --------
    >>> to_number("1 660,5", ","), to_number("１，６６０"), to_number("#REF!"), to_number("3-May")
    ((1660.5, ''), (1660.0, ''), (nan, 'excel_error'), (nan, 'date_in_number'))
    """
    if isinstance(cell, bool):
        return math.nan, "number_unreadable"
    if isinstance(cell, dt.date | dt.time):
        return math.nan, "date_in_number"
    if isinstance(cell, int | float):
        return (
            (float(cell), "")
            if math.isfinite(cell) or math.isnan(cell)
            else (math.nan, "number_unreadable")
        )
    if isinstance(cell, str) and _SIMPLE.fullmatch(cell) and (decimal == "." or "." not in cell):
        return float(cell), ""
    if is_missing(cell):
        return math.nan, ""
    text = "" if is_long(cell) else clean(cell)
    if EXCEL_ERRORS.match(text):
        return math.nan, "excel_error"
    if DATE.match(text) and not re.fullmatch(r"\d{1,3}(\.\d{3})+|\d+\.\d+", text):
        return math.nan, "date_in_number"
    plain = _without_thousands(text, decimal)
    if plain is None and re.fullmatch(r"[+-]?\d+[.,](\d{1,2}|\d{4,})", text):
        plain = text.replace(
            ",", "."
        )  # the other mark, but not before three digits: it can only be decimal
    if plain is None or not _PLAIN.fullmatch(plain):
        return math.nan, "number_unreadable"
    value = float(plain)
    return (value, "") if math.isfinite(value) else (math.nan, "number_unreadable")


def _without_thousands(text: str, decimal: str) -> str | None:
    """Plain decimal notation of a number with grouped digits.

    None if the grouping is not consistent.
    """
    group = "," if decimal == "." else "."
    whole, mark, fraction = text.partition(decimal)
    if decimal in fraction or group in fraction:
        # 1.660.000 in a table with decimal points, or 1,660,000 in one with decimal commas: groups
        # all the same.
        if (
            decimal in fraction
            and group not in text
            and re.fullmatch(rf"[+-]?\d{{1,3}}(\{decimal}\d{{3}})+", text)
        ):
            return text.replace(decimal, "")
        return None
    grouped = re.fullmatch(rf"([+-]?)(\d{{1,3}}(?:[\{group}' ]\d{{3}})+)", _SPACES.sub(" ", whole))
    indian = re.fullmatch(rf"([+-]?)(\d{{1,2}}(?:\{group}\d{{2}})*\{group}\d{{3}})", whole)
    match = grouped or indian
    if match:
        whole = match[1] + re.sub(r"\D", "", match[2])
    elif group in whole:
        return None
    return whole + ("." + fraction if mark else "")


def to_angle(cell: Any, axis: str, decimal: str = ".") -> tuple[float, str]:  # noqa: PLR0911  (one way out for each kind of cell)
    r"""Degrees in a coordinate cell: decimal, or degrees-minutes-seconds in Latin or Chinese.

    Parameters
    ----------
    cell
        Text, number or None.
    axis
        "lon" or "lat": a hemisphere letter of the other axis is a contradiction.
    decimal
        Decimal mark of the table.

    Returns
    -------
    tuple of float and str
        Degrees, east and north positive, and the code of what is wrong ("" if nothing).

    Examples
    --------
    >>> to_angle("东经76度3分49.68秒", "lon")[0], to_angle("39°7'44.76\"N", "lat")[0]
    (76.0638, 39.1291)
    >>> to_angle("39°7'N", "lon")
    (nan, 'hemisphere_axis')
    """
    value, code = to_number(cell, decimal)
    if code not in {"number_unreadable", "date_in_number"} or not isinstance(cell, str):
        return value, code
    if is_long(cell):
        return math.nan, "coordinate_unreadable"
    text, letter = _unlabelled(clean(cell), axis)
    if letter == "?":
        return math.nan, "hemisphere_axis"
    if letter and letter not in ("EW" if axis == "lon" else "NS"):
        return math.nan, "hemisphere_axis"
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    match = _ANGLE.match(text.strip(" ,;"))
    if not match:
        return math.nan, "coordinate_unreadable"
    degrees, minutes, seconds = (float(match[k] or 0) for k in "dms")
    # Exactly 60 is what rounding makes of 59.99: spreadsheets that turn decimal degrees into text
    # write 20'60.0".
    if (
        minutes > 60
        or seconds > 60
        or (match["m"] and "." in match["d"])
        or (match["s"] and (not match["m"] or "." in match["m"]))
    ):
        return math.nan, "coordinate_unreadable"
    if match["sign"] == "-" and letter:
        return math.nan, "hemisphere_contradicts"
    sign = -1.0 if match["sign"] == "-" or letter in {"W", "S"} else 1.0
    return sign * round(degrees + minutes / 60 + seconds / 3600, 12), ""


def _unlabelled(text: str, axis: str) -> tuple[str, str]:
    """Text of an angle with signs for words and nothing around it, and its hemisphere.

    The hemisphere is as `_hemisphere` gives it.
    """
    if label := _LABEL.match(text):
        if label[axis] is None:
            return text, "?"
        text = text[label.end() :]
    for pattern, mark in _WORDS:
        text = pattern.sub(mark, text)
    text, letter = _hemisphere(text.translate(_BRACKETS))
    if letter and re.fullmatch(r"\s*\d+-\d+(-\d+([.,]\d+)?)?\s*", text):
        text = text.replace("-", " ")  # 75-59-28E: with its letter this is an angle, not a date
    return text, letter


def _hemisphere(text: str) -> tuple[str, str]:
    """Text without its hemisphere, and the letter: N, S, E, W, "" or "?".

    It is "?" where it is given twice or in doubt.
    """
    found = []
    for word, letter in _HEMISPHERES:
        if word in text.casefold():
            found.append(letter)
            text = re.sub(word, " ", text, flags=re.IGNORECASE)
    first, middle, last = _edges(text)
    if not re.search(
        r"[^\W\d_]", re.sub(r"(?<=\d)\s*(deg|min|sec|d|m|s)", "", middle, flags=re.IGNORECASE)
    ):
        found += [e.upper() for e in (first, last) if e]
        # A trailing "s" after digits can be seconds, as in 3d45m12s; it is a hemisphere only
        # without such units.
        if last == "s" and re.search(r"\d\s*m", middle, re.IGNORECASE):
            return text, "".join(found[:-1])
        text = middle
    if len(set(found)) > 1 or "O" in found:  # O is east in German and west in Spanish
        return text, "?"
    return text, found[0] if found else ""


def _edges(text: str) -> tuple[str, str, str]:
    """Letter of a hemisphere before an angle, the angle, and the letter after it; "" for none."""
    body = text.strip()
    first = body[:1] if body[:1].upper() in _SIDES else ""
    body = body[len(first) :].lstrip()
    body = (body[1:].lstrip() if body[:1] in {":", ".", "="} else body).removesuffix(".")
    last = body[-1:] if body[-1:].upper() in _SIDES else ""
    return first, body[: len(body) - len(last)].rstrip(), last


_SIDES: Final = frozenset("NSEWO")
"""Letters of the hemispheres; O is one in several languages."""


def to_year(cell: Any) -> tuple[float, str]:
    """Year in a cell: a number, a date, or the first year named in a text.

    For a text the code is `year_read_from_text`.

    Examples
    --------
    >>> to_year("2017-2019"), to_year(2019.0), to_year("2019年")
    ((2017.0, 'year_read_from_text'), (2019.0, ''), (2019.0, ''))
    """
    if isinstance(cell, dt.date):
        return float(cell.year), ""
    if is_missing(cell):
        return math.nan, ""
    value, code = to_number(cell)
    if not code:
        return (value, "") if value == int(value) else (math.nan, "number_unreadable")
    text = "" if is_long(cell) else clean(cell)
    if code == "excel_error":
        return math.nan, code
    if match := re.fullmatch(
        r"(\d{4})(年|年度)?|(\d{4})[-/.]\d{1,2}[-/.]\d{1,2}.*|(\d{4})年\d{1,2}月.*", text
    ):
        return float(match[1] or match[3] or match[4]), ""
    first = re.search(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)", text)
    return (float(first[0]), "year_read_from_text") if first else (math.nan, "number_unreadable")
