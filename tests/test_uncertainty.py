"""Intervals against cases with a known answer; draws that are shared, repeatable and inside their
unit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame, points_from_xy
from pyproj import Geod

from geosettle.distance import (
    Context,
    Metric,
    Spread,
    distance_intervals,
    pair_distances,
    rank_intervals,
    sample_distances,
)
from geosettle.distance.monte_carlo import draw_reasons
from geosettle.distance.sampling import draw_positions
from geosettle.errors import InputError, UnknownNameError
from geosettle.reasons import render

G = Geod(ellps="WGS84")


def frame(lon, lat, key: str, radius=0.0, **columns) -> GeoDataFrame:
    ids = pd.Index([f"{key}{i}" for i in range(len(lon))], dtype="str")
    columns = {"uncertainty_km": radius, **columns}
    return GeoDataFrame(columns, geometry=points_from_xy(lon, lat), crs=4326, index=ids)


def flows(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(pairs), columns=["origin_id", "site_id"])


def test_a_far_point_sees_the_disc_as_a_semicircle() -> None:
    # Seen from far away the distance is d + u x, where x has the semicircle density 2/pi
    # sqrt(1-x²). Its distribution function is 1/2 + (x sqrt(1-x²) + arcsin x)/pi; solved for 0.05
    # by bisection: x = -0.8054 (95 %: 0.8054).
    origins, sites = frame([76], [0], "o", 10.0), frame([100], [0], "s")
    row = distance_intervals(flows(("o0", "s0")), origins, sites, draws=40_000).iloc[0]
    straight = G.inv(76, 0, 100, 0)[2] / 1000
    assert row["low"] == pytest.approx(straight - 8.054, abs=0.1)
    assert row["high"] == pytest.approx(straight + 8.054, abs=0.1)
    assert row["median"] == pytest.approx(straight, abs=0.1)


def test_the_centre_of_the_disc_is_at_u_times_the_root_of_the_share() -> None:
    # Distance of a uniform point from the centre: P(r <= x) = x²/u², so the quantiles are u
    # sqrt(p).
    origins, sites = frame([76], [80], "o", 20.0), frame([76], [80], "s")
    drawn = sample_distances(flows(("o0", "s0")), origins, sites, draws=40_000).drawn
    expected = [20 * p**0.5 for p in (0.1, 0.5, 0.9)]
    assert np.quantile(drawn, [0.1, 0.5, 0.9]) == pytest.approx(expected, abs=0.12)
    # The stated ends are one place: the interval is widened to hold their distance of 0, with a note.
    row = distance_intervals(flows(("o0", "s0")), origins, sites, draws=40_000, level=0.8).iloc[0]
    assert [row["low"], row["median"], row["high"]] == pytest.approx([0, *expected[1:]], abs=0.12)
    assert "widened to include the value at the stated positions" in row["why"]


def test_two_uncertain_ends_in_one_place() -> None:
    # Mean distance of two independent points of a disc of radius u: 128 u / (45 pi) (Santaló,
    # Integral Geometry, 1976).
    origins, sites = frame([20], [-33], "o", 9.0), frame([20], [-33], "s", 9.0)
    drawn = sample_distances(flows(("o0", "s0")), origins, sites, draws=40_000).drawn
    assert drawn.mean() == pytest.approx(128 * 9 / (45 * np.pi), rel=0.01)


def test_certain_ends_give_one_value_and_intervals_lie_within_the_bounds() -> None:
    origins, sites = (
        frame([76, 77], [39, 38], "o", [0.0, np.nan]),
        frame([78, 75], [39, 40], "s", [0.0, 30.0]),
    )
    pairs = flows(("o0", "s0"), ("o1", "s1"), ("o1", "s0"))
    table = distance_intervals(pairs, origins, sites).set_index(["origin_id", "site_id"])
    exact = pair_distances(pairs, origins, sites)
    for key in (("o0", "s0"), ("o1", "s0")):
        assert (
            table.loc[key, ["low", "median", "high"]].tolist()
            == [exact.loc[key, "geodesic_km"]] * 3
        )
    loose = table.loc[("o1", "s1")]
    assert (
        exact.loc[("o1", "s1"), "geodesic_low_km"]
        < loose["low"]
        < loose["high"]
        < exact.loc[("o1", "s1"), "geodesic_high_km"]
    )
    assert list(table.columns) == [
        "metric",
        "unit",
        "low",
        "median",
        "high",
        "level",
        "draws",
        "why",
    ]


@pytest.mark.parametrize(("lon", "lat"), [(76, 39), (179.95, -17), (20, 89.9), (-180, 0)])
def test_draws_stay_in_the_disc_and_fill_it_evenly(lon: float, lat: float) -> None:
    x, y, note = draw_positions(lon, lat, 30_000.0, 20_000, key="a", role="site")
    n = np.ones(len(x))
    azimuth, _, away = (np.asarray(v) for v in G.inv(n * lon, n * lat, x, y))
    assert note == ""
    assert away.max() <= 30_000 * 1.001
    assert (away < 15_000).mean() == pytest.approx(0.25, abs=0.015)
    assert np.histogram(azimuth, bins=8, range=(-180, 180))[0] == pytest.approx(2500, abs=250)


def test_draws_heed_the_declared_unit() -> None:
    east = shapely.box(76, 30, 90, 45)
    x, y, note = draw_positions(76, 39, 30_000.0, 20_000, key="a", role="site", unit=east)
    assert note == ""
    assert x.min() >= 76
    away = np.asarray(G.inv(np.full(len(x), 76), np.full(len(x), 39), x, y)[2])
    assert away.max() <= 30_000 * 1.001
    assert (away < 15_000).mean() == pytest.approx(0.25, abs=0.015)
    assert (y > 39).mean() == pytest.approx(0.5, abs=0.015)
    # A unit of two strips, 10 km high, across which the density must follow the area.
    strips = shapely.MultiPolygon(
        [shapely.box(75.9, 38.9, 75.95, 39.1), shapely.box(76.0, 38.9, 76.15, 39.1)]
    )
    x, _, _ = draw_positions(76, 39, 100_000.0, 20_000, key="a", role="site", unit=strips)
    assert (x < 75.97).mean() == pytest.approx(0.25, abs=0.015)
    x, _, note = draw_positions(
        76, 39, 5_000.0, 100, key="a", role="site", unit=shapely.box(100, 0, 101, 1)
    )
    assert "does not reach its declared unit" in render(note)
    assert abs(x - 76).max() < 0.1


def test_units_are_found_by_name_code_or_alias_the_finest_first() -> None:
    boundaries = GeoDataFrame(
        {
            "name": ["Big", "West", "East"],
            "name_local": ["大", "西", "东"],
            "level": ["prefecture", "county", "county"],
        },
        geometry=[
            shapely.box(70, 30, 90, 45),
            shapely.box(70, 30, 76, 45),
            shapely.box(76, 30, 90, 45),
        ],
        crs=4326,
        index=["1", "11", "12"],
    )
    sites = frame(
        [76] * 5,
        [39] * 5,
        "s",
        20.0,
        county=["west", "东", "Ost", None, "nowhere"],
        prefecture="Big",
    )
    origins = frame([70], [39], "o")
    drawn = sample_distances(
        flows(*(("o0", f"s{i}") for i in range(5))),
        origins,
        sites,
        boundaries=boundaries,
        aliases={"Ost": "East"},
    ).drawn
    edge = G.inv(70, 39, 76, 39)[2] / 1000
    assert drawn[0].max() < edge + 1
    assert drawn[1].min() > edge - 1
    assert drawn[2].min() > edge - 1
    assert (drawn[3:].min(axis=1) < edge - 5).all()  # the prefecture holds the whole disc
    assert (drawn[3:].max(axis=1) > edge + 5).all()


def test_draws_belong_to_the_place_and_not_to_the_table() -> None:
    origins, sites = (
        frame([76, 77], [39, 38], "o", 8.0),
        frame([78, 75, 74], [39, 40, 41], "s", 5.0),
    )
    whole = flows(("o0", "s0"), ("o0", "s1"), ("o1", "s1"), ("o1", "s2"))
    table = distance_intervals(whole, origins, sites)
    mixed = distance_intervals(whole.iloc[::-1], origins.iloc[::-1], sites.iloc[::-1])
    pd.testing.assert_frame_equal(table, mixed)
    alone = distance_intervals(whole.iloc[[2]], origins, sites.loc[["s1"]])
    pd.testing.assert_frame_equal(
        alone,
        table[(table["origin_id"] == "o1") & (table["site_id"] == "s1")].reset_index(drop=True),
    )
    other = distance_intervals(whole, origins, sites, seed=1)
    assert (other["low"] != table["low"]).all()
    assert len(distance_intervals(whole.iloc[:0], origins, sites)) == 0


def test_shared_draws_separate_what_independent_ones_would_not() -> None:
    # Two origins on one line with an uncertain site: 95 and 100 km away; both intervals are 32 km
    # wide, yet the second is farther in every draw, because both see the same site.
    origins = frame([76, 76 - 5 / 111.32], [0, 0], "o")
    sites = frame([76 + 95 / 111.32], [0], "s", 20.0)
    samples = sample_distances(flows(("o0", "s0"), ("o1", "s0")), origins, sites)
    table = distance_intervals(flows(("o0", "s0"), ("o1", "s0")), origins, sites)
    assert table["high"].iloc[0] > table["low"].iloc[1] + 20
    assert [r.tolist() for r in rank_intervals(samples.drawn)] == [[1, 2], [1, 2]]


def test_ranks_overlap_where_paired_differences_do() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, (3, 5000))
    values = np.vstack([noise[0], noise[1] + 1, noise[2] + 10, np.full(5000, np.nan)])
    best, worst = rank_intervals(values)
    assert best.tolist() == [1, 1, 3, 0]
    assert worst.tolist() == [2, 2, 3, 0]


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
@pytest.mark.parametrize(("n", "draws"), [(2, 1), (9, 4), (12, 20), (25, 199), (40, 200)])
def test_ranks_count_the_intervals_of_all_pairs(level, n, draws) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=(n, 1)) + rng.normal(size=(n, draws)) / 4
    values[0] = np.nan
    best, worst = rank_intervals(values, level)
    shares = [(1 - level) / 2, (1 + level) / 2]
    for i in range(n):
        ends = np.quantile(values[1:] - values[i], shares, axis=1, method="weibull")
        assert best[i] == (0 if i == 0 else 1 + (ends[1] < 0).sum())
        assert worst[i] == (0 if i == 0 else n - 1 - (ends[0] > 0).sum())


def test_areas_move_as_a_whole() -> None:
    land = GeoDataFrame(
        {"uncertainty_km": [4.0]},
        geometry=[shapely.box(76, -0.1, 76.2, 0.1)],
        crs=4326,
        index=["v"],
    )
    sites = frame([78], [0], "s")
    row = distance_intervals(flows(("v", "s0")), land, sites, draws=40_000).iloc[0]
    straight = G.inv(76.2, 0, 78, 0)[2] / 1000
    assert row["median"] == pytest.approx(straight, abs=0.1)
    assert row["high"] - row["low"] == pytest.approx(2 * 0.8054 * 4, abs=0.15)


def test_a_metric_of_the_callers_is_drawn_and_missing_draws_count() -> None:
    def hours(drawn):
        lon1, lat1, lon2, lat2 = drawn.ends
        km = np.asarray(G.inv(lon1, lat1, lon2, lat2)[2]) / 1000
        none = lon1 > 76
        notes = draw_reasons({"draws_without_way": none})
        return {"drift": np.where(none, np.nan, km / 5)}, notes

    def stated(origins, sites, pairs, context):
        return pd.DataFrame({"drift_h": np.full(len(pairs), np.nan), "why": ""})

    origins, sites = frame([76], [39], "o", 10.0), frame([77], [39], "s")
    with pytest.raises(UnknownNameError):
        distance_intervals(flows(("o0", "s0")), origins, sites, ("flying",))
    drift = Metric(
        "drift", value="drift_h", unit="h", columns=("drift_h",), pairs=stated, sample=hours
    )
    given = {"context": Context(metrics={"drift": drift})}
    row = distance_intervals(flows(("o0", "s0")), origins, sites, ("drift",), **given).iloc[0]
    assert np.isnan(row["low"])
    assert "no interval where more than 25% of the draws are missing" in row["why"]
    loose = Spread(missing_share=0.6)
    row = distance_intervals(
        flows(("o0", "s0")), origins, sites, ("drift",), spread=loose, **given
    ).iloc[0]
    assert (row["metric"], row["unit"]) == ("drift", "h")
    assert (
        row["low"] > 86.6 / 5 - 0.1
    )  # only the half of the disc away from the site could be evaluated
    assert "of the draws have no way on foot" in row["why"]


def test_reasons_and_refusals() -> None:
    origins, sites = frame([np.nan], [np.nan], "o", 10.0), frame([77], [39], "s")
    table = distance_intervals(flows(("o0", "s0"), ("x", "s0")), origins, sites)
    assert table["low"].isna().all()
    assert table["why"].tolist() == ["position of the origin unknown"] * 2
    with pytest.raises(InputError):
        distance_intervals(flows(("o0", "s0")), origins, sites, level=1.0)
    with pytest.raises(InputError):
        sample_distances(flows(("o0", "s0")), origins, sites, draws=0)
