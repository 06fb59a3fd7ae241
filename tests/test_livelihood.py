"""Capitals, survey statistics against scipy and statsmodels, models and their conditions."""

from __future__ import annotations

import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from asked import ASKED

from geosettle.errors import InputError, UnknownNameError
from geosettle.livelihood import (
    MEASURES,
    Layers,
    capitals,
    conditions,
    development_models,
    livelihood,
)
from geosettle.livelihood._account import COLUMNS, verdict
from geosettle.livelihood.capitals import newcombe, wilson
from geosettle.livelihood.survey import mcnemar, mean_change, wilcoxon
from geosettle.raster import Raster
from geosettle.remoteness import remoteness

NAN = float("nan")
RNG = np.random.default_rng(11)
conditions_module = sys.modules["geosettle.livelihood.conditions"]


def one(frame, **where):
    for column, wanted in where.items():
        frame = frame[frame[column] == wanted]
    assert len(frame) == 1, (where, len(frame))
    return frame.iloc[0]


# --- statistics
# -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 7), (1, 12), (5, 10), (33, 40), (40, 40)])
def test_wilson_against_statsmodels(k, n):
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(k, n) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-12)
    assert wilson(k, n, 0.9) == pytest.approx(
        proportion_confint(k, n, alpha=0.1, method="wilson"), abs=1e-12
    )


