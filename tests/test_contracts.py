"""Every entry of every mapping keeps its promise: a new one is tested before its author writes a
test.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pandas.testing import assert_frame_equal

import geosettle as gs
from geosettle.distance import PAIR_COLUMNS, pair_distances
from geosettle.problems import CODES
from geosettle.tables import describe, tables
from geosettle.tables.dictionary import UNDESCRIBED, Entry
from geosettle.words import language, languages

CONTRACT_PAIRS = [
    "origin_id",
    "site_id",
    "households",
    "persons",
    "year",
    "geodesic_km",
    "geodesic_low_km",
    "geodesic_high_km",
    "bearing_deg",
    "surface_km",
    "ascent_m",
    "descent_m",
    "walk_out_h",
    "walk_back_h",
    "road_km",
    "road_h",
    "detour_ratio",
    "elevation_change_m",
    "declared_km",
    "flags",
    "why",
]
CONTRACT_SITES = [
    "county_code",
    "county",
    "prefecture_code",
    "prefecture",
    "admin_probability",
    "on_border",
    "border_km",
    "admin_agrees",
    "in_oasis",
    "oasis_edge_km",
]
CONTRACT_TABLES = {
    "sites",
    "pairs",
    "admin",
    "covers",
    "change",
    "remoteness",
    "livelihood",
    "claims",
    "problems",
}
UNIT_SUFFIX = re.compile(r"_(m|km|s|h|ha|n|ratio|share|deg)$")


@pytest.fixture(scope="module")
def moves() -> tuple[pd.DataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Three flows on a plain: near, far, and from an unknown place."""
    origins = gpd.GeoDataFrame(
        {"name": ["a", "b", "c"], "uncertainty_km": [1.0, np.nan, np.nan]},
        crs=4326,
        index=pd.Index(["O1", "O2", "O3"], name="origin_id"),
        geometry=[shapely.Point(76.02, 39.02), shapely.Point(76.2, 39.1), None],
    )
    sites = gpd.GeoDataFrame(
        {"name": ["s", "t"], "uncertainty_km": [2.0, 0.0]},
        crs=4326,
        index=pd.Index(["S1", "S2"], name="site_id"),
        geometry=[shapely.Point(76.1, 39.05), shapely.box(76.24, 39.14, 76.26, 39.16)],
    )
    flows = pd.DataFrame(
        {
            "origin_id": ["O1", "O2", "O3"],
            "site_id": ["S1", "S1", "S1"],
            "households": [10.0, np.nan, 5.0],
        }
    )
    return flows, origins, sites


@pytest.fixture(scope="module")
def land() -> dict[str, object]:
    from affine import Affine

    rng = np.random.default_rng(7)
    dem = gs.Raster(
        (1200 + 30 * rng.random((120, 160))).astype("float32"),
        Affine(0.002, 0, 75.98, 0, -0.002, 39.2),
        unit="m",
    )
    places = gpd.GeoDataFrame(
        {"name": ["p", "q", "m"], "kind": "county_seat"},
        crs=4326,
        index=pd.Index(["p", "q", "m"], name="place_id"),
        geometry=[
            shapely.Point(76.03, 39.03),
            shapely.Point(76.22, 39.12),
            shapely.Point(76.09, 39.05),
        ],
    )
    roads = pd.DataFrame({"a": ["p", "m"], "b": ["m", "q"], "length_km": [8.0, 16.0]})
    return {"dem": dem, "places": places, "roads": roads}


# --- METRICS
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", gs.METRICS)
def test_metric_gives_its_columns_and_a_reason_for_each_missing_number(
    name: str, moves, land
) -> None:
    flows, origins, sites = moves
    table = pair_distances(flows, origins, sites, (name,), **land)
    columns = list(gs.METRICS[name].columns)
    assert set(columns) <= set(table)
    assert all(UNIT_SUFFIX.search(column) for column in columns)
    assert len(table) == len(flows)
    for key, row in table.iterrows():
        missing = [c for c in columns if pd.isna(row[c])]
        assert bool(missing) <= bool(row["why"]), (key, missing)
    assert table.loc[("O3", "S1"), columns].isna().all()
    assert "unknown" in table.loc[("O3", "S1"), "why"]
    assert table.loc[("O1", "S1"), gs.METRICS[name].value] > 0


