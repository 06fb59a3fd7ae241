"""What can be fetched: one table of `sources.toml` a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from geosettle.data_files import read_data
from geosettle.errors import UnknownNameError


@dataclass(frozen=True)
class Source:
    """One source of open data: what it gives, where it is, and under which terms."""

    name: str
    title: str
    layer: str
    how: str
    address: str
    licence: str
    attribution: str
    confirmed: bool = False
    """Whether the layout of the address was seen in public documents."""
    kind: str = ""
    """What the values of a raster are, as in `geosettle.raster.KINDS`."""
    unit: str = ""
    year: int = 0
    date: str = ""
    step: int = 0
    """Degrees of a tile."""
    corner: str = "south"
    """Whether a tile is named by its south-west or its north-west corner."""
    nodata: float | None = None
    """Value of missing cells, where its files do not say it."""
    classes: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    """Servers that its addresses may lead to."""
    asked: bool = False
    """Whether it is fetched only when it is named."""
    about: str = ""
    not_comparable_with: Mapping[str, str] = field(default_factory=dict)

    def class_names(self) -> dict[int, str]:
        """Class value to name; ranges such as "2-18" written out."""
        return {n: name for span, name in self.classes.items() for n in _span(span)}


def _span(text: str) -> Iterator[int]:
    first, _, last = text.partition("-")
    yield from range(int(first), int(last or first) + 1)


def _read(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Source]:
    out = {}
    for name, table in tables.items():
        stated = {**tables.get(str(table.get("like")), {}), **table, "name": name}
        stated.pop("like", None)
        out[name] = Source(**{**stated, "hosts": tuple(stated.get("hosts", ()))})
    return out


SOURCES: Final[Mapping[str, Source]] = _read(read_data("fetch/sources.toml"))
"""Name to source; the first of a layer is its default."""


def chosen(named: str, sources: Mapping[str, Source] = SOURCES) -> Source:
    """Return the source of a name, or the default one of a layer.

    Raises
    ------
    UnknownNameError
        There is no such source, and no source gives such a layer.
    """
    if named in sources:
        return sources[named]
    for source in sources.values():
        if source.layer == named:
            return source
    known = [*dict.fromkeys(s.layer for s in sources.values()), *sources]
    near = get_close_matches(named, known, 1, 0.5)
    mend = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(known)}."
    raise UnknownNameError("no source gives this", value=named, mend=mend)
