"""A study made of a user's frames, read from a folder, or embedded."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import corpus
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geosettle as gs
from geosettle.errors import InputError, UnknownNameError
from geosettle.io import check_path
from geosettle.layers import LAYERS
from geosettle.settings import decode
from geosettle.study import Study, complete
from geosettle.tables import tables


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site_id": [7, 8],
            "name": ["a", "b"],
            "lon": [76.0, np.nan],
            "lat": [39.0, np.nan],
            "extra": ["x", "y"],
        }
    )


def test_frames_become_layers() -> None:
    given = table()
    study = Study(
        sites=given, origins=None, flows=pd.DataFrame({"origin_id": ["1"], "site_id": [7.0]})
    )
    assert study.sites.index.tolist() == ["7", "8"]
    assert study.sites.geometry.iloc[0].equals(shapely.Point(76, 39))
    assert study.sites.geometry.iloc[1] is None
    assert study.sites["households"].isna().all()
    assert study.sites["extra"].tolist() == ["x", "y"]
    assert study.flows is not None
    assert study.flows["site_id"].tolist() == ["7"]
    assert study.settings["study"]["name"] == "study"
    pd.testing.assert_frame_equal(given, table())


def test_any_crs_and_any_index() -> None:
    frame = corpus.frame().set_index("site_id").to_crs(32643)
    study = Study(sites=frame)
    assert study.sites.index.tolist() == corpus.IDS
    assert study.sites.crs.to_epsg() == 4326
    assert study.sites.geometry.x.tolist() == pytest.approx(corpus.LON, abs=1e-9)
    again = Study(sites=study.sites)
    pd.testing.assert_frame_equal(pd.DataFrame(again.sites), pd.DataFrame(study.sites))


def test_all_faults_at_once() -> None:
    sites = pd.DataFrame({"site_id": ["a", "a", None], "lon": [1.0, 2, 3], "lat": [1.0, 2, 3]})
    origins = gpd.GeoDataFrame({"origin_id": ["o"], "name": ["o"]}, geometry=[shapely.Point(1, 1)])
    with pytest.raises(InputError) as caught:
        Study(sites=sites, origins=origins)
    text = str(caught.value)
    for part in (
        "sites",
        "name is missing",
        "repeated: a",
        "1 row(s) have no site_id",
        "origins",
        "set_crs",
    ):
        assert part in text


@pytest.mark.parametrize("role", [n for n, s in LAYERS.items() if s.geometries != ("raster",)])
def test_complete_has_every_column(role: str) -> None:
    out = complete(pd.DataFrame({"odd": [1]}), LAYERS[role])
    assert out.columns.tolist() == [*(c.name for c in LAYERS[role].columns), "odd"]
    filled = {c.name: c.default for c in LAYERS[role].columns if c.default}
    assert out[list(filled)].iloc[0].to_dict() == filled
    assert out.drop(columns=["odd", *filled]).isna().all(axis=None)


def test_every_layer_is_an_attribute() -> None:
    study = Study(sites=table())
    for role, spec in LAYERS.items():
        if role != "sites":
            assert getattr(study, role) == ({} if spec.by_year else None)
    with pytest.raises(AttributeError):
        study.sights  # noqa: B018
    assert set(Study.__annotations__) == set(LAYERS)


def test_a_misspelt_layer_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean origins"):
        Study(sites=table(), orgins=None)
    with pytest.raises(UnknownNameError, match="Did you mean roads"):
        Study(sites=table()).replace(raods=None)
    with pytest.raises(InputError, match="the study has none"):
        Study(origins=None)


def test_a_replaced_layer_is_taken_as_it_is() -> None:
    study = Study(sites=table(), name="before")
    turned = study.sites.iloc[::-1]
    changed = study.replace(sites=turned, roads=None, name="after")
    assert changed.sites is turned
    assert (changed.name, study.name) == ("after", "before")
    assert changed.settings is study.settings
    checked = replace(study, sites=table())  # the way of dataclasses checks, as Study(...) does
    pd.testing.assert_frame_equal(pd.DataFrame(checked.sites), pd.DataFrame(study.sites))


def test_settings_are_merged() -> None:
    settings = decode({"study": {"name": "x"}, "admin": {"aliases": {"Aktau": "Akto"}}})
    assert settings["study"]["name"] == "x"
    assert settings["study"]["lang"] == "en"
    assert settings["admin"]["aliases"]["Aktau"] == "Akto"


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"study": {"nmae": "x"}}, "study.nmae; did you mean study.name"),
        ({"stduy": {}}, "did you mean study"),
        ({"study": {"name": 7}}, "study.name must be text"),
        ({"study": 7}, "study is a table"),
        ({"study": {"region": "73,34"}}, "must be a list"),
    ],
)
def test_settings_are_checked(stated: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        decode(stated)


def test_every_fault_of_a_study_in_one_message(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("site_id,name,lat\nS1,A,39\n", encoding="utf-8")
    (tmp_path / "origins.csv").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        gs.read_study(tmp_path)
    assert "No position was found" in str(caught.value)
    assert "origins.csv" in str(caught.value)


def test_ledger_closes_and_references_are_spelled(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(corpus.rows(), encoding="utf-8")
    (tmp_path / "origins.csv").write_text(corpus.ORIGINS, encoding="utf-8")
    (tmp_path / "flows.csv").write_text(
        corpus.FLOWS.replace("O3,S3", "o-3,s 3") + "O9,S1,5,\n", encoding="utf-8"
    )
    study = gs.read_study(tmp_path)
    assert study.flows is not None
    assert study.flows["site_id"].tolist() == ["S1", "S1", "S2", "S3"]
    assert study.flows["origin_id"].iloc[3] == "O3"
    assert study.ledger["flows"] == {"rows_in": 5, "rows_used": 4, "rows_set_aside": 1}
    for counts in study.ledger.values():
        assert counts["rows_in"] == counts["rows_used"] + counts["rows_set_aside"]
    assert len(study.inputs["sites.csv"]["sha256"]) == 64
    dangling = [p for p in study.problems if p.code == "reference_unknown"]
    assert [(p.file, p.row, p.line, p.column, p.value) for p in dangling] == [
        ("flows.csv", 5, 6, "origin_id", "O9")
    ]


@pytest.mark.parametrize("crs", [4326, 4490, 32643, 32644, 3857])
def test_crs_of_the_input_does_not_matter(tmp_path: Path, crs: int) -> None:
    corpus.frame().to_crs(crs).to_file(tmp_path / "sites.gpkg")
    study = gs.read_study(tmp_path)
    assert study.sites.geometry.x.tolist() == pytest.approx(corpus.LON, abs=1e-8)
    assert study.sites.geometry.y.tolist() == pytest.approx(corpus.LAT, abs=1e-8)


def test_row_order_does_not_matter(tmp_path: Path) -> None:
    lines = corpus.rows().splitlines()
    found = []
    for order in ((1, 2, 3), (3, 1, 2)):
        folder = tmp_path / str(order[0])
        folder.mkdir()
        (folder / "sites.csv").write_text(
            "\n".join([lines[0], *(lines[i] for i in order)]), encoding="utf-8"
        )
        found.append(gs.read_study(folder).sites.sort_index())
    pd.testing.assert_frame_equal(pd.DataFrame(found[0]), pd.DataFrame(found[1]))


def test_flows_to_unknown_places_are_set_aside_with_a_reason() -> None:
    place = {"name": ["a"], "lon": [76.0], "lat": [39.0]}
    study = gs.Study(
        sites=pd.DataFrame({"site_id": ["S1"], **place}),
        origins=pd.DataFrame({"origin_id": ["O1"], **place}),
        flows=pd.DataFrame({"origin_id": ["O1", "O9", "O1"], "site_id": ["S1", "S1", "S9"]}),
    )
    assert study.flows is not None
    assert study.flows[["origin_id", "site_id"]].to_numpy().tolist() == [["O1", "S1"]]
    assert [(p.code, p.row, p.column, p.value) for p in study.problems] == [
        ("reference_unknown", 2, "origin_id", "O9"),
        ("reference_unknown", 3, "site_id", "S9"),
    ]
    assert study.ledger["flows"] == {"rows_in": 3, "rows_used": 1, "rows_set_aside": 2}


def test_problems_name_the_row_of_the_spreadsheet_and_its_sheet(tmp_path: Path) -> None:
    """A title, an empty row and an empty row within: the program that made the file counts them."""
    rows = [
        ["Sites of the river project", *[None] * 4],
        [None] * 5,
        ["site_id", "name", "lon", "lat", "households"],
        ["S1", "A", 76.0, 39.0, 12],
        [None] * 5,
        ["S2", "B", 76.1, 39.1, "many"],
    ]
    with pd.ExcelWriter(tmp_path / "sites.xlsx") as book:
        pd.DataFrame(rows).to_excel(book, sheet_name="Camps", header=False, index=False)
    study = gs.read_study(tmp_path)
    (found,) = [p for p in study.problems if p.code == "number_unreadable"]
    assert (found.layer, found.sheet, found.row, found.line) == ("sites", "Camps", 2, 6)
    written = tables(gs.analyse(study))["problems"].set_index("code")
    assert written.loc["number_unreadable", ["file", "sheet", "row", "id"]].tolist() == [
        *("sites.xlsx", "Camps", 6, "S2")
    ]


def test_an_empty_point_is_no_position() -> None:
    sites = gpd.GeoDataFrame(
        {"name": ["A", "B"]},
        geometry=[shapely.Point(77, 39), shapely.Point()],
        crs=4326,
        index=pd.Index(["a", "b"], name="site_id"),
    )
    origins = gpd.GeoDataFrame(
        {"name": ["C"]},
        geometry=[shapely.Point(77, 38)],
        crs=4326,
        index=pd.Index(["c"], name="origin_id"),
    )
    assert gs.analyse(gs.Study(sites=sites, origins=origins)).sites.geometry.isna().tolist() == [
        False,
        True,
    ]


def test_every_file_sheet_and_layer_has_its_own_entry(tmp_path: Path) -> None:
    rows = {
        "sites": "site_id,name,lon,lat\nS1,a,20.51,10.52\n",
        "origins": "origin_id,name,lon,lat\nO1,b,20.61,10.62\n",
        "flows": "origin_id,site_id,households\nO1,S1,5\n",
    }
    study = tmp_path / "study"
    study.mkdir()
    with pd.ExcelWriter(study / "book.xlsx") as book:
        for role in ("sites", "origins"):
            pd.read_csv(StringIO(rows[role])).to_excel(book, sheet_name=role, index=False)
    for folder, role in (("one", "flows"), ("two", "places")):
        (tmp_path / folder).mkdir()
        place = "place_id,name,kind,lon,lat\nP1,p,market,20.7,10.7\n"
        (tmp_path / folder / "data.csv").write_text(rows.get(role, place))
    (study / "study.toml").write_text(
        '[layers]\nsites = {path = "book.xlsx", sheet = "sites"}\n'
        'origins = {path = "book.xlsx", sheet = "origins"}\n'
        'flows = {path = "../one/data.csv"}\nplaces = {path = "../two/data.csv"}\n'
    )
    found = gs.read_study(study).inputs
    roles = {name: what["layer"] for name, what in found.items()}
    assert roles == {
        "book.xlsx#sites": "sites", "book.xlsx#origins": "origins",
        "data.csv": "flows", "two/data.csv": "places",
    }  # fmt: skip
    assert {name: what["rows"] for name, what in found.items()} == dict.fromkeys(roles, 1)
    assert "file_unused" not in {p["code"] for p in check_path(study)["problems"]}


def test_one_table_of_two_layers_has_an_entry_for_each(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("id,name,lon,lat\nA,a,20.51,10.52\nB,b,20.61,10.62\n")
    (tmp_path / "study.toml").write_text(
        '[layers]\nsites = {path = "all.csv", where = {id = "A"}}\n'
        'origins = {path = "all.csv", where = {id = "B"}}\n'
    )
    found = gs.read_study(tmp_path).inputs
    assert sorted(what["layer"] for what in found.values()) == ["origins", "sites"]
