"""A run that is killed, starved or refused leaves the old result or none, and says why in one
line.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import pytest

import geosettle as gs
from geosettle import io, outputs
from geosettle.cli import main
from geosettle.errors import OutputError

HOME = str(Path(gs.__file__).parents[1])
ENV = {**os.environ, "PYTHONPATH": HOME, "PYTHONDONTWRITEBYTECODE": "1"}
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def put_old(target: Path) -> dict[str, bytes]:
    """A small earlier run."""
    with io.staged_folder(target) as stage:
        stage.write("map.html", b"old map")
        stage.write("tables/sites.csv", b"old table")
        named: dict[str, Any] = {
            "geosettle": "0",
            "lang": "en",
            "inputs": {},
            "parameters": {},
            "versions": {},
        }
        named |= {"study": {"name": "old", "source": ""}, "outputs": stage.digests}
        stage.write("manifest.json", json.dumps(named).encode())
    return held(target)


def held(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def hidden(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def whole(folder: Path) -> bool:
    """The files are those that the manifest lists, byte for byte."""
    files = held(folder)
    listed = json.loads(files.pop("manifest.json"))["outputs"]
    return listed == {name: sha256(data).hexdigest() for name, data in files.items()}


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1, said
    assert said[0].startswith("geosettle: ")
    return said[0]


@pytest.fixture(scope="module")
def result() -> gs.Result:
    return gs.analyse(gs.read_study(gs.template_path()))


# --- killed
# ---------------------------------------------------------------------------------------------------------

DRIVER = """
import json, os, random, signal, sys, time
from pathlib import Path
import geosettle as gs
from geosettle import outputs
from test_faults import whole

target = Path(sys.argv[1])
result = gs.analyse(gs.read_study(gs.template_path()))
outputs.figures = lambda *_, **__: {"od_map.png": bytes(100_000)}
made = outputs._Made(outputs.TABLES)
once = list(outputs._contents(result, "en", 1, print, made=made, failed=[]))
moment = random.Random(7)
verdicts = []
for kill in range(25):
    writer = os.fork()
    if writer == 0:
        n = 0
        while True:
            n += 1
            outputs._contents = lambda *_, **__: ((name, data + b"%d.%d" % (kill, n)) for name, data in once)
            outputs.write(result, target)
    while not target.exists():
        time.sleep(0.005)
    time.sleep(moment.uniform(0, 0.15))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    verdicts.append(whole(target))
