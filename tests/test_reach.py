"""Time rasters of sites, catchments, service areas: against circles, GRASS, scikit-image."""

from __future__ import annotations

import doctest
import shutil
import subprocess
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import geosettle as gs
from geosettle.distance._solver.cost_grid import metrication
from geosettle.errors import InputError, MissingLayerError
from geosettle.geodesy import area_m2, disc
from geosettle.io import cog_bytes
from geosettle.raster import Raster

FLAT_KMH = 6 * np.exp(-3.5 * 0.05)
UTM = "EPSG:32643"
SITES = gpd.GeoDataFrame(
    index=["a", "b", "c"], geometry=gpd.points_from_xy([76.05, 76.16, 76.1], [38.97, 38.95, 38.9]),
    crs=4326,
)  # fmt: skip


def grid(values, cell=100.0, crs=UTM, unit="h") -> Raster:
    values = np.asarray(values, dtype=float)
    return Raster(values, Affine(cell, 0, 400_000, 0, -cell, 4_300_000), crs, unit)


def lattice_area(values, limit) -> float:
    """Area, in cells, of all up to a limit, by sampling each cell at 40 x 40 points."""
    fine = np.repeat(np.repeat(values, 40, 0), 40, 1)
    return float((fine <= limit).sum() / 1600)


def hills(shape=(60, 90), cell=0.003) -> Raster:
    y, x = np.mgrid[: shape[0], : shape[1]]
    heights = 1500 + 200 * np.sin(x / 9) * np.cos(y / 7) + 4 * x
    return Raster(heights, Affine(cell, 0, 76, 0, -cell, 39), unit="m")


# --- lines


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)),
           elements=st.sampled_from([0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 3.0, np.nan, np.inf]))
)  # fmt: skip
def test_any_grid_gives_valid_nested_polygons_of_the_cells_with_a_time(values) -> None:
    made = gs.catchments(grid(values), [0.7, 1, 1.7, 99]).geometry.to_crs(UTM)
    assert made.is_valid.all()
    sizes = made.area.to_numpy() / 1e4
    assert (np.diff(sizes) >= -1e-6).all()
    assert sizes[-1] == pytest.approx(np.isfinite(values).sum(), abs=1e-4)
    for inner, outer in zip(made, made.iloc[1:], strict=False):
        assert inner.difference(outer).area < 1
    rows, columns = np.indices(values.shape)
    centres = shapely.points(400_050 + 100 * columns, 4_299_950 - 100 * rows)
    for limit, shape in made.items():
        inside = shapely.contains(shape, centres)
        sure = ~np.isclose(values, limit)
        assert (inside[sure] == (values <= limit)[sure]).all()


def test_holes_closed_cells_and_the_edge_of_the_grid() -> None:
    values = np.ones((5, 6))
    values[2, 2] = np.nan
    values[1, 4] = 9.0
    made = gs.catchments(grid(values), [2])
    shape = made.geometry.to_crs(UTM).iloc[0]
    assert shape.geom_type == "Polygon"
    assert len(shape.interiors) == 2
    hole = min(shape.interiors, key=lambda ring: shapely.Polygon(ring).centroid.x)
    assert shapely.Polygon(hole).area == pytest.approx(1e4, rel=1e-6)  # the closed cell, whole
    assert shape.bounds == pytest.approx((400_000, 4_299_500, 400_600, 4_300_000), abs=1e-3)
    assert made["area_ha"].iloc[0] == pytest.approx(area_m2(made.geometry.to_numpy())[0] / 1e4)


def test_lines_are_those_of_another_marching_squares() -> None:
    measure = pytest.importorskip("skimage.measure")
    y, x = np.mgrid[:40, :50]
    values = np.hypot(y - 19.2, x - 24.7) + np.sin(x / 3)
    made = gs.catchments(grid(values), [9]).geometry.to_crs(UTM).iloc[0]
    (other,) = measure.find_contours(values, 9)
    ring = shapely.Polygon(
        np.column_stack([400_050 + 100 * other[:, 1], 4_299_950 - 100 * other[:, 0]])
    )
    assert made.area == pytest.approx(ring.area, rel=2e-3)
    assert shapely.hausdorff_distance(made.exterior, ring.exterior) < 10  # a tenth of a cell


