"""What is at each site: road, height, slope and land cover, with what the position allows."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from geographiclib.geodesic import Geodesic
from pyproj import Geod

import geosettle as gs
from geosettle.distance.nearest_edge import NearestEdges
from geosettle.distance.nearest_road import nearest_road
from geosettle.raster import Raster
from geosettle.tables import tables

CELL = 0.01
WEST, NORTH = 30.0, 4.0
ADDED = (
    *("nearest_road_km", "road_class", "road_name", "elevation_low_m", "slope_low_deg"),
    "land_cover",
)


def raster(values, **more):
    return Raster(np.asarray(values, float), Affine(CELL, 0, WEST, 0, -CELL, NORTH), **more)


def plane_raster(east=0.0, south=0.0, shape=(100, 100)):
    """Heights that rise by so many metres per cell."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return raster(1000 + east * columns + south * rows, unit="m", kind="measurements")


def cover():
    values = np.ones((100, 100))
    values[:, 50:] = 2
    return raster(values, classes={1: "cropland"}, kind="classes")


SITES = gpd.GeoDataFrame(
    {"name": ["Exact", "Rough", "Lost", "Edge"], "uncertainty_km": [np.nan, 6.0, np.nan, np.nan]},
    index=pd.Index(["S1", "S2", "S3", "S4"], name="site_id"),
    geometry=[
        shapely.Point(30.205, 3.505), shapely.Point(30.5, 3.5), None, shapely.Point(40.0, 3.5),
    ],
    crs="EPSG:4326",
)  # fmt: skip
ROADS = gpd.GeoDataFrame(
    {"class": ["primary", "track", "trunk"], "ref": ["A1", "", "B"], "season": ["", "", "dry"]},
    geometry=[
        shapely.LineString([(30.0, 3.6), (31.0, 3.61)]),
        shapely.LineString([(30.4, 3.3), (30.6, 3.31)]),
        shapely.LineString([(30.2, 3.50), (30.21, 3.50)]),
    ],
    crs="EPSG:4326",
)


def sites_of(**layers):
    study = gs.Study(sites=SITES, **layers)
    return tables(gs.analyse(study))["sites"].set_index("site_id")


def test_nothing_is_added_without_the_layers():
    assert not {*ADDED} & {*sites_of().columns}


def test_distance_to_the_nearest_road_is_the_shortest_geodesic_to_it():
    found = sites_of(roads=ROADS, settings={"road": {"season": "rainy"}})
    along = np.linspace(0, 1, 20_001)
    lon, lat = 30 + along, 3.6 + 0.01 * along
    least = min(
        Geodesic.WGS84.Inverse(3.505, 30.205, y, x)["s12"]
        for x, y in zip(lon, lat, strict=True)
        if abs(x - 30.205) < 0.01
    )
    assert found.loc["S1", "nearest_road_km"] == pytest.approx(least / 1000, abs=1e-3)
    assert found.loc["S1", ["road_class", "road_name"]].tolist() == ["primary", "A1"]


def test_a_rough_position_gives_a_range_and_names_a_road_only_where_it_is_one():
    found = sites_of(roads=ROADS, settings={"road": {"season": "rainy"}})
    rough = found.loc["S2"]
    assert rough["nearest_road_low_km"] < rough["nearest_road_km"] < rough["nearest_road_high_km"]
    assert rough["nearest_road_high_km"] - rough["nearest_road_low_km"] < 2 * 6.0
    assert pd.isna(found.loc["S1", "nearest_road_low_km"])
    far = sites_of(roads=ROADS.iloc[:1])
    assert far.loc["S2", "road_name"] == "A1"  # there is one road only


def test_closed_roads_are_not_the_nearest():
    assert sites_of(roads=ROADS).loc["S1", "road_class"] == "trunk"
    closed = sites_of(roads=ROADS, settings={"road": {"season": "rainy"}})
    assert closed.loc["S1", "road_class"] == "primary"


@pytest.mark.parametrize(("lat", "spread"), [(0.0, 0.3), (70.0, 6.0)])
def test_the_nearest_road_is_nearest_on_the_ground_not_in_degrees(lat, spread):
    rng = np.random.default_rng(3)
    start = np.column_stack(
        [rng.uniform(70, 70 + 2 * spread, 60), lat + rng.uniform(-spread, spread, 60)]
    )
    lines = shapely.linestrings(np.stack([start, start + rng.normal(0, spread / 6, (60, 2))], 1))
    roads = gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326")
    at = np.column_stack(
        [rng.uniform(70, 70 + 2 * spread, 200), lat + rng.uniform(-spread, spread, 200)]
    )
    metres, row = nearest_road(roads, *at.T)
    dots, of = shapely.get_coordinates(shapely.segmentize(lines, spread / 500), return_index=True)
    x, y = (np.broadcast_to(v[:, None], (200, len(dots))) for v in at.T)
    to = (np.broadcast_to(v, x.shape) for v in dots.T)
    apart = Geod(ellps="WGS84").inv(x, y, *to)[2]
    step = spread / 500 * 111_700 / 2  # how far a foot may be from the next dot
    assert (metres <= apart.min(axis=1) + 1e-3).all()
    assert (metres >= apart.min(axis=1) - step).all()
    clear = np.sort([apart[:, of == k].min(axis=1) for k in range(60)], axis=0)
    sure = clear[1] - clear[0] > 2 * step
    assert sure.sum() > 100
    assert (row[sure] == of[apart.argmin(axis=1)][sure]).all()


