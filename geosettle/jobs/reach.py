"""Reach in parts: the sites of a tile with their times, catchments and persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.covers import zonal_statistics
from geosettle.distance import Context
from geosettle.distance._inputs import as_places
from geosettle.distance._protocol import positions
from geosettle.errors import InputError
from geosettle.io import cog_bytes
from geosettle.io.rasters import TIME, read_raster
from geosettle.jobs.parts import RASTERS, Job, Part, WithRasters, digest, row_hashes, tiles
from geosettle.raster import Raster
from geosettle.reach import Allocation, catchments, site_times
from geosettle.reach.population import of_points
from geosettle.reach.times import MARGIN, placed, reasons_of, within

_SITES: Final = 25
"""Sites of a part at most."""
_TIME, _FIRST = "time.tif", "allocation.tif"


@dataclass(frozen=True, eq=False)
class MakeReach:
    """Makes times, catchments and persons of some sites; the same for all parts.

    Parameters
    ----------
    hours
        Limits of the catchments.
    away
        From the sites, not towards them.
    context
        Layers that all parts share.
    population
        As of `population_within`; None leaves the persons out.
    each
        Whether each site has a raster of its own.
    """

    hours: Sequence[float]
    away: bool = False
    context: Context = field(default_factory=Context)
    population: Raster | gpd.GeoDataFrame | None = None
    each: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was prepared: every worker prepares it once."""
        return {**vars(self), "context": replace(self.context, memory={})}

    def __call__(self, sites: gpd.GeoDataFrame) -> WithRasters:
        """Measure some sites; rows are by site and hours."""
        grid, places = placed(sites, {"context": self.context})
        least = Raster(
            np.full(grid.grid.shape, np.inf), grid.dem.transform, grid.dem.crs, "h",
            source=grid.dem.source,
        )  # fmt: skip
        first = np.full(least.shape, np.nan, np.float32)
        rasters: dict[str, bytes] = {}

        def followed() -> Iterator[tuple[str, Raster]]:
            limit, numbers = max(self.hours), {name: n for n, name in enumerate(places, start=1)}
            times = site_times(sites, away=self.away, limit_h=limit, context=self.context)
            for name, time in times:
                sooner = time.values < least.values
                least.values[sooner], first[sooner] = time.values[sooner], numbers[name]
                if self.each:
                    sure = _windowed(within(time, limit))
                    rasters[f"site-{numbers[name]:02d}.tif"] = cog_bytes(sure, {"SITE": name})
                yield name, time

        table = catchments(followed(), self.hours).reset_index()
        if self.population is not None:
            table.insert(3, "persons", _persons(table, self.population))
        why = reasons_of(places)
        lost = why[why != ""].rename_axis("site_id").reset_index()
        rows = pd.concat([table, lost], ignore_index=True).assign(
            why=lambda t: t["why"].fillna("").astype("str")
        )
        least.values[grid.grid.closed] = np.nan
        window = _windowed(least)
        rasters[_TIME] = cog_bytes(window)
        at = _place(window, least)
        part = Raster(first[at], window.transform, window.crs, "class", kind="classes")
        rasters[_FIRST] = cog_bytes(part)
        order = pd.Categorical(rows["site_id"], sites.index.astype(str))  # that of the curve
        rows = rows.iloc[np.lexsort((rows["hours"], order.codes))]
        columns = [*rows.columns.drop(["geometry", "why"]), "why", "geometry"]
        made = gpd.GeoDataFrame(rows[columns], geometry="geometry", crs="EPSG:4326")
        return WithRasters(made.reset_index(drop=True), rasters)


def reach_job(
    sites: gpd.GeoDataFrame,
    hours: Sequence[float],
    *,
    away: bool = False,
    context: Context | None = None,
    population: Raster | gpd.GeoDataFrame | None = None,
    each: bool = False,
    inputs: Mapping[str, str] | None = None,
) -> Job:
    """Plan the times, catchments and persons of many sites in parts.

    Parameters
    ----------
    sites
        As of `site_times`.
    hours
        Limits of the catchments.
    away
        From the sites, not towards them.
    context
        Layers to travel over, and their options.
    population
        As of `population_within`.
    each
        Whether each site has a raster of its own.
    inputs
        Name of a layer to what its file holds (a hash), so that parts are made again where it
        changes.

    Returns
    -------
    Job
        For `run_job`. Rows are by `site_id` and `hours`: `area_ha`, `persons` (within the hours of
        this site, which others may also reach), `why`, and the catchment. In `_rasters` each part
        has the least hours of its sites and the number of the first; see `joined`.

    Raises
    ------
    InputError
        No hours, or one that is not above zero.

    Examples
    --------
    >>> at = gpd.points_from_xy([76.0, -60.0], [39.0, 10.0])
    >>> sites = gpd.GeoDataFrame(index=["A", "B"], geometry=at, crs=4326)
    >>> [part.units for part in reach_job(sites, [1, 2]).parts]
    [2]
    """
    limits = sorted({float(h) for h in hours})
    if not limits or not all(0 < h < np.inf for h in limits):
        raise InputError("reach needs hours above zero", value=list(hours), mend="Give [1, 2].")
    sites = as_places(sites, "site").sort_index()
    sites = gpd.GeoDataFrame(geometry=sites.geometry)  # names of sites change no part
    context = context or Context()
    about = {
        "version": 1, "hours": limits, "away": away, "each": each,
        "persons": population is not None, "layers": dict(inputs or {}),
        "settings": context.options,
    }  # fmt: skip
    hashes = row_hashes(sites)
    parts = [
        Part(name, digest(about, hashes[rows]), rows, rows.size)
        for name, rows in tiles(*positions(sites), _SITES)
    ]
    make = MakeReach(limits, away, context, population, each)
    return Job("reach", about, parts, lambda part: (sites.iloc[part.rows],), make)


