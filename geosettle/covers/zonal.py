"""Areas of a class raster in zones, and statistics of a continuous one.

Both use exact cell fractions and geodesic cell areas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

from geosettle.covers.zones import Zones
from geosettle.crs import turned
from geosettle.errors import InputError
from geosettle.geodesy import area_m2
from geosettle.problems import Problems, note
from geosettle.raster import Raster
from geosettle.reasons import reason, rendered

_NODATA: Final = -2_147_483_648
_BLOCK: Final = 2_000
_WGS84: Final = CRS("EPSG:4326").to_wkt()
FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], None]


class _Grid(RasterSource):  # type: ignore[misc]
    """Grid in memory that exactextract reads window by window, converted only then."""

    def __init__(self, raster: Raster, window: Callable[[slice, slice], NDArray[Any]]) -> None:
        super().__init__()
        self._raster = raster
        self._window = window

    def res(self) -> tuple[float, float]:
        return float(self._raster.transform.a), float(-self._raster.transform.e)

    def extent(self) -> tuple[float, float, float, float]:
        return self._raster.bounds

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


def _classes(raster: Raster) -> _Grid:
    """Class of every cell; missing cells are a class of their own."""

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

    return _Grid(raster, window)


def holds_classes(raster: Raster) -> bool:
    """Whether all values of a raster are whole numbers.

    Examples
    --------
    >>> from affine import Affine
    >>> holds_classes(Raster(np.array([[1.0, np.nan]]), Affine.identity()))
    True
    >>> holds_classes(Raster(np.array([[1.5, np.nan]]), Affine.identity()))
    False
    """
    rows = (raster.values[i : i + 256] for i in range(0, raster.shape[0], 256))  # noqa: PD011, RUF100
    return all(bool(np.all(np.isnan(v) | (v == np.round(v)))) for v in rows)


def _values(raster: Raster) -> _Grid:
    """Value of every cell, NaN where missing."""
    return _Grid(
        raster, lambda rows, columns: np.ascontiguousarray(raster.values[rows, columns], np.float64)
    )


def _cell_areas(raster: Raster) -> _Grid:
    """Geodesic area of every cell, m²: one number per row, repeated only over the window read."""
    areas = raster.cell_areas_m2()

    def window(rows: slice, columns: slice) -> NDArray[np.float64]:
        part = areas[rows]
        return np.repeat(part[:, None], columns.stop - columns.start, axis=1)

    return _Grid(raster, window)


def _extract(
    zones: Zones, raster: Raster, values: _Grid, ops: Sequence[str], progress: Progress | None
) -> tuple[NDArray[np.intp], FloatArray, list[pd.DataFrame]]:
    """Zones with an area, their square metres inside the raster, and exactextract's answers.

    The answers come in blocks of zones.
    """
    usable = np.flatnonzero(np.nan_to_num(zones.area_m2) > 0)
    inside = np.zeros(usable.size)
    areas = _cell_areas(raster)
    parts = []
    box = shapely.box(*raster.bounds)
    for start in range(0, usable.size, _BLOCK):
        rows = usable[start : start + _BLOCK]
        # A grid across the antimeridian goes on beyond 180 degrees; so must the zones.
        west, _, east, _ = box.bounds
        shapes = (
            turned(zones.geometry[rows], west, east)
            if west < -180 or east > 180
            else zones.geometry[rows]
        )
        within = shapely.covered_by(shapes, box) & (shapes == zones.geometry[rows])
        area = zones.area_m2[rows].copy()
        area[~within] = area_m2(shapely.intersection(shapes[~within], box))
        inside[start : start + _BLOCK] = area
        source = _Shapes(rows, shapes)
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
        Class raster in longitude/latitude, north up.
    year
        Year of the raster.
    problems, progress
        As for `overlay_areas`.

    Returns
    -------
    DataFrame
        `zone, class, year, m2, overlap_m2, why`; the rows of a zone sum to its geodesic area.
    """
    usable, inside, parts = _extract(
        zones, raster, _classes(raster), ("unique", "weighted_frac"), progress
    )
    found = (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["zone", "unique", "weighted_frac"])
    )
    count = np.array([len(u) for u in found["unique"]], dtype=np.intp)
    zone = np.repeat(usable, count)
    value = np.concatenate([np.zeros(0), *found["unique"]]).astype(np.int64)
    share = np.concatenate([np.zeros(0), *found["weighted_frac"]]).astype(np.float64)
    # Fractions of cells are planar, so their sum misses the zone's geodesic area by some 1e-5: they
    # share it out.
    long = pd.DataFrame({"zone": zone, "value": value, "m2": share * np.repeat(inside, count)})
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
    return out.assign(year=np.nan if year is None else float(year), overlap_m2=0.0)


