"""A job on a Dask cluster gives the same bytes, whatever of the cluster is lost."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from job_parts import small_job
from test_jobs import content, places

import geosettle as gs
from geosettle.errors import GeosettleError
from geosettle.jobs import engine_on, run_job

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
TESTS = Path(__file__).parent


@contextmanager
def dask(folder, what, *options):
    """A process of Dask on the loopback."""
    command = [sys.executable, "-m", "distributed.cli.dask_" + what, "--no-dashboard"]
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    with (folder / f"{what}.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--scheduler-file", str(folder / "scheduler.json"), *options],
            env={**os.environ, "PYTHONPATH": path},
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def cluster(folder, workers=1):
    """A scheduler and workers, each in a process of its own."""
    with ExitStack() as stack:
        scheduler = stack.enter_context(
            dask(folder, "scheduler", "--host", "127.0.0.1", "--port", "0")
        )
        file, until = folder / "scheduler.json", time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        for n in range(workers):
            local = "--local-directory", str(folder / f"worker-{n}")
            stack.enter_context(dask(folder, "worker", "--no-nanny", "--nthreads", "1", *local))
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=90)
            address = client.scheduler.address
        yield scheduler, address


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run_job(small_job(folder), folder / "out")
    return content(folder / "out")


def test_a_cluster_gives_the_same_bytes_and_may_be_lost(tmp_path, whole, monkeypatch):
    monkeypatch.setattr("geosettle.jobs.run._PATIENCE_S", 3)
    (tmp_path / "dask").mkdir()
    with cluster(tmp_path / "dask", workers=2) as (scheduler, address):
        done = run_job(small_job(tmp_path, "kill"), tmp_path / "out", engine_on(scheduler=address))
        assert (tmp_path / "kill-3").exists()
        assert not done.set_aside
        assert content(tmp_path / "out") == whole
        aside = run_job(
            small_job(tmp_path, "always"), tmp_path / "two", engine_on(scheduler=address)
        )
        assert dict(aside.set_aside) == {"03": "ValueError: no such ground"}
        # The functions take a client as they take any executor.
        origins, sites = places(40, "o", 1), places(9, "s", 2)
        with distributed.Client(address, set_as_default=False) as client:
            found = gs.nearest(origins, sites, k=2, executor=client)
        assert found.equals(gs.nearest(origins, sites, k=2))
        # The scheduler is killed after the first part: what is finished is kept.

        def ended(_):
            scheduler.kill()

        with pytest.raises(GeosettleError, match=r"scheduler .* lost"):
            run_job(
                small_job(tmp_path, "slow"),
                tmp_path / "lost",
                engine_on(scheduler=address),
                progress=ended,
            )
    assert not (tmp_path / "lost" / "_SUCCESS").exists()
    assert run_job(small_job(tmp_path), tmp_path / "lost").kept >= 1
    assert content(tmp_path / "lost") == whole


@pytest.mark.parametrize("metric", ["geodesic", "surface"])
def test_an_executor_changes_no_value(metric, land):
    origins, sites = places(30, "o", 1), places(9, "s", 2)
    with ThreadPoolExecutor(2) as pool:
        for ask in (
            lambda **more: gs.distance_matrix(origins, sites, metric, **land, **more),
            lambda **more: gs.nearest(origins, sites, k=2, metric=metric, **land, **more),
        ):
            assert ask(executor=pool).equals(ask())
        hours = [
            gs.travel_time(land["dem"], sites, executor=where).values for where in (pool, None)
        ]
        np.testing.assert_array_equal(*hours)


@pytest.fixture
def land():
    from affine import Affine

    heights = 1000 + 300 * np.random.default_rng(1).random((160, 220))
    return {"dem": gs.Raster(heights, Affine(0.1, 0, 74.5, 0, -0.1, 45.5), unit="m")}
