"""analyse(study) -> Result: the main job, as one page that reads like its data flow."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle import __version__
from geosettle.admin import admin_long, join_admin
from geosettle.beside import beside
from geosettle.claims import Evidence, judge_claims
from geosettle.covers import (
    OUTSIDE,
    cover_change,
    derive_oasis,
    founding_status,
    land_per_household,
    oasis_areas,
    oasis_position,
    overlay_areas,
)
from geosettle.distance import distance_intervals, pair_distances, travel_time
from geosettle.distance.network import RoadRules, read_network, road_problems
from geosettle.distance.uncertainty import surface_evaluator
from geosettle.io.versions import native_versions
from geosettle.livelihood import livelihood
from geosettle.quality import Problem, problems_frame
from geosettle.raster import Raster
from geosettle.remoteness import remoteness
from geosettle.study import Study

__all__ = ["Result", "analyse"]

_LADDER: Final = ("county", "prefecture")
"""Levels that the written tables name; a study may have any others beside them."""
_LIBRARIES: Final = (
    "geopandas",
    "shapely",
    "pyproj",
    "pyogrio",
    "rasterio",
    "pandas",
    "numpy",
    "scipy",
    "exactextract",
    "folium",
    "matplotlib",
)


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that was computed, as plain frames. Missing numbers are NaN and their reason stands in `why`.

    Attributes
    ----------
    study
        The inputs it was computed from.
    sites
        GeoDataFrame by `site_id`: the site's own columns (`declared_county`, `declared_prefecture` for what the source
        says), then `county_code, county, prefecture_code, prefecture, admin_probability, on_border, border_km,
        admin_agrees, in_oasis, oasis_edge_km, oasis_edge_low_km, oasis_edge_high_km` (negative inside), then areas
        (`oasis_5km_ha`, `development_5km_ha` ...), household-weighted distances and indicators, then `why`.
    origins
        GeoDataFrame by `origin_id`, with the same administrative and oasis columns.
    pairs
        DataFrame by `(origin_id, site_id)`, the columns of pairs.csv in the contract.
    intervals
        Long: `origin_id, site_id, metric, unit, low, median, high, level, draws, why`.
    admin
        Long, one row per place and level: `role, id, level, code, name, probability, alternatives, on_border,
        border_km, distance_m, declared, agrees, why`.
    covers
        Long: `zone_id, zone, radius_km, layer, class, year, area_ha, share, households, area_ha_per_household,
        geometry_basis, evidence, why`.
    oasis
        Area of the oasis per prefecture and setting, beside published figures.
    land
        Land per household and site: declared, mapped, leased, self-run, in ha and mu, against thresholds.
    change
        Cover change: from-to, gain, loss, rates; empty where there is one date only.
    remoteness
        Long: `role, id, indicator, metric, value, low, high, unit, n, rank_low, rank_high, why`.
    livelihood
        Long: `section, site_id, item, before, after, change, low, high, unit, n, verdict, evidence, source, note`.
    claims
        The claims ledger: the claim's own columns, then `computed, computed_unit, layer, difference, verdict, why`.
    problems
        Every problem, from reading to computing; see `geosettle.quality`.
    oasis_polygons
        Oasis by setting (low, central, high), as polygons.
    rasters
        Rasters made on the way, by name (`walk_h` ...), for the map.
    """

    study: Study
    sites: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    pairs: pd.DataFrame
    intervals: pd.DataFrame
    admin: pd.DataFrame
    covers: pd.DataFrame
    oasis: pd.DataFrame
    land: pd.DataFrame
    change: pd.DataFrame
    remoteness: pd.DataFrame
    livelihood: pd.DataFrame
    claims: pd.DataFrame
    problems: pd.DataFrame
    oasis_polygons: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    rasters: Mapping[str, Raster] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Versions, parameters, seed, input hashes: what manifest.json says, for map and report to print."""


def analyse(study: Study, *, progress: Callable[[str], None] = lambda _: None, workers: int = 1) -> Result:
    """Join, measure and judge everything that the study's layers allow.

    Parameters
    ----------
    study
        From `geosettle.read_study`, or made of frames.
    progress
        Called with a few words before each long step.
    workers
        Processes that may work at once; the result is the same for any number.

    Returns
    -------
    Result
        Frames that are empty where a layer is missing; see `Result`.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> result.sites.loc["S1", "county"], bool(result.sites.loc["S1", "in_oasis"])
    ('West County', True)
    """
    problems: list[Problem] = list(study.problems)
    measured = beside(partial(_distances, study), workers)
    progress("joining boundaries")
    sites, origins, admin = _join(study)
    progress("measuring the oasis")
    oases = _oases(study, problems)
    oasis = _central(oases, study.settings)
    sites, origins = (_place_in_oasis(frame, oasis, study.settings) for frame in (sites, origins))
    sites["oasis_edge_by_setting"] = _by_setting(sites, oases)
    oasis_table = _oasis_table(study, oases)
    progress("overlaying land")
    covers = _covers(study, sites, oasis, problems)
    sites = sites.join(_areas_wide(covers, sites.index))
    land = _land(study, sites, oasis, problems)
    change = _change(study, sites, problems)
    progress("measuring distances")
    reach = _reach(study)
    pairs, intervals = measured()
    unused = _unused_roads(study)
    problems += unused
    study = _without(study, "roads", sum(p.severity == "error" for p in unused))
    progress("measuring remoteness")
    remote = _remoteness(study, pairs, origins, intervals)
    sites = _last_why(sites.join(_weighted_distances(remote, sites.index)))
    progress("holding claims against the layers")
    evidence = Evidence(
        sites=sites,
        origins=origins,
        flows=study.flows,
        boundaries=study.boundaries,
        development=study.development,
        indicators=study.indicators,
        oasis=oasis_table,
        remoteness=remote,
        claims=study.claims,
        aliases=study.settings["admin"]["aliases"],
    )
    return Result(
        study=study,
        sites=sites,
        origins=_last_why(origins),
        pairs=pairs,
        intervals=intervals,
        admin=admin,
        covers=covers,
        oasis=oasis_table,
        land=land,
        change=change,
        remoteness=remote,
        livelihood=_livelihood(study, sites, remote),
        claims=judge_claims(study.claims, evidence, relative_tolerance=study.settings["claims"]["relative_tolerance"]),
        problems=problems_frame(dict.fromkeys(problems)),  # a fault met on the way to two tables is one fault
        oasis_polygons=oases,
        rasters=reach,
        provenance=_provenance(study),
    )


# --- administrative units -------------------------------------------------------------------------------------------


def _join(study: Study) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Sites and origins with their administrative columns, and the long table of both."""
    made, long = [], []
    for role, frame in (("site", study.sites), ("origin", _origins(study))):
        own = frame.rename(columns={level: f"declared_{level}" for level in _LADDER if level in frame})
        if study.boundaries is None or study.boundaries.empty:
            joined = pd.DataFrame({"why": "admin: the study has no boundaries"}, index=frame.index)
        else:
            joined = join_admin(
                frame,
                study.boundaries,
                aliases=study.settings["admin"]["aliases"],
                tolerance_km=study.settings["admin"]["tolerance_km"],
            )
            long.append(admin_long(joined, role))
        made.append(own.join(_admin_columns(joined)))
    return made[0], made[1], pd.concat(long, ignore_index=True) if long else pd.DataFrame(columns=list(_ADMIN_LONG))


