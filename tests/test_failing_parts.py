"""A part of the outputs that fails costs that part, one problem and a warning, never the run."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from geosettle import figures, maps, tables
from geosettle.cli import main
from geosettle.io import template_path
from geosettle.report import html


def fail(*_):
    raise ZeroDivisionError("made to fail")


def broken(entries, name, field):
    """Return the entries with one whose function fails."""
    return {**entries, name: dataclasses.replace(entries[name], **{field: fail})}


PARTS = {
    "figure distances": (figures, "FIGURES", ("distances", "draw"), "figures/distances.svg"),
    "table admin": (tables, "TABLES", ("admin", "build"), "tables/admin.csv"),
    "map element flows": (maps.elements, "ELEMENTS", ("flows", "payload"), None),
    "report section distances": (html, "SECTIONS", ("distances", None), None),
}


@pytest.mark.parametrize("part", PARTS)
def test_one_failing_part_never_costs_the_run(part, tmp_path, monkeypatch, capsys):
    module, mapping, (name, field), file = PARTS[part]
    entries = getattr(module, mapping)
    changed = broken(entries, name, field) if field else {**entries, name: fail}
    for holder in (
        module,
        *((__import__("geosettle.outputs", fromlist=["x"]),) if mapping == "TABLES" else ()),
    ):
        monkeypatch.setattr(holder, mapping, changed)
    assert main(["run", str(template_path()), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    cause = f"{part} could not be made: ZeroDivisionError: made to fail."
    assert said.count(cause) == 1
    assert "Traceback" not in said
    problems = pd.read_csv(tmp_path / "out" / "tables" / "problems.csv")
    assert list(problems.loc[problems["code"] == "part_failed", "message"]) == [cause]
    for made in ("map.html", "report.html", "study.gpkg", "tables.xlsx", "manifest.json"):
        assert (tmp_path / "out" / made).stat().st_size > 1000
    assert file is None or not (tmp_path / "out" / file).exists()
    assert (tmp_path / "out" / "tables" / "pairs.csv").exists()
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "could not be made" in report or "section" in part


def test_a_failing_part_is_an_error_under_strict_and_shown_to_developers(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(figures, "FIGURES", broken(figures.FIGURES, "distances", "draw"))
    monkeypatch.setenv("GEOSETTLE_DEBUG", "1")
    assert main(["run", str(template_path()), "--strict", "-o", str(tmp_path / "out")]) == 1
    assert "Traceback" in capfd.readouterr().err


def test_alone_each_raises(embedded, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", broken(figures.FIGURES, "land", "draw"))
    with pytest.raises(ZeroDivisionError):
        figures.figures(embedded, only=["land"])
