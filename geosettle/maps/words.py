"""Every word of the map, in every language it speaks: strings.json is the one table."""

from __future__ import annotations

import importlib.resources
import json
from functools import cache
from typing import Any, Final

from geosettle.errors import UnknownNameError

__all__ = ["LANGUAGES", "both", "has_words", "table", "words"]

LANGUAGES: Final = ("en", "zh")


@cache
def _strings() -> dict[str, dict[str, str]]:
    file = importlib.resources.files("geosettle.maps") / "static" / "strings.json"
    strings: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
    return strings


def table() -> dict[str, dict[str, str]]:
    """Language to key to text, as the script reads it.

    Examples
    --------
    >>> table()["zh"]["none"]
    '无'
    """
    return {lang: {key: texts[lang] for key, texts in _strings().items()} for lang in LANGUAGES}


def has_words(key: str) -> bool:
    """Whether strings.json has this key.

    Examples
    --------
    >>> has_words("none"), has_words("no such key")
    (True, False)
    """
    return key in _strings()


def both(text: str) -> dict[str, str]:
    """One text for every language, for names that come from the data.

    Examples
    --------
    >>> both("Aktash")
    {'en': 'Aktash', 'zh': 'Aktash'}
    """
    return dict.fromkeys(LANGUAGES, text)


def words(key: str, **values: Any) -> dict[str, str]:
    """One text in every language, with its blanks filled.

    Parameters
    ----------
    key
        Key of strings.json.
    **values
        What to fill in: a text, or a text per language as this function returns it. Numbers are
        grouped in threes.

    Returns
    -------
    dict
        Language to text.

    Raises
    ------
    UnknownNameError
        There is no such key.

    Examples
    --------
    >>> words("raster_walk_h")["en"]
    'Walking time to the nearest site'
    >>> words("boundary", level=words("level_county"))
    {'en': 'County boundary', 'zh': '县界'}
    """
    texts = _strings().get(key)
    if texts is None:
        raise UnknownNameError("the map has no such text", value=key)
    out = {}
    for lang in LANGUAGES:
        text = texts[lang]
        for name, value in values.items():
            filled = value.get(lang, "") if isinstance(value, dict) else value
            filled = f"{filled:,}" if isinstance(filled, int | float) and not isinstance(filled, bool) else str(filled)
            text = text.replace(f"{{{name}}}", filled)
        out[lang] = text
    return out
