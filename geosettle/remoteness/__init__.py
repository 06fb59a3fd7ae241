"""How remote is each settlement, and how did that change for the households that moved.

Three questions, each answered per site, per origin and for the whole study: how far is the land
that households still hold (from the pairs), what is within reach (from the places), and what
changed between origin and site. One indicator is one entry in `INDICATORS`. Scores that need a mean
or a spread are relative to the study and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.distance import distance_matrix
from geosettle.errors import UnknownNameError
from geosettle.reasons import rendered
from geosettle.remoteness import measures
from geosettle.remoteness._inputs import (
    COLUMNS,
    PAIR_COLUMNS,
    Indicator,
    Inputs,
    PlaceTables,
    long_pairs,
    stack,
)
from geosettle.remoteness.change import CHANGE_COLUMNS, change, composite, composite_rows
from geosettle.remoteness.indicators import INDICATORS
from geosettle.settings import DEFAULTS, RemotenessOptions, check

__all__ = [
    "CHANGE_COLUMNS",
    "COLUMNS",
    "INDICATORS",
    "Indicator",
    "Inputs",
    "change",
    "composite",
    "remoteness",
]


@rendered
def remoteness(
    pairs: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    origins: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame | None = None,
    *,
    intervals: pd.DataFrame | None = None,
    metrics: Sequence[str] = (),
    site_places: Mapping[str, PlaceTables] | None = None,
    origin_places: Mapping[str, PlaceTables] | None = None,
    indicators: Sequence[str] | None = None,
    thresholds_km: Sequence[float] = DEFAULTS.remoteness.thresholds_km,
    thresholds_h: Sequence[float] = DEFAULTS.remoteness.thresholds_h,
    farming_radius_km: Mapping[str, float] = MappingProxyType({}),
    trips_per_year: float = DEFAULTS.remoteness.trips_per_year,
    kinds: Sequence[str] = DEFAULTS.services.kinds,
    groups: Mapping[str, Sequence[str]] = MappingProxyType({}),
    minutes: Sequence[float] = DEFAULTS.services.minutes,
    reach_km: Sequence[float] = DEFAULTS.services.reach_km,
    ladder: Sequence[str] = DEFAULTS.services.ladder,
    higher_serves: bool = DEFAULTS.services.higher_serves,
    aria_cap: float = DEFAULTS.services.aria_cap,
    gravity_reach_km: float = DEFAULTS.services.gravity_reach_km,
    gravity_floor_km: float = DEFAULTS.services.gravity_floor_km,
    gravity_reach_h: float = DEFAULTS.services.gravity_reach_h,
    gravity_floor_h: float = DEFAULTS.services.gravity_floor_h,
    demand: str = DEFAULTS.services.demand,
    catchment_reach_km: float = DEFAULTS.services.catchment_reach_km,
    catchment_reach_h: float = DEFAULTS.services.catchment_reach_h,
    roads: pd.DataFrame | None = None,
    rural_access_km: float = DEFAULTS.services.rural_access_km,
    composite_weights: Mapping[str, float] = MappingProxyType({}),
    composite_metric: str = DEFAULTS.remoteness.composite_metric,
    composite_how: str = DEFAULTS.remoteness.composite_how,
) -> pd.DataFrame:
    """Every indicator for every site, every origin and the study, with interval, ranks and reasons.

    Parameters
    ----------
    pairs
        By (origin_id, site_id), the columns of pairs.csv.
    sites, origins
        By `site_id` and `origin_id`, WGS84; `uncertainty_km` as given (missing counts as 0).
    places
        By `place_id`, with `kind` and, where known, `population`; None: nothing about access is
        computed.
    intervals
        Long intervals of distances (`origin_id, site_id, metric, low, high`) for the metrics whose
        pairs carry none, of whatever metric; `walk` there, `walk_back` and `walk_round` for one
        that differs by way.
    metrics
        Names of metrics, and `road_time` for the hours by road; those that the pairs do not have
        are left out. Empty: every metric that the pairs have.
    site_places, origin_places
        Metric to a table point x place in the metric's unit, for other metrics than the geodesic
        one; or to three such tables, of values, least and greatest. A place that a table does not
        have was not asked for.
    indicators
        Names in INDICATORS; default all.
    thresholds_km, thresholds_h
        Limits for `land_beyond`, km and h.
    farming_radius_km
        Mode to radius, km; empty: no multiples of a radius.
    trips_per_year
        Round trips a year for `land_hours_year`.
    kinds
        Kinds of place for `nearest`; empty: those in `places`.
    groups
        Name to kinds of place that serve alike, for `nearest` too: a capital also serves as a
        district seat.
    minutes, reach_km
        Limits for `places_within`, minutes for metrics in hours and km for those in km.
    ladder, higher_serves
        Kinds of centre from high to low for `aria_style` (empty: none), and whether a higher centre
        serves for the lower classes (a choice of the user: that ARIA does so was not confirmed by a
        second source).
    aria_cap, gravity_reach_km, gravity_floor_km, gravity_reach_h, gravity_floor_h
        See `geosettle.remoteness.measures`.
    demand, catchment_reach_km, catchment_reach_h
        Column of the sites that counts as demand, and the reach, for `catchment`; the places'
        `supply` is the supply.
    roads, rural_access_km
        Roads as lines, and the limit, for `rural_access`; None leaves it out.
    composite_weights, composite_metric, composite_how
        Indicator (as its rows are named) to weight, for the composite of the sites; empty: none.
        See `composite`.

    Returns
    -------
    DataFrame
        Long, `COLUMNS`; roles `site`, `origin` and `study` (id `all`; sites whose `scope` is not
        `study` left out). Intervals are bounds: they take every flow at its low end at once, and at
        its high end; the ends of a flow are the bounds that its positions allow, or those of its
        drawn interval, widened to what is stated. Ranks are among the ids of one role, indicator
        and metric, 1 = smallest value; equal best and worst rank only where the intervals separate.
        `n` of `of` flows have a distance: where some have none there is no rank, share or Gini.
        `weighting` says what a mean is weighted by. An indicator for which a role has no flow or
        place at all is left out, unless `indicators` names it.

    Raises
    ------
    UnknownNameError
        For a metric or indicator without such a name.

    Examples
    --------
    >>> at, crs = gpd.points_from_xy, "EPSG:4326"
    >>> sites = gpd.GeoDataFrame(
    ...     geometry=at([76], [39]), index=pd.Index(["A"], name="site_id"), crs=crs
    ... )
    >>> origins = gpd.GeoDataFrame(
    ...     geometry=at([76, 77], [38, 38]), index=pd.Index(["o1", "o2"]), crs=crs
    ... )
    >>> pairs = pd.DataFrame(
    ...     {
    ...         "origin_id": ["o1", "o2"],
    ...         "site_id": ["A", "A"],
    ...         "households": [1, 3],
    ...         "geodesic_km": [10.0, 30.0],
    ...         "geodesic_low_km": [8.0, 25.0],
    ...         "geodesic_high_km": [12.0, 35.0],
    ...     }
    ... )
    >>> pairs = pairs.set_index(["origin_id", "site_id"])
    >>> found = remoteness(pairs, sites, origins, indicators=["land_mean", "land_max"])
    >>> found.loc[found["role"] == "site", ["indicator", "value", "low", "high", "unit"]]
       indicator  value    low   high unit
    4   land_max   30.0  25.00  35.00   km
    5  land_mean   25.0  20.75  29.25   km
    """
    check(
        RemotenessOptions,
        thresholds_km=thresholds_km,
        thresholds_h=thresholds_h,
        farming_radius_km=farming_radius_km,
        composite_how=composite_how,
    )
    for name in metrics:
        if name not in PAIR_COLUMNS:
            raise UnknownNameError(
                f"no metric {name!r}", mend=f"Use some of {', '.join(PAIR_COLUMNS)}."
            )
    for name in indicators or ():
        if name not in INDICATORS:
            raise UnknownNameError(
                f"no indicator {name!r}", mend=f"Use some of {', '.join(INDICATORS)}."
            )
    present = list(kinds) or sorted(set(_string_kinds(places)))
    options = {
        "thresholds_km": thresholds_km, "thresholds_h": thresholds_h,
        "farming_radius_km": farming_radius_km, "trips_per_year": trips_per_year, "kinds": present,
        "groups": groups, "minutes": minutes, "reach_km": reach_km, "ladder": ladder,
        "higher_serves": higher_serves, "aria_cap": aria_cap, "gravity_reach_km": gravity_reach_km,
        "gravity_floor_km": gravity_floor_km, "gravity_reach_h": gravity_reach_h,
        "gravity_floor_h": gravity_floor_h, "demand": demand,
        "catchment_reach_km": catchment_reach_km, "catchment_reach_h": catchment_reach_h,
        "roads": roads, "rural_access_km": rural_access_km,
    }  # fmt: skip
    points = {"site": sites.sort_index(), "origin": origins.sort_index()}
    nearby: dict[tuple[str, str], PlaceTables] = {}
    if places is not None and len(places):
        places = places.sort_index()
        for role, tables in (("site", site_places), ("origin", origin_places)):
            nearby[role, "geodesic"] = distance_matrix(points[role], places)
            for metric, table in (tables or {}).items():
                nearby[role, metric] = table
    inputs = Inputs(long_pairs(pairs, sites, intervals, metrics), points, nearby, places, options)
    wanted = [INDICATORS[name] for name in (indicators or INDICATORS)]
    found = stack([_with_kind(i, i.function(inputs)) for i in wanted])
    if indicators is None:
        found = _with_evidence(found)
    ranked = _ranked(found)
    if composite_weights:
        extra = composite_rows(ranked, composite_weights, composite_metric, composite_how)
        ranked = stack([ranked, extra]).sort_values(
            ["role", "indicator", "metric", "id"], ignore_index=True
        )
    return ranked[list(COLUMNS)]


def _with_kind(indicator: Indicator, rows: pd.DataFrame) -> pd.DataFrame:
    """Name the kind after the indicator where its function makes one kind only and names none."""
    return rows if "kind" in rows else rows.assign(kind=indicator.name)


def _with_evidence(found: pd.DataFrame) -> pd.DataFrame:
    """Leave out what has no flow and no place for any id of a role.

    What was asked for by name stays.
    """
    most = found.groupby(["role", "indicator", "metric"])["n"].transform("max")
    return found[most > 0]


def _string_kinds(places: gpd.GeoDataFrame | None) -> list[str]:
    return [] if places is None else places["kind"].dropna().astype(str).tolist()


def _ranked(found: pd.DataFrame) -> pd.DataFrame:
    """Ranks within role, indicator and metric; rows in a fixed order."""
    out = found.reset_index(drop=True)
    out["rank_low"], out["rank_high"] = np.nan, np.nan
    # A mean over some of the flows is no rival of a mean over all of them, nor is a bound alone.
    ranked = out[(out["role"] != "study") & ~(out["n"] < out["of"]) & out["value"].notna()]
    for part in ranked.groupby(["role", "indicator", "metric"], sort=False).groups.values():
        rows = np.asarray(part)
        low, high = out["low"].to_numpy(float)[rows], out["high"].to_numpy(float)[rows]
        best, worst = measures.rank_range(low, high)
        out.loc[rows, "rank_low"], out.loc[rows, "rank_high"] = best, worst
    out = out.sort_values(["role", "indicator", "metric", "id"], ignore_index=True)
    return out[list(COLUMNS)]
