"""Two runs give the same bytes, whatever the hash seed, locale, time zone, folder, threads or order
of the rows.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

import geosettle as gs
from geosettle.tables import tables


def digests(folder: Path) -> dict[str, str]:
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in paths}


def start(study: Path, out: Path, cwd: Path, **env: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "geosettle", "run", str(study), "-o", str(out)]
    return subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    study = shutil.copytree(gs.template_path(), tmp_path / "islands")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    home = str(Path(gs.__file__).parents[1])
    worlds = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Urumqi", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "COLUMNS": "40"},
        {"PYTHONHASHSEED": "77", "LC_ALL": "C.UTF-8", "TZ": "America/Lima", "OMP_NUM_THREADS": "2", "GDAL_NUM_THREADS": "2"},
    )  # fmt: skip
    runs = []
    for n, world in enumerate(worlds):
        cwd = (tmp_path, tmp_path / "deep" / "er")[n]
        runs.append(start(study, tmp_path / f"out{n}", cwd, PYTHONPATH=home, **world))
    for run in runs:
        _, said = run.communicate()
        assert run.returncode == 0, said
        assert said == b""  # in a pipe no progress is shown
    first, second = digests(tmp_path / "out0"), digests(tmp_path / "out1")
    assert len(first) > 20
    assert first == second


def shuffled(study: Path, folder: Path, seed: int) -> Path:
    """The same study with the rows of every table and the features of every layer in another
    order.
    """
    order = random.Random(seed)
    shutil.copytree(study, folder)
    for path in sorted(folder.glob("*.csv")):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        order.shuffle(rows)
        path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    for path in sorted(folder.glob("*.geojson")):
        layer = json.loads(path.read_text(encoding="utf-8"))
        order.shuffle(layer["features"])
        path.write_text(json.dumps(layer), encoding="utf-8")
    return folder


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_rows_does_not_matter(tmp_path: Path, seed: int) -> None:
    plain = tables(gs.analyse(gs.read_study(gs.template_path())))
    other = tables(
        gs.analyse(gs.read_study(shuffled(gs.template_path(), tmp_path / "shuffled", seed)))
    )
    assert list(plain) == list(other)
    for name, frame in plain.items():
        where = ["row"] if name == "problems" else []  # says where in the file it stood
        by = [c for c in frame.columns if c not in where] if where else []
        a, b = (
            t.drop(columns=where).sort_values(by, ignore_index=True) if by else t
            for t in (frame, other[name])
        )
        pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-12, obj=name)
