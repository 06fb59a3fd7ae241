"""A household survey is read, put together and not kept: figures, tests, suppression, refusals, and
where rows may go.
"""

# ruff: noqa: RUF001  (look-alike characters are what is refused here)

from __future__ import annotations

import pickle
import re
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import geosettle as gs
from geosettle.errors import ColumnError, InputError
from geosettle.io import check_path, template_path
from geosettle.io.survey import personal_columns, time_of
from geosettle.layers import LAYERS
from geosettle.livelihood import livelihood, survey_capitals, survey_items
from geosettle.livelihood.survey import Item, agresti_min, mcnemar
from geosettle.study import Study
from geosettle.tables import tables


def one(frame, **where):
    for column, wanted in where.items():
        frame = frame[frame[column] == wanted]
    assert len(frame) == 1, (where, len(frame))
    return frame.iloc[0]


def paired(**cells):
    """Rows of a survey from the paired answers of each site: (no-no, no-yes, yes-no, yes-yes)."""
    rows = []
    for site, counts in cells.items():
        number = 0
        for (before, after), count in zip(((0, 0), (0, 1), (1, 0), (1, 1)), counts, strict=True):
            for _ in range(count):
                number += 1
                head = {"site_id": site, "household": f"h{number}"}
                rows += [
                    head | {"time": "before", "shed": before},
                    head | {"time": "after", "shed": after},
                ]
    return pd.DataFrame(rows)


def survey(sizes=(("S1", 20), ("S2", 30)), seed=5):
    rng = np.random.default_rng(seed)
    rows = []
    for site, n in sizes:
        for household in range(n):
            head = {"site_id": site, "household": household}
            rows.append(head | {"time": "before", "shed": int(household % 4 == 0), "land": 2.0})
            rows.append(
                head | {"time": "after", "shed": int(household % 2 == 0), "land": 2 + rng.random()}
            )
    return pd.DataFrame(rows)


SHED, LAND = Item("shed", "material", "shed"), Item("land", "natural", "land", "mu per person")


# --- figures
# ----------------------------------------------------------------------------------------------------------


def test_survey_shares_and_means_by_hand():
    made = survey_capitals(survey(), [SHED, LAND])
    row = one(made, site_id="S1", item="material: shed")
    # Of 20 households every fourth had one before (5) and every second after (10); five gained,
    # none lost.
    assert (row["before"], row["after"], row["change"], row["n"]) == (25, 50, 25, 20)
    assert "McNemar exact p = 0.0625; odds ratio of gain to loss infinite" in row["note"]
    assert row["verdict"] == "not distinguishable"
    assert (row["unit"], row["evidence"]) == ("percent of households", "surveyed")
    both = one(made, site_id="all", item="material: shed")
    assert (both["before"], both["after"], both["n"]) == (26, 50, 50)  # 5 + 8 and 10 + 15 of 50
    assert both["verdict"] == "higher"
    land = one(made, site_id="all", item="natural: land")
    assert land["before"] == 2
    assert land["low"] < land["change"] < land["high"]
    assert "rank-biserial correlation 1.00" in land["note"]
    assert land["unit"] == "mu per person"


def test_the_interval_of_a_paired_change_by_hand():
    # Agresti and Min: 5 gained, 0 lost of 20: (5.5 - 0.5) / 22, +- 1.959964 * sqrt(6 - 25 / 22) /
    # 22.
    low, high = agresti_min(5, 0, 20)
    assert (low, high) == (
        pytest.approx(5 / 22 - 0.1964744, abs=1e-6),
        pytest.approx(5 / 22 + 0.1964744, abs=1e-6),
    )
    row = one(survey_capitals(survey(), [SHED]), site_id="S1")
    assert (row["low"], row["high"]) == (pytest.approx(100 * low), pytest.approx(100 * high))


@pytest.mark.parametrize(
    "cells", [(0.5, 0.2, 0.1, 0.2), (0.1, 0.7, 0.1, 0.1), (0.9, 0.05, 0.05, 0.0)]
)
def test_the_interval_of_a_paired_change_covers_as_often_as_it_says(cells):
    draws = np.random.default_rng(3).multinomial(40, cells, 4000)
    held = [
        low <= cells[1] - cells[2] <= high
        for _, up, down, _ in draws
        for low, high in [agresti_min(up, down, 40)]
    ]
    assert np.mean(held) > 0.93


