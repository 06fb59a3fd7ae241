"""Administrative units for the map: their numbers, the moves between them, and their areas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.analysis import UNKNOWN, Result
from geosettle.cells import numbers
from geosettle.levels import ladder
from geosettle.maps import encoding
from geosettle.maps.place_names import anchors, located
from geosettle.words import capital_all, has, heading_key, say_all, untranslated

_TOTAL: Final = "total"
_PARTS: Final = ("_low_km", "_high_km", "_n", "_of", "_by")
"""Ends of columns that only qualify another one."""
_NO_MEASURE: Final = frozenset({"level", "code", "unit", "parent", "row", "name", "local"}) | {
    "sites_located",
    "sites_by_position",
    "sites_counted",
}
_UNITS_WITHOUT_DATA: Final = 1000
"""A level with more of them has only those drawn that have data."""
_SAME_AREA: Final = 0.02
"""Share by which the areas of units may differ from that of the unit they make up."""


def units_table(result: Result) -> dict[str, Any] | None:
    """Pack the units of every level, first those with data, and the moves between them.

    Returns
    -------
    dict or None
        A packed table with `level`, `name`, `local` (name in its own script), `lon`, `lat` (a place
        inside) and every number of `Result.units`; with it `levels` from coarse to fine, `first`
        (the level shown at first), `by` (what moves are counted in), `measures` (columns that areas
        may be coloured by, with label and unit) and `flows`, a packed table of the moves from unit
        to unit. None where the study has no units.
    """
    frame = _rows(result)
    if frame is None:
        return None
    counted = "households" if _weighed(frame, "households") else "moves"
    flows = _flows(result, frame, counted)
    levels = [level for level in frame["level"].unique() if level in set(result.units["level"])]
    texts = {c: encoding.column(frame[c].reset_index(drop=True)) for c in ("level", "name")}
    if frame["local"].notna().any():
        texts["local"] = encoding.column(frame["local"].reset_index(drop=True))
    measured = [str(c) for c in frame if c not in _NO_MEASURE and c not in {"lon", "lat"}]
    columns = {c: encoding.column(numbers(frame, c)) for c in measured if not c.endswith("_by")}
    place = {c: encoding.column(frame[c], steps=encoding.POINT_STEPS) for c in ("lon", "lat")}
    return {
        "n": len(frame),
        "columns": {**texts, **place, **columns},
        "levels": [{"level": v, "label": capital_all(level_words(v))} for v in levels],
        "first": next((v for v in levels if (frame["level"] == v).sum() > 1), levels[0]),
        "by": counted,
        "measures": [
            _measure(c)
            for c in columns
            if not c.endswith(_PARTS) and len(set(frame[c].dropna())) > 1
        ],
        "flows": {
            "n": len(flows),
            "columns": {
                **{end: encoding.rows(flows[end]) for end in ("origin", "site")},
                **{c: encoding.column(flows[c]) for c in flows if c not in {"origin", "site"}},
            },
        },
    }


def _rows(result: Result) -> pd.DataFrame | None:
    """Units with data in the order of the table, then the other units of the same levels."""
    if "level" not in result.units:
        return None
    table = result.units[result.units["level"] != _TOTAL].reset_index(drop=True)
    if table.empty:
        return None
    named = table["unit"].where(table["unit"] != UNKNOWN)
    table = table.assign(name=named, code=table.get("code", ""))
    boundaries = located(result.study.boundaries)
    if boundaries is None:
        return table.assign(local=None, lon=np.nan, lat=np.nan)
    units = boundaries[~boundaries.index.duplicated()]
    units = units.set_axis(units.index.astype(str))
    levels = list(ladder(units))
    other = units[units["level"].isin(table["level"]) & ~units.index.isin(table["code"])]
    many = other.groupby("level")["level"].transform("size") > _UNITS_WITHOUT_DATA
    other = other[~many]
    lacking = pd.DataFrame({"level": other["level"], "code": other.index, "name": other["name"]})
    frame = pd.concat([table, lacking.astype(object)], ignore_index=True)
    frame = frame.iloc[
        np.argsort([levels.index(v) for v in frame["level"]], kind="stable")
    ].reset_index(drop=True)
    local = units["name_local"] if "name_local" in units else pd.Series(dtype=object)
    known = frame["code"].where(frame["code"].isin(table["code"]))
    return frame.assign(local=frame["code"].map(local), **_places(units, known))


def _places(units: gpd.GeoDataFrame, codes: pd.Series) -> dict[str, NDArray[np.float64]]:
    """Longitude and latitude of the middle of the widest part of each unit; NaN without one."""
    found = [
        anchors(units.geometry[code], 1)[0] if code in units.index else (np.nan, np.nan)
        for code in codes
    ]
    xy = np.array(found, dtype=float).reshape(-1, 2)
    return {"lon": xy[:, 0], "lat": xy[:, 1]}


def _weighed(frame: pd.DataFrame, name: str) -> bool:
    """Whether the table weighs distances by a count of that name."""
    return "distance_by" in frame and bool((frame["distance_by"] == name).any())


def _flows(result: Result, frame: pd.DataFrame, counted: str) -> pd.DataFrame:
    """List the moves from one unit to another, those with most last: they are drawn on top."""
    moves = result.moves
    wanted = ["moves", "households", "distance_median_km"]
    wanted += ["distance_median_low_km", "distance_median_high_km"]
    if "within" not in moves:
        return pd.DataFrame({"origin": [], "site": []}, dtype=int)
    between = moves[~moves["within"].astype(bool)]
    of = {
        (level, code or name or UNKNOWN): row
        for row, (level, code, name) in enumerate(
            zip(frame["level"], frame["code"].fillna(""), frame["name"], strict=True)
        )
    }
    rows = {}
    for end in ("origin", "site"):
        codes = between.get(f"{end}_code", pd.Series("", between.index)).fillna("")
        keys = zip(between["level"], codes, between[f"{end}_unit"], strict=True)
        rows[end] = [of.get((level, code or name), -1) for level, code, name in keys]
    kept = between[[c for c in wanted if c in between]].assign(**rows)
    kept = kept[(kept[["origin", "site"]] >= 0).all(axis=1)]
    size = numbers(kept, counted).fillna(-1)
    return kept.iloc[np.argsort(size.to_numpy(), kind="stable")].reset_index(drop=True)


def level_words(level: str) -> dict[str, str]:
    """Name of a level, in words where there are any."""
    key = f"level_{level}"
    return say_all(key) if has(key) else untranslated(level.replace("_", " "))


def _measure(column: str) -> dict[str, Any]:
    """Name and unit of a column, and the columns of its interval."""
    unit = next((u for u in ("km", "ha") if column.endswith(f"_{u}")), "")
    entry: dict[str, Any] = {"column": column, "unit": unit, "label": _column_words(column)}
    if column.startswith("distance_"):
        stem = column.removesuffix("_km")
        entry |= {"low": f"{stem}_low_km", "high": f"{stem}_high_km"}
    return entry


def _column_words(column: str) -> Mapping[str, str]:
    """Name of a column of the table of units; those made from the data are named by their parts."""
    key, way = heading_key(column), column.rpartition("_")[2]
    if key:
        return capital_all(say_all(key))
    for start, made in (("nearest_", "ind_nearest"), ("developed_", "development_of")):
        if column.startswith(start):
            kind = column.removeprefix(start).rpartition("_")[0]
            if has(f"{made}_{kind}"):
                return say_all(f"{made}_{kind}")
            stated = say_all(f"kind_{kind}") if has(f"kind_{kind}") else _spaced(kind)
            return say_all(made, x=stated, kind=stated)
    parts = {
        "households_": ("households", say_all(f"units_{way}") if has(f"units_{way}") else {}),
        "landcover_": ("landcover_undated", _spaced(column.removeprefix("landcover_")[:-3])),
    }
    for start, (head, rest) in parts.items():
        if column.startswith(start) and rest:
            stated, gap = say_all(head), say_all("colon")
            return {lang: f"{stated[lang]}{gap[lang]}{rest[lang].lower()}" for lang in stated}
    return capital_all(_spaced(column.removesuffix("_ha").removesuffix("_km")))


def _spaced(text: str) -> dict[str, str]:
    return untranslated(text.replace("_", " "))


def unit_areas(result: Result, tolerance_deg: float) -> dict[str, Any] | None:
    """Outlines of the units, each once: a unit that finer ones make up is drawn as these.

    Returns
    -------
    dict or None
        `parts` with the outlines, and for every level `rows`: row of `units_table` that each
        outline belongs to, missing where it belongs to none of that level.
    """
    frame = _rows(result)
    boundaries = located(result.study.boundaries)
    if frame is None or boundaries is None:
        return None
    units = boundaries[~boundaries.index.duplicated()]
    units = units.set_axis(units.index.astype(str))
    row_of = {code: row for row, code in enumerate(frame["code"].fillna("")) if code}
    levels = [v for v in ladder(units) if (frame["level"] == v).any()]
    shapes: list[Any] = []
    of_level: dict[str, list[float]] = {v: [] for v in levels}
    finer: dict[str, list[int]] = {}
    for level in reversed(levels):
        own = units[(units["level"] == level) & units.index.isin(row_of)]
        parents: dict[str, list[int]] = {}
        drawn = encoding.simplify(own.geometry.to_numpy(), tolerance_deg)
        whole = shapely.area(own.geometry.to_numpy())
        above = own["parent_code"] if "parent_code" in own else pd.Series(None, own.index)
        for code, parent, shape, area in zip(own.index, above, drawn, whole, strict=True):
            made = finer.get(code, [])
            covered = shapely.area(np.array([shapes[k] for k in made], dtype=object)).sum()
            if abs(covered - area) > _SAME_AREA * area:
                made = [len(shapes)]
                shapes.append(shape)
                for rows in of_level.values():
                    rows.append(np.nan)
            for k in made:
                of_level[level][k] = row_of[code]
            if pd.notna(parent):
                parents.setdefault(str(parent), []).extend(made)
        finer = parents
    if not shapes:
        return None
    paths = encoding.outlines(np.array(shapes, dtype=object))
    packed = {level: encoding.column(found, digits=0) for level, found in of_level.items()}
    return {"parts": [{"paths": paths, "style": {}}], "rows": packed}
