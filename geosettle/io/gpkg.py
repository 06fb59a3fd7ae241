"""GeoPackages built in memory, the same bytes for the same layers (OGC 12-128r18, GeoPackage 1.3).

They are made with SQLite itself: GDAL stamps the time of writing and swallows errors on close.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.crs import PACIFIC_MERCATOR, WEB_MERCATOR, WGS84, change, parse_crs
from geosettle.errors import CrsError, OutputError

_STAMP: Final = "2000-01-01T00:00:00.000Z"
"""One fixed time for every row that must carry one, so that two runs give the same bytes."""

_WGS84_WKT: Final = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",'
    'SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)

_SCHEMA: Final = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, \
definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, \
data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL \
DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), \
CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
"""
_STYLES: Final = """
CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, \
f_table_catalog TEXT, f_table_schema TEXT,
  f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT, \
styleSLD TEXT, useAsDefault BOOLEAN,
  description TEXT, owner TEXT, ui TEXT, update_time DATETIME);
"""
_METADATA: Final = """
CREATE TABLE geosettle_metadata (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
"""
_TILES: Final = """
CREATE TABLE gpkg_tile_matrix_set (table_name TEXT NOT NULL PRIMARY KEY, srs_id INTEGER NOT NULL,
  min_x DOUBLE NOT NULL, min_y DOUBLE NOT NULL, max_x DOUBLE NOT NULL, max_y DOUBLE NOT NULL,
  CONSTRAINT fk_gtms_table_name FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gtms_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_tile_matrix (table_name TEXT NOT NULL, zoom_level INTEGER NOT NULL,
  matrix_width INTEGER NOT NULL, matrix_height INTEGER NOT NULL, tile_width INTEGER NOT NULL,
  tile_height INTEGER NOT NULL, pixel_x_size DOUBLE NOT NULL, pixel_y_size DOUBLE NOT NULL,
  CONSTRAINT pk_ttm PRIMARY KEY (table_name, zoom_level),
  CONSTRAINT fk_tmm_table_name FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name));
"""


class Picture(NamedTuple):
    """A picture in Mercator's projection."""

    data: bytes
    """JPEG or PNG file."""
    size: tuple[int, int]
    """Width and height, pixels."""
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees; east may be beyond 180."""

    @property
    def crs(self) -> str:
        """Web Mercator, or around the Pacific where that would cut the picture in two."""
        return WEB_MERCATOR if self.bounds[2] <= 180 else PACIFIC_MERCATOR


def write_gpkg_bytes(
    layers: Mapping[str, pd.DataFrame],
    styles: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    *,
    pictures: Mapping[str, Picture] | None = None,
    projects: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a GeoPackage with the given layers, as bytes.

    Parameters
    ----------
    layers
        Table name to frame; a GeoDataFrame becomes a feature table, any other frame an attribute
        table. Named index levels become columns.
    styles
        Table name to a QGIS style (QML text), kept in `layer_styles` and used by QGIS as the
        default.
    metadata
        Texts such as the manifest, kept in the table `geosettle_metadata`.
    pictures
        Table name to a picture, one tile of its own.
    projects
        Name to a QGIS project (.qgz), kept in `qgis_projects`.

    Returns
    -------
    bytes
        The same for the same arguments, always.

    Raises
    ------
    CrsError
        A frame with geometry is not on WGS84.
    OutputError
        SQLite refused it.

    Examples
    --------
    >>> write_gpkg_bytes({"table": pd.DataFrame({"a": [1]})})[:15]
    b'SQLite format 3'
    """
    try:
        with closing(sqlite3.connect(":memory:")) as base:
            base.executescript(
                f"PRAGMA page_size=4096; PRAGMA application_id={0x47504B47}; PRAGMA "
                f"user_version=10300; {_SCHEMA}"
            )
            base.executemany(
                "INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)",
                [
                    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian"),
                    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic"),
                    ("WGS 84", 4326, "EPSG", 4326, _WGS84_WKT, "longitude/latitude on WGS84"),
                ],
            )
            for name, frame in layers.items():
                _add_layer(base, name, frame)
            _add_pictures(base, pictures or {})
            _add_extras(base, layers, styles or {}, metadata or {})
            _add_projects(base, projects or {})
            base.commit()
            return base.serialize()
    except (sqlite3.Error, OverflowError) as error:
        raise OutputError(f"the GeoPackage could not be built ({error})") from error


