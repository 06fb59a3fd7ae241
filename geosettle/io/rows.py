"""Checks of one layer's rows: pure functions from values and geometries to problems. FOR_LAYER lists them."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.geodesy import GEOD, area_m2
from geosettle.io.columns import likeness
from geosettle.io.source import centres, only
from geosettle.layers import LayerSpec
from geosettle.quality import Problem, problem

__all__ = ["FOR_LAYER"]

Geometry = NDArray[Any] | None
Check = Callable[[pd.DataFrame, Geometry, LayerSpec], list[Problem]]

_KEEP_WITHOUT: Final = frozenset({"sites", "origins", "places", "development"})
"""Layers whose rows mean something without a position."""
_TOTALS: Final = re.compile(
    r"^(grand ?)?(total|totals|sum|subtotal|sub-total|合计|总计|小计|总和|共计)[:：]?$",
    re.IGNORECASE,
)
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKUP: Final = re.compile(r"<[a-zA-Z/!]|\{\{|\{%|\$\{|^\s*[=@]|^\s*[+\-](?![\d\s.,])")
_NEAR_M: Final = 20.0


def empty_table(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find a layer without a row."""
    return [] if len(values) else [problem("table_empty", f"The layer {spec.name} has no row.")]


def copied_rows(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Exact copies of an earlier row: the first is used."""
    if not spec.key or not len(values):
        return []
    whole = values.astype(object).where(values.notna(), "")
    if geometry is not None:
        whole = whole.assign(_wkb=shapely.to_wkb(geometry))
    again = whole.duplicated(keep="first").to_numpy()
    first = {key: i for i, key in reversed(list(enumerate(whole.itertuples(index=False, name=None))))}
    keys = list(whole.itertuples(index=False, name=None))
    return [
        problem("row_repeated", f"The row is an exact copy of row {first[keys[i]] + 1}.", row=int(i) + 1)
        for i in np.flatnonzero(again)
    ]


def duplicate_ids(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find the same identifier twice; every row that has it is named, since nobody can say which one is meant."""
    if len(spec.key) != 1:
        return []
    key = spec.key[0]
    copies = [p.row or 0 for p in copied_rows(values, geometry, spec)]
    ids = values[key].where(~np.isin(np.arange(1, len(values) + 1), copies))
    rows_of = {
        str(k): (np.asarray(v) + 1).tolist() for k, v in pd.Series(ids.dropna()).groupby(ids.dropna()).indices.items()
    }
    positions = np.flatnonzero(ids.notna().to_numpy())
    out = []
    for name, order in sorted(rows_of.items()):
        rows = [int(positions[n - 1]) + 1 for n in order]
        if len(rows) > 1:
            text = f"The identifier {name!r} stands in rows {', '.join(map(str, rows))}."
            out += [problem("id_duplicate", text, row=r, column=key, value=name) for r in rows]
    return out


def similar_ids(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find identifiers that differ only in spaces, case, width or punctuation."""
    if len(spec.key) != 1:
        return []
    key = spec.key[0]
    ids = values[key].dropna().drop_duplicates()
    plain = ids.map(likeness)
    ids = ids[plain.duplicated(keep=False)]
    alike = ids.groupby(plain[ids.index]).unique()
    out = []
    for group in alike[alike.map(len) > 1]:
        text = f"The identifiers {', '.join(repr(str(v)) for v in group)} differ only in spaces, case or punctuation."
        rows = np.flatnonzero(values[key].isin(list(group)).to_numpy())
        out += [
            problem("id_near_duplicate", text, row=int(i) + 1, column=key, value=str(values[key].iloc[i])) for i in rows
        ]
    return out


def similar_names(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Two sites or origins of the same name, unless they lie apart and so may well be two places."""
    if spec.name not in {"sites", "origins"} or "name" not in values:
        return []
    names = values["name"].map(likeness, na_action="ignore")
    out = []
    names = names[names.notna() & names.duplicated(keep=False)]
    for indices in names.groupby(names).indices.values():
        rows = names.index.to_numpy()[indices]
        if len(rows) < 2 or (geometry is not None and _apart(geometry[rows])):
            continue
        listed = ", ".join(str(int(r) + 1) for r in rows)
        out += [
            problem("name_duplicate", f"Rows {listed} have the same name.", row=int(r) + 1, column="name",
                    value=str(values["name"].iloc[r]))
            for r in rows
        ]  # fmt: skip
    return out


def _apart(geometry: NDArray[Any]) -> bool:
    """Whether every geometry is known and more than a kilometre from each other."""
    if shapely.is_missing(geometry).any() or shapely.is_empty(geometry).any():
        return False
    x, y = centres(geometry)
    i, j = np.triu_indices(len(x), 1)
    if not (np.isfinite(x).all() and (np.abs(y) <= 90).all()):
        return False
    return bool((np.asarray(GEOD.inv(x[i], y[i], x[j], y[j])[2]) > 1000).all())


def missing_positions(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Rows without a position: kept where they still mean something, set aside where they do not."""
    if geometry is None:
        return []
    keep = spec.name in _KEEP_WITHOUT
    # A total at the foot of a table has no position either, and is named as what it is.
    rows = np.flatnonzero(shapely.is_missing(geometry) & ~_is_total(values))
    return [problem("position_unknown" if keep else "geometry_missing", row=int(i) + 1) for i in rows]


def coarse_positions(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Points given to a tenth of a degree or less, of which nobody said how uncertain they are."""
    if geometry is None or spec.name not in {"sites", "origins"}:
        return []
    x, y = centres(only(geometry, shapely.get_type_id(geometry) == 0))
    unsaid = values["uncertainty_km"].isna().to_numpy() if "uncertainty_km" in values else np.ones(len(x), dtype=bool)
    out = []
    for step, severity, size in ((1, "warning", "50"), (10, "note", "5")):
        coarse = np.isfinite(x) & unsaid & (np.round(x * step) == x * step) & (np.round(y * step) == y * step)
        unsaid = unsaid & ~coarse
        text = f"The coordinates are rounded to {1 / step:g} degree, about {size} km."
        out += [problem("coordinate_coarse", text, severity=severity, row=int(i) + 1) for i in np.flatnonzero(coarse)]
    return out


def same_positions(_values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Points of one layer that coincide or nearly do, and polygons drawn twice."""
    if geometry is None or spec.name in {"rivers", "roads"}:
        return []
    out = []
    points = np.flatnonzero((shapely.get_type_id(geometry) == 0) & ~shapely.is_empty(geometry))
    if spec.name != "places":
        for rows in _near_groups(geometry, points):
            listed = ", ".join(str(int(r) + 1) for r in rows)
            text = f"Rows {listed} lie within {_NEAR_M:g} m of each other."
            out += [problem("position_duplicate", text, row=int(r) + 1) for r in rows]
    areas = np.flatnonzero(shapely.get_dimensions(geometry) == 2)
    seen: dict[bytes, int] = {}
    for i in areas:
        key = shapely.to_wkb(shapely.normalize(geometry[i]))
        if key in seen:
            text = f"The outline is the same as that of row {seen[key] + 1}."
            out.append(problem("geometry_duplicate", text, row=int(i) + 1))
        seen.setdefault(key, int(i))
    return out


def _near_groups(geometry: NDArray[Any], points: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return groups of points that lie within 20 m of a neighbour."""
    if points.size < 2:
        return []
    x, y = shapely.get_x(geometry[points]), shapely.get_y(geometry[points])
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90)
    points, x, y = points[good], x[good], y[good]
    degrees = _NEAR_M / 111_000
    # A cell of the grid is a little wider than the distance; neighbours share a cell in one of four shifted grids.
    parent = np.arange(points.size)

    def find(i: int) -> int:
        while parent[i] != i:
            i = int(parent[i])
        return i

    step_x = 2 * degrees / np.maximum(np.cos(np.radians(y)), 0.01)
    for dx in (0, 0.5):
        for dy in (0, 0.5):
            cells = np.column_stack([np.floor(x / np.round(step_x, 5) + dx), np.floor(y / (2 * degrees) + dy)])
            order = np.lexsort((cells[:, 1], cells[:, 0]))
            same = np.flatnonzero((cells[order][1:] == cells[order][:-1]).all(axis=1))
            for k in same:
                a, b = int(order[k]), int(order[k + 1])
                if GEOD.inv(x[a], y[a], x[b], y[b])[2] <= _NEAR_M:
                    parent[find(max(a, b))] = find(min(a, b))
    roots = np.array([find(i) for i in range(points.size)])
    return [points[roots == r] for r in np.unique(roots) if (roots == r).sum() > 1]


def _is_total(values: pd.DataFrame) -> NDArray[np.bool_]:
    out = np.zeros(len(values), dtype=bool)
    for column in values.columns[:3]:
        if pd.api.types.is_string_dtype(values[column]):
            out |= values[column].fillna("").str.strip().str.fullmatch(_TOTALS).to_numpy(dtype=bool)
    return out


def road_table(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Roads given as a table of lengths need both ends and the length."""
    if spec.name != "roads" or geometry is not None:
        return []
    out = []
    for column in ("a", "b", "length_km"):
        missing = values[column].isna().to_numpy() if column in values else np.ones(len(values), dtype=bool)
        out += [problem("value_missing", row=int(i) + 1, column=column) for i in np.flatnonzero(missing)]
    return out


def totals(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Total rows at the foot of a table."""
    if spec.name == "claims":
        return []
    return [problem("row_total", row=int(i) + 1) for i in np.flatnonzero(_is_total(values))]


def texts(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Direction marks that make text read other than it is stored, and markup, which is kept as plain text."""
    out = []
    for column in spec.columns:
        if column.kind != "text" or column.name not in values or not pd.api.types.is_string_dtype(values[column.name]):
            continue
        series = values[column.name].fillna("")
        for code, pattern in (("text_bidi", _BIDI), ("text_markup", _MARKUP)):
            hits = np.flatnonzero(series.str.contains(pattern).to_numpy(dtype=bool))
            out += [problem(code, row=int(i) + 1, column=column.name, value=str(series.iloc[i])) for i in hits]
    return out


def household_sizes(values: pd.DataFrame, _geometry: Geometry, _spec: LayerSpec) -> list[Problem]:
    """More households than persons, or more persons in a household than lived in any."""
    if not {"households", "persons"} <= set(values.columns):
        return []
    households, persons = (values[c].to_numpy(dtype=float) for c in ("households", "persons"))
    with np.errstate(invalid="ignore", divide="ignore"):
        size = persons / households
        fewer = (persons < households) & (persons >= 0)
        large = (size > 15) & (households > 0)
    out = []
    for code, mask in (("households_exceed_persons", fewer), ("household_size", large)):
        for i in np.flatnonzero(mask):
            text = f"{persons[i]:g} persons in {households[i]:g} households."
            out.append(problem(code, text, row=int(i) + 1, column="persons", value=f"{persons[i]:g}"))
    return out


def areas(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Compare declared areas with drawn ones: the ratio tells mu from hectares."""
    out: list[Problem] = []
    if {"leased_ha", "declared_ha"} <= set(values.columns):
        leased, declared = (values[c].to_numpy(dtype=float) for c in ("leased_ha", "declared_ha"))
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(leased > declared * 1.001)
        out += [
            problem("leased_exceeds_declared", f"{leased[i]:g} ha are leased of {declared[i]:g} ha.", row=int(i) + 1,
                    column="leased_ha", value=f"{leased[i]:g}")
            for i in rows
        ]  # fmt: skip
    if spec.name != "development" or geometry is None or "declared_ha" not in values:
        return out
    drawn = area_m2(only(geometry, shapely.is_valid(geometry))) / 10_000
    declared = values["declared_ha"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((drawn > 0) & (declared > 0), declared / drawn, 1.0)
    units = ((15.0, "mu"), (0.01, "square kilometres"), (10_000.0, "square metres"), (1 / 15, "hectares where mu"))
    for i in np.flatnonzero(np.abs(np.log(np.where(np.isfinite(ratio), ratio, 1.0))) > np.log(1.2)):
        text = f"{declared[i]:.6g} ha are declared and {drawn[i]:.6g} ha drawn"
        unit = next((name for factor, name in units if abs(np.log(ratio[i] / factor)) < np.log(1.25)), "")
        code = "unit_suspected" if unit else "area_differs"
        text += f"; the numbers look like {unit}." if unit else f" (ratio {ratio[i]:.3g})."
        out.append(problem(code, text, row=int(i) + 1, column="declared_ha", value=f"{declared[i]:g}"))
    return out


def distances(values: pd.DataFrame, _geometry: Geometry, _spec: LayerSpec) -> list[Problem]:
    """Kilometre columns that look like metres."""
    out = []
    for column, limit in (("declared_km", 3000.0), ("uncertainty_km", 200.0), ("length_km", 3000.0)):
        if column not in values:
            continue
        numbers = values[column].to_numpy(dtype=float)
        numbers = numbers[np.isfinite(numbers)]
        if numbers.size and np.median(numbers) >= limit:
            text = f"Half of the values of {column} are {np.median(numbers):g} or more; they look like metres."
            out.append(problem("unit_suspected", text, column=column, value=f"{np.median(numbers):g}"))
    return out


def validity(values: pd.DataFrame, _geometry: Geometry, _spec: LayerSpec) -> list[Problem]:
    """Find a validity that ends before it begins."""
    if not {"valid_from", "valid_to"} <= set(values.columns):
        return []
    start, end = (values[c].to_numpy(dtype=float, na_value=np.nan) for c in ("valid_from", "valid_to"))
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(start > end)
    return [
        problem("validity_reversed", row=int(i) + 1, column="valid_to", value=f"{start[i]:g} to {end[i]:g}")
        for i in rows
    ]


def repeated_flows(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find the same origin, site and year twice: perhaps counted twice."""
    if spec.name != "flows" or not {"origin_id", "site_id"} <= set(values.columns):
        return []
    keys = [c for c in ("origin_id", "site_id", "year") if c in values]
    whole = values.astype(object).where(values.notna(), "")
    copies = whole.duplicated(keep="first").to_numpy()
    twice = (
        values[keys].duplicated(keep=False).to_numpy() & values[["origin_id", "site_id"]].notna().all(axis=1).to_numpy()
    )
    firsts_of_copies = whole.duplicated(keep=False).to_numpy() & ~copies
    rows = np.flatnonzero(twice & ~copies & ~firsts_of_copies)
    return [
        problem("flow_duplicate", row=int(i) + 1, column="site_id",
                value=f"{values['origin_id'].iloc[i]} to {values['site_id'].iloc[i]}")
        for i in rows
    ]  # fmt: skip


FOR_LAYER: Final[tuple[Check, ...]] = (
    empty_table,
    totals,
    road_table,
    copied_rows,
    duplicate_ids,
    similar_ids,
    similar_names,
    missing_positions,
    coarse_positions,
    same_positions,
    texts,
    household_sizes,
    areas,
    distances,
    validity,
    repeated_flows,
)
"""Every check of a single layer, in the order its findings are listed."""
