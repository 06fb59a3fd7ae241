"""Roads: lengths by hand, noding, one-way, closures, islands, tables of lengths, reasons; graph
against SciPy.
"""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine

from geosettle.distance import pair_distances
from geosettle.distance._protocol import Context
from geosettle.distance._solver.graph import make_graph
from geosettle.distance._solver.shortest_paths import many_to_many
from geosettle.distance.network import RoadRules, read_network
from geosettle.distance.noding import node_lines
from geosettle.distance.road_access import feet_on_lines
from geosettle.distance.roads import road_pairs, road_problems
from geosettle.errors import ColumnError, CrsError, InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster


def km(*points) -> float:
    return sum(GEOD.inv(*a, *b)[2] for a, b in pairwise(points)) / 1000


def frame(*points) -> gpd.GeoDataFrame:
    geometry = [None if p is None else shapely.Point(p) for p in points]
    return gpd.GeoDataFrame(
        index=[f"p{i}" for i in range(len(points))], geometry=geometry, crs="EPSG:4326"
    )


def lines(*coordinates, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        columns, geometry=[shapely.LineString(c) for c in coordinates], crs="EPSG:4326"
    )


def road(a, b, roads, *, places=None, dem=None, **options) -> pd.Series:
    context = Context(dem=dem, roads=roads, places=places, options={"road": options})
    return road_pairs(frame(a), frame(b), np.array([[0, 0]]), context).iloc[0]


# --- Lines
# ------------------------------------------------------------------------------------------------------------


def test_along_one_line_between_two_points_on_it():
    out = road(
        (76.0, 39.0),
        (77.0, 39.0),
        lines([(75.5, 39), (76, 39), (77, 39), (77.5, 39)]),
        speed_kmh=50,
    )
    assert out.road_km == pytest.approx(km((76, 39), (77, 39)), rel=1e-9)
    assert out.road_h == pytest.approx(out.road_km / 50, rel=1e-9)
    assert [out.road_access_km, out.road_egress_km] == pytest.approx([0, 0], abs=1e-6)
    assert out.why == ""


def test_points_inside_a_segment_are_joined_where_they_are():
    # The line runs along the equator, so that its planar and geodesic shapes agree.
    out = road((10.2, 0.0), (10.7, 0.0), lines([(10, 0), (11, 0)]))
    assert out.road_km == pytest.approx(km((10.2, 0), (10.7, 0)), rel=1e-9)


def test_lines_that_cross_are_joined_and_bridges_are_not():
    cross = lines([(10, 0), (10.2, 0)], [(10.1, -0.1), (10.1, 0.1)])
    out = road((10.0, 0.0), (10.1, 0.1), cross)
    assert out.road_km == pytest.approx(km((10, 0), (10.1, 0), (10.1, 0.1)), rel=1e-6)
    bridge = road((10.0, 0.0), (10.1, 0.1), cross.assign(layer=[0, 1]), max_access_km=1.0)
    assert "no connection by road" in bridge.why
    assert "2 separate parts" in bridge.why
    apart = road((10.0, 0.0), (10.1, 0.1), cross, crossings=False, max_access_km=1.0)
    assert "no connection by road" in apart.why


def test_a_t_junction_within_the_tolerance_is_joined():
    gap = 10 / 111_000  # ten metres short of the through road
    tee = lines([(10, 0), (10.2, 0)], [(10.1, gap), (10.1, 0.1)])
    out = road((10.0, 0.0), (10.1, 0.1), tee, tolerance_m=20)
    assert out.road_km == pytest.approx(km((10, 0), (10.1, 0), (10.1, 0.1)), abs=0.025)
    strict = road((10.0, 0.0), (10.1, 0.1), tee, tolerance_m=5, max_access_km=1.0)
    assert "no connection by road" in strict.why


def test_ends_that_nearly_meet_are_joined():
    gap = 8 / 111_000
    out = road((10.0, 0.0), (10.2, 0.0), lines([(10, 0), (10.1, 0)], [(10.1 + gap, 0), (10.2, 0)]))
    assert out.road_km == pytest.approx(km((10, 0), (10.2, 0)), abs=0.02)


def test_gaps_that_stay_open_are_counted():
    """Ends 8 m, 15 m and 30 m short of a road; one that is joined around the corner is none."""
    degree = 1 / 111_320
    streets = lines(
        [(10, 0), (10.2, 0)],
        *([(x, m * degree), (x, 0.1)] for x, m in ((10.05, 8), (10.1, 15), (10.15, 30))),
        [(10.2, 0), (10.2, 10 * degree), (10.2 - 10 * degree, 10 * degree)],
    )
    for tolerance, open_, joined in ((1.0, "2", []), (10.0, "1", ["1"]), (40.0, None, ["3"])):
        network = read_network(streets, None, RoadRules(tolerance_m=tolerance))
        said = {p.code: p.value for p in road_problems(network)}
        assert said.get("road_ends_near") == open_
        assert [said[c] for c in ("road_joined",) if c in said] == joined


