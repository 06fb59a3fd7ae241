"""Tables: honest digits, full dictionaries, stable order, and a workbook in which text stays text."""

import io

import numpy as np
import openpyxl
import pandas as pd
import pytest
from report_example import HOSTILE, example

from geosettle.report.dictionary import PAIR_COLUMNS, entry
from geosettle.report.tables import TABLES, round_to, tables
from geosettle.report.workbook import tables_xlsx


@pytest.mark.parametrize(
    ("value", "uncertainty", "expected"),
    [  # by hand: the last digit kept is a tenth of the leading place of the uncertainty
        (123.4567, 10, 123.0),
        (123.4567, 9.99, 123.5),
        (123.4567, 0.25, 123.46),
        (123.4567, 0.001, 123.457),
        (1234.5, 100, 1230.0),
        (-2.34567, 10, -2.0),
        (0.4, 10, 0.0),
        (123.4567, np.nan, 123.457),
        (123.4567, 0, 123.457),
        (np.nan, 3, np.nan),
    ],
)
def test_round_to_keeps_what_is_known(value, uncertainty, expected):
    np.testing.assert_array_equal(round_to([value], [uncertainty]), [expected])


def test_tables_are_all_there_and_every_column_is_explained():
    made = tables(example())
    assert list(made) == list(TABLES)
    unexplained = [(name, column) for name, frame in made.items() for column in frame if entry(name, column) is None]
    assert unexplained == []
    assert list(made["pairs"].columns) == list(PAIR_COLUMNS)


def test_a_site_known_to_ten_kilometres_has_one_decimal():
    made = tables(example())
    sites = made["sites"].set_index("site_id")
    for value, near in ((sites.loc["S1", "border_km"], 3.0), (sites.loc["S1", "oasis_edge_km"], -2.0)):
        assert value == round(value, 1) == pytest.approx(near, abs=0.5)
    assert sites.loc["S2", "border_km"] == 12.35  # ±0.5 km
    pairs = made["pairs"].set_index(["origin_id", "site_id"])
    straight = pairs.loc[("O1", "S1"), "geodesic_km"]
    assert straight == round(straight, 1) == pytest.approx(121.0, abs=0.5)
    assert pairs.loc[("O3", "S2"), "geodesic_km"] == 130.41
    assert pairs.loc[("O1", "S1"), "declared_km"] == 210  # as given


def test_tables_do_not_depend_on_row_order_and_leave_the_result_alone():
    result = example()
    before = {name: getattr(result, name).copy() for name in ("sites", "pairs", "claims")}
    first = tables(result)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(pd.DataFrame(getattr(result, name)), pd.DataFrame(frame))
    import dataclasses

    turned = dataclasses.replace(
        result, **{name: getattr(result, name).iloc[::-1] for name in ("sites", "pairs", "claims", "remoteness")}
    )
    for name, frame in tables(turned).items():
        pd.testing.assert_frame_equal(frame, first[name])
    assert first["claims"]["claim_id"].tolist() == ["C1", "C2"]


def test_livelihood_is_rounded_by_its_own_interval():
    rows = tables(example())["livelihood"].set_index("item")
    # 50 to 62: half is 6, so tenths are kept
    assert rows.loc["greenhouse households", ["before", "after", "change"]].tolist() == [16.7, 72.8, 56.1]


def test_unknown_position_is_empty_not_zero():
    sites = tables(example())["sites"].set_index("site_id")
    assert sites.loc["S4", ["lon", "lat", "border_km"]].isna().all()
    assert sites.loc["S1", ["lon", "lat"]].tolist() == [76.1, 39.13]


def test_no_rows_is_no_failure():
    made = tables(example(empty=True))
    assert len(made["sites"]) == 0
    assert list(made["pairs"].columns) == list(PAIR_COLUMNS)
    assert tables_xlsx(example(empty=True))[:2] == b"PK"


def test_workbook_is_the_same_twice_and_holds_text_as_text():
    first = tables_xlsx(example())
    assert tables_xlsx(example()) == first
    book = openpyxl.load_workbook(io.BytesIO(first))
    assert book.sheetnames == [*TABLES, "dictionary", "sources"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"n", "s", "b"}  # "f" would be a formula
    assert not any(cell.hyperlink for cell in cells)
    seen = {cell.value for cell in cells}
    for text in HOSTILE:
        assert any(isinstance(value, str) and text.strip()[:6].strip() in value for value in seen), text
    assert all(sheet.freeze_panes == "B2" for sheet in book)
    meanings = book["dictionary"]
    assert [cell.value for cell in meanings[1]] == ["table", "title", "column", "meaning", "unit"]
    assert all(row[3].value and row[4].value for row in meanings.iter_rows(min_row=2))  # a meaning and a unit or kind
    # every column of every sheet has its line, in the order of the sheets
    told = [(row[0].value, row[2].value) for row in meanings.iter_rows(min_row=2)]
    assert told == [(name, cell.value) for name in TABLES for cell in book[name][1] if cell.value]
    assert book["sites"]["A2"].value == "S1"
