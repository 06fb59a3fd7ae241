"""What drawn layers and rasters are taken for: boundaries, land, lines, grids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.errors import GeosettleError
from geosettle.intake.datasets import Dataset
from geosettle.intake.proposals import Proposal
from geosettle.intake.units import Level
from geosettle.io.column_names import find_columns
from geosettle.io.numbers import to_text
from geosettle.io.rasters import plausible_kmh, read_raster
from geosettle.io.source import Source
from geosettle.io.study import plain_raster
from geosettle.layers import LAYERS, plain_name
from geosettle.levels import ladder
from geosettle.names import Names
from geosettle.raster import Raster

_AREAS: Final = (
    ("barriers", re.compile(r"barrier|fence|closure|no_?go|minefield")),
    ("sites", re.compile(r"site|camp(?!us)|settlement")),
    ("development", re.compile(r"develop|parcel|plot|farm|leas|greenhouse|industr|project")),
    ("oasis", re.compile(r"oasis|oases|irrigat")),
    ("rivers", re.compile(r"river|lake|water|stream|wadi")),
)
_LINES: Final = (
    ("barriers", re.compile(r"barrier|fence|cliff|closure|no_?go|minefield")),
    ("rivers", re.compile(r"river|stream|water|wadi|canal")),
    ("roads", re.compile(r"road|street|highway|route|track|rue|carretera|дорог")),
)
_RASTERS: Final = (
    ("landcover", re.compile(r"land_?cover|landuse|lulc|worldcover|esri_lc|class")),
    ("ndvi", re.compile(r"ndvi")),
    ("friction", re.compile(r"friction")),
    ("dem", re.compile(r"dem|elev|srtm|aster|copernicus|height|altitude|dtm|dsm|relief")),
)
_OTHER: Final = re.compile(r"ppp|pop|worldpop|ghs|slope|hillshade|night")
"""Rasters that no layer of a study takes."""


def of_drawn(dataset: Dataset) -> Proposal | str:
    """Return what a layer of lines or areas is taken for, or why it is not used."""
    source = dataset.source
    assert source is not None  # noqa: S101
    assert source.geometry is not None  # noqa: S101
    stem = plain_name(PurePosixPath(dataset.layer or dataset.path.name).stem)
    kinds = shapely.get_dimensions(source.geometry)
    headers = [str(c) for c in source.cells.columns]
    if (kinds == 2).any():
        return _areas(dataset, stem, headers)
    role = next((role for role, words in _LINES if words.search(stem)), "")
    found = find_columns(headers, LAYERS["roads"])[0]
    if not role and any(
        plain_name(h) in {"highway", "class", "surface", "road_type"} for h in headers
    ):
        role = "roads"
    if not role:
        return "lines, and neither name nor columns say that they are roads or rivers"
    return Proposal(dataset, role, "lines, by name", 3, found if role == "roads" else {})


def _areas(dataset: Dataset, stem: str, headers: list[str]) -> Proposal | str:
    source = dataset.source
    assert source is not None  # noqa: S101
    found = find_columns(headers, LAYERS["boundaries"])[0]
    _by_word(source, headers, found)
    number = _number(stem, found)
    role = next((role for role, words in _AREAS if words.search(stem)), "")
    if role == "sites":
        return Proposal(dataset, role, "areas, by name", 2, find_columns(headers, LAYERS[role])[0])
    if "name" in found and (number is not None or not role):
        why = "areas with name and code" if "code" in found else "areas with a name"
        if "parent_code" not in found:
            found |= _parent(headers, number)
        return Proposal(dataset, "boundaries", why, 3, found, also={"number": number})
    if not role:
        return "areas, and neither name nor columns say what they are"
    spec = LAYERS[role]
    own = find_columns(headers, spec)[0] if spec.columns else {}
    made = (
        {"development_id": ["#"]} if role == "development" and "development_id" not in own else {}
    )
    constants = {"kind": "unknown"} if role == "development" and "kind" not in own else {}
    return Proposal(dataset, role, "areas, by name", 2, own, made, constants=constants)


def _number(stem: str, found: dict[str, str]) -> int | None:
    """Return the number of the level: from the columns, else from the name of the file."""
    for text in (found.get("code", ""), found.get("name", ""), stem):
        match = re.search(
            r"(?:adm(?:in)?(?:bnda)?_?(?:adm)?|gid_|name_|^a)_?(\d)", plain_name(text)
        )
        if match:
            return int(match[1])
    return None


def _by_word(source: Source, headers: list[str], found: dict[str, str]) -> None:
    """Find name and code by a word of their headers, where each row has its own.

    Such headers are A2NameEn and A2Code.
    """
    for column, words in (("name", r"name(?:_?en)?"), ("code", r"p?code|pcod")):
        if column in found:
            continue
        fits = [h for h in headers if re.search(rf"{words}$", plain_name(h))]
        texts = {h: [to_text(c) for c in source.cells[h]] for h in fits}
        own = next((h for h, t in texts.items() if len({*t} - {None}) > 0.9 * len(t)), None)
        if own:
            found[column] = own


def _parent(headers: list[str], number: int | None) -> dict[str, str]:
    """Column with the code of the unit above, by the number of the level."""
    if not number:
        return {}
    wanted = re.compile(rf"(?:a(?:dm(?:in)?)?_?{number - 1}_?(?:p?code|id)|gid_{number - 1})")
    header = next((h for h in headers if wanted.fullmatch(plain_name(h))), None)
    return {"parent_code": header} if header else {}


def levels_of(boundaries: Sequence[Proposal]) -> list[Level]:
    """Levels of the boundaries, coarsest first, each with the names of its units."""
    return [level for one in _by_rank(boundaries) for level in _levels_of(one, boundaries)]


def _levels_of(one: Proposal, boundaries: Sequence[Proposal]) -> list[Level]:
    """Levels of one dataset: those that its rows name, else the one that it is."""
    source = one.dataset.source
    assert source is not None  # noqa: S101
    texts = {
        column: [to_text(c) for c in source.cells[header]]
        for column, header in one.columns.items()
        if column in {"code", "name", "parent_code", "level"}
    }
    codes = texts.get("code") or texts["name"]  # every proposal for boundaries has a name
    bounds = _extent(source)
    shapes = None if bounds is None else source.geometry
    units: pd.DataFrame = gpd.GeoDataFrame(texts, index=codes, geometry=shapes)
    units = units.loc[units.index.notna()].dropna(subset="name")
    rank, number = _by_rank(boundaries).index(one) + 1, one.also.get("number")
    first = rank if number is None else int(number)
    if "level" not in units or units["level"].isna().any():
        units["level"] = str(one.constants.get("level", f"level{first}"))
    known = units[~units.index.duplicated()]
    parts = [known[known["level"] == name] for name in _order(known)]
    out = []
    for n, part in enumerate(parts):
        names = Names.of_units(part.drop(columns="geometry"))
        found = dict(zip(part.index, part["geometry"], strict=True)) if bounds is not None else {}
        out.append(Level(str(part["level"].iloc[0]), first + n, names, bounds, found))
    return out


def _order(units: pd.DataFrame) -> list[str]:
    """Levels from the coarsest; by their number of units where the file contradicts itself."""
    try:
        return list(ladder(units))
    except GeosettleError:
        return units["level"].value_counts(ascending=True).index.tolist()


def _extent(source: Source) -> tuple[float, float, float, float] | None:
    """West, south, east, north of boundaries in degrees; None for those in metres."""
    if source.geometry is None or (source.crs is not None and not source.crs.is_geographic):
        return None
    west, south, east, north = shapely.total_bounds(source.geometry).tolist()
    return west, south, east, north


def _by_rank(boundaries: Sequence[Proposal]) -> list[Proposal]:
    def rank(one: Proposal) -> tuple[int, int]:
        source = one.dataset.source
        rows = 0 if source is None else len(source.cells)
        number = one.also.get("number")
        return (99 if number is None else int(number)), rows

    return sorted(boundaries, key=rank)


def of_raster(dataset: Dataset) -> Proposal | str:
    """Return what a raster is taken for, or why it is not used."""
    file = PurePosixPath(dataset.layer or dataset.path.name)
    stem = plain_name(file.stem)
    role = next((role for role, words in _RASTERS if words.search(stem)), "")
    if not role and _OTHER.search(stem):
        return "a raster that no layer of a study takes"
    why = "raster, by name"
    if not role or role == "friction":
        try:
            with plain_raster(dataset.path, role or "dem", dataset.layer or None) as inside:
                raster = read_raster(inside, dataset.path.name, role=role or "dem", thinned=True)[0]
        except GeosettleError as error:
            return str(error)
        if role:
            return _friction(dataset, raster)
        values = raster.values[np.isfinite(raster.values)]
        few = len(np.unique(values)) <= 40 and bool((values == np.round(values)).all())
        role, why = ("landcover", "raster of few classes") if few else ("dem", "raster of heights")
    year = re.search(r"(?<!\d)(19|20)\d{2}(?!\d)", file.stem)
    also = {"year": int(year[0])} if year and LAYERS[role].by_year else {}
    return Proposal(dataset, role, why, 3, also=also)


def _friction(dataset: Dataset, raster: Raster) -> Proposal:
    """Take a raster for a friction, with the unit in which half of its cells can be crossed so."""
    fits = [unit for unit in ("min/m", "s/m") if plausible_kmh(raster, unit)[1]]
    if raster.unit or len(fits) != 1:
        return Proposal(dataset, "friction", "raster, by name", 3)
    kmh = plausible_kmh(raster, fits[0])[0]
    why = f"raster, by name; unit by its values, half of the cells at {kmh:.2g} km/h or faster"
    return Proposal(dataset, "friction", why, 3, also={"unit": fits[0]})
