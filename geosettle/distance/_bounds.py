"""The nearest sites by any metric: only pairs are measured that may be among them."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._inputs import LonLat
from geosettle.distance._metrics import matrix_of
from geosettle.distance._protocol import Asked, Context, Metric
from geosettle.distance._solver.geodesic_search import rank_in_group
from geosettle.distance.geodesic import nearest_geodesic

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
_SLACK_M = 1.0
"""Metres by which the distance of two areas may be off, rounded up."""


def nearest_by(
    metric: Metric,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    points: tuple[LonLat, LonLat] | None,
    context: Context,
    *,
    k: int | None,
    limit: float | None,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the k nearest sites of each origin, or all within a limit, by a metric.

    Parameters
    ----------
    metric
        The metric.
    origins, sites, points, k
        As for `geosettle.distance.geodesic.nearest_geodesic`.
    context
        Layers and options.
    limit
        Greatest value, km or h; None: none.

    Returns
    -------
    i, j, value
        Sorted by origin, then value, then position of the site.

    Notes
    -----
    The result is that of the full matrix. A metric with a proven bound is worth at least
    ``least * d`` for every pair at the geodesic distance d (`Metric.least`). Sites are measured by
    growing distance, twice as many in every round, until the k-th best value of an origin is below
    the bound of its next site; ties are kept, because "below" is strict.
    """
    most = np.inf if limit is None else limit
    fewer = context.asked.fewer
    if fewer is None:
        fewer = 0 if len(origins) < len(sites) else 1
    context = dataclasses.replace(context, asked=Asked(value_only=True, within=most, fewer=fewer))
    least = metric.least(context) if metric.least else 0.0
    if not least > 0:
        values = matrix_of(metric, origins, sites, context)
        i, j = np.nonzero(np.isfinite(values))
        return _best(i, j, values[i, j], k, most)
    reach = most / least * 1000 + _SLACK_M
    some, wanted, before = np.arange(len(origins)), 2 * (k or 0), 0
    i, j, value = np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    while some.size:
        ends = None if points is None else (_taken(points[0], some), points[1])
        number = wanted if k is not None and wanted < len(sites) else None
        a, b, metres = nearest_geodesic(origins.iloc[some], sites, ends, k=number, max_m=reach)
        fresh = rank_in_group(a) > before
        pairs = np.column_stack([some[a[fresh]], b[fresh]])
        found = metric.pairs(origins, sites, pairs, context)[metric.value].to_numpy(np.float64)
        known = np.isfinite(found)
        i, j = np.r_[i, pairs[known, 0]], np.r_[j, pairs[known, 1]]
        i, j, value = _best(i, j, np.r_[value, found[known]], k, most)
        if k is None or number is None:
            break
        # What is still to come is at least as far as the last site measured.
        last = np.flatnonzero(np.diff(a, append=-1))
        last = last[np.bincount(a, minlength=some.size)[a[last]] == number]
        worst = np.full(len(origins), np.inf)
        full = rank_in_group(i) == k
        worst[i[full]] = value[full]
        bound = least * np.maximum(metres[last] - _SLACK_M, 0) / 1000
        some = some[a[last]][bound <= np.minimum(worst[some[a[last]]], most)]
        wanted, before = 2 * wanted, wanted
    return i, j, value


def _taken(at: LonLat, rows: IntArray) -> LonLat:
    return at[0][rows], at[1][rows]


def _best(
    i: IntArray, j: IntArray, value: FloatArray, k: int | None, most: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Keep the k least values of each origin up to a limit, in order; ties by position."""
    order = np.lexsort((j, value, i))
    order = order[value[order] <= most]
    if k is not None:
        order = order[rank_in_group(i[order]) <= k]
    return i[order], j[order], value[order]
