"""Columns of a source matched with those of a layer, and their cells converted."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import text_column
from geosettle.io.column_names import UNITS, find_columns, plain_unit, split_unit
from geosettle.io.companions import keep_meant, position_column
from geosettle.io.numbers import (
    DATE,
    EXCEL_ERRORS,
    LONGEST,
    clean,
    is_long,
    simple_numbers,
    to_angle,
    to_number,
    to_text,
    to_year,
    visible,
)
from geosettle.io.source import Source
from geosettle.layers import COMPANIONS, Column, LayerSpec, plain_name
from geosettle.problems import Problem, problem

_PERSONAL: Final = re.compile(
    r"^(身份证|身份证号|身份证号码|证件号码?|id_card|idcard|id_card_no|national_id|passport|passport_no|护照号?|"
    r"户主|户主姓名|姓名|head_of_household|household_head|hh_head|head_name|person_name|person|full_name|first_name|"
    r"last_name|surname|given_name|family_name|人名|父亲|母亲|出生日期|出生年月|birth_?date|date_of_birth|dob|银行账号|银行卡号|bank_account)$"
)
_CONTACT: Final = re.compile(
    r"(?:.*_)?(?:phone|phone_n(?:o|r|um|umber)|mobile|mobile_phone|tel|telephone|cell_?phone|"
    r"whatsapp|e_?mails?|contacts?|contact_(?:person|name|details?|info|phone|no|number|email)|"
    r"focal_points?|focal_point_\w+|enumerator\w*|interviewer\w*|reported_by|key_informants?)|"
    r"手机|手机号码?|电话|联系电话|电话号码|联系方式|邮箱|联系人"
)
"""Headers of whom to ask about a place, in a list of places: such columns are left out."""
_ID_CARD: Final = re.compile(
    r"^[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]$"
)
_ID_NUMBER: Final = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)"
)
_PHONE_DIGITS: Final = 11
_PHONE: Final = re.compile(r"^(\+?86[- ]?)?1[3-9]\d{9}$")


_COORDINATES: Final = frozenset({"lon", "lat", "wkt", "position", *(c.name for c in COMPANIONS)})


@dataclass(frozen=True, eq=False)
class Columns:
    """Column of the layer to header of the source, with what was found on the way."""

    headers: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    unused: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


def match_columns(
    source: Source, spec: LayerSpec, mapping: Mapping[str, str] | None = None
) -> Columns:
    """Find every column of a layer among the headers of a source.

    All missing columns are reported at once.
    """
    headers = [str(c) for c in source.cells.columns]
    # lon/lat columns of a drawn geometry stay ordinary columns of it; positions.locate compares
    # them.
    found, unclear, absent = find_columns(headers, spec, mapping)
    found = keep_meant(source, found)
    problems = _positions_elsewhere(source, spec, found)
    problems += [
        problem(
            "map_unknown", f"The mapping names a column {h!r} that the file does not have.", value=h
        )
        for h in absent
    ]
    missing = [c for c in spec.columns if c.required and c.name not in found]
    for column in missing:
        also = ", ".join((column.name, *column.aliases)[:6])
        problems.append(
            problem(
                "column_missing",
                f"The column {column.name} ({column.meaning}) is missing; the file has "
                f"{', '.join(headers) or 'none'}.",
                column=column.name,
                mend=f"Add it under one of these names: {also}; or map it with --map "
                f"{column.name}=NAME.",
            )
        )
    for name, hits in unclear.items():
        if not all(_agree(name, source.cells[hits[0]], source.cells[h]) for h in hits[1:]):
            text = f"The columns {', '.join(hits)} all fit {name}; {hits[0]} is used."
            problems.append(
                problem(
                    "column_unclear", text, column=name, mend=f"Say which with --map {name}=NAME."
                )
            )
    left_out: set[str] = set()
    # A survey is looked through more strictly, once its columns have their names (io/survey.py).
    for header in [] if spec.private else headers:
        used = header in found.values()
        if not used and _CONTACT.fullmatch(plain_name(header)):
            left_out.add(header)
            text = f"The column {header!r} may name persons; it is left out."
            problems.append(problem("contact_left_out", text, column=header))
        elif _is_personal(header, source.cells[header], used=used):
            text = f"The column {header!r} looks like data about persons."
            problems.append(problem("personal_data", text, column=header))
    used_too = {*found.values(), *left_out, *spec.also}
    unused = tuple(h for h in headers if h not in used_too)
    if unused and spec.columns:
        listed = ", ".join(unused[:_LISTED]) + (" ..." if len(unused) > _LISTED else "")
        text = f"{len(unused)} column(s) are not used: {listed}."
        problems.append(problem("columns_unused", text))
    return Columns(found, tuple(problems), unused, frozenset(left_out))


_LISTED: Final = 40
"""Columns that a message names."""


def _positions_elsewhere(source: Source, spec: LayerSpec, found: dict[str, str]) -> list[Problem]:
    """Take the column whose cells hold positions, where the layer needs some and no header says."""
    pair = {"lon", "lat"} <= found.keys() or {"lon_degrees", "lat_degrees"} <= found.keys()
    placed = pair or source.geometry is not None or found.keys() & {"wkt", "position"}
    if placed or "none" in spec.geometries or "raster" in spec.geometries:
        return []
    header = position_column(source, {k: v for k, v in found.items() if k not in {"lon", "lat"}})
    if header is None:
        return []
    found["position"] = header
    text = f"The cells of {header!r} hold positions; they are used."
    return [problem("position_from_column", text, column=header)]


def _agree(name: str, one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns that fit one meaning agree.

    Metres and degrees are different facts.
    """
    if name not in {"lon", "lat"}:
        return bool(one.equals(other))
    a, b = (np.array([to_angle(cell, name)[0] for cell in cells]) for cells in (one, other))
    with np.errstate(invalid="ignore"):
        degrees = np.abs(b) <= 360
        return not bool((degrees & (np.abs(a - b) > 1e-4)).any())


