"""The ladder of administrative levels, and the units on it, made ready to be joined."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.errors import ColumnError, CrsError, InputError
from geosettle.geodesy import area_m2

__all__ = ["ladder", "lonlat", "read_units"]


def ladder(boundaries: pd.DataFrame) -> tuple[str, ...]:
    """Levels of a boundary layer from the coarsest to the finest.

    Parents stand above their children; levels that no parent code links are ordered by the mean
    area of their units.

    Parameters
    ----------
    boundaries
        Indexed by `code`, with `level` and, optionally, `parent_code`.

    Examples
    --------
    >>> ladder(pd.DataFrame({"level": ["county", "prefecture"], "parent_code": ["65", None]}, index=["6501", "65"]))
    ('prefecture', 'county')
    """
    level = boundaries["level"].astype(str)
    parents = (
        boundaries["parent_code"]
        if "parent_code" in boundaries
        else pd.Series(index=boundaries.index, dtype=str)
    )
    by_code = dict(zip(boundaries.index.astype(str), level, strict=True))
    above: dict[str, set[str]] = {name: set() for name in level}
    for name, parent in zip(level, parents, strict=True):
        if pd.notna(parent) and by_code.get(str(parent), name) != name:
            above[name].add(by_code[str(parent)])
    size: dict[Any, float] = dict.fromkeys(above, 0.0)
    if isinstance(boundaries, gpd.GeoDataFrame) and len(boundaries):
        areas = pd.Series(shapely.area(boundaries.geometry.to_numpy()), index=boundaries.index)
        size = areas.groupby(level.to_numpy()).mean().to_dict()

    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        if name in seen:
            raise InputError(
                "the levels of the boundaries are each other's parents",
                column="parent_code",
                value=name,
                mend="A unit's parent must belong to a coarser level.",
            )
        return 1 + max((depth(up, (*seen, name)) for up in above[name]), default=-1)

    return tuple(sorted(above, key=lambda name: (depth(name), -size[name], name)))


def read_units(boundaries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Units in WGS84, sorted by code, every optional column present; enclaves added to the parent
    that omits them.
    """
    frame = boundaries if "code" not in boundaries else boundaries.set_index("code")
    for column in ("level", "name"):
        if column not in frame:
            raise ColumnError(
                "the boundaries have no such column", column=column, mend="Add it to the layer."
            )
    units = gpd.GeoDataFrame(
        {
            "level": frame["level"].astype(str).to_numpy(),
            "name": frame["name"].fillna("").astype(str).to_numpy(),
            **{
                c: frame[c].to_numpy() if c in frame else np.full(len(frame), None)
                for c in ("parent_code", "name_local", "aliases", "valid_from", "valid_to")
            },
        },
        index=pd.Index(frame.index.astype(str), name="code"),
        geometry=lonlat(frame).to_numpy(),
        crs="EPSG:4326",
    ).sort_index()
    if not units.index.is_unique:
        twice = units.index[units.index.duplicated()][0]
        raise InputError(
            "two boundaries share one code",
            column="code",
            value=twice,
            mend="Codes must be unique.",
        )
    units["parent_code"] = [None if pd.isna(p) or p == "" else str(p) for p in units["parent_code"]]
    return _with_enclaves(units)


def _with_enclaves(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add to each parent the children that lie in a hole of it, so that all rungs tell the same
    story.
    """
    order = {name: depth for depth, name in enumerate(ladder(units))}
    geometry = units.geometry.copy()
    for code in sorted(units.index, key=lambda c: (-order[units.loc[c, "level"]], c)):
        parent = units.loc[code, "parent_code"]
        if (
            parent not in geometry.index
            or shapely.is_missing(geometry[code])
            or shapely.is_missing(geometry[parent])
        ):
            continue
        if (
            area_m2([shapely.intersection(geometry[code], geometry[parent])])[0]
            < area_m2([geometry[code]])[0] / 2
        ):
            geometry[parent] = shapely.union(geometry[parent], geometry[code])
    return units.set_geometry(geometry)


def lonlat(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Geometry in WGS84 longitude/latitude."""
    if frame.crs is None:
        if frame.geometry.isna().all():
            return frame.geometry
        raise CrsError(
            "the frame has no coordinate reference system",
            mend='Set it, e.g. frame.set_crs("EPSG:4326").',
        )
    return frame.geometry if frame.crs == "EPSG:4326" else frame.geometry.to_crs("EPSG:4326")
