"""Base maps from the network, only when asked for, and only where they lie where they say."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Final

from geosettle.errors import InputError, UnknownNameError

_SHIFTED: Final = (
    (
        re.compile(
            r"gaode|高德|(?<![a-z])amap|autonavi|geoq|tencent|腾讯|qq\.com|gtimg", re.IGNORECASE
        ),
        "GCJ-02",
    ),
    (re.compile(r"baidu|百度|bdimg", re.IGNORECASE), "BD-09"),
)
"""Providers whose tiles are displaced by law of the Chinese datums; 160 to 330 m in southern
Xinjiang for GCJ-02.
"""


@dataclass(frozen=True)
class Basemap:
    """One base map: where its tiles are, and whom to credit."""

    name: str
    url: str
    credit: str
    max_zoom: int
    subdomains: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """Origins that the page must be allowed to load pictures from."""
        match = re.match(r"https?://[^/]+", self.url)
        origin = match.group(0) if match else ""
        if "{s}" not in origin:
            return (origin,)
        return tuple(origin.replace("{s}", letter) for letter in self.subdomains)

    def payload(self) -> dict[str, Any]:
        """Give what the script needs of it."""
        return {
            "name": self.name,
            "url": self.url,
            "credit": self.credit,
            "maxZoom": self.max_zoom,
            "subdomains": self.subdomains,
        }


def find_basemap(name: str) -> Basemap:
    """Find a base map by its xyzservices name.

    Parameters
    ----------
    name
        For example "OpenStreetMap.Mapnik"; capitals and dots do not matter.

    Returns
    -------
    Basemap

    Raises
    ------
    UnknownNameError
        xyzservices knows no such provider.
    InputError
        The tiles are in GCJ-02 or BD-09, not in Web Mercator, or need a key that is not given.

    Examples
    --------
    >>> find_basemap("OpenTopoMap").hosts[0]
    'https://a.tile.opentopomap.org'
    """
    import xyzservices  # noqa: PLC0415  (a list of 200 providers, read only when one is asked for)

    for pattern, datum in _SHIFTED:
        if pattern.search(name):
            raise _shifted(name, datum)
    try:
        provider = xyzservices.providers.query_name(name)
    except ValueError:
        raise UnknownNameError(
            "no base map has this name",
            value=name,
            mend="See xyzservices.providers, e.g. OpenStreetMap.Mapnik.",
        ) from None
    url = str(provider["url"])
    for pattern, datum in _SHIFTED:
        if pattern.search(url):
            raise _shifted(name, datum)
    if provider.requires_token():
        raise InputError(
            "this base map needs a personal key, which would be published with the map", value=name,
            mend="Choose a provider without a key.",
        )  # fmt: skip
    if provider.get("crs", "EPSG:3857") != "EPSG:3857":
        raise InputError(
            f"the tiles of this base map are in {provider['crs']}, and the map is in Web Mercator "
            "(EPSG:3857); sites "
            "would be in the wrong place",
            value=name, mend="Use a base map in Web Mercator, or none.",
        )  # fmt: skip
    if provider.get("tms"):  # rows counted from the south, as Leaflet's {-y} does
        url = url.replace("{y}", "{-y}")
    url = re.sub(r"\{(?![xyzsr]\})(\w+)\}", lambda m: str(provider.get(m.group(1), "")), url)
    return Basemap(
        name=str(provider.name),
        url=url.replace("{r}", ""),
        credit=html.unescape(re.sub(r"<[^>]*>", "", str(provider.get("attribution", "")))),
        max_zoom=int(provider.get("max_zoom", 18)),
        subdomains=str(provider.get("subdomains", "abc")),
    )


def _shifted(name: str, datum: str) -> InputError:
    return InputError(
        f"the tiles of this base map are in {datum}, which displaces them by some hundred metres "
        "against WGS84; sites "
        "would be in the wrong field",
        value=name,
        mend="Use a base map in WGS84, or none.",
    )
