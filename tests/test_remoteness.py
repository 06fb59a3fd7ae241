"""Indicators of remoteness on studies small enough to compute by hand, and invariants."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geosettle.distance import distance_matrix
from geosettle.errors import InputError, UnknownNameError
from geosettle.remoteness import INDICATORS, change, composite, measures, remoteness

NAN = float("nan")


def points(ids, lonlat, name, **columns):
    geometry = [None if xy is None else shapely.Point(xy) for xy in lonlat]
    return gpd.GeoDataFrame(
        columns, geometry=geometry, index=pd.Index(ids, name=name), crs="EPSG:4326"
    )


def pairs_of(rows):
    frame = pd.DataFrame(
        rows,
        columns=[
            "origin_id",
            "site_id",
            "households",
            "geodesic_km",
            "geodesic_low_km",
            "geodesic_high_km",
        ],
    )
    return frame.set_index(["origin_id", "site_id"])


SITES = points(["A", "B"], [(0, 0), (1, 0)], "site_id")
OFF_CENTRE = points(["A", "B"], [(0.001, 0), (1.001, 0)], "site_id")
"""No position is one that a place gave."""
ORIGINS = points(["o1", "o2", "o3"], [(0, 1), (1, 1), (1, 2)], "origin_id")
# Site A takes 1 household from 10 km and 3 from 30 km; B takes 4 from 100 km.
PAIRS = pairs_of(
    [("o1", "A", 1, 10, 8, 12), ("o2", "A", 3, 30, 25, 35), ("o3", "B", 4, 100, 90, 110)]
)

RADII = {"foot": 0.666, "cart": 2.0, "motor": 4.0}


def value(found, role, ident, indicator, column="value", metric="geodesic"):  # noqa: PLR0917
    row = found[
        (found["role"] == role)
        & (found["id"] == ident)
        & (found["indicator"] == indicator)
        & (found["metric"] == metric)
    ]
    assert len(row) == 1, (role, ident, indicator, len(row))
    return row[column].iloc[0]


def moved(found, ident, indicator, metric="geodesic", weighting="households"):
    rows = change(found, PAIRS)
    chosen = rows[
        (rows["id"] == ident)
        & (rows["indicator"] == indicator)
        & (rows["metric"] == metric)
        & (rows["weighting"] == weighting)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


@pytest.fixture(scope="module")
def found():
    return remoteness(PAIRS, SITES, ORIGINS, farming_radius_km=RADII)


@pytest.mark.parametrize(
    ("ident", "indicator", "expected"),
    [
        ("A", "land_mean", 25.0),  # (1*10 + 3*30) / 4
        ("A", "land_mean_unweighted", 20.0),
        ("A", "land_median", 30.0),  # 10, 30, 30, 30
        ("A", "land_p90", 30.0),
        ("A", "land_max", 30.0),
        ("A", "land_gini", 0.15),  # mean |difference| 2*1*3*20/16 = 7.5, over twice the mean 50
        ("A", "land_beyond_20km", 0.75),
        ("A", "land_beyond_50km", 0.0),
        ("B", "land_beyond_50km", 1.0),
        ("A", "land_radii_motor", 6.25),  # 25 / 4
        ("A", "land_radii_cart", 12.5),
        ("A", "land_radii_unweighted_motor", 5.0),
        ("B", "land_gini", 0.0),
    ],
)
def test_land_indicators_by_hand(found, ident, indicator, expected):
    assert value(found, "site", ident, indicator) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("indicator", "low", "high"),
    [
        ("land_mean", (8 + 3 * 25) / 4, (12 + 3 * 35) / 4),
        ("land_max", 25, 35),
        ("land_median", 25, 35),
        ("land_beyond_20km", 0.75, 0.75),
        # Corners: (12, 25) is the most even, (8, 35) the least: 2*3*(35-8)/16 / (2*(8+105)/4).
        ("land_gini", 2 * 3 * 13 / 16 / (2 * 87 / 4), 2 * 3 * 27 / 16 / (2 * 113 / 4)),
    ],
)
def test_intervals_by_hand(found, indicator, low, high):
    assert value(found, "site", "A", indicator, "low") == pytest.approx(low)
    assert value(found, "site", "A", indicator, "high") == pytest.approx(high)


def test_the_study_is_weighted_over_all_flows(found):
    assert value(found, "study", "all", "land_mean") == pytest.approx((10 + 90 + 400) / 8)
    assert value(found, "study", "all", "land_max") == 100


def test_ranks_separate_only_where_intervals_do(found):
    assert (
        value(found, "site", "A", "land_mean", "rank_low")
        == value(found, "site", "A", "land_mean", "rank_high")
        == 1
    )
    overlapping = PAIRS.assign(geodesic_high_km=[12, 120, 110])
    again = remoteness(overlapping, SITES, ORIGINS, indicators=["land_max"])
    ends = [value(again, "site", i, "land_max", c) for i in "AB" for c in ("rank_low", "rank_high")]
    assert ends == [1, 2, 1, 2]


def test_ranks_of_means_are_from_the_paired_draws():
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 20, 400)  # the same error in both sites: it decides no rank
    index = PAIRS.index
    km = [10 + shared, 60 + shared + rng.normal(0, 1, 400), 100 + shared]
    draws = pd.DataFrame(km, index=index)
    wide = PAIRS.assign(geodesic_low_km=[0, 0, 0], geodesic_high_km=[150, 150, 150])

    def ranks(name, **more):
        found = remoteness(wide, SITES, ORIGINS, indicators=[name], **more)
        return [value(found, "site", i, name, c) for i in "AB" for c in ("rank_low", "rank_high")]

    for name in ("land_mean", "land_median", "land_max"):
        assert ranks(name) == [1, 2, 1, 2]
        assert ranks(name, draws={"geodesic": draws}) == [1, 1, 2, 2]
    assert ranks("land_mean", draws={"geodesic": draws.iloc[:2]}) == [1, 2, 1, 2]


def test_unknown_households_leave_the_unweighted_mean_and_say_why():
    found = remoteness(PAIRS.assign(households=[1, NAN, 4]), SITES, ORIGINS)
    assert np.isnan(value(found, "site", "A", "land_mean"))
    assert "households unknown" in value(found, "site", "A", "land_mean", "why")
    assert value(found, "site", "A", "land_mean_unweighted") == 20
    assert value(found, "site", "A", "land_max") == 30
    assert value(found, "site", "B", "land_mean") == 100


def test_with_one_flow_the_weight_cancels():
    found = remoteness(PAIRS.assign(households=[1, 3, NAN]), SITES, ORIGINS)
    assert value(found, "site", "B", "land_mean") == 100


def test_a_flow_without_a_distance_is_left_out_and_counted():
    found = remoteness(PAIRS.assign(geodesic_km=[10, NAN, 100]), SITES, ORIGINS)
    assert value(found, "site", "A", "land_mean") == 10
    assert (
        value(found, "site", "A", "land_mean", "why") == "1 of 2 flows without a distance left out"
    )
    nothing = remoteness(PAIRS.assign(geodesic_km=[NAN, NAN, 100]), SITES, ORIGINS)
    assert np.isnan(value(nothing, "site", "A", "land_max"))
    assert (
        value(nothing, "site", "A", "land_max", "why") == "no flow has a distance (straight line)"
    )


def test_a_metric_without_interval_has_no_rank_and_says_so():
    found = remoteness(PAIRS.assign(road_km=[20.0, 40.0, 150.0]), SITES, ORIGINS, metrics=["road"])
    assert value(found, "site", "A", "land_mean", metric="road") == 35
    assert np.isnan(value(found, "site", "A", "land_mean", "rank_low", "road"))
    assert "no interval" in value(found, "site", "A", "land_mean", "why", "road")


def test_intervals_from_drawn_positions_serve_where_pairs_carry_none():
    intervals = pd.DataFrame(
        {
            "origin_id": ["o1", "o2", "o3"],
            "site_id": ["A", "A", "B"],
            "metric": "road",
            "low": [1, 2, 3],
            "high": [50, 60, 200],
        }
    )
    pairs = PAIRS.assign(road_km=[20.0, 40.0, 150.0])
    found = remoteness(pairs, SITES, ORIGINS, intervals=intervals, metrics=["road"])
    assert value(found, "site", "A", "land_max", "high", "road") == 60


WALKS = PAIRS.assign(walk_out_h=[3.0, 5.0, 20.0], walk_back_h=[2.0, 4.0, 18.0])


def walked(metric, low, high):
    pairs = {"origin_id": ["o1", "o2", "o3"], "site_id": ["A", "A", "B"]}
    return pd.DataFrame({**pairs, "metric": metric, "low": low, "high": high})


def test_a_metric_that_differs_by_way_takes_the_interval_of_both_ways():
    out = walked("walk", [2.0, 4.0, 15.0], [4.0, 6.0, 25.0])
    back = walked("walk_back", [1.0, 3.0, 11.0], [3.0, 5.0, 23.0])
    both = walked("walk_round", [4.0, 8.0, 28.0], [6.0, 10.0, 46.0])
    names = {"metrics": ["walk"], "indicators": ["land_max", "land_hours_year"]}
    drawn = remoteness(WALKS, SITES, ORIGINS, intervals=pd.concat([out, back, both]), **names)
    # B: 19 h as the mean of both ways; half the round trip of 28 to 46 h.
    assert [value(drawn, "site", "B", "land_max", c, "walk") for c in ("value", "low", "high")] == [
        19,
        14,
        23,
    ]
    assert [
        value(drawn, "site", "B", "land_hours_year", c, "walk") for c in ("value", "low", "high")
    ] == [38, 28, 46]
    bounded = remoteness(WALKS, SITES, ORIGINS, intervals=pd.concat([out, back]), **names)
    assert [value(bounded, "site", "B", "land_max", c, "walk") for c in ("low", "high")] == [13, 24]
    one_way = remoteness(WALKS, SITES, ORIGINS, intervals=out, **names)
    assert np.isnan(value(one_way, "site", "B", "land_max", "low", "walk"))
    ends = [
        value(drawn, "site", i, "land_max", c, "walk")
        for i in "AB"
        for c in ("rank_low", "rank_high")
    ]
    assert ends == [1, 1, 2, 2]


def test_every_metric_of_the_package_is_known_with_its_columns():
    from geosettle.distance import METRICS
    from geosettle.remoteness._inputs import pair_columns

    columns = pair_columns(METRICS)
    assert set(METRICS) <= set(columns)
    assert columns["walk"] == ("walk_out_h", "walk_back_h", "h")
    assert columns["travel"] == ("travel_out_h", "travel_back_h", "h")
    assert columns["road_time"] == ("road_h", "road_h", "h")
    found = remoteness(WALKS.assign(road_h=1.0), SITES, ORIGINS, indicators=["land_max"])
    assert set(found["metric"]) == {"geodesic", "walk", "road_time"}


def test_hours_a_year_count_both_ways():
    pairs = PAIRS.assign(walk_out_h=[3.0, 5.0, 20.0], walk_back_h=[2.0, 4.0, 19.0])
    found = remoteness(pairs, SITES, ORIGINS, metrics=["walk"], trips_per_year=12)
    # A: household-weighted round trip (1*5 + 3*9) / 4 = 8 h, twelve times.
    assert value(found, "site", "A", "land_hours_year", metric="walk") == pytest.approx(96)
    assert value(found, "site", "A", "land_mean", metric="walk") == pytest.approx(4)


def test_every_missing_number_has_its_reason(found):
    everything = remoteness(PAIRS.assign(households=[1, NAN, 4]), SITES, ORIGINS, PLACES)
    for frame in (found, everything):
        missing = frame[frame["value"].isna() | frame["low"].isna()]
        assert (missing["why"].str.len() > 0).all()


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match="no metric 'flight'"):
        remoteness(PAIRS, SITES, ORIGINS, metrics=["flight"])
    with pytest.raises(UnknownNameError, match="no indicator 'land_men'"):
        remoteness(PAIRS, SITES, ORIGINS, indicators=["land_men"])


# --- access
# -----------------------------------------------------------------------------------------------------------

PLACES = points(
    ["p1", "p2", "p3"],
    [(0, 0), (2, 0), (3, 0)],
    "place_id",
    kind=["county_seat", "county_seat", "prefecture_seat"],
    population=[20_000.0, NAN, 100_000.0],
)
DEGREE = 111.31949  # km of a degree of longitude on the equator: pi * 6378.137 / 180


def test_access_by_hand_on_the_equator():
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES, reach_km=[150], ladder=["prefecture_seat", "county_seat"]
    )
    assert value(found, "site", "A", "nearest_county_seat") == 0
    assert value(found, "site", "B", "nearest_county_seat") == pytest.approx(DEGREE, rel=1e-6)
    assert value(found, "site", "B", "nearest_prefecture_seat") == pytest.approx(
        2 * DEGREE, rel=1e-6
    )
    assert value(found, "site", "B", "places_within_150km") == 2
    assert value(found, "site", "A", "places_within_150km") == 1


def test_kinds_that_serve_alike_form_a_group():
    found = remoteness(
        PAIRS,
        SITES,
        ORIGINS,
        PLACES,
        groups={"town": ["county_seat", "prefecture_seat"], "bank": ["bank"]},
    )
    assert value(found, "site", "B", "nearest_town") == value(
        found, "site", "B", "nearest_county_seat"
    )
    far = remoteness(
        PAIRS,
        SITES,
        ORIGINS,
        PLACES.loc[["p1", "p3"]].iloc[[1]],
        groups={"town": ["county_seat", "prefecture_seat"]},
    )
    assert value(far, "site", "B", "nearest_town") == pytest.approx(2 * DEGREE, rel=1e-6)
    assert "nearest_bank" not in set(found["indicator"])
    asked = {"indicators": ["nearest"], "groups": {"bank": ["bank"]}}
    named = remoteness(PAIRS, SITES, ORIGINS, PLACES, **asked)
    assert value(named, "site", "B", "nearest_bank", "why") == "no place of kind bank in the study"


def test_positional_uncertainty_of_both_ends_makes_the_interval():
    sites, places = (
        SITES.assign(uncertainty_km=[5.0, 20.0]),
        PLACES.assign(uncertainty_km=[1.0, 10.0, 0.0]),
    )
    found = remoteness(PAIRS, sites, ORIGINS, places, reach_km=[125])
    low, high = (value(found, "site", "B", "nearest_county_seat", c) for c in ("low", "high"))
    # p1 and p2 are equally far: the lowest end comes from p2 (20 + 10 km), the highest from p1 (20
    # + 1 km).
    assert (low, high) == (
        pytest.approx(DEGREE - 30, rel=1e-6),
        pytest.approx(DEGREE + 21, rel=1e-6),
    )
    counts = [value(found, "site", "B", "places_within_125km", c) for c in ("low", "value", "high")]
    assert counts == [0, 2, 2]


def test_aria_style_score_uses_the_studys_own_means():
    sites = points(["A", "B"], [(0, 0), (2, 0)], "site_id")
    origins = points(["o"], [(7, 0)], "origin_id")
    places = points(["c"], [(0, 0)], "place_id", kind=["county_seat"])
    pairs = pairs_of([("o", "A", 1, 1, 1, 1)])
    found = remoteness(pairs, sites, origins, places, ladder=["county_seat"], kinds=["county_seat"])
    # distances 0, 2, 7 degrees; mean 3: ratios 0, 2/3, 7/3
    assert [value(found, "site", i, "aria_style") for i in "AB"] == pytest.approx([0, 2 / 3])
    assert value(found, "origin", "o", "aria_style") == pytest.approx(7 / 3)


def test_a_higher_centre_serves_the_lower_classes():
    near_high = remoteness(
        PAIRS,
        SITES,
        ORIGINS,
        PLACES,
        ladder=["county_seat", "prefecture_seat"],
        indicators=["aria_style"],
    )
    only_low = remoteness(
        PAIRS,
        SITES,
        ORIGINS,
        PLACES[PLACES["kind"] == "prefecture_seat"],
        ladder=["prefecture_seat"],
        indicators=["aria_style"],
    )
    assert value(near_high, "site", "A", "aria_style") == 0
    assert value(only_low, "site", "A", "aria_style") > 0


def test_places_beyond_a_metric_matrix_have_reasons_and_classes():
    times = pd.DataFrame(
        [[0.4, NAN, 0.7], [1.2, NAN, NAN]], index=["A", "B"], columns=["p1", "p2", "p3"]
    )
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES, site_places={"travel": times}, minutes=[30, 60]
    )
    assert value(found, "site", "A", "places_within_30min", metric="travel") == 1
    assert value(found, "site", "A", "places_within_60min", metric="travel") == 2
    assert (
        value(found, "site", "A", "drive_class", metric="travel") == 0
    )  # p1 has 20,000 people, 24 minutes
    assert value(found, "site", "B", "drive_class", metric="travel") == 2  # 72 minutes
    assert np.isnan(value(found, "site", "B", "nearest_prefecture_seat", metric="travel"))
    assert value(found, "site", "B", "nearest_prefecture_seat", "why", "travel") == (
        "no place of kind prefecture seat can be reached"
    )


def by_road(*rows, columns=("p1", "p2", "p3")):
    return pd.DataFrame(rows, index=["A", "B"], columns=list(columns), dtype=float)


def test_tables_with_their_ends_give_intervals_of_any_metric():
    km, least, most = by_road([5, 250, 400], [130, 140, 260]), by_road([0, 240, 380], [120, 118, 250]), by_road(
        [9, 260, 420], [150, 144, 270]
    )  # fmt: skip
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES, site_places={"road": (km, least, most)}, reach_km=[145]
    )
    ends = [
        value(found, "site", "B", "nearest_county_seat", c, "road")
        for c in ("low", "value", "high")
    ]
    assert ends == [
        118,
        130,
        144,
    ]  # no farther than the greatest of any, no nearer than the least of any
    counts = [
        value(found, "site", "B", "places_within_145km", c, "road")
        for c in ("low", "value", "high")
    ]
    assert counts == [1, 2, 2]
    ranks = [
        value(found, "site", i, "nearest_county_seat", c, "road")
        for i in "AB"
        for c in ("rank_low", "rank_high")
    ]
    assert ranks == [1, 1, 2, 2]


def test_the_change_of_a_metric_has_its_interval():
    origin = pd.DataFrame(
        [[150.0, 200, 380]] * 3, index=["o1", "o2", "o3"], columns=["p1", "p2", "p3"]
    )
    site = by_road([5, 250, 400], [130, 140, 260])
    tables = {"road": (site, site - 4, site + 4)}, {"road": (origin, origin - 10, origin + 10)}
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES, site_places=tables[0], origin_places=tables[1]
    )
    row = moved(found, "A", "nearest_county_seat", "road")
    assert row[["low", "change", "high"]].tolist() == [1 - 160, 5 - 150, 9 - 140]
    assert (row["direction"], row["why"]) == ("nearer", "")


def test_a_nearer_place_without_a_known_way_leaves_the_nearest_undecided():
    # B lies as near to p1 as to p2; A lies at p1, to which no way is known.
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES, site_places={"road": by_road([NAN, 250, 400], [130, NAN, 260])},
        ladder=["prefecture_seat", "county_seat"],
    )  # fmt: skip
    assert np.isnan(value(found, "site", "A", "nearest_county_seat", metric="road"))
    why = value(found, "site", "A", "nearest_county_seat", "why", "road")
    assert why.startswith(
        "undecided: another place of kind county seat is nearer in a straight line"
    )
    assert value(found, "site", "B", "nearest_county_seat", metric="road") == 130
    assert value(found, "site", "A", "aria_style", "why", "road").startswith(
        "undecided: another centre is nearer in a straight line"
    )
    assert "1 place without a known way is not counted" in value(
        found, "site", "A", "places_within_30km", "why", "road"
    )


def test_places_that_were_not_asked_for_are_not_taken_for_out_of_reach():
    some = by_road([5, 250], [130, 140], columns=("p1", "p2"))
    found = remoteness(PAIRS, SITES, ORIGINS, PLACES, site_places={"road": some}, reach_km=[300])
    by_metric = found[found["indicator"] == "nearest_prefecture_seat"]["metric"]
    assert set(by_metric) == {"geodesic"}  # by road it was not asked for
    assert value(found, "site", "A", "places_within_300km", metric="road") == 2
    assert value(found, "site", "A", "places_within_300km", "n", "road") == 2
    assert "1 place of another kind was not asked for" in value(
        found, "site", "A", "places_within_300km", "why", "road"
    )


def test_the_class_of_a_drive_has_the_range_of_its_minutes():
    hours, least, most = (by_road([x, 9, 9], [1.5, 9, 9]) for x in (0.4, 0.2, 0.7))
    tables = {"road_time": (hours, least, most)}
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES, site_places=tables, indicators=["drive_class"]
    )
    assert [
        value(found, "site", "A", "drive_class", c, "road_time") for c in ("low", "value", "high")
    ] == [0, 0, 1]
    assert [
        value(found, "site", "B", "drive_class", c, "road_time") for c in ("low", "value", "high")
    ] == [2, 2, 2]


def test_a_drawn_interval_never_leaves_out_what_is_stated():
    # On the road itself every other position has a leg to walk, so all draws are longer.
    drawn = walked("road", [21, 41, 151], [30, 60, 200])
    pairs = PAIRS.assign(road_km=[20.0, 40.0, 150.0])
    found = remoteness(
        pairs, SITES, ORIGINS, intervals=drawn, metrics=["road"], indicators=["land_max"]
    )
    assert [value(found, "site", "B", "land_max", c, "road") for c in ("low", "value", "high")] == [
        150,
        150,
        200,
    ]


def test_position_unknown_is_said():
    sites = points(["A", "B"], [(0, 0), None], "site_id")
    found = remoteness(PAIRS, sites, ORIGINS, PLACES, ladder=["prefecture_seat", "county_seat"])
    assert value(found, "site", "B", "nearest_county_seat", "why") == "position unknown"
    assert np.isnan(value(found, "site", "B", "aria_style"))


def test_gravity_against_the_formula():
    from geographiclib.geodesic import Geodesic

    found = remoteness(PAIRS, SITES, ORIGINS, PLACES, gravity_reach_km=1000, gravity_floor_km=5)
    localities = {
        ("site", "A"): (0, 0),
        ("site", "B"): (1, 0),
        ("origin", "o1"): (0, 1),
        ("origin", "o2"): (1, 1),
    }
    localities["origin", "o3"] = (1, 2)
    pull = {}
    for key, (lon, lat) in localities.items():
        km = [
            Geodesic.WGS84.Inverse(lat, lon, 0, x)["s12"] / 1000 for x in (0, 3)
        ]  # p2 has no population
        pull[key] = 20_000 / max(km[0], 5) + 100_000 / max(km[1], 5)
    far = {key: -np.log(p) for key, p in pull.items()}
    span = max(far.values()) - min(far.values())
    for (role, ident), x in far.items():
        expected = (x - min(far.values())) / span
        assert value(found, role, ident, "gravity_remoteness") == pytest.approx(expected, abs=1e-9)
    assert "1 place without a population left out" in value(
        found, "site", "A", "gravity_remoteness", "why"
    )


def test_a_study_across_the_antimeridian_in_the_south():
    sites = points(["A"], [(179.9, -20)], "site_id")
    origins = points(["o"], [(-179.9, -20)], "origin_id")
    places = points(["p"], [(-179.95, -20)], "place_id", kind=["market"])
    found = remoteness(pairs_of([("o", "A", 2, 20.9, 20.9, 20.9)]), sites, origins, places)
    # geographiclib 2: Geodesic.WGS84.Inverse(-20, 179.9, -20, -179.95)["s12"] = 15697.0624 m
    assert value(found, "site", "A", "nearest_market") == pytest.approx(15.6970624, abs=1e-6)


def test_rural_access_is_undecidable_where_the_position_is_too_rough():
    from geographiclib.geodesic import Geodesic

    # A road along the equator; sites 1 km and 4 km north of it, known to 0.5 km or to 3 km.
    north = [Geodesic.WGS84.Direct(0, 10, 0, m)["lat2"] for m in (1000, 1000, 4000, 4000)]
    sites = points(
        list("abcd"), [(10, y) for y in north], "site_id", uncertainty_km=[0.5, 3.0, 0.5, 3.0]
    )
    roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(9, 0), (11, 0)])], crs="EPSG:4326")
    found = remoteness(PAIRS.iloc[:0], sites, ORIGINS, roads=roads, indicators=["rural_access"])
    answers = [value(found, "site", i, "rural_access") for i in "abcd"]
    assert answers[0] == 1
    assert answers[2] == 0
    assert np.isnan(answers[1])
    assert np.isnan(answers[3])
    assert value(found, "site", "b", "rural_access", "why").startswith(
        "cannot be decided: the road is 1 km away and the position is known to 3 km"
    )
    assert "it is not known whether the mapped roads" in value(
        found, "site", "a", "rural_access", "why"
    )


@pytest.mark.parametrize(
    ("roads", "reason"),
    [
        (pd.DataFrame({"a": ["x"], "b": ["y"], "length_km": [3.0]}), "a table of lengths"),
        (
            gpd.GeoDataFrame(
                {"geometry_basis": ["schematic"]},
                geometry=[shapely.LineString([(0, 0), (1, 1)])],
                crs="EPSG:4326",
            ),
            "schematic",
        ),
        (
            gpd.GeoDataFrame(
                {"season": ["dry only"]},
                geometry=[shapely.LineString([(0, 0), (1, 1)])],
                crs="EPSG:4326",
            ),
            "no all-season road",
        ),
    ],
)
def test_rural_access_is_missing_without_roads_to_measure_to(roads, reason):
    found = remoteness(PAIRS, SITES, ORIGINS, roads=roads, indicators=["rural_access"])
    assert found["value"].isna().all()
    assert found["why"].str.contains(reason).all()


def test_catchment_needs_supply_and_demand():
    places = PLACES.assign(supply=[40.0, NAN, 10.0])
    sites = SITES.assign(persons=[100.0, 300.0])
    found = remoteness(
        PAIRS, sites, ORIGINS, places, indicators=["catchment"], catchment_reach_km=150
    )
    # p1 (40 jobs) lies within 150 km of both sites: 40/400 each; p3 (prefecture seat) within 150 km
    # of neither.
    assert [value(found, "site", i, "catchment_county_seat") for i in "AB"] == pytest.approx(
        [0.1, 0.1]
    )
    assert [value(found, "site", i, "catchment_prefecture_seat") for i in "AB"] == [0, 0]
    unknown = remoteness(
        PAIRS, SITES.assign(persons=[100.0, NAN]), ORIGINS, places, indicators=["catchment"]
    )
    assert value(unknown, "site", "B", "catchment_county_seat", "why").startswith(
        "persons of the site unknown"
    )


def test_catchment_weighs_by_a_decay_of_the_study():
    """Worked by hand: each place's supply over the weighted demand, weighted again."""
    places, sites = PLACES.assign(supply=[40.0, NAN, 10.0]), SITES.assign(persons=[100.0, 300.0])
    km = distance_matrix(sites, places)["p1"]
    decay = {"0": 1.0, "100": 0.5, "200": 0.0}
    found = remoteness(
        PAIRS, sites, ORIGINS, places, indicators=["catchment"], catchment_reach_km=150,
        catchment_decay_km=decay,
    )  # fmt: skip
    weight = 1 - km / 200
    expected = weight * 40 / (weight * sites["persons"]).sum()
    assert [value(found, "site", i, "catchment_county_seat") for i in "AB"] == pytest.approx(
        expected.tolist()
    )
    for wrong, text in (({"0": 0.5, "9": 1}, "more weight"), ({"0": 1}, "two points")):
        with pytest.raises(InputError, match=text):
            remoteness(PAIRS, sites, ORIGINS, places, catchment_decay_km=wrong)


