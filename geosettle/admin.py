"""Places in administrative units: which one, how surely, and whether that is what the source declared.

Any ladder of levels will do (province, prefecture, county, township ...); it is read from `level` and `parent_code`.
The boundary set is the user's choice, and joining with it takes no position on where a border ought to run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.errors import ColumnError, CrsError, InputError
from geosettle.geodesy import area_m2, disc, edge_distance_m

__all__ = ["Names", "admin_long", "join_admin", "ladder"]

# Touching within a millimetre counts as touching: a border must not move when the input comes in another CRS.
_TOUCH_DEG: Final = 1e-8
_EXACT_M: Final = 1.0
_VERDICTS: Final = {"yes": True, "no": False}

Aliases = Mapping[str, "str | Sequence[str]"]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


# --- names -----------------------------------------------------------------------------------------------------------

_KINDS: Final[Mapping[str, str]] = {
    "county": "county",
    "xian": "county",
    "city": "city",
    "shi": "city",
    "municipality": "city",
    "prefecture": "prefecture",
    "diqu": "prefecture",
    "zhou": "prefecture",
    "province": "province",
    "region": "region",
    "district": "district",
    "qu": "district",
    "town": "town",
    "township": "township",
    "县": "county",
    "市": "city",
    "地区": "prefecture",
    "州": "prefecture",
    "省": "province",
    "区": "district",
    "镇": "town",
    "乡": "township",
}
_CHINESE_KIND: Final = re.compile(r"(地区|县|市|州|省|区|镇|乡)")
_CHINESE_NAME: Final = re.compile(
    r"^(?P<stem>.+?)(?:(?:各族|[一-鿿]{2,4}?族)*(?:维吾尔|柯尔克孜|塔吉克|哈萨克|蒙古|回|藏|锡伯)*自治)?"
    r"(?P<kind>地区|县|市|州|省|区|镇|乡)$"
)
_WORD: Final = re.compile(r"[一-鿿]+|[^\W\d_一-鿿]+")
_EXCLAVE: Final = re.compile(r"exclave|enclave|飞地|插花地", re.IGNORECASE)


def _fold(text: str) -> str:
    """Lower case, no accents, no apostrophes or hyphens: what two spellings of one name share."""
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"['\u2018\u2019\u02bb\u02bc`´-]", "", unicodedata.normalize("NFKC", text).casefold())


def _latin_stem(words: Sequence[str]) -> tuple[str, str]:
    """Stem and kind of a Latin name: ("hotan", "city") of hotan city; an ethnonym before `autonomous` is dropped."""
    words = list(words)
    kind = ""
    while len(words) > 1 and words[-1] in _KINDS:
        kind = kind or _KINDS[words.pop()]
    if "autonomous" in words[1:]:
        words = words[: max(1, words.index("autonomous") - 1)]
    return " ".join(words), kind


def _split_name(name: str) -> list[tuple[str, str]]:
    """Stems and kinds in one unit's name: "Poskam (Zepu) County" gives poskam and zepu, each a county."""
    found: list[tuple[str, str]] = []
    for piece in re.split(r"[()（）/;；,，、|]", _fold(name)):
        words = _WORD.findall(piece)
        latin = [w for w in words if not "一" <= w[0] <= "鿿"]
        if latin and not all(w in _KINDS or w == "autonomous" for w in latin):
            found.append(_latin_stem(latin))
        elif latin:
            found.append(("", _KINDS.get(latin[-1], "")))
        for chinese in (w for w in words if "一" <= w[0] <= "鿿"):
            match = _CHINESE_NAME.match(chinese)
            found.append((match["stem"], _KINDS[match["kind"]]) if match else (chinese, ""))
    kinds = {kind for _, kind in found if kind}
    shared = kinds.pop() if len(kinds) == 1 else ""
    return [(stem, kind or shared) for stem, kind in found if stem]


