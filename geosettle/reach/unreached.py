"""Where the persons are who do not reach a site in time: the largest groups of them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from geosettle.cells import numbers
from geosettle.crs import lonlat
from geosettle.distance._protocol import positions
from geosettle.distance.geodesic import nearest_geodesic
from geosettle.errors import InputError
from geosettle.raster import Raster
from geosettle.reasons import reason, rendered

FloatArray = NDArray[np.float64]


@rendered
def unreached_groups(
    time: Raster,
    population: Raster | gpd.GeoDataFrame,
    hours: float,
    *,
    sites: gpd.GeoDataFrame | None = None,
    most: int = 20,
    persons: str = "population",
    sought_h: float = np.inf,
) -> gpd.GeoDataFrame:
    """Give the largest groups of persons beyond a travel time, or without any way, and where.

    Parameters
    ----------
    time
        Hours, as for `population_within`.
    population
        Counts of persons by cell; or points (villages) with a column of persons.
    hours
        Limit, above zero.
    sites
        To name the nearest one in a straight line; None leaves it out.
    most
        How many groups, those of most persons first.
    persons
        Column of the points.
    sought_h
        Up to where times were sought, if not everywhere; farther ones are infinite.

    Returns
    -------
    GeoDataFrame
        One row per group, the largest first: `persons`, `places` (cells or points), `share` of all
        persons, `hours` at its place (missing without a way), `site_id` and `site_km` (geodesic) of
        the nearest site, `why`, and the place as a point, WGS84: of a group of cells the centre of
        the cell with most persons.

    Raises
    ------
    InputError
        The limit or the number of groups is not above zero.

    Notes
    -----
    Of a raster a group is what hangs together of cells with persons, corners included, whose centre
    is beyond the limit; each point is a group by itself. Where no time can be measured (closed
    cells, outside the grid) nothing is known, and nobody is counted.

    Examples
    --------
    >>> from affine import Affine
    >>> where = Affine(1, 0, 76, 0, -1, 40)
    >>> time = Raster(np.array([[0.5, 3.0, 3.5, 0.9, np.inf]]), where)
    >>> count = Raster(np.array([[9.0, 4.0, 5.0, 9.0, 2.0]]), where, kind="counts")
    >>> unreached_groups(time, count, 2)[["persons", "places", "hours"]]
       persons  places  hours
    0      9.0       2    3.5
    1      2.0       1    NaN
    """
    if not (hours > 0 and most > 0):
        raise InputError("the limit and the number of groups must be above zero", value=hours)
    if isinstance(population, Raster):
        group, count, lon, lat = _cells(time, population, hours)
        everybody = float(np.nansum(population.values))
    else:
        count = numbers(population, persons).fillna(0.0).to_numpy(np.float64)
        everybody = float(count.sum())
        lon, lat = positions(gpd.GeoDataFrame(geometry=lonlat(population), crs="EPSG:4326"))
        beyond = (time.sample(lon, lat) > hours) & (count > 0)
        count, lon, lat = (values[beyond] for values in (count, lon, lat))
        group = np.arange(count.size)
    table = pd.DataFrame({"group": group, "persons": count, "lon": lon, "lat": lat})
    table = table.sort_values("persons", ascending=False, kind="stable")
    table["places"] = 1
    found = table.groupby("group", sort=False).agg(
        {"persons": "sum", "places": "sum", "lon": "first", "lat": "first"}
    )
    found = found.sort_values("persons", ascending=False, kind="stable").head(most)
    at = found["lon"].to_numpy(float), found["lat"].to_numpy(float)
    there = time.sample(*at)
    out = found[["persons", "places"]].assign(
        share=found["persons"] / everybody, hours=np.where(np.isfinite(there), there, np.nan)
    )
    if sites is not None:
        out = _with_nearest(out, *at, sites)
    none = reason("no_way_to_a_site")
    if np.isfinite(sought_h):
        none = reason("no_site_within", limit=sought_h, unit="h")
    why = np.where(np.isfinite(there), "", none)
    shapes = gpd.points_from_xy(*at)
    out = out.assign(why=why.astype(str)).reset_index(drop=True)
    return gpd.GeoDataFrame(out, geometry=shapes, crs="EPSG:4326")


def _cells(
    time: Raster, people: Raster, hours: float
) -> tuple[NDArray[np.intp], FloatArray, FloatArray, FloatArray]:
    """Group, persons and centre of every cell with persons beyond the limit."""
    at = np.argwhere(np.nan_to_num(people.values) > 0)
    beyond = time.sample(*people.centres(at[:, 0], at[:, 1])) > hours
    row, column = at[beyond].T
    there = np.zeros(people.shape, dtype=np.bool_)
    there[row, column] = True
    label, _ = ndimage.label(there, np.ones((3, 3), dtype=int))
    group = np.asarray(label, dtype=np.intp)[row, column]
    return group, people.values[row, column].astype(np.float64), *people.centres(row, column)


def _with_nearest(
    groups: pd.DataFrame, lon: FloatArray, lat: FloatArray, sites: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Add the nearest site of each group in a straight line, where any has a position."""
    points = (lon, lat), positions(sites)
    name, km = np.full(len(groups), "", dtype=object), np.full(len(groups), np.nan)
    i, j, metres = nearest_geodesic(sites, sites, points, k=1, max_m=np.inf)
    name[i], km[i] = sites.index.astype(str).to_numpy(object)[j], metres / 1000
    return groups.assign(site_id=name.astype(str), site_km=km)