@pytest.mark.parametrize("name", gs.METRICS)
def test_metric_ignores_order_labels_crs_and_leaves_its_arguments(name: str, moves, land) -> None:
    flows, origins, sites = moves
    before = [flows.copy(), origins.copy(), sites.copy()]
    value = gs.METRICS[name].value
    plain = pair_distances(flows, origins, sites, (name,), **land)[value]
    for left, right in zip(before, (flows, origins, sites), strict=True):
        assert_frame_equal(pd.DataFrame(left), pd.DataFrame(right))
    turned = pair_distances(
        flows.iloc[::-1], origins.iloc[::-1], sites.iloc[::-1], (name,), **land
    )[value]
    pd.testing.assert_series_equal(plain, turned, check_exact=True)
    projected = pair_distances(flows, origins.to_crs(32643), sites.to_crs(32643), (name,), **land)[
        value
    ]
    np.testing.assert_allclose(
        projected, plain, rtol=2e-3
    )  # an area's straight edges bend a little in another CRS
    renamed = pair_distances(
        flows.assign(origin_id="x" + flows["origin_id"]),
        origins.rename(index=lambda i: f"x{i}"),
        sites,
        (name,),
        **land,
    )[value]
    np.testing.assert_array_equal(renamed.to_numpy(), plain.to_numpy())


@pytest.mark.parametrize("name", gs.METRICS)
def test_metric_takes_one_row_and_no_row(name: str, moves, land) -> None:
    flows, origins, sites = moves
    assert len(pair_distances(flows.iloc[:1], origins, sites, (name,), **land)) == 1
    nothing = pair_distances(flows.iloc[:0], origins, sites, (name,), **land)
    assert len(nothing) == 0
    assert set(gs.METRICS[name].columns) <= set(nothing)


@pytest.mark.parametrize("name", gs.METRICS)
def test_metric_gives_a_matrix_and_nearest(name: str, moves, land) -> None:
    flows, origins, sites = moves
    matrix = gs.distance_matrix(origins, sites, name, **land)
    assert matrix.shape == (3, 2)
    assert list(matrix.index) == ["O1", "O2", "O3"]
    table = pair_distances(flows, origins, sites, (name,), **land)[gs.METRICS[name].value]
    assert matrix.loc["O1", "S1"] == pytest.approx(table.loc[("O1", "S1")], rel=1e-6)
    assert matrix.loc["O2", "S1"] == pytest.approx(table.loc[("O2", "S1")], rel=1e-6)
    first = gs.nearest(origins, sites, metric=name, **land).reset_index()
    known = first[first["site_id"].isin(sites.index)]
    assert {"O1"} <= set(known["origin_id"])
    for row in known.itertuples():
        assert row.site_id == matrix.loc[row.origin_id].idxmin()


# --- LAYERS, INDICATORS, ELEMENTS, TABLES
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", gs.LAYERS)
def test_layer_documents_itself(name: str) -> None:
    spec = gs.LAYERS[name]
    assert spec.name == name
    assert spec.meaning
    names = [c.name for c in spec.columns]
    assert len(names) == len(set(names))
    assert set(spec.key) <= set(names)
    assert set(spec.references.values()) <= set(gs.LAYERS)
    assert all(c.meaning for c in spec.columns)
    for column in spec.columns:
        if column.kind == "number" and (match := UNIT_SUFFIX.search(column.name)):
            assert column.unit == match.group(1), column.name


@pytest.mark.parametrize("name", [n for n, s in gs.LAYERS.items() if s.geometries != ("raster",)])
def test_layer_of_no_rows_says_only_that_and_unknown_columns_stay(name: str) -> None:
    spec = gs.LAYERS[name]
    columns = {c.name: pd.Series(dtype="object") for c in spec.columns}
    frame = pd.DataFrame({**columns, "my own column": pd.Series(dtype="object")})
    if "none" not in spec.geometries:
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=4326))
    checked, problems = gs.check_layer(frame, name)
    assert len(checked) == 0
    assert "my own column" in checked
    assert not [p for p in problems if p.severity == "fatal" and p.code != "table_empty"]


