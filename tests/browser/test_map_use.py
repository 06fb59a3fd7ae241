"""The map in use: what follows one action after another, on paper, in the other language, in
windows of any size.
"""

from __future__ import annotations

import dataclasses
import io
import re

import numpy as np
import pandas as pd
import pytest
from looking import at, near_colour, pixels, settle, until, written
from PIL import Image

from geosettle.geodesy import GEOD
from geosettle.maps import map_html

pytestmark = pytest.mark.browser

CARD_LEFT = "document.getElementById('gs-card').getBoundingClientRect().left"


def slide(page, name, value):
    """Move a slider and let go of it."""
    page.evaluate(
        "([id, v]) => { const s = document.getElementById(id); s.value = v; for (const e of ['input', 'change']) s.dispatchEvent(new Event(e)); }",
        [name, value],
    )


def lines(page):
    """Every text of the page and of its spoken attributes."""
    return page.evaluate(
        """() => {
          const texts = [document.title];
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walk.nextNode()) if (!walk.currentNode.parentElement.closest('script')) texts.push(walk.currentNode.data);
          for (const e of document.querySelectorAll('*')) for (const a of ['aria-label', 'title', 'alt', 'placeholder']) if (e.hasAttribute(a)) texts.push(e.getAttribute(a));
          return texts.filter((t) => t.trim());
        }"""
    )


# --- one action after another
# ------------------------------------------------------------------------------------------


def test_two_quick_choices_end_at_the_second(open_page, plain_html):
    with open_page(plain_html) as page:
        page.evaluate("geosettle.select({kind: 'site', row: 5}, true)")
        until(page, "!geosettle.map._animatingZoom")
        page.wait_for_timeout(300)
        wanted = page.evaluate("geosettle.map.getCenter()")
        whole = page.evaluate(
            "document.getElementById('gs-reset').click(), geosettle.map.getZoom()"
        )
        for row in (9, 5):
            page.evaluate("(row) => geosettle.select({kind: 'site', row}, true)", row)
            settle(page)
        until(page, "!geosettle.map._animatingZoom")
        page.wait_for_timeout(400)
        found = page.evaluate("geosettle.map.getCenter()")
        assert [found["lat"], found["lng"]] == pytest.approx(
            [wanted["lat"], wanted["lng"]], abs=0.02
        )
        page.evaluate("geosettle.select({kind: 'site', row: 9}, true)")
        settle(page)
        page.evaluate("document.getElementById('gs-reset').click()")
        page.wait_for_timeout(400)
        assert page.evaluate("geosettle.map.getZoom()") == whole


def test_nothing_of_a_comparison_stays_when_its_layer_is_put_away(open_page, plain_html):
    with open_page(plain_html) as page:
        page.select_option("#gs-area", "landcover_2005")
        page.select_option("#gs-compare", "landcover_2019")
        assert page.locator(".leaflet-gs-right-pane img").count() == 1
        page.select_option("#gs-area", "")
        assert (
            page.locator(
                ".leaflet-gs-right-pane img, .leaflet-gs-left-pane img, .gs-divider"
            ).count()
            == 0
        )


def test_a_disc_waits_for_the_year_of_its_site(open_page, plain):
    alone = dataclasses.replace(plain, origins=plain.origins.drop(columns="uncertainty_km"))
    hide = "hide=relief,oasis,rivers,surroundings,graticule,boundaries,development,flows,places,origins,sites,labels"
    with open_page(map_html(alone), fragment=f"#{hide}") as page:
        everything = pixels(page)
        slide(page, "gs-year", 2001)
        then = pixels(page)
        late = alone.sites[
            (alone.sites["year"] > 2005)
            & (alone.sites["uncertainty_km"] > 12)
            & alone.sites.geometry.notna()
        ]
        seen = 0
        for point in late.geometry:
            x, y = map(round, at(page, point.x, point.y))
            if 20 < x < 1000 and 20 < y < 880:
                assert np.abs(everything[y, x] - then[y, x]).max() > 2
                seen += 1
        assert seen > 2


def test_escape_leads_back_to_where_the_card_was_opened(open_page, plain_html):
    with open_page(plain_html) as page:
        page.locator("[data-row='site:3']").click()
        page.focus("#gs-close")
        page.keyboard.press("Escape")
        assert page.is_hidden("#gs-card")
        assert page.evaluate("document.activeElement.dataset.row") == "site:3"