def test_only_households_that_answered_twice_count():
    table = survey()
    gone = table[
        ~((table["site_id"] == "S1") & (table["household"] == 19) & (table["time"] == "after"))
    ]
    assert one(survey_capitals(gone, [LAND]), site_id="S1")["n"] == 19
    note = "fewer than 5 households that did not answer at both times are left out"
    assert note in one(survey_capitals(gone, [LAND]), site_id="all")["note"]
    more = table[~((table["household"] < 6) & (table["time"] == "before"))]
    assert "12 households that did not" in one(survey_capitals(more, [LAND]), site_id="all")["note"]
    # Households are numbered within their site.
    assert one(survey_capitals(table, [LAND]), site_id="all")["n"] == 50


def test_row_order_does_not_matter_and_nothing_is_written_into():
    table = survey()
    before = table.copy(deep=True)
    turned = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        survey_capitals(table, [SHED, LAND]), survey_capitals(turned, [SHED, LAND])
    )
    pd.testing.assert_frame_equal(table, before)


def test_yes_and_no_in_words():
    table = survey()
    for yes, no in (("Yes", "no"), ("是", "否")):
        told = table.assign(shed=table["shed"].map({1: yes, 0: no}))
        pd.testing.assert_frame_equal(survey_capitals(told, [SHED]), survey_capitals(table, [SHED]))


def test_items_are_named_by_capital_or_stated():
    header = [
        "household",
        "time",
        "site_id",
        "material_shed",
        "Financial: loan",
        "social capital",
        "natural",
        "land",
    ]
    frame = pd.DataFrame(columns=header)
    named = survey_items(frame)
    assert [(i.capital, i.indicator) for i in named] == [
        ("material", "shed"),
        ("financial", "loan"),
        ("social", "capital"),
    ]
    stated = survey_items(
        frame, [{"column": "land", "capital": "natural", "indicator": "farmland", "unit": "mu"}]
    )
    assert stated == [Item("land", "natural", "farmland", "mu")]
    with pytest.raises(ColumnError, match="no column 'goats'"):
        survey_items(frame, [{"column": "goats", "capital": "natural"}])
    with pytest.raises(InputError, match="no capital 'spiritual'"):
        survey_items(frame, [{"column": "land", "capital": "spiritual"}])
    with pytest.raises(InputError, match="no column of the survey belongs to a capital"):
        survey_items(frame[["household", "land"]])


# --- suppression
# ------------------------------------------------------------------------------------------------------


def test_small_cells_are_suppressed_and_cannot_be_worked_out():
    made = survey_capitals(survey((("S1", 4), ("S2", 12), ("S3", 30))), [LAND])
    shown = made[made["verdict"] != "suppressed"]["site_id"].tolist()
    # S1 is too small; were only S1 hidden, the total less the others would give it, so S2 goes with
    # it.
    assert shown == ["all", "S3"]
    hidden = made[made["verdict"] == "suppressed"]
    assert hidden[["before", "after", "change", "low", "high", "n"]].isna().to_numpy().all()
    assert hidden["note"].str.contains("fewer than 5 households").all()


def test_two_tiny_sites_together_still_need_five():
    made = survey_capitals(survey((("S1", 2), ("S2", 2), ("S3", 8), ("S4", 20))), [LAND])
    assert made[made["verdict"] != "suppressed"]["site_id"].tolist() == ["all", "S4"]


def test_a_share_that_shows_few_households_is_suppressed():
    table = survey((("S1", 40),))
    table["shed"] = ((table["household"] < 3) & (table["time"] == "after")).astype(int)
    assert (
        survey_capitals(table, [SHED])["verdict"] == "suppressed"
    ).all()  # three households would show


def test_the_limit_can_be_raised_and_never_lowered():
    made = survey_capitals(survey((("S1", 20), ("S2", 30))), [LAND], smallest_cell=25)
    assert made[made["verdict"] != "suppressed"]["site_id"].tolist() == [
        "all"
    ]  # S1 less than 25, S2 would give it
    with pytest.raises(InputError, match="never shown"):
        survey_capitals(survey(), [LAND], smallest_cell=4)


