"""The sheet a map is drawn on: its equal-area projection, extent, scale and north.

No drawing here, only geometry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from scipy.ndimage import map_coordinates, uniform_filter

from geosettle import style
from geosettle.crs import in_arrays
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

_WORLD_DEG = 150.0
"""Sheets that hold more degrees of longitude, or half as many of latitude, show the world."""
_LONE_M, _LEAST_M = 20e3, 4e3
"""Least width of a sheet, with a single place and with several."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An equal-area projection and the rectangle of it that is shown, metres."""

    proj: str
    label: str
    x0: float
    x1: float
    y0: float
    y1: float
    _forward: Transformer

    def xy(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Projected coordinates, shape (n, 2), metres."""
        ends = (np.atleast_1d(np.asarray(values, float)) for values in (lon, lat))
        return np.column_stack(in_arrays(self._forward.transform, *ends))

    def lonlat(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitude and latitude of projected coordinates."""
        back = partial(self._forward.transform, direction="INVERSE")
        lon, lat = in_arrays(back, np.asarray(x, float), np.asarray(y, float))
        return np.asarray(lon), np.asarray(lat)

    def shapes(self, geometries: ArrayLike, *, fine: float = 2500) -> NDArray[np.object_]:
        """Return geometries in the projection, clipped to the sheet and simplified.

        The tolerance is the sheet's width divided by `fine`.
        """
        raw = np.asarray(geometries, dtype=object)
        raw = raw[~(shapely.is_missing(raw) | shapely.is_empty(raw))]
        if (
            self.window is not None
        ):  # most of a layer lies outside a small sheet: cut it off before projecting
            raw = shapely.clip_by_rect(raw, *self.window)
            raw = raw[~shapely.is_empty(raw)]
        made = shapely.transform(raw, lambda points: self.xy(points[:, 0], points[:, 1]))
        made = shapely.simplify(made, self.width / fine)
        pad = self.width / 100  # so that clipped edges lie outside what is seen
        made = shapely.clip_by_rect(
            made, self.x0 - pad, self.y0 - pad, self.x1 + pad, self.y1 + pad
        )
        return np.asarray(made[~shapely.is_empty(made)], dtype=object)

    @cached_property
    def window(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north of what can be on the sheet.

        None where it touches the 180th meridian or a pole.
        """
        xs, ys = self.outline()
        lon, lat = self.lonlat(xs, ys)
        if not (np.isfinite(lon).all() and np.ptp(lon) < 170 and np.abs(lat).max() < 85):
            return None
        pad = 0.1 + 0.05 * max(float(np.ptp(lon)), float(np.ptp(lat)))
        return (
            float(lon.min()) - pad,
            float(lat.min()) - pad,
            float(lon.max()) + pad,
            float(lat.max()) + pad,
        )

    def outline(self, n: int = 50) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points along the four edges of the sheet, in order, projected metres."""
        t = np.linspace(0, 1, n)
        one = np.ones(n)
        xs = [self.x0 + t * self.width, self.x1 * one, self.x1 - t * self.width, self.x0 * one]
        ys = [self.y0 * one, self.y0 + t * self.height, self.y1 * one, self.y1 - t * self.height]
        return np.concatenate(xs), np.concatenate(ys)

    @property
    def width(self) -> float:
        """Width of the sheet, projected metres."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height of the sheet, projected metres."""
        return self.y1 - self.y0

    def scale_bar(self, x: float, y: float, length_m: float) -> tuple[float, float]:
        """End of a bar that starts at (x, y) and is `length_m` on the ground.

        It runs along the sheet's horizontal.

        The ground length is the geodesic between the two ends, so the bar is true where it stands.
        """
        low, high = 0.0, 2 * length_m
        start = self.lonlat(x, y)
        for _ in range(60):
            middle = (low + high) / 2
            end = self.lonlat(x + middle, y)
            long = (
                GEOD.inv(float(start[0]), float(start[1]), float(end[0]), float(end[1]))[2]
                > length_m
            )
            low, high = (low, middle) if long else (middle, high)
        return x + (low + high) / 2, y

    def north(self, x: float, y: float) -> tuple[float, float]:
        """Return the unit vector on the sheet that points north along the local meridian."""
        lon, lat = self.lonlat(x, y)
        step = 0.01
        (ax, ay), (bx, by) = self.xy([lon, lon], [lat - step, lat + step])
        length = float(np.hypot(bx - ax, by - ay))
        return float((bx - ax) / length), float((by - ay) / length)


def frame_around(
    lon: ArrayLike, lat: ArrayLike, radius_m: ArrayLike = 0.0, *, margin: float = 0.06
) -> Frame:
    """Choose the projection and the sheet for points with a circle around each.

    Albers' equal-area conic with its parallels a sixth of the extent inside; near the equator,
    where that cone opens into a plane, Lambert's azimuthal equal-area; for places on several
    continents the cylindrical equal-area. The sheet keeps a width between 1 and 1.75 times its
    height.

    Parameters
    ----------
    lon, lat
        Points, degrees; they may lie on both sides of the 180th meridian.
    radius_m
        Circle around each point to keep in view, metres.
    margin
        Free edge, share of the width.
    """
    lons, lats, radii = np.broadcast_arrays(
        *(np.asarray(a, dtype=float) for a in (lon, lat, radius_m))
    )
    turns = np.exp(1j * np.radians(lons)).mean()
    middle = float(np.degrees(np.angle(turns))) if abs(turns) > 0 else 0.0
    relative = (lons - middle + 180) % 360 - 180
    centre = round(middle + (relative.min() + relative.max()) / 2, 1)
    south, north = float(lats.min()), float(lats.max())
    lower, upper = round(south + (north - south) / 6, 1), round(north - (north - south) / 6, 1)
    origin = round((south + north) / 2, 1)
    if np.ptp(relative) > _WORLD_DEG or np.ptp(lats) > _WORLD_DEG / 2:
        proj = f"+proj=cea +lat_ts={abs(origin)} +lon_0={centre} +datum=WGS84 +units=m"
        label = f"cylindrical equal-area ({_degrees(abs(origin), 'NS')})"
    elif abs(lower + upper) < 2:
        proj = f"+proj=laea +lat_0={origin} +lon_0={centre} +datum=WGS84 +units=m"
        label = f"Lambert azimuthal equal-area ({_degrees(origin, 'NS')}, {_degrees(centre, 'EW')})"
    else:
        proj = (
            f"+proj=aea +lat_1={lower} +lat_2={upper} +lat_0={origin} +lon_0={centre} "
            "+datum=WGS84 +units=m"
        )
        parallels = dict.fromkeys([_degrees(lower, "NS"), _degrees(upper, "NS")])
        label = f"Albers equal-area ({', '.join(parallels)})"
    forward = Transformer.from_crs("EPSG:4326", proj, always_xy=True)
    x, y = (np.asarray(a) for a in in_arrays(forward.transform, lons, lats))
    x0, x1 = float((x - radii).min()), float((x + radii).max())
    y0, y1 = float((y - radii).min()), float((y + radii).max())
    # A lone place needs surroundings to be found by; several places are their own.
    least = _LONE_M if np.ptp(x) + np.ptp(y) == 0 else _LEAST_M
    width, height = max(x1 - x0, least), max(y1 - y0, least)
    width, height = width * (1 + 2 * margin), height + 2 * margin * width
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    return Frame(proj, label, *_sides(cx, cy, width, height), forward)


def _sides(cx: float, cy: float, width: float, height: float) -> tuple[float, float, float, float]:
    """Return west, east, south and north of a sheet around a point.

    It is at least so wide and high, in its proportions.
    """
    width, height = max(width, height), max(height, width / 1.75)
    return cx - width / 2, cx + width / 2, cy - height / 2, cy + height / 2


def frame_with(frame: Frame, areas: ArrayLike, *, most: float = 0.2, margin: float = 0.02) -> Frame:
    """Widen a sheet so that it holds whole areas, where that takes little.

    Parameters
    ----------
    frame
        The sheet around the places.
    areas
        Polygons, longitude and latitude, that a reader expects to see whole.
    most
        Most that may be added at any side, share of the sheet's width or height; if more were
        needed, nothing is.
    margin
        Free edge beyond the areas, share of the width.
    """
    # The corners of the hulls are enough, and few; by parts, as a hull across the 180th meridian
    # would span the globe.
    corners = shapely.get_coordinates(
        shapely.convex_hull(shapely.get_parts(np.asarray(areas, dtype=object)))
    )
    xy = frame.xy(corners[:, 0], corners[:, 1])
    if not len(xy) or not np.isfinite(xy).all():
        return frame
    edge = margin * frame.width
    x0, y0 = np.minimum(xy.min(axis=0) - edge, (frame.x0, frame.y0))
    x1, y1 = np.maximum(xy.max(axis=0) + edge, (frame.x1, frame.y1))
    added = (
        max((frame.x0 - x0, x1 - frame.x1)) / frame.width,
        max((frame.y0 - y0, y1 - frame.y1)) / frame.height,
    )
    if max(added) > most:
        return frame
    x0, x1, y0, y1 = _sides((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
    return replace(frame, x0=float(x0), x1=float(x1), y0=float(y0), y1=float(y1))


def relief(
    frame: Frame, dem: Raster, pixels: int = 900, *, exaggeration: float = 2.2
) -> NDArray[np.uint8]:
    """Tinted, shaded relief of the sheet, shape (rows, columns, 3), row 0 in the north.

    Where there is no data it has the colour of paper.

    Parameters
    ----------
    frame
        The sheet.
    dem
        Elevation in metres, north-up.
    pixels
        Width of the picture.
    exaggeration
        Heights are multiplied by this for the shading, which falls from the north-west at 45
        degrees.
    """
    rows = max(round(pixels * frame.height / frame.width), 2)
    step = frame.width / pixels
    # The projection is smooth: place every 25th pixel exactly and interpolate between them (error
    # far below a pixel).
    gx, gy = (
        np.linspace(frame.x0, frame.x1, pixels // 25 + 2),
        np.linspace(frame.y1, frame.y0, rows // 25 + 2),
    )
    lon, lat = frame.lonlat(*np.meshgrid(gx, gy))
    coarse = np.stack(dem.to_grid(lon, lat))
    coarse = np.where(np.isfinite(coarse), coarse, -1e6)
    centres = [(np.arange(n) + 0.5) / n * (len(grid) - 1) for n, grid in ((rows, gy), (pixels, gx))]
    at = np.meshgrid(*centres, indexing="ij")
    place = np.stack([map_coordinates(part, at, order=1) for part in coarse])
    cells = max(int(step / float(np.median(dem.cell_sizes_m()[1]))), 1)
    # Only the part of the grid that the sheet shows is worked on.
    (top, left), (bottom, right) = (
        np.floor(place.reshape(2, -1).min(axis=1)).astype(int) - 2 * cells - 2,
        np.ceil(place.reshape(2, -1).max(axis=1)).astype(int) + 2 * cells + 3,
    )
    top, left = max(top, 0), max(left, 0)
    values = dem.values[top : max(bottom, top + 1), left : max(right, left + 1)].astype(np.float32)
    place -= np.array([top, left])[:, None, None]
    if not values.size:
        return np.full((rows, pixels, 3), 255, dtype=np.uint8)
    hole = ~np.isfinite(values)
    values = np.where(hole, np.nanmedian(values) if not hole.all() else 0, values)
    if cells > 1:  # a mean over what one pixel covers, or the picture would glitter
        values = uniform_filter(values, cells)
    height = map_coordinates(values, place, order=1, mode="nearest")
    missing = (
        map_coordinates(hole.astype(np.float32), place, order=1, mode="constant", cval=1.0) > 0.5
    )
    slope_y, slope_x = np.gradient(height * exaggeration, step)
    # Lambert's cosine law for light from azimuth 315, altitude 45; row numbers grow southwards.
    light = ((slope_x + slope_y) / 2 + np.sqrt(0.5)) / np.sqrt(1 + slope_x**2 + slope_y**2)
    shade = 0.66 + 0.34 * np.clip(light * 1.25, 0, 1)
    tints = np.array([_rgb(colour) for colour in style.RELIEF])
    tinted = np.stack(
        [np.interp(height, style.RELIEF_STOPS_M, tints[:, band]) for band in range(3)], axis=-1
    )
    # Few shades compress well; 4 of 255 apart they still look continuous.
    picture = np.round(tinted * shade[..., None] / 4) * 4
    picture[missing] = 255
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _degrees(value: float, letters: str) -> str:
    return f"{abs(value):g}°{letters[0] if value >= 0 else letters[1]}"


def lines_of(geometry: Any) -> list[NDArray[np.float64]]:
    """Coordinates of every line and ring of geometries, for drawing."""
    parts = shapely.get_parts(shapely.get_parts(np.atleast_1d(np.asarray(geometry, dtype=object))))
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings = shapely.get_rings(parts[polygons])
    return [shapely.get_coordinates(line) for line in (*parts[~polygons], *rings)]
