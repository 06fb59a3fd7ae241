"""Measuring on the map, full screen, the map inside another page, columns of the user's own."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from looking import at, near_colour, pixels, settle

import geosettle as gs
from geosettle import style
from geosettle.errors import UnknownNameError
from geosettle.geodesy import GEOD
from geosettle.maps import map_html

pytestmark = pytest.mark.browser

STATUS = ["built", "planned", "built", None, "<b>closed</b>", "built"]


def study() -> gs.Study:
    sites = gpd.GeoDataFrame(
        {
            "name": [f"Camp {i}" for i in range(6)],
            "households": [200.0, 100, 300, 50, 80, 120],
            "status": STATUS,
            "water_points": [1, 2, 3, 4, 5, 60],
        },
        geometry=gpd.points_from_xy([30.0, 30.4, 30.8, 31.2, 31.6, 32.0], [4.0, 4.5] * 3),
        index=pd.Index(list("abcdef"), name="site_id"),
        crs=4326,
    )
    return gs.Study(sites=sites)


@pytest.fixture(scope="module")
def result():
    return gs.analyse(study())


@pytest.fixture(scope="module")
def html(result):
    return map_html(result)


# --- measuring


def test_the_page_measures_as_pyproj_does(open_page, html):
    rng = np.random.default_rng(8)
    n = 400
    lon = rng.uniform(-180, 180, (n, 2))
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, (n, 2))))
    lon[:100, 1] = lon[:100, 0] + rng.uniform(-1, 1, 100)  # as near as one measures on a map
    lat[:100, 1] = np.clip(lat[:100, 0] + rng.uniform(-1, 1, 100), -90, 90)
    special = [[0, 0, 0, 0], [0, 0, 90, 0], [179.9, 1, -179.9, 1], [0, 90, 0, -90], [10, 90, 40, 0]]
    pairs = [*np.column_stack([lon[:, 0], lat[:, 0], lon[:, 1], lat[:, 1]]).tolist(), *special]
    with open_page(html) as page:
        found = page.evaluate("(all) => all.map((p) => geosettle.inverse(...p))", pairs)
        assert page.evaluate("geosettle.inverse(0, 0, 179.9, 0.1)") is None
    ahead, _, metres = GEOD.inv(*np.array(pairs).T)
    for pair, one, wanted, azimuth in zip(pairs, found, metres, ahead, strict=True):
        if one is None:
            assert wanted > 19_900_000, pair
            continue
        assert one["metres"] == pytest.approx(wanted, abs=0.01), pair
        if 1 < wanted < 19_000_000 and abs(pair[1]) < 89:
            assert np.cos(np.radians(one["azimuth"] - azimuth)) > 1 - 1e-9, pair
    assert sum(one is not None for one in found) > len(pairs) - 10


def test_two_clicks_give_a_distance_and_escape_ends(open_page, html):
    ends = (30.2, 4.1), (31.4, 4.6)
    with open_page(html) as page:
        page.click("#gs-measure")
        assert page.get_attribute("#gs-measure", "aria-pressed") == "true"
        assert page.inner_text(".gs-measured").startswith("Click two points")
        for end in ends:
            page.mouse.click(*at(page, *end))
        said = page.inner_text(".gs-measured")
        wanted = GEOD.inv(*ends[0], *ends[1])
        assert float(said.split("\u00a0km")[0]) == pytest.approx(wanted[2] / 1000, abs=1)
        assert f"bearing {wanted[0]:.0f}" in said
        assert page.text_content("#gs-live") == said
        assert page.is_hidden("#gs-card")  # a click measures, and selects nothing
        middle = GEOD.npts(*ends[0], *ends[1], 1)[0]
        assert near_colour(pixels(page), *at(page, *middle), style.SELECTED, 60)
        page.keyboard.press("Escape")
        assert page.is_hidden(".gs-measured")
        page.mouse.click(*at(page, 30.0, 4.0))
        assert page.is_visible("#gs-card")


def test_one_measures_with_the_keyboard_alone(open_page, html):
    with open_page(html) as page:
        page.focus("#gs-measure")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "gs-map"
        here = page.evaluate("geosettle.map.getCenter()")
        page.keyboard.press("Enter")
        page.evaluate("geosettle.map.panBy([160, 0], {animate: false})")
        there = page.evaluate("geosettle.map.getCenter()")
        page.keyboard.press("Enter")
        wanted = GEOD.inv(here["lng"], here["lat"], there["lng"], there["lat"])[2] / 1000
        said = float(page.inner_text(".gs-measured").split("\u00a0km")[0].replace(",", ""))
        assert said == pytest.approx(wanted, rel=0.001)


# --- full screen, and inside another page


def test_the_map_fills_the_screen_and_comes_back(open_page, html):
    with open_page(html) as page:
        before = page.locator("#gs-map").bounding_box()["width"]
        page.click("#gs-full")
        page.wait_for_timeout(300)
        assert page.evaluate("document.fullscreenElement.id") == "gs-main"
        assert page.locator("#gs-map").bounding_box()["width"] > before
        page.click("#gs-full")
        page.wait_for_timeout(300)
        assert page.evaluate("document.fullscreenElement") is None
        assert page.locator("#gs-map").bounding_box()["width"] == before


@pytest.mark.parametrize("size", [(600, 400), (900, 400)])
def test_in_a_frame_nothing_breaks_and_the_keyboard_gets_out_again(chromium, html, tmp_path, size):
    (tmp_path / "map.html").write_text(html, encoding="utf-8")
    width, height = size
    (tmp_path / "host.html").write_text(
        f'<!DOCTYPE html><title>Host</title><button id="before">a</button><br>'
        f'<iframe src="map.html" width="{width}" height="{height}" title="Map"></iframe>'
        f'<br><button id="after">b</button><div style="height: 3000px"></div>',
        encoding="utf-8",
    )
    page = chromium.new_context(viewport={"width": 1000, "height": 700}).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((tmp_path / "host.html").as_uri())
    frame = page.frames[1]
    frame.wait_for_selector("#gs-map[data-sites]")
    layout = frame.evaluate(
        """() => {
          const box = (s) => document.querySelector(s).getBoundingClientRect();
          const map = box('#gs-map');
          const inside = ['.leaflet-control-zoom', '.gs-tools', '.gs-scale'].map(box);
          return { wide: document.documentElement.scrollWidth - innerWidth, map: map.height,
            out: inside.filter((b) => b.bottom > map.bottom || b.right > map.right).length,
            over: inside.some((a, i) => inside.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)) };
        }"""
    )
    assert layout["wide"] <= 0
    assert layout["map"] >= 240
    assert layout["out"] == 0
    assert not layout["over"]
    # The wheel scrolls the page around it until the reader turns to the map.
    zoom = frame.evaluate("geosettle.map.getZoom()")
    page.mouse.move(150, 200)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(300)
    assert frame.evaluate("geosettle.map.getZoom()") == zoom
    page.focus("#before")
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "after":
            break
    assert page.evaluate("document.activeElement.id") == "after"
    assert not wrong
    page.context.close()


@pytest.mark.parametrize("size", [(390, 844), (600, 400)])
def test_what_a_finger_touches_is_large_enough(open_page, result, size):
    html = map_html(result, columns=["status"])
    with open_page(html, width=size[0], height=size[1], mobile=True) as page:
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, select, summary, input[type=search], .leaflet-bar a, .gs-legend label')]
              .filter((n) => n.offsetParent).map((n) => [n.id || n.className || n.textContent, n.getBoundingClientRect()])
              .filter(([, r]) => r.height < 43.5).map(([name, r]) => [name, r.height])"""
        )
        assert small == []