def test_what_tells_how_many_gained_or_lost_is_suppressed_too():
    # 16 before and 24 after of 40, ten gained and two lost: each margin is large, the two who lost
    # are not.
    made = survey_capitals(paired(S1=(14, 10, 2, 14)), [SHED])
    row = one(made, site_id="S1")
    assert (row["before"], row["after"], row["change"], row["n"]) == (40, 60, 20, 40)
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])
    # With scipy: the p of binomtest(10, 12) is 0.03857.
    assert row["verdict"] == "higher"
    assert row["note"].startswith("McNemar exact p below 0.05; ")
    assert "would show fewer than 5 households who gained, lost or kept it" in row["note"]
    assert not re.search(r"0\.0386|odds ratio of gain to loss \d", row["note"])
    told = one(survey_capitals(paired(S1=(14, 10, 5, 11)), [SHED]), site_id="S1")
    assert "odds ratio of gain to loss 2;" in told["note"]
    assert told["low"] < 12.5 < told["high"]


def released(made):
    """What a reader can work out of the table: per site its margins, and its paired cells where
    told.
    """
    margins, cells = {}, {}
    for row in made.itertuples():
        if row.verdict == "suppressed":
            continue
        n = int(row.n)
        yes = [round(n * v / 100) for v in (row.before, row.after)]
        margins[row.site_id] = np.array([n, *yes])
        odds = re.search(r"odds ratio of gain to loss ([\d.e+]+|infinite|undefined)", row.note)
        if odds:
            gained_less_lost = yes[1] - yes[0]
            if odds[1] == "infinite":
                gained, lost = gained_less_lost, 0
            elif odds[1] == "undefined":
                gained = lost = 0
            else:
                share = float(odds[1])
                fits = [
                    k
                    for k in range(n + 1)
                    if abs((k + gained_less_lost) - share * k) <= 0.006 * share * max(k, 1)
                ]
                gained, lost = (fits[0] + gained_less_lost, fits[0]) if fits else (0, 0)
            cells[row.site_id] = np.array([n - yes[0] - gained, gained, lost, yes[0] - lost])
    return margins, cells


@pytest.mark.parametrize("seed", range(40))
def test_no_small_cell_follows_from_what_is_shown(seed):
    rng = np.random.default_rng(seed)
    sites = {f"S{i}": rng.integers(0, rng.integers(3, 25), 4) for i in range(rng.integers(1, 6))}
    sites = {k: v for k, v in sites.items() if v.sum()}
    if not sites:
        return
    made = survey_capitals(paired(**sites), [SHED])
    margins, cells = released(made)
    true = {**sites, "all": sum(sites.values())}

    def few(counts):
        return any(0 < c < 5 for c in counts)

    for site, (n, before, after) in margins.items():
        assert n >= 5
        assert not few((before, n - before, after, n - after))
        assert (before, after) == (true[site][2:].sum(), true[site][[1, 3]].sum())
    if "all" in margins:
        rest = margins["all"] - sum(v for k, v in margins.items() if k != "all")
        assert not few((rest[0], rest[1], rest[0] - rest[1], rest[2], rest[0] - rest[2]))
    for site, four in cells.items():
        assert not few(true[site])
        assert few(four) is False
    if "all" in cells:
        rest = true["all"] - sum(true[k] for k in cells if k != "all")
        assert not few(rest)
    # The interval is told exactly where the paired answers are.
    assert set(made.loc[made["low"].notna(), "site_id"]) == set(cells)


# --- what is refused
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        *("name", "Household_Name", "headName", "HouseholdHead", "phone", "Mobile No.", "PhoneNumber", "tel", "email"),
        *("姓名", "户主", "户主姓名", "身份证号", "联系电话", "手机号码", "家庭住址", "门牌号", "出生日期", "备注", "经度"),
        *("lat", "Longitude", "GPS", "gps_location", "birth_date", "DOB", "idCardNo", "ID card", "address", "house number"),
        *("bank_card", "xingming", "remarks", "other_specify", "ethnicity", "Enumerator", "调查员"),
    ],
)  # fmt: skip
def test_columns_that_name_people_are_refused(column):
    with pytest.raises(InputError, match="looks like personal data") as caught:
        survey_capitals(survey().assign(**{column: "x"}), [SHED])
    assert caught.value.column == column


