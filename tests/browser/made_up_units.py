"""A made-up study of four districts in two states, of which one district holds nothing; from it,
what every unit must show, counted without geosettle.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import geosettle as gs
from geosettle.geodesy import GEOD

WEST, SOUTH = 20.0, 10.0


def boundaries() -> gpd.GeoDataFrame:
    """Two states side by side, each of districts one above the other; the last is empty."""
    rows = []
    for i, state in enumerate(("North Vale", "Far Vale")):
        left = WEST + i
        rows.append((f"S{i}", state, "state", None, shapely.box(left, SOUTH, left + 1, SOUTH + 2)))
        for j in range(3 if i else 2):
            step = 2 / (3 if i else 2)
            low = SOUTH + j * step
            rows.append(
                (
                    f"D{i}{j}",
                    f"District {i}{j}",
                    "district",
                    f"S{i}",
                    shapely.box(left, low, left + 1, low + step),
                )
            )
    frame = pd.DataFrame(rows, columns=["code", "name", "level", "parent_code", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=4326).set_index("code")


def frames(*, many: int = 130) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Sites, origins and `many` flows; nothing in the uppermost district of Far Vale."""
    rng = np.random.default_rng(21)
    x = rng.uniform(WEST + 0.05, WEST + 1.95, 12)
    y = rng.uniform(SOUTH + 0.05, SOUTH + 1.28, 12)
    sites = gpd.GeoDataFrame(
        {"name": [f"Place {i}" for i in range(12)], "households": rng.integers(20, 400, 12)},
        geometry=gpd.points_from_xy(x, y),
        crs=4326,
        index=pd.Index([f"s{i}" for i in range(12)], name="site_id"),
    )
    u = rng.uniform(WEST + 0.05, WEST + 1.95, 40)
    v = rng.uniform(SOUTH + 0.05, SOUTH + 1.28, 40)
    origins = gpd.GeoDataFrame(
        {"name": [f"Old {i}" for i in range(40)]},
        geometry=gpd.points_from_xy(u, v),
        crs=4326,
        index=pd.Index([f"o{i}" for i in range(40)], name="origin_id"),
    )
    pairs = rng.permutation(12 * 40)[:many]
    flows = pd.DataFrame(
        {
            "origin_id": [f"o{k // 12}" for k in pairs],
            "site_id": [f"s{k % 12}" for k in pairs],
            "households": rng.integers(1, 90, many),
        }
    )
    return sites, origins, flows


def result(**options: int) -> gs.analysis.Result:
    sites, origins, flows = frames(**options)
    study = gs.Study(sites=sites, origins=origins, flows=flows, boundaries=boundaries())
    return gs.analyse(study)


def expected(level: str, **options: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """By unit: households, moved in, out and within, median km; and households between units."""
    sites, origins, flows = frames(**options)
    units = boundaries()
    units = units[units["level"] == level]
    inside = {
        "site": sites.sjoin(units[["name", "geometry"]], predicate="within")["name_right"],
        "origin": origins.sjoin(units[["name", "geometry"]], predicate="within")["name_right"],
    }
    flows = flows.assign(
        to=flows["site_id"].map(inside["site"]), left=flows["origin_id"].map(inside["origin"])
    )
    a, b = origins.geometry.loc[flows["origin_id"]], sites.geometry.loc[flows["site_id"]]
    flows["km"] = GEOD.inv(a.x, a.y, b.x, b.y)[2] / 1000
    between = flows[flows["to"] != flows["left"]]
    within = flows[flows["to"] == flows["left"]]
    table = pd.DataFrame(
        {
            "households": sites["households"].groupby(inside["site"]).sum(),
            "in": between.groupby("to")["households"].sum(),
            "out": between.groupby("left")["households"].sum(),
            "within": within.groupby("to")["households"].sum(),
            "km": flows.groupby("to")[["km", "households"]].apply(weighted_median),
        }
    )
    return table, between.groupby(["left", "to"], as_index=False)["households"].sum()


def weighted_median(rows: pd.DataFrame) -> float:
    """Smallest value that half of the weight is not above."""
    rows = rows.sort_values("km")
    total = rows["households"].cumsum()
    return float(rows["km"][total >= total.iloc[-1] / 2].iloc[0])
