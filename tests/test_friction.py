"""Hours on foot from a friction surface: against other solvers, a circle, and what a file may say."""

from __future__ import annotations

import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from pyproj import Geod, Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from skimage.graph import MCP_Geometric

import geosettle as gs
from geosettle.cli import main
from geosettle.distance import distance_intervals, travel_time
from geosettle.errors import InputError
from geosettle.io import read_layer
from geosettle.problems import Problem
from geosettle.raster import Raster

GEOD = Geod(ellps="WGS84")
RNG = np.random.default_rng(20)
LONLAT = Affine(0.01, 0, 76, 0, -0.01, 40)
UTM = Affine(500, 0, 480_000, 0, -500, 4_420_000)
EVEN = Raster(np.full((80, 90), 0.72), LONLAT, unit="s/m")
"""5 km/h everywhere."""


def points(**lonlat: tuple[float, float]) -> gpd.GeoDataFrame:
    at = gpd.points_from_xy(*zip(*lonlat.values(), strict=True))
    return gpd.GeoDataFrame(geometry=at, index=list(lonlat), crs=4326)


def centre(row: int, column: int) -> tuple[float, float]:
    return LONLAT @ (column + 0.5, row + 0.5)


def test_an_even_friction_is_a_circle() -> None:
    """At 5 km/h whatever the direction, up to the error of 16 directions, never too short."""
    square = Raster(np.full((100, 100), 0.72), UTM, "EPSG:32643", unit="s/m")
    home = Transformer.from_crs(32643, 4326, always_xy=True).transform(*(UTM @ (50.2, 49.6)))
    turn = np.arange(0, 360, 15.0)
    lon, lat, _ = GEOD.fwd(*(np.full(24, v) for v in (*home,)), turn, np.full(24, 2e4))
    sites = points(**{f"s{i}": xy for i, xy in enumerate(zip(lon, lat, strict=True))})
    flows = pd.DataFrame({"origin_id": "o", "site_id": sites.index})
    out = gs.pair_distances(flows, points(o=home), sites, ["walk"], friction=square)
    assert (out["walk_out_h"] >= 4 * (1 - 1e-4)).all()
    assert (out["walk_out_h"] <= 4 * 1.0275 + 0.02).all()  # and 100 m to the first cell's centre
    assert out["walk_out_h"].tolist() == pytest.approx(out["walk_back_h"].tolist())


@pytest.mark.parametrize(
    ("unit", "seconds"), [("s/m", 1.0), ("min/m", 60.0), ("Minutes per metre", 60)]
)
def test_hours_are_those_of_a_graph_with_the_ellipsoids_lengths(unit: str, seconds: float) -> None:
    """Eight directions on a UTM grid, closed cells, corners not cut: dijkstra of scipy."""
    shape = (14, 17)
    values = RNG.uniform(0.4, 4, shape)
    values[RNG.random(shape) < 0.12] = np.nan
    values[0, 0] = values[-1, -1] = 1.0
    rows, columns = (v.ravel() for v in np.indices(shape))
    to_lonlat = Transformer.from_crs(32643, 4326, always_xy=True).transform
    lon, lat = to_lonlat(*(UTM @ (columns + 0.5, rows + 0.5)))
    flat, open_ = values.ravel(), np.isfinite(values)
    tails, heads, costs = [], [], []
    for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
        r, c = rows + dr, columns + dc
        inside = (r < shape[0]) & (c >= 0) & (c < shape[1])
        a = np.flatnonzero(inside)
        b = r[inside] * shape[1] + c[inside]
        both = open_.ravel()[a] & open_.ravel()[b]
        # a diagonal step needs one of the two cells at its side, as the solver's own rule says
        side = open_[rows[a], c[inside]] | open_[r[inside], columns[a]]
        a, b = a[both & side], b[both & side]
        metres = GEOD.inv(lon[a], lat[a], lon[b], lat[b])[2]
        tails, heads = [*tails, a, b], [*heads, b, a]
        costs += [metres * (flat[a] + flat[b]) / 2] * 2
    graph = coo_array(
        (np.concatenate(costs), (np.concatenate(tails), np.concatenate(heads))), (flat.size,) * 2
    )
    expected = dijkstra(graph.tocsr(), indices=0) / 3600
    friction = Raster(values / seconds, UTM, "EPSG:32643", unit=unit)
    found = travel_time(friction, [(lon[0], lat[0])], neighbours=8).values.ravel()
    reached = np.isfinite(expected) & open_.ravel()
    assert (np.isfinite(found) == reached).all()
    # true lengths: the grid's own scale in its middle serves for its rows
    np.testing.assert_allclose(found[reached], expected[reached], rtol=2e-5)