def test_far_points_are_compared_with_few_edges(monkeypatch):
    rng = np.random.default_rng(3)
    xy = np.column_stack([rng.uniform(76, 80, 20_000), rng.uniform(38, 42, 20_000)])
    ends = np.stack([xy, xy + rng.normal(0, 0.005, xy.shape)], axis=1)
    edges = NearestEdges(np.asarray(shapely.linestrings(ends)))
    lon, lat = rng.uniform(89, 130, 40), rng.uniform(45, 89, 40)
    measured = []
    foot = NearestEdges._foot

    def counted(self, x, y, edge):
        measured.append(len(edge))
        return foot(self, x, y, edge)

    monkeypatch.setattr(NearestEdges, "_foot", counted)
    edge, share = edges.to(lon, lat)
    assert sum(measured) < 100 * len(lon)  # in degrees all 20,000 are near: some 400,000
    geod = Geod(ellps="WGS84")
    found = np.asarray(geod.inv(lon, lat, *edges.at(edge, share))[2])
    places = np.linspace(0, 1, 5)
    for x, y, metres in zip(lon, lat, found, strict=True):
        along = (ends[:, :1] + places[:, None] * (ends[:, 1:] - ends[:, :1])).reshape(-1, 2)
        every = geod.inv(np.full(len(along), x), np.full(len(along), y), *along.T)[2]
        assert metres <= np.min(every) + 1e-7 * metres


def test_a_table_of_lengths_has_no_nearest_road():
    table = pd.DataFrame({"a": ["S1"], "b": ["S2"], "length_km": [50.0]})
    assert "nearest_road_km" not in sites_of(roads=table)


def test_height_and_slope_of_a_plane_are_those_of_its_formula():
    found = sites_of(dem=plane_raster(east=20.0, south=10.0)).loc["S1"]
    column, row = round((30.205 - WEST) / CELL - 0.5), round((NORTH - 3.505) / CELL - 0.5)
    assert found["elevation_m"] == 1000 + 20 * column + 10 * row
    across = Geodesic.WGS84.Inverse(3.505, 30.2, 3.505, 30.21)["s12"]
    along = Geodesic.WGS84.Inverse(3.50, 30.2, 3.51, 30.2)["s12"]
    expected = np.degrees(np.arctan(np.hypot(20 / across, 10 / along)))
    assert found["slope_deg"] == pytest.approx(expected, abs=0.051)


def test_a_rough_position_has_a_range_of_heights_and_no_value():
    found = sites_of(dem=plane_raster(east=20.0)).loc["S2"]
    assert pd.isna(found["elevation_m"])
    assert pd.isna(found["slope_deg"])
    # 90 % of a disc of 6 km are within ±4.9 km of its middle along one axis.
    half = (found["elevation_high_m"] - found["elevation_low_m"]) / 2
    assert half == pytest.approx(20 * 4.86 / 1.11, rel=0.12)
    assert "position known to 6 km" in found["why"]


def test_every_missing_value_has_its_reason():
    found = sites_of(dem=plane_raster(), landcover={2020: cover()})
    assert found.loc["S3", "why"] == "position unknown"
    assert "outside the elevation grid" in found.loc["S4", "why"]
    assert "outside the land cover grid" in found.loc["S4", "why"]
    assert "the land cover may be" in found.loc["S2", "why"]
    known = found.loc["S1", [c for c in ADDED if c in found]]
    assert known.notna().all()
    assert pd.isna(found.loc["S1", "why"]) or found.loc["S1", "why"] == ""


def test_land_cover_is_named_from_the_class_table_or_by_its_number():
    found = sites_of(landcover={2010: raster(np.full((100, 100), 9.0)), 2020: cover()})
    assert found.loc["S1", "land_cover"] == "cropland"  # the latest year
    shares = dict(part.rsplit(" ", 1) for part in found.loc["S2", "land_cover_shares"].split("; "))
    assert {*shares} == {"cropland", "class 2"}
    assert float(shares["cropland"]) == pytest.approx(0.5, abs=0.15)


def test_units_have_the_median_distance_to_a_road_by_households():
    sites = SITES.iloc[[0, 1]].assign(
        households=[10, 90], region=["East", "East"], uncertainty_km=np.nan
    )
    result = gs.analyse(gs.Study(sites=sites, roads=ROADS.iloc[:2]))
    own = tables(result)["sites"].set_index("site_id")
    units = tables(result)["units"]
    assert units["nearest_road_km"].iloc[-1] == pytest.approx(
        own.loc["S2", "nearest_road_km"], abs=0.1
    )
