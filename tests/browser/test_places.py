"""Sites that share a position, persons where households are unknown, the filter on the map."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from looking import at, counts, near_colour, pixels, settle, written

import geosettle as gs
from geosettle import style
from geosettle.maps import map_html

pytestmark = pytest.mark.browser

NAMES = ["Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir"]


def study(*, households: bool = True, moves: bool = True) -> gs.Study:
    """Four of six sites are at one position; two moves go to one of them, one to another."""
    count = [30.0, 70.0, 110.0, np.nan, 90.0, 500.0]
    sites = gpd.GeoDataFrame(
        {"name": NAMES, "households" if households else "persons": count},
        geometry=gpd.points_from_xy([21.0] * 4 + [21.6, 22.2], [9.0] * 4 + [9.4, 9.1]),
        index=pd.Index(list("abcdef"), name="site_id"),
        crs=4326,
    )
    if not moves:
        return gs.Study(sites=sites)
    origins = gpd.GeoDataFrame(
        {"name": ["Old Ash", "Old Elm", "Nowhere"]},
        geometry=[*gpd.points_from_xy([21.3, 22.0], [9.6, 9.7]), None],
        index=pd.Index(["x", "y", "z"], name="origin_id"),
        crs=4326,
    )
    flows = pd.DataFrame({"origin_id": ["x", "y", "z"], "site_id": ["a", "e", "a"]})
    return gs.Study(sites=sites, origins=origins, flows=flows)


@pytest.fixture(scope="module")
def html():
    return map_html(gs.analyse(study()))


def test_sites_at_one_position_are_one_symbol_with_their_number_and_sum(open_page, html):
    with open_page(html) as page:
        assert counts(page)["sites"] == 6
        texts = written(page, "() => geosettle.select(null)")
        assert "4" in texts
        assert "\u2068Cedar\u2069 and 3 more" in texts
        assert not {"\u2068Ash\u2069", "\u2068Birch\u2069", "\u2068Dogwood\u2069"} & set(texts)
        sizes = {row[0]: row[1:] for row in page.evaluate("geosettle.siteSizes()")}
        assert sizes["c"][0] == 30 + 70 + 110
        assert set(sizes) == {"c", "e", "f"}
        # The half diagonal goes with the square root of what it counts.
        assert sizes["c"][1] / sizes["f"][1] == pytest.approx((210 / 500) ** 0.5, rel=1e-6)


def test_a_click_lists_all_sites_of_the_position(open_page, html):
    with open_page(html) as page:
        page.mouse.click(*at(page, 21.0, 9.0))
        here = page.inner_text("#gs-here")
        assert here.startswith("4 sites at this position: 210 households")
        assert all(name in here for name in NAMES[:4])
        page.get_by_role("button", name="Ash", exact=True).first.click()
        assert page.inner_text("#gs-card h2") == "Ash"
        assert page.locator("#gs-here b").inner_text() == "Ash"
        facts = page.inner_text("#gs-card dl")
        assert "Id\na" in facts
        assert "1 of 2" in page.inner_text("#gs-card")
        page.mouse.click(*at(page, 21.6, 9.4))
        assert page.locator("#gs-here").count() == 0


def test_persons_size_the_symbols_where_households_are_unknown(open_page):
    with open_page(map_html(gs.analyse(study(households=False, moves=False)))) as page:
        assert "800" in page.inner_text(".gs-totals")
        assert "persons, reported by 5 of 6 sites" in page.inner_text(".gs-totals")
        assert "Settlement site (area: persons)" in page.inner_text("#gs-legend")
        assert "ouseholds" not in page.inner_text("body")
        assert page.inner_text("#gs-sites thead").split() == ["Site", "Persons"]
        page.mouse.click(*at(page, 22.2, 9.1))
        assert "Persons\n500" in page.inner_text("#gs-card dl")


def test_the_filter_filters_the_map(open_page, html):
    with open_page(html) as page:
        before = pixels(page)
        page.fill("#gs-filter", "elm")
        settle(page)
        assert counts(page) == {"sites": 1, "origins": 1, "flows": 1, "labels": 1}
        picture = pixels(page)
        assert near_colour(before, *at(page, 22.2, 9.1), style.SITE)
        assert not near_colour(picture, *at(page, 22.2, 9.1), style.SITE)
        assert near_colour(picture, *at(page, 21.6, 9.4), style.SITE)
        page.mouse.click(*at(page, 22.2, 9.1))
        assert page.is_hidden("#gs-card")
        page.fill("#gs-filter", "birch")
        settle(page)
        # Alone at its position now, it is a symbol of its own.
        assert counts(page)["sites"] == 1
        assert page.evaluate("geosettle.siteSizes().map((r) => r[0])")[0] == "b"
        page.fill("#gs-filter", "")
        settle(page)
        assert counts(page)["sites"] == 6


def test_one_can_zoom_to_single_houses(open_page, html):
    with open_page(html, fragment="#map=18/9.0000/21.0000") as page:
        assert page.evaluate("geosettle.map.getZoom()") == 18
        texts = written(page, "() => geosettle.select(null)")
        assert "9.000°N" in texts
        assert page.inner_text(".gs-scalebar").endswith(" m")


@pytest.mark.parametrize("part", ["sites_table", "view", "charts"])
def test_a_page_without_one_of_its_parts_still_opens(open_page, monkeypatch, part):
    from geosettle.maps import page_data

    def fails(*_: object) -> None:
        raise ArithmeticError

    result = gs.analyse(study())
    monkeypatch.setattr(page_data, part, fails)
    with open_page(map_html(result, problems=[])) as page:
        assert counts(page)["sites"] == (0 if part == "sites_table" else 6)
        assert page.is_visible(".gs-totals")


def test_a_place_somewhere_in_an_area_has_its_outline_and_no_disc(open_page):
    given = study()
    area = shapely.Polygon([(21.1, 9.5), (21.5, 9.5), (21.5, 9.75), (21.3, 9.6), (21.1, 9.75)])
    origins = given.origins.assign(uncertainty_km=[25.0, 6.0, np.nan])
    whole = gs.Study(
        sites=given.sites, origins=origins, flows=given.flows, regions={"origins": {"x": area}}
    )
    hide = "#hide=sites,origins,flows,labels,graticule"
    with open_page(map_html(gs.analyse(whole)), fragment=hide) as page:
        assert "True location is within this disc or area" in page.inner_text("#gs-legend")
        picture = pixels(page)
        bare = picture[5, 700]

        def differs(lon, lat):
            x, y = map(round, at(page, lon, lat))
            return np.abs(picture[y, x] - bare).max() > 1

        assert differs(21.3, 9.55)  # inside the area
        assert not differs(21.3, 9.7)  # in its bay, which a disc of 25 km would fill
        assert not differs(21.3, 9.45)
        assert differs(22.02, 9.71)  # the other origin keeps its disc
    alone = origins.assign(uncertainty_km=[25.0, np.nan, np.nan])
    whole = gs.Study(
        sites=given.sites, origins=alone, flows=given.flows, regions={"origins": {"x": area}}
    )
    with open_page(map_html(gs.analyse(whole))) as page:
        legend = page.inner_text("#gs-legend")
        assert "True location is within this area" in legend
        assert "disc" not in legend
