# ruff: noqa: ANN001, ANN202, PLR0917  (arguments of compiled kernels are plain arrays and scalars)
# mypy: allow-untyped-defs
"""Compiled engine for many-to-many ways on large graphs.

Imported only when a job is worth the compilation.

First the graph is thinned: nodes that are neither source nor target and have few neighbours are
taken out one after the other, and each pair of their neighbours is joined by a shortcut, unless a
way over one other node is no longer (the contraction step of Geisberger et al. 2012, Transportation
Science 46: 388-404, with witnesses of two arcs). Ways between the remaining nodes keep their exact
length, so dead ends, chains and most junctions are paid for once and not in every search. Then one
search per source (Dijkstra 1959, heap of four children) runs on what is left, sources in parallel,
each until all targets are settled. All in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.compiling import compiled
from geosettle.distance._solver.graph import FloatArray, Graph, IndexArray, make_graph
from geosettle.executors import processors

_ROUNDS: Final = ((12, 4), (24, 8), (48, 16))
"""Places for neighbours per node, and neighbours up to which nodes are taken out: few at first, to
save memory.
"""
_AT_ONCE: Final = 32

_jit = compiled()


@_jit
def _link(near, weight, degree, a, b, w, m, w_back, m_back):
    """Offer the arc a -> b (seconds w, metres m) and b -> a (w_back, m_back) to the list of a."""
    s = 0
    while s < degree[a] and near[a, s] != b:
        s += 1
    if s == near.shape[1]:
        return False
    if s == degree[a]:
        near[a, s] = b
        weight[a, s, 0] = np.inf
        weight[a, s, 2] = np.inf
        degree[a] = s + 1
    if w < weight[a, s, 0]:
        weight[a, s, 0] = w
        weight[a, s, 1] = m
    if w_back < weight[a, s, 2]:
        weight[a, s, 2] = w_back
        weight[a, s, 3] = m_back
    return True


@_jit
def _lists(first, head, seconds, metres, near, weight, degree):
    """Write the graph as lists of neighbours with both directions.

    False if a node has too many neighbours.
    """
    for a in range(first.size - 1):
        for e in range(first[a], first[a + 1]):
            b = head[e]
            if not _link(near, weight, degree, a, b, seconds[e], metres[e], np.inf, 0.0):
                return False
            if not _link(near, weight, degree, b, a, np.inf, 0.0, seconds[e], metres[e]):
                return False
    return True


@_jit
def _no_longer(near, weight, degree, a, b, w):
    """Whether another way a -> c -> b is no longer than w, so that a -> b is not needed."""
    for s in range(degree[a]):
        rest = w - weight[a, s, 0]
        if rest <= 0.0:
            continue
        c = near[a, s]
        if c == b:
            return True
        for t in range(degree[c]):
            if near[c, t] == b:
                if weight[c, t, 0] <= rest:
                    return True
                break
    return False


@_jit
def _take_out(near, weight, degree, v):
    """Join the neighbours of a node with each other and drop it from their lists."""
    d = degree[v]
    for i in range(d):
        a = near[v, i]
        last = degree[a] - 1
        s = 0
        while near[a, s] != v:
            s += 1
        near[a, s] = near[a, last]
        weight[a, s] = weight[a, last]
        degree[a] = last
    for i in range(d):
        for j in range(d):
            w = weight[v, i, 2] + weight[v, j, 0]
            a, b = near[v, i], near[v, j]
            if i == j or w == np.inf or _no_longer(near, weight, degree, a, b, w):
                continue
            m = weight[v, i, 3] + weight[v, j, 1]
            _link(near, weight, degree, a, b, w, m, np.inf, 0.0)
            _link(near, weight, degree, b, a, np.inf, 0.0, w, m)


@_jit
def _thin(near, weight, degree, keep, gone, most):
    """Take out nodes with at most so many neighbours, fewest first, in rounds.

    The nodes of a round do not touch each other.

    Rounds keep the thinning even: taking out one neighbour after the other would pile their
    shortcuts up on the next.
    """
    n = degree.size
    touched = np.zeros(n, dtype=np.int32)
    turn = 0
    for limit in range(1, most + 1):
        taken = n
        while taken > n // 500:
            turn += 1
            taken = 0
            for v in range(n):
                d = degree[v]
                if keep[v] or gone[v] or d > limit or touched[v] == turn:
                    continue
                room = True
                for i in range(d):
                    room &= degree[near[v, i]] + d - 2 <= near.shape[1]
                if not room:
                    continue
                gone[v] = True
                taken += 1
                _take_out(near, weight, degree, v)
                for i in range(d):
                    touched[near[v, i]] = turn


@_jit
def _search(first, head, seconds, metres, source, wanted, left, cost, way, key, node):
    """Dijkstra from one source until all wanted nodes are settled; fills `cost` and `way`."""
    cost[:] = np.inf
    cost[source] = 0.0
    way[source] = 0.0
    key[0] = 0.0
    node[0] = source
    size = 1
    while size > 0:
        c, u = key[0], node[0]
        size -= 1
        if size > 0:
            k, x = key[size], node[size]
            i = 0
            while True:
                child = 4 * i + 1
                if child >= size:
                    break
                best = child
                for q in range(child + 1, min(child + 4, size)):
                    if key[q] < key[best]:
                        best = q
                if key[best] >= k:
                    break
                key[i], node[i] = key[best], node[best]
                i = best
            key[i], node[i] = k, x
        if c > cost[u]:
            continue
        if wanted[u]:
            left -= 1
            if left == 0:
                return
        for e in range(first[u], first[u + 1]):
            v = head[e]
            new = c + seconds[e]
            if new < cost[v]:
                cost[v] = new
                way[v] = way[u] + metres[e]
                i = size
                size += 1
                while i > 0:
                    parent = (i - 1) >> 2
                    if key[parent] <= new:
                        break
                    key[i], node[i] = key[parent], node[parent]
                    i = parent
                key[i], node[i] = new, v


@_jit
def _searches(first, head, seconds, metres, sources, targets, out, out_m):
    """Run the searches of a block of sources."""
    n = first.size - 1
    wanted = np.zeros(n, dtype=np.bool_)
    left = 0
    for t in targets:
        if not wanted[t]:
            wanted[t] = True
            left += 1
    cost, way = np.empty(n), np.empty(n)
    # Every arc improves a node at most once per search in a settled order; so many entries there
    # can be.
    key, node = np.empty(head.size + 2), np.empty(head.size + 2, dtype=np.int32)
    for i in range(sources.size):
        _search(first, head, seconds, metres, sources[i], wanted, left, cost, way, key, node)
        for j in range(targets.size):
            t = targets[j]
            out[i, j] = cost[t]
            out_m[i, j] = way[t] if cost[t] < np.inf else np.nan


def _thinned(graph: Graph, kept: IndexArray) -> tuple[Graph, IndexArray]:
    """Graph without most nodes that are not kept; and the new number of every node.

    -1 is a node taken out.
    """
    number = np.arange(graph.size)
    for slots, most in _ROUNDS:
        now = number[kept]
        near = np.zeros((graph.size, slots), dtype=np.int32)
        weight = np.empty((graph.size, slots, 4))
        degree = np.zeros(graph.size, dtype=np.int32)
        if not _lists(graph.first, graph.head, graph.seconds, graph.metres, near, weight, degree):
            continue  # a node with more neighbours than there are places: perhaps in the next round
        keep, gone = np.zeros(graph.size, dtype=np.bool_), np.zeros(graph.size, dtype=np.bool_)
        keep[now] = True
        _thin(near, weight, degree, keep, gone, most)
        left = np.flatnonzero(~gone)
        new = np.full(graph.size, -1, dtype=np.int64)
        new[left] = np.arange(left.size)
        arcs = weight[left][np.arange(slots) < degree[left][:, None]]
        head = new[near[left][np.arange(slots) < degree[left][:, None]]]
        tail = np.repeat(np.arange(left.size), degree[left])
        passable = np.isfinite(arcs[:, 0])
        graph = make_graph(
            left.size, tail[passable], head[passable], arcs[passable, 0], arcs[passable, 1]
        )
        number = np.where(number >= 0, new[number], -1)
    return graph, number


def many_to_many_compiled(
    graph: Graph,
    sources: IndexArray,
    targets: IndexArray,
    *,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Least seconds and the metres along, as `many_to_many` gives.

    Arguments as for `geosettle.distance._solver.shortest_paths.many_to_many`.

    Parameters
    ----------
    workers
        Threads; None: one per processor. The result does not depend on it.
    """
    core, number = _thinned(graph, np.union1d(sources, targets))
    start, goal = number[sources], number[targets]
    seconds: NDArray[np.float64] = np.empty((sources.size, targets.size))
    metres = np.empty_like(seconds)

    def block(low: int) -> int:
        part = slice(low, low + _AT_ONCE)
        _searches(
            core.first,
            core.head,
            core.seconds,
            core.metres,
            start[part],
            goal,
            seconds[part],
            metres[part],
        )
        return low

    pool = ThreadPoolExecutor(workers or processors())
    try:
        for low in pool.map(block, range(0, sources.size, _AT_ONCE)):
            if progress is not None:
                progress(min(1.0, (low + _AT_ONCE) / sources.size))
    finally:
        pool.shutdown(cancel_futures=True)
    return seconds, metres
