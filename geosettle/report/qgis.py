"""The GeoPackage's layers and their QGIS styles (QML), so that study.gpkg opens looking like the printed map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle import style
from geosettle.analysis import Result
from geosettle.geodesy import disc
from geosettle.report.tables import tables

__all__ = ["gpkg_layers", "qgis_styles"]

_MM_PER_PX: Final = 25.4 / 96
_CRS: Final = "EPSG:4326"
_AREA: Final = 2
_SEATS: Final = """CASE WHEN "kind" IN ('prefecture_seat', 'county_seat') THEN "name" END"""
"""Label of places: a name on each of hundreds of townships would hide the map."""


def gpkg_layers(result: Result) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of study.gpkg, bottom layer first: the tables with their geometry, and the inputs.

    Rows without a position keep their place, with an empty geometry. Columns are those of the written tables. Sites and
    origins given as areas are points inside, and their outlines a layer of their own.
    """
    study = result.study
    made: dict[str, gpd.GeoDataFrame] = {}
    for name in ("boundaries", "oasis", "rivers", "roads", "development", "places"):
        layer = _oasis(result) if name == "oasis" else getattr(study, name)
        if not isinstance(layer, gpd.GeoDataFrame) or layer.empty:
            continue
        areas = layer[shapely.get_dimensions(np.asarray(layer.geometry, dtype=object)) == _AREA]
        if name == "rivers" and len(areas):
            # A style fits one kind of geometry, and a layer of two kinds opens with half of it unstyled.
            made["lakes"] = _plain(areas)
            layer = layer.drop(areas.index)
        if len(layer):
            made[name] = _plain(layer)
    written = tables(result)
    made["flows"] = _flows(result, written["pairs"])
    made["uncertainty"] = _discs(result)
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
    return made


def _oasis(result: Result) -> gpd.GeoDataFrame | None:
    """Return the oasis of every setting, one below the other, told apart by the column `setting`."""
    if not result.oasis_polygons:
        return result.study.oasis
    parts = [frame.assign(setting=setting) for setting, frame in sorted(result.oasis_polygons.items())]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=_CRS)


