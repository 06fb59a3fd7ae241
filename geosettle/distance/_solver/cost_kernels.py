# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""Compiled engine for accumulated cost on large grids.

Imported only when a job is worth the compilation.

Cells lie in tiles of 8 x 8, so that a cell and its neighbours share a few cache lines; each
quantity (cost, friction, height ...) is an array of its own in that order, because most neighbours
are turned down by their cost alone. The queue is a ring of buckets of equal width in cost, each a
chain of chunks of cell numbers; a cell whose cost is improved is queued again, and an entry is
stale when the cell's cost has fallen below the current bucket. Inside a bucket the order does not
matter: what is improved meanwhile is taken up again (label correcting). Rounded addition is
monotone, so every cell ends with the least of the rounded sums over all ways, whatever the order:
the result is the same bit for bit.

Costs are float32: the relative error of a value is at most (number of moves) · 6e-8, and was below
1e-5 on grids of 4,000 x 4,000 in the benchmarks.

Memory: 4 bytes a cell for the costs, which become the result's own, 4 for each of friction,
heights, multiplier and added cost, and 2 for the legal moves (none for 8 neighbours and a friction,
4 for 32 neighbours); the queue takes less than one. With what the grid itself holds (1 for closed
cells, 4 for a multiplier and 4 for an added cost) that makes 6 to 24 bytes a cell beyond input and
output, measured in `tests/bench_cost.py`; 26 for 32 neighbours with all three. A further run on the
same grid takes 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import (
    LARGE_CELLS,
    Arcs,
    CostGrid,
    FloatArray,
    IndexArray,
    Target,
    legal_strips,
    middling_move,
)

_CHUNK: Final = 64
_RING: Final = 1 << 14
_POPS_AT_ONCE: Final = 1 << 20  # a tenth to a fifth of a second: so soon an interruption is heard
_GROW: Final = 2
_AHEAD: Final = 4
_INF: Final = np.float32(np.inf)

_jit: Callable[..., Any] = numba.njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"}
)


