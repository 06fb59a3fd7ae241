"""Grids in a projection stay as they are: numbers against independent computations on them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Geod, Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

import geosettle
from geosettle.covers import zonal_statistics
from geosettle.io import read_layer
from geosettle.raster import Raster

GEOD = Geod(ellps="WGS84")
RNG = np.random.default_rng(14)


def lonlat(crs: str, x: object, y: object) -> tuple[np.ndarray, np.ndarray]:
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)


def ground(crs: str, shape: shapely.Geometry) -> float:
    """Hectares of polygons of a projection: short geodesic edges, by GeographicLib's algorithm."""
    total = 0.0
    for part in shapely.get_parts(shape):
        if shapely.get_dimensions(part) == 2:
            edge = shapely.get_coordinates(shapely.segmentize(part.exterior, 50.0))
            total += abs(GEOD.polygon_area_perimeter(*lonlat(crs, *edge.T))[0]) / 1e4
    return total


GRIDS = {
    # far from the central meridian, where the scale is 1.0017; and two that are not conformal, or
    # not true to scale at all
    "UTM": ("EPSG:32643", Affine(1000, 0, 800_000, 0, -1000, 5_000_000)),
    "Web Mercator": ("EPSG:3857", Affine(1500, 0, 1_000_000, 0, -1500, 8_400_000)),
    "Albers": (
        "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +datum=WGS84",
        Affine(1000, 0, -2_600_000, 0, -1000, 4_300_000),
    ),
}
SHAPE = (40, 50)


@pytest.mark.parametrize("name", GRIDS)
def test_class_areas_are_those_of_cells_cut_one_by_one(name: str) -> None:
    crs, t = GRIDS[name]
    values = RNG.integers(1, 4, SHAPE).astype(np.float32)
    centre = lonlat(crs, *(t @ (22.3, 19.1)))
    zone = shapely.Point(centre).buffer(0.12, quad_segs=2)
    dense = shapely.get_coordinates(shapely.segmentize(zone.exterior, 0.001))
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*dense.T)
    drawn = shapely.Polygon(np.column_stack([x, y]))
    expected: dict[str, float] = {}
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            cell = shapely.box(*(t @ (column, row + 1)), *(t @ (column + 1, row)))
            part = shapely.intersection(cell, drawn)
            if not part.is_empty:
                key = str(int(values[row, column]))
                expected[key] = expected.get(key, 0.0) + ground(crs, part)
    raster = Raster(values, t, crs, kind="classes")
    zones = gpd.GeoDataFrame(index=["z"], geometry=[zone], crs="EPSG:4326")
    found = geosettle.overlay_areas(zones, raster).set_index("class")["area_ha"]
    assert found.to_dict() == pytest.approx(expected, rel=3e-5)
    assert found.sum() == pytest.approx(ground(crs, drawn), rel=1e-6)


@pytest.mark.parametrize("name", GRIDS)
def test_walking_is_dijkstra_over_geodesics(name: str) -> None:
    crs, t = GRIDS[name]
    rows, columns = SHAPE
    if name == "UTM":  # so wide that a row's moves differ by 0.2 %
        t = t @ Affine.scale(3)
    height = 1000 + 150 * RNG.random(SHAPE)
    r, c = (g.ravel() for g in np.mgrid[:rows, :columns])
    lon, lat = lonlat(crs, *(t @ (c + 0.5, r + 0.5)))
    tail, head = [], []
    for dr, dc in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        there = (r + dr < rows) & (c + dc < columns) & (c + dc >= 0)
        tail.append((r * columns + c)[there])
        head.append(((r + dr) * columns + c + dc)[there])
    a, b = np.concatenate(tail + head), np.concatenate(head + tail)
    metres = np.asarray(GEOD.inv(lon[a], lat[a], lon[b], lat[b])[2])
    slope = (height.ravel()[b] - height.ravel()[a]) / metres
    seconds = metres / (6 * np.exp(-3.5 * np.abs(slope + 0.05)) / 3.6)
    start = 7 * columns + 3
    expected = dijkstra(coo_array((seconds, (a, b))).tocsr(), indices=start).reshape(SHAPE)
    dem = Raster(height, t, crs, unit="m")
    hours = geosettle.travel_time(dem, [(lon[start], lat[start])], away=True, neighbours=8)
    assert hours.crs == crs
    np.testing.assert_allclose(
        hours.values * 3600, expected, rtol=4e-4 if name == "Albers" else 2e-4
    )