@dataclass(frozen=True)
class Names:
    """The names by which the units of one level are known.

    Parameters
    ----------
    stems
        Folded stem of a name to the units that bear it, each with its kind ("county", "city" ... or "").

    Examples
    --------
    >>> names = Names.of([("653022", "Akto County", "阿克陶县"), ("653024", "Wuqia", "乌恰县")], {"Aktau": "Akto"})
    >>> names.units_in("Aktau (阿克陶县)"), names.units_in("between Akto and Wuqia"), names.units_in("Atlantis")
    (('653022',), ('653022', '653024'), ())
    """

    stems: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Iterable[tuple[str, ...]], aliases: Aliases | None = None) -> Names:
        """Collect names from (code, name, further names ...) and from aliases.

        An alias entry is either a spelling and the unit it means (name or code), or a unit and a list of spellings.
        """
        stems: dict[str, set[tuple[str, str]]] = {}
        codes: dict[str, str] = {}
        for code, *names in units:
            codes[code] = code
            for name in names:
                for stem, kind in _split_name(name):
                    stems.setdefault(stem, set()).add((code, kind))
        named = {stem: {code for code, _ in found} for stem, found in stems.items()}
        for left, right in (aliases or {}).items():
            unit, spellings = (right, (left,)) if isinstance(right, str) else (left, tuple(right))
            targets = {unit} & codes.keys() or {c for s, _ in _split_name(unit) for c in named.get(s, ())}
            for spelling in spellings:
                for stem, kind in _split_name(spelling):
                    stems.setdefault(stem, set()).update((code, kind) for code in targets)
        return cls({stem: frozenset(found) for stem, found in stems.items() if found})

    def units_in(self, text: str) -> tuple[str, ...]:
        """Codes of the units named in a free text, in the order they are named; the longest name wins."""
        folded = _fold(text)
        taken = np.zeros(len(folded), dtype=bool)
        found: dict[int, frozenset[str]] = {}
        for stem in sorted(self.stems, key=lambda s: (-len(s), s)):
            pattern = re.escape(stem) if "一" <= stem[0] <= "鿿" else rf"(?<![^\W\d_]){re.escape(stem)}(?![^\W\d_])"
            for match in re.finditer(pattern, folded):
                if not taken[match.start() : match.end()].any():
                    taken[match.start() : match.end()] = True
                    found[match.start()] = self._narrow(stem, folded[match.end() :])
        # One place is often named twice ("Hotan City (和田市)"): a sharper naming settles a vaguer one that holds it.
        sharp = [codes for _, codes in sorted(found.items()) if len(codes) == 1]
        vague = [codes for _, codes in sorted(found.items()) if len(codes) > 1 and not any(s <= codes for s in sharp)]
        return tuple(dict.fromkeys(code for codes in (*sharp, *vague) for code in sorted(codes)))

    def _narrow(self, stem: str, rest: str) -> frozenset[str]:
        """Units with this stem; only those of the kind that follows in the text, if any is of it."""
        match = _CHINESE_KIND.match(rest) or re.match(r"\s*([^\W\d_]+)", rest)
        kind = _KINDS.get(match[1], "") if match else ""
        every = self.stems[stem]
        return frozenset(code for code, k in every if k == kind) or frozenset(code for code, _ in every)


# --- the ladder ------------------------------------------------------------------------------------------------------


def ladder(boundaries: pd.DataFrame) -> tuple[str, ...]:
    """Levels of a boundary layer from the coarsest to the finest.

    Parents stand above their children; levels that no parent code links are ordered by the mean area of their units.

    Parameters
    ----------
    boundaries
        Indexed by `code`, with `level` and, optionally, `parent_code`.

    Examples
    --------
    >>> ladder(pd.DataFrame({"level": ["county", "prefecture"], "parent_code": ["65", None]}, index=["6501", "65"]))
    ('prefecture', 'county')
    """
    level = boundaries["level"].astype(str)
    parents = boundaries["parent_code"] if "parent_code" in boundaries else pd.Series(index=boundaries.index, dtype=str)
    by_code = dict(zip(boundaries.index.astype(str), level, strict=True))
    above: dict[str, set[str]] = {name: set() for name in level}
    for name, parent in zip(level, parents, strict=True):
        if pd.notna(parent) and by_code.get(str(parent), name) != name:
            above[name].add(by_code[str(parent)])
    size: dict[Any, float] = dict.fromkeys(above, 0.0)
    if isinstance(boundaries, gpd.GeoDataFrame) and len(boundaries):
        areas = pd.Series(shapely.area(boundaries.geometry.to_numpy()), index=boundaries.index)
        size = areas.groupby(level.to_numpy()).mean().to_dict()

    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        if name in seen:
            raise InputError(
                "the levels of the boundaries are each other's parents",
                column="parent_code",
                value=name,
                mend="A unit's parent must belong to a coarser level.",
            )
        return 1 + max((depth(up, (*seen, name)) for up in above[name]), default=-1)

    return tuple(sorted(above, key=lambda name: (depth(name), -size[name], name)))


