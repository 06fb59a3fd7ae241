"""What tables and points are taken for: sites, origins, moves, places, lengths of roads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.intake.bare import lonlat_columns, name_column
from geosettle.intake.datasets import Dataset
from geosettle.intake.proposals import Proposal
from geosettle.intake.units import Level, UnitColumns, says_origin, unit_columns
from geosettle.io.column_names import find_columns
from geosettle.io.companions import position_column
from geosettle.io.numbers import MISSING, to_number, to_text
from geosettle.io.source import Source, only
from geosettle.layers import LAYERS, plain_name

_KINDS: Final = (
    (
        "sites",
        re.compile(r"camp|settlement|\bsite|resettle|relocation|\bidp|\brefugee|shelter|host"),
    ),
    (
        "origins",
        re.compile(r"conflict|origin|village|evacuat|departure|flood|hazard|affected|\bold\b|left"),
    ),
)
"""Words of a kind of place, to the layer it belongs to; every other kind is a place."""
_TYPE: Final = re.compile(
    r"(?:(?:location|place|site|point|feature|loc)_)?(?:type|kind|category|class)"
)
_STEMS: Final = (
    ("flows", re.compile(
        r"flow|move|arrival|od_|relocations|mouvement|flux|movimiento|fluxo|переезд|перемещен|"
        r"搬迁流|搬迁表|^搬迁$|流向|对应|تنقل|حركه|حركة"
    )),
    ("origins", re.compile(
        r"origin|origen|origem|village|aldea|aldeia|pueblo|departure|former|исход|деревн|село|кишлак|"
        r"迁出|原村|原籍|来源|村庄|قري|الأصل|اصل"
    )),
    (
        "places",
        re.compile(
            r"place|facilit|school|clinic|market|service|town|poi(?:nt)?s?_of|mosque|church|gazetteer|"
            r"tank|bins?(?:_|$)|borehole|water_?point|latrine|pump|assembly_?point|control_?point"
        ),
    ),
    ("sites", re.compile(
        r"site|sitio|camp|settle|baseline|assess|dtm|master|relocation|asentam|assentam|поселен|лагер|"
        r"安置|迁入|مخيم|موقع|مواقع"
    )),
)  # fmt: skip
_ENDS: Final = (
    ("a", "b"), ("from", "to"), ("name1", "name2"), ("place1", "place2"), ("place_a", "place_b"),
    ("start", "end"), ("node1", "node2"), ("town_a", "town_b"), ("origin", "destination"),
    ("from_name", "to_name"), ("location1", "location2"), ("from_place", "to_place"),
    ("source", "target"),
)  # fmt: skip
_PLACE: Final = re.compile(
    r"(?:^|_)(?:ward|village|settlement|site|camp|location|place|neighbou?rhood|locality|quartier|"
    r"barrio|aldea|community|town|subdistrict|payam|suco|desa|kelurahan|gram_panchayat)(?:_name)?$"
)
"""Headers of a place that is finer than the units of the boundaries."""
_ID: Final = re.compile(r"(?:^|_)(?:id|code|ssid|uid|uuid|ref)$|p_?coded?$")
_LENGTH: Final = re.compile(r"(?:road_)?(?:distance|length|dist|km)(?:_in)?(?:_km)?")


def of_table(  # noqa: PLR0911  (one way out for each kind of table)
    dataset: Dataset,
    levels: Sequence[Level],
    mapping: Mapping[str, str] | None = None,
    *,
    gazetteer: bool = False,
) -> list[Proposal]:
    """Layers that a table, or a layer of points, serves; none if it fits none.

    `mapping` is what the caller says of the columns of sites; `gazetteer` whether another table
    has places with positions, by which names can be placed.
    """
    source = dataset.source
    assert source is not None  # noqa: S101
    headers = [str(c) for c in source.cells.columns]
    if not len(source.cells):
        return []
    roads = _lengths(dataset, headers)
    if roads is not None:
        return [roads]
    bare = _named(headers, mapping or {})
    if dataset.header_row == 0 and not {"lon", "lat"} <= bare.keys():
        bounds = next((level.bounds for level in levels if level.bounds is not None), None)
        bare |= lonlat_columns(source.cells, source.decimal, bounds)
    placed = {"lon", "lat"} <= bare.keys() or _is_placed(source, headers)
    if placed and (kinds := _by_kind(dataset, source, headers)):
        return kinds
    there = [h for h in headers if not says_origin(h)]
    points = _points_of(source, headers, bare) if placed else None
    here_units = unit_columns(source, there, levels, points)
    from_units = unit_columns(source, [h for h in headers if says_origin(h)], levels)
    moves = _moves(dataset, headers)
    if is_of_households(dataset):
        return []
    stem = plain_name(PurePosixPath(dataset.layer or dataset.sheet or dataset.path.stem).stem)
    stated = next((role for role, words in _STEMS if words.search(stem)), "")
    if moves is not None and not placed:
        return [moves]
    if not placed and not here_units.finest and not (gazetteer and _has_names(headers)):
        return []
    if stated in {"origins", "places"} and not from_units.finest:
        return [_points(dataset, stated, headers, here_units, placed=placed, why="by its name")]
    site = _sites(dataset, there, here_units, placed=placed, bare=bare)
    if from_units.finest:
        return [site, *_from_units(dataset, site, from_units, headers)]
    return [site, moves] if moves is not None else [site]


_DWELLING: Final = re.compile(
    r"(?:^|_)(?:house|household|hh|hhld|dwelling|tent|caravan|shelter|family|menage|hogar|vivienda|"
    r"address)(?:_(?:id|no|nr|num|number|code|key|uuid|ref))(?:_|$)"
)
_DWELLINGS: Final = re.compile(r"household|house(?:s|_|$)|dwelling|tents?(?:_|$)|address|building")
"""Headers that number dwellings, and names of files whose rows are dwellings."""


def is_of_households(dataset: Dataset) -> bool:
    """Whether each row is a household or its dwelling: a site is a settlement, not a house."""
    source = dataset.source
    if source is None:
        return False
    headers = [str(c) for c in source.cells.columns]
    found = find_columns(headers, LAYERS["sites"])[0]
    if {"households", "persons"} & found.keys():
        return False
    numbered = [h for h in headers if _DWELLING.search(plain_name(h))]
    if any(_unique(source.cells, [h]) for h in numbered):
        return True
    stem = plain_name(PurePosixPath(dataset.layer or dataset.sheet or dataset.path.stem).stem)
    return _DWELLINGS.search(stem) is not None and (bool(numbered) or "name" not in found)


def _named(headers: list[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Columns of sites that the caller names, whichever way round, as far as the table has them."""
    if not mapping:
        return {}
    found = find_columns(headers, LAYERS["sites"], mapping)[0]
    named = {plain_name(text) for pair in mapping.items() for text in pair}
    return {k: h for k, h in found.items() if plain_name(k) in named and plain_name(h) in named}


