"""Areas of a class raster in zones, and statistics of one of measurements or counts.

Cells that a zone covers partly count with the part of their ground that it covers; every cell has
its area on the ellipsoid. A grid stays as it is: the zones are brought to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import RasterSource
from numpy.typing import NDArray
from pyproj import CRS

from geosettle.cells import text_array
from geosettle.covers.zones import Zones, polygons_of
from geosettle.crs import turned, within_180
from geosettle.errors import InputError
from geosettle.geodesy import area_m2, authalic_q
from geosettle.problems import Problems, note
from geosettle.raster import Raster
from geosettle.reasons import reason, rendered

_NODATA: Final = -2_147_483_648
_BLOCK: Final = 2_000
_BULGE: Final = 1e-6
"""So far, in cells, the ground of a row may be from the plane before it is drawn by its ground."""
_EARTH_M: Final = 6_371_000.0
_WGS84: Final = CRS("EPSG:4326").to_wkt()
FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Plane:
    """The plane in which zones are laid on the cells of a raster.

    It is that of the raster itself, but for coarse cells in longitude/latitude: the part of such a
    cell in the plane is not the part of its ground (at 60 degrees and with cells of 1 degree they
    differ by 1.3 %). There the ordinate is the number of the row, and within the row the share of
    its ground, so that both are the same.

    Attributes
    ----------
    raster
        The grid.
    pieces
        Into how many pieces an edge as long as a cell is high is cut, 0: the plane is the grid's.
    outline
        Outer edge of the grid in longitude/latitude.
    """

    raster: Raster
    pieces: int
    outline: shapely.Geometry

    @classmethod
    def of(cls, raster: Raster) -> _Plane:
        if not raster.is_north_up:
            raster.cell_areas_m2()  # says so
        if not raster.is_lonlat:
            return cls(raster, 0, within_180(np.array([shapely.Polygon(raster.outline(200))]))[0])
        west, south, east, north = raster.bounds
        steepest = np.tan(np.radians(min(max(abs(south), abs(north)), 89.0)))
        bulge = steepest * np.radians(abs(raster.transform.e)) / 8
        pieces = int(np.ceil(np.sqrt(bulge / _BULGE))) if bulge > _BULGE else 0
        return cls(raster, pieces, shapely.box(west, south, east, north))

    def geometry(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Zones, in longitude/latitude and inside the outline, in this plane."""
        raster = self.raster
        height = abs(raster.transform.e)
        if raster.is_lonlat:
            dense = shapely.segmentize(shapes, height / self.pieces) if self.pieces else shapes
        else:  # an edge of this length bends by a thousandth of a cell
            metres = float(raster.cell_sizes_m()[1].min())
            dense = shapely.segmentize(shapes, np.sqrt(metres * _EARTH_M * 8e-3) / 111_320)
        if raster.is_lonlat and not self.pieces:
            return dense
        return np.asarray(shapely.transform(dense, self._place), dtype=object)

    def _place(self, coordinates: FloatArray) -> FloatArray:
        x, y = self.raster.to_native(*coordinates.T)
        if self.pieces:
            t, rows = self.raster.transform, self.raster.shape[0]
            row = np.clip(np.floor((y - t.f) / t.e), 0, rows - 1)
            top, bottom, at = (
                authalic_q(np.clip(v, -90, 90)) for v in (t.f + t.e * row, t.f + t.e * (row + 1), y)
            )
            y = -(row + (at - top) / (bottom - top))
        return np.column_stack([x, y])


class _Grid(RasterSource):  # type: ignore[misc]
    """Grid in memory that exactextract reads window by window, converted only then."""

    def __init__(self, plane: _Plane, window: Callable[[slice, slice], NDArray[Any]]) -> None:
        super().__init__()
        self._plane = plane
        self._window = window

    def res(self) -> tuple[float, float]:
        t = self._plane.raster.transform
        return float(t.a), 1.0 if self._plane.pieces else float(-t.e)

    def extent(self) -> tuple[float, float, float, float]:
        west, south, east, north = self._plane.raster.bounds
        rows = self._plane.raster.shape[0]
        return (west, -float(rows), east, 0.0) if self._plane.pieces else (west, south, east, north)

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> NDArray[Any]:
        return self._window(slice(y0, y0 + ny), slice(x0, x0 + nx))

    def srs_wkt(self) -> str:
        return _WGS84

    def nodata_value(self) -> None:
        return None


