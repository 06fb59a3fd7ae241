"""Checks of the areas of one layer: as declared and as drawn, among points, and over each other."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.geodesy import area_m2
from geosettle.io.row_checks import Geometry, listed, own_columns
from geosettle.io.source import only
from geosettle.layers import LayerSpec, plain_name
from geosettle.problems import Problem, problem

_PAIRS: Final = 5_000
"""Pairs of areas that are compared at most, so that no file can keep a check busy for hours."""
_DRAWN_AGAIN: Final = 0.8
"""Share of the smaller of two parcels of different years that makes them the same land."""


def overlaps(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find overlapping parcels or oases of one kind, which are counted twice.

    They are of one year, or are parcels drawn again for another year.
    """
    if geometry is None or spec.name not in {"development", "oasis"}:
        return []
    areas_ = only(geometry, (shapely.get_dimensions(geometry) == 2) & shapely.is_valid(geometry))
    first, second = shapely.STRtree(areas_).query(areas_, predicate="intersects")
    first, second = (side[first < second][:_PAIRS] for side in (first, second))
    same = {name: np.ones(first.size, dtype=bool) for name in ("kind", "year")}
    for column in [c for c in same if c in values]:
        texts_ = values[column].astype(object).where(values[column].notna(), "").to_numpy()
        same[column] = texts_[first] == texts_[second]
    # Land development accumulates from year to year; an oasis of another year is another state of
    # the same ground.
    of_one = same["kind"] & (same["year"] | (spec.name == "development"))
    first, second, again = first[of_one], second[of_one], ~same["year"][of_one]
    common = (
        area_m2(shapely.intersection(areas_[first], areas_[second])) if first.size else np.zeros(0)
    )
    least = (
        np.minimum(area_m2(areas_)[first], area_m2(areas_)[second]) if first.size else np.zeros(0)
    )
    out = []
    for k, (i, j) in enumerate(zip(first, second, strict=True)):
        text = f"{common[k] / 1e4:.4g} ha are common to {listed([i, j], values, spec)}"
        if again[k] and common[k] > max(1e4, _DRAWN_AGAIN * least[k]):
            text += (
                ", of two years: development counts from its year on, so this land is counted twice"
            )
            mend = "Keep one of them; states of the same land at two times belong in landcover."
        elif (
            not again[k]
            and common[k] > max(1e4, 0.01 * least[k])
            and not areas_[i].equals(areas_[j])
        ):
            mend = ""
        else:
            continue
        where = {"value": f"{common[k] / 1e4:.4g} ha", **({"mend": mend} if mend else {})}
        out += [problem("areas_overlap", f"{text}.", row=int(row) + 1, **where) for row in (i, j)]
    return out


