"""True lengths and areas of the cells of a grid in a map projection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geosettle.crs import WGS84, change
from geosettle.errors import CrsError
from geosettle.geodesy import GEOD, FloatArray

if TYPE_CHECKING:
    from affine import Affine

_KNOTS: Final = 33
"""Places a side at which a projection is measured; between them a cubic spline."""
_APART_M: Final = 2_000.0


@dataclass(frozen=True, eq=False)
class PlaneGrid:
    """How long a step is on the ground, anywhere on a projected grid.

    Attributes
    ----------
    steps
        Functions of rows and columns (fractional, 0 = centre of the first cell, sorted) that give
        metres east and north of one step along a row, and east and north of one down a column,
        shape (rows, columns) each.

    Notes
    -----
    A projection is smooth, so its two steps are measured as geodesics at 33 x 33 places and
    interpolated; over 1,000 km of UTM this is right to 1e-9. A step of the grid is taken as
    straight on the ground: for cells below 1 km this is right to 1e-8.
    """

    steps: tuple[Callable[[FloatArray, FloatArray], FloatArray], ...]

    @classmethod
    def of(cls, transform: Affine, shape: tuple[int, int], crs: str) -> PlaneGrid:
        """Measure the steps of a grid.

        Raises
        ------
        CrsError
            The grid reaches beyond the Earth.
        """
        from scipy.interpolate import RectBivariateSpline  # noqa: PLC0415  (slow to load)

        row, column = (np.linspace(-0.5, n - 0.5, _KNOTS) for n in shape)
        r, c = (g.ravel() for g in np.meshgrid(row, column, indexing="ij"))
        parts: list[FloatArray] = []
        for dr, dc in ((0.0, 0.5), (0.5, 0.0)):
            ends: list[FloatArray] = []
            for side in (-1, 1):
                at = c + side * dc + 0.5, r + side * dr + 0.5
                x = transform.a * at[0] + transform.b * at[1] + transform.c
                y = transform.d * at[0] + transform.e * at[1] + transform.f
                ends += change(crs, WGS84, x, y)
            if not np.isfinite(ends).all():
                raise CrsError("the grid reaches beyond the Earth", value=crs,
                    mend="Clip it to the study region.")  # fmt: skip
            azimuth, _, metres = GEOD.inv(ends[0], ends[1], ends[2], ends[3])
            angle = np.radians(azimuth)
            parts += [np.asarray(metres * np.sin(angle)), np.asarray(metres * np.cos(angle))]
        return cls(tuple(RectBivariateSpline(row, column, v.reshape(_KNOTS, -1)) for v in parts))

    def lengths_m(
        self, rows: FloatArray, columns: FloatArray, down: float, along: float
    ) -> FloatArray:
        """Metres of a straight step of so many cells down and along, (rows, columns)."""
        a, b, c, d = (step(rows, columns) for step in self.steps)
        return np.hypot(along * a + down * c, along * b + down * d)

    def areas_m2(self, rows: FloatArray, columns: FloatArray) -> FloatArray:
        """Square metres of the cells of rows and columns that follow each other evenly.

        Worked out every 2 km and straight between, which is right to 1e-7. Shape (rows, columns).
        """
        if not (rows.size and columns.size):
            return np.zeros((rows.size, columns.size))
        (r, part_r), (c, part_c) = (
            _thinned(v, float(self.lengths_m(rows[:1], columns[:1], *way)[0, 0]))
            for v, way in ((rows, (1.0, 0.0)), (columns, (0.0, 1.0)))
        )
        a, b, e, d = (step(r, c) for step in self.steps)
        return np.asarray(part_r @ np.abs(a * d - b * e) @ part_c.T)


def _thinned(places: FloatArray, metres: float) -> tuple[FloatArray, FloatArray]:
    """Take some places, evenly, and the share of each of them in every place, (places, some)."""
    step = (places[-1] - places[0]) / max(1, places.size - 1)
    every = int(np.clip(_APART_M / (metres * max(step, 1.0)), 1, 16))
    count = -(-(places.size - 1) // every) + 1
    some = np.linspace(places[0], places[-1], count)
    apart = np.abs(places[:, None] - some) / max((some[-1] - some[0]) / max(1, count - 1), 1e-9)
    return some, np.maximum(0.0, 1 - apart)
