"""Masking: what must be hidden is, the same in every run, and the error it adds is stated."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from geosettle.errors import InputError
from geosettle.masking import Masking, mask_study
from geosettle.study import Study

GEOD = Geod(ellps="WGS84")
KEY = b"a key that only the owner has"


@pytest.fixture
def study() -> Study:
    """Six origins 5 km apart on a meridian, 3 to 90 households each, and one far away; two
    sites.
    """
    lat = [39 + 0.045 * i for i in range(6)] + [45.0]
    origins = gpd.GeoDataFrame(
        {
            "name": [f"Village {i}" for i in range(7)],
            "note": "at the mill",
            "uncertainty_km": [1.0] * 6 + [np.nan],
        },
        geometry=[shapely.Point(76, y) for y in lat],
        crs=4326,
        index=pd.Index([f"6530{i}" for i in range(7)], name="origin_id"),
    )
    flows = pd.DataFrame(
        {
            "origin_id": origins.index,
            "site_id": ["S1"] * 4 + ["S2"] * 3,
            "households": [3.0, 10.0, 20.0, 90.0, 40.0, np.nan, 6.0],
            "persons": [12.0, 44.0, 80.0, 400.0, 170.0, np.nan, 25.0],
            "declared_km": 50.0,
            "source": "a report",
        }
    )
    sites = gpd.GeoDataFrame(
        {"name": ["A", "B"], "households": [123.0, 4.0]},
        geometry=[shapely.Point(77, 39)] * 2,
        crs=4326,
        index=pd.Index(["S1", "S2"], name="site_id"),
    )
    return Study(sites=sites, origins=origins, flows=flows)


def pairing(study: Study, masked: Study) -> pd.DataFrame:
    """Old and new position of each origin; flows keep their order, so they tell which is which."""
    old = study.origins.loc[study.flows["origin_id"]]
    new = masked.origins.loc[masked.flows["origin_id"]]
    return pd.DataFrame(
        {
            "old": old.index,
            "new": new.index,
            "before": old.geometry.to_numpy(),
            "after": new.geometry.to_numpy(),
            "added": new["uncertainty_km"].to_numpy() - old["uncertainty_km"].to_numpy(),
        }
    )


def test_large_origins_stay_and_small_ones_move_within_the_stated_error(study: Study) -> None:
    both = pairing(study, mask_study(study, Masking(30, KEY)))
    kept = both[both["old"] == both["new"]]
    assert kept["old"].tolist() == ["65303", "65304"]
    assert all(a.equals(b) for a, b in zip(kept["before"], kept["after"], strict=True))
    moved = both[(both["old"] != both["new"]) & both["after"].notna()]
    assert len(moved) == 4
    for row in moved.itertuples():
        km = GEOD.inv(row.before.x, row.before.y, row.after.x, row.after.y)[2] / 1000
        assert 0.3 * row.added - 0.01 <= km <= row.added + 0.01


def test_enough_households_left_the_disc_of_every_masked_origin(study: Study) -> None:
    both = pairing(study, mask_study(study, Masking(30, KEY)))
    counts = study.flows.set_index("origin_id")["households"].fillna(0)
    for row in both[both["added"] > 0].itertuples():
        inside = [
            name
            for name, point in study.origins.geometry.items()
            if GEOD.inv(row.before.x, row.before.y, point.x, point.y)[2] / 1000 <= row.added + 1e-6
        ]
        assert counts[inside].sum() >= 30


def test_position_is_withheld_where_no_disc_holds_enough(study: Study) -> None:
    both = pairing(study, mask_study(study, Masking(30, KEY))).set_index("old")
    assert both.loc["65306", "after"] is None


def test_same_key_same_place_and_another_key_another(study: Study) -> None:
    first, second = mask_study(study, Masking(30, KEY)), mask_study(study, Masking(30, KEY))
    assert first.origins.geometry.to_wkt().tolist() == second.origins.geometry.to_wkt().tolist()
    other = mask_study(study, Masking(30, KEY + b"!"))
    assert set(first.origins.index) & set(other.origins.index) == {"65303", "65304"}


def test_row_order_does_not_matter(study: Study) -> None:
    turned = replace(study, origins=study.origins.iloc[::-1], flows=study.flows.iloc[::-1])
    a, b = mask_study(study, Masking(30, KEY)).origins, mask_study(turned, Masking(30, KEY)).origins
    assert a.to_wkt().equals(b.to_wkt())


def test_nothing_that_names_a_masked_origin_survives(study: Study) -> None:
    masked = mask_study(study, Masking(30, KEY))
    text = masked.origins.to_csv() + masked.flows.to_csv()
    for secret in ("Village 0", "65300", "Village 6", "65306"):
        assert secret not in text
    small = ~masked.flows["origin_id"].isin(study.origins.index)
    assert masked.flows.loc[small, "declared_km"].isna().all()
    assert masked.flows.loc[small, "source"].isna().all()


def test_a_single_suppressed_count_takes_the_next_with_it(study: Study) -> None:
    masked = mask_study(study, Masking(30, KEY))
    # S1: 3 is small; without hiding 10 too, 123 - 10 - 20 - 90 would give it away. S2's own total
    # of 4 is small.
    assert masked.flows["households"].isna().tolist() == [
        True,
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert masked.flows["persons"].isna().tolist() == [True, True, False, False, False, True, False]
    assert masked.sites["households"].isna().tolist() == [False, True]


def test_the_study_given_is_unchanged(study: Study) -> None:
    before = study.origins.to_csv() + study.flows.to_csv() + study.sites.to_csv()
    mask_study(study, Masking(30, KEY))
    assert before == study.origins.to_csv() + study.flows.to_csv() + study.sites.to_csv()


def test_weak_settings_are_refused() -> None:
    with pytest.raises(InputError, match="at least two"):
        Masking(1, KEY)
    with pytest.raises(InputError, match="too short"):
        Masking(30, b"short")


def test_settings_and_sources_do_not_name_a_masked_origin(study: Study) -> None:
    said = {"study": {"title": "Households of Village 0", "lang": "en"}, "admin": {"aliases": {"65301": "x", "A": "y"}},
            "livelihood": {"checks": [{"item": "near Village 0", "measure": "slope"}]}}  # fmt: skip
    told = replace(
        study, settings=said, inputs={"o.csv": {"sha256": "ab", "source": "list of Village 1"}}
    )
    masked = mask_study(told, Masking(30, KEY))
    assert (masked.settings.study.title, masked.settings.study.lang) == ("", "en")
    assert masked.settings.admin.aliases == {"A": "y"}
    assert masked.settings.livelihood.checks == ({"item": "", "measure": "slope"},)
    assert masked.settings.walk == told.settings.walk
    assert masked.inputs == {"o.csv": {"sha256": "ab", "source": ""}}


def test_numbers_of_masked_origins_are_coarse(study: Study) -> None:
    counts = study.flows.assign(
        households=[3.0, 11.0, 23.0, 90.0, 41.0, np.nan, 6.0],
        persons=[12.0, 44.0, 83.0, 401.0, 172.0, np.nan, 26.0],
    )
    land = study.origins.assign(land_ha=[123.4, 0.0567, 0.0, 987.6, 15.0, np.nan, 46.0])
    small = Masking(30, KEY)
    masked = mask_study(study.replace(flows=counts, origins=land), small)
    hidden = masked.flows["origin_id"].str.startswith("M-").to_numpy()
    shown = masked.flows["households"][hidden].dropna()
    assert len(shown)
    assert (shown % 5 == 0).all()
    assert (masked.flows["persons"][hidden].dropna() % 5 == 0).all()
    assert masked.flows["households"][~hidden].tolist() == [90.0, 41.0]
    after = masked.origins["land_ha"].reindex(masked.flows["origin_id"]).to_numpy()
    assert after.tolist()[:5] == [100.0, 0.06, 0.0, 987.6, 15.0]
    assert after[6] == 50.0
