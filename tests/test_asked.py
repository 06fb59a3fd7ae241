"""Nothing that was not asked: what a study does not have or set appears in none of its outputs."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest

import geosettle as gs
from geosettle.remoteness import remoteness
from geosettle.report import summary_lines
from geosettle.settings import DEFAULTS


def moved(settings: dict | None = None) -> gs.Study:
    """Two sites and two origins, 22 and 111 km apart."""
    return gs.Study(
        layers={
            "sites": gpd.GeoDataFrame(
                {"name": ["A", "B"], "households": [3, 5]},
                geometry=gpd.points_from_xy([10.0, 11.0], [0.0, 0.0]),
                index=pd.Index(["a", "b"], name="site_id"),
                crs=4326,
            ),
            "origins": gpd.GeoDataFrame(
                {"name": ["O", "P"]},
                geometry=gpd.points_from_xy([10.2, 12.0], [0.0, 0.0]),
                index=pd.Index(["o", "p"], name="origin_id"),
                crs=4326,
            ),
            "flows": pd.DataFrame(
                {"origin_id": ["o", "p"], "site_id": ["a", "b"], "households": [3, 5]}
            ),
        },
        settings=settings or {},
    )


@pytest.mark.parametrize(
    ("radii", "said"),
    [
        ({"foot": 1.5, "donkey": 30.0}, "In 1 of 2 moves the old fields are more than 30 km away"),
        ({"foot": 25.0}, "farther than farmers travel daily on foot"),
        ({"ox_cart": 25.0}, "farther than farmers travel daily (ox cart)"),
    ],
)
def test_the_widest_radius_is_told_whatever_its_mode(radii: dict[str, float], said: str) -> None:
    result = gs.analyse(moved({"remoteness": {"farming_radius_km": radii}}))
    assert said in " ".join(summary_lines(result))


def test_no_radius_kind_or_ladder_is_set_but_by_the_study() -> None:
    assert DEFAULTS.remoteness.farming_radius_km == {}
    services = DEFAULTS.services
    assert (services.kinds, services.ladder, services.groups) == ((), (), {})
    assert DEFAULTS.distance.places_by_road == ()
    study = moved()
    places = gpd.GeoDataFrame(
        {"kind": ["hand_pump", "county_seat"]},
        geometry=gpd.points_from_xy([10.1, 10.9], [0.0, 0.0]),
        index=pd.Index(["h", "c"], name="place_id"),
        crs=4326,
    )
    result = gs.analyse(study)
    found = remoteness(result.pairs, study.sites, study.origins, places)
    kinds = set(found["kind"])
    assert not kinds & {"land_radii", "land_radii_unweighted", "aria_style"}
    nearest = found.loc[found["kind"] == "nearest", "limit"]
    assert set(nearest) == {"hand_pump", "county_seat"}
    assert "farmers travel" not in " ".join(summary_lines(result))
