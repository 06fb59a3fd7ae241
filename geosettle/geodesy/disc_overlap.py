"""Area that discs share with polygons, without cutting a single polygon.

The area of an intersection is the integral of the authalic function along its boundary: along those
pieces of the polygon's edges that lie in the disc, and those arcs of the disc that lie in the
polygon. Both are known from where the edges cross the disc, so nothing needs to be built. The disc
is the polygon that `geosettle.geodesy.disc` draws, which is convex; the polygon may be anything
valid, with holes and parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geosettle.geodesy import FLATTENING, GEOD, SEMI_MAJOR_M, area_m2, disc

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
VERTICES: Final = 180
_SAMPLES: Final = 24
_E2: Final = FLATTENING * (2 - FLATTENING)
_NODE: Final = 0.5 / np.sqrt(3)
_PAIR_EDGES: Final = 500_000
_LARGE: Final = 64


def _authalic(lat_rad: FloatArray) -> FloatArray:
    """Snyder's q (eq. 3-12) with its arctanh as a series.

    e·sin is below 0.082, so five terms give 1e-12.
    """
    s = np.sin(lat_rad)
    x = _E2 * s * s
    series = 1 + x * (1 / 3 + x * (1 / 5 + x * (1 / 7 + x / 9)))
    return np.asarray((1 - _E2) * s * (1 / (1 - x) + series))


def _integral(x0: FloatArray, y0: FloatArray, x1: FloatArray, y1: FloatArray) -> FloatArray:
    """Integral of the authalic function along straight edges (degrees), as square metres.

    It uses two-point Gauss quadrature.

    Its relative error for an edge of h radians of latitude is h⁴/4320: 1e-9 at 2.5 degrees.
    """
    middle, step = np.radians((y0 + y1) / 2), np.radians(y1 - y0) * _NODE
    mean = (_authalic(middle - step) + _authalic(middle + step)) / 2
    return np.asarray(np.radians(x0 - x1) * mean * (SEMI_MAJOR_M**2 / 2))


def _ring_integrals(x: FloatArray, y: FloatArray) -> FloatArray:
    """Integrals along consecutive corners, shape (n, V + 1) to (n, V).

    Each corner is looked up once.

    The trapezoid rule with the correction of its ends (Euler-Maclaurin), as exact as two-point
    Gauss.
    """
    lat = np.radians(y)
    q = _authalic(lat)
    s = np.sin(lat)
    slope = 2 * (1 - _E2) * np.sqrt(1 - s * s) / (1 - _E2 * s * s) ** 2
    mean = (q[:, :-1] + q[:, 1:]) / 2 - np.diff(slope, axis=1) * np.diff(lat, axis=1) / 12
    return np.asarray(np.radians(-np.diff(x, axis=1)) * mean * (SEMI_MAJOR_M**2 / 2))


@dataclass(frozen=True, eq=False)
class Circles:
    """Discs as convex rings around their centres.

    Parameters
    ----------
    lon, lat
        Centres, degrees, shape (n,).
    reach, squash
        Half the height of each disc, degrees; by what its width must be multiplied to make it
        round.
    x, y
        Corners relative to the centre, degrees, anticlockwise from the east, shape (n, V + 1),
        closed.
    along
        Integral from the first corner to each corner, m², shape (n, V + 1); the last is the area of
        the disc.
    """

    lon: FloatArray
    lat: FloatArray
    x: FloatArray
    y: FloatArray
    along: FloatArray
    reach: FloatArray
    squash: FloatArray

    @classmethod
    def of(cls, lon: FloatArray, lat: FloatArray, radius_m: FloatArray) -> Circles:
        """Discs that neither reach a pole nor the antimeridian.

        Corners are a smooth periodic function of the azimuth, whose Fourier coefficients fall off
        as powers of the radius over the distance to the pole: a few exact geodesics give all of
        them to machine precision.
        """
        n = lon.size
        tight = (
            radius_m
            / 6.3e6
            / np.maximum(np.cos(np.radians(np.abs(lat) + np.degrees(radius_m / 6.3e6))), 1e-9)
        )
        count = _SAMPLES if n and tight.max() < 0.1 else VERTICES
        azimuth = 90 - np.arange(count) * (360 / count)
        angle = 2 * np.pi / VERTICES
        outer = radius_m * np.sqrt(angle / np.sin(angle))
        spread = (
            np.repeat(lon, count),
            np.repeat(lat, count),
            np.tile(azimuth, n),
            np.repeat(outer, count),
        )
        far_x, far_y, _ = GEOD.fwd(*spread)
        x = np.asarray(far_x).reshape(n, count) - lon[:, None]
        y = np.asarray(far_y).reshape(n, count) - lat[:, None]
        x = (x + 180) % 360 - 180
        if count < VERTICES and n:
            x, y = (np.fft.irfft(np.fft.rfft(v), VERTICES) * (VERTICES / count) for v in (x, y))
        x, y = (np.concatenate([v, v[:, :1]], axis=1) for v in (x, y))
        along = np.concatenate(
            [np.zeros((n, 1)), np.cumsum(_ring_integrals(x, y + lat[:, None]), axis=1)], axis=1
        )
        reach = y.max(axis=1, initial=0.0)
        return cls(
            lon, lat, x, y, along, reach, reach / np.maximum(x.max(axis=1, initial=0.0), 1e-300)
        )

    @property
    def area_m2(self) -> FloatArray:
        """Geodesic area, shape (n,)."""
        return np.asarray(self.along[:, -1])

    def polygons(self) -> NDArray[np.object_]:
        """Draw the discs as polygons."""
        corners = np.stack([self.x + self.lon[:, None], self.y + self.lat[:, None]], axis=-1)
        return np.asarray(shapely.polygons(corners), dtype=object)

    def boxes(self) -> NDArray[np.object_]:
        """Draw the boxes that bound the discs."""
        west, east = self.lon + self.x.min(axis=1), self.lon + self.x.max(axis=1)
        south, north = self.lat + self.y.min(axis=1), self.lat + self.y.max(axis=1)
        return np.asarray(shapely.box(west, south, east, north), dtype=object)


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of polygons, shells anticlockwise and holes clockwise.

    Parameters
    ----------
    x0, y0, x1, y1
        Ends, degrees, shape (m,).
    integral
        Of each edge, m², shape (m,).
    start, count
        First edge of each polygon and how many it has, shape (n,).
    """

    x0: FloatArray
    y0: FloatArray
    x1: FloatArray
    y1: FloatArray
    integral: FloatArray
    start: IntArray
    count: IntArray

    @classmethod
    def of(cls, polygons: NDArray[np.object_]) -> Edges:
        """Edges of valid polygons or multipolygons."""
        turned = shapely.orient_polygons(polygons, exterior_cw=False)
        parts, part_of = shapely.get_parts(turned, return_index=True)
        rings, ring_of = shapely.get_rings(parts, return_index=True)
        coords, coord_of = shapely.get_coordinates(rings, return_index=True)
        if coords.shape[0] == 0:
            none, zero = np.zeros(0), np.zeros(polygons.size, dtype=np.intp)
            return cls(none, none, none, none, none, zero, zero)
        same = coord_of[1:] == coord_of[:-1]
        owner = part_of[ring_of[coord_of[1:][same]]]
        x0, y0 = coords[:-1][same].T.copy()
        x1, y1 = coords[1:][same].T.copy()
        count = np.bincount(owner, minlength=polygons.size)
        start = np.concatenate([[0], np.cumsum(count)[:-1]])
        return cls(
            x0, y0, x1, y1, _integral(x0, y0, x1, y1), start.astype(np.intp), count.astype(np.intp)
        )

    @cached_property
    def large_tree(self) -> tuple[shapely.STRtree, IntArray, IntArray]:
        """Index of the edges of polygons with many of them, their positions, and whose they are."""
        owner = self.owners()
        position = np.flatnonzero(self.count[owner] > _LARGE)
        ends = np.stack([self.x0, self.y0, self.x1, self.y1], axis=-1)[position].reshape(-1, 2, 2)
        return shapely.STRtree(shapely.linestrings(ends)), position, owner[position]

    def take(self, order: IntArray) -> Edges:
        """Edges of the polygons in another order."""
        return Edges(
            self.x0, self.y0, self.x1, self.y1, self.integral, self.start[order], self.count[order]
        )

    def owners(self) -> IntArray:
        """Position of the polygon that each edge belongs to, shape (m,)."""
        order = np.argsort(self.start, kind="stable")
        return np.asarray(np.repeat(order, self.count[order]), dtype=np.intp)

    def areas_m2(self, polygons: NDArray[np.object_]) -> FloatArray:
        """Areas of the polygons that the edges were taken from.

        Tall ones, whose edges may be long, are computed by the slow method.
        """
        total = np.abs(np.bincount(self.owners(), self.integral, minlength=polygons.size))
        bounds = shapely.bounds(polygons)
        tall = np.nan_to_num(bounds[:, 3] - bounds[:, 1]) > 1
        total[tall] = area_m2(polygons[tall])
        return np.asarray(total)


