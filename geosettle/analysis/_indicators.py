"""Remoteness of sites and origins, livelihoods, and the columns that sum them up."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.analysis._distances import interval_options, metrics_asked
from geosettle.analysis._site_values import nearest_roads
from geosettle.cells import numbers
from geosettle.distance import Context, distance_intervals, pair_distances
from geosettle.distance._metrics import metric_named, metrics_of
from geosettle.livelihood import as_indicators, livelihood, survey_capitals, survey_items
from geosettle.reasons import reason
from geosettle.remoteness import SERVICES, change, remoteness, service_moves, services
from geosettle.remoteness._inputs import PlaceTables, long_pairs, pair_columns, study_sites
from geosettle.study import Study, origins_of


def remoteness_of(
    study: Study,
    context: Context,
    pairs: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    intervals: pd.DataFrame,
    *,
    draws: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Every indicator of sites, origins and the study.

    Road distances to the places are included where there are roads.
    """
    return remoteness(
        pairs,
        study.sites,
        origins,
        study.places,
        intervals=intervals,
        metrics=study.settings.remoteness.metrics,
        site_places=to_places(study, context, study.sites),
        origin_places=to_places(study, context, origins_of(study)),
        roads=study.roads,
        known=metrics_of(context),
        settings=study.settings,
        draws=draws,
    )


def access_change_of(study: Study, remote: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Compare origin and site for every indicator of access that has a change."""
    return change(remote, pairs, study_sites(study.sites))


def services_of(
    study: Study, context: Context, remote: pd.DataFrame, pairs: pd.DataFrame, sites: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Services before and after the moves, in sum and by move; empty without places of service."""
    kinds = study.settings.services.compared or SERVICES
    if study.places is None or not study.places["kind"].isin(kinds).any() or pairs.empty:
        return pd.DataFrame(), pd.DataFrame()
    roads = [
        _as_nearest(frame, role)
        for frame, role in (
            (sites, "site"),
            (nearest_roads(study, context, origins_of(study)), "origin"),
        )
    ]
    moves = service_moves(pd.concat([remote, *roads], ignore_index=True), pairs, kinds)
    return services(moves, study_sites(study.sites)), moves


def _as_nearest(frame: pd.DataFrame, role: str) -> pd.DataFrame:
    """Give the nearest road of places as rows of `remoteness`; without roads there are none."""
    if "nearest_road_km" not in frame:
        return pd.DataFrame()
    km = frame["nearest_road_km"].to_numpy(dtype=float)
    # A position known exactly has one distance.
    low, high = (
        numbers(frame, f"nearest_road_{end}_km").fillna(frame["nearest_road_km"]).to_numpy()
        for end in ("low", "high")
    )
    head = {"role": role, "id": frame.index.astype(str), "indicator": "nearest_road"}
    head |= {"kind": "nearest", "limit": "road", "limit_unit": "", "metric": "geodesic"}
    why = np.where(np.isnan(km), reason("position_unknown"), "")
    return pd.DataFrame({**head, "value": km, "low": low, "high": high, "unit": "km", "why": why})


def to_places(study: Study, context: Context, points: gpd.GeoDataFrame) -> dict[str, PlaceTables]:
    """Distances and times from each point (rows) to each service place (columns).

    Each has its least and greatest value.

    By the metrics of `services.metrics` that the study measures at all, to places of the kinds
    `places_by_road`.
    """
    chosen = study.settings.distance
    asked = [metric_named(name, context) for name in study.settings.services.metrics]
    able = [metric.name for metric in asked if not metric.lacking(context)]
    wanted = [name for name in able if name in metrics_asked(study, context)]
    if study.places is None or not wanted or points.empty:
        return {}
    places = study.places[study.places["kind"].isin(chosen.places_by_road)]
    if places.empty:
        return {}
    every = pd.MultiIndex.from_product([points.index, places.index], names=["origin_id", "site_id"])
    flows = every.to_frame(index=False)
    ways = pair_distances(flows, points, places, tuple(wanted), context=context)
    drawn = distance_intervals(
        flows,
        points,
        places,
        [name for name in wanted if name in chosen.interval_metrics],
        **interval_options(study),
        measured=ways,
        context=context,
    )
    long = long_pairs(ways, places, drawn, pair_columns(metrics_of(context))).set_index(
        ["origin_id", "site_id"]
    )
    return {
        str(metric): tuple(rows[end].unstack("site_id") for end in ("value", "low", "high"))  # noqa: PD010, RUF100
        for metric, rows in long.groupby("metric", sort=True)
    }


def survey_of(study: Study) -> pd.DataFrame | None:
    """Figures of the household survey, put together by site; its rows go no further than this."""
    if study.survey is None:
        return None
    chosen = study.settings.livelihood
    options = {name: chosen[name] for name in ("level", "smallest_cell", "draws", "seed")}
    return survey_capitals(
        study.survey, survey_items(study.survey, chosen.survey["items"]), **options
    )


def indicators_of(study: Study, surveyed: pd.DataFrame | None) -> pd.DataFrame | None:
    """Table of the figures that claims are compared with.

    It joins the aggregates and the figures of the household survey.
    """
    own = None if surveyed is None else as_indicators(surveyed, study.settings.livelihood.level)
    known = [frame for frame in (study.indicators, own) if frame is not None and len(frame)]
    return pd.concat(known, ignore_index=True) if known else study.indicators


def livelihood_of(
    study: Study, sites: gpd.GeoDataFrame, remote: pd.DataFrame, surveyed: pd.DataFrame | None
) -> pd.DataFrame:
    """Capitals, models, constraints, recommendations and standards.

    The figures of the survey are listed with the aggregates.
    """
    chosen = study.settings.livelihood
    return livelihood(
        sites,
        indicators=study.indicators,
        survey=surveyed,
        remoteness=remote,
        places=study.places,
        development=study.development,
        flows=study.flows,
        origins=study.origins,
        rivers=study.rivers,
        boundaries=study.boundaries,
        dem=study.dem,
        models=study.settings.models,
        constraints=chosen.constraints,
        checks=chosen.checks,
        standards=chosen.standards,
        level=chosen.level,
        smallest_cell=chosen.smallest_cell,
    )


def weighted_distances(remote: pd.DataFrame, sites: pd.Index) -> pd.DataFrame:
    """Mean, median and largest distance of each site's land at the origins, as columns.

    Each is given weighted and not weighted.
    """
    wanted = ("land_mean", "land_mean_unweighted", "land_median", "land_max")
    rows = remote[(remote["role"] == "site") & remote["indicator"].isin(wanted)]
    names = rows["indicator"] + "_" + rows["metric"] + "_" + rows["unit"]
    wide = rows.assign(column=names).pivot_table(
        index="id", columns="column", values="value", aggfunc="first"
    )
    return wide.reindex(sites).reindex(columns=sorted(wide.columns))
