"""Services before and after the move: counted by households, with intervals, only where asked."""

from __future__ import annotations

import doctest
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geosettle as gs
from geosettle.geodesy import GEOD
from geosettle.remoteness import service_moves, services
from geosettle.settings import decode


def points(ids, name, lon, **columns) -> gpd.GeoDataFrame:
    index = pd.Index(ids, name=f"{name}_id")
    geometry = gpd.points_from_xy(lon, [39.0] * len(ids))
    return gpd.GeoDataFrame({"name": ids, **columns}, index=index, geometry=geometry, crs=4326)


def study(kind: str = "school", **layers) -> gs.Study:
    return gs.Study(
        sites=points(["S", "T"], "site", [76.0, 77.0]),
        origins=points(["O", "P"], "origin", [76.6, 76.9]),
        flows=pd.DataFrame(
            {"origin_id": ["O", "P", "P"], "site_id": ["S", "S", "T"], "households": [30, 10, 5]}
        ),
        places=points(["A"], "place", [76.7], kind=[kind]),
        **layers,
    )


def km(a: float, b: float) -> float:
    return GEOD.inv(a, 39, b, 39)[2] / 1000


def test_exact_positions_give_the_geodesic_and_its_change():
    result = gs.analyse(study())
    moves = result.service_moves.set_index(["origin_id", "site_id"])
    expected = {("O", "S"): (76.6, 76.0), ("P", "S"): (76.9, 76.0), ("P", "T"): (76.9, 77.0)}
    for pair, (before, after) in expected.items():
        row = moves.loc[pair]
        assert row["before"] == pytest.approx(km(before, 76.7), rel=1e-9)
        assert row["change"] == pytest.approx(km(after, 76.7) - km(before, 76.7), rel=1e-9)
        assert row["low"] == row["change"] == row["high"]
    assert (moves["direction"] == "farther").all()
    row = result.services.iloc[0]
    assert (row["farther_n"], row["nearer_n"], row["of"]) == (45, 0, 45)
    assert row["before"] == pytest.approx(km(76.6, 76.7), rel=1e-9)  # 30 of 45 households
    assert row["weighting"] == "households"


def test_the_nearest_road_is_a_service_where_roads_are_drawn():
    road = shapely.LineString([(76.5, 39.0), (76.5, 40.0)])
    roads = gpd.GeoDataFrame({"road_id": ["r"]}, geometry=[road], crs=4326)
    moves = gs.analyse(study(roads=roads)).service_moves
    row = moves[(moves["service"] == "road") & (moves["origin_id"] == "O")].iloc[0]
    edge = gpd.GeoSeries([road], crs=4326).to_crs("+proj=aeqd +lat_0=39 +lon_0=76.6")
    assert row["before"] == pytest.approx(edge.distance(shapely.Point(0, 0))[0] / 1000, rel=1e-5)
    assert row["after"] == pytest.approx(km(76.0, 76.5), rel=1e-4)


def test_counts_sum_to_all_and_gaps_say_why():
    head = {"indicator": "nearest_clinic", "kind": "nearest", "limit": "clinic", "limit_unit": ""}
    head |= {"metric": "geodesic", "unit": "km", "why": ""}
    values = {("origin", "O"): (9, 8, 10), ("origin", "P"): (3, 1, 9), ("site", "S"): (4, 3, 5)}
    found = pd.DataFrame(
        [
            {"role": role, "id": i, "value": v, "low": low, "high": high, **head}
            for (role, i), (v, low, high) in values.items()
        ]
    )
    lost = pd.DataFrame({"origin_id": ["O", "P", "Q"], "site_id": ["S"] * 3})
    moves = service_moves(found, lost.assign(households=[1, 2, 4]))
    assert moves["direction"].tolist() == ["nearer", "not distinguishable", ""]
    row = services(moves).iloc[0]
    counts = ["nearer_n", "farther_n", "as_before_n", "not_distinguishable_n", "unknown_n"]
    assert row[counts].tolist() == [1, 0, 0, 2, 4]
    assert row["of"] == sum(row[counts])
    assert row["low"] <= row["change"] <= row["high"]
    assert "1 of 3 flows" in row["why"]
    unweighted = services(service_moves(found, lost.assign(households=[1, np.nan, 4]))).iloc[0]
    assert (unweighted["weighting"], unweighted["of"]) == ("flows", 3)
    assert "households unknown" in unweighted["why"]


def test_nothing_of_it_where_the_study_has_no_such_place(tmp_path):
    result = gs.analyse(study("county_seat"))
    assert result.services.empty
    gs.write(result, tmp_path)
    assert not list(tmp_path.glob("tables/service*"))
    assert "Services before and after" not in (tmp_path / "report.html").read_text("utf-8")


def test_tables_and_report_show_it_in_every_language(tmp_path):
    for lang, title in (("en", "Services before and after the move"), ("zh", "搬迁前后的服务")):
        made = study().replace(settings=decode({"study": {"lang": lang}}))
        gs.write(gs.analyse(made), tmp_path / lang)
        table = pd.read_csv(tmp_path / lang / "tables" / "services.csv")
        assert table["farther_n"].tolist() == [45]
        assert title in (tmp_path / lang / "report.html").read_text("utf-8")


def test_made_up_study_of_the_documentation():
    page = Path(__file__).parents[1] / "docs" / "services.md"
    outcome = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert outcome.attempted > 6
    assert outcome.failed == 0