def _is_personal(header: str, cells: pd.Series, *, used: bool) -> bool:
    """Whether a column is about persons.

    By its name, or because most of its cells are identity or phone numbers.
    """
    if not used and _PERSONAL.match(plain_name(header)):
        return bool(cells.map(to_text).notna().any())
    texts = [t for t in (c if isinstance(c, str) else to_text(c) for c in cells.tolist()) if t]
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if (lengths >= _PHONE_DIGITS).sum() < 0.5 * len(texts) and (lengths < 18).all():
        return False  # nearly every column; the rest is slow
    texts = [t.strip() for t in texts]
    if any(len(t) >= 18 and any(map(_is_identity, _ID_NUMBER.findall(t))) for t in texts):
        return True
    return bool(texts) and any(
        sum(bool(pattern.match(t)) for t in texts) >= max(1, 0.5 * len(texts))
        for pattern in (_ID_CARD, _PHONE)
    )


def _is_identity(number: str) -> bool:
    """Whether the last digit of a number is the check digit of a Chinese identity number.

    The rule is that of GB 11643-1999.
    """
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
    return number[-1].upper() == "10X98765432"[total % 11]


def convert(source: Source, spec: LayerSpec, found: Columns) -> tuple[pd.DataFrame, list[Problem]]:
    """Typed columns of a layer and, after them, the columns it does not know, as text."""
    out: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    coordinates = {h for c, h in found.headers.items() if c in _COORDINATES}
    for column in spec.columns:
        if column.name not in found.headers:
            continue
        header = found.headers[column.name]
        is_key = column.name in spec.key
        series, stated = _column(source, column, header, is_key=is_key)
        if not (is_key or column.required or spec.private or column.name == "uncertainty_km"):
            series, stated = _cell_only(series, stated)
        if column.name in spec.references and not is_key_of(column.name, spec):
            series = text_column(series.map(clean_id, na_action="ignore"))
        out[column.name] = series
        problems += stated
    used = set(found.headers.values()) | coordinates
    for header in source.cells.columns:
        if header in used or not str(header) or header in found.left_out:
            continue
        name = str(header) if header not in out and header != "geometry" else f"{header}_"
        out[name] = text_column(source.cells[header].map(to_text))
    return pd.DataFrame(out, index=pd.RangeIndex(len(source.cells))), problems


