"""A job in parts gives the same bytes wherever it is done, and goes on where it was stopped."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from job_parts import small_job

import geosettle as gs
from geosettle.cli import main
from geosettle.covers import overlay_table
from geosettle.distance import distance_table
from geosettle.errors import GeosettleError, InputError, OutputError
from geosettle.executors import processes, processors
from geosettle.jobs import distances_job, engine_on, overlay_job, run_job, tiles

pq = pytest.importorskip("pyarrow.parquet", reason="parts are Parquet files")
TESTS = Path(__file__).parent


def content(folder):
    """Hash of every file of a folder, by name."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in Path(folder).iterdir()}


def places(n, prefix, seed):
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"{prefix}{i:03}" for i in range(n)], dtype="str")
    at = gpd.points_from_xy(rng.uniform(75, 95, n), rng.uniform(30, 45, n))
    return gpd.GeoDataFrame({"name": [f"place {i}" for i in ids]}, geometry=at, index=ids, crs=4326)


def started(folder, *, code):
    """Start the small job in a process of its own that works in this folder."""
    text = (
        "import sys\nfrom job_parts import small_job\nfrom geosettle.jobs import *\n"
        "if __name__ == '__main__':\n    from geosettle.cli import _terminated_as_interrupted\n"
        f"    with _terminated_as_interrupted():\n        {code}\n"
    )
    script = folder / "start.py"
    script.write_text(text, encoding="utf-8")
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    return subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes of the small job, made in this process without any trouble."""
    folder = tmp_path_factory.mktemp("whole")
    run_job(small_job(folder), folder / "out")
    return content(folder / "out")


# --- tiles


def test_tiles_hold_every_place_once_in_compact_groups_in_order():
    rng = np.random.default_rng(4)
    lon = np.r_[rng.uniform(-180, 180, 3000), np.full(40, 12.5), np.nan]
    lat = np.r_[rng.uniform(-90, 90, 3000), np.full(40, 47.1), 3.0]
    found = list(tiles(lon, lat, 25))
    names = [name for name, _ in found]
    assert names == sorted(set(names))
    assert sorted(np.concatenate([rows for _, rows in found])) == list(range(lon.size))
    assert max(len(rows) for _, rows in found) <= 25
    extent = [np.ptp(lon[rows]) * np.ptp(lat[rows]) for name, rows in found if name != "unplaced"]
    assert np.median(extent) < 360 * 180 / len(found) * 2
    assert (found[-1][0], found[-1][1].tolist()) == ("unplaced", [3040])


def test_a_place_more_changes_its_own_tile_only():
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(70, 130, 2000), rng.uniform(20, 50, 2000)
    before = {n: frozenset(rows) for n, rows in tiles(lon, lat, 100)}
    after = {n: frozenset(rows) for n, rows in tiles(np.r_[lon, 100.0], np.r_[lat, 40.0], 100)}
    assert len(set(after.values()) - set(before.values())) <= 2


# --- the driver


def test_a_second_start_makes_only_what_is_missing_or_has_changed(tmp_path, whole):
    out = tmp_path / "out"
    first = run_job(small_job(tmp_path), out)
    assert (first.parts, first.kept, first.rows) == (6, 0, 1800)
    assert content(out) == whole
    assert {n for n in whole if not n.startswith("part-")} == {"_SUCCESS", "_manifest.json"}
    numbers = {p.name: p.stat().st_ino for p in out.glob("part-*")}
    assert run_job(small_job(tmp_path), out).kept == 6
    assert {p.name: p.stat().st_ino for p in out.glob("part-*")} == numbers
    victim = next(out.glob("part-02*"))
    victim.write_bytes(victim.read_bytes()[:-1])  # damaged since
    assert run_job(small_job(tmp_path), out).kept == 5
    assert content(out) == whole
    changed = run_job(small_job(tmp_path, changed={4}), out)
    assert changed.kept == 5
    assert len(list(out.glob("part-*"))) == 6
    assert run_job(small_job(tmp_path, parts=4), out).kept == 4
    assert len(list(out.glob("part-*"))) == 4


def test_a_part_that_fails_once_is_tried_again_and_one_that_fails_twice_is_set_aside(
    tmp_path, whole
):
    assert not run_job(small_job(tmp_path, "fail"), tmp_path / "once").set_aside
    assert content(tmp_path / "once") == whole
    out = tmp_path / "always"
    done = run_job(small_job(tmp_path, "always"), out)
    assert dict(done.set_aside) == {"03": "ValueError: no such ground"}
    assert not (out / "_SUCCESS").exists()
    assert json.loads((out / "_manifest.json").read_text())["set_aside"] == done.set_aside
    again = run_job(small_job(tmp_path), out)
    assert (again.kept, dict(again.set_aside)) == (5, {})
    assert content(out) == whole


@pytest.mark.parametrize("which", [0, 3, 5])
def test_the_bytes_are_the_same_in_two_processes_one_of_which_is_killed(tmp_path, whole, which):
    done = run_job(small_job(tmp_path, f"kill:{which}"), tmp_path / "out", engine_on(2))
    assert not done.set_aside
    assert (tmp_path / f"kill-{which}").exists()
    assert content(tmp_path / "out") == whole


def test_a_part_that_kills_its_worker_is_set_aside_and_the_others_are_made(tmp_path, whole):
    done = run_job(small_job(tmp_path, "deadly", parts=4), tmp_path / "out", engine_on(2))
    assert list(done.set_aside) == ["03"]
    assert "memory" in done.set_aside["03"]
    assert run_job(small_job(tmp_path), tmp_path / "out").kept == 3
    assert content(tmp_path / "out") == whole


def test_any_executor_gives_the_same_bytes(tmp_path, whole):
    with ThreadPoolExecutor(3) as pool:
        run_job(small_job(tmp_path), tmp_path / "out", engine_on(executor=pool))
        assert pool.submit(abs, -1).result() == 1  # it is the caller's, and still open
    assert content(tmp_path / "out") == whole


@pytest.mark.parametrize(
    ("how", "workers", "after"),
    [(signal.SIGTERM, 1, 1), (signal.SIGKILL, 2, 2), (signal.SIGKILL, 1, 4)],
)
def test_a_driver_that_is_ended_leaves_finished_parts(tmp_path, whole, how, workers, after):
    out = tmp_path / "out"
    code = f"run_job(small_job({str(tmp_path)!r}, 'slow'), 'out', engine_on({workers}))"
    driver = started(tmp_path, code=code)
    until = time.monotonic() + 60
    while len(list(out.glob("part-*"))) < after and time.monotonic() < until:
        time.sleep(0.01)
    driver.send_signal(how)
    driver.communicate(timeout=60)  # its workers hold the pipe: they end too
    assert driver.returncode != 0
    left = list(out.glob("part-*"))
    assert after <= len(left) < 6
    assert not (out / "_SUCCESS").exists()
    assert all(pq.ParquetFile(p).metadata.num_rows == 300 for p in left)
    if how == signal.SIGTERM:
        assert not list(out.glob(".part-*"))
        assert not list(out.glob(".job.shared"))
    assert run_job(small_job(tmp_path), out).kept >= after
    assert content(out) == whole


@pytest.mark.parametrize("before_it", [1, 3, 5])
def test_a_full_disk_stops_the_job_and_leaves_nothing_half_written(tmp_path, whole, before_it):
    out = tmp_path / "out"
    run_job(small_job(tmp_path, parts=before_it), out)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(OutputError):
            run_job(small_job(tmp_path), out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(list(out.glob("part-*"))) == before_it
    assert not list(out.glob(".part-*"))
    assert run_job(small_job(tmp_path), out).kept == before_it
    assert content(out) == whole


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds no parts"):
        run_job(small_job(tmp_path), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_what_is_no_executor_is_refused(tmp_path):
    with pytest.raises(InputError, match="executor"):
        run_job(small_job(tmp_path), tmp_path / "out", engine_on(executor=3))


# --- distances


@pytest.mark.parametrize("asked", [{"nearest": 3}, {"within_km": 400.0}, {}])
def test_the_parts_of_distances_hold_the_rows_of_the_one_table(tmp_path, monkeypatch, asked):
    monkeypatch.setattr("geosettle.jobs.distances._ROWS", 60)
    origins, sites = places(50, "o", 1), places(12, "s", 2)
    origins.loc["o007", "geometry"] = None
    job = distances_job(origins, sites, **asked)
    assert len(job.parts) > 3
    run_job(job, tmp_path / "out")
    found = gpd.read_parquet(tmp_path / "out").set_index(["origin_id", "site_id"]).sort_index()
    names = ["origin_name", "site_name", "geometry", "bbox"]
    expected = distance_table(origins, sites, **asked).sort_index()
    pd.testing.assert_frame_equal(
        pd.DataFrame(found.drop(columns=[c for c in names if c in found])),
        expected,
        check_dtype=False,
    )
    line = found[found.geometry.notna()].iloc[0]
    assert line.geometry.length > 0
    assert found.loc["o007"].geometry.isna().all()


def test_a_wrong_call_is_refused_before_any_part(tmp_path):
    origins, sites = places(5, "o", 1), places(3, "s", 2)
    flows = pd.DataFrame({"origin_id": ["o000"], "site_id": ["s000"]})
    wrong = (
        ({"nearest": 0}, "k of 1 or more"),
        ({"metrics": ("wlak",)}, "no such metric"),
        ({"within_h": 1}, "geodesic, is in km"),
        ({"nearest": 1, "flows": flows}, "name the pairs"),
    )
    for asked, message in wrong:
        with pytest.raises(GeosettleError, match=message):
            distances_job(origins, sites, **asked)
    zones = gpd.GeoDataFrame(pd.concat([sites, sites.iloc[:1]]))
    cover = gpd.GeoDataFrame(geometry=[shapely.box(70, 30, 80, 40)], crs=4326)
    with pytest.raises(InputError, match="two zones have one id"):
        overlay_job(zones, cover, radii_km=[1.0])


def test_a_zone_without_position_is_in_the_table_of_parts_too(tmp_path):
    at = gpd.points_from_xy([np.nan, 75.0], [np.nan, 35.0])
    zones = gpd.GeoDataFrame(index=["a", "b"], geometry=at, crs=4326)
    cover = gpd.GeoDataFrame({"kind": ["x"]}, geometry=[shapely.box(70, 30, 80, 40)], crs=4326)
    done = run_job(overlay_job(zones, cover, "kind", [1.0]), tmp_path / "out")
    assert not done.set_aside
    table = pd.concat([gpd.read_parquet(p) for p in (tmp_path / "out").glob("part-*")])
    whole = overlay_table(zones, cover, by="kind", buffer_km=[1.0])
    assert sorted(table["zone_id"]) == sorted(whole["zone_id"])
    row = table[table["zone_id"] == "b"].iloc[0]
    assert row["area_ha"] == pytest.approx(np.pi * 100, rel=1e-4)  # a disc of 1 km


def test_flows_are_all_in_one_part_each_also_those_of_unknown_origins(tmp_path, monkeypatch):
    monkeypatch.setattr("geosettle.jobs.distances._ROWS", 10)
    origins, sites = places(40, "o", 1), places(12, "s", 2)
    rng = np.random.default_rng(3)
    flows = pd.DataFrame(
        {
            "origin_id": [f"o{i:03}" for i in rng.integers(0, 42, 80)],
            "site_id": [f"s{i:03}" for i in rng.integers(0, 12, 80)],
            "households": rng.integers(1, 9, 80),
        }
    )
    run_job(distances_job(origins, sites, flows=flows), tmp_path / "out")
    found = gpd.read_parquet(tmp_path / "out")
    assert len(found) == len(flows)
    assert found["households"].sum() == flows["households"].sum()
    assert found.loc[found["origin_id"] > "o039", "why"].str.contains("no origin").all()


def test_a_village_that_moves_changes_its_own_part_only(tmp_path, monkeypatch):
    monkeypatch.setattr("geosettle.jobs.distances._ROWS", 60)
    origins, sites = places(60, "o", 1), places(12, "s", 2)
    before = {p.file for p in distances_job(origins, sites, nearest=2).parts}
    shuffled = origins.sample(frac=1, random_state=1)
    assert {p.file for p in distances_job(shuffled, sites, nearest=2).parts} == before
    moved = origins.copy()
    moved.loc["o003", "name"] = "another name"
    assert len({p.file for p in distances_job(moved, sites, nearest=2).parts} - before) == 1
    sites.loc["s001", "name"] = "another name"
    assert not {p.file for p in distances_job(origins, sites, nearest=2).parts} & before


def test_geoparquet_says_its_extent_and_can_be_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr("geosettle.io.parquet._ROW_GROUP", 10)
    origins, sites = places(60, "o", 1), places(12, "s", 2)
    run_job(distances_job(origins, sites, nearest=1), tmp_path / "out")
    (file,) = (tmp_path / "out").glob("part-*")
    head = json.loads(pq.ParquetFile(file).schema_arrow.metadata[b"geo"])
    assert head["version"] == "1.1.0"
    assert head["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    every = gpd.read_parquet(file)
    west, south, east, north = every.total_bounds
    some = gpd.read_parquet(file, bbox=(west, south, west + 1, north))
    assert 0 < len(some) < len(every)
    groups = pq.ParquetFile(file)
    assert groups.num_row_groups == 6
    column = groups.schema.names.index("xmin")
    lows = [groups.metadata.row_group(n).column(column).statistics.min for n in range(6)]
    assert max(lows) - min(lows) > (east - west) / 3  # along the curve, not at random


# --- overlay


def test_lines_are_written_as_their_shapes_would_be_also_across_180(tmp_path):
    from geosettle.io.parquet import geoparquet_lines

    ends = np.array([
        [[76.0, 39.0], [77.5, 38.0]], [[179.0, 1.0], [181.0, 3.0]], [[-179.0, 1.0], [-181.0, 3.0]],
        [[np.nan, np.nan], [77.0, 39.0]], [[10.0, 5.0], [10.0, 5.0]],
    ])  # fmt: skip
    path = tmp_path / "lines.parquet"
    path.write_bytes(geoparquet_lines(pd.DataFrame({"n": range(5)}), ends))
    assert gpd.read_parquet(path).geometry.to_wkt().fillna("none").tolist() == [
        "LINESTRING (76 39, 77.5 38)",
        "MULTILINESTRING ((179 1, 180 2), (-180 2, -179 3))",
        "MULTILINESTRING ((180 2, 179 3), (-179 1, -180 2))",
        "none",
        "LINESTRING (10 5, 10 5)",
    ]
    boxes = pq.read_table(path)["bbox"].to_pylist()
    assert boxes[0] == {"xmin": 76.0, "ymin": 38.0, "xmax": 77.5, "ymax": 39.0}
    assert (boxes[1]["xmin"], boxes[1]["xmax"], boxes[3]) == (-180.0, 180.0, None)
    about = json.loads(pq.read_metadata(path).metadata[b"geo"])["columns"]["geometry"]
    assert about["geometry_types"] == ["LineString", "MultiLineString"]
    assert about["bbox"] == [-180.0, 1.0, 180.0, 39.0]


def test_the_parts_of_an_overlay_hold_the_rows_of_the_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr("geosettle.jobs.overlay._ZONES", 5)
    zones = places(30, "z", 1)
    zones["geometry"] = gpd.points_from_xy(np.r_[zones.geometry.x[:-1], 179.99], zones.geometry.y)
    rng = np.random.default_rng(3)
    west, south = rng.uniform(75, 95, 4000), rng.uniform(30, 45, 4000)
    boxes = shapely.box(west, south, west + 0.3, south + 0.2)
    far = shapely.box(-179.99, 20, -179.9, 60)
    cover = gpd.GeoDataFrame(
        {"kind": [*rng.choice(["field", "orchard"], 4000), "steppe"]},
        geometry=[*boxes, far], crs=4326,
    )  # fmt: skip
    job = overlay_job(zones, cover, "kind", [5.0, 20.0])
    assert len(job.parts) > 4
    assert max(len(job.inputs(part)[1]) for part in job.parts) < len(cover) / 2
    run_job(job, tmp_path / "out")
    keys = ["zone_id", "radius_km", "kind"]
    found = gpd.read_parquet(tmp_path / "out").set_index(keys).sort_index()
    expected = overlay_table(zones, cover, "kind", [5.0, 20.0]).set_index(keys).sort_index()
    assert ("z029", 20.0, "steppe") in found.index
    pd.testing.assert_frame_equal(
        pd.DataFrame(found[expected.columns].drop(columns="year")),
        expected.drop(columns="year"),
        check_dtype=False,
        atol=1e-6,
    )
    assert found["year"].isna().all()


def test_a_parcel_that_changes_changes_the_parts_that_it_reaches(monkeypatch):
    monkeypatch.setattr("geosettle.jobs.overlay._ZONES", 1)
    at = gpd.points_from_xy([76.0, 90.0], [39.0, 30.0])
    zones = gpd.GeoDataFrame(index=["a", "b"], geometry=at, crs=4326)
    boxes = [shapely.box(75.9, 38, 76, 39), shapely.box(89, 29, 90, 30)]
    cover = gpd.GeoDataFrame({"kind": ["field", "field"]}, geometry=boxes, crs=4326)
    before = [p.key for p in overlay_job(zones, cover, "kind", [5.0]).parts]
    cover.loc[1, "kind"] = "orchard"
    after = [p.key for p in overlay_job(zones, cover, "kind", [5.0]).parts]
    assert [a == b for a, b in zip(before, after, strict=True)].count(True) == 1


# --- the command


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, frame in (("origin", places(30, "o", 1)), ("site", places(9, "s", 2))):
        at = frame.get_coordinates().rename(columns={"x": "lon", "y": "lat"})
        table = pd.DataFrame(frame.drop(columns="geometry")).join(at)
        table.rename_axis(f"{name}_id").to_csv(tmp_path / f"{name}s.csv")
    return [
        "distances", "--origins", str(tmp_path / "origins.csv"),
        "--sites", str(tmp_path / "sites.csv"),
    ]  # fmt: skip


def test_the_command_writes_a_folder_and_goes_on(files, tmp_path, capsys):
    out = f"{tmp_path}/out/"
    assert main([*files, "--nearest", "2", "-o", out]) == 0
    assert "60 rows" in capsys.readouterr().out
    first = content(out)
    assert main([*files, "--nearest", "2", "-o", out, "--workers", "1"]) == 0
    assert "1 of them from before" in capsys.readouterr().out
    assert content(out) == first
    assert main([*files, "--nearest", "3", "-o", out]) == 0
    assert len(gpd.read_parquet(out)) == 90


def test_a_plan_says_what_comes_and_writes_nothing(files, capsys):
    assert main([*files, "--nearest", "2", "-o", "d/", "--plan", "--workers", "2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("1 part with 60 pairs: about")
    assert not Path("d").exists()


def test_memory_bounds_the_workers_or_refuses(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("geosettle.jobs.run._peak", lambda: 3e9)
    call = [*files, "--nearest", "2", "-o", f"{tmp_path}/d/", "--plan", "--workers", "8"]
    assert main([*call, "--memory", "12"]) == 0
    assert "with 3 workers of at most 3.0 GB" in capsys.readouterr().out  # and the first process
    assert main([*call, "--memory", "2"]) == 2
    assert "a worker needs about 3.0 GB" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_a_terminal_is_told_before_a_long_job_what_comes(files, tmp_path, capsys, monkeypatch):
    found = {"parts": 1, "units": 60, "bytes": 4e6, "seconds": 240.0, "memory": 5e8}
    monkeypatch.setattr("geosettle.jobs.estimate", lambda *_: found)
    monkeypatch.setattr("geosettle.cli.in_parts._MANY_PARTS", 1)
    call = [*files, "--nearest", "2", "-o"]
    assert main([*call, f"{tmp_path}/pipe/"]) == 0
    assert "about" not in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main([*call, f"{tmp_path}/terminal/"]) == 0
    assert "1 part with 60 pairs: about 4 min with 1 worker" in capsys.readouterr().err
    assert (tmp_path / "terminal" / "_SUCCESS").exists()


def test_an_overlay_is_written_in_parts(files, tmp_path, capsys):
    cover = gpd.GeoDataFrame({"kind": ["field"]}, geometry=[shapely.box(75, 30, 85, 45)], crs=4326)
    cover.to_file(tmp_path / "cover.gpkg")
    call = ["overlay", "--zones", "sites.csv", "--cover", "cover.gpkg", "--buffer-km", "5"]
    assert main([*call, "--by", "kind", "-o", "land/"]) == 0
    assert set(gpd.read_parquet("land")["kind"]) == {"field", "(outside)"}


def test_a_part_set_aside_gives_exit_code_3(files, tmp_path, capsys, monkeypatch):
    def broken(origins, *_, **__):
        if len(origins):
            raise gs.errors.InputError("the ground is gone")

    monkeypatch.setattr("geosettle.jobs.distances.distance_table", broken)
    assert main([*files, "-o", f"{tmp_path}/out/"]) == 3
    assert "set aside: the ground is gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--workers", "2", "-o", "d.csv"], "folder"),
        (["--plan"], "folder"),
        (["--matrix", "-o", "d/"], "not written in parts"),
        (["--scheduler", "tcp://127.0.0.1:9", "-o", "d/"], "no Dask scheduler|pip install"),
    ],
)
def test_a_wrong_call_is_refused_in_one_message(files, capsys, monkeypatch, more, message):
    monkeypatch.setattr("geosettle.jobs.run._PATIENCE_S", 0.5)
    assert main([*files, *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert pd.Series([line]).str.contains(message).all()
    assert not Path("d").exists()


def test_processors_can_be_limited_and_workers_share_them(monkeypatch):
    monkeypatch.setenv("GEOSETTLE_THREADS", "1")
    assert processors() == 1
    monkeypatch.setenv("GEOSETTLE_THREADS", "many")
    every = processors()
    assert every >= 1
    with processes(every + 1) as pool:
        assert pool.submit(processors).result() == 1