def test_one_way_streets():
    ring = lines(
        [(10, 0), (10.2, 0)], [(10.2, 0), (10.2, 0.1), (10, 0.1), (10, 0)], oneway=["yes", "no"]
    )
    there = road((10.0, 0.0), (10.2, 0.0), ring)
    back = road((10.2, 0.0), (10.0, 0.0), ring)
    assert there.road_km == pytest.approx(km((10, 0), (10.2, 0)), rel=1e-6)
    assert back.road_km == pytest.approx(km((10.2, 0), (10.2, 0.1), (10, 0.1), (10, 0)), rel=1e-6)
    against = ring.assign(oneway=["-1", "no"])
    assert road((10.0, 0.0), (10.2, 0.0), against).road_km == pytest.approx(back.road_km, rel=1e-9)
    alone = lines([(10, 0), (10.2, 0)], oneway=[True])
    stuck = road((10.2, 0.0), (10.0, 0.0), alone, max_access_km=1.0)
    assert stuck.why == "no way by road in the directions allowed (one-way roads)"


def test_the_fastest_way_wins_by_class_and_row_speed():
    two = lines([(10, 0), (10.2, 0)], [(10, 0), (10, 0.1), (10.2, 0.1), (10.2, 0)])
    two["class"] = ["track", "highway"]
    by_class = road((10.0, 0.0), (10.2, 0.0), two, class_speed_kmh={"track": 10, "highway": 100})
    assert by_class.road_km == pytest.approx(
        km((10, 0), (10, 0.1), (10.2, 0.1), (10.2, 0)), rel=1e-6
    )
    assert by_class.road_h == pytest.approx(by_class.road_km / 100, rel=1e-9)
    own = two.assign(speed_kmh=[90.0, np.nan])
    direct = road((10.0, 0.0), (10.2, 0.0), own, class_speed_kmh={"track": 10, "highway": 100})
    assert direct.road_km == pytest.approx(km((10, 0), (10.2, 0)), rel=1e-6)


def test_seasons_and_closures():
    two = lines(
        [(10, 0), (10.2, 0)], [(10, 0), (10, 0.1), (10.2, 0.1), (10.2, 0)], season=["summer", None]
    )
    short, long = km((10, 0), (10.2, 0)), km((10, 0), (10, 0.1), (10.2, 0.1), (10.2, 0))
    assert road((10, 0), (10.2, 0), two).road_km == pytest.approx(short, rel=1e-6)
    assert road((10, 0), (10.2, 0), two, season="summer").road_km == pytest.approx(short, rel=1e-6)
    assert road((10, 0), (10.2, 0), two, season="winter").road_km == pytest.approx(long, rel=1e-6)
    ice = two.assign(surface=["ice", "gravel"])
    assert road((10, 0), (10.2, 0), ice, closed={"surface": ["ice"]}).road_km == pytest.approx(
        long, rel=1e-6
    )
    with pytest.raises(ColumnError, match="closure"):
        road((10, 0), (10.2, 0), two, closed={"weather": ["snow"]})


def test_access_legs_are_walked_capped_and_reported():
    off = 0.05  # 5.5 km north of the road
    out = road((10.0, off), (10.2, 0.0), lines([(10, 0), (10.2, 0)]), speed_kmh=50, off_road_kmh=4)
    leg = km((10, off), (10, 0))
    assert out.road_access_km == pytest.approx(leg, rel=1e-4)
    assert out.road_h == pytest.approx(leg / 4 + km((10, 0), (10.2, 0)) / 50, rel=1e-4)
    dem = Raster(np.zeros((40, 40)), Affine(0.01, 0, 9.9, 0, -0.01, 0.2), unit="m")
    timed = road((10.0, off), (10.2, 0.0), lines([(10, 0), (10.2, 0)]), dem=dem, speed_kmh=50)
    assert timed.road_h == pytest.approx(
        leg / (6 * np.exp(-0.175)) + km((10, 0), (10.2, 0)) / 50, rel=1e-4
    )
    far = road((10.0, off), (10.2, 0.0), lines([(10, 0), (10.2, 0)]), max_access_km=5)
    assert far.why == "no road within 5 km of the origin (nearest 5.5 km)"
    assert np.isnan(far.road_km)


def test_from_an_island_the_main_network_may_be_walked_to():
    roads = lines([(10, 0), (10.3, 0)], [(10.1, 0.02), (10.12, 0.02)])
    out = road((10.1, 0.021), (10.3, 0.0), roads)
    assert out.road_access_km == pytest.approx(km((10.1, 0.021), (10.1, 0)), rel=1e-3)
    assert out.why == ""


def test_unknown_positions_have_their_reason():
    context = Context(roads=lines([(10, 0), (10.2, 0)]))
    out = road_pairs(frame((10, 0), None), frame((10.2, 0)), np.array([[0, 0], [1, 0]]), context)
    assert out.why.tolist() == ["", "position unknown"]
    none = road_pairs(frame((10, 0)), frame((10.2, 0)), np.array([[0, 0]]), Context())
    assert none.why.tolist() == ["no roads in the study"]


def test_roads_in_another_crs_are_brought_over_and_without_one_refused():
    roads = lines([(76, 39), (77, 39)])
    a, b = (76.0, 39.0), (77.0, 39.0)
    assert road(a, b, roads.to_crs("EPSG:32644")).road_km == pytest.approx(
        road(a, b, roads).road_km, rel=1e-6
    )
    with pytest.raises(CrsError, match="no coordinate reference system"):
        road(a, b, gpd.GeoDataFrame(geometry=list(roads.geometry)))


