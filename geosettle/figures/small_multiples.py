"""Small multiples: the sites of each administrative unit, all panels at one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from geosettle import style
from geosettle.analysis import Result, units_by_level
from geosettle.cells import numbers
from geosettle.figures.canvas import HALO, WIDTH_IN, new_figure
from geosettle.figures.chart_parts import names_of, one_line
from geosettle.figures.map_labels import label_sites
from geosettle.figures.map_layers import Sheet, draw_layers, prepare
from geosettle.figures.map_projection import frame_around
from geosettle.geodesy import inverse
from geosettle.results.given import finest_level
from geosettle.words import say

_MOST: Final = 16
_ACROSS: Final = 4
_SPANS_M: Final = {120e3: 50e3, 60e3: 20e3, 24e3: 10e3}
"""Widths of a panel, each with the length of its scale bar."""
_FILLED: Final = 0.7
"""Share of a panel's width that the sites of one unit may take."""


def counties(result: Result, lang: str) -> Figure | None:
    """Draw one square panel per finest unit that has a site with a known position.

    The unit is that of the table of units: as stated, else by position. Sites that are far
    apart get one panel each.
    """
    layers, level = prepare(result), finest_level(result)
    by_level = units_by_level(result.study, result.sites, result.origins)
    keys = next((units for units in by_level if units.level == level), None)
    if layers.sites.empty or (keys is None and level not in result.sites):
        return None
    units = result.sites[level] if keys is None else pd.Series(keys.site, result.sites.index)
    units = units.replace("", pd.NA)
    everyone = _groups(layers.sites[~layers.sites["compared"]], units)
    if not everyone:
        return None
    households = numbers(result.sites, "households").groupby(units).transform("sum")
    everyone = _most_first(everyone, households)
    span = _span(everyone)
    groups = _apart(everyone, span) if len(everyone) > _MOST else everyone
    across = min(_ACROSS, len(groups))
    down = -(-len(groups) // across)
    panel = (WIDTH_IN - 0.1) / _ACROSS - 0.06
    figure = new_figure(0.46 + down * (panel + 0.24))
    wide, high = figure.get_figwidth(), figure.get_figheight()
    names = names_of(
        _unit_names(result, units, keys.names if keys else {u: u for u in units}), lang
    )
    drawn: set[Any] = set()
    all_named = True
    for number, members in enumerate(groups):
        frame = frame_around(*_middle(members), span / 2, margin=0.0)
        x = 0.05 + (number % across) * (panel + 0.06)
        y = high - 0.46 - (number // across + 1) * (panel + 0.24) + 0.06
        axes = figure.add_axes((x / wide, y / high, panel / wide, panel / high))
        sheet = Sheet(axes, frame, panel)
        draw_layers(sheet, layers, pixels=240)
        drawn |= (
            sheet.drawn
            | ({"origin"} if sheet.rings else set())
            | ({"flow"} if sheet.curves else set())
        )
        named = label_sites(
            sheet, members, lang, most=layers.most, fontsize=5.3, letters=20, lines=3
        )
        all_named &= named == len(members)
        for side in axes.spines.values():
            side.set_visible(True)
        title = names.get(str(members.index[0]), "?")
        alike = [names.get(str(group.index[0]), "?") for group in everyone]
        if alike.count(title) > 1:  # the sites of one unit lie too far apart for one panel
            title = (
                f"{one_line(title, 22, '')} {alike[: number + 1].count(title)}/{alike.count(title)}"
            )
        axes.set_title(one_line(title, 28), fontsize=7, weight="bold", loc="left", pad=3)
        if number == 0:
            _bar(sheet, _SPANS_M[span], lang)
    figure.text(
        0.05 / wide,
        1 - 0.16 / high,
        say(lang, "counties_title"),
        fontsize=9.5,
        weight="bold",
        va="center",
    )
    looks = [
        say(lang, f"panel_{key}") for key in ("origin", "flow", "discs", "oasis") if key in drawn
    ]
    looks = [say(lang, "panel_site"), *looks]
    note = say(lang, "counties_note", km=span / 1000, looks=say(lang, "list_gap").join(looks))
    if not all_named:
        note += say(lang, "sentence_gap") + say(lang, "not_all_named")
    if len(groups) < len(everyone):
        note += say(lang, "sentence_gap") + say(
            lang, "panels_of", shown=len(groups), all=len(everyone)
        )
    figure.text(0.05 / wide, 1 - 0.33 / high, note, fontsize=6.5, color=style.MUTED, va="center")
    return figure


def _unit_names(result: Result, keys: pd.Series, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the unit of each site under both names that the boundaries give it."""
    made = pd.DataFrame({"name": keys.map(names), "name_local": None}, index=keys.index)
    units = result.study.boundaries
    if units is not None and "name_local" in units:
        local = units.loc[~units.index.duplicated(), "name_local"]
        made["name_local"] = local.reindex(keys.astype(object)).to_numpy()
    return made


def _span(groups: list[pd.DataFrame]) -> float:
    """Return the least width of a panel that holds every group with its discs."""
    wide = max(_across(members) + 2 * float(members["radius_m"].max()) for members in groups)
    return min((span for span in _SPANS_M if wide <= _FILLED * span), default=max(_SPANS_M))


def _across(sites: pd.DataFrame) -> float:
    """Return the diagonal of the box around sites, metres."""
    first = float(sites["lon"].iloc[0])
    east = (
        sites["lon"] - first + 180
    ) % 360 - 180  # they may lie on both sides of the 180th meridian
    return float(inverse(east.min(), sites["lat"].min(), east.max(), sites["lat"].max())[0])


def _bar(sheet: Sheet, length_m: float, lang: str) -> None:
    """Draw a bar of this length that is true where it stands."""
    frame, point = sheet.frame, sheet.point_m
    x, y = frame.x0 + 5 * point, frame.y0 + 6 * point
    end = frame.scale_bar(x, y, length_m)[0]
    sheet.axes.plot([x, end], [y, y], c=style.INK, lw=1.6, solid_capstyle="butt", zorder=9)
    text = f"{length_m / 1000:g} {say(lang, 'unit_km')}"
    sheet.axes.text(
        (x + end) / 2, y + 3 * point, text, fontsize=5.5, ha="center", va="bottom", zorder=9, **HALO
    )
    low, high = sheet.pixel(np.array([x, y])), sheet.pixel(np.array([end, y + 12 * point]))
    sheet.taken.add(*low, *high)


def _middle(members: pd.DataFrame) -> tuple[float, float]:
    first = float(members["lon"].iloc[0])
    east = (
        members["lon"] - first + 180
    ) % 360 - 180  # they may lie on both sides of the 180th meridian
    return first + float(east.mean()), float(members["lat"].mean())


def _most_first(groups: list[pd.DataFrame], households: pd.Series) -> list[pd.DataFrame]:
    """Return groups in the order of the households of their unit; a unit's panels stay together."""
    return sorted(groups, key=lambda members: -float(households[members.index[0]]))


def _apart(groups: list[pd.DataFrame], span: float) -> list[pd.DataFrame]:
    """Keep the first groups whose panels do not show the same ground."""
    kept: list[pd.DataFrame] = []
    at: list[tuple[float, float]] = []
    for members in groups:
        here = _middle(members)
        if all(inverse(*here, *other)[0] > span / 2 for other in at):
            kept.append(members)
            at.append(here)
        if len(kept) == _MOST:
            break
    return kept


def _groups(sites: pd.DataFrame, units: pd.Series) -> list[pd.DataFrame]:
    """Return the sites of each panel: those of one unit.

    Each site is alone where one panel cannot hold them.
    """
    codes = units.reindex(sites.index).astype("string")
    groups: list[pd.DataFrame] = []
    for _, members in sites.groupby(codes, sort=True):
        together = _across(members) <= _FILLED * max(_SPANS_M)
        groups += [members] if together else [members.loc[[key]] for key in members.index]
    return groups
