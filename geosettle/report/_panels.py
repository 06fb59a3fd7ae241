"""Small multiples: the sites of each county, all panels at one scale."""

from __future__ import annotations

import textwrap
from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from geosettle import style
from geosettle.analysis import Result
from geosettle.report._canvas import WIDTH_IN, legible, new_figure
from geosettle.report._charts import names_of
from geosettle.report._frame import frame_around
from geosettle.report._furniture import label_sites
from geosettle.report._sheet import Sheet, draw_layers, prepare
from geosettle.report.words import say

__all__ = ["counties"]

_MOST: Final = 12
_ACROSS: Final = 4
_SPAN_M: Final = 120e3


def counties(result: Result, lang: str) -> Figure | None:
    """Draw one square panel per county that has a site with a known position."""
    layers = prepare(result)
    sites = layers.sites
    if sites.empty or "county" not in result.sites:
        return None
    codes = (result.sites["county_code"] if "county_code" in result.sites else result.sites["county"]).reindex(
        sites.index
    )
    groups = sorted(codes.dropna().astype(str).unique())[:_MOST]
    if not groups:
        return None
    across = min(_ACROSS, len(groups))
    down = -(-len(groups) // across)
    panel = (WIDTH_IN - 0.1) / _ACROSS - 0.06
    figure = new_figure(0.46 + down * (panel + 0.24), 0.1 + across * (panel + 0.06) if across == _ACROSS else WIDTH_IN)
    wide, high = figure.get_figwidth(), figure.get_figheight()
    names = names_of(result.sites.assign(name=result.sites["county"], name_local=None), lang)
    for number, code in enumerate(groups):
        members = sites[(codes == code).to_numpy()]
        frame = frame_around(*_middle(members), margin=0.0)
        x = 0.05 + (number % across) * (panel + 0.06)
        y = high - 0.46 - (number // across + 1) * (panel + 0.24) + 0.06
        axes = figure.add_axes((x / wide, y / high, panel / wide, panel / high))
        sheet = Sheet(axes, frame, panel)
        draw_layers(sheet, layers, pixels=240)
        label_sites(sheet, members, lang, fontsize=5.3)
        for side in axes.spines.values():
            side.set_visible(True)
        title = legible(names.get(str(members.index[0]), code), code)[0]
        axes.set_title(textwrap.shorten(title, 30, placeholder="…"), fontsize=7, weight="bold", loc="left", pad=3)
    figure.text(0.05 / wide, 1 - 0.16 / high, say(lang, "counties_title"), fontsize=9.5, weight="bold", va="center")
    note = say(lang, "counties_note", km=_SPAN_M / 1000)
    figure.text(0.05 / wide, 1 - 0.33 / high, note, fontsize=6.5, color=style.MUTED, va="center")
    return figure


def _middle(members: pd.DataFrame) -> tuple[float, float, float]:
    """Middle of the members, with half the span around it."""
    return float(members["lon"].mean()), float(members["lat"].mean()), _SPAN_M / 2
