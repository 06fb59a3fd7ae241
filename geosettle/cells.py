"""Columns of a frame, read as numbers, as texts, as yes or no, or as a radius."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray


def numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as floats, missing where it is not there or not a number.

    Parameters
    ----------
    frame
        Any frame.
    name
        Of a column, which it may lack.

    Returns
    -------
    Series
        On the index of the frame.

    Examples
    --------
    >>> frame = pd.DataFrame({"persons": ["12", "many", None]})
    >>> numbers(frame, "persons").tolist(), numbers(frame, "year").tolist()
    ([12.0, nan, nan], [nan, nan, nan])
    """
    column = frame[name] if name in frame else pd.Series(np.nan, frame.index)
    return pd.to_numeric(column, errors="coerce").astype(float)


def texts(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as texts, empty where it is not there or has no value.

    Parameters
    ----------
    frame
        Any frame.
    name
        Of a column, which it may lack.

    Returns
    -------
    Series
        On the index of the frame.

    Examples
    --------
    >>> frame = pd.DataFrame({"kind": ["farm", None, 3]})
    >>> texts(frame, "kind").tolist(), texts(frame, "basis").tolist()
    (['farm', '', '3'], ['', '', ''])
    """
    if name not in frame:
        return pd.Series("", frame.index, dtype="str")
    return frame[name].astype("str").where(frame[name].notna(), "")


def text_array(values: Any) -> ExtensionArray:
    """Return texts as an array of pandas, in which None stays missing also with pandas 2.2.

    Examples
    --------
    >>> pd.isna(text_array(["farm", None])).tolist()
    [False, True]
    """
    return pd.Series(values, dtype="str").array


def text_column(values: pd.Series[Any]) -> pd.Series[str]:
    """Return a column as texts, in which a missing one stays missing also with pandas 2.2.

    Examples
    --------
    >>> text_column(pd.Series([3, None], dtype=object)).isna().tolist()
    [False, True]
    """
    return pd.Series(text_array(values.to_numpy(object)), values.index, name=values.name)


MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = rf"(1[0-2]|0?[1-9]|{'|'.join(MONTHS)})(?:[a-z]*\.?|月份?)"
_MONTHS_FROM_TO: Final = re.compile(rf"{_MONTH}(?: ?(?:-|\u2013|\u2014|to|至|到) ?{_MONTH})?")


def months_in(text: object) -> frozenset[int] | None:
    """Return the months that a text names; every month where it is empty or says so.

    Parameters
    ----------
    text
        Months and spans of them, numbers or English names: "11-4", "Nov-Apr", "6, 7", "11月至4月".

    Returns
    -------
    frozenset of int or None
        None where it cannot be read.

    Examples
    --------
    >>> sorted(months_in("Nov-Feb; 7")), len(months_in("")), months_in("winter")
    ([1, 2, 7, 11, 12], 12, None)
    """
    words = "" if pd.isna(text) else str(text).strip().lower()  # type: ignore[call-overload]
    if words in {"", "always", "all", "all year", "yes", "全年", "常年"}:
        return frozenset(range(1, 13))
    found = set[int]()
    for part in re.split("[,;、\uff0c\uff1b/]| and |和", words):
        span = _MONTHS_FROM_TO.fullmatch(part.strip().removesuffix(".0"))
        if span is None:
            return None
        first, last = (
            MONTHS.index(name) + 1 if name in MONTHS else int(name)
            for name in (span[1], span[2] or span[1])
        )
        found |= {(m - 1) % 12 + 1 for m in range(first, last + 1 + 12 * (last < first))}
    return frozenset(found)


def says_yes(values: pd.Series[Any]) -> pd.Series[bool]:
    """Tell whether each value is true, yes or 1.

    Examples
    --------
    >>> says_yes(pd.Series(["Yes", True, 1.0, "no", None])).tolist()
    [True, True, True, False, False]
    """
    texts = values.astype("str").str.strip().str.lower()
    true: pd.Series[bool] = texts.isin(["true", "yes", "1", "1.0", "t", "y"])
    return true


def radius_km(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the radius that each true position is within, km, shape (n,); 0 where none is stated.

    Examples
    --------
    >>> radius_km(pd.DataFrame({"uncertainty_km": [5, None]})).tolist()
    [5.0, 0.0]
    """
    radius = numbers(frame, "uncertainty_km").to_numpy()
    return np.where(np.isfinite(radius) & (radius > 0), radius, 0.0)
