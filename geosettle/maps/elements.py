"""ELEMENTS: everything the map draws, from the ground up. A new element is one entry here.

An entry names a drawing kind of ``static/draw.js``. The generic kinds need no script: `polygons`,
`lines` and `points` take parts, each with a label, a style and packed geometry; `picture` takes one
image; `areas` takes several rasters of which the reader picks one. A style may say `fill`,
`stroke`, `width`, `dash`, `opacity`, `hatch`; of points also `symbol` ("square" or "circle") and
`radius`. `tests/browser` shows a new element being added and drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle import style
from geosettle.analysis import Result
from geosettle.cells import numbers, says_yes
from geosettle.distance.paths import height_profiles
from geosettle.maps import encoding, images
from geosettle.maps.area_pictures import area_pictures
from geosettle.maps.page_data import counted, linked_pairs
from geosettle.maps.place_names import levels_by_size, located, names
from geosettle.maps.unit_data import level_words, unit_areas
from geosettle.problems import Problems, attempt
from geosettle.settings import DEFAULTS
from geosettle.tables.geopackage import road_lines
from geosettle.words import capital_all, has, say_all, untranslated


@dataclass(frozen=True)
class Settings:
    """What a payload may depend on besides the result.

    Parameters
    ----------
    tolerance_deg
        How far outlines may be simplified, degrees.
    relief_px
        Width of the relief picture, pixels.
    """

    tolerance_deg: float = 0.0
    relief_px: int = DEFAULTS.map.relief_px


Payload = Callable[[Result, Settings], dict[str, Any] | None]


@dataclass(frozen=True)
class Element:
    """One thing the map draws.

    Parameters
    ----------
    name
        Its name in the legend's switches and in permalinks, ``[a-z_]+``.
    order
        Place from the ground up; what is drawn later covers what was drawn before.
    kind
        Drawing function of ``static/draw.js``.
    payload
        From the result to what is drawn, JSON-able; None: there is nothing to draw.
    label
        Key of its text in geosettle/words, or the text itself in every language.
    shown
        Whether it is drawn at first.
    """

    name: str
    order: int
    kind: str
    payload: Payload
    label: str | Mapping[str, str]
    shown: bool = True


def _part(
    label: dict[str, str], geometries: Any, settings: Settings, **look: Any
) -> dict[str, Any]:
    """One row of the legend and the outlines it stands for."""
    geoms = encoding.simplify(np.asarray(geometries, dtype=object), settings.tolerance_deg)
    return {"label": label, "paths": encoding.outlines(geoms), "style": look}


def _years(frame: pd.DataFrame) -> dict[str, Any] | None:
    years = numbers(frame, "year")
    return encoding.column(years, digits=0) if years.notna().any() else None


def _relief(result: Result, settings: Settings) -> dict[str, Any] | None:
    dem = result.study.dem
    if dem is None or not dem.is_north_up:
        return None
    return images.relief_picture(dem, width=settings.relief_px)


def _areas(result: Result, _settings: Settings) -> dict[str, Any] | None:
    return area_pictures(result)


def _names(result: Result, _settings: Settings) -> dict[str, Any]:
    return names(result)


def _oasis(result: Result, settings: Settings) -> dict[str, Any] | None:
    drawn = next(
        (
            result.oasis_polygons[k]
            for k in ("central", *result.oasis_polygons)
            if k in result.oasis_polygons
        ),
        None,
    )
    frame = located(result.study.oasis if drawn is None else drawn)
    if frame is None:
        return None
    part = _part(
        say_all("oasis"),
        frame.geometry.to_numpy(),
        settings,
        fill=style.OASIS,
        opacity=style.OASIS_OPACITY,
    )
    return {"parts": [part]}


def _rivers(result: Result, settings: Settings) -> dict[str, Any] | None:
    frame = located(result.study.rivers)
    if frame is None:
        return None
    areal = frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
    geoms = frame.geometry.to_numpy()
    parts = []
    if (~areal).any():
        parts.append(
            _part(
                say_all("rivers"),
                geoms[~areal],
                settings,
                stroke=style.WATER,
                width=1.0,
                opacity=0.9,
            )
        )
    if areal.any():
        lakes = geoms[areal]
        parts.append(
            _part(
                say_all("lakes"),
                lakes,
                settings,
                fill="#BCD9E8",
                stroke=style.WATER,
                width=0.6,
                opacity=0.9,
            )
        )
    return {"parts": parts}


def _roads(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Roads as lines; a table of published lengths as straight lines between its places."""
    roads = result.study.roads
    if roads is None or len(roads) == 0:
        return None
    schematic = not isinstance(roads, gpd.GeoDataFrame)
    drawn = road_lines(roads, result.study.places)
    lines = [] if drawn is None else drawn.geometry.dropna().to_numpy()
    if len(lines) == 0:
        return None
    label = say_all("roads_schematic" if schematic else "roads")
    look = {
        "stroke": "#8C5A3C",
        "width": 1.1,
        "opacity": 0.8,
        **({"dash": [1, 3]} if schematic else {}),
    }
    return {"parts": [_part(label, lines, settings, **look)]}


