"""The GeoPackage's layers and their QGIS styles (QML).

study.gpkg opens looking like the printed map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.geodesy import disc
from geosettle.tables import tables

_MM_PER_PX: Final = 25.4 / 96
_CRS: Final = "EPSG:4326"
_AREA: Final = 2
_MULTIPLE: Final = {0: shapely.multipoints, 1: shapely.multilinestrings, 3: shapely.multipolygons}
"""By shapely's number of the single kind, what makes a multiple one of it."""
_DRAWN: Final = {
    *("oasis", "rivers", "boundaries", "roads", "development", "places", "origins", "sites"),
    "survey",
}
"""Layers that have a place of their own in the file, and the one that is kept nowhere."""
_PLACE_POINTS: Final = 7.0
"""Size of the names of places and origins; those of sites are larger."""
_SEATS: Final = """CASE WHEN "kind" LIKE '%_seat' THEN "name" END"""
"""Label of places: a name on each of hundreds of townships would hide the map."""


def gpkg_layers(
    result: Result, *, written: Mapping[str, pd.DataFrame] | None = None
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of study.gpkg, top layer first.

    The tables with their geometry, and the inputs.

    QGIS lays the first layer of a file over the others when it adds them all. Rows without a
    position keep their place, with an empty geometry. Columns are those of the written tables.
    Sites and origins given as areas are points inside, and their outlines a layer of their own.
    `written` is what `tables` returned for the result, where that is at hand.
    """
    study = result.study
    made: dict[str, gpd.GeoDataFrame] = {
        role: _plain(layer)
        for role, layer in study.layers.items()
        if role not in _DRAWN and isinstance(layer, gpd.GeoDataFrame) and len(layer)
    }
    for name in ("oasis", "rivers", "boundaries", "roads", "development"):
        layer = _oasis(result) if name == "oasis" else study.layers.get(name)
        if not isinstance(layer, gpd.GeoDataFrame) or layer.empty:
            continue
        areas = layer[shapely.get_dimensions(np.asarray(layer.geometry, dtype=object)) == _AREA]
        if name == "rivers" and len(areas):
            # A style fits one kind of geometry, and a layer of two kinds opens with half of it
            # unstyled.
            made["lakes"] = _plain(areas)
            layer = layer.drop(areas.index)
        if len(layer):
            made[name] = _plain(layer)
    written = tables(result) if written is None else written
    made["uncertainty"] = _discs(result)
    made["flows"] = _flows(result, written["pairs"])
    if study.places is not None and len(study.places):
        made["places"] = _plain(study.places)
    for role in ("origins", "sites"):
        frame = getattr(result, role)
        if role == "sites":
            table = written["sites"].set_index("site_id")
            geometry = frame.geometry.reindex(table.index)
            layer = gpd.GeoDataFrame(table.reset_index(), geometry=list(geometry), crs=_CRS)
        else:
            layer = _plain(frame.sort_index())
        shapes = np.asarray(layer.geometry, dtype=object)
        areas = shapely.get_dimensions(shapes) == _AREA
        if areas.any():
            made = {f"{role}_areas": layer[areas].reset_index(drop=True), **made}
            layer = layer.set_geometry(gpd.GeoSeries(shapely.point_on_surface(shapes), crs=_CRS))
        made[role] = layer
    return {name: _one_kind(made[name]) for name in reversed(made)}


def _one_kind(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make every geometry a multiple one where some are.

    Most programs take a layer of one declared kind only.
    """
    shapes = np.asarray(layer.geometry, dtype=object)
    kind = shapely.get_type_id(shapes)
    if len(set(kind[kind >= 0].tolist())) < 2:
        return layer
    shapes = shapes.copy()
    for single, multiple in _MULTIPLE.items():
        chosen = kind == single
        shapes[chosen] = multiple(shapes[chosen], indices=np.arange(chosen.sum()))
    return layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=_CRS))


def _oasis(result: Result) -> gpd.GeoDataFrame | None:
    """Return the oasis of every setting in one frame.

    The column `setting` distinguishes them.
    """
    if not result.oasis_polygons:
        return result.study.oasis
    parts = [
        frame.assign(setting=setting) for setting, frame in sorted(result.oasis_polygons.items())
    ]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=_CRS)


