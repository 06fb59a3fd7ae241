"""What geosettle computes, written once more from the published formulas, without calling it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import networkx as nx
import numpy as np
import shapely
from geographiclib.geodesic import Geodesic
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import dijkstra

FloatArray = NDArray[np.float64]
EARTH = Geodesic.WGS84

SPEEDS_KMH: dict[str, Callable[[FloatArray], FloatArray]] = {
    # Tobler (1993), NCGIA Technical Report 93-1
    "tobler": lambda s: 6 * np.exp(-3.5 * np.abs(s + 0.05)),
    # Márquez-Pérez, Vallejo-Villalta & Álvarez-Francoso (2017), Geografisk Tidsskrift 117: 53-62
    "marquez_perez": lambda s: 4.8 * np.exp(-5.3 * np.abs(0.7 * s + 0.03)),
    # Irmischer & Clarke (2018), Cartography and Geographic Information Science 45: 177-186, m/s
    "irmischer_clarke": lambda s: 3.6 * (0.11 + np.exp(-((100 * s + 5) ** 2) / (2 * 30**2))),
}


def metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Length of the geodesic by GeographicLib."""
    return EARTH.Inverse(lat1, lon1, lat2, lon2, Geodesic.DISTANCE)["s12"]


def many_metres(lon1, lat1, lon2, lat2) -> FloatArray:
    ends = np.broadcast_arrays(lon1, lat1, lon2, lat2)
    return np.array([metres(*map(float, e)) for e in zip(*map(np.ravel, ends), strict=True)])


def moved(lon: float, lat: float, azimuth: float, away: float) -> tuple[float, float]:
    end = EARTH.Direct(lat, lon, azimuth, away)
    return end["lon2"], end["lat2"]


def in_disc(rng: np.random.Generator, lon: float, lat: float, radius: float) -> tuple[float, float]:
    """Draw a point uniformly from a disc: the share of its area within r is (r / radius)²."""
    return moved(lon, lat, 360 * rng.random(), radius * np.sqrt(rng.random()))


def ring_m2(ring: FloatArray) -> float:
    """Area inside a ring by GeographicLib; its edges are geodesics."""
    sheet = EARTH.Polygon()
    for lon, lat in ring[:-1]:
        sheet.AddPoint(float(lat), float(lon))
    return abs(sheet.Compute()[2])


def _cut(ring: FloatArray, pieces: int) -> FloatArray:
    """Each edge in so many equal pieces."""
    share = np.arange(pieces)[:, None] / pieces
    parts = [a + share * (b - a) for a, b in pairwise(ring)]
    return np.concatenate([*parts, ring[:1]])


def planimeter_m2(geometry: shapely.Geometry, pieces: int = 4) -> float:
    """Area of a shape whose edges are straight in longitude and latitude.

    Edges are cut into pieces, once so many and once twice as many. The error of geodesics for the
    pieces falls with the square of their length, so the two give the limit (Richardson 1911).
    """
    total = 0.0
    for part in shapely.get_parts(geometry):
        if shapely.get_dimensions(part) < 2:
            continue
        for ring in (part.exterior, *part.interiors):
            xy = shapely.get_coordinates(ring)
            coarse, fine = (ring_m2(_cut(xy, pieces * k)) for k in (1, 2))
            area = fine + (fine - coarse) / 3
            total += area if ring.equals(part.exterior) else -area
    return total


def disc(lon: float, lat: float, radius: float, corners: int = 720) -> shapely.Polygon:
    around = np.linspace(0, 360, corners, endpoint=False)
    return shapely.Polygon([moved(lon, lat, a, radius) for a in around])


# --- Walking on a grid


