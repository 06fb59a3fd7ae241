"""Settings of reach: who is within how many hours of the sites."""

from __future__ import annotations

from dataclasses import dataclass

from geosettle.settings.options import Options, setting


@dataclass(frozen=True, kw_only=True)
class ReachOptions(Options):
    """Catchments of the sites by travel time, and the persons in them; nothing without hours."""

    hours: tuple[float, ...] = setting(
        (), unit="h", above=0, meaning="limits of the catchments; empty: none are made"
    )
    direction: str = setting(
        "toward", choices=("toward", "from"), meaning="travel toward the sites, or from them"
    )
    rural_access_km: float = setting(
        0.0, unit="km", least=0,
        meaning="Rural Access Index: persons so near an all-season road (SDG 9.1.1: 2); 0: none",
    )  # fmt: skip
