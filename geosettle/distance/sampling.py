"""Intervals for distances whose ends are known only to within a radius, and their ranks.

The ranks respect the intervals.

Every uncertain end is drawn uniformly over the part of its disc that lies in its declared
administrative unit. The draws of a place depend on its role, its id and the seed alone: the same
for all its pairs, whatever else is measured and in whatever order. So the difference between two
sites holds what they share, and two runs agree.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geosettle import levels
from geosettle.crs import lonlat
from geosettle.geodesy import GEOD, SEMI_MAJOR_M, area_m2, authalic_q, disc
from geosettle.names import Aliases
from geosettle.reasons import reason, word
from geosettle.settings import DEFAULTS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

SEED: Final = DEFAULTS.distance.seed


@dataclass(frozen=True, eq=False)
class Samples:
    """Drawn values of one metric.

    Attributes
    ----------
    pairs
        Index (origin_id, site_id), one entry per distinct pair.
    drawn
        Shape (pairs, draws), km or h; NaN where the metric cannot be evaluated. Draw d of every
        pair belongs together.
    metric, unit
        What was drawn.
    why
        Per pair: why there is no value, or what was left out.
    stated
        Value at the stated positions, shape (pairs,); NaN: not known.
    """

    pairs: pd.MultiIndex
    drawn: FloatArray
    metric: str
    unit: str
    why: tuple[str, ...]
    stated: FloatArray | None = None


def generator(seed: int, role: str, key: str) -> np.random.Generator:
    """Random numbers that depend on the seed, a role and a key alone."""
    digest = hashlib.sha256(f"{role}\x1f{key}".encode()).digest()
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, *np.frombuffer(digest, dtype="<u4")]))
    )


def _in_disc(
    rng: np.random.Generator, lon: float, lat: float, radius: float, draws: int
) -> tuple[FloatArray, FloatArray]:
    """Points uniform over a disc: by azimuth and distance, with the area of a cap on a sphere."""
    share, azimuth = rng.random(draws), rng.random(draws) * 360
    # sin²(r/2R) is the area of a cap; the ellipsoid differs from this sphere by less than 1 % in
    # relative density.
    away = (
        2
        * SEMI_MAJOR_M
        * np.arcsin(np.sqrt(share) * np.sin(min(radius / (2 * SEMI_MAJOR_M), np.pi / 2)))
    )
    x, y, _ = GEOD.fwd(np.full(draws, lon), np.full(draws, lat), azimuth, away)
    return np.asarray(x), np.asarray(y)


def _in_region(
    rng: np.random.Generator, region: shapely.Geometry, draws: int
) -> tuple[FloatArray, FloatArray]:
    """Points uniform over a polygon by area.

    They are drawn in boxes of equal-area coordinates, and kept if inside.
    """
    parts = shapely.get_parts(region)
    parts = parts[shapely.get_dimensions(parts) == 2]
    share = area_m2(parts)
    counts = rng.multinomial(draws, share / share.sum())
    xs, ys = [], []
    for part, wanted in zip(parts, counts, strict=True):
        shapely.prepare(part)
        west, south, east, north = shapely.bounds(part)
        grid = np.linspace(south, north, 4001)
        q = authalic_q(grid)
        left = int(wanted)
        while left:
            size = 2 * left + 64
            x = west + (east - west) * rng.random(size)
            y = np.interp(q[0] + (q[-1] - q[0]) * rng.random(size), q, grid)
            keep = np.flatnonzero(shapely.contains_xy(part, x, y))[:left]
            xs.append(x[keep])
            ys.append(y[keep])
            left -= len(keep)
    x, y = np.concatenate(xs), np.concatenate(ys)
    order = rng.permutation(
        draws
    )  # parts come one after the other; draws must not be sorted by part
    return x[order], y[order]


def draw_positions(
    lon: float,
    lat: float,
    radius: float,
    draws: int,
    *,
    key: str,
    role: str,
    seed: int = SEED,
    unit: Any = None,
    region: Any = None,
) -> tuple[FloatArray, FloatArray, str]:
    """Draw positions of one place, uniform over its disc, within its declared unit.

    Parameters
    ----------
    lon, lat
        Stated position, degrees.
    radius
        Metres within which the true position lies; 0 gives the stated position in every draw.
    draws
        How many.
    key, role
        Id of the place and ``origin`` or ``site``: they and the seed decide the draws.
    seed
        Seed.
    unit
        Polygon of the declared administrative unit, or None.
    region
        Polygon in which the place is somewhere: then it is drawn there, whatever its radius.

    Returns
    -------
    lon, lat, note
        Degrees, shape (draws,); a reason where the unit could not be heeded.

    Examples
    --------
    >>> x, y, _ = draw_positions(76.0, 39.0, 10_000.0, 1000, key="s1", role="site")
    >>> from geosettle.distance import geodesic_distance
    >>> bool(geodesic_distance(76.0, 39.0, x, y).max() <= 10_000)
    True
    """
    if region is not None:
        return *_in_region(generator(seed, role, key), region, draws), ""
    if not radius > 0:
        return np.full(draws, lon), np.full(draws, lat), ""
    rng = generator(seed, role, key)
    if unit is None:
        return *_in_disc(rng, lon, lat, radius, draws), ""
    whole = disc(lon, lat, radius)
    region = shapely.intersection(whole, unit)
    share = area_m2([region])[0] / area_m2([whole])[0]
    if share < 1e-6:
        note = reason("unit_out_of_reach", role=word("end", role))
        return *_in_disc(rng, lon, lat, radius, draws), note
    if share > 1 - 1e-9:
        return *_in_disc(rng, lon, lat, radius, draws), ""
    return *_in_region(rng, region, draws), ""


def declared_units(
    frame: gpd.GeoDataFrame, boundaries: gpd.GeoDataFrame | None, aliases: Aliases | None = None
) -> pd.Series:
    """Polygon of the finest administrative unit that each place declares.

    None where it declares none that is known. See `levels.declared_units`.
    """
    found = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    if boundaries is None or not len(boundaries):
        return found
    shape = dict(zip(boundaries.index.astype(str), lonlat(boundaries), strict=True))
    for declared in levels.declared_units(frame, boundaries, aliases).values():
        for row, codes in enumerate(declared.codes):
            if len(codes) == 1:
                found.iloc[row] = shape[codes[0]]
    return found


def quantiles(values: FloatArray, level: float) -> FloatArray:
    """Low, median and high of each row of draws, shape (3, rows), at a level.

    The p-quantile of n draws is the one at place p (n + 1) (Weibull 1939; number 6 of Hyndman and
    Fan 1996, The American Statistician 50: 361-365), so that a further draw is inside with
    probability `level`. Missing draws are left out; a row of them stays missing.
    """
    out = np.full((3, len(values)), np.nan)
    if not values.size:
        return out
    missing = np.isnan(values)
    whole, none = ~missing.any(axis=1), missing.all(axis=1)
    shares = [(1 - level) / 2, 0.5, (1 + level) / 2]
    # Rows with a missing draw are taken one by one, the others at once.
    for rows, quantile in ((whole, np.quantile), (~whole & ~none, np.nanquantile)):
        if rows.any():
            out[:, rows] = quantile(values[rows], shares, axis=1, method="weibull")
    return out


def _differ(differences: FloatArray, level: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of differences are above, and which below, 0 by their intervals.

    Whether a quantile is above 0 follows from how many draws are; only where the count is within
    one of its place is it computed.
    """
    signs = differences > 0, differences < 0, differences == 0
    positive, negative, n = (np.count_nonzero(sign, axis=1) for sign in signs)
    n += positive + negative
    low, high = ((1 + sign * level) / 2 * (n + 1) for sign in (-1, 1))
    larger, smaller = n - positive < low, negative > high
    near = (np.abs(n - positive - low) <= 1) | (np.abs(negative - high) <= 1)
    if near.any():
        found = quantiles(differences[near], level)
        larger[near], smaller[near] = found[0] > 0, found[2] < 0
    return larger, smaller


