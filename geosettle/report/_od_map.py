"""The map of origins and destinations, for print."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from matplotlib import patheffects
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.geodesy import disc
from geosettle.report._canvas import WIDTH_IN, bare_axes, legible, new_figure, px
from geosettle.report._frame import Frame, frame_around, lines_of, relief
from geosettle.report.words import say

__all__ = ["draw_layers", "label_sites", "od_map", "positions"]

_HALO: Final = [patheffects.withStroke(linewidth=1.8, foreground="white", alpha=0.9)]
_SIDE: Final = 0.052  # free strip at the left and right of the sheet, share of the figure's width
_SHEET_IN: Final = WIDTH_IN * (1 - 2 * _SIDE)
_WIDEST_DISC_M: Final = 60e3  # a wider disc of uncertainty may leave the sheet


@dataclass
class _Taken:
    """Rectangles already used, in pixels: labels keep clear of them."""

    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.boxes.append((x0, y0, x1, y1))

    def overlap(self, x0: float, y0: float, x1: float, y1: float) -> float:
        if not self.boxes:
            return 0.0
        a = np.asarray(self.boxes)
        wide = np.clip(np.minimum(a[:, 2], x1) - np.maximum(a[:, 0], x0), 0, None)
        high = np.clip(np.minimum(a[:, 3], y1) - np.maximum(a[:, 1], y0), 0, None)
        return float((wide * high).sum())


def positions(frame: pd.DataFrame) -> pd.DataFrame:
    """Longitude, latitude, radius in metres (0 where not stated), households of the rows with a known position."""
    point = shapely.point_on_surface(np.asarray(frame["geometry"], dtype=object))
    table = pd.DataFrame({"lon": shapely.get_x(point), "lat": shapely.get_y(point)}, index=frame.index)
    for name, source, factor in (("radius_m", "uncertainty_km", 1000.0), ("households", "households", 1.0)):
        column = frame[source] if source in frame else pd.Series(np.nan, frame.index)
        table[name] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan) * factor
    table["radius_m"] = table["radius_m"].fillna(0.0)
    table["name"] = frame["name"] if "name" in frame else frame.index
    table["name_local"] = frame["name_local"] if "name_local" in frame else None
    return table[np.isfinite(table["lon"])].sort_index()


def od_map(result: Result, lang: str) -> Figure | None:
    """Draw the origin-destination map on an equal-area sheet 180 mm wide."""
    sites, origins = positions(result.sites), positions(result.origins)
    places = pd.concat([sites, origins])
    if places.empty:
        return None
    frame = frame_around(places["lon"], places["lat"], np.minimum(places["radius_m"], _WIDEST_DISC_M))
    sheet_in = WIDTH_IN * (1 - 2 * _SIDE)
    high_in = sheet_in * frame.height / frame.width
    caption, strange = _caption(result, frame, sites, origins, lang)
    head_in, foot_in = 0.5, 0.26 + 0.105 * len(caption)
    figure = new_figure(high_in + head_in + foot_in)
    total = high_in + head_in + foot_in
    axes = figure.add_axes((_SIDE, foot_in / total, 1 - 2 * _SIDE, high_in / total))
    axes.set_xlim(frame.x0, frame.x1)
    axes.set_ylim(frame.y0, frame.y1)
    taken = _Taken()
    flows = draw_layers(axes, frame, result, taken=taken)
    _graticule(axes, frame)
    _furniture(axes, frame, taken, lang, _legend_entries(result, sites, lang, flows), sites, origins)
    label_sites(axes, frame, sites, lang, taken=taken)
    for side in axes.spines.values():
        side.set_visible(True)
    unknown = len(result.sites) + len(result.origins) - len(sites) - len(origins)
    title = str(result.study.settings.get("study", {}).get("title") or "") or say(lang, "map_title")
    figure.text(_SIDE, 1 - 0.17 / total, legible(title, result.study.name)[0], fontsize=10, weight="bold", va="center")
    subtitle = say(lang, "map_subtitle", sites=len(sites), origins=len(origins), flows=flows, unknown=unknown)
    figure.text(_SIDE, 1 - 0.36 / total, legible(subtitle, "")[0], fontsize=7, color=style.MUTED, va="center")
    figure.text(
        _SIDE, (foot_in - 0.22) / total, "\n".join(caption), fontsize=5.8, color=style.MUTED, va="top", linespacing=1.3
    )
    _ = strange
    return figure


def draw_layers(
    axes: Any,
    frame: Frame,
    result: Result,
    *,
    taken: _Taken | None = None,
    pixels: int = 1000,
    size_in: float = _SHEET_IN,
) -> int:
    """Draw every layer of the sheet in the order of the style; return the number of flows drawn."""
    taken = taken if taken is not None else _Taken()
    bare_axes(axes)
    axes.set_xlim(frame.x0, frame.x1)
    axes.set_ylim(frame.y0, frame.y1)
    axes.set_aspect("equal")
    study = result.study
    if study.dem is not None:
        extent = (frame.x0, frame.x1, frame.y0, frame.y1)
        axes.imshow(relief(frame, study.dem, pixels), extent=extent, zorder=0, interpolation="bilinear", aspect="equal")
    if study.oasis is not None:
        _fill(axes, frame.shapes(study.oasis.geometry), style.OASIS, style.OASIS_OPACITY, zorder=2)
    if study.rivers is not None:
        water = frame.shapes(study.rivers.geometry)
        areas = shapely.get_dimensions(water) == 2
        _fill(axes, water[areas], style.WATER, 0.6, zorder=2.1)
        axes.add_collection(LineCollection(lines_of(water[~areas]), colors=style.WATER, linewidths=0.5, zorder=2.1))
    _boundaries(axes, frame, study.boundaries)
    _development(axes, frame, study.development)
    sites, origins = positions(result.sites), positions(result.origins)
    _discs(axes, frame, pd.concat([origins, sites]))
    drawn = _flows(axes, frame, result.pairs, origins, sites, size_in)
    _symbols(axes, frame, origins, sites, result.pairs, taken)
    return drawn


def _fill(axes: Any, polygons: Any, colour: str, alpha: float, zorder: float) -> None:
    patches = [PathPatch(_path(polygon)) for polygon in shapely.get_parts(polygons) if polygon.geom_type == "Polygon"]
    axes.add_collection(PatchCollection(patches, facecolor=colour, edgecolor="none", alpha=alpha, zorder=zorder))


def _path(polygon: Any) -> Path:
    """Return a polygon with its holes as one path; rings are turned so that the holes stay open."""
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.orient_polygons(polygon))]
    return Path.make_compound_path(*[Path(ring, closed=True) for ring in rings])


def _boundaries(axes: Any, frame: Frame, boundaries: Any) -> None:
    """Draw each shared border once: two dashed lines on top of each other would look solid."""
    if boundaries is None or boundaries.empty:
        return
    levels = list(dict.fromkeys(boundaries["level"]))
    sizes = {level: len(boundaries[boundaries["level"] == level]) for level in levels}
    levels.sort(key=lambda level: (sizes[level], str(level)))
    looks = [style.PREFECTURE, style.COUNTY]
    above: Any = None
    outer: Any = None
    for rung, level in enumerate(levels):
        units = np.asarray(boundaries.geometry[boundaries["level"] == level], dtype=object)
        if rung == 0:
            outer = shapely.boundary(shapely.union_all(units))
            _line(axes, frame, outer, style.INTERNATIONAL, 3.2)
            above = outer
        inner = shapely.difference(shapely.union_all(shapely.boundary(units)), shapely.buffer(above, 1e-6))
        _line(axes, frame, inner, looks[min(rung, 1)], 3.1 - 0.01 * rung)
        above = shapely.union(above, inner)


def _line(axes: Any, frame: Frame, geometry: Any, look: tuple[str, float, tuple[float, ...]], zorder: float) -> None:
    colour, width, dashes = look
    merged = frame.shapes([shapely.line_merge(geometry)])
    # Dash lengths are in units of the line's width in matplotlib, in pixels in the style.
    pattern = (0, tuple(dash / width for dash in dashes)) if dashes else "solid"
    lines = LineCollection(
        lines_of(merged), colors=colour, linewidths=px(width) * 0.7, linestyles=[pattern], zorder=zorder
    )
    axes.add_collection(lines)


def _development(axes: Any, frame: Frame, development: Any) -> None:
    if development is None or development.empty:
        return
    kinds = sorted(set(development["kind"].astype(str)))
    basis = development.get("geometry_basis", pd.Series("", development.index)).astype(str)
    for kind in kinds:
        for illustrative in (False, True):
            rows = (development["kind"].astype(str) == kind) & ((basis == "illustrative") == illustrative)
            colour = style.DEVELOPMENT_COLOURS[kinds.index(kind) % len(style.DEVELOPMENT_COLOURS)]
            for polygon in shapely.get_parts(frame.shapes(development.geometry[rows], fine=20_000)):
                if polygon.geom_type != "Polygon":
                    continue
                look = {"facecolor": "none", "hatch": "//////"} if illustrative else {"facecolor": colour}
                axes.add_patch(PathPatch(_path(polygon), edgecolor="#6B4E0E", linewidth=0.4, zorder=4, **look))


def _discs(axes: Any, frame: Frame, places: pd.DataFrame) -> None:
    known = places[places["radius_m"] > 0]
    if known.empty:
        return
    rings = [disc(lon, lat, radius) for lon, lat, radius in known[["lon", "lat", "radius_m"]].itertuples(index=False)]
    shapes = frame.shapes(rings)
    patches = [PathPatch(_path(shape)) for shape in shapely.get_parts(shapes)]
    axes.add_collection(
        PatchCollection(
            patches, facecolor="none", edgecolor=style.UNCERTAINTY, linewidth=0.5, linestyle=(0, (2, 2)), zorder=4.2
        )
    )


def _flows(
    axes: Any, frame: Frame, pairs: pd.DataFrame, origins: pd.DataFrame, sites: pd.DataFrame, size_in: float
) -> int:
    """Draw tapered curves, the widest first; a flow of unknown size is drawn at the least width, lighter."""
    table = pairs.reset_index()[["origin_id", "site_id", "households"]]
    table = table[table["origin_id"].isin(origins.index) & table["site_id"].isin(sites.index)]
    table = table.sort_values(["households", "origin_id", "site_id"], ascending=[False, True, True])
    if table.empty:
        return 0
    start = frame.xy(origins.loc[table["origin_id"], "lon"], origins.loc[table["origin_id"], "lat"])
    end = frame.xy(sites.loc[table["site_id"], "lon"], sites.loc[table["site_id"], "lat"])
    households = pd.to_numeric(table["households"], errors="coerce").to_numpy(dtype=float)
    width = _widths(households) / 72 / size_in * frame.width / 2
    for a, b, half, known in zip(start, end, width, np.isfinite(households), strict=True):
        if np.hypot(*(b - a)) == 0:
            continue
        axes.add_patch(
            Polygon(
                _taper(a, b, float(half)),
                closed=True,
                facecolor=style.FLOW,
                edgecolor="none",
                alpha=style.FLOW_OPACITY["normal"] + 0.1 if known else 0.4,
                zorder=5,
            )
        )
    return len(table)


def _widths(households: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width at the site, points: proportional to households, never below the floor."""
    low, high = (px(size) * 0.75 for size in style.FLOW_WIDTH_PX)
    most = np.nanmax(households) if np.isfinite(households).any() else 1.0
    return np.maximum(np.nan_to_num(households / max(most, 1e-9)) * high, low)


