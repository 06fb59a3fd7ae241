"""What must not change the answer does not, and what must change it does so as it should."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geosettle as gs

LAYERS = ("boundaries", "oasis", "development")
ALBERS = "+proj=aea +lat_1=40.1 +lat_2=40.9 +lat_0=40.5 +lon_0=-30.1 +ellps=WGS84 +units=m"


@pytest.fixture(scope="module")
def template():
    return gs.analyse(gs.read_study(gs.template_path()))


def variant(folder: Path, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]):
    """The template study with its polygon layers changed, read from GeoPackages."""
    shutil.copytree(gs.template_path(), folder)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    for layer in LAYERS:
        frame = gpd.read_file(folder / f"{layer}.geojson")
        (folder / f"{layer}.geojson").unlink()
        change(frame).to_file(folder / f"{layer}.gpkg", layer=layer)
        text = text.replace(f"{layer}.geojson", f"{layer}.gpkg")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return gs.analyse(gs.read_study(folder))


def dense(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Edges in steps of a few hundred metres: a straight edge in degrees is a bent one in
    metres.
    """
    return frame.set_geometry(shapely.segmentize(frame.geometry.to_numpy(), 0.003))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:3857", "EPSG:32626", ALBERS])
def test_the_crs_of_the_input_does_not_matter(crs: str, template, tmp_path: Path) -> None:
    other = variant(
        tmp_path / "study",
        lambda frame: dense(frame).set_crs(4326, allow_override=True).to_crs(crs),
    )
    for column in ("county", "in_oasis", "admin_agrees"):
        assert (
            other.sites[column].astype(str).tolist() == template.sites[column].astype(str).tolist()
        ), column
    for column in ("oasis_edge_km", "border_km", "oasis_15km_ha", "development_15km_ha"):
        np.testing.assert_allclose(
            other.sites[column].astype(float),
            template.sites[column].astype(float),
            rtol=2e-5,
            atol=2e-3,
            err_msg=column,
        )
    keys = ["zone", "zone_id", "radius_km", "layer", "class", "year"]
    ours, theirs = (r.covers.set_index(keys)["area_ha"].sort_index() for r in (template, other))
    np.testing.assert_allclose(theirs.astype(float), ours.astype(float), rtol=2e-5, atol=0.05)


def test_polygons_in_pieces_cover_the_same_land(template, tmp_path: Path) -> None:
    def halves(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        if "development_id" not in frame.columns:
            return frame
        west, south, east, north = frame.total_bounds
        parts = []
        for row in frame.itertuples(index=False):
            middle = (row.geometry.bounds[0] + row.geometry.bounds[2]) / 2
            for n, box in enumerate(
                (shapely.box(west, south, middle, north), shapely.box(middle, south, east, north))
            ):
                part = row._asdict() | {
                    "geometry": row.geometry & box,
                    "development_id": f"{row.development_id}-{n}",
                }
                part["declared_ha"] = row.declared_ha / 2
                parts.append(part)
        return gpd.GeoDataFrame(parts, crs=frame.crs)

    other = variant(tmp_path / "study", halves)
    assert len(other.study.development) == 2 * len(template.study.development)
    for column in [c for c in template.sites if c.startswith("development_")]:
        np.testing.assert_allclose(
            other.sites[column].astype(float), template.sites[column].astype(float), rtol=1e-9
        )
    np.testing.assert_allclose(
        other.land["mapped_ha"].astype(float), template.land["mapped_ha"].astype(float), rtol=1e-9
    )


def test_twice_the_households_are_as_far_from_their_land(template) -> None:
    study = template.study
    double = gs.analyse(
        replace(
            study,
            sites=study.sites.assign(households=study.sites["households"] * 2),
            flows=study.flows.assign(households=study.flows["households"] * 2),
        )
    )
    far = [c for c in template.sites if c.startswith(("land_mean", "land_median"))]
    assert far
    for column in far:
        np.testing.assert_allclose(
            double.sites[column].astype(float), template.sites[column].astype(float), rtol=1e-12
        )
    assert double.pairs["households"].sum() == 2 * template.pairs["households"].sum()
    one, two = (r.land["developed_ha_per_household"].astype(float) for r in (template, double))
    np.testing.assert_allclose(two, one / 2, rtol=1e-12)


def test_a_site_moved_away_is_farther(template) -> None:
    study = template.study
    moved = study.sites.copy()
    point = moved.geometry["S1"]
    moved.loc[["S1"], "geometry"] = gpd.GeoSeries(
        [shapely.Point(point.x, point.y - 1)], index=["S1"], crs=4326
    )
    there = gs.analyse(replace(study, sites=moved)).pairs["geodesic_km"]
    here = template.pairs["geodesic_km"]
    mine = here.index.get_level_values("site_id") == "S1"
    assert (there[mine] > here[mine] + 50).all()
    pd.testing.assert_series_equal(there[~mine], here[~mine])
