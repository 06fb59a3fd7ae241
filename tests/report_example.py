"""A small made-up result, with every difficulty that report and figures must survive."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from shapely.geometry import LineString, MultiPolygon, Point, box

from geosettle.analysis import Result
from geosettle.problems import Problem, problems_frame
from geosettle.raster import Raster
from geosettle.study import Study

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</title></style></script><!-- --><svg onload=alert(1)>",
    "`${alert(1)}` {{7*7}} {% if 7*7==49 %}YES{% endif %} {# gone #}",
    "C:\\x\\2019 \"quoted\" 'single' & &amp; $\\frac{1$ a\nb",
    "=1+1 @x +y -z",
    "\u202eevil\u202c \u2028 \x07bell \ufeff",
    "خوتەن نەمۇنىسى",
    "丝路佳苑",
)


def example(text=HOSTILE, *, empty: bool = False) -> Result:
    """Four sites (one nowhere), five origins (one nowhere), six flows; `text` is woven into every
    field of text.
    """
    t = [text[i % len(text)] for i in range(64)]
    crs = "EPSG:4326"
    n = 0 if empty else 4
    sites = gpd.GeoDataFrame(
        {
            "name": [t[0], t[8], t[3], "Ajoz"],
            "name_local": [t[7], t[8], None, None],
            "uncertainty_km": [10.0, 0.5, 100.0, np.nan],
            "households": [1660, 363, np.nan, 10],
            "persons": [6880, np.nan, np.nan, 42],
            "year": [2017, 2018, 2019, np.nan],
            "models": ["1;2;5", "4", None, None],
            "source": t[0:4],
            "declared_county": [t[4], "B1", None, None],
            "declared_prefecture": ["A", "B", None, None],
            "county_code": ["A1", "B1", "B2", None],
            "county": [t[5], "B1 county", "B2 county", None],
            "prefecture_code": ["A", "B", "B", None],
            "prefecture": [t[6], "Pref B", "Pref B", None],
            "admin_probability": [0.83, 1.0, 0.31, np.nan],
            "on_border": [False, False, False, None],
            "border_km": [3.123456, 12.3456789, 45.6, np.nan],
            "admin_agrees": [True, True, None, None],
            "in_oasis": [True, False, None, None],
            "oasis_edge_km": [-2.34567, 11.23456, 5.5, np.nan],
            "oasis_edge_low_km": [-12.3, 10.7, -94, np.nan],
            "oasis_edge_high_km": [7.6, 11.7, 105, np.nan],
            "oasis_5km_ha": [1234.5678, 0, 20.123, np.nan],
            "why": ["", "", "households: not stated", "position unknown"],
            "geometry": [Point(76.1, 39.13), Point(77.6, 37.9), Point(79.0, 38.0), None],
        },
        index=pd.Index(["S1", "S2", "S3", "S4"], name="site_id"),
        crs=crs,
    ).iloc[:n]
    origins = gpd.GeoDataFrame(
        {
            "name": [t[1], "Kokyar", t[7], "Deep valley", "Nowhere"],
            "uncertainty_km": [5.0, 1.0, 0.0, 45.0, np.nan],
            "county": ["A1", "B1", "B1", "B2", None],
            "source": t[2:7],
            "geometry": [
                Point(75.95, 38.05),
                Point(77.18, 37.39),
                Point(76.69, 36.98),
                Point(79.5, 36.6),
                None,
            ],
        },
        index=pd.Index(["O1", "O2", "O3", "O4", "O5"], name="origin_id"),
        crs=crs,
    ).iloc[: 0 if empty else 5]
    pairs = _pairs(t).iloc[: 0 if empty else 6]
    flows = pairs.reset_index()[["origin_id", "site_id", "households", "declared_km"]]
    study = Study(
        sites=sites,
        origins=origins,
        flows=flows,
        boundaries=_boundaries(t),
        oasis=gpd.GeoDataFrame(
            {"year": [2019]},
            geometry=[MultiPolygon([box(75.9, 39.0, 76.6, 39.5), box(77.2, 37.8, 77.5, 38.4)])],
            crs=crs,
        ),
        development=gpd.GeoDataFrame(
            {
                "kind": ["forage", t[2]],
                "site_id": ["S1", "S1"],
                "declared_ha": [666.67, 333.0],
                "geometry_basis": ["illustrative", "digitised"],
                "geometry": [box(76.12, 39.10, 76.16, 39.13), box(76.02, 39.15, 76.05, 39.17)],
            },
            index=pd.Index(["D1", "D2"], name="development_id"),
            crs=crs,
        ),
        dem=_dem(),
        rivers=gpd.GeoDataFrame(
            {"name": [t[3]]},
            geometry=[LineString([(75, 38), (76.5, 39), (79, 39.6), (81, 40)])],
            crs=crs,
        ),
        settings={
            "remoteness": {"farming_radius_km": {"motor": 4.0}},
            "study": {"boundary_note": "Set X, " + t[0], "title": ""},
        },
        problems=(
            Problem(code="made_up", severity="warning", message=t[0], file=t[1], value=t[4]),
        ),
        ledger={"sites": {"rows_in": 5, "rows_used": 4, "rows_set_aside": 1}},
        inputs={
            t[0] + ".csv": {
                "sha256": "ab" * 32,
                "layer": "sites",
                "source": t[1],
                "licence": t[2],
                "rows": 4,
            },
            "dem.tif": {
                "sha256": "cd" * 32,
                "layer": "dem",
                "source": "GEBCO",
                "licence": "public domain",
            },
        },
        name=t[0],
    )
    return Result(
        study=study,
        sites=sites,
        origins=origins,
        pairs=pairs,
        problems=problems_frame(study.problems),
        provenance={
            "version": "0.1.0",
            "versions": {"geosettle": "0.1.0", "numpy": "2"},
            "seed": 7,
            "parameters": {"distance": {"metrics": ["geodesic", "walk"]}},
            "inputs": study.inputs,
        },
        **_long_frames(t, empty=empty),
    )


def _pairs(t) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(
        [("O1", "S1"), ("O2", "S2"), ("O3", "S2"), ("O4", "S3"), ("O5", "S1"), ("O2", "S4")],
        names=["origin_id", "site_id"],
    )
    nan = np.nan
    return pd.DataFrame(
        {
            "households": [1000, 120, nan, 3, 7, nan],
            "persons": [nan] * 6,
            "year": [2017, 2018, 2018, nan, nan, nan],
            "geodesic_km": [120.912345, 67.8912345, 130.4112345, 160.7, nan, nan],
            "geodesic_low_km": [105.9, 66.4, 129.9, 15.7, nan, nan],
            "geodesic_high_km": [135.9, 69.4, 130.9, 305.7, nan, nan],
            "bearing_deg": [6.123456, 33.33333, 38.1, 344.2, nan, nan],
            "surface_km": [123.4567, 68.1, 133.2, 165, nan, nan],
            "ascent_m": [812.34, 400.4, 1234.5, 3000, nan, nan],
            "descent_m": [2000.1, 900.2, 3000, 4000, nan, nan],
            "walk_out_h": [31.2345, 16.1, 35, 60, nan, nan],
            "walk_back_h": [34.2345, 17.1, 38, 66, nan, nan],
            "road_km": [nan] * 6,
            "road_h": [nan] * 6,
            "detour_ratio": [nan] * 6,
            "elevation_change_m": [-1559.4, -660, -1700, -1000, nan, nan],
            "declared_km": [210, 60, 160, nan, 160, nan],
            "flags": ["", "declared_shorter_than_straight", "used_to_place", "", "", ""],
            "why": ["", "", "", "", "O5: position unknown; " + t[4], t[0]],
        },
        index=index,
    )


def _boundaries(t) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "name": ["Pref A", "Pref B", t[5], "B1 county", "B2 county"],
            "level": ["prefecture", "prefecture", "county", "county", "county"],
            "parent_code": [None, None, "A", "B", "B"],
            "geometry": [
                box(74, 38.5, 78, 41),
                box(75, 36, 81, 38.5),
                box(74, 38.5, 78, 41),
                box(75, 36, 78, 38.5),
                box(78, 36, 81, 38.5),
            ],
        },
        index=pd.Index(["A", "B", "A1", "B1", "B2"], name="code"),
        crs="EPSG:4326",
    )


def _dem() -> Raster:
    lon, lat = np.meshgrid(np.linspace(73, 82, 180), np.linspace(42, 35.5, 130))
    height = (
        1200
        + 900 * np.clip(39 - lat, 0, None)
        + 400 * np.sin(lon * 9) * np.cos(lat * 7) * (lat < 38.5)
    )
    height[:6, :6] = np.nan
    return Raster(
        height, Affine(9 / 180, 0, 73, 0, -6.5 / 130, 42), unit="m", source="made-up hills"
    )


def _long_frames(t, *, empty: bool) -> dict[str, pd.DataFrame]:
    pair = [("O1", "S1"), ("O2", "S2"), ("O3", "S2"), ("O4", "S3")]
    frames = {
        "intervals": pd.DataFrame(
            [
                {
                    "origin_id": o,
                    "site_id": s,
                    "metric": "geodesic",
                    "unit": "km",
                    "low": low,
                    "median": m,
                    "high": h,
                }
                for (o, s), (low, m, h) in zip(
                    pair,
                    [(110, 121, 131), (66.8, 67.9, 69.1), (130, 130.4, 130.8), (60, 165, 270)],
                    strict=True,
                )
            ]
        ).assign(level=0.9, draws=1000, why=""),
        "admin": pd.DataFrame(
            {
                "role": ["site", "site"],
                "id": ["S1", "S2"],
                "level": ["county", "county"],
                "code": ["A1", "B1"],
                "name": [t[5], "B1 county"],
                "probability": [0.83, 1.0],
                "alternatives": [t[0] + " 0.83", ""],
                "on_border": False,
                "border_km": [3.1, 12.3],
                "distance_m": 0.0,
                "declared": [t[4], "B1"],
                "agrees": True,
                "why": "",
            }
        ),
        "covers": pd.DataFrame(
            {
                "zone_id": ["S1", "S1"],
                "zone": "disc",
                "radius_km": [5.0, 15.0],
                "layer": ["oasis", "development"],
                "class": ["oasis", t[2]],
                "year": [2019, 2019],
                "area_ha": [1234.5678, 666.67],
                "share": [0.157, 0.009],
                "households": 1660,
                "area_ha_per_household": [0.74, 0.4],
                "geometry_basis": ["derived", "illustrative"],
                "evidence": [True, False],
                "why": "",
            }
        ),
        "oasis": pd.DataFrame(
            [
                {
                    "code": code,
                    "name": name,
                    "setting": setting,
                    "area_km2": share * 1000,
                    "unit_area_km2": 100_000.0,
                    "share_percent": share,
                    "quantity": quantity,
                    "published": published,
                    "difference": np.nan,
                    "difference_percent": np.nan,
                    "source": t[0],
                    "claim": claim,
                    "why": "",
                }
                for code, name, factor, stated in (
                    ("A", t[6], 0.1, [(None, np.nan, "")]),
                    (
                        "B",
                        "Pref B",
                        1.0,
                        [
                            ("share_percent", 3.7, ""),
                            ("area_km2", 4000.0, ""),
                            ("share_percent", 29.1, "C2"),
                        ],
                    ),
                )
                for setting, share in (
                    ("low", factor),
                    ("central", 2 * factor),
                    ("high", 3 * factor),
                )
                for quantity, published, claim in stated
            ]
        ),
        "land": pd.DataFrame(
            {
                "households": [1660.0, 363.0],
                "parcels_n": [2, 0],
                "declared_ha": [999.67, np.nan],
                "mapped_ha": [330.0, np.nan],
                "developed_ha": [999.67, np.nan],
                "leased_ha": [400.0, np.nan],
                "self_run_ha": [599.67, np.nan],
                "developed_mu_per_household": [9.033, np.nan],
                "geometry_basis": ["illustrative", None],
                "evidence": [False, False],
                "why": [t[4], t[0]],
            },
            index=pd.Index(["S1", "S2"], name="site_id"),
        ),
        "change": pd.DataFrame(
            columns=["zone_id", "layer", "year_from", "year_to", "value", "why"]
        ),
        "remoteness": pd.DataFrame(
            {
                "role": ["site", "site"],
                "id": ["S1", "S2"],
                "indicator": ["weighted_mean", "farming_multiple"],
                "metric": "geodesic",
                "value": [120.912345, 25.12345],
                "low": [105.9, 24.9],
                "high": [135.9, 25.3],
                "unit": ["km", "ratio"],
                "n": [1, 2],
                "rank_low": [1, 2],
                "rank_high": [2, 2],
                "why": ["", t[4]],
            }
        ),
        "livelihood": pd.DataFrame(
            {
                "section": ["capital", "capital", "model", "constraint"],
                "site_id": ["all", "all", "S1", "all"],
                "item": ["greenhouse households", t[0], "1 " + t[1], "land transfer"],
                "before": [16.7, 13.2, np.nan, np.nan],
                "after": [72.8, 36.8, np.nan, np.nan],
                "change": [56.1, 23.6, np.nan, np.nan],
                "low": [50.0, np.nan, np.nan, np.nan],
                "high": [62.0, np.nan, np.nan, np.nan],
                "unit": ["%", "%", "", ""],
                "n": [np.nan] * 4,
                "verdict": ["rose", "rose", t[4], "named by the source"],
                "evidence": [True, True, False, False],
                "source": t[0:4],
                "note": t[3:7],
            }
        ),
        "claims": pd.DataFrame(
            {
                "claim_id": ["C2", "C1"],
                "subject": [t[0], "study area"],
                "quantity": ["oasis share", "area"],
                "value": ["29.1", "441000"],
                "unit": ["%", "km2"],
                "as_printed": [t[4], "441,000 km?"],
                "reading": ["", "441,000 km²"],
                "garbled": [True, True],
                "source": [t[1], "study"],
                "computed": [2.0, 430160.0],
                "computed_unit": ["%", "km2"],
                "layer": ["oasis", "boundaries"],
                "difference": [-27.1, -10840.0],
                "verdict": ["differs", "agrees"],
                "why": [t[3], ""],
            }
        ),
    }
    return {name: frame.iloc[:0] if empty else frame for name, frame in frames.items()}
