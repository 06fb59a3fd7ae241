"""What the map says of studies unlike the embedded one: many destinations, nothing stated, nothing
but sites.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

import geosettle as gs
from geosettle.maps import map_html
from geosettle.maps.elements import Settings, _borders

TABLES = {
    "sites": "site_id,name,lon,lat,households\nS1,Upper,77.0,39.0,100\nS2,Lower,77.4,39.1,60\nS3,Bad,277.4,99.1,60\n",
    "origins": "origin_id,name,lon,lat\nO1,One,76.5,38.6\nO2,Two,76.6,38.2\n",
    "flows": "origin_id,site_id,households\nO1,S1,30\nO1,S2,50\nO2,S1,70\nO2,S3,5\n",
}


def written(folder: Path, tables: Mapping[str, str]) -> dict[str, Any]:
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    result = gs.analyse(gs.read_study(folder))
    page = map_html(result)
    block = re.search(r'id="gs-data">(.*?)</script>', page, re.DOTALL)
    assert block
    data: dict[str, Any] = json.loads(block.group(1))
    return data | {"result": result}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return written(tmp_path_factory.mktemp("study"), TABLES)


def test_rows_set_aside_are_told_on_the_map(data: dict[str, Any]) -> None:
    told = [note["en"] for note in data["notes"]["caveats"] if "not used" in note["en"]]
    assert sorted(told) == [
        "1 of 3 rows of sites were not used and are not drawn; the report gives the reason.",
        "1 of 4 rows of flows were not used and are not drawn; the report gives the reason.",
    ]


def test_positions_without_a_radius_are_not_praised_as_known(data: dict[str, Any]) -> None:
    notes = " ".join(note["en"] for note in data["notes"]["caveats"])
    assert "The data give no uncertainty of the locations" in notes
    assert "discs" not in notes
    assert "the median is between" not in data["subtitle"]["en"]


def test_sites_alone_make_no_claim_about_moves(tmp_path: Path) -> None:
    data = written(tmp_path, {"sites": "site_id,name,lon,lat\nA,A,10,5\nB,B,10.5,5.2\nC,C,,\n"})
    assert data["title"]["en"] == "Where 3 settlement sites are"
    assert data["subtitle"]["en"] == "2 of 3 sites are located; the data have no origins."
    assert [total["label"]["en"].split(",")[0] for total in data["totals"]] == [
        "sites",
        "households",
    ]
    assert "Curved" not in " ".join(note["en"] for note in data["notes"]["caveats"])


def test_the_cut_at_the_antimeridian_is_no_border() -> None:
    unit = shapely.MultiPolygon(
        [shapely.box(178, -18, 180, -16), shapely.box(-180, -18, -179, -16)]
    )
    border = _borders(gpd.GeoDataFrame(geometry=[unit], crs=4326), Settings())
    assert border.length == pytest.approx(2 * 2 + 2 * 1 + 2 + 2)
    assert border.intersection(shapely.LineString([(180, -90), (180, 90)])).length == 0


def test_units_of_ones_own_levels_are_on_the_card_and_searched(tmp_path: Path) -> None:
    unit = shapely.box(76, 38, 78, 40)
    frame = gpd.GeoDataFrame(
        {"code": ["W1"], "name": ["Adama"], "name_local": ["አዳማ"], "level": ["woreda"]},
        geometry=[unit],
        crs=4326,
    )
    frame.to_file(tmp_path / "boundaries.geojson")
    data = written(tmp_path, TABLES)
    label = {"en": "Woreda", "zh": "Woreda"}
    assert {"column": "woreda", "label": label, "unit": "", "level": 1} in data["card"]
    assert [line["column"] for line in data["card"] if "level" in line] == ["woreda"]
    assert {"woreda", "woreda_local"} <= set(data["searched"])
    for name, text in (("woreda", "Adama"), ("woreda_local", "አዳማ")):
        packed = data["sites"]["columns"][name]
        assert packed["k"] == [text]


def test_layers_are_named_in_the_language_of_the_page(data: dict[str, Any]) -> None:
    assert {source["zh"].split("\uff1a")[0] for source in data["notes"]["sources"]} == {
        "安置点",
        "迁出地",
        "迁移流向",
    }
    assert {source["en"].split(":")[0] for source in data["notes"]["sources"]} == {
        "sites",
        "origins",
        "flows",
    }