@pytest.mark.parametrize(
    "cell",
    [
        *("653022198001011234", "65302219800101123X", "6222021234567890123", "13800138000", "+86 138 0013 8000"),
        *("138-0013-8000", "someone@example.org", "1980-01-31", "1980年1月31日", "19800131"),
        *("39.13528, 75.93083", "39°08'07\"N", "POINT (75.93 39.13)"),
        *("They left in May, when the river rose.", "搬迁以后，孩子上学方便了。"),
    ],
)  # fmt: skip
def test_cells_that_identify_people_are_refused_and_not_quoted(cell):
    with pytest.raises(InputError, match="looks like personal data") as caught:
        survey_capitals(survey().assign(q7=cell), [SHED])
    assert cell not in str(caught.value)


def test_text_that_differs_from_household_to_household_is_refused():
    table = survey()
    told = table.assign(
        q7="Ali "
        + table["household"].astype(str).map(lambda h: "abcdefghijklmnopqrstuvwxyzABCDEF"[int(h)])
    )
    with pytest.raises(InputError, match="free text"):
        survey_capitals(told, [SHED])


@pytest.mark.parametrize("code", ["Ali", "阿里", "Ali Memet 3", "653022198001011234"])
def test_a_household_has_an_anonymous_code(code):
    with pytest.raises(InputError, match="looks like personal data"):
        survey_capitals(survey((("S1", 1),)).assign(household=code), [SHED])


def test_two_columns_of_fine_near_numbers_are_positions():
    table = survey()
    rng = np.random.default_rng(2)
    east, north = 75.93 + rng.random(len(table)) / 100, 39.13 + rng.random(len(table)) / 100
    assert set(personal_columns(table.assign(p=east.round(5), q=north.round(5)))) == {"p", "q"}
    assert personal_columns(table.assign(p=east.round(5))) == {}


def test_ordinary_columns_are_not_taken_for_personal_data():
    table = survey().assign(
        filename="x",
        latent=1,
        income_cny=12345.0,
        greenhouse="yes",
        telling=3,
        longest_trip_km=5,
        village_name="x",
        village_code="653022100206",
        bank_loan=1,
        main_work="herding",
        interview_date="2019-10-05",
        year_moved=2018,
        income_total=20190105,
    )
    table["main_work"] = np.where(table["household"] % 3 == 0, "wage labour", "herding")
    table["income_total"] = table["household"] * 1000 + 20_000_000
    assert personal_columns(table) == {}


