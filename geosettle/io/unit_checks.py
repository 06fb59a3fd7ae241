"""Positions against the units that their rows declare: facts about the file, then about rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.geodesy import GEOD
from geosettle.io.column_names import find_columns
from geosettle.io.source import centres
from geosettle.io.validation import Checked
from geosettle.layers import LAYERS
from geosettle.levels import Declared, declared_units, ladder
from geosettle.names import Aliases
from geosettle.problems import Problem, problem

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BORDER_M: Final = 5_000.0
"""As near as borders of published boundary sets are drawn."""
_SLACK_M: Final = 100.0
_AGREE: Final = 0.8
"""Share of the rows that must agree before a file is reported as wrong as a whole."""
_GAINED: Final = 0.3
"""Share of the rows that must come into their unit by turning the axes."""
_LEAST_ROWS: Final = 3
_LEAST_UNITS: Final = 5
"""Units that rows must declare before a common shift of all of them is evidence."""
_LEAST_OF_UNIT: Final = 10
"""Rows of one unit that must be outside it before that is one fact about the unit."""
_UNKNOWN_SHARE: Final = 0.5

_Turn = Callable[[Floats, Floats], tuple[Floats, Floats]]
_TURNS: Final[tuple[tuple[str, str, _Turn], ...]] = (
    ("crs_axis_order", "longitude and latitude exchanged", lambda x, y: (y, x)),
    ("hemisphere_contradicts", "east and west exchanged", lambda x, y: (-x, y)),
    ("hemisphere_contradicts", "north and south exchanged", lambda x, y: (x, -y)),
)
"""What a file may have wrong: code, words, and the position as it was meant."""


@dataclass(frozen=True, eq=False)
class _Statements:
    """What rows declare, and where they are.

    Attributes
    ----------
    x, y, radius_m
        Degrees and metres of each row; NaN where there is no position of its own.
    declared
        By level, coarsest first.
    shapes
        Code of a unit to its polygon.
    """

    x: Floats
    y: Floats
    radius_m: Floats
    declared: Sequence[Declared]
    shapes: Mapping[str, Any]

    def away_m(self, level: Declared, x: Floats, y: Floats, rows: NDArray[np.intp]) -> Floats:
        """Metres of rows at given positions from their unit; NaN where they declare none."""
        out = np.full(len(rows), np.nan)
        groups: dict[tuple[str, ...], list[int]] = {}
        for at, row in enumerate(rows):
            if level.codes[row] and np.isfinite(x[at]) and abs(y[at]) <= 90:
                groups.setdefault(level.codes[row], []).append(at)
        for codes, ats in groups.items():
            out[ats] = _outside_m([self.shapes[c] for c in codes], x[ats], y[ats])
        return out

    def agree(self, x: Floats, y: Floats, rows: NDArray[np.intp]) -> Mask:
        """Which rows would be in, or near, every unit they declare at given positions."""
        good = np.ones(len(rows), dtype=bool)
        for level in self.declared:
            left = np.flatnonzero(good)
            away = self.away_m(level, x[left], y[left], rows[left])
            good[left] = ~(away > self.radius_m[rows[left]] + BORDER_M)
        return good & np.isfinite(x) & (np.abs(y) <= 90) & (np.abs(x) <= 180)


def outside_declared(checked: Checked, units: gpd.GeoDataFrame, aliases: Aliases) -> list[Problem]:
    """Find what positions and declared units say about a file, and then about single rows.

    A fact about the file leaves its consequences for the rows unsaid.
    """
    frame = checked.frame
    if not isinstance(frame, gpd.GeoDataFrame) or not len(units) or not len(frame):
        return []
    given = _statements(checked, units, aliases)
    if not given.declared:
        return []
    out = [p for level in given.declared for p in _contradicted(checked, level)]
    unknown, foreign = _unknown(checked, given)
    out += unknown
    rows = np.flatnonzero(
        np.isfinite(given.x) & [any(t.codes[r] for t in given.declared) for r in range(len(frame))]
    )
    if fact := _elsewhere(given, units, foreign=foreign):
        return [*out, fact]
    agrees = given.agree(given.x[rows], given.y[rows], rows)
    if fact := _turned(checked, given, rows, agrees) or _shifted(given, rows, agrees):
        return [*out, fact]
    return out + _rows_outside(checked, given, rows, units)


def _statements(checked: Checked, units: gpd.GeoDataFrame, aliases: Aliases) -> _Statements:
    frame = checked.frame
    x, y = (v.copy() for v in centres(frame["geometry"].to_numpy()))
    placed = frame.index.astype(str).isin(list(checked.regions))
    x[placed], y[placed] = np.nan, np.nan
    stated = frame.get("uncertainty_km", pd.Series(np.nan, index=frame.index))
    radius = pd.to_numeric(stated, errors="coerce").fillna(0).to_numpy(dtype=float) * 1000
    shapes = dict(zip(units.index.astype(str), units.geometry.to_numpy(), strict=True))
    return _Statements(x, y, radius, tuple(declared_units(frame, units, aliases).values()), shapes)


def _contradicted(checked: Checked, level: Declared) -> list[Problem]:
    """Rows whose code is that of another unit than the name."""
    out = []
    for row in level.contradicted:
        where = {
            "row": int(checked.numbers[row]),
            "column": level.column,
            "value": level.texts[row],
        }
        text = f"The declared {level.level} {level.texts[row]!r} has another code than is given."
        out.append(problem("declared_code_differs", text, **where))
    return out


def _unknown(checked: Checked, given: _Statements) -> tuple[list[Problem], bool]:
    """Names that are no unit's: by row, or where most are none, once; and whether all are none."""
    out: list[Problem] = []
    known_any = False
    for level in given.declared:
        known = {t: bool(c) for t, c in zip(level.texts, level.codes, strict=True) if t}
        lost = sorted(t for t, there in known.items() if not there)
        known_any |= len(lost) < len(known)
        if len(known) >= _LEAST_UNITS and len(lost) > _UNKNOWN_SHARE * len(known):
            text = (
                f"{len(lost)} of {len(known)} names in {level.column!r} are no {level.level} of "
                f"the boundaries, such as {', '.join(lost[:3])}."
            )
            out.append(problem("boundaries_other_set", text, column=level.column))
            continue
        sentences = {text: _unknown_unit(text, level) for text in lost}
        out += [
            problem("declared_unit_unknown", sentences[text], row=int(checked.numbers[row]),
                    column=level.column, value=text)
            for row, text in enumerate(level.texts)
            if text in sentences and np.isfinite(given.x[row])
        ]  # fmt: skip
    return out, not known_any


