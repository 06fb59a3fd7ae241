"""Nearest sites against brute force with GeographicLib: points and areas, across the antimeridian,
at the poles.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame, points_from_xy
from pyproj import Geod

import geosettle as gs
from geosettle.distance._solver import geodesic_search
from geosettle.distance._solver.geodesic_search import nearest_points
from geosettle.errors import InputError
from geosettle.geodesy import shortest_m, to_xyz

G = Geod(ellps="WGS84")


def frame(lon, lat, key: str) -> GeoDataFrame:
    ids = pd.Index([f"{key}{i:04d}" for i in range(len(lon))], dtype="str")
    return GeoDataFrame(geometry=points_from_xy(lon, lat), crs=4326, index=ids)


def brute(one, two) -> np.ndarray:
    n, m = len(one[0]), len(two[0])
    ends = np.repeat(one[0], m), np.repeat(one[1], m), np.tile(two[0], n), np.tile(two[1], n)
    return np.asarray(G.inv(*ends)[2]).reshape(n, m)


def cloud(rng: np.random.Generator, where: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    if where == "globe":
        return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    if where == "pole":
        return rng.uniform(-180, 180, n), 90 - np.abs(rng.normal(0, 1, n))
    if where == "antimeridian":
        return (rng.normal(180, 2, n) + 180) % 360 - 180, rng.normal(-17, 2, n)
    if (
        where == "equator"
    ):  # the ellipsoid's curvature differs most between directions: chords mislead most here
        return rng.uniform(-40, 40, n), rng.uniform(-1e-6, 40, n)
    return rng.uniform(73, 85, n), rng.uniform(34, 42, n)


@pytest.mark.parametrize("where", ["globe", "pole", "antimeridian", "equator", "region"])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("compiled", [False, True])
def test_nearest_are_those_of_brute_force(where: str, k: int, compiled: bool, monkeypatch) -> None:
    monkeypatch.setattr(geodesic_search, "COMPILED_FROM", (0, 0) if compiled else (10**9, 10**9))
    monkeypatch.setattr(geodesic_search, "_PLACES", 150)
    rng = np.random.default_rng([ord(c) for c in where])
    one, two = cloud(rng, where, 400), cloud(rng, where, 120)
    i, j, metres = nearest_points(one, two, k=k, max_m=np.inf)
    whole = brute(one, two)
    assert i.tolist() == np.repeat(np.arange(400), k).tolist()
    assert j.reshape(400, k).tolist() == np.argsort(whole, axis=1, kind="stable")[:, :k].tolist()
    assert metres == pytest.approx(np.sort(whole, axis=1)[:, :k].ravel(), abs=1e-4)


def test_two_sites_that_chords_put_in_the_wrong_order() -> None:
    # East along the equator the Earth is flatter than north along the meridian: of two sites 3,000
    # km away, the one to the north has the shorter chord though its geodesic is longer.
    north = G.fwd(0, 0, 0, 3_000_010)[:2]
    east = G.fwd(0, 0, 90, 3_000_000)[:2]
    sites = frame([north[0], east[0]], [north[1], east[1]], "s")
    xyz = [np.array(p) for p in to_xyz([0, north[0], east[0]], [0, north[1], east[1]])]
    assert np.linalg.norm(xyz[1] - xyz[0]) < np.linalg.norm(xyz[2] - xyz[0])
    assert gs.nearest(frame([0], [0], "v"), sites).index.tolist() == [("v0000", "s0001")]


@pytest.mark.parametrize("where", ["globe", "antimeridian", "pole"])
def test_within_a_radius_are_those_of_brute_force(where: str) -> None:
    rng = np.random.default_rng(11)
    one, two = cloud(rng, where, 200), cloud(rng, where, 150)
    whole = brute(one, two)
    limit = float(np.quantile(whole, 0.1))
    table = gs.nearest(frame(*one, "v"), frame(*two, "s"), None, max_km=limit / 1000)
    found = table[table["rank"].notna()]
    assert len(found) == int((whole <= limit).sum())
    assert found["geodesic_km"].max() <= limit / 1000
    alone = table[table["rank"].isna()]
    assert len(alone) == int((whole > limit).all(axis=1).sum())
    assert alone["why"].str.startswith("geodesic_km: no site within").all()
    assert (
        found.groupby("origin_id")["geodesic_km"].apply(lambda s: s.is_monotonic_increasing).all()
    )


def test_ties_go_to_the_smaller_id_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(12)
    lon, lat = cloud(rng, "region", 30)
    sites = frame(np.r_[lon, lon], np.r_[lat, lat], "s")  # every site twice
    villages = frame(*cloud(rng, "region", 50), "v")
    table = gs.nearest(villages, sites, 2)
    first = table[table["rank"] == 1].reset_index()["site_id"]
    assert (first < "s0030").all()
    mixed = gs.nearest(
        villages.sample(frac=1, random_state=1), sites.sample(frac=1, random_state=2), 2
    )
    pd.testing.assert_frame_equal(table, mixed)


def test_areas_are_measured_edge_to_edge() -> None:
    rng = np.random.default_rng(13)
    lon, lat = cloud(rng, "region", 25)
    land = np.array(
        [
            shapely.box(x, y, x + w, y + w)
            for x, y, w in zip(lon, lat, rng.uniform(0.01, 2, 25), strict=True)
        ]
    )
    villages = GeoDataFrame(geometry=land, crs=4326, index=[f"v{i:02d}" for i in range(25)])
    sites = frame(*cloud(rng, "region", 15), "s")
    sites.loc["s0003", "geometry"] = shapely.box(76, 38, 77, 39)
    whole = shortest_m(
        np.repeat(land, 15), np.tile(np.asarray(sites.geometry.array, dtype=object), 25)
    )[0].reshape(25, 15)
    for k in (1, 4):
        table = gs.nearest(villages, sites, k)
        assert table["geodesic_km"].to_numpy() == pytest.approx(
            np.sort(whole, axis=1)[:, :k].ravel() / 1000, abs=1e-4
        )
    close = gs.nearest(villages, sites, None, max_km=100)
    assert close["rank"].notna().sum() == (whole <= 100_000).sum()


def test_nothing_vanishes() -> None:
    villages = GeoDataFrame(
        geometry=[shapely.Point(76, 39), None, shapely.Point(np.nan, 3), shapely.Point()],
        crs=4326,
        index=list("dcba"),
    )
    sites = frame([76, np.nan], [39.5, 1], "s")
    table = gs.nearest(villages, sites, 5)
    assert table.index.get_level_values("origin_id").tolist() == list("abcd")
    assert table["rank"].isna().tolist() == [True, True, True, False]
    assert table["why"].tolist() == ["geodesic_km: position of the origin unknown"] * 3 + [""]
    nowhere = gs.nearest(villages, sites.iloc[1:])
    assert nowhere["why"].iloc[3] == "geodesic_km: no site has a known position"
    assert len(gs.nearest(villages.iloc[:0], sites)) == 0
    assert len(gs.nearest(villages, sites.iloc[:0])) == 4


@pytest.mark.parametrize("call", [{"k": 0}, {"k": None}, {"k": 1, "max_km": -1}])
def test_calls_without_meaning_are_refused(call: dict[str, int]) -> None:
    places = frame([76], [39], "s")
    with pytest.raises(InputError):
        gs.nearest(places, places, **call)


@pytest.mark.parametrize("limit_km", [30.0, 400.0, 6_000.0])
def test_compiled_search_within_a_radius_finds_those_of_brute_force(
    limit_km: float, monkeypatch
) -> None:
    monkeypatch.setattr(geodesic_search, "COMPILED_FROM", (0, 0))
    rng = np.random.default_rng(17)
    lon, lat = cloud(rng, "globe", 60)
    close = cloud(rng, "region", 60)
    one, two = (
        (np.r_[lon, close[0]], np.r_[lat, close[1]]),
        (np.r_[close[0][::2], lon[:9]], np.r_[close[1][::2], lat[:9]]),
    )
    i, j, metres = nearest_points(one, two, k=4, max_m=limit_km * 1000)
    whole = brute(one, two)
    want = np.sort(whole, axis=1)[:, :4]
    assert np.bincount(i, minlength=120).tolist() == (want <= limit_km * 1000).sum(axis=1).tolist()
    assert metres == pytest.approx(want[want <= limit_km * 1000], abs=1e-4)
    assert whole[i, j] == pytest.approx(metres, abs=1e-4)
