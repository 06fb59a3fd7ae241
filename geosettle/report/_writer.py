"""What every section of the report shares: words, numbered tables and pictures, names in the place of identifiers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.report._page import Column, element, image, table
from geosettle.report.dictionary import entry
from geosettle.report.tables import tables
from geosettle.report.values import name_of, numbers
from geosettle.report.words import has, say

__all__ = ["DISC", "Part", "Writer", "ranged", "split_reasons"]

Part = ET.Element | None
DISC: Final = re.compile(r"(.+)_(\d+(?:\.\d+)?)km_ha")
"""Column of an area within a disc: cover and radius."""
_NO_UNIT: Final = frozenset(
    {"as unit", "as value", "as quantity", "count", "share, 0-1", "year", "households", "persons", "computed_unit"}
)


class Writer:
    """The sections of one report; it only holds what they share."""

    def __init__(self, result: Result, figures: Mapping[str, bytes], lang: str) -> None:
        self.result, self.figures, self.lang = result, figures, lang
        self.tables = tables(result)
        self._pictures = self._tables = 0

    def say(self, key: str, **values: Any) -> str:
        return say(self.lang, key, **values)

    def p(self, key: str, **values: Any) -> ET.Element:
        return element("p", self.say(key, **values))

    def said(self, sentences: Sequence[str]) -> list[Part]:
        """Sentences computed from the result, each its own line."""
        lines = [element("li", element("bdi", line)) for line in sentences]
        return [element("ul", lines, class_="said")] if lines else []

    def caveat(self, *keys: str, **values: Any) -> ET.Element:
        return element("div", [self.p(key, **values) for key in keys], class_="box")

    def muted(self, key: str, **values: Any) -> ET.Element:
        return element("p", self.say(key, **values), class_="muted")

    def word(self, kind: str, text: object) -> str:
        """Return a word of the software's own vocabulary in the language wanted, as it stands where it has none."""
        key = f"{kind}_{str(text).replace(' ', '_')}"
        return self.say(key) if has(key) else str(text)

    def picture(self, name: str, words: str) -> list[Part]:
        data = self.figures.get(f"{name}.png")
        if not data:
            return []
        self._pictures += 1
        label = self.say("figure_n", n=self._pictures)
        return [image(data, self.say(f"alt_{words}"), self.say(f"caption_{words}"), label=label)]

    def table(self, frame: pd.DataFrame, columns: Sequence[Column], caption: str, more: str = "") -> ET.Element:
        """Print a frame, with a number before its caption."""
        self._tables += 1
        yes_no = (self.say("yes"), self.say("no"))
        return table(frame, columns, caption, more=more, yes_no=yes_no, label=self.say("table_n", n=self._tables))

    def frame(self, name: str, frame: pd.DataFrame, columns: Sequence[str], caption: str) -> ET.Element:
        """Print columns of a written table, with headings and units from the dictionary."""
        printed = [Column(c, self.heading(c), _unit(name, c)) for c in columns]
        return self.table(frame, printed, caption, self.say("more_rows", table=name))

    def heading(self, column: str) -> str:
        if has(f"col_{column}"):
            return self.say(f"col_{column}")
        disc = DISC.fullmatch(column)
        if disc:
            return self.say("col_disc", cover=self.heading(f"cover_{disc[1]}").removeprefix("cover "), km=disc[2])
        return column.replace("_", " ")

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put names in the place of identifiers of sites and origins."""
        made = frame.copy()
        for column, places in (("site_id", self.result.sites), ("origin_id", self.result.origins)):
            if column in made:
                made[column] = [name_of(places, key) if key in places.index else key for key in made[column]]
        return made


def ranged(frame: pd.DataFrame, stem: str, unit: str) -> pd.DataFrame:
    """Join the low and high column of a quantity into one text, "low ... high"."""
    made = frame.copy()
    low, high = (numbers(frame, f"{stem}_{end}_{unit}") for end in ("low", "high"))
    known = np.isfinite(low) & np.isfinite(high)
    texts = [f"{a:,.6g} … {b:,.6g}" for a, b in zip(low[known], high[known], strict=True)]
    made[f"{stem}_range_{unit}"] = ""
    made.loc[known, f"{stem}_range_{unit}"] = texts
    return made


def split_reasons(why: object) -> list[str]:
    """Return the reasons of a `why`, without the columns they concern; a semicolon in brackets separates nothing.

    A reason that only repeats another in fewer words is left out.

    Examples
    --------
    >>> split_reasons("a_km: no road within 25 km (next: Artux; 41 km); b_m: position of the origin unknown; "
    ...     "c_m: position unknown")
    ['no road within 25 km (next: Artux; 41 km)', 'position of the origin unknown']
    """
    if not isinstance(why, str):
        return []
    parts = re.split(r"; (?![^(]*\))", why)
    # `a_km, b_h: reason` names columns, and only a list of such names stands before a colon that counts.
    found = [re.sub(r"^[a-z0-9_*]+(?:, [a-z0-9_*]+)*: ", "", part).strip() for part in parts]
    made = list(dict.fromkeys(text for text in found if text))
    ends = [text for text in made if re.fullmatch(r"position of the (origin|site) unknown", text)]
    return [text for text in made if not (ends and text == "position unknown")]


def _unit(name: str, column: str) -> str:
    if column in {"geodesic_range_km", "oasis_edge_range_km"}:
        return "km"
    try:
        found = entry(name, column)
    except KeyError:
        return ""
    return "" if found is None or found.unit in _NO_UNIT else found.unit
