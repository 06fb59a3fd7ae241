"""The report of a study that states little: what is not stated is not sold as known, and what is
not there not printed.
"""

from __future__ import annotations

import dataclasses
import html
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from asked import ASKED
from shapely.geometry import box

import geosettle as gs
from geosettle.livelihood._account import Layers
from geosettle.livelihood.conditions import conditions
from geosettle.report import report_html, summary_lines
from geosettle.study import Study

RADII = [None, None, None]


def study(site_km=RADII, origin_km=RADII, **more) -> Study:
    """Three sites in a row along the equator, three origins 11, 22 and 33 km west of the first; the
    last stands alone.
    """
    sites = gpd.GeoDataFrame(
        {"site_id": ["S1", "S2", "S3"], "name": ["One", "Two", "Three"], "uncertainty_km": site_km},
        geometry=gpd.points_from_xy([30.0, 30.2, 34.0], [0.0, 0.0, 0.0]),
        crs=4326,
    ).set_index("site_id")
    origins = gpd.GeoDataFrame(
        {
            "origin_id": ["O1", "O2", "O3"],
            "name": ["Ash", "Birch", "Cedar"],
            "uncertainty_km": origin_km,
        },
        geometry=gpd.points_from_xy([29.9, 29.8, 29.7], [0.0, 0.0, 0.0]),
        crs=4326,
    ).set_index("origin_id")
    flows = pd.DataFrame(
        {
            "origin_id": ["O1", "O2", "O3"],
            "site_id": ["S1", "S1", "S2"],
            "households": [10.0, 30.0, 5.0],
        }
    )
    return gs.Study(
        **{"sites": sites, "origins": origins, "flows": flows, "name": "own", "settings": ASKED}
        | more
    )


def wards() -> gpd.GeoDataFrame:
    """Two wards of the user's own ladder; the third site lies in none."""
    return gpd.GeoDataFrame(
        {"code": ["W1", "W2"], "name": ["West ward", "East ward"], "level": "ward"},
        geometry=[box(29, -1, 30.1, 1), box(30.1, -1, 31, 1)],
        crs=4326,
    ).set_index("code")


@pytest.fixture(scope="module")
def plain() -> gs.Result:
    return gs.analyse(study(boundaries=wards()))


@pytest.fixture(scope="module")
def page(plain) -> str:
    return report_html(plain)


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# The equator is a geodesic of radius 6378.137 km: one degree is 111.3195 km.
def test_unstated_radii_are_no_certainty(plain):
    lines = summary_lines(plain)
    assert lines[1].endswith(
        "No uncertainty of the positions is stated, so they are taken as exact."
    )
    assert (
        "Cedar to Two: 55.7 km, longer than every other of them as the positions are given."
        in lines[2]
    )
    assert lines[3].endswith("3 are longer than 4 km, the farming radius by motor vehicle, and 0 within it, "
                             "as the positions are given.")  # fmt: skip
    assert not any("whatever" in line or "95 %" in line for line in lines)
    chinese = summary_lines(plain, "zh")
    assert "按精确值计" in chinese[1]
    assert "按所给位置" in chinese[2]
    assert "无论" not in "".join(chinese)


def test_stated_radii_still_hold_whatever_the_true_positions():
    lines = summary_lines(gs.analyse(study([1.0, 1.0, 1.0], [1.0, 2.0, 0.5])))
    assert lines[1].endswith("typically known to ±2 km.")  # 2, 3 and 1.5 km: the median is 2
    assert (
        "between 54.2 and 57.2 km, longer than every other of them whatever the true positions."
        in lines[2]
    )
    assert "whatever the true positions, and 0 within it; for 0 the positions decide." in lines[3]


def test_radii_of_some_positions_hold_as_far_as_they_go():
    lines = summary_lines(gs.analyse(study([1.0, 1.0, 1.0], [1.0, None, None])))
    assert lines[1].endswith("For 2 of them no uncertainty of one or both positions is stated; "
                             "such a position is taken as exact.")  # fmt: skip
    assert lines[2].endswith("as far as the stated radii tell.")
    assert "as far as the stated radii tell" in lines[3]


def test_a_way_walked_twice_is_no_rival_of_itself():
    flows = pd.DataFrame(
        {"origin_id": ["O1", "O3", "O3"], "site_id": ["S1", "S2", "S2"], "year": [2015, 2015, 2016]}
    )
    line = summary_lines(gs.analyse(study(flows=flows)))[2]
    assert "Cedar to Two: 55.7 km, longer than every other" in line


def test_the_level_is_named_as_the_study_names_it(plain):
    line = summary_lines(plain)[4]
    assert line.startswith(
        "Of 2 sites, 2 lie in a ward of the boundaries, as the positions are given."
    )
    assert line.endswith("Sites with a position that lie in no ward of the boundaries: 1.")
    assert "county" not in line  # nor that no site differs from what none declares
    assert "2个各落在一个ward内" in summary_lines(plain, "zh")[4]