def _taper(a: NDArray[np.float64], b: NDArray[np.float64], half: float, bend: float = 0.14) -> NDArray[np.float64]:
    """Outline of a curve from a to b that widens towards b."""
    along = b - a
    middle = (a + b) / 2 + np.array([-along[1], along[0]]) * bend
    t = np.linspace(0, 1, 28)[:, None]
    curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b
    tangent = 2 * (1 - t) * (middle - a) + 2 * t * (b - middle)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) / np.hypot(tangent[:, 0], tangent[:, 1])[:, None]
    side = normal * half * (style.FLOW_TAPER + (1 - style.FLOW_TAPER) * t)
    return np.concatenate([curve + side, (curve - side)[::-1]])


def _radii(households: NDArray[np.float64], sizes: tuple[float, float], most: float) -> NDArray[np.float64]:
    """Radius in points of symbols whose area is proportional to households."""
    low, high = (px(size) * 0.6 for size in sizes)
    return np.maximum(np.sqrt(np.nan_to_num(households / max(most, 1e-9))) * high, low)


def _symbols(
    axes: Any, frame: Frame, origins: pd.DataFrame, sites: pd.DataFrame, pairs: pd.DataFrame, taken: _Taken
) -> None:
    moved = pd.to_numeric(pairs["households"], errors="coerce").groupby(level="origin_id").sum(min_count=1)
    from_origin = moved.reindex(origins.index).to_numpy(dtype=float)
    most = np.nanmax(from_origin) if np.isfinite(from_origin).any() else 1.0
    per_point = axes.figure.dpi / 72
    for radius, xy in zip(
        _radii(from_origin, style.ORIGIN_RADIUS_PX, most), frame.xy(origins["lon"], origins["lat"]), strict=True
    ):
        axes.plot(*xy, "o", ms=2 * radius, mfc="white", mec=style.ORIGIN, mew=0.7, zorder=6)
        _take(axes, taken, xy, radius * per_point)
    order = sites.sort_values("households", ascending=False, na_position="last", kind="stable")
    most = np.nanmax(order["households"]) if np.isfinite(order["households"]).any() else 1.0
    for radius, xy, stated in zip(
        _radii(order["households"].to_numpy(), style.SITE_RADIUS_PX, most),
        frame.xy(order["lon"], order["lat"]),
        np.isfinite(order["households"]),
        strict=True,
    ):
        face, edge = (style.SITE, "white") if stated else ("white", style.SITE)
        axes.plot(*xy, "D", ms=1.414 * radius, mfc=face, mec=edge, mew=0.8, zorder=7)
        _take(axes, taken, xy, radius * per_point)


