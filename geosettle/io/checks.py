"""Checks of one layer: pure functions from its values and geometries to problems. FOR_LAYER lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.layers import LayerSpec
from geosettle.quality import Problem, problem

__all__ = ["FOR_LAYER"]

Region = tuple[float, float, float, float] | None
Geometry = NDArray[Any] | None
Check = Callable[[pd.DataFrame, Geometry, LayerSpec, Region], list[Problem]]

_KIND: Final = {0: "point", 1: "line", 2: "line", 3: "polygon", 4: "point", 5: "line", 6: "polygon", 7: "mixed"}
_KEEP_WITHOUT: Final = frozenset({"sites", "origins", "places", "development"})
"""Layers whose rows mean something without a position."""


def empty_table(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec, _region: Region) -> list[Problem]:
    """A layer without a row."""
    return [] if len(values) else [problem("table_empty", f"The layer {spec.name} has no row.")]


def duplicate_ids(values: pd.DataFrame, _geometry: Geometry, spec: LayerSpec, _region: Region) -> list[Problem]:
    """The same identifier twice; every row that has it is named, since nobody can say which one is meant."""
    if len(spec.key) != 1:
        return []
    ids = values[spec.key[0]]
    twice = np.flatnonzero((ids.notna() & ids.duplicated(keep=False)).to_numpy())
    first = {i: int(np.flatnonzero((ids == i).to_numpy())[0]) + 1 for i in ids.iloc[twice].unique()}
    rows = {i: [int(r) + 1 for r in twice if ids.iloc[r] == i] for i in first}
    return [
        problem(
            "id_duplicate",
            f"The identifier {ids.iloc[i]!r} stands in rows {', '.join(map(str, rows[ids.iloc[i]]))}.",
            row=int(i) + 1, column=spec.key[0], value=str(ids.iloc[i]),
        )
        for i in twice
    ]  # fmt: skip


def positions(_values: pd.DataFrame, geometry: Geometry, spec: LayerSpec, _region: Region) -> list[Problem]:
    """Rows without geometry, and points outside the Earth."""
    if geometry is None:
        return []
    missing = np.flatnonzero(shapely.is_missing(geometry))
    code = "position_unknown" if spec.name in _KEEP_WITHOUT else "geometry_missing"
    out = [problem(code, row=int(i) + 1) for i in missing]
    xy, row = shapely.get_coordinates(geometry, return_index=True)
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(xy[:, 0]) > 180) | (np.abs(xy[:, 1]) > 90)
    not_finite = ~np.isfinite(xy).all(axis=1)
    for code, mask in (("geometry_not_finite", not_finite), ("coordinate_out_of_range", beyond & ~not_finite)):
        for i in np.unique(row[mask]):
            x, y = xy[mask & (row == i)][0]
            out.append(problem(code, row=int(i) + 1, value=f"{x:.6g} {y:.6g}"))
    return out


def geometry_types(_values: pd.DataFrame, geometry: Geometry, spec: LayerSpec, _region: Region) -> list[Problem]:
    """Geometries of a type that the layer does not take, empty or invalid ones."""
    if geometry is None:
        return []
    out = []
    kinds = shapely.get_type_id(geometry)
    empty = shapely.is_empty(geometry) & ~shapely.is_missing(geometry)
    for i, kind in enumerate(kinds):
        if kind < 0:
            continue
        name = shapely.GeometryType(kind).name.title()
        if empty[i]:
            out.append(problem("geometry_empty", row=i + 1, value=name))
        elif _KIND[kind] == "mixed":
            out.append(problem("geometry_mixed", row=i + 1, value=name))
        elif _KIND[kind] not in spec.geometries:
            takes = " or ".join(g for g in spec.geometries if g != "none")
            out.append(problem("geometry_type", f"{spec.name} takes {takes}, not {name}.", row=i + 1, value=name))
    invalid = ~shapely.is_valid(geometry) & ~shapely.is_missing(geometry)
    for i in np.flatnonzero(invalid):
        reason = shapely.is_valid_reason(geometry[i])
        out.append(problem("geometry_invalid", f"The geometry is invalid: {reason}.", row=int(i) + 1, value=reason))
    return out


FOR_LAYER: Final[tuple[Check, ...]] = (empty_table, duplicate_ids, positions, geometry_types)
"""Every check of a single layer, in the order its findings are listed."""
