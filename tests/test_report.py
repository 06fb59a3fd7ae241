"""The report: every text of the data is text, nothing is loaded, the numbers carry what they
know.
"""

import base64
import dataclasses
import itertools
import re
import warnings
from hashlib import sha256
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from report_example import HOSTILE, example
from shapely.geometry import box

import geosettle as gs
from geosettle.figures import figures
from geosettle.maps.page_text import headline
from geosettle.reasons import decode, reason, render, word
from geosettle.report import report_html, summary_lines
from geosettle.report.html_builder import cell, element, shown
from geosettle.report.methods import METHODS, method_texts, methods_used
from geosettle.report.section import Writer
from geosettle.report.summary import FINDINGS
from geosettle.results import in_scope
from geosettle.results.pivots import changes
from geosettle.results.sentences import change_sentences
from geosettle.tables import cited as cited_tables
from geosettle.tables import describe, tables
from geosettle.tables.dictionary import UNDESCRIBED
from geosettle.tables.geopackage import gpkg_layers, qgis_styles
from geosettle.tables.xlsx import tables_xlsx
from geosettle.words import say

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
    return report_html(
        example(), figures={"od_map.png": PNG, "distances.png": PNG}, lang=request.param
    )


def test_nothing_is_loaded_and_nothing_runs(html):
    page = Page(html)
    allowed = {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "div",
            "a",
            "header",
            "h1",
            "h2",
            "h3",
            "bdi",
            "p",
            "nav",
        ),
        *(
            "ol",
            "ul",
            "li",
            "main",
            "section",
            "figure",
            "img",
            "figcaption",
            "table",
            "caption",
            "thead",
            "tbody",
        ),
        *("tr", "th", "td", "span", "details", "summary"),
    }
    assert set(page.tags) <= allowed
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        if name in {"src", "href"}:
            beside = tag == "a" and re.fullmatch(r"map\.html|tables\.xlsx|tables/\w+\.csv", value)
            assert beside or value.startswith(("data:image/png;base64,", "#")), (tag, name, value)
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
        **{
            name: getattr(result, name).iloc[::-1]
            for name in ("sites", "origins", "pairs", "claims", "remoteness")
        },
    )
    assert report_html(result) == report_html(result)
    assert report_html(turned) == report_html(result)


def test_page_can_be_used_without_eyes_and_on_paper(html):
    page = Page(html)
    assert ("html", "lang", "en") in page.attributes or (
        "html",
        "lang",
        "zh-Hans",
    ) in page.attributes
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
    links = [value for _, name, value in page.attributes if name == "href"]
    targets = [value[1:] for value in links if value.startswith("#")]
    assert set(targets) <= set(ids)
    assert "@page" in html
    assert "overflow-x: auto" in html


def findings(result, lang="en"):
    """Findings by name; an empty text where the study cannot answer."""
    return {f.__name__.strip("_"): f(in_scope(result), lang) for f in FINDINGS}