def test_catchment_counts_only_what_was_asked_for_and_can_be_reached():
    places, sites = PLACES.assign(supply=[40.0, NAN, 10.0]), SITES.assign(persons=[100.0, 300.0])
    found = remoteness(
        PAIRS, sites, ORIGINS, places, indicators=["catchment"], catchment_reach_km=150,
        site_places={"road": by_road([10], [NAN], columns=["p1"])},
    )  # fmt: skip
    assert (
        value(found, "site", "A", "catchment_county_seat", metric="road") == 0.4
    )  # 40 over 100, B has no way there
    assert value(found, "site", "B", "catchment_county_seat", "why", "road") == (
        "no place of kind county seat can be reached"
    )
    assert not (
        (found["indicator"] == "catchment_prefecture_seat") & (found["metric"] == "road")
    ).any()
    assert value(found, "site", "A", "catchment_county_seat", "why").startswith(
        "no interval: the supply is shared"
    )


def test_the_classes_of_a_drive_are_not_of_a_walk():
    hours = {"walk": by_road([0.4, 9, 9], [1.5, 9, 9])}
    found = remoteness(PAIRS, SITES, ORIGINS, PLACES, site_places=hours)
    assert not (found["indicator"] == "drive_class").any()
    assert value(found, "site", "A", "places_within_30min", metric="walk") == 1


