"""Accumulated cost on large grids, against scikit-image and GRASS, and many origins against one run per origin.

    python tests/bench_cost.py [cells per side, 4000]

Peers run in the same process or right after, on the same arrays. Times are processor seconds (user and system, all
threads), so that other work on the machine disturbs the ratios little; r.walk's are those of its process. Compilation
does not count: every engine runs once on a small grid. Memory is the peak of what NumPy allocates during a call
(tracemalloc), in bytes a cell, without the result (4).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
from scipy.ndimage import zoom

from geosettle.distance._solver.cost import CostGrid, Target, accumulate, make_moves
from geosettle.distance._solver.cost_kernels import accumulate_compiled
from geosettle.distance.walking import MODELS


def terrain(n, seed=0):
    """Terrain over several scales (100 m cells), friction s/m by slope with fast roads and 4 % of closed water."""
    rng = np.random.default_rng(seed)
    height = np.zeros((n, n), np.float32)
    for knots, amplitude in ((8, 1500), (32, 400), (128, 120), (512, 30)):
        if knots <= n:
            coarse = rng.standard_normal((knots + 2, knots + 2)).astype(np.float32)
            height += amplitude * zoom(coarse, (n + 8) / (knots + 2) * 1.02, order=1)[:n, :n]
    slope = np.hypot(*np.gradient(height, 100.0))
    friction = np.minimum(3.6 / (6 * np.exp(-3.5 * np.abs(slope * 0.5 + 0.05))), 20).astype(np.float32)
    for _ in range(max(20, n // 20)):
        r, c = rng.integers(0, n, 2)
        length = int(rng.uniform(0.2, 1) * n)
        angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, length))
        row, column = (r + np.cumsum(np.sin(angle))).astype(int), (c + np.cumsum(np.cos(angle))).astype(int)
        on = (row >= 0) & (row < n) & (column >= 0) & (column < n)
        friction[row[on], column[on]] = np.minimum(friction[row[on], column[on]], 3.6 / rng.choice([20, 40, 80]))
    water = height < np.quantile(height[::8, ::8], 0.04)
    friction[water & (friction >= 0.2)] = np.inf
    # No two closed cells that touch by a corner only: the peers squeeze through such corners, geosettle does not.
    shut = ~np.isfinite(friction)
    for _ in range(8):
        a, b, c, d = shut[:-1, :-1], shut[:-1, 1:], shut[1:, :-1], shut[1:, 1:]
        b |= a & d & ~b & ~c
        a |= b & c & ~a & ~d
    friction[shut] = np.inf
    free = np.argwhere(np.isfinite(friction[::7, ::7])) * 7
    return height, friction, free[rng.choice(len(free), 20, replace=False)]


def grid_of(neighbours, friction=None, height=None):
    """Planar grid of 100 m cells, either friction or walking by Naismith-Langmuir."""
    values = friction if friction is not None else height
    moves = make_moves(neighbours)
    closed = ~np.isfinite(values)
    lengths = np.tile(np.hypot(moves.row, moves.column) * 100.0, (values.shape[0], 1))
    pace = MODELS["naismith_langmuir"].pace() if height is not None else None
    return CostGrid(moves, lengths, closed, friction, height, pace)


def timed(work):
    """Processor seconds and result."""
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def memory_of(work, cells):
    """Bytes a cell that a call needs beyond its result."""
    tracemalloc.start()
    result = work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - result.nbytes) / cells


def r_walk(height, start):
    """Processor seconds of r.walk -k, and the costs."""
    n = height.shape[0]
    with tempfile.TemporaryDirectory() as folder:
        height.astype("<f4").tofile(f"{folder}/height.bin")
        header = f"ENVI\nsamples = {n}\nlines = {n}\nbands = 1\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        Path(f"{folder}/height.hdr").write_text(header)
        east, north = (start[1] + 0.5) * 100, (n - start[0] - 0.5) * 100
        Path(f"{folder}/run.sh").write_text(
            f"""r.in.bin --quiet -f input={folder}/height.bin output=height bytes=4 north={n * 100} south=0 """
            f"""east={n * 100} west=0 rows={n} cols={n}
g.region raster=height
r.mapcalc --quiet "zero = 0.0f"
bash -c "time -p r.walk --quiet -k elevation=height friction=zero output=cost start_coordinates={east},{north} \\
    memory=8000" 2> {folder}/times
