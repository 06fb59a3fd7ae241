"""Nearest points on the ellipsoid: candidates from chords in space, every one of them measured."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.geodesic import prepare, space
from geosettle.distance._solver.geodesic_engine import NUMPY_FROM, indexed_m, mended, share_out
from geosettle.geodesy import arc_bound_m

__all__ = ["nearest_points", "rank_in_group", "take_best"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Found = tuple[IntArray, IntArray, FloatArray]

COMPILED_FROM: Final = (50_000, 3_000_000)
"""Places from which compiled code searches: where numba is loaded already, and where it is not. Both ways find the same
points."""
_PLACES: Final = 50_000  # places of a task handed to a worker


def rank_in_group(groups: IntArray) -> IntArray:
    """Count 1, 2, 3 ... within runs of equal values.

    Examples
    --------
    >>> rank_in_group(np.array([4, 4, 7])).tolist()
    [1, 2, 1]
    """
    first = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else groups
    return np.arange(1, len(groups) + 1) - np.repeat(first, np.diff(np.r_[first, len(groups)]))


def take_best(i: IntArray, j: IntArray, metres: FloatArray, *, k: int | None, max_m: float) -> Found:
    """Keep of the candidates the k nearest of each place within the radius, sorted by place, distance and point."""
    if np.isfinite(max_m):
        keep = metres <= max_m
        i, j, metres = i[keep], j[keep], metres[keep]
    if (i[1:] < i[:-1]).any():
        order = np.argsort(i, kind="stable")
        i, j, metres = i[order], j[order], metres[order]
    twin = np.r_[False, i[1:] == i[:-1]]
    several = np.flatnonzero(
        twin | np.r_[twin[1:], False]
    )  # most places have one candidate; only the others are sorted
    if several.size:
        order = np.arange(len(i))
        order[several] = several[np.lexsort((j[several], metres[several], i[several]))]
        j, metres = j[order], metres[order]
        keep = rank_in_group(i) <= (len(i) if k is None else k)
        i, j, metres = i[keep], j[keep], metres[keep]
    return i, j, metres


def nearest_points(
    one: tuple[FloatArray, FloatArray], two: tuple[FloatArray, FloatArray], *, k: int | None, max_m: float
) -> Found:
    """Find for each place of `one` the k nearest points of `two`, or all within a radius.

    Parameters
    ----------
    one, two
        Finite degrees, longitudes and latitudes, shapes (n,) and (m,).
    k
        How many, at most m; None for all within the radius.
    max_m
        Radius, metres; may be infinite where k is given.

    Returns
    -------
    place, point, metres
        Rows of `one` and `two`, sorted by place, distance and point.

    Notes
    -----
    A geodesic is never shorter than its chord c and never longer than ``arc_bound_m(c)``. So if the k-th shortest chord
    of a place is c, a point with a chord above ``arc_bound_m(c)`` is not among the k nearest. The search asks for k + 1
    points: where the last chord exceeds the bound, the first k are the answer; else all points within the bound, a
    few, are measured. The result is that of measuring all pairs.

    Examples
    --------
    >>> place = np.array([76.0]), np.array([39.0])
    >>> points = np.array([77.0, 76.0]), np.array([39.0, 39.5])
    >>> [v.round(1).tolist() for v in nearest_points(place, points, k=1, max_m=np.inf)]
    [[0], [1], [55510.1]]
    """
    there = prepare(*two)
    points = np.ascontiguousarray(space(there))
    count = len(points) if k is None else min(k + 1, len(points))
    seek = None if k is None else _seeker(points, count, min(k, count), len(one[0]))
    around = _ball(points)
    found: dict[int, Found] = {}

    def task(first: int, last: int) -> None:
        lon, lat = one[0][first:last], one[1][first:last]
        here = prepare(lon, lat)
        at = np.ascontiguousarray(space(here))
        if seek is None:
            i, j = around(at, np.full(len(at), max_m))
        else:
            i, j = _candidates(seek, around, at, k=count if k is None else k, max_m=max_m)
        if len(i) < NUMPY_FROM:
            metres = indexed_m((lon, lat), two, i, j)
        else:
            metres = mended(here[:, i], there[:, j], (lon[i], lat[i], two[0][j], two[1][j]))
        i, j, metres = take_best(i, j, metres, k=k, max_m=max_m)
        found[first] = i + first, j, metres

    share_out(task, len(one[0]), _PLACES)
    parts = [found[first] for first in sorted(found)]
    i, j, metres = (np.concatenate(column) for column in zip(*parts, strict=True))
    return i, j, metres


Seek = Callable[[FloatArray], tuple[FloatArray, IntArray]]
Around = Callable[[FloatArray, FloatArray], tuple[IntArray, IntArray]]


def _candidates(seek: Seek, around: Around, at: FloatArray, *, k: int, max_m: float) -> tuple[IntArray, IntArray]:
    """Pairs that may be among the k nearest."""
    chord, index = seek(at)
    rows = np.arange(len(at))
    reach = np.minimum(arc_bound_m(chord[:, k - 1]) * (1 + 1e-9), max_m)
    settled = chord[:, -1] > reach if chord.shape[1] > k else np.ones(len(at), dtype=bool)
    if settled.all():
        return np.repeat(rows, k), index[:, :k].ravel()
    i, j = np.repeat(rows[settled], k), index[settled, :k].ravel()
    more = around(at[~settled], reach[~settled])
    return np.concatenate([i, rows[~settled][more[0]]]), np.concatenate([j, more[1]])


def _seeker(points: FloatArray, count: int, asked: int, places: int) -> Seek:
    """Make a search for the `count` points nearest in space: chords and rows, shape (n, count), nearest first.

    Of the points beyond those asked for, chords too long to matter may be given as infinite.
    """
    if places < COMPILED_FROM["numba" not in sys.modules] or count > 32:
        from scipy.spatial import KDTree  # noqa: PLC0415  (slow to load)

        tree = KDTree(points)

        def search(at: FloatArray) -> tuple[FloatArray, IntArray]:
            found = tree.query(at, k=range(1, count + 1))
            return np.asarray(found[0]), np.asarray(found[1], dtype=np.intp)

        return search
    from geosettle.distance._solver.geodesic_nearest import build, query  # noqa: PLC0415

    arranged = build(points)

    def search_compiled(at: FloatArray) -> tuple[FloatArray, IntArray]:
        chord, row = np.empty((len(at), count)), np.empty((len(at), count), dtype=np.intp)
        query(*arranged, at, asked, chord, row)
        return chord, row

    return search_compiled


def _ball(points: FloatArray) -> Around:
    """Make a search for all points within a chord of each place."""
    trees: list[Any] = []

    def search(at: FloatArray, reach: FloatArray) -> tuple[IntArray, IntArray]:
        from scipy.spatial import KDTree  # noqa: PLC0415  (slow to load)

        if not trees:
            trees.append(KDTree(points))
        found = trees[0].query_ball_point(at, reach)
        i = np.repeat(np.arange(len(at)), np.fromiter((len(f) for f in found), dtype=np.intp, count=len(at)))
        return i, np.concatenate([np.asarray(f, dtype=np.intp) for f in found])

    return search