def _origins(study: Study) -> gpd.GeoDataFrame:
    if study.origins is not None:
        return study.origins
    return gpd.GeoDataFrame({"name": []}, geometry=[], crs=study.sites.crs, index=pd.Index([], name="origin_id"))


_ADMIN_LONG: Final = (
    "role",
    "id",
    "level",
    "code",
    "name",
    "probability",
    "alternatives",
    "on_border",
    "border_km",
    "distance_m",
    "declared",
    "agrees",
    "why",
)


def _admin_columns(joined: pd.DataFrame) -> pd.DataFrame:
    """Columns of sites.csv: code and name per level, how sure, how near a border, and whether it is as declared."""
    levels = [c.removesuffix("_code") for c in joined.columns if c.endswith("_code")]
    ladder = [*_LADDER, *[level for level in reversed(levels) if level not in _LADDER]]
    wanted = [name for level in ladder for name in (f"{level}_code", level)]
    return joined.reindex(columns=[*wanted, "admin_probability", "on_border", "border_km", "admin_agrees", "why"])


# --- oasis and land -------------------------------------------------------------------------------------------------


def _oases(study: Study, problems: list[Problem]) -> dict[str, gpd.GeoDataFrame]:
    """Oasis by setting: the study's own polygons, or one map per setting of its rule; empty if it has neither."""
    if study.oasis is not None and not study.oasis.empty:
        # Polygons of several years are maps of the same ground: where a place lies is told by the latest.
        years = study.oasis["year"]
        return {"central": study.oasis[years.isna() | (years == years.max())]}
    year, landcover = max(study.landcover.items(), default=(None, None))
    rules = {
        name: rule for name, rule in study.settings["oasis"].items() if name in {"low", "central", "high"} and rule
    }
    if not rules or (landcover is None and study.ndvi is None):
        return {}
    return {
        name: derive_oasis(
            landcover, study.ndvi, study.dem, rule, year=year, problems=problems if name == "central" else None
        )
        for name, rule in rules.items()
    }


