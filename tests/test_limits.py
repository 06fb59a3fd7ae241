"""Small files that would fill the memory or keep the reader busy are refused or read in bounded steps."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine

from geosettle.claims.printed_numbers import claimed_range
from geosettle.io import check_path, rasters, source
from geosettle.io.column_names import split_unit
from geosettle.io.columns import clean_id, likeness
from geosettle.io.headers import is_tag_row
from geosettle.io.notations import from_ddmm, parse_position, utm_zone
from geosettle.io.numbers import (
    LONGEST,
    clean,
    decimal_mark,
    is_missing,
    to_angle,
    to_number,
    to_text,
    to_year,
)  # fmt: skip
from geosettle.io.parquet import read_parquet
from geosettle.layers import LAYERS, plain_name

MANY = 1_000_000
PIECES = [
    " ",
    "1",
    "1,",
    "1 ",
    "a",
    "1.",
    "1°",
    "1'",
    "N",
    "(",
    "#a+",
    "1 x ",
    "中",
    "中县",
    "12:",
    "?a",
    "\u00a0",
    "a@",
    "+1 ",
]
READERS: dict[str, Any] = {
    "clean": clean,
    "is_missing": is_missing,
    "to_text": to_text,
    "decimal_mark": lambda text: decimal_mark([text]),
    "to_number": to_number,
    "to_number with a comma": lambda text: to_number(text, ","),
    "to_angle lon": lambda text: to_angle(text, "lon"),
    "to_angle lat": lambda text: to_angle(text, "lat"),
    "to_year": to_year,
    "parse_position": parse_position,
    "from_ddmm": lambda text: from_ddmm(text, "lat"),
    "utm_zone": utm_zone,
    "clean_id": clean_id,
    "likeness": likeness,
    "plain_name": plain_name,
    "split_unit": lambda text: split_unit(text, "ha"),
    "is_tag_row": lambda text: is_tag_row([text, text]),
    "claimed_range": claimed_range,
}
TABLES = [r for r, spec in LAYERS.items() if spec.geometries != ("raster",)]


@pytest.mark.parametrize("reader", READERS)
def test_a_cell_of_a_million_letters(reader: str) -> None:
    """A reader of more than linear steps would not come to an end here."""
    for piece in PIECES:
        READERS[reader]("1" + piece * (MANY // len(piece)) + "x")


@pytest.mark.parametrize("role", TABLES)
def test_long_cells_in_every_column_of_every_layer(role: str, tmp_path: Path) -> None:
    columns = [c.name for c in LAYERS[role].columns]
    columns += [c for c in ("lon", "lat", "datum", "unit", "zone", "area") if c not in columns]
    for n, piece in enumerate([" ", "1", "1 ", "中", "a@", "("]):
        text = "1" + piece * (20_000 // len(piece)) + "x"
        rows = [columns, [f"r{c}" for c in columns], [text] * len(columns)]
        file = tmp_path / f"{n}.csv"
        file.write_text(
            "".join(",".join(f'"{c}"' for c in row) + "\n" for row in rows), encoding="utf-8"
        )
        assert check_path(file, role)["status"] in {"rejected", "quarantined", "accepted"}


@pytest.mark.parametrize("piece", ["(", "a_"])
def test_a_header_without_end(piece: str, tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    header = piece * (MANY // 5 // len(piece))
    file.write_text(f'site_id,name,lon,lat,"{header}"\nS1,a,20.51,10.52,x\n', encoding="utf-8")
    assert check_path(file, "sites")["rows_ok"] == 1


def test_what_is_too_long_is_no_number_and_what_is_not_is_one() -> None:
    padded = " " * MANY + "12.5" + " " * MANY
    assert to_number(padded) == (12.5, "")
    assert to_number("1" * (LONGEST + 1))[1] == "number_unreadable"
    assert to_angle("1" * (LONGEST + 1), "lon")[1] == "coordinate_unreadable"


def refused(found: Any) -> bool:
    codes = {p["code"] for p in found["problems"]}
    return found["status"] == "rejected" and codes == {"file_too_large"}


def test_tables_of_too_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_CELLS", 100)
    frame = gpd.GeoDataFrame(
        {"site_id": [f"S{n}" for n in range(60)], "name": "a", "year": 2020},
        geometry=[shapely.Point(20 + n / 70, 10 + n / 90) for n in range(60)], crs=4326,
    )  # fmt: skip
    frame.to_parquet(tmp_path / "a.parquet")
    for ending in ("gpkg", "fgb", "geojson", "shp"):
        frame.to_file(tmp_path / f"a.{ending}")
    frame.assign(lon=frame.geometry.x, lat=frame.geometry.y).drop(columns="geometry").to_csv(
        tmp_path / "a.csv", index=False
    )
    for ending in ("parquet", "gpkg", "fgb", "geojson", "shp", "csv"):
        assert refused(check_path(tmp_path / f"a.{ending}", "sites")), ending
    monkeypatch.setattr(source, "MOST_CELLS", 1000)
    for ending in ("parquet", "gpkg", "fgb", "geojson", "shp", "csv"):
        assert check_path(tmp_path / f"a.{ending}", "sites")["rows_ok"] == 60, ending


def test_a_text_that_a_parquet_file_holds_once_for_many_rows(tmp_path: Path) -> None:
    rows = 3000
    table = pa.table({
        "site_id": [f"S{n}" for n in range(rows)], "name": ["x" * 200_000] * rows,
        "lon": np.full(rows, 20.5), "lat": np.full(rows, 10.5),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "sites.parquet")
    assert (tmp_path / "sites.parquet").stat().st_size < 300_000
    assert refused(check_path(tmp_path / "sites.parquet", "sites"))


@pytest.mark.parametrize(("view", "bad"), [
    (("WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c LIMIT 3000000)"
     " SELECT x AS fid, 'S' || x AS site_id, hex(zeroblob(1000)) AS name, geom FROM c, base"), True),
    (("WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c)"
     " SELECT x AS fid, 'S' || x AS site_id, 'n' AS name, geom FROM c, base"), True),
    ("SELECT fid, site_id, name, geom FROM base", False),
])  # fmt: skip
def test_a_view_of_a_geopackage(view: str, bad: bool, tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    gpd.GeoDataFrame(
        {"site_id": ["S1"], "name": ["a"]}, geometry=[shapely.Point(20.51, 10.52)], crs=4326
    ).to_file(file, layer="base")
    base = sqlite3.connect(file)
    base.execute(f"CREATE VIEW sites AS {view}")
    base.execute("INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)"
                 " VALUES ('sites', 'features', 'sites', 4326)")  # fmt: skip
    base.execute("INSERT INTO gpkg_geometry_columns VALUES ('sites', 'geom', 'POINT', 4326, 0, 0)")
    base.commit()
    base.close()
    found = check_path(file, "sites", layer="sites")
    assert found["status"] == ("rejected" if bad else "accepted")


def test_a_raster_that_is_nearly_all_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dem.tif"
    options: dict[str, Any] = {"driver": "GTiff", "count": 1, "dtype": "float64", "crs": "EPSG:4326",
                               "transform": Affine(0.001, 0, 20, 0, -0.001, 20)}  # fmt: skip
    with rasterio.open(file, "w", width=14_000, height=14_000, sparse_ok=True, tiled=True,
                       blockxsize=4096, blockysize=4096, **options):  # fmt: skip
        pass
    assert file.stat().st_size < 5000
    assert refused(check_path(file, "dem"))
    monkeypatch.setattr(rasters, "_UNPACKED", 1000)
    with rasterio.open(file, "w", width=200, height=200, compress="deflate", **options) as data:
        data.write(np.arange(40_000, dtype=float).reshape(1, 200, 200))
    assert check_path(file, "dem")["status"] == "accepted"


@pytest.mark.parametrize(
    "stated", [b"GB\x00K", b"\x00", b"utf-8\n\x1b[2J", b"\xff\xfeU\x00", b"hex", b"idna"]
)
def test_a_damaged_name_of_an_encoding_is_no_fault(stated: bytes, tmp_path: Path) -> None:
    """Found by `make fuzz`: codecs.lookup raises ValueError for a null character."""
    frame = gpd.GeoDataFrame(
        {"name": ["村"]}, geometry=gpd.points_from_xy([20.5], [10.5]), crs=4326
    )
    frame.to_file(tmp_path / "places.shp", encoding="gbk")
    (tmp_path / "places.cpg").write_bytes(stated)
    assert check_path(tmp_path / "places.shp", "sites")["rows_in"] == 1


def test_bytes_in_lists_of_a_parquet_file_stay_unread(tmp_path: Path) -> None:
    """Three kilobytes held 800 MB of them, and bytes in a list are no cell."""
    kind = pa.struct([("a", pa.list_(pa.binary()))])
    held = pa.array([{"a": [b"\0" * 1000] * 20}] * 3, kind)
    names = ["S1", "S2", "S3"]
    table = {"site_id": names, "name": names, "lon": [20.11, 20.22, 20.33], "lat": [9.1, 9.2, 9.3]}
    path = tmp_path / "sites.parquet"
    pq.write_table(pa.table({**table, "deep": held}), path)
    cells = read_parquet(path, path.name).cells
    assert cells["deep"].isna().all()
    assert check_path(path, "sites")["rows_ok"] == 3


def test_lon_and_lat_far_from_the_geometry_say_how_far(tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("site_id,name,lon,lat,wkt\nS1,One,20.25,10.25,POINT (20.25 11.25)\n")
    (found,) = [p for p in check_path(path, "sites")["problems"] if "contradicts" in p["code"]]
    # A degree of latitude there is 110.6 km long (Snyder 1987, table 2).
    assert "are 111 km from the geometry" in found["message"]
    assert found["distance_km"] == pytest.approx(110.6, abs=0.1)
