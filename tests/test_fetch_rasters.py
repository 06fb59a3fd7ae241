"""Windows of rasters on a server of this machine: what is fetched, what it moves, and the lock."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from web import Web, serving

import geosettle as gs
from geosettle.cli import main
from geosettle.errors import FetchError, InputError, UnknownNameError
from geosettle.fetch import SOURCES, Source, fetch
from geosettle.fetch.transport import BLOCK, Transport

DEM = "/copernicus-dem-30m.s3.amazonaws.com/Copernicus_DSM_COG_10_{0}_00_{1}_00_DEM/Copernicus_DSM_COG_10_{0}_00_{1}_00_DEM.tif"
COVER = "/esa-worldcover.s3.eu-central-1.amazonaws.com/v200/2021/map/ESA_WorldCover_10m_2021_v200_N36E078_Map.tif"
SITES = "site_id,name,lon,lat\nS1,One,79.95,37.1\nS2,Two,80.1,37.2\n"


def tif(values: np.ndarray, west: float, north: float, cell: float, **more: object) -> bytes:
    """Return a raster as the bytes of a tiled GeoTIFF."""
    profile = {
        "driver": "GTiff", "width": values.shape[1], "height": values.shape[0], "count": 1,
        "dtype": values.dtype, "crs": "EPSG:4326", "transform": Affine(cell, 0, west, 0, -cell, north),
        "tiled": True, "blockxsize": 128, "blockysize": 128, **more,
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as data:
            data.write(values, 1)
        return bytes(memory.read())


def heights(west: int, south: int) -> np.ndarray:
    """Return the heights of a tile: each cell's own number, from its place on Earth."""
    row, column = np.mgrid[0:360, 0:360]
    return (1000.0 * (west + column / 360) + (south + 1 - row / 360)).astype("float32")


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        for west, south in ((79, 36), (79, 37), (80, 36), (80, 37)):
            path = DEM.format(f"N{south}", f"E{west:03}")
            found.files[path] = tif(heights(west, south), west, south + 1, 1 / 360)
        cover = np.where(np.arange(1080) % 2, 40, 60).astype("uint8") * np.ones((1080, 1), "uint8")
        found.files[COVER] = tif(cover, 78, 39, 3 / 1080, nodata=0)
        yield found


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8")
    (tmp_path / "study.toml").write_text(
        '# mine\n[study]\nname = "s"\n\n[layers.sites]\npath = "sites.csv"\n', encoding="utf-8"
    )
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*")) if p.is_file()
    }  # fmt: skip


def test_a_window_of_a_large_file_moves_little(web, tmp_path):
    values = np.random.default_rng(1).random((3900, 3900), dtype="float32")
    data = tif(values, 79, 37, 1 / 3900, blockxsize=512, blockysize=512)
    assert len(data) > 60_000_000
    web.files[DEM.format("N36", "E079")] = data
    cell = 1 / 3900
    box = (79 + 1000 * cell, 37 - 1300 * cell, 79 + 1300 * cell, 37 - 1000 * cell)
    own = Transport(mirror=web.address)
    done = fetch(box=box, layers=["dem"], out=tmp_path, transport=own)
    assert done.moved == web.sent < 5_000_000
    with rasterio.open(tmp_path / "data" / "dem_copernicus_dem_30.tif") as got:
        np.testing.assert_array_equal(got.read(1), values[1000:1300, 1000:1300])
        assert got.bounds.left == pytest.approx(box[0], abs=1e-9)
    assert "5" not in done.lines[0].split(" MB")[0].split(", ")[1].split(".")[0]


def test_the_plan_says_the_bytes_before_any_is_fetched(web, tmp_path):
    box = (79.9, 36.9, 80.2, 37.3)
    own = Transport(mirror=web.address)
    planned = fetch(box=box, layers=["dem"], out=tmp_path / "p", plan=True, transport=own)
    heads = web.sent
    assert heads <= 4 * BLOCK
    assert not (tmp_path / "p").exists()
    assert "Copernicus DEM GLO-30, about" in planned.lines[0]
    moved = fetch(box=box, layers=["dem"], out=tmp_path / "p", mirror=web.address).moved
    assert planned.moved == pytest.approx(moved, rel=0.5)


