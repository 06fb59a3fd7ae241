"""Work done beside gives what work done in turn gives, its errors included, and never outlives who
asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import geosettle as gs
from geosettle._fork import run_in_fork
from geosettle.errors import GeosettleError, InputError
from geosettle.outputs import run

COPIES = sys.platform.startswith("linux") and (os.cpu_count() or 1) > 1


def refuse() -> None:
    raise InputError("this cannot be used", file="a.csv", row=3, mend="Mend it.")


@pytest.mark.parametrize("workers", [1, 2])
def test_result_and_error_come_back(workers: int) -> None:
    assert run_in_fork(lambda: {"a": b"bytes"}, workers)() == {"a": b"bytes"}
    with pytest.raises(InputError, match=r"a\.csv, row 3: this cannot be used") as caught:
        run_in_fork(refuse, workers)()
    assert caught.value.mend == "Mend it."


@pytest.mark.skipif(not COPIES, reason="this system makes no copies of a process")
def test_it_is_another_process_and_its_death_is_said() -> None:
    assert run_in_fork(os.getpid, 2)() != os.getpid()
    with pytest.raises(GeosettleError, match="ended without a result"):
        run_in_fork(lambda: os._exit(1), 2)()


@pytest.mark.skipif(not COPIES, reason="this system makes no copies of a process")
def test_a_copy_whose_result_nobody_awaits_ends_in_silence() -> None:
    # More than a pipe holds: the copy stands in the middle of sending when its parent fails and
    # ends it.
    code = (
        "import signal, time\n"
        "from geosettle._fork import run_in_fork\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "run_in_fork(lambda: b'0' * 10_000_000, 2)\n"
        "time.sleep(0.5)\n"
        "raise SystemExit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")


def test_workers_change_nothing(tmp_path: Path) -> None:
    for workers in (1, 2):
        run(gs.template_path(), tmp_path / str(workers), workers=workers)
    one, two = (
        {
            p.relative_to(tmp_path / n): p.read_bytes()
            for p in (tmp_path / n).rglob("*")
            if p.is_file()
        }
        for n in ("1", "2")
    )
    assert len(one) > 20
    assert one == two
