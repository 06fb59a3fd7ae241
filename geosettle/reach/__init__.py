"""Who reaches what in how many hours: time rasters, catchments, service areas, population."""

from __future__ import annotations

from geosettle.reach.contours import catchments
from geosettle.reach.population import persons_by, population_within, service_areas
from geosettle.reach.rural import rural_access
from geosettle.reach.times import Allocation, rough_positions, site_times, travel_allocation
from geosettle.reach.unreached import unreached_groups

__all__ = [
    "Allocation",
    "catchments",
    "persons_by",
    "population_within",
    "rough_positions",
    "rural_access",
    "service_areas",
    "site_times",
    "travel_allocation",
    "unreached_groups",
]
