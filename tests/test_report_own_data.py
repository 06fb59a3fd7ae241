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
from geosettle.report import report_html
from geosettle.report.summary import FINDINGS
from geosettle.results import in_scope
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


def findings(result, lang="en"):
    return {f.__name__.strip("_"): f(in_scope(result), lang) for f in FINDINGS}


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# The equator is a geodesic of radius 6378.137 km: one degree is 111.3195 km.
def test_unstated_radii_are_no_certainty(plain):
    told = findings(plain)
    assert told["distances"].endswith(
        "The sources give no uncertainty of the locations; all are taken as exact."
    )
    assert told["farthest"] == "The longest measured move is from Cedar to Two: 55.7 km."
    assert told["farming"].startswith("In 3 of 3 moves the old fields are more than 4 km away")
    assert not any(
        word in " ".join(told.values())
        for word in ("certainly", "is certain", "95 %", "too uncertain")
    )
    chinese = findings(plain, "zh")
    assert "按精确值计算" in chinese["distances"]
    assert "确定在" not in "".join(chinese.values())


def test_stated_radii_still_hold_whatever_the_true_positions():
    told = findings(gs.analyse(study([1.0, 1.0, 1.0], [1.0, 2.0, 0.5])))
    assert "because locations are uncertain" in told["distances"]
    assert (
        "Cedar to Two: 55.7 km (54.2-57.2 km). No other measured move can be longer, even"
        in (told["farthest"])
    )
    assert told["farming"].startswith("In 3 of 3 moves the old fields are certainly more than 4 km")
    assert told["farming"].count(".") == 1


def test_radii_of_some_positions_hold_as_far_as_they_go():
    told = findings(gs.analyse(study([1.0, 1.0, 1.0], [1.0, None, None])))
    assert told["distances"].endswith("For 2 moves the sources give no uncertainty of one or both "
                                      "locations; such a location is taken as exact.")  # fmt: skip
    assert "Within the uncertainties that are given, no other" in told["farthest"]
    assert "are more than 4 km" in told["farming"]


def test_a_way_walked_twice_is_no_rival_of_itself():
    flows = pd.DataFrame(
        {"origin_id": ["O1", "O3", "O3"], "site_id": ["S1", "S2", "S2"], "year": [2015, 2015, 2016]}
    )
    line = findings(gs.analyse(study(flows=flows)))["farthest"]
    assert line == "The longest measured move is from Cedar to Two: 55.7 km."


def test_the_level_is_named_as_the_study_names_it(plain):
    line = findings(plain)["units"]
    assert line.startswith(
        "All 2 located sites inside the boundary data are assigned to a unit of level ward."
    )
    assert line.endswith("1 located site is outside every ward of the boundary data.")
    assert "county" not in line  # nor that no site differs from what none declares
    assert "2个安置点均已归入级别为ward的单元" in findings(plain, "zh")["units"]


@pytest.mark.parametrize(
    ("layer", "line", "said"),
    [
        (
            "development",
            "land",
            "36 parcels of developed land were given, and none could be used; see Data problems.",
        ),
        (
            "claims",
            "doubts",
            "36 statements of the sources were given, and none could be used; see Data problems.",
        ),
        ("oasis", "green", "36 oasis areas were given, and none could be used; see Data problems."),
        ("flows", "distances", "36 moves were given, and none could be used; see Data problems."),
        (
            "boundaries",
            "units",
            "36 administrative units were given, and none could be used; see Data problems.",
        ),
    ],
)
def test_a_layer_set_aside_is_not_a_layer_never_given(plain, layer, line, said):
    def of(counts):
        own = dataclasses.replace(plain.study, ledger={layer: counts})
        bare = plain.pairs.iloc[:0], plain.sites.assign(admin_probability=np.nan)
        return findings(
            dataclasses.replace(plain, study=own, pairs=bare[0], sites=bare[1], headline=None)
        )[line]

    assert of({"rows_in": 36, "rows_used": 0, "rows_set_aside": 36}).startswith(said)
    assert "none could be used" not in of({"rows_in": 0, "rows_used": 0, "rows_set_aside": 0})


def test_no_households_stated_is_no_total_of_zero(plain):
    assert "household" not in findings(plain)["counts"]
    assert "户" not in findings(plain, "zh")["counts"]
    some = dataclasses.replace(plain, sites=plain.sites.assign(households=[np.nan, 7.0, 5.0]))
    assert findings(some)["counts"].endswith("2 sites report 12 households in total.")
    one = dataclasses.replace(plain, sites=plain.sites.assign(households=[np.nan, 1.0, np.nan]))
    assert findings(one)["counts"].endswith("1 site reports 1 household.")


def test_the_report_prints_one_number_where_no_radius_is_stated(page):
    text = words_of(page)
    assert " … " not in text
    assert "the interval that holds" not in text
    assert "For 3 of 3 distances the sources give no uncertainty of one or both locations" in text
    assert ">55.7<" in page  # and not to the metre, 55.660
    assert (
        text.count("given without an uncertainty, taken as exact") == 6
    )  # three sites, three origins
    assert "Probability, %" not in text


def test_the_report_prints_ranges_where_radii_are_stated():
    text = words_of(
        report_html(gs.analyse(study([1.0, 1.0, 1.0], [1.0, 2.0, 0.5], boundaries=wards())))
    )
    assert re.search(r"55\.\d \(5[45]\.\d … 5[67]\.\d\)", text)
    assert "the interval that holds 90 % of them" in text
    assert "Probability, %" in text
    assert "taken as exact" not in text