def _unknown_unit(text: str, level: Declared) -> str:
    """Sentence for a text that is no name of a unit, with the names spelled like it."""
    near = [one.name for one in level.names.candidates(text, most=3)]
    hint = f" Spelled like it: {', '.join(near)}." if near else ""
    return f"No {level.level} is called {text!r}.{hint}"


def _elsewhere(given: _Statements, units: gpd.GeoDataFrame, *, foreign: bool) -> Problem | None:
    """Say that no position is in the boundaries: they are of another country, or it is wrong."""
    rows = np.flatnonzero(np.isfinite(given.x))
    if len(rows) < _LEAST_ROWS or not foreign:
        return None
    top = units[units["level"].astype(str) == ladder(units)[0]].geometry.to_numpy()
    away = _outside_m(list(top), given.x[rows], given.y[rows])
    if (away <= BORDER_M).any():
        return None
    text = (
        f"None of {len(rows)} positions is inside the boundaries; the nearest is "
        f"{away.min() / 1000:,.0f} km away. They are those of another country."
    )
    return problem("boundaries_elsewhere", text)


def _turned(
    checked: Checked, given: _Statements, rows: NDArray[np.intp], agrees: Mask
) -> Problem | None:
    """Say that axes or signs are exchanged, where most rows agree with their unit only then."""
    if len(rows) < _LEAST_ROWS or agrees.mean() > _AGREE:
        return None
    for code, what, turn in _TURNS:
        would = given.agree(*turn(given.x[rows], given.y[rows]), rows)
        # Rows that agree both ways, such as those of a unit on the diagonal, say nothing.
        gained, lost = int((would & ~agrees).sum()), int((agrees & ~would).sum())
        many = gained >= max(_LEAST_ROWS, _GAINED * len(rows))
        if would.mean() >= _AGREE and many and lost <= 0.1 * gained:
            text = (
                f"Of {len(rows)} rows that declare a unit {int(agrees.sum())} are in it; with "
                f"{what} {int(would.sum())} are."
            )
            mend = _columns_mend(checked) if code == "crs_axis_order" else ""
            more = {"mend": mend} if mend else {}
            return problem(code, text, severity="fatal", **more)
    return None


