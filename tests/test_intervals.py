"""Intervals of walking, roads, travel and draped lines: by hand, and against one run per draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from geopandas import GeoDataFrame, points_from_xy

from geosettle.distance import (
    Spread,
    distance_intervals,
    pair_distances,
    rank_intervals,
    sample_distances,
)
from geosettle.distance._metrics import measures_of
from geosettle.distance._solver.cost_grid import metrication
from geosettle.distance.monte_carlo_walking import gathered
from geosettle.distance.sampling import SEED, draw_positions, quantiles
from geosettle.distance.terrain import place_times
from geosettle.distance.walking import walk_grid
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

FLAT_KMH = 6 * np.exp(-3.5 * 0.05)  # Tobler (1993) on the level
EVERY = ("geodesic", "surface", "walk", "road", "travel")


def frame(lon, lat, key: str, radius=0.0, **columns) -> GeoDataFrame:
    ids = pd.Index([f"{key}{i}" for i in range(len(lon))], dtype="str")
    return GeoDataFrame(
        {"uncertainty_km": radius, **columns},
        geometry=points_from_xy(lon, lat),
        crs=4326,
        index=ids,
    )


def flows(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(pairs), columns=["origin_id", "site_id"])


def dem(values, step: float = 0.01, west: float = 76.0, north: float = 1.0) -> Raster:
    return Raster(np.asarray(values, dtype=float), Affine(step, 0, west, 0, -step, north), unit="m")


def hills(rows: int = 120, columns: int = 160) -> Raster:
    y, x = np.mgrid[:rows, :columns]
    return dem(1500 + 400 * np.sin(x / 9) * np.cos(y / 7) + 15 * x, 0.01, 76.0, 39.6)


PAIR = flows(("o0", "s0"))


def test_on_level_ground_hours_are_the_straight_line_over_the_pace() -> None:
    level = dem(np.zeros((160, 200)))
    origins, sites = frame([76.5], [0.4], "o", 8.0), frame([77.3], [0.1], "s", 12.0)
    straight = sample_distances(PAIR, origins, sites).drawn[0] / FLAT_KMH
    for cells in (100_000, 1_000_000):
        walked = sample_distances(
            PAIR, origins, sites, "walk", dem=level, spread=Spread(cells=cells)
        ).drawn[0]
        # Never shorter than the straight line but by what reading between cells errs, nor longer
        # than the grid errs.
        assert (walked / straight).min() > 0.995
        assert (walked / straight).max() < 1 + metrication(16) + 0.005
        back = sample_distances(
            PAIR, origins, sites, "walk_back", dem=level, spread=Spread(cells=cells)
        ).drawn[0]
        np.testing.assert_allclose(back, walked, rtol=1e-6)


def test_each_draw_is_near_its_own_run() -> None:
    ground = hills()
    origins, sites = (
        frame([76.3, 76.35], [39.2, 38.9], "o", [6.0, 3.0]),
        frame([77.1], [39.1], "s", 10.0),
    )
    pairs = flows(("o0", "s0"), ("o1", "s0"))
    some = np.arange(0, 2000, 100)
    grid = walk_grid(ground)
    expected = []
    for i in (0, 1):
        o = draw_positions(
            *origins.geometry.iloc[i].coords[0], [6e3, 3e3][i], 2000, key=f"o{i}", role="origin"
        )
        s = draw_positions(77.1, 39.1, 10e3, 2000, key="s0", role="site", seed=SEED)
        ends = [
            GeoDataFrame(geometry=points_from_xy(p[0][some], p[1][some]), crs=4326) for p in (o, s)
        ]
        expected.append(
            place_times(grid, *ends, np.repeat(np.arange(some.size)[:, None], 2, axis=1))[0] / 3600
        )
    for cells, most in ((1_000_000, 0.012), (40_000, 0.03)):
        for column, name in enumerate(("walk", "walk_back")):
            drawn = sample_distances(
                pairs, origins, sites, name, dem=ground, spread=Spread(cells=cells)
            ).drawn
            error = drawn[:, some] / np.stack(expected)[:, :, column] - 1
            assert (np.sqrt((error**2).mean(axis=1)) < most).all(), (cells, name)
    assert (
        np.stack(expected)[:, :, 0] > 1.03 * np.stack(expected)[:, :, 1]
    ).all()  # the ground rises to the east


def test_certain_ends_give_the_value_itself_in_every_metric() -> None:
    ground = hills()
    roads = GeoDataFrame(geometry=[shapely.LineString([(76.2, 39.0), (77.4, 39.0)])], crs=4326)
    origins, sites = frame([76.305], [39.021], "o"), frame([77.113], [39.032], "s")
    layers = {"dem": ground, "roads": roads}
    value = pair_distances(PAIR, origins, sites, EVERY, **layers).iloc[0]
    table = distance_intervals(
        PAIR, origins, sites, EVERY, **layers, spread=Spread(cells=20_000, road_speed_share=0.0)
    ).set_index("metric")
    columns = {
        "geodesic": "geodesic_km",
        "surface": "surface_km",
        "walk": "walk_out_h",
        "walk_back": "walk_back_h",
        "walk_round": "walk_round_h",
        "road": "road_km",
        "road_time": "road_h",
        "travel": "travel_out_h",
        "travel_back": "travel_back_h",
    }
    assert set(table.index) == set(columns)
    for name, column in columns.items():
        assert table.loc[name, ["low", "median", "high"]].tolist() == pytest.approx(
            [value[column]] * 3, rel=1e-5
        ), name
        assert table.loc[name, "unit"] == column.rsplit("_", 1)[1]
    assert (table["why"] == "").all()


def test_the_side_with_fewer_places_is_run_from_and_it_does_not_matter_much() -> None:
    ground = hills()
    origins, sites = (
        frame([76.3], [39.2], "o", 6.0),
        frame([77.1, 77.0], [39.1, 38.8], "s", [10.0, 4.0]),
    )
    one = sample_distances(PAIR, origins, sites, "walk", dem=ground).drawn[0]  # from the site
    both = sample_distances(
        flows(("o0", "s0"), ("o0", "s1")), origins, sites, "walk", dem=ground
    ).drawn  # the origin
    assert np.sqrt(((both[0] / one - 1) ** 2).mean()) < 0.03


def test_what_two_sites_share_is_shared() -> None:
    # One origin known to 15 km, two sites in one line beyond: the intervals overlap, yet one site
    # is farther in every draw.
    level = dem(np.zeros((100, 260)))
    origins, sites = frame([76.4], [0.5], "o", 15.0), frame([77.6, 77.75], [0.5, 0.5], "s")
    pairs = flows(("o0", "s0"), ("o0", "s1"))
    drawn = sample_distances(pairs, origins, sites, "walk", dem=level)
    table = distance_intervals(pairs, origins, sites, ("walk",), dem=level)
    walk = table[table["metric"] == "walk"]
    assert walk["high"].iloc[0] > walk["low"].iloc[1] + 1

    assert [r.tolist() for r in rank_intervals(drawn.drawn)] == [[1, 2], [1, 2]]
    assert table["metric"].unique().tolist() == ["walk", "walk_back", "walk_round"]
    mixed = distance_intervals(pairs.iloc[::-1], origins, sites.iloc[::-1], ("walk",), dem=level)
    pd.testing.assert_frame_equal(table, mixed)


def test_draws_outside_the_grid_are_counted_and_too_many_leave_no_interval() -> None:
    level = dem(np.zeros((100, 100)))
    # A quarter of a disc lies beyond a chord at 0.404 of the radius from its centre; here the edge
    # is at 0.7 and at 0.
    near, on = 77.0 - 0.7 * 10 / 111.32, 77.0
    origins, sites = frame([76.2], [0.5], "o"), frame([near, on], [0.5, 0.5], "s", 10.0)
    table = distance_intervals(
        flows(("o0", "s0"), ("o0", "s1")), origins, sites, ("surface", "walk"), dem=level
    )
    walk = table[table["metric"] == "walk"]
    x = 0.7
    beyond = (
        np.arccos(x) - x * np.sqrt(1 - x**2)
    ) / np.pi  # share of a circle's area beyond the chord: 9.4 %
    share = float(walk["why"].iloc[0].split("%")[0]) / 100
    assert share == pytest.approx(beyond, abs=0.02)
    assert walk["why"].iloc[0].endswith("of the draws are outside the elevation grid")
    assert np.isfinite(walk["low"].iloc[0])
    lost = table[table["site_id"] == "s1"]
    assert lost[["low", "median", "high"]].isna().to_numpy().all()
    assert (
        lost["why"].str.contains("no interval where more than 25% of the draws are missing").all()
    )


def test_draws_in_water_count_as_barriers_and_the_way_goes_round() -> None:
    level = dem(np.zeros((100, 120)))
    water = np.full((100, 120), 1.0)
    water[:60, 50:53] = 17.0  # a lake from the north edge down, 3 cells wide
    cover = Raster(water, level.transform, classes={1: "grass", 17: "water"})
    options = {"walk": {"closed_classes": [17]}}
    origins, sites = frame([76.3], [0.8], "o", 2.0), frame([76.515], [0.8], "s", 8.0)
    layers = {"dem": level, "landcover": cover, "options": options}
    table = distance_intervals(
        PAIR, origins, sites, ("walk",), **layers, spread=Spread(missing_share=0.9)
    )
    row = table[table["metric"] == "walk"].iloc[0]
    assert "of the draws are in closed cells (barrier)" in row["why"]
    south = 1.0 - 0.6
    over = (
        (GEOD.inv(76.3, 0.8, 76.5, south)[2] + GEOD.inv(76.5, south, 76.55, 0.8)[2])
        / 1000
        / FLAT_KMH
    )
    # Those beyond the lake go round its southern end; the farthest start up to 8 km, 1.5 h, farther
    # north.
    assert over - 1 < row["high"] < over + 2.5
    assert (
        row["low"] < GEOD.inv(76.3, 0.8, 76.5, 0.8)[2] / 1000 / FLAT_KMH
    )  # those on this side do not


def test_no_layer_no_position_no_interval() -> None:
    origins, sites = frame([76.2, np.nan], [0.5, np.nan], "o", 2.0), frame([76.5], [0.5], "s")
    table = distance_intervals(flows(("o0", "s0"), ("o1", "s0")), origins, sites, ("walk", "road"))
    assert table.loc[table["origin_id"] == "o0", "why"].unique().tolist() == [
        "the study has no layer of elevation",
        "the study has no layer of roads",
    ]
    assert (table.loc[table["origin_id"] == "o1", "why"] == "position of the origin unknown").all()
    assert table["low"].isna().all()


def test_speeds_spread_all_pairs_alike() -> None:
    level = dem(np.zeros((100, 120)))
    origins, sites = frame([76.2], [0.5], "o"), frame([76.5, 76.6], [0.5, 0.5], "s")
    pairs = flows(("o0", "s0"), ("o0", "s1"))
    drawn = sample_distances(
        pairs, origins, sites, "walk", dem=level, spread=Spread(walk_speed_share=0.2)
    ).drawn
    straight = GEOD.inv(76.2, 0.5, 76.5, 0.5)[2] / 1000 / FLAT_KMH
    # Quantiles of a log-normal with median 1: exp(0.2 z), z = -1.645 and 1.645.
    expected = straight * np.exp(0.2 * np.array([-1.645, 0, 1.645]))
    assert np.quantile(drawn[0], [0.05, 0.5, 0.95]) == pytest.approx(expected, rel=0.03)
    np.testing.assert_allclose(
        drawn[1] / drawn[0], drawn[1, 0] / drawn[0, 0], rtol=1e-9
    )  # one speed in each draw
    with pytest.raises(InputError, match="walk_speed_share"):
        Spread(walk_speed_share=-1)


def test_errors_of_heights_slow_the_walk_and_differ_by_draw() -> None:
    level = dem(np.zeros((60, 80)))
    origins, sites = frame([76.2], [0.7], "o"), frame([76.5], [0.7], "s")
    rough = Spread(dem_error_m=30.0, dem_error_range_km=2.0)
    drawn = sample_distances(PAIR, origins, sites, "walk", dem=level, spread=rough).drawn[0]
    assert (
        np.unique(drawn.round(6)).size == rough.positions
    )  # one field of errors for each representative position
    straight = GEOD.inv(76.2, 0.7, 76.5, 0.7)[2] / 1000 / FLAT_KMH
    assert (drawn > straight).all()
    again = sample_distances(PAIR, origins, sites, "walk", dem=level, spread=rough).drawn[0]
    np.testing.assert_array_equal(drawn, again)


EXACT = Spread(line_draws=50, road_speed_share=0.0, road_length_share=0.0)


def test_by_road_the_legs_and_the_snapping_are_drawn() -> None:
    # A road along the equator, and a place farther from it than its radius: the way of each draw is
    # its latitude to the road, then the difference in longitude.
    roads = GeoDataFrame(geometry=[shapely.LineString([(75, 0), (78, 0)])], crs=4326)
    origins, sites = frame([76.0], [0.05], "o", 3.0), frame([77.0], [0.0], "s")
    samples = sample_distances(PAIR, origins, sites, "road", roads=roads, spread=EXACT)
    assert samples.drawn.shape == (1, 50)
    lon, lat, _ = draw_positions(76.0, 0.05, 3e3, 2000, key="o0", role="origin")
    lon, lat, zero = lon[:50], lat[:50], np.zeros(50)
    expected = GEOD.inv(lon, lat, lon, zero)[2] + GEOD.inv(lon, zero, zero + 77.0, zero)[2]
    np.testing.assert_allclose(samples.drawn[0], expected / 1000, rtol=1e-3)
    hours = sample_distances(PAIR, origins, sites, "road_time", roads=roads, spread=EXACT).drawn[0]
    legs, ride = (
        GEOD.inv(lon, lat, lon, zero)[2] / 1000,
        GEOD.inv(lon, zero, zero + 77.0, zero)[2] / 1000,
    )
    np.testing.assert_allclose(hours, legs / 4 + ride / 40, rtol=2e-3)
    quick = Spread(line_draws=50, road_speed_share=0.3)
    varied = sample_distances(PAIR, origins, sites, "road_time", roads=roads, spread=quick).drawn[0]
    assert (varied - legs / 4).std() > 2 * (hours - legs / 4).std()


def test_speeds_that_all_pairs_share_are_drawn_evenly() -> None:
    # 100 draws at random would put the ends 2 % off, of all pairs alike. Quantiles of a log-normal
    # with median 1: exp(0.2 z), z = -1.6449 and 1.6449.
    roads = GeoDataFrame(geometry=[shapely.LineString([(75, 0), (78, 0)])], crs=4326)
    origins, sites = frame([76.0], [0.0], "o"), frame([77.0], [0.0], "s")
    table = distance_intervals(
        PAIR, origins, sites, ("road",), roads=roads, spread=Spread(road_speed_share=0.2)
    )
    row = table[table["metric"] == "road_time"].iloc[0]
    hours = GEOD.inv(76, 0, 77, 0)[2] / 1000 / 40
    expected = hours * np.exp(0.2 * 1.6449 * np.array([-1, 0, 1]))
    assert [row["low"], row["median"], row["high"]] == pytest.approx(expected, rel=1e-3)


def test_a_place_on_the_road_is_drawn_along_it_and_has_no_leg() -> None:
    roads = GeoDataFrame(geometry=[shapely.LineString([(75, 0), (78, 0)])], crs=4326)
    origins, sites = frame([76.0], [0.0], "o", 3.0), frame([77.0], [0.0], "s")
    lon, _, _ = draw_positions(76.0, 0.0, 3e3, 2000, key="o0", role="origin")
    expected = GEOD.inv(lon[:50], np.zeros(50), np.full(50, 77.0), np.zeros(50))[2] / 1000
    for name, divisor in (("road", 1), ("road_time", 40)):
        drawn = sample_distances(PAIR, origins, sites, name, roads=roads, spread=EXACT).drawn[0]
        np.testing.assert_allclose(drawn, expected / divisor, rtol=1e-6)


def test_a_place_nearer_to_the_road_than_its_radius_keeps_its_leg_give_or_take() -> None:
    roads = GeoDataFrame(geometry=[shapely.LineString([(75, 0), (78, 0)])], crs=4326)
    leg_km = GEOD.inv(76, 0, 76, 0.01)[2] / 1000
    origins, sites = frame([76.0], [0.01], "o", 5.0), frame([77.0], [0.0], "s")
    lon, lat, _ = draw_positions(76.0, 0.01, 5e3, 2000, key="o0", role="origin")
    lon, lat = lon[:50], lat[:50]
    north = GEOD.inv(np.full(50, 76.0), np.full(50, 0.01), np.full(50, 76.0), lat)[2] / 1000
    north = np.where(lat > 0.01, north, -north)
    along = GEOD.inv(lon, np.zeros(50), np.full(50, 77.0), np.zeros(50))[2] / 1000
    drawn = sample_distances(PAIR, origins, sites, "road", roads=roads, spread=EXACT).drawn[0]
    np.testing.assert_allclose(drawn, along + leg_km * (1 + north / 5), rtol=1e-4)


def test_a_published_length_is_in_the_middle_of_its_interval() -> None:
    places = frame([76.0, 77.0], [0.0, 0.0], "p", [3.0, 0.0])
    roads = pd.DataFrame({"a": ["p0"], "b": ["p1"], "length_km": [130.0]})
    pairs = flows(("p0", "p1"))
    table = distance_intervals(pairs, places, places, ("road",), roads=roads, spread=EXACT)
    row, hours = table.iloc[0], table.iloc[1]
    lon, _, _ = draw_positions(76.0, 0.0, 3e3, 2000, key="p0", role="origin")
    toward = (lon[:50] - 76.0) * 111.32
    low, high = np.quantile(130 - toward, [0.05, 0.95], method="weibull")
    assert [row["low"], row["high"]] == pytest.approx([low, high], abs=0.01)
    assert row["low"] < 130 < row["high"]
    assert [hours["low"], hours["high"]] == pytest.approx([low / 40, high / 40], abs=1e-3)
    # Lengths and speeds that vary widen it.
    wide = distance_intervals(pairs, places, places, ("road",), roads=roads)
    assert wide.loc[0, "high"] - wide.loc[0, "low"] > 1.2 * (row["high"] - row["low"])
    assert wide.loc[1, "high"] - wide.loc[1, "low"] > 2 * (hours["high"] - hours["low"])


def test_quantiles_of_draws_hold_a_further_draw_with_the_level() -> None:
    # Of 9 draws and one more, each order is as likely: between the first and the last it is in 8
    # cases of 10.
    low, median, high = quantiles(np.arange(9.0)[None], 0.8)[:, 0]
    assert (low, median, high) == (0.0, 4.0, 8.0)


@pytest.mark.parametrize("drawn_roads", ["line", "table", "street"])
def test_the_value_is_in_its_interval_for_every_metric(drawn_roads) -> None:
    rng = np.random.default_rng(4)
    n = 6
    origins = frame(76.2 + 0.2 * rng.random(n), 39.0 + 0.06 * rng.random(n), "o", 2.0)
    origins.loc["o0", "geometry"] = shapely.Point(76.3, 39.02)
    sites = frame([77.0, 76.9], [39.02, 39.1], "s", 1.0)
    main = shapely.LineString([(76.0, 39.02), (77.2, 39.02)])
    side = [shapely.LineString([(x, 39.02), (x, 39.08)]) for x in np.arange(76.1, 77.0, 0.05)]
    shapes = {"line": [main], "street": [main, *side]}
    roads = (
        pd.DataFrame({"a": ["o0", "o1"], "b": ["s0", "o0"], "length_km": [80.0, 30.0]})
        if drawn_roads == "table"
        else GeoDataFrame(geometry=shapes[drawn_roads], crs=4326)
    )
    pairs = flows(*((f"o{i}", f"s{j}") for i in range(n) for j in (0, 1)))
    layers = {"roads": roads, "dem": hills()}
    some = EVERY if drawn_roads == "line" else ("geodesic", "road")
    value = pair_distances(pairs, origins, sites, some, **layers)
    table = distance_intervals(
        pairs, origins, sites, some, spread=Spread(cells=5_000), draws=200, **layers
    )
    for row in table.itertuples():
        stated = value.loc[(row.origin_id, row.site_id), measures_of()[row.metric][1]]
        assert np.isnan(row.low) or row.low <= stated <= row.high, row
    assert table.loc[table["metric"] == "road", "low"].notna().any()


def test_draws_off_the_road_leave_no_interval_of_roads() -> None:
    roads = GeoDataFrame(geometry=[shapely.LineString([(75, 0), (78, 0)])], crs=4326)
    origins, sites = frame([76.0], [0.25], "o", 10.0), frame([77.0], [0.0], "s")
    table = distance_intervals(PAIR, origins, sites, ("road",), roads=roads)
    assert table["low"].isna().all()
    assert (
        table["why"]
        .str.contains("of the draws have no way by road; no interval where more than 25%")
        .all()
    )


def test_travel_is_no_slower_than_the_walk_and_uses_the_road() -> None:
    level = dem(np.zeros((100, 200)))
    roads = GeoDataFrame(geometry=[shapely.LineString([(76.1, 0.5), (77.9, 0.5)])], crs=4326)
    origins, sites = frame([76.2], [0.55], "o", 4.0), frame([77.7], [0.45], "s", 4.0)
    layers = {"dem": level, "roads": roads, "options": {"road": {"speed_kmh": 50.0}}}
    walk, travel = (
        sample_distances(PAIR, origins, sites, name, **layers).drawn[0]
        for name in ("walk", "travel")
    )
    assert (travel < walk).all()
    # To the road and from it about 5.5 km each on foot, and 167 km at 50 km/h.
    assert np.median(travel) == pytest.approx(11 / FLAT_KMH + 167 / 50, rel=0.1)


@pytest.mark.parametrize("lon", [76.0, 180.0])
def test_points_are_gathered_evenly(lon: float) -> None:
    x, y, _ = draw_positions(lon, 39.0, 20e3, 2000, key="a", role="site")
    middle, member = gathered(x, y, 8)
    assert middle.size == 8
    assert np.bincount(member).min() > 120
    away = np.asarray(GEOD.inv(x, y, x[middle][member], y[middle][member])[2])
    # The best eight points of a disc leave about an eighth of its moment, 1/2 u² (Graf and Luschgy
    # 2000: 0.16 A/n).
    assert (away**2).mean() < 0.16 * np.pi * 20e3**2 / 8 * 1.2
    middle, member = gathered(np.full(5, lon), np.full(5, 39.0), 8)
    assert middle.size == 1
    assert (member == 0).all()


@pytest.mark.parametrize("off_km", [0.0, 0.4, 8.0])
def test_intervals_by_road_hold_the_truth_as_often_as_they_say(off_km) -> None:
    # True places: on the road, along it; off it, anywhere within the radius; near it, with a leg
    # that is off by its own length times the share of the radius.
    n, radius = 300, 3.0
    rng = np.random.default_rng(17)
    roads = GeoDataFrame(geometry=[shapely.LineString([(70, 0), (80, 0)])], crs=4326)
    north = off_km / 110.574
    origins = frame(75 + rng.random(n), np.full(n, north), "o", radius)
    sites = frame([77.5], [0.0], "s", 0.0)
    pairs = flows(*((f"o{i}", "s0") for i in range(n)))
    table = distance_intervals(
        pairs, origins, sites, ("road",), roads=roads, spread=Spread(line_draws=200), draws=200
    ).query("metric == 'road'")
    angle, away = rng.random(n) * 2 * np.pi, radius * np.sqrt(rng.random(n))
    east, up = away * np.cos(angle), away * np.sin(angle)
    leg = off_km + up if off_km > radius else off_km * (1 + up / radius)
    lon = origins.geometry.x.loc[table["origin_id"]].to_numpy() + east / 111.32
    truth = GEOD.inv(lon, 0 * lon, 0 * lon + 77.5, 0 * lon)[2] / 1000 + leg
    inside = ((table["low"] <= truth) & (truth <= table["high"])).mean()
    assert abs(inside - 0.9) < 2.6 * np.sqrt(0.9 * 0.1 / n) + 0.01
