"""A sheet with axes on it, and the layers of a study drawn in the order of the style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.cells import numbers, texts
from geosettle.figures.canvas import bare_axes, px
from geosettle.figures.map_projection import Frame, lines_of, relief
from geosettle.geodesy import disc
from geosettle.study import in_scope

ILLUSTRATIVE: Final[dict[str, Any]] = {
    "facecolor": "#FFF3B0",
    "hatch": "/////",
    "edgecolor": style.PARCEL_YEARS[2],
}
MOST_FLOWS: Final = 250
"""More flows than this cannot be distinguished on one sheet: the largest are drawn."""
_ROOMY: Final = 60
_LEAST_CROWDING: Final = 0.3
_LEAST_PT: Final = 1.0
"""Half the width of the smallest symbol, points; the largest is at least twice as wide."""
_FINER: Final = ("#8A8A8A", 0.7, (1.5, 2.5))
"""Look of the borders of the third level of the boundaries and all below."""
_MOST_AVOIDED: Final = 300
"""With more flows than this on a sheet, labels cannot keep clear of them."""
COMPARED: Final = "#7A848B"
"""Colour of a site that the study names for comparison only."""


class Taken:
    """Rectangles already used, in pixels: labels and furniture keep clear of them."""

    def __init__(self) -> None:
        self._boxes: list[tuple[float, float, float, float, float]] = []
        self._array = np.empty((0, 5))

    def add(self, x0: float, y0: float, x1: float, y1: float, weight: float = 1.0) -> None:
        """Mark a rectangle as used.

        One that would hide what is drawn over it counts several times its area.
        """
        self._boxes.append((x0, y0, x1, y1, weight))

    def overlap(self, x0: float, y0: float, x1: float, y1: float) -> float:
        """Area of a rectangle that is used already."""
        if len(self._array) != len(self._boxes):
            self._array = np.asarray(self._boxes)
        a = self._array
        wide = np.clip(np.minimum(a[:, 2], x1) - np.maximum(a[:, 0], x0), 0, None)
        high = np.clip(np.minimum(a[:, 3], y1) - np.maximum(a[:, 1], y0), 0, None)
        return float((wide * high * a[:, 4]).sum())


@dataclass(frozen=True, eq=False)
class Sheet:
    """Axes that show a frame, how wide they are on paper, and what is already drawn on them."""

    axes: Any
    frame: Frame
    size_in: float
    taken: Taken = field(default_factory=Taken)
    names: Taken = field(default_factory=Taken)
    """Where names of sites are written."""
    symbols: list[tuple[float, float]] = field(default_factory=list)
    """Pixels of the sites drawn."""
    rings: list[tuple[float, float]] = field(default_factory=list)
    """Pixels of the origins drawn."""
    curves: list[Any] = field(default_factory=list)
    """Middle lines of the flows drawn, pixels."""
    drawn: set[Any] = field(default_factory=set)
    """What else is to be seen: "oasis", "water", "discs", "development", "illustrative", ("border",
    its level).
    """

    def note(self, key: Any, shapes: Any, least_pt: float = 0.0) -> None:
        """Record that shapes are drawn.

        Only where one of them is on the sheet and wide enough to be seen.
        """
        west, south, east, north = shapely.bounds(np.asarray(shapes, dtype=object)).reshape(-1, 4).T
        frame = self.frame
        seen = (west < frame.x1) & (east > frame.x0) & (south < frame.y1) & (north > frame.y0)
        if (seen & (np.maximum(east - west, north - south) >= least_pt * self.point_m)).any():
            self.drawn.add(key)

    @property
    def point_m(self) -> float:
        """Projected metres per point of paper."""
        return self.frame.width / (self.size_in * 72)

    @property
    def dots(self) -> float:
        """Pixels per point of paper."""
        return float(self.axes.figure.dpi) / 72

    def pixel(self, xy: NDArray[np.float64]) -> tuple[float, float]:
        """Pixels of projected coordinates."""
        x, y = self.axes.transData.transform(xy)
        return float(x), float(y)

    def take(self, xy: NDArray[np.float64], radius_pt: float) -> None:
        """Mark the place of a symbol as used."""
        (x, y), r = self.pixel(xy), radius_pt * self.dots
        self.taken.add(x - r, y - r, x + r, y + r)


def positions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return lon, lat, radius_m, households, names and scope of rows with a known position.

    Longitude and latitude are in degrees; the radius is 0 where it is not stated.
    """
    point = shapely.point_on_surface(np.asarray(frame["geometry"], dtype=object))
    table = pd.DataFrame(
        {
            "lon": shapely.get_x(point),
            "lat": shapely.get_y(point),
            "radius_m": numbers(frame, "uncertainty_km").fillna(0.0) * 1000,
            "households": numbers(frame, "households"),
            "name": frame.get("name", pd.Series(frame.index, frame.index)),
            "name_local": frame.get("name_local", pd.Series(None, frame.index, dtype=object)),
            "compared": ~in_scope(frame),
        },
        index=frame.index,
    )
    return table[table["lon"].notna()].sort_index()