# --- links
# -------------------------------------------------------------------------------------------------------------


def test_a_link_carries_opacity_and_filter(open_page, plain_html):
    with open_page(plain_html) as page:
        page.select_option("#gs-area", "walk_h")
        slide(page, "gs-opacity", 35)
        page.fill("#gs-filter", "Site 2")
        copied = page.evaluate("location.hash")
        shown = page.locator("#gs-sites tbody tr").count()
    with open_page(plain_html, fragment=copied) as page:
        assert (
            page.evaluate("document.querySelector('.leaflet-gs-left-pane img').style.opacity")
            == "0.35"
        )
        assert page.input_value("#gs-opacity") == "35"
        assert page.input_value("#gs-filter") == "Site 2"
        assert page.locator("#gs-sites tbody tr").count() == shown < 31
    with open_page(plain_html, fragment="#area=walk_h&opacity=900&filter=%") as page:
        assert page.input_value("#gs-opacity") == "70"
        assert page.input_value("#gs-filter") == ""


def test_a_link_followed_within_the_page_and_the_way_back(open_page, plain_html):
    with open_page(plain_html) as page:
        page.uncheck("[data-layer='flows']")
        first = page.evaluate("location.hash")
        page.evaluate("location.hash = '#map=8/38.5/77.5&site=s3&lang=zh&area=walk_h'")
        until(page, "document.documentElement.lang === 'zh-Hans'")
        assert "Site 3" in page.text_content("#gs-card h2")
        assert page.input_value("#gs-area") == "walk_h"
        assert page.is_checked("[data-layer='flows']")
        assert page.evaluate("geosettle.map.getZoom()") == 8
        page.go_back()
        until(page, "document.documentElement.lang === 'en'")
        assert page.evaluate("location.hash") == first
        assert page.is_hidden("#gs-card")
        assert not page.is_checked("[data-layer='flows']")
        assert page.locator(".leaflet-gs-left-pane img").count() == 0


def test_the_skip_link_leaves_the_permalink_as_it_is(open_page, plain_html):
    with open_page(plain_html, fragment="#site=s3&lang=zh") as page:
        before = page.evaluate("location.hash")
        page.evaluate("document.activeElement.blur()")
        page.focus(".gs-skip")
        assert page.text_content(".gs-skip") == "跳到数据表"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "gs-tables"
        assert page.evaluate("location.hash") == before
        assert page.is_visible("#gs-card")


# --- the card
# ----------------------------------------------------------------------------------------------------------


def test_the_card_covers_neither_the_site_nor_the_origins_there_is_room_for(
    open_page, plain, plain_html
):
    placed = plain.sites.geometry.dropna()
    flows = plain.pairs.reset_index()
    with open_page(plain_html, width=1400) as page:
        for site, point in placed.iloc[::3].items():
            page.evaluate("document.getElementById('gs-reset').click()")
            page.evaluate(
                "(row) => geosettle.select({kind: 'site', row})", plain.sites.index.get_loc(site)
            )
            left = page.evaluate(CARD_LEFT)
            ends = plain.origins.geometry.reindex(
                flows.loc[flows["site_id"] == site, "origin_id"]
            ).dropna()
            x = [at(page, p.x, p.y)[0] for p in (point, *ends)]
            assert x[0] < left, site
            assert max(x) < left or min(x) < 60, site
    east = placed.x.idxmax()
    with open_page(plain_html, width=1400, fragment=f"#site={east}") as page:
        x, y = at(page, placed[east].x, placed[east].y)
        assert x < page.evaluate(CARD_LEFT)
        assert near_colour(pixels(page), x, y, "#111111")


@pytest.mark.parametrize("width", [1000, 620])
def test_what_is_selected_stays_in_sight_when_the_window_changes(
    open_page, plain, plain_html, width
):
    point = plain.sites.geometry["s3"]
    with open_page(plain_html, width=1400) as page:
        page.evaluate(
            "geosettle.select({kind: 'site', row: 3}); geosettle.map.panBy([-420, -330], {animate: false})"
        )
        page.set_viewport_size({"width": width, "height": 640})
        until(page, f"geosettle.map.getSize().x <= {width}")
        page.wait_for_timeout(200)
        x, y = at(page, point.x, point.y)
        size = page.evaluate("geosettle.map.getSize()")
        assert 0 < y < size["y"]
        assert 0 < x < (page.evaluate(CARD_LEFT) if width > 820 else size["x"])


