"""Places without a position, given that of the place of the same name in a gazetteer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.io.unit_places import finest_units
from geosettle.io.validation import Checked, set_aside
from geosettle.layers import LAYERS, plain_name
from geosettle.names import Aliases, Names
from geosettle.problems import problem

_SHARED: Final = 0.5
"""Share of the texts of a column that must be in the gazetteer's, for it to name a parent."""


@dataclass(frozen=True)
class Named:
    """What the name of a row means in a gazetteer.

    Attributes
    ----------
    row
        Position of the row in its frame.
    text
        The name.
    places
        Identifiers of the places that bear it, under the parent that the row declares.
    """

    row: int
    text: str
    places: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether exactly one place is meant."""
        return len(self.places) == 1


def place_by_name(
    checked: Checked, places: gpd.GeoDataFrame, units: gpd.GeoDataFrame | None, aliases: Aliases
) -> Checked:
    """Give rows without a position that of the one place of their name.

    A name that several places bear needs a parent: a column that both tables have (a district), or
    the declared unit, in which the place must be. It is never guessed.
    """
    frame = checked.frame
    if not isinstance(frame, gpd.GeoDataFrame) or not len(frame) or not len(places):
        return checked
    stated = names_of(frame, places, units, aliases)
    geometry = frame["geometry"].to_numpy().copy()
    radius = pd.to_numeric(frame["uncertainty_km"], errors="coerce").to_numpy(float).copy()
    theirs = pd.to_numeric(
        places.get("uncertainty_km", pd.Series(np.nan, index=places.index)), errors="coerce"
    )
    rows = [one for one in stated if one.certain]
    for one in rows:
        geometry[one.row] = places.geometry.loc[one.places[0]]
        if np.isnan(radius[one.row]):
            radius[one.row] = theirs.loc[one.places[0]]
    placed = frame.assign(
        uncertainty_km=radius, geometry=gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs)
    )
    numbers = {int(checked.numbers[one.row]) for one in rows}
    kept = tuple(
        p for p in checked.problems if not (p.code == "position_unknown" and p.row in numbers)
    )
    found = [
        problem(
            "name_repeated", f"{len(one.places)} places are called {one.text!r}; none is taken.",
            row=int(checked.numbers[one.row]), column="name", value=one.text,
        )
        for one in stated if len(one.places) > 1
    ]  # fmt: skip
    if rows:
        text = f"{len(rows)} row(s) have no position and were given that of the place they name."
        found.append(problem("placed_by_name", text, value=str(len(rows))))
    return set_aside(replace(checked, frame=placed, problems=kept), found)


def names_of(
    frame: gpd.GeoDataFrame, places: gpd.GeoDataFrame, units: Any, aliases: Aliases
) -> list[Named]:
    """Read the names of rows without a position in a gazetteer."""
    located = places[~shapely.is_missing(places.geometry.to_numpy())]
    book = Names.of_units(located, aliases)
    parents = _parents(frame, located)
    unit = pd.Series("", index=frame.index, dtype=object)
    shapes: dict[str, Any] = {}
    if units is not None and len(units):
        unit = finest_units(frame, units, aliases)
        shapes = dict(zip(units.index.astype(str), units.geometry.to_numpy(), strict=True))
    out = []
    for row in np.flatnonzero(shapely.is_missing(frame.geometry.to_numpy())):
        text = frame["name"].iloc[row]
        if pd.isna(text) or not str(text).strip():
            continue
        codes = book.match(str(text))[0]
        codes = tuple(c for c in codes if _under(frame, int(row), located, c, parents))
        if shape := shapes.get(unit.iloc[row]):
            codes = tuple(c for c in codes if shapely.intersects(shape, located.geometry.loc[c]))
        out.append(Named(int(row), str(text), codes))
    return out


def _parents(frame: pd.DataFrame, places: pd.DataFrame) -> list[str]:
    """Columns of both tables that say in what a place is."""
    own = {c.name for role in ("sites", "origins", "places") for c in LAYERS[role].columns}
    out = []
    for column in frame.columns:
        if column in own or column == "geometry" or column not in places:
            continue
        theirs = {plain_name(str(v)) for v in places[column].dropna()}
        texts = {plain_name(str(v)) for v in frame[column].dropna()}
        if texts and len(texts & theirs) >= _SHARED * len(texts):
            out.append(str(column))
    return out


def _under(
    frame: pd.DataFrame, row: int, places: pd.DataFrame, code: str, parents: Sequence[str]
) -> bool:
    """Whether a place is in everything that a row says it is in."""
    for column in parents:
        own, theirs = frame[column].iloc[row], places[column].loc[code]
        if pd.notna(own) and pd.notna(theirs) and plain_name(str(own)) != plain_name(str(theirs)):
            return False
    return True