class _Shape(Feature):  # type: ignore[misc]
    """One zone as exactextract takes it."""

    def __init__(self, zone: int, wkb: bytes) -> None:
        super().__init__()
        self._zone = zone
        self._wkb = wkb

    def geometry(self) -> bytes:
        return self._wkb

    def get(self, name: str) -> int:
        del name
        return self._zone

    def fields(self) -> list[str]:
        return ["zone"]


class _Shapes(FeatureSource):  # type: ignore[misc]
    """Zones as binary geometry for exactextract.

    As text, which exactextract makes of a frame, they take longer than their cells.
    """

    def __init__(self, zones: NDArray[np.intp], geometry: NDArray[np.object_]) -> None:
        super().__init__()
        self._zones = zones.tolist()
        self._geometry = shapely.to_wkb(geometry)

    def count(self) -> int:
        return len(self._zones)

    def __iter__(self) -> Iterator[_Shape]:
        return map(_Shape, self._zones, self._geometry)

    def srs_wkt(self) -> str:
        return _WGS84


def _classes(plane: _Plane) -> _Grid:
    """Class of every cell; missing cells are a class of their own."""
    raster = plane.raster

    def window(rows: slice, columns: slice) -> NDArray[np.int32]:
        values = raster.values[rows, columns]  # noqa: PD011, RUF100
        with np.errstate(invalid="ignore"):
            plain = values.astype(np.int32)
        if np.array_equal(plain, values):
            return plain
        whole = np.where(np.isfinite(values), values, _NODATA).astype(np.int32)
        if np.any(np.isfinite(values) & (whole != values)):
            raise InputError(
                "the raster holds fractions, not classes",
                value=raster.source or None,
                mend="Use zonal_statistics for such a raster.",
            )
        return whole

    return _Grid(plane, window)


def holds_classes(raster: Raster) -> bool:
    """Whether the values of a raster are classes: as it says, else where all are whole numbers.

    Examples
    --------
    >>> from affine import Affine
    >>> holds_classes(Raster(np.array([[1.0, np.nan]]), Affine.identity()))
    True
    >>> holds_classes(Raster(np.array([[1.5, np.nan]]), Affine.identity()))
    False
    >>> holds_classes(Raster(np.array([[3.0, 4.0]]), Affine.identity(), kind="counts"))
    False
    """
    if raster.kind or raster.classes:
        return raster.kind in {"", "classes"}
    if raster.unit not in {"", "class"}:
        return False
    rows = (raster.values[i : i + 256] for i in range(0, raster.shape[0], 256))  # noqa: PD011, RUF100
    return all(bool(np.all(np.isnan(v) | (v == np.round(v)))) for v in rows)


def _values(plane: _Plane, *, present: bool = False) -> _Grid:
    """Value of every cell, NaN where missing; or 1 where there is one and 0 where it is missing."""

    def window(rows: slice, columns: slice) -> FloatArray:
        part = plane.raster.values[rows, columns]  # noqa: PD011, RUF100
        return np.ascontiguousarray(np.isfinite(part) if present else part, np.float64)

    return _Grid(plane, window)


def _cell_areas(plane: _Plane) -> _Grid:
    """Area of every cell on the ellipsoid, m², worked out only over the window read."""

    def window(rows: slice, columns: slice) -> FloatArray:
        part = plane.raster.cell_areas_m2(rows, columns)
        shape = rows.stop - rows.start, columns.stop - columns.start
        return np.ascontiguousarray(np.broadcast_to(part, shape))

    return _Grid(plane, window)


def _extract(
    zones: Zones, plane: _Plane, values: _Grid, ops: Sequence[str], progress: Progress | None
) -> tuple[NDArray[np.intp], FloatArray, list[pd.DataFrame]]:
    """Zones with an area, their square metres inside the raster, and exactextract's answers.

    The answers come in blocks of zones.
    """
    usable = np.flatnonzero(np.nan_to_num(zones.area_m2) > 0)
    inside = np.zeros(usable.size)
    areas = _cell_areas(plane)
    parts = []
    outline = plane.outline
    shapely.prepare(outline)
    # A grid across the antimeridian goes on beyond 180 degrees; so must the zones.
    west, _, east, _ = outline.bounds
    for start in range(0, usable.size, _BLOCK):
        rows = usable[start : start + _BLOCK]
        shapes = zones.geometry[rows]
        if west < -180 or east > 180:
            shapes = turned(shapes, west, east)
        cut = ~(shapely.covered_by(shapes, outline) & (shapes == zones.geometry[rows]))
        shapes = shapes.copy()
        shapes[cut] = [polygons_of(g) for g in shapely.intersection(shapes[cut], outline)]
        area = zones.area_m2[rows].copy()
        area[cut] = area_m2(shapes[cut])
        inside[start : start + _BLOCK] = area
        some = area > 0
        if some.any():
            source = _Shapes(rows[some], plane.geometry(shapes[some]))
            parts.append(
                exact_extract(
                    values, source, list(ops), weights=areas, include_cols="zone", output="pandas"
                )
            )
        if progress is not None:
            progress(min(start + _BLOCK, usable.size), usable.size)
    return usable, inside, parts


