"""How far points are from the nearest road, and which one it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.nearest_edge import NearestEdges
from geosettle.distance.network import is_table
from geosettle.distance.road_cleaning import middle_meridian, prepare_lines, turned, turned_lines
from geosettle.geodesy import inverse
from geosettle.settings import RoadRules


def all_season(roads: pd.DataFrame) -> pd.DataFrame:
    """Roads with a line that are open all year, as far as their column `season` says.

    Examples
    --------
    >>> import shapely
    >>> line = shapely.LineString([(76, 39), (77, 39)])
    >>> roads = pd.DataFrame({"season": [None, "All year", "May-Oct"], "geometry": [line] * 3})
    >>> all_season(roads).index.tolist()
    [0, 1]
    """
    known = roads[roads["geometry"].notna()] if "geometry" in roads else roads.iloc[:0]
    if "season" not in known:
        return known
    season = known["season"]
    return known[season.isna() | season.astype(str).str.contains("all", case=False)]


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
    >>> import geopandas as gpd, shapely
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
    edges = NearestEdges(turned_lines(ready.lines, middle))
    edge, share = edges.to(turned(lon[known], middle), lat[known])
    foot_lon, foot_lat = edges.at(edge, share)
    metres[known] = inverse(lon[known], lat[known], turned(foot_lon, -middle), foot_lat)[0]
    row[known] = ready.row[edges.line[edge]]
    return metres, row
