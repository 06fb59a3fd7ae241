"""Land per household, and what the land was when a site was founded."""

import doctest
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geosettle.covers import founding_status, land_per_household
from geosettle.geodesy import area_m2

WGS84 = "EPSG:4326"


def sites(**columns):
    ids = pd.Index([f"S{i + 1}" for i in range(len(next(iter(columns.values()))))], name="site_id")
    return gpd.GeoDataFrame(
        columns, index=ids, geometry=[shapely.Point(76 + i, 0) for i in range(len(ids))], crs=WGS84
    )


def fields(*boxes, **columns):
    ids = pd.Index([f"D{i + 1}" for i in range(len(boxes))], name="development_id")
    return gpd.GeoDataFrame(
        columns, index=ids, geometry=[b and shapely.box(*b) for b in boxes], crs=WGS84
    )


HECTARES = area_m2([shapely.box(76, 0, 76.01, 0.01)])[0] / 1e4  # 123.1 ha


def codes(problems):
    return sorted({p.code for p in problems})


def test_the_planners_table_by_hand():
    parcels = fields(
        (76, 0, 76.01, 0.01),
        (76.01, 0, 76.02, 0.01),
        site_id="S1",
        declared_ha=[120.0, 130.0],
        leased_ha=[50.0, None],
    )
    flows = pd.DataFrame(
        {"origin_id": ["a", "b", "b"], "site_id": ["S1", "S1", "S2"], "households": [40, 60, 20]}
    )
    origins = pd.DataFrame({"land_ha": [10.0, 80.0]}, index=["a", "b"])
    table = land_per_household(
        sites(households=[100, 20], persons=[500, None]),
        parcels,
        flows,
        origins,
        enough_mu_per_person=6,
        enough_mu_per_household=5,
    )
    one = table.loc["S1"]
    assert one["declared_ha"] == 250
    assert one["mapped_ha"] == pytest.approx(2 * HECTARES)
    assert one["mapped_minus_declared_ha"] == pytest.approx(2 * HECTARES - 250)
    assert one["difference_percent"] == pytest.approx(100 * (2 * HECTARES / 250 - 1))
    assert one[
        ["leased_ha", "leased_share", "self_run_ha", "theirs_share"]
    ].tolist() == pytest.approx([50, 0.2, 200, 0.8])
    assert one["self_run_ha_per_household"] == pytest.approx(2)
    assert one["self_run_mu_per_household"] == pytest.approx(30)
    assert one["self_run_mu_per_person"] == pytest.approx(6)
    assert one["origin_land_ha"] == pytest.approx(10 + 80 * 60 / 80)
    assert one["origin_mu_per_household"] == pytest.approx(70 * 15 / 100)
    assert one["enough"] is np.True_ or one["enough"] is True
    assert one["enough_basis"] == "self-run mu per person"
    assert one["evidence"]
    assert one["why"] == ""
    two = table.loc["S2"]
    assert pd.isna(two["enough"])
    assert two["origin_land_ha"] == pytest.approx(20)
    assert "no developed land declared or mapped" in two["why"]
    assert "persons unknown" in two["why"]


def test_illustrative_parcels_are_declared_but_never_measured():
    found = []
    parcels = fields(
        (76, 0, 76.01, 0.01), site_id="S1", declared_ha=[666.67], geometry_basis="illustrative"
    )
    table = land_per_household(sites(households=[None], leased_ha=[400.0]), parcels, problems=found)
    one = table.loc["S1"]
    assert one["declared_ha"] == 666.67
    assert np.isnan(one["mapped_ha"])
    assert not one["evidence"]
    assert one["developed_basis"] == "declared"
    assert one["leased_share"] == pytest.approx(400 / 666.67)
    assert "no evidence of where the declared land is" in one["why"]
    assert codes(found) == ["illustrative_geometry"]


def test_parcel_claimed_by_two_sites_is_divided():
    found = []
    named = fields((76, 0, 76.01, 0.01), site_id=["S1; S2"], declared_ha=[120.0])
    table = land_per_household(sites(households=[10, 10]), named, problems=found)
    assert table["declared_ha"].tolist() == [60, 60]
    assert table["mapped_ha"].tolist() == pytest.approx([HECTARES / 2] * 2)
    assert table["contested_ha"].tolist() == pytest.approx([HECTARES] * 2)
    assert codes(found) == ["parcel_of_two_sites"]
    # Two drawings of overlapping ground: 2 and 2 units wide, one unit common to both; with a third
    # that holds it too.
    drawn = fields(
        (76, 0, 76.02, 0.01),
        (76.01, 0, 76.03, 0.01),
        (76.01, 0, 76.02, 0.01),
        site_id=["S1", "S2", "S3"],
    )
    table = land_per_household(sites(households=[10, 10, 10]), drawn)
    assert (table["mapped_ha"] / HECTARES).tolist() == pytest.approx([1 + 1 / 3, 1 + 1 / 3, 1 / 3])


