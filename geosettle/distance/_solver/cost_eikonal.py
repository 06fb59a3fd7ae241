# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""Accumulated cost in the continuum: ways may run in any direction, so there is no metrication.

Solves ``|grad T| = friction`` by fast marching with upwind differences of second order where two cells behind each
other are known (Sethian 1999, Level Set Methods and Fast Marching Methods, Cambridge, chapter 8.6). Around each single
source, where the differences are worst, the cheapest of straight lines and 32-neighbour ways starts the march.
Isotropic friction only. Differences use the four sides of a cell, so no wall, not even one joined by corners, is
crossed.

Error at constant friction, in either direction: below 0.6 % of the distance beyond 10 cells from a source and below
0.2 % beyond 60 (tested); of first order in the cell size where friction jumps, as for every method that knows friction
by cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost import (
    CostGrid,
    FloatArray,
    IndexArray,
    accumulate,
    make_moves,
    straight_line,
)

__all__ = ["march"]

_NEAR: Final = 5  # cells around a source that do not start from differences
_TRUST: Final = 0.9  # their costs give way only to a march that is so much cheaper (another source, another way)

_jit: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _axis(time, known, at, step, lower, upper, size):
    """Upwind neighbour along an axis: value and weight of the difference (weight 0: none)."""
    best, towards = np.inf, 0
    if lower and known[at - step] and time[at - step] < best:
        best, towards = time[at - step], -step
    if upper and known[at + step] and time[at + step] < best:
        best, towards = time[at + step], step
    if towards == 0:
        return 0.0, 0.0
    weight = 1.0 / (size * size)
    beyond = (lower > 1) if towards < 0 else (upper > 1)
    if beyond:
        second = at + 2 * towards
        if known[second] and time[second] <= best:
            return (4.0 * best - time[second]) / 3.0, 2.25 * weight
    return best, weight


@_jit
def _update(time, known, friction, at, rows, columns, width, height):
    """Time at a cell from its known neighbours."""
    row = at // columns
    column = at - row * columns
    a, wa = _axis(time, known, at, 1, column, columns - 1 - column, width[row])
    b, wb = _axis(time, known, at, columns, row, rows - 1 - row, height[row])
    slow = friction[at]
    if wa > 0.0 and wb > 0.0:
        total = wa + wb
        mean = (wa * a + wb * b) / total
        inner = slow * slow / total - wa * wb * (a - b) ** 2 / (total * total)
        if inner >= 0.0:
            both = mean + np.sqrt(inner)
            if both >= a and both >= b:
                return both
    one = a + slow / np.sqrt(wa) if wa > 0.0 else np.inf
    other = b + slow / np.sqrt(wb) if wb > 0.0 else np.inf
    return min(one, other)


@_jit
def _march(friction, time, known, near, rows, columns, width, height, start, limit):
    """Accept cells in order of time, from the trial values in `time` at the cells of `start`."""
    capacity = max(1024, 4 * start.size)
    key, cell = np.empty(capacity), np.empty(capacity, dtype=np.int64)
    size = 0
    pending = start
    while True:
        for p in range(pending.size):
            v = pending[p]
            if v < 0:
                continue
            if size == key.size:
                key = np.concatenate((key, np.empty(size)))
                cell = np.concatenate((cell, np.empty(size, dtype=np.int64)))
            i = size
            size += 1
            while i > 0 and key[(i - 1) >> 1] > time[v]:
                key[i], cell[i] = key[(i - 1) >> 1], cell[(i - 1) >> 1]
                i = (i - 1) >> 1
            key[i], cell[i] = time[v], v
        u = -1
        while size > 0 and u < 0:
            top, now = cell[0], key[0]
            size -= 1
            k, x = key[size], cell[size]
            i = 0
            while 2 * i + 1 < size:
                child = 2 * i + 1
                if child + 1 < size and key[child + 1] < key[child]:
                    child += 1
                if key[child] >= k:
                    break
                key[i], cell[i] = key[child], cell[child]
                i = child
            key[i], cell[i] = k, x
            if not known[top] and now <= time[top]:
                u = top
        if u < 0 or time[u] > limit:
            return
        known[u] = True
        row = u // columns
        column = u - row * columns
        found = np.full(4, -1, dtype=np.int64)
        for side in range(4):
            inside = (column > 0, column < columns - 1, row > 0, row < rows - 1)[side]
            if not inside:
                continue
            v = u + (-1, 1, -columns, columns)[side]
            if known[v] or friction[v] == np.inf:
                continue
            new = _update(time, known, friction, v, rows, columns, width, height)
            if new < time[v] * (_TRUST if near[v] else 1.0):
                time[v] = new
                found[side] = v
        pending = found


