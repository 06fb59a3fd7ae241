"""Measures for site standards: area per person, slope, distance to water and to a border.

UNHCR and Sphere print such standards for emergency camps. No value of theirs is built in: none
could be confirmed in a second source here, and camp standards do not judge blocks of flats. Set a
threshold with its source, or only measure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.distance._protocol import positions
from geosettle.geodesy import area_m2, edge_distance_m
from geosettle.livelihood._account import Condition, Layers, Measured, by_subject, number, show
from geosettle.raster import Raster
from geosettle.reasons import no_layer, reason, word

FloatArray = NDArray[np.float64]


def area_per_person(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Area of each site over its persons; m2 per person.

    The area is that of its polygon, or its declared `site_area_ha`.
    """
    sites = layers.sites
    column = str(condition.get("column", "site_area_ha"))
    shapes = np.asarray(sites.geometry.array, dtype=object)
    areal = shapely.get_dimensions(shapes) == 2
    areas = np.full(len(shapes), np.nan)
    areas[areal] = area_m2(shapes[areal])
    found = {}
    for i, subject in enumerate(sites.index.astype(str)):
        persons, declared = (
            number(sites[name].iloc[i]) if name in sites else np.nan for name in ("persons", column)
        )
        unit = "m2_per_person"
        if not persons > 0:
            found[subject] = Measured(why=reason("persons_unknown"))
        elif areal[i]:
            found[subject] = Measured(
                float(areas[i]) / persons, unit=unit, n=persons, evidence="measured"
            )
        elif np.isnan(declared):
            found[subject] = Measured(why=reason("point_without", column=column))
        else:
            found[subject] = Measured(
                declared * 1e4 / persons,
                unit=unit,
                n=persons,
                evidence="declared",
                why=reason("declared", column=column, value=show(declared)),
            )
    return by_subject(found)


def _places(layers: Layers) -> list[tuple[str, float, float, float]]:
    """Id, longitude, latitude (NaN: unknown) and radius in km of every site."""
    sites = layers.sites
    radius = sites.get("uncertainty_km", pd.Series(0.0, sites.index)).map(number).fillna(0.0)
    return list(zip(sites.index.astype(str), *positions(sites), radius.astype(float), strict=True))


def slope(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Slope at each site in percent, from central differences of the elevation.

    The range is over the disc of positions.
    """
    del condition
    places = _places(layers)
    if layers.dem is None:
        nothing = Measured(why=no_layer("dem"))
        return by_subject(dict.fromkeys((subject for subject, *_ in places), nothing))
    dem, (size_x, size_y) = layers.dem, layers.dem.cell_sizes_m()
    return by_subject(
        {
            subject: Measured(why=reason("position_unknown"))
            if np.isnan(lon)
            else _slope(dem, lon, lat, 1000 * radius, size_x, size_y)
            for subject, lon, lat, radius in places
        }
    )


def _slope(  # noqa: PLR0917  (a grid, a disc and the sizes of cells)
    dem: Raster, lon: float, lat: float, radius: float, size_x: FloatArray, size_y: FloatArray
) -> Measured:
    """Slope at one point and its range within a radius in metres; sizes of cells per row."""
    z = dem.values  # noqa: PD011, RUF100
    rows, columns, inside = dem.index([lon], [lat])
    row, col = int(rows[0]), int(columns[0])
    if not inside[0] or min(row, col) < 1 or row >= z.shape[0] - 1 or col >= z.shape[1] - 1:
        return Measured(why=reason("outside_elevation"))
    metres_x, metres_y = float(size_x[row]), float(size_y[row])
    reach_x, reach_y = (int(np.ceil(radius / m)) for m in (metres_x, metres_y))
    top, left = max(0, row - reach_y - 1), max(0, col - reach_x - 1)
    window = z[top : row + reach_y + 2, left : col + reach_x + 2]
    dy = (window[2:, 1:-1] - window[:-2, 1:-1]) / (2 * metres_y)
    dx = (window[1:-1, 2:] - window[1:-1, :-2]) / (2 * metres_x)
    percent = 100 * np.hypot(dx, dy)
    here = percent[row - 1 - top, col - 1 - left]
    if np.isnan(here):
        return Measured(why=reason("no_elevation_at_place"))
    ends = float(np.nanmin(percent)), float(np.nanmax(percent))
    note = reason("slope_cells", metres=round(metres_y))
    return Measured(float(here), *ends, "percent", 1, "measured", note)


def water(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Distance to the nearest river or lake of the layer, km."""
    del condition
    if layers.rivers is None or not len(layers.rivers):
        nothing = Measured(why=no_layer("rivers"))
        return by_subject(dict.fromkeys(layers.sites.index.astype(str), nothing))
    shapes = layers.rivers.geometry[~layers.rivers.geometry.isna()].to_numpy()
    return _to_edge(layers, shapes, reason("rivers_only"))


def border(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Distance to the outer border of the units of a level (default `country`), km."""
    level = str(condition.get("level", "country"))
    units = None
    if layers.boundaries is not None and "level" in layers.boundaries:
        units = layers.boundaries[layers.boundaries["level"] == level]
    if units is None or units.empty:
        lacking = reason("no_unit_of_level", level=word("level", level))
        nothing = Measured(why=no_layer("boundaries") if units is None else lacking)
        return by_subject(dict.fromkeys(layers.sites.index.astype(str), nothing))
    outer = shapely.boundary(shapely.union_all(units.geometry.to_numpy()))
    return _to_edge(layers, np.array([outer]), reason("outer_border", level=word("level", level)))


def _to_edge(layers: Layers, shapes: Any, note: str) -> pd.DataFrame:
    """Distance of every site to the nearest of some shapes, km, with its radius either way."""
    found = {}
    for subject, lon, lat, radius in _places(layers):
        if np.isnan(lon):
            found[subject] = Measured(why=reason("position_unknown"))
            continue
        metres = edge_distance_m(np.full(len(shapes), lon), np.full(len(shapes), lat), shapes)
        km = max(0.0, float(pd.Series(metres).min()) / 1000)
        low, high = max(0.0, km - radius), km + radius
        found[subject] = Measured(km, low, high, "km", len(shapes), "measured", note)
    return by_subject(found)
