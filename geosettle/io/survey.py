"""A household survey as it is read.

Columns about persons are refused, answers become numbers, no cell is quoted.

A survey has one anonymous row per household and time. Whatever could lead to a person stops the
reading: names, telephone and identity-card numbers, addresses, birth dates, positions of dwellings,
and text that anyone could have written anything into. What is left are numbers, yes and no, and
short categories.
"""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.cells import text_column
from geosettle.io.numbers import to_number, to_text
from geosettle.io.source import Source
from geosettle.layers import plain_name
from geosettle.names import kind_of_unit
from geosettle.problems import Problem, problem

ANSWERS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("yes", "y", "true", "是", "有", "√"), 1.0),
    **dict.fromkeys(("no", "n", "false", "否", "无", "没有", "×"), 0.0),
}
"""Words that are answers to a yes-or-no question."""

_TIMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("before", "pre", "baseline", "0", "前", "搬迁前", "迁前", "搬前"), "before"),
    **dict.fromkeys(
        ("after", "post", "endline", "1", "后", "後", "搬迁后", "迁后", "搬后"), "after"
    ),
}

_WORDS: Final = frozenset({
    "name", "names", "surname", "firstname", "lastname", "fullname", "username", "nickname",
    "hhname", "headname",
    "phone", "telephone", "tel", "mobile", "cellphone", "email", "mail", "wechat", "weixin",
    "whatsapp", "address",
    "street", "postcode", "idcard", "passport", "ssn", "nid", "birth", "birthday", "birthdate",
    "dob", "photo",
    "photograph", "signature", "fingerprint", "lat", "lon", "lng", "latitude", "longitude", "gps",
    "coordinate",
    "coordinates", "xingming", "xm", "dianhua", "shouji", "shenfenzheng", "sfz", "dizhi",
    "chusheng", "ethnicity",
    "ethnic", "religion", "remark", "remarks", "comment", "comments", "note", "notes", "story",
})  # fmt: skip
"""Words of a header, each enough to refuse the column."""
_PHRASES: Final = re.compile(
    r"head_of_(the_)?household|household_head|hh_head|id_(card|no|number|num)|identity|national_id|account_(no|number)|"
    r"bank_(card|account)|card_(no|number)|house_(no|number)|door_(no|number)|date_of_birth|birth_?da|phone|passport|"
    r"enumerator|interviewer|surveyor|free_text|open_answer|other_specify|contact_(no|number|details|info)"
)
_CHINESE: Final = re.compile(
    "姓名|名字|户主|人名|联系人|联系方式|身份证|证件|护照|电话|手机|住址|地址|门牌|出生|生日|微信|邮箱|银行卡|银行账|卡号|账号|"
    "民族|宗教|经度|纬度|坐标|定位|照片|签名|指纹|备注|意见|说明|描述|建议|父亲|母亲|配偶|调查员|访问员|采访人"
)
_OF_PLACES: Final = re.compile(
    r"^(site|village|township|town|origin|place|crop|file|indicator)(_?names?)?$|^(村|村庄|乡|镇|县|安置点|作物)(名称?)?$"
)


def _is_of_place(name: str) -> bool:
    """Whether a header names a place, an administrative unit or a thing, and no person."""
    return bool(_OF_PLACES.match(name) or kind_of_unit(re.sub(r"_?names?$", "", name)))


_DEGREES: Final = r"[-+]?\d{1,3}\.\d{3,}\s*°?\s*[NSEW]?"
_DATE: Final = (
    r"(19|20)\d{2}([-/.]\d{1,2}[-/.]\d{1,2}|年\d{1,2}月\d{1,2}日?"
    r"|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))"
)
_CELLS: Final = {
    "identity or bank card numbers": re.compile(r"\d{17}[\dXx]|\d{15,19}"),
    "telephone numbers": re.compile(
        r"(\+?86[- ]?)?1[3-9]\d{9}|\+\d[\d\s-]{8,15}\d|0\d{2,3}-\d{7,8}|1\d{2}[- ]\d{4}[- ]\d{4}"
    ),
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "positions": re.compile(
        rf"{_DEGREES}\s*[,;，；/ ]\s*{_DEGREES}.*|\d{{1,3}}\s*[°度]\s*\d+.*|POINT.*", re.IGNORECASE
    ),
    "full dates, as birth dates are": re.compile(rf"{_DATE}(\s.*)?"),
}
_BELIEFS: Final = re.compile("ethnic|religio|民族|宗教")
_OF_INTERVIEWS: Final = re.compile(r"interview|survey|visit|field|enumerat|调查|访问|访谈|入户")
_CODE: Final = re.compile(r"(?=.*\d)[A-Za-z0-9_./-]{1,24}")
"""An anonymous code of a household: letters, marks and at least one digit."""