def test_empty_or_unusable_roads_are_refused():
    with pytest.raises(InputError, match="no rows"):
        road((10, 0), (10.2, 0), lines())
    with pytest.raises(ColumnError, match="neither lines nor a table"):
        road((10, 0), (10.2, 0), pd.DataFrame({"x": [1]}))
    with pytest.raises(InputError, match="no road is left"):
        road((10, 0), (10.2, 0), lines([(10, 0), (10.2, 0)], speed_kmh=[0.0]))


def test_noding_keeps_the_total_length():
    rng = np.random.default_rng(2)
    drawn = [shapely.LineString(rng.uniform([76, 39], [76.4, 39.4], (4, 2))) for _ in range(30)]
    noded = node_lines(np.array(drawn, dtype=object), tolerance_m=0.5)
    expected = sum(GEOD.line_length(*np.array(line.coords).T) for line in drawn)
    assert noded.metres.sum() == pytest.approx(expected, rel=1e-4)
    # Every crossing is a node: shapely's own noding, an independent implementation, makes as many
    # pieces.
    pieces = shapely.get_num_geometries(shapely.node(shapely.MultiLineString(drawn)))
    assert abs(noded.line.size - pieces) <= 0.02 * pieces


def test_rings_are_ways_round():
    corners = [(76.0, 39.0), (76.1, 39.0), (76.1, 39.1), (76.0, 39.1)]
    ring = lines([*corners, corners[0]])
    out = road(corners[0], corners[3], ring)  # the shorter way, against the direction drawn
    assert out.road_km == pytest.approx(km(corners[0], corners[3]), rel=1e-6)
    forward = road(corners[0], corners[3], ring.assign(oneway="yes"))
    assert forward.road_km == pytest.approx(km(*corners), rel=1e-6)
    # A ring apart from the main road is another piece.
    both = lines([*corners, corners[0]], [(77, 39), (78, 39)])
    assert "no connection by road" in road(corners[0], (77.5, 39.0), both, max_access_km=5.0).why


def test_a_line_that_crosses_itself_is_joined_there():
    eight = lines([(76, 0), (76.1, 0.1), (76.1, 0), (76, 0.1)])
    crossing = (76.05, 0.05)
    out = road((76, 0), (76, 0.1), eight)
    assert out.road_km == pytest.approx(km((76, 0), crossing, (76, 0.1)), rel=1e-4)
    spiral = road((76, 0), (76, 0.1), eight, crossings=False)
    assert spiral.road_km == pytest.approx(km((76, 0), (76.1, 0.1), (76.1, 0), (76, 0.1)), rel=1e-4)


@pytest.mark.parametrize(
    "drawn",
    [
        [[(179.4, 0), (180, 0)], [(-180, 0), (-179.4, 0)]],
        [[(179.4, 0), (180.6, 0)]],
        [[(179.4, 0), (-179.4, 0)]],
        [[(179.4, 0), (179.9, 0)], [(-180.1, 0), (-179.4, 0)]],
    ],
)
def test_roads_across_the_180th_meridian(drawn):
    out = road((179.5, 0.0), (-179.5, 0.0), lines(*drawn))
    assert out.road_km == pytest.approx(km((179.5, 0), (-179.5, 0)), rel=1e-9)
    beyond = road((-179.95, 0.0), (179.5, 0.0), lines([(179.4, 0), (179.99, 0)]))
    assert beyond.road_access_km == pytest.approx(km((-179.95, 0), (179.99, 0)), rel=1e-6)


