"""analyse(study) -> Result: the main job, as one page that reads like its data flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from geosettle.raster import Raster
from geosettle.study import Study

__all__ = ["Result"]


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that was computed, as plain frames. Missing numbers are NaN and their reason stands in `why`.

    Attributes
    ----------
    study
        The inputs it was computed from.
    sites
        GeoDataFrame by `site_id`: the site's own columns (`declared_county`, `declared_prefecture` for what the source
        says), then `county_code, county, prefecture_code, prefecture, admin_probability, on_border, border_km,
        admin_agrees, in_oasis, oasis_edge_km, oasis_edge_low_km, oasis_edge_high_km` (negative inside), then areas
        (`oasis_5km_ha`, `development_5km_ha` ...), household-weighted distances and indicators, then `why`.
    origins
        GeoDataFrame by `origin_id`, with the same administrative and oasis columns.
    pairs
        DataFrame by `(origin_id, site_id)`, the columns of pairs.csv in the contract.
    intervals
        Long: `origin_id, site_id, metric, unit, low, median, high, level, draws, why`.
    admin
        Long, one row per place and level: `role, id, level, code, name, probability, alternatives, on_border,
        border_km, distance_m, declared, agrees, why`.
    covers
        Long: `zone_id, zone, radius_km, layer, class, year, area_ha, share, households, area_ha_per_household,
        geometry_basis, evidence, why`.
    oasis
        Area of the oasis per prefecture and setting, beside published figures.
    land
        Land per household and site: declared, mapped, leased, self-run, in ha and mu, against thresholds.
    change
        Cover change: from-to, gain, loss, rates; empty where there is one date only.
    remoteness
        Long: `role, id, indicator, metric, value, low, high, unit, n, rank_low, rank_high, why`.
    livelihood
        Long: `section, site_id, item, before, after, change, low, high, unit, n, verdict, evidence, source, note`.
    claims
        The claims ledger: the claim's own columns, then `computed, computed_unit, layer, difference, verdict, why`.
    problems
        Every problem, from reading to computing; see `geosettle.quality`.
    rasters
        Rasters made on the way, by name (`walk_h` ...), for the map.
    """

    study: Study
    sites: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    pairs: pd.DataFrame
    intervals: pd.DataFrame
    admin: pd.DataFrame
    covers: pd.DataFrame
    oasis: pd.DataFrame
    land: pd.DataFrame
    change: pd.DataFrame
    remoteness: pd.DataFrame
    livelihood: pd.DataFrame
    claims: pd.DataFrame
    problems: pd.DataFrame
    rasters: Mapping[str, Raster] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Versions, parameters, seed, input hashes: what manifest.json says, for map and report to print."""
