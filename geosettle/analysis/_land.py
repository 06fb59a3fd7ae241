"""Land around sites and in units: oasis under each setting, areas, land per household, change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from geosettle.covers import (
    OASIS_COLUMNS,
    OUTSIDE,
    cover_change,
    derive_oasis,
    founding_status,
    land_per_household,
    oasis_areas,
    oasis_position,
    overlay_areas,
)
from geosettle.problems import Problem
from geosettle.reasons import join_rows
from geosettle.settings import Settings
from geosettle.study import Study


def oases_of(study: Study, problems: list[Problem]) -> dict[str, gpd.GeoDataFrame]:
    """Oasis by setting: the study's own polygons, or one map per setting of its rule.

    Empty if the study has neither.
    """
    if study.oasis is not None and not study.oasis.empty:
        # Polygons of several years are maps of the same ground: where a place is follows from the
        # latest.
        years = study.oasis["year"]
        return {"central": study.oasis[years.isna() | (years == years.max())]}
    year, landcover = max(study.landcover.items(), default=(None, None))
    rules = {
        name: rule for name in ("low", "central", "high") if (rule := study.settings.oasis[name])
    }
    if not rules or (landcover is None and study.ndvi is None):
        return {}
    return {
        name: derive_oasis(
            landcover,
            study.ndvi,
            study.dem,
            rule,
            year=year,
            problems=problems if name == "central" else None,
        )
        for name, rule in rules.items()
    }


def central(oases: Mapping[str, gpd.GeoDataFrame], settings: Settings) -> gpd.GeoDataFrame | None:
    return oases.get(settings.overlay.oasis_setting, next(iter(oases.values()), None))


def place_in_oasis(
    frame: gpd.GeoDataFrame, oasis: gpd.GeoDataFrame | None, settings: Settings
) -> gpd.GeoDataFrame:
    if oasis is None:
        return frame
    found = oasis_position(
        frame,
        oasis,
        radii_km=settings.overlay.radii_km,
        fringe_km=settings.overlay.fringe_km,
        seed=settings.distance.seed,
    )
    out = frame.join(found.drop(columns="oasis_why"))
    out["why"] = join_rows(frame["why"], found["oasis_why"])
    return out


def edge_by_setting(frame: gpd.GeoDataFrame, oases: Mapping[str, gpd.GeoDataFrame]) -> pd.Series:
    """Distance to the edge of the oasis under each setting of its rule, in words.

    For example `low 3.2 km; central -1.1 km`.
    """
    edges = {
        name: oasis_position(frame, oasis, radii_km=(), draws=1)["oasis_edge_km"].map(
            "{:.1f} km".format
        )
        for name, oasis in oases.items()
    }
    edge_texts = pd.DataFrame(edges, index=frame.index).apply(
        lambda row: "; ".join(f"{name} {km}" for name, km in row.items() if km != "nan km"), axis=1
    )
    return (
        edge_texts.astype("str")
        if len(edges) > 1
        else pd.Series("", index=frame.index, dtype="str")
    )


def measure_oases(study: Study, oases: Mapping[str, gpd.GeoDataFrame]) -> pd.DataFrame:
    if not oases or study.boundaries is None:
        return pd.DataFrame(columns=list(OASIS_COLUMNS))
    return oasis_areas(study.boundaries, oases, published=study.settings.oasis.published)


def _zones(study: Study, sites: gpd.GeoDataFrame) -> list[tuple[str, gpd.GeoDataFrame, Any]]:
    """Discs around the sites, where radii are set, and the units of each level."""
    radii = study.settings.overlay.radii_km
    discs = [("disc", sites[["households", "geometry"]], radii)] if radii else []
    by_level = [] if study.boundaries is None else study.boundaries.groupby("level", sort=True)
    return [*discs, *((str(level), units, None) for level, units in by_level)]


def measure_covers(
    study: Study, sites: gpd.GeoDataFrame, oasis: gpd.GeoDataFrame | None, problems: list[Problem]
) -> pd.DataFrame:
    """Areas of oasis, development and land cover in discs around the sites and in units."""
    chosen, zones = study.settings.overlay, _zones(study, sites)
    layers: list[tuple[str, Any, str | None]] = []
    if oasis is not None:
        layers.append(("oasis", oasis if study.oasis is None else study.oasis, None))
    if (parcels := _located(study.development)) is not None:
        layers.append(("development", parcels, "kind"))
    if study.landcover:
        layers.append(("landcover", study.landcover, "class"))
    tables = []
    for zone, frame, radius in zones:
        for layer, cover, by in layers:
            # The same fault of a cover is found again for every zone; it is listed once.
            listed = problems if zone == zones[0][0] else None
            table = overlay_areas(
                frame,
                cover,
                by,
                radii_km=radius,
                snapshots=layer == "oasis",
                problems=listed,
                max_repair_share=chosen.max_repair_share,
                survey_year=chosen.survey_year or None,
            )
            tables.append(
                table.rename(columns={by or "class": "class"}).assign(zone=zone, layer=layer)
            )
    if not tables:
        return pd.DataFrame(columns=list(_COVERS))
    return pd.concat(tables, ignore_index=True).reindex(columns=list(_COVERS))


def _located(parcels: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Parcels whose shapes are evidence of place; None where there are none."""
    if parcels is None or "geometry_basis" not in parcels:
        return parcels
    known = parcels[~parcels["geometry_basis"].astype(str).str.contains("illustrative")]
    return known if len(known) or parcels.empty else None


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


