"""Values before and after: the nearest places of those who moved, and the capitals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory
from scipy.optimize import isotonic_regression

from geosettle import style
from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.figures.canvas import WIDTH_IN, legible, new_figure, wrapped
from geosettle.figures.chart_parts import FEWEST, legend, names_of, rows_shown, titled
from geosettle.results import in_scope
from geosettle.results.pivots import changes, kinds_shown, place_groups, section_rows
from geosettle.results.sentences import indicator_name, unit_name
from geosettle.words import capital, say

_GREY: Final = "#7A848B"
_MOST_PANELS: Final = 4
_MOST_SITES: Final = 30
_NAMES, _END = 0.25, 0.98
"""Where the axes begin and end, shares of the width of the figure."""
_NAME_LETTERS: Final = 34
_MOST_NAMED: Final = 12
_LETTER_IN: Final = 0.054
"""Width of a letter at 6.3 points, inches."""


def change(result: Result, lang: str) -> Figure | None:
    """Draw the distance at the origins and at the site on one line per site.

    There is one column per kind of place; the sites of most households are first.
    """
    found = changes(result)
    sites = in_scope(result).sites
    rows = found[(found["role"] == "site") & found["id"].isin(sites.index)]
    rows = rows[rows["at_origin"].notna()]
    panels = []
    for name, metric, unit in kinds_shown(found, place_groups(result), "change", _MOST_PANELS):
        own = rows[(rows["indicator"] == name) & (rows["metric"] == metric)]
        if len(own):
            title = f"{capital(indicator_name(lang, name, metric))}, {unit_name(lang, unit)}"
            panels.append((title, own.drop_duplicates("id").set_index("id")))
    if not panels:
        return None
    count = numbers(sites, "households").fillna(-1).sort_values(ascending=False, kind="stable")
    every = [key for key in count.index if any(key in own.index for _, own in panels)]
    shown = every[:_MOST_SITES]
    wide = (_END - _NAMES) / len(panels)
    figure = new_figure(1.35 + 0.27 * len(shown))
    high = figure.get_figheight()
    names = names_of(result.sites, lang, 70)
    for at, (title, own) in enumerate(panels):
        box = (_NAMES + at * wide, 0.25 / high, wide * 0.86, 1 - 1.25 / high)
        axes = figure.add_axes(box)
        _change_panel(axes, own, shown)
        heading = "\n".join(wrapped(title, int(wide * WIDTH_IN / _LETTER_IN), 2))
        axes.set_title(heading, fontsize=6.5, weight="bold", loc="left", pad=4)
        for row, key in enumerate(shown if at == 0 else ()):
            text = "\n".join(wrapped(names.get(str(key), str(key)), _NAME_LETTERS, 2))
            look: dict[str, Any] = {
                "transform": blended_transform_factory(figure.transFigure, axes.transData)
            }
            axes.text(0.012, row, text, va="center", fontsize=6.3, linespacing=0.9, **look)
    dot: dict[str, Any] = {"marker": "o", "ls": "", "mec": style.FLOW, "ms": 4}
    handles = [
        Line2D([], [], mfc="white", label=say(lang, "axis_origin"), **dot),
        Line2D([], [], mfc=style.FLOW, label=say(lang, "axis_site"), **dot),
        Line2D([], [], c=style.FLOW, lw=1.3, label=say(lang, "legend_certain")),
        Line2D([], [], c=_GREY, lw=0.9, ls=(0, (4, 2)), label=say(lang, "legend_open")),
    ]
    legend(figure, handles, 0.4 if len(shown) < len(every) else 0.26, ncols=4, columnspacing=1.4)
    left_out = rows_shown(lang, len(shown), len(every), "remoteness_change")
    titled(figure, say(lang, "change_title"), 0.012, left_out)
    return figure


def _change_panel(axes: Any, rows: pd.DataFrame, shown: Sequence[Any]) -> None:
    """Draw one kind of place: a line from the value at the origins to the value at the site."""
    for at, key in enumerate(shown):
        if key not in rows.index:
            continue
        row = rows.loc[key]
        certain = row["direction"] not in {"not distinguishable", ""}
        look: dict[str, Any] = (
            {"c": style.FLOW, "lw": 1.3} if certain else {"c": _GREY, "lw": 0.9, "ls": (0, (4, 2))}
        )
        axes.plot([row["at_origin"], row["at_site"]], [at, at], zorder=2, **look)
        dot: dict[str, Any] = {"mec": look["c"], "ms": 4, "zorder": 3, "clip_on": False}
        axes.plot(row["at_origin"], at, "o", mfc="white", **dot)
        axes.plot(row["at_site"], at, "o", mfc=look["c"], **dot)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(left=min(0.0, *rows[["at_origin", "at_site"]].min()))
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="x", labelsize=6)
    axes.spines["left"].set_linewidth(0.4)
    axes.grid(axis="x", color="#E3E6E8", lw=0.5)
    axes.set_axisbelow(True)


def _two_ends(axes: Any, before: str, after: str) -> None:
    """Dress axes that have a before and an after."""
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 1], [before, after])
    axes.tick_params(axis="x", length=0)
    axes.set_yticks([])
    for side in ("bottom", "left"):
        axes.spines[side].set_visible(False)


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
    if len(frame) < FEWEST:
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
