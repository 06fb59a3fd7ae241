"""What a run leaves: the files of the contract, a manifest that is true, and words for what differs
between two runs.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import geosettle as gs
from geosettle import outputs
from geosettle.cli import main
from geosettle.errors import InputError
from geosettle.io.manifest import manifest_differences, read_manifest, table_differences


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(gs.template_path(), tmp_path_factory.mktemp("study") / "islands")


@pytest.fixture(scope="module")
def out(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "out"
    assert main(["run", str(study), "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing them is most of the work of a run, and no matter here."""
    monkeypatch.setattr(outputs, "figures", lambda *_, **__: {})


def digests(folder: Path) -> dict[str, str]:
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in paths}


# --- the manifest
# ---------------------------------------------------------------------------------------------------


def test_every_file_of_the_contract_is_there(out: Path) -> None:
    tables = ["sites", "pairs", "intervals", "admin", "covers", "oasis", "land", "problems"]
    tables += ["remoteness", "remoteness_wide", "remoteness_change"]
    # Nothing is asked of the livelihood, and no claim is made: a table without rows is not written.
    unasked = {"livelihood", "claims", "change", "scenarios"}
    assert not unasked & {p.stem for p in (out / "tables").iterdir()}
    wanted = {
        "map.html",
        "report.html",
        "study.gpkg",
        "tables.xlsx",
        "manifest.json",
        *(f"tables/{t}.csv" for t in tables),
    }
    assert wanted <= set(digests(out))
    assert {p.suffix for p in (out / "figures").iterdir()} == {".pdf", ".png", ".svg"}


def test_the_manifest_is_true(out: Path, study: Path) -> None:
    found = digests(out)
    del found["manifest.json"]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["outputs"] == found
    # The study is named as it lies from the folder that holds the run: no path of the machine is
    # published.
    source = manifest["study"]["source"]
    assert manifest["study"]["name"] == "made_up_islands"
    assert not Path(source).is_absolute()
    assert (out.parent / source).resolve() == study.resolve()
    inputs = {name: sha256((study / name).read_bytes()).hexdigest() for name in manifest["inputs"]}
    assert {name: what["sha256"] for name, what in manifest["inputs"].items()} == inputs
    assert {"sites.csv", "flows.csv", "boundaries.geojson"} <= set(inputs)
    rows = {
        name: len((study / name).read_text(encoding="utf-8").splitlines()) - 1
        for name in inputs
        if name.endswith("csv")
    }
    assert {name: manifest["inputs"][name]["rows"] for name in rows} == rows
    assert manifest["geosettle"] == gs.__version__
    assert {"GEOS", "PROJ", "GDAL"} - set(manifest["versions"]) <= {"GDAL"}
    assert manifest["seed"] == manifest["parameters"]["distance"]["seed"]
    for counts in manifest["ledger"].values():
        assert counts["rows_in"] == counts["rows_used"] + counts["rows_set_aside"]


