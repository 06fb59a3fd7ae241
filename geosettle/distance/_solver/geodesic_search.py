"""Nearest points on the ellipsoid: candidates from chords in space, every one of them measured."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.geodesic import NEAR_U, halved
from geosettle.distance._solver.geodesic_engine import indexed_m, share_out
from geosettle.geodesy import SEMI_MAJOR_M, arc_bound_m, to_xyz

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Found = tuple[IntArray, IntArray, FloatArray]

COMPILED_FROM: Final = (50_000, 200_000)
"""Places from which compiled code searches: where numba is loaded already, and where it is not.
Both ways find the same points."""
_PLACES: Final = 50_000  # places of a task handed to a worker
_MOST: Final = 32  # neighbours that compiled code keeps in order by insertion
_BLOCK: Final = 4_096  # places whose temporaries stay in the cache


def rank_in_group(groups: IntArray) -> IntArray:
    """Count 1, 2, 3 ... within runs of equal values.

    Examples
    --------
    >>> rank_in_group(np.array([4, 4, 7])).tolist()
    [1, 2, 1]
    """
    first = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else groups
    return np.arange(1, len(groups) + 1) - np.repeat(first, np.diff(np.r_[first, len(groups)]))


def take_best(
    i: IntArray, j: IntArray, metres: FloatArray, *, k: int | None, max_m: float
) -> Found:
    """Keep of the candidates the k nearest of each place within the radius.

    They are sorted by place, distance and point.
    """
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
    one: tuple[FloatArray, FloatArray],
    two: tuple[FloatArray, FloatArray],
    *,
    k: int | None,
    max_m: float,
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
    The result is that of measuring all pairs: `_by_tree` and `_by_chords` say why.

    Examples
    --------
    >>> place = np.array([76.0]), np.array([39.0])
    >>> points = np.array([77.0, 76.0]), np.array([39.0, 39.5])
    >>> [v.round(1).tolist() for v in nearest_points(place, points, k=1, max_m=np.inf)]
    [[0], [1], [55510.1]]
    """
    n = len(one[0])
    if k is None or k > _MOST or n < COMPILED_FROM["numba" not in sys.modules]:
        return _by_chords(one, two, k=k, max_m=max_m)
    point, metres, lacks = _by_tree(one, two, k=k, max_m=max_m)
    place = np.repeat(np.arange(n), k)
    found = point.ravel() < len(two[0])
    place, point, metres = (place, point.ravel(), metres.ravel()) if found.all() else (
        place[found], point.ravel()[found], metres.ravel()[found]
    )  # fmt: skip
    if not lacks.size:
        return place, point, metres
    there = ~np.isin(place, lacks)
    i, j, far = _by_chords((one[0][lacks], one[1][lacks]), two, k=k, max_m=max_m)
    place, point, metres = (
        np.r_[place[there], lacks[i]],
        np.r_[point[there], j],
        np.r_[metres[there], far],
    )
    order = np.argsort(place, kind="stable")
    return place[order], point[order], metres[order]


def _by_tree(
    one: tuple[FloatArray, FloatArray], two: tuple[FloatArray, FloatArray], *, k: int, max_m: float
) -> tuple[IntArray, FloatArray, IntArray]:
    """Points and metres, shape (n, k), m and infinite where there is none.

    Places that may have more, too far away, are returned too.

    The compiled search of a k-d tree compares distances, not chords, as far as `near` measures
    them: see its `query`.
    """
    from geosettle.distance._solver.geodesic_nearest import build, query  # noqa: PLC0415

    arranged = build(np.ascontiguousarray(halved(*two).T))
    n = len(one[0])
    point, metres = np.empty((n, k), dtype=np.intp), np.empty((n, k))
    most = (max_m / (2 * SEMI_MAJOR_M)) ** 2 * (1 + 1e-12)

    def task(first: int, last: int) -> None:
        for at in range(first, last, _BLOCK):
            part = slice(at, min(at + _BLOCK, last))
            query(*arranged, halved(one[0][part], one[1][part]), most, point[part], metres[part])
            metres[part] = 2 * SEMI_MAJOR_M * np.sqrt(metres[part])

    share_out(task, n, _PLACES)
    lacks = np.flatnonzero(metres[:, -1] == np.inf) if most > NEAR_U else np.empty(0, dtype=np.intp)
    if np.isfinite(max_m):
        point[metres > max_m] = len(two[0])
    return point, metres, lacks


def _by_chords(
    one: tuple[FloatArray, FloatArray],
    two: tuple[FloatArray, FloatArray],
    *,
    k: int | None,
    max_m: float,
) -> Found:
    """As `nearest_points`, by chords.

    A geodesic is never shorter than its chord c and never longer than ``arc_bound_m(c)``. So if the
    k-th shortest chord of a place is c, a point with a chord above ``arc_bound_m(c)`` is not among
    the k nearest. The search asks for k + 1 points: where the last chord exceeds the bound, the
    first k are the answer; else all points within the bound, a few, are measured.
    """
    points = to_xyz(*two)
    count = len(points) if k is None else min(k + 1, len(points))
    seek = None if k is None else _seeker(points, count)
    around = _ball(points)
    found: dict[int, Found] = {}

    def task(first: int, last: int) -> None:
        lon, lat = one[0][first:last], one[1][first:last]
        at = to_xyz(lon, lat)
        if seek is None:
            i, j = around(at, np.full(len(at), max_m))
        else:
            i, j = _candidates(seek, around, at, k=count if k is None else k, max_m=max_m)
        metres = indexed_m((lon, lat), two, i, j)
        i, j, metres = take_best(i, j, metres, k=k, max_m=max_m)
        found[first] = i + first, j, metres

    share_out(task, len(one[0]), _PLACES)
    parts = [found[first] for first in sorted(found)]
    i, j, metres = (np.concatenate(column) for column in zip(*parts, strict=True))
    return i, j, metres


Seek = Callable[[FloatArray], tuple[FloatArray, IntArray]]
Around = Callable[[FloatArray, FloatArray], tuple[IntArray, IntArray]]


def _candidates(
    seek: Seek, around: Around, at: FloatArray, *, k: int, max_m: float
) -> tuple[IntArray, IntArray]:
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


def _seeker(points: FloatArray, count: int) -> Seek:
    """Make a search for the `count` points nearest in space.

    It gives chords and rows, shape (n, count), nearest first.
    """
    from scipy.spatial import KDTree  # noqa: PLC0415  (slow to load)

    tree = KDTree(points)

    def search(at: FloatArray) -> tuple[FloatArray, IntArray]:
        found = tree.query(at, k=range(1, count + 1))
        return np.asarray(found[0]), np.asarray(found[1], dtype=np.intp)

    return search


def _ball(points: FloatArray) -> Around:
    """Make a search for all points within a chord of each place."""
    trees: list[Any] = []

    def search(at: FloatArray, reach: FloatArray) -> tuple[IntArray, IntArray]:
        from scipy.spatial import KDTree  # noqa: PLC0415  (slow to load)

        if not trees:
            trees.append(KDTree(points))
        found = trees[0].query_ball_point(at, reach)
        i = np.repeat(
            np.arange(len(at)), np.fromiter((len(f) for f in found), dtype=np.intp, count=len(at))
        )
        return i, np.concatenate([np.asarray(f, dtype=np.intp) for f in found])

    return search