@pytest.mark.parametrize(("south", "north"), [(58, 71), (-55, -18), (-8, 9)])
def test_legs_lead_to_the_nearest_road_at_every_latitude(south, north):
    rng = np.random.default_rng(8)
    start = np.column_stack([rng.uniform(20, 40, 80), rng.uniform(south, north, 80)])
    lines = shapely.linestrings(np.stack([start, start + rng.normal(0, 0.8, (80, 2))], 1))
    network = read_network(gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326"))
    lon, lat = rng.uniform(20, 40, 120), rng.uniform(south, north, 120)
    feet = feet_on_lines(network, lon, lat)
    dots = shapely.get_coordinates(shapely.segmentize(lines, 0.004))
    apart = GEOD.inv(
        *(np.repeat(v[:, None], len(dots), 1) for v in (lon, lat)),
        *(np.repeat(v[None], 120, 0) for v in dots.T),
    )[2]
    least = apart.min(axis=1)
    # A dot is at most half a step from the foot, nearly at right angles to the leg.
    assert (feet.straight[:, 0] <= least + 1e-3).all()
    assert (feet.straight[:, 0] >= least - 230).all()
    far = least > 10_000
    assert far.sum() > 60
    assert feet.straight[far, 0] == pytest.approx(least[far], rel=3e-4)


@pytest.mark.parametrize("lat", [0.0, 45.0, 80.0, -70.0])
def test_the_tolerance_is_in_metres_at_every_latitude(lat):
    # A side road that ends 15 m short of the through road, to the north, and one that ends 15 m
    # short of its end, east.
    north = lat + 15 / 111_000
    east = 10.0 + 15 / (111_320 * np.cos(np.radians(lat)))
    through = [(9.8, lat), (10.0, lat)]
    for tolerance, joined in ((20.0, True), (10.0, False)):
        options = {"tolerance_m": tolerance, "max_access_km": 0.1}
        tee = road(
            (9.8, lat),
            (9.9, lat + 0.1),
            lines(through, [(9.9, north), (9.9, lat + 0.1)]),
            **options,
        )
        gap = road((9.8, lat), (10.2, lat), lines(through, [(east, lat), (10.2, lat)]), **options)
        assert [np.isfinite(tee.road_km), np.isfinite(gap.road_km)] == [joined, joined]


def test_geometry_of_every_kind_is_taken_or_set_aside():
    good = shapely.LineString([(76, 39), (76.5, 39)])
    odd = [
        None, shapely.LineString(), shapely.Point(76, 39), shapely.box(76, 39, 76.1, 39.1),
        shapely.LineString([(76.2, 39), (76.2, 39)]), shapely.LineString([(500_000, 4_300_000), (500_100, 4_300_100)]),
        shapely.LineString([(np.inf, 39), (76, 39)]),
    ]  # fmt: skip
    roads = gpd.GeoDataFrame(geometry=[good, *odd], crs=4326)
    out = road((76.0, 39.0), (76.5, 39.0), roads)
    assert out.road_km == pytest.approx(km((76, 39), (76.5, 39)), rel=1e-5)
    aside = read_network(roads).set_aside
    assert aside["row"].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert aside["why"].tolist() == ["it has no line"] * 5 + ["its coordinates are not degrees"] * 2
    high = shapely.force_3d(good, 1000.0)
    many = shapely.MultiLineString([[(76, 39), (76.2, 39)], [(76.2, 39), (76.5, 39)]])
    for kind in (high, many, shapely.GeometryCollection([good, shapely.Point(1, 1)])):
        same = road((76.0, 39.0), (76.5, 39.0), gpd.GeoDataFrame(geometry=[kind], crs=4326))
        assert same.road_km == pytest.approx(km((76, 39), (76.5, 39)), rel=1e-5)
    with pytest.raises(
        InputError, match="no road is left to use; of the 1 rows: its coordinates are not degrees"
    ):
        road((76.0, 39.0), (76.5, 39.0), gpd.GeoDataFrame(geometry=[odd[5]], crs=4326))


def test_doubled_roads_count_once_and_the_faster_wins():
    twice = lines([(76, 39), (76.5, 39)], [(76, 39), (76.5, 39)], speed_kmh=[20, 80])
    out = road((76.0, 39.0), (76.5, 39.0), twice)
    assert out.road_h == pytest.approx(km((76, 39), (76.5, 39)) / 80, rel=1e-5)


@pytest.mark.parametrize(
    ("value", "forward", "backward"),
    [("-1", False, True), (-1, False, True), (-1.0, False, True), ("reverse", False, True), ("yes", True, False),
     (True, True, False), (1, True, False), ("no", True, True), (0, True, True), (None, True, True), (np.nan, True, True)],
)  # fmt: skip
def test_every_way_of_writing_oneway(value, forward, backward):
    one = lines([(76, 39), (76.5, 39)], oneway=[value])
    ways = [
        road(a, b, one).road_km
        for a, b in (((76.0, 39.0), (76.5, 39.0)), ((76.5, 39.0), (76.0, 39.0)))
    ]
    assert [bool(np.isfinite(w)) for w in ways] == [forward, backward]


def test_where_the_season_closes_every_road_that_is_the_reason():
    only = lines([(76, 39), (76.5, 39)], season=["summer"])
    out = road((76.0, 39.0), (76.5, 39.0), only, season="winter")
    assert np.isnan(out.road_km)
    assert out.why == "every road is closed in this season or by an attribute"
    network = read_network(only, rules=RoadRules(season="winter"))
    assert (network.graph.size, [p.code for p in road_problems(network)]) == (0, ["road_closed"])
    level = Raster(np.zeros((40, 80)), Affine(0.01, 0, 75.9, 0, -0.01, 39.2), unit="m")
    flows = pd.DataFrame({"origin_id": ["p0"], "site_id": ["p1"]})
    ends = frame((76.0, 39.0), (76.5, 39.0))
    layers = {"dem": level, "roads": only, "options": {"road": {"season": "winter"}}}
    table = pair_distances(flows, ends, ends, ("walk", "travel"), **layers).iloc[0]
    assert table["travel_out_h"] == pytest.approx(
        table["walk_out_h"], rel=1e-6
    )  # the rest of the way is on foot


@pytest.mark.parametrize("seed", range(3))
def test_random_lattices_of_lines_against_scipy(seed):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    # Lines between the points of a bent lattice, each edge once, some one-way: the graph is known
    # without any noding.
    rng = np.random.default_rng(seed)
    n = 7
    x = 10 + (np.arange(n) * 0.05)[:, None] + rng.uniform(-0.01, 0.01, (n, n))
    y = (np.arange(n) * 0.05)[None] + rng.uniform(-0.01, 0.01, (n, n))
    point = np.column_stack([x.ravel(), y.ravel()])
    number = np.arange(n * n).reshape(n, n)
    edges = np.r_[np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
                  np.column_stack([number[:-1].ravel(), number[1:].ravel()])]  # fmt: skip
    edges = edges[rng.random(len(edges)) < 0.8]
    speed, oneway = (
        rng.choice([20.0, 50.0, 90.0], len(edges)),
        rng.choice(["no", "yes", "-1"], len(edges), p=[0.7, 0.2, 0.1]),
    )
    roads = lines(*(point[e] for e in edges), speed_kmh=speed, oneway=oneway)
    hours = np.asarray(GEOD.inv(*point[edges[:, 0]].T, *point[edges[:, 1]].T)[2]) / 1000 / speed
    there, back = oneway != "-1", oneway != "yes"
    a, b = np.r_[edges[there, 0], edges[back, 1]], np.r_[edges[there, 1], edges[back, 0]]
    expected = dijkstra(
        coo_array((np.r_[hours[there], hours[back]], (a, b)), shape=(n * n, n * n)).tocsr()
    )
    places = frame(*point)
    every = np.stack(
        np.meshgrid(np.arange(0, n * n, 4), np.arange(n * n), indexing="ij"), -1
    ).reshape(-1, 2)
    context = Context(roads=roads, options={"road": {"max_access_km": 0.05}})
    found = road_pairs(places, places, every, context).road_h.to_numpy()
    wanted = expected[every[:, 0], every[:, 1]]
    apart = every[:, 0] != every[:, 1]
    joined = np.isin(every, edges).all(axis=1) & apart
    assert joined.sum() > 200
    np.testing.assert_allclose(
        found[joined], np.where(np.isinf(wanted), np.nan, wanted)[joined], rtol=2e-4
    )


# --- Tables of lengths
# --------------------------------------------------------------------------------------------------

PLACES = gpd.GeoDataFrame(
    {"name": ["Alpha", "Beta", "Gamma", "Delta"]},
    index=pd.Index(["A", "B", "C", "D"], name="place_id"),
    geometry=gpd.points_from_xy([76.0, 76.5, 77.0, 79.0], [39.0, 39.0, 39.0, 39.0]),
    crs="EPSG:4326",
)


def table(*rows, **columns) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["a", "b", "length_km"]).assign(**columns)


