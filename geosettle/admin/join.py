"""The unit of every place at every level, its probability, its border and the declared name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.admin.units import read_units
from geosettle.cells import numbers, radius_km, text_array
from geosettle.crs import lonlat
from geosettle.geodesy import area_m2, edge_distance_m
from geosettle.geodesy.disc_overlap import Edges, plain_discs, shared_m2
from geosettle.levels import Declared, declared_units, ladder
from geosettle.names import Aliases, says_exclave
from geosettle.reasons import join, join_rows, reason, rendered, word
from geosettle.settings import DEFAULTS, AdminOptions, check

# Touching within a millimetre counts as touching: a border must not move when the input comes in
# another CRS.
_TOUCH_DEG: Final = 1e-8
_EXACT_M: Final = 1.0
_ON_BORDER_M: Final = 0.01
_NOTHING: Final = 1e-9
_VERDICTS: Final = {"yes": True, "no": False}

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Places:
    """What is to be joined, as arrays over the rows."""

    index: pd.Index
    geometry: NDArray[np.object_]
    lon: FloatArray
    lat: FloatArray
    radius_m: FloatArray
    year: FloatArray
    is_area: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, points: gpd.GeoDataFrame, year: int | None) -> _Places:
        geometry = lonlat(points)
        known = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
        is_area = shapely.get_dimensions(geometry) == 2
        anchor = np.where(is_area, shapely.point_on_surface(geometry), shapely.centroid(geometry))
        years = numbers(points, "year") if year is None else pd.Series(float(year), points.index)
        return cls(
            index=points.index,
            geometry=geometry,
            lon=shapely.get_x(anchor),
            lat=shapely.get_y(anchor),
            radius_m=np.where(is_area, 0.0, radius_km(points) * 1000),
            year=np.asarray(years, dtype=np.float64),
            is_area=is_area,
            known=known,
        )


@dataclass(frozen=True, eq=False)
class _LevelUnits:
    """The units of one level, as arrays in the order of their codes."""

    level: str
    codes: NDArray[np.object_]
    names: NDArray[np.object_]
    polygons: NDArray[np.object_]
    start: FloatArray
    end: FloatArray
    tree: shapely.STRtree
    edges: Edges

    @classmethod
    def of(cls, units: gpd.GeoDataFrame, level: str) -> _LevelUnits:
        polygons = np.asarray(units.geometry.to_numpy(), dtype=object)
        start, end = (
            pd.to_numeric(units[c], errors="coerce").to_numpy(np.float64)
            for c in ("valid_from", "valid_to")
        )
        codes, names = (np.asarray(v, dtype=object) for v in (units.index, units["name"]))
        return cls(
            level, codes, names, polygons, start, end, shapely.STRtree(polygons), Edges.of(polygons)
        )

    def valid(self, unit: IntArray, year: FloatArray) -> NDArray[np.bool_]:
        """Whether each unit existed in each year; without a year, whether it exists still."""
        start, end = self.start[unit], self.end[unit]
        dated = ~((start > year) | (end < year))
        return np.asarray(np.where(np.isnan(year), np.isnan(end), dated), dtype=bool)

    def label(self, unit: int) -> str:
        """Code and name."""
        return f"{self.codes[unit]} {self.names[unit]}"


def _border_m(
    places: _Places, rows: IntArray, polygons: NDArray[np.object_], unit: IntArray
) -> FloatArray:
    """Signed metres from each place to the border of the unit at its side."""
    return (
        edge_distance_m(places.lon[rows], places.lat[rows], polygons[unit])
        if rows.size
        else np.zeros(0)
    )


def _join_level(
    places: _Places,
    level_units: _LevelUnits,
    tolerance_m: float,
    finer_parent: Sequence[str | None],
) -> tuple[pd.DataFrame, list[dict[int, float]]]:
    """One level: the unit of each place with its border, and the shares of all candidates."""
    n = len(places.index)
    chosen, distance, why = np.full(n, -1), np.full(n, np.nan), np.full(n, "", dtype=object)
    why[~places.known] = reason("position_unknown")
    point = places.known & ~places.is_area
    several, notes = _take_touching(places, level_units, finer_parent, chosen)
    distance[chosen >= 0] = 0.0
    why[list(notes)] = list(notes.values())
    lost = np.flatnonzero(point & (chosen < 0))
    chosen[lost], distance[lost] = _nearest(places, level_units, lost, tolerance_m)
    level = word("level", level_units.level)
    why[lost] = reason("outside_units", level=level, km=tolerance_m / 1000)
    for row in lost[chosen[lost] >= 0]:
        why[row] = reason("outside_units_nearest", level=level, metres=round(distance[row]))
    border = np.full(n, np.nan)
    held = np.flatnonzero((chosen >= 0) & point)
    border[held] = np.abs(_border_m(places, held, level_units.polygons, chosen[held]))
    border[several] = 0.0
    sure = (chosen >= 0) & (distance == 0) & ~several & (border > places.radius_m)
    shares = _shares(places, level_units, np.where(sure, chosen, -1))
    rough = np.flatnonzero(point & ~sure & (places.radius_m > 0))
    moved = _take_likeliest(level_units, rough, shares, finer_parent, chosen)
    border[moved] = np.abs(_border_m(places, moved, level_units.polygons, chosen[moved]))
    distance[moved], several[moved], why[moved] = 0.0, False, ""
    for place in np.flatnonzero(places.known & places.is_area):
        row = int(place)
        if shares[row]:
            chosen[row] = max(shares[row], key=lambda u: (shares[row][u], -u))
            distance[row], several[row] = 0.0, len(shares[row]) > 1
            border[row] = (
                0.0
                if several[row]
                else _area_border(places.geometry[row], level_units.polygons[chosen[row]])
            )
        else:
            why[row] = reason("area_outside_units", level=level)
    here = chosen >= 0
    units = [int(u) for u in chosen]
    border_known = several | (border <= _ON_BORDER_M)
    out = pd.DataFrame(
        {
            "code": text_array([str(level_units.codes[u]) if u >= 0 else None for u in units]),
            "name": text_array([str(level_units.names[u]) if u >= 0 else None for u in units]),
            "probability": [
                found.get(int(u), 0.0) if u >= 0 else np.nan
                for u, found in zip(chosen, shares, strict=True)
            ],
            "alternatives": text_array([_wording(found, level_units.names) for found in shares]),
            "distance_m": distance,
            "on_border": pd.array(
                [bool(b) if h else None for b, h in zip(border_known, here, strict=True)],
                dtype="boolean",
            ),
            "border_km": border / 1000,
            "why": why,
        }
    )
    return out, shares


def _take_touching(
    places: _Places, level_units: _LevelUnits, finer_parent: Sequence[str | None], chosen: IntArray
) -> tuple[NDArray[np.bool_], dict[int, str]]:
    """Give each point the unit that holds or touches it, in place.

    Returns which points touch several units, and their names in words.
    """
    rows = np.flatnonzero(places.known & ~places.is_area)
    points = shapely.points(places.lon[rows], places.lat[rows])
    at, unit = level_units.tree.query(points, predicate="dwithin", distance=_TOUCH_DEG)
    keep = level_units.valid(unit, places.year[rows[at]])
    row, unit = rows[at[keep]], unit[keep]
    up = np.asarray(finer_parent, dtype=object)[row]
    # The parent of the finer unit comes first, then the smallest code: that is the one taken.
    order = np.lexsort((unit, level_units.codes[unit] != up, row))
    row, unit = row[order], unit[order]
    first = np.r_[True, row[1:] != row[:-1]] if row.size else np.zeros(0, dtype=bool)
    chosen[row[first]] = unit[first]
    several = np.bincount(row, minlength=len(places.index)) > 1
    notes = {}
    for one in map(int, np.flatnonzero(several)):
        names = " / ".join(level_units.label(u) for u in np.sort(unit[row == one]))
        notes[one] = reason(f"on_border_{'parent' if finer_parent[one] else 'code'}", units=names)
    return several, notes


def _take_likeliest(
    level_units: _LevelUnits,
    rows: IntArray,
    shares: Sequence[Mapping[int, float]],
    finer_parent: Sequence[str | None],
    chosen: IntArray,
) -> IntArray:
    """Give each place known to a radius the unit that holds most of its disc, in place.

    At a coarser level the parent of the finer unit comes first. Returns the rows that changed.
    """
    changed = []
    for row in map(int, rows):
        found = {unit: share for unit, share in shares[row].items() if unit >= 0}
        if not found:
            continue
        above = [unit for unit in found if level_units.codes[unit] == finer_parent[row]]
        # A share within a millionth of the largest is as large: the unit at the point is kept.
        most = max(found.values()) - 1e-6
        at_point = int(chosen[row]) if found.get(int(chosen[row]), 0.0) >= most else -1
        best = at_point if at_point >= 0 else max(found, key=lambda u: (found[u], -u))
        unit = above[0] if above else best
        if unit != chosen[row]:
            chosen[row] = unit
            changed.append(row)
    return np.asarray(changed, dtype=np.intp)


def _nearest(
    places: _Places, level_units: _LevelUnits, rows: IntArray, tolerance_m: float
) -> tuple[IntArray, FloatArray]:
    """Nearest unit within the tolerance of each row, and its metres; -1 and NaN for none."""
    near, metres = np.full(rows.size, -1, dtype=np.intp), np.full(rows.size, np.nan)
    if rows.size == 0 or tolerance_m <= 0:
        return near, metres
    reach, _, _ = plain_discs(
        places.lon[rows], places.lat[rows], np.full(rows.size, tolerance_m * 1.01)
    )
    at, unit = level_units.tree.query(reach)
    keep = level_units.valid(unit, places.year[rows[at]])
    at, unit = at[keep], unit[keep]
    away = np.abs(_border_m(places, rows[at], level_units.polygons, unit))
    order = np.lexsort((unit, away, at))
    order = order[away[order] <= tolerance_m]
    first = order[np.r_[True, at[order][1:] != at[order][:-1]]] if order.size else order
    near[at[first]], metres[at[first]] = unit[first], away[first]
    return near, metres


def _shares(places: _Places, level_units: _LevelUnits, sure: IntArray) -> list[dict[int, float]]:
    """Share of each place's area or uncertainty disc in each unit; -1 is outside every unit.

    Where `sure` names a unit the border is out of reach, and no disc needs cutting.
    """
    shares: list[dict[int, float]] = [{int(u): 1.0} if u >= 0 else {} for u in sure]
    rows = np.flatnonzero(places.known & (sure < 0))
    radius = np.where(places.is_area[rows], np.nan, np.maximum(places.radius_m[rows], _EXACT_M))
    shapes, circles, circle = plain_discs(places.lon[rows], places.lat[rows], radius)
    shapes = np.where(places.is_area[rows], places.geometry[rows], shapes)
    whole = area_m2(shapes)
    at, unit = level_units.tree.query(shapes)
    keep = level_units.valid(unit, places.year[rows[at]]) & (whole[at] > 0)
    at, unit = at[keep], unit[keep]
    metres = np.zeros(at.size)
    plain = circle[at] >= 0
    metres[plain] = shared_m2(
        circles, level_units.polygons, level_units.edges, circle[at[plain]], unit[plain]
    )
    metres[~plain] = area_m2(
        shapely.intersection(level_units.polygons[unit[~plain]], shapes[at[~plain]])
    )
    part = metres / whole[at]
    order = np.lexsort((unit, at))
    for k in order[part[order] > _NOTHING]:
        shares[rows[at[k]]][int(unit[k])] = float(part[k])
    rest = 1 - np.bincount(at, part, minlength=rows.size)
    for k in np.flatnonzero((rest > 1000 * _NOTHING) & ~places.is_area[rows]):
        shares[rows[k]][-1] = float(rest[k])
    return shares


def _area_border(zone: Any, unit: Any) -> float:
    """Metres from an area to the border of the unit that holds it, corner to edge in both ways."""
    x, y = shapely.get_coordinates(zone).T
    near = float(np.min(np.abs(edge_distance_m(x, y, unit))))
    x, y = shapely.get_coordinates(unit).T
    return min(near, float(np.min(np.abs(edge_distance_m(x, y, zone)))))


def _wording(shares: Mapping[int, float], names: NDArray[np.object_]) -> str:
    """Candidates in words, the likeliest first; empty where there is only one.

    For example "Akto 0.91; Shufu 0.09".
    """
    if len(shares) < 2:
        return ""
    ranked = sorted(shares.items(), key=lambda item: (-round(item[1], 6), item[0]))
    return "; ".join(
        f"{names[u] if u >= 0 else 'outside every unit'} {share:.2f}" for u, share in ranked
    )


@rendered
def join_admin(
    points: gpd.GeoDataFrame,
    boundaries: gpd.GeoDataFrame,
    *,
    tolerance_km: float = DEFAULTS.admin.tolerance_km,
    aliases: Aliases | None = None,
    year: int | None = None,
) -> pd.DataFrame:
    """Administrative unit of every place, at every level of the ladder.

    Parameters
    ----------
    points
        Points or polygons in any CRS, None where the position is unknown. `uncertainty_km` (the
        true position lies within; missing counts as exact), `year`, and declared names in columns
        called like a level (`county`, `prefecture`; or `declared_county` ...) are used where
        present.
    boundaries
        Polygons by `code` with `name`, `level`, optionally `parent_code`, `name_local`, `aliases`
        (further names, separated by semicolons), `valid_from`, `valid_to`. Edges are straight in
        longitude/latitude.
    tolerance_km
        A point outside every unit is given the nearest one up to this distance.
    aliases
        Other spellings: spelling to unit (name or code), or unit to list of spellings.
    year
        Units as of this year for every place; None takes each place's own `year`, and where that is
        missing the units that still exist.

    Returns
    -------
    DataFrame
        Index of `points`, one row each. Per level `{level}_code`, `{level}` (name),
        `{level}_probability` (share of the geodesic disc of `uncertainty_km`, or of the polygon, in
        that unit), `{level}_alternatives`, `{level}_distance_m` (0 inside; to the unit if it was
        taken as the nearest), `{level}_on_border`, `{level}_border_km`, `{level}_declared`,
        `{level}_agrees`, `{level}_why`; then, of the finest level, `on_border`, `border_km`,
        `admin_probability`; `admin_agrees` (True, False, or NA where it cannot be decided) and
        `why`.

    Raises
    ------
    ColumnError
        The boundaries have no `level` or `name`.
    InputError
        Two units share a code, or levels are each other's parents.
    CrsError
        A frame has no CRS.

    Notes
    -----
    A point on a shared border belongs to the unit with the smallest code (at coarser levels to the
    parent of that unit). A point with an `uncertainty_km` belongs to the unit with most of its
    disc, which need not be the unit at the stated position. A polygon belongs to the unit that
    holds the largest share of it. A parent whose polygon leaves out one of its children (an enclave
    city) is completed with it.

    Examples
    --------
    >>> units = gpd.GeoDataFrame(
    ...     {"name": ["West", "East"], "level": "county"},
    ...     index=pd.Index(["1", "2"], name="code"),
    ...     geometry=[shapely.box(76, 38, 77, 39), shapely.box(77, 38, 78, 39)],
    ...     crs="EPSG:4326",
    ... )
    >>> sites = gpd.GeoDataFrame(
    ...     {"county": ["West County", "West"], "uncertainty_km": [0, 10]},
    ...     index=["a", "b"],
    ...     geometry=[shapely.Point(77, 38.5), shapely.Point(77.05, 38.5)],
    ...     crs="EPSG:4326",
    ... )
    >>> joined = join_admin(sites, units)
    >>> joined[["county_code", "county_alternatives", "on_border", "admin_agrees"]]
      county_code   county_alternatives  on_border  admin_agrees
    a           1  West 0.50; East 0.50       True          True
    b           2  East 0.77; West 0.23      False          <NA>
    """
    units = read_units(boundaries)
    places = _Places.of(points, year)
    levels = ladder(units)
    check(AdminOptions, tolerance_km=tolerance_km)
    tolerance_m = float(tolerance_km) * 1000
    parent: list[str | None] = [None] * len(points)
    joined: dict[str, pd.DataFrame] = {}
    declared = declared_units(points, units, aliases)
    for level in reversed(levels):
        of_level = units[units["level"] == level]
        level_units = _LevelUnits.of(of_level, level)
        frame, shares = _join_level(places, level_units, tolerance_m, parent)
        joined[level] = _declare(frame, shares, places, level_units, declared.get(level))
        up = units["parent_code"].to_dict()
        parent = [None if pd.isna(code) else up[code] for code in frame["code"]]
    return _assemble(points.index, levels, joined)


def _assemble(
    index: pd.Index, levels: Sequence[str], joined: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Levels side by side, then what concerns the place as a whole."""
    columns: dict[str, Any] = {}
    for level in levels:
        frame = joined[level]
        columns[f"{level}_code"] = frame["code"].array
        columns[level] = frame["name"].array
        for name in (
            "probability",
            "alternatives",
            "distance_m",
            "on_border",
            "border_km",
            "declared",
            "agrees",
            "why",
        ):
            columns[f"{level}_{name}"] = frame[name].array
    finest = joined[levels[-1]] if levels else None
    if finest is None:
        return pd.DataFrame({"why": reason("no_units")}, index=index)
    agrees = [joined[level]["agrees"].array for level in levels]
    for level in levels:
        columns[f"{level}_agrees"] = pd.array(
            [_VERDICTS.get(v) for v in joined[level]["agrees"]], dtype="boolean"
        )
    columns["on_border"] = finest["on_border"].array
    columns["border_km"] = finest["border_km"].array
    columns["admin_agrees"] = pd.array(
        [_all(row) for row in zip(*agrees, strict=True)], dtype="boolean"
    )
    columns["admin_probability"] = finest["probability"].array
    whys = [joined[level]["why"] for level in levels]
    columns["why"] = join_rows(*whys)
    return pd.DataFrame(columns, index=index)