def test_tiles_are_one_grid_around_the_study(web, study):
    done = fetch(study, layers=["dem"], mirror=web.address)
    with rasterio.open(study / "data" / "dem_copernicus_dem_30.tif") as got:
        values, box, t = got.read(1), got.bounds, got.transform
    # 30 km around the hull of the two sites: a third of a degree.
    assert (box.left, box.bottom) == (
        pytest.approx(79.61, abs=0.01),
        pytest.approx(36.83, abs=0.01),
    )
    row, column = np.mgrid[0 : values.shape[0], 0 : values.shape[1]]
    expected = 1000 * (t.c + column * t.a) + (t.f + row * t.e)
    np.testing.assert_allclose(values, expected, atol=0.01)
    assert done.lines[0].startswith("dem: data/dem_copernicus_dem_30.tif, ")


def test_the_study_uses_what_was_fetched(web, study):
    fetch(study, layers=["dem", "landcover"], mirror=web.address)
    text = (study / "study.toml").read_text(encoding="utf-8")
    assert text.startswith('# mine\n[study]\nname = "s"\n\n[layers.sites]\npath = "sites.csv"\n')
    assert tomllib.loads(text)["layers"]["dem"]["attribution"].startswith(
        "Produced using Copernicus"
    )
    found = gs.read_study(study)
    assert found.dem.sample([79.95], [37.1])[0] == pytest.approx(79950 + 37.1, abs=5)
    assert found.landcover[2021].classes[40] == "Cropland"
    assert [p for p in found.problems if p.severity in {"fatal", "error"}] == []


def test_the_second_call_is_offline_and_the_same(web, study):
    fetch(study, layers=["dem"], mirror=web.address)
    before, asked = everything(study), len(web.asked)
    again = fetch(study, layers=["dem"], mirror=web.address)
    offline = fetch(study, layers=["dem"], offline=True)
    assert len(web.asked) == asked
    assert (again.moved, everything(study)) == (0, before)
    assert "is as it was fetched on" in again.lines[0]
    assert offline.lines == again.lines


def test_fetched_twice_the_bytes_are_the_same(web, study):
    fetch(study, layers=["dem"], mirror=web.address)
    file = study / "data" / "dem_copernicus_dem_30.tif"
    before = file.read_bytes()
    file.unlink()
    fetch(study, layers=["dem"], mirror=web.address)
    assert file.read_bytes() == before


def test_a_source_that_has_changed_is_named_and_taken_only_when_asked(web, study):
    fetch(study, layers=["dem"], mirror=web.address)
    file = study / "data" / "dem_copernicus_dem_30.tif"
    path = DEM.format("N37", "E079")
    web.files[path] = tif(heights(79, 37) + 5, 79, 38, 1 / 360)
    kept = everything(study)
    fetch(study, layers=["dem"], mirror=web.address)
    assert everything(study) == kept
    file.unlink()
    with pytest.raises(
        FetchError, match=r'copernicus_dem_30 has changed: .*was "\w+" on .* and is "'
    ):
        fetch(study, layers=["dem"], mirror=web.address)
    assert not file.exists()
    assert not (study / "data").exists()
    fetch(study, layers=["dem"], mirror=web.address, update=True)
    assert gs.read_study(study).dem.sample([79.95], [37.1])[0] > 79900
    asked = len(web.asked)
    fetch(study, layers=["dem"], mirror=web.address, update=True)
    assert {command for command, *_ in web.asked[asked:]} == {"HEAD"}


def test_a_file_that_someone_changed_is_not_overwritten(web, study):
    fetch(study, layers=["dem"], mirror=web.address)
    file = study / "data" / "dem_copernicus_dem_30.tif"
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(InputError, match="not the file any more that was fetched"):
        fetch(study, layers=["dem"], mirror=web.address)


