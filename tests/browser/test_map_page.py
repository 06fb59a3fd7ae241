"""The map in a real browser: what is drawn, what can be done with it, and that nothing else
happens.

`open_page` fails a test whenever the page asks for anything, writes to the console, throws, or runs
text of the data.
"""

from __future__ import annotations

import json
import re

import geopandas as gpd
import made_up
import numpy as np
import pytest
import references
from axe_playwright_python.sync_playwright import Axe
from looking import at, counts, near_colour, pixels, settle, until
from PIL import Image

import geosettle as gs
from geosettle.geodesy import GEOD
from geosettle.maps import map_html, render

pytestmark = pytest.mark.browser


# --- loading
# -----------------------------------------------------------------------------------------------------------


def test_it_draws_every_site_origin_and_flow_that_has_a_place(open_page, plain, plain_html):
    known = {
        name: frame.geometry.notna()
        for name, frame in (("sites", plain.sites), ("origins", plain.origins))
    }
    pairs = plain.pairs.reset_index()
    both = pairs["origin_id"].map(known["origins"]) & pairs["site_id"].map(known["sites"])
    with open_page(plain_html) as page:
        for name, count in (
            ("sites", known["sites"].sum()),
            ("origins", known["origins"].sum()),
            ("flows", both.sum()),
        ):
            assert int(page.get_attribute("#gs-map", f"data-{name}")) == count
            assert str(count) in page.text_content("#gs-live")
        assert page.locator("#gs-sites tbody tr").count() == len(plain.sites)
        assert (
            page.locator("#gs-unknown li").count()
            == (~known["sites"]).sum() + (~known["origins"]).sum()
        )


def test_symbols_stand_where_the_sites_are(open_page, plain, plain_html):
    with open_page(plain_html) as page:
        shown = page.evaluate(
            "[...document.querySelectorAll('[data-layer]:checked')].map((b) => b.dataset.layer)"
        )
        for layer in set(shown) - {"sites", "relief"}:
            page.uncheck(f"[data-layer='{layer}']")
        settle(page)
        picture = pixels(page)
        filled = plain.sites[plain.sites.geometry.notna() & plain.sites["households"].notna()]
        hollow = plain.sites[plain.sites.geometry.notna() & plain.sites["households"].isna()]
        for frame, colour in ((filled, "#D55E00"), (hollow, "#FFFFFF")):
            assert len(frame) > 3
            for point in frame.geometry:
                x, y = at(page, point.x, point.y)
                if 5 < x < 1000 and 5 < y < 890:
                    assert near_colour(picture, x, y, colour)


def test_every_hostile_string_is_shown_as_text(open_page, hostile_html):
    with open_page(hostile_html) as page:
        rows = page.locator("#gs-sites tbody th").all_text_contents()
        for text in made_up.HOSTILE:
            assert any(text in row for row in rows), text
        assert page.locator("img[src='x'], #gs-panel script, #gs-panel img").count() == 0
        options = page.locator("#gs-colour option").all_text_contents()
        assert any("<img src=x" in option for option in options)
        assert "</script><script>" in page.text_content(".gs-caveats")
        assert page.title() == json.loads(
            page.evaluate("JSON.stringify(document.querySelector('h1').textContent)")
        )


def test_hostile_strings_stay_text_through_every_action(open_page, hostile_html):
    with open_page(hostile_html) as page:
        for row in range(0, 28, 3):
            page.locator(f"[data-row='site:{row}']").click()
            assert page.is_visible("#gs-card")
        for row in range(0, 60, 9):
            page.locator(f"[data-row='origin:{row}']").click()
        page.select_option("#gs-colour", index=1)
        page.select_option("#gs-area", index=2)
        page.fill("#gs-filter", "<script>")
        assert page.locator("#gs-sites tbody tr").count() >= 2
        page.fill("#gs-filter", "{{7*7}}")
        assert page.locator("#gs-sites tbody tr").count() >= 1
        page.click("#gs-language")
        for x in range(60, 1000, 60):
            page.mouse.move(x, 480)
            page.mouse.move(x, 300)
        page.mouse.click(500, 400)
        with page.expect_download() as download:
            page.click("#gs-png")
        assert download.value.suggested_filename == "map.png"
        assert page.locator("img[src='x']").count() == 0


def test_a_link_with_hostile_text_does_nothing(open_page, plain_html):
    for fragment in (
        "#site=%",
        "#map=99/999/999&site=<img src=x onerror=window.__ran=1>",
        "#lang=constructor&area=__proto__",
        "#site=__proto__",
    ):
        with open_page(plain_html, fragment=fragment) as page:
            assert page.is_hidden("#gs-card")


