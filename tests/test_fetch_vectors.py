"""Boundaries, roads and places by their catalogues, all served on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from test_osm_files import as_pbf
from web import Web, serving

import geosettle as gs
from geosettle.errors import FetchError, InputError
from geosettle.fetch import fetch
from geosettle.fetch.extracts import LETTERS, codes_of
from geosettle.fetch.transport import Transport

INDEX = "/download.geofabrik.de/index-v1.json"
PBF = "/download.geofabrik.de/asia/shire-latest.osm.pbf"
API = "/www.geoboundaries.org/api/current/gbOpen/CHN/{0}/"
UNITS = {
    "ADM1": {"P1": ("Upland", (70, 35, 80, 45)), "P2": ("Far", (90, 35, 95, 45))},
    "ADM2": {"D1": ("Shire", (75, 38, 77, 40)), "D2": ("Next", (77, 38, 78, 40)),
             "D9": ("Elsewhere", (91, 38, 92, 40))},
}  # fmt: skip


def geojson(units: dict[str, tuple[str, tuple[float, ...]]], code: str, name: str) -> bytes:
    frame = gpd.GeoDataFrame(
        {code: list(units), name: [n for n, _ in units.values()]},
        geometry=[shapely.box(*b) for _, b in units.values()], crs="EPSG:4326",
    )  # fmt: skip
    return frame.to_json().encode()


def index() -> bytes:
    def feature(name: str, parent: str | None, codes: list[str], box: tuple[float, ...]) -> dict:
        about = {
            "id": name,
            "name": name,
            "urls": {"pbf": f"https://download.geofabrik.de/{name}.pbf"},
        }
        if name == "shire":
            about["urls"]["pbf"] = f"https:/{PBF}"
        about |= {"parent": parent} if parent else {}
        about |= {"iso3166-1:alpha2": codes} if codes else {}
        return {"type": "Feature", "properties": about,
                "geometry": json.loads(shapely.to_geojson(shapely.box(*box)))}  # fmt: skip

    return json.dumps({"type": "FeatureCollection", "features": [
        feature("asia", None, [], (30, -10, 170, 70)),
        feature("china", "asia", ["CN"], (70, 30, 95, 45)),
        feature("shire", "china", [], (74, 37, 78, 41)),
        feature("samoa", "asia", ["WS"], (-174, -15, -171, -12)),
    ]}).encode()  # fmt: skip


def zipped(files: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return memory.getvalue()


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.files[INDEX] = index()
        found.files[PBF] = as_pbf()
        md5 = hashlib.md5(as_pbf(), usedforsecurity=False).hexdigest()
        found.files[f"{PBF}.md5"] = f"{md5}  shire-latest.osm.pbf\n".encode()
        for level, units in UNITS.items():
            path = f"/github.com/gb/{level}.geojson"
            found.files[path] = geojson(units, "shapeID", "shapeName")
            found.files[API.format(level)] = json.dumps(
                {"gjDownloadURL": f"https:/{path}", "boundaryLicense": "Public Domain",
                 "boundarySource": "Survey Office", "boundaryYearRepresented": "2019"}
            ).encode()  # fmt: skip
        yield found


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rows = "site_id,name,lon,lat\nS1,One,76.0,39.0\nS2,Two,76.03,39.01\n"
    (tmp_path / "sites.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "study.toml").write_text('[layers.sites]\npath = "sites.csv"\n', encoding="utf-8")
    return tmp_path


def test_boundaries_are_the_units_around_the_study_with_those_above_them(web, study):
    done = fetch(study, layers=["boundaries"], mirror=web.address)
    found = gs.read_study(study)
    units = found.boundaries
    assert dict(units["level"]) == {"P1": "adm1", "D1": "adm2"}
    assert units.loc["D1", "parent_code"] == "P1"
    about = found.inputs["data/boundaries_geoboundaries.fgb"]
    assert (about["licence"], about["date"]) == ("Public Domain", "2019")
    assert "  units in the box: 1 of adm1, 1 of adm2" in done.lines
    assert any("(Survey Office) (Public Domain)" in line for line in done.lines)
    assert [p.message for p in found.problems if p.severity == "error"] == []


def test_the_country_is_found_by_the_box_or_taken_as_named(web, study):
    fetch(study, layers=["boundaries"], mirror=web.address)
    assert ("GET", INDEX, "") in web.asked
    web.asked.clear()
    (study / "data" / "boundaries_geoboundaries.fgb").unlink()
    fetch(study, layers=["boundaries"], country="CHN", mirror=web.address)
    assert ("GET", INDEX, "") not in web.asked
    with pytest.raises(InputError, match="there is no such country"):
        fetch(study, layers=["cod_ab"], country="XYZ", mirror=web.address)


def test_a_level_that_a_country_lacks_is_left_out_and_all_are_a_fault(web, study):
    del web.files[API.format("ADM2")]
    fetch(study, layers=["boundaries"], country="CHN", mirror=web.address)
    assert set(gs.read_study(study).boundaries["level"]) == {"adm1"}
    del web.files[API.format("ADM1")]
    (study / "data" / "boundaries_geoboundaries.fgb").unlink()
    with pytest.raises(FetchError, match="has none of the levels ADM1, ADM2"):
        fetch(study, layers=["boundaries"], country="CHN", mirror=web.address)


def test_a_catalogue_that_names_no_file_is_a_fault(web, study):
    web.files[API.format("ADM1")] = b'{"error": "gone"}'
    with pytest.raises(FetchError, match="the catalogue names no file"):
        fetch(study, layers=["boundaries"], country="CHN", mirror=web.address)


@pytest.mark.parametrize(
    "columns", [("ADM{0}_PCODE", "ADM{0}_EN"), ("adm{0}_pcode", "adm{0}_name")]
)
@pytest.mark.parametrize("name", ["chn_admbnda_adm{0}_x_2020", "chn_admin{0}"])
def test_cod_boundaries_come_out_of_an_archive(web, study, columns, name):
    files = {}
    for n, units in ((1, UNITS["ADM1"]), (2, UNITS["ADM2"])):
        code, called = (c.format(n) for c in columns)
        files[f"{name.format(n)}.geojson"] = geojson(units, code, called)
    web.files["/data.humdata.org/x/cod.zip"] = zipped(files)
    web.files["/data.humdata.org/api/3/action/package_show"] = json.dumps({"success": True, "result": {
        "license_title": "CC BY-IGO", "dataset_source": "Statistics Office", "resources": [
            {"format": "XLSX", "url": "https://data.humdata.org/x/a.xlsx"},
            {"format": "SHP", "url": "https://data.humdata.org/x/cod.zip"},
        ]}}).encode()  # fmt: skip
    fetch(study, layers=["cod_ab"], country="CHN", mirror=web.address)
    found = gs.read_study(study)
    assert dict(found.boundaries["name"]) == {"P1": "Upland", "D1": "Shire"}
    assert found.inputs["data/boundaries_cod_ab.fgb"]["licence"] == "CC BY-IGO"


def test_roads_and_places_come_from_one_extract_that_is_checked(web, study):
    done = fetch(study, layers=["roads", "places"], mirror=web.address)
    found = gs.read_study(study)
    assert set(found.roads["highway"].dropna()) == {"primary", "residential", "track", "secondary"}
    assert list(found.places["kind"]) == ["school"]
    assert [path for command, path, _ in web.asked if command == "GET"].count(PBF) == 1
    assert sorted(p.name for p in (study / "data").iterdir()) == [
        "places_osm_places.fgb", "roads_osm_roads.fgb",
    ]  # fmt: skip
    assert "  © OpenStreetMap contributors (ODbL 1.0)" in done.lines


def test_roads_of_an_extract_equal_those_read_from_it(web, study, tmp_path_factory):
    fetch(study, layers=["roads"], mirror=web.address)
    path = tmp_path_factory.mktemp("own") / "own.osm.pbf"
    path.write_bytes(as_pbf())
    own, fetched = gs.read_layer(path, "roads"), gs.read_study(study).roads
    lengths = [sorted(g.length for g in frame.geometry) for frame in (own, fetched)]
    assert lengths[0] == pytest.approx(lengths[1])


def test_the_extract_of_a_box_across_180_is_that_on_its_other_side(web, tmp_path):
    web.files["/download.geofabrik.de/samoa.pbf"] = b"x" * 5000
    box = (179, -16, -170, -11)
    done = fetch(box=box, layers=["roads"], out=tmp_path, mirror=web.address, plan=True)
    assert done.moved == 5000


def test_an_extract_whose_checksum_is_another_is_refused(web, study):
    web.files[f"{PBF}.md5"] = b"0" * 32 + b"  shire-latest.osm.pbf\n"
    before = sorted(study.iterdir())
    with pytest.raises(FetchError, match="not the one whose checksum its provider names"):
        fetch(study, layers=["roads"], mirror=web.address)
    assert sorted(study.iterdir()) == before


def test_a_cut_extract_goes_on_in_the_next_call(web, study):
    half = len(as_pbf()) // 2
    web.tricks[PBF] = [{"cut": half}]
    with pytest.raises(FetchError, match="it goes on where it stopped"):
        fetch(study, layers=["roads"], transport=Transport(mirror=web.address, attempts=1))
    assert not list((study / "data").glob("*.fgb"))
    fetch(study, layers=["roads"], mirror=web.address)
    assert web.asked[-1] == ("GET", PBF, f"bytes={half}-")
    assert [p.name for p in (study / "data").iterdir()] == ["roads_osm_roads.fgb"]


@pytest.fixture
def overture(web):
    """A catalogue of two releases, the newest with a file far away and one of two row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def put(path: str, links: list[tuple[str, str]], **more: object) -> None:
        found = [{"rel": rel, "href": href} for rel, href in links]
        web.files[f"/stac.overturemaps.org/{path}"] = json.dumps({"links": found, **more}).encode()

    def release(name: str, shift: float) -> None:
        put(f"{name}/catalog.json", [("child", "./transportation/catalog.json")])
        put(f"{name}/transportation/catalog.json", [("child", "./segment/collection.json")])
        items = [("item", "./1/1.json"), ("item", "./2/2.json")]
        put(f"{name}/transportation/segment/collection.json", items)
        for n, box in (("1", [70, 30, 90, 50]), ("2", [-80, -20, -70, 0])):
            href = f"https://overture.example/release/{name}/{n}.parquet"
            put(f"{name}/transportation/segment/{n}/{n}.json", [], bbox=box,
                assets={"s3": {"href": f"s3://b/{n}"}, "aws": {"href": href}})  # fmt: skip
        # 40,000 roads near, then as many far: a row group each.
        at = [(76 + n * 1e-6, 39 + shift) for n in range(20_000)]
        at += [(88 + n * 1e-6, 45) for n in range(20_000)]
        lines = [shapely.LineString([(x, y), (x + 0.01, y)]) for x, y in at]
        table = pa.table({
            "id": [f"{name}-{n:05}" for n in range(len(at))],
            "geometry": [shapely.to_wkb(line) for line in lines],
            "subtype": ["road", "rail"] * 20_000, "class": ["primary"] * 40_000,
            "names": [{"primary": "High Road"}] * 40_000, "other": ["x" * 100] * 40_000,
            "bbox": [{"xmin": x, "xmax": x + 0.01, "ymin": float(y), "ymax": float(y)} for x, y in at],
        })  # fmt: skip
        sink = io.BytesIO()
        pq.write_table(table, sink, row_group_size=20_000, use_dictionary=False, compression=None)
        web.files[f"/overture.example/release/{name}/1.parquet"] = sink.getvalue()

    release("2026-10-21.0", 0)
    put("catalog.json", [("child", "./2026-09-16.0/catalog.json"), ("child", "./2026-10-21.0/catalog.json")],
        latest="2026-10-21.0")  # fmt: skip
    return put, release