def _central(oases: Mapping[str, gpd.GeoDataFrame], settings: Mapping[str, Any]) -> gpd.GeoDataFrame | None:
    return oases.get(settings["overlay"]["oasis_setting"], next(iter(oases.values()), None))


def _place_in_oasis(
    frame: gpd.GeoDataFrame, oasis: gpd.GeoDataFrame | None, settings: Mapping[str, Any]
) -> gpd.GeoDataFrame:
    found = oasis_position(
        frame,
        oasis,
        radii_km=settings["overlay"]["radii_km"],
        fringe_km=settings["overlay"]["fringe_km"],
        seed=settings["distance"]["seed"],
    )
    out = frame.join(found.drop(columns="oasis_why"))
    out["why"] = _reasons(frame["why"], found["oasis_why"])
    return out


def _by_setting(frame: gpd.GeoDataFrame, oases: Mapping[str, gpd.GeoDataFrame]) -> pd.Series:
    """Distance to the edge of the oasis under each setting of its rule, in words: `low 3.2 km; central -1.1 km`."""
    edges = {
        name: oasis_position(frame, oasis, radii_km=(), draws=1)["oasis_edge_km"].map("{:.1f} km".format)
        for name, oasis in oases.items()
    }
    said = pd.DataFrame(edges, index=frame.index).apply(
        lambda row: "; ".join(f"{name} {km}" for name, km in row.items() if km != "nan km"), axis=1
    )
    return said.astype("str") if len(edges) > 1 else pd.Series("", index=frame.index, dtype="str")


def _oasis_table(study: Study, oases: Mapping[str, gpd.GeoDataFrame]) -> pd.DataFrame:
    if not oases or study.boundaries is None:
        return pd.DataFrame()
    return oasis_areas(study.boundaries, oases, published=study.settings["oasis"].get("published", {}))


