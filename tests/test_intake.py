"""Files as people hold them, from one command to the outputs: four invented parcels."""

from __future__ import annotations

import argparse
import csv
import json
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import python_calamine
import rasterio
import shapely
import xlsxwriter
from affine import Affine
from pyproj import Geod

import geosettle as gs
from geosettle.cli import main, parser
from geosettle.errors import InputError, OutputError
from geosettle.intake import init_study
from geosettle.io.column_names import find_columns
from geosettle.io.cross_layer_checks import _near
from geosettle.io.unit_places import _middle
from geosettle.layers import LAYERS

GEOD = Geod(ellps="WGS84")
STATES = {"S1": "Arun", "S2": "Belor"}
DISTRICTS = {
    "S1D1": ("Kessim", "S1", 0), "S1D2": ("Obi", "S1", 1), "S1D3": ("Damban", "S1", 2),
    "S2D1": ("Obi", "S2", 3), "S2D2": ("Tarkoa", "S2", 4),
}  # fmt: skip
"""Code: name, state, number of the square of one degree from 10 E on, at 9 N."""


def boundary_zip(path: Path) -> Path:
    """Three levels as COD-AB publishes them: one country, two states, five districts."""
    squares = {code: shapely.box(10 + k, 9, 11 + k, 10) for code, (_, _, k) in DISTRICTS.items()}
    rows2 = [
        {"ADM2_EN": n, "ADM2_PCODE": c, "ADM1_EN": STATES[s], "ADM1_PCODE": s, "ADM0_EN": "Land",
         "ADM0_PCODE": "L"}
        for c, (n, s, _) in DISTRICTS.items()
    ]  # fmt: skip
    rows1 = [
        {"ADM1_EN": n, "ADM1_PCODE": c, "ADM0_EN": "Land", "ADM0_PCODE": "L"}
        for c, n in STATES.items()
    ]
    shapes1 = [
        shapely.union_all([squares[c] for c, (_, s, _) in DISTRICTS.items() if s == code])
        for code in STATES
    ]
    layers = {
        "lnd_admbnda_adm0": (
            [{"ADM0_EN": "Land", "ADM0_PCODE": "L"}],
            [shapely.box(10, 9, 15, 10)],
        ),
        "lnd_admbnda_adm1": (rows1, shapes1),
        "lnd_admbnda_adm2": (rows2, list(squares.values())),
    }
    folder = path.with_suffix("")
    folder.mkdir()
    for name, (rows, shapes) in layers.items():
        gpd.GeoDataFrame(rows, geometry=shapes, crs=4326).to_file(folder / f"{name}.shp")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


BASELINE = [
    ("Arun", "Kessim", "W1", "Arun", "Damban", 120, 600),
    ("Arun", "Kessim", "W2", "Arun", "DAMBAM", 62, 300),
    ("Arun", "Kessim", "W3", "Belor", "Obi", 80, 410),
    ("Belor", "Tarkoa", "W1", "Arun", "Obi", 30, 140),
    ("Belor", "TARKOA", "W4", "Arun", "Obi", 11, 55),
    ("Arun", "Obi", "W5", "Arun", "DAMBAM", 7, 35),
]


def baseline(path: Path) -> Path:
    """Displacement baseline: a sheet of notes, a title, a row of hashtags, names only."""
    book = xlsxwriter.Workbook(path)
    notes = book.add_worksheet("Read me")
    for k, text in enumerate(("Round 9", "Figures are estimates", "Contact: office")):
        notes.write(k, 0, text)
    sheet = book.add_worksheet("Baseline")
    sheet.write(0, 0, "Displacement baseline, round 9")
    headers = ["State", "LGA", "Ward", "State of origin of majority", "LGA of origin of majority",
               "Est. no. of HHs present", "Est. no. of individuals present", "Remarks"]  # fmt: skip
    tags = ["#adm1+name", "#adm2+name", "#adm3+name", "#adm1+origin", "#adm2+origin", "#affected+hh",
            "#affected+ind", "#meta"]  # fmt: skip
    for column, (header, tag) in enumerate(zip(headers, tags, strict=True)):
        sheet.write(2, column, header)
        sheet.write(3, column, tag)
    for k, row in enumerate(BASELINE):
        for column, value in enumerate(row):
            sheet.write(4 + k, column, value)
    book.close()
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def outputs(folder: Path) -> None:
    for name in ("map.html", "report.html", "manifest.json", "tables/sites.csv", "study.toml"):
        assert (folder / name).is_file(), name


