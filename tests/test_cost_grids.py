"""Accumulated cost on large and unusual grids: against GRASS and scikit-image, around the Earth,
random barriers.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geosettle.distance._protocol import Context
from geosettle.distance._solver import cost_grid
from geosettle.distance._solver.cost import Prepared, solve
from geosettle.distance._solver.cost_grid import CostGrid, make_moves
from geosettle.distance.cost_distance import cost_distance, travel_time
from geosettle.distance.draping import bilinear, drape
from geosettle.distance.terrain import walk_pairs
from geosettle.distance.travel import with_roads
from geosettle.distance.walk_models import MODELS
from geosettle.distance.walking import walk_grid
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

REFERENCE = Path(__file__).parent / "reference"
sys.path.insert(0, str(REFERENCE))
import make_terrain  # noqa: E402
import plain_dijkstra  # noqa: E402

# Made by tests/reference/make_grass.sh with GRASS r.walk and r.cost.
GRASS = np.load(REFERENCE / "grass_reference.npz")
EVERY = slice(None, None, make_terrain.EVERY)
DEGREES = Affine(0.0125, 0, 76, 0, -0.01, 41)


def frame(*points: tuple[float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        index=[f"p{i}" for i in range(len(points))],
        geometry=[shapely.Point(p) for p in points],
        crs="EPSG:4326",
    )


# --- GRASS and scikit-image on random grids of 300 x 300 with holes
# ------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_friction_with_holes_and_oblong_cells_reproduces_r_cost(dtype):
    # r.cost counts a cell from west to east as 1; the cells are 50 m wide and 30 m high.
    friction = make_terrain.holes().astype(dtype)
    cost = cost_distance(friction, [make_terrain.ROUGH_START], cell_size=(0.6, 1.0))
    np.testing.assert_allclose(cost[EVERY, EVERY], GRASS["rough_cost8"], rtol=1e-5, atol=1e-6)


def test_any_corner_reproduces_r_cost_where_closed_cells_meet_at_corners():
    friction, at = make_terrain.corners(), [make_terrain.ROUGH_START]
    costs = {
        rule: cost_distance(friction, at, cell_size=(0.6, 1.0), corners=rule)
        for rule in ("any", "one_open", "both_open")
    }
    np.testing.assert_allclose(
        costs["any"][EVERY, EVERY], GRASS["corner_cost8"], rtol=1e-5, atol=1e-6
    )
    # What is forbidden more makes ways longer, or ends them.
    far = [np.nan_to_num(c, nan=np.inf) for c in costs.values()]
    assert (far[0] <= far[1] * (1 + 1e-6)).all()
    assert (far[1] <= far[2] * (1 + 1e-6)).all()
    counts = [int(np.isfinite(c).sum()) for c in far]
    assert 0 < counts[2] == counts[1] < counts[0]  # sides alone join what one open cell joins


@pytest.mark.parametrize("neighbours", [8, 16, 32])
@pytest.mark.parametrize("heights", [False, True])
@pytest.mark.parametrize(
    ("rule", "single", "double"),
    [("any", True, True), ("one_open", True, False), ("both_open", False, False)],
)
def test_the_rules_for_corners(neighbours, heights, rule, single, double):
    # From the north-west to the south-east cell past one closed cell, and between two.
    for shut, passes in (([(0, 1)], single), ([(0, 1), (1, 0)], double)):
        closed = np.zeros((2, 2), dtype=bool)
        closed[tuple(np.transpose(shut))] = True
        if heights:
            dem = Raster(np.where(closed, np.nan, 0.0), DEGREES, unit="m")
            start = np.column_stack(dem.centres(np.array([0]), np.array([0])))
            found = travel_time(
                dem, start, neighbours=neighbours, corners=rule, model="irmischer_clarke"
            )
            diagonal = GEOD.inv(*start[0], start[0, 0] + 0.0125, start[0, 1] - 0.01)[2]
            pace = MODELS["irmischer_clarke"].pace()(np.zeros(1))[0]
            cost, straight = found.values, diagonal * pace / 3600
        else:
            cost = cost_distance(
                np.where(closed, np.nan, 1.0), [(0, 0)], neighbours=neighbours, corners=rule
            )
            straight = np.sqrt(2)
        assert (cost[1, 1] == pytest.approx(straight, rel=1e-9)) == passes
        if len(shut) == 2 and not passes:
            assert np.isnan(cost[1, 1])


def test_a_rule_for_corners_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="no such rule for corners"):
        cost_distance(np.ones((2, 2)), [(0, 0)], corners="none")


@pytest.mark.parametrize("neighbours", [8, 16])
def test_walking_over_random_heights_reproduces_r_walk(neighbours):
    moves = make_moves(neighbours)
    closed = np.zeros(make_terrain.ROUGH_SHAPE, dtype=bool)
    lengths = np.tile(np.hypot(moves.row * 30.0, moves.column * 50.0), (300, 1))
    grid = CostGrid(
        moves, lengths, closed, height=make_terrain.rough(), pace=MODELS["naismith_langmuir"].pace()
    )
    start = np.array([np.ravel_multi_index(make_terrain.ROUGH_START, closed.shape)])
    seconds = solve(grid, start).reshape(closed.shape)
    np.testing.assert_allclose(
        seconds[EVERY, EVERY], GRASS[f"rough_walk{neighbours}"], rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize("around_the_earth", [False, True])
def test_walking_on_a_lonlat_grid_is_dijkstra_over_geodesics(around_the_earth):
    """SciPy's Dijkstra over moves measured one by one with pyproj, between 50 and 86 N, where cells
    are narrow.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    rows, columns = 12, 24
    width = 15.0 if around_the_earth else 4.0
    height = (
        np.random.default_rng(4).uniform(0, 90_000, (rows, columns))
        / 10
        * (0.1 if not around_the_earth else 0.9)
    )
    dem = Raster(height, Affine(width, 0, -180, 0, -3, 86), unit="m")
    moves = make_moves(16)
    r, c, k = (i.ravel() for i in np.indices((rows, columns, 16)))
    to_r, to_c = r + moves.row[k], c + moves.column[k]
    on = (to_r >= 0) & (to_r < rows) & (around_the_earth | ((to_c >= 0) & (to_c < columns)))
    r, c, to_r, to_c = r[on], c[on], to_r[on], to_c[on]
    lon, lat = (lambda col: -180 + width * (col + 0.5)), (lambda row: 86 - 3 * (row + 0.5))
    metres = GEOD.inv(lon(c), lat(r), lon(to_c), lat(to_r))[2]
    slope = (height[to_r, to_c % columns] - height[r, c]) / metres
    seconds = metres / (6 * np.exp(-3.5 * np.abs(slope + 0.05)) / 3.6)
    arcs = coo_array(
        (seconds, (r * columns + c, to_r * columns + to_c % columns)), shape=(rows * columns,) * 2
    )
    expected = dijkstra(arcs.tocsr(), indices=5 * columns + 1).reshape(rows, columns)
    start = [(float(lon(1)), float(lat(5)))]
    hours = travel_time(dem, start, away=True).values
    np.testing.assert_allclose(hours * 3600, expected, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-5)])
