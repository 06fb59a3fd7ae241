"""Places in administrative units: by hand on small ladders, and on the embedded boundaries where
those are clear.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geosettle.admin import admin_long, join_admin, ladder
from geosettle.errors import ColumnError, CrsError, InputError
from geosettle.names import Names

WGS84 = "EPSG:4326"


def units(*rows, crs=WGS84, **columns):
    """Units from (code, name, level, parent, geometry)."""
    code, name, level, parent, geometry = zip(*rows, strict=True)
    data = {"name": name, "level": level, "parent_code": parent, **columns}
    return gpd.GeoDataFrame(
        data, index=pd.Index(code, name="code"), geometry=list(geometry), crs=crs
    )


def places(*xy, crs=WGS84, **columns):
    points = [None if p is None else shapely.Point(p) for p in xy]
    index = pd.Index([f"p{i}" for i in range(len(xy))], name="site_id")
    return gpd.GeoDataFrame(columns, index=index, geometry=points, crs=crs)


# Two prefectures of two counties each; an enclave city (9) lies in a hole of prefecture 20 and of
# county 22.
HOLE = shapely.box(78.4, 38.4, 78.6, 38.6)
LADDER = units(
    ("10", "West", "prefecture", None, shapely.box(76, 38, 78, 39)),
    ("20", "East", "prefecture", None, shapely.difference(shapely.box(78, 38, 79, 39), HOLE)),
    ("11", "Akto County", "county", "10", shapely.box(76, 38, 77, 39)),
    ("12", "Shufu", "county", "10", shapely.box(77, 38, 78, 39)),
    (
        "22",
        "Wuqia (Ulugqat) County",
        "county",
        "20",
        shapely.difference(shapely.box(78, 38, 79, 39), HOLE),
    ),
    ("9", "Tumxuk City", "county", "20", HOLE),
    name_local=[None, None, "阿克陶县", "疏附县", "乌恰县", "图木舒克市"],
)


def test_every_level_of_the_ladder():
    assert ladder(LADDER) == ("prefecture", "county")
    joined = join_admin(places((76.5, 38.5), (78.5, 38.5), (78.1, 38.1)), LADDER)
    assert joined["county_code"].tolist() == ["11", "9", "22"]
    assert joined["prefecture_code"].tolist() == [
        "10",
        "20",
        "20",
    ]  # the enclave counts with the parent around it
    assert joined["county_distance_m"].tolist() == [0, 0, 0]
    assert joined["admin_probability"].tolist() == [1, 1, 1]
    # Half a degree of longitude at 38.5 N is nearer to the county's border than half a degree of
    # latitude: 0.5 * 87.24 km = 43.6 km (a degree at 38.5 N: 111.32 cos(38.5) / sqrt(1 - e2
    # sin2(38.5)) = 87.24 km).
    assert joined["border_km"].iloc[0] == pytest.approx(43.62, abs=0.05)


def test_levels_without_parents_are_ordered_by_area():
    flat = LADDER.assign(parent_code=None)
    assert ladder(flat) == ("prefecture", "county")
    assert join_admin(places((76.5, 38.5)), flat)["prefecture_code"].tolist() == ["10"]
    with pytest.raises(InputError, match="each other's parents"):
        ladder(
            units(
                ("1", "a", "x", "2", shapely.box(0, 0, 1, 1)),
                ("2", "b", "y", "1", shapely.box(0, 0, 1, 1)),
            )
        )


def test_three_levels():
    towns = units(
        ("11-1", "Town A", "township", "11", shapely.box(76, 38, 76.5, 39)),
        ("11-2", "Town B", "township", "11", shapely.box(76.5, 38, 77, 39)),
    )
    joined = join_admin(places((76.2, 38.5), (77.5, 38.5)), pd.concat([LADDER, towns]))
    assert joined["township_code"].tolist()[0] == "11-1"
    assert pd.isna(joined["township_code"].iloc[1])
    assert "outside every township" in joined["why"].iloc[1]
    assert joined["county_code"].tolist() == ["11", "12"]


def test_shared_border_goes_to_the_smallest_code():
    joined = join_admin(places((77, 38.5), (78, 38.5)), LADDER)
    assert joined["county_code"].tolist() == ["11", "12"]
    assert joined["prefecture_code"].tolist() == ["10", "10"]
    assert joined["on_border"].tolist() == [True, True]
    assert joined["border_km"].tolist() == [0, 0]
    assert joined["county_alternatives"].iloc[0] == "Akto County 0.50; Shufu 0.50"
    assert "smallest code" in joined["why"].iloc[0]


def test_border_survives_another_crs():
    here = join_admin(places((77, 38.3), (76.4, 38.6)), LADDER)
    there = join_admin(
        places((77, 38.3), (76.4, 38.6)).to_crs("EPSG:32643"), LADDER.to_crs("EPSG:3857")
    )
    pd.testing.assert_frame_equal(here, there, rtol=1e-5, atol=1e-6)


def test_outside_takes_the_nearest_within_the_tolerance():
    # 0.02 degrees of longitude at 38.5 N are 1,745 m (87.24 km a degree), 0.2 degrees ten times as
    # much.
    joined = join_admin(places((75.98, 38.5), (75.8, 38.5)), LADDER, tolerance_km=5)
    assert joined["county_code"].tolist()[0] == "11"
    assert joined["county_distance_m"].iloc[0] == pytest.approx(1745, abs=2)
    assert joined["prefecture_code"].iloc[0] == "10"
    assert joined["why"].iloc[0] == (
        "outside every prefecture: the nearest one, 1,745 m away, is taken; outside every county: the nearest one, 1,745 m away, is taken"
    )
    assert pd.isna(joined["county_code"].iloc[1])
    assert "none within 5 km" in joined["why"].iloc[1]
    assert join_admin(places((75.8, 38.5)), LADDER, tolerance_km=20)["county_code"].tolist() == [
        "11"
    ]


def test_position_unknown_has_its_reason():
    joined = join_admin(places(None, (76.5, 38.5)), LADDER)
    assert joined["why"].tolist() == ["position unknown", ""]
    said = joined.iloc[0].dropna()
    assert set(said[said != ""].index) == {"why", "county_why", "prefecture_why"}


# --- probability
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("km_east", [-8.0, -3.0, 0.0, 3.0, 8.0])
def test_probability_is_the_share_of_the_disc(km_east):
    """A straight border at distance d cuts off (arccos(x) - x sqrt(1 - x^2)) / pi of a disc of
    radius u, x = d / u.
    """
    lon = 77 + km_east / 87.24
    joined = join_admin(places((lon, 38.5), uncertainty_km=[10.0]), LADDER)
    x = km_east / 10
    west = (np.arccos(x) - x * np.sqrt(1 - x * x)) / np.pi
    assert joined["county_probability"].iloc[0] == pytest.approx(max(west, 1 - west), abs=2e-3)
    assert joined["prefecture_probability"].iloc[0] == 1
    first = "Akto County" if west >= 0.5 else "Shufu"
    assert joined["county_alternatives"].iloc[0].startswith(f"{first} {max(west, 1 - west):.2f}; ")


def test_disc_beyond_every_unit():
    joined = join_admin(places((76, 38.5), uncertainty_km=[10.0]), LADDER)
    assert joined["county_alternatives"].iloc[0] in {
        "Akto County 0.50; outside every unit 0.50",
        "outside every unit 0.50; Akto County 0.50",
    }


def test_areas_belong_to_the_largest_share():
    zone = gpd.GeoDataFrame(
        {"uncertainty_km": [5.0, 5.0]},
        index=["z", "inside"],
        geometry=[shapely.box(76.9, 38.4, 77.3, 38.6), shapely.box(76.4, 38.4, 76.6, 38.6)],
        crs=WGS84,
    )
    joined = join_admin(zone, LADDER)
    assert joined["county_code"].tolist() == ["12", "11"]
    assert joined["county_alternatives"].iloc[0] == "Shufu 0.75; Akto County 0.25"
    assert joined["on_border"].tolist() == [True, False]
    assert joined["border_km"].iloc[1] == pytest.approx(0.4 * 87.1, abs=0.2)


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.lists(st.tuples(st.floats(75.5, 79.5), st.floats(37.8, 39.2)), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_order_and_company_do_not_matter(xy, rng):
    sites = places(*xy, uncertainty_km=[15.0] * len(xy))
    before = sites.copy()
    joined = join_admin(sites, LADDER)
    pd.testing.assert_frame_equal(sites, before)
    assert joined.index.equals(sites.index)
    turn = list(range(len(xy)))
    rng.shuffle(turn)
    pd.testing.assert_frame_equal(
        join_admin(sites.iloc[turn], LADDER.iloc[::-1]), joined.iloc[turn]
    )
    pd.testing.assert_frame_equal(join_admin(sites.iloc[[0]], LADDER), joined.iloc[[0]])
    assert (
        (joined["admin_probability"].dropna() >= 0) & (joined["admin_probability"].dropna() <= 1)
    ).all()


# --- years
# -----------------------------------------------------------------------------------------------------------


def test_units_valid_in_some_years():
    dated = LADDER.assign(
        valid_from=[None, None, None, None, None, 2004],
        valid_to=[None, None, 2010, None, None, None],
    )
    later = units(
        ("13", "New Akto", "county", "10", shapely.box(76, 38, 77, 39)), valid_from=[2011]
    )
    both = pd.concat([dated, later])
    sites = places(*[(76.5, 38.5)] * 3, year=[2005, 2015, None])
    assert join_admin(sites, both)["county_code"].tolist() == ["11", "13", "13"]
    assert join_admin(sites, both, year=2008)["county_code"].tolist() == ["11"] * 3
    before = join_admin(places((78.5, 38.5)), both, year=2000, tolerance_km=1)
    assert pd.isna(before["county_code"].iloc[0])


# --- names
# -----------------------------------------------------------------------------------------------------------

ALIASES = {"Aktau": "Akto", "Wugia": "22", "Konasheher": "Shufu"}


@pytest.mark.parametrize(
    "text",
    [
        "Akto",
        "akto county",
        "AKTO",
        "Aktau County",
        "阿克陶县",
        "阿克陶",
        "Akto (阿克陶县)",
        "Aktau / Akto, some township",
        "Äkto",
    ],
)
def test_spellings_of_one_county(text):
    joined = join_admin(places((76.5, 38.5), county=[text]), LADDER, aliases=ALIASES)
    assert joined["admin_agrees"].tolist() == [True]
    assert joined["why"].tolist() == [""]


def test_names_in_brackets_and_lists_of_aliases():
    names = Names.of(
        [("22", "Wuqia (Ulugqat) County", "乌恰县")], {"Wuqia": ["Wugia", "Ulughchat"]}
    )
    for text in ("Ulugqat", "Wugia County", "Wuqia / Ulugqat (乌恰县), Baykurut", "ulughchat"):
        assert names.units_in(text) == ("22",)
    assert names.units_in("Wuqiang") == ()


def test_city_county_and_prefecture_of_one_name():
    names = Names.of([("1", "Hotan City", "和田市"), ("2", "Hotan County", "和田县")])
    assert names.units_in("Hotan City (和田市)") == ("1",)
    assert names.units_in("和田县") == ("2",)
    assert names.units_in("Hotan") == ("1", "2")
    assert Names.of(
        [("3", "Kizilsu Kirghiz Autonomous Prefecture", "克孜勒苏柯尔克孜自治州")]
    ).units_in("Kizilsu 克孜勒苏") == ("3",)
    assert Names.of([("4", "Taxkorgan", "塔什库尔干塔吉克自治县")]).units_in("塔什库尔干县") == (
        "4",
    )


def test_declared_against_joined():
    sites = places(
        (76.5, 38.5), (76.5, 38.5), (76.99, 38.5), (76.5, 38.5), (76.5, 38.5),
        county=["Shufu", "Atlantis", "Shufu", None, "Shufu exclave inside Akto"],
        prefecture=["West", None, None, None, None], uncertainty_km=[1, 1, 5, 1, 1],
    )  # fmt: skip
    joined = join_admin(sites, LADDER)
    assert joined["admin_agrees"].tolist() == [False, pd.NA, pd.NA, pd.NA, False]
    assert joined["prefecture_agrees"].tolist()[0] is True
    assert (
        "declared county is 12 Shufu, but the position is in 11 Akto County"
        in joined["why"].iloc[0]
    )
    assert "43.6 km from Shufu" in joined["why"].iloc[0]
    assert "no county with the declared name 'Atlantis'" in joined["why"].iloc[1]
    assert "contains 0.3" in joined["why"].iloc[2]
    assert joined["why"].iloc[3] == ""
    assert "Shufu" in joined["why"].iloc[4]


def test_exclave_is_told_not_guessed():
    exclave = shapely.MultiPolygon(
        [shapely.box(70, 38, 71, 39), shapely.box(76.6, 38.5, 76.65, 38.55)]
    )
    holed = shapely.difference(shapely.box(76, 38, 77, 39), shapely.box(76.6, 38.5, 76.65, 38.55))
    two = units(
        ("1", "Taxkorgan", "county", None, exclave), ("2", "Yopurga", "county", None, holed)
    )
    joined = join_admin(
        places((76.5, 38.52), (76.62, 38.52), county=["Taxkorgan", "Taxkorgan"]), two
    )
    assert joined["admin_agrees"].tolist() == [False, True]
    assert "Taxkorgan has an exclave of 24 km2 at a distance of 8.7 km" in joined["why"].iloc[0]
    assert "the exclave or the position is wrong" in joined["why"].iloc[0]


def test_long_form():
    joined = join_admin(places((76.5, 38.5), None, county=["Akto", None]), LADDER)
    long = admin_long(joined, "site")
    assert long[["id", "level"]].to_numpy().tolist() == [
        ["p0", "prefecture"], ["p0", "county"], ["p1", "prefecture"], ["p1", "county"]
    ]  # fmt: skip
    assert long["agrees"].tolist() == [pd.NA, True, pd.NA, pd.NA]
    assert long["declared"].iloc[1] == "Akto"
    assert set(long["role"]) == {"site"}


def test_wrong_boundaries_name_the_mend():
    with pytest.raises(ColumnError, match="no such column"):
        join_admin(places((76, 38)), LADDER.drop(columns="level"))
    with pytest.raises(InputError, match="share one code"):
        join_admin(places((76, 38)), pd.concat([LADDER, LADDER.iloc[:1]]))
    with pytest.raises(CrsError, match="set_crs"):
        join_admin(places((76, 38), crs=None), LADDER)


# --- the embedded boundaries
# -----------------------------------------------------------------------------------------


def test_akto_ends_before_the_point_due_east(embedded_study):
    """The seat of Akto, and a point 15 km due east of it: pyproj.Geod(ellps="WGS84").fwd(75.9398,
    39.1474, 90, 15000).
    """
    at = places((75.9398, 39.1474), (76.1133, 39.1473), county=["Akto (阿克陶县)"] * 2)
    joined = join_admin(
        at, embedded_study.boundaries, aliases=embedded_study.settings["admin"]["aliases"]
    )
    assert joined["county"].tolist()[0] == "Akto"
    assert joined["county"].tolist()[1] != "Akto"
    assert joined["admin_agrees"].tolist() == [True, False]


def test_tajik_abati_is_not_where_it_is_declared(embedded_study):
    site = embedded_study.sites.loc[["RS-08"]]
    joined = join_admin(
        site, embedded_study.boundaries, aliases=embedded_study.settings["admin"]["aliases"]
    )
    assert joined["county"].tolist() == ["Yopurga"]
    assert joined["admin_agrees"].tolist() == [False]
    assert "Taxkorgan has an exclave of 32 km2" in joined["why"].iloc[0]


def test_nothing_to_join():
    nowhere = join_admin(places((76, 38), None), LADDER.iloc[:0])
    assert nowhere["why"].tolist() == ["the boundary set is empty"] * 2
    nobody = join_admin(places((76, 38)).iloc[:0], LADDER)
    assert len(nobody) == 0
    assert set(nobody.columns) == set(join_admin(places((76, 38)), LADDER).columns)


def test_antimeridian_is_no_border():
    both = units(
        (
            "1",
            "A",
            "county",
            None,
            shapely.MultiPolygon(
                [shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179.5, -16)]
            ),
        ),
        ("2", "B", "county", None, shapely.box(-179.5, -17, -179, -16)),
    )
    joined = join_admin(places((179.999, -16.5), (-179.999, -16.5), uncertainty_km=[3, 3]), both)
    assert joined["county_code"].tolist() == ["1", "1"]
    assert joined["admin_probability"].tolist() == [1, 1]
    # Half a degree at 16.5 S is 53.4 km (a degree 106.8 km: 111.32 cos(16.5) / sqrt(1 - e2
    # sin2(16.5))).
    assert joined["border_km"].tolist() == pytest.approx([53.4, 53.2], abs=0.2)
