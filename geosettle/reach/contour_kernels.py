# ruff: noqa: ANN001, ANN201, ANN202, C901, PLR0912, PLR0915  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""Compiled marching squares on a grid with cells that have no value, imported only when needed.

Every cell is cut into four squares, between its centre, the middles of its sides and its corners.
The value at a centre is that of the cell, in the middle of a side and at a corner the mean of the
cells that meet there and have a value. So lines run straight between the centres, reach the outer
edge of the grid, and end at the edge of a cell without value. Points have numbers (three for each
node: itself, and the crossings on the sides that go east and south of it), by which pieces of line
are joined without comparing coordinates.
"""

from __future__ import annotations

import numpy as np

from geosettle.distance._solver.compiling import compiled

_CLOSE = 1e-7  # crossings keep this far from nodes, so that no two points of a ring coincide

_jit = compiled()


@_jit
def _node(values, i, j):
    """Value at a node of the lattice: the mean of the finite cells around it."""
    rows, columns = values.shape
    total, count = 0.0, 0
    for r in range((i - 1) // 2 if i % 2 == 0 else i // 2, i // 2 + 1):
        for c in range((j - 1) // 2 if j % 2 == 0 else j // 2, j // 2 + 1):
            if 0 <= r < rows and 0 <= c < columns and np.isfinite(values[r, c]):
                total += values[r, c]
                count += 1
    return total / max(count, 1)


@_jit
def _sides(values, limit):
    """Of each cell, with one more around the grid: -1 no value, 0 beyond the limit, 1 up to it."""
    rows, columns = values.shape
    side = np.full((rows + 2, columns + 2), -1, np.int8)
    for r in range(rows):
        for c in range(columns):
            if np.isfinite(values[r, c]):
                side[r + 1, c + 1] = values[r, c] <= limit
    return side


@_jit
def _edge_cells(side):
    """Flat indices of the cells that the line may touch: those unlike one of their neighbours."""
    rows, columns = side.shape[0] - 2, side.shape[1] - 2
    found, n = np.empty(1024, np.int64), 0
    for r in range(rows):
        west, middle = 0, 0  # how many of the three cells of each column are up to the limit
        for k in range(3):
            middle += side[r + k, 1] > 0
        for c in range(columns):
            east = 0
            for k in range(3):
                east += side[r + k, c + 2] > 0
            near = west + middle + east
            west, middle = middle, east
            own = side[r + 1, c + 1]
            if (own == 0 and near > 0) or (own == 1 and near < 9):
                if n == found.size:
                    found = np.concatenate((found, np.empty(n, np.int64)))
                found[n] = r * columns + c
                n += 1
    return found[:n]


@_jit
def pieces(values, limit):
    """Directed pieces of line around all that is up to a limit, the inside on one side of them.

    Gives the numbers of both ends and of the cell of each piece, and where its first end is (row
    and column of the lattice).
    """
    columns = values.shape[1]
    side = _sides(values, limit)
    cells = _edge_cells(side)
    room = 24 * cells.size
    first, last = np.empty(room, np.int64), np.empty(room, np.int64)
    cell, at = np.empty(room, np.int64), np.empty((room, 2))
    wide = 2 * columns + 1
    n = 0
    nine, level = np.empty((3, 3)), np.empty(4)
    node, point = np.empty((4, 2), np.int64), np.empty((4, 2))
    number, crossing = np.empty(4, np.int64), np.empty(4, np.int64)
    for u in cells:
        r, c = u // columns, u % columns
        for i in range(3):
            for j in range(3):
                nine[i, j] = _node(values, 2 * r + i, 2 * c + j)
        for quarter in range(4):
            a, b = quarter // 2, quarter % 2
            middle = 0.0
            for k in range(4):
                node[k, 0] = 2 * r + a + (k >= 2)
                node[k, 1] = 2 * c + b + (0 < k < 3)
                level[k] = nine[node[k, 0] - 2 * r, node[k, 1] - 2 * c]
                middle += level[k] / 4
                number[k] = (node[k, 0] * wide + node[k, 1]) * 3
            if level.min() > limit:
                continue
            exits = 0
            for k in range(4):
                o = (k + 1) % 4
                low = min(number[k], number[o])
                crossing[k] = low + (1 if k % 2 == 0 else 2)
                if (level[k] <= limit) != (level[o] <= limit):
                    exits += level[k] <= limit
                    t = (limit - level[k]) / (level[o] - level[k])
                    t = min(max(t, _CLOSE), 1 - _CLOSE)
                    for d in range(2):
                        point[k, d] = node[k, d] + t * (node[o, d] - node[k, d])
            for k in range(4):
                o = (k + 1) % 4
                here, there = level[k] <= limit, level[o] <= limit
                if here and not there:
                    # To the next way in; in a saddle that is not joined to the one before.
                    e = (k + 3) % 4
                    if not (exits == 2 and middle > limit):
                        e = o
                        while not (level[e] > limit and level[(e + 1) % 4] <= limit):
                            e = (e + 1) % 4
                    first[n], last[n], cell[n] = crossing[k], crossing[e], u
                    at[n] = point[k]
                    n += 1
                # A side on the edge of the cell, with nothing beyond it, is part of the line.
                dr = (k == 2 and a == 1) - (k == 0 and a == 0)
                dc = (k == 1 and b == 1) - (k == 3 and b == 0)
                if side[r + 1 + dr, c + 1 + dc] >= 0 or not (here or there):
                    continue
                first[n] = number[k] if here else crossing[k]
                last[n] = number[o] if there else crossing[k]
                cell[n] = u
                for d in range(2):
                    at[n, d] = node[k, d] if here else point[k, d]
                n += 1
    return first[:n], last[:n], cell[:n], at[:n]


@_jit
def chain(first, last, cell, order):
    """Join pieces to rings: the pieces in the order of the rings, and where each ring begins.

    Where two cells meet at a corner alone, the next piece is one of the same cell; a ring that
    comes back to such a corner is cut there into two, so that none touches itself.
    """
    n = first.size
    starts = first[order]
    used, depth_of = np.zeros(n, np.bool_), np.full(n, -1, np.int64)
    out, begin, stack = np.empty(n, np.int64), np.zeros(n + 1, np.int64), np.empty(n, np.int64)
    done, rings = 0, 0
    for start in range(n):
        if used[start]:
            continue
        k, depth = start, 0
        while k >= 0:
            used[k] = True
            depth_of[np.searchsorted(starts, first[k])] = depth
            stack[depth] = k
            depth += 1
            p = np.searchsorted(starts, last[k])
            if depth_of[p] >= 0:  # a ring is closed
                low = depth_of[p]
                for d in range(low, depth):
                    out[done] = stack[d]
                    done += 1
                    depth_of[np.searchsorted(starts, first[stack[d]])] = -1
                depth = low
                rings += 1
                begin[rings] = done
            after = -1
            q = p
            while q < n and starts[q] == last[k]:
                if not used[order[q]] and (after < 0 or cell[order[q]] == cell[k]):
                    after = order[q]
                q += 1
            k = after if depth > 0 else -1
    return out, begin[: rings + 1]