def march(
    friction: FloatArray, closed: NDArray[np.bool_], sources: IndexArray, width: FloatArray, height: FloatArray
) -> FloatArray:
    """Accumulated cost of every cell from the nearest source.

    Parameters
    ----------
    friction
        Cost per metre, shape (rows, columns).
    closed
        Cells that cannot be entered.
    sources
        Flat indices.
    width, height
        Metres of the cells of each row.

    Returns
    -------
    ndarray, shape (rows, columns)
        Infinite where not reached.
    """
    rows, columns = friction.shape
    slow = np.where(closed, np.inf, friction).astype(np.float64)
    time = np.full(friction.size, np.inf)
    single = _single(sources, rows, columns)
    for source in single:
        _start(time, slow, int(source), width, height)
    near = np.isfinite(time)
    time[sources] = 0.0
    known = np.zeros(friction.size, dtype=np.bool_)
    trial = np.flatnonzero(np.isfinite(time))
    _march(slow.ravel(), time, known, near, rows, columns, width, height, trial, np.inf)
    return time.reshape(friction.shape)


def _single(sources: IndexArray, rows: int, columns: int) -> IndexArray:
    """Find the sources without another source beside them: around these the front is curved."""
    mark = np.zeros((rows + 2, columns + 2), dtype=bool)
    r, c = np.divmod(np.unique(sources), columns)
    mark[r + 1, c + 1] = True
    beside = mark[r, c + 1] | mark[r + 2, c + 1] | mark[r + 1, c] | mark[r + 1, c + 2]
    return np.asarray((r * columns + c)[~beside])


def _start(time: FloatArray, slow: FloatArray, source: int, width: FloatArray, height: FloatArray) -> None:
    """Give the cells around a source the cost of the cheapest of straight lines and 32-neighbour ways to them."""
    rows, columns = slow.shape
    r0, c0 = divmod(source, columns)
    top, left = max(0, r0 - 2 * _NEAR), max(0, c0 - 2 * _NEAR)
    window = slow[top : r0 + 2 * _NEAR + 1, left : c0 + 2 * _NEAR + 1]
    shut = np.isinf(window)
    moves = make_moves(32)
    lengths = np.hypot(moves.row * height[top : top + window.shape[0], None], moves.column * width[r0])
    grid = CostGrid(moves, lengths, shut, np.where(shut, 1.0, window))
    tied = accumulate(grid, np.array([(r0 - top) * window.shape[1] + c0 - left])).reshape(window.shape)
    for dr in range(-_NEAR, _NEAR + 1):
        for dc in range(-_NEAR, _NEAR + 1):
            r, c = r0 + dr, c0 + dc
            if dr * dr + dc * dc > _NEAR * _NEAR or not (0 <= r < rows and 0 <= c < columns):
                continue
            cells, corners = straight_line(dr, dc)
            mean = sum(slow[r0 + a, c0 + b] * share for a, b, share in cells)
            if any(np.isinf(slow[r0 + a, c0 + b]) and np.isinf(slow[r0 + e, c0 + f]) for (a, b), (e, f) in corners):
                mean = np.inf
            cost = min(float(np.hypot(dr * height[r0], dc * width[r0])) * mean, float(tied[r - top, c - left]))
            time[r * columns + c] = min(time[r * columns + c], cost)
