"""Names of administrative units in any spelling: which units a declared text names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

__all__ = ["Aliases", "Names", "says_exclave"]

Aliases = Mapping[str, "str | Sequence[str]"]

_KINDS: Final[Mapping[str, str]] = {
    "county": "county",
    "xian": "county",
    "city": "city",
    "shi": "city",
    "municipality": "city",
    "prefecture": "prefecture",
    "diqu": "prefecture",
    "zhou": "prefecture",
    "province": "province",
    "region": "region",
    "district": "district",
    "qu": "district",
    "town": "town",
    "township": "township",
    "县": "county",
    "市": "city",
    "地区": "prefecture",
    "州": "prefecture",
    "省": "province",
    "区": "district",
    "镇": "town",
    "乡": "township",
}
_CHINESE_KIND: Final = re.compile(r"(地区|县|市|州|省|区|镇|乡)")
_CHINESE_NAME: Final = re.compile(
    r"^(?P<stem>.+?)(?:(?:各族|[一-鿿]{2,4}?族)*(?:维吾尔|柯尔克孜|塔吉克|哈萨克|蒙古|回|藏|锡伯)*自治)?"
    r"(?P<kind>地区|县|市|州|省|区|镇|乡)$"
)
_WORD: Final = re.compile(r"[一-鿿]+|[^\W\d_一-鿿]+")
_EXCLAVE: Final = re.compile(r"exclave|enclave|飞地|插花地", re.IGNORECASE)


def _fold(text: str) -> str:
    """Lower case, no accents, no apostrophes or hyphens: what two spellings of one name share."""
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(
        r"['\u2018\u2019\u02bb\u02bc\u0060\u00b4-]",
        "",
        unicodedata.normalize("NFKC", text).casefold(),
    )


def _latin_stem(words: Sequence[str]) -> tuple[str, str]:
    """Stem and kind of a Latin name: ("hotan", "city") of hotan city; an ethnonym before
    `autonomous` is dropped.
    """
    words = list(words)
    kind = ""
    while len(words) > 1 and words[-1] in _KINDS:
        kind = kind or _KINDS[words.pop()]
    if "autonomous" in words[1:]:
        words = words[: max(1, words.index("autonomous") - 1)]
    return " ".join(words), kind


def says_exclave(text: str) -> bool:
    """Whether a declared text itself speaks of an exclave.

    Examples
    --------
    >>> says_exclave("Taxkorgan exclave inside Yopurga"), says_exclave("Yopurga")
    (True, False)
    """
    return _EXCLAVE.search(text) is not None


def _split_name(name: str) -> list[tuple[str, str]]:
    """Stems and kinds in one unit's name: "Poskam (Zepu) County" gives poskam and zepu, each a
    county.
    """
    found: list[tuple[str, str]] = []
    for piece in re.split(r"[()/;,|\uff08\uff09\uff1b\uff0c\u3001]", _fold(name)):
        words = _WORD.findall(piece)
        latin = [w for w in words if not "一" <= w[0] <= "鿿"]
        if latin and not all(w in _KINDS or w == "autonomous" for w in latin):
            found.append(_latin_stem(latin))
        elif latin:
            found.append(("", _KINDS.get(latin[-1], "")))
        for chinese in (w for w in words if "一" <= w[0] <= "鿿"):
            match = _CHINESE_NAME.match(chinese)
            found.append((match["stem"], _KINDS[match["kind"]]) if match else (chinese, ""))
    kinds = {kind for _, kind in found if kind}
    shared = kinds.pop() if len(kinds) == 1 else ""
    return [(stem, kind or shared) for stem, kind in found if stem]


@dataclass(frozen=True)
class Names:
    """The names by which the units of one level are known.

    Parameters
    ----------
    stems
        Folded stem of a name to the units that bear it, each with its kind ("county", "city" ... or
        "").

    Examples
    --------
    >>> names = Names.of([("653022", "Akto County", "阿克陶县"), ("653024", "Wuqia", "乌恰县")], {"Aktau": "Akto"})
    >>> names.units_in("Aktau (阿克陶县)"), names.units_in("between Akto and Wuqia"), names.units_in("Atlantis")
    (('653022',), ('653022', '653024'), ())
    """

    stems: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Iterable[tuple[str, ...]], aliases: Aliases | None = None) -> Names:
        """Collect names from (code, name, further names ...) and from aliases.

        An alias entry is either a spelling and the unit it means (name or code), or a unit and a
        list of spellings.
        """
        stems: dict[str, set[tuple[str, str]]] = {}
        codes: dict[str, str] = {}
        for code, *names in units:
            codes[code] = code
            for name in names:
                for stem, kind in _split_name(name):
                    stems.setdefault(stem, set()).add((code, kind))
        named = {stem: {code for code, _ in found} for stem, found in stems.items()}
        for left, right in (aliases or {}).items():
            unit, spellings = (right, (left,)) if isinstance(right, str) else (left, tuple(right))
            targets = {unit} & codes.keys() or {
                c for s, _ in _split_name(unit) for c in named.get(s, ())
            }
            for spelling in spellings:
                for stem, kind in _split_name(spelling):
                    stems.setdefault(stem, set()).update((code, kind) for code in targets)
        return cls({stem: frozenset(found) for stem, found in stems.items() if found})

    def units_in(self, text: str) -> tuple[str, ...]:
        """Codes of the units named in a free text, in the order they are named; the longest name
        wins.
        """
        folded = _fold(text)
        taken = np.zeros(len(folded), dtype=bool)
        found: dict[int, frozenset[str]] = {}
        for stem in sorted(self.stems, key=lambda s: (-len(s), s)):
            pattern = (
                re.escape(stem)
                if "一" <= stem[0] <= "鿿"
                else rf"(?<![^\W\d_]){re.escape(stem)}(?![^\W\d_])"
            )
            for match in re.finditer(pattern, folded):
                if not taken[match.start() : match.end()].any():
                    taken[match.start() : match.end()] = True
                    found[match.start()] = self._narrow(stem, folded[match.end() :])
        # One place is often named twice ("Hotan City (和田市)"): a sharper naming settles a vaguer one
        # that holds it.
        sharp = [codes for _, codes in sorted(found.items()) if len(codes) == 1]
        vague = [
            codes
            for _, codes in sorted(found.items())
            if len(codes) > 1 and not any(s <= codes for s in sharp)
        ]
        return tuple(dict.fromkeys(code for codes in (*sharp, *vague) for code in sorted(codes)))

    def _narrow(self, stem: str, rest: str) -> frozenset[str]:
        """Units with this stem; only those of the kind that follows in the text, if any is of
        it.
        """
        match = _CHINESE_KIND.match(rest) or re.match(r"\s*([^\W\d_]+)", rest)
        kind = _KINDS.get(match[1], "") if match else ""
        every = self.stems[stem]
        return frozenset(code for code, k in every if k == kind) or frozenset(
            code for code, _ in every
        )
