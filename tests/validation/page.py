"""What a comparison and a simulation are, and the page made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LEVEL: Final = 0.9
_SURE: Final = 0.999
_EXACT: Final = 1e-12


@dataclass(frozen=True)
class Comparison:
    """Numbers of geosettle against those of another tool.

    `difference` is the largest one; `bound` is None where the two differ by definition and `note`
    explains it.
    """

    what: str
    n: int
    difference: float
    unit: str
    bound: float | None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.n > 0 and (self.bound is None or self.difference <= self.bound)

    def cells(self) -> tuple[str, ...]:
        bound = "by definition" if self.bound is None else f"{self.bound:.2g} {self.unit}"
        return self.what, f"{self.n:,}", _upward(self.difference, self.unit), bound, self.note


@dataclass(frozen=True)
class Coverage:
    """How many drawn true values intervals of 90 % held.

    `own` counts intervals that hold their own value, `widened` those that were widened for it, which
    can only raise the coverage. With
    `nominal` False the truth is drawn by another rule than that of the intervals: shown, not
    judged.
    """

    what: str
    n: int
    inside: int
    own: int
    widened: int
    note: str = ""
    nominal: bool = True

    @property
    def holds(self) -> bool:
        low, high = band(self.n, _SURE)
        return self.own == self.n > 0 and (
            not self.nominal or low <= self.inside <= high + self.widened
        )

    def cells(self) -> tuple[str, ...]:
        low, high = (100 * k / self.n for k in band(self.n))
        expected = f"{low:.1f}-{high:.1f}" if self.nominal else "-"
        shares = (f"{100 * k / self.n:.1f}" for k in (self.inside, self.own, self.widened))
        inside, own, widened = shares
        return self.what, f"{self.n:,}", inside, expected, own, widened, self.note


@dataclass(frozen=True)
class Subject:
    """A heading, the peer with its version and call, what is compared, and the rows."""

    title: str
    peer: str
    text: str
    rows: list[Comparison] | list[Coverage]


def band(n: int, share: float = 0.95) -> tuple[int, int]:
    """Counts of n between which a given share of all simulations falls at a coverage of 90 %."""
    from scipy.stats import binom

    rest = (1 - share) / 2
    return int(binom.ppf(rest, n, LEVEL)), int(binom.ppf(1 - rest, n, LEVEL))


def _upward(value: float, unit: str) -> str:
    """Round up to one figure, so that the last bits of another processor show nothing else."""
    if value <= _EXACT:
        return "0" if value == 0 else f"below {_EXACT:.0e}"
    digits = -math.floor(math.log10(value))
    up = math.ceil(round(value * 10.0**digits, 6)) / 10.0**digits
    return f"{up:.1g} {unit}"


HEADS: Final = {
    Comparison: ("compared", "n", "largest difference", "bound", "remark"),
    Coverage: (
        "true positions and values",
        "n",
        "inside, %",
        "95 % of such runs, %",
        "holds its own value, %",
        "widened for it, %",
        "remark",
    ),
}


def table(rows: list[Comparison] | list[Coverage]) -> list[str]:
    head = HEADS[type(rows[0])]
    lines = [head, tuple("---" for _ in head), *(row.cells() for row in rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def page(head: str, subjects: list[Subject]) -> str:
    """Markdown of all subjects."""
    parts = [head.strip(), ""]
    for subject in subjects:
        parts += [f"## {subject.title}", "", f"Against: {subject.peer}.", ""]
        parts += [subject.text, ""] if subject.text else []
        parts += [*table(subject.rows), ""]
    return "\n".join(parts)
