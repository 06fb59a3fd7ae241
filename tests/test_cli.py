"""Every command as a careless user calls it: one line that names file, row or column and the mend,
never a traceback.
"""

from __future__ import annotations

import json
import locale
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from affine import Affine

import geosettle as gs
from geosettle import cli, io
from geosettle.cli import main
from geosettle.distance import METRICS, PAIR_COLUMNS

TEMPLATE = gs.template_path()
ORIGINS, SITES, FLOWS, ROADS, PLACES = (
    str(TEMPLATE / f"{n}.csv") for n in ("origins", "sites", "flows", "roads", "places")
)
ENDS = ("--origins", ORIGINS, "--sites", SITES)
UNITS, LAND = str(TEMPLATE / "boundaries.geojson"), str(TEMPLATE / "development.geojson")


def called(*argv: str) -> int:
    try:
        return main(argv)
    except SystemExit as error:  # argparse leaves this way
        return int(error.code or 0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    texts = {
        "notes.csv": "topic,remark\nroad,wet\nbridge,open\n",
        "empty.csv": "",
        "header.csv": "site_id,name,lon,lat\n",
        "nameless.csv": "origin_id,nom,lon\nO1,A,76\n",
        "no_places.csv": "id,a,b\n1,2,3\n",
        "no_crs.wkt.csv": "site_id,name,wkt\nS1,A,POINT (500000 4400000)\n",
        "half.csv": "site_id,name,lon,lat\nS1,A,-30,40\nS2,B,0,0\nS3,=1+1,-30.1,40\n",
        "broken.toml": "[study\n",
        "noise.tif": "not a picture",
        "noise.gpkg": "not a base",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "random.xlsx").write_bytes(np.random.default_rng(1).bytes(5000))
    (folder / "folder.csv").mkdir()
    for name, line in (
        ("metric", "[layers.citys]\npath = 'a.csv'\n"),
        ("setting", "[distance]\nmetrcs = []\n"),
    ):
        shutil.copytree(TEMPLATE, folder / name)
        with (folder / name / "study.toml").open("a", encoding="utf-8") as file:
            file.write(line)
    return folder


WRONG = {
    "no command": (("--",), "COMMAND. See geosettle --help"),
    "unknown command": (("fly",), "there is no 'fly'"),
    "unknown option": (("run", "--fast"), "there is no option --fast"),
    "no study": (
        ("run", "nowhere", "-o", "{t}/o"),
        "nowhere: the study does not exist. Name a folder",
    ),
    "no file": (("run", "sites.xlsx", "-o", "{t}/o"), "sites.xlsx: the file does not exist. Check"),
    "a file of random bytes": (
        ("run", "{f}/random.xlsx", "-o", "{t}/o"),
        "the content is not that of a workbook. Save it again",
    ),
    "a file that serves as nothing": (
        ("run", "{f}/notes.csv", "-o", "{t}/o"),
        "no file serves as sites",
    ),
    "an empty folder": (
        ("run", "{f}/folder.csv", "-o", "{t}/o"),
        "the folder holds no sites. Add sites.csv",
    ),
    "broken TOML": (("run", "{f}/broken.toml", "-o", "{t}/o"), "this is not valid TOML"),
    "unknown layer": (("run", "{f}/metric", "-o", "{t}/o"), "citys"),
    "unknown setting": (("run", "{f}/setting", "-o", "{t}/o"), "did you mean distance.metrics?"),
    "unknown language": (("run", "--lang", "de"), "--lang: there is no 'de'; choose from"),
    "mask of one": (
        ("run", str(TEMPLATE), "-o", "{t}/o", "--mask", "1"),
        "at least two households (got 1). Give --mask 20.",
    ),
    "mask of words": (
        ("run", "--mask", "many"),
        "--mask: 'many' is not a whole number from 1 up. See geosettle run --help.",
    ),
    "replay of nothing": (
        ("run", "--replay", "nowhere"),
        "there is no manifest of a run. Give the folder",
    ),
    "replay in another tongue": (
        ("run", "--replay", "x", "--lang", "zh"),
        "from the manifest. Leave --mask, --lang and what says how files are read out.",
    ),
    "diff of a study": (
        ("diff", str(TEMPLATE), str(TEMPLATE)),
        "manifest.json: there is no manifest of a run",
    ),
    "map of nothing": (("map", "nowhere"), "nowhere: the study does not exist"),
    "map of a table": (("map", SITES), "a study is a folder"),
    "unknown base map": (
        ("map", str(TEMPLATE), "--basemap", "No.Such", "-o", "{t}/m.html"),
        "No.Such",
    ),
    "init where something is": (
        ("init", "{f}"),
        "this is there already. Name a new or an empty folder.",
    ),
    "unknown metric": (
        ("distances", *ENDS, "--metric", "bird"),
        f"'bird'). Use one of {', '.join(METRICS)}.",
    ),
    "metric without its layer": (
        ("distances", *ENDS, "--metric", "road"),
        "needs the layer roads. Add --roads FILE.",
    ),
    "missing file": (
        ("distances", "--origins", "nope.csv", "--sites", SITES),
        "nope.csv: the file does not exist. Check",
    ),
    "swapped files": (
        ("distances", "--origins", SITES, "--sites", ORIGINS),
        "The column origin_id",
    ),
    "empty file": (
        ("distances", "--origins", ORIGINS, "--sites", "{f}/empty.csv"),
        "empty.csv: the file is empty",
    ),
    "only a header": (
        ("distances", "--origins", ORIGINS, "--sites", "{f}/header.csv"),
        "header.csv: The layer sites has no row",
    ),
    "missing column": (
        ("distances", "--origins", "{f}/nameless.csv", "--sites", SITES),
        "No position was found",
    ),
    "folder for a file": (
        ("distances", "--origins", "{f}/folder.csv", "--sites", SITES),
        "folder.csv: this is not a plain file",
    ),
    "metres without CRS": (
        ("distances", "--origins", ORIGINS, "--sites", "{f}/no_crs.wkt.csv"),
        "no_crs.wkt.csv",
    ),
    "table for a raster": (
        ("distances", *ENDS, "--dem", SITES, "--metric", "surface"),
        "the layer dem is a raster. Give a GeoTIFF.",
    ),
    "noise for a raster": (
        ("distances", *ENDS, "--dem", "{f}/noise.tif", "--metric", "surface"),
        "noise.tif",
    ),
    "nearest none": (
        ("distances", *ENDS, "--nearest", "0"),
        "--nearest: '0' is not a whole number from 1 up",
    ),
    "within nothing": (
        ("distances", *ENDS, "--within", "nan"),
        "--within: 'nan' is not a number greater than 0",
    ),
    "flows and nearest": (
        ("distances", *ENDS, "--flows", FLOWS, "--nearest", "1"),
        "not allowed with",
    ),
    "table onto a folder": (
        ("distances", *ENDS, "-o", "{f}"),
        "a folder has this name. Choose another name.",
    ),
    "points without radius": (("overlay", "--zones", SITES, "--cover", LAND), "--buffer-km"),
    "unknown class column": (
        ("overlay", "--zones", UNITS, "--cover", LAND, "--by", "colour"),
        "colour",
    ),
    "flows for zones": (
        ("overlay", "--zones", FLOWS, "--cover", LAND),
        "flows.csv: the file holds no positions. Give polygons",
    ),
    "table for zones": (
        ("overlay", "--zones", "{f}/no_places.csv", "--cover", LAND),
        "No position was found",
    ),
    "points for a cover": (
        ("overlay", "--zones", UNITS, "--cover", PLACES),
        "the cover holds no areas. Give polygons or a raster",
    ),
    "noise for a cover": (("overlay", "--zones", UNITS, "--cover", "{f}/noise.gpkg"), "noise.gpkg"),
    "unknown role": (("check", SITES, "--role", "cities"), "Use one of sites, origins"),
    "half a region": (("check", SITES, "--region", "1,2,3"), "is not W,S,E,N in degrees"),
    "half a mapping": (("check", SITES, "--map", "lat"), "--map cannot be read"),
    "check of nothing": (
        ("check", "nope.csv", "--role", "sites"),
        "nope.csv: The file does not exist. Check the path.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls(
    case: str,
    files: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GEOSETTLE_DEBUG", raising=False)
    argv, words = WRONG[case]
    assert called(*(part.format(f=files, t=tmp_path) for part in argv)) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith("geosettle: ")
    assert "Traceback" not in said
    assert "fault of the program" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_program_is_called_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEOSETTLE_DEBUG", raising=False)
    monkeypatch.setattr("geosettle.distance.distance_table", lambda *_, **__: 1 / 0)
    assert main(["distances", *ENDS]) == 2
    assert capsys.readouterr().err.startswith(
        "geosettle: a fault of the program, or an input that it does not foresee: ZeroDivisionError"
    )
    monkeypatch.setenv("GEOSETTLE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["distances", *ENDS])


# --- what the commands give
# -----------------------------------------------------------------------------------------


def test_distances_of_flows(tmp_path: Path) -> None:
    out = tmp_path / "d.csv"
    layers = ("--roads", ROADS, "--places", PLACES)
    assert (
        main(
            [
                "distances",
                *ENDS,
                "--flows",
                FLOWS,
                "--metric",
                "road",
                "geodesic",
                *layers,
                "-o",
                str(out),
            ]
        )
        == 0
    )
    table = pd.read_csv(out)
    assert table[["origin_id", "site_id"]].agg(" ".join, axis=1).tolist() == [
        "O1 S1",
        "O2 S1",
        "O3 S2",
        "O4 S3",
    ]
    contract = [c for c in PAIR_COLUMNS if c in table.columns]
    assert [c for c in table.columns if c in PAIR_COLUMNS] == contract
    # geod -I +ellps=WGS84 <<< "40.60 -30.70 40.20 -30.40" (GeographicLib): 51200.356 m, with ends known to 1 and 0.5 km
    assert table["geodesic_km"].iloc[0] == 51.2
    assert table.loc[table["geodesic_km"].isna(), "why"].str.contains("position").all()


def test_distances_of_all_and_of_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["distances", *ENDS]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 4 * 3
    assert main(["distances", *ENDS, "--nearest", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["O1", "S1", "1"],
        ["O2", "S2", "1"],
        ["O3", "S2", "1"],
        ["O4", "", ""],
    ]
    assert main(["distances", *ENDS, "--within-km", "50"]) == 0
    same = capsys.readouterr().out
    assert main(["distances", *ENDS, "--within", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == same.splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["", "S2", "S2", ""]


def test_distances_in_parts_are_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for argv in ([*ENDS], [*ENDS, "--nearest", "2"], [*ENDS, "--flows", FLOWS]):
        assert main(["distances", *argv]) == 0
        whole = capsys.readouterr().out
        with monkeypatch.context() as patch:
            patch.setattr(cli, "_BLOCK_ROWS", 3)  # one origin at a time
            assert main(["distances", *argv]) == 0
        assert capsys.readouterr().out == whole


def test_rows_set_aside_are_named_and_text_is_no_formula(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half, out = str(files / "half.csv"), tmp_path / "z.csv"
    assert main(["distances", "--origins", ORIGINS, "--sites", half, "-o", str(out)]) == 0
    said = capsys.readouterr().err
    assert "half.csv, row 3" in said
    assert "1 of 3 rows were set aside" in said
    hostile = tmp_path / "zones.csv"
    hostile.write_text("site_id,name,lon,lat\n=cmd|' /C calc'!A0,A,-30,40\n", encoding="utf-8")
    assert (
        main(
            [
                "overlay",
                "--zones",
                str(hostile),
                "--cover",
                LAND,
                "--buffer-km",
                "5",
                "-o",
                str(out),
            ]
        )
        == 0
    )
    assert pd.read_csv(out)["zone_id"].unique().tolist() == ["'=cmd|' /C calc'!A0"]


def test_help_lists_every_metric() -> None:
    text = cli.parser()._subparsers._group_actions[0].choices["distances"].format_help()  # type: ignore[union-attr]
    assert all(name in text for name in METRICS)


def test_overlay_of_polygons_discs_and_rasters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["overlay", "--zones", UNITS, "--cover", LAND, "--by", "kind"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("zone_id,radius_km,kind,year,area_ha,")
    assert main(["overlay", "--zones", SITES, "--cover", LAND, "--buffer-km", "5", "15"]) == 0
    assert {line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]} >= {"5", "15"}
    # Left half class 1, right half class 2, over a disc in the middle: by symmetry half of it each.
    values = np.repeat([[1.0, 2.0]], 40, axis=0).repeat(20, axis=1)
    raster = gs.Raster(values, Affine(0.01, 0, -30.2, 0, -0.01, 40.2), "EPSG:4326")
    (tmp_path / "landcover_2020.tif").write_bytes(io.geotiff_bytes(raster))
    (tmp_path / "middle.csv").write_text("site_id,name,lon,lat\nM,A,-30.0,40.0\n", encoding="utf-8")
    out = tmp_path / "o.csv"
    argv = [
        "overlay",
        "--zones",
        str(tmp_path / "middle.csv"),
        "--cover",
        str(tmp_path / "landcover_2020.tif"),
    ]
    assert main([*argv, "--buffer-km", "5", "-o", str(out)]) == 0
    area = pd.read_csv(out).set_index("class")["area_ha"]
    # A disc of 5 km radius has 3.14159 * 25 km2 = 7854 ha.
    assert area.sum() == pytest.approx(7854, rel=1e-3)
    assert area.iloc[0] == pytest.approx(area.iloc[1], rel=1e-2)


def test_init_makes_a_study_that_checks_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "mine")]) == 0
    assert f"geosettle run {tmp_path / 'mine'}" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "mine"), "--strict"]) == 0


def test_letters_are_alike_in_every_locale() -> None:
    # In a Turkish locale GDAL finds its own list of options out of order and says so 60 times on
    # standard error.
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        try:
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
        except locale.Error:
            pytest.skip("this system has no locale without a language")
        locale.setlocale(locale.LC_CTYPE, "C")
        assert called("--version") == 0
        assert locale.setlocale(locale.LC_CTYPE) == "C.UTF-8"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def test_check_prints_what_the_cell_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "sites.csv"
    table.write_text(
        "site_id,name,lon,lat,year,households\n"
        f"S1,A,-30,40,2753,1\nS2,B,-30.2,39°7x'N,2001,2\nS3,C,-30.1,40.1,2001,{'many ' * 40}\nS4,D,-30,40.3,2001,\x1b[31m\n",
        encoding="utf-8",
    )
    assert main(["check", str(table)]) == 0
    out = capsys.readouterr().out
    assert "sites.csv, row 2, year, '2753': year must be between 1900 and 2100" in out
    assert "sites.csv, row 3, lat, '39°7x'N': The coordinate cannot be read." in out
    assert f"row 4, households, '{('many ' * 12).strip()} …': The cell should hold a number" in out
    assert "\x1b" not in out


def test_check_for_machines_and_strict(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = str(files / "half.csv")
    assert main(["check", half, "--role", "sites", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["rows_in"], found["rows_ok"]) == ("quarantined", 3, 2)
    assert set(found) >= {"status", "rows_in", "rows_ok", "problems", "summary"}
    (error,) = [p for p in found["problems"] if p["severity"] == "error"]
    assert (error["row"], error["code"]) == (2, "position_zero")
    assert main(["check", half, "--role", "sites", "--strict"]) == 1
    assert "quarantined; 2 of 3 rows can be used" in capsys.readouterr().out
    assert main(["check", str(files / "empty.csv"), "--role", "sites", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["status"] == "rejected"


def test_strict_run_says_that_rows_were_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geosettle import outputs

    monkeypatch.setattr(outputs, "figures", lambda *_, **__: {})
    study = shutil.copytree(TEMPLATE, tmp_path / "islands")
    with (study / "flows.csv").open("a", encoding="utf-8") as file:
        file.write("O1,S77,20,80,2018,,\n")
    assert main(["run", str(study), "-o", str(tmp_path / "out"), "--strict"]) == 1
    problems = pd.read_csv(tmp_path / "out" / "tables" / "problems.csv", dtype=str)
    assert problems.loc[problems["code"] == "reference_unknown", "id"].tolist() == ["O1 → S77"]
    assert problems.loc[problems["code"] == "reference_unknown", "row"].tolist() == ["6"]
    assert main(["run", str(TEMPLATE), "-o", str(tmp_path / "out"), "--strict"]) == 0


# --- as a process
# ---------------------------------------------------------------------------------------------------

HOME = str(Path(gs.__file__).parents[1])


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; import geosettle.cli as c; c.parser().format_help(); "
        "print(sorted({'numpy', 'pandas', 'geopandas', 'rasterio', 'folium', 'matplotlib', 'scipy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": HOME},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_pipes_that_close_and_fill() -> None:
    program = f"'{sys.executable}' -m geosettle distances --origins '{ORIGINS}' --sites '{SITES}'"
    script = f"{program} | true; echo ${{PIPESTATUS[0]}}; {program} > /dev/full; echo $?"
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PYTHONPATH": HOME, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["0", "2"]
    assert done.stderr == "geosettle: standard output: No space left on device.\n"