def _surroundings(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Veil what is outside the study's boundaries, so that the eye stays inside.

    No line is drawn.
    """
    frame = located(result.study.boundaries)
    if frame is None:
        return None
    inside = shapely.union_all(encoding.simplify(frame.geometry.to_numpy(), settings.tolerance_deg))
    west, south, east, north = shapely.bounds(inside)
    around = shapely.box(
        max(west - 30, -180), max(south - 20, -84), min(east + 30, 180), min(north + 20, 84)
    )
    veil = shapely.difference(around, inside)
    return {
        "parts": [
            _part(say_all("surroundings"), [veil], Settings(), fill=style.PAPER, opacity=0.42)
        ]
    }


def _units(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Areas of the units, drawn once the reader colours them."""
    return unit_areas(result, settings.tolerance_deg)


def _line(look: tuple[str, float, tuple[float, ...]]) -> dict[str, Any]:
    colour, width, dash = look
    return {"stroke": colour, "width": width, **({"dash": list(dash)} if dash else {})}


def _boundaries(result: Result, settings: Settings) -> dict[str, Any] | None:
    frame = located(result.study.boundaries)
    if frame is None:
        return None
    marked = frame.get("disputed", pd.Series("", frame.index))
    disputed = says_yes(marked)  # a column that says true, yes or 1
    in_dispute = _borders(frame[disputed], settings)
    levels = levels_by_size(frame)
    parts = []
    for level in levels:  # the coarsest level is drawn last, solid, over the dashed finer ones
        of_level = frame[frame["level"].astype(str) == level]
        look = _line(style.PREFECTURE if level == levels[-1] else style.COUNTY)
        # A line in dispute is dashed, never solid: no other line may run under it.
        line = _without(_borders(of_level, settings), in_dispute, settings.tolerance_deg)
        parts.append(
            {
                "label": capital_all(say_all("boundary_of", level=level_words(level))),
                "paths": encoding.outlines([line]),
                "style": look,
            }
        )
    if disputed.any():
        look = _line(style.INTERNATIONAL)
        parts.append(
            {
                "label": say_all("boundary_disputed"),
                "paths": encoding.outlines([in_dispute]),
                "style": look,
            }
        )
    return {"parts": parts}


def _without(line: Any, other: Any, tolerance_deg: float) -> Any:
    """Cut from a line what runs along another.

    Also where both were simplified a little differently.
    """
    if shapely.is_empty(other):
        return line
    return shapely.difference(line, shapely.buffer(other, 2 * tolerance_deg + 1e-4, quad_segs=2))


_SEAM: Final = shapely.MultiLineString([[(lon, -90.0), (lon, 90.0)] for lon in (-180.0, 180.0)])


def _borders(frame: gpd.GeoDataFrame, settings: Settings) -> Any:
    """Each border once: neighbours share it, and a dashed line drawn twice is no longer dashed."""
    geoms = encoding.simplify(frame.geometry.to_numpy(), settings.tolerance_deg)
    areal = np.isin(shapely.get_type_id(geoms), (3, 6))
    lines = shapely.union_all(np.where(areal, shapely.boundary(geoms), geoms))
    # A unit on both sides of the antimeridian is cut there: no border.
    return shapely.line_merge(shapely.difference(lines, _SEAM))


def _catchments(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Ground within each number of hours of the sites, the widest first."""
    if result.reach.empty:
        return None
    joint = result.reach[(result.reach["site_id"] == "") & ~result.reach.geometry.is_empty]
    parts = [
        _part(
            say_all("within_hours", hours=f"{hours:g}"), [shape], settings, fill=style.REACH,
            stroke=style.REACH, width=1.2, opacity=0.16,
        )
        for hours, shape in sorted(zip(joint["hours"], joint.geometry, strict=True), reverse=True)
    ]  # fmt: skip
    return {"parts": parts} if parts else None


_SHARES: Final = (0, 25, 50, 75, 100)
"""Classes of the share of persons near a road, percent."""


def _rural_access(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Units of the finest level by the share of their persons near an all-season road."""
    frame, table = located(result.study.boundaries), result.rural_access
    if frame is None or table.empty:
        return None
    level = levels_by_size(frame)[0]
    share = table[table["by"] == level].set_index("area_id")["share"]
    frame = frame[frame["level"].astype(str) == level]
    percent = 100 * frame.index.astype(str).to_series().map(share).to_numpy(dtype=float)
    kind, km = np.digitize(percent, _SHARES[1:-1]), result.study.settings.reach.rural_access_km
    parts = [
        _part(
            say_all("rural_between", low=low, high=high, km=f"{km:g}"),
            frame.geometry.to_numpy()[(kind == k) & np.isfinite(percent)], settings,
            fill=style.UNITS[k + 1], stroke=style.PAPER, width=0.8, opacity=0.8,
        )
        for k, (low, high) in enumerate(pairwise(_SHARES))
        if ((kind == k) & np.isfinite(percent)).any()
    ]  # fmt: skip
    return {"parts": parts} if parts else None


def _unreached(result: Result, _settings: Settings) -> dict[str, Any] | None:
    """Places of the largest groups of persons who are not reached, larger for more persons."""
    if result.unreached.empty:
        return None
    persons = numbers(result.unreached, "persons")
    top = 10 ** np.floor(np.log10(persons.max()))
    least = np.select([persons >= top, persons >= top / 10], [top, top / 10], 1)
    parts = [
        {
            "label": say_all("unreached_of", n=f"{from_:,.0f}"),
            "style": {"symbol": "circle", "fill": style.REACH, "radius": 3 + 2 * size},
            **_points(result.unreached[least == from_]),
        }
        for size, from_ in enumerate(sorted(set(least)))
    ]
    return {"parts": parts[::-1]}


def _development(result: Result, settings: Settings) -> dict[str, Any] | None:
    frame = located(result.study.development)
    if frame is None:
        return None
    basis = frame.get("geometry_basis", pd.Series("", index=frame.index)).fillna("").astype(str)
    frame = frame.assign(
        _illustrative=basis.eq("illustrative"), _kind=frame["kind"].fillna("").astype(str)
    )
    kinds = {
        kind: divmod(i, len(style.DEVELOPMENT_COLOURS))
        for i, kind in enumerate(sorted(frame["_kind"].unique()))
    }
    parts = []
    for (kind, illustrative), rows in frame.groupby(["_kind", "_illustrative"], sort=True):
        stated = (
            say_all(f"kind_{kind}")
            if has(f"kind_{kind}")
            else untranslated(str(kind).replace("_", " "))
        )
        label = say_all(
            "development_illustrative" if illustrative else "development_of", kind=stated
        )
        turn, colour = kinds[kind]  # kinds beyond the colours have heavier outlines
        look: dict[str, Any] = {
            "fill": style.DEVELOPMENT_COLOURS[colour],
            "stroke": "#3B3B3B",
            "width": 0.7 + 1.6 * turn,
            "opacity": 0.9,
        }
        look |= {"hatch": True, "dash": [3, 2]} if illustrative else {}
        part = _part(label, rows.geometry.to_numpy(), settings, **look)
        parts.append(
            {
                **part,
                "years": _years(rows),
                "names": encoding.column(pd.Series(rows.index.astype(str))),
            }
        )
    return {"parts": parts}


def _places(result: Result, _settings: Settings) -> dict[str, Any] | None:
    frame = located(result.study.places)
    if frame is None:
        return None
    seats = frame[
        frame["kind"].astype(str).str.endswith("_seat")
        & ~frame["kind"].astype(str).str.startswith("town")
    ]
    if len(seats) == 0:
        return None
    return {
        "parts": [
            {
                "label": say_all("places"),
                "style": {"symbol": "square", "fill": "#4A4A4A"},
                **_points(seats),
            }
        ]
    }


def _points(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    points = shapely.point_on_surface(frame.geometry.to_numpy())
    return {
        "lon": encoding.column(shapely.get_x(points), steps=encoding.POINT_STEPS),
        "lat": encoding.column(shapely.get_y(points), steps=encoding.POINT_STEPS),
    }


# These are drawn from the tables of sites, origins and flows, which the page carries anyway; their
# payloads only say whether there is anything to draw.


def _uncertainty(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Discs come from the tables; of places that are somewhere in an area, the area's outline."""
    shapes: dict[bytes, Any] = {}
    number: dict[str, Any] = {}
    discs = False
    for role, frame in (("site", result.sites), ("origin", result.origins)):
        known = result.study.regions.get(f"{role}s", {})
        areas = [known.get(key) for key in frame.index.astype(str)]
        named = [None if area is None else area.wkb for area in areas]
        for key, area in zip(named, areas, strict=True):
            if key is not None:
                shapes.setdefault(key, area)
        order = {key: k for k, key in enumerate(shapes)}
        row = pd.Series([np.nan if key is None else order[key] for key in named], dtype=float)
        number[role] = encoding.column(row, digits=0)
        radius = numbers(frame, "uncertainty_km").to_numpy(float)
        discs = discs or bool(((radius > 0) & row.isna().to_numpy()).any())
    if not shapes:
        return {} if discs else None
    part = _part({}, list(shapes.values()), settings)
    label = say_all("uncertainty_both" if discs else "uncertainty_area")
    return {"parts": [{**part, "label": label}], "areas": number, "discs": discs}


def _flows(result: Result, _settings: Settings) -> dict[str, Any] | None:
    return _sized(result.pairs, "flows") if len(result.pairs) else None


_MOST_WAYS: Final = 300
"""Moves whose ways the page holds, those of most households; study.gpkg holds all."""
_WAY_TOLERANCE_DEG: Final = 0.0002
"""Some 20 m, less than a cell of most elevation grids: it spares the vertices on straight parts."""


def _ways(result: Result, settings: Settings) -> dict[str, Any] | None:
    """Ways of the moves and their profiles; the one that the reader chooses is drawn."""
    if result.paths.empty:
        return None
    pairs = linked_pairs(result)
    most = numbers(pairs, counted(pairs)).fillna(-1).sort_values(ascending=False, kind="stable")
    row = pairs[["origin_id", "site_id"]].astype(str).loc[most.index[:_MOST_WAYS]].reset_index()
    ways = result.paths[result.paths.geometry.notna()].astype({"origin_id": str, "site_id": str})
    ways = ways.merge(row, on=["origin_id", "site_id"]).sort_values("index", kind="stable")
    if ways.empty:
        return None
    lines, dem = ways.geometry.to_numpy(), result.study.dem
    shown = Settings(tolerance_deg=max(settings.tolerance_deg, _WAY_TOLERANCE_DEG))
    measured = ("length_km", "hours", "ascent_m", "descent_m", "walk_h", "ride_h")
    payload = {
        "n": len(ways),
        "columns": {
            "flow": encoding.rows(ways["index"]),
            "metric": encoding.column(ways["metric"].reset_index(drop=True)),
            "back": encoding.column(ways["direction"].eq("back").to_numpy(float), digits=0),
            **{name: encoding.column(ways[name].to_numpy(), digits=2) for name in measured},
        },
        "parts": [_part(say_all("way_of"), lines, shown, stroke=style.WAY, width=2.6)],
    }
    if dem is not None:
        payload["heights"] = encoding.column(height_profiles(dem, lines).ravel(), digits=0)
    return payload


def _origins(result: Result, _settings: Settings) -> dict[str, Any] | None:
    return {} if len(result.origins) else None


def _change(result: Result, _settings: Settings) -> dict[str, Any] | None:
    """Arrows of the indicator that the reader chooses."""
    changed = result.access_change
    return {} if "change" in changed and bool(changed["change"].notna().any()) else None


def _sites(result: Result, _settings: Settings) -> dict[str, Any]:
    return _sized(result.sites, "sites")


def _sized(frame: pd.DataFrame, key: str) -> dict[str, Any]:
    """Label that names what the size of a symbol counts."""
    count = counted(frame)
    what = {lang: text.lower() for lang, text in say_all(count).items()}
    return {"counted": count, "label": say_all(key, what=what)}


def _always(_result: Result, _settings: Settings) -> dict[str, Any]:
    return {}


ELEMENTS: Final[Mapping[str, Element]] = {
    e.name: e
    for e in (
        Element("relief", 10, "picture", _relief, "relief"),
        Element("areas", 20, "areas", _areas, "area_layer"),
        Element("oasis", 30, "polygons", _oasis, "oasis"),
        Element("rivers", 40, "polygons", _rivers, "rivers"),
        Element("catchments", 42, "polygons", _catchments, "catchments", shown=False),
        Element("rural_access", 43, "polygons", _rural_access, "rural_access", shown=False),
        Element("surroundings", 45, "polygons", _surroundings, "surroundings"),
        Element("units", 46, "units", _units, "h_units"),
        Element("graticule", 48, "graticule", _always, "graticule"),
        Element("boundaries", 50, "lines", _boundaries, "layer_boundaries"),
        Element("roads", 55, "lines", _roads, "roads", shown=False),
        Element("development", 60, "polygons", _development, "development"),
        Element("uncertainty", 70, "discs", _uncertainty, "uncertainty"),
        Element("flows", 80, "flows", _flows, "flows"),
        Element("ways", 85, "ways", _ways, "way_of"),
        Element("unreached", 88, "points", _unreached, "unreached", shown=False),
        Element("places", 90, "points", _places, "places"),
        Element("origins", 100, "origins", _origins, "origins"),
        Element("sites", 110, "sites", _sites, "sites"),
        Element("change", 115, "change", _change, "change_since"),
        Element("labels", 120, "labels", _names, "labels"),
    )
}
"""Everything the map draws, from the ground up."""


def payloads(
    result: Result,
    settings: Settings,
    elements: Mapping[str, Element] | None = None,
    problems: Problems | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield what every element has to draw, from the lowest up.

    Elements with nothing to draw are left out. With `problems`, one that fails is left out too, and
    listed there.
    """
    catalogue = ELEMENTS if elements is None else elements
    for element in sorted(catalogue.values(), key=lambda e: e.order):
        make = partial(element.payload, result, settings)
        payload = attempt(problems, f"map element {element.name}", make)
        if payload is not None:
            head = {"name": element.name, "kind": element.kind, "shown": element.shown}
            yield {**head, "label": payload.pop("label", None) or _label(element), **payload}


def _label(element: Element) -> dict[str, str]:
    """Give the label that the catalogue states."""
    return say_all(element.label) if isinstance(element.label, str) else dict(element.label)
