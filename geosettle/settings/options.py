"""A setting: a field with unit, range, choices and meaning, and the check of its values."""

from __future__ import annotations

import importlib
import math
import numbers
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin, get_type_hints

from geosettle.errors import InputError

KINDS: Final = "kinds of place"
"""Among choices: any kind of place, for only the study's own places can tell; see `check_kinds`."""


def setting(
    default: Any = MISSING,
    *,
    unit: str = "",
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    choices: Sequence[Any] = (),
    length: Sequence[int] = (),
    keys: tuple[float, float] | None = None,
    meaning: str,
) -> Any:
    """Declare a field of an `Options` class.

    Parameters
    ----------
    default
        None where a setting that is absent sets nothing; without one the setting must be given.
    unit
        Of the values.
    least, above, most, below
        Limits of a number, or of each number of a list or table; `above` and `below` exclude them.
    choices
        Values allowed. ``"module:NAME"`` stands for the keys of a mapping and is looked up only to
        check a value: the mapping is then the one list of its names.
    length
        How many items a list may have.
    keys
        Least and greatest name of a table whose names are numbers, each of which it has once.
    meaning
        In one line.
    """
    about = {
        "unit": unit, "least": least, "above": above, "most": most, "below": below,
        "choices": tuple(choices), "length": tuple(length), "keys": keys,
        "meaning": meaning,
    }  # fmt: skip
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Options:
    """Settings of one table: attributes, also by name in brackets and with ``**``.

    Raises
    ------
    InputError
        A value is of the wrong type, out of its range or not among its choices.
    """

    def __post_init__(self) -> None:
        """Check the values that differ from the defaults; lists become tuples."""
        faults: list[str] = []
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not item.default:
                place = _Place(item.name, item.metadata, faults)
                sound = _decoded(hints_of(type(self))[item.name], value, place)
                object.__setattr__(self, item.name, sound)
        refuse(faults)

    def __getitem__(self, name: str) -> Any:
        """Return a setting by its name in study.toml."""
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        """Return the names of the settings."""
        return [item.name for item in fields(self)]

    def to_dict(self) -> dict[str, Any]:
        """Return nested dicts and lists as in study.toml, without what is not set."""
        return {k: _plain(self[k]) for k in self.keys() if self[k] is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Options):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def check(table: type[Options], **values: Any) -> None:
    """Refuse arguments of a function that the settings of the same names would not allow.

    Parameters
    ----------
    table
        The class of the settings.
    **values
        Arguments by the names of the settings.

    Raises
    ------
    InputError
        All of them in one message.

    Examples
    --------
    >>> from geosettle.settings import LivelihoodOptions
    >>> check(LivelihoodOptions, level=95)
    Traceback (most recent call last):
    ...
    geosettle.errors.InputError: level must be above 0 and below 1, not 95; did you mean 0.95?
    """
    faults: list[str] = []
    about = {item.name: item for item in fields(table)}
    for name, value in values.items():
        _decoded(hints_of(table)[name], value, _Place(name, about[name].metadata, faults))
    refuse(faults)


