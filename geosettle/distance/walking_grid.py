"""Places on an elevation grid that is ready to be walked: their cells, and the legs to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.distance._solver.cost import Prepared
from geosettle.distance._solver.cost_grid import CostGrid, FloatArray, IndexArray, Target, islands
from geosettle.distance.barriers import Barriers
from geosettle.distance.draping import bilinear, covered_cells
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.raster import Raster, seconds_per_metre
from geosettle.reasons import reason

_WIDER: Final = 1.01  # a circle of 72 points is narrower by a thousandth
_LEAST_M_PER_DEGREE: Final = 110_000
_POLAR: Final = 89.0


@dataclass(frozen=True, eq=False)
class Place:
    """A point or an area on the grid: its cells, and the cost to leave and to reach it.

    It has a reason where it cannot be left or reached.

    Attributes
    ----------
    cells
        Flat indices; empty where `why` is not.
    leave, reach
        Seconds from the place to each cell's centre, and back.
    lon, lat, radius_m
        A circle that holds the place.
    why
        Reason (`geosettle.reasons`) why it is not on the grid, or empty.
    """

    cells: IndexArray
    leave: FloatArray
    reach: FloatArray
    lon: float = np.nan
    lat: float = np.nan
    radius_m: float = 0.0
    why: str = ""


def _nowhere(why: str) -> Place:
    none = np.zeros(0)
    return Place(none.astype(np.int64), none, none, why=why)


@dataclass(frozen=True, eq=False)
class WalkGrid:
    """A grid ready for walking: seconds per move, and cells from coordinates."""

    dem: Raster
    """Heights, or a friction."""
    grid: CostGrid
    longest: float = 1.0
    """Greatest number by which a cell's moves are longer than those in the middle of its row."""
    barriers: Barriers | None = None

    @cached_property
    def prepared(self) -> Prepared:
        """The grid prepared for runs, once."""
        return Prepared(self.grid)

    @cached_property
    def least_s_per_m(self) -> float:
        """Seconds that a metre takes at least, along the geodesic between any two places.

        On a longitude/latitude grid every move is as long as the geodesic between its ends, and no
        chain of geodesics is shorter than the one between its ends. Lengths on a projected grid are
        scaled cell by cell and not exact: a hundredth is allowed for.
        """
        slack = 1e-4 if self.dem.is_lonlat else 1e-2
        return self.grid.least_per_metre() / self.longest * (1 - slack)

    def around(self, place: Place, radius_m: float) -> tuple[int, int, int, int]:
        """First and last (beyond) row and column of what is within a radius of a place."""
        rows, columns = self.grid.shape
        radius = (radius_m + place.radius_m) * _WIDER
        if self.grid.wraps or abs(place.lat) + radius / _LEAST_M_PER_DEGREE > _POLAR:
            return 0, rows, 0, columns
        turn = np.linspace(0, 360, 72)
        same = np.ones(turn.size)
        ends = GEOD.fwd(place.lon * same, place.lat * same, turn, radius * same)
        lon, lat = np.r_[place.lon, ends[0]], np.r_[place.lat, ends[1]]
        row, column = (np.asarray(v, dtype=np.float64) for v in self.dem.to_grid(lon, lat))
        if self.dem.is_lonlat:  # a longitude that the grid does not hold may come from its far side
            apart = (lon - place.lon + 180) % 360 - 180
            column = column[0] + apart / self.dem.transform.a
        if not (np.isfinite(row).all() and np.isfinite(column).all()):
            return 0, rows, 0, columns
        rim = self.grid.moves.reach + 1
        top, left = (max(0, int(np.floor(v.min())) - rim) for v in (row, column))
        bottom, right = (
            min(n, int(np.ceil(v.max())) + rim + 1) for v, n in ((row, rows), (column, columns))
        )
        return top, max(bottom, top), left, max(right, left)

    @cached_property
    def islands(self) -> NDArray[np.int32] | None:
        """Island of each cell, see `islands`, flat; None where nothing can be cut off."""
        if self.grid.arcs is not None or not self.grid.closed.any():
            return None
        return islands(self.grid.closed, wraps=self.grid.wraps).ravel()

    def centres(self, cells: IndexArray) -> tuple[FloatArray, FloatArray]:
        """WGS84 longitude and latitude of cell centres."""
        return self.dem.centres(*np.divmod(cells, self.grid.shape[1]))

    def cut_off(self, row: FloatArray, column: FloatArray, cells: IndexArray) -> NDArray[np.bool_]:
        """Whether a barrier is between a position and the centre of a cell near it.

        Rows and columns are fractional, 0 is the centre of the first cell; all of shape (n,).
        """
        if self.barriers is None:
            return np.zeros(cells.size, dtype=bool)
        there_row, there = np.divmod(cells, self.grid.shape[1])
        if self.grid.wraps:
            there = there - self.grid.shape[1] * np.rint((there - column) / self.grid.shape[1])
        ends = np.column_stack([there, there_row]).astype(np.float64)
        return self.barriers.cross(np.column_stack([column, row]), ends)

    def place(self, geometry: Any) -> Place:
        """Cells of a point or an area.

        A point lies somewhere in its cell: it is joined to the centres of its own and the eight
        surrounding cells by straight legs at the slope between them. An area (village land) is all
        cells whose centre it covers, so a walk starts or ends at the nearest of its cells; an area
        smaller than a cell counts as the point inside it.
        """
        if geometry is None or shapely.is_empty(geometry):
            return _nowhere(reason("position_unknown"))
        if shapely.get_dimensions(geometry) == 2:
            area = self._area(geometry)
            if area is not None:
                return area
            geometry = shapely.point_on_surface(geometry)
        return self._point(float(shapely.get_x(geometry)), float(shapely.get_y(geometry)))

    def _area(self, geometry: Any) -> Place | None:
        covered = covered_cells(self.dem, geometry)
        if not covered.size:
            return None
        cells = covered[~self.grid.closed.ravel()[covered]]
        if not cells.size:
            return _nowhere(reason("area_closed"))
        zero = np.zeros(cells.size)
        lon, lat = shapely.get_coordinates(geometry).T
        middle = shapely.centroid(geometry)
        x0, y0 = float(shapely.get_x(middle)), float(shapely.get_y(middle))
        radius = GEOD.inv(np.full(lon.size, x0), np.full(lon.size, y0), lon, lat)[2].max()
        return Place(cells, zero, zero, x0, y0, float(radius) * 1.001)

    def _point(self, lon: float, lat: float) -> Place:
        rows, columns = self.grid.shape
        row, column = self.dem.to_grid(lon, lat)
        r, c = float(row), float(column)
        on_friction = seconds_per_metre(self.dem.unit) is not None
        if not (-0.5 <= r <= rows - 0.5 and -0.5 <= c <= columns - 0.5):
            return _nowhere(reason("outside_friction" if on_friction else "outside_elevation"))
        own_r, own_c = (
            min(int(np.floor(r + 0.5)), rows - 1),
            min(int(np.floor(c + 0.5)), columns - 1),
        )
        own = own_r * columns + own_c
        if self.grid.closed[own_r, own_c]:
            unknown = np.isnan(self.dem.values[own_r, own_c])
            nothing = "no_friction_at_place" if on_friction else "no_elevation_at_place"
            return _nowhere(reason(nothing if unknown else "place_closed"))
        cells = np.r_[own, self.grid.neighbours_of(own)]
        if self.barriers is not None:
            cells = cells[~self.cut_off(np.full(cells.size, r), np.full(cells.size, c), cells)]
            if not cells.size:
                return _nowhere(reason("place_closed"))
        x, y = self.centres(cells)
        length = np.asarray(GEOD.inv(np.full(cells.size, lon), np.full(cells.size, lat), x, y)[2])
        if self.grid.height is None or self.grid.pace is None:
            raise InputError("walking needs an elevation grid", mend="Give a DEM in metres.")
        here = float(
            bilinear(self.grid.height, np.array([r]), np.array([c]), wraps=self.grid.wraps)[0]
        )
        rise = self.grid.height.ravel()[cells] - here
        slope = np.divide(rise, length, out=np.zeros_like(length), where=length > 0)
        share = 1.0
        if self.grid.multiplier is not None:
            flat = self.grid.multiplier.ravel()
            share = (flat[own] + flat[cells]) / 2
        leave, reach = (length * self.grid.pace(s) * share for s in (slope, -slope))
        if self.grid.added is not None:
            flat = self.grid.added.ravel()
            leave, reach = (way + length * (flat[own] + flat[cells]) / 2 for way in (leave, reach))
        return Place(cells, leave, reach, lon, lat)


def as_target(place: Place, *, toward: bool) -> Target:
    """Make the place the target of a run.

    `toward` is where the run computes the way from every cell to the source.
    """
    return Target(place.cells, place.leave if toward else place.reach)