def _covers(
    study: Study, sites: gpd.GeoDataFrame, oasis: gpd.GeoDataFrame | None, problems: list[Problem]
) -> pd.DataFrame:
    """Areas of oasis, development and land cover in discs around the sites and in the administrative units."""
    chosen = study.settings["overlay"]
    radii = chosen["radii_km"]
    zones: list[tuple[str, gpd.GeoDataFrame, Any]] = [("disc", sites[["households", "geometry"]], radii)]
    if study.boundaries is not None:
        zones += [(str(level), units, None) for level, units in study.boundaries.groupby("level", sort=True)]
    layers: list[tuple[str, Any, str | None]] = []
    if oasis is not None:
        layers.append(("oasis", oasis if study.oasis is None else study.oasis, None))
    if study.development is not None:
        layers.append(("development", study.development, "kind"))
    if study.landcover:
        layers.append(("landcover", study.landcover, "class"))
    tables = []
    for zone, frame, radius in zones:
        for layer, cover, by in layers:
            # The same fault of a cover is found again for every zone; it is said once.
            said = problems if zone == "disc" else None
            table = overlay_areas(
                frame,
                cover,
                by,
                radii_km=radius,
                snapshots=layer == "oasis",
                problems=said,
                max_repair_share=chosen["max_repair_share"],
                survey_year=chosen["survey_year"] or None,
            )
            tables.append(table.rename(columns={by or "class": "class"}).assign(zone=zone, layer=layer))
    if not tables:
        return pd.DataFrame(columns=list(_COVERS))
    return pd.concat(tables, ignore_index=True).reindex(columns=list(_COVERS))


_COVERS: Final = (
    "zone_id",
    "zone",
    "radius_km",
    "layer",
    "class",
    "year",
    "area_ha",
    "share",
    "overlap_ha",
    "households",
    "area_ha_per_household",
    "geometry_basis",
    "evidence",
    "why",
)


def _areas_wide(covers: pd.DataFrame, sites: pd.Index) -> pd.DataFrame:
    """Hectares of oasis and of developed land around each site, a column per layer and radius: `oasis_5km_ha`.

    Shapes that are no evidence of place have columns of their own: `illustrative_development_5km_ha`.
    """
    out = pd.DataFrame(index=sites)
    inner = covers[(covers["zone"] == "disc") & (covers["class"] != OUTSIDE) & (covers["layer"] != "landcover")]
    latest = inner.groupby("layer")["year"].transform("max")
    # Years of land development are events and add up; years of an oasis are maps of the same ground, the latest counts.
    inner = inner[(inner["layer"] != "oasis") | latest.isna() | (inner["year"] == latest).fillna(value=False)]
    inner = inner.assign(layer=inner["layer"].where(inner["evidence"].astype(bool), "illustrative_" + inner["layer"]))
    for (layer, radius), rows in inner.groupby(["layer", "radius_km"], sort=True):
        total = rows.groupby("zone_id")["area_ha"].sum(min_count=1).reindex(sites)
        known = covers.loc[(covers["zone"] == "disc") & covers["area_ha"].notna(), "zone_id"].unique()
        # A disc that was measured and holds none of it has 0; a site without position has no disc and no number.
        out[f"{layer}_{radius:g}km_ha"] = total.mask(total.isna() & sites.isin(known), 0.0)
    return out


def _land(
    study: Study, sites: gpd.GeoDataFrame, oasis: gpd.GeoDataFrame | None, problems: list[Problem]
) -> pd.DataFrame:
    """Land per household of every site, and what the land was when the site was founded."""
    land = land_per_household(
        sites,
        study.development,
        study.flows,
        study.origins,
        **study.settings["land"],
        problems=problems,
        max_repair_share=study.settings["overlay"]["max_repair_share"],
    )
    then = (
        founding_status(sites, oasis if study.oasis is None else study.oasis, study.development)
        .drop(columns="evidence")
        .reindex(land.index)
    )
    out = land.join(then.drop(columns="why"))
    out["why"] = _reasons(land["why"], then["why"])
    return out