def _all(values: Sequence[Any]) -> bool | None:
    """Give False if any level disagrees, True if one agrees and none is undecided.

    An empty text means that nothing was declared.
    """
    if any(v == "no" for v in values):
        return False
    return True if "yes" in values and "undecided" not in values else None


def _declare(
    frame: pd.DataFrame,
    shares: Sequence[Mapping[int, float]],
    places: _Places,
    level_units: _LevelUnits,
    stated: Declared | None,
) -> pd.DataFrame:
    """Compare the units that the source declares with the joined ones.

    The verdict and reason of each place are added to its columns.
    """
    position = {code: k for k, code in enumerate(level_units.codes)}
    n = len(places.index)
    texts = stated.texts if stated else ("",) * n
    named = [tuple(position[c] for c in codes) for codes in (stated.codes if stated else ((),) * n)]
    joined = [None if pd.isna(code) else position[code] for code in frame["code"].to_numpy(object)]
    found = [
        _verdict(text, units, unit, share, level_units)
        for text, units, unit, share in zip(texts, named, joined, shares, strict=True)
    ]
    verdicts, reasons = ([v for v, _ in found], [why for _, why in found])
    wrong = [
        k for k, v in enumerate(verdicts) if v == "no" and places.known[k] and not places.is_area[k]
    ]
    for k, words in zip(
        wrong, _how_far(places, wrong, level_units, [named[k][0] for k in wrong]), strict=True
    ):
        reasons[k] = join(reasons[k], words)
    return frame.assign(
        declared=text_array([t or None for t in texts]),
        agrees=text_array(verdicts),
        why=text_array(join_rows(frame["why"].to_numpy(object), reasons)),
    )


