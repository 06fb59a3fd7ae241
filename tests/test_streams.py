"""Standard streams: closed, ending early, and never steered by what files hold."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import geosettle
from geosettle.cli import main
from geosettle.cli.streams import send
from geosettle.terminal import plain

PACKAGE = Path(geosettle.__file__).parent
HOSTILE = "\x1b]0;owned\x07\x9b31mA\u202eB\u2066C\x08"
SITES = f'id,name,lon,lat,"{HOSTILE}"\nS1,"{HOSTILE}",20.5,10.5,x\nS1,"{HOSTILE}",20.6,10.7,y\n'


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = line.replace("geosettle", f"{sys.executable} -m geosettle")
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )  # fmt: skip


def test_everything_printed_passes_one_function() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "streams.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called != "print", path
            assert not called.startswith(("sys.stdout.w", "sys.stderr.w", "sys.stdout.buffer")), (
                path
            )


@pytest.mark.parametrize(
    "code", [*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066, 0x200F, 0x61C]
)
def test_no_control_is_left(code: int) -> None:
    assert plain(f"a{chr(code)}b") == f"a\\u{code:04x}b"


def test_ordinary_text_is_as_it_was() -> None:
    text = "莎车县 Шуле\t\u0642é\n"
    assert plain(text) == text


def test_names_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sites.csv"
    file.write_text(SITES, encoding="utf-8")
    for arguments in (["check", str(file), "--all"], ["check", str(file), "--json"],
                      ["check", HOSTILE], [HOSTILE], ["diff", HOSTILE, HOSTILE]):  # fmt: skip
        with pytest.raises(SystemExit) if arguments == [HOSTILE] else pytest.MonkeyPatch.context():
            main(arguments)
        out, err = capsys.readouterr()
        assert not [c for c in out + err if plain(c) != c], arguments
        if "--json" in arguments:
            found = json.loads(out)
            assert {"text_control", "text_bidi"} <= {p["code"] for p in found["problems"]}


def test_a_table_is_cleaned_only_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for shown in (True, False):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="utf-8", newline="")
        monkeypatch.setattr(stream, "isatty", lambda shown=shown: shown)
        monkeypatch.setattr(sys, "stdout", stream)
        send(f"a{HOSTILE}\r\n".encode())
        stream.flush()
        monkeypatch.undo()
        sent = raw.getvalue().decode()
        assert sent == (plain(f"a{HOSTILE}\n") if shown else f"a{HOSTILE}\r\n")


def test_closed_streams(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("id,name,lon,lat\nS1,a,20.51,10.52\n", encoding="utf-8")
    pairs = "geosettle distances --origins sites.csv --sites sites.csv -o out.csv"
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        assert shell(f"geosettle check sites.csv {closed}", tmp_path).returncode == 0, closed
        assert (
            shell(f"{pairs.replace('sites.csv', 'none.csv', 1)} {closed}", tmp_path).returncode == 2
        )


def test_a_pipe_that_ends_early(tmp_path: Path) -> None:
    rows = "".join(f"S{n},a,{20 + n / 700:.4f},10.52\n" for n in range(400))
    (tmp_path / "sites.csv").write_text("id,name,lon,lat\n" + rows, encoding="utf-8")
    ran = shell("geosettle distances --origins sites.csv --sites sites.csv | head -n 1", tmp_path)
    assert ran.stderr == ""
    assert ran.stdout.startswith("origin_id,site_id")


def test_a_deleted_working_folder(tmp_path: Path) -> None:
    ran = shell("mkdir gone; cd gone; rmdir ../gone; geosettle map x -o map.html", tmp_path)
    assert ran.returncode == 2
    assert ran.stderr == "geosettle: the working folder was deleted. Change to another one.\n"


def test_a_home_that_cannot_be_used(tmp_path: Path) -> None:
    home, left = tmp_path / "home", tmp_path / "temporary"
    home.write_text("no folder")
    left.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "MPL", "NUMBA_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "geosettle", "run", str(PACKAGE / "template"), "-o", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**kept, "HOME": str(home), "TMPDIR": str(left), "PYTHONPATH": str(PACKAGE.parent)},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert list(left.iterdir()) == []
