# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""The loops of `geosettle.distance._solver.cost_paths`, compiled."""

from __future__ import annotations

import numpy as np

from geosettle.distance._solver.compiling import compiled

_jit = compiled()


@_jit
def _cost(grid, moves, k, row, column, sign):
    """Cost of move k from an open cell; infinite where it is not legal."""
    closed, height, weight, added, lengths, table, cut_cell, cut_move, flags, corner = grid
    step_row, step_column, passed, share, corners = moves
    rows, columns = closed.shape
    sloped, weighted, adding, wraps = flags
    end_row, end = row + step_row[k], column + step_column[k]
    if end_row < 0 or end_row >= rows or (not wraps and (end < 0 or end >= columns)):
        return np.inf
    mean, more = 0.0, 0.0
    for p in range(share.shape[1]):
        r, c = row + passed[0, k, p], (column + passed[1, k, p]) % columns
        if closed[r, c]:
            return np.inf
        if weighted:
            mean += share[k, p] * weight[r, c]
        if adding:
            more += share[k, p] * added[r, c]
    for p in range(corners.shape[1]):
        if corners[k, p, 0] == 0 and corners[k, p, 1] == 0:
            break  # no cell at a corner is the one that the move starts from
        shut = 0
        for side in (0, 2):
            r, c = row + corners[k, p, side], (column + corners[k, p, side + 1]) % columns
            shut += closed[r, c]
        if 2 - shut < corner:
            return np.inf
    if cut_cell.size:
        at = np.searchsorted(cut_cell, row * columns + column)
        here = at < cut_cell.size and cut_cell[at] == row * columns + column
        if here and (cut_move[at] >> np.uint32(k)) & np.uint32(1):
            return np.inf
    length = lengths[row, k]
    step = length
    if sloped:
        rise = np.float64(height[end_row, end % columns]) - np.float64(height[row, column])
        slope = rise * (1.0 / length) * sign
        t = (slope - table[0, 0]) * table[0, 1]
        i = np.int64(min(max(t, 0.0), table.shape[0] - 2.0)) + 1
        step *= table[i, 0] + table[i, 1] * slope
    if weighted:
        step *= mean
    if adding:
        step += length * more
    return step


@_jit
def _value(field, row, column, layout):
    """Value of a cell in the tiled layout."""
    across, rim = layout
    r, c = row + rim, column + rim
    return np.float64(field[((r >> 3) * across + (c >> 3)) * 64 + (r & 7) * 8 + (c & 7)])


@_jit
def _before(field, layout, cell, grid, moves, arcs, sign, level, seen):
    """Cell from which another is reached at least cost: it, the cost of the step, whether an arc.

    Only cells of less than the level count; with `seen` those that have the level, but are not in
    it.
    """
    first, tail, seconds = arcs
    step_row, step_column = moves[0], moves[1]
    rows, columns = grid[0].shape
    wraps = grid[8][3]
    row, column = cell // columns, cell % columns
    best, at, cost, arc = np.inf, np.int64(-1), np.inf, False
    for k in range(step_row.size):
        r, c = row - step_row[k], column - step_column[k]
        if r < 0 or r >= rows or (not wraps and (c < 0 or c >= columns)):
            continue
        c %= columns
        value = _value(field, r, c, layout)
        if not _counts(value, level, r * columns + c, seen) or grid[0][r, c]:
            continue
        step = _cost(grid, moves, k, r, c, sign)
        if value + step < best:
            best, at, cost, arc = value + step, r * columns + c, step, False
    if first.size:
        for n in range(first[cell], first[cell + 1]):
            there = np.int64(tail[n])
            value = _value(field, there // columns, there % columns, layout)
            if _counts(value, level, there, seen) and value + seconds[n] < best:
                best, at, cost, arc = value + seconds[n], there, seconds[n], True
    return at, cost, arc


@_jit
def _counts(value, level, cell, seen):
    if seen.size == 0:
        return value < level
    if value != level:
        return False
    return not (seen == cell).any()


@_jit
def follow(field, layout, start, sources, begins, grid, moves, arcs, sign, slack):
    """Follow a finished field from a cell down to a source.

    Gives the cells, the cost of each step between them and whether it is an arc; no cell where the
    cell was not reached.
    """
    none = np.empty(0, dtype=np.int64)
    cells, costs, rides = [start], [0.0], [False]
    columns = grid[0].shape[1]
    entered, seen = 0, none  # where a plateau began, and what was looked at on it
    while True:
        cell = cells[-1]
        level = _value(field, cell // columns, cell % columns, layout)
        at = np.searchsorted(sources, cell)
        if level == np.inf:
            return none, np.empty(0), np.empty(0, dtype=np.bool_)
        if at < sources.size and sources[at] == cell and begins[at] <= level:
            break
        there, cost, arc = _before(field, layout, cell, grid, moves, arcs, sign, level, none)
        value = np.inf
        if there >= 0:
            value = _value(field, there // columns, there % columns, layout) + cost
        if there >= 0 and value <= level + slack * level + 1e-5 * cost:
            entered, seen = len(cells), none
        else:
            # In float32 a short arc may be lost in rounding: then it joins cells of one value.
            if seen.size == 0:
                entered, seen = len(cells), np.array([cell], dtype=np.int64)
            level_there, level_cost, level_arc = _before(
                field, layout, cell, grid, moves, arcs, sign, level, seen
            )
            if level_there >= 0:
                there, cost, arc = level_there, level_cost, level_arc
                seen = np.append(seen, there)
            elif len(cells) > entered:
                cells.pop()
                costs.pop()
                rides.pop()
                continue
            elif there < 0:
                return none, np.empty(0), np.empty(0, dtype=np.bool_)
            else:
                entered, seen = len(cells), none
        cells.append(there)
        costs.append(cost)
        rides.append(arc)
    return np.array(cells), np.array(costs[1:]), np.array(rides[1:])
