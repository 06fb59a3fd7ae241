"""Rural Access Index: the share of persons near a road that is open all year."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from geosettle.crs import lonlat
from geosettle.distance._protocol import positions
from geosettle.distance.nearest_road import all_season, nearest_road
from geosettle.errors import InputError
from geosettle.raster import Raster
from geosettle.reach.population import (
    areas_of,
    by_kind,
    of_points,
    population_within,
    units_by_level,
)
from geosettle.reasons import reason, rendered
from geosettle.settings import DEFAULTS

_FINE: Final = 8
"""Cells in the distance, at least: the line of the distance runs between their centres."""


@rendered
def rural_access(
    population: Raster | gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    *,
    areas: gpd.GeoDataFrame | None = None,
    urban: gpd.GeoDataFrame | Raster | None = None,
    within_km: float = DEFAULTS.services.rural_access_km,
    persons: str = "population",
) -> pd.DataFrame:
    """Share of the rural persons within 2 km of an all-season road, SDG indicator 9.1.1.

    Parameters
    ----------
    population
        Counts of persons by cell, on any grid and CRS; or points with a column of persons.
    roads
        Lines. Rows whose `season` names a part of the year are left out; that the others are open
        all year is for the user to know.
    areas
        Polygons that do not overlap, by id, such as administrative units. None: one row.
    urban
        Ground whose persons do not count: polygons, or a raster whose cells above zero are urban;
        a cell of the population counts by its centre. None: everybody counts.
    within_km
        Straight line to the nearest road, km.
    persons
        Column of the points.

    Returns
    -------
    DataFrame
        `area_id` (empty without `areas`; "(outside)" for those in none), `persons`, `near_road`
        (of these, within the distance), `share`, the index, and `why` it is missing: nobody lives
        there.

    Raises
    ------
    InputError
        No all-season road has a line, or a distance that is not above zero.

    Notes
    -----
    The definition is that of the UN metadata of the indicator (World Bank, 2016: Measuring rural
    access using new technologies). Distances are geodesic, from the centres of cells of at most an
    eighth of the limit; cells of the population are split where the limit crosses them.

    Examples
    --------
    >>> from affine import Affine
    >>> count = Raster(np.full((20, 20), 5.0), Affine(0.01, 0, 0, 0, -0.01, 0.1), kind="counts")
    >>> road = gpd.GeoDataFrame(geometry=[shapely.LineString([(-1, 0), (1, 0)])], crs=4326)
    >>> rural_access(count, road)[["persons", "share"]].round(3).to_numpy().tolist()
    [[2000.0, 0.181]]
    """
    if not within_km > 0:
        raise InputError("the distance to a road must be above zero", value=within_km)
    open_all_year = all_season(roads)
    if open_all_year.empty:
        raise InputError(
            "no all-season road has a line",
            mend="Give roads as lines; a column `season` that is empty or says `all` is all year.",
        )
    if isinstance(population, Raster):
        people = _rural_cells(population, urban)
        near = _kilometres(people, open_all_year, within_km)
        table = population_within(near, people, [within_km], areas=areas)
        table["near_road"] = table["persons"].where(table["reach"] == "within", 0.0)
        found = table.groupby("area_id", sort=False)[["persons", "near_road"]].sum().reset_index()
    else:
        points = _rural_points(population, urban)
        lon, lat = positions(gpd.GeoDataFrame(geometry=lonlat(points), crs="EPSG:4326"))
        metres, _ = nearest_road(open_all_year, lon, lat)
        found = _counted(points, metres <= within_km * 1000, persons, areas)
    some = found["persons"] > 0
    share = (found["near_road"] / found["persons"]).where(some)
    return found.assign(share=share, why=np.where(some, "", reason("nobody_counted"))).astype(
        {"why": "str"}
    )


def rural_access_by(
    population: Raster | gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    boundaries: gpd.GeoDataFrame | None,
    within_km: float,
) -> pd.DataFrame:
    """Index of everybody, and of the units of each level; with `by` and `area`, the unit's name."""
    return by_kind(
        units_by_level(boundaries),
        lambda some: rural_access(population, roads, areas=some, within_km=within_km),
    )


def _counted(
    points: gpd.GeoDataFrame, near: NDArray[np.bool_], persons: str, areas: gpd.GeoDataFrame | None
) -> pd.DataFrame:
    """Persons of points by area, all and those near a road."""
    names, shapes = areas_of(areas)
    all_, some = (of_points(p, persons, shapes, [None])[1][:, 0] for p in (points, points[near]))
    found = pd.DataFrame({"area_id": names, "persons": all_, "near_road": some})
    if areas is None:
        return found
    outside = found.iloc[[0]].copy()
    outside[["persons", "near_road"]] -= found.iloc[1:][["persons", "near_road"]].sum()
    parts = [found.iloc[1:], outside] if outside["persons"].item() > 0 else [found.iloc[1:]]
    return pd.concat(parts, ignore_index=True)


def _rural_points(
    points: gpd.GeoDataFrame, urban: gpd.GeoDataFrame | Raster | None
) -> gpd.GeoDataFrame:
    """Points that are not on urban ground."""
    if urban is None:
        return points
    lon, lat = positions(gpd.GeoDataFrame(geometry=lonlat(points), crs="EPSG:4326"))
    return points[~_is_urban(urban, lon, lat)]


def _rural_cells(people: Raster, urban: gpd.GeoDataFrame | Raster | None) -> Raster:
    """Set the counts of cells whose centre is on urban ground to zero."""
    if urban is None:
        return people
    row, column = np.nonzero(np.nan_to_num(people.values) > 0)
    lon, lat = people.centres(row, column)
    taken = _is_urban(urban, lon, lat)
    values = people.values.copy()
    values[row[taken], column[taken]] = 0
    return replace(people, values=values)


def _is_urban(
    urban: gpd.GeoDataFrame | Raster, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.bool_]:
    if isinstance(urban, Raster):
        return np.nan_to_num(urban.sample(lon, lat)) > 0
    ground = shapely.union_all(lonlat(urban))
    shapely.prepare(ground)
    return np.asarray(shapely.intersects_xy(ground, lon, lat), dtype=np.bool_)


def _kilometres(people: Raster, roads: gpd.GeoDataFrame, within_km: float) -> Raster:
    """Km to the nearest road around the cells with persons, infinite elsewhere."""
    side_km = max(float(np.max(size)) for size in people.cell_sizes_m()) / 1000
    parts = max(1, math.ceil(side_km * _FINE / within_km))
    asked = binary_dilation(np.nan_to_num(people.values) > 0, np.ones((3, 3), dtype=bool))
    asked = np.kron(asked, np.ones((parts, parts), dtype=bool))
    fine = people.transform @ Affine.scale(1 / parts)
    grid = Raster(np.full(asked.shape, np.inf), fine, crs=people.crs, unit="km")
    lon, lat = grid.centres(*np.nonzero(asked))
    grid.values[asked] = nearest_road(roads, lon, lat)[0] / 1000
    return grid
