"""Names of administrative units and places in any spelling: one matcher, used everywhere."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cache, cached_property, lru_cache
from typing import Any, Final, NamedTuple

import pandas as pd

from geosettle.data_files import read_data
from geosettle.errors import ColumnError

Aliases = Mapping[str, "str | Sequence[str]"]

_HAN: Final = "\u3400-\u9fff"
_LETTERS: Final = str.maketrans(
    {
        "đ": "d", "ð": "d", "ø": "o", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th",
        "\u0131": "i", "ŋ": "n", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ə": "a", "ɛ": "e",
        "ɔ": "o", "\u0629": "\u0647", "\u0649": "\u064a", "\u06cc": "\u064a", "\u06a9": "\u0643",
        "\u0640": "", "\u06be": "\u0647",
    }
)  # fmt: skip
"""Letters that take no accent apart, to the letter that is written where they are missing."""
_WORD: Final = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_PARTS: Final = (
    rf"[()\[\]/;,|\uff08\uff09\uff1b\uff0c\u3001\u060c]|(?<=[{_HAN}])\s*(?=[^\W{_HAN}])"
    rf"|(?<=[^\W{_HAN}])\s*(?=[{_HAN}])"
)
"""Where a name in two spellings or scripts comes apart."""
_NAME: Final = re.compile(_PARTS)
_TEXT: Final = re.compile(
    _PARTS
    + r"|\b(?:between|and|or|inside|within|in|near|exclave|enclave|entre|et|ou|y|und|oder|между"
    r"|и)\b"
)
_CHINESE_NAME: Final = re.compile(
    r"^(?P<stem>.+?)(?:(?:各族|[一-鿿]{2,4}?族)*(?:维吾尔|柯尔克孜|塔吉克|哈萨克|蒙古|回|藏|锡伯)*自治)?"
    r"(?P<kind>地区|县|市|州|省|区|镇|乡)$"
)
_CHINESE_KIND: Final = re.compile(r"(地区|县|市|州|省|区|镇|乡)")
_EXCLAVE: Final = re.compile(r"exclave|enclave|飞地|插花地", re.IGNORECASE)
_OF: Final = frozenset(
    ("of", "the", "de", "du", "des", "d", "del", "della", "di", "la", "le", "les", "l", "do", "da")
)
_ARTICLES: Final = frozenset(("al", "el", "the", "la", "le", "les", "los", "las"))
_LIKE: Final = 0.72
"""Least likeness of a candidate's spelling."""


@cache
def _kinds() -> Mapping[str, str]:
    """Folded words for a kind of unit ("county", "xian", "県"), to the kind."""
    return {
        " ".join(_words(word)): kind
        for kind, words in read_data("kinds.json").items()
        for word in words
    }


@cache
def _longest_kind() -> int:
    return max(len(words.split()) for words in _kinds())


@lru_cache(maxsize=100_000)
def _fold(text: str) -> str:
    """Text without case and accents: what two spellings of one name share."""
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", text).translate(_LETTERS)


def _words(text: str) -> list[str]:
    """Folded words of a name: hyphens, apostrophes and points part them."""
    return _WORD.findall(_fold(text))


def _is_han(text: str) -> bool:
    return bool(text) and "\u3400" <= text[0] <= "\u9fff"


def _stem(words: Sequence[str]) -> tuple[str, str]:
    """Stem, written together, and kind of a name: ("hotan", "city") of `hotan city`.

    An ethnonym before `autonomous` is dropped, as are `of`, `de la` ... after a kind in front.
    """
    words, kind = list(words), ""
    if len(words) == 1 and _is_han(words[0]):
        match = _CHINESE_NAME.match(words[0])
        return (match["stem"], _kinds().get(match["kind"], "")) if match else (words[0], "")
    found = True
    while found and len(words) > 1:
        found = False
        for size in range(min(_longest_kind(), len(words) - 1), 0, -1):
            if (last := " ".join(words[-size:])) in _kinds():
                kind, words, found = kind or _kinds()[last], words[:-size], True
                break
            if (first := " ".join(words[:size])) in _kinds():
                kind, words, found = kind or _kinds()[first], words[size:], True
                while len(words) > 1 and words[0] in _OF:
                    words = words[1:]
                break
    if "autonomous" in words[1:]:
        words = words[: max(1, words.index("autonomous") - 1)]
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    stem = "".join(words)
    return (stem[2:] if stem.startswith("\u0627\u0644") and len(stem) > 4 else stem), kind