def test_map_report_and_geopackage_say_what_they_were_made_from(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    wanted = {
        key: manifest[key]
        for key in manifest
        if key not in {"study", "lang", "outputs", "problems"}
    }
    for what in wanted[
        "inputs"
    ].values():  # of the content, which the order of the rows does not change
        what["sha256"] = what.pop("content_sha256", what["sha256"])
    for name in ("map.html", "report.html"):
        page = (out / name).read_text(encoding="utf-8")
        found = re.findall(r'<meta name="geosettle-provenance" content="([^"]*)">', page)
        assert [json.loads(html.unescape(text)) for text in found] == [wanted]
    with closing(sqlite3.connect(out / "study.gpkg")) as base:
        (text,) = base.execute(
            "select value from geosettle_metadata where name = 'provenance'"
        ).fetchone()
    assert json.loads(text) == wanted


def test_nothing_of_this_machine_is_in_the_outputs(out: Path, study: Path) -> None:
    for path in (p for p in out.rglob("*") if p.is_file() and p.name != "manifest.json"):
        data = path.read_bytes()
        assert str(study).encode() not in data, path
        assert str(out).encode() not in data, path


def test_frames_name_no_study(tmp_path: Path, no_figures: None) -> None:
    result = gs.analyse(gs.read_study(gs.template_path()))
    written = gs.write(result, tmp_path / "out")
    assert set(written.files) == set(digests(tmp_path / "out"))
    assert read_manifest(tmp_path / "out")["study"]["source"] == ""
    with pytest.raises(InputError, match=r"names no study.*run STUDY --replay"):
        outputs.replay(tmp_path / "out", tmp_path / "again")
    said = outputs.replay(tmp_path / "out", tmp_path / "again", source=str(gs.template_path()))
    assert said[-1].endswith("the same, byte for byte.")
    assert not (tmp_path / "elsewhere").exists()


# --- replay and diff
# ------------------------------------------------------------------------------------------------


def test_replay_of_the_same_is_the_same(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--replay", str(out / "manifest.json"), "-o", str(tmp_path / "again")]) == 0
    files = len(digests(out)) - 1
    assert capsys.readouterr().out.splitlines() == [
        f"All {files} outputs are the same, byte for byte."
    ]
    assert digests(tmp_path / "again") == digests(out)


@pytest.fixture
def moved(study: Path, tmp_path: Path) -> Path:
    """The same study with one site elsewhere, one origin and its flow gone, and a setting
    changed.
    """
    folder = shutil.copytree(study, tmp_path / "moved")
    sites, origins, flows = (folder / f"{name}.csv" for name in ("sites", "origins", "flows"))
    sites.write_text(
        sites.read_text(encoding="utf-8").replace("-30.40,40.20", "-30.40,40.10"), encoding="utf-8"
    )
    for table in (origins, flows):
        lines = [
            line
            for line in table.read_text(encoding="utf-8").splitlines()
            if not line.startswith("O4")
        ]
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write("\n[overlay]\nfringe_km = 4.0\n")
    return folder


def test_replay_of_a_changed_study_says_what_changed_and_what_moved(
    out: Path, moved: Path, tmp_path: Path, no_figures: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digests(out)
    again = tmp_path / "again"
    assert main(["run", str(moved), "--replay", str(out), "-o", str(again)]) == 0
    said = capsys.readouterr().out
    assert "input sites.csv: changed (3 rows, now 3)" in said
    assert "input origins.csv: changed (4 rows, now 3)" in said
    assert "input places.csv" not in said
    assert "parameter overlay fringe_km: 5.0 → 4.0" in said
    assert "pairs: 1 row gone (O4 S3)" in said
    # New Harbour moved 0.1 degrees of latitude south, 11.1 km; its two origins lie north of it.
    a, b = (
        pd.read_csv(f / "tables" / "pairs.csv").set_index(["origin_id", "site_id"])
        for f in (out, again)
    )
    step = (b["geodesic_km"] - a["geodesic_km"]).drop(("O4", "S3"))
    assert step.loc["O3"].item() == 0
    assert step.loc[["O1", "O2"]].between(9, 11.2).all()
    most = step.idxmax()
    moved_line = f"pairs geodesic_km: 2 values moved, most at {' '.join(most)}: {a.loc[most, 'geodesic_km']:g} → "
    moved_line += f"{b.loc[most, 'geodesic_km']:g}"
    assert moved_line in said.splitlines()
    assert "outputs differ: " in said.splitlines()[-1]
    assert digests(out) == before
    capsys.readouterr()
    assert main(["diff", str(out), str(again)]) == 0
    second = capsys.readouterr().out
    assert moved_line in second
    assert main(["diff", str(again), str(again)]) == 0
    assert capsys.readouterr().out == "The two runs are the same.\n"


def test_a_run_stands_for_its_study_from_anywhere(
    study: Path, tmp_path: Path, no_figures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, tmp_path / "work" / "islands")
    monkeypatch.chdir(tmp_path / "work")
    assert main(["run", "islands", "-o", "out"]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["map", "work/out", "-o", "m.html"]) == 0
    assert Path("m.html").read_bytes() == Path("work/out/map.html").read_bytes()
    shutil.move("work/islands", "moved")
    with pytest.raises(InputError, match="is not at islands"):
        outputs.replay(Path("work/out"), Path("again"))


def test_difference_in_words() -> None:
    old = pd.DataFrame(
        {"site_id": ["a", "b", "c", "d"], "km": ["1", "2", "", "4"], "name": ["x", "y", "z", "w"]},
        dtype="str",
    )
    new = old.assign(km=["1.0000000000001", "2.5", "3", ""], name=["x", "y", "Z", "w"]).iloc[::-1]
    assert list(table_differences({"t": old}, {"t": new})) == [
        "t km: 1 value moved, most at b: 2 → 2.5; 1 value new, e.g. c: missing → 3; 1 value gone, e.g. d: 4 → missing",
        "t name: 1 value other, e.g. c: z → Z",
    ]
    grown = pd.concat([old, old.assign(site_id=["e", "f", "g", "h"])])
    assert list(table_differences({"t": old}, {"t": grown})) == ["t: 4 rows new (e, f, g …)"]
    assert list(table_differences({"t": old}, {"u": old})) == [
        "t: only in the first",
        "u: only in the second",
    ]
    twice = pd.concat([old.iloc[:1], old.iloc[:1]])  # rows that nothing tells apart are counted
    assert list(table_differences({"t": twice}, {"t": twice})) == []
    assert list(table_differences({"t": twice}, {"t": twice.iloc[:1]})) == [
        "t: 1 row gone (a 1 x 1)"
    ]
    assert list(table_differences({"t": old}, {"t": old.drop(columns="km")})) == [
        "t km: only in the first"
    ]


def test_differences_of_manifests_in_words() -> None:
    run: dict[str, Any] = {
        "inputs": {"a.csv": {"sha256": "1", "rows": 3}, "b.csv": {"sha256": "2"}},
        "geosettle": "1", "versions": {"PROJ": "9.4"}, "parameters": {"walk": {"model": "tobler"}}, "lang": "en",
    }  # fmt: skip
    other = {
        "inputs": {"a.csv": {"sha256": "9", "rows": 4}, "c.csv": {"sha256": "3"}},
        "geosettle": "2", "versions": {"PROJ": "9.5"}, "parameters": {"walk": {}}, "lang": "zh",
    }  # fmt: skip
    assert list(manifest_differences(run, other)) == [
        "input a.csv: changed (3 rows, now 4)",
        "input b.csv: only in the first",
        "input c.csv: only in the second",
        "language: en → zh",
        "parameter walk model: tobler → not set",
        "version PROJ: 9.4 → 9.5",
        "version geosettle: 1 → 2",
    ]
    assert list(manifest_differences(run, run)) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "not json",
        '{"geosettle": "1"}',
        "\x00",
        "[" * 100_000,
        '{"outputs": 3, "study": {}}',
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="no manifest of a run"):
        read_manifest(tmp_path)


def test_a_damaged_table_is_named(out: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "tables" / "pairs.csv").write_bytes(b"\xff\xfe\x00broken")
    with pytest.raises(InputError, match=r"pairs\.csv: the table cannot be read"):
        outputs.diff(out, copy)


def test_terminal_table_and_manifest_count_the_same_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    rows = "S1,A,-30,40\nS2,B,-30.1,40.1\nS2,C,-30.2,40.2\nS3,D,-30.3,40.3\nS3,D,-30.3,40.3\n"
    (tmp_path / "mine" / "sites.csv").write_text(f"site_id,name,lon,lat\n{rows}", encoding="utf-8")
    assert main(["run", str(tmp_path / "mine"), "-o", str(tmp_path / "out")]) == 0
    # Both rows of S2, for their identifiers are alike, and the copy of S3.
    said = capsys.readouterr().out
    assert "3 input rows were not used; see Data problems." in said
    assert (
        "The input check found 3 errors (rows not used), 5 warnings (doubtful rows, used) and 4 notes."
        in said
    )
    listed = pd.read_csv(tmp_path / "out" / "tables" / "problems.csv")
    assert sorted(listed.loc[listed["severity"] == "error", "id"]) == ["S2", "S2", "S3"]
    assert dict(listed["severity"].value_counts()) == {"error": 3, "warning": 5, "note": 4}


def test_runs_of_a_study_with_few_layers_can_be_compared_and_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sites.csv").write_text(
        "site_id,name,lon,lat\nS1,A,-30,40\n", encoding="utf-8"
    )
    for name in ("1", "2"):
        assert main(["run", str(tmp_path / "mine"), "-o", str(tmp_path / name)]) == 0
    for table in (tmp_path / "1" / "tables").iterdir():
        assert "," in table.read_text(encoding="utf-8-sig").splitlines()[0], table.name
    capsys.readouterr()
    assert main(["diff", str(tmp_path / "1"), str(tmp_path / "2")]) == 0
    assert capsys.readouterr().out == "The two runs are the same.\n"
    assert (
        main(["run", "--replay", str(tmp_path / "1" / "manifest.json"), "-o", str(tmp_path / "3")])
        == 0
    )
    assert "the same, byte for byte" in capsys.readouterr().out


# --- language and base map
# ------------------------------------------------------------------------------------------


def test_chinese(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(study), "-o", str(tmp_path / "zh"), "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("本研究有")
    assert f"报告\N{FULLWIDTH COLON}{tmp_path / 'zh' / 'report.html'}" in printed
    for name in ("map.html", "report.html"):
        page = (tmp_path / "zh" / name).read_text(encoding="utf-8")
        assert re.search(r'<html[^>]*lang="zh', page), name
        assert "安置" in page or json.dumps("安置")[1:-1] in page  # the map is written in ASCII
    assert read_manifest(tmp_path / "zh")["lang"] == "zh"


def test_base_map_only_when_asked_for(study: Path, out: Path, tmp_path: Path) -> None:
    assert "tile.openstreetmap.org" not in (out / "map.html").read_text(encoding="utf-8")
    path = tmp_path / "tiles.html"
    assert main(["map", str(study), "-o", str(path), "--basemap", "OpenStreetMap.Mapnik"]) == 0
    assert "tile.openstreetmap.org" in path.read_text(encoding="utf-8")
    assert main(["map", str(study), "-o", str(path), "--basemap", "No.Such"]) == 2
    assert main(["map", str(study), "-o", str(tmp_path)]) == 2
