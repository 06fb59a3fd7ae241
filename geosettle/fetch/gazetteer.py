"""Places of GeoNames, a table of each country."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from geosettle.errors import FetchError
from geosettle.fetch.job import Job, Made, write_features
from geosettle.io.archives import check_archive

_COLUMNS: Final = {
    0: "place_id",
    1: "name",
    4: "lat",
    5: "lon",
    6: "group",
    7: "code",
    14: "population",
}
_SEATS: Final = {
    "PPLC": "adm1_seat",
    "PPLA": "adm1_seat",
    "PPLA2": "adm2_seat",
    "PPLA3": "adm3_seat",
}


def plan_geonames(job: Job) -> int | None:
    """Return the bytes of the country's file."""
    return job.transport.about(job.url(), job.source.hosts).size


def make_geonames(job: Job, target: Path) -> Made:
    """Write the populated places of the country that are in the box."""
    url = job.url()
    path, remote = job.whole(url)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in check_archive(archive, path.name) if m.filename.count(".") == 1]
            member = next(m for m in members if m.filename.lower() != "readme.txt")
            text = io.BytesIO(archive.read(member))
        rows = pd.read_csv(
            text, sep="\t", header=None, usecols=list(_COLUMNS), quoting=3, encoding="utf-8",
            dtype={0: "str", 1: "str", 6: "str", 7: "str"}, keep_default_na=False,
        ).rename(columns=_COLUMNS)  # fmt: skip
    except (zipfile.BadZipFile, StopIteration, ValueError) as error:
        raise FetchError("this is no table of GeoNames", file=url) from error
    west, south, east, north = job.box
    lon, lat = rows["lon"].astype(float), rows["lat"].astype(float)
    across = lon.between(west, east) | (lon + 360).between(west, east)
    rows = rows[(rows["group"] == "P") & across & lat.between(south, north)]
    persons = pd.to_numeric(rows["population"], errors="coerce")
    places = gpd.GeoDataFrame(
        {
            "place_id": "gn" + rows["place_id"], "name": rows["name"],
            "kind": rows["code"].map(_SEATS).fillna("settlement"),
            "population": persons.where(persons > 0),
        },
        geometry=gpd.points_from_xy(lon[rows.index], lat[rows.index]), crs="EPSG:4326",
    )  # fmt: skip
    write_features(places, target, job)
    return Made([remote], [f"{len(places):,} places in the box"])