def _units(boundaries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Units in WGS84, sorted by code, every optional column present; enclaves added to the parent that omits them."""
    frame = boundaries if "code" not in boundaries else boundaries.set_index("code")
    for column in ("level", "name"):
        if column not in frame:
            raise ColumnError("the boundaries have no such column", column=column, mend="Add it to the layer.")
    units = gpd.GeoDataFrame(
        {
            "level": frame["level"].astype(str).to_numpy(),
            "name": frame["name"].fillna("").astype(str).to_numpy(),
            **{
                c: frame[c].to_numpy() if c in frame else np.full(len(frame), None)
                for c in ("parent_code", "name_local", "aliases", "valid_from", "valid_to")
            },
        },
        index=pd.Index(frame.index.astype(str), name="code"),
        geometry=_lonlat(frame).to_numpy(),
        crs="EPSG:4326",
    ).sort_index()
    if not units.index.is_unique:
        twice = units.index[units.index.duplicated()][0]
        raise InputError("two boundaries share one code", column="code", value=twice, mend="Codes must be unique.")
    units["parent_code"] = [None if pd.isna(p) or p == "" else str(p) for p in units["parent_code"]]
    return _with_enclaves(units)


def _with_enclaves(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add to each parent the children that lie in a hole of it, so that all rungs tell the same story."""
    order = {name: depth for depth, name in enumerate(ladder(units))}
    geometry = units.geometry.copy()
    for code in sorted(units.index, key=lambda c: (-order[units.loc[c, "level"]], c)):
        parent = units.loc[code, "parent_code"]
        if parent not in geometry.index or shapely.is_missing(geometry[code]) or shapely.is_missing(geometry[parent]):
            continue
        if area_m2([shapely.intersection(geometry[code], geometry[parent])])[0] < area_m2([geometry[code]])[0] / 2:
            geometry[parent] = shapely.union(geometry[parent], geometry[code])
    return units.set_geometry(geometry)


def _lonlat(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Geometry in WGS84 longitude/latitude."""
    if frame.crs is None:
        if frame.geometry.isna().all():
            return frame.geometry
        raise CrsError("the frame has no coordinate reference system", mend='Set it, e.g. frame.set_crs("EPSG:4326").')
    return frame.geometry if frame.crs == "EPSG:4326" else frame.geometry.to_crs("EPSG:4326")


# --- joining ---------------------------------------------------------------------------------------------------------


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
        geometry = _lonlat(points).to_numpy()
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
    return np.where(np.isnan(year), np.isnan(end), dated).astype(bool)


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
    _take_nearest(places, units, tree, lost, tolerance_m, chosen, distance, why)
    border = np.full(n, np.nan)
    held = np.flatnonzero((chosen >= 0) & places.known & point)
    border[held] = np.abs(_border_m(places, held, polygons, chosen[held]))
    for row in np.flatnonzero(several & point):
        names = " and ".join(f"{codes[u]} {units['name'].iloc[u]}" for u in touching[row])
        why[row] = (
            f"on the border of {names}; the {'parent of the finer unit' if finer_parent[row] else 'smallest code'} taken"
        )
    shares = _shares(places, tree, units, chosen, border, several)
    for row in np.flatnonzero(places.known & places.is_area):
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


def _take_nearest(
    places: _Places,
    units: gpd.GeoDataFrame,
    tree: shapely.STRtree,
    rows: IntArray,
    tolerance_m: float,
    chosen: IntArray,
    distance: FloatArray,
    why: NDArray[np.object_],
) -> None:
    """Give points outside every unit the nearest one within the tolerance, or the reason why not."""
    level = units["level"].iloc[0]
    why[rows] = f"outside every {level} of the boundary set, and none within {tolerance_m / 1000:g} km"
    if rows.size == 0:
        return
    at, unit = tree.query(_box(places, rows, np.full(rows.size, tolerance_m)))
    keep = _valid(units, unit, places.year[rows[at]])
    at, unit = at[keep], unit[keep]
    metres = np.abs(_border_m(places, rows[at], units.geometry.to_numpy(), unit))
    order = np.lexsort((unit, metres, at))
    first = order[np.r_[True, at[order][1:] != at[order][:-1]]] if order.size else order
    for k in first[metres[first] <= tolerance_m]:
        row = rows[at[k]]
        chosen[row], distance[row] = unit[k], metres[k]
        why[row] = f"outside every {level}; the nearest taken, {metres[k]:.0f} m away"


def _shares(
    places: _Places,
    tree: shapely.STRtree,
    units: gpd.GeoDataFrame,
    chosen: IntArray,
    border: FloatArray,
    several: NDArray[np.bool_],
) -> list[dict[int, float]]:
    """Share of each place's area or uncertainty disc in each unit; -1 stands for outside every unit."""
    shares: list[dict[int, float]] = [{} for _ in range(len(places.index))]
    polygons = units.geometry.to_numpy()
    inside = (chosen >= 0) & ~several & (border > places.radius_m)
    for row in np.flatnonzero(places.known):
        if (
            inside[row]
            and not places.is_area[row]
            and shapely.covers(polygons[chosen[row]], shapely.Point(places.lon[row], places.lat[row]))
        ):
            shares[row] = {int(chosen[row]): 1.0}
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
    units = _units(boundaries)
    places = _Places.of(points, year)
    levels = ladder(units)
    tolerance_m = float(tolerance_km) * 1000
    parent: list[str | None] = [None] * len(points)
    joined: dict[str, pd.DataFrame] = {}
    for level in reversed(levels):
        rung = units[units["level"] == level]
        frame = _join_level(places, rung, tolerance_m, parent)
        _declare(frame, points, rung, level, places, aliases)
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
    """False if any level disagrees, True if at least one agrees and none is undecided ("" means nothing declared)."""
    if any(v == "no" for v in values):
        return False
    return True if "yes" in values and "undecided" not in values else None


def _declare(
    frame: pd.DataFrame,
    points: pd.DataFrame,
    units: gpd.GeoDataFrame,
    level: str,
    places: _Places,
    aliases: Aliases | None,
) -> None:
    """Compare what the source declares with what was joined; the verdict and its reason go into `frame`."""
    column = next((c for c in (f"declared_{level}", level) if c in points), None)
    texts = ["" if column is None or pd.isna(v) else str(v) for v in points[column]] if column else [""] * len(points)
    rows = zip(units.index, units["name"], units["name_local"], units["aliases"], strict=True)
    names = Names.of([(c, *(str(n) for n in rest if pd.notna(n) and n)) for c, *rest in rows], aliases)
    parsed = {text: names.units_in(text) for text in set(texts)}
    shares: list[dict[str, float]] = frame.attrs.pop("shares")
    verdicts, whys = [], []
    for row, text in enumerate(texts):
        code = frame["code"].iloc[row]
        verdict, why = _verdict(text, parsed[text], None if pd.isna(code) else str(code), shares[row], level, units)
        if verdict == "no" and len(named := parsed[text]) and places.known[row]:
            why += _how_far(places, row, units, named[0])
        verdicts.append(verdict)
        whys.append("; ".join(w for w in (frame["why"].iloc[row], why) if w))
    frame["declared"] = pd.array([t or None for t in texts], dtype="str")
    frame["agrees"] = pd.array(verdicts, dtype="str")
    frame["why"] = pd.array(whys, dtype="str")


def _verdict(
    text: str, named: Sequence[str], code: str | None, shares: Mapping[str, float], level: str, units: gpd.GeoDataFrame
) -> tuple[str, str]:
    """Verdict "yes", "no", "undecided" or "" (nothing to compare), and its reason."""
    if not text:
        return "", ""
    if not named:
        return "undecided", f"declared {level} {text!r} is no name of a {level} in the boundary set"
    if code is None:
        return "undecided", f"declared {level} {text!r} cannot be compared: no {level} was joined"
    here = f"the position lies in {code} {units.loc[code, 'name']}"
    there = f"{named[0]} {units.loc[named[0], 'name']}"
    if _EXCLAVE.search(text) and named[0] != code:
        return "no", f"declared {level} is an exclave of {there}, which the boundary set does not draw: {here}"
    if tuple(named) == (code,) or (_EXCLAVE.search(text) and named[0] == code):
        return "yes", ""
    if code in named:
        return "undecided", f"declared {level} {text!r} names or fits several units; {here}, one of them"
    possible = sum(shares.get(other, 0.0) for other in named)
    if possible > 0:
        return "undecided", f"declared {level} {there} holds {possible:.2f} of the uncertainty, though {here}"
    return "no", f"declared {level} is {there}, but {here}: an exclave not drawn, another spelling, or a wrong position"


def _how_far(places: _Places, row: int, units: gpd.GeoDataFrame, code: str) -> str:
    """How far the declared unit is, for the reader to judge."""
    polygon = units.geometry[code]
    if shapely.is_missing(polygon):
        return ""
    metres = float(np.abs(edge_distance_m(places.lon[[row]], places.lat[[row]], polygon))[0])
    return f" ({metres / 1000:.1f} km from the border of {units.loc[code, 'name']})"


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