def test_published_lengths_count_not_the_lines():
    roads = table(("A", "B", 60.0), ("B", "C", 55.0))
    out = road((76.0, 39.0), (77.0, 39.0), roads, places=PLACES, speed_kmh=50)
    assert out.road_km == pytest.approx(115)
    assert out.road_h == pytest.approx(2.3)


def test_places_may_be_named_by_name_or_by_coordinates():
    by_name = table(("Alpha", "Beta", 60.0))
    assert road((76.0, 39.0), (76.5, 39.0), by_name, places=PLACES).road_km == pytest.approx(60)
    by_place = table(("x", "y", 60.0), a_lon=[76.0], a_lat=[39.0], b_lon=[76.5], b_lat=[39.0])
    assert road((76.0, 39.0), (76.5, 39.0), by_place).road_km == pytest.approx(60)


def test_impossible_and_doubtful_rows_are_left_out_and_said():
    # A to B is 43.2 km straight, so 40 km by road cannot be; quality C is not used; B to C has no
    # length.
    roads = table(
        ("A", "B", 40.0),
        ("A", "B", 70.0),
        ("A", "B", 60.0),
        ("B", "C", np.nan),
        quality=["A", "C", "A", "A"],
    )
    network = read_network(roads, PLACES)
    found = {(p.row, p.code, p.severity) for p in road_problems(network)}
    assert found == {
        (1, "road_shorter_than_straight", "error"),
        (2, "road_quality", "error"),
        (4, "road_length", "error"),
    }
    assert "40 km is shorter than the straight line of 43.3 km" in road_problems(network)[0].message
    assert road((76.0, 39.0), (76.5, 39.0), roads, places=PLACES).road_km == pytest.approx(60)


def test_rows_marked_as_not_used_are_not_used():
    roads = table(("A", "B", 60.0), ("A", "B", 50.0), used=["true", "false"])
    assert road((76.0, 39.0), (76.5, 39.0), roads, places=PLACES).road_km == pytest.approx(60)


def test_pieces_and_the_same_place_are_named():
    roads = table(("A", "B", 60.0), ("C", "D", 190.0))
    out = road((76.0, 39.0), (79.0, 39.0), roads, places=PLACES)
    assert out.why == (
        "no connection by road: the origin is on the part of the network around Alpha (2 nodes, about 60 km; the network has 2 separate parts), "
        "the site on the part of the network around Delta (2 nodes, about 190 km; the network has 2 separate parts)"
    )
    near = road((76.01, 39.0), (75.99, 39.0), roads, places=PLACES)
    assert (
        near.why
        == "both ends meet the road network at the same place (Alpha): no road between them is known"
    )
    away = road((76.0, 41.0), (76.5, 39.0), roads, places=PLACES)
    assert away.why == "no road within 25 km of the origin (nearest 222.1 km: Alpha)"


