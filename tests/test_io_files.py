"""Limits, links and addresses; and what a problem says."""

from __future__ import annotations

import socket
from pathlib import Path

import corpus
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj.network
import pytest
import shapely

import geosettle as gs
from geosettle.errors import CrsError, InputError, UnknownNameError
from geosettle.io import check_layer, check_path, formats, read_any, read_layer, write_template
from geosettle.problems import PROBLEM_COLUMNS, Problem, RowsSetAside, problem, problems_frame


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formats.LIMITS, "table", 50)
    (tmp_path / "sites.csv").write_text(corpus.rows(), encoding="utf-8")
    found = check_path(tmp_path / "sites.csv", "sites")
    assert [p["code"] for p in found["problems"]] == ["file_too_large"]


@pytest.mark.parametrize(
    "path",
    [
        "/vsicurl/http://127.0.0.1/sites.csv",
        "http://127.0.0.1/sites.csv",
        "/vsizip//tmp/a.zip/sites.csv",
        "GPKG:/tmp/a.gpkg",
        "/dev/zero",
        ".",
    ],
)
def test_no_address_is_opened(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = check_path(path, "sites")
    assert found["status"] == "rejected"


def test_proj_has_no_network() -> None:
    assert not pyproj.network.is_network_enabled()


def test_a_problem_says_where(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "title\n" + corpus.rows(households=[1660, "#REF!", 45]), encoding="utf-8"
    )
    found = check_path(tmp_path / "s.csv", "sites")
    assert found["status"] == "accepted"
    assert (found["rows_in"], found["rows_ok"]) == (3, 3)
    bad = next(p for p in found["problems"] if p["severity"] == "warning")
    assert {k: bad[k] for k in ("code", "file", "layer", "row", "line", "column", "value", "id")} == {
        "code": "excel_error", "file": "s.csv", "layer": "sites", "row": 2, "line": 4, "column": "households", "value": "#REF!", "id": "S2",
    }  # fmt: skip
    assert bad["message"]
    assert bad["mend"]
    assert set(bad) == set(PROBLEM_COLUMNS)


def test_problems_come_all_at_once(tmp_path: Path) -> None:
    text = corpus.rows(
        site_id=["S1", "", "S3"], households=["x", 120, -5], lat=[39.1, 39.1, "north"]
    )
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    codes = {p["code"] for p in check_path(tmp_path / "s.csv", "sites")["problems"]}
    assert {
        "id_missing",
        "number_unreadable",
        "number_out_of_range",
        "coordinate_unreadable",
    } <= codes


def test_region_is_checked(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(corpus.rows(), encoding="utf-8")
    found = check_path(tmp_path / "s.csv", "sites", region=(86.0, 34.0, 73.0, 30.0))
    assert found["status"] == "rejected"
    assert "west, south, east, north" in found["problems"][0]["message"]
    assert check_path(tmp_path / "s.csv", "sites", region="none")["status"] == "accepted"


def test_check_layer_of_a_frame() -> None:
    frame = corpus.frame().assign(households=[5.0, np.nan, -1.0])
    before = frame.copy()
    used, found = check_layer(frame, "sites")
    assert used.index.tolist() == ["S1", "S2", "S3"]
    assert used["households"].isna().tolist() == [False, True, True]
    assert [p.code for p in found] == ["number_out_of_range"]
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))
    used, found = check_layer(
        gpd.GeoDataFrame(frame, crs=None).set_crs(None, allow_override=True), "sites"
    )
    assert len(used) == 0
    assert [p.code for p in found if p.severity == "fatal"] == ["crs_missing"]


def test_read_layer_refuses_in_words(tmp_path: Path) -> None:
    corpus.frame().to_file(tmp_path / "s.shp")
    (tmp_path / "s.prj").unlink()
    with pytest.raises((CrsError, InputError), match="coordinate reference system"):
        read_layer(tmp_path / "s.shp", "sites")
    with pytest.raises(UnknownNameError, match="sites, origins"):
        read_layer(tmp_path / "s.shp", "settlements")
    assert len(gs.read_layer(tmp_path / "s.shp", "sites", crs="EPSG:4326")) == 3


