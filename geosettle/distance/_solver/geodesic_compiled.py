"""The formulas of `geodesic` compiled row by row.

Import this only for large jobs: it takes seconds the first time.
"""

from __future__ import annotations

import types
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver import geodesic
from geosettle.distance._solver.compiling import compiled

FloatArray = NDArray[np.float64]

# No reassociation: sums stay in the order written, so that results do not depend on the width of
# the vector unit.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract", "nsz", "arcp", "nnan", "ninf"}}


def _inlined(name: str, **known: Any) -> Any:
    """Compile a function of `geodesic` to be inlined, with the compiled forms of those it calls."""
    plain = getattr(geodesic, name)
    bound = types.FunctionType(plain.__code__, {**plain.__globals__, **known}, name)
    return numba.njit(inline="always", error_model="numpy", **_OPTIONS)(bound)


_half_angles = _inlined("half_angles")
_length = _inlined("_length")
_squares = _inlined("squares")
_near = _inlined("near", squares=_squares)
_far = _inlined("far", _length=_length)


_rows = compiled(**_OPTIONS)


@_rows
def rows_near(one: FloatArray, two: FloatArray, scale: float, out: FloatArray) -> None:
    """Length of every pair of `halved` points, times a scale, into (n, m); short arcs.

    The points have shapes (3, n) and (3, m).
    """
    for i in range(out.shape[0]):
        row = out[i]
        x, y, z = one[0, i], one[1, i], one[2, i]
        for j in range(row.shape[0]):
            row[j] = scale * _near(x, y, z, two[0, j], two[1, j], two[2, j])


@_rows
def rows_far(one: FloatArray, two: FloatArray, scale: float, limit: float, out: FloatArray) -> None:
    """As `rows_near` for any arc and `prepare`d points.

    A pair nearer than the limit to the antipode gets -1.
    """
    for i in range(out.shape[0]):
        row = out[i]
        a, b, c, d, e, f = one[0, i], one[1, i], one[2, i], one[3, i], one[4, i], one[5, i]
        for j in range(row.shape[0]):
            g, h, k, p, q, r = two[0, j], two[1, j], two[2, j], two[3, j], two[4, j], two[5, j]
            pp, sh, ch, cc, ss = _half_angles(a, b, c, d, e, f, g, h, k, p, q, r)
            length, left = _far(pp, sh, ch, cc, ss)
            row[j] = scale * length if left > limit else -1.0