def test_a_baseline_and_boundaries_in_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(baseline(tmp_path / "baseline.xlsx")), str(boundary_zip(tmp_path / "units.zip"))]
    out = tmp_path / "out"
    assert main(["run", *files, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    outputs(out)
    households = sum(r[5] for r in BASELINE)
    assert f"sites: 6 rows; {households} households (column 'Est. no. of HHs present')" in said
    assert "6 with a position, 6 of them somewhere in their unit" in said
    assert "origins: 4 rows; 3 with a position, 3 of them somewhere in their unit" in said
    assert "2 rows, 69 households: DAMBAM → Damban? (lga)" in said
    assert "Remarks" in said
    text = (out / "study.toml").read_text("utf-8")
    assert '# "DAMBAM" = "Damban"' in text
    assert tomllib.loads(text)["layers"]["boundaries"][2]["layer"] == "lnd_admbnda_adm2.shp"

    pairs = rows_of(out / "tables" / "pairs.csv")
    assert sum(float(p["households"]) for p in pairs) == households
    known = [p for p in pairs if p["geodesic_km"]]
    assert sum(float(p["households"]) for p in known) == households - 69
    belor = next(p for p in pairs if p["origin_id"].endswith("Belor / Obi"))
    # From Obi of Belor (13 to 14 E) to Kessim (10 to 11 E), both from 9 to 10 N: nearest along the
    # northern edge, farthest from corner to corner.
    low, high = float(belor["geodesic_low_km"]), float(belor["geodesic_high_km"])
    assert low == pytest.approx(GEOD.inv(11, 10, 13, 10)[2] / 1000, abs=0.1)
    assert high == pytest.approx(GEOD.inv(10, 9, 14, 10)[2] / 1000, abs=0.1)

    corrected = text.replace('# "DAMBAM"', '"DAMBAM"')
    (out / "study.toml").write_text(corrected, "utf-8")
    study = gs.read_study(out / "study.toml")
    assert study.origins is not None
    assert study.origins.geometry.notna().all()
    assert study.origins["lga"].tolist().count("DAMBAM") == 1
    assert main(["run", *files, "-o", str(out)]) == 2
    assert "geosettle run" in capsys.readouterr().err


def test_origins_by_two_levels_that_one_file_of_boundaries_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One layer with a column of levels, two states with an LGA of one name in each."""
    rows = [
        *(("S1", "Dambe", "state", "", (10, 12)), ("S2", "Korva", "state", "", (12, 14))),
        *(("A1", "Obi", "lga", "S1", (10, 11)), ("A2", "Tesk", "lga", "S1", (11, 12))),
        *(("B1", "Obi", "lga", "S2", (12, 13)), ("B2", "Wund", "lga", "S2", (13, 14))),
    ]
    columns = ("code", "name", "level", "parent_code")
    units = {name: [row[n] for row in rows] for n, name in enumerate(columns)}
    shapes = [shapely.box(west, 9, east, 10) for *_, (west, east) in rows]
    gpd.GeoDataFrame(units, geometry=shapes, crs=4326).to_file(tmp_path / "units.gpkg")
    (tmp_path / "camps.csv").write_text(
        "site_id,name,lon,lat,households,State of origin,LGA of origin\n"
        "c1,One,10.5,9.5,40,Korva,Obi\nc2,Two,10.6,9.4,60,Dambe,Tesk\n"
    )
    out = tmp_path / "out"
    files = [str(tmp_path / name) for name in ("camps.csv", "units.gpkg")]
    assert main(["run", *files, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "origins: 2 rows; 2 with a position" in said
    assert "State of origin / LGA of origin" in said or "State of origin, LGA of origin" in said
    low = [float(p["geodesic_low_km"]) for p in rows_of(out / "tables" / "pairs.csv")]
    # to the western edges of Obi of Korva (12 E) and of Tesk (11 E)
    expected = [GEOD.inv(*ends)[2] / 1000 for ends in ((10.6, 9.4, 11, 9.4), (10.5, 9.5, 12, 9.5))]
    assert sorted(low) == pytest.approx(expected, abs=0.2)


def test_a_master_list_among_six_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "master.xlsx"
    book = xlsxwriter.Workbook(path)
    for name in ("Cover", "Definitions", "Changes"):
        book.add_worksheet(name).write_column(0, 0, ["About this list", "see the other sheets"])
    sheet = book.add_worksheet("Master list")
    headers = [
        "SSID",
        "Site name",
        "State",
        "LGA",
        "Latitude",
        "Longitude",
        "Households",
        "Individuals",
    ]
    sheet.write(0, 0, "Site master list")
    sheet.write_row(1, 0, headers)
    for k in range(40):
        lon = "" if k == 7 else 10.05 + 0.02 * k
        lat = "" if k == 7 else 9.5
        row = [f"L{k:03d}", f"Camp {k % 39}", "Arun", "Kessim", lat, lon, 10 + k, 50 + 5 * k]
        sheet.write_row(2 + k, 0, row)
    pivot = book.add_worksheet("By state")
    pivot.write_row(0, 0, ["State", "Sites"])
    pivot.write_row(1, 0, ["Arun", 40])
    book.add_worksheet("Lists").write_column(0, 0, ["Open", "Closed"])
    book.close()
    units = boundary_zip(tmp_path / "units.zip")
    out = tmp_path / "out"
    assert main(["run", str(path), str(units), "-o", str(out), "--yes"]) == 0
    said = capsys.readouterr().out
    outputs(out)
    total = sum(10 + k for k in range(40))
    assert f"sites: 40 rows; {total:,} households" in said
    assert "40 with a position, 1 of them somewhere in their unit" in said
    stated = tomllib.loads((out / "study.toml").read_text("utf-8"))["layers"]["sites"]
    assert stated["sheet"] == "Master list"
    assert stated["map"]["site_id"] == "SSID"
    sites = gs.read_study(out).sites
    assert sites["households"].sum() == total
    placed = sites.loc["L007"]
    assert shapely.box(10, 9, 11, 10).contains(placed.geometry)
    # From the middle of the unit to its corners: half a degree each way.
    assert placed["uncertainty_km"] == pytest.approx(np.hypot(0.5 * 109.9, 0.5 * 110.6), abs=0.5)


def test_camps_zones_and_towns_with_a_table_of_distances(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = tmp_path / "locations.csv"
    places.write_text(
        "#name,location_type,latitude,longitude,population\n"
        "Rin,flood_zone,9.2,10.2,500\nSul,flood_zone,9.3,10.9,300\n"
        "Mid,town,9.4,10.5,9000\nCampo,camp,9.5,10.8,120\nNovo,camp,9.6,10.1,80\n",
        "utf-8",
    )
    routes = tmp_path / "routes.csv"
    routes.write_text(
        "#name1,name2,distance\nRin,Mid,45\nSul,Mid,60\nMid,Campo,40\nMid,Novo,70\n", "utf-8"
    )
    out = tmp_path / "out"
    assert main(["run", str(places), str(routes), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    outputs(out)
    for line in ("sites: 2 rows", "origins: 2 rows", "places: 1 rows", "roads: 4 rows"):
        assert line in said
    assert "flows: without them" in said
    stated = tomllib.loads((out / "study.toml").read_text("utf-8"))["layers"]
    assert stated["sites"]["where"] == {"location_type": ["camp"]}
    assert stated["roads"]["map"] == {"a": "name1", "b": "name2", "length_km": "distance"}


def test_rows_without_a_kind_go_where_most_rows_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = tmp_path / "list.csv"
    places.write_text(
        "pcode,name,type,latitude,longitude,population\n"
        "Q1,Rin,camp,9.2,10.2,500\nQ2,Sul,NA,9.3,10.9,300\nQ3,Campo,camp,9.5,10.8,120\n"
        "Q4,Novo,,9.6,10.1,80\nQ5,Mid,town,9.4,10.5,9000\n",
        "utf-8",
    )
    assert main(["init", str(tmp_path / "s"), str(places)]) == 0
    told = capsys.readouterr().out
    assert "sites: 4 rows; 1,000 persons" in told  # 500 + 300 + 120 + 80
    assert "places: 1 rows" in told
    stated = tomllib.loads((tmp_path / "s" / "study.toml").read_text("utf-8"))["layers"]
    assert stated["sites"]["map"]["site_id"] == "pcode"
    assert stated["sites"]["where"] == {"type": ["camp", "NA", ""]}
    sites = gs.read_study(tmp_path / "s").sites
    assert sorted(sites.index) == ["Q1", "Q2", "Q3", "Q4"]


def test_a_web_map_says_what_to_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"operationalLayers": [{"title": "Camps"}], "version": "2.0"}))
    assert main(["init", str(tmp_path / "s"), str(path)]) == 2
    assert "web map" in (told := capsys.readouterr().err)
    assert "Export the layer" in told


def test_sites_with_projected_rasters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    grid: dict[str, Any] = {
        "driver": "GTiff", "width": 60, "height": 60, "count": 1, "crs": "EPSG:32632",
        "transform": Affine(500, 0, 500_000, 0, -500, 1_060_000),
    }  # fmt: skip
    heights = np.add.outer(np.arange(60.0), np.arange(60.0)).astype("float32") + 300
    with rasterio.open(bundle / "terrain.tif", "w", dtype="float32", **grid) as file:
        file.write(heights, 1)
    classes = np.where(np.arange(3600).reshape(60, 60) % 3, 10, 40).astype("uint8")
    with rasterio.open(bundle / "lulc_2020.tif", "w", dtype="uint8", **grid) as file:
        file.write(classes, 1)
    rows = [("a1", "One", 509_000, 1_050_000, 12), ("a2", "Two", 515_000, 1_043_000, 30)]
    points = gpd.GeoDataFrame(
        {"site_id": [r[0] for r in rows], "name": [r[1] for r in rows], "households": [r[4] for r in rows]},
        geometry=[shapely.Point(r[2], r[3]) for r in rows], crs=32632,
    )  # fmt: skip
    points.to_file(bundle / "settlements.shp")
    out = tmp_path / "out"
    assert main(["run", str(bundle), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    outputs(out)
    assert "sites: 2 rows; 42 households (column 'households'); 2 with a position" in said
    stated = tomllib.loads((out / "study.toml").read_text("utf-8"))["layers"]
    assert Path(stated["dem"]["path"]).name == "terrain.tif"
    assert stated["landcover"]["year"] == 2020
    sites = {s["site_id"]: s for s in rows_of(out / "tables" / "sites.csv")}
    assert float(sites["a1"]["lon"]) == pytest.approx(9.0819, abs=1e-3)


def test_moves_between_named_units_are_added_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moves = tmp_path / "arrivals.csv"
    moves.write_text(
        "Month,Current (Arrival) District,Previous (Departure) District,Number of Individuals\n"
        "Jan,Kessim,Damban,100\nFeb,Kessim,Damban,50\nFeb,Kessim,Tarkoa,7\nMar,Tarkoa,Damban,3\n",
        "utf-8",
    )
    folder = tmp_path / "study"
    assert main(["init", str(folder), str(moves), str(boundary_zip(tmp_path / "u.zip"))]) == 0
    said = capsys.readouterr().out
    assert "sites: 4 rows; 2 set aside" not in said
    assert "160 persons (column 'Number of Individuals')" in said
    study = gs.read_study(folder)
    assert study.flows is not None
    persons = study.flows.set_index(["origin_id", "site_id"])["persons"]
    assert persons.to_dict() == {
        ("Damban", "Kessim"): 150, ("Damban", "Tarkoa"): 3, ("Tarkoa", "Kessim"): 7,
    }  # fmt: skip
    assert study.sites["persons"].to_dict() == {"Kessim": 157, "Tarkoa": 3}
    assert study.sites.geometry.notna().all()


def test_files_that_cannot_serve_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("1,23,4.5,Anbar\n2,24,4.6,Anbar\n", "utf-8")
    notes = tmp_path / "notes.csv"
    notes.write_text("topic,remark\na,b\nc,d\n", "utf-8")
    for files, word in (
        ([bare], "add a row of names"),
        ([notes], "serves as sites"),
        ([tmp_path / "no.csv"], ""),
    ):
        assert main(["init", str(tmp_path / "x"), *map(str, files)]) == 2
        assert word in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    named = ["--map", "name=column1,lon=column2,lat=column3"]
    assert main(["init", str(tmp_path / "x"), str(bare), *named]) == 0
    assert gs.read_study(tmp_path / "x").sites.geometry.x.tolist() == [23, 24]


READ = ("check", "distances", "overlay", "run", "init", "map")
"""Commands that read files of the user, and print what is wrong with them."""
PRINTED_BY = {
    "problems.toml": READ, "io": READ, "crs.py": READ, "covers": ("overlay",), "intake": ("init", "run"),
    "outputs.py": ("run",), "distance": ("distances",), "cli/taking.py": ("init", "run"),
    "cli/distances.py": ("distances",), "io/check.py": ("check",), "io/masking_key.py": ("run",),
    "io/printing.py": (),  # its options are those of Chromium
}  # fmt: skip
"""Files with messages, to the commands that print them."""
OWN = {("problems.toml", "--role"): ("check",), ("intake", "--copy"): ("init",)}
"""Advice that only one of the commands prints."""


def test_messages_advise_only_options_that_the_command_has() -> None:
    """Every --option in a message is an option of every command that prints the message."""
    root = Path(__file__).resolve().parent.parent / "geosettle"
    commands: Any = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    known = {
        name: {o for a in made._actions for o in a.option_strings}
        for name, made in commands.choices.items()
    }
    seen = 0
    for file in [root / "problems.toml", *sorted(root.rglob("*.py"))]:
        own = file.relative_to(root).as_posix()
        place = max((p for p in PRINTED_BY if own.startswith(p)), key=len, default="")
        if not place:
            continue
        for option in set(re.findall(r"--[a-z][a-z-]+", file.read_text("utf-8"))):
            seen += 1
            for command in OWN.get((place, option), PRINTED_BY[place]):
                assert option in known[command], f"{own} advises {option}, {command} lacks it"
    assert seen > 15


def test_advice_on_columns_works_in_the_command_that_gives_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "sites.csv").write_text("site_id,name,E,N\na,A,10,9\nb,B,11,9.5\n", "utf-8")
    for call in (["check", str(folder)], ["run", str(folder), "-o", str(tmp_path / "r")]):
        assert main(call) == 2
        assert "--map lon=NAME,lat=NAME" in capsys.readouterr().err
    assert main(["check", str(folder), "--map", "lon=E,lat=N"]) == 0
    assert "2 of 2 rows can be used" in capsys.readouterr().out


def test_copies_only_when_asked(tmp_path: Path) -> None:
    table = tmp_path / "camps.csv"
    table.write_text("id,name,lat,lon\n1,One,9.1,10.1\n2,Two,9.2,10.2\n", "utf-8")
    assert main(["init", str(tmp_path / "a"), str(table)]) == 0
    assert sorted(p.name for p in (tmp_path / "a").rglob("*")) == ["study.toml"]
    assert main(["init", str(tmp_path / "b"), str(table), "--copy"]) == 0
    stated = tomllib.loads((tmp_path / "b" / "study.toml").read_text("utf-8"))
    assert stated["layers"]["sites"]["path"] == "data/camps.csv"
    assert main(["check", str(tmp_path / "b"), "--json"]) == 0
    json.dumps(stated)


def test_a_table_without_header_is_read_and_its_columns_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns of origin and of place hold the same states: the positions tell which is which."""
    rows = [
        (1, "Belor", "Arun", ("Kessim", "Obi", "Damban")[k % 3], f"Camp {k}", 9.05 + k / 100,
         10.5 + k % 3, 20 + k)
        for k in range(30)
    ]  # fmt: skip
    table = tmp_path / "round.csv"
    table.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n", "utf-8")
    units = boundary_zip(tmp_path / "u.zip")
    out = tmp_path / "study"
    call = ["init", str(out), str(table), str(units), "--yes"]
    assert main([*call, "--map", "households=column8", "--map", "sites:persons=column1"]) == 0
    said = capsys.readouterr().out
    assert "it has no header, so its columns are called column1, column2 ..." in said
    total = sum(r[-1] for r in rows)
    assert f"sites: 30 rows; {total:,} households (column 'column8'); 30 persons" in said
    stated = tomllib.loads((out / "study.toml").read_text("utf-8"))["layers"]["sites"]
    assert stated["header_row"] == 0
    assert stated["map"]["lon"] == "column7"
    assert stated["map"]["name"] == "column5"
    assert stated["join"]["declared_adm1"] == "column3"
    study = gs.read_study(out)
    assert study.sites["households"].sum() == total
    assert study.sites.geometry.x.between(10, 13).all()
    assert not [p for p in study.problems if p.code == "outside_declared_unit"]


def test_what_a_call_says_of_a_layer_goes_before_guesses_in_files_and_in_studies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = xlsxwriter.Workbook(tmp_path / "book.xlsx")
    for name, shift in (("March", 0.0), ("April", 0.5)):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["ID", "Site", "Status", "East", "North", "Families"])
        for k in range(4):
            status = "open" if k < 3 else "closed"
            sheet.write_row(1 + k, 0, [f"s{k}", f"Site {k}", status, 10.1 + shift, 9.1 + k, 5 + k])
    book.close()
    out = tmp_path / "out"
    call = [str(tmp_path / "book.xlsx"), "--sheet", "sites:March", "--where", "Status=open"]
    call += ["--map", "lon=East,lat=North", "--set", "scope=comparison"]
    assert main(["init", str(out), *call, "--yes"]) == 0
    capsys.readouterr()
    sites = gs.read_study(out).sites
    assert len(sites) == 3
    assert sites.geometry.x.eq(10.1).all()
    assert set(sites["scope"]) == {"comparison"}
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "sites.csv").write_text("site_id,name,E,N,hh\na,A,10,9,7\nb,B,11,9.5,8\n", "utf-8")
    mapped = ["--map", "lon=E,lat=N,households=hh"]
    assert main(["run", str(folder), "-o", str(tmp_path / "r"), *mapped]) == 0
    assert [s["households"] for s in rows_of(tmp_path / "r" / "tables" / "sites.csv")] == ["7", "8"]
    again = ["run", "--replay", str(tmp_path / "r" / "manifest.json"), "-o", str(tmp_path / "r2")]
    assert main(again) == 0
    assert "the same, byte for byte" in capsys.readouterr().out
    assert main(["map", str(folder), "-o", str(tmp_path / "m.html"), *mapped]) == 0
    assert main(["map", str(tmp_path / "r"), "-o", str(tmp_path / "m2.html")]) == 0
    assert main(["run", str(folder), "--map", "flows:site_id=x"]) == 2
    assert "the study has no layer flows" in capsys.readouterr().err


