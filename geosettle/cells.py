"""Columns of a frame, read as numbers, as yes or no, or as a radius."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as floats, missing where it is not there or not a number.

    Parameters
    ----------
    frame
        Any frame.
    name
        Of a column, which it may lack.

    Returns
    -------
    Series
        On the index of the frame.

    Examples
    --------
    >>> frame = pd.DataFrame({"persons": ["12", "many", None]})
    >>> numbers(frame, "persons").tolist(), numbers(frame, "year").tolist()
    ([12.0, nan, nan], [nan, nan, nan])
    """
    column = frame[name] if name in frame else pd.Series(np.nan, frame.index)
    return pd.to_numeric(column, errors="coerce").astype(float)


def says_yes(values: pd.Series[Any]) -> pd.Series[bool]:
    """Tell whether each value is true, yes or 1.

    Examples
    --------
    >>> says_yes(pd.Series(["Yes", True, 1.0, "no", None])).tolist()
    [True, True, True, False, False]
    """
    texts = values.astype("str").str.strip().str.lower()
    true: pd.Series[bool] = texts.isin(["true", "yes", "1", "1.0", "t", "y"])
    return true


def radius_km(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the radius that each true position is within, km, shape (n,); 0 where none is stated.

    Examples
    --------
    >>> radius_km(pd.DataFrame({"uncertainty_km": [5, None]})).tolist()
    [5.0, 0.0]
    """
    radius = numbers(frame, "uncertainty_km").to_numpy()
    return np.where(np.isfinite(radius) & (radius > 0), radius, 0.0)
