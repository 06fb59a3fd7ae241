"""How many persons are within so many hours, by area, and how many are not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, NoReturn

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.covers import zonal_statistics, zones_of_raster
from geosettle.covers.zones import polygons_of, vectorise
from geosettle.crs import lonlat
from geosettle.distance._protocol import positions
from geosettle.errors import ColumnError, InputError
from geosettle.geodesy import area_m2
from geosettle.raster import Raster
from geosettle.reach.contours import catchments
from geosettle.reach.times import Allocation
from geosettle.reasons import reason, rendered

FloatArray = NDArray[np.float64]
OUTSIDE: Final = "(outside)"
WITHIN, UNREACHED, NOT_MEASURED = "within", "unreached", "not_measured"
_ROUNDING: Final = 1e-7
"""Share of a total up to which what is left over is a rounding of the parts of cells."""
_SLIVERS: Final = 1e-3
"""The same between areas of one layer, whose edges may overlap a little."""


def service_areas(allocation: Allocation) -> gpd.GeoDataFrame:
    """Ground from which each site is reached first (or that it reaches first), along cell edges.

    Parameters
    ----------
    allocation
        See `travel_allocation`.

    Returns
    -------
    GeoDataFrame
        By `site_id`: `area_ha` on the ellipsoid and the polygon, WGS84; only sites that are reached
        first from some cell.

    Examples
    --------
    >>> from affine import Affine
    >>> where = Affine(1, 0, 76, 0, -1, 40)
    >>> first = Raster(np.array([[1.0, 2.0, 2.0]]), where, classes={1: "a", 2: "b"})
    >>> service_areas(Allocation(first, first, pd.Series())).bounds.loc["b"].tolist()
    [77.0, 39.0, 79.0, 40.0]
    """
    made = zones_of_raster(allocation.first).rename_axis("site_id").sort_index()
    made.insert(0, "area_ha", area_m2(made.geometry.to_numpy()) / 1e4)
    return made


@rendered
def population_within(
    time: Raster,
    population: Raster | gpd.GeoDataFrame,
    hours: Sequence[float],
    *,
    areas: gpd.GeoDataFrame | None = None,
    persons: str = "population",
) -> pd.DataFrame:
    """Persons by time, for everybody or by area; the rows of all areas sum to the total.

    Parameters
    ----------
    time
        Hours from every cell to the nearest site or service (`travel_allocation`, or its file by
        `read_layer` with the role "time"); infinite where there is no way, NaN where nothing can be
        measured (closed cells, no height). `travel_time` has NaN for both.
    population
        Counts of persons by cell, on any grid and CRS; or points with a column of persons.
    hours
        Limits, above zero.
    areas
        Polygons that do not overlap, by id: administrative units, service areas. None: one row of
        each kind for everybody.
    persons
        Column of the points.

    Returns
    -------
    DataFrame
        `area_id` (empty without `areas`; "(outside)" for those in none of them), `reach`, `from_h`,
        `to_h`, `persons`, `share` (of the persons of the area), `why` it is missing. `reach` is
        "within" (above `from_h` and up to `to_h`), "unreached" (beyond the last limit, or no way)
        or "not_measured" (outside the grid of times, or in cells without one).

    Raises
    ------
    InputError
        Areas that overlap, negative counts, no limit.
    ColumnError
        Points without the column.

    Notes
    -----
    A cell is split by the ground that each polygon of `catchments` covers of it (exactextract);
    counts are never averaged or resampled. What the parts of cells miss by rounding (below a
    ten-millionth) goes to the largest part, so that the total of the raster is kept. A point counts
    where it is.

    Examples
    --------
    >>> from affine import Affine
    >>> time = Raster(np.array([[0.5, 1.5, 2.5, np.inf]]), Affine(1, 0, 76, 0, -1, 40))
    >>> count = Raster(np.full((1, 5), 10.0), Affine(1, 0, 76, 0, -1, 40), kind="counts")
    >>> found = population_within(time, count, [1, 2])
    >>> found[["reach", "from_h", "to_h", "persons"]].round(3)
              reach  from_h  to_h  persons
    0        within     0.0   1.0     10.0
    1        within     1.0   2.0     10.0
    2     unreached     2.0   NaN     20.0
    3  not_measured     NaN   NaN     10.0
    """
    reached = catchments(time, hours)
    # What can be measured, as cells: where there is a time, if only an infinite one.
    cells = vectorise(~np.isnan(time.values), time)
    limits = [*reached.geometry, cells[0] if cells.size else shapely.Polygon(), None]
    names, shapes = areas_of(areas)
    if isinstance(population, Raster):
        total, inside = _of_raster(population, shapes, limits)
    else:
        total, inside = of_points(population, persons, shapes, limits)
    # From cumulative to parts: the bands, what is beyond them, what cannot be measured.
    parts = np.diff(inside, axis=1, prepend=0.0)
    for row, own in zip(parts, [total, *inside[1:, -1]], strict=True):
        _settle(row, own)
    if areas is not None:
        rest = parts[0] - parts[1:].sum(axis=0)
        if rest.sum() < -_SLIVERS * total:
            _overlap(-rest.sum())
        small = np.flatnonzero(rest <= _SLIVERS * total * (rest < 0) + _ROUNDING * total)
        if len(names) > 1:
            parts[1 + parts[1:, small].argmax(axis=0), small] += rest[small]
            rest[small] = 0.0
        parts[0] = rest
        order = [*range(1, len(names)), 0] if (rest != 0).any() else range(1, len(names))
        names, parts = [names[i] for i in order], parts[[*order]]
    ends = [0.0, *reached.index]
    bands = [(WITHIN, a, b) for a, b in pairwise(ends)]
    kinds = [*bands, (UNREACHED, ends[-1], np.nan), (NOT_MEASURED, np.nan, np.nan)]
    rows = [
        (name, *kind, value, value / row.sum() if row.sum() > 0 else np.nan)
        for name, row in zip(names, parts, strict=True)
        for kind, value in zip(kinds, row, strict=True)
    ]
    columns = ["area_id", "reach", "from_h", "to_h", "persons", "share"]
    made = pd.DataFrame(rows, columns=columns)
    made["why"] = np.where(made["share"].notna(), "", reason("nobody_counted"))
    return made.astype({"area_id": "str", "reach": "str", "why": "str"})


def _overlap(persons: float) -> NoReturn:
    raise InputError(
        "the areas overlap, so persons would be counted twice",
        value=round(persons),
        mend="Give the areas of one level, each ground once.",
    )


def areas_of(areas: gpd.GeoDataFrame | None) -> tuple[list[str], list[shapely.Geometry | None]]:
    """Names and shapes of areas, the first of all ground (None), in the order of the names."""
    if areas is None:
        return [""], [None]
    frame = areas.sort_index(key=lambda index: index.astype(str))
    again = frame.index[frame.index.astype(str).duplicated()]
    if len(again):
        raise InputError("two areas have one identifier", value=str(again[0]))
    shapes = lonlat(frame)
    known = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    shapes = np.where(known & ~shapely.is_valid(shapes), shapely.make_valid(shapes), shapes)
    return [OUTSIDE, *frame.index.astype(str)[known]], [None, *shapes[known]]


def _shared(one: shapely.Geometry | None, other: shapely.Geometry | None) -> shapely.Geometry:
    """Ground of two polygons, None is all ground; None if they are both."""
    if one is None or other is None:
        return other if one is None else one
    return polygons_of(shapely.intersection(one, other))


def _of_raster(
    raster: Raster, areas: Sequence[Any], limits: Sequence[Any]
) -> tuple[float, FloatArray]:
    """All persons, and those in each area and within each limit, shape (areas, limits)."""
    values = raster.values[np.isfinite(raster.values)].astype(np.float64)
    if (values < 0).any():
        raise InputError("a count of persons is below zero", value=float(values.min()))
    total = math.fsum(values)
    shapes = np.array([_shared(area, limit) for area in areas for limit in limits], dtype=object)
    frame = gpd.GeoDataFrame(index=range(shapes.size), geometry=shapes, crs="EPSG:4326")
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    found = zonal_statistics(frame, replace(raster, kind="counts"))
    sums = pd.Series(found["sum"].to_numpy(), index=found["zone_id"].astype(int))
    out = sums.reindex(range(shapes.size)).fillna(0.0).to_numpy(copy=True)
    out[[shape is None for shape in shapes]] = total
    return total, out.reshape(len(areas), len(limits))


def of_points(
    points: gpd.GeoDataFrame, column: str, areas: Sequence[Any], limits: Sequence[Any]
) -> tuple[float, FloatArray]:
    """Of points what `_of_raster` gives of cells; a point on an edge is in the first area."""
    if column not in points:
        raise ColumnError(
            f"the points have no column {column!r}", mend='Name it: persons="people".'
        )
    count = numbers(points, column).fillna(0.0).to_numpy(np.float64)
    if not (count >= 0).all() or np.isinf(count).any():
        wrong = float(count[~((count >= 0) & np.isfinite(count))][0])
        raise InputError("a count of persons is below zero or infinite", value=wrong)
    lon, lat = positions(gpd.GeoDataFrame(geometry=lonlat(points), crs="EPSG:4326"))
    spots = shapely.points(lon, lat)

    def holds(shape: Any) -> NDArray[np.bool_]:
        if shape is None:
            return np.ones(len(spots), dtype=bool)
        return np.asarray(shapely.covers(shape, spots), dtype=bool)

    within = [holds(limit) for limit in limits]
    free, out = np.ones(len(spots), dtype=bool), np.zeros((len(areas), len(limits)))
    inner = np.zeros(len(spots), dtype=bool)
    for a, area in enumerate(areas):
        if area is not None:
            own = np.asarray(shapely.contains_properly(area, spots), dtype=bool)
            if (own & inner & (count > 0)).any():
                _overlap(float(count[own & inner].sum()))
            inner |= own
        mine = holds(area) & (free | (area is None))
        if area is not None:
            free &= ~mine
        out[a] = [math.fsum(count[mine & inside]) for inside in within]
    return math.fsum(count), out


def _settle(parts: FloatArray, total: float) -> None:
    """Let parts add up to their total: what is only rounding is 0, and goes to the largest."""
    parts[parts <= _ROUNDING * total] = 0.0
    parts[parts.argmax()] += total - parts.sum()


def persons_by(
    found: Allocation,
    population: Raster | gpd.GeoDataFrame,
    hours: Sequence[float],
    sites: pd.DataFrame,
    boundaries: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Persons by time: of everybody, by service area, and by unit of each level.

    Parameters
    ----------
    found
        Times, and the site that is first.
    population, hours
        As for `population_within`.
    sites
        By `site_id`, with `name` where known.
    boundaries
        Units by code, with `name` and `level`.

    Returns
    -------
    DataFrame
        `by` ("all", "site", or the level), `area_id, area` (its name), then the columns of
        `population_within`.

    Examples
    --------
    >>> from affine import Affine
    >>> where = Affine(1, 0, 76, 0, -1, 40)
    >>> first = Raster(np.array([[1.0, 1.0]]), where, classes={1: "a"})
    >>> found = Allocation(Raster(np.array([[0.5, 1.5]]), where, unit="h"), first, pd.Series())
    >>> count = Raster(np.array([[10.0, 10.0]]), where, kind="counts")
    >>> table = persons_by(found, count, [2], pd.DataFrame({"name": ["Alma"]}, index=["a"]))
    >>> table.loc[table["reach"] == "within", ["by", "area", "persons"]].to_numpy().tolist()
    [['all', '', 20.0], ['site', 'Alma', 20.0]]
    """
    areas = {
        "site": service_areas(found).assign(name=sites.get("name")),
        **units_by_level(boundaries),
    }
    return by_kind(areas, lambda some: population_within(found.time, population, hours, areas=some))


def units_by_level(boundaries: gpd.GeoDataFrame | None) -> dict[str, gpd.GeoDataFrame]:
    """Units of each level, by its name."""
    if boundaries is None:
        return {}
    level = boundaries["level"].astype(str)
    return {name: boundaries[level == name] for name in level.unique()}


def by_kind(
    areas: Mapping[str, gpd.GeoDataFrame], count: Callable[[gpd.GeoDataFrame | None], pd.DataFrame]
) -> pd.DataFrame:
    """Put together what is counted of everybody (`by` = "all") and of each kind of areas."""
    out = []
    for by, some in {"all": None, **areas}.items():
        table = count(some)
        names = None if some is None else some.get("name")
        called = "" if names is None else table["area_id"].map(names).fillna("")
        table.insert(0, "by", by)
        table.insert(2, "area", called)
        out.append(table)
    return pd.concat(out, ignore_index=True).astype({"by": "str", "area": "str"})
