"""What every figure shares: the look, the writing, and bytes that are the same twice."""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import matplotlib as mpl
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image

from geosettle import style
from geosettle.figures.fonts import FAMILIES, family_with, own_fonts

WIDTH_IN: Final = 180 / 25.4
"""Width of a figure: two columns of a journal, 180 mm."""
_LAYOUT_DPI: Final = 300
"""Resolution at which labels are measured and placed; the usual one of the PNG files."""
_DRAWN_AS_SHAPES: Final = 50_000
"""Vertices up to which SVG and PDF hold shapes, beyond a picture of what has many."""
_PICTURE_DPI: Final = 200
"""Of that picture: symbols of a millimetre keep their form, and the file a third of its size."""

HALO: Final[dict[str, Any]] = {
    "path_effects": [patheffects.withStroke(linewidth=1.8, foreground="white", alpha=0.9)],
    "gid": "halo",
}
"""Look of a text that stands on a map."""
_HALO_RULE: Final = b"[id^=halo] text{paint-order: stroke; stroke: #ffffff; stroke-width: 1.8px}"
_STYLE: Final = b"*{stroke-linejoin: round; stroke-linecap: butt}"

_JOINERS: Final = "\u200c\u200d"
"""They have no look of their own; they say how the letters next to them are joined."""
_LOOKING: Final = ContextVar("looking", default=False)
"""Whether the house style holds."""


def px(size: float) -> float:
    """Points of a size in CSS pixels (1/96 inch), the unit of the shared style."""
    return size * 0.75


def _writable(text: str) -> bool:
    """Whether the fonts have every letter.

    Inside `look`, families that are needed for it are added to the usual ones.
    """
    needed = [family_with(letter) for letter in sorted(set(text) - {" ", *_JOINERS})]
    if None in needed:
        return False
    if _LOOKING.get():
        usual = mpl.rcParams["font.family"]
        new = [name for name in dict.fromkeys(needed) if name not in usual]
        mpl.rcParams["font.family"] = [*usual[:-1], *new, usual[-1]]
    return True


def shaped() -> bool:
    """Whether this matplotlib joins Arabic letters and sets text from right to left.

    Version 3.11 and newer can.
    """
    numbers = re.findall(r"\d+", mpl.__version__)[:2]
    return tuple(int(n) for n in numbers) >= (3, 11)


def legible(*candidates: object) -> tuple[str, bool]:
    r"""Return the first candidate that the fonts can write, and whether it was the first.

    Never a row of empty boxes: a name in a script without a font gives way to the next candidate
    (an id, say), and the caller prints a note. Control and direction characters are left out, line
    ends become spaces. Texts that are made inside `look` after this call are written with the fonts
    that it found.

    Examples
    --------
    >>> legible("Kokyar", "OR-08")
    ('Kokyar', True)
    >>> legible("\U00031300", "OR-08")
    ('OR-08', False)
    """
    texts = [
        "".join(
            " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter
            for letter in str(text)
            if letter in _JOINERS or unicodedata.category(letter) not in {"Cf", "Cs", "Co", "Cn"}
        ).strip(" " + _JOINERS)
        for text in candidates
        if text is not None and text == text and str(text).strip()  # noqa: PLR0124  (NaN is not equal to itself)
    ]
    for place, text in enumerate(texts):
        backwards = any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)
        if text and (shaped() or not backwards) and _writable(text):
            return text, place == 0
    return "?", False


def written(sentence: str) -> str:
    r"""Return a sentence in which letters without a font are shown as a bracketed gap.

    Examples
    --------
    >>> written("Source: \U00031300\U00031301 survey.")
    'Source: [...] survey.'
    """
    letters = [
        letter if letter.isspace() or letter in _JOINERS or legible(letter, "")[1] else "\0"
        for letter in sentence
    ]
    return re.sub("\0+", "[...]", "".join(letters)).replace("\n", " ")


def wrapped(text: str, columns: int, most: int | None = None) -> list[str]:
    """Break text into lines of so many columns; a Chinese letter takes two and may end a line.

    Parameters
    ----------
    text
        Words, with spaces or in a script that has none.
    columns
        Width of a line, in Latin letters.
    most
        Most lines; what is left over is shown as an ellipsis.

    Examples
    --------
    >>> wrapped("Topa relocation site (Torugart Port)", 22)
    ['Topa relocation site', '(Torugart Port)']
    >>> wrapped("one two three", 5, 2)
    ['one', 'two…']
    >>> wrapped("land within 30 km", 14), wrapped("Hinterland", 6)
    (['land within', '30 km'], ['Hinter', 'land'])
    """
    lines, line, wide = [], "", 0
    # A word longer than a line is broken; a number is not parted from a short unit after it.
    word = rf"\d+ (?:km|ha|m|h|%)(?!\w)|[^\s\u2e80-\u9fff\uff00-\uffef]{{1,{max(columns, 1)}}}"
    for piece in re.findall(rf"[\u2e80-\u9fff\uff00-\uffef]|{word}|\s+", text):
        bound = _bound(line, piece)
        line, piece = line + piece[:bound], piece[bound:]  # noqa: PLW2901
        if not piece:
            continue
        size = len(piece) + sum(letter >= "\u2e80" for letter in piece)
        closing = piece[0] in "\uff0c\uff1b\uff1a\u3002\uff09\u3001)]"  # such a mark begins no line
        if line.strip() and wide + size > columns and not piece.isspace() and not closing:
            lines.append(line.strip())
            line, wide = "", 0
        line, wide = line + piece, wide + size
    lines += [line.strip()] if line.strip() else []
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(" ,;(") + "\N{HORIZONTAL ELLIPSIS}"]
    return lines


