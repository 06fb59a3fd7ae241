"""How much faster geodesics are than the peers', as ratios in one run: ``python
tests/bench_geodesic.py``.

Each side is run several times in turn and the quickest run counts, so that other work on the
machine weighs on both. On a busy machine the processor seconds say more than the wall time.
The peers run as their documentation shows them, vectorised, one thread; `geosettle` uses as many as
there are processors. Compilation happens before the clock starts; what a fresh process pays for it
is a line of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod

import geosettle as gs

GEOD = Geod(ellps="WGS84")
METRIC_CRS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=WGS84 +units=m"


class Timing(NamedTuple):
    """Least wall and processor seconds (of all threads) of a function."""

    wall: float
    cpu: float


def quickest(*functions: Callable[[], object], rounds: int = 5) -> list[Timing]:
    """Least times of each function over rounds in which they take turns."""
    best = [Timing(float("inf"), float("inf"))] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            best[i] = Timing(min(best[i].wall, wall), min(best[i].cpu, cpu))
    return best


def points(where: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    if where == "Earth":
        return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return rng.uniform(73, 84.7, n), rng.uniform(34, 43, n)  # 1,000 km across


def villages(n: int, seed: int) -> gpd.GeoDataFrame:
    """Clustered around sixty oases, some scattered."""
    rng = np.random.default_rng(seed)
    centre = np.random.default_rng(3).uniform([73.5, 34.8], [84.5, 41.7], (60, 2))
    at = centre[rng.integers(0, 60, n)] + rng.normal(0, 0.35, (n, 2))
    lone = rng.random(n) < 0.3
    at[lone] = rng.uniform([73, 34.5], [85, 42], (int(lone.sum()), 2))
    ids = pd.Index([f"{seed}-{i:07d}" for i in range(n)], dtype="str")
    return gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(at[:, 0], at[:, 1].clip(34.5, 42)), crs=4326, index=ids
    )


def matrix(where: str, n: int = 5_000, sample: int = 200) -> tuple[str, Timing, Timing, str]:
    """Full matrix against pyproj, which is timed on a part of the rows (it takes the same time for
    each).
    """
    lon, lat = points(where, n, 1)
    to = points(where, n, 2)
    ends = (
        np.repeat(lon[:sample], n),
        np.repeat(lat[:sample], n),
        np.tile(to[0], sample),
        np.tile(to[1], sample),
    )
    ours, peer = quickest(
        lambda: gs.geodesic_distance(lon[:, None], lat[:, None], *to),
        lambda: GEOD.inv(*ends),
        rounds=9,
    )
    found = gs.geodesic_distance(lon[:, None], lat[:, None], *to)[:sample].ravel()
    worst = np.abs(found - GEOD.inv(*ends)[2]).max() * 1000
    return (
        f"matrix {n:,} x {n:,}, {where}",
        ours,
        Timing(*(v * n / sample for v in peer)),
        f"largest difference {worst:.4f} mm",
    )


def plain(where: str, n: int = 1_000) -> tuple[str, Timing, Timing, str]:
    """A matrix of another size, by whichever way is chosen for it."""
    lon, lat = points(where, n, 1)
    ends = np.repeat(lon, n), np.repeat(lat, n), np.tile(lon, n), np.tile(lat, n)
    ours, peer = quickest(
        lambda: gs.geodesic_distance(lon[:, None], lat[:, None], lon, lat), lambda: GEOD.inv(*ends)
    )
    return f"matrix {n:,} x {n:,}, {where}", ours, peer, ""


def near(n: int = 1_000_000, m: int = 5_000) -> tuple[str, Timing, Timing, str]:
    """Nearest of m sites for n villages against sjoin_nearest in a metric CRS; both from frames in
    WGS84.
    """
    origins, sites = villages(n, 1), villages(m, 2)

    def peer() -> gpd.GeoDataFrame:
        return gpd.sjoin_nearest(
            origins.to_crs(METRIC_CRS), sites.to_crs(METRIC_CRS), distance_col="metres"
        )

    ours_s, peer_s = quickest(lambda: gs.nearest(origins, sites), peer)
    found = gs.nearest(origins, sites).reset_index().set_index("origin_id")
    joined = peer()["index_right"]
    wrong = int((joined[~joined.index.duplicated()] != found["site_id"]).sum())
    some = np.random.default_rng(4).choice(n, 2_000, replace=False)
    one, two = origins.geometry.iloc[some], sites.geometry
    ends = (
        np.repeat(one.x, m),
        np.repeat(one.y, m),
        np.tile(two.x, len(some)),
        np.tile(two.y, len(some)),
    )
    best = (
        np.asarray(GEOD.inv(*(np.asarray(e) for e in ends))[2]).reshape(len(some), m).argmin(axis=1)
    )
    ours_wrong = int((sites.index[best] != found["site_id"].iloc[some].to_numpy()).sum())
    note = f"ours: {ours_wrong} wrong of {len(some):,} tried by brute force; the peer differs for {wrong:,} of {n:,}"
    return f"nearest of {m:,} for {n:,}", ours_s, peer_s, note


def first_run() -> str:
    """Seconds of a large matrix in a fresh process, with the compiled code on disk and without."""
    code = (
        "import time, numpy as np, geosettle as gs; t = time.perf_counter(); x = np.linspace(73, 84, 5000);"
        "gs.geodesic_distance(x[:, None], x[:, None] / 2, x, x / 2); print(time.perf_counter() - t)"
    )
    times = []
    folder = str(Path(tempfile.mkdtemp()))
    for _ in range(2):
        env = {**os.environ, "NUMBA_CACHE_DIR": folder}
        times.append(
            float(
                subprocess.run(
                    [sys.executable, "-c", code], env=env, capture_output=True, check=True
                ).stdout
            )
        )
    return f"first matrix of 25 million in a fresh process: {times[0]:.1f} s, with compiled code on disk {times[1]:.1f} s"


def main() -> None:
    """Print the table."""
    lon = np.linspace(73, 84, 5_000)
    gs.geodesic_distance(lon[:, None], lon[:, None] / 2, lon, lon / 2)  # compile
    gs.nearest(villages(60_000, 5), villages(100, 6))
    print(
        f"processors {os.cpu_count()}, load {os.getloadavg()[0]:.1f}; pyproj {version('pyproj')}, ",
        end="",
    )
    print(f"geopandas {gpd.__version__}, shapely {version('shapely')}, numba {version('numba')}")
    print("| work | ours s | peer s | ratio | processor seconds: ours | peer | ratio | note |")
    print("|---|---|---|---|---|---|---|---|")
    for job in (
        lambda: matrix("region"),
        lambda: matrix("Earth"),
        lambda: plain("region"),
        lambda: plain("Earth"),
        *(partial(plain, where, n) for where in ("region", "Earth") for n in (30, 100, 300, 3000)),
        near,
    ):
        name, ours, peer, note = job()
        columns = [f"{o:.3f} | {p:.2f} | {p / o:.1f}x" for o, p in zip(ours, peer, strict=True)]
        print(f"| {name} | {' | '.join(columns)} | {note} |", flush=True)
    print(first_run(), f"; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
