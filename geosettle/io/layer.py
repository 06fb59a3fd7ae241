"""From cells to a layer: columns found, values converted, positions on WGS84, bad rows set aside with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.crs import WGS84
from geosettle.errors import UnknownNameError
from geosettle.io import checks
from geosettle.io.columns import Columns, convert, match_columns
from geosettle.io.positions import Positions, locate
from geosettle.io.source import Source
from geosettle.layers import LAYERS, LayerSpec
from geosettle.quality import Problem
from geosettle.study import complete

__all__ = ["Checked", "Options", "spec_of", "understand"]


@dataclass(frozen=True)
class Options:
    """What the user says about a file, so that nothing has to be guessed."""

    crs: str | None = None
    datum: str | None = None
    encoding: str | None = None
    layer: str | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    region: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Checked:
    """A layer that was looked at.

    Parameters
    ----------
    frame
        The rows that can be used, indexed by the layer's key, on WGS84.
    numbers
        1-based data row of each used row.
    rows_in
        Rows the file holds.
    """

    role: str
    frame: gpd.GeoDataFrame | pd.DataFrame
    numbers: NDArray[np.int64]
    rows_in: int
    problems: tuple[Problem, ...]
    source: Source
    crs_read: str | None = None
    crs_used: str | None = None

    @property
    def fatal(self) -> bool:
        """Whether the input as a whole is refused."""
        return any(p.severity == "fatal" for p in self.problems)


def spec_of(role: str) -> LayerSpec:
    """The layer of that name, or an error that lists them."""
    if role not in LAYERS:
        raise UnknownNameError("there is no such layer", value=role, mend=f"Use one of {', '.join(LAYERS)}.")
    return LAYERS[role]


def understand(source: Source, role: str, options: Options | None = None) -> Checked:
    """The layer that a source holds, and everything that is wrong with it."""
    options, spec = options or Options(), spec_of(role)
    found: Columns = match_columns(source, spec, options.columns)
    values, cell_problems = convert(source, spec, found)
    positions: Positions = locate(source, spec, found, options)
    problems = [*source.problems, *found.problems, *cell_problems, *positions.problems]
    if not any(p.severity == "fatal" for p in problems):
        for check in checks.FOR_LAYER:
            problems += check(values, positions.geometry, spec, options.region)
    return _settle(source, spec, values, positions, problems)


def _settle(
    source: Source, spec: LayerSpec, values: pd.DataFrame, positions: Positions, problems: list[Problem]
) -> Checked:
    """Set rows with an error aside, index the rest by the key, say in every problem where it is."""
    key = spec.key[0] if len(spec.key) == 1 else ""
    ids = values[key] if key in values else None
    located = tuple(dict.fromkeys(_place(p, source, spec, ids) for p in problems))
    refused = any(p.severity == "fatal" for p in located)
    bad = {p.row for p in located if p.severity == "error" and p.row is not None}
    rows = np.arange(1, len(values) + 1)
    keep = np.zeros(len(values), bool) if refused else ~np.isin(rows, sorted(bad))
    frame = complete(values, spec)
    if positions.geometry is not None:
        geometry = gpd.GeoSeries(positions.geometry, crs=WGS84, index=frame.index)
        frame = gpd.GeoDataFrame(frame, geometry=geometry)
    frame = frame.loc[keep]
    frame = frame.set_index(key) if key else frame.reset_index(drop=True)
    return Checked(spec.name, frame, rows[keep], len(values), located, source, positions.crs_read, positions.crs_used)


def _place(found: Problem, source: Source, spec: LayerSpec, ids: Any) -> Problem:
    """The problem with file, layer, line and id filled in."""
    row = found.row
    known = row is not None and 1 <= row <= len(source.cells)
    line = int(source.lines[row - 1]) if known and row is not None and source.lines is not None else found.line
    name = ids.iloc[row - 1] if known and row is not None and ids is not None else None
    return replace(
        found,
        file=found.file or source.file,
        layer=found.layer or source.layer or spec.name,
        line=found.line or line,
        id=found.id or ("" if name is None or pd.isna(name) else str(name)),
        value=found.value[:120],
    )


def is_point(geometry: Any) -> NDArray[np.bool_]:
    """Which geometries are single points."""
    return np.asarray(shapely.get_type_id(geometry) == 0)
