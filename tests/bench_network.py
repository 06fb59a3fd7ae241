"""Road matrix of 1,000 x 1,000 places over a million directed edges, against
scipy.sparse.csgraph.dijkstra; before it a sweep of smaller jobs, by whichever engine is chosen.

    python tests/bench_network.py [sources]

Processor seconds of all threads, and seconds on the clock. Preparation (thinning) counts,
compilation does not: the engine is called once on a small graph first. SciPy runs for some of the
sources and is scaled; its figures are proportional to the number of sources.
"""

import os
import sys
import time

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from geosettle.distance._solver.graph import make_graph
from geosettle.distance._solver.shortest_paths import many_to_many


def network(n=500, seed=5):
    """Roads like a county's: a jittered lattice with gaps and some diagonals, four speeds; about
    1,000,000 arcs.
    """
    rng = np.random.default_rng(seed)
    number = np.arange(n * n).reshape(n, n)
    lon = 73 + np.arange(n)[None] * 0.02 + rng.normal(0, 0.005, (n, n))
    lat = 34.5 + np.arange(n)[:, None] * 0.015 + rng.normal(0, 0.004, (n, n))
    a = np.r_[number[:, :-1].ravel(), number[:-1].ravel(), number[:-1, :-1].ravel()]
    b = np.r_[number[:, 1:].ravel(), number[1:].ravel(), number[1:, 1:].ravel()]
    kept = np.r_[rng.random(2 * n * (n - 1)) < 0.88, rng.random((n - 1) ** 2) < 0.25]
    a, b = a[kept], b[kept]
    metres = np.hypot(
        (lon.ravel()[a] - lon.ravel()[b]) * 88e3, (lat.ravel()[a] - lat.ravel()[b]) * 111e3
    )
    seconds = metres / (rng.choice([20, 40, 80, 110], a.size, p=[0.4, 0.35, 0.2, 0.05]) / 3.6)
    graph = make_graph(
        n * n, np.r_[a, b], np.r_[b, a], np.r_[seconds, seconds], np.r_[metres, metres]
    )
    matrix = csr_array((graph.seconds, graph.head, graph.first), shape=(n * n, n * n))
    label = connected_components(matrix, directed=False)[1]
    main = np.flatnonzero(label == np.argmax(np.bincount(label)))
    count = min(1000, main.size)
    return (
        graph,
        matrix,
        rng.choice(main, count, replace=False),
        rng.choice(main, count, replace=False),
    )


def sweep():
    """Processor seconds of everyday sizes, against scipy alone."""
    for n in (30, 100, 300):
        graph, matrix, sources, targets = network(n)
        for count in (1, 10, 100, 1000):
            some, to = sources[:count], targets[:count]
            begin = time.process_time()
            many_to_many(graph, some, to)
            ours = time.process_time() - begin
            begin = time.process_time()
            dijkstra(matrix, indices=some, return_predecessors=True)
            peer = time.process_time() - begin
            print(
                f"| {n * n} nodes, {some.size} x {to.size} | {ours:7.3f} s | scipy {peer:7.3f} s |"
                f" {peer / ours:.1f}x",
                flush=True,
            )


def main():
    some = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    small, *_ = network(30)
    many_to_many(small, np.arange(5), np.arange(5), compiled=True)
    sweep()
    graph, matrix, sources, targets = network()
    clock, begin = time.perf_counter(), time.process_time()
    seconds, _ = many_to_many(graph, sources, targets, compiled=True)
    ours, wall = time.process_time() - begin, time.perf_counter() - clock
    clock, begin = time.perf_counter(), time.process_time()
    expected = dijkstra(matrix, indices=sources[:some])[:, targets]
    scale = sources.size / some
    scipy, scipy_wall = (time.process_time() - begin) * scale, (time.perf_counter() - clock) * scale
    error = np.max(np.abs(seconds[:some] - expected) / np.maximum(expected, 1))
    print(f"{graph.size} nodes, {graph.head.size} directed edges, load {os.getloadavg()[0]:.1f}")
    print(
        f"| scipy dijkstra, {some} sources scaled | {scipy:6.1f} s cpu | {scipy_wall:6.1f} s clock | 1.0x |"
    )
    print(
        f"| geosettle, preparation included    | {ours:6.1f} s cpu | {wall:6.1f} s clock | {scipy / ours:.1f}x cpu, "
        f"{scipy_wall / wall:.1f}x clock | largest relative difference {error:.0e}"
    )


if __name__ == "__main__":
    main()
