"""Reach in parts: the joined results are those of one run, whoever makes the parts."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

import geosettle as gs
from geosettle.cli import main
from geosettle.distance import Context
from geosettle.io import geotiff_bytes
from geosettle.jobs import reach, reach_job, run_job
from geosettle.jobs.reach import joined, site_files
from geosettle.raster import Raster

HOURS = (0.4, 0.8)
WHERE = Affine(0.003, 0, 76, 0, -0.003, 39)


def land() -> Raster:
    y, x = np.mgrid[:90, :120]
    heights = 1500 + 150 * np.sin(x / 9) * np.cos(y / 7) + 4 * x
    heights[np.hypot(y - 40, x - 60) < 6] = np.nan  # a lake
    return Raster(heights, WHERE, unit="m")


def people() -> Raster:
    rng = np.random.default_rng(5)
    count = rng.integers(0, 40, (27, 36)).astype(float)
    return Raster(count, Affine(0.01, 0, 76, 0, -0.01, 39), kind="counts", unit="persons")


def places(number: int = 14) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(2)
    at = gpd.points_from_xy(76 + 0.35 * rng.random(number), 38.74 + 0.25 * rng.random(number))
    return gpd.GeoDataFrame(index=[f"s{n}" for n in range(number)], geometry=at, crs=4326)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(reach, "_SITES", 4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("away", [False, True])
def test_joined_parts_are_one_run_up_to_the_last_hours(away, tmp_path) -> None:
    sites, layers = places(), {"dem": land()}
    sites.loc["far"] = [gpd.points_from_xy([90.0], [39.0])[0]]
    job = reach_job(
        sites, HOURS, away=away, context=Context(**layers), population=people(), each=True
    )
    assert len(job.parts) > 3
    outcome = run_job(job, tmp_path)
    assert not outcome.set_aside
    found, whole = joined(job, tmp_path, sites), gs.travel_allocation(sites, away=away, **layers)
    near = whole.time.values <= max(HOURS) * 1.1
    np.testing.assert_array_equal(found.time.values[near], np.float32(whole.time.values)[near])
    np.testing.assert_array_equal(np.isnan(found.time.values), np.isnan(whole.time.values))
    np.testing.assert_array_equal(found.first.values[near], whole.first.values[near])
    assert np.isnan(found.first.values[~near]).all()
    assert found.first.classes == whole.first.classes
    assert found.why.to_dict() == whole.why.to_dict()
    rows = gpd.read_parquet(tmp_path)
    assert rows.loc[rows["why"] != "", "site_id"].tolist() == ["far"]
    rows = rows[rows["why"] == ""].set_index(["site_id", "hours"]).sort_index()
    times = dict(gs.site_times(sites, away=away, limit_h=max(HOURS), **layers))
    alone = gs.catchments(times, HOURS)
    pd.testing.assert_series_equal(rows["area_ha"], alone["area_ha"])
    for name, time in times.items():
        counted = gs.population_within(time, people(), HOURS)["persons"].iloc[:2].cumsum()
        assert rows.loc[name, "persons"].to_numpy() == pytest.approx(counted.to_numpy(), abs=1e-3)
        with rasterio.open(tmp_path / site_files(job, sites)[name]) as file:
            assert file.tags()["SITE"] == name
            own = file.read(1)
            assert np.isfinite(own).sum() == (time.values <= max(HOURS) * 1.1).sum()


@pytest.mark.usefixtures("small")
def test_a_lost_or_damaged_raster_is_made_again_and_no_other(tmp_path) -> None:
    job = reach_job(places(), HOURS, context=Context(dem=land()))
    run_job(job, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    time, first = sorted((tmp_path / "_rasters").glob("*-time.tif"))[:2]
    time.unlink()
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    assert run_job(job, tmp_path).kept == len(job.parts) - 2
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    other = reach_job(places(), [0.5], context=Context(dem=land()))
    assert run_job(other, tmp_path).kept == 0
    assert len(list((tmp_path / "_rasters").iterdir())) == 2 * len(other.parts)  # none is left


@pytest.fixture
def files(tmp_path):
    (tmp_path / "dem.tif").write_bytes(geotiff_bytes(land()))
    (tmp_path / "pop.tif").write_bytes(geotiff_bytes(people()))
    table = pd.DataFrame(places().get_coordinates().set_axis(["lon", "lat"], axis=1))
    table.assign(name=table.index).rename_axis("site_id").to_csv(tmp_path / "sites.csv")
    named = {role: str(tmp_path / f"{role}.tif") for role in ("dem", "pop")}
    return [
        *("reach", "--sites", str(tmp_path / "sites.csv"), "--dem", named["dem"]),
        *("--population", named["pop"], "--hours", "0.4", "0.8"),
    ]


@pytest.mark.usefixtures("small")
def test_the_command_gives_the_same_bytes_for_any_number_of_workers(files, tmp_path, capsys):
    for workers in ("1", "2"):
        out = tmp_path / workers / "out"
        out.parent.mkdir()
        assert main([*files, "--each", "--workers", workers, "-o", str(out)]) == 0
    one, two = (
        {p.relative_to(tmp_path / w): p.read_bytes() for p in (tmp_path / w).rglob("*")
         if p.is_file()} for w in ("1", "2")
    )  # fmt: skip
    assert one == two
    assert main([*files, "-o", str(tmp_path / "plain")]) == 0
    parts, plain = (
        pd.read_csv(folder / "population.csv", encoding="utf-8-sig").query("by == 'all'")
        for folder in (tmp_path / "1/out", tmp_path / "plain")
    )
    np.testing.assert_allclose(parts["persons"], plain["persons"], rtol=1e-6)
    assert parts["persons"].sum() == pytest.approx(people().values.sum())
    made = pd.read_csv(tmp_path / "1/out/sites.csv", encoding="utf-8-sig")
    assert (tmp_path / "1/out" / made["file"][0]).resolve().is_file()
    assert json.loads((tmp_path / "1/out.parts/_manifest.json").read_text())["job"] == "reach"
    capsys.readouterr()


def test_a_plan_says_how_many_sites_and_writes_nothing(files, tmp_path, capsys) -> None:
    assert main([*files, "--plan", "-o", str(tmp_path / "out")]) == 0
    assert "1 part with 14 sites" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert main([*files, "--plan"]) == 2
    assert "-o DIR" in capsys.readouterr().err