def test_classes_are_shown_where_the_raster_has_them(open_page, plain, plain_html):
    """Raster.sample says which class a place has; the browser and Leaflet say which pixel it is.
    Neither uses our warp.
    """
    rng = np.random.default_rng(3)
    raster = plain.study.landcover[2019]
    with open_page(plain_html) as page:
        shown = page.evaluate(
            "[...document.querySelectorAll('[data-layer]:checked')].map((b) => b.dataset.layer)"
        )
        for layer in shown:
            page.uncheck(f"[data-layer='{layer}']")
        page.select_option("#gs-area", "landcover_2019")
        page.evaluate(
            "() => { const o = document.getElementById('gs-opacity'); o.value = 100; o.dispatchEvent(new Event('input')); }"
        )
        page.wait_for_timeout(300)
        settle(page)
        legend = {
            row.text_content(): row.locator("i").evaluate(
                "(i) => getComputedStyle(i).backgroundColor"
            )
            for row in page.locator(".gs-classes li").all()
        }
        picture = pixels(page)
        checked = 0
        for lon, lat in zip(
            rng.uniform(74.3, 81.5, 400), rng.uniform(36.2, 40.8, 400), strict=True
        ):
            around = raster.sample(
                lon + np.array([0, 0.06, -0.06, 0, 0]), lat + np.array([0, 0, 0, 0.06, -0.06])
            )
            x, y = at(page, lon, lat)
            under_control = (x < 140 and (y < 90 or y > 830)) or (x > 910 and y > 740)
            if len(set(around)) > 1 or under_control or not (5 < x < 1040 and 5 < y < 890):
                continue
            wanted = [
                int(v) for v in re.findall(r"\d+", legend[raster.classes[int(around[0])]])[:3]
            ]
            assert np.abs(picture[round(y), round(x)] - wanted).max() <= 2, (lon, lat)
            checked += 1
        assert checked > 250


# --- choosing
# ----------------------------------------------------------------------------------------------------------


def test_clicking_a_site_selects_it_and_the_empty_map_clears(open_page, plain, plain_html):
    site = plain.sites[plain.sites.geometry.notna()]["households"].idxmax()
    point = plain.sites.geometry[site]
    with open_page(plain_html) as page:
        x, y = at(page, point.x, point.y)
        page.mouse.move(x, y)
        assert plain.sites.at[site, "name"] in page.text_content("#gs-tip")
        page.mouse.click(x, y)
        card = page.text_content("#gs-card")
        assert plain.sites.at[site, "name"] in card
        assert f"{plain.sites.at[site, 'households']:,.0f}" in card
        assert "\u22124.0 to 1.0" in card
        assert page.locator("tr.gs-chosen").count() == 1
        assert f"site={site}" in page.evaluate("location.hash")
        settle(page)
        x, y = at(page, point.x, point.y)
        assert x < page.locator("#gs-card").bounding_box()["x"]
        assert near_colour(pixels(page), x, y, "#111111")
        page.click("#gs-close")
        assert page.is_hidden("#gs-card")


def test_the_card_draws_the_distances_of_its_origins(open_page, plain, plain_html):
    site = plain.pairs["geodesic_km"].dropna().groupby("site_id").size().idxmax()
    km = plain.pairs.xs(site, level="site_id")["geodesic_km"].dropna()
    with open_page(plain_html, fragment=f"#site={site}") as page:
        chart = page.locator("#gs-card svg").first
        assert chart.locator("circle").count() == min(12, len(km))
        label = chart.get_attribute("aria-label")
        for value in km.sort_values()[:12]:
            assert f"{value:,.1f}" in label or f"{value:,.0f}" in label
        assert page.locator("#gs-card figure").count() == 3


def test_the_table_sorts_and_filters_in_any_script(open_page, hostile_html):
    with open_page(hostile_html) as page:
        heads = page.locator("#gs-sites thead th")
        assert heads.nth(1).get_attribute("aria-sort") == "descending"
        page.click("[data-sort='site:households']")
        assert heads.nth(1).get_attribute("aria-sort") == "ascending"
        assert (
            page.evaluate("document.activeElement.getAttribute('data-sort')") == "site:households"
        )
        values = [
            float(t.replace(",", ""))
            for t in page.locator("#gs-sites tbody td:nth-child(2)").all_text_contents()
            if t != "—"
        ]
        assert values == sorted(values)
        for text in ("和田", "خوتەن", "YES49"):
            page.fill("#gs-filter", text)
            assert 1 <= page.locator("#gs-sites tbody tr").count() < 31
        page.fill("#gs-filter", "no such place")
        assert page.locator("#gs-sites tbody tr").count() == 0


def test_layers_can_be_hidden(open_page, plain_html):
    with open_page(plain_html) as page:
        before = pixels(page)
        page.uncheck("[data-layer='flows']")
        settle(page)
        assert np.abs(pixels(page) - before).sum() > 100_000