def discs(lon: ArrayLike, lat: ArrayLike, radius_m: ArrayLike) -> NDArray[np.object_]:
    """Geodesic discs around many points; as `geosettle.geodesy.disc`, for arrays.

    Parameters
    ----------
    lon, lat, radius_m
        WGS84 degrees and metres, shape (n,). A missing coordinate gives None, a radius of 0 an
        empty polygon.

    Examples
    --------
    >>> round(float(area_m2(discs([76], [39], [5_000]))[0] / (np.pi * 5_000**2)), 5)
    1.0
    """
    return plain_discs(
        *(np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(lon, lat, radius_m))
    )[0]


def plain_discs(
    lon: FloatArray, lat: FloatArray, radius: FloatArray
) -> tuple[NDArray[np.object_], Circles, IntArray]:
    """Discs as polygons; those that are plain rings also as circles.

    The position of each is given (-1: not plain).
    """
    out = np.full(lon.shape, None, dtype=object)
    known = np.isfinite(lon) & np.isfinite(lat) & np.isfinite(radius)
    out[known & (radius <= 0)] = shapely.Polygon()
    drawn = known & (radius > 0)
    # Near a pole or the antimeridian a disc is no plain ring; those few are drawn one by one.
    reach = np.degrees(np.where(drawn, radius, 0.0) / 6.3e6) * 1.1
    narrow = np.cos(np.radians(np.minimum(np.abs(lat) + reach, 90)))
    plain = drawn & (narrow > 0.02)
    plain[plain] &= np.abs(lon[plain]) + reach[plain] / narrow[plain] < 180
    circle = np.where(plain, np.cumsum(plain) - 1, -1)
    circles = Circles.of(lon[plain], lat[plain], radius[plain])
    out[plain] = circles.polygons()
    for row in np.flatnonzero(drawn & ~plain):
        out[row] = disc(float(lon[row]), float(lat[row]), float(radius[row]))
    return out, circles, circle


