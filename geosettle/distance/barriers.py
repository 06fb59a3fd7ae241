"""Barriers: lines that no move crosses, and areas that cannot be entered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.cells import months_in
from geosettle.crs import lonlat
from geosettle.distance._solver.cost_grid import IndexArray, Moves
from geosettle.distance.draping import covered_cells
from geosettle.raster import Raster

_AT_ONCE: Final = 200_000
"""Moves that are compared with the lines at a time."""


def closed_barriers(barriers: gpd.GeoDataFrame, month: int = 0) -> gpd.GeoDataFrame:
    """Give the rows of barriers that are closed in a month; 0: those closed all year.

    Parameters
    ----------
    barriers
        Lines and areas; a column `closed` holds months, as in "11-4", see
        `geosettle.cells.months_in`. Without one, and where it is empty or cannot be read, a barrier
        is closed all year.
    month
        1 to 12, or 0.

    Examples
    --------
    >>> at = shapely.from_wkt(["LINESTRING (0 0, 1 1)"] * 3)
    >>> frame = gpd.GeoDataFrame({"closed": ["Nov-Apr", "6-8", None]}, geometry=at, crs=4326)
    >>> [closed_barriers(frame, month).index.tolist() for month in (1, 7, 0)]
    [[0, 2], [1, 2], [2]]
    """
    if "closed" not in barriers:
        return barriers
    wanted = {month} if month else set(range(1, 13))
    return barriers[[wanted <= (months_in(text) or wanted) for text in barriers["closed"]]]


@dataclass(frozen=True, eq=False)
class Barriers:
    """Barriers on a grid.

    Attributes
    ----------
    inside
        Flat indices of the cells whose centre is in an area.
    pieces
        Lines and outlines of areas in pieces of at most about a cell: column and row of both ends
        (0 = centre of the first cell), shape (n, 2, 2).
    """

    inside: IndexArray
    pieces: NDArray[np.float64]
    tree: shapely.STRtree

    def cross(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the straight line between two positions touches a barrier.

        Parameters
        ----------
        start, end
            Columns and rows, shape (n, 2).
        """
        out = np.zeros(len(start), dtype=bool)
        known = np.flatnonzero(np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1))
        for some in np.array_split(known, -(-known.size // _AT_ONCE) or 1):
            ways = shapely.linestrings(np.stack([start[some], end[some]], axis=1))
            out[some[self.tree.query(ways, predicate="intersects")[0]]] = True
        return out

    def cut(
        self, moves: Moves, shape: tuple[int, int], *, wraps: bool
    ) -> tuple[IndexArray, NDArray[np.uint32]]:
        """Cells, ascending, and of each the moves (bit k is move k) that a barrier crosses."""
        rows, columns = shape
        near = np.unique(np.rint(self.pieces.reshape(-1, 2)).astype(np.int64), axis=0)
        around = np.arange(-moves.reach - 1, moves.reach + 2)
        steps = np.stack(np.meshgrid(around, around), axis=-1).reshape(1, -1, 2)
        cells = np.unique((near[:, None] + steps).reshape(-1, 2), axis=0)
        cells = cells[(cells[:, 1] >= 0) & (cells[:, 1] < rows)]
        if not wraps:
            cells = cells[(cells[:, 0] >= 0) & (cells[:, 0] < columns)]
        bits = np.zeros(len(cells), dtype=np.uint32)
        for k, (dr, dc) in enumerate(zip(moves.row, moves.column, strict=True)):
            crossed = self.cross(cells.astype(np.float64), cells + np.array([dc, dr], dtype=float))
            bits |= crossed.astype(np.uint32) << np.uint32(k)
        flat = cells[:, 1] * columns + cells[:, 0] % columns
        order, inverse = np.unique(flat, return_inverse=True)
        out = np.zeros(order.size, dtype=np.uint32)
        np.bitwise_or.at(out, inverse.ravel(), bits)
        return order[out > 0], out[out > 0]


def barriers_on(raster: Raster, barriers: gpd.GeoDataFrame | None, month: int) -> Barriers | None:
    """Give the barriers that are closed in a month on a grid; None where there are none."""
    if barriers is None:
        return None
    shapes = shapely.get_parts(lonlat(closed_barriers(barriers, month)))
    areas = shapes[shapely.get_dimensions(shapes) == 2]
    lines = shapes[shapely.get_dimensions(shapes) == 1]
    lines = np.concatenate([lines, shapely.boundary(areas)])
    if not lines.size:
        return None
    inside = [covered_cells(raster, area) for area in areas]
    pieces = _pieces(raster, lines)
    copies = [pieces]
    if raster.goes_round:  # a place at one end of a row sees what is at the other
        turn = np.array([raster.shape[1], 0.0])
        copies += [pieces - turn, pieces + turn]
    tree = shapely.STRtree(shapely.linestrings(np.concatenate(copies)))
    return Barriers(np.unique(np.concatenate([*inside, np.zeros(0, np.int64)])), pieces, tree)


def _pieces(raster: Raster, lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Lines of longitude and latitude as straight pieces on a grid, those near it."""
    t, (rows, columns) = raster.transform, raster.shape
    cell = min(abs(t.a), abs(t.e))
    if not raster.is_lonlat:
        cell = float(min(np.median(size) for size in raster.cell_sizes_m())) / 111_195
    xy, line = shapely.get_coordinates(shapely.segmentize(lines, cell), return_index=True)
    row, column = raster.to_grid(xy[:, 0], xy[:, 1])
    at = np.column_stack([column, row])
    pieces = np.stack([at[:-1], at[1:]], axis=1)[line[1:] == line[:-1]]
    if raster.is_lonlat:  # the short way round the Earth
        turn = 360 / abs(t.a)
        pieces[:, 1, 0] -= turn * np.rint((pieces[:, 1, 0] - pieces[:, 0, 0]) / turn)
    near = np.isfinite(pieces).all(axis=(1, 2))
    near[near] &= (pieces[near].max(axis=1) > -4).all(axis=1) & (
        pieces[near].min(axis=1) < [columns + 3, rows + 3]
    ).all(axis=1)
    return np.asarray(pieces[near])
