"""Change of land cover: from-to tables by hand, rates, and the worked example of Olofsson et al.
(2014).
"""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geosettle.covers import (
    OUTSIDE,
    ProductsDifferWarning,
    adjusted_areas,
    annual_rate,
    cover_change,
)
from geosettle.errors import InputError
from geosettle.geodesy import area_m2
from geosettle.raster import Raster

WGS84 = "EPSG:4326"
WHERE = Affine(0.1, 0, 76, 0, -0.1, 0.1)
NAMES = {1: "desert", 2: "field", 3: "village"}


def frame(geometry, ids=None, **columns):
    ids = [f"{i}" for i in range(len(geometry))] if ids is None else ids
    return gpd.GeoDataFrame(
        columns, index=pd.Index(ids, name="id"), geometry=list(geometry), crs=WGS84
    )


def grid(rows, source="MODIS 2010", classes=NAMES, where=WHERE):
    return Raster(np.array(rows, dtype=float), where, classes=classes, source=source)


CELL = (
    area_m2([shapely.box(76, 0, 76.1, 0.1)])[0] / 1e4
)  # the cells on both sides of the equator are alike
ZONE = frame([shapely.box(76, -0.1, 76.3, 0.1)], ["z"])
BEFORE = grid([[1, 1, 2], [1, 2, 3]])
AFTER = grid([[2, 1, 1], [2, 2, np.nan]], "MODIS 2020")


def values(table, measure):
    rows = table[table["measure"] == measure]
    return rows.set_index(["class", "class_to"] if measure == "from_to" else "class")["value"]


def test_from_to_of_rasters_by_hand():
    table = cover_change(ZONE, {2020: AFTER, 2010: BEFORE})
    moved = values(table, "from_to") / CELL
    assert moved.to_dict() == pytest.approx({
        ("desert", "desert"): 1, ("desert", "field"): 2, ("field", "desert"): 1, ("field", "field"): 1,
        ("village", "(no data)"): 1,
    })  # fmt: skip
    assert (values(table, "gain") / CELL).to_dict() == pytest.approx(
        {"desert": 1, "field": 2, "village": 0, "(no data)": 1}
    )
    assert (values(table, "loss") / CELL)["desert"] == pytest.approx(2)
    assert (values(table, "net") / CELL)["field"] == pytest.approx(1)
    assert values(table, "annual_rate")["field"] == pytest.approx(1.5**0.1 - 1)
    fresh = table[(table["measure"] == "annual_rate") & (table["class"] == "(no data)")].iloc[0]
    assert np.isnan(fresh["value"])
    assert fresh["why"] == "no area at the start, so no rate"
    assert set(table["why"]) == {"", "no area at the start, so no rate"}


def test_from_to_of_polygons_by_hand():
    box = shapely.box
    cover = frame(
        [box(76, 0, 76.2, 0.1), box(76.2, 0, 76.3, 0.1), box(76, 0, 76.1, 0.1), box(76.1, 0, 76.3, 0.1), box(76, -0.1, 76.1, 0)],
        kind=["desert", "field", "desert", "field", "field"], year=[2010, 2010, 2020, 2020, 2020],
    )  # fmt: skip
    table = cover_change(ZONE, cover, "kind")
    moved = values(table, "from_to") / CELL
    assert moved.to_dict() == pytest.approx({
        ("desert", "desert"): 1, ("desert", "field"): 1, ("field", "field"): 1, (OUTSIDE, "field"): 1, (OUTSIDE, OUTSIDE): 2,
    }, rel=1e-6)  # fmt: skip
    assert (values(table, "net") / CELL)["field"] == pytest.approx(2, rel=1e-6)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_from_to_makes_up_the_zone_and_both_maps(seed):
    rng = np.random.default_rng(seed)
    old, new = (grid(rng.integers(1, 5, (6, 8)), "same") for _ in range(2))
    zone = frame([shapely.Polygon(76 + rng.random((3, 2)) * [0.9, -0.9])], ["z"])
    table = cover_change(zone, {2000: old, 2005: new}, problems=[])
    total = area_m2(zone.geometry)[0] / 1e4
    assert values(table, "from_to").sum() == pytest.approx(total, rel=1e-9)
    assert values(table, "start").sum() == pytest.approx(total, rel=1e-9)
    assert values(table, "net").sum() == pytest.approx(0, abs=1e-6 * total)
    assert (
        values(table, "gain") - values(table, "loss") - values(table, "net")
    ).abs().max() < 1e-6 * total