def points_of(
    table: type[Options], name: str, stated: Mapping[Any, float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Points of a function that a setting states as a table, by their first number.

    Parameters
    ----------
    table, name
        Class of the settings, and the setting.
    stated
        Number (or its text) to value.

    Returns
    -------
    tuple of tuple of float
        The numbers, ascending, and the value of each.

    Raises
    ------
    InputError
        The setting does not allow it, or there are fewer than two points.

    Examples
    --------
    >>> from geosettle.settings import WalkOptions
    >>> points_of(WalkOptions, "speed_by_slope_kmh", {"0.3": 2, "-0.3": 3, "0": 5})
    ((-0.3, 0.0, 0.3), (3.0, 5.0, 2.0))
    """
    check(table, **{name: stated})
    if len(stated) < 2:
        raise InputError(f"{name} needs two points", value=dict(stated))
    first, second = zip(*sorted((float(x), float(y)) for x, y in stated.items()), strict=True)
    return first, second


class _UnknownName(str):
    """A fault: no setting has this name."""

    __slots__ = ()


def refuse(faults: Sequence[str], file: str = "") -> None:
    """Raise what is wrong, all of it in one message."""
    if faults:
        mend = "See defaults.toml for every setting." if file else ""
        error = InputError("; ".join(faults), file=file, mend=mend)
        unknown = any(isinstance(fault, _UnknownName) for fault in faults)
        error.code = "setting_unknown" if unknown else "setting_type"
        raise error


def hints_of(table: type[Options]) -> dict[str, Any]:
    """Return the type of each setting of a table."""
    return _hints(cast("Any", table))


@cache
def _hints(table: Any) -> dict[str, Any]:
    return get_type_hints(table, include_extras=True)


def stated_of(table: type[Options], stated: Any, where: str, faults: list[str]) -> dict[str, Any]:
    """Return the settings stated of a table, checked; faults are added to the list."""
    if not isinstance(stated, Mapping | Options):
        faults.append(f"{where} is a table, not {stated!r}")
        return {}
    about, found = {item.name: item for item in fields(table)}, dict[str, Any]()
    for key in stated.keys():  # noqa: SIM118  (Options have keys and are no mapping)
        name = f"{where}.{key}" if where else str(key)
        if key in about:
            place = _Place(name, about[key].metadata, faults)
            found[key] = _decoded(hints_of(table)[key], stated[key], place)
        else:
            text = f"there is no setting {name}{nearest(str(key), about, where)}"
            faults.append(_UnknownName(text))
    faults += [
        f"{where} lacks {item.name}"
        for item in about.values()
        if item.default is MISSING and item.default_factory is MISSING and item.name not in found
    ]
    return found


@dataclass
class _Place:
    """A value to be checked: what it is called, what its field allows, and where faults are put."""

    name: str
    about: Mapping[str, Any]
    faults: list[str]

    def named(self, part: Any) -> _Place:
        return _Place(f"{self.name}.{part}", self.about, self.faults)

    def refuse(self, why: str) -> None:
        self.faults.append(f"{self.name} {why}")


def _decoded(hint: Any, value: Any, place: _Place) -> Any:
    """Return a value in the form its type requires, and add what is wrong to the faults."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {types.UnionType, Union}:  # X | None
        return None if value is None else _decoded(parts[0], value, place)
    if origin is Annotated:
        return stated_of(parts[1], value, place.name, place.faults)
    if origin is tuple:
        return _list(parts[0], value, place)
    if origin is not None:
        return _mapping(parts[1], value, place)
    if hint not in _SCALARS:
        return _options(hint, value, place)
    fault = _scalar_fault(hint, value, place.about)
    if fault:
        place.refuse(fault)
    return value


def _options(table: type[Options], value: Any, place: _Place) -> Any:
    if isinstance(value, table):
        return value
    before = len(place.faults)
    found = stated_of(table, value, place.name, place.faults)
    return table(**found) if len(place.faults) == before else None


def _list(hint: Any, value: Any, place: _Place) -> tuple[Any, ...]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        place.refuse(f"must be a list, not {value!r}")
        return ()
    items, allowed = list(value), place.about.get("length", ())
    if allowed and len(items) not in allowed:
        place.refuse(f"must have {' or '.join(map(str, allowed))} items, not {value!r}")
    return tuple(_decoded(hint, item, place) for item in items)


def _mapping(hint: Any, value: Any, place: _Place) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        place.refuse(f"is a table, not {value!r}")
        return {}
    if place.about.get("keys") is not None:
        _check_keys(value, place)
    return {key: _decoded(hint, part, place.named(key)) for key, part in value.items()}


def _check_keys(table: Mapping[Any, Any], place: _Place) -> None:
    """Add to the faults the names of a table that are no numbers, out of range, or there twice."""
    (least, most), seen = place.about["keys"], set[float]()
    for key in table:
        try:
            number = float(key)
        except (TypeError, ValueError):
            number = math.nan
        if not least <= number <= most:
            place.refuse(f"has the name {key!r}, which is no number from {least:g} to {most:g}")
        if number in seen:
            place.refuse(f"has {number:g} twice")
        seen.add(number)


_SCALARS: Final[Mapping[Any, tuple[Any, str]]] = {
    Any: (object, ""),
    bool: (bool, "true or false"),
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    str: (str, "text in quotation marks"),
}


def _scalar_fault(hint: Any, value: Any, about: Mapping[str, Any]) -> str:
    """Say why a value cannot be the setting; empty if it can."""
    wanted, words = _SCALARS[hint]
    if hint is Any:
        return ""
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        return f"must be {words}, not {value!r}"
    limits = [about.get(name) for name in ("least", "above", "most", "below")]
    if isinstance(value, numbers.Real) and hint is not bool:
        least, above, most, below = (math.nan if limit is None else limit for limit in limits)
        number = float(value)
        if (
            number < least
            or number <= above
            or number > most
            or number >= below
            or math.isnan(number)
        ):
            percent = number / 100
            upper = 1 in limits[2:] and 1 < number <= 100
            return (
                f"must be {range_of(about)}, not "
                f"{value!r}{f'; did you mean {percent:g}?' if upper else ''}"
            )
    names = choices_of(about.get("choices", ()))
    if names and value not in names:
        listed = ", ".join(map(str, names))
        return f"must be one of {listed}, not {value!r}{nearest(str(value), names)}"
    return ""


def range_of(about: Mapping[str, Any]) -> str:
    """Say the range of a number in words."""
    words = {"least": "at least", "above": "above", "most": "at most", "below": "below"}
    bounds = [f"{word} {about[k]:,g}" for k, word in words.items() if about.get(k) is not None]
    return " and ".join(bounds) or "a number"


def choices_of(choices: Iterable[Any]) -> list[Any]:
    """Return the values allowed, those of a mapping or function of another module as it is now."""
    names: list[Any] = []
    for choice in choices:
        if choice == KINDS:  # needs the study's places: see check_kinds
            continue
        module, colon, name = str(choice).partition(":")
        found = getattr(importlib.import_module(module), name) if colon else [choice]
        names += list(found() if callable(found) else found)
    return names


def nearest(name: str, known: Iterable[Any], where: str = "") -> str:
    """Ask after the name that is meant; empty where none is like it."""
    found = get_close_matches(name, [str(k) for k in known], 1, 0.5)
    return f"; did you mean {f'{where}.' if where else ''}{found[0]}?" if found else ""