def _fetching(typing_context: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
    """Ask for the cache line of an array's element ahead of its use.

    An index outside the array does no harm.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        form = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        insert: Any = cgutils.get_or_insert_function
        function = insert(builder.module, form, "llvm.prefetch.p0i8")
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(function, [place, number(0), number(3), number(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, index), code


_fetch: Any = intrinsic(_fetching)


@_jit
def _run8(cost, friction, half, even, across, inverse, queue, budget):
    """Take up cells of a friction grid with 4 or 8 neighbours, until done or out of budget.

    The grid has a closed rim around it.
    """
    pool, chain, head, fill, state = queue
    cur, count, free, used, spare = state[0], state[1], state[2], state[3], state[4]
    ring = head.size
    mask = ring - 1
    room = pool.size // _CHUNK
    wide = across * 64
    step, size = np.empty(8, np.int64), np.empty(8, np.float32)
    for k in range(8):
        size[k] = half[0, k]
    verdict = 0
    while count > 0:
        bucket = cur & mask
        chunk = np.int64(head[bucket])
        if chunk < 0:
            cur += 1
            continue
        budget -= 1
        if budget < 0:
            verdict = 1
            break
        if room - used + spare < 8:
            verdict = 2
            break
        at = fill[bucket] - 1
        u = np.int64(pool[chunk * _CHUNK + at])
        count -= 1
        if at == 0:
            head[bucket] = chain[chunk]
            chain[chunk] = free
            free = chunk
            spare += 1
            fill[bucket] = _CHUNK
        else:
            fill[bucket] = at
        if at >= _AHEAD:
            # The cells of a bucket lie anywhere on the front: fetch what one taken up soon will
            # look at. (It saves a third of the time here, and none where a cell takes longer to
            # work on than to fetch, as in `_run`.)
            later = np.int64(pool[chunk * _CHUNK + at - _AHEAD])
            y = (later >> 3) & 7
            north, south = later + (-8 if y > 0 else 56 - wide), later + (8 if y < 7 else wide - 56)
            _fetch(cost, north)
            _fetch(cost, south)
            _fetch(friction, north)
            _fetch(friction, south)
        here = cost[u]
        if np.int64(here * inverse) < cur:
            continue
        own = friction[u]
        y, x = (u >> 3) & 7, u & 7
        if not even:
            row = (u // wide) * 8 + y
            for k in range(8):
                size[k] = half[row, k]
        # The moves are east, west, south, north, then (1, 1) (1, -1) (-1, 1) (-1, -1); see
        # `make_moves`.
        east, west = 1 if x < 7 else 57, -1 if x > 0 else -57
        south, north = 8 if y < 7 else wide - 56, -8 if y > 0 else 56 - wide
        step[0], step[1], step[2], step[3] = east, west, south, north
        step[4], step[5], step[6], step[7] = south + east, south + west, north + east, north + west
        for k in range(8):
            v = u + step[k]
            old = cost[v]
            if here < old:
                new = here + size[k] * (own + friction[v])
                if new < old:
                    # Both cells beside the corner of a diagonal move closed (infinite or NaN): no
                    # way through.
                    if k >= 4 and not (
                        friction[u + step[k & 1]] < _INF or friction[u + step[k >> 1]] < _INF
                    ):
                        continue
                    cost[v] = new
                    q = min(np.int64(new * inverse), cur + ring - 1) & mask
                    put, a = np.int64(head[q]), np.int64(fill[q])
                    if a == _CHUNK:
                        if free >= 0:
                            fresh = free
                            free = np.int64(chain[fresh])
                            spare -= 1
                        else:
                            fresh = used
                            used += 1
                        chain[fresh], head[q] = put, fresh
                        put, a = fresh, np.int64(0)
                    pool[put * _CHUNK + a] = v
                    fill[q] = a + 1
                    count += 1
    state[0], state[1], state[2], state[3], state[4] = cur, count, free, used, spare
    return verdict


@_jit
def _cell(row, column, across):
    """Cell number in the tiled layout."""
    return ((row >> 3) * across + (column >> 3)) * 64 + (row & 7) * 8 + (column & 7)


@_jit
def _mean(values, u, k, inside, y, x, seam, passed, passed_at, share, around, across):
    """Mean of `values` over the cells that move k from cell u goes through."""
    mean = np.float32(0.0)
    for p in range(share.shape[1]):
        v = u + passed[inside, k, p]
        if around is not None and seam:
            v = _cell(y + passed_at[0, k, p], (x + passed_at[1, k, p]) % around[0], across)
        mean += share[k, p] * values[v]
    return mean


@_jit
def _run(
    cost, fields, flags, sign, lengths, table, offset, passed, passed_at, share, arcs, around,
    layout, queue, budget
):  # fmt: skip
    """Take up cells of any grid until done or out of budget.

    `fields`: height, multiplier, added and legal moves; `flags`: which of the first three there
    are, whether all rows are alike; `lengths`: of the moves, their inverse, and the least cost of
    each; `arcs`: first per tile, tail, head, seconds, most of a tile; `around`: columns of a grid
    whose last column lies beside the first, and reach of a move. The last two are None where there
    is nothing of the kind: then a kernel without them is compiled, which is faster.
    """
    pool, chain, head, fill, state = queue
    height, weight, added, legal_of = fields
    sloped, weighted, adding, even = flags
    length, inverse_length, least = lengths
    across, inverse = layout
    cur, count, free, used, spare = state[0], state[1], state[2], state[3], state[4]
    ring = head.size
    mask = ring - 1
    room = pool.size // _CHUNK
    k_all = offset.shape[1]
    most = k_all if arcs is None else k_all + arcs[4]
    low, scale, last = table[0, 0], table[0, 1], np.float32(table.shape[0] - 2)
    here_height = np.float32(0.0)
    y, x, seam, arc, arcs_here = np.int64(0), np.int64(0), False, np.int64(0), np.int64(0)
    verdict = 0
    while count > 0:
        bucket = cur & mask
        chunk = np.int64(head[bucket])
        if chunk < 0:
            cur += 1
            continue
        budget -= 1
        if budget < 0:
            verdict = 1
            break
        if room - used + spare < most:
            verdict = 2
            break
        at = fill[bucket] - 1
        u = np.int64(pool[chunk * _CHUNK + at])
        count -= 1
        if at == 0:
            head[bucket] = chain[chunk]
            chain[chunk] = free
            free = chunk
            spare += 1
            fill[bucket] = _CHUNK
        else:
            fill[bucket] = at
        here = cost[u]
        if np.int64(here * inverse) < cur:
            continue
        legal = np.uint32(legal_of[u])
        inside = u & 63
        row = 0
        if around is not None:
            x = ((u >> 6) % across) * 8 + (inside & 7)
            seam = x < around[1] or x >= around[0] - around[1]
        if around is not None or not even:
            y = ((u >> 6) // across) * 8 + (inside >> 3)
            row = 0 if even else y
        if sloped:
            here_height = height[u]
        if arcs is not None:
            arc = np.int64(arcs[0][u >> 6])
            arcs_here = arcs[0][(u >> 6) + 1] - arc
        for k in range(k_all + arcs_here):
            if arcs is None or k < k_all:
                if (legal >> np.uint32(k)) & np.uint32(1) == 0:
                    continue
                v = u + offset[inside, k]
                if around is not None and seam:
                    v = _cell(
                        y + passed_at[0, k, -1], (x + passed_at[1, k, -1]) % around[0], across
                    )
                old = cost[v]
                # Most neighbours are settled, or cannot be improved even at the fastest pace: look
                # no further.
                if here + least[row, k] >= old:
                    continue
                step = length[row, k]
                if sloped:
                    slope = (height[v] - here_height) * inverse_length[row, k] * sign
                    t = min(max((slope - low) * scale, np.float32(0.0)), last)
                    i = np.int64(t) + 1
                    step *= table[i, 0] + table[i, 1] * slope
                if weighted:
                    step *= _mean(
                        weight, u, k, inside, y, x, seam, passed, passed_at, share, around, across
                    )
                if adding:
                    step += length[row, k] * _mean(
                        added, u, k, inside, y, x, seam, passed, passed_at, share, around, across
                    )
            else:
                n = arc + k - k_all
                if arcs[1][n] != u:
                    continue
                v = np.int64(arcs[2][n])
                old = cost[v]
                step = arcs[3][n]
            new = here + step
            if new < old:
                cost[v] = new
                q = min(np.int64(new * inverse), cur + ring - 1) & mask
                put, a = np.int64(head[q]), np.int64(fill[q])
                if a == _CHUNK:
                    if free >= 0:
                        fresh = free
                        free = np.int64(chain[fresh])
                        spare -= 1
                    else:
                        fresh = used
                        used += 1
                    chain[fresh], head[q] = put, fresh
                    put, a = fresh, np.int64(0)
                pool[put * _CHUNK + a] = v
                fill[q] = a + 1
                count += 1
    state[0], state[1], state[2], state[3], state[4] = cur, count, free, used, spare
    return verdict


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
        self, strips: Iterator[tuple[int, NDArray[Any]]], fill: float, dtype: Any = np.float32
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
        self, tiles: NDArray[np.float32], memory: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Values by rows and columns, without the rim, written into the beginning of `memory`."""
        if memory.size < tiles.size:
            memory = np.empty(tiles.size, dtype=np.float32)
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

    def __init__(self, cells: IndexArray, cost: NDArray[np.float32], inverse: np.float32) -> None:
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
        self.inverse = np.float32(1.0) / np.float32(self.width)
        self.simple = (
            grid.multiplier is not None
            and grid.moves.row.size <= 8
            and not (
                grid.wraps
                or grid.height is not None
                or grid.added is not None
                or grid.arcs is not None
            )
        )
        self.layout = _Layout(rows, columns, 1 if self.simple else 0)
        # Runs that together stay below 25 bytes a cell, counting what the grid itself holds beside
        # its input.
        extra = sum(4 for v in (grid.multiplier, grid.added) if v is not None)
        held = 1 + (4 if self.simple else (8 if grid.height is not None else 4) + 2 * extra)
        self.side_by_side = max(1, int((25 - held) / 4.2)) if grid.closed.size > LARGE_CELLS else 64
        self._step = self._simple_step() if self.simple else self._general_step()

    def run(
        self,
        sources: IndexArray,
        start: FloatArray | None = None,
        *,
        targets: Sequence[Target] = (),
        toward: bool = False,
        limit: float = np.inf,
        progress: Callable[[float], None] | None = None,
    ) -> NDArray[np.float32]:
        """Least accumulated cost of every cell in the tiled order, as `accumulate_compiled`."""
        layout = self.layout
        order, inverse = np.unique(sources, return_inverse=True)
        begin = np.zeros(order.size)
        if start is not None:
            begin = np.full(order.size, np.inf)
            np.minimum.at(begin, inverse.ravel(), start)
        free = ~self.grid.closed.ravel()[order]
        seeds, begin32 = layout.of(order[free]), begin[free].astype(np.float32)
        queue = _Queue(seeds, begin32, self.inverse)
        cost = np.full(layout.size, np.inf, dtype=np.float32)
        cost[seeds] = begin32
        if any(t.cells.size == 0 for t in targets):
            targets = ()  # what cannot be reached does not end a run
        last = 0  # the target that was reached last of all when they were looked at
        budget = 1 << 16 if targets else _POPS_AT_ONCE
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

    def values_at(self, targets: Sequence[Target]) -> Callable[[NDArray[np.float32]], FloatArray]:
        """Make the function that reads the values of targets from the result of a run.

        A target without a cell is infinite.
        """
        some = np.array([t.cells.size > 0 for t in targets], dtype=np.bool_)
        if not some.any():
            return lambda _: np.full(some.size, np.inf)
        cells = self.layout.of(np.concatenate([t.cells for t in targets]))
        legs = np.concatenate([t.legs for t in targets])
        begins = np.cumsum([0, *(t.cells.size for t in targets[:-1])])[some]

        def values(cost: NDArray[np.float32]) -> FloatArray:
            found = np.full(some.size, np.inf)
            found[some] = np.minimum.reduceat(cost[cells] + legs, begins)
            return found

        return values

    def _simple_step(self) -> Callable[..., int]:
        """Lay out a friction with 4 or 8 neighbours; returns what runs it."""
        grid, layout = self.grid, self.layout
        if grid.multiplier is None:
            raise ValueError("a friction is needed")
        # Closed cells must not be finite; infinite and NaN are both right.
        plain = not np.isfinite(grid.multiplier[grid.closed]).any()
        friction = layout.tiles(_strips(grid.multiplier, None if plain else grid.closed), np.inf)
        half = np.full(
            (layout.down * 8, 8), np.inf, dtype=np.float32
        )  # moves that there are not are endless
        k = grid.moves.row.size
        half[1 : 1 + grid.shape[0], :k] = grid.lengths / 2
        half[0] = half[1]
        self.spent = friction
        even = bool((grid.lengths == grid.lengths[0]).all())

        def step(
            cost: NDArray[np.float32],
            toward: bool,  # noqa: ARG001
            queue: tuple[Any, ...],
            budget: int,
        ) -> int:
            return int(
                _run8(cost, friction, half, even, layout.across, self.inverse, queue, budget)
            )

        return step

    def _general_step(self) -> Callable[..., int]:
        """Lay out any grid; returns what runs it."""
        grid, layout = self.grid, self.layout
        none = np.zeros(1, dtype=np.float32)
        values = (grid.height, grid.multiplier, grid.added)
        tiles = [none if v is None else layout.tiles(_strips(v), 0.0) for v in values]
        self.spent = next((v for v in tiles if v.size > 1), np.empty(0, dtype=np.float32))
        known = grid.known_legal
        strips = (
            legal_strips(grid.closed, grid.moves, wraps=grid.wraps)
            if known is None
            else _strips(known)
        )
        legal = layout.tiles(strips, 0, np.uint16 if grid.moves.row.size <= 16 else np.uint32)
        even = bool((grid.lengths == grid.lengths[0]).all())
        flags = (*(v is not None for v in values), even)
        table = np.zeros((2, 2), dtype=np.float32)
        if grid.pace is not None:
            body = np.column_stack([grid.pace.base, grid.pace.gain])
            table = np.vstack([[grid.pace.low, 1 / grid.pace.step], body]).astype(np.float32)
        length = np.pad(grid.lengths.astype(np.float32), ((0, 8), (0, 0)), mode="edge")
        # Rounded down, so that a move that could just improve a cell is never passed over.
        least = (length * np.float32(grid.least_per_metre() * (1 - 1e-5))).astype(np.float32)
        passed_at, share = _passed(grid)
        offset, passed = (
            layout.steps(grid.moves.row, grid.moves.column),
            layout.steps(passed_at[0], passed_at[1]),
        )
        lengths = (length, np.float32(1) / length, least)
        arcs = [
            None if a is None else _arcs_by_tile(a, layout) for a in (grid.arcs, grid.arcs_back)
        ]
        around = (grid.shape[1], grid.moves.reach) if grid.wraps else None
        fields = (*tiles, legal)

        def step(
            cost: NDArray[np.float32], toward: bool, queue: tuple[Any, ...], budget: int
        ) -> int:
            sign = np.float32(-1.0 if toward else 1.0)
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
            return int(_run(cost, fields, flags, sign, lengths, *fixed, queue, budget))

        return step


def _passed(grid: CostGrid) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """List the steps to the cells that each move goes through, and their shares.

    Both have shape (2, moves, cells).

    The last step is that to the end of the move; the shares of steps that only fill up are 0.
    """
    most = max(len(cells) for cells in grid.moves.passed)
    steps = np.zeros((2, len(grid.moves.passed), most), dtype=np.int64)
    share = np.zeros((len(grid.moves.passed), most), dtype=np.float32)
    for k, cells in enumerate(grid.moves.passed):
        for p, (dr, dc, part) in enumerate(cells, start=most - len(cells)):
            steps[0, k, p], steps[1, k, p], share[k, p] = dr, dc, part
    return steps, share


def _arcs_by_tile(arcs: Arcs, layout: _Layout) -> tuple[Any, ...]:
    """Arcs in the tiled order: first arc of each tile, tails, heads, costs.

    The last value is the largest number of arcs that leave a tile.
    """
    count = np.diff(arcs.first)
    leaving = np.flatnonzero(count)
    tail = layout.of(np.repeat(leaving, count[leaving]))
    order = np.argsort(tail, kind="stable")
    first = np.searchsorted(tail[order] >> 6, np.arange(layout.size // 64 + 1)).astype(np.int32)
    head = layout.of(arcs.head.astype(np.int64))[order].astype(np.int32)
    cost = arcs.seconds[order].astype(np.float32)
    return first, tail[order].astype(np.int32), head, cost, int(np.diff(first).max(initial=0))


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
    prepared = Prepared(grid)
    cost = prepared.run(
        sources, start, targets=targets, toward=toward, limit=limit, progress=progress
    )
    # The memory of a field that is no longer needed takes the result: fresh memory costs a tenth of
    # the time.
    layout, memory = prepared.layout, prepared.spent
    del prepared
    return layout.rows_of(cost, memory)
