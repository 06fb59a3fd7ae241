"""Measures of remoteness and access on plain arrays: no frames, no geometry, no settings.

Every function takes numbers in whatever unit the caller measures in and gives back the same unit;
NaN is missing and stays out of sums, never 0. Frames and reasons are the business of
`geosettle.remoteness`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ENUMERATED: Final = 8
"""Up to this many intervals all 2^n corners are tried."""


def weighted_quantile(
    values: ArrayLike, weights: ArrayLike, q: float, groups: ArrayLike | None = None
) -> FloatArray:
    """Smallest value that at least the share `q` of the weight does not exceed.

    It is halfway where the share is met exactly.

    The weights count copies: doubling all of them, or splitting one row in two, changes nothing
    (which interpolating definitions of the quantile do not keep). For equal weights and q = 0.5 it
    is the ordinary median.

    Parameters
    ----------
    values, weights
        Shape (n,), no NaN, weights >= 0; rows of weight 0 do not count.
    q
        Share between 0 and 1.
    groups
        Shape (n,), whole numbers 0 .. g-1; default: one group.

    Returns
    -------
    ndarray, shape (g,)
        NaN for a group without weight.

    Examples
    --------
    >>> weighted_quantile([10, 20, 30], [1, 1, 2], 0.5)
    array([25.])
    >>> weighted_quantile([10, 20, 30, 7], [1, 1, 3, 1], 0.5, [0, 0, 0, 1])
    array([30.,  7.])
    """
    v, w, g = _sorted_groups(values, weights, groups)
    size = int(g[-1]) + 1 if len(g) else 1
    keep = w > 0
    v, w, g = v[keep], w[keep], g[keep]
    out = np.full(size, np.nan)
    if not len(v):
        return out
    share = _running(w, g) / np.bincount(g, w, minlength=size)[g]
    # Group number plus share is ascending, so one search finds the place in every group. A share
    # that should be exactly q may miss it by a rounding error; 1e-9 is far below one household.
    present = g[np.r_[True, g[1:] != g[:-1]]]
    first = np.searchsorted(2.0 * g + share, 2.0 * present + q - 1e-9)
    last = np.searchsorted(g, present, side="right") - 1
    first = np.minimum(first, last)
    exact = (np.abs(share[first] - q) <= 1e-9) & (first < last)
    out[present] = np.where(exact, (v[first] + v[np.minimum(first + 1, last)]) / 2, v[first])
    return out


def median_distance(distance: ArrayLike, radius: ArrayLike) -> FloatArray:
    """Median distance from a place that may be anywhere in a disc, uniformly by area.

    Parameters
    ----------
    distance, radius
        Distance to the centre of the disc and its radius, same unit, broadcast; a radius of 0 gives
        back the distance.

    Notes
    -----
    Half of the disc's area is nearer than the median: the area that a circle around the target cuts
    out of the disc (a lens) decides. Beyond ten radii it is ``distance + radius**2 / (6 distance)``
    to a ten-thousandth of the radius.

    Examples
    --------
    >>> median_distance([0, 10, 1000], 10).round(2)
    array([   7.07,   11.59, 1000.02])
    """
    d, r = np.broadcast_arrays(np.asarray(distance, float), np.asarray(radius, float))
    ratio = np.divide(d, r, out=np.full(d.shape, np.inf), where=r > 0)
    near = np.interp(ratio, _RATIOS, _MEDIANS) * np.where(r > 0, r, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = d + np.where(r > 0, r**2 / (6 * d), 0.0)
    return np.where(np.isnan(d), np.nan, np.where(ratio <= _RATIOS[-1], near, far))


def _medians(ratio: FloatArray) -> FloatArray:
    """Median distance from the unit disc to a point at each ratio from its centre, by bisection."""
    low, high = np.maximum(ratio - 1, 0.0), ratio + 1
    for _ in range(50):
        middle = (low + high) / 2
        less = _lens(ratio, middle) < np.pi / 2
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return (low + high) / 2


def _lens(d: FloatArray, m: FloatArray) -> FloatArray:
    """Area that the unit disc shares with a disc of radius `m` whose centre is `d` away."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.arccos(np.clip((d**2 + 1 - m**2) / (2 * d), -1, 1))
        two = np.arccos(np.clip((d**2 + m**2 - 1) / (2 * d * m), -1, 1))
        root = np.sqrt(np.clip((1 + m - d) * (d + 1 - m) * (d - 1 + m) * (d + 1 + m), 0, None))
        cut = one + m**2 * two - root / 2
    return np.where(d + m <= 1, np.pi * m**2, np.where(d + 1 <= m, np.pi, cut))


