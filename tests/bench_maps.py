"""Size and first drawing of large maps, beside folium's own GeoJson on canvas in the same run.

Run ``python tests/bench_maps.py [sites ...]``; needs Chromium. All pages carry the same sites and
flows with the same texts and numbers. Folium's page is timed twice: with Leaflet inlined and none
of its other libraries, which favours it; and as folium writes it, all its libraries inlined, if the
package folium-offline (a copy of folium that carries them) is installed. "drawn" is from opening
the file to the second frame after it has loaded; that the first picture, before anything else of
the page is made, holds all sites and flows is checked pixel by pixel against the last one. "usable"
is until table, filter and card answer. What an empty page takes in the same run is taken off in
"drawn, net".
"""

from __future__ import annotations

import importlib
import io
import re
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
from PIL import Image
from playwright.sync_api import sync_playwright

from geosettle.analysis import Result
from geosettle.maps import map_html, offline
from geosettle.study import Study

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
USABLE = "#gs-map[data-sites]"
WIDTHS = (7, 8, 8, 8, 8)
EMPTY = "<!DOCTYPE html><html><head><meta charset=utf-8></head><body></body></html>"


def many(n: int) -> Result:
    """n sites and n flows from n / 10 origins; made up."""
    rng = np.random.default_rng(1)
    m = max(1, n // 10)
    sites = _frame(rng, n, "site", (74, 84, 36.5, 42))
    origins = _frame(rng, m, "origin", (74, 84, 36.5, 42))
    sites["households"] = rng.integers(1, 400, n)
    a, b = rng.integers(0, m, n), rng.permutation(n)
    # A site lies within 60 km of its origin or so, as in life; lines across the whole map would
    # flatter no one.
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
        index=pd.MultiIndex.from_arrays(
            [origins.index[a], sites.index[b]], names=["origin_id", "site_id"]
        ),
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


def with_folium(result: Result, folium=folium) -> str:
    """The same sites and flows as folium.GeoJson on canvas, coordinates to 5 decimals."""
    sites, origins = result.sites, result.origins
    shown = folium.Map([39.3, 79], zoom_start=7, tiles=None, prefer_canvas=True)
    point = {
        k: [round(p.x, 5), round(p.y, 5)] for f in (sites, origins) for k, p in f.geometry.items()
    }
    flows = [
        _feature(
            i,
            "LineString",
            [point[a], point[b]],
            {
                "origin": a,
                "site": b,
                "households": h,
                "km": round(km, 1),
                "low": round(lo, 1),
                "high": round(hi, 1),
            },
        )
        for i, (a, b, h, km, lo, hi) in enumerate(
            result.pairs.reset_index().itertuples(index=False)
        )
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
    return shown.get_root().render()


def bare(html: str) -> str:
    """Folium's page with Leaflet inside and its other libraries left out."""
    html = re.sub(
        r'<script src="[^"]*leaflet\.js"></script>',
        lambda _: f"<script>{offline.leaflet_js()}</script>",
        html,
    )
    html = re.sub(
        r'<link rel="stylesheet" href="[^"]*leaflet\.css"/>',
        lambda _: f"<style>{offline.leaflet_css()}</style>",
        html,
    )
    return re.sub(
        r'<script src="https?:[^"]*"></script>|<link rel="stylesheet" href="https?:[^"]*"/>',
        "",
        html,
    )


def _feature(key, kind, coordinates, properties):
    return {
        "type": "Feature",
        "id": str(key),
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }


@contextmanager
def visit(browser, html: str, script: str = ""):
    """A page of its own process, not yet opened, and its address."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
        page = context.new_page()
        page.set_default_timeout(300_000)
        if script:
            page.add_init_script(script)
        yield page, file.as_uri()
        context.close()


def times(browser, html: str) -> tuple[float, float]:
    """Seconds from opening the file until it is drawn, and until it is usable."""
    with visit(browser, html) as (page, address):
        start = time.perf_counter()
        page.goto(address)
        page.evaluate(FRAMES)
        drawn = time.perf_counter()
        if USABLE[1:7] in html:
            page.wait_for_selector(USABLE, state="attached")
            page.evaluate(FRAMES)
        return drawn - start, time.perf_counter() - start


def share_of_first_picture(browser, html: str) -> float:
    """Share of the last picture's pixels of sites and of flows that the first picture has already;
    the lesser of both.
    """
    pictures = []
    # All that follows the first picture waits for a timer, so without timers there is nothing but
    # the first picture.
    for script in ("window.setTimeout = () => 0;", ""):
        with visit(browser, html, script) as (page, address):
            page.goto(address)
            if not script:
                page.wait_for_selector(USABLE, state="attached")
            page.evaluate(FRAMES)
            picture = Image.open(io.BytesIO(page.locator("#gs-main").screenshot())).convert("RGB")
            pictures.append(np.asarray(picture).astype(int))
    site = [np.abs(p - [0xD5, 0x5E, 0x00]).max(axis=2) < 40 for p in pictures]
    flow = [p[..., 2] - p[..., 0] > 25 for p in pictures]
    return min(float((first & last).sum() / last.sum()) for first, last in (site, flow))


def moving(browser, html: str) -> dict[str, float]:
    """Milliseconds from asking for a move to the frame that shows it, without animation; the median
    of five.
    """
    step = """async (move) => { const took = []; const map = geosettle.map;
      const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
      for (let k = 0; k < 5; k++) { await frame(); const start = performance.now();
        if (move === 'pan') map.panBy([k % 2 ? 120 : -120, 60], { animate: false }); else map.setZoom(map.getZoom() + (k % 2 ? 0.5 : -0.5), { animate: false });
        await frame(); took.push(performance.now() - start); }
      return took.sort((a, b) => a - b)[2]; }"""
    with visit(browser, html) as (page, address):
        page.goto(address)
        page.wait_for_selector(USABLE, state="attached")
        return {move: page.evaluate(step, move) for move in ("pan", "zoom")}


def pages(result: Result):
    """Name and writer of each page."""
    yield "geosettle", lambda: map_html(result)
    yield "folium, bare", lambda: bare(with_folium(result))
    try:
        carrying = importlib.import_module("offlinefolium")
    except ImportError:
        print(
            "folium as it writes itself: not timed; folium-offline, which carries its libraries, is not installed"
        )
    else:
        yield "folium", lambda: with_folium(result, carrying)


def main(sizes: list[int]) -> None:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    print(
        f"{'sites + flows':>14} {'':>13} {'MB':>7} {'write s':>8} {'drawn s':>8} {'net s':>8} {'usable s':>8}"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        for n in sizes:
            compare(browser, many(n), n)
        browser.close()


def compare(browser, result: Result, n: int) -> None:
    """Print a row for each page of a size, and how many times the first is smaller and sooner."""
    written = {}
    for name, write in pages(result):
        start = time.perf_counter()
        written[name] = (write(), time.perf_counter() - start)
    # In turns, so that another process on the machine slows all of them.
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ("empty page", *written)}
    for _ in range(6 if n <= 10_000 else 2):
        for name, seen in took.items():
            seen.append(times(browser, EMPTY if name == "empty page" else written[name][0]))
    least = {name: tuple(map(min, zip(*seen, strict=True))) for name, seen in took.items()}
    fixed = least["empty page"][0]
    print(f"{n:>14,} {'empty page':>13} {'':>7} {'':>8} {fixed:>8.2f}")
    rows = []
    for name, (html, wrote) in written.items():
        drawn, usable = least[name]
        rows.append((len(html.encode()) / 1e6, wrote, drawn, drawn - fixed, usable))
        print(
            f"{'':>14} {name:>13} "
            + " ".join(f"{v:>{w}.2f}" for v, w in zip(rows[-1], WIDTHS, strict=True))
        )
        if len(rows) > 1:
            ratios = [theirs / own for own, theirs in zip(rows[0], rows[-1], strict=True)]
            print(
                f"{'':>14} {'times ours':>13} "
                + " ".join(f"{v:>{w}.1f}" for v, w in zip(ratios, WIDTHS, strict=True))
            )
    ours = written["geosettle"][0]
    moves = ", ".join(f"{name} {took:.0f} ms" for name, took in moving(browser, ours).items())
    print(
        f"{'':>14} the first picture holds {share_of_first_picture(browser, ours):.1%} of the last one; {moves}"
    )


if __name__ == "__main__":
    main([int(a) for a in sys.argv[1:]] or [10_000, 100_000])
