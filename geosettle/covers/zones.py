"""Zones (polygons, geodesic discs, cells of a raster that names zones) and polygons fit to measure.

Edges are straight in longitude/latitude. Everything is WGS84 and measured on the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from rasterio import features

from geosettle import crs
from geosettle.cells import numbers
from geosettle.crs import parse_crs, to_lonlat, turned, within_180
from geosettle.errors import InputError
from geosettle.geodesy import area_m2
from geosettle.geodesy.disc_overlap import Circles, plain_discs
from geosettle.problems import Problems, note
from geosettle.raster import Raster
from geosettle.reasons import reason
from geosettle.settings import DEFAULTS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
_NOTHING_M2: Final = 1e-3


def lonlat(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Geometry of a frame of areas in WGS84, as `geosettle.crs.lonlat`.

    Raises
    ------
    InputError
        It is a table without geometry.
    CrsError
        The frame has geometries and no CRS.
    """
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        given = ", ".join(map(str, getattr(frame, "columns", ()))) or type(frame).__name__
        mend = "Read it from a layer of polygons, or name its column: frame.set_geometry(...)."
        raise InputError("areas need polygons, and there is no geometry", value=given, mend=mend)
    return crs.lonlat(frame)


@dataclass(frozen=True, eq=False)
class Zones:
    """What areas are measured in: one polygon for each zone and radius.

    Parameters
    ----------
    ids, radius_km
        Identifier of the zone; radius of its disc, NaN where the zone is the polygon itself. Shape
        (n,).
    geometry
        WGS84 polygons, None where the zone has no position.
    area_m2
        Geodesic area, NaN where the zone has no position.
    why
        Why a zone has no area, in words; empty otherwise.
    households
        Households of the zone, NaN where unknown.
    circles, circle
        The discs among the zones, and which of them each zone is; -1 where it is none.
    """

    ids: NDArray[np.object_]
    radius_km: FloatArray
    geometry: NDArray[np.object_]
    area_m2: FloatArray
    why: NDArray[np.object_]
    households: FloatArray
    circles: Circles
    circle: IntArray

    @classmethod
    def of(
        cls,
        zones: gpd.GeoDataFrame | Raster,
        radii_km: Sequence[float] | None = None,
        *,
        households: str = "households",
        max_repair_share: float = DEFAULTS.overlay.max_repair_share,
        problems: Problems | None = None,
    ) -> Zones:
        """Zones from polygons, from points with radii, or from a raster of zone names."""
        frame = zones_of_raster(zones) if isinstance(zones, Raster) else zones
        lonlat(
            frame.iloc[:0] if isinstance(frame, pd.DataFrame) else frame
        )  # says so if there is no geometry
        # Sorted at once, so that neither the order of rows nor of radii can matter later.
        frame = frame.iloc[np.argsort(frame.index.astype(str).to_numpy(), kind="stable")]
        ids = np.asarray(frame.index.astype(str), dtype=object)
        geometry, homes = lonlat(frame), numbers(frame, households).to_numpy()
        lost = shapely.is_missing(geometry) | shapely.is_empty(geometry)
        why = np.where(lost, reason("position_unknown"), "").astype(object)
        for i in np.flatnonzero(lost):
            note(
                problems, "zone_without_geometry", f"Zone {ids[i]} has no position.", id=str(ids[i])
            )
        if radii_km is None:
            if np.any(shapely.get_dimensions(geometry[~lost]) < 2):
                mend = "Give radii_km=[5, 15, 30] (command line: --buffer-km)."
                raise InputError("zones that are points need radii", mend=mend)
            geometry, area = fit_to_measure(geometry, ids, "zone", max_repair_share, problems)
            why[~lost & np.isnan(area)] = reason("not_repaired")
            radius = np.full(len(frame), np.nan)
            none = np.zeros(0)
            circles, circle = Circles.of(none, none, none), np.full(len(frame), -1)
        else:
            rings = _radii(radii_km)
            lon, lat = _centres(geometry)
            ids, why, homes, lon, lat = (
                np.repeat(v, rings.size) for v in (ids, why, homes, lon, lat)
            )
            radius = np.tile(rings, len(frame))
            geometry, circles, circle = plain_discs(lon, lat, radius * 1000)
            area = np.where(shapely.is_missing(geometry), np.nan, 0.0)
            area[circle >= 0] = circles.area_m2
            odd = (circle < 0) & (area == 0)
            area[odd] = area_m2(geometry[odd])
        for i in np.flatnonzero(area == 0):
            why[i] = reason("no_area")
            note(problems, "zone_of_no_area", f"Zone {ids[i]} has no area.", id=str(ids[i]))
        return cls(ids, radius, geometry, area, why, homes, circles, circle)

    def __len__(self) -> int:
        """How many zones."""
        return int(self.ids.size)


def _radii(radii_km: Sequence[float]) -> FloatArray:
    """Radii in km, sorted, each once."""
    rings = np.asarray(sorted({float(r) for r in radii_km}))
    if rings.size == 0 or not np.all(np.isfinite(rings) & (rings > 0)):
        raise InputError(
            "radii must be positive",
            column="radii_km",
            value=list(radii_km),
            mend="Give them in km.",
        )
    return rings


