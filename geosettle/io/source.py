"""What a file holds before anyone says what it means: cells as read, geometries as drawn, the CRS it declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from geosettle.quality import Problem

__all__ = ["Source"]


@dataclass(frozen=True, eq=False)
class Source:
    """One table or layer as read.

    Parameters
    ----------
    cells
        Object cells, one row per data row, index 0..n-1: text from text files; text, numbers, dates from typed ones.
    file, layer
        The file's name, and the sheet or layer inside it.
    geometry
        Shapely geometries or None per row; None if the file has none of its own.
    crs
        What the file declares; None if it declares nothing.
    lines
        Line of a text file on which each row starts.
    decimal
        Decimal mark of numbers written as text.
    broken
        Rows whose geometry could not be read at all, with what was said about it.
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
    encoding: str = ""
    decimal: str = "."
    problems: tuple[Problem, ...] = ()
