"""The QGIS project inside study.gpkg: read as XML, and opened and drawn by QGIS itself."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
from affine import Affine
from PIL import Image

import geosettle as gs
from geosettle import style
from geosettle.cli import main
from geosettle.io import Picture, write_gpkg_bytes
from geosettle.tables.geopackage import road_lines
from geosettle.tables.qgis_project import qgis_project

BOUNDS = (-31.0, 40.0, -29.2, 41.0)
"""Of the invented relief under the template study, degrees."""
needs_qgis = pytest.mark.skipif(
    not Path("/usr/share/qgis/python").exists() or shutil.which("/usr/bin/python3") is None,
    reason="Debian's QGIS is not installed",
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """study.gpkg of the template study with an invented slope."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(gs.template_path(), folder / "study")
    west, north = BOUNDS[0], BOUNDS[3]
    with rasterio.open(
        folder / "study/dem.tif", "w", driver="GTiff", width=180, height=100, count=1,
        dtype="float32", crs=4326, transform=Affine(0.01, 0, west, 0, -0.01, north),
    ) as raster:  # fmt: skip
        raster.write(np.add.outer(np.arange(100), np.arange(180)).astype("float32") * 20, 1)
    with (folder / "study/study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[layers.dem]\npath = "dem.tif"\nsource = "invented"\nlicence = "CC0"\n')
    assert main(["run", str(folder / "study"), "-o", str(folder / "out"), "--quiet"]) == 0
    return folder / "out" / "study.gpkg"


def project_of(path: Path) -> ET.Element:
    with closing(sqlite3.connect(path)) as base:
        ((name, about, content),) = base.execute("SELECT * FROM qgis_projects").fetchall()
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
    assert name == "study"
    assert set(json.loads(about)) == {"last_modified_time", "last_modified_user"}
    with zipfile.ZipFile(io.BytesIO(bytes.fromhex(content))) as archive:
        assert archive.namelist() == ["study.qgs"]
        return ET.fromstring(archive.read("study.qgs"))


def test_the_project_names_every_layer_of_the_file(package: Path) -> None:
    root = project_of(package)
    sources = [one.findtext("datasource") for one in root.iter("maplayer")]
    layers = {name for name, kind in pyogrio.list_layers(package) if kind}
    assert sources == [
        *(f"./study.gpkg|layername={name}" for name in (
            "sites", "origins", "places", "flows", "uncertainty", "roads", "boundaries",
            "development", "oasis",
        )),
        "GPKG:./study.gpkg:relief",
    ]  # fmt: skip
    assert {str(s).partition("=")[2] for s in sources[:-1]} == layers
    assert [g.get("name") for g in root.findall("layer-tree-group/layer-tree-group")] == [
        "Sites and origins", "Moves", "Units and roads", "Land and water",
    ]  # fmt: skip


def test_the_same_layers_give_the_same_project(package: Path) -> None:
    layers = {"sites": gpd.read_file(package, layer="sites")}
    made = [qgis_project(layers, {}, title="<T> & U", lang="zh") for _ in range(2)]
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(made[0])) as archive:
        root = ET.fromstring(archive.read("study.qgs"))
    assert root.findtext("title") == "<T> & U"
    assert root.find(".//layer-tree-layer").get("name") == "安置点"


def test_the_relief_is_where_the_elevations_are(package: Path) -> None:
    with rasterio.open(f"GPKG:{package}:relief") as raster:
        assert raster.crs.to_epsg() == 3857
        assert raster.count >= 3
        to_metres = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
        expected = (*to_metres.transform(*BOUNDS[:2]), *to_metres.transform(*BOUNDS[2:]))
        np.testing.assert_allclose(tuple(raster.bounds), expected, rtol=1e-9)
        middle = raster.read()[:3, raster.height // 2, raster.width // 2]
        assert 60 < middle.mean() < 250  # neither missing nor paper


def test_a_study_across_180_degrees_is_seen_in_one_piece() -> None:
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([179, -179], [-17, -18]), crs=4326)
    with zipfile.ZipFile(io.BytesIO(qgis_project({"sites": points}, {}, title="T"))) as archive:
        root = ET.fromstring(archive.read("study.qgs"))
    assert root.findtext("projectCrs/spatialrefsys/authid") == "EPSG:3832"
    west, east = (float(root.findtext(f"mapcanvas/extent/{at}")) for at in ("xmin", "xmax"))
    # Two degrees are 222.6 km on the equator of Mercator; a tenth of it is added at each side.
    assert (east - west) / 1.2 == pytest.approx(222_639, rel=1e-4)


