"""How far those who moved are from where they left, from the draws that their positions allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.distance.sampling import quantiles
from geosettle.remoteness import measures
from geosettle.study import in_scope

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

MOVES: Final = "moves"
_COUNTED: Final = ("households", "persons")
"""Columns that weigh a move, the first of which enough is known."""


@dataclass(frozen=True, eq=False)
class Moves:
    """The moves of the study, one row each, and how far each may be.

    Attributes
    ----------
    frame
        `origin_id, site_id, households, persons`, a plain index.
    km
        Straight line in kilometres, shape (moves, draws), draw d of all belonging together; one
        column where nothing was drawn.
    drawn
        Whether `km` was drawn, so that it has an interval.
    level
        Level of the intervals.
    """

    frame: pd.DataFrame
    km: FloatArray
    drawn: bool
    level: float

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Moves that have a distance."""
        return np.asarray(~np.isnan(self.km).all(axis=1), bool)

    def weights(self, rows: NDArray[np.bool_] | None = None) -> tuple[str, FloatArray]:
        """Name what weighs the moves, and give the weight of each; NaN where it is not known.

        Households, else persons, where they are known for at least half of the measured rows; else
        every move counts once.
        """
        rows = self.measured if rows is None else rows & self.measured
        for name in _COUNTED:
            weight = self.frame[name].to_numpy(float)
            known = weight[rows] >= 0
            if rows.any() and 2 * known.sum() >= rows.sum() and np.nansum(weight[rows]) > 0:
                return name, np.where(weight >= 0, weight, np.nan)
        return MOVES, np.ones(len(self.frame))


@dataclass(frozen=True)
class MedianDistance:
    """The median distance of those who moved, as one number with its interval.

    Attributes
    ----------
    km, low_km, high_km
        Median of the draws of the weighted median, and the ends of its interval; the ends are NaN
        where nothing was drawn.
    weighting
        households, persons or moves.
    total
        Households, persons or moves that it is over.
    n, of
        Moves that it is over, and all moves.
    nearest_km, farthest_km
        Shortest and longest of the moves that it is over, each the median of its draws.
    """

    km: float
    low_km: float
    high_km: float
    weighting: str
    total: float
    n: int
    of: int
    nearest_km: float
    farthest_km: float


def moves_of(
    pairs: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    origins: gpd.GeoDataFrame,
    flows: pd.DataFrame | None,
    draws: pd.DataFrame,
    *,
    level: float,
) -> Moves:
    """Give the moves that the study is about, with the draws of their distances.

    Parameters
    ----------
    pairs
        By (origin_id, site_id): `geodesic_km`, and `households`, `persons` where known.
    sites, origins, flows
        Those with another `scope` than the study's are left out, with their moves.
    draws
        By (origin_id, site_id): drawn kilometres; no rows where nothing was drawn.
    level
        Level of the intervals.

    Returns
    -------
    Moves
        One row per move of the study, and its draws in kilometres, shape (moves, draws).

    Examples
    --------
    >>> import geopandas as gpd
    >>> index = pd.MultiIndex.from_tuples([("O1", "S1")], names=["origin_id", "site_id"])
    >>> pairs = pd.DataFrame({"geodesic_km": [80.0], "households": [12]}, index=index)
    >>> ends = [gpd.GeoDataFrame(index=[name]) for name in ("S1", "O1")]
    >>> moves_of(pairs, *ends, None, pd.DataFrame(), level=0.9).km.tolist()
    [[80.0]]
    """
    own = pairs[_about(pairs.index, sites, origins, flows)]
    frame = own.index.to_frame(index=False).astype(str)
    for name in (*_COUNTED, "geodesic_km"):
        frame[name] = numbers(own, name).to_numpy()
    km = draws.reindex(own.index).to_numpy(float) if len(draws) else np.empty((len(own), 0))
    drawn = bool(km.size) and not np.isnan(km).all()
    if not drawn:
        km = numbers(own, "geodesic_km").to_numpy()[:, None]
    return Moves(frame, km, drawn, level)


