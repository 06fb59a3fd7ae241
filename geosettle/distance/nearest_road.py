"""How far points are from the nearest road, and which one it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.network import is_table
from geosettle.distance.road_cleaning import middle_meridian, prepare_lines, turned, turned_lines
from geosettle.geodesy import shortest_m
from geosettle.settings import RoadRules


def nearest_road(
    roads: pd.DataFrame, lon: FloatArray, lat: FloatArray, rules: RoadRules | None = None
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Geodesic distance of points to the nearest road, and its row in the layer.

    Parameters
    ----------
    roads
        Road lines; a table of lengths between places has no lines, and gives no distance.
    lon, lat
        WGS84, degrees, shape (n,); NaN: unknown.
    rules
        Rows that these leave out, or close, are no roads.

    Returns
    -------
    metres, row
        Shape (n,) each; NaN and -1 where there is none.

    Examples
    --------
    >>> import geopandas as gpd
    >>> line = shapely.LineString([(76, 39), (77, 39)])
    >>> roads = gpd.GeoDataFrame({"class": ["primary"]}, geometry=[line], crs="EPSG:4326")
    >>> metres, row = nearest_road(roads, np.array([76.5]), np.array([39.01]))
    >>> metres.round(1).tolist(), row.tolist()
    ([1110.2], [0])
    """
    metres, row = np.full(lon.size, np.nan), np.full(lon.size, -1, dtype=np.intp)
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    if is_table(roads) or not len(roads) or not known.size:
        return metres, row
    ready = prepare_lines(roads, rules or RoadRules())
    if not ready.lines.size:
        return metres, row
    middle = middle_meridian(ready.lines)
    edges, of = _edges(turned_lines(ready.lines, middle))
    points = shapely.points(turned(lon[known], middle), lat[known])
    # On a conformal plane the nearest edge is the nearest one on the ground.
    flat = np.asarray(shapely.transform(edges, _mercator))
    at = shapely.STRtree(flat).query_nearest(
        shapely.transform(points, _mercator), all_matches=False
    )
    metres[known] = shortest_m(points, edges[at[1]])[0]
    row[known] = ready.row[of[at[1]]]
    return metres, row


def _edges(lines: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Every edge of the lines as a line of its own, and the line that it is part of."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(of[1:] == of[:-1])
    ends = np.stack([xy[first], xy[first + 1]], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=object), of[first]


def _mercator(xy: FloatArray) -> FloatArray:
    """Longitude and latitude on the conformal plane of a sphere, in degrees at the equator."""
    lat = np.radians(np.clip(xy[:, 1], -89.9, 89.9))
    return np.column_stack([xy[:, 0], np.degrees(np.arctanh(np.sin(lat)))])
