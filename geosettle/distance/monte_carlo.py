"""What drawn pairs are; straight and draped lines at drawn positions of both ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._protocol import Context
from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.draping import check_dem, drape
from geosettle.distance.geodesic import geodesic_distance
from geosettle.errors import InputError
from geosettle.reasons import join, reason
from geosettle.settings import Spread

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
    places
        Origins and sites, to which the numbers point.
    radius
        Radius of each place, metres, by role.
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
    places: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]
    radius: tuple[FloatArray, FloatArray]
    context: Context
    spread: Spread
    normal: Callable[[str, int], FloatArray]

    def side(self, which: int) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of the draws of the origins (0) or of the sites (1)."""
        return self.ends[2 * which], self.ends[2 * which + 1]

    def factors(self, name: str, share: float) -> FloatArray:
        """Factors of a speed, log-normal with median 1, shape (draws,), the same for all pairs.

        The first `Spread.line_draws` of them, and each further lot, have the normal scores ``p =
        r / (n + 1)`` in random order (van der Waerden 1952): where all pairs share their draws, a
        chance of the draws would make all intervals too wide or too narrow.
        """
        draws, lot = self.ends[0].shape[1], self.spread.line_draws
        if not share:
            return np.ones(draws)
        from scipy.special import ndtri  # noqa: PLC0415  (slow to load)

        values = self.normal(name, draws)
        for first in range(0, draws, lot):
            rank = values[first : first + lot].argsort().argsort() + 1
            values[first : first + lot] = share * ndtri(rank / (rank.size + 1))
        return np.exp(values)


Drawn = tuple[dict[str, FloatArray], list[str]]
"""Measure to values, shape (m, draws), NaN = missing, and a note per pair on what could not be
evaluated.
"""


def draw_reasons(reasons: Mapping[str, NDArray[np.bool_]]) -> list[str]:
    """Say for what share of the draws of each pair a reason (a code) holds; shape (m, draws)."""
    return [
        join(
            *(
                reason(code, percent=float(f"{100 * bad[i].mean():.3g}"))
                for code, bad in reasons.items()
                if bad[i].any()
            )
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
    return {"surface": out}, draw_reasons({"draws_line_outside": np.isnan(out)})


def _nearest(known: FloatArray, asked: FloatArray) -> IntArray:
    """Find the known point nearest to each point asked for.

    Rows are longitude, latitude and so on.
    """
    if known.shape == asked.shape:
        return np.arange(known.shape[1])
    from scipy.spatial import cKDTree  # noqa: PLC0415  (slow to load)

    shrink = float(np.cos(np.radians(asked[1].mean())))
    scale = np.array([[shrink], [1.0], [shrink], [1.0]])
    flat = [(((points - asked[:, :1] + 180) % 360 - 180) * scale).T for points in (known, asked)]
    return np.asarray(cKDTree(flat[0]).query(flat[1])[1])