@pytest.mark.parametrize(
    ("layer", "line", "said"),
    [
        (
            "development",
            7,
            "36 parcels of land development were given and none could be used: see the problems.",
        ),
        (
            "claims",
            9,
            "36 claims of the sources were given and none could be used: see the problems.",
        ),
        ("oasis", 6, "36 areas of oasis were given and none could be used: see the problems."),
        ("flows", 1, "36 moves were given and none could be used: see the problems."),
        (
            "boundaries",
            4,
            "36 administrative units were given and none could be used: see the problems.",
        ),
    ],
)
def test_a_layer_set_aside_is_not_a_layer_never_given(plain, layer, line, said):
    def of(counts):
        own = dataclasses.replace(plain.study, ledger={layer: counts})
        bare = plain.pairs.iloc[:0], plain.sites.assign(admin_probability=np.nan)
        return summary_lines(dataclasses.replace(plain, study=own, pairs=bare[0], sites=bare[1]))[
            line
        ]

    assert of({"rows_in": 36, "rows_used": 0, "rows_set_aside": 36}).startswith(said)
    assert "none could be used" not in of({"rows_in": 0, "rows_used": 0, "rows_set_aside": 0})


def test_no_households_stated_is_no_total_of_zero(plain):
    assert summary_lines(plain)[0].endswith("No site states its households.")
    assert "没有安置点载明户数" in summary_lines(plain, "zh")[0]
    some = dataclasses.replace(plain, sites=plain.sites.assign(households=[np.nan, 7.0, 5.0]))
    assert summary_lines(some)[0].endswith("2 sites state their households, 12 in all.")


def test_the_report_prints_one_number_where_no_radius_is_stated(page):
    text = words_of(page)
    assert " … " not in text
    assert "Ranges that hold 90 %" not in text
    assert "For 3 of 3 distances no uncertainty of one or both positions is stated" in text
    assert ">55.7<" in page  # and not to the metre, 55.660
    assert text.count("given without a radius, taken as exact") == 6  # three sites, three origins
    assert "Possible positions in it" not in text


def test_the_report_prints_ranges_where_radii_are_stated():
    text = words_of(
        report_html(gs.analyse(study([1.0, 1.0, 1.0], [1.0, 2.0, 0.5], boundaries=wards())))
    )
    assert "54.2 … 57.2" in text
    assert "Ranges that hold 90 %" in text
    assert "Possible positions in it" in text
    assert "taken as exact" not in text


def test_sites_stand_beside_the_finest_unit_under_its_own_name(page, plain):
    head, row = (
        re.search(pattern, page)[0]
        for pattern in (r"<caption>.{0,40}Sites</caption>.*?</thead>", r"One</bdi>.*?</tr>")
    )
    assert re.search(r'<th scope="col"[^>]*>Ward</th>', head)
    assert "West ward" in row
    assert "The ward is the one that the position falls in." in page
    assert "The county" not in page
    assert "ward为位置所落之ward" in report_html(plain, lang="zh")


def test_what_is_not_there_is_not_printed(page, plain):
    assert not re.search(r"<tbody\s*/?>\s*</t", page)  # a table without rows
    text = words_of(page)
    for absent in (
        "Oasis by prefecture",
        "Claims and verdicts",
        "Land of the sites",
        "Declared distances that can be",
    ):
        assert absent not in text
    assert "No source declares a distance." in text.split("Declared against computed")[-1]
    tables = [int(n) for n in re.findall(r'class="no">Table (\d+)\.', page)]
    assert tables == list(range(1, len(tables) + 1))
    lost = dataclasses.replace(
        plain.study, ledger={"development": {"rows_in": 2, "rows_used": 0, "rows_set_aside": 2}}
    )
    said = words_of(report_html(dataclasses.replace(plain, study=lost)))
    assert (
        said.count("2 parcels of land development were given and none could be used") == 2
    )  # summary and section


def test_means_say_how_they_are_weighted(page):
    # One: 11.1 km by 10 households, 22.3 km by 30: by households (11.132 + 3 * 22.264) / 4 = 19.5;
    # each move once 16.7
    text = words_of(page)
    assert "Mean to the land left, each move once, km" in text
    assert "16.7" in text.split("Remoteness of the sites")[-1].split("How remoteness changed")[0]
    constraints = text.split("Constraints, site by site")[0].rsplit("Constraints, measured", 1)[-1]
    assert "is the mean by households where the moves to a site state them" in constraints
    assert "19.5 km" in text.split("Constraints, site by site")[-1]


def test_thresholds_of_the_package_are_not_called_the_user_s(plain, page):
    text = words_of(page)
    assert "set by the user" not in text
    assert "default, no norm: set your own" in text
    assert "Ni, Hua and Xu 2013" in text
    chinese = report_html(plain, lang="zh")
    assert "并非标准" in chinese
    assert "至多10公里" in chinese
    assert "至少0.2公顷/户" in chinese
    # nothing was measured, and the threshold has its unit all the same
    assert "at most 10 km" in text
    assert "at least 0.2 ha per household" in text


