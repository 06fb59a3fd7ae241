"""Which raster files are opened, by which driver; several tiles as one grid."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree
import numpy as np
import rasterio
import rasterio.errors
import rasterio.merge
from defusedxml import DefusedXmlException

from geosettle.crs import WGS84, change, crs_name, parse_crs, same_crs
from geosettle.errors import CrsError, InputError
from geosettle.io.source import Refused

Window = tuple[float, float, float, float]
DRIVERS: Final = {
    "tiff": "GTiff",
    "asciigrid": "AAIGrid",
    "hgt": "SRTMHGT",
    "surfer": "GSAG",
    "vrt": "VRT",
}
"""Kind of raster file to the driver of GDAL that must open it."""
RASTERS: Final = (".tif", ".tiff", ".asc")
"""Endings of rasters that are also read out of an archive."""
_KINDS: Final = {".asc": "asciigrid", ".hgt": "hgt", ".grd": "surfer", ".vrt": "vrt"}
"""Endings of raster files that are no TIFF."""
_SURFER: Final = {b"DSAA": "GSAG", b"DSBB": "GSBG", b"DSRB": "GS7BG"}
"""First bytes of the three kinds of grid that Surfer writes."""
_TILES: Final = 10_000
"""Files that a VRT may name."""


def driver_of(path: Path) -> str:
    """Return the driver of GDAL that must open a raster file, by its name and its first bytes.

    Raises
    ------
    Refused
        A grid of another program with the same ending.
    """
    kind = _KINDS.get(path.suffix.lower(), "tiff")
    if kind != "surfer":
        return DRIVERS[kind]
    with path.open("rb") as handle:
        driver = _SURFER.get(handle.read(4))
    if driver is None:
        raise Refused(
            "file_refused", "this .grd is no grid of Surfer", file=path.name,
            mend="Save it as a GeoTIFF with the program that made it.",
        )  # fmt: skip
    return driver


def check_vrt(path: Path, kind_of: Any) -> None:
    """Refuse a virtual raster that computes, or names anything but rasters of its own folder.

    Only plain raster files are allowed.

    Raises
    ------
    Refused
        It points elsewhere, or it is no virtual raster of files.
    """
    file = path.name
    try:
        root = defusedxml.ElementTree.fromstring(path.read_bytes(), forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, RecursionError, LookupError) as error:
        raise Refused("file_refused", "the VRT is no plain XML", file=file) from error
    tags = {str(e.tag) for e in root.iter()}
    computed = tags & {
        "PixelFunctionType",
        "PixelFunctionCode",
        "VRTProcessedDataset",
        "GDALWarpOptions",
        "Script",
    }
    if str(root.tag) != "VRTDataset" or computed or root.get("subClass"):
        raise Refused(
            "file_refused", "only a VRT that puts files together is read", file=file,
            mend="Write it out as a GeoTIFF.",
        )  # fmt: skip
    names = {
        (str(e.text or "").strip(), e.get("relativeToVRT", "0"))
        for e in root.iter("SourceFilename")
    }
    others = tags & {"SourceDataset", "OverviewFile", "OverviewList", "MaskBand"} - {
        "OverviewList",
        "MaskBand",
    }
    if not names or len(names) > _TILES or others:
        raise Refused("file_refused", "the VRT names no files, or too many", file=file)
    folder = path.parent.resolve()
    for name, relative in sorted(names):
        inside = relative == "1" and not re.search(r"^/|^\\w:|://|\\.\\.|[\\\\:]", name)
        tile = (folder / name).resolve()
        if not inside or not tile.is_relative_to(folder):
            raise Refused(
                "file_refused", f"the VRT points to {name[:60]!r}, outside its own folder",
                file=file,
                mend="Put the files next to the VRT and build it again with relative names.",
            )  # fmt: skip
        if kind_of(tile) not in {"tiff", "asciigrid", "hgt"}:
            raise Refused(
                "file_refused", f"the VRT names {name[:60]!r}, which is no plain raster", file=file
            )


def native_box(system: Any, window: Window) -> tuple[float, float, float, float]:
    """Least and greatest x and y of a box of longitude and latitude in another system.

    Raises
    ------
    CrsError
        The box is outside what the system can show.
    """
    west, south, east, north = window
    if system.is_geographic and same_crs(system, WGS84):
        return window
    s = np.linspace(0, 1, 33)
    x, y = (g.ravel() for g in np.meshgrid(west + s * (east - west), south + s * (north - south)))
    x, y = change(WGS84, system.to_wkt(), x, y)
    good = np.isfinite(x) & np.isfinite(y)
    if not good.any():
        raise CrsError("the study is outside the system of the raster", value=crs_name(system))
    return float(x[good].min()), float(y[good].min()), float(x[good].max()), float(y[good].max())


def cells_within(data: Any, system: Any, window: Window) -> tuple[slice, slice]:
    """Rows and columns of an open raster that a box of longitude and latitude touches.

    Longitudes may count from -180 or from 0. A grid that begins inside the box is read in its whole
    width.
    """
    x0, y0, x1, y1 = native_box(system, window)
    t = data.transform
    found = []
    for turn in (-360.0, 0.0, 360.0) if system.is_geographic else (0.0,):
        columns = sorted(((x0 + turn - t.c) / t.a, (x1 + turn - t.c) / t.a))
        found.append(_clipped(columns, data.width))
    found = [c for c in found if c.stop > c.start] or found[:1]
    across = found[0] if len(found) == 1 else slice(0, data.width)
    return _clipped(sorted(((y0 - t.f) / t.e, (y1 - t.f) / t.e)), data.height), across


def _clipped(ends: Sequence[float], size: int) -> slice:
    """Whole cells, one more on each side, inside the grid."""
    start, stop = max(0, int(np.floor(ends[0])) - 1), min(size, int(np.ceil(ends[1])) + 1)
    return slice(start, max(start, stop))


@contextmanager
def one_file(
    paths: Sequence[Path], limit: int, window: Window | None = None, crs: str | None = None
) -> Iterator[Path]:
    """One raster file of several tiles that lie on one grid; a single file as it is.

    Of tiles that span more cells than the limit, the part in the window.

    Raises
    ------
    InputError
        The tiles differ in system or cell size, or lie on shifted grids, or are too many cells.
    """
    if len(paths) == 1:
        yield paths[0]
        return
    with TemporaryDirectory(prefix="geosettle-") as folder, ExitStack() as opened:
        opened.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio multiplies by *
        tiles = [opened.enter_context(rasterio.open(p, driver=driver_of(p))) for p in paths]
        first = tiles[0]
        for path, tile in zip(paths[1:], tiles[1:], strict=True):
            _check_tile(path, tile, first)
        west, south = (min(t.bounds[i] for t in tiles) for i in (0, 1))
        east, north = (max(t.bounds[i] for t in tiles) for i in (2, 3))
        cells = (east - west) / first.res[0] * ((north - south) / first.res[1])
        bounds = None
        if cells > limit and window is not None and (crs or first.crs):
            system = parse_crs(crs or first.crs.to_wkt())
            x0, y0, x1, y1 = native_box(system, window)
            bounds = _on_grid(first, (max(west, x0), max(south, y0), min(east, x1), min(north, y1)))
            cells = max(0.0, bounds[2] - bounds[0]) * max(0.0, bounds[3] - bounds[1])
            cells /= first.res[0] * first.res[1]
        if not cells:
            raise Refused(
                "outside_region", "the tiles do not reach the part that is read",
                file=paths[0].name,
            )  # fmt: skip
        if cells > limit:
            raise InputError(
                f"the tiles span {cells / 1e6:.0f} million cells; at most {limit / 1e6:.0f} "
                "million are read",
                file=paths[0].name, mend="Take fewer tiles, or clip them to the study region.",
            )  # fmt: skip
        nodata = first.nodata
        if nodata is None:
            nodata = np.nan if np.issubdtype(np.dtype(first.dtypes[0]), np.floating) else None
        target = Path(folder) / "tiles.tif"
        values, transform = rasterio.merge.merge(tiles, nodata=nodata, bounds=bounds)
        profile = {
            **first.profile, "driver": "GTiff", "height": values.shape[1], "width": values.shape[2],
            "transform": transform, "nodata": nodata,
        }  # fmt: skip
        with rasterio.open(target, "w", **profile) as out:
            out.write(values)
        yield target


def _on_grid(
    tile: Any, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Box made larger to the edges of the cells of a tile."""
    (a, b), (west, south) = tile.res, tile.bounds[:2]
    return (
        west + np.floor((box[0] - west) / a) * a,
        south + np.floor((box[1] - south) / b) * b,
        west + np.ceil((box[2] - west) / a) * a,
        south + np.ceil((box[3] - south) / b) * b,
    )


def _check_tile(path: Path, tile: Any, first: Any) -> None:
    """Refuse a tile that does not fit the first one."""
    what = ""
    if tile.crs != first.crs:
        what = "is in another coordinate reference system"
    elif (
        not np.allclose(tile.res, first.res, rtol=1e-6, atol=0)
        or tile.transform.b
        or tile.transform.d
    ):
        what = "has cells of another size"
    elif tile.dtypes != first.dtypes or tile.nodata != first.nodata:
        what = "holds another type of numbers, or another value for missing cells"
    else:
        off = [(tile.bounds[i] - first.bounds[i]) / first.res[i] for i in (0, 1)]
        if max(abs(v - round(v)) for v in off) > 0.01:
            what = "is on a shifted grid"
    if what:
        raise InputError(
            f"the tile {what} than the first one", file=path.name,
            mend="Merge the tiles into one GeoTIFF first.",
        )  # fmt: skip
