"""Columns found by the names users give them."""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import pytest

from geosettle.io.column_names import find_columns
from geosettle.layers import LAT, LAYERS, LON, WKT, plain_name


@pytest.mark.parametrize(
    "name",
    [
        "Site ID",
        " site_id ",
        "SITE-ID",
        "\ufeffsite_id",
        "ｓｉｔｅ＿ｉｄ",
        "site\u200b_id",
        "Site.Id",
    ],
)
def test_plain_names(name: str) -> None:
    assert plain_name(name) == "site_id"


@pytest.mark.parametrize("role", list(LAYERS))
def test_names_of_a_layer_do_not_collide(role: str) -> None:
    names = [plain_name(c.name) for c in LAYERS[role].columns]
    assert len(set(names)) == len(names)
    assert set(LAYERS[role].key) <= {c.name for c in LAYERS[role].columns}
    assert set(LAYERS[role].references) <= {c.name for c in LAYERS[role].columns}
    assert set(LAYERS[role].references.values()) <= set(LAYERS)


@pytest.mark.parametrize(("column", "alias"), [(c, a) for c in (LON, LAT, WKT) for a in c.aliases])
def test_coordinates_are_found(column: object, alias: str) -> None:
    found, _, _ = find_columns(["site_id", "name", alias.upper()], LAYERS["sites"])
    assert found[column.name] == alias.upper()  # type: ignore[attr-defined]


def test_own_name_goes_before_an_alias() -> None:
    found, unclear, _ = find_columns(
        ["id", "site_id", "x", "lon", "y", "lat", "name"], LAYERS["sites"]
    )
    assert (found["site_id"], found["lon"], found["lat"]) == ("site_id", "lon", "lat")
    assert unclear == {
        "lon": ["lon", "x"],
        "lat": ["lat", "y"],
    }  # unless they say the same, as match_columns finds out


def test_two_aliases_are_unclear() -> None:
    found, unclear, _ = find_columns(
        ["site_id", "name", "经度", "longitude", "lat"], LAYERS["sites"]
    )
    assert found["lon"] in {"经度", "longitude"}
    assert set(unclear["lon"]) == {"经度", "longitude"}


def test_mapping_goes_first_and_is_checked() -> None:
    found, _, absent = find_columns(
        ["id", "name", "Ort"], LAYERS["sites"], {"name": "ort", "lon": "nowhere"}
    )
    assert found["name"] == "Ort"
    assert absent == ["nowhere"]
