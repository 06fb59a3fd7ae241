"""The command `distances` with settings, intervals, scenarios, matrices and Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import geosettle as gs
from geosettle import cli
from geosettle.cli import main
from geosettle.distance import distance_intervals

ORIGINS = (
    "origin_id,name,lon,lat,uncertainty_km\nO1,One,76.0,39.0,5\nO2,Two,76.5,39.0,\nO3,Three,,,\n"
)
SITES = "site_id,name,lon,lat,uncertainty_km\nS1,First,77.0,39.0,8\nS2,Second,77.5,39.2,\n"
PLACES = "place_id,name,kind,lon,lat\nA,Alpha,market,76.0,39.0\nB,Beta,market,77.0,39.0\nC,Gamma,market,77.5,39.2\n"
ROADS = "a,b,length_km,season\nA,B,100,summer\nA,C,160,\nC,B,60,\n"
SETTINGS = """
[study]
name = "not asked here"
[road]
speed_kmh = 50
[scenario.winter.road]
season = "winter"
[scenario.slow.road]
speed_kmh = 25
"""


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts = {"origins": ORIGINS, "sites": SITES, "places": PLACES, "roads": ROADS}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "set.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return ["distances", "--origins", "origins.csv", "--sites", "sites.csv"]


BY_ROAD = ["--metric", "road", "--roads", "roads.csv", "--places", "places.csv"]


@pytest.mark.parametrize(
    ("more", "hours"),
    [
        ([], 100 / 40),  # the default of defaults.toml
        (["--speed", "80"], 100 / 80),
        (["--settings", "set.toml"], 100 / 50),
        (["--settings", "set.toml", "--set", "road.speed_kmh=20"], 100 / 20),
        (["--set", "road.season=winter"], 220 / 40),  # by Gamma: 160 + 60 km
        (["--set", 'road.closed={season=["summer"]}'], 220 / 40),
    ],
)
def test_settings_of_file_and_call_go_before_the_defaults(
    ends: list[str], more: list[str], hours: float
) -> None:
    assert main([*ends, *BY_ROAD, *more, "-o", "d.csv"]) == 0
    table = pd.read_csv("d.csv").set_index(["origin_id", "site_id"])
    assert table.loc[("O1", "S1"), "road_h"] == pytest.approx(hours)


@pytest.mark.parametrize("name", ["i.csv", "i.parquet"])
def test_intervals_in_a_table_of_their_own(
    ends: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setattr(cli, "_BLOCK_ROWS", 2)  # one origin at a time
    layers = ["--roads", "roads.csv", "--places", "places.csv"]
    assert (
        main(
            [
                *ends,
                "--metric",
                "geodesic",
                "road",
                *layers,
                "--intervals",
                name,
                "--set",
                "distance.draws=500",
            ]
        )
        == 0
    )
    assert len(capsys.readouterr().out.splitlines()) == 1 + 6
    found = pd.read_csv(name) if name.endswith("csv") else pd.read_parquet(name)
    origins, sites = gs.read_layer("origins.csv", "origins"), gs.read_layer("sites.csv", "sites")
    flows = pd.MultiIndex.from_product(
        [["O1", "O2", "O3"], ["S1", "S2"]], names=["origin_id", "site_id"]
    )
    whole = distance_intervals(
        flows.to_frame(index=False), origins, sites, draws=500, seed=20191001
    )
    same = found[found["metric"] == "geodesic"].reset_index(drop=True)
    for column in ("low", "median", "high"):
        digits = 0.05 if name.endswith("csv") else 1e-9  # ends known to some kilometres
        np.testing.assert_allclose(
            same[column].to_numpy(float), whole[column].to_numpy(float), rtol=0, atol=digits
        )
    assert set(found["metric"]) == {"geodesic", "road", "road_time"}


def test_scenarios_of_the_settings(ends: list[str]) -> None:
    assert (
        main([*ends, *BY_ROAD, "--settings", "set.toml", "--scenarios", "s.csv", "-o", "d.parquet"])
        == 0
    )
    table = pd.read_csv("s.csv").set_index(["scenario", "metric", "origin_id", "site_id"])
    winter, slow = (table.loc[(name, "road_time", "O1", "S1")] for name in ("winter", "slow"))
    assert winter[["value", "baseline", "change"]].tolist() == pytest.approx(
        [220 / 50, 100 / 50, 120 / 50]
    )
    assert slow[["value", "baseline"]].tolist() == pytest.approx([100 / 25, 100 / 50])
    assert table.loc[("slow", "road", "O1", "S1"), "effect"] == "same"
    assert pd.read_parquet("d.parquet").loc[("O1", "S1"), "road_km"] == pytest.approx(100)


def test_a_matrix_streams_in_blocks(
    ends: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ends, "--matrix"]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr(cli, "_BLOCK_ROWS", 2)
    assert main([*ends, "--matrix"]) == 0
    assert capsys.readouterr().out == whole
    assert main([*ends, "--matrix", "-o", "m.parquet"]) == 0
    table = pd.read_parquet("m.parquet")
    assert list(table.columns) == ["S1", "S2"]
    # python -c "from pyproj import Geod; print(Geod(ellps='WGS84').inv(76, 39, 77, 39)[2])"
    assert table.loc["O1", "S1"] == pytest.approx(86.6259685, abs=1e-6)
    assert table.loc["O3"].isna().all()
    lines = whole.splitlines()
    assert lines[0] == "origin_id,S1,S2"
    assert lines[1].split(",")[1] == "86.6"  # the end is known to some kilometres


def test_the_nearest_within_a_limit(ends: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ends, "--k", "2", "--max-km", "100"]) == 0
    rows = [line.split(",")[:3] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [["O1", "S1", "1"], ["O2", "S1", "1"], ["O2", "S2", "2"], ["O3", "", ""]]


WRONG = {
    "unknown setting": (
        ["--set", "road.sped=3"],
        "there is no setting road.sped; did you mean road.speed_kmh?",
    ),
    "unknown table": (["--set", "map.basemap=x"], "--set cannot be read"),
    "no value": (["--set", "road.speed_kmh"], "--set cannot be read"),
    "text for a number": (
        ["--set", "road.speed_kmh=fast"],
        "road.speed_kmh must be a number, not 'fast'",
    ),
    "settings that are none": (
        ["--settings", "origins.csv"],
        "origins.csv: the settings cannot be read",
    ),
    "no such settings": (["--settings", "nope.toml"], "nope.toml"),
    "no scenario": (["--scenarios", "s.csv"], "the settings hold no scenario"),
    "hours for kilometres": (
        ["--within-h", "2"],
        "the first metric, geodesic, is in km, the limit is not",
    ),
    "limit alone": (["--max-km", "2"], "--max-km and --max-h go with --nearest"),
    "two in a matrix": (
        ["--matrix", "--metric", "geodesic", "road", *BY_ROAD[2:]],
        "a matrix has one metric",
    ),
    "matrix of intervals": (["--matrix", "--intervals", "i.csv"], "a matrix has no intervals"),
    "spread that is none": (
        ["--intervals", "i.csv", "--set", "distance.positions=0"],
        "distance.positions must be at least 1, not 0",
    ),
    "speed of nothing": (["--speed", "0"], "--speed: '0' is not a number greater than 0"),
    "matrix and flows": (["--matrix", "--nearest", "1"], "not allowed with"),
    "bad scenario": (
        ["--settings", "bad.toml", "--scenarios", "s.csv", *BY_ROAD],
        "there is no setting scenario.w.road.speed",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_line(
    ends: list[str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Path("bad.toml").write_text("[scenario.w.road]\nspeed = 3\n", encoding="utf-8")
    argv, text = WRONG[name]
    try:
        code = main([*ends, *argv])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    said = capsys.readouterr().err.strip()
    assert text in said
    assert "\n" not in said
    assert not list(Path().glob("*.part"))
    assert not Path("s.csv").exists()
