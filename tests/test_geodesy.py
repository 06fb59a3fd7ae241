"""Areas, edges and inverse geodesics against GeographicLib (Planimeter, GeodSolve) and hand-made
cases.
"""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from pyproj import Geod

from geosettle.errors import InputError
from geosettle.geodesy import (
    arc_bound_m,
    area_m2,
    cell_areas_m2,
    disc,
    edge_distance_m,
    inverse,
    shortest_m,
    to_xyz,
)

G = Geod(ellps="WGS84")


def planimeter(polygon: shapely.Polygon, step: float = 0.002) -> float:
    """Area by GeographicLib, whose edges are geodesics, of a ring so dense that they hug the
    straight lines.
    """
    ring = shapely.get_coordinates(shapely.segmentize(polygon.exterior, step))[:-1]
    sheet = Geodesic.WGS84.Polygon()
    for lon, lat in ring:
        sheet.AddPoint(lat, lon)
    return abs(sheet.Compute()[2])


@pytest.mark.parametrize(
    "polygon",
    [
        shapely.box(76, 38, 77, 39),
        shapely.Polygon([(75, 38), (78, 38.7), (76.2, 41)]),
        shapely.box(-5, -3, 5, 2),
        shapely.Polygon([(10, 70), (30, 71), (22, 85)]),
        shapely.box(170, -75, 179, -60),
    ],
)
def test_area_is_that_of_the_planimeter(polygon: shapely.Polygon) -> None:
    assert area_m2([polygon])[0] == pytest.approx(planimeter(polygon), rel=1e-8)


def test_areas_subtract_holes_add_parts_and_count_lines_nothing() -> None:
    outer, hole = shapely.box(76, 38, 77, 39), shapely.box(76.2, 38.2, 76.4, 38.4)
    holed = shapely.difference(outer, hole)
    pair = shapely.MultiPolygon([outer, shapely.box(80, 38, 81, 39)])
    found = area_m2([holed, pair, shapely.Point(1, 2), shapely.LineString([(0, 0), (1, 1)]), None])
    assert found[0] == pytest.approx(planimeter(outer) - planimeter(hole), rel=1e-8)
    assert found[1] == pytest.approx(2 * planimeter(outer), rel=1e-8)
    assert found[2:].tolist() == [0, 0, 0]
    assert area_m2([]).shape == (0,)


def test_area_of_all_cells_is_that_of_the_earth() -> None:
    # echo | Planimeter prints the whole area for an empty polygon with -r: 510065621724088.44 m2
    # (GeographicLib docs)
    assert cell_areas_m2(np.arange(-90, 91), 1.0).sum() * 360 == pytest.approx(
        510065621724088.44, rel=1e-13
    )
    assert cell_areas_m2([39, 38], 1.0)[0] == pytest.approx(
        area_m2([shapely.box(76, 38, 77, 39)])[0], rel=1e-10
    )


@pytest.mark.parametrize(
    ("lon", "lat", "radius"),
    [(76, 39, 5_000), (179.99, -10, 30_000), (20, 89.9, 50_000), (0, 0, 300_000)],
)
def test_disc_has_the_area_of_the_true_disc(lon: float, lat: float, radius: float) -> None:
    azimuth = np.linspace(0, 360, 3600, endpoint=False)
    n = np.ones(3600)
    x, y, _ = G.fwd(n * lon, n * lat, azimuth, n * radius)
    true = abs(G.polygon_area_perimeter(x, y)[0])  # 3600 corners inside the circle: 5e-7 too small
    shape = disc(lon, lat, radius)
    assert area_m2([shape])[0] == pytest.approx(true, rel=1e-5)
    west, south, east, north = shape.bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90


def test_inverse_gives_length_and_direction() -> None:
    # GeodSolve -i <<< "40.6 -73.8 49.01666667 2.55": 53.47022 111.59367 5853226 (GeographicLib's
    # test GeodSolve0)
    metres, azimuth = inverse([-73.8, np.nan], [40.6, 0], 2.55, 49.01666667)
    assert metres[0] == pytest.approx(5853226, abs=0.5)
    assert azimuth[0] == pytest.approx(53.47022, abs=5e-6)
    assert np.isnan(metres[1])
    assert np.isnan(azimuth[1])
    assert inverse(2.55, 49.01666667, -73.8, 40.6)[1] == pytest.approx(111.59367 + 180, abs=5e-6)


