"""Convert what callers give (frames of places, tables of pairs) to the form that metrics take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import texts
from geosettle.crs import within_180
from geosettle.distance._solver.geodesic_engine import share_out
from geosettle.errors import ColumnError, CrsError, InputError
from geosettle.reasons import join, no_layer, reason, word

LonLat = tuple[NDArray[np.float64], NDArray[np.float64]]


def as_places(frame: Any, role: str) -> gpd.GeoDataFrame:
    """Check origins or sites, as `as_located` does: ids as strings, WGS84, None where unknown."""
    return as_located(frame, role)[0]


def as_located(frame: Any, role: str) -> tuple[gpd.GeoDataFrame, LonLat | None]:
    """Check origins or sites: ids as strings in the index, WGS84, None where unknown.

    Parameters
    ----------
    frame
        GeoDataFrame with the ids in its index or in a column ``<role>_id``; or a DataFrame with
        columns lon and lat.
    role
        ``origin`` or ``site``, for messages and for the name of the index.

    Returns
    -------
    frame, points
        The frame, and the longitudes and latitudes where all places are points (NaN: unknown); else
        None.

    Raises
    ------
    InputError, CrsError, ColumnError
        No geometry, no coordinate reference system, an id that occurs twice, a latitude beyond the
        poles.
    """
    frame = _with_ids(frame, role)
    geoms = np.asarray(frame.geometry.array, dtype=object)
    points, (west, south, east, north) = _bounds(geoms)
    beyond = np.flatnonzero((south < -90) | (north > 90) | np.isinf(west) | np.isinf(east))
    if beyond.size:
        raise InputError(
            f"{role} {frame.index[beyond[0]]!r} is beyond the poles",
            file=f"{role}s",
            row=int(beyond[0]) + 1,
            value=shapely.to_wkt(geoms[beyond[0]], rounding_precision=4)[:60],
            mend="Longitude comes first, then latitude, in degrees.",
        )
    unknown = np.isnan(west + south)
    if unknown.any() and not shapely.is_missing(geoms[unknown]).all():
        geoms = np.where(unknown, np.array(None), geoms)
        frame = frame.set_geometry(gpd.GeoSeries(geoms, index=frame.index, crs=frame.crs))
    if not points:
        cut = within_180(geoms)
        if any(a is not b for a, b in zip(cut, geoms, strict=True)):
            frame = frame.set_geometry(gpd.GeoSeries(cut, index=frame.index, crs=frame.crs))
        return frame, None
    if unknown.any():
        west, south = np.where(unknown, np.nan, west), np.where(unknown, np.nan, south)
    return frame, (west, south)


def _bounds(geoms: NDArray[np.object_]) -> tuple[bool, NDArray[np.float64]]:
    """Whether all are points or missing; and west, south, east, north of each.

    NaN where empty or missing.
    """
    bounds, points = np.full((4, len(geoms)), np.nan), np.zeros(len(geoms), dtype=bool)

    def read(first: int, last: int) -> None:
        some, part = geoms[first:last], slice(first, last)
        points[part] = shapely.get_type_id(some) <= 0
        if not points[part].all():
            bounds[:, part] = shapely.bounds(some).T
            return
        try:
            bounds[0, part], bounds[1, part] = shapely.get_x(some), shapely.get_y(some)
        except (
            shapely.errors.GEOSException
        ):  # GEOS refuses to give the coordinates of an empty point
            some = np.where(shapely.is_empty(some), np.array(None), some)
            bounds[0, part], bounds[1, part] = shapely.get_x(some), shapely.get_y(some)
        bounds[2:, part] = bounds[:2, part]

    share_out(read, len(geoms), 20_000)
    return bool(points.all()), bounds


def _with_ids(frame: Any, role: str) -> gpd.GeoDataFrame:
    """Make a GeoDataFrame in WGS84 with unique strings as ids in its index."""
    key = f"{role}_id"
    frame = frame.set_index(key) if key in getattr(frame, "columns", ()) else frame
    if not isinstance(frame, gpd.GeoDataFrame):
        if not isinstance(frame, pd.DataFrame) or not {"lon", "lat"} <= set(frame.columns):
            raise ColumnError(
                f"the {role}s have no positions",
                file=f"{role}s",
                mend="Give a GeoDataFrame, or columns lon and lat.",
            )
        points = gpd.points_from_xy(frame["lon"], frame["lat"])
        frame = gpd.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")
    if frame.crs is None and len(frame):
        raise CrsError(
            f"the {role}s have no coordinate reference system",
            file=f"{role}s",
            mend="Name it: frame.set_crs('EPSG:4326') for longitude and latitude.",
        )
    if frame.crs is not None and not frame.crs.is_exact_same("EPSG:4326"):
        frame = frame.to_crs("EPSG:4326")
    index = (
        frame.index
        if frame.index.dtype == "str"
        else pd.Index([str(i) for i in frame.index], dtype="str")
    )
    frame = frame.set_axis(index.rename(key), axis=0)
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()][0]
        raise InputError(
            f"a {key} occurs twice",
            file=f"{role}s",
            column=key,
            value=twice,
            mend="Make ids unique.",
        )
    return frame


def position_unknown(roles: Sequence[str]) -> str:
    """Give the reason where positions are unknown: of "origin", "site", both or none."""
    if len(roles) > 1:
        return reason("positions_unknown")
    return reason("position_unknown_of", role=word("end", roles[0])) if roles else ""


def no_layers(names: Sequence[str]) -> str:
    """Give the reason where the study lacks layers."""
    return join(*map(no_layer, names))


def rows_at(pairs: pd.Index, end: int, ids: pd.Index) -> NDArray[np.intp]:
    """Position in `ids` of an end (0 origin, 1 site) of each pair, -1 where it is not there.

    Examples
    --------
    >>> pairs = pd.MultiIndex.from_tuples([("a", "s"), ("b", "s")])
    >>> rows_at(pairs, 0, pd.Index(["b"])).tolist()
    [-1, 0]
    """
    held = cast("pd.MultiIndex", pairs)
    return np.append(ids.get_indexer(held.levels[end]), -1)[held.codes[end]]


def as_flows(flows: Any) -> pd.DataFrame:
    """Check a table of pairs: ids as strings, one row per flow.

    Rows are sorted so that the order given does not matter.

    Raises
    ------
    ColumnError
        No column (nor index level) origin_id or site_id.
    """
    keys = ["origin_id", "site_id"]
    table = pd.DataFrame(flows)
    if not set(keys) <= set(table.columns) and set(keys) <= set(table.index.names):
        table = table.reset_index()
    for key in keys:
        if key not in table:
            raise ColumnError(
                "the flows lack a column",
                file="flows",
                column=key,
                mend="Give columns origin_id and site_id.",
            )
    table = table.assign(**{key: texts(table, key) for key in keys})
    rest = [c for c in ("year", "households", "persons", "declared_km") if c in table]
    return table.sort_values(keys + rest, kind="stable", ignore_index=True)
