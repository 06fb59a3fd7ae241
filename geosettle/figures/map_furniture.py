"""Map elements other than layers: graticule, scale bar, north arrow, locator, legend, labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.figures.canvas import HALO, bare_axes, legible, letterspaced, px, wrapped
from geosettle.figures.map_layers import (
    COMPARED,
    ILLUSTRATIVE,
    Layers,
    Sheet,
    dashes_of,
    flow_widths,
    site_radii,
)
from geosettle.figures.map_projection import Frame
from geosettle.levels import seat_kinds
from geosettle.locator import from_space, land_from_space
from geosettle.results import numbers
from geosettle.results.given import level_name
from geosettle.words import capital, language, say

_LAND: Final = "#DDD8CC"
_STEPS_DEG: Final = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30)
_BARS_KM: Final = (500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5)
_LEAST_SEEN: Final = 0.1
"""Radii of the globe in the locator, 0.1 of which is a millimetre on paper."""
_WRONG: Final = 120.0
"""Cost of a label that would be read as another site's name, square points."""
_OPAQUE: Final = 20.0
"""Weight of what a label must not cover, or be covered by: legend, scale bar, locator."""
_PALE: Final = 0.04
"""Share of the name of a unit that flows may cross."""
MOST_LABELS: Final = 60
"""With more sites than this on a sheet, only the largest are named."""
FEW_LABELS: Final = 20
_MOST_ORIGINS: Final = 40
_SIDES: Final = ((1, 0), (1, 0.8), (1, -0.8), (-1, 0), (-1, 0.8), (-1, -0.8), (0, 1), (0, -1))


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


def furnish(sheet: Sheet, layers: Layers, shown: Shown, lang: str) -> None:
    """Put legend, scale bar with north arrow, and locator where they hide little.

    None of them hides a place.
    """
    axes, dots = sheet.axes, sheet.dots
    canvas = axes.figure.canvas.get_renderer()
    used: list[tuple[float, float, float, float]] = []
    legend = axes.legend(
        handles=_legend_entries(sheet, layers, shown, lang),
        loc="upper right",
        frameon=True,
        framealpha=0.93,
        edgecolor="#BBBBBB",
        borderpad=0.8,
        labelspacing=0.5,
        handlelength=2.2,
        fancybox=False,
    )
    legend.get_frame().set_linewidth(0.5)
    legend.set_zorder(9)
    size = legend.get_window_extent(canvas)
    corner, box = _use(sheet, used, size.width + 6 * dots, size.height + 6 * dots)
    if corner:
        legend.set_loc(corner)
    else:
        legend.set_loc("lower left")
        legend.set_bbox_to_anchor(axes.transAxes.inverted().transform(box[:2]))
    length = next((km for km in _BARS_KM if km * 1000 < 0.2 * sheet.frame.width), _BARS_KM[-1])
    wide = length * 1000 / sheet.point_m + 62
    _scale_and_north(sheet, _use(sheet, used, wide * dots, 40 * dots)[1], length, lang)
    _locator(sheet, _use(sheet, used, 62 * dots, 62 * dots)[1])


def _use(
    sheet: Sheet, used: list[tuple[float, float, float, float]], width: float, height: float
) -> tuple[str, tuple[float, float, float, float]]:
    """Take the place for a box of this size, pixels: a corner of the sheet, or along its edge.

    It is along the edge where the corners hold sites.

    Returns the name of the corner, empty where it is none, and the box. What is hidden counts in
    this order: places, a site as four origins, then whether any flow is, then not being in a
    corner, then flows and labels.
    """
    inside = sheet.axes.get_window_extent(sheet.axes.figure.canvas.get_renderer())
    steps = np.linspace(0, 1, 13)
    curves = np.asarray(sheet.curves, dtype=object)
    weights = np.repeat([4, 1], [len(sheet.symbols), len(sheet.rings)])
    if len(sheet.symbols) > MOST_LABELS:
        weights[:FEW_LABELS] = 100  # the largest are drawn first, and only these are named
    places = np.reshape([*sheet.symbols, *sheet.rings], (-1, 2))
    near = np.array([-1, -1, 1, 1]) * 1.5 * sheet.dots
    found: list[tuple[tuple[float, ...], str, tuple[float, float, float, float]]] = []
    for across, up in [(1, 1), (0, 1), (1, 0), (0, 0)] + [(a, b) for a in steps for b in steps]:
        edge = across in {0, 1} or up in {0, 1}
        corner = (
            f"{'upper' if up else 'lower'} {'right' if across else 'left'}"
            if {across, up} <= {0, 1}
            else ""
        )
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
        found.append((cost, corner, box))
    _, corner, box = min(found, key=lambda one: one[0])
    used.append(box)
    sheet.taken.add(*box, weight=_OPAQUE)
    return corner, box


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
    return next(iter(wrapped(capital(say(lang, "boundary_of", level=name)), 44, 1)))


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