def _called(raster: Raster, year: int | None) -> str:
    """Name a raster in a message."""
    told = raster.source or year
    return f"The raster {told}" if told else "The raster"


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
    problems: Problems | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Mean, least and greatest value of a continuous raster in zones, weighted by area.

    The raster is for example NDVI or elevation.

    Parameters
    ----------
    zones, radii_km, problems, progress
        As for `overlay_areas`.
    rasters
        A raster, or year to raster.

    Returns
    -------
    DataFrame
        `zone_id, radius_km, year, mean, minimum, maximum, area_ha` (with a value), `no_data_ha,
        outside_ha, why`.

    Examples
    --------
    >>> from affine import Affine
    >>> green = Raster(np.array([[0.2, 0.6], [np.nan, 0.6]]), Affine(1, 0, 0, 0, -1, 1))
    >>> zone = gpd.GeoDataFrame(index=["z"], geometry=[shapely.box(0, -1, 2, 1)], crs="EPSG:4326")
    >>> zonal_statistics(zone, green)[["mean", "minimum", "maximum"]].round(3).to_numpy().tolist()
    [[0.467, 0.2, 0.6]]
    """
    areas = Zones.of(zones, radii_km, problems=problems)
    named = rasters if isinstance(rasters, Mapping) else {None: rasters}
    frames = [
        _statistics(areas, raster, year, problems, progress)
        for year, raster in sorted(named.items(), key=str)
    ]
    return (
        pd.concat(frames, ignore_index=True)
        .sort_values(["zone_id", "radius_km", "year"])
        .reset_index(drop=True)
    )


def _statistics(
    zones: Zones,
    raster: Raster,
    year: int | None,
    problems: Problems | None,
    progress: Progress | None,
) -> pd.DataFrame:
    """Statistics of one raster."""
    ops = ("weighted_mean", "min", "max", "weighted_sum")
    usable, inside, parts = _extract(zones, raster, _values(raster), ops, progress)
    present = Raster(np.isfinite(raster.values).astype(np.float32), raster.transform, raster.crs)
    _, _, shares = _extract(zones, present, _values(present), ("weighted_mean",), None)
    n = len(zones)
    columns = {
        name: np.full(n, np.nan)
        for name in ("mean", "minimum", "maximum", "area_ha", "no_data_ha", "outside_ha")
    }
    if usable.size:
        found = pd.concat(parts, ignore_index=True)
        held = (
            pd.concat(shares, ignore_index=True)["weighted_mean"].fillna(0.0).to_numpy(np.float64)
        )
        for name, op in (("mean", "weighted_mean"), ("minimum", "min"), ("maximum", "max")):
            columns[name][usable] = found[op].to_numpy(np.float64)
        columns["area_ha"][usable] = inside * held / 1e4
        columns["no_data_ha"][usable] = inside * (1 - held) / 1e4
        columns["outside_ha"][usable] = np.maximum(zones.area_m2[usable] - inside, 0) / 1e4
    why = zones.why.copy()
    blank = np.isfinite(zones.area_m2) & ~np.isfinite(columns["mean"]) & (why == "")
    why[blank] = reason("no_cell")
    name = _called(raster, year)
    for i in np.flatnonzero(columns["outside_ha"] > zones.area_m2 / 1e4 * 1e-9):
        message = f"{name} does not reach all of zone {zones.ids[i]}."
        note(problems, "raster_covers_partly", message, id=str(zones.ids[i]))
        outside = round(float(columns["outside_ha"][i]), 1)
        why[i] = why[i] or reason("outside_raster", ha=outside)
    out = pd.DataFrame({"zone_id": pd.array(zones.ids, dtype="str"), "radius_km": zones.radius_km})
    out["year"] = pd.array([year] * n, dtype="Int64")
    return out.assign(**columns, why=pd.array(why, dtype="str"))