def _has_names(headers: list[str]) -> bool:
    """Whether a table names places and counts households or persons, or is a list by its name."""
    found = find_columns(headers, LAYERS["sites"])[0]
    return "name" in found and bool(found.keys() & {"site_id", "households", "persons"})


def _points_of(source: Source, headers: list[str], bare: Mapping[str, str]) -> NDArray[Any] | None:
    """Positions of rows in degrees, as far as they need no interpretation; None without any."""
    drawn = source.geometry
    if drawn is not None:
        degrees = source.crs is None or source.crs.is_geographic
        return only(drawn, shapely.get_type_id(drawn) == 0) if degrees else None
    found = find_columns(headers, LAYERS["sites"])[0] | dict(bare)
    if not {"lon", "lat"} <= found.keys():
        return None
    x, y = (
        np.array([_degrees(c, source.decimal) for c in source.cells[found[axis]]])
        for axis in ("lon", "lat")
    )
    known = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    out = np.full(len(x), None, dtype=object)
    out[known] = shapely.points(x[known], y[known])
    return out


def _degrees(cell: Any, decimal: str) -> float:
    """Return the number of a cell, NaN where there is none."""
    if cell is None or cell == "":
        return float("nan")
    value, code = to_number(cell, decimal)
    return float("nan") if code else value


def _is_placed(source: Source, headers: list[str]) -> bool:
    if source.geometry is not None and not shapely.is_missing(source.geometry).all():
        return True
    found = find_columns(headers, LAYERS["sites"])[0]
    if {"lon", "lat"} <= found.keys() or found.keys() & {"wkt", "position", "lon_degrees"}:
        return True
    return position_column(source, found) is not None