def test_hours_are_those_of_scikit_image_where_cells_are_square() -> None:
    side = 0.001
    values = RNG.uniform(0.5, 5, (30, 30))
    friction = Raster(values, Affine(side, 0, 10, 0, -side, 15 * side), unit="s/m")
    found = travel_time(friction, [(10 + 4.5 * side, 9.5 * side)], neighbours=8).values
    east, north = (GEOD.inv(10, 0, 10 + x, y)[2] for x, y in ((side, 0), (0, side)))
    peer = MCP_Geometric(values, sampling=(north, east)).find_costs([(5, 4)])[0] / 3600
    np.testing.assert_allclose(found, peer, rtol=1e-5)


def test_a_place_without_friction_says_so() -> None:
    values = EVEN.values.copy()
    values[:, 45] = np.nan
    values[3, 3] = np.nan
    friction = Raster(values, LONLAT, unit="s/m")
    sites = points(far=centre(40, 60), hole=centre(3, 3), outside=(70.0, 39.5), near=centre(40, 20))
    flows = pd.DataFrame({"origin_id": "o", "site_id": sites.index})
    out = gs.pair_distances(flows, points(o=centre(40, 10)), sites, ["walk"], friction=friction)
    out = out.droplevel("origin_id")
    assert np.isfinite(out.loc["near", "walk_out_h"])
    for site, text in (
        ("far", "barrier"), ("hole", "no friction at the place"),
        ("outside", "outside the friction surface"),
    ):  # fmt: skip
        assert np.isnan(out.loc[site, "walk_out_h"])
        assert text in out.loc[site, "why"]


def test_friction_goes_before_elevation_and_slope_does_not_count() -> None:
    hill = Raster(np.add.outer(np.arange(80.0) * 90, np.arange(90.0) * 90), LONLAT, unit="m")
    ends = points(a=centre(40, 10)), points(b=centre(40, 70))
    flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
    alone, both = (
        gs.pair_distances(flows, *ends, ["walk", "travel"], friction=EVEN, **more)
        for more in ({}, {"dem": hill, "options": {"walk": {"model": "weiss"}}})
    )
    km = GEOD.inv(*centre(40, 10), *centre(40, 70))[2] / 1000
    assert alone["walk_out_h"].tolist() == pytest.approx([km / 5], rel=1e-3)
    assert alone["travel_out_h"].tolist() == pytest.approx([km / 5], rel=1e-3)
    pd.testing.assert_frame_equal(alone, both)


def test_the_value_is_inside_its_interval() -> None:
    ends = points(a=centre(40, 20)), points(b=centre(30, 60))
    ends = tuple(end.assign(uncertainty_km=3.0) for end in ends)
    flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
    drawn = distance_intervals(flows, *ends, ["walk"], draws=200, friction=EVEN)
    drawn = drawn[drawn["metric"] == "walk"].iloc[0]
    value = gs.pair_distances(flows, *ends, ["walk"], friction=EVEN)["walk_out_h"].iloc[0]
    assert drawn["low"] < value < drawn["high"]
    # both discs of 3 km shift the 37.8 km by at most 6 km at 5 km/h
    assert value - drawn["low"] < 1.3
    assert drawn["high"] - value < 1.3


def written(folder: Path, values: object, name: str = "friction.tif", **more: object) -> Path:
    cells = np.asarray(values, dtype="float32")
    path = folder / name
    with rasterio.open(
        path, "w", driver="GTiff", width=cells.shape[1], height=cells.shape[0], count=1,
        dtype="float32", crs="EPSG:4326", transform=LONLAT, **more,
    ) as out:  # fmt: skip
        out.write(cells, 1)
    return path


def test_a_file_must_state_a_unit_in_which_people_could_walk(tmp_path: Path) -> None:
    walk = np.full((4, 5), 0.012)  # min/m, 5 km/h
    path = written(tmp_path, walk)
    for unit, text in (("", "unit of the friction is not stated"), ("s/m", "crossed at 300 km/h")):
        with pytest.raises(InputError, match=text):
            read_layer(path, "friction", constants={"unit": unit} if unit else {})
    slow = written(tmp_path, walk * 60, "slow.tif")
    with pytest.raises(InputError, match=r"crossed at 0\.0833 km/h"):
        read_layer(slow, "friction", constants={"unit": "min/m"})
    found = read_layer(path, "friction", constants={"unit": "min/m"})
    assert (found.unit, found.kind) == ("min/m", "measurements")
    with rasterio.open(path, "r+") as data:
        data.units = ("min/m",)
    assert read_layer(path, "friction").unit == "min/m"
    with pytest.raises(InputError, match="zero or below at row 0, column 1"):
        travel_time(Raster(np.array([[1.0, 0.0]]), LONLAT, unit="s/m"), [centre(0, 0)])


