"""One registry at two survey dates: which sites are new, closed or moved, and by how many."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import text_array
from geosettle.geodesy import inverse

FloatArray = NDArray[np.float64]

_MOVED_KM: Final = 0.5
"""A site has moved if its positions are farther apart than both radii and this together."""
COUNTS: Final = ("households", "persons")


def compare_sites(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare two lists of sites by their identifiers.

    Parameters
    ----------
    before, after
        Indexed by `site_id`; `lon`, `lat` (WGS84 degrees), `uncertainty_km`, `households` and
        `persons` where known.

    Returns
    -------
    DataFrame
        By `site_id`, sorted: `status` (``new``, ``closed``, ``moved``, ``same place``, or
        ``position unknown`` at one of the dates), `households_before`, `households`,
        `persons_before`, `persons`, `moved_km` (NaN where the site is not in both, or a position
        is unknown).

    Examples
    --------
    >>> old = pd.DataFrame({"lon": [10.0, 11.0], "lat": [9.0, 9.0]}, index=["a", "b"])
    >>> new = pd.DataFrame({"lon": [11.2, 12.0], "lat": [9.0, 9.0]}, index=["b", "c"])
    >>> compare_sites(old, new)[["status", "moved_km"]].round(1)
       status  moved_km
    a  closed       NaN
    b   moved      22.0
    c     new       NaN
    """
    every = before.index.union(after.index)
    old, new = (frame.reindex(every) for frame in (before, after))
    there, here = every.isin(before.index), every.isin(after.index)
    ends = [_numbers(frame, axis) for frame in (old, new) for axis in ("lon", "lat")]
    apart = inverse(*ends)[0] / 1000
    slack = _numbers(old, "uncertainty_km", 0.0) + _numbers(new, "uncertainty_km", 0.0)
    with np.errstate(invalid="ignore"):
        moved = apart > slack + _MOVED_KM
    words = ["new", "closed", "moved", "same place"]
    words = ["new", "closed", "moved", "same place"]
    status = np.select([~there, ~here, moved, np.isfinite(apart)], words, "position unknown")
    out = pd.DataFrame({"status": text_array(status)}, index=every)
    for column in COUNTS:
        out[f"{column}_before"] = _numbers(old, column)
        out[column] = _numbers(new, column)
    return out.assign(moved_km=apart)


def _numbers(frame: pd.DataFrame, column: str, empty: float = np.nan) -> FloatArray:
    if column not in frame:
        return np.full(len(frame), empty)
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isnan(values), empty, values)


def totals(compared: pd.DataFrame, before: int, after: int) -> dict[str, float]:
    """Sum up a comparison: `sites_before, sites, new, closed, moved` and the counts of both dates.

    Parameters
    ----------
    compared
        From `compare_sites`, or some of its rows.
    before, after
        Sites on each list.
    """
    count = compared["status"].value_counts()
    out: dict[str, float] = {"sites_before": before, "sites": after}
    out |= {word: int(count.get(word, 0)) for word in ("new", "closed", "moved")}
    for column in COUNTS:
        for name in (f"{column}_before", column):
            out[name] = float(compared[name].sum(min_count=1))
    return out


def totals_lines(total: dict[str, float]) -> list[str]:
    """Lines on totals, such as for two runs.

    Examples
    --------
    >>> total = {"sites_before": 3, "sites": 4, "new": 2, "closed": 1, "moved": 0}
    >>> total |= {"households_before": 1200.0, "households": 1350.0}
    >>> totals_lines(total | {"persons_before": np.nan, "persons": np.nan})
    ['sites: 3 → 4 (2 new, 1 closed, 0 moved)', 'households: 1,200 → 1,350 (+150)']
    """
    kinds = ", ".join(f"{total[word]:,.0f} {word}" for word in ("new", "closed", "moved"))
    lines = [f"sites: {total['sites_before']:,.0f} → {total['sites']:,.0f} ({kinds})"]
    for column in COUNTS:
        old, new = total[f"{column}_before"], total[column]
        if np.isfinite(old) and np.isfinite(new):
            lines.append(f"{column}: {old:,.0f} → {new:,.0f} ({new - old:+,.0f})")
    return lines