def _add_layer(base: sqlite3.Connection, name: str, frame: pd.DataFrame) -> None:
    """One table with its registration; geometry, if any, in the column `geom`."""
    geometry = frame.geometry.to_numpy() if isinstance(frame, gpd.GeoDataFrame) else None
    if geometry is not None and (frame.crs is None or frame.crs.to_epsg() != 4326):
        raise CrsError(f"the layer {name} is not on {WGS84}", mend="Convert it with to_crs(4326).")
    table = pd.DataFrame(
        frame.drop(
            columns=[c for c in frame if isinstance(frame[c].dtype, gpd.array.GeometryDtype)]
        )
    )
    if any(n is not None for n in table.index.names):
        table = table.reset_index()
    columns = _unique([str(c) for c in table.columns], {"fid", "geom"})
    kinds = [_sql_kind(table[c]) for c in table.columns]
    extent: tuple[float | None, ...] = (None, None, None, None)
    if geometry is not None and len(geometry) and not shapely.is_missing(geometry).all():
        extent = tuple(float(v) for v in shapely.total_bounds(geometry))
        extent = extent if np.isfinite(np.asarray(extent, dtype=float)).all() else (None,) * 4
    fields = ["fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"]
    fields += [f"geom {_geometry_kind(geometry)}"] if geometry is not None else []
    fields += [f"{_quoted(c)} {kind}" for c, kind in zip(columns, kinds, strict=True)]
    base.execute(f"CREATE TABLE {_quoted(name)} ({', '.join(fields)})")
    base.execute(
        "INSERT INTO gpkg_contents VALUES (?,?,?,?,?,?,?,?,?,?)",
        (name, "features" if geometry is not None else "attributes", name, "", _STAMP, *extent,
         4326 if geometry is not None else None),
    )  # fmt: skip
    if geometry is not None:
        base.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?,?,?,?,?,?)",
            (name, "geom", _geometry_kind(geometry), 4326, 0, 0),
        )
    values = [[_sql_value(v) for v in table[c].tolist()] for c in table.columns]
    blobs = [[_blob(g) for g in geometry]] if geometry is not None else []
    filled = [*blobs, *values]
    marks = ",".join("?" * (len(filled) + 1))
    rows = zip(range(1, len(table) + 1), *filled, strict=True)
    base.executemany(f"INSERT INTO {_quoted(name)} VALUES ({marks})", rows)  # noqa: S608  (quoted)
    if geometry is not None:
        _add_index(base, name, geometry)


def _add_index(base: sqlite3.Connection, name: str, geometry: Any) -> None:
    """Spatial index of a table (extension gpkg_rtree_index of the GeoPackage standard)."""
    base.execute(
        "INSERT INTO gpkg_extensions VALUES (?,'geom','gpkg_rtree_index',"
        "'http://www.geopackage.org/spec/#extension_rtree','write-only')",
        (name,),
    )
    index, table = _quoted(f"rtree_{name}_geom"), _quoted(name)
    base.execute(f"CREATE VIRTUAL TABLE {index} USING rtree(id, minx, maxx, miny, maxy)")
    west, south, east, north = shapely.bounds(geometry).T
    known = np.flatnonzero(np.isfinite(west))
    base.executemany(
        f"INSERT INTO {index} VALUES (?,?,?,?,?)",  # noqa: S608  (quoted)
        [
            (int(i) + 1, float(west[i]), float(east[i]), float(south[i]), float(north[i]))
            for i in known
        ],
    )
    values = "NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
    new = "NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)"
    old = "OLD.geom NOTNULL AND NOT ST_IsEmpty(OLD.geom)"
    write = f"INSERT OR REPLACE INTO {index} VALUES ({values});"  # noqa: S608  (quoted)
    clear = f"DELETE FROM {index} WHERE id = OLD.fid;"  # noqa: S608  (quoted)
    both = f"DELETE FROM {index} WHERE id IN (OLD.fid, NEW.fid);"  # noqa: S608  (quoted)
    for event, when, action, does in (
        ("insert", "INSERT", f"({new})", write),
        ("update6", "UPDATE OF geom", f"OLD.fid = NEW.fid AND ({new}) AND ({old})", write),
        ("update7", "UPDATE OF geom", f"OLD.fid = NEW.fid AND ({new}) AND NOT ({old})", write),
        ("update2", "UPDATE OF geom", f"OLD.fid = NEW.fid AND NOT ({new})", clear),
        ("update5", "UPDATE", f"OLD.fid != NEW.fid AND ({new})", f"{clear} {write}"),
        ("update4", "UPDATE", f"OLD.fid != NEW.fid AND NOT ({new})", both),
        ("delete", "DELETE", "OLD.geom NOTNULL", clear),
    ):
        base.execute(
            f"CREATE TRIGGER {_quoted(f'rtree_{name}_geom_{event}')} AFTER {when} ON {table} "
            f"WHEN {action} BEGIN {does} END"
        )


