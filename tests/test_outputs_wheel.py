"""The wheel carries everything that `geosettle run` needs in an empty folder, and nothing of the
workshop.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORKSHOP = {"build.py", "derived.sha256", "requirements-build.in", "requirements-build.txt"}
"""What makes the layers of the embedded study, and is needed by no user."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="pip install hatchling to build the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_what_the_package_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    study = {
        f"geosettle/_data/southern_xinjiang/{p.name}"
        for p in (ROOT / "data" / "southern_xinjiang").iterdir()
        if p.is_file() and p.name not in WORKSHOP
    }
    kept = {".py", ".toml", ".js", ".css", ".json", ".csv", ".geojson", ".typed", ".qml", ".txt"}
    package = {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "geosettle").rglob("*") if p.suffix in kept
    }
    assert {
        "geosettle/defaults.toml",
        "geosettle/template/study.toml",
        "geosettle/py.typed",
    } <= package
    assert study | package <= names
    assert not [
        n
        for n in names
        if "cache" in n or n.endswith((".pyc", ".nbi", ".nbc", ".map")) or "/." in n
    ]
    assert {n.split("/")[0] for n in names if "dist-info" not in n} == {"geosettle"}
    assert not WORKSHOP & {n.rsplit("/", 1)[-1] for n in names}


def test_the_wheel_runs_the_embedded_study_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = "import sys, geosettle; from geosettle.cli import main; print(geosettle.__file__); sys.exit(main(['run', '-o', 'out']))"
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=work, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(site))
    manifest = json.loads((work / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["study"] == {"name": "southern_xinjiang", "source": "embedded"}
    assert {"map.html", "report.html", "study.gpkg", "tables.xlsx"} <= set(manifest["outputs"])
    assert [p.name for p in work.iterdir()] == ["out"]