def _about(
    index: pd.Index, sites: pd.DataFrame, origins: pd.DataFrame, flows: pd.DataFrame | None
) -> NDArray[np.bool_]:
    """Pairs whose site, origin and flow all belong to the study."""
    about = index.get_level_values("site_id").isin(sites.index[in_scope(sites)])
    about &= index.get_level_values("origin_id").isin(origins.index[in_scope(origins)])
    if flows is not None and len(flows):
        key = pd.MultiIndex.from_frame(flows[["origin_id", "site_id"]])
        inside = in_scope(flows).to_numpy()
        about &= ~index.isin(key[~inside]) | index.isin(key[inside])
    return np.asarray(about, bool)


def median_distance(moves: Moves) -> MedianDistance | None:
    """Median distance of all who moved, the headline; None where no move has a distance.

    Parameters
    ----------
    moves
        What `moves_of` gives.

    Returns
    -------
    MedianDistance or None
        Kilometres with their interval, what the moves are weighted by, and how many are measured.

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"origin_id": ["O1", "O2"], "site_id": "S1", "households": [1, 9], "persons": np.nan}
    ... )
    >>> found = median_distance(Moves(frame, np.array([[10.0], [80.0]]), False, 0.9))
    >>> found.km, found.weighting, found.n
    (80.0, 'households', 2)
    """
    if not moves.measured.any():
        return None
    one = np.zeros(len(moves.frame), dtype=np.intp)
    found = grouped_distances(moves, one, 1).iloc[0]
    name, weight = moves.weights()
    used = moves.measured & (weight >= 0)
    middle = np.nanmedian(moves.km[used], axis=1)
    return MedianDistance(
        km=float(found["distance_median_km"]),
        low_km=float(found["distance_median_low_km"]),
        high_km=float(found["distance_median_high_km"]),
        weighting=name,
        total=float(weight[used].sum()),
        n=int(used.sum()),
        of=len(moves.frame),
        nearest_km=float(middle.min()),
        farthest_km=float(middle.max()),
    )


def grouped_distances(
    moves: Moves, groups: IntArray, size: int, *, rows: NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    """Weighted median and mean distance of each group of moves, with the interval of each.

    Parameters
    ----------
    moves
        Moves with the draws of their distances.
    groups
        Number of the group of each move, 0 .. size-1; -1: in none.
    size
        How many groups.
    rows
        Moves that decide what weighs (see `Moves.weights`); default all.

    Returns
    -------
    DataFrame
        One row per group: `distance_median_km, distance_median_low_km, distance_median_high_km`,
        the same of `distance_mean`, `distance_by` (households, persons or moves), `distance_n` of
        `distance_of` moves. The quantity is taken in every draw; its median over the draws is the
        value, its quantiles are the interval.
    """
    name, weight = moves.weights(rows)
    inside = groups >= 0
    used = inside & moves.measured & (weight >= 0)
    group, km, w = groups[used], moves.km[used], weight[used]
    k = km.shape[1]
    out: dict[str, object] = {}
    for column, drawn in (
        ("distance_median", _medians(km, w, group, size)),
        ("distance_mean", _means(km, w, group, size)),
    ):
        low, middle, high = quantiles(drawn, moves.level)
        out[f"{column}_km"] = middle
        out[f"{column}_low_km"] = low if moves.drawn else np.full(size, np.nan)
        out[f"{column}_high_km"] = high if moves.drawn else np.full(size, np.nan)
    out["distance_by"] = np.where(np.isnan(middle), "", name) if k else ""
    out["distance_n"] = np.bincount(group, minlength=size)
    out["distance_of"] = np.bincount(groups[inside], minlength=size)
    return pd.DataFrame(out)


def _medians(km: FloatArray, weight: FloatArray, group: IntArray, size: int) -> FloatArray:
    """Weighted median of each group in each draw, shape (size, draws)."""
    k = km.shape[1]
    apart = (group[:, None] * k + np.arange(k)).ravel()
    found = measures.weighted_quantile(km.ravel(), np.repeat(weight, k), 0.5, apart)
    out = np.full(size * k, np.nan)
    if group.size:
        out[: found.size] = found
    return out.reshape(size, k)


def _means(km: FloatArray, weight: FloatArray, group: IntArray, size: int) -> FloatArray:
    """Weighted mean of each group in each draw, shape (size, draws)."""
    k = km.shape[1]
    apart = (group[:, None] * k + np.arange(k)).ravel()
    total = np.bincount(group, weight, minlength=size)[:, None]
    summed = np.bincount(apart, (km * weight[:, None]).ravel(), minlength=size * k)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(summed.reshape(size, k) / total, float)