def test_read_any(tmp_path: Path) -> None:
    corpus.frame().rename(columns={"site_id": "zone", "name": "label"}).to_file(
        tmp_path / "zones.geojson"
    )
    frame = read_any(tmp_path / "zones.geojson")
    assert list(frame["zone"]) == corpus.IDS
    corpus.raster(tmp_path / "dem.tif", corpus.GRID)
    assert read_any(tmp_path / "dem.tif").shape == (2, 2)


def test_problems_frame_has_an_order() -> None:
    found = [
        problem("id_missing", row=3, layer="sites"),
        Problem(code="id_missing", severity="error", message="", row=1, layer="sites"),
    ]
    frame = problems_frame(found)
    assert frame["row"].tolist() == [1, 3]
    assert problems_frame([]).columns.tolist() == list(PROBLEM_COLUMNS)


def test_rows_left_out_are_warned_of_or_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text(corpus.rows(site_id=["S1", "", "S3"]), encoding="utf-8")
    for read in (
        lambda **kw: gs.read_layer(path, "sites", **kw),
        lambda **kw: read_any(path, **kw),
    ):
        with pytest.warns(
            RowsSetAside, match="sites.csv: 1 of 3 rows were set aside. row 2: "
        ) as caught:
            frame = read()
        assert (len(frame), caught[0].filename) == (2, __file__)
        assert [p.code for p in caught[0].message.problems] == ["id_missing"]
        found: list[Problem] = []
        assert len(read(problems=found)) == 2
        assert [p.code for p in found] == ["id_missing"]


def test_a_template_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, target: Path) -> None:
        target.mkdir()
        (target / "sites.csv").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("geosettle.io.template.shutil.copytree", half)
    with pytest.raises(gs.errors.OutputError, match="No space left"):
        write_template(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "new").mkdir()
    write_template(tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    assert len(gs.read_study(tmp_path / "new").sites) == 3


def test_half_a_character_in_json_is_no_reason_to_stop(tmp_path: Path) -> None:
    """JSON may escape half of a surrogate pair; the other rows are as good as ever, and so is this
    one.
    """
    half = chr(92) + "ud800"
    point = '"geometry":{"type":"Point","coordinates":[77,39]}'
    rows = [
        f'{{"type":"Feature","properties":{{"site_id":"a{k}","name":"{name}"}},{point}}}'
        for k, name in enumerate((half, "ok"))
    ]
    path = tmp_path / "sites.geojson"
    path.write_text(
        f'{{"type":"FeatureCollection","features":[{",".join(rows)}]}}', encoding="utf-8"
    )
    assert gs.read_layer(path, "sites")["name"].tolist() == ["\N{REPLACEMENT CHARACTER}", "ok"]


def test_land_drawn_again_for_another_year_is_doubted() -> None:
    """Development counts from its year on; the same field of 2009 and 2015 would be counted
    twice.
    """
    boxes = [
        (77, 39, 77.02, 39.02),
        (77.0005, 39, 77.0205, 39.02),
        (77.0205, 39, 77.04, 39.02),
        (77, 39, 77.001, 39.02),
    ]
    frame = gpd.GeoDataFrame(
        {
            "development_id": ["D1", "D2", "D3", "D4"],
            "kind": ["forage"] * 3 + ["orchard"],
            "year": [2009, 2015, 2015, 2015],
        },
        geometry=[shapely.box(*b) for b in boxes],
        crs=4326,
    )
    found = [p for p in check_layer(frame, "development")[1] if p.code == "areas_overlap"]
    assert [p.row for p in found] == [
        1,
        2,
    ]  # neither the neighbour nor another kind on the same ground
    assert all("counted twice" in p.message and "landcover" in p.mend for p in found)
