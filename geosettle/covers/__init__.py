"""Areal layers (oasis, development, land cover): how much land, of which kind, when, whose."""

from __future__ import annotations

from geosettle.covers.change import ProductsDifferWarning, adjusted_areas, annual_rate, cover_change
from geosettle.covers.land_per_household import founding_status, land_per_household
from geosettle.covers.oasis import OASIS_COLUMNS, derive_oasis, oasis_areas, oasis_position
from geosettle.covers.overlay import (
    NODATA,
    OUTSIDE,
    UNCLASSIFIED,
    overlay_areas,
    overlay_table,
    to_wide,
)
from geosettle.covers.zonal import zonal_statistics
from geosettle.covers.zones import zones_of_raster

__all__ = [
    "NODATA",
    "OASIS_COLUMNS",
    "OUTSIDE",
    "UNCLASSIFIED",
    "ProductsDifferWarning",
    "adjusted_areas",
    "annual_rate",
    "cover_change",
    "derive_oasis",
    "founding_status",
    "land_per_household",
    "oasis_areas",
    "oasis_position",
    "overlay_areas",
    "overlay_table",
    "to_wide",
    "zonal_statistics",
    "zones_of_raster",
]
