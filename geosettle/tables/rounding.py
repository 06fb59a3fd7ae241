"""Numbers as they are written: with the digits that the positions carry.

Tables of a run and of the command `distances` share this; Python and Parquet keep every digit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geosettle.cells import radius_km

MOST_DECIMALS: Final = 3
"""Kilometres and hours are never printed finer than this."""
WRITTEN_DECIMALS: Final = 1
"""Nor are they written coarser into a table, where the interval is in the next columns and others
compute on.
"""
_AS_GIVEN: Final = frozenset({"declared_km", "households", "persons", "year", "rank"})


def round_to(
    values: ArrayLike, uncertainty: ArrayLike, most: int | None = MOST_DECIMALS, least: int = -9
) -> NDArray[np.float64]:
    """Round each value to the digits that its uncertainty carries.

    The last digit kept is a tenth of the leading place of the uncertainty: ±10 km keeps whole
    kilometres, ±3 km keeps tenths, ±100 km keeps tens. Without an uncertainty (0 or NaN) `most`
    decimals are kept, or all where `most` is None.

    Parameters
    ----------
    values
        Numbers, any shape.
    uncertainty
        Half the width of the interval of each value, same unit, broadcast against `values`; its
        sign is ignored.
    most, least
        Most and least decimals kept; -1 keeps tens, None keeps a value as it is.

    Returns
    -------
    ndarray
        Float, the shape of both together.

    Examples
    --------
    >>> round_to([123.4567, 123.4567, 123.4567, 123.4567], [10, 3, 100, 0]).tolist()
    [123.0, 123.5, 120.0, 123.457]
    """
    number, spread = np.broadcast_arrays(
        np.asarray(values, dtype=float), np.abs(np.asarray(uncertainty, dtype=float))
    )
    known = np.isfinite(spread) & (spread > 0)
    place = np.floor(np.log10(spread, where=known, out=np.zeros(number.shape)))
    decimals = np.where(known, np.clip(1 - place, least, most), most or 0).astype(int)
    rounded = number.copy()
    whole = known if most is None else np.isfinite(number)
    for digits in np.unique(decimals[whole]):
        chosen = whole & (decimals == digits)
        rounded[chosen] = np.round(number[chosen], digits)
    return rounded + 0.0  # no minus zero


def round_pairs(frame: pd.DataFrame, *, exact: bool = False) -> pd.DataFrame:
    """Round the measures of pairs, each by how far the positions let its straight line vary.

    Parameters
    ----------
    frame
        One row per pair, with the columns of `pairs.csv` or some of them.
    exact
        Keep every digit of pairs whose positions state no uncertainty.

    Returns
    -------
    DataFrame
        A copy; what the user gave stays as it is.

    Examples
    --------
    >>> km = {"geodesic_km": 51.20035606, "geodesic_low_km": 49.7003, "geodesic_high_km": 52.7003}
    >>> pair = pd.DataFrame({**km, "walk_out_h": 12.3456789}, index=[0])
    >>> round_pairs(pair).iloc[0].tolist()
    [51.2, 49.7, 52.7, 12.35]
    """
    made = frame.copy()
    geodesic = floats(frame, "geodesic_km")
    spread = (floats(frame, "geodesic_high_km") - floats(frame, "geodesic_low_km")) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = spread / geodesic
        angle = np.degrees(np.arctan2(spread, geodesic))
    decimals, degrees, metres = (None,) * 3 if exact else (MOST_DECIMALS, 1, 0)
    for name in frame.columns:
        if name in _AS_GIVEN or not is_number(frame[name]):
            continue
        value = floats(frame, name)
        if name.startswith("geodesic_"):
            made[name] = round_to(value, spread, decimals, WRITTEN_DECIMALS)
        elif name == "bearing_deg":
            made[name] = round_to(value, angle, degrees)
        elif name.endswith("_m"):
            made[name] = round_to(value, relative * value, metres)
        else:  # a longer way, or a time, is uncertain in the same proportion as its straight line
            made[name] = round_to(value, relative * value, decimals, WRITTEN_DECIMALS)
    return made


def round_matrix(
    values: pd.DataFrame, origins: pd.DataFrame, sites: pd.DataFrame, *, exact: bool = False
) -> pd.DataFrame:
    """Round each number by how far its origin and its site may be from their positions together.

    Parameters
    ----------
    values
        Kilometres or hours, a row for each id of `origins`, a column for each of `sites`.
    origins, sites
        Indexed by id, with `uncertainty_km` where it is known.
    exact
        Keep every digit where neither end states an uncertainty.

    Returns
    -------
    DataFrame
        Of the shape of `values`.

    Examples
    --------
    >>> km = pd.DataFrame({"S1": [51.200356]}, index=["O1"])
    >>> ends = pd.DataFrame({"uncertainty_km": [3.0]}, index=["O1"]), pd.DataFrame(index=["S1"])
    >>> round_matrix(km, *ends)
           S1
    O1   51.2
    """
    rows, columns = (
        pd.Series(radius_km(frame), frame.index).reindex(ids).to_numpy(dtype=float)
        for frame, ids in ((origins, values.index), (sites, values.columns))
    )
    most = None if exact else MOST_DECIMALS
    made = round_to(values, rows[:, None] + columns, most, WRITTEN_DECIMALS)
    return pd.DataFrame(made, values.index, values.columns)


def round_by_interval(
    frame: pd.DataFrame, values: tuple[str, ...], *, exact: bool = False
) -> pd.DataFrame:
    """Round the columns of a table by the interval of each row, from its `low` and `high`.

    Parameters
    ----------
    frame
        One measure per row.
    values
        Columns that hold the measure and its interval.
    exact
        Keep every digit where a row has no interval.

    Returns
    -------
    DataFrame
        A copy.

    Examples
    --------
    >>> frame = pd.DataFrame({"low": [48.21], "high": [54.19], "median": [51.2004]})
    >>> round_by_interval(frame, ("low", "median", "high")).iloc[0].tolist()
    [48.2, 54.2, 51.2]
    """
    with np.errstate(invalid="ignore"):
        spread = (floats(frame, "high") - floats(frame, "low")) / 2
    most = None if exact else MOST_DECIMALS
    return frame.assign(
        **{
            name: round_to(frame[name], spread, most, WRITTEN_DECIMALS)
            for name in values
            if name in frame and is_number(frame[name])
        }
    )


def floats(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Take a column as floats; NaN where there is none, or where it holds no numbers."""
    if name not in frame or not is_number(frame[name]):
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy(dtype=float, na_value=np.nan)


def is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers; true and false are none."""
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))