def test_the_year_slider_hides_what_came_later_and_plays(open_page, plain, plain_html):
    with open_page(plain_html) as page:
        everything = counts(page)
        page.evaluate(
            "(y) => { const s = document.getElementById('gs-year'); s.value = y; s.dispatchEvent(new Event('input')); }",
            2009,
        )
        settle(page)
        now = counts(page)
        placed = plain.sites[plain.sites.geometry.notna()]
        assert now["sites"] == (placed["year"] <= 2009).sum() < everything["sites"]
        assert now["flows"] < everything["flows"]
        page.click("#gs-play")
        until(page, "Number(document.getElementById('gs-year').value) >= 2011")
        page.click("#gs-play")
        assert counts(page)["sites"] >= now["sites"]


def test_sites_are_coloured_by_an_indicator_with_a_legend(open_page, plain, plain_html):
    with open_page(plain_html) as page:
        page.select_option("#gs-colour", index=1)
        settle(page)
        assert page.locator(".gs-classes li").count() == 6
        ends = [
            re.split(r"\u2013", t)[-1]
            for t in page.locator(".gs-classes li").all_text_contents()[:5]
        ]
        assert [float(e) for e in ends] == sorted(float(e) for e in ends)
        picture = pixels(page)
        first = plain.sites.geometry.iloc[0]
        assert near_colour(picture, *at(page, first.x, first.y), "#FDE725")


def test_two_layers_are_compared_at_a_divider(open_page, plain_html):
    with open_page(plain_html) as page:
        page.select_option("#gs-area", "landcover_2005")
        page.select_option("#gs-compare", "landcover_2019")
        assert page.text_content(".gs-side-left") == "Land cover 2005"
        left = "document.querySelector('.leaflet-gs-left-pane').style.clip"
        assert "rect(" in page.evaluate(left)
        settle(page)
        x, y = at(
            page, 77.5, 39.35
        )  # cropland in 2019 only, within 0.9 but not 0.4 degrees of its middle
        difference = {}
        for share in (5, 95):
            page.evaluate(
                "(v) => { const d = document.querySelector('.gs-divider'); d.value = v; d.dispatchEvent(new Event('input')); }",
                share,
            )
            settle(page)
            difference[share] = pixels(page)[round(y) - 20, round(x) + 20]
        assert np.abs(difference[5] - difference[95]).max() > 8
        page.select_option("#gs-compare", "")
        assert page.locator(".gs-divider").count() == 0
        assert page.evaluate(left) == ""


def test_opacity_changes_the_area_layer(open_page, plain_html):
    with open_page(plain_html) as page:
        page.select_option("#gs-area", "walk_h")
        page.evaluate(
            "() => { const o = document.getElementById('gs-opacity'); o.value = 20; o.dispatchEvent(new Event('input')); }"
        )
        assert (
            page.evaluate("document.querySelector('.leaflet-gs-left-pane img').style.opacity")
            == "0.2"
        )
        assert page.locator(".gs-ramp li").count() == 6


# --- reading
# -----------------------------------------------------------------------------------------------------------


def test_the_language_can_be_chosen_and_changed(open_page, plain):
    with open_page(map_html(plain, lang="zh")) as page:
        assert page.get_attribute("html", "lang") == "zh-Hans"
        assert "半数" in page.text_content("h1")
        page.click("#gs-language")
        assert page.get_attribute("html", "lang") == "en"
        assert "Half of the households" in page.text_content("h1")
        assert not re.search(r"[\u4e00-\u9fff]", page.text_content("#gs-legend"))
        assert "lang=en" in page.evaluate("location.hash")


def test_a_permalink_brings_back_view_and_choice(open_page, plain_html):
    with open_page(plain_html) as page:
        page.locator("[data-row='site:3']").click()
        until(page, "location.hash.includes('site=s3') && !geosettle.map._animatingZoom")
        page.wait_for_timeout(400)
        fragment = page.evaluate("location.hash")
        view = page.evaluate("({z: geosettle.map.getZoom(), c: geosettle.map.getCenter()})")
    with open_page(plain_html, fragment=fragment) as page:
        again = page.evaluate("({z: geosettle.map.getZoom(), c: geosettle.map.getCenter()})")
        assert again["z"] == view["z"]
        assert again["c"]["lat"] == pytest.approx(view["c"]["lat"], abs=2e-3)
        assert "Site 3" in page.text_content("#gs-card")