@rendered
def class_areas(
    zones: Zones,
    raster: Raster,
    year: int | None,
    problems: Problems | None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Square metres by zone (position) and class, in blocks of zones.

    Parameters
    ----------
    zones
        The zones.
    raster
        Class raster, north up, in any system.
    year
        Year of the raster.
    problems, progress
        As for `overlay_areas`.

    Returns
    -------
    DataFrame
        `zone, class, year, m2, overlap_m2, why`; the rows of a zone sum to its geodesic area.
    """
    plane = _Plane.of(raster)
    usable, inside, parts = _extract(
        zones, plane, _classes(plane), ("unique", "weighted_frac"), progress
    )
    found = (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["zone", "unique", "weighted_frac"])
    )
    count = np.array([len(u) for u in found["unique"]], dtype=np.intp)
    zone = np.repeat(found["zone"].to_numpy(np.intp), count)
    area = np.zeros(len(zones))
    area[usable] = inside
    value = np.concatenate([np.zeros(0), *found["unique"]]).astype(np.int64)
    share = np.concatenate([np.zeros(0), *found["weighted_frac"]]).astype(np.float64)
    # The parts of cells miss the zone's own area by some 1e-6: they share it out.
    long = pd.DataFrame({"zone": zone, "value": value, "m2": share * area[zone]})
    long["class"] = _names(long["value"], raster.classes)
    long = long.groupby(["zone", "class"], sort=True)[["m2"]].sum().reset_index()
    long["why"] = ""
    whole = zones.area_m2[usable]
    outside = np.where(inside < whole * (1 - 1e-9), whole - inside, 0.0)
    short = outside > 0
    rest = pd.DataFrame({"zone": usable[short], "class": "(outside)", "m2": outside[short]})
    rest["why"] = reason("raster_not_here")
    name = _called(raster, year)
    for row, share_out in zip(usable[short], outside[short] / whole[short], strict=True):
        message = f"{name} leaves out {100 * share_out:.1f} % of zone {zones.ids[row]}."
        note(problems, "raster_covers_partly", message, id=str(zones.ids[row]))
    empty = np.flatnonzero(zones.area_m2 == 0)
    none = pd.DataFrame({"zone": empty, "class": "(outside)", "m2": 0.0, "why": ""})
    out = pd.concat([f for f in (long, rest, none) if len(f)] or [long], ignore_index=True)
    return out.assign(year=float(year) if year else np.nan, overlap_m2=0.0)


def _called(raster: Raster, year: int | None) -> str:
    """Name a raster in a message."""
    label = raster.source or year
    return f"The raster {label}" if label else "The raster"


def _names(values: pd.Series, classes: Mapping[int, str]) -> pd.Series:
    """Names of class values; the value itself where there is no class table."""
    table = {int(v): str(name) for v, name in classes.items()}
    names = {v: table.get(int(v), "(unclassified)" if table else str(v)) for v in values.unique()}
    names[_NODATA] = "(no data)"
    return values.map(names).astype(object)


@rendered
def zonal_statistics(
    zones: gpd.GeoDataFrame | Raster,
    rasters: Raster | Mapping[int, Raster],
    *,
    radii_km: Sequence[float] | None = None,
    quantiles: Sequence[float] = (0.1, 0.9),
    problems: Problems | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Statistics of a raster of measurements (elevation, NDVI) or counts (persons) in zones.

    Parameters
    ----------
    zones, radii_km, problems, progress
        As for `overlay_areas`.
    rasters
        A raster, or year to raster. One of kind "counts" is added up, never averaged.
    quantiles
        Shares between 0 and 1, each of which gives a column: `q10` for 0.1.

    Returns
    -------
    DataFrame
        `zone_id, radius_km, year`; of measurements `mean, median, minimum, maximum, variance,
        majority, sum` and the quantiles; of counts `sum, minimum, maximum`; `area_ha` (with a
        value), `no_data_ha, outside_ha, why`.

    Notes
    -----
    Mean and variance are weighted by the ground of each cell in the zone; median, quantiles,
    majority and sum by the share of each cell in it.

    Examples
    --------
    >>> from affine import Affine
    >>> green = Raster(np.array([[0.2, 0.6], [np.nan, 0.6]]), Affine(1, 0, 0, 0, -1, 1))
    >>> zone = gpd.GeoDataFrame(index=["z"], geometry=[shapely.box(0, -1, 2, 1)], crs="EPSG:4326")
    >>> zonal_statistics(zone, green)[["mean", "minimum", "maximum"]].round(3).to_numpy().tolist()
    [[0.467, 0.2, 0.6]]
    >>> persons = Raster(np.full((2, 2), 3.0), Affine(1, 0, 0, 0, -1, 1), kind="counts")
    >>> float(zonal_statistics(zone, persons)["sum"].iloc[0])
    12.0
    """
    areas = Zones.of(zones, radii_km, problems=problems)
    named = rasters if isinstance(rasters, Mapping) else {None: rasters}
    frames = [
        _statistics(areas, raster, year, tuple(quantiles), problems, progress)
        for year, raster in sorted(named.items(), key=str)
    ]
    return (
        pd.concat(frames, ignore_index=True)
        .sort_values(["zone_id", "radius_km", "year"])
        .reset_index(drop=True)
    )


def _operations(kind: str, quantiles: Sequence[float]) -> dict[str, str]:
    """Columns of the statistics of a kind of raster, and what exactextract calls them."""
    ends = {"minimum": "min", "maximum": "max"}
    if kind == "counts":
        return {"sum": "sum", **ends}
    return {
        "mean": "weighted_mean",
        "median": "median",
        **ends,
        "variance": "weighted_variance",
        "majority": "majority",
        "sum": "sum",
        **{f"q{100 * q:g}": f"quantile(q={q!r})" for q in quantiles},
    }


def _statistics(  # noqa: PLR0917  (what is measured, and where to report)
    zones: Zones,
    raster: Raster,
    year: int | None,
    quantiles: Sequence[float],
    problems: Problems | None,
    progress: Progress | None,
) -> pd.DataFrame:
    """Statistics of one raster."""
    operations, plane = _operations(raster.kind, quantiles), _Plane.of(raster)
    ops = tuple(operations.values())
    usable, inside, parts = _extract(zones, plane, _values(plane), ops, progress)
    share = ("weighted_mean",)
    _, _, shares = _extract(zones, plane, _values(plane, present=True), share, None)
    n = len(zones)
    columns = {
        name: np.full(n, np.nan) for name in (*operations, "area_ha", "no_data_ha", "outside_ha")
    }
    if parts:
        found = pd.concat(parts, ignore_index=True).set_index("zone").reindex(usable)
        found = found.set_axis([*operations], axis=1)
        held = (
            pd.concat(shares, ignore_index=True)
            .set_index("zone")["weighted_mean"]
            .reindex(usable)
            .fillna(0.0)
            .to_numpy(np.float64)
        )
        empty = found["minimum"].isna().to_numpy()
        for name in operations:
            columns[name][usable] = np.where(empty, np.nan, found[name].to_numpy(np.float64))
        columns["area_ha"][usable] = inside * held / 1e4
        columns["no_data_ha"][usable] = inside * (1 - held) / 1e4
        columns["outside_ha"][usable] = np.maximum(zones.area_m2[usable] - inside, 0) / 1e4
    why = zones.why.copy()
    blank = np.isfinite(zones.area_m2) & ~np.isfinite(columns["minimum"]) & (why == "")
    why[blank] = reason("no_cell")
    name = _called(raster, year)
    for i in np.flatnonzero(columns["outside_ha"] > zones.area_m2 / 1e4 * 1e-9):
        message = f"{name} does not reach all of zone {zones.ids[i]}."
        note(problems, "raster_covers_partly", message, id=str(zones.ids[i]))
        outside = round(float(columns["outside_ha"][i]), 1)
        why[i] = why[i] or reason("outside_raster", ha=outside)
    out = pd.DataFrame({"zone_id": text_array(zones.ids), "radius_km": zones.radius_km})
    out["year"] = pd.array([year or None] * n, dtype="Int64")
    return out.assign(**columns, why=text_array(why))