def indicator_faults(indicator: gs.remoteness.Indicator, rows: pd.DataFrame) -> list[str]:
    """What an entry of INDICATORS says of itself that is empty or that its rows do not bear out."""
    mine = rows[rows["kind"] == indicator.name]
    units = set(mine["unit"]) if len(mine) else {indicator.unit} - {""}
    wanted = {indicator.unit} if indicator.unit else {"km", "h"}
    texts = {"meaning": indicator.meaning, "source": indicator.source}
    return [
        *(f"{name}: {text!r}" for name, text in texts.items() if not is_sentence(text)),
        *(f"needs {indicator.needs}" for _ in [1] if indicator.needs not in {"pairs", "places"}),
        *(
            f"more_is {indicator.more_is}"
            for _ in [1]
            if indicator.more_is not in {"remote", "near"}
        ),
        *(f"its rows are in {unit}" for unit in sorted(units - wanted)),
        *(
            f"no word for {unit} in {lang}"
            for unit in sorted(units)
            for lang in languages()
            if f"unit_{unit}" not in language(lang).words
        ),
    ]


def is_sentence(text: str) -> bool:
    """Whether it is a text of several words without blanks around it or a full stop."""
    return (" " in text.strip() and text == text.strip(" .")) or text == "definition"


@pytest.mark.parametrize("name", gs.INDICATORS)
def test_indicator_documents_itself(name: str, embedded, across_180) -> None:
    indicator = gs.INDICATORS[name]
    assert indicator.name == name
    rows = pd.concat([embedded.remoteness, across_180.remoteness])
    assert indicator_faults(indicator, rows) == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ({"meaning": ""}, "meaning: ''"),
        ({"source": " "}, "source: ' '"),
        ({"unit": "parsec"}, "its rows are in km"),
        ({"needs": "sites"}, "needs sites"),
        ({"more_is": "far"}, "more_is far"),
        ({"name": "bare", "unit": "parsec"}, "no word for parsec in zh"),
    ],
)
def test_an_indicator_that_says_something_wrong_is_found(fault, found, embedded) -> None:
    planted = replace(gs.INDICATORS["land_mean"], **fault)
    assert found in indicator_faults(planted, embedded.remoteness)


def test_every_missing_remoteness_has_its_reason(embedded, across_180) -> None:
    for result in (embedded, across_180):
        missing = result.remoteness[result.remoteness["value"].isna()]
        assert (missing["why"].fillna("") != "").all(), missing[
            missing["why"].fillna("") == ""
        ].head()


@pytest.mark.parametrize("name", gs.ELEMENTS)
def test_element_gives_json_or_nothing(name: str, embedded, across_180) -> None:
    from geosettle.maps.elements import Settings

    element = gs.ELEMENTS[name]
    assert element.name == name
    assert re.fullmatch(r"[a-z_]+", name)
    for result in (embedded, across_180):
        payload = element.payload(result, Settings())
        json.dumps(payload, allow_nan=False)


UNIT_OF_SUFFIX = {
    "ratio": "ratio",
    "share": "share, 0-1",
    "probability": "share, 0-1",
    "deg": "degrees",
    "n": "count",
    **{unit: unit for unit in ("m", "km", "h", "ha", "mu")},
    "km2": "km²",
    "percent": "%",
}


def dictionary_faults(table: gs.tables.Table, frame: pd.DataFrame, result: gs.Result) -> list[str]:
    """Columns without a meaning, numbers without a unit, and units that the name contradicts."""
    faults = []
    for name, (meaning, unit) in describe(table, frame, result).items():
        if not is_sentence(meaning) and meaning not in {"remark", "area", "longitude", "column"}:
            faults.append(f"{name}: {meaning!r} is no description")
        if meaning == UNDESCRIBED.meaning:
            faults.append(f"{name} is not described")
        kind = frame[name].dtype
        if (
            pd.api.types.is_numeric_dtype(kind)
            and not pd.api.types.is_bool_dtype(kind)
            and not unit
        ):
            faults.append(f"{name} is a number without a unit")
        wanted = UNIT_OF_SUFFIX.get(name.rsplit("_", 1)[-1], unit) if "_" in name else unit
        if pd.api.types.is_numeric_dtype(kind) and unit not in {wanted, wanted.split(",")[0]}:
            faults.append(f"{name} is in {unit!r}, its name says {wanted!r}")
    return faults


