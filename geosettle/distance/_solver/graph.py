"""A directed graph by compressed rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Graph:
    """Directed graph by rows: the arcs leaving node i are ``first[i]:first[i + 1]``."""

    first: IndexArray
    head: NDArray[np.int32]
    seconds: FloatArray
    metres: FloatArray

    @property
    def size(self) -> int:
        """Number of nodes."""
        return self.first.size - 1

    def reversed(self) -> Graph:
        """Graph with every arc turned round."""
        tail = np.repeat(np.arange(self.size), np.diff(self.first))
        return make_graph(self.size, self.head, tail, self.seconds, self.metres)


def make_graph(
    n: int,
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    seconds: FloatArray,
    metres: FloatArray,
) -> Graph:
    """Build a graph from arcs; of parallel arcs the fastest stays, loops go.

    Examples
    --------
    >>> seconds, metres = np.array([9.0, 5.0, 1.0]), np.array([1.0, 2.0, 3.0])
    >>> g = make_graph(2, np.array([0, 0, 1]), np.array([1, 1, 1]), seconds, metres)
    >>> g.head.tolist(), g.seconds.tolist(), g.metres.tolist()
    ([1], [5.0], [2.0])
    """
    order = np.lexsort((metres, seconds, head, tail))
    t, h, s, m = (a[order] for a in (tail, head, seconds, metres))
    keep = t != h
    keep[1:] &= (t[1:] != t[:-1]) | (h[1:] != h[:-1])
    t, h, s, m = t[keep], h[keep], s[keep], m[keep]
    first = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(t, minlength=n), out=first[1:])
    # SciPy reads a stored zero as no arc in places; a nanosecond is below every stated error.
    return Graph(first, h.astype(np.int32), np.maximum(s, 1e-9), np.asarray(m, dtype=np.float64))


def components(graph: Graph) -> NDArray[np.int32]:
    """Label of the weakly connected component of every node."""
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    matrix = csr_array((graph.seconds, graph.head, graph.first), shape=(graph.size, graph.size))
    return np.asarray(
        connected_components(matrix, directed=True, connection="weak")[1], dtype=np.int32
    )
