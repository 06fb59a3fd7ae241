"""Every sentence and label of report and figures: static/words.json is the one table. Data is never
translated.
"""

from __future__ import annotations

import importlib.resources
import json
from functools import cache
from typing import Any, Final

from geosettle.errors import UnknownNameError

__all__ = ["LANGUAGES", "has", "say"]

LANGUAGES: Final = ("en", "zh")


@cache
def _words() -> dict[str, dict[str, str]]:
    file = importlib.resources.files("geosettle.words") / "words.json"
    words: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
    return words


def say(lang: str, key: str, **values: Any) -> str:
    """Return one string of the interface.

    Parameters
    ----------
    lang
        "en" or "zh".
    key
        Name of the string.
    values
        What stands in its braces; written as text, never read as a format itself.

    Raises
    ------
    UnknownNameError
        The language or the key does not exist.

    Examples
    --------
    >>> say("en", "households_n", n=1660)
    '1,660 households'
    """
    if lang not in LANGUAGES:
        raise UnknownNameError("there is no such language", value=lang, mend="Use en or zh.")
    if key not in _words():
        raise UnknownNameError("there is no such string", value=key)
    return _words()[key][lang].format(**values)


def has(key: str) -> bool:
    """Whether there is a string of that name.

    Examples
    --------
    >>> has("site"), has("nonsense")
    (True, False)
    """
    return key in _words()
