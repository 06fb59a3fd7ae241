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
    tree = shapely.STRtree(edges)
    first = tree.query_nearest(points, all_matches=False)[1]
    # Nearest in degrees is not nearest on the ground, but none is farther than that one: every
    # edge that comes nearer touches the box around a circle of its distance.
    reach = shortest_m(points, edges[first])[0]
    point, edge = tree.query(_boxes(shapely.get_coordinates(points), reach))
    found = shortest_m(points[point], edges[edge])[0]
    order = np.lexsort((edge, found, point))
    best = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
    metres[known], row[known] = found[best], ready.row[of[edge[best]]]
    return metres, row


def _boxes(xy: FloatArray, metres: FloatArray) -> NDArray[np.object_]:
    """Boxes of longitude and latitude that hold all that is so near to points, and a little more.

    No degree of latitude is shorter than 110.5 km on WGS84, and no degree of longitude shorter than
    111.3 km times the cosine of the latitude; next to a pole the box goes round the Earth.
    """
    x, y = xy.T
    high = metres / 110_500 + 1e-6
    pole = np.minimum(np.abs(y) + high, 90)
    with np.errstate(divide="ignore"):
        wide = np.minimum(metres / (111_300 * np.cos(np.radians(pole))) + 1e-6, 180.0)
    return np.asarray(shapely.box(x - wide, y - high, x + wide, y + high))


def _edges(lines: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Every edge of the lines as a line of its own, and the line that it is part of."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(of[1:] == of[:-1])
    ends = np.stack([xy[first], xy[first + 1]], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=object), of[first]