def test_rings_and_scale_are_geodesic(open_page, plain_html):
    with open_page(plain_html) as page:
        for lon, lat, azimuth, metres in (
            (76.0, 39.0, 45.0, 100_000),
            (-70.0, -53.0, 200.0, 25_000),
            (10.0, 0.0, 300.0, 300_000),
        ):
            found = page.evaluate("(a) => geosettle.destination(...a)", [lon, lat, azimuth, metres])
            x, y, _ = GEOD.fwd(lon, lat, azimuth, metres)
            assert found == pytest.approx([x, y], abs=1e-8)
        for lat in (0.0, 39.0, 60.0):
            degree = GEOD.inv(0, lat, 0.001, lat)[2] * 1000  # metres in a degree of longitude
            per_pixel = page.evaluate("(lat) => geosettle.metresPerPixel(lat, 6)", lat)
            assert per_pixel == pytest.approx(degree * 360 / (256 * 2**6), rel=1e-6)


def test_the_scale_bar_holds_at_the_latitude_of_the_pointer(open_page, plain_html):
    with open_page(plain_html) as page:
        lengths = {}
        for y in (60, 840):
            page.mouse.move(500, y)
            lat = float(re.match(r"([\d.]+)°N", page.text_content(".gs-coords")).group(1))
            km = float(page.text_content(".gs-scalebar").split()[0])
            width = page.evaluate(
                "document.querySelector('.gs-scalebar').getBoundingClientRect().width"
            )
            zoom = page.evaluate("geosettle.map.getZoom()")
            degree = GEOD.inv(0, lat, 0.001, lat)[2]
            lengths[y] = width * degree * 360 / (256 * 2**zoom) / km
        assert lengths[60] == pytest.approx(1, abs=0.01)
        assert lengths[840] == pytest.approx(1, abs=0.01)


def test_a_study_across_the_antimeridian_is_drawn_in_one_piece(open_page, plain):
    import geopandas as gpd
    import pandas as pd

    from geosettle.analysis import Result
    from geosettle.study import Study

    def places(names, lon, role):
        index = pd.Index(names, name=f"{role}_id")
        return gpd.GeoDataFrame(
            {"name": names, "households": [5.0, 7.0]},
            geometry=gpd.points_from_xy(lon, [-17.0, -17.5]),
            crs=4326,
            index=index,
        )

    sites, origins = (
        places(["A", "B"], [179.2, -179.4], "site"),
        places(["C", "D"], [-179.8, 178.5], "origin"),
    )
    pairs = pd.DataFrame(
        {"households": [5.0, 7.0], "geodesic_km": [118.0, 232.0]},
        index=pd.MultiIndex.from_tuples([("C", "A"), ("D", "B")], names=["origin_id", "site_id"]),
    )
    result = Result(
        Study(sites=sites, origins=origins), sites, origins, pairs, *[pd.DataFrame()] * 10
    )
    with open_page(map_html(result)) as page:
        bounds = page.evaluate(
            "(() => { const b = geosettle.map.getBounds(); return [b.getWest(), b.getEast()]; })()"
        )
        assert 176 < bounds[0] < bounds[1] < 184
        picture = pixels(page)
        for lon in (179.2, 180.6):
            lat = -17.0 if lon < 180 else -17.5
            assert near_colour(picture, *at(page, lon, lat), "#D55E00")
        page.mouse.move(*at(page, 180.6, -17.5))
        west = re.search(r"([\d.]+)°W", page.text_content(".gs-coords"))
        assert float(west.group(1)) == pytest.approx(179.4, abs=0.01)


# --- taking it along
# ---------------------------------------------------------------------------------------------------


def test_the_picture_is_the_map_with_title_legend_and_sources(
    open_page, plain, plain_html, tmp_path
):
    with open_page(plain_html) as page:
        with page.expect_download() as download:
            page.click("#gs-png")
        file = tmp_path / "map.png"
        download.value.save_as(file)
        size = page.evaluate("geosettle.map.getSize()")
        point = plain.sites.geometry[
            plain.sites[plain.sites.geometry.notna()]["households"].idxmax()
        ]
        x, y = at(page, point.x, point.y)
        picture = np.asarray(Image.open(file).convert("RGB")).astype(int)
        head = (
            int(np.argmax((picture[:, 0] < 250).any(axis=1))) // 2
        )  # the map begins where the margin is not white
        assert picture.shape[1] == 2 * size["x"]
        assert near_colour(picture, 2 * x, 2 * (y + head), "#D55E00")
        assert (picture[: 2 * head].max(axis=2) < 90).sum() > 1000  # the title
        foot = picture[2 * (head + size["y"]) + 80 :]
        assert (
            foot.min(axis=2) < 140
        ).sum() > 5000  # caveats and sources, as many lines as they need
        assert page.evaluate("geosettle.sitesCsv()").count("\r\n") == len(plain.sites) + 1


def test_the_table_leaves_as_text_that_no_spreadsheet_runs(open_page, hostile_html):
    with open_page(hostile_html) as page:
        csv = page.evaluate("geosettle.sitesCsv()")
        assert "'=1+1" in csv
        assert not re.search(r'(^|,)"?=1', csv, re.MULTILINE)