def test_different_products_are_told():
    coarse = grid([[1.0, 2.0]], "GlobeLand30 2020", where=Affine(0.2, 0, 76, 0, -0.2, 0.1))
    with pytest.warns(
        ProductsDifferWarning, match=r"cells of 11,057 and 22,115 m.*different sources"
    ):
        table = cover_change(ZONE, {2010: BEFORE, 2020: coarse})
    assert values(table, "from_to").sum() == pytest.approx(6 * CELL)
    found = []
    cover_change(ZONE, {2010: BEFORE, 2020: coarse}, problems=found)
    assert [p.code for p in found] == ["products_differ"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cover_change(ZONE, {2010: BEFORE, 2020: AFTER})  # one product: nothing to tell


def test_one_date_is_refused():
    with pytest.raises(InputError, match="two dates"):
        cover_change(ZONE, {2010: BEFORE})
    with pytest.raises(InputError, match="two years"):
        cover_change(ZONE, frame([shapely.box(76, 0, 77, 1)], kind=["x"], year=[2010]), "kind")


def test_zone_without_position_keeps_its_row():
    table = cover_change(frame([None], ["lost"]), {2010: BEFORE, 2020: AFTER})
    assert table[["zone_id", "why"]].to_numpy().tolist() == [["lost", "position unknown"]]


def test_rates():
    assert annual_rate(100, 50, 10) == pytest.approx(0.5**0.1 - 1)
    assert annual_rate(50, 0, 3) == -1
    assert np.isnan(annual_rate(10, 20, 0))


# Olofsson et al. (2014), Remote Sensing of Environment 148: 42-57, table 8 and the results on p. 54
# (half widths of the 95 % intervals as printed there, areas in ha of 30 m pixels).
CLASSES = ["deforestation", "forest gain", "stable forest", "stable non-forest"]
SAMPLE = pd.DataFrame(
    [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]], CLASSES, CLASSES
)
MAPPED = pd.Series([200_000, 150_000, 3_200_000, 6_450_000], CLASSES) * 0.09


PRINTED = {
    "adjusted": [21158, 11686, 285770, 581386],
    "half width": [6158, 3756, 15510, 16282],
    "users_accuracy": [0.88, 0.73, 0.93, 0.96],
    "users_ci": [0.07, 0.10, 0.04, 0.02],
    "producers_accuracy": [0.75, 0.85, 0.93, 0.96],
    "producers_ci": [0.21],
    "overall_accuracy": [0.95],
    "overall_ci": [0.02],
}


def test_olofsson_worked_example():
    found = adjusted_areas(SAMPLE, MAPPED)
    found["half width"] = (found["high"] - found["low"]) / 2
    for name, printed in PRINTED.items():
        decimals = 0 if name in {"adjusted", "half width"} else 2
        assert found[name].round(decimals).tolist()[: len(printed)] == printed, name
    assert found["adjusted"].sum() == pytest.approx(MAPPED.sum())


def test_error_matrix_that_cannot_be_used():
    with pytest.raises(InputError, match="fewer than two"):
        adjusted_areas(SAMPLE * 0 + 0.1, MAPPED)
    with pytest.raises(InputError, match="no mapped area"):
        adjusted_areas(SAMPLE, MAPPED.iloc[:2])


def test_error_matrix_adjusts_both_dates():
    perfect = pd.DataFrame(np.eye(3) * 50, list(NAMES.values()), list(NAMES.values()))
    table = cover_change(
        ZONE, {2010: BEFORE, 2020: grid([[2, 1, 1], [2, 2, 3]])}, confusion=perfect
    )
    for side in ("start", "end"):
        exact = table[table["measure"] == f"adjusted_{side}"].set_index("class")
        assert exact["value"].to_dict() == pytest.approx(values(table, side).to_dict())
        assert (exact["high"] - exact["low"]).tolist() == pytest.approx([0, 0, 0])
        assert exact["why"].str.startswith("the error matrix of the whole map").all()
