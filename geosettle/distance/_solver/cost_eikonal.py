# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""Accumulated cost in the continuum: ways may run in any direction, so there is no metrication.

Solves ``|grad T| = friction`` by fast marching with upwind differences of second order where two
cells behind each other are known (Sethian 1999, Level Set Methods and Fast Marching Methods,
Cambridge, chapter 8.6). Around each single source, where the differences are worst, the cheapest of
straight lines and 32-neighbour ways starts the march. Isotropic friction only. Differences use the
four sides of a cell, so no wall, not even one joined by corners, is crossed.

Error at constant friction, in either direction: below 0.6 % of the distance beyond 10 cells from a
source and below 0.2 % beyond 60 (tested); of first order in the cell size where friction jumps, as
for every method that knows friction by cell.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.compiling import compiled
from geosettle.distance._solver.cost import solve
from geosettle.distance._solver.cost_grid import (
    CostGrid,
    FloatArray,
    IndexArray,
    Progress,
    make_moves,
    straight_line,
)

_NEAR: Final = 5  # cells around a source that do not start from differences
_TRUST: Final = 0.9
"""Their costs give way only to a march that is so much cheaper (another source, another way)."""

_POPS_AT_ONCE: Final = 1 << 19

_jit = compiled()


@_jit
def _axis(time, known, one, other, beyond_one, beyond_other, size):
    """Upwind neighbour along an axis: value and weight of the difference (0: none).

    Cells off the grid are -1.
    """
    best, second = np.inf, -1
    if one >= 0 and known[one] and time[one] < best:
        best, second = time[one], beyond_one
    if other >= 0 and known[other] and time[other] < best:
        best, second = time[other], beyond_other
    if best == np.inf:
        return 0.0, 0.0
    weight = 1.0 / (size * size)
    if second >= 0 and known[second] and time[second] <= best:
        return (4.0 * best - time[second]) / 3.0, 2.25 * weight
    return best, weight


@_jit
def _neighbour(row, column, rows, columns, wraps):
    """Cell at a row and column, -1 off the grid."""
    if row < 0 or row >= rows:
        return -1
    if column < 0 or column >= columns:
        if not wraps:
            return -1
        column %= columns
    return row * columns + column


@_jit
def _update(time, known, friction, row, column, rows, columns, wraps, width, height):
    """Time at a cell from its known neighbours."""
    west, east = (
        _neighbour(row, column - 1, rows, columns, wraps),
        _neighbour(row, column + 1, rows, columns, wraps),
    )
    west2, east2 = (
        _neighbour(row, column - 2, rows, columns, wraps),
        _neighbour(row, column + 2, rows, columns, wraps),
    )
    north, south = (
        _neighbour(row - 1, column, rows, columns, wraps),
        _neighbour(row + 1, column, rows, columns, wraps),
    )
    north2, south2 = (
        _neighbour(row - 2, column, rows, columns, wraps),
        _neighbour(row + 2, column, rows, columns, wraps),
    )
    a, wa = _axis(time, known, west, east, west2, east2, width[row])
    b, wb = _axis(time, known, north, south, north2, south2, height[row])
    slow = friction[row * columns + column]
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
def _march(
    friction, time, known, near, rows, columns, wraps, width, height, key, cell, size, budget
):
    """Accept cells in order of time; returns the size of the heap.

    It stops when no cell is left, the heap is full or the budget is spent.
    """
    while size > 0 and budget > 0 and size + 4 <= key.size:
        budget -= 1
        u, now = cell[0], key[0]
        size -= 1
        last, moved = key[size], cell[size]
        i = 0
        while 2 * i + 1 < size:
            child = 2 * i + 1
            if child + 1 < size and key[child + 1] < key[child]:
                child += 1
            if key[child] >= last:
                break
            key[i], cell[i] = key[child], cell[child]
            i = child
        key[i], cell[i] = last, moved
        if known[u] or now > time[u]:
            continue
        known[u] = True
        row = u // columns
        column = u - row * columns
        for side in range(4):
            dr, dc = (0, 0, -1, 1)[side], (-1, 1, 0, 0)[side]
            v = _neighbour(row + dr, column + dc, rows, columns, wraps)
            if v < 0 or known[v] or friction[v] == np.inf:
                continue
            new = _update(
                time,
                known,
                friction,
                row + dr,
                v - (row + dr) * columns,
                rows,
                columns,
                wraps,
                width,
                height,
            )
            if new < time[v] * (_TRUST if near[v] else 1.0):
                time[v] = new
                i = size
                size += 1
                while i > 0 and key[(i - 1) >> 1] > new:
                    key[i], cell[i] = key[(i - 1) >> 1], cell[(i - 1) >> 1]
                    i = (i - 1) >> 1
                key[i], cell[i] = new, v
    return size


