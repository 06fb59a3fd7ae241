"""What changed between origin and site; composites and how far weights change their ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.errors import UnknownNameError
from geosettle.reasons import join, join_rows, reason, rendered, word
from geosettle.remoteness import measures
from geosettle.remoteness._inputs import named
from geosettle.remoteness.indicators import INDICATORS, indicator_entry

FloatArray = NDArray[np.float64]

CHANGE_COLUMNS: Final = (
    "role", "id", "indicator", "kind", "limit", "limit_unit", "metric", "weighting", "at_origin",
    "at_site", "change", "low", "high", "unit", "n", "of", "households", "direction", "why",
)  # fmt: skip
"""Columns of the table of changes."""


@rendered
def change(
    found: pd.DataFrame, pairs: pd.DataFrame, study: Sequence[str] | None = None
) -> pd.DataFrame:
    """Each place indicator at the origin, at the site, and the difference.

    The difference is for the households that moved.

    The question of resettlement: World Bank ESS5 asks that displaced people end at least as well
    off as before. For each flow the difference is the site's value less the origin's, and its
    interval runs from the site's low less the origin's high to the site's high less the origin's
    low, whatever the two positions have in common. A site's change is the household-weighted mean
    over its flows; where households are unknown for one of several flows there is no weight, and
    the unweighted mean is given under `flows`.

    Parameters
    ----------
    found
        What `remoteness` gives (rows of roles `site` and `origin`).
    pairs
        By (origin_id, site_id), with `households` where known.
    study
        Sites that count for the study as a whole; default all.

    Returns
    -------
    DataFrame
        `CHANGE_COLUMNS`: `role` is site or study, `weighting` households or flows, `n` the flows
        used and `of` all of them. `direction` is `nearer`, `farther`, `more`, `fewer`, `as before`
        or `not distinguishable` (the interval holds 0, or there is none). Rows without a value only
        where another site has one.

    Examples
    --------
    >>> head = {
    ...     "indicator": "nearest_school",
    ...     "kind": "nearest",
    ...     "limit": "school",
    ...     "limit_unit": "",
    ...     "metric": "geodesic",
    ...     "unit": "km",
    ...     "why": "",
    ... }
    >>> found = pd.DataFrame([
    ...     {"role": "origin", "id": "O", "value": 30.0, "low": 28.0, "high": 32.0, **head},
    ...     {"role": "site", "id": "S", "value": 2.0, "low": 1.0, "high": 3.0, **head}])
    >>> pairs = pd.DataFrame({"origin_id": ["O"], "site_id": ["S"], "households": [10]})
    >>> print(
    ...     change(found, pairs)
    ...     .loc[[0], ["change", "low", "high", "direction"]]
    ...     .to_string(index=False)
    ... )
     change   low  high direction
      -28.0 -31.0 -25.0    nearer
    """
    keys = ["indicator", "metric"]
    of_change = [n for n in INDICATORS if INDICATORS[n].changes]
    rows = found[found["kind"].isin(of_change) & found["role"].isin(["site", "origin"])]
    about = rows.drop_duplicates(keys)[[*keys, "kind", "limit", "limit_unit", "unit"]]
    both = by_flow(rows, pairs)
    within = both if study is None else both[both["site_id"].isin(study)]
    frames = [
        _weigh(part, role, weighting, about)
        for role, part in (
            ("site", both.assign(id=both["site_id"])),
            ("study", within.assign(id="all")),
        )
        for weighting in ("households", "flows")
    ]
    out = pd.concat(frames, ignore_index=True)[list(CHANGE_COLUMNS)]
    return out.sort_values(
        ["role", "id", *keys, "weighting"], ignore_index=True, ascending=[True] * 4 + [False]
    )


def by_flow(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of both ends of every flow, side by side, and the difference.

    Parameters
    ----------
    rows
        Rows of `remoteness`, roles `site` and `origin`. An indicator without any value is left out.
    pairs
        By (origin_id, site_id), with `households` where known.

    Returns
    -------
    DataFrame
        `origin_id, site_id, households, indicator, metric`, `value, low, high, why` of the
        `_origin` and the `_site`, and `change, low, high`.
    """
    keys = ["indicator", "metric"]
    columns = ["id", *keys, "value", "low", "high", "why"]
    flows = pairs.reset_index() if "site_id" not in pairs else pairs
    flows = pd.DataFrame(
        {
            "origin_id": flows["origin_id"].astype(str),
            "site_id": flows["site_id"].astype(str),
            "households": numbers(flows, "households"),
        }
    )
    # An indicator that no place of the study has, has no change either: one row each would say
    # nothing.
    rows = rows[rows.groupby(keys)["value"].transform("count") > 0]
    at_site = rows.loc[rows["role"] == "site", columns].rename(columns={"id": "site_id"})
    at_origin = rows.loc[rows["role"] == "origin", columns].rename(columns={"id": "origin_id"})
    both = flows.merge(at_site, on="site_id").merge(
        at_origin, on=["origin_id", *keys], suffixes=("_site", "_origin"), how="left"
    )
    both["change"] = both["value_site"] - both["value_origin"]
    both["low"] = both["low_site"] - both["high_origin"]
    both["high"] = both["high_site"] - both["low_origin"]
    return both