def test_friction_with_holes_reproduces_scikit_image(dtype, tolerance):
    graph = pytest.importorskip("skimage.graph")
    friction = make_terrain.holes().astype(dtype)
    starts = [(3, 4), (150, 140), (299, 299)]
    starts = [s for s in starts if np.isfinite(friction[s])]
    peer = graph.MCP_Geometric(np.where(np.isnan(friction), -1, friction), sampling=(0.6, 1.0))
    expected = peer.find_costs(starts)[0]
    expected[np.isinf(expected)] = np.nan
    got = cost_distance(friction, starts, cell_size=(0.6, 1.0))
    np.testing.assert_allclose(got, expected, rtol=tolerance)


@pytest.mark.parametrize(
    ("name", "neighbours", "weight"), [("walk8_lambda", 8, 0.3), ("walk16_lambda", 16, 2.0)]
)
def test_walking_with_a_friction_reproduces_r_walk_and_its_lambda(name, neighbours, weight):
    # GRASS takes lengths on the map; these cells are 100 m on the ground (the scale is 0.9996).
    transform = Affine(99.96, 0, 500_000, 0, -99.96, 4_400_000)
    dem = Raster(make_terrain.height(), transform, crs="EPSG:32644", unit="m")
    start = np.column_stack(dem.centres(*make_terrain.START))
    options = {
        "model": "naismith_langmuir",
        "friction": Raster(make_terrain.friction(), transform, crs="EPSG:32644"),
        "friction_weight": weight,
        "neighbours": neighbours,
    }
    away = travel_time(dem, start, away=True, **options).values * 3600
    np.testing.assert_allclose(away, GRASS[name], rtol=1e-5, atol=1e-2)
    assert (
        np.abs(travel_time(dem, start, **options).values * 3600 - away).max() > 60
    )  # towards is another question


