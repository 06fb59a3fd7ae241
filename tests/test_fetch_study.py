"""From one spreadsheet to a report: init --fetch, attribution everywhere, what is not compared."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from test_fetch_rasters import COVER, DEM, everything, heights, tif
from test_fetch_vectors import API, INDEX, PBF, UNITS, geojson, index
from test_osm_files import as_pbf
from web import Web, serving

import geosettle as gs
from geosettle.cli import main
from geosettle.covers import cover_change
from geosettle.fetch import SOURCES, fetch
from geosettle.raster import Raster
from geosettle.settings import decode

ROOT = Path(__file__).parent.parent
POPULATION = "/data.worldpop.org/GIS/Population/Global_2015_2030/R2025A/2025/CHN/v1/100m/constrained/chn_pop_2025_CN_100m_R2025A_v1.tif"


@pytest.fixture
def web() -> Iterator[Web]:
    """Every source that a study lacks, around 76 E, 39 N."""
    with serving() as found:
        files = found.files
        for west in (75, 76):
            for south in (38, 39):
                path = DEM.format(f"N{south}", f"E{west:03}")
                files[path] = tif(heights(west, south) / 100, west, south + 1, 1 / 360)
        cover = np.full((600, 600), 40, "uint8")
        cover[:, ::3] = 60
        for year, version in ((2020, "v100"), (2021, "v200")):
            for south in (36, 39):
                path = COVER.replace("v200", version).replace("2021", str(year))
                path = path.replace("N36E078", f"N{south}E075")
                files[path] = tif(cover, 75, south + 3, 3 / 600, nodata=0)
        files[POPULATION] = tif(np.full((400, 400), 1.5, "float32"), 75, 40, 1 / 200)
        files |= {INDEX: index(), PBF: as_pbf()}
        for level, units in UNITS.items():
            files[f"/github.com/{level}.geojson"] = geojson(units, "shapeID", "shapeName")
            files[API.format(level)] = json.dumps(
                {"gjDownloadURL": f"https://github.com/{level}.geojson"}
            ).encode()
        md5 = hashlib.md5(files[PBF], usedforsecurity=False).hexdigest()
        files[f"{PBF}.md5"] = f"{md5}  x\n".encode()
        yield found


def sheet(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(row)
    book.save(path)
    return path


def test_from_one_spreadsheet_to_a_report(web, tmp_path, capsys):
    file = sheet(
        tmp_path / "sites.xlsx", ["Site", "Name", "Longitude", "Latitude", "Households"],
        [["A", "Ayagh", 76.0, 39.0, 40], ["B", "Bash", 76.02, 39.01, 60]],
    )  # fmt: skip
    mine, out = tmp_path / "mine", tmp_path / "out"
    call = ["init", str(mine), str(file), "--fetch", "--yes", "--mirror", web.address]
    assert main(call) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "Name with every map and number:" in printed
    assert set(tomllib.loads((mine / "study.toml").read_text(encoding="utf-8"))["layers"]) == {
        "sites", "boundaries", "dem", "landcover", "roads", "places", "population",
    }  # fmt: skip
    assert main(["run", str(mine), "-o", str(out), "--quiet"]) == 0
    wanted = [
        "Produced using Copernicus WorldDEM-30", "ESA WorldCover project 2021",
        "OpenStreetMap contributors", "geoBoundaries (Runfola et al. 2020)", "WorldPop (www.worldpop.org)",
    ]  # fmt: skip
    for name in ("map.html", "report.html", "manifest.json"):
        text = (out / name).read_text(encoding="utf-8")
        assert [w for w in wanted if w not in text] == [], name
    book = openpyxl.load_workbook(out / "tables.xlsx", read_only=True)
    rows = [[str(c) for c in row] for row in book["sources"].iter_rows(values_only=True)]
    assert "attribution" in rows[0]
    assert [w for w in wanted if not any(w in c for row in rows for c in row)] == []
    meant = [row[:3] for row in book["dictionary"].iter_rows(values_only=True)]
    assert ("sources", "Input files", "attribution") in meant
    book.close()


def test_a_spreadsheet_that_only_names_units_is_placed_by_fetched_boundaries(web, tmp_path, capsys):
    file = sheet(
        tmp_path / "sites.xlsx", ["site_id", "name", "adm2", "households"],
        [["A", "Ayagh", "Shire", 40], ["B", "Bash", "Next", 60]],
    )  # fmt: skip
    mine = tmp_path / "mine"
    call = ["init", str(mine), str(file), "--fetch", "--country", "CHN", "--yes"]
    code = main([*call, "--mirror", web.address])
    err = capsys.readouterr().err
    assert (mine / "study.toml").exists(), err
    found = gs.read_study(mine)
    assert found.sites.geometry.notna().all(), err
    boundaries = tomllib.loads((mine / "study.toml").read_text(encoding="utf-8"))["layers"][
        "boundaries"
    ]
    assert boundaries["attribution"].startswith("geoBoundaries")
    assert code == 0, err
    lock = json.loads((mine / "sources.lock").read_text(encoding="utf-8"))["files"]
    assert lock["data/boundaries_geoboundaries.fgb"]["box"][0] == 70  # of the country
    assert lock["data/dem_copernicus_dem_30.tif"]["box"][0] > 74  # of the units


def test_init_without_fetch_connects_to_nothing(web, tmp_path, monkeypatch):
    import requests

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it connected")

    monkeypatch.setattr(requests.Session, "send", refuse)
    file = tmp_path / "sites.csv"
    file.write_text("site_id,name,lon,lat\nS1,One,76,39\n", encoding="utf-8")
    assert main(["init", str(tmp_path / "mine"), str(file), "--yes"]) == 0
    assert main(["run", str(tmp_path / "mine"), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert main(["init", str(tmp_path / "other"), "--fetch"]) == 2
    assert web.asked == []


def test_two_vintages_that_may_not_be_compared_are_refused_with_the_reason(web, tmp_path):
    rows = "site_id,name,lon,lat\nS1,One,76.0,39.0\n"
    (tmp_path / "sites.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "study.toml").write_text('[layers.sites]\npath = "sites.csv"\n')
    fetch(tmp_path, layers=["worldcover_2020", "worldcover_2021"], mirror=web.address)
    found = gs.analyse(gs.read_study(tmp_path))
    change = found.change
    assert len(change) == 3  # one row for each radius
    assert change["value"].isna().all()
    (why,) = set(change["why"])
    names = "ESA WorldCover 10 m 2020 v100 and ESA WorldCover 10 m 2021 v200"
    assert why.startswith(f"{names} are not compared: they were made by two versions")
    codes = set(found.problems["code"])
    assert "not_comparable" in codes
    assert "products_differ" not in codes


def test_years_of_one_product_stay_comparable():
    from affine import Affine

    def raster(value: float, product: str, year: int) -> Raster:
        grid = Affine(0.1, 0, 76, 0, -0.1, 39.1)
        names = {1: "Desert", 2: "Field"}
        source = SOURCES[product]
        return Raster(
            np.array([[1.0, value]]), grid, classes=names, source=f"GLAD {year}", product=product,
            not_comparable=source.not_comparable_with,
        )  # fmt: skip

    import geopandas as gpd
    import shapely

    zone = gpd.GeoDataFrame(index=["z"], geometry=[shapely.box(76, 39, 76.2, 39.1)], crs=4326)
    found = cover_change(
        zone, {2000: raster(1, "glad_2000", 2000), 2020: raster(2, "glad_2020", 2020)}
    )
    gain = found[(found["measure"] == "gain") & (found["class"] == "Field")]["value"]
    assert gain.to_numpy() == pytest.approx(9600, rel=0.02)


def test_a_study_without_attribution_has_no_such_column(embedded):
    from geosettle.tables.xlsx import sources_frame

    assert "attribution" not in sources_frame(embedded)


def test_the_embedded_study_can_be_fetched_finer_and_stays_as_it_is(web, tmp_path):
    folder = ROOT / "data" / "southern_xinjiang"
    before = everything(folder)
    stated = tomllib.loads((folder / "fetch.toml").read_text(encoding="utf-8"))
    assert decode(stated).fetch.layers == ("dem", "worldcover_2021")
    done = fetch(
        folder / "fetch.toml", box=(75.8, 39.0, 76.2, 39.3), out=tmp_path / "fine",
        mirror=web.address,
    )  # fmt: skip
    assert everything(folder) == before
    found = gs.read_study(tmp_path / "fine")
    assert found.dem.sample([76.0], [39.1])[0] == pytest.approx(760 + 0.391, abs=0.1)
    assert sorted(found.landcover) == [2021]
    assert len(found.sites) == 17
    assert any("Produced using Copernicus" in line for line in done.lines)
    text = (tmp_path / "fine" / "study.toml").read_text(encoding="utf-8")
    assert '# [layers.dem]\n# path = "dem.tif"' in text
