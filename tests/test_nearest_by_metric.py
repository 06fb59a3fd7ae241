"""Nearest sites by walking, surface and travel: what the full matrix gives, from fewer pairs."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

import geosettle as gs
from geosettle.distance import METRICS, distance_matrix, terrain
from geosettle.distance._solver import cost_grid
from geosettle.distance._solver.cost import Prepared
from geosettle.raster import Raster

CELL, ROWS, COLUMNS = 0.01, 40, 60


def dem(rng: np.random.Generator, *, projected: bool, holes: float) -> Raster:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    heights = 800 + 400 * np.sin(x / 6) * np.cos(y / 5) + rng.uniform(0, 60, x.shape)
    heights[rng.random(x.shape) < holes] = np.nan
    if projected:
        return Raster(
            heights, Affine(900, 0, 480_000, 0, -1100, 4_320_000), crs="EPSG:32644", unit="m"
        )
    return Raster(heights, Affine(CELL, 0, 76, 0, -CELL, 39), unit="m")


def places(rng: np.random.Generator, ground: Raster, n: int, key: str) -> gpd.GeoDataFrame:
    """Points, one of them twice, some areas, one unknown and one outside the grid."""
    lon, lat = ground.centres(rng.uniform(0, ROWS - 1, n), rng.uniform(0, COLUMNS - 1, n))
    shapes = [shapely.Point(p) for p in zip(lon, lat, strict=True)]
    for i in range(0, n, 5):
        shapes[i] = shapely.box(lon[i], lat[i], lon[i] + 0.03, lat[i] + 0.02)
    if n > 4:
        shapes[2], shapes[3], shapes[4] = shapes[1], None, shapely.Point(70, 30)
    ids = [f"{key}{i:02d}" for i in range(n)]
    return gpd.GeoDataFrame(geometry=shapes, crs=4326, index=ids)


def by_matrix(matrix: pd.DataFrame, k: int | None, limit: float) -> list[tuple[str, str, float]]:
    """Nearest of every origin from the full matrix, in plain Python."""
    out = []
    for origin, row in matrix.iterrows():
        near = sorted((v, s) for s, v in row.items() if np.isfinite(v) and v <= limit)
        out += [(origin, s, v) for v, s in near[:k]]
    return out


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    metric=st.sampled_from(["walk", "surface", "travel"]),
    k=st.sampled_from([1, 2, 5, None]),
    share=st.sampled_from([0.05, 0.3, np.inf]),
    n=st.integers(1, 12),
    m=st.integers(1, 12),
    projected=st.booleans(),
    holes=st.sampled_from([0.0, 0.1, 0.4]),
)
def test_the_result_is_that_of_the_full_matrix(  # noqa: PLR0917
    seed, metric, k, share, n, m, projected, holes
):
    rng = np.random.default_rng(seed)
    ground = dem(rng, projected=projected, holes=holes)
    origins, sites = places(rng, ground, n, "o"), places(rng, ground, m, "s")
    layers = {"dem": ground}
    if metric == "travel":
        ends = np.column_stack(ground.centres(np.array([5, 35]), np.array([4, 50])))
        layers["roads"] = gpd.GeoDataFrame(geometry=[shapely.LineString(ends)], crs=4326)
    if metric == "walk" and seed % 2:
        ends = np.column_stack(ground.centres(np.array([2, 37]), np.array([40, 9])))
        layers["barriers"] = gpd.GeoDataFrame(geometry=[shapely.LineString(ends)], crs=4326)
    matrix = distance_matrix(origins, sites, metric, **layers)
    limit = share * np.nanmax(np.r_[matrix.to_numpy().ravel(), 1e-3])
    if k is None and np.isinf(limit):
        return
    given_limit = {} if np.isinf(limit) else {f"max_{METRICS[metric].unit}": limit}
    table = gs.nearest(origins, sites, k, metric=metric, **given_limit, **layers)
    found = table[table["rank"].notna()].reset_index()
    value = METRICS[metric].value
    assert list(
        found[["origin_id", "site_id", value]].itertuples(index=False, name=None)
    ) == by_matrix(matrix, k, limit)
    lonely = set(origins.index) - set(found["origin_id"])
    assert set(table[table["rank"].isna()].index.get_level_values(0)) == lonely


@pytest.mark.parametrize("metric", ["walk", "surface"])
def test_work_follows_the_answer(metric: str, monkeypatch) -> None:
    rng = np.random.default_rng(5)
    ground = dem(rng, projected=False, holes=0.0)
    lon, lat = ground.centres(rng.uniform(1, 38, 240), rng.uniform(1, 58, 240))
    every = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(lon, lat), crs=4326, index=[f"{i:03d}" for i in range(240)]
    )
    origins, sites = every[:40], every[40:]
    measured: list[int] = []

    def counted(*args):
        measured.append(len(args[2]))
        return METRICS_BEFORE.pairs(*args)

    METRICS_BEFORE = METRICS[metric]
    monkeypatch.setitem(METRICS, metric, dataclasses.replace(METRICS_BEFORE, pairs=counted))
    gs.nearest(origins, sites, 2, metric=metric, dem=ground)
    assert sum(measured) < 0.25 * len(origins) * len(sites)


@pytest.mark.parametrize("exact", [10_000, 4_000_000])  # windows have the precision of the whole
def test_searches_stay_where_the_limit_lets_them(exact: int, monkeypatch) -> None:
    monkeypatch.setattr(cost_grid, "EXACT_CELLS", exact)
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:300, :400]
    heights = 500 + 200 * np.sin(x / 9) * np.cos(y / 7) + rng.uniform(0, 20, x.shape)
    ground = Raster(heights, Affine(CELL, 0, 76, 0, -CELL, 41), unit="m")
    lon, lat = ground.centres(rng.uniform(20, 60, 30), rng.uniform(20, 380, 30))
    every = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(lon, lat), crs=4326, index=[f"{i:02d}" for i in range(30)]
    )
    origins, sites = every[:20], every[20:]
    sizes: list[int] = []

    def seen(grid):
        sizes.append(grid.closed.size)
        return Prepared(grid)

    monkeypatch.setattr(terrain, "Prepared", seen)
    wall = [shapely.LineString([(lon[i] + 0.011, 38), (lon[i] + 0.012, 42)]) for i in (0, 9)]
    layers = {"dem": ground, "barriers": gpd.GeoDataFrame(geometry=wall, crs=4326)}
    table = gs.nearest(origins, sites, None, metric="walk", max_h=3, **layers)
    assert sizes
    assert max(sizes) < heights.size / 8
    matrix = distance_matrix(origins, sites, "walk", **layers)
    found = table[table["rank"].notna()].reset_index()
    assert list(
        found[["origin_id", "site_id", "walk_out_h"]].itertuples(index=False, name=None)
    ) == by_matrix(matrix, None, 3)
    assert len(found) > 5
