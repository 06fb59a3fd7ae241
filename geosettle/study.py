"""A study: every checked input, frozen, and the settings with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from geosettle.quality import Problem
from geosettle.raster import Raster

__all__ = ["Study"]


@dataclass(frozen=True, eq=False)
class Study:
    """Checked inputs of one study.

    Frames are indexed by their key (`site_id`, `origin_id`, `code`, `place_id`, `development_id`; flows keep
    `origin_id` and `site_id` as columns), geometries are WGS84 longitude/latitude and None where a position is unknown.
    A layer that the study does not have is None.
    """

    sites: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame | None = None
    flows: pd.DataFrame | None = None
    boundaries: gpd.GeoDataFrame | None = None
    oasis: gpd.GeoDataFrame | None = None
    development: gpd.GeoDataFrame | None = None
    landcover: Mapping[int, Raster] = field(default_factory=dict)
    ndvi: Raster | None = None
    dem: Raster | None = None
    roads: gpd.GeoDataFrame | pd.DataFrame | None = None
    rivers: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    indicators: pd.DataFrame | None = None
    claims: pd.DataFrame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """defaults.toml overlaid with the study's own study.toml; nested tables."""
    problems: tuple[Problem, ...] = ()
    ledger: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Layer to rows_in, rows_used, rows_set_aside."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """File (relative to the study) to sha256, layer, source, licence, date, crs_read, crs_used, rows."""
    name: str = "study"