def says_exclave(text: str) -> bool:
    """Whether a declared text itself speaks of an exclave.

    Examples
    --------
    >>> says_exclave("Taxkorgan exclave inside Yopurga"), says_exclave("Yopurga")
    (True, False)
    """
    return _EXCLAVE.search(text) is not None


def _pieces(text: str, between: re.Pattern[str] = _TEXT) -> list[list[str]]:
    """Words of each part of a text that may be a name by itself."""
    return [words for piece in between.split(_fold(text)) if (words := _words(piece))]


def _named(name: str) -> list[tuple[str, str, str]]:
    """Whole and stem, written together, and kind of every name that a unit's name holds.

    "Poskam (Zepu) County" gives poskam and zepu, each a county.
    """
    found, pieces = [], _pieces(name, _NAME)
    for words in [*pieces, _words(name)] if len(pieces) > 1 else pieces:
        if len(pieces) > 1 and " ".join(words) in _kinds():
            found.append(("", "", _kinds()[" ".join(words)]))
        else:
            found.append(("".join(words), *_stem(words)))
    kinds = {kind for _, _, kind in found if kind}
    shared = kinds.pop() if len(kinds) == 1 else ""
    return [(whole, stem, kind or shared) for whole, stem, kind in found if stem]


class Candidate(NamedTuple):
    """A unit that a text may mean, and how like its name the text is (1: the same letters)."""

    code: str
    name: str
    score: float