def _take(axes: Any, taken: _Taken, xy: NDArray[np.float64], radius: float) -> None:
    x, y = axes.transData.transform(xy)
    taken.add(x - radius, y - radius, x + radius, y + radius)


def _graticule(axes: Any, frame: Frame) -> None:
    """Draw meridians and parallels, their labels outside the sheet where they meet its lower and left edge."""
    edge = np.linspace(0, 1, 50)
    lon, lat = frame.lonlat(
        np.concatenate([frame.x0 + edge * frame.width, np.full(50, frame.x0), np.full(50, frame.x1)]),
        np.concatenate([np.full(50, frame.y0), frame.y0 + edge * frame.height, frame.y1 - edge * frame.height]),
    )
    middle = float(frame.lonlat((frame.x0 + frame.x1) / 2, frame.y0)[0])
    lon = middle + (lon - middle + 180) % 360 - 180
    top = frame.lonlat(frame.x0 + edge * frame.width, np.full(50, frame.y1))[1]
    south, north = float(min(lat.min(), top.min())), float(max(lat.max(), top.max()))
    span = max(float(np.ptp(lon)), north - south)
    step = next(size for size in (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30) if span / size <= 7 or size == 30)
    colour, width, _ = style.GRATICULE
    look = {"color": colour, "linewidth": px(width) * 0.7, "alpha": 0.55, "zorder": 1}
    text = {"fontsize": 6, "color": style.MUTED, "clip_on": False}
    gap = frame.width * 0.006
    for value in np.arange(np.floor(lon.min() / step), np.ceil(lon.max() / step) + 1) * step:
        line = frame.xy(np.full(80, value), np.linspace(south - 1, north + 1, 80))
        axes.plot(line[:, 0], line[:, 1], **look)
        x = float(np.interp(frame.y0, line[:, 1], line[:, 0]))
        if frame.x0 < x < frame.x1:
            axes.text(x, frame.y0 - gap, _degree((value + 180) % 360 - 180, "EW"), ha="center", va="top", **text)
    for value in np.arange(np.floor(south / step), np.ceil(north / step) + 1) * step:
        line = frame.xy(np.linspace(lon.min() - 1, lon.max() + 1, 80), np.full(80, value))
        axes.plot(line[:, 0], line[:, 1], **look)
        y = float(np.interp(frame.x0, line[:, 0], line[:, 1]))
        if frame.y0 < y < frame.y1:
            axes.text(frame.x0 - gap, y, _degree(value, "NS"), ha="right", va="center", rotation=90, **text)


