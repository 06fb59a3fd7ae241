"""Checks of one layer's rows: pure functions from values and geometries to problems.

`layer_checks` lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geosettle.cells import months_in
from geosettle.geodesy import GEOD
from geosettle.io.columns import likeness
from geosettle.io.numbers import clean
from geosettle.io.source import centres, only
from geosettle.layers import STUDY, LayerSpec
from geosettle.problems import Problem, problem

Geometry = NDArray[Any] | None
Check = Callable[[pd.DataFrame, Geometry, LayerSpec], list[Problem]]

_KEEP_WITHOUT: Final = frozenset({"sites", "origins", "places", "development"})
"""Layers whose rows mean something without a position."""
_TOTALS: Final = re.compile(
    r"(grand|overall)?(total|totals|totales|totalgeneral|totalgénéral|totalgeral|soustotal|subtotales|suma|somme|итого|всего|المجموع|الإجمالي|sum|subtotal|sub-total|合计|总计|小计|总和|共计|累计|合計|總計|小計)"
    r"((of)?(households|persons|sites)|(\(.*\)))?:?",
    re.IGNORECASE,
)
_TOTAL_HINT: Final = "total|sum|somme|итого|всего|المجموع|الإجمالي|计|和|計"
_GROUPING: Final = {
    "flows": ("origin_id", "site_id"),
    "boundaries": ("level",),
    "development": ("kind",),
    "places": ("kind",),
    "indicators": ("site_id", "capital", "indicator"),
    "claims": ("quantity",),
}
"""Columns whose words put rows into groups."""
_CAPITALS: Final = frozenset(
    [
        *("human", "natural", "material", "physical", "financial", "social"),
        *(
            "人力",
            "自然",
            "物质",
            "金融",
            "社会",
            "人力资本",
            "自然资本",
            "物质资本",
            "金融资本",
            "社会资本",
        ),
    ]
)
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MARKUP: Final = re.compile(r"<[a-zA-Z/!]|\{\{|\{%|\$\{|^\s*[=@]|^\s*[+\-](?![\d\s.,])")
_LOST: Final = re.compile(r"^\?{2,}$|\?{3,}")
_ODD: Final = "[<{$=@+?\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|^\\W*-"
"""What a text holds in which one of these four is found."""
_NEAR_M: Final = 20.0
_MANY: Final = 500
"""Rows of one name beyond which the name says nothing, wherever they lie."""
_LISTED: Final = 12
"""Identifiers that a message names."""


def empty_table(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find a layer without a row."""
    return [] if len(values) else [problem("table_empty", f"The layer {spec.name} has no row.")]