def _change(study: Study, sites: gpd.GeoDataFrame, problems: list[Problem]) -> pd.DataFrame:
    """Change between the dates of land cover, and of oasis maps, around the sites and in the administrative units."""
    radii = study.settings["overlay"]["radii_km"]
    covers: list[tuple[str, Any, str | None]] = []
    if len(study.landcover) > 1:
        covers.append(("landcover", study.landcover, None))
    if study.oasis is not None and study.oasis["year"].dropna().unique().size > 1:
        covers.append(("oasis", study.oasis, None))
    zones: list[tuple[str, gpd.GeoDataFrame, Any]] = [("disc", sites, radii)]
    if study.boundaries is not None:
        zones += [(str(level), units, None) for level, units in study.boundaries.groupby("level", sort=True)]
    tables = [
        cover_change(frame, cover, by, radii_km=radius, problems=problems).assign(zone=zone, layer=layer)
        for zone, frame, radius in zones
        for layer, cover, by in covers
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(_CHANGE))


_CHANGE: Final = (
    "zone_id",
    "zone",
    "radius_km",
    "layer",
    "year_from",
    "year_to",
    "measure",
    "class",
    "class_to",
    "value",
    "low",
    "high",
    "unit",
    "why",
)


# --- distances and remoteness ---------------------------------------------------------------------------------------


