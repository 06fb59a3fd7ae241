"""The guide is true: its tables, commands and code run as a reader runs them, and its pages build."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from geosettle.cli import main, parser
from geosettle.io import write_template
from geosettle.settings import decode

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ["first-hour", "first-hour.zh", "jobs", "cookbook", "distances", "masking", "from-gis"]
FILES = re.compile(r"\*\*([^*\n]+\.csv)\*\*\n\n```text\n(.*?)```", re.DOTALL)
BLOCKS = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOSETTLE_MASK_KEY", "a secret of this test, long enough")
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for name, rows in FILES.findall(text):
        Path(name).write_text(rows, encoding="utf-8")
    text = FILES.sub("", text)
    if "init mine" not in text:
        write_template(Path("mine"))
    names: dict[str, object] = {}
    shown = ""
    for kind, block in BLOCKS.findall(text):
        if kind == "python":
            exec(compile(block, f"{page}.md", "exec"), names)
        elif kind == "toml":
            decode(tomllib.loads(block))
        elif kind == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["geosettle"]:
                    assert main(words[1:]) == 0, (line, capsys.readouterr().err)
        elif kind == "text":
            shown += capsys.readouterr().out
            assert block.strip() in shown


@pytest.mark.parametrize("page", sorted(p.stem for p in DOCS.glob("*.md")))
def test_commands_of_every_page_are_understood(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for kind, block in BLOCKS.findall(text):
        for line in block.replace("\\\n", " ").splitlines() if kind == "sh" else []:
            words = shlex.split(line, comments=True)
            if words[:1] == ["geosettle"]:
                assert parser().parse_args(words[1:]).command, line


def test_the_site_builds_without_a_warning(tmp_path):
    call = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", tmp_path / "trees"]
    done = subprocess.run(
        [*call, DOCS, tmp_path / "site"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "geodesic_distance" in (tmp_path / "site/reference/python.html").read_text("utf-8")
