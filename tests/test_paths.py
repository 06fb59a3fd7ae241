"""Ways as lines: their cost is the field's, they pass nothing closed, roads keep their vertices."""

from __future__ import annotations

import doctest
import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import geosettle as gs
from geosettle.cli import main
from geosettle.distance._solver import cost_grid
from geosettle.distance._solver.cost import Prepared
from geosettle.distance._solver.cost_grid import legal_moves
from geosettle.distance._solver.cost_paths import path_finder
from geosettle.distance.walking import walk_grid
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

LONLAT = Affine(0.01, 0, 76, 0, -0.01, 40)
GRIDS = {
    "lon/lat": (LONLAT, "EPSG:4326"),
    "projected": (Affine(500, 0, 480_000, 0, -500, 4_420_000), "EPSG:32643"),
    "all round": (Affine(10, 0, -180, 0, -5, 60), "EPSG:4326"),
}


def ground(kind: str, seed: int, shut: float = 0.25) -> Raster:
    """Give random hills with closed cells."""
    rng = np.random.default_rng(seed)
    shape = (14, 36) if kind == "all round" else (23, 31)
    values = rng.uniform(0, 400, shape)
    values[rng.random(shape) < shut] = np.nan
    where, crs = GRIDS[kind]
    return Raster(values, where, crs, unit="m")


def at(raster: Raster, *cells: tuple[float, float]) -> gpd.GeoDataFrame:
    lon, lat = raster.centres(*np.array(cells, dtype=float).T)
    index = [f"p{n}" for n in range(len(cells))]
    return gpd.GeoDataFrame(index=index, geometry=gpd.points_from_xy(lon, lat), crs=4326)


def graph_of(grid) -> nx.DiGraph:
    """Give the grid as a graph, each move with its cost, without the compiled code."""
    legal = legal_moves(grid.closed, grid.moves, wraps=grid.wraps, corner=grid.corner).ravel()
    if grid.cut is not None:
        legal[grid.cut[0]] &= ~grid.cut[1]
    columns = grid.shape[1]
    made = nx.DiGraph()
    for cell in np.flatnonzero(~grid.closed.ravel()):
        r, c = divmod(int(cell), columns)
        for k, (dr, dc) in enumerate(zip(grid.moves.row, grid.moves.column, strict=True)):
            if not (legal[cell] >> k) & 1:
                continue
            there = r + dr, (c + dc) % columns
            length = grid.lengths[r, k]
            rise = float(grid.height[there]) - float(grid.height[r, c])
            step = length * grid.pace(np.array([rise / length]))[0]
            made.add_edge(int(cell), int(there[0] * columns + there[1]), cost=step, move=k)
    return made