def label_sites(
    sheet: Sheet,
    sites: pd.DataFrame,
    lang: str,
    *,
    most: float,
    crowding: float = 1.0,
    fontsize: float = 6.3,
    letters: int = 26,
    lines: int = 2,
) -> None:
    """Name the sites, the largest first, each where its name covers least.

    `most` is the greatest site's households.
    """
    order = named_sites(sites)
    radii = site_radii(order["households"].to_numpy(), most, crowding)
    rows = order.to_dict("index").items()
    for (site_id, row), xy, radius in zip(
        rows, sheet.frame.xy(order["lon"], order["lat"]), radii, strict=True
    ):
        name = "\n".join(wrapped(legible(*site_names(row, lang), site_id)[0], letters, lines))
        weight = "normal" if row["compared"] else "bold"
        text = sheet.axes.text(
            0, 0, name, fontsize=fontsize, weight=weight, zorder=8, linespacing=0.9, **HALO
        )
        _settle(sheet, text, xy, float(radius))


def named_sites(sites: pd.DataFrame) -> pd.DataFrame:
    """Return the sites whose names are written, the largest first.

    These are all of them, or the largest where there are many.
    """
    order = sites.sort_values("households", ascending=False, na_position="last", kind="stable")
    return order.head(FEW_LABELS) if len(order) > MOST_LABELS else order


def named_origins(origins: pd.DataFrame) -> pd.DataFrame:
    """Return the origins whose names are written, the largest first.

    These are all of them, or none where there are many.
    """
    order = origins.sort_values("households", ascending=False, kind="stable")
    return order.head(0) if len(order) > _MOST_ORIGINS else order


def mark_seats(sheet: Sheet, result: Result) -> pd.DataFrame:
    """Mark the seats of the highest level; return those on the sheet, with x and y.

    They are towns a reader may know.
    """
    places = result.study.places
    if places is None or "kind" not in places:
        return pd.DataFrame(columns=["name", "name_local", "x", "y"])
    highest = seat_kinds(places["kind"], result.study.boundaries)[:1]
    seats = places[places["kind"].isin(highest) & places.geometry.notna()].sort_index()
    made = (
        pd.DataFrame(seats.drop(columns="geometry"))
        .reindex(columns=["name", "name_local"])
        .astype(object)
    )
    made["x"], made["y"] = sheet.frame.xy(seats.geometry.x, seats.geometry.y).T
    west, south, east, north = _limits(sheet.frame)
    made = made[made["x"].between(west, east) & made["y"].between(south, north)]
    sites = np.reshape(sheet.symbols, (-1, 2))
    hidden = [
        bool((np.hypot(*(sites - sheet.pixel(xy)).T) < 3 * sheet.dots).any())
        for xy in made[["x", "y"]].to_numpy()
    ]
    made = made[
        ~np.array(hidden, dtype=bool)
    ]  # under the symbol of a site its mark could not be seen
    for xy in made[["x", "y"]].to_numpy():
        sheet.axes.plot(*xy, "s", ms=2.2, mfc=style.INK, mec="white", mew=0.4, zorder=6.5)
        sheet.take(xy, 2)
    return made


