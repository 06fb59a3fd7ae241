"""Reasons as codes with named values: why a number is missing, or what it rests on.

A reason is a code of the catalogue of words (`why_CODE` in every language) and the values that fill
its blanks. Frames carry reasons as text: a mark (U+001E, which JSON never writes) in front of each,
then `["CODE", {values}]` in JSON. Sentences are made last: `render`. A text without the mark, such
as a metric of the user's own gives, is one reason that is printed as it is.

What users call gives sentences in English (`rendered`); what the package calls itself, within
`coded`, keeps the codes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar, cast

import numpy as np
import pandas as pd

from geosettle.errors import UnknownNameError
from geosettle.words import has, say

_MARK: Final = "\x1e"
_ABOUT: Final = frozenset({"columns", "end"})
"""Values that say what a reason is about; they fill no blank."""
_REPEATED: Final[Mapping[str, frozenset[str]]] = {
    "position_unknown": frozenset({"position_unknown_of", "positions_unknown"})
}
"""Code to those that say the same and more."""

P = ParamSpec("P")
T = TypeVar("T")
_coded: ContextVar[bool] = ContextVar("coded", default=False)


class Reason(NamedTuple):
    """One reason: its code, and the values that fill its blanks or say what it is about."""

    code: str
    values: Mapping[str, Any]


def reason(code: str, /, **values: Any) -> str:
    """Encode one reason.

    Parameters
    ----------
    code
        Its name in the catalogue of words, without `why_`.
    values
        What fills its blanks: texts, numbers, `word`, or lists of these. Besides them `columns`,
        the columns of the table that it concerns, and `end`, "origin" or "site".

    Raises
    ------
    UnknownNameError
        The catalogue has no such reason.

    Examples
    --------
    >>> render(reason("households_unknown"), "zh")
    '户数不明'
    """
    if not has(f"why_{code}"):
        raise UnknownNameError("there is no such reason", value=code)
    return _encoded(Reason(code, values))


def word(kind: str, name: str, /, **values: Any) -> dict[str, Any]:
    """Name a word of the catalogue (`KIND_NAME`) as a value of a reason; without it, the name.

    Examples
    --------
    >>> near = reason("no_place_reached", kinds=[word("kind", "port"), word("kind", "harbour")])
    >>> render(near), render(near, "zh")
    ('no place of kind border port or harbour can be reached', '没有可到达的口岸或harbour')
    """
    return {"key": f"{kind}_{name}", "name": name, "values": values}


def no_layer(name: str) -> str:
    """Say that the study lacks a layer.

    Examples
    --------
    >>> render(no_layer("roads"))
    'the study has no layer of roads'
    """
    return reason("no_layer", layer=word("layer", name))


def join(*texts: str) -> str:
    """Join lists of reasons into one, none twice.

    Examples
    --------
    >>> render(join(reason("households_unknown"), "", reason("persons_unknown"), "as given"))
    'households unknown; persons unknown; as given'
    """
    some = tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
    return _joined(some) if len(some) > 1 else "".join(some)


@functools.lru_cache(maxsize=4096)
def _joined(some: tuple[str, ...]) -> str:
    found = [one for text in some for one in decode(text)]
    # By value, not by text: 0 and 0.0 are printed alike.
    return "".join(_encoded(one) for k, one in enumerate(found) if one not in found[:k])


def join_rows(*columns: Iterable[Any]) -> list[str]:
    """Join the reasons of each row of several columns."""
    cells = [np.asarray(column, dtype=object) for column in columns]
    out = np.full(len(cells[0]), "", dtype=object)
    for row in np.flatnonzero(np.any([c != "" for c in cells], axis=0)):
        out[row] = join(*(c[row] for c in cells))
    return out.tolist()


def decode(text: object) -> list[Reason]:
    """Return the reasons of a text; a text that is no code is one reason, printed as it is.

    Examples
    --------
    >>> decode(reason("position_known_to", km=5.0))
    [Reason(code='position_known_to', values={'km': 5.0})]
    >>> decode("no ferry")
    [Reason(code='text', values={'text': 'no ferry'})]
    """
    if not isinstance(text, str) or not text:
        return []
    first, *rest = text.split(_MARK)
    try:
        found = [Reason(*json.loads(part)) for part in rest]
    except (ValueError, TypeError):  # a text that only holds the mark
        return [Reason("text", {"text": text})]
    return [Reason("text", {"text": first}), *found] if first else found


def concerning(text: str, *columns: str) -> str:
    """Say of every reason of a text which columns it concerns.

    Examples
    --------
    >>> render(concerning(reason("outside_elevation"), "surface_km", "ascent_m"))
    'surface_km, ascent_m: outside the elevation grid'
    """
    return _with(text, columns=list(columns))


def at(text: str, end: str) -> str:
    """Say of every reason of a text which end of a pair it is about, "origin" or "site".

    Examples
    --------
    >>> render(at(reason("outside_elevation"), "origin"))
    'origin: outside the elevation grid'
    """
    return _with(text, end=end)


def render(text: object, lang: str = "en", *, columns: bool = True) -> str:
    """Write the reasons of a text as one sentence.

    Parameters
    ----------
    text
        Reasons as `reason` and `join` give them.
    lang
        One of `geosettle.words.languages()`.
    columns
        Whether the columns that they concern are named, for readers of the tables.

    Examples
    --------
    >>> far = reason("no_road_within", role=word("end", "origin"), km=25.0)
    >>> render(far), render(far, "zh")
    ('no road within 25 km of the origin', '迁出地25公里内没有公路')
    """
    found, out = decode(text) if columns else _distinct(text), []
    before: object = None
    for one in found:
        about = one.values.get("columns")
        sentence = _sentence(one, lang)
        out.append(f"{', '.join(about)}: {sentence}" if about and about != before else sentence)
        before = about
    return say(lang, "list_gap").join(dict.fromkeys(out))


def in_words(frame: T, lang: str = "en") -> T:
    """Write the reasons of a frame as sentences; anything else is returned as it is."""
    if not isinstance(frame, pd.DataFrame):
        return frame
    made: Any = frame
    for column in _columns(frame):
        texts = frame[column]
        known = {text: render(text, lang) for text in texts.dropna().unique()}
        if any(key != value for key, value in known.items()):
            made = made.assign(**{column: texts.map(known).astype(texts.dtype)})
    return cast("T", made)


def sentences(frames: Iterable[pd.DataFrame]) -> dict[str, str]:
    """Return every English sentence that `in_words` makes in frames, with its reasons as codes."""
    texts = {
        text
        for frame in frames
        for column in _columns(frame)
        for text in frame[column].dropna().unique()
        if isinstance(text, str) and text.startswith(_MARK)
    }
    return {render(text): text for text in sorted(texts, reverse=True)}


def count_kinds(texts: Iterable[object]) -> dict[str, int]:
    """Count reasons by kind: the same code about the same things, whatever the numbers in it.

    Parameters
    ----------
    texts
        Reasons of rows, as `join` gives them.

    Returns
    -------
    dict
        One reason per kind, as `reason` gives it, to the rows that have it. Values that differ
        within a kind are "…".

    Examples
    --------
    >>> far = [reason("position_known_to", km=km) for km in (5.0, 8.0)]
    >>> {render(kind): n for kind, n in count_kinds([*far, reason("year_unknown")]).items()}
    {'position known to … km': 2, 'year of founding unknown': 1}
    """
    kinds: dict[str, list[Reason]] = {}
    for text in texts:
        for one in _distinct(text):
            parts_of = {k: v for k, v in one.values.items() if isinstance(v, (list, Mapping))}
            about = parts_of if one.code != "text" else one.values
            kinds.setdefault(_encoded(Reason(one.code, about)), []).append(one)
    return {_encoded(_in_general(found)): len(found) for found in kinds.values()}


def _in_general(found: list[Reason]) -> Reason:
    first = found[0]
    same = {k: all(one.values.get(k) == v for one in found) for k, v in first.values.items()}
    values = {k: v if same[k] else "…" for k, v in first.values.items()}
    return Reason(first.code, values)


def _distinct(text: object) -> list[Reason]:
    """Return the reasons of a text without the columns they concern, none that repeats another."""
    found = [
        Reason(one.code, {k: v for k, v in one.values.items() if k != "columns"})
        for one in decode(text)
    ]
    codes = {one.code for one in found}
    kept = [one for one in found if not _REPEATED.get(one.code, frozenset()) & codes]
    return [one for k, one in enumerate(kept) if one not in kept[:k]]


def _columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a frame that hold reasons: `why`, and `county_why` of a level."""
    return [
        name for name in map(str, frame.columns) if name in {"why", "note"} or name[-4:] == "_why"
    ]


