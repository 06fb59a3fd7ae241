"""Boundaries of thousands of islands: measured piece by piece, with the same values as at once."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geosettle.geodesy import area_m2
from geosettle.io import check_layer, check_path
from geosettle.io.area_checks import areas_beyond


@pytest.mark.parametrize("seed", range(20))
def test_area_beyond_others_is_that_of_the_difference_from_their_union(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = np.array([
        shapely.union_all([shapely.box(x, y, x + w, y + w)
                           for x, y, w in rng.random((rng.integers(1, 7), 3)) * [5, 5, 2]])
        for _ in range(6)
    ])  # fmt: skip
    for covers in (shapes[3:], shapes[[0, 4]], shapes[:0]):
        expected = area_m2(shapely.difference(shapes[:3], shapely.union_all(covers)))
        assert areas_beyond(shapes[:3], covers) == pytest.approx(expected, rel=1e-9, abs=1)


def test_faults_of_a_country_of_islands_are_found(tmp_path: Path) -> None:
    """Two provinces of one mainland with a lake that belongs to neither, and 400 islands."""
    rows, columns = np.divmod(np.arange(400), 20)
    isles = shapely.box(
        columns * 0.05 + 18.5, rows * 0.05 + 10, columns * 0.05 + 18.52, rows * 0.05 + 10.02
    )
    lake = shapely.box(20.95, 10.4, 21.05, 10.6)
    west = shapely.union_all([shapely.box(20, 10, 21, 11), *isles[:399]]).difference(lake)
    east = shapely.box(21, 10, 22, 11).difference(lake)
    land = shapely.union_all([shapely.box(20, 10, 22, 11), *isles])
    stray = shapely.union_all([shapely.box(23, 10, 24, 11), shapely.box(29, 15, 29.1, 15.1)])
    frame = gpd.GeoDataFrame(
        {"code": ["L", "W", "E", "X"], "name": ["Land", "West", "East", "Out"],
         "level": ["country", "province", "province", "province"],
         "parent_code": [None, "L", "L", "L"]},
        geometry=[land, west, east, stray], crs=4326,
    )  # fmt: skip
    frame.to_file(tmp_path / "units.geojson", driver="GeoJSON")
    problems = check_path(tmp_path / "units.geojson", "boundaries")["problems"]
    hole, isle = area_m2([lake, isles[399]]) / 1e6
    texts = [p["message"] for p in problems]
    assert any(f"a gap of {hole:.3g} km²" in text for text in texts), texts
    assert any("100% of Out is outside Land" in text for text in texts), texts
    bare = f"{hole + isle:.3g} km² of Land belong to none"
    assert any(bare in text for text in texts), texts


def test_a_vertex_astray_is_found_in_any_ring() -> None:
    isles = [shapely.box(x / 50, 0, x / 50 + 0.01, 0.01) for x in range(200)]
    hook = shapely.Polygon([(0, 2), (0.001, 2), (0.001, 2.001), (60, 2.0005), (0, 2.001)])
    shape = shapely.MultiPolygon([*isles, hook])
    frame = gpd.GeoDataFrame({"code": ["A"], "name": ["A"], "level": ["x"]},
                             geometry=[shape], crs=4326)  # fmt: skip
    _, problems = check_layer(frame, "boundaries")
    assert [p.value for p in problems if p.code == "vertex_far"] == ["60, 2.0005"]