def test_single_households_are_no_sites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    houses = tmp_path / "households.csv"
    houses.write_text(
        "longitude,latitude,house_id\n" + "".join(f"10.{k:04d},9.5,H{k}\n" for k in range(2000)),
        "utf-8",
    )
    facilities = tmp_path / "camp_facilities.csv"
    facilities.write_text("NAME_EN,lon,lat\nClinic north,10.1,9.5\nSchool,10.2,9.6\n", "utf-8")
    assert main(["init", str(tmp_path / "s"), str(houses), str(facilities), "--yes"]) == 0
    said = capsys.readouterr().out
    assert "households.csv: not used (each row is a household or its dwelling" in said
    assert gs.read_study(tmp_path / "s").sites["name"].tolist() == ["Clinic north", "School"]
    assert main(["init", str(tmp_path / "t"), str(houses)]) == 2
    assert "serves as sites" in capsys.readouterr().err


def test_rasters_in_an_archive_are_read_from_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sites = tmp_path / "camps.csv"
    sites.write_text("id,name,lat,lon\n1,One,9.1,10.1\n2,Two,9.2,10.2\n", "utf-8")
    grid: dict[str, Any] = {
        "width": 20,
        "height": 20,
        "count": 1,
        "crs": "EPSG:4326",
        "transform": Affine(0.05, 0, 9.8, 0, -0.05, 9.8),
    }
    with rasterio.open(tmp_path / "elev.tif", "w", driver="GTiff", dtype="float32", **grid) as file:
        file.write(np.add.outer(np.arange(20.0), np.arange(20.0)).astype("float32"), 1)
    with rasterio.open(
        tmp_path / "lulc_2019.tif", "w", driver="GTiff", dtype="uint8", **grid
    ) as file:
        file.write((np.arange(400).reshape(20, 20) % 3 + 1).astype("uint8"), 1)
    with zipfile.ZipFile(tmp_path / "grids.zip", "w") as archive:
        for name in ("elev.tif", "lulc_2019.tif"):
            archive.write(tmp_path / name, f"grids/{name}")
    out = tmp_path / "out"
    assert main(["init", str(out), str(sites), str(tmp_path / "grids.zip"), "--yes"]) == 0
    assert "grids.zip: grids/elev.tif: dem" in capsys.readouterr().out
    study = gs.read_study(out)
    assert study.dem is not None
    # Cell of row 14, column 6: 10.1 E, 9.1 N is its corner; the value is the sum of both numbers.
    assert study.dem.sample(np.array([10.12]), np.array([9.08])).tolist() == [20.0]
    assert set(study.landcover) == {2019}


