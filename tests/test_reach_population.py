"""Persons by time and area: nothing counted twice, totals kept, against exactextract and by hand."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from exactextract import exact_extract
from rasterio.io import MemoryFile

import geosettle as gs
from geosettle.cli import main
from geosettle.crs import WGS84, change
from geosettle.errors import ColumnError, InputError
from geosettle.io import geotiff_bytes
from geosettle.raster import Raster

WHERE = Affine(0.01, 0, 76, 0, -0.01, 39)


def cone(shape=(60, 80)) -> Raster:
    y, x = np.mgrid[: shape[0], : shape[1]]
    hours = np.hypot(y - 28, x - 41) / 12
    hours[10:14, 20:30] = np.nan  # a lake
    hours[:, 75:] = np.inf  # beyond a river without a bridge
    return Raster(hours, WHERE, unit="h")


def counts(crs="EPSG:4326") -> Raster:
    rng = np.random.default_rng(3)
    if crs == "EPSG:4326":  # shifted, coarser, reaching beyond the times on one side
        return Raster(rng.gamma(1, 40, (30, 40)), Affine(0.023, 0, 75.9, 0, -0.021, 38.95), crs)
    x, y = change(WGS84, crs, 75.95, 39.05)
    return Raster(rng.gamma(1, 9, (75, 80)), Affine(1000, 0, float(x), 0, -1000, float(y)), crs)


HALVES = gpd.GeoDataFrame(
    index=["west", "east"], crs=4326,
    geometry=[shapely.box(75.5, 38, 76.4, 39.5), shapely.box(76.4, 38, 76.7, 39.5)],
)  # fmt: skip


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32643", "EPSG:3857"])
def test_every_person_is_counted_once_on_any_grid(crs: str) -> None:
    people = counts(crs)
    total = float(people.values.sum())
    every = gs.population_within(cone(), people, [1, 2])
    assert every["persons"].sum() == pytest.approx(total, rel=1e-12)
    assert (every["persons"] > 0).all()
    assert every["share"].sum() == pytest.approx(1)
    parts = gs.population_within(cone(), people, [1, 2], areas=HALVES)
    assert parts["area_id"].unique().tolist()[:2] == ["east", "west"]
    assert ("(outside)" in parts["area_id"].tolist()) == (crs != "EPSG:3857")
    assert parts["persons"].sum() == pytest.approx(total, rel=1e-12)
    keys = ["reach", "from_h", "to_h"]
    both = parts.groupby(keys, dropna=False, sort=False)["persons"].sum().reset_index()
    np.testing.assert_array_equal(both[["reach"]], every[["reach"]])
    np.testing.assert_allclose(both["persons"], every["persons"], rtol=1e-6)


def test_persons_within_are_those_of_exactextract_in_the_catchments() -> None:
    people, time = counts("EPSG:32643"), cone()
    found = gs.population_within(time, people, [1, 2])
    polygons = gs.catchments(time, [1, 2]).to_crs(32643).reset_index()
    with MemoryFile(geotiff_bytes(people)) as file, file.open() as data:
        sums = exact_extract(data, polygons, ["sum"], output="pandas")["sum"]
    assert found["persons"].head(2).cumsum().tolist() == pytest.approx(sums.tolist(), rel=1e-4)


def test_counts_are_split_by_ground_and_never_averaged() -> None:
    """One cell of 100 persons, a quarter of it within the hour, by head."""
    time = Raster(np.array([[0.0, 1.0, 2.0, 3.0]]), Affine(1, 0, 0, 0, -1, 0.5), unit="h")
    one = Raster(np.array([[100.0]]), Affine(4, 0, 0, 0, -1, 0.5))
    found = gs.population_within(time, one, [1])
    assert found["persons"].tolist() == pytest.approx([37.5, 62.5, 0], abs=1e-4)
    finer = Raster(np.full((1, 8), 12.5), Affine(0.5, 0, 0, 0, -1, 0.5))
    assert gs.population_within(time, finer, [1])["persons"].tolist() == pytest.approx(
        [37.5, 62.5, 0], abs=1e-4
    )


def test_points_count_where_they_are() -> None:
    people = gpd.GeoDataFrame(
        {"people": [5, 7, 11, 13, None]},
        geometry=gpd.points_from_xy([76.41, 76.1, 76.77, 70, 76.4], [38.72, 38.7, 38.7, 38.7, 38.7]),
        crs=4326,
    )  # fmt: skip
    found = gs.population_within(cone(), people, [1, 2], areas=HALVES, persons="people")
    table = found.set_index(["area_id", "reach", "to_h"])["persons"].sort_index()
    assert table["east", "within", 1] == 5
    assert table.loc["west", "unreached"].tolist() == [7]
    assert table.loc["(outside)", "unreached"].tolist() == [11]
    assert table.loc["(outside)", "not_measured"].tolist() == [13]
    assert table.sum() == 36
    with pytest.raises(ColumnError, match="'population'"):
        gs.population_within(cone(), people, [1])


def test_by_service_area_nobody_is_counted_twice() -> None:
    y, x = np.mgrid[:60, :80]
    dem = Raster(1200 + 100 * np.sin(x / 5.0) + 3 * y, WHERE, unit="m")
    sites = gpd.GeoDataFrame(
        index=["a", "b"], geometry=gpd.points_from_xy([76.2, 76.6], [38.7, 38.6]), crs=4326
    )
    found = gs.travel_allocation(sites, dem=dem)
    areas = gs.service_areas(found)
    cells = dem.cell_areas_m2() * np.ones(dem.shape) / 1e4
    for number, name in found.first.classes.items():
        own = cells[found.first.values == number].sum()
        assert areas["area_ha"][name] == pytest.approx(own, rel=1e-9)
    people = counts()
    table = gs.population_within(found.time, people, [2, 5], areas=areas)
    every = gs.population_within(found.time, people, [2, 5])
    assert table["persons"].sum() == pytest.approx(people.values.sum(), rel=1e-12)
    within = table[table["reach"] == "within"].groupby("to_h")["persons"].sum()
    assert within.tolist() == pytest.approx(every["persons"].head(2).tolist(), rel=1e-5)


def test_what_cannot_be_is_refused() -> None:
    twice = gpd.GeoDataFrame(index=["a", "b"], geometry=[HALVES.geometry["west"]] * 2, crs=4326)
    with pytest.raises(InputError, match="overlap"):
        gs.population_within(cone(), counts(), [1], areas=twice)
    people = counts()
    people.values[3, 3] = -1
    with pytest.raises(InputError, match="below zero"):
        gs.population_within(cone(), people, [1])


def test_the_command_writes_rasters_polygons_and_persons(tmp_path, capsys) -> None:
    y, x = np.mgrid[:60, :80]
    dem = Raster(1200 + 100 * np.sin(x / 5.0) + 3.0 * y, WHERE, unit="m")
    (tmp_path / "dem.tif").write_bytes(geotiff_bytes(dem))
    (tmp_path / "pop.tif").write_bytes(geotiff_bytes(counts()))
    sites = "site_id,name,lon,lat\nA,Alma,76.2,38.7\nB,Bulak,76.6,38.6\nC,Far,10,10\n"
    (tmp_path / "sites.csv").write_text(sites)
    units = HALVES.rename_axis("code").reset_index().assign(level="county", name=["West", "East"])
    units.to_file(tmp_path / "units.geojson")
    call = ["reach", "--sites", f"{tmp_path}/sites.csv", "--dem", f"{tmp_path}/dem.tif"]
    call += ["--hours", "1", "3", "--population", f"{tmp_path}/pop.tif"]
    call += ["--boundaries", f"{tmp_path}/units.geojson"]
    for folder in ("one", "two"):
        assert main([*call, "--each", "--direction", "from", "-o", f"{tmp_path}/{folder}"]) == 0
    assert "C is left out: outside the elevation grid" in capsys.readouterr().err
    one = tmp_path / "one"
    files = {p.relative_to(one).as_posix() for p in one.rglob("*") if p.is_file()}
    assert {
        "time.tif",
        "allocation.tif",
        "times/00001.tif",
        "times/00002.tif",
        "reach.gpkg",
    } < files
    for name in files:  # two runs say the same
        assert (one / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    manifest = json.loads((one / "manifest.json").read_text())
    assert set(manifest["outputs"]) == files - {"manifest.json"}
    table = pd.read_csv(one / "population.csv", encoding="utf-8-sig")
    total = table.groupby("by")["persons"].sum()
    assert total.index.tolist() == ["all", "county", "site"]
    assert total.to_numpy() == pytest.approx(counts().values.sum(), rel=1e-6)
    assert set(table["area"].dropna()) == {"West", "East", "Alma", "Bulak"}
    layers = gpd.list_layers(one / "reach.gpkg")["name"].tolist()
    assert layers == ["catchments", "unreached", "service_areas", "site_catchments"]
    with rasterio.open(one / "time.tif") as file:
        assert file.tags()["DIRECTION"] == "from"
        assert file.tags()["INPUT_DEM"].startswith("sha256 ")
    # Without a folder the table of persons goes to standard output.
    capsys.readouterr()
    assert main([*call[:5], "--model", "weiss", "--hours", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "hours,area_ha"
    assert main(["reach", "--sites", f"{tmp_path}/sites.csv"]) == 2
    assert "--dem" in capsys.readouterr().err


def test_without_any_area_everybody_is_outside():
    """81 cells of 10 persons."""
    time = Raster(np.zeros((9, 9)), Affine(0.01, 0, 76, 0, -0.01, 39))
    count = Raster(np.full((9, 9), 10.0), time.transform, kind="counts")
    none = gpd.GeoDataFrame(geometry=gpd.GeoSeries([], crs=4326))
    found = gs.population_within(time, count, [1], areas=none)
    assert found.groupby("area_id")["persons"].sum().to_dict() == pytest.approx({"(outside)": 810})


def test_points_in_two_areas_and_areas_of_one_name_are_refused():
    time = Raster(np.zeros((2, 2)), Affine(1, 0, 76, 0, -1, 40))
    points = gpd.GeoDataFrame({"population": [7]}, geometry=[shapely.Point(77, 39)], crs=4326)
    boxes = [shapely.box(76, 38, 77.5, 40), shapely.box(76.5, 38, 78, 40)]
    areas = gpd.GeoDataFrame(index=["a", "b"], geometry=boxes, crs=4326)
    with pytest.raises(InputError, match="counted twice"):
        gs.population_within(time, points, [1], areas=areas)
    with pytest.raises(InputError, match="one identifier"):
        gs.population_within(time, points, [1], areas=areas.set_axis(["a", "a"]))
    halves = [shapely.box(76, 38, 77, 40), shapely.box(77, 38, 78, 40)]  # the point is on the edge
    table = gs.population_within(time, points, [1], areas=areas.set_geometry(halves, crs=4326))
    assert table["persons"].sum() == 7
    with pytest.raises(InputError, match="infinite"):
        gs.population_within(time, points.assign(population=np.inf), [1])
