"""A study.toml becomes settings, and the settings become defaults.toml."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Annotated, Any, Final, get_args, get_origin

from geosettle.settings.options import (
    Options,
    choices_of,
    hints_of,
    nearest,
    range_of,
    refuse,
    stated_of,
)
from geosettle.settings.tables import Settings

PLACE_KINDS: Final = (
    "prefecture_seat", "county_seat", "township_seat", "port", "industrial_park", "market",
    "school", "clinic", "station", "tourism", "settlement", "pass",
)  # fmt: skip
"""Kinds of place that may be named where no place has them; so may `<level>_seat` of any level."""


def decode(
    stated: Mapping[str, Any] | Settings,
    *,
    file: str = "study.toml",
    settings: type[Settings] = Settings,
) -> Settings:
    """Return the settings that a study states, over the defaults.

    Parameters
    ----------
    stated
        Tables as in study.toml; `Settings` are given back as they are.
    file
        Named where something is wrong.
    settings
        The class that says which settings there are; a subclass of `Settings` has more.

    Returns
    -------
    Settings
        Of the class asked for.

    Raises
    ------
    InputError
        Every unknown name with the nearest, and every value of the wrong type, out of its range or
        not among its choices, in one message.

    Examples
    --------
    >>> decode({"livelihood": {"level": 0.9}}).livelihood.level
    0.9
    >>> decode({"livelihood": {"level": 95}})
    Traceback (most recent call last):
    ...
    geosettle.errors.InputError: study.toml: livelihood.level must be above 0 and below 1, not 95...
    """
    if isinstance(stated, Settings):
        return stated
    faults: list[str] = []
    found = stated_of(settings, stated, "", faults)
    refuse(faults, file)
    return settings(**found)


def check_kinds(settings: Settings, present: Iterable[str], *, file: str = "study.toml") -> None:
    """Refuse kinds of place that neither the study's places nor anyone else's have.

    Parameters
    ----------
    settings
        What the study states.
    present
        Kinds of the study's places.
    file
        Named in the message.

    Raises
    ------
    InputError
        Naming each setting and the nearest kind.

    Examples
    --------
    >>> check_kinds(decode({"services": {"kinds": ["market", "lga_seat"]}}), [])
    """
    known = {*PLACE_KINDS, *present}
    named = {
        "distance.places_by_road": settings.distance.places_by_road,
        "services.kinds": settings.services.kinds,
        "services.ladder": settings.services.ladder,
        **{f"services.groups.{k}": v for k, v in settings.services.groups.items()},
    }
    faults = [
        f"{where}: no place is of the kind {kind!r}{nearest(kind, known)}"
        for where, kinds in named.items()
        for kind in kinds
        if kind not in known and not kind.endswith("_seat")
    ]
    refuse(faults, file)


def defaults_toml(settings: type[Settings] = Settings) -> str:
    """Return the text of defaults.toml: every setting with its default, unit, range and meaning.

    Parameters
    ----------
    settings
        The class that says which settings there are.

    Returns
    -------
    str
        Valid TOML.

    Examples
    --------
    >>> defaults_toml().splitlines()[0][:36]
    '# Every setting of a study, with its'
    """
    head = (
        "# Every setting of a study, with its default. A study.toml need only name what differs;"
        " an unknown name is an error."
    )
    made_by = "# Written by `make defaults` from geosettle/settings, which holds them."
    return "\n".join([head, made_by, *_table_lines(settings(), "")]) + "\n"


def _table_lines(table: Options, where: str) -> Iterator[str]:
    later, shown = list[str](), list[Any]()
    for item in fields(table):
        value, name = table[item.name], f"{where}.{item.name}" if where else item.name
        if isinstance(value, Options):
            later += ["", _commented(f"[{name}]", str(type(value).__doc__).splitlines()[0])]
            later += _table_lines(value, name)
        elif isinstance(value, Mapping):
            later += ["", _commented(f"[{name}]", _about(item.metadata))]
            later += [f"{key} = {_toml(part)}" for key, part in value.items()]
        else:
            yield _commented(f"{item.name} = {_toml(value)}", _about(item.metadata))
        for held in _tables_in(hints_of(type(table))[item.name]):
            if held not in shown:
                shown.append(held)
                later += [_commented(f"#   {i.name}", _about(i.metadata)) for i in fields(held)]
    yield from later


def _tables_in(hint: Any) -> list[Any]:
    """Return the tables that a setting holds by name or in a list.

    The conditions of a model are such tables.
    """
    parts = get_args(hint)
    if get_origin(hint) is Annotated:
        inner = [part for name in hints_of(parts[1]).values() for part in _tables_in(name)]
        return [parts[1], *inner]
    return [table for part in parts for table in _tables_in(part)]


def _commented(text: str, comment: str) -> str:
    return f"{text:<31} # {comment}"


def _about(about: Mapping[str, Any]) -> str:
    names = ", ".join(map(str, choices_of(about["choices"])))
    limits = "" if range_of(about) == "a number" else range_of(about)
    return "; ".join(
        filter(None, (about["unit"], about["meaning"], limits, names and f"one of {names}"))
    )


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
