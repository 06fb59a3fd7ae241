"""Tables: honest digits, full dictionaries, stable order, and a workbook in which text stays
text.
"""

import dataclasses
import io
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pandas as pd
import pytest
from report_example import HOSTILE, example
from shapely.geometry import MultiPolygon, Point, box

from geosettle.tables import TABLES, describe, round_to, tables
from geosettle.tables.dictionary import PAIR_COLUMNS, UNDESCRIBED
from geosettle.tables.geopackage import gpkg_layers, qgis_styles
from geosettle.tables.remoteness import compact, wide, with_names
from geosettle.tables.xlsx import tables_xlsx


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
    result = example()
    made = tables(result)
    assert list(made) == list(TABLES)
    unexplained = [
        (name, column)
        for name, frame in made.items()
        for column, found in describe(TABLES[name], frame, result).items()
        if found == UNDESCRIBED
    ]
    assert unexplained == []
    assert list(made["pairs"].columns) == list(PAIR_COLUMNS)


def test_a_site_known_to_ten_kilometres_has_one_decimal():
    made = tables(example())
    sites = made["sites"].set_index("site_id")
    for value, near in (
        (sites.loc["S1", "border_km"], 3.0),
        (sites.loc["S1", "oasis_edge_km"], -2.0),
    ):
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
    turned = dataclasses.replace(
        result,
        **{
            name: getattr(result, name).iloc[::-1]
            for name in ("sites", "pairs", "claims", "remoteness")
        },
    )
    for name, frame in tables(turned).items():
        pd.testing.assert_frame_equal(frame, first[name])
    assert first["claims"]["claim_id"].tolist() == ["C1", "C2"]


def test_livelihood_is_rounded_by_its_own_interval():
    rows = tables(example())["livelihood"].set_index("item")
    # 50 to 62: half is 6, so tenths are kept
    assert rows.loc["greenhouse households", ["before", "after", "change"]].tolist() == [
        16.7,
        72.8,
        56.1,
    ]


def test_unknown_position_is_empty_not_zero():
    sites = tables(example())["sites"].set_index("site_id")
    assert sites.loc["S4", ["lon", "lat", "border_km"]].isna().all()
    assert sites.loc["S1", ["lon", "lat"]].tolist() == [76.1, 39.13]


def test_no_rows_is_no_failure():
    made = tables(example(empty=True))
    assert len(made["sites"]) == 0
    assert list(made["pairs"].columns) == list(PAIR_COLUMNS)
    assert tables_xlsx(example(empty=True))[:2] == b"PK"


def test_a_large_workbook_says_the_same_and_leaves_the_longest_tables_to_their_files(monkeypatch):
    def cells(data):
        book = openpyxl.load_workbook(io.BytesIO(data))
        return {
            sheet.title: [[c.value for c in row] for row in sheet.iter_rows()] for sheet in book
        }

    small = cells(tables_xlsx(example()))
    monkeypatch.setattr("geosettle.tables.xlsx._CELLS_IN_MEMORY", 0)
    large = tables_xlsx(example())
    assert tables_xlsx(example()) == large
    assert cells(large) == small
    monkeypatch.setattr("geosettle.tables.xlsx._ROWS_MOST", len(small["pairs"]) - 2)
    parted = cells(tables_xlsx(example()))
    assert "pairs" not in parted
    titles = {row[0]: row[1] for row in parted["dictionary"]}
    assert titles["pairs"].endswith(f" ({len(small['pairs']) - 1} rows, only in tables/pairs.csv)")
    assert titles["claims"] == {row[0]: row[1] for row in small["dictionary"]}["claims"]