def test_ten_findings_computed_by_hand():
    told = findings(example())
    assert len(summary_lines(example())) == sum(map(bool, told.values())) <= 10
    assert told["counts"].startswith(
        "The study has 4 settlement sites (3 located), 5 origins (4 located) and 6 moves."
    )
    assert "3 sites report 2,033 households" in told["counts"]  # 1660 + 363 + 10
    # lows 105.9, 66.4, 129.9, 15.7 are all above 4 km
    assert told["farming"].startswith(
        "In 4 of 4 moves the old fields are certainly more than 4 km away"
    )
    assert told["farming"].count(".") == 1  # none within it, and none open
    # S1: 0.83, S2: 1.0, S3: 0.31
    assert told["units"].startswith("For 1 of 3 located sites the county is certain")
    # the indicators of the example are none of a kind of place
    assert told["change_finding"] == ""
    # edges: S1 -12.3..7.6 open, S2 10.7..11.7 outside, S3 -94..105 open
    assert "Of 3 located sites, 1 is certainly outside the mapped oasis" in told["green"]
    assert "and 2 are located too roughly to decide" in told["green"]
    assert "inside" not in told["green"]
    assert "covers 1 to 3 %" in told["green"]
    assert "give 3.7-4 %" in told["green"]  # 3.7 %, and 4,000 of 100,000 km2
    assert "prints 29.1 %" in told["green"]
    assert "1 settlement site" not in told["land"]  # the one site is named
    assert "The location of 667 ha of it is not known" in told["land"]
    # of 4: one placed a site, one has an end without a position
    assert told["declared"].startswith("Sources state 4 distances. 2 can be checked: ")
    assert told["declared"].endswith(
        "1 is shorter than the straight line, which is impossible. 1 was used to locate a site or "
        "origin, so it cannot be checked. For 1 a location is missing, so it cannot be checked."
    )
    assert told["doubts"] == (
        "1 input row was not used; see Data problems. The input check found 1 warning (a doubtful "
        "row, used)."
    )


def test_a_study_without_anything_has_no_findings_and_still_a_report():
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
        told = findings(bare, lang)
        assert not any(text for name, text in told.items() if name != "doubts")
        assert report_html(bare, lang=lang).startswith("<!DOCTYPE html>")


def test_a_declared_distance_that_placed_a_site_is_kept_apart():
    page = report_html(example())
    kept, apart = page.split('aria-label="Stated distances used to locate a place"')
    compared = kept.split('aria-label="Stated distances that can be compared"')[1]
    assert "used to locate an end: " not in compared
    assert "used to locate an end: " in apart.split("</table>")[0]


def test_methods_are_those_that_were_run():
    names = {method.name for method in methods_used(example())}
    assert {"geodesic", "walk", "oasis_given", "draws"} <= names
    assert not {"road", "aria", "gravity", "farming_radius", "oasis", "survey"} & names
    assert "Dijkstra" not in report_html(example())
    assert "Tobler" in report_html(example())
    result = example()
    for lang, (name, method) in itertools.product(("en", "zh"), METHODS.items()):
        assert say(lang, f"method_{name}", **method.values(result)), name


def test_a_format_in_the_data_is_not_a_format():
    assert "{households}" in say("en", "find_farthest", origin="{households}", site="s", range="1")


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
    """No column without a meaning but the input's own, no figure with a warning, no section that
    fails.
    """
    result = request.getfixturevalue(study)
    for name, frame in tables(result).items():
        assert UNDESCRIBED not in describe(gs.TABLES[name], frame, result).values(), name
    drawn = figures(result, dpi=60, formats=("png",))
    assert {"od_map.png", "distances.png", "counties.png"} <= set(drawn)
    page = report_html(result, figures=drawn)
    assert page.count("<img ") == len(drawn)
    assert 3 <= len(summary_lines(result)) <= 10
    assert (
        gpkg_layers(result)["sites"].geometry.notna().sum() == result.sites.geometry.notna().sum()
    )


def change_rows() -> pd.DataFrame:
    """Two sites and the study: one nearer for sure, one not distinguishable, by hand."""
    head = {
        "indicator": "nearest_market",
        "kind": "nearest",
        "limit": "market",
        "metric": "geodesic",
        "unit": "km",
    }
    rows = [
        ("site", "S1", "households", 52.0, 12.0, -40.0, -50.0, -30.0, 1, 1, "nearer"),
        ("site", "S1", "flows", 53.0, 12.0, -41.0, -51.0, -31.0, 1, 1, "nearer"),
        ("site", "S2", "households", np.nan, np.nan, np.nan, np.nan, np.nan, 1, 2, ""),
        ("site", "S2", "flows", 25.0, 30.0, 5.0, -3.0, 13.0, 1, 2, "not distinguishable"),
        ("study", "all", "flows", 39.0, 21.0, -18.0, -27.0, -9.0, 1, 6, "nearer"),
    ]  # fmt: skip
    names = (
        "role",
        "id",
        "weighting",
        "at_origin",
        "at_site",
        "change",
        "low",
        "high",
        "n",
        "of",
        "direction",
    )
    return pd.DataFrame([dict(zip(names, row, strict=True)) | head for row in rows])