def test_a_larger_study_is_fetched_for_its_larger_box(web, study):
    fetch(study, layers=["dem"], mirror=web.address)
    with (study / "sites.csv").open("a", encoding="utf-8") as handle:
        handle.write("S3,Three,80.3,36.5\n")
    fetch(study, layers=["dem"], mirror=web.address)
    with rasterio.open(study / "data" / "dem_copernicus_dem_30.tif") as got:
        assert got.bounds.bottom < 36.3


def test_the_lock_says_what_from_where_and_under_which_terms(web, study):
    fetch(study, layers=["dem"], mirror=web.address)
    lock = json.loads((study / "sources.lock").read_text(encoding="utf-8"))
    about = lock["files"]["data/dem_copernicus_dem_30.tif"]
    assert about["bytes"] == (study / "data" / "dem_copernicus_dem_30.tif").stat().st_size
    assert {r["url"].split("/")[2] for r in about["remotes"]} == {
        "copernicus-dem-30m.s3.amazonaws.com"
    }
    assert all(r["etag"] for r in about["remotes"])
    assert about["licence"].startswith("free of charge")
    assert len(about["sha256"]) == 64
    assert about["box"][0] < 79.95 < about["box"][2]


@pytest.mark.parametrize(
    ("trick", "sentence"),
    [
        ({"status": 500}, "is busy"),
        ({"page": "untyped"}, "sent a web page in place of the file"),
        ({"no_ranges": True}, "does not serve parts"),
        ({"replaced": b"PK" + bytes(100)}, "this is no GeoTIFF"),
        ({"replaced": b"II*\x00" + bytes(100)}, "the file is damaged"),
        ({"redirect": "http://elsewhere.example/x.tif"}, "leads to another server"),
    ],
)
def test_a_fault_leaves_the_study_as_it_was(web, study, trick, sentence):
    web.tricks[DEM.format("N36", "E079")] = [trick] * 5
    before = everything(study)
    own = Transport(mirror=web.address, wait=lambda _: None)
    with pytest.raises(FetchError, match=sentence):
        fetch(study, layers=["dem"], transport=own)
    assert everything(study) == before
    assert not (study / "data").exists()


def test_a_file_that_changes_between_two_ranges_is_no_raster(web, tmp_path):
    path = DEM.format("N36", "E079")
    values = np.random.default_rng(2).random((1000, 1000), dtype="float32")
    web.files[path] = tif(values, 79, 37, 1 / 1000)
    web.tricks[path] = [{}, {"replaced": tif(values + 1, 79, 37, 1 / 1000)}]
    with pytest.raises(FetchError, match="the file changed on its server while it was fetched"):
        fetch(box=(79.3, 36.1, 79.6, 36.6), layers=["dem"], out=tmp_path, mirror=web.address)
    assert everything(tmp_path) == {}


def test_tiles_that_are_not_there_are_counted(web, tmp_path):
    del web.files[DEM.format("N37", "E080")]
    done = fetch(box=(79.9, 36.9, 80.2, 37.3), layers=["dem"], out=tmp_path, mirror=web.address)
    assert "  1 of 4 files are not there (sea, or not public)" in done.lines
    with rasterio.open(tmp_path / "data" / "dem_copernicus_dem_30.tif") as got:
        values = got.read(1)
    assert np.isnan(values[0, -1])
    assert np.isfinite(values[-1, -1])
    with pytest.raises(FetchError, match="of copernicus_dem_30 no file for this box is there"):
        fetch(box=(10, 10, 11.5, 11), layers=["dem"], out=tmp_path, mirror=web.address)


