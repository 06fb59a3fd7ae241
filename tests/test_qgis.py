"""The plugin of QGIS: where it is installed, what it starts, and what QGIS itself makes of it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine

from geosettle import style
from geosettle.cli import main, parser
from geosettle.cli.qgis import algorithms, install, plugin_folder
from geosettle.errors import OutputError
from geosettle.qgis_plugin.commands import arguments, environment, run

PLUGIN = Path(__file__).parents[1] / "geosettle" / "qgis_plugin"
QGIS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
needs_qgis = pytest.mark.skipif(QGIS is None, reason="QGIS is not installed (qgis_process)")
UTM = 32633


@pytest.fixture(scope="module")
def commands() -> Any:
    return parser()._subparsers._group_actions[0].choices


@pytest.fixture(scope="module")
def catalogue(commands: Any) -> dict[str, Any]:
    return {one["name"]: one for one in algorithms(commands)}


# --- without QGIS ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/QGIS/QGIS3/profiles/p/python/plugins"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/QGIS/QGIS3/profiles/p/python/plugins"),
        (
            "darwin",
            {"HOME": "/h"},
            "/h/Library/Application Support/QGIS/QGIS3/profiles/p/python/plugins",
        ),
        ("win32", {"APPDATA": "/a"}, "/a/QGIS/QGIS3/profiles/p/python/plugins"),
        ("win32", {"QGIS_CUSTOM_CONFIG_PATH": "/c"}, "/c/profiles/p/python/plugins"),
    ],
)
def test_the_plugin_folder_is_the_one_that_qgis_documents(
    system: str, variables: dict[str, str], expected: str
) -> None:
    assert plugin_folder("p", variables, system).as_posix() == expected


def test_the_plugin_is_written_over_an_older_one_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["qgis", "install", "--plugins", str(tmp_path)]
    assert main(call) == 0
    assert "tick geosettle" in capsys.readouterr().out
    folder = tmp_path / "geosettle_qgis"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["outputs"]["old.py"] = "of an older version"
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "old.py").write_text("", encoding="utf-8")
    assert main(call) == 0
    assert {p.name for p in folder.iterdir()} == {
        *("__init__.py", "commands.py", "provider.py", "metadata.txt", "manifest.json"),
        *("flows.qml", "sites_areas.qml", "catchments.qml"),
    }
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["python"] == sys.executable
    assert f"version={manifest['geosettle']}\n" in (folder / "metadata.txt").read_text()
    assert manifest["outputs"]["provider.py"] == (
        hashlib.sha256((PLUGIN / "provider.py").read_bytes()).hexdigest()
    )
    assert main(["qgis", "remove", "--plugins", str(tmp_path)]) == 0
    assert list(tmp_path.glob("geosettle*")) == []
    assert main(["qgis", "remove", "--plugins", str(tmp_path)]) == 2
    assert "is not there" in capsys.readouterr().err


def test_a_plugin_of_somebody_else_is_kept(tmp_path: Path, commands: Any) -> None:
    (tmp_path / "x.py").write_text("theirs", encoding="utf-8")
    with pytest.raises(OutputError, match="not empty"):
        install(tmp_path, commands)
    assert [p.name for p in tmp_path.iterdir()] == ["x.py"]


def test_the_plugin_imports_nothing_of_geosettle_and_runs_in_python_3_9() -> None:
    for path in PLUGIN.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                root = str(node.module).split(".")[0]
                assert root in sys.stdlib_module_names | {"qgis", "processing"}, node.module


def test_every_option_of_an_algorithm_is_one_of_its_command(
    commands: Any, catalogue: dict[str, Any]
) -> None:
    """What the algorithms give is taken by the parser, and nothing required is left out."""
    sample = {
        "flag": True, "whole": "2", "number": "1.5", "layers": ["a.gpkg", "b.gpkg"],
    }  # fmt: skip
    assert set(catalogue) == {"distances", "nearest", "overlay", "reach", "map", "init"}
    for algorithm in catalogue.values():
        exclusive = {"FLOWS", "WITHIN", "WITHIN_H", "MATRIX", "FLOWS_ORIGIN_ID", "FLOWS_SITE_ID"}
        for parameter in algorithm["parameters"]:
            values = {
                p["name"]: sample.get(p["kind"], "x")
                for p in algorithm["parameters"]
                if p["required"] or p is parameter
            }
            if parameter["kind"] == "choice":
                choices = parameter["choices"]
                values[parameter["name"]] = choices[:2] if parameter["many"] else choices[-1]
            elif parameter.get("many"):
                values[parameter["name"]] = ["1", "2"]
            options = commands[algorithm["command"]].parse_args(arguments(algorithm, values)[1:])
            given = vars(options)
            if parameter.get("option") and "map" not in parameter:
                dest = parameter["option"][2:].replace("-", "_")
                assert given[dest] not in (None, [], False), parameter["name"]
            if "map" in parameter:
                assert given["map"] == [f"{parameter['map']}=x"]
        assert exclusive.isdisjoint(p["name"] for p in catalogue["nearest"]["parameters"])


def test_a_command_line(catalogue: dict[str, Any]) -> None:
    values = {
        "ORIGINS": "/t/villages.gpkg", "ORIGINS_ORIGIN_ID": "code", "SITES": "/t/new towns.gpkg",
        "NEAREST": "2", "METRIC": ["geodesic", "surface"], "DEM": "/t/dem.tif",
        "SET": ["walk.neighbours=8", "sites:year=2019"], "MAP": [], "OUTPUT": "/o/d.gpkg",
    }  # fmt: skip
    assert arguments(catalogue["nearest"], values) == [
        "distances", "--verbose", "--origins=/t/villages.gpkg", "--map=origins:origin_id=code",
        "--sites=/t/new towns.gpkg", "--nearest=2", "--metric", "geodesic", "surface",
        "--dem=/t/dem.tif", "--set=walk.neighbours=8", "--set=sites:year=2019", "--out=/o/d.gpkg",
    ]  # fmt: skip
    values = {"FILES": ["/t/a.gpkg", "/t/b.tif"], "OUTPUT": "/o/study"}
    assert arguments(catalogue["init"], values) == [
        "init", "/o/study", "/t/a.gpkg", "/t/b.tif", "--verbose", "--copy", "--yes",
    ]  # fmt: skip
    assert environment({"PYTHONPATH": "x", "GDAL_DATA": "x", "PROJ_LIB": "x", "PATH": "p"}) == {
        "PATH": "p", "PYTHONUTF8": "1",
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to ask with")
def test_a_cancelled_command_ends_with_what_it_started(tmp_path: Path) -> None:
    child = "import time; print('child', flush=True); time.sleep(600)"
    code = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(130));"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}]); print(p.pid, flush=True);"
        "\ntry: p.wait()\nfinally: p.kill(); p.wait()"
    )
    seen: list[str | int] = []
    seen.extend(run([sys.executable, "-c", code], tmp_path, lambda: "child" in seen))
    assert seen[-1] == 130
    pid = int(next(line for line in seen if str(line).isdecimal()))
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_zones_keep_the_names_of_their_column_zone_id(tmp_path: Path) -> None:
    squares = [shapely.box(20 + x, 10, 20.1 + x, 10.1) for x in (0, 0.2)]
    zones = gpd.GeoDataFrame({"zone_id": ["b", "a"]}, geometry=squares, crs=4326)
    zones.to_file(tmp_path / "zones.gpkg")
    zones.assign(kind="rice").to_file(tmp_path / "cover.gpkg")
    call = ["overlay", "--zones", str(tmp_path / "zones.gpkg")]
    call += ["--cover", str(tmp_path / "cover.gpkg"), "-o", str(tmp_path / "o.csv")]
    assert main(call) == 0
    assert set(pd.read_csv(tmp_path / "o.csv")["zone_id"]) == {"a", "b"}
    zones.assign(zone_id="a").to_file(tmp_path / "zones.gpkg")
    assert main(call) == 2


# --- with QGIS ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented places on one plane of UTM zone 33, and a slope."""
    folder = tmp_path_factory.mktemp("data")
    east, north = 500_000, 1_000_000

    def points(names: list[str], xs: list[int], ys: list[int], **columns: Any) -> gpd.GeoDataFrame:
        at = gpd.points_from_xy(np.array(xs) + east, np.array(ys) + north)
        return gpd.GeoDataFrame({"label": names, **columns}, geometry=at, crs=UTM)

    points(["Ané", "Bo"], [1000, 4000], [1000, 2500], kode=["o1", "o2"]).to_file(
        folder / "villages.gpkg"
    )
    points(["Yi", "Zo", "Wu"], [2000, 9000, 5000], [4000, 9000, 500], kode=["s1", "s2", "s3"]
    ).to_file(folder / "towns.gpkg")  # fmt: skip
    squares = [shapely.box(east + x, north, east + x + 5000, north + 5000) for x in (0, 5000)]
    gpd.GeoDataFrame({"district": ["west", "east"]}, geometry=squares, crs=UTM).to_file(
        folder / "districts.gpkg"
    )
    field = shapely.box(east + 3000, north + 1000, east + 6000, north + 3000)
    gpd.GeoDataFrame({"crop": ["rice"]}, geometry=[field], crs=UTM).to_file(folder / "fields.gpkg")
    rows, columns = np.mgrid[0:100, 0:100]
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=100, height=100, count=1, dtype="float32",
        crs=UTM, transform=Affine(100, 0, east, 0, -100, north + 10_000),
    ) as raster:  # fmt: skip
        raster.write((rows + 2 * columns).astype("float32"), 1)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the plugin, installed and switched on by the command itself."""
    folder = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "geosettle", "qgis", "install"]
    done = subprocess.run(
        command, env=own(folder), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "It is switched on" in done.stdout
    return folder


def own(folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "XDG_", "QGIS"))}
    cache = os.environ.get("NUMBA_CACHE_DIR")
    return {
        **kept, "HOME": str(folder), "APPDATA": str(folder), "QT_QPA_PLATFORM": "offscreen",
        **({"NUMBA_CACHE_DIR": cache} if cache else {}),
    }  # fmt: skip


def process(home: Path, name: str, **values: Any) -> subprocess.CompletedProcess[str]:
    given = [
        f"{key}={one}" for key, v in values.items() for one in (v if isinstance(v, list) else [v])
    ]
    command = [str(QGIS), "run", f"geosettle:{name}", "--", *given]
    return subprocess.run(
        command, env=own(home), cwd=home, capture_output=True, text=True, check=False, timeout=500
    )


def read(path: Path) -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(path)


@needs_qgis
def test_distances_are_those_of_the_command(home: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.gpkg"
    done = process(
        home, "distances", ORIGINS=data / "villages.gpkg", ORIGINS_ORIGIN_ID="kode",
        ORIGINS_NAME="label", SITES=data / "towns.gpkg", SITES_SITE_ID="kode", MAP="sites:name=label",
        METRIC="geodesic,surface", DEM=data / "dem.tif", OUTPUT=out,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "measuring" in done.stdout + done.stderr
    call = [
        "distances",
        "--origins",
        str(data / "villages.gpkg"),
        "--sites",
        str(data / "towns.gpkg"),
    ]
    call += ["--map", "origins:origin_id=kode,name=label", "--map", "sites:site_id=kode,name=label"]
    call += ["--metric", "geodesic", "surface", "--dem", str(data / "dem.tif")]
    assert main([*call, "-o", str(tmp_path / "own.gpkg")]) == 0
    made, own_made = read(out), read(tmp_path / "own.gpkg")
    pd.testing.assert_frame_equal(
        made.drop(columns="geometry"), own_made.drop(columns="geometry"), rtol=1e-9
    )
    assert set(made["origin_name"]) == {"Ané", "Bo"}
    assert len(made) == 6


@needs_qgis
def test_nearest_by_qgis(home: Path, data: Path, tmp_path: Path) -> None:
    """By Pythagoras on the plane: o1 has s1 at 3.16 km, s3 at 4.03 km; o2 s1 at 2.5, s3 at 2.24."""
    out = tmp_path / "near.csv"
    done = process(
        home, "nearest", ORIGINS=data / "villages.gpkg", ORIGINS_ORIGIN_ID="kode",
        SITES=data / "towns.gpkg", SITES_SITE_ID="kode", NEAREST=1, OUTPUT=out,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    near = pd.read_csv(out).set_index("origin_id")
    assert near["site_id"].to_dict() == {"o1": "s1", "o2": "s3"}
    # The scale of UTM on its central meridian is 0.9996.
    expected = np.array([np.hypot(1, 3), np.hypot(1, 2)]) / 0.9996
    np.testing.assert_allclose(near.loc[["o1", "o2"], "geodesic_km"], expected, rtol=2e-6)


@needs_qgis
def test_overlay_by_qgis(home: Path, data: Path, tmp_path: Path) -> None:
    """The field of 3 km x 2 km is for two thirds in the west, for one third in the east."""
    out = tmp_path / "land.gpkg"
    done = process(
        home, "overlay", ZONES=data / "districts.gpkg", ZONES_ID="district",
        COVER=data / "fields.gpkg", BY="crop", OUTPUT=out,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    land = read(out)
    found = land[land["crop"] == "rice"].set_index("zone_id")["area_ha"]
    assert set(found.index) == {"west", "east"}
    expected = np.array([400, 200]) / 0.9996**2
    np.testing.assert_allclose(found.loc[["west", "east"]], expected, rtol=2e-6)


@needs_qgis
def test_reach_by_qgis(home: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "reach"
    done = process(
        home, "reach", SITES=data / "towns.gpkg", SITES_SITE_ID="kode", DEM=data / "dem.tif",
        HOURS="0.25 0.5", OUTPUT=out,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"CATCHMENTS:\t{out}/reach.gpkg|layername=catchments" in done.stdout
    call = ["reach", "--sites", str(data / "towns.gpkg"), "--map", "site_id=kode"]
    call += ["--dem", str(data / "dem.tif"), "--hours", "0.25", "0.5"]
    assert main([*call, "-o", str(tmp_path / "own")]) == 0
    with rasterio.open(out / "time.tif") as one, rasterio.open(tmp_path / "own/time.tif") as other:
        np.testing.assert_allclose(one.read(1), other.read(1), rtol=1e-6)
    assert (out / "catchments.csv").read_bytes() == (tmp_path / "own/catchments.csv").read_bytes()


@needs_qgis
def test_a_study_from_layers_and_its_map(home: Path, data: Path, tmp_path: Path) -> None:
    study, page = tmp_path / "study", tmp_path / "map.html"
    gpd.read_file(data / "towns.gpkg").rename(columns={"kode": "site_id", "label": "name"}).to_file(
        tmp_path / "sites.gpkg"
    )
    done = process(home, "init", FILES=[tmp_path / "sites.gpkg", data / "dem.tif"], OUTPUT=study)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"study.toml", "sites.gpkg", "dem.tif"} <= {p.name for p in study.rglob("*")}
    done = process(home, "map", STUDY=study, OUTPUT=page)
    assert done.returncode == 0, done.stdout + done.stderr
    assert main(["map", str(study), "-o", str(tmp_path / "own.html")]) == 0
    assert page.read_bytes() == (tmp_path / "own.html").read_bytes()


@needs_qgis
def test_an_error_is_the_message_of_geosettle(home: Path, data: Path, tmp_path: Path) -> None:
    done = process(
        home, "distances", ORIGINS=data / "villages.gpkg", SITES=data / "towns.gpkg",
        METRIC="walk", OUTPUT=tmp_path / "pairs.gpkg",
    )  # fmt: skip
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "the metric walk needs the layer dem. Add --dem FILE or --friction FILE." in text
    assert "Traceback" not in text


LOADED = """
import sys
from qgis.core import (QgsApplication, QgsProcessingContext, QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition, QgsProcessingUtils, QgsProject, QgsVectorLayer)
app = QgsApplication([], False)
app.initQgis()
sys.path[:0] = ["/usr/share/qgis/python/plugins", sys.argv[1]]
from processing.core.Processing import Processing
Processing.initialize()
from geosettle_qgis.provider import Provider
provider = Provider()
QgsApplication.processingRegistry().addProvider(provider)
algorithm = QgsApplication.processingRegistry().createAlgorithmById("geosettle:nearest")
layers = [QgsVectorLayer(path, path.split("/")[-1]) for path in sys.argv[2:4]]
QgsProject.instance().addMapLayers(layers)
layers[0].selectByExpression("kode = 'o2'")
context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
context.setProject(QgsProject.instance())
from qgis.core import QgsProcessingFeatureSourceDefinition
from qgis.PyQt.QtCore import NULL
# What the dialog gives for what is not chosen: NULL, None and empty texts.
values = {
    "ORIGINS": QgsProcessingFeatureSourceDefinition(layers[0].id(), True), "ORIGINS_NAME": NULL,
    "ORIGINS_ORIGIN_ID": "kode", "SITES": layers[1], "SITES_SITE_ID": "kode", "NEAREST": 2,
    "SETTINGS": NULL, "DEM": None, "SET": "", "METRIC": ["geodesic"], "MAX_KM": None,
    "OUTPUT": QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", QgsProject.instance()),
}
result, fine = algorithm.run(values, context, feedback)
assert fine, feedback.textLog()
layer = QgsVectorLayer(result["OUTPUT"], "loaded")
details = context.layerToLoadOnCompletionDetails(result["OUTPUT"])
details.postProcessor().postProcessLayer(layer, context, feedback)
canceled = QgsProcessingFeedback()
canceled.cancel()
nothing, done = algorithm.create().run({**values, "OUTPUT": "never.gpkg"}, context, canceled)
assert not done and "canceled" in canceled.textLog(), canceled.textLog()
print("FOUND", [f["site_id"] for f in layer.getFeatures()], layer.renderer().symbol().color().name())
"""


@needs_qgis
@pytest.mark.skipif(not Path("/usr/share/qgis/python").exists(), reason="QGIS is not Debian's")
def test_selected_features_and_the_style_of_what_is_loaded(home: Path, data: Path) -> None:
    plugins = home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins"
    command = [
        "/usr/bin/python3",
        "-c",
        LOADED,
        plugins,
        data / "villages.gpkg",
        data / "towns.gpkg",
    ]
    done = subprocess.run(
        command, env=own(home), cwd=home, capture_output=True, text=True, check=False, timeout=300
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert not (home / "never.gpkg").exists()
    assert found == [f"FOUND ['s3', 's1'] {style.FLOW.lower()}"], done.stdout + done.stderr