def test_print_gives_the_map_the_size_of_the_sheet(open_page, plain_html):
    with open_page(plain_html) as page:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        settle(page)
        box = page.locator("#gs-map").bounding_box()
        canvas = page.locator("#gs-map canvas").bounding_box()
        assert (box["width"], box["height"]) == (1040, 500)
        assert canvas["x"] <= box["x"]
        assert canvas["x"] + canvas["width"] >= box["x"] + box["width"]
        assert page.is_hidden(".gs-buttons")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        settle(page)
        assert page.locator("#gs-map").bounding_box()["width"] > 1040


# --- for everyone
# ------------------------------------------------------------------------------------------------------


def test_a_phone_shows_map_then_panel_without_sideways_scrolling(open_page, plain_html):
    with open_page(plain_html, width=390, height=844, scale=2, mobile=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert (
            page.locator("#gs-panel").bounding_box()["y"]
            >= page.locator("#gs-map").bounding_box()["height"]
        )
        page.locator("[data-row='site:3']").tap()
        assert page.is_visible("#gs-card")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for button in page.locator(".gs-buttons button").all():
            assert button.bounding_box()["height"] >= 24


def test_only_the_panel_scrolls(open_page, plain_html):
    """Texts for screen readers are placed within the panel, else they would make the page as long
    as it.
    """
    with open_page(plain_html, height=600) as page:
        assert page.evaluate("document.querySelector('#gs-panel').scrollHeight") > 600
        assert page.evaluate("document.documentElement.scrollHeight") == 600


def test_the_keyboard_alone_reaches_a_site(open_page, plain_html):
    with open_page(plain_html) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "gs-skip"
        page.keyboard.press("Enter")
        seen = []
        for _ in range(12):
            page.keyboard.press("Tab")
            seen.append(
                page.evaluate(
                    "document.activeElement.getAttribute('data-row') || document.activeElement.getAttribute('data-sort') || document.activeElement.id"
                )
            )
            if seen[-1].startswith("site:") and seen[-1][5:].isdigit():
                break
        assert "gs-filter" in seen
        zoom = page.evaluate("geosettle.map.getZoom()")
        page.keyboard.press("Enter")
        until(page, f"geosettle.map.getZoom() !== {zoom}")
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
        assert page.text_content("#gs-live")
        assert page.is_visible("#gs-card")
        page.keyboard.press("Escape")
        assert page.is_hidden("#gs-card")


@pytest.mark.parametrize(
    ("lang", "width", "fragment"),
    [
        ("en", 1440, ""),
        ("en", 1440, "#site=s3"),
        ("en", 390, "#site=s3"),
        ("zh", 1440, "#area=walk_h"),
        (
            "en",
            1440,
            "#by=mean:geodesic&parcels=year&site=s5&area=landcover_2005&with=landcover_2019",
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, plain, *, lang, width, fragment, scheme):
    html = map_html(plain, lang=lang)
    with open_page(html, width=width, fragment=fragment, scheme=scheme) as page:
        found = Axe().run(page).response["violations"]
        assert not [(v["id"], v["impact"], [n["target"] for n in v["nodes"]][:3]) for v in found]


def test_dark_screen_darkens_the_panel_and_keeps_the_picture_and_the_print(open_page, plain):
    page_colour = "getComputedStyle(document.querySelector('#gs-panel')).color"
    pictures = []
    for scheme, dark in (("light", False), ("dark", True)):
        with open_page(map_html(plain), scheme=scheme) as page:
            ink = [int(v) for v in re.findall(r"\d+", page.evaluate(page_colour))]
            assert (min(ink) > 200) == dark
            with page.expect_download() as saved:
                page.get_by_role("button", name="PNG", exact=True).click()
            pictures.append(saved.value.path().read_bytes())
            page.emulate_media(media="print")
            assert max(int(v) for v in re.findall(r"\d+", page.evaluate(page_colour))) < 80
    assert pictures[0] == pictures[1]


def test_a_new_element_of_a_generic_kind_is_one_entry(open_page, plain, monkeypatch):
    from geosettle.maps import elements, encoding

    def wells(_result, _settings):
        at = {
            "lon": encoding.column([77.0, 78.0], steps=100_000),
            "lat": encoding.column([40.5, 40.5], steps=100_000),
        }
        return {
            "parts": [
                {
                    "label": {"en": "Well", "zh": "井"},
                    "style": {"fill": "#FF00FF", "radius": 6},
                    **at,
                }
            ]
        }

    entry = elements.Element("wells", 130, "points", wells, {"en": "Wells", "zh": "井"})
    monkeypatch.setattr(elements, "ELEMENTS", {**elements.ELEMENTS, "wells": entry})
    with open_page(map_html(plain)) as page:
        picture = pixels(page)
        assert near_colour(picture, *at(page, 77.0, 40.5), "#FF00FF")
        assert "Well" in page.text_content("#gs-legend")
        page.uncheck("[data-layer='wells']")
        settle(page)
        assert not near_colour(pixels(page), *at(page, 77.0, 40.5), "#FF00FF")


# --- folium
# ------------------------------------------------------------------------------------------------------------


def test_a_users_own_layers_ride_on_top(open_page, plain):
    import folium

    shown = render(plain)
    folium.CircleMarker(
        [38.5, 78], radius=30, fill=True, popup="<b>mine</b> {{7*7}} ${1}", tooltip="own"
    ).add_to(shown)
    folium.GeoJson(
        {
            "type": "Feature",
            "properties": {"n": "{{7*7}}"},
            "geometry": {"type": "Point", "coordinates": [77, 39]},
        }
    ).add_to(shown)
    with open_page(shown.get_root().render()) as page:
        assert page.locator("path.leaflet-interactive").count() == 1
        assert page.locator(".leaflet-marker-icon").count() == 1
        page.locator("path.leaflet-interactive").click()
        assert "mine {{7*7}}" in page.text_content(".leaflet-popup-content")


def test_a_notebook_shows_it_in_a_frame(chromium, plain):
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.set_content(f"<body>{render(plain)._repr_html_()}</body>")
    frame = page.frame_locator("iframe")
    frame.locator("#gs-map[data-sites]").wait_for()
    assert frame.locator("#gs-sites tbody tr").count() == len(plain.sites)
    assert not errors
    page.close()


# --- change, years of land, links
# --------------------------------------------------------------------------------------


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def seen_near(picture, x, y, colour, *, up, reach=34):
    """Whether a colour is seen within an arrow's length above or below a place."""
    x, y = round(x), round(y)
    strip = (
        picture[max(0, y - reach) : y - 4, x - 2 : x + 3]
        if up
        else picture[y + 4 : y + reach, x - 2 : x + 3]
    )
    return bool((np.abs(strip - rgb(colour)).max(axis=2) <= 12).any())


def test_change_is_an_arrow_on_the_map_a_slope_in_the_card_and_words_in_the_table(
    open_page, plain, plain_html
):
    """made_up: the value is 10 + 3 i; by turns it is more by 5 + i, less by 5 + i, undecided and
    without change.
    """
    with open_page(
        plain_html, fragment="#by=mean:geodesic&hide=flows,uncertainty,labels,relief,rivers"
    ) as page:
        picture = pixels(page)
        for row, (site, point) in enumerate(plain.sites.geometry.iloc[:27].items()):
            if point is None or row % 4 > 1:
                continue
            x, y = at(page, point.x, point.y)
            others = plain.sites.geometry.drop(site).dropna()
            crowded = np.hypot(others.x - point.x, others.y - point.y).min() < 0.35
            if crowded or not (40 < x < 1000 and 40 < y < 850):
                continue
            colour = "#8C510A" if row % 4 == 0 else "#01665E"
            assert seen_near(picture, x, y, colour, up=row % 4 == 0), site
            assert not seen_near(picture, x, y, colour, up=row % 4 == 1), site
        legend = page.text_content("#gs-indicator")
        assert "farther: 7" in legend
        assert "nearer: 7" in legend
        assert "not distinguishable (range includes zero or is unknown): 7" in legend
        cells = (
            page.locator("#gs-sites tbody tr", has_text="Site 5")
            .first.locator("td")
            .all_text_contents()
        )
        assert cells[1:] == ["25", "▼ \u221210 (\u221212 to \u22128.0) nearer"]
        assert (
            page.locator("#gs-sites tbody tr", has_text="Site 7")
            .first.locator("td")
            .last.text_content()
            == "—"
        )
        page.select_option("#gs-colour", label="maximum, straight line (km)")
        assert "Change" not in page.text_content("#gs-indicator")
        page.select_option("#gs-colour", label="mean, straight line (km)")
        assert "7 farther, 7 nearer, 7 not distinguishable" in page.text_content("#gs-live")
        page.locator("[data-row='site:5']").click()
        slope = page.locator("#gs-slope svg").get_attribute("aria-label")
        # At the site 25 (24 to 26), the change -10 (-12 to -8): at the origins 35, from 26 + 8 to
        # 24 + 12.
        assert "at the origins 35 (34 to 36), at the site 25 (24 to 26)" in slope
        assert "\u221210\u00a0km (\u221212 to \u22128.0): nearer" in slope
        with_arrows = pixels(page)
        page.uncheck("[data-layer='change']")
        assert np.abs(pixels(page) - with_arrows).sum() > 2_000
        page.select_option("#gs-colour", "")
        assert page.text_content("#gs-indicator") == ""
        assert "Mean km" in page.text_content("#gs-sites")


def test_land_development_is_coloured_by_kind_or_by_year(open_page, plain, plain_html):
    parcels = plain.study.development
    # Twelve years, one parcel each, in four classes of three; the oldest palest.
    wanted = dict(
        zip(
            range(2001, 2013),
            np.repeat(["#FFF3B0", "#F2C14E", "#B98B1E", "#6B4E0E"], 3),
            strict=True,
        )
    )
    hide = (
        "hide=flows,uncertainty,labels,sites,origins,oasis,relief,surroundings,graticule,boundaries"
    )
    with open_page(plain_html, fragment=f"#{hide}&parcels=year&map=9/39/78") as page:
        legend = page.locator("#gs-legend").text_content()
        assert "Development, 2001\u20132003" in legend
        assert "hatched: location not known" in legend
        checked = 0
        for _, parcel in parcels[parcels["geometry_basis"] == "surveyed"].iterrows():
            centre = parcel.geometry.centroid
            page.evaluate(
                "([x, y]) => geosettle.map.setView([y, x], 9, { animate: false })",
                [centre.x, centre.y],
            )
            x, y = at(page, centre.x, centre.y)
            below = np.array(rgb("#F1EBDD"))
            shown = 0.9 * np.array(rgb(wanted[int(parcel["year"])])) + 0.1 * below
            assert np.abs(pixels(page)[round(y), round(x)] - shown).max() <= 14, parcel["year"]
            checked += 1
        assert checked == 6
        page.select_option("#gs-parcels", "kind")
        assert "Development: forage" in page.text_content("#gs-legend")
        assert "parcels" not in page.evaluate("location.hash")


def test_a_permalink_carries_every_choice(open_page, plain_html):
    asked = "by=mean:geodesic&parcels=year&year=2009&area=landcover_2005&with=landcover_2019&hide=flows,oasis"
    with open_page(plain_html, fragment=f"#{asked}") as page:
        for _ in range(2):
            assert page.locator("#gs-colour option:checked").text_content().startswith("mean")
            assert page.input_value("#gs-parcels") == "year"
            assert page.input_value("#gs-year") == "2009"
            assert page.input_value("#gs-area") == "landcover_2005"
            assert page.input_value("#gs-compare") == "landcover_2019"
            assert not page.is_checked("[data-layer='flows']")
            page.click("#gs-language")  # builds the panel anew, and writes the address
        written = page.evaluate("decodeURIComponent(location.hash)")
        for part in asked.replace("flows,oasis", "oasis,flows").split("&"):
            assert part in written
    for wrong in (
        "by=nothing&year=9999&parcels=<b>",
        "year=x&with=__proto__&hide=__proto__,constructor&by=__proto__",
    ):
        with open_page(plain_html, fragment=f"#{wrong}") as page:
            assert page.input_value("#gs-colour") == ""
            assert page.locator("[data-layer]:not(:checked)").count() == 0


def bare(plain, sites, **more):
    """A study of a few sites and nothing else."""
    import pandas as pd

    from geosettle.analysis import Result
    from geosettle.study import Study

    origins, pairs = (
        more.pop("origins", plain.origins.iloc[:0]),
        more.pop("pairs", plain.pairs.iloc[:0]),
    )
    return Result(
        Study(sites=sites, origins=origins, **more), sites, origins, pairs, *[pd.DataFrame()] * 10
    )


def test_controls_are_there_only_for_what_the_study_has(open_page, plain, plain_html):
    controls = "#gs-year, #gs-area, #gs-compare, #gs-opacity, #gs-parcels, #gs-colour, .gs-divider"
    few = plain.sites.iloc[:3][["name", "households", "geometry"]]
    with open_page(map_html(bare(plain, few))) as page:
        assert page.locator(controls).count() == 0
        assert page.locator("#gs-sites tbody tr").count() == 3
        assert Axe().run(page).response["violations"] == []
    with open_page(plain_html) as page:
        assert page.is_visible("#gs-area")
        assert page.is_hidden("#gs-opacity")
        assert page.is_hidden("#gs-compare")
        page.select_option("#gs-area", "landcover_2005")
        assert page.is_visible("#gs-opacity")
        assert page.is_visible("#gs-compare")


@pytest.mark.parametrize("case", ["none located", "one", "all at one point", "south", "bidi names"])
def test_unusual_studies_are_drawn(open_page, plain, case):
    import geopandas as gpd
    import shapely

    names = ["خوتەن شەھىرى (1)", "אבג \u202eabc\u202c", "和田市"]
    at_place = {
        "none located": [None, None, None],
        "one": [shapely.Point(77, 38), None, None],
        "all at one point": [shapely.Point(77, 38)] * 3,
        "south": [shapely.Point(-70.5 + i, -52 - 0.5 * i) for i in range(3)],
        "bidi names": [shapely.Point(77 + i, 38) for i in range(3)],
    }[case]
    sites = gpd.GeoDataFrame(
        {"name": names, "households": [5.0, np.nan, np.inf]},
        geometry=at_place,
        crs=4326,
        index=plain.sites.index[:3].copy(),
    )
    located = sum(p is not None for p in at_place)
    with open_page(map_html(bare(plain, sites))) as page:
        assert int(page.get_attribute("#gs-map", "data-sites")) == located
        assert page.locator("#gs-sites tbody tr").count() == 3
        page.locator("[data-row='site:0']").click()
        assert names[0] in page.text_content("#gs-card h2")
        assert page.locator("#gs-card h2 bdi").count() == 1
        assert page.locator("#gs-card figure").count() == 0  # nothing to draw, so no empty chart
        if located:
            x, y = at(page, at_place[0].x, at_place[0].y)
            until(page, "!geosettle.map._animatingZoom")
            page.wait_for_timeout(300)
            x, y = at(page, at_place[0].x, at_place[0].y)
            assert near_colour(pixels(page), x, y, "#111111")


def test_print_shows_all_that_was_seen(open_page, plain, plain_html):
    for fragment in ("", "#map=9/38.5/77.5"):
        with open_page(plain_html, width=1100, height=1000, fragment=fragment) as page:
            corners = "(() => { const b = geosettle.map.getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; })()"
            west, south, east, north = page.evaluate(corners)
            page.emulate_media(media="print")
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            settle(page)
            w, s, e, n = page.evaluate(corners)
            known = [*plain.sites.geometry.dropna(), *plain.origins.geometry.dropna()]
            inside = [p for p in known if west <= p.x <= east and south <= p.y <= north]
            assert len(inside) > 3
            assert all(w < p.x < e and s < p.y < n for p in inside)
            assert (
                page.locator("#gs-legend").bounding_box()["y"] < 718
            )  # A4 less its margins: on the first sheet
            assert page.locator("#gs-unknown details:not([open])").count() == 0
            page.evaluate("dispatchEvent(new Event('afterprint'))")
            page.emulate_media(media="screen")


def test_states_look_as_their_references(chromium, plain_html):
    changed = {
        name: found
        for name, picture in references.shots(chromium, plain_html)
        if (found := references.worst(references.kept(name), picture)) > references.STATES[name][3]
    }
    assert changed == {}, "look at them; if they are right: python tests/browser/references.py"


def test_a_reference_notices_what_is_gone(chromium, plain):
    import dataclasses

    few = dataclasses.replace(
        plain,
        sites=plain.sites.assign(geometry=plain.sites.geometry.mask(plain.sites.index == "s12")),
    )
    shown = dict(references.shots(chromium, map_html(few), ("swipe",)))
    assert references.worst(references.kept("swipe"), shown["swipe"]) > references.SYMBOLS


def test_names_are_written_where_there_is_room(open_page, plain_html):
    with open_page(plain_html) as page:
        assert 18 <= counts(page)["labels"] <= counts(page)["sites"]
        page.uncheck("[data-layer='labels']")
        page.evaluate("geosettle.select({kind: 'site', row: 10})")
        before = pixels(page)
        page.check("[data-layer='labels']")
        assert np.abs(pixels(page) - before).sum() > 10_000


def test_sites_at_one_position_are_listed_and_each_can_be_chosen(open_page):
    households = [20.0, 40, 60, 80, 100]
    names = [f"Block {k}" for k in range(1, 6)]
    near = [0, 0, 0, 0.0002, 0.0002]  # two are some 20 m away
    sites = gpd.GeoDataFrame(
        {"name": names, "households": households},
        geometry=gpd.points_from_xy([76 + d for d in near], [39.0] * 5),
        index=[f"K{k}" for k in range(1, 6)],
        crs=4326,
    ).rename_axis("site_id")
    with open_page(map_html(gs.analyse(gs.Study(sites)))) as page:
        page.evaluate("geosettle.map.setView([39, 76], 8, {animate: false})")
        settle(page)
        box = page.locator("#gs-map").bounding_box()
        here = page.evaluate("geosettle.map.latLngToContainerPoint([39, 76])")
        x, y = box["x"] + here["x"], box["y"] + here["y"]
        page.mouse.move(x, y)
        tip = page.text_content("#gs-tip")
        assert "5 \u00d7 " in tip
        assert "300" in tip
        assert all(name in tip for name in names)
        chosen = set()
        for _ in names:
            page.mouse.click(x, y)
            chosen.add(
                next(
                    name for name in names if name in page.text_content("#gs-card h2, #gs-card h3")
                )
            )
        assert chosen == set(names)