@dataclass(frozen=True)
class Names:
    """The names by which units or places are known.

    Parameters
    ----------
    title
        Code of each unit to its name.
    exact
        Names as written to the units that bear them.
    codes
        Folded code to units.
    wholes, stems
        A name written together without case, accents and punctuation; the same without the words
        for its kind: to (code, kind) of the units that bear it.
    aliases
        Spellings, folded, that are no unit's own `name`.
    above
        Code of each unit to the codes and folded names of all units above it.

    Examples
    --------
    >>> names = Names.of(
    ...     [("653022", "Akto County", "阿克陶县"), ("653024", "Wuqia", "乌恰县")],
    ...     {"Aktau": "Akto"},
    ... )
    >>> (
    ...     names.units_in("Aktau (阿克陶县)"),
    ...     names.units_in("between Akto and Wuqia"),
    ...     names.units_in("Atlantis"),
    ... )
    (('653022',), ('653022', '653024'), ())
    """

    title: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, frozenset[str]] = field(default_factory=dict)
    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    wholes: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    stems: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    above: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Iterable[tuple[str, ...]], aliases: Aliases | None = None) -> Names:
        """Collect names from (code, name, further names ...) and from aliases.

        An alias entry is either a spelling and the unit it means (name or code), or a unit and a
        list of spellings.
        """
        made = _Book()
        rows = [(str(code), *names) for code, *names in units]
        for code, *names in rows:
            made.enter(code, *names[:1])
        for code, *names in rows:
            for name in names[1:]:
                made.learn(code, name)
        known = made.names()
        for left, right in (aliases or {}).items():
            unit, spellings = (right, (left,)) if isinstance(right, str) else (left, tuple(right))
            targets = {unit} & made.title.keys() or known.units_in(unit)
            for spelling in spellings:
                for code in targets:
                    made.learn(code, str(spelling))
        return made.names()

    @classmethod
    def of_units(cls, units: pd.DataFrame, aliases: Aliases | None = None) -> Names:
        """Collect the names of a layer of units or places, indexed by its code.

        Columns `name`, `name_local`, `aliases` and all whose name begins with `name_` or `alt_name`
        hold names (several in a cell parted by semicolons); `parent_code` the unit above (a code of
        this frame, or any name); `level` a kind that the names may leave out.
        """
        columns = ["name", *(str(c) for c in units if _OTHER_NAMES.match(str(c)))]
        rows = []
        for code, *cells in zip(units.index, *(units[c] for c in columns), strict=True):
            texts = [str(cell) for cell in cells if pd.notna(cell) and str(cell).strip()]
            parts = texts[:1] + [p.strip() for t in texts[1:] for p in re.split(r"[;|]", t)]
            rows.append((str(code), *(p for p in parts if p)))
        return replace(cls.of(rows, aliases), above=_above(units))

    def match(
        self, text: str, within: Iterable[frozenset[str]] = ()
    ) -> tuple[tuple[str, ...], str]:
        """Units that a text names, in the order it names them, and how they were found.

        Parameters
        ----------
        text
            A name, a code, or a few words with names in them.
        within
            Codes (or folded names) of the units above, one set for each level that is declared too:
            among several units of one name, those under all of them are meant.

        Returns
        -------
        codes, how
            `how` is "exact", "folded", "alias", "code", or "" where nothing was found.
        """
        text = text.strip()
        found, how = self._certain(text)
        if found:
            return tuple(sorted(self._under(found, within))), how
        pieces = [group for words in _pieces(text) for group in self._piece(words)]
        parts = [self._under(group, within) for group in pieces]
        groups = [self._under(group, (g for g in parts if not g <= group)) for group in parts]
        # One place is often named twice ("Hotan City (和田市)"): a sharper naming settles a vaguer
        # one that holds it, and names of which one is the unit around it ("Jos North, Plateau").
        sharp = [group for group in groups if len(group) == 1]
        inner = frozenset().union(*sharp)
        vague = [
            group
            for group in groups
            if len(group) > 1
            and inner.isdisjoint(group)
            and not any(self.is_under(code, group) for code in inner)
        ]
        codes = dict.fromkeys(code for group in (*sharp, *vague) for code in sorted(group))
        return tuple(codes), "folded" if codes else ""

    def units_in(self, text: str, within: Iterable[frozenset[str]] = ()) -> tuple[str, ...]:
        """Codes of the units named in a free text, in the order they are named."""
        return self.match(text, within)[0]

    def _certain(self, text: str) -> tuple[frozenset[str], str]:
        """Units that a text names as a whole."""
        if text in self.exact:
            return self.exact[text], "exact"
        if code := self.codes.get(_fold(text)):
            return code, "code"
        words = _words(text)
        whole, (stem, kind) = "".join(words), _stem(words) if words else ("", "")
        for keys, key in ((self.wholes, whole), (self.stems, stem)):
            if key and key in keys:
                how = "alias" if key in self.aliases else "folded"
                return _of_kind(keys[key], kind), how
        return frozenset(), ""

    def _piece(self, words: list[str]) -> list[frozenset[str]]:
        """Units that one part of a text names; Chinese names are found within a text, too."""
        text = "".join(words)
        if not _is_han(text):
            found = self._certain(" ".join(words))[0]
            return [found] if found else []
        out: dict[int, frozenset[str]] = {}
        taken = [False] * len(text)
        for stem in self._han:
            at = text.find(stem)
            while at >= 0:
                end = at + len(stem)
                if not any(taken[at:end]):
                    taken[at:end] = [True] * len(stem)
                    kind = _CHINESE_KIND.match(text[end:])
                    out[at] = _of_kind(self.stems[stem], _kinds().get(kind[1], "") if kind else "")
                at = text.find(stem, at + 1)
        return [out[at] for at in sorted(out)]

    @cached_property
    def _han(self) -> list[str]:
        """Chinese stems, the longest first."""
        return sorted((s for s in self.stems if _is_han(s)), key=lambda s: (-len(s), s))

    def _under(self, codes: frozenset[str], within: Iterable[frozenset[str]]) -> frozenset[str]:
        """Those of the units that are under the declared ones; all where none is."""
        for parents in within:
            if parents and len(codes) > 1:
                codes = frozenset(c for c in codes if self.is_under(c, parents)) or codes
        return codes

    def is_under(self, code: str, parents: frozenset[str]) -> bool:
        """Whether a unit is under one of the given units (codes, or folded names)."""
        return not parents.isdisjoint(self.above.get(code, frozenset()))

    def candidates(
        self, text: str, within: Iterable[frozenset[str]] = (), most: int = 5
    ) -> tuple[Candidate, ...]:
        """Units whose names are spelled like a text, the most similar first.

        Only those under `within` are given, if any is.
        """
        best: dict[str, float] = {}
        for words in _pieces(text):
            stem = _stem(words)[0]
            shared = Counter(s for two in _twos(stem) for s in self._spelled.get(two, ()))
            likest = sorted(shared, key=lambda s: (-shared[s] / (len(stem) + len(s)), s))[:50]
            judge = SequenceMatcher(b=stem, autojunk=False)
            for other in likest:
                judge.set_seq1(other)
                score = round(judge.ratio(), 3)
                for code, _ in self.stems[other] if score >= _LIKE else ():
                    best[code] = max(best.get(code, 0.0), score)
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        under = [one for one in ranked if all(self.is_under(one[0], p) for p in within if p)]
        found = (under or ranked)[:most]
        return tuple(Candidate(code, self.title[code], score) for code, score in found)

    @cached_property
    def _spelled(self) -> Mapping[str, list[str]]:
        """Two letters that follow each other, to the stems that have them."""
        out: dict[str, list[str]] = {}
        for stem in self.stems:
            for two in _twos(stem):
                out.setdefault(two, []).append(stem)
        return out


