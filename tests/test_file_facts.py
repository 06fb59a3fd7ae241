"""What positions and declared units say about a file as a whole, and how rows are put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import geosettle as gs
from geosettle.cli import main
from geosettle.io import check_path
from geosettle.problem_groups import group_lines, grouped
from geosettle.problems import Problem, problem

NAMES = ("Arun", "Belor", "Cimba", "Dorre", "Esk", "Fanti", "Gora", "Hulme", "Ibra")
"""Nine districts, squares of one degree in three rows from 9 E, 9 N: exchanged positions are
still inside the country."""


def country(folder: Path, prefix: str = "") -> None:
    squares = [shapely.box(9 + k % 3, 9 + k // 3, 10 + k % 3, 10 + k // 3) for k in range(9)]
    frame = gpd.GeoDataFrame(
        {"code": [f"U{k}" for k in range(9)], "name": [prefix + n for n in NAMES], "level": "district"},
        geometry=squares, crs=4326,
    )  # fmt: skip
    frame.to_file(folder / "boundaries.geojson")


Move = Callable[[float, float, int], tuple[float, float]]


def sites(folder: Path, move: Move, n: int = 90) -> None:
    """Sites in all districts, ten in each, 0.05 degrees and more from its border."""
    rng = np.random.default_rng(4)
    lines = ["Site ID,Site name,district,Long,Lat,households"]
    for k in range(n):
        unit = k % 9
        x, y = rng.uniform(0.05, 0.95, 2)
        lon, lat = move(9 + unit % 3 + x, 9 + unit // 3 + y, k)
        lines.append(f"S{k:02d},Site {k},{NAMES[unit]},{lon:.5f},{lat:.5f},{10 + k}")
    (folder / "sites.csv").write_text("\n".join(lines) + "\n", "utf-8")


def found(folder: Path) -> list[Problem]:
    return [Problem(**p) for p in check_path(folder)["problems"]]


def of(problems: list[Problem], code: str) -> list[Problem]:
    return [p for p in problems if p.code == code]


def test_a_right_file_has_no_doubts(tmp_path: Path) -> None:
    country(tmp_path)
    sites(tmp_path, lambda x, y, _: (x, y))
    assert {p.severity for p in found(tmp_path)} <= {"note"}


@pytest.mark.parametrize(
    ("code", "move", "words"),
    [
        ("crs_axis_order", lambda x, y, _: (y, x), "with longitude and latitude exchanged 90 are"),
        (
            "hemisphere_contradicts",
            lambda x, y, _: (x, -y),
            "with north and south exchanged 90 are",
        ),
        ("hemisphere_contradicts", lambda x, y, _: (-x, y), "with east and west exchanged 90 are"),
        ("crs_contradicted", lambda x, y, _: (x + 6, y), "degrees west"),
    ],
)
def test_a_file_that_agrees_only_once_it_is_turned_or_moved_is_refused_once(
    tmp_path: Path, code: str, move: Move, words: str
) -> None:
    country(tmp_path)
    sites(tmp_path, move)
    said = found(tmp_path)
    fatal = [p for p in said if p.severity == "fatal"]
    assert [p.code for p in fatal] == [code]
    assert words in fatal[0].message
    assert not of(said, "outside_declared_unit")
    with pytest.raises(gs.errors.InputError, match="rows that declare a unit"):
        gs.read_study(tmp_path)


def test_exchanging_the_columns_as_advised_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    country(tmp_path)
    sites(tmp_path, lambda x, y, _: (y, x))
    assert main(["check", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "--map sites:lon=Lat,lat=Long" in said
    (tmp_path / "study.toml").write_text(
        '[layers]\nboundaries = "boundaries.geojson"\n[layers.sites]\npath = "sites.csv"\n'
        'map = { lon = "Lat", lat = "Long" }\n',
        "utf-8",
    )
    assert {p.severity for p in found(tmp_path)} <= {"note"}


def test_single_rows_with_exchanged_axes_are_set_aside(tmp_path: Path) -> None:
    country(tmp_path)
    # Those of Belor (10 to 11 E, 9 to 10 N) are then in Dorre, inside the country.
    sites(tmp_path, lambda x, y, k: (y, x) if k in {1, 10} else (x, y))
    said = of(found(tmp_path), "coordinates_swapped")
    assert [p.line for p in said] == [3, 12]
    assert all(
        "in Dorre; with longitude and latitude exchanged it is inside" in p.message for p in said
    )
    assert {"S01", "S10"}.isdisjoint(gs.read_study(tmp_path).sites.index)


def test_a_unit_that_all_its_rows_are_outside_is_one_sentence(tmp_path: Path) -> None:
    country(tmp_path)
    sites(tmp_path, lambda x, y, k: (x + 1, y) if k % 9 == 4 else (x, y))
    said = found(tmp_path)
    (one,) = of(said, "unit_elsewhere")
    assert one.message.startswith("10 rows declare the district Esk and are ")
    assert one.message.endswith("Fanti 10.")
    assert not of(said, "outside_declared_unit")


def test_other_boundaries_are_one_sentence(tmp_path: Path) -> None:
    country(tmp_path, prefix="Upper Old ")
    sites(tmp_path, lambda x, y, _: (x + 40, y))
    codes = [p.code for p in found(tmp_path) if p.severity == "warning"]
    assert sorted(codes) == ["boundaries_elsewhere", "boundaries_other_set"]


def test_rows_say_where_they_are_how_far_and_how_many_households(tmp_path: Path) -> None:
    country(tmp_path)
    # S00 of Arun goes to the far corner (Ibra), S04 of Esk a little over its eastern border.
    to = {0: (11.5, 11.5), 4: (11.02, 10.5)}
    sites(tmp_path, lambda x, y, k: to.get(k, (x, y)))
    said = found(tmp_path)
    (far,) = of(said, "outside_declared_unit")
    assert (far.line, far.falls_in, far.households) == (2, "Ibra", 10)
    # The corner of Arun is at 10 E, 10 N.
    assert far.distance_km == pytest.approx(234.0, abs=1)
    (near,) = of(said, "outside_by_border")
    assert (near.line, near.severity) == (6, "note")
    assert near.distance_km == pytest.approx(2.2, abs=0.05)


def test_many_rows_of_one_cause_are_one_line_the_worst_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    country(tmp_path)
    over = dict.fromkeys(range(0, 81, 9), (10.02, 9.3))  # Arun, just over its eastern border
    apart = dict.fromkeys((1, 10, 19, 28), (11.5, 11.5))  # Belor, in Ibra
    sites(tmp_path, lambda x, y, k: {**over, **apart}.get(k, (x, y)))
    assert main(["check", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    outside = [line for line in lines if "outside" in line]
    assert len(outside) == 2
    assert "4 rows (3, 12, 21, 30), 174.7 to 174.7 km, 98 households" in outside[0]
    assert "9 rows (2, 11, 20, 29, 38 and 4 more)" in outside[1]
    assert main(["check", str(tmp_path), "--all"]) == 0
    every = capsys.readouterr().out.splitlines()
    assert sum("outside" in line for line in every) == 13


def test_one_cell_of_two_layers_is_listed_once_and_the_list_is_short() -> None:
    cell = [
        problem("number_unreadable", file="a.csv", line=7, layer=layer, column="households")
        for layer in ("sites", "flows")
    ]
    assert [len(g.problems) for g in grouped(cell)] == [1]
    many = [
        problem("id_missing", file="a.csv", line=n, layer="sites", column=f"c{n}")
        for n in range(99)
    ]
    lines = group_lines(many, 30)
    assert len(lines) == 31
    assert "69 more" in lines[-1]
    assert len(group_lines(many)) == 99