def test_workbook_is_the_same_twice_and_holds_text_as_text():
    first = tables_xlsx(example())
    assert tables_xlsx(example()) == first
    book = openpyxl.load_workbook(io.BytesIO(first))
    held = [name for name, frame in tables(example()).items() if len(frame)]
    assert book.sheetnames == [*held, "dictionary", "sources"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"n", "s", "b"}  # "f" would be a formula
    assert not any(cell.hyperlink for cell in cells)
    seen = {cell.value for cell in cells}
    for text in HOSTILE:
        assert any(
            isinstance(value, str) and text.strip()[:6].strip() in value for value in seen
        ), text
    assert all(sheet.freeze_panes == "B2" for sheet in book)
    meanings = book["dictionary"]
    assert [cell.value for cell in meanings[1]] == ["table", "title", "column", "meaning", "unit"]
    assert all(
        row[3].value and row[4].value for row in meanings.iter_rows(min_row=2)
    )  # a meaning and a unit or kind
    # every column of every sheet has its line, in the order of the sheets
    told = [(row[0].value, row[2].value) for row in meanings.iter_rows(min_row=2)]
    assert told == [
        (name, cell.value) for name in book.sheetnames for cell in book[name][1] if cell.value
    ]
    assert book["sites"]["A2"].value == "S1"


def test_numbers_of_the_input_are_numbers_in_the_workbook_and_codes_stay_text():
    """A column of the user's own is read as text; where the dictionary states a unit, a sum over
    its cells must work.
    """
    result = example(["Town"])
    result = dataclasses.replace(
        result,
        sites=result.sites.assign(
            households_low=["1500", "about 300", None, "-7"],
            plot_ha=["1666.67", "0.5", "007", "1e3"],
            year_from=["2017", "2018", "", "2019-05"],
            county_code=["653022", "0101", "7", None],
            own=["12", "+1", "=1+1", "@x"],
        ),
    )
    sheet = openpyxl.load_workbook(io.BytesIO(tables_xlsx(result)))["sites"]
    columns = {column[0].value: column[1:] for column in sheet.iter_cols()}
    held = {name: [cell.value for cell in column] for name, column in columns.items()}
    assert held["households_low"] == [1500, "about 300", None, -7]
    assert held["plot_ha"] == [1666.67, 0.5, "007", "1e3"]
    assert held["year_from"][:2] == [2017, 2018]
    assert held["year_from"][3] == "2019-05"
    assert held["county_code"] == ["653022", "0101", "7", None]
    assert held["own"] == ["12", "+1", "=1+1", "@x"]
    assert [columns[name][0].number_format for name in ("households_low", "year_from")] == [
        "#,##0",
        "0",
    ]


def test_absurd_numbers_stop_no_output():
    result = example(["Town"])
    sites = result.sites.assign(
        households=[1e300, 3.0, np.inf, np.nan], uncertainty_km=[np.inf, 1.0, np.nan, 2.0]
    )
    result = dataclasses.replace(result, sites=sites)
    assert tables(result)["sites"]["households"].tolist()[:2] == [1e300, 3.0]
    assert tables_xlsx(result)[:2] == b"PK"
    assert sorted(gpkg_layers(result)["uncertainty"]["id"]) == ["O1", "O2", "O4", "S2"]


# --- study.gpkg in QGIS: what QGIS 3.22 showed when all its layers were added at once (qgis --code
# ... study.gpkg) ------


def test_layers_of_the_geopackage_are_in_the_order_in_which_qgis_stacks_them():
    """QGIS puts the first layer of a file on top: symbols over lines over areas, as on the map."""
    layers = gpkg_layers(example())
    assert list(layers) == [
        "sites",
        "origins",
        "flows",
        "uncertainty",
        "development",
        "boundaries",
        "rivers",
        "oasis",
    ]


def test_a_layer_declares_one_kind_of_geometry():
    """GEOMETRY, of which many programs make nothing, is what the writer declares for polygons with
    multipolygons.
    """
    result = example()
    boundaries = result.study.boundaries.copy()
    boundaries.loc[boundaries.index[0], "geometry"] = MultiPolygon(
        [box(0, 0, 1, 1), box(2, 0, 3, 1)]
    )
    assert len(set(boundaries.geom_type)) == 2
    study = dataclasses.replace(result.study, boundaries=boundaries)
    layer = gpkg_layers(dataclasses.replace(result, study=study))["boundaries"]
    assert set(layer.geom_type) == {"MultiPolygon"}
    assert layer.crs == "EPSG:4326"
    assert layer.geometry.geom_equals(boundaries.geometry.reset_index(drop=True)).all()


