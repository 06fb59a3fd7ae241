"""What every section of the report shares.

Words, numbered tables and pictures, names in the place of identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.reasons import render
from geosettle.report.html_builder import Column, element, image, table
from geosettle.results import name_of
from geosettle.tables import TABLES, round_to, tables
from geosettle.tables.dictionary import entry
from geosettle.words import capital, has, heading_key, say

Part = ET.Element | None
DISC: Final = re.compile(r"(.+)_(\d+(?:\.\d+)?)km_ha")
"""Column of an area within a disc: cover and radius."""
_RANGE: Final = re.compile(r".+_range_(km|m|deg)")
_NO_UNIT: Final = frozenset(
    {
        "as unit",
        "as value",
        "as quantity",
        "count",
        "share, 0-1",
        "year",
        "households",
        "persons",
        "computed_unit",
    }
)
FEW_ROWS: Final = 20
"""Rows of the tables of a section that is shown unfolded."""
_MOST_ROWS: Final = 250
_NO_HEADS: Final[Mapping[str, str]] = MappingProxyType({})


class Writer:
    """The sections of one report; it only holds what they share."""

    def __init__(
        self,
        result: Result,
        figures: Mapping[str, bytes],
        lang: str,
        written: Mapping[str, pd.DataFrame] | None = None,
    ) -> None:
        self.result, self.figures, self.lang = result, figures, lang
        self.tables = tables(result) if written is None else written
        self.short = False
        """Whether tables are cut after a few rows."""
        self._pictures = self._tables = 0

    def say(self, key: str, **values: Any) -> str:  # noqa: D102
        return say(self.lang, key, **values)

    def p(self, key: str, **values: Any) -> ET.Element:  # noqa: D102
        return element("p", self.say(key, **values))

    def stated(self, sentences: Sequence[str]) -> list[Part]:
        """Sentences computed from the result, each its own line."""
        lines = [element("li", element("bdi", line)) for line in sentences]
        return [element("ul", lines, class_="sentences")] if lines else []

    def caveat(self, *keys: str, **values: Any) -> ET.Element:  # noqa: D102
        return element("div", [self.p(key, **values) for key in keys], class_="box")

    def muted(self, key: str, **values: Any) -> ET.Element:  # noqa: D102
        return element("p", self.say(key, **values), class_="muted")

    def word(self, kind: str, text: object) -> str:
        """Return a word of the software's own vocabulary in the language wanted.

        Where it has none: the meaning of a metric, else the text as it is.
        """
        key = f"{kind}_{str(text).replace(' ', '_')}"
        if has(key):
            return self.say(key)
        metric = self.result.metrics.get(str(text)) if kind == "metric" else None
        return (metric.meaning if metric else "") or str(text)

    def reasons(self, why: object) -> str:
        """Write the reasons of a `why` in the language wanted, without the columns concerned."""
        return render(self.codes(why), self.lang, columns=False)

    def codes(self, why: object) -> object:
        """Return the codes of a sentence of a `why`; one that the run did not make as it is."""
        return self.result.reasons.get(why, why) if isinstance(why, str) else why

    def picture(self, name: str, words: str) -> list[Part]:  # noqa: D102
        data = self.figures.get(f"{name}.png")
        if not data:
            return []
        self._pictures += 1
        label = self.say("figure_n", n=self._pictures)
        return [image(data, self.say(f"alt_{words}"), self.say(f"caption_{words}"), label=label)]

    def table(
        self,
        frame: pd.DataFrame,
        columns: Sequence[Column],
        caption: str,
        name: str = "",
        *,
        whole: bool = False,
    ) -> Part:
        """Print a frame, with a number before its caption; a frame without rows is no table.

        Rows with most households are first; `whole` keeps the order of the frame.
        """
        if frame.empty:
            return None
        self._tables += 1
        most = FEW_ROWS if self.short and name else _MOST_ROWS
        if "households" in frame and not whole:
            by = numbers(frame, "households").fillna(-1).to_numpy()
            frame = frame.iloc[np.argsort(-by, kind="stable")]
        yes_no = (self.say("yes"), self.say("no"))
        return table(
            frame,
            columns,
            caption,
            more=partial(self._more, name) if name else None,
            link=f"tables/{name}.csv",
            most=most,
            yes_no=yes_no,
            label=self.say("table_n", n=self._tables),
            key=f"table-{self._tables}",
        )

    def frame(
        self,
        name: str,
        frame: pd.DataFrame,
        columns: Sequence[str],
        caption: str,
        heads: Mapping[str, str] = _NO_HEADS,
        *,
        whole: bool = False,
    ) -> Part:
        """Print columns of a written table, with headings and units from the dictionary.

        Headings in `heads` replace those of the dictionary; reasons are in the language wanted.
        """
        declared = [column for column in columns if column in {"why", "note"} and column in frame]
        frame = frame.assign(**{column: frame[column].map(self.reasons) for column in declared})
        printed = [Column(c, heads.get(c) or self.heading(c), _unit(name, c)) for c in columns]
        return self.table(frame, printed, caption, name, whole=whole)

    def _more(self, name: str, rest: int) -> str:
        return self.say("more_rows", n=rest, table=name)

    def heading(self, column: str) -> str:  # noqa: D102
        key = heading_key(column)
        if key is not None:
            return capital(self.say(key))
        disc = DISC.fullmatch(column)
        if disc:
            return self.say("col_disc", cover=self.heading(disc[1]), km=disc[2])
        return column.replace("_", " ")

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put names in the place of identifiers of sites and origins."""
        made = frame.copy()
        for column, places in (("site_id", self.result.sites), ("origin_id", self.result.origins)):
            if column in made:
                made[column] = [
                    name_of(places, key) if key in places.index else key for key in made[column]
                ]
        return made


def ranged(frame: pd.DataFrame, stem: str, unit: str) -> pd.DataFrame:
    """Join the low and high column of a quantity into one text, "low ... high".

    Value and ends keep the digits known.

    The written tables keep one more digit, for those who compute with them.
    """
    made = frame.copy()
    low, high = (numbers(frame, f"{stem}_{end}_{unit}") for end in ("low", "high"))
    made[f"{stem}_range_{unit}"] = ranges(low, high)
    if f"{stem}_{unit}" in made:
        value = numbers(frame, f"{stem}_{unit}")
        made[f"{stem}_{unit}"] = round_to(value, ((high - low) / 2).fillna(0.0), 6)
    return made


def ranges(low: pd.Series, high: pd.Series) -> list[str]:
    """Write ranges with the digits that they carry themselves.

    Empty where an end is missing or both are one.

    Examples
    --------
    >>> low = pd.Series([-102.5, 8.3, 0.25, float("nan"), 5])
    >>> ranges(low, pd.Series([97.5, 24.3, 0.75, 1.0, 5]))
    ['-100 … 100', '8.3 … 24.3', '0.25 … 0.75', '', '']
    """
    half = (high - low) / 2
    ends = zip(round_to(low, half, 6), round_to(high, half, 6), strict=True)
    return [
        f"{a:,.6g} … {b:,.6g}" if np.isfinite(a) and np.isfinite(b) and a < b else ""
        for a, b in ends
    ]


def _unit(name: str, column: str) -> str:
    measured = _RANGE.fullmatch(column)
    if measured:
        return {"deg": "°"}.get(measured[1], measured[1])
    found = entry(TABLES[name].columns, column) if name in TABLES else None
    return "" if found is None or found.unit in _NO_UNIT else found.unit
