"""Areas of a polygon layer in zones: each piece of ground once, measured on the ellipsoid."""

from __future__ import annotations

import operator
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers, texts
from geosettle.covers.overlaps import contests_among, settle
from geosettle.covers.zones import Zones, fit_to_measure, lonlat
from geosettle.errors import ColumnError, InputError
from geosettle.executors import processors
from geosettle.geodesy import area_m2
from geosettle.geodesy.disc_overlap import Edges, shared_m2
from geosettle.problems import Problems, note
from geosettle.settings import DEFAULTS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Progress = Callable[[int, int], None]
_BLOCK: Final = 1_000


@dataclass(frozen=True, eq=False)
class Parcels:
    """A polygon layer in which no ground is held twice.

    Parameters
    ----------
    ids, label, year
        Identifier, class ("" where it has none) and year (NaN where it has none) of each polygon,
        shape (n,).
    geometry, area_m2, edges
        The ground it is counted with.
    basis
        How the geometry came about ("illustrative" ...), "" where that is not stated.
    overlap
        Positions of the polygons that had to give ground up, shape (m,).
    overlap_geometry
        The ground they gave up, because a polygon before them holds it, shape (m,).
    """

    ids: NDArray[np.object_]
    label: NDArray[np.object_]
    year: FloatArray
    geometry: NDArray[np.object_]
    area_m2: FloatArray
    edges: Edges
    basis: NDArray[np.object_]
    overlap: IntArray
    overlap_geometry: NDArray[np.object_]

    @classmethod
    def of(
        cls,
        cover: gpd.GeoDataFrame,
        by: str | None,
        *,
        snapshots: bool = False,
        max_repair_share: float = DEFAULTS.overlay.max_repair_share,
        survey_year: int | None = None,
        problems: Problems | None = None,
    ) -> Parcels:
        """Parcels from a frame, each piece of ground counted once.

        Ground under several stays with the class first in the alphabet, then the earlier year.

        With `snapshots` polygons of different years are different maps and do not compete for
        ground.
        """
        drawn = lonlat(cover)
        _require_areas(drawn)
        if by is not None and by not in cover:
            raise ColumnError(
                "the cover has no such column",
                column=by,
                mend=f"It has: {', '.join(map(str, cover.columns))}.",
            )
        ids = np.asarray(cover.index.astype(str), dtype=object)
        label = np.full(len(cover), "all", dtype=object)
        if by is not None:
            label[:] = texts(cover, by).to_numpy(object)
        dated = "year" in cover
        year = numbers(cover, "year").to_numpy()
        edges = Edges.of(drawn)
        geometry, area = fit_to_measure(
            drawn, ids, "parcel", max_repair_share, problems, measured=edges.areas_m2(drawn)
        )
        _report(ids, drawn, area, problems, year=year if dated else None, survey_year=survey_year)
        keep = np.flatnonzero(np.isfinite(area) & (area > 0))
        bounds = shapely.bounds(geometry[keep])
        # Neither ids nor the order of rows decide who keeps contested ground: within a class and
        # year it is all one.
        name = np.where(label[keep] == "", "\uffff", label[keep]).astype(str)
        order = keep[np.lexsort((*bounds.T[::-1], year[keep], name))]
        as_drawn = order.size == ids.size and all(map(operator.is_, geometry, drawn))
        geometry, area = geometry[order], area[order]
        group = year[order] if snapshots else np.zeros(order.size)
        edges = edges.take(order) if as_drawn else Edges.of(geometry)
        lost, ground = settle(
            geometry, area, contests_among(geometry, edges, group), ids[order], problems
        )
        edges = Edges.of(geometry) if lost.size else edges
        basis = texts(cover, "geometry_basis").to_numpy(object)
        return cls(
            ids[order], label[order], year[order], geometry, area, edges, basis[order], lost, ground
        )


def _require_areas(geometry: NDArray[np.object_]) -> None:
    """Raise InputError for a layer in which nothing has an area.

    Single points among polygons are only reported.
    """
    kinds = shapely.get_dimensions(geometry)
    kinds = kinds[(kinds >= 0) & ~shapely.is_empty(geometry)]
    if kinds.size and kinds.max() < 2:
        what = "points" if kinds.max() == 0 else "lines"
        mend = "Give polygons. (Points can be the zones, with radii_km or --buffer-km.)"
        raise InputError(
            f"the cover holds {what}, which have no area", value=f"{kinds.size} {what}", mend=mend
        )