class Ground:
    """A grid of heights with the seconds of all moves to the 16 neighbours of a cell.

    A move is a straight line between two centres; its length is the geodesic, its slope the
    difference in height over that, its speed the formula at that slope.
    """

    def __init__(self, height: FloatArray, lon: FloatArray, lat: FloatArray, speed) -> None:
        self.height, self.lon, self.lat, self.speed = height, lon, lat, speed
        rows, columns = height.shape
        steps = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if 0 < np.gcd(a, b) < 2]
        r, c = (i.ravel() for i in np.indices(height.shape))
        tail, head = [], []
        for dr, dc in steps:
            on = (r + dr >= 0) & (r + dr < rows) & (c + dc >= 0) & (c + dc < columns)
            tail.append((r * columns + c)[on])
            head.append(((r + dr) * columns + c + dc)[on])
        self.tail, self.head = np.concatenate(tail), np.concatenate(head)
        seconds = self._seconds(self._lengths(), self.height.ravel())
        self.graph = csr_array((seconds, (self.tail, self.head)), shape=(height.size, height.size))

    def _lengths(self) -> FloatArray:
        """Geodesics of all moves; those with the same latitudes and step east are one."""
        x, y = self.lon.ravel(), self.lat.ravel()
        east = np.abs(x[self.head] - x[self.tail]).round(10)
        lats = np.sort([y[self.tail], y[self.head]], axis=0).round(10)
        kind, of = np.unique(np.stack([east, *lats]), axis=1, return_inverse=True)
        return many_metres(0 * kind[0], kind[1], kind[0], kind[2])[of.ravel()]

    def _seconds(self, length: FloatArray, height: FloatArray) -> FloatArray:
        slope = (height[self.head] - height[self.tail]) / length
        return length / (self.speed(slope) / 3.6)

    def with_arcs(self, tail, head, seconds) -> None:
        """Add rides from cell to cell; of two ways between them the faster counts."""
        walks = self.graph.tocoo()
        tail, head = np.r_[walks.row, tail], np.r_[walks.col, head]
        seconds = np.r_[walks.data, seconds]
        order = np.lexsort((seconds, head, tail))
        tail, head, seconds = tail[order], head[order], seconds[order]
        first = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)]
        arcs = seconds[first], (tail[first], head[first])
        self.graph = csr_array(arcs, shape=self.graph.shape)

    def legs(self, lon: float, lat: float) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
        """Cells around a position, and the seconds from it to their centres and back."""
        rows, columns = self.height.shape
        r = (lat - self.lat[0, 0]) / (self.lat[1, 0] - self.lat[0, 0])
        c = (lon - self.lon[0, 0]) / (self.lon[0, 1] - self.lon[0, 0])
        near = [
            (i, j)
            for i in range(round(r) - 1, round(r) + 2)
            for j in range(round(c) - 1, round(c) + 2)
            if 0 <= i < rows and 0 <= j < columns
        ]
        cells = np.array([i * columns + j for i, j in near])
        here = map_coordinates(self.height, [[r], [c]], order=1, mode="nearest")[0]
        length = many_metres(lon, lat, self.lon.ravel()[cells], self.lat.ravel()[cells])
        slope = (self.height.ravel()[cells] - here) / np.maximum(length, 1e-9)
        leave, reach = (length / (self.speed(s) / 3.6) for s in (slope, -slope))
        return cells, leave, reach

    def hours(self, one: tuple[float, float], two: tuple[float, float]) -> tuple[float, float]:
        """Hours of the cheapest way from one place to another, and back."""
        cells, leave, reach = self.legs(*two)
        size, zero = self.height.size, np.zeros(cells.size, dtype=np.intp)
        out = csr_array((leave, (zero, cells)), shape=(1, size))
        into = csr_array((reach, (cells, zero)), shape=(size, 1))
        whole = csr_array(block_array([[self.graph, into], [out, None]]))
        away, toward = (dijkstra(g, indices=size) for g in (whole, csr_array(whole.T)))
        near, leave, reach = self.legs(*one)
        return (leave + toward[near]).min() / 3600, (reach + away[near]).min() / 3600


def draped_km(height, west, north, step, ends) -> float:
    """Length of the geodesic over a grid in degrees, heights interpolated between centres."""
    lon1, lat1, lon2, lat2 = ends
    line = EARTH.InverseLine(lat1, lon1, lat2, lon2)
    pieces = max(2, int(np.ceil(line.s13 / (step * 111_000 / 4))))
    at = [line.Position(line.s13 * k / pieces) for k in range(pieces + 1)]
    row = [(north - p["lat2"]) / step - 0.5 for p in at]
    column = [(p["lon2"] - west) / step - 0.5 for p in at]
    z = map_coordinates(height, [row, column], order=1, mode="nearest")
    return float(np.hypot(line.s13 / pieces, np.diff(z)).sum()) / 1000


# --- Roads


class Streets:
    """Road lines with speeds as a graph of networkx, and the ways between points on the lines."""

    def __init__(self, lines: list[FloatArray], speed: list[float], oneway: list[str]) -> None:
        self.graph = nx.DiGraph()
        self.tail, self.head, self.speed = [], [], []
        for line, kmh, only in zip(lines, speed, oneway, strict=True):
            for a, b in pairwise(map(tuple, line)):
                km = metres(*a, *b) / 1000
                ways = [(a, b)] * (only != "-1") + [(b, a)] * (only != "yes")
                for u, v in ways:
                    old = self.graph.get_edge_data(u, v, {"hours": np.inf})["hours"]
                    if km / kmh < old:
                        self.graph.add_edge(u, v, hours=km / kmh, km=km)
                self.tail.append(a)
                self.head.append(b)
                self.speed.append(kmh)
        self.edges = shapely.linestrings(np.stack([self.tail, self.head], axis=1))
        self._known: dict = {}

    def way(self, source, target) -> tuple[float, float]:
        """Hours and kilometres of the quickest way between two nodes; infinite if there is none."""
        if source not in self._known:
            found = nx.single_source_dijkstra(self.graph, source, weight="hours")
            self._known[source] = found
        hours, path = self._known[source]
        if target not in hours:
            return np.inf, np.inf
        return hours[target], nx.path_weight(self.graph, path[target], "km")

    def foot(self, lon: float, lat: float) -> tuple[int, float, float, float]:
        """Edge next to a point, the foot on it, and the metres to it.

        In a plane around the point.
        """
        turn = np.array([np.cos(np.radians(lat)), 1.0])
        a, b = ((np.array(v) - [lon, lat]) * turn for v in (self.tail, self.head))
        along = b - a
        share = np.clip(-(a * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
        near = a + share[:, None] * along
        edge = int(np.argmin((near**2).sum(axis=1)))
        x, y = near[edge] / turn + [lon, lat]
        return edge, float(x), float(y), metres(lon, lat, float(x), float(y))

    def between(self, one: tuple[int, float, float], two: tuple[int, float, float]):
        """Hours and kilometres between points on two-way edges."""
        best = (np.inf, np.inf)
        if one[0] == two[0]:
            km = metres(*one[1:], *two[1:]) / 1000
            best = km / self.speed[one[0]], km
        for u in (self.tail[one[0]], self.head[one[0]]):
            first = metres(*one[1:], *u) / 1000
            for v in (self.tail[two[0]], self.head[two[0]]):
                last = metres(*two[1:], *v) / 1000
                hours, km = self.way(u, v)
                hours += first / self.speed[one[0]] + last / self.speed[two[0]]
                best = min(best, (hours, km + first + last))
        return best
