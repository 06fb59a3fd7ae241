"""FIGURES: every figure for print, and how it is drawn. A new figure is one entry."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from geosettle.analysis import Result
from geosettle.errors import UnknownNameError
from geosettle.problems import Problems, attempt

__all__ = ["FIGURES", "FigureSpec", "figures"]


@dataclass(frozen=True)
class FigureSpec:
    """One figure: its file name without ending, its drawing function, and the key of its title.

    The key of the title is one of `words`.
    """

    name: str
    title: str
    draw: Callable[[Result, str], Any]


def figures(
    result: Result,
    *,
    lang: str = "en",
    dpi: int = 300,
    formats: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    problems: Problems | None = None,
) -> dict[str, bytes]:
    """Draw every figure of a result.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    lang
        Language of titles and labels, "en" or "zh"; names stay as they are.
    dpi
        Resolution of the PNG files.
    formats
        Some of "png", "svg", "pdf"; None takes those of the study's settings, all three by default.
    only
        Names of the figures to draw, keys of `FIGURES`; None draws all.
    problems
        Takes one problem for each figure that fails, which is then left out; None: it is raised.

    Returns
    -------
    dict
        File name to bytes; the same bytes for the same result. A figure for which the study has no
        data is left out.

    Raises
    ------
    UnknownNameError
        A format or a figure that is not offered.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> sorted(figures(result, only=["od_map"], dpi=50, formats=("png",)))
    ['od_map.png']
    """
    formats = result.study.settings.report.formats if formats is None else formats
    if unknown := set(formats) - {"png", "svg", "pdf"}:
        raise UnknownNameError(
            "there is no such figure format", value=sorted(unknown), mend="Use png, svg or pdf."
        )
    if unknown := set(only or ()) - set(FIGURES):
        raise UnknownNameError(
            "there is no such figure",
            value=sorted(unknown),
            mend=f"There are: {', '.join(FIGURES)}.",
        )
    from geosettle.figures.canvas import encode, look  # noqa: PLC0415  (matplotlib takes most of a second)

    def drawn(spec: FigureSpec) -> dict[str, bytes]:
        figure = spec.draw(result, lang)
        files = {} if figure is None else encode(figure, formats, dpi)
        return {f"{spec.name}.{form}": content for form, content in files.items()}

    made: dict[str, bytes] = {}
    for spec in (FIGURES[name] for name in FIGURES if only is None or name in only):
        with look():  # anew for each, so that none is written with a font that only another needed
            files = attempt(problems, f"figure {spec.name}", partial(drawn, spec))
            made |= files or {}
    return made


def _drawn_by(module: str, name: str) -> Callable[[Result, str], Any]:
    """Return the drawing function of that name.

    It is imported when it is first called: matplotlib is slow to load.
    """

    def draw(result: Result, lang: str) -> Any:
        return getattr(importlib.import_module(f"geosettle.figures.{module}"), name)(result, lang)

    return draw


FIGURES: Final[Mapping[str, FigureSpec]] = {
    spec.name: spec
    for spec in (
        FigureSpec("od_map", "map_title", _drawn_by("od_map", "od_map")),
        FigureSpec("distances", "distances_title", _drawn_by("distance_charts", "distances")),
        FigureSpec(
            "distribution", "distribution_title", _drawn_by("distance_charts", "distribution")
        ),
        FigureSpec("declared", "declared_title", _drawn_by("distance_charts", "declared")),
        FigureSpec("counties", "counties_title", _drawn_by("small_multiples", "counties")),
        FigureSpec("land", "land_title", _drawn_by("bar_charts", "land")),
        FigureSpec("oasis", "oasis_title", _drawn_by("bar_charts", "oasis")),
        FigureSpec("change", "change_title", _drawn_by("slope_charts", "change")),
        FigureSpec("capitals", "capitals_title", _drawn_by("slope_charts", "capitals")),
        FigureSpec("models", "models_title", _drawn_by("bar_charts", "models")),
        FigureSpec("constraints", "constraints_title", _drawn_by("bar_charts", "constraints")),
        FigureSpec("checks", "checks_title", _drawn_by("bar_charts", "checks")),
        FigureSpec("claims", "claims_title", _drawn_by("bar_charts", "claims")),
    )
}
