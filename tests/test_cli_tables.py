"""What `distances` and `overlay` write: the ending says the format, and what is in it."""

from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from pyproj import Geod

import geosettle as gs
from geosettle.cli import main

TEMPLATE = Path(gs.template_path())
ENDS = [
    "distances",
    *("--origins", str(TEMPLATE / "origins.csv"), "--sites", str(TEMPLATE / "sites.csv")),
]


def read(path: Path) -> pd.DataFrame:
    """Read a written table with the reader that its users have."""
    if path.suffix == ".csv":
        return pd.read_csv(path, keep_default_na=False, na_values={"geodesic_km": [""]})
    if path.suffix == ".xlsx":
        return pd.read_excel(path, engine="calamine")
    return pd.read_parquet(path).reset_index() if path.suffix == ".parquet" else gpd.read_file(path)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "gpkg", "geojson"])
def test_every_ending_holds_the_same_pairs_with_names(ending, tmp_path):
    out = tmp_path / f"d.{ending}"
    assert main([*ENDS, "--nearest", "2", "-o", str(out)]) == 0
    table, plain = read(out), tmp_path / "plain.csv"
    assert main([*ENDS, "--nearest", "2", "-o", str(plain)]) == 0
    expected = read(plain)
    assert len(expected) > 4
    for column in ("origin_id", "site_id", "origin_name", "site_name"):
        assert table[column].fillna("").tolist() == expected[column].tolist()
    km = expected["geodesic_km"].to_numpy()
    digits = 0.05 if ending == "parquet" else 0  # Parquet is for programs, and keeps every digit
    assert table["geodesic_km"].to_numpy() == pytest.approx(km, rel=0, abs=digits, nan_ok=True)
    if ending in {"gpkg", "geojson"}:
        assert table.crs == "EPSG:4326"
        measured = Geod(ellps="WGS84").geometry_length
        known = np.isfinite(km)
        lengths = [measured(line) / 1000 for line in table.geometry[known]]
        assert lengths == pytest.approx(km[known], abs=0.05)


def test_numbers_have_the_digits_that_the_positions_carry(tmp_path, capsys):
    rows = "origin_id,name,lon,lat,uncertainty_km\nexact,A,76,39,\nrough,B,76,39,20\n"
    ends = {"origins": rows, "sites": "site_id,name,lon,lat\nS1,S,77,39\n"}
    for name, text in ends.items():
        (tmp_path / f"{name}.csv").write_text(text)
    call = ["distances", *(x for n in ends for x in (f"--{n}", str(tmp_path / f"{n}.csv")))]
    # python -c "from pyproj import Geod; print(Geod(ellps='WGS84').inv(76, 39, 77, 39))": 89.685..., 86625.96845638656 m
    assert main(call) == 0
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    at = {name: n for n, name in enumerate(lines[0])}
    exact, rough = ({name: row[n] for name, n in at.items()} for row in lines[1:3])
    assert rough["geodesic_km"] == "86.6"
    assert float(exact["geodesic_km"]) == pytest.approx(86.62596845638656, rel=1e-12)
    assert rough["bearing_deg"] == "90"  # atan(20 / 86.6) = 13 degrees
    assert float(exact["bearing_deg"]) == pytest.approx(89.68533, abs=1e-5)
    assert (rough["geodesic_low_km"], rough["geodesic_high_km"]) == ("66.6", "106.6")
    out = tmp_path / "d.parquet"
    assert main([*call, "-o", str(out)]) == 0
    assert read(out)["geodesic_km"].tolist() == pytest.approx([86.62596845638656] * 2, rel=1e-12)
    assert main([*call, "--matrix"]) == 0
    head, exact_row, rough_row = capsys.readouterr().out.split()
    assert (head, exact_row, rough_row) == ("origin_id,S1", "exact,86.6259684564", "rough,86.6")


def test_a_workbook_holds_text_as_text(tmp_path):
    origins = tmp_path / "o.csv"
    origins.write_text("origin_id,name,lon,lat\n007,=1+1,-30.5,40.5\n")
    out = tmp_path / "d.xlsx"
    call = ["distances", "--origins", str(origins), "--sites", str(TEMPLATE / "sites.csv")]
    assert main([*call, "--nearest", "1", "-o", str(out)]) == 0
    sheet = openpyxl.load_workbook(BytesIO(out.read_bytes())).active
    head = [cell.value for cell in sheet[1]]
    first = dict(zip(head, sheet[2], strict=True))
    assert first["origin_id"].value == "007"
    assert first["origin_name"].value == "=1+1"
    assert first["origin_name"].data_type == "s"
    assert first["geodesic_km"].data_type == "n"


