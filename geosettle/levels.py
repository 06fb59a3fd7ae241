"""The ladder of administrative levels, and the units that places declare on it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from geosettle.errors import InputError
from geosettle.layers import plain_name
from geosettle.names import Aliases, Names, kind_of_unit


def ladder(boundaries: pd.DataFrame) -> tuple[str, ...]:
    """Levels of a boundary layer from the coarsest to the finest.

    Parents stand above their children; levels that no parent code links are ordered by the mean
    area of their units.

    Parameters
    ----------
    boundaries
        Indexed by `code`, with `level` and, optionally, `parent_code`.

    Returns
    -------
    tuple of str
        Names of the levels.

    Raises
    ------
    InputError
        Levels are each other's parents.

    Examples
    --------
    >>> ladder(
    ...     pd.DataFrame(
    ...         {"level": ["county", "prefecture"], "parent_code": ["65", None]},
    ...         index=["6501", "65"],
    ...     )
    ... )
    ('prefecture', 'county')
    """
    level = boundaries["level"].astype(str)
    parents = (
        boundaries["parent_code"]
        if "parent_code" in boundaries
        else pd.Series(index=boundaries.index, dtype=str)
    )
    by_code = dict(zip(boundaries.index.astype(str), level, strict=True))
    above: dict[str, set[str]] = {name: set() for name in level}
    for name, parent in zip(level, parents, strict=True):
        if pd.notna(parent) and by_code.get(str(parent), name) != name:
            above[name].add(by_code[str(parent)])
    size: dict[Any, float] = dict.fromkeys(above, 0.0)
    if isinstance(boundaries, gpd.GeoDataFrame) and len(boundaries):
        areas = pd.Series(shapely.area(boundaries.geometry.to_numpy()), index=boundaries.index)
        size = areas.groupby(level.to_numpy()).mean().to_dict()

    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        if name in seen:
            raise InputError(
                "the levels of the boundaries are each other's parents",
                column="parent_code",
                value=name,
                mend="A unit's parent must belong to a coarser level.",
            )
        return 1 + max((depth(up, (*seen, name)) for up in above[name]), default=-1)

    return tuple(sorted(above, key=lambda name: (depth(name), -size[name], name)))


def seat_kinds(kinds: Iterable[object], boundaries: pd.DataFrame | None) -> list[str]:
    """Kinds of places that are seats of administrative units (`..._seat`), the highest level first.

    Levels stand as in the boundaries; those that the boundaries lack follow, the rarer first.

    Examples
    --------
    >>> units = pd.DataFrame(
    ...     {"level": ["state", "lga"], "parent_code": [None, "1"]}, index=["1", "2"]
    ... )
    >>> seat_kinds(["lga_seat", "port", "ward_seat", "state_seat"], units)
    ['state_seat', 'lga_seat', 'ward_seat']
    """
    seats = [kind for kind in map(str, kinds) if kind.endswith("_seat")]
    order = [] if boundaries is None or boundaries.empty else list(ladder(boundaries))
    count = Counter(seats)

    def rank(kind: str) -> tuple[int, int, str]:
        level = kind.removesuffix("_seat")
        return order.index(level) if level in order else len(order), count[kind], kind

    return sorted(count, key=rank)


_LANGUAGE: Final = "en|fr|es|pt|ar|ru|zh|local|ref"
_NUMBERED: Final = re.compile(
    rf"(?:adm|admin|gid|name)_?(\d)_?(name|{_LANGUAGE}|p?code|id)?(?:_?({_LANGUAGE}))?"
)
_SAMPLE: Final = 200
"""Distinct cells of a column that are looked at to tell which level it names."""


def declared_columns(
    frame: pd.DataFrame, units: pd.DataFrame, aliases: Aliases | None = None
) -> dict[str, str]:
    """Find the columns in which a table declares administrative units.

    Parameters
    ----------
    frame
        Sites, origins or places as given.
    units
        Boundaries, indexed by code, with `name`, `level`.
    aliases
        Other spellings of units.

    Returns
    -------
    dict
        `level` or `level_code` to the column that holds the name or the code. A column is known by
        the level's name (`lga`, `declared_lga`, `lga_name`), by another word for it (`县` for
        `county`), or as `ADM2_EN`, `ADM2_PCODE`, `GID_2`, `NAME_2` by what it holds.

    Examples
    --------
    >>> units = pd.DataFrame(
    ...     {"name": ["Kano", "Dala"], "level": ["state", "lga"], "parent_code": [None, "1"]},
    ...     index=["1", "2"],
    ... )
    >>> frame = pd.DataFrame({"ADM1_EN": ["Kano"], "ADM2_EN": ["DALA"], "ADM2_PCODE": ["2"]})
    >>> declared_columns(frame, units)
    {'state': 'ADM1_EN', 'lga': 'ADM2_EN', 'lga_code': 'ADM2_PCODE'}
    """
    plain = {str(c): plain_name(str(c)) for c in frame.columns}
    levels = ladder(units)
    found: dict[str, str] = {}
    for level in levels:
        key, kind = plain_name(level), kind_of_unit(level)
        for target, wanted in (
            (level, (f"declared_{key}", key, f"{key}_name", f"{key}_en", f"name_of_{key}")),
            (f"{level}_code", (f"declared_{key}_code", f"{key}_code", f"{key}_pcode")),
        ):
            header = next((h for w in wanted for h, p in plain.items() if p == w), None)
            if header is None and target == level and kind:
                header = next(
                    (h for h, p in plain.items() if kind_of_unit(p.lstrip("所在属")) == kind), None
                )
            if header is not None and header not in found.values():
                found[target] = header
    names: dict[str, Names] = {}
    for header, name in plain.items():
        match = _NUMBERED.fullmatch(name)
        if match is None or header in found.values():
            continue
        if not names:
            names = {v: Names.of_units(units[units["level"] == v], aliases) for v in levels}
        level = _level_of(frame[header], names, int(match[1]))
        coded = name.startswith("gid") or (match[2] or "").endswith(("code", "id"))
        target = f"{level}_code" if coded else level
        if level and target not in found:
            found[target] = header
    order = [name for level in levels for name in (level, f"{level}_code")]
    return {target: found[target] for target in order if target in found}


def level_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Columns that are called like a level of units, where no boundaries say what the levels are.

    Parameters
    ----------
    frame
        Sites or origins as given.

    Returns
    -------
    dict
        Level to column, by a word for a kind of unit (`state`, `declared_lga`) or a number
        (`ADM2_EN`); columns of codes, and those that are empty, are left out.

    Examples
    --------
    >>> level_columns(pd.DataFrame({"State": ["Kano"], "ADM2_EN": ["Dala"], "note": ["x"]}))
    {'state': 'State', 'adm2': 'ADM2_EN'}
    """
    found: dict[str, str] = {}
    for header in map(str, frame.columns):
        name = plain_name(header).removeprefix("declared_").removesuffix("_name")
        match = _NUMBERED.fullmatch(plain_name(header))
        numbered = (
            f"adm{match[1]}" if match and match[2] in {None, "name", *_LANGUAGE.split("|")} else ""
        )
        level = name if kind_of_unit(name) else numbered
        if level and level not in found and frame[header].notna().any():
            found[level] = header
    return found