def _degree(value: float, letters: str) -> str:
    value = round(float(value), 4)
    return f"{abs(value):g}°{'' if value == 0 else letters[0] if value > 0 else letters[1]}"


def _legend_entries(result: Result, sites: pd.DataFrame, lang: str, flows: int) -> list[Any]:
    study = result.study
    diamond = {"marker": "D", "ls": "", "ms": 6}
    made: list[Any] = [Line2D([], [], mfc=style.SITE, mec="white", label=say(lang, "site"), **diamond)]
    stated = sites["households"].dropna()
    if len(stated) < len(sites):
        made.append(
            Line2D(
                [], [], mfc="white", mec=style.SITE, label=say(lang, "site_unknown_households"), **{**diamond, "ms": 4}
            )
        )
    if len(stated):
        most = float(stated.max())
        for value in _round_steps(most):
            radius = float(_radii(np.array([value]), style.SITE_RADIUS_PX, most)[0])
            made.append(
                Line2D(
                    [],
                    [],
                    marker="D",
                    ls="",
                    mfc=style.SITE,
                    mec="white",
                    ms=1.414 * radius,
                    label=say(lang, "households_n", n=int(value)),
                )
            )
    made.append(
        Line2D([], [], marker="o", ls="", mfc="white", mec=style.ORIGIN, mew=0.7, ms=4, label=say(lang, "origin"))
    )
    if flows:
        made.append(Line2D([], [], c=style.FLOW, lw=2.6, alpha=0.6, label=say(lang, "flow")))
    made.append(
        Line2D(
            [], [], marker="o", ls="", mfc="none", mec=style.UNCERTAINTY, mew=0.5, ms=7, label=say(lang, "uncertain")
        )
    )
    if study.oasis is not None:
        made.append(Rectangle((0, 0), 1, 1, fc=style.OASIS, alpha=style.OASIS_OPACITY, label=say(lang, "oasis")))
    if study.rivers is not None:
        made.append(Line2D([], [], c=style.WATER, lw=0.8, label=say(lang, "water")))
    if study.development is not None and len(study.development):
        made.append(
            Rectangle((0, 0), 1, 1, fc="none", ec="#6B4E0E", lw=0.4, hatch="//////", label=say(lang, "illustrative"))
        )
    if study.boundaries is not None:
        for key, (colour, width, dashes) in (
            ("outer", style.INTERNATIONAL),
            ("prefecture", style.PREFECTURE),
            ("county", style.COUNTY),
        ):
            pattern = (0, tuple(dash / width for dash in dashes)) if dashes else "solid"
            made.append(Line2D([], [], c=colour, lw=px(width) * 0.7, ls=pattern, label=say(lang, key)))
    return made


