"""Writing: bytes built in memory.

They are the same for the same content, whatever the row order asked for.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.shutil

from geosettle.crs import parse_crs
from geosettle.raster import Raster

_FORMULA: Final = re.compile(r"^[\s\u00a0\ufeff]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet may take for a formula; the last four are the wide forms that East Asian
keyboards write.
"""


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    An apostrophe goes before a leading = + - @ that is no number.

    Parameters
    ----------
    text
        A cell of data.

    Returns
    -------
    str
        The text, with an apostrophe in front where it needs one.

    Examples
    --------
    >>> safe_text("=1+1"), safe_text("-5.2"), safe_text("Akto")
    ("'=1+1", '-5.2', 'Akto')
    """
    if _FORMULA.match(text) and not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        return "'" + text
    return text


def csv_bytes(frame: pd.DataFrame, *, index: bool = True) -> bytes:
    r"""Return a frame as CSV (RFC 4180) in UTF-8 with byte-order mark.

    Excel needs the mark to read Chinese and Uyghur.

    Parameters
    ----------
    frame
        Geometry columns are left out, except that points become `lon` and `lat` if the frame has
        none.
    index
        Whether named index levels come first.

    Returns
    -------
    bytes
        Missing is empty; numbers have as many digits as tell them apart, never more than 12.

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"a": [1.5, None], "b": ["x", "=y"]}))
    b"\xef\xbb\xbfa,b\r\n1.5,x\r\n,'=y\r\n"
    """
    table = plain_table(frame, index=index)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_text(str(c)) for c in table.columns])
    columns = [[_cell(v) for v in table[c].tolist()] for c in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def plain_table(frame: pd.DataFrame, *, index: bool = True) -> pd.DataFrame:
    """Return a frame without geometry: named index levels first, points as lon and lat."""
    table = pd.DataFrame(
        frame.drop(
            columns=[c for c in frame if isinstance(frame[c].dtype, gpd.array.GeometryDtype)]
        )
    )
    if isinstance(frame, gpd.GeoDataFrame) and "lon" not in table and frame.active_geometry_name:
        points = frame.geometry
        if len(points) and points.dropna().geom_type.eq("Point").all():
            table = table.assign(lon=points.x.to_numpy(), lat=points.y.to_numpy())
    if index and any(n is not None for n in table.index.names):
        table = table.reset_index()
    return table


def _cell(value: Any) -> str:
    """Text of one cell."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        value = float(value)
        if np.isnan(value):
            return ""
        text = (
            np.format_float_positional(value, precision=12, fractional=False, trim="-")
            if abs(value) < 1e15
            else repr(float(value))
        )
        return "0" if text in {"-0", "-0."} else text
    return safe_text(str(value)) if not isinstance(value, int | np.integer) else str(value)


def geotiff_bytes(raster: Raster) -> bytes:
    r"""Return a raster as GeoTIFF: deflated, tiled where it is large, NaN as its nodata value.

    Parameters
    ----------
    raster
        Any grid with its own CRS.

    Returns
    -------
    bytes
        32-bit floats; 64-bit where the raster has those.

    Examples
    --------
    >>> from affine import Affine
    >>> geotiff_bytes(Raster(np.array([[1.0, np.nan]]), Affine(1, 0, 76, 0, -1, 40)))[:4]
    b'II*\x00'
    """
    rows, columns = raster.shape
    values = np.asarray(
        raster.values, dtype=np.float64 if raster.values.dtype == np.float64 else np.float32
    )
    large = min(rows, columns) >= 512
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", height=rows, width=columns, count=1, dtype=values.dtype,
            crs=parse_crs(raster.crs).to_wkt(), transform=raster.transform,
            nodata=np.nan, compress="deflate", predictor=3, tiled=large,
            **({"blockxsize": 256, "blockysize": 256} if large else {}),
        ) as data:  # fmt: skip
            data.write(values, 1)
            if raster.unit:
                data.units = (raster.unit,)
        return bytes(memory.read())


def cog_bytes(raster: Raster, tags: Mapping[str, str] | None = None) -> bytes:
    r"""Return a raster as cloud-optimised GeoTIFF: 32-bit floats, deflated, tiles, overviews.

    Parameters
    ----------
    raster
        Any grid with its own CRS. Where values are infinite (hours to a place without a way) the
        nodata value is infinity, so that statistics of GDAL leave them out, and missing ones are
        NaN all the same; else it is NaN.
    tags
        Texts kept in the file: what it is, what made it, from what.

    Returns
    -------
    bytes
        The same for the same raster and tags.

    Examples
    --------
    >>> from affine import Affine
    >>> grid = Raster(np.array([[1.0, np.inf]]), Affine(1, 0, 76, 0, -1, 40), unit="h")
    >>> with rasterio.MemoryFile(cog_bytes(grid, {"DIRECTION": "toward"})) as file:
    ...     with file.open() as data:
    ...         data.units, data.tags()["DIRECTION"], data.tags(ns="IMAGE_STRUCTURE")["LAYOUT"]
    (('h',), 'toward', 'COG')
    """
    values = raster.values.astype(np.float32)
    rows, columns = raster.shape
    nodata = np.inf if np.isposinf(values).any() else np.nan
    with rasterio.MemoryFile() as plain, rasterio.MemoryFile() as memory:
        with plain.open(
            driver="GTiff", height=rows, width=columns, count=1, dtype=np.float32,
            crs=parse_crs(raster.crs).to_wkt(), transform=raster.transform, nodata=nodata,
        ) as data:  # fmt: skip
            data.write(values, 1)
            data.update_tags(**dict(sorted((tags or {}).items())))
            if raster.unit:
                data.units = (raster.unit,)
        rasterio.shutil.copy(
            plain.name, memory.name, driver="COG", compress="deflate", predictor="yes",
            blocksize=256, overview_resampling="nearest", num_threads=1,
        )  # fmt: skip
        return bytes(memory.read())
