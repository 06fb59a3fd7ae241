"""Every public function says, in numpydoc's sections, what it takes, gives and raises, with an example."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import geosettle as gs

SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)


def public_functions() -> dict[str, Callable[..., Any]]:
    """Return the functions named in the `__all__` of a package, each once."""
    packages = [
        module.name
        for module in pkgutil.walk_packages(gs.__path__, "geosettle.")
        if module.ispkg and not any(part.startswith("_") for part in module.name.split("."))
    ]
    found: dict[Any, str] = {}
    for package in ("geosettle", *packages):
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            function = inspect.unwrap(getattr(module, name))
            if inspect.isfunction(function) and function.__module__.startswith("geosettle"):
                found.setdefault(function, f"{package}.{name}")
    return {name: function for function, name in found.items()}


def sections(doc: str) -> dict[str, str]:
    """Return the sections of a docstring, the summary under an empty name."""
    parts = SECTION.split(doc)
    return dict(zip(["", *parts[1::2]], parts[::2], strict=True))


def names_of(section: str) -> set[str]:
    """Return the names at the left edge of a section, several of them separated by commas."""
    lines = [line.split(" : ")[0] for line in section.split("\n") if re.match(r"[*\w]", line)]
    return {name.strip().lstrip("*") for line in lines for name in line.split(",")} - {""}


def raised_by(function: Callable[..., Any]) -> set[str]:
    """Return the names of the errors that a function's own body raises and does not catch."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return {
        error.func.id
        for error in raised
        if isinstance(error, ast.Call) and isinstance(error.func, ast.Name)
    }


def faults(function: Callable[..., Any]) -> list[str]:
    """Say what the docstring of a public function lacks."""
    found, signature = sections(inspect.getdoc(function) or ""), inspect.signature(function)
    summary = found[""].split("\n")[0]
    result = [] if summary.endswith(".") and len(summary) <= 100 else ["no summary of one line"]
    told = names_of(found.get("Parameters", ""))
    result += [f"parameter {name} is not described" for name in {*signature.parameters} - told]
    result += [f"there is no parameter {name}" for name in told - {*signature.parameters}]
    gives = signature.return_annotation not in {None, "None"}
    if gives and not {"Returns", "Yields"} & set(found):
        result.append("no section Returns")
    raises = names_of(found.get("Raises", ""))
    result += [f"it raises {name}" for name in raised_by(function) - raises]
    if ">>> " not in found.get("Examples", ""):
        result.append("no example")
    return sorted(result)


@pytest.mark.parametrize("name", public_functions())
def test_a_public_function_is_documented(name: str) -> None:
    assert faults(public_functions()[name]) == []


def test_what_is_missing_is_found() -> None:
    def poor(a: int, *more: int) -> int:
        """Add numbers

        Parameters
        ----------
        a, c
            Numbers.
        """
        if more:
            raise ValueError(a)
        return a

    assert faults(poor) == [
        "it raises ValueError",
        "no example",
        "no section Returns",
        "no summary of one line",
        "parameter more is not described",
        "there is no parameter c",
    ]
