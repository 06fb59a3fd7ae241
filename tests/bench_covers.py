"""Land overlays against their peers, as ratios in one run: `python tests/bench_covers.py`.

Peers: geopandas.overlay followed by areas in an equal-area projection; exactextract alone on a
class raster.
"""

from __future__ import annotations

import resource
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from pyproj import CRS

from geosettle.covers import overlay_areas
from geosettle.geodesy.disc_overlap import discs
from geosettle.raster import Raster

EQUAL_AREA = "+proj=aea +lat_1=36 +lat_2=41 +lat_0=0 +lon_0=77.5 +ellps=WGS84 +units=m"


def timed(work):
    """Best of two: seconds on the clock and on the processors, and the answer."""
    best = (np.inf, np.inf)
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = work()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return *best, answer


def parcels(n=100_000, seed=2):
    """A jittered quilt of n quadrangles over seven degrees, each of one of six kinds."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(n))
    x, y = np.meshgrid(np.linspace(74, 81, side + 1), np.linspace(36, 41.5, side + 1))
    x, y = x + rng.normal(0, 1 / side, x.shape), y + rng.normal(0, 0.8 / side, y.shape)
    corners = [
        (slice(-1), slice(-1)),
        (slice(-1), slice(1, None)),
        (slice(1, None), slice(1, None)),
        (slice(1, None), slice(-1)),
    ]
    rings = np.stack([np.stack([x[c], y[c]], -1) for c in corners], 2).reshape(-1, 4, 2)
    kinds = rng.choice(
        ["forage", "orchard", "forestry", "greenhouse", "cotton", "village"], len(rings)
    )
    return gpd.GeoDataFrame({"kind": kinds}, geometry=shapely.polygons(rings), crs="EPSG:4326")


def points(n=10_000, seed=3):
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"s{i:05d}" for i in range(n)], name="site_id")
    where = gpd.points_from_xy(rng.uniform(74.2, 80.8, n), rng.uniform(36.2, 41.3, n))
    return gpd.GeoDataFrame(index=ids, geometry=where, crs="EPSG:4326")


def peer_overlay(cover, sites, radius_km):
    """What one would do with geopandas: discs, overlay, equal-area areas, sums."""
    zones = gpd.GeoDataFrame(
        {"zone_id": sites.index},
        geometry=discs(sites.geometry.x, sites.geometry.y, radius_km * 1e3),
        crs="EPSG:4326",
    )
    cut = gpd.overlay(zones, cover, how="intersection", keep_geom_type=True)
    cut["area_ha"] = cut.to_crs(EQUAL_AREA).area / 1e4
    return cut.groupby(["zone_id", "kind"])["area_ha"].sum()


def bench_discs():
    cover, sites = parcels(), points()
    wall, cpu, ours = timed(lambda: overlay_areas(sites, cover, "kind", radii_km=[3.0]))
    peer_wall, peer_cpu, theirs = timed(lambda: peer_overlay(cover, sites, 3.0))
    mine = ours[ours["kind"] != "(outside)"].set_index(["zone_id", "kind"])["area_ha"]
    apart = (mine - theirs.reindex(mine.index)).abs().max()
    print(
        f"100,000 parcels x 10,000 discs: ours {wall:.2f} s (cpu {cpu:.2f}), geopandas {peer_wall:.2f} s (cpu {peer_cpu:.2f}): "
        f"{peer_wall / wall:.1f} times as fast (cpu {peer_cpu / cpu:.1f}); largest difference {apart:.4f} ha of {np.pi * 900:.0f}"
    )


def bench_raster(side=8192, n=10_000):
    rng = np.random.default_rng(4)
    coarse = rng.integers(1, 12, (side // 32, side // 32))
    values = np.kron(coarse, np.ones((32, 32))).astype(np.float32)
    step = 8 / side
    raster = Raster(values, Affine(step, 0, 73.5, 0, -step, 42.5), unit="class")
    lon, lat = rng.uniform(73.8, 81.2, n), rng.uniform(34.8, 42.2, n)
    zones = gpd.GeoDataFrame(
        index=pd.Index([f"z{i}" for i in range(n)], name="zone_id"),
        geometry=discs(lon, lat, 5e3),
        crs="EPSG:4326",
    )
    west, south, east, north = raster.bounds
    whole = values.astype(np.int32)

    def alone():
        source = NumPyRasterSource(
            whole, west, south, east, north, srs_wkt=CRS("EPSG:4326").to_wkt()
        )
        return exact_extract(source, zones, ["unique", "frac"], output="pandas")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu, _ = timed(lambda: overlay_areas(zones, raster))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    peer_wall, peer_cpu, _ = timed(alone)
    print(
        f"10,000 polygons on {side} x {side}: ours {wall:.2f} s (cpu {cpu:.2f}), exactextract alone {peer_wall:.2f} s "
        f"(cpu {peer_cpu:.2f}): {wall / peer_wall:.2f} of its time; memory grew by {grown:.0f} MB over a grid of {values.nbytes / 2**20:.0f} MB"
    )


def bench_native_grid(side=6000, n=5_000):
    """The same classes, cells of 90 m, on a grid in UTM and on one in degrees; the same discs."""
    rng = np.random.default_rng(5)
    values = np.kron(rng.integers(1, 12, (side // 40, side // 40)), np.ones((40, 40)))
    half = 45 * side
    utm = Raster(
        values.astype(np.float32), Affine(90, 0, 500_000 - half, 0, -90, 4_300_000 + half),
        "EPSG:32644", unit="class",
    )  # fmt: skip
    west, south, east, north = utm.lonlat_bounds
    steps = (east - west) / side, (north - south) / side
    degrees = Raster(utm.values, Affine(steps[0], 0, west, 0, -steps[1], north), unit="class")
    lon, lat = (
        rng.uniform(low + 0.6, high - 0.6, n) for low, high in ((west, east), (south, north))
    )
    zones = gpd.GeoDataFrame(
        index=pd.Index([f"z{i}" for i in range(n)], name="zone_id"),
        geometry=discs(lon, lat, 5e3),
        crs="EPSG:4326",
    )
    (_, native, _), (_, plain, _) = (
        timed(lambda r=r: overlay_areas(zones, r)) for r in (utm, degrees)
    )
    print(
        f"{n:,} discs on {side} x {side} cells of 90 m: UTM cpu {native:.2f} s, lon/lat cpu {plain:.2f} s: "
        f"{native / plain:.2f} of its time"
    )


if __name__ == "__main__":
    bench_discs()
    bench_raster()
    bench_native_grid()