def test_headers_of_a_first_spreadsheet_are_understood(tmp_path, capsys):
    (tmp_path / "settlements.csv").write_text(
        "Code,Settlement,Latitude,Longitude,Accuracy (m),District\nS1,Bay,3.6,-30.3,500,North\n"
    )
    (tmp_path / "villages.csv").write_text(
        "Village code,Village left,Lat,Lon,Land left (ha)\nV1,Quay,3.9,-30.4,120\n"
    )
    files = [str(tmp_path / name) for name in ("settlements.csv", "villages.csv")]
    assert main(["init", str(tmp_path / "study"), *files, "--yes"]) == 0
    told = capsys.readouterr().out
    assert "not used" not in told
    assert "district = District (stated unit)" in told
    study = gs.read_study(tmp_path / "study")
    assert study.sites.loc["S1", "uncertainty_km"] == 0.5
    assert study.origins.loc["V1", ["name", "land_ha"]].tolist() == ["Quay", 120]


@pytest.mark.parametrize("header", ["Accuracy", "GPS precision"])
def test_an_accuracy_without_a_unit_is_not_taken_for_kilometres(header):
    assert "uncertainty_km" not in find_columns(["site_id", "name", header], LAYERS["sites"])[0]


@pytest.mark.parametrize(
    ("text", "households", "persons"),
    [
        ("Cód. do local,Nome do assentamento,Longitude,Latitude,Número de famílias,Número de pessoas",
         "Número de famílias", "Número de pessoas"),
        ("Код,Название поселения,Долгота,Широта,Число семей,Численность населения",
         "Число семей", "Численность населения"),
        ("رقم الموقع,اسم الموقع,خط الطول,خط العرض,عدد الأسر,عدد الأفراد", "عدد الأسر", "عدد الأفراد"),
    ],
)  # fmt: skip
def test_headers_of_other_languages(
    text: str, households: str, persons: str, tmp_path: Path
) -> None:
    file = tmp_path / "lista.csv"
    file.write_text(
        f"{text}\nA1,Aba,35.12345,22.12345,12,60\nA2,Ado,35.2345,22.2345,14,70\n", "utf-8"
    )
    made = init_study([file], tmp_path / "study")
    (sites,) = [line for line in made.lines if line.startswith("  sites: ")]
    assert f"26 households (column {households!r}); 130 persons (column {persons!r})" in sites
    assert f"site_id = {text.split(',', maxsplit=1)[0]}" in " ".join(" ".join(made.lines).split())


