"""What the charts share: names, titles, legends, and axes with named rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from geosettle import style
from geosettle.figures.canvas import legible, new_figure, wrapped
from geosettle.words import language, say

FEWEST: Final = 3
"""Values of a chart; fewer are a sentence or a row of a table."""


def one_line(text: str, letters: int, otherwise: str = "?") -> str:
    """Return as much of a text as has room on one line of so many letters.

    Examples
    --------
    >>> one_line("Topa relocation site", 10), one_line("", 10)
    ('Topa…', '?')
    """
    return next(iter(wrapped(text, letters, 1)), otherwise)


def names_of(frame: pd.DataFrame, lang: str, most: int = 30) -> dict[str, str]:
    """Return a name per row that the fonts can write, else its identifier."""
    order = ("name_local", "name") if language(lang).local_names else ("name", "name_local")
    columns = [c for c in order if c in frame]
    return {
        str(key): one_line(legible(*[row[c] for c in columns], key)[0], most, str(key))
        for key, row in frame[columns].iterrows()
    }


def titled(figure: Figure, title: str, left: float, note: str = "") -> None:
    """Write a title over a figure, and a note under the title."""
    high = figure.get_figheight()
    figure.text(left, 1 - 0.16 / high, title, fontsize=9.5, weight="bold", va="center")
    if note:
        figure.text(left, 1 - 0.34 / high, note, fontsize=6.5, color=style.MUTED, va="center")


def rows_shown(lang: str, shown: int, every: int, table: str) -> str:
    """Say how many rows are drawn, and which table holds all; nothing where all are drawn."""
    return say(lang, "rows_shown", shown=shown, all=every, table=table) if shown < every else ""


def legend(figure: Figure, handles: Sequence[Artist], down_in: float = 0.36, **look: Any) -> None:
    """Put a legend so many inches below the upper left corner of a figure."""
    corner = (0.0, 1 - down_in / figure.get_figheight())
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, **look)


def marker(label: str, shape: str, face: str, edge: str, size: float = 5) -> Line2D:
    """Return the row of a legend for a symbol."""
    return Line2D([], [], marker=shape, ls="", mfc=face, mec=edge, ms=size, label=label)


def axes_of_rows(row_in: float, rows: int, left: float, wide: float) -> tuple[Figure, Any]:
    """Return a figure and its axes for so many rows, each of this height, named at the left."""
    figure = new_figure(1.15 + row_in * rows)
    high = figure.get_figheight()
    return figure, figure.add_axes((left, 0.42 / high, wide, 1 - 1.1 / high))


def horizontal(axes: Any, label: str) -> None:
    """Dress axes whose rows are named at the left: one scale below, from zero."""
    axes.set_yticks([])
    axes.set_xlim(left=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#E3E6E8", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)