def test_overture_roads_move_only_the_row_groups_of_the_box(web, study, overture):
    planned = fetch(study, layers=["overture_roads"], plan=True, mirror=web.address).moved
    done = fetch(study, layers=["overture_roads"], mirror=web.address)
    whole = len(web.files["/overture.example/release/2026-10-21.0/1.parquet"])
    assert done.moved < whole / 2
    assert planned == pytest.approx(done.moved, rel=0.5)
    found = gs.read_study(study)
    assert len(found.roads) == 10_000
    assert set(found.roads["name"]) == {"High Road"}
    assert found.inputs["data/roads_overture_roads.fgb"]["date"] == "2026-10-21"
    assert not any("/2.parquet" in path for _, path, _ in web.asked)


def test_a_release_that_vanished_is_named_and_the_extract_stays(web, study, overture):
    put, release = overture
    fetch(study, layers=["overture_roads"], mirror=web.address)
    for path in [p for p in web.files if "2026-10-21" in p]:
        del web.files[path]
    release("2026-11-18.0", 0.01)
    put("catalog.json", [("child", "./2026-11-18.0/catalog.json")], latest="2026-11-18.0")
    asked = len(web.asked)
    fetch(study, layers=["overture_roads"], mirror=web.address)
    assert len(web.asked) == asked
    (study / "data" / "roads_overture_roads.fgb").unlink()
    with pytest.raises(
        FetchError, match=r"overture_roads has changed: it was .*2026-10-21.*2026-11-18"
    ):
        fetch(study, layers=["overture_roads"], mirror=web.address)
    fetch(study, layers=["overture_roads"], mirror=web.address, update=True)
    assert gs.read_study(study).inputs["data/roads_overture_roads.fgb"]["date"] == "2026-11-18"
    for path in [p for p in web.files if "2026-11-18" in p]:
        del web.files[path]
    release("2026-12-16.0", 0)
    put("catalog.json", [("child", "./2026-12-16.0/catalog.json")], latest="2026-12-16.0")
    fetch(study, layers=["overture_roads"], mirror=web.address, update=True)
    assert gs.read_study(study).inputs["data/roads_overture_roads.fgb"]["date"] == "2026-12-16"


