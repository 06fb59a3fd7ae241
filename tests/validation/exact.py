"""Single numbers against other tools: lengths, areas, roads, walking, costs."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from independent import (
    EARTH,
    SPEEDS_KMH,
    Ground,
    Streets,
    disc,
    many_metres,
    planimeter_m2,
    ring_m2,
)
from page import Comparison, Subject
from pyproj import CRS, Transformer
from scipy.sparse.csgraph import dijkstra

from geosettle.covers import overlay_areas
from geosettle.distance import (
    cost_distance,
    geodesic_distance,
    least_cost_paths,
    pair_distances,
    travel_time,
)
from geosettle.geodesy import area_m2
from geosettle.raster import Raster

REFERENCE = Path(__file__).parents[1] / "reference"
sys.path.insert(0, str(REFERENCE))
import make_terrain  # noqa: E402


def frame(lon, lat, key: str, radius=0.0, **columns) -> gpd.GeoDataFrame:
    ids = pd.Index([f"{key}{i:05d}" for i in range(len(lon))], dtype="str")
    shapes = gpd.points_from_xy(lon, lat)
    columns = {"uncertainty_km": radius, **columns}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326, index=ids)


def zones(shapes, key: str = "z", **columns) -> gpd.GeoDataFrame:
    ids = [f"{key}{i:05d}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=4326, index=ids)


def relative(found, expected) -> float:
    """Largest relative difference; missing must be missing in both."""
    found, expected = (np.asarray(v, dtype=float) for v in (found, expected))
    expected = np.where(np.isfinite(expected), expected, np.nan)
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        return np.inf
    apart = np.abs(found - expected) / np.where(expected == 0, 1.0, np.abs(expected))
    return float(np.nanmax(apart))


# --- Distances


def _anywhere(rng, n: int):
    return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def _ends(rng, n: int, least: float, most: float):
    """Points anywhere, and others between so many metres away, evenly in the logarithm."""
    lon, lat = _anywhere(rng, n)
    away, azimuth = np.exp(rng.uniform(np.log(least), np.log(most), n)), rng.uniform(0, 360, n)
    ends = [EARTH.Direct(*p) for p in zip(lat, lon, azimuth, away, strict=True)]
    return lon, lat, np.array([e["lon2"] for e in ends]), np.array([e["lat2"] for e in ends])


def _antipodes(rng, n: int, least: float, most: float):
    lon1, lat1, lon2, lat2 = _ends(rng, n, least, most)
    return lon1, lat1, (lon2 + 360) % 360 - 180, -lat2


def distances(size: float = 1.0) -> Subject:
    rng, n = np.random.default_rng(1), int(4000 * size)
    zero = np.zeros(n)
    x, y = _anywhere(rng, n)
    u, v = _anywhere(rng, n)
    east = np.where(rng.random(n) < 0.5, -1, 1) * rng.uniform(179, 180, n)
    pole = np.where(rng.random(n) < 0.5, 90.0, -90.0)
    cases = {
        "1 m to 1 km apart": _ends(rng, n, 1, 1e3),
        "1 to 100 km apart": _ends(rng, n, 1e3, 1e5),
        "100 to 2,500 km apart": _ends(rng, n, 1e5, 2.5e6),
        "any two points": (x, y, u, v),
        "1 m to 1 km from the antipode": _antipodes(rng, n, 1, 1e3),
        "1 to 200 km from the antipode": _antipodes(rng, n, 1e3, 2e5),
        "on the equator, all the way round": (x, zero, u, zero),
        "on the equator, within 1 degree of the antipode": (zero, zero, east, zero),
        "along a meridian, over the pole too": (x, y, x + 180 * (rng.random(n) < 0.5), v),
        "from a pole": (x, pole, u, v),
        "within 1 km of a pole": (x, pole * (1 - rng.random(n) / 1e4), u, pole),
    }
    rows = []
    for what, ends in cases.items():
        expected = many_metres(*ends)
        apart = np.abs(geodesic_distance(*ends) - expected).max() * 1000
        rows.append(Comparison(what, n, float(apart), "mm", 0.1))
    peer = (
        f"GeographicLib {version('geographiclib')} in Python, "
        "`Geodesic.WGS84.Inverse(lat1, lon1, lat2, lon2)['s12']`"
    )
    return Subject("Straight lines", peer, "`geosettle.geodesic_distance`, metres on WGS84.", rows)


# --- Areas


def _stars(rng, n: int, least: float, most: float) -> list[shapely.Polygon]:
    """Polygons of 4 to 16 corners, of a size in degrees between the two."""
    out = []
    for _ in range(n):
        corners = int(rng.integers(4, 16))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        size = np.exp(rng.uniform(np.log(least), np.log(most))) * rng.uniform(0.4, 1, corners)
        lat = rng.uniform(-75, 75)
        xy = np.column_stack([np.cos(angle) / np.cos(np.radians(lat)), np.sin(angle)])
        shape = shapely.Polygon(xy * size[:, None] / 2 + [rng.uniform(-150, 150), lat])
        out += [shape] if shape.is_valid else []
    return out


def _quilt(rng, side: int = 9):
    """Parcels that share corners over 76-77 E, 38.5-39.5 N, and zones across them."""
    at = np.stack(np.meshgrid(np.linspace(76, 77, side), np.linspace(38.5, 39.5, side)), axis=-1)
    at = at + rng.uniform(-0.03, 0.03, at.shape)
    parcels = [
        shapely.Polygon([at[i, j], at[i, j + 1], at[i + 1, j + 1], at[i + 1, j]])
        for i in range(side - 1)
        for j in range(side - 1)
    ]
    kind = rng.choice(["field", "orchard", "pasture"], len(parcels))
    across = [
        shapely.Polygon([(x, y), (x + 0.21, y + 0.03), (x + 0.17, y + 0.2), (x - 0.05, y + 0.16)])
        for x, y in rng.uniform([76.1, 38.55], [76.7, 39.2], (20, 2))
    ]
    return zones(parcels, "p", kind=kind), zones(across)


def _overlaid(found: pd.DataFrame, parcels, shapes) -> tuple[int, float]:
    """Largest difference of class areas from cut pieces, as a share of the zone."""
    table = found.set_index(["zone_id", "kind"])["area_ha"] * 1e4
    n, worst = 0, 0.0
    for zone, shape in shapes.items():
        whole = planimeter_m2(shape)
        for kind, some in parcels.geometry.groupby(parcels["kind"]):
            cut = shapely.intersection(shape, shapely.union_all(some.array))
            expected = planimeter_m2(cut)
            worst = max(worst, abs(table.get((zone, kind), 0.0) - expected) / whole)
            n += 1
    return n, worst


def areas(size: float = 1.0) -> Subject:
    rng = np.random.default_rng(2)
    rows = []
    cm = "rounding: some square centimetres of a field of half a hectare"
    for least, most, count, cuts in ((1e-3, 0.1, 300, 4), (0.1, 1.0, 100, 8), (1.0, 5.0, 30, 32)):
        shapes = _stars(rng, int(count * size) + 1, least, most)
        found = area_m2(shapes)
        expected = [planimeter_m2(s, cuts) for s in shapes]
        what = f"polygons of {least:g} to {most:g} degrees"
        bound, note = (1e-7, cm) if most == 0.1 else (1e-8, "")
        worst = relative(found, expected)
        rows.append(Comparison(what, len(shapes), worst, "relative", bound, note))
    whole = [ring_m2(shapely.get_coordinates(s.exterior)) for s in shapes]
    rows.append(
        Comparison(
            "the last ones, edges of the peer not cut", len(shapes), relative(found, whole), "relative", None,
            "GeographicLib joins corners by geodesics; here an edge is straight in longitude and "
            "latitude, as a GIS draws it",
        )
    )  # fmt: skip
    parcels, across = _quilt(rng)
    found = overlay_areas(across, parcels, "kind")
    n, worst = _overlaid(found, parcels, across.geometry)
    rows.append(Comparison("zones over parcels, by class", n, worst, "of the zone", 1e-8))
    radius = 20_000.0
    x, y = rng.uniform(76.3, 76.7, 5), rng.uniform(38.8, 39.2, 5)
    rounds = gpd.GeoSeries([disc(a, b, radius, 1000) for a, b in zip(x, y, strict=True)])
    points = frame(x, y, "z")
    rounds.index = points.index
    discs = overlay_areas(points, parcels, "kind", radii_km=[20.0])
    n, worst = _overlaid(discs, parcels, rounds)
    rows.append(
        Comparison(
            "discs of 20 km over parcels, by class", n, worst, "of the disc", 1e-5,
            "the peer's disc has 1,000 corners on the circle, so it is 7e-6 smaller",
        )
    )  # fmt: skip
    peer = (
        f"GeographicLib {version('geographiclib')}, `Geodesic.WGS84.Polygon()` over edges cut into "
        f"short pieces, extrapolated; cuts and unions by shapely {version('shapely')}"
    )
    text = "`geosettle.geodesy.area_m2` and `geosettle.covers.overlay_areas`."
    return Subject("Areas and overlays", peer, text, rows)


def _cell_pieces(raster: Raster, zone: shapely.Polygon) -> dict[int, float]:
    """Square metres of each class in a zone, every cell cut and measured by GeographicLib."""
    out: dict[int, float] = {}
    t = raster.transform
    for (row, column), value in np.ndenumerate(raster.values):
        west, north = t.c + column * t.a, t.f + row * t.e
        cut = shapely.intersection(zone, shapely.box(west, north + t.e, west + t.a, north))
        out[int(value)] = out.get(int(value), 0.0) + planimeter_m2(cut)
    return out


def class_areas(size: float = 1.0) -> Subject:
    rng = np.random.default_rng(3)
    rows, bounds = [], []
    for south, cell in ((38.0, 0.02), (60.0, 0.1)):
        side = 12
        transform = Affine(cell, 0, 76, 0, -cell, south + side * cell)
        raster = Raster(rng.integers(1, 5, (side, side)).astype(float), transform, unit="class")
        span = side * cell
        corners = rng.uniform(0.05, 0.95, (int(6 * size) + 1, 12, 2)) * span + [76, south]
        shapes = zones([shapely.convex_hull(shapely.MultiPoint(c)) for c in corners])
        table = overlay_areas(shapes, raster).set_index(["zone_id", "class"])["area_ha"] * 1e4
        tall = np.tan(np.radians(south + span)) * np.radians(cell) / 2
        worst = {"cut": 0.0, "extract": 0.0}
        lat = south + cell * np.arange(side)[::-1]
        strips = [shapely.box(76, b, 76 + cell, b + cell) for b in lat]
        ground = np.repeat([[planimeter_m2(s)] for s in strips], side, axis=1)
        wkt = CRS(4326).to_wkt()
        source = NumPyRasterSource(raster.values, *raster.bounds, srs_wkt=wkt)
        weights = NumPyRasterSource(ground, *raster.bounds, srs_wkt=wkt)
        for zone, shape in shapes.geometry.items():
            whole = planimeter_m2(shape)
            for value, expected in _cell_pieces(raster, shape).items():
                apart = abs(table.get((zone, str(value)), 0.0) - expected) / whole
                worst["cut"] = max(worst["cut"], apart)
            one = shapes.loc[[zone]]
            ops = ["unique", "coverage(coverage_weight=fraction)", "values", "weights"]
            got = exact_extract(source, one, ops, weights=weights)[0]["properties"]
            square = np.asarray(got["coverage"]) * np.asarray(got["weights"])
            for value in (1, 2, 3, 4):
                expected = square[np.asarray(got["values"]) == value].sum()
                apart = abs(table.get((zone, str(value)), 0.0) - expected) / whole
                worst["extract"] = max(worst["extract"], apart)
        n = 4 * len(shapes)
        where = f"cells of {cell:g} degrees at {south:g} N"
        bounds.append(tall)
        rows += [
            Comparison(f"{where}, every cell cut", n, worst["cut"], "of the zone", 1e-6),
            Comparison(
                f"{where}, exactextract", n, worst["extract"], "of the zone", tall,
                "exactextract takes the part of a cell in degrees; the bound is tan(latitude) "
                "times half the cell's height",
            ),
        ]  # fmt: skip
    peer = (
        f"GeographicLib {version('geographiclib')} on every cell cut by shapely, and exactextract "
        f"{version('exactextract')}, `exact_extract(classes, zone, ['coverage', 'values', "
        "'weights'], weights=cell_areas)`"
    )
    text = "`geosettle.covers.overlay_areas` of a class raster; four classes, convex zones."
    return Subject("Land cover by zone", peer, text, rows)


# --- Roads


def town(rng, side: int = 24):
    """Streets of an invented town: ways with bends that share vertices, one-ways, four speeds."""
    at = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1)
    at = np.array([24.0, 47.0]) + [0.0021, 0.0014] * (at + rng.uniform(-0.3, 0.3, at.shape))
    lines, speed, oneway = [], [], []
    for i in range(side):
        for along in (at[i], at[:, i]):
            cuts = np.sort(rng.choice(np.arange(1, side - 1), 4, replace=False))
            for a, b in zip([0, *cuts], [*cuts, side - 1], strict=True):
                if rng.random() < 0.08:
                    continue  # a street that is not there
                part = along[a : b + 1]
                bend = (part[1:] + part[:-1]) / 2 + rng.uniform(-1e-4, 1e-4, part[1:].shape)
                lines.append(np.insert(part, np.arange(1, len(part)), bend, axis=0))
                speed.append(float(rng.choice([20.0, 30.0, 50.0, 70.0])))
                oneway.append(str(rng.choice(["no", "yes", "-1"], p=[0.7, 0.2, 0.1])))
    return lines, speed, oneway


def roads(size: float = 1.0) -> Subject:
    rng = np.random.default_rng(4)
    rows = []
    for what, free in (("one-way streets, four speeds", False), ("all both ways", True)):
        lines, speed, oneway = town(rng)
        oneway = ["no"] * len(oneway) if free else oneway
        streets = Streets(lines, speed, oneway)
        nodes = sorted(streets.graph)
        n = int(60 * size) + 2
        ends = [nodes[k] for k in rng.choice(len(nodes), n, replace=False)]
        places = frame(*np.transpose(ends), "p")
        layer = gpd.GeoDataFrame(
            {"speed_kmh": speed, "oneway": oneway},
            geometry=[shapely.LineString(x) for x in lines],
            crs=4326,
        )
        ids = places.index
        pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
        flows = pd.DataFrame([(ids[a], ids[b]) for a, b in pairs], columns=["origin_id", "site_id"])
        rules = {"road": {"crossings": False}}
        found = pair_distances(flows, places, places, ("road",), roads=layer, options=rules)
        expected = np.array([streets.way(ends[a], ends[b]) for a, b in pairs])
        for column, k, unit in (("road_h", 0, "hours"), ("road_km", 1, "km")):
            title = f"{what}: {unit} of the quickest way"
            worst = relative(found[column], expected[:, k])
            rows.append(Comparison(title, len(pairs), worst, "relative", 1e-9))
    peer = (
        f"networkx {version('networkx')}, `single_source_dijkstra(graph, node, weight='hours')`, "
        "edges measured by GeographicLib"
    )
    text = (
        "Metric `road` of `geosettle.distance.pair_distances` on an invented town of 576 "
        "junctions; ways of several junctions with bends, joined where they share a vertex. "
        "Pairs without a way are missing in both."
    )
    return Subject("Roads", peer, text, rows)


# --- Walking and costs


def hills(rows: int, columns: int, rough: float = 1.0) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns]
    waves = 300 * np.sin(x / 7) * np.cos(y / 5) + 60 * np.sin(x / 2 + y / 3)
    return 1500 + rough * waves


def _centres(raster: Raster) -> tuple[np.ndarray, np.ndarray]:
    t = raster.transform
    row, column = np.indices(raster.shape) + 0.5
    x, y = t.c + t.a * column, t.f + t.e * row
    if raster.is_lonlat:
        return x, y
    return Transformer.from_crs(raster.crs, "EPSG:4326", always_xy=True).transform(x, y)


def walking(size: float = 1.0) -> Subject:
    shape = (int(24 + 16 * size), int(30 + 20 * size))
    height = hills(*shape)
    lonlat = Raster(height, Affine(0.005, 0, 76, 0, -0.004, 39.5), unit="m")
    north = Raster(height, Affine(0.01, 0, 20, 0, -0.005, 68.5), unit="m")
    utm = Raster(height, Affine(400, 0, 700_000, 0, -400, 4_400_000), crs="EPSG:32643", unit="m")
    rows = []
    cases = [("longitude/latitude, 39 N", lonlat, m) for m in SPEEDS_KMH]
    cases += [("longitude/latitude, 68 N", north, "tobler"), ("UTM", utm, "tobler")]
    in_rows = "a row has the lengths in its middle; UTM's scale changes along it"
    for where, dem, model in cases:
        lon, lat = _centres(dem)
        ground = Ground(height, lon, lat, SPEEDS_KMH[model])
        cell = shape[0] // 2 * shape[1] + shape[1] // 3
        start = [(float(lon.ravel()[cell]), float(lat.ravel()[cell]))]
        worst = 0.0
        for away in (True, False):
            graph = ground.graph if away else ground.graph.T.tocsr()
            expected = dijkstra(graph, indices=cell).reshape(shape) / 3600
            found = travel_time(dem, start, model=model, away=away).values
            worst = max(worst, relative(found, expected))
        bound, note = (1e-4, in_rows) if dem is utm else (1e-5, "")
        title = f"{where}, {model}, there and back"
        rows.append(Comparison(title, 2 * height.size, worst, "relative", bound, note))
    flat = Raster(np.zeros((81, 81)), Affine(0.01, 0, 76, 0, -0.01, 0.4), unit="m")
    lon, lat = _centres(flat)
    pace = SPEEDS_KMH["tobler"](np.zeros(1))[0]
    straight = many_metres(lon[40, 40], lat[40, 40], lon, lat).reshape(lon.shape) / 1000 / pace
    start = [(float(lon[40, 40]), float(lat[40, 40]))]
    longer = relative(travel_time(flat, start).values, straight)
    rows.append(
        Comparison(
            "level ground against the straight line", flat.values.size, longer, "relative", 0.03,
            "by definition: a way on a grid has 16 directions; on square cells it is up to 2.75 % "
            "longer than the straight line, never shorter",
        )
    )  # fmt: skip
    peer = (
        f"scipy {version('scipy')}, `scipy.sparse.csgraph.dijkstra(graph, indices=cell)`; moves to "
        "16 neighbours written from the papers, lengths by GeographicLib"
    )
    text = "`geosettle.distance.travel_time`, hours from one cell to every cell and back."
    return Subject("Walking", peer, text, rows)


def _shut_corners(shut: np.ndarray) -> np.ndarray:
    """Close cells until no two closed cells meet at a corner alone."""
    shut = shut.copy()
    while True:
        a, b, c, d = shut[:-1, :-1], shut[:-1, 1:], shut[1:, :-1], shut[1:, 1:]
        one, two = a & d & ~b & ~c, b & c & ~a & ~d
        if not (one.any() or two.any()):
            return shut
        b |= one
        a |= two


def costs(size: float = 1.0) -> Subject:
    from skimage.graph import MCP_Geometric

    rng = np.random.default_rng(6)
    side = int(80 + 120 * size)
    friction = rng.uniform(1, 10, (side, side))
    shut = rng.random((side, side)) < 0.2
    start = (side // 2, side // 2)
    shut[start[0] - 1 : start[0] + 2, start[1] - 1 : start[1] + 2] = False

    def both(closed, corners="one_open") -> tuple[np.ndarray, np.ndarray]:
        given = np.where(closed, np.nan, friction)
        found = cost_distance(given, [start], cell_size=(0.6, 1.0), corners=corners)
        peer = MCP_Geometric(np.where(closed, -1, friction), sampling=(0.6, 1.0))
        expected = peer.find_costs([start])[0]
        return np.asarray(found), np.where(np.isfinite(expected), expected, np.nan)

    rows = []
    for what, closed in (
        ("no closed cells", np.zeros_like(shut)),
        ("closed cells, none joined by a corner alone", _shut_corners(shut)),
    ):
        worst = relative(*both(closed))
        rows.append(Comparison(what, friction.size, worst, "relative", 1e-9))
    found, expected = both(shut)
    known = np.isfinite(found) & (expected > 0)
    apart = found[known] / expected[known] - 1
    what, n = "closed cells, many joined by a corner alone", int(known.sum())
    note = (
        "scikit-image slips between two closed cells that meet at a corner; here such a barrier "
        f"holds: dearer for {100 * (apart > 1e-9).mean():.0f} % of the cells"
    )
    rows.append(Comparison(what, n, float(apart.max()), "relative", None, note))
    cheaper = float((-apart).max(initial=0.0))
    rows.append(Comparison("the same, where cheaper", n, cheaper, "relative", 1e-9))
    title = "the same with `corners='any'`"
    rows.append(Comparison(title, n, relative(*both(shut, "any")), "relative", 1e-9))
    name = f"scikit-image {version('scikit-image')}, `MCP_Geometric(friction, sampling).find_costs`"
    return Subject("Cost distance", name, "`geosettle.distance.cost_distance`, 8 neighbours.", rows)


def grass(size: float = 1.0) -> Subject:
    """Stored arrays of GRASS; `make_grass.sh` has the commands."""
    del size
    stored = np.load(REFERENCE / "grass_reference.npz")
    friction = make_terrain.friction()
    in_plane = (
        "r.walk measures in the plane of the map, geosettle on the ellipsoid: 0.04 % longer there; "
        "where a slope is next to a limit of Langmuir's, at which the speed jumps, single cells "
        "differ by several percent"
    )
    rows = []
    for west, where, bound, note in (
        (315_300, "where UTM has the scale 1", 1e-4, ""),
        (500_000, "in the middle of a UTM zone", None,
         in_plane),
    ):  # fmt: skip
        at = {"transform": Affine(100, 0, west, 0, -100, 4_400_000), "crs": "EPSG:32644"}
        dem = Raster(make_terrain.height(), **at, unit="m")
        row, column = make_terrain.START
        middle = west + 100 * (column + 0.5), 4_400_000 - 100 * (row + 0.5)
        to_lonlat = Transformer.from_crs("EPSG:32644", "EPSG:4326", always_xy=True)
        start = [to_lonlat.transform(*middle)]
        for name, command, neighbours, weight in (
            ("walk8", "r.walk", 8, None),
            ("walk16", "r.walk -k", 16, None),
            ("walk8_lambda", "r.walk lambda=0.3", 8, 0.3),
            ("walk16_lambda", "r.walk -k lambda=2", 16, 2.0),
        ):
            more = {"friction": Raster(friction, **at), "friction_weight": weight} if weight else {}
            found = travel_time(
                dem, start, away=True, model="naismith_langmuir", neighbours=neighbours, **more
            )
            worst = relative(found.values * 3600, stored[name])
            title = f"`{command}`, {where}"
            rows.append(Comparison(title, dem.values.size, worst, "relative", bound, note))
    rows += grass_paths(stored)
    for name, command, values, at, cell in (
        ("cost8", "r.cost", friction, make_terrain.START, (1.0, 1.0)),
        ("cost8_wall", "r.cost, a wall", make_terrain.wall(), make_terrain.START, (1.0, 1.0)),
        ("rough_cost8", "r.cost, closed cells, oblong cells", make_terrain.holes(),
         make_terrain.ROUGH_START, (0.6, 1.0)),
    ):  # fmt: skip
        found = np.asarray(cost_distance(values, [at], cell_size=cell))
        every = make_terrain.EVERY if name.startswith("rough") else 1
        expected = stored[name]
        worst = relative(found[::every, ::every], expected)
        rows.append(Comparison(f"`{command}`", int(expected.size), worst, "relative", 1e-5))
    expected = stored["corner_cost8"]
    n = int(np.isfinite(expected).sum())
    at, every = [make_terrain.ROUGH_START], make_terrain.EVERY
    for title, corners, bound in (
        ("`r.cost`, many closed cells joined by a corner alone, `corners='any'`", "any", 1e-5),
        ("the same with the default, where both reach", "one_open", None),
    ):
        found = cost_distance(make_terrain.corners(), at, cell_size=(0.6, 1.0), corners=corners)
        found = np.asarray(found)[::every, ::every]
        both = np.where(np.isfinite(found), expected, np.nan) if bound is None else expected
        lost = int((np.isfinite(expected) & ~np.isfinite(found)).sum())
        note = f"the default keeps such a barrier: {lost:,} cells cannot be reached"
        worst = relative(found, both)
        rows.append(Comparison(title, n, worst, "relative", bound, "" if bound else note))
    peer = (
        "GRASS GIS 8.2.1, `r.walk elevation=height friction=zero start_coordinates=...` and `r.cost"
        " input=friction start_coordinates=...`; every command is in `tests/reference/make_grass.sh`,"
        " its output in `tests/reference/grass_reference.npz`"
    )
    text = (
        "`travel_time(model='naismith_langmuir', away=True)` and `cost_distance`. But for the last"
        " two rows no two closed cells meet at a corner alone: GRASS slips through there."
    )
    return Subject("GRASS r.walk and r.cost", peer, text, rows)


def grass_paths(stored) -> list[Comparison]:
    """Ways of r.walk and r.path: their length in the plane, where the map has the scale 1."""
    south = 4_400_000 - 100 * make_terrain.SHAPE[0]
    at = {"transform": Affine(100, 0, 315_300, 0, -100, 4_400_000), "crs": "EPSG:32644"}
    dem = Raster(make_terrain.height(), **at, unit="m")
    to_lonlat = Transformer.from_crs("EPSG:32644", "EPSG:4326", always_xy=True)
    rows = []
    for neighbours, command in ((8, "r.walk"), (16, "r.walk -k")):
        every = stored["paths"][stored["paths"][:, 0] == neighbours]
        length, hours = [], []
        for end in np.unique(every[:, 1]):
            xy = every[every[:, 1] == end, 2:]
            lon, lat = to_lonlat.transform(315_300 + xy[:, 0], south + xy[:, 1])
            start, goal = (
                gpd.GeoDataFrame(index=["p"], geometry=[shapely.Point(lon[n], lat[n])], crs=4326)
                for n in (-1, 0)
            )
            flows = pd.DataFrame({"origin_id": ["p"], "site_id": ["p"]})
            walk = {"model": "naismith_langmuir", "neighbours": neighbours}
            way = least_cost_paths(
                flows, start, goal, directions=["out"], dem=dem, options={"walk": walk}
            ).iloc[0]
            length.append(way["length_km"] * 1000 / np.hypot(*np.diff(xy, axis=0).T).sum() - 1)
            row, column = int((6000 - xy[0, 1]) / 100), int(xy[0, 0] / 100)
            hours.append(way["hours"] * 3600 / stored[f"walk{neighbours}"][row, column] - 1)
        for what, found in (("length", length), ("time", hours)):
            title = f"`{command}` and `r.path`, {what} of the way"
            rows.append(Comparison(title, len(found), np.abs(found).max(), "relative", 1e-4))
    return rows


def r_packages(size: float = 1.0) -> Subject:
    """Stored arrays of gdistance and terra; `make_r.sh` has the commands."""
    del size
    stored = np.load(REFERENCE / "r_reference.npz")
    at = {"transform": Affine(100, 0, 315_300, 0, -100, 4_400_000), "crs": "EPSG:32644"}
    dem = Raster(make_terrain.height(), **at, unit="m")
    row, column = make_terrain.START
    to_lonlat = Transformer.from_crs("EPSG:32644", "EPSG:4326", always_xy=True)
    start = [to_lonlat.transform(315_350 + 100 * column, 4_399_950 - 100 * row)]
    bare = make_terrain.friction()
    bare[row, column] = 1e-12  # terra counts no friction where it starts
    knight = (
        "a knight's move passes four cells: gdistance counts the two at its ends, geosettle and GRASS"
        " all four"
    )
    rows = []
    for k in (8, 16):
        found = travel_time(dem, start, away=True, neighbours=k).values * 3600
        title = f"gdistance, Tobler's function, {k} directions"
        worst = relative(found, stored[f"tobler{k}"])
        rows.append(Comparison(title, dem.values.size, worst, "relative", 1e-5))
    for name, title, friction, bound, note in (
        ("terra", "terra", bare, 1e-6, ""),
        ("cost8", "gdistance, friction, 8 directions", make_terrain.friction(), 1e-6, ""),
        ("cost16", "gdistance, friction, 16 directions", make_terrain.friction(), None, knight),
    ):
        neighbours = 16 if name == "cost16" else 8
        found = cost_distance(
            friction, [(row, column)], cell_size=(100, 100), neighbours=neighbours
        )
        worst = relative(np.asarray(found), stored[name])
        rows.append(Comparison(title, dem.values.size, worst, "relative", bound, note))
    gdistance, terra = stored["versions"]
    peer = (
        f"R packages gdistance {gdistance}, `accCost(geoCorrection(transition(...)))`, and terra"
        f" {terra}, `costDist`; the commands are in `tests/reference/make_r.sh`, their output in"
        " `tests/reference/r_reference.npz`"
    )
    text = "`travel_time(away=True)`, where UTM has the scale 1, and `cost_distance`."
    return Subject("gdistance and terra", peer, text, rows)


SUBJECTS = (distances, areas, class_areas, roads, walking, costs, grass, r_packages)
