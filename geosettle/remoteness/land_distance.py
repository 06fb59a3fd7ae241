"""Indicators of the distance to the land left, per site, per origin and for the study.

They come from the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance import rank_intervals
from geosettle.reasons import join, reason, word
from geosettle.remoteness import measures
from geosettle.remoteness._inputs import Inputs, named, stack

FloatArray = NDArray[np.float64]
_RANKED_DRAWS: Final = 200


@dataclass(frozen=True, eq=False)
class _Groups:
    """The pairs of one metric, grouped by site, by origin or all together."""

    role: str
    metric: str
    unit: str
    ids: NDArray[Any]
    rows: pd.DataFrame
    """Pairs whose distance is known, with `group` (position in `ids`)."""
    n: NDArray[np.int64]
    missing: NDArray[np.int64]
    unweighted: NDArray[np.bool_]
    """Groups of which one or more known pairs have no households: there is no weight to use."""
    columns: Sequence[Any] = ("value", "low", "high")
    """Columns of `rows` that measures are taken of."""

    @property
    def of(self) -> NDArray[np.int64]:
        """Pairs of each group, with and without a distance."""
        return self.n + self.missing

    def weights(self) -> FloatArray:
        """Households of each row.

        1 where they are unknown and the group is a single pair, for there the weight cancels.
        """
        households = self.rows["households"].to_numpy(float)
        alone = (self.of == 1)[self.rows["group"].to_numpy()]
        return np.where(alone & ~(households > 0), 1.0, households)

    def frame(
        self,
        kind: str,
        values: Sequence[FloatArray],
        *,
        weighted: bool,
        unit: str = "",
        limit: tuple[str, str] = ("", ""),
        whole: bool = False,
    ) -> pd.DataFrame:
        """Rows of the long table from value, low and high per group.

        `whole`: the measure describes all flows together, so that a group of which some have no
        distance has no value.
        """
        alone = self.of == 1
        unweighted = self.unweighted & ~alone if weighted else np.zeros(len(self.ids), bool)
        partial = (self.missing > 0) & whole
        blank = (self.n == 0) | unweighted | partial
        value, low, high = (np.where(blank, np.nan, v) for v in values)
        households = weighted & ~self.unweighted
        return pd.DataFrame(
            {
                "role": self.role,
                "id": self.ids,
                **named(kind, *limit),
                "metric": self.metric,
                "value": value,
                "low": low,
                "high": high,
                "unit": unit or self.unit,
                "n": self.n,
                "of": self.of,
                "weighting": np.where(households, "households", "flows"),
                "why": _pair_reasons(self, value, low, unweighted, partial),
            }
        )


def _pair_reasons(
    group: _Groups,
    value: FloatArray,
    low: FloatArray,
    unweighted: NDArray[np.bool_],
    partial: NDArray[np.bool_],
) -> list[str]:
    out = []
    metric = word("metric", str(group.metric))
    for i in range(len(group.ids)):
        parts = []
        if group.n[i] == 0:
            parts.append(reason("no_flow_distance", metric=metric))
        elif partial[i]:
            parts.append(reason("some_flows_only", some=int(group.n[i]), of=int(group.of[i])))
        elif unweighted[i]:
            parts.append(reason("no_weight"))
        elif group.missing[i]:
            parts.append(reason("flows_left_out", some=int(group.missing[i]), of=int(group.of[i])))
        if not np.isnan(value[i]) and np.isnan(low[i]):
            parts.append(reason("no_interval_of", metric=metric))
        out.append(join(*parts))
    return out


def _groups(inputs: Inputs) -> list[_Groups]:
    out = []
    for metric, every in inputs.pairs.groupby("metric", sort=False):
        for role in ("site", "origin", "study"):
            part = every[every["in_study"]] if role == "study" else every
            if part.empty:
                continue
            keys = pd.Series("all", index=part.index) if role == "study" else part[f"{role}_id"]
            ids = np.sort(keys.unique())
            group = np.searchsorted(ids, keys.to_numpy())
            known = part["value"].notna().to_numpy()
            n = np.bincount(group[known], minlength=len(ids))
            households = part["households"].to_numpy(float)[known]
            no_weight = np.bincount(group[known][~(households >= 0)], minlength=len(ids)) > 0
            empty = np.bincount(group[known], np.nan_to_num(households), minlength=len(ids)) <= 0
            rows = part[known].assign(group=group[known])
            missing = np.bincount(group[~known], minlength=len(ids))
            unit = str(part["unit"].iloc[0])
            out.append(
                _Groups(
                    role, str(metric), unit, ids, rows, n, missing, (no_weight | empty) & (n > 0)
                )
            )
    return out


def _of_each(group: _Groups, measure: Callable[[FloatArray], FloatArray]) -> list[FloatArray]:
    """Take a measure of the distances, of their lows and highs, or of each of their draws.

    The measure rises with every distance.
    """
    return [measure(group.rows[c].to_numpy(float)) for c in group.columns]


def mean(group: _Groups, weights: FloatArray) -> list[FloatArray]:
    """Take the weighted mean of each group, and of its lows and highs."""
    g, size = group.rows["group"].to_numpy(), len(group.ids)
    total = np.bincount(g, weights, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _of_each(group, lambda v: np.bincount(g, weights * v, minlength=size) / total)


def quantile(group: _Groups, weights: FloatArray, q: float) -> list[FloatArray]:
    """Take the weighted quantile of each group, and of its lows and highs."""
    g, size = group.rows["group"].to_numpy(), len(group.ids)

    def measure(v: FloatArray) -> FloatArray:
        out = np.full(size, np.nan)
        # One missing end leaves the group's interval unknown; a missing weight is masked by the
        # caller.
        holes = np.bincount(g, np.isnan(v), minlength=size) > 0
        keep = ~holes[g]
        found = measures.weighted_quantile(v[keep], np.nan_to_num(weights[keep]), q, g[keep])
        out[: len(found)] = found
        return out

    return _of_each(group, measure)


def each(
    name: str, measure: Callable[[_Groups, FloatArray], list[FloatArray]], *, weighted: bool
) -> Callable[[Inputs], pd.DataFrame]:
    """Make an indicator function: the measure for every role and metric."""

    def function(inputs: Inputs) -> pd.DataFrame:
        frames = []
        for group in _groups(inputs):
            weights = group.weights() if weighted else np.ones(len(group.rows))
            frame = group.frame(name, measure(group, weights), weighted=weighted)
            drawn = inputs.draws.get(group.metric)
            if drawn is not None and group.role != "study":
                values = np.array(measure(_drawn(group, drawn), weights)).T
                known = (frame["value"].notna() & (frame["n"] == frame["of"])).to_numpy()
                frame = frame.assign(**_ranks(values, known, inputs.level))
            frames.append(frame)
        return stack(frames)

    return function


def _drawn(group: _Groups, draws: pd.DataFrame) -> _Groups:
    """Give the groups with the draws of every pair in the place of its value and ends."""
    pairs = pd.MultiIndex.from_frame(group.rows[["origin_id", "site_id"]])
    rows = draws.reindex(pairs).iloc[:, :_RANKED_DRAWS].reset_index(drop=True)
    return replace(group, rows=rows.assign(group=group.rows["group"].to_numpy()), columns=[*rows])


def _ranks(values: FloatArray, known: NDArray[np.bool_], level: float) -> dict[str, FloatArray]:
    """Lowest and highest rank from paired draws; none where some known row has no draws."""
    if np.isnan(values[known]).any():
        return {}
    ends = rank_intervals(np.where(known[:, None], values, np.nan), level)
    best, worst = (np.where(known, end, np.nan) for end in ends)
    return {"rank_low": best, "rank_high": worst}


def largest(group: _Groups, _weights: FloatArray) -> list[FloatArray]:
    """Take the largest of each group, and of its lows and highs."""
    g, size = group.rows["group"].to_numpy(), len(group.ids)

    def measure(v: FloatArray) -> FloatArray:
        out = np.full(size, -np.inf)
        np.maximum.at(out, g, np.where(np.isnan(v), np.inf, v))
        return np.where(np.isfinite(out), out, np.nan)

    return _of_each(group, measure)


def gini(inputs: Inputs) -> pd.DataFrame:
    """Gini coefficient of the distances, with the bounds that the intervals allow."""
    frames = []
    for group in _groups(inputs):
        g, size, weights = group.rows["group"].to_numpy(), len(group.ids), group.weights()
        value, low, high = np.full(size, np.nan), np.full(size, np.nan), np.full(size, np.nan)
        usable = ~((group.unweighted & (group.of > 1)) | (group.n == 0) | (group.missing > 0))
        keep = usable[g]
        found = measures.gini(group.rows["value"].to_numpy()[keep], weights[keep], g[keep])
        value[: len(found)] = found
        ends = group.rows[["low", "high"]].to_numpy(float)
        usable &= np.bincount(g, np.isnan(ends).any(axis=1), minlength=size) == 0
        order = np.argsort(g, kind="stable")
        for n in np.unique(group.n[usable]):
            # Groups of one size make one array; blocks keep the corners of all of them within
            # memory.
            same = np.flatnonzero(usable & (group.n == n))
            rows = order[np.isin(g[order], same)].reshape(-1, n)
            for start in range(0, len(same), 2000):
                part = rows[start : start + 2000]
                bounds = measures.gini_bounds(ends[part, 0], ends[part, 1], weights[part])
                low[same[start : start + 2000]], high[same[start : start + 2000]] = bounds
        frame = group.frame(
            "land_gini", [value, low, high], weighted=True, unit="ratio", whole=True
        )
        unsearched = usable & (group.n > measures.ENUMERATED)
        frame.loc[unsearched, "why"] = reason("not_searched", flows=measures.ENUMERATED)
        frames.append(frame)
    return stack(frames)


def beyond(inputs: Inputs) -> pd.DataFrame:
    """Share of the households beyond each threshold."""
    frames = []
    for group in _groups(inputs):
        g, size, weights = group.rows["group"].to_numpy(), len(group.ids), group.weights()
        total = np.bincount(g, weights, minlength=size)
        for limit in inputs.options["thresholds_km" if group.unit == "km" else "thresholds_h"]:

            def share(v: FloatArray, limit: float = limit) -> FloatArray:
                beyond = np.where(np.isnan(v), np.nan, v > limit)
                with np.errstate(invalid="ignore", divide="ignore"):
                    return np.bincount(g, weights * beyond, minlength=size) / total  # noqa: B023  (used at once)

            frames.append(
                group.frame(
                    "land_beyond",
                    _of_each(group, share),
                    weighted=True,
                    unit="share",
                    limit=(f"{limit:g}", group.unit),
                    whole=True,
                )
            )
    return stack(frames)


def multiples(inputs: Inputs, *, weighted: bool = True) -> pd.DataFrame:
    """Mean distance over the farming radius of each mode."""
    frames = []
    for group in _groups(inputs):
        if group.unit != "km":
            continue
        centre = mean(group, group.weights() if weighted else np.ones(len(group.rows)))
        for mode, radius in inputs.options["farming_radius_km"].items():
            values = [m / radius for m in centre]
            kind = "land_radii" if weighted else "land_radii_unweighted"
            frames.append(
                group.frame(
                    kind, values, weighted=weighted, unit="farming_radius", limit=(mode, "")
                )
            )
    return stack(frames)


def hours(inputs: Inputs) -> pd.DataFrame:
    """Hours a year on the way to the land and back."""
    trips = float(inputs.options["trips_per_year"])
    frames = []
    for group in _groups(inputs):
        if group.unit != "h":
            continue
        # `value` is the mean of both ways, so a round trip is twice that.
        values = [2 * trips * m for m in mean(group, group.weights())]
        frames.append(group.frame("land_hours_year", values, weighted=True, unit="h_per_year"))
    return stack(frames)