def test_ground_claimed_by_three_sites_is_divided_by_three():
    squares = fields(
        (76, 0, 76.3, 0.1), (76.1, 0, 76.4, 0.1), (76.2, 0, 76.5, 0.1), (77, 0, 77.1, 0.1)
    )
    squares["site_id"] = ["a", "b", "c", "c"]
    three = sites(households=[1, 1, 1]).set_axis(["a", "b", "c"])
    found = land_per_household(three, squares)
    tenth = (
        area_m2([shapely.box(76, 0, 76.1, 0.1)])[0] / 1e4
    )  # columns: a, ab, abc, bc, c; and c's lone square
    assert found["mapped_ha"].tolist() == pytest.approx(
        [(1 + 1 / 2 + 1 / 3) * tenth, (1 + 1 / 3) * tenth, (2 + 1 / 2 + 1 / 3) * tenth]
    )
    assert found["contested_ha"].tolist() == pytest.approx([2 * tenth, 3 * tenth, 2 * tenth])
    assert found["mapped_ha"].sum() == pytest.approx(6 * tenth)


def test_parcels_of_one_site_are_counted_once():
    twice = fields((76, 0, 76.02, 0.01), (76.01, 0, 76.03, 0.01), site_id="S1")
    assert land_per_household(sites(households=[10]), twice)["mapped_ha"].iloc[0] == pytest.approx(
        3 * HECTARES
    )


def test_mu_labelled_as_hectares_and_other_differences():
    found = []
    parcels = fields(
        (76, 0, 76.01, 0.01), (76.02, 0, 76.03, 0.01), (76.04, 0, 76.05, 0.01), None, (76.08, 0, 76.09, 0.01),
        site_id=["S1", "S1", "S1", "S1", "elsewhere"], declared_ha=[15 * HECTARES, 1.2 * HECTARES, 1.02 * HECTARES, 10, 5],
    )  # fmt: skip
    table = land_per_household(sites(households=[10]), parcels, problems=found)
    assert {(p.code, p.id) for p in found} == {
        ("area_in_mu", "D1"),
        ("declared_differs", "D2"),
        ("parcel_without_site", "D5"),
    }
    assert table["declared_ha"].iloc[0] == pytest.approx(17.22 * HECTARES + 10)
    assert table["mapped_ha"].iloc[0] == pytest.approx(3 * HECTARES)


def test_more_leased_than_there_is():
    found = []
    parcels = fields((76, 0, 76.01, 0.01), site_id="S1", declared_ha=[100.0], leased_ha=[150.0])
    one = land_per_household(sites(households=[10]), parcels, problems=found).loc["S1"]
    assert np.isnan(one["self_run_ha"])
    assert "the leased area is larger than the developed area" in one["why"]
    assert "leased_exceeds" in codes(found)


def test_nothing_to_compare():
    table = land_per_household(sites(households=[10, None]), None)
    assert table["parcels_n"].tolist() == [0, 0]
    assert table["enough"].isna().all()
    assert table["why"].str.contains("no developed land").all()


def test_row_order_does_not_matter():
    parcels = fields(
        (76, 0, 76.02, 0.01),
        (76.01, 0, 76.03, 0.01),
        (76.05, 0, 76.06, 0.01),
        site_id=["S1", "S2", "S2"],
        declared_ha=[1.0, 2, 3],
    )
    here = sites(households=[10, 20])
    pd.testing.assert_frame_equal(
        land_per_household(here, parcels),
        land_per_household(here.iloc[::-1], parcels.iloc[[2, 0, 1]]),
    )


def test_status_in_the_founding_year():
    maps = {
        2005: gpd.GeoDataFrame(geometry=[shapely.box(75.5, -1, 77.5, 1)], crs=WGS84),
        2020: gpd.GeoDataFrame(geometry=[shapely.box(76.5, -1, 78.5, 1)], crs=WGS84),
    }
    where = sites(year=[2010, 2010, 2010, 2010, 2000, None])
    parcels = fields(
        (76, 0, 76.01, 0.01),
        (76.02, 0, 76.03, 0.01),
        (76.04, 0, 76.05, 0.01),
        site_id="S1",
        year=[2008, 2010, None],
    )
    table = founding_status(where, maps, parcels)
    assert table["oasis_status"].tolist()[:4] == [
        "then only",
        "then and now",
        "now only",
        "neither",
    ]
    assert table["oasis_status"].isna().tolist()[4:] == [True, True]
    assert table["why"].tolist()[4:] == [
        "no oasis map up to the year of founding",
        "year of founding unknown",
    ]
    one = table.loc["S1"]
    assert one[
        ["developed_before_ha", "developed_after_ha", "developed_undated_ha"]
    ].tolist() == pytest.approx([HECTARES] * 3)
    assert one["first_developed"] == 2008
    single = founding_status(where, {2005: maps[2005]})
    assert single["why"].iloc[0] == "no oasis map after the year of founding"
    assert single["oasis_status"].isna().all()


def test_made_up_study_of_the_documentation():
    page = Path(__file__).parents[1] / "docs" / "land.md"
    outcome = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert outcome.attempted > 15
    assert outcome.failed == 0