outputs._contents = lambda *_, **__: iter(once)
outputs.write(result, target)
left = [p.name for p in target.parent.iterdir() if p.name.startswith(".")]
print(json.dumps({"verdicts": verdicts, "left": left, "last": whole(target)}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork to kill a writer with")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    env = {**ENV, "PYTHONPATH": os.pathsep.join([HOME, str(Path(__file__).parent)])}
    command = [sys.executable, "-W", "ignore", "-c", DRIVER, str(tmp_path / "out")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {"verdicts": [True] * 25, "left": [], "last": True}


@pytest.mark.parametrize("name", ["int", "term", "kill"])
def test_interrupted_terminated_killed(name: str, tmp_path: Path) -> None:
    """Ctrl-C and `kill` clean up behind them; after kill -9 the next run does."""
    sent = {"int": signal.SIGINT, "term": signal.SIGTERM, "kill": signal.SIGKILL}[name]
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        before = put_old(folder / "out")
        command = [
            sys.executable,
            "-m",
            "geosettle",
            "run",
            str(gs.template_path()),
            "-o",
            str(folder / "out"),
        ]
        # In a session of its own: a shell's background job would have Ctrl-C ignored.
        with subprocess.Popen(
            command,
            env=ENV,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as run:
            while not any("staging" in h for h in hidden(folder)) and run.poll() is None:
                time.sleep(0.005)
            run.send_signal(sent)
            out, err = run.communicate()
        if run.returncode != 0:
            break
        # The run was done before the signal reached it: then the new result is there, whole.
        assert whole(folder / "out")
    assert held(folder / "out") == before
    assert out == ""
    if name == "kill":
        assert run.returncode == -signal.SIGKILL
        assert hidden(folder)
        put_old(folder / "out")
    else:
        assert run.returncode == 130
        assert err.endswith("geosettle: interrupted\n")
        assert "Traceback" not in err
    assert hidden(folder) == []


# --- starved
# --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    if not ROOT or not shutil.which("mount"):
        pytest.skip("only root can mount a tiny disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    ).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk(
    small_disk: Path,
    result: gs.Result,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = put_old(small_disk / "out")
    monkeypatch.setattr(outputs, "figures", lambda *_, **__: {})
    monkeypatch.setattr(outputs, "analyse", lambda *_, **__: result)
    assert main(["run", str(gs.template_path()), "-o", str(small_disk / "out")]) == 2
    assert "the disk is full; nothing was changed. Free some space" in one_line(capsys)
    assert held(small_disk / "out") == before
    assert hidden(small_disk) == []
    assert main(["distances", *PAIR, "-o", str(small_disk / "d.csv")]) == 0
    old = (small_disk / "d.csv").read_bytes()
    with pytest.raises(OSError, match="No space"):
        (small_disk / "filler").write_bytes(bytes(300_000))
    capsys.readouterr()
    assert main(["distances", *PAIR, "-o", str(small_disk / "d.csv")]) == 2
    assert "the disk is full" in one_line(capsys)
    assert (small_disk / "d.csv").read_bytes() == old
    (small_disk / "filler").unlink()


PAIR = (
    "--origins",
    str(gs.template_path() / "origins.csv"),
    "--sites",
    str(gs.template_path() / "sites.csv"),
)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nothing can be written into, holding an earlier run."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    if not ROOT:
        put_old(folder / "out")
        for part in (folder / "out", folder):  # a run is also written inside its own folder
            part.chmod(0o555)
        yield folder
        for part in (folder, folder / "out"):
            part.chmod(0o755)
        return
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    ).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    put_old(folder / "out")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_read_only(
    read_only: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        outputs, "analyse", lambda *_, **__: pytest.fail("worked before it looked at the folder")
    )
    before = held(read_only / "out")
    for target in ("out", "new"):
        assert main(["run", str(gs.template_path()), "-o", str(read_only / target)]) == 2
        assert "nothing was changed" in one_line(capsys)
    assert main(["distances", *PAIR, "-o", str(read_only / "d.csv")]) == 2
    assert "nothing was changed" in one_line(capsys)
    assert main(["init", str(read_only / "study")]) == 2
    assert "cannot be written" in one_line(capsys)
    assert held(read_only / "out") == before


@pytest.mark.skipif(not ROOT, reason="only root can become a stranger; everybody else is one")
def test_stranger_without_permission(capsys: pytest.CaptureFixture[str]) -> None:
    """As the user nobody: a file that only its owner may read, a folder that only its owner may
    write.
    """
    folder = Path(tempfile.mkdtemp(prefix="geosettle-"))
    secret = Path(shutil.copy(gs.template_path() / "sites.csv", folder / "sites.csv"))
    calls = {
        ("check", str(secret), "--role", "sites"): "sites.csv",
        ("distances", *PAIR[:2], "--sites", str(secret)): "sites.csv",
        (
            "distances",
            *PAIR,
            "-o",
            str(folder / "d.csv"),
        ): "writing is not allowed here; nothing was changed",
        (
            "run",
            str(gs.template_path()),
            "-o",
            str(folder / "out"),
        ): "writing is not allowed here; nothing was changed",
    }
    try:
        for call in list(calls)[:2]:
            assert (
                main(call) == 0
            )  # once as root, so that nothing is imported as nobody, who may not read it
        folder.chmod(0o755)
        secret.chmod(0o600)
        capsys.readouterr()
        for call, words in calls.items():
            os.seteuid(65534)
            try:
                code = main(call)
            finally:
                os.seteuid(0)
            assert code == 2
            assert words in one_line(capsys)
        assert [p.name for p in folder.iterdir()] == ["sites.csv"]
    finally:
        shutil.rmtree(folder)


# --- writes that fail
# -----------------------------------------------------------------------------------------------

FILES = (("tables/a.csv", b"a" * 5000), ("study.gpkg", b"b" * 70_000), ("map.html", b"c" * 9000))


class Broken:
    """A file that takes nothing."""

    def __init__(self, code: int) -> None:
        self.code = code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def write(self, _: bytes) -> int:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_nth_file_fails(
    tmp_path: Path,
    result: gs.Result,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
) -> None:
    monkeypatch.setattr(outputs, "_contents", lambda *_, **__: iter(FILES))
    monkeypatch.setattr(outputs, "analyse", lambda *_, **__: result)
    before = put_old(tmp_path / "out")
    real = Path.open
    for nth in range(len(FILES) + 1):
        opened = iter(range(100))

        def failing(
            path: Path,
            mode: str = "r",
            *args: Any,
            opened: Any = opened,
            nth: int = nth,
            **kwargs: Any,
        ) -> Any:
            if ".staging-" in str(path) and "x" in mode and next(opened) == nth:
                return Broken(code)
            return real(path, mode, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", failing)
            assert main(["run", str(gs.template_path()), "-o", str(tmp_path / "out")]) == 2
        assert "nothing was changed" in one_line(capsys)
        assert held(tmp_path / "out") == before
        assert hidden(tmp_path) == []


FAULT_C = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int left = -1;
void fail_at(int n) { left = n; }
int spent(void) { return left < 0; }
static int ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, ".staging-") != NULL;
}
ssize_t write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t (*)(int, const void *, size_t)) dlsym(RTLD_NEXT, "write");
    static int cut = 0;
    if (left >= 0 && ours(fd)) {
        if (left > 0) { left--; return real(fd, data, size); }
        if (size > 4096 && !cut) { cut = 1; return real(fd, data, 4096); }   /* the disk fills up inside a file */
        cut = 0;
        left = -1;
        errno = ENOSPC;
        return -1;
    }
    return real(fd, data, size);
}
"""

FAULTY = """
import ctypes, json, sys
from pathlib import Path
import geosettle as gs
from geosettle import outputs
from geosettle.errors import OutputError
from test_faults import FILES, held, hidden, put_old, whole

fault = ctypes.CDLL(None)
result = gs.analyse(gs.read_study(gs.template_path()))
outputs._contents = lambda *_, **__: iter(FILES)
target, verdicts = Path(sys.argv[1]), []
for n in range(50):
    before = put_old(target)
    fault.fail_at(n)
    try:
        outputs.write(result, target)
        ok = whole(target)
        said = "written"
    except OutputError as error:
        ok = held(target) == before and "the disk is full; nothing was changed" in str(error)
        said = "refused"
    reached = bool(fault.spent())
    fault.fail_at(-1)
    verdicts.append([said, ok and hidden(target.parent) == []])
    if not reached:
        break
print(json.dumps(verdicts))
"""


@pytest.mark.skipif(
    not shutil.which("cc") or not sys.platform.startswith("linux"), reason="needs cc and Linux"
)
def test_nth_write_of_the_system_fails(tmp_path: Path) -> None:
    """A library between Python and the system lets the nth write to a staged file fail, or be cut
    short.
    """
    (tmp_path / "fault.c").write_text(FAULT_C)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", "fault.so", "fault.c", "-ldl"], cwd=tmp_path, check=True
    )
    (tmp_path / "room").mkdir()
    env = {
        **ENV,
        "PYTHONPATH": os.pathsep.join([HOME, str(Path(__file__).parent)]),
        "LD_PRELOAD": str(tmp_path / "fault.so"),
    }
    done = subprocess.run(
        [sys.executable, "-c", FAULTY, str(tmp_path / "room" / "out")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout.splitlines()[-1])
    assert all(ok for _, ok in verdicts), verdicts
    assert verdicts[-1][0] == "written"
    assert "refused" in [said for said, _ in verdicts]


# --- beside others
# --------------------------------------------------------------------------------------------------


def test_two_writers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        outputs, "analyse", lambda *_, **__: pytest.fail("worked before it looked at the folder")
    )
    with io.staged_folder(tmp_path / "out") as stage:
        assert main(["run", str(gs.template_path()), "-o", str(tmp_path / "out")]) == 2
        assert "another process is writing this folder. Wait until it is done." in one_line(capsys)
        stage.write("manifest.json", b'{"outputs": {}}')
    assert held(tmp_path / "out") == {"manifest.json": b'{"outputs": {}}'}


def test_foreign_folders_and_files(
    tmp_path: Path,
    result: gs.Result,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outputs, "_contents", lambda *_, **__: iter(FILES))
    monkeypatch.setattr(outputs, "analyse", lambda *_, **__: result)
    study = str(gs.template_path())
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("words")
    assert main(["run", study, "-o", str(tmp_path / "thesis")]) == 2
    assert "not empty" in one_line(capsys)
    assert main(["run", study, "-o", str(tmp_path / "thesis" / "chapter.txt")]) == 2
    assert "a file has this name" in one_line(capsys)
    web = tmp_path / "thesis" / "site"
    web.mkdir()
    (web / "manifest.json").write_text('{"name": "a web page", "outputs": {"index.html": ""}}')
    (web / "index.html").write_text("words")
    assert main(["run", study, "-o", str(web)]) == 2
    assert "holds no manifest.json of geosettle" in one_line(capsys)
    with pytest.raises(OutputError, match=r"no manifest\.json of geosettle"):
        gs.write(result, web)
    shutil.rmtree(web)
    put_old(tmp_path / "out")
    (tmp_path / "out" / "tables" / "notes.txt").write_text("mine")
    assert main(["run", study, "-o", str(tmp_path / "out")]) == 0
    assert set(held(tmp_path / "out")) == {
        "manifest.json",
        "tables/notes.txt",
        *(name for name, _ in FILES),
    }
    assert held(tmp_path / "thesis") == {"chapter.txt": b"words"}