def test_a_catalogue_without_a_newest_release_is_a_fault(web, study, overture):
    overture[0]("catalog.json", [])
    with pytest.raises(FetchError, match="the catalogue has no newest release"):
        fetch(study, layers=["overture_roads"], mirror=web.address)


def test_geonames_places_are_those_in_the_box(web, study):
    def row(*cells: object) -> str:
        number, name, lat, lon, group, code, persons = cells
        middle = [number, name, name, "", lat, lon, group, code, "CN", "", "", "", "", "", persons]
        return "\t".join(map(str, [*middle, "", "", "Asia/Kashgar", "2020-01-01"]))

    rows = [
        row(1, 'Old "Town"', 39.0, 76.0, "P", "PPLA2", 5000),
        row(2, "Hamlet", 39.05, 76.05, "P", "PPL", 0),
        row(3, "Far", 30.0, 90.0, "P", "PPL", 10),
        row(4, "Hill", 39.0, 76.0, "T", "HLL", 0),
    ]
    web.files["/download.geonames.org/export/dump/CN.zip"] = zipped(
        {"readme.txt": b"terms", "CN.txt": ("\n".join(rows) + "\n").encode()}
    )
    fetch(study, layers=["geonames"], country="CN", mirror=web.address)
    places = gs.read_study(study).places
    assert dict(places["kind"]) == {"gn1": "adm2_seat", "gn2": "settlement"}
    assert places.loc["gn1", "name"] == 'Old "Town"'
    assert places["population"].isna().tolist() == [False, True]


