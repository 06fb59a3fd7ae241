"""From cells to a layer.

Columns are found, values converted, positions brought to WGS84, bad rows set aside with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.crs import WGS84
from geosettle.errors import UnknownNameError
from geosettle.io.columns import Columns, convert, match_columns
from geosettle.io.combining import combine, join_columns
from geosettle.io.geometry_repair import mend
from geosettle.io.layer_checks import FOR_LAYER
from geosettle.io.numbers import decimal_mark, to_number
from geosettle.io.position_checks import doubt_positions, wrap_longitudes
from geosettle.io.positions import Positions, locate
from geosettle.io.selection import propose_ids, select, unfold_matrix
from geosettle.io.source import Options, Source
from geosettle.io.survey import read_answers
from geosettle.io.vertex_checks import doubt_vertices
from geosettle.layers import LAYERS, LayerSpec
from geosettle.problems import CODES, Problem, problem
from geosettle.study import complete


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
    labels
        What names each row of the file in a message; None where nothing may.
    source_ids
        Identifiers of all rows, used or not.
    regions
        Areas, by identifier, in which rows without a position of their own are somewhere.
    """

    role: str
    frame: gpd.GeoDataFrame | pd.DataFrame
    numbers: NDArray[np.int64]
    rows_in: int
    problems: tuple[Problem, ...]
    source: Source
    labels: pd.Series | None = None
    crs_read: str | None = None
    crs_used: str | None = None
    source_ids: tuple[str, ...] = ()
    regions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fatal(self) -> bool:
        """Whether the input as a whole is refused."""
        return any(p.severity == "fatal" for p in self.problems)


def spec_of(role: str) -> LayerSpec:
    """Return the layer of that name, or an error that lists them."""
    if role not in LAYERS:
        raise UnknownNameError(
            "there is no such layer", value=role, mend=f"Use one of {', '.join(LAYERS)}."
        )
    return LAYERS[role]


def understand(source: Source, layer: str | LayerSpec, options: Options | None = None) -> Checked:
    """Return the layer that a source holds, and everything that is wrong with it."""
    options, spec = options or Options(), layer if isinstance(layer, LayerSpec) else spec_of(layer)
    source = join_columns(select(source, options), options.join)
    if options.combine:
        source = combine(source, spec, options.columns, options.join)
    source = unfold_matrix(source, spec, options.columns)
    source = propose_ids(source, spec, options.columns)
    found: Columns = match_columns(source, spec, options.columns)
    decimal, sure = _decimal(source, spec, found)
    source = replace(source, decimal=decimal, decimal_sure=sure)
    values, cell_problems = convert(source, spec, found)
    if spec.private:
        values, answer_problems = read_answers(values, source)
        cell_problems += answer_problems
    positions: Positions = locate(source, spec, found, options)
    problems = [*source.problems, *found.problems, *cell_problems, *positions.problems]
    geometry = positions.geometry
    if geometry is not None:
        strayed = doubt_vertices(geometry, spec, options.region)
        geometry, drawn = _points_of_areas(geometry, spec)
        geometry, wrapped = wrap_longitudes(geometry, spec)
        wrapped = [*strayed, *drawn, *wrapped]
        geometry, mended = mend(geometry, spec)
        in_degrees = any(p.code in _SHOWN for p in positions.problems) or bool(
            _PARTS & found.headers.keys()
        )
        doubts = doubt_positions(
            geometry, spec, options.region, drawn=source.geometry is not None, degrees=in_degrees
        )
        problems += wrapped + doubts + mended
        positions = replace(positions, geometry=geometry)
    if not any(p.severity == "fatal" for p in problems):
        stated = {p.row for p in problems if p.severity == "error"}
        for check in FOR_LAYER:
            problems += [p for p in check(values, geometry, spec) if not _explained(p, stated)]
    return _settle(source, spec, values, positions, problems)


_SHOWN: Final = frozenset({"degrees_packed", "degrees_from_time"})
_PARTS: Final = frozenset({"lat_minutes", "lon_minutes", "lat_hemisphere", "lon_hemisphere"})
"""What shows that numbers are degrees: findings, and columns that go with them."""


def _points_of_areas(geometry: NDArray[Any], spec: LayerSpec) -> tuple[NDArray[Any], list[Problem]]:
    """Take a point on each area, in a layer of points: a building is a place."""
    areas = shapely.get_dimensions(geometry) == 2
    if spec.geometries != ("point",) or not areas.any():
        return geometry, []
    out = geometry.copy()
    out[areas] = shapely.point_on_surface(geometry[areas])
    text = f"{int(areas.sum())} area(s) were taken as places, each by a point on it."
    return out, [problem("place_from_area", text)]


def _explained(found: Problem, stated: set[int | None]) -> bool:
    """Whether a missing position only follows from an error already named for that row."""
    return found.code in {"position_unknown", "geometry_missing"} and found.row in stated


