"""A part of the outputs that fails costs that part, one problem and a warning, never the run."""

from __future__ import annotations

import dataclasses
import re

import openpyxl
import pandas as pd
import pyogrio
import pytest

import geosettle as gs
from geosettle import figures, maps, outputs, tables
from geosettle.cli import main
from geosettle.report import html
from geosettle.tables import geopackage, xlsx


def fail(*_, **__):
    raise ZeroDivisionError("made to fail")


def broken(entries, name, field):
    """Return the entries with one whose function fails."""
    planted = dataclasses.replace(entries[name], **{field: fail}) if field else fail
    return {**entries, name: planted}


def cause(part):
    return f"{part} could not be made: ZeroDivisionError: made to fail."


@pytest.fixture(scope="module")
def result():
    return gs.analyse(gs.read_study(gs.template_path()))


def test_the_command_goes_on_and_only_strict_makes_it_an_error(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(figures, "FIGURES", broken(figures.FIGURES, "distances", "draw"))
    study, part = str(gs.template_path()), cause("figure distances")
    assert main(["run", study, "-o", str(tmp_path / "out")]) == 0
    said = capfd.readouterr().err
    assert said.count(part) == 1
    assert "Traceback" not in said
    assert not (tmp_path / "out" / "figures" / "distances.svg").exists()
    assert "could not be made" in (tmp_path / "out" / "report.html").read_text("utf-8")
    monkeypatch.setenv("GEOSETTLE_DEBUG", "1")
    assert main(["run", study, "--strict", "-o", str(tmp_path / "out")]) == 1
    assert "Traceback" in capfd.readouterr().err


@pytest.fixture(scope="module")
def quick():
    """No time is spent on figures and map where another part is made to fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, "figures", lambda *_, **__: {})
        patch.setattr(outputs, "map_html", lambda *_, **__: "<!DOCTYPE html>")
        yield


@pytest.fixture(scope="module")
def whole(quick, result, tmp_path_factory):
    """Names of the files and of the GeoPackage's layers of a run in which nothing fails."""
    folder = tmp_path_factory.mktemp("whole")
    files = set(gs.write(result, folder).files)
    return files, set(pyogrio.list_layers(folder / "study.gpkg")[:, 0])


def one_problem(made, folder, part):
    """The part is the one that failed, and a problem, once, in table and workbook."""
    assert made.failures == (cause(part),)
    problems = pd.read_csv(folder / "tables" / "problems.csv")
    assert list(problems.loc[problems["code"] == "part_failed", "message"]) == [cause(part)]


@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_figure_that_fails_is_one_problem(name, result, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", broken(figures.FIGURES, name, "draw"))
    found = []
    drawn = figures.figures(result, dpi=50, formats=("png",), only=[name], problems=found)
    assert (drawn, [p.message for p in found]) == ({}, [cause(f"figure {name}")])


@pytest.mark.parametrize("name", html.SECTIONS)
def test_a_section_that_fails_is_one_problem(name, result, monkeypatch):
    monkeypatch.setattr(html, "SECTIONS", broken(html.SECTIONS, name, None))
    found = []
    page = html.report_html(result, problems=found)
    assert [p.message for p in found] == [cause(f"report section {name}")]
    assert f'<section id="{name}"' not in page
    others = re.findall(r'<section id="(\w+)"', page)
    monkeypatch.undo()
    before = re.findall(r'<section id="(\w+)"', html.report_html(result))
    assert others == [section for section in before if section != name]


@pytest.mark.parametrize("name", maps.ELEMENTS)
def test_an_element_that_fails_is_one_problem(name, result):
    found = []
    page = maps.map_html(result, elements=broken(maps.ELEMENTS, name, "payload"), problems=found)
    assert [p.message for p in found] == [cause(f"map element {name}")]
    assert page.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_table_that_fails_costs_itself(name, result, whole, tmp_path, monkeypatch):
    files, layers = whole
    monkeypatch.setattr(outputs, "TABLES", broken(tables.TABLES, name, "build"))
    made = gs.write(result, tmp_path)
    assert cause(f"table {name}") in made.failures
    assert files - set(made.files) <= {f"tables/{name}.csv"}
    there = set(pyogrio.list_layers(tmp_path / "study.gpkg")[:, 0])
    assert layers - there <= {"sites": {"sites", "sites_areas"}, "pairs": {"flows"}}.get(
        name, set()
    )
    sheets = openpyxl.load_workbook(tmp_path / "tables.xlsx", read_only=True).sheetnames
    assert name not in sheets
    assert {"dictionary", "sources"} < set(sheets)


@pytest.mark.parametrize("name", ["sites", "pairs", "admin", "problems"])
def test_a_sheet_that_fails_is_one_problem(name, quick, result, tmp_path, monkeypatch):
    sheet = xlsx._sheet
    monkeypatch.setattr(
        xlsx,
        "_sheet",
        lambda book, title, *rest: (fail if title == name else sheet)(book, title, *rest),
    )
    made = gs.write(result, tmp_path)
    one_problem(made, tmp_path, f"sheet {name}")
    assert (tmp_path / "tables.xlsx").stat().st_size > 1000


def test_each_layer_of_the_geopackage_fails_alone(result, whole, monkeypatch):
    makers = geopackage._makers
    written_tables = tables.tables(result)
    for name in makers(result, written_tables):
        monkeypatch.setattr(geopackage, "_makers", lambda *a, name=name: makers(*a) | {name: fail})
        found = []
        layers = geopackage.gpkg_layers(result, written=written_tables, problems=found)
        assert [p.message for p in found] == [cause(f"GeoPackage layer {name}")]
        known = whole[1] - {"layer_styles", "geosettle_metadata"}
        assert set(layers) == known - {name}


FILES = {
    "map.html": "map_html",
    "report.html": "report_document",
    "tables.xlsx": "tables_xlsx",
    "study.gpkg": "gpkg_layers",
    "summary": "summary_lines",
}


@pytest.mark.parametrize("part", FILES)
def test_a_file_that_fails_costs_itself(part, result, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, FILES[part], fail)
    made = gs.write(result, tmp_path)
    one_problem(made, tmp_path, part)
    assert whole[0] - set(made.files) == {part} & whole[0]


def test_alone_each_raises(result, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", broken(figures.FIGURES, "land", "draw"))
    with pytest.raises(ZeroDivisionError):
        figures.figures(result, only=["land"])