def _cell_only(series: pd.Series, found: list[Problem]) -> tuple[pd.Series, list[Problem]]:
    """Take cells of an optional column that cannot be read as missing: the row remains."""
    rows = sorted({p.row for p in found if p.severity == "error" and p.row is not None})
    if not rows:
        return series, found
    out = series.copy()
    out.iloc[[row - 1 for row in rows]] = None if out.dtype == "str" else pd.NA
    kept = [
        replace(p, severity="warning",
        message=f"{p.message.rstrip('.')}; the cell is taken as missing.")
        if p.severity == "error" else p
        for p in found
    ]  # fmt: skip
    return out, kept


def is_key_of(name: str, spec: LayerSpec) -> bool:
    """Whether a column is the single key of a layer."""
    return spec.key == (name,)


def _column(
    source: Source, column: Column, header: str, *, is_key: bool
) -> tuple[pd.Series, list[Problem]]:
    """One column converted by its kind."""
    cells = source.cells[header]
    if column.kind in ("text", "list"):
        return _text_column(cells, column, is_key=is_key)
    factor, problems = _factor(header, column)
    per_row, stated = _unit_column(source, column, header)
    problems += stated
    if column.unit in _ADDED:
        cells, once = _once(cells, source, column, header)
        problems += once
    raw = cells.tolist()
    values, known = simple_numbers(raw, "." if column.kind == "year" else source.decimal)
    for i in np.flatnonzero(~known).tolist():
        cell = raw[i]
        values[i], code = (
            to_year(cell) if column.kind == "year" else to_number(cell, source.decimal)
        )
        if (
            code == "number_unreadable"
            and isinstance(cell, str)
            and (with_unit := _with_unit(cell, column, source))
        ):
            (values[i], unit, times), code = with_unit, ""
            if times != 1:
                text = (
                    f"{column.name} was converted from {unit} to {column.unit} (times {times:.6g})."
                )
                problems.append(
                    problem("unit_converted", text, row=i + 1, column=column.name, value=cell)
                )
            values[i] /= factor  # the cell's own unit goes before that of the header
        if code:
            problems.append(_no_number(code, i + 1, column, cell))
    values *= factor if per_row is None else per_row
    if column.kind == "year":
        problems += _common_era(values, column)
        # A year has no decimals.
        broken = np.flatnonzero(known & (values != np.round(values)))
        problems += [
            problem("number_unreadable", row=int(i) + 1, column=column.name, value=raw[i])
            for i in broken
        ]
    doubtful = [] if column.kind == "year" else _doubtful_marks(cells, column, source)
    refused = {p.row for p in doubtful if p.severity == "error"}
    ranges = _range_problems(values, cells, column)
    problems += [p for p in ranges if p.row not in refused] + doubtful
    if column.kind in ("year", "integer"):
        whole = pd.Series(np.where(values == np.round(values), values, np.nan))
        return whole.astype("Float64").astype("Int64"), problems
    return pd.Series(values), problems


_LIMIT: Final = re.compile(
    r"\s*(?:[<>≤≥]=?|less than|fewer than|under|over|more than|up to|at (?:least|most))\s*\d",
    re.IGNORECASE,
)
"""Cells that state a limit, as statistical offices write small counts."""


def _no_number(code: str, row: int, column: Column, cell: Any) -> Problem:
    """Say why a cell gives no number; a limit such as <5 is no unreadable cell."""
    if code == "number_unreadable" and _LIMIT.match(str(cell)):
        code = "number_limit"
    return problem(code, row=row, column=column.name, value=str(cell))


