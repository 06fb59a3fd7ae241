# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""Compiled engine for accumulated cost on large grids. Imported only when a job is worth the compilation.

Cells lie in tiles of 8 x 8, so that a cell and its neighbours share a few cache lines; each cell is a record of
float32 numbers. The queue is a ring of buckets of equal width in cost, each a chain of chunks of cell numbers; a cell
whose cost is improved is queued again, and an entry is stale when the cell's cost has fallen below the current bucket.
Inside a bucket the order does not matter: what is improved meanwhile is taken up again (label correcting), so the
result is exact up to rounding. Costs are float32: the relative error of a value is at most (number of moves) · 6e-8,
and was below 1e-5 on grids of 4,000 x 4,000 in the benchmarks.

Memory beyond input and output: 8 bytes a cell for 8 neighbours without heights, 16 otherwise, and about 2 bytes a cell
for the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost import CostGrid, FloatArray, IndexArray, Target

__all__ = ["accumulate_compiled"]

_CHUNK: Final = 64
_RING: Final = 1 << 14
_POPS_AT_ONCE: Final = 1 << 21
_MORE: Final = 1
_GROW: Final = 2
_INF: Final = np.float32(np.inf)

_jit: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})


@_jit
def _push(pool, chain, head, fill, free, used, spare, bucket, cell):
    """Append a cell to a bucket; returns the list of free chunks, how many chunks are used and how many are free."""
    chunk = head[bucket]
    at = fill[bucket]
    if chunk < 0 or at == _CHUNK:
        if free >= 0:
            new = free
            free = np.int64(chain[new])
            spare -= 1
        else:
            new = used
            used += 1
        chain[new] = chunk
        head[bucket] = new
        chunk = np.int32(new)
        at = np.int32(0)
    pool[chunk, at] = cell
    fill[bucket] = at + 1
    return free, used, spare