def test_a_window_that_changes_leaves_the_reader_where_they_went(open_page, plain_html):
    """A phone's address bar comes and goes: the map must not jump back each time."""
    with open_page(plain_html, fragment="#site=s3&map=9/36.5/81.5") as page:
        page.evaluate("geosettle.map.setView([36.5, 81.5], 9, {animate: false})")
        page.set_viewport_size({"width": 1440, "height": 840})
        until(page, "geosettle.map.getSize().y === 840")
        page.wait_for_timeout(200)
        center = page.evaluate("geosettle.map.getCenter()")
        assert [center["lat"], center["lng"]] == pytest.approx([36.5, 81.5], abs=0.01)


def test_hectares_are_as_fine_as_the_position_allows(open_page, plain):
    """A disc of 15 km moved by 9 km gains or loses at most 2 · 15 · 9 km² = 27,000 ha: the
    thousands are the last place.
    """
    covers = plain.covers.assign(
        area_ha=plain.covers["layer"].map({"oasis": 30157.8, "development": 1666.7})
    )
    sites = plain.sites.assign(
        uncertainty_km=plain.sites["uncertainty_km"]
        .mask(plain.sites.index == "s0", 9.0)
        .mask(plain.sites.index == "s1"),
        oasis_15km_ha=30157.8,
    )
    with open_page(
        map_html(dataclasses.replace(plain, covers=covers, sites=sites)), fragment="#site=s0"
    ) as page:
        card = page.text_content("#gs-card")
        assert "30,000\u00a0ha" in card
        assert "30,158" not in card
        chart = page.locator("#gs-card svg[aria-label^='Land within']").get_attribute("aria-label")
        assert chart.endswith("Oasis 30,000; forage 1,700")
        page.locator("[data-row='site:1']").click()
        assert "30,158\u00a0ha" in page.text_content("#gs-card")


def test_numbers_are_written_as_finely_as_they_are_known(open_page, plain):
    few = plain.sites.index[:3]
    gini = pd.DataFrame(
        {"role": "site", "metric": "geodesic", "unit": "ratio", "id": few, "indicator": "land_gini", "value": [0.04, 0.237, 1.0], "low": [0.01, 0.2, 0.9], "high": [0.09, 0.31, 1.0]}
    )  # fmt: skip
    shown = dataclasses.replace(plain, remoteness=pd.concat([plain.remoteness, gini]))
    with open_page(map_html(shown), fragment="#by=land_gini:geodesic") as page:
        assert [
            re.split("\u2013", t)[0]
            for t in page.locator("#gs-indicator .gs-classes li").all_text_contents()
        ] == ["0.04", "0.24", "1", "no data"]
        assert "0.24" in page.locator("#gs-sites tr:has([data-row='site:1'])").text_content()
        page.select_option("#gs-colour", "")
        means = [
            t
            for t in page.locator("#gs-sites tbody td:nth-child(4)").all_text_contents()
            if t != "—"
        ]
        assert len(means) > 5
        assert not [t for t in means if "." in t and float(t.replace(",", "")) >= 10]
        page.evaluate("geosettle.select({kind: 'site', row: 0})")
        assert re.search(r"Gini.*straight line 0\.04 0\.01 to 0\.09", page.text_content("#gs-card"))


def test_each_ring_is_named_where_it_is_seen(open_page, plain, plain_html):
    point = plain.sites.geometry["s10"]
    with open_page(plain_html) as page:
        page.evaluate(
            "([x, y]) => geosettle.map.setView([y - 0.35, x + 0.2], 9, {animate: false})",
            [point.x, point.y],
        )
        texts = written(page, "(g) => g.select({kind: 'site', row: 10})")
        assert {"25 km", "50 km", "100 km"} <= set(texts)


# --- languages
# ---------------------------------------------------------------------------------------------------------