_UNIT_HEADERS: Final = frozenset(
    [
        "unit",
        "units",
        "area_unit",
        "unit_of_area",
        "uom",
        "unidad",
        "unidades",
        "unité",
        "unite",
        "unidade",
        "единица",
        "единицы",
        "ед_изм",
        "وحدة",
        "الوحدة",
        "单位",
        "面积单位",
    ]
)


def _unit_column(
    source: Source, column: Column, header: str
) -> tuple[NDArray[np.float64] | None, list[Problem]]:
    """Return factors from a column that names the unit of each row.

    It is used for areas and lengths whose own header names no unit.
    """
    if column.unit not in {"ha", "km"} or split_unit(header, column.unit)[1]:
        return None, []
    named = [h for h in source.cells.columns if plain_name(str(h)) in _UNIT_HEADERS]
    if not named:
        return None, []
    family = UNITS[column.unit]
    texts = [plain_unit(to_text(c) or "") for c in source.cells[named[0]].tolist()]
    filled = {t for t in texts if t}
    if not filled & family.keys():
        return None, []  # it is about another column
    factors = np.array([family.get(t, 1.0 if not t else np.nan) for t in texts])
    rows = [i for i, t in enumerate(texts) if t and t not in family]
    problems = [
        problem("unit_unknown",
                f"The unit of the row, {texts[i]!r}, is not known; the number is not used.",
                row=i + 1, column=column.name, value=texts[i])
        for i in rows
    ]  # fmt: skip
    if any(family.get(t, 1.0) != 1.0 for t in filled):
        text = (
            f"{column.name} was converted to {column.unit} by the units that the column "
            f"{named[0]!r} names."
        )
        problems.append(problem("unit_converted", text, column=column.name))
    return factors, problems


_BUDDHIST: Final = (2443, 2643)
"""Years of the Buddhist era (Thailand, Laos, Cambodia) that are 1900 to 2100 of the common era."""


def _common_era(values: NDArray[np.float64], column: Column) -> list[Problem]:
    """Bring years of the Buddhist era to the common one, in place."""
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((values >= _BUDDHIST[0]) & (values <= _BUDDHIST[1]))
    if not rows.size:
        return []
    text = (
        f"{rows.size} year(s) of the Buddhist era, such as {values[rows[0]]:g}, were brought to "
        "the common era."
    )
    values[rows] -= 543
    return [problem("year_buddhist", text, column=column.name)]


_ADDED: Final = frozenset({"households", "persons", "ha"})
"""Units of numbers that are added up."""


def _once(
    cells: pd.Series, source: Source, column: Column, header: str
) -> tuple[pd.Series, list[Problem]]:
    """Return cells of a number that is added up, without the copies of merged cells.

    A count over several rows is that of all of them together.
    """
    copies = sorted(row for row, h in source.covered if h == header)
    if not copies:
        return cells, []
    out = cells.copy()
    out.iloc[copies] = None
    text = f"{column.name} is merged over several rows; it is counted once, for the first of them."
    mend = "Give every row its own number."
    where: dict[str, Any] = {"severity": "warning", "column": column.name, "mend": mend}
    return out, [problem("merged_cells", text, row=copies[0] + 1, **where)]


def _with_unit(cell: str, column: Column, source: Source) -> tuple[float, str, float] | None:
    """Return the number in a cell that names its unit, in the unit of the column.

    Such cells are 120户 or 500 mu.
    """
    match = None if is_long(cell) else re.fullmatch(r"(.*\d)\s*([^\d\s.,].*)", clean(cell))
    times = UNITS.get(column.unit, {}).get(match[2].casefold()) if match else None
    if match is None or times is None:
        return None
    number, code = to_number(match[1], source.decimal)
    return None if code else (number * times, match[2], times)


