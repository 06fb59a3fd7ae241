"""Rasters larger than what is read at once, and values that stand for missing ones."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

import geosettle
from geosettle.cli import main
from geosettle.covers.zones import zones_of_raster
from geosettle.distance.walking import walk_grid
from geosettle.errors import InputError
from geosettle.io import read_layer
from geosettle.io.check import check_path
from geosettle.io.rasters import CELL_LIMIT, read_raster
from geosettle.problems import Problem
from geosettle.raster import Raster

UTM = Affine(30, 0, 300_000, 0, -30, 4_500_000)
VRT = """<VRTDataset rasterXSize="20000" rasterYSize="20000"><SRS>EPSG:32643</SRS>
<GeoTransform>300000, 30, 0, 4500000, 0, -30</GeoTransform>
<VRTRasterBand dataType="Int16" band="1"><SimpleSource>
<SourceFilename relativeToVRT="1">huge.tif</SourceFilename><SourceBand>1</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="20000" ySize="20000"/>
<DstRect xOff="0" yOff="0" xSize="20000" ySize="20000"/>
</SimpleSource></VRTRasterBand></VRTDataset>"""


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sparse file of 400 million cells of 30 m, of which one block holds values."""
    path = tmp_path_factory.mktemp("huge") / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=20_000, height=20_000, count=1, dtype="int16",
        crs="EPSG:32643", transform=UTM, tiled=True, blockxsize=512, blockysize=512,
        compress="deflate", sparse_ok=True, nodata=-1,
    ) as out:  # fmt: skip
        block = (1000 + np.add.outer(np.arange(512), np.arange(512))).astype("int16")
        out.write(block, 1, window=Window(10_240, 5_120, 512, 512))
    path.with_name("huge.vrt").write_text(VRT, encoding="utf-8")
    assert path.stat().st_size < 3_000_000
    return path


def box_of(raster: Raster, rows: slice, columns: slice) -> tuple[float, float, float, float]:
    return raster.window(rows, columns).lonlat_bounds


@pytest.mark.parametrize("name", ["huge.tif", "huge.vrt"])
def test_of_a_raster_beyond_the_limit_the_window_is_read(huge: Path, name: str) -> None:
    grid = Raster(np.broadcast_to(np.float32(0), (20_000, 20_000)), UTM, "EPSG:32643")
    lon, lat = grid.centres([5200, 5500], [10_300, 10_700])
    window = (float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
    path = huge.with_name(name)
    assert grid.values.size > CELL_LIMIT
    with pytest.raises(InputError, match="400 million cells"):
        read_layer(path, "dem")
    said: list[Problem] = []
    part = read_layer(path, "dem", window=window, problems=said)
    assert [p.code for p in said] == ["window_read"]
    assert part.values.size < 250_000
    # the same cells as in the file: 1000 + row + column inside the block
    row, column = np.array([5300, 5400]), np.array([10_400, 10_600])
    assert (
        part.sample(*grid.centres(row, column)).tolist()
        == (1000 + (row - 5120) + (column - 10_240)).tolist()
    )
    with pytest.raises(InputError, match="does not reach"):
        read_layer(path, "dem", window=(10, 10, 11, 11))
    with pytest.raises(InputError, match="around the study"):
        read_raster(path, name, window=window, limit=1000)


def test_a_study_reads_what_surrounds_its_sites(huge: Path, tmp_path: Path) -> None:
    grid = Raster(np.broadcast_to(np.float32(0), (20_000, 20_000)), UTM, "EPSG:32643")
    (x0, x1), (y0, y1) = grid.centres([5300, 5400], [10_400, 10_600])
    (tmp_path / "sites.csv").write_text(f"site_id,name,lon,lat\nS,S,{x0},{y0}\n", "utf-8")
    (tmp_path / "origins.csv").write_text(f"origin_id,name,lon,lat\nO,O,{x1},{y1}\n", "utf-8")
    (tmp_path / "flows.csv").write_text("origin_id,site_id,households\nO,S,5\n", "utf-8")
    (tmp_path / "study.toml").write_text(
        'study = {name = "x"}\n[layers]\ndem = "' + str(huge) + '"\nsites = "sites.csv"\n'
        'origins = "origins.csv"\nflows = "flows.csv"\n', "utf-8",
    )  # fmt: skip
    study = geosettle.read_study(tmp_path)
    assert study.dem is not None
    assert study.dem.values.size < 20_000_000
    assert study.dem.sample([x0], [y0]) == 1000 + 180 + 160
    assert "window_read" in {p.code for p in study.problems}


def test_tiles_beyond_the_limit_are_put_together_in_the_window_only(tmp_path: Path) -> None:
    paths = []
    for k in range(2):
        path = tmp_path / f"tile{k}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=100, height=80, count=1, dtype="float32",
            crs="EPSG:4326", transform=Affine(0.01, 0, 70 + k, 0, -0.01, 40),
        ) as out:  # fmt: skip
            out.write(np.full((80, 100), 10.0 * (k + 1), dtype="float32") + np.arange(100), 1)
        paths.append(path)
    raster, _, _ = read_raster(
        paths, "tiles", window=(70.95, 39.5, 71.05, 39.6), limit=10_000, role="ndvi"
    )
    assert raster.values.shape[1] <= 14
    assert raster.sample([70.985, 71.035], [39.555] * 2).tolist() == [10 + 98, 20 + 3]
    with pytest.raises(InputError, match="do not reach"):
        read_raster(paths, "tiles", window=(10, 10, 11, 11), limit=10_000)


