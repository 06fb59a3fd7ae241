"""Which roads may be used and how fast, and drawn lines prepared to be joined into a network."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import months_in, numbers, says_yes, texts
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.openstreetmap import is_tagged, not_for_vehicles, road_columns
from geosettle.errors import ColumnError, CrsError, InputError
from geosettle.reasons import decode, join, reason, render
from geosettle.settings import RoadRules

IntArray = NDArray[np.int64]


def speeds(roads: pd.DataFrame, rules: RoadRules) -> FloatArray:
    """Speed of every row, km/h: its own, else its class's, else the general one."""
    speed = np.full(len(roads), float(rules.speed_kmh))
    if "class" in roads and rules.class_speed_kmh:
        kind = roads["class"].astype("str")
        for name in (kind, f"{rules.country}:" + kind) if rules.country else (kind,):
            found = name.map(dict(rules.class_speed_kmh)).to_numpy(dtype=float, na_value=np.nan)
            speed = np.where(np.isfinite(found), found, speed)
    own = numbers(roads, "speed_kmh").to_numpy()
    return np.where(np.isfinite(own), own, speed)


def left_out(roads: pd.DataFrame, rules: RoadRules) -> NDArray[np.object_]:
    """Reason of every row that rules close or leave out, else empty."""
    why = np.full(len(roads), "", dtype=object)
    why[not_for_vehicles(roads)] = reason("road_not_for_vehicles")
    roads = road_columns(roads, rules)
    if "quality" in roads:
        bad = roads["quality"].isin(list(rules.leave_out_quality)).to_numpy()
        why[bad] = reason("road_quality")
    if rules.season and "season" in roads:
        season = texts(roads, "season").str.lower()
        others = (
            (season.str.strip() != "")
            & ~season.str.contains("all")
            & ~season.str.contains(rules.season.lower())
        )
        why[others.to_numpy()] = reason("road_closed_in_season", season=rules.season)
    if rules.month and "season" in roads:
        months = [months_in(text) for text in roads["season"]]
        shut = np.array([m is not None and rules.month not in m for m in months], dtype=np.bool_)
        why[shut] = reason("road_closed_in_month", month=rules.month)
    for column, values in (rules.closed or {}).items():
        if column not in roads:
            raise ColumnError(
                "a closure names a column that the roads do not have", file="roads", column=column
            )
        why[roads[column].isin(list(values)).to_numpy()] = reason("road_closed_by", column=column)
    speed = speeds(roads, rules)
    why[~(speed > 0)] = reason("road_speed")
    return why


