"""Geodesic distances against GeographicLib: published cases, the whole Earth, the antipode, areas,
matrices.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame, points_from_xy
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

import geosettle as gs
from geosettle.distance import distance_table, pair_distances
from geosettle.distance._solver import geodesic, geodesic_compiled, geodesic_engine
from geosettle.errors import InputError, OutputError, UnknownNameError

G = Geod(ellps="WGS84")
TENTH_MM = 1e-4


def sphere(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def test_published_cases_of_geographiclib() -> None:
    from geographiclib.test.test_geodesic import (
        GeodesicTest,  # lat1 lon1 azi1 lat2 lon2 azi2 s12 ...
    )

    cases = np.array(GeodesicTest.testcases)
    many = np.repeat(
        cases, 2000, axis=0
    )  # enough for the series, not only GeographicLib itself, to be tried
    assert len(many) > geodesic_engine.NUMPY_FROM
    found = gs.geodesic_distance(many[:, 1], many[:, 0], many[:, 4], many[:, 3])
    assert np.abs(found - many[:, 6]).max() < TENTH_MM
    assert (
        np.abs(
            gs.geodesic_distance(cases[:, 1], cases[:, 0], cases[:, 4], cases[:, 3]) - cases[:, 6]
        ).max()
        < 1e-7
    )


# lat1 lon1 lat2 lon2 s12 and half of its last digit: GeodSolve4, 6, 9, 10, 11, 33 of
# GeographicLib's tests.
ANTIPODAL = np.array(
    [
        [36.493349428792, 0, 36.49334942879201, 0.0000008, 0.072, 5e-4],
        [88.202499451857, 0, -88.202499451857, 179.981022032992859592, 20003898.214, 5e-4],
        [89.262080389218, 0, -89.262080389218, 179.992207982775375662, 20003925.854, 5e-4],
        [89.333123580033, 0, -89.333123580032997687, 179.99295812360148422, 20003926.881, 5e-4],
        [56.320923501171, 0, -56.320923501171, 179.664747671772880215, 19993558.287, 5e-4],
        [52.784459512564, 0, -52.784459512563990912, 179.634407464943777557, 19991596.095, 5e-4],
        [48.522876735459, 0, -48.52287673545898293, 179.599720456223079643, 19989144.774, 5e-4],
        [0, 0, 0, 179, 19926189, 0.5],
        [0, 0, 0, 179.5, 19980862, 0.5],
        [0, 0, 0, 180, 20003931, 0.5],
        [0, 0, 1, 180, 19893357, 0.5],
    ]
)


@pytest.mark.parametrize("times", [1, 4000])
def test_published_cases_near_the_antipode(times: int) -> None:
    many = np.repeat(ANTIPODAL, times, axis=0)
    found = gs.geodesic_distance(many[:, 1], many[:, 0], many[:, 3], many[:, 2])
    assert (np.abs(found - many[:, 4]) <= many[:, 5] + TENTH_MM).all()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, 1e4, 1e6, 5e6, 2e7])
def test_any_two_points_within_a_tenth_of_a_millimetre(scale: float) -> None:
    rng = np.random.default_rng(int(scale * 1000))
    n = 60_000
    lon1, lat1 = sphere(rng, n)
    lon2, lat2, _ = G.fwd(lon1, lat1, rng.uniform(0, 360, n), scale * rng.random(n))
    found = gs.geodesic_distance(lon1, lat1, lon2, lat2)
    assert np.abs(found - G.inv(lon1, lat1, lon2, lat2)[2]).max() < TENTH_MM


def test_bands_around_the_antipode_within_a_tenth_of_a_millimetre() -> None:
    rng = np.random.default_rng(3)
    n = 60_000
    lon1, lat1 = sphere(rng, n)
    lon1[::3], lat1[::7] = 0.0, 0.0  # meridians and the equator
    away = 10 ** rng.uniform(0, 6.3, n)
    lon2, lat2, _ = G.fwd((lon1 + 360) % 360 - 180, -lat1, rng.uniform(0, 360, n), away)
    found = gs.geodesic_distance(lon1, lat1, lon2, lat2)
    assert np.abs(found - G.inv(lon1, lat1, lon2, lat2)[2]).max() < TENTH_MM


def test_the_series_hold_as_far_as_they_say() -> None:
    rng = np.random.default_rng(4)
    n = 200_000
    lon1, lat1 = sphere(rng, n)
    lon2, lat2, _ = G.fwd(lon1, lat1, rng.uniform(0, 360, n), 2_580_000 * np.sqrt(rng.random(n)))
    true = np.asarray(G.inv(lon1, lat1, lon2, lat2)[2])
    ends = geodesic.halved(lon1, lat1), geodesic.halved(lon2, lat2)
    holds = geodesic.squares(*ends[0], *ends[1])[0] <= geodesic.NEAR_U
    assert 0.97 < holds.mean() < 1
    assert np.abs(geodesic.near(*ends[0], *ends[1]) - true)[holds].max() < 2e-6
    lon2, lat2 = sphere(rng, n)
    true = np.asarray(G.inv(lon1, lat1, lon2, lat2)[2])
    length, left = geodesic.far(
        *geodesic.half_angles(*geodesic.prepare(lon1, lat1), *geodesic.prepare(lon2, lat2))
    )
    usable = left > geodesic.ANTIPODE
    assert 0.997 < usable.mean() < 0.999
    assert np.abs(length - true)[usable].max() < 4e-5


def test_compiled_and_plain_formulas_agree() -> None:
    # Also finds compiled code that was kept on disk from an older state of the formulas.
    rng = np.random.default_rng(6)
    for spread in (10.0, 180.0):
        lon, lat = rng.uniform(-spread, spread, 200), rng.uniform(-spread / 2, spread / 2, 200)
        out = np.empty((200, 200))
        if spread < 20:
            ready = geodesic.halved(lon, lat)
            geodesic_compiled.rows_near(ready, ready, 1.0, out)
            plain = geodesic.near(*ready[:, :, None], *ready[:, None, :])
        else:
            ready = geodesic.prepare(lon, lat)
            geodesic_compiled.rows_far(ready, ready, 1.0, geodesic.ANTIPODE, out)
            length, left = geodesic.far(
                *geodesic.half_angles(*ready[:, :, None], *ready[:, None, :])
            )
            plain = np.where(left > geodesic.ANTIPODE, length, -1.0)
        assert np.abs(out - plain).max() < 1e-6


@pytest.mark.parametrize("spread", [8.0, 180.0])
@pytest.mark.parametrize("from_pairs", [0, 10**9])
def test_matrix_is_the_same_whichever_way_it_is_computed(
    spread: float, from_pairs: int, monkeypatch
) -> None:
    monkeypatch.setattr(geodesic_engine, "COMPILED_FROM", from_pairs)
    monkeypatch.setattr(geodesic_engine, "_ROWS", 3_000)
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(-spread, spread, 300), rng.uniform(-spread / 2, spread / 2, 300)
    lon[:2], lat[:2] = (0, 179.9), (10, -10)  # one pair near the antipode
    if spread < 20:
        lon[1], lat[1] = 1, 1
    found = gs.geodesic_distance(lon[:, None], lat[:, None], lon, lat)
    true = np.asarray(
        G.inv(np.repeat(lon, 300), np.repeat(lat, 300), np.tile(lon, 300), np.tile(lat, 300))[2]
    )
    assert np.abs(found.ravel() - true).max() < TENTH_MM
    assert np.diag(found).max() < 1e-8


def test_missing_coordinates_give_missing_distances_in_every_shape() -> None:
    rng = np.random.default_rng(8)
    for n in (5, 300):
        lon, lat = sphere(rng, n)
        lon[1], lat[3] = np.nan, np.nan
        whole = gs.geodesic_distance(lon[:, None], lat[:, None], lon[None], lat[None])
        gone = np.isnan(lon) | np.isnan(lat)
        assert (np.isnan(whole) == (gone[:, None] | gone)).all()
        assert np.isnan(gs.geodesic_distance(lon, lat, 0, 0)).tolist() == gone.tolist()
    assert gs.geodesic_distance(76, 39, 77, 39).shape == ()
    assert gs.geodesic_distance([], [], [], []).shape == (0,)


@pytest.mark.parametrize("bad", [{"lat": 90.5}, {"lon": np.inf}])
def test_what_is_not_on_earth_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"pole|infinite"):
        gs.geodesic_distance(bad.get("lon", 0), bad.get("lat", 0), [0, 1], [0, 1])


@settings(max_examples=60, deadline=None)
@given(*[st.floats(-180, 180), st.floats(-90, 90)] * 2, st.integers(-2, 2))
def test_distance_is_symmetric_and_turns_do_not_matter(lon1, lat1, lon2, lat2, turns) -> None:
    there = gs.geodesic_distance(lon1, lat1, lon2, lat2)
    assert gs.geodesic_distance(lon2, lat2, lon1, lat1) == pytest.approx(there, abs=2e-8)
    assert gs.geodesic_distance(lon1 + 360 * turns, lat1, lon2, lat2) == pytest.approx(
        there, abs=1e-6
    )


# --- frames
# ----------------------------------------------------------------------------------------------------------


def frame(lon, lat, key: str, **columns) -> GeoDataFrame:
    ids = pd.Index([f"{key}{i}" for i in range(len(lon))], dtype="str")
    return GeoDataFrame(columns, geometry=points_from_xy(lon, lat), crs=4326, index=ids)


def test_matrix_streams_in_blocks() -> None:
    rng = np.random.default_rng(9)
    origins, sites = frame(*sphere(rng, 25), "o"), frame(*sphere(rng, 7), "s")
    whole = gs.distance_matrix(origins, sites)
    parts: list[pd.DataFrame] = []
    empty = gs.distance_matrix(origins, sites, sink=parts.append, block_cells=30)
    assert [len(p) for p in parts] == [4, 4, 4, 4, 4, 4, 1]
    pd.testing.assert_frame_equal(pd.concat(parts), whole)
    assert empty.shape == (0, 7)


def test_matrix_streams_to_a_file_that_is_whole_or_not_there(tmp_path) -> None:
    rng = np.random.default_rng(9)
    origins, sites = frame(*sphere(rng, 25), "o"), frame(*sphere(rng, 7), "s")
    path = tmp_path / "matrix.parquet"
    gs.distance_matrix(origins, sites, out=path, block_cells=30)
    pd.testing.assert_frame_equal(
        pd.read_parquet(path), gs.distance_matrix(origins, sites), check_names=False
    )
    before = path.read_bytes()
    with pytest.raises(TypeError):
        gs.distance_matrix(origins, sites, out=path, block_cells=30, demm=None)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["matrix.parquet"]
    with pytest.raises(OutputError):
        gs.distance_matrix(origins, sites, out=tmp_path / "missing" / "matrix.parquet")


def test_matrix_of_areas_is_measured_edge_to_edge() -> None:
    land = GeoDataFrame(
        geometry=[shapely.box(76, 39, 76.1, 39.1), None], crs=4326, index=["v", "w"]
    )
    sites = frame([76.05, 76.3], [39.05, 39.05], "s")
    found = gs.distance_matrix(land, sites)
    assert found.loc["v", "s0"] == 0
    # The edge is the meridian 76.1; from its east the nearest point lies very slightly poleward of
    # the same latitude.
    assert found.loc["v", "s1"] == pytest.approx(
        G.inv(76.1, 39.05, 76.3, 39.05)[2] / 1000, rel=1e-5
    )
    assert found.loc["w"].isna().all()


def test_pairs_carry_bounds_bearing_flags_and_reasons() -> None:
    origins = frame(
        [76.0, np.nan, 76.0], [39.0, np.nan, 39.0], "o", uncertainty_km=[5.0, 1.0, np.nan]
    )
    origins["geometry_basis"] = ["surveyed", "surveyed", "illustrative"]
    sites = frame([77.0, 76.0], [39.0, 39.0], "s", uncertainty_km=[2.0, 60.0])
    flows = pd.DataFrame(
        {
            "origin_id": ["o0", "o0", "o1", "o2", "o2", "x"],
            "site_id": ["s0", "s1", "s0", "s0", "y", "s0"],
            "declared_km": [79.0, np.nan, 10.0, 90.0, 1.0, 1.0],
            "used_to_place": ["false", "true", "", "no", "no", "no"],
        }
    )
    table = pair_distances(flows, origins, sites)
    straight = G.inv(76, 39, 77, 39)[2] / 1000  # 86.626 km
    first = table.loc[("o0", "s0")]
    assert first["geodesic_km"] == pytest.approx(straight, abs=1e-9)
    assert first["geodesic_low_km"] == pytest.approx(straight - 7)
    assert first["geodesic_high_km"] == pytest.approx(straight + 7)
    assert first["bearing_deg"] == pytest.approx(G.inv(76, 39, 77, 39)[0])
    assert (
        first["flags"] == "declared_shorter_than_straight;declared_detour_outside_range"
    )  # 79 < 86.6 - 7 = 79.6
    assert first["why"] == ""
    same = table.loc[("o0", "s1")]
    assert same["geodesic_km"] == 0
    assert same["geodesic_low_km"] == 0
    assert same["geodesic_high_km"] == pytest.approx(65)
    assert same["why"].startswith("bearing_deg: ")
    assert same["flags"] == "position_rough;used_to_place"
    assert "position of the origin unknown" in table.loc[("o1", "s0"), "why"]
    assert pd.isna(table.loc[("o1", "s0"), "geodesic_km"])
    assert (
        table.loc[("o2", "s0"), "flags"] == "illustrative_position"
    )  # 90 km is within the range, with no radius at o2
    assert "no site has the id y" in table.loc[("o2", "y"), "why"]
    assert "no origin has the id x" in table.loc[("x", "s0"), "why"]
    unnamed = pair_distances(pd.DataFrame({"origin_id": ["o0"], "site_id": [None]}), origins, sites)
    assert unnamed["why"].tolist() == ["no site is named"]


def test_declared_bounds_are_heeded_as_the_source_words_them() -> None:
    origins, sites = frame([76.0], [39.0], "o"), frame([77.0], [39.0], "s")  # 86.6 km apart
    rows = [
        {"declared_km": 80.0, "declared_high_km": 90.0},  # may be 90: possible
        {"declared_km": 80.0, "declared_bound": "at least"},
        {"declared_km": 80.0, "declared_bound": "at most"},
        {
            "declared_km": np.nan,
            "declared_low_km": 10.0,
            "declared_high_km": 20.0,
        },  # of something else
        {"declared_km": 300.0},  # 3.46 times the straight line
        {"declared_km": 300.0, "declared_low_km": 200.0},
    ]
    flows = pd.DataFrame(rows).assign(origin_id="o0", site_id="s0", year=range(2000, 2006))
    impossible = "declared_shorter_than_straight;declared_detour_outside_range"
    table = pair_distances(flows, origins, sites)
    assert table["year"].tolist() == list(range(2000, 2006))
    assert table["flags"].tolist() == ["", "", impossible, "", "declared_detour_outside_range", ""]


def test_pairs_do_not_depend_on_order_or_labels_and_leave_arguments_alone() -> None:
    rng = np.random.default_rng(10)
    origins, sites = frame(*sphere(rng, 6), "o"), frame(*sphere(rng, 4), "s")
    flows = pd.DataFrame(
        {
            "origin_id": rng.choice(origins.index, 20),
            "site_id": rng.choice(sites.index, 20),
            "year": 2000,
        }
    )
    before = flows.copy(), origins.copy(), sites.copy()
    table = pair_distances(flows, origins, sites)
    mixed = pair_distances(
        flows.sample(frac=1, random_state=1), origins.iloc[::-1], sites.iloc[::-1]
    )
    pd.testing.assert_frame_equal(table, mixed)
    projected = pair_distances(flows, origins.to_crs("EPSG:6933"), sites)
    np.testing.assert_allclose(projected["geodesic_km"], table["geodesic_km"], atol=1e-6)
    for old, now in zip(before, (flows, origins, sites), strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(old), pd.DataFrame(now))
    assert len(table) == 20
    assert pair_distances(flows[:0], origins, sites).shape[0] == 0


def test_table_takes_flows_nearest_within_or_all() -> None:
    origins, sites = (
        frame([76, 77, 0], [39, 39, 0], "o"),
        frame([76.1, 77.1, 80], [39, 39, 39], "s"),
    )
    assert len(distance_table(origins, sites)) == 9
    two = distance_table(origins, sites, nearest=2)
    assert two["rank"].tolist() == [1, 2, 1, 2, 1, 2]
    close = distance_table(origins, sites, within_km=10)
    assert close.index.tolist() == [("o0", "s0"), ("o1", "s1"), ("o2", "")]
    assert close["why"].iloc[2] == "geodesic_km: no site within 10 km"
    flows = pd.DataFrame({"origin_id": ["o1"], "site_id": ["s2"]})
    assert distance_table(origins, sites, flows=flows).index.tolist() == [("o1", "s2")]
    with pytest.raises(InputError):
        distance_table(origins, sites, flows=flows, nearest=1)


def test_bad_input_gets_one_clear_message() -> None:
    good = frame([76], [39], "a")
    with pytest.raises(UnknownNameError, match="geodesic"):
        gs.distance_matrix(good, good, "crow")
    with pytest.raises(InputError, match="reference system"):
        gs.distance_matrix(good.set_crs(None, allow_override=True), good)
    with pytest.raises(InputError, match="occurs twice"):
        gs.distance_matrix(pd.concat([good, good]), good)
    with pytest.raises(InputError, match="beyond the poles"):
        gs.distance_matrix(frame([39], [176], "a"), good)
    with pytest.raises(InputError, match="positions"):
        gs.distance_matrix(pd.DataFrame({"name": ["a"]}), good)
    with pytest.raises(InputError, match="site_id"):
        pair_distances(pd.DataFrame({"origin_id": ["a0"]}), good, good)
    assert gs.distance_matrix(pd.DataFrame({"lon": [76.0], "lat": [39.0]}), good).iloc[0, 0] == 0