@pytest.mark.parametrize(("radius", "off"), [(3, 0.02), (10, 0.002), (40, 2e-4)])
def test_a_cone_gives_a_circle(radius: int, off: float) -> None:
    y, x = np.mgrid[:101, :101]
    made = gs.catchments(grid(np.hypot(y - 50.3, x - 49.6)), [radius]).geometry.to_crs(UTM).iloc[0]
    assert made.area / (np.pi * (radius * 100) ** 2) == pytest.approx(1, abs=off)


def test_what_is_wrong_is_refused() -> None:
    time = grid(np.ones((2, 2)))
    for hours in ([], [0], [np.nan], [-1]):
        with pytest.raises(InputError, match="hours above zero"):
            gs.catchments(time, hours)
    with pytest.raises(MissingLayerError, match="dem"):
        gs.travel_allocation(SITES)
    empty = gs.catchments(grid(np.full((2, 2), np.nan)), [1])
    assert empty.geometry.iloc[0].is_empty
    assert empty["area_ha"].tolist() == [0]


def test_a_catchment_goes_over_the_180th_meridian() -> None:
    values = np.ones((4, 8))
    time = Raster(values, Affine(0.1, 0, 179.6, 0, -0.1, 0.2), unit="h")
    made = gs.catchments(time, [2])
    assert made.total_bounds.tolist() == pytest.approx([-180, -0.2, 180, 0.2])
    assert made["area_ha"].iloc[0] * 1e4 == pytest.approx(8 * time.cell_areas_m2().sum(), rel=1e-9)


# --- times


@pytest.mark.parametrize("away", [False, True])
def test_joint_times_are_the_least_of_those_of_the_sites(away: bool) -> None:
    layers = {"dem": hills(), "options": {"walk": {"neighbours": 8}}}
    found = gs.travel_allocation(SITES, away=away, **layers)
    each = dict(gs.site_times(SITES, away=away, **layers))
    assert list(each) == ["a", "b", "c"]
    stack = np.stack([time.values for time in each.values()])
    np.testing.assert_array_equal(found.time.values, stack.min(axis=0))
    np.testing.assert_array_equal(found.first.values, stack.argmin(axis=0) + 1)
    assert found.first.classes == {1: "a", 2: "b", 3: "c"}


def test_the_direction_of_the_slope_counts_and_times_are_those_of_the_pairs() -> None:
    dem = hills()
    origins = gpd.GeoDataFrame(index=["o"], geometry=gpd.points_from_xy([76.2], [38.88]), crs=4326)
    pairs = gs.pair_distances(
        gpd.pd.DataFrame({"origin_id": ["o"] * 3, "site_id": list("abc")}), origins, SITES,
        ("walk",), dem=dem,
    )  # fmt: skip
    row, column, _ = dem.index([76.2], [38.88])
    for away, name in ((False, "walk_out_h"), (True, "walk_back_h")):
        times = [t.values[row, column][0] for _, t in gs.site_times(SITES, away=away, dem=dem)]
        assert times == pytest.approx(pairs[name].to_numpy(), rel=0.05)


def test_a_limit_changes_nothing_below_it() -> None:
    dem = hills((300, 400))
    whole, cut = (dict(gs.site_times(SITES, dem=dem, limit_h=limit)) for limit in (np.inf, 1.0))
    for name, time in whole.items():
        below = time.values <= 1.1
        np.testing.assert_array_equal(time.values[below], cut[name].values[below])
        assert np.isinf(cut[name].values).any()
    one, other = gs.catchments(whole, [0.5, 1]), gs.catchments(cut, [0.5, 1])
    np.testing.assert_allclose(one["area_ha"], other["area_ha"], rtol=1e-12)
    assert one.index.names == ["site_id", "hours"]


def test_sites_off_the_grid_and_open_ground_that_none_reaches() -> None:
    dem = hills()
    dem.values[:, 40] = np.nan
    places = [SITES.geometry["a"], shapely.Point(80, 39), None]
    sites = gpd.GeoDataFrame(index=["a", "far", "lost"], geometry=places, crs=4326)
    found = gs.travel_allocation(sites, dem=dem)
    assert found.why.to_dict() == {
        "a": "", "far": "outside the elevation grid", "lost": "position unknown",
    }  # fmt: skip
    assert np.isnan(found.time.values[:, 40]).all()
    assert np.isinf(found.time.values[:, 41:]).all()
    assert np.isnan(found.first.values[:, 40:]).all()


