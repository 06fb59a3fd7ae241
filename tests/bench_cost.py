"""Accumulated cost on large grids, against scikit-image and GRASS, and many origins against one run
per origin.

    python tests/bench_cost.py [cells per side, 4000] [isotropic] [walking] [many] [sweep] [memory] [first]

What is timed are the public functions, with all that they do. Peers run in the same process or
right after, on the same arrays. Ratios are given of processor seconds (user and system, all
threads), which other work on the machine disturbs little, and of the clock; r.walk's are those of
its process. Compilation does not count: every engine runs once on a small grid, but for "first",
which measures it: an empty cache and a first large job of every kind. Memory is the peak of the
process during a call (VmHWM of Linux), without what was there before and without the result.
"""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
from affine import Affine
from scipy.ndimage import zoom

from geosettle.distance import distance_matrix, nearest
from geosettle.distance._solver.cost import Prepared, solve
from geosettle.distance._solver.cost_grid import CostGrid, Target, make_moves
from geosettle.distance.cost_distance import cost_distance, travel_time
from geosettle.distance.walk_models import MODELS
from geosettle.raster import Raster

WEST, NORTH = 300_000, 4_400_000


def terrain(n, seed=0):
    """Terrain over several scales (100 m cells), friction s/m by slope with fast roads and 4 % of
    closed water.
    """
    rng = np.random.default_rng(seed)
    height = np.zeros((n, n), np.float32)
    for knots, amplitude in ((8, 1500), (32, 400), (128, 120), (512, 30)):
        if knots <= n:
            coarse = rng.standard_normal((knots + 2, knots + 2)).astype(np.float32)
            height += amplitude * zoom(coarse, (n + 8) / (knots + 2) * 1.02, order=1)[:n, :n]
    slope = np.hypot(*np.gradient(height, 100.0))
    friction = np.minimum(3.6 / (6 * np.exp(-3.5 * np.abs(slope * 0.5 + 0.05))), 20).astype(
        np.float32
    )
    for _ in range(max(20, n // 20)):
        r, c = rng.integers(0, n, 2)
        length = int(rng.uniform(0.2, 1) * n)
        angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, length))
        row, column = (
            (r + np.cumsum(np.sin(angle))).astype(int),
            (c + np.cumsum(np.cos(angle))).astype(int),
        )
        on = (row >= 0) & (row < n) & (column >= 0) & (column < n)
        friction[row[on], column[on]] = np.minimum(
            friction[row[on], column[on]], 3.6 / rng.choice([20, 40, 80])
        )
    water = height < np.quantile(height[::8, ::8], 0.04)
    friction[water & (friction >= 0.2)] = np.inf
    # No two closed cells that touch by a corner only: the peers squeeze through such corners,
    # geosettle does not.
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


def dem_of(height):
    """The heights as a raster in UTM 44N."""
    return Raster(height, Affine(100, 0, WEST, 0, -100, NORTH), crs="EPSG:32644", unit="m")


def points_of(starts):
    """Longitude and latitude of the centres of cells."""
    from pyproj import Transformer

    to = Transformer.from_crs("EPSG:32644", "EPSG:4326", always_xy=True)
    return np.column_stack(
        to.transform(WEST + (starts[:, 1] + 0.5) * 100, NORTH - (starts[:, 0] + 0.5) * 100)
    )


def walk(height, starts, **options):
    """Walking time as r.walk has it, hours."""
    return travel_time(
        dem_of(height), points_of(starts), model="naismith_langmuir", away=True, **options
    ).values


def timed(work):
    """Processor seconds, seconds on the clock, and result."""
    begin, clock = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - begin, time.perf_counter() - clock, result


def memory_of(work, cells):
    """Bytes a cell that a call needs beyond what was there and its result."""

    def status(key):
        rows = Path("/proc/self/status").read_text().splitlines()
        return next(int(row.split()[1]) * 1024 for row in rows if row.startswith(key))

    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = status("VmRSS")
    result = work()
    return (status("VmHWM") - before - result.nbytes) / cells


def r_walk(height, start):
    """Processor seconds of r.walk -k, seconds on the clock, and the costs."""
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
        times = dict(
            row.split()
            for row in Path(f"{folder}/times").read_text().splitlines()
            if row.count(" ") == 1
        )
        cost = np.fromfile(f"{folder}/cost.bin", dtype="<f8").reshape(n, n)
    return float(times["user"]) + float(times["sys"]), float(times["real"]), cost