def test_altitude_land_cover_and_friction_go_together():
    transform = Affine(0.01, 0, 76, 0, -0.01, 39)
    dem = Raster(make_terrain.height() + 1500, transform, unit="m")
    cover = Raster(np.floor(make_terrain.friction()), transform)
    friction = Raster(np.where(make_terrain.friction() > 8.5, np.nan, 0.2), transform)
    options = {
        "landcover": cover,
        "landcover_speed_kmh": {1: 2.0, 3: 1.5},
        "altitude": True,
        "friction": friction,
    }
    grid = walk_grid(dem, **options)
    start = [(76.405, 38.595)]
    slow = travel_time(dem, start, away=True, **options).values
    cell = 40 * dem.shape[1] + 40
    expected = plain_dijkstra.costs(grid.grid, [cell]) / 3600
    assert np.isinf(expected).any()
    np.testing.assert_allclose(np.where(np.isnan(slow), np.inf, slow), expected, rtol=1e-9)
    free = travel_time(dem, start, away=True, **{**options, "friction": None}).values
    both = np.isfinite(slow) & (free > 0)
    assert (slow[both] > free[both]).all()


# --- Around the Earth
# --------------------------------------------------------------------------------------------------


def around(values: np.ndarray, west: float) -> Raster:
    """A grid around the whole Earth that begins at `west`, holding the values of one that begins at
    -180.
    """
    cell = 360 / values.shape[1]
    shift = round((west + 180) / cell)
    return Raster(np.roll(values, -shift, axis=1), Affine(cell, 0, west, 0, -cell, 30), unit="m")


def ground() -> np.ndarray:
    rng = np.random.default_rng(11)
    return np.round(rng.uniform(0, 900, (30, 120)), 1)


@pytest.mark.parametrize("neighbours", [4, 8, 16, 32])
def test_a_friction_grid_around_the_earth_does_not_end_at_its_seam(neighbours):
    friction = 1 + ground() / 100
    friction[friction > 8.5] = np.nan
    friction[15, 0] = 1.0
    whole = [cost_distance(around(friction, w), [(-178.5, -16.5)], neighbours=neighbours)
             for w in (-180.0, 0.0)]  # fmt: skip
    np.testing.assert_allclose(np.roll(whole[1].values, 60, axis=1), whole[0].values, rtol=1e-6)
    # From just east of the seam to just west of it is near.
    assert whole[0].values[15, 119] < 0.1 * np.nanmax(whole[0].values)


def test_the_continuous_solver_goes_around_the_earth_too():
    friction = 1 + ground() / 300
    friction[10:20, 30] = np.nan
    at = [
        cost_distance(around(friction, w), [(-179.0, -16.0)], continuous=True).values
        for w in (-180.0, 0.0)
    ]
    np.testing.assert_allclose(np.roll(at[1], 60, axis=1), at[0], rtol=1e-12)


def test_walking_around_the_earth():
    targets = np.array([[179.9, -16.0], [-100.0, 10.0]])
    at = [travel_time(around(ground(), w), targets).values for w in (-180.0, 0.0, 90.0)]
    for shifted, by in ((at[1], 60), (at[2], 90)):
        np.testing.assert_allclose(np.roll(shifted, by, axis=1), at[0], rtol=1e-5)


