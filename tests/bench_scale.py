"""How the cost of a job in parts grows with its size, and what a second worker brings.

`python tests/bench_scale.py` prints the table of docs/scale.md; made-up villages and sites.
"""

import math
import resource
import sys
import tempfile
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.jobs import distances_job, engine_on, estimate, overlay_job, run_job

SIZES = (10_000, 100_000)


def places(n: int, prefix: str, seed: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"{prefix}{i:07}" for i in range(n)], dtype="str")
    at = gpd.points_from_xy(rng.uniform(75, 125, n), rng.uniform(22, 48, n))
    return gpd.GeoDataFrame(geometry=at, index=ids, crs=4326)


def nearest(n: int):
    return distances_job(places(n, "o", 1), places(35_000, "s", 2), nearest=5)


def land(n: int):
    """A parcel of 300 m by 300 m for every unit, around n / 285 sites, in discs of 5 km."""
    zones = places(max(1, n // 285), "z", 3)
    rng, at = np.random.default_rng(4), zones.get_coordinates().to_numpy()
    west, south = at[rng.integers(0, len(at), n)].T + rng.uniform(-0.05, 0.05, (2, n))
    boxes = shapely.box(west, south, west + 0.003, south + 0.003)
    kinds = rng.choice(["field", "orchard", "forage"], n)
    cover = gpd.GeoDataFrame({"kind": kinds}, geometry=boxes, crs=4326)
    return overlay_job(zones, cover, "kind", [5.0])


def seconds(job, workers: int) -> tuple[float, float]:
    """By the clock, and of this process's processors, which other work slows less."""
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), time.process_time()
        run_job(job, folder, engine_on(workers))
        return time.perf_counter() - begun, time.process_time() - used


def main() -> None:
    sizes = [int(float(text)) for text in sys.argv[1:]] or SIZES
    print("| job | size | parts | planned s | 1 worker s | processor s | 2 workers s | exponent |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, make in (("5 nearest of 35,000 sites", nearest), ("parcels in discs", land)):
        before = None
        for n in sizes:
            job = make(n)
            planned = estimate(job)["seconds"]
            (one, used), (two, _) = seconds(job, 1), seconds(job, 2)
            grown = f"{math.log(used / before[1], n / before[0]):.2f}" if before else ""
            before = n, used
            print(
                f"| {name} | {n:,} | {len(job.parts)} | {planned:.1f} | {one:.1f} | {used:.1f} "
                f"| {two:.1f} | {grown} |",
                flush=True,
            )
    print(
        f"\nMost memory of the driver: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"
    )


if __name__ == "__main__":
    main()