@pytest.mark.parametrize("name", gs.TABLES)
def test_table_describes_every_column_and_its_unit(name: str, embedded, across_180) -> None:
    table = gs.TABLES[name]
    assert table.title
    for result in (embedded, across_180):
        frame = tables(result)[name]
        assert not frame.columns.duplicated().any()
        assert dictionary_faults(table, frame, result) == []
        ids = [c for c in table.order if c in frame and not pd.api.types.is_numeric_dtype(frame[c])]
        if ids:
            first = frame[ids[0]].astype("string").fillna("\uffff")
            assert first.is_monotonic_increasing


@pytest.mark.parametrize(
    ("column", "entry", "found"),
    [
        ("geodesic_km", Entry(""), "geodesic_km: '' is no description"),
        ("geodesic_km", Entry("line between the two"), "geodesic_km is a number without a unit"),
        (
            "geodesic_km",
            Entry("line between the two", "m"),
            "geodesic_km is in 'm', its name says 'km'",
        ),
        ("odd", None, "odd is not described"),
    ],
)
def test_a_column_that_is_described_wrongly_is_found(column, entry, found, across_180) -> None:
    table = gs.TABLES["pairs"]
    planted = table if entry is None else replace(table, columns={**table.columns, column: entry})
    frame = tables(across_180)["pairs"].assign(odd=1)
    assert found in dictionary_faults(planted, frame, across_180)


def test_columns_of_the_wide_table_say_what_they_are_in_which_unit(embedded) -> None:
    frame = tables(embedded)["remoteness_wide"]
    entries = describe(gs.TABLES["remoteness_wide"], frame, embedded)
    assert entries["land_max_walk_h"].unit == "h"
    assert entries["land_max_road_km"].unit == "km"
    assert entries["land_gini_geodesic"].unit == "ratio"
    said = {column: entry.meaning for column, entry in entries.items()}
    assert len(set(said.values())) == len(said)
    assert "walk" in said["land_max_walk_h"]


def test_the_contract_tables_and_their_columns(embedded) -> None:
    made = tables(embedded)
    assert set(made) >= CONTRACT_TABLES
    assert list(made["pairs"].columns)[: len(CONTRACT_PAIRS)] == CONTRACT_PAIRS
    assert [c for c in made["sites"].columns if c in CONTRACT_SITES] == CONTRACT_SITES
    assert list(PAIR_COLUMNS)


def test_written_pairs_say_why_for_every_missing_number(embedded, across_180) -> None:
    numbers = [c for c in CONTRACT_PAIRS if UNIT_SUFFIX.search(c) and c != "declared_km"]
    for result in (embedded, across_180):
        pairs = tables(result)["pairs"]
        for row in pairs.to_dict("records"):
            for column in numbers:
                if pd.isna(row[column]) and column != "detour_ratio":
                    assert column in row["why"], (
                        row["origin_id"],
                        row["site_id"],
                        column,
                        row["why"],
                    )


# --- rows in = rows used + rows set aside
# --------------------------------------------------------------------------------


def test_the_ledger_closes(embedded, across_180) -> None:
    for result in (embedded, across_180):
        for layer, counts in result.study.ledger.items():
            assert counts["rows_in"] == counts["rows_used"] + counts["rows_set_aside"], layer
        assert len(result.pairs) == len(result.study.flows)
        assert len(result.sites) == len(result.study.sites)
        assert len(result.origins) == len(result.study.origins)


def test_every_problem_has_a_documented_code(embedded, across_180) -> None:
    for result in (embedded, across_180):
        assert set(result.problems["code"]) <= set(CODES)


# --- the public functions
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in gs.__all__ if inspect.isfunction(getattr(gs, n))])
def test_public_function_is_documented_as_numpydoc(name: str) -> None:
    text = inspect.getdoc(getattr(gs, name)) or ""
    assert "Returns\n-------" in text
    assert not inspect.signature(getattr(gs, name)).parameters or "Parameters\n----------" in text
    assert "Examples\n--------" in text


def test_results_do_not_depend_on_the_order_of_rows(across_180) -> None:
    study = across_180.study
    turned = replace(
        study,
        **{
            role: layer.iloc[::-1]
            for role, layer in study.layers.items()
            if isinstance(layer, pd.DataFrame) and role != "claims"
        },
    )
    again = tables(gs.analyse(turned))
    for name, frame in tables(across_180).items():
        if name != "problems":
            assert_frame_equal(again[name], frame, check_dtype=False)
