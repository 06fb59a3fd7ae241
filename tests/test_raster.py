"""Rasters: cells, places and areas, on grids small enough to check by head."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from geosettle.errors import CrsError, InputError
from geosettle.raster import Raster

GRID = Raster(np.arange(6.0).reshape(2, 3), Affine(1, 0, 76, 0, -1, 40))
"""Three columns from 76 E, two rows from 40 N southwards: 0 1 2 over 3 4 5."""


@pytest.mark.parametrize(
    ("lon", "lat", "value"),
    [
        (76.5, 39.5, 0),
        (78.5, 39.5, 2),
        (76.5, 38.5, 3),
        (76, 40, 0),
        (79, 38, 5),
        (77, 39, 4),
        (78.999, 38.001, 5),
    ],
)
def test_sample(lon: float, lat: float, value: float) -> None:
    assert GRID.sample(lon, lat) == value


@pytest.mark.parametrize(
    ("lon", "lat"),
    [(75.99, 39), (79.01, 39), (77, 40.01), (77, 37.99), (np.nan, 39), (77, np.nan), (1e300, 39)],
)
def test_outside_is_missing(lon: float, lat: float) -> None:
    assert np.isnan(GRID.sample(lon, lat))


def test_missing_cells_are_missing() -> None:
    values = GRID.values.copy()
    values[0, 0] = np.nan
    assert np.isnan(Raster(values, GRID.transform).sample([76.5, 77.5], [39.5, 39.5])).tolist() == [
        True,
        False,
    ]


def test_bounds_of_a_turned_grid() -> None:
    turned = Raster(
        np.zeros((1, 2)), Affine(0, -1, 10, 1, 0, 20)
    )  # columns run north, rows run west
    assert turned.bounds == (9.0, 20.0, 10.0, 22.0)
    assert not turned.is_north_up


# GeographicLib's `Planimeter` on the corners of the cell from 40 to 39 N, one degree wide: the
# edges there are geodesics, not parallels, so the two agree to 1e-4 only.
def test_cell_areas() -> None:
    from geographiclib.geodesic import Geodesic

    areas = GRID.cell_areas_m2()
    for row, (south, north) in enumerate([(39, 40), (38, 39)]):
        polygon = Geodesic.WGS84.Polygon()
        for lat, lon in ((south, 76), (south, 77), (north, 77), (north, 76)):
            polygon.AddPoint(lat, lon)
        assert areas[row] == pytest.approx(abs(polygon.Compute()[2]), rel=2e-4)


def test_refusals() -> None:
    with pytest.raises(InputError, match="floating-point"):
        Raster(np.zeros((2, 2), dtype=int), GRID.transform)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two-dimensional"):
        Raster(np.zeros(4), GRID.transform)
    with pytest.raises(CrsError, match="north-up"):
        Raster(GRID.values, Affine.rotation(3)).cell_areas_m2()


def test_grid_over_the_antimeridian() -> None:
    grid = Raster(np.array([[1.0, 2.0, 3.0, 4.0]]), Affine(1, 0, 178, 0, -1, -16))
    assert grid.sample([178.5, 179.5, -179.5, 180.5, -178.5, -177.5], [-16.5] * 6).tolist()[:5] == [
        1,
        2,
        3,
        3,
        4,
    ]
    assert np.isnan(grid.sample(-177.5, -16.5))