def _decimal(source: Source, spec: LayerSpec, found: Columns) -> tuple[str, bool]:
    """Decimal mark of the numbers of a source, and how sure it is.

    The numbers prove it, or the delimiter only suggests it.
    """
    numeric = {c.name for c in spec.columns if c.kind == "number"}
    columns = {
        n: source.cells[h] for n, h in found.headers.items() if n in numeric | {"lon", "lat"}
    }
    proven = decimal_mark(cell for cells in columns.values() for cell in cells)
    if proven:
        return proven, True
    coordinates = [
        c for n in ("lon", "lat") if n in columns for c in columns[n] if isinstance(c, str)
    ]
    for mark, other in ((",", "."), (".", ",")):
        # 76,063 among coordinates can only be 76.063, since 76063 degrees do not exist.
        as_mark, as_other = ([to_number(c, m)[0] for c in coordinates] for m in (mark, other))
        if any(abs(b) > 360 >= abs(a) for a, b in zip(as_mark, as_other, strict=True)):
            return mark, True
    return ("," if source.delimiter == ";" else "."), False


def _settle(
    source: Source,
    spec: LayerSpec,
    values: pd.DataFrame,
    positions: Positions,
    problems: list[Problem],
) -> Checked:
    """Set rows with an error aside, index the rest by the key, say in every problem where it is."""
    key = spec.key[0] if len(spec.key) == 1 else ""
    ids = values.get(key, None)
    names = labels(values, spec)
    counts = _households(values, spec)
    located = tuple(dict.fromkeys(
        _counted(locate_problem(p, source, spec, names), counts) for p in problems
    ))  # fmt: skip
    refused = any(p.severity == "fatal" for p in located)
    bad = {
        p.row for p in located
        if (p.severity == "error" or p.code == "no_move") and p.row is not None
    }  # fmt: skip
    rows = np.arange(1, len(values) + 1)
    keep = np.zeros(len(values), bool) if refused else ~np.isin(rows, sorted(bad))
    frame = complete(values, spec)
    if positions.geometry is not None:
        geometry = gpd.GeoSeries(positions.geometry, crs=WGS84, index=frame.index)
        frame = gpd.GeoDataFrame(frame, geometry=geometry)
    frame = frame.loc[keep]
    frame = frame.set_index(key) if key else frame.reset_index(drop=True)
    every = () if ids is None else tuple(str(i) for i in ids.dropna())
    read, used = positions.crs_read, positions.crs_used
    return Checked(
        spec.name, frame, rows[keep], len(values), located, source, names, read, used, every
    )


def labels(values: pd.DataFrame, spec: LayerSpec) -> pd.Series | None:
    """Return what names each row of a layer in a message, whatever the order of the rows.

    "" where nothing does.
    """
    keys = [c for c in _LABELS.get(spec.name, spec.key) if c in values]
    if not keys or spec.private:
        return None
    parts = [values[c].astype(object).where(values[c].notna(), "").astype(str) for c in keys]
    text = parts[0]
    for part in parts[1:]:
        text = (text + " → " + part).where((text != "") & (part != ""), "")
    return text


_LABELS: Final = {
    "roads": ("a", "b"),
    "indicators": ("site_id", "indicator"),
    "claims": ("subject", "quantity"),
}
"""Layers without a key to the columns that tell their rows apart."""


def set_aside(checked: Checked, found: list[Problem]) -> Checked:
    """Return the layer with further problems, and without the rows that have an error."""
    spec = spec_of(checked.role)
    counts = np.full(checked.rows_in, np.nan)
    counts[checked.numbers - 1] = _households(checked.frame, spec)
    located = tuple(
        _counted(locate_problem(p, checked.source, spec, checked.labels), counts) for p in found
    )
    bad = sorted({p.row for p in found if p.severity == "error" and p.row is not None})
    keep = ~np.isin(checked.numbers, bad)
    return replace(
        checked,
        frame=checked.frame.loc[keep],
        numbers=checked.numbers[keep],
        problems=(*checked.problems, *located),
    )


def _households(values: pd.DataFrame, spec: LayerSpec) -> NDArray[np.float64]:
    """Households of each row; NaN where the layer counts none, or answers are private."""
    if spec.private or not any(c.name == "households" for c in spec.columns):
        return np.full(len(values), np.nan)
    if "households" not in values:
        return np.full(len(values), np.nan)
    return values["households"].to_numpy(dtype=np.float64, na_value=np.nan)


def _counted(found: Problem, households: NDArray[np.float64]) -> Problem:
    """Return the problem with the households of its row."""
    row = found.row
    if row is None or not 1 <= row <= len(households) or np.isnan(households[row - 1]):
        return found
    return replace(found, households=float(households[row - 1]))


def locate_problem(
    found: Problem, source: Source, spec: LayerSpec, labels: pd.Series | None
) -> Problem:
    """Return the problem with file, layer, sheet, line and id filled in from its row.

    A layer whose rows are answers of households gives away no cell.
    """
    row = found.row if found.row is not None and 1 <= found.row <= len(source.cells) else None
    line, name = found.line, found.id
    if row is not None:
        line = line or (None if source.lines is None else int(source.lines[row - 1]))
        name = name or ("" if labels is None else str(labels.iloc[row - 1]))
    value, message = found.value[:120], found.message
    if spec.private and found.row is not None:
        value, name = "", ""
        if found.code not in {"time_unknown", "id_duplicate", "number_unreadable"}:
            message = CODES[found.code].sentence
    return replace(
        found,
        file=found.file or source.file,
        layer=found.layer if found.layer not in {"", source.layer} else spec.name,
        sheet=found.sheet or source.layer,
        line=line,
        id=name,
        value=value,
        message=message,
    )