class Border(NamedTuple):
    """Boundary lines of one level, or the outer limit of them all."""

    geometry: Any
    look: tuple[str, float, tuple[float, ...]]
    level: str
    """Empty for the outer limit."""


@dataclass(frozen=True, eq=False)
class Layers:
    """What maps of one result draw, computed once.

    Places, and geometries in longitude and latitude.
    """

    result: Result
    sites: pd.DataFrame
    origins: pd.DataFrame
    oasis: Any
    lines: tuple[Border, ...]
    """Boundary lines, the highest level first."""
    development: tuple[tuple[Any, dict[str, Any]], ...]
    discs: tuple[Any, ...]

    @property
    def crowding(self) -> float:
        """Factor by which flows shrink where there are many; 1 up to sixty sites."""
        return float(min(1.0, (_ROOMY / max(len(self.sites), len(self.result.pairs), 1)) ** 0.5))

    @property
    def crowding_of_symbols(self) -> float:
        """The same for symbols, which a reader of the print must find."""
        return max(self.crowding, _LEAST_CROWDING)

    @property
    def most(self) -> float:
        """Households of the largest site, the measure of all symbols of sites."""
        stated = self.sites["households"].dropna()
        return float(stated.max()) if len(stated) else 1.0


def prepare(result: Result) -> Layers:
    """Work out what the maps of a result draw."""
    study = result.study
    sites, origins = positions(result.sites), positions(result.origins)
    known = pd.concat([origins, sites])
    known = known.loc[known["radius_m"] > 0, ["lon", "lat", "radius_m"]]
    oasis = result.oasis_polygons.get(
        "central", next(iter(result.oasis_polygons.values()), study.oasis)
    )
    return Layers(
        result,
        sites,
        origins,
        None
        if oasis is None or oasis.empty
        else shapely.get_parts(np.asarray(oasis.geometry, dtype=object)),
        tuple(_boundary_lines(study.boundaries)),
        tuple(_development(study.development)),
        tuple(
            disc(*row, vertices=180 if len(known) < 500 else 40)
            for row in known.itertuples(index=False)
        ),
    )