def test_friction_is_added_up_over_true_lengths() -> None:
    crs, t = GRIDS["Web Mercator"]
    raster = Raster(np.full(SHAPE, 2.0), t, crs)
    x, y = lonlat(crs, *(t @ (np.array([10.5, 30.5]), np.array([20.5, 20.5]))))
    cost = geosettle.cost_distance(raster, [(x[0], y[0])])
    true = 2 * GEOD.inv(x[0], y[0], x[1], y[1])[2]
    assert cost.sample(x[1], y[1]) == pytest.approx(true, rel=1e-5)  # 1.5 km, not 0.7 km a cell


def test_places_are_longitude_and_latitude_on_every_grid() -> None:
    for crs, t in GRIDS.values():
        raster = Raster(np.arange(2000.0).reshape(SHAPE), t, crs)
        lon, lat = lonlat(crs, *(t @ (np.array([0.5, 7.2, 49.9]), np.array([0.5, 11.7, 39.9]))))
        assert raster.sample(lon, lat).tolist() == [0, 11 * 50 + 7, 1999]
        row, column = raster.to_grid(lon, lat)
        assert row == pytest.approx([0, 11.2, 39.4], abs=1e-6)
        assert np.column_stack(raster.centres(row, column)) == pytest.approx(
            np.column_stack([lon, lat]), abs=1e-9
        )
        assert np.isnan(raster.sample(0, 0))


def test_the_draped_line_does_not_depend_on_the_extent_of_the_grid() -> None:
    crs, t = GRIDS["UTM"]
    height = 1000 + 200 * RNG.random(SHAPE)
    for where, system in ((t, crs), (Affine(0.01, 0, 76, 0, -0.01, 60), "EPSG:4326")):
        whole = Raster(height, where, system, unit="m")
        part = whole.window(slice(10, 35), slice(5, 45))
        lon, lat = whole.centres([14.2, 30.1], [8.3, 40.7])
        flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
        places = gpd.GeoDataFrame(index=["a", "b"], geometry=shapely.points(lon, lat), crs=4326)
        one, two = (
            geosettle.pair_distances(
                flows, places.iloc[:1], places.iloc[1:], ("surface",), dem=grid
            )
            for grid in (whole, part)
        )
        assert one["surface_km"].iloc[0] == pytest.approx(two["surface_km"].iloc[0], rel=1e-12)
        assert one["ascent_m"].iloc[0] == pytest.approx(two["ascent_m"].iloc[0], rel=1e-9)


def test_a_file_is_read_on_its_own_grid(tmp_path: Path) -> None:
    crs, t = GRIDS["Albers"]
    values = RNG.random(SHAPE).astype(np.float32)
    for flip, name in ((False, "north_up.tif"), (True, "south_up.tif")):
        own = t @ Affine(1, 0, 0, 0, -1, SHAPE[0]) if flip else t
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", height=40, width=50, count=1, dtype="float32",
            crs=crs, transform=own,
        ) as out:  # fmt: skip
            out.write(values[::-1] if flip else values, 1)
        raster = read_layer(tmp_path / name, "ndvi")
        np.testing.assert_array_equal(raster.values, values)
        assert raster.transform.almost_equals(t)
        lon, lat = lonlat(crs, *(t @ (3.5, 5.5)))
        assert raster.sample(lon, lat) == values[5, 3]


# --- cells that a zone covers partly