@pytest.mark.parametrize(
    ("k1", "n1", "k0", "n0"), [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 20)]
)
def test_newcombe_against_statsmodels(k1, n1, k0, n0):
    from statsmodels.stats.proportion import confint_proportions_2indep

    theirs = confint_proportions_2indep(k1, n1, k0, n0, method="newcomb", compare="diff")
    assert newcombe(k0 / n0, n0, k1 / n1, n1) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_mcnemar_against_statsmodels(seed):
    from statsmodels.stats.contingency_tables import mcnemar as theirs

    rng = np.random.default_rng(seed)
    before, after = rng.integers(0, 2, 40).astype(float), rng.integers(0, 2, 40).astype(float)
    table = pd.crosstab(before, after).reindex(index=[0, 1], columns=[0, 1], fill_value=0)
    assert mcnemar(before, after)["p"] == pytest.approx(theirs(table, exact=True).pvalue, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_wilcoxon_against_scipy(seed):
    from scipy import stats

    rng = np.random.default_rng(seed)
    before = rng.normal(10, 3, 30).round(1)
    after = before + rng.normal(0.5, 2, 30).round(1)
    mine, theirs = wilcoxon(before, after), stats.wilcoxon(after, before)
    assert mine["p"] == pytest.approx(theirs.pvalue, rel=1e-12)
    assert mine["statistic"] == theirs.statistic


def test_rank_biserial_by_hand():
    # Changes 1, 2, -3, 4: ranks 1 + 2 + 4 = 7 up, 3 down.
    before = np.zeros(4)
    assert wilcoxon(before, np.array([1.0, 2.0, -3.0, 4.0]))["rank_biserial"] == pytest.approx(
        (7 - 3) / 10
    )
    assert wilcoxon(before, before) == {
        "statistic": pytest.approx(NAN, nan_ok=True),
        "p": 1.0,
        "rank_biserial": 0.0,
        "used": 0.0,
    }


def test_t_interval_against_statsmodels():
    from statsmodels.stats.weightstats import DescrStatsW

    change = RNG.normal(1, 2, 25)
    assert mean_change(change, 0.95, 0, 0) == pytest.approx(
        DescrStatsW(change).tconfint_mean(), rel=1e-12
    )


def test_bootstrap_is_repeatable_regardless_of_row_order_and_near_students_t():
    change = RNG.normal(1, 2, 60)
    ends = mean_change(change, 0.95, 4000, 1)
    assert ends == mean_change(change[::-1], 0.95, 4000, 1)
    assert ends == pytest.approx(mean_change(change, 0.95, 0, 1), abs=0.15)
    assert np.isnan(mean_change(change[:1], 0.95, 0, 1)).all()


@pytest.mark.parametrize(
    ("numbers", "limits", "word"),
    [
        ((8, 6, 9), {"at_most": 10}, "met"),
        ((8, 6, 12), {"at_most": 10}, "undecidable"),
        ((12, 11, 13), {"at_most": 10}, "not met"),
        ((12, NAN, NAN), {"at_least": 10}, "met"),
        ((12, 9, NAN), {"at_least": 10}, "undecidable"),
        ((5, 5, 5), {"at_least": 2, "at_most": 4}, "not met"),
        ((NAN, 1, 2), {"at_most": 4}, "unknown"),
    ],
)
def test_verdicts(numbers, limits, word):
    assert verdict(*numbers, **limits) == word


# --- capitals
# ---------------------------------------------------------------------------------------------------------


def aggregates(**columns):
    base = {
        "site_id": "survey",
        "capital": "material",
        "indicator": "sheds",
        "before": 10.0,
        "after": 60.0,
    }
    return pd.DataFrame(
        [{**base, "unit": "percent of households", "n": 100, "source": "s", **columns}]
    )


def test_shares_with_numbers_get_newcombes_interval():
    row = one(capitals(aggregates()))
    low, high = newcombe(0.1, 100, 0.6, 100)
    assert (row["change"], row["low"], row["high"]) == (
        50,
        pytest.approx(100 * low),
        pytest.approx(100 * high),
    )
    assert row["verdict"] == "higher"
    assert one(capitals(aggregates(after=12.0)))["verdict"] == "not distinguishable"


def test_without_a_number_observed_there_is_no_interval():
    row = one(capitals(aggregates(n=NAN)))
    assert np.isnan(row["low"])
    assert row["verdict"] == "higher"
    assert "no interval: the number observed is not published" in row["note"]


def test_figures_that_fewer_than_five_answered_are_suppressed():
    row = one(capitals(aggregates(n=4)))
    assert row["verdict"] == "suppressed"
    assert row[["before", "after", "change", "low", "high", "n"]].isna().all()
    assert "fewer than 5 answered" in row["note"]
    assert one(capitals(aggregates(n=5)))["n"] == 5
    assert one(capitals(aggregates(n=8), smallest_cell=10))["verdict"] == "suppressed"
    sites = layers().sites
    asked = [{"item": "x", "measure": "training", "indicators": ["sheds"]}]
    made = livelihood(sites, indicators=aggregates(n=4), constraints=asked)
    assert set(made.loc[made["section"] == "constraint", "verdict"]) == {"unknown"}


def test_a_direction_that_contradicts_the_figures_is_said():
    assert (
        "the source calls the change 'decrease'"
        in one(capitals(aggregates(direction="decrease")))["note"]
    )
    assert "the source calls" not in one(capitals(aggregates(direction="increase")))["note"]


def test_the_embedded_indicators_carry_their_damage():
    from geosettle.io import read_study

    made = capitals(read_study().indicators)
    land = one(made, item="natural: farmland per person")
    assert (land["before"], land["after"], land["verdict"]) == (1133.9, 1267.3, "higher")
    assert land["change"] == pytest.approx(133.4)
    assert "printed damaged: 113.39$x107{4}$ m? before, 126.73$x107{4}$ m? after" in land["note"]
    greenhouses = one(made, item="material: households with a vegetable greenhouse")
    assert (greenhouses["before"], greenhouses["after"]) == (16.7, 72.8)
    assert greenhouses["change"] == pytest.approx(56.1)
    for item, before, other in (
        (
            "material: households with a livestock shed",
            13.2,
            "financial: migrants who obtained a loan",
        ),
        (
            "financial: migrants who obtained a loan",
            16.5,
            "material: households with a livestock shed",
        ),
    ):
        row = one(made, item=item)
        assert (row["before"], row["after"]) == (before, 36.8)
        assert f"the same figure after the move is printed for {other}" in row["note"]
    assert one(made, item="social: interaction with neighbours")["verdict"] == "unknown"
    assert set(made["evidence"]) == {"declared by the source"}


# --- models and conditions
# --------------------------------------------------------------------------------------------


def layers(**more):
    sites = gpd.GeoDataFrame(
        {
            "households": [100.0, NAN, 10.0], "persons": [400.0, 100.0, NAN], "uncertainty_km": [1.0, 20.0, NAN],
            "models": ["1;2", None, "6"], "greenhouses": [50.0, 10.0, NAN],
        },
        geometry=[shapely.Point(0, 0), shapely.Point(0.1, 0), None], index=pd.Index(["A", "B", "C"], name="site_id"),
        crs="EPSG:4326",
    )  # fmt: skip
    places = gpd.GeoDataFrame(
        {"kind": ["market", "port"]}, geometry=[shapely.Point(0.05, 0), shapely.Point(1, 0)],
        index=pd.Index(["m", "p"], name="place_id"), crs="EPSG:4326",
    )  # fmt: skip
    origins = gpd.GeoDataFrame(
        {"land_ha": [30.0, 12.0]},
        geometry=[shapely.Point(0, 1), None],
        index=pd.Index(["o", "q"], name="origin_id"),
        crs="EPSG:4326",
    )
    flows = pd.DataFrame(
        {"origin_id": ["o", "q", "q"], "site_id": ["A", "A", "B"], "households": [60.0, 40.0, 20.0]}
    )
    pairs = flows.assign(
        geodesic_km=[50.0, NAN, NAN],
        geodesic_low_km=[40.0, NAN, NAN],
        geodesic_high_km=[60.0, NAN, NAN],
    )
    remote = remoteness(pairs.set_index(["origin_id", "site_id"]), sites, origins, places)
    return Layers(
        sites,
        **{"remoteness": remote, "places": places, "flows": flows, "origins": origins, **more},
    )


def measured(condition, which="A", **more):
    made = conditions("test", [{"item": "x", **condition}], layers(**more), [which])
    return one(made)


def test_nearest_has_the_interval_of_the_position():
    row = measured({"measure": "nearest", "kinds": ["market", "port"], "at_most": 6})
    # 0.05 degrees of the equator, median over a disc of 1 km (4e6 draws on the plane: 5.596)
    assert row["after"] == pytest.approx(5.596, abs=1e-3)
    assert (row["low"], row["high"]) == (
        pytest.approx(4.566, abs=1e-3),
        pytest.approx(6.566, abs=1e-3),
    )
    assert (row["verdict"], row["evidence"]) == ("undecidable", "measured")


@pytest.mark.parametrize(
    ("condition", "which", "why"),
    [
        (
            {"measure": "nearest", "kinds": ["station"]},
            "A",
            "no place of kind station in the study",
        ),
        ({"measure": "nearest", "kinds": ["market"]}, "C", "position unknown"),
        ({"measure": "land"}, "B", "no flow has a distance (straight line)"),
        ({"measure": "column", "column": "sheds"}, "A", "no site has sheds"),
        (
            {"measure": "column", "column": "greenhouses"},
            "C",
            "the layer of sites has no greenhouses for this subject",
        ),
        (
            {"measure": "column", "column": "greenhouses", "per_household": True},
            "B",
            "declared greenhouses: 10; households unknown",
        ),
        ({"measure": "development"}, "A", "the study has no layer of development"),
        ({"measure": "indicator", "indicator": "x"}, "A", "the study has no layer of indicators"),
        (
            {"measure": "people_per_centre", "kinds": ["station"], "reach_km": 5},
            "A",
            "no place of kind station",
        ),
        (
            {"measure": "people_per_centre", "kinds": ["market"], "reach_km": 5},
            "C",
            "position unknown",
        ),
        ({"measure": "slope"}, "A", "the study has no layer of elevation"),
        ({"measure": "water"}, "A", "the study has no layer of rivers"),
        ({"measure": "border"}, "A", "the study has no layer of boundaries"),
        ({"measure": "area_per_person"}, "A", "the site is a point"),
        ({"measure": "area_per_person"}, "C", "persons unknown"),
        ({"measure": "origin_land"}, "C", "no flow leads to this site"),
        ({"measure": "training", "indicators": ["x"]}, "A", "no survey of this site or group"),
    ],
)
def test_what_no_layer_says_is_unknown_with_its_reason(condition, which, why):
    row = measured({**condition, "at_most": 1}, which)
    assert row["verdict"] == "unknown"
    assert row["evidence"] == "none"
    assert why in row["note"]


def test_declared_columns_per_household():
    row = measured(
        {"measure": "column", "column": "greenhouses", "per_household": True, "at_least": 0.5}
    )
    assert (row["after"], row["verdict"], row["evidence"]) == (0.5, "met", "declared")


def test_land_at_the_origin_is_shared_out_by_households():
    # 30 ha of o all to A; 12 ha of q, 40 of 60 households to A: 8 ha. In all 38 ha over 100
    # households.
    row = measured({"measure": "origin_land", "per_household": True})
    assert row["after"] == pytest.approx(0.38)
    flows = pd.DataFrame(
        {"origin_id": ["q", "q"], "site_id": ["A", "B"], "households": [40.0, NAN]}
    )
    assert (
        "unknown for one or more origins"
        in measured({"measure": "origin_land"}, flows=flows)["note"]
    )


def test_land_uses_the_weighted_mean_over_known_flows():
    row = measured({"measure": "land", "at_most": 4})
    assert (row["after"], row["low"], row["high"], row["verdict"]) == (50, 40, 60, "not met")


def test_people_per_centre_counts_everyone_in_reach():
    row = measured({"measure": "people_per_centre", "kinds": ["market"], "reach_km": 7})
    assert (row["after"], row["n"], row["verdict"]) == (
        500,
        1,
        "measured",
    )  # A 400 and B 100 share one market
    nobody = measured({"measure": "people_per_centre", "kinds": ["market"], "reach_km": 1})
    assert nobody["note"] == "no job centre within 1 km"


def test_an_open_upper_end_is_blank_with_its_reason():
    # B is known to 20 km: moved away from the market there may be no centre within reach at all.
    condition = {"measure": "people_per_centre", "kinds": ["market"], "reach_km": 7}
    row = measured({**condition, "at_most": 1000}, "B")
    assert row["after"] == 500
    assert np.isnan(row["high"])
    assert (
        "none within reach if the site is elsewhere within its radius of 20 km; no upper bound"
        in row["note"]
    )
    assert row["verdict"] == "undecidable"  # 500 meets it, no upper bound may not
    assert not np.isinf(
        conditions("x", [{"item": "x", **condition}], layers(), ["A", "B", "C"])["high"]
    ).any()


def test_illustrative_parcels_are_declared_never_measured():
    parcels = pd.DataFrame(
        {
            "site_id": ["A"],
            "kind": ["forage"],
            "declared_ha": [40.0],
            "geometry_basis": ["illustrative"],
        }
    )
    row = measured({"measure": "development", "per_household": True}, development=parcels)
    assert (row["after"], row["evidence"]) == (0.4, "declared")
    assert "drawn for illustration" in row["note"]


def test_training_need_is_the_largest_rise():
    table = pd.DataFrame(
        {
            "site_id": "A", "capital": "material", "indicator": ["g", "s"], "before": [10.0, 5.0], "after": [30.0, 50.0],
            "unit": "percent of households", "n": 80,
        }
    )  # fmt: skip
    row = measured(
        {"measure": "training", "indicators": ["g", "s", "t"], "at_most": 25}, indicators=table
    )
    assert (row["after"], row["verdict"]) == (45, "not met")


def test_slope_of_a_plane_by_hand():
    # Rising 10 m per cell eastward; a cell of 0.01 degrees on the equator is 1,113.2 m: 10 / 1113.2
    # = 0.898 %.
    z = np.tile(np.arange(100.0) * 10, (100, 1))
    dem = Raster(z, Affine(0.01, 0, -0.5, 0, -0.01, 0.5), "EPSG:4326")
    row = measured({"measure": "slope", "at_most": 5}, dem=dem)
    assert row["after"] == pytest.approx(0.8983, abs=1e-3)
    assert row["low"] == pytest.approx(row["high"], rel=1e-6)
    assert row["verdict"] == "met"
    outside = Raster(z, Affine(0.01, 0, 50, 0, -0.01, 0.5), "EPSG:4326")
    assert "outside the elevation grid" in measured({"measure": "slope"}, dem=outside)["note"]


def test_water_and_border_by_hand():
    rivers = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(0.02, -1), (0.02, 1)])], crs="EPSG:4326"
    )
    row = measured({"measure": "water", "at_most": 5}, rivers=rivers)
    assert row["after"] == pytest.approx(2.2264, abs=1e-3)  # 0.02 degrees of the equator
    assert (row["low"], row["high"]) == (
        pytest.approx(1.2264, abs=1e-3),
        pytest.approx(3.2264, abs=1e-3),
    )
    country = gpd.GeoDataFrame(
        {"level": ["country"]},
        geometry=[shapely.box(-0.03, -5, 5, 5)],
        index=pd.Index(["1"], name="code"),
        crs="EPSG:4326",
    )
    assert measured({"measure": "border"}, boundaries=country)["after"] == pytest.approx(
        3.3396, abs=1e-3
    )
    assert (
        "no unit of level country"
        in measured({"measure": "border"}, boundaries=country.assign(level="county"))["note"]
    )


