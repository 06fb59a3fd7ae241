"""Compiled code on disk: kept, spoilt, impossible to keep; always the same result, and no word."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import geosettle

JOB = """
import numpy as np
from geosettle.distance import cost_distance
print(cost_distance(np.ones((4, 4)), [(0, 0)], neighbours=4).astype(int).tolist())
"""
EXPECTED = "[[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]]\n"


def run(folder: Path, **changes: str | None) -> subprocess.CompletedProcess:
    """Run the job in a folder, in an environment with changes."""
    env = {**os.environ, **changes}
    env = {k: v for k, v in env.items() if v is not None}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", JOB],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def files(folder: Path, end: str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob(f"*.{end}")}


@pytest.mark.parametrize("spoilt", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 100])
def test_a_spoilt_file_is_compiled_anew_and_kept_again(
    tmp_path: Path, spoilt: str, left: int
) -> None:
    cache, here = tmp_path / "cache", tmp_path / "here"
    here.mkdir()
    outcomes = [run(here, NUMBA_CACHE_DIR=str(cache))]
    whole = files(cache, spoilt)
    assert whole
    for path in cache.rglob(f"*.{spoilt}"):
        path.write_bytes(path.read_bytes()[:left])
    outcomes += [run(here, NUMBA_CACHE_DIR=str(cache)) for _ in range(2)]
    assert [(o.stdout, o.stderr) for o in outcomes] == [(EXPECTED, "")] * 3
    assert {n: len(b) > 100 for n, b in files(cache, spoilt).items()} == dict.fromkeys(whole, True)


@pytest.mark.parametrize("home", ["/proc/nothing", "missing"])
def test_without_a_place_to_keep_it_the_work_is_done_in_memory(tmp_path: Path, home: str) -> None:
    # A copy of the package in which nothing can be written, and a home that does not exist: what
    # cannot be written is a file in place of the folder, which holds for every user.
    package = tmp_path / "package"
    shutil.copytree(
        Path(geosettle.__file__).parent / "distance" / "_solver",
        package / "solver",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    here = tmp_path / "here"
    here.mkdir()
    if home == "missing":
        home = str(tmp_path / home)
    outcome = subprocess.run(
        [sys.executable, "-W", "error", "-c", _ALONE.format(package=package / "solver")],
        cwd=here,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))},
            "HOME": home,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (outcome.stdout, outcome.stderr) == ("6\n", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["here", "package"]
    assert not list(here.iterdir())


_ALONE = """
import importlib.util, pathlib
folder = pathlib.Path('{package}')
(folder / "__pycache__").write_text("no folder")
spec = importlib.util.spec_from_file_location("compiling", folder / "compiling.py")
compiling = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compiling)
(folder / "job.py").write_text("def add(a, b):\\n    return a + b\\n")
spec = importlib.util.spec_from_file_location("job", folder / "job.py")
job = importlib.util.module_from_spec(spec)
spec.loader.exec_module(job)
print(compiling.compiled()(job.add)(2, 4))
"""
