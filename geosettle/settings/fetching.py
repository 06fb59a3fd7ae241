"""Settings of `geosettle fetch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geosettle.settings.options import Options, setting


@dataclass(frozen=True, kw_only=True)
class FetchOptions(Options):
    """What geosettle fetch brings; a run never connects."""

    layers: tuple[str, ...] = setting(
        (), meaning="layers or sources; empty: those that the study lacks"
    )
    box: tuple[float, ...] = setting(
        (), unit="degrees", least=-180, most=360, length=(0, 4),
        meaning="[west, south, east, north]; empty: around sites and origins, as far as the reach",
    )  # fmt: skip
    hours: float = setting(5.0, unit="h", least=0, meaning="the reach is these hours ...")
    speed_kmh: float = setting(
        6.0, unit="km/h", above=0, meaning="... at this top speed, and no less than the radii_km"
    )
    country: str = setting("", meaning="its code, three letters; empty: found by the box")
    levels: tuple[str, ...] = setting(
        ("ADM1", "ADM2"), meaning="levels of boundaries, from high to low"
    )
    cells: int = setting(
        50_000_000,
        unit="cells",
        least=1,
        meaning="of a raster with more in the box only every second, third ... is fetched",
    )
    mirror: str = setting("", meaning="server that has the files of all sources, under host/path")
    address: Mapping[str, str] = setting({}, meaning="source = its address, as in sources.toml")
