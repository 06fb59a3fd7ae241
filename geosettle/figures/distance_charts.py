"""The figures that are no maps: distances, land, livelihood, oasis, declared against computed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.distance import flag_codes, has_flag
from geosettle.figures.canvas import legible, new_figure
from geosettle.figures.chart_parts import (
    FEWEST,
    horizontal,
    legend,
    marker,
    names_of,
    rows_shown,
    titled,
)
from geosettle.results import drawn_of, drawn_pairs, headline_of, in_scope
from geosettle.results.given import widest_radius
from geosettle.results.sentences import headline_numbers
from geosettle.words import say

FloatArray = NDArray[np.float64]

_MOST_ROWS: Final = 56
"""Rows of a chart that is no taller than a page, 240 mm."""
_NAMES, _END = 0.33, 0.97
"""Widest strip of names, and where the axes end, shares of the width of a figure."""
_GREY: Final = "#9AA3A9"


def distances(result: Result, lang: str) -> Figure | None:
    """Draw one line per pair: the ranges, the computed value and the declared distance.

    There are two ranges: what the radii allow, and the drawn interval.
    """
    pairs = drawn_pairs(result)
    pairs = pairs[numbers(pairs, "geodesic_km").notna()].sort_index()
    if len(pairs) < FEWEST:
        return None
    pairs = pairs.assign(
        site=pairs.index.get_level_values("site_id"), value=numbers(pairs, "geodesic_km")
    )
    shown = _most_moved(pairs)
    site_names, origin_names = names_of(result.sites, lang, 36), names_of(result.origins, lang, 40)
    spread = _straight(drawn_of(result))
    rows: list[tuple[float, Any]] = []
    y = 0.0
    for site, group in shown.groupby("site", sort=False):
        rows.append((y, site_names.get(str(site), str(site))))
        for key, pair in group.iterrows():
            y += 1
            rows.append((y, (key, pair)))
        y += 1.6
    figure = new_figure(1.1 + 0.145 * (y + 1))
    high = figure.get_figheight()
    axes = figure.add_axes((_NAMES, 0.42 / high, _END - _NAMES, 1 - 1.2 / high))
    margin = blended_transform_factory(figure.transFigure, axes.transData)
    names = []
    for at, row in rows:
        if isinstance(row, str):
            names.append(
                axes.text(0.01, at, row, transform=margin, weight="bold", fontsize=7, va="center")
            )
        else:
            (origin, _), _ = row
            text = origin_names.get(str(origin), str(origin))
            names.append(axes.text(0.016, at, text, transform=margin, fontsize=6.5, va="center"))
            _distance_row(axes, at, row, spread)
    _close_up(figure, axes, names)
    axes.set_ylim(y - 0.4, -1)
    horizontal(axes, say(lang, "distances_axis"))
    ranged = bool((numbers(shown, "geodesic_high_km") > numbers(shown, "geodesic_low_km")).any())
    drawn = spread[spread.index.isin(shown.index)]
    handles = []
    if ranged:
        handles.append(Line2D([], [], c=style.FLOW, lw=0.8, label=say(lang, "legend_interval")))
    if len(drawn):
        share = say(lang, "legend_draws", percent=f"{100 * float(drawn['level'].iloc[0]):.3g}")
        handles.append(Line2D([], [], c=style.FLOW, lw=3, alpha=0.45, label=share))
    middle = say(lang, "legend_drawn" if len(drawn) else "legend_value")
    handles.append(marker(middle, "o", "white", style.FLOW, 4))
    stated = numbers(shown, "declared_km").notna()
    used = has_flag(shown, "used_to_place")
    if (stated & ~used).any():
        handles.append(marker(say(lang, "legend_declared"), "^", style.SITE, "none", 4))
    if (stated & used).any():
        handles.append(marker(say(lang, "legend_declared_used"), "^", "white", _GREY, 4))
    legend(figure, handles, ncols=3, columnspacing=1.2, handlelength=1.6)
    left_out = rows_shown(lang, len(shown), len(pairs), "pairs")
    title = "distances_title" if ranged or len(drawn) else "distances_title_given"
    titled(figure, say(lang, title), 0.012, left_out)
    return figure


def _most_moved(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the moves that fit on a page, sites and moves of most households first."""
    count = numbers(pairs, "households").fillna(0)
    order = ["reached", "site", "moved", "value"]
    moved = pairs.assign(moved=count, reached=count.groupby(pairs["site"]).transform("sum"))
    moved = moved.sort_values(order, ascending=[False, True, False, True], kind="stable")
    each = max(2, _MOST_ROWS // max(pairs["site"].nunique(), 1))
    shown = moved.groupby("site", sort=False).head(each)
    # Each new site takes the room of a heading.
    room = np.arange(1, len(shown) + 1) + 1.6 * (~shown["site"].duplicated()).cumsum().to_numpy()
    shown = shown[room <= _MOST_ROWS]
    order = ["reached", "site", "value"]
    return shown.sort_values(order, ascending=[False, True, True], kind="stable")


def _close_up(figure: Figure, axes: Any, names: list[Any]) -> None:
    """Begin the axes where the longest of their names ends."""
    canvas: Any = figure.canvas
    renderer = canvas.get_renderer()
    ends = [name.get_window_extent(renderer).x1 for name in names]
    left = min(max(ends) / figure.bbox.width + 0.02, _NAMES)
    axes.set_position((left, axes.get_position().y0, _END - left, axes.get_position().height))


def _straight(drawn: pd.DataFrame) -> pd.DataFrame:
    """Return the intervals of straight lines, by origin and site."""
    if drawn.empty:
        return pd.DataFrame(columns=["low", "high", "level"])
    return drawn[drawn["metric"] == "geodesic"].set_index(["origin_id", "site_id"])


def _distance_row(axes: Any, at: float, row: Any, spread: pd.DataFrame) -> None:
    (origin, site), pair = row
    line: dict[str, Any] = {"c": style.FLOW, "zorder": 2}
    axes.plot([pair["geodesic_low_km"], pair["geodesic_high_km"]], [at, at], lw=0.8, **line)
    if (origin, site) in spread.index:
        found = spread.loc[(origin, site)]
        band = {"lw": 3, "alpha": 0.45, "solid_capstyle": "butt", **line}
        axes.plot([found["low"], found["high"]], [at, at], **band)
    axes.plot(pair["value"], at, "o", mfc="white", mec=style.FLOW, mew=0.9, ms=4, zorder=3)
    stated = pd.to_numeric(pair.get("declared_km"), errors="coerce")
    if np.isfinite(stated):
        circular = "used_to_place" in flag_codes(pair.get("flags"))
        look = {"mfc": "white", "mec": _GREY} if circular else {"mfc": style.SITE, "mec": "none"}
        axes.plot(float(stated), at, "^", ms=4, zorder=3, **look)


def distribution(result: Result, lang: str) -> Figure | None:
    """Draw the cumulative share of the moves by distance, with its band.

    The band is what the ranges of the distances allow.
    """
    pairs = drawn_pairs(in_scope(result))
    value = numbers(pairs, "geodesic_km")
    known = value.notna()  # by row, not by label: a pair may have several flows, of several years
    value = value[known]
    if len(value) < FEWEST:
        return None
    low, high = (numbers(pairs, f"geodesic_{end}_km")[known] for end in ("low", "high"))
    low, high = low.where(low.notna(), value), high.where(high.notna(), value)
    found = headline_of(result)
    by = "moves" if found is None else found.weighting
    weight = (
        np.ones(len(value)) if by == "moves" else numbers(pairs, by)[known].fillna(0).to_numpy()
    )
    figure = new_figure(2.9, 4.9)
    axes = figure.add_axes((0.13, 0.15, 0.83, 0.56))
    most = float(high.max()) * 1.03
    parts = [_cumulative(part.to_numpy(), weight, most) for part in (low, value, high)]
    steps, rises = ([part[k] for part in parts] for k in (0, 1))
    every = np.unique(np.concatenate(steps))
    upper, lower = (rises[at][np.searchsorted(steps[at], every, side="right") - 1] for at in (0, 2))
    axes.fill_between(
        every, lower, upper, step="post", color=style.FLOW, alpha=0.25, lw=0, zorder=1
    )
    axes.step(steps[1], rises[1], where="post", c=style.FLOW, lw=1.4, zorder=3)
    radius = widest_radius(result, lang)
    uncertain = bool((high > low).any())
    label = say(lang, "legend_drawn" if uncertain else "legend_value")
    handles: list[Any] = [Line2D([], [], c=style.FLOW, lw=1.4, label=label)]
    if uncertain:
        handles.append(Patch(facecolor=style.FLOW, alpha=0.25, label=say(lang, "legend_band")))
    marks: list[tuple[float, Any, str]] = []
    if found is not None:
        low_km, middle, high_km = headline_numbers(found)
        range_ = f" ({low_km}-{high_km})" if low_km != high_km else ""
        marks.append((found.km, "-", say(lang, "legend_median", km=f"{middle}{range_}")))
    if radius is not None:
        caption = say(lang, "legend_radius", mode=radius[0], km=radius[1])
        marks.append((radius[1], (0, (4, 3)), caption))
    for at, dash, label in marks:
        axes.axvline(at, c=style.INK, lw=0.8, ls=dash, zorder=2)
        handles.append(Line2D([], [], c=style.INK, lw=0.8, ls=dash, label=label))
    axes.set_xlim(0, most)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(color="#E3E6E8", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(say(lang, "distances_axis"))
    axes.set_ylabel(say(lang, f"distribution_axis_{by}"), fontsize=6.5)
    legend(figure, handles, 0.4, ncols=3, handlelength=1.6, columnspacing=1.2)
    note = say(lang, "distribution_note", n=len(value), pairs=len(pairs))
    titled(figure, say(lang, "distribution_title"), 0.02, note)
    return figure


def _cumulative(km: FloatArray, weight: FloatArray, most: float) -> tuple[FloatArray, FloatArray]:
    """Give the steps of the share of the weight that is no farther, from 0 to `most`."""
    order = np.argsort(km, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    return np.r_[0.0, km[order], most], np.r_[0.0, share, 1.0]


def declared(result: Result, lang: str) -> Figure | None:
    """Draw declared road distances against straight lines.

    Below the diagonal no road is possible.
    """
    pairs = result.pairs.sort_index()
    pairs = pairs.assign(x=numbers(pairs, "geodesic_km"), y=numbers(pairs, "declared_km"))
    pairs = pairs[pairs["x"].notna() & pairs["y"].notna()]
    if len(pairs) < FEWEST:
        return None
    figure = new_figure(3.9, 4.6)
    axes = figure.add_axes((0.11, 0.11, 0.86, 0.75))
    ends = [pairs["y"].max(), numbers(pairs, "geodesic_high_km").max(), pairs["x"].max()]
    most = float(np.nanmax(ends)) * 1.08
    muted: dict[str, Any] = {"color": style.MUTED}
    axes.fill_between([0, most], 0, [0, most], color="#EEF0F1", lw=0, zorder=0)
    axes.text(most * 0.97, most * 0.06, say(lang, "possible"), ha="right", fontsize=6.5, **muted)
    for ratio in (1.0, 1.5, 2.0):
        dashes: Any = "-" if ratio == 1 else (0, (4, 3))
        axes.plot([0, most / ratio], [0, most], c=_GREY, lw=0.7, ls=dashes, zorder=1)
        if ratio > 1:
            look = {"ha": "center", "va": "bottom", "fontsize": 6, **muted}
            axes.text(most / ratio, most * 1.005, say(lang, "times", ratio=ratio), **look)
    used = has_flag(pairs, "used_to_place")
    for circular, colour, face in ((False, style.SITE, style.SITE), (True, _GREY, "white")):
        part = pairs[used.to_numpy() == circular]
        low, high = part["geodesic_low_km"], part["geodesic_high_km"]
        axes.hlines(part["y"], low, high, colors=colour, lw=0.8, zorder=2)
        axes.plot(part["x"], part["y"], "^", ls="", mfc=face, mec=colour, ms=4.5, zorder=3)
    for row in pairs.reset_index().to_dict("records") if len(pairs) <= _MOST_ROWS else ():
        text = f"{legible(row['origin_id'], '')[0]} → {legible(row['site_id'], '')[0]}"
        look = {"textcoords": "offset points", "fontsize": 5.8, **muted}
        axes.annotate(text, (row["x"], row["y"]), (3, 3), **look)
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    axes.set_xlabel(say(lang, "distances_axis"))
    axes.set_ylabel(say(lang, "declared_axis"))
    looks = (
        (~used, style.SITE, style.SITE, "legend_declared"),
        (used, "white", _GREY, "no_evidence"),
    )
    handles = [
        marker(say(lang, key), "^", face, edge, 4.5)
        for rows, face, edge, key in looks
        if rows.any()
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.01, 0.945), ncols=2, handlelength=1
    )
    titled(figure, say(lang, "declared_title"), 0.02)
    return figure