@_jit
def _run8(g, half, even, offset, tiles_across, width, pool, chain, head, fill, state, budget):
    """Take up cells of a grid of (cost, friction) records with 4 or 8 neighbours until done or out of budget."""
    cur, count, free, used, spare = state[0], state[1], state[2], state[3], state[4]
    inverse = np.float32(1.0) / np.float32(width)
    mask = head.size - 1
    k_all = offset.shape[1]
    room = pool.shape[0]
    verdict = 0
    while count > 0:
        bucket = cur & mask
        chunk = head[bucket]
        if chunk < 0:
            cur += 1
            continue
        budget -= 1
        if budget < 0:
            verdict = 1
            break
        if room - used + spare < k_all:
            verdict = 2
            break
        at = fill[bucket] - 1
        u = np.int64(pool[chunk, at])
        count -= 1
        if at == 0:
            head[bucket] = chain[chunk]
            chain[chunk] = free
            free = np.int64(chunk)
            spare += 1
            fill[bucket] = _CHUNK
        else:
            fill[bucket] = at
        cost = g[2 * u]
        if np.int64(cost * inverse) < cur:
            continue
        friction = g[2 * u + 1]
        inside = u & 63
        row = 0 if even else ((u >> 6) // tiles_across) * 8 + (inside >> 3)
        for k in range(k_all):
            v = u + offset[inside, k]
            old = g[2 * v]
            if cost < old:
                new = cost + half[row, k] * (friction + g[2 * v + 1])
                if new < old:
                    if k >= 4:
                        # The moves after the orthogonal ones are (1,1) (1,-1) (-1,1) (-1,-1); neighbours 0..3 are
                        # east, west, south, north. Both sides of the corner closed: no way through.
                        side = offset[inside, 0] if (k & 1) == 0 else offset[inside, 1]
                        up = offset[inside, 2] if k < 6 else offset[inside, 3]
                        if g[2 * (u + side) + 1] == _INF and g[2 * (u + up) + 1] == _INF:
                            continue
                    g[2 * v] = new
                    q = np.int64(new * inverse)
                    if q >= cur + head.size:
                        q = cur + head.size - 1
                    free, used, spare = _push(pool, chain, head, fill, free, used, spare, q & mask, v)
                    count += 1
    state[0], state[1], state[2], state[3], state[4] = cur, count, free, used, spare
    return verdict


@_jit
def _run(
    g,
    sloped,
    weighted,
    sign,
    even,
    length,
    inverse_length,
    least,
    table,
    offset,
    passed,
    share,
    tiles_across,
    width,
    pool,
    chain,
    head,
    fill,
    state,
    budget,
):
    """Take up cells of a grid of (cost, height, multiplier, legal moves) records until done or out of budget."""
    cur, count, free, used, spare = state[0], state[1], state[2], state[3], state[4]
    bits = g.view(np.uint32)
    inverse = np.float32(1.0) / np.float32(width)
    mask = head.size - 1
    k_all = offset.shape[1]
    room = pool.shape[0]
    low, scale, last = table[0, 0], table[0, 1], np.float32(table.shape[0] - 2)
    verdict = 0
    while count > 0:
        bucket = cur & mask
        chunk = head[bucket]
        if chunk < 0:
            cur += 1
            continue
        budget -= 1
        if budget < 0:
            verdict = 1
            break
        if room - used + spare < k_all:
            verdict = 2
            break
        at = fill[bucket] - 1
        u = np.int64(pool[chunk, at])
        count -= 1
        if at == 0:
            head[bucket] = chain[chunk]
            chain[chunk] = free
            free = np.int64(chunk)
            spare += 1
            fill[bucket] = _CHUNK
        else:
            fill[bucket] = at
        cost = g[4 * u]
        if np.int64(cost * inverse) < cur:
            continue
        height = g[4 * u + 1]
        legal = bits[4 * u + 3]
        inside = u & 63
        row = 0 if even else ((u >> 6) // tiles_across) * 8 + (inside >> 3)
        for k in range(k_all):
            if (legal >> np.uint32(k)) & np.uint32(1) == 0:
                continue
            v = u + offset[inside, k]
            old = g[4 * v]
            # Most neighbours are settled, or cannot be improved even at the fastest pace: look no further.
            if cost + least[row, k] >= old:
                continue
            step = length[row, k]
            if sloped:
                slope = (g[4 * v + 1] - height) * inverse_length[row, k] * sign
                t = min(max((slope - low) * scale, np.float32(0.0)), last)
                i = np.int64(t) + 1
                step *= table[i, 0] + table[i, 1] * slope
            if weighted:
                mean = np.float32(0.0)
                for p in range(passed.shape[2]):
                    mean += share[k, p] * g[4 * (u + passed[inside, k, p]) + 2]
                step *= mean
            new = cost + step
            if new < old:
                g[4 * v] = new
                q = np.int64(new * inverse)
                if q >= cur + head.size:
                    q = cur + head.size - 1
                free, used, spare = _push(pool, chain, head, fill, free, used, spare, q & mask, v)
                count += 1
    state[0], state[1], state[2], state[3], state[4] = cur, count, free, used, spare
    return verdict


@_jit
def _to_tiles(g, field, values, pad, tiles_across):
    """Write a field of the records from an array laid out by rows."""
    size = g.shape[1]
    flat = g.ravel()
    for r in range(values.shape[0]):
        for c in range(values.shape[1]):
            y, x = r + pad, c + pad
            cell = ((y >> 3) * tiles_across + (x >> 3)) * 64 + (y & 7) * 8 + (x & 7)
            flat[cell * size + field] = values[r, c]


@_jit
def _from_tiles(g, out, pad, tiles_across):
    """Read the costs back into an array laid out by rows."""
    size = g.shape[1]
    flat = g.ravel()
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            y, x = r + pad, c + pad
            cell = ((y >> 3) * tiles_across + (x >> 3)) * 64 + (y & 7) * 8 + (x & 7)
            out[r, c] = flat[cell * size]


def _tile(row: Any, column: Any, tiles_across: int) -> Any:
    """Cell number in the tiled layout."""
    return ((row >> 3) * tiles_across + (column >> 3)) * 64 + (row & 7) * 8 + (column & 7)


def _steps(rows: NDArray[np.int64], columns: NDArray[np.int64], tiles_across: int) -> NDArray[np.int64]:
    """Change of the cell number by a step, per position inside a tile and step, shape (64, ...)."""
    y, x = np.divmod(np.arange(64), 8)
    shape = (64,) + (1,) * rows.ndim
    middle = 8 * 4  # far enough from the edge that the steps stay positive
    base_y, base_x = (y + middle).reshape(shape), (x + middle).reshape(shape)
    there = _tile(base_y + rows, base_x + columns, tiles_across)
    return np.ascontiguousarray(there - _tile(base_y, base_x, tiles_across))


class _Queue:
    """Buckets of cell numbers and their memory, which grows when a run asks for it."""

    def __init__(self, cells: int, ring: int = _RING) -> None:
        chunks = max(1024, cells // _CHUNK // 8) + 64
        self.pool = np.empty((chunks, _CHUNK), dtype=np.int32)
        self.chain = np.full(chunks, -1, dtype=np.int32)
        self.head = np.full(ring, -1, dtype=np.int32)
        self.fill = np.full(ring, _CHUNK, dtype=np.int32)
        self.state = np.array([0, 0, -1, 0, 0], dtype=np.int64)

    def seed(self, cells: NDArray[np.int64], cost: FloatArray, width: float) -> None:
        """Put the sources in; those beyond the ring go into its last bucket: taken up early, which does no harm."""
        for cell, value in zip(cells.tolist(), cost.tolist(), strict=True):
            if self.pool.shape[0] - int(self.state[3]) < 8:
                self.grow()
            bucket = min(int(np.float32(value) * (np.float32(1.0) / np.float32(width))), self.head.size - 1)
            self.state[2:5] = _push(
                self.pool, self.chain, self.head, self.fill, *self.state[2:5].tolist(), bucket, cell
            )
            self.state[1] += 1

    def grow(self) -> None:
        """Half as much memory again."""
        more = self.pool.shape[0] // 2
        self.pool = np.concatenate([self.pool, np.empty((more, _CHUNK), dtype=np.int32)])
        self.chain = np.concatenate([self.chain, np.full(more, -1, dtype=np.int32)])

    def arrays(self) -> tuple[Any, ...]:
        """List what the kernels take, in their order."""
        return self.pool, self.chain, self.head, self.fill, self.state


def _width(grid: CostGrid) -> float:
    """Width of a bucket: half the cheapest orthogonal move, but no less than a thirty-second of a middling one."""
    step = grid.lengths[:, : min(4, grid.lengths.shape[1])]
    cheapest = float(step.min()) * grid.least_per_metre()
    pace = 1.0 if grid.pace is None else float(grid.pace(np.zeros(1))[0])
    middling = float(np.median(step)) * pace
    if grid.multiplier is not None:
        some = grid.multiplier[:: max(1, grid.shape[0] // 256), :: max(1, grid.shape[1] // 256)]
        some = some[np.isfinite(some) & (some > 0)]
        middling *= float(np.median(some)) if some.size else 1.0
    return max(cheapest / 2, middling / 32)


def accumulate_compiled(
    grid: CostGrid,
    sources: IndexArray,
    start: FloatArray | None = None,
    *,
    targets: tuple[Target, ...] = (),
    toward: bool = False,
    limit: float = np.inf,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """Least accumulated cost; arguments as for `geosettle.distance._solver.cost.accumulate`.

    Returns
    -------
    ndarray, float32, shape (rows, columns)
        Infinite where not reached.
    """
    rows, columns = grid.shape
    simple = grid.height is None and grid.moves.row.size <= 8 and grid.multiplier is not None
    pad = 1 if simple else 0
    down, across = (rows + 2 * pad + 7) // 8, (columns + 2 * pad + 7) // 8
    order = np.unique(sources[~grid.closed.ravel()[sources]])
    first = np.full(grid.closed.size, np.inf) if start is not None else None
    if first is not None and start is not None:
        np.minimum.at(first, sources, start)
    begin = np.zeros(order.size) if first is None else first[order]
    r, c = np.divmod(order, columns)
    seeds = _tile(r + pad, c + pad, across)
    width = _width(grid)
    queue = _Queue(rows * columns)
    queue.seed(seeds, begin, width)
    g = np.full((down * across * 64, 2 if simple else 4), np.inf, dtype=np.float32)
    run = _simple_run(grid, g, across, width) if simple else _general_run(grid, g, across, width, toward=toward)
    g[seeds, 0] = begin
    if any(t.cells.size == 0 for t in targets):
        targets = ()  # what cannot be reached does not end a run
    goal = np.concatenate([t.cells for t in targets]) if targets else np.zeros(0, dtype=np.int64)
    legs = np.concatenate([t.legs for t in targets]) if targets else np.zeros(0)
    begins = np.cumsum([0, *(t.cells.size for t in targets[:-1])])
    goal = _tile(goal // columns + pad, goal % columns + pad, across)
    budget = 1 << 16 if targets else _POPS_AT_ONCE
    while True:
        verdict = run(*queue.arrays(), budget)
        if verdict == 0:
            break
        if verdict == _GROW:
            queue.grow()
            continue
        reached = float(queue.state[0]) * width
        if progress is not None:
            progress(reached)
        if reached > limit:
            break
        if targets and np.minimum.reduceat(g[goal, 0] + legs, begins).max() <= reached:
            break
    out = np.empty((rows, columns), dtype=np.float32)
    _from_tiles(g, out, pad, across)
    return out


def _simple_run(grid: CostGrid, g: NDArray[np.float32], across: int, width: float) -> Callable[..., int]:
    """Fill the records for 4 or 8 neighbours without heights; returns what runs them."""
    if grid.multiplier is None:
        raise ValueError("a friction is needed")
    friction = grid.multiplier
    plain = np.isinf(friction[grid.closed]).all()  # closed cells must be infinite here, not NaN
    _to_tiles(g, 1, friction if plain else np.where(grid.closed, np.inf, friction), 1, across)
    half = np.pad((grid.lengths / 2).astype(np.float32), ((1, 8), (0, 0)), mode="edge")
    even = bool((grid.lengths == grid.lengths[0]).all())
    offset = _steps(grid.moves.row, grid.moves.column, across)
    flat = g.ravel()

    def run(*queue_and_budget: Any) -> int:
        return int(_run8(flat, half, even, offset, across, width, *queue_and_budget))

    return run


def _general_run(
    grid: CostGrid, g: NDArray[np.float32], across: int, width: float, *, toward: bool
) -> Callable[..., int]:
    """Fill the records for any neighbourhood, with or without heights; returns what runs them."""
    _to_tiles(g.view(np.uint32), 3, grid.legal, 0, across)
    sloped, weighted = grid.height is not None, grid.multiplier is not None
    if grid.height is not None:
        _to_tiles(g, 1, grid.height, 0, across)
    if grid.multiplier is not None:
        _to_tiles(g, 2, grid.multiplier, 0, across)
    table = np.zeros((2, 2), dtype=np.float32)
    if grid.pace is not None:
        body = np.column_stack([grid.pace.base, grid.pace.gain])
        table = np.vstack([[grid.pace.low, 1 / grid.pace.step], body]).astype(np.float32)
    width_passed = max(len(cells) for cells in grid.moves.passed)
    steps = np.zeros((2, len(grid.moves.passed), width_passed), dtype=np.int64)
    share = np.zeros((len(grid.moves.passed), width_passed), dtype=np.float32)
    for k, cells in enumerate(grid.moves.passed):
        for p, (dr, dc, part) in enumerate(cells):
            steps[0, k, p], steps[1, k, p], share[k, p] = dr, dc, part
    length = np.pad(grid.lengths.astype(np.float32), ((0, 8), (0, 0)), mode="edge")
    even = bool((grid.lengths == grid.lengths[0]).all())
    # Rounded down, so that a move that could just improve a cell is never passed over.
    least = (length * np.float32(grid.least_per_metre() * (1 - 1e-5))).astype(np.float32)
    fixed = (
        g.ravel(), sloped, weighted, np.float32(-1.0 if toward else 1.0), even, length, np.float32(1) / length, least,
        table, _steps(grid.moves.row, grid.moves.column, across), _steps(steps[0], steps[1], across), share, across,
        width,
    )  # fmt: skip

    def run(*queue_and_budget: Any) -> int:
        return int(_run(*fixed, *queue_and_budget))

    return run