def personal_columns(survey: pd.DataFrame, household: str = "household") -> dict[str, str]:
    """Columns that look like data about persons, each with the reason.

    By name, and by what their cells look like.

    Parameters
    ----------
    survey
        One row per household and time, as read or typed.
    household
        Column with the anonymous code of the household.

    Returns
    -------
    dict
        Column to reason; no cell is quoted.

    Examples
    --------
    >>> table = pd.DataFrame({"household": [1], "姓名": ["x"], "contact": ["13800138000"]})
    >>> table["tale"] = ["We left in May."]
    >>> personal_columns(table)
    {'姓名': 'its name', 'contact': 'cells like telephone numbers', 'tale': 'free text'}
    """
    households = survey[household].nunique() if household in survey else len(survey)
    out = {}
    for place, column in enumerate(survey.columns):
        if column in {"site_id", "time"}:
            continue  # of the settlement, and before or after
        cells = survey.iloc[:, place]
        texts = [t for t in map(to_text, cells) if t]
        if texts and (
            reason := _reason(str(column), cells, texts, households, key=column == household)
        ):
            out[str(column)] = reason
    out |= {name: "numbers like positions" for name in _looks_placed(survey) if name not in out}
    return out


def _reason(header: str, cells: pd.Series, texts: list[str], households: int, *, key: bool) -> str:
    """Why one column is about persons; empty where it is not."""
    if not key and _named(header) and not (_owned(header) and _yes_no(texts)):
        return "its name"
    for what, pattern in _CELLS.items():
        if what.startswith("full dates") and (
            _OF_INTERVIEWS.search(header.casefold()) or _round_numbers(cells)
        ):
            continue
        if sum(bool(pattern.fullmatch(t)) for t in texts) >= max(1, 0.5 * len(texts)):
            return f"cells like {what}"
    if key:
        plain = all(_CODE.fullmatch(t) for t in texts)
        return "" if plain else "a household that is no anonymous number or code"
    return _free_text(header, texts, households)


def _owned(header: str) -> bool:
    """Whether yes or no under this header can mean that a household has a thing.

    Such as a telephone.
    """
    return not _BELIEFS.search(plain_name(header))


def _yes_no(texts: list[str]) -> bool:
    return all(t.casefold() in ANSWERS or t in {"0", "1"} for t in texts)


def _named(header: str) -> bool:
    spaced = re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", unicodedata.normalize("NFKC", header)
    )
    plain = plain_name(spaced)
    if _is_of_place(plain) or _is_of_place(plain_name(header)):
        return False
    words = {*plain.split("_"), plain_name(header)}
    return bool(words & _WORDS or _PHRASES.search(plain) or _CHINESE.search(plain))


def _round_numbers(cells: pd.Series) -> bool:
    """Whether a column holds numbers: 20190105 among incomes is no date."""
    numbers = pd.to_numeric(cells, errors="coerce").dropna()
    dates = numbers[(numbers > 19_000_101) & (numbers < 21_000_101)]
    return bool(len(numbers)) and len(dates) < 0.5 * len(numbers)


def _free_text(header: str, texts: list[str], households: int) -> str:
    words = [
        t for t in texts if t.casefold() not in ANSWERS and to_number(t)[1] and to_number(t, ",")[1]
    ]
    if len(words) < max(1, 0.2 * len(texts)):
        longest = max(map(len, words), default=0)
        return "free text" if longest > 40 else ""
    different = {t.casefold() for t in words}
    of_place = _is_of_place(plain_name(header))
    sentences = any(
        len(t) > 40 or len(t.split()) > 5 or re.search(r"[.!?。！？，、]\s*$|[，。；]", t)
        for t in different
    )
    many = len(different) > max(1, 0.5 * households) or (len(different) > 20 and not of_place)
    return "free text" if sentences or (many and not (of_place and households < 2)) else ""


