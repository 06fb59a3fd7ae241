"""Nearest points in space, for many queries at once: a k-d tree in compiled code. Import only for large jobs."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["build", "query"]

FloatArray = NDArray[np.float64]
_LEAF = 12
_SPREAD = 1 / (8 * 6_335_439.0**2)
_FAR = (1.5 * 6_335_439.0) ** 2


def _compiled(function: Any) -> Any:
    """Compile, kept on disk between runs where there is a place to keep it."""
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # neither the package's folder nor the user's cache folder can be written
        return numba.njit(nogil=True, error_model="numpy")(function)


@_compiled
def build(points: FloatArray) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Arrange points, shape (m, 3), as a k-d tree.

    Returns the points in the order of the leaves, their row in the input, and per node of the complete binary tree the
    axis of its cut (-1: leaf) and where it cuts. Node i has the children 2i+1 and 2i+2 and halves its range of points.
    """
    m = points.shape[0]
    nodes = 1
    while nodes * _LEAF < m:
        nodes *= 2
    nodes = 2 * nodes - 1
    order = np.arange(m)
    axis, cut = np.full(nodes, -1), np.zeros(nodes)
    first, last = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    last[0] = m
    for node in range(nodes // 2):
        lo, hi = first[node], last[node]
        here = order[lo:hi].copy()
        widest, span = 0, -1.0
        for a in range(3):
            if hi > lo:
                low, high = points[here[0], a], points[here[0], a]
                for p in here:
                    low, high = min(low, points[p, a]), max(high, points[p, a])
                if high - low > span:
                    widest, span = a, high - low
        here = here[np.argsort(points[here, widest], kind="mergesort")]
        order[lo:hi] = here
        middle = (lo + hi) // 2
        axis[node] = widest
        cut[node] = points[order[middle], widest] if middle < hi else 0.0
        first[2 * node + 1], last[2 * node + 1] = lo, middle
        first[2 * node + 2], last[2 * node + 2] = middle, hi
    return points[order], order, axis, cut


@numba.njit(inline="always", error_model="numpy")
def _limit(best: FloatArray, asked: int) -> float:
    """Square of the chord from which on a point is of no use: see `query`."""
    last = best.shape[0] - 1
    if asked > last or best[asked - 1] > _FAR:
        return float(best[last])
    return float(min(best[last], best[asked - 1] * (1 + best[asked - 1] * _SPREAD)))


@_compiled
def query(  # noqa: PLR0917  (compiled code takes arrays, not records)
    tree: FloatArray,
    order: NDArray[np.int64],
    axis: NDArray[np.int64],
    cut: FloatArray,
    places: FloatArray,
    asked: int,
    chord: FloatArray,
    row: NDArray[np.int64],
) -> None:
    """Fill `chord` and `row`, shape (n, k), with the k points nearest to each place, shape (n, 3), nearest first.

    The points beyond the first `asked` only serve to show how near the next ones are. They are sought only as far as
    ``c sqrt(1 + c²/8R²)`` from the place, c being the chord of the last point asked for; this is more than the longest
    geodesic with that chord, ``2R arcsin(c/2R)``, up to c = 1.5 R. Where there is none so near, the chord is infinite.
    """
    m, k = tree.shape[0], chord.shape[1]
    stack, low, high, bound = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64)
    for i in range(places.shape[0]):
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        best, which = chord[i], row[i]
        best[:] = np.inf
        which[:] = 0
        limit = np.inf
        stack[0], low[0], high[0], bound[0] = 0, 0, m, 0.0
        depth = 1
        while depth:
            depth -= 1
            node, lo, hi = stack[depth], low[depth], high[depth]
            if bound[depth] >= limit:
                continue
            while axis[node] >= 0:  # down to the leaf that holds the place, leaving the other sides for later
                a = axis[node]
                away = (x if a == 0 else (y if a == 1 else z)) - cut[node]
                middle = (lo + hi) // 2
                if away * away < limit:
                    stack[depth], bound[depth] = 2 * node + (2 if away < 0 else 1), away * away
                    low[depth], high[depth] = (middle, hi) if away < 0 else (lo, middle)
                    depth += 1
                node = 2 * node + (1 if away < 0 else 2)
                lo, hi = (lo, middle) if away < 0 else (middle, hi)
            for p in range(lo, hi):
                dx, dy, dz = tree[p, 0] - x, tree[p, 1] - y, tree[p, 2] - z
                square = dx * dx + dy * dy + dz * dz
                if square < limit:
                    at = k - 1
                    while at > 0 and best[at - 1] > square:
                        best[at], which[at] = best[at - 1], which[at - 1]
                        at -= 1
                    best[at], which[at] = square, order[p]
                    limit = _limit(best, asked)
        for at in range(k):
            best[at] = np.sqrt(best[at])
