"""Tables of facts that the package brings as TOML or JSON files next to its modules."""

from __future__ import annotations

import json
import tomllib
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
