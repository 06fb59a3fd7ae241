"""Draped lines and walking times of pairs: by hand on simple terrain, reasons, directions,
independence of pairs.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from scipy.optimize import brentq

from geosettle.distance._protocol import Context
from geosettle.distance.draping import bilinear, drape
from geosettle.distance.terrain import surface_pairs, walk_pairs
from geosettle.distance.walk_models import AGES, MODELS, WalkModel, by_table, of_walker, walk_model
from geosettle.distance.walking import altitude_factor, walk_grid
from geosettle.errors import InputError, UnknownNameError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

CELL = 0.01
ROWS, COLUMNS = 60, 80
WEST, NORTH = 76.0, 39.0


def raster(values) -> Raster:
    return Raster(np.asarray(values, dtype=float), Affine(CELL, 0, WEST, 0, -CELL, NORTH), unit="m")


def centre(row: float, column: float) -> tuple[float, float]:
    return WEST + (column + 0.5) * CELL, NORTH - (row + 0.5) * CELL


def frame(geometries) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        index=[f"p{i}" for i in range(len(geometries))],
        geometry=[shapely.Point(g) if isinstance(g, tuple) else g for g in geometries],
        crs="EPSG:4326",
    )


def plane(rise_per_column: float) -> Raster:
    return raster(np.tile(1000 + rise_per_column * np.arange(COLUMNS), (ROWS, 1)))


def hills() -> Raster:
    y, x = np.mgrid[:ROWS, :COLUMNS].astype(float)
    return raster(2000 + 500 * np.sin(x / 6) * np.cos(y / 5) + 8 * x)


def geodesic(a, b) -> float:
    return GEOD.inv(*a, *b)[2]


# --- Surface
# ----------------------------------------------------------------------------------------------------------


def test_on_the_flat_the_draped_line_is_the_geodesic():
    a, b = centre(10.3, 5.7), centre(40.1, 71.2)
    out = surface_pairs(frame([a]), frame([b]), np.array([[0, 0]]), Context(dem=plane(0.0)))
    assert out.surface_km[0] == pytest.approx(geodesic(a, b) / 1000, rel=1e-9)
    assert (out.ascent_m[0], out.descent_m[0], out.elevation_change_m[0]) == (0, 0, 0)
    assert out.why[0] == ""


def test_on_a_slope_the_draped_line_is_the_hypotenuse():
    a, b = centre(30, 10), centre(30, 60)  # 50 columns of 20 m: 1,000 m up
    out = surface_pairs(
        frame([a, b]), frame([b, a]), np.array([[0, 0], [1, 1]]), Context(dem=plane(20.0))
    )
    assert out.surface_km[0] == pytest.approx(np.hypot(geodesic(a, b), 1000) / 1000, rel=1e-6)
    np.testing.assert_allclose(out.elevation_change_m, [1000, -1000], rtol=1e-9)
    np.testing.assert_allclose(out.ascent_m, [1000, 0], atol=1e-6)
    np.testing.assert_allclose(out.descent_m, [0, 1000], atol=1e-6)


def test_over_a_ridge_ascent_minus_descent_is_the_change():
    out = surface_pairs(
        frame([centre(3, 4)]), frame([centre(50, 70)]), np.array([[0, 0]]), Context(dem=hills())
    )
    assert out.ascent_m[0] - out.descent_m[0] == pytest.approx(out.elevation_change_m[0], abs=1e-6)
    assert out.ascent_m[0] > 500


def test_heights_between_centres_are_bilinear_and_stop_at_the_edge():
    values = np.array([[0.0, 10.0], [20.0, 30.0]])
    got = bilinear(
        values, np.array([0.5, 0.0, -0.4, -0.6, 1.5]), np.array([0.5, 0.25, 0.0, 0.0, 1.5])
    )
    np.testing.assert_allclose(got, [15, 2.5, 0, np.nan, 30])


def test_pairs_in_chunks_equal_pairs_at_once(monkeypatch):
    import geosettle.distance.draping as module

    rng = np.random.default_rng(1)
    ends = tuple(
        np.r_[rng.uniform(a, b, 20)]
        for a, b in ((76.1, 76.7), (38.5, 38.9), (76.1, 76.7), (38.5, 38.9))
    )
    whole = drape(hills(), ends, MODELS["tobler"].pace())
    monkeypatch.setattr(module, "_SAMPLES_AT_ONCE", 300)
    parts = drape(hills(), ends, MODELS["tobler"].pace())
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)


def test_outside_the_grid_there_is_a_reason_and_other_pairs_are_undisturbed():
    dem = hills()
    inside, far, unknown = centre(5, 5), (80.0, 39.0), None
    sites = frame([centre(40, 60)])
    alone = walk_pairs(frame([inside]), sites, np.array([[0, 0]]), Context(dem=dem))
    both = walk_pairs(
        frame([inside, far, unknown]), sites, np.array([[0, 0], [1, 0], [2, 0]]), Context(dem=dem)
    )
    assert both.walk_out_h[0] == alone.walk_out_h[0]
    assert both.walk_back_h[0] == alone.walk_back_h[0]
    assert both.why.tolist() == ["", "origin: outside the elevation grid", "position unknown"]
    assert both.walk_out_h[1:].isna().all()
    surface = surface_pairs(
        frame([inside, far, unknown]), sites, np.array([[0, 0], [1, 0], [2, 0]]), Context(dem=dem)
    )
    assert surface.why.tolist() == ["", "outside the elevation grid", "position unknown"]


def test_a_hole_in_the_grid_is_said_with_its_share():
    dem = hills()
    dem.values[:, 30:40] = np.nan
    out = surface_pairs(
        frame([centre(30, 20)]), frame([centre(30, 60)]), np.array([[0, 0]]), Context(dem=dem)
    )
    assert np.isnan(out.surface_km[0])
    assert np.isfinite(out.elevation_change_m[0])
    assert out.why[0] == "25 % of the line is outside the elevation grid"


def test_without_a_grid_everything_has_the_reason():
    for metric in (surface_pairs, walk_pairs):
        out = metric(frame([centre(1, 1)]), frame([centre(2, 2)]), np.array([[0, 0]]), Context())
        assert out.why.tolist() == ["no elevation grid in the study"]
        assert out.drop(columns="why").isna().all(axis=None)


# --- Walking
# ----------------------------------------------------------------------------------------------------------


def test_on_the_flat_a_walk_along_a_row_is_its_length_at_the_flat_speed():
    a, b = centre(30, 10), centre(30, 60)
    out = walk_pairs(frame([a]), frame([b]), np.array([[0, 0]]), Context(dem=plane(0.0)))
    hours = geodesic(a, b) / 1000 / (6 * np.exp(-0.175))  # Tobler on the flat: 5.037 km/h
    assert out.walk_out_h[0] == pytest.approx(hours, rel=1e-4)
    assert out.walk_back_h[0] == pytest.approx(out.walk_out_h[0], rel=1e-12)
    assert out.walk_round_h[0] == pytest.approx(2 * out.walk_out_h[0], rel=1e-12)


def test_up_and_down_a_uniform_slope():
    a, b = centre(30, 10), centre(30, 60)  # west to east, 20 m up per cell of about 867 m
    out = walk_pairs(frame([a]), frame([b]), np.array([[0, 0]]), Context(dem=plane(20.0)))
    slope = 20 / geodesic(centre(30, 10), centre(30, 11))
    up = geodesic(a, b) / 1000 / (6 * np.exp(-3.5 * abs(slope + 0.05)))
    down = geodesic(a, b) / 1000 / (6 * np.exp(-3.5 * abs(-slope + 0.05)))
    assert out.walk_out_h[0] == pytest.approx(up, rel=1e-4)
    assert out.walk_back_h[0] == pytest.approx(down, rel=1e-4)
    assert down < up


def test_points_keep_their_place_inside_the_cell():
    # 0.3 of a cell apart in the same cell: the distance counts, not the cell.
    a, b = centre(30.1, 10.2), centre(30.1, 10.5)
    out = walk_pairs(frame([a]), frame([b]), np.array([[0, 0]]), Context(dem=plane(0.0)))
    assert out.walk_out_h[0] == pytest.approx(
        geodesic(a, b) / 1000 / (6 * np.exp(-0.175)), rel=1e-6
    )
    same = walk_pairs(frame([a]), frame([a]), np.array([[0, 0]]), Context(dem=plane(0.0)))
    assert same.walk_out_h[0] == 0


def test_it_does_not_matter_which_side_has_fewer_places():
    dem = hills()
    many = [centre(5, 5), centre(20, 70), centre(50, 30), centre(12, 33)]
    one = [centre(40, 60)]
    pairs = np.array([[i, 0] for i in range(4)])
    forth = walk_pairs(frame(many), frame(one), pairs, Context(dem=dem))
    back = walk_pairs(frame(one), frame(many), pairs[:, ::-1], Context(dem=dem))
    np.testing.assert_allclose(forth.walk_out_h, back.walk_back_h, rtol=1e-12)
    np.testing.assert_allclose(forth.walk_back_h, back.walk_out_h, rtol=1e-12)
    assert (np.abs(forth.walk_out_h - forth.walk_back_h) > 0.01).any()


def test_geodesic_surface_and_walk_are_in_order():
    dem = hills()
    rng = np.random.default_rng(3)
    a = [centre(*rng.uniform([2, 2], [57, 77])) for _ in range(12)]
    b = [centre(*rng.uniform([2, 2], [57, 77])) for _ in range(12)]
    pairs = np.column_stack([np.arange(12), np.arange(12)])
    surface = surface_pairs(frame(a), frame(b), pairs, Context(dem=dem)).surface_km
    straight = np.array([geodesic(x, y) / 1000 for x, y in zip(a, b, strict=True)])
    assert (surface >= straight * (1 - 1e-12)).all()
    walk = walk_pairs(frame(a), frame(b), pairs, Context(dem=dem)).walk_out_h
    assert (walk >= straight / 6 * (1 - 1e-9)).all()  # nowhere faster than Tobler's best


def test_water_that_cuts_the_way_is_named_and_water_with_a_gap_is_walked_round():
    dem = plane(0.0)
    water = np.full((ROWS, COLUMNS), 10.0)
    water[:, 40] = 0.0
    sides = frame([centre(30, 10)]), frame([centre(30, 70)])
    options = {"walk": {"closed_classes": [0]}}
    cut = walk_pairs(
        *sides, np.array([[0, 0]]), Context(dem=dem, landcover=raster(water), options=options)
    )
    assert cut.why[0] == "no way on foot: closed cells (barrier) between"
    assert np.isnan(cut.walk_out_h[0])
    water[0, 40] = 10.0
    around = walk_pairs(
        *sides, np.array([[0, 0]]), Context(dem=dem, landcover=raster(water), options=options)
    )
    free = walk_pairs(*sides, np.array([[0, 0]]), Context(dem=dem))
    assert around.walk_out_h[0] > free.walk_out_h[0] + 2
    on_water = walk_pairs(
        frame([centre(30, 40)]), sides[1], np.array([[0, 0]]),
        Context(dem=dem, landcover=raster(water), options=options),
    )  # fmt: skip
    assert on_water.why[0] == "origin: the place is in a closed cell (barrier)"


def test_land_counts_from_its_nearest_cell():
    land = shapely.box(*centre(35, 10), *centre(25, 20))
    site = centre(30, 60)
    out = walk_pairs(frame([land]), frame([site]), np.array([[0, 0]]), Context(dem=plane(0.0)))
    edge = walk_pairs(
        frame([centre(30, 20)]), frame([site]), np.array([[0, 0]]), Context(dem=plane(0.0))
    )
    assert out.walk_out_h[0] == pytest.approx(
        edge.walk_out_h[0], rel=0.03
    )  # within one cell of forty
    surface = surface_pairs(
        frame([land]), frame([site]), np.array([[0, 0]]), Context(dem=plane(0.0))
    )
    assert surface.surface_km[0] == pytest.approx(geodesic(centre(30, 20), site) / 1000, rel=1e-3)


def test_land_cover_speeds_scale_the_walk():
    cover = raster(np.full((ROWS, COLUMNS), 7.0))
    sides = frame([centre(30, 10)]), frame([centre(30, 60)])
    slow = {"walk": {"landcover_speed_kmh": {"7": 6 * np.exp(-0.175) / 2}}}
    half = walk_pairs(
        *sides, np.array([[0, 0]]), Context(dem=plane(0.0), landcover=cover, options=slow)
    )
    full = walk_pairs(*sides, np.array([[0, 0]]), Context(dem=plane(0.0)))
    assert half.walk_out_h[0] == pytest.approx(2 * full.walk_out_h[0], rel=1e-9)
    shut = {"walk": {"landcover_speed_kmh": {7: 0}}}
    closed = walk_pairs(
        *sides, np.array([[0, 0]]), Context(dem=plane(0.0), landcover=cover, options=shut)
    )
    assert "closed cell" in closed.why[0]


# --- Speeds
# -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "slope", "kmh"),
    [
        # by hand from the formulas in the sources
        ("tobler", 0.0, 5.0367),  # 6 exp(-0.175)
        ("tobler", -0.05, 6.0),
        ("tobler", 0.10, 3.5493),  # 6 exp(-0.525)
        ("tobler_off_path", 0.0, 3.0220),
        ("marquez_perez", 0.0, 4.0944),  # 4.8 exp(-0.159)
        ("marquez_perez", 0.10, 2.8253),  # 4.8 exp(-0.53)
        ("irmischer_clarke", 0.0, 3.9463),  # 3.6 (0.11 + exp(-25/1800))
        ("irmischer_clarke", -0.05, 3.996),  # 3.6 x 1.11
        ("irmischer_clarke_off_road", 0.0, 2.8026),  # 3.6 (0.11 + 0.67 exp(-4/1800))
        ("irmischer_clarke_female", -0.05, 3.7962),  # 0.95 x 3.996
        ("weiss", 0.10, 3.5493),
        ("weiss", -0.10, 3.5493),
        ("naismith_langmuir", 0.0, 5.0),  # 3.6 / 0.72
    ],
)  # fmt: skip
def test_speeds_by_hand(model, slope, kmh):
    assert MODELS[model].speed_kmh(np.array([slope]))[0] == pytest.approx(kmh, abs=6e-5)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_table_of_paces_follows_the_formula(name):
    slope = np.random.default_rng(5).uniform(-1.5, 1.5, 4000)
    exact = 3.6 / MODELS[name].speed_kmh(slope)
    np.testing.assert_allclose(
        MODELS[name].pace()(slope), exact, rtol=3e-5 if name == "cart" else 5e-6
    )
    assert MODELS[name].pace().fastest <= exact.min() * (1 + 1e-6)


def test_altitude_slows_down():
    dem = raster(np.full((ROWS, COLUMNS), 4000.0))
    sides = frame([centre(30, 10)]), frame([centre(30, 60)])
    plain = walk_pairs(*sides, np.array([[0, 0]]), Context(dem=dem))
    thin = walk_pairs(
        *sides, np.array([[0, 0]]), Context(dem=dem, options={"walk": {"altitude": True}})
    )
    assert thin.walk_out_h[0] / plain.walk_out_h[0] == pytest.approx(
        1 / altitude_factor(4000.0), rel=1e-6
    )


def test_unknown_model_names_the_known_ones():
    with pytest.raises(UnknownNameError, match="tobler, tobler_off_path"):
        walk_model("gallop")


# --- Bad grids
# --------------------------------------------------------------------------------------------------------


def test_heights_in_feet_are_refused():
    with pytest.raises(InputError, match=r"above 9,000 m"):
        walk_grid(raster(np.full((3, 3), 14_000.0)))
    feet = Raster(np.full((3, 3), 400.0), Affine(1, 0, 0, 0, -1, 3), unit="ft")
    with pytest.raises(InputError, match="not in metres"):
        walk_grid(feet)


def test_a_grid_that_is_not_north_up_is_refused():
    with pytest.raises(InputError, match="north-up"):
        walk_grid(Raster(np.zeros((3, 3)), Affine(1, 0, 0, 0, 1, 0), unit="m"))


def test_a_projected_grid_gives_the_same_hours():
    # 1 km cells in UTM 44N around its central meridian, where the scale is 0.9996.
    dem = Raster(
        np.full((60, 60), 1500.0),
        Affine(1000, 0, 470_000, 0, -1000, 4_330_000),
        crs="EPSG:32644",
        unit="m",
    )
    from pyproj import Transformer

    to = Transformer.from_crs("EPSG:32644", "EPSG:4326", always_xy=True)
    a, b = to.transform(480_500, 4_300_500), to.transform(520_500, 4_300_500)
    out = walk_pairs(frame([a]), frame([b]), np.array([[0, 0]]), Context(dem=dem))
    assert out.walk_out_h[0] == pytest.approx(
        geodesic(a, b) / 1000 / (6 * np.exp(-0.175)), rel=1e-3
    )


# --- own walking functions


def test_a_walking_function_that_stands_still_is_refused():
    for speed in (lambda s: 5 - 10 * np.abs(s), lambda s: np.full_like(s, np.nan), np.zeros_like):
        with pytest.raises(InputError, match=r"'own' gives a speed of .* at a slope of"):
            walk_grid(plane(10), model=WalkModel("own", speed))


def test_own_speeds_with_several_kinks_are_exact_at_and_between_them():
    table = {"-0.4": 2.0, -0.05: 6.0, "0.1": 4.0, 0.333: 1.0}
    slope = np.array([-5, -0.4, -0.2, -0.05, 0.0, 0.1, 0.3, 0.333, 7.0])
    known = sorted((float(k), v) for k, v in table.items())
    expected = np.interp(slope, *zip(*known, strict=True))
    assert 3.6 / by_table(table).pace()(slope) == pytest.approx(expected, rel=1e-5)
    for wrong, text in (
        ({"steep": 1.0, "0": 2.0}, "'steep', which is no number from -4 to 4"),
        ({"-30": 1.0, "0": 2.0}, "'-30', which is no number"),
        ({"nan": 1.0, "0": 2.0}, "no number"),
        ({"0": 5.0}, "two points"),
        ({"0": 5.0, "0.0": 4.0, 1: 2.0}, "has 0 twice"),
        ({"0": 5.0, "1": 0.0}, "must be above 0"),
    ):
        with pytest.raises(InputError, match=text):
            by_table(wrong)


def test_steeper_than_the_table_nobody_gets_faster():
    pace = WalkModel("own", lambda s: np.asarray(5 + np.abs(s))).pace()
    assert pace(np.array([-50.0, 50.0])) == pytest.approx(3.6 / 9, rel=1e-3)


def test_own_speeds_and_a_flat_mode_walk_a_row():
    a, b = centre(30, 10), centre(30, 60)
    km = geodesic(a, b) / 1000
    for dem, options, kmh in (
        (plane(0), {"speed_by_slope_kmh": {"-1": 1.0, "0": 4.0, "1": 1.0}}, 4.0),
        (hills(), {"flat": True, "speed_by_slope_kmh": {"-1": 1.0, "0": 4.0, "1": 1.0}}, 4.0),
        (hills(), {"flat": True}, 6 * np.exp(-0.175)),
    ):
        context = Context(dem=dem, options={"walk": options})
        out = walk_pairs(frame([a]), frame([b]), np.array([[0, 0]]), context)
        assert out.walk_out_h[0] == pytest.approx(km / kmh, rel=1e-4)
        assert out.walk_back_h[0] == pytest.approx(out.walk_out_h[0])


def pandolf_w(body: float, load: float, speed: float, grade: float) -> float:
    """Watts, as Pandolf et al. (1977) print them, on firm ground."""
    return (
        1.5 * body
        + 2 * (body + load) * (load / body) ** 2
        + (body + load) * (1.5 * speed**2 + 0.35 * speed * grade)
    )


@pytest.mark.parametrize("name", ["tobler", "irmischer_clarke", "marquez_perez"])
@pytest.mark.parametrize("slope", [0.0, 0.05, 0.12, 0.25])
@pytest.mark.parametrize(("body", "load"), [(60, 10), (50, 25), (75, 30)])
def test_a_load_slows_to_the_speed_that_costs_the_same_power(name, slope, body, load):
    free = float(MODELS[name].speed_kmh(np.array([slope]))[0]) / 3.6
    asked = pandolf_w(body, 0, free, 100 * slope)
    root = brentq(lambda v: pandolf_w(body, load, v, 100 * slope) - asked, 1e-3, free)
    model = of_walker(MODELS[name], load_kg=load, body_kg=body)
    assert model.speed_kmh(np.array([slope]))[0] / 3.6 == pytest.approx(root, rel=1e-9)
    assert model.pace()(np.array([slope]))[0] == pytest.approx(1 / root, rel=1e-4)


def test_beyond_pandolfs_range_the_share_is_that_at_its_end():
    model = of_walker(MODELS["tobler"], load_kg=20)
    share = model.speed_kmh(SLOPES) / MODELS["tobler"].speed_kmh(SLOPES)
    assert share[SLOPES <= 0] == pytest.approx(share[SLOPES == 0][0])
    assert share[SLOPES >= 0.25] == pytest.approx(share[SLOPES == 0.25][0])


SLOPES = np.array([-1, -0.3, 0, 0.25, 0.4, 2])


def test_ages_keep_the_published_ratios_of_speed():
    """Bohannon & Andrews (2011), m/s: men and women of 20-29 to 50-59, then of each age."""
    adults = np.mean([1.36, 1.43, 1.43, 1.43, 1.34, 1.34, 1.39, 1.31])
    for age, men, women in (("60_69", 1.34, 1.24), ("70_79", 1.26, 1.13), ("80_99", 0.97, 0.94)):
        assert AGES[age] == pytest.approx((men + women) / 2 / adults, abs=0.005)


def test_who_walks_counts_in_hours_on_foot():
    a, b = centre(30, 10), centre(30, 60)
    km = geodesic(a, b) / 1000
    for options, kmh in (
        ({"age": "80_99"}, 0.69 * 6 * np.exp(-0.175)),
        ({"flat_kmh": 3.0}, 3.0),
        ({"model": "cart", "flat_kmh": 3.5}, 3.5),
        ({"flat_kmh": 3.0, "age": "70_79"}, 3.0 * 0.87),
    ):
        context = Context(dem=plane(0), options={"walk": options})
        out = walk_pairs(frame([a]), frame([b]), np.array([[0, 0]]), context)
        assert out.walk_out_h[0] == pytest.approx(km / kmh, rel=1e-4)


def test_a_cart_goes_by_the_slope_as_wheeled_vehicles_of_r_packages_do():
    slopes = np.array([-0.2, -0.12, 0, 0.06, 0.12, 0.3])
    cost = 1 + (100 * slopes / 12) ** 2  # per cent, as in leastcostpath and movecost
    assert walk_model("cart", 4).speed_kmh(slopes) == pytest.approx(4 / cost)


def test_who_walks_is_refused_with_a_sentence():
    for wrong, text in (
        ({"age": "child"}, "no age is called 'child'"),
        ({"load_kg": 31}, "from 0 to half the weight"),
        ({"model": "cart"}, "not how fast the level is"),
    ):
        with pytest.raises((InputError, UnknownNameError), match=text):
            walk_grid(plane(0), **wrong)


def test_exchanging_the_ends_exchanges_the_times_of_float32_heights():
    rough = hills()
    ground = Raster(rough.values.astype(np.float32), rough.transform, unit="m")
    a, b = frame([centre(5.2, 7.9), centre(11, 70)]), frame([centre(50.3, 66.1)])
    out = walk_pairs(a, b, np.array([[0, 0], [1, 0]]), Context(dem=ground))
    turned = walk_pairs(b, a, np.array([[0, 0], [0, 1]]), Context(dem=ground))
    np.testing.assert_allclose(out.walk_out_h, turned.walk_back_h, rtol=1e-12)
    np.testing.assert_allclose(out.walk_back_h, turned.walk_out_h, rtol=1e-12)
