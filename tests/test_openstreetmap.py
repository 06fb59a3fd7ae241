"""Roads with the tags of OpenStreetMap: speeds, directions, levels, lines that are no roads."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geosettle.distance._protocol import Context
from geosettle.distance.network import RoadRules, read_network
from geosettle.distance.openstreetmap import road_columns
from geosettle.distance.roads import road_pairs, road_problems
from geosettle.geodesy import GEOD


def ways(*rows, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(r) for r in rows], crs=4326)


def hours(roads, a, b, **options) -> float:
    ends = gpd.GeoDataFrame(
        geometry=[shapely.Point(a), shapely.Point(b)], index=["a", "b"], crs=4326
    )
    context = Context(roads=roads, options={"road": {"max_access_km": 0.1, **options}})
    return road_pairs(ends, ends, np.array([[0, 1]]), context).road_h.iloc[0]


EAST = [(10, 0), (10.2, 0)]
LENGTH = GEOD.inv(10, 0, 10.2, 0)[2] / 1000


@pytest.mark.parametrize(
    ("maxspeed", "kmh"),
    [("80", 80), ("60 mph", 60 * 1.609344), ("60mph", 60 * 1.609344), ("10 knots", 18.52), ("walk", 5),
     ("XY:rural", 90), ("none", 40), (None, 40), ("fast", 40)],
)  # fmt: skip
def test_limits_as_people_tag_them(maxspeed, kmh):
    roads = ways(EAST, highway=["primary"], maxspeed=[maxspeed])
    speeds = {"XY:rural": 90.0}
    assert hours(roads, *EAST, class_speed_kmh=speeds) == pytest.approx(LENGTH / kmh, rel=1e-9)


def test_speeds_by_class_and_country():
    roads = ways(EAST, highway=["track"])
    speeds = {"track": 15.0, "XY:track": 25.0}
    assert hours(roads, *EAST, class_speed_kmh=speeds) == pytest.approx(LENGTH / 15, rel=1e-9)
    abroad = hours(roads, *EAST, class_speed_kmh=speeds, country="XY")
    assert abroad == pytest.approx(LENGTH / 25, rel=1e-9)


@pytest.mark.parametrize(
    ("tags", "there", "back"),
    [({}, True, True), ({"oneway": "yes"}, True, False), ({"oneway": "-1"}, False, True),
     ({"junction": "roundabout"}, True, False), ({"junction": "roundabout", "oneway": "no"}, True, True),
     ({"highway": "motorway"}, True, False), ({"oneway": "reversible"}, True, True)],
)  # fmt: skip
def test_directions(tags, there, back):
    roads = ways(EAST, **{k: [v] for k, v in {"highway": "primary", **tags}.items()})
    found = [bool(np.isfinite(hours(roads, *way))) for way in (EAST, EAST[::-1])]
    assert found == [there, back]


def test_lines_that_are_no_roads_are_left_out_in_one_note():
    kinds = ["footway", "steps", None, "primary", "service", "track"]
    access = [None, None, None, None, "no", "no"]
    motor = [None, None, None, None, None, "yes"]
    drawn = [[(10 + 0.3 * i, 0), (10.2 + 0.3 * i, 0)] for i in range(6)]
    roads = ways(*drawn, highway=kinds, access=access, motor_vehicle=motor)
    open_ = [bool(np.isfinite(hours(roads, *way))) for way in drawn]
    assert open_ == [False, False, False, True, False, True]
    (note,) = [p for p in road_problems(read_network(roads)) if p.code == "road_not_for_vehicles"]
    assert note.value == "4"
    assert "footway 1, none 1, service 1, steps 1" in note.message


def test_ferries_are_ways_and_bridges_do_not_meet_what_they_cross():
    roads = ways(
        EAST, [(10.1, -0.1), (10.1, 0.1)], [(10.2, 0), (10.4, 0)],
        highway=["primary", "primary", None], bridge=["yes", None, None], route=[None, None, "ferry"],
    )  # fmt: skip
    assert road_columns(roads, RoadRules())["layer"].tolist() == [1, 0, 0]
    assert np.isnan(hours(roads, EAST[0], (10.1, 0.1)))
    ferry = hours(roads, EAST[1], (10.4, 0), class_speed_kmh={"ferry": 12.0})
    assert ferry == pytest.approx(LENGTH / 12, rel=1e-6)


def test_tags_that_gdal_keeps_in_one_column_are_read():
    roads = ways(EAST, highway=["primary"], other_tags=['"maxspeed"=>"30 mph","oneway"=>"yes"'])
    assert hours(roads, *EAST) == pytest.approx(LENGTH / (30 * 1.609344), rel=1e-9)
    assert np.isnan(hours(roads, *EAST[::-1]))


def test_what_no_rule_knows_is_reported():
    roads = ways(
        EAST, EAST[::-1], [(11, 0), (12, 0)],
        highway=["primary", "track", "track"], maxspeed=["fast", None, "50"], oneway=["maybe", None, None],
    )  # fmt: skip
    found = {(p.code, p.column): p for p in road_problems(read_network(roads))}
    assert set(found) == {
        ("road_tag_unknown", "maxspeed"),
        ("road_tag_unknown", "oneway"),
        ("road_speed_assumed", "maxspeed"),
    }
    assert "2 roads have no speed" in found["road_speed_assumed", "maxspeed"].message
    known = read_network(roads, rules=RoadRules(class_speed_kmh={"track": 10, "primary": 50}))
    assert ("road_speed_assumed") not in {p.code for p in road_problems(known)}
