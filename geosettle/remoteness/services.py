"""Services before and after: what is nearest at the origin and at the site, for those who moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from geosettle.reasons import at, join_rows, reason, rendered
from geosettle.remoteness.change import by_flow, direction_of
from geosettle.remoteness.measures import weighted_quantile

SERVICES: Final = (
    "school", "kindergarten", "clinic", "hospital", "health_post", "doctors", "pharmacy", "market",
    "marketplace", "water_point", "drinking_water",
)  # fmt: skip
"""Kinds of place that are compared unless a study names others."""
MOVE_COLUMNS: Final = (
    "origin_id", "site_id", "service", "metric", "unit", "households", "before", "after", "change",
    "low", "high", "direction", "why",
)  # fmt: skip
"""Columns of the table of services by move."""
SERVICE_COLUMNS: Final = (
    "service", "metric", "unit", "weighting", "n", "of", "nearer_n", "farther_n", "as_before_n",
    "not_distinguishable_n", "unknown_n", "before", "after", "change", "low", "high", "why",
)  # fmt: skip
"""Columns of the table of services."""
_DIRECTIONS: Final = ("nearer", "farther", "as before", "not distinguishable")


@rendered
def service_moves(
    found: pd.DataFrame, pairs: pd.DataFrame, kinds: Sequence[str] = SERVICES
) -> pd.DataFrame:
    """How far the nearest service of each kind is at the origin and at the site of every move.

    Parameters
    ----------
    found
        What `remoteness` gives (rows of the kind `nearest`, roles `site` and `origin`).
    pairs
        By (origin_id, site_id), with `households` where known.
    kinds
        Kinds of place that are services; "road" too where `found` has rows of it.

    Returns
    -------
    DataFrame
        `MOVE_COLUMNS`, one row per move, service and metric: `before` at the origin, `after` at the
        site, `change` (after less before) with `low` and `high`: from the site's low less the
        origin's high to the site's high less the origin's low, whatever both have in common.
        `direction` is nearer, farther, as before or not distinguishable (the interval holds 0, or
        there is none). Services that no place of the study has are left out.

    Examples
    --------
    >>> head = {"indicator": "nearest_school", "kind": "nearest", "limit": "school"}
    >>> head |= {"limit_unit": "", "metric": "geodesic", "unit": "km", "why": ""}
    >>> found = pd.DataFrame([
    ...     {"role": "origin", "id": "O", "value": 9.0, "low": 8.0, "high": 10.0, **head},
    ...     {"role": "site", "id": "S", "value": 2.0, "low": 1.0, "high": 3.0, **head}])
    >>> pairs = pd.DataFrame({"origin_id": ["O"], "site_id": ["S"], "households": [10]})
    >>> service_moves(found, pairs)[["service", "change", "low", "high", "direction"]]
      service  change  low  high direction
    0  school    -7.0 -9.0  -5.0    nearer
    """
    rows = found[(found["kind"] == "nearest") & found["limit"].isin([*kinds, "road"])]
    both = by_flow(rows, pairs)
    if both.empty:
        return pd.DataFrame(columns=list(MOVE_COLUMNS))
    about = rows.drop_duplicates(["indicator", "metric"])
    about = about[["indicator", "metric", "limit", "unit"]].rename(columns={"limit": "service"})
    both = both.merge(about, on=["indicator", "metric"])
    both = both.rename(columns={"value_origin": "before", "value_site": "after"})
    ends = both[["change", "low", "high"]].to_numpy()
    both["direction"] = [direction_of("nearest", *row) for row in ends]
    reasons = [
        [at(text, end) if isinstance(text, str) else "" for text in both[f"why_{end}"]]
        for end in ("origin", "site")
    ]
    both["why"] = pd.Series(join_rows(*reasons), index=both.index, dtype="str")
    order = ["service", "metric", "origin_id", "site_id"]
    return both[list(MOVE_COLUMNS)].sort_values(order, kind="stable", ignore_index=True)


@rendered
def services(moves: pd.DataFrame, study: Sequence[str] | None = None) -> pd.DataFrame:
    """For how many households each service is nearer, farther, or neither, and by how much.

    The table that World Bank ESS5 asks for: whether displaced households reach services at least as
    well as before.

    Parameters
    ----------
    moves
        What `service_moves` gives.
    study
        Sites that count; default all.

    Returns
    -------
    DataFrame
        `SERVICE_COLUMNS`, one row per service and metric. `weighting` says what is counted:
        households, or flows (each move once) where the households of a move are unknown. `n` of
        `of` have both distances; `nearer_n`, `farther_n`, `as_before_n`, `not_distinguishable_n`
        and `unknown_n` sum to `of`. `before`, `after` and `change` are medians over the
        households; `low` and `high` those of the ends of the intervals.

    Examples
    --------
    >>> row = {"origin_id": "O", "service": "school", "metric": "geodesic", "unit": "km"}
    >>> row |= {"before": 9.0, "after": 2.0, "change": -7.0, "low": -9.0, "high": -5.0, "why": ""}
    >>> moves = pd.DataFrame([
    ...     row | {"site_id": "S", "households": 10.0, "direction": "nearer"},
    ...     row | {"site_id": "T", "households": 30.0, "direction": "not distinguishable"}])
    >>> services(moves)[["service", "of", "nearer_n", "not_distinguishable_n", "change"]]
      service    of  nearer_n  not_distinguishable_n  change
    0  school  40.0      10.0                   30.0    -7.0
    """
    moves = moves if study is None else moves[moves["site_id"].isin(study)]
    out = [
        {"service": service, "metric": metric, "unit": part["unit"].iloc[0], **_summed(part)}
        for (service, metric), part in moves.groupby(["service", "metric"], sort=True)
    ]
    return pd.DataFrame(out, columns=list(SERVICE_COLUMNS))


def _summed(part: pd.DataFrame) -> dict[str, object]:
    """Count the households of a service by direction, and take medians."""
    households = part["households"].to_numpy(dtype=float)
    weighed = bool(np.isfinite(households).all() and households.sum() > 0)
    weight = households if weighed else np.ones(len(part))
    directions = part["direction"].to_numpy(dtype=object)
    counts = {
        f"{name.replace(' ', '_')}_n": float(weight[directions == name].sum())
        for name in _DIRECTIONS
    }
    both = part["change"].notna().to_numpy()
    ranged = both & part[["low", "high"]].notna().all(axis=1).to_numpy()
    some, every = int(both.sum()), len(part)
    why = [
        "" if weighed else reason("no_weight"),
        reason("change_left_out", some=every - some, of=every) if some < every else "",
        reason("no_interval_at_ends") if some and not ranged.all() else "",
    ]
    medians = {
        name: _median(part[name].to_numpy(dtype=float), weight, known)
        for names, known in ((("before", "after", "change"), both), (("low", "high"), ranged))
        for name in names
    }
    if not ranged[both].all():  # ends of some moves only are no interval of all
        medians |= {"low": np.nan, "high": np.nan}
    return {
        "weighting": "households" if weighed else "flows",
        "n": float(weight[both].sum()),
        "of": float(weight.sum()),
        **counts,
        "unknown_n": float(weight[~both].sum()),
        **medians,
        "why": join_rows(*[[text] for text in why])[0],
    }


def _median(values: np.ndarray, weight: np.ndarray, known: np.ndarray) -> float:
    if not (weight[known] > 0).any():
        return np.nan
    return float(weighted_quantile(values[known], weight[known], 0.5)[0])