def test_across_the_180th_meridian_the_grid_goes_on(web, tmp_path):
    for west, name in ((179, "E179"), (-180, "W180")):
        web.files[DEM.format("S18", name)] = tif(heights(west, -18), west, -17, 1 / 360)
    fetch(box=(179.8, -17.9, -179.9, -17.5), layers=["dem"], out=tmp_path, mirror=web.address)
    with rasterio.open(tmp_path / "data" / "dem_copernicus_dem_30.tif") as got:
        assert (got.bounds.left, got.bounds.right) == pytest.approx((179.8, 180.1), abs=0.003)
        values = got.read(1)
    assert values[0, 0] == pytest.approx(179800 - 17.5, abs=3)
    assert values[0, -1] == pytest.approx(-179900 - 17.5, abs=4)


def test_more_cells_than_asked_for_are_thinned_classes_by_one_of_them(web, tmp_path):
    (tmp_path / "fetch.toml").write_text(
        '[fetch]\nlayers = ["worldcover_2021", "dem"]\nbox = [79.1, 36.1, 79.6, 36.6]\ncells = 9000\n'
    )
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8")
    (tmp_path / "study.toml").write_text('[layers.sites]\npath = "sites.csv"\n')
    done = fetch(tmp_path / "fetch.toml", mirror=web.address)
    with rasterio.open(tmp_path / "data" / "landcover_worldcover_2021.tif") as got:
        assert got.width * got.height <= 9900
        assert set(np.unique(got.read(1))) <= {40, 60}
    with rasterio.open(tmp_path / "data" / "dem_copernicus_dem_30.tif") as got:
        values, t = got.read(1), got.transform
    assert t.a == pytest.approx(2 / 360)
    expected = heights(79, 36).reshape(180, 2, 180, 2).mean(axis=(1, 3))
    row, column = round((37 - t.f) / -t.e), round((t.c - 79) / t.a)
    np.testing.assert_allclose(
        values, expected[row : row + values.shape[0], column : column + values.shape[1]], rtol=1e-6
    )
    assert any("of 2 x 2 cells one was taken" in line for line in done.lines)


def test_counts_are_never_thinned(web, tmp_path):
    path = "/data.worldpop.org/GIS/Population/Global_2015_2030/R2025A/2025/XYZ/v1/100m/constrained/xyz_pop_2025_CN_100m_R2025A_v1.tif"
    web.files[path] = tif(np.full((500, 500), 2.5, "float32"), 79, 37, 1 / 500)
    source = SOURCES["worldpop_2025"]
    address = source.address.replace("{iso3}", "XYZ").replace("{iso3_lower}", "xyz")
    (tmp_path / "fetch.toml").write_text(
        f'[fetch]\nlayers = ["population"]\nbox = [79.1, 36.1, 79.5, 36.5]\ncells = 100\n'
        f'[fetch.address]\nworldpop_2025 = "{address}"\n'
    )
    with pytest.raises(InputError, match="counts of persons are not thinned"):
        fetch(tmp_path / "fetch.toml", mirror=web.address)
    text = (tmp_path / "fetch.toml").read_text().replace("cells = 100", "cells = 100000")
    (tmp_path / "fetch.toml").write_text(text)
    fetch(tmp_path / "fetch.toml", mirror=web.address)
    with rasterio.open(tmp_path / "data" / "population_worldpop_2025.tif") as got:
        assert got.read(1).sum() == pytest.approx(2.5 * 200 * 200)


def test_a_server_that_cuts_out_a_box_is_asked_for_it(web, tmp_path):
    values = np.full((40, 40), 0.02, "float32")
    web.files["/data.malariaatlas.org/geoserver/Accessibility/ows"] = tif(values, 79, 37, 1 / 40)
    done = fetch(
        box=(79.2, 36.2, 79.5, 36.6), layers=["friction"], out=tmp_path, mirror=web.address
    )
    entry = tomllib.loads((tmp_path / "study.toml").read_text())["layers"]["friction"]
    assert entry["unit"] == "min/m"
    assert any("could not be confirmed" in line for line in done.lines)
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == [
        "friction_map_friction_walking.tif"
    ]


