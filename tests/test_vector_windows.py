"""Of a vector file of very many features only the surroundings of the study are read, and told."""

from __future__ import annotations

import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geosettle as gs
from geosettle.cli import main
from geosettle.io.study import read_study

KINDS = {"gpkg": "GPKG", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf"}


def country() -> gpd.GeoDataFrame:
    """Roads of 0.1 degrees along every whole parallel, 50 degrees wide and 20 high."""
    lon, lat = (g.ravel() for g in np.meshgrid(np.arange(50, 100, 0.1), np.arange(30.0, 50)))
    ends = np.stack([np.column_stack([lon, lat]), np.column_stack([lon + 0.1, lat])], axis=1)
    speed = np.where(np.arange(lon.size) % 3, 40.0, 60.0)
    return gpd.GeoDataFrame(
        {"class": "road", "speed_kmh": speed}, geometry=shapely.linestrings(ends), crs=4326
    )


def written(folder: Path, roads: gpd.GeoDataFrame, ending: str, features: int) -> Path:
    roads.to_file(folder / f"roads.{ending}", driver=KINDS[ending])
    (folder / "sites.csv").write_text("site_id,name,lon,lat\nS,S,76.0,39.0\n", "utf-8")
    (folder / "origins.csv").write_text("origin_id,name,lon,lat\nO,O,76.5,39.0\n", "utf-8")
    (folder / "flows.csv").write_text("origin_id,site_id,households\nO,S,5\n", "utf-8")
    (folder / "study.toml").write_text(
        f'[study]\nname = "x"\nfeatures = {features}\n[layers]\nroads = "roads.{ending}"\n'
        'sites = "sites.csv"\norigins = "origins.csv"\nflows = "flows.csv"\n', "utf-8",
    )  # fmt: skip
    return folder


@pytest.mark.parametrize("crs", [4326, 32643])
@pytest.mark.parametrize("ending", KINDS)
def test_the_surroundings_are_read_and_the_rest_is_counted(
    tmp_path: Path, ending: str, crs: int
) -> None:
    roads = country().to_crs(crs)
    study = read_study(written(tmp_path, roads, ending, 5000))
    (note,) = (p for p in study.problems if p.code == "window_read")
    near = len(study.roads)
    assert f"{near} features were read" in note.message
    assert f"{len(roads) - near} others were left out" in note.message
    assert note.layer == "roads"
    # half the diagonal is 22 km, so 50 km on each side: the parallel of 39 degrees alone
    west, south, east, north = study.roads.total_bounds
    assert (south, north) == pytest.approx((39, 39), abs=1e-6)
    assert 75.2 < west < 75.5
    assert 77 < east < 77.3
    whole = read_study(written(tmp_path, roads, ending, 20_000))
    assert len(whole.roads) == len(roads)
    assert not [p for p in whole.problems if p.code == "window_read"]
    cut, all_ = (gs.analyse(s).pairs["road_km"].iloc[0] for s in (study, whole))
    assert cut == pytest.approx(all_, rel=1e-9)


def test_rows_keep_the_number_they_have_in_the_file(tmp_path: Path) -> None:
    roads = country()
    west_south = shapely.bounds(roads.geometry)[:, :2]
    near = int(np.argmin(np.abs(west_south - [76.0, 39.0]).sum(axis=1)))
    roads.loc[near, "speed_kmh"] = 900.0
    for features in (5000, 20_000):
        study = read_study(written(tmp_path, roads, "gpkg", features))
        (wrong,) = (p for p in study.problems if p.column == "speed_kmh")
        assert (wrong.line or wrong.row) == near + 1


def test_all_is_read_where_it_is_not_known_what_is_near(tmp_path: Path) -> None:
    roads = country()
    folder = written(tmp_path, roads, "gpkg", 5000)
    (folder / "origins.csv").write_text("origin_id,name,lon,lat\nO,O,76.5,39.0\nP,P,,\n", "utf-8")
    assert len(read_study(folder).roads) == len(roads)
    (folder / "origins.csv").write_text("origin_id,name,lon,lat\nO,O,176.5,-39\n", "utf-8")
    (folder / "sites.csv").write_text("site_id,name,lon,lat\nS,S,176.0,-39.0\n", "utf-8")
    assert len(read_study(folder).roads) == len(roads)  # nothing is near


def test_distances_read_the_surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path, country(), "gpkg", 1)
    read: list[int] = []
    from geosettle.io import vectors

    known = vectors.rows_within
    monkeypatch.setattr(
        vectors, "rows_within", lambda p, n, w, _: read.append(1) or known(p, n, w, 5000)
    )
    call = ["distances", "--metric", "road"]
    for role in ("origins", "sites", "flows"):
        call += [f"--{role}", str(folder / f"{role}.csv")]
    assert main([*call, "--roads", str(folder / "roads.gpkg")]) == 0
    assert read
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["road_km"].iloc[0] == pytest.approx(43.3, abs=0.1)
