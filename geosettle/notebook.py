"""How study and result show themselves in a notebook: plain HTML, safe where it is not trusted."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from html import escape
from typing import Any, Final

import pandas as pd

from geosettle.analysis import Result
from geosettle.figures import figures
from geosettle.problems import Problems
from geosettle.report import summary_lines
from geosettle.study import Study

_DPI: Final = 110


def study_html(study: Study) -> str:
    """Show layers with their rows and positions, and the count of problems.

    Parameters
    ----------
    study
        Any study.

    Returns
    -------
    str
        HTML without scripts and links. Names are text, whatever they hold.

    Examples
    --------
    >>> import geosettle as gs
    >>> page = study_html(gs.read_study(gs.template_path()))
    >>> "<td>origins</td><td>4</td><td>3</td>" in page, "script" in page
    (True, False)
    """
    rows = [(role, *_counts(layer)) for role, layer in study.layers.items()]
    table = _table(("layer", "rows", "with position"), rows)
    problems = _severities(problem.severity for problem in study.problems)
    return f"<p><b>{escape(study.name)}</b></p>{table}{problems}"


def result_html(result: Result) -> str:
    """Show findings, a small map, the tables with their rows, and the count of problems.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.

    Returns
    -------
    str
        HTML without scripts and links; the map is a picture.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> page = result_html(result)
    >>> "<li>Half of the 460 households moved" in page, "data:image/png" in page
    (True, True)
    """
    failed: Problems = []
    drawn = figures(result, only=["od_map"], dpi=_DPI, formats=("png",), problems=failed)
    pictures = "".join(
        f'<img alt="Map of sites and origins" style="max-width:100%" '
        f'src="data:image/png;base64,{b64encode(data).decode()}">'
        for data in drawn.values()
    )
    findings = "".join(f"<li>{escape(line)}</li>" for line in summary_lines(result))
    frames = {f.name: getattr(result, f.name) for f in fields(result)}
    rows = [
        (f"result.{name}", len(frame))
        for name, frame in frames.items()
        if isinstance(frame, pd.DataFrame) and len(frame)
    ]
    severities = result.problems["severity"] if len(result.problems) else ()
    return (
        f"<p><b>{escape(result.study.name)}</b></p><ul>{findings}</ul>{pictures}"
        f"{_table(('table', 'rows'), rows)}{_severities(severities)}"
    )


def _counts(layer: Any) -> tuple[Any, Any]:
    """Rows of a layer, and how many of them have a geometry."""
    if isinstance(layer, Mapping):
        return f"{len(layer)} years", ""
    if not isinstance(layer, pd.DataFrame):
        return "raster", ""
    located = int(layer.geometry.notna().sum()) if hasattr(layer, "geometry") else ""
    return len(layer), located


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    cells = ("".join(f"<td>{escape(str(value))}</td>" for value in row) for row in rows)
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><tr>{names}</tr>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _severities(severities: Iterable[str]) -> str:
    count = Counter(severities)
    if not count:
        return "<p>No problems were found.</p>"
    text = ", ".join(f"{n} {name}{'s' * (n > 1)}" for name, n in sorted(count.items()))
    return f"<p>Problems: {text}; see <code>problems</code>.</p>"
