"""What is to be fetched of one source, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd

from geosettle.errors import FetchError, InputError
from geosettle.fetch.sources import Source
from geosettle.fetch.transport import Remote, Transport
from geosettle.io.staging import explained, write_file
from geosettle.settings import FetchOptions

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; east is above 180 where the box crosses that meridian."""


@dataclass(frozen=True)
class Job:
    """One source, the box and country that it is wanted for, and how it is asked."""

    source: Source
    box: Box
    options: FetchOptions
    transport: Transport
    scratch: Path
    """Folder for whole files as long as they are needed."""
    find_country: Callable[[], tuple[str, str]]
    """Gives the codes of two and of three letters of the country."""

    def url(self, **fields: Any) -> str:
        """Return the address of a file, its blanks filled in.

        Raises
        ------
        InputError
            The address has blanks that nothing fills.
        """
        text = self.options.address.get(self.source.name, self.source.address)
        if "{iso" in text:
            iso2, iso3 = self.find_country()
            fields |= {"iso2": iso2, "iso3": iso3, "iso3_lower": iso3.lower()}
        try:
            return text.format(year=self.source.year, **fields)
        except (KeyError, ValueError, IndexError) as error:
            raise InputError(
                f"the address of {self.source.name} cannot be filled in ({error})", value=text,
                mend="Write it as in geosettle/fetch/sources.toml.",
            ) from error  # fmt: skip

    def whole(self, url: str, *, md5: str = "", ending: str = "") -> tuple[Path, Remote]:
        """Return a whole file that is fetched; one that is here already if it is still the same.

        Two layers may come from one file, and a call may have ended between them.
        """
        name = urlsplit(url).path.rpartition("/")[2]
        name = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}"
        path = self.scratch / (name if name.lower().endswith(ending) else name + ending)
        about = path.with_name(f"{path.name}.about")
        if path.is_file() and about.is_file():
            seen = Remote(**json.loads(about.read_text(encoding="utf-8")))
            if seen.same_as(self.transport.about(url, self.source.hosts)):
                return path, seen
        remote = self.transport.download(url, path, hosts=self.source.hosts, md5=md5)
        write_file(about, json.dumps(asdict(remote)).encode())
        return path, remote


def write_features(rows: gpd.GeoDataFrame, target: Path, job: Job) -> None:
    """Write points, lines or areas as FlatGeobuf.

    Raises
    ------
    FetchError
        There are none in the box.
    """
    if rows.empty:
        raise FetchError(f"{job.source.name} has nothing in the box", file=job.source.name)
    with explained(target):
        rows.to_file(target, driver="FlatGeobuf")


@dataclass(frozen=True)
class Made:
    """Where a file that was made came from, and what is worth knowing about it."""

    remotes: list[Remote]
    notes: list[str] = field(default_factory=list)
    entry: Mapping[str, Any] = field(default_factory=dict)
    """What study.toml says of the layer besides, such as a licence that the catalogue states."""
