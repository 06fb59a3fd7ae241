"""OpenStreetMap by Geofabrik's index: which extract holds a box, and which country it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from geosettle.data_files import read_data
from geosettle.errors import FetchError, InputError
from geosettle.fetch.box import area_of, check_box, halves
from geosettle.fetch.job import Box, Job, Made, write_features
from geosettle.fetch.transport import Transport
from geosettle.io.osm import read_osm

_WORDS: Final = read_data("fetch/countries.toml")["codes"].split()
LETTERS: Final[Mapping[str, str]] = dict(list(pairwise(_WORDS))[::2])
"""Country code of two letters to that of three."""


def codes_of(country: str) -> tuple[str, str]:
    """Return the codes of a country, of two and of three letters, given either.

    Raises
    ------
    InputError
        There is no such country.

    Examples
    --------
    >>> codes_of("nga")
    ('NG', 'NGA')
    """
    text = country.strip().upper()
    for two, three in LETTERS.items():
        if text in {two, three}:
            return two, three
    raise InputError(
        "there is no such country", value=country, mend="Give its ISO code, as in NGA."
    )


def read_index(url: str, transport: Transport) -> list[Any]:
    """Return the extracts that there are.

    Raises
    ------
    FetchError
        It is no such index.
    """
    stated = transport.read_json(url)
    found = stated.get("features") if isinstance(stated, dict) else None
    if not isinstance(found, list) or not all(isinstance(f, dict) for f in found):
        raise FetchError("this is no index of extracts", file=url)
    return [f for f in found if f.get("geometry") and f.get("properties", {}).get("urls")]


def _holding(index: list[Any], box: Box) -> list[Any]:
    """Return the extracts that hold a box, the smallest first."""
    area = area_of(box)
    sized = [(shapely.from_geojson(_geojson(f)), f) for f in index]
    held = [(shape.area, n) for n, (shape, _) in enumerate(sized) if shape.contains(area)]
    return [index[n] for _, n in sorted(held)]


def _geojson(feature: Mapping[str, Any]) -> str:
    return json.dumps(feature["geometry"])


def box_of_country(index: list[Any], country: tuple[str, str]) -> Box:
    """Return the box of a country.

    Raises
    ------
    InputError
        There is no extract of it, or it is on both sides of the 180th meridian.
    """
    mend = "Name a box: --bbox WEST SOUTH EAST NORTH."
    for feature in index:
        if feature["properties"].get("iso3166-1:alpha2") == [country[0]]:
            west, south, east, north = shapely.bounds(shapely.from_geojson(_geojson(feature)))
            if east - west > 300:
                raise InputError("the country crosses the 180th meridian", mend=mend)
            return check_box((west, south, east, north))
    raise InputError("the box of this country is not known", value=country[1], mend=mend)


def country_at(index: list[Any], box: Box) -> tuple[str, str]:
    """Return the codes of the country whose extract holds a box.

    Raises
    ------
    InputError
        The box is in no country, or in several.
    """
    for feature in _holding(index, box):
        codes = feature["properties"].get("iso3166-1:alpha2") or []
        if len(codes) == 1:
            return codes_of(str(codes[0]))
    raise InputError(
        "the box is not within one country", value=[round(side, 2) for side in box],
        mend="Name the country with --country.",
    )  # fmt: skip


def _extracts(job: Job) -> list[str]:
    """Addresses of the smallest extract that holds the box, else of all countries it touches."""
    index = read_index(job.url(), job.transport)
    names = {f["properties"]["id"] for f in index if f["properties"].get("parent")}
    held = [f for f in _holding(index, job.box) if f["properties"]["id"] in names]
    if held:
        return [str(held[0]["properties"]["urls"]["pbf"])]
    area = area_of(job.box)
    touched = [
        str(f["properties"]["urls"]["pbf"]) for f in index
        if f["properties"].get("iso3166-1:alpha2")
        and shapely.from_geojson(_geojson(f)).intersects(area)
    ]  # fmt: skip
    if not touched:
        raise FetchError("no extract reaches the box", file=job.url())
    return sorted(touched)


def plan_osm(job: Job) -> int:
    """Return the bytes of the extracts that are needed."""
    return sum(job.transport.about(u, job.source.hosts).size or 0 for u in _extracts(job))


def make_osm(job: Job, target: Path) -> Made:
    """Write what the box holds of a layer of OpenStreetMap."""
    remotes, frames = [], []
    for url in _extracts(job):
        words = (
            job.transport.read(f"{url}.md5", job.source.hosts).decode("ascii", "replace").split()
        )
        path, remote = job.whole(url, md5=words[0] if words else "")
        remotes.append(remote)
        for window in halves(job.box):
            found = read_osm(path, path.name, job.source.layer, window)
            frames.append(gpd.GeoDataFrame(found.cells, geometry=found.geometry, crs="EPSG:4326"))
    rows = pd.concat(frames, ignore_index=True)
    rows = gpd.GeoDataFrame(rows.drop_duplicates(rows.columns[0]), crs="EPSG:4326")
    write_features(rows, target, job)
    day = (
        parsedate_to_datetime(remotes[0].modified).date().isoformat() if remotes[0].modified else ""
    )
    return Made(remotes, [f"{len(rows):,} features in the box"], {"date": day} if day else {})