def test_the_same_study_elsewhere_on_earth_gives_the_same_figures():
    # Lengths on an ellipsoid of revolution do not change when longitudes shift and hemispheres
    # swap.
    def moved(frame):
        lonlat = [((p.x + 179.5 + 180) % 360 - 180, -p.y) for p in frame.geometry]
        return frame.set_geometry([shapely.Point(xy) for xy in lonlat], crs="EPSG:4326")

    here = remoteness(PAIRS, SITES, ORIGINS, PLACES)
    there = remoteness(PAIRS, moved(SITES), moved(ORIGINS), moved(PLACES))
    assert moved(SITES).geometry.x.min() < 0 < moved(SITES).geometry.x.max()
    numbers = ["value", "low", "high", "rank_low", "rank_high"]
    pd.testing.assert_frame_equal(here.drop(columns=numbers), there.drop(columns=numbers))
    np.testing.assert_allclose(here[numbers], there[numbers], rtol=1e-9, atol=1e-7)


def test_sites_kept_for_comparison_stay_out_of_the_whole():
    sites = SITES.assign(scope=["study", "comparison"])
    found = remoteness(PAIRS, sites, ORIGINS, PLACES)
    assert value(found, "study", "all", "land_max") == 30
    assert value(found, "site", "B", "land_max") == 100
    whole = change(found, PAIRS, ["A"]).set_index(["role", "indicator", "weighting"])
    assert whole.loc[("study", "nearest_county_seat", "households"), ["n", "of"]].tolist() == [2, 2]


