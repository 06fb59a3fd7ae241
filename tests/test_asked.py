"""Nothing that was not asked: what a study does not have or set appears in none of its outputs."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

import geosettle as gs
from geosettle import tables as written_tables
from geosettle.maps.elements import Settings as MapSettings
from geosettle.maps.elements import payloads
from geosettle.maps.page_data import card_columns, charts
from geosettle.remoteness import remoteness
from geosettle.report import summary_lines
from geosettle.settings import DEFAULTS

if TYPE_CHECKING:
    from pathlib import Path


def moved(settings: dict[str, Any] | None = None) -> gs.Study:
    """Two sites and two origins, 22 and 111 km apart."""
    return gs.Study(
        layers={
            "sites": gpd.GeoDataFrame(
                {"name": ["A", "B"], "households": [3, 5]},
                geometry=gpd.points_from_xy([10.0, 11.0], [0.0, 0.0]),
                index=pd.Index(["a", "b"], name="site_id"),
                crs=4326,
            ),
            "origins": gpd.GeoDataFrame(
                {"name": ["O", "P"]},
                geometry=gpd.points_from_xy([10.2, 12.0], [0.0, 0.0]),
                index=pd.Index(["o", "p"], name="origin_id"),
                crs=4326,
            ),
            "flows": pd.DataFrame(
                {"origin_id": ["o", "p"], "site_id": ["a", "b"], "households": [3, 5]}
            ),
        },
        settings=settings or {},
    )


@pytest.mark.parametrize(
    ("radii", "said"),
    [
        ({"foot": 1.5, "donkey": 30.0}, "In 1 of 2 moves the old fields are more than 30 km away"),
        ({"foot": 25.0}, "farther than farmers travel daily on foot"),
        ({"ox_cart": 25.0}, "farther than farmers travel daily (ox cart)"),
    ],
)
def test_the_widest_radius_is_told_whatever_its_mode(radii: dict[str, float], said: str) -> None:
    result = gs.analyse(moved({"remoteness": {"farming_radius_km": radii}}))
    assert said in " ".join(summary_lines(result))


def test_no_radius_kind_or_ladder_is_set_but_by_the_study() -> None:
    assert DEFAULTS.remoteness.farming_radius_km == {}
    services = DEFAULTS.services
    assert (services.kinds, services.ladder, services.groups) == ((), (), {})
    assert DEFAULTS.distance.places_by_road == ()
    study = moved()
    places = gpd.GeoDataFrame(
        {"kind": ["hand_pump", "county_seat"]},
        geometry=gpd.points_from_xy([10.1, 10.9], [0.0, 0.0]),
        index=pd.Index(["h", "c"], name="place_id"),
        crs=4326,
    )
    result = gs.analyse(study)
    found = remoteness(result.pairs, study.sites, study.origins, places)
    kinds = set(found["kind"])
    assert not kinds & {"land_radii", "land_radii_unweighted", "aria_style"}
    nearest = found.loc[found["kind"] == "nearest", "limit"]
    assert set(nearest) == {"hand_pump", "county_seat"}
    assert "farmers travel" not in " ".join(summary_lines(result))


NOT_THERE = (
    "oasis",
    "development",
    "livelihood",
    "model",
    "constraint",
    "claim",
    "road",
    "terrain",
)


def visible(page: str) -> str:
    """Text of a report without its head, where the provenance is."""
    return re.sub(r"<[^>]+>", " ", page.split("<body", 1)[1]).lower()


def only(study: gs.Study, *layers: str) -> gs.Study:
    kept = {name: study.layers[name] for name in layers}
    return gs.Study(layers=kept, settings={"report": {"formats": ["png"]}}, name="only")


UNITS = gpd.GeoDataFrame(
    {"name": ["West", "East"], "level": "district"},
    geometry=gpd.GeoSeries.from_wkt(
        [
            "POLYGON((9 -1, 10.5 -1, 10.5 1, 9 1, 9 -1))",
            "POLYGON((10.5 -1, 13 -1, 13 1, 10.5 1, 10.5 -1))",
        ]
    ).values,
    index=pd.Index(["w", "e"], name="code"),
    crs=4326,
)


@pytest.mark.parametrize(
    ("layers", "tables", "sections"),
    [
        (["sites"], ["problems", "sites"], ["distances", "land", "remoteness", "change"]),
        (
            ["sites", "origins", "flows"],
            ["intervals", "pairs", "problems", "remoteness", "remoteness_wide", "sites"],
            ["land", "change"],
        ),
        (
            ["sites", "origins", "flows", "boundaries"],
            [
                "admin",
                "intervals",
                "moves",
                "pairs",
                "problems",
                "remoteness",
                "remoteness_wide",
                "sites",
                "units",
            ],
            ["land", "change"],
        ),
    ],
)
def test_outputs_hold_what_the_layers_can_say_and_nothing_else(
    layers: list[str], tables: list[str], sections: list[str], tmp_path: Path
) -> None:
    whole = moved()
    study = only(gs.Study(layers={**whole.layers, "boundaries": UNITS}), *layers)
    result = gs.analyse(study)
    written = gs.write(result, tmp_path / "out")
    assert sorted(n[7:-4] for n in written.files if n.startswith("tables/")) == tables
    book = openpyxl.load_workbook(tmp_path / "out" / "tables.xlsx", read_only=True)
    assert sorted(book.sheetnames) == sorted([*tables, "dictionary"])
    described = {row[0] for row in book["dictionary"].iter_rows(min_row=2, values_only=True)}
    assert described == {*tables, "dictionary"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    own = set(re.findall(r'<section id="(\w+)"', page))
    assert "sites" in own
    absent = {*sections, "declared", "capitals", "models", "constraints", "checks", "claims"}
    assert not own & absent
    assert [m for m in re.findall(r'href="#(\w+)"', page) if m in absent] == []
    said = visible(page).replace("roads and paths are longer", "")
    assert [word for word in NOT_THERE if word in said] == []
    told = " ".join(written.summary).lower()
    assert [word for word in NOT_THERE if word in told] == []
    sites = pd.read_csv(tmp_path / "out" / "tables" / "sites.csv")
    assert [c for c in sites if "oasis" in c] == []
    assert ("admin_probability" in sites) == ("boundaries" in layers)
    assert sites["why"].isna().all()
    if "flows" in layers:
        pairs = pd.read_csv(tmp_path / "out" / "tables" / "pairs.csv")
        assert pairs["geodesic_km"].notna().all()
        assert pairs["why"].isna().all()


FIELD = gpd.GeoDataFrame(
    {"kind": ["field"], "site_id": ["a"], "declared_ha": [400.0]},
    geometry=gpd.GeoSeries.from_wkt(
        ["POLYGON((10.0 0.0, 10.02 0, 10.02 0.02, 10 0.02, 10 0))"]
    ).values,
    index=pd.Index(["d"], name="development_id"),
    crs=4326,
)
ALWAYS = {"graticule", "labels"}
STUDIES = {  # layers: layers of the GeoPackage, figures, elements of the map, columns of the card
    ("sites",): ({"sites"}, {"od_map"}, {"sites"}, {"households"}),
    ("sites", "origins"): ({"sites", "origins"}, {"od_map"}, {"sites", "origins"}, {"households"}),
    ("sites", "origins", "flows"): (
        {"sites", "origins", "flows"},
        {"od_map"},  # charts need three values
        {"sites", "origins", "flows"},
        {"households"},
    ),
    ("sites", "boundaries"): (
        {"sites", "boundaries"},
        {"od_map", "counties"},
        {"sites", "boundaries", "surroundings", "units"},
        {"households", "district"},
    ),
    ("sites", "development"): (
        {"sites", "development"},
        {"od_map", "land"},
        {"sites", "development"},
        {"households", "development_15km_ha"},
    ),
}


@pytest.mark.parametrize("layers", STUDIES)
def test_map_figures_and_geopackage_hold_no_layer_without_its_input(
    layers: tuple[str, ...], tmp_path: Path
) -> None:
    geopackage, figures, elements, card = STUDIES[layers]
    given = {**moved().layers, "boundaries": UNITS, "development": FIELD}
    result = gs.analyse(only(gs.Study(layers=given), *layers))
    written = gs.write(result, tmp_path)
    assert {n[8:-4] for n in written.files if n.startswith("figures/")} == figures
    base = sqlite3.connect(tmp_path / "study.gpkg")
    tables = {name for (name,) in base.execute("SELECT table_name FROM gpkg_contents")}
    assert tables - {"layer_styles", "geosettle_metadata"} == geopackage
    assert {n for (n,) in base.execute("SELECT f_table_name FROM layer_styles")} == geopackage
    assert all(base.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in geopackage)
    base.close()
    assert {part["name"] for part in payloads(result, MapSettings())} == elements | ALWAYS
    assert {row["column"] for row in card_columns(result)} == card | {"id"}
    drawn = charts(result)
    assert bool(drawn["land"]) == ("development" in layers)
    assert drawn["radius"] == (15 if "development" in layers else None)
    assert drawn["capitals"] == {}
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx", read_only=True)
    empty = [s.title for s in book if sum(1 for _ in s.iter_rows(max_row=2)) < 2]
    assert set(empty) <= {"problems"}


def test_a_metric_that_is_asked_for_says_what_it_lacks() -> None:
    asked = gs.analyse(moved({"distance": {"metrics": ["geodesic", "road"]}}))
    assert asked.pairs["why"].str.contains("the study has no layer of roads").all()


def test_tables_are_as_large_as_their_facts() -> None:
    n = 400
    sites = gpd.GeoDataFrame(
        {"name": [f"s{k}" for k in range(n)]},
        geometry=gpd.points_from_xy([9.1 + 0.009 * k for k in range(n)], [0.0] * n),
        index=pd.Index([f"s{k:03}" for k in range(n)], name="site_id"),
        crs=4326,
    )
    made = written_tables.tables(gs.analyse(gs.Study(sites, boundaries=UNITS)))
    assert {name: len(rows) for name, rows in made.items() if len(rows)} == {
        "units": len(UNITS) + 1,
        "sites": n,
        "admin": n,
    }
