"""What the README shows is true: its code runs, its commands exist, its files are there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from geosettle.cli import parser
from geosettle.io import write_template
from geosettle.livelihood import MEASURES
from geosettle.settings import DEFAULTS, decode

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
CODE = [text for language, text in BLOCKS if language == "python"]
SHELL = [
    line
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.strip()
]


def test_there_is_something_to_test() -> None:
    assert len(CODE) == 3
    assert len(SHELL) >= 10


@pytest.mark.parametrize("code", CODE)
def test_code_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_template(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("import")]
    assert len(lines) <= 5


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("geosettle ")])
def test_commands_are_understood(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    assert parser().parse_args(words).command


def test_make_knows_what_is_shown() -> None:
    targets = set(
        re.findall(
            r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    shown = {word for line in SHELL for word in re.findall(r"^make (\w+)", line)}
    assert shown == {"run", "test"}
    assert targets >= shown | {"check", "bench", "docs", "fuzz"}


def test_linked_files_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 6
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_layers_shown_are_the_layers_there_are() -> None:
    from geosettle.layers import LAYERS

    table = README.split("| layer | holds | needed columns |")[1].split("\n\n")[0]
    shown = set(
        re.findall(
            r"`(\w+)`",
            " ".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `")),
        )
    )
    assert shown <= set(LAYERS)
    for row in table.splitlines():
        cells = row.split("|")
        if row.startswith("| `") and len(names := re.findall(r"`(\w+)`", cells[1])) == 1:
            needed = {c.name for c in LAYERS[names[0]].columns if c.required}
            told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", cells[3]))))
            assert needed <= told or not told or "length_km" in told or "LAYERS" in told, names


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TOML = [
    (page.name, text)
    for page in PAGES
    for text in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
]


@pytest.mark.parametrize(("page", "text"), TOML)
def test_every_setting_that_is_shown_exists(page: str, text: str) -> None:
    assert decode(tomllib.loads(text), file=page) != DEFAULTS


def test_the_page_of_models_shows_each_kind_of_question() -> None:
    shown = "\n".join(text for page, text in TOML if page == "models.md")
    asked = decode(tomllib.loads(shown))
    assert asked.models
    assert asked.livelihood.constraints
    assert asked.livelihood.checks
    assert asked.remoteness.farming_radius_km
    assert asked.services.groups
    measures = (
        (ROOT / "docs" / "models.md").read_text(encoding="utf-8").split("The measures are")[1]
    )
    assert set(re.findall(r"`([a-z_]+)`", measures.split(".")[0])) == set(MEASURES)