def _round_steps(most: float) -> list[float]:
    """Two or three round numbers up to the greatest value, for the legend of sizes."""
    scale = 10 ** np.floor(np.log10(max(most, 1)))
    top = max(step * scale for step in (1, 2, 3, 5) if step * scale <= max(most, 1))
    return [
        value
        for value in dict.fromkeys((round(top / 10), round(top / 3, -int(max(np.log10(top) - 1, 0))), top))
        if value >= 1
    ]


def _furniture(
    axes: Any,
    frame: Frame,
    taken: _Taken,
    lang: str,
    entries: Sequence[Any],
    sites: pd.DataFrame,
    origins: pd.DataFrame,
) -> None:
    """Put legend, scale bar and north arrow, and the locator, each in the emptiest corner left."""
    corners = ["upper right", "upper left", "lower right", "lower left"]
    canvas = axes.figure.canvas.get_renderer()
    inside = axes.get_window_extent(canvas)
    legend = axes.legend(
        handles=entries,
        loc="upper right",
        frameon=True,
        framealpha=0.93,
        edgecolor="#BBBBBB",
        borderpad=0.8,
        labelspacing=0.55,
        handlelength=2.2,
        fancybox=False,
    )
    legend.get_frame().set_linewidth(0.5)
    legend.set_zorder(9)
    size = legend.get_window_extent(canvas)

    def cost(corner: str, width: float, height: float) -> float:
        x = inside.x1 - width if "right" in corner else inside.x0
        y = inside.y1 - height if "upper" in corner else inside.y0
        return taken.overlap(x, y, x + width, y + height)

    def use(width: float, height: float) -> str:
        best = min(corners, key=lambda corner: cost(corner, width, height))
        corners.remove(best)
        x = inside.x1 - width if "right" in best else inside.x0
        y = inside.y1 - height if "upper" in best else inside.y0
        taken.add(x, y, x + width, y + height)
        return best

    best = use(size.width + 10, size.height + 10)
    legend.set_loc(best)
    dots = axes.figure.dpi / 72
    corner = use(105 * dots, 34 * dots)
    _scale_and_north(axes, frame, corner, lang)
    corner = use(62 * dots, 62 * dots)
    _locator(axes, frame, corner)


