"""Pages of studies unlike the embedded one, as a reader sees them."""

from __future__ import annotations

import re

import pytest

import geosettle as gs
from geosettle.maps import map_html

pytestmark = pytest.mark.browser


def result_of(folder, tables):
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return gs.analyse(gs.read_study(folder))


def page_of(folder, tables):
    return map_html(result_of(folder, tables))


def test_an_origin_names_all_its_destinations_the_largest_first(open_page, tmp_path):
    sites = "site_id,name,lon,lat\nS1,Upper,77,39\nS2,Lower,77.4,39.1\nS3,Outer,77.6,39\nS4,Inner,77.2,39\n"
    flows = "origin_id,site_id,households\nO1,S1,30\nO1,S2,50\nO1,S3,10\nO1,S4,5\nO2,S1,70\n"
    origins = "origin_id,name,lon,lat\nO1,One,76.5,38.6\nO2,Two,76.6,38.2\n"
    html = page_of(tmp_path, {"sites": sites, "origins": origins, "flows": flows})
    with open_page(html) as page:
        rows = {
            row.locator("th").inner_text(): row.locator("td").all_inner_texts()
            for row in page.locator("#gs-tables table").nth(1).locator("tbody tr").all()
        }
        isolates = dict.fromkeys((0x2068, 0x2069))
        assert rows["One"][0].translate(isolates) == "Lower, Upper, Outer, 1 more"
        assert rows["One"][1] == "95"
        assert rows["Two"][0].translate(isolates) == "Upper"
        heads = page.locator("#gs-tables table").nth(1).locator("thead th").all_inner_texts()
        assert "Mean km" in heads[-1]


def test_sites_alone_have_no_table_of_origins_and_no_sizes(open_page, tmp_path):
    html = page_of(tmp_path, {"sites": "site_id,name,lon,lat\nA,A,10,5\nB,B,10.5,5.2\n"})
    with open_page(html) as page:
        assert page.locator("#gs-tables table").count() == 1
        legend = page.inner_text("#gs-legend")
        assert "Settlement site, households not reported" in legend
        assert "area: households" not in legend
        assert page.locator(".gs-sizes").count() == 0


def test_the_chart_of_many_origins_keeps_the_farthest_and_says_how_many_it_shows(
    open_page, tmp_path
):
    n = 30
    origins = "origin_id,name,lon,lat\n" + "".join(
        f"O{k},Village {k},{77 + 0.05 * k},39\n" for k in range(1, n + 1)
    )
    flows = "origin_id,site_id,households\n" + "".join(f"O{k},S1,5\n" for k in range(1, n + 1))
    sites = "site_id,name,lon,lat,households\nS1,Upper,77,39,150\n"
    html = page_of(tmp_path, {"sites": sites, "origins": origins, "flows": flows})
    with open_page(html) as page:
        page.evaluate("geosettle.select({kind: 'site', row: 0})")
        chart = page.locator("#gs-card figure").first
        names = chart.locator("svg text").all_text_contents()
        assert any("Village 30" in name for name in names)
        assert any("Village 1" in name for name in names)
        assert not any("Village 15" in name for name in names)
        note = chart.locator(".gs-note").inner_text()
        assert (
            note == "24 of 30 shown, the nearest and the farthest"
        )  # and no bars: nobody stated a radius
        assert not re.search(r"\d to \d", page.inner_text("#gs-card dl"))


def test_the_antimeridian_is_neither_east_nor_west(open_page, tmp_path):
    sites = "site_id,name,lon,lat\nA,A,179.2,-17\nB,B,-179.2,-17.5\n"
    with open_page(page_of(tmp_path, {"sites": sites})) as page:
        assert page.inner_text(".gs-locator-box").endswith("17°S 180°")


def test_the_means_of_the_page_are_those_of_the_tables(open_page, tmp_path):
    """Weighted by households; the page's distances are finer than what it shows, so that both round
    alike.
    """
    sites = "site_id,name,lon,lat,households\nS1,Upper,77.0,39.0,100\nS2,Lower,77.4,39.1,60\n"
    origins = "origin_id,name,lon,lat\nO1,One,76.5,38.6\nO2,Two,76.6,38.2\nO3,Three,76.9,38.77\n"
    flows = "origin_id,site_id,households\nO1,S1,31\nO2,S1,47\nO3,S1,22\nO1,S2,50\n"
    result = result_of(tmp_path, {"sites": sites, "origins": origins, "flows": flows})
    named = result.remoteness["indicator"].eq("land_mean") & result.remoteness["metric"].eq(
        "geodesic"
    )
    means = result.remoteness[named].set_index("id")["value"]
    with open_page(map_html(result)) as page:
        lines = [
            line.split(",") for line in page.evaluate("geosettle.sitesCsv()").strip().splitlines()
        ]
    at = lines[0].index("mean_km")
    assert {line[0]: line[at].strip() for line in lines[1:]} == {
        site: f"{means[site]:.1f}" for site in ("S1", "S2")
    }


@pytest.mark.parametrize(("year", "said"), [("2011", 0), ("", 1)])
def test_undated_sites_and_flows_are_told_where_there_are_any(open_page, tmp_path, year, said):
    sites = f"site_id,name,lon,lat,year\nS1,Upper,77.0,39.0,2009\nS2,Lower,77.4,39.1,{year}\n"
    origins = "origin_id,name,lon,lat\nO1,One,76.5,38.6\n"
    flows = "origin_id,site_id,households,year\nO1,S1,31,2009\nO1,S2,50,2012\n"
    with open_page(page_of(tmp_path, {"sites": sites, "origins": origins, "flows": flows})) as page:
        assert page.locator("#gs-year").count() == 1
        assert page.get_by_text("always shown").count() == said