def rendered(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that users call give sentences in English, and codes within `coded`."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if _coded.get():
            return function(*args, **kwargs)
        with coded():
            found = function(*args, **kwargs)
        return in_words(found)

    return call


@contextmanager
def coded() -> Iterator[None]:
    """Keep reasons as codes in what is called within."""
    before = _coded.set(True)
    try:
        yield
    finally:
        _coded.reset(before)


def _encoded(found: Reason) -> str:
    return _MARK + json.dumps(
        [found.code, found.values], sort_keys=True, default=lambda v: v.item()
    )


def _with(text: str, **about: Any) -> str:
    return join(*(_encoded(Reason(one.code, {**one.values, **about})) for one in decode(text)))


def _sentence(found: Reason, lang: str) -> str:
    if found.code == "text":
        text = str(found.values["text"])
    else:
        blanks = {k: _value(v, lang) for k, v in found.values.items() if k not in _ABOUT}
        text = say(lang, f"why_{found.code}", **blanks)
    end = found.values.get("end")
    return say(lang, f"why_at_{end}", text=text) if end else text


def _value(value: Any, lang: str) -> Any:
    if isinstance(value, list):
        return say(lang, "list_or").join(str(_value(v, lang)) for v in value)
    if isinstance(value, Mapping):
        blanks = {name: _value(v, lang) for name, v in value["values"].items()}
        return say(lang, value["key"], **blanks) if has(value["key"]) else value["name"]
    return value
