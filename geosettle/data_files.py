"""Tables of facts that the package brings as TOML or JSON files next to its modules."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any


def read_data(path: str) -> Any:
    """Return the content of a TOML or JSON file of the package.

    Parameters
    ----------
    path
        Path of the file inside `geosettle`, such as "problems.toml".

    Examples
    --------
    >>> read_data("problems.toml")["reading"]["file_missing"][0]
    'fatal'
    """
    text = resources.files("geosettle").joinpath(path).read_text(encoding="utf-8")
    return tomllib.loads(text) if path.endswith(".toml") else json.loads(text)


def toml_text(value: Any) -> str:
    """Return a value as TOML writes it; a table in one line.

    Parameters
    ----------
    value
        A text, number, truth value, list or table.

    Examples
    --------
    >>> print(toml_text({"path": "a.csv", "2 words": [1, True]}))
    { path = "a.csv", "2 words" = [1, true] }
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {toml_text(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    bare = text.isascii() and text.replace("_", "").replace("-", "").isalnum()
    return text if bare else json.dumps(text, ensure_ascii=False)
