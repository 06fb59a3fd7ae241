"""The oasis share of each unit, as several tables and figures show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geosettle.analysis import Result
from geosettle.results import numbers

__all__ = ["OasisShare", "oasis_shares"]


@dataclass(frozen=True)
class OasisShare:
    """Oasis of one unit, percent of its area: derived per setting, published elsewhere, printed by
    a claim.
    """

    code: str
    name: str
    derived: Mapping[str, float]
    published: tuple[float, ...]
    printed: tuple[float, ...]


def oasis_shares(result: Result) -> list[OasisShare]:
    """Return the oasis shares of every unit, by code; a published area is divided by the unit's own
    area.
    """
    frame = result.oasis
    if frame.empty or "share_percent" not in frame:
        return []
    made = []
    for code, rows in frame.groupby("code", sort=True):
        derived = rows.drop_duplicates("setting").set_index("setting")["share_percent"]
        published = numbers(rows, "published")
        area = rows["quantity"] == "area_km2"
        published = published.where(~area, published / numbers(rows, "unit_area_km2") * 100)
        claimed = rows["claim"].fillna("").astype(str) != ""
        made.append(
            OasisShare(
                str(code),
                str(rows["name"].iloc[0]),
                {str(setting): float(share) for setting, share in derived.items()},
                tuple(sorted(set(published[~claimed].dropna()))),
                tuple(sorted(set(published[claimed].dropna()))),
            )
        )
    return made
