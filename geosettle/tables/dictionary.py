"""The data dictionary: what every column of every table means, and its unit.

A new column is one line of `dictionary.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from geosettle.data_files import read_data
from geosettle.distance import PAIR_COLUMNS as MEASURED
from geosettle.layers import LAYERS


class Entry(NamedTuple):
    """Meaning and unit of one column."""

    meaning: str
    unit: str = ""


PAIR_COLUMNS: Final = ("origin_id", "site_id", *MEASURED)
"""Columns of pairs.csv, in this order; what further metrics add stands behind them."""
GIVEN: Final = Entry("column of the input, as given", "as given")
"""A column of the user's own; numbers have a unit."""
UNDESCRIBED: Final = Entry("computed; the table does not describe it")
UNIT_NAME: Final = Entry("name of the administrative unit that the position falls in")
"""Column called like a level; its code is in the column that ends in `_code`."""

_FILE: Final = read_data("tables/dictionary.toml")


def _entries(columns: Mapping[str, str | list[str]]) -> dict[str, Entry]:
    """Columns of the file, each with its own entry or the shared one that it names."""
    shared = _FILE["shared"]
    return {c: Entry(*(shared[e] if isinstance(e, str) else e)) for c, e in columns.items()}


def _of_layer(name: str) -> dict[str, Entry]:
    return {column.name: Entry(column.meaning, column.unit) for column in LAYERS[name].columns}


_BY_UNIT: Final = _entries(_FILE["unit_columns"])
_ADMIN: Final = _entries(_FILE["admin_columns"])
_INDICATOR: Final = _entries(_FILE["indicator_columns"])
_TAKEN_OVER: Final[Mapping[str, Mapping[str, Entry]]] = {
    "units": _BY_UNIT,
    "moves": _BY_UNIT,
    "sites": _of_layer("sites") | _ADMIN,
    "claims": _of_layer("claims"),
    "remoteness": _INDICATOR,
    "remoteness_change": _INDICATOR,
}

DICTIONARY: Final[Mapping[str, Mapping[str, Entry]]] = {
    name: {**_TAKEN_OVER.get(name, {}), **_entries(columns)}
    for name, columns in _FILE["tables"].items()
}
"""The columns of the tables of TABLES; a further table brings its own."""
ABOUT_SOURCES: Final[Mapping[str, Entry]] = _entries(_FILE["about_sources"])
"""Columns of the workbook's sheet `sources`."""
ABOUT_DICTIONARY: Final[Mapping[str, Entry]] = _entries(_FILE["about_dictionary"])
"""Columns of the workbook's sheet `dictionary`."""


def entry(columns: Mapping[str, Entry], column: str) -> Entry | None:
    """Meaning of a column: by its exact name, else by the first pattern that fits.

    In a pattern, `*` matches any text.

    Examples
    --------
    >>> entry(DICTIONARY["sites"], "oasis_5km_ha").unit
    'ha'
    >>> entry(DICTIONARY["pairs"], "nonsense") is None
    True
    """
    if column in columns:
        return columns[column]
    for pattern, meaning in columns.items():
        if "*" in pattern and re.fullmatch(re.escape(pattern).replace(r"\*", ".+"), column):
            return meaning
    return None
