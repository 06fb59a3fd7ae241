"""Columns of the user that are called like computed ones: the run succeeds and keeps what they hold."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from geosettle import outputs
from geosettle.io import template_path
from geosettle.io.column_names import find_columns
from geosettle.layers import LAYERS
from geosettle.tables import TABLES

TEMPLATE = template_path()
FILES = {
    role: path
    for role in LAYERS
    for path in sorted(TEMPLATE.glob(f"{role}.*"))
    if path.suffix in {".csv", ".geojson"}
}
MORE = (
    "geometry",
    "index",
    "level_0",
    "fid",
    "county",
    "prefecture",
    "given_county",
    "county_code",
)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every column of every table that a run writes or can write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, "_figures", lambda *_: ({}, []))
        out = tmp_path_factory.mktemp("names") / "out"
        outputs.run(TEMPLATE, out)
    found = {c for table in TABLES.values() for c in table.columns if "*" not in c} | set(MORE)
    for table in sorted((out / "tables").glob("*.csv")):
        found |= set(rows_of(table)[0])
    assert len(found) > 250
    return sorted(found)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.reader(handle))


def headers(path: Path) -> list[str]:
    if path.suffix == ".csv":
        return rows_of(path)[0]
    return list(json.loads(path.read_text(encoding="utf-8"))["features"][0]["properties"])


def add(path: Path, columns: list[str]) -> None:
    """Give every row a text of its own under each column."""
    if path.suffix == ".csv":
        first, *rows = rows_of(path)
        made = [[*first, *columns]]
        made += [[*row, *(f"u{n} {c}" for c in columns)] for n, row in enumerate(rows)]
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows(made)
        return
    document = json.loads(path.read_text(encoding="utf-8"))
    for n, feature in enumerate(document["features"]):
        feature["properties"] |= {c: f"u{n} {c}" for c in columns}
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize("role", FILES)
def test_added_columns_hurt_nothing(
    role: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_figures", lambda *_: ({}, []))
    study = tmp_path / "study"
    shutil.copytree(TEMPLATE, study)
    file = study / FILES[role].name
    head = headers(file)
    # What the layer itself knows, under any name, is no column of the user's own.
    own = [c for c in names if c not in head and not _is_known([*head, c], c, role)]
    add(file, own)
    written = outputs.run(study, tmp_path / "out")
    assert written.failures == ()
    assert written.rows_set_aside == 0
    if role == "sites":
        table = (tmp_path / "out" / "tables" / "sites.csv").read_text(encoding="utf-8-sig")
        assert [c for c in own if f"u0 {c}" not in table] == []


def _is_known(head: list[str], column: str, role: str) -> bool:
    found, unclear, _ = find_columns(head, LAYERS[role], {})
    return column in found.values() or any(column in hits for hits in unclear.values())


def test_the_table_of_a_run_is_good_input_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_figures", lambda *_: ({}, []))
    study = tmp_path / "study"
    shutil.copytree(TEMPLATE, study)
    outputs.run(study, tmp_path / "first")
    shutil.copy(tmp_path / "first" / "tables" / "sites.csv", study / "sites.csv")
    written = outputs.run(study, tmp_path / "second")
    assert (written.failures, written.rows_set_aside) == ((), 0)
    before, after = (
        rows_of(tmp_path / run / "tables" / "sites.csv") for run in ("first", "second")
    )
    column = before[0].index("households"), after[0].index("households")
    assert [row[column[0]] for row in before[1:]] == [row[column[1]] for row in after[1:]]