def test_area_per_person_of_a_polygon():
    # One hectare: 0.001 degrees of longitude (111.32 m) by 89.83 m on the equator; 400 persons.
    shape = shapely.box(0, 0, 0.001, 89.8315 / 110574.4)
    sites = layers().sites.assign(geometry=[shape, None, None])
    made = conditions("x", [{"item": "x", "measure": "area_per_person"}], Layers(sites), ["A"])
    assert one(made)["after"] == pytest.approx(25, rel=1e-3)


def test_declared_models_stand_beside_their_conditions():
    models = {
        "1": {
            "name": "park",
            "conditions": [
                {"item": "market", "measure": "nearest", "kinds": ["market"], "at_most": 10}
            ],
        }
    }
    made = development_models(models, layers())
    words = made[made["section"] == "model"].set_index("site_id")["verdict"]
    assert words.to_dict() == {"A": "declared", "B": "unknown", "C": "not declared"}
    assert one(made, section="model", site_id="A")["note"] == "1 condition met"
    assert one(made, section="model condition", site_id="B")["verdict"] == "undecidable"
    assert one(made, section="model condition", site_id="C")["verdict"] == "unknown"


def test_an_unknown_measure_is_refused():
    with pytest.raises(UnknownNameError, match="no measure 'guess'"):
        measured({"measure": "guess"})


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"measure": "nearest"}, "lacks kinds"),
        ({"measure": "people_per_centre", "kinds": ["market"]}, "lacks reach_km"),
        ({"measure": "training"}, "lacks indicators"),
        ({}, "lacks measure"),
        ({"measure": "land", "at_most": "four"}, "at_most of the test 'x' must be a number"),
    ],
)
def test_a_condition_that_cannot_be_measured_is_named(condition, message):
    with pytest.raises(InputError, match=message):
        measured(condition)