def joined(job: Job, folder: Path | str, sites: gpd.GeoDataFrame) -> Allocation:
    """Join the parts of a job of reach: the site that is first in each cell, and the hours.

    Parameters
    ----------
    job
        All of whose parts are made.
    folder
        Where they are.
    sites
        Those of the job.

    Returns
    -------
    Allocation
        As of `travel_allocation`, up to 1.1 times the last of the hours: beyond this no site is
        first, and hours may be too long, or infinite (see `within`).

    Examples
    --------
    >>> import tempfile
    >>> from affine import Affine
    >>> from geosettle.jobs import run_job
    >>> dem = Raster(np.zeros((3, 5)), Affine(0.01, 0, 76, 0, -0.01, 39), unit="m")
    >>> at = gpd.points_from_xy([76.005, 76.045], [38.985] * 2)
    >>> sites = gpd.GeoDataFrame(index=["a", "b"], geometry=at, crs=4326)
    >>> job, folder = reach_job(sites, [1], context=Context(dem=dem)), tempfile.mkdtemp()
    >>> _ = run_job(job, folder)
    >>> joined(job, folder, sites).first.values[1].tolist()
    [1.0, 1.0, 1.0, 2.0, 2.0]
    """
    sites = as_places(sites, "site").sort_index()
    grid, places = placed(sites, {"context": job.make.context})  # type: ignore[attr-defined]
    dem, names = grid.dem, sites.index.astype(str)
    hours = np.where(grid.grid.closed, np.nan, np.float32(np.inf)).astype(np.float32)
    first = np.full(hours.shape, np.inf, np.float32)
    whole = Raster(hours, dem.transform, dem.crs, "h", source=dem.source)
    for part in job.parts:
        time, number = (
            read_raster(Path(folder, RASTERS, name), name, role=TIME)[0]
            for name in (f"{part.stem}-{end}" for end in (_TIME, _FIRST))
        )
        at, values = _place(time, whole), time.values.astype(np.float32)
        own = np.append(np.sort(part.rows), -1)[np.nan_to_num(number.values, nan=0).astype(int) - 1]
        own = (own + 1).astype(np.float32)  # those of a part are in the order of all
        better = (values < hours[at]) | ((values == hours[at]) & (own < first[at]))
        better &= np.isfinite(values)
        hours[at][better], first[at][better] = values[better], own[better]
    first[np.isinf(first) | (hours > max(job.about["hours"]) * MARGIN)] = np.nan
    classes = dict(enumerate(names, start=1))
    numbers = Raster(first, dem.transform, dem.crs, "class", classes, dem.source, "classes")
    return Allocation(whole, numbers, reasons_of(places))


def site_files(job: Job, sites: gpd.GeoDataFrame) -> dict[str, str]:
    """Name of the raster of each site in the folder of a job that makes them.

    Examples
    --------
    >>> at = gpd.points_from_xy([76.0], [39.0])
    >>> sites = gpd.GeoDataFrame(index=["A"], geometry=at, crs=4326)
    >>> job = reach_job(sites, [1], each=True)
    >>> site_files(job, sites)["A"].endswith("-site-01.tif")
    True
    """
    names = as_places(sites, "site").sort_index().index.astype(str)
    return {
        names[row]: f"{RASTERS}/{part.stem}-site-{n:02d}.tif"
        for part in job.parts
        for n, row in enumerate(np.sort(part.rows), start=1)
    }


def _windowed(time: Raster) -> Raster:
    """Rows and columns with a finite value; one cell at least."""
    known = np.isfinite(time.values)
    spans = []
    for axis in (1, 0):
        some = np.flatnonzero(known.any(axis=axis))
        spans.append(slice(some[0], some[-1] + 1) if some.size else slice(0, 1))
    return time.window(*spans)


def _place(part: Raster, whole: Raster) -> tuple[slice, slice]:
    """Rows and columns of a part of a grid in the whole."""
    left, top = ~whole.transform @ (part.transform.c, part.transform.f)
    row, column, (rows, columns) = round(top), round(left), part.shape
    return slice(row, row + rows), slice(column, column + columns)


def _persons(
    catchment: gpd.GeoDataFrame, population: Raster | gpd.GeoDataFrame
) -> NDArray[np.float64]:
    """Persons in each polygon; the same persons may be in several."""
    shapes = catchment.geometry
    if not isinstance(population, Raster):
        return np.asarray(of_points(population, "population", [None], list(shapes))[1][0])
    some = ~shapes.is_empty
    zones = gpd.GeoDataFrame(geometry=shapes[some].reset_index(drop=True), crs="EPSG:4326")
    out: NDArray[np.float64] = np.zeros(len(shapes))
    if len(zones):
        found = zonal_statistics(zones, population).set_index("zone_id")["sum"]
        out[some] = found.reindex(zones.index.astype(str)).fillna(0.0)
    return out
