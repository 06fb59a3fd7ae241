"""The main job on the embedded study: parts agree with each other and with independent
measurement.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

GEOD = Geod(ellps="WGS84")


def circle(lon: float, lat: float, metres: float) -> shapely.Polygon:
    """Geodesic circle by pyproj, 720 corners."""
    n = 720
    x, y, _ = GEOD.fwd(
        np.full(n, lon), np.full(n, lat), np.linspace(0, 360, n, endpoint=False), np.full(n, metres)
    )
    return shapely.Polygon(np.column_stack([x, y]))


def hectares(shape: shapely.Geometry) -> float:
    """Area by pyproj on edges densified to 0.001 degrees."""
    return abs(GEOD.geometry_area_perimeter(shapely.segmentize(shape, 0.001))[0]) / 1e4


def test_oasis_around_each_site_against_pyproj(embedded) -> None:
    oasis = shapely.union_all(embedded.oasis_polygons["central"].geometry.to_numpy())
    located = embedded.sites[embedded.sites.geometry.notna()]
    assert len(located) >= 10
    for site, row in located.iterrows():
        for km in (5, 15, 30):
            expected = hectares(
                shapely.intersection(circle(row.geometry.x, row.geometry.y, km * 1000), oasis)
            )
            assert row[f"oasis_{km}km_ha"] == pytest.approx(expected, rel=2e-4, abs=0.5), (site, km)


def test_straight_distances_against_pyproj(embedded) -> None:
    study = embedded.study
    for (origin, site), row in embedded.pairs.iterrows():
        a, b = study.origins.geometry[origin], study.sites.geometry[site]
        if a is None or b is None:
            assert np.isnan(row["geodesic_km"])
            assert "unknown" in row["why"]
            continue
        azimuth, _, metres = GEOD.inv(a.x, a.y, b.x, b.y)
        radii = np.nansum(
            [study.origins["uncertainty_km"][origin], study.sites["uncertainty_km"][site]]
        )
        assert row["geodesic_km"] == pytest.approx(metres / 1000, abs=1e-6)
        assert row["bearing_deg"] == pytest.approx(azimuth % 360, abs=1e-6)
        assert row["geodesic_low_km"] == pytest.approx(max(0, metres / 1000 - radii), abs=1e-6)
        assert row["geodesic_high_km"] == pytest.approx(metres / 1000 + radii, abs=1e-6)


def test_shortest_lines_come_first(embedded) -> None:
    pairs = embedded.pairs
    both = pairs.dropna(subset=["geodesic_km", "surface_km"])
    assert len(both) >= 8
    assert (both["surface_km"] >= both["geodesic_km"] * (1 - 1e-9)).all()


def test_intervals_lie_within_the_bounds(embedded) -> None:
    straight = embedded.intervals[embedded.intervals["metric"] == "geodesic"].set_index(
        ["origin_id", "site_id"]
    )
    bounds = embedded.pairs[~embedded.pairs.index.duplicated()].loc[straight.index]
    known = straight["low"].notna()
    assert known.sum() >= 8
    assert (straight["low"] >= bounds["geodesic_low_km"] - 1e-6)[known].all()
    assert (straight["high"] <= bounds["geodesic_high_km"] + 1e-6)[known].all()
    assert (straight["low"] <= straight["median"])[known].all()
    assert (straight["median"] <= straight["high"])[known].all()
    assert (straight.loc[~known, "why"] != "").all()


def test_exclave_is_said_and_not_guessed(embedded) -> None:
    site = embedded.sites.loc["RS-08"]  # Tajik Abati: belongs to Taxkorgan, lies within Yopurga
    assert site["county"] == "Yopurga"
    assert site["declared_county"].startswith("Taxkorgan")
    assert not pd.isna(site["why"])
    assert "exclave" in site["why"]


def test_illustrative_land_is_never_evidence(embedded) -> None:
    assert (embedded.study.development["geometry_basis"] == "illustrative").all()
    assert "development" not in set(embedded.covers["layer"])
    assert not [c for c in embedded.sites if "development" in c]


def test_the_unit_and_the_oasis_are_those_that_are_likely(embedded) -> None:
    rough = embedded.sites[embedded.sites["admin_probability"] < 1]
    shares = rough["admin_probability"]
    counties = embedded.admin[embedded.admin["level"] == "county"].set_index("id")
    for site in rough.index:
        listed = [float(s.rsplit(" ", 1)[1]) for s in counties.loc[site, "alternatives"].split(";")]
        assert round(shares[site], 2) == max(listed)
    inside, chance = embedded.sites["in_oasis"], embedded.sites["oasis_probability"]
    assert (chance[inside.fillna(value=False)] >= 0.95).all()
    assert (chance[~inside.fillna(value=True)] <= 0.05).all()
    assert inside[chance.between(0.06, 0.94)].isna().all()


def test_a_place_that_a_position_was_taken_from_is_at_no_distance(embedded) -> None:
    remote, sites = embedded.remoteness, embedded.sites
    rows = remote[(remote["role"] == "site") & (remote["metric"] == "geodesic")]
    for indicator in ("nearest_county_seat", "nearest_prefecture_seat"):
        kind = indicator.removeprefix("nearest_")
        seats = embedded.study.places[embedded.study.places["kind"] == kind]
        for site, row in rows[rows["indicator"] == indicator].set_index("id").iterrows():
            point, radius = sites.geometry[site], sites["uncertainty_km"][site]
            if point is None or not radius > 0:
                continue
            at_seat = any(p.equals_exact(point, 1e-6) for p in seats.geometry)
            assert pd.isna(row["value"]) == at_seat
            if at_seat:
                assert (
                    radius <= row["high"] <= radius + pd.to_numeric(seats["uncertainty_km"]).max()
                )
                assert pd.isna(row["rank_low"])
                assert "within" in row["why"]


def test_a_distance_that_placed_a_site_is_no_evidence(embedded) -> None:
    placed = (
        embedded.study.flows.set_index(["origin_id", "site_id"])["used_to_place"]
        .astype(str)
        .str.lower()
        == "true"
    )
    assert placed.any()
    flags = embedded.pairs.loc[placed[placed].index, "flags"]
    assert flags.str.contains("used_to_place").all()


def test_studies_that_lack_layers_run(embedded_study) -> None:
    from dataclasses import replace

    import geosettle as gs

    bare = gs.Study(sites=embedded_study.sites)
    result = gs.analyse(bare)
    assert len(result.sites) == len(embedded_study.sites)
    assert (result.sites["why"] == "").all()
    assert not {"in_oasis", "oasis_edge_km", "admin_probability"} & set(result.sites)
    no_relief = gs.analyse(
        replace(
            embedded_study,
            dem=None,
            landcover={},
            ndvi=None,
            development=None,
            places=None,
            roads=None,
        )
    )
    assert "surface_km" not in no_relief.pairs
    assert not no_relief.pairs["why"].str.contains("surface|walk|road").any()


def test_same_place_across_the_antimeridian(across_180) -> None:
    known = across_180.pairs.dropna(subset=["geodesic_km"])
    assert len(known) > 0
    assert (known["geodesic_km"] < 500).all()  # the long way round would be tens of thousands