# --- change
# -----------------------------------------------------------------------------------------------------------


def test_change_is_site_less_origin_weighted_by_those_who_moved():
    found = remoteness(PAIRS, SITES, ORIGINS, PLACES)
    moved = change(found, PAIRS)
    row = moved[
        (moved["id"] == "A")
        & (moved["indicator"] == "nearest_county_seat")
        & (moved["weighting"] == "households")
    ]
    at = {o: value(found, "origin", o, "nearest_county_seat") for o in ("o1", "o2")}
    assert row["at_origin"].iloc[0] == pytest.approx((at["o1"] + 3 * at["o2"]) / 4)
    assert row["at_site"].iloc[0] == 0
    assert row["change"].iloc[0] == pytest.approx(-(at["o1"] + 3 * at["o2"]) / 4)
    assert row["direction"].iloc[0] == "nearer"
    assert row[["kind", "limit", "limit_unit"]].iloc[0].tolist() == ["nearest", "county_seat", ""]


def test_change_with_wide_positions_is_not_distinguishable():
    sites = points(["A", "B"], [(0.1, 0), (1, 0)], "site_id").assign(uncertainty_km=[500.0, 0.0])
    found = remoteness(PAIRS, sites, ORIGINS, PLACES)
    moved = change(found, PAIRS).set_index(["id", "indicator", "weighting"])
    assert (
        moved.loc[("A", "nearest_county_seat", "households"), "direction"] == "not distinguishable"
    )
    assert moved.loc[("A", "nearest_county_seat", "households"), "low"] < 0


