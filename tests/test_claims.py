"""The claims ledger: the rule of the verdicts, and the verdict of every claim of the embedded study
with its reason.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geosettle.claims import QUANTITIES, VERDICTS, Evidence, judge_claims, printed_tolerance


def ledger(rows, **frames):
    claims = pd.DataFrame([{"unit": "", **r} for r in rows])
    return judge_claims(claims, Evidence(claims=claims, **frames))


def one(claim, **frames):
    return ledger([claim], **frames).iloc[0]


def sites(**columns):
    return pd.DataFrame(
        columns,
        index=pd.Index(["S1", "S2", "S3"][: len(next(iter(columns.values())))], name="site_id"),
    )


def boxes(**columns):
    shapes = [shapely.box(76, 38, 77, 39), shapely.box(77, 38, 78, 39)]
    frame = {
        "name": ["West", "East"],
        "level": ["county"] * 2,
        "parent_code": ["1000"] * 2,
        **columns,
    }
    return gpd.GeoDataFrame(
        frame, geometry=shapes, index=pd.Index(["1001", "1002"], name="code"), crs="EPSG:4326"
    )


@pytest.mark.parametrize(
    ("printed", "tolerance"),
    [
        ("441000", 500),
        ("441,000", 500),
        ("24", 0.5),
        ("10", 0.5),
        ("1000", 50),  # trailing zeros leave 5 % open, not half
        ("40000", 2000),
        ("29.1", 0.05),
        ("333.35", 0.005),
        ("-7", 0.5),
        ("0", 0.5),
    ],
)
def test_tolerance_is_half_a_unit_of_the_last_significant_digit(printed, tolerance):
    assert printed_tolerance(printed) == pytest.approx(tolerance)


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [("29", "differs"), ("30", "agrees"), ("40", "differs")],  # 10 + 20 = 30; "30" means 25 to 35
)
def test_a_sum_of_flows_is_held_against_a_site(claimed, verdict):
    flows = pd.DataFrame({"site_id": ["S1", "S1"], "households": [10, 20]})
    row = one(
        {"subject": "S1", "quantity": "households", "value": claimed},
        sites=sites(households=[30.0]),
        flows=flows,
    )
    assert (row["verdict"], row["computed"], row["layer"]) == (verdict, "30", "flows")
    assert row["difference"] == 30 - float(claimed)


@pytest.mark.parametrize(
    ("claimed", "printed", "verdict"),
    [
        ("40000", "about 40,000", "agrees"),
        ("40000", None, "agrees"),
        ("41000", None, "differs"),
        ("2000", "more than 2,000", "agrees"),
        ("2000", None, "differs"),
        ("over 40,146", None, "agrees"),
        ("50000", "up to 50,000", "agrees"),
        ("40,000-41,000", None, "agrees"),
        ("41000 to 42000", None, "differs"),
        ("4万余", None, "agrees"),  # somewhat more than 4 times ten thousand
        ("4.01万", None, "agrees"),  # 40,100 to within 50
        ("4.02万", None, "differs"),
        (
            "not a few",
            None,
            "differs",
        ),  # no number that is understood: a word, which is not what was computed
    ],
)
def test_words_around_a_number_are_part_of_the_claim(claimed, printed, verdict):
    flows = pd.DataFrame({"site_id": ["S1", "S1"], "households": [40_000, 146]})
    claim = {"subject": "S1", "quantity": "households", "value": claimed, "as_printed": printed}
    row = one(claim, sites=sites(households=[1.0]), flows=flows)
    assert (row["computed"], row["verdict"]) == ("40146", verdict)


@pytest.mark.parametrize(
    ("value", "unit", "verdict"),
    [
        ("97.5", "ha", "agrees"),
        ("1462.3", "mu", "agrees"),  # 97.484 * 15 = 1462.27
        ("0.975", "km2", "agrees"),
        ("1462.3", "ha", "differs"),
        ("97.5", "km", "cannot be decided"),
        ("97.5", "", "agrees"),
    ],
)
def test_claims_are_compared_in_the_unit_computed(value, unit, verdict):
    parcel = gpd.GeoDataFrame(
        {"site_id": ["S1"], "kind": ["vineyard"], "geometry_basis": ["surveyed"]},
        geometry=[shapely.box(76, 38, 76.01, 38.01)],
        crs="EPSG:4326",
    )
    # geographiclib 2: Geodesic.WGS84.Polygon() of the box with its parallels cut into 2,000 pieces:
    # 97.484 ha.
    row = one(
        {"subject": "S1", "quantity": "vineyard_area", "value": value, "unit": unit},
        development=parcel,
    )
    assert row["verdict"] == verdict, row["why"]
    if verdict == "differs":
        assert row["difference"] == pytest.approx(97.484 - 1462.3, abs=0.01)
        assert row["why"].startswith("the computed value is 93.3")
        assert "% less than claimed" in row["why"]


PUPILS = pd.DataFrame(
    [
        {
            "site_id": "S1",
            "capital": "human",
            "indicator": "pupils",
            "before": 3.0,
            "after": 5.0,
            "unit": "",
        }
    ]
)
MORE_PUPILS = {"subject": "S1", "quantity": "pupils_direction", "value": "increased"}


def test_an_indicator_that_few_answered_is_not_told():
    row = one(MORE_PUPILS, indicators=PUPILS.assign(n=4))
    assert (row["verdict"], row["computed"]) == ("not computable", "")
    assert one(MORE_PUPILS, indicators=PUPILS.assign(n=5))["verdict"] == "agrees"


def test_indicators_and_years_are_asked_by_the_studys_own_words():
    assert one(MORE_PUPILS, indicators=PUPILS)["verdict"] == "agrees"
    flows = pd.DataFrame({"site_id": ["S1"], "persons": [12.0], "year": [2021]})
    row = one({"subject": "x", "quantity": "persons_relocated_2021", "value": "10"}, flows=flows)
    assert (row["computed"], row["verdict"]) == ("12", "differs")


def test_a_partial_sum_is_a_lower_bound():
    listed = sites(households=[10.0, np.nan, 20.0])
    below = one({"subject": "programme", "quantity": "households", "value": "45"}, sites=listed)
    above = one({"subject": "programme", "quantity": "households", "value": "25"}, sites=listed)
    assert below["verdict"] == "cannot be decided"
    assert above["verdict"] == "differs"
    assert "2 of 3 listed sites" in below["why"]


def test_a_sum_over_all_listed_sites_that_meets_the_claim_agrees():
    listed = sites(households=[10.0, 15.0, 20.0])
    verdicts = [
        one({"subject": "programme", "quantity": "households", "value": v}, sites=listed)["verdict"]
        for v in ("45", "46", "44")
    ]
    assert verdicts == [
        "agrees",
        "cannot be decided",
        "differs",
    ]  # unlisted sites could only add to it


def test_cases_for_comparison_are_not_summed():
    listed = sites(households=[10.0, 20.0], scope=["study", "comparison"])
    assert (
        one({"subject": "programme", "quantity": "households", "value": "50"}, sites=listed)[
            "computed"
        ]
        == "10"
    )


def test_a_declared_figure_confirms_nothing():
    row = one(
        {"subject": "S1", "quantity": "households", "value": "30"}, sites=sites(households=[30.0])
    )
    assert row["verdict"] == "cannot be decided"
    assert "nothing was counted independently" in row["why"]


def test_other_sources_are_named():
    listed = sites(households=[3150.0], households_low=[3063.0], households_high=[3150.0])
    row = one({"subject": "S1", "quantity": "households", "value": "3150"}, sites=listed)
    assert "other sources: 3063" in row["why"]


def test_households_times_persons():
    listed = sites(households=[10.0, 10.0], persons=[40.0, 50.0])
    claims = [
        {"subject": "programme", "quantity": "households", "value": "1000"},
        {"subject": "programme", "quantity": "persons", "value": "9001"},
        {"subject": "programme", "quantity": "persons", "value": "4501"},
    ]
    made = ledger(claims, sites=listed)
    assert made["computed"].tolist() == ["20", "4500", "4500"]
    assert made["verdict"].tolist() == [
        "cannot be decided",
        "differs",
        "cannot be decided",
    ]  # 4,000 to 5,000
    assert "claimed persons divided by claimed households: 9.00" in made["why"].iloc[1]


def test_area_of_units():
    # geographiclib 2: Geodesic.WGS84.Polygon() of 38-39 N, 76-78 E with the parallels cut into
    # 2,000 pieces: 19,366.46 km2
    for claimed, verdict in (("19366", "agrees"), ("19367", "differs"), ("19400", "agrees")):
        row = one(
            {"subject": "study_area", "quantity": "area", "value": claimed}, boundaries=boxes()
        )
        assert row["verdict"] == verdict


def test_a_stated_relative_tolerance_widens_the_room():
    claims = pd.DataFrame([{"subject": "study_area", "quantity": "area", "value": "19420"}])
    evidence = Evidence(boundaries=boxes())
    assert judge_claims(claims, evidence)["verdict"].tolist() == ["differs"]
    assert judge_claims(claims, evidence, relative_tolerance={"area": 0.01})[
        "verdict"
    ].tolist() == ["agrees"]


def test_units_whose_code_lies_elsewhere_are_named_and_not_counted():
    frame = boxes(parent_code=["1000", "2000"])
    row = one({"subject": "study_area", "quantity": "counties", "value": "1"}, boundaries=frame)
    assert (row["verdict"], row["computed"]) == ("agrees", "1")
    assert "East" in row["why"]


def test_a_list_of_names_is_counted_and_looked_up():
    listed = {
        "subject": "study_area",
        "quantity": "deeply_poor_counties_listed",
        "as_printed": "West; Ost",
    }
    count = {"subject": "study_area", "quantity": "deeply_poor_counties", "value": "1"}
    claims = pd.DataFrame([{**listed, "value": "2"}, count])
    made = judge_claims(
        claims, Evidence(boundaries=boxes(), claims=claims, aliases={"Ost": "East"})
    )
    assert made["verdict"].tolist() == ["agrees", "differs"]
    strange = judge_claims(claims, Evidence(boundaries=boxes(), claims=claims))
    assert strange["verdict"].tolist() == ["cannot be decided", "cannot be decided"]
    assert "Ost" in strange["why"].iloc[0]


def test_a_wide_interval_that_holds_the_claim_decides_nothing():
    oasis = pd.DataFrame(
        {"name": "West", "setting": ["low", "central", "high"], "share_percent": [1.0, 2.0, 3.0]}
    )
    verdicts = [
        one({"subject": "West", "quantity": "oasis_share", "value": v}, oasis=oasis)["verdict"]
        for v in ("2.0", "29.1")
    ]
    assert verdicts == ["cannot be decided", "differs"]


@pytest.mark.parametrize(
    ("county", "chance", "basis", "verdict"),
    [
        ("West", 0.99, "GPS", "agrees"),
        ("East", 0.99, "GPS", "differs"),
        ("East", 0.60, "GPS", "cannot be decided"),
        ("West", 0.99, "inside the West county", "cannot be decided"),
        ("West", 0.99, "anywhere inside its polygon", "cannot be decided"),
        ("West", 0.99, "COUNTY SEAT as stand-in", "cannot be decided"),
    ],
)
def test_a_county_counts_only_where_the_position_is_independent(county, chance, basis, verdict):
    listed = sites(
        county=[county], county_code=["1"], admin_probability=[chance], position_basis=[basis]
    )
    assert (
        one({"subject": "S1", "quantity": "county", "value": "West"}, sites=listed)["verdict"]
        == verdict
    )


def test_illustrative_parcels_measure_nothing():
    shapes = [shapely.box(76, 38, 76.01, 38.01)]
    frame = gpd.GeoDataFrame(
        {"site_id": ["S1"], "kind": ["forage"], "geometry_basis": ["surveyed"]},
        geometry=shapes,
        crs="EPSG:4326",
    )
    claim = {"subject": "S1", "quantity": "forage_area", "value": "97.3"}
    surveyed = one(claim, development=frame)
    drawn = one(claim, development=frame.assign(geometry_basis="illustrative"))
    assert float(surveyed["computed"]) == pytest.approx(
        97.3, abs=0.2
    )  # 111.0 m x 87.7 m per 0.001 degrees
    assert (drawn["computed"], drawn["verdict"]) == ("", "not computable")
    assert np.isnan(drawn["difference"])


def test_lost_values_say_so():
    row = one(
        {"subject": "S1", "quantity": "income_month", "value": None, "as_printed": "[MATH_ 2]"}
    )
    assert (row["verdict"], row["why"]) == (
        "not computable",
        "the value is lost in print; no layer of the study holds this quantity",
    )


def test_readings_of_damaged_print_are_marked():
    row = one({"subject": "S1", "quantity": "x", "value": "3", "value_basis": "interpreted"})
    assert row["why"].endswith("the value is a reading of damaged print")
    assert (
        "reading"
        not in one({"subject": "S1", "quantity": "x", "value": "3", "value_basis": "as printed"})[
            "why"
        ]
    )


def test_persons_of_a_site_show_its_persons_per_household():
    listed = sites(households=[10.0, 10.0], persons=[40.0, 50.0])
    row = one({"subject": "S1", "quantity": "persons", "value": "40"}, sites=listed)
    assert row["verdict"] == "cannot be decided"
    assert "claimed persons divided by the site's households: 4.00" in row["why"]
    assert "4.50 (4.00 to 5.00)" in row["why"]


def test_claims_keep_their_own_columns_and_order():
    claims = pd.DataFrame(
        {"subject": ["x", "y"], "quantity": ["a", "b"], "value": ["1", "2"], "mine": ["p", "q"]},
        index=[7, 3],
    )
    made = judge_claims(claims, Evidence())
    assert made.index.tolist() == [7, 3]
    assert made["mine"].tolist() == ["p", "q"]
    assert judge_claims(None, Evidence()).empty


@pytest.mark.parametrize("name", sorted(QUANTITIES))
def test_every_quantity_says_what_it_is_and_survives_nothing(name):
    assert QUANTITIES[name].name == name
    assert QUANTITIES[name].meaning
    row = one({"subject": "nobody", "quantity": name, "value": "1"})
    assert row["verdict"] == "not computable"
    assert row["why"]


# --- the embedded study
# -----------------------------------------------------------------------------------------------

INDICATORS_HOLD = "the layer of indicators repeats the figure"
DECLARED = "the layer of sites repeats a declared figure"
DERIVED = "the position was derived from the county that the claim names"
NO_LAYER = "no layer of the study holds this quantity"
LOST = "the value is lost in print; no layer"
WORDS = "a statement in words about the wider region"
DRAWN = "the parcels are drawn for illustration"

EXPECTED = {
    "S0-01": (
        "cannot be decided",
        "only the sites that the source names with a model can be counted",
    ),
    "S0-02": ("cannot be decided", "models declared at a site: 1, 2, 4, 5, 6"),
    "S0-03": (
        "cannot be decided",
        "the boundaries were chosen to contain the units of level prefecture",
    ),
    "S0-04": ("not computable", WORDS),
    "S0-05": ("differs", "geodesic area of 3 units: Hotan, Kashgar, Kizilsu"),
    "S0-06": ("not computable", WORDS),
    "S0-07": ("differs", "by setting of the rule"),
    "S0-08": ("not computable", WORDS),
    "S0-09": ("not computable", WORDS),
    "S0-10": ("not computable", LOST),
    "S0-11": ("agrees", "Kunyu, Tumxuk"),
    "S0-12": ("not computable", NO_LAYER),
    "S0-13": ("not computable", NO_LAYER),
    "S0-14": ("not computable", "the value is a reading of damaged print"),
    "S0-15": ("not computable", NO_LAYER),
    "S0-16": ("not computable", "no flow has persons and the year 2019"),
    "S0-17": ("differs", "11 different names are printed"),
    "S0-18": ("agrees", "each is a unit of level county in the boundaries"),
    "S0-19": ("not computable", NO_LAYER),
    "S0-20": ("cannot be decided", INDICATORS_HOLD),
    "S0-21": ("cannot be decided", INDICATORS_HOLD),
    "S0-22": ("differs", "the source's own figures go from 1133.9 to 1267.3"),
    "S0-23": ("cannot be decided", INDICATORS_HOLD),
    "S0-24": ("cannot be decided", INDICATORS_HOLD),
    "S0-25": ("cannot be decided", INDICATORS_HOLD),
    "S0-26": ("cannot be decided", INDICATORS_HOLD),
    "S0-27": ("cannot be decided", INDICATORS_HOLD),
    "S0-28": ("cannot be decided", INDICATORS_HOLD),
    "S0-29": ("not computable", LOST),
    "S0-30": ("cannot be decided", DERIVED),
    "S0-31": ("not computable", LOST),
    "S0-32": ("cannot be decided", "declared in the layer of sites by the same source"),
    "S0-33": ("not computable", NO_LAYER),
    "S0-34": ("not computable", NO_LAYER),
    "S0-35": ("not computable", LOST),
    "S0-36": ("cannot be decided", "the position is in"),
    "S0-37": ("not computable", LOST),
    "S0-38": ("not computable", DRAWN),
    "S0-39": ("not computable", DRAWN),
    "S0-40": ("not computable", DRAWN),
    "S0-41": ("cannot be decided", DECLARED),
    "S0-42": ("not computable", LOST),
    "S0-43": ("cannot be decided", DERIVED),
    "S0-44": ("cannot be decided", DECLARED),
    "S0-45": ("cannot be decided", DECLARED),
    "S0-46": ("cannot be decided", DECLARED),
    "S0-47": ("not computable", LOST),
    "S0-48": ("not computable", LOST),
    "S0-49": ("not computable", NO_LAYER),
    "S0-50": ("cannot be decided", "the word names no distance"),
    "S0-51": ("not computable", "no flow of these sites has a distance"),
    "S0-52": ("cannot be decided", "no figures are printed for human or social"),
    "S0-53": ("not computable", NO_LAYER),
    "S0-54": ("not computable", NO_LAYER),
    "S1-01": ("cannot be decided", "whether the list is complete is not known"),
    "S1-02": ("cannot be decided", "claimed persons divided by claimed households: 4.22"),
    "S1-03": ("not computable", NO_LAYER),
    "S1-04": ("cannot be decided", DECLARED),
    "S1-05": ("cannot be decided", "claimed persons divided by the site's households: 4.44"),
    "S1-06": ("cannot be decided", "origins with a flow: 2 documented, 1 inferred"),
    "S1-07": ("cannot be decided", "repeats a declared year"),
    "S1-08": ("cannot be decided", DERIVED),
    "S1-09": ("cannot be decided", "whether the list is complete is not known"),
    "S1-10": ("not computable", NO_LAYER),
    "S1-11": ("not computable", NO_LAYER),
}


@pytest.fixture(scope="module")
def embedded():
    from geosettle.admin import join_admin
    from geosettle.distance import pair_distances
    from geosettle.io import read_study
    from geosettle.remoteness import remoteness

    study = read_study()
    aliases = study.settings["admin"]["aliases"]
    joined = join_admin(study.sites, study.boundaries, aliases=aliases)[
        ["county_code", "county", "admin_probability"]
    ]
    pairs = pair_distances(study.flows, study.origins, study.sites, metrics=("geodesic",))
    # The oasis is another module's work and has its own tests; the rule's three settings stand in
    # for it here.
    oasis = pd.DataFrame(
        {"name": "Hotan", "setting": ["low", "central", "high"], "share_percent": [1.0, 1.6, 3.0]}
    )
    evidence = Evidence(
        sites=study.sites.drop(columns=["county", "prefecture"]).join(joined),
        origins=study.origins,
        flows=study.flows,
        boundaries=study.boundaries,
        development=study.development,
        indicators=study.indicators,
        oasis=oasis,
        remoteness=remoteness(pairs, study.sites, study.origins),
        claims=study.claims,
        aliases=aliases,
    )
    return judge_claims(study.claims, evidence).set_index("claim_id")


def test_every_claim_of_the_embedded_study_has_a_verdict(embedded):
    assert sorted(embedded.index) == sorted(EXPECTED)
    assert embedded["verdict"].isin(VERDICTS).all()


@pytest.mark.parametrize("claim_id", sorted(EXPECTED))
def test_verdict_and_reason(embedded, claim_id):
    verdict, reason = EXPECTED[claim_id]
    assert embedded.loc[claim_id, "verdict"] == verdict
    assert reason in embedded.loc[claim_id, "why"]


def test_figures_of_the_embedded_study(embedded):
    # 430,160 km2: area of the three prefectures found with pyproj's Geod.polygon_area_perimeter on
    # the same set
    assert float(embedded.loc["S0-05", "computed"]) == pytest.approx(430_160, rel=1e-4)
    assert embedded.loc["S0-05", "difference"] == pytest.approx(-10_840, abs=50)
    assert embedded.loc["S0-07", "difference"] == pytest.approx(1.6 - 29.1)
    assert embedded.loc["S0-22", "computed"] == "increased"
    # Households of the listed sites of the study: 1660+136+1000+3150+363+1194+358+161+370+534+116
    assert embedded.loc["S1-01", "computed"] == "9042"
