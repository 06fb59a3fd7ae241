"""What claims are held against, and what a quantity computed from it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False)
class Evidence:
    """The frames that claims are compared with; each may be None.

    `sites` has the joined administrative columns.
    """

    sites: pd.DataFrame | None = None
    origins: pd.DataFrame | None = None
    flows: pd.DataFrame | None = None
    boundaries: Any = None
    development: Any = None
    indicators: pd.DataFrame | None = None
    oasis: pd.DataFrame | None = None
    remoteness: pd.DataFrame | None = None
    claims: pd.DataFrame | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)

    def name(self, text: str) -> str:
        """Give the name that the boundaries use, through the aliases."""
        known = {k.casefold(): v for k, v in self.aliases.items()}
        return known.get(text.strip().casefold(), text.strip()).casefold()


@dataclass(frozen=True)
class Computed:
    """What the layers give for a claim.

    Attributes
    ----------
    value
        A number, a text, or None where no layer gives it.
    unit, layer
        Unit of the value; layer or table it comes from.
    low, high
        Bounds of a number; None: the value itself. For a sum over rows that are not all there,
        `high` is infinite.
    why
        What the value rests on, or why there is none: reasons as `geosettle.reasons` gives them,
        or a text.
    circular
        Why the value is no independent evidence, in the same way; empty where it is.
    """

    value: float | str | None
    unit: str = ""
    layer: str = ""
    low: float | None = None
    high: float | None = None
    why: str = ""
    circular: str = ""


@dataclass(frozen=True)
class Quantity:
    """How one quantity is computed: ``function(evidence, claim) -> Computed``.

    `meaning` is for the documentation.

    `counted`: a number of things one can count, so that a printed 10 means 10 and not 5 to 15.
    """

    name: str
    meaning: str
    function: Callable[[Evidence, Mapping[str, Any]], Computed]
    counted: bool = False


def show(value: float) -> str:
    """Write a number for a sentence.

    Examples
    --------
    >>> show(430149.4), show(1133.9), show(40146.0), show(1.62925)
    ('430149', '1133.9', '40146', '1.629')
    """
    return (
        f"{value:.0f}"
        if abs(value) >= 1e5
        else f"{value:.5g}"
        if abs(value) >= 1000
        else f"{value:.4g}"
    )
