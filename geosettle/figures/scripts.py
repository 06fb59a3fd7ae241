"""Fonts for the scripts that the usual families lack: looked up when a text needs one, and not
before.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Final

import numpy as np
from matplotlib import font_manager
from numpy.typing import NDArray

__all__ = ["family_with"]

_NO_LETTERS: Final = re.compile(r"last ?resort|blank|notdef", re.IGNORECASE)
"""Fonts that have a box for every letter."""
_UPRIGHT: Final = 400


@cache
def family_with(letter: str) -> str | None:
    """Return the installed family to write a letter with, None where no installed font has it.

    Of several that have it: one named after the script, then Noto Sans, then another without
    serifs, then the first by name; the same on every run.

    Examples
    --------
    >>> family_with("A") is None  # matplotlib brings a font along
    False
    """
    script = unicodedata.name(letter, "?").split(" ", 1)[0].capitalize()
    found = [name for name, codes in _letters().items() if ord(letter) in codes]
    return min(found, key=lambda name: (script not in name, *_preference(name)), default=None)


@cache
def _letters() -> dict[str, NDArray[np.int32]]:
    """Return the codes of the letters that each installed family has; a third of a second with 250
    families of Noto.
    """
    faces: dict[str, Any] = {}
    for entry in font_manager.fontManager.ttflist:
        if entry.style == "normal" and not _NO_LETTERS.search(entry.name):
            held = faces.get(entry.name)
            faces[entry.name] = entry if held is None else min(held, entry, key=_plainness)
    found = {}
    for name, face in faces.items():
        try:
            font = font_manager.get_font(font_manager.FontPath(face.fname, face.index))
            found[name] = np.fromiter(font.get_charmap(), dtype=np.int32)
        except (OSError, RuntimeError):  # listed, and gone or damaged since
            continue
    return found


def _plainness(face: Any) -> tuple[int, str, int]:
    weight = face.weight if isinstance(face.weight, int) else _UPRIGHT
    return abs(weight - _UPRIGHT), face.fname, face.index


def _preference(name: str) -> tuple[bool, bool, bool, str]:
    return not name.startswith("Noto Sans"), "Sans" not in name, "Mono" in name, name
