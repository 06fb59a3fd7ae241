"""Chinese datums and coordinate reference systems."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from geosettle.crs import crs_name, from_wgs84, parse_crs, same_crs, to_lonlat, to_wgs84
from geosettle.errors import CrsError, UnknownNameError
from geosettle.geodesy import GEOD

IN_CHINA = st.tuples(st.floats(73.5, 134.0), st.floats(18.0, 53.0))


def metres(lon1: object, lat1: object, lon2: object, lat2: object) -> float:
    return float(GEOD.inv(lon1, lat1, lon2, lat2)[2])


# Metres, by a separate scalar transcription of the published formula (math.sin, one point at a
# time).
@pytest.mark.parametrize(
    ("lon", "lat", "shift"),
    [
        (75.99, 39.47, 256),
        (79.92, 37.11, 175),
        (80.26, 41.17, 212),
        (76.17, 39.71, 264),
        (86.15, 41.76, 275),
    ],
)
def test_size_of_the_shift(lon: float, lat: float, shift: float) -> None:
    assert metres(lon, lat, *from_wgs84(lon, lat, "gcj02")) == pytest.approx(shift, abs=0.6)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@settings(max_examples=200, deadline=None)
@given(IN_CHINA)
def test_inverse_leaves_less_than_a_centimetre(datum: str, where: tuple[float, float]) -> None:
    shifted = from_wgs84(*where, datum)
    assert metres(*to_wgs84(*shifted, datum), *where) < 0.01


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "cgcs2000", "wgs84"])
def test_outside_china_nothing_moves(datum: str) -> None:
    assert [float(v) for v in to_wgs84(-70.02, -15.84, datum)] == [-70.02, -15.84]
    assert [float(v) for v in from_wgs84(2.35, 48.86, datum)] == [2.35, 48.86]


def test_missing_stays_missing_and_arguments_stay() -> None:
    lon, lat = np.array([76.0, np.nan]), np.array([39.0, np.nan])
    out = to_wgs84(lon, lat)
    assert np.isnan(out[0][1])
    assert lon[0] == 76.0
    assert out[0].shape == (2,)


def test_unknown_datum() -> None:
    with pytest.raises(UnknownNameError, match="gcj02"):
        to_wgs84(76, 39, "gcj-2")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "definition", ["EPSG:999999", "nonsense", "", 'LOCAL_CS["x"]', "+proj=geocent"]
)
def test_unknown_system(definition: str) -> None:
    with pytest.raises(CrsError):
        parse_crs(definition)


def test_names() -> None:
    assert crs_name(parse_crs("urn:ogc:def:crs:OGC:1.3:CRS84")) == "EPSG:4326"
    assert crs_name(parse_crs(parse_crs(32643).to_wkt("WKT1_ESRI"))) == "EPSG:32643"
    assert same_crs(parse_crs("OGC:CRS84"), "EPSG:4326")
    assert not same_crs(parse_crs(4490), "EPSG:4326")


def test_projected_to_lonlat() -> None:
    # On the central meridian of a UTM zone the northing is the length of the meridian from the
    # equator times 0.9996, which GeographicLib (Karney) turns into a latitude without any
    # projection.
    latitude = Geodesic.WGS84.Direct(0, 75, 0, 4_315_000 / 0.9996)["lat2"]
    out = to_lonlat(
        np.array([shapely.Point(500_000, 4_315_000), None], dtype=object), parse_crs(32643)
    )
    assert out[1] is None
    assert (out[0].x, out[0].y) == pytest.approx((75.0, latitude), abs=1e-8)
