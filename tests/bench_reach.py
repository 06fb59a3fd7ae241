"""Time of the catchments of 100 sites against that of their time rasters alone.

    python tests/bench_reach.py [side of the grid, default 1000]

The aim is at most 1.3 times. Processor seconds of this process; the code is compiled before.
"""

from __future__ import annotations

import sys
import time

import geopandas as gpd
import numpy as np
from affine import Affine

import geosettle as gs

HOURS = (1.0, 2.0, 4.0)


def measured(work) -> float:
    """Processor seconds of a piece of work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main(side: int = 1000, sites: int = 100) -> None:
    """Print both times and their ratio."""
    y, x = np.mgrid[:side, :side]
    heights = 1500 + 300 * np.sin(x / 40) * np.cos(y / 31) + 20 * np.sin(x / 3) * np.sin(y / 4)
    heights[(np.hypot(y % 200 - 100, x % 170 - 80) < 9)] = np.nan  # lakes
    dem = gs.Raster(heights, Affine(0.001, 0, 76, 0, -0.001, 39), unit="m")
    rng = np.random.default_rng(7)
    lon, lat = 76 + rng.random(sites) * side * 0.001, 39 - rng.random(sites) * side * 0.001
    places = gpd.GeoDataFrame(
        index=[f"s{n:03d}" for n in range(sites)], geometry=gpd.points_from_xy(lon, lat), crs=4326
    )
    options = {"dem": dem, "limit_h": max(HOURS)}
    gs.catchments(gs.site_times(places.iloc[:1], **options), HOURS)  # compiles
    times = measured(lambda: sum(1 for _ in gs.site_times(places, **options)))
    whole = measured(lambda: gs.catchments(gs.site_times(places, **options), HOURS))
    print(f"{sites} sites on {side} x {side} cells, {len(HOURS)} limits")
    print(f"time rasters {times:.1f} s, with catchments {whole:.1f} s: {whole / times:.2f} times")
    joint = measured(lambda: gs.travel_allocation(places, dem=dem))
    print(f"allocation of the whole grid {joint:.1f} s")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