def test_many_villages_are_places_and_not_free_text():
    table = survey((("S1", 90),))
    village = "Village " + (table["household"] // 3).astype(str)
    assert personal_columns(table.assign(village=village)) == {}
    assert personal_columns(table.assign(said=village)) == {"said": "free text"}


def test_whether_a_household_has_a_telephone_is_no_telephone_number():
    owned = {"material_mobile_phone": 1, "financial_bank_account": "no", "社会_微信": "是"}
    assert personal_columns(survey().assign(**owned)) == {}
    assert set(personal_columns(survey().assign(religion=1, material_mobile_phone=2))) == {
        "religion",
        "material_mobile_phone",
    }


def test_survey_errors_name_what_is_wrong_without_quoting_a_cell():
    with pytest.raises(ColumnError, match="no column 'goats'"):
        survey_capitals(survey(), [Item("goats", "material", "goats")])
    with pytest.raises(InputError, match="appears twice"):
        survey_capitals(pd.concat([survey(), survey()]), [SHED])
    table = survey().astype({"land": object})
    table.loc[3, "land"] = "plenty"
    with pytest.raises(InputError, match="no number") as caught:
        survey_capitals(table, [LAND])
    assert "plenty" not in str(caught.value)
    assert caught.value.row == 4


@pytest.mark.parametrize(
    ("cell", "time"),
    [("Before ", "before"), ("搬迁前", "before"), ("后", "after"), (1, "after"), ("2016", None)],
)
def test_times_in_several_words(cell, time):
    assert time_of(cell) == time


# --- from a file to the result
# ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A study with 24 households surveyed at S1 and 20 at S2, whose answers hold marked numbers."""
    study = tmp_path / "study"
    study.mkdir()
    shutil.copy(template_path() / "sites.csv", study)
    rows = ["site_id,household,time,material_shed,financial: income (CNY),main_work"]
    for site, n in (("S1", 24), ("S2", 20), ("S3", 2)):
        for h in range(n):
            work = "herding" if h % 2 else "wages"
            rows.append(
                f"{site},q{h:03d}xk7741,before,{'yes' if h % 4 == 0 else 'no'},{31000.125 + h},{work}"
            )
            rows.append(
                f"{site},q{h:03d}xk7741,after,{'yes' if h % 4 < 2 else 'no'},{32000.125 + 2 * h},{work}"
            )
    rows += [
        "S1,q999xk7741,once,yes,1,wages",
        "S1,q998xk7741,before,yes,unreadablexk7741,wages",
        "S9,q1,before,no,1,wages",
    ]
    (study / "survey.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return study


def test_a_survey_of_a_study_is_put_together_and_forgotten(folder):
    study = gs.read_study(folder)
    assert study.ledger["survey"] == {"rows_in": 95, "rows_used": 93, "rows_set_aside": 2}
    result = gs.analyse(study)
    capital = result.livelihood[result.livelihood["section"] == "capital"]
    shed = one(capital, site_id="S1", item="material: shed")
    assert (shed["before"], shed["after"], shed["n"]) == (25, 50, 24)
    assert one(capital, site_id="S3", item="material: shed")["verdict"] == "suppressed"
    assert one(capital, site_id="S1", item="financial: income")["unit"] == "CNY"
    assert result.study.survey is None
    assert b"xk7741" not in pickle.dumps(result)
    assert "xk7741" not in repr(study)
    # Whatever is written is made from the result, which holds neither a code nor an answer of a
    # household.
    assert not any("31000.125" in frame.to_csv() for frame in tables(result).values())
    assert result.provenance["inputs"]["survey.csv"]["layer"] == "survey"


def test_check_knows_the_survey_and_quotes_no_cell(folder):
    found = check_path(folder / "survey.csv", "survey", region="none")
    assert found["status"] == "quarantined"
    codes = {p["code"]: p for p in found["problems"]}
    assert codes["time_unknown"]["row"] == 93
    assert codes["number_unreadable"]["severity"] == "warning"
    assert all(p["value"] == "" and p["id"] == "" for p in found["problems"] if p["row"])
    assert "xk7741" not in str(found)
    assert "once" not in str(found)
    assert check_path(folder / "survey.csv")["summary"]["role"] == "survey"
    whole = check_path(folder)
    assert "xk7741" not in str(whole)
    assert any(
        p["code"] == "reference_unknown" and p["layer"] == "survey" for p in whole["problems"]
    )
    assert "S9" not in str([p for p in whole["problems"] if p["layer"] == "survey"])


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("户主姓名", "阿里"),
        ("phone", "13800138000"),
        ("q1", "653022198001011234"),
        ("lat", "39.1"),
        ("q9", "1980-01-31"),
    ],
)
def test_a_survey_file_with_personal_data_is_refused_as_a_whole(folder, header, cell):
    file = folder / "survey.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text(
        "\n".join([f"{lines[0]},{header}", *(f"{line},{cell}" for line in lines[1:])]),
        encoding="utf-8",
    )
    found = check_path(file, "survey")
    assert (found["status"], found["rows_ok"]) == ("rejected", 0)
    assert [p["column"] for p in found["problems"] if p["code"] == "personal_data"] == [header]
    assert cell not in str(found)
    with pytest.raises(InputError, match="looks like data about persons"):
        gs.read_study(folder)


def test_a_survey_drawn_on_a_map_is_refused(folder, tmp_path):
    file = tmp_path / "survey.geojson"
    answers = [
        {"site_id": "S1", "household": f"h{i}", "time": "before", "material_shed": 1}
        for i in range(3)
    ]
    gpd.GeoDataFrame(
        answers, geometry=gpd.points_from_xy([-30, -30, -30], [0, 1, 2]), crs="EPSG:4326"
    ).to_file(file)
    found = check_path(file, "survey")
    assert found["status"] == "rejected"
    assert "positions of households" in str(found["problems"])


