"""A study that asks for reach: tables, layers, map, report; and one that does not."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine

import geosettle as gs
from geosettle.geodesy import GEOD
from geosettle.maps import ELEMENTS
from geosettle.maps.elements import Settings
from geosettle.raster import Raster
from geosettle.report import report_html
from geosettle.tables import tables
from geosettle.tables.geopackage import gpkg_layers, qgis_styles

WHERE = Affine(0.01, 0, 76, 0, -0.01, 39)
Y, X = np.mgrid[:40, :60]
SITES = gpd.GeoDataFrame(
    {"site_id": ["S1", "S2", "S3"], "name": ["Alma", "Bulak", "Far"]}, crs=4326,
    geometry=[shapely.Point(76.2, 38.8), shapely.Point(76.45, 38.7), shapely.Point(10, 10)],
)  # fmt: skip
UNITS = gpd.GeoDataFrame(
    {"code": ["1", "2"], "name": ["West", "East"], "level": "county"}, crs=4326,
    geometry=[shapely.box(76, 38.6, 76.3, 39), shapely.box(76.3, 38.6, 76.55, 39)],
)  # fmt: skip


def study(sites=SITES, roads=None, **settings) -> gs.Study:
    dem = Raster(1200 + 90 * np.sin(X / 5.0) + 3.0 * Y, WHERE, unit="m", kind="measurements")
    people = Raster(np.full((20, 30), 10.0), Affine(0.02, 0, 76, 0, -0.02, 39), kind="counts")
    layers = {"boundaries": UNITS, "dem": dem, "population": people, "roads": roads}
    return gs.Study(sites=sites, **layers, settings=settings)


@pytest.fixture(scope="module")
def result() -> gs.Result:
    return gs.analyse(study(reach={"hours": [2, 4], "direction": "from"}))


def test_tables_hold_catchments_and_every_person_once(result) -> None:
    made = tables(result)
    reach = made["reach"].set_index(["site_id", "hours"])["area_ha"]
    assert reach["", 4.0] > reach["", 2.0] > reach["S1", 2.0] > 0
    assert reach["", 2.0] < reach["S1", 2.0] + reach["S2", 2.0] + 1e-6
    why = made["reach"].set_index("site_id")["why"]
    assert why["S3"] == "outside the elevation grid"
    people = made["population"]
    total = people.groupby("by", sort=False)["persons"].sum()
    assert total.to_dict() == pytest.approx({"all": 6000, "site": 6000, "county": 6000}, abs=0.5)
    east = people[(people["by"] == "county") & (people["area"] == "East")]
    assert east["persons"].sum() == pytest.approx(2500, abs=0.5)
    outside = people[(people["by"] == "county") & (people["area_id"] == "(outside)")]
    assert outside["persons"].sum() == pytest.approx(500, abs=0.5)


def test_layer_map_and_report_show_them(result) -> None:
    layer = gpkg_layers(result)["catchments"]
    assert layer["hours"].tolist() == [4, 2]  # the widest below
    assert "catchments" in qgis_styles()
    drawn = ELEMENTS["catchments"].payload(result, Settings())
    assert [part["label"]["en"] for part in drawn["parts"]] == [
        "within 4 h of a site", "within 2 h of a site",
    ]  # fmt: skip
    json.dumps(drawn)
    assert not ELEMENTS["catchments"].shown
    for lang, words in (("en", ("Catchments of all sites", "East")), ("zh", ("可达范围", "East"))):
        section = report_html(result, lang=lang).partition('<section id="reach"')[2]
        section = section.partition("</section>")[0]
        assert all(word in section for word in words)


def test_the_rural_access_index_and_the_unreached_reach_every_output(tmp_path) -> None:
    """A straight road: a band of 2 km on each side, with round ends, at one density."""
    road = gpd.GeoDataFrame(
        {"season": [None, "May-Oct"]}, crs=4326,
        geometry=[shapely.LineString([(76.1, 38.8), (76.5, 38.8)]), shapely.box(76, 38, 77, 39).exterior],
    )  # fmt: skip
    asked = {"hours": [2], "rural_access_km": 2}
    found = gs.analyse(study(reach=asked, roads=road))
    table = tables(found)["rural_access"].set_index(["by", "area_id"])
    length = GEOD.inv(76.1, 38.8, 76.5, 38.8)[2] / 1000
    cell_km2 = found.study.population.cell_areas_m2()[10, 0] / 1e6
    near = (length * 4 + np.pi * 4) * 10 / cell_km2
    assert table["near_road"]["all", ""] == pytest.approx(near, rel=0.01)
    assert table["share"]["all", ""] == pytest.approx(near / 6000, rel=0.01)
    units = table.loc["county", "persons"].to_dict()
    assert units == {"1": 3000, "2": 2500, "(outside)": 500}
    drawn = ELEMENTS["rural_access"].payload(found, Settings())
    assert [part["label"]["en"] for part in drawn["parts"]] == [
        "0\N{EN DASH}25 % of persons within 2 km of an all-season road"
    ]
    groups = ELEMENTS["unreached"].payload(found, Settings())
    assert (found.unreached["persons"] == 10 * found.unreached["places"]).all()
    assert groups["parts"][0]["label"]["en"] == "1,000 or more persons not reached"
    assert not ELEMENTS["rural_access"].shown
    assert not ELEMENTS["unreached"].shown
    json.dumps([drawn, groups])
    for lang, word in (("en", "Rural Access Index: everybody"), ("zh", "农村通达指数")):
        assert word in report_html(found, lang=lang)


@pytest.mark.parametrize(
    "roads", [None, pd.DataFrame({"a": ["S1"], "b": ["S2"], "length_km": [9.0]})]
)
def test_an_index_without_roads_as_lines_is_a_problem(roads) -> None:
    found = gs.analyse(study(reach={"rural_access_km": 2}, roads=roads))
    assert found.rural_access.empty
    assert "rural_access_without_layers" in set(found.problems["code"])
    assert 'id="reach"' not in report_html(found)


def test_the_index_alone_makes_no_catchments() -> None:
    road = gpd.GeoDataFrame(geometry=[shapely.LineString([(76.1, 38.8), (76.5, 38.8)])], crs=4326)
    found = gs.analyse(study(reach={"rural_access_km": 2}, roads=road))
    assert found.reach.empty
    section = report_html(found).partition('<section id="reach"')[2].partition("</section>")[0]
    assert "Rural Access Index" in section
    assert "Catchments" not in section


def test_nothing_is_made_that_was_not_asked() -> None:
    plain = gs.analyse(study())
    assert plain.reach.empty
    assert plain.population.empty
    assert tables(plain)["reach"].empty
    assert "catchments" not in gpkg_layers(plain)
    for name in ("catchments", "unreached", "rural_access"):
        assert ELEMENTS[name].payload(plain, Settings()) is None
    assert 'id="reach"' not in report_html(plain)


def test_without_ground_it_is_a_problem() -> None:
    bare = gs.Study(sites=SITES, settings={"reach": {"hours": [1]}})
    found = gs.analyse(bare)
    assert found.reach.empty
    assert "reach_without_ground" in set(found.problems["code"])


def test_rough_positions_are_named() -> None:
    rough = SITES.assign(uncertainty_km=[0.5, 8.0, *[0.0] * (len(SITES) - 2)])
    found = gs.analyse(study(reach={"hours": [1]}, sites=rough))
    (text,) = found.problems.loc[found.problems["code"] == "reach_rough_positions", "message"]
    assert f"1 of {len(SITES)} sites are known to 8 km only" in text


def test_a_run_writes_them(result, tmp_path) -> None:
    gs.write(result, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/tables/reach.csv", encoding="utf-8-sig")
    assert table.columns.tolist() == ["site_id", "hours", "area_ha", "why"]
    assert "catchments" in gpd.list_layers(tmp_path / "out/study.gpkg")["name"].tolist()
    with pd.ExcelFile(tmp_path / "out/tables.xlsx", engine="openpyxl") as book:
        assert {"reach", "population"} <= set(book.sheet_names)