def letterspaced(text: str) -> str:
    r"""Set letters apart by thin spaces, in a script that allows it.

    Letters that join or carry marks stay together.

    Examples
    --------
    >>> letterspaced("OASIS").replace("\u2009", "|"), letterspaced("\u0e17\u0e35\u0e48")
    ('O|A|S|I|S', '\u0e17\u0e35\u0e48')
    """
    bound = (
        unicodedata.category(a)[0] == "M" or unicodedata.bidirectional(a) in {"R", "AL"}
        for a in text
    )
    return text if any(bound) else "\u2009".join(text)


def _bound(line: str, piece: str) -> int:
    """Count the letters at the start of a piece that no line may begin with.

    These are marks, and what is joined to the last letter.
    """
    at = 0
    while line and at < len(piece) and not piece.isascii():
        last, letter = (line + piece[:at])[-1], piece[at]
        joined = (
            unicodedata.combining(last) == 9 or last in _JOINERS or letter in _JOINERS
        )  # 9: a virama
        if not joined and unicodedata.category(letter)[0] != "M":
            break
        at += 1
    return at


@contextmanager
def look() -> Iterator[None]:
    """Draw inside this: matplotlib's defaults, not the user's, with the house style over them."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)  # that a fallback font has no bold cut is no news to the user
    before = _LOOKING.set(True)
    with mpl.rc_context(), own_fonts():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "axes.edgecolor": style.INK,
                "axes.labelcolor": style.INK,
                "axes.linewidth": 0.6,
                "axes.spines.right": False,
                "axes.spines.top": False,
                "axes.titlesize": 8,
                "axes.unicode_minus": True,
                "figure.facecolor": style.PAPER,
                "font.family": [*FAMILIES, "sans-serif"],  # what else a reader of the SVG has
                "font.sans-serif": [FAMILIES[0]],
                "font.size": 7,
                "hatch.linewidth": 0.5,
                "legend.fontsize": 6,
                "legend.frameon": False,
                "path.simplify": True,
                "pdf.fonttype": 42,
                "svg.fonttype": "none",
                "svg.hashsalt": "geosettle",
                "text.color": style.INK,
                "text.parse_math": False,  # a dollar sign in a name is a dollar sign
                "xtick.color": style.MUTED,
                "xtick.labelsize": 6.5,
                "xtick.major.width": 0.5,
                "ytick.color": style.INK,
                "ytick.labelsize": 6.5,
                "ytick.major.width": 0.5,
            }
        )
        try:
            yield
        finally:
            _LOOKING.reset(before)
            log.setLevel(level)


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """Return an empty figure that belongs to no window."""
    figure = Figure(figsize=(width_in, height_in), dpi=_LAYOUT_DPI)
    FigureCanvasAgg(figure)
    return figure


def bare_axes(axes: Any) -> None:
    """Take ticks and spines away."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def encode(figure: Figure, formats: Sequence[str], dpi: int) -> dict[str, bytes]:
    """Return the figure's bytes per format ("png", "svg", "pdf").

    They hold no date: the same drawing gives the same bytes.
    """
    made = {}
    if "png" in formats:
        made["png"] = _png(figure, dpi)
    # With a halo matplotlib writes outlines, not text: in SVG the same halo is one rule of style,
    # in PDF the outlines lie under the text.
    named: list[Any] = figure.findobj(lambda artist: artist.get_gid() == HALO["gid"])
    for text in named:
        text.set_path_effects([])
    vertices = {one: _vertices(one) for one in figure.findobj(Collection)}
    many = sum(vertices.values()) > _DRAWN_AS_SHAPES
    crowded = [one for one, count in vertices.items() if many and count > 500]
    for one in crowded:
        one.set_rasterized(True)
    if "svg" in formats:
        coarse = _PICTURE_DPI if crowded else 110
        plain = _saved(figure, "svg", coarse, {"Date": None, "Creator": None})
        made["svg"] = plain.replace(_STYLE, _STYLE + _HALO_RULE, 1)
    if "pdf" in formats:
        for picture in figure.findobj(AxesImage):
            picture.set_interpolation(
                "none"
            )  # the picture as it is, not blown up to the dots of the paper
        for text in named:
            text.axes.add_artist(_HaloAlone(text))
        made["pdf"] = _saved(
            figure,
            "pdf",
            _PICTURE_DPI if crowded else dpi,
            {"CreationDate": None, "Producer": None, "Creator": None},
        )
    return {name: made[name] for name in formats}


def _vertices(collection: Any) -> int:
    """Vertices of what a collection draws; a marker is drawn once for each of its positions."""
    return len(collection.get_offsets()) + sum(len(path) for path in collection.get_paths())


class _HaloAlone(Artist):
    """The halo of a text without the text, drawn just below it."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self._text = text
        self.set_zorder(text.get_zorder() - 1e-6)

    def draw(self, renderer: Any) -> None:
        ink = self._text.get_color()
        self._text.set(color="white", path_effects=HALO["path_effects"])
        self._text.draw(renderer)
        self._text.set(color=ink, path_effects=[])


def _saved(figure: Figure, form: str, dpi: int, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def _png(figure: Figure, dpi: int) -> bytes:
    """Write a PNG of at most 256 colours.

    It is a third of the size, and the eye finds no difference.
    """
    buffer = io.BytesIO()
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.frombuffer(
        "RGBA", canvas.get_width_height(), canvas.buffer_rgba().tobytes()
    ).convert("RGB")
    palette = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette.save(buffer, format="png", dpi=(dpi, dpi), optimize=False, compress_level=6)
    return buffer.getvalue()
