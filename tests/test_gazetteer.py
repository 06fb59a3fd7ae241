"""Villages placed by name in a gazetteer: with their parent, never guessed without one."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

import geosettle as gs
from geosettle.cli import main

GAZETTEER = """place_id,name,kind,district,lon,lat
P1,Kesh,village,North,10.2,9.2
P2,Kesh,village,South,12.2,9.4
P3,Ayun-el-Bir,village,North,10.4,9.6
P4,Mtoni,village,South,12.6,9.8
"""
ORIGINS = """origin_id,name,district
V1,KESH,North
V2,Kesh,South
V3,Kesh,
V4,Ayun el Bir,
V5,Mtoni,North
V6,Nowhere,South
"""


def study(folder: Path, *, units: bool) -> Path:
    (folder / "places.csv").write_text(GAZETTEER, "utf-8")
    (folder / "origins.csv").write_text(ORIGINS, "utf-8")
    (folder / "sites.csv").write_text("site_id,name,lon,lat\nS,Camp,11,9\n", "utf-8")
    text = '[layers]\nplaces = "places.csv"\nsites = "sites.csv"\n'
    if units:
        text += 'boundaries = "units.geojson"\n'
        gpd.GeoDataFrame(
            {"code": ["N", "S"], "name": ["North", "South"], "level": "district"},
            geometry=[shapely.box(10, 9, 11, 10), shapely.box(12, 9, 13, 10)], crs=4326,
        ).to_file(folder / "units.geojson")  # fmt: skip
    how = '["places", "unit"]' if units else '"places"'
    text += f'[layers.origins]\npath = "origins.csv"\nplace = {how}\n'
    (folder / "study.toml").write_text(text, "utf-8")
    return folder


def test_names_with_a_parent_are_placed_and_repeated_ones_without_are_not(tmp_path: Path) -> None:
    read = gs.read_study(study(tmp_path, units=False))
    at = {k: None if p is None else (p.x, p.y) for k, p in read.origins.geometry.items()}
    # Mtoni is in the South only, and the row says North: another place of that name.
    assert at == {
        "V1": (10.2, 9.2), "V2": (12.2, 9.4), "V3": None, "V4": (10.4, 9.6), "V5": None, "V6": None,
    }  # fmt: skip
    (several,) = [p for p in read.problems if p.code == "name_repeated"]
    assert several.id == "V3"
    assert several.message == "2 places are called 'Kesh'; none is taken."
    (note,) = [p for p in read.problems if p.code == "placed_by_name"]
    assert note.value == "3"
    unknown = {p.id for p in read.problems if p.code == "position_unknown"}
    assert unknown == {"V3", "V5", "V6"}


def test_the_declared_unit_is_the_parent_and_the_rest_is_somewhere_in_it(tmp_path: Path) -> None:
    read = gs.read_study(study(tmp_path, units=True))
    assert read.origins.loc["V2", "geometry"].equals(shapely.Point(12.2, 9.4))
    assert set(read.regions["origins"]) == {"V5", "V6"}
    assert read.origins["geometry"].notna().sum() == 5


@pytest.mark.parametrize("name", ["gazetteer.csv", "places.csv"])
def test_init_places_a_list_of_names_by_a_gazetteer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).write_text(GAZETTEER, "utf-8")
    (tmp_path / "camps.csv").write_text(
        "Camp name,district,Families\nKesh,North,40\nAyun el Bir,North,25\nKesh,South,11\n", "utf-8"
    )
    out = tmp_path / "out"
    files = [str(tmp_path / "camps.csv"), str(tmp_path / name)]
    assert main(["init", str(out), *files, "--yes"]) == 0
    said = capsys.readouterr().out
    assert "sites: 3 rows; 76 households (column 'Families'); 3 with a position" in said
    assert "3 by their name" in said
    assert gs.read_study(out).sites.geometry.x.tolist() == [10.4, 10.2, 12.2]