def _weigh(both: pd.DataFrame, role: str, weighting: str, about: pd.DataFrame) -> pd.DataFrame:
    """Mean of the flows of each id, indicator and metric; NaN with a reason without weight."""
    group = both.groupby(["id", "indicator", "metric"], sort=True)
    head = group.agg(of=("change", "size"), n=("change", "count")).reset_index()
    head = head.merge(about, on=["indicator", "metric"], how="left")
    known = both["change"].notna().to_numpy()
    code, rows = group.ngroup().to_numpy()[known], both[known]
    size, n = len(head), head["n"].to_numpy()
    weight = np.ones(len(rows))
    if weighting == "households":
        weight = rows["households"].to_numpy(float)
    total = np.bincount(code, weight, minlength=size)
    unweighted = ~(total > 0) | (np.bincount(code, weight < 0, minlength=size) > 0)
    out = head.assign(role=role, weighting=weighting)
    for name, column in (
        ("at_origin", "value_origin"), ("at_site", "value_site"), ("change", "change"),
        ("low", "low"), ("high", "high"),
    ):  # fmt: skip
        summed = np.bincount(code, weight * rows[column].to_numpy(float), minlength=size)
        out[name] = np.divide(summed, total, out=np.full(size, np.nan), where=~unweighted)
    households = np.bincount(code, rows["households"].to_numpy(float), minlength=size)
    out["households"] = np.where(n > 0, households, np.nan)
    out["direction"] = [
        direction_of(i, *ends) for i, *ends in out[["kind", "change", "low", "high"]].to_numpy()
    ]
    why = np.array(
        [
            reason("change_left_out", some=int(all_ - some), of=int(all_)) if some < all_ else ""
            for some, all_ in zip(n, head["of"], strict=True)
        ],
        dtype=object,
    )
    why[unweighted] = reason("no_weight")
    why[n == 0] = reason("no_flow_both_ends")
    bare = (out["change"].notna() & (out["low"].isna() | out["high"].isna())).to_numpy()
    open_ends = np.where(bare, reason("no_interval_at_ends"), "")
    out["why"] = join_rows(why, open_ends)
    return out


def direction_of(kind: str, change: float, low: float, high: float) -> str:
    """Say which way an indicator changed, where its interval allows one."""
    if np.isnan(change):
        return ""
    if low == high == 0:
        return "as before"
    if np.isnan(low) or np.isnan(high) or low <= 0 <= high:
        return "not distinguishable"
    if INDICATORS[kind].more_is == "near":
        return "more" if low > 0 else "fewer"
    return "farther" if low > 0 else "nearer"


