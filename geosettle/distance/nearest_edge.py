"""The edge of a set of lines that is nearest to a point, on the ground."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.geodesy import GEOD, arc_bound_m, to_xyz

IntArray = NDArray[np.int64]
_DEGREE_M: Final = 110_574.0
"""No degree of latitude is shorter on WGS84 (Snyder 1987, eq. 4-19, at the equator)."""
_STEPS: Final = 12
_ENOUGH_M2: Final = 1e-2
"""A step that moves the foot by less than 10 cm is the last: the length changes far less."""
_AT_ONCE: Final = 50_000
_FAR: Final = 2.0
"""Degrees to the nearest edge beyond which it is looked for in space: in degrees many are near."""
_RADIUS_M: Final = 6.4e6  # no part of the Earth bends less


class NearestEdges:
    """Edges of lines, straight in longitude and latitude.

    Parameters
    ----------
    lines
        LineStrings, longitudes counted from any meridian (the same for points), that do not pass
        its opposite.

    Attributes
    ----------
    line, vertex
        Which line each edge is part of, and which of all vertices it starts at.
    """

    def __init__(self, lines: NDArray[np.object_]) -> None:
        xy, of = shapely.get_coordinates(lines, return_index=True)
        self.vertex = np.flatnonzero(of[1:] == of[:-1])
        self.line = of[self.vertex]
        self._start = xy[self.vertex]
        self._step = xy[self.vertex + 1] - self._start
        lat = xy[:, 1] if len(xy) else np.zeros(1)
        self._cos = np.cos(np.radians((lat.min() + lat.max()) / 2))
        ends = np.stack([self._start, self._start + self._step], axis=1)
        self._shapes = np.asarray(shapely.linestrings(ends * [self._cos, 1.0]), dtype=object)

    @functools.cached_property
    def _balls(self) -> tuple[FloatArray, FloatArray]:
        """Middle of each edge in space, and metres within which all of the edge is."""
        middle = self._start + self._step / 2
        half = _RADIUS_M * np.radians(np.hypot(*self._step.T)) / 2
        return to_xyz(middle[:, 0], middle[:, 1]), half

    def _gap(self, lon: float, lat: float) -> FloatArray:
        """Metres through the Earth from a point to every edge, at least."""
        middle, half = self._balls
        x, y, z = to_xyz(np.array(lon), np.array(lat))
        away = np.hypot(np.hypot(middle[:, 0] - x, middle[:, 1] - y), middle[:, 2] - z)
        return np.asarray(away - half)

    @functools.cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._shapes)

    def at(self, edge: IntArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of places on edges, by the share of the edge before them."""
        lon, lat = (self._start[edge] + share[:, None] * self._step[edge]).T
        return lon, lat

    def to(
        self, lon: FloatArray, lat: FloatArray, among: IntArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        """Nearest edge of each point.

        Parameters
        ----------
        lon, lat
            WGS84, degrees, shape (n,); all known.
        among
            Numbers of the edges to look at; None: all.

        Returns
        -------
        edge, share
            Number of the edge, and the share of it (in degrees) before the foot, shape (n,) each.

        Notes
        -----
        Nearest in degrees is not nearest on the ground, but nothing is farther than what is nearest
        in degrees: every edge that may be nearer, with the longest degrees that a distance on the
        ground can be, is measured. Lengths are those of chords through the Earth, which order feet
        as geodesics do but for some 1e-7 of the length.
        """
        number = np.arange(len(self._shapes)) if among is None else among
        tree = self._tree if among is None else shapely.STRtree(self._shapes[among])
        parts = [slice(i, i + _AT_ONCE) for i in range(0, max(lon.size, 1), _AT_ONCE)]
        found = [self._to(lon[part], lat[part], number, tree) for part in parts]
        edge, share = (np.concatenate(values) for values in zip(*found, strict=True))
        return edge, share

    def _to(
        self, lon: FloatArray, lat: FloatArray, number: IntArray, tree: shapely.STRtree
    ) -> tuple[IntArray, FloatArray]:
        points = shapely.points(lon * self._cos, lat)
        edge = number[tree.query_nearest(points, all_matches=False)[1]]
        share, metres = self._foot(lon, lat, edge)
        high = arc_bound_m(metres) / _DEGREE_M
        pole = np.abs(lat) + high
        with np.errstate(divide="ignore"):
            wide = np.maximum(1.0, self._cos / np.cos(np.radians(np.minimum(pole, 90.0))))
        reach = np.where(pole < 90, np.minimum(high * wide, 360.0), 360.0) + 1e-9
        close = np.flatnonzero(reach <= _FAR)
        point, at = tree.query(points[close], predicate="dwithin", distance=reach[close])
        point = close[point]
        near = np.flatnonzero(np.bincount(point, minlength=lon.size)[point] > 1)
        point, at = point[near], at[near]
        for row in np.flatnonzero(reach > _FAR):
            some = np.flatnonzero(self._gap(lon[row], lat[row])[number] <= metres[row] * (1 + 1e-9))
            point, at = np.r_[point, np.full(some.size, row)], np.r_[at, some]
        shares, metres = self._foot(lon[point], lat[point], number[at])
        order = np.lexsort((at, metres, point))
        best = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
        edge[point[best]], share[point[best]] = number[at[best]], shares[best]
        return edge, share

    def _foot(
        self, lon: FloatArray, lat: FloatArray, edge: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Share of each edge before its point nearest to a point, and the chord to it, metres.

        Found by projecting the chord on the edge's direction at the foot (Gauss and Newton).
        """
        start, step, there = self._start[edge], self._step[edge], to_xyz(lon, lat)
        narrow = np.cos(np.radians(lat))[:, None] ** [1, 0]
        square = ((step * narrow) ** 2).sum(axis=1)
        ahead = ((np.column_stack([lon, lat]) - start) * step * narrow**2).sum(axis=1)
        share = np.clip(ahead / np.where(square > 0, square, 1.0), 0.0, 1.0)
        for _ in range(_STEPS):
            here = start + share[:, None] * step
            away, along = there - to_xyz(here[:, 0], here[:, 1]), _direction(here, step)
            square = np.einsum("ij,ij->i", along, along)
            moved = np.einsum("ij,ij->i", away, along) / np.where(square > 0, square, 1.0)
            before, share = share, np.clip(share + moved, 0.0, 1.0)
            if not np.any((share - before) ** 2 * square > _ENOUGH_M2):
                break
        here = start + share[:, None] * step
        return share, np.linalg.norm(there - to_xyz(here[:, 0], here[:, 1]), axis=1)


def _direction(here: FloatArray, step: FloatArray) -> FloatArray:
    """Change of the Earth-centred coordinates by a step in degrees at points, shape (n, 3)."""
    (lon, lat), (dx, dy) = np.radians(here).T, np.radians(step).T
    bent = 1 - GEOD.es * np.sin(lat) ** 2
    east = dx * np.cos(lat) * GEOD.a / np.sqrt(bent)
    north = dy * (1 - GEOD.es) * GEOD.a / bent**1.5
    inward = north * np.sin(lat)
    return np.stack(
        [
            -east * np.sin(lon) - inward * np.cos(lon),
            east * np.cos(lon) - inward * np.sin(lon),
            north * np.cos(lat),
        ],
        axis=1,
    )
