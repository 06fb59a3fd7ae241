"""Fonts of the figures: the Noto fonts shipped here and matplotlib's DejaVu Sans, no other."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import font_manager

FAMILIES: Final = ("Noto Sans", "DejaVu Sans", "Noto Sans SC")
"""Families that every text is written with; one for another script joins them when it is needed,
because each further family makes every text slower."""
_FOLDER: Final = Path(__file__).parent / "static"


@contextmanager
def own_fonts() -> Iterator[None]:
    """Let matplotlib find these fonts and no others inside this.

    A figure is then the same on every machine: the fonts that are installed, and the list of them
    that matplotlib keeps, do not matter.
    """
    installed = font_manager.fontManager.ttflist
    _replace_list(list(_faces()))
    try:
        yield
    finally:
        _replace_list(installed)


@cache
def family_with(letter: str) -> str | None:
    r"""Return the family to write a letter with, None where no font has it.

    Of several that have it: the first of `FAMILIES`, then one named after the script, then the
    first by name.

    Examples
    --------
    >>> family_with("A"), family_with("\u1230"), family_with("\ud55c")
    ('Noto Sans', 'Noto Sans Ethiopic', None)
    """
    script = unicodedata.name(letter, "?").split(" ", 1)[0].capitalize()
    found = [name for name, font in _fonts().items() if font.get_char_index(ord(letter))]
    return min(
        found,
        key=lambda name: (
            FAMILIES.index(name) if name in FAMILIES else 9,
            script not in name,
            name,
        ),
        default=None,
    )


def _replace_list(faces: list[Any]) -> None:
    manager = font_manager.fontManager
    manager.ttflist = []
    manager.addfont(_paths()[0])  # adding a font makes it forget what it found before
    manager.ttflist = faces


@cache
def _paths() -> tuple[Path, ...]:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    cuts = ("", "-Bold", "-Oblique", "-BoldOblique")
    return (*(folder / f"DejaVuSans{cut}.ttf" for cut in cuts), *sorted(_FOLDER.glob("*.ttf")))


@cache
def _faces() -> tuple[Any, ...]:
    return tuple(font_manager.ttfFontProperty(font_manager.get_font(path)) for path in _paths())


@cache
def _fonts() -> dict[str, Any]:
    """Return the upright font of each family."""
    upright = [face for face in _faces() if face.style == "normal" and face.weight == 400]
    return {face.name: font_manager.get_font(face.fname) for face in upright}