def _doubtful_marks(cells: pd.Series, column: Column, source: Source) -> list[Problem]:
    """Numbers such as 1,234 and 1.234 whose mark may be decimal or group thousands."""
    counts = column.kind == "integer" or column.unit in {"households", "persons"}
    out = []
    for row, cell in enumerate(cells, 1):
        marked = isinstance(cell, str) and ("," in cell or "." in cell or not cell.isascii())
        if not marked or is_long(cell):
            continue
        where = {"row": row, "column": column.name, "value": str(cell)}
        if counts and source.decimal != "," and re.fullmatch(r"\d+,(\d{1,2}|\d{4,})", clean(cell)):
            text = "A count has no decimals, and a comma does not group digits like this."
            out.append(problem("number_ambiguous", text, severity="error", **where))
            continue
        match = re.fullmatch(r"[+-]?[1-9]\d{0,2}([.,])\d{3}", clean(cell))
        if not match:
            continue
        if counts and match[1] == source.decimal:
            text = "A count has no decimals, but the mark is the decimal mark of this table."
            out.append(problem("number_ambiguous", text, severity="error", **where))
        elif not counts and match[1] != source.decimal and not source.decimal_sure:
            out.append(
                problem("number_ambiguous", "The mark was taken for a thousands mark.", **where)
            )
    return out


def _range_problems(values: Any, cells: pd.Series, column: Column) -> list[Problem]:
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    with np.errstate(invalid="ignore"):
        beyond = np.flatnonzero((values < low) | (values > high))
    out = [
        problem(
            "number_out_of_range",
            f"{column.name} must be between {low:g} and {high:g}.",
            row=int(i) + 1,
            column=column.name,
            value=str(cells.iloc[i]),
        )
        for i in beyond
    ]
    if column.unit in ("households", "persons") or column.kind == "integer":
        fractions = np.flatnonzero(~np.isnan(values) & (values != np.round(values)))
        out += [
            problem(
                "number_not_whole", row=int(i) + 1, column=column.name, value=str(cells.iloc[i])
            )
            for i in fractions
        ]
    return out


def _factor(header: str, column: Column) -> tuple[float, list[Problem]]:
    """Return what to multiply a column by, from the unit its header names in brackets."""
    ending = header.rstrip()[-LONGEST:]
    bracket = re.search(r"[(（\[【]([^()（）\[\]【】]*)[)）\]】]$", ending)
    stated = bracket[1] if bracket else split_unit(header, column.unit)[1]
    if not stated or not column.unit:
        return 1.0, []
    unit = plain_unit(stated)
    known = UNITS.get(column.unit, {})
    if unit not in known and plain_name(unit) in {
        plain_name(n) for n in (column.name, *column.aliases)
    }:
        return 1.0, []  # the name in another language
    if unit not in known:
        text = f"The header {header!r} names a unit that is not known; {column.unit} was assumed."
        return 1.0, [problem("unit_unknown", text, column=column.name, value=stated)]
    if known[unit] == 1:
        return 1.0, []
    text = f"{column.name} was converted from {stated} to {column.unit} (times {known[unit]:.6g})."
    return known[unit], [problem("unit_converted", text, column=column.name, value=stated)]


def _text_column(
    cells: pd.Series, column: Column, *, is_key: bool
) -> tuple[pd.Series, list[Problem]]:
    """Text of a column; identifiers lose invisible characters and the spaces around them."""
    raw = cells.tolist()
    texts, problems = _whole([to_text(cell) for cell in raw], column, is_key=is_key)
    for i, text in enumerate(texts):
        if text is None or _is_plain(text, raw[i], is_key=is_key):
            continue
        where: dict[str, Any] = {"row": i + 1, "column": column.name, "value": text}
        problems += _typed_date(raw[i], column, where, is_key=is_key)
        if EXCEL_ERRORS.match(text):
            severity = "error" if is_key or column.required else "warning"
            problems.append(problem("excel_error", severity=severity, **where))
            texts[i] = None
        elif is_key:
            cleaned = clean_id(text)
            if cleaned != text or (cleaned != str(raw[i]) and isinstance(raw[i], str)):
                problems.append(problem("id_cleaned", **where))
            if re.fullmatch(r"\d+[.,]\d+e\+?\d+|\d+e\+\d+", text, re.IGNORECASE):
                problems.append(problem("id_scientific", **where))
            texts[i] = cleaned or None
    if is_key:
        problems += _dates_among(texts, column)
    if column.kind == "list":
        texts = [
            None if t is None else ";".join(p for p in re.split(r"[;,，、；|/\s]+", t) if p)
            for t in texts
        ]
    if is_key or column.required:
        code = "id_missing" if is_key else "value_missing"
        empty = [i for i, t in enumerate(texts) if t is None and not _was_error(raw[i])]
        problems += [problem(code, row=i + 1, column=column.name) for i in empty]
    return pd.Series(texts, dtype="str"), problems