def test_a_model_of_the_users_own_needs_no_name():
    made = development_models({"7": {"conditions": []}}, layers())
    assert made["item"].tolist() == ["model 7"] * 3
    assert set(made["note"]) == {"no condition is set"}


def test_the_embedded_study_names_only_measures_that_exist():
    listed = [*ASKED.livelihood.constraints, *ASKED.livelihood.checks]
    listed += [c for m in ASKED.models.values() for c in m["conditions"]]
    assert {c["measure"] for c in listed} <= set(MEASURES)
    assert sorted(ASKED.models) == list("123456")


def test_the_whole_account_of_the_embedded_models():
    given = layers(indicators=aggregates())
    made = livelihood(
        given.sites, indicators=given.indicators, remoteness=given.remoteness, places=given.places, flows=given.flows,
        origins=given.origins, models=ASKED.models, constraints=ASKED.livelihood.constraints,
        checks=ASKED.livelihood.checks, standards=[{"item": "water", "measure": "water", "at_most": 0.5}],
    )  # fmt: skip
    assert list(made.columns) == list(COLUMNS)
    assert set(made["section"]) == {
        "capital",
        "model",
        "model condition",
        "constraint",
        "recommendation",
        "site standard",
    }
    silent = made[(made["verdict"] == "unknown") & (made["section"] != "model")]
    assert (silent["note"] != "").all()
    # Three sites and six models; a group surveyed has no place and so only the rows that a survey
    # answers.
    assert (made["section"] == "model").sum() == 18
    assert set(made.loc[made["site_id"] == "survey", "section"]) == {
        "capital",
        "constraint",
        "recommendation",
    }


