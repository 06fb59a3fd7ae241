"""Which dataset serves which layer of the study: the best proposal of each role."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import shapely

from geosettle.errors import InputError
from geosettle.intake.datasets import Dataset
from geosettle.intake.dates import dated
from geosettle.intake.layers import levels_of, of_drawn, of_raster
from geosettle.intake.proposals import Proposal
from geosettle.intake.tables import is_of_households, of_table
from geosettle.intake.units import Level
from geosettle.io.column_names import find_columns
from geosettle.layers import LAYERS, plain_name

Choose = Callable[[str, Sequence[Proposal]], Proposal]
"""Chooses among proposals for one role that are about equally good, the best first."""

_SEVERAL: Final = frozenset(
    {"boundaries", "development", "oasis", "roads", "rivers", "barriers", "landcover"}
)
"""Roles that several datasets may serve together."""
_NEAR: Final = 0.6
"""Proposals whose scores differ by no more are near."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The layers of a study, each with the datasets that serve it, and what is not used."""

    layers: Mapping[str, Sequence[Proposal]]
    unused: Sequence[tuple[Dataset, str]]


def make_plan(
    found: Sequence[Dataset],
    choose: Choose,
    layer_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    """Choose what serves each layer.

    Raises
    ------
    InputError
        Nothing can serve as sites.
    """
    unused = [(one, one.why) for one in found if one.why]
    drawn: list[Proposal] = []
    tables: list[Dataset] = []
    for one in found:
        if one.why:
            continue
        if one.source is not None and not _is_shape(one):
            tables.append(one)
            continue
        proposal = of_raster(one) if one.is_raster else of_drawn(one)
        if isinstance(proposal, str):
            unused.append((one, proposal))
        else:
            drawn.append(proposal)
    boundaries, again = _without_copies([p for p in drawn if p.role == "boundaries"])
    unused += [(p.dataset, "the same units as another file") for p in again]
    others = [p for p in drawn if p.role != "boundaries"]
    boundaries, proposals = _with_levels(
        boundaries, tables, (layer_options or {}).get("sites", {}).get("map", {})
    )
    layers = _chosen(_of_sheets([*others, *proposals], layer_options or {}), choose)
    layers |= _by_name(layers)
    if boundaries:
        layers["boundaries"] = boundaries
    if "sites" not in layers:
        raise InputError(
            _no_sites(found, boundaries),
            mend="Give a table of sites: with lon and lat, "
            "or with the names of units and a boundary file." + _of_bare(found),
        )
    layers["sites"] = dated(layers["sites"], [*others, *proposals])
    layers |= _all_as_stated(layers, layer_options or {})
    taken = {id(p.dataset) for ps in layers.values() for p in ps}
    left = {id(d) for d, _ in unused} | taken
    sites = layers["sites"][0].dataset
    for one in found:
        if id(one) not in left:
            unused.append((one, _why_not(one, [*others, *proposals], sites)))
    return Plan({r: layers[r] for r in LAYERS if r in layers}, unused)


def _of_sheets(
    proposals: Sequence[Proposal], layer_options: Mapping[str, Mapping[str, Any]]
) -> list[Proposal]:
    """Proposals of the sheets and layers that the caller names for their roles."""
    out = []
    for one in proposals:
        own = layer_options.get(one.role, {})
        sheet, layer = own.get("sheet") or "", own.get("layer") or ""
        if sheet in {"", one.dataset.sheet} and layer in {"", one.dataset.layer}:
            out.append(one)
    return out


def _all_as_stated(
    layers: Mapping[str, list[Proposal]], layer_options: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[Proposal]]:
    """Layers of which the caller says something, as they then are."""
    for role in layer_options:
        if role not in layers:
            raise InputError(f"no file serves as {role}", value=role, mend="Leave out its options.")
    return {role: [_as_stated(p, own) for p in layers[role]] for role, own in layer_options.items()}


def _as_stated(one: Proposal, own: Mapping[str, Any]) -> Proposal:
    """Return a proposal with the columns, rows and constants that the caller names."""
    source = one.dataset.source
    columns, made = dict(one.columns), dict(one.made)
    if source is not None and own.get("map"):
        headers = [str(c) for c in source.cells.columns]
        found, _, absent = find_columns(headers, LAYERS[one.role], own["map"])
        if absent:
            raise InputError(
                f"{one.dataset.label} has no column {', '.join(absent)}",
                mend=f"It has: {', '.join(headers)[:300]}.",
            )
        named = {plain_name(text) for pair in own["map"].items() for text in pair}
        for column in [c for c in found if plain_name(c) in named]:
            columns[column] = found[column]
            made.pop(column, None)
    also = {k: own[k] for k in ("crs", "datum", "encoding") if own.get(k)}
    return replace(
        one, columns=columns, made=made, where={**one.where, **own.get("where", {})},
        constants={**one.constants, **own.get("set", {})}, also={**one.also, **also},
    )  # fmt: skip


def _is_shape(one: Dataset) -> bool:
    """Whether a dataset is drawn as lines or areas."""
    geometry = None if one.source is None else one.source.geometry
    return geometry is not None and bool((shapely.get_dimensions(geometry) > 0).any())


def _without_copies(boundaries: Sequence[Proposal]) -> tuple[list[Proposal], list[Proposal]]:
    """Boundaries without those whose names are all in another of them; those with codes stay."""
    kept: list[tuple[set[str], Proposal]] = []
    again = []
    for one in sorted(boundaries, key=lambda p: "code" not in p.columns):
        source = one.dataset.source
        cells = [] if source is None else source.cells[one.columns["name"]].tolist()
        names = {plain_name(str(c)) for c in cells}
        number = one.also.get("number")
        if any(names <= other and p.also.get("number") in {number, None} for other, p in kept):
            again.append(one)
        else:
            kept.append((names, one))
    return [p for p in boundaries if p not in again], again


def _with_levels(
    boundaries: list[Proposal], tables: Sequence[Dataset], mapping: Mapping[str, str]
) -> tuple[list[Proposal], list[Proposal]]:
    """Boundaries with names for their levels, and the proposals for the tables.

    The names of the levels are taken from the tables' headers.
    """
    boundaries = _named(boundaries, {})
    levels = levels_of(boundaries)
    proposals = [p for table in tables for p in of_table(table, levels, mapping)]
    names = _names_of_levels(proposals, levels)
    gazetteer = any(p.role == "places" for p in proposals)
    if not names and not gazetteer:
        return boundaries, proposals
    boundaries = _named(boundaries, names)
    levels = levels_of(boundaries)
    return boundaries, [
        p for table in tables for p in of_table(table, levels, mapping, gazetteer=gazetteer)
    ]


def _by_name(layers: Mapping[str, list[Proposal]]) -> dict[str, list[Proposal]]:
    """Sites and origins that are placed by the names of another table, where there is one."""
    if "places" not in layers:
        return {}
    gazetteer = layers["places"][0].dataset
    return {
        role: [
            replace(p, place=("places", *p.place))
            if "name" in p.columns and p.dataset is not gazetteer and not _is_drawn(p) else p
            for p in layers[role]
        ]
        for role in ("sites", "origins") if role in layers
    }  # fmt: skip


def _is_drawn(one: Proposal) -> bool:
    return one.dataset.source is not None and one.dataset.source.geometry is not None


def _named(boundaries: Sequence[Proposal], names: Mapping[str, str]) -> list[Proposal]:
    """Boundaries, each with the name of its level as a constant, unless a column holds it."""
    out = []
    for rank, one in enumerate(boundaries, start=1):
        if "level" in one.columns:
            out.append(one)
            continue
        number = one.also.get("number")
        plain = f"level{rank}" if number is None else f"adm{number}"
        old = str(one.constants.get("level", plain))
        out.append(replace(one, constants={"level": names.get(old, old)}))
    return out


def _names_of_levels(proposals: Sequence[Proposal], levels: Sequence[Level]) -> dict[str, str]:
    """Provisional name of a level to what the sites' table calls it: `adm2` to `lga`."""
    out: dict[str, str] = {}
    for one in (p for p in proposals if p.role == "sites"):
        for level in levels:
            for header in one.made.get(f"declared_{level.name}", []):
                plain = plain_name(header)
                if re.fullmatch(r"[^\W\d_]{3,14}", plain) and plain not in out.values():
                    out.setdefault(level.name, plain)
    return {old: new for old, new in out.items() if old != new}


def _chosen(proposals: Sequence[Proposal], choose: Choose) -> dict[str, list[Proposal]]:
    """Return the best proposal of each role; all where several may serve it together."""
    by_role: dict[str, list[Proposal]] = {}
    for one in sorted(proposals, key=lambda p: -p.score):
        by_role.setdefault(one.role, []).append(one)
    out: dict[str, list[Proposal]] = {}
    asked: set[int] = set()
    for role in ("sites", "origins", "flows", *by_role):
        every = by_role.get(role, [])
        if role in out or not every:
            continue
        if role in _SEVERAL:
            out[role] = every
            continue
        near = [p for p in every if every[0].score - p.score <= _NEAR]
        own = [p for p in near if "sites" in out and p.dataset is out["sites"][0].dataset]
        best = (own or every)[0]
        if role == "sites" and len(near) > 1 and not asked & {id(p.dataset) for p in near}:
            asked |= {id(p.dataset) for p in near}
            best = choose(role, near)
        out[role] = [best]
    if "sites" not in out and "places" in out:
        out["sites"] = [_as_sites(out.pop("places")[0])]
    if (
        "flows" in out
        and out["flows"][0].combine
        and out["flows"][0].dataset is not out["sites"][0].dataset
    ):
        del out["flows"]
    return out


def _as_sites(place: Proposal) -> Proposal:
    """Take places for sites, where nothing else is there."""
    source = place.dataset.source
    headers = [] if source is None else [str(c) for c in source.cells.columns]
    made = {("site_id" if k == "place_id" else k): v for k, v in place.made.items()}
    columns = find_columns(headers, LAYERS["sites"])[0]
    if "site_id" in made:
        columns.pop("site_id", None)
    why = "points; no other table has sites"
    return replace(place, role="sites", columns=columns, made=made, constants={}, why=why)


def _no_sites(found: Sequence[Dataset], boundaries: Sequence[Proposal]) -> str:
    """Say what was looked into, which names the units have, and what could not be read."""
    tables = [one.label for one in found if one.source is not None]
    text = f"no file serves as sites; looked into: {', '.join(tables[:12]) or 'nothing'}"
    for one in boundaries[:2]:
        source = one.dataset.source
        names = [] if source is None else source.cells[one.columns["name"]].dropna().tolist()
        shown = ", ".join(str(name) for name in names[:3])
        text += f"; no column holds names or codes of {one.dataset.label} ({shown} ...)"
    unread = [f"{one.label} ({one.why.rstrip('.')})" for one in found if one.why]
    return text + (f"; not read: {', '.join(unread[:3])}" if unread else "")


def _of_bare(found: Sequence[Dataset]) -> str:
    """Return what to do with tables that have no header, "" if there are none."""
    bare = [one.label for one in found if one.header_row == 0]
    if not bare:
        return ""
    return (
        f" {', '.join(bare[:3])} has no header: add a row of names, or name its columns, such as "
        "--map name=column1,lon=column2,lat=column3."
    )


def _why_not(one: Dataset, proposals: Sequence[Proposal], sites: Dataset) -> str:
    fits = [p.role for p in proposals if p.dataset is one]
    if not fits and is_of_households(one):
        return "each row is a household or its dwelling; a site is a settlement"
    if not fits:
        return "fits no layer: no positions, no names of units, no moves, no lengths of roads"
    same = (
        one.source is not None
        and sites.source is not None
        and list(one.source.cells.columns) == list(sites.source.cells.columns)
    )
    text = f"would serve as {fits[0]}, which are taken from another table"
    return text + ("; it has the same columns: another date of the same registry?" if same else "")
