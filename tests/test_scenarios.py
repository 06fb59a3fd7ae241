"""Scenarios: closures and speeds side by side, by hand; from a study's settings to the result."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import geosettle as gs
from geosettle.distance import SCENARIO_COLUMNS, scenario_table
from geosettle.errors import InputError
from geosettle.geodesy import GEOD

# A triangle on the equator: a summer road from a to b, and the way round by c that is open all
# year.
A, B, C = (10.0, 0.0), (10.2, 0.0), (10.1, 0.1)
ROADS = gpd.GeoDataFrame(
    {"season": ["summer", None, None], "class": ["track", "highway", "highway"]},
    geometry=[shapely.LineString(e) for e in ((A, B), (A, C), (C, B))],
    crs=4326,
)
PLACES = gpd.GeoDataFrame(
    {"name": ["a", "b", "c"]},
    geometry=gpd.points_from_xy(*zip(A, B, C, strict=True)),
    crs=4326,
    index=["a", "b", "c"],
)
FLOWS = pd.DataFrame({"origin_id": ["a", "a", "a", "x"], "site_id": ["b", "b", "c", "b"]})


def km(one, two) -> float:
    return GEOD.inv(*one, *two)[2] / 1000


def test_seasons_and_speeds_against_the_study_as_set() -> None:
    scenarios = {
        "winter": {"road": {"season": "winter"}},
        "faster": {"road": {"class_speed_kmh": {"track": 80, "highway": 80}}},
    }
    table = scenario_table(FLOWS, PLACES, PLACES, ("geodesic", "road"), scenarios, roads=ROADS)
    assert tuple(table.columns) == SCENARIO_COLUMNS
    assert len(table) == 2 * 2 * 3  # two pairs whose ids are known, km and h, three settings
    at = table.set_index(["scenario", "metric", "origin_id", "site_id"])
    short, long = km(A, B), km(A, C) + km(C, B)
    assert at.loc[("as set", "road", "a", "b"), "value"] == pytest.approx(short, rel=1e-6)
    winter = at.loc[("winter", "road", "a", "b")]
    assert winter["change"] == pytest.approx(long - short, rel=1e-6)
    assert winter["change_share"] == pytest.approx(long / short - 1, rel=1e-6)
    assert winter["effect"] == "longer"
    assert at.loc[("winter", "road_time", "a", "b"), "change"] == pytest.approx(
        (long - short) / 40, rel=1e-6
    )
    assert at.loc[("winter", "road", "a", "c"), "effect"] == "same"
    faster = at.loc[("faster", "road_time", "a", "b")]
    assert (faster["value"], faster["baseline"]) == pytest.approx(
        (short / 80, short / 40), rel=1e-6
    )
    assert faster["effect"] == "shorter"
    assert (table.loc[table["scenario"] == "as set", "effect"] == "baseline").all()


def test_metrics_no_scenario_touches_are_left_out() -> None:
    assert scenario_table(FLOWS, PLACES, PLACES, ("road",), {}, roads=ROADS).empty
    slow = {"slow": {"walk": {"model": "tobler_off_path"}}}
    assert scenario_table(FLOWS, PLACES, PLACES, ("geodesic", "road"), slow, roads=ROADS).empty


@pytest.mark.parametrize(
    ("scenarios", "error", "text"),
    [
        ({"w": {"rail": {}}}, InputError, "there is no setting scenario.w.rail"),
        (
            {"w": {"road": {"saeson": "x"}}},
            InputError,
            "scenario.w.road.saeson; did you mean scenario.w.road.season",
        ),
        ({"w": {"walk": {"dem": 1}}}, InputError, "scenario.w.walk.dem"),
        (
            {"w": {"road": {"speed_kmh": "fast"}}},
            InputError,
            "scenario.w.road.speed_kmh must be a number",
        ),
        ({"w": "winter"}, InputError, "scenario.w is a table"),
        ({"as set": {}}, InputError, "name of the baseline"),
    ],
)
def test_what_does_not_exist_is_refused(scenarios, error, text: str) -> None:
    with pytest.raises(error, match=text):
        scenario_table(FLOWS, PLACES, PLACES, ("road",), scenarios, roads=ROADS)


def test_a_study_names_its_scenarios() -> None:
    study = gs.read_study(gs.template_path())
    assert gs.analyse(study).scenarios.empty
    settings = {
        **study.settings,
        "scenario": {"half": {"road": {"speed_kmh": study.settings["road"]["speed_kmh"] / 2}}},
    }
    settings["road"] = {**settings["road"], "class_speed_kmh": {}}
    roads = study.roads.drop(columns="speed_kmh", errors="ignore")
    table = gs.analyse(dataclasses.replace(study, settings=settings, roads=roads)).scenarios
    hours = table[(table["metric"] == "road_time") & (table["scenario"] == "half")].dropna(
        subset=["value"]
    )
    assert len(hours)
    legs_only_on_foot = hours["value"] / hours["baseline"]
    assert (legs_only_on_foot > 1).all()
    assert (legs_only_on_foot <= 2 + 1e-9).all()
    assert hours["effect"].eq("longer").all()
