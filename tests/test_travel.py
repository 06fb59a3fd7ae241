"""Travel over terrain and roads together, travel surfaces, and scenarios side by side."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine

from geosettle.distance._protocol import Context, Metric
from geosettle.distance.cost_distance import travel_time
from geosettle.distance.roads import road_pairs
from geosettle.distance.scenarios import compare_scenarios
from geosettle.distance.terrain import place_times, walk_pairs
from geosettle.distance.travel import travel_pairs, with_roads
from geosettle.distance.walking import walk_grid
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster
from geosettle.settings import RoadRules

FLAT_KMH = 6 * np.exp(-0.175)  # Tobler on the flat
ROWS, COLUMNS, CELL, WEST, NORTH = 40, 60, 0.01, 10.0, 0.2


def dem(values=None) -> Raster:
    values = np.zeros((ROWS, COLUMNS)) if values is None else values
    return Raster(values, Affine(CELL, 0, WEST, 0, -CELL, NORTH), unit="m")


def centre(row: float, column: float) -> tuple[float, float]:
    return WEST + (column + 0.5) * CELL, NORTH - (row + 0.5) * CELL


def frame(*points) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        index=[f"p{i}" for i in range(len(points))],
        geometry=[shapely.Point(p) for p in points],
        crs="EPSG:4326",
    )


def km(a, b) -> float:
    return GEOD.inv(*a, *b)[2] / 1000


def lines(*coordinates, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        columns, geometry=[shapely.LineString(c) for c in coordinates], crs="EPSG:4326"
    )


def travel(a, b, roads=None, **kwargs) -> pd.Series:
    grid = kwargs.pop("dem", dem())
    context = Context(dem=grid, roads=roads, **kwargs)
    return travel_pairs(frame(a), frame(b), np.array([[0, 0]]), context).iloc[0]


def test_without_roads_travel_is_walking():
    a, b = centre(10, 5), centre(30, 50)
    walk = walk_pairs(frame(a), frame(b), np.array([[0, 0]]), Context(dem=dem())).iloc[0]
    out = travel(a, b)
    assert (out.travel_out_h, out.travel_back_h) == (walk.walk_out_h, walk.walk_back_h)


def test_walk_to_the_road_ride_walk_on():
    a, b = centre(10, 5), centre(10, 50)
    roads = lines([centre(20, 5), centre(20, 50)])
    out = travel(a, b, roads, options={"road": {"speed_kmh": 60.0}})
    legs = km(a, centre(20, 5)) + km(b, centre(20, 50))
    # The cheapest way cuts the corner towards the road, so it is a little below walking straight to
    # it.
    straight_legs = legs / FLAT_KMH + km(centre(20, 5), centre(20, 50)) / 60
    assert out.travel_out_h <= straight_legs * (1 + 1e-9)
    assert out.travel_out_h == pytest.approx(straight_legs, rel=0.02)
    assert out.travel_back_h == pytest.approx(out.travel_out_h, rel=1e-9)


def test_riding_the_whole_way_takes_length_over_speed():
    a, b = centre(20, 5), centre(20, 50)
    out = travel(a, b, lines([a, b]), options={"road": {"speed_kmh": 60.0}})
    assert out.travel_out_h == pytest.approx(km(a, b) / 60, rel=1e-6)


def test_a_slow_road_is_not_taken():
    a, b = centre(10, 5), centre(10, 50)
    out = travel(a, b, lines([centre(12, 5), centre(12, 50)]), options={"road": {"speed_kmh": 2.0}})
    assert out.travel_out_h == pytest.approx(km(a, b) / FLAT_KMH, rel=1e-4)


def test_roads_in_neighbouring_cells_are_not_joined():
    # Two roads side by side, one cell apart; each ends in the middle. Between them one has to walk
    # one cell.
    west, east = lines([centre(20, 5), centre(20, 30)]), lines([centre(21, 30), centre(21, 55)])
    roads = pd.concat([west, east], ignore_index=True)
    a, b = centre(20, 5), centre(21, 55)
    out = travel(a, b, roads, options={"road": {"speed_kmh": 60.0}})
    ride = (km(centre(20, 5), centre(20, 30)) + km(centre(21, 30), centre(21, 55))) / 60
    assert out.travel_out_h == pytest.approx(
        ride + km(centre(20, 30), centre(21, 30)) / FLAT_KMH, rel=1e-3
    )


def test_one_way_roads_differ_out_and_back():
    a, b = centre(20, 5), centre(20, 50)
    out = travel(a, b, lines([a, b], oneway=["yes"]), options={"road": {"speed_kmh": 60.0}})
    assert out.travel_out_h == pytest.approx(km(a, b) / 60, rel=1e-6)
    assert out.travel_back_h == pytest.approx(km(a, b) / FLAT_KMH, rel=1e-4)


def test_a_bridge_crosses_closed_cells():
    cover = np.full((ROWS, COLUMNS), 10.0)
    cover[:, 30] = 0.0
    a, b = centre(20, 5), centre(20, 50)
    water = {"walk": {"closed_classes": [0]}}
    grid = Raster(cover, dem().transform)
    cut = travel(a, b, landcover=grid, options=water)
    assert "barrier" in cut.why
    bridge = travel(a, b, lines([centre(20, 28), centre(20, 32)]), landcover=grid, options=water)
    assert np.isfinite(bridge.travel_out_h)
    dry = travel(a, b, lines([centre(20, 33), centre(20, 40)]), landcover=grid, options=water)
    assert "barrier" in dry.why


def test_a_table_of_lengths_is_ridden_between_its_places_only():
    places = gpd.GeoDataFrame(
        {"name": ["A", "B"]}, index=["A", "B"], geometry=gpd.points_from_xy(*zip(centre(20, 5), centre(20, 50), strict=True)),
        crs="EPSG:4326",
    )  # fmt: skip
    table = pd.DataFrame({"a": ["A"], "b": ["B"], "length_km": [80.0]})
    out = travel(
        centre(20, 5), centre(20, 50), table, places=places, options={"road": {"speed_kmh": 80.0}}
    )
    assert out.travel_out_h == pytest.approx(1.0, rel=1e-6)
    half = travel(
        centre(20, 5), centre(20, 27), table, places=places, options={"road": {"speed_kmh": 80.0}}
    )
    assert half.travel_out_h == pytest.approx(
        km(centre(20, 5), centre(20, 27)) / FLAT_KMH, rel=1e-4
    )


def test_travel_is_never_slower_than_walking_or_faster_than_the_road():
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    grid = dem(800 + 300 * np.sin(x / 5) * np.cos(y / 4))
    roads = lines(
        *[rng.uniform([10.05, -0.15], [10.55, 0.15], (3, 2)) for _ in range(6)],
        speed_kmh=[50.0] * 6,
    )
    a = [centre(*rng.uniform([2, 2], [37, 57])) for _ in range(8)]
    b = [centre(*rng.uniform([2, 2], [37, 57])) for _ in range(8)]
    pairs = np.column_stack([np.arange(8), np.arange(8)])
    context = Context(dem=grid, roads=roads)
    mixed = travel_pairs(frame(*a), frame(*b), pairs, context)
    walk = walk_pairs(frame(*a), frame(*b), pairs, context)
    assert (mixed.travel_out_h <= walk.walk_out_h * (1 + 1e-9)).all()
    straight = np.array([km(p, q) for p, q in zip(a, b, strict=True)])
    assert (mixed.travel_out_h >= straight / 50 * (1 - 1e-6)).all()


# --- Surfaces
# -----------------------------------------------------------------------------------------------------------


def test_the_surface_has_the_pairs_hours_at_cell_centres():
    y, x = np.mgrid[:ROWS, :COLUMNS]
    grid = dem(800 + 300 * np.sin(x / 5) * np.cos(y / 4))
    site, origin = centre(30, 50), centre(4, 7)
    pair = walk_pairs(frame(origin), frame(site), np.array([[0, 0]]), Context(dem=grid)).iloc[0]
    assert travel_time(grid, [site]).values[4, 7] == pytest.approx(pair.walk_out_h, rel=1e-12)
    assert travel_time(grid, [site], away=True).values[4, 7] == pytest.approx(
        pair.walk_back_h, rel=1e-12
    )


def test_the_surface_holds_the_nearest_of_several():
    grid = dem()
    each = [travel_time(grid, [t]).values for t in (centre(5, 5), centre(30, 50))]
    both = travel_time(grid, frame(centre(5, 5), centre(30, 50))).values
    np.testing.assert_allclose(both, np.minimum(*each), rtol=1e-5)


def test_roads_speed_up_the_surface_and_closed_cells_are_missing():
    roads = lines([centre(20, 5), centre(20, 50)])
    slow, fast = (
        travel_time(dem(), [centre(20, 5)], roads=r, road_rules=RoadRules(speed_kmh=60))
        for r in (None, roads)
    )
    assert (fast.values <= slow.values * (1 + 1e-9)).all()
    assert fast.values[20, 50] == pytest.approx(km(centre(20, 5), centre(20, 50)) / 60, rel=1e-6)
    holed = np.zeros((ROWS, COLUMNS))
    holed[3, 3] = np.nan
    assert np.isnan(travel_time(dem(holed), [centre(20, 5)]).values[3, 3])


def test_targets_outside_the_surface_are_refused():
    with pytest.raises(InputError, match="target 2 is outside the grid"):
        travel_time(dem(), [centre(5, 5), (50.0, 50.0)])


# --- Scenarios
# ----------------------------------------------------------------------------------------------------------


def test_two_sets_of_closures_side_by_side():
    roads = lines(
        [(10, 0), (10.2, 0)], [(10, 0), (10, 0.1), (10.2, 0.1), (10.2, 0)], [(10.2, 0), (10.4, 0)],
        season=["summer", None, "summer"],
    )  # fmt: skip
    metric = Metric("road", "road_km", "km", ("road_km", "road_h"), road_pairs)
    places = frame((10.0, 0.0), (10.2, 0.0), (10.4, 0.0))
    pairs = np.array([[0, 1], [0, 2], [1, 1]])
    context = Context(roads=roads, options={"road": {"max_access_km": 1.0}})
    table = compare_scenarios(
        metric,
        places,
        places,
        pairs,
        context,
        scenarios={"summer": {}, "winter": {"road": {"season": "winter"}}},
    )
    winter = table[(table.scenario == "winter") & (table.metric == "road")].reset_index(drop=True)
    assert winter.effect.tolist() == ["longer", "lost", "unknown"]
    short, long = km((10, 0), (10.2, 0)), km((10, 0), (10, 0.1)) * 2 + km((10, 0.1), (10.2, 0.1))
    assert winter.change[0] == pytest.approx(long - short, rel=1e-6)
    assert winter.change_share[0] == pytest.approx(long / short - 1, rel=1e-6)
    assert winter.why[1].startswith("no road within 1 km of the site")
    assert (table[table.scenario == "summer"].effect == "baseline").all()
    with pytest.raises(InputError, match="two scenarios"):
        compare_scenarios(metric, places, places, pairs, context, scenarios={"only": {}})


def test_a_road_crosses_cells_without_height() -> None:
    heights = np.zeros((40, 80))
    heights[:, 40] = np.nan
    ground = Raster(heights, Affine(0.01, 0, 76, 0, -0.01, 39.2), unit="m")
    roads = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(76.05, 39.005), (76.75, 39.005)])], crs=4326
    )
    grid = with_roads(walk_grid(ground), roads)
    origins = gpd.GeoDataFrame(geometry=[shapely.Point(76.065, 39.005)], crs=4326)
    sites = gpd.GeoDataFrame(geometry=[shapely.Point(76.705, 39.005)], crs=4326)
    seconds, why = place_times(grid, origins, sites, np.array([[0, 0]]))
    km = GEOD.inv(76.065, 39.005, 76.705, 39.005)[2] / 1000
    assert list(why) == [""]
    assert seconds[0] / 3600 == pytest.approx([km / 40] * 2, rel=0.01)
