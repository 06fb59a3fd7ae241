"""Places somewhere in an area: the unit that they declare, or the area drawn for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.crs import WGS84
from geosettle.geodesy import GEOD, arc_bound_m, to_xyz
from geosettle.io.validation import Checked, set_aside
from geosettle.levels import declared_units
from geosettle.names import Aliases
from geosettle.problems import problem

LAND: Final = "land"
"""Word of the column geometry_basis: the area is the land itself, not where the place is."""


def place_by_unit(checked: Checked, units: gpd.GeoDataFrame, aliases: Aliases) -> Checked:
    """Give rows without a position one in the finest unit they declare, if it is certain.

    The unit is then its region: distances run from its nearest to its farthest point. The position
    is a point inside it, `uncertainty_km` the distance from there to the farthest point.
    """
    frame = checked.frame
    if not isinstance(frame, gpd.GeoDataFrame) or not len(frame):
        return checked
    unplaced = np.asarray(shapely.is_missing(frame.geometry.to_numpy()))
    chosen = finest_units(frame, units, aliases)
    rows = np.flatnonzero(unplaced & (chosen.to_numpy() != ""))
    if not rows.size:
        return checked
    shapes = dict(zip(units.index.astype(str), units.geometry.to_numpy(), strict=True))
    placed = _placed(checked, {int(row): shapes[chosen.iloc[row]] for row in rows})
    numbers = set(checked.numbers[rows].tolist())
    kept = tuple(
        p for p in checked.problems if not (p.code == "position_unknown" and p.row in numbers)
    )
    text = (
        f"{len(rows)} row(s) have no position and were placed somewhere in the unit they declare."
    )
    return set_aside(
        replace(placed, problems=kept), [problem("placed_by_unit", text, value=str(len(rows)))]
    )


def place_in_area(checked: Checked) -> Checked:
    """Take the area drawn for an origin as where it is, unless it says that it is the land itself.

    A village drawn as the outline of its district left from somewhere in there, not from its edge.
    """
    frame = checked.frame
    if not isinstance(frame, gpd.GeoDataFrame) or not len(frame):
        return checked
    shapes = frame.geometry.to_numpy()
    land = np.zeros(len(frame), dtype=bool)
    if "geometry_basis" in frame:
        land = frame["geometry_basis"].fillna("").str.strip().str.casefold().eq(LAND).to_numpy()
    rows = np.flatnonzero((shapely.get_dimensions(shapes) == 2) & ~land)
    if not rows.size:
        return checked
    text = (
        f"{len(rows)} origin(s) are drawn as areas; each is taken to be somewhere in its area. "
        f"Where the area is the land itself, write {LAND} in a column geometry_basis."
    )
    placed = _placed(checked, {int(row): shapes[row] for row in rows})
    return set_aside(placed, [problem("placed_in_area", text, value=str(len(rows)))])


def _placed(checked: Checked, areas: dict[int, Any]) -> Checked:
    """Give rows the middle of an area as position, its reach as radius, and it as region."""
    frame = checked.frame
    inner = {id(area): _middle(area) for area in areas.values()}
    geometry = frame["geometry"].to_numpy().copy()
    radius = pd.to_numeric(frame["uncertainty_km"], errors="coerce").to_numpy(float).copy()
    for row, area in areas.items():
        geometry[row], radius[row] = inner[id(area)]
    placed = frame.assign(
        uncertainty_km=radius, geometry=gpd.GeoSeries(geometry, index=frame.index, crs=WGS84)
    )
    regions = {str(frame.index[row]): area for row, area in areas.items()}
    return replace(checked, frame=placed, regions={**checked.regions, **regions})


def finest_units(frame: pd.DataFrame, units: pd.DataFrame, aliases: Aliases) -> pd.Series:
    """Code of the finest unit that each row declares, "" where the finest text is not certain."""
    out = pd.Series("", index=frame.index, dtype=object)
    for declared in declared_units(frame, units, aliases).values():
        for row, (text, codes) in enumerate(zip(declared.texts, declared.codes, strict=True)):
            if text:
                out.iloc[row] = codes[0] if len(codes) == 1 else ""
    return out


def _middle(shape: shapely.Geometry) -> tuple[shapely.Point, float]:
    """Return a point inside a unit, and the kilometres from it to the unit's farthest point."""
    centre = shapely.centroid(shape)
    point = centre if shapely.contains(shape, centre) else shapely.point_on_surface(shape)
    corners = shapely.get_coordinates(shape)
    chord = np.linalg.norm(to_xyz(corners[:, 0], corners[:, 1]) - to_xyz(point.x, point.y), axis=-1)
    corners = corners[arc_bound_m(chord) >= chord.max()]
    x, y = np.full(len(corners), point.x), np.full(len(corners), point.y)
    away = np.asarray(GEOD.inv(x, y, corners[:, 0], corners[:, 1])[2])
    return shapely.Point(round(point.x, 6), round(point.y, 6)), round(
        float(away.max()) / 1000 + 0.001, 3
    )
