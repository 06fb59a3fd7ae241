"""A grid of numbers with its place on Earth. NaN is missing; nothing here touches the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from affine import Affine

from geosettle.crs import WGS84, change, parse_crs, same_crs
from geosettle.errors import CrsError, InputError
from geosettle.geodesy import GEOD, cell_areas_m2
from geosettle.geodesy.plane_grids import PlaneGrid
from geosettle.xarrays import data_array, from_data_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import ArrayLike, NDArray


KINDS: Final = ("classes", "measurements", "counts")
"""What the values of a raster can be: classes are named, measurements averaged, counts summed."""
_ON_EDGE: Final = 1e-9
"""So near to an edge, in cells, a point is on it."""


_PACE: Final = re.compile(
    r"(?:(s|secs?|seconds?)|mins?|minutes?) ?(?:/|per) ?(?:m|met(?:re|er)s?)"
    r"|(?:(s)|min) m(?:-1|\^-1)"
)


def seconds_per_metre(unit: str) -> float | None:
    """How many s/m one of a unit of friction is; None for any other unit.

    Examples
    --------
    >>> seconds_per_metre("min/m"), seconds_per_metre("Seconds per metre"), seconds_per_metre("m")
    (60.0, 1.0, None)
    """
    found = _PACE.fullmatch(unit.strip().lower())
    return None if found is None else 1.0 if found[1] or found[2] else 60.0


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
    kind
        What the values are: "classes", "measurements" (a height, a share: averaged where cells are
        put together) or "counts" (persons in the cell: added up); "" where it is not known.
    product
        Short name of the product and version that it is.
    not_comparable
        Product to why a difference between the two is no change.

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
    kind: str = ""
    product: str = ""
    not_comparable: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would be misread later."""
        if self.values.ndim != 2 or not np.issubdtype(self.values.dtype, np.floating):
            raise InputError(
                "a raster needs a two-dimensional array of floating-point numbers",
                value=f"{self.values.dtype} {self.values.shape}",
                mend="Convert it with .astype(float) and give one band.",
            )
        if self.kind and self.kind not in KINDS:
            raise InputError(
                "there is no such kind of raster", value=self.kind, mend=f"Use {', '.join(KINDS)}."
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

    @cached_property
    def is_lonlat(self) -> bool:
        """Whether the grid is in longitude/latitude degrees, on WGS84 or another datum."""
        return self._is_wgs84 or parse_crs(self.crs).is_geographic

    @cached_property
    def _is_wgs84(self) -> bool:
        plain = self.crs.upper() in {"EPSG:4326", "EPSG:4490", "OGC:CRS84"}
        return plain or same_crs(parse_crs(self.crs), WGS84)

    @property
    def is_north_up(self) -> bool:
        """Whether rows run west to east and follow each other southwards."""
        t = self.transform
        return t.b == 0 and t.d == 0 and t.a > 0 and t.e < 0

    @property
    def goes_round(self) -> bool:
        """Whether a longitude/latitude grid goes around the Earth and ends where it begins."""
        turn = self.shape[1] * abs(self.transform.a)
        return self.is_lonlat and abs(turn - 360) < abs(self.transform.a) / 2

    @cached_property
    def plane(self) -> PlaneGrid:
        """Steps of a projected grid on the ground."""
        return PlaneGrid.of(self.transform, self.shape, self.crs)

    def cell_areas_m2(
        self, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.float64]:
        """Area on the ellipsoid of the cells of some rows and columns, m², shape (rows, columns).

        All cells of a row of a longitude/latitude grid have one area; then the shape is (rows, 1).
        """
        self._require_north_up()
        r, c = (
            np.arange(*part.indices(n), dtype=np.float64)
            for part, n in zip((rows, columns), self.shape, strict=True)
        )
        if not self.is_lonlat:
            return self.plane.areas_m2(r, c)
        return cell_areas_m2(self._row_edges(), self.transform.a)[rows][:, None]

    def _row_edges(self) -> NDArray[np.float64]:
        """Latitudes of the edges of the rows; an outer row may have a pole at its centre."""
        return np.clip(self.transform.f + self.transform.e * np.arange(self.shape[0] + 1), -90, 90)

    def cell_sizes_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Width and height in metres of the cells of each row, each shape (rows,).

        They are those in the middle of the row.
        """
        self._require_north_up()
        if not self.is_lonlat:
            at = np.arange(self.shape[0], dtype=np.float64), np.array([(self.shape[1] - 1) / 2])
            return self.plane.lengths_m(*at, 0, 1)[:, 0], self.plane.lengths_m(*at, 1, 0)[:, 0]
        edges = self._row_edges()
        middle = (edges[:-1] + edges[1:]) / 2
        zero, step = np.zeros_like(middle), np.full_like(middle, abs(self.transform.a))
        width = GEOD.inv(zero, middle, step, middle)[2]
        height = GEOD.inv(zero, edges[:-1], zero, edges[1:])[2]
        return np.asarray(width), np.asarray(height)

    def to_native(
        self, lon: ArrayLike, lat: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates of WGS84 points in the system of the grid."""
        x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        return (x, y) if self._is_wgs84 else change(WGS84, self.crs, x, y)

    def to_grid(
        self, lon: ArrayLike, lat: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional row and column of WGS84 points (0 = centre of the first cell).

        On a longitude/latitude grid a longitude is the same whether it counts from -180 or from 0:
        -179 and 181 are one place, wherever the grid begins.
        """
        x, y = self.to_native(lon, lat)
        if self.is_lonlat:
            west, _, east, _ = self.bounds
            with np.errstate(invalid="ignore"):
                other = ((x < west) | (x > east)) & (np.abs(x) <= 720)
                x = np.where(other, west + (x - west) % 360, x)
        t = self.transform
        column = np.asarray((x - t.c) / t.a - 0.5)
        if self.goes_round:  # the columns may miss 360 degrees by a rounding
            column = np.minimum(column, self.shape[1] - 0.5)
        return np.asarray((y - t.f) / t.e - 0.5), column

    def centres(
        self, row: ArrayLike, column: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """WGS84 longitude and latitude of (fractional) rows and columns, 0 = the first centre."""
        t = self.transform
        x = np.asarray(t.c + t.a * (np.asarray(column) + 0.5), dtype=np.float64)
        y = np.asarray(t.f + t.e * (np.asarray(row) + 0.5), dtype=np.float64)
        return (x, y) if self._is_wgs84 else change(self.crs, WGS84, x, y)

    def index(
        self, lon: ArrayLike, lat: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """Row and column of the cell holding each WGS84 point, and whether the point is inside.

        Outside gives (0, 0). A point on the outer east or south edge belongs to the last cell.
        """
        self._require_north_up()
        rows, columns = self.shape
        row, column = np.broadcast_arrays(*(v + 0.5 for v in self.to_grid(lon, lat)))
        with np.errstate(invalid="ignore"):
            # so that the grid's own corners, in any rounding, are inside it
            row, column = (
                np.where(np.abs(np.round(v) - v) < _ON_EDGE, np.round(v), v) for v in (row, column)
            )
            inside = (row >= 0) & (row <= rows) & (column >= 0) & (column <= columns)
        r, c = (np.where(inside, v, 0).astype(np.intp) for v in (row, column))
        return np.minimum(r, rows - 1), np.minimum(c, columns - 1), inside

    def sample(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Value of the cell holding each WGS84 point, whatever the system of the grid.

        NaN outside the grid, for a missing coordinate or a missing cell.
        """
        row, column, inside = self.index(lon, lat)
        return np.where(inside, self.values[row, column], np.nan).astype(np.float64)

    def slope(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Slope of the ground at each WGS84 point, degrees, of a raster of heights in metres.

        From the eight cells around the cell of the point (Horn 1981); NaN where one is missing.
        """
        row, column, inside = self.index(lon, lat)
        width, height = self.cell_sizes_m()
        rows, columns = self.shape
        inside &= (row > 0) & (row < rows - 1) & (column > 0) & (column < columns - 1)
        row, column = np.clip(row, 1, max(rows - 2, 1)), np.clip(column, 1, max(columns - 2, 1))
        if not inside.any():
            return np.full(np.shape(row), np.nan)
        around = {
            (r, c): self.values[row + r, column + c].astype(np.float64)
            for r in (-1, 0, 1)
            for c in (-1, 0, 1)
        }
        east, south = (
            sum(w * (around[a] - around[b]) for w, a, b in pairs) / 8
            for pairs in (
                [(2 - abs(k), (k, 1), (k, -1)) for k in (-1, 0, 1)],
                [(2 - abs(k), (1, k), (-1, k)) for k in (-1, 0, 1)],
            )
        )
        steep = np.hypot(east / width[row], south / height[row])
        return np.where(inside, np.degrees(np.arctan(steep)), np.nan)

    def outline(self, pieces: int = 24) -> NDArray[np.float64]:
        """Longitudes and latitudes around the outer edge, shape (4 pieces, 2), clockwise.

        Longitudes run on beyond 180.
        """
        rows, columns = self.shape
        s = np.arange(pieces) / pieces
        side = np.concatenate([s, np.ones(pieces), 1 - s, np.zeros(pieces)])
        lon, lat = self.centres(np.roll(side, pieces) * rows - 0.5, side * columns - 0.5)
        return np.column_stack([lon if self.is_lonlat else np.unwrap(lon, period=360), lat])

    @property
    def lonlat_bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the outer edge in degrees; east may be beyond 180."""
        edge = self.outline()
        low, high = edge.min(axis=0), edge.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def window(self, rows: slice, columns: slice) -> Raster:
        """Part of the grid, on the same cells."""
        top, left = (
            part.indices(n)[0] for part, n in zip((rows, columns), self.shape, strict=True)
        )
        return replace(
            self,
            values=self.values[rows, columns],
            transform=self.transform @ Affine.translation(left, top),
        )

    def coarsened(self, factor: int) -> Raster:
        """Give the same ground in cells `factor` times as wide and high.

        Each is the mean of the known cells in it; of counts their sum, of classes the commonest (of
        several the lowest).

        Rows and columns that do not fill a coarse cell are left off at the south and east.

        Examples
        --------
        >>> fine = Raster(np.array([[1.0, 3.0], [np.nan, 2.0]]), Affine(1, 0, 0, 0, -1, 2))
        >>> fine.coarsened(2).values
        array([[2.]])
        >>> replace(fine, kind="counts").coarsened(2).values
        array([[6.]])
        """
        rows, columns = (n // factor for n in self.shape)
        blocks = self.values[: rows * factor, : columns * factor].reshape(
            rows, factor, columns, factor
        )
        if self.kind == "classes":
            made = _commonest(blocks.swapaxes(1, 2).reshape(rows, columns, -1))
        else:
            known = np.isfinite(blocks)
            made, count = np.where(known, blocks, 0).sum(axis=(1, 3)), known.sum(axis=(1, 3))
            if self.kind != "counts":
                made = made / np.maximum(count, 1)
            made = np.where(count > 0, made, np.nan)
        return replace(
            self,
            values=made.astype(self.values.dtype),
            transform=self.transform @ Affine.scale(factor),
        )

    def to_xarray(self) -> xr.DataArray:
        """Return the raster as a DataArray that rioxarray understands.

        The package xarray is needed: ``pip install "geosettle[xarray]"``.

        Returns
        -------
        DataArray, dimensions (y, x)
            Coordinates are cell centres in the raster's own system; `spatial_ref` holds the system
            and the transform (CF grid mapping); missing is NaN. Attributes: `units`, `source`,
            `kind`, `product`; of classes `flag_values` and `flag_meanings` (CF). The values are not
            copied.

        Raises
        ------
        InputError
            xarray is not installed, or the raster is rotated.

        Examples
        --------
        >>> heights = Raster(np.array([[1.0, 2.0]]), Affine(0.5, 0, 76, 0, -0.5, 40), unit="m")
        >>> heights.to_xarray().x.values
        array([76.25, 76.75])
        """
        meanings = [name.replace(" ", "_") for name in self.classes.values()]
        about = {
            "units": self.unit,
            "source": self.source,
            "kind": self.kind,
            "product": self.product,
            "flag_values": list(self.classes),
            "flag_meanings": " ".join(meanings),
        }
        return data_array(self.values, self.transform, self.crs, about)

    @staticmethod
    def from_xarray(array: xr.DataArray) -> Raster:
        """Return the raster that a DataArray holds.

        Parameters
        ----------
        array
            As rioxarray, xarray or `to_xarray` make them: dimensions (y, x), (lat, lon) or
            (latitude, longitude), others of length 1 only; evenly spaced, in any direction. The
            system is that of its grid mapping. `_FillValue` and `missing_value` become NaN; a
            `scale_factor` and an `add_offset` among the attributes are applied.

        Returns
        -------
        Raster
            North-up.

        Raises
        ------
        InputError
            It has several bands, other dimensions, or is not evenly spaced.
        CrsError
            It states no coordinate reference system.

        Examples
        --------
        >>> heights = Raster(np.array([[1.0, 2.0]]), Affine(0.5, 0, 76, 0, -0.5, 40), unit="m")
        >>> Raster.from_xarray(heights.to_xarray()).bounds
        (76.0, 39.5, 77.0, 40.0)
        """
        values, transform, crs = from_data_array(array)
        about = array.attrs
        meanings = [name.replace("_", " ") for name in str(about.get("flag_meanings", "")).split()]
        numbers = np.atleast_1d(about.get("flag_values", [])).tolist()
        return Raster(
            values, transform, crs, str(about.get("units", "")),
            {int(number): name for number, name in zip(numbers, meanings, strict=False)},
            source=str(about.get("source", "")), kind=str(about.get("kind", "")),
            product=str(about.get("product", "")),
        )  # fmt: skip

    def _require_north_up(self) -> None:
        if not self.is_north_up:
            raise CrsError(
                "this needs a north-up grid",
                value=self.source or self.crs,
                mend="Warp it to a north-up grid first: gdalwarp FILE NEW.",
            )


def _commonest(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Commonest known value along the last axis, the lowest of several; NaN where there is none."""
    best, most = np.full(values.shape[:-1], np.nan), np.zeros(values.shape[:-1], dtype=np.intp)
    for value in np.unique(values[np.isfinite(values)]):
        count = (values == value).sum(axis=-1)
        best, most = np.where(count > most, value, best), np.maximum(most, count)
    return best


def same_grid(a: Raster, b: Raster) -> bool:
    """Whether two rasters have the same cells.

    Examples
    --------
    >>> a = Raster(np.zeros((2, 2)), Affine(1, 0, 0, 0, -1, 2))
    >>> same_grid(a, a), same_grid(a, Raster(np.zeros((4, 4)), Affine(0.5, 0, 0, 0, -0.5, 2)))
    (True, False)
    """
    return (
        a.shape == b.shape
        and a.transform.almost_equals(b.transform, abs(a.transform.a) * 1e-6)
        and same_system(a, b)
    )


def same_system(a: Raster, b: Raster) -> bool:
    """Whether two rasters are in one coordinate reference system."""
    return a.crs == b.crs or same_crs(parse_crs(a.crs), b.crs)


def resample_nearest(
    raster: Raster, grid: Raster, rows: slice = slice(None)
) -> NDArray[np.float64]:
    """Value at the centre of each cell of (some rows of) a grid; classes cannot be averaged.

    Examples
    --------
    >>> coarse = Raster(np.array([[1.0, 2.0]]), Affine(2, 0, 0, 0, -2, 2))
    >>> resample_nearest(coarse, Raster(np.zeros((1, 4)), Affine(1, 0, 0, 0, -1, 2)))
    array([[1., 1., 2., 2.]])
    """
    if same_grid(raster, grid):
        return raster.values[rows].astype(np.float64)
    row, column = (
        np.arange(*rows.indices(grid.shape[0]))[:, None],
        np.arange(grid.shape[1])[None, :],
    )
    return raster.sample(*grid.centres(*np.broadcast_arrays(row, column)))


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
    middle = [raster_.cell_sizes_m()[1][raster_.shape[0] // 2] for raster_ in (raster, grid)]
    if middle[0] >= middle[1] * 0.999:
        return resample_nearest(raster, grid)
    rows, columns = grid.shape
    total, count = np.zeros(rows * columns), np.zeros(rows * columns)
    for top in range(0, raster.shape[0], 256):
        values = raster.values[top : top + 256].astype(np.float64)
        at = np.indices(values.shape)
        row, column, inside = grid.index(*raster.centres(at[0] + top, at[1]))
        good = inside & np.isfinite(values)
        cell = row[good] * columns + column[good]
        total += np.bincount(cell, weights=values[good], minlength=rows * columns)
        count += np.bincount(cell, minlength=rows * columns)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.asarray(mean.reshape(rows, columns))