def line(name, ours, peer, n, extra=""):
    """Print a row: times are (processor, clock) seconds."""
    ratios = f"{peer[0] / ours[0]:5.1f}x | {peer[1] / ours[1]:5.1f}x on the clock"
    print(
        f"| {name:46} | {ours[0]:7.2f} s | {ours[0] / n**2 * 1e9:6.0f} ns/cell | {ratios} | {extra}",
        flush=True,
    )


def isotropic(n, height, friction, starts):
    from skimage.graph import MCP_Geometric

    *ours, cost = timed(lambda: cost_distance(friction, starts, cell_size=100.0))
    *peer, expected = timed(
        lambda: MCP_Geometric(
            np.where(np.isfinite(friction), friction, -1), sampling=(100.0, 100.0)
        ).find_costs([tuple(s) for s in starts])[0]
    )
    both = np.isfinite(expected) & np.isfinite(cost)
    error = np.max(np.abs(cost[both] - expected[both]) / np.maximum(expected[both], 1))
    differ = (np.isfinite(expected) != np.isfinite(cost)).sum()
    line("isotropic, 8 neighbours: MCP_Geometric", peer, peer, n)
    line(
        "isotropic, 8 neighbours: geosettle",
        ours,
        peer,
        n,
        f"difference {error:.0e}, reached differently {differ}",
    )


def walking(n, height, friction, starts):
    *ours, hours = timed(lambda: walk(height, starts[:1]))
    if shutil.which("grass") is None:
        line("walking, 16 neighbours: geosettle (no GRASS here)", ours, ours, n)
        return
    *peer, expected = r_walk(height, starts[0])
    error = np.nanmax(np.abs(hours * 3600.0 - expected) / np.maximum(expected, 1))
    line("walking, 16 neighbours: r.walk -k", peer, peer, n)
    line(
        "walking, 16 neighbours: geosettle",
        ours,
        peer,
        n,
        f"largest relative difference {error:.0e}",
    )


def many(n, height, friction, starts):
    """1,000 origins x 50 sites: run from the sites, against one run per origin (some, scaled)."""
    n = min(n, 1000)
    rng = np.random.default_rng(1)
    grid = grid_of(16, height=np.ascontiguousarray(height[:n, :n]))
    origins, sites = rng.integers(0, n * n, 1000), rng.integers(0, n * n, 50)
    targets = [Target(np.array([c]), np.zeros(1)) for c in origins]
    runs = [(np.array([s]), None, targets) for s in sites]
    *ours, result = timed(lambda: Prepared(grid).run_many(runs, toward=True))
    some = 10

    def one_by_one():
        for i in range(some):
            cost = solve(grid, origins[i : i + 1])
            assert np.allclose(cost.ravel()[sites], [result[k][i] for k in range(50)], rtol=1e-4)

    peer = [seconds * 1000 / some for seconds in timed(one_by_one)[:2]]
    line("1,000 origins x 50 sites: one run per origin", peer, peer, n)
    line("1,000 origins x 50 sites: from the fewer side", ours, peer, n)


def sweep(n, height, friction, starts):
    """Everyday sizes: no size may fall below its peer. One warm run of each; the start of a process
    (loading compiled code, half a second to one second) is the row "first".
    """
    from skimage.graph import MCP_Geometric

    for side in (30, 100, 300, 700, 1000, 1900, 2100):
        part = np.ascontiguousarray(friction[:side, :side])
        at = np.argwhere(np.isfinite(part))[:: max(1, side * side // 20)]
        *ours, _ = timed(lambda part=part, at=at: cost_distance(part, at))
        *peer, _ = timed(
            lambda part=part, at=at: MCP_Geometric(
                np.where(np.isfinite(part), part, -1)
            ).find_costs([tuple(s) for s in at])
        )
        line(f"friction {side} x {side}: MCP_Geometric", peer, peer, side)
        line(f"friction {side} x {side}: geosettle", ours, peer, side)
    for side, many, few, most in ((100, 20, 5, None), (700, 50, 10, None), (1000, 500, 10, 8.0)):
        rng = np.random.default_rng(1)
        ends = [points_in(rng, count, side) for count in (many, few)]
        dem = dem_of(np.ascontiguousarray(height[:side, :side]))
        if most is None:
            name = f"walking times {many} x {few} on {side} x {side}"
            *ours, _ = timed(lambda e=ends, d=dem: distance_matrix(*e, "walk", dem=d))
        else:
            name = f"nearest 5 within {most:g} h, {many} x {few} on {side} x {side}"
            *ours, _ = timed(
                lambda e=ends, d=dem, h=most: nearest(*e, 5, metric="walk", max_h=h, dem=d)
            )
        line(name, ours, ours, side)


def points_in(rng, count, side):
    """Places anywhere on the first rows and columns of the terrain."""
    places = points_of(rng.uniform(1, side - 2, (count, 2)))
    ids = [f"{i:04d}" for i in range(count)]
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*places.T), crs=4326, index=ids)


