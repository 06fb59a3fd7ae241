"""The same rows in another order give the same bytes of every output but the manifest, which hashes
the files themselves; only the rows that problems name are those of the file.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

import geosettle as gs
from geosettle import outputs


def doubtful(folder: Path) -> Path:
    """The template study with rows that are doubted or set aside, each for a reason of its own."""
    shutil.copytree(gs.template_path(), folder)
    flows = folder / "flows.csv"
    head, *rows = flows.read_text(encoding="utf-8").splitlines()
    unknown = rows[0].split(",")
    unknown[head.split(",").index("origin_id")] = "O-nowhere"
    flows.write_text("\n".join([head, *rows, ",".join(unknown), rows[1]]) + "\n", encoding="utf-8")
    sites = folder / "sites.csv"
    head, *rows = sites.read_text(encoding="utf-8").splitlines()
    columns = head.split(",")
    more = []
    for name, lon in (("S7", "-30.1201"), ("S8", "-30.1202")):
        row = dict.fromkeys(columns, "") | {
            "site_id": name,
            "name": "Double",
            "lon": lon,
            "lat": "40.2101",
        }
        more.append(",".join(row[c] for c in columns))
    sites.write_text("\n".join([head, *rows, *more, more[0]]) + "\n", encoding="utf-8")
    return folder


def shuffle(study: Path, seed: int) -> None:
    order = random.Random(seed)
    for path in sorted(study.glob("*.csv")):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        order.shuffle(rows)
        path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    for path in sorted(study.glob("*.geojson")):
        layer = json.loads(path.read_text(encoding="utf-8"))
        order.shuffle(layer["features"])
        path.write_text(json.dumps(layer), encoding="utf-8")


def without_rows(out: Path) -> str:
    """The report without the cells of its column Row."""

    def cut(table: re.Match[str]) -> str:
        heads = re.findall(r"<th\b.*?</th>", table[0].split("</thead>")[0], flags=re.DOTALL)
        at = next((i for i, head in enumerate(heads) if ">Row<" in head), None)
        if at is None:
            return table[0]
        rows = re.findall(r"<tr\b.*?</tr>", table[0], flags=re.DOTALL)
        cells = [
            [m[0] for m in re.finditer(r"<t([dh])\b.*?</t\1>", row, flags=re.DOTALL)]
            for row in rows
        ]
        assert {len(row) for row in cells} == {len(heads)}
        return "".join("".join(row[:at] + row[at + 1 :]) for row in cells)

    page = (out / "report.html").read_text(encoding="utf-8")
    assert ">Row<" in page
    return re.sub(r"<table\b.*?</table>", cut, page, flags=re.DOTALL)


def digests(folder: Path) -> dict[str, str]:
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in paths}


def test_the_order_of_the_rows_changes_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        outputs, "figures", lambda *_, **__: {}
    )  # drawn from the same frames, and slow
    found, manifests = [], []
    for name in ("plain", "shuffled"):
        study = doubtful(tmp_path / name / "study")
        if name == "shuffled":
            shuffle(study, 5)
        outputs.run(study, tmp_path / name / "out")
        found.append(digests(tmp_path / name / "out"))
        manifests.append(
            json.loads((tmp_path / name / "out" / "manifest.json").read_text(encoding="utf-8"))
        )
    problems = (tmp_path / "plain" / "out" / "tables" / "problems.csv").read_text(encoding="utf-8")
    for code in ("reference_unknown", "row_repeated", "position_duplicate", "name_duplicate"):
        assert code in problems
    assert {name for name in found[0] if found[0][name] != found[1].get(name)} == {
        *("manifest.json", "report.html", "tables.xlsx", "tables/problems.csv")
    }
    first, second = manifests
    assert first["input_hash"] == second["input_hash"]
    assert first["inputs"]["sites.csv"]["sha256"] != second["inputs"]["sites.csv"]["sha256"]
    outs = [tmp_path / name / "out" for name in ("plain", "shuffled")]
    listed = [pd.read_csv(out / "tables" / "problems.csv", dtype=str) for out in outs]
    pd.testing.assert_frame_equal(*(table.drop(columns="row") for table in listed))
    for sheet in ("problems", "sites", "pairs"):
        books = [
            pd.read_excel(out / "tables.xlsx", sheet_name=sheet, dtype=str, engine="openpyxl")
            for out in outs
        ]
        pd.testing.assert_frame_equal(*(b.drop(columns="row", errors="ignore") for b in books))
    assert without_rows(outs[0]) == without_rows(outs[1])
    # The row is the one that a spreadsheet program or a text editor shows.
    lines = (tmp_path / "plain" / "study" / "sites.csv").read_text(encoding="utf-8").splitlines()
    double = listed[0][(listed[0]["code"] == "position_duplicate") & (listed[0]["id"] == "S8")]
    assert lines[int(double["row"].iloc[0]) - 1].startswith("S8,")
    said = outputs.diff(tmp_path / "plain" / "out", tmp_path / "shuffled" / "out")
    totals = [line for line in said if " → " in line]
    assert totals == said[: len(totals)]  # totals first, and they are the same
    assert all(a == b.split(" (")[0] for a, b in (t.split(": ")[1].split(" → ") for t in totals))
    files = said[len(totals) : -1]
    assert {line.split(":")[1].strip()[:12] for line in files} == {"another file"}
    assert said[-1] == "files that differ: report.html, tables.xlsx, tables/problems.csv"
