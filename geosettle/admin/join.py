"""Joining: the unit of every place at every level, its probability, its border, and the declared name beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.admin.names import Aliases, Names, says_exclave
from geosettle.admin.units import ladder, lonlat, read_units
from geosettle.geodesy import area_m2, disc, edge_distance_m

__all__ = ["admin_long", "join_admin"]

# Touching within a millimetre counts as touching: a border must not move when the input comes in another CRS.
_TOUCH_DEG: Final = 1e-8
_EXACT_M: Final = 1.0
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
        geometry = lonlat(points).to_numpy()
        known = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
        is_area = shapely.get_dimensions(geometry) == 2
        anchor = np.where(is_area, shapely.point_on_surface(geometry), shapely.centroid(geometry))
        n = len(points)
        radius = _numbers(points, "uncertainty_km", n) * 1000
        return cls(
            index=points.index,
            geometry=geometry,
            lon=shapely.get_x(anchor),
            lat=shapely.get_y(anchor),
            radius_m=np.where(np.isfinite(radius) & (radius > 0) & ~is_area, radius, 0.0),
            year=np.full(n, float(year)) if year is not None else _numbers(points, "year", n),
            is_area=is_area,
            known=known,
        )


def _numbers(frame: pd.DataFrame, column: str, n: int) -> FloatArray:
    if column not in frame:
        return np.full(n, np.nan)
    return np.asarray(pd.to_numeric(frame[column], errors="coerce"), dtype=np.float64)


def _valid(units: gpd.GeoDataFrame, unit: IntArray, year: FloatArray) -> NDArray[np.bool_]:
    """Whether each unit existed in each year; without a year, whether it exists still."""
    start, end = (
        pd.to_numeric(units[c], errors="coerce").to_numpy(np.float64)[unit] for c in ("valid_from", "valid_to")
    )
    dated = ~((start > year) | (end < year))
    return np.asarray(np.where(np.isnan(year), np.isnan(end), dated), dtype=bool)


def _border_m(places: _Places, rows: IntArray, polygons: NDArray[np.object_], unit: IntArray) -> FloatArray:
    """Signed metres from each place to the border of the unit at its side."""
    return edge_distance_m(places.lon[rows], places.lat[rows], polygons[unit]) if rows.size else np.zeros(0)


def _box(places: _Places, rows: IntArray, reach_m: FloatArray) -> NDArray[np.object_]:
    """Boxes in degrees that hold a disc of `reach_m` around each place (111 km per degree, less some, is safe)."""
    dlat = reach_m / 110_000
    dlon = np.minimum(dlat / np.maximum(np.cos(np.radians(np.abs(places.lat[rows]) + dlat)), 1e-3), 180)
    return np.asarray(
        shapely.box(places.lon[rows] - dlon, places.lat[rows] - dlat, places.lon[rows] + dlon, places.lat[rows] + dlat),
        dtype=object,
    )


def _join_level(
    places: _Places, units: gpd.GeoDataFrame, tolerance_m: float, finer_parent: Sequence[str | None]
) -> pd.DataFrame:
    """One rung of the ladder: the unit of each place, its share of the place, and the other candidates."""
    polygons = units.geometry.to_numpy()
    tree = shapely.STRtree(polygons)
    n = len(places.index)
    out = pd.DataFrame(index=pd.RangeIndex(n))
    chosen, distance, why = np.full(n, -1), np.full(n, np.nan), np.full(n, "", dtype=object)
    why[~places.known] = "position unknown"
    touching = _touching(places, tree, units)
    several = np.zeros(n, dtype=bool)
    codes = units.index.to_numpy()
    for row, found in touching.items():
        up = finer_parent[row]
        best = [u for u in found if codes[u] == up] or found
        chosen[row], several[row], distance[row] = best[0], len(found) > 1, 0.0
    point = ~places.is_area
    lost = np.flatnonzero(places.known & point & (chosen < 0))
    near, metres = _nearest(places, units, tree, lost, tolerance_m)
    level = units["level"].iloc[0] if len(units) else ""
    chosen[lost], distance[lost] = near, metres
    why[lost] = f"outside every {level} of the boundary set, and none within {tolerance_m / 1000:g} km"
    for k in np.flatnonzero(near >= 0):
        why[lost[k]] = f"outside every {level}; the nearest taken, {metres[k]:.0f} m away"
    border = np.full(n, np.nan)
    held = np.flatnonzero((chosen >= 0) & places.known & point)
    border[held] = np.abs(_border_m(places, held, polygons, chosen[held]))
    border[several] = 0.0
    for row, found in touching.items():
        if len(found) > 1:
            names = " and ".join(f"{codes[u]} {units['name'].iloc[u]}" for u in found)
            rule = "parent of the finer unit" if finer_parent[row] else "smallest code"
            why[row] = f"on the border of {names}; the {rule} taken"
    sure = (chosen >= 0) & (distance == 0) & ~several & (border > places.radius_m)
    shares = _shares(places, tree, units, np.where(sure, chosen, -1))
    for place in np.flatnonzero(places.known & places.is_area):
        row = int(place)
        if shares[row]:
            chosen[row] = max(shares[row], key=lambda u: (shares[row][u], -u))
            distance[row], several[row] = 0.0, len(shares[row]) > 1
            border[row] = 0.0 if several[row] else _area_border(places.geometry[row], polygons[chosen[row]])
        else:
            why[row] = "the area lies outside every unit"
    out["code"] = pd.array([codes[u] if u >= 0 else None for u in chosen], dtype="str")
    out["name"] = pd.array([units["name"].iloc[u] if u >= 0 else None for u in chosen], dtype="str")
    out["probability"] = [shares[r].get(chosen[r], 0.0) if chosen[r] >= 0 else np.nan for r in range(n)]
    out["alternatives"] = [_wording(shares[r], units["name"]) for r in range(n)]
    out["distance_m"] = distance
    out["on_border"] = pd.array(
        [bool(several[r] or border[r] <= 0.01) if chosen[r] >= 0 else None for r in range(n)], dtype="boolean"
    )
    out["border_km"] = border / 1000
    out["why"] = why
    out.attrs["shares"] = [{codes[u]: share for u, share in found.items()} for found in shares]
    return out


def _touching(places: _Places, tree: shapely.STRtree, units: gpd.GeoDataFrame) -> dict[int, list[int]]:
    """Units that hold or touch each point, smallest code first."""
    rows = np.flatnonzero(places.known & ~places.is_area)
    at, unit = tree.query(shapely.points(places.lon[rows], places.lat[rows]), predicate="dwithin", distance=_TOUCH_DEG)
    keep = _valid(units, unit, places.year[rows[at]])
    found: dict[int, list[int]] = {}
    order = np.lexsort((unit, at))
    for row, one in zip(rows[at[order]][keep[order]], unit[order][keep[order]], strict=True):
        found.setdefault(int(row), []).append(int(one))
    return found


def _nearest(
    places: _Places, units: gpd.GeoDataFrame, tree: shapely.STRtree, rows: IntArray, tolerance_m: float
) -> tuple[IntArray, FloatArray]:
    """Nearest unit within the tolerance of each row, and its metres; -1 and NaN where there is none."""
    near, metres = np.full(rows.size, -1, dtype=np.intp), np.full(rows.size, np.nan)
    if rows.size == 0:
        return near, metres
    at, unit = tree.query(_box(places, rows, np.full(rows.size, tolerance_m)))
    keep = _valid(units, unit, places.year[rows[at]])
    at, unit = at[keep], unit[keep]
    away = np.abs(_border_m(places, rows[at], units.geometry.to_numpy(), unit))
    order = np.lexsort((unit, away, at))
    order = order[away[order] <= tolerance_m]
    first = order[np.r_[True, at[order][1:] != at[order][:-1]]] if order.size else order
    near[at[first]], metres[at[first]] = unit[first], away[first]
    return near, metres


def _shares(places: _Places, tree: shapely.STRtree, units: gpd.GeoDataFrame, sure: IntArray) -> list[dict[int, float]]:
    """Share of each place's area or uncertainty disc in each unit; -1 stands for outside every unit.

    Where `sure` names a unit the border is out of reach, and no disc needs cutting.
    """
    shares: list[dict[int, float]] = [{} for _ in range(len(places.index))]
    polygons = units.geometry.to_numpy()
    for row in np.flatnonzero(places.known):
        if sure[row] >= 0 and not places.is_area[row]:
            shares[row] = {int(sure[row]): 1.0}
            continue
        zone = places.geometry[row] if places.is_area[row] else None
        if zone is None:
            zone = disc(places.lon[row], places.lat[row], max(places.radius_m[row], _EXACT_M))
        unit = np.sort(tree.query(zone, predicate="intersects"))
        unit = unit[_valid(units, unit, np.full(unit.size, places.year[row]))]
        whole = area_m2([zone])[0]
        parts = area_m2(shapely.intersection(polygons[unit], zone)) / whole if whole > 0 else np.zeros(unit.size)
        shares[row] = {int(u): float(s) for u, s in zip(unit, parts, strict=True) if s > 1e-9}
        rest = 1 - sum(shares[row].values())
        if rest > 1e-6 and not places.is_area[row]:
            shares[row][-1] = rest
    return shares


def _area_border(zone: Any, unit: Any) -> float:
    """Metres from an area to the border of the unit that holds it, from corner to edge both ways."""
    x, y = shapely.get_coordinates(zone).T
    near = float(np.min(np.abs(edge_distance_m(x, y, unit))))
    x, y = shapely.get_coordinates(unit).T
    return min(near, float(np.min(np.abs(edge_distance_m(x, y, zone)))))


def _wording(shares: Mapping[int, float], names: pd.Series) -> str:
    """Candidates in words, the likeliest first: "Akto 0.91; Shufu 0.09"; empty where there is but one."""
    if len(shares) < 2:
        return ""
    ranked = sorted(shares.items(), key=lambda item: (-round(item[1], 6), item[0]))
    return "; ".join(f"{names.iloc[u] if u >= 0 else 'outside every unit'} {share:.2f}" for u, share in ranked)


def join_admin(
    points: gpd.GeoDataFrame,
    boundaries: gpd.GeoDataFrame,
    *,
    tolerance_km: float = 5.0,
    aliases: Aliases | None = None,
    year: int | None = None,
) -> pd.DataFrame:
    """Administrative unit of every place, at every level of the ladder.

    Parameters
    ----------
    points
        Points or polygons in any CRS, None where the position is unknown. `uncertainty_km` (the true position lies
        within; missing counts as exact), `year`, and declared names in columns called like a level (`county`,
        `prefecture`; or `declared_county` ...) are used where present.
    boundaries
        Polygons by `code` with `name`, `level`, optionally `parent_code`, `name_local`, `aliases` (further names,
        separated by semicolons), `valid_from`, `valid_to`. Edges are straight in longitude/latitude.
    tolerance_km
        A point outside every unit is given the nearest one up to this distance.
    aliases
        Other spellings: spelling to unit (name or code), or unit to list of spellings.
    year
        Units as of this year for every place; None takes each place's own `year`, and where that is missing the units
        that still exist.

    Returns
    -------
    DataFrame
        Index of `points`, one row each. Per level `{level}_code`, `{level}` (name), `{level}_probability` (share of
        the geodesic disc of `uncertainty_km`, or of the polygon, in that unit), `{level}_alternatives`,
        `{level}_distance_m` (0 inside; to the unit if it was taken as the nearest), `{level}_on_border`,
        `{level}_border_km`, `{level}_declared`, `{level}_agrees`, `{level}_why`; then, of the finest level,
        `on_border`, `border_km`, `admin_probability`; `admin_agrees` (True, False, or NA where it cannot be decided)
        and `why`.

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
    A point on a shared border belongs to the unit with the smallest code (at coarser levels to the parent of that
    unit). A polygon belongs to the unit that holds the largest share of it. A parent whose polygon leaves out one of
    its children (an enclave city) is completed with it.

    Examples
    --------
    >>> units = gpd.GeoDataFrame({"name": ["West", "East"], "level": "county"}, index=pd.Index(["1", "2"], name="code"),
    ...     geometry=[shapely.box(76, 38, 77, 39), shapely.box(77, 38, 78, 39)], crs="EPSG:4326")
    >>> sites = gpd.GeoDataFrame({"county": ["West County", "West"], "uncertainty_km": [0, 10]}, index=["a", "b"],
    ...     geometry=[shapely.Point(77, 38.5), shapely.Point(77.05, 38.5)], crs="EPSG:4326")
    >>> joined = join_admin(sites, units)
    >>> joined[["county_code", "county_alternatives", "on_border", "admin_agrees"]]
      county_code   county_alternatives  on_border  admin_agrees
    a           1  West 0.50; East 0.50       True          True
    b           2  East 0.77; West 0.23      False          <NA>
    """
    units = read_units(boundaries)
    places = _Places.of(points, year)
    levels = ladder(units)
    tolerance_m = float(tolerance_km) * 1000
    parent: list[str | None] = [None] * len(points)
    joined: dict[str, pd.DataFrame] = {}
    for level in reversed(levels):
        rung = units[units["level"] == level]
        frame = _join_level(places, rung, tolerance_m, parent)
        _declare(frame, points, rung, places, aliases)
        joined[level] = frame
        up = units["parent_code"]
        parent = [None if pd.isna(code) else up[code] for code in frame["code"]]
    return _assemble(points.index, levels, joined)


def _assemble(index: pd.Index, levels: Sequence[str], joined: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
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
        return pd.DataFrame({"why": "the boundary set is empty"}, index=index)
    agrees = [joined[level]["agrees"].array for level in levels]
    for level in levels:
        columns[f"{level}_agrees"] = pd.array([_VERDICTS.get(v) for v in joined[level]["agrees"]], dtype="boolean")
    columns["on_border"] = finest["on_border"].array
    columns["border_km"] = finest["border_km"].array
    columns["admin_agrees"] = pd.array([_all(row) for row in zip(*agrees, strict=True)], dtype="boolean")
    columns["admin_probability"] = finest["probability"].array
    whys = [joined[level]["why"] for level in levels]
    columns["why"] = ["; ".join(dict.fromkeys(w for w in row if w)) for row in zip(*whys, strict=True)]
    return pd.DataFrame(columns, index=index)


def _all(values: Sequence[Any]) -> bool | None:
    """Give False if any level disagrees, True if one agrees and none is undecided ("" means nothing declared)."""
    if any(v == "no" for v in values):
        return False
    return True if "yes" in values and "undecided" not in values else None


def _declare(
    frame: pd.DataFrame, points: pd.DataFrame, units: gpd.GeoDataFrame, places: _Places, aliases: Aliases | None
) -> None:
    """Compare what the source declares with what was joined; the verdict and its reason go into `frame`."""
    level = units["level"].iloc[0]
    column = next((c for c in (f"declared_{level}", level) if c in points), None)
    texts = ["" if pd.isna(v) else str(v).strip() for v in points[column]] if column else [""] * len(points)
    rows = zip(units.index, units["name"], units["name_local"], units["aliases"], strict=True)
    names = Names.of([(c, *(str(n) for n in rest if pd.notna(n) and n)) for c, *rest in rows], aliases)
    parsed = {text: names.units_in(text) for text in sorted(set(texts))}
    shares: list[dict[str, float]] = frame.attrs.pop("shares")
    codes = [None if pd.isna(code) else str(code) for code in frame["code"]]
    verdicts, whys = [], []
    for row, text in enumerate(texts):
        verdict, why = _verdict(text, parsed[text], codes[row], shares[row], units)
        if verdict == "no" and places.known[row] and not places.is_area[row]:
            why += _how_far(places, row, units, parsed[text][0])
        verdicts.append(verdict)
        whys.append("; ".join(w for w in (frame["why"].iloc[row], why) if w))
    frame["declared"] = pd.array([t or None for t in texts], dtype="str")
    frame["agrees"] = pd.array(verdicts, dtype="str")
    frame["why"] = pd.array(whys, dtype="str")


def _verdict(
    text: str, named: Sequence[str], code: str | None, shares: Mapping[str, float], units: gpd.GeoDataFrame
) -> tuple[str, str]:
    """Verdict "yes", "no", "undecided" or "" (nothing to compare), and its reason."""
    if not text or code is None:
        return ("undecided" if text else ""), ""
    level = units.loc[code, "level"]
    if not named:
        return "undecided", f"declared {level} {text!r} is no name of a {level} in the boundary set"
    # "Taxkorgan exclave inside Yopurga" names two counties but declares the first.
    declared = tuple(named[:1]) if says_exclave(text) else tuple(named)
    here, there = (f"{c} {units.loc[c, 'name']}" for c in (code, declared[0]))
    possible = sum(shares.get(other, 0.0) for other in declared)
    if declared == (code,):
        verdict, why = "yes", ""
    elif code in declared:
        verdict, why = (
            "undecided",
            f"declared {level} {text!r} fits several units; the position lies in {here}, one of them",
        )
    elif possible > 0:
        why = f"declared {level} {there} holds {possible:.2f} of the uncertainty, though the position lies in {here}"
        verdict = "undecided"
    else:
        verdict, why = "no", f"declared {level} is {there}, but the position lies in {here}"
    return verdict, why


def _how_far(places: _Places, row: int, units: gpd.GeoDataFrame, code: str) -> str:
    """How far the declared unit is, and whether what is nearest is an exclave of it; for the reader to judge."""
    parts = shapely.get_parts(units.geometry[code])
    if parts.size == 0:
        return ""
    name, area = units.loc[code, "name"], area_m2(parts)
    metres = np.abs(edge_distance_m(np.full(parts.size, places.lon[row]), places.lat[row], parts))
    near, main = int(np.argmin(metres)), int(np.argmax(area))
    if near == main:
        return (
            f", {metres[main] / 1000:.1f} km from {name}: an exclave that the boundary set does not draw, another "
            "spelling, or a wrong position; not decided here"
        )
    return (
        f"; {name} has an exclave of {area[near] / 1e6:.0f} km2 at {metres[near] / 1000:.1f} km (its main part is "
        f"{metres[main] / 1000:.0f} km away): either that exclave or the position is off; not decided here"
    )


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
        `role, id, level, code, name, probability, alternatives, on_border, border_km, distance_m, declared, agrees,
        why`; `agrees` is True, False or NA.

    Examples
    --------
    >>> admin_long(pd.DataFrame({"why": []}), "site").columns[:4].tolist()
    ['role', 'id', 'level', 'code']
    """
    names = ("probability", "alternatives", "on_border", "border_km", "distance_m", "declared", "agrees", "why")
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
    return long.sort_values(["id", "level"], key=lambda s: s.map(order) if s.name == "level" else s).reset_index(
        drop=True
    )