def test_a_longitude_means_the_same_however_it_is_counted():
    dem = around(ground(), -180.0)
    for one, other in ((181.0, -179.0), (-181.0, 179.0), (361.0, 1.0)):
        a, b = (travel_time(dem, [(lon, -16.0)]).values for lon in (one, other))
        np.testing.assert_array_equal(a, b)
    part = Raster(
        ground()[:, :10], Affine(1, 0, 175, 0, -1, 30), unit="m"
    )  # from 175 to 185, not around
    a, b = (travel_time(part, [(lon, 20.0)]).values for lon in (-178.0, 182.0))
    np.testing.assert_array_equal(a, b)


def test_pairs_across_the_180th_meridian_are_those_of_a_shifted_grid():
    a, b = frame((178.2, -16.3), (-179.9, -15.9), (20.0, 3.0)), frame((-178.9, -14.9))
    pairs = np.array([[0, 0], [1, 0], [2, 0]])
    found = [walk_pairs(a, b, pairs, Context(dem=around(ground(), w))) for w in (-180.0, 0.0)]
    assert (found[0].why == "").all()
    for column in ("walk_out_h", "walk_back_h"):
        np.testing.assert_allclose(found[0][column], found[1][column], rtol=1e-9)


def test_islands_that_touch_across_the_seam_are_one():
    height = ground()
    height[:, 30] = height[:, 90] = (
        np.nan
    )  # two walls from north to south: one island holds the seam
    a, b = frame((-170.0, 0.0), (0.0, 0.0)), frame((170.0, 5.0))
    out = walk_pairs(a, b, np.array([[0, 0], [1, 0]]), Context(dem=around(height, -180.0)))
    assert out.why.tolist() == ["", "no way on foot: closed cells (barrier) between"]


def test_heights_are_read_across_the_seam():
    values = np.array([[0.0, 1.0, 2.0, 3.0]])
    got = bilinear(values, np.zeros(4), np.array([-0.5, -0.25, 3.25, 3.5]), wraps=True)
    np.testing.assert_allclose(got, [1.5, 0.75, 2.25, 1.5])
    ends = tuple(np.array([v]) for v in (178.0, -16.0, -178.0, -15.0))
    one, other = (drape(around(ground(), w), ends) for w in (-180.0, 0.0))
    assert one["surface_km"][0] == pytest.approx(other["surface_km"][0], rel=1e-12)


def test_an_area_across_the_seam_counts_with_all_its_cells():
    friction = np.ones((30, 120))
    whole = shapely.box(174, -20, 186, -10)
    halves = shapely.MultiPolygon(
        [shapely.box(174, -20, 180, -10), shapely.box(-180, -20, -174, -10)]
    )
    costs = [
        cost_distance(around(friction, west), gpd.GeoSeries([area], crs="EPSG:4326")).values
        for west in (-180.0, 0.0)
        for area in (whole, halves)
    ]
    assert (
        costs[0] == 0
    ).sum() == 4 * 4  # centres at 175.5, 178.5, 181.5, 184.5 E and 10.5 to 19.5 S
    np.testing.assert_array_equal(costs[1], costs[0])
    np.testing.assert_allclose(np.roll(costs[2], 60, axis=1), costs[0], rtol=1e-12)


# --- Barriers and symmetry
# ---------------------------------------------------------------------------------------------


