"""Land on the locator's globe: places known to lie on land or at sea are there, from any side."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geosettle.locator import from_space, land_from_space

LAND = {
    "Kashgar": (76, 39.5),
    "Brasilia": (-47.9, -15.8),
    "Alice Springs": (133.9, -23.7),
    "Antarctica": (95, -80),
    "Chad": (18, 15),
}
SEA = {
    "Pacific": (-150, 0),
    "Atlantic": (-40, 30),
    "Indian Ocean": (80, -20),
    "Arctic": (0, 89),
    "Bering": (-179, 58),
}
VIEWS = [(78, 39), (-65, -35), (0, 0), (178, -17), (-100, 70), (20, -89)]


@pytest.mark.parametrize("view", VIEWS)
def test_places_lie_on_land_or_at_sea_from_any_side(view):
    land = shapely.union_all(
        shapely.make_valid([shapely.Polygon(shape) for shape in land_from_space(*view)])
    )
    seen = 0
    for places, on_land in ((LAND, True), (SEA, False)):
        for name, (lon, lat) in places.items():
            xy, depth = from_space(np.array([lon], float), np.array([lat], float), *view)
            if depth[0] > 0.1:
                seen += 1
                assert land.contains(shapely.Point(xy[0])) == on_land, name
    assert seen >= 2


@pytest.mark.parametrize("view", VIEWS)
def test_land_ends_at_the_limb(view):
    assert max(np.hypot(*shape.T).max() for shape in land_from_space(*view)) <= 1 + 1e-12


def test_antipodes_see_each_other_nowhere():
    (xy, depth), (_, other) = (
        from_space(np.array([20.0]), np.array([10.0]), *v) for v in ((20, 10), (-160, -10))
    )
    assert np.abs(xy).max() < 1e-12
    assert depth[0] == pytest.approx(1)
    assert other[0] == pytest.approx(-1)
