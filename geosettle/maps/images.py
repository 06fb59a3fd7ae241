"""Rasters as pictures in Web Mercator: shaded relief, classes in the legend's exact colours.

A longitude/latitude grid and a Web Mercator picture share their columns; only the rows are spaced
differently. Taking the right row for each row of the picture is therefore an exact warp. A grid in
another system is brought to longitude/latitude first, for the picture only.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.ndimage import distance_transform_cdt

from geosettle import style
from geosettle.distance.draping import bilinear
from geosettle.io import Picture
from geosettle.raster import Raster

FloatArray = NDArray[np.float64]

_FEATHER_PX: Final = 28
"""Width over which the relief fades where the elevations end, so that no hard edge looks like a
coast.
"""
WIDTH: Final = 1000
"""Widest picture of classes, pixels."""
_MAX_LAT: Final = 85.0
_EXAGGERATION: Final = 2.2


def mercator_y(lat: ArrayLike) -> FloatArray:
    """Web Mercator ordinate of latitudes in degrees, northwards, in radians of the Equator."""
    return np.asarray(np.arctanh(np.sin(np.radians(lat))), dtype=np.float64)


def mercator_rows(north: float, south: float, height: int) -> FloatArray:
    """Latitudes of the row centres of a Web Mercator picture, degrees, north first.

    Shape (height,).

    Examples
    --------
    >>> mercator_rows(60, -60, 2).round(2)
    array([ 35.26, -35.26])
    """
    top, bottom = mercator_y(north), mercator_y(south)
    y = top - (np.arange(height) + 0.5) * (top - bottom) / height
    return np.asarray(np.degrees(np.arcsin(np.tanh(y))), dtype=np.float64)


def thin(raster: Raster, width: int) -> Raster:
    """Average cells in whole blocks until the raster is at most about `width` columns wide."""
    block = max(1, int(np.ceil(raster.shape[1] / width)))
    if block == 1:
        return raster
    rows, columns = (n // block * block for n in raster.shape)
    cells = (
        raster.values[:rows, :columns]
        .astype("float64")
        .reshape(rows // block, block, columns // block, block)
    )
    known = np.isfinite(cells)
    total = np.where(known, cells, 0.0).sum(axis=(1, 3))
    count = known.sum(axis=(1, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(count > 0, total / count, np.nan)
    return Raster(values, raster.transform @ raster.transform.scale(block), raster.crs, raster.unit)


def in_degrees(raster: Raster, width: int, *, smooth: bool) -> Raster:
    """Return the raster on a longitude/latitude grid of about its own cells, for a picture.

    Parameters
    ----------
    raster
        In any system; one in longitude/latitude stays as it is.
    width
        Widest picture, pixels.
    smooth
        True: between the four nearest cells (elevations). False: the cell at the place (classes).
    """
    if raster.is_lonlat:
        return raster
    west, south, east, north = raster.lonlat_bounds
    step = (east - west) / min(width, raster.shape[1])
    rows, columns = (max(1, round(side / step)) for side in (north - south, east - west))
    grid = Raster(
        np.zeros((rows, columns), dtype=np.float32),
        Affine((east - west) / columns, 0, west, 0, -(north - south) / rows, north),
    )
    lon, lat = grid.centres(np.arange(rows)[:, None], np.arange(columns)[None, :])
    lon, lat = np.broadcast_arrays(lon, lat)
    between = bilinear(raster.values, *raster.to_grid(lon, lat)) if smooth else None
    values = raster.sample(lon, lat) if between is None else between
    return replace(raster, values=values.astype(np.float32), transform=grid.transform, crs=grid.crs)


def to_mercator(raster: Raster, height: int, *, smooth: bool) -> FloatArray:
    """Values of a longitude/latitude raster on the rows of a Web Mercator picture.

    Both have the same bounds.

    Parameters
    ----------
    raster
        North-up grid in longitude/latitude.
    height
        Rows of the picture.
    smooth
        True: linear between the two nearest rows (elevations). False: the row that holds the
        latitude (classes).

    Returns
    -------
    ndarray, shape (height, columns)

    Examples
    --------
    >>> from affine import Affine
    >>> r = Raster(np.array([[1.0], [0.0]]), Affine(1, 0, 0, 0, -60, 60))
    >>> to_mercator(r, 4, smooth=False).ravel()
    array([1., 1., 0., 0.])
    """
    _, south, _, north = _drawable_bounds(raster)
    lat = mercator_rows(north, south, height)
    at = (lat - raster.transform.f) / raster.transform.e
    last = raster.shape[0] - 1
    if not smooth:
        rows = np.clip(np.floor(at).astype(np.intp), 0, last)
        return np.asarray(raster.values[rows], dtype=np.float64)
    centre = np.clip(at - 0.5, 0, last)
    above = np.floor(centre).astype(np.intp)
    below = np.minimum(above + 1, last)
    part = (centre - above)[:, None]
    return np.asarray(
        raster.values[above] * (1 - part) + raster.values[below] * part, dtype=np.float64
    )


def _drawable_bounds(raster: Raster) -> tuple[float, float, float, float]:
    """Bounds cut where Web Mercator runs to infinity."""
    west, south, east, north = raster.bounds
    return west, max(south, -_MAX_LAT), east, min(north, _MAX_LAT)


def _height_for(raster: Raster, width: int) -> int:
    west, south, east, north = _drawable_bounds(raster)
    ratio = float(mercator_y(north) - mercator_y(south)) / np.radians(east - west)
    return max(1, round(width * float(ratio)))


def relief_image(dem: Raster, width: int) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """Shaded relief, tinted by height, in Web Mercator.

    Parameters
    ----------
    dem
        Elevation, metres, north-up, in any system. Missing cells become transparent.
    width
        Widest picture, pixels.

    Returns
    -------
    picture, bounds
        The bounds are west, south, east, north in degrees.

    Notes
    -----
    Light from the north-west (azimuth 315°, altitude 45°), heights exaggerated 2.2 times; slopes by
    Horn's central differences. Web Mercator is conformal, so a cell is as high as it is wide on the
    ground, cos(latitude) smaller.
    """
    small = in_degrees(thin(dem, width), width, smooth=True)
    height = _height_for(small, small.shape[1])
    z = to_mercator(small, height, smooth=True)
    west, south, east, north = _drawable_bounds(small)
    known = np.isfinite(z)
    level = np.where(known, z, np.median(z[known]) if known.any() else 0.0)
    cell = (
        np.cos(np.radians(mercator_rows(north, south, height)))[:, None]
        * 111_320.0
        * (east - west)
        / z.shape[1]
    )
    shade = _hillshade(level, cell)
    tints = [[int(colour[i : i + 2], 16) for colour in style.RELIEF] for i in (1, 3, 5)]
    tint = np.stack([np.interp(level, style.RELIEF_STOPS_M, channel) for channel in tints], axis=-1)
    rgb = np.clip(tint * (0.58 + 0.42 * np.clip(shade * 1.30, 0, 1.04))[..., None], 0, 255).astype(
        np.uint8
    )
    alpha = (255 * _feather(known)).astype(np.uint8)
    picture = Image.fromarray(np.dstack([rgb, alpha]))
    return picture, (west, south, east, north)


def relief_picture(dem: Raster, *, width: int = 1400, quality: int = 72) -> dict[str, Any]:
    """Shaded relief as a WebP picture of a page: `src` a data URI, and `bounds` in degrees."""
    picture, bounds = relief_image(dem, width)
    return {"src": _data_uri(picture, "WEBP", quality=quality, method=4), "bounds": list(bounds)}


def relief_tile(dem: Raster, width: int) -> Picture:
    """Shaded relief on white as a JPEG picture, which every reader of GeoPackages takes."""
    picture, bounds = relief_image(dem, width)
    paper = Image.new("RGBA", picture.size, "white")
    packed = io.BytesIO()
    Image.alpha_composite(paper, picture).convert("RGB").save(packed, "JPEG", quality=80)
    return Picture(packed.getvalue(), picture.size, bounds)


def _feather(known: NDArray[np.bool_]) -> FloatArray:
    """Opacity that falls to 0 towards missing cells and the picture's edge."""
    near = np.asarray(distance_transform_cdt(np.pad(known, 1), metric="chessboard"))[1:-1, 1:-1]
    return np.asarray(np.clip(near / _FEATHER_PX, 0.0, 1.0), dtype=np.float64)