def snake(rng: np.random.Generator, n: int) -> np.ndarray:
    """A barrier one cell wide from the west to the east edge, its cells joined by sides or corners,
    at random.
    """
    shut = np.zeros((n, n), dtype=bool)
    row = int(rng.integers(2, n - 2))
    for column in range(n):
        shut[row, column] = True
        for _ in range(int(rng.integers(0, 3))):  # up or down along the column
            step = int(rng.choice([-1, 1]))
            if 1 <= row + step < n - 1:
                row += step
                shut[row, column] = True
        step = int(rng.choice([-1, 0, 1]))  # the next column's cell may be joined by a corner only
        row = min(max(row + step, 1), n - 2)
    return shut


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100_000), neighbours=st.sampled_from([4, 8, 16, 32]), turned=st.booleans()
)
def test_no_move_crosses_a_random_barrier_one_cell_wide(seed, neighbours, turned):
    from scipy.ndimage import label

    shut = snake(np.random.default_rng(seed), 14)
    shut = shut.T if turned else shut
    friction = np.where(shut, np.nan, 1.0)
    start = tuple(np.argwhere(~shut)[0])
    # The corner of a single closed cell may be passed, but then a cell beside it is open: what can
    # be reached at all can be reached over the sides of cells.
    islands, _ = label(~shut)
    reachable = islands == islands[start]
    assert reachable.sum() < (~shut).sum()
    for options in ({}, {"continuous": True}):
        cost = cost_distance(friction, [start], neighbours=neighbours, **options)
        np.testing.assert_array_equal(np.isfinite(cost), reachable)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), neighbours=st.sampled_from([4, 8, 16, 32]))
def test_friction_costs_the_same_there_and_back(seed, neighbours):
    rng = np.random.default_rng(seed)
    friction = rng.choice([1.0, 2.5, 9.0, np.nan], (12, 15), p=[0.4, 0.3, 0.2, 0.1])
    friction[1, 2] = friction[10, 13] = 1.0
    there = cost_distance(friction, [(1, 2)], neighbours=neighbours)[10, 13]
    back = cost_distance(friction, [(10, 13)], neighbours=neighbours)[1, 2]
    assert there == pytest.approx(back, rel=1e-12, nan_ok=True)


# --- Long work
# -----------------------------------------------------------------------------------------------------------


def side_by_side(n: int) -> tuple[CostGrid, list]:
    from geosettle.distance._solver.cost_grid import Target

    moves = make_moves(16)
    closed = np.zeros((n, n), dtype=bool)
    lengths = np.tile(np.hypot(moves.row, moves.column), (n, 1))
    grid = CostGrid(moves, lengths, closed, multiplier=1 + np.random.default_rng(2).random((n, n)))
    target = [Target(np.array([n * n - 1]), np.zeros(1))]
    return grid, [(np.array([s]), None, target) for s in range(8)]


def test_runs_side_by_side_give_what_single_runs_give():
    grid, runs = side_by_side(60)
    found = Prepared(grid).run_many(runs, toward=False)
    for (source, _, targets), value in zip(runs, found, strict=True):
        assert value[0] == solve(grid, source).flat[targets[0].cells[0]]


def test_many_runs_say_how_many_are_done():
    grid, runs = side_by_side(20)
    shares: list[float] = []
    Prepared(grid).run_many(runs, toward=False, progress=shares.append)
    np.testing.assert_allclose(shares, np.arange(1, 9) / 8)


@pytest.mark.parametrize("west", [-180.0, 60.0])
@pytest.mark.parametrize("away", [False, True])
def test_roads_are_ridden_as_dijkstra_says(west, away):
    if west == -180.0:
        dem, start = around(ground(), west), [(-170.5, -4.5)]  # the road crosses the seam
        line = shapely.LineString([(160.2, 0.3), (180.0, 1.2), (200.3, -14.4)])
    else:
        dem, start = (
            Raster(ground()[:, :40], Affine(0.01, 0, west, 0, -0.01, 30), unit="m"),
            [(60.105, 29.905)],
        )
        line = shapely.LineString([(60.05, 29.95), (60.2, 29.8), (60.3, 29.95)])
    roads = gpd.GeoDataFrame({"speed_kmh": [50.0]}, geometry=[line], crs="EPSG:4326")
    ridden = travel_time(dem, start, roads=roads, away=away).values
    grid = with_roads(walk_grid(dem), roads)
    cell = int(np.ravel_multi_index([int(np.floor(v + 0.5)) for v in
                                     np.ravel(dem.to_grid(*np.array(start).T))], dem.shape))  # fmt: skip
    expected = plain_dijkstra.costs(grid.grid, [cell], toward=not away) / 3600
    np.testing.assert_allclose(ridden, expected, rtol=1e-9)
    walked = travel_time(dem, start, away=away).values
    assert (ridden < 0.9 * walked).sum() > 20


