"""Columns of the user's own, by which the map colours the sites and which their cards show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from geosettle.analysis import Result
from geosettle.errors import UnknownNameError
from geosettle.maps import encoding
from geosettle.style import CATEGORIES
from geosettle.words import capital_all, untranslated


def own_columns(
    result: Result, names: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Pack columns of the sites file, as `indicator_columns.indicators` packs indicators.

    Returns
    -------
    columns
        Columns of the table of sites: `u0`, `u1` ...
    entries
        Per column what an indicator has; for texts `levels` too: those with a colour of their own,
        the most frequent ones first; further ones share one colour.

    Raises
    ------
    UnknownNameError
        The sites have no such column.
    """
    columns: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    for i, name in enumerate(names):
        if name not in result.sites or name == result.sites.geometry.name:
            raise UnknownNameError(
                "the sites have no such column",
                value=name,
                mend="Name one of the file's own columns in [map] columns.",
            )
        values = result.sites[name].reset_index(drop=True)
        number = pd.to_numeric(values, errors="coerce")
        entry: dict[str, Any] = {
            "key": f"own:{name}", "column": f"u{i}", "unit": "", "how": None, "main": True,
            "unless": None, "name": capital_all(untranslated(name.replace("_", " "))),
        }  # fmt: skip
        if number.notna().equals(values.notna()) and number.notna().any():
            columns[f"u{i}"] = encoding.column(number)
        else:
            texts = values.astype("string").str.strip().replace("", pd.NA)
            counts = texts.value_counts().reset_index()
            order = counts.sort_values(["count", name], ascending=[False, True])[name]
            entry["levels"] = order.head(len(CATEGORIES)).tolist()
            columns[f"u{i}"] = encoding.column(texts.astype(object))
        entries.append(entry)
    return columns, entries
