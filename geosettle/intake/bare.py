"""Tables without a header: which of their columns hold positions and names, by what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.io.numbers import to_number, to_text

Bounds = tuple[float, float, float, float]

_SAMPLE: Final = 300
"""Rows that are looked at."""
_FILLED: Final = 0.6
"""Least share of the rows that must have a position."""
_FITS: Final = 0.9
"""Least share of the positions that must be inside the boundaries."""
_OWN: Final = 0.6
"""Least share of different texts in a column of names."""


def lonlat_columns(cells: pd.DataFrame, decimal: str, bounds: Bounds | None) -> dict[str, str]:
    """Columns of longitude and latitude, {} where none are certain.

    Parameters
    ----------
    cells
        Cells as read.
    decimal
        Decimal mark.
    bounds
        West, south, east, north of the boundaries; None where there are none.

    Examples
    --------
    >>> cells = pd.DataFrame({"column1": ["9.51", "9.62"], "column2": ["41.253", "41.377"]})
    >>> lonlat_columns(cells, ".", (40, 8, 43, 11))
    {'lon': 'column2', 'lat': 'column1'}
    """
    if bounds is None:
        return {}
    headers = [str(c) for c in cells.columns]
    cells = cells.iloc[:: max(1, len(cells) // _SAMPLE)]
    values = {h: _decimals(cells[h].tolist(), decimal) for h in headers}
    west, south, east, north = bounds
    for one, two in pairwise(headers):
        for lon, lat in ((one, two), (two, one)):
            x, y = values[lon], values[lat]
            both = np.isfinite(x) & np.isfinite(y)
            inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
            if both.mean() >= _FILLED and inside[both].mean() >= _FITS:
                return {"lon": lon, "lat": lat}
    return {}


def _decimals(cells: Sequence[object], decimal: str) -> NDArray[np.float64]:
    """Numbers with decimals; NaN for whole numbers, which count something, and for other cells."""
    out = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        value, code = to_number(cell, decimal)
        if not code and np.isfinite(value) and value != np.round(value):
            out[row] = value
    return out


def name_column(cells: pd.DataFrame, taken: set[str]) -> str:
    """Return the first column whose rows have short texts of their own, "" if there is none.

    Examples
    --------
    >>> name_column(pd.DataFrame({"column1": ["1", "2"], "column2": ["Ayun", "Beredi"]}), set())
    'column2'
    """
    for header in map(str, cells.columns):
        texts = [(to_text(c) or "").strip() for c in cells[header]]
        filled = [t for t in texts if t and not t.replace(".", "", 1).lstrip("-").isdecimal()]
        own = len(set(filled)) > _OWN * len(texts) and len(filled) > _OWN * len(texts)
        if header not in taken and own and max(map(len, filled)) <= 80:
            return header
    return ""