_RATIOS: Final = np.r_[np.linspace(0, 2, 401), np.linspace(2, 10, 401)[1:]]
_MEDIANS: Final = _medians(_RATIOS)


def _sorted_groups(
    values: ArrayLike, weights: ArrayLike | None, groups: ArrayLike | None
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Values, weights and groups ordered by group, then value."""
    v = np.asarray(values, float)
    w = np.ones_like(v) if weights is None else np.asarray(weights, float)
    g = np.zeros(len(v), dtype=np.intp) if groups is None else np.asarray(groups, dtype=np.intp)
    order = np.lexsort((v, g))
    return v[order], w[order], g[order]


def _running(w: FloatArray, g: NDArray[np.intp]) -> FloatArray:
    """Add up the weights within each group (groups ascending)."""
    total = np.cumsum(w)
    start = np.searchsorted(g, g)
    return np.asarray(total - (total[start] - w[start]), float)


def gini(
    values: ArrayLike, weights: ArrayLike | None = None, groups: ArrayLike | None = None
) -> FloatArray:
    """Gini coefficient: 0 where all are equally far, towards 1 where one bears all the distance.

    Half the weighted mean absolute difference over the mean (Sen 1973, population form, no
    small-sample correction).

    Parameters
    ----------
    values, weights, groups
        As for `weighted_quantile`.

    Returns
    -------
    ndarray, shape (g,)
        0 where all values are 0; NaN for a group without weight.

    Examples
    --------
    >>> gini([0, 10])
    array([0.5])
    >>> gini([0, 10, 1, 1], [3, 1, 1, 1], [0, 0, 1, 1])
    array([0.75, 0.  ])
    """
    v, w, g = _sorted_groups(values, weights, groups)
    size = int(g[-1]) + 1 if len(g) else 1
    total, moment = np.bincount(g, w, minlength=size), np.bincount(g, w * v, minlength=size)
    below = _running(w, g) - w
    # sum_ij w_i w_j |v_i - v_j| = 2 sum_i w_i v_i (weight below i - weight above i)
    spread = np.bincount(g, w * v * (below - (total[g] - below - w)), minlength=size)
    scale = total * moment
    ratio = np.divide(spread, scale, out=np.zeros(size), where=scale > 0)
    return np.where(total > 0, np.maximum(ratio, 0.0), np.nan)


def gini_bounds(
    low: ArrayLike, high: ArrayLike, weights: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """Least and greatest Gini coefficient of values known only to lie in [low, high].

    The coefficient is a convex function over a positive linear one, so its greatest value lies in a
    corner of the box, and its least where every value is pulled towards one common value; both are
    searched completely, up to 8 values (NaN beyond).

    Parameters
    ----------
    low, high, weights
        Shape (groups, n), or (n,) for one group.

    Returns
    -------
    least, greatest
        Shape (groups,).

    Examples
    --------
    >>> gini_bounds([10, 20], [30, 40])
    (array([0.]), array([0.3]))
    """
    lo, hi = (np.atleast_2d(np.asarray(end, float)) for end in (low, high))
    w = np.ones_like(lo) if weights is None else np.atleast_2d(np.asarray(weights, float))
    if lo.shape[1] > ENUMERATED:
        return np.full(len(lo), np.nan), np.full(len(lo), np.nan)
    levels = np.concatenate([lo, hi], axis=1)
    least = _gini_of_rows(np.clip(levels[:, :, None], lo[:, None, :], hi[:, None, :]), w).min(
        axis=1
    )
    raised = np.array(list(product([False, True], repeat=lo.shape[1])))
    corners = np.where(raised[None], hi[:, None, :], lo[:, None, :])
    return least, _gini_of_rows(corners, w).max(axis=1)


def _gini_of_rows(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Gini coefficient along the last axis; shape (groups, rows, n), the weights (groups, n)."""
    groups, rows, n = values.shape
    copies = np.broadcast_to(weights[:, None, :], values.shape).ravel()
    return gini(values.ravel(), copies, np.repeat(np.arange(groups * rows), n)).reshape(
        groups, rows
    )


def aria_score(
    distances: ArrayLike, means: ArrayLike | None = None, *, cap: float = 3.0
) -> FloatArray:
    """Sum over the classes of centre of min(cap, distance / mean distance), in the way of ARIA.

    Source: GISCA, About ARIA+ (distance to the nearest centre of each class, divided by the mean of
    the class, cut at three, added). The mean is that of the localities given, so a score depends on
    the study and must not be compared with Australian classes.

    Parameters
    ----------
    distances
        Shape (localities, classes): distance to the nearest centre of the class.
    means
        Shape (classes,); default: over the localities that have the distance.
    cap
        Greatest ratio that counts, 3 in the source.

    Returns
    -------
    ndarray, shape (localities,)
        0 (near to every class) to cap x classes; NaN where a class's distance is missing.

    Examples
    --------
    >>> aria_score([[10, 100], [30, 100], [20, 1000]]).round(2)
    array([0.75, 1.75, 3.5 ])
    """
    d = np.atleast_2d(np.asarray(distances, float))
    mean = class_means(d) if means is None else np.asarray(means, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(mean > 0, d / mean, np.where(d > 0, np.inf, 0.0))
    ratio = np.where(np.isnan(d), np.nan, ratio)
    return np.asarray(np.minimum(ratio, cap).sum(axis=1), float)


def class_means(distances: ArrayLike) -> FloatArray:
    """Mean of each column over what is known; NaN for a column without any.

    Examples
    --------
    >>> class_means([[1.0, float("nan")], [3.0, 5.0]])
    array([2., 5.])
    """
    d = np.atleast_2d(np.asarray(distances, float))
    known = ~np.isnan(d)
    n = known.sum(axis=0)
    return np.where(n > 0, np.where(known, d, 0).sum(axis=0) / np.maximum(n, 1), np.nan)


def gravity_access(
    cost: ArrayLike, population: ArrayLike, *, reach: float, floor: float
) -> FloatArray:
    """Sum of population over cost of the centres within reach; the nearest centre where none is.

    The form of Statistics Canada's Index of Remoteness (Alasia et al. 2017, 18-001-X: size of the
    population centres within a travel radius over the cost of travel), confirmed by the agency's
    own published program for 2011 and 2016 (github.com/CSBP-CPSE/RI-IE): centres within 2.5 h at 80
    km/h, that is 200 km; a least cost of 3 dollars, at 16 cents a km 18.75 km; beyond the radius
    the nearest centre alone. There the cost is in dollars, so only the form and these two lengths
    carry over.

    Parameters
    ----------
    cost
        Shape (localities, centres); NaN where a centre cannot be reached.
    population
        Shape (centres,); NaN or 0 where unknown: the centre does not count.
    reach
        Greatest cost that counts, in the unit of `cost`.
    floor
        Least cost, so that a centre at the door does not count as infinite; > 0.

    Examples
    --------
    >>> gravity_access([[10, 50], [0, 200]], [1000, 5000], reach=100, floor=5)
    array([200., 200.])
    """
    c, p = np.atleast_2d(np.asarray(cost, float)), np.asarray(population, float)
    usable = np.isfinite(c) & (p > 0)
    pull = np.where(usable, p / np.maximum(c, floor), 0.0)
    inside = usable & (c <= reach)
    out = np.where(inside, pull, 0.0).sum(axis=1)
    lone = ~inside.any(axis=1) & usable.any(axis=1)
    if lone.any():
        nearest = np.argmin(np.where(usable[lone], c[lone], np.inf), axis=1)
        out[lone] = np.take_along_axis(pull[lone], nearest[:, None], axis=1)[:, 0]
    return np.asarray(np.where(usable.any(axis=1), out, np.nan), float)


def gravity_remoteness(access: ArrayLike) -> FloatArray:
    """Minus the logarithm of access, rescaled so that the least remote is 0 and the most remote 1.

    The agency says that its values are normalised and rescaled from 0 to 1 (17-26-0001); that it
    takes the logarithm first was not confirmed by a second source. Relative to the localities
    given: never compare with classes made for another set. NaN where access is missing;
    all NaN where every locality has the same access, for then nothing tells them apart.

    Examples
    --------
    >>> gravity_remoteness([100, 10, 1])
    array([0. , 0.5, 1. ])
    """
    a = np.asarray(access, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(a > 0, -np.log(a), np.nan)
    return normalise(x[:, None], "minmax")[:, 0]


def two_step_catchment(
    cost: ArrayLike,
    demand: ArrayLike,
    supply: ArrayLike,
    *,
    reach: float,
    decay: Callable[[FloatArray], Any] | None = None,
) -> FloatArray:
    """Two-step floating catchment area: supply per head within reach.

    It is shared with everyone else in reach.

    Luo and Wang (2003, doi:10.1068/b29120); with `decay`, Luo and Qi (2009). Step one divides each
    centre's supply by the demand within `reach` of it; step two adds these ratios over the centres
    within `reach`.

    Parameters
    ----------
    cost
        Shape (localities, centres); NaN where a centre cannot be reached.
    demand
        Shape (localities,): persons or households. NaN counts as no demand for the others and gives
        NaN.
    supply
        Shape (centres,): jobs, beds, places.
    reach
        Greatest cost that counts.
    decay
        Weight as a function of cost; default 1 up to `reach`.

    Examples
    --------
    >>> two_step_catchment([[1, 9], [2, 3]], [10, 30], [4, 6], reach=5)
    array([0.1, 0.3])
    """
    c = np.atleast_2d(np.asarray(cost, float))
    d, s = np.asarray(demand, float), np.asarray(supply, float)
    inside = c <= reach
    weight = (
        inside.astype(float)
        if decay is None
        else np.where(inside, decay(np.where(inside, c, reach)), 0.0)
    )
    load = np.nansum(weight * d[:, None], axis=0)
    ratio = np.divide(np.nan_to_num(s), load, out=np.zeros_like(load), where=load > 0)
    return np.where(np.isnan(d), np.nan, weight @ ratio)


def within_limit(value: ArrayLike, low: ArrayLike, high: ArrayLike, limit: float) -> FloatArray:
    """1 where the whole interval is within the limit, 0 where none of it is, else NaN.

    NaN is where the limit is inside the interval.

    Examples
    --------
    >>> within_limit([1, 1, 5], [0, 0.5, 4], [4, 1.5, 6], 2)
    array([nan,  1.,  0.])
    """
    v, lo, hi = (np.asarray(a, float) for a in (value, low, high))
    lo, hi = np.where(np.isnan(lo), v, lo), np.where(np.isnan(hi), v, hi)
    return np.where(hi <= limit, 1.0, np.where(lo > limit, 0.0, np.nan))


def rank_range(low: ArrayLike, high: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Best and worst rank (1 = smallest) that intervals allow; equal where the intervals separate.

    Rows whose interval is missing have no rank and do not count for the others.

    Examples
    --------
    >>> rank_range([1, 2, 9], [3, 4, 9])
    (array([1., 1., 3.]), array([2., 2., 3.]))
    """
    lo, hi = np.asarray(low, float), np.asarray(high, float)
    known = ~(np.isnan(lo) | np.isnan(hi))
    best, worst = np.full(lo.shape, np.nan), np.full(lo.shape, np.nan)
    # Sorting makes the counts O(n log n): rows wholly below i end before low_i, rows wholly above
    # start after high_i.
    best[known] = 1 + np.searchsorted(np.sort(hi[known]), lo[known], side="left")
    worst[known] = np.searchsorted(np.sort(lo[known]), hi[known], side="right")
    return best, worst


SCALINGS: Final = ("minmax", "zscore", "rank")


def normalise(values: ArrayLike, how: str = "minmax") -> FloatArray:
    """Columns made comparable, by `minmax`, `zscore` or `rank`.

    `minmax` is to 0..1, `zscore` that of the population, `rank` the mean rank of ties (1 =
    smallest).

    A column that does not vary tells nothing apart and becomes NaN under `minmax` and `zscore`.

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> normalise([[1.0], [3.0], [2.0]], "minmax").ravel()
    array([0. , 1. , 0.5])
    >>> normalise([[1.0], [3.0], [3.0]], "rank").ravel()
    array([1. , 2.5, 2.5])
    """
    v = np.asarray(values, float)
    if how == "rank":
        known = ~np.isnan(v)
        less = (v[:, None, :] > v[None, :, :]).sum(axis=1)
        same = (v[:, None, :] == v[None, :, :]).sum(axis=1)
        return np.where(known, less + (same + 1) / 2, np.nan)
    if how not in SCALINGS:
        raise ValueError(f"no normalisation is called {how!r}; use one of {', '.join(SCALINGS)}")
    count = (~np.isnan(v)).sum(axis=0)
    filled = np.where(np.isnan(v), np.inf, v)
    low, top = (
        filled.min(axis=0, initial=np.inf),
        np.where(np.isnan(v), -np.inf, v).max(axis=0, initial=-np.inf),
    )
    if how == "minmax":
        centre, width = low, top - low
    else:
        centre = np.where(count > 0, np.nansum(v, axis=0) / np.maximum(count, 1), np.nan)
        width = np.sqrt(np.nansum((v - centre) ** 2, axis=0) / np.maximum(count, 1))
    usable = (top > low) & (count > 0)
    centre, width = np.where(usable, centre, 0.0), np.where(usable, width, np.nan)
    return np.asarray((v - centre) / width, float)


def dominance(low: ArrayLike, high: ArrayLike) -> BoolArray:
    """Which row is at most as large as which other under **every** weighting of the criteria.

    A weighted sum is linear in the weights, so i stays below j over the whole simplex exactly when
    it does at its corners: no criterion of i, at its highest, exceeds that criterion of j, at its
    lowest, and one is smaller.

    Parameters
    ----------
    low, high
        Shape (rows, criteria), normalised; equal where there is no interval. NaN dominates nothing.

    Returns
    -------
    ndarray of bool, shape (rows, rows)
        True at (i, j) where i is before j whatever the weights. False at both (i, j) and (j, i):
        not distinguishable.

    Examples
    --------
    >>> dominance([[0, 0], [1, 1], [0, 2]], [[0, 0], [1, 1], [0, 2]]).astype(int)
    array([[0, 1, 1],
           [0, 0, 0],
           [0, 0, 0]])
    """
    lo, hi = np.asarray(low, float), np.asarray(high, float)
    never_above = (hi[:, None, :] <= lo[None, :, :]).all(axis=2)
    somewhere_below = (hi[:, None, :] < lo[None, :, :]).any(axis=2)
    return np.asarray(never_above & somewhere_below, bool)


def simplex_weights(criteria: int, steps: int) -> FloatArray:
    """Every weighting whose weights are multiples of 1/steps and add to 1, corners included.

    Examples
    --------
    >>> simplex_weights(2, 2)
    array([[0. , 1. ],
           [0.5, 0.5],
           [1. , 0. ]])
    """
    places = list(combinations(range(steps + criteria - 1), criteria - 1))
    bars = np.array(places, dtype=int).reshape(
        len(places), criteria - 1
    )  # one criterion: one row without bars
    edges = np.hstack(
        [np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), steps + criteria - 1)]
    )
    return np.asarray((np.diff(edges, axis=1) - 1) / steps, float)


def simplex_ranks(values: ArrayLike, *, steps: int = 20) -> FloatArray:
    """Ranks (1 = smallest) of every row under every weighting of a lattice on the simplex.

    Ties share the best rank.

    Returns
    -------
    ndarray, shape (weightings, rows)
        NaN for rows with a missing criterion.

    Examples
    --------
    >>> simplex_ranks([[0.0, 1.0], [1.0, 0.0]], steps=2)
    array([[2., 1.],
           [1., 1.],
           [1., 2.]])
    """
    v = np.asarray(values, float)
    known = ~np.isnan(v).any(axis=1)
    scores = simplex_weights(v.shape[1], steps) @ v[known].T
    out = np.full((len(scores), len(v)), np.nan)
    # 1e-12: scores that are equal on paper differ in the last digit after the product.
    out[:, known] = 1 + (scores[:, None, :] < scores[:, :, None] - 1e-12).sum(axis=2)
    return out
