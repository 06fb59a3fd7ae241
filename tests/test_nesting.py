"""Geometries and settings nested without end: named and set aside, never the end of the process."""

from __future__ import annotations

import json
import struct
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

import geosettle as gs
from geosettle import io
from geosettle.errors import InputError
from geosettle.io.nesting import DEEPEST, is_nested

POINT = struct.pack("<BIdd", 1, 1, 76.0, 39.0)


def nested_wkb(depth: int, *, kind: int = 7, point_first: bool = False) -> bytes:
    """Collections inside each other; `point_first` puts a point before each inner one."""
    out = POINT
    for _ in range(depth):
        out = (
            struct.pack("<BII", 1, kind, 2 if point_first else 1)
            + (POINT if point_first else b"")
            + out
        )
    return out


def nested_json(depth: int) -> dict:
    out = {"type": "Point", "coordinates": [76, 39]}
    for _ in range(depth):
        out = {"type": "GeometryCollection", "geometries": [out]}
    return out


@pytest.mark.parametrize(
    "content",
    [nested_wkb(5000), nested_wkb(5000, kind=4), nested_wkb(5000, point_first=True), nested_wkb(21),
     nested_wkb(5000).hex(), "GEOMETRYCOLLECTION(" * 10**5 + "POINT(1 1)" + ")" * 10**5,
     "[" * 10**6, json.dumps(nested_json(15))],
)  # fmt: skip
def test_deep_is_deep(content):
    assert is_nested(content)


def test_ordinary_shapes_are_not_deep():
    square = shapely.box(76, 39, 77, 40).difference(shapely.box(76.2, 39.2, 76.4, 39.4))
    shapes = [
        shapely.Point(76, 39), shapely.Point(76, 39, 5), shapely.LineString([(0, 0), (1, 1)]), square,
        shapely.MultiPolygon([square, shapely.box(80, 40, 81, 41)]), shapely.MultiPoint([(0, 0), (1, 1)]),
        shapely.GeometryCollection([shapely.MultiPoint([(0, 0)]), square, shapely.GeometryCollection()]),
    ]  # fmt: skip
    for shape in shapes:
        for order in (0, 1):
            for flavor in ("extended", "iso"):
                for dimension in (2, 3):
                    options = {"byte_order": order, "flavor": flavor, "output_dimension": dimension}
                    assert not is_nested(shapely.to_wkb(shape, **options))
        assert not is_nested(shapely.to_wkb(shapely.set_srid(shape, 4326), include_srid=True))
        assert not is_nested(shape.wkt)
        assert not is_nested(shapely.to_geojson(shape))
    assert not is_nested(b"")
    assert not is_nested(b"\x01\x07\x00\x00\x00\xff\xff\xff\xff")


def test_as_deep_as_is_read_is_read():
    shape = shapely.from_wkb(nested_wkb(DEEPEST))
    assert not is_nested(shapely.to_wkb(shape))


def sites(folder, name):
    """Read a file of one deep and one good site in a process of its own, as a crash would end it."""
    code = (
        "import sys; from geosettle import io; p = [];"
        "f = io.read_layer(sys.argv[1], 'sites', problems=p);"
        "print(sorted(f.index[~f.geometry.isna()]), *sorted({x.code for x in p}))"
    )
    command = [sys.executable, "-c", code, str(folder / name)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-500:]
    return run.stdout


def test_text_of_a_cell(tmp_path):
    deep = "GEOMETRYCOLLECTION(" * 10**5 + "POINT(1 1)" + ")" * 10**5
    (tmp_path / "s.csv").write_text(f'site_id,name,wkt\nS1,a,"{deep}"\nS2,b,POINT (76 39)\n')
    assert "['S2']" in sites(tmp_path, "s.csv")


def test_binary_of_a_file(tmp_path):
    table = pa.table(
        {"site_id": ["S1", "S2"], "name": ["a", "b"], "geometry": [nested_wkb(5000), POINT]}
    )
    geo = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    pq.write_table(
        table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), tmp_path / "s.parquet"
    )
    assert "['S2'] " in sites(tmp_path, "s.parquet")


def test_geojson_and_kml(tmp_path):
    features = [
        {"type": "Feature", "properties": {"site_id": i, "name": i}, "geometry": shape}
        for i, shape in (("S1", nested_json(200)), ("S2", nested_json(0)))
    ]
    (tmp_path / "s.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    assert "['S2'] " in sites(tmp_path, "s.geojson")
    point = "<Point><coordinates>76,39</coordinates></Point>"
    deep = "<MultiGeometry>" * 3000 + point + "</MultiGeometry>" * 3000
    marks = "".join(
        f'<Placemark id="{i}"><name>{i}</name>{shape}</Placemark>'
        for i, shape in (("S1", deep), ("S2", point))
    )
    (tmp_path / "s.kml").write_text(f"<kml><Document>{marks}</Document></kml>")
    assert "S2" in sites(tmp_path, "s.kml")


def test_settings(tmp_path):
    (tmp_path / "study.toml").write_text("a = " + "[" * 10**5)
    with pytest.raises(InputError, match="nested too deeply"):
        gs.read_study(tmp_path)


def test_nothing_shallow_changes(tmp_path):
    shape = shapely.GeometryCollection([shapely.Point(76, 39)])
    (tmp_path / "s.csv").write_text(f"site_id,name,wkt\nS1,a,{shape.wkt}\n")
    frame = io.read_layer(tmp_path / "s.csv", "sites", problems=[])
    assert np.isfinite(shapely.get_coordinates(frame.geometry.to_numpy())).all()