def test_lines_go_the_short_way_round_the_earth(tmp_path):
    ends = {"o.csv": "origin_id,lon,lat\nO,179.5,-17\n", "s.csv": "site_id,lon,lat\nS,-179.5,-17\n"}
    for name, text in ends.items():
        (tmp_path / name).write_text(text)
    out = tmp_path / "d.gpkg"
    call = ["distances", "--origins", str(tmp_path / "o.csv"), "--sites", str(tmp_path / "s.csv")]
    assert main([*call, "-o", str(out)]) == 0
    (line,) = gpd.read_file(out).geometry
    assert sorted(part.bounds[::2] for part in line.geoms) == [(-180.0, -179.5), (179.5, 180.0)]


def test_intervals_are_lines_too(tmp_path):
    out = tmp_path / "i.gpkg"
    call = [*ENDS, "--flows", str(TEMPLATE / "flows.csv"), "--intervals", str(out)]
    assert main([*call, "-o", str(tmp_path / "d.csv")]) == 0
    table = gpd.read_file(out)
    known = table[table["low"].notna()]
    measured = Geod(ellps="WGS84").geometry_length
    km = np.array([measured(line) / 1000 for line in known.geometry])
    assert len(km) >= 3
    assert (known["low"] <= km).all()
    assert (km <= known["high"]).all()


def test_a_place_without_position_has_an_empty_line(tmp_path):
    (tmp_path / "o.csv").write_text("origin_id,name,lon,lat\nO,A,-30.5,40.5\nP,B,,\n")
    out = tmp_path / "d.gpkg"
    call = ["distances", "--origins", str(tmp_path / "o.csv"), "-o", str(out)]
    assert main([*call, "--sites", str(TEMPLATE / "sites.csv")]) == 0
    table = gpd.read_file(out).set_index("origin_id")
    lost = table.loc["P"]
    assert len(lost) > 0
    assert (lost.geometry.isna() | lost.geometry.is_empty).all()
    assert (lost["why"] != "").all()


def test_zones_are_drawn_as_they_were_measured(tmp_path):
    call = ["overlay", "--zones", str(TEMPLATE / "sites.csv"), "--buffer-km", "5"]
    out = tmp_path / "o.gpkg"
    assert main([*call, "--cover", str(TEMPLATE / "development.geojson"), "-o", str(out)]) == 0
    table = gpd.read_file(out)
    table = table[~table.geometry.isna()]
    assert len(table) > 3
    areas = [abs(Geod(ellps="WGS84").geometry_area_perimeter(g)[0]) / 1e4 for g in table.geometry]
    assert areas == pytest.approx(table["zone_ha"].tolist(), rel=1e-3)  # a disc of 180 corners


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["-o", "{t}/d.docx"], ["d.docx", ".docx", ".xlsx"]),
        (["-o", "{t}/d"], ["(none)", ".csv"]),
        (["--matrix", "-o", "{t}/m.gpkg"], ["no geometry", "m.gpkg", ".parquet"]),
        (["-o", "{t}/d.csv", "--intervals", "{t}/i.txt"], ["i.txt"]),
    ],
)
def test_an_unknown_ending_is_refused_before_the_work(more, words, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("geosettle.cli._layer", lambda *_: pytest.fail("a file was read"))
    assert main([*ENDS, *(text.format(t=tmp_path) for text in more)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in words)
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "overlay" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (["distnces"], "did you mean distances?"),
        (
            ["overlay", "--zones", "z", "--cover", "c", "--bufer-km", "2"],
            "did you mean --buffer-km",
        ),
        (["diff", "a", "b", "c"], "too much is given: c"),
        (["map", "x", "--lang", "zz"], "choose from"),
    ],
)
def test_a_misspelt_call_has_a_hint(call, hint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(call)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert hint in line


def test_every_example_of_the_help_can_be_parsed(capsys):
    from geosettle.cli import parser
    from geosettle.cli.calls import EXAMPLES

    for command, lines in EXAMPLES.items():
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
        shown = capsys.readouterr().out
        for line in lines:
            assert f"  {line}\n" in shown
            run = parser().parse_args(line.split()[1:]).command
            assert getattr(run, "func", run).__name__ == f"_{command}"


def test_quiet_prints_no_notes_but_the_table(tmp_path, capsys):
    out = tmp_path / "d.csv"
    assert main([*ENDS, "--quiet", "-o", str(out)]) == 0
    assert capsys.readouterr() == ("", "")
    assert main([*ENDS, "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("origin_id,site_id")
    assert main([*ENDS, "-o", str(out)]) == 0  # the next call is not quiet
    assert "is written" in capsys.readouterr().err


def test_verbose_names_each_step(tmp_path, capsys):
    assert main([*ENDS, "--verbose", "-o", str(tmp_path / "d.csv")]) == 0
    steps = [line for line in capsys.readouterr().err.splitlines() if " s  " in line]
    assert [line.split(" s  ")[1] for line in steps] == ["reading", "measuring"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_can_complete(shell, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    assert "distances" in script
    assert "--buffer-km" in script
