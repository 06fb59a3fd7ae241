"""How remote is each settlement, and how did that change for the households that moved.

Three questions, each answered per site, per origin and for the whole study: how far is the land
that households still hold (from the pairs), what is within reach (from the places), and what
changed between origin and site. One indicator is one entry in `INDICATORS`. Scores that need a mean
or a spread are relative to the study and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.distance import METRICS, Metric, distance_matrix
from geosettle.errors import InputError, UnknownNameError
from geosettle.reasons import rendered
from geosettle.remoteness import measures
from geosettle.remoteness._inputs import (
    COLUMNS,
    Indicator,
    Inputs,
    PlaceTables,
    long_pairs,
    pair_columns,
    stack,
)
from geosettle.remoteness.change import CHANGE_COLUMNS, change, composite, composite_rows
from geosettle.remoteness.indicators import INDICATORS
from geosettle.remoteness.services import SERVICES, service_moves, services
from geosettle.settings import DEFAULTS, Settings
from geosettle.settings.options import nearest

__all__ = [
    "CHANGE_COLUMNS",
    "COLUMNS",
    "INDICATORS",
    "SERVICES",
    "Indicator",
    "Inputs",
    "change",
    "composite",
    "remoteness",
    "service_moves",
    "services",
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
    roads: pd.DataFrame | None = None,
    known: Mapping[str, Metric] = METRICS,
    settings: Settings = DEFAULTS,
    draws: Mapping[str, pd.DataFrame] | None = None,
    **stated: Any,
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
    roads
        Roads as lines, for `rural_access`; None leaves it out.
    known
        What the names of metrics mean.
    settings
        Settings of a study, of which the tables `remoteness` and `services` are used.
    draws
        Metric to drawn distances by (origin_id, site_id), a column for each draw: ranks of means,
        medians and largest distances are then from the paired differences of the draws.
    **stated
        Settings of these two tables by name, which go before them: `thresholds_km=[5, 50]`. See
        `geosettle.settings.RemotenessOptions` and `geosettle.settings.ServiceOptions`.

    Returns
    -------
    DataFrame
        Long, `COLUMNS`; roles `site`, `origin` and `study` (id `all`; sites whose `scope` is not
        `study` left out). Intervals are bounds: they take every flow at its low end at once, and at
        its high end; the ends of a flow are the bounds that its positions allow, or those of its
        drawn interval, widened to what is stated. Ranks are among the ids of one role, indicator
        and metric, 1 = smallest value; equal best and worst rank only where the intervals, or the
        paired draws, separate.
        `n` of `of` flows have a distance: where some have none there is no rank, share or Gini.
        `weighting` says what a mean is weighted by. An indicator for which a role has no flow or
        place at all is left out, unless `indicators` names it.

    Raises
    ------
    UnknownNameError
        For a metric or indicator without such a name.
    InputError
        A setting has a value that it cannot have, or there is no setting of a name.

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
    columns = pair_columns(known)
    for what, names, there_are in (
        ("metric", metrics, columns),
        ("indicator", indicators or (), INDICATORS),
    ):
        for name in names:
            if name not in there_are:
                raise UnknownNameError(
                    f"no {what} {name!r}", mend=f"Use some of {', '.join(there_are)}."
                )
    options = _options(settings, stated)
    options["kinds"] = list(options["kinds"]) or sorted(set(_string_kinds(places)))
    options["roads"] = roads
    points = {"site": sites.sort_index(), "origin": origins.sort_index()}
    nearby: dict[tuple[str, str], PlaceTables] = {}
    if places is not None and len(places):
        places = places.sort_index()
        for role, tables in (("site", site_places), ("origin", origin_places)):
            nearby[role, "geodesic"] = distance_matrix(points[role], places)
            for metric, table in (tables or {}).items():
                nearby[role, metric] = table
    measured = long_pairs(pairs, sites, intervals, {m: columns[m] for m in metrics or columns})
    units = {name: unit for name, (_, _, unit) in columns.items()}
    level = settings.distance.level
    inputs = Inputs(measured, points, nearby, places, options, units, draws or {}, level)
    wanted = [INDICATORS[name] for name in (indicators or INDICATORS)]
    found = stack([_with_kind(i, i.function(inputs)) for i in wanted])
    if indicators is None:
        found = _with_evidence(found)
    ranked = _ranked(found)
    weights, by, how = (options[f"composite_{part}"] for part in ("weights", "metric", "how"))
    if weights:
        extra = composite_rows(ranked, weights, by, how)
        ranked = stack([ranked, extra]).sort_values(
            ["role", "indicator", "metric", "id"], ignore_index=True
        )
    return ranked[list(COLUMNS)]


def _options(settings: Settings, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of remoteness and services, with what is stated by name."""
    found: dict[str, Any] = {}
    for table in (settings.services, settings.remoteness):
        own = {name: stated[name] for name in dict(table) if name in stated}
        found |= dict(replace(table, **own))
    for name in stated:
        if name not in found:
            mend = f"Settings are: {', '.join(found)}."
            raise InputError(f"there is no setting {name}{nearest(name, found)}", mend=mend)
    return found


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
    ends = ["rank_low", "rank_high"]
    out = found.reset_index(drop=True).reindex(columns=list(COLUMNS))
    out[ends] = out[ends].astype(float)
    # A mean over some of the flows is no rival of a mean over all of them, nor is a bound alone.
    ranked = out[(out["role"] != "study") & ~(out["n"] < out["of"]) & out["value"].notna()]
    for part in ranked.groupby(["role", "indicator", "metric"], sort=False).groups.values():
        rows = np.asarray(part)
        if out.loc[rows, "rank_low"].notna().all():
            continue  # from draws
        low, high = out["low"].to_numpy(float)[rows], out["high"].to_numpy(float)[rows]
        best, worst = measures.rank_range(low, high)
        out.loc[rows, "rank_low"], out.loc[rows, "rank_high"] = best, worst
    out = out.sort_values(["role", "indicator", "metric", "id"], ignore_index=True)
    return out[list(COLUMNS)]