def _lengths(dataset: Dataset, headers: list[str]) -> Proposal | None:
    """Roads as a table of lengths between named places."""
    plain = {plain_name(h): h for h in headers}
    ends = next(((plain[a], plain[b]) for a, b in _ENDS if a in plain and b in plain), None)
    length = next((h for p, h in plain.items() if _LENGTH.fullmatch(p)), None)
    found = find_columns(headers, LAYERS["roads"])[0]
    length = found.get("length_km", length)
    if ends is None or length is None:
        return None
    if find_columns(headers, LAYERS["flows"])[0].keys() & {"households", "persons"}:
        return None  # moves with their distance
    columns = {**found, "a": ends[0], "b": ends[1], "length_km": length}
    return Proposal(dataset, "roads", "two places and a length in each row", 3, columns)


def _by_kind(dataset: Dataset, source: Source, headers: list[str]) -> list[Proposal]:
    """Layers of a table that holds several kinds of places, by a column that says which.

    Rows without a kind go where most of the others go: none is left out.
    """
    for header in headers:
        if not _TYPE.fullmatch(plain_name(header)):
            continue
        texts = [(to_text(c) or "").strip() for c in source.cells[header]]
        values = list(dict.fromkeys(texts))
        role = {v: _role_of_kind(v) for v in values if v.casefold() not in MISSING}
        if not 1 < len(role) <= 30:
            continue
        if not {"sites", "origins"} & set(role.values()) or len(set(role.values())) < 2:
            continue
        most = Counter(role[t] for t in texts if t in role).most_common(1)[0][0]
        role |= {v: most for v in values if v not in role}
        out = []
        for name in ("sites", "origins", "places"):
            wanted = [v for v in values if role[v] == name]
            if not wanted:
                continue
            rest = [h for h in headers if name != "sites" or not says_origin(h)]
            why = f"rows with {', '.join(v or 'nothing' for v in wanted)} in {header}"
            one = _points(
                dataset,
                name,
                rest,
                UnitColumns({}, {}),
                placed=True,
                rows=(header, wanted),
                why=why,
            )
            out.append(one)
        return out
    return []


def _role_of_kind(kind: str) -> str:
    text = plain_name(kind).replace("_", " ")
    return next((role for role, words in _KINDS if words.search(text)), "places")


def _points(
    dataset: Dataset,
    role: str,
    headers: list[str],
    units: UnitColumns,
    *,
    placed: bool,
    why: str,
    rows: tuple[str, list[str]] | None = None,
) -> Proposal:
    """Origins or places, or sites chosen by a column: with an identifier of their own."""
    source = dataset.source
    assert source is not None  # noqa: S101
    cells = source.cells
    if rows is not None:
        cells = cells[[(to_text(c) or "").strip() in rows[1] for c in cells[rows[0]]]]
    found = find_columns(headers, LAYERS[role])[0]
    if rows is not None and role == "places":
        found["kind"] = rows[0]
    made = _identifier(cells, LAYERS[role].key[0], found, units)
    _add_units(made, units)
    constants = {"kind": "place"} if role == "places" and "kind" not in found else {}
    where = {rows[0]: rows[1]} if rows is not None else {}
    return Proposal(
        dataset, role, why, 3 if rows else 2, found, made, where, constants,
        place=() if (placed and not units.finest) or role == "places" else ("unit",),
    )  # fmt: skip


