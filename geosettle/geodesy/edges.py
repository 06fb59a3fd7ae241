"""Geodesic distance from points to edges, and between shapes.

Edges of polygons are straight in longitude/latitude, as every GIS draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geosettle.geodesy.ellipsoid import (
    _C,
    _E2,
    GEOD,
    SEMI_MAJOR_M,
    FloatArray,
    arc_bound_m,
    inverse,
    require_lonlat,
    to_xyz,
)

_PIECE_M = 5_000.0


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges straight in longitude/latitude, in pieces of at most 5 km and 1 degree of longitude."""

    start: FloatArray
    """(n, 2) degrees."""
    step: FloatArray
    """(n, 2) degrees from start to end."""
    half: FloatArray
    """(n,) metres: no point of the piece is farther from its middle than this."""
    sag: FloatArray
    """(n,) metres: no point of the piece is farther from its chord than this."""

    @property
    def middle(self) -> FloatArray:
        xy = self.start + self.step / 2
        return to_xyz(xy[:, 0], xy[:, 1])


def _edges(geometry: shapely.Geometry) -> _Edges:
    """Cut the edges of a geometry (boundary of polygons, lines, points) into pieces."""
    parts = shapely.get_parts(shapely.get_parts([geometry]))  # twice: collections of multipolygons
    areas = shapely.get_dimensions(parts) == 2
    lines = np.concatenate([shapely.get_rings(parts[areas]), parts[~areas]])
    coords, line_of = shapely.get_coordinates(lines, return_index=True)
    same = line_of[1:] == line_of[:-1]
    start, step = coords[:-1][same], np.diff(coords, axis=0)[same]
    alone = np.bincount(line_of, minlength=len(lines))[line_of] == 1
    start = np.concatenate([start, coords[alone]])
    step = np.concatenate([step, np.zeros((int(alone.sum()), 2))])
    if areas.any():
        start, step = _without_seam(start, step)
    angle = np.abs(np.radians(step))
    cos = np.cos(
        np.radians(
            np.where(
                start[:, 1] * (start[:, 1] + step[:, 1]) < 0,
                0.0,
                np.minimum(np.abs(start[:, 1]), np.abs(start[:, 1] + step[:, 1])),
            )
        )
    )
    length = _C * np.hypot(angle[:, 1], angle[:, 0] * cos)
    count = np.maximum(1, np.ceil(np.maximum(length / _PIECE_M, np.abs(step[:, 0])))).astype(
        np.intp
    )
    part = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    step, angle = (
        np.repeat(step / count[:, None], count, axis=0),
        np.repeat(angle / count[:, None], count, axis=0),
    )
    start = np.repeat(start, count, axis=0) + part[:, None] * step
    # The deviation of a curve from its chord is at most |r''|/8; this is |r''| on a sphere, 2 %
    # covers the ellipsoid.
    bend = (
        angle[:, 1] ** 2 + angle[:, 0] ** 2 * np.repeat(cos, count) + 2 * angle[:, 0] * angle[:, 1]
    )
    return _Edges(start, step, np.repeat(length / count, count) / 2, 1.02 * _C * bend / 8)