def label_seats(sheet: Sheet, seats: pd.DataFrame, lang: str) -> None:
    """Name the seats that `mark_seats` drew, in the free places that the sites have left."""
    for row in seats.to_dict("records"):
        xy = np.array([row["x"], row["y"]])
        name = legible(*site_names(row, lang), "")[0]
        _settle(
            sheet,
            sheet.axes.text(0, 0, name, fontsize=5.8, style="italic", zorder=7.9, **HALO),
            xy,
            1.5,
        )


def label_origins(sheet: Sheet, origins: pd.DataFrame, lang: str) -> None:
    """Name the origins, small, where a name covers nothing; where there are many, none is named."""
    for origin_id, row in named_origins(origins).to_dict("index").items():
        xy = sheet.frame.xy(row["lon"], row["lat"])[0]
        name = next(
            iter(wrapped(legible(*site_names(row, lang), origin_id)[0].split(" (")[0], 22, 1)), ""
        )
        text = sheet.axes.text(
            0, 0, name, fontsize=5.2, color=style.ORIGIN, zorder=7.8, ha="left", va="bottom", **HALO
        )
        size = text.get_window_extent(sheet.axes.figure.canvas.get_renderer())
        x, y, _, far = _place(sheet, xy, 2.5, size.width, size.height)
        if (
            far
            or sheet.taken.overlap(x, y, x + size.width, y + size.height)
            > 0.06 * size.width * size.height
        ):
            text.remove()
            continue
        low = size.y0 - sheet.pixel(np.zeros(2))[1]
        sheet.taken.add(x, y, x + size.width, y + size.height)
        text.set_position(sheet.axes.transData.inverted().transform((x, y - low)))


def _settle(sheet: Sheet, text: Any, xy: NDArray[np.float64], radius_pt: float) -> None:
    """Move a label to the best place near its symbol.

    Where that is far off, a thin line leads to it.
    """
    text.set(ha="left", va="bottom")
    size = text.get_window_extent(sheet.axes.figure.canvas.get_renderer())
    low = size.y0 - sheet.pixel(np.zeros(2))[1]
    x, y, side, far = _place(sheet, xy, radius_pt, size.width, size.height)
    sheet.taken.add(x, y, x + size.width, y + size.height)
    # Anchored on the side of its symbol, a label that comes out wider at another resolution grows
    # away from it.
    anchor = x + size.width * {"left": 0, "center": 0.5, "right": 1}[side]
    back = sheet.axes.transData.inverted()
    text.set(ha=side, position=back.transform((anchor, y - low)))
    if far:
        end = back.transform((np.clip(sheet.pixel(xy)[0], x, x + size.width), y + size.height / 2))
        sheet.axes.plot(*np.stack([xy, end]).T, color=style.INK, lw=0.4, zorder=6.4)


def label_units(sheet: Sheet, result: Result, lang: str) -> None:
    """Write the names of the highest units large and pale, each where its area is freest.

    They are smaller where need be.
    """
    boundaries = result.study.boundaries
    if boundaries is None or boundaries.empty:
        return
    counts = boundaries["level"].astype(str).value_counts()
    top = min(counts.index, key=lambda level: (counts[level], level))
    for unit in boundaries[boundaries["level"].astype(str) == top].sort_index().itertuples():
        parts = shapely.get_parts(sheet.frame.shapes([unit.geometry]))
        if not len(parts):
            continue
        row = {"name": unit.name, "name_local": getattr(unit, "name_local", None)}
        name, _ = legible(*site_names(row, lang))
        name, _ = legible(
            name.upper(), name
        )  # a font may lack the capitals of a script that seldom uses them
        area = shapely.clip_by_rect(parts[np.argmax(shapely.area(parts))], *_limits(sheet.frame))
        if not _label_unit(sheet, letterspaced(name), 8.0, area):
            _label_unit(sheet, name, 6.5, area)


