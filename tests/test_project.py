"""What surrounds the package agrees with it: extras, recipe, citation, workflows, templates."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import geosettle as gs

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TEMPLATE = Path(gs.template_path())
ENDS = [str(TEMPLATE / "origins.csv"), str(TEMPLATE / "sites.csv")]
CALLS = {
    "parquet": "geosettle.cli.main(['distances', '--origins', ends[0], '--sites', ends[1], '-o', 'd.parquet'])",
    "cluster": "geosettle.cli.main(['distances', '--origins', ends[0], '--sites', ends[1], '-o', 'd/', '--scheduler', 'tcp://127.0.0.1:1'])",
    "docx": "geosettle.cli.main(['run', 'asked', '-o', 'out'])",
    "xarray": "geosettle.Raster(numpy.ones((2, 2)), affine.Affine(0.1, 0, 76, 0, -0.1, 39), 'EPSG:4326').to_xarray()",
}
WITHOUT = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name.partition(".")[0] in {names} else found(name, *a)
sys.meta_path.insert(0, Blocked())
import affine, numpy, geosettle, geosettle.cli
ends = {ends}
try:
    sys.exit({call})
except geosettle.errors.InputError as error:
    sys.exit(str(error))
"""


def loaded(name: str) -> set[str]:
    """Top names of the modules that a requirement brings."""
    return {{"python-docx": "docx"}.get(name, name)}


def requirement(text: str) -> tuple[str, frozenset[str]]:
    name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", text).groups()
    return name.lower().replace("_", "-"), frozenset(bounds.replace(" ", "").split(","))


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_what_needs_an_extra_names_it(extra, tmp_path):
    names = set().union(*(loaded(requirement(text)[0]) for text in EXTRAS[extra]))
    study = tmp_path / "asked"
    subprocess.run(
        [sys.executable, "-m", "geosettle", "init", str(study)], check=True, capture_output=True
    )
    with (study / "study.toml").open("a", encoding="utf-8") as handle:
        handle.write('\n[report]\ndocuments = ["docx"]\n')
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(names=names, ends=ENDS, call=CALLS[extra])],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {1, 2}, done.stderr
    assert f'pip install "geosettle[{extra}]"' in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_recipe_needs_what_the_project_needs():
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == gs.__version__
    assert f">={recipe['context']['python_min']}" == PROJECT["requires-python"]
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {call}" for name, call in PROJECT["scripts"].items()
    ]
    there = {"matplotlib-base": "matplotlib"}  # what conda-forge calls otherwise
    for ours, theirs in (
        (PROJECT["dependencies"], recipe["requirements"]["run"]),
        ([d for of in EXTRAS.values() for d in of], recipe["requirements"]["run_constraints"]),
    ):
        needed = dict(requirement(text) for text in ours)
        listed = dict(requirement(text) for text in theirs if not text.startswith("python >="))
        assert {there.get(name, name): bounds for name, bounds in listed.items()} == needed


def test_the_citation_follows_its_format():
    """The keys that the Citation File Format 1.2.0 requires and allows."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    required = {"authors", "cff-version", "message", "title"}
    allowed = required | {
        *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
        *("license", "license-url", "preferred-citation", "references", "repository", "type"),
        *("repository-artifact", "repository-code", "url", "version"),
    }
    assert required <= set(cff) <= allowed
    assert (cff["cff-version"], cff["type"]) == ("1.2.0", "software")
    assert (cff["version"], cff["license"]) == (gs.__version__, PROJECT["license"])
    persons = {
        "family-names",
        "given-names",
        "name-particle",
        "name-suffix",
        "orcid",
        "affiliation",
    }
    for author in cff["authors"]:
        assert "name" in author or persons & set(author)  # an entity, or a person
    texts = [cff["title"], cff["message"], cff["abstract"], *cff["keywords"]]
    assert all(isinstance(text, str) and text.strip() for text in texts)
    assert len(set(cff["keywords"])) == len(cff["keywords"])


def test_workflows_call_the_scripts_of_make():
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))["jobs"]
    called = {}
    for name, job in jobs.items():
        lines = [step["run"] for step in job["steps"] if "run" in step]
        called[name] = [line for line in lines if "apt-get" not in line]
        assert all(re.fullmatch(r"make \S+.* PYTHON=python", line) for line in called[name]), name
    versions = {row["target"] for row in jobs["versions"]["strategy"]["matrix"]["include"]}
    assert versions == {"lowest", "prereleases"}
    assert versions | {"check", "test", "docs", "wheel"} <= targets
    assert {word.split()[1] for of in called.values() for word in of} <= targets | {"${{"}
    matrix = jobs["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert f">={matrix['python'][0]}" == PROJECT["requires-python"]


@pytest.mark.parametrize("name", ["fault.yml", "wish.yml"])
def test_templates_of_issues_can_be_filled_in(name):
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / name).read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
    assert len(set(ids)) == len(ids) > 2
    assert any(item.get("validations", {}).get("required") for item in form["body"])


def test_no_text_column_is_made_where_missing_becomes_a_word():
    """With pandas 2.2 `pd.array(..., dtype="str")` and `map(...).astype("str")` write "None"."""
    for path in (ROOT / "geosettle").rglob("*.py"):
        if path.name == "cells.py":
            continue
        text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
        assert not re.search(r"""pd\.array\([^"]*dtype=(str|"str")""", text), path
        assert not re.search(
            r"""\.map\([^=()]*(, na_action="ignore")?\)\.astype\((str|"str")\)""", text
        ), path
