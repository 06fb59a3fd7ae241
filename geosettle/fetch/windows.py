"""A window of rasters on other machines: only the cells around a study, as one GeoTIFF."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
import rasterio.errors
from affine import Affine
from rasterio.enums import Resampling
from rasterio.windows import Window

from geosettle.crs import parse_crs
from geosettle.errors import FetchError, InputError
from geosettle.fetch.job import Job, Made
from geosettle.fetch.transport import NotThereError, RangeFile, Remote
from geosettle.io.raster_files import native_box
from geosettle.io.staging import explained

_TIFF: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_TILES: Final = 400
"""Files that a window is put together from at most."""
_ROWS: Final = 1024
"""Rows that are read and written at a time."""


@dataclass(frozen=True)
class _Tile:
    """An open raster, and the degrees by which it is shifted to the side of the study."""

    data: Any
    shift: float
    remote: Remote
    file: RangeFile | None = None


@dataclass(frozen=True)
class _Grid:
    """Cells of the window: its transform, its size, and how many cells of a tile make one."""

    transform: Affine
    width: int
    height: int
    factor: int


def plan_window(job: Job) -> int:
    """Return about how many bytes a window moves; the heads of its files are read for it."""
    with _tiles(job) as (tiles, _):
        grid = _grid(tiles, job)
        total = 0.0
        for tile in tiles:
            rows, columns = tile.data.block_shapes[0]
            part = _overlap(tile, grid)
            if part is None:
                continue
            cells = math.prod(
                math.ceil(n * grid.factor / size + 1) * size
                for n, size in ((part[2], columns), (part[3], rows))
            )
            share = min(1.0, cells / (tile.data.width * tile.data.height))
            total += (tile.remote.size or 0) * share / _overview(tile.data, grid.factor) ** 2
    return int(total)


def make_window(job: Job, target: Path) -> Made:
    """Write the window of a source around the study as a GeoTIFF."""
    with _tiles(job) as (tiles, notes):
        grid = _grid(tiles, job)
        _write(tiles, grid, job, target)
        if grid.factor > 1:
            notes.append(
                f"of {grid.factor} x {grid.factor} cells one was taken, so that they are no more "
                f"than {job.options.cells / 1e6:.0f} million ([fetch] cells)"
            )
        return Made([t.remote for t in tiles], notes)


@contextmanager
def _tiles(job: Job) -> Iterator[tuple[list[_Tile], list[str]]]:
    """Open the files that a window needs; those that are not there are counted."""
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio multiplies by *
        tiles: list[_Tile] = []
        addresses = list(_addresses(job))
        if len(addresses) > _TILES:
            raise InputError(
                f"{job.source.name} has {len(addresses)} files in the box; at most {_TILES} are "
                "put together",
                mend="Set a smaller box with --bbox.",
            )
        for url, shift in addresses:
            try:
                tiles.append(_open(stack, job, url, shift))
            except NotThereError:
                if len(addresses) == 1:
                    raise
        if not tiles:
            raise FetchError(
                f"of {job.source.name} no file for this box is there",
                file=addresses[0][0],
                mend="It may be sea; if the address has changed, set it in [fetch.address].",
            )
        lost = len(addresses) - len(tiles)
        note = f"{lost} of {len(addresses)} files are not there (sea, or not public)"
        yield tiles, [note] * (lost > 0)


@contextmanager
def _read_from(url: str, file: RangeFile | None) -> Iterator[None]:
    """Say what is wrong with a file that GDAL cannot read."""
    try:
        yield
    except rasterio.errors.RasterioError as error:
        if file is not None and file.fault is not None:
            raise file.fault from error
        text = "the file is damaged, or no GeoTIFF that is read in parts"
        raise FetchError(text, file=url) from error
    if file is not None and file.fault is not None:
        raise file.fault


def _open(stack: ExitStack, job: Job, url: str, shift: float) -> _Tile:
    if job.source.how == "box":  # the server has cut it out already
        path = job.scratch / "box.tif"
        remote = job.transport.download(url, path, hosts=job.source.hosts)
        with path.open("rb") as handle:
            _check_tiff(handle.read(4), url)
        with _read_from(url, None):
            data = stack.enter_context(rasterio.open(path, driver="GTiff"))
        return _Tile(data, 0.0, remote)
    file = job.transport.open(url, job.source.hosts)
    _check_tiff(file.head, url)
    file.silent = True

    def opener(name: str, _mode: str = "rb", **_: Any) -> RangeFile:
        if name != "remote.tif":
            raise FileNotFoundError(name)  # no file next to it is asked for
        file.seek(0)
        return file

    with _read_from(url, file):
        data = stack.enter_context(rasterio.open("remote.tif", opener=opener, driver="GTiff"))
    return _Tile(data, shift, file.remote, file)


def _check_tiff(head: bytes, url: str) -> None:
    if not head.startswith(_TIFF):
        raise FetchError("this is no GeoTIFF", file=url)


def _addresses(job: Job) -> Iterator[tuple[str, float]]:
    """Addresses of the files of a window, each with the degrees that it is shifted by."""
    west, south, east, north = job.box
    if job.source.how != "tiles":
        yield job.url(west=west, south=south, east=east, north=north), 0.0
        if job.source.how == "file" and east > 180:
            yield job.url(), 360.0
        return
    step = job.source.step
    for lat in range(math.floor(south / step) * step, math.ceil(north / step) * step, step):
        for lon in range(math.floor(west / step) * step, math.ceil(east / step) * step, step):
            real = (lon + 180) % 360 - 180
            named = lat + (step if job.source.corner == "north" else 0)
            fields = {
                "ns": "N" if named >= 0 else "S", "lat": abs(named),
                "ew": "E" if real >= 0 else "W", "lon": abs(real),
            }  # fmt: skip
            yield job.url(**fields), float(lon - real)


def _grid(tiles: Sequence[_Tile], job: Job) -> _Grid:
    """Cells of the window on the grid of the first tile, as few as are asked for at most."""
    first = tiles[0]
    t, system = first.data.transform, parse_crs(first.data.crs.to_wkt())
    if t.b or t.d or t.a <= 0 or t.e >= 0:
        raise FetchError("the raster is not north-up", file=first.remote.url)
    x0, y0, x1, y1 = native_box(system, job.box)
    left, top = t.c + first.shift, t.f
    ends = [(tile.data.bounds, tile.shift) for tile in tiles]
    x0, x1 = max(x0, min(b.left + s for b, s in ends)), min(x1, max(b.right + s for b, s in ends))
    y0, y1 = max(y0, min(b.bottom for b, _ in ends)), min(y1, max(b.top for b, _ in ends))
    if x0 >= x1 or y0 >= y1:
        raise FetchError(f"{job.source.name} does not reach the box", file=first.remote.url)
    factor = _factor((x1 - x0) / t.a * ((y1 - y0) / -t.e), first.data, job)
    a, e = t.a * factor, t.e * factor
    # A millionth of a cell is rounding: it is no reason for one more.
    columns = math.floor((x0 - left) / a + 1e-6), math.ceil((x1 - left) / a - 1e-6)
    rows = math.floor((y1 - top) / e + 1e-6), math.ceil((y0 - top) / e - 1e-6)
    place = Affine(a, 0, left + columns[0] * a, 0, e, top + rows[0] * e)
    return _Grid(place, columns[1] - columns[0], rows[1] - rows[0], factor)


def _factor(cells: float, first: Any, job: Job) -> int:
    """How many cells in a row and in a column are one cell of the window."""
    if cells <= job.options.cells:
        return 1
    if job.source.kind == "counts":
        raise InputError(
            f"{job.source.name} has {cells / 1e6:.0f} million cells in the box, and counts of "
            f"persons are not thinned; at most {job.options.cells / 1e6:.0f} million are fetched",
            mend="Set a smaller box with --bbox, or [fetch] cells.",
        )
    sizes = (first.width, first.height)
    fitting = (n for n in range(2, 1000) if all(s % n == 0 for s in sizes))
    for n in fitting:
        if cells / n**2 <= job.options.cells:
            return n
    raise InputError(
        f"{job.source.name} has {cells / 1e6:.0f} million cells in the box",
        mend="Set a smaller box with --bbox.",
    )


def _overview(data: Any, factor: int) -> int:
    return max([n for n in data.overviews(1) if n <= factor], default=1)


def _overlap(tile: _Tile, grid: _Grid) -> tuple[int, int, int, int] | None:
    """Column, row, width and height of the cells of the window that a tile fills."""
    t, box = grid.transform, tile.data.bounds
    columns = [round((x + tile.shift - t.c) / t.a) for x in (box.left, box.right)]
    rows = [round((y - t.f) / t.e) for y in (box.top, box.bottom)]
    x0, x1 = max(0, columns[0]), min(grid.width, columns[1])
    y0, y1 = max(0, rows[0]), min(grid.height, rows[1])
    return (x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None


def _write(tiles: Sequence[_Tile], grid: _Grid, job: Job, target: Path) -> None:
    first = tiles[0].data
    nodata = first.nodata if first.nodata is not None else job.source.nodata
    if nodata is None:
        nodata = np.nan if np.issubdtype(np.dtype(first.dtypes[0]), np.floating) else 0
    profile = {
        "driver": "GTiff", "dtype": first.dtypes[0], "count": 1, "crs": first.crs,
        "transform": grid.transform, "width": grid.width, "height": grid.height,
        "nodata": nodata, "tiled": True, "blockxsize": 256, "blockysize": 256,
        "compress": "deflate", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    averaged = job.source.kind == "measurements" and grid.factor > 1
    with explained(target), rasterio.open(target, "w", **profile) as out:
        for row in range(0, grid.height, _ROWS):
            rows = min(_ROWS, grid.height - row)
            strip = np.full((rows, grid.width), nodata, dtype=first.dtypes[0])
            for tile in tiles:
                part = _overlap(tile, grid)
                if part is None:
                    continue
                x, width = part[0], part[2]
                y0, y1 = max(row, part[1]), min(row + rows, part[1] + part[3])
                if y1 <= y0:
                    continue
                with _read_from(tile.remote.url, tile.file):
                    strip[y0 - row : y1 - row, x : x + width] = tile.data.read(
                        1, window=_source(tile, grid, (x, y0, width, y1 - y0)),
                        out_shape=(y1 - y0, width),
                        resampling=Resampling.average if averaged else Resampling.nearest,
                    )  # fmt: skip
            out.write(strip, 1, window=Window(0, row, grid.width, rows))


def _source(tile: _Tile, grid: _Grid, part: tuple[int, int, int, int]) -> Window:
    """Cells of a tile that are read for cells of the window."""
    own, t = tile.data.transform, grid.transform
    x, y, width, height = part
    column = (t.c + x * t.a - tile.shift - own.c) / own.a
    row = (t.f + y * t.e - own.f) / own.e
    return Window(
        round(column), round(row), round(width * t.a / own.a), round(height * t.e / own.e)
    )
