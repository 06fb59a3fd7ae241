"""The interactive map; the only place that knows folium.

`render` gives a folium.Map whose `save` and notebook display write one safe file: `page` of
`maps.offline` around the payloads of `ELEMENTS`. folium is the shell a user may add layers of their
own to; no data of the study pass through it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from geosettle import style
from geosettle.analysis import Result
from geosettle.locator import land_path
from geosettle.maps import encoding, offline, page_data, page_text
from geosettle.maps.basemaps import Basemap, find_basemap
from geosettle.maps.elements import ELEMENTS, Element, Settings, payloads
from geosettle.maps.folium_map import StudyMap
from geosettle.maps.indicator_columns import indicators
from geosettle.maps.own_columns import own_columns
from geosettle.maps.unit_data import units_table
from geosettle.problems import Problems, attempt
from geosettle.settings import DEFAULTS
from geosettle.terminal import steps
from geosettle.words import language, say_all, script_words

__all__ = ["ELEMENTS", "Element", "Settings", "StudyMap", "map_html", "render"]

_TOLERANCES_DEG: Final = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""Tried in turn until the page fits; 0.001° is about 100 m."""
_METRES_PER_DEGREE: Final = 111_000


def render(
    result: Result,
    *,
    lang: str = "en",
    basemap: str | None = None,
    budget_bytes: int = DEFAULTS.map.budget_bytes,
    relief_px: int = DEFAULTS.map.relief_px,
    title: str | None = None,
    columns: Sequence[str] = (),
    elements: Mapping[str, Element] | None = None,
    problems: Problems | None = None,
) -> StudyMap:
    """Map of a result: shown in a notebook, also offline.

    `save` writes one file that loads nothing.

    Parameters
    ----------
    result
        What `analyse` gave.
    lang
        Language at first, "en" or "zh"; the reader may switch.
    basemap
        Name of an xyzservices provider such as "OpenStreetMap.Mapnik"; then, and only then, the
        page asks the network, and only that host. None: relief and outlines from the study itself.
    budget_bytes
        Outlines are simplified, neighbours together, until the page is no larger than this or
        cannot be reduced; the tolerance is written in the map. Tables are never cut.
    relief_px
        Width of the relief picture, pixels.
    title
        Instead of the title made from what was found.
    columns
        Columns of the sites file that geosettle does not use, to colour the sites by; the card of
        a site shows them.
    elements
        What to draw, by name; None draws `ELEMENTS`.
        `{**ELEMENTS, "wells": Element(...)}` adds one.
    problems
        Takes one problem for each element or part that fails, which is then left out; None: it
        is raised.

    Returns
    -------
    StudyMap
        A folium.Map.

    Raises
    ------
    UnknownNameError
        The language or the base map is unknown.
    InputError
        The base map is shifted against WGS84 (GCJ-02, BD-09) and would put every site in the wrong
        place.

    Examples
    --------
    >>> render(result).save("map.html")  # doctest: +SKIP
    """
    language(lang)  # refuses one that does not exist
    tiles = find_basemap(basemap) if basemap else None
    common = _common(result, lang, tiles=tiles, title=title, columns=columns, problems=problems)
    made_from = json.dumps(result.provenance, ensure_ascii=False, sort_keys=True, default=str)
    made_from = made_from if result.provenance else ""
    data: dict[str, Any] = {}
    for tolerance in _TOLERANCES_DEG:
        how = Settings(tolerance_deg=tolerance, relief_px=relief_px)
        with steps() as step:
            step("drawing the map")
            drawn = list(payloads(result, how, elements, problems))
        data = {**common, "elements": drawn, "rounding": _rounding(drawn, tolerance)}
        size = len(offline.inert_json(data).encode("utf-8")) + offline.shell_bytes(made_from)
        if size <= budget_bytes or not _has_outlines(drawn):
            break
    west, south, east, north = data["view"]
    return StudyMap(
        data, tiles, location=[(south + north) / 2, (west + east) / 2], provenance=made_from
    )


_NOTHING: Final[Mapping[str, Any]] = {
    "kicker": {},
    "title": say_all("title_none"),
    "subtitle": say_all("subtitle_none"),
    "totals": [],
    "view": [-180.0, -60.0, 180.0, 75.0],
    "most": {"site": 1.0, "flow": 1.0, "origin": 1.0},
    "searched": [],
    "card": [],
    "charts": {"land": {}, "capitals": {}, "radius": None},
    "notes": {"caveats": [], "sources": [], "colophon": "", "date": ""},
}
"""What the page holds instead of a part that could not be made; None where it is not named."""


