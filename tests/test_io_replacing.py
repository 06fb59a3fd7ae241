"""A folder that must stay the folder it is gets its files inside; rights are those of what is replaced."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from test_io_staging import put, read

from geosettle.errors import OutputError
from geosettle.io import replacing
from geosettle.io.staging import check_writable, staged_folder, write_file


def rights(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is a mount point, and cannot be renamed."""
    monkeypatch.setattr(replacing, "_is_mounted", lambda _: True)


@pytest.mark.usefixtures("mounted")
def test_a_mount_point_stays_and_holds_only_the_new(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "lost+found").mkdir()
    before = out.stat().st_ino
    put(out, "old")
    (out / "notes.txt").write_text("mine")
    put(out, "new", files=2)
    found = read(out)
    assert found.pop("notes.txt") == "mine"
    assert set(found) == {"manifest.json", "tables/0.csv", "tables/1.csv"}
    assert found["tables/0.csv"] == "new"
    assert out.stat().st_ino == before
    assert sorted(p.name for p in out.iterdir()) == [
        "lost+found",
        "manifest.json",
        "notes.txt",
        "tables",
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize("nth", range(5))
def test_a_run_killed_while_its_files_move_in_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    put(out, "old", files=5)
    moved = iter(range(100))
    real = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if next(moved) == nth:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put(out, "new", files=4)
    monkeypatch.setattr(Path, "replace", real)
    monkeypatch.setattr(replacing, "put_in_place", lambda *_: None)
    put(out, "third")  # its own files come to nothing; what it does first is looked at
    found = read(out)
    assert found.pop("manifest.json")
    assert found == {f"tables/{n}.csv": "new" for n in range(4)}


@pytest.mark.usefixtures("mounted")
def test_a_mount_point_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(OutputError, match="not empty"):
        put(tmp_path, "new")
    assert read(tmp_path) == {"thesis.txt": "words"}


@pytest.mark.usefixtures("mounted")
def test_a_fault_while_files_move_in_does_not_claim_that_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="some files may be new"):
        put(tmp_path, "new")


def test_the_working_folder_stays_the_folder_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    for content in ("old", "new"):
        put(Path(), content)
        assert (Path.cwd() / "tables" / "0.csv").read_text() == content
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a name space of its own")
def test_a_real_mount_point(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "bound").mkdir()
    (tmp_path / "other").mkdir()
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from test_io_staging import put, read\n"
        "for place in sys.argv[2:]:\n"
        "    put(Path(place), 'old'); put(Path(place), 'new')\n"
        "    print(sorted(read(Path(place)).items())[1])"
    )
    script = 'mount -t tmpfs none disk && mount --bind other bound && exec "$@"'
    ran = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-c", code,
         str(Path(__file__).parent), "disk", "bound"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in ran.stderr or "mount" in ran.stderr:
        pytest.skip("the system allows no name space of its own")
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["('tables/0.csv', 'new')"] * 2


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_rights_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, "old")
    for path, mode in ((out, 0o700), (out / "tables", 0o750), (out / "tables" / "0.csv", 0o600)):
        path.chmod(mode)
    put(out, "new")
    assert read(out)["tables/0.csv"] == "new"
    assert [rights(p) for p in (out, out / "tables", out / "tables" / "0.csv")] == [
        "700",
        "750",
        "600",
    ]
    file = tmp_path / "a.csv"
    file.write_text("old")
    file.chmod(0o600)
    write_file(file, b"new")
    assert (file.read_bytes(), rights(file)) == (b"new", "600")


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_nobody_else_sees_what_is_in_the_making(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o700)
    with staged_folder(out) as stage:
        assert rights(stage.folder) == "700"
        stage.write("manifest.json", b'{"geosettle": "0", "outputs": {}}')


def test_the_group_is_kept_or_has_no_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, new = tmp_path / "before", tmp_path / "new"
    before.write_text("")
    new.write_text("")
    before.chmod(0o660)
    given: list[int] = []

    class Other:
        st_gid, st_mode = before.stat().st_gid + 1, before.stat().st_mode

    real = Path.stat
    monkeypatch.setattr(
        Path, "stat", lambda self, **k: Other if self == before else real(self, **k)
    )
    monkeypatch.setattr(os, "chown", lambda _, __, group: given.append(group))
    replacing.same_rights(new, before)
    assert given == [Other.st_gid]
    assert rights(new) == "660"

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refused)
    replacing.same_rights(new, before)
    assert rights(new) == "600"


def test_what_cannot_be_written_is_found_before(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "a.csv")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="a folder has this name"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        check_writable(tmp_path / "file" / "a.csv")