def _verdict(
    text: str,
    named: Sequence[int],
    unit: int | None,
    shares: Mapping[int, float],
    level_units: _LevelUnits,
) -> tuple[str, str]:
    """Verdict "yes", "no", "undecided" or "" (nothing to compare), and its reason."""
    if not text or unit is None:
        return ("undecided" if text else ""), ""
    level = word("level", level_units.level)
    if not named:
        return "undecided", reason("declared_no_name", level=level, text=text)
    # "Taxkorgan exclave inside Yopurga" names two counties but declares the first.
    declared = tuple(named[:1]) if says_exclave(text) else tuple(named)
    if declared == (unit,):
        return "yes", ""
    here, there = level_units.label(unit), level_units.label(declared[0])
    possible = sum(shares.get(other, 0.0) for other in declared)
    if unit in declared:
        return "undecided", reason("declared_several", level=level, text=text, here=here)
    if possible > 0:
        share = round(float(possible), 2)
        why = reason("declared_may_be", level=level, there=there, share=share, here=here)
        return "undecided", why
    return "no", reason("declared_elsewhere", level=level, there=there, here=here)


def _how_far(
    places: _Places, rows: Sequence[int], level_units: _LevelUnits, units: Sequence[int]
) -> list[str]:
    """How far the declared units are, and whether the nearest part of one is an exclave.

    The reader judges what follows.
    """
    notes = [""] * len(rows)
    for unit in sorted(set(units)):
        parts = shapely.get_parts(level_units.polygons[unit])
        mine = [k for k, u in enumerate(units) if u == unit]
        at = np.asarray([rows[k] for k in mine])
        if parts.size == 0:
            continue
        area, name = area_m2(parts), level_units.names[unit]
        main = int(np.argmax(area))
        metres = np.abs([edge_distance_m(places.lon[at], places.lat[at], part) for part in parts])
        for k, away in zip(mine, metres.T, strict=True):
            near = int(np.argmin(away))
            if near == main:
                km = round(float(away[main]) / 1000, 1)
                notes[k] = reason("declared_away", name=str(name), km=km)
            else:
                notes[k] = reason(
                    "declared_exclave",
                    name=str(name),
                    area=round(float(area[near]) / 1e6),
                    km=round(float(away[near]) / 1000, 1),
                    main=round(float(away[main]) / 1000),
                )
    return notes


