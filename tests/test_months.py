"""Hours by month, and the ways of a study: asked for by a setting, and only then."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine

import geosettle as gs
from geosettle.distance.scenarios import _spans
from geosettle.settings import decode

DEM = gs.Raster(np.zeros((30, 40)), Affine(0.01, 0, 76, 0, -0.01, 39.3), unit="m")


def study(asked: dict) -> gs.Study:
    def points(ids, name, lon):
        index = pd.Index(ids, name=f"{name}_id")
        at = gpd.points_from_xy(lon, [39.15] * len(ids))
        return gpd.GeoDataFrame({"name": ids}, index=index, geometry=at, crs=4326)

    fence = shapely.LineString([(76.2, 39.02), (76.2, 39.31)])  # a gap in the south
    pass_ = shapely.LineString([(76.1, 38.9), (76.1, 39.4)])  # none
    made = gs.Study(
        sites=points(["S"], "site", [76.345]),
        origins=points(["O"], "origin", [76.045]),
        flows=pd.DataFrame({"origin_id": ["O"], "site_id": ["S"], "households": [9]}),
        dem=DEM,
        barriers=gpd.GeoDataFrame(
            {"closed": ["Nov-Apr", "Jan"]}, geometry=[fence, pass_], crs=4326
        ),
        roads=gpd.GeoDataFrame(
            {"season": ["May-Oct", "winter"], "speed_kmh": [60.0, 20.0]},
            geometry=[shapely.LineString([(76.04, 39.15), (76.35, 39.15)])] * 2,
            crs=4326,
        ),
    )
    return made.replace(settings=decode({"distance": asked}))


def test_months_with_the_same_closures_are_one_row():
    result = gs.analyse(study({"months": True, "metrics": ["geodesic", "walk", "road"]}))
    walk = result.months[result.months["metric"] == "walk"].set_index("months")
    assert walk["months_n"].to_dict() == {"Jan": 1, "Feb-Apr, Nov-Dec": 5, "May-Oct": 6}
    assert np.isnan(walk.loc["Jan", "hours"])
    assert "closed cells" in walk.loc["Jan", "why"]
    free, round_ = (walk.loc[m, "hours"] for m in ("May-Oct", "Feb-Apr, Nov-Dec"))
    alone = gs.pair_distances(result.study.flows, result.study.origins, result.study.sites,
                              ["walk"], dem=DEM)  # fmt: skip
    assert free == pytest.approx(alone["walk_out_h"].iloc[0], rel=1e-12)
    assert walk.loc["Feb-Apr, Nov-Dec", "longer_h"] == pytest.approx(round_ - free)
    assert round_ > free * 1.2
    road = result.months[result.months["metric"] == "road_time"].set_index("months")
    # "winter" is no month: the slow road is open all year.
    ratio = road.loc["Jan", "hours"] / road.loc["May-Oct", "hours"]
    assert ratio > 2
    assert (walk["why"].drop("Jan") == "").all()


def test_the_files_hold_months_and_ways_where_they_are_asked_for(tmp_path):
    gs.write(gs.analyse(study({"months": True, "paths": ["walk", "road"]})), tmp_path / "asked")
    ways = pd.read_csv(tmp_path / "asked" / "tables" / "paths.csv")
    assert ways["metric"].tolist() == ["road", "road", "walk", "walk"]
    lines = gpd.read_file(tmp_path / "asked" / "study.gpkg", layer="paths")
    assert lines["length_km"].tolist() == ways["length_km"].tolist()
    assert shapely.get_num_coordinates(lines.geometry.to_numpy()).min() > 1
    styles = gpd.read_file(tmp_path / "asked" / "study.gpkg", layer="layer_styles")
    assert "paths" in styles["f_table_name"].tolist()
    page = (tmp_path / "asked" / "report.html").read_text("utf-8")
    assert "Hours by month" in page
    gs.write(gs.analyse(study({})), tmp_path / "not")
    assert not {"paths.csv", "months.csv"} & {p.name for p in (tmp_path / "not/tables").iterdir()}
    assert "paths" not in gpd.list_layers(tmp_path / "not" / "study.gpkg")["name"].tolist()
    assert "Hours by month" not in (tmp_path / "not" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("months", "text"),
    [
        (range(1, 13), "Jan-Dec"), ([1, 2, 12], "Dec-Feb"), ([3], "Mar"),
        ([1, 3, 4, 7], "Jan, Mar-Apr, Jul"),
    ],
)  # fmt: skip
def test_spans_of_months(months, text):
    assert _spans(list(months)) == text