@settings(deadline=None, max_examples=25, phases=[Phase.generate])
@given(
    kind=st.sampled_from(sorted(GRIDS)),
    seed=st.integers(0, 2**31),
    rule=st.tuples(st.sampled_from(["any", "one_open", "both_open"]), st.sampled_from([8, 16, 32])),
    barrier=st.booleans(),
    toward=st.booleans(),
)
def test_a_path_has_the_cost_of_the_field_and_is_one_of_networkx(kind, seed, rule, barrier, toward):
    corners, neighbours = rule
    raster = ground(kind, seed)
    fence = None
    if barrier:
        lon, lat = raster.centres(np.array([3.3, 11.7]), np.array([4.4, 25.6]))
        line = shapely.LineString(np.column_stack([lon, lat]))
        fence = gpd.GeoDataFrame(geometry=[line], crs=4326)
    walk = walk_grid(raster, corners=corners, neighbours=neighbours, barriers=fence)
    grid, ready = walk.grid, Prepared(walk.grid)
    cells = np.flatnonzero(~grid.closed.ravel())
    rng = np.random.default_rng(seed)
    sources = rng.choice(cells, 3, replace=False)
    start = rng.uniform(0, 900, 3)
    field = ready.run(sources, start, toward=toward)
    find = path_finder(ready, sources, start, toward=toward)
    graph = graph_of(grid)
    graph.add_nodes_from(int(c) for c in cells)
    for source, begin in zip(sources, start, strict=True):
        graph.add_edge("start", int(source), cost=begin)
    least = None
    if not toward:
        least = nx.single_source_dijkstra_path_length(graph, "start", weight="cost")
    for cell in rng.choice(cells, 12):
        value = float(field[ready.layout.of(np.array([cell]))[0]])
        way, steps, arcs = find(field, int(cell))
        if not np.isfinite(value):
            assert not way.size
            continue
        own = steps.sum() + start[sources == way[-1]].min()
        assert own == pytest.approx(value, rel=1e-9)
        assert not arcs.any()
        assert not grid.closed.ravel()[way].any()
        order = way if toward else way[::-1]
        moved = [graph.edges[int(a), int(b)] for a, b in pairwise(order)]
        costs = steps if toward else steps[::-1]  # KeyError above: a move that the rules forbid
        # On a projected grid a move is measured in the row that the search left.
        np.testing.assert_allclose([m["cost"] for m in moved], costs, rtol=1e-7)
        if least is not None:
            assert own == pytest.approx(least[int(cell)], rel=1e-9)


@pytest.mark.parametrize("direction", ["out", "back"])
@pytest.mark.parametrize("kind", sorted(GRIDS))
def test_hours_are_those_of_the_pairs_and_length_that_of_the_line(kind, direction):
    raster = ground(kind, 7, shut=0.1)
    open_cells = np.argwhere(np.isfinite(raster.values))
    some = np.random.default_rng(3).choice(open_cells, 10, replace=False) + 0.3
    origins, sites = at(raster, *some[:6]), at(raster, *some[6:])
    flows = pd.MultiIndex.from_product([origins.index, sites.index], names=["origin_id", "site_id"])
    flows = flows.to_frame(index=False)
    paths = gs.least_cost_paths(flows, origins, sites, directions=[direction], dem=raster)
    pairs = gs.pair_distances(flows, origins, sites, ["walk"], dem=raster).reset_index()
    np.testing.assert_allclose(paths["hours"], pairs[f"walk_{direction}_h"], rtol=1e-9)
    assert (paths["length_km"] >= 0).sum() > 12
    for row in paths.dropna(subset="hours").itertuples():
        if row.geometry.geom_type != "LineString":
            assert kind == "all round"  # cut at the 180th meridian
            continue
        assert GEOD.geometry_length(row.geometry) / 1000 == pytest.approx(row.length_km, rel=1e-6)
        ends = (row.origin_id, origins), (row.site_id, sites)
        first, last = ends if direction == "out" else ends[::-1]
        tips = row.geometry.coords[:: len(row.geometry.coords) - 1]
        for (name, frame), place in zip((first, last), tips, strict=True):
            point = frame.geometry[name]
            turn = (np.array(place) - [point.x, point.y] + 180) % 360 - 180
            assert np.abs(turn).max() < 1e-9
    assert (paths["why"][paths["hours"].isna()] != "").all()


def test_climbing_takes_longer_up_and_the_metres_are_those_of_the_slope():
    hill = Raster(np.tile(np.arange(40.0) * 50, (9, 1)), LONLAT, unit="m")
    origins, sites = at(hill, (4, 2)), at(hill, (4, 32))
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]})
    out, back = gs.least_cost_paths(flows, origins, sites, dem=hill).to_dict("records")
    assert (out["ascent_m"], out["descent_m"]) == pytest.approx((1500, 0), abs=1e-6)
    assert (back["ascent_m"], back["descent_m"]) == pytest.approx((0, 1500), abs=1e-6)
    assert out["hours"] > back["hours"]
    assert out["ride_km"] == 0