@pytest.mark.parametrize(("size", "north"), [(1.0, 62.0), (0.25, 61.0), (1.0, 38.0), (0.5, -55.0)])
def test_parts_of_coarse_cells_count_with_their_ground(size: float, north: float) -> None:
    values = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]])
    t = Affine(size, 0, 20, 0, -size, north)
    zone = shapely.Polygon(
        [(20.2 * 1, north - 0.3 * size), (20 + 2.6 * size, north - 1.2 * size),
         (20 + 1.1 * size, north - 2.7 * size)]
    )  # fmt: skip
    expected: dict[str, float] = {}
    for row in range(3):
        for column in range(3):
            cell = shapely.box(*(t @ (column, row + 1)), *(t @ (column + 1, row)))
            part = shapely.intersection(cell, zone)
            if part.area > 0:
                # parallels are no geodesics: short pieces
                edge = shapely.get_coordinates(shapely.segmentize(part.exterior, size / 500))
                area = abs(GEOD.polygon_area_perimeter(*edge.T)[0]) / 1e4
                key = str(int(values[row, column]))
                expected[key] = expected.get(key, 0.0) + area
    zones = gpd.GeoDataFrame(index=["z"], geometry=[zone], crs="EPSG:4326")
    found = geosettle.overlay_areas(zones, Raster(values, t)).set_index("class")["area_ha"]
    assert found.to_dict() == pytest.approx(expected, rel=2e-5)


# --- classes, measurements, counts


def test_counts_are_added_up_and_never_averaged() -> None:
    t = Affine(0.25, 0, 10, 0, -0.25, 13)
    persons = Raster(np.full((12, 12), 3.0), t, kind="counts", source="census")
    whole = gpd.GeoDataFrame(index=["z"], geometry=[shapely.box(10, 10, 13, 13)], crs="EPSG:4326")
    table = zonal_statistics(whole, persons)
    assert table["sum"].tolist() == pytest.approx([432])
    assert "mean" not in table
    assert persons.coarsened(3).values.sum() == 432
    # half of a cell's ground, not of its degrees, has half of its persons
    coarse = Raster(np.array([[100.0]]), Affine(2, 0, 10, 0, -2, 62), kind="counts")
    south = gpd.GeoDataFrame(index=["z"], geometry=[shapely.box(10, 60, 12, 61)], crs="EPSG:4326")
    areas = [
        abs(GEOD.polygon_area_perimeter(*shapely.get_coordinates(
            shapely.segmentize(shapely.box(10, low, 12, 62).exterior, 0.002)).T)[0])
        for low in (60, 61)
    ]  # fmt: skip
    expected = 100 * (1 - areas[1] / areas[0])
    assert zonal_statistics(south, coarse)["sum"].iloc[0] == pytest.approx(expected, rel=1e-5)
    assert expected > 50.5


def test_statistics_of_measurements() -> None:
    values = np.array([[1.0, 5.0, 5.0, 9.0], [np.nan, 2.0, 5.0, 30.0]])
    raster = Raster(values, Affine(0.001, 0, 10, 0, -0.001, 0.001), kind="measurements")
    zone = gpd.GeoDataFrame(
        index=["z"], geometry=[shapely.box(10, -0.001, 10.004, 0.001)], crs="EPSG:4326"
    )
    row = zonal_statistics(zone, raster, quantiles=(0.25,)).iloc[0]
    known = values[np.isfinite(values)]
    assert row["mean"] == pytest.approx(known.mean(), rel=1e-6)
    assert row["variance"] == pytest.approx(known.var(), rel=1e-6)
    assert (row["sum"], row["median"], row["majority"]) == pytest.approx((known.sum(), 5, 5))
    assert (row["minimum"], row["maximum"]) == (1, 30)
    assert row["q25"] == pytest.approx(np.quantile(known, 0.25), abs=1.5)
    assert row["no_data_ha"] == pytest.approx(row["area_ha"] / 7, rel=1e-6)


def test_the_commonest_class_stands_for_several() -> None:
    classes = Raster(
        np.array([[1.0, 2.0, 7.0, np.nan], [2.0, 3.0, np.nan, np.nan]]), Affine.identity(),
        kind="classes",
    )  # fmt: skip
    assert classes.coarsened(2).values.tolist() == [[2.0, 7.0]]