def _plain(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    extra = [name for name in layer.index.names if name is not None and name not in layer.columns]
    flat = layer.reset_index(level=extra) if extra else layer.reset_index(drop=True)
    return gpd.GeoDataFrame(flat, geometry="geometry", crs=_CRS)


def _flows(result: Result, pairs: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give each pair a straight line from origin to site; without both ends it has none."""
    ends = []
    for role, key in (("origins", "origin_id"), ("sites", "site_id")):
        point = shapely.point_on_surface(
            np.asarray(getattr(result, role)["geometry"], dtype=object)
        )
        placed = pd.DataFrame(
            {"x": shapely.get_x(point), "y": shapely.get_y(point)},
            index=getattr(result, role).index,
        )
        ends.append(placed.reindex(pairs[key]).to_numpy())
    lines = np.full(len(pairs), None, dtype=object)
    known = np.isfinite(ends[0]).all(axis=1) & np.isfinite(ends[1]).all(axis=1)
    if known.any():
        lines[known] = _straight(ends[0][known], ends[1][known])
    return gpd.GeoDataFrame(pairs, geometry=list(lines), crs=_CRS)


def _straight(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.object_]:
    """Draw straight lines the short way round, in two pieces where they cross the antimeridian."""
    start = start.copy()
    far = np.abs(start[:, 0] - end[:, 0]) > 180
    start[far & (np.abs(start[:, 0]) == 180), 0] *= -1  # 180° east is 180° west
    turn = np.round((start[:, 0] - end[:, 0]) / 360)[
        :, None
    ]  # 1: the end lies a turn further east than it says
    east = np.array([1.0, 0.0])
    goal = end + 360 * turn * east
    lines = np.asarray(shapely.linestrings(np.stack([start, goal], axis=1)), dtype=object)
    crossing = np.abs(goal[:, 0]) > 180
    first, last, seam = start[crossing], goal[crossing], 180 * turn[crossing]
    share = (seam[:, 0] - first[:, 0]) / (last[:, 0] - first[:, 0])
    middle = first + share[:, None] * (last - first)
    pieces = np.stack(
        [first, middle, middle - 2 * seam * east, last - 2 * seam * east], axis=1
    ).reshape(-1, 2, 2)
    lines[crossing] = shapely.multilinestrings(
        shapely.linestrings(pieces), indices=np.arange(len(pieces)) // 2
    )
    return lines


def _discs(result: Result) -> gpd.GeoDataFrame:
    """Return the disc of possible positions of each site and origin that states a radius."""
    rows: list[dict[str, Any]] = []
    for role in ("sites", "origins"):
        frame = getattr(result, role)
        if "uncertainty_km" not in frame:
            continue
        for key, geometry, radius in zip(
            frame.index, frame.geometry, frame["uncertainty_km"], strict=True
        ):
            if geometry is not None and 0 < radius < np.inf:
                point = shapely.point_on_surface(geometry)
                rows.append(
                    {
                        "role": role[:-1],
                        "id": key,
                        "radius_km": radius,
                        "geometry": disc(point.x, point.y, radius * 1000),
                    }
                )
    frame = pd.DataFrame(rows, columns=["role", "id", "radius_km", "geometry"]).sort_values(
        ["role", "id"]
    )
    return gpd.GeoDataFrame(frame.reset_index(drop=True), geometry="geometry", crs=_CRS)


def qgis_styles() -> dict[str, str]:
    """Return the QML of every layer that `gpkg_layers` can give, by layer name.

    Examples
    --------
    >>> styles = qgis_styles()
    >>> styles["sites"].startswith("<!DOCTYPE qgis"), "lakes" in styles
    (True, True)
    """
    size = 'coalesce(max(2, sqrt("households" / maximum("households")) * {most}), 2)'
    width = 'coalesce(max(0.3, "households" / maximum("households") * 2.4), 0.3)'
    site_size = size.format(most=round(2 * style.SITE_RADIUS_PX[1] * _MM_PER_PX * 0.7, 1))
    return {
        "boundaries": _qml(_boundary_rules()),
        "oasis": _qml(
            _categories(
                "setting",
                {
                    "low": _edge(style.OASIS),
                    "high": _edge(style.OASIS),
                    "": _fill(style.OASIS, style.OASIS_OPACITY),
                },
                "fill",
                others="oasis",
            )
        ),
        "lakes": _qml(_single(_fill(style.WATER, 0.6), "fill")),
        "origins_areas": _qml(_single(_edge(style.ORIGIN), "fill")),
        "sites_areas": _qml(_single(_fill(style.SITE, 0.25, style.SITE), "fill")),
        "rivers": _qml(
            _single(
                ("SimpleLine", {"line_color": _rgba(style.WATER), "line_width": "0.26"}), "line"
            )
        ),
        "roads": _qml(
            _single(
                (
                    "SimpleLine",
                    {"line_color": _rgba(style.MUTED), "line_width": "0.3", "line_style": "dash"},
                ),
                "line",
            )
        ),
        "development": _qml(
            _categories(
                "geometry_basis",
                {
                    "illustrative": _hatched(style.PARCEL_YEARS[3]),
                    "": _fill(style.PARCEL_YEARS[1], 1.0, style.PARCEL_YEARS[3]),
                },
                "fill",
                others="development",
            )
        ),
        "places": _qml(
            _single(_marker("square", style.MUTED, "#FFFFFF", 1.2), "marker"),
            label=_SEATS,
            size=_PLACE_POINTS,
        ),
        "flows": _qml(
            _single(
                (
                    "SimpleLine",
                    {
                        "line_color": _rgba(style.FLOW, 0.6),
                        "line_width": "0.3",
                        "capstyle": "round",
                    },
                ),
                "line",
                {"outlineWidth": width},
            )
        ),
        "uncertainty": _qml(
            _single(
                (
                    "SimpleFill",
                    {
                        "style": "no",
                        "outline_color": _rgba(style.UNCERTAINTY),
                        "outline_width": "0.2",
                        "outline_style": "dot",
                    },
                ),
                "fill",
            )
        ),
        "origins": _qml(
            _single(_marker("circle", "#FFFFFF", style.ORIGIN, 2.0), "marker"),
            label="name",
            size=_PLACE_POINTS,
        ),
        "sites": _qml(
            _single(_marker("diamond", style.SITE, "#FFFFFF", 4.0), "marker", {"size": site_size}),
            label="name",
            size=9.0,
        ),
    }


# --- QML: QGIS's own style language, built as a tree

_Symbol = tuple[str, dict[str, str]]


def _rgba(colour: str, opacity: float = 1.0) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(opacity * 255)}"


def _fill(colour: str, opacity: float, edge: str = "") -> _Symbol:
    return (
        "SimpleFill",
        {
            "color": _rgba(colour, opacity),
            "style": "solid",
            "outline_style": "solid" if edge else "no",
            "outline_color": _rgba(edge or colour),
            "outline_width": "0.2",
        },
    )


def _hatched(edge: str) -> _Symbol:
    return (
        "SimpleFill",
        {
            "color": _rgba(edge),
            "style": "f_diagonal",
            "outline_style": "solid",
            "outline_color": _rgba(edge),
            "outline_width": "0.2",
        },
    )


def _edge(colour: str) -> _Symbol:
    return (
        "SimpleFill",
        {
            "style": "no",
            "outline_color": _rgba(colour),
            "outline_style": "dot",
            "outline_width": "0.3",
        },
    )


def _line(look: tuple[str, float, tuple[float, ...]], *, wider: float = 0.0) -> _Symbol:
    colour, width, dashes = look
    said = {
        "line_color": _rgba(colour),
        "line_width": f"{width * _MM_PER_PX + wider:.2f}",
        "joinstyle": "round",
    }
    if dashes:
        lengths = ";".join(f"{dash * _MM_PER_PX:.2f}" for dash in dashes)
        said |= {"use_custom_dash": "1", "customdash": lengths, "capstyle": "flat"}
    return "SimpleLine", said


def _boundary_rules() -> ET.Element:
    """Style boundaries by their level.

    Those in dispute come last, dashed on white that hides what runs under them.

    Neighbours draw the border they share twice, and a dashed line drawn twice is no longer dashed:
    so the others are solid, of two widths.
    """
    flag = (
        "lower(trim(coalesce(to_string(attribute($currentfeature, 'disputed')), ''))) IN ('true', "
        "'yes', '1', '1.0')"
    )
    rules = {
        "upper levels": (
            'array_contains(array_agg(to_string("parent_code")), to_string("code")) AND NOT '
            + flag,
            [_line(style.PREFECTURE)],
        ),
        "disputed": (
            flag,
            [_line(("#FFFFFF", style.INTERNATIONAL[1], ()), wider=0.2), _line(style.INTERNATIONAL)],
        ),
        "finest level": ("ELSE", [_line((style.COUNTY[0], style.COUNTY[1], ()))]),
    }
    passes = {"finest level": [0], "upper levels": [1], "disputed": [2, 3]}
    renderer = ET.Element(
        "renderer-v2",
        {"type": "RuleRenderer", "enableorderby": "0", "forceraster": "0", "symbollevels": "1"},
    )
    root = ET.SubElement(renderer, "rules", {"key": "{0}"})
    symbols = ET.SubElement(renderer, "symbols")
    for at, (label, (when, layers)) in enumerate(rules.items()):
        ET.SubElement(
            root,
            "rule",
            {"key": f"{{{at + 1}}}", "symbol": str(at), "label": label, "filter": when},
        )
        symbol = _symbol(str(at), "fill", layers[0], {})
        for more in layers[1:]:
            symbol.extend(_symbol(str(at), "fill", more, {}))
        for layer, level in zip(symbol.findall("layer"), passes[label], strict=True):
            layer.set("pass", str(level))
        symbols.append(symbol)
    return renderer


def _marker(name: str, colour: str, edge: str, size: float) -> _Symbol:
    return (
        "SimpleMarker",
        {
            "name": name,
            "color": _rgba(colour),
            "outline_color": _rgba(edge),
            "outline_style": "solid",
            "outline_width": "0.3",
            "size": f"{size:g}",
            "size_unit": "MM",
        },
    )


def _symbol(name: str, kind: str, symbol: _Symbol, driven: Mapping[str, str]) -> ET.Element:
    made = ET.Element(
        "symbol",
        {"type": kind, "name": name, "alpha": "1", "clip_to_extent": "1", "force_rhr": "0"},
    )
    layer = ET.SubElement(
        made, "layer", {"class": symbol[0], "enabled": "1", "locked": "0", "pass": "0"}
    )
    options = ET.SubElement(layer, "Option", {"type": "Map"})
    for key, value in sorted(symbol[1].items()):
        ET.SubElement(options, "Option", {"type": "QString", "name": key, "value": value})
    if driven:
        properties = ET.SubElement(
            ET.SubElement(layer, "data_defined_properties"), "Option", {"type": "Map"}
        )
        ET.SubElement(properties, "Option", {"type": "QString", "name": "name", "value": ""})
        by_name = ET.SubElement(properties, "Option", {"type": "Map", "name": "properties"})
        for key, expression in sorted(driven.items()):
            one = ET.SubElement(by_name, "Option", {"type": "Map", "name": key})
            ET.SubElement(one, "Option", {"type": "bool", "name": "active", "value": "true"})
            ET.SubElement(
                one, "Option", {"type": "QString", "name": "expression", "value": expression}
            )
            ET.SubElement(one, "Option", {"type": "int", "name": "type", "value": "3"})
        ET.SubElement(
            properties, "Option", {"type": "QString", "name": "type", "value": "collection"}
        )
    return made


def _single(symbol: _Symbol, kind: str, driven: Mapping[str, str] | None = None) -> ET.Element:
    renderer = ET.Element(
        "renderer-v2",
        {"type": "singleSymbol", "enableorderby": "0", "forceraster": "0", "symbollevels": "0"},
    )
    ET.SubElement(renderer, "symbols").append(_symbol("0", kind, symbol, driven or {}))
    return renderer


def _categories(column: str, symbols: Mapping[str, _Symbol], kind: str, others: str) -> ET.Element:
    """Style by the values of a column; the empty value stands for all others."""
    renderer = ET.Element(
        "renderer-v2",
        {
            "type": "categorizedSymbol",
            "attr": column,
            "enableorderby": "0",
            "forceraster": "0",
            "symbollevels": "0",
        },
    )
    categories = ET.SubElement(renderer, "categories")
    made = ET.SubElement(renderer, "symbols")
    for at, (value, symbol) in enumerate(symbols.items()):
        ET.SubElement(
            categories,
            "category",
            {
                "symbol": str(at),
                "value": value,
                "label": value or others,
                "render": "true",
                "type": "string",
            },
        )
        made.append(_symbol(str(at), kind, symbol, {}))
    return renderer


def _qml(renderer: ET.Element, *, label: str = "", size: float = 8.0) -> str:
    root = ET.Element(
        "qgis",
        {
            "version": "3.28",
            "styleCategories": "Symbology|Labeling",
            "labelsEnabled": "1" if label else "0",
        },
    )
    root.append(renderer)
    if label:
        settings = ET.SubElement(
            ET.SubElement(root, "labeling", {"type": "simple"}),
            "settings",
            {"calloutType": "simple"},
        )
        text = ET.SubElement(
            settings,
            "text-style",
            {
                "fieldName": label,
                "isExpression": "0" if label.isidentifier() else "1",
                "fontSize": f"{size:g}",
                "fontSizeUnit": "Point",
                "textColor": _rgba(style.INK),
                "fontFamily": "Noto Sans",
            },
        )
        ET.SubElement(
            text,
            "text-buffer",
            {
                "bufferDraw": "1",
                "bufferSize": "0.8",
                "bufferSizeUnits": "MM",
                "bufferColor": "255,255,255,230",
            },
        )
        ET.SubElement(
            settings,
            "placement",
            {
                "placement": "6",  # at places around the symbol, tried in this order
                "predefinedPositionOrder": "R,TR,BR,L,TL,BL,T,B",
                "offsetType": "1",  # from the symbol's edge, not from its middle
                "dist": "0.6",
                "distUnits": "MM",
                "priority": "10" if size > _PLACE_POINTS else "2",  # of 10: names of sites first
            },
        )
    ET.SubElement(root, "layerGeometryType").text = {"marker": "0", "line": "1", "fill": "2"}[
        str(next(renderer.iter("symbol")).get("type"))
    ]
    ET.indent(root, " ")
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        + ET.tostring(root, encoding="unicode")
        + "\n"
    )
