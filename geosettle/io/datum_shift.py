"""Find layers that are shifted as Chinese map services shift their coordinates.

The layer is compared with other layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.crs import to_wgs84
from geosettle.geodesy import GEOD
from geosettle.io.columns import likeness

Floats = NDArray[np.float64]

_MATCH_M: Final = 3_000.0
"""Farther apart, two places of one name are two places."""
_SMALLEST_M: Final = 60.0
_BETTER: Final = 0.4
"""The distance left after taking the shift off, as a share of what it was, below which the shift
explains it.
"""
_FEW_M: Final = 10.0
_VERTICES: Final = 3_000


@dataclass(frozen=True)
class Shift:
    """A shift that would explain why one layer does not fit another."""

    datum: str
    other: str
    metres: float
    left: float
    n: int


def find_shift(layer: gpd.GeoDataFrame, others: Mapping[str, gpd.GeoDataFrame]) -> Shift | None:
    """Return the Chinese datum that would make a layer fit another one, if there is one.

    Parameters
    ----------
    layer
        Points or polygons on WGS84, as they were given.
    others
        Name to layer, believed to be on WGS84.

    Returns
    -------
    Shift or None
        The best of all, with the median distance in metres before and after taking the shift off.

    Notes
    -----
    Places of the same name are compared with each other; outlines are compared vertex by vertex
    with the nearest line of the other layer. The shift is 160 to 330 m in southern Xinjiang, so
    that a layer whose positions are known to kilometres only can never be recognised this way.
    """
    found: list[Shift] = []
    for name, other in sorted(others.items()):
        for pairs in (_same_names(layer, other), _same_lines(layer, other)):
            if pairs is not None:
                found += _explained(pairs, name)
    return min(found, key=lambda s: s.left / s.metres) if found else None


def _explained(pairs: Any, name: str) -> list[Shift]:
    (x, y), distance, least = pairs
    before = distance(x, y)
    near = before < _MATCH_M
    if not near.any():
        return []
    few = near.sum() < least  # one or two places may fit by chance, unless they fit to the metre
    x, y, before = x[near], y[near], float(np.median(before[near]))
    out = []
    for datum in ("gcj02", "bd09"):
        after = float(np.median(_pick(distance, near)(*to_wgs84(x, y, datum))))
        if before > _SMALLEST_M and after < (_FEW_M if few else _BETTER * before):
            out.append(Shift(datum, name, before, after, int(near.sum())))
    return out


def _pick(distance: Any, rows: NDArray[np.bool_]) -> Any:
    return lambda x, y: distance(x, y, rows)


def _names(frame: gpd.GeoDataFrame) -> list[set[str]]:
    columns = [c for c in ("name", "name_local") if c in frame]
    rows: Sequence[tuple[Any, ...]] = (
        list(frame[columns].itertuples(index=False, name=None)) if columns else []
    )
    return [{plain for v in row if isinstance(v, str) and (plain := likeness(v))} for row in rows]


def _same_names(layer: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> Any:
    """Points of a layer and their distance to the point of the same name in the other."""
    if not {"name"} <= set(layer.columns) & set(other.columns):
        return None
    here, there = _points(layer), _points(other)
    where: dict[str, list[int]] = {}
    for j, names in enumerate(_names(other)):
        for name in names:
            if there[0][j] == there[0][j]:
                where.setdefault(name, []).append(j)
    rows, targets, mine = [], [], _names(layer)
    for i in np.flatnonzero(np.isfinite(here[0])).tolist() if where else []:
        names = mine[i]
        hits = {j for name in names for j in where.get(name, ())}
        if len(hits) == 1:
            rows.append(i)
            targets.append(hits.pop())
    if not rows:
        return None
    tx, ty = there[0][targets], there[1][targets]

    def distance(x: Floats, y: Floats, keep: Any = slice(None)) -> Floats:
        return np.asarray(GEOD.inv(x, y, tx[keep], ty[keep])[2])

    return (here[0][rows], here[1][rows]), distance, 3


def _points(frame: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    geometry = frame.geometry.to_numpy()
    single = np.where(shapely.get_type_id(geometry) == 0, geometry, None)
    return shapely.get_x(single), shapely.get_y(single)


def _same_lines(layer: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> Any:
    """Vertices of outlines and their distance to the nearest outline of the other layer."""
    rings, others = (_rings(f) for f in (layer, other))
    if not rings.size or not others.size:
        return None
    theirs = _segments(others)
    xy = np.unique(shapely.get_coordinates(rings), axis=0)
    xy = xy[:: max(1, len(xy) // _VERTICES)]
    tree = shapely.STRtree(theirs)

    def distance(x: Floats, y: Floats, _keep: Any = slice(None)) -> Floats:
        points = shapely.points(x, y)
        nearest = theirs[tree.nearest(points)]
        foot = shapely.line_interpolate_point(nearest, shapely.line_locate_point(nearest, points))
        return np.asarray(GEOD.inv(x, y, shapely.get_x(foot), shapely.get_y(foot))[2])

    return (xy[:, 0], xy[:, 1]), distance, 30


def _rings(frame: gpd.GeoDataFrame) -> Any:
    """Rings of all areas of a layer."""
    geometry = frame.geometry.to_numpy()
    return shapely.get_rings(shapely.get_parts(geometry[shapely.get_dimensions(geometry) == 2]))


def _segments(rings: Any) -> Any:
    """Segments of rings, short enough for the nearest one to be found by its box."""
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1))
