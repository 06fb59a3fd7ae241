"""Catchments: the ground within so many hours, as polygons whose edges run between the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.crs import parse_crs, to_lonlat, turned, within_180
from geosettle.errors import InputError
from geosettle.geodesy import area_m2
from geosettle.raster import Raster

FloatArray = NDArray[np.float64]


def catchments(
    time: Raster | Mapping[str, Raster] | Iterable[tuple[str, Raster]], hours: Sequence[float]
) -> gpd.GeoDataFrame:
    """Nested polygons of what is within so many hours, interpolated between cell centres.

    Parameters
    ----------
    time
        Hours (see `travel_time`, `site_times`), north-up, any CRS; cells that are not finite belong
        to no catchment. Or one such raster for each site, by its id.
    hours
        Limits, above zero.

    Returns
    -------
    GeoDataFrame
        By `hours`, ascending, or by `site_id` and `hours`: `area_ha` on the ellipsoid and the
        polygon, WGS84; it has no part (`POLYGON EMPTY`) where nothing is within the limit.

    Raises
    ------
    InputError
        No limit, or one that is not above zero; a raster that is not north-up.

    Notes
    -----
    Marching squares on the cell centres and, between them, the middles of the sides and the corners
    of the cells, at which the time is the mean of the cells that meet there. The edge of a cell
    without a time is the edge of the polygon, holes stay holes, and where the time goes up to the
    edge of the grid so does the polygon. Against circles, at one speed on the level and from 10
    cells on, areas are within 0.5 %; the cells up to a limit, as steps, are off by up to 6 %. What
    the times themselves are off by comes on top: see `docs/reach.md`.

    Examples
    --------
    >>> from affine import Affine
    >>> time = Raster(np.array([[0.0, 1.0, 2.0, np.nan]]), Affine(1, 0, 76, 0, -1, 40))
    >>> catchments(time, [0.5, 1]).bounds.round(6).to_numpy().tolist()
    [[76.0, 39.0, 77.0, 40.0], [76.0, 39.0, 77.5, 40.0]]
    """
    limits = sorted({float(h) for h in hours})
    if not limits or not all(0 < h < np.inf for h in limits):
        raise InputError(
            "catchments need hours above zero", value=list(hours), mend="Give hours=[1, 2]."
        )
    single = isinstance(time, Raster)
    named = [("", time)] if isinstance(time, Raster) else _items(time)
    keys, shapes = [], []
    for name, raster in named:
        keys += [(str(name), h) for h in limits]
        shapes += _within(raster, limits)
    index = pd.MultiIndex.from_tuples(keys, names=["site_id", "hours"])
    geometry = np.asarray(shapes, dtype=object)
    out = gpd.GeoDataFrame(
        {"area_ha": area_m2(geometry) / 1e4}, geometry=geometry, index=index, crs="EPSG:4326"
    )
    return out.droplevel("site_id") if single else out.sort_index()


def _items(
    time: Mapping[str, Raster] | Iterable[tuple[str, Raster]],
) -> Iterable[tuple[str, Raster]]:
    return time.items() if isinstance(time, Mapping) else time


def _within(raster: Raster, limits: Sequence[float]) -> list[shapely.Geometry]:
    """Polygon of all up to each limit, WGS84."""
    if not raster.is_north_up:
        raster.cell_areas_m2()  # says so
    values = raster.values  # noqa: PD011, RUF100
    part, top, left, out = values, 0, 0, []
    for limit in reversed(limits):
        with np.errstate(invalid="ignore"):
            reached = part <= limit
        rows, columns = (np.flatnonzero(reached.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            break
        # One cell more on each side, whose values the lines run to; lower limits are inside.
        low, first = max(0, rows[0] - 1), max(0, columns[0] - 1)
        part = part[low : rows[-1] + 2, first : columns[-1] + 2]
        top, left = top + low, left + first
        out.append(_moved(_outlined(np.ascontiguousarray(part), limit), raster, top, left))
    shapes = np.asarray([*out, *[shapely.Polygon()] * (len(limits) - len(out))][::-1], dtype=object)
    placed = to_lonlat(shapes, parse_crs(raster.crs))
    return list(turned(placed, -180, 180) if raster.is_lonlat else within_180(placed))


def _moved(shape: shapely.Geometry, raster: Raster, top: int, left: int) -> shapely.Geometry:
    """From rows and columns of the lattice of half cells to the coordinates of the raster."""
    t = raster.transform

    def place(ij: FloatArray) -> FloatArray:
        x, y = t.c + t.a * (left + ij[:, 1] / 2), t.f + t.e * (top + ij[:, 0] / 2)
        return np.column_stack([x, y])

    return shapely.transform(shape, place)


def _outlined(values: NDArray[np.floating], limit: float) -> shapely.Geometry:
    """Polygon of all up to a limit, in rows and columns of the lattice of half cells."""
    from geosettle.reach.contour_kernels import chain, pieces  # noqa: PLC0415  (numba loads slowly)

    first, last, cell, at = pieces(values, limit)
    if not first.size:
        return shapely.Polygon()
    order, begin = chain(first, last, cell, np.argsort(first, kind="stable"))
    ring = np.repeat(np.arange(begin.size - 1), np.diff(begin))
    closing = begin[1:] - 1
    points = np.insert(at[order], begin[1:], at[order][begin[:-1]], axis=0)
    lines = shapely.linearrings(points, indices=np.insert(ring, begin[1:], ring[closing]))
    inner = shapely.is_ccw(lines)  # rows run down: what is around ground is clockwise
    outer, holes = shapely.polygons(lines[~inner]), lines[inner]
    if holes.size:
        outer = _pierced(outer, holes)
    return outer[0] if outer.size == 1 else shapely.multipolygons(outer)


def _pierced(outer: NDArray[np.object_], holes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Cut each hole into the smallest polygon around it."""
    size = shapely.area(outer)
    # Rings meet at corners at most: the middle of an edge is inside what is around the hole alone.
    edges = shapely.linestrings([shapely.get_coordinates(ring)[:2] for ring in holes])
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    of, by = shapely.STRtree(outer).query(middle, predicate="within")
    order = np.lexsort((size[by], of))
    of, by = of[order], by[order]
    smallest = np.flatnonzero(np.diff(of, prepend=-1))
    out = outer.copy()
    own = by[smallest]
    for k in np.unique(own):
        mine = holes[of[smallest[own == k]]]
        out[k] = shapely.Polygon(shapely.get_exterior_ring(outer[k]), list(mine))
    return out