def draw_layers(sheet: Sheet, layers: Layers, *, pixels: int = 900) -> int:
    """Draw every layer of the sheet, the lowest first; return the number of flows drawn."""
    axes, frame, study = sheet.axes, sheet.frame, layers.result.study
    bare_axes(axes)
    axes.set_xlim(frame.x0, frame.x1)
    axes.set_ylim(frame.y0, frame.y1)
    axes.set_aspect("equal")
    if study.dem is not None:
        extent = (frame.x0, frame.x1, frame.y0, frame.y1)
        axes.imshow(
            relief(frame, study.dem, pixels),
            extent=extent,
            zorder=0,
            interpolation="bilinear",
            aspect="equal",
        )
    if layers.oasis is not None:
        oasis = frame.shapes(layers.oasis)
        sheet.note("oasis", oasis)
        _fill(axes, oasis, style.OASIS, style.OASIS_OPACITY, zorder=2)
    if study.rivers is not None:
        water = frame.shapes(study.rivers.geometry)
        sheet.note("water", water)
        areas = shapely.get_dimensions(water) == 2
        _fill(axes, water[areas], style.WATER, 0.6, zorder=2.1)
        rivers = LineCollection(
            lines_of(water[~areas]), colors=style.WATER, linewidths=0.4, alpha=0.8, zorder=2.1
        )
        axes.add_collection(rivers)
    for depth, border in enumerate(layers.lines):
        shapes, look = frame.shapes([border.geometry]), border.look
        sheet.note(("border", border.level), shapes)
        width, dashes = px(look[1]) * 0.7, [dashes_of(look)]
        axes.add_collection(
            LineCollection(
                lines_of(shapes),
                colors=look[0],
                linewidths=width,
                linestyles=dashes,
                zorder=3.2 - depth / 100,
            )
        )
    for geometry, fill in layers.development:
        parts = shapely.get_parts(frame.shapes([geometry], fine=20_000))
        sheet.note("illustrative" if fill is ILLUSTRATIVE else "development", parts)
        for polygon in parts[shapely.get_dimensions(parts) == 2]:
            axes.add_patch(PathPatch(_path(polygon), linewidth=0.4, zorder=4, **fill))
    parts = shapely.get_parts(
        frame.shapes(layers.discs, fine=2500 if len(layers.discs) < 500 else 800)
    )
    sheet.note("discs", parts, least_pt=3)
    rings = PatchCollection([PathPatch(_path(part)) for part in parts], zorder=4.2)
    rings.set(facecolor="none", edgecolor=style.UNCERTAINTY, linewidth=0.5, linestyle=(0, (2, 2)))
    axes.add_collection(rings)
    drawn = _flows(sheet, layers)
    _symbols(sheet, layers)
    return drawn


def dashes_of(look: tuple[str, float, tuple[float, ...]]) -> Any:
    """Return the dash pattern of a line of the style.

    Matplotlib counts dashes in line widths, the style in pixels.
    """
    _, width, dashes = look
    return (0, tuple(dash / width for dash in dashes)) if dashes else "solid"


def _fill(axes: Any, polygons: Any, colour: str, alpha: float, zorder: float) -> None:
    parts = shapely.get_parts(polygons)
    patches = [PathPatch(_path(polygon)) for polygon in parts[shapely.get_dimensions(parts) == 2]]
    axes.add_collection(
        PatchCollection(patches, facecolor=colour, edgecolor="none", alpha=alpha, zorder=zorder)
    )


def _path(polygon: Any) -> Path:
    """Return a polygon with its holes as one path; rings are turned so that the holes stay open."""
    rings = [
        shapely.get_coordinates(ring)
        for ring in shapely.get_rings(shapely.orient_polygons(polygon))
    ]
    return Path.make_compound_path(*[Path(ring, closed=True) for ring in rings])


def _boundary_lines(boundaries: Any) -> Iterator[Border]:
    """Give each shared border once: two dashed lines on top of each other would look solid."""
    if boundaries is None or boundaries.empty:
        return
    counts = boundaries["level"].astype(str).value_counts()
    levels = sorted(
        counts.index, key=lambda level: (counts[level], level)
    )  # the fewer units, the coarser the level
    above: Any = None
    for depth, level in enumerate(levels):
        units = np.asarray(
            boundaries.geometry[boundaries["level"].astype(str) == level], dtype=object
        )
        outer = shapely.boundary(shapely.union_all(units)) if above is None else above
        inner = shapely.difference(
            shapely.union_all(shapely.boundary(units)), shapely.buffer(outer, 1e-6)
        )
        shared = shapely.line_merge(_without_seam(inner))
        if above is None:
            # Units that do not touch, islands say, have no other border than this one.
            alone = shapely.is_empty(shared)
            limit = shapely.line_merge(_without_seam(outer))
            yield Border(
                limit, style.PREFECTURE if alone else style.INTERNATIONAL, level if alone else ""
            )
        if not shapely.is_empty(shared):
            yield Border(shared, (style.PREFECTURE, style.COUNTY, _FINER)[min(depth, 2)], level)
        above = shapely.union(outer, inner)


