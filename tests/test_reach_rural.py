"""Rural Access Index (SDG 9.1.1): against bands on the ellipsoid, buffers in a plane, counts by hand."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from pyproj import CRS, Geod

import geosettle as gs
from geosettle.cli import main
from geosettle.errors import InputError

GEOD = Geod(ellps="WGS84")
UTM = "EPSG:32644"


def lines(*coordinates, crs=4326, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(c) for c in coordinates], crs=crs)


def test_a_straight_road_has_a_band_of_twice_the_distance():
    """Along a meridian, the band is 2 km to each side at every latitude."""
    count = gs.Raster(np.full((100, 120), 3.0), Affine(0.001, 0, 76, 0, -0.001, 39), kind="counts")
    found = gs.rural_access(count, lines([(76.06, 38), (76.06, 40)])).iloc[0]
    width = GEOD.inv(76, 38.95, 76.12, 38.95)[2]
    assert found["persons"] == pytest.approx(36_000)
    assert found["share"] == pytest.approx(4000 / width, rel=2e-3)


@pytest.mark.parametrize("cell", [100, 900])
def test_bent_roads_in_a_plane_are_buffered_as_by_shapely(cell):
    """In the middle of a UTM zone the plane is 0.04 % short."""
    rng = np.random.default_rng(3)
    rows, columns = 18_000 // cell, 27_000 // cell
    people = rng.integers(0, 50, (rows, columns)).astype(float)
    count = gs.Raster(people, Affine(cell, 0, 490_000, 0, -cell, 4_310_000), crs=UTM, kind="counts")
    way = [(492_000, 4_300_000), (503_000, 4_303_000), (505_000, 4_309_500), (514_000, 4_307_000)]
    buffer = shapely.LineString(way).buffer(2000 * 0.9996, quad_segs=64)
    source = NumPyRasterSource(people, *(490_000, 4_310_000 - rows * cell),
                               *(490_000 + columns * cell, 4_310_000), srs_wkt=CRS(UTM).to_wkt())  # fmt: skip
    zone = gpd.GeoDataFrame(geometry=[buffer], crs=UTM)
    expected = exact_extract(source, zone, "sum", output="pandas")["sum"].item()
    found = gs.rural_access(count, lines(way, crs=UTM).to_crs(4326)).iloc[0]
    assert found["near_road"] == pytest.approx(expected, rel=3e-3)


def test_areas_towns_and_seasonal_roads():
    """Ten persons in each of four cells; the road passes the first two rows' cells."""
    count = gs.Raster(np.full((2, 2), 10.0), Affine(0.1, 0, 76, 0, -0.1, 39.1), kind="counts")
    west = gpd.GeoDataFrame(index=["w"], geometry=[shapely.box(76, 38.8, 76.1, 39.2)], crs=4326)
    town = gpd.GeoDataFrame(geometry=[shapely.box(76, 39, 76.1, 39.1)], crs=4326)
    roads = lines([(75, 39.05), (78, 39.05)], [(75, 38.95), (78, 38.95)], season=[None, "May-Oct"])
    found = gs.rural_access(count, roads, areas=west, within_km=30).set_index("area_id")
    assert found["persons"].to_dict() == pytest.approx({"w": 20, "(outside)": 20})
    assert found["share"].to_dict() == pytest.approx({"w": 1, "(outside)": 1})
    points = gpd.GeoDataFrame(
        {"people": [7, 5, 3, 1]}, crs=4326,
        geometry=gpd.points_from_xy([76.05, 76.05, 76.15, 76.15], [39.05, 38.95, 39.06, 38.95]),
    )  # fmt: skip
    of_points = gs.rural_access(points, roads, areas=west, persons="people")
    assert of_points.to_numpy().tolist() == [
        ["w", 12, 7, 7 / 12, ""],
        ["(outside)", 4, 3, 0.75, ""],
    ]
    rural = gs.rural_access(points, roads, urban=town, persons="people").iloc[0]
    assert rural[["persons", "near_road"]].to_list() == [9, 3]
    sample = gs.Raster(np.array([[1.0, 0], [0, 0]]), Affine(0.1, 0, 76, 0, -0.1, 39.1))
    same = gs.rural_access(points, roads, urban=sample, persons="people").iloc[0]
    assert same["near_road"] == 3
    cells = gs.rural_access(count, roads, urban=town, within_km=30).iloc[0]
    assert cells["persons"] == pytest.approx(30)


def test_it_is_refused_without_an_all_season_road():
    count = gs.Raster(np.ones((2, 2)), Affine(0.1, 0, 76, 0, -0.1, 39.1), kind="counts")
    with pytest.raises(InputError, match="no all-season road"):
        gs.rural_access(count, lines([(75, 39), (78, 39)], season=["winter"]))
    with pytest.raises(InputError, match="above zero"):
        gs.rural_access(count, lines([(75, 39), (78, 39)]), within_km=0)


def test_where_nobody_lives_there_is_no_share():
    count = gs.Raster(np.zeros((2, 2)), Affine(0.1, 0, 76, 0, -0.1, 39.1), kind="counts")
    (row,) = gs.rural_access(count, lines([(75, 39), (78, 39)])).itertuples()
    assert np.isnan(row.share)
    assert row.why == "no persons are counted here"


def test_the_command_counts_by_unit_without_sites_or_elevation(tmp_path, capsys):
    count = np.full((2, 2), 10.0)
    with rasterio.open(
        tmp_path / "people.tif", "w", driver="GTiff", height=2, width=2, count=1, dtype="float64",
        crs=4326, transform=Affine(0.1, 0, 76, 0, -0.1, 39.1),
    ) as data:  # fmt: skip
        data.write(count, 1)
    lines([(75, 39.05), (78, 39.05)]).to_file(tmp_path / "roads.gpkg")
    unit = {"code": ["w"], "name": ["West"], "level": ["district"]}
    west = gpd.GeoDataFrame(unit, geometry=[shapely.box(76, 38.8, 76.1, 39.2)], crs=4326)
    west.to_file(tmp_path / "units.gpkg")
    call = ["reach", "--roads", "roads.gpkg", "--population", "people.tif", "--boundaries",
            "units.gpkg", "--set", "population:unit=persons", "--rural-access"]  # fmt: skip
    call = [str(tmp_path / word) if "." in word else word for word in call]
    assert main([*call, "5"]) == 0
    rows = pd.read_csv(io.StringIO(capsys.readouterr().out)).set_index(["by", "area"])
    width = 2 * 5000 / (GEOD.inv(76, 38.9, 76, 39.1)[2])
    assert rows.loc[("district", "West"), "persons"] == pytest.approx(20)
    assert rows.loc[("all", np.nan), "share"] == pytest.approx(width, rel=2e-3)
    assert main([*call[:3], "--rural-access"]) == 2
    assert "--population" in capsys.readouterr().err
    assert main(["reach", "--dem", str(tmp_path / "people.tif")]) == 2
    assert "--sites" in capsys.readouterr().err