def _report(
    ids: NDArray[np.object_],
    geometry: NDArray[np.object_],
    area: FloatArray,
    problems: Problems | None,
    *,
    year: FloatArray | None,
    survey_year: int | None,
) -> None:
    """Report what is odd about single polygons; without a column of years nobody misses one."""
    if problems is None:
        return
    year = np.full(ids.size, np.inf) if year is None else year
    for i in np.flatnonzero(shapely.is_missing(geometry)):
        note(
            problems, "cover_without_geometry", f"Parcel {ids[i]} has no geometry.", id=str(ids[i])
        )
    for i in np.flatnonzero(area == 0):
        note(problems, "parcel_of_no_area", f"Parcel {ids[i]} has no area.", id=str(ids[i]))
    for i in np.flatnonzero(np.isnan(year)):
        note(
            problems,
            "parcel_without_year",
            f"Parcel {ids[i]} has no year.",
            id=str(ids[i]),
            column="year",
        )
    late = np.isfinite(year) & (year > (np.inf if survey_year is None else survey_year))
    for i in np.flatnonzero(late):
        message = f"Parcel {ids[i]} is dated {year[i]:.0f}, after the survey of {survey_year}."
        note(
            problems,
            "year_after_survey",
            message,
            id=str(ids[i]),
            column="year",
            value=f"{year[i]:.0f}",
        )


def pieces(
    zones: Zones,
    geometry: NDArray[np.object_],
    area: FloatArray,
    edges: Edges | None = None,
    progress: Progress | None = None,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Area shared by each zone and each polygon that meet.

    Parameters
    ----------
    zones
        The zones.
    geometry, area, edges
        Valid WGS84 polygons, their square metres, and their edges where they are known already.
    progress
        Called with (zones done, zones in all).

    Returns
    -------
    (zone, polygon, square metres)
        Positions and area of every pair that shares ground, sorted by zone, then polygon.
    """
    usable = np.flatnonzero(np.nan_to_num(zones.area_m2) > 0)
    if usable.size == 0 or geometry.size == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0)
    tree = shapely.STRtree(geometry)
    round_ = usable[zones.circle[usable] >= 0]
    other = usable[zones.circle[usable] < 0]
    edges = edges or (Edges.of(geometry) if round_.size else None)
    boxes = zones.circles.boxes() if round_.size else np.zeros(0, dtype=object)

    def block(rows: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        circle = zones.circle[rows]
        if edges is None or circle[0] < 0:
            return _cut(rows, zones.geometry[rows], tree, geometry, area)
        at, polygon = tree.query(boxes[circle])
        metres = shared_m2(zones.circles, geometry, edges, circle[at], polygon)
        keep = metres > 0
        return rows[at[keep]], polygon[keep], metres[keep]

    blocks = [
        part
        for rows in (round_, other)
        for part in np.split(rows, range(_BLOCK, rows.size, _BLOCK))
        if rows.size
    ]
    found, done = [], 0
    # GEOS and numpy let go of the interpreter while they work, so threads share the blocks; blocks
    # bound the memory.
    with ThreadPoolExecutor(max_workers=processors()) as pool:
        for rows, result in zip(blocks, pool.map(block, blocks), strict=True):
            found.append(result)
            done += rows.size
            if progress is not None:
                progress(done, usable.size)
    zone, polygon, metres = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((polygon, zone))
    return zone[order], polygon[order], metres[order]


def _cut(
    rows: IntArray,
    shapes: NDArray[np.object_],
    tree: Any,
    geometry: NDArray[np.object_],
    area: FloatArray,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of a block of zones that are polygons."""
    shapely.prepare(shapes)
    at, polygon = tree.query(shapes, predicate="intersects")
    metres = np.empty(at.size)
    # A parcel wholly inside needs no cutting: its area is known.
    whole = shapely.contains_properly(shapes[at], geometry[polygon])
    metres[whole] = area[polygon[whole]]
    cut = ~whole
    metres[cut] = area_m2(shapely.intersection(geometry[polygon[cut]], shapes[at[cut]]))
    keep = metres > 0
    return rows[at[keep]], polygon[keep], metres[keep]
