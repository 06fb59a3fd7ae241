"""Least-cost paths, by following a finished cost field back to where it starts.

No predecessors are kept. From a cell the path goes to the neighbour whose value plus the cost of
the step to the cell is least: that sum is the cell's own value. Moves, corners, barriers, slopes
and roads count as they do in the search; a cell that no legal move leads from is never on a path.
The costs of the steps are float64, whatever the field is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost import Prepared, passed_cells
from geosettle.distance._solver.cost_grid import Arcs, FloatArray, IndexArray

Steps = tuple[IndexArray, FloatArray, NDArray[np.bool_]]
"""Flat indices of the cells (n,), cost of each step between them and whether it is an arc (n-1)."""
_ROUNDINGS: Final = 4


def path_finder(
    prepared: Prepared,
    sources: IndexArray,
    start: FloatArray | None = None,
    *,
    toward: bool = False,
) -> Callable[[NDArray[np.floating], int], Steps]:
    """Make the function that gives the path from a source to a cell, or back.

    Parameters
    ----------
    prepared
        The grid.
    sources, start, toward
        Those of the run that made the field.

    Returns
    -------
    Callable
        ``f(cost, cell)``: the steps that lead from the cell down the field of `Prepared.run` to a
        source, in this order: with `toward` it is the order of the way. No cell where it was not
        reached.
    """
    from geosettle.distance._solver.path_kernels import follow  # noqa: PLC0415  (numba loads slowly)

    grid, layout = prepared.grid, prepared.layout
    order, inverse = np.unique(sources, return_inverse=True)
    begins = np.zeros(order.size)
    if start is not None:
        begins = np.full(order.size, np.inf)
        np.minimum.at(begins, inverse.ravel(), start)
    fixed = (
        (np.int64(layout.across), np.int64(layout.rim)), order, begins.astype(prepared.precision),
        _grid(prepared), _moves(prepared), _arcs(grid.arcs if toward else grid.arcs_back),
    )  # fmt: skip
    sign = -1.0 if toward else 1.0
    slack = _ROUNDINGS * float(np.finfo(prepared.precision).eps)

    def path(cost: NDArray[np.floating], cell: int) -> Steps:
        (at, source, begin, *rest) = fixed
        found: Steps = follow(cost, at, np.int64(cell), source, begin, *rest, sign, slack)
        return found

    return path


def _grid(prepared: Prepared) -> tuple[Any, ...]:
    """Return what a move costs, as the kernel takes it."""
    grid = prepared.grid
    none = np.zeros((1, 1))
    fields = [none if v is None else v for v in (grid.height, grid.multiplier, grid.added)]
    flags = (
        grid.height is not None and grid.pace is not None,
        grid.multiplier is not None,
        grid.added is not None,
        grid.wraps,
    )
    table = np.zeros((2, 2))
    if grid.pace is not None:
        body = np.column_stack([grid.pace.base, grid.pace.gain])
        table = np.vstack([[grid.pace.low, 1 / grid.pace.step], body])
    cut = grid.cut or (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint32))
    return grid.closed, *fields, grid.lengths, table, *cut, flags, np.int64(grid.corner)


def _moves(prepared: Prepared) -> tuple[Any, ...]:
    """Return moves as the kernel takes them; rows of zeros end the corners of a move."""
    moves = prepared.grid.moves
    most = max(1, *(len(c) for c in moves.corners))
    corners = np.zeros((moves.row.size, most + 1, 4), dtype=np.int64)
    for k, squeezed in enumerate(moves.corners):
        for p, (one, other) in enumerate(squeezed):
            corners[k, p] = *one, *other
    return moves.row, moves.column, *passed_cells(prepared.grid, np.float64), corners


def _arcs(turned: Arcs | None) -> tuple[Any, ...]:
    """Arcs that lead to each cell: those that leave it, of the graph turned round."""
    if turned is None:
        none = np.zeros(0, dtype=np.int32)
        return none, none, np.zeros(0)
    return turned.first, turned.head, turned.seconds
