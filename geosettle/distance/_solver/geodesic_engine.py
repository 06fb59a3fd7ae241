"""Choose the quickest way for a job of geodesics, start-up included, and run it in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.geodesic import (
    ANTIPODE,
    NEAR_U,
    far,
    half_angles,
    halved,
    near,
    prepare,
    squares,
)
from geosettle.executors import processors
from geosettle.geodesy import GEOD, SEMI_MAJOR_M

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

NUMPY_FROM: Final = 20_000
"""Pairs from which the shared formulas run in NumPy; below, GeographicLib does (14 ms at most)."""
COMPILED_FROM: Final = 20_000_000
"""Short pairs from which the formulas run compiled: loading numba takes as long as these take in
NumPy.
"""
_LONG: Final = 5
"""A long pair takes as much time in NumPy as so many short ones."""
_BLOCK: Final = 8_192  # pairs whose temporaries stay in the cache
_ROWS: Final = 250_000  # pairs of a task handed to a worker


def _all_near(*points: FloatArray) -> bool:
    """Whether no two of the `halved` points can be farther apart than `near` allows."""
    middle = [(p.max(axis=1) + p.min(axis=1)) / 2 for p in points]
    middle = np.mean(middle, axis=0)[:, None]
    reach = [float(np.sqrt(((p - middle) ** 2).sum(axis=0).max())) for p in points]
    return bool(sum(reach) ** 2 < NEAR_U)


def _far(one: FloatArray, two: FloatArray) -> FloatArray:
    """Length between `prepare`d points, -1 near the antipode."""
    with np.errstate(
        all="ignore"
    ):  # next to the antipode the series overflow; what they give there is not used
        length, left = far(*half_angles(*one, *two))
    return np.where(left > ANTIPODE, length, -1.0)


def _mend(ends: Sequence[FloatArray], out: FloatArray, scale: float = 1.0) -> None:
    """Measure with GeographicLib what the formulas left at -1.

    `ends`, both points' lon and lat, broadcast to `out`.
    """
    rest = np.nonzero(out < 0)
    if rest[0].size:
        lon1, lat1, lon2, lat2 = (
            np.ascontiguousarray(np.broadcast_to(e, out.shape)[rest]) for e in ends
        )
        out[rest] = np.asarray(GEOD.inv(lon1, lat1, lon2, lat2)[2]) * scale


def pairs_m(lon1: FloatArray, lat1: FloatArray, lon2: FloatArray, lat2: FloatArray) -> FloatArray:
    """Length of the geodesics between points, one by one, metres; degrees of shape (n,).

    All degrees are finite.

    Examples
    --------
    >>> pairs_m(np.array([76.0]), np.array([39.0]), np.array([77.0]), np.array([39.0])).round(3)
    array([86625.968])
    """
    rows = np.arange(lon1.size)
    return indexed_m((lon1, lat1), (lon2, lat2), rows, rows)


def indexed_m(
    one: tuple[FloatArray, FloatArray], two: tuple[FloatArray, FloatArray], i: IntArray, j: IntArray
) -> FloatArray:
    """Length of the geodesics from point i of one set to point j of another, metres.

    The lengths are in the order of `i` and `j`.

    Examples
    --------
    >>> site = np.array([76.0]), np.array([39.0])
    >>> indexed_m(
    ...     (np.array([77.0, 76.0]), np.array([39.0, 40.0])),
    ...     site,
    ...     np.array([1, 0]),
    ...     np.array([0, 0]),
    ... ).round(3)
    array([111025.046,  86625.968])
    """
    if i.size < NUMPY_FROM:
        return np.asarray(GEOD.inv(one[0][i], one[1][i], two[0][j], two[1][j])[2])
    out = np.empty(i.size)
    few = (
        halved(*two) if two[0].size < i.size else None
    )  # each point once, where many pairs share it

    def task(first: int, last: int) -> None:
        for at in range(first, last, _BLOCK):
            part = slice(at, min(at + _BLOCK, last))
            ends = one[0][i[part]], one[1][i[part]], two[0][j[part]], two[1][j[part]]
            there = few[:, j[part]] if few is not None else halved(*ends[2:])
            out[part] = _lengths(halved(*ends[:2]), there, ends)

    share_out(task, i.size, _ROWS)
    return out


def _lengths(one: FloatArray, two: FloatArray, ends: Sequence[FloatArray]) -> FloatArray:
    """Length between `halved` points one by one, metres.

    `ends` are their degrees, for pairs that are not near.

    Which formula a pair gets depends on nothing but the pair.
    """
    u, x = squares(*one, *two)
    out = np.asarray(2 * SEMI_MAJOR_M * np.sqrt(x))
    rest = np.flatnonzero(u > NEAR_U)
    if rest.size:
        some = [e[rest] for e in ends]
        length = _far(prepare(*some[:2]), prepare(*some[2:]))
        _mend(some, length)
        out[rest] = length
    return out


def matrix_m(
    lon1: FloatArray, lat1: FloatArray, lon2: FloatArray, lat2: FloatArray, *, scale: float = 1.0
) -> FloatArray:
    """Length of the geodesics from each of n points to each of m, times a scale, (n, m).

    Metres times the scale; all degrees are finite.

    Rows are shared out to as many threads as there are processors; each cell is computed by itself,
    so that the result does not depend on how many there are.

    Examples
    --------
    >>> matrix_m(
    ...     np.array([76.0]), np.array([39.0]), np.array([77.0, 76.0]), np.array([39.0, 40.0])
    ... ).round(3)
    array([[ 86625.968, 111025.046]])
    """
    n, m = lon1.size, lon2.size
    if n * m < NUMPY_FROM:
        ends = np.repeat(lon1, m), np.repeat(lat1, m), np.tile(lon2, n), np.tile(lat2, n)
        return np.asarray(GEOD.inv(*ends)[2]).reshape(n, m) * scale
    out = np.empty((n, m))
    one, two = halved(lon1, lat1), halved(lon2, lat2)
    short = _all_near(one, two)
    if not short:
        one, two = prepare(lon1, lat1), prepare(lon2, lat2)
    fill = (
        _compiled(one, two, scale, short=short)
        if n * m * (1 if short else _LONG) >= COMPILED_FROM
        else _plain(one, two, scale, short=short)
    )

    def task(first: int, last: int) -> None:
        rows = out[first:last]
        fill(first, last, rows)
        if not short:
            _mend((lon1[first:last, None], lat1[first:last, None], lon2, lat2), rows, scale)

    step = max(1, _ROWS // m)
    share_out(task, n, step)
    return out


def _plain(
    one: FloatArray, two: FloatArray, scale: float, *, short: bool
) -> Callable[[int, int, FloatArray], None]:
    def fill(first: int, last: int, out: FloatArray) -> None:
        rows = max(1, _BLOCK // out.shape[1])
        for i in range(first, last, rows):
            for j in range(0, out.shape[1], _BLOCK):
                a, b = one[:, i : min(i + rows, last), None], two[:, None, j : j + _BLOCK]
                value = near(*a, *b) if short else _far(a, b)
                out[i - first : i - first + rows, j : j + _BLOCK] = np.where(
                    value < 0, -1.0, value * scale
                )

    return fill


def _compiled(
    one: FloatArray, two: FloatArray, scale: float, *, short: bool
) -> Callable[[int, int, FloatArray], None]:
    from geosettle.distance._solver.geodesic_compiled import rows_far, rows_near  # noqa: PLC0415

    def fill(first: int, last: int, out: FloatArray) -> None:
        part = np.ascontiguousarray(one[:, first:last])
        if short:
            rows_near(part, two, scale, out)
        else:
            rows_far(part, two, scale, ANTIPODE, out)

    return fill


def share_out(task: Callable[[int, int], None], n: int, step: int) -> None:
    """Run a task over n rows in blocks of `step`, on all processors; an error stops it.

    Ctrl-C stops it too.
    """
    firsts = range(0, n, step)
    workers = min(processors(), len(firsts))
    if workers < 2:
        for first in firsts:
            task(first, min(first + step, n))
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(task, first, min(first + step, n)) for first in firsts]
        try:
            for future in waiting:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