def admin_long(joined: pd.DataFrame, role: str) -> pd.DataFrame:
    """One row per place and level, from what `join_admin` returned.

    Parameters
    ----------
    joined
        Result of `join_admin`.
    role
        What the places are: "site", "origin" ...

    Returns
    -------
    DataFrame
        `role, id, level, code, name, probability, alternatives, on_border, border_km, distance_m,
        declared, agrees, why`; `agrees` is True, False or NA.

    Examples
    --------
    >>> admin_long(pd.DataFrame({"why": []}), "site").columns[:4].tolist()
    ['role', 'id', 'level', 'code']
    """
    names = (
        "probability",
        "alternatives",
        "on_border",
        "border_km",
        "distance_m",
        "declared",
        "agrees",
        "why",
    )
    levels = [c.removesuffix("_code") for c in joined.columns if c.endswith("_code")]
    parts = [
        pd.DataFrame(
            {
                "role": role,
                "id": joined.index.astype(str),
                "level": level,
                "code": joined[f"{level}_code"].array,
                "name": joined[level].array,
                **{name: joined[f"{level}_{name}"].array for name in names},
            }
        )
        for level in levels
    ]
    columns = ["role", "id", "level", "code", "name", *names]
    long = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    order = {level: k for k, level in enumerate(levels)}
    return long.sort_values(
        ["id", "level"], key=lambda s: s.map(order) if s.name == "level" else s
    ).reset_index(drop=True)