def test_on_the_level_a_catchment_is_a_circle() -> None:
    dem = Raster(np.zeros((240, 300)), Affine(0.001, 0, 76, 0, -0.0008, 39), unit="m")
    site = gpd.GeoDataFrame(
        index=["s"], geometry=gpd.points_from_xy([76.1505], [38.9044]), crs=4326
    )
    hours = [0.5, 1, 1.5]
    for options, low, high in (
        ({}, -0.004, 0.004),  # in any direction
        ({"walk": {"neighbours": 16}}, -0.004, 0.004),  # level ground needs no moves
    ):
        ((_, time),) = gs.site_times(site, dem=dem, options=options)
        made = gs.catchments(time, hours)
        true = [area_m2([disc(76.1505, 38.9044, FLAT_KMH * h * 1000)])[0] / 1e4 for h in hours]
        off = made["area_ha"].to_numpy() / true - 1
        assert (off > low).all()
        assert (off < high).all()


@pytest.mark.parametrize("neighbours", [8, 16, 32])
def test_moves_of_the_grid_make_a_catchment_smaller_as_their_directions_say(neighbours) -> None:
    dem = Raster(np.zeros((200, 200)), Affine(100, 0, 400_000, 0, -100, 4_300_000), UTM, "m")
    dem.values[0, 0] = 1e-6  # so that the ground is not quite level
    site = gpd.GeoDataFrame(index=["s"], geometry=[shapely.Point(410_050, 4_289_950)], crs=UTM)
    options = {"walk": {"neighbours": neighbours}}
    ((_, time),) = gs.site_times(site.to_crs(4326), dem=dem, options=options)
    made = gs.catchments(time, [1.5])["area_ha"].iloc[0]
    off = made / (np.pi * (FLAT_KMH * 1.5) ** 2 * 100) - 1
    # The polygon between the directions: no larger than the circle, no smaller than inside it.
    assert 1 / (1 + metrication(neighbours)) ** 2 - 1.003 < off < 0.001
    assert off == pytest.approx({8: -0.10, 16: -0.032, 32: -0.0135}[neighbours], abs=0.006)


def test_roads_and_walls_are_followed() -> None:
    dem = hills()
    road = gpd.GeoDataFrame(
        {"class": ["primary"]}, geometry=[shapely.LineString([(76.05, 38.97), (76.25, 38.97)])],
        crs=4326,
    )  # fmt: skip
    wall = gpd.GeoDataFrame(geometry=[shapely.LineString([(76.1, 38.8), (76.1, 39.1)])], crs=4326)
    walk, ride, shut = (
        gs.catchments(gs.travel_allocation(SITES.iloc[:1], dem=dem, **more).time, [1, 2])
        for more in ({}, {"roads": road}, {"barriers": wall})
    )
    assert (ride["area_ha"] > walk["area_ha"] * 1.2).all()
    assert (shut["area_ha"] < walk["area_ha"]).all()
    assert shut.total_bounds[2] <= 76.1 + 0.003


# --- files