def _common(
    result: Result,
    lang: str,
    *,
    tiles: Basemap | None,
    title: str | None,
    columns: Sequence[str],
    problems: Problems | None,
) -> dict[str, Any]:
    """Everything in the page that does not depend on how far outlines are simplified.

    With `problems`, a part that fails is one of them, and is left out.
    """
    parts: dict[str, Callable[[], Any]] = {
        "view": lambda: page_data.view(result),
        "wrap": lambda: page_data.wrap(result),
        "extent": lambda: page_data.extent(result),
        "most": lambda: page_data.most(result),
        "totals": lambda: page_text.totals(result),
        "searched": lambda: page_data.searched_units(result),
        "units": lambda: units_table(result),
        "card": lambda: page_data.card_columns(result),
        "charts": lambda: page_data.charts(result),
        "notes": lambda: page_text.notes(result),
        "head": lambda: page_text.headline(result, title),
        "places": lambda: _places(result),
        "indicators": lambda: indicators(result),
        "columns": lambda: own_columns(result, columns),
    }
    made = {name: attempt(problems, f"map part {name}", make) for name, make in parts.items()}
    head, places, measured, own = (
        made.pop(name) for name in ("head", "places", "indicators", "columns")
    )
    data: dict[str, Any] = {k: v if v is not None else _NOTHING.get(k) for k, v in made.items()}
    data |= head or {k: _NOTHING[k] for k in ("kicker", "title", "subtitle")}
    data |= places or {name: dict(_NO_PLACES) for name in ("sites", "origins", "flows")}
    shown = [found for found in (own, measured) if found and places]
    of_sites = {name: column for found, _ in shown for name, column in found.items()}
    entries = [entry for _, some in shown for entry in some]
    table: dict[str, Any] = data["sites"]
    data["sites"] = {**table, "columns": table["columns"] | of_sites, "indicators": entries}
    view: list[float] = data["view"]
    return data | {
        "lang": lang,
        "languages": script_words(offline.own_script()),
        "style": _style(),
        "land": attempt(problems, "map part land", lambda: land_path(view)),
        "basemap": tiles.payload() if tiles else None,
    }


_NO_PLACES: Final[Mapping[str, Any]] = {
    "n": 0,
    "columns": {
        "lon": encoding.column([], steps=encoding.POINT_STEPS),
        "lat": encoding.column([], steps=encoding.POINT_STEPS),
        **{name: encoding.rows([]) for name in ("origin", "site", "by_size")},
    },
}
"""A table without rows."""


def _places(result: Result) -> dict[str, Any]:
    """Sites, origins and flows, whose rows name each other."""
    return {
        "sites": page_data.sites_table(result),
        "origins": page_data.origins_table(result),
        "flows": page_data.flows_table(result),
    }


def _style() -> dict[str, Any]:
    """Colours and sizes that the script draws with; the figures of the report use the same."""
    return {
        "site": style.SITE, "flow": style.FLOW, "origin": style.ORIGIN, "chosen": style.SELECTED,
        "ink": style.INK,
        "muted": style.MUTED, "uncertainty": style.UNCERTAINTY, "graticule": style.GRATICULE[0],
        "siteRadius": style.SITE_RADIUS_PX, "originRadius": style.ORIGIN_RADIUS_PX,
        "flowWidth": style.FLOW_WIDTH_PX,
        "flowTaper": style.FLOW_TAPER, "flowOpacity": style.FLOW_OPACITY, "oasis": style.OASIS,
        "changeUp": style.CHANGE_UP, "changeDown": style.CHANGE_DOWN,
        "parcelYears": style.PARCEL_YEARS, "units": style.UNITS, "categories": style.CATEGORIES,
    }  # fmt: skip


def _has_outlines(elements: list[dict[str, Any]]) -> bool:
    return any("paths" in part for element in elements for part in element.get("parts", []))


def _rounding(elements: list[dict[str, Any]], tolerance: float) -> Mapping[str, str] | None:
    if not _has_outlines(elements):
        return None
    step = round(_METRES_PER_DEGREE / encoding.OUTLINE_STEPS)
    if tolerance == 0:
        return say_all("note_rounded", step=step)
    return say_all(
        "note_simplified", step=step, tol=int(np.round(tolerance * _METRES_PER_DEGREE, -1))
    )


def map_html(result: Result, **options: Any) -> str:
    """Write the page of `render(result, **options)` as text.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    **options
        As for `render`.

    Returns
    -------
    str
        The page: one HTML file that loads nothing from outside.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> map_html(result)[:15]
    '<!DOCTYPE html>'
    """
    return render(result, **options).to_html()
