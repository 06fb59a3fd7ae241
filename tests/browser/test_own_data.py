"""Pages of studies unlike the embedded one, as a reader sees them."""

from __future__ import annotations

import pytest

import geosettle as gs
from geosettle.maps import map_html

pytestmark = pytest.mark.browser


def page_of(folder, tables):
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return map_html(gs.analyse(gs.read_study(folder)))


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
