"""Check every vertex of lines and areas: on Earth, in the region, and among its neighbours."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.io.position_checks import BY_ROW, Region, inside
from geosettle.layers import LayerSpec
from geosettle.problems import Problem, problem

_FAR: Final = 100.0
"""A vertex so many times farther from the others than these are from each other is doubted."""
_FAR_DEG: Final = 0.5
"""Nor is it doubted where it is nearer than this."""
_LINE: Final = shapely.GeometryType.LINESTRING.value
_TURN: Final = 360.0
"""Longitudes may be counted from 0 to 360, and go on where a shape crosses the 180th meridian."""


def doubt_vertices(geometry: NDArray[Any], spec: LayerSpec, region: Region | None) -> list[Problem]:
    """Find vertices that cannot be right, each named with its row.

    Parameters
    ----------
    geometry
        Geometries in longitude and latitude as they were drawn, or None per row.
    spec
        The layer.
    region
        Where the study lies; None where nobody states it.

    Returns
    -------
    list of Problem
        An error for a vertex off the Earth; a warning for one outside the region, or far from all
        others of its ring or line.
    """
    drawn = np.flatnonzero(shapely.get_dimensions(geometry) > 0)
    xy, of = shapely.get_coordinates(geometry[drawn], return_index=True)
    if not len(xy):
        return []
    x, y = xy.T
    finite = np.isfinite(xy).all(axis=1)  # the others are named where geometries are mended
    off = finite & ((np.abs(x) > _TURN) | (np.abs(y) > 90))
    out = [
        problem("coordinate_out_of_range", f"A vertex is at {x[i]:.6g}, {y[i]:.6g}.",
                row=int(drawn[of[i]]) + 1, value=f"{x[i]:.6g}, {y[i]:.6g}")
        for i in _first_of_each(off, of)
    ]  # fmt: skip
    if region is not None and spec.name in BY_ROW:
        beyond = finite & ~off & ~inside((x + 180) % _TURN - 180, y, region)
        whole = np.bincount(of, beyond, len(drawn)) == np.bincount(of, minlength=len(drawn))
        out += [
            problem("outside_region", f"A vertex is at {x[i]:.6g}, {y[i]:.6g}, outside the region.",
                    severity="warning", row=int(drawn[of[i]]) + 1,
                    value=f"{x[i]:.6g}, {y[i]:.6g}")
            for i in _first_of_each(beyond & ~whole[of], of)
        ]  # fmt: skip
    wide = np.flatnonzero(_is_wide(geometry[drawn]))
    for k in wide.tolist():
        if (found := _strayed(geometry[drawn[k]])) is not None and not off[of == k].any():
            text = f"One vertex, {found[0]:.6g}, {found[1]:.6g}, is far from all others."
            value = f"{found[0]:.6g}, {found[1]:.6g}"
            out.append(problem("vertex_far", text, row=int(drawn[k]) + 1, value=value))
    return out


def _first_of_each(mask: NDArray[np.bool_], of: NDArray[np.intp]) -> list[int]:
    """First of the vertices of each geometry that a mask names."""
    rows = np.flatnonzero(mask)
    return [int(i) for i in rows[np.unique(of[rows], return_index=True)[1]]]


def _is_wide(geometry: NDArray[Any]) -> NDArray[np.bool_]:
    bounds = shapely.bounds(geometry)
    with np.errstate(invalid="ignore"):
        return np.asarray((bounds[:, 2:] - bounds[:, :2]).max(axis=1) > _FAR_DEG)


def _strayed(shape: Any) -> tuple[float, float] | None:
    """Vertex of a ring or line that is far from all others, which are close together."""
    parts = shapely.get_parts(shape)
    lines = np.append(parts[shapely.get_type_id(parts) == _LINE], shapely.get_rings(parts))
    for ring in lines[_is_wide(lines)]:
        xy = np.unique(shapely.get_coordinates(ring), axis=0)
        if len(xy) < 4:
            continue
        apart = np.abs(xy - np.median(xy, axis=0)).max(axis=1)
        order = np.argsort(apart)
        last, before = apart[order[-1]], apart[order[-2]]
        if last > max(_FAR_DEG, _FAR * before):
            return float(xy[order[-1], 0]), float(xy[order[-1], 1])
    return None