def _wedge(circles: Circles, disc: IntArray, x: FloatArray, y: FloatArray) -> IntArray:
    """Between which two corners, seen from the centre, each point (relative to it) lies."""
    turn = np.arctan2(y, x * circles.squash[disc]) / (2 * np.pi) * VERTICES
    wedge = np.floor(turn).astype(np.intp) % VERTICES
    # Corners are not quite evenly spread in longitude/latitude: step on until the point is really
    # between them.
    open_ = np.arange(x.size)
    for _ in range(VERTICES):
        d, w = disc[open_], wedge[open_]
        back = circles.x[d, w] * y[open_] - circles.y[d, w] * x[open_] < 0
        forth = ~back & (circles.x[d, w + 1] * y[open_] - circles.y[d, w + 1] * x[open_] >= 0)
        move = (back | forth) & ((x[open_] != 0) | (y[open_] != 0))
        if not move.any():
            break
        step = np.where(back, -1, 1)
        wedge[open_[move]] = (w[move] + step[move]) % VERTICES
        open_ = open_[move]
    return np.asarray(wedge, dtype=np.intp)


def _gauge(circles: Circles, disc: IntArray, wedge: IntArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients (a, b) with a·x + b·y = 1 on the disc's edge in this wedge, below 1 inside."""
    px, py = circles.x[disc, wedge], circles.y[disc, wedge]
    qx, qy = circles.x[disc, wedge + 1], circles.y[disc, wedge + 1]
    cross = px * qy - py * qx
    return (qy - py) / cross, (px - qx) / cross


def _level(
    circles: Circles, disc: IntArray, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, IntArray]:
    """How far out a point is (1 on the disc's edge), and its wedge."""
    wedge = _wedge(circles, disc, x, y)
    a, b = _gauge(circles, disc, wedge)
    return a * x + b * y, wedge


def _crossing(
    circles: Circles,
    disc: IntArray,
    inner: tuple[FloatArray, FloatArray],
    outer: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where segments from a point inside to one outside leave the disc.

    The integral along the disc up to there is returned too.

    Newton's method on a convex, piecewise linear function, from outside: it ends in a few steps,
    exactly.
    """
    (ax, ay), (bx, by) = inner, outer
    dx, dy = bx - ax, by - ay
    t = np.ones(disc.size)
    wedge = _wedge(circles, disc, bx, by)
    open_ = np.arange(disc.size)
    for _ in range(VERTICES):
        a, b = _gauge(circles, disc[open_], wedge[open_])
        slope = a * dx[open_] + b * dy[open_]
        rise = 1 - (a * ax[open_] + b * ay[open_])
        t[open_] = np.clip(np.divide(rise, slope, out=np.zeros(open_.size), where=slope > 0), 0, 1)
        now = _wedge(
            circles, disc[open_], ax[open_] + t[open_] * dx[open_], ay[open_] + t[open_] * dy[open_]
        )
        moved = now != wedge[open_]
        # On a corner rounding may name either edge; both give the same point.
        a, b = _gauge(circles, disc[open_], now)
        px, py = ax[open_] + t[open_] * dx[open_], ay[open_] + t[open_] * dy[open_]
        moved &= a * px + b * py > 1 + 1e-12
        wedge[open_[moved]] = now[moved]
        open_ = open_[moved]
        if open_.size == 0:
            break
    px, py = ax + t * dx, ay + t * dy
    lat = circles.lat[disc]
    cx, cy = circles.x[disc, wedge], circles.y[disc, wedge]
    return px, py, circles.along[disc, wedge] + _integral(cx, cy + lat, px, py + lat)


def shared_m2(
    circles: Circles, polygons: NDArray[np.object_], edges: Edges, disc: IntArray, polygon: IntArray
) -> FloatArray:
    """Square metres that each pair of a disc and a polygon shares.

    Parameters
    ----------
    circles, polygons, edges
        Discs; valid polygons with their edges.
    disc, polygon
        Positions of the pairs, shape (k,).

    Returns
    -------
    ndarray, shape (k,)
        Square metres on the ellipsoid, 0 where they do not meet.

    Examples
    --------
    >>> circles = Circles.of(np.array([76.0]), np.array([39.0]), np.array([5000.0]))
    >>> east = np.array([shapely.box(76, 38, 77, 40)], dtype=object)
    >>> half = shared_m2(circles, east, Edges.of(east), np.array([0]), np.array([0]))
    >>> round(float(half[0] / circles.area_m2[0]), 9)
    0.5
    """
    out = np.zeros(disc.size)
    large = edges.count[polygon] > _LARGE
    for rows, find in ((np.flatnonzero(~large), _every_edge), (np.flatnonzero(large), _edges_near)):
        if rows.size == 0:
            continue
        size = np.cumsum(np.minimum(edges.count[polygon[rows]], 8 * _LARGE))
        blocks = np.split(
            rows, np.searchsorted(size, np.arange(_PAIR_EDGES, size[-1], _PAIR_EDGES))
        )
        for block in blocks:
            if block.size:
                d, p = disc[block], polygon[block]
                out[block] = _shared(circles, polygons, edges, (d, p), find(circles, edges, d, p))
    return out


def _every_edge(
    circles: Circles, edges: Edges, disc: IntArray, polygon: IntArray
) -> tuple[IntArray, IntArray]:
    """Positions of pairs and of all edges of their polygons."""
    del circles
    count = edges.count[polygon]
    before = np.concatenate([[0], np.cumsum(count)[:-1]])
    pair = np.repeat(np.arange(disc.size), count)
    return pair, np.arange(pair.size) - np.repeat(before, count) + np.repeat(
        edges.start[polygon], count
    )


def _edges_near(
    circles: Circles, edges: Edges, disc: IntArray, polygon: IntArray
) -> tuple[IntArray, IntArray]:
    """Positions of pairs and of the edges of their polygons near the disc.

    The other edges add nothing.
    """
    tree, position, owner = edges.large_tree
    some, which = np.unique(disc, return_inverse=True)
    at, found = tree.query(circles.boxes()[some])
    wanted = which * edges.count.size + polygon
    order = np.argsort(wanted, kind="stable")
    key = at * edges.count.size + owner[found]
    slot = np.minimum(np.searchsorted(wanted[order], key), wanted.size - 1)
    hit = wanted[order][slot] == key
    pair, edge = order[slot[hit]], position[found[hit]]
    sort = np.lexsort((edge, pair))
    return pair[sort], edge[sort]


@dataclass(frozen=True, eq=False)
class _PairEdges:
    """Edges of the polygon of each pair, relative to the centre of its disc.

    Each has the pair that it belongs to.
    """

    x0: FloatArray
    y0: FloatArray
    x1: FloatArray
    y1: FloatArray
    pair: IntArray

    def take(self, at: IntArray) -> _PairEdges:
        return _PairEdges(self.x0[at], self.y0[at], self.x1[at], self.y1[at], self.pair[at])


def _shared(
    circles: Circles,
    polygons: NDArray[np.object_],
    edges: Edges,
    pairs: tuple[IntArray, IntArray],
    near_edges: tuple[IntArray, IntArray],
) -> FloatArray:
    """Square metres of one block of pairs, from the edges that may matter."""
    disc, polygon = pairs
    pair, edge = near_edges
    n = disc.size
    which = disc[pair]
    lon, lat = circles.lon[which], circles.lat[which]
    near = _PairEdges(
        edges.x0[edge] - lon, edges.y0[edge] - lat, edges.x1[edge] - lon, edges.y1[edge] - lat, pair
    )
    start_in = _level(circles, which, near.x0, near.y0)[0] < 1
    end_in = _ends(circles, which, near, start_in)
    whole = np.where(start_in & end_in, edges.integral[edge], 0.0)
    leaving, entering = np.flatnonzero(start_in & ~end_in), np.flatnonzero(~start_in & end_in)
    out, back = near.take(leaving), near.take(entering)
    whole[leaving] = _cross(circles, which[leaving], (out.x0, out.y0), (out.x1, out.y1))
    whole[entering] = -_cross(circles, which[entering], (back.x1, back.y1), (back.x0, back.y0))
    through = np.flatnonzero(~start_in & ~end_in)
    through, metres = _pierce(circles, which[through], near.take(through), through)
    whole[through] = metres
    total = np.bincount(pair, whole, minlength=n)
    crossed = np.zeros(n, dtype=bool)
    for at in (leaving, entering, through):
        crossed[pair[at]] = True
    area = circles.area_m2[disc]
    # The arc over the disc's first corner is counted less one whole turn.
    total = np.where(crossed & (total < -1e-9 * area), total + area, total)
    # Where no edge crosses the disc its rim lies wholly inside or wholly outside the polygon; rings
    # within the disc (islands, or holes of a polygon that reaches beyond) are in the sum already.
    lone = np.flatnonzero(~crossed)
    rim_x, rim_y = (
        side[disc[lone], 0] + middle[disc[lone]]
        for side, middle in ((circles.x, circles.lon), (circles.y, circles.lat))
    )
    total[lone] += np.where(
        shapely.contains_xy(polygons[polygon[lone]], rim_x, rim_y), area[lone], 0.0
    )
    return np.maximum(total, 0.0)


def _ends(
    circles: Circles, disc: IntArray, edges: _PairEdges, start_in: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether the end of each edge is inside the disc.

    This is the next edge's start, or, where a ring closes, a look-up of its own.

    A point must not be judged twice: rounding might find it inside once and outside once.
    """
    out = np.concatenate([start_in[1:], [False]])
    linked = np.zeros(disc.size, dtype=bool)
    linked[:-1] = (
        (disc[1:] == disc[:-1]) & (edges.x0[1:] == edges.x1[:-1]) & (edges.y0[1:] == edges.y1[:-1])
    )
    at = np.flatnonzero(~linked)
    out[at] = _level(circles, disc[at], edges.x1[at], edges.y1[at])[0] < 1
    return out


def _cross(
    circles: Circles,
    disc: IntArray,
    inner: tuple[FloatArray, FloatArray],
    outer: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """Integral from inside to where the edge leaves, less that along the disc up to there.

    It is only of edges that leave.
    """
    px, py, along = _crossing(circles, disc, inner, outer)
    lat = circles.lat[disc]
    return _integral(inner[0], inner[1] + lat, px, py + lat) - along


def _pierce(
    circles: Circles, disc: IntArray, edges: _PairEdges, position: IntArray
) -> tuple[IntArray, FloatArray]:
    """Positions and integrals of those edges with both ends outside that pass through the disc."""
    scale = circles.squash[disc]
    x0, y0, dx, dy = edges.x0, edges.y0, edges.x1 - edges.x0, edges.y1 - edges.y0
    length = (dx * scale) ** 2 + dy * dy
    t = np.divide(
        -(x0 * dx * scale**2 + y0 * dy), length, out=np.zeros(length.size), where=length > 0
    )
    foot = ((x0 + t * dx) * scale) ** 2 + (y0 + t * dy) ** 2
    at = np.flatnonzero((t > 0) & (t < 1) & (foot < (circles.reach[disc] * 1.02) ** 2))
    disc, t, x0, y0, dx, dy = disc[at], t[at], x0[at], y0[at], dx[at], dy[at]
    level, wedge = _level(circles, disc, x0 + t * dx, y0 + t * dy)
    # The deepest point of a straight line is on the ray to a corner: try both next to the foot.
    for corner in (wedge, wedge + 1):
        cx, cy = circles.x[disc, corner], circles.y[disc, corner]
        across = cx * dy - cy * dx
        ray = np.clip(np.divide(cy * x0 - cx * y0, across, out=t.copy(), where=across != 0), 0, 1)
        deeper, _ = _level(circles, disc, x0 + ray * dx, y0 + ray * dy)
        t, level = np.where(deeper < level, ray, t), np.minimum(level, deeper)
    into = level < 1
    at, disc, t = at[into], disc[into], t[into]
    x0, y0, dx, dy = x0[into], y0[into], dx[into], dy[into]
    deepest = (x0 + t * dx, y0 + t * dy)
    return position[at], _cross(circles, disc, deepest, (x0 + dx, y0 + dy)) - _cross(
        circles, disc, deepest, (x0, y0)
    )
