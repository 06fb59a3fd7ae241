"""report.html: one file that says what was found, how, from what, and what is doubtful."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from xml.etree import ElementTree as ET

import pandas as pd

from geosettle.analysis import Result
from geosettle.problems import Problems, attempt
from geosettle.report import sections_brief, sections_meaning, sections_measures, sections_quality
from geosettle.report.document import Document
from geosettle.report.html_builder import css_text, element, page, stacked_css
from geosettle.report.section import Part, Writer
from geosettle.results import title_of
from geosettle.words import language, say

SECTIONS: Final[Mapping[str, Callable[[Writer], list[Part]]]] = {
    "summary": sections_brief.brief,
    "units": sections_brief.units,
    "sites": sections_measures.sites,
    "distances": sections_measures.distances,
    "rounds": sections_brief.rounds,
    "change": sections_meaning.change,
    "land": sections_measures.land,
    "reach": sections_brief.reach,
    "reading": sections_measures.reading,
    "uncertain": sections_quality.uncertain,
    "problems": sections_quality.problems,
    "declared": sections_measures.declared,
    "remoteness": sections_meaning.remoteness,
    "capitals": sections_meaning.capitals,
    "models": sections_meaning.models,
    "constraints": sections_meaning.constraints,
    "checks": sections_meaning.checks,
    "claims": sections_meaning.claims,
    "methods": sections_quality.methods,
    "sources": sections_quality.sources,
    "run": sections_quality.run,
}
"""Every section of the report, in order; its heading is `h_<name>` in `words`. A new section is one
entry.
"""
_SHOWN: Final[Mapping[str, int]] = {"change": 0, "sites": 2}
"""Tables that a section shows unfolded; of a change the picture holds every number of the first."""
_OPEN: Final = frozenset(
    {"summary", "units", "sites", "distances", "rounds", "change", "land", "reach"}
)
"""Sections that are shown; the others are folded until a reader opens them."""


def report_document(
    result: Result,
    *,
    figures: Mapping[str, bytes] | None = None,
    map_png: bytes | None = None,
    lang: str = "en",
    written: Mapping[str, pd.DataFrame] | None = None,
    problems: Problems | None = None,
) -> Document:
    """Make the report, from which a page or a document to edit is written.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    figures
        What `geosettle.figures` returned; the PNGs are put into the page.
    map_png
        Picture of the interactive map; without it the printed map stands in its place.
    lang
        "en" or "zh"; names and texts of the data stay as they are.
    written
        What `geosettle.tables` returned for the result, where that is at hand.
    problems
        Takes one problem for each section that fails, which is then left out; None: it is raised.

    Returns
    -------
    Document
        Title, head and sections.

    Examples
    --------
    >>> import geosettle as gs
    >>> report_document(gs.analyse(gs.read_study(gs.template_path()))).tag
    'en'
    """
    drawn = dict(figures or {})
    if map_png is not None:
        drawn["od_map.png"] = map_png
    writer = Writer(result, drawn, lang, written)
    made = {}
    for key, write in SECTIONS.items():
        writer.short = key in _OPEN
        made[key] = attempt(problems, f"report section {key}", partial(write, writer))
    sections = [
        (key, parts) for key, parts in made.items() if any(p is not None for p in parts or ())
    ]
    title = title_of(result, lang) or result.study.name
    links = [
        element("li", element("a", say(lang, f"h_{key}"), href=f"#{key}")) for key, _ in sections
    ]
    listed = element("details", element("summary", say(lang, "contents")), element("ol", links))
    contents = element("nav", listed, **{"aria-label": say(lang, "contents")})
    main = element(
        "main",
        [
            _shown(key, say(lang, f"h_{key}"), _first(key, parts or (), say(lang, "more_of_it")))
            if key in _OPEN
            else _folded(key, say(lang, f"h_{key}"), parts or ())
            for key, parts in sections
        ],
        id="main",
    )
    header = element(
        "header",
        element("h1", element("bdi", title)),
        element("p", say(lang, "report_lead"), class_="lead"),
        element("p", _made_by(result, lang), class_="muted made"),
    )
    return Document(title, language(lang).tag, header, contents, main)


def report_html(result: Result, *, lang: str = "en", **given: Any) -> str:
    """Write the report as one HTML file that loads nothing from outside and runs no script.

    Parameters
    ----------
    result, lang, **given
        As `report_document`.

    Returns
    -------
    str
        The page.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> report_html(result)[:15]
    '<!DOCTYPE html>'
    """
    return html_page(report_document(result, lang=lang, **given), lang)


def html_page(document: Document, lang: str = "en") -> str:
    """Write a report as one HTML page.

    Parameters
    ----------
    document
        What `report_document` returned.
    lang
        Language of what the page adds, "en" or "zh".

    Returns
    -------
    str
        The page.

    Examples
    --------
    >>> import geosettle as gs
    >>> document = report_document(gs.analyse(gs.read_study(gs.template_path())))
    >>> html_page(document)[:15]
    '<!DOCTYPE html>'
    """
    css = (
        importlib.resources.files("geosettle.report")
        .joinpath("static", "report.css")
        .read_text("utf-8")
    )
    title, main = document.title, document.main
    skip = element("a", say(lang, "skip_to_report"), href="#main", class_="skip")
    body = element("div", skip, document.header, document.contents, main, class_="page")
    return page(title, css + _running_head(title) + stacked_css(main), [body], document.tag)


def _shown(key: str, heading: str, parts: Sequence[Part]) -> ET.Element:
    """Make a section under its heading."""
    head = element("h2", heading, id=f"{key}-h")
    return element("section", head, parts, id=key, **{"aria-labelledby": f"{key}-h"})


def _first(key: str, parts: Sequence[Part], more: str) -> list[Part]:
    """Keep the first picture and the first tables of a section; what follows is folded."""
    shown_first: list[Part] = []
    rest: list[Part] = []
    left = {"figure": 1, "table": _SHOWN.get(key, 1)}
    for part in (p for p in parts if p is not None):
        table = "table" if part.find(".//table") is not None else ""
        kind = part.tag if part.tag == "figure" else table
        if part.tag == "h3" or (not left[kind] if kind else rest):
            rest.append(part)
            continue
        if kind:
            left[kind] -= 1
        shown_first.append(part)
    return [*shown_first, element("details", element("summary", more), rest) if rest else None]


def _folded(key: str, heading: str, parts: Sequence[Part]) -> ET.Element:
    """Make a section that opens by its heading, or by a link to it."""
    head = element("summary", element("h2", heading, id=f"{key}-h"))
    inner = element("section", parts, id=key, **{"aria-labelledby": f"{key}-h"})
    return element("details", head, inner)


def _running_head(title: str) -> str:
    """Style that prints the title at the head of every page, and its number at the foot."""
    return f'@page {{ @top-left {{ content: "{css_text(title)}"; }} }}\n'


def _made_by(result: Result, lang: str) -> str:
    """State which version made the report, and of which inputs.

    Never when: the same inputs give the same bytes.
    """
    facts = result.provenance
    version = facts.get("geosettle") or facts.get("version") or ""
    return say(
        lang,
        "made_by",
        version=version,
        hash=str(facts.get("input_hash") or "")[:12] or say(lang, "missing"),
    )
