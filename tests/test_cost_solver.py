"""Accumulated cost: against GRASS and scikit-image, by hand on tiny grids, barriers, metrication,
both engines.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geosettle.distance._solver import cost_grid as solver
from geosettle.distance._solver.cost import solve
from geosettle.distance._solver.cost_grid import CostGrid, legal_moves, make_moves, metrication
from geosettle.distance.cost_distance import cost_distance
from geosettle.distance.walk_models import MODELS, WalkModel, naismith_langmuir
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

REFERENCE = Path(__file__).parent / "reference"
sys.path.insert(0, str(REFERENCE))
import make_terrain  # noqa: E402
import plain_dijkstra  # noqa: E402

# Made by tests/reference/make_grass.sh with GRASS r.walk and r.cost.
GRASS = np.load(REFERENCE / "grass_reference.npz")


def walked(neighbours: int, model: WalkModel, *, toward: bool = False) -> np.ndarray:
    moves = make_moves(neighbours)
    closed = np.zeros(make_terrain.SHAPE, dtype=bool)
    lengths = np.tile(
        np.hypot(moves.row, moves.column) * make_terrain.CELL, (make_terrain.SHAPE[0], 1)
    )
    grid = CostGrid(moves, lengths, closed, height=make_terrain.height(), pace=model.pace())
    start = np.array([make_terrain.START[0] * make_terrain.SHAPE[1] + make_terrain.START[1]])
    return solve(grid, start, toward=toward).reshape(make_terrain.SHAPE)


@pytest.mark.parametrize(
    ("name", "neighbours", "model"),
    [
        ("walk8", 8, MODELS["naismith_langmuir"]),
        ("walk16", 16, MODELS["naismith_langmuir"]),
        ("walk16_other", 16, naismith_langmuir(0.8, 5.0, 1.5, -2.5, -0.3)),
    ],
)
def test_walking_reproduces_r_walk(name, neighbours, model):
    np.testing.assert_allclose(walked(neighbours, model), GRASS[name], rtol=1e-5)


def test_friction_reproduces_r_cost():
    np.testing.assert_allclose(
        cost_distance(make_terrain.friction(), [make_terrain.START]), GRASS["cost8"], rtol=1e-6
    )


def test_friction_with_a_wall_reproduces_r_cost():
    np.testing.assert_allclose(
        cost_distance(make_terrain.wall(), [make_terrain.START]), GRASS["cost8_wall"], rtol=1e-6
    )


def test_friction_reproduces_scikit_image():
    graph = pytest.importorskip("skimage.graph")
    friction = make_terrain.friction()
    starts = [(3, 4), (50, 70), (50, 70)]
    expected = graph.MCP_Geometric(friction, sampling=(2.0, 3.0)).find_costs(starts)[0]
    np.testing.assert_allclose(
        cost_distance(friction, starts, cell_size=(2.0, 3.0)), expected, rtol=1e-9
    )


def test_the_way_back_is_the_way_out_on_the_flat_and_differs_on_a_slope():
    model = MODELS["tobler"]
    out, back = walked(16, model), walked(16, model, toward=True)
    assert np.abs(out - back).max() > 60
    mirrored = MODELS["irmischer_clarke"]
    flat = WalkModel("even", lambda s: np.full_like(s, 5.0))
    np.testing.assert_allclose(walked(16, flat), walked(16, flat, toward=True), rtol=1e-12)
    assert mirrored.speed_kmh(np.array([-0.05]))[0] > mirrored.speed_kmh(np.array([0.05]))[0]


@pytest.mark.parametrize("neighbours", [4, 8, 16, 32])
def test_the_error_on_a_plane_is_never_short_and_within_the_stated_metrication(neighbours):
    cost = cost_distance(np.ones((81, 81)), [(40, 40)], neighbours=neighbours)
    y, x = np.mgrid[-40:41, -40:41]
    true = np.hypot(y, x)
    error = (cost - true)[true > 0] / true[true > 0]
    assert error.min() > -1e-12
    assert error.max() <= metrication(neighbours) + 1e-12
    # The bound is reached somewhere: it is no looser than it need be.
    assert error.max() > 0.9 * metrication(neighbours)


@pytest.mark.parametrize(("neighbours", "percent"), [(4, 41.42), (8, 8.24), (16, 2.75), (32, 1.31)])
def test_metrication_as_documented(neighbours, percent):
    assert round(100 * metrication(neighbours), 2) == percent


def test_a_lonlat_grid_against_geodesics():
    # Cells 0.02 degrees wide and high between 38 and 41 N; GEOD is pyproj.
    raster = Raster(np.ones((150, 200)), Affine(0.02, 0, 74, 0, -0.02, 41), unit="1")
    cost = cost_distance(raster, [(75.99, 39.49)], neighbours=32).values
    lon = 74 + 0.02 * (np.arange(200) + 0.5)
    lat = 41 - 0.02 * (np.arange(150) + 0.5)
    gx, gy = np.meshgrid(lon, lat)
    true = GEOD.inv(np.full(gx.size, 75.99), np.full(gx.size, 39.49), gx.ravel(), gy.ravel())[
        2
    ].reshape(gx.shape)
    error = (cost - true)[true > 0] / true[true > 0]
    assert error.min() > -1e-6
    assert error.max() < metrication(32, aspect=np.cos(np.radians(41)))  # the most oblong row


def test_columns_of_a_lonlat_grid_narrow_towards_the_pole():
    raster = Raster(np.ones((3, 3)), Affine(1, 0, 0, 0, -1, 61.5))
    cost = cost_distance(raster, [(0.5, 61.0), (0.5, 60.0), (0.5, 59.0)], neighbours=4).values
    # geographiclib 2.1 (not pyproj): Geodesic.WGS84.Inverse(61, 0.5, 61, 1.5)["s12"], and at 59 N
    assert cost[0, 1] == pytest.approx(54106.953, abs=0.01)
    assert cost[2, 1] == pytest.approx(57474.764, abs=0.01)


# --- Barriers
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("neighbours", [4, 8, 16, 32])
def test_no_move_jumps_a_wall_one_cell_wide(neighbours):
    friction = np.ones((15, 15))
    friction[:, 7] = np.nan
    cost = cost_distance(friction, [(7, 2)], neighbours=neighbours)
    assert np.isfinite(cost[:, :7]).all()
    assert np.isnan(cost[:, 7:]).all()


@pytest.mark.parametrize("neighbours", [4, 8, 16, 32])
def test_no_move_squeezes_through_the_corners_of_a_diagonal_wall(neighbours):
    friction = np.ones((15, 15))
    friction[np.arange(15), np.arange(15)] = np.inf
    cost = cost_distance(friction, [(10, 2)], neighbours=neighbours)
    y, x = np.mgrid[:15, :15]
    assert np.isfinite(cost[y > x]).all()
    assert np.isnan(cost[y <= x]).all()


def test_passing_the_corner_of_a_single_closed_cell_is_allowed():
    friction = np.ones((3, 3))
    friction[0, 1] = np.nan
    assert cost_distance(friction, [(0, 0)])[1, 1] == pytest.approx(np.sqrt(2))


def test_a_knights_move_needs_both_cells_that_its_line_crosses():
    for shut in [(0, 1), (1, 1)]:
        friction = np.ones((2, 3))
        friction[shut] = np.nan
        straight = cost_distance(np.ones((2, 3)), [(0, 0)], neighbours=16)[1, 2]
        assert straight == pytest.approx(np.sqrt(5))
        round_about = cost_distance(friction, [(0, 0)], neighbours=16)[1, 2]
        assert round_about > np.sqrt(5) + 0.1


def test_a_knights_move_costs_the_mean_of_its_four_cells():
    friction = np.array([[1.0, 2.0, 50.0], [50.0, 3.0, 4.0]])
    assert cost_distance(friction, [(0, 0)], neighbours=16)[1, 2] == pytest.approx(np.sqrt(5) * 2.5)


@pytest.mark.parametrize("neighbours", [8, 16, 32])
def test_shares_of_a_move_add_up_and_lines_are_symmetric(neighbours):
    moves = make_moves(neighbours)
    for cells, dr, dc in zip(moves.passed, moves.row, moves.column, strict=True):
        assert sum(share for *_, share in cells) == pytest.approx(1)
        assert cells[0][:2] == (0, 0)
        assert cells[-1][:2] == (dr, dc)
        back = [(dr - r, dc - c, share) for r, c, share in reversed(cells)]
        assert [c[:2] for c in back] == [c[:2] for c in cells] or dr * dc != 0


# --- Dijkstra, sources, targets
# -----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(2, 12),
    columns=st.integers(2, 12),
    neighbours=st.sampled_from([4, 8, 16, 32]),
    kind=st.sampled_from(["friction", "walking", "everything"]),
    toward=st.booleans(),
    precision=st.sampled_from([np.float32, np.float64]),
)
def test_the_solver_equals_dijkstra(  # noqa: PLR0917
    seed, rows, columns, neighbours, kind, toward, precision
):
    rng = np.random.default_rng(seed)
    friction = rng.choice([1.0, 1.0, 2.0, 30.0, np.nan], (rows, columns)).astype(precision)
    friction[0, 0] = friction[-1, -1] = 1.0
    moves = make_moves(neighbours)
    # Rows of different heights: a move is as long there as back.
    south = np.cumsum(rng.uniform(5, 9, rows + 6))
    steps = south[np.arange(rows)[:, None] + 3 + moves.row] - south[3 : 3 + rows, None]
    lengths = np.hypot(steps, 7 * moves.column)
    grid = CostGrid(moves, lengths, ~np.isfinite(friction), multiplier=friction)
    if kind != "friction":
        height = rng.uniform(0, 8, (rows, columns)).astype(precision)
        wraps = kind == "everything" and columns > 2 * moves.reach
        grid = CostGrid(
            moves,
            lengths,
            grid.closed,
            multiplier=friction if kind == "everything" else None,
            height=height,
            pace=MODELS["marquez_perez"].pace(),
            added=height / 10 if kind == "everything" else None,
            wraps=wraps,
        )
    sources = [0, rows * columns - 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "EXACT_CELLS", 0 if precision is np.float32 else 10**9)
        got = solve(grid, np.array(sources), toward=toward)
    assert got.dtype == precision
    expected = plain_dijkstra.costs(grid, sources, toward=toward)
    tolerance = 1e-12 if precision is np.float64 else 1e-5
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=1e-12)


def test_several_sources_give_the_least_of_each():
    friction = make_terrain.friction()
    each = [cost_distance(friction, [s]) for s in [(3, 4), (50, 70)]]
    np.testing.assert_allclose(
        cost_distance(friction, [(50, 70), (3, 4)]), np.minimum(*each), rtol=1e-12
    )


def test_ties_do_not_multiply_the_work():
    # All frictions equal: every cell is reached by many ways of the same cost; entries once doubled
    # with every step.
    cost = cost_distance(np.full((60, 60), 20.0), [(0, 0)])
    assert cost[59, 59] == pytest.approx(20 * 59 * np.sqrt(2))


# --- Bad input
# --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_friction_of_zero_or_below_is_refused(value):
    friction = np.ones((3, 4))
    friction[1, 2] = value
    with pytest.raises(
        InputError, match=r"1 cells have a friction of zero or below, the first at row 1, column 2"
    ):
        cost_distance(friction, [(0, 0)])


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ([(0, 0), (3, 0)], "target 2 is outside"),
        ([(-1, 0)], "target 1 is outside"),
        ([(1, 1)], "target 1 is in a closed cell"),
        ([], "at least one"),
    ],
)
def test_targets_that_cannot_be_used_are_refused(targets, text):
    friction = np.ones((3, 4))
    friction[1, 1] = np.nan
    with pytest.raises(InputError, match=text):
        cost_distance(friction, targets)


def test_unknown_neighbourhoods_are_refused():
    with pytest.raises(InputError, match="4, 8, 16 or 32"):
        cost_distance(np.ones((3, 3)), [(0, 0)], neighbours=6)


def test_areas_count_with_all_their_cells():
    raster = Raster(np.ones((4, 4)), Affine(1, 0, 500_000, 0, -1, 4), crs="EPSG:32644")
    area = gpd.GeoSeries([shapely.box(500_000, 2, 500_002, 4)], crs="EPSG:32644")
    cost = cost_distance(raster, area, neighbours=4).values
    assert (cost[:2, :2] == 0).all()
    assert cost[3, 3] == pytest.approx(4 / 0.9996)  # true metres: the grid's scale on its meridian


def test_arguments_are_not_written_into():
    friction = make_terrain.wall()
    before = friction.copy()
    cost_distance(friction, [(0, 0)])
    np.testing.assert_array_equal(friction, before)


def test_legal_moves_do_not_depend_on_the_strips(monkeypatch):
    closed = np.random.default_rng(8).random((40, 30)) < 0.3
    for neighbours in (4, 8, 16, 32):
        whole = legal_moves(closed, make_moves(neighbours))
        monkeypatch.setattr(solver, "_STRIP", 7)
        np.testing.assert_array_equal(legal_moves(closed, make_moves(neighbours)), whole)
        monkeypatch.undo()


# --- The continuous solver
# ----------------------------------------------------------------------------------------------


def test_fast_marching_on_a_plane_is_within_the_stated_error():
    y, x = np.mgrid[-60:61, -60:61]
    true = np.hypot(y, x)
    cost = cost_distance(np.ones((121, 121)), [(60, 60)], continuous=True)
    for far, bound in ((true > 10, 0.006), (true > 60, 0.002)):
        assert (np.abs(cost - true)[far] / true[far]).max() < bound
    oblong = cost_distance(np.ones((121, 121)), [(60, 60)], cell_size=(1.0, 0.8), continuous=True)
    true = np.hypot(y, 0.8 * x)
    assert (np.abs(oblong - true)[true > 10] / true[true > 10]).max() < 0.006


def test_fast_marching_refracts_as_snell_says():
    # Friction 1 above and 3 below a straight border. The best way from (x 0, 20.5 above) to (x,
    # 20.5 below) by minimising over the crossing point with scipy.
    from scipy.optimize import minimize_scalar

    friction = np.ones((82, 120))
    friction[41:] = 3.0
    cost = cost_distance(friction, [(20, 20)], continuous=True)
    for column in (40, 70, 100):
        across = column - 20.0
        best = minimize_scalar(
            lambda x, d=across: np.hypot(x, 20.5) + 3 * np.hypot(d - x, 20.5), bounds=(0, across)
        )
        assert cost[61, column] == pytest.approx(best.fun, rel=0.01)


def test_fast_marching_crosses_no_wall_and_agrees_with_many_directions():
    friction = np.ones((40, 40))
    friction[np.arange(40), np.arange(40)] = np.nan
    cost = cost_distance(friction, [(30, 10)], continuous=True)
    y, x = np.mgrid[:40, :40]
    assert np.isfinite(cost[y > x]).all()
    assert np.isnan(cost[y <= x]).all()
    smooth = make_terrain.friction()
    free = cost_distance(smooth, [make_terrain.START], continuous=True)
    tied = cost_distance(smooth, [make_terrain.START], neighbours=32)
    assert np.median(np.abs(free / np.maximum(tied, 1e-9) - 1)) < 0.02


def test_a_run_may_end_at_its_targets_and_keeps_their_values():
    moves = make_moves(16)
    friction = np.random.default_rng(6).uniform(1, 4, (300, 300))
    closed = np.zeros(friction.shape, dtype=bool)
    lengths = np.tile(np.hypot(moves.row, moves.column), (300, 1))
    grid = CostGrid(moves, lengths, closed, multiplier=friction)
    start = np.array([150 * 300 + 150])
    whole = solve(grid, start)
    goals = [np.array([140 * 300 + 160, 140 * 300 + 161]), np.array([170 * 300 + 150])]
    targets = [solver.Target(cells, np.array([5.0, 1.0])[: cells.size]) for cells in goals]
    early = solve(grid, start, targets=targets)
    for target in targets:
        one, other = (np.min(c.flat[target.cells] + target.legs) for c in (early, whole))
        assert one == other
    assert not np.array_equal(early, whole)  # it did end before the far corners were final