def test_a_change_without_interval_says_so():
    found = remoteness(PAIRS, SITES, ORIGINS, PLACES)
    row = moved(found, "A", "gravity_remoteness")
    assert row["direction"] == "not distinguishable"
    assert row["why"] == "no interval at one or both ends"
    assert moved(found, "A", "nearest_county_seat")["why"] == ""


def test_the_interval_of_a_change_takes_both_ends_apart():
    origins, households = ORIGINS.assign(uncertainty_km=[7.0, 7.0, 7.0]), (("o1", 1), ("o2", 3))
    found = remoteness(PAIRS, OFF_CENTRE.assign(uncertainty_km=[2.0, 2.0]), origins, PLACES)
    low, high = (
        sum(w * value(found, "origin", o, "nearest_county_seat", end) for o, w in households) / 4
        for end in ("low", "high")
    )
    row = (
        change(found, PAIRS)
        .set_index(["id", "indicator", "weighting"])
        .loc[("A", "nearest_county_seat", "households")]
    )
    # The site is 0.111 km off its centre (0 to 2.111 km), the origins 7 km either way.
    assert high - low == pytest.approx(14)
    assert row["low"] == pytest.approx(-high)
    assert row["high"] == pytest.approx(2 + 0.111319 - low, abs=1e-4)