def test_time_rasters_are_cogs_with_unit_and_provenance(tmp_path) -> None:
    time = gs.travel_allocation(SITES, dem=hills((600, 700))).time
    data = cog_bytes(time, {"MADE_BY": "geosettle", "DIRECTION": "toward"})
    assert data == cog_bytes(time, {"DIRECTION": "toward", "MADE_BY": "geosettle"})
    (tmp_path / "t.tif").write_bytes(data)
    with rasterio.open(tmp_path / "t.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.dtypes == ("float32",)
        assert np.isnan(file.nodata)
        assert file.units == ("h",)
        assert file.tags()["MADE_BY"] == "geosettle"
        assert file.overviews(1)
        finite = np.isfinite(time.values)
        np.testing.assert_array_equal(file.read(1)[finite], time.values[finite].astype("f4"))


def test_a_file_of_hours_keeps_no_way_and_not_measured_apart(tmp_path) -> None:
    """Hours 1, 2, 3; one cell without a way, one that is closed; ten persons in each."""
    time = grid([[1.0, 2.0, np.inf, np.nan, 3.0]])
    (tmp_path / "t.tif").write_bytes(cog_bytes(time))
    with rasterio.open(tmp_path / "t.tif") as file:
        np.testing.assert_array_equal(file.read(1), time.values)
        found = file.stats(indexes=1)[0]
        assert (found.min, found.max, found.mean) == pytest.approx((1, 3, 2))
    back = gs.read_layer(tmp_path / "t.tif", "time")
    np.testing.assert_array_equal(back.values, time.values)
    assert back.unit == "h"
    assert np.isnan(gs.read_layer(tmp_path / "t.tif", "dem").values[0, 2])  # no height is infinite
    people = grid(np.full((1, 5), 10.0), unit="persons")
    made = gs.population_within(back, people, [2.5]).set_index("reach")["persons"]
    assert made.round(3).to_dict() == {"within": 20, "unreached": 20, "not_measured": 10}


def test_the_page_of_the_guide_is_true() -> None:
    page = Path(__file__).parent.parent / "docs/reach.md"
    outcome = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert outcome.attempted > 10
    assert not outcome.failed


# --- against GRASS


@pytest.mark.skipif(not shutil.which("grass"), reason="GRASS is not installed")
def test_allocation_and_times_are_those_of_grass_r_walk(tmp_path) -> None:
    """r.walk -k with `nearest=`, from three cells outwards, over hills, Langmuir's pace."""
    rows, columns = 80, 110
    y, x = np.mgrid[:rows, :columns]
    height = np.float32(900 + 150 * np.sin(x / 9) * np.cos(y / 7) + 3 * x)
    cells = [(20, 30), (60, 25), (40, 90)]
    starts = np.zeros((rows, columns), dtype=np.int32)
    for number, (row, column) in enumerate(cells, start=1):
        starts[row, column] = number
    height.tofile(tmp_path / "height.bin")
    starts.tofile(tmp_path / "starts.bin")
    box = f"north={rows * 100} south=0 east={columns * 100} west=0 rows={rows} cols={columns}"
    (tmp_path / "run.sh").write_text(
        f"""set -e
cd {tmp_path}
r.in.bin --quiet -f input=height.bin output=height bytes=4 {box}
r.in.bin --quiet input=starts.bin output=starts bytes=4 anull=0 {box}
g.region raster=height
r.mapcalc --quiet "zero = 0.0"
r.walk --quiet -k elevation=height friction=zero output=cost nearest=near start_raster=starts
r.out.bin --quiet input=cost output=cost.bin bytes=8
r.out.bin --quiet -i input=near output=near.bin bytes=4 null=0
"""
    )
    subprocess.run(
        ["grass", "--tmp-location", UTM, "--exec", "sh", str(tmp_path / "run.sh")],
        check=True, capture_output=True,
    )  # fmt: skip
    cost = np.fromfile(tmp_path / "cost.bin").reshape(rows, columns)
    near = np.fromfile(tmp_path / "near.bin", dtype=np.int32).reshape(rows, columns)
    # In the middle of the zone, so that a metre of the map is the same everywhere.
    transform = Affine(100, 0, 320_000, 0, -100, 4_300_000)
    dem = Raster(height.astype(float), transform, UTM, "m")
    lon, lat = dem.centres(*np.transpose(cells))
    sites = gpd.GeoDataFrame(index=["1", "2", "3"], geometry=gpd.points_from_xy(lon, lat), crs=4326)
    options = {"walk": {"model": "naismith_langmuir", "neighbours": 16, "corners": "any"}}
    found = gs.travel_allocation(sites, away=True, dem=dem, options=options)
    # What the projection stretches differs by less than 0.1 %.
    np.testing.assert_allclose(found.time.values * 3600, cost, rtol=2e-3, atol=0.5)
    assert (found.first.values == near).mean() > 0.995
    back = gs.travel_allocation(sites, dem=dem, options=options)
    assert (back.first.values != near).mean() > 0.02  # towards the sites it is another map
