"""Overture Maps: the newest release by its STAC catalogue, GeoParquet read by the box."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import geopandas as gpd
import pandas as pd
import shapely

from geosettle.errors import FetchError, InputError
from geosettle.fetch.box import area_of, halves
from geosettle.fetch.job import Box, Job, Made, write_features
from geosettle.fetch.transport import RangeFile, Remote

_COLUMNS: Final = ("id", "geometry", "subtype", "class", "names", "bbox")


def plan_overture(job: Job) -> int:
    """Return the bytes of the row groups that touch the box; the feet of the files are read."""
    total = 0
    for _, parquet in _files(job):
        for n in _groups(parquet, job.box):
            group = parquet.metadata.row_group(n)
            chunks = (group.column(k) for k in range(group.num_columns))
            total += sum(
                c.total_compressed_size for c in chunks
                if c.path_in_schema.split(".")[0] in _COLUMNS
            )  # fmt: skip
    return total


def make_overture(job: Job, target: Path) -> Made:
    """Write the roads of the newest release that touch the box."""
    area = area_of(job.box)
    frames: list[gpd.GeoDataFrame] = []
    remotes: list[Remote] = []
    for file, parquet in _files(job):
        remotes.append(file.remote)
        groups = _groups(parquet, job.box)
        if not groups:
            continue
        rows = parquet.read_row_groups(groups, columns=list(_COLUMNS)).to_pandas()
        shapes = shapely.from_wkb(rows["geometry"].to_numpy())
        keep = (rows["subtype"] == "road").to_numpy() & shapely.intersects(shapes, area)
        names = [n.get("primary") if isinstance(n, dict) else None for n in rows["names"][keep]]
        frames.append(
            gpd.GeoDataFrame(
                {"road_id": rows["id"][keep], "name": names, "highway": rows["class"][keep]},
                geometry=shapes[keep],
                crs="EPSG:4326",
            )
        )
    if not frames:
        raise FetchError(f"{job.source.name} has nothing in the box", file=job.url())
    found = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs="EPSG:4326")
    write_features(found.sort_values("road_id").drop_duplicates("road_id"), target, job)
    release = re.search(r"\d{4}-\d{2}-\d{2}", remotes[0].url)
    notes = ["a release is taken away after some weeks: keep the file, and sources.lock"]
    return Made(remotes, notes, {"date": release[0]} if release else {})


def _files(job: Job) -> Iterator[tuple[RangeFile, Any]]:
    """Open the GeoParquet files of the newest release whose extent touches the box."""
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra)
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            "Overture needs the package pyarrow", mend='Run: pip install "geosettle[parquet]"'
        ) from error
    found = 0
    for url in _addresses(job):
        file = job.transport.open(url, job.source.hosts)
        try:
            parquet = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, FetchError):
                raise
            raise FetchError("this is no GeoParquet file", file=url) from error
        found += 1
        yield file, parquet
    if not found:
        raise FetchError(f"no file of {job.source.name} touches the box", file=job.url())


def _addresses(job: Job) -> Iterator[str]:
    """Addresses of the files that touch the box, from catalogue to catalogue."""
    url = job.url()
    catalogue = _catalogue(job, url)
    for name in (str(catalogue.get("latest", "")), "transportation", "segment"):
        hrefs = [
            h for h in _links(catalogue, "child")
            if name and re.search(rf"(^|/){re.escape(name)}/", h)
        ]  # fmt: skip
        if not hrefs:
            raise FetchError(f"the catalogue has no {name or 'newest release'}", file=url)
        url = urljoin(url, hrefs[0])
        catalogue = _catalogue(job, url)
    for href in _links(catalogue, "item"):
        item = _catalogue(job, urljoin(url, href))
        sides = item.get("bbox")
        known = tuple(sides) if isinstance(sides, list) and len(sides) == 4 else None
        if known is not None and not any(_meet(known, half) for half in halves(job.box)):
            continue
        files = (a.get("href", "") for a in dict(item.get("assets", {})).values())
        parquet = next((f for f in files if re.match(r"https?://.*\.parquet$", str(f))), None)
        if parquet is None:
            raise FetchError("the catalogue names no GeoParquet file", file=urljoin(url, href))
        yield str(parquet)


def _catalogue(job: Job, url: str) -> dict[str, Any]:
    stated = job.transport.read_json(url, job.source.hosts)
    if not isinstance(stated, dict):
        raise FetchError("this is no STAC catalogue", file=url)
    return stated


def _links(catalogue: dict[str, Any], kind: str) -> list[str]:
    links = (link for link in catalogue.get("links", ()) if isinstance(link, dict))
    return [str(link.get("href")) for link in links if link.get("rel") == kind]


def _meet(a: tuple[Any, ...], b: Box) -> bool:
    return bool(a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1])


def _groups(parquet: Any, box: Box) -> list[int]:
    """Row groups that may hold something in the box, by the extremes that they state."""
    out = []
    for n in range(parquet.metadata.num_row_groups):
        group = parquet.metadata.row_group(n)
        stated = {
            c.path_in_schema: c.statistics
            for c in (group.column(k) for k in range(group.num_columns))
            if c.path_in_schema.startswith("bbox.") and c.statistics is not None
        }
        names = ("bbox.xmin", "bbox.ymin", "bbox.xmax", "bbox.ymax")
        if any(name not in stated for name in names):
            out.append(n)
            continue
        sides = tuple(
            stated[name].min if name.endswith("min") else stated[name].max for name in names
        )
        if any(_meet(sides, half) for half in halves(box)):
            out.append(n)
    return out
