"""Values before and after: the nearest places of those who moved, and the capitals.

They are drawn as slopes and as a radar chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.optimize import isotonic_regression

from geosettle import style
from geosettle.analysis import Result
from geosettle.figures.canvas import WIDTH_IN, legible, new_figure, wrapped
from geosettle.figures.chart_parts import legend, names_of, one_line, rows_shown, titled
from geosettle.livelihood.capitals import CAPITALS
from geosettle.results import in_scope
from geosettle.results.pivots import changes, kinds_shown, place_groups, section_rows
from geosettle.results.sentences import indicator_name, unit_name
from geosettle.words import capital, say

_GREY: Final = "#7A848B"
_BEFORE: Final = "#9AA3A9"
_MOST_PANELS: Final = 4
_MOST_SLOPES: Final = 40
_MOST_NAMED: Final = 12
_LETTER_IN: Final = 0.054
"""Width of a letter at 6.3 points, inches."""


def change(result: Result, lang: str) -> Figure | None:
    """Draw slopes from the value at the origins to that at the site.

    There is one panel per kind of place.
    """
    found = changes(result)
    rows = found[(found["role"] == "site") & found["id"].isin(in_scope(result).sites.index)]
    panels = []
    for name, metric, unit in kinds_shown(found, place_groups(result), "change", _MOST_PANELS):
        own = rows[
            (rows["indicator"] == name) & (rows["metric"] == metric) & rows["at_origin"].notna()
        ]
        if len(own):
            panels.append((capital(indicator_name(lang, name, metric)), unit_name(lang, unit), own))
    if not panels:
        return None
    most = max(len(own) for _, _, own in panels)
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    tall = 0.55 + max(1.5, min(most, _MOST_NAMED) * 0.2)
    figure = new_figure(0.65 + down * tall)
    high, wide = figure.get_figheight(), 1 / across
    names = names_of(result.sites, lang, 60)
    slope = 0.34 if across > 1 else 0.5
    letters = int((0.9 - slope - 0.1) * wide * WIDTH_IN / _LETTER_IN)
    for at, (title, unit, own) in enumerate(panels):
        low = high - 0.5 - (at // across + 1) * tall
        box = ((at % across + 0.1) * wide, (low + 0.25) / high, slope * wide, (tall - 0.6) / high)
        axes = figure.add_axes(box)
        _change_panel(axes, own, names, letters, tall - 0.6)
        _two_ends(axes, say(lang, "axis_origin"), say(lang, "axis_site"))
        label = one_line(f"{title}, {unit}", int(0.95 * wide * WIDTH_IN / 0.066))
        axes.set_title(label, fontsize=7, weight="bold", loc="left", pad=5, x=-0.068 / slope)
    handles = [
        Line2D([], [], c=style.FLOW, lw=1.3, label=say(lang, "legend_certain")),
        Line2D([], [], c=_GREY, lw=0.9, ls=(0, (4, 2)), label=say(lang, "legend_open")),
    ]
    legend(figure, handles, 0.4 if most > _MOST_SLOPES else 0.26, ncols=2, columnspacing=1.4)
    left_out = rows_shown(lang, min(most, _MOST_SLOPES), most, "remoteness_change")
    titled(figure, say(lang, "change_title"), 0.012, left_out)
    return figure


def _change_panel(
    axes: Any, rows: pd.DataFrame, names: Mapping[str, str], letters: int, high_in: float
) -> None:
    """Draw the slopes of one kind of place, the greatest changes first.

    As many are named as there is room for.
    """
    size = rows["change"].abs()
    shown = rows.loc[size.sort_values(ascending=False, kind="stable").index[:_MOST_SLOPES]]
    few = len(shown) <= _MOST_NAMED
    for row in shown.to_dict("records"):
        open_ = row["direction"] in {"not distinguishable", ""}
        look = (
            {"c": _GREY, "lw": 0.9, "ls": (0, (4, 2))}
            if open_
            else {"c": style.FLOW, "lw": 1.3 if few else 0.7}
        )
        axes.plot([0, 1], [row["at_origin"], row["at_site"]], zorder=2, clip_on=False, **look)
        if few:
            face = "white" if open_ else look["c"]
            axes.plot(
                [0, 1],
                [row["at_origin"], row["at_site"]],
                "o",
                ms=3.2,
                mfc=face,
                mec=look["c"],
                clip_on=False,
            )
            if np.isfinite(row["low"]) and np.isfinite(row["high"]):
                ends = [max(row["at_origin"] + row["low"], 0), row["at_origin"] + row["high"]]
                axes.plot(
                    [1, 1], ends, c=look["c"], lw=2.6, alpha=0.22, solid_capstyle="butt", zorder=1
                )
    top = float(max(shown["at_origin"].max(), shown["at_site"].max())) * 1.08 or 1.0
    axes.set_ylim(min(0.0, float(min(shown["at_origin"].min(), shown["at_site"].min()))), top)
    named = shown.head(_MOST_NAMED).sort_values("at_site", kind="stable")
    texts = [wrapped(f"{row['at_site']:.0f}  {names.get(str(row['id']), row['id'])}", letters, 2)
             for row in named.to_dict("records")]  # fmt: skip
    places = spaced(named["at_site"].tolist(), [len(t) * 0.1 / high_in * top for t in texts], top)
    for row, text, y in zip(named.to_dict("records"), texts, places, strict=True):
        axes.plot([1.03, 1.11], [row["at_site"], y], c="#C4CACE", lw=0.4, clip_on=False)
        axes.text(1.13, y, "\n".join(text), va="center", fontsize=6.3, linespacing=0.86)


def _two_ends(axes: Any, before: str, after: str) -> None:
    """Dress axes that have a before and an after, and a scale at the left."""
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 1], [before, after])
    axes.tick_params(axis="x", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_linewidth(0.4)
    axes.tick_params(axis="y", labelsize=6)


def spaced(values: Sequence[float], gaps: Sequence[float], top: float) -> list[float]:
    """Move the middles of labels of sorted values apart so that none overlaps.

    They move as little as need be, from 0 to the top.

    Less the room that the labels below it take, each middle must not fall: the nearest such row of
    numbers is found by pooling neighbours that are in the wrong order (isotonic regression).

    Examples
    --------
    >>> spaced([1.0, 1.0, 5.0], [1.0, 1.0, 1.0], 10.0), spaced([9.9, 9.9], [1.0, 1.0], 10.0)
    ([0.5, 1.5, 5.0], [8.5, 9.5])
    """
    below = np.cumsum(gaps) - np.asarray(gaps) / 2
    wanted = isotonic_regression(np.asarray(values, dtype=float) - below).x
    placed: list[float] = (
        np.clip(wanted, 0.0, max(top - float(np.sum(gaps)), 0.0)) + below
    ).tolist()
    return placed


def capitals(result: Result, lang: str) -> Figure | None:
    """Draw before and after as slopes, one panel per unit, so that no two units share an axis."""
    frame = section_rows(result, "capital")
    frame = frame[frame["before"].notna() & frame["after"].notna()]
    if frame.empty:
        return None
    if len(set(frame["site_id"])) > 1:  # the same indicator of several sites: say whose it is
        names = names_of(result.sites, lang)
        owners = [names.get(str(site), str(site)) for site in frame["site_id"]]
        frame["item"] = [
            f"{item} ({owner})" for item, owner in zip(frame["item"], owners, strict=True)
        ]
    units = sorted(set(frame["unit"]), key=lambda name: (-(frame["unit"] == name).sum(), name))
    panels = [frame[frame["unit"] == unit] for unit in units[:_MOST_PANELS]]
    most = max(map(len, panels))
    figure = new_figure(0.95 + max(2.1, min(most, _MOST_NAMED) * 0.42))
    high, wide = figure.get_figheight(), 1 / len(panels)
    letters = int(0.46 * wide * WIDTH_IN / _LETTER_IN)
    shown = 0
    for at, rows in enumerate(panels):
        biggest = (
            rows["change"].abs().sort_values(ascending=False, kind="stable").index[:_MOST_NAMED]
        )
        rows = rows.loc[biggest]  # noqa: PLW2901  (those that fit)
        shown += len(rows)
        axes = figure.add_axes(((at + 0.14) * wide, 0.28 / high, 0.3 * wide, 1 - 0.95 / high))
        _capital_panel(axes, rows, letters, (1 - 0.95 / high) * high)
        _two_ends(axes, say(lang, "before"), say(lang, "after"))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        unit = unit_name(lang, units[at])
        axes.set_title(legible(unit, "-")[0], fontsize=7, weight="bold", loc="left", pad=8, x=-0.3)
    left_out = rows_shown(lang, shown, len(frame), "livelihood")
    titled(figure, say(lang, "capitals_title"), 0.012, left_out)
    return figure


def _capital_panel(axes: Any, rows: pd.DataFrame, letters: int, high_in: float) -> None:
    top = float(max(rows["before"].max(), rows["after"].max())) * 1.1 or 1.0
    low = min(0.0, float(min(rows["before"].min(), rows["after"].min())))
    axes.set_ylim(low, top)
    point = (top - low) / high_in
    rows = rows.sort_values(["after", "before"], kind="stable")
    texts = [
        [f"{row['after']:,.5g}", *wrapped(legible(row["item"], "?")[0], letters, 4)]
        for row in rows.to_dict("records")
    ]
    ends = spaced(rows["after"].tolist(), [(len(text) * 0.1 + 0.05) * point for text in texts], top)
    for row, text, end in zip(rows.to_dict("records"), texts, ends, strict=True):
        axes.plot([0, 1], [row["before"], row["after"]], c=style.FLOW, lw=1.3, marker="o", ms=4,
                  mfc="white",
                  mec=style.FLOW, clip_on=False)  # fmt: skip
        axes.text(1.1, end, "\n".join(text), ha="left", va="center", fontsize=6.3, linespacing=0.9)
    rows = rows.sort_values(["before", "after"], kind="stable")
    for value, y in zip(
        rows["before"],
        spaced(rows["before"].tolist(), [0.11 * point] * len(rows), top),
        strict=True,
    ):
        axes.text(-0.08, y, f"{value:,.5g}", ha="right", va="center", fontsize=6.3)


def radar(result: Result, lang: str) -> Figure | None:
    """Draw the five capitals before and after on one web.

    Each indicator is divided by the larger of its two values, then the indicators of a capital are
    averaged: the web shows directions and proportions, and nothing that could be compared between
    capitals. A capital without figures has a dashed spoke and no corner.
    """
    rows = section_rows(result, "capital")
    rows = rows[
        rows["before"].notna()
        & rows["after"].notna()
        & (rows[["before", "after"]].min(axis=1) >= 0)
    ]
    larger = rows[["before", "after"]].max(axis=1)
    rows = rows[larger > 0].assign(before=rows["before"] / larger, after=rows["after"] / larger)
    means = rows.groupby("capital")[["before", "after"]].mean().reindex(CAPITALS)
    if means["before"].notna().sum() == 0:
        return None
    figure = new_figure(3.5, 4.6)
    axes = figure.add_axes((0.2, 0.06, 0.6, 0.6 * 4.6 / 3.5))
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(-1.05, 1.05)
    turn = np.pi / 2 - 2 * np.pi * np.arange(len(CAPITALS)) / len(CAPITALS)
    spokes = np.column_stack([np.cos(turn), np.sin(turn)])
    for ring in (0.25, 0.5, 0.75, 1.0):
        web = (np.vstack([spokes, spokes[:1]]) * ring).T
        axes.plot(*web, c="#D9DEE1", lw=0.5 if ring < 1 else 0.8, zorder=1)
    known = means["before"].notna().to_numpy()
    for name, (x, y), has_figures in zip(CAPITALS, spokes, known, strict=True):
        dashes: Any = "-" if has_figures else (0, (2, 3))
        axes.plot([0, x], [0, y], c="#B9C0C5", lw=0.6, ls=dashes, zorder=1)
        text = capital(say(lang, f"capital_{name}"))
        text += "" if has_figures else f"\n({say(lang, 'no_figures')})"
        side = "center" if abs(x) < 0.2 else "left" if x > 0 else "right"
        axes.text(x * 1.1, y * 1.12, text, ha=side, va="center", fontsize=7, linespacing=0.9,
                  color=style.INK if has_figures else style.MUTED)  # fmt: skip
    for column, colour, look in (("before", _BEFORE, (0, (4, 2))), ("after", style.FLOW, "-")):
        points = spokes[known] * means.loc[known, column].to_numpy()[:, None]
        closed = np.vstack([points, points[:1]])
        if len(points) >= 3:
            axes.fill(*points.T, facecolor=colour, alpha=0.14, zorder=2)
        axes.plot(*closed.T, c=colour, lw=1.4, ls=look, zorder=3)
        face = "white" if column == "before" else colour
        axes.plot(*points.T, "o", ms=4, mfc=face, mec=colour, zorder=4)
    line: dict[str, Any] = {"lw": 1.4, "marker": "o", "ms": 4}
    before = {"c": _BEFORE, "ls": (0, (4, 2)), "mfc": "white", **line}
    handles = [
        Line2D([], [], label=say(lang, "before"), **before),
        Line2D([], [], c=style.FLOW, label=say(lang, "after"), **line),
    ]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, 0.9), ncols=1)
    titled(figure, say(lang, "radar_title"), 0.02, say(lang, "radar_note"))
    return figure