def test_another_folder_gets_the_study_and_its_files(web, study, tmp_path_factory):
    before = everything(study)
    out = tmp_path_factory.mktemp("out") / "new"
    fetch(study, layers=["dem"], out=out, mirror=web.address)
    assert everything(study) == before
    assert gs.read_study(out).dem is not None
    asked = len(web.asked)
    fetch(study, layers=["dem"], out=out, mirror=web.address)
    assert len(web.asked) == asked


def test_a_layer_of_the_study_is_replaced_only_when_it_is_named(web, study):
    own = tif(np.full((10, 10), 7, "float32"), 79, 38, 0.2)
    (study / "own.tif").write_bytes(own)
    with (study / "study.toml").open("a", encoding="utf-8") as handle:
        handle.write('\n[layers.dem]\npath = "own.tif"  # ours\n\n[distance]\nlevel = 0.8\n')
    fetch(study, layers=["landcover"], mirror=web.address)
    assert gs.read_study(study).dem.sample([79.95], [37.1])[0] == 7
    fetch(study, layers=["dem"], mirror=web.address)
    text = (study / "study.toml").read_text(encoding="utf-8")
    assert '# [layers.dem]\n# path = "own.tif"  # ours\n' in text
    assert "\n[distance]\nlevel = 0.8\n" in text
    assert gs.read_study(study).dem.sample([79.95], [37.1])[0] > 79000


def test_without_a_position_it_says_what_to_name(web, study):
    (study / "sites.csv").write_text("site_id,name\nS1,One\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"it is not known around what to fetch.*--bbox"):
        fetch(study, layers=["dem"], mirror=web.address)
    assert web.asked == []


def test_a_name_that_no_source_has_gets_the_nearest(study):
    with pytest.raises(UnknownNameError, match="Did you mean worldcover_2021"):
        fetch(study, layers=["worldcover2021"])


def test_a_made_up_source_is_one_entry(web, study):
    web.files["/x.example/soil.tif"] = tif(np.full((50, 50), 3, "uint8"), 79, 38, 0.05)
    soil = Source(
        "soil", "Soil", "ndvi", "file", "http://x.example/soil.tif", "CC0", "Soil people",
        confirmed=True, kind="measurements",
    )  # fmt: skip
    fetch(study, layers=["soil"], mirror=web.address, sources={"soil": soil})
    assert gs.read_study(study).inputs["data/ndvi_soil.tif"]["licence"] == "CC0"


def test_the_command_prints_what_it_did(web, study, capsys):
    assert main(["fetch", str(study), "--layers", "dem", "--mirror", web.address]) == 0
    printed = capsys.readouterr().out
    assert "dem: data/dem_copernicus_dem_30.tif, 1." in printed
    assert "Name with every map and number:\n  Produced using Copernicus" in printed
    assert f"Then: geosettle run {study}" in printed
    assert main(["fetch", str(study), "--layers", "dem", "--offline"]) == 0
    shutil.rmtree(study / "data")
    assert main(["fetch", str(study), "--layers", "dem", "--offline"]) == 2
    assert "Call it once without --offline" in capsys.readouterr().err
    assert main(["fetch"]) == 2
    assert "Name a study, --bbox or --country" in capsys.readouterr().err
    assert main(["fetch", "--bbox", "5", "6", "7", "5", "--layers", "dem"]) == 2
    assert "this is no box" in capsys.readouterr().err


def test_every_source_says_its_terms_and_no_package_registry_is_one():
    for source in SOURCES.values():
        assert source.licence, source.name
        assert source.attribution, source.name
        assert source.address.startswith("https://"), source.name
        assert source.layer in gs.LAYERS, source.name
        for other, why in source.not_comparable_with.items():
            assert why, source.name
            assert source.name in SOURCES[other].not_comparable_with


def test_the_ranges_of_classes_are_written_out():
    names = SOURCES["glad_2020"].class_names()
    assert (names[1], names[2], names[18], names[244]) == (
        "Desert", "Semi-arid", "Semi-arid", "Cropland",
    )  # fmt: skip
    assert 240 not in names