def _add_pictures(base: sqlite3.Connection, pictures: Mapping[str, Picture]) -> None:
    """Tables of one tile, as wide and high as the picture."""
    if not pictures:
        return
    base.executescript(_TILES)
    for name in sorted({picture.crs for picture in pictures.values()}):
        crs = parse_crs(name)
        base.execute(
            "INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,'EPSG',?,?,NULL)",
            (crs.name, crs.to_epsg(), crs.to_epsg(), crs.to_wkt("WKT1_GDAL")),
        )
    for name, picture in pictures.items():
        west, south, east, north = picture.bounds
        x, y = change(WGS84, picture.crs, [west, east], [south, north])
        code = int(picture.crs.partition(":")[2])
        bounds = (float(x[0]), float(y[0]), float(x[1]), float(y[1]))
        width, height = picture.size
        cell = ((bounds[2] - bounds[0]) / width, (bounds[3] - bounds[1]) / height)
        base.execute(
            f"CREATE TABLE {_quoted(name)} (id INTEGER PRIMARY KEY AUTOINCREMENT, zoom_level "
            "INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL, tile_data "
            "BLOB NOT NULL, UNIQUE (zoom_level, tile_column, tile_row))"
        )
        for table, values in (
            ("gpkg_contents", (name, "tiles", name, "", _STAMP, *bounds, code)),
            ("gpkg_tile_matrix_set", (name, code, *bounds)),
            ("gpkg_tile_matrix", (name, 0, 1, 1, width, height, *cell)),
            (name, (1, 0, 0, 0, picture.data)),
        ):
            marks = ",".join("?" * len(values))
            base.execute(f"INSERT INTO {_quoted(table)} VALUES ({marks})", values)  # noqa: S608  (quoted)


def _add_projects(base: sqlite3.Connection, projects: Mapping[str, bytes]) -> None:
    """QGIS projects; QGIS looks for their table by its name, and it is no layer."""
    if not projects:
        return
    base.execute("CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)")
    about = f'{{"last_modified_time": "{_STAMP}", "last_modified_user": ""}}'
    base.executemany(
        "INSERT INTO qgis_projects VALUES (?,?,?)",
        [(name, about, content.hex()) for name, content in projects.items()],
    )


def _add_extras(
    base: sqlite3.Connection,
    layers: Mapping[str, Any],
    styles: Mapping[str, str],
    metadata: Mapping[str, str],
) -> None:
    """QGIS styles and texts, registered as attribute tables so that every reader sees them."""
    extras = []
    if styles:
        base.executescript(_STYLES)
        extras.append("layer_styles")
        base.executemany(
            "INSERT INTO layer_styles VALUES (?,'','',?,?,?,?,'',1,?,'',NULL,?)",
            [
                (
                    n,
                    table,
                    "geom" if isinstance(layers.get(table), gpd.GeoDataFrame) else "",
                    table,
                    qml,
                    "",
                    _STAMP,
                )
                for n, (table, qml) in enumerate(sorted(styles.items()), 1)
            ],
        )
    if metadata:
        base.executescript(_METADATA)
        extras.append("geosettle_metadata")
        base.executemany("INSERT INTO geosettle_metadata VALUES (?,?)", sorted(metadata.items()))
    base.executemany(
        "INSERT INTO gpkg_contents VALUES (?,'attributes',?,'',?,NULL,NULL,NULL,NULL,NULL)",
        [(name, name, _STAMP) for name in extras],
    )


def _unique(names: list[str], taken: set[str]) -> list[str]:
    """Column names that differ without regard to case, as SQLite wants."""
    out: list[str] = []
    for name in names:
        candidate, n = name or "column", 2
        while candidate.casefold() in taken:
            candidate, n = f"{name}_{n}", n + 1
        taken.add(candidate.casefold())
        out.append(candidate)
    return out


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("\x00", "") + '"'


def _sql_kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "BOOLEAN"
    if pd.api.types.is_integer_dtype(column):
        return "INTEGER"
    return "REAL" if pd.api.types.is_float_dtype(column) else "TEXT"


def _sql_value(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    if isinstance(value, bool | int | np.bool_ | np.integer):
        return int(value)
    return str(value)


def _geometry_kind(geometry: Any) -> str:
    kinds = {shapely.GeometryType(k).name for k in shapely.get_type_id(geometry) if k >= 0}
    return kinds.pop() if len(kinds) == 1 else "GEOMETRY"


def _blob(geometry: Any) -> bytes | None:
    """GeoPackage binary: header with envelope, then little-endian well-known binary."""
    if geometry is None:
        return None
    wkb: bytes = shapely.to_wkb(shapely.force_2d(geometry), byte_order=1)
    if geometry.is_empty:
        return b"GP" + struct.pack("<BBi", 0, 0b0001_0001, 4326) + wkb
    west, south, east, north = geometry.bounds
    return b"GP" + struct.pack("<BBi4d", 0, 0b0000_0011, 4326, west, east, south, north) + wkb