def areas(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Compare declared areas with drawn ones: the ratio tells mu from hectares."""
    out: list[Problem] = []
    values = own_columns(values, spec)
    if {"leased_ha", "declared_ha"} <= set(values.columns):
        leased, declared = (values[c].to_numpy(dtype=float) for c in ("leased_ha", "declared_ha"))
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(leased > declared * 1.001)
        out += [
            problem("leased_exceeds_declared",
                    f"{leased[i]:g} ha are leased of {declared[i]:g} ha.", row=int(i) + 1,
                    column="leased_ha", value=f"{leased[i]:g}")
            for i in rows
        ]  # fmt: skip
    if spec.name != "development" or geometry is None or "declared_ha" not in values:
        return out
    drawn = area_m2(only(geometry, shapely.is_valid(geometry))) / 10_000
    declared = values["declared_ha"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((drawn > 0) & (declared > 0), declared / drawn, 1.0)
    for i in np.flatnonzero(np.abs(np.log(np.where(np.isfinite(ratio), ratio, 1.0))) > np.log(1.2)):
        text = f"{declared[i]:.6g} ha are declared and {drawn[i]:.6g} ha drawn"
        unit = _unit_of(ratio[i])
        code = "unit_suspected" if unit else "area_differs"
        text += f"; the numbers look like {unit}." if unit else f" (ratio {ratio[i]:.3g})."
        out.append(
            problem(code, text, row=int(i) + 1, column="declared_ha", value=f"{declared[i]:g}")
        )
    return out


_AREA_UNITS: Final = (
    (15.0, "mu"),
    (2.4711, "acres"),
    (0.01, "square kilometres"),
    (10_000.0, "square metres"),
    (1 / 15, "hectares where mu"),
)
"""Numbers for one hectare in other units."""
_AREA_NAMES: Final = re.compile(
    r"(?:shape_|st_|geom_|calc_)?area(?:_(?P<unit>ha|hectares?|km2|sqkm|m2|sqm|mu|acres?))?"
    r"|(?P<other>hectares?|acres?|mu)|面积|亩数"
)
_NAMED_UNITS: Final = {
    "ha": 1.0, "hectare": 1.0, "hectares": 1.0, "km2": 0.01, "sqkm": 0.01, "m2": 10_000.0,
    "sqm": 10_000.0, "mu": 15.0, "acre": 2.4711, "acres": 2.4711,
}  # fmt: skip


def _unit_of(ratio: float) -> str:
    """Name the unit in which so many are one hectare; "" for none."""
    for factor, name in _AREA_UNITS:
        # A hectare has so few acres that other causes lead to such a ratio, if to a less exact one.
        if abs(np.log(ratio / factor)) < np.log(1.05 if name == "acres" else 1.25):
            return name
    return ""


def other_areas(values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Compare columns of areas that the layer does not know with what is drawn.

    They are in the unit that the header names, else in that which most rows have.
    """
    if geometry is None or spec.name not in {"development", "oasis", "boundaries"}:
        return []
    known = {column.name for column in spec.columns}
    columns = [
        (column, named) for column in values.columns
        if column not in known and (named := _AREA_NAMES.fullmatch(plain_name(str(column))))
    ]  # fmt: skip
    if not columns:
        return []
    drawn = area_m2(only(geometry, shapely.is_valid(geometry))) / 10_000
    out: list[Problem] = []
    for column, named in columns:
        stated = numbers(values, column).to_numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where((drawn > 0) & (stated > 0), stated / drawn, np.nan)
        if not np.isfinite(ratio).any():
            continue
        usual = float(np.nanmedian(ratio))
        unit = _NAMED_UNITS.get(named["unit"] or named["other"] or "", 0.0)
        if unit and abs(np.log(usual / unit)) > np.log(1.2):
            text = f"The numbers of {column} are {usual:.3g} times the hectares drawn"
            text += f"; they look like {other}." if (other := _unit_of(usual)) else "."
            out.append(problem("unit_suspected", text, column=str(column), value=f"{usual:.3g}"))
        with np.errstate(invalid="ignore"):
            odd = np.flatnonzero(np.abs(np.log(ratio / usual)) > np.log(1.2))
        out += [
            problem("area_differs",
                    f"{column} is {stated[i]:.6g} and {drawn[i]:.6g} ha are drawn; in the other "
                    f"rows the two differ by a factor of {usual:.3g}.",
                    row=int(i) + 1, column=str(column), value=f"{stated[i]:g}")
            for i in (odd if len(odd) < 0.5 * np.isfinite(ratio).sum() else ())
        ]  # fmt: skip
    return out


def areas_among_points(_values: pd.DataFrame, geometry: Geometry, spec: LayerSpec) -> list[Problem]:
    """Find large areas among points: perhaps a unit that was taken for a place."""
    if geometry is None or spec.name not in {"sites", "origins"}:
        return []
    areal = shapely.get_dimensions(geometry) == 2
    if not areal.any() or areal.sum() >= (shapely.get_type_id(geometry) == 0).sum():
        return []
    km2 = area_m2(only(geometry, areal & shapely.is_valid(geometry))) / 1e6
    return [
        problem("area_among_points", f"The row is an area of {km2[i]:,.0f} km², most others are "
                "points.", row=int(i) + 1, value=f"{km2[i]:.0f} km2")
        for i in np.flatnonzero(km2 > _PLACE_KM2)
    ]  # fmt: skip


_PLACE_KM2: Final = 1000.0
"""An area larger than this is no place of one settlement."""


def areas_beyond(shapes: NDArray[Any], covers: NDArray[Any]) -> NDArray[np.float64]:
    """Area of each shape outside all covers, in square metres.

    Piece by piece: a country has tens of thousands of islands, and each meets one other piece.
    """
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    pieces = shapely.get_parts(covers)
    by, at = shapely.STRtree(parts).query(pieces, predicate="intersects")
    order = np.argsort(at, kind="stable")
    met, first, count = np.unique(at[order], return_index=True, return_counts=True)
    covering = pieces[by[order][first]]
    for k in np.flatnonzero(count > 1):
        several = pieces[by[order][first[k] : first[k] + count[k]]]
        covering[k] = shapely.disjoint_subset_union_all(several)
    same = shapely.equals_exact(shapely.normalize(parts[met]), shapely.normalize(covering))
    parts[met[same]] = None
    parts[met[~same]] = shapely.difference(parts[met[~same]], covering[~same])
    return np.bincount(part_of, area_m2(parts), len(shapes)).astype(float)