# --- columns of the user's own


def test_sites_are_coloured_by_a_column_of_the_users_own(open_page, result, html):
    assert "water_points" not in html  # nothing that was not asked
    own = map_html(result, columns=["status", "water_points"])
    with open_page(own, fragment="#by=own%3Astatus&hide=labels,graticule") as page:
        legend = page.locator("#gs-indicator .gs-classes li").all_inner_texts()
        assert legend == ["built", "<b>closed</b>", "planned", "no data"]
        picture = pixels(page)
        colour = dict(zip(["built", "<b>closed</b>", "planned"], style.CATEGORIES, strict=False))
        for text, point in zip(STATUS, result.sites.geometry, strict=True):
            wanted = colour.get(text, "#E4E4E0")
            assert near_colour(picture, *at(page, point.x, point.y), wanted), text
        page.mouse.click(*at(page, 31.6, 4.0))
        assert "Status\n<b>closed</b>" in page.inner_text("#gs-card dl")
        assert "Water points\n5" in page.inner_text("#gs-card dl")
        page.select_option("#gs-colour", label="Water points")
        settle(page)
        assert page.locator("#gs-indicator .gs-classes li").count() == 5
        assert page.locator("#gs-sites tbody td").all_inner_texts()[1] == "3"
    with pytest.raises(UnknownNameError, match="no such column"):
        map_html(result, columns=["statsu"])


def test_more_levels_than_colours_share_the_last(open_page):
    sites = study().sites.loc[["a"] * 14].reset_index(drop=True).rename_axis("site_id")
    sites.index = sites.index.astype(str)
    sites["status"] = [f"level {k}" for k in range(14)]
    result = gs.analyse(gs.Study(sites=sites))
    with open_page(map_html(result, columns=["status"]), fragment="#by=own%3Astatus") as page:
        legend = page.locator("#gs-indicator .gs-classes li").all_inner_texts()
        assert len(legend) == len(style.CATEGORIES) + 1
        assert legend[-1] == "all others"
