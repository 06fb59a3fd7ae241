"""report.html: one file that says what was found, how, from what, and what is doubtful."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import pandas as pd

from geosettle.analysis import Result
from geosettle.problems import Problems, attempt
from geosettle.report import sections_meaning, sections_measures, sections_quality
from geosettle.report.html_builder import element, page
from geosettle.report.section import Part, Writer
from geosettle.results import title_of
from geosettle.words import language, say

SECTIONS: Final[Mapping[str, Callable[[Writer], list[Part]]]] = {
    "summary": sections_measures.summary,
    "reading": sections_measures.reading,
    "map": sections_measures.site_map,
    "sites": sections_measures.sites,
    "distances": sections_measures.distances,
    "declared": sections_measures.declared,
    "land": sections_measures.land,
    "remoteness": sections_meaning.remoteness,
    "change": sections_meaning.change,
    "capitals": sections_meaning.capitals,
    "models": sections_meaning.models,
    "constraints": sections_meaning.constraints,
    "checks": sections_meaning.checks,
    "claims": sections_meaning.claims,
    "uncertain": sections_quality.uncertain,
    "problems": sections_quality.problems,
    "methods": sections_quality.methods,
    "sources": sections_quality.sources,
    "run": sections_quality.run,
}
"""Every section of the report, in order; its heading is `h_<name>` in `words`. A new section is one
entry.
"""


def report_html(
    result: Result,
    *,
    figures: Mapping[str, bytes] | None = None,
    map_png: bytes | None = None,
    lang: str = "en",
    written: Mapping[str, pd.DataFrame] | None = None,
    problems: Problems | None = None,
) -> str:
    """Write the report as one HTML file that loads nothing from outside and runs no script.

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
    str
        The page.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> report_html(result)[:15]
    '<!DOCTYPE html>'
    """
    drawn = dict(figures or {})
    if map_png is not None:
        drawn["od_map.png"] = map_png
    writer = Writer(result, drawn, lang, written)
    made = {
        key: attempt(problems, f"report section {key}", partial(write, writer))
        for key, write in SECTIONS.items()
    }
    sections = [
        (key, parts) for key, parts in made.items() if any(p is not None for p in parts or ())
    ]
    title = title_of(result, lang) or result.study.name
    contents = element(
        "nav",
        element(
            "ol",
            [
                element("li", element("a", say(lang, f"h_{key}"), href=f"#{key}"))
                for key, _ in sections
            ],
        ),
        **{"aria-label": say(lang, "contents")},
    )
    main = element(
        "main",
        [
            element(
                "section",
                element("h2", say(lang, f"h_{key}"), id=f"{key}-h"),
                parts,
                id=key,
                **{"aria-labelledby": f"{key}-h"},
            )
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
    css = (
        importlib.resources.files("geosettle.report")
        .joinpath("static", "report.css")
        .read_text("utf-8")
    )
    skip = element("a", say(lang, "skip_to_report"), href="#main", class_="skip")
    return page(
        title,
        css,
        [element("div", skip, header, contents, main, class_="page")],
        language(lang).tag,
    )


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