def _columns_mend(checked: Checked) -> str:
    """Return how to exchange the two columns, "" where the file has none."""
    headers = [str(c) for c in checked.source.cells.columns]
    found = find_columns(headers, LAYERS[checked.role])[0]
    if checked.source.geometry is not None or not {"lon", "lat"} <= found.keys():
        return ""
    return (
        f"Exchange the columns with --map {checked.role}:lon={found['lat']},lat={found['lon']}, "
        "or in study.toml under map."
    )


def _shifted(given: _Statements, rows: NDArray[np.intp], agrees: Mask) -> Problem | None:
    """Say that all positions are shifted alike: the system, its zone or its datum is another."""
    finest = [next((t.codes[r] for t in reversed(given.declared) if t.codes[r]), ()) for r in rows]
    sure = np.array([len(codes) == 1 for codes in finest], dtype=bool)
    if len({codes for codes in finest if len(codes) == 1}) < _LEAST_UNITS:
        return None
    if agrees.mean() > 1 - _AGREE:
        return None
    middle = shapely.point_on_surface(
        np.array([given.shapes[c[0]] for c in finest if len(c) == 1], dtype=object)
    )
    x, y = given.x[rows], given.y[rows]
    east = float(np.median(shapely.get_x(middle) - x[sure]))
    north = float(np.median(shapely.get_y(middle) - y[sure]))
    would = given.agree(x + east, y + north, rows)
    if would.mean() < _AGREE:
        return None
    at = float(np.median(x)), float(np.median(y))
    km = GEOD.inv(*at, at[0] + east, at[1] + north)[2] / 1000
    text = (
        f"Of {len(rows)} rows that declare a unit {int(agrees.sum())} are in it; "
        f"{int(would.sum())} would be if all were moved by about {km:,.0f} km "
        f"({abs(east):.2f} degrees {'east' if east > 0 else 'west'}, {abs(north):.2f} degrees "
        f"{'north' if north > 0 else 'south'}): the reference system, its zone or its datum is "
        "another one."
    )
    return problem("crs_contradicted", text, mend="State the right one with --crs or --datum.")


def _rows_outside(
    checked: Checked, given: _Statements, rows: NDArray[np.intp], units: gpd.GeoDataFrame
) -> list[Problem]:
    """Rows outside a unit they declare: units of which most rows are outside first, as one fact."""
    out: list[Problem] = []
    done = np.zeros(len(checked.frame), dtype=bool)
    for level in given.declared:  # the coarsest that does not hold; finer ones are consequences
        left = rows[~done[rows]]
        away = given.away_m(level, given.x[left], given.y[left], left)
        beyond = away > given.radius_m[left] + _SLACK_M
        if not beyond.any():
            continue
        falls = _units_at(units, given.x[left[beyond]], given.y[left[beyond]])
        place = dict(zip(left[beyond].tolist(), falls, strict=True))
        metres = dict(zip(left.tolist(), away.tolist(), strict=True))
        done[left[beyond]] = True
        whole = _whole_units(level, left, beyond & (away > BORDER_M))
        for text in whole:
            of_unit = [r for r in place if level.texts[r] == text]
            out.append(
                _unit_fact(level, text, [metres[r] for r in of_unit], [place[r] for r in of_unit])
            )
        single = [r for r in place if level.texts[r] not in whole]
        exchanged = _exchanged(given, np.array(single, dtype=np.intp))
        for row in single:
            where: dict[str, Any] = {
                "row": int(checked.numbers[row]), "column": level.column, "value": level.texts[row],
                "distance_km": round(metres[row] / 1000, 1), "falls_in": place[row],
            }  # fmt: skip
            out.append(_row_problem(level.texts[row], exchanged.get(row, ""), **where))
    return out