def test_the_change_for_those_who_moved_is_told_shown_and_drawn():
    result = dataclasses.replace(example(["Town"]), access_change=change_rows())
    found = changes(result).set_index(["role", "id"])
    # weighted by households where that is known, else every move counted once
    assert found.loc[("site", "S1"), ["change", "weighting"]].tolist() == [-40.0, "households"]
    assert found.loc[("site", "S2"), ["change", "weighting"]].tolist() == [5.0, "flows"]
    assert found.loc["site", "at_origin"].tolist() == [52.0, 25.0]
    (said,) = change_sentences(result, "en")
    assert said == (
        "Nearest market: the move brought people 18 km nearer (9-27 km; 1 of 6 moves). Of 2 sites that can "
        "be compared, 1 is certainly nearer and at 1 the locations are too uncertain to decide."
    )
    assert findings(result)["change_finding"] == said
    drawn = figures(result, only=["change"], formats=("svg", "png"), dpi=50)
    assert "not distinguishable" in "".join(ET.fromstring(drawn["change.svg"]).itertext())
    section = (
        report_html(result, figures=drawn).split('<section id="change"')[1].split("</section>")[0]
    )
    assert "-40 (-50 … -30): nearer" in section
    assert "+5 (-3 … 13): not distinguishable" in section
    assert ">1 of 2<" in section  # a mean over one of two moves is never shown bare
    order = [
        section.index(mark)
        for mark in ('<ul class="sentences">', "<img ", "<table ", '<div class="box">')
    ]
    assert order == sorted(order)  # plain words, chart, table, caveat


def test_methods_say_the_settings_that_were_run(embedded):
    """Another model, radius or reach changes the sentence, and a paper is cited only for its own
    figures.
    """

    def told(**changed):
        settings = embedded.study.settings.to_dict()
        for name, part in changed.items():
            settings[name] |= part
        study = dataclasses.replace(embedded.study, settings=settings)
        sentences, references = method_texts(
            dataclasses.replace(embedded, study=study), lambda *a, **k: say("en", *a, **k)
        )
        return " ".join(sentences), " ".join(references)  # fmt: skip

    text, cited = told()
    assert "with the walking function tobler." in text
    assert "in 16 directions" in text
    assert "Tobler (1993)" in cited
    assert "on foot 0.666, by cart 2, by motor 4" in text
    assert "Ni Y." in cited
    assert "joins it within 25 km" in text
    assert "within 200 km or 2.5 h" in text
    text, cited = told(walk={"speed_by_slope_kmh": {"-0.3": 2.5, "0": 4.0}, "flat": True})
    assert "walking function of the study's own speeds." in text
    assert "straight between the slopes: -0.3 2.5, 0 4." in text
    assert "Slopes are left out" in text
    assert "Tobler (1993)" not in cited
    text, cited = told(
        walk={"model": "marquez_perez", "neighbours": 32, "landcover_speed_kmh": {"5": 2.5}},
        remoteness={"farming_radius_km": {"foot": 1.5}, "farming_radius_source": ""},
        road={"max_access_km": 7.5},
        services={"gravity_reach_km": 90, "aria_cap": 5},
    )
    assert "with the walking function marquez perez." in text
    assert "in 32 directions" in text
    assert "5 2.5" in text
    assert "foot 1.5" in text
    assert "joins it within 7.5 km" in text
    assert "within 90 km" in text
    assert "each at most 5" in text
    assert "Márquez" in cited
    assert "Tobler" not in cited
    assert "Ni Y." not in cited


