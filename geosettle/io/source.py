"""What a file holds before it is interpreted.

Cells as read, geometries as drawn, the CRS it declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from geosettle.errors import InputError
from geosettle.problems import Problem
from geosettle.settings import DEFAULTS


class Refused(InputError):  # noqa: N818  (it reads as what happened to the file)
    """A file that is not used, with the problem code that says why."""

    def __init__(self, code: str, message: str, **where: Any) -> None:
        super().__init__(message, **where)
        self.code = code


MOST_CELLS: Final = 50_000_000
"""Cells of a table that are read at most."""
MOST_BYTES: Final = 500_000_000
"""Bytes that the texts and geometries of a table may unpack to."""


def check_size(rows: int, columns: int, file: str, size: int = 0) -> None:
    """Refuse a table before it is read that would not fit into memory.

    Parameters
    ----------
    rows, columns
        As the file declares them.
    file
        Name for the message.
    size
        Bytes of its texts and geometries, where these are known.

    Raises
    ------
    Refused
        It has too many cells, or unpacks to too much.

    Examples
    --------
    >>> check_size(60_000, 30, "moves.parquet")
    """
    if rows * max(columns, 1) > MOST_CELLS:
        text = f"the table has {rows:,} rows of {columns} columns"
        limit = f"{MOST_CELLS:,} cells"
    elif size > MOST_BYTES:
        text, limit = (
            f"its texts and geometries are {size / 1e6:,.0f} MB",
            f"{MOST_BYTES / 1e6:.0f} MB",
        )
    else:
        return
    raise Refused(
        "file_too_large", f"{text}; at most {limit} are read", file=file,
        mend="Cut it to the study region, or leave columns out.",
    )  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What the user says about a file, so that nothing has to be guessed."""

    crs: str | None = None
    datum: str | None = None
    encoding: str | None = None
    layer: str | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    header_row: int | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    join: Mapping[str, Any] = field(default_factory=dict)
    combine: bool = False
    place: str = ""
    region: tuple[float, float, float, float] | None = None
    window: tuple[float, float, float, float] | None = None
    features: int = DEFAULTS.study.features
    """From how many features on only those in the window are read."""


@dataclass(frozen=True, eq=False)
class Source:
    """One table or layer as read.

    Parameters
    ----------
    cells
        Object cells, one row per data row, index 0..n-1: text from text files; text, numbers, dates
        from typed ones.
    file, layer
        The file's name, and the sheet or layer inside it.
    geometry
        Shapely geometries or None per row; None if the file has none of its own.
    crs
        What the file declares; None if it declares nothing.
    lines
        Row of the sheet, as its program numbers it, or line of the text file on which each row
        starts.
    covered
        Row (from 0) and column of cells that repeat the value of a merged one.
    delimiter
        What separates the fields of a text file.
    decimal, decimal_sure
        Decimal mark of numbers written as text, and whether some number proves it.
    problems
        What was found while reading.
    """

    cells: pd.DataFrame
    file: str
    format: str
    layer: str = ""
    geometry: NDArray[Any] | None = None
    crs: pyproj.CRS | None = None
    lines: NDArray[np.int64] | None = None
    covered: frozenset[tuple[int, str]] = frozenset()
    encoding: str = ""
    delimiter: str = ""
    decimal: str = "."
    decimal_sure: bool = False
    problems: tuple[Problem, ...] = ()

    def digest(self) -> str:
        """Return the sha256 of the content: the same for the same rows and columns in any order."""
        columns = sorted(map(str, self.cells.columns))
        parts = [["" if v is None else str(v) for v in self.cells[c].tolist()] for c in columns]
        if self.geometry is not None:
            parts.append([b.hex() if b else "" for b in shapely.to_wkb(self.geometry).tolist()])
        rows = sorted("\x1f".join(row) for row in zip(*parts, strict=True))
        system = "" if self.crs is None else self.crs.to_string()
        text = "\x1e".join(["\x1f".join(columns), system, *rows])
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def only(geometry: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[Any]:
    """Geometries where wanted, None elsewhere."""
    out = np.full(len(geometry), None, dtype=object)
    out[wanted] = geometry[wanted]
    return out


def centres(geometry: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of the middle of each geometry; NaN for None and for an empty one."""
    if (shapely.get_type_id(geometry) <= 0).all():
        return shapely.get_x(geometry), shapely.get_y(geometry)
    known = only(geometry, ~shapely.is_empty(geometry))
    bounds = shapely.bounds(known)
    with np.errstate(invalid="ignore"):
        wide = bounds[:, 2] - bounds[:, 0] > 180
    for i in np.flatnonzero(wide):  # cut at the 180th meridian: join it beyond 180 first
        known[i] = shapely.transform(known[i], lambda c: np.column_stack([c[:, 0] % 360, c[:, 1]]))
    middle = shapely.centroid(known)
    x, y = shapely.get_x(middle), shapely.get_y(middle)
    return np.where((x > 180) & wide, x - 360, x), y
