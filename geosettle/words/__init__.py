"""Words of the interface: one JSON file per language, with plural forms; data is never translated.

A language is one file of this folder: its name, its HTML tag, its CLDR plural rules, and its texts.
A text is a string with blanks in braces, or one string per plural category (`one`, `few`, `other`).
The category is that of the blank `n`. A text that a language lacks is taken from English.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from geosettle.errors import UnknownNameError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FOLDER: Traversable = importlib.resources.files("geosettle.words")

_BLANK: Final = re.compile(r"\{(\w+)\}")
_RELATION: Final = re.compile(r"([nivwftec])(?: % (\d+))? (!?=) ([\d.,]+)")

Text = str | Mapping[str, str]


class Language(NamedTuple):
    """One language: what its file says about it, and its texts."""

    name: str
    tag: str
    plural: Mapping[str, str]
    local_names: bool
    words: Mapping[str, Text]


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages, English first.

    Examples
    --------
    >>> languages()
    ('en', 'zh')
    """
    codes = {file.name[:-5] for file in FOLDER.iterdir() if file.name.endswith(".json")}
    return ("en", *sorted(codes - {"en"}))


@cache
def language(lang: str) -> Language:
    """Read one language, its missing texts filled from English.

    Raises
    ------
    UnknownNameError
        There is no such language.

    Examples
    --------
    >>> language("zh").name, language("zh").tag
    ('中文', 'zh-Hans')
    """
    if lang not in languages():
        known = ", ".join(languages())
        raise UnknownNameError("there is no such language", value=lang, mend=f"Use one of {known}.")
    file = json.loads((FOLDER / f"{lang}.json").read_text("utf-8"))
    words = file["words"] if lang == "en" else {**language("en").words, **file["words"]}
    return Language(**file["language"], words=words)


def has(key: str) -> bool:
    """Whether there is a text of that name.

    Examples
    --------
    >>> has("site"), has("nonsense")
    (True, False)
    """
    return key in language("en").words


def heading_key(column: str) -> str | None:
    """Key of the heading of a column of the tables; None where there is none.

    Examples
    --------
    >>> heading_key("site_id"), heading_key("why"), heading_key("county"), heading_key("grazing")
    ('site', 'col_why', 'level_county', None)
    """
    keys = (f"col_{column}", f"level_{column}", column, column.removesuffix("_id"))
    return next((key for key in keys if has(key)), None)


def capital(text: str) -> str:
    """Text with a capital at its start, the rest as it is.

    Examples
    --------
    >>> capital("nearest Artux")
    'Nearest Artux'
    """
    return text[:1].upper() + text[1:]


def capital_all(texts: Mapping[str, str]) -> dict[str, str]:
    """Text of every language with a capital at its start.

    Examples
    --------
    >>> capital_all({"en": "on foot", "zh": "步行"})
    {'en': 'On foot', 'zh': '步行'}
    """
    return {lang: capital(text) for lang, text in texts.items()}


def say(lang: str, key: str, **values: Any) -> str:
    """Return one text of the interface.

    Parameters
    ----------
    lang
        One of `languages()`.
    key
        Name of the text.
    values
        What fills its blanks. Numbers are grouped in threes; give a year or a seed as text.
        `n` chooses the plural form.

    Raises
    ------
    UnknownNameError
        The language or the key does not exist.

    Examples
    --------
    >>> say("en", "households_n", n=1660), say("en", "households_n", n=1)
    ('1,660 households', '1 household')
    """
    chosen = language(lang)
    if key not in chosen.words:
        raise UnknownNameError("there is no such text", value=key)
    text = chosen.words[key]
    if not isinstance(text, str):
        text = text.get(plural_category(chosen.plural, values["n"]), text["other"])
    return _BLANK.sub(lambda blank: _written(values[blank[1]]), text)


def say_all(key: str, **values: Any) -> dict[str, str]:
    """Return one text in every language, for the map, whose reader may switch.

    Parameters
    ----------
    key
        Name of the text.
    values
        What fills its blanks: as for `say`, or a text per language as this function returns it.

    Returns
    -------
    dict
        Language to text.

    Examples
    --------
    >>> say_all("boundary_of", level=say_all("level_county"))
    {'en': 'county boundary', 'zh': '县界'}
    """
    return {
        lang: say(
            lang,
            key,
            **{name: v.get(lang, "") if isinstance(v, dict) else v for name, v in values.items()},
        )
        for lang in languages()
    }