def _is_plain(text: str, cell: Any, *, is_key: bool) -> bool:
    """Whether there is nothing to look at in a text, as in nearly every one."""
    if is_key:
        return text is cell and text.isascii() and text.isalnum()
    return type(cell) is str and text[0].isalnum()


def _whole(
    texts: list[str | None], column: Column, *, is_key: bool
) -> tuple[list[str | None], list[Problem]]:
    """Take off identifiers the .0 that a data frame with a missing value gave to every number."""
    filled = [t for t in texts if t]
    if not (is_key or column.name.endswith("_id")) or not filled:
        return texts, []
    if not all(re.fullmatch(r"\d{1,15}\.0", t) for t in filled):
        return texts, []
    text = (
        f"Every identifier of {column.name} ended in .0, which was taken off: {filled[0]} is "
        f"{filled[0][:-2]}."
    )
    return [t[:-2] if t else t for t in texts], [problem("id_cleaned", text, column=column.name)]


def _typed_date(
    cell: Any, column: Column, where: Mapping[str, Any], *, is_key: bool
) -> list[Problem]:
    """Say that a cell of text holds a date, where that matters."""
    if not isinstance(cell, dt.date):
        return []
    if is_key:
        return [
            problem("date_in_number", "A spreadsheet turned the identifier into a date.", **where)
        ]
    if column.name != "name":
        return []
    stated = "The name is a date; a spreadsheet may have made it one."
    return [problem("date_in_number", stated, severity="warning", **where)]


def _dates_among(texts: list[str | None], column: Column) -> list[Problem]:
    """Find identifiers such as 3-May among others that are no dates.

    A spreadsheet may have made it of 5-3.
    """
    dates = [
        i
        for i, t in enumerate(texts)
        if t and not t.isalnum() and DATE.match(t) and not t[:4].isdigit()
    ]
    if not dates or len(dates) > 0.5 * len(texts):
        return []
    stated = (
        "The identifier reads as a date, the others do not; a spreadsheet may have made it one."
    )
    return [
        problem(
            "date_in_number",
            stated,
            severity="warning",
            row=i + 1,
            column=column.name,
            value=str(texts[i]),
        )
        for i in dates
    ]


def _was_error(cell: Any) -> bool:
    return isinstance(cell, str) and bool(EXCEL_ERRORS.match(clean(cell)))


_JOINTS: Final = re.compile(r"[\W_]+")
_LOOKALIKES: Final = str.maketrans(
    "авекмнорстухіјѕԁԛԝαβεηικνορτυχ", "abekmhopctyxijsdqwabehikvoptux"
)
"""Cyrillic and Greek letters to the Latin ones that look like them or like their capitals."""


def clean_id(text: str) -> str:
    r"""Return an identifier without invisible characters and outer spaces.

    Spaces inside it are single and plain.

    Examples
    --------
    >>> clean_id("\u200b RS　01 "), clean_id("007")
    ('RS 01', '007')
    """
    if text.isascii() and text.isalnum():
        return text
    return " ".join(visible(text, kept="").split())


def likeness(text: str) -> str:
    """Return an identifier without its spaces, case, width and punctuation."""
    if text.isascii():
        if text.isalnum():
            return text.casefold()
        return _JOINTS.sub("", text).casefold()
    return plain_name(clean(text)).replace("_", "").translate(_LOOKALIKES)
