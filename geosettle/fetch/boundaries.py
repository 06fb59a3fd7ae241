"""Administrative boundaries: geoBoundaries by its JSON, COD-AB by the catalogue of HDX (CKAN)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geosettle.errors import FetchError, InputError
from geosettle.fetch.box import area_of
from geosettle.fetch.job import Job, Made, write_features
from geosettle.fetch.transport import NotThereError, Remote
from geosettle.io.archives import dataset_names
from geosettle.io.formats import open_source


def plan_boundaries(job: Job) -> int:
    """Return the bytes of the files of all levels."""
    urls = (
        {url for _, url, _ in _levels(job)} if job.source.how == "geoboundaries" else {_cod(job)[0]}
    )
    return sum(job.transport.about(url, job.source.hosts).size or 0 for url in urls)


def make_geoboundaries(job: Job, target: Path) -> Made:
    """Write the units of each level that touch the box."""
    frames, remotes, about = [], [], {}
    for level, url, stated in _levels(job):
        path, remote = job.whole(url, ending=".geojson")
        rows = _read(path, None)
        frames.append(_units(rows, rows.get("shapeID"), rows.get("shapeName"), level, url=url))
        remotes.append(remote)
        about[level] = stated
    return _finish(frames, remotes, about, job, target)


def _levels(job: Job) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each level that the country has, the address of its file, and what is said of it."""
    found = 0
    for level in job.options.levels:
        url = job.url(level=level)
        try:
            stated = job.transport.read_json(url, job.source.hosts)
        except NotThereError:
            continue
        if not isinstance(stated, dict) or not isinstance(stated.get("gjDownloadURL"), str):
            raise FetchError("the catalogue names no file", file=url)
        found += 1
        yield level, stated["gjDownloadURL"], stated
    if not found:
        raise FetchError(
            f"{job.source.name} has none of the levels {', '.join(job.options.levels)} there",
            file=job.url(level=job.options.levels[0]),
            mend="Set [fetch] levels, or name another source of boundaries.",
        )


def _cod(job: Job) -> tuple[str, dict[str, Any]]:
    """Return the address of the archive of a country, and what the catalogue says of it."""
    url = job.url()
    stated = job.transport.read_json(url, job.source.hosts)
    result = stated.get("result") if isinstance(stated, dict) else None
    result = result if isinstance(result, dict) else {}
    listed = result.get("resources", [])
    for wanted in ("geojson", "shp"):
        for resource in listed:
            if wanted in str(resource.get("format", "")).lower().replace("shapefile", "shp"):
                return str(resource["url"]), result
    raise FetchError("the catalogue names no Shapefile or GeoJSON", file=url)


def make_cod(job: Job, target: Path) -> Made:
    """Write the units of each level that touch the box."""
    url, stated = _cod(job)
    path, remote = job.whole(url, ending=".zip")
    names = dataset_names(path.read_bytes(), path.name)
    frames: list[gpd.GeoDataFrame] = []
    about = {}
    for level in job.options.levels:
        n = level[-1]
        inside = [x for x in names if re.search(rf"adm(in)?_?{n}(?!\d)", Path(x).stem.lower())]
        if not inside:
            continue
        rows = _read(path, inside[0])
        code = _column(rows, rf"adm{n}_?pcode")
        name = _column(rows, rf"adm{n}_?(en|name|ref_name|fr|es|pt)")
        above = _column(rows, rf"adm{int(n) - 1}_?pcode") if frames else None
        frames.append(_units(rows, code, name, level, url=url, above=above))
        about[level] = {
            "boundaryLicense": stated.get("license_title", ""),
            "boundarySource": stated.get("dataset_source", ""),
        }
    return _finish(frames, [remote], about, job, target)


def _column(rows: gpd.GeoDataFrame, pattern: str) -> Any:
    found = [c for c in rows if re.fullmatch(pattern, str(c).lower())]
    return rows[found[0]] if found else None


def _read(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    source = open_source(path, role=None, layer=layer)
    frame = gpd.GeoDataFrame(source.cells, geometry=source.geometry, crs=source.crs or "EPSG:4326")
    return frame.to_crs("EPSG:4326")


def _units(
    rows: gpd.GeoDataFrame, code: Any, name: Any, level: str, *, url: str, above: Any = None
) -> gpd.GeoDataFrame:
    if code is None or name is None:
        raise FetchError("the units have no codes or no names where they are expected", file=url)
    columns = {"code": code, "name": name, "level": level.lower(), "parent_code": above}
    return gpd.GeoDataFrame(columns, geometry=rows.geometry, crs="EPSG:4326")


def _finish(
    frames: list[gpd.GeoDataFrame],
    remotes: list[Remote],
    about: dict[str, dict[str, Any]],
    job: Job,
    target: Path,
) -> Made:
    """Join the levels, each unit with the one above that holds it, and write those in the box."""
    if not frames:
        raise InputError(f"{job.source.name} has none of the levels asked for")
    for upper, lower in pairwise(frames):
        if lower["parent_code"].isna().all():
            inside = shapely.point_on_surface(lower.geometry.to_numpy())
            at, of = shapely.STRtree(upper.geometry.to_numpy()).query(inside, predicate="within")
            codes = dict(zip(at.tolist(), upper["code"].to_numpy()[of], strict=True))
            lower["parent_code"] = [codes.get(n) for n in range(len(lower))]
    rows = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs="EPSG:4326")
    touched = rows.intersects(area_of(job.box))
    rows = rows[touched].reset_index(drop=True)
    if rows.empty:
        raise FetchError(f"no unit of {job.source.name} touches the box", file=remotes[0].url)
    write_features(rows, target, job)
    terms = {str(a.get("boundaryLicense") or job.source.licence): None for a in about.values()}
    makers = {str(a["boundarySource"]): None for a in about.values() if a.get("boundarySource")}
    years = {
        str(a["boundaryYearRepresented"])
        for a in about.values()
        if a.get("boundaryYearRepresented")
    }
    entry = {"licence": "; ".join(terms), "date": max(years, default="")}
    if makers:
        entry["attribution"] = f"{job.source.attribution} ({'; '.join(makers)})"
    counts = rows["level"].value_counts()
    note = ", ".join(f"{counts[v]} of {v}" for v in dict.fromkeys(rows["level"]))
    return Made(remotes, [f"units in the box: {note}"], {k: v for k, v in entry.items() if v})