r.out.bin --quiet input=cost output={folder}/cost.bin bytes=8
"""
        )
        subprocess.run(
            ["grass", "--tmp-location", "EPSG:32644", "--exec", "sh", f"{folder}/run.sh"],
            check=True,
            capture_output=True,
        )
        times = dict(row.split() for row in Path(f"{folder}/times").read_text().splitlines() if row.count(" ") == 1)
        cost = np.fromfile(f"{folder}/cost.bin", dtype="<f8").reshape(n, n)
    return float(times["user"]) + float(times["sys"]), cost


def line(name, seconds, peer, n, extra=""):
    print(
        f"| {name:46} | {seconds:8.2f} s | {seconds / n**2 * 1e9:6.0f} ns/cell | {peer / seconds:5.1f}x | {extra}",
        flush=True,
    )


def isotropic(n, height, friction, starts):
    from skimage.graph import MCP_Geometric

    cells = starts[:, 0] * n + starts[:, 1]
    grid = grid_of(8, friction=friction)
    ours, cost = timed(lambda: accumulate_compiled(grid, cells))
    memory = memory_of(lambda: accumulate_compiled(grid, cells), n * n)
    peer, expected = timed(
        lambda: MCP_Geometric(np.where(np.isfinite(friction), friction, -1), sampling=(100.0, 100.0)).find_costs(
            [tuple(s) for s in starts]
        )[0]
    )
    both = np.isfinite(expected) & np.isfinite(cost)
    error = np.max(np.abs(cost[both] - expected[both]) / np.maximum(expected[both], 1))
    differ = (np.isfinite(expected) != np.isfinite(cost)).sum()
    line("isotropic, 8 neighbours: MCP_Geometric", peer, peer, n)
    extra = f"difference {error:.0e}, reached differently {differ}, memory {memory:.0f} B/cell"
    line("isotropic, 8 neighbours: geosettle", ours, peer, n, extra)


def walking(n, height, starts):
    start = starts[0]
    grid = grid_of(16, height=height)
    cells = np.array([start[0] * n + start[1]])
    ours, cost = timed(lambda: accumulate_compiled(grid, cells))
    memory = memory_of(lambda: accumulate_compiled(grid, cells), n * n)
    if shutil.which("grass") is None:
        line("walking, 16 neighbours: geosettle (no GRASS here)", ours, ours, n)
        return
    peer, expected = r_walk(height, start)
    error = np.nanmax(np.abs(cost - expected) / np.maximum(expected, 1))
    line("walking, 16 neighbours: r.walk -k", peer, peer, n)
    extra = f"largest relative difference {error:.0e}, memory {memory:.0f} B/cell"
    line("walking, 16 neighbours: geosettle", ours, peer, n, extra)


def many(height, n=1000):
    """1,000 origins x 50 sites: run from the sites, against one run per origin (some, scaled)."""
    rng = np.random.default_rng(1)
    grid = grid_of(16, height=np.ascontiguousarray(height[:n, :n]))
    origins, sites = rng.integers(0, n * n, 1000), rng.integers(0, n * n, 50)
    from geosettle.distance.terrain import run_many

    targets = [Target(np.array([c]), np.zeros(1)) for c in origins]
    runs = [(np.array([s]), None, targets) for s in sites]
    begin = time.perf_counter()
    ours, result = timed(lambda: run_many(grid, runs, toward=True, compiled=True))
    wall = time.perf_counter() - begin
    clock, begin = time.perf_counter(), time.process_time()
    some = 10
    for i in range(some):
        cost = accumulate_compiled(grid, origins[i : i + 1])
        assert np.allclose(cost.ravel()[sites], [result[k][i] for k in range(50)], rtol=1e-4)
    peer, peer_wall = (time.process_time() - begin) * 100, (time.perf_counter() - clock) * 100
    line("1,000 origins x 50 sites: one run per origin", peer, peer, n)
    line("1,000 origins x 50 sites: from the fewer side", ours, peer, n, f"{peer_wall / wall:.1f}x on the clock")


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    height, friction, starts = terrain(256)
    flat = starts[:, 0] * 256 + starts[:, 1]
    accumulate_compiled(grid_of(8, friction=friction), flat)
    accumulate_compiled(grid_of(16, height=height), flat[:1])
    accumulate(grid_of(8, friction=friction), flat)
    height, friction, starts = terrain(n)
    print(f"{n} x {n} cells, load {os.getloadavg()[0]:.1f}")
    isotropic(n, height, friction, starts)
    walking(n, height, starts)
    many(height, min(n, 1000))


if __name__ == "__main__":
    main()
