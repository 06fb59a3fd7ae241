"""The way of a move: its line on the map, its hours and heights in the card."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from affine import Affine
from looking import at, near_colour, pixels

import geosettle as gs
from geosettle import style
from geosettle.geodesy import GEOD
from geosettle.maps import map_html

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def html() -> str:
    """A ramp, 10 m up for each hundredth of a degree to the east; a larger and a smaller move."""

    def points(ids, name, lon, lat):
        index = pd.Index(ids, name=f"{name}_id")
        places = gpd.points_from_xy(lon, lat)
        return gpd.GeoDataFrame({"name": ids}, index=index, geometry=places, crs=4326)

    ramp = np.tile(np.arange(40.0) * 10, (30, 1))
    study = gs.Study(
        sites=points(["S"], "site", [76.345], [0.155]),
        origins=points(["Far", "Near"], "origin", [76.045, 76.245], [0.155, 0.205]),
        flows=pd.DataFrame(
            {"origin_id": ["Near", "Far"], "site_id": ["S", "S"], "households": [5, 90]}
        ),
        dem=gs.Raster(ramp, Affine(0.01, 0, 76, 0, -0.01, 0.3), unit="m"),
        settings={"distance": {"paths": ["walk"]}},
    )
    return map_html(gs.analyse(study))


def test_the_way_of_the_largest_move_is_drawn_first_and_another_can_be_chosen(open_page, html):
    with open_page(html, fragment="#site=S") as page:
        names = page.locator("#gs-way option").all_text_contents()
        assert [name.strip("\u2068\u2069").split("\u2069")[0] for name in names[1::2]] == [
            "Far",
            "Near",
        ]
        on_it, off_it = at(page, 76.15, 0.155), at(page, 76.29, 0.19)
        assert near_colour(pixels(page), *on_it, style.WAY, 40)
        assert not near_colour(pixels(page), *off_it, style.WAY, 40)
        page.select_option("#gs-way", index=0)
        assert not near_colour(pixels(page), *on_it, style.WAY, 40)
        assert page.locator("#gs-ways svg").count() == 0
        page.select_option("#gs-way", index=3)
        assert not near_colour(pixels(page), *on_it, style.WAY, 40)
        assert page.locator("#gs-ways svg").count() == 1
        link = page.evaluate("location.hash")
    with open_page(html, fragment=link) as page:
        assert page.input_value("#gs-way") == page.locator("#gs-way option").nth(3).get_attribute(
            "value"
        )


def test_the_card_tells_length_hours_and_heights(open_page, html):
    km = GEOD.inv(76.045, 0.155, 76.345, 0.155)[2] / 1000
    # from the centre of cell 4 to that of cell 34, up 10 m in each of 30 cells
    hours = km / (6 * np.exp(-3.5 * (300 / (1000 * km) + 0.05)))
    with open_page(html, fragment="#site=S") as page:
        told = page.text_content("#gs-ways dl")
        assert f"{km:.0f}\u00a0km" in told
        assert f"{hours:.1f}\u00a0h" in told
        assert "300 m up, 0 m down" in told
        chart = page.locator("#gs-ways svg")
        assert "40 to 340 m" in chart.get_attribute("aria-label")
        ends = page.evaluate(
            "(() => { const p = document.querySelector('#gs-ways path').getAttribute('d')"
            ".slice(1).split('L'); return [p[0], p[p.length - 1]].map((t) => +t.split(' ')[1]); })()"
        )
        assert ends[0] - ends[1] == pytest.approx(84)  # the whole height of the chart, upwards


def test_a_click_on_a_move_chooses_its_way(open_page, html):
    with open_page(html) as page:
        page.evaluate("geosettle.map.setView([0.18, 76.295], 12, { animate: false })")
        # the flow's curve bulges to one side: try points around its middle
        x, y = at(page, 76.295, 0.18)
        for dx in range(-60, 61, 4):
            page.mouse.move(x + dx, y + dx)
            if page.is_visible("#gs-tip") and "Near" in (page.text_content("#gs-tip") or ""):
                page.mouse.click(x + dx, y + dx)
                break
        chosen = page.locator("#gs-way option:checked").text_content()
        assert "Near" in chosen
