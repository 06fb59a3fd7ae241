# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""The loops of `geosettle.distance._solver.cost`, compiled for the precision of what they get."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

from geosettle.distance._solver.compiling import compiled

CHUNK: Final = 64
"""Cells of a chunk of the queue."""
_AHEAD: Final = 4

_jit = compiled(fastmath={"contract", "nsz"})


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
def run8(cost, friction, half, even, corner, across, inverse, queue, budget):
    """Take up cells of a friction grid with 4 or 8 neighbours, until done or out of budget.

    The grid has a closed rim around it. `corner` cells of two must be open at a diagonal move.
    """
    pool, chain, head, fill, state = queue
    cur, count, free, used, spare = state[0], state[1], state[2], state[3], state[4]
    ring = head.size
    mask = ring - 1
    room = pool.size // CHUNK
    wide = across * 64
    step, size = np.empty(8, np.int64), np.empty(8, half.dtype)
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
        u = np.int64(pool[chunk * CHUNK + at])
        count -= 1
        if at == 0:
            head[bucket] = chain[chunk]
            chain[chunk] = free
            free = chunk
            spare += 1
            fill[bucket] = CHUNK
        else:
            fill[bucket] = at
        if at >= _AHEAD:
            # The cells of a bucket lie anywhere on the front: fetch what one taken up soon will
            # look at. (It saves a third of the time here, and none where a cell takes longer to
            # work on than to fetch, as in `run`.)
            later = np.int64(pool[chunk * CHUNK + at - _AHEAD])
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
                    if k >= 4 and corner > 0:
                        # Closed cells are infinite or NaN.
                        one, other = friction[u + step[k & 1]], friction[u + step[k >> 1]]
                        if (one < np.inf) + (other < np.inf) < corner:
                            continue
                    cost[v] = new
                    q = min(np.int64(new * inverse), cur + ring - 1) & mask
                    put, a = np.int64(head[q]), np.int64(fill[q])
                    if a == CHUNK:
                        if free >= 0:
                            fresh = free
                            free = np.int64(chain[fresh])
                            spare -= 1
                        else:
                            fresh = used
                            used += 1
                        chain[fresh], head[q] = put, fresh
                        put, a = fresh, np.int64(0)
                    pool[put * CHUNK + a] = v
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
    mean = values.dtype.type(0.0)
    for p in range(share.shape[1]):
        v = u + passed[inside, k, p]
        if around is not None and seam:
            v = _cell(y + passed_at[0, k, p], (x + passed_at[1, k, p]) % around[0], across)
        mean += share[k, p] * values[v]
    return mean


@_jit
def run(
    cost, fields, flags, sign, lengths, table, offset, passed, passed_at, share, arcs, around,
    layout, queue, budget
):  # fmt: skip
    """Take up cells of any grid until done or out of budget.

    `fields`: height, multiplier, added and legal moves; `flags`: which of the first three there
    are, whether all rows are alike; `lengths`: of the moves, their inverse, and the least cost of
    each; `arcs`: first per tile, tail, head, seconds, most of a tile; `around`: columns of a grid
    whose last column is next to the first, and reach of a move. The last two are None where there
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
    room = pool.size // CHUNK
    k_all = offset.shape[1]
    most = k_all if arcs is None else k_all + arcs[4]
    zero, last = table.dtype.type(0.0), table.dtype.type(table.shape[0] - 2)
    low, scale, here_height = table[0, 0], table[0, 1], height[0]
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
        u = np.int64(pool[chunk * CHUNK + at])
        count -= 1
        if at == 0:
            head[bucket] = chain[chunk]
            chain[chunk] = free
            free = chunk
            spare += 1
            fill[bucket] = CHUNK
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
                    t = min(max((slope - low) * scale, zero), last)
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
                if a == CHUNK:
                    if free >= 0:
                        fresh = free
                        free = np.int64(chain[fresh])
                        spare -= 1
                    else:
                        fresh = used
                        used += 1
                    chain[fresh], head[q] = put, fresh
                    put, a = fresh, np.int64(0)
                pool[put * CHUNK + a] = v
                fill[q] = a + 1
                count += 1
    state[0], state[1], state[2], state[3], state[4] = cur, count, free, used, spare
    return verdict
