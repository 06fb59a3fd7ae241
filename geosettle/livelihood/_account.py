"""The long frame of every part of the livelihood account, and the verdict on a threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.cells import numbers
from geosettle.raster import Raster

COLUMNS: Final = (
    "section", "site_id", "item", "capital", "indicator", "model", "condition", "before", "after",
    "change", "low", "high", "unit", "n", "weighting", "test", "at_most", "at_least", "verdict",
    "evidence", "source", "note",
)  # fmt: skip
"""Columns of the account. `note` is for people: whatever is used again has a column of its own."""
NUMBERS: Final = ("before", "after", "change", "low", "high", "n", "at_most", "at_least")
TEXTS: Final = (
    "capital", "indicator", "model", "condition", "unit", "weighting", "test", "verdict",
    "evidence", "source", "note",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Layers:
    """What conditions are measured from; every frame but `sites` may be None.

    Attributes
    ----------
    sites
        By `site_id`, WGS84, with `households`, `persons`, `models` and declared columns where
        known.
    remoteness
        The long frame of `geosettle.remoteness.remoteness`.
    places, development, indicators, flows, origins, rivers, boundaries, dem
        As in the study.
    """

    sites: gpd.GeoDataFrame
    remoteness: pd.DataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    development: pd.DataFrame | None = None
    indicators: pd.DataFrame | None = None
    flows: pd.DataFrame | None = None
    origins: pd.DataFrame | None = None
    rivers: gpd.GeoDataFrame | None = None
    boundaries: gpd.GeoDataFrame | None = None
    dem: Raster | None = None

    @cached_property
    def site_indicators(self) -> dict[tuple[Any, ...], dict[Any, Any]]:
        """Rows of the remoteness table that have a value, by site, indicator and metric."""
        if self.remoteness is None or self.remoteness.empty:
            return {}
        rows = self.remoteness[
            (self.remoteness["role"] == "site") & self.remoteness["value"].notna()
        ]
        keys = ["id", "indicator", "metric"]
        first = rows.drop_duplicates(keys)
        return dict(
            zip(
                first[keys].itertuples(index=False, name=None),
                first.to_dict("records"),
                strict=True,
            )
        )

    @cached_property
    def moves(self) -> pd.DataFrame:
        """The flows with identifiers as text and `households` as numbers."""
        flows = (
            pd.DataFrame(columns=["origin_id", "site_id", "households"])
            if self.flows is None
            else self.flows
        )
        return flows.assign(
            origin_id=flows["origin_id"].astype(str),
            site_id=flows["site_id"].astype(str),
            households=numbers(flows, "households"),
        )


@dataclass(frozen=True)
class Measured:
    """What a measure gives for one subject.

    `evidence` is measured, declared or none; `why` says what is missing, or what the value rests on
    (`geosettle.reasons`, or a text); `weighting` of a mean is households or flows.
    """

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    unit: str = ""
    n: float = np.nan
    evidence: str = "none"
    why: str = ""
    before: float = np.nan
    weighting: str = ""


Condition = Mapping[str, Any]
"""One condition: `item`, `measure`, the options of the measure, `at_most` or `at_least`."""

Measure = Callable[[Layers, Condition], pd.DataFrame]
"""``f(layers, condition)``: a frame indexed by subject (site id or group surveyed).

Its columns are the fields of `Measured`; what all subjects share is computed once.
"""


def by_subject(found: Mapping[str, Measured]) -> pd.DataFrame:
    """Frame of what was measured, one row per subject."""
    names = list(Measured.__dataclass_fields__)
    rows = [asdict(one) for one in found.values()]
    return pd.DataFrame(rows, index=pd.Index(list(found), dtype=object), columns=names)


def row(section: str, site_id: str, item: str, **values: Any) -> dict[str, Any]:
    """One row; numbers that are not given are NaN, texts empty.

    `change` follows from before and after.

    Examples
    --------
    >>> row("capital", "S1", "land", before=1.0, after=1.5)["change"]
    0.5
    """
    out: dict[str, Any] = dict.fromkeys(NUMBERS, np.nan) | dict.fromkeys(TEXTS, "")
    out |= {"section": section, "site_id": site_id, "item": item} | values
    if "change" not in values:
        out["change"] = out["after"] - out["before"]
    return out


def account(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as the long frame, numbers as floats."""
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    frame[list(NUMBERS)] = frame[list(NUMBERS)].astype(float)
    return frame


def number(value: Any) -> float:
    """Read a number; NaN for what is missing or no number.

    Examples
    --------
    >>> number("12.5"), number(None), number("about 12")
    (12.5, nan, nan)
    """
    out = pd.to_numeric(value, errors="coerce") if isinstance(value, str) else value
    return float("nan") if out is None or pd.isna(out) else float(out)


def show(value: float) -> str:
    """Write a number for a sentence.

    Examples
    --------
    >>> show(12345.6), show(0.123456)
    ('12346', '0.1235')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def verdict(
    value: float, low: float, high: float, *, at_most: float = np.nan, at_least: float = np.nan
) -> str:
    """Whether a measured interval meets a threshold.

    The verdict is met, not met, undecidable (the threshold is inside the interval), or unknown.

    Parameters
    ----------
    value, low, high
        The measured value and its bounds; a missing bound counts as the value.
    at_most, at_least
        The threshold, one or both.

    Examples
    --------
    >>> (
    ...     verdict(8, 6, 12, at_most=10),
    ...     verdict(8, 6, 9, at_most=10),
    ...     verdict(float("nan"), 0, 1, at_most=10),
    ... )
    ('undecidable', 'met', 'unknown')
    """
    if np.isnan(value):
        return "unknown"
    low, high = (value if np.isnan(end) else end for end in (low, high))
    inside = (np.isnan(at_most) or high <= at_most) and (np.isnan(at_least) or low >= at_least)
    outside = (not np.isnan(at_most) and low > at_most) or (
        not np.isnan(at_least) and high < at_least
    )
    return "met" if inside else "not met" if outside else "undecidable"