def copied_rows(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Exact copies of an earlier row: the first is used."""
    if not len(values) or not (spec.key or spec.name in {"indicators", "claims"}):
        return []
    if len(spec.key) == 1 and not values[spec.key[0]].duplicated().any():
        return []
    whole = values.astype(object).where(values.notna(), "")
    if geometry is not None:
        whole = whole.assign(_wkb=shapely.to_wkb(geometry))
    again = whole.duplicated(keep="first").to_numpy()
    if not again.any():
        return []
    return [problem("row_repeated", row=int(i) + 1) for i in np.flatnonzero(again)]


def listed(rows: Any, values: pd.DataFrame, spec: LayerSpec) -> str:
    """Name rows by their identifiers, whatever their order.

    Where these do not identify them, return how many they are.
    """
    key = spec.key[0] if len(spec.key) == 1 else ""
    ids = sorted(set(values[key].iloc[rows].dropna().astype(str))) if key in values else []
    count = f"{len(rows)} rows"
    return count if not ids else _some(ids) + (f" ({count})" if len(ids) < len(rows) else "")


def _some(texts: list[str]) -> str:
    """Return the first of many texts.

    A list as long as a table would be repeated in every one of its rows.
    """
    return ", ".join(texts[:_LISTED]) + (
        f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    )


def duplicate_ids(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find the same identifier twice.

    Every row that has it is named, since nobody can know which one is meant.
    """
    if len(spec.key) != 1:
        return []
    key = spec.key[0]
    if not values[key].dropna().duplicated().any():
        return []
    copies = [p.row or 0 for p in copied_rows(values, geometry, spec)]
    ids = values[key].where(~np.isin(np.arange(1, len(values) + 1), copies))
    rows_of = {
        str(k): (np.asarray(v) + 1).tolist()
        for k, v in pd.Series(ids.dropna()).groupby(ids.dropna()).indices.items()
    }
    positions = np.flatnonzero(ids.notna().to_numpy())
    out = []
    for name, order in sorted(rows_of.items()):
        rows = [int(positions[n - 1]) + 1 for n in order]
        if len(rows) > 1:
            text = f"The identifier {name!r} is in {len(rows)} rows."
            out += [problem("id_duplicate", text, row=r, column=key, value=name) for r in rows]
    return out


def similar_ids(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find identifiers that differ only in spaces, case, width or punctuation."""
    if len(spec.key) != 1:
        return []
    key = spec.key[0]
    out = []
    for group in _alike(values[key], lambda v: _unpadded(likeness(v)) or v):
        listed = _some([repr(v) for v in group])
        same = len({likeness(v) for v in group}) == 1
        how = "spaces, case, look or punctuation" if same else "zeros before or after them"
        text = f"The identifiers {listed} differ only in {how}."
        rows = np.flatnonzero(values[key].isin(group).to_numpy())
        out += [
            problem(
                "id_near_duplicate",
                text,
                row=int(i) + 1,
                column=key,
                value=str(values[key].iloc[i]),
            )
            for i in rows
        ]
    return out


def _unpadded(plain: str) -> str:
    """Return the number of an identifier that is only a number.

    007 and 7 are easily taken for each other.
    """
    return plain.lstrip("0") if plain.isdecimal() else plain


def _alike(texts: pd.Series, plain: Callable[[str], str]) -> list[list[str]]:
    """Return groups of different texts that are the same once made plain."""
    several = texts.dropna().drop_duplicates()
    made = several.map(plain)
    several = several[made.duplicated(keep=False)]
    return [sorted(map(str, group)) for _, group in several.groupby(made[several.index])]


def spellings(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find words that group rows or refer to other layers, spelled in several ways.

    Each spelling would be a group of its own.
    """
    out = []
    for column in _GROUPING.get(spec.name, ()):
        if column not in values:
            continue
        for group in _alike(values[column], likeness):
            text = f"{_some([repr(v) for v in group])} differ only in spaces, case or punctuation."
            out.append(problem("spelling_differs", text, column=column, value=group[0]))
    return out


def similar_names(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find two sites or origins of the same name.

    Not those that are apart and so may well be two places.
    """
    if spec.name not in {"sites", "origins"} or "name" not in values:
        return []
    names = values["name"].map(likeness, na_action="ignore")
    out = []
    names = names[names.notna() & names.duplicated(keep=False)]
    for indices in names.groupby(names).indices.values():
        rows = names.index.to_numpy()[indices]
        if len(rows) < 2 or (geometry is not None and _apart(geometry[rows])):
            continue
        stated = f"Rows of the same name: {listed(rows, values, spec)}."
        out += [
            problem("name_duplicate", stated, row=int(r) + 1, column="name",
                    value=str(values["name"].iloc[r]))
            for r in rows
        ]  # fmt: skip
    return out


def _apart(geometry: NDArray[Any]) -> bool:
    """Whether every geometry is known and more than a kilometre from each other."""
    if len(geometry) > _MANY:
        return False
    if shapely.is_missing(geometry).any() or shapely.is_empty(geometry).any():
        return False
    x, y = centres(geometry)
    i, j = np.triu_indices(len(x), 1)
    if not (np.isfinite(x).all() and (np.abs(y) <= 90).all()):
        return False
    return bool((np.asarray(GEOD.inv(x[i], y[i], x[j], y[j])[2]) > 1000).all())


def missing_positions(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find rows without a position.

    They are kept where they still mean something, and set aside where they do not.
    """
    if geometry is None:
        return []
    keep = spec.name in _KEEP_WITHOUT
    # A total at the foot of a table has no position either, and is named as what it is.
    unplaced = shapely.is_missing(geometry)
    if unplaced.any():
        unplaced &= ~_is_total(values)
    return [
        problem("position_unknown" if keep else "geometry_missing", row=int(i) + 1)
        for i in np.flatnonzero(unplaced)
    ]


def coarse_positions(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Points given to a tenth of a degree or less, whose uncertainty nobody states."""
    if geometry is None or spec.name not in {"sites", "origins"}:
        return []
    x, y = centres(only(geometry, shapely.get_type_id(geometry) == 0))
    unsaid = (
        values["uncertainty_km"].isna().to_numpy()
        if "uncertainty_km" in values
        else np.ones(len(x), dtype=bool)
    )
    out = []
    for step, severity, size in ((1, "warning", "50"), (10, "note", "5")):
        coarse = (
            np.isfinite(x)
            & unsaid
            & (np.round(x * step) == x * step)
            & (np.round(y * step) == y * step)
        )
        unsaid = unsaid & ~coarse
        text = f"The coordinates are rounded to {1 / step:g} degree, about {size} km."
        out += [
            problem("coordinate_coarse", text, severity=severity, row=int(i) + 1)
            for i in np.flatnonzero(coarse)
        ]
    return out


def same_positions(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Points of one layer that coincide or nearly do, and polygons drawn twice."""
    if geometry is None or spec.name in {"rivers", "roads"}:
        return []
    out = []
    points = np.flatnonzero((shapely.get_type_id(geometry) == 0) & ~shapely.is_empty(geometry))
    if spec.name != "places":
        for rows in _near_groups(geometry, points):
            text = f"Within {_NEAR_M:g} m of each other: {listed(rows, values, spec)}."
            out += [problem("position_duplicate", text, row=int(r) + 1) for r in rows]
    areas = np.flatnonzero(shapely.get_dimensions(geometry) == 2)
    outlines = pd.Series(
        shapely.to_wkb(shapely.normalize(geometry[areas])), index=areas, dtype=object
    )
    outlines = outlines[outlines.duplicated(keep=False)]
    for alike in outlines.groupby(outlines).indices.values():
        rows = outlines.index.to_numpy()[alike]
        text = f"The same outline: {listed(rows, values, spec)}."
        out += [problem("geometry_duplicate", text, row=int(i) + 1) for i in sorted(rows)]
    return out


def _near_groups(geometry: NDArray[Any], points: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return groups of points that lie within 20 m of a neighbour."""
    if points.size < 2:
        return []
    x, y = shapely.get_x(geometry[points]), shapely.get_y(geometry[points])
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90)
    points, x, y = points[good], x[good], y[good]
    # Rows at the very same place count as one in the search, which else would compare each with all
    # others.
    places, place = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
    px, py = places.T
    # The search is in degrees, wider where meridians run together; the ellipsoid then decides.
    stretched = np.column_stack([px * np.maximum(np.cos(np.radians(py)), 0.01), py])
    reach = 1.05 * _NEAR_M / 110_500
    nearest = np.asarray(
        cKDTree(stretched).query(stretched, k=[2, 3, 4], distance_upper_bound=reach)[1]
    )
    a, column = np.nonzero(nearest < len(places))
    b = nearest[a, column]
    near = (
        np.asarray(GEOD.inv(px[a], py[a], px[b], py[b])[2]) <= _NEAR_M
        if a.size
        else np.zeros(0, bool)
    )
    if not near.any() and len(places) == len(points):
        return []
    parent = np.arange(len(places))

    def find(i: int) -> int:
        while parent[i] != i:
            i = int(parent[i])
        return i

    for i, j in zip(a[near].tolist(), b[near].tolist(), strict=True):
        parent[max(find(i), find(j))] = min(find(i), find(j))
    roots = pd.Series(np.array([find(i) for i in range(len(places))])[place.ravel()])
    roots = roots[roots.duplicated(keep=False)]
    return [points[roots.index.to_numpy()[rows]] for rows in roots.groupby(roots).indices.values()]


def _hits(texts: pd.Series, pattern: re.Pattern[str], some: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows, of some, in whose text a pattern is found, by Python's rules whatever holds them."""
    found = [pattern.search(text) is not None for text in texts.iloc[some]]
    return np.asarray(some[np.array(found, dtype=bool)])


def _like(texts: pd.Series, pattern: str) -> NDArray[np.intp]:
    """Rows whose text may hold what is looked for: few of many, found quickly."""
    return np.flatnonzero(texts.str.contains(pattern, case=False).to_numpy(dtype=bool))


def _is_total(values: pd.DataFrame) -> NDArray[np.bool_]:
    out = np.zeros(len(values), dtype=bool)
    for column in values.columns[:3]:
        if pd.api.types.is_string_dtype(values[column]):
            for i in _like(values[column].fillna(""), _TOTAL_HINT):
                out[i] |= (
                    _TOTALS.fullmatch(re.sub(r"\s+", "", clean(values[column].iloc[i]))) is not None
                )
    return out


def hidden_total(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """One row whose households are the sum of all others: a total under another name."""
    if spec.name not in {"sites", "flows"} or "households" not in values:
        return []
    households = values["households"].where(~_is_total(values)).to_numpy(dtype=float)
    known = households[np.isfinite(households) & (households > 0)]
    total = float(known.sum())
    rows = np.flatnonzero(households == total / 2)
    if known.size < 4 or len(rows) != 1:
        return []
    text = f"The {total / 2:g} households of the row are the sum of all others; it may be a total."
    where = {"row": int(rows[0]) + 1, "column": "households", "value": f"{total / 2:g}"}
    return [problem("row_total", text, severity="warning", **where)]


def road_table(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Roads given as a table of lengths need both ends and the length."""
    if spec.name != "roads" or geometry is not None:
        return []
    out = []
    for column in ("a", "b", "length_km"):
        missing = (
            values[column].isna().to_numpy()
            if column in values
            else np.ones(len(values), dtype=bool)
        )
        out += [
            problem("value_missing", row=int(i) + 1, column=column) for i in np.flatnonzero(missing)
        ]
    return (
        out
        if out or not {"a", "b", "length_km"} <= set(values.columns)
        else _impossible_roads(values)
    )


def _impossible_roads(values: pd.DataFrame) -> list[Problem]:
    """Roads from a place to itself, of no length, or of two lengths."""
    a, b = (values[c].map(likeness).to_numpy() for c in ("a", "b"))
    length = values["length_km"].to_numpy(dtype=float)
    out = [problem("road_ends_equal", row=int(i) + 1, column="b", value=str(values["b"].iloc[i]))
           for i in np.flatnonzero(a == b)]  # fmt: skip
    out += [problem("number_out_of_range", "A road has a length.", row=int(i) + 1,
            column="length_km", value="0")
            for i in np.flatnonzero((length == 0) & (a != b))]  # fmt: skip
    marks = {
        c: values[c].fillna("").to_numpy() for c in ("class", "season", "surface") if c in values
    }
    ends = pd.DataFrame({"from": np.where(a < b, a, b), "to": np.where(a < b, b, a), **marks})
    for rows in ends.groupby(list(ends.columns)).indices.values():
        if np.ptp(length[rows]) > 0.2 * length[rows].max():
            listed = ", ".join(f"{v:g} km" for v in sorted(set(length[rows].tolist())))
            text = f"One road has several lengths: {listed}."
            out += [problem("road_contradicts", text, row=int(r) + 1, column="length_km",
                    value=f"{length[r]:g}")
                    for r in rows]  # fmt: skip
    return out


def contradicting_indicators(
    values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec
) -> list[Problem]:
    """Find indicators of unknown capitals, measured twice, or shares beyond 100 percent."""
    if spec.name != "indicators" or not {"site_id", "capital", "indicator"} <= set(values.columns):
        return []
    plain = values["capital"].fillna("").map(likeness)
    out = [problem("value_improbable",
                   f"There is no capital {values['capital'].iloc[i]!r}: human, natural, material,"
                   " financial, social.", row=int(i) + 1, column="capital",
                   value=str(values["capital"].iloc[i]))
           for i in np.flatnonzero((plain != "") & ~plain.isin(_CAPITALS))]  # fmt: skip
    what = values.drop(columns=[c for c in ("before", "after", "n") if c in values]).astype(object)
    twice = what.where(what.notna(), "").duplicated(keep=False) & ~values.duplicated(keep=False)
    stated = "The same indicator has other values in another row."
    out += [problem("value_improbable", stated, row=int(i) + 1, column="indicator",
                    value=str(values["indicator"].iloc[i]))
            for i in np.flatnonzero(twice)]  # fmt: skip
    unit = (
        values["unit"].fillna("").map(clean).str.casefold()
        if "unit" in values
        else pd.Series("", values.index)
    )
    share = unit.isin({"%", "percent", "per cent", "百分比"}).to_numpy()
    for column in [c for c in ("before", "after") if c in values]:
        number = values[column].to_numpy(dtype=float)
        with np.errstate(invalid="ignore"):
            beyond = np.flatnonzero(share & (np.abs(number) > 100))
        out += [problem("value_improbable", f"A share of {number[i]:g} percent.", row=int(i) + 1,
                        column=column,
                        value=f"{number[i]:g}") for i in beyond]  # fmt: skip
    return out


def totals(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Total rows at the foot of a table."""
    if spec.name == "claims":
        return []
    return [problem("row_total", row=int(i) + 1) for i in np.flatnonzero(_is_total(values))]


def texts(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find direction marks that change how text reads, and markup.

    Markup is kept as plain text.
    """
    out = []
    for column in spec.columns:
        if (
            column.kind != "text"
            or column.name not in values
            or not pd.api.types.is_string_dtype(values[column.name])
        ):
            continue
        series = values[column.name].fillna("")
        odd = _like(series, _ODD)
        for code, pattern in (
            ("text_bidi", _BIDI),
            ("text_control", _CONTROL),
            ("text_markup", _MARKUP),
        ):
            hits = _hits(series, pattern, odd)
            out += [
                problem(code, row=int(i) + 1, column=column.name, value=str(series.iloc[i]))
                for i in hits
            ]
        lost = _hits(series, _LOST, odd)
        if lost.size:
            text = (
                f"{column.name} holds runs of question marks in {lost.size} row(s); letters may "
                "have been lost."
            )
            out.append(
                problem(
                    "text_damaged", text, column=column.name, value=str(series.iloc[lost].min())
                )
            )
    return out


def household_sizes(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """More households than persons, or more persons in a household than lived in any."""
    values = own_columns(values, spec)
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
            out.append(
                problem(code, text, row=int(i) + 1, column="persons", value=f"{persons[i]:g}")
            )
    return out


def own_columns(values: pd.DataFrame, spec: LayerSpec) -> pd.DataFrame:
    """Columns of the layer itself: others that bear such a name hold text."""
    return values[[column.name for column in spec.columns if column.name in values]]


def distances(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Kilometre columns that look like metres."""
    values = own_columns(values, spec)
    out = []
    for column, limit in (
        ("declared_km", 3000.0),
        ("uncertainty_km", 200.0),
        ("length_km", 3000.0),
    ):
        if column not in values:
            continue
        numbers = values[column].to_numpy(dtype=float)
        numbers = numbers[np.isfinite(numbers)]
        if numbers.size and np.median(numbers) >= limit:
            text = (
                f"Half of the values of {column} are {np.median(numbers):g} or more; they look "
                "like metres."
            )
            out.append(
                problem("unit_suspected", text, column=column, value=f"{np.median(numbers):g}")
            )
    return out


def validity(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find a validity that ends before it begins."""
    values = own_columns(values, spec)
    if not {"valid_from", "valid_to"} <= set(values.columns):
        return []
    start, end = (
        values[c].to_numpy(dtype=float, na_value=np.nan) for c in ("valid_from", "valid_to")
    )
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(start > end)
    return [
        problem(
            "validity_reversed",
            row=int(i) + 1,
            column="valid_to",
            value=f"{start[i]:g} to {end[i]:g}",
        )
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
        values[keys].duplicated(keep=False).to_numpy()
        & values[["origin_id", "site_id"]].notna().all(axis=1).to_numpy()
    )
    firsts_of_copies = whole.duplicated(keep=False).to_numpy() & ~copies
    rows = np.flatnonzero(twice & ~copies & ~firsts_of_copies)
    return [
        problem("flow_duplicate", row=int(i) + 1, column="site_id",
                value=f"{values['origin_id'].iloc[i]} to {values['site_id'].iloc[i]}")
        for i in rows
    ]  # fmt: skip


def barrier_months(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find barriers whose months cannot be read."""
    if spec.name != "barriers" or "closed" not in values:
        return []
    return [
        problem("months_unreadable", row=row, column="closed", value=str(text))
        for row, text in enumerate(values["closed"], start=1)
        if months_in(text) is None
    ]


def no_moves(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find flows of 0 households, and of no persons: nobody moved, so they are no moves."""
    if spec.name != "flows" or "households" not in values:
        return []
    nobody = values["households"].to_numpy(dtype=float) == 0
    if "persons" in values:
        nobody &= ~(values["persons"].to_numpy(dtype=float) > 0)
    return [problem("no_move", row=int(i) + 1, column="households") for i in np.flatnonzero(nobody)]


def scopes(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find rows whose scope is a word that means nothing here: they are left out of the study."""
    if "scope" not in values or "scope" not in {column.name for column in spec.columns}:
        return []
    declared = values["scope"].fillna("").str.strip().str.casefold()
    strange = ~declared.isin(["", STUDY, "comparison"]).to_numpy()
    return [
        problem(
            "scope_unknown", row=int(row) + 1, column="scope", value=str(values["scope"].iloc[row])
        )
        for row in np.flatnonzero(strange)
    ]
