"""How often intervals hold the truth: positions drawn here, values computed independently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from exact import frame, hills
from independent import SPEEDS_KMH, Ground, Streets, draped_km, in_disc, metres, moved
from page import Coverage, Subject

from geosettle.distance import Spread, distance_intervals, pair_distances
from geosettle.raster import Raster
from geosettle.words import say

Place = tuple[float, float]
WIDENED = say("en", "why_interval_widened")


@dataclass
class World:
    """Pairs as a user states them, with the layers to measure them."""

    origins: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    flows: pd.DataFrame
    layers: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[Place, float, Place, float]]:
        """Position and radius in metres of both ends of each pair."""
        out = []
        for o, s in zip(self.flows["origin_id"], self.flows["site_id"], strict=True):
            ends = (self.origins.loc[o], self.sites.loc[s])
            values = [((e.geometry.x, e.geometry.y), 1000 * e["uncertainty_km"]) for e in ends]
            out.append((*values[0], *values[1]))
        return out


def paired(n: int) -> pd.DataFrame:
    """Each origin with its own site."""
    ids = [(f"o{k:05d}", f"s{k:05d}") for k in range(n)]
    return pd.DataFrame(ids, columns=["origin_id", "site_id"])


Truth = Callable[[Place, float, Place, float], tuple[float, ...]]


def counted(
    world: World,
    metric: str,
    columns: Mapping[str, str],
    truth: Truth,
    title: str,
    *,
    times: int = 1,
    **said: Any,
) -> list[Coverage]:
    """Count for every measure of a metric; `columns` leads from measure to column of pairs.

    The truth of each pair is drawn so many times.
    """
    values = pair_distances(world.flows, world.origins, world.sites, (metric,), **world.layers)
    table = distance_intervals(
        world.flows, world.origins, world.sites, (metric,), measured=values, **world.layers,
        **world.options,
    )  # fmt: skip
    drawn = [np.array([truth(*pair) for pair in world.pairs]) for _ in range(times)]
    index = pd.MultiIndex.from_frame(world.flows)
    rows = []
    for k, (measure, column) in enumerate(columns.items()):
        some = table[table["metric"] == measure].set_index(["origin_id", "site_id"])
        some = some[some["low"].notna()]
        low, high = some["low"] * (1 - 1e-9), some["high"] * (1 + 1e-9)
        real = [pd.Series(d[:, k], index=index).loc[some.index] for d in drawn]
        inside = sum(int(((low <= v) & (v <= high)).sum()) for v in real)
        own = values.loc[some.index, column]
        holds = int(((low <= own) & (own <= high)).sum()) * times
        widened = int(some["why"].str.contains(WIDENED).sum()) * times
        name = f"{title}, `{measure}`"
        rows.append(Coverage(name, len(some) * times, inside, holds, widened, **said))
    return rows


def _away(rng, places: np.ndarray, least: float, most: float) -> np.ndarray:
    """Places so many metres from others, in any direction."""
    far = rng.uniform(least, most, len(places))
    return np.array([moved(*p, 360 * rng.random(), d) for p, d in zip(places, far, strict=True)])


# --- Straight and draped lines


def straight(size: float = 1.0) -> Subject:
    rng, n = np.random.default_rng(11), int(1200 * size)

    def truth(one: Place, r1: float, two: Place, r2: float) -> tuple[float]:
        return (metres(*in_disc(rng, *one, r1), *in_disc(rng, *two, r2)) / 1000,)

    rows = []
    for title, least, most, radius in (
        ("pairs 30 to 500 km apart, radii of 1 to 15 km", 3e4, 5e5, (1.0, 15.0)),
        ("discs that overlap: 0 to 20 km apart, radii of 10 to 30 km", 0.0, 2e4, (10.0, 30.0)),
    ):
        one = np.column_stack([rng.uniform(-180, 180, n), rng.uniform(-70, 70, n)])
        two = _away(rng, one, least, most)
        radii = rng.uniform(*radius, (2, n))
        world = World(frame(*one.T, "o", radii[0]), frame(*two.T, "s", radii[1]), paired(n))
        rows += counted(world, "geodesic", {"geodesic": "geodesic_km"}, truth, title, times=5)
    rows += _in_units(rng, int(600 * size))
    peer = "GeographicLib, `Geodesic.WGS84.Inverse` between positions drawn with `Direct`"
    text = (
        "True positions are uniform in the discs of both ends, or in the part of a disc that is in "
        "the declared unit; each pair has five."
    )
    return Subject("Intervals of straight lines", peer, text, rows)


def _in_units(rng, n: int) -> list[Coverage]:
    """Origins that declare a unit which holds half of their disc or less."""
    one = np.column_stack([rng.uniform(-170, 170, n), rng.uniform(-60, 60, n)])
    units = [shapely.box(x - 2, y + rng.uniform(0, 0.05), x + 2, y + 2) for x, y in one]
    of = {tuple(p): u for p, u in zip(one.tolist(), units, strict=True)}
    world = World(frame(*one.T, "o", 12.0), frame(*_away(rng, one, 3e4, 2e5).T, "s"), paired(n))
    world.options = {"units": {"origin": pd.Series(units, index=world.origins.index)}}

    def truth(one: Place, r1: float, two: Place, r2: float) -> tuple[float]:
        while not shapely.contains_xy(of[one], *(found := in_disc(rng, *one, r1))):
            pass
        return (metres(*found, *two) / 1000,)

    title = "origins within 12 km that declare a unit north of them"
    return counted(world, "geodesic", {"geodesic": "geodesic_km"}, truth, title, times=5)


def draped(size: float = 1.0) -> Subject:
    rng, n = np.random.default_rng(12), int(800 * size)
    height = hills(160, 200, 2.0)
    west, north, step = 76.0, 40.0, 0.01
    dem = Raster(height, Affine(step, 0, west, 0, -step, north), unit="m")
    one = rng.uniform([76.4, 38.8], [77.6, 39.6], (n, 2))
    two = rng.uniform([76.4, 38.8], [77.6, 39.6], (n, 2))
    radii = rng.uniform(1, 8, (2, n))
    world = World(
        frame(*one.T, "o", radii[0]), frame(*two.T, "s", radii[1]), paired(n), {"dem": dem}
    )

    def truth(one: Place, r1: float, two: Place, r2: float) -> tuple[float]:
        ends = (*in_disc(rng, *one, r1), *in_disc(rng, *two, r2))
        return (draped_km(height, west, north, step, ends),)

    title = "pairs 0 to 130 km apart over hills, radii of 1 to 8 km"
    rows = counted(world, "surface", {"surface": "surface_km"}, truth, title)
    peer = (
        f"points along GeographicLib's `InverseLine`, heights by scipy {version('scipy')}, "
        "`map_coordinates(heights, [row, column], order=1)`"
    )
    return Subject("Intervals of draped lines", peer, "", rows)


# --- Walking and travel


def _land(rng, hubs: int, each: int, rough: float, radius: tuple[float, float, float]):
    """A grid of hills, and pairs on it: some sites, and origins around each.

    `radius` is that of the origins, that of the sites, and the least distance apart, km.
    """
    shape, step = (72, 94), 0.0083
    dem = Raster(hills(*shape, rough), Affine(step, 0, 76, 0, -step, 39.6), unit="m")
    lon = np.broadcast_to(76 + step * (np.arange(shape[1]) + 0.5), shape)
    lat = np.broadcast_to(39.6 - step * (np.arange(shape[0])[:, None] + 0.5), shape)
    far = radius[0] / 111 + 0.01
    box = [76 + 1.3 * far, 39 + far], [76.78 - 1.3 * far, 39.6 - far]
    sites = rng.uniform(*box, (hubs, 2))
    origins = np.empty((hubs, each, 2))
    for site, places in zip(sites, origins, strict=True):
        for k in range(each):
            while metres(*(found := rng.uniform(*box)), *site) < 1000 * radius[2]:
                pass
            places[k] = found
    flows = pd.DataFrame(
        {
            "origin_id": [f"o{k:05d}" for k in range(hubs * each)],
            "site_id": [f"s{k // each:05d}" for k in range(hubs * each)],
        }
    )
    ends = frame(*origins.reshape(-1, 2).T, "o", radius[0]), frame(*sites.T, "s", radius[1])
    world = World(*ends, flows, {"dem": dem})
    return world, Ground(dem.values, lon, lat, SPEEDS_KMH["tobler"])


def _on_foot(rng, ground: Ground, *, both: bool) -> Truth:
    def truth(one: Place, r1: float, two: Place, r2: float) -> tuple[float, ...]:
        out, back = ground.hours(in_disc(rng, *one, r1), in_disc(rng, *two, r2))
        return (out, back, out + back) if both else (out, back)

    return truth


WALK = {"walk": "walk_out_h", "walk_back": "walk_back_h", "walk_round": "walk_round_h"}
TRAVEL = {"travel": "travel_out_h", "travel_back": "travel_back_h"}


def on_foot(size: float = 1.0) -> Subject:
    rng, hubs = np.random.default_rng(13), int(75 * size)
    rows = []
    for title, rough, radius in (
        ("hills, radii of 3 and 1.5 km", 1.0, (3.0, 1.5, 12.0)),
        ("mountains, radii of 6 and 3 km", 3.0, (6.0, 3.0, 14.0)),
    ):
        world, ground = _land(rng, hubs, 8, rough, radius)
        rows += counted(world, "walk", WALK, _on_foot(rng, ground, both=True), title)
    peer = "scipy's Dijkstra from one drawn position to the other, as under Walking"
    text = "Positions are joined to the centres of the nine cells around by straight legs."
    return Subject("Intervals of walking", peer, text, rows)


def mixed(size: float = 1.0) -> Subject:
    rng = np.random.default_rng(14)
    world, ground = _land(rng, int(75 * size), 8, 1.0, (4.0, 2.0, 14.0))
    rows, columns = ground.height.shape
    row, kmh = rows // 2, 30.0
    cells = row * columns + np.arange(columns)
    lon, lat = ground.lon.ravel()[cells], ground.lat.ravel()[cells]
    hop = metres(lon[0], lat[0], lon[1], lat[1]) / (kmh / 3.6)
    rides = np.full(2 * (columns - 1), hop)
    ground.with_arcs(np.r_[cells[:-1], cells[1:]], np.r_[cells[1:], cells[:-1]], rides)
    road = shapely.LineString(np.column_stack([lon, lat]))
    roads = gpd.GeoDataFrame({"speed_kmh": [kmh]}, geometry=[road], crs=4326)
    world.layers = {**world.layers, "roads": roads}
    title = "hills and a road at 30 km/h, radii of 4 and 2 km"
    found = counted(world, "travel", TRAVEL, _on_foot(rng, ground, both=False), title)
    peer = "scipy's Dijkstra over the same moves and the rides from cell to cell"
    return Subject("Intervals of walking and riding", peer, "", found)


# --- Roads


def _lattice(rng, side: int = 9):
    """Two-way roads some 9 km apart, speeds of 30, 50 and 80 km/h."""
    at = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1)
    at = np.array([30.0, 10.0]) + 0.08 * (at + rng.uniform(-0.15, 0.15, at.shape))
    lines = [np.array([at[i, j], at[i + 1, j]]) for i in range(side - 1) for j in range(side)]
    lines += [np.array([at[i, j], at[i, j + 1]]) for i in range(side) for j in range(side - 1)]
    speed = rng.choice([30.0, 50.0, 80.0], len(lines)).tolist()
    layer = gpd.GeoDataFrame(
        {"speed_kmh": speed}, geometry=[shapely.LineString(x) for x in lines], crs=4326
    )
    return layer, Streets(lines, speed, ["no"] * len(lines)), at


def _on_roads(rng, streets: Streets, n: int) -> np.ndarray:
    edge, share = rng.integers(0, len(streets.tail), n), rng.uniform(0.05, 0.95, n)[:, None]
    tail, head = (np.array(v)[edge] for v in (streets.tail, streets.head))
    return tail + share * (head - tail)


def _off_roads(rng, streets: Streets, at: np.ndarray, n: int, near: tuple[float, float]):
    out = []
    while len(out) < n:
        point = rng.uniform(at[0, 0] + 0.02, at[-1, -1] - 0.02)
        if near[0] < streets.foot(*point)[3] < near[1]:
            out.append(point)
    return np.array(out)


WALK_KMH = 4.0  # of legs where there is no elevation: `off_road_kmh`


def _ridden(rng, streets: Streets, rule: Callable[..., tuple[Place, float | None]]) -> Truth:
    """Way between true places; `rule` gives a place and its leg in metres (None: the real one)."""

    def truth(one: Place, r1: float, two: Place, r2: float) -> tuple[float, float]:
        feet, walk = [], 0.0
        for place, radius in ((one, r1), (two, r2)):
            true, leg = rule(place, radius)
            edge, x, y, real = streets.foot(*true)
            feet.append((edge, x, y))
            walk += (real if leg is None else leg) / 1000
        hours, km = streets.between(*feet)
        slower = np.exp(Spread().road_speed_share * rng.standard_normal())
        return km + walk, hours * slower + walk / WALK_KMH

    return truth


def by_road(size: float = 1.0) -> Subject:
    rng, n = np.random.default_rng(15), int(1000 * size)
    layer, streets, at = _lattice(rng)
    columns = {"road": "road_km", "road_time": "road_h"}

    def anywhere(place: Place, radius: float):
        return in_disc(rng, *place, radius), None

    def along(place: Place, radius: float):
        return in_disc(rng, *place, radius), 0.0

    def evenly(place: Place, radius: float):
        edge = streets.foot(*place)[0]
        a, b = np.array(streets.tail[edge]), np.array(streets.head[edge])
        share = rng.uniform(-radius, radius) / metres(*a, *b)
        return tuple(np.array(place) + share * (b - a)), 0.0

    on = [_on_roads(rng, streets, n) for _ in range(2)]
    off = [_off_roads(rng, streets, at, n, (1600, 9000)) for _ in range(2)]
    near = [_off_roads(rng, streets, at, n, (300, 1200)) for _ in range(2)]
    text_even = "another rule: the intervals draw from the disc, where the middle is likelier"
    text_near = (
        "another rule: the intervals keep the stated leg, longer or shorter by up to its own "
        "length, since a place on a map near a road is rarely across it"
    )
    cases = (
        ("places on roads, in the disc, moved to the road", on, along, {}),
        ("places off roads, in the disc", off, anywhere, {}),
        ("places on roads, evenly along the road", on, evenly,
         {"note": text_even, "nominal": False}),
        ("places nearer to the road than their radius, anywhere in the disc", near, anywhere,
         {"note": text_near, "nominal": False}),
    )  # fmt: skip
    rows = []
    for title, (one, two), rule, said in cases:
        ends = frame(*one.T, "o", 1.5), frame(*two.T, "s", 1.0)
        world = World(*ends, paired(n), {"roads": layer})
        rows += counted(world, "road", columns, _ridden(rng, streets, rule), title, **said)
    rows += _published(rng, n)
    peer = (
        f"networkx {version('networkx')}, Dijkstra between the ends of the edges that the true "
        "places are on"
    )
    text = (
        "A speed is drawn for every pair, log-normal with the standard deviation of the setting "
        "`road_speed_share`; of a published length its error too (`road_length_share`)."
    )
    return Subject("Intervals by road", peer, text, rows)


def _published(rng, n: int) -> list[Coverage]:
    """Places of a table of lengths: the way changes by what a place is moved along it."""
    one = np.column_stack([rng.uniform(20, 60, n), rng.uniform(-50, 50, n)])
    two = _away(rng, one, 4e4, 2e5)
    flows = paired(n)
    length = np.array([1.3 * metres(*a, *b) / 1000 for a, b in zip(one, two, strict=True)])
    table = pd.DataFrame({"a": flows["origin_id"], "b": flows["site_id"], "length_km": length})
    world = World(frame(*one.T, "o", 3.0), frame(*two.T, "s", 2.0), flows, {"roads": table})
    spread, of = Spread(), dict(zip(map(tuple, one.tolist()), length, strict=True))

    def toward(place: Place, other: Place, radius: float) -> float:
        """Kilometres by which a drawn position is nearer to the other end."""
        away, azimuth = radius * np.sqrt(rng.random()), 2 * np.pi * rng.random()
        return away * np.cos(azimuth) / 1000

    def truth(one: Place, r1: float, two: Place, r2: float) -> tuple[float, float]:
        km = of[one] - toward(one, two, r1) - toward(two, one, r2)
        km *= np.exp(spread.road_length_share * rng.standard_normal())
        return km, km / 40 * np.exp(spread.road_speed_share * rng.standard_normal())

    columns = {"road": "road_km", "road_time": "road_h"}
    return counted(world, "road", columns, truth, "published lengths between places of a table")


SUBJECTS = (straight, draped, on_foot, mixed, by_road)
