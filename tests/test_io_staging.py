"""Outputs are never half written: kill -9, full disk, read-back, rivals, foreign files."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from geosettle.errors import OutputError
from geosettle.io.staging import staged_folder, write_file


def put(target: Path, content: str, files: int = 3) -> None:
    with staged_folder(target) as stage:
        for n in range(files):
            stage.write(f"tables/{n}.csv", content.encode())
        stage.write(
            "manifest.json", json.dumps({"geosettle": "0", "outputs": stage.digests}).encode()
        )


def read(target: Path) -> dict[str, str]:
    return {
        p.relative_to(target).as_posix(): p.read_text()
        for p in sorted(target.rglob("*"))
        if p.is_file()
    }


def hidden(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def test_new_and_replaced(tmp_path: Path) -> None:
    put(tmp_path / "a" / "out", "old")
    assert read(tmp_path / "a" / "out")["tables/1.csv"] == "old"
    put(tmp_path / "a" / "out", "new", files=2)
    assert set(read(tmp_path / "a" / "out")) == {"manifest.json", "tables/0.csv", "tables/1.csv"}
    assert read(tmp_path / "a" / "out")["tables/1.csv"] == "new"
    assert hidden(tmp_path / "a") == []


def test_foreign_files_stay(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    put(tmp_path / "out", "new")
    assert read(tmp_path / "out")["notes.txt"] == "mine"
    assert read(tmp_path / "out")["tables/0.csv"] == "new"


def test_someone_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("words")
    with pytest.raises(OutputError, match="not empty"):
        put(tmp_path / "thesis", "new")
    assert read(tmp_path / "thesis") == {"chapter.txt": "words"}
    (tmp_path / "file").write_text("words")
    with pytest.raises(OutputError, match="a file has this name"):
        put(tmp_path / "file", "new")


def test_failure_inside_leaves_the_old(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    with pytest.raises(ZeroDivisionError), staged_folder(tmp_path / "out") as stage:  # noqa: PT012
        stage.write("tables/0.csv", b"new")
        raise ZeroDivisionError
    assert set(read(tmp_path / "out").values()) >= {"old"}
    assert hidden(tmp_path) == []


def test_manifest_must_come_last(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="last"), staged_folder(tmp_path / "out") as stage:  # noqa: PT012
        stage.write("manifest.json", b'{"geosettle": "0", "outputs": {}}')
        stage.write("a", b"")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../a", "/tmp/a", "a/../../b"])
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="leads out"), staged_folder(tmp_path / "out") as stage:
        stage.write(name, b"")


@pytest.mark.parametrize("nth", range(6))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_nth_sync_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int, code: int
) -> None:
    put(tmp_path / "out", "old")
    calls = iter(range(1000))
    real = os.fsync

    def failing(handle: int) -> None:
        # The folder syncs at the end may fail quietly: some file systems have none.
        if next(calls) == nth:
            raise OSError(code, os.strerror(code))
        real(handle)

    monkeypatch.setattr(os, "fsync", failing)
    if nth < 4:
        with pytest.raises(OutputError, match="nothing was changed"):
            put(tmp_path / "out", "new")
        assert read(tmp_path / "out")["tables/0.csv"] == "old"
    else:
        put(tmp_path / "out", "new")
        assert read(tmp_path / "out")["tables/0.csv"] == "new"
    assert hidden(tmp_path) == []


def test_reading_back_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "out", "old")
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"rotten")
    with pytest.raises(OutputError, match="reads back differently"):
        put(tmp_path / "out", "new")
    monkeypatch.undo()
    assert read(tmp_path / "out")["tables/0.csv"] == "old"


def test_two_writers(tmp_path: Path) -> None:
    with staged_folder(tmp_path / "out") as first:
        with pytest.raises(OutputError, match="another process"):
            put(tmp_path / "out", "rival")
        first.write("manifest.json", b'{"geosettle": "0", "outputs": {}}')
    put(tmp_path / "out", "after")
    assert read(tmp_path / "out")["tables/0.csv"] == "after"


def test_without_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosettle.io.replacing._exchange", lambda *_: False)
    test_foreign_files_stay(tmp_path)
    assert hidden(tmp_path) == []


def test_run_killed_between_the_names_is_taken_back(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    (tmp_path / "out").rename(tmp_path / ".out.old-0123")
    (tmp_path / ".out.staging-0123").mkdir()
    with pytest.raises(ZeroDivisionError), staged_folder(tmp_path / "out"):
        raise ZeroDivisionError
    assert read(tmp_path / "out")["tables/0.csv"] == "old"
    assert hidden(tmp_path) == []


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_io_staging import put
for n in range(10_000):
    put(Path({target!r}), str(n) * 20_000, files=5)
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    target = tmp_path / "out"
    code = WRITER.format(tests=str(Path(__file__).parent), target=str(target))
    for wait in (0.02, 0.05, 0.003, 0.011):
        writer: Any = subprocess.Popen([sys.executable, "-c", code])
        seen = time.monotonic()
        while not target.exists() and time.monotonic() - seen < 30:
            time.sleep(0.01)
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        found = read(target)
        assert len(found) == 6
        listed = json.loads(found.pop("manifest.json"))["outputs"]
        assert set(listed) == set(found)
        assert len(set(found.values())) == 1
    put(target, "last")
    assert hidden(tmp_path) == []


def test_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "deep" / "a.csv", b"old")
    write_file(tmp_path / "deep" / "a.csv", b"new")
    assert (tmp_path / "deep" / "a.csv").read_bytes() == b"new"

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_file(tmp_path / "deep" / "a.csv", b"newer")
    assert read(tmp_path / "deep") == {"a.csv": "new"}
    with pytest.raises(OutputError, match="a folder has this name"):
        write_file(tmp_path / "deep", b"")


def test_a_folder_with_the_manifest_of_another_program_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "manifest.json").write_text('{"name": "a web page", "outputs": []}', encoding="utf-8")
    (target / "mine.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(OutputError, match=r"no manifest\.json of geosettle"), staged_folder(target):
        pass
    assert sorted(p.name for p in target.iterdir()) == ["manifest.json", "mine.txt"]


def test_a_kill_right_after_the_exchange_loses_no_foreign_file(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with staged_folder(target) as stage:
        stage.write("a.csv", b"old")
        stage.write("manifest.json", b'{"geosettle": "0", "outputs": {"a.csv": ""}}')
    (target / "notes.txt").write_text("mine", encoding="utf-8")
    # As a kill between the exchange of names and the renaming leaves it: the new folder in place,
    # the old one beside it.
    old = tmp_path / ".out.staging-0123456789ab"
    target.rename(old)
    target.mkdir()
    (target / "a.csv").write_bytes(b"new")
    (target / "manifest.json").write_bytes(b'{"geosettle": "0", "outputs": {"a.csv": ""}}')
    with staged_folder(target) as stage:
        stage.write("a.csv", b"newest")
        stage.write("manifest.json", b'{"geosettle": "0", "outputs": {"a.csv": ""}}')
    assert (target / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (target / "a.csv").read_bytes() == b"newest"
    assert not old.exists()
