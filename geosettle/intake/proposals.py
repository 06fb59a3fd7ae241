"""What a dataset is taken for, and why: one proposal for each layer it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geosettle.intake.datasets import Dataset
from geosettle.levels import level_columns


@dataclass(frozen=True, eq=False)
class Proposal:
    """One layer that a dataset serves.

    Attributes
    ----------
    dataset, role
        What serves as which layer.
    why
        Reason, in words.
    score
        How sure it is: the highest of a role is taken.
    columns
        Column of the layer to header.
    made
        Column of the layer to the headers it is made of (`join`).
    where, constants
        Rows that belong to it; columns with one value.
    combine
        Whether rows with one key are one.
    place
        How rows without a position are placed: "unit" in their declared unit, "places" by their
        name.
    also
        Further settings of the layer, such as the year of a raster.
    """

    dataset: Dataset
    role: str
    why: str
    score: float
    columns: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, list[str]] = field(default_factory=dict)
    where: Mapping[str, list[str]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    combine: bool = False
    place: tuple[str, ...] = ()
    also: Mapping[str, Any] = field(default_factory=dict)

    @property
    def units(self) -> dict[str, str]:
        """Levels of declared units to their headers, by a word for a kind of unit."""
        source = self.dataset.source
        if source is None or self.role not in {"sites", "origins", "places"}:
            return {}
        taken = {*self.columns.values(), *self.where}
        return {k: v for k, v in level_columns(source.cells).items() if v not in taken}

    @property
    def used(self) -> set[str]:
        """Headers that the layer uses."""
        made = {header for headers in self.made.values() for header in headers}
        return {*self.columns.values(), *made, *self.where, *self.units.values()}
