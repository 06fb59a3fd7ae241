"""What each layer of a study must hold. A new layer is one table of `layers.toml`."""

# ruff: noqa: RUF002  (look-alike characters are what is handled here)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from geosettle.data_files import read_data

Geometry = Literal["point", "polygon", "line", "none", "raster"]
Kind = Literal["text", "number", "integer", "year", "list"]


@dataclass(frozen=True)
class Column:
    """One column of a layer: its kind, unit, range and the other names users give it."""

    name: str
    kind: Kind = "text"
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    aliases: tuple[str, ...] = ()
    meaning: str = ""
    default: str = ""
    """What an empty cell of a text column means; "": it is missing."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer: which geometries it takes, which column identifies a row, which columns it has."""

    name: str
    geometries: tuple[Geometry, ...]
    key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    meaning: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    """Column of this layer to the layer whose key it must match."""
    private: bool = False
    """Rows are answers of households: they are put together while analysing, never kept, and no
    cell is ever quoted.
    """
    also: tuple[str, ...] = ()
    """Columns of other systems, such as tags of OpenStreetMap, used where a file has them."""
    by_year: bool = False
    """A raster of which a study may have several, one per year."""


STUDY: Final = "study"
"""Value of `scope` of what a study is about."""
_FILE: Final = read_data("layers.toml")


def _columns(table: Mapping[str, Any]) -> tuple[Column, ...]:
    """Columns of the file: what is written about each, or the shared one that it names."""
    shared = _FILE["shared"]
    return tuple(
        Column(name, **{k: _fixed(v) for k, v in (shared[c] if isinstance(c, str) else c).items()})
        for name, c in table.items()
    )


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _layer(name: str, about: Mapping[str, Any]) -> LayerSpec:
    columns = _columns(about.get("columns", {}))
    rest = {key: _fixed(value) for key, value in about.items() if key != "columns"}
    return LayerSpec(name, columns=columns, **rest)


LON, LAT, WKT, POSITION = _columns(_FILE["coordinates"])
COMPANIONS: Final = _columns(_FILE["companions"])
"""Columns that change what the coordinates of a row mean: used, or the row is refused."""
LAYERS: Final[Mapping[str, LayerSpec]] = {
    name: _layer(name, about) for name, about in _FILE["layers"].items()
}

_PUNCTUATION: Final = re.compile(r"[\W_]+")
_SIMPLER: Final = str.maketrans(
    "編號碼稱經緯東戶數遷點縣區類種級別積標來資據處員長幾離門牌總項時間農業縱橫單設華過還進遠這個們書",
    "编号码称经纬东户数迁点县区类种级别积标来资据处员长几离门牌总项时间农业纵横单设华过还进远这个们书",
)
"""Traditional Chinese characters of headers to simplified ones."""


def plain_name(name: str) -> str:
    r"""Column name without case, spaces, full-width forms, invisible characters and punctuation.

    Examples
    --------
    >>> plain_name("\ufeff Site　ID "), plain_name("ＬＯＮ")
    ('site_id', 'lon')
    """
    if name.isascii():
        if name.isalnum():
            return name.casefold()
        return _PUNCTUATION.sub("_", name.casefold()).strip("_")
    folded = unicodedata.normalize("NFKC", name).translate(_SIMPLER)
    folded = "".join(c for c in folded if unicodedata.category(c) != "Cf").casefold()
    return _PUNCTUATION.sub("_", folded).strip("_")