def _scale_and_north(axes: Any, frame: Frame, corner: str, lang: str) -> None:
    points = frame.width / (WIDTH_IN * (1 - 2 * _SIDE) * 72)  # metres on the sheet per point of paper
    length = (
        next(km for km in (500, 200, 100, 50, 20, 10, 5, 2, 1) if km * 1000 < 0.2 * frame.width or km == 1) * 1000.0
    )
    x = frame.x0 + 12 * points if "left" in corner else frame.x1 - 42 * points - length
    y = frame.y0 + 10 * points if "lower" in corner else frame.y1 - 26 * points
    ends = [x, frame.scale_bar(x, y, length / 2)[0], frame.scale_bar(x, y, length)[0]]
    for number, colour in enumerate((style.INK, "white")):
        axes.add_patch(
            Rectangle(
                (ends[number], y),
                ends[number + 1] - ends[number],
                3 * points,
                fc=colour,
                ec=style.INK,
                lw=0.5,
                zorder=9,
            )
        )
    for end, km in zip(ends, (0, length / 2000, length / 1000), strict=True):
        unit = f" {say(lang, 'km')}" if km == length / 1000 else ""
        axes.text(
            end, y + 5 * points, f"{km:g}{unit}", ha="center", va="bottom", fontsize=6, path_effects=_HALO, zorder=9
        )
    ax, ay = ends[-1] + 22 * points, y + 2 * points
    ux, uy = frame.north(ax, ay)
    axes.annotate(
        "",
        xy=(ax + ux * 17 * points, ay + uy * 17 * points),
        xytext=(ax, ay),
        zorder=9,
        arrowprops={
            "arrowstyle": "-|>",
            "lw": 0.9,
            "color": style.INK,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 7,
        },
    )
    axes.text(
        ax + ux * 20 * points,
        ay + uy * 20 * points,
        "N",
        ha="center",
        va="center",
        fontsize=7,
        weight="bold",
        path_effects=_HALO,
        zorder=9,
    )


