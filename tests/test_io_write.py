"""What is written reads back the same, and twice the same bytes."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import corpus
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geosettle.errors import CrsError
from geosettle.io import (
    check_path,
    csv_bytes,
    geotiff_bytes,
    read_layer,
    safe_text,
    write_gpkg_bytes,
)
from geosettle.raster import Raster

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "<script>",
    "{{7*7}}",
    'a "b", c',
    "a\nb",
    "丝路佳苑",
    "ئاقتو",
    "'x",
    "=cmd|' /C calc'!A0",
]


def sites() -> gpd.GeoDataFrame:
    frame = corpus.frame().set_index("site_id")
    return gpd.GeoDataFrame(frame.assign(name=HOSTILE[:3]), crs=4326)


def test_csv_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_bytes(csv_bytes(sites()))
    back = read_layer(path, "sites")
    assert back.index.tolist() == corpus.IDS
    assert back["name"].tolist() == ["=1+1", "+1", "-1"]
    assert back.geometry.x.tolist() == corpus.LON
    assert back["households"].tolist() == corpus.HOUSEHOLDS


@pytest.mark.parametrize("text", [*HOSTILE, "\uff1d1+1", "\uff0b1+1", "\uff0dcmd", "\uff20SUM(1)"])
def test_no_formula(text: str) -> None:
    safe = safe_text(text)
    number = safe.lstrip("+-").replace(".", "").isdigit()
    assert number or safe.lstrip()[:1] not in {
        "=",
        "+",
        "-",
        "@",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
    }
    assert safe.endswith(text)


def test_csv_is_rfc_4180() -> None:
    data = csv_bytes(
        pd.DataFrame(
            {
                "a": ['x "y", z', None],
                "b": [0.1 + 0.2, np.nan],
                "c": pd.array([1, None], dtype="Int64"),
            }
        )
    )
    assert data == b'\xef\xbb\xbfa,b,c\r\n"x ""y"", z",0.3,1\r\n,,\r\n'


def test_gpkg_round_trip(tmp_path: Path) -> None:
    frame = sites().assign(
        flag=[True, False, True], year=pd.array([2019, None, 2018], dtype="Int64")
    )
    frame.loc["S2", "geometry"] = None
    data = write_gpkg_bytes(
        {"sites": frame, "flows": pd.DataFrame({"origin_id": ["a"]})},
        {"sites": "<qgis/>"},
        {"manifest": "{}"},
    )
    assert data == write_gpkg_bytes(
        {"sites": frame, "flows": pd.DataFrame({"origin_id": ["a"]})},
        {"sites": "<qgis/>"},
        {"manifest": "{}"},
    )
    path = tmp_path / "out.gpkg"
    path.write_bytes(data)
    assert [n for n, _ in pyogrio.list_layers(path)] == [
        "sites",
        "flows",
        "layer_styles",
        "geosettle_metadata",
    ]
    back = gpd.read_file(path, layer="sites").set_index("site_id")
    assert back.crs.to_epsg() == 4326
    assert back["name"].tolist() == frame["name"].tolist()
    assert back.geometry.iloc[1] is None
    assert shapely.equals(back.geometry.iloc[0], frame.geometry.iloc[0])
    assert back["flag"].tolist() == [True, False, True]
    assert back["year"].iloc[0] == 2019
    assert read_layer(path, "sites").index.tolist() == corpus.IDS
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []


def test_gpkg_wants_wgs84() -> None:
    with pytest.raises(CrsError, match="4326"):
        write_gpkg_bytes({"sites": sites().to_crs(32643)})


def test_geotiff_round_trip(tmp_path: Path) -> None:
    raster = Raster(
        np.array([[1.5, np.nan], [3.0, 4.0]]), Affine(0.5, 0, 76, 0, -0.5, 40), unit="m"
    )
    data = geotiff_bytes(raster)
    assert data == geotiff_bytes(raster)
    path = tmp_path / "dem.tif"
    path.write_bytes(data)
    back = read_layer(path, "dem")
    np.testing.assert_array_equal(back.values, raster.values)
    assert back.transform == raster.transform
    assert back.unit == "m"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=12),
            st.floats(-180, 180).map(lambda v: round(v, 6)),
            st.floats(-80, 80).map(lambda v: round(v, 6)),
            st.none() | st.integers(0, 10**6),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_any_table_reads_back(rows: list[tuple[Any, ...]]) -> None:

    names, lon, lat, households = (list(c) for c in zip(*rows, strict=True))
    ids = [f"S{n}" for n in range(len(rows))]
    frame = pd.DataFrame(
        {
            "site_id": ids,
            "name": [f"n{n}" for n in names],
            "lon": lon,
            "lat": lat,
            "households": pd.array(households, dtype="Int64"),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sites.csv"
        path.write_bytes(csv_bytes(frame))
        found = check_path(path, "sites")
    assert found["rows_in"] == len(rows)
    for i, x, y in zip(
        found["summary"].get("ids", []),
        found["summary"].get("lon", []),
        found["summary"].get("lat", []),
        strict=True,
    ):
        at = ids.index(i)
        assert (x, y) == pytest.approx((lon[at], lat[at]), abs=1e-9)


def test_gpkg_has_spatial_indexes(tmp_path: Path) -> None:
    frame = sites()
    path = tmp_path / "a.gpkg"
    path.write_bytes(write_gpkg_bytes({"sites": frame, "table": pd.DataFrame({"a": [1]})}))
    with closing(sqlite3.connect(path)) as base:
        listed = base.execute("SELECT table_name, extension_name FROM gpkg_extensions").fetchall()
        boxes = base.execute('SELECT id, minx, miny FROM "rtree_sites_geom" ORDER BY id').fetchall()
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert listed == [("sites", "gpkg_rtree_index")]
    known = [
        (n, g.x, g.y) for n, g in enumerate(frame.geometry, 1) if g is not None and not g.is_empty
    ]
    assert [b[0] for b in boxes] == [k[0] for k in known]
    assert np.allclose([b[1:] for b in boxes], [k[1:] for k in known], atol=1e-4)
    # GDAL finds one feature by its box, keeps the index when features come and go, and finds it so.
    west, south = known[0][1:]
    box = (west - 0.001, south - 0.001, west + 0.001, south + 0.001)
    assert len(gpd.read_file(path, layer="sites", bbox=box)) == 1
    frame.iloc[:1].to_file(path, layer="sites", mode="a")
    assert len(gpd.read_file(path, layer="sites", bbox=box)) == 2
