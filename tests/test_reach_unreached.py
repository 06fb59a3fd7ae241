"""Groups of persons beyond the hours: counted by hand, their nearest site by pyproj."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from affine import Affine
from pyproj import Geod

import geosettle as gs
from geosettle.errors import InputError

WHERE = Affine(0.1, 0, 76, 0, -0.1, 39)
TIME = gs.Raster(
    np.array([[0.5, 1.0, 3.0, 5.0], [0.5, 1.0, 2.5, np.inf], [9.0, np.nan, 1.0, np.inf]]), WHERE
)
SITES = gpd.GeoDataFrame(
    index=["near", "far", "lost"], crs=4326,
    geometry=gpd.points_from_xy([76.05, 78, np.nan], [38.95, 39, np.nan]),
)  # fmt: skip


def test_cells_that_touch_are_one_group():
    people = np.array([[50, 50, 4, 7.0], [50, 50, 0, 1], [30, 90, 0, 2]])
    count = gs.Raster(people, WHERE, kind="counts")
    found = gs.unreached_groups(TIME, count, 2, sites=SITES)
    assert found["persons"].tolist() == [30, 14]
    assert found["places"].tolist() == [1, 4]
    assert found["share"].tolist() == pytest.approx([30 / 334, 14 / 334])
    assert found["hours"].tolist() == [9, 5]
    assert found.geometry.x.tolist() == pytest.approx([76.05, 76.35])
    assert found.geometry.y.tolist() == pytest.approx([38.75, 38.95])
    assert found["site_id"].tolist() == ["near", "near"]
    km = Geod(ellps="WGS84").inv(76.35, 38.95, 76.05, 38.95)[2] / 1000
    assert found["site_km"].iloc[1] == pytest.approx(km)
    assert gs.unreached_groups(TIME, count, 2, most=1)["persons"].tolist() == [30]


def test_without_a_way_the_hours_say_why():
    count = gs.Raster(np.where(np.isinf(TIME.values), 3.0, 0.0), WHERE, kind="counts")
    found = gs.unreached_groups(TIME, count, 2).iloc[0]
    assert (found["persons"], found["places"]) == (6, 2)
    assert np.isnan(found["hours"])
    assert found["why"] == "there is no way to a site"


def test_points_are_groups_and_the_unmeasured_are_left_out():
    villages = gpd.GeoDataFrame(
        {"people": [5, 80, 7, 9]}, crs=4326,
        geometry=gpd.points_from_xy([76.25, 76.15, 76.05, 99], [38.95, 38.75, 38.95, 39]),
    )  # fmt: skip
    found = gs.unreached_groups(TIME, villages, 2, persons="people")
    assert found["persons"].tolist() == [5]
    empty = gs.unreached_groups(TIME, villages, 20, sites=SITES, persons="people")
    assert empty.empty
    assert list(empty.columns)[:4] == ["persons", "places", "share", "hours"]


def test_a_limit_below_zero_is_refused():
    with pytest.raises(InputError, match="above zero"):
        gs.unreached_groups(TIME, gs.Raster(np.ones((3, 4)), WHERE, kind="counts"), -1)


def test_a_study_lists_them():
    """Level ground at 5.04 km/h: beyond an hour are the cells more than 5 km east of the site."""
    flat = gs.Raster(np.zeros((3, 20)), Affine(0.01, 0, 76, 0, -0.01, 0.03), unit="m")
    people = gs.Raster(np.full((3, 20), 2.0), flat.transform, kind="counts")
    sites = gpd.GeoDataFrame(
        {"name": ["A"]}, index=pd.Index(["a"], name="site_id"), crs=4326,
        geometry=gpd.points_from_xy([76.005], [0.015]),
    )  # fmt: skip
    study = gs.Study(
        sites=sites, dem=flat, population=people, settings={"reach": {"hours": [0.5, 1]}}
    )
    table = gs.analyse(study).unreached
    km = np.abs(np.arange(20)) * 1.11319
    assert table["persons"].item() == pytest.approx(2 * 3 * (km > 5.04).sum(), abs=4)
    assert table["site_id"].item() == "a"
