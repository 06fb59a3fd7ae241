"""Columns of a table that name administrative units, their level, and their end of a move."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.io.numbers import to_text
from geosettle.io.source import Source
from geosettle.layers import plain_name
from geosettle.names import Names

_SAMPLE: Final = 300
"""Distinct cells of a column that are compared with the names of units."""
_SHARE: Final = 0.5
"""Least share of them that must be names of units."""
_ORIGIN: Final = re.compile(
    r"(?:^|_)(origin\w*|origem|departure|depart|previous|former|provenance|proced\w+|habitual\w*|"
    r"displaced_from|moved_from|came_from|from|last_residence|salida|sortie|исход\w*|прежн\w*|выезд\w*|"
    r"выбыт\w*)(?=_|$)|迁出|原籍|原住|来源地|الأصل|الاصل|المنشأ|المغادرة|النزوح"
)
"""Words of a header that say: where the households came from."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level of the boundaries: its name in the study, and its units.

    Attributes
    ----------
    name, number
        What the level is called, and its place in the ladder.
    names
        Names of its units.
    bounds
        Its extent in degrees; None where it is drawn in metres.
    shapes
        Code of a unit to its polygon; empty where it is drawn in metres.
    """

    name: str
    number: int
    names: Names
    bounds: tuple[float, float, float, float] | None = None
    shapes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UnitColumns:
    """Headers that name units: by level, coarsest first; codes apart from names."""

    names: Mapping[str, str]
    codes: Mapping[str, str]

    @property
    def finest(self) -> str:
        """Header of the finest level; "" if there is none."""
        return next(reversed({**self.codes, **self.names}.values()), "")

    def columns(self) -> dict[str, str]:
        """Column of the study (`lga`, `lga_code`) to header."""
        return {**self.names, **{f"{level}_code": h for level, h in self.codes.items()}}


def says_origin(header: str) -> bool:
    """Whether a header speaks of where households came from.

    Examples
    --------
    >>> headers = "LGA of origin of majority", "Previous (Departure) District", "LGA"
    >>> tuple(says_origin(header) for header in headers)
    (True, True, False)
    """
    return _ORIGIN.search(plain_name(header)) is not None


def unit_columns(
    source: Source,
    headers: Sequence[str],
    levels: Sequence[Level],
    points: NDArray[Any] | None = None,
) -> UnitColumns:
    """Headers whose cells are names or codes of units; the first of each level is taken.

    Of several of one level, those that the positions of the rows agree with are taken.
    """
    best: dict[str, tuple[float, str]] = {}
    coded: dict[str, str] = {}
    for header in headers:
        texts = _texts(source.cells[header])
        if not texts:
            continue
        level, share, code = _level_of(header, texts, levels)
        if share < _SHARE:
            continue
        if points is not None:
            of_level = next(one for one in levels if one.name == level)
            share += _agreement(source.cells[header], of_level, points)
        if code:
            coded.setdefault(level, header)
        elif share > best.get(level, (0.0, ""))[0] + 0.2:
            best[level] = share, header
    order = [level.name for level in levels]
    return UnitColumns(
        {name: best[name][1] for name in order if name in best},
        {name: coded[name] for name in order if name in coded},
    )


def _agreement(cells: pd.Series, level: Level, points: NDArray[Any]) -> float:
    """Share of a sample of rows whose position is in the unit that the cell names."""
    rows = np.flatnonzero(~shapely.is_missing(points))
    rows = rows[:: max(1, len(rows) // _SAMPLE)]
    known = inside = 0
    for row in rows:
        codes, _ = level.names.match((to_text(cells.iloc[row]) or "").strip())
        shapes = [level.shapes[code] for code in codes if code in level.shapes]
        known += bool(shapes)
        inside += any(shapely.intersects(shape, points[row]) for shape in shapes)
    return inside / known if known else 0.0


def _texts(cells: pd.Series) -> list[str]:
    texts = dict.fromkeys((to_text(c) or "").strip() for c in cells.tolist())
    found = [t for t in texts if t and len(t) <= 80]
    numbers = sum(t.replace(".", "", 1).lstrip("-").isdecimal() for t in found)
    return [] if numbers > 0.5 * len(found) else found[:: max(1, len(found) // _SAMPLE)]


def _level_of(
    header: str, texts: Sequence[str], levels: Sequence[Level]
) -> tuple[str, float, bool]:
    """Level that most of the texts name, the share of them, and whether they are codes."""
    stated = re.search(r"adm(?:in)?_?(\d)", plain_name(header))
    found = ("", 0.0, False)
    most = 0.0
    for level in levels:
        hows = [_how(level.names, text) for text in texts]
        share = sum(bool(how) for how in hows) / len(texts)
        bonus = 0.05 * (stated is not None and int(stated[1]) == level.number)
        bonus += 0.05 * (plain_name(level.name) in plain_name(header).split("_"))
        if share + bonus > most:
            most = share + bonus
            found = level.name, share, hows.count("code") > 0.5 * len(hows)
    return found


def _how(names: Names, text: str) -> str:
    codes, how = names.match(text)
    return how if codes else ""
