"""Good input that looks odd is used, and doubtful input is named: one small file for each kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