def test_change_without_households_is_given_per_flow():
    pairs = PAIRS.assign(households=[1, NAN, 4])
    moved = change(remoteness(pairs, SITES, ORIGINS, PLACES), pairs).set_index(
        ["id", "indicator", "weighting"]
    )
    assert np.isnan(moved.loc[("A", "nearest_county_seat", "households"), "change"])
    assert not np.isnan(moved.loc[("A", "nearest_county_seat", "flows"), "change"])


# --- composites
# -------------------------------------------------------------------------------------------------------


def test_dominance_is_the_ranking_under_every_weighting():
    rng = np.random.default_rng(4)
    table = rng.random((6, 3)).round(1)
    frame = pd.DataFrame(table, columns=list("abc"))
    made = composite(frame, {"a": 1, "b": 1, "c": 1}, how="minmax", steps=30)
    assert (made["rank_low"] <= made["lattice_low"]).all()
    assert (made["lattice_high"] <= made["rank_high"]).all()


def test_intervals_take_away_ranks():
    values = pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]}, index=["x", "y"])
    assert composite(values, {"a": 1, "b": 1})["distinguishable"].tolist() == [True, True]
    wide = composite(values, {"a": 1, "b": 1}, low=values - 0.6, high=values + 0.6)
    assert wide["distinguishable"].tolist() == [False, False]
    assert wide["why"].tolist() == ["not distinguishable"] * 2


def test_a_missing_indicator_takes_a_row_out_and_keeps_the_others():
    values = pd.DataFrame({"a": [0.0, 1.0, NAN], "b": [0.0, 1.0, 0.5]}, index=["x", "y", "z"])
    made = composite(values, {"a": 1, "b": 1})
    assert made.loc["z", "why"] == "an indicator is missing"
    assert made.loc[["x", "y"], "rank"].tolist() == [1, 2]


@pytest.mark.parametrize("weights", [(1, 1, 1, 1), (1, 1, 2, 4), (2, 0, 1, 1), (3, 1, 1, 1)])
def test_weighted_quantile_is_the_quantile_of_the_copies(weights):
    values = np.array([10.0, 20.0, 30.0, 70.0])
    copies = np.repeat(values, weights)
    assert measures.weighted_quantile(values, weights, 0.5)[0] == np.median(copies)
    # averaged_inverted_cdf is the same definition, for any share
    for q in (0.1, 0.25, 0.9):
        expected = np.quantile(copies, q, method="averaged_inverted_cdf")
        assert measures.weighted_quantile(values, weights, q)[0] == expected


def test_a_composite_in_the_long_table():
    weights = {"land_mean": 1, "places_within_150km": 1}
    found = remoteness(PAIRS, SITES, ORIGINS, PLACES, reach_km=[150], composite_weights=weights)
    # A is nearer to its land (25 against 100 km) but has fewer places in reach (1 against 2): 0 + 1
    # and 1 + 0, halved.
    assert [value(found, "site", i, "composite") for i in "AB"] == [0.5, 0.5]
    assert "not distinguishable" in value(found, "site", "A", "composite", "why")
    ends = [
        value(found, "site", i, "composite", c) for i in "AB" for c in ("rank_low", "rank_high")
    ]
    assert ends == [1, 2, 1, 2]
    only = remoteness(PAIRS, SITES, ORIGINS, PLACES, composite_weights={"land_mean": 2})
    assert [value(only, "site", i, "composite") for i in "AB"] == [0, 1]
    assert [value(only, "site", i, "composite", "rank_high") for i in "AB"] == [1, 2]
    with pytest.raises(UnknownNameError, match="the composite names 'nonsense'"):
        remoteness(PAIRS, SITES, ORIGINS, PLACES, composite_weights={"nonsense": 1})


def test_nothing_is_by_households_where_they_are_unknown():
    pairs = PAIRS.assign(households=[1, 3, NAN])
    found = remoteness(pairs, SITES, ORIGINS, PLACES)
    assert [value(found, "site", i, "land_mean", "weighting") for i in "AB"] == [
        "households",
        "flows",
    ]
    rows = change(found, pairs).set_index(["id", "indicator", "weighting"])
    assert np.isnan(rows.loc[("B", "nearest_county_seat", "households"), "change"])
    assert not np.isnan(rows.loc[("B", "nearest_county_seat", "flows"), "change"])


def test_below_full_coverage_there_is_no_rank_share_or_gini():
    pairs = PAIRS.assign(geodesic_km=[10.0, NAN, 100.0])
    found = remoteness(pairs, SITES, ORIGINS, thresholds_km=[20])
    covered = {i: [value(found, "site", i, "land_max", c) for c in ("n", "of")] for i in "AB"}
    assert covered == {"A": [1, 2], "B": [1, 1]}
    # One of two moves has a distance: its mean may be shown with "1 of 2", but is compared with nothing.
    assert value(found, "site", "A", "land_mean_unweighted") == 10
    ranks = [value(found, "site", i, "land_mean_unweighted", "rank_low") for i in "AB"]
    assert np.isnan(ranks[0])
    assert ranks[1] == 1
    for name in ("land_beyond_20km", "land_gini"):
        assert np.isnan(value(found, "site", "A", name)), name
        assert not np.isnan(value(found, "site", "B", name)), name
    unknown = remoteness(pairs.assign(households=NAN), SITES, ORIGINS)
    assert np.isnan(value(unknown, "site", "A", "land_mean"))


