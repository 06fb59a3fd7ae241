"""Good input that looks odd is used, and doubtful input is named: one small file for each kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from geosettle.cli import main
from geosettle.io import check_path


def square(x: float, y: float, size: float, **properties: Any) -> dict[str, Any]:
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def point(x: float, y: float, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties,
            "geometry": {"type": "Point", "coordinates": [x, y]}}  # fmt: skip


def check(folder: Path, name: str, content: str | bytes | list[Any], role: str, **more: Any) -> Any:
    file = folder / name
    if isinstance(content, list):
        content = json.dumps({"type": "FeatureCollection", "features": content})
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return check_path(file, role, **more)


def codes(found: Any, *severities: str) -> set[str]:
    return {p["code"] for p in found["problems"] if not severities or p["severity"] in severities}


def one(found: Any, code: str) -> dict[str, Any]:
    hits = [p for p in found["problems"] if p["code"] == code]
    assert len(hits) == 1, found["problems"]
    return hits[0]


# --- good input


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_marks_in_cells_do_not_change_the_delimiter(tmp_path: Path, mark: str) -> None:
    rows = "".join(f"S{n},a{mark}b,{20 + n / 7:.3f},{10 + n / 9:.3f}\n" for n in range(1, 14))
    found = check(tmp_path, "sites.csv", "site_id,name,lon,lat\n" + rows, "sites")
    assert (found["status"], found["rows_ok"]) == ("accepted", 13)
    assert found["summary"]["names"][0] == f"a{mark}b"


@pytest.mark.parametrize("name", ["sites.csv", "sites.tsv"])
@pytest.mark.parametrize("cell", ['5" pipe', '"5" pipe"', '"inch', 'the "new village'])
def test_a_lone_quotation_mark_is_a_letter(tmp_path: Path, name: str, cell: str) -> None:
    mark = "\t" if name.endswith("tsv") else ","
    rows = ["site_id,name,lon,lat", f"S1,{cell},20.51,10.52", "S2,b,20.63,10.64"]
    found = check(tmp_path, name, "\n".join(rows).replace(",", mark) + "\n", "sites")
    assert (found["status"], found["rows_ok"]) == ("accepted", 2)
    assert found["summary"]["names"] == [cell, "b"]


def test_an_empty_point_is_a_row_without_position(tmp_path: Path) -> None:
    rows = "site_id,name,wkt\nS1,a,POINT (20.51 10.52)\nS2,b,POINT EMPTY\n"
    found = check(tmp_path, "sites.csv", rows, "sites")
    assert (found["status"], found["summary"]["positions_missing"]) == ("accepted", 1)
    assert one(found, "position_unknown")["id"] == "S2"


def test_one_bad_srid_costs_its_row(tmp_path: Path) -> None:
    rows = ("site_id,name,wkt\nS1,a,SRID=4326;POINT (20.51 10.52)\n"
            "S2,b,SRID=999999;POINT (20.61 10.63)\nS3,c,SRID=4326;POINT (20.73 10.74)\n")  # fmt: skip
    found = check(tmp_path, "sites.csv", rows, "sites")
    assert (found["status"], found["rows_ok"]) == ("quarantined", 2)
    assert one(found, "crs_unknown")["id"] == "S2"


def test_units_without_level_and_parcels_without_id(tmp_path: Path) -> None:
    units = [square(20, 10, 1, code="1", name="A"), square(21, 10, 1, code="2", name="B")]
    found = check(tmp_path, "b.geojson", units, "boundaries")
    assert (found["status"], codes(found)) == ("accepted", {"level_made"})
    units[1]["properties"]["parent_code"] = "1"  # one is inside the other: they are of two levels
    assert check(tmp_path, "b.geojson", units, "boundaries")["status"] == "rejected"
    parcels = [square(20, 10, 0.01, kind="farm"), square(20.2, 10, 0.01, kind="farm")]
    found = check(tmp_path, "d.geojson", parcels, "development")
    assert (found["status"], codes(found)) == ("accepted", {"id_made"})


def test_gaps_that_no_instrument_sees_are_none(tmp_path: Path) -> None:
    units = [square(20, 10, 1, code="1", name="A", level="county"),
             square(21 + 1e-14, 10, 1, code="2", name="B", level="county")]  # fmt: skip
    assert codes(check(tmp_path, "b.geojson", units, "boundaries")) == set()


# --- vertices


def test_every_vertex_is_on_earth(tmp_path: Path) -> None:
    for role, at in (
        ("development", [772.0, 10.02]),
        ("oasis", [20.1, 97.0]),
        ("boundaries", [20.1, -95.0]),
    ):
        own = {"development_id": "D1", "kind": "farm", "code": "1", "name": "A", "level": "county"}
        parcels = [
            square(20, 10, 0.02, **own),
            square(20.2, 10, 0.02, **{**own, "development_id": "D2", "code": "2", "name": "B"}),
        ]
        parcels[0]["geometry"]["coordinates"][0][2] = at
        found = check(tmp_path, "x.geojson", parcels, role)
        assert (found["status"], found["rows_ok"]) == ("quarantined", 1), role
        off = [p for p in found["problems"] if p["code"] == "coordinate_out_of_range"]
        assert [(p["row"], p["value"]) for p in off] == [(1, f"{at[0]:.6g}, {at[1]:.6g}")]


def test_a_vertex_far_from_its_outline_or_outside_the_region_is_named(tmp_path: Path) -> None:
    parcels = [square(20 + n / 10, 10, 0.01, kind="farm", development_id=f"D{n}") for n in range(4)]
    assert "vertex_far" not in codes(check(tmp_path, "x.geojson", parcels, "development"))
    parcels[2]["geometry"]["coordinates"][0][2] = [60.21, 10.01]
    found = check(tmp_path, "x.geojson", parcels, "development", region=(19, 9, 21, 11))
    assert (one(found, "vertex_far")["row"], one(found, "vertex_far")["value"]) == (
        3,
        "60.21, 10.01",
    )
    assert {p["row"] for p in found["problems"] if p["code"] == "outside_region"} == {3}


def test_outlines_across_the_180th_meridian_and_long_thin_ones_are_not_doubted(
    tmp_path: Path,
) -> None:
    across = square(179.5, -17, 1, code="1", name="A", level="county")
    turned = square(200.5, -17, 1, code="2", name="B", level="county")
    thin = square(178, 10, 1, code="3", name="C", level="county")
    thin["geometry"]["coordinates"][0] = [
        [178, 10],
        [150, 10],
        [150, 10.01],
        [178, 10.01],
        [178, 10],
    ]
    found = check(tmp_path, "x.geojson", [across, turned, thin], "boundaries")
    assert found["status"] == "accepted"
    assert not codes(found) & {"vertex_far", "coordinate_out_of_range"}


def test_a_large_area_among_points(tmp_path: Path) -> None:
    sites = [point(20.11 + n / 7, 10.13, site_id=f"S{n}", name=f"n{n}") for n in range(3)]
    sites.append(square(20, 10, 1, site_id="S9", name="unit"))
    found = one(check(tmp_path, "sites.geojson", sites, "sites"), "area_among_points")
    # One degree square from 10 to 11 N, by geodesics on WGS84 (GeographicLib).
    assert found["id"] == "S9"
    assert float(found["value"].split()[0]) == pytest.approx(12_108.467, rel=1e-4)
    sites = [square(20 + n, 10, 1, site_id=f"S{n}", name=f"n{n}") for n in range(3)]
    assert "area_among_points" not in codes(check(tmp_path, "sites.geojson", sites, "sites"))


# --- cells


def test_a_comma_in_a_count(tmp_path: Path) -> None:
    rows = 'site_id,name,lon,lat,households\nS1,a,20.51,10.52,"1,23"\nS2,b,20.63,10.64,"1,230"\n'
    found = check(tmp_path, "sites.csv", rows, "sites")
    assert (found["summary"]["households_sum"], found["summary"]["households_missing"]) == (1230, 1)
    assert one(found, "number_ambiguous")["id"] == "S1"


def test_columns_of_one_name(tmp_path: Path) -> None:
    rows = "site_id,name,lon,lat,households,households\nS1,a,20.51,10.52,5,{}\nS2,b,20.63,10.64,20,20\n"
    differ = one(check(tmp_path, "sites.csv", rows.format(7), "sites"), "column_repeated")
    assert (differ["severity"], "1 row(s), first in line 2" in differ["message"]) == (
        "warning",
        True,
    )
    same = one(check(tmp_path, "sites.csv", rows.format(5), "sites"), "column_repeated")
    assert same["severity"] == "note"


def test_columns_of_areas_against_what_is_drawn(tmp_path: Path) -> None:
    # 0.01 by 0.01 degrees at 10 N: 121.1 ha.
    drawn = 121.1
    for column, factor, told in (
        ("area_ha", 15.0, "mu"), ("area_ha", 2.4711, "acres"), ("area_mu", 15.0, ""),
        ("Shape_Area", 10_000.0, ""), ("area", 15.0, "mu"),
    ):  # fmt: skip
        parcels = [square(20 + n / 10, 10, 0.01, kind="farm", development_id=f"D{n}",
                          **{column: drawn * factor}) for n in range(5)]  # fmt: skip
        found = check(tmp_path, "x.geojson", parcels, "development")
        suspected = [p["message"] for p in found["problems"] if p["code"] == "unit_suspected"]
        assert bool(suspected) == bool(told), (column, factor)
        assert told in " ".join(suspected)
        parcels[3]["properties"][column] *= 5
        found = check(tmp_path, "x.geojson", parcels, "development")
        assert "D3" in {
            p["id"] for p in found["problems"] if p["code"] in {"area_differs", "unit_suspected"}
        }


# --- encodings

NAMES = [
    "喀什地区安置点",
    "莎车县新村",
    "叶城县第三安置点",
    "塔什库尔干县",
    "阿克陶县移民新村",
    "乌恰县居民点",
]


def table(names: list[str]) -> list[str]:
    return [f"S{n},{name},{20 + n / 7:.3f},{10 + n / 9:.3f}\n" for n, name in enumerate(names)]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_letter_cut_in_the_middle_costs_itself(tmp_path: Path, encoding: str) -> None:
    rows = table(NAMES)
    cut = rows[2].encode(encoding).replace("第".encode(encoding), "第".encode(encoding)[:-1], 1)
    data = b"site_id,name,lon,lat\n" + "".join(rows[:2]).encode(encoding) + cut
    data += "".join(rows[3:]).encode(encoding)
    for stated in (None, encoding):
        found = check(tmp_path, "sites.csv", data, "sites", encoding=stated)
        assert (found["status"], found["rows_ok"]) == ("accepted", 6)
        assert found["summary"]["encoding"] == encoding
        names = found["summary"]["names"]
        assert names[:2] + names[3:] == NAMES[:2] + NAMES[3:]
        assert "\ufffd" in names[2]
        assert one(found, "text_damaged")["line"] == 4


def test_two_encodings_in_one_file(tmp_path: Path) -> None:
    rows = table(NAMES)
    data = ("site_id,name,lon,lat\n" + "".join(rows[:4])).encode() + "".join(rows[4:]).encode(
        "gb18030"
    )
    found = check(tmp_path, "sites.csv", data, "sites")
    assert (found["status"], found["summary"]["names"]) == ("accepted", NAMES)
    mixed = [(p["line"], p["value"]) for p in found["problems"] if p["code"] == "encoding_mixed"]
    assert mixed == [(6, "gb18030"), (7, "gb18030")]


def test_a_geojson_with_a_destroyed_letter_is_named(tmp_path: Path) -> None:
    text = json.dumps({"type": "FeatureCollection", "features": [
        point(20.51, 10.52, site_id="S1", name="莎车县新村安置点")]}, ensure_ascii=False)  # fmt: skip
    data = text.encode().replace("新".encode(), "新".encode()[:2])
    found = check(tmp_path, "sites.geojson", data, "sites")
    assert found["status"] == "accepted"
    assert "text_damaged" in codes(found, "warning")


@pytest.mark.parametrize(("written", "stated", "told"), [
    ("gb18030", "ISO-8859-1", True), ("utf-8", "936", True), ("gb18030", "UTF-8", True),
    ("utf-8", "UTF-8", False), ("gb18030", "936", False), ("gb18030", "GB2312", False),
])  # fmt: skip
def test_a_cpg_that_contradicts_the_texts_is_told(
    tmp_path: Path, written: str, stated: str, told: bool
) -> None:
    import geopandas as gpd
    import shapely

    path = tmp_path / "sites.shp"
    frame = gpd.GeoDataFrame(
        {"site_id": [f"S{n}" for n in range(6)], "name": NAMES},
        geometry=[shapely.Point(20 + n / 7, 10 + n / 9) for n in range(6)], crs=4326,
    )  # fmt: skip
    frame.to_file(path, encoding=written)
    path.with_suffix(".cpg").write_text(stated)
    found = check_path(path, "sites")
    assert found["summary"]["names"] == NAMES
    assert ("encoding_guessed" in codes(found, "warning")) == told


# --- between layers, and files next to rasters


def test_households_of_origins_and_years_of_an_oasis(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("site_id,name,lon,lat\nS1,a,20.51,10.52\n")
    (tmp_path / "origins.csv").write_text(
        "origin_id,name,lon,lat,households\nO1,a,20.61,10.62,40\nO2,b,20.71,10.72,40\n"
    )
    (tmp_path / "flows.csv").write_text("origin_id,site_id,households\nO1,S1,50\nO2,S1,30\n")
    oasis = [square(20, 10, 0.1, year=2000), square(20, 10, 0.2, year=2020)]
    (tmp_path / "oasis.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": oasis})
    )
    found = check_path(tmp_path)
    differ = one(found, "households_differ")
    assert (differ["layer"], differ["id"], differ["value"]) == ("origins", "O1", "40")
    assert one(found, "year_not_used")["message"].startswith("1 of 2 areas")


def test_files_next_to_a_raster(tmp_path: Path) -> None:
    import numpy as np
    import rasterio
    from affine import Affine

    path = tmp_path / "dem.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=20, height=20, count=1, dtype="float32",
        crs="EPSG:4326", transform=Affine(0.1, 0, 20, 0, -0.1, 12),
    ) as data:  # fmt: skip
        data.write(np.arange(400, dtype="float32").reshape(1, 20, 20))
    world = path.with_suffix(".tfw")
    world.write_text("0.1\n0\n0\n-0.1\n20.05\n11.95\n")
    assert "side_file" not in codes(check_path(path, "dem"))
    world.write_text("0.1\n0\n0\n-0.1\n25.05\n11.95\n")
    assert "corner at 25, 12" in one(check_path(path, "dem"), "side_file")["message"]
    world.unlink()
    path.with_name("dem.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>"
    )
    found = check_path(path, "dem")
    assert one(found, "side_file")["message"].endswith("states NoDataValue, which is used.")
    points = tmp_path / "points.csv"
    points.write_text("id,lon,lat\nA,120.5,40.5\nB,121.5,40.5\n")
    assert "raster_coverage" in codes(check_path(path, "dem", at=points))
    points.write_text("id,lon,lat\nA,120.5,40.5\nB,20.5,11.5\n")
    assert "raster_coverage" not in codes(check_path(path, "dem", at=points))


def test_no_usable_row_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("id,name,lon,lat\nS1,a,20.5,95.5\nS2,b,20.6,95.6\n")
    good = tmp_path / "good.csv"
    good.write_text("id,name,lon,lat\nS1,a,20.51,10.52\n")
    calls = (["check", str(bad), "--role", "sites"],
             ["distances", "--origins", str(good), "--sites", str(bad)],
             ["overlay", "--zones", str(bad), "--cover", str(good), "--buffer-km", "5"])  # fmt: skip
    for call in calls:
        assert main(call) == 2, call
        assert "".join(capsys.readouterr())


def test_a_damaged_workbook_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "b.xlsx"
    book.write_bytes(b"PK\x03\x04" + bytes(500))
    assert main(["run", str(book), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("b.xlsx: ") == 2  # its path, and its name once