def test_a_folder_that_cannot_be_written_is_found_before_the_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError):
        init_study([tmp_path / "no such file.csv"], tmp_path / "taken")


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("distances", ["-o", "./sites.csv"]),
        ("overlay", ["-o", "./sites.csv"]),
        ("distances", ["--intervals", "sites.csv"]),
        ("distances", ["-o", "new.csv", "--intervals", "./new.csv"]),
    ],
)
def test_no_output_replaces_a_file_that_is_read_or_another_output(
    command: str,
    out: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "site_id,name,lon,lat\nS1,One,20.12345,10.12345\n"
    Path("sites.csv").write_text(text)
    Path("more.csv").write_text(text.replace("site_id", "origin_id"))
    ends = {"distances": ["--origins", "more.csv", "--sites", "sites.csv"],
            "overlay": ["--zones", "sites.csv", "--cover", "more.csv"]}  # fmt: skip
    assert main([command, *ends[command], *out]) == 2
    assert "one of those that are read" in capsys.readouterr().err
    assert Path("sites.csv").read_text() == text


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_study_of_another_encoding_says_what_to_do(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_bytes('[study]\nname = "Café"\n'.encode(encoding))
    with pytest.raises(gs.errors.InputError, match="no UTF-8 text"):
        gs.read_study(tmp_path)


def test_where_nothing_serves_as_sites_the_names_of_units_and_unread_files_are_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "list.csv").write_text("Oblast,Persons\nZelenska,20\nKamska,30\n", "utf-8")
    (tmp_path / "points.shp").write_bytes(b"")
    files = [tmp_path / "list.csv", boundary_zip(tmp_path / "units.zip"), tmp_path / "points.shp"]
    with pytest.raises(gs.errors.InputError) as caught:
        init_study(files, tmp_path / "study")
    text = str(caught.value)
    assert "no column holds names or codes of units.zip: lnd_admbnda_adm1.shp (Arun, Belor" in text
    assert "not read: points.shp (" in text


@pytest.mark.parametrize(
    "files",
    [
        {
            "安置点.csv": "编号,安置点名称,纬度,经度\nS1,北湾,3.62,-30.31\nS2,棕榈港,3.38,-30.12\n",
            "迁出村.csv": "编号,村名,纬度,经度\nV1,老码头,3.91,-30.44\n",
            "搬迁.csv": "迁出村编号,安置点编号,户数\nV1,S1,45\nV1,S2,3\n",
        },
        {
            "asentamientos.csv": "Código,Nombre,Latitud,Longitud\nS1,Bahía,3.62,-30.31\nS2,Palma,3.38,-30.1\n",
            "aldeas.csv": "Código,Nombre,Latitud,Longitud\nV1,Muelle,3.91,-30.44\n",
            "movimientos.csv": "Aldea código,Asentamiento código,Hogares\nV1,S1,45\nV1,S2,3\n",
        },
        {
            "поселения.csv": "Код,Название,Широта,Долгота\nS1,Бухта,3.62,-30.31\nS2,Пальма,3.38,-30.1\n",
            "деревни.csv": "Код,Название,Широта,Долгота\nV1,Причал,3.91,-30.44\n",
            "переезды.csv": "Код деревни,Код поселения,Домохозяйств\nV1,S1,45\nV1,S2,3\n",
        },
        {
            "المواقع.csv": "الرمز,الاسم,خط العرض,خط الطول\nS1,خليج,3.62,-30.31\nS2,نخل,3.38,-30.1\n",
            "القرى الأصل.csv": "الرمز,الاسم,خط العرض,خط الطول\nV1,رصيف,3.91,-30.44\n",
            "حركة.csv": "رمز القرية,رمز الموقع,عدد الأسر\nV1,S1,45\nV1,S2,3\n",
        },
    ],
    ids=["zh", "es", "ru", "ar"],
)
def test_three_tables_in_the_users_language_are_a_study(files, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    call = ["init", str(tmp_path / "study"), *(str(tmp_path / name) for name in files), "--yes"]
    assert main(call) == 0
    study = gs.read_study(tmp_path / "study")
    assert [*study.sites.index, *study.origins.index] == ["S1", "S2", "V1"]
    assert study.flows["households"].tolist() == [45, 3]


@pytest.mark.parametrize(
    ("headers", "persons"),
    [
        (["Planned capacity (number of persons)", "Individual"], "Individual"),
        (["Planned capacity (number of persons)"], None),
        (["Capacidad (personas)", "Personas"], "Personas"),
        (["2.1.b.1 Total number of IDP individuals"], "2.1.b.1 Total number of IDP individuals"),
        (["Total IDPs (Ind)"], "Total IDPs (Ind)"),
        (["Nombre total de PDI (individus)"], "Nombre total de PDI (individus)"),
    ],
)
def test_what_a_site_could_take_is_not_who_is_there(headers, persons):
    assert find_columns(headers, LAYERS["sites"])[0].get("persons") == persons


def test_a_workbook_is_read_once(tmp_path, monkeypatch):
    book = openpyxl.Workbook()
    for title in ("Sites", "Other"):
        page = book.create_sheet(title)
        page.append(["Site", "Longitude", "Latitude", "Households", "Origin"])
        page.append([f"{title} one", 20.5, 10.5, 12, "A"])
    book.save(tmp_path / "all.xlsx")
    opened = []
    plain = python_calamine.load_workbook
    monkeypatch.setattr(
        python_calamine, "load_workbook", lambda file: opened.append(file) or plain(file)
    )
    init_study([tmp_path / "all.xlsx"], tmp_path / "study")
    assert len(opened) == 1


def test_near_units_are_found_by_their_pieces():
    rng = np.random.default_rng(3)
    shapes = np.array([
        shapely.multipolygons([shapely.box(x, y, x + 0.05, y + 0.05) for x, y in rng.random((6, 2))])
        for _ in range(30)
    ])  # fmt: skip
    shapes = shapely.buffer(shapes, 0)
    pairs, group, (a, b) = _near(shapes, 0.02)
    every = [(i, j) for i in range(30) for j in range(i + 1, 30)]
    assert [tuple(p) for p in pairs.tolist()] == [
        (i, j) for i, j in every if shapely.distance(shapes[i], shapes[j]) <= 0.02
    ]
    common = np.bincount(group, shapely.area(shapely.intersection(a, b)), len(pairs))
    whole = shapely.area(shapely.intersection(*shapes[pairs].T))
    assert common == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("span", [0.3, 8.0, 40.0])
def test_the_radius_of_a_unit_is_that_of_its_farthest_point(span):
    xy = np.random.default_rng(5).random((400, 2)) * span + [60, 20]
    hull = shapely.convex_hull(shapely.multipoints(xy))
    point, radius = _middle(hull)
    ends = shapely.get_coordinates(hull)
    centre = shapely.centroid(hull)
    away = [GEOD.inv(centre.x, centre.y, x, y)[2] for x, y in ends]
    assert radius == pytest.approx(max(away) / 1000, abs=0.0021)
    assert (point.x, point.y) == pytest.approx((centre.x, centre.y), abs=1e-6)


def test_a_member_of_an_archive_without_a_name_is_refused(tmp_path):
    path = tmp_path / "sites.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "site_id,name,lon,lat\nS1,One,20,10\n")
    local, central = b"PK\x03\x04", b"PK\x01\x02"
    data = bytearray(path.read_bytes())
    data[data.index(local) + 30], data[data.index(central) + 46] = 0, 0
    path.write_bytes(data)
    with pytest.raises(InputError, match="has no name"):
        gs.read_layer(path, "sites")
