"""Places without a position, placed somewhere in the administrative unit that they declare."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.geodesy import GEOD
from geosettle.io.validation import Checked, set_aside
from geosettle.levels import declared_units
from geosettle.names import Aliases
from geosettle.problems import problem


def place_by_unit(checked: Checked, units: gpd.GeoDataFrame, aliases: Aliases) -> Checked:
    """Give rows without a position one in the finest unit they declare, if it is certain.

    The position is a point inside the unit, `uncertainty_km` the distance from it to the farthest
    point of the unit; with the declared unit, every draw is then somewhere in the unit.
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
    inner = {code: _middle(shapes[code]) for code in sorted(set(chosen.iloc[rows]))}
    geometry = frame.geometry.to_numpy().copy()
    radius = pd.to_numeric(frame["uncertainty_km"], errors="coerce").to_numpy(float).copy()
    for row in rows:
        geometry[row], radius[row] = inner[chosen.iloc[row]]
    frame = frame.assign(uncertainty_km=radius).set_geometry(
        gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs)
    )
    numbers = set(checked.numbers[rows].tolist())
    kept = tuple(
        p for p in checked.problems if not (p.code == "position_unknown" and p.row in numbers)
    )
    text = (
        f"{len(rows)} row(s) have no position and were placed somewhere in the unit they declare."
    )
    return set_aside(
        replace(checked, frame=frame, problems=kept),
        [problem("placed_by_unit", text, value=str(len(rows)))],
    )


def finest_units(frame: pd.DataFrame, units: pd.DataFrame, aliases: Aliases) -> pd.Series:
    """Code of the finest unit that each row declares, "" where the finest text is not certain."""
    out = pd.Series("", index=frame.index, dtype=object)
    for told in declared_units(frame, units, aliases).values():
        for row, (text, codes) in enumerate(zip(told.texts, told.codes, strict=True)):
            if text:
                out.iloc[row] = codes[0] if len(codes) == 1 else ""
    return out


def _middle(shape: shapely.Geometry) -> tuple[shapely.Point, float]:
    """Return a point inside a unit, and the kilometres from it to the unit's farthest point."""
    centre = shapely.centroid(shape)
    point = centre if shapely.contains(shape, centre) else shapely.point_on_surface(shape)
    corners = shapely.get_coordinates(shape)
    x, y = np.full(len(corners), point.x), np.full(len(corners), point.y)
    away = np.asarray(GEOD.inv(x, y, corners[:, 0], corners[:, 1])[2])
    return shapely.Point(round(point.x, 6), round(point.y, 6)), round(
        float(away.max()) / 1000 + 0.001, 3
    )
