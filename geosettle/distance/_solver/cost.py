"""Accumulated cost on a grid: cells in tiles, a queue of buckets, loops compiled by numba.

What a move is and what it costs stands in `geosettle.distance._solver.cost_grid`.

Cells are in tiles of 8 x 8, so that a cell and its neighbours share a few cache lines; each
quantity (cost, friction, height ...) is an array of its own in that order, because most neighbours
are turned down by their cost alone. The queue is a ring of buckets of equal width in cost, each a
chain of chunks of cell numbers; a cell whose cost is improved is queued again, and an entry is
stale when the cell's cost has fallen below the current bucket. Inside a bucket the order does not
matter: what is improved meanwhile is taken up again (label correcting; delta-stepping, Meyer &
Sanders 2003, Journal of Algorithms 49: 114-152). Rounded addition is monotone, so every cell ends
with the least of the rounded sums over all ways, whatever the order: the result is the same bit for
bit.

Costs are float64 on grids of at most `EXACT_CELLS`, beyond float32: there the relative error of a
value is at most (number of moves) · 6e-8, and was below 1e-5 on grids of 4,000 x 4,000 in the
benchmarks.

Memory in float32 (twice as much in float64): 4 bytes a cell for the costs, which become the
result's own, 4 for each of friction, heights, multiplier and added cost, and 2 for the legal moves
(none for 8 neighbours and a friction, 4 for 32 neighbours); the queue takes less than one. With
what the grid itself holds (1 for closed cells, 4 for a multiplier and 4 for an added cost) that
makes 6 to 24 bytes a cell beyond input and output, measured in `tests/bench_cost.py`; 26 for 32
neighbours with all three. A further run on the same grid takes 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import (
    Arcs,
    CostGrid,
    FloatArray,
    IndexArray,
    Progress,
    Target,
    middling_move,
)
from geosettle.executors import processors

Run = tuple[IndexArray, FloatArray | None, Sequence[Target]]
"""Cells to start from, the cost at which each starts (None: 0), and the places to reach."""
_CHUNK: Final = 64  # as in the kernels, which are loaded late
_RING: Final = 1 << 14
_POPS_AT_ONCE: Final = 1 << 20  # a tenth to a fifth of a second: so soon an interruption is heard
_GROW: Final = 2
_SIDE_BY_SIDE: Final = 1 << 30  # bytes that the costs of several runs may take in any case


class _Layout:
    """Where the cells of a grid are in the tiled order, with a rim of `rim` empty cells."""

    def __init__(self, rows: int, columns: int, rim: int) -> None:
        self.rows, self.columns, self.rim = rows, columns, rim
        self.down, self.across = (rows + 2 * rim + 7) // 8, (columns + 2 * rim + 7) // 8
        self.size = self.down * self.across * 64

    def number(self, row: Any, column: Any) -> Any:
        """Cell number of a row and a column of the rimmed grid."""
        return ((row >> 3) * self.across + (column >> 3)) * 64 + (row & 7) * 8 + (column & 7)

    def of(self, cells: IndexArray) -> IndexArray:
        """Cell numbers of flat indices."""
        row, column = np.divmod(cells, self.columns)
        return np.asarray(self.number(row + self.rim, column + self.rim))

    def steps(self, rows: IndexArray, columns: IndexArray) -> NDArray[np.int32]:
        """Change of the cell number by a step, per position inside a tile and step, (64, ...)."""
        y, x = np.divmod(np.arange(64), 8)
        shape = (64,) + (1,) * rows.ndim
        middle = 8 * 4  # far enough from the edge that the steps stay positive
        base_y, base_x = (y + middle).reshape(shape), (x + middle).reshape(shape)
        there = self.number(base_y + rows, base_x + columns)
        return np.ascontiguousarray(there - self.number(base_y, base_x), dtype=np.int32)

    def tiles(
        self, strips: Iterator[tuple[int, NDArray[Any]]], fill: float, dtype: Any
    ) -> NDArray[Any]:
        """Lay out values given strip by strip of rows; strips start at a multiple of 8 rows."""
        out = np.empty((self.down, self.across, 8, 8), dtype=dtype)
        buffer = np.full((8, self.across * 8), fill, dtype=dtype)
        inner = slice(self.rim, self.rim + self.columns)
        done, held = 0, self.rim  # tiles done, rows held in the buffer
        for _, strip in strips:
            for top in self._cuts(strip.shape[0], held):
                rows = strip[top[0] : top[1]]
                buffer[held : held + rows.shape[0], inner] = rows
                held += rows.shape[0]
                if held == 8:
                    out[done] = buffer.reshape(8, self.across, 8).transpose(1, 0, 2)
                    done, held = done + 1, 0
        while done < self.down:
            buffer[held:] = fill
            out[done] = buffer.reshape(8, self.across, 8).transpose(1, 0, 2)
            done, held = done + 1, 0
        return out.ravel()

    @staticmethod
    def _cuts(rows: int, held: int) -> Iterator[tuple[int, int]]:
        """Pieces of a strip that fill up the rows of one tile each."""
        begin = 0
        while begin < rows:
            end = min(rows, begin + 8 - held)
            yield begin, end
            begin, held = end, 0

    def rows_of(
        self, tiles: NDArray[np.floating], memory: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """Values by rows and columns, without the rim, written into the beginning of `memory`."""
        if memory is None or memory.size < tiles.size:
            memory = np.empty(tiles.size, dtype=tiles.dtype)
        out = memory[: self.rows * self.columns].reshape(self.rows, self.columns)
        there = tiles.reshape(self.down, self.across, 8, 8)
        for y in range(self.down):
            top, bottom = max(0, y * 8 - self.rim), min(self.rows, y * 8 + 8 - self.rim)
            if top < bottom:
                part = there[y].transpose(1, 0, 2).reshape(8, self.across * 8)
                first = top + self.rim - y * 8
                out[top:bottom] = part[
                    first : first + bottom - top, self.rim : self.rim + self.columns
                ]
        return out


def _strips(
    values: NDArray[Any], closed: NDArray[np.bool_] | None = None
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Rows of an array, some at a time, closed cells infinite."""
    for top in range(0, values.shape[0], 256):
        part = values[top : top + 256]
        yield top, part if closed is None else np.where(closed[top : top + 256], np.inf, part)


