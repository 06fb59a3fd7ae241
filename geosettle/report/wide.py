"""Long tables turned for reading: one row per site, one column per indicator."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.report.summary import flat, name_of, number, numbers, oasis_shares
from geosettle.report.tables import round_to

__all__ = ["oasis_wide", "remoteness_wide"]

_SHOWN: Final = (
    ("land_mean_unweighted", "geodesic"),
    ("land_max", "geodesic"),
    ("land_mean_unweighted", "walk"),
    ("land_radii_motor", "geodesic"),
    ("nearest_county_seat", "geodesic"),
    ("nearest_prefecture_seat", "geodesic"),
    ("change_of_nearest_county_seat_per_flow", "geodesic"),
    ("gravity_remoteness", "geodesic"),
    ("aria_style", "geodesic"),
)
"""Indicator and metric of the columns of the report, in order; tables/remoteness.csv has them all."""


def remoteness_wide(result: Result) -> pd.DataFrame:
    """Return one row per site: the main indicators as text, with the range that the positions allow.

    Columns are named `ind_<indicator>_<metric>`; those without any value are left out.
    """
    frame = flat(result.remoteness)
    if frame.empty or "role" not in frame:
        return pd.DataFrame()
    sites = frame[frame["role"] == "site"]
    made = pd.DataFrame({"name": {key: name_of(result.sites, key) for key in sorted(sites["id"].unique())}})
    for indicator, metric in _SHOWN:
        rows = sites[(sites["indicator"] == indicator) & (sites["metric"] == metric)].set_index("id")
        value, low, high = (numbers(rows, name) for name in ("value", "low", "high"))
        if value.notna().any():
            most = 2 if indicator in {"gravity_remoteness", "aria_style"} else 1
            rounded = [round_to(part, (high - low) / 2, most) for part in (value, low, high)]
            texts = [_ranged(*three) for three in zip(*rounded, strict=True)]
            made[f"ind_{indicator}_{metric}"] = pd.Series(texts, index=rows.index)
    return made.reset_index(drop=True)


def _ranged(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return ""
    if not (np.isfinite(low) and np.isfinite(high)) or low == high:
        return f"{value:,.6g}"
    return f"{value:,.6g} ({low:,.6g} … {high:,.6g})"


def oasis_wide(result: Result) -> pd.DataFrame:
    """Return one row per unit: its oasis share at each setting, beside published and printed figures, in percent."""
    sources = result.oasis.groupby("name")["source"].agg(lambda texts: "; ".join(sorted(set(texts.dropna()))))
    rows = [
        {"name": share.name}
        | {f"oasis_{setting}": share.derived.get(setting, np.nan) for setting in ("low", "central", "high")}
        | {
            "oasis_published": ", ".join(dict.fromkeys(map(number, share.published))),
            "oasis_printed": ", ".join(dict.fromkeys(map(number, share.printed))),
            "source": sources.get(share.name, ""),
        }
        for share in oasis_shares(result)
    ]
    return pd.DataFrame(rows).round(2)