def test_nothing_gives_an_empty_account():
    empty = livelihood(layers().sites.iloc[:0])
    assert list(empty.columns) == list(COLUMNS)
    assert len(empty) == 0


@pytest.mark.parametrize("count", [3, 12])
def test_distances_to_job_centres_are_computed_once_for_all_sites(monkeypatch, count):
    sites = gpd.GeoDataFrame(
        {"persons": np.arange(count) * 10.0, "uncertainty_km": 0.0},
        geometry=[shapely.Point(0.01 * i, 0) for i in range(count)],
        index=pd.Index([f"s{i:02}" for i in range(count)], name="site_id"),
        crs="EPSG:4326",
    )
    places = layers().places
    calls, original = [], conditions_module.distance_matrix

    def counted(*args, **options):
        calls.append(len(args[0]))
        return original(*args, **options)

    monkeypatch.setattr(conditions_module, "distance_matrix", counted)
    wanted = [{"item": "x", "measure": "people_per_centre", "kinds": ["market"], "reach_km": 500.0}]
    made = conditions("x", wanted, Layers(sites, places=places), list(sites.index))
    assert calls == [count]
    assert made["after"].tolist() == [sites["persons"].sum()] * count


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_measure_gives_one_row_for_every_site(name):
    condition = {"kinds": ["market"], "reach_km": 5, "column": "x", "indicator": "x"}
    found = MEASURES[name](layers(), {**condition, "indicators": ["x"], "measure": name})
    assert {"A", "B", "C"} <= set(found.index)
    assert {"value", "low", "high", "unit", "n", "evidence", "why", "before", "weighting"} == set(
        found
    )


