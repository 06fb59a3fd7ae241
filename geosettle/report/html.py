"""report.html: one file that says what was found, how, from what, and what is doubtful."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from geosettle.analysis import Result
from geosettle.report import _meaning, _places, _trust
from geosettle.report._page import element, page
from geosettle.report._writer import Part, Writer
from geosettle.report.values import title_of
from geosettle.report.words import say

__all__ = ["SECTIONS", "report_html"]

SECTIONS: Final[Mapping[str, Callable[[Writer], list[Part]]]] = {
    "summary": _places.summary,
    "reading": _places.reading,
    "map": _places.site_map,
    "sites": _places.sites,
    "distances": _places.distances,
    "declared": _places.declared,
    "land": _places.land,
    "remoteness": _meaning.remoteness,
    "change": _meaning.change,
    "capitals": _meaning.capitals,
    "models": _meaning.models,
    "constraints": _meaning.constraints,
    "checks": _meaning.checks,
    "claims": _meaning.claims,
    "uncertain": _trust.uncertain,
    "problems": _trust.problems,
    "methods": _trust.methods,
    "sources": _trust.sources,
    "run": _trust.run,
}
"""Every section of the report, in order; its heading is `h_<name>` in `words`. A new section is one entry."""


def report_html(
    result: Result,
    *,
    figures: Mapping[str, bytes] | None = None,
    map_png: bytes | None = None,
    lang: str = "en",
    written: Mapping[str, pd.DataFrame] | None = None,
) -> str:
    """Write the report as one HTML file that loads nothing from outside and runs no script.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    figures
        What `geosettle.report.figures` returned; the PNGs are put into the page.
    map_png
        Picture of the interactive map; without it the printed map stands in its place.
    lang
        "en" or "zh"; names and texts of the data stay as they are.
    written
        What `geosettle.report.tables` returned for the result, where that is at hand.
    """
    drawn = dict(figures or {})
    if map_png is not None:
        drawn["od_map.png"] = map_png
    writer = Writer(result, drawn, lang, written)
    sections = [(key, write(writer)) for key, write in SECTIONS.items()]
    title = title_of(result, lang) or result.study.name
    contents = element(
        "nav",
        element("ol", [element("li", element("a", say(lang, f"h_{key}"), href=f"#{key}")) for key, _ in sections]),
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
    css = importlib.resources.files("geosettle.report").joinpath("static", "report.css").read_text("utf-8")
    skip = element("a", say(lang, "skip"), href="#main", class_="skip")
    return page(title, css, [element("div", skip, header, contents, main, class_="page")], lang)


def _made_by(result: Result, lang: str) -> str:
    """Say which version made the report, and of which inputs; never when, for the same inputs give the same bytes."""
    facts = result.provenance
    version = facts.get("geosettle") or facts.get("version") or ""
    return say(lang, "made_by", version=version, hash=str(facts.get("input_hash") or "")[:12] or say(lang, "missing"))
