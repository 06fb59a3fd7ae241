"""Names of towns and administrative units, with the places where they may be written."""

from __future__ import annotations

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.analysis import Result
from geosettle.geodesy import area_m2
from geosettle.levels import seat_kinds
from geosettle.maps import encoding

NO_DATA_RANK: Final = 20
"""Added to the rank of units in which nothing was counted."""


def located(frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Rows that have a geometry; None if there is no such row."""
    if frame is None or len(frame) == 0:
        return None
    kept = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    return kept if len(kept) else None


def levels_by_size(boundaries: gpd.GeoDataFrame) -> list[str]:
    """Rungs of the ladder, finest first: by the mean size of their units."""
    area = pd.Series(area_m2(boundaries.geometry.to_numpy()))
    size = area.groupby(boundaries["level"].astype(str).to_numpy()).mean()
    return [str(level) for level in size.sort_values(kind="stable").index]


def names(result: Result) -> dict[str, Any]:
    """Names of towns and units; a lower rank is placed first, units without data last.

    The names of sites come from their table.
    """
    rows: list[pd.DataFrame] = []
    counted = set(result.units["code"].astype(str)) if "code" in result.units else set()
    boundaries, places = located(result.study.boundaries), located(result.study.places)
    if places is not None:
        kinds = places["kind"].astype(str)
        for rank, kind in enumerate(seat_kinds(kinds, boundaries)[:2], start=2):
            rows.append(_named(places[kinds == kind], rank, "place"))
    if boundaries is not None:
        for rank, level in enumerate(reversed(levels_by_size(boundaries))):
            of_level = boundaries[boundaries["level"].astype(str) == level]
            look = "unit" if rank else "region"
            filled = of_level.index.astype(str).isin(counted) | (not counted)
            for part, later in ((of_level[filled], 0), (of_level[~filled], NO_DATA_RANK)):
                rows.append(_named(part, later + (4 + rank if rank else 1), look))
    frame = (
        pd.concat(rows)
        if rows
        else pd.DataFrame(columns=["name", "local", "lon", "lat", "rank", "style", "group"])
    )
    steps = {"lon": encoding.POINT_STEPS, "lat": encoding.POINT_STEPS, "rank": 1, "group": 1}
    columns = {
        c: encoding.column(frame[c].reset_index(drop=True), steps=steps.get(c))
        for c in frame.columns
    }
    return {"n": len(frame), "columns": columns}


def _named(frame: gpd.GeoDataFrame, rank: int, look: str) -> pd.DataFrame:
    """Names with the places where they may be written.

    An area has several, of which the first free one is taken.
    """
    places = [anchors(geometry, 1 if look == "place" else 4) for geometry in frame.geometry]
    row = np.repeat(np.arange(len(frame)), [len(a) for a in places])
    points = np.array([p for a in places for p in a]).reshape(-1, 2)
    local = (
        frame["name_local"]
        if "name_local" in frame
        else pd.Series(None, index=frame.index, dtype=object)
    )
    return pd.DataFrame(
        {
            "name": frame["name"].to_numpy()[row],
            "local": local.to_numpy()[row],
            "lon": points[:, 0],
            "lat": points[:, 1],
            "rank": rank,
            "style": look,
            "group": 1000 * rank + row,
        }
    )


def anchors(geometry: Any, count: int) -> list[tuple[float, float]]:
    """Centres of the widest separate circles that fit into an area.

    Of a point, the point.
    """
    if geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        point = shapely.point_on_surface(geometry)
        return [(point.x, point.y)]
    left = shapely.simplify(geometry, 0.01)
    out = []
    for _ in range(count):
        circle = shapely.maximum_inscribed_circle(left, tolerance=0.02)
        radius = shapely.length(circle)
        if not radius > 0:
            break
        centre = shapely.get_point(circle, 0)
        out.append((centre.x, centre.y))
        left = shapely.difference(left, shapely.buffer(centre, 0.7 * radius))
    return out or [tuple(shapely.get_coordinates(shapely.point_on_surface(geometry))[0])]
