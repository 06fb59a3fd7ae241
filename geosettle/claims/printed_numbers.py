"""A printed figure: the numbers it allows, with the precision it claims, and its unit."""

# ruff: noqa: RUF001  (look-alike characters are what is read here)

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

_ROUNDED: Final = 0.05
"""Share of a figure that its trailing zeros leave open at most: 1,000 households are not 501 to
1,499.
"""

_NUMBER: Final = r"[-+]?\d[\d,]*(?:\.\d+)?"
_LONGEST: Final = 500
"""Characters of a printed number that are looked at."""
_WAN: Final = re.compile(r"(\d[\d,]*(?:\.\d{1,4})?)\s*万")
_RANGE: Final = re.compile(
    rf"({_NUMBER})\s*(?:-|–|—|~|～|to|until|至|到)\s*({_NUMBER})", re.IGNORECASE
)
_LEAST: Final = re.compile(
    rf"(?:>=?|≥|over|above|more than|at least|no less than|超过|不少于|至少)\s*({_NUMBER})"
    rf"|({_NUMBER})\s*(?:\+|or more|以上|余|多)",
    re.IGNORECASE,
)
_MOST: Final = re.compile(
    r"(?:<=?|≤|under|below|less than|fewer than|at most|up to|no more than|不到|不足|不超过|至多)"
    rf"\s*({_NUMBER})"
    rf"|({_NUMBER})\s*(?:or less|or fewer|以下)",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    rf"(?:about|around|some|nearly|almost|roughly|approximately|c\.|~|约|近|大约)\s*({_NUMBER})",
    re.IGNORECASE,
)

_UNITS: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        **dict.fromkeys(("ha", "hectare", "hectares", "hm2", "hm²", "公顷"), ("area", 1e4)),
        **dict.fromkeys(("mu", "亩"), ("area", 1e4 / 15)),
        **dict.fromkeys(("万亩", "10000 mu", "10,000 mu"), ("area", 1e8 / 15)),
        **dict.fromkeys(
            ("km2", "km²", "sq km", "square kilometres", "square kilometers", "平方公里"),
            ("area", 1e6),
        ),
        **dict.fromkeys(("m2", "m²", "平方米"), ("area", 1.0)),
        **dict.fromkeys(("km", "kilometres", "kilometers", "公里", "千米"), ("length", 1e3)),
        **dict.fromkeys(("m", "metres", "meters", "米"), ("length", 1.0)),
        **dict.fromkeys(("h", "hours", "小时"), ("time", 60.0)),
        **dict.fromkeys(("min", "minutes", "分钟"), ("time", 1.0)),
        **dict.fromkeys(("persons", "people", "人"), ("persons", 1.0)),
        **dict.fromkeys(("万人", "10000 persons", "10,000 persons"), ("persons", 1e4)),
        **dict.fromkeys(("households", "hh", "户"), ("households", 1.0)),
        **dict.fromkeys(("万户", "10000 households", "10,000 households"), ("households", 1e4)),
        **dict.fromkeys(("percent", "%", "per cent"), ("share", 0.01)),
        **dict.fromkeys(("share", "ratio"), ("share", 1.0)),
    }
)
"""Unit as claims write it to what it measures and its size; 15 mu are one hectare."""


def to_float(text: Any) -> float | None:
    """Read the number of a claim's value; None where it is a text or lost.

    Examples
    --------
    >>> to_float("40,146"), to_float("largest"), to_float(None)
    (40146.0, None, None)
    """
    if text is None or pd.isna(text):
        return None
    try:
        return float(str(text).replace(",", ""))
    except ValueError:
        return None


def printed_tolerance(printed: str) -> float:
    """Half a unit of the last significant digit of a printed number.

    Trailing zeros of a whole number do not count as significant; but they leave no more than 5 % of
    the number open, for a printed 1,000 does not mean 501 to 1,499. (That bound is a judgement, no
    norm.)

    Parameters
    ----------
    printed
        A number as printed, without unit.

    Returns
    -------
    float
        In the unit of the number.

    Examples
    --------
    >>> [printed_tolerance(t) for t in ("441000", "24", "29.1", "666.67", "1000", "0")]
    [500.0, 0.5, 0.05, 0.005, 50.0, 0.5]
    """
    digits = printed.strip().lstrip("+-").replace(",", "")
    if "." in digits:
        return float(0.5 * 10.0 ** -len(digits.split(".")[1]))
    zeros = len(digits) - len(digits.rstrip("0")) if digits.strip("0") else 0
    return float(min(0.5 * 10.0**zeros, max(0.5, _ROUNDED * float(digits or 0)))) if zeros else 0.5


def claimed_range(
    text: str, *, room: float | None = None, share: float = 0.0
) -> tuple[float, float, float] | None:
    """Lowest and highest number that a printed figure allows, and the figure itself.

    None where it is no figure.

    A range is what it says, "more than 2,000" has no upper end and "up to 20" no lower one (0:
    nothing counted here is negative). The precision is that of the digits, see `printed_tolerance`;
    "about 40,000" says no more than its digits do already, and an exact-looking "about 40,146" is
    given 5 %.

    Parameters
    ----------
    text
        As printed or as read.
    room
        Tolerance instead of that of the digits, for things one can count.
    share
        Share of the figure within which two figures agree, where that is wider.

    Returns
    -------
    tuple of float, or None
        Lowest, highest, and the figure, in the unit printed.

    Examples
    --------
    >>> claimed_range("40,146"), claimed_range("about 40,000"), claimed_range("60-110 km")
    ((40145.5, 40146.5, 40146.0), (38000.0, 42000.0, 40000.0), (60.0, 110.0, 85.0))
    >>> claimed_range("more than 2,000"), claimed_range("16.94万"), claimed_range("largest")
    ((2000.0, inf, 2000.0), (169350.0, 169450.0, 169400.0), None)
    """
    digits_only = _WAN.sub(
        lambda match: f"{Decimal(match[1].replace(',', '')) * 10_000:f}".split(".")[0],
        text.strip()[:_LONGEST],
    )
    if found := _RANGE.search(digits_only):
        ends = sorted(float(found[k].replace(",", "")) for k in (1, 2))
        return ends[0], ends[1], sum(ends) / 2
    if found := _LEAST.search(digits_only):
        least = float((found[1] or found[2]).replace(",", ""))
        return least, float("inf"), least
    if found := _MOST.search(digits_only):
        most = float((found[1] or found[2]).replace(",", ""))
        return 0.0, most, most
    about = _ABOUT.search(digits_only)
    digits = about[1] if about else digits_only
    value = to_float(digits)
    if value is None:
        return None
    wide = max(room if room is not None else printed_tolerance(digits), share * abs(value))
    wide = max(wide, _ROUNDED * abs(value)) if about else wide
    return value - wide, value + wide, value


def unit_factor(claimed: str, computed: str) -> float | None:
    """Factor that converts a claimed figure to the computed unit.

    None where the two units measure different things.

    A unit that is not known is taken to be the computed one: most are words such as "county-level
    units".

    Parameters
    ----------
    claimed, computed
        Units, as a claim prints them and as the product names them.

    Returns
    -------
    float or None
        What a claimed figure is multiplied by.

    Examples
    --------
    >>> unit_factor("mu", "ha") * 15, unit_factor("townships", "origins"), unit_factor("km", "ha")
    (1.0, 1.0, None)
    """
    there, here = (_UNITS.get(unit.strip().casefold()) for unit in (claimed, computed))
    if there is None or here is None:
        return 1.0
    return there[1] / here[1] if there[0] == here[0] else None