def test_sites_stand_beside_the_finest_unit_under_its_own_name(page, plain):
    head, row = (
        re.search(pattern, page)[0]
        for pattern in (r"<caption>.{0,40}Sites</caption>.*?</thead>", r"One</bdi>.*?</tr>")
    )
    assert re.search(r'<th scope="col"[^>]*>Ward</th>', head)
    assert "West ward" in row
    assert "The ward is the one at the best estimate of the location." in page
    assert "The county" not in page
    assert "ward为位置最佳估计所在的单元" in report_html(plain, lang="zh")


def test_what_is_not_there_is_not_printed(page, plain):
    assert not re.search(r"<tbody\s*/?>\s*</t", page)  # a table without rows
    text = words_of(page)
    for absent in (
        "Oasis by prefecture",
        "Statements and results",
        "Land of the sites",
        "Stated distances that can be",
    ):
        assert absent not in text
    assert "Distances stated by sources" not in text
    tables = [int(n) for n in re.findall(r'class="no">Table (\d+)\.', page)]
    assert tables == list(range(1, len(tables) + 1))
    lost = dataclasses.replace(
        plain.study, ledger={"development": {"rows_in": 2, "rows_used": 0, "rows_set_aside": 2}}
    )
    said = words_of(report_html(dataclasses.replace(plain, study=lost)))
    assert (
        said.count("2 parcels of developed land were given, and none could be used") == 2
    )  # summary and section


def test_means_say_how_they_are_weighted(page):
    # One: 11.1 km by 10 households, 22.3 km by 30: by households (11.132 + 3 * 22.264) / 4 = 19.5;
    # each move once 16.7
    text = words_of(page)
    assert "Mean to the land left, km" in text
    assert (
        "16.7"
        in text.split("Remoteness of the sites")[-1].split("Access before and after the move")[0]
    )
    constraints = text.split("Constraints, site by site")[0].rsplit("Constraints", 1)[-1]
    assert "is the mean by households where the moves to a site report them" in constraints
    assert "19.5 km" in text.split("Constraints, site by site")[-1]


def test_thresholds_of_the_package_are_not_called_the_user_s(plain, page):
    text = words_of(page)
    assert "set by the user" not in text
    assert "default, not a standard: set your own" in text
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
    for about_nothing in (
        "No distance to the land left",
        "No distance could be computed",
        "No change can be computed",
        "Scores are relative",
        "Being nearer to a place",
        "Walking and road values use",
        "may be due to chance",
    ):
        assert about_nothing not in text
    assert "Scores are relative" in words_of(report_html(plain))


def test_flags_of_declared_distances_are_words(plain):
    flags = ["declared_shorter_than_straight;declared_detour_outside_range", "used_to_place", ""]
    told = dataclasses.replace(
        plain, pairs=plain.pairs.assign(declared_km=[5.0, 30.0, 60.0], flags=flags)
    )
    text = words_of(report_html(told)).split("Stated distances that can be compared")[-1]
    assert "shorter than the straight line: impossible; detour outside the plausible range" in text
    assert (
        "used to locate an end: cannot be checked"
        in text.split("Stated distances used to locate a place")[-1]
    )
    assert not re.search("declared_|used_to", text)
    assert "短于直线距离" in report_html(told, lang="zh")


def test_the_ratio_is_of_the_distance_before_it_is_rounded():
    flows = pd.DataFrame({"origin_id": ["O1"], "site_id": ["S1"], "declared_km": [50.0]})
    made = gs.analyse(study([10.0] * 3, [10.0] * 3, flows=flows))
    text = words_of(report_html(made)).split("Stated distances that can be compared")[-1]
    assert "4.49" in text  # 50 / 11.132, and not 50 / 11
    assert "One can be checked: it is 4.49 times" in findings(made)["declared"]


@pytest.mark.parametrize(
    ("areas", "basis", "said"),
    [
        ([4.0, 6.0], "surveyed", "Sources report 10 ha of developed land in 2 parcels."),
        (
            [4.0, None],
            "surveyed",
            "4 ha of developed land in 1 parcel. For 1 parcel no area is reported.",
        ),
        ([None, None], "surveyed", "For 2 parcels no area is reported."),
        ([4.0, 6.0], "illustrative", "2 parcels. The location of this land is not known."),
    ],
)
def test_an_area_not_declared_is_no_hectare(plain, areas, basis, said):
    parcels = gpd.GeoDataFrame(
        {"kind": "field", "declared_ha": pd.array(areas, dtype="Float64"), "geometry_basis": basis},
        geometry=[box(30, 0, 30.01, 0.01), box(30.02, 0, 30.03, 0.01)],
        index=pd.Index(["D1", "D2"], name="development_id"),
        crs=4326,
    )
    line = findings(
        dataclasses.replace(plain, study=dataclasses.replace(plain.study, development=parcels))
    )["land"]
    assert said in line
    assert ("is not known" in line) == (basis == "illustrative")
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
    assert "Straight-line distances of the moves, with locations as given." in text
    assert "full range given" not in text
    assert "The band spans" not in text
    assert "19.5 公里" in report_html(plain, lang="zh")