def _plain(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    extra = [name for name in layer.index.names if name is not None and name not in layer.columns]
    flat = layer.reset_index(level=extra) if extra else layer.reset_index(drop=True)
    return gpd.GeoDataFrame(flat, geometry="geometry", crs=_CRS)


def _flows(result: Result, pairs: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give each pair a straight line from origin to site; without both ends it has none."""
    ends = []
    for role, key in (("origins", "origin_id"), ("sites", "site_id")):
        point = shapely.point_on_surface(np.asarray(getattr(result, role)["geometry"], dtype=object))
        placed = pd.DataFrame({"x": shapely.get_x(point), "y": shapely.get_y(point)}, index=getattr(result, role).index)
        ends.append(placed.reindex(pairs[key]).to_numpy())
    lines = np.full(len(pairs), None, dtype=object)
    known = np.isfinite(ends[0]).all(axis=1) & np.isfinite(ends[1]).all(axis=1)
    if known.any():
        lines[known] = shapely.linestrings(np.stack([ends[0][known], ends[1][known]], axis=1))
    return gpd.GeoDataFrame(pairs, geometry=list(lines), crs=_CRS)


def _discs(result: Result) -> gpd.GeoDataFrame:
    """Return the disc of possible positions of each site and origin that states a radius."""
    rows: list[dict[str, Any]] = []
    for role in ("sites", "origins"):
        frame = getattr(result, role)
        if "uncertainty_km" not in frame:
            continue
        for key, geometry, radius in zip(frame.index, frame.geometry, frame["uncertainty_km"], strict=True):
            if geometry is not None and radius == radius and radius > 0:  # noqa: PLR0124  (NaN is not equal to itself)
                point = shapely.point_on_surface(geometry)
                rows.append(
                    {
                        "role": role[:-1],
                        "id": key,
                        "radius_km": radius,
                        "geometry": disc(point.x, point.y, radius * 1000),
                    }
                )
    frame = pd.DataFrame(rows, columns=["role", "id", "radius_km", "geometry"]).sort_values(["role", "id"])
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
        "boundaries": _qml(
            _categories("level", {"prefecture": _outline(style.PREFECTURE), "": _outline(style.COUNTY)}, "fill")
        ),
        "oasis": _qml(
            _categories(
                "setting",
                {"low": _edge(style.OASIS), "high": _edge(style.OASIS), "": _fill(style.OASIS, style.OASIS_OPACITY)},
                "fill",
            )
        ),
        "lakes": _qml(_single(_fill(style.WATER, 0.6), "fill")),
        "origins_areas": _qml(_single(_edge(style.ORIGIN), "fill")),
        "sites_areas": _qml(_single(_fill(style.SITE, 0.25, style.SITE), "fill")),
        "rivers": _qml(_single(("SimpleLine", {"line_color": _rgba(style.WATER), "line_width": "0.26"}), "line")),
        "roads": _qml(
            _single(
                ("SimpleLine", {"line_color": _rgba(style.MUTED), "line_width": "0.3", "line_style": "dash"}), "line"
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
            )
        ),
        "places": _qml(_single(_marker("square", style.MUTED, "#FFFFFF", 1.2), "marker"), label=_SEATS, size=7.0),
        "flows": _qml(
            _single(
                ("SimpleLine", {"line_color": _rgba(style.FLOW, 0.6), "line_width": "0.3", "capstyle": "round"}),
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
        "origins": _qml(_single(_marker("circle", "#FFFFFF", style.ORIGIN, 2.0), "marker"), label="name", size=7.0),
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
        {"style": "no", "outline_color": _rgba(colour), "outline_style": "dot", "outline_width": "0.3"},
    )


def _outline(look: tuple[str, float, tuple[float, ...]]) -> _Symbol:
    colour, width, dashes = look
    return (
        "SimpleFill",
        {
            "style": "no",
            "outline_color": _rgba(colour),
            "outline_style": "dash" if dashes else "solid",
            "outline_width": f"{width * _MM_PER_PX:.2f}",
        },
    )


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
    made = ET.Element("symbol", {"type": kind, "name": name, "alpha": "1", "clip_to_extent": "1", "force_rhr": "0"})
    layer = ET.SubElement(made, "layer", {"class": symbol[0], "enabled": "1", "locked": "0", "pass": "0"})
    options = ET.SubElement(layer, "Option", {"type": "Map"})
    for key, value in sorted(symbol[1].items()):
        ET.SubElement(options, "Option", {"type": "QString", "name": key, "value": value})
    if driven:
        properties = ET.SubElement(ET.SubElement(layer, "data_defined_properties"), "Option", {"type": "Map"})
        ET.SubElement(properties, "Option", {"type": "QString", "name": "name", "value": ""})
        by_name = ET.SubElement(properties, "Option", {"type": "Map", "name": "properties"})
        for key, expression in sorted(driven.items()):
            one = ET.SubElement(by_name, "Option", {"type": "Map", "name": key})
            ET.SubElement(one, "Option", {"type": "bool", "name": "active", "value": "true"})
            ET.SubElement(one, "Option", {"type": "QString", "name": "expression", "value": expression})
            ET.SubElement(one, "Option", {"type": "int", "name": "type", "value": "3"})
        ET.SubElement(properties, "Option", {"type": "QString", "name": "type", "value": "collection"})
    return made


def _single(symbol: _Symbol, kind: str, driven: Mapping[str, str] | None = None) -> ET.Element:
    renderer = ET.Element(
        "renderer-v2", {"type": "singleSymbol", "enableorderby": "0", "forceraster": "0", "symbollevels": "0"}
    )
    ET.SubElement(renderer, "symbols").append(_symbol("0", kind, symbol, driven or {}))
    return renderer


def _categories(column: str, symbols: Mapping[str, _Symbol], kind: str) -> ET.Element:
    """Style by the values of a column; the empty value stands for all others."""
    renderer = ET.Element(
        "renderer-v2",
        {"type": "categorizedSymbol", "attr": column, "enableorderby": "0", "forceraster": "0", "symbollevels": "0"},
    )
    categories = ET.SubElement(renderer, "categories")
    made = ET.SubElement(renderer, "symbols")
    for at, (value, symbol) in enumerate(symbols.items()):
        ET.SubElement(
            categories,
            "category",
            {"symbol": str(at), "value": value, "label": value or "other", "render": "true", "type": "string"},
        )
        made.append(_symbol(str(at), kind, symbol, {}))
    return renderer


def _qml(renderer: ET.Element, *, label: str = "", size: float = 8.0) -> str:
    root = ET.Element(
        "qgis", {"version": "3.28", "styleCategories": "Symbology|Labeling", "labelsEnabled": "1" if label else "0"}
    )
    root.append(renderer)
    if label:
        settings = ET.SubElement(
            ET.SubElement(root, "labeling", {"type": "simple"}), "settings", {"calloutType": "simple"}
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
            {"bufferDraw": "1", "bufferSize": "0.8", "bufferSizeUnits": "MM", "bufferColor": "255,255,255,230"},
        )
    ET.SubElement(root, "layerGeometryType").text = {"marker": "0", "line": "1", "fill": "2"}[
        str(next(renderer.iter("symbol")).get("type"))
    ]
    ET.indent(root, " ")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode") + "\n"
