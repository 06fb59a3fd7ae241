"""Names on a map: of sites, towns, origins and units, each where it covers least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.figures.canvas import HALO, legible, letterspaced, wrapped
from geosettle.figures.chart_parts import one_line
from geosettle.figures.map_layers import Sheet, site_radii
from geosettle.figures.map_projection import Frame
from geosettle.levels import seat_kinds
from geosettle.words import language

_WRONG: Final = 120.0
"""Cost of a label that would be read as another site's name, square points."""
_COVERED: Final = 0.08
"""Share of the name of a site that other names of sites may cover."""
_PALE: Final = 0.04
"""Share of the name of a unit that flows may cross."""
MOST_LABELS: Final = 60
"""With more sites than this on a sheet, only the largest are named."""
FEW_LABELS: Final = 20
_MOST_ORIGINS: Final = 40
_SIDES: Final = ((1, 0), (1, 0.8), (1, -0.8), (-1, 0), (-1, 0.8), (-1, -0.8), (0, 1), (0, -1))


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
) -> int:
    """Name the sites, the largest first, each where its name covers least; return how many.

    A name that would cover another one is left out. `most` is the greatest site's households.
    """
    named = 0
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
        named += _settle(sheet, text, xy, float(radius), _COVERED)
    return named


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
        name = one_line(legible(*site_names(row, lang), origin_id)[0].split(" (")[0], 22, "")
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


def _settle(
    sheet: Sheet, text: Any, xy: NDArray[np.float64], radius_pt: float, most: float = np.inf
) -> bool:
    """Move a label to the best place near its symbol.

    Where that is far off, a thin line leads to it. It is taken away where more than a share `most`
    of it would cover names of sites.
    """
    text.set(ha="left", va="bottom")
    size = text.get_window_extent(sheet.axes.figure.canvas.get_renderer())
    low = size.y0 - sheet.pixel(np.zeros(2))[1]
    x, y, side, far = _place(sheet, xy, radius_pt, size.width, size.height)
    box = (x, y, x + size.width, y + size.height)
    if sheet.names.overlap(*box) > most * size.width * size.height:
        text.remove()
        return False
    sheet.taken.add(*box)
    sheet.names.add(*box)
    # Anchored on the side of its symbol, a label that comes out wider at another resolution grows
    # away from it.
    anchor = x + size.width * {"left": 0, "center": 0.5, "right": 1}[side]
    back = sheet.axes.transData.inverted()
    text.set(ha=side, position=back.transform((anchor, y - low)))
    if far:
        end = back.transform((np.clip(sheet.pixel(xy)[0], x, x + size.width), y + size.height / 2))
        sheet.axes.plot(*np.stack([xy, end]).T, color=style.INK, lw=0.4, zorder=6.4)
    return True


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