def test_row_order_does_not_matter():
    roads = table(("A", "B", 60.0), ("B", "C", 55.0), ("C", "D", 190.0), ("A", "C", 130.0))
    a = road((76.01, 39.02), (79.0, 39.01), roads, places=PLACES)
    b = road((76.01, 39.02), (79.0, 39.01), roads.iloc[::-1], places=PLACES.iloc[::-1])
    assert a.tolist() == b.tolist()


def test_names_are_found_in_any_case_and_unknown_ones_are_said():
    loose = table((" alpha", "BETA ", 60.0))
    assert road((76.0, 39.0), (76.5, 39.0), loose, places=PLACES).road_km == pytest.approx(60)
    nowhere = road((76.0, 39.0), (76.5, 39.0), table(("X", "Y", 60.0)), places=PLACES)
    assert nowhere.why == "none of the places that the roads name (X, Y ...) has a known position"
    network = read_network(table(("A", "Nowhere", 60.0)), PLACES)
    (problem,) = road_problems(network)
    assert (problem.code, problem.severity, problem.id) == (
        "road_place_unknown",
        "warning",
        "Nowhere",
    )


def test_rows_without_names_or_lengths_are_set_aside():
    roads = table(
        (None, "B", 50.0), ("A", "B", np.inf), ("A", "", 3.0), ("A", "A", 5.0), ("A", "B", 60.0)
    )
    network = read_network(roads, PLACES)
    assert [(p.row, p.code) for p in road_problems(network)] == [
        (1, "road_end"),
        (2, "road_length"),
        (3, "road_end"),
    ]
    assert road((76.0, 39.0), (76.5, 39.0), roads, places=PLACES).road_km == pytest.approx(60)
    text = road((76.0, 39.0), (76.5, 39.0), table(("A", "B", "50 km")), places=PLACES)
    assert text.why == "no row of the table of road lengths can be used"


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="swimming"):
        RoadRules(swimming=1)


# --- Lines as they come: pieces, gaps, bridges
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", [1.0, 20.0])
def test_a_road_in_short_pieces_is_as_long_as_in_one(tolerance):
    x = 30 + 10 / 111_319.49 * np.arange(501)
    y = 0.002 * np.sin(np.arange(501) / 3.0)  # bends sharper than the tolerance
    for drawn in (np.zeros(501), y):
        points = list(zip(x, drawn, strict=True))
        pieces = lines(*pairwise(points))
        out = road(points[0], points[-1], pieces, tolerance_m=tolerance)
        assert out.road_km == pytest.approx(km(*points), rel=1e-9)
        assert not [p for p in road_problems(read_network(pieces)) if p.code == "road_joined"]


def test_roads_that_run_side_by_side_stay_two():
    gap = 15 / 110_574
    both = lines([(30, 0), (30.05, 0)], [(30.01, gap), (30.04, gap)])
    network = read_network(both, rules=RoadRules(tolerance_m=20.0))
    noded = network.edges.noded
    # Two dangling ends of the shorter road are joined to the longer one; nothing else is moved.
    assert noded.joint.sum() == 2
    assert noded.metres[~noded.joint].sum() == pytest.approx(noded.drawn_m, rel=1e-12)
    assert np.unique(read_network(both).component).size == 2


def test_joining_ends_keeps_every_length_and_is_reported():
    rng = np.random.default_rng(8)
    ends = rng.uniform([10, 0], [10.02, 0.02], (80, 2))
    drawn = lines(*([a, a + rng.normal(0, 0.002, 2)] for a in ends))
    for tolerance in (1.0, 30.0):
        network = read_network(drawn, rules=RoadRules(tolerance_m=tolerance))
        noded = network.edges.noded
        kept = noded.metres[~noded.joint].sum()
        assert kept == pytest.approx(noded.drawn_m, abs=0.01)
        assert noded.metres[noded.joint].max(initial=0.0) <= tolerance * 1.01
    (told,) = [p for p in road_problems(network) if p.code == "road_joined"]
    assert told.value == str(noded.joint.sum())
    assert f"{noded.drawn_m / 1000:.3f} km as drawn and {kept / 1000:.3f} km" in told.message


def test_a_bridge_meets_roads_at_its_ends_only():
    # A road over another: three ways of one street, the middle one on layer 1.
    roads = lines(
        [(10, 0), (10.1, 0)],
        [(10.1, 0), (10.2, 0)],
        [(10.2, 0), (10.3, 0)],
        [(10.15, -0.1), (10.15, 0.1)],
        layer=["0", "1", None, "0"],
    )
    out = road((10.0, 0.0), (10.3, 0.0), roads)
    assert out.road_km == pytest.approx(km((10, 0), (10.3, 0)), rel=1e-9)
    assert "no connection" in road((10.0, 0.0), (10.15, 0.1), roads, max_access_km=1.0).why