def test_no_text_of_the_other_language_is_left(open_page, plain):
    units = {"gini": "ratio", "gravity": "index", "hours": "h_per_year"}
    some = [plain.remoteness.assign(indicator=f"land_{k}", unit=u) for k, u in units.items()]
    sites = plain.sites.assign(oasis_15km_ha=1000.0, name="甲", county="乙", prefecture="丙")
    shown = dataclasses.replace(
        plain,
        sites=sites,
        origins=plain.origins.assign(name="丁"),
        remoteness=pd.concat([plain.remoteness.assign(indicator="land_mean"), *some]),
        livelihood=plain.livelihood.iloc[:0],
    )
    with open_page(
        map_html(shown), fragment="#site=s4&by=land_mean:geodesic&area=walk_h&parcels=year"
    ) as page:
        assert not [t for t in lines(page) if "{" in t]
        english = set(lines(page))
        assert not [t for t in english if re.fullmatch(r"[a-z]+(_[a-z]+)+", t)], "keys, not words"
        for _ in range(2):
            page.click("#gs-language")
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            page.mouse.move(*at(page, sites.geometry["s4"].x, sites.geometry["s4"].y))
            chinese = lines(page)
            known = r"WGS84|geosettle [\d.]+|[0-9a-f]{12}|Leaflet|English|PNG|CSV|Web|Made-up study|made up|nobody|sites|Town|Seat|gravity|hours|land|\d°[NSEW]"
            left = [t for t in chinese if re.search(r"[A-Za-z]{2,}", re.sub(known, "", t))]
            # What the study itself calls things stays as it is.
            assert not [
                t
                for t in left
                if t in english and not re.search(r"forage|Grassland|Cropland|Barren|`|\$", t)
            ], left
            assert page.get_attribute(".leaflet-control-zoom-in", "title") == "放大"
            assert "公里" in page.text_content(".gs-scalebar")
            assert not re.search(r"\d\s*(km|ha|h)\b", page.text_content("#gs-card"))
            page.click("#gs-language")
            back = set(lines(page))
            assert not [
                t
                for t in back
                if re.search(r"[\u4e00-\u9fff]", t)
                and t not in {"甲", "乙", "丙", "丁", "中文"}
                and t not in english
            ]
            assert page.get_attribute(".leaflet-control-zoom-in", "title") == "Zoom in"


def test_the_card_is_headed_in_the_readers_language(open_page, plain):
    sites = plain.sites.assign(name_local=[f"地点{i}" for i in range(len(plain.sites))])
    with open_page(map_html(dataclasses.replace(plain, sites=sites)), fragment="#site=s3") as page:
        assert page.text_content("#gs-card h2") == "Site 3"
        assert page.text_content("#gs-card .gs-sub") == "地点3"
        page.click("#gs-language")
        assert page.text_content("#gs-card h2") == "地点3"
        assert page.text_content("#gs-card .gs-sub") == "Site 3"


# --- taking it along
# ---------------------------------------------------------------------------------------------------


def test_the_picture_names_both_sides_and_every_symbol(open_page, plain_html):
    with open_page(
        plain_html, fragment="#area=landcover_2005&with=landcover_2019&site=s3&lang=zh"
    ) as page:
        texts = written(page, "(g) => g.exportPng()")
        for text in (
            "土地覆被 2005",
            "土地覆被 2019",
            "安置点\uff0c户数未报告",
            "最细\uff1a户数未报告",
            "距所选地点的距离",
        ):
            assert text in texts, text
        subtitle = page.text_content(".gs-sub")
        assert re.sub(r"\n", "", subtitle) in "".join(texts), "words and numbers keep their spaces"


@pytest.mark.parametrize(
    "fragment",
    [
        "#site=s3",
        "#lang=zh&area=landcover_2005&with=walk_h&by=mean:geodesic",
        "#by=mean:geodesic&parcels=year",
    ],
)
def test_the_first_sheet_holds_the_map_and_all_its_legends(open_page, plain_html, fragment):
    with open_page(
        plain_html, width=1047, height=718, fragment=fragment
    ) as page:  # A4 across, less its margins
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        settle(page)
        sheet = {name: page.locator(name).bounding_box() for name in ("#gs-map", "#gs-legend")}
        assert sheet["#gs-legend"]["y"] + sheet["#gs-legend"]["height"] <= 718
        assert sheet["#gs-map"]["height"] > 300
        if "site" in fragment:
            card = page.locator("#gs-card")
            assert (
                card.bounding_box()["y"] >= sheet["#gs-legend"]["y"] + sheet["#gs-legend"]["height"]
            )
            assert card.evaluate("(c) => c.scrollHeight - c.clientHeight") <= 1
            assert page.locator("#gs-card details:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.evaluate("document.getElementById('gs-map').style.height") == ""


# --- for everyone
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 820])
def test_a_row_chosen_below_the_map_leads_up_to_it(open_page, plain_html, width):
    with open_page(plain_html, width=width, height=844, mobile=True) as page:
        row = page.locator("[data-row='origin:40']")
        row.scroll_into_view_if_needed()
        assert page.evaluate("scrollY") > 800
        row.tap()
        until(page, "scrollY < 5")
        assert page.locator("#gs-card").bounding_box()["y"] < 844