def _looks_placed(survey: pd.DataFrame) -> list[str]:
    """Whether two columns are near, finely written numbers.

    Longitudes and latitudes of one village are.
    """
    out = []
    for place, column in enumerate(survey.columns):
        cells = survey.iloc[:, place]
        texts = [t for t in map(to_text, cells) if t]
        fine = sum(bool(re.fullmatch(r"[-+]?\d{1,3}\.\d{4,}", t)) for t in texts)
        numbers = pd.to_numeric(cells, errors="coerce").dropna().to_numpy(float)
        if fine >= max(2, 0.8 * len(texts)) and len(numbers) and np.abs(numbers).max() <= 180:
            centre = abs(numbers.mean())
            if centre > 2 and numbers.std() < 0.05 * centre:
                out.append(str(column))
    return out if len(out) >= 2 else []


def time_of(cell: Any) -> str | None:
    """Whether a row was answered before or after the move; None where it says neither.

    Examples
    --------
    >>> time_of("Before"), time_of("搬迁后"), time_of(2019)
    ('before', 'after', None)
    """
    text = to_text(cell)
    return None if text is None else _TIMES.get(text.strip().casefold())


def read_answers(values: pd.DataFrame, source: Source) -> tuple[pd.DataFrame, list[Problem]]:
    """Return answers of a survey as numbers.

    What is wrong is named by row and column, and no cell is quoted.

    Parameters
    ----------
    values
        `site_id, household, time` and the other columns as text.
    source
        The file, for the decimal mark.

    Returns
    -------
    tuple
        The frame with `time` as before or after and numbers where a column holds numbers or yes and
        no; the problems.
    """
    problems = []
    if source.geometry is not None:
        text = "The file holds the positions of households."
        problems.append(
            problem("personal_data", text, mend="Give a plain table without positions.")
        )
    problems += [
        problem(
            "personal_data",
            f"The column {name!r} looks like data about persons ({reason}).",
            column=name,
            mend="Leave it out of the file; number the households instead.",
        )
        for name, reason in personal_columns(values).items()
    ]
    if problems or not {"site_id", "household", "time"} <= set(values):
        return values, problems
    out = values.copy()
    out["time"] = text_column(values["time"].map(time_of))
    for row in np.flatnonzero((out["time"].isna() & values["time"].notna()).to_numpy()):
        text = "The time is neither before nor after the move."
        problems.append(problem("time_unknown", text, row=int(row) + 1, column="time"))
    again = values.assign(time=out["time"]).duplicated(["site_id", "household", "time"], keep=False)
    known = out[["site_id", "household", "time"]].notna().all(axis=1)
    for row in np.flatnonzero((again & known).to_numpy()):
        text = "The household is there more than once at one time."
        problems.append(problem("id_duplicate", text, row=int(row) + 1, column="household"))
    for name in [c for c in values.columns if c not in {"site_id", "household", "time"}]:
        numbers, stated = _numbers(values[name], source.decimal)
        problems += stated
        if numbers is not None:
            out[name] = numbers
    return out, problems


def _numbers(cells: pd.Series, decimal: str) -> tuple[pd.Series | None, list[Problem]]:
    """Return a column as numbers, yes as 1 and no as 0; None where most of it are categories."""
    made, bad = np.full(len(cells), np.nan), []
    for i, cell in enumerate(cells):
        text = to_text(cell)
        if text is None:
            continue
        if text.casefold() in ANSWERS:
            made[i] = ANSWERS[text.casefold()]
            continue
        made[i], code = to_number(text, decimal)
        if code:
            bad.append(i)
    answered = int(cells.map(to_text).notna().sum())
    if len(bad) > 0.5 * answered:
        return None, []
    text = "The answer is no number, and neither yes nor no; it counts as missing."
    stated = [
        problem("number_unreadable", text, severity="warning", row=i + 1, column=str(cells.name))
        for i in bad
    ]
    return pd.Series(made, index=cells.index), stated
