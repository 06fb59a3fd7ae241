"""The units of a boundary layer, made ready to be joined."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.crs import lonlat
from geosettle.errors import ColumnError, InputError
from geosettle.geodesy import area_m2
from geosettle.levels import ladder


def read_units(boundaries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Units in WGS84, sorted by code, with every optional column.

    Enclaves are added to the parent that omits them.
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
        geometry=lonlat(frame),
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
    """Add to each parent the children that are in a hole of it, so that all levels agree."""
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
