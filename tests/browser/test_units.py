"""Administrative units on the map: their table, their areas by a number, flows from unit to unit."""

from __future__ import annotations

import made_up
import made_up_units
import pytest
from axe_playwright_python.sync_playwright import Axe
from looking import at, near_colour, pixels, settle

import geosettle as gs
from geosettle import style
from geosettle.maps import map_html

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def html():
    return map_html(made_up_units.result())


@pytest.fixture(scope="module")
def few_html():
    return map_html(made_up_units.result(many=60))


def table(page):
    """Name of each unit to the texts of its row."""
    rows = page.locator("#gs-unit-table tbody tr")
    cells = [row.locator("th button, td").all_inner_texts() for row in rows.all()]
    return {row[0]: [text.split("\n")[0] for text in row[1:]] for row in cells}


@pytest.mark.parametrize("level", ["state", "district"])
def test_the_table_says_what_a_count_of_the_rows_says(open_page, html, level):
    wanted, _ = made_up_units.expected(level)
    with open_page(html) as page:
        page.select_option("#gs-level", level)
        found = table(page)
        assert set(found) == set(wanted.index)
        for name, row in wanted.iterrows():
            households, came, left, stayed, km = found[name]
            counted = [int(text.replace(",", "")) for text in (households, came, left, stayed)]
            assert counted == row[["households", "in", "out", "within"]].astype(int).tolist()
            assert float(km) == pytest.approx(row["km"], abs=0.06 if row["km"] < 10 else 0.51)
        first = page.locator("#gs-unit-table tbody th button").first.inner_text()
        assert first == wanted["households"].idxmax()


def test_a_click_selects_a_unit_and_zooms_to_it_and_the_link_keeps_it(open_page, html):
    with open_page(html, fragment="#level=district") as page:
        page.get_by_role("button", name="District 01").click()
        settle(page)
        view = page.evaluate(
            "(() => { const b = geosettle.map.getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; })()"
        )
        west, south, east, north = made_up_units.boundaries().geometry["D01"].bounds
        assert view[0] < west < east < view[2]
        assert view[1] < south < north < view[3]
        assert view[3] - view[1] < 2.5
        assert page.get_attribute("[data-row^='unit:'][aria-pressed='true']", "aria-pressed")
        copied = page.evaluate("location.hash")
        corner = at(page, west, north)
        assert near_colour(pixels(page), *corner, style.SELECTED, 40)
    with open_page(html, fragment=copied) as page:
        assert page.locator("[aria-pressed='true']").inner_text() == "District 01"


def test_areas_have_the_colour_of_their_class_and_the_legend_names_those_without(open_page, html):
    wanted, _ = made_up_units.expected("district")
    hide = "hide=sites,origins,flows,labels,graticule,boundaries,relief"
    with open_page(html, fragment=f"#level=district&units=households&{hide}") as page:
        picture = pixels(page)
        order = wanted["households"].sort_values().index
        colours = [style.UNITS[round(k * 4 / (len(order) - 1))] for k in range(len(order))]
        areas = made_up_units.boundaries().set_index("name").geometry
        for name, colour in zip(order, colours, strict=True):
            inside = areas[name].representative_point()
            assert near_colour(picture, *at(page, inside.x, inside.y), colour, 2), name
        legend = page.inner_text("#gs-unit-legend")
        assert "no data: District 12" in legend
        assert "quantiles" in legend
        spoken = [
            int(text.replace(",", ""))
            for text in page.locator("#gs-unit-legend li").all_inner_texts()
        ]
        assert spoken == wanted["households"].sort_values().astype(int).tolist()
        offered = page.locator("#gs-unit-colour option").all_inner_texts()
        assert {"none", "Sites", "Households: moved in", "Median distance (km)"} <= set(offered)
        inside = areas["District 00"].representative_point()
        page.mouse.move(*at(page, inside.x, inside.y))
        assert page.inner_text("#gs-tip").startswith("District 00\nHouseholds")


def test_many_flows_are_drawn_from_unit_to_unit_the_largest_on_top(open_page, html, few_html):
    _, between = made_up_units.expected("district")
    with open_page(html, fragment="#level=district") as page:
        assert page.evaluate("geosettle.drawn.flows") == len(between)
        label = page.inner_text("#gs-legend .gs-legend")
        assert f"Flows from unit to unit ({len(between)}; district)" in label
        order = page.evaluate("geosettle.flowsOfUnits()")
        assert [row[2] for row in order] == sorted(row[2] for row in order)
        found = {(left, to): n for left, to, n, _ in order}
        assert found == {(r.left, r.to): r.households for r in between.itertuples()}
        widths = [row[3] for row in order]
        assert widths == sorted(widths)
        assert widths[-1] > 2 * widths[0]
        page.select_option("#gs-flows", "single")
        settle(page)
        assert page.evaluate("geosettle.drawn.flows") == 130
        assert "flows=single" in page.evaluate("location.hash")
    with open_page(few_html) as page:
        assert page.locator("#gs-flows").count() == 0
        assert page.evaluate("geosettle.drawn.flows") == 60


def test_a_study_without_units_has_nothing_of_them(open_page, plain_html):
    with open_page(plain_html) as page:
        assert page.locator("#gs-units, #gs-level, #gs-unit-colour, #gs-flows").count() == 0


@pytest.mark.parametrize(
    ("width", "fragment"),
    [
        (1440, "#level=district&units=households&unit=District%2001"),
        (390, "#flows=single&units=households"),
        (820, "#lang=zh&level=district"),
    ],
)
def test_axe_finds_nothing_in_units(open_page, html, width, fragment):
    with open_page(html, width=width, fragment=fragment) as page:
        page.click("#gs-measure")
        found = Axe().run(page).response["violations"]
        assert not [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_hostile_names_of_units_and_columns_stay_text(open_page):
    sites, origins, flows = made_up_units.frames()
    units = made_up_units.boundaries()
    names = [made_up.HOSTILE[k] for k in (0, 2, 1, 3, 5, 9, 11)]
    units["name"] = [f"{name} {k}" for k, name in enumerate(names)]
    sites["<img src=x>"] = [made_up.HOSTILE[k] for k in range(len(sites))]
    study = gs.Study(sites=sites, origins=origins, flows=flows, boundaries=units)
    page_html = map_html(gs.analyse(study), columns=["<img src=x>"])
    with open_page(page_html, fragment="#level=district&units=households") as page:
        shown = {
            text.strip() for text in page.locator("#gs-unit-table th button").all_inner_texts()
        }
        assert {name.strip() for name in units["name"][units["level"] == "district"][:-1]} <= shown
        page.select_option("#gs-colour", label="<img src=x>")
        page.evaluate("geosettle.select({kind: 'site', row: 0})")
        for row in range(4):
            page.locator("#gs-unit-table tbody button").nth(row).click()
            settle(page)
        assert "<img src=x>" in page.inner_text("#gs-card")
        assert page.locator("img[src='x']").count() == 0
