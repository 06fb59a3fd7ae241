"""Measures for site standards: area per person, slope, distance to water and to a border.

UNHCR and Sphere print such standards for emergency camps. No value of theirs is built in: none
could be confirmed in a second source here, and camp standards do not judge blocks of flats. Set a
threshold with its source, or only measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geosettle.distance._protocol import positions
from geosettle.geodesy import area_m2, edge_distance_m
from geosettle.livelihood._account import Layers, Measured, number, show

__all__ = ["area_per_person", "border", "slope", "water"]


def area_per_person(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Area of the site's polygon, or of its declared `site_area_ha`, over its persons; m2 per
    person.
    """
    site = layers.sites.loc[[subject]]
    persons = number(site["persons"].iloc[0]) if "persons" in site else np.nan
    if not persons > 0:
        return Measured(why="persons unknown")
    shape = site.geometry.iloc[0]
    if shape is not None and shapely.get_dimensions(shape) == 2:
        return Measured(
            float(area_m2([shape])[0]) / persons,
            unit="m2 per person",
            n=persons,
            evidence="measured",
        )
    column = str(condition.get("column", "site_area_ha"))
    area = number(site[column].iloc[0]) if column in site else np.nan
    if np.isnan(area):
        return Measured(why=f"the site is a point and has no {column}")
    return Measured(
        area * 1e4 / persons,
        unit="m2 per person",
        n=persons,
        evidence="declared",
        why=f"{column} {show(area)}",
    )


def _place(layers: Layers, subject: str) -> tuple[float, float, float] | None:
    """Longitude, latitude and radius in km of a site; None where its position is unknown."""
    site = layers.sites.loc[[subject]]
    lon, lat = positions(site)
    if np.isnan(lon[0]):
        return None
    radius = number(site["uncertainty_km"].iloc[0]) if "uncertainty_km" in site else np.nan
    return float(lon[0]), float(lat[0]), 0.0 if np.isnan(radius) else radius


def slope(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Slope at the site in percent, from central differences of the elevation; its range over the
    disc of positions.
    """
    del condition
    place = _place(layers, subject)
    if layers.dem is None or place is None:
        return Measured(
            why="the study has no elevation" if layers.dem is None else "position unknown"
        )
    lon, lat, radius = place
    z = layers.dem.values  # noqa: PD011, RUF100
    rows, columns, inside = layers.dem.index([lon], [lat])
    row, col = int(rows[0]), int(columns[0])
    metres_x, metres_y = (float(size[row]) for size in layers.dem.cell_sizes_m())
    reach_x, reach_y = (int(np.ceil(1000 * radius / m)) for m in (metres_x, metres_y))
    window = z[
        max(0, row - reach_y - 1) : row + reach_y + 2, max(0, col - reach_x - 1) : col + reach_x + 2
    ]
    if (
        not inside[0]
        or min(row, col) < 1
        or row >= z.shape[0] - 1
        or col >= z.shape[1] - 1
        or min(window.shape) < 3
    ):
        return Measured(why="the site lies outside the elevation grid")
    dy = (window[2:, 1:-1] - window[:-2, 1:-1]) / (2 * metres_y)
    dx = (window[1:-1, 2:] - window[1:-1, :-2]) / (2 * metres_x)
    percent = 100 * np.hypot(dx, dy)
    here = percent[row - 1 - max(0, row - reach_y - 1), col - 1 - max(0, col - reach_x - 1)]
    if np.isnan(here):
        return Measured(why="no elevation at the site")
    note = f"mean of cells of {metres_y:.0f} m"
    return Measured(
        float(here),
        float(np.nanmin(percent)),
        float(np.nanmax(percent)),
        "percent",
        1,
        "measured",
        note,
    )


def water(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Distance to the nearest river or lake of the layer, km."""
    del condition
    if layers.rivers is None or not len(layers.rivers):
        return Measured(why="the study has no rivers or lakes")
    shapes = layers.rivers.geometry[~layers.rivers.geometry.isna()].to_numpy()
    return _to_edge(
        layers,
        subject,
        shapes,
        "rivers and lakes of the layer only; canals and wells are not in it",
    )


def border(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Distance to the outer border of the units of a level (default `country`), km."""
    level = str(condition.get("level", "country"))
    if layers.boundaries is None or "level" not in layers.boundaries:
        return Measured(why="the study has no boundaries")
    units = layers.boundaries[layers.boundaries["level"] == level]
    if units.empty:
        return Measured(why=f"no unit of level {level} in the boundaries")
    outer = shapely.boundary(shapely.union_all(units.geometry.to_numpy()))
    return _to_edge(
        layers, subject, np.array([outer]), f"outer border of the units of level {level}"
    )


def _to_edge(layers: Layers, subject: str, shapes: Any, note: str) -> Measured:
    place = _place(layers, subject)
    if place is None:
        return Measured(why="position unknown")
    lon, lat, radius = place
    metres = edge_distance_m(np.full(len(shapes), lon), np.full(len(shapes), lat), shapes)
    km = max(0.0, float(pd.Series(metres).min()) / 1000)
    return Measured(km, max(0.0, km - radius), km + radius, "km", len(shapes), "measured", note)
