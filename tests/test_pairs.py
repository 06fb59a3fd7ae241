"""Flags that compare the metrics with each other, and the reason of every missing number, in one
table of pairs.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from affine import Affine

from geosettle.distance import pair_distances
from geosettle.geodesy import GEOD
from geosettle.raster import Raster

A, B = (76.0, 0.5), (76.2, 0.5)
STRAIGHT = GEOD.inv(*A, *B)[2] / 1000  # 22.26 km
PLACES = gpd.GeoDataFrame(
    {"name": ["a", "b"]},
    geometry=gpd.points_from_xy(*zip(A, B, strict=True)),
    crs=4326,
    index=["a", "b"],
)
FLOWS = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
LEVEL = Raster(np.zeros((100, 100)), Affine(0.01, 0, 75.6, 0, -0.01, 1.0), unit="m")


def ridges(height: float) -> Raster:
    """Columns of cells by turns low and high: a line to the east climbs and falls at every cell."""
    return Raster(np.tile([0.0, height], (100, 50)), LEVEL.transform, unit="m")


def by_road(km: float, dem: Raster = LEVEL) -> pd.Series:
    roads = pd.DataFrame({"a": ["a"], "b": ["b"], "length_km": [km]})
    return pair_distances(
        FLOWS, PLACES, PLACES, ("geodesic", "surface", "road"), dem=dem, roads=roads, places=PLACES
    ).iloc[0]


@pytest.mark.parametrize(
    ("share", "flags"),
    [
        (
            0.97,
            "detour_outside_range;order_violated",
        ),  # 0.7 km shorter, which the table's tolerance of 1 km lets pass
        (0.999, ""),  # within the half per cent that grids and rounding explain
        (1.5, ""),
        (2.99, ""),
        (3.01, "detour_outside_range"),
    ],
)
def test_a_road_against_the_straight_line(share: float, flags: str) -> None:
    assert by_road(share * STRAIGHT)["flags"] == flags


def test_a_road_shorter_than_the_draped_line() -> None:
    # 300 m up or down over each cell of 1.113 km: along the cells' centres sqrt(1 + (300/1113)²) =
    # 1.0357 of the straight line; samples half a cell apart cut off the tops.
    steep = ridges(300.0)
    row = by_road(1.01 * STRAIGHT, steep)
    assert 1.02 < row["surface_km"] / row["geodesic_km"] <= 1.0358
    assert row["flags"] == "order_violated"
    assert by_road(1.04 * STRAIGHT, steep)["flags"] == ""
    assert by_road(1.01 * STRAIGHT)["flags"] == ""


def test_every_missing_number_has_its_reason() -> None:
    walls = np.zeros((100, 100))
    walls[:, 70:73] = 17.0  # water from north to south
    cover = Raster(walls, LEVEL.transform, classes={17: "water"})
    points = {
        "home": (76.0, 0.5),
        "near": (76.1, 0.5),
        "wet": (76.305, 0.5),
        "beyond": (76.4, 0.5),
        "off": (80.0, 0.5),
        "far": (76.0, 0.95),
        "lost": None,
    }
    xy = [(np.nan, np.nan) if p is None else p for p in points.values()]
    places = gpd.GeoDataFrame(
        geometry=[
            None if np.isnan(p[0]) else g
            for p, g in zip(xy, gpd.points_from_xy(*np.transpose(xy)), strict=True)
        ],
        crs=4326,
        index=list(points),
    )
    roads = pd.DataFrame(
        {"a": ["home", "beyond", "off"], "b": ["near", "x", "y"], "length_km": [20.0, 30.0, 30.0]}
    )
    flows = pd.DataFrame({"origin_id": ["home"] * 6, "site_id": [k for k in points if k != "home"]})
    table = pair_distances(
        flows,
        places,
        places,
        ("geodesic", "surface", "walk", "road"),
        dem=LEVEL,
        landcover=cover,
        roads=roads,
        places=places.drop("far").assign(name=""),
        options={"walk": {"closed_classes": [17]}},
    )
    why = table.droplevel("origin_id")["why"]
    walk, surface, road = "walk_out_h, walk_back_h, walk_round_h: ", "surface_km, ", "road_km, "
    assert why["near"] == ""
    assert walk + "site: the place is in a closed cell (barrier)" in why["wet"]
    assert walk + "no way on foot: closed cells (barrier) between" in why["beyond"]
    assert "no connection by road: the origin is on the part of the network" in why["beyond"]
    assert walk + "site: outside the elevation grid" in why["off"]
    assert surface in why["off"]
    assert "no road within 25 km of the site (nearest" in why["far"]
    assert (
        why["lost"].count("position unknown") + why["lost"].count("position of the site unknown")
        == 4
    )
    numbers = table.droplevel("origin_id").drop(columns=["flags", "why", "households", "persons", "declared_km", "year"],
                                                errors="ignore")  # fmt: skip
    for place, row in numbers.iterrows():
        for column in row.index[row.isna() & (row.index != "detour_ratio")]:
            assert column in why[place], (place, column)
    assert road in why["far"]