def test_a_wall_is_walked_round():
    values = np.zeros((21, 21))
    values[:15, 10] = np.nan
    raster = Raster(values, LONLAT, unit="m")
    ends = at(raster, (5, 5), (5, 15))
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p1"]})
    path = gs.least_cost_paths(flows, ends, ends, directions=["out"], dem=raster).iloc[0]
    wall = shapely.box(76.1, 40 - 0.15, 76.11, 40).buffer(-1e-9)  # its corner may be touched
    assert not path.geometry.intersects(wall)
    assert path.geometry.bounds[1] < 39.85
    values[15:, 10] = np.nan
    shut = gs.least_cost_paths(flows, ends, ends, directions=["out"], dem=raster).iloc[0]
    assert shut["geometry"] is None
    assert "closed cells" in shut["why"]
    assert np.isnan(shut["hours"])


def road(*coordinates, **columns) -> gpd.GeoDataFrame:
    lines = [shapely.LineString(c) for c in coordinates]
    return gpd.GeoDataFrame(columns, geometry=lines, crs=4326)


BEND = [(76.052, 39.95), (76.1, 39.9613), (76.2033, 39.9487), (76.348, 39.95)]


def test_travel_walks_to_the_road_rides_along_its_vertices_and_walks_on():
    raster = Raster(np.zeros((10, 40)), LONLAT, unit="m")
    origins, sites = at(raster, (1.2, 3.1)), at(raster, (8.3, 36.2))
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]})
    layers = {"dem": raster, "roads": road(BEND, speed_kmh=[60.0])}
    paths = gs.least_cost_paths(flows, origins, sites, ["travel"], **layers)
    pairs = gs.pair_distances(flows, origins, sites, ["travel"], **layers).iloc[0]
    for path, name in zip(paths.itertuples(), ["travel_out_h", "travel_back_h"], strict=True):
        assert path.hours == pytest.approx(pairs[name], rel=1e-9)
        assert [part.split()[0] for part in path.legs.split("; ")] == ["walk", "ride", "walk"]
        assert path.walk_h + path.ride_h == pytest.approx(path.hours)
        assert path.ride_h * 60 == pytest.approx(path.ride_km, rel=1e-5)
        for vertex in BEND[1:3]:
            assert path.geometry.distance(shapely.Point(vertex)) < 1e-9
    # Roads over water: the arcs are ridden where nobody walks.
    values = np.zeros((10, 40))
    values[:, 20] = np.nan
    bridge = gs.least_cost_paths(
        flows, origins, sites, ["travel"], **(layers | {"dem": Raster(values, LONLAT, unit="m")})
    )
    assert (bridge["ride_km"] > 0).all()


def test_road_paths_have_the_length_and_hours_of_the_pairs_and_keep_to_the_roads():
    rng = np.random.default_rng(11)
    x, y = np.meshgrid(76 + np.arange(6) * 0.05, 39 + np.arange(5) * 0.04)
    x, y = x + rng.normal(0, 0.006, x.shape), y + rng.normal(0, 0.006, y.shape)
    lines = [list(zip(x[r], y[r], strict=True)) for r in range(5)]
    lines += [list(zip(x[:, c], y[:, c], strict=True)) for c in range(6)]
    oneway = ["yes", "no", "-1", "no", "no", "yes", "no", "no", "-1", "no", "no"]
    roads = road(*lines, speed_kmh=rng.uniform(20, 90, 11), oneway=oneway)
    points = rng.uniform([76, 39], [76.25, 39.16], (14, 2))
    places = gpd.GeoDataFrame(
        index=[f"p{n}" for n in range(14)], geometry=gpd.points_from_xy(*points.T), crs=4326
    )
    flows = pd.DataFrame({"origin_id": places.index[:7], "site_id": places.index[7:]})
    flows = pd.concat([flows, flows.assign(site_id=flows["site_id"].iloc[0])]).drop_duplicates()
    paths = gs.least_cost_paths(flows, places, places, ["road"], roads=roads)
    turned = flows.rename(columns={"origin_id": "site_id", "site_id": "origin_id"})
    net = roads.union_all()
    for direction, asked in (("out", flows), ("back", turned)):
        pairs = gs.pair_distances(asked, places, places, ["road"], roads=roads)
        some = paths[paths["direction"] == direction]
        keys = zip(some["origin_id"], some["site_id"], strict=True)
        pairs = pairs.loc[[k if direction == "out" else k[::-1] for k in keys]]
        np.testing.assert_allclose(some["hours"], pairs["road_h"], rtol=1e-9)
        np.testing.assert_allclose(some["length_km"], pairs["road_km"], rtol=2e-5)
        walked = pairs["road_access_km"] + pairs["road_egress_km"]
        np.testing.assert_allclose(some["walk_km"], walked, rtol=1e-6, atol=1e-9)
        assert pairs["road_km"].notna().sum() > 8
        for line in some.geometry.dropna():
            ride = shapely.LineString(line.coords[1:-1])
            assert (
                shapely.hausdorff_distance(ride, shapely.intersection(ride.buffer(1e-7), net))
                < 1e-4
            )
    assert paths["ascent_m"].isna().all()
    assert paths["why"][paths["hours"].notna()].str.contains("no elevation grid").all()