def _twos(stem: str) -> set[str]:
    return {stem[k : k + 2] for k in range(max(1, len(stem) - 1))}


def kind_of_unit(text: str) -> str:
    """Kind that a word for units means, in any of the languages known; "" if none.

    Examples
    --------
    >>> kind_of_unit("Comté"), kind_of_unit("县"), kind_of_unit("Benue")
    ('county', 'county', '')
    """
    return _kinds().get(" ".join(_words(text)), "")


@dataclass
class _Book:
    """Names while they are collected; see `Names`."""

    title: dict[str, str] = field(default_factory=dict)
    exact: dict[str, set[str]] = field(default_factory=dict)
    codes: dict[str, set[str]] = field(default_factory=dict)
    wholes: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    stems: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)

    def enter(self, code: str, name: str | None = None) -> None:
        """Enter a unit with its code and name."""
        self.title[code] = name or code
        for key in {_fold(code), _fold(code).lstrip("0")} - {""}:
            self.codes.setdefault(key, set()).add(code)
        if name:
            self.exact.setdefault(name.strip(), set()).add(code)
            self._spell(code, name)

    def learn(self, code: str, name: str) -> None:
        """Enter a further name of a unit."""
        keys = {key for found in _named(name) for key in found[:2]}
        self.aliases |= {k for k in keys if k not in self.wholes and k not in self.stems}
        self._spell(code, name)

    def _spell(self, code: str, name: str) -> None:
        for whole, stem, kind in _named(name):
            self.wholes.setdefault(whole, set()).add((code, kind))
            self.stems.setdefault(stem, set()).add((code, kind))

    def names(self) -> Names:
        """Names as collected so far."""
        return Names(
            title=dict(self.title),
            exact=_frozen(self.exact),
            codes=_frozen(self.codes),
            wholes=_frozen(self.wholes),
            stems=_frozen(self.stems),
            aliases=frozenset(self.aliases),
        )


_OTHER_NAMES: Final = re.compile(r"^(name_\w+|alt_names?(_\w+)?|aliases|other_names?|\w+_name)$")


def _frozen(sets: Mapping[str, Iterable[Any]]) -> dict[str, frozenset[Any]]:
    return {key: frozenset(found) for key, found in sets.items()}


def _of_kind(units: frozenset[tuple[str, str]], kind: str) -> frozenset[str]:
    """Codes of the units of a kind, of all where none is of it."""
    return frozenset(code for code, k in units if kind and k == kind) or frozenset(
        code for code, _ in units
    )