def test_zero_negative_and_fill_values_are_closed_and_told(tmp_path: Path) -> None:
    values = np.full((4, 5), 0.012)
    values[0, :3] = 0.0, -1.0, -9999.0
    said: list[Problem] = []
    found = read_layer(
        written(tmp_path, values), "friction", constants={"unit": "min/m"}, problems=said
    )
    assert np.isnan(found.values).sum() == 3
    assert {p.code for p in said} == {"nodata_undeclared", "raster_constant"}
    assert any("2 cells are 0 or below" in p.message for p in said)


def test_a_study_walks_on_its_friction(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    written(study, np.full((80, 90), 0.012), "walking_friction_surface.tif")
    at = {"S1": centre(40, 70), "O1": centre(40, 10)}
    for role, key in (("sites", "S1"), ("origins", "O1")):
        text = f"{role[:-1]}_id,name,lon,lat\n{key},{key},{at[key][0]},{at[key][1]}\n"
        (study / f"{role}.csv").write_text(text, encoding="utf-8")
    (study / "flows.csv").write_text("origin_id,site_id,households\nO1,S1,7\n", encoding="utf-8")
    layers = "".join(f'[layers.{r}]\npath = "{r}.csv"\n' for r in ("sites", "origins", "flows"))
    entry = '[layers.friction]\npath = "walking_friction_surface.tif"\n'
    (study / "study.toml").write_text(layers + entry, encoding="utf-8")
    with pytest.raises(InputError, match=r"unit of the friction is not stated.*min/m"):
        gs.read_study(study)
    (study / "study.toml").write_text(layers + entry + 'unit = "min/m"\n', encoding="utf-8")
    assert main(["check", str(study)]) == 0
    result = gs.analyse(gs.read_study(study))
    km = GEOD.inv(*at["O1"], *at["S1"])[2] / 1000
    assert result.pairs["walk_out_h"].tolist() == pytest.approx([km / 5], rel=1e-3)
    assert "walk_h" in result.rasters
    out = tmp_path / "out"
    gs.write(result, out)
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "Hours on foot come from the friction surface" in report
    assert "walking function tobler" not in report
    assert "Tobler (1993)" not in report
    assert main(["init", str(tmp_path / "new"), str(study / "walking_friction_surface.tif"),
                 str(study / "sites.csv"), "--yes"]) == 0  # fmt: skip
    proposed = (tmp_path / "new" / "study.toml").read_text(encoding="utf-8")
    assert "[layers.friction]" in proposed
    assert 'unit = "min/m"' in proposed  # s/m would be 300 km/h
    assert "half of the cells at 5 km/h" in proposed
    (study / "study.toml").write_text(layers + entry, encoding="utf-8")
    assert main(["check", str(study), "--set", "friction:unit=min/m"]) == 0


def test_distances_take_a_friction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, np.full((80, 90), 0.012))
    for role, at in (("site", centre(40, 70)), ("origin", centre(40, 10))):
        text = f"{role}_id,name,lon,lat\n{role},{role},{at[0]},{at[1]}\n"
        (tmp_path / f"{role}s.csv").write_text(text, encoding="utf-8")
    call = ["distances", "--metric", "walk", "--origins", str(tmp_path / "origins.csv"),
            "--sites", str(tmp_path / "sites.csv")]  # fmt: skip
    assert main(call) == 2
    assert "Add --dem FILE or --friction FILE." in capsys.readouterr().err
    call += ["--friction", str(path)]
    assert main(call) == 2
    assert "min/m" in capsys.readouterr().err
    assert main([*call, "--set", "friction:unit=min/m"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["walk_out_h"].iloc[0] == pytest.approx(
        GEOD.inv(*centre(40, 10), *centre(40, 70))[2] / 5000, rel=1e-2
    )


def test_without_ground_to_walk_on_the_elevation_is_what_lacks() -> None:
    ends = points(a=centre(1, 1)), points(b=centre(2, 2))
    flows = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"]})
    out = gs.pair_distances(flows, *ends, ["walk"])
    assert "elevation" in out["why"].iloc[0]