def test_an_indicator_is_named_by_columns():
    found = remoteness(
        PAIRS, SITES, ORIGINS, PLACES,
        reach_km=[12.5], thresholds_km=[4], farming_radius_km=RADII,
    )  # fmt: skip
    about = found.drop_duplicates("indicator").set_index("indicator")[
        ["kind", "limit", "limit_unit"]
    ]
    assert about.loc["nearest_county_seat"].tolist() == ["nearest", "county_seat", ""]
    assert about.loc["places_within_12.5km"].tolist() == ["places_within", "12.5", "km"]
    assert about.loc["land_beyond_4km"].tolist() == ["land_beyond", "4", "km"]
    assert about.loc["land_radii_unweighted_foot"].tolist() == ["land_radii_unweighted", "foot", ""]
    assert set(found["kind"]) <= set(INDICATORS)
    assert "nearest_clinic" not in set(
        found["indicator"]
    )  # no clinic in the study, and none asked for


def test_no_row_for_what_nobody_asked():
    kinds = ["county_seat", "clinic"]  # there is no clinic
    found = remoteness(PAIRS, SITES, ORIGINS, PLACES, kinds=kinds)
    assert "nearest_county_seat" in set(found["indicator"])
    assert "nearest_clinic" not in set(found["indicator"])
    assert found.groupby(["role", "indicator", "metric"])["n"].max().min() > 0


# --- invariants
# -------------------------------------------------------------------------------------------------------

distances = st.lists(st.floats(0.1, 1000), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None)
@given(distances, st.data())
def test_merging_identical_sites_changes_no_weighted_figure(values, data):
    weights = data.draw(st.lists(st.integers(1, 50), min_size=len(values), max_size=len(values)))
    cut = data.draw(st.lists(st.integers(0, 50), min_size=len(values), max_size=len(values)))
    split = [(v, min(c, w)) for v, w, c in zip(values, weights, cut, strict=True)]
    split += [(v, w - min(c, w)) for v, w, c in zip(values, weights, cut, strict=True)]
    one, two = np.array(list(zip(values, weights, strict=True))), np.array(split)
    for q in (0.5, 0.9):
        assert measures.weighted_quantile(*one.T, q) == pytest.approx(
            measures.weighted_quantile(*two.T, q)
        )
    assert measures.gini(*one.T) == pytest.approx(measures.gini(*two.T), abs=1e-9)


