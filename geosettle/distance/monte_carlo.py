"""Draped lines and roads at drawn positions of both ends; what drawn pairs are. Walking:
`drawn_walks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._protocol import Context
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.draping import check_dem, drape
from geosettle.distance.geodesic import geodesic_distance
from geosettle.distance.network import join_points, ways
from geosettle.errors import InputError
from geosettle.settings import Spread

__all__ = ["Drawn", "DrawnPairs", "Spread", "roaded", "said", "straight", "surfaced"]

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class DrawnPairs:
    """Pairs with drawn positions.

    Attributes
    ----------
    origin, site
        Number of the place at each end, shape (m,).
    ends
        `lon1, lat1, lon2, lat2` of the draws, each of shape (m, draws).
    stated
        The same of the stated positions, each of shape (m,).
    hours
        Column to the values at the stated positions, shape (m,), where they are known already
        (`walk_out_h` ...).
    context, spread
        Layers with their options; see `Spread`.
    normal
        ``f(name, n)``: n standard normal draws of that name.
    """

    origin: IntArray
    site: IntArray
    ends: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
    stated: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
    hours: Mapping[str, FloatArray]
    context: Context
    spread: Spread
    normal: Callable[[str, int], FloatArray]

    def side(self, which: int) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of the draws of the origins (0) or of the sites (1)."""
        return self.ends[2 * which], self.ends[2 * which + 1]


Drawn = tuple[dict[str, FloatArray], list[str]]
"""Measure to values, shape (m, draws), NaN = missing, and a note per pair on what could not be
evaluated.
"""


def said(reasons: Mapping[str, NDArray[np.bool_]]) -> list[str]:
    """Say for every pair what share of its draws each reason holds for; the reasons have shape (m,
    draws).
    """
    return [
        "; ".join(
            f"{bad[i].mean():.1%} of the draws {text}"
            for text, bad in reasons.items()
            if bad[i].any()
        )
        for i in range(len(next(iter(reasons.values()))))
    ]


def straight(job: DrawnPairs) -> Drawn:
    """Kilometres of the geodesic."""
    return {"geodesic": np.asarray(geodesic_distance(*job.ends)) / 1000}, [""] * len(job.origin)


def surfaced(job: DrawnPairs) -> Drawn:
    """Kilometres of the geodesic draped on the elevation grid.

    Notes
    -----
    The first `Spread.line_draws` draws are draped. Every other draw keeps its own straight length
    and takes the ratio of draped to straight length from the nearest of these (in the coordinates
    of both ends): the ratio varies by a per cent or two where the length varies by tens of per
    cent.
    """
    dem = job.context.dem
    if dem is None:
        raise InputError("the study has no layer dem", mend="Give an elevation grid.")
    check_dem(dem)
    m, draws = job.ends[0].shape
    some = min(draws, job.spread.line_draws)
    length = np.asarray(geodesic_distance(*job.ends)) / 1000
    out = np.full((m, draws), np.nan)
    for i in range(m):
        ends = np.stack([e[i] for e in job.ends])
        lines, back = np.unique(
            ends[:, :some], axis=1, return_inverse=True
        )  # certain ends: one line
        draped = drape(dem, (lines[0], lines[1], lines[2], lines[3]), knots=16)["surface_km"][
            back.ravel()
        ]
        zero = length[i, :some] <= 0
        ratio = np.where(zero, 1.0, draped / np.where(zero, 1.0, length[i, :some]))
        out[i] = length[i] * ratio[_nearest(ends[:, :some], ends)]
    return {"surface": out}, said({"have a line that leaves the elevation grid": np.isnan(out)})


def _nearest(known: FloatArray, asked: FloatArray) -> IntArray:
    """Find the known point nearest to each point asked for; rows are longitude, latitude and so
    on.
    """
    if known.shape == asked.shape:
        return np.arange(known.shape[1])
    from scipy.spatial import cKDTree  # noqa: PLC0415  (slow to load)

    shrink = float(np.cos(np.radians(asked[1].mean())))
    scale = np.array([[shrink], [1.0], [shrink], [1.0]])
    flat = [(((points - asked[:, :1] + 180) % 360 - 180) * scale).T for points in (known, asked)]
    return np.asarray(cKDTree(flat[0]).query(flat[1])[1])


def roaded(job: DrawnPairs) -> Drawn:
    """Kilometres and hours by road, for the first `Spread.line_draws` draws; the legs and where
    they lead are drawn.
    """
    m, draws = job.ends[0].shape
    some = min(draws, job.spread.line_draws)
    ends = [e[:, :some] for e in job.ends]
    lonlat = np.stack(
        [np.r_[ends[0].ravel(), ends[2].ravel()], np.r_[ends[1].ravel(), ends[3].ravel()]]
    )
    points, number = np.unique(lonlat, axis=1, return_inverse=True)
    a, b = number.reshape(2, m, some)
    joined = join_points(job.context, points[0], points[1])
    found = np.full((m, some, 5), np.nan)
    for site in np.unique(
        job.site
    ):  # a site at a time, so that the matrix between nodes stays small
        rows = np.flatnonzero(job.site == site)
        found[rows] = ways(joined, a[rows].ravel(), b[rows].ravel()).reshape(rows.size, some, 5)
    legs = found[:, :, 4]
    ride = found[:, :, 1] - legs
    if job.spread.walk_speed_share:
        legs = legs * np.exp(
            job.spread.walk_speed_share * job.normal("speed on foot", draws)[:some]
        )
    if job.spread.road_speed_share:
        ride = ride * np.exp(
            job.spread.road_speed_share * job.normal("speed by road", draws)[:some]
        )
    notes = said({"have no way by road": np.isnan(found[:, :, 0])})
    stated = job.hours.get("road_km", np.full(m, np.nan))
    for i in np.flatnonzero(stated < np.min(np.nan_to_num(found[:, :, 0], nan=np.inf), axis=1)):
        if np.isfinite(found[i, :, 0]).any():
            notes[i] = "; ".join(
                t for t in (notes[i], "the stated ends lie nearer to the road than any drawn") if t
            )
    return {"road": found[:, :, 0], "road_time": legs + ride}, notes
