"""Distances of the flows with intervals, roads to services, and hours on foot for the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.distance import (
    METRICS,
    Context,
    Metric,
    distance_intervals,
    distance_matrix,
    least_cost_paths,
    month_table,
    pair_distances,
    scenario_table,
    travel_time,
)
from geosettle.distance._metrics import metrics_of
from geosettle.distance.network import network_of
from geosettle.distance.roads import road_problems
from geosettle.problems import Problem
from geosettle.raster import Raster
from geosettle.reasons import reason, word
from geosettle.study import Study, origins_of


def measure_distances(
    study: Study, context: Context
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Distances of every flow by every metric, with intervals, and scenarios.

    Metrics that intervals need are computed first.
    """
    chosen = study.settings.distance
    own = (name for name in context.metrics if name not in METRICS)
    metrics = (*metrics_asked(study, context), *own)
    metrics = tuple(dict.fromkeys(metrics))
    pairs = pair_distances(
        flows_of(study),
        origins_of(study),
        study.sites,
        metrics,
        detour_range=chosen.detour_range_ratio,
        rough_share=chosen.rough_share,
        context=context,
    )
    compared = scenario_table(
        flows_of(study),
        origins_of(study),
        study.sites,
        metrics,
        study.settings.scenario,
        context=context,
    )
    return pairs, draw_intervals(study, context, pairs), compared


def ways_of(study: Study, context: Context) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the ways of the moves as lines, and their hours by month, where they are asked for."""
    chosen, asked = study.settings.distance, metrics_asked(study, context)
    ends = flows_of(study), origins_of(study), study.sites
    paths, months = pd.DataFrame(), pd.DataFrame()
    if chosen.paths and len(ends[0]):
        paths = least_cost_paths(*ends, chosen.paths, context=context)
    if chosen.months and len(ends[0]):
        months = month_table(*ends, asked, context=context)
    return paths, months


def metrics_asked(study: Study, context: Context) -> tuple[str, ...]:
    """Names of the metrics that the study states; if none, of those that its layers allow."""
    able = (name for name in _USUAL if not METRICS[name].lacking(context))
    return study.settings.distance.metrics or tuple(able)


_USUAL: Final = ("geodesic", "surface", "walk", "road")
"""What is measured unless the study states it."""


def draw_intervals(
    study: Study,
    context: Context,
    measured: pd.DataFrame | None = None,
    kept: dict[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Intervals from drawn positions, for the metrics that the study measures and asks for.

    With `measured`, the distances at the stated positions, for those that need them; else for the
    others. `kept` takes the first draws, see `distance_intervals`.
    """
    chosen = study.settings.distance
    asked = {"geodesic", *metrics_asked(study, context)} & set(chosen.interval_metrics)
    wanted = [
        name
        for name, metric in metrics_of(context).items()
        if metric.sample is not None
        and metric.after == (measured is not None)
        and (name in asked or name not in METRICS)
    ]
    return distance_intervals(
        flows_of(study),
        origins_of(study),
        study.sites,
        wanted,
        **interval_options(study),
        measured=measured,
        kept=kept,
        context=context,
    )


def matrix_of(study: Study) -> pd.DataFrame:
    """Straight line of every origin to every site, km, with `why`; empty unless asked for."""
    origins, sites = origins_of(study), study.sites
    if not study.settings.distance.matrix or origins.empty or sites.empty:
        return pd.DataFrame()
    made = distance_matrix(origins, sites)
    nowhere = [reason("position_unknown_of", role=word("end", end)) for end in ("origin", "site")]
    gone = np.where(made.isna().all(axis=1), nowhere[0], nowhere[1])
    return made.assign(why=np.where(made.isna().any(axis=1), gone, ""))


def interval_options(study: Study) -> dict[str, Any]:
    """Options of `distance_intervals` that the study's settings and units give."""
    chosen = study.settings.distance
    return {
        **{name: chosen[name] for name in ("level", "draws", "seed")},
        "boundaries": study.boundaries,
        "aliases": study.settings.admin.aliases,
        "spread": chosen,
    }


def flows_of(study: Study) -> pd.DataFrame:
    """Flows of a study; none where it has none, or no origins."""
    if study.flows is None or study.origins is None:
        return pd.DataFrame({"origin_id": [], "site_id": []}, dtype="str")
    return study.flows


def context_of(study: Study, metrics: Mapping[str, Metric] | None = None) -> Context:
    """Layers and options that metrics take, one set for the whole run.

    They hold the latest land cover and the settings of each metric.
    """
    named = {name for metric in (metrics or METRICS).values() for name in metric.options}
    known = {*study.settings.keys()}  # of scenarios only: travel
    return Context(
        dem=study.dem,
        friction=study.friction,
        barriers=study.barriers,
        landcover=study.landcover[max(study.landcover)] if study.landcover else None,
        roads=study.roads,
        places=study.places,
        settlements=(origins_of(study), study.sites),
        regions={role: study.regions.get(f"{role}s", {}) for role in ("origin", "site")},
        options={name: dict(study.settings[name]) for name in sorted(named & known)},
        metrics=metrics or {},
    )


def unused_roads(study: Study, context: Context) -> list[Problem]:
    """Rows of the road layer that routing leaves out.

    They have impossible lengths, ends at unknown places, or closures.
    """
    if study.roads is None or study.roads.empty:
        return []
    return road_problems(network_of(context), study.settings.distance.detour_range_ratio)


def without(study: Study, layer: str, rows: int) -> Study:
    """Give the study with so many more rows of a layer in the ledger as set aside."""
    if not rows or layer not in study.ledger:
        return study
    counts = dict(study.ledger[layer])
    counts["rows_used"] -= rows
    counts["rows_set_aside"] += rows
    return study.replace(ledger={**study.ledger, layer: counts})


def hours_on_foot(study: Study) -> dict[str, Raster]:
    """Hours on foot to the nearest site, for the map, on a grid coarse enough for a picture."""
    ground = study.dem if study.friction is None else study.friction
    if ground is None or not study.settings.distance.reach_cells:
        return {}
    rows, columns = ground.shape
    factor = round((rows * columns / study.settings.distance.reach_cells) ** 0.5)
    ground = ground.coarsened(max(1, factor))
    places = study.sites[study.sites.geometry.notna()]
    inside = np.isfinite(ground.sample(*_lonlat(places)))
    if not inside.any():
        return {}
    hours = travel_time(ground, places[inside], barriers=study.barriers, **study.settings.walk)
    return {"walk_h": hours}


def _lonlat(places: gpd.GeoDataFrame) -> tuple[Any, Any]:
    points = places.geometry.representative_point()
    return points.x.to_numpy(), points.y.to_numpy()