def march(
    friction: NDArray[np.floating],
    closed: NDArray[np.bool_],
    sources: IndexArray,
    width: FloatArray,
    height: FloatArray,
    *,
    wraps: bool = False,
    limit: float = np.inf,
    progress: Progress | None = None,
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
    wraps
        The last column is next to the first.
    limit
        Costs above this may be too high, or infinite.
    progress
        Called now and then with the cost reached so far; whatever it raises stops the work.

    Returns
    -------
    ndarray, shape (rows, columns)
        Infinite where not reached.
    """
    rows, columns = friction.shape
    slow = np.where(closed, np.inf, friction).astype(np.float64, copy=False)
    time = np.full(friction.size, np.inf)
    for source in _single(sources, rows, columns, wraps=wraps):
        _start(time, slow, int(source), width, height, wraps=wraps)
    near = np.isfinite(time)
    time[sources] = 0.0
    known = np.zeros(friction.size, dtype=np.bool_)
    cell = np.flatnonzero(np.isfinite(time))
    cell = cell[np.argsort(time[cell], kind="stable")]  # a sorted array is a heap
    size, key = cell.size, time[cell]
    budget = _POPS_AT_ONCE if np.isinf(limit) else 1 << 14
    flat = slow.ravel()
    while size > 0 and key[0] <= limit:
        if size + 4 > key.size:
            more = max(1 << 12, key.size // 2)
            key, cell = np.r_[key, np.empty(more)], np.r_[cell, np.empty(more, dtype=np.int64)]
        size = _march(
            flat, time, known, near, rows, columns, wraps, width, height, key, cell, size, budget
        )
        if progress is not None and size > 0:
            progress(float(key[0]))
    return time.reshape(friction.shape)


def _single(sources: IndexArray, rows: int, columns: int, *, wraps: bool) -> IndexArray:
    """Find the sources without another source next to them: around these the front is curved."""
    mark = np.zeros((rows + 2, columns + 2), dtype=bool)
    r, c = np.divmod(np.unique(sources), columns)
    mark[r + 1, c + 1] = True
    if wraps:
        mark[:, 0], mark[:, -1] = mark[:, -2], mark[:, 1]
    has_neighbour = mark[r, c + 1] | mark[r + 2, c + 1] | mark[r + 1, c] | mark[r + 1, c + 2]
    return np.asarray((r * columns + c)[~has_neighbour])


def _start(
    time: FloatArray,
    slow: FloatArray,
    source: int,
    width: FloatArray,
    height: FloatArray,
    *,
    wraps: bool,
) -> None:
    """Give the cells around a source the least cost of straight lines and 32-neighbour ways."""
    rows, columns = slow.shape
    r0, c0 = divmod(source, columns)
    top, reach = max(0, r0 - 2 * _NEAR), np.arange(c0 - 2 * _NEAR, c0 + 2 * _NEAR + 1)
    beyond = (reach < 0) | (reach >= columns)
    window = slow[top : r0 + 2 * _NEAR + 1, reach % columns]
    if not wraps:
        window[:, beyond] = np.inf
    shut = np.isinf(window)
    moves = make_moves(32)
    lengths = np.hypot(
        moves.row * height[top : top + window.shape[0], None], moves.column * width[r0]
    )
    grid = CostGrid(moves, lengths, shut, np.where(shut, 1.0, window))
    middle = 2 * _NEAR
    tied = solve(grid, np.array([(r0 - top) * window.shape[1] + middle]))
    for dr in range(-_NEAR, _NEAR + 1):
        for dc in range(-_NEAR, _NEAR + 1):
            r, c = r0 + dr, c0 + dc
            if (
                dr * dr + dc * dc > _NEAR * _NEAR
                or not (0 <= r < rows)
                or not (wraps or 0 <= c < columns)
            ):
                continue
            cells, corners = straight_line(dr, dc)
            at = (r0 - top, middle)
            mean = sum(window[at[0] + a, at[1] + b] * share for a, b, share in cells)
            if any(
                shut[at[0] + a, at[1] + b] and shut[at[0] + e, at[1] + f]
                for (a, b), (e, f) in corners
            ):
                mean = np.inf
            straight = float(np.hypot(dr * height[r0], dc * width[r0])) * mean
            cost = min(straight, float(tied[r - top, middle + dc]))
            v = r * columns + c % columns
            time[v] = min(time[v], cost)
