"""Rings across the 180th meridian in frames made in Python: cut as a file of them is."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geosettle
from geosettle.crs import within_180
from geosettle.geodesy import GEOD
from geosettle.problems import Problem

CORNERS = [(179.6, -18.3), (-179.8, -18.3), (-179.9, -17.9), (179.7, -17.8)]


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Polygon(CORNERS),
        shapely.Polygon([(x % 360, y) for x, y in CORNERS]),
        shapely.Polygon([((x % 360) - 360, y) for x, y in CORNERS]),
        shapely.MultiPolygon([shapely.Polygon(CORNERS), shapely.box(170, -18, 170.001, -17.999)]),
        shapely.GeometryCollection([shapely.Polygon(CORNERS)]),
    ],
    ids=["jumps", "runs on east", "runs on west", "one part of two", "collection"],
)
def test_a_ring_across_180_in_a_frame_is_cut_as_in_a_file(shape: shapely.Geometry) -> None:
    island = gpd.GeoDataFrame(
        {"name": ["I"], "level": ["district"]}, index=["I"], geometry=[shape], crs="EPSG:4326"
    )
    # GeographicLib takes the short way between corners; its edges are geodesics (2e-4 here).
    truth = abs(GEOD.polygon_area_perimeter(*zip(*CORNERS, strict=True))[0]) / 1e4
    earth = gpd.GeoDataFrame(
        {"kind": ["all"]}, geometry=[shapely.box(-180, -90, 180, 90)], crs="EPSG:4326"
    )
    table = geosettle.overlay_areas(island, earth, by="kind").set_index("kind")
    assert table.loc["all", "area_ha"] == pytest.approx(truth, rel=3e-4)
    points = gpd.GeoDataFrame(
        index=["west", "east", "far"],
        geometry=shapely.points([[179.8, -18.1], [-179.95, -18.1], [20.0, -18.1]]),
        crs="EPSG:4326",
    )
    joined = geosettle.join_admin(points, island)["district_code"]
    assert joined.fillna("").tolist() == ["I", "I", ""]
    flows = pd.DataFrame({"origin_id": ["west", "east", "far"], "site_id": "I"})
    km = geosettle.pair_distances(flows, points, island)["geodesic_km"]
    assert km[("west", "I")] == km[("east", "I")] == 0
    assert 14_000 < km[("far", "I")] < 17_000
    near = geosettle.nearest(points, island)["geodesic_km"]
    assert near.reset_index().set_index("origin_id")["geodesic_km"].round(6).to_dict() == {
        key: round(km[(key, "I")], 6) for key in points.index
    }


def test_a_projected_box_across_180_keeps_its_area() -> None:
    box = gpd.GeoDataFrame(
        index=["B"], geometry=[shapely.box(2_100_000, 3_990_000, 2_180_000, 4_030_000)], crs=3460
    )
    earth = gpd.GeoDataFrame(geometry=[shapely.box(-180, -90, 180, 90)], crs="EPSG:4326")
    area = geosettle.overlay_areas(box, earth)["area_ha"].sum()
    assert area == pytest.approx(320_000, rel=5e-4)  # 80 km x 40 km, scale 0.99985


def test_what_is_truly_wide_is_not_cut() -> None:
    shapes = np.array(
        [
            shapely.box(-180, -90, 180, 90),
            shapely.Polygon([(-180, 0), (0, 0), (180, 0), (180, 1), (0, 1), (-180, 1)]),
            shapely.LineString([(-120, 0), (0, 0), (120, 0)]),
            None,
        ],
        dtype=object,
    )
    assert all(a is b for a, b in zip(within_180(shapes), shapes, strict=True))


def test_a_bow_tie_across_180_is_not_repaired_by_cutting_it() -> None:
    bow = shapely.Polygon([(179, 0), (-179, 1), (-179, 0), (179, 1)])
    found: list[Problem] = []
    zone = gpd.GeoDataFrame(index=["z"], geometry=[bow], crs="EPSG:4326")
    earth = gpd.GeoDataFrame(geometry=[shapely.box(-180, -90, 180, 90)], crs="EPSG:4326")
    table = geosettle.overlay_areas(zone, earth, problems=found)
    assert table["area_ha"].isna().all()
    assert [p.code for p in found] == ["geometry_refused"]
