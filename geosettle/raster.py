"""A grid of numbers with its place on Earth. NaN is missing; nothing here touches the disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from geosettle.errors import CrsError, InputError
from geosettle.geodesy import GEOD, cell_areas_m2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Raster:
    """Values on a regular grid.

    Parameters
    ----------
    values
        Shape (rows, columns), floating point; NaN is missing. Classes are whole numbers stored as
        floats.
    transform
        Affine map from (column, row) of cell corners to coordinates, north-up or not.
    crs
        Coordinate reference system, any form pyproj reads.
    unit
        Unit of the values ("m", "class", "1" ...).
    classes
        For a class raster: class value to name.
    source
        Where it comes from, for captions.

    Raises
    ------
    InputError
        The values are not a two-dimensional floating-point array.

    Examples
    --------
    >>> r = Raster(np.array([[1.0, 2.0]]), Affine(0.5, 0, 76, 0, -0.5, 40))
    >>> r.bounds
    (76.0, 39.5, 77.0, 40.0)
    >>> r.sample([76.1, 76.9, 99], [39.9, 39.6, 0])
    array([ 1.,  2., nan])
    """

    values: NDArray[np.floating]
    transform: Affine
    crs: str = "EPSG:4326"
    unit: str = ""
    classes: Mapping[int, str] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what would be misread later."""
        if self.values.ndim != 2 or not np.issubdtype(self.values.dtype, np.floating):
            raise InputError(
                "a raster needs a two-dimensional array of floating-point numbers",
                value=f"{self.values.dtype} {self.values.shape}",
                mend="Convert it with .astype(float) and give one band.",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.values.shape
        return rows, columns

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the outer cell edges, or of the corners if rotated.

        For a rotated raster it is the envelope of the corners.
        """
        rows, columns = self.shape
        corners = [
            self.transform @ corner for corner in ((0, 0), (columns, 0), (0, rows), (columns, rows))
        ]
        xs, ys = zip(*corners, strict=True)
        return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))

    @property
    def is_lonlat(self) -> bool:
        """Whether the grid is in longitude/latitude degrees."""
        from pyproj import CRS  # noqa: PLC0415  (pyproj's CRS machinery is slow to load; most callers know the answer)

        return self.crs.upper() in {"EPSG:4326", "OGC:CRS84"} or CRS(self.crs).is_geographic

    @property
    def is_north_up(self) -> bool:
        """Whether rows run west to east and follow each other southwards."""
        t = self.transform
        return t.b == 0 and t.d == 0 and t.a > 0 and t.e < 0

    def row_latitudes(self) -> NDArray[np.float64]:
        """Latitudes of the row edges of a north-up longitude/latitude grid, shape (rows + 1,)."""
        self._require_lonlat()
        return np.asarray(
            self.transform.f + self.transform.e * np.arange(self.shape[0] + 1), dtype=np.float64
        )

    def cell_areas_m2(self) -> NDArray[np.float64]:
        """Geodesic area of one cell of each row of a longitude/latitude grid, shape (rows,), m²."""
        return cell_areas_m2(self.row_latitudes(), self.transform.a)

    def cell_sizes_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Width and height in metres of the cells of each row, each shape (rows,).

        The grid is one of longitude/latitude.
        """
        edges = self.row_latitudes()
        middle = (edges[:-1] + edges[1:]) / 2
        zero, step = np.zeros_like(middle), np.full_like(middle, abs(self.transform.a))
        width = GEOD.inv(zero, middle, step, middle)[2]
        height = GEOD.inv(zero, edges[:-1], zero, edges[1:])[2]
        return np.asarray(width), np.asarray(height)

    def index(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """Row and column of the cell holding each point, and whether the point is inside.

        Outside gives (0, 0).

        On a longitude/latitude grid a longitude is the same whether it counts from -180 or from 0,
        so that a grid from 178 to 182 holds the point at -179.
        """
        inverse = ~self.transform
        xs, ys = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        west, _, east, _ = self.bounds
        if self.is_lonlat:
            with np.errstate(invalid="ignore"):
                beyond = ((xs < west) | (xs > east)) & (np.abs(xs) <= 360)
                turned = west + (xs - west) % 360
            xs = np.where(beyond & (turned <= east), turned, xs)
        column = np.floor(inverse.a * xs + inverse.b * ys + inverse.c)
        row = np.floor(inverse.d * xs + inverse.e * ys + inverse.f)
        rows, columns = self.shape
        # A point on the outer east or south edge belongs to the last cell, so that the grid's own
        # bounds are inside it.
        column = np.where(np.isclose(column, columns) & (xs <= self.bounds[2]), columns - 1, column)
        row = np.where(np.isclose(row, rows) & (ys >= self.bounds[1]), rows - 1, row)
        with np.errstate(invalid="ignore"):
            inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        return (
            np.where(inside, row, 0).astype(np.intp),
            np.where(inside, column, 0).astype(np.intp),
            inside,
        )

    def sample(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Value of the cell holding each point.

        NaN outside the grid, for a missing coordinate or a missing cell.
        """
        row, column, inside = self.index(x, y)
        return np.where(inside, self.values[row, column], np.nan).astype(np.float64)

    def coarsened(self, factor: int) -> Raster:
        """Give the same ground in cells `factor` times as wide and high.

        Each is the mean of the known cells in it.

        Rows and columns that do not fill a coarse cell are left off at the south and east.

        Examples
        --------
        >>> fine = Raster(np.array([[1.0, 3.0], [np.nan, 2.0]]), Affine(1, 0, 0, 0, -1, 2))
        >>> fine.coarsened(2).values
        array([[2.]])
        """
        rows, columns = (n // factor for n in self.shape)
        blocks = self.values[: rows * factor, : columns * factor].reshape(
            rows, factor, columns, factor
        )
        known = np.isfinite(blocks)
        total, count = np.where(known, blocks, 0).sum(axis=(1, 3)), known.sum(axis=(1, 3))
        mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0).astype(
            self.values.dtype
        )
        return replace(self, values=mean, transform=self.transform @ Affine.scale(factor))

    def _require_lonlat(self) -> None:
        if not (self.is_lonlat and self.is_north_up):
            raise CrsError(
                "this needs a north-up grid in longitude/latitude",
                value=self.crs,
                mend="Read it with geosettle.read_layer, which brings rasters to EPSG:4326.",
            )


def same_grid(a: Raster, b: Raster) -> bool:
    """Whether two rasters have the same cells.

    Examples
    --------
    >>> a = Raster(np.zeros((2, 2)), Affine(1, 0, 0, 0, -1, 2))
    >>> same_grid(a, a), same_grid(a, Raster(np.zeros((4, 4)), Affine(0.5, 0, 0, 0, -0.5, 2)))
    (True, False)
    """
    return a.shape == b.shape and a.transform.almost_equals(b.transform, abs(a.transform.a) * 1e-6)


def resample_nearest(raster: Raster, grid: Raster) -> NDArray[np.float64]:
    """Value at the centre of each cell of a grid; classes cannot be averaged.

    Examples
    --------
    >>> coarse = Raster(np.array([[1.0, 2.0]]), Affine(2, 0, 0, 0, -2, 2))
    >>> resample_nearest(coarse, Raster(np.zeros((1, 4)), Affine(1, 0, 0, 0, -1, 2)))
    array([[1., 1., 2., 2.]])
    """
    rows, columns = grid.shape
    xs = grid.transform.c + grid.transform.a * (np.arange(columns) + 0.5)
    ys = grid.transform.f + grid.transform.e * (np.arange(rows) + 0.5)
    return raster.sample(*np.meshgrid(xs, ys))


def resample_mean(raster: Raster, grid: Raster) -> NDArray[np.float64]:
    """Mean of the cells whose centres fall into each cell of a grid.

    Of a raster no finer than the grid, it is the nearest cell.

    Missing cells are left out of the mean; a cell with none but missing ones is missing.

    Examples
    --------
    >>> fine = Raster(np.array([[1.0, 3.0, np.nan, 5.0]]), Affine(1, 0, 0, 0, -1, 1))
    >>> resample_mean(fine, Raster(np.zeros((1, 2)), Affine(2, 0, 0, 0, -2, 1.5)))
    array([[2., 5.]])
    """
    if abs(raster.transform.a) >= abs(grid.transform.a) * 0.999:
        return resample_nearest(raster, grid)
    rows, columns = grid.shape
    fine_rows, fine_columns = raster.shape
    xs = raster.transform.c + raster.transform.a * (np.arange(fine_columns) + 0.5)
    ys = raster.transform.f + raster.transform.e * (np.arange(fine_rows) + 0.5)
    column = np.floor((xs - grid.transform.c) / grid.transform.a).astype(np.intp)
    row = np.floor((ys - grid.transform.f) / grid.transform.e).astype(np.intp)
    in_row, in_column = (row >= 0) & (row < rows), (column >= 0) & (column < columns)
    values = raster.values[np.ix_(in_row, in_column)].astype(np.float64).ravel()
    cell = (row[in_row][:, None] * columns + column[in_column][None, :]).ravel()
    good = np.isfinite(values)
    total = np.bincount(cell[good], weights=values[good], minlength=rows * columns)
    count = np.bincount(cell[good], minlength=rows * columns)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan).reshape(rows, columns))