def test_a_picture_may_run_on_beyond_180_degrees(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(data, "PNG")
    picture = Picture(data.getvalue(), (20, 10), (170.0, -5.0, 190.0, 5.0))
    (tmp_path / "a.gpkg").write_bytes(write_gpkg_bytes({}, pictures={"relief": picture}))
    with rasterio.open(f"GPKG:{tmp_path / 'a.gpkg'}:relief") as raster:
        assert raster.crs.to_epsg() == 3832  # around 150 degrees east
        degree = 20_037_508.342789244 / 180
        np.testing.assert_allclose(raster.bounds[::2], [20 * degree, 40 * degree], rtol=1e-9)
        assert raster.read()[:3].reshape(3, -1).T.tolist() == [[255, 0, 0]] * 200


def test_a_table_of_roads_becomes_straight_lines(package: Path) -> None:
    study = gs.read_study(gs.template_path())
    roads, places = study.layers["roads"], study.layers["places"]
    lines = road_lines(roads, places)
    assert len(lines) == len(roads)
    for line in lines.itertuples():
        ends = [(p.x, p.y) for p in (places.geometry[line.a], places.geometry[line.b])]
        assert list(line.geometry.coords) == ends
    assert road_lines(roads, None) is None
    assert road_lines(lines, places) is lines
    kept = road_lines(roads, places.drop(index=roads["a"].iloc[0]))
    assert len(roads) - len(kept) > 0
    assert set(gpd.read_file(package, layer="roads")["geometry_basis"]) == {"illustrative"}
    names = [one.get("name", "") for one in project_of(package).iter("layer-tree-layer")]
    assert any("schematic" in name for name in names)


OPENED = """
import json, sys
from qgis.core import (QgsApplication, QgsLayerTree, QgsMapRendererSequentialJob, QgsMapSettings,
    QgsProject, QgsRectangle)
from qgis.PyQt.QtCore import QSize
app = QgsApplication([], False)
app.initQgis()
project = QgsProject.instance()
assert project.read(f"geopackage:{sys.argv[1]}?projectName=study"), project.error()
root, extent = project.layerTreeRoot(), project.viewSettings().defaultViewExtent()
layers = [one.layer() for one in root.findLayers()]
settings = QgsMapSettings()
settings.setLayers(layers)
settings.setDestinationCrs(project.crs())
settings.setExtent(QgsRectangle(extent))
settings.setOutputSize(QSize(600, 450))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
job.renderedImage().save(sys.argv[2])
print("OPENED" + json.dumps({
    "title": project.title(), "crs": project.crs().authid(), "ellipsoid": project.ellipsoid(),
    "groups": [g.name() for g in root.findGroups()],
    "layers": [one.source().replace("|layername=", ":").rpartition(":")[2] for one in layers],
    "valid": [one.isValid() for one in layers],
    "inside": [one.source().startswith((sys.argv[1], "GPKG:" + sys.argv[1])) for one in layers],
    "renderer": layers[0].renderer().symbol().symbolLayer(0).color().name(),
    "labels": layers[0].labelsEnabled(),
    "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
    "errors": [one.message for one in job.errors()],
}))
"""


@needs_qgis
def test_qgis_opens_and_draws_the_project(package: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "study.gpkg"
    moved.parent.mkdir()
    shutil.copy(package, moved)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "XDG_"))}
    done = subprocess.run(
        ["/usr/bin/python3", "-c", OPENED, moved, tmp_path / "map.png"], cwd=tmp_path,
        env={**kept, "HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    (line,) = [one for one in done.stdout.splitlines() if one.startswith("OPENED")] or [done.stderr]
    found = json.loads(line.removeprefix("OPENED"))
    assert found["errors"] == []
    assert (found["crs"], found["ellipsoid"]) == ("EPSG:3857", "EPSG:7030")
    assert found["title"] == "Made-up islands: where households moved"
    assert found["groups"] == ["Sites and origins", "Moves", "Units and roads", "Land and water"]
    assert found["layers"] == [
        "sites", "origins", "places", "flows", "uncertainty", "roads", "boundaries", "development",
        "oasis", "relief",
    ]  # fmt: skip
    assert all(found["valid"])
    assert all(found["inside"])
    assert found["labels"]
    assert found["renderer"] == style.SITE.lower()
    sites = gpd.read_file(moved, layer="sites").to_crs(3857).dropna(subset="geometry")
    west, south, east, north = found["extent"]
    assert all(west < p.x < east and south < p.y < north for p in sites.geometry)
    # Every site is drawn in its colour at its place, and the relief is under the rest.
    picture = np.asarray(Image.open(tmp_path / "map.png").convert("RGB")).astype(int)
    height, width = picture.shape[:2]
    metres = max((east - west) / width, (north - south) / height)
    colour = np.array([int(style.SITE[i : i + 2], 16) for i in (1, 3, 5)])
    for point in sites.geometry:
        column = round(width / 2 + (point.x - (west + east) / 2) / metres)
        row = round(height / 2 - (point.y - (south + north) / 2) / metres)
        near = picture[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3)
        assert (np.abs(near - colour).max(axis=1) < 12).any(), (row, column)
    white = (picture.min(axis=2) >= 254).mean()
    assert white < 0.2