def town(n: int = 9, seed: int = 3):
    """Streets as a map of a town has them: ways that share vertices, some one-way, a dual
    carriageway, bridges over both; with the graph that they are by construction.
    """
    import networkx as nx

    rng = np.random.default_rng(seed)
    x = 10 + 0.001 * np.arange(n)[:, None] + rng.uniform(-2e-4, 2e-4, (n, n))
    y = 50 + 0.0007 * np.arange(n)[None] + rng.uniform(-1e-4, 1e-4, (n, n))
    corner = np.stack([x, y], axis=-1)
    ways, rows = [], []
    for i in range(n):
        for along in (corner[i], corner[:, i]):
            cut = int(rng.integers(2, n - 2))  # a street is several ways
            oneway = str(rng.choice(["no", "yes", "-1"], p=[0.6, 0.25, 0.15]))
            speed = float(rng.choice([30.0, 50.0]))
            for part in (along[: cut + 1], along[cut:]):
                ways.append(part)
                rows.append((oneway, speed, 0))
    # A dual carriageway 12 m apart, crossing every street on bridges; ramps at both ends.
    west, east = corner[0, n // 2] - [0.002, 0], corner[-1, n // 2] + [0.002, 0]
    for offset, (a, b) in ((0.0, (west, east)), (1.1e-4, (east, west))):
        shift = np.array([0, 3e-4 + offset])
        outward = np.array([2 * offset, 0]) * (1 if offset and a[0] > b[0] else -1)
        ends = [a + shift + outward, b + shift - outward]
        ways.append(np.array(ends))
        rows.append(("yes", 90.0, 1))
        for ramp, at in zip(ends, (a, b), strict=True):
            ways.append(np.array([at, ramp]))
            rows.append(("no", 40.0, 0))
    ways += [np.array([corner[0, n // 2], west]), np.array([corner[-1, n // 2], east])]
    rows += [("no", 40.0, 0)] * 2
    graph = nx.DiGraph()
    for way, (oneway, speed, _) in zip(ways, rows, strict=True):
        for a, b in pairwise(way):
            metres = GEOD.inv(*a, *b)[2]
            for u, v, allowed in ((a, b, oneway != "-1"), (b, a, oneway != "yes")):
                hours = metres / 1000 / speed
                old = graph.get_edge_data(tuple(u), tuple(v), {"hours": np.inf})["hours"]
                if allowed and hours < old:
                    graph.add_edge(tuple(u), tuple(v), hours=hours, km=metres / 1000)
    oneway, speed, level = zip(*rows, strict=True)
    roads = lines(*ways, oneway=oneway, speed_kmh=speed, layer=level)
    return roads, graph, [*map(tuple, corner.reshape(-1, 2)), tuple(west), tuple(east)]


@pytest.mark.parametrize("tolerance", [1.0, 20.0])
def test_a_town_against_networkx(tolerance):
    import networkx as nx

    roads, graph, places = town()
    ends = frame(*places[::5], *places[-2:])
    points = [(p.x, p.y) for p in ends.geometry]
    every = np.argwhere(~np.eye(len(points), dtype=bool))
    context = Context(roads=roads, options={"road": {"tolerance_m": tolerance}})
    found = road_pairs(ends, ends, every, context)
    for (i, j), hours, length in zip(every, found.road_h, found.road_km, strict=True):
        try:
            way = nx.shortest_path(graph, points[i], points[j], weight="hours")
        except nx.NetworkXNoPath:
            assert np.isnan(hours)
            continue
        assert hours == pytest.approx(nx.path_weight(graph, way, "hours"), rel=1e-9)
        assert length == pytest.approx(nx.path_weight(graph, way, "km"), rel=1e-9)
    assert found.road_h.notna().mean() > 0.9
    assert (found.road_km >= [km(points[i], points[j]) - 1e-9 for i, j in every])[
        found.road_h.notna()
    ].all()


def test_a_place_on_a_node_outside_the_elevation_has_no_leg():
    level = Raster(np.zeros((4, 4)), Affine(0.1, 0, 70, 0, -0.1, 40), unit="m")
    by_place = table(("x", "y", 60.0), a_lon=[76.0], a_lat=[39.0], b_lon=[76.5], b_lat=[39.0])
    assert road((76.0, 39.0), (76.5, 39.0), by_place, dem=level).road_km == 60
    out = road((76.0, 39.0), (76.5, 39.0), lines([(76, 39), (76.5, 39)]), dem=level)
    assert out.road_access_km == out.road_egress_km == 0


def test_origins_and_sites_are_places_of_a_table_by_id_and_name():
    roads = table(("o1", "Campo", 60.0), ("Campo", "Far", 30.0))
    origins = frame((76.0, 39.0)).set_axis(["o1"])
    sites = frame((76.5, 39.0), None).set_axis(["s1", "s2"]).assign(name=["Campo", "Far"])
    every = np.array([[0, 0], [0, 1]])
    out = road_pairs(origins, sites, every, Context(roads=roads))
    assert out.road_km.tolist() == [60.0, 90.0]  # also where the position is unknown
    # A place of the same name on another continent is not it.
    away = sites.set_geometry(gpd.points_from_xy([-70, -71], [10, 10]), crs=4326)
    roads = table(("o1", "x", 60.0), a_lon=76.0, a_lat=39.0, b_lon=76.5, b_lat=39.0, b_name="Campo")
    assert np.isnan(road_pairs(origins, away, every, Context(roads=roads)).road_km).all()


def test_the_published_length_of_the_pair_goes_before_a_way_over_neighbours():
    roads = table(("A", "B", 248.0), ("A", "C", 100.0), ("B", "C", 60.0))
    out = road((76.0, 39.0), (76.5, 39.0), roads, places=PLACES)
    assert out.road_km == 248.0
    assert out.road_flags == "published_longer_than_others"
    # A neighbour within reach on foot is no way to the place itself.
    near = PLACES.set_geometry(gpd.points_from_xy([76.0, 76.5, 76.55, 79.0], [39.0] * 4), crs=4326)
    short = table(("A", "B", 248.0), ("A", "C", 80.0))
    assert road((76.0, 39.0), (76.5, 39.0), short, places=near).road_km == 248.0


def test_where_no_road_is_known_the_detours_of_the_study_give_an_estimate():
    n = 12
    lon = 76 + 0.5 * np.arange(n)
    places = gpd.GeoDataFrame(
        index=[f"p{i}" for i in range(n)], geometry=gpd.points_from_xy(lon, 0 * lon), crs=4326
    )
    detours = 1.1 + 0.1 * np.arange(n - 1)
    steps = [GEOD.inv(a, 0, b, 0)[2] / 1000 for a, b in pairwise(lon)]
    rows = [(f"p{i}", f"p{i + 1}", steps[i] * detours[i]) for i in range(n - 1)]
    far = gpd.GeoDataFrame(index=["far"], geometry=[shapely.Point(76, 3)], crs=4326)
    flows = pd.DataFrame({"origin_id": ["p0", "p0"], "site_id": ["far", "p1"]})
    both = pd.concat([far, places.iloc[[1]]])
    table_ = pair_distances(flows, places, both, ("geodesic", "road"), roads=table(*rows))
    row = table_.loc[("p0", "far")]
    straight = GEOD.inv(76, 0, 76, 3)[2] / 1000
    assert np.isnan(row["road_km"])
    assert row["road_estimate_km"] == pytest.approx(straight * 1.6, rel=1e-6)
    assert [row["road_estimate_low_km"], row["road_estimate_high_km"]] == pytest.approx(
        [straight * v for v in np.quantile(detours, [0.05, 0.95], method="weibull")], rel=1e-6
    )
    assert np.isnan(table_.loc[("p0", "p1"), "road_estimate_km"])
    few = pair_distances(flows, places, both, ("geodesic", "road"), roads=table(*rows[:3]))
    assert "road_estimate_km" not in few


def test_one_context_prepares_network_and_places_once(monkeypatch):
    from geosettle.distance import _metrics, distance_intervals, network, scenario_table

    calls = {"read_network": 0, "as_places": 0}
    for module, name in ((network, "read_network"), (_metrics, "as_places")):
        original = getattr(module, name)

        def counted(*args, original=original, name=name, **options):
            calls[name] += 1
            return original(*args, **options)

        monkeypatch.setattr(module, name, counted)
    context = Context(roads=lines([(10, 0), (10.3, 0)]))
    origins, sites = frame((10, 0), (10.1, 0)), frame((10.2, 0), (10.3, 0))
    flows = pd.DataFrame({"origin_id": ["p0", "p1"], "site_id": ["p0", "p1"]})
    value = pair_distances(flows, origins, sites, ("geodesic", "road"), context=context)
    distance_intervals(flows, origins, sites, ("road",), measured=value, context=context)
    assert calls == {"read_network": 1, "as_places": 2}
    slow = {"slow": {"road": {"speed_kmh": 20.0}}}
    scenario_table(flows, origins, sites, ["road"], slow, context=context)
    assert calls == {"read_network": 2, "as_places": 2}  # once more, for other rules


def test_a_length_with_an_odd_detour_is_listed_with_both_names_and_its_row():
    roads = table(("A", "B", 60.0), ("B", "C", 400.0), road_id=["R1", "R2"])
    network = read_network(roads, PLACES)
    (told,) = road_problems(network, (1.0, 3.0))
    assert (told.code, told.row, told.id, told.value) == ("road_detour", 2, "R2", "400")
    assert "Beta to Gamma: 400 km is 9.24 times the straight line of 43.3 km" in told.message


# --- Graph
# ------------------------------------------------------------------------------------------------------------


def random_graph(seed: int, n: int = 60, m: int = 200):
    rng = np.random.default_rng(seed)
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    return n, tail, head, rng.uniform(1, 10, m), rng.uniform(100, 1000, m)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_many_to_many_against_bellman_ford(seed, compiled):
    n, tail, head, seconds, metres = random_graph(seed)
    graph = make_graph(n, tail, head, seconds, metres)
    best = np.full((n, n), np.inf)
    best[np.arange(n), np.arange(n)] = 0
    length = np.where(best == 0, 0.0, np.nan)
    for _ in range(n):
        for a, b, s, m in zip(tail, head, seconds, metres, strict=True):
            through = best[:, a] + s
            better = through < best[:, b]
            best[better, b] = through[better]
            length[better, b] = length[better, a] + m
    sources, targets = np.arange(0, n, 3), np.arange(1, n, 7)
    for s, t in ((sources, targets), (targets, sources)):
        got, along = many_to_many(graph, s, t, compiled=compiled)
        np.testing.assert_allclose(got, best[np.ix_(s, t)], rtol=1e-6)
        np.testing.assert_allclose(along, length[np.ix_(s, t)], rtol=1e-6)