def test_thresholds_of_the_user_are():
    wanted = [
        {"item": "work", "measure": "nearest", "kinds": ["port"], "at_most": 7, "metric": "road"}
    ]
    row = conditions("recommendation", wanted, Layers(study().sites), ["S1"]).iloc[0]
    assert (row["source"], row["unit"], row["verdict"]) == (
        "threshold set by the user",
        "km",
        "unknown",
    )


def test_sites_and_nothing_else_make_a_short_report(plain):
    bare = gs.analyse(study(flows=study().flows.iloc[:0], origins=study().origins.iloc[:0]))
    text = words_of(report_html(bare)).split("What was found")[-1]
    assert "No distance to the land left or to any kind of place could be measured." in text
    assert (
        text.count("No distance could be computed: no move has both ends placed.") == 2
    )  # summary and section
    assert text.count("No change can be told") == 2
    assert "No boundaries were given" in text
    for about_nothing in (
        "Scores are relative",
        "Being nearer to a place",
        "Distances are geodesic",
        "chance cannot be",
    ):
        assert about_nothing not in text
    assert "Scores are relative" in words_of(report_html(plain))


def test_flags_of_declared_distances_are_words(plain):
    flags = ["declared_shorter_than_straight;declared_detour_outside_range", "used_to_place", ""]
    told = dataclasses.replace(
        plain, pairs=plain.pairs.assign(declared_km=[5.0, 30.0, 60.0], flags=flags)
    )
    text = words_of(report_html(told)).split("Declared distances that can be compared")[-1]
    assert (
        "shorter than the straight line can be: impossible; detour outside the plausible range"
        in text
    )
    assert (
        "used to place an end: no evidence for it"
        in text.split("Declared distances used to place")[-1]
    )
    assert not re.search("declared_|used_to", text)
    assert "短于直线所能" in report_html(told, lang="zh")


def test_the_ratio_is_of_the_distance_before_it_is_rounded():
    flows = pd.DataFrame({"origin_id": ["O1"], "site_id": ["S1"], "declared_km": [50.0]})
    made = gs.analyse(study([10.0] * 3, [10.0] * 3, flows=flows))
    text = words_of(report_html(made)).split("Declared distances that can be compared")[-1]
    assert "4.49" in text  # 50 / 11.132, and not 50 / 11
    assert "The one compared is 4.49 times" in summary_lines(made)[8]


@pytest.mark.parametrize(
    ("areas", "basis", "said"),
    [
        (
            [4.0, 6.0],
            "surveyed",
            "2 parcels of 1 kinds declare 10 ha; the leased area is not stated.",
        ),
        (
            [4.0, None],
            "surveyed",
            "2 parcels of 1 kinds, 1 of which declare an area, 4 ha in all; the leased area",
        ),
        (
            [None, None],
            "surveyed",
            "2 parcels of 1 kinds; none declares its area; the leased area is not stated.",
        ),
        ([4.0, 6.0], "illustrative", "not stated. 10 ha of it have only an illustrative shape"),
    ],
)
def test_an_area_not_declared_is_no_hectare(plain, areas, basis, said):
    parcels = gpd.GeoDataFrame(
        {"kind": "field", "declared_ha": pd.array(areas, dtype="Float64"), "geometry_basis": basis},
        geometry=[box(30, 0, 30.01, 0.01), box(30.02, 0, 30.03, 0.01)],
        index=pd.Index(["D1", "D2"], name="development_id"),
        crs=4326,
    )
    line = summary_lines(
        dataclasses.replace(plain, study=dataclasses.replace(plain.study, development=parcels))
    )[7]
    assert said in line
    assert ("illustrative" in line) == (basis == "illustrative")
    assert not re.search(r"\b0 ha", line)


def test_conditions_of_the_package_stand_in_the_language_of_the_report(plain, page):
    models = [*ASKED.models.values()]
    own = [c["item"] for c in (*ASKED.livelihood.constraints, *ASKED.livelihood.checks)]
    own += [m["name"] for m in models] + [c["item"] for m in models for c in m["conditions"]]
    chinese = html.unescape(report_html(plain, lang="zh"))
    for item in own:
        assert item not in chinese.lower()
        assert (
            item in html.unescape(page).lower() or "+" in item
        )  # a model of which nothing is known has no column
    assert "30公里内每个就业中心的人数" in chinese
    assert re.search("模式1.可及的工业园", chinese)


def test_captions_speak_of_no_ranges_where_none_are_drawn(plain):
    drawn = {
        f"{name}.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 16 for name in ("distances", "distribution")
    }
    text = words_of(report_html(plain, figures=drawn))
    assert "Straight lines from origin to site, as the positions are given." in text
    assert "what both radii allow" not in text
    assert "The band runs" not in text
    assert "19.5 公里" in report_html(plain, lang="zh")
