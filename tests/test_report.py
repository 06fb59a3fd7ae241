"""The report: every text of the data is text, nothing is loaded, the numbers carry what they know."""

import base64
import dataclasses
import itertools
import re
from hashlib import sha256
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from report_example import HOSTILE, example

from geosettle.errors import UnknownNameError
from geosettle.report import figures, gpkg_layers, qgis_styles, report_html, summary_lines, tables
from geosettle.report._page import cell, element, shown
from geosettle.report.dictionary import entry
from geosettle.report.methods import METHODS, methods_used
from geosettle.report.words import _words, say

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Page(HTMLParser):
    """Tags, attributes and text as a browser's parser sees them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text, self.raw = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module", params=["en", "zh"])
def html(request):
    return report_html(example(), figures={"od_map.png": PNG, "distances.png": PNG}, lang=request.param)


def test_nothing_is_loaded_and_nothing_runs(html):
    page = Page(html)
    allowed = {
        *("html", "head", "meta", "title", "style", "body", "div", "a", "header", "h1", "h2", "h3", "bdi", "p", "nav"),
        *("ol", "ul", "li", "main", "section", "figure", "img", "figcaption", "table", "caption", "thead", "tbody"),
        *("tr", "th", "td", "span"),
    }
    assert set(page.tags) <= allowed
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        if name in {"src", "href"}:
            assert value.startswith(("data:image/png;base64,", "#")), (tag, name, value)
    assert "url(" not in html
    assert "@import" not in html


def test_the_policy_names_the_style_by_its_hash(html):
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    digest = base64.b64encode(sha256(css.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in html


def test_hostile_text_is_shown_as_text(html):
    page = Page(html)
    text = "".join(page.text)
    for hostile in HOSTILE:
        assert shown(hostile) in text, hostile
    assert "<script" not in html.lower().replace("&lt;script", "")
    assert "\u202e" not in html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", html)


def test_the_same_result_gives_the_same_page_whatever_the_row_order():
    result = example()
    turned = dataclasses.replace(
        result,
        **{name: getattr(result, name).iloc[::-1] for name in ("sites", "origins", "pairs", "claims", "remoteness")},
    )
    assert report_html(result) == report_html(result)
    assert report_html(turned) == report_html(result)


def test_page_can_be_used_without_eyes_and_on_paper(html):
    page = Page(html)
    assert ("html", "lang", "en") in page.attributes or ("html", "lang", "zh-Hans") in page.attributes
    assert page.tags.count("h1") == 1
    assert page.tags.count("caption") == page.tags.count("table") > 8
    scopes = [value for tag, name, value in page.attributes if tag == "th" and name == "scope"]
    assert len(scopes) == page.tags.count("th")
    assert page.tags.count("img") == len(
        [1 for tag, name, value in page.attributes if (tag, name) == ("img", "alt") and value]
    )
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = [value[1:] for _, name, value in page.attributes if name == "href"]
    assert set(targets) <= set(ids)
    assert "@page" in html
    assert "overflow-x: auto" in html


def test_ten_findings_computed_by_hand():
    lines = summary_lines(example())
    assert len(lines) == 10
    assert lines[0].startswith(
        "4 settlement sites, 3 with a known position; 5 origins, 4 with a known position; 6 moves"
    )
    assert "2,033 in all" in lines[0]  # 1660 + 363 + 10
    # lows 105.9, 66.4, 129.9, 15.7 are all above 4 km
    assert lines[3].startswith("4 of 4 straight lines are longer than 4 km")
    # S1: 0.83, S2: 1.0, S3: 0.31
    assert lines[4].startswith("1 of 3 sites lie in one county")
    # edges: S1 -12.3..7.6 open, S2 10.7..11.7 outside, S3 -94..105 open
    assert "0 lie inside the mapped oasis and 1 outside it" in lines[5]
    assert "1 to 3 % of the area" in lines[6]
    assert "3.7-4 % published elsewhere" in lines[6]  # 3.7 %, and 4,000 of 100,000 km2
    assert "29.1 % as printed" in lines[6]
    assert "666.7 ha have only an illustrative shape" in lines[7]
    # stated 210, 60, 160, 160; the third is circular, the fourth has no computed distance
    assert lines[8].startswith("Sources declare 4 distances: 1 served to place")
    assert "2 can be compared with the straight line. 1 are shorter" in lines[8]


def test_a_study_without_anything_still_has_ten_findings_and_a_report():
    empty = example(empty=True)
    bare = dataclasses.replace(
        empty,
        study=dataclasses.replace(
            empty.study,
            boundaries=None,
            oasis=None,
            development=None,
            dem=None,
            rivers=None,
            problems=(),
            ledger={},
            inputs={},
        ),
        provenance={},
    )
    for lang in ("en", "zh"):
        assert len(summary_lines(bare, lang)) == 10
        assert report_html(bare, lang=lang).startswith("<!DOCTYPE html>")


def test_a_declared_distance_that_placed_a_site_is_kept_apart():
    page = report_html(example())
    kept, apart = page.split('aria-label="Declared distances used to place"')
    compared = kept.split('aria-label="Declared distances that can be compared"')[1]
    assert "used_to_place" not in compared
    assert "used_to_place" in apart.split("</table>")[0]


def test_methods_are_those_that_were_run():
    names = {method.name for method in methods_used(example())}
    assert {"geodesic", "tobler", "farming_radius", "oasis", "draws"} <= names
    assert not {"road", "aria", "statcan"} & names
    assert "Dijkstra" not in report_html(example())
    assert "Tobler" in report_html(example())
    for lang in ("en", "zh"):
        assert all(say(lang, f"method_{name}", draws=1, percent=1) for name in METHODS)


def test_words_have_the_same_blanks_in_both_languages():
    for key, texts in _words().items():
        blanks = [set(re.findall(r"\{(\w*)", text)) for text in (texts["en"], texts["zh"])]
        assert blanks[0] == blanks[1], key
        assert texts["en"], key
    with pytest.raises(UnknownNameError):
        say("fr", "site")
    with pytest.raises(UnknownNameError):
        say("en", "nonsense")


def test_a_format_in_the_data_is_not_a_format():
    assert "{households}" in say("en", "find_farthest", origin="{households}", site="s", low="1", high="2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(0.1), "0.1"),
        (1e15, "1e+15"),
        (float("nan"), "\N{EN DASH}"),
        (pd.NA, "\N{EN DASH}"),
        (-2.0, "-2"),
        (1234, "1,234"),
    ],
)
def test_cells(value, text):
    assert cell(value) == text


def test_elements_escape_everything():
    made = ET.tostring(element("a", "<b>", title='"><script>'), encoding="unicode", method="html")
    assert made == '<a title="&quot;&gt;&lt;script&gt;">&lt;b&gt;</a>' or "<script>" not in made


def test_qgis_styles_are_wellformed_and_match_the_layers():
    styles = qgis_styles()
    assert set(gpkg_layers(example())) <= set(styles)
    for name, qml in styles.items():
        root = ET.fromstring(qml.split("\n", 1)[1])
        assert root.tag == "qgis", name
        symbols = root.findall("./renderer-v2/symbols/symbol")
        assert symbols
        assert [s.get("name") for s in symbols] == [str(n) for n in range(len(symbols))]
        categories = root.findall("./renderer-v2/categories/category")
        assert len(categories) in {0, len(symbols)}
        for option in root.iter("Option"):
            if option.get("name") in {"color", "outline_color", "line_color"}:
                assert re.fullmatch(r"\d+,\d+,\d+,\d+", option.get("value"))
    assert "f_diagonal" in styles["development"]


def test_gpkg_layers_keep_every_row_and_lines_join_what_they_say():
    layers = gpkg_layers(example())
    assert len(layers["flows"]) == 6
    assert layers["flows"].geometry.notna().sum() == 4
    first = layers["flows"].set_index(["origin_id", "site_id"]).geometry[("O1", "S1")]
    assert list(first.coords) == [(75.95, 38.05), (76.1, 39.13)]
    assert len(layers["sites"]) == 4
    assert layers["sites"].geometry.isna().sum() == 1
    # five radii above 0 with a position: S1, S2, S3, O1, O2, O4 (O3 has 0, O5 and S4 no position)
    assert sorted(layers["uncertainty"]["id"]) == ["O1", "O2", "O4", "S1", "S2", "S3"]
    assert all(layer.crs == "EPSG:4326" for layer in layers.values())


@pytest.mark.parametrize("study", ["embedded", "across_180"])
def test_what_the_analysis_makes_is_explained_drawn_and_reported(study, request):
    """No column without a meaning but the input's own, no figure with a warning, no section that fails."""
    result = request.getfixturevalue(study)
    own = {*result.study.sites.columns, *(result.study.claims.columns if result.study.claims is not None else ())}
    for name, frame in tables(result).items():
        assert [c for c in frame if entry(name, c) is None and c not in own] == [], name
    drawn = figures(result, dpi=60, formats=("png",))
    assert {"od_map.png", "distances.png", "counties.png"} <= set(drawn)
    page = report_html(result, figures=drawn)
    assert page.count("<img ") == len(drawn)
    assert len(summary_lines(result)) == 10
    assert gpkg_layers(result)["sites"].geometry.notna().sum() == result.sites.geometry.notna().sum()
