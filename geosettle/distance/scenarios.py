"""Scenarios: the same pairs under different closures or speeds, side by side, and their differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance._protocol import Context, Metric
from geosettle.errors import InputError

__all__ = ["compare_scenarios"]


def compare_scenarios(
    metric: Metric,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    context: Context,
    *,
    scenarios: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> pd.DataFrame:
    """Measure pairs under several scenarios and compare each with the first.

    Parameters
    ----------
    metric
        An entry of METRICS; its `value` column is compared.
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`.
    scenarios
        Name to options per metric, which go before those of the context:
        ``{"open": {}, "winter": {"road": {"season": "winter"}}}``. The first is what the others are compared with.

    Returns
    -------
    DataFrame
        Long, one row per pair and scenario: `origin_id, site_id, scenario, metric, unit, value, baseline, change,
        change_share, effect, why`. `effect` is ``baseline``, ``same``, ``longer``, ``shorter``, ``lost`` (only the
        baseline has a value), ``gained`` (only the scenario has one) or ``unknown`` (neither has one).

    Raises
    ------
    InputError
        Fewer than two scenarios.
    """
    if len(scenarios) < 2:
        raise InputError("a comparison needs two scenarios or more", value=len(scenarios))
    frames: list[pd.DataFrame] = []
    baseline: NDArray[np.float64] | None = None
    for name, options in scenarios.items():
        merged = {m: {**context.options.get(m, {}), **options.get(m, {})} for m in {*context.options, *options}}
        found = metric.pairs(origins, sites, pairs, replace(context, options=merged))
        value = found[metric.value].to_numpy(dtype=np.float64)
        baseline = value if baseline is None else baseline
        change = value - baseline
        frames.append(
            pd.DataFrame(
                {
                    "origin_id": origins.index.to_numpy()[pairs[:, 0]],
                    "site_id": sites.index.to_numpy()[pairs[:, 1]],
                    "scenario": name,
                    "metric": metric.name,
                    "unit": metric.unit,
                    "value": value,
                    "baseline": baseline,
                    "change": change,
                    "change_share": np.divide(change, baseline, out=np.full_like(change, np.nan), where=baseline > 0),
                    "effect": "baseline" if not frames else _effect(value, baseline),
                    "why": found["why"].to_numpy(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _effect(value: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.str_]:
    """Say in a word what a scenario does to each pair; differences below a billionth are none."""
    here, there = np.isfinite(value), np.isfinite(baseline)
    same = np.isclose(value, baseline, rtol=1e-9, atol=0)
    conditions = [~here & ~there, ~here, ~there, same, value > baseline]
    return np.select(conditions, ["unknown", "lost", "gained", "same", "longer"], default="shorter")