def _level_of(cells: pd.Series, names: Mapping[str, Names], number: int) -> str:
    """Level whose units a column names most; the number of the column decides between equals."""
    texts = cells.dropna().astype(str).unique()[:_SAMPLE]
    best, most = "", 0.0
    for place, (level, known) in enumerate(names.items(), start=1):
        share = sum(bool(known.units_in(text)) for text in texts) / max(len(texts), 1)
        near = 0.01 / (1 + abs(place - number))
        if share > 0 and share + near > most:
            best, most = level, share + near
    return best


def name_declared(
    frame: pd.DataFrame, units: pd.DataFrame, aliases: Aliases | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Name the columns of declared units after their levels.

    Returns
    -------
    tuple
        The frame, and new name to old name of every column that was renamed. A column that had the
        new name (a unit computed by an earlier run) is called `given_...`.
    """
    columns = declared_columns(frame, units, aliases)
    renamed = {old: new for new, old in columns.items() if old != new}
    taken = {str(c) for c in frame.columns}
    for level in ladder(units):
        # Beside `declared_lga`, `lga` and `lga_code` are what an earlier run has computed.
        again = plain_name(columns.get(level, "")) == f"declared_{plain_name(level)}"
        for name in (level, f"{level}_code"):
            if name in taken and (name in renamed.values() or (again and name not in renamed)):
                renamed[name] = free_name(name, taken | set(renamed.values()))
    return frame.rename(columns=renamed), {new: old for old, new in renamed.items()}


def free_name(name: str, taken: set[str]) -> str:
    """Name for a column of the input whose own name is that of a computed one.

    Examples
    --------
    >>> free_name("why", {"why"}), free_name("why", {"why", "given_why"})
    ('given_why', 'given_given_why')
    """
    name = f"given_{name}"
    return free_name(name, taken) if name in taken else name


@dataclass(frozen=True, eq=False)
class Declared:
    """What the rows of a frame declare at one level.

    Attributes
    ----------
    level, column
        The level, and the column that declares it.
    texts
        As written, "" where nothing is declared.
    codes
        Codes of the units that each text names: none where it is no name of this level, several
        where it fits several.
    contradicted
        Rows whose code is that of another unit than the name.
    names
        The names of this level.
    """

    level: str
    column: str
    texts: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    contradicted: tuple[int, ...]
    names: Names


def declared_units(
    frame: pd.DataFrame, units: pd.DataFrame, aliases: Aliases | None = None
) -> dict[str, Declared]:
    """Read the units that places declare, at every level, coarsest first.

    Parameters
    ----------
    frame
        With columns called like levels (`lga`, `lga_code`), or `declared_lga` where `lga` was
        computed.
    units
        Boundaries, indexed by code.
    aliases
        Other spellings: spelling to unit (name or code), or unit to list of spellings.

    Returns
    -------
    dict
        Level to what is declared. Of several units of one name, those under the units declared at
        the coarser levels are meant.

    Examples
    --------
    >>> units = pd.DataFrame(
    ...     {
    ...         "name": ["Benue", "Nasarawa", "Obi", "Obi"],
    ...         "level": ["state", "state", "lga", "lga"],
    ...         "parent_code": [None, None, "1", "2"],
    ...     },
    ...     index=["1", "2", "1a", "2a"],
    ... )
    >>> frame = pd.DataFrame({"state": ["NASARAWA STATE", None], "lga": ["Obi", "Obi"]})
    >>> declared_units(frame, units)["lga"].codes
    (('2a',), ('1a', '2a'))
    """
    out: dict[str, Declared] = {}
    above = Names.of_units(units).above if len(units) else {}
    parents: list[tuple[frozenset[str], ...]] = [()] * len(frame)
    for level in ladder(units):
        by_name, by_code = _columns_of(frame, level)
        if by_name is None and by_code is None:
            continue
        of_level = units[units["level"].astype(str) == level]
        names = replace(Names.of_units(of_level, aliases), above=above)
        written, coded = (_texts(frame, c) for c in (by_name, by_code))
        known: dict[Any, tuple[str, ...]] = {}

        def units_in(
            text: str, within: Any, known: dict[Any, tuple[str, ...]] = known, names: Names = names
        ) -> tuple[str, ...]:
            if (text, within) not in known:
                known[text, within] = names.units_in(text, within) if text else ()
            return known[text, within]

        first = [units_in(t, w) for t, w in zip(written, parents, strict=True)]
        second = [units_in(t, w) for t, w in zip(coded, parents, strict=True)]
        both = list(zip(first, second, strict=True))
        codes = tuple(b if b and (not a or set(b) < set(a)) else a for a, b in both)
        odd = tuple(k for k, (a, b) in enumerate(both) if a and b and not set(a) & set(b))
        texts = tuple(a or b for a, b in zip(written, coded, strict=True))
        column = by_name if by_name is not None else str(by_code)
        out[level] = Declared(level, column, texts, codes, odd, names)
        parents = [(*p, frozenset(c)) if c else p for p, c in zip(parents, codes, strict=True)]
    return out


def _columns_of(frame: pd.DataFrame, level: str) -> tuple[str | None, str | None]:
    """Columns that declare the name and the code of the unit of a level."""
    made = f"{level}_code" in frame and not {
        "admin_probability",
        f"{level}_probability",
    }.isdisjoint(frame.columns)
    prefixes: Sequence[str] = ("declared_",) if made else ("declared_", "")
    name, code = (
        next((p + end for p in prefixes if p + end in frame), None)
        for end in (level, f"{level}_code")
    )
    return name, None if name == f"declared_{level}" and code == f"{level}_code" else code


def _texts(frame: pd.DataFrame, column: str | None) -> list[str]:
    if column is None:
        return [""] * len(frame)
    return ["" if pd.isna(v) else str(v).strip() for v in frame[column]]
