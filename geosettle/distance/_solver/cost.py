"""Accumulated cost on a grid: a solver in NumPy for everyday jobs, or the compiled one.

What a move is and what it costs stands in `geosettle.distance._solver.cost_grid`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import (
    LARGE_CELLS,
    Arcs,
    CostGrid,
    FloatArray,
    IndexArray,
    Progress,
    Target,
    middling_move,
)


def _move_costs(
    grid: CostGrid,
    flat: dict[str, NDArray[np.floating]],
    u: IndexArray,
    v: IndexArray,
    *,
    toward: bool,
) -> FloatArray:
    """Cost of every move from cells `u` (n,) to `v` (n, k).

    `toward` gives the cost of the opposite direction.
    """
    lengths = grid.lengths[u // grid.shape[1]]
    cost = lengths
    if grid.pace is not None:
        height = flat["height"]
        rise = height[v] - height[u][:, None] if not toward else height[u][:, None] - height[v]
        cost = lengths * grid.pace(rise / lengths)
    if grid.multiplier is not None:
        cost = cost * _means(grid, flat["multiplier"], u)
    if grid.added is not None:
        cost = cost + lengths * _means(grid, flat["added"], u)
    return cost


def _means(grid: CostGrid, values: NDArray[np.floating], u: IndexArray) -> FloatArray:
    """Mean of `values` along every move from cells `u`, shape (n, k)."""
    mean = np.empty((u.size, len(grid.moves.passed)))
    last = grid.closed.size - 1
    for k, cells in enumerate(grid.moves.passed):
        mean[:, k] = sum(
            values[np.clip(grid.stepped(u, dr, dc), 0, last)] * np.float64(share)
            for dr, dc, share in cells
        )
    return mean


def accumulate(
    grid: CostGrid,
    sources: IndexArray,
    start: FloatArray | None = None,
    *,
    targets: Sequence[Target] = (),
    bound: Callable[[IndexArray], FloatArray] | None = None,
    toward: bool = False,
    limit: float = np.inf,
    progress: Progress | None = None,
) -> FloatArray:
    """Least accumulated cost from the sources to every cell, or until every target is settled.

    Parameters
    ----------
    grid
        The grid.
    sources
        Flat indices of the cells to start from.
    start
        Cost at which each source starts; 0 if None.
    targets
        Stop as soon as all of these have their final value; other cells may then hold no or a
        provisional value.
    bound
        Lower bound of the cost from a cell to the nearest target (must be consistent, e.g. the
        straight-line distance times `CostGrid.least_per_metre`); directs the search without
        changing the targets' values.
    toward
        True: cost from every cell to the sources (the way there) instead of from the sources.
    limit
        Costs above this are not looked for.
    progress
        Called now and then with the cost reached so far; whatever it raises stops the work.

    Returns
    -------
    ndarray, float64, shape (rows * columns,)
        Infinite where not reached.

    Notes
    -----
    Cells are taken up in bands of increasing cost and relaxed together (delta-stepping, Meyer &
    Sanders 2003, Journal of Algorithms 49: 114-152); a cell improved later is taken up again, so
    the result is that of Dijkstra's algorithm to the last bit of float64. With `bound` the bands
    are of cost plus bound (A*).
    """
    k_bits = np.arange(grid.moves.row.size, dtype=np.uint32)
    fields = (("height", grid.height), ("multiplier", grid.multiplier), ("added", grid.added))
    flat = {name: np.ravel(a) for name, a in fields if a is not None}
    legal = grid.legal.ravel()
    arcs = grid.arcs_back if toward else grid.arcs
    cost = np.full(grid.closed.size, np.inf)
    np.minimum.at(cost, sources, np.zeros(sources.size) if start is None else start)
    index = np.unique(sources)
    index = index[~grid.closed.ravel()[index]]
    value = cost[index]
    key = value if bound is None else value + bound(index)
    width = _band(grid)
    owner = np.empty(cost.size, dtype=np.int32)
    rounds = 0
    while index.size:
        low = float(key.min())
        if low > limit or (targets and max(t.value(cost) for t in targets) <= low):
            break
        rounds += 1
        if progress is not None and rounds % 64 == 0:
            progress(low)
        now = key <= low + width
        u, g = index[now], value[now]
        fresh = g == cost[u]
        u, g = u[fresh], g[fresh]
        index, value, key = index[~now], value[~now], key[~now]
        if not u.size:
            continue
        bits = legal[u]
        allowed = (bits[:, None] >> k_bits) & np.uint32(1) != 0
        v = np.where(
            allowed, grid.stepped(u[:, None], grid.moves.row, grid.moves.column), u[:, None]
        )
        new = g[:, None] + _move_costs(grid, flat, u, v, toward=toward)
        better = allowed & (new < cost[v])
        v, found = v[better], new[better]
        if arcs is not None:
            v, found = _follow(arcs, u, g, v, found)
        np.minimum.at(cost, v, found)
        # Equal finds of one cell stay one entry (the last writer's), or ties would double with
        # every round.
        entry = np.flatnonzero(found == cost[v])
        owner[v[entry]] = entry
        entry = entry[owner[v[entry]] == entry]
        v, found = v[entry], found[entry]
        index, value = np.r_[index, v], np.r_[value, found]
        key = np.r_[key, found if bound is None else found + bound(v)]
    return cost


def _follow(
    arcs: Arcs, u: IndexArray, g: FloatArray, v: IndexArray, found: FloatArray
) -> tuple[IndexArray, FloatArray]:
    """Add to the cells found those at the other end of arcs."""
    count = (arcs.first[u + 1] - arcs.first[u]).astype(np.int64)
    total = int(count.sum())
    if not total:
        return v, found
    begin = np.cumsum(count) - count
    arc = np.arange(total) - np.repeat(begin - arcs.first[u], count)
    return np.r_[v, arcs.head[arc].astype(np.int64)], np.r_[
        found, np.repeat(g, count) + arcs.seconds[arc]
    ]


def solve(
    grid: CostGrid,
    sources: IndexArray,
    start: FloatArray | None = None,
    *,
    targets: Sequence[Target] = (),
    bound: Callable[[IndexArray], FloatArray] | None = None,
    toward: bool = False,
    compiled: bool | None = None,
    progress: Progress | None = None,
) -> NDArray[np.floating]:
    """Accumulate by whichever engine suits; arguments as for `accumulate`, result flat.

    Parameters
    ----------
    compiled
        True: numba, float32; False: NumPy, float64; None: numba for more than 4 million cells
        without targets. The two differ by float32 rounding, at most 6e-8 of the value per move.
    """
    if compiled is None:
        compiled = grid.closed.size > LARGE_CELLS and not targets
    if not compiled:
        return accumulate(
            grid, sources, start, targets=targets, bound=bound, toward=toward, progress=progress
        )
    from geosettle.distance._solver.cost_kernels import accumulate_compiled  # noqa: PLC0415  (numba takes a second)

    found = accumulate_compiled(
        grid, sources, start, targets=tuple(targets), toward=toward, progress=progress
    )
    return np.ravel(found)


def _band(grid: CostGrid) -> float:
    """Width of a band: about the cost of two orthogonal moves on the flat, fastest in practice."""
    return 2 * middling_move(grid)