def test_sites_that_name_their_unit_are_placed_by_the_boundaries_of_the_country(web, study):
    (study / "sites.csv").write_text("site_id,name,adm2\nS1,One,Shire\n", encoding="utf-8")
    (study / "study.toml").write_text('[layers.sites]\npath = "sites.csv"\nplace = "unit"\n')
    fetch(study, layers=["roads", "boundaries"], country="CHN", mirror=web.address)
    found = gs.read_study(study)
    assert len(found.boundaries) == 5
    assert found.sites.geometry.notna().all()
    lock = json.loads((study / "sources.lock").read_text())["files"]
    assert lock["data/boundaries_geoboundaries.fgb"]["box"] == [70, 30, 95, 45]
    assert lock["data/roads_osm_roads.fgb"]["box"][0] > 70


def test_the_plan_names_each_source_with_its_bytes(web, study):
    done = fetch(study, layers=["roads", "boundaries"], plan=True, mirror=web.address)
    assert done.moved == len(as_pbf()) + sum(
        len(data) for path, data in web.files.items() if path.startswith("/github.com/")
    )
    assert not (study / "data").exists()
    assert not any(path.endswith((".pbf", ".geojson")) and c == "GET" for c, path, _ in web.asked)


def test_country_codes_are_those_of_iso_3166():
    assert len(LETTERS) == 250
    assert len(set(LETTERS.values())) == 250
    assert all(len(a) == 2 and len(b) == 3 for a, b in LETTERS.items())
    assert (codes_of("cod"), codes_of("CH"), codes_of("tcd")) == (
        ("CD", "COD"), ("CH", "CHE"), ("TD", "TCD"),
    )  # fmt: skip