def _label_unit(sheet: Sheet, name: str, fontsize: float, area: Any) -> bool:
    """Write a name inside an area where it covers nearly nothing; return whether there was room."""
    text = sheet.axes.text(
        0,
        0,
        name,
        fontsize=fontsize,
        color=style.MUTED,
        alpha=0.75,
        ha="center",
        va="center",
        zorder=3.5,
    )
    size = text.get_window_extent(sheet.axes.figure.canvas.get_renderer())
    west, south, east, north = shapely.bounds(area)
    xs, ys = np.linspace(west, east, 26)[1:-1], np.linspace(south, north, 26)[1:-1]
    spots = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    half = size.width / 2 / sheet.dots * sheet.point_m
    around = shapely.box(
        spots[:, 0] - half, spots[:, 1] - half / 4, spots[:, 0] + half, spots[:, 1] + half / 4
    )
    spots = spots[shapely.contains_properly(area, around)]
    depth = shapely.distance(shapely.points(spots), shapely.boundary(area)) / sheet.frame.width
    free = []
    for x, y in map(sheet.pixel, spots):
        wide = (x - size.width * 0.6, y - size.height, x + size.width * 0.6, y + size.height)
        tight = (x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2)
        covered = sheet.taken.overlap(*tight) > _PALE * size.width * size.height
        free.append((covered, sheet.taken.overlap(*wide)))
    best = min(
        range(len(spots)), key=lambda at: (free[at][0], free[at][1] - depth[at]), default=None
    )
    if best is None or free[best][0]:
        text.remove()
        return False
    text.set_position(spots[best])
    x, y = sheet.pixel(spots[best])
    sheet.taken.add(
        x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2
    )
    return True


def _limits(frame: Frame) -> tuple[float, float, float, float]:
    return frame.x0, frame.y0, frame.x1, frame.y1


def _place(
    sheet: Sheet, xy: NDArray[np.float64], radius_pt: float, width: float, height: float
) -> tuple[float, float, str, bool]:
    """Choose the place of a label around its symbol.

    Returns its lower left corner in pixels, the side by which it is anchored, and whether it is far
    off. The cost is the area covered, in square points; distance and an unusual side cost a little,
    leaving the sheet costs most.
    """
    inside = sheet.axes.get_window_extent()
    (cx, cy), dot = sheet.pixel(xy), sheet.dots
    made: list[tuple[float, float, float, str, bool]] = []
    others = np.array(
        [xy for xy in sheet.symbols if np.hypot(xy[0] - cx, xy[1] - cy) > dot], dtype=float
    ).reshape(-1, 2)
    for far in (1.0, 1.8, 3.5, 6.0):
        gap = (radius_pt * 0.9 + 2.0 * far) * dot
        for rank, (dx, dy) in enumerate(_SIDES):
            x = cx + dx * gap - (width if dx < 0 else width / 2 if dx == 0 else 0)
            y = cy + dy * gap - (height if dy < 0 else 0 if dy > 0 else height / 2)
            out = max(inside.x0 + 2 * dot - x, 0, x + width - inside.x1 + 2 * dot)
            out += max(inside.y0 + 2 * dot - y, 0, y + height - inside.y1 + 2 * dot)
            covered = sheet.taken.overlap(x - dot, y, x + width + dot, y + height) / dot**2
            covered += _WRONG * _nearer(others, (cx, cy), (x, y, x + width, y + height))
            side = "right" if dx < 0 else "left" if dx > 0 else "center"
            made.append((covered + out * 100 / dot + far * 8 + rank, x, y, side, far > 2))
    return min(made)[1:]


def _nearer(
    others: NDArray[np.float64], own: tuple[float, float], box: tuple[float, float, float, float]
) -> bool:
    """Whether a label is nearer to another site than to its own.

    It would then be read as the other's name.
    """
    if not len(others):
        return False
    points = np.vstack([np.array([own]), others])
    x0, y0, x1, y1 = box
    gaps = np.hypot(
        points[:, 0] - np.clip(points[:, 0], x0, x1), points[:, 1] - np.clip(points[:, 1], y0, y1)
    )
    return bool(gaps[1:].min() <= gaps[0])


def site_names(row: Mapping[Any, Any], lang: str) -> tuple[object, object]:
    """Return the names to try in turn: the local one first where the language asks for it."""
    names = (row["name"], row["name_local"])
    return names[::-1] if language(lang).local_names else names
