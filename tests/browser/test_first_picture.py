"""The first picture of the map: drawn before Leaflet and the panel are made, whole, and never drawn
otherwise after.
"""

from __future__ import annotations

import io

import geopandas as gpd
import made_up
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from geosettle.analysis import Result
from geosettle.maps import map_html
from geosettle.study import Study

pytestmark = pytest.mark.browser

SITE = (0xD5, 0x5E, 0x00)
ORIGIN = (0x1F, 0x2A, 0x44)


def crowd(columns=72, rows=50):
    """Sites on a grid, more of them than are drawn one by one; each has its origin half a step to
    the south.
    """
    lon, lat = (
        a.ravel() for a in np.meshgrid(np.linspace(70, 86, columns), np.linspace(36, 45, rows))
    )

    def frame(role, north):
        index = pd.Index([f"{role[0]}{i}" for i in range(len(lon))], name=f"{role}_id")
        names = {"name": [f"{role} {i}" for i in range(len(lon))], "households": 100.0}
        return gpd.GeoDataFrame(
            names, geometry=gpd.points_from_xy(lon, lat + north), crs=4326, index=index
        )

    sites, origins = frame("site", 0), frame("origin", -0.09).drop(columns="households")
    far = np.roll(
        sites.index, -5 * columns - 7
    )  # so that flows are long enough to be seen between the symbols
    index = pd.MultiIndex.from_arrays([origins.index, far], names=["origin_id", "site_id"])
    pairs = pd.DataFrame({"households": 100.0, "geodesic_km": 10.0}, index=index)
    return Result(
        Study(sites=sites, origins=origins), sites, origins, pairs, *[pd.DataFrame()] * 10
    )


@pytest.fixture(scope="module", params=["study", "crowd"])
def case(request):
    result = made_up.result(hostile=False) if request.param == "study" else crowd()
    return result, map_html(result)


def view(page, html, tmp_path, *, only_first):
    """Picture of the map. What follows the first picture waits until the page is parsed; not told
    so, there is only that.
    """
    file = tmp_path / f"{only_first}.html"
    file.write_text(html, encoding="utf-8")
    if only_first:
        page.add_init_script(
            "document.addEventListener('DOMContentLoaded', (e) => e.stopImmediatePropagation()); window.addEventListener('DOMContentLoaded', (e) => e.stopImmediatePropagation(), true);"
        )
    page.goto(file.as_uri())
    if not only_first:
        page.wait_for_selector("#gs-map[data-sites]")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return np.asarray(
        Image.open(io.BytesIO(page.locator("#gs-main").screenshot())).convert("RGB")
    ).astype(int)


def new_page(chromium):
    page = chromium.new_context(viewport={"width": 1440, "height": 900}, offline=True).new_page()
    page.set_default_timeout(30_000)
    return page


def has(picture, x, y, colour, tolerance=60):
    patch = picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
    return bool((np.abs(patch - colour).max(axis=2) <= tolerance).any())


def test_the_first_picture_has_every_site_and_origin_before_leaflet_is_there(
    chromium, case, tmp_path
):
    result, html = case
    first, last = new_page(chromium), new_page(chromium)
    early = view(first, html, tmp_path, only_first=True)
    assert first.evaluate("typeof L") == "undefined"
    assert first.locator("#gs-panel h1").count() == 0
    view(last, html, tmp_path, only_first=False)
    checked: list[bool] = []
    for frame, colour in ((result.sites, SITE), (result.origins, ORIGIN)):
        known = frame[frame.geometry.notna()]
        places = [[p.x, p.y] for p in known.geometry]
        points = last.evaluate(
            "(a) => a.map(([x, y]) => geosettle.map.latLngToContainerPoint([y, x]))", places
        )
        within = [
            p for p in points if 4 < p["x"] < early.shape[1] - 4 and 4 < p["y"] < early.shape[0] - 4
        ]
        checked += [has(early, p["x"], p["y"], colour) for p in within]
    # In the study some lie under another; on the grid each has a place of its own.
    assert np.mean(checked) == 1 if len(result.sites) > 3000 else np.mean(checked) > 0.7
    for page in (first, last):
        page.context.close()


def test_nothing_of_the_first_picture_moves_or_vanishes(chromium, case, tmp_path):
    result, html = case
    blue = 12 if len(result.sites) > 3000 else 40  # thin flows of a crowd are pale
    pictures = []
    for only_first in (True, False):
        page = new_page(chromium)
        pictures.append(view(page, html, tmp_path, only_first=only_first))
        page.context.close()
    # Names and controls come over it, and relief under it; sites and flows stay where they are not
    # covered.
    first, last = pictures
    orange = [np.abs(p - SITE).max(axis=2) < 30 for p in (first, last)]
    slack = blue // 3
    flows = [p[..., 2] - p[..., 0] > least for p, least in ((first, blue - slack), (last, blue))]
    for early, late in (orange, flows):
        assert late.sum() > 500
        assert (early & late).sum() >= 0.99 * late.sum()


def test_leaflet_draws_the_same_picture(chromium, case, tmp_path):
    """The picture that Leaflet took over, and the one that is painted when something changes, are
    the same pixels.
    """
    _, html = case
    page = new_page(chromium)
    view(page, html, tmp_path, only_first=False)
    pixels = "document.querySelector('.leaflet-gs-sheet-pane canvas').toDataURL()"
    taken_over = page.evaluate(pixels)
    for action in (page.uncheck, page.check):
        action("[data-layer='flows']")
        page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
    assert page.evaluate(pixels) == taken_over
    page.context.close()