@rendered
def composite(
    values: pd.DataFrame,
    weights: Mapping[str, float],
    *,
    low: pd.DataFrame | None = None,
    high: pd.DataFrame | None = None,
    how: str = "minmax",
    steps: int = 20,
) -> pd.DataFrame:
    """Put indicators together by weights, and say how far its ranking depends on the weights.

    Parameters
    ----------
    values
        Ids x indicators; larger = more remote (turn the others round before).
    weights
        Indicator to weight; rescaled to add to 1, so their scale is irrelevant.
    low, high
        Intervals of the same shape, normalised with the centre and width of `values` (`rank` takes
        none).
    how
        Normalisation, see `geosettle.measures.normalise`.
    steps
        Lattice of weightings: multiples of 1/steps.

    Returns
    -------
    DataFrame
        By id: `score` and its `low, high` (the weighted sum of the ends), `rank`, `rank_low`,
        `rank_high` (over **all** weightings of the simplex and all values within the intervals: one
        plus the rows that always come before, and all but the rows that always come after),
        `lattice_low`, `lattice_high` (best and worst rank seen on the lattice), `first_share`
        (share of the lattice on which the id is first), `distinguishable` (False where no
        weighting-free place in the ranking exists), `why`.

    Raises
    ------
    ValueError
        A weight is negative, or all are 0.

    Examples
    --------
    >>> v = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [0.0, 2.0, 1.0]}, index=["x", "y", "z"])
    >>> composite(v, {"a": 1, "b": 1})[["score", "rank_low", "rank_high"]].values.tolist()
    [[0.0, 1.0, 1.0], [0.75, 2.0, 3.0], [0.75, 2.0, 3.0]]
    """
    names = list(weights)
    table = values[names].to_numpy(float)
    share = np.array([weights[n] for n in names], float)
    if not (share >= 0).all() or share.sum() <= 0:
        raise ValueError("weights must be 0 or more and not all 0")
    share = share / share.sum()
    scaled = measures.normalise(table, how)
    ends = [scaled, scaled]
    if low is not None and high is not None and how != "rank":
        ends = [_as_scaled(t[names].to_numpy(float), table, scaled) for t in (low, high)]
    before = measures.dominance(*ends)
    known = np.asarray(~np.isnan(scaled).any(axis=1), bool)
    score = np.where(known, np.where(known[:, None], scaled, 0) @ share, np.nan)
    lattice = measures.simplex_ranks(scaled, steps=steps)
    out = pd.DataFrame(index=values.index)
    out["score"] = score
    # Interval ends are on the scale of the values, so the score's ends are the same weighted sum of
    # them.
    out["low"], out["high"] = (np.where(known, end @ share, np.nan) for end in ends)
    out["rank"] = pd.Series(score, index=values.index).round(12).rank(method="min")
    out["rank_low"] = np.where(known, 1 + before.sum(axis=0), np.nan)
    out["rank_high"] = np.where(known, known.sum() - before.sum(axis=1), np.nan)
    out["lattice_low"], out["lattice_high"] = lattice.min(axis=0), lattice.max(axis=0)
    out["first_share"] = np.where(known, (lattice == 1).mean(axis=0), np.nan)
    out["distinguishable"] = (out["rank_low"] == out["rank_high"]) & known
    out["why"] = np.where(
        known,
        np.where(out["distinguishable"], "", reason("not_distinguishable")),
        reason("indicator_missing"),
    )
    return out


def composite_rows(
    found: pd.DataFrame, weights: Mapping[str, float], metric: str, how: str
) -> pd.DataFrame:
    """Give the composite of the sites as rows of the long table, ranked over all weightings.

    Parameters
    ----------
    found
        Long table with the indicators named.
    weights
        Indicator (as its rows are named) to weight; those where more means nearer are turned round.
    metric, how
        Metric whose rows are taken; normalisation.

    Returns
    -------
    DataFrame
        Indicator `composite`, with `rank_low, rank_high`.
    """
    rows = found[
        (found["role"] == "site")
        & (found["metric"] == metric)
        & found["indicator"].isin(list(weights))
    ]
    tables = {
        c: rows.pivot(index="id", columns="indicator", values=c) for c in ("value", "low", "high")
    }
    for name in weights:
        entry = indicator_entry(name)
        if name not in tables["value"]:
            if entry is None:
                raise UnknownNameError(
                    f"the composite names {name!r}, which no site has under the metric {metric}"
                )
            for table in tables.values():  # an indicator whose layer the study lacks
                table[name] = np.nan
        if entry is not None and entry.more_is == "near":
            ends = -tables["high"][name], -tables["low"][name]
            tables["value"][name] = -tables["value"][name]
            tables["low"][name], tables["high"][name] = ends
    low, high = (tables[c].fillna(tables["value"]) for c in ("low", "high"))
    made = composite(tables["value"], weights, low=low, high=high, how=how)
    missing = join(
        *(
            reason("weight", indicator=word("ind", name), weight=float(weights[name]))
            for name in weights
        )
    )
    why = [
        w if np.isnan(s) else join(w, missing)
        for w, s in zip(made["why"], made["score"], strict=True)
    ]
    head = {"role": "site", "id": made.index.to_numpy(), **named("composite"), "metric": metric}
    tail = {
        "unit": "weighted_sum",
        "n": len(weights),
        "of": len(weights),
        "weighting": "",
        "why": why,
    }
    columns = {
        "score": "value",
        "low": "low",
        "high": "high",
        "rank_low": "rank_low",
        "rank_high": "rank_high",
    }
    return pd.DataFrame(head | {new: made[old].to_numpy() for old, new in columns.items()} | tail)


def _as_scaled(ends: FloatArray, table: FloatArray, scaled: FloatArray) -> FloatArray:
    """Put interval ends on the scale that the values got.

    The scale is linear, so two rows of a column give it.
    """
    out = np.full(ends.shape, np.nan)
    for k in range(table.shape[1]):
        known = np.flatnonzero(~np.isnan(scaled[:, k]))
        if len(known) and np.ptp(table[known, k]) > 0:
            i, j = known[np.argmin(table[known, k])], known[np.argmax(table[known, k])]
            slope = (scaled[j, k] - scaled[i, k]) / (table[j, k] - table[i, k])
            out[:, k] = scaled[i, k] + slope * (ends[:, k] - table[i, k])
    return out
