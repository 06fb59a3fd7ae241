"""What must not change: indicators on random studies that are the same study said in another
way.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geosettle.distance import pair_distances
from geosettle.remoteness import remoteness

NUMBERS = ["value", "low", "high"]
KINDS = ["county_seat", "prefecture_seat", "market", "school"]
OPTIONS = {
    "farming_radius_km": {"foot": 0.666, "cart": 2.0, "motor": 4.0},
    "ladder": ("prefecture_seat", "county_seat", "township_seat"),
    "reach_km": [50.0, 200.0],
    "catchment_reach_km": 150.0,
    "gravity_reach_km": 300.0,
}


def frame(ids, lon, lat, name, **columns):
    geometry = gpd.points_from_xy((np.asarray(lon) + 180) % 360 - 180, lat)
    return gpd.GeoDataFrame(
        columns, geometry=geometry, index=pd.Index(ids, name=name), crs="EPSG:4326"
    )


def random_study(seed):
    """Return sites, origins, places and flows around a random place of the Earth, now and then on
    the 180th meridian.
    """
    rng = np.random.default_rng(seed)
    east, north = (180.0, -17.0) if seed % 2 else (rng.uniform(-180, 180), rng.uniform(-60, 60))
    n = {"sites": 4, "origins": 6, "places": 9}

    def around(count):
        return east + rng.normal(0, 0.7, count), north + rng.normal(0, 0.7, count)

    sites = frame(
        [f"S{i}" for i in range(n["sites"])], *around(n["sites"]), "site_id",
        uncertainty_km=rng.uniform(0, 20, n["sites"]).round(1), persons=rng.integers(50, 900, n["sites"]).astype(float),
    )  # fmt: skip
    radius = rng.uniform(0, 10, n["origins"]).round(1)
    origins = frame(
        [f"O{i}" for i in range(n["origins"])],
        *around(n["origins"]),
        "origin_id",
        uncertainty_km=radius,
    )
    places = frame(
        [f"P{i}" for i in range(n["places"])], *around(n["places"]), "place_id",
        kind=[KINDS[i % len(KINDS)] for i in range(n["places"])],
        population=rng.integers(500, 90_000, n["places"]).astype(float),
        supply=np.where(rng.random(n["places"]) < 0.5, rng.integers(1, 99, n["places"]), np.nan),
    )  # fmt: skip
    every = [(f"O{i}", f"S{j}") for i in range(n["origins"]) for j in range(n["sites"])]
    chosen = sorted(rng.choice(len(every), 10, replace=False))
    flows = pd.DataFrame([every[k] for k in chosen], columns=["origin_id", "site_id"])
    return (
        sites,
        origins,
        places,
        flows.assign(households=rng.integers(1, 200, len(flows)).astype(float)),
    )


def measured(sites, origins, places, flows, **options):
    pairs = pair_distances(flows, origins, sites, ("geodesic",))
    return remoteness(pairs, sites, origins, places, **{**OPTIONS, **options})


def numbers(found):
    return found.set_index(["role", "id", "indicator", "metric"])[NUMBERS].sort_index()


@pytest.mark.parametrize("seed", range(4))
def test_merging_two_identical_sites_changes_no_weighted_figure_of_the_study(seed):
    sites, origins, places, flows = random_study(seed)
    twin = sites.loc[["S0"]].rename(index={"S0": "S0b"})
    shared = pd.Series([0.3, 0.7], index=["S0", "S0b"])
    double = pd.concat([sites, twin])
    double.loc[shared.index, "persons"] = sites.loc["S0", "persons"] * shared
    mine = flows["site_id"] == "S0"
    parts = [
        flows[mine].assign(site_id=s, households=flows["households"] * part)
        for s, part in shared.items()
    ]
    split = pd.concat([flows[~mine], *parts], ignore_index=True)
    one, two = (
        numbers(measured(s, origins, places, f)) for s, f in ((sites, flows), (double, split))
    )
    weighted = [
        key for key in one.index
        if key[0] == "study" and "unweighted" not in key[2] and key[2] != "land_gini"
    ]  # fmt: skip
    assert len(weighted) > 10
    np.testing.assert_allclose(one.loc[weighted], two.loc[weighted], rtol=1e-9, atol=1e-9)
    # The interval of the Gini coefficient is searched up to eight flows only; its value has no such
    # bound.
    gini = ("study", "all", "land_gini", "geodesic")
    assert one.loc[gini, "value"] == pytest.approx(two.loc[gini, "value"], abs=1e-12)
    for ident in one.index[(one.index.get_level_values("role") == "site")]:
        per_site = not ident[2].startswith("land_") or ident[1] != "S0"
        if per_site:
            np.testing.assert_allclose(
                one.loc[ident], two.loc[ident], rtol=1e-9, atol=1e-9, err_msg=str(ident)
            )


@pytest.mark.parametrize("seed", range(4))
def test_a_far_centre_changes_nothing_and_any_centre_never_takes_access_away(seed):
    sites, origins, places, flows = random_study(seed)
    far = places.iloc[[0]].rename(index={"P0": "far"})
    x, y = float(far.geometry.x.iloc[0]), float(far.geometry.y.iloc[0])
    far = far.set_geometry(gpd.points_from_xy([(x + 360) % 360 - 180], [-y]), crs="EPSG:4326")
    before = numbers(measured(sites, origins, places, flows))
    after = numbers(measured(sites, origins, pd.concat([places, far]), flows))
    np.testing.assert_allclose(after.loc[before.index], before, rtol=1e-9, atol=1e-9)
    near = (
        places.iloc[[1]]
        .rename(index={"P1": "near"})
        .set_geometry(sites.geometry.iloc[[1]].translate(0.0005).to_numpy(), crs=4326)
    )
    with_near = numbers(measured(sites, origins, pd.concat([places, near]), flows))
    for (role, _, indicator, _), row in with_near.iterrows():
        key = row.name
        if role == "study" or key not in before.index:
            continue
        if indicator.startswith("nearest_"):
            assert (row <= before.loc[key] + 1e-9).all(), key
        elif indicator.startswith("places_within_"):
            assert (row >= before.loc[key]).all(), key


@pytest.mark.parametrize("seed", range(3))
def test_the_scale_of_households_and_of_weights_is_irrelevant(seed):
    sites, origins, places, flows = random_study(seed)
    weights = {"land_mean": 1.0, "aria_style": 2.0}
    one = measured(sites, origins, places, flows, composite_weights=weights)
    more = flows.assign(households=flows["households"] * 37.5)
    two = measured(
        sites, origins, places, more, composite_weights={k: 0.01 * v for k, v in weights.items()}
    )
    np.testing.assert_allclose(numbers(one), numbers(two), rtol=1e-9, atol=1e-9)
    ranks = ["rank_low", "rank_high"]
    pd.testing.assert_frame_equal(one[ranks], two[ranks])


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_is_irrelevant(seed):
    study = random_study(seed)
    rng = np.random.default_rng(seed)
    turned = [f.iloc[rng.permutation(len(f))] for f in study]
    # Sums in another order may differ in the last digits of a float.
    one, two = (
        measured(*s).sort_values(["role", "indicator", "metric", "id"]) for s in (study, turned)
    )
    pd.testing.assert_frame_equal(
        one.reset_index(drop=True), two.reset_index(drop=True), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("seed", range(3))
def test_every_interval_holds_its_value_and_every_gap_has_its_reason(seed):
    found = measured(*random_study(seed))
    known = found[found["value"].notna() & found["low"].notna()]
    assert len(known) > 100
    assert (known["low"] <= known["value"] + 1e-9).all()
    assert (known["value"] <= known["high"] + 1e-9).all()
    assert not np.isinf(found[NUMBERS].to_numpy(float)).any()
    gaps = found[found["value"].isna() | found["low"].isna()]
    assert (gaps["why"].str.len() > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_true_positions_within_their_radii_stay_within_the_intervals(seed):
    # Move every point within its radius: the figures of the true study lie in the intervals of the
    # stated one.
    from geosettle.geodesy import GEOD

    sites, origins, places, flows = random_study(seed)
    rng = np.random.default_rng(seed + 100)

    def moved(points):
        reach = points["uncertainty_km"].to_numpy() * 999 * rng.random(len(points))
        x, y, _ = GEOD.fwd(
            points.geometry.x, points.geometry.y, rng.uniform(0, 360, len(points)), reach
        )
        return points.set_geometry(gpd.points_from_xy(x, y), crs=4326).assign(uncertainty_km=0.0)

    stated = measured(sites, origins, places, flows)
    # Scores relative to the study's own means and extremes move with every other place.
    stated = numbers(
        stated[~stated["indicator"].str.contains("aria|gravity|catchment") & stated["low"].notna()]
    )
    true = numbers(measured(moved(sites), moved(origins), places, flows)).loc[stated.index]
    assert (true["value"] >= stated["low"] - 1e-6).all(), true[true["value"] < stated["low"] - 1e-6]
    assert (true["value"] <= stated["high"] + 1e-6).all(), true[
        true["value"] > stated["high"] + 1e-6
    ]