def _hillshade(z: FloatArray, cell: FloatArray) -> FloatArray:
    """Cosine of the angle between the ground's normal and a light from 315°, 45° high.

    It has the shape of z.
    """
    if min(z.shape) < 2:
        return np.full(z.shape, np.sin(np.radians(45.0)))
    high = z * _EXAGGERATION
    dx = np.gradient(high, axis=1) / cell  # rise to the east
    dy = -np.gradient(high, axis=0) / cell  # rise to the north
    light = np.array([-np.sin(np.radians(45)), np.cos(np.radians(45)), 1.0]) / np.sqrt(2)
    return np.asarray(
        (-dx * light[0] - dy * light[1] + light[2]) / np.sqrt(dx**2 + dy**2 + 1), dtype=np.float64
    )


def class_picture(
    raster: Raster,
    classes: Sequence[Sequence[float]],
    colours: Sequence[str],
    *,
    width: int = WIDTH,
) -> str:
    """Classes of a raster as a PNG with a palette of exactly the legend's colours.

    It is transparent elsewhere.

    Parameters
    ----------
    raster
        North-up longitude/latitude grid. Taken cell by cell, never averaged.
    classes
        Per class, its lowest value (within) and highest value (without).
    colours
        Per class, ``#rrggbb``.
    width
        Widest picture, pixels; a finer raster is thinned by taking every n-th cell.

    Returns
    -------
    str
        Data URI of the picture; its bounds are those of the raster.
    """
    step = max(1, int(np.ceil(raster.shape[1] / width)))
    picked = raster.values[step // 2 :: step, step // 2 :: step]
    # Bounds must stay those of the whole raster: cells keep their share of it even where the last
    # block is cut.
    fitted = raster.transform @ raster.transform.scale(
        raster.shape[1] / picked.shape[1], raster.shape[0] / picked.shape[0]
    )
    small = Raster(picked, fitted, raster.crs, raster.unit)
    values = to_mercator(small, _height_for(small, small.shape[1]), smooth=False)
    code = np.zeros(values.shape, dtype=np.uint8)
    for i, (low, high) in enumerate(classes, start=1):
        code[(values >= low) & (values < high)] = i
    picture = Image.frombytes("P", (len(code[0]), len(code)), code.tobytes())
    rgb = [0, 0, 0]
    for colour in colours:
        rgb += [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    picture.putpalette(rgb + [0] * (768 - len(rgb)))
    return _data_uri(picture, "PNG", transparency=0, optimize=True)


def _data_uri(picture: Image.Image, kind: str, **options: Any) -> str:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