def is_closed(why: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether each row is closed, by its season or an attribute, and not at fault otherwise."""
    known = {text: [found.code for found in decode(text)] for text in set(why)}
    closed = {"road_closed_in_season", "road_closed_in_month", "road_closed_by"}
    return np.array([bool(closed & {*known[text]}) for text in why], dtype=bool)


def directions(rows: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each row may be used as drawn and against it."""
    forward, backward = np.ones(len(rows), bool), np.ones(len(rows), bool)
    if "oneway" in rows:
        against = (
            rows["oneway"].astype("str").str.strip().isin(["-1", "reverse", "-1.0"]).to_numpy()
        )
        forward, backward = ~against, ~says_yes(rows["oneway"]).to_numpy()
    return forward, backward


@dataclass(frozen=True, eq=False)
class RoadLines:
    """Single lines ready for use: row, level, speed (km/h) and directions of each.

    `why` is per row of the layer.
    """

    lines: NDArray[np.object_]
    row: IntArray
    level: IntArray | None
    speed: FloatArray
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    why: NDArray[np.object_]
    crossings: bool


def prepare_lines(roads: pd.DataFrame, rules: RoadRules) -> RoadLines:
    """Check a line layer and take it apart into single lines.

    Raises
    ------
    ColumnError, CrsError, InputError
        Neither lines nor a table of lengths; no CRS; nothing left to use.
    """
    if not isinstance(roads, gpd.GeoDataFrame):
        raise ColumnError(
            "the roads are neither lines nor a table of lengths",
            file="roads",
            mend="Give a line layer, or the columns a, b and length_km.",
        )
    if roads.crs is None:
        raise CrsError(
            "the roads have no coordinate reference system",
            file="roads",
            mend="Name it in study.toml.",
        )
    if not roads.crs.is_exact_same("EPSG:4326"):
        roads = roads.to_crs("EPSG:4326")
    why = left_out(roads, rules)
    roads = road_columns(roads, rules)
    lines, row = shapely.get_parts(
        np.asarray(roads.geometry.array, dtype=object), return_index=True
    )
    west, south, east, north = shapely.bounds(lines).T
    with np.errstate(invalid="ignore"):
        on_earth = (
            (south >= -90) & (north <= 90) & (west >= -360) & (east <= 360)
        )  # not so where a number is missing
    good = (
        (shapely.get_type_id(lines) == 1)
        & (shapely.length(lines) > 0)
        & on_earth
        & (why[row] == "")
    )
    good[good] = _finite(lines[good])
    has_line = np.zeros(len(roads), bool)
    has_line[row[good]] = True
    beyond = np.zeros(len(roads), bool)
    beyond[row[(shapely.get_type_id(lines) == 1) & ~on_earth & ~shapely.is_empty(lines)]] = True
    why[~has_line & beyond & (why == "")] = reason("road_geometry_degrees")
    why[~has_line & (why == "")] = reason("road_geometry")
    lines, row = lines[good], row[good]
    if not lines.size and not is_closed(why).all():
        raise InputError(
            _none_left(why), file="roads", mend="Look at the closures, the geometry and the CRS."
        )
    lines = _unbroken(lines)
    # Ways of OpenStreetMap meet where they share a vertex, and nowhere else.
    crossings = rules.crossings and not is_tagged(roads)
    if crossings:
        lines, row = _simple(lines, row)
    level = None
    if "layer" in roads:
        level = numbers(roads, "layer").fillna(0).to_numpy(dtype=np.int64)[row]
    forward, backward = directions(roads)
    return RoadLines(
        lines, row, level, speeds(roads, rules)[row], forward[row], backward[row], why, crossings
    )


def _none_left(why: NDArray[np.object_]) -> str:
    """Say that no road is left to use, with the reasons."""
    reasons = render(join(*sorted(set(why))))
    return f"no road is left to use; of the {why.size} rows: {reasons}"


def _finite(lines: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether every coordinate of each line is a number."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    return np.asarray(np.bincount(of[~np.isfinite(xy).all(axis=1)], minlength=len(lines)) == 0)


def _unbroken(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Lines that cross the 180th meridian, with longitudes continued beyond it.

    As given, their longitude jumps from one side to the other.
    """
    xy, of = shapely.get_coordinates(lines, return_index=True)
    step = np.diff(xy[:, 0], prepend=xy[:1, 0])
    turn = np.where(np.r_[True, of[1:] != of[:-1]], 0.0, -360 * np.round(step / 360))
    if not turn.any():
        return lines
    total = np.cumsum(turn)
    first = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    xy[:, 0] += total - total[first][of]
    return np.asarray(shapely.linestrings(xy, indices=of), dtype=object)


def _simple(lines: NDArray[np.object_], row: IntArray) -> tuple[NDArray[np.object_], IntArray]:
    """Cut lines that cross or touch themselves where they do."""
    tangled = np.flatnonzero(~shapely.is_simple(lines))
    if not tangled.size:
        return lines, row
    parts, of = shapely.get_parts(shapely.node(lines[tangled]), return_index=True)
    kept = np.ones(len(lines), bool)
    kept[tangled] = False
    where = np.r_[np.flatnonzero(kept), tangled[of]]
    order = np.argsort(where, kind="stable")
    return np.r_[lines[kept], parts][order], row[where[order]]


def middle_meridian(lines: NDArray[np.object_]) -> float:
    """Longitude opposite the widest gap between those of the lines.

    0 where they stay 10° away from the 180th meridian.
    """
    bounds = shapely.bounds(lines)
    west, east = bounds[:, 0].min(), bounds[:, 2].max()
    if west >= -170 and east <= 170 and east - west <= 180:
        return 0.0
    at = np.unique(shapely.get_coordinates(lines)[:, 0] % 360)
    gap = np.diff(np.r_[at, at[0] + 360])
    widest = int(np.argmax(gap))
    return float((at[widest] + gap[widest] / 2 + 180) % 360)


def turned(lon: FloatArray, middle: float) -> FloatArray:
    """Longitudes counted from a meridian, -180 to 180."""
    return lon if middle == 0 else (lon - middle + 180) % 360 - 180


def turned_lines(lines: NDArray[np.object_], middle: float) -> NDArray[np.object_]:
    """Lines with longitudes counted from a meridian."""
    if middle == 0:
        return lines
    return _unbroken(
        np.asarray(
            shapely.transform(
                lines, lambda xy: np.column_stack([turned(xy[:, 0], middle), xy[:, 1]])
            )
        )
    )