def memory(n, height, friction, starts):
    """Bytes a cell of every mode, at n x n."""
    cover = Raster(
        np.floor(np.abs(height) % 5).astype(np.float32), dem_of(height).transform, crs="EPSG:32644"
    )
    added = Raster(np.full_like(height, 0.1), dem_of(height).transform, crs="EPSG:32644")
    covered = {"landcover": cover, "landcover_speed_kmh": {1: 2.0, 2: 4.0}, "closed_classes": (9,)}
    modes = {
        "friction, 8 neighbours": lambda: cost_distance(friction, starts, cell_size=100.0),
        "friction, 16 neighbours": lambda: cost_distance(friction, starts, neighbours=16),
        "friction, continuous": lambda: cost_distance(friction, starts, continuous=True),
        "walking, 16 neighbours": lambda: walk(height, starts[:1]),
        "walking, 32 neighbours": lambda: walk(height, starts[:1], neighbours=32),
        "walking, land cover, altitude": lambda: walk(height, starts[:1], altitude=True, **covered),
        "walking, land cover, altitude, friction": lambda: walk(
            height, starts[:1], altitude=True, friction=added, friction_weight=2.0, **covered
        ),
        "walking, 4 runs side by side": lambda: np.array(
            Prepared(grid_of(16, height=height)).run_many(
                [
                    (np.array([s]), None, [Target(np.array([0]), np.zeros(1))])
                    for s in (n, n // 2, 2 * n, n * n - 1)
                ],
                toward=True,
            )
        ),
    }
    for name, work in modes.items():
        print(f"| memory: {name:40} | {memory_of(work, n * n):5.1f} bytes a cell", flush=True)


_FIRST = """
import sys, time
sys.path.insert(0, {tests!r})
import bench_cost as b, numpy as np
height, friction, starts = b.terrain(256)
begin = time.perf_counter()
for name, work in (
    ("friction, 8 neighbours", lambda: b.cost_distance(friction, starts)),
    ("walking, 16 neighbours", lambda: b.walk(height, starts[:1])),
    ("continuous", lambda: b.cost_distance(friction, starts, continuous=True)),
):
    now = time.perf_counter()
    work()
    print(f"| first run: {{name:30}} | {{time.perf_counter() - now:5.2f}} s", flush=True)
print(f"| first run: all                            | {{time.perf_counter() - begin:5.2f}} s")
"""


def first(n, height, friction, starts):
    """Seconds of the first job of every kind with an empty cache of compiled code."""
    with tempfile.TemporaryDirectory() as folder:
        code = _FIRST.format(tests=str(Path(__file__).parent))
        subprocess.run(
            [sys.executable, "-c", code], check=True, env={**os.environ, "NUMBA_CACHE_DIR": folder}
        )


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    rows = [globals()[name] for name in sys.argv[2:]] or [
        isotropic,
        walking,
        many,
        sweep,
        memory,
        first,
    ]
    height, friction, starts = terrain(256)
    cost_distance(friction, starts)
    cost_distance(friction, starts, continuous=True)
    walk(height, starts[:1])
    solve(grid_of(16, height=height), starts[:1, 0])
    height, friction, starts = terrain(n)
    print(f"{n} x {n} cells, load {os.getloadavg()[0]:.1f}")
    for row in rows:
        row(n, height, friction, starts)


if __name__ == "__main__":
    main()
