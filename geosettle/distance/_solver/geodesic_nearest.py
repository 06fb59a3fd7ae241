"""Nearest points in space, for many queries at once: a k-d tree in compiled code.

Import only for large jobs.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.compiling import compiled
from geosettle.distance._solver.geodesic import NEAR_U, squares

FloatArray = NDArray[np.float64]
_LEAF = 12
_jit = compiled()
_squares = numba.njit(inline="always", error_model="numpy")(squares)


@_jit
def build(
    points: FloatArray,
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Arrange points, shape (m, 3), as a k-d tree.

    Returns the points in the order of the leaves, their row in the input, and per node of the
    complete binary tree the axis of its cut (-1: leaf) and where it cuts. Node i has the children
    2i+1 and 2i+2 and halves its range of points.
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


@_jit
def query(  # noqa: PLR0917  (compiled code takes arrays, not records)
    tree: FloatArray,
    order: NDArray[np.int64],
    axis: NDArray[np.int64],
    cut: FloatArray,
    places: FloatArray,
    most: float,
    row: NDArray[np.int64],
    square: FloatArray,
) -> None:
    """Fill `row` and `square`, shape (n, k), with the k points nearest to each place.

    Equal ones are in the order of their rows.

    The tree and the places, shape (3, n), are `halved` coordinates, the squares of distances those
    of `squares`. A distance is at least its chord, so whatever lies beyond a chord as long as the
    k-th distance found so far is passed over. Points farther than `most` are not sought; where
    there are fewer than k up to there, the square is infinite.
    """
    m, k = tree.shape[0], row.shape[1]
    last = k - 1
    most = min(most, NEAR_U)
    stack, low, high, bound = (
        np.empty(64, np.int64),
        np.empty(64, np.int64),
        np.empty(64, np.int64),
        np.empty(64),
    )
    for i in range(places.shape[1]):
        x, y, z = places[0, i], places[1, i], places[2, i]
        best, which = square[i], row[i]
        best[:] = np.inf
        which[:] = m
        limit = most
        stack[0], low[0], high[0], bound[0] = 0, 0, m, 0.0
        depth = 1
        while depth:
            depth -= 1
            node, lo, hi = stack[depth], low[depth], high[depth]
            if bound[depth] > limit:
                continue
            while (
                axis[node] >= 0
            ):  # down to the leaf that holds the place, leaving the other sides for later
                a = axis[node]
                away = (x if a == 0 else (y if a == 1 else z)) - cut[node]
                middle = (lo + hi) // 2
                if away * away <= limit:
                    stack[depth], bound[depth] = 2 * node + (2 if away < 0 else 1), away * away
                    low[depth], high[depth] = (middle, hi) if away < 0 else (lo, middle)
                    depth += 1
                node = 2 * node + (1 if away < 0 else 2)
                lo, hi = (lo, middle) if away < 0 else (middle, hi)
            for p in range(lo, hi):
                dx, dy, dz = tree[p, 0] - x, tree[p, 1] - y, tree[p, 2] - z
                if dx * dx + dy * dy + dz * dz > limit:
                    continue
                length = _squares(x, y, z, tree[p, 0], tree[p, 1], tree[p, 2])[1]
                point = order[p]
                if length > limit or (length == best[last] and point > which[last]):
                    continue
                at = last
                while at > 0 and (
                    best[at - 1] > length or (best[at - 1] == length and which[at - 1] > point)
                ):
                    best[at], which[at] = best[at - 1], which[at - 1]
                    at -= 1
                best[at], which[at] = length, point
                limit = min(limit, best[last])