def test_what_a_condition_is_stands_in_columns():
    sites = gpd.GeoDataFrame(
        {"models": ["a:b"], "wells": [3.0]},
        index=pd.Index(["A"], name="site_id"),
        geometry=gpd.points_from_xy([76], [39]),
        crs="EPSG:4326",
    )
    wells = {
        "item": "wells: deep",
        "measure": "column",
        "column": "wells",
        "at_least": 2.5,
        "at_most": 8,
    }
    made = livelihood(
        sites,
        indicators=pd.DataFrame(
            [{"site_id": "A", "capital": "physical", "indicator": "roofs: tin", "before": 1.0, "after": 2.0}]
        ),
        models={"a:b": {"name": "wool: by hand", "conditions": [wells]}},
        constraints=[wells],
    )  # fmt: skip
    found = made.set_index("section")
    names = ["model", "condition", "at_least", "at_most"]
    assert found.loc["constraint", names].tolist() == ["", "wells: deep", 2.5, 8.0]
    assert found.loc["model condition", names].tolist() == ["a:b", "wells: deep", 2.5, 8.0]
    assert found.loc["model", ["model", "condition", "verdict"]].tolist() == [
        "a:b",
        "wool: by hand",
        "declared",
    ]
    assert found.loc["capital", ["capital", "indicator"]].tolist() == ["physical", "roofs: tin"]