@pytest.mark.parametrize("kind", ["friction", "walking", "everything", "continuous"])
def test_the_solvers_need_at_most_25_bytes_a_cell(kind, monkeypatch):
    import tracemalloc

    monkeypatch.setattr(cost_grid, "EXACT_CELLS", 0)  # as on large grids
    # Longer than wide, so that what is worked out some rows at a time weighs as little as on a
    # large grid.
    values = np.full((3000, 500), 2.0, dtype=np.float32)
    transform = Affine(100, 0, 500_000, 0, -100, 4_400_000)
    grid = Raster(values, transform, crs="EPSG:32644", unit="m")
    target = gpd.GeoSeries([shapely.Point(510_050, 4_100_050)], crs="EPSG:32644")
    more = {"landcover": grid, "landcover_speed_kmh": {2: 4.0}, "altitude": True, "friction": grid}
    works = {
        "friction": lambda: cost_distance(grid, target),
        "walking": lambda: travel_time(grid, target),
        "everything": lambda: travel_time(grid, target, **more),
        "continuous": lambda: cost_distance(grid, target, continuous=True),
    }
    works[kind]()  # what compilation needs is not counted
    tracemalloc.start()
    result = works[kind]()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (peak - result.values.nbytes) / values.size <= 25


@pytest.mark.parametrize("kind", ["tied", "continuous"])
def test_long_work_is_told_of_and_can_be_stopped(kind):
    class Stop(Exception):  # noqa: N818
        pass

    reached: list[float] = []

    def stop(cost: float) -> None:
        reached.append(cost)
        if len(reached) > 1:
            raise Stop

    options = {"continuous": kind == "continuous"}
    with pytest.raises(Stop):
        cost_distance(np.ones((1500, 1500), np.float32), [(0, 0)], progress=stop, **options)
    assert 0 < reached[0] < reached[1]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("kind", ["tied", "continuous", "side by side"])
def test_an_interruption_is_heard_soon(kind):
    grid, runs = side_by_side(700)
    Prepared(grid).run_many(runs[:2], toward=False)  # compilation is not what is tested here
    cost_distance(np.ones((5, 5)), [(0, 0)], continuous=True)
    friction = np.ones((1200, 1200))
    works = {
        "tied": lambda: [cost_distance(friction, [(0, 0)], neighbours=16) for _ in range(40)],
        "continuous": lambda: [
            cost_distance(friction, [(0, 0)], continuous=True) for _ in range(40)
        ],
        "side by side": lambda: Prepared(grid).run_many(runs * 50, toward=False),
    }
    done = threading.Event()

    def interrupt() -> None:
        time.sleep(0.3)
        if not done.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        works[kind]()
    done.set()
    assert threading.active_count() < 4  # no run goes on behind the caller's back


# --- Bad input
# ---------------------------------------------------------------------------------------------------------


def dem_like(values: np.ndarray, transform: Affine = DEGREES, **kwargs: str) -> Raster:
    return Raster(
        np.asarray(values, dtype=float), transform, unit=kwargs.pop("unit", "m"), **kwargs
    )


