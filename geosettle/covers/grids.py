"""Rasters on one grid: nearest cell for classes, mean for measurements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geosettle.raster import Raster

__all__ = ["mean_onto", "nearest_onto", "same_grid"]

FloatArray = NDArray[np.float64]


def same_grid(a: Raster, b: Raster) -> bool:
    """Whether two rasters have the same cells.

    Examples
    --------
    >>> from affine import Affine
    >>> a = Raster(np.zeros((2, 2)), Affine(1, 0, 0, 0, -1, 2))
    >>> same_grid(a, a), same_grid(a, Raster(np.zeros((4, 4)), Affine(0.5, 0, 0, 0, -0.5, 2)))
    (True, False)
    """
    return a.shape == b.shape and a.transform.almost_equals(b.transform, abs(a.transform.a) * 1e-6)


def nearest_onto(raster: Raster, grid: Raster) -> FloatArray:
    """Value at the centre of each cell of a grid; classes cannot be averaged.

    Examples
    --------
    >>> from affine import Affine
    >>> coarse = Raster(np.array([[1.0, 2.0]]), Affine(2, 0, 0, 0, -2, 2))
    >>> nearest_onto(coarse, Raster(np.zeros((1, 4)), Affine(1, 0, 0, 0, -1, 2)))
    array([[1., 1., 2., 2.]])
    """
    rows, columns = grid.shape
    xs = grid.transform.c + grid.transform.a * (np.arange(columns) + 0.5)
    ys = grid.transform.f + grid.transform.e * (np.arange(rows) + 0.5)
    return raster.sample(*np.meshgrid(xs, ys))


def mean_onto(raster: Raster, grid: Raster) -> FloatArray:
    """Mean of the cells whose centres fall into each cell of a grid; of a raster no finer than
    that, the nearest cell.

    Missing cells are left out of the mean; a cell with none but missing ones is missing.

    Examples
    --------
    >>> from affine import Affine
    >>> fine = Raster(np.array([[1.0, 3.0, np.nan, 5.0]]), Affine(1, 0, 0, 0, -1, 1))
    >>> mean_onto(fine, Raster(np.zeros((1, 2)), Affine(2, 0, 0, 0, -2, 1.5)))
    array([[2., 5.]])
    """
    if abs(raster.transform.a) >= abs(grid.transform.a) * 0.999:
        return nearest_onto(raster, grid)
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
