"""The map of origins and destinations, for print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from matplotlib.figure import Figure

from geosettle import style
from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.figures.canvas import WIDTH_IN, legible, new_figure, wrapped, written
from geosettle.figures.chart_parts import names_of
from geosettle.figures.map_furniture import (
    LEGEND_DOWN_IN,
    LEGEND_ROW_IN,
    Shown,
    furnish,
    graticule,
    legend_rows,
)
from geosettle.figures.map_labels import (
    label_origins,
    label_seats,
    label_sites,
    label_units,
    mark_seats,
    named_origins,
    named_sites,
    site_names,
)
from geosettle.figures.map_layers import MOST_FLOWS, Sheet, draw_layers, flows_between, prepare
from geosettle.figures.map_projection import Frame, frame_around, frame_with
from geosettle.levels import ladder
from geosettle.results import title_of
from geosettle.words import say

_SIDE: Final = 0.05  # free strip at the left and right of the sheet, share of the figure's width
_HEAD_IN: Final = 0.5
_TITLE_LINE_IN: Final = 0.19
_TITLE_LETTERS: Final = 70
_MOST_LISTED: Final = 12
_NAME_LETTERS: Final = 48
_WIDEST_DISC_M: Final = 60e3  # a wider disc of uncertainty may leave the sheet


def od_map(result: Result, lang: str) -> Figure | None:
    """Draw the origin-destination map on an equal-area sheet 180 mm wide."""
    layers = prepare(result)
    sites, origins = layers.sites, layers.origins
    places = pd.concat([sites, origins])
    if places.empty:
        return None
    # Places named for comparison only may lie far off; they are drawn where the sheet reaches, and
    # do not widen it.
    framed = places[~places["compared"]] if (~places["compared"]).any() else places
    frame = frame_around(
        framed["lon"], framed["lat"], np.minimum(framed["radius_m"], _WIDEST_DISC_M)
    )
    frame = frame_with(frame, _home_units(result, framed))
    x, y = frame.xy(places["lon"], places["lat"]).T
    off = places.index[(x < frame.x0) | (x > frame.x1) | (y < frame.y0) | (y > frame.y1)]
    sites, origins = sites.drop(off, errors="ignore"), origins.drop(off, errors="ignore")
    moves = len(flows_between(layers, layers.origins.index, layers.sites.index))
    shown = Shown(sites, origins, moves)
    caption = _caption(result, frame, shown, off, lang)
    sheet_in = WIDTH_IN * (1 - 2 * _SIDE)
    legend_in = LEGEND_DOWN_IN + LEGEND_ROW_IN * legend_rows(layers, shown, lang)
    high_in = sheet_in * frame.height / frame.width
    foot_in = legend_in + 0.04 + 0.125 * len(caption)
    heading = title_of(result, lang) or say(lang, "map_title" if moves else "map_title_sites")
    title = wrapped(legible(heading, result.study.name)[0], _TITLE_LETTERS, 2)
    head_in = _HEAD_IN + _TITLE_LINE_IN * (len(title) - 1)
    total = high_in + head_in + foot_in
    figure = new_figure(total)
    axes = figure.add_axes((_SIDE, foot_in / total, 1 - 2 * _SIDE, high_in / total))
    sheet = Sheet(axes, frame, sheet_in)
    flows = draw_layers(sheet, layers)
    graticule(sheet)
    seats = mark_seats(sheet, result)
    furnish(sheet, layers, Shown(sites, origins, flows), lang)
    named = label_sites(sheet, sites, lang, most=layers.most, crowding=layers.crowding_of_symbols)
    label_seats(sheet, seats, lang)
    label_origins(sheet, origins, lang)
    label_units(sheet, result, lang)
    for side in axes.spines.values():
        side.set_visible(True)
    unknown = len(result.sites) + len(result.origins) - len(places)
    subtitle = _subtitle(len(sites), len(origins), flows, unknown, lang)
    if named < len(sites):
        subtitle += say(lang, "named_of", shown=named, all=len(sites))
    head: dict[str, Any] = {"fontsize": 10, "weight": "bold", "va": "top", "linespacing": 0.98}
    figure.text(_SIDE, 1 - 0.09 / total, "\n".join(title), **head)
    figure.text(
        _SIDE, 1 - (head_in - 0.14) / total, subtitle, fontsize=7, color=style.MUTED, va="center"
    )
    foot = "\n".join(caption)
    figure.text(
        _SIDE,
        (foot_in - legend_in) / total,
        foot,
        fontsize=5.8,
        color=style.MUTED,
        va="top",
        linespacing=1.12,
    )
    return figure


def _home_units(result: Result, places: pd.DataFrame) -> Any:
    """Return the highest units that places lie in."""
    boundaries = result.study.boundaries
    if boundaries is None or boundaries.empty:
        return []
    level = boundaries["level"].astype(str)
    top = np.asarray(boundaries.geometry[level == ladder(boundaries)[0]], dtype=object)
    top = top[~(shapely.is_missing(top) | shapely.is_empty(top))]
    inside = shapely.STRtree(top).query(
        shapely.points(places["lon"], places["lat"]), predicate="within"
    )[1]
    return top[np.unique(inside)]


def _subtitle(sites: int, origins: int, flows: int, unknown: int, lang: str) -> str:
    """Count what is on the map, and what could not be put there."""
    counts = {"map_n_sites": sites, "map_n_origins": origins, "map_n_flows": flows}
    parts = say(lang, "list_comma").join(say(lang, key, n=n) for key, n in counts.items() if n)
    return say(lang, "map_subtitle", parts=parts) + (
        say(lang, "map_n_unknown", n=unknown) if unknown else ""
    )


def _caption(result: Result, frame: Frame, shown: Shown, off: pd.Index, lang: str) -> list[str]:
    """Say how the map was made, whose lines it shows, and what is not on it."""
    study = result.study
    sites, origins, moves = shown
    parts = [say(lang, "projection", label=frame.label)]
    if study.dem is not None:
        parts.append(say(lang, "relief_from", source=study.dem.source or "DEM"))
    if study.boundaries is not None:
        note = study.settings.study.boundary_note.strip().rstrip(".")
        parts.append(f"{note}." if note else say(lang, "boundaries_as_drawn"))
        if note and "no position" not in note and "立场" not in note:
            parts.append(say(lang, "boundaries_as_drawn"))
    if moves:
        parts.append(say(lang, "schematic"))
    both = (result.sites, result.origins)
    lost = [frame[frame.geometry.isna()] for frame in both]
    outside = [frame[frame.index.isin(off)] for frame in both]
    for key, frames in (("not_drawn", lost), ("off_sheet", outside)):
        if names := _named(frames, lang):
            parts.append(say(lang, key, ids=_listed(names, lang)))
    if moves > MOST_FLOWS:
        parts.append(say(lang, "flows_of", shown=MOST_FLOWS))
    named = pd.concat([named_sites(sites).sort_index(), named_origins(origins).sort_index()])
    rows = zip(named.index, named.to_dict("records"), strict=True)
    strange = [str(key) for key, row in rows if legible(*site_names(row, lang))[0] == "?"]
    if strange:
        parts.append(say(lang, "unwritable", ids=_listed(strange, lang)))
    # Chinese sentences follow each other without a space, except after one in Latin letters.
    gap = say(lang, "sentence_gap")
    text = "".join(f"{part} " if part[-1:].isascii() else f"{part}{gap}" for part in parts)
    return wrapped(written(text), 150)


def _named(frames: Sequence[pd.DataFrame], lang: str) -> list[str]:
    """Name the rows of tables of places, those of most households first."""
    found: list[tuple[float, str]] = []
    for frame in frames:
        names = names_of(frame, lang, _NAME_LETTERS)
        count = numbers(frame, "households").fillna(-1)
        found += [(n, names[str(key)]) for key, n in count.items()]
    return [name for _, name in sorted(found, key=lambda each: -each[0])]


def _listed(ids: Sequence[object] | pd.Index, lang: str) -> str:
    """List identifiers, the first of them where there are many."""
    text = ", ".join(map(str, ids[:_MOST_LISTED]))
    return (
        text
        if len(ids) <= _MOST_LISTED
        else say(lang, "ids_and_more", ids=text, n=len(ids) - _MOST_LISTED)
    )