def _locator(axes: Any, frame: Frame, corner: str) -> None:
    """Draw the globe as a bare graticule, seen from above the sheet, with the sheet on it: no coast or border is implied."""
    lon0, lat0 = (float(v) for v in frame.lonlat((frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2))
    tilt = lat0 / 2  # the view leans to the equator, so that the parallels are read as curves
    box = axes.get_position()
    figure = axes.figure
    size = 54 / 72
    wide, high = size / figure.get_figwidth(), size / figure.get_figheight()
    pad_x, pad_y = 4 / 72 / figure.get_figwidth(), 4 / 72 / figure.get_figheight()
    x = box.x0 + pad_x if "left" in corner else box.x1 - pad_x - wide
    y = box.y0 + pad_y if "lower" in corner else box.y1 - pad_y - high
    globe = figure.add_axes((x, y, wide, high), zorder=10)
    bare_axes(globe)
    globe.set_facecolor("none")
    globe.set_xlim(-1.04, 1.04)
    globe.set_ylim(-1.04, 1.04)
    globe.add_patch(Circle((0, 0), 1, fc="white", ec=style.MUTED, lw=0.6, alpha=0.95))

    def view(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b, c = np.radians(lon - lon0), np.radians(lat), np.radians(tilt)
        xy = np.column_stack([np.cos(b) * np.sin(a), np.cos(c) * np.sin(b) - np.sin(c) * np.cos(b) * np.cos(a)])
        xy[np.sin(c) * np.sin(b) + np.cos(c) * np.cos(b) * np.cos(a) < 0] = np.nan
        return xy

    every = np.linspace(-180, 180, 181)
    lines = [view(np.full(181, lon), every / 2) for lon in range(-180, 180, 30)]
    lines += [view(every + lon0, np.full(181, float(lat))) for lat in range(-60, 61, 30)]
    globe.add_collection(LineCollection(lines, colors=style.GRATICULE[0], linewidths=0.3, alpha=0.7))
    globe.plot(*view(every + lon0, np.zeros(181)).T, color=style.MUTED, lw=0.6)
    edge = np.linspace(0, 1, 20)
    lon, lat = frame.lonlat(
        np.concatenate(
            [frame.x0 + edge * frame.width, np.full(20, frame.x1), frame.x1 - edge * frame.width, np.full(20, frame.x0)]
        ),
        np.concatenate(
            [
                np.full(20, frame.y0),
                frame.y0 + edge * frame.height,
                np.full(20, frame.y1),
                frame.y1 - edge * frame.height,
            ]
        ),
    )
    globe.add_patch(Polygon(view(lon, lat), closed=True, fc=style.SITE, ec=style.SITE, lw=0.8, alpha=0.8))


def label_sites(
    axes: Any, frame: Frame, sites: pd.DataFrame, lang: str, *, taken: _Taken | None = None, fontsize: float = 6.3
) -> None:
    """Name the sites, the largest first, each where it covers least; a name with no free place near it is moved off."""
    taken = taken if taken is not None else _Taken()
    canvas = axes.figure.canvas.get_renderer()
    inside = axes.get_window_extent(canvas)
    order = sites.sort_values("households", ascending=False, na_position="last", kind="stable")
    most = np.nanmax(order["households"]) if np.isfinite(order["households"]).any() else 1.0
    radii = _radii(order["households"].to_numpy(), style.SITE_RADIUS_PX, most) * axes.figure.dpi / 72
    for (site_id, row), xy, radius in zip(order.iterrows(), frame.xy(order["lon"], order["lat"]), radii, strict=True):
        name = legible(*site_names(row, site_id, lang))[0]
        text = axes.text(
            *xy,
            textwrap.shorten(name, 34, placeholder="…"),
            fontsize=fontsize,
            weight="bold",
            path_effects=_HALO,
            zorder=8,
            ha="left",
            va="bottom",
        )
        size = text.get_window_extent(canvas)
        px0, py0 = axes.transData.transform(xy)
        best = None
        for far in (1.0, 1.8, 3.0, 4.5):
            gap = radius * 0.9 + 2.5 * far
            for side, (dx, dy) in enumerate(
                ((1, 0), (1, 0.8), (1, -0.8), (-1, 0), (-1, 0.8), (-1, -0.8), (0, 1), (0, -1))
            ):
                x = px0 + dx * gap - (size.width if dx < 0 else size.width / 2 if dx == 0 else 0)
                y = py0 + dy * gap - (size.height if dy < 0 else 0 if dy > 0 else size.height / 2)
                out = (
                    max(inside.x0 + 3 - x, 0)
                    + max(x + size.width - inside.x1 + 3, 0)
                    + max(inside.y0 + 3 - y, 0)
                    + max(y + size.height - inside.y1 + 3, 0)
                )
                cost = taken.overlap(x - 1, y, x + size.width + 1, y + size.height) + out * 200 + far * 4 + side
                if best is None or cost < best[0]:
                    best = (cost, x, y)
        if best is None:  # pragma: no cover  (the loops above always try a place)
            continue
        _, x, y = best
        text.set_position(axes.transData.inverted().transform((x, y - (size.y0 - py0))))
        taken.add(x, y, x + size.width, y + size.height)


def site_names(row: Any, key: object, lang: str) -> tuple[object, ...]:
    """Names to try in turn: the local one first in Chinese, the identifier last."""
    names = (row["name_local"], row["name"]) if lang == "zh" else (row["name"], row["name_local"])
    return (*names, key)


def _caption(
    result: Result, frame: Frame, sites: pd.DataFrame, origins: pd.DataFrame, lang: str
) -> tuple[list[str], list[str]]:
    strange = [
        str(key)
        for key, row in sites.iterrows()
        if not legible(*[n for n in site_names(row, None, lang) if isinstance(n, str)])[1]
    ]
    parts = [say(lang, "projection", label=frame.label)]
    if result.study.dem is not None:
        parts.append(say(lang, "relief_from", source=result.study.dem.source or "DEM"))
    note = str(result.study.settings.get("study", {}).get("boundary_note") or "")
    if result.study.boundaries is not None:
        if note:
            parts.append(say(lang, "boundaries_from", source=note.rstrip(".")))
        parts.append(style.BOUNDARY_NOTE[lang])
    parts.append(say(lang, "schematic"))
    hidden = [*result.sites.index.difference(sites.index), *result.origins.index.difference(origins.index)]
    if hidden:
        parts.append(say(lang, "not_drawn", ids=", ".join(map(str, hidden))))
    if strange:
        parts.append(say(lang, "unwritable", ids=", ".join(strange)))
    text = legible((" " if lang == "en" else "").join(parts), "")[0]
    return textwrap.wrap(text, 160 if lang == "en" else 80), strange