def _without_seam(start: FloatArray, step: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Drop edges that are cuts of the map rather than borders.

    These run along both sides of the antimeridian, and at a pole.
    """
    pole = (np.abs(start[:, 1]) == 90) & (step[:, 1] == 0)
    seam = (np.abs(start[:, 0]) == 180) & (step[:, 0] == 0)
    keep = ~(pole | seam)
    if not seam.any():
        return start[keep], step[keep]
    sides = []
    for side in (180.0, -180.0):
        on = seam & (start[:, 0] == side)
        ends = np.stack([start[on, 1], start[on, 1] + step[on, 1]], axis=1)
        sides.append(
            shapely.union_all(
                shapely.linestrings(np.stack([np.full(ends.shape, 180.0), ends], axis=2))
            )
        )
    rest = shapely.get_parts(shapely.symmetric_difference(*sides))
    rest = rest[shapely.get_dimensions(rest) == 1]
    first, last = (shapely.get_coordinates(shapely.get_point(rest, i)) for i in (0, -1))
    return np.concatenate([start[keep], first]), np.concatenate([step[keep], last - first])


def _tree(edges: _Edges) -> Any:
    from scipy.spatial import KDTree  # noqa: PLC0415  (slow to load; areas and discs do without)

    return KDTree(edges.middle)


def _nearest_on(edges: _Edges, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Geodesic distance from points to the nearest of the edges, and where on it.

    These are metres (n,) and degrees (n, 2).
    """
    tree = _tree(edges)
    metres, foot = np.full(lon.shape, np.nan), np.full((*lon.shape, 2), np.nan)
    known = np.flatnonzero(~(np.isnan(lon) | np.isnan(lat)))
    for rows in np.array_split(known, max(1, len(known) // 4096)):
        here = to_xyz(lon[rows], lat[rows])
        # The nearest point is at most arc_bound of the nearest middle away, so its piece's middle
        # is within this reach.
        reach = arc_bound_m(tree.query(here)[0]) + edges.half.max()
        found = tree.query_ball_point(here, reach * (1 + 1e-12))
        row = np.repeat(np.arange(len(rows)), [len(f) for f in found])
        piece = np.concatenate([np.asarray(f, dtype=np.intp) for f in found]) if len(rows) else row
        low, high = _chord_bounds(edges, piece, here[row])
        best = np.full(len(rows), np.inf)
        np.minimum.at(best, row, high)
        keep = low <= best[row] * (1 + 1e-12)
        row, piece = row[keep], piece[keep]
        s, xy = _refine(edges, piece, lon[rows][row], lat[rows][row])
        order = np.lexsort((piece, s, row))
        first = order[np.r_[True, np.diff(row[order]) > 0]] if len(order) else order
        metres[rows[row[first]]], foot[rows[row[first]]] = s[first], xy[first]
    return metres, foot


def _chord_bounds(
    edges: _Edges, piece: NDArray[np.intp], here: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bound of the geodesic distance from points to a piece, from the chords."""
    start, end = edges.start[piece], edges.start[piece] + edges.step[piece]
    a, b = to_xyz(start[:, 0], start[:, 1]), to_xyz(end[:, 0], end[:, 1])
    along = b - a
    t = np.clip(((here - a) * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0, 1)
    straight = np.linalg.norm(a + t[:, None] * along - here, axis=1)
    on = start + t[:, None] * edges.step[piece]
    return straight - edges.sag[piece], arc_bound_m(
        np.linalg.norm(to_xyz(on[:, 0], on[:, 1]) - here, axis=1)
    )


def _refine(
    edges: _Edges, piece: NDArray[np.intp], lon: FloatArray, lat: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Least geodesic distance from each point to one piece.

    It solves d(s²)/dt = 0 with bracketed secants.

    With the geodesic arriving at the piece in direction az, ds/dt = M·dlat·cos(az) +
    N·cos(lat)·dlon·sin(az). The half derivative of s² is nearly linear in t also where s is 0, so
    that six steps bring t within 1e-9 of a 5 km piece.
    """
    start, step = edges.start[piece], edges.step[piece]

    def slope(t: FloatArray) -> tuple[FloatArray, FloatArray]:
        xy = start + t[:, None] * step
        _, back, s = GEOD.inv(lon, lat, xy[:, 0], xy[:, 1])
        az, phi = np.radians(np.asarray(back) + 180), np.radians(xy[:, 1])
        w = 1 - _E2 * np.sin(phi) ** 2
        north = SEMI_MAJOR_M * (1 - _E2) / w**1.5 * np.radians(step[:, 1])
        east = SEMI_MAJOR_M / np.sqrt(w) * np.cos(phi) * np.radians(step[:, 0])
        s = np.asarray(s)
        return s, s * (north * np.cos(az) + east * np.sin(az))

    t0, t1 = np.zeros(len(piece)), np.ones(len(piece))
    (s0, g0), (s1, g1) = slope(t0), slope(t1)
    best_t, best = np.where(s1 < s0, t1, t0), np.minimum(s0, s1)
    inside = (g0 < 0) & (g1 > 0)
    for _ in range(6):
        with np.errstate(invalid="ignore", divide="ignore"):
            t = np.where(inside, t0 - g0 * (t1 - t0) / (g1 - g0), best_t)
        s, g = slope(t)
        best_t, best = np.where(s < best, t, best_t), np.minimum(s, best)
        left = inside & (g < 0)
        right = inside & (g >= 0)
        # Illinois: the end that stays twice counts half, so that both ends close in.
        g1, g0 = np.where(left, g1 / 2, g1), np.where(right, g0 / 2, g0)
        t0, g0 = np.where(left, t, t0), np.where(left, g, g0)
        t1, g1 = np.where(right, t, t1), np.where(right, g, g1)
    return best, start + best_t[:, None] * step


def _contains(geometry: shapely.Geometry, lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    """Whether points lie in a polygon, whichever turn of longitude either is written in."""
    inside = np.zeros(lon.shape, dtype=bool)
    shapely.prepare(geometry)
    west, _, east, _ = shapely.bounds(geometry)
    for turn in (-360.0, 0.0, 360.0):
        if (
            west <= np.nanmax(lon, initial=-np.inf) + turn
            and east >= np.nanmin(lon, initial=np.inf) + turn
        ):
            inside |= shapely.intersects_xy(
                geometry, lon + turn, lat
            )  # a cut at the antimeridian is inside
    return inside


def edge_distance_m(lon: ArrayLike, lat: ArrayLike, geometry: ArrayLike | Any) -> FloatArray:
    """Geodesic distance from points to the nearest edge of polygons, negative inside.

    For lines and points it is the distance to them.

    Parameters
    ----------
    lon, lat
        WGS84 degrees; they broadcast with `geometry`.
    geometry
        One polygon, line or point in WGS84 with edges straight in longitude/latitude, or an array
        with one for each point. A cut along the antimeridian or at a pole is not an edge.

    Returns
    -------
    ndarray
        Metres, within 1 mm of the true least distance (edges of any length). NaN for a missing
        point or geometry.

    Notes
    -----
    Edges are cut into pieces of at most 5 km. Chords in space, with bounds from the curvature of
    the ellipsoid, tell which pieces can be nearest; on those the geodesic distance itself is
    minimised.

    Raises
    ------
    InputError
        A latitude beyond the poles.

    Examples
    --------
    >>> import shapely
    >>> edge_distance_m([0.5, 0.5], [0.1, 1.1], shapely.box(0, 0, 1, 1)).round(1)
    array([-11057.4,  11057.5])
    """
    x, y, geoms = np.broadcast_arrays(
        np.asarray(lon, dtype=float), np.asarray(lat, dtype=float), _as_objects(geometry)
    )
    require_lonlat(x, y)
    shape = x.shape
    x, y, geoms = x.ravel(), y.ravel(), geoms.flatten()
    out = np.full(x.shape, np.nan)
    for geom, rows in _groups(geoms):
        metres, _ = _nearest_on(_edges(geom), x[rows], y[rows])
        inside = (
            _contains(geom, x[rows], y[rows])
            if shapely.get_dimensions(geom) == 2
            else np.zeros(len(rows), bool)
        )
        out[rows] = np.where(inside, -metres, metres) + 0.0  # no minus zero
    return out.reshape(shape)


def _as_objects(geometry: ArrayLike | Any) -> NDArray[np.object_]:
    """Geometries as an object array; one geometry as an array without dimensions."""
    if geometry is None or isinstance(geometry, shapely.Geometry):
        out = np.empty((), dtype=object)
        out[()] = geometry
        return out
    return np.asarray(geometry, dtype=object)


def _groups(
    geoms: NDArray[np.object_], wanted: NDArray[np.bool_] | bool = True
) -> list[tuple[shapely.Geometry, NDArray[np.intp]]]:
    """Wanted rows of each distinct geometry object, in order of appearance.

    Objects that are missing or empty have none.
    """
    rows: dict[int, list[int]] = {}
    usable = wanted & ~(shapely.is_missing(geoms) | shapely.is_empty(geoms))
    for i in np.flatnonzero(usable):
        rows.setdefault(id(geoms[i]), []).append(int(i))
    return [(geoms[r[0]], np.asarray(r, dtype=np.intp)) for r in rows.values()]


def shortest_m(
    one: ArrayLike | Any, two: ArrayLike | Any
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shortest geodesic between two geometries, edge to edge.

    It is 0 where they touch or one holds the other.

    Parameters
    ----------
    one, two
        Points, lines or polygons in WGS84 with edges straight in longitude/latitude, shape (n,)
        each.

    Returns
    -------
    metres, start, end
        Length, shape (n,), and where it starts and ends, degrees, shape (n, 2) each. NaN for a
        missing geometry.

    Notes
    -----
    Between points GeographicLib's length; between a point and edges as `edge_distance_m`, within 1
    mm; between two shapes every piece of edge that can hold an end is tried, then the ends are
    moved to each other's nearest point until that gains less than 0.1 mm; within 0.1 m.

    Examples
    --------
    >>> import shapely
    >>> metres, start, end = shortest_m([shapely.Point(0.5, 1.1)], [shapely.box(0, 0, 1, 1)])
    >>> metres.round(1), end.round(3)
    (array([11057.5]), array([[0.5, 1. ]]))
    """
    a, b = _as_objects(one).ravel(), _as_objects(two).ravel()
    metres, start, end = (
        np.full(a.shape, np.nan),
        np.full((*a.shape, 2), np.nan),
        np.full((*a.shape, 2), np.nan),
    )
    point_a, point_b = ((shapely.get_type_id(g) == 0) & ~shapely.is_empty(g) for g in (a, b))
    start[point_a], end[point_b] = (_xy(g[p]) for g, p in ((a, point_a), (b, point_b)))
    both = point_a & point_b
    metres[both] = inverse(*start[both].T, *end[both].T)[0]
    for shapes, points, foot, wanted in (
        (b, start, end, point_a & ~point_b),
        (a, end, start, point_b & ~point_a),
    ):
        for shape, rows in _groups(shapes, wanted):
            lon, lat = points[rows].T
            require_lonlat(lon, lat)
            metres[rows], foot[rows] = _nearest_on(_edges(shape), lon, lat)
            inside = (
                rows[_contains(shape, lon, lat)] if shapely.get_dimensions(shape) == 2 else rows[:0]
            )
            metres[inside], foot[inside] = 0.0, points[inside]
    shapes_both = ~(point_a | point_b | shapely.is_missing(a) | shapely.is_missing(b))
    for i in np.flatnonzero(shapes_both & ~(shapely.is_empty(a) | shapely.is_empty(b))):
        metres[i], start[i], end[i] = _between(a[i], b[i])
    return metres, start, end


def _xy(points: NDArray[np.object_]) -> FloatArray:
    return np.stack([shapely.get_x(points), shapely.get_y(points)], axis=-1)


def _between(one: shapely.Geometry, two: shapely.Geometry) -> tuple[float, FloatArray, FloatArray]:
    """Shortest geodesic between two lines or polygons."""
    for turn in (0.0, 360.0, -360.0):
        moved = shapely.transform(two, lambda c, t=turn: c + np.array([t, 0.0])) if turn else two
        if shapely.intersects(one, moved):
            at = shapely.get_coordinates(
                shapely.point_on_surface(shapely.intersection(one, moved))
            )[0]
            return 0.0, at, at
    sides = _edges(one), _edges(two)
    tries = []
    for here, there in (sides, sides[::-1]):
        xy = np.concatenate([here.start, here.start + here.step / 2, here.start + here.step])
        xyz = to_xyz(xy[:, 0], xy[:, 1])
        chord = _tree(there).query(xyz)[0]
        # The piece with an end of the shortest line passes this test with its middle, and its ends
        # a little farther.
        near = chord <= arc_bound_m(chord.min()) + 2 * here.half.max() + there.half.max()
        metres, foot = _nearest_on(there, xy[near, 0], xy[near, 1])
        # Along a piece of 5 km the distance to a curved edge dips by less than 2 m below its ends,
        # away from the poles.
        good = np.argsort(metres, kind="stable")[
            : max(1, min(64, int((metres <= metres.min() + 2).sum())))
        ]
        tries.append((metres[good], xy[near][good], foot[good]))
    (m0, a0, b0), (m1, b1, a1) = tries
    metres, start, end = (
        np.concatenate([m0, m1]),
        np.concatenate([a0, a1]),
        np.concatenate([b0, b1]),
    )
    for _ in range(50):
        _, start = _nearest_on(sides[0], end[:, 0], end[:, 1])
        closer, end = _nearest_on(sides[1], start[:, 0], start[:, 1])
        gain, metres = (metres - closer).max(), closer
        if gain < 1e-4:
            break
    best = int(np.lexsort((end[:, 1], end[:, 0], start[:, 1], start[:, 0], metres))[0])
    return float(metres[best]), start[best], end[best]