def areas_wide(covers: pd.DataFrame, sites: pd.Index) -> pd.DataFrame:
    """Hectares of oasis and of developed land around each site.

    One column per layer and radius, such as `oasis_5km_ha`.
    """
    out = pd.DataFrame(index=sites)
    inner = covers[
        (covers["zone"] == "disc") & (covers["class"] != OUTSIDE) & (covers["layer"] != "landcover")
    ]
    latest = inner.groupby("layer")["year"].transform("max")
    # Years of land development are events and add up; years of an oasis are maps of the same
    # ground, the latest counts.
    inner = inner[
        (inner["layer"] != "oasis") | latest.isna() | (inner["year"] == latest).fillna(value=False)
    ]
    for (layer, radius), rows in inner.groupby(["layer", "radius_km"], sort=True):
        total = rows.groupby("zone_id")["area_ha"].sum(min_count=1).reindex(sites)
        known = covers.loc[
            (covers["zone"] == "disc") & covers["area_ha"].notna(), "zone_id"
        ].unique()
        # A disc that was measured and holds none of it has 0; a site without position has no disc
        # and no number.
        out[f"{layer}_{radius:g}km_ha"] = total.mask(total.isna() & sites.isin(known), 0.0)
    return out


def measure_land(
    study: Study, sites: gpd.GeoDataFrame, oasis: gpd.GeoDataFrame | None, problems: list[Problem]
) -> pd.DataFrame:
    """Land per household of every site, and what the land was when the site was founded."""
    land = land_per_household(
        sites,
        study.development,
        study.flows,
        study.origins,
        **study.settings.land,
        problems=problems,
        max_repair_share=study.settings.overlay.max_repair_share,
    )
    then = (
        founding_status(sites, oasis if study.oasis is None else study.oasis, study.development)
        .drop(columns="evidence")
        .reindex(land.index)
    )
    out = land.join(then.drop(columns="why"))
    out["why"] = join_rows(land["why"], then["why"])
    facts = out.drop(columns=[c for c in _NOT_OF_LAND if c in out])
    return out[(facts.notna() & (facts != "")).any(axis=1)]


_NOT_OF_LAND: Final = (
    *("households", "persons", "parcels_n", "evidence", "founded", "oasis_year_now", "enough_mu"),
    *("enough_basis", "why"),
)
"""Columns that alone say nothing about land: a row that has no other is left out."""


def measure_change(study: Study, sites: gpd.GeoDataFrame, problems: list[Problem]) -> pd.DataFrame:
    """Change between the dates of land cover and of oasis maps, around the sites and in units."""
    covers: list[tuple[str, Any, str | None]] = []
    if len(study.landcover) > 1:
        covers.append(("landcover", study.landcover, None))
    if study.oasis is not None and study.oasis["year"].dropna().unique().size > 1:
        covers.append(("oasis", study.oasis, None))
    tables = [
        cover_change(frame, cover, by, radii_km=radius, problems=problems).assign(
            zone=zone, layer=layer
        )
        for zone, frame, radius in _zones(study, sites)
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
