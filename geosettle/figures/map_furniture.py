"""Map elements other than layers and names: graticule, scale bar, north arrow, locator, legend."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from numpy.typing import NDArray

from geosettle import style
from geosettle.cells import numbers
from geosettle.figures.canvas import HALO, bare_axes, legible, px
from geosettle.figures.chart_parts import one_line
from geosettle.figures.map_labels import FEW_LABELS, MOST_LABELS
from geosettle.figures.map_layers import (
    COMPARED,
    ILLUSTRATIVE,
    Layers,
    Sheet,
    dashes_of,
    flow_widths,
    site_radii,
)
from geosettle.locator import from_space, land_from_space
from geosettle.results.given import level_name
from geosettle.words import capital, say

_LAND: Final = "#DDD8CC"
_STEPS_DEG: Final = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30)
_BARS_KM: Final = (500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5)
_LEAST_SEEN: Final = 0.1
"""Radii of the globe in the locator, 0.1 of which is a millimetre on paper."""
_OPAQUE: Final = 20.0
"""Weight of what a label must not cover, or be covered by: scale bar, locator."""
_LEGEND_COLUMNS: Final = 3
LEGEND_ROW_IN: Final = 0.17
LEGEND_DOWN_IN: Final = 0.27
"""Height of a row of the legend, and how far the legend begins under the sheet."""


def graticule(sheet: Sheet) -> None:
    """Draw meridians and parallels.

    Their labels are outside the sheet, where they meet its lower and left edge.
    """
    frame, axes = sheet.frame, sheet.axes
    xs, ys = frame.outline()
    lon, lat = frame.lonlat(xs, ys)
    middle = float(frame.lonlat((frame.x0 + frame.x1) / 2, frame.y0)[0])
    on_earth = np.isfinite(lon) & np.isfinite(lat)  # a sheet of the world reaches beyond its edge
    lon, lat = middle + (lon[on_earth] - middle + 180) % 360 - 180, lat[on_earth]
    south, north = float(lat.min()), float(lat.max())
    span = max(float(np.ptp(lon)), north - south)
    step = next((size for size in _STEPS_DEG if span / size <= 7), _STEPS_DEG[-1])
    colour, width, _ = style.GRATICULE
    look: dict[str, Any] = {
        "color": colour,
        "linewidth": px(width) * 0.7,
        "alpha": 0.55,
        "zorder": 1,
    }
    text: dict[str, Any] = {"fontsize": 6, "color": style.MUTED, "clip_on": False}
    gap = 4 * sheet.point_m
    for value in np.arange(np.floor(lon.min() / step), np.ceil(lon.max() / step) + 1) * step:
        line = frame.xy(np.full(80, value), np.linspace(south - 1, north + 1, 80))
        axes.plot(line[:, 0], line[:, 1], **look)
        x = float(np.interp(frame.y0, line[:, 1], line[:, 0]))
        if frame.x0 < x < frame.x1:
            axes.text(
                x,
                frame.y0 - gap,
                _degrees((value + 180) % 360 - 180, "EW"),
                ha="center",
                va="top",
                **text,
            )
    # Far from the equator a step that suits the meridians would leave a single parallel.
    step = next(
        (size for size in reversed(_STEPS_DEG) if size <= step and (north - south) / size >= 2),
        step,
    )
    for value in np.arange(np.floor(south / step), np.ceil(north / step) + 1) * step:
        line = frame.xy(np.linspace(lon.min() - 1, lon.max() + 1, 80), np.full(80, value))
        axes.plot(line[:, 0], line[:, 1], **look)
        y = float(np.interp(frame.x0, line[:, 0], line[:, 1]))
        if frame.y0 < y < frame.y1:
            axes.text(
                frame.x0 - gap,
                y,
                _degrees(value, "NS"),
                ha="right",
                va="center",
                rotation=90,
                **text,
            )


def _degrees(value: float, letters: str) -> str:
    value = round(float(value), 4)
    letter = "" if value in {0, 180, -180} else letters[0] if value > 0 else letters[1]
    return f"{abs(value):g}°{letter}"


class Shown(NamedTuple):
    """What a sheet really shows: the legend names nothing else."""

    sites: pd.DataFrame
    origins: pd.DataFrame
    flows: int


def legend_rows(layers: Layers, shown: Shown, lang: str) -> int:
    """Rows that the legend takes at most; some layers turn out to have nothing on the sheet."""
    sites = _site_entries(shown.sites, layers.most, layers.crowding_of_symbols, lang)
    layers_of = (len(shown.origins), shown.flows, len(layers.discs), layers.oasis is not None)
    study = layers.result.study
    areas = len({look["facecolor"] for _, look in layers.development})
    count = len(sites) + sum(map(bool, layers_of)) + (study.rivers is not None) + areas
    return -(-(count + len(layers.lines)) // _LEGEND_COLUMNS)


def furnish(sheet: Sheet, layers: Layers, shown: Shown, lang: str) -> None:
    """Put the legend under the sheet, and scale bar with north arrow and locator on it.

    They are where they hide little, and no place.
    """
    axes, dots = sheet.axes, sheet.dots
    used: list[tuple[float, float, float, float]] = []
    high_in = axes.get_window_extent().height / axes.figure.dpi
    axes.legend(
        handles=_legend_entries(sheet, layers, shown, lang),
        loc="upper left",
        bbox_to_anchor=(0, -LEGEND_DOWN_IN / high_in),
        borderaxespad=0,
        ncols=_LEGEND_COLUMNS,
        frameon=False,
        fontsize=6,
        labelspacing=0.5,
        handlelength=2.2,
        columnspacing=1.6,
    )
    length = next((km for km in _BARS_KM if km * 1000 < 0.2 * sheet.frame.width), _BARS_KM[-1])
    wide = length * 1000 / sheet.point_m + 62
    _scale_and_north(sheet, _use(sheet, used, wide * dots, 40 * dots), length, lang)
    _locator(sheet, _use(sheet, used, 62 * dots, 62 * dots))


def _use(
    sheet: Sheet, used: list[tuple[float, float, float, float]], width: float, height: float
) -> tuple[float, float, float, float]:
    """Take the place for a box of this size, pixels: a corner of the sheet, or along its edge.

    It is along the edge where the corners hold sites. What is hidden counts in this order: places,
    a site as four origins, then whether any flow is, then not being in a corner, then flows and
    labels.
    """
    inside = sheet.axes.get_window_extent(sheet.axes.figure.canvas.get_renderer())
    steps = np.linspace(0, 1, 13)
    curves = np.asarray(sheet.curves, dtype=object)
    weights = np.repeat([4, 1], [len(sheet.symbols), len(sheet.rings)])
    if len(sheet.symbols) > MOST_LABELS:
        weights[:FEW_LABELS] = 100  # the largest are drawn first, and only these are named
    places = np.reshape([*sheet.symbols, *sheet.rings], (-1, 2))
    near = np.array([-1, -1, 1, 1]) * 1.5 * sheet.dots
    found: list[tuple[tuple[float, ...], tuple[float, float, float, float]]] = []
    for across, up in [(1, 1), (0, 1), (1, 0), (0, 0)] + [(a, b) for a in steps for b in steps]:
        edge = across in {0, 1} or up in {0, 1}
        corner = {across, up} <= {0, 1}
        x, y = (
            inside.x0 + across * (inside.width - width),
            inside.y0 + up * (inside.height - height),
        )
        box = (x, y, x + width, y + height)
        if not edge or any(x < b[2] and b[0] < box[2] and y < b[3] and b[1] < box[3] for b in used):
            continue
        low, high = np.split(np.add(box, near), 2)
        hidden = int(weights[((low < places) & (places < high)).all(axis=1)].sum())
        crossed = int(shapely.intersects(curves, shapely.box(*box)).sum())
        cost = (hidden, crossed > 0, not corner, crossed, sheet.taken.overlap(*box))
        found.append((cost, box))
    _, box = min(found, key=lambda one: one[0])
    used.append(box)
    sheet.taken.add(*box, weight=_OPAQUE)
    return box


def _legend_entries(sheet: Sheet, layers: Layers, shown: Shown, lang: str) -> list[Any]:
    """Give a row to everything that is to be seen on the sheet, and to nothing else."""
    made: list[Any] = _site_entries(shown.sites, layers.most, layers.crowding_of_symbols, lang)
    if len(shown.origins):
        made.append(_point(say(lang, "legend_origin"), "o", "white", style.ORIGIN, 4))
    if shown.flows:
        made.append(_flow_entry(layers, lang))
    if "discs" in sheet.drawn:
        made.append(_point(say(lang, "uncertain"), "o", "none", style.UNCERTAINTY, 7))
    if "oasis" in sheet.drawn:
        made.append(
            Rectangle(
                (0, 0), 1, 1, fc=style.OASIS, alpha=style.OASIS_OPACITY, label=say(lang, "oasis")
            )
        )
    if "water" in sheet.drawn:
        made.append(Line2D([], [], c=style.WATER, lw=0.8, label=say(lang, "water")))
    if "illustrative" in sheet.drawn:
        made.append(
            Rectangle((0, 0), 1, 1, lw=0.4, label=say(lang, "illustrative"), **ILLUSTRATIVE)
        )
    if "development" in sheet.drawn:
        made.append(
            Rectangle((0, 0), 1, 1, fc=style.DEVELOPMENT_COLOURS[0], label=say(lang, "development"))
        )
    for border in layers.lines:
        if ("border", border.level) in sheet.drawn:
            look, label = border.look, _border_words(border.level, lang)
            made.append(
                Line2D([], [], c=look[0], lw=px(look[1]) * 0.7, ls=dashes_of(look), label=label)
            )
    return made


def _border_words(level: str, lang: str) -> str:
    """Name the borders of a level as the study calls it; without a level, the outer limit."""
    if not level:
        return say(lang, "outer")
    name = legible(level_name(lang, level))[0]
    return one_line(capital(say(lang, "boundary_of", level=name)), 44)


def _flow_entry(layers: Layers, lang: str) -> Line2D:
    """Show a flow of a round number of households at the width it is drawn with."""
    households = numbers(layers.result.pairs, "households").dropna().to_numpy()
    if not len(households) or households.max() < 1:
        return Line2D([], [], c=style.FLOW, lw=1.2, alpha=0.6, label=say(lang, "flow"))
    size = _round_steps(float(households.max()))[0]
    width = float(flow_widths(np.array([size]), float(households.max()), layers.crowding)[0])
    return Line2D(
        [], [], c=style.FLOW, lw=width, alpha=0.65, label=say(lang, "flow_n", n=int(size))
    )


def _site_entries(sites: pd.DataFrame, most: float, crowding: float, lang: str) -> list[Any]:
    """Return two or three sizes of the site's diamond, and the hollow one.

    The hollow one is for sites whose households are not stated.
    """
    stated = sites["households"].dropna()
    made: list[Any] = []
    if len(stated):
        for value in _round_steps(float(stated.max())):
            size = 1.414 * float(site_radii(np.array([value]), most, crowding)[0])
            key = "households_n" if made else "site_households"
            made.append(
                _point(
                    say(lang, key, n=int(value)),
                    "D",
                    style.SITE,
                    "white",
                    size,
                    line=0.8 * crowding,
                )
            )
    if len(stated) < len(sites):
        made.append(
            _point(
                say(lang, "site_unknown_households" if made else "settlement_site"),
                "D",
                "white",
                style.SITE,
                3.4,
            )
        )
    if sites["compared"].any():
        made.append(_point(say(lang, "compared"), "D", COMPARED, "white", 4))
    return made


def _point(
    label: str, marker: str, face: str, edge: str, size: float, *, line: float = 0.7
) -> Line2D:
    return Line2D([], [], marker=marker, ls="", mfc=face, mec=edge, mew=line, ms=size, label=label)


def _round_steps(most: float) -> list[float]:
    """Return two or three round numbers up to the greatest value, the greatest first.

    They are for the legend of sizes.

    Examples
    --------
    >>> _round_steps(3150)
    [3000.0, 1000.0, 300.0]
    """
    scale = 10.0 ** np.floor(np.log10(max(most, 1)))
    top = float(max(step * scale for step in (1, 2, 3, 5) if step * scale <= max(most, 1)))
    steps = (top, float(f"{top / 3:.0e}"), float(f"{top / 10:.0e}"))
    return [value for value in dict.fromkeys(steps) if value >= 1]


def _scale_and_north(
    sheet: Sheet, box: tuple[float, float, float, float], length: float, lang: str
) -> None:
    """Draw a bar of so many km and an arrow to the north, both true where they are drawn.

    The arrow follows the local meridian.
    """
    frame, axes, point = sheet.frame, sheet.axes, sheet.point_m
    x, y = axes.transData.inverted().transform(box[:2]) + np.array([14, 9]) * point
    ends = [x, frame.scale_bar(x, y, length * 500)[0], frame.scale_bar(x, y, length * 1000)[0]]
    for number, colour in enumerate((style.INK, "white")):
        half = Rectangle(
            (ends[number], y),
            ends[number + 1] - ends[number],
            3 * point,
            fc=colour,
            ec=style.INK,
            lw=0.5,
        )
        half.set_zorder(9)
        axes.add_patch(half)
    look: dict[str, Any] = {"fontsize": 6, "zorder": 9, **HALO, "va": "bottom", "ha": "center"}
    axes.text(ends[0], y + 5 * point, "0", **look)
    axes.text(ends[1], y + 5 * point, f"{length / 2:g}", **look)
    axes.text(ends[2], y + 5 * point, f"{length:g} {say(lang, 'unit_km')}", **look)
    ax, ay = ends[-1] + 28 * point, y + 1 * point
    ux, uy = frame.north(ax, ay)
    arrow = {
        "arrowstyle": "-|>",
        "lw": 0.9,
        "color": style.INK,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 7,
    }
    tip = (ax + ux * 16 * point, ay + uy * 16 * point)
    axes.annotate("", xy=tip, xytext=(ax, ay), zorder=9, arrowprops=arrow)
    axes.text(
        ax + ux * 20 * point, ay + uy * 20 * point, say(lang, "north"), fontsize=7, weight="bold",
        ha="center",
        va="center", zorder=9, **HALO,
    )  # fmt: skip


def _locator(sheet: Sheet, box: tuple[float, float, float, float]) -> None:
    """Draw the globe with its land and the sheet on it; no border is drawn."""
    frame, figure = sheet.frame, sheet.axes.figure
    lon0, lat0 = (
        float(v) for v in frame.lonlat((frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2)
    )
    tilt = lat0 / 2  # the view leans to the equator, so that the parallels are read as curves
    wide, high = 0.75 / figure.get_figwidth(), 0.75 / figure.get_figheight()
    x, y = figure.transFigure.inverted().transform(np.add(box[:2], 4 * sheet.dots))
    globe = figure.add_axes((x, y, wide, high), zorder=10)
    bare_axes(globe)
    globe.set_facecolor("none")
    globe.set_xlim(-1.04, 1.04)
    globe.set_ylim(-1.04, 1.04)
    globe.add_patch(Circle((0, 0), 1, fc="white", ec=style.MUTED, lw=0.6, alpha=0.95))
    land = [Polygon(shape, closed=True) for shape in land_from_space(lon0, tilt)]
    # Land comes in pieces: an edge of its own colour closes the cuts between them.
    globe.add_collection(PatchCollection(land, facecolor=_LAND, edgecolor=_LAND, linewidth=0.4))
    every = np.linspace(-180, 180, 181)
    lines = [_from_space(np.full(181, lon - lon0), every / 2, tilt) for lon in range(-180, 180, 30)]
    lines += [_from_space(every, np.full(181, float(lat)), tilt) for lat in (-60, -30, 30, 60)]
    globe.add_collection(
        LineCollection(lines, colors=style.GRATICULE[0], linewidths=0.3, alpha=0.7)
    )
    globe.plot(*_from_space(every, np.zeros(181), tilt).T, color=style.MUTED, lw=0.6)
    lon, lat = frame.lonlat(*frame.outline(20))
    outline = _from_space(lon - lon0, lat, tilt)
    globe.add_patch(Polygon(outline, fc=style.SITE, ec=style.SITE, lw=0.8, alpha=0.8))
    if np.ptp(outline, axis=0).max() < _LEAST_SEEN:  # a sheet too small to be seen as an area
        globe.plot(*outline.mean(axis=0), "o", ms=3.2, mfc=style.SITE, mec="white", mew=0.6)


def _from_space(
    east: NDArray[np.float64], lat: NDArray[np.float64], tilt: float
) -> NDArray[np.float64]:
    """Points `east` degrees east of the view's meridian as seen from space; NaN on the far side."""
    xy, depth = from_space(east, lat, 0.0, tilt)
    xy[depth < 0] = np.nan
    return xy