def test_flows_across_the_antimeridian_take_the_short_way():
    result = example()
    origins, sites = result.origins.copy(), result.sites.copy()
    origins.loc["O1", "geometry"], sites.loc["S1", "geometry"] = Point(179, 10), Point(-178, 13)
    origins.loc["O3", "geometry"], sites.loc["S2", "geometry"] = Point(-179, 10), Point(180, 12)
    flows = gpkg_layers(dataclasses.replace(result, origins=origins, sites=sites))["flows"]
    drawn = flows.set_index(["origin_id", "site_id"]).geometry
    # a third of the way east from 179 to 182 lies at 180, and so does a third of the way up from 10
    # to 13
    assert drawn["O1", "S1"].wkt == "MULTILINESTRING ((179 10, 180 11), (-180 11, -178 13))"
    assert drawn["O3", "S2"].wkt == "MULTILINESTRING ((-179 10, -180 12))"


def test_disputed_boundaries_are_dashed_on_white_above_all_others():
    root = ET.fromstring(qgis_styles()["boundaries"].split("\n", 1)[1])
    renderer = root.find("renderer-v2")
    assert renderer.get("symbollevels") == "1"
    rules = {r.get("label"): r for r in renderer.iter("rule")}
    assert list(rules) == ["upper levels", "disputed", "finest level"]
    assert rules["finest level"].get("filter") == "ELSE"
    levels, dashes = {}, {}
    for label, rule in rules.items():
        layers = renderer.findall(f"symbols/symbol[@name='{rule.get('symbol')}']/layer")
        levels[label] = [int(layer.get("pass")) for layer in layers]
        options = [
            {o.get("name"): o.get("value") for o in layer.iter("Option")} for layer in layers
        ]
        dashes[label] = ["customdash" in o for o in options]
        assert all(o["line_color"].endswith(",255") for o in options)
    assert levels == {"upper levels": [1], "disputed": [2, 3], "finest level": [0]}
    assert dashes == {"upper levels": [False], "disputed": [False, True], "finest level": [False]}


@pytest.mark.parametrize("name", ["sites", "origins", "places"])
def test_names_stand_beside_their_symbols(name):
    placement = ET.fromstring(qgis_styles()[name].split("\n", 1)[1]).find(".//placement")
    assert (
        placement.get("placement") == "6"
    )  # QGIS's number for places around a point in a given order
    assert placement.get("offsetType") == "1"  # counted from the symbol's edge
    assert placement.get("priority") == (
        "10" if name == "sites" else "2"
    )  # where room is short, sites are named


def test_remoteness_is_written_with_names_and_one_row_for_a_reason_that_repeats():
    head = {
        "role": "site",
        "metric": "road",
        "unit": "km",
        "kind": "",
        "limit": "",
        "why": "no road",
    }
    long = pd.DataFrame(
        [
            {**head, "id": "S1", "indicator": "land_max", "value": 12.0, "why": ""},
            {**head, "id": "S2", "indicator": "land_max", "value": np.nan},
            {**head, "id": "S2", "indicator": "land_mean", "value": np.nan},
            {**head, "id": "S2", "indicator": "land_gini", "value": np.nan, "why": "only 1 of 2"},
        ]
    )  # fmt: skip
    made = compact(long, "value")
    assert made[["id", "indicator", "why"]].to_numpy().tolist() == [
        ["S1", "land_max", ""],
        ["S2", "land_gini", "only 1 of 2"],
        ["S2", "", "no road"],  # for both of the others
    ]
    result = example(["Town"])
    named = with_names(made, result)
    assert named["name"].tolist() == [result.sites.loc[i, "name"] for i in ("S1", "S2", "S2")]
    assert list(wide(named).columns) == ["site_id", "name", "land_max_road_km"]