class _Queue:
    """Buckets of cell numbers and their memory, which grows when a run asks for it."""

    def __init__(self, cells: IndexArray, cost: NDArray[np.floating], inverse: np.floating) -> None:
        """Put the sources in.

        Those beyond the ring go into its last bucket: taken up early, which does no harm.
        """
        bucket = np.minimum((cost * inverse).astype(np.int64), _RING - 1)
        order = np.argsort(bucket, kind="stable")
        which, count = np.unique(bucket, return_counts=True)
        chunks = -(-count // _CHUNK)
        end = np.cumsum(chunks)
        room = max(4096, 2 * int(chunks.sum()))
        self.pool = np.empty(room * _CHUNK, dtype=np.int32)
        self.chain = np.full(room, -1, dtype=np.int32)
        self.head = np.full(_RING, -1, dtype=np.int32)
        self.fill = np.full(_RING, _CHUNK, dtype=np.int32)
        at = np.arange(cells.size) - np.repeat(np.cumsum(count) - count, count)
        self.pool[np.repeat((end - chunks) * _CHUNK, count) + at] = cells[order]
        used = int(chunks.sum())
        self.chain[:used] = np.arange(used) - 1  # each chunk hangs on the one before ...
        self.chain[end - chunks] = -1  # ... but for the first of its bucket
        self.head[which], self.fill[which] = end - 1, count - (chunks - 1) * _CHUNK
        # The current bucket, entries, first free chunk, chunks used, free chunks.
        self.state = np.array([0, cells.size, -1, used, 0], dtype=np.int64)

    def grow(self) -> None:
        """Half as much memory again."""
        more = self.chain.size // 2
        self.pool = np.concatenate([self.pool, np.empty(more * _CHUNK, dtype=np.int32)])
        self.chain = np.concatenate([self.chain, np.full(more, -1, dtype=np.int32)])

    def arrays(self) -> tuple[Any, ...]:
        """List what the kernels take, in their order."""
        return self.pool, self.chain, self.head, self.fill, self.state


class Prepared:
    """A grid prepared for the kernels: what is the same in every run.

    Parallel runs may share it.

    Parameters
    ----------
    grid
        The grid.
    """

    def __init__(self, grid: CostGrid) -> None:
        self.grid = grid
        rows, columns = grid.shape
        # A bucket: half the cheapest orthogonal move, but no less than a thirty-second of a
        # middling one.
        step = float(grid.lengths[:, : min(4, grid.lengths.shape[1])].min())
        self.width = max(step * grid.least_per_metre() / 2, middling_move(grid) / 32)
        self.precision = grid.precision
        self.inverse = self.precision(1) / self.precision(self.width)
        self.simple = (
            grid.multiplier is not None
            and grid.moves.row.size <= 8
            and not (
                grid.wraps
                or grid.height is not None
                or grid.added is not None
                or grid.arcs is not None
                or grid.cut is not None
            )
        )
        self.layout = _Layout(rows, columns, 1 if self.simple else 0)
        # Runs that together stay below 25 bytes a cell, counting what the grid itself holds too
        # its input.
        extra = sum(4 for v in (grid.multiplier, grid.added) if v is not None)
        held = 1 + (4 if self.simple else (8 if grid.height is not None else 4) + 2 * extra)
        fit = _SIDE_BY_SIDE // (self.layout.size * np.dtype(self.precision).itemsize)
        self.side_by_side = max(1, int((25 - held) / 4.2), fit)
        self._step = self._simple_step() if self.simple else self._general_step()

    def run(
        self,
        sources: IndexArray,
        start: FloatArray | None = None,
        *,
        targets: Sequence[Target] = (),
        toward: bool = False,
        limit: float = np.inf,
        progress: Progress | None = None,
        held: NDArray[np.floating] | None = None,
    ) -> NDArray[np.floating]:
        """Least accumulated cost of every cell in the tiled order; arguments as for `solve`.

        `held` is the result of a run from other sources, written over where this one is cheaper.
        """
        layout = self.layout
        order, inverse = np.unique(sources, return_inverse=True)
        begin = np.zeros(order.size)
        if start is not None:
            begin = np.full(order.size, np.inf)
            np.minimum.at(begin, inverse.ravel(), start)
        free = ~self.grid.closed.ravel()[order]
        seeds, begins = layout.of(order[free]), np.asarray(begin[free], self.precision)
        queue = _Queue(seeds, begins, self.inverse)
        cost = np.full(layout.size, np.inf, dtype=self.precision) if held is None else held
        cost[seeds] = np.minimum(begins, cost[seeds])
        if any(t.cells.size == 0 for t in targets):
            targets = ()  # what cannot be reached does not end a run
        last = 0  # the target that was reached last of all when they were looked at
        budget = 1 << 16 if targets or np.isfinite(limit) else _POPS_AT_ONCE
        while True:
            verdict = self._step(cost, toward, queue.arrays(), budget)
            if verdict == 0:
                break
            if verdict == _GROW:
                queue.grow()
                continue
            reached = float(queue.state[0]) * self.width
            if progress is not None:
                progress(reached)
            if reached > limit:
                break
            # While a single target is known not to be final the others need not be looked at.
            if (
                targets
                and np.min(cost[layout.of(targets[last].cells)] + targets[last].legs) <= reached
            ):
                values = self.values_at(targets)(cost)
                last = int(values.argmax())
                if values[last] <= reached:
                    break
        return cost

    def costs(
        self, sources: IndexArray, start: FloatArray | None = None, *, toward: bool = False
    ) -> NDArray[np.floating]:
        """Least accumulated cost of every cell by rows and columns, as `solve`."""
        return self.layout.rows_of(self.run(sources, start, toward=toward))

    def run_many(
        self,
        runs: Sequence[Run],
        *,
        toward: bool,
        limit: float = np.inf,
        progress: Progress | None = None,
        take: Callable[[int, NDArray[np.floating]], Any] | None = None,
    ) -> list[Any]:
        """Values of the targets of several runs, in as many threads as are useful.

        Parameters
        ----------
        runs
            See `Run`; each stops when its last target is settled.
        toward, limit
            As for `solve`.
        progress
            Called with the share of the runs that are done after each of them; whatever it raises
            stops the work.
        take
            ``f(n, cost)``: what is kept of the n-th run instead, of its costs in the tiled order.

        Notes
        -----
        The result does not depend on the number of threads. An interruption stops all of them.
        """
        if not runs:
            return []
        interrupted = Event()

        def watch(_: float) -> None:
            if interrupted.is_set():
                raise KeyboardInterrupt

        def one(n: int) -> Any:
            sources, start, targets = runs[n]
            cost = self.run(
                sources, start, targets=targets, toward=toward, limit=limit, progress=watch
            )
            return self.values_at(targets)(cost) if take is None else take(n, cost)

        pool = ThreadPoolExecutor(max(1, min(processors(), len(runs), self.side_by_side)))
        try:
            out: list[Any] = []
            for found in pool.map(one, range(len(runs))):
                out.append(found)
                if progress is not None:
                    progress(len(out) / len(runs))
            return out
        finally:
            interrupted.set()
            pool.shutdown(cancel_futures=True)

    def values_at(self, targets: Sequence[Target]) -> Callable[[NDArray[np.floating]], FloatArray]:
        """Make the function that reads the values of targets from the result of a run.

        A target without a cell is infinite.
        """
        some = np.array([t.cells.size > 0 for t in targets], dtype=np.bool_)
        if not some.any():
            return lambda _: np.full(some.size, np.inf)
        cells = self.layout.of(np.concatenate([t.cells for t in targets]))
        legs = np.concatenate([t.legs for t in targets])
        begins = np.cumsum([0, *(t.cells.size for t in targets[:-1])])[some]

        def values(cost: NDArray[np.floating]) -> FloatArray:
            found = np.full(some.size, np.inf)
            found[some] = np.minimum.reduceat(cost[cells] + legs, begins)
            return found

        return values

    def _simple_step(self) -> Callable[..., int]:
        """Lay out a friction with 4 or 8 neighbours; returns what runs it."""
        from geosettle.distance._solver.cost_kernels import run8  # noqa: PLC0415  (numba loads slowly)

        grid, layout = self.grid, self.layout
        if grid.multiplier is None:
            raise ValueError("a friction is needed")
        # Closed cells must not be finite; infinite and NaN are both right.
        plain = not np.isfinite(grid.multiplier[grid.closed]).any()
        strips = _strips(grid.multiplier, None if plain else grid.closed)
        friction = layout.tiles(strips, np.inf, self.precision)
        # Moves that there are not are endless.
        half = np.full((layout.down * 8, 8), np.inf, dtype=self.precision)
        k = grid.moves.row.size
        half[1 : 1 + grid.shape[0], :k] = grid.lengths / 2
        half[0] = half[1]
        self.spent = friction
        even = bool((grid.lengths == grid.lengths[0]).all())

        def step(
            cost: NDArray[np.floating],
            toward: bool,  # noqa: ARG001
            queue: tuple[Any, ...],
            budget: int,
        ) -> int:
            fixed = friction, half, even, grid.corner, layout.across, self.inverse
            return int(run8(cost, *fixed, queue, budget))

        return step

    def _general_step(self) -> Callable[..., int]:
        """Lay out any grid; returns what runs it."""
        from geosettle.distance._solver.cost_kernels import run  # noqa: PLC0415  (numba loads slowly)

        grid, layout, precision = self.grid, self.layout, self.precision
        none = np.zeros(1, dtype=precision)
        values = (grid.height, grid.multiplier, grid.added)
        tiles = [none if v is None else layout.tiles(_strips(v), 0.0, precision) for v in values]
        self.spent = next((v for v in tiles if v.size > 1), none)
        legal = layout.tiles(
            grid.legal_strips(), 0, np.uint16 if grid.moves.row.size <= 16 else np.uint32
        )
        even = bool((grid.lengths == grid.lengths[0]).all())
        flags = (*(v is not None for v in values), even)
        table = np.zeros((2, 2), dtype=precision)
        if grid.pace is not None:
            body = np.column_stack([grid.pace.base, grid.pace.gain])
            table = np.vstack([[grid.pace.low, 1 / grid.pace.step], body]).astype(precision)
        length = np.pad(grid.lengths.astype(precision), ((0, 8), (0, 0)), mode="edge")
        # Rounded down, so that a move that could just improve a cell is never passed over.
        least = (length * grid.least_per_metre() * (1 - 1e-5)).astype(precision)
        passed_at, share = passed_cells(grid, precision)
        offset, passed = (
            layout.steps(grid.moves.row, grid.moves.column),
            layout.steps(passed_at[0], passed_at[1]),
        )
        lengths = (length, 1 / length, least)
        arcs = [
            None if a is None else _arcs_by_tile(a, layout, precision)
            for a in (grid.arcs, grid.arcs_back)
        ]
        around = (grid.shape[1], grid.moves.reach) if grid.wraps else None
        fields = (*tiles, legal)

        def step(
            cost: NDArray[np.floating], toward: bool, queue: tuple[Any, ...], budget: int
        ) -> int:
            sign = precision(-1.0 if toward else 1.0)
            fixed = (
                table,
                offset,
                passed,
                passed_at,
                share,
                arcs[toward],
                around,
                (layout.across, self.inverse),
            )
            return int(run(cost, fields, flags, sign, lengths, *fixed, queue, budget))

        return step


def passed_cells(grid: CostGrid, precision: Any) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """List the steps to the cells that each move goes through, and their shares.

    Both have shape (2, moves, cells).

    The last step is that to the end of the move; the shares of steps that only fill up are 0.
    """
    most = max(len(cells) for cells in grid.moves.passed)
    steps = np.zeros((2, len(grid.moves.passed), most), dtype=np.int64)
    share = np.zeros((len(grid.moves.passed), most), dtype=precision)
    for k, cells in enumerate(grid.moves.passed):
        for p, (dr, dc, part) in enumerate(cells, start=most - len(cells)):
            steps[0, k, p], steps[1, k, p], share[k, p] = dr, dc, part
    return steps, share


def _arcs_by_tile(arcs: Arcs, layout: _Layout, precision: Any) -> tuple[Any, ...]:
    """Arcs in the tiled order: first arc of each tile, tails, heads, costs.

    The last value is the largest number of arcs that leave a tile.
    """
    count = np.diff(arcs.first)
    leaving = np.flatnonzero(count)
    tail = layout.of(np.repeat(leaving, count[leaving]))
    order = np.argsort(tail, kind="stable")
    first = np.searchsorted(tail[order] >> 6, np.arange(layout.size // 64 + 1)).astype(np.int32)
    head = layout.of(arcs.head.astype(np.int64))[order].astype(np.int32)
    cost = arcs.seconds[order].astype(precision)
    return first, tail[order].astype(np.int32), head, cost, int(np.diff(first).max(initial=0))


def solve(
    grid: CostGrid,
    sources: IndexArray,
    start: FloatArray | None = None,
    *,
    targets: Sequence[Target] = (),
    toward: bool = False,
    limit: float = np.inf,
    progress: Progress | None = None,
) -> NDArray[np.floating]:
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
    toward
        True: cost from every cell to the sources (the way there) instead of from the sources.
    limit
        Costs above this are not looked for.
    progress
        Called now and then with the cost reached so far; whatever it raises stops the work.

    Returns
    -------
    ndarray, of the grid's precision, shape (rows, columns)
        Infinite where not reached.
    """
    prepared = Prepared(grid)
    cost = prepared.run(
        sources, start, targets=targets, toward=toward, limit=limit, progress=progress
    )
    # The memory of a field that is no longer needed takes the result: fresh memory costs a tenth of
    # the time.
    layout, memory = prepared.layout, prepared.spent
    del prepared
    return layout.rows_of(cost, memory)
