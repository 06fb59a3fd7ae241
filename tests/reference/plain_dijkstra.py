"""SciPy's Dijkstra over the moves of a grid, listed one by one in plain Python: slow, and clear."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geosettle.distance._solver.cost_grid import CostGrid


def costs(  # noqa: C901
    grid: CostGrid, sources: list[int], *, toward: bool = False
) -> np.ndarray:
    """Least cost from the nearest source to every cell, infinite where there is no way.

    Corners are passed where one of their two cells is open.
    """
    rows, columns = grid.shape
    tail, head, cost = [], [], []

    def at(r: int, c: int) -> tuple[int, int] | None:
        if grid.wraps:
            c %= columns
        return (r, c) if 0 <= r < rows and 0 <= c < columns else None

    for r in range(rows):
        for c in range(columns):
            for k, (cells, corners) in enumerate(
                zip(grid.moves.passed, grid.moves.corners, strict=True)
            ):
                line = [at(r + dr, c + dc) for dr, dc, _ in cells]
                if None in line or any(grid.closed[cell] for cell in line):
                    continue
                pairs = [[at(r + dr, c + dc) for dr, dc in pair] for pair in corners]
                if any(grid.closed[a] and grid.closed[b] for a, b in pairs):
                    continue
                metres, end = grid.lengths[r, k], line[-1]
                pace = 1.0
                if grid.height is not None:
                    rise = float(grid.height[end]) - float(grid.height[r, c])
                    pace = float(grid.pace(np.array([rise / metres]))[0])
                for values, add in ((grid.multiplier, False), (grid.added, True)):
                    if values is not None:
                        mean = sum(
                            float(values[cell]) * part[2]
                            for cell, part in zip(line, cells, strict=True)
                        )
                        pace = pace + mean if add else pace * mean
                tail.append(r * columns + c)
                head.append(end[0] * columns + end[1])
                cost.append(metres * pace)
    if grid.arcs is not None:
        for cell in range(rows * columns):
            for n in range(grid.arcs.first[cell], grid.arcs.first[cell + 1]):
                tail.append(cell)
                head.append(int(grid.arcs.head[n]))
                cost.append(float(grid.arcs.seconds[n]))
    ends = (head, tail) if toward else (tail, head)
    size = rows * columns
    # Of two arcs with the same ends the cheaper counts.
    key = np.array(ends[0]) * size + np.array(ends[1])
    order = np.lexsort((cost, key))
    first = order[np.flatnonzero(np.diff(key[order], prepend=-1))]
    graph = coo_array(
        (np.array(cost)[first], tuple(np.array(e)[first] for e in ends)), shape=(size, size)
    )
    return dijkstra(graph.tocsr(), indices=sources).min(axis=0).reshape(rows, columns)
