"""Cells to numbers, angles and years."""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosettle.io.numbers import decimal_mark, is_missing, to_angle, to_number, to_text, to_year


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1660", ".", 1660), ("1,660", ".", 1660), ("1.660", ",", 1660), ("1 660", ".", 1660), ("1'660", ".", 1660),
        ("1,660,000.5", ".", 1660000.5), ("1.660.000,5", ",", 1660000.5), ("12,34,567", ".", 1234567), ("76,06", ".", 76.06),
        ("１２．５", ".", 12.5), ("+5", ".", 5), ("−5", ".", -5), ("1e3", ".", 1000), (".5", ".", 0.5), ("5.", ".", 5),
        (7, ".", 7), (7.5, ".", 7.5), ("1,660,000", ",", 1660000), (" 3\u200b ", ".", 3),
    ],
)  # fmt: skip
def test_numbers(cell: object, decimal: str, value: float) -> None:
    assert to_number(cell, decimal) == (value, "")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("abc", "number_unreadable"), ("1.2.3", "number_unreadable"), ("1,23,4", "number_unreadable"), ("--5", "number_unreadable"),
        ("1e999", "number_unreadable"), (True, "number_unreadable"), (math.inf, "number_unreadable"), ("#DIV/0!", "excel_error"),
        ("#WERT!", "excel_error"), (dt.datetime(2019, 3, 5, tzinfo=dt.UTC), "date_in_number"), ("2019/3/5", "date_in_number"),
        ("Mar-05", "date_in_number"), ("2019年3月5日", "date_in_number"),
    ],
)  # fmt: skip
def test_no_numbers(cell: object, code: str) -> None:
    value, said = to_number(cell)
    assert math.isnan(value)
    assert said == code


@pytest.mark.parametrize(
    "cell", ["", " ", "NA", "n/a", "-", "—", "未知", "不详", None, math.nan, "NULL", "…"]
)
def test_missing(cell: object) -> None:
    assert is_missing(cell)
    value, said = to_number(cell)
    assert math.isnan(value)
    assert said == ""


@given(
    st.floats(-180, 180),
    st.sampled_from(
        [
            "{d}°{m}'{s}\"{h}",
            "{h}{d}°{m}′{s}″",
            "{c}{d}度{m}分{s}秒",
            "{d} {m} {s} {h}",
            "{d}d{m}m{s}s{h}",
            "{d}:{m}:{s}{h}",
        ]
    ),
)
def test_degrees_minutes_seconds(degrees: float, form: str) -> None:
    size = abs(degrees)
    d, m = int(size), int(size % 1 * 60)
    s = round(((size % 1) * 60 - m) * 60, 6)
    text = form.format(
        d=d, m=m, s=f"{s:.6f}", h="E" if degrees >= 0 else "W", c="东经" if degrees >= 0 else "西经"
    )
    value, code = to_angle(text, "lon")
    if s < 60:
        assert code == ""
        assert value == pytest.approx(degrees, abs=1e-9)


@given(st.floats(-1e9, 1e9).map(lambda v: round(v, 4)), st.sampled_from([".", ","]))
def test_numbers_with_groups_round_trip(value: float, decimal: str) -> None:
    text = f"{value:,.4f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    assert to_number(text, decimal) == (pytest.approx(value, abs=1e-9), "")


def test_axis_of_the_hemisphere() -> None:
    assert to_angle("76°E", "lat")[1] == "hemisphere_axis"
    assert to_angle("39°N", "lon")[1] == "hemisphere_axis"
    assert to_angle('76°30"', "lon")[1] == "coordinate_unreadable"
    assert to_angle("76°O", "lon")[1] == "hemisphere_axis"  # east in German, west in Spanish
    assert to_angle("南纬3度30分", "lat") == (-3.5, "")


def test_seconds_rounded_up_to_sixty_are_the_next_minute() -> None:
    assert to_angle("7°20'60.0\"N", "lat") == (7.35, "")
    assert to_angle("W 38 59 60", "lon") == (-39.0, "")
    assert to_angle("8°60.00'S", "lat") == (-9.0, "")
    assert to_angle("7°20'60.1\"N", "lat")[1] == "coordinate_unreadable"
    assert to_angle("7°61'N", "lat")[1] == "coordinate_unreadable"


def test_decimal_mark_needs_evidence() -> None:
    assert decimal_mark(["1,660", "2,500", "x"]) == ""
    assert decimal_mark(["76,06", "1.660,5"]) == ","
    assert decimal_mark(["76.06", "1,660"]) == "."


def test_text_and_years() -> None:
    assert [to_text(v) for v in (7.0, 7, "007", 1.5, True, None, "")] == [
        "7",
        "7",
        "007",
        "1.5",
        "true",
        None,
        None,
    ]
    assert to_text("'=1+1") == "=1+1"
    assert to_year(dt.date(2019, 3, 5)) == (2019, "")
    assert to_year("in 2019") == (2019, "year_read_from_text")
    assert to_year("soon")[1] == "number_unreadable"
