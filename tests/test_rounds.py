"""One registry at several survey dates: what is new, closed or moved, and what diff leads with."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import geosettle as gs
from geosettle.cli import main
from geosettle.tables import tables

HEADER = "Nr,Site code,Site name,district,Longitude,Latitude,Households\n"
FIRST = "1,K1,One,West,10.2,9.2,10\n2,K2,Two,West,10.4,9.4,20\n3,K3,Three,East,11.5,9.5,30\n"
SECOND = (
    "1,K2,Two,West,10.4,9.4,25\n2,K3,Three,West,10.7,9.5,30\n3,K4,Four,East,11.2,9.1,40\n"
    "4,K5,Five,East,11.3,9.2,\n"
)
"""K1 is closed, K2 has more households, K3 has moved from East to West, K4 and K5 are new."""


def files(folder: Path) -> list[str]:
    for name, rows in (("list_30092019.csv", FIRST), ("list_31102019.csv", SECOND)):
        (folder / name).write_text(HEADER + rows, "utf-8")
    gpd.GeoDataFrame(
        {"code": ["W", "E"], "name": ["West", "East"], "level": "district"},
        geometry=[shapely.box(10, 9, 11, 10), shapely.box(11, 9, 12, 10)], crs=4326,
    ).to_file(folder / "units.geojson")  # fmt: skip
    names = ("list_31102019.csv", "list_30092019.csv", "units.geojson")
    return [str(folder / name) for name in names]


def judge(result: gs.Result) -> None:
    rounds = result.rounds.set_index("site_id")
    assert rounds["status"].to_dict() == {
        "K1": "closed", "K2": "same place", "K3": "moved", "K4": "new", "K5": "new",
    }  # fmt: skip
    # 0.8 degrees of longitude at 9.5 N: 0.8 * 109.8 km.
    assert rounds.loc["K3", "moved_km"] == pytest.approx(87.8, abs=0.1)
    units = result.round_units.set_index("unit")
    columns = ["sites_before", "sites", "new", "closed", "moved", "households_before", "households"]
    assert units.loc["all", columns].tolist() == [3, 4, 2, 1, 1, 60, 95]
    assert units.loc["West", columns].tolist() == [2, 2, 0, 1, 1, 60, 55]
    assert units.loc["East", ["sites_before", "sites", "new"]].tolist() == [1, 2, 2]


def test_two_files_of_one_registry_are_one_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["run", *files(tmp_path), "-o", str(out), "--yes"]) == 0
    said = capsys.readouterr().out
    assert "sites: 4 rows; 95 households (column 'Households')" in said
    assert "sites, 2019-09-30: 3 rows; 60 households" in said
    assert "From 2019-09-30 to 2019-10-31 the number of sites went from 3 to 4" in said
    study = gs.read_study(out)
    assert study.sites.index.tolist() == ["K2", "K3", "K4", "K5"]
    report = (out / "report.html").read_text("utf-8")
    section = report.partition('<section id="rounds"')[2].partition("</section>")[0]
    rows = re.findall(r'scope="row".*?</tr>', section)
    cells = [re.sub(r"<[^>]+>", " ", row.partition(">")[2]).split() for row in rows]
    dates = ["2019-09-30", "2019-10-31"]
    assert cells[0][0] == "Total"
    assert cells[0][2:4] == dates
    assert cells[0][-2:] == ["60", "95"]
    changed = {row[1]: row for row in cells if row[1] in {"K1", "K3", "K4", "K5"}}
    assert {*changed} == {"K1", "K3", "K4", "K5"}  # K2 is the same
    assert changed["K3"][3:5] == ["moved", "87.8"]
    result = gs.analyse(study)
    judge(result)
    assert result.rounds["date"].unique().tolist() == ["2019-10-31"]
    written = pd.read_csv(out / "tables" / "round_units.csv", encoding="utf-8-sig")
    assert written.loc[written["level"] == "all", "households"].tolist() == [95]


def test_a_column_of_dates_makes_the_same_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [
        ",".join([date, *row.split(",")[1:]])
        for date, rows in (("Round 9", FIRST), ("Round 10", SECOND))
        for row in rows.splitlines()
    ]
    table = tmp_path / "registry.csv"
    table.write_text(HEADER.replace("Nr", "Round") + "\n".join(parts) + "\n", "utf-8")
    units = files(tmp_path)[-1]
    out = tmp_path / "study"
    assert main(["init", str(out), str(table), units, "--yes"]) == 0
    assert "surveys by Round" in capsys.readouterr().out
    study = gs.read_study(out)
    assert list(study.rounds) == ["Round 9"]
    names = study.sites["name"].tolist()
    assert sorted(names) == ["Five", "Four", "Three", "Two"]
    rounds = gs.analyse(study).rounds.set_index("name")["status"]
    assert rounds.to_dict() == {
        "One": "closed", "Two": "same place", "Three": "moved", "Four": "new", "Five": "new",
    }  # fmt: skip


def test_a_study_of_one_date_has_no_tables_of_rounds() -> None:
    result = gs.analyse(gs.read_study(gs.template_path()))
    assert result.rounds.empty
    assert result.round_units.empty
    assert tables(result)["rounds"].empty


def test_diff_leads_with_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rows in (("a", FIRST), ("b", SECOND)):
        (tmp_path / name).mkdir()
        plain = rows.splitlines()
        lines = ["site_id,name,lon,lat,households"]
        lines += [",".join(r.split(",")[i] for i in (1, 2, 4, 5, 6)) for r in plain]
        (tmp_path / name / "sites.csv").write_text("\n".join(lines) + "\n", "utf-8")
        assert main(["run", str(tmp_path / name), "-o", str(tmp_path / f"out_{name}")]) == 0
    capsys.readouterr()
    assert main(["diff", str(tmp_path / "out_a"), str(tmp_path / "out_b")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["sites: 3 → 4 (2 new, 1 closed, 1 moved)", "households: 60 → 95 (+35)"]
    assert main(["diff", str(tmp_path / "out_a"), str(tmp_path / "out_a")]) == 0
    assert capsys.readouterr().out.splitlines() == ["The two runs are the same."]
