"""Catchments of the sites by hours, and the persons in them, where the settings ask for them."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geosettle.distance import Context
from geosettle.distance.nearest_road import all_season
from geosettle.problems import Problem, problem
from geosettle.reach import (
    catchments,
    persons_by,
    rough_positions,
    site_times,
    travel_allocation,
    unreached_groups,
)
from geosettle.reach.rural import rural_access_by
from geosettle.study import Study


def reach_of(
    study: Study, context: Context, problems: list[Problem]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, pd.DataFrame]:
    """Catchments of all sites (site_id empty) and of each, persons by time, those not reached."""
    asked = study.settings.reach
    none = gpd.GeoDataFrame({"site_id": [], "hours": [], "area_ha": [], "why": []}, geometry=[])
    if not asked.hours:
        return none, pd.DataFrame(), pd.DataFrame()
    if context.ground is None:
        text = "Catchments are asked for, and there is neither elevation nor friction."
        problems.append(problem("reach_without_ground", text, layer="dem"))
        return none, pd.DataFrame(), pd.DataFrame()
    if rough := rough_positions(study.sites):
        problems.append(problem("reach_rough_positions", f"{rough}.", layer="sites"))
    away, layers = asked.direction == "from", {"context": context}
    found = travel_allocation(study.sites, away=away, **layers)
    whole = catchments(found.time, asked.hours).reset_index().assign(site_id="")
    limit = max(asked.hours)
    each = catchments(site_times(study.sites, away=away, limit_h=limit, **layers), asked.hours)
    lost = found.why[found.why != ""].rename_axis("site_id").reset_index()
    made = pd.concat([whole, each.reset_index(), lost], ignore_index=True)
    made["why"] = made["why"].fillna("").astype("str")
    columns = ["site_id", "hours", "area_ha", "why", "geometry"]
    polygons = gpd.GeoDataFrame(made[columns], geometry="geometry", crs="EPSG:4326")
    if study.population is None:
        return polygons, pd.DataFrame(), pd.DataFrame()
    table = persons_by(found, study.population, asked.hours, study.sites, study.boundaries)
    groups = unreached_groups(found.time, study.population, limit, sites=study.sites)
    return polygons, table, groups


def rural_access_of(study: Study, problems: list[Problem]) -> pd.DataFrame:
    """Rural Access Index of everybody and by unit, where the settings ask for it."""
    within_km, people, roads = study.settings.reach.rural_access_km, study.population, study.roads
    if not within_km:
        return pd.DataFrame()
    if people is None or roads is None or all_season(roads).empty:
        text = "The Rural Access Index needs a population and an all-season road with a line."
        problems.append(problem("rural_access_without_layers", text, layer="roads"))
        return pd.DataFrame()
    return rural_access_by(people, roads, study.boundaries, within_km)
