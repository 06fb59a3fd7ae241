"""Shortest ways on a directed graph, many to many: by SciPy for everyday jobs, or compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.graph import FloatArray, Graph, IndexArray

_START: Final = 3_000_000  # nodes that SciPy settles in the second in which numba loads
_THIN: Final = 30  # nodes that SciPy settles while the compiled engine prepares one of the graph
_STEPS: Final = 30  # walking a way back costs SciPy's engine as much as settling so many nodes
_NODES_AT_ONCE: Final = 4_000_000


def many_to_many(
    graph: Graph,
    sources: IndexArray,
    targets: IndexArray,
    *,
    compiled: bool | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Least seconds from every source to every target, and the metres along that way.

    Parameters
    ----------
    graph
        The graph.
    sources, targets
        Node numbers, shapes (s,) and (t,).
    compiled
        True: numba; False: SciPy; None: whichever is done sooner, loading and preparation included
        (numba from some 30 sources and a second of SciPy's work on). Both are float64.
    progress
        Called with the share done; whatever it raises stops the work.

    Returns
    -------
    seconds, metres
        Shape (s, t); infinite and NaN where there is no way.

    Notes
    -----
    Run from the side with fewer nodes (Dijkstra 1959, from targets on the reversed graph).
    """
    if targets.size < sources.size:
        seconds, metres = many_to_many(
            graph.reversed(), targets, sources, compiled=compiled, progress=progress
        )
        return seconds.T, metres.T
    if compiled is None:
        work = sources.size * (graph.size + _STEPS * targets.size)
        compiled = work > _START + _THIN * graph.size
    if compiled:
        from geosettle.distance._solver.graph_kernels import many_to_many_compiled  # noqa: PLC0415

        return many_to_many_compiled(graph, sources, targets, progress=progress)
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415

    shape = (graph.size, graph.size)
    by_time = csr_array((graph.seconds, graph.head, graph.first), shape=shape)
    seconds = np.full((sources.size, targets.size), np.inf)
    metres = np.full((sources.size, targets.size), np.nan)
    step = max(1, _NODES_AT_ONCE // max(graph.size, 1))
    for low in range(0, sources.size, step):
        some = sources[low : low + step]
        time, before = dijkstra(by_time, indices=some, return_predecessors=True)
        seconds[low : low + step] = time[:, targets]
        metres[low : low + step] = _along(graph, before, some, targets, time[:, targets])
        if progress is not None:
            progress(min(1.0, (low + step) / sources.size))
    return seconds, metres


def _along(
    graph: Graph,
    before: NDArray[np.int32],
    sources: IndexArray,
    targets: IndexArray,
    time: FloatArray,
) -> FloatArray:
    """Metres along the ways found, by walking all of them back to their sources at once."""
    row, column = np.nonzero(np.isfinite(time))
    at = targets[column].astype(np.int64)
    total = np.zeros(row.size)
    going = np.flatnonzero(at != sources[row])
    key = (
        np.repeat(np.arange(graph.size, dtype=np.int64), np.diff(graph.first)) * graph.size
        + graph.head
    )
    while going.size:
        previous = before[row[going], at[going]].astype(np.int64)
        total[going] += graph.metres[np.searchsorted(key, previous * graph.size + at[going])]
        at[going] = previous
        going = going[previous != sources[row[going]]]
    metres = np.full(time.shape, np.nan)
    metres[row, column] = total
    return metres