def rank_intervals(values: ArrayLike, level: float = 0.9) -> tuple[IntArray, IntArray]:
    """Best and worst rank (1 = smallest) of drawn quantities, from their paired differences.

    Parameters
    ----------
    values
        Shape (n, draws), draw d of all belonging together. A row without values gets rank 0.
    level
        Level at which two of them count as different, each comparison by itself.

    Returns
    -------
    best, worst
        Shape (n,); equal where the rank is certain.

    Examples
    --------
    >>> noise = np.linspace(-1, 1, 21)
    >>> [r.tolist() for r in rank_intervals([noise, noise + 0.5, noise[::-1]])]
    [[1, 2, 1], [2, 3, 3]]
    """
    drawn = np.asarray(values, dtype=np.float64)
    best, worst = np.zeros(len(drawn), dtype=np.intp), np.zeros(len(drawn), dtype=np.intp)
    known = np.flatnonzero(~np.isnan(drawn).all(axis=1)) if drawn.size else best[:0]
    if not known.size:
        return best, worst
    least, most = (end(drawn[known], axis=1) for end in (np.nanmin, np.nanmax))
    order = np.argsort(least, kind="stable")
    rows, ends = drawn[known[order]], np.searchsorted(least[order], most[order], side="right")
    below, above = np.zeros((2, len(known)), dtype=np.intp)  # how many are surely smaller, larger
    for i, end in enumerate(ends.tolist()):
        # What is larger in every draw comes after `end`; what is smaller, by its own turn.
        above[i] += len(known) - end
        below[end:] += 1
        larger, smaller = _differ(rows[i + 1 : end] - rows[i], level)
        above[i] += larger.sum()
        below[i] += smaller.sum()
        below[i + 1 : end] += larger
        above[i + 1 : end] += smaller
    best[known[order]], worst[known[order]] = 1 + below, len(known) - above
    return best, worst