def test_a_table_of_lengths_is_drawn_straight_and_has_the_published_length():
    at_ = gpd.points_from_xy([76, 76.5, 77], [39, 39.4, 39])
    places = gpd.GeoDataFrame({"name": ["A", "B", "C"]}, index=list("abc"), geometry=at_, crs=4326)
    roads = pd.DataFrame({"a": ["a", "b"], "b": ["b", "c"], "length_km": [70.0, 80.0]})
    flows = pd.DataFrame({"origin_id": ["a", "a"], "site_id": ["b", "c"]})
    paths = gs.least_cost_paths(
        flows, places, places, ["road"], directions=["out"], roads=roads, places=places
    )
    assert paths["length_km"].tolist() == pytest.approx([70, 150])
    assert [len(g.coords) for g in paths.geometry] == [2, 3]
    assert paths["why"].str.contains("drawn straight").all()
    assert paths["legs"][1].startswith("ride 150.00 km")


def test_large_grids_of_float32(monkeypatch):
    monkeypatch.setattr(cost_grid, "EXACT_CELLS", 100)
    rng = np.random.default_rng(5)
    raster = Raster(rng.uniform(0, 300, (60, 90)), LONLAT, unit="m")
    origins, sites = at(raster, (3.2, 4.1), (50.3, 8.8)), at(raster, (52.4, 80.3))
    roads = road([(76.05, 39.9), (76.4, 39.8)], [(76.3, 39.9), (76.85, 39.5)])
    flows = pd.DataFrame({"origin_id": ["p0", "p1"], "site_id": ["p0", "p0"]})
    for metric in ("walk", "travel"):
        paths = gs.least_cost_paths(flows, origins, sites, [metric], dem=raster, roads=roads)
        pairs = gs.pair_distances(flows, origins, sites, [metric], dem=raster, roads=roads)
        both = pairs[[f"{metric}_out_h", f"{metric}_back_h"]].to_numpy().ravel()
        np.testing.assert_allclose(paths["hours"], both, rtol=1e-5)


