"""The GeoPackage's layers and their QGIS styles.

study.gpkg opens looking like the printed map.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib import resources
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle import style
from geosettle.analysis import Result
from geosettle.geodesy import disc
from geosettle.problems import Problems, attempt
from geosettle.tables import tables

_MM_PER_PX: Final = 25.4 / 96
_CRS: Final = "EPSG:4326"
_AREA: Final = 2
_MANY: Final = 5_000
"""Places from which on discs have fewer corners, so that they do not make most of the file."""
_MULTIPLE: Final = {0: shapely.multipoints, 1: shapely.multilinestrings, 3: shapely.multipolygons}
"""By shapely's number of the single kind, what makes a multiple one of it."""
_DRAWN: Final = {
    *(
        "oasis",
        "rivers",
        "barriers",
        "boundaries",
        "roads",
        "development",
        "places",
        "origins",
        "sites",
    ),
    "survey",
}
"""Layers that have a place of their own in the file, and the one that is kept nowhere."""


def gpkg_layers(
    result: Result,
    *,
    written: Mapping[str, pd.DataFrame] | None = None,
    problems: Problems | None = None,
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of study.gpkg, top layer first.

    The tables with their geometry, and the inputs; none that would be empty.

    QGIS lays the first layer of a file over the others when it adds them all. Rows without a
    position keep their place, with an empty geometry. Columns are those of the written tables.
    Sites and origins given as areas are points inside, and their outlines a layer of their own.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    written
        What `tables` returned for it, where that is at hand.
    problems
        Takes one problem for each layer that fails, which is then left out; None: it is raised.

    Returns
    -------
    dict
        Layer name to frame, WGS84 longitude and latitude.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> list(gpkg_layers(result))[:3]
    ['sites', 'origins', 'places']
    """
    made: dict[str, gpd.GeoDataFrame] = {}
    makers = _makers(result, tables(result) if written is None else written)
    for name, make in reversed(makers.items()):
        layer = attempt(problems, f"GeoPackage layer {name}", make)
        if layer is not None and len(layer):
            made[name] = _one_kind(layer)
    return made


def _makers(
    result: Result, written: Mapping[str, pd.DataFrame]
) -> dict[str, Callable[[], gpd.GeoDataFrame | None]]:
    """Return what makes each layer, from the lowest up."""
    held = result.study.layers
    others = [n for n, one in held.items() if n not in _DRAWN and isinstance(one, gpd.GeoDataFrame)]
    return {
        **{f"{role}_areas": partial(_areas, result, written, role) for role in _PLACES},
        **{name: partial(_of_study, held.get(name)) for name in others},
        "oasis": lambda: _of_study(_oasis(result)),
        # A style fits one kind of geometry, and a layer of two kinds opens with half of it
        # unstyled.
        "lakes": lambda: _of_study(_parts(held.get("rivers"), areas=True)),
        "rivers": lambda: _of_study(_parts(held.get("rivers"), areas=False)),
        "catchments": lambda: _catchments(result),
        "boundaries": lambda: _of_study(held.get("boundaries")),
        "roads": lambda: _of_study(road_lines(held.get("roads"), held.get("places"))),
        "development": lambda: _of_study(held.get("development")),
        "uncertainty": partial(_discs, result),
        "flows": lambda: _flows(result, written["pairs"]),
        "paths": lambda: _ways(result, written["paths"]),
        "places": partial(_of_study, held.get("places")),
        **{role: partial(_points, result, written, role) for role in reversed(_PLACES)},
    }


_PLACES: Final = ("sites", "origins")


def _of_study(layer: Any) -> gpd.GeoDataFrame | None:
    return _plain(layer) if isinstance(layer, gpd.GeoDataFrame) else None


def _catchments(result: Result) -> gpd.GeoDataFrame | None:
    """Return the catchments of all sites together, the widest below."""
    if result.reach.empty:
        return None
    joint = result.reach[result.reach["site_id"] == ""].drop(columns=["site_id", "why"])
    return joint.sort_values("hours", ascending=False).reset_index(drop=True)


def road_lines(roads: Any, places: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Return roads that have lines; a table of lengths between places as straight lines.

    Rows without a place at both ends are left out.

    Parameters
    ----------
    roads
        The layer: with geometry, or a table with the places `a` and `b`; None: there is none.
    places
        The places that it names, by id.
    """
    if roads is None or isinstance(roads, gpd.GeoDataFrame):
        return roads
    if places is None or not {"a", "b"} <= set(roads.columns):
        return None
    points = places.geometry[~(places.geometry.isna() | places.geometry.is_empty)]
    points.index = points.index.astype(str)
    ends = [points.reindex(roads[end].astype(str)).to_numpy() for end in ("a", "b")]
    both = pd.notna(ends[0]) & pd.notna(ends[1])
    pairs = np.stack([shapely.get_coordinates(end[both]) for end in ends], axis=1)
    lines = shapely.linestrings(pairs)
    drawn = roads[both].assign(geometry_basis="illustrative")
    return gpd.GeoDataFrame(drawn, geometry=lines, crs=_CRS)


def _is_area(layer: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(
        shapely.get_dimensions(np.asarray(layer.geometry, dtype=object)) == _AREA, bool
    )


def _parts(layer: Any, *, areas: bool) -> Any:
    return layer[_is_area(layer) == areas] if isinstance(layer, gpd.GeoDataFrame) else None


def _placed(result: Result, written: Mapping[str, pd.DataFrame], role: str) -> gpd.GeoDataFrame:
    """Return sites as they are written, origins as they are, with the geometry given."""
    frame: gpd.GeoDataFrame = getattr(result, role)
    if role != "sites":
        return _plain(frame.sort_index())
    table = written["sites"].set_index("site_id")
    geometry = frame.geometry.reindex(table.index)
    return gpd.GeoDataFrame(table.reset_index(), geometry=list(geometry), crs=_CRS)


def _areas(result: Result, written: Mapping[str, pd.DataFrame], role: str) -> gpd.GeoDataFrame:
    layer = _placed(result, written, role)
    return layer[_is_area(layer)].reset_index(drop=True)


def _points(result: Result, written: Mapping[str, pd.DataFrame], role: str) -> gpd.GeoDataFrame:
    layer = _placed(result, written, role)
    if not _is_area(layer).any():
        return layer
    inside = shapely.point_on_surface(np.asarray(layer.geometry, dtype=object))
    return layer.set_geometry(gpd.GeoSeries(inside, crs=_CRS))


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


def _ways(result: Result, paths: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Give the ways as they are written, with their lines."""
    if paths.empty:
        return None
    keys = ["origin_id", "site_id", "metric", "direction"]
    lines = result.paths.set_index(keys)["geometry"]
    lines = lines.reindex(pd.MultiIndex.from_frame(paths[keys]))
    return gpd.GeoDataFrame(paths, geometry=list(lines), crs=_CRS)


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
    corners = 180 if len(result.sites) + len(result.origins) < _MANY else 24
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
                        "geometry": disc(point.x, point.y, radius * 1000, vertices=corners),
                    }
                )
    frame = pd.DataFrame(rows, columns=["role", "id", "radius_km", "geometry"]).sort_values(
        ["role", "id"]
    )
    return gpd.GeoDataFrame(frame.reset_index(drop=True), geometry="geometry", crs=_CRS)


def qgis_styles(layers: Collection[str] | None = None) -> dict[str, str]:
    """Return the QML of layers, by layer name; None: of all that `gpkg_layers` can give.

    The files of the folder `qgis` are styles as QGIS saves them; a name between two @ is a colour
    (red, green, blue) or a width (millimetres) of `geosettle.style`. Neighbours draw the border
    they share twice, and a dashed line drawn twice is no longer dashed: so borders are solid, but
    for those in dispute, which come last, dashed on white that hides what runs under them.

    Examples
    --------
    >>> styles = qgis_styles()
    >>> styles["sites"].startswith("<!DOCTYPE qgis"), "lakes" in styles
    (True, True)
    """
    values = _style_values()
    files = {
        file.name.removesuffix(".qml"): file
        for file in (resources.files("geosettle.tables") / "qgis").iterdir()
    }
    return {
        name: re.sub(r"@(\w+)@", lambda word: values[word[1]], file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if layers is None or name in layers
    }


def _style_values() -> dict[str, str]:
    """Name to colour or width, as QML writes them."""
    lines = {name: getattr(style, name) for name in ("INTERNATIONAL", "PREFECTURE", "COUNTY")}
    colours = {name: value for name, value in vars(style).items() if isinstance(value, str)}
    colours |= {name: line[0] for name, line in lines.items()}
    colours |= {f"PARCEL_YEARS_{at}": value for at, value in enumerate(style.PARCEL_YEARS)}
    widest = style.INTERNATIONAL[1] * _MM_PER_PX
    dashes = (f"{dash * _MM_PER_PX:.2f}" for dash in style.INTERNATIONAL[2])
    return {
        **{
            name: ",".join(str(int(value[at : at + 2], 16)) for at in (1, 3, 5))
            for name, value in colours.items()
            if value.startswith("#")
        },
        **{f"{name}_MM": f"{line[1] * _MM_PER_PX:.2f}" for name, line in lines.items()},
        "INTERNATIONAL_DASHES_MM": ";".join(dashes),
        "UNDER_INTERNATIONAL_MM": f"{widest + 0.2:.2f}",
        "OASIS_ALPHA": str(round(style.OASIS_OPACITY * 255)),
        "SITE_MM": f"{2 * style.SITE_RADIUS_PX[1] * _MM_PER_PX * 0.7:.1f}",
    }