def _above(units: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Codes and folded names of all units above each."""
    if "parent_code" not in units:
        return {}
    parent = {
        str(code): str(up)
        for code, up in zip(units.index, units["parent_code"], strict=True)
        if pd.notna(up) and str(up).strip()
    }
    title = {str(code): str(name) for code, name in zip(units.index, units["name"], strict=True)}
    out = {}
    for code, direct in parent.items():
        up, seen = direct, list[str]()
        while up and up not in seen:
            seen.append(up)
            up = parent.get(up, "")
        stems = (_stem(words)[0] for c in seen if (words := _words(title.get(c, c))))
        out[code] = frozenset((*seen, *stems))
    return out


def match_names(
    names: Iterable[Any],
    units: pd.DataFrame,
    *,
    parents: pd.DataFrame | Iterable[Any] | None = None,
    level: str | None = None,
    aliases: Aliases | None = None,
) -> pd.DataFrame:
    """Match names, in any spelling, with administrative units or places.

    Parameters
    ----------
    names
        Names or codes as somebody wrote them; None or "" where there is none.
    units
        Indexed by code, with `name`, and optionally `level`, `parent_code`, `name_local`, `aliases`
        (several names, parted by semicolons) and further columns `name_...`. For places,
        `parent_code` may hold the name of the unit they are in.
    parents
        The unit above each name, as declared: one value per name, or a frame with one column per
        level. It chooses among units of one name; a name whose units are all elsewhere is
        `ambiguous`.
    level
        Only units of this level are meant; None: any.
    aliases
        Other spellings: spelling to unit (name or code), or unit to a list of spellings.

    Returns
    -------
    DataFrame
        One row per name, with the index of `names` if it is a Series: `name` (as given), `code`
        (only of a certain match, else missing), `how`, and `candidates`, a tuple of
        `(code, name, score)`, the likest first (score: share of common letters, 0 to 1).
        `how` is `exact`, `folded` (the same but for case, accents, punctuation or words for the
        kind of unit), `alias`, `code`; and, without a code, `spelling` (alike), `ambiguous`
        (several units, or one that is not under the declared parent), `none`.

    Raises
    ------
    ColumnError
        The units have no column `name`.

    Examples
    --------
    >>> units = pd.DataFrame(
    ...     {
    ...         "name": ["Nasarawa", "Benue", "Obi", "Obi", "Ardo-Kola"],
    ...         "level": ["state", "state", "lga", "lga", "lga"],
    ...         "parent_code": [None, None, "N", "B", "N"],
    ...     },
    ...     index=["N", "B", "N1", "B1", "N2"],
    ... )
    >>> given = ["ARDO KOLA", "Obi", "Obi LGA", "Ardokolla"]
    >>> matched = match_names(given, units, level="lga", parents=["", "", "Benue", ""])
    >>> matched[["code", "how"]].to_numpy().tolist()
    [['N2', 'folded'], [nan, 'ambiguous'], ['B1', 'folded'], [nan, 'spelling']]
    """
    if "name" not in units:
        raise ColumnError("the units have no such column", column="name", mend="Add it.")
    index = names.index if isinstance(names, pd.Series) else None
    texts = ["" if pd.isna(v) else str(v).strip() for v in names]
    every = Names.of_units(units, aliases)
    known = every if level is None else Names.of_units(units[units["level"] == level], aliases)
    known = replace(known, above=every.above)
    above = _declared_parents(parents, every, len(texts))
    cache_: dict[tuple[str, tuple[frozenset[str], ...]], tuple[str | None, str, Any]] = {}
    rows = []
    for text, within in zip(texts, above, strict=True):
        if (text, within) not in cache_:
            cache_[text, within] = _judge(text, within, known)
        rows.append((text or None, *cache_[text, within]))
    made = pd.DataFrame(rows, columns=["name", "code", "how", "candidates"], index=index)
    return made.astype({"name": "str", "code": "str", "how": "str"})


def _judge(
    text: str, within: tuple[frozenset[str], ...], known: Names
) -> tuple[str | None, str, tuple[Candidate, ...]]:
    """Code, how and candidates of one name."""
    codes, how = known.match(text, within) if text else ((), "")
    # "Jos North, Plateau" names a unit and the one above it.
    codes = tuple(c for c in codes if not any(known.is_under(d, frozenset((c,))) for d in codes))
    strange = any(not known.is_under(c, p) for c in codes for p in within if p and c not in p)
    if len(codes) == 1 and not strange:
        return codes[0], how, (Candidate(codes[0], known.title[codes[0]], 1.0),)
    if codes:
        return None, "ambiguous", tuple(Candidate(c, known.title[c], 1.0) for c in codes)
    near = known.candidates(text, within) if text else ()
    return None, "spelling" if near else "none", near


def _declared_parents(
    parents: pd.DataFrame | Iterable[Any] | None, every: Names, n: int
) -> list[tuple[frozenset[str], ...]]:
    """Codes (and the folded name, for places) of the declared units above each name."""
    if parents is None:
        return [()] * n
    columns = [parents[c] for c in parents] if isinstance(parents, pd.DataFrame) else [parents]
    named = frozenset().union(*every.above.values())
    out: list[list[frozenset[str]]] = [[] for _ in range(n)]
    for column in columns:
        for row, value in zip(out, column, strict=True):
            text = "" if pd.isna(value) else str(value).strip()
            stem = _stem(_words(text))[0] if _words(text) else ""
            row.append(frozenset(every.units_in(text)) or frozenset((stem,)) & named)
    return [tuple(row) for row in out]
