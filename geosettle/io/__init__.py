"""Reading and writing: the only place that touches the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.crs import parse_crs
from geosettle.errors import InputError
from geosettle.io.check import check_path, guess_role
from geosettle.io.files import kind_of, open_source
from geosettle.io.gpkg import write_gpkg_bytes
from geosettle.io.layer import Options, spec_of, understand
from geosettle.io.rasters import read_raster
from geosettle.io.source import Source
from geosettle.io.staging import Stage, staged_folder, write_file
from geosettle.io.study import read_rows, read_study
from geosettle.io.template import template_path, write_template
from geosettle.io.write import csv_bytes, geotiff_bytes, safe_text
from geosettle.layers import LayerSpec
from geosettle.quality import Problem
from geosettle.raster import Raster

__all__ = [
    "Stage",
    "check_layer",
    "check_path",
    "csv_bytes",
    "geotiff_bytes",
    "read_any",
    "read_layer",
    "read_study",
    "safe_text",
    "staged_folder",
    "template_path",
    "write_file",
    "write_gpkg_bytes",
    "write_template",
]

_ANY = LayerSpec("layer", ("point", "line", "polygon"))


def read_layer(
    path: str | Path,
    role: str,
    *,
    crs: str | None = None,
    datum: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    sheet: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame | pd.DataFrame | Raster:
    """One file as one layer, checked; rows that cannot be used are left out (see `check_layer` for why).

    Parameters
    ----------
    path
        A table, vector file or GeoTIFF.
    role
        A key of `LAYERS`.
    crs, datum, encoding, layer, sheet
        What the file does not say itself: EPSG code, "gcj02" or "bd09", text encoding, layer or sheet to read.
    columns
        Column of the layer to header of the file.

    Returns
    -------
    GeoDataFrame, DataFrame or Raster
        Indexed by the layer's key, on WGS84; a raster in longitude/latitude.

    Raises
    ------
    InputError
        The file cannot be used; everything that is wrong in one message.

    Examples
    --------
    >>> read_layer(template_path() / "sites.csv", "sites").index.tolist()
    ['S1', 'S2', 'S3']
    """
    file = Path(path)
    if spec_of(role).geometries == ("raster",):
        if kind_of(file) != "tiff":
            raise InputError(f"the layer {role} is a raster", file=file.name, mend="Give a GeoTIFF.")
        return read_raster(file, file.name, role=role, crs=crs)[0]
    options = Options(crs, datum, encoding, layer, sheet, dict(columns or {}))
    return _accepted(read_rows(file, role, options))


def read_any(path: str | Path) -> gpd.GeoDataFrame | pd.DataFrame | Raster:
    """One file as whatever layer it is: by its name, by its columns, or else simply as places with their columns.

    Parameters
    ----------
    path
        A table, vector file or GeoTIFF.

    Returns
    -------
    GeoDataFrame, DataFrame or Raster
        As `read_layer`; of a file that is no layer of a study, a frame indexed by its column `id`, if it has one.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    file = Path(path)
    role = guess_role(file, Options())
    if role is not None:
        return read_layer(file, role)
    frame = _accepted(understand(open_source(file, role=None), _ANY))
    return frame.set_index("id") if "id" in frame and frame["id"].is_unique else frame


def _accepted(checked: Any) -> gpd.GeoDataFrame | pd.DataFrame:
    fatal = [p for p in checked.problems if p.severity == "fatal"]
    if fatal:
        raise InputError(" ".join(p.message for p in fatal), file=fatal[0].file, mend=fatal[0].mend)
    return checked.frame


def check_layer(
    frame: pd.DataFrame,
    role: str,
    *,
    region: tuple[float, float, float, float] | None = None,
) -> tuple[gpd.GeoDataFrame | pd.DataFrame, tuple[Problem, ...]]:
    """Return a frame as one layer: the rows that can be used, and everything that is wrong.

    Parameters
    ----------
    frame
        Any frame; a named index counts as a column. It is not written into.
    role
        A key of `LAYERS`.
    region
        West, south, east, north in degrees, outside which a position is wrong.

    Returns
    -------
    tuple
        The frame, indexed by the layer's key, on WGS84, and the problems. If a problem is fatal the frame has no row.

    Examples
    --------
    >>> frame, problems = check_layer(pd.DataFrame({"origin_id": ["a", None], "site_id": ["s", "s"]}), "flows")
    >>> len(frame), [p.code for p in problems]
    (1, ['id_missing'])
    """
    named = [n for n in frame.index.names if n is not None]
    table = frame.reset_index(names=named) if named else frame.reset_index(drop=True)
    geometry, crs = None, None
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        geometry = frame.geometry.to_numpy()
        crs = parse_crs(frame.crs) if frame.crs is not None else None
    cells = pd.DataFrame(
        {
            str(c): pd.Series(table[c].tolist(), dtype=object)
            for c in table
            if not isinstance(table[c].dtype, gpd.array.GeometryDtype)
        },
        index=range(len(table)),
    )
    cells = cells.where(cells.notna(), None)
    source = Source(
        cells,
        "frame",
        "frame",
        layer=role,
        geometry=None if geometry is None else np.asarray(geometry),
        crs=crs,
    )
    checked = understand(source, role, Options(region=region))
    return checked.frame, checked.problems