@pytest.mark.parametrize("bad", [(0, 90.01, 0, 0), (0, 0, 0, -91), (np.inf, 0, 0, 0)])
def test_inverse_refuses_what_is_not_on_earth(bad: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        inverse(*bad)


def test_chords_bound_geodesics() -> None:
    rng = np.random.default_rng(5)
    lon, lat = (
        rng.uniform(-180, 180, (2, 20_000)),
        np.degrees(np.arcsin(rng.uniform(-1, 1, (2, 20_000)))),
    )
    lon[1, ::2], lat[1, ::2] = lon[0, ::2] + rng.normal(0, 1e-3, 10_000), lat[0, ::2].clip(-89, 89)
    chord = np.linalg.norm(to_xyz(lon[0], lat[0]) - to_xyz(lon[1], lat[1]), axis=1)
    metres = np.asarray(G.inv(lon[0], lat[0], lon[1], lat[1])[2])
    assert (chord <= metres + 1e-8).all()
    assert (metres <= arc_bound_m(chord) + 1e-8).all()


def dense(geometry: shapely.Geometry, lon: float, lat: float) -> float:
    """Distance by brute force: to the edge cut into 1e-4 degrees, then into a thousandth of that
    around the nearest.
    """
    xy = shapely.get_coordinates(shapely.segmentize(geometry, 0.01))
    for step in (1e-3, 1e-5):
        n = np.ones(len(xy))
        best = int(np.argmin(G.inv(n * lon, n * lat, xy[:, 0], xy[:, 1])[2]))
        around = xy[max(0, best - 1) : best + 2]
        xy = shapely.get_coordinates(shapely.segmentize(shapely.LineString(around), step))
    n = np.ones(len(xy))
    return float(np.min(G.inv(n * lon, n * lat, xy[:, 0], xy[:, 1])[2]))


@pytest.mark.parametrize(
    "polygon",
    [
        shapely.box(70, 30, 100, 60),
        shapely.Polygon([(75, 38), (79, 39), (77, 43)]),
        shapely.box(-170, 80, 150, 88),
        shapely.Polygon([(-20, -89), (60, -80), (10, -70)]),
    ],
)
def test_distance_to_the_edge_is_that_of_brute_force(polygon: shapely.Polygon) -> None:
    rng = np.random.default_rng(1)
    west, south, east, north = polygon.bounds
    lon, lat = (
        rng.uniform(west - 10, east + 10, 12),
        rng.uniform(max(-90, south - 9), min(90, north + 9), 12),
    )
    found = edge_distance_m(lon, lat, polygon)
    brute = np.array([dense(polygon.exterior, x, y) for x, y in zip(lon, lat, strict=True)])
    assert np.abs(found) == pytest.approx(brute, abs=0.05)
    assert (found < 0).tolist() == shapely.contains_xy(polygon, lon, lat).tolist()


def test_distance_to_a_long_edge_along_a_parallel() -> None:
    # The edge follows the parallel, 5 degrees due south; the geodesic between its ends would pass
    # 400 km farther north.
    south = G.inv(0, 65, 0, 60)[2]
    assert edge_distance_m(0, 65, shapely.box(-40, 50, 40, 60)) == pytest.approx(south, abs=1e-3)
    assert edge_distance_m(0, 65, shapely.LineString([(-40, 60), (40, 60)])) == pytest.approx(
        south, abs=1e-3
    )


def test_cuts_of_the_map_are_not_edges() -> None:
    across = shapely.MultiPolygon([shapely.box(178, -2, 180, 2), shapely.box(-180, -2, -178, 2)])
    to_edge = G.inv(180, 0, 180, 2)[2]
    assert edge_distance_m([180, -180, 540], 0, across) == pytest.approx([-to_edge] * 3, abs=1e-3)
    assert edge_distance_m(-177, 0, across) == pytest.approx(G.inv(-177, 0, -178, 0)[2], abs=1e-3)
    cap = shapely.box(-180, 85, 180, 90)
    assert edge_distance_m([0, 77], [90, 84], cap) == pytest.approx(
        [-G.inv(0, 90, 0, 85)[2], G.inv(0, 84, 0, 85)[2]], abs=1e-3
    )
    # Where the two sides of the antimeridian differ, the rest of the cut is an edge.
    uneven = shapely.MultiPolygon([shapely.box(178, -2, 180, 2), shapely.box(-180, -2, -178, 1)])
    assert edge_distance_m(180, 1.5, uneven) == pytest.approx(0, abs=1e-3)
    assert edge_distance_m(180, 0, uneven) == pytest.approx(-G.inv(0, 0, 0, 1)[2], abs=1e-3)


def test_distance_to_edges_takes_holes_points_missing_and_one_shape_per_point() -> None:
    ring = shapely.difference(shapely.box(0, 0, 4, 4), shapely.box(1, 1, 3, 3))
    assert edge_distance_m(2, 1.5, ring) == pytest.approx(
        G.inv(2, 1.5, 2, 1)[2], abs=1e-3
    )  # in the hole: outside
    shapes = np.array([ring, None, shapely.Point(0, 1), ring], dtype=object)
    found = edge_distance_m([0.5, 0, 0, np.nan], [2, 0, 0, 2], shapes)
    assert found[0] == pytest.approx(-G.inv(0.5, 2, 0, 2)[2], rel=1e-3)
    assert found[2] == pytest.approx(G.inv(0, 0, 0, 1)[2], abs=1e-6)
    assert np.isnan(found[[1, 3]]).all()
    assert edge_distance_m([], [], ring).shape == (0,)
    with pytest.raises(InputError):
        edge_distance_m(0, 91, ring)


def test_shortest_line_between_shapes() -> None:
    box = shapely.box(0, 0, 1, 1)
    pairs = [
        (shapely.Point(0.5, 2), box, G.inv(0.5, 2, 0.5, 1)[2]),
        (box, shapely.Point(0.5, 0.5), 0.0),  # inside
        (box, shapely.box(0.5, 0.5, 2, 2), 0.0),  # overlapping
        (
            box,
            shapely.box(2, 0.2, 3, 0.8),
            G.inv(1, 0.8, 2, 0.8)[2],
        ),  # facing meridians: nearest at the higher latitude
        (
            shapely.box(178, 0, 179.5, 1),
            shapely.box(-179.5, 0, -178, 1),
            G.inv(179.5, 1, -179.5, 1)[2],
        ),
        (
            shapely.box(10, 86, 12, 89),
            shapely.box(-170, 86, -168, 89),
            G.inv(12, 89, -170, 89)[2],
        ),  # over the pole
        (
            shapely.box(0, 50, 60, 60),
            shapely.box(20, 62, 40, 70),
            G.inv(30, 60, 30, 62)[2],
        ),  # edges along parallels
        (shapely.LineString([(0, 0), (0, 10)]), shapely.LineString([(1, 5), (2, 5)]), None),
    ]
    one, two = ([p[i] for p in pairs] for i in (0, 1))
    metres, start, end = shortest_m(one, two)
    back, _, _ = shortest_m(two, one)
    assert back == pytest.approx(metres, abs=0.01)
    for i, (a, b, expected) in enumerate(pairs):
        if expected is not None:
            assert metres[i] == pytest.approx(expected, abs=0.1)
        assert G.inv(*start[i], *end[i])[2] == pytest.approx(metres[i], abs=1e-6)
        assert edge_distance_m(*start[i], a) <= 0.01
        assert edge_distance_m(*end[i], b) <= 0.01
    # From (1, 5) to the equatorial meridian the foot lies a little poleward of 5 degrees north.
    assert metres[-1] == pytest.approx(dense(one[-1], 1, 5), abs=0.05)


def test_shortest_line_keeps_missing_shapes_missing() -> None:
    metres, start, end = shortest_m(
        [None, shapely.Point(0, 0), shapely.Polygon()], [shapely.Point(0, 0)] * 2 + [None]
    )
    assert np.isnan(metres).tolist() == [True, False, True]
    assert metres[1] == 0
    assert start[1].tolist() == end[1].tolist() == [0, 0]
