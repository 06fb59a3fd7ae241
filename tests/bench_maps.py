"""Size and first drawing of large maps, beside folium's own GeoJson on canvas in the same run.

Run ``python tests/bench_maps.py [sites ...]``; needs Chromium. Both pages carry the same sites and flows with the same
texts and numbers; folium's page gets the same Leaflet inlined and none of its other libraries, which favours it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from geosettle.analysis import Result
from geosettle.maps import map_html, offline
from geosettle.study import Study

READY = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"


def many(n: int) -> Result:
    """n sites and n flows from n / 10 origins; made up."""
    rng = np.random.default_rng(1)
    m = max(1, n // 10)
    sites = _frame(rng, n, "site", (74, 84, 36.5, 42))
    origins = _frame(rng, m, "origin", (74, 84, 36.5, 42))
    sites["households"] = rng.integers(1, 400, n)
    a, b = rng.integers(0, m, n), rng.permutation(n)
    # A site lies within 60 km of its origin or so, as in life; lines across the whole map would flatter no one.
    places = origins.geometry.to_numpy()[a]
    x = np.array([p.x for p in places]) + rng.normal(0, 0.4, n)
    y = np.array([p.y for p in places]) + rng.normal(0, 0.3, n)
    sites = sites.set_geometry(gpd.points_from_xy(x[np.argsort(b)], y[np.argsort(b)], crs=4326))
    km = np.hypot((x - [p.x for p in places]) * 86, (y - [p.y for p in places]) * 111)
    pairs = pd.DataFrame(
        {
            "households": rng.integers(1, 400, n),
            "geodesic_km": km,
            "geodesic_low_km": km * 0.9,
            "geodesic_high_km": km * 1.1,
        },
        index=pd.MultiIndex.from_arrays([origins.index[a], sites.index[b]], names=["origin_id", "site_id"]),
    )
    none = pd.DataFrame()
    return Result(Study(sites=sites, origins=origins), sites, origins, pairs, *[none] * 10)


def _frame(rng, n, role, frame):
    west, east, south, north = frame
    return gpd.GeoDataFrame(
        {"name": [f"{role.capitalize()} {i}" for i in range(n)]},
        geometry=gpd.points_from_xy(rng.uniform(west, east, n), rng.uniform(south, north, n)),
        crs=4326,
        index=pd.Index([f"{role[0]}{i}" for i in range(n)], name=f"{role}_id"),
    )


def with_folium(result: Result) -> str:
    """The same sites and flows as folium.GeoJson on canvas, coordinates to 5 decimals."""
    sites, origins = result.sites, result.origins
    shown = folium.Map([39.3, 79], zoom_start=7, tiles=None, prefer_canvas=True)
    point = {k: [round(p.x, 5), round(p.y, 5)] for f in (sites, origins) for k, p in f.geometry.items()}
    flows = [
        _feature(
            i,
            "LineString",
            [point[a], point[b]],
            {"origin": a, "site": b, "households": h, "km": round(km, 1), "low": round(lo, 1), "high": round(hi, 1)},
        )
        for i, (a, b, h, km, lo, hi) in enumerate(result.pairs.reset_index().itertuples(index=False))
    ]
    tips = folium.GeoJsonTooltip(["origin", "site", "households", "km", "low", "high"])
    folium.GeoJson(
        {"type": "FeatureCollection", "features": flows},
        tooltip=tips,
        style_function=lambda _: {"color": "#0072B2", "weight": 1},
    ).add_to(shown)
    for frame in (origins, sites):
        households = frame.get("households", pd.Series(0, index=frame.index))
        features = [
            _feature(k, "Point", point[k], {"id": k, "name": n, "households": int(h)})
            for k, n, h in zip(frame.index, frame["name"], households, strict=True)
        ]
        marker = folium.CircleMarker(radius=3)
        folium.GeoJson(
            {"type": "FeatureCollection", "features": features},
            marker=marker,
            tooltip=folium.GeoJsonTooltip(["name", "households"]),
        ).add_to(shown)
    html = shown.get_root().render()
    html = re.sub(
        r'<script src="[^"]*leaflet\.js"></script>', lambda _: f"<script>{offline.leaflet_js()}</script>", html
    )
    html = re.sub(
        r'<link rel="stylesheet" href="[^"]*leaflet\.css"/>', lambda _: f"<style>{offline.leaflet_css()}</style>", html
    )
    return re.sub(r'<script src="https?:[^"]*"></script>|<link rel="stylesheet" href="https?:[^"]*"/>', "", html)


def _feature(key, kind, coordinates, properties):
    return {
        "type": "Feature",
        "id": str(key),
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def first_drawing(browser, html: str, ready: str) -> tuple[float, bytes]:
    """Seconds from opening the file to the second frame after everything was drawn, and a picture of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
        page = context.new_page()
        page.set_default_timeout(300_000)
        start = time.perf_counter()
        page.goto(file.as_uri(), timeout=300_000)
        page.wait_for_selector(ready, state="attached")
        page.evaluate(READY)
        took = time.perf_counter() - start
        picture = page.screenshot()
        context.close()
    return took, picture


def main(sizes: list[int]) -> None:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    print(f"{'sites + flows':>14} {'':>10} {'MB':>7} {'write s':>8} {'drawn s':>8}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for n in sizes:
            result = many(n)
            rows = []
            for name, write, ready in (
                ("geosettle", map_html, "#gs-map[data-sites]"),
                ("folium", with_folium, ".leaflet-overlay-pane canvas"),
            ):
                start = time.perf_counter()
                html = write(result)
                wrote = time.perf_counter() - start
                drawn = min(first_drawing(browser, html, ready)[0] for _ in range(3 if n <= 10_000 else 1))
                rows.append((len(html.encode()) / 1e6, wrote, drawn))
                print(f"{n:>14,} {name:>10} {rows[-1][0]:>7.2f} {wrote:>8.1f} {drawn:>8.2f}", flush=True)
            ratios = [f / g for g, f in zip(*rows, strict=True)]
            print(f"{'':>14} {'ratio':>10} {ratios[0]:>7.1f} {ratios[1]:>8.1f} {ratios[2]:>8.1f}", flush=True)
        browser.close()


if __name__ == "__main__":
    main([int(a) for a in sys.argv[1:]] or [10_000, 100_000])
