"""OpenStreetMap extracts (.osm, .osm.pbf): the features of one layer, read by GDAL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyogrio
import shapely

from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.io.source import Refused, Source
from geosettle.io.vectors import read_ogr
from geosettle.problems import problem

Window = tuple[float, float, float, float]


def _tagged(key: str, values: Sequence[str]) -> str:
    """Return SQL for features with one of these values of a key, kept in `other_tags`."""
    return " OR ".join(f'other_tags LIKE \'%"{key}"=>"{value}"%\'' for value in values)


_SERVICES: Final = (
    "school", "kindergarten", "college", "university", "clinic", "hospital", "doctors",
    "health_post", "pharmacy", "marketplace", "bank", "townhall", "police", "post_office", "fuel",
    "bus_station", "drinking_water",
)  # fmt: skip


@dataclass(frozen=True)
class _Rule:
    """What a layer takes of an extract: GDAL's layer, which features, which columns."""

    layer: str
    where: str
    columns: Mapping[str, str]
    """Field of GDAL to name of the column."""


RULES: Final[Mapping[str, _Rule]] = {
    "roads": _Rule(
        "lines",
        f"highway IS NOT NULL OR {_tagged('route', ['ferry'])}",
        {"osm_id": "road_id", "name": "name", "highway": "highway", "other_tags": "other_tags"},
    ),
    "rivers": _Rule("lines", "waterway IS NOT NULL", {"name": "name"}),
    "places": _Rule(
        "points",
        f"place IS NOT NULL OR {_tagged('amenity', _SERVICES)}",
        {"osm_id": "place_id", "name": "name", "place": "kind", "other_tags": "population"},
    ),
    "boundaries": _Rule(
        "multipolygons",
        "boundary = 'administrative' AND admin_level IS NOT NULL",
        {"osm_id": "code", "name": "name", "admin_level": "level", "osm_way_id": "way"},
    ),
}
"""Layer to what it takes of an extract; no other layer is in one."""
OSM_ENDINGS: Final = (".osm", ".pbf")
_AROUND_M: Final = 50_000.0


def surroundings(geometries: Sequence[Any]) -> Window | None:
    """Box around all geometries, wider on each side by half its diagonal, and by 50 km at least.

    A road makes detours: a narrower box would cut them.

    Parameters
    ----------
    geometries
        Arrays of shapely geometries on WGS84.

    Returns
    -------
    tuple or None
        West, south, east, north in degrees; None where nothing has a position, and where the box
        would touch a pole or the 180th meridian.

    Examples
    --------
    >>> import shapely
    >>> [round(float(v), 2) for v in surroundings([shapely.points([[80.0, 40.0]])])]
    [79.41, 39.55, 80.59, 40.45]
    """
    boxes = np.array([shapely.total_bounds(some) for some in geometries]).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return None
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    wide = max(_AROUND_M, GEOD.inv(west, south, east, north)[2] / 2)
    wider = (max(abs(south), abs(north)),) * 2
    x, _, _ = GEOD.fwd([west, east], wider, [270, 90], [wide] * 2)
    _, y, _ = GEOD.fwd([west, west], [south, north], [180, 0], [wide] * 2)
    box = (float(x[0]), float(y[0]), float(x[1]), float(y[1]))
    inside = box[0] < west and box[1] < south and box[2] > east and box[3] > north
    return box if inside else None


def read_osm(path: Path, file: str, role: str | None, window: Window | None = None) -> Source:
    """Features of an OpenStreetMap extract that belong to a layer.

    Parameters
    ----------
    path
        A plain file, its content known to be OpenStreetMap XML or PBF.
    file
        Name for messages.
    role
        A key of `RULES`; None reads roads.
    window
        West, south, east, north in degrees: only features that touch it. None reads all.

    Raises
    ------
    Refused
        An extract holds no such layer.
    """
    rule = RULES.get(role or "roads")
    if rule is None:
        raise Refused(
            "file_refused",
            f"an OpenStreetMap extract does not give the layer {role}",
            file=file,
            mend=f"It gives {', '.join(RULES)}.",
        )
    with _configured(CPL_TMPDIR=tempfile.gettempdir()):  # not the current folder
        try:
            found = read_ogr(path, file, "osm", layer=rule.layer, where=rule.where, window=window)
        except InputError as error:
            if "Non increasing node id" not in str(error):
                raise
            with _configured(OSM_USE_CUSTOM_INDEXING="NO"):  # slower, takes nodes in any order
                found = read_ogr(
                    path, file, "osm", layer=rule.layer, where=rule.where, window=window
                )
    cells = found.cells[list(rule.columns)].rename(columns=dict(rule.columns))
    if role == "places":
        cells = _places(cells)
    if role == "boundaries":
        cells["level"] = "admin_level_" + cells["level"].astype(str)
        cells["code"] = cells["code"].where(cells["code"].notna(), "w" + cells["way"].astype(str))
        cells = cells.drop(columns="way")
    problems = found.problems
    if window is not None:
        box = ", ".join(f"{side:.2f}" for side in window)
        text = (
            f"{len(cells)} features were read, those in the box {box} (west, south, east, north)."
        )
        problems += (problem("window_read", text, file=file, layer=role or "roads"),)
    return Source(
        cells, file, found.format, geometry=found.geometry, crs=found.crs, problems=problems
    )


@contextmanager
def _configured(**options: str) -> Iterator[None]:
    """Options of GDAL for a while."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _places(cells: pd.DataFrame) -> pd.DataFrame:
    """Places with their kind, a service before a settlement, and a name where they have none."""
    tags = cells["population"].astype(object).where(cells["population"].notna(), "")
    amenity, persons = (
        tags.str.extract(rf'"{key}"=>"([^"]*)"', expand=False) for key in ("amenity", "population")
    )
    kind = amenity.where(amenity.notna(), cells["kind"])
    unnamed = kind.astype(str) + " " + cells["place_id"].astype(str)
    name = cells["name"].where(cells["name"].notna(), unnamed)
    persons = pd.to_numeric(persons, errors="coerce").astype(object)
    return cells.assign(kind=kind, name=name, population=persons)
