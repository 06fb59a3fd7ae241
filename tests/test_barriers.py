"""Barriers: no move slips through a line, an area holds, months open and close, a pass is a gap."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

import geosettle as gs
from geosettle.cells import months_in
from geosettle.cli import main
from geosettle.distance import distance_intervals, scenario_table, travel_time
from geosettle.distance.barriers import closed_barriers
from geosettle.distance.walking import walk_grid
from geosettle.raster import Raster

GEOD = Geod(ellps="WGS84")
LONLAT = Affine(0.01, 0, 76, 0, -0.01, 40)
UTM = Affine(500, 0, 480_000, 0, -500, 4_420_000)
SHAPE = (40, 50)
GROUND = {
    "lon/lat": Raster(np.full(SHAPE, 1000.0), LONLAT, unit="m"),
    "UTM": Raster(np.full(SHAPE, 1000.0), UTM, "EPSG:32643", unit="m"),
    "friction": Raster(np.full(SHAPE, 0.72), LONLAT, unit="s/m"),
}
FLAT_KMH = 6 * np.exp(-0.175)


def on(ground: Raster, *shapes: shapely.Geometry, **columns: object) -> gpd.GeoDataFrame:
    """Shapes in cells (0.5 is the centre of the first) as barriers of longitude and latitude."""
    to_lonlat = Transformer.from_crs(ground.crs, 4326, always_xy=True).transform

    def place(at: np.ndarray) -> np.ndarray:
        return np.column_stack(to_lonlat(*(ground.transform @ (at[:, 0], at[:, 1]))))

    dense = [shapely.transform(shapely.segmentize(s, 2.0), place) for s in shapes]
    return gpd.GeoDataFrame(columns, geometry=dense, crs=4326)


def ends(ground: Raster, *cells: tuple[float, float]) -> gpd.GeoDataFrame:
    points = on(ground, *(shapely.Point(c) for c in cells))
    return points.set_index(pd.Index([f"p{i}" for i in range(len(cells))]))


def walked(ground: Raster, a: tuple, b: tuple, barriers: gpd.GeoDataFrame, **walk: object):
    role = "friction" if ground.unit == "s/m" else "dem"
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]})
    return gs.pair_distances(
        flows, ends(ground, a), ends(ground, b), ["walk"], barriers=barriers,
        options={"walk": walk}, **{role: ground},
    ).iloc[0]  # fmt: skip


@pytest.mark.parametrize("neighbours", [4, 8, 16, 32])
@pytest.mark.parametrize("name", GROUND)
def test_a_diagonal_line_holds(name: str, neighbours: int) -> None:
    """From edge to edge through corners and centres of cells alike."""
    for shift in (0.0, 0.5, 0.27):
        line = on(GROUND[name], shapely.LineString([(-1 + shift, -1), (41 + shift, 41)]))
        there = walked(GROUND[name], (5.2, 30.6), (35.5, 8.5), line, neighbours=neighbours)
        assert np.isnan(there["walk_out_h"])
        assert "barrier" in there["why"]
        same = walked(GROUND[name], (5.2, 30.6), (15.5, 35.5), line, neighbours=neighbours)
        assert same["walk_out_h"] > 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(2, 48), min_size=2, max_size=7), st.sampled_from([4, 8, 16, 32]),
    st.sampled_from(sorted(GROUND)),
)  # fmt: skip
def test_a_line_parts_the_grid_as_it_parts_the_plane(
    turns: list[float], neighbours: int, name: str
) -> None:
    """A polyline from the upper to the lower edge: cells reached are those on the same side."""
    y = np.linspace(-2, SHAPE[0] + 2, len(turns))
    line = shapely.LineString(np.column_stack([turns, y]))
    ground = GROUND[name]
    start = (0.5, 20.5) if turns and min(turns) > 1 else (0.5, 0.5)
    target = ends(ground, start).geometry
    hours = travel_time(ground, target, neighbours=neighbours, barriers=on(ground, line))
    rows, columns = np.indices(SHAPE)
    centres = shapely.points(columns + 0.5, rows + 0.5)
    left = shapely.Polygon([(-9, -2), *shapely.get_coordinates(line), (-9, SHAPE[0] + 2)])
    clear = shapely.distance(centres, line) > 0.02  # a line drawn in degrees is not quite straight
    reached = np.isfinite(hours.values)
    outside = clear & ~shapely.contains(left, centres)
    assert not (reached & outside).any()
    # an axis-parallel step stays possible between neighbours on one side
    assert reached[20, 0]


@pytest.mark.parametrize("name", ["lon/lat", "UTM"])
def test_a_pass_is_a_gap(name: str) -> None:
    """Worked by hand: two straight ways that meet at the end of the wall."""
    ground = GROUND[name]
    wall = on(ground, shapely.LineString([(25, -1), (25, 30)]))
    a, b = (15.5, 10.5), (35.5, 10.5)
    (ax, ay), (gx, gy), (bx, by) = (
        shapely.get_coordinates(p)[0] for p in ends(ground, a, (25, 30), b).geometry
    )
    least = (GEOD.inv(ax, ay, gx, gy)[2] + GEOD.inv(gx, gy, bx, by)[2]) / 1000 / FLAT_KMH
    around = walked(ground, a, b, wall)["walk_out_h"]
    assert least * (1 - 1e-3) <= around <= least * 1.06 + 0.1
    straight = walked(ground, a, b, wall.iloc[:0])["walk_out_h"]
    assert straight == pytest.approx(GEOD.inv(ax, ay, bx, by)[2] / 1000 / FLAT_KMH, rel=1e-3)
    gate = on(ground, shapely.LineString([(25, -1), (25, 9.5)]),
              shapely.LineString([(25, 11.5), (25, 41)]))  # fmt: skip
    assert walked(ground, a, b, gate)["walk_out_h"] == pytest.approx(straight, rel=1e-6)


def test_a_place_is_on_its_own_side_of_the_line_inside_a_cell() -> None:
    """The centre of the cell is across the river; only the banks are in the same cell."""
    ground = GROUND["lon/lat"]
    river = on(ground, shapely.LineString([(10.3, -1), (10.3, 41)]))
    west, east = (10.1, 20.5), (10.4, 20.5)
    assert np.isnan(walked(ground, west, east, river)["walk_out_h"])
    assert walked(ground, west, (9.5, 20.5), river)["walk_out_h"] > 0
    assert walked(ground, east, (11.5, 20.5), river)["walk_out_h"] > 0


def test_an_area_holds_also_where_it_is_thinner_than_a_cell() -> None:
    ground = GROUND["lon/lat"]
    sliver = on(ground, shapely.box(20.6, -1, 20.8, 41))
    assert np.isnan(walked(ground, (10.5, 10.5), (30.5, 10.5), sliver)["walk_out_h"])
    lake = on(ground, shapely.box(18, 5, 24, 35))
    grid = walk_grid(ground, barriers=lake)
    assert grid.grid.closed.sum() == 6 * 30
    inside = walked(ground, (10.5, 10.5), (20.5, 10.5), lake)
    assert "closed" in inside["why"]
    around = walked(ground, (10.5, 20.5), (30.5, 20.5), lake)["walk_out_h"]
    free = walked(ground, (10.5, 20.5), (30.5, 20.5), lake.iloc[:0])["walk_out_h"]
    assert around > 1.3 * free


def test_roads_cross_on_bridges_where_feet_do_not() -> None:
    ground = GROUND["lon/lat"]
    river = on(ground, shapely.LineString([(25, -1), (25, 41)]))
    road = on(ground, shapely.LineString([(5.5, 10.5), (45.5, 10.5)]), speed_kmh=[30.0])
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]})
    out = gs.pair_distances(
        flows, ends(ground, (10.5, 10.5)), ends(ground, (40.5, 10.5)), ["walk", "travel"],
        dem=ground, barriers=river, roads=road,
    ).iloc[0]  # fmt: skip
    assert np.isnan(out["walk_out_h"])
    km = GEOD.inv(76.105, 39.895, 76.405, 39.895)[2] / 1000
    assert out["travel_out_h"] == pytest.approx(km / 30, rel=0.02)


def test_months_open_and_close() -> None:
    assert sorted(months_in("11-4")) == sorted(months_in("Nov - April")) == [1, 2, 3, 4, 11, 12]
    assert months_in("11月至4月") == months_in("11月-4月") == months_in("11-4")
    assert months_in("6") == months_in(6.0) == months_in("June") == {6}
    assert months_in("6, 7; 9-10") == {6, 7, 9, 10}
    assert months_in(None) == months_in(np.nan) == months_in("always") == set(range(1, 13))
    assert months_in("winter") is months_in("13") is months_in("0-3") is None
    ground = GROUND["lon/lat"]
    walls = on(ground, shapely.LineString([(25, -1), (25, 41)]),
               shapely.LineString([(30, -1), (30, 41)]), closed=["11-4", "winter"])  # fmt: skip
    assert closed_barriers(walls, 7).index.tolist() == [1]  # what cannot be read is closed
    pair = (15.5, 10.5), (28.5, 10.5)
    assert np.isnan(walked(ground, *pair, walls, month=1)["walk_out_h"])
    assert walked(ground, *pair, walls, month=7)["walk_out_h"] > 0
    assert walked(ground, *pair, walls)["walk_out_h"] > 0
    table = scenario_table(
        pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]}), ends(ground, pair[0]),
        ends(ground, pair[1]), ["walk"],
        {"January": {"walk": {"month": 1}}, "July": {"walk": {"month": 7}}},
        dem=ground, barriers=walls,
    )  # fmt: skip
    out = table[table["metric"] == "walk"].set_index("scenario")["effect"].to_dict()
    assert out == {"as set": "baseline", "January": "lost", "July": "same"}


def test_draws_across_the_river_have_no_way() -> None:
    ground = GROUND["lon/lat"]
    river = on(ground, shapely.LineString([(25, -1), (25, 41)]))
    a = ends(ground, (15.5, 20.5)).assign(uncertainty_km=1.0)
    b = ends(ground, (23.5, 20.5)).assign(uncertainty_km=3.0)  # a part of its disc is across
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]})
    drawn = distance_intervals(flows, a, b, ["walk"], draws=300, dem=ground, barriers=river)
    drawn = drawn[drawn["metric"] == "walk"].iloc[0]
    assert "no way" in drawn["why"] or "draws" in drawn["why"]
    free = walked(ground, (15.5, 20.5), (23.5, 20.5), river)["walk_out_h"]
    assert np.isnan(drawn["low"]) or drawn["low"] < free < drawn["high"] < free + 1


def test_a_study_has_barriers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import rasterio

    ground = GROUND["lon/lat"]
    folder = tmp_path / "study"
    folder.mkdir()
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=50, height=40, count=1, dtype="float32",
        crs="EPSG:4326", transform=LONLAT,
    ) as file:  # fmt: skip
        file.write(np.add.outer(np.arange(40), np.arange(50)).astype("float32") + 1000, 1)
    walls = on(ground, shapely.LineString([(25, -1), (25, 41)]),
               shapely.LineString([(2, 2), (3, 3)]), closed=["11-4", "wintr"], kind="snow")  # fmt: skip
    walls.to_file(folder / "barriers.geojson", driver="GeoJSON")
    for role, x in (("site", 76.405), ("origin", 76.105)):
        text = f"{role}_id,name,lon,lat\n{role},{role},{x},39.895\n"
        (folder / f"{role}s.csv").write_text(text, encoding="utf-8")
    (folder / "flows.csv").write_text("origin_id,site_id,households\norigin,site,7\n", "utf-8")
    layers = ("sites.csv", "origins.csv", "flows.csv", "barriers.geojson", "dem.tif")
    text = "[layers]\n" + "".join(f'{f.split(".")[0]} = "{f}"\n' for f in layers)
    (folder / "study.toml").write_text(text + "[scenario.winter.walk]\nmonth = 1\n", "utf-8")
    study = gs.read_study(folder)
    (unread,) = (p for p in study.problems if p.code == "months_unreadable")
    assert unread.value == "wintr"
    result = gs.analyse(study)
    assert result.pairs["walk_out_h"].notna().all()
    lost = result.scenarios.query("scenario == 'winter' and metric == 'walk'")
    assert lost["effect"].tolist() == ["lost"]
    gs.write(result, tmp_path / "out")
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "closed all year (1 of 2)" in report
    call = ["distances", "--metric", "walk", "--dem", str(folder / "dem.tif")]
    for role in ("origins", "sites"):
        call += [f"--{role}", str(folder / f"{role}.csv")]
    call += ["--barriers", str(folder / "barriers.geojson"), "--set", "walk.month=12"]
    capsys.readouterr()
    assert main(call) == 0
    assert "barrier" in capsys.readouterr().out
