# ruff: noqa: RUF001
"""Levels of any name: units matched, declared, compared; columns that are called like computed ones."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

import geosettle as gs
from geosettle.distance.sampling import declared_units as drawn_units
from geosettle.io.study import known_names
from geosettle.layers import plain_name
from geosettle.levels import declared_columns, declared_units, ladder, seat_kinds
from geosettle.names import Names
from geosettle.results import in_scope
from geosettle.study import Study
from geosettle.tables import tables

# Two regions, west and east; each has a district Marula, and the eastern region is called like one of its own.
WEST, EAST, SOUTH, NORTH = 31.0417, 33.0417, -18.0213, -17.0213
MIDDLE = (WEST + EAST) / 2
HALF = (SOUTH + NORTH) / 2
UNITS = [
    ("R1", "Kwimba-Ndasi", "region", None, (WEST, SOUTH, MIDDLE, NORTH)),
    ("R2", "Tsholo", "region", None, (MIDDLE, SOUTH, EAST, NORTH)),
    ("D1", "Marula", "woreda", "R1", (WEST, HALF, MIDDLE, NORTH)),
    ("D2", "Nyá’ango d'Eau", "woreda", "R1", (WEST, SOUTH, MIDDLE, HALF)),
    ("D3", "Marula", "woreda", "R2", (MIDDLE, HALF, EAST, NORTH)),
    ("D4", "Tsholo", "woreda", "R2", (MIDDLE, SOUTH, EAST, HALF)),
]
CENTRE = {code: ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for code, *_, box in UNITS}


def boundaries(upper: str = "region", lower: str = "woreda") -> gpd.GeoDataFrame:
    codes, names, levels, parents, boxes = zip(*UNITS, strict=True)
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": names,
            "level": [{"region": upper, "woreda": lower}[level] for level in levels],
            "parent_code": parents,
        },
        geometry=[shapely.box(*box) for box in boxes],
        crs=4326,
    ).set_index("code")


def folder(
    path: Path, rows: list[dict[str, object]], units: gpd.GeoDataFrame | None = None
) -> Path:
    path.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(path / "sites.csv", index=False)
    if units is not None:
        units.reset_index().to_file(path / "boundaries.gpkg", layer="boundaries")
    return path


def site(name: str, unit: str, **more: object) -> dict[str, object]:
    lon, lat = CENTRE[unit]
    return {"site_id": name, "name": name.lower(), "lon": lon + 0.013, "lat": lat + 0.017, **more}


def metres_outside(lon: float, lat: float, code: str) -> float:
    """Least geodesic distance to a densified outline, by pyproj alone."""
    box = next(box for unit, *_, box in UNITS if unit == code)
    outline = shapely.get_coordinates(shapely.segmentize(shapely.box(*box).exterior, 1e-3))
    n = len(outline)
    return float(Geod(ellps="WGS84").inv(np.full(n, lon), np.full(n, lat), *outline.T)[2].min())


# --- names


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("KWIMBA NDASI", "Kwimba-Ndasi"),
        ("kwimba – ndasi", "Kwimba-Ndasi"),
        ("Region of Kwimba/Ndasi", "Kwimba-Ndasi"),
        ("Nya'ango d Eau", "Nyá’ango d'Eau"),
        ("Woreda Nyaango d’Eau", "Nyá’ango d'Eau"),
        ("Province du Haut Lubondo", "Haut-Lubondo"),
        ("Provincia de San Tomé", "San Tome"),
        ("Estado do Paranaí", "Paranai"),
        ("محافظة الدلبة", "الدلبه"),
        ("Калмыкский район", "Калмыкский"),
        ("云岭地区", "云岭"),
        ("Balkh Wilayat", "Balkh"),
        ("Łódź Østre", "Lodz Ostre"),
    ],
)
def test_one_name_in_two_spellings(written, name):
    names = Names.of([("1", name), ("2", "Quite Another")])
    assert names.units_in(written) == ("1",)


def test_a_longer_name_is_another_name():
    names = Names.of([("1", "Obala"), ("2", "North Kivandu")])
    assert names.units_in("Obala Ngeri") == () == names.units_in("Kivandu")
    assert names.units_in("Obala, near the market") == ("1",)


def test_match_names_takes_only_what_is_certain():
    units = boundaries()
    units["aliases"] = [None, None, None, "Old Mission; Fort Eau", None, None]
    given = pd.Series(
        ["Marula", "MARULA woreda", "d4", "fort eau", "Marulla", "Xyzzy", None, "Marula, Tsholo"],
        index=list("abcdefgh"),
    )
    parents = ["", "Tsholo region", "", "", "Tsholo", "", "", ""]
    made = gs.match_names(given, units, parents=parents)
    assert made["how"].tolist() == [
        *("ambiguous", "folded", "code", "alias", "spelling", "none", "none", "folded")
    ]  # fmt: skip
    assert made["code"].fillna("").tolist() == ["", "D3", "D4", "D2", "", "", "", "D3"]
    assert {c.code for c in made["candidates"]["a"]} == {"D1", "D3"}
    assert [c.code for c in made["candidates"]["e"]] == ["D3"]
    assert 0.8 < made["candidates"]["e"][0].score < 1
    # The only unit of this name is in another region than the one declared: not for us to decide.
    strange = gs.match_names(["Nyaango d'Eau"], units, parents=["Tsholo"], level="woreda")
    assert strange["how"].tolist() == ["ambiguous"]


def test_places_are_matched_by_name_and_parent():
    places = pd.DataFrame(
        {"name": ["Mto", "Mto", "Kilima"], "parent_code": ["Tsholo", "Marula", "Tsholo"]},
        index=["p1", "p2", "p3"],
    )
    made = gs.match_names(["mto", "MTO", "kilima"], places, parents=["", "tsholo", "Marula"])
    assert made["how"].tolist() == ["ambiguous", "folded", "ambiguous"]
    assert made["code"].iloc[1] == "p1"


# --- levels


def test_columns_of_declared_units_under_any_header():
    units = boundaries()
    frame = pd.DataFrame(
        {
            "ADM1_EN": ["TSHOLO", "x"],
            "Woreda Name": ["Tsholo", ""],
            "ADM2_PCODE": ["D4", "D1"],
            "x": ["Tsholo", ""],
        }
    )
    assert declared_columns(frame, units) == {
        "region": "ADM1_EN",
        "woreda": "Woreda Name",
        "woreda_code": "ADM2_PCODE",
    }
    # Only the lower level is drawn: ADM2 is then the first rung, and is known by what it holds.
    lower = units[units["level"] == "woreda"]
    assert declared_columns(frame.drop(columns="Woreda Name"), lower)["woreda"] == "ADM1_EN"
    assert declared_columns(pd.DataFrame({"ADM2_EN": ["Marula"]}), lower) == {"woreda": "ADM2_EN"}
    chinese = units.assign(
        level=units["level"].replace({"region": "prefecture", "woreda": "county"})
    )
    assert declared_columns(pd.DataFrame({"所在县": ["Marula"]}), chinese) == {"county": "所在县"}


def test_the_name_goes_before_a_code_that_contradicts_it():
    frame = pd.DataFrame({"woreda": ["Tsholo", None, "Marula"], "woreda_code": ["D1", "D2", "D3"]})
    told = declared_units(frame, boundaries())["woreda"]
    assert told.codes == (("D4",), ("D2",), ("D3",))
    assert told.contradicted == (0,)


@pytest.mark.parametrize(
    "levels", [("region", "woreda"), ("state", "lga"), ("ADM1", "ADM2"), ("province", "canton")]
)
def test_declared_and_computed_units_are_compared_at_every_level(tmp_path, levels):
    upper, lower = levels
    rows = [
        site("A", "D1", **{upper: "KWIMBA NDASI", lower: "marula"}),
        site("B", "D4", **{upper: "Tsholo", lower: "TSHOLO"}),
        site("C", "D4", **{upper: "Tsholo", lower: "Marula"}),
        site("D", "D1", **{upper: "Tsholo", lower: "Marula"}),
    ]
    study = gs.read_study(folder(tmp_path / "s", rows, boundaries(*levels)))
    result = gs.analyse(study)
    assert result.sites["admin_agrees"].tolist() == [True, True, False, False]
    assert result.sites[f"{lower}_code"].tolist() == ["D1", "D4", "D4", "D1"]
    away = metres_outside(rows[2]["lon"], rows[2]["lat"], "D3") / 1000
    assert f"{away:.1f} km from Marula" in result.sites.loc["C", "why"]
    outside = [p for p in study.problems if p.code == "outside_declared_unit"]
    # That D is outside the lower unit too only follows from its being outside the upper one.
    assert {(p.id, p.column) for p in outside} == {("C", lower), ("D", upper)}
    # One name in two regions is no fault of the boundaries.
    assert not [p for p in study.problems if p.layer == "boundaries"]
    written = tables(result)["sites"].columns
    assert [c for c in written if c.startswith("declared_")] == [f"declared_{v}" for v in levels]
    for never in ("county", "prefecture"):
        assert not [c for c in written if never in c]


def test_a_spelling_does_not_change_what_is_drawn():
    """Positions are drawn within the declared unit, however its name is written (F2 of a review)."""
    frame = gpd.GeoDataFrame(
        {
            "woreda": [
                "Tsholo",
                "TSHOLO WOREDA",
                "Woreda of Tsholo",
                "D4",
                "tsholo",
                "Nyaango D EAU",
            ]
        },
        geometry=[shapely.Point(*CENTRE["D4"])] * 6,
        crs=4326,
    )
    drawn = drawn_units(frame, boundaries())
    same = boundaries().geometry["D4"]
    assert [shape.equals(same) for shape in drawn] == [True] * 5 + [False]
    assert drawn.iloc[5].equals(boundaries().geometry["D2"])


def test_seats_of_any_level():
    kinds = ["woreda_seat", "market", "region_seat", "ward_seat", "woreda_seat"]
    assert seat_kinds(kinds, boundaries()) == ["region_seat", "woreda_seat", "ward_seat"]
    assert ladder(boundaries()) == ("region", "woreda")


def test_gaps_of_millimetres_and_a_lone_child_are_no_faults(tmp_path):
    units = boundaries()
    shift = 2e-8  # two millimetres
    moved = [
        shapely.affinity.translate(g, shift if c == "D3" else 0) for c, g in units.geometry.items()
    ]
    units = units.set_geometry(gpd.GeoSeries(moved, index=units.index, crs=4326)).drop(index=["D2"])
    study = gs.read_study(folder(tmp_path / "s", [site("A", "D1")], units))
    assert not [p for p in study.problems if p.layer == "boundaries"]


# --- scope


def scoped() -> Study:
    lon, lat = CENTRE["D1"]
    sites = pd.DataFrame(
        {
            "site_id": ["A", "B", "C"],
            "name": ["a", "b", "c"],
            "lon": [lon, lon + 0.1, lon + 0.2],
            "lat": lat,
            "households": [10, 20, 40],
            "scope": ["study", None, "comparison"],
        }
    )
    origins = pd.DataFrame(
        {
            "origin_id": ["o", "p"],
            "name": ["o", "p"],
            "lon": lon,
            "lat": lat + 0.3,
            "scope": ["", "Study "],
        }
    )
    flows = pd.DataFrame(
        {"origin_id": ["o", "p", "o"], "site_id": ["A", "B", "C"], "households": [10, 20, 40]}
    )
    return Study(sites=sites, origins=origins, flows=flows)


def test_every_output_counts_the_same_sites():
    from geosettle.maps.page_data import sites_table
    from geosettle.maps.page_text import totals
    from geosettle.report import summary_lines

    study = scoped()
    assert study.sites["scope"].tolist() == ["study", "study", "comparison"]
    result = gs.analyse(study)
    within = in_scope(result)
    assert (len(within.sites), len(within.origins), len(within.pairs)) == (2, 2, 2)
    assert "2 settlement sites" in summary_lines(result, "en")[0]
    assert "2 sites" in json.dumps(totals(result))
    assert sites_table(result)["columns"]["aside"]
    written = tables(result)["sites"]
    assert (written["scope"] == "study").sum() == 2


# --- columns called like computed ones


def with_columns(target: Path, names: list[str]) -> Path:
    """The template study with columns added to every layer that does not itself have such a one."""
    target.mkdir()
    for file in Path(gs.template_path()).iterdir():
        role = file.stem
        if file.suffix not in {".csv", ".geojson"}:
            (target / file.name).write_bytes(file.read_bytes())
            continue
        known = known_names(role)
        added = [name for name in names if plain_name(name) not in known and name != "geometry"]
        if file.suffix == ".csv":
            frame = pd.read_csv(file, dtype=str)
            frame.assign(**dict.fromkeys(added, "x1")).to_csv(target / file.name, index=False)
            continue
        drawn = json.loads(file.read_text("utf-8"))
        for feature in drawn["features"]:
            feature["properties"] |= dict.fromkeys(added, "x1")
        (target / file.name).write_text(json.dumps(drawn), "utf-8")
    return target


def test_no_added_column_stops_a_run_or_changes_a_number(tmp_path):
    """Every column name that any output has, in every layer at once."""
    plain = tables(gs.analyse(gs.read_study(gs.template_path())))
    names = {str(c) for frame in plain.values() for c in frame.columns}
    # Columns called like a level are no strangers: they declare a unit.
    units = {name for level in ("prefecture", "county") for name in (level, f"{level}_code")}
    units |= {f"declared_{name}" for name in units}
    names = sorted(names - units - {"geometry_basis"})  # heeded in every layer of areas
    assert len(names) > 100
    study = gs.read_study(with_columns(tmp_path / "study", names))
    result = gs.analyse(study)
    gs.write(result, tmp_path / "out")
    made = tables(result)
    for table in set(plain) - {"problems"}:
        pd.testing.assert_frame_equal(made[table][list(plain[table])], plain[table], obj=table)
    assert made["sites"]["given_why"].tolist() == ["x1"] * len(made["sites"])
    noted = {p for p in made["problems"].itertuples() if p.code == "column_renamed"}
    assert {"why", "on_border"} <= {p.column for p in noted if p.layer == "sites"}
    assert {"road_km", "why"} <= {p.column for p in noted if p.layer == "flows"}


@pytest.mark.parametrize(
    "name", ["why", "district", "county_code", "on_border", "road_km", "Scope"]
)
def test_one_added_column_stops_no_run(tmp_path, name):
    result = gs.analyse(gs.read_study(with_columns(tmp_path / "study", [name])))
    assert result.sites["border_km"].notna().any()


def test_the_written_table_of_sites_is_a_good_input(tmp_path):
    first = gs.analyse(gs.read_study(gs.template_path()))
    gs.write(first, tmp_path / "out")
    source = Path(gs.template_path())
    again = tmp_path / "again"
    again.mkdir()
    for file in source.iterdir():
        (again / file.name).write_bytes(file.read_bytes())
    (again / "sites.csv").write_bytes((tmp_path / "out" / "tables" / "sites.csv").read_bytes())
    second = gs.analyse(gs.read_study(again))
    one, two = (tables(r)["sites"].set_index("site_id") for r in (first, second))
    assert list(one.index) == list(two.index)
    computed = [c for c in one.columns if not c.startswith(("declared_", "given_"))]
    pd.testing.assert_frame_equal(one[computed], two[computed], check_dtype=False)
    assert two["given_why"].tolist() == one["why"].tolist()
    renamed = {p.column for p in second.study.problems if p.code == "column_renamed"}
    assert {"county", "county_code"} <= renamed
