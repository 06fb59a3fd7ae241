"""Numbers and outlines as short strings that the map's script unpacks.

A column of a table or the outline of a polygon becomes whole numbers of a stated step, written as
base-64 text. The numbers of a column are as wide as its largest needs, so that the script has them
without reading one by one; outlines, and columns that come out much shorter so, are zigzag
variable-length integers (as in Protocol Buffers), of which small ones take few bytes. 0 is kept for
"missing".
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

POINT_STEPS: Final = 100_000
"""Steps per degree for points: 1.1 m."""
OUTLINE_STEPS: Final = 10_000
"""Steps per degree for lines and polygons: 11 m."""
_WIDTHS: Final = (1, 2, 4)
"""Bytes of a whole number in a column."""
_LARGEST: Final = 2**52
"""Whole numbers beyond this are not exact in the browser."""
_MUCH_SHORTER: Final = 0.7
"""Share of the bytes up to which varying lengths are worth reading one by one."""
_MANY_LEVELS: Final = 0.5
"""Above this share of distinct values a text column is written out rather than as codes of its
levels.
"""
_BETWEEN: Final = "|;~^\t"
"""What may stand between the texts of a column that is written out."""


def pack(values: ArrayLike) -> str:
    """Whole numbers as base-64 text.

    Parameters
    ----------
    values
        Shape (n,), whole numbers within ±2**52.

    Returns
    -------
    str
        Base-64 of the zigzag variable-length integers, seven bits a byte, lowest first.

    Examples
    --------
    >>> pack([0, -1, 1, 300])
    'AAEC2AQ='
    """
    signed = np.asarray(values, dtype=np.int64).ravel()
    unsigned = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    length = np.ones(unsigned.size, dtype=np.intp)
    for bits in range(7, 63, 7):
        length += unsigned >= np.uint64(1 << bits)
    start = np.cumsum(length) - length
    out = np.zeros(int(length.sum()), dtype=np.uint8)
    for k in range(int(length.max(initial=0))):
        has = length > k
        byte = (unsigned[has] >> np.uint64(7 * k)) & np.uint64(0x7F)
        more = (length[has] > k + 1).astype(np.uint64) << np.uint64(7)
        out[start[has] + k] = byte | more
    return _base64(out.tobytes())


def _whole(numbers: NDArray[np.int64]) -> dict[str, Any]:
    """Whole numbers of one width, or of varying length where that is much shorter.

    Those of varying length are plain or differences.
    """
    most = int(np.abs(numbers).max(initial=0))
    wide = next((w for w in _WIDTHS if most < 1 << (8 * w - 1)), None)
    plain, delta = pack(numbers), pack(np.diff(numbers, prepend=0))
    varying: dict[str, Any] = (
        {"d": delta, "delta": True} if len(delta) < len(plain) else {"d": plain}
    )
    if wide is None:
        return varying
    fixed = _base64(numbers.astype(f"<i{wide}").tobytes())
    return varying if len(varying["d"]) <= _MUCH_SHORTER * len(fixed) else {"d": fixed, "w": wide}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def column(values: Any, *, digits: int | None = None, steps: int | None = None) -> dict[str, Any]:
    """One column of a table, as the script reads it.

    Parameters
    ----------
    values
        Series or array of numbers or texts, shape (n,). Missing stays missing; infinite numbers,
        and those too large to be written exactly, are missing too.
    digits
        Decimals kept of numbers; None: as many as give the largest value four significant digits,
        at most four.
    steps
        Steps per unit, instead of digits.

    Returns
    -------
    dict
        ``{"d": packed, "q": steps}`` for numbers. For texts ``{"d": packed, "k": levels}``; or,
        where most differ, ``{"j": "a|b|c", "s": "|"}``, which costs the reader nothing until it is
        asked for, or ``{"v": [...]}``. Of packed numbers ``"w"`` is the width in bytes,
        little-endian. Without it their lengths vary, and ``"delta"`` says that each is the
        difference from the one before.

    Examples
    --------
    >>> column([1.5, None], digits=1)
    {'q': 10, 'd': 'EAA=', 'w': 1}
    >>> column(["a", "b", "a", None, "a"])
    {'k': ['a', 'b'], 'd': 'AQIBAAE=', 'w': 1}
    >>> column(["a", "b", "c", "d|e"])
    {'j': 'a;b;c;d|e', 's': ';'}
    """
    series = pd.Series(values)
    if pd.api.types.is_bool_dtype(series):
        series = series.astype("float64")
    if pd.api.types.is_numeric_dtype(series):
        return _numbers(series.to_numpy(dtype="float64", na_value=np.nan), digits, steps)
    if digits is not None or steps is not None:
        return _numbers(
            pd.to_numeric(series, errors="coerce").to_numpy(dtype="float64", na_value=np.nan),
            digits,
            steps,
        )
    return _texts(series)


def rows(numbers: ArrayLike) -> dict[str, Any]:
    """Pack row numbers of another table, of which none is missing.

    Parameters
    ----------
    numbers
        Shape (n,), whole numbers from 0.

    Returns
    -------
    dict
        As `column` gives it, but marked ``"r"``: the numbers are written as they are.

    Examples
    --------
    >>> rows([0, 2])
    {'r': True, 'd': 'AAI=', 'w': 1}
    """
    return {"r": True, **_whole(np.asarray(numbers, dtype=np.int64))}


def _numbers(number: NDArray[np.float64], digits: int | None, steps: int | None) -> dict[str, Any]:
    finite = np.isfinite(number)
    if steps is None:
        largest = float(np.abs(number[finite]).max(initial=0.0))
        digits = (
            int(np.clip(3 - np.floor(np.log10(max(largest, 1e-9))), 0, 4))
            if digits is None
            else digits
        )
        steps = 10**digits
    finite &= np.abs(np.where(finite, number, 0.0)) < _LARGEST / steps
    whole = np.rint(np.where(finite, number, 0.0) * steps).astype(np.int64)
    shifted = np.where(finite, np.where(whole >= 0, whole + 1, whole), 0)
    return {"q": steps, **_whole(shifted)}


def _texts(series: pd.Series[Any]) -> dict[str, Any]:
    texts = [None if missing else str(v) for v, missing in zip(series, series.isna(), strict=True)]
    levels = sorted({t for t in texts if t is not None})
    if len(levels) > max(3, _MANY_LEVELS * len(texts)):
        joined = "".join(levels)
        between = next((mark for mark in _BETWEEN if mark not in joined), None)
        if between is None or None in texts:
            return {"v": texts}
        return {"j": between.join(map(str, texts)), "s": between}
    code = {t: i + 1 for i, t in enumerate(levels)}
    return {
        "k": levels,
        **_whole(np.array([0 if t is None else code[t] for t in texts], dtype=np.int64)),
    }


def outlines(
    geometries: Sequence[Any] | NDArray[Any], *, steps: int = OUTLINE_STEPS
) -> dict[str, Any]:
    """Lines and polygon rings, feature by feature.

    Parameters
    ----------
    geometries
        Lines or polygons, simple or multi, longitude and latitude in degrees, shape (n,). None
        gives no ring.
    steps
        Steps per degree.

    Returns
    -------
    dict
        `q` the steps, `rings` how many rings or lines each feature has, `points` how many points
        each of them has, `x` and `y` the differences from point to point; each packed.

    Examples
    --------
    >>> from shapely import LineString
    >>> outlines([LineString([(0, 0), (0, 1), (0, 1.00001)])])["points"] == pack([2])
    True
    """
    geoms = np.asarray(geometries, dtype=object)
    parts, feature = shapely.get_parts(geoms, return_index=True)
    polygon = shapely.get_type_id(parts) == 3  # shapely's number for a polygon
    rings, owner = shapely.get_rings(parts[polygon], return_index=True)
    line = np.isin(shapely.get_type_id(parts), (1, 2))
    pieces = np.concatenate([rings, parts[line]])
    of_feature = np.concatenate([feature[polygon][owner], feature[line]]).astype(np.intp)
    order = np.argsort(of_feature, kind="stable")
    pieces, of_feature = pieces[order], of_feature[order]
    xy, of_piece = shapely.get_coordinates(pieces, return_index=True)
    whole = np.rint(xy * steps).astype(np.int64)
    # A point that rounds onto the one before it, in the same ring, draws nothing.
    same = (of_piece[1:] == of_piece[:-1]) & (whole[1:] == whole[:-1]).all(axis=1)
    keep = np.r_[True, ~same] if len(whole) else np.zeros(0, dtype=bool)
    whole, of_piece = whole[keep], of_piece[keep]
    points = np.bincount(of_piece, minlength=len(pieces))
    real = points > 1
    whole = whole[real[of_piece]]
    return {
        "q": steps,
        "rings": pack(np.bincount(of_feature[real], minlength=len(geoms))),
        "points": pack(points[real]),
        "x": pack(np.diff(whole[:, 0], prepend=0)),
        "y": pack(np.diff(whole[:, 1], prepend=0)),
    }


def simplify(geometries: Sequence[Any] | NDArray[Any], tolerance_deg: float) -> NDArray[Any]:
    """Polygons or lines with fewer points, neighbours still sharing their borders.

    Parameters
    ----------
    geometries
        Polygons, treated as one coverage, or lines, shape (n,).
    tolerance_deg
        Roughly how far a border may move, degrees; 0 changes nothing.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> float(simplify([shapely.box(0, 0, 1, 1)], 0.01)[0].area)
    1.0
    """
    geoms = np.asarray(geometries, dtype=object)
    if tolerance_deg <= 0 or geoms.size == 0:
        return geoms
    areal = np.isin(shapely.get_type_id(geoms), (3, 6))
    out = geoms.copy()
    if areal.any():
        out[areal] = shapely.coverage_simplify(geoms[areal], tolerance_deg)
    out[~areal] = shapely.simplify(geoms[~areal], tolerance_deg, preserve_topology=True)
    return out