def _centres(geometry: NDArray[np.object_]) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude of points, of an inner point of polygons; NaN where missing."""
    area = shapely.get_dimensions(geometry) == 2
    centre = geometry.copy()
    centre[area] = shapely.point_on_surface(geometry[area])
    centre = shapely.centroid(centre)
    return shapely.get_x(centre), shapely.get_y(centre)


def fit_to_measure(
    geometry: NDArray[np.object_],
    ids: ArrayLike,
    what: str,
    max_repair_share: float,
    problems: Problems | None,
    *,
    measured: FloatArray | None = None,
) -> tuple[NDArray[np.object_], FloatArray]:
    """Polygons that can be measured: repaired where they cross themselves.

    They are refused where the repair would change them.

    Parameters
    ----------
    geometry
        WGS84 geometries; lines, points and None are not measured.
    ids, what
        Identifiers and the word for them ("zone", "parcel"), for messages.
    max_repair_share
        Largest change of area by repair, as a share of the larger of the two areas.
    problems
        Where repairs and refusals are reported, with areas before and after.
    measured
        The areas as they are, where they are known already, shape (n,).

    Returns
    -------
    (geometry, area)
        Geometries (None where refused or missing) and square metres (NaN there).

    Examples
    --------
    >>> bow_tie = np.array([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], dtype=object)
    >>> found: Problems = []
    >>> fit_to_measure(bow_tie, ["p"], "parcel", 0.01, found)[1], found[0].code
    (array([nan]), 'geometry_refused')
    """
    out = geometry.copy()
    names = np.asarray(ids, dtype=object)
    present = ~(shapely.is_missing(out) | shapely.is_empty(out))
    area = np.where(present, area_m2(out) if measured is None else measured, np.nan)
    area[shapely.is_empty(out)] = 0.0
    for i in np.flatnonzero(present & ~shapely.is_valid(out)):
        mended = polygons_of(shapely.make_valid(out[i], method="structure", keep_collapsed=False))
        before, after = area[i], area_m2([mended])[0]
        if max(before, after) < _NOTHING_M2:
            out[i], area[i] = shapely.Polygon(), 0.0
            continue
        change = abs(after - before) / max(after, before)
        areas = (
            f"{before / 1e4:.4f} ha before and {after / 1e4:.4f} ha after "
            f"({shapely.is_valid_reason(out[i])})"
        )
        if change > max_repair_share:
            out[i], area[i] = None, np.nan
            message = (
                f"The {what} {names[i]} was refused: its repair would change its area, {areas}."
            )
            mend = "Draw it anew: its ring crosses itself."
            note(problems, "geometry_refused", message, id=str(names[i]), layer=what, mend=mend)
        else:
            out[i], area[i] = mended, after
            message = f"The {what} {names[i]} was repaired: {areas}."
            note(problems, "geometry_repaired", message, id=str(names[i]), layer=what)
    return out, area


def polygons_of(geometry: Any) -> Any:
    """Only the polygonal parts of a geometry.

    Examples
    --------
    >>> polygons_of(
    ...     shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)])
    ... ).geom_type
    'Polygon'
    """
    if shapely.get_dimensions(geometry) == 2 and shapely.get_type_id(geometry) in {3, 6}:
        return geometry
    parts = [p for p in shapely.get_parts(geometry) if shapely.get_dimensions(p) == 2]
    return shapely.union_all(parts) if len(parts) != 1 else parts[0]


def zones_of_raster(raster: Raster) -> gpd.GeoDataFrame:
    """Polygons of the zones that the values of a raster name, along its cell edges.

    Parameters
    ----------
    raster
        Values that name zones (the number of the nearest site ...).

    Returns
    -------
    GeoDataFrame
        By `zone_id` (the name of the class, or the value), WGS84; cells without a value belong to
        no zone.

    Examples
    --------
    >>> from affine import Affine
    >>> nearest = Raster(np.array([[1.0, 2.0, 2.0]]), Affine(1, 0, 76, 0, -1, 40))
    >>> zones_of_raster(nearest).bounds.to_numpy().tolist()
    [[76.0, 39.0, 77.0, 40.0], [77.0, 39.0, 79.0, 40.0]]
    """
    values = raster.values  # noqa: PD011, RUF100
    keys, at = np.unique(values[np.isfinite(values)], return_inverse=True)
    cells = np.zeros(values.shape, dtype=np.int32)
    cells[np.isfinite(values)] = at.ravel() + 1
    return gpd.GeoDataFrame(
        index=pd.Index([raster.classes.get(int(k), f"{k:g}") for k in keys], name="zone_id"),
        geometry=vectorise(cells, raster),
        crs="EPSG:4326",
    )


def vectorise(cells: NDArray[Any], raster: Raster) -> NDArray[np.object_]:
    """Polygons along the edges of cells with one number each, in the order of the numbers, WGS84.

    0 (or False) is nothing.

    Cells are joined over edges but not over corners: parts that meet at a corner stay parts, so
    each polygon is valid.

    Examples
    --------
    >>> from affine import Affine
    >>> grid = Raster(np.zeros((2, 2)), Affine(1, 0, 0, 0, -1, 2))
    >>> [p.wkt for p in vectorise(np.array([[True, False], [False, True]]), grid)]
    ['MULTIPOLYGON (((0 2, 0 1, 1 1, 1 2, 0 2)), ((1 1, 1 0, 2 0, 2 1, 1 1)))']
    """
    numbers = cells.astype(np.int32)
    parts: dict[int, list[Any]] = {}
    for shape, number in features.shapes(
        numbers, mask=numbers != 0, connectivity=4, transform=raster.transform
    ):
        parts.setdefault(int(number), []).append(shapely.geometry.shape(shape))
    out = np.empty(len(parts), dtype=object)
    out[:] = [
        found[0] if len(found) == 1 else shapely.multipolygons(found)
        for _, found in sorted(parts.items())
    ]
    if raster.is_lonlat:
        return turned(to_lonlat(out, parse_crs(raster.crs)), -180, 180)
    # An edge of many cells is straight on the grid, not in degrees.
    dense = shapely.segmentize(out, max(abs(raster.transform.a), abs(raster.transform.e)) * 10)
    return within_180(to_lonlat(dense, parse_crs(raster.crs)))