def _distances(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Distances of every flow by every metric, and intervals of the straight ones from drawn positions."""
    chosen = study.settings["distance"]
    if study.flows is None or study.origins is None:
        flows = pd.DataFrame({"origin_id": [], "site_id": []}, dtype="str")
    else:
        flows = study.flows
    landcover = study.landcover[max(study.landcover)] if study.landcover else None
    pairs = pair_distances(
        flows,
        _origins(study),
        study.sites,
        tuple(chosen["metrics"]),
        dem=study.dem,
        landcover=landcover,
        roads=study.roads,
        places=study.places,
        detour_range=tuple(chosen["detour_range_ratio"]),
        rough_share=chosen["rough_share"],
        options={name: study.settings[name] for name in ("walk", "road", "travel") if study.settings.get(name)},
    )
    evaluators = {} if study.dem is None else {"surface": surface_evaluator(study.dem)}
    drawn = [name for name in chosen["interval_metrics"] if name == "geodesic" or name in evaluators]
    intervals = distance_intervals(
        flows,
        _origins(study),
        study.sites,
        drawn,
        level=chosen["level"],
        draws=chosen["draws"],
        seed=chosen["seed"],
        boundaries=study.boundaries,
        aliases=study.settings["admin"]["aliases"],
        evaluators=evaluators,
    )
    return pairs, intervals


def _unused_roads(study: Study) -> list[Problem]:
    """Rows of the road layer that routing leaves out: impossible lengths, ends that are nowhere, closures."""
    if study.roads is None or study.roads.empty:
        return []
    return road_problems(read_network(study.roads, study.places, RoadRules(**study.settings["road"]))[0])


def _without(study: Study, layer: str, rows: int) -> Study:
    """Give the study with so many more rows of a layer in the ledger as set aside."""
    if not rows or layer not in study.ledger:
        return study
    counts = dict(study.ledger[layer])
    counts["rows_used"] -= rows
    counts["rows_set_aside"] += rows
    return replace(study, ledger={**study.ledger, layer: counts})


def _reach(study: Study) -> dict[str, Raster]:
    """Hours on foot to the nearest site, for the map: on a grid coarse enough to be a picture and no more."""
    if study.dem is None or not study.settings["distance"]["reach_cells"]:
        return {}
    rows, columns = study.dem.shape
    factor = round((rows * columns / study.settings["distance"]["reach_cells"]) ** 0.5)
    dem = study.dem.coarsened(max(1, factor))
    places = study.sites[study.sites.geometry.notna()]
    inside = np.isfinite(dem.sample(*_lonlat(places)))
    if not inside.any():
        return {}
    return {"walk_h": travel_time(dem, places[inside], **study.settings.get("walk", {}))}


def _lonlat(places: gpd.GeoDataFrame) -> tuple[Any, Any]:
    points = places.geometry.representative_point()
    return points.x.to_numpy(), points.y.to_numpy()


def _remoteness(study: Study, pairs: pd.DataFrame, origins: gpd.GeoDataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Every indicator of sites, origins and the study, with road distances to the places where there are roads."""
    return remoteness(
        pairs,
        study.sites,
        origins,
        study.places,
        intervals=intervals,
        roads=study.roads,
        site_places=_by_road(study, study.sites),
        origin_places=_by_road(study, _origins(study)),
        **study.settings["remoteness"],
        **study.settings["services"],
    )


def _by_road(study: Study, points: gpd.GeoDataFrame) -> dict[str, pd.DataFrame] | None:
    """Kilometres and hours by road from each point (rows) to each service place (columns)."""
    if study.roads is None or study.places is None or "road" not in study.settings["distance"]["metrics"]:
        return None
    places = study.places[study.places["kind"].isin(study.settings["distance"]["places_by_road"])]
    every = pd.MultiIndex.from_product([points.index, places.index], names=["origin_id", "site_id"])
    ways = pair_distances(
        every.to_frame(index=False),
        points,
        places,
        ("road",),
        roads=study.roads,
        places=study.places,
        options={"road": study.settings["road"]},
    )
    columns = {"road": "road_km", "road_time": "road_h"}
    return {metric: ways[column].unstack("site_id") for metric, column in columns.items()}  # noqa: PD010  (keeps NaN)


def _livelihood(study: Study, sites: gpd.GeoDataFrame, remote: pd.DataFrame) -> pd.DataFrame:
    chosen = study.settings["livelihood"]
    return livelihood(
        sites,
        indicators=study.indicators,
        remoteness=remote,
        places=study.places,
        development=study.development,
        flows=study.flows,
        origins=study.origins,
        rivers=study.rivers,
        boundaries=study.boundaries,
        dem=study.dem,
        models=study.settings["models"],
        constraints=chosen["constraints"],
        checks=chosen["checks"],
        standards=chosen["standards"],
        level=chosen["level"],
    )


def _weighted_distances(remote: pd.DataFrame, sites: pd.Index) -> pd.DataFrame:
    """Mean, median and largest distance of the land at the origins from each site, weighted and not, as columns."""
    wanted = ("land_mean", "land_mean_unweighted", "land_median", "land_max")
    rows = remote[(remote["role"] == "site") & remote["indicator"].isin(wanted)]
    names = rows["indicator"] + "_" + rows["metric"] + "_" + rows["unit"]
    wide = rows.assign(column=names).pivot_table(index="id", columns="column", values="value", aggfunc="first")
    return wide.reindex(sites).reindex(columns=sorted(wide.columns))


# --- what it was made from ------------------------------------------------------------------------------------------


def _provenance(study: Study) -> dict[str, Any]:
    """Versions, parameters and input hashes; no clock, no path, so that two runs say the same."""
    inputs = {name: dict(what) for name, what in sorted(study.inputs.items())}
    digest = sha256("".join(f"{name} {what.get('sha256', '')}\n" for name, what in inputs.items()).encode())
    return {
        "geosettle": __version__,
        "versions": {
            **{name: version(name) for name in _LIBRARIES},
            **native_versions(),
            "python": platform.python_version(),
        },
        "parameters": study.settings,
        "seed": study.settings["distance"]["seed"],
        "inputs": inputs,
        "input_hash": digest.hexdigest(),
        "ledger": {layer: dict(counts) for layer, counts in sorted(study.ledger.items())},
    }


def _reasons(*columns: pd.Series) -> pd.Series:
    """Reasons of several steps in one text each, none twice."""
    joined = [
        "; ".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
        for texts in zip(*columns, strict=True)
    ]
    return pd.Series(joined, index=columns[0].index, dtype="str")


def _last_why(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame[[*[c for c in frame.columns if c != "why"], "why"]]
