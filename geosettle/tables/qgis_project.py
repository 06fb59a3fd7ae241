"""The QGIS project inside study.gpkg: its layers in groups, styled, over the relief."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import geopandas as gpd
import numpy as np
from defusedxml.ElementTree import fromstring

from geosettle.crs import PACIFIC_MERCATOR, WEB_MERCATOR, WGS84, change
from geosettle.words import capital, has, say

RELIEF: Final = "relief"
"""Table of the relief, which is a picture."""
_FILE: Final = "study.gpkg"
_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "group_places": ("sites", "origins", "places"),
    "group_moves": ("paths", "flows", "uncertainty"),
    "group_units": ("roads", "boundaries"),
}
"""Groups from the top, and their layers from the top; the others follow in one more group."""
_EDGES: Final = ("xmin", "ymin", "xmax", "ymax")
_ZIP_TIME: Final = (2000, 1, 1, 0, 0, 0)
_PROPERTIES: Final = (
    ("Measure", "Ellipsoid", "QString", "EPSG:7030"),
    ("Paths", "Absolute", "bool", "false"),
    ("SpatialRefSys", "ProjectionsEnabled", "int", "1"),
)
_HEAD: Final = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def qgis_project(
    layers: Mapping[str, gpd.GeoDataFrame],
    styles: Mapping[str, str],
    *,
    title: str,
    lang: str = "en",
    relief: str = "",
) -> bytes:
    """Return a project of the layers of study.gpkg, as QGIS stores it there.

    Parameters
    ----------
    layers
        What `gpkg_layers` returned: WGS84, top layer first.
    styles
        Layer name to QML.
    title
        Title of the project.
    lang
        Language of the names of layers and groups.
    relief
        System of the picture `RELIEF`, "" if the file has none.

    Returns
    -------
    bytes
        A zip file with the project (.qgz), the same for the same arguments.

    Examples
    --------
    >>> qgis_project({}, {}, title="Empty")[:2]
    b'PK'
    """
    root = Element("qgis", projectname=title, version="3.22.0-geosettle")
    SubElement(root, "title").text = title
    system, bounds = _extent(layers)
    _system(SubElement(root, "projectCrs"), system)
    tree = SubElement(root, "layer-tree-group")
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas")
    SubElement(canvas, "units").text = "meters"
    extent = SubElement(canvas, "extent")
    for edge, text in bounds.items():
        SubElement(extent, edge).text = text
    _system(SubElement(canvas, "destinationsrs"), system)
    described = SubElement(root, "projectlayers")
    for group, names in _grouped(layers):
        within = SubElement(
            tree, "layer-tree-group", name=say(lang, group), checked="Qt::Checked", expanded="1"
        )
        for name in names:
            _vector(within, described, name, _label(_kind(name, layers), lang), styles.get(name))
    if relief:
        _picture(tree, described, say(lang, "relief"), relief)
    views = SubElement(root, "ProjectViewSettings", UseProjectScales="0")
    _system(SubElement(views, "DefaultViewExtent", bounds), system)
    properties = SubElement(root, "properties")
    for section, name, kind, value in _PROPERTIES:
        SubElement(SubElement(properties, section), name, type=kind).text = value
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        file = zipfile.ZipInfo("study.qgs", _ZIP_TIME)
        file.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(file, _HEAD + tostring(root, encoding="utf-8"))
    return packed.getvalue()


def _grouped(layers: Mapping[str, gpd.GeoDataFrame]) -> Iterator[tuple[str, list[str]]]:
    grouped = {name for names in _GROUPS.values() for name in names}
    rest = [name for name in layers if name not in grouped]
    for group, names in {**_GROUPS, "group_land": rest}.items():
        if there := [name for name in names if name in layers]:
            yield group, there


def _kind(name: str, layers: Mapping[str, gpd.GeoDataFrame]) -> str:
    """Name of a layer, or what distinguishes roads that are no more than straight lines."""
    basis = layers[name].get("geometry_basis")
    schematic = name == "roads" and basis is not None and (basis == "illustrative").all()
    return "roads_schematic" if schematic else name


def _label(name: str, lang: str) -> str:
    key = next((key for key in (f"layer_{name}", name) if has(key)), None)
    plain = name.replace("_", " ")
    text = plain if key is None else say(lang, key)
    return capital(plain if "{" in text else text)


def _extent(layers: Mapping[str, gpd.GeoDataFrame]) -> tuple[str, dict[str, str]]:
    """Return a system and the bounds of sites and origins in it, with a margin; else of all."""
    ends = [layers[name] for name in ("sites", "origins") if name in layers]
    for frames in (ends, list(layers.values())):
        found = [frame.get_coordinates().to_numpy(float) for frame in frames]
        lon, lat = np.concatenate([*found, np.empty((0, 2))]).T
        known = np.isfinite(lon) & np.isfinite(lat)
        if known.any():
            lon, lat = lon[known], lat[known].clip(-85, 85)
            system = PACIFIC_MERCATOR if np.ptp(lon % 360) < 180 < np.ptp(lon) else WEB_MERCATOR
            x, y = change(WGS84, system, lon, lat)
            margin = max(np.ptp(x), np.ptp(y), 20_000) * 0.1
            edges = (x.min() - margin, y.min() - margin, x.max() + margin, y.max() + margin)
            return system, {name: f"{at:.0f}" for name, at in zip(_EDGES, edges, strict=True)}
    return WEB_MERCATOR, dict(zip(_EDGES, ("-20000000",) * 2 + ("20000000",) * 2, strict=True))


def _system(parent: Element, code: str) -> None:
    system = SubElement(parent, "spatialrefsys")
    # QGIS reads the code if this is any of its own numbers.
    SubElement(system, "srsid").text = "3452" if code == WGS84 else "3857"
    SubElement(system, "authid").text = code


def _entry(tree: Element, layers: Element, name: str, label: str, picture: str = "") -> Element:
    """Add a layer to the tree and to the list, both of which QGIS wants.

    `picture` is the system of a picture; other layers are vectors on WGS84.
    """
    vector = not picture
    source = f"./{_FILE}|layername={name}" if vector else f"GPKG:./{_FILE}:{name}"
    provider = "ogr" if vector else "gdal"
    key = f"geosettle_{name}"
    SubElement(
        tree, "layer-tree-layer", id=key, name=label, source=source, providerKey=provider,
        checked="Qt::Checked", expanded="0",
    )  # fmt: skip
    kind = "vector" if vector else "raster"
    layer = SubElement(layers, "maplayer", type=kind, autoRefreshEnabled="0")
    SubElement(layer, "id").text = key
    SubElement(layer, "datasource").text = source
    SubElement(layer, "layername").text = label
    _system(SubElement(layer, "srs"), picture or WGS84)
    SubElement(layer, "provider", encoding="UTF-8").text = provider
    return layer


def _vector(tree: Element, layers: Element, name: str, label: str, style: str | None) -> None:
    layer = _entry(tree, layers, name, label)
    if style:
        qml = fromstring(style)
        layer.set("labelsEnabled", qml.get("labelsEnabled", "0"))
        layer.set("styleCategories", "AllStyleCategories")
        layer.extend(list(qml))


def _picture(tree: Element, layers: Element, label: str, system: str) -> None:
    layer = _entry(tree, layers, RELIEF, label, system)
    pipe = SubElement(layer, "pipe")
    SubElement(
        pipe, "rasterrenderer", type="multibandcolor", redBand="1", greenBand="2", blueBand="3",
        opacity="1", alphaBand="-1",
    )  # fmt: skip