def test_a_window_across_the_seam_of_a_grid_that_counts_from_0(tmp_path: Path) -> None:
    path = tmp_path / "earth.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=360, height=180, count=1, dtype="int16", crs="EPSG:4326",
        transform=Affine(1, 0, 0, 0, -1, 90),
    ) as out:  # fmt: skip
        out.write(np.tile(np.arange(360, dtype="int16"), (180, 1)), 1)
    for window, lon, value in (((-80, -5, -70, 5), -74.5, 285), ((-10, -5, 10, 5), -0.5, 359)):
        part = read_raster(path, "earth.tif", window=window, limit=20_000, role="ndvi")[0]
        assert part.sample(lon, 0.5) == value
        assert part.shape[0] <= 14


# --- signs for missing values


def written(folder: Path, values: np.ndarray, **more: object) -> Path:
    path = folder / "r.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype=values.dtype, crs="EPSG:4326", transform=Affine(0.01, 0, 76, 0, -0.01, 40), **more,
    ) as out:  # fmt: skip
        out.write(values, 1)
    return path


@pytest.mark.parametrize(
    ("role", "values", "missing"),
    [
        ("ndvi", np.array([[2500, 8000], [-3000, 100]], dtype="int16"), 1),
        ("ndvi", np.array([[2500, 8000], [-1900, 100]], dtype="int16"), 0),
        ("ndvi", np.array([[0.2, -9999.0], [0.4, 0.1]], dtype="float32"), 1),
        ("landcover", np.array([[1, 255], [2, 255]], dtype="uint8"), 2),
        ("landcover", np.array([[1, -9999], [2, 32767]], dtype="int16"), 2),
        ("dem", np.array([[1200, 32767], [-32768, 1300]], dtype="int16"), 2),
        ("population", np.array([[3.5, -99999.0], [0, -1]], dtype="float32"), 2),
    ],
)
def test_undeclared_signs_are_doubted_in_every_layer(
    tmp_path: Path, role: str, values: np.ndarray, missing: int
) -> None:
    said: list[Problem] = []
    raster = read_layer(written(tmp_path, values), role, problems=said)
    assert np.isnan(raster.values).sum() == missing
    assert bool([p for p in said if p.code == "nodata_undeclared"]) == (missing > 0)


def test_a_class_of_the_table_is_no_sign(tmp_path: Path) -> None:
    path = written(tmp_path, np.array([[1, 255]], dtype="uint8"))
    raster, said, _ = read_raster(path, "r.tif", role="landcover", classes={1: "a", 255: "snow"})
    assert not np.isnan(raster.values).any()
    assert not said


def test_a_layer_says_the_kind_of_its_values(tmp_path: Path) -> None:
    path = written(tmp_path, np.array([[1.0, 2.0]], dtype="float32"))
    assert read_layer(path, "population").kind == "counts"
    assert read_layer(path, "landcover").kind == "classes"
    assert read_layer(path, "dem", constants={"kind": "counts"}).kind == "counts"
    with pytest.raises(InputError, match="no such kind"):
        read_layer(path, "dem", constants={"kind": "numbers"})


def test_ground_without_land_cover_is_closed_unless_it_is_opened() -> None:
    t = Affine(0.01, 0, 76, 0, -0.01, 40)
    dem = Raster(np.full((3, 3), 100.0), t, unit="m")
    cover = Raster(np.array([[1.0, np.nan, 1], [1, 2, 1], [1, 1, 1]]), t, kind="classes")
    grid = walk_grid(dem, landcover=cover, closed_classes=[2])
    assert grid.grid.closed.tolist() == [[False, True, False], [False, True, False], [False] * 3]
    opened = walk_grid(dem, landcover=cover, closed_classes=[2], open_without_landcover=True)
    assert opened.grid.closed.sum() == 1
    assert not walk_grid(dem, landcover=cover).grid.closed.any()  # land cover plays no part


def test_zones_of_a_class_raster_have_the_names_of_its_table() -> None:
    raster = Raster(
        np.array([[1.0, 2.0]]),
        Affine(1, 0, 76, 0, -1, 40),
        classes={1: "old oasis"},
        kind="classes",
    )
    assert zones_of_raster(raster).index.tolist() == ["old oasis", "2"]
    zones = gpd.GeoDataFrame(index=["z"], geometry=[shapely.box(76, 39, 78, 40)], crs="EPSG:4326")
    found = geosettle.overlay_areas(zones, raster)
    assert set(found["class"]) == {"old oasis", "(unclassified)"}


def test_check_and_init_look_at_some_cells_of_a_huge_raster(
    huge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Heights far between: neither refused nor read whole, and the report says so."""
    found = check_path(huge, role="dem")
    assert found["summary"]["size"] == [20_000, 20_000]
    assert found["summary"]["cell_size"] == [30, 30]
    assert "raster_thinned" in {p["code"] for p in found["problems"]}
    thin, said, _ = read_raster(huge, "huge.tif", thinned=True, limit=1_000_000)
    assert thin.shape == (1000, 1000)
    assert [p.code for p in said] == ["raster_thinned"]
    grid = Raster(np.broadcast_to(np.float32(0), (20_000, 20_000)), UTM, "EPSG:32643")
    assert thin.lonlat_bounds == pytest.approx(grid.lonlat_bounds)
    row, column = 5400, 10_600
    near = 1000 + (row - 5120) + (column - 10_240)
    assert thin.sample(*grid.centres([row], [column]))[0] == pytest.approx(near, abs=40)
    named = tmp_path / "g1.tif"  # a name that says nothing
    named.symlink_to(huge)
    (tmp_path / "sites.csv").write_text("site_id,name,lon,lat\nS,S,75,39\n", "utf-8")
    out = tmp_path / "out"
    assert main(["init", str(out), str(named), str(tmp_path / "sites.csv"), "--yes"]) == 0
    assert "g1.tif: dem" in capsys.readouterr().out