def test_every_number_of_the_summary_is_one_of_the_tables(embedded):
    """The sentences are read back and compared with what the written tables give, computed here
    anew.
    """
    written = tables(embedded)
    told = findings(embedded)
    numbers_in = {
        name: [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
        for name, text in told.items()
    }
    sites = written["sites"][written["sites"]["scope"] == "study"]
    pairs = written["pairs"]
    pairs = pairs[pairs["site_id"].isin(sites["site_id"])]
    km = pairs["geodesic_km"].dropna()
    compared = len(written["sites"]) - len(sites)
    origins = (
        embedded.origins[embedded.origins["scope"] == "study"]
        if "scope" in embedded.origins
        else embedded.origins
    )
    assert numbers_in["counts"] == [
        *(
            len(sites),
            sites["lon"].notna().sum(),
            len(origins),
            origins.geometry.notna().sum(),
            len(pairs),
        ),
        *(sites["households"].notna().sum(), sites["households"].sum(), compared),
    ]
    over, median, low, high, n, moves = numbers_in["distances"]
    assert [over, n, moves] == [len(km), len(km), len(pairs)]
    # Near the median at the stated positions; the interval is narrower than that of one move.
    assert median == pytest.approx(km.median(), abs=5)
    assert low < median < high
    half = (pairs["geodesic_high_km"] - pairs["geodesic_low_km"]).dropna() / 2
    assert (high - low) / 2 < half.median()
    drawn = written["intervals"]
    drawn = drawn[(drawn["metric"] == "geodesic") & drawn["site_id"].isin(sites["site_id"])]
    farthest = drawn.loc[drawn["median"].idxmax()]
    ends = pairs.set_index(["origin_id", "site_id"]).loc[
        (farthest["origin_id"], farthest["site_id"]), ["geodesic_low_km", "geodesic_high_km"]
    ]
    assert numbers_in["farthest"] == pytest.approx([farthest["median"], *ends], abs=1)
    low, high = pairs["geodesic_low_km"].dropna(), pairs["geodesic_high_km"].dropna()
    assert (high > 4).all()  # so that none is within it
    assert numbers_in["farming"] == [(low > 4).sum(), len(low), 4, ((low <= 4) & (high > 4)).sum()]
    sure = sites["admin_probability"].dropna()
    differing = sites[sites["admin_agrees"].astype("boolean") == False]  # noqa: E712
    assert numbers_in["units"] == [(sure >= 0.95).sum(), len(sure), 95, len(differing)]
    assert all(name in told["units"] for name in differing["name"])
    rows = written["remoteness_change"]
    rows = rows[
        (rows["indicator"] == "nearest_prefecture_seat")
        & (rows["weighting"] == "flows")
        & (rows["metric"] == "geodesic")
    ]
    own = rows[rows["id"].isin(sites["site_id"]) & rows["change"].notna()]
    whole = rows[rows["role"] == "study"].iloc[0]
    at_sites = [
        (own["direction"] == word).sum() for word in ("nearer", "farther", "not distinguishable")
    ]
    assert at_sites[1] == 0  # so that none is called farther
    ends = sorted(abs(whole[end]) for end in ("low", "high"))
    assert numbers_in["change_finding"][:3] == pytest.approx([abs(whole["change"]), *ends], abs=1)
    assert "nearer" in told["change_finding"]
    assert whole["high"] < 0
    assert numbers_in["change_finding"][3:] == [
        *(whole["n"], whole["of"], len(own), at_sites[0], at_sites[2])
    ]
    edge = sites[["oasis_edge_low_km", "oasis_edge_high_km"]].dropna()
    inside, outside = (edge.iloc[:, 1] < 0).sum(), (edge.iloc[:, 0] > 0).sum()
    assert inside == 0
    assert numbers_in["green"][:3] == [len(edge), outside, len(edge) - inside - outside]


def test_every_number_about_land_and_sources_is_one_of_the_tables(embedded):
    written, told = tables(embedded), findings(embedded)
    numbers_in = {
        name: [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
        for name, text in told.items()
    }
    land = written["land"]
    with_land = land["declared_ha"].dropna().sort_values(ascending=False)
    assert numbers_in["land"][:2] == pytest.approx([with_land.sum(), len(with_land)], abs=0.5)
    assert numbers_in["land"][2:4] == pytest.approx(list(with_land), abs=0.5)
    assert numbers_in["land"][4] == land["leased_ha"].sum()
    assert numbers_in["declared"][0] == written["pairs"]["declared_km"].notna().sum()
    verdicts = written["claims"]["verdict"].value_counts()
    assert numbers_in["doubts"][:5] == [
        len(written["claims"]),
        *verdicts[["agrees", "differs", "not computable", "cannot be decided"]],
    ]
    severities = written["problems"]["severity"].value_counts()
    assert numbers_in["doubts"][6:] == [
        n for name in ("error", "warning", "note") if (n := severities.get(name, 0))
    ]


def test_one_number_in_the_map_the_findings_and_the_table_of_moves(embedded):
    """A distance is the median of the draws wherever a reader meets it, rounded once."""
    rows = embedded.intervals.reset_index()
    km = rows[rows["metric"] == "geodesic"].set_index(["origin_id", "site_id"])["median"]
    own = km[km.index.get_level_values("site_id").isin(in_scope(embedded).sites.index)].dropna()
    ends = f"{own.min():.0f} to {own.max():.0f} km"
    assert ends in headline(embedded, None)["subtitle"]["en"]
    assert f": {own.max():.0f} km (" in findings(embedded)["farthest"]
    table = report_html(embedded).split("Moves: the median")[-1].split("</table>")[0]
    (row,) = (row for row in table.split("<tr") if "Tierizi Wozi" in row)
    assert f">{km['OR-04', 'RS-02']:.0f} (" in row
    # Between the stated locations it is 65 km: less than the median of what is possible.
    assert f"{embedded.pairs['geodesic_km']['OR-04', 'RS-02']:.0f} (" not in row
    # nowhere is it known where the land is: neither that of a parcel nor that of a site alone
    assert "The location of this land is not known." in findings(embedded)["land"]


def test_a_large_study_says_what_it_leaves_out(large):
    """Three hundred sites: no warning, no list without an end, and what is not shown is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = figures(
            large,
            formats=("svg", "png"),
            dpi=50,
            only=["od_map", "distances", "counties", "distribution"],
        )
        page = report_html(large, figures=drawn)
    words = {
        name: " ".join("".join(ET.fromstring(drawn[f"{name}.svg"]).itertext()).split())
        for name in ("od_map", "distances", "counties")
    }
    assert re.search(r"; \d+ of 300 sites are named, those with most", words["od_map"])
    assert "The 250 largest flows are drawn." in words["od_map"]
    assert "21 of 300 are shown; all are in tables/pairs.csv." in words["distances"]
    assert re.search(r"Shown are \d+ of 300 panels, those with most", words["counties"])
    assert "more rows are in tables/sites.csv" in page


@pytest.fixture(scope="module")
def large():
    """Three hundred sites in 150 counties, each with one origin; long names in three scripts."""
    names = [
        "Settlement of the households of the upper valley of the river, " * 3,
        "托帕易地扶贫搬迁安置点" * 4,
        HOSTILE[7] * 3,
    ]
    count = np.arange(300)
    base = example(["Town"])
    lon, lat = 75 + (count % 20) * 0.3, 36.5 + (count // 20) * 0.25
    places = {
        "name": [names[i % 3] for i in count],
        "uncertainty_km": 5.0,
        "households": 1.0 + count,
    }
    sites = gpd.GeoDataFrame(
        {**places, "county": [f"County {i % 150}" for i in count], "county_code": [f"C{i % 150:03d}" for i in count]},
        geometry=gpd.points_from_xy(lon, lat), index=pd.Index([f"S{i:03d}" for i in count], name="site_id"), crs="EPSG:4326",
    )  # fmt: skip
    origins = gpd.GeoDataFrame(
        places, geometry=gpd.points_from_xy(lon + 0.4, lat - 0.4), index=pd.Index([f"O{i:03d}" for i in count], name="origin_id"),
        crs="EPSG:4326",
    )  # fmt: skip
    pairs = pd.DataFrame(
        {"households": 1.0 + count, "geodesic_km": 50.0 + count, "geodesic_low_km": 40.0 + count, "geodesic_high_km": 60.0 + count},
        index=pd.MultiIndex.from_arrays([origins.index, sites.index]),
    )  # fmt: skip
    study = dataclasses.replace(base.study, sites=sites, origins=origins)
    empty = {
        name: getattr(base, name).iloc[:0]
        for name in ("intervals", "land", "remoteness", "livelihood", "claims", "admin", "covers")
    }
    return dataclasses.replace(
        base, study=study, sites=sites, origins=origins, pairs=pairs, **empty
    )


def test_every_layer_of_the_geopackage_has_one_kind_of_geometry(embedded):
    """A style fits one kind: rivers and lakes, points and outlines of sites are layers of their
    own.
    """
    layers = gpkg_layers(embedded)
    assert {"rivers", "lakes"} <= set(layers)
    result = example(["Town"])
    sites = result.sites.copy()
    sites.loc["S1", "geometry"] = box(76, 39, 76.2, 39.2)
    layers |= {
        f"made_up_{name}": layer
        for name, layer in gpkg_layers(dataclasses.replace(result, sites=sites)).items()
    }
    for name, layer in layers.items():
        assert len({g.geom_type.removeprefix("Multi") for g in layer.geometry.dropna()}) <= 1, name
    assert len(layers["made_up_sites"]) == len(sites)
    assert layers["made_up_sites_areas"]["site_id"].tolist() == ["S1"]
    assert layers["made_up_sites"].set_index("site_id").geometry["S1"].within(sites.geometry["S1"])


def test_scenarios_are_shown_where_the_study_sets_some():
    row = {
        "origin_id": "O1",
        "site_id": "S1",
        "scenario": "pass closed",
        "metric": "road",
        "unit": "km",
        "value": 300.0,
    }
    rows = pd.DataFrame(
        [
            row
            | {
                "baseline": 200.0,
                "change": 100.0,
                "change_share": 0.5,
                "effect": "longer",
                "why": "",
            }
        ]
    )
    result = dataclasses.replace(example(["Town"]), scenarios=rows)
    assert tables(result)["scenarios"]["change"].tolist() == [100.0]
    page = report_html(result)
    assert "pass closed" in page
    assert "Scenarios</h3>" in page
    assert "Scenarios</h3>" not in report_html(example(["Town"]))


def test_the_report_prints_the_digits_that_the_positions_carry(embedded):
    """The tables keep a digit more; in print ±55 km leaves whole kilometres and ±2 km tenths."""
    page = report_html(embedded)
    pair = tables(embedded)["pairs"].set_index(["origin_id", "site_id"]).loc[("OR-04", "RS-02")]
    assert (pair["geodesic_low_km"], pair["geodesic_high_km"]) == (10.5, 120.5)
    drawn = embedded.intervals.reset_index().set_index(["metric", "origin_id", "site_id"])
    median, low, high = drawn.loc[("geodesic", "OR-04", "RS-02"), ["median", "low", "high"]]
    assert f"{median:.0f} ({low:.0f} … {high:.0f})" in page
    assert f"{low:.1f} … {high:.1f}" not in page
    edge = tables(embedded)["sites"].set_index("site_id").loc["RS-04"]
    assert (edge["oasis_edge_low_km"], edge["oasis_edge_high_km"]) == (
        -102.5,
        97.5,
    )  # known to ±100 km
    assert "-100 … 100" in page
    assert "-102.5" not in page


def test_reasons_that_differ_in_a_number_are_counted_once_and_told_in_the_language(embedded):
    pages = {lang: " ".join(Page(report_html(embedded, lang=lang)).text) for lang in ("en", "zh")}
    known = tables(embedded)["sites"]["why"].str.contains(r"position known to \d+ km").sum()
    assert re.search(rf"position known to … km\s+{known}\b", pages["en"])
    assert re.search(rf"位置误差可达…公里\s+{known}\b", pages["zh"])
    assert "position of the origin unknown" not in pages["zh"]
    assert "迁出地位置不明" in pages["zh"]
    writer = Writer(embedded, {}, "zh")
    far = reason("no_road_within_named", role=word("end", "site"), km=25, nearest=30.5, name="{x}")
    assert writer.reasons(far) == "安置点25公里内没有公路\uff08最近30.5公里\uff1a{x}\uff09"
    assert writer.reasons("some other reason, 3 km") == "some other reason, 3 km"


@pytest.mark.parametrize("section", ["distances", "land", "uncertain"])
def test_no_reason_is_english_in_the_chinese_report(embedded, section):
    """Every reason of the run has Chinese words, and none is printed in English."""
    page = report_html(embedded, lang="zh").split(f'<section id="{section}"')[1]
    text = " ".join(Page(page.split("</section>")[0]).text)
    assert len(embedded.reasons) > 20
    remarks = set(embedded.study.indicators["note"].dropna())
    for sentence, code in embedded.reasons.items():
        own = {one.values["text"] for one in decode(code) if one.code == "text"}
        assert own <= remarks, sentence
        english = render(code, columns=False)
        assert english not in text, english


def test_methods_name_metrics_in_words(embedded):
    """No key of the program stands in a paragraph that may be quoted."""
    for lang, words in (
        ("en", "straight line, by road, travel time by road"),
        ("zh", "直线、公路、公路时间"),
    ):
        sentences, _ = method_texts(
            embedded, lambda key, lang=lang, **values: say(lang, key, **values)
        )
        assert any(words in sentence for sentence in sentences)
        assert not any("walk_back" in sentence for sentence in sentences)


def test_a_run_makes_its_tables_once(monkeypatch, tmp_path):
    """Workbook, GeoPackage and report take those that were written; on their own they make the
    same.
    """
    result = gs.analyse(gs.read_study(gs.template_path()))
    made = tables(result)
    alone = tables_xlsx(result), report_html(result)

    def never(_):
        raise AssertionError("tables were made again")

    for module in ("tables.xlsx", "tables.geopackage", "report.section"):
        monkeypatch.setattr(f"geosettle.{module}.tables", never)
    sheets = tables_xlsx(result, written=cited_tables(made, result))
    assert (sheets, report_html(result, written=made)) == alone
    monkeypatch.setattr("geosettle.outputs.figures", lambda *_, **__: {})
    assert "tables.xlsx" in gs.write(result, tmp_path / "out").files


def test_page_one_gives_the_headline_and_the_other_sections_are_folded(embedded):
    html = report_html(embedded)
    first, _, rest = html.partition('<section id="units"')
    found = embedded.headline
    assert f">{found.km:.0f} km<" in first
    assert f"{found.low_km:.0f}-{found.high_km:.0f} km" in first
    assert f"longer than {found.km:.0f} km in a straight line" in first
    assert 'href="map.html"' in first
    folded = [key for key in ("claims", "methods", "problems") if f'id="{key}"' in rest]
    for key in folded:
        before = rest[: rest.index(f'<section id="{key}"')]
        assert before.count("<details>") > before.count("</details>")
    open_part = re.sub(r"<details>.*?</details>", "", rest, flags=re.DOTALL)
    for table in re.findall(r"<tbody>.*?</tbody>", open_part, flags=re.DOTALL):
        assert table.count("<tr>") <= 20