def test_a_finger_leaves_no_tip_over_the_map(open_page, plain, plain_html):
    point = plain.sites.geometry[plain.sites[plain.sites.geometry.notna()]["households"].idxmax()]
    with open_page(plain_html, width=390, height=844, mobile=True) as page:
        page.touchscreen.tap(*at(page, point.x, point.y))
        until(page, "!document.getElementById('gs-card').hidden")
        assert page.is_hidden("#gs-tip")


def test_legends_keep_their_colours_where_the_reader_has_colours_of_their_own(
    open_page, plain_html
):
    with open_page(plain_html, fragment="#by=mean:geodesic&area=walk_h") as page:
        page.emulate_media(forced_colors="active")
        for box, colour in (
            ("#gs-indicator .gs-classes i", (0xFD, 0xE7, 0x25)),
            ("#gs-areas .gs-ramp li:last-child i", None),
        ):
            node = page.locator(box).first
            seen = np.asarray(Image.open(io.BytesIO(node.screenshot())).convert("RGB")).astype(int)[
                6, 9
            ]
            wanted = colour or [
                int(v) for v in re.findall(r"\d+", node.evaluate("(i) => i.style.backgroundColor"))
            ]
            assert np.abs(seen - wanted).max() <= 2


def test_rings_reach_as_far_as_they_say(open_page, plain, plain_html):
    """Pixels of the ring of 100 km at four azimuths, whose ends the ellipsoid gives."""
    point = plain.sites.geometry["s10"]
    hide = "hide=relief,oasis,rivers,surroundings,graticule,boundaries,development,flows,places,origins,uncertainty,labels"
    with open_page(plain_html, fragment=f"#{hide}") as page:
        page.evaluate(
            "([x, y]) => geosettle.map.setView([y, x], 8.5, {animate: false})", [point.x, point.y]
        )
        before = pixels(page)
        page.evaluate(
            "document.getElementById('gs-card').style.visibility = 'hidden'; geosettle.select({kind: 'site', row: 10})"
        )
        after = pixels(page)
        for azimuth in range(200, 350, 10):
            lon, lat, _ = GEOD.fwd(point.x, point.y, azimuth, 50_000)
            x, y = map(round, at(page, lon, lat))
            patch = (slice(y - 4, y + 5), slice(x - 4, x + 5))
            assert np.abs(after[patch] - before[patch]).max() > 60, azimuth


def test_no_name_stands_under_the_scale_of_the_picture(open_page, plain_html):
    with open_page(plain_html) as page:
        found = page.evaluate(
            """async () => {
              const { map, exportPng } = window.geosettle;
              const size = map.getSize();
              map.panBy([0, map.latLngToContainerPoint([37, 78]).y - size.y + 14], { animate: false });
              const seen = [];
              const own = CanvasRenderingContext2D.prototype.fillText;
              CanvasRenderingContext2D.prototype.fillText = function (text, x, y) { seen.push([text, x, y]); own.call(this, text, x, y); };
              await exportPng();
              CanvasRenderingContext2D.prototype.fillText = own;
              return seen.filter(([text, x, y]) => x < 150 && y > size.y - 40 && y < size.y && /[°]/.test(text)).map(([text]) => text);
            }"""
        )
        assert found == []


def test_names_of_rings_lie_on_top_of_flows_and_symbols(open_page, plain_html):
    with open_page(plain_html) as page:
        after = page.evaluate(
            """async () => {
              const made = [];
              const proto = CanvasRenderingContext2D.prototype;
              const own = { fill: proto.fill, fillText: proto.fillText };
              proto.fill = function (...rest) { made.push('symbol'); own.fill.apply(this, rest); };
              proto.fillText = function (text, ...rest) { made.push(text); own.fillText.call(this, text, ...rest); };
              window.geosettle.select({ kind: 'site', row: 10 });
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              Object.assign(proto, own);
              return made.slice(made.indexOf('50 km') + 1);
            }"""
        )
        assert "100 km" in after
        assert "symbol" not in after