def _row_problem(text: str, exchanged: str, **where: Any) -> Problem:
    """Problem of one row that is outside its unit."""
    km = where["distance_km"]
    there = f", in {where['falls_in']}" if where["falls_in"] else ", outside every unit"
    if exchanged:
        sentence = (
            f"The position is {km:,.1f} km outside {text}{there}; with {exchanged} it is inside."
        )
        code = "coordinates_swapped" if "latitude" in exchanged else "hemisphere_contradicts"
        return problem(code, sentence, **where)
    sentence = f"The position is {km:,.1f} km outside {text}{there}."
    near = km * 1000 <= BORDER_M
    return problem("outside_by_border" if near else "outside_declared_unit", sentence, **where)


def _exchanged(given: _Statements, rows: NDArray[np.intp]) -> dict[int, str]:
    """Rows that are in every unit they declare once axes or signs are exchanged: row to words."""
    out: dict[int, str] = {}
    far = np.array(
        [r for r in rows if not given.agree(given.x[[r]], given.y[[r]], rows[rows == r])[0]],
        dtype=np.intp,
    )
    for _, what, turn in _TURNS:
        left = np.array([r for r in far if r not in out], dtype=np.intp)
        if left.size:
            good = given.agree(*turn(given.x[left], given.y[left]), left)
            out |= dict.fromkeys(left[good].tolist(), what)
    return out


def _whole_units(level: Declared, rows: NDArray[np.intp], outside: Mask) -> set[str]:
    """Texts of units of which nearly all rows are outside."""
    every = Counter(level.texts[r] for r in rows)
    lost = Counter(level.texts[r] for r in rows[outside])
    return {t for t, n in lost.items() if n >= _LEAST_OF_UNIT and n >= _AGREE * every[t]}


def _unit_fact(
    level: Declared, text: str, metres: Sequence[float], falls: Sequence[str]
) -> Problem:
    """One sentence for all rows of a unit that are outside it."""
    there = [f"{place or 'outside every unit'} {n:,}" for place, n in Counter(falls).most_common(3)]
    sentence = (
        f"{len(metres):,} rows declare the {level.level} {text} and are {min(metres) / 1000:,.0f} "
        f"to {max(metres) / 1000:,.0f} km outside it: {'; '.join(there)}."
    )
    km = round(float(np.median(metres)) / 1000, 1)
    return problem("unit_elsewhere", sentence, column=level.column, value=text, distance_km=km)


def _units_at(units: gpd.GeoDataFrame, x: Floats, y: Floats) -> list[str]:
    """Names of the finest unit and those above it at each position, "" outside every unit."""
    names = [""] * len(x)
    points = shapely.points(x, y)
    for level in ladder(units):
        some = units[units["level"].astype(str) == level]
        at, unit = shapely.STRtree(some.geometry.to_numpy()).query(points, predicate="intersects")
        taken: set[int] = set()
        for a, u in zip(at.tolist(), unit.tolist(), strict=True):
            if a not in taken:
                taken.add(a)
                name = str(some["name"].iloc[u])
                names[a] = f"{names[a]} / {name}" if names[a] else name
    return names


def _outside_m(shapes: Sequence[Any], x: Floats, y: Floats) -> Floats:
    """Metres from each point to the nearest of some areas.

    0 inside one, or where none has a shape.
    """
    out = np.full(len(x), np.inf)
    points = shapely.points(x, y)
    for shape in shapes:
        if shape is None or shape.is_empty:
            return np.zeros(len(x))
        shapely.prepare(shape)
        outside = np.flatnonzero(~shapely.contains(shape, points))
        feet = shapely.get_coordinates(
            shapely.get_point(shapely.shortest_line(points[outside], shape), 1)
        )
        metres = np.zeros(len(x))
        metres[outside] = GEOD.inv(x[outside], y[outside], feet[:, 0], feet[:, 1])[2]
        out = np.minimum(out, metres)
    return out