@settings(max_examples=12, deadline=None)
@given(distances, st.floats(0.01, 1000))
def test_the_scale_of_weights_is_irrelevant(values, factor):
    ids = [f"o{i}" for i in range(len(values))]
    origins = points(ids, [(0, 0)] * len(ids), "origin_id")
    rows = [(o, "A", i + 1, v, v, v) for i, (o, v) in enumerate(zip(ids, values, strict=True))]
    names = ["land_mean", "land_median", "land_p90", "land_gini", "land_beyond", "land_radii"]
    one, two = (
        remoteness(
            pairs_of(rows).assign(households=lambda f, k=k: f["households"] * k),
            SITES,
            origins,
            indicators=names,
        )
        for k in (1.0, factor)
    )
    np.testing.assert_allclose(one["value"], two["value"], rtol=1e-9, atol=1e-9)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=6),
    st.floats(60, 170),
)
def test_adding_a_far_centre_never_raises_access(near, lon):
    lonlat = [*near, (lon, 0.0)]
    kinds = ["county_seat"] * len(lonlat)
    places = points(
        range(len(lonlat)), lonlat, "place_id", kind=kinds, population=[1000.0] * len(lonlat)
    )
    names = ["nearest", "places_within", "aria_style", "gravity_remoteness"]
    with_far, without = (
        remoteness(
            PAIRS, SITES, ORIGINS, p, indicators=names, gravity_reach_km=2000, kinds=["county_seat"]
        )
        for p in (places, places.iloc[:-1])
    )
    np.testing.assert_allclose(with_far["value"], without["value"], rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(distances, st.data())
def test_gini_bounds_hold_every_draw(values, data):
    half = data.draw(st.lists(st.floats(0, 100), min_size=len(values), max_size=len(values)))
    low, high = np.maximum(np.subtract(values, half), 0), np.add(values, half)
    (least,), (most,) = measures.gini_bounds(low, high)
    share = np.array(
        data.draw(st.lists(st.floats(0, 1), min_size=len(values), max_size=len(values)))
    )
    drawn = float(measures.gini(low + share * (high - low))[0])
    assert least - 1e-9 <= drawn <= most + 1e-9


def test_row_order_and_arguments_do_not_matter():
    before = PAIRS.copy(deep=True), SITES.copy(deep=True), PLACES.copy(deep=True)
    one = remoteness(PAIRS, SITES, ORIGINS, PLACES)
    two = remoteness(PAIRS.iloc[::-1], SITES.iloc[::-1], ORIGINS.iloc[::-1], PLACES.iloc[::-1])
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(before[0], PAIRS)
    pd.testing.assert_frame_equal(pd.DataFrame(before[1]), pd.DataFrame(SITES))
    pd.testing.assert_frame_equal(pd.DataFrame(before[2]), pd.DataFrame(PLACES))


def test_no_rows_give_an_empty_frame_with_its_columns():
    found = remoteness(PAIRS.iloc[:0], SITES.iloc[:0], ORIGINS.iloc[:0], None)
    assert len(found) == 0
    assert "rank_low" in found.columns


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_every_indicator_says_what_it_is(name):
    entry = INDICATORS[name]
    assert entry.name == name
    assert entry.meaning
    assert entry.source
    assert entry.needs in {"pairs", "places"}
    assert entry.more_is in {"remote", "near"}


# --- against PySAL access
# ---------------------------------------------------------------------------------------------


def hospital(costs):
    """PySAL access' hospital example (its tests/test_hospital_example.py): three tracts, 15, 20 and
    100 doctors.
    """
    people, doctors = {1: 100, 2: 50, 3: 10}, {1: 15, 2: 20, 3: 100}
    od = pd.DataFrame(
        [(o, d, c) for (o, d), c in costs.items()], columns=["origin", "dest", "cost"]
    )
    demand = pd.DataFrame({"geoid": people.keys(), "pop": people.values()}).set_index("geoid")
    supply = pd.DataFrame({"geoid": doctors.keys(), "doc": doctors.values()}).set_index("geoid")
    return od, demand, supply


GRIDLOCK = {
    (1, 1): 1,
    (2, 2): 1,
    (3, 3): 1,
    (1, 3): 40,
    (2, 3): 40,
    (3, 1): 40,
    (3, 2): 40,
    (1, 2): 50,
    (2, 1): 50,
}


@pytest.mark.parametrize("decay", [None, lambda c: 1 / c, lambda c: np.where(c <= 10, 1.0, 0.42)])
def test_two_step_catchment_agrees_with_pysal_access(decay):
    from access.fca import two_stage_fca

    od, demand, supply = hospital(GRIDLOCK)
    options = {"demand_index": True, "demand_name": "pop", "supply_name": "doc", "max_cost": 45}
    weight = None if decay is None else lambda c: float(decay(np.float64(c)))
    theirs = two_stage_fca(demand, supply, od, weight_fn=weight, **options).sort_index()
    cost = od.pivot(index="origin", columns="dest", values="cost").to_numpy(float)  # noqa: PD010, RUF100
    ours = measures.two_step_catchment(cost, demand["pop"], supply["doc"], reach=45, decay=decay)
    np.testing.assert_allclose(ours, theirs.to_numpy())


def test_two_step_catchment_keeps_the_supply_and_merges():
    rng = np.random.default_rng(1)
    cost, people, jobs = (
        rng.random((5, 3)) * 10,
        rng.integers(1, 99, 5).astype(float),
        np.array([5.0, 7.0, 9.0]),
    )
    access = measures.two_step_catchment(cost, people, jobs, reach=100)
    assert access @ people == pytest.approx(jobs.sum())
    nearer = measures.two_step_catchment(
        np.vstack([cost, cost[:1]]), np.append(people, 50.0), jobs, reach=100
    )
    assert (nearer[:5] < access).all()


def test_two_step_catchment_gives_the_published_values():
    # Luo and Wang (2003), figure 3: tracts within 20 of doctor a, doctor b or both, one person
    # each.
    near_a, near_b = [1, 2, 3, 4, 6, 7, 9, 10], [4, 5, 8, 11]
    cost = [[20 if i in near_a else 40, 20 if i in near_b else 40] for i in range(1, 12)]
    access = measures.two_step_catchment(cost, np.ones(11), [1, 1], reach=20)
    expected = [1 / 8, 1 / 8, 1 / 8, 3 / 8, 1 / 4, 1 / 8, 1 / 8, 1 / 4, 1 / 8, 1 / 8, 1 / 4]
    assert access.tolist() == expected
    # R package fca 0.1.0: spai_2sfca(p = 1:4, s = 1:6, D = matrix(1:24, 6)) gives 2.1 for each of
    # the four.
    assert measures.two_step_catchment(
        np.ones((4, 6)), [1, 2, 3, 4], range(1, 7), reach=1
    ) == pytest.approx(2.1)


def congested(inward, outward):
    """The three scenarios of PySAL access' hospital example: minutes into the city and out of
    it.
    """
    own = {(i, i): 1 for i in (1, 2, 3)}
    return {
        **own,
        (1, 3): inward,
        (2, 3): inward,
        (3, 1): outward,
        (3, 2): outward,
        (1, 2): 80,
        (2, 1): 80,
    }


@pytest.mark.parametrize(("inward", "outward"), [(40, 40), (20, 40), (40, 20)])
def test_the_three_scenarios_of_pysal_access(inward, outward):
    from access.fca import two_stage_fca

    od, demand, supply = hospital(congested(inward, outward))
    cost = od.pivot(index="origin", columns="dest", values="cost").to_numpy(float)  # noqa: PD010, RUF100
    names = {"demand_index": True, "demand_name": "pop", "supply_name": "doc"}
    gravity = two_stage_fca(
        demand, supply, od, weight_fn=lambda c: 1 / c, max_cost=61, **names
    ).sort_index()
    ours = measures.two_step_catchment(
        cost, demand["pop"], supply["doc"], reach=61, decay=lambda c: 1 / c
    )
    np.testing.assert_allclose(ours, gravity.to_numpy())
    # By hand, of the city hospital: 100 doctors over 100 / inward + 50 / inward + 10 / 1 people.
    city = 100 / (150 / inward + 10)
    first = 15 / (100 + 10 / outward) + city / inward
    assert ours[0] == pytest.approx(first)


@pytest.mark.parametrize(("distance", "radius"), [(0.0, 4.0), (3.0, 4.0), (9.0, 4.0), (90.0, 4.0)])
def test_the_median_distance_is_that_of_positions_drawn_over_the_disc(distance, radius):
    rng = np.random.default_rng(7)
    r, a = radius * np.sqrt(rng.random(400_000)), 2 * np.pi * rng.random(400_000)
    drawn = np.hypot(distance + r * np.cos(a), r * np.sin(a))
    found = measures.median_distance([distance, np.nan, distance], [radius, radius, 0.0])
    assert found[0] == pytest.approx(np.median(drawn), abs=0.005 * radius)
    assert np.isnan(found[1])
    assert found[2] == distance


def test_the_place_that_a_position_was_taken_from_gives_a_bound_and_no_value():
    asked = {"indicators": ["nearest", "places_within", "gravity_remoteness", "aria_style"]}
    asked |= {"ladder": ["county_seat"], "reach_km": [30.0]}
    rough = remoteness(PAIRS, SITES.assign(uncertainty_km=[25.0, 25.0]), ORIGINS, PLACES, **asked)
    exact = remoteness(PAIRS, SITES, ORIGINS, PLACES, **asked)
    assert value(exact, "site", "A", "nearest_county_seat") == 0
    assert np.isnan(value(rough, "site", "A", "nearest_county_seat"))
    assert value(rough, "site", "A", "nearest_county_seat", "high") == pytest.approx(25)
    assert np.isnan(value(rough, "site", "A", "nearest_county_seat", "rank_low"))
    why = value(rough, "site", "A", "nearest_county_seat", "why")
    assert why == "placed at this place of kind county seat: within 25 km"
    assert np.isnan(value(rough, "site", "A", "aria_style"))
    # The seat is within 25 km, so within 30 km wherever the site is.
    assert value(rough, "site", "A", "places_within_30km") >= 1
    rows = change(rough, PAIRS)
    rows = rows[(rows["id"] == "A") & (rows["indicator"] == "nearest_county_seat")]
    assert rows["change"].isna().all()
    assert (rows["direction"] == "").all()