def _without_seam(lines: Any) -> Any:
    """Take out what runs along the 180th meridian.

    There polygons are split, and nothing is bounded.
    """
    west, _, east, _ = shapely.bounds(lines)
    for seam in [side for side in (-180.0, 180.0) if side in {west, east}]:
        lines = shapely.difference(lines, shapely.box(seam - 1e-9, -90, seam + 1e-9, 90))
    return lines


def _development(development: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Give the union of each kind, illustrative areas apart."""
    if development is None or development.empty:
        return
    kind = development["kind"].astype(str)
    basis = texts(development, "geometry_basis")
    for at, name in enumerate(sorted(set(kind))):
        colour = style.DEVELOPMENT_COLOURS[at % len(style.DEVELOPMENT_COLOURS)]
        for fill, rows in (
            (ILLUSTRATIVE, basis == "illustrative"),
            ({"facecolor": colour, "edgecolor": style.PARCEL_YEARS[3]}, basis != "illustrative"),
        ):
            chosen = (kind == name) & rows
            if chosen.any():
                yield (
                    shapely.union_all(np.asarray(development.geometry[chosen], dtype=object)),
                    fill,
                )


def flows_between(layers: Layers, origins: pd.Index, sites: pd.Index) -> pd.DataFrame:
    """Return the flows from some of the origins to some of the sites, the largest first."""
    table = layers.result.pairs.reset_index()[["origin_id", "site_id", "households"]]
    table = table[table["origin_id"].isin(origins) & table["site_id"].isin(sites)]
    return table.sort_values(["households", "origin_id", "site_id"], ascending=[False, True, True])


def _flows(sheet: Sheet, layers: Layers) -> int:
    """Draw tapered curves, the widest first.

    A flow of unknown size is drawn at the least width, lighter.
    """
    origins, sites = layers.origins, layers.sites
    table = flows_between(layers, origins.index, sites.index).head(MOST_FLOWS)
    if table.empty:
        return 0
    start = sheet.frame.xy(
        origins.loc[table["origin_id"], "lon"], origins.loc[table["origin_id"], "lat"]
    )
    end = sheet.frame.xy(sites.loc[table["site_id"], "lon"], sites.loc[table["site_id"], "lat"])
    households = numbers(table, "households").to_numpy()
    most = float(np.nanmax(households)) if np.isfinite(households).any() else 1.0
    halves = flow_widths(households, most, layers.crowding) * sheet.point_m / 2
    frame, stated = sheet.frame, np.isfinite(households)
    pad = (
        0.15 * np.hypot(*(end - start).T)[:, None]
    )  # a curve leaves the box of its ends by half its bend
    low, high = np.minimum(start, end) - pad, np.maximum(start, end) + pad
    seen = (
        (low[:, 0] < frame.x1)
        & (high[:, 0] > frame.x0)
        & (low[:, 1] < frame.y1)
        & (high[:, 1] > frame.y0)
    )
    seen &= pad[:, 0] > 0
    for chosen, alpha in ((stated, style.FLOW_OPACITY["normal"] + 0.15), (~stated, 0.45)):
        shapes = []
        for at in np.flatnonzero(seen & chosen):
            outline = _taper(start[at], end[at], float(halves[at]))
            shapes.append(Polygon(outline, closed=True))
            half = len(outline) // 2
            middle = (outline[:half] + outline[half:][::-1]) / 2
            sheet.curves.append(shapely.linestrings(sheet.axes.transData.transform(middle)))
            if seen.sum() <= _MOST_AVOIDED:
                for spot in outline[1:28:3]:
                    sheet.take(spot, 1.5)
        sheet.axes.add_collection(
            PatchCollection(shapes, facecolor=style.FLOW, edgecolor="none", alpha=alpha, zorder=5)
        )
    return len(table)


def flow_widths(
    households: NDArray[np.float64], most: float, crowding: float = 1.0
) -> NDArray[np.float64]:
    """Width of flows at the site, points: proportional to households, never below the least width.

    Where there are many flows they are narrower.
    """
    low, high = (px(size) * 0.75 * crowding for size in style.FLOW_WIDTH_PX)
    return np.maximum(np.nan_to_num(households / max(most, 1e-9)) * high, low)


def _taper(
    a: NDArray[np.float64], b: NDArray[np.float64], half: float, bend: float = 0.14
) -> NDArray[np.float64]:
    """Outline of a curve from a to b that widens towards b."""
    along = b - a
    middle = (a + b) / 2 + np.array([-along[1], along[0]]) * bend
    t = np.linspace(0, 1, 28)[:, None]
    curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b
    tangent = 2 * (1 - t) * (middle - a) + 2 * t * (b - middle)
    normal = (
        np.column_stack([-tangent[:, 1], tangent[:, 0]])
        / np.hypot(tangent[:, 0], tangent[:, 1])[:, None]
    )
    side = normal * half * (style.FLOW_TAPER + (1 - style.FLOW_TAPER) * t)
    return np.concatenate([curve + side, (curve - side)[::-1]])


def site_radii(
    households: NDArray[np.float64], most: float, crowding: float = 1.0
) -> NDArray[np.float64]:
    """Half diagonals of the sites' diamonds in points; their area is proportional to households."""
    return _radii(households, style.SITE_RADIUS_PX, most, crowding)


def _radii(
    households: NDArray[np.float64], sizes: tuple[float, float], most: float, crowding: float
) -> NDArray[np.float64]:
    low, high = (px(size) * 0.6 * crowding for size in sizes)
    low, high = max(low, _LEAST_PT), max(high, 2 * _LEAST_PT)
    return np.maximum(np.sqrt(np.nan_to_num(households / max(most, 1e-9))) * high, low)


def _symbols(sheet: Sheet, layers: Layers) -> None:
    origins, sites, crowding = layers.origins, layers.sites, layers.crowding_of_symbols
    moved = numbers(layers.result.pairs, "households").groupby(level="origin_id").sum(min_count=1)
    from_origin = moved.reindex(origins.index).to_numpy(dtype=float)
    most = np.nanmax(from_origin) if np.isfinite(from_origin).any() else 1.0
    radii = _radii(from_origin, style.ORIGIN_RADIUS_PX, float(most), crowding)
    _dots(
        sheet,
        origins,
        radii,
        marker="o",
        facecolor="white",
        edgecolor=style.ORIGIN,
        linewidth=0.7 * crowding,
        zorder=6,
    )
    order = sites.sort_values("households", ascending=False, na_position="last", kind="stable")
    stated = order["households"].notna().to_numpy()
    radii = site_radii(order["households"].to_numpy(), layers.most, crowding)
    colours = np.where(order["compared"], COMPARED, style.SITE)
    faces, edges = np.where(stated, colours, "white"), np.where(stated, "white", colours)
    _dots(
        sheet,
        order,
        radii,
        marker="D",
        facecolor=faces,
        edgecolor=edges,
        linewidth=0.8 * crowding,
        zorder=7,
    )


def _dots(sheet: Sheet, places: pd.DataFrame, radii: NDArray[np.float64], **look: Any) -> None:
    if places.empty:
        return
    xy = sheet.frame.xy(places["lon"], places["lat"])
    inside = (xy[:, 0] > sheet.frame.x0) & (xy[:, 0] < sheet.frame.x1)
    inside &= (xy[:, 1] > sheet.frame.y0) & (xy[:, 1] < sheet.frame.y1)
    look = {
        key: value[inside] if isinstance(value, np.ndarray) else value
        for key, value in look.items()
    }
    # The size is the square of a circle's diameter, or of a diamond's side.
    across = radii[inside] * (2 if look["marker"] == "o" else 2**0.5)
    sheet.axes.scatter(*xy[inside].T, s=across**2, **look)
    for at, radius in zip(xy[inside], radii[inside], strict=True):
        sheet.take(at, radius)
        (sheet.symbols if look["marker"] == "D" else sheet.rings).append(sheet.pixel(at))