def test_areas_and_near_places():
    raster = Raster(np.zeros((30, 30)), LONLAT, unit="m")
    area = shapely.box(76.02, 39.82, 76.1, 39.9)
    origins = gpd.GeoDataFrame(index=["area"], geometry=[area], crs=4326)
    sites = at(raster, (15, 25), (15, 15.2))
    flows = pd.DataFrame({"origin_id": ["area", "area"], "site_id": ["p0", "none"]})
    paths = gs.least_cost_paths(flows, origins, sites, directions=["out"], dem=raster)
    known = paths[paths["site_id"] == "p0"].iloc[0]
    assert area.buffer(1e-9).contains(shapely.Point(known.geometry.coords[0]))
    assert "none" in paths[paths["site_id"] == "none"]["why"].iloc[0]
    near = gs.least_cost_paths(
        pd.DataFrame({"origin_id": ["p0"], "site_id": ["p0"]}),
        at(raster, (15, 23.5)), sites, directions=["out"], dem=raster,
    ).iloc[0]  # fmt: skip
    assert near["length_km"] == pytest.approx(1.28, abs=0.02)
    same = gpd.GeoDataFrame(index=["same"], geometry=[area.buffer(0.01)], crs=4326)
    flows = pd.DataFrame({"origin_id": ["area"], "site_id": ["same"]})
    none = gs.least_cost_paths(flows, origins, same, dem=raster).iloc[0]
    assert none["geometry"] is None
    assert "share this ground" in none["why"]


def test_what_has_no_ways_is_refused():
    places = gpd.GeoDataFrame(index=["a"], geometry=gpd.points_from_xy([76], [39]), crs=4326)
    flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["a"]})
    with pytest.raises(gs.errors.UnknownNameError, match="surface"):
        gs.least_cost_paths(flows, places, places, ["surface"])
    with pytest.raises(gs.errors.UnknownNameError, match="sideways"):
        gs.least_cost_paths(flows, places, places, directions=["sideways"])
    lacking = gs.least_cost_paths(flows, places, places)
    assert lacking["why"].str.contains("no layer of elevation").all()


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet"])
def test_the_command_writes_them(ending, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("o.csv").write_text("origin_id,name,lon,lat\no,O,76.05,39.95\n")
    Path("s.csv").write_text("site_id,name,lon,lat\ns,S,76.3,39.93\n")
    road(BEND, road_id=["r"]).to_file("r.geojson")
    call = ["distances", "--origins", "o.csv", "--sites", "s.csv", "--metric", "road"]
    call += ["--roads", "r.geojson", "-o", "d.csv", "--paths"]
    assert main([*call, f"p.{ending}"]) == 0
    read = gpd.read_parquet if ending == "parquet" else gpd.read_file
    paths = read(f"p.{ending}")
    assert paths["direction"].tolist() == ["out", "back"]
    assert paths.crs.is_geographic
    assert len(paths.geometry.iloc[0].coords) >= 4
    if ending == "geojson":
        assert json.loads(Path("p.geojson").read_text())["features"][0]["geometry"]
    assert main([*call, "p.csv"]) == 2
    assert "gpkg" in capsys.readouterr().err
    Path("d.csv").unlink()
    assert main([*call[:6], "geodesic", *call[9:], f"q.{ending}"]) == 2
    assert "none of the metrics has ways" in capsys.readouterr().err
    assert not Path("d.csv").exists()


def test_made_up_example_of_the_documentation():
    page = Path(__file__).parents[1] / "docs" / "paths.md"
    outcome = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert outcome.attempted > 12
    assert outcome.failed == 0


def test_one_metric_may_be_a_word_and_none_is_refused():
    dem = Raster(np.zeros((9, 9)), Affine(0.01, 0, 76, 0, -0.01, 0.09), unit="m")
    at = gpd.points_from_xy
    here = gpd.GeoDataFrame(index=["v"], geometry=at([76.015], [0.045]), crs=4326)
    there = gpd.GeoDataFrame(index=["s"], geometry=at([76.075], [0.045]), crs=4326)
    flows = pd.DataFrame({"origin_id": ["v"], "site_id": ["s"]})
    one = gs.least_cost_paths(flows, here, there, "walk", directions="out", dem=dem)
    assert one["length_km"].item() == pytest.approx(
        GEOD.inv(76.015, 0, 76.075, 0)[2] / 1000, rel=1e-4
    )
    for wrong in ({"metrics": ()}, {"directions": ()}):
        with pytest.raises(InputError, match="at least one"):
            gs.least_cost_paths(flows, here, there, dem=dem, **wrong)
