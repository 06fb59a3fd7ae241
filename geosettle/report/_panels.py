"""Small multiples: the sites of each county, all panels at one scale."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from geosettle import style
from geosettle.analysis import Result
from geosettle.geodesy import inverse
from geosettle.report._canvas import HALO, WIDTH_IN, new_figure, wrapped
from geosettle.report._charts import names_of
from geosettle.report._frame import frame_around
from geosettle.report._furniture import label_sites
from geosettle.report._sheet import Sheet, draw_layers, prepare
from geosettle.report.words import say

__all__ = ["counties"]

_MOST: Final = 16
_ACROSS: Final = 4
_SPAN_M: Final = 120e3
_BAR_M: Final = 50e3


def counties(result: Result, lang: str) -> Figure | None:
    """Draw one square panel per county that has a site with a known position; far apart sites get one each."""
    layers = prepare(result)
    if layers.sites.empty or "county" not in result.sites:
        return None
    everyone = _groups(layers.sites[~layers.sites["compared"]], result.sites)
    groups = everyone[:_MOST]
    if not groups:
        return None
    across = min(_ACROSS, len(groups))
    down = -(-len(groups) // across)
    panel = (WIDTH_IN - 0.1) / _ACROSS - 0.06
    figure = new_figure(0.46 + down * (panel + 0.24))
    wide, high = figure.get_figwidth(), figure.get_figheight()
    names = names_of(result.sites.assign(name=result.sites["county"], name_local=None), lang)
    for number, members in enumerate(groups):
        first = float(members["lon"].iloc[0])
        east = (members["lon"] - first + 180) % 360 - 180  # they may lie on both sides of the 180th meridian
        middle = first + float(east.mean()), float(members["lat"].mean())
        frame = frame_around(*middle, _SPAN_M / 2, margin=0.0)
        x = 0.05 + (number % across) * (panel + 0.06)
        y = high - 0.46 - (number // across + 1) * (panel + 0.24) + 0.06
        axes = figure.add_axes((x / wide, y / high, panel / wide, panel / high))
        sheet = Sheet(axes, frame, panel)
        draw_layers(sheet, layers, pixels=240)
        label_sites(sheet, members, lang, most=layers.most, fontsize=5.3, letters=20, lines=3)
        for side in axes.spines.values():
            side.set_visible(True)
        title = names.get(str(members.index[0]), "?")
        alike = [names.get(str(group.index[0]), "?") for group in everyone]
        if alike.count(title) > 1:  # the sites of one county lie too far apart for one panel
            title = f"{next(iter(wrapped(title, 22, 1)), '')} {alike[: number + 1].count(title)}/{alike.count(title)}"
        axes.set_title(next(iter(wrapped(title, 28, 1)), "?"), fontsize=7, weight="bold", loc="left", pad=3)
        if number == 0:
            _bar(sheet, lang)
    figure.text(0.05 / wide, 1 - 0.16 / high, say(lang, "counties_title"), fontsize=9.5, weight="bold", va="center")
    note = say(lang, "counties_note", km=_SPAN_M / 1000)
    if len(groups) < len(everyone):
        note += (" " if lang == "en" else "") + say(lang, "panels_of", shown=len(groups), all=len(everyone))
    figure.text(0.05 / wide, 1 - 0.33 / high, note, fontsize=6.5, color=style.MUTED, va="center")
    return figure


def _bar(sheet: Sheet, lang: str) -> None:
    """Draw a bar of 50 km that is true where it stands."""
    frame, point = sheet.frame, sheet.point_m
    x, y = frame.x0 + 5 * point, frame.y0 + 6 * point
    end = frame.scale_bar(x, y, _BAR_M)[0]
    sheet.axes.plot([x, end], [y, y], c=style.INK, lw=1.6, solid_capstyle="butt", zorder=9)
    text = f"{_BAR_M / 1000:g} {say(lang, 'km')}"
    sheet.axes.text((x + end) / 2, y + 3 * point, text, fontsize=5.5, ha="center", va="bottom", zorder=9, **HALO)
    low, high = sheet.pixel(np.array([x, y])), sheet.pixel(np.array([end, y + 12 * point]))
    sheet.taken.add(*low, *high)


def _groups(sites: pd.DataFrame, table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the sites of each panel: those of one county, or each alone where one panel cannot hold them."""
    codes = table["county_code" if "county_code" in table else "county"].reindex(sites.index).astype("string")
    groups: list[pd.DataFrame] = []
    for _, members in sites.groupby(codes, sort=True):
        box = members["lon"].min(), members["lat"].min(), members["lon"].max(), members["lat"].max()
        together = inverse(*box)[0] <= 0.7 * _SPAN_M
        groups += [members] if together else [members.loc[[key]] for key in members.index]
    return groups