@pytest.mark.parametrize(
    ("dem", "text"),
    [
        (dem_like(np.full((3, 3), 400.0), unit="ft"), "not in metres"),
        (dem_like(np.full((3, 3), 40.0), unit="degree"), "not in metres"),
        (dem_like(np.full((3, 3), 14_000.0), unit=""), r"above 9,000 m.*feet"),
        (dem_like([[1.0, -9999.0], [2.0, 3.0]]), "gdal_edit.py -a_nodata -9999"),
        (dem_like([[1.0, -32768.0], [2.0, 3.0]]), "gdal_edit.py -a_nodata -32768"),
        (dem_like([[1.0, -3.4e38], [2.0, 3.0]]), "usually means no data"),
        (dem_like(np.zeros((3, 3)), Affine(0.01, 0, 76, 0, 0.01, 41)), "not north-up"),
        (dem_like(np.zeros((3, 3)), Affine(0.01, 0.001, 76, 0.001, -0.01, 41)), "not north-up"),
        (dem_like(np.zeros((3, 3)), Affine(30, 0, 500_000, 0, -30, 4_400_000)), "beyond the poles"),
    ],
)
def test_elevation_grids_that_cannot_be_right_are_refused(dem, text):
    with pytest.raises(InputError, match=text):
        travel_time(dem, [(76.005, 40.995)])
    with pytest.raises(InputError, match=text):
        walk_pairs(
            frame((76.005, 40.995)), frame((76.015, 40.985)), np.array([[0, 0]]), Context(dem=dem)
        )


def test_deep_but_possible_heights_are_kept():
    dem = dem_like(np.full((3, 3), -430.0))  # the shore of the Dead Sea
    assert np.isfinite(travel_time(dem, [(76.005, 40.995)]).values).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"transform": Affine(0.0125, 0, 76, 0, 0.01, 38)}, "not north-up"),
        ({"transform": Affine(50, 0, 5e5, 0, -50, 4e6)}, "beyond the poles"),
        ({"values": np.array([[1.0, -9999.0], [1.0, 1.0]])}, "below.*no-data value"),
        ({"values": np.array([[1.0, 0.0], [1.0, 1.0]])}, "zero or below"),
    ],
)
def test_friction_grids_that_cannot_be_right_are_refused(change, text):
    values = {"values": np.ones((2, 2)), "transform": DEGREES, **change}
    with pytest.raises(InputError, match=text):
        cost_distance(Raster(**values), [(76.001, 40.999)])


@pytest.mark.parametrize("target", [(70.0, 40.0), (76.001, 50.0)])
def test_a_target_outside_is_named(target):
    with pytest.raises(InputError, match="target 2 is outside the grid"):
        cost_distance(Raster(np.ones((3, 3)), DEGREES), [(76.001, 40.999), target])


def test_a_target_without_height_or_friction_is_named():
    values = np.ones((3, 3))
    values[0, 1] = np.nan
    with pytest.raises(InputError, match="target 1 is in a closed cell"):
        cost_distance(Raster(values, DEGREES), [(76.018, 40.999)])
    with pytest.raises(InputError, match="target 1 is in a closed cell"):
        travel_time(dem_like(values), [(76.018, 40.999)])


def test_an_area_that_is_all_closed_is_named_and_one_half_outside_counts():
    values = np.ones((4, 4))
    values[:2, :2] = np.nan
    raster = Raster(values, Affine(1, 0, 76, 0, -1, 40))
    with pytest.raises(InputError, match="target 1 is in a closed cell"):
        cost_distance(raster, gpd.GeoSeries([shapely.box(76, 38, 78, 40)], crs="EPSG:4326"))
    cost = cost_distance(raster, gpd.GeoSeries([shapely.box(79, 36, 99, 37)], crs="EPSG:4326"))
    assert cost.values[3, 3] == 0


def test_a_friction_below_zero_for_walking_is_refused_and_zero_is_not():
    dem = dem_like(np.zeros((3, 3)))
    friction = np.zeros((3, 3))
    plain = travel_time(dem, [(76.006, 40.995)]).values
    zero = travel_time(dem, [(76.006, 40.995)], friction=Raster(friction, DEGREES)).values
    np.testing.assert_array_equal(zero, plain)
    friction[2, 1] = -1
    with pytest.raises(InputError, match="below zero at row 2, column 1"):
        travel_time(dem, [(76.006, 40.995)], friction=Raster(friction, DEGREES))
    with pytest.raises(InputError, match="weight of the friction"):
        travel_time(
            dem, [(76.006, 40.995)], friction=Raster(abs(friction), DEGREES), friction_weight=-2
        )


def test_targets_given_as_missing_rows_are_refused():
    with pytest.raises(InputError, match="none missing"):
        cost_distance(np.ones((3, 3)), [(0.0, np.nan)])
