"""The same rows in another order give the same bytes of every output but the manifest, which hashes
the files themselves.
"""

from __future__ import annotations

import json
import random
import shutil
from hashlib import sha256
from pathlib import Path

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
    assert {name for name in found[0] if found[0][name] != found[1].get(name)} == {"manifest.json"}
    first, second = manifests
    assert first["input_hash"] == second["input_hash"]
    assert first["inputs"]["sites.csv"]["sha256"] != second["inputs"]["sites.csv"]["sha256"]
    # Where the rows stand is in the manifest, since it is of the files.
    rows = {(p["code"], p.get("id", "")): p["row"] for p in first["problems"]}
    lines = (tmp_path / "plain" / "study" / "sites.csv").read_text(encoding="utf-8").splitlines()
    assert rows["position_duplicate", "S8"] == len(lines) - 2
    said = outputs.diff(tmp_path / "plain" / "out", tmp_path / "shuffled" / "out")
    assert {line.split(":")[1].strip()[:12] for line in said} == {"another file"}