def sentences(lang: str, *texts: str) -> str:
    """Join sentences into a paragraph; an empty one is left out.

    Examples
    --------
    >>> sentences("en", "One site.", "", "Two moves."), sentences("zh", "一。", "二。")
    ('One site. Two moves.', '一。二。')
    """
    return say(lang, "sentence_gap").join(text for text in texts if text)


def all_of(lang: str, texts: Sequence[str], of: str = "list") -> str:
    """Join parts of a sentence, the last with "and".

    Parameters
    ----------
    lang
        Language of the texts.
    texts
        The parts; empty gives an empty text.
    of
        "list" for names and numbers, "clause" for clauses.

    Examples
    --------
    >>> all_of("en", ["15 sites", "23 origins", "24 moves"])
    '15 sites, 23 origins and 24 moves'
    """
    first = say(lang, f"{of}_comma").join(texts[:-1])
    return say(lang, f"{of}_and").join(text for text in (first, *texts[-1:]) if text)


def untranslated(text: str) -> dict[str, str]:
    """One text for every language, for names that come from the data.

    Examples
    --------
    >>> untranslated("Aktash")
    {'en': 'Aktash', 'zh': 'Aktash'}
    """
    return dict.fromkeys(languages(), text)


def script_words(script: str) -> dict[str, dict[str, Any]]:
    """Languages for a page whose texts are chosen by a script: only those that the script names.

    Parameters
    ----------
    script
        JavaScript. A text is named by its key in quotes, or by the start of its key in a template
        such as `level_${name}`.

    Returns
    -------
    dict
        Language to its name, tag, plural rules and the texts.

    Examples
    --------
    >>> script_words("word('none')")["zh"]["words"]
    {'none': '无'}
    """
    named = set(re.findall(r"['\"](\w+)['\"]", script))
    starts = tuple(re.findall(r"`(\w+_)\$\{", script)) or ("\0",)
    keys = [key for key in language("en").words if key in named or key.startswith(starts)]
    return {
        lang: {
            **language(lang)._asdict(),
            "words": {key: language(lang).words[key] for key in keys},
        }
        for lang in languages()
    }


def plural_category(rules: Mapping[str, str], n: float) -> str:
    """Plural category of a number by CLDR rules (Unicode Technical Standard 35, part 3).

    Parameters
    ----------
    rules
        Category to rule, such as `{"one": "i = 1 and v = 0"}`; the first that holds is taken.
    n
        The number; one with a fraction is taken with its shortest digits.

    Returns
    -------
    str
        The category; "other" where no rule holds.

    Examples
    --------
    >>> [plural_category({"one": "i = 1 and v = 0"}, n) for n in (0, 1, 2, 1.5)]
    ['other', 'one', 'other', 'other']
    """
    fraction = "" if float(n).is_integer() else f"{abs(float(n))!r}".partition(".")[2]
    digits = len(fraction)
    operands = {"n": abs(float(n)), "i": int(abs(n)), "v": digits, "w": digits}
    operands |= {"f": int(fraction or 0), "t": int(fraction or 0), "e": 0, "c": 0}
    for category, rule in rules.items():
        for either in rule.split(" or "):
            if all(_holds(relation, operands) for relation in either.split(" and ")):
                return category
    return "other"


def _holds(relation: str, operands: Mapping[str, float]) -> bool:
    parts = _RELATION.fullmatch(relation.strip())
    if parts is None:
        raise ValueError(f"not a CLDR plural rule: {relation}")
    value = operands[parts[1]] % int(parts[2]) if parts[2] else operands[parts[1]]
    ends = [low_high.partition("..") for low_high in parts[4].split(",")]
    within = any(
        float(low) <= value <= float(high or low) and (not high or float(value).is_integer())
        for low, _, high in ends
    )
    return within == (parts[3] == "=")


def _written(value: object) -> str:
    """Write a value into a blank: whole numbers in threes, others with six figures at most."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    number = float(value)
    return f"{number:,.0f}" if number.is_integer() else f"{number:,.6g}"
