"""Places known to be somewhere in an area: bounds by brute force, intervals by simulation."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

import geosettle as gs
from geosettle.analysis._distances import context_of
from geosettle.distance.regions import bounds_m
from geosettle.masking import Masking, mask_study

GEOD = Geod(ellps="WGS84")
ELL = shapely.Polygon([(10, 9), (13, 9), (13, 9.4), (10.4, 9.4), (10.4, 11), (10, 11)])
"""An L of two arms: its middle is in none of them, and a disc around it is mostly outside."""
BOX = shapely.box(16, 9, 17, 10)


def every_m(one: shapely.Geometry, two: shapely.Geometry) -> np.ndarray:
    """All distances between points every 0.02 degrees along two outlines."""
    a, b = (shapely.get_coordinates(shapely.segmentize(s, 0.02)) for s in (one, two))
    i, j = (k.ravel() for k in np.meshgrid(np.arange(len(a)), np.arange(len(b))))
    return np.asarray(GEOD.inv(a[i, 0], a[i, 1], b[j, 0], b[j, 1])[2])


def inside(shape: shapely.Geometry, n: int, rng: np.random.Generator) -> np.ndarray:
    """Points uniform by area in a shape: by longitude and the sine of latitude, then kept or not."""
    west, south, east, north = shape.bounds
    x = rng.uniform(west, east, 20 * n)
    low, high = np.sin(np.radians([south, north]))
    y = np.degrees(np.arcsin(rng.uniform(low, high, 20 * n)))
    return np.column_stack([x, y])[shapely.contains_xy(shape, x, y)][:n]


@pytest.mark.parametrize("lat", [-68.0, 0.0, 41.0])
def test_bounds_are_those_of_the_nearest_and_the_farthest_point(lat: float) -> None:
    rng = np.random.default_rng(int(lat) + 90)
    for _ in range(4):
        one = shapely.Point(rng.uniform(-180, 170), lat).buffer(rng.uniform(0.1, 2), quad_segs=2)
        x = one.centroid.x
        away = x + rng.uniform(-6, 6), lat + rng.uniform(-5, 5)
        two = shapely.Point(*away).buffer(rng.uniform(0.1, 2), quad_segs=1)
        least, greatest = bounds_m([one], [two])
        brute = every_m(one, two)
        apart = not shapely.intersects(one, two)
        # Between points 2.2 km apart on both outlines the nearest distance dips by some metres.
        assert least[0] == pytest.approx(brute.min() if apart else 0, abs=40)
        assert greatest[0] == pytest.approx(brute.max(), abs=10)


def boundaries() -> gpd.GeoDataFrame:
    units = {"level": ["district"] * 2, "name": ["Ell", "Box"], "code": ["E", "B"]}
    return gpd.GeoDataFrame(units, geometry=[ELL, BOX], crs=4326)


def study(folder: Path) -> gs.Study:
    """Villages of which only the district is known; one camp with a position, one without."""
    boundaries().to_file(folder / "boundaries.geojson")
    (folder / "sites.csv").write_text(
        "site_id,name,district,lon,lat,uncertainty_km\nS1,Camp,Box,16.5,9.5,2\nS2,New camp,Box,,,\n",
        "utf-8",
    )
    (folder / "origins.csv").write_text(
        "origin_id,name,district\nV1,Upper,Ell\nV2,Lower,Ell\n", "utf-8"
    )
    (folder / "flows.csv").write_text(
        "origin_id,site_id,households\nV1,S1,30\nV1,S2,10\nV2,S2,5\n", "utf-8"
    )
    (folder / "study.toml").write_text(
        '[layers]\nboundaries = "boundaries.geojson"\nflows = "flows.csv"\n'
        '[layers.sites]\npath = "sites.csv"\nplace = "unit"\n'
        '[layers.origins]\npath = "origins.csv"\nplace = "unit"\n',
        "utf-8",
    )
    return gs.read_study(folder)


def test_a_declared_unit_is_the_region_of_its_places(tmp_path: Path) -> None:
    read = study(tmp_path)
    result = gs.analyse(read)
    pairs = result.pairs
    from_unit = every_m(ELL, BOX)
    both = pairs.loc[("V1", "S2")]
    assert both["geodesic_low_km"] == pytest.approx(from_unit.min() / 1000, abs=0.05)
    assert both["geodesic_high_km"] == pytest.approx(from_unit.max() / 1000, abs=0.05)
    one = pairs.loc[("V1", "S1")]
    to_point = every_m(ELL, shapely.Point(16.5, 9.5))
    assert one["geodesic_low_km"] == pytest.approx(to_point.min() / 1000 - 2, abs=0.05)
    assert one["geodesic_high_km"] == pytest.approx(to_point.max() / 1000 + 2, abs=0.05)
    for _, pair in pairs.iterrows():
        assert pair["geodesic_low_km"] <= pair["geodesic_km"] <= pair["geodesic_high_km"]
    assert result.sites.loc["S2", "district"] == "Box"
    assert result.sites.loc["S2", "admin_probability"] == 1.0
    assert pd.isna(result.sites.loc["S2", "border_km"])
    assert result.sites.loc["S1", "border_km"] == pytest.approx(54.9, abs=0.1)


def test_intervals_are_those_of_points_drawn_inside_the_unit(tmp_path: Path) -> None:
    read = study(tmp_path)
    table = gs.distance_intervals(
        read.flows, read.origins, read.sites, draws=4000, context=context_of(read)
    )
    row = table.set_index(["origin_id", "site_id"]).loc[("V1", "S2")]
    rng = np.random.default_rng(5)
    a, b = inside(ELL, 20_000, rng), inside(BOX, 20_000, rng)
    km = np.asarray(GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2]) / 1000
    low, middle, high = np.quantile(km, [0.05, 0.5, 0.95])
    # Quantiles of 4,000 draws wander by about sqrt(p (1 - p) / 4000) = 0.35 % and 0.8 % of
    # probability, which is 1 and 4 km here.
    assert row["low"] == pytest.approx(low, abs=4)
    assert row["median"] == pytest.approx(middle, abs=9)
    assert row["high"] == pytest.approx(high, abs=4)


@pytest.mark.parametrize("basis", ["", "land"])
def test_an_area_as_origin_is_somewhere_in_it_unless_it_is_the_land(
    tmp_path: Path, basis: str
) -> None:
    origin = gpd.GeoDataFrame(
        {"origin_id": ["V"], "name": ["Valley"], "geometry_basis": [basis]},
        geometry=[ELL],
        crs=4326,
    )
    origin.to_file(tmp_path / "origins.geojson")
    (tmp_path / "sites.csv").write_text("site_id,name,lon,lat\nS,Camp,16.5,9.5\n", "utf-8")
    (tmp_path / "flows.csv").write_text("origin_id,site_id,households\nV,S,3\n", "utf-8")
    read = gs.read_study(tmp_path)
    pair = gs.analyse(read).pairs.loc[("V", "S")]
    outline = every_m(ELL, shapely.Point(16.5, 9.5)) / 1000
    assert pair["geodesic_low_km"] == pytest.approx(outline.min(), abs=0.05)
    said = [p.code for p in read.problems]
    if basis == "land":
        assert pair["geodesic_km"] == pair["geodesic_low_km"] == pair["geodesic_high_km"]
        assert "placed_in_area" not in said
    else:
        assert outline.min() < pair["geodesic_km"] < outline.max()
        assert pair["geodesic_high_km"] == pytest.approx(outline.max(), abs=0.05)
        assert said.count("placed_in_area") == 1


def test_a_masked_origin_keeps_no_area(tmp_path: Path) -> None:
    read = study(tmp_path)
    masked = mask_study(read, Masking(20, b"k" * 32))
    assert set(read.regions["origins"]) == {"V1", "V2"}
    assert set(masked.regions["origins"]) == {"V1"}