def _sites(
    dataset: Dataset,
    headers: list[str],
    units: UnitColumns,
    *,
    placed: bool,
    bare: Mapping[str, str],
) -> Proposal:
    """Sites of a table: rows with a position or a name of their own, else one site per unit.

    `bare` are columns that are known otherwise than by their headers.
    """
    source = dataset.source
    assert source is not None  # noqa: S101
    found = find_columns(headers, LAYERS["sites"])[0] | dict(bare)
    if "position" in found and {"lon", "lat"} <= found.keys():
        found.setdefault("name", found.pop("position"))
        found.pop("position", None)
    unit_headers = {*units.names.values(), *units.codes.values()}
    for column in ("site_id", "name"):
        if found.get(column) in unit_headers:
            del found[column]
    if (
        dataset.header_row == 0
        and "name" not in found
        and (own := name_column(source.cells, unit_headers))
    ):
        found["name"] = own
    if "name" not in found and (finer := _finer(source, headers, {*unit_headers, *found.values()})):
        found["name"] = finer
    counted = found.keys() & {"households", "persons"}
    score = 1.0 + 2 * placed + len(counted) + ("name" in found) + min(1, len(source.cells) / 1000)
    if not placed and not {"site_id", "name"} & found.keys():
        made = {"site_id": _chain(units), "name": [_chain(units)[-1]]}
        _add_units(made, units)
        why = "one site for each unit: no row has a position or a name of its own"
        return Proposal(dataset, "sites", why, score, found, made, combine=True, place=("unit",))
    made = _identifier(source.cells, "site_id", found, units)
    _add_units(made, units)
    what = [w for w, has in (("positions", placed), *((c, True) for c in sorted(counted))) if has]
    why = f"rows with {', '.join(what)}" if what else "rows with a name and a unit"
    place = ("unit",) if units.finest else ()
    return Proposal(dataset, "sites", why, score, found, made, place=place)


def _finer(source: Source, headers: list[str], taken: set[str]) -> str:
    """Header that names a place finer than the units, "" if none does."""
    for header in headers:
        texts = [to_text(c) or "" for c in source.cells[header]]
        named = sum(not t.replace(".", "").isdecimal() for t in texts if t)
        if header not in taken and _PLACE.search(plain_name(header)) and named > 0.5 * len(texts):
            return header
    return ""


def _chain(units: UnitColumns) -> list[str]:
    """Headers that name a unit with its parents: names if there are any, else the finest code."""
    return list(units.names.values()) or [units.finest]


def _add_units(made: dict[str, list[str]], units: UnitColumns) -> None:
    """Add the columns of declared units, under the names of their levels."""
    made |= {f"declared_{column}": [header] for column, header in units.columns().items()}


def _identifier(
    cells: pd.DataFrame, key: str, found: dict[str, str], units: UnitColumns
) -> dict[str, list[str]]:
    """Headers that together make an identifier.

    {} where one column does, or the reader makes one.
    """
    if key in found:
        if _unique(cells, [found[key]]):
            return {}
        del found[key]
    for header in map(str, cells.columns):
        if _ID.search(plain_name(header)) and _unique(cells, [header]):
            found[key] = header
            return {}
    name = [found["name"]] if "name" in found else []
    if name and _unique(cells, name):
        return {key: name}
    chain = [*_chain(units), *name] if units.finest and name else []
    if chain and _unique(cells, chain):
        return {key: chain}
    return {key: [*name, "#"]}


def _unique(cells: pd.DataFrame, headers: list[str]) -> bool:
    texts = [
        tuple((to_text(c) or "").strip() for c in row) for row in cells[headers].to_numpy().tolist()
    ]
    return all(row[-1] for row in texts) and len(set(texts)) == len(texts)


def _moves(dataset: Dataset, headers: list[str]) -> Proposal | None:
    """Flows of a table that names the identifiers of origin and site."""
    found = find_columns(headers, LAYERS["flows"])[0]
    if not {"origin_id", "site_id"} <= found.keys() or found["origin_id"] == found["site_id"]:
        return None
    return Proposal(dataset, "flows", "origin and site in each row", 3, found)


def _from_units(
    dataset: Dataset, site: Proposal, units: UnitColumns, headers: list[str]
) -> list[Proposal]:
    """Origins and flows of a table whose rows name the unit that households left."""
    chain = _chain(units)
    own = {"origin_id": chain, "name": chain[-1:]}
    _add_units(own, units)
    stated = ", ".join(chain)
    origins = Proposal(
        dataset,
        "origins",
        f"units named in {stated}",
        site.score,
        {},
        own,
        combine=True,
        place=("unit",),
    )
    found = find_columns(headers, LAYERS["flows"])[0]
    columns = {k: h for k, h in found.items() if k in {"households", "persons", "year"}}
    to = site.made.get("site_id") or [site.columns["site_id"]]
    ends = {"origin_id": chain, "site_id": to}
    why = f"all households of a row come from the unit in {chain[-1]}"
    flows = Proposal(dataset, "flows", why, site.score, columns, ends, combine=site.combine)
    return [origins, flows]