TRAINING = """
[[livelihood.checks]]
item = "training need: rise of new kinds of farming"
measure = "training"
indicators = ["households with a vegetable greenhouse", "households with a livestock shed"]
at_most = 25.0
"""


def test_items_stated_in_study_toml_stand_beside_the_aggregates(folder):
    item = '{ column = "material_shed", capital = "material", indicator = "households with a livestock shed" }'
    layers = "\n".join(f'[layers.{n}]\npath = "{n}.csv"' for n in ("sites", "survey", "indicators"))
    (folder / "study.toml").write_text(
        f"{layers}\n[livelihood.survey]\nitems = [{item}]\n{TRAINING}", encoding="utf-8"
    )
    (folder / "indicators.csv").write_text(
        "site_id,capital,indicator,before,after,unit,n,source\nS1,social,visits,1,2,a month,,printed\n",
        encoding="utf-8",
    )
    made = gs.analyse(gs.read_study(folder)).livelihood
    assert (
        one(made, section="capital", item="social: visits")["evidence"] == "declared by the source"
    )
    assert (
        one(made, section="capital", site_id="all")["item"]
        == "material: households with a livestock shed"
    )
    # The survey answers the conditions too: 25 to 50 percent of 24 households.
    training = one(
        made,
        section="recommendation",
        site_id="S1",
        item="training need: rise of new kinds of farming",
    )
    assert (training["after"], training["evidence"]) == (25, "surveyed")


def test_claims_are_held_against_the_survey(folder):
    claims = [
        ("S1", "shed_before", "percent of households", "25"),  # 25 % of 24: 12.0 to 44.9
        ("S1", "shed_after", "percent of households", "95"),  # 50 % of 24: 31.4 to 68.6
        ("S1", "shed_direction", "direction", "increased"),
        ("S2", "shed_after", "percent of households", "50"),  # suppressed
        ("all", "income_direction", "direction", "decreased"),
        ("all", "income_after", "CNY", "32020"),
    ]
    rows = "\n".join(f"{s},{q},{v},{u}" for s, q, u, v in claims)
    (folder / "claims.csv").write_text(f"subject,quantity,value,unit\n{rows}\n", encoding="utf-8")
    made = gs.analyse(gs.read_study(folder)).claims.set_index(["subject", "quantity"])
    assert made["verdict"].to_dict() == {
        ("S1", "shed_before"): "cannot be decided",
        ("S1", "shed_after"): "differs",
        ("S1", "shed_direction"): "agrees",
        ("S2", "shed_after"): "not computable",
        ("all", "income_direction"): "differs",
        ("all", "income_after"): "cannot be decided",
    }
    assert set(made["layer"]) == {"survey", ""}
    assert "the computed value is 12 to 44.9" in made["why"]["S1", "shed_before"]
    told = "household survey of 24 households; from 25 to 50 percent of households"
    assert made["why"]["S1", "shed_direction"] == told


def test_frames_take_the_same_way_as_files():
    sites = pd.DataFrame({"site_id": ["S1"], "name": ["x"], "lon": [0.0], "lat": [0.0]})
    table = survey((("S1", 20),)).rename(columns={"shed": "material_shed"}).drop(columns="land")
    result = gs.analyse(Study(sites=sites, survey=table))
    assert one(result.livelihood, section="capital", site_id="S1")["n"] == 20
    with pytest.raises(InputError, match="personal data"):
        gs.analyse(Study(sites=sites, survey=table.assign(phone="13800138000")))


def test_an_account_without_a_survey_has_no_row_of_one(folder):
    sites = gs.read_study(folder).sites
    assert (
        livelihood(sites, survey=survey_capitals(survey(), [SHED]))["evidence"].eq("surveyed").any()
    )
    assert not livelihood(sites)["evidence"].eq("surveyed").any()
    assert [name for name, spec in LAYERS.items() if spec.private] == ["survey"]


def test_mcnemar_is_told_without_changers():
    row = one(survey_capitals(paired(S1=(10, 0, 0, 10)), [SHED]), site_id="S1")
    assert "odds ratio of gain to loss undefined, because nobody changed" in row["note"]
    assert row["low"] < 0 < row["high"]
    assert mcnemar(np.zeros(3), np.zeros(3))["p"] == 1
