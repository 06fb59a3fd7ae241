"""Areas of land in zones: against hand computation, GRASS, brute force and their own sums."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geosettle.covers import (
    NODATA,
    OUTSIDE,
    UNCLASSIFIED,
    derive_oasis,
    oasis_areas,
    oasis_position,
    overlay_areas,
    overlay_table,
    to_wide,
    zonal_statistics,
    zones_of_raster,
)
from geosettle.covers.overlaps import contests_among, surely_disjoint
from geosettle.errors import ColumnError, CrsError, InputError, MissingLayerError
from geosettle.geodesy import area_m2, disc
from geosettle.geodesy.disc_overlap import Circles, Edges, discs, shared_m2
from geosettle.raster import Raster

WGS84 = "EPSG:4326"


def frame(geometry, ids=None, crs=WGS84, **columns):
    ids = [f"{i}" for i in range(len(geometry))] if ids is None else ids
    return gpd.GeoDataFrame(
        columns, index=pd.Index(ids, name="id"), geometry=list(geometry), crs=crs
    )


# The zones, fields and grid of the GRASS references below (GRASS 8.2.1 of Debian, package
# grass-core):   v.overlay ainput=zones binput=fields operator=and output=cut
#   v.to.db -p map=cut option=area units=hectares columns=a
#   v.to.db map=zones option=area units=hectares columns=a
#   g.region raster=cover; r.stats -a -n cover
ZONES = frame(
    [
        shapely.Polygon([(76.0, 39.0), (76.31, 39.02), (76.27, 39.25), (75.98, 39.21)]),
        shapely.Polygon([(76.0, 39.0), (76.31, 39.02), (76.4, 38.8), (76.1, 38.75)]),
    ],
    ["north", "south"],
)
FIELDS = frame(
    [
        shapely.Polygon([(76.05, 38.9), (76.2, 38.93), (76.18, 39.1), (76.04, 39.08)]),
        shapely.Polygon([(76.2, 38.93), (76.5, 38.95), (76.45, 39.12), (76.18, 39.1)]),
        shapely.Polygon([(76.1, 39.15), (76.2, 39.15), (76.15, 39.3)]),
    ],
    ["f1", "f2", "f3"],
    kind=["forage", "orchard", "forage"],
)
GRID = Raster(
    np.array([[1, 1, 2, 3], [1, 2, 2, 3], [4, 4, 2, 1], [4, 1, 3, 3]], dtype=float),
    Affine(0.1, 0, 76, 0, -0.1, 39.2),
    unit="class",
)


def test_areas_agree_with_grass_overlay():
    table = overlay_areas(ZONES, FIELDS, "kind").set_index(["zone_id", "kind"])
    grass = {
        ("north", "forage"): 5774.79962159469 + 11433.0902267263,
        ("north", "orchard"): 10017.5459228072,
        ("south", "forage"): 13329.8880780121,
        ("south", "orchard"): 10455.643264005,
    }
    for pair, hectares in grass.items():
        assert table.loc[pair, "area_ha"] == pytest.approx(hectares, rel=2e-9)
    assert table.loc[("north", "forage"), "zone_ha"] == pytest.approx(64230.0552534535, rel=2e-9)
    assert table.loc[("south", "forage"), "zone_ha"] == pytest.approx(72234.6655920206, rel=2e-9)


def test_grid_areas_agree_with_grass_stats():
    whole = frame([shapely.box(*GRID.bounds)], ["all"])
    table = overlay_areas(whole, GRID).set_index("class")["area_ha"] * 1e4
    grass = {
        "1": 480641882.591736,
        "2": 384406950.514374,
        "3": 384807500.397850,
        "4": 288839998.436623,
    }
    assert set(table.index) == set(grass)
    for name, metres in grass.items():
        assert table[name] == pytest.approx(metres, rel=2e-9)


def test_grid_fractions_agree_with_counting_subpixels():
    zone = ZONES.loc[["north"]]
    n = 400  # each cell in 400 x 400
    step = 0.1 / n
    x = 76 + step * (np.arange(4 * n) + 0.5)
    y = 39.2 - step * (np.arange(4 * n) + 0.5)
    inside = shapely.contains_xy(zone.geometry.iloc[0], *np.meshgrid(x, y))
    weight = np.repeat(GRID.cell_areas_m2() / n**2, n)[:, None] * inside
    classes = np.kron(GRID.values, np.ones((n, n)))
    table = overlay_areas(zone, GRID).set_index("class")["area_ha"]
    for value in (1, 2, 3, 4):
        counted = weight[classes == value].sum() / 1e4
        if counted:
            assert table[str(value)] == pytest.approx(counted, rel=2e-3)


# --- sums
# ------------------------------------------------------------------------------------------------------------


@st.composite
def polygons(draw, most=5):
    """A few stars in a square degree, some of them invalid or overlapping."""
    shapes = []
    for _ in range(draw(st.integers(1, most))):
        x, y = draw(st.floats(76, 77)), draw(st.floats(38, 39))
        radii = draw(st.lists(st.floats(0.05, 0.6), min_size=3, max_size=9))
        angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
        shapes.append(
            shapely.Polygon(np.column_stack([x + radii * np.cos(angle), y + radii * np.sin(angle)]))
        )
    return shapes


@settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(polygons(3), polygons(), st.data())
def test_classes_and_the_rest_make_up_the_zone(zones, cover, data):
    kinds = data.draw(
        st.lists(st.sampled_from(["a", "b", None]), min_size=len(cover), max_size=len(cover))
    )
    table = overlay_areas(frame(zones), frame(cover, kind=kinds), "kind")
    sums = table.groupby("zone_id")["area_ha"].sum()
    assert sums.to_numpy() == pytest.approx(area_m2(zones) / 1e4, rel=1e-7)
    union = shapely.union_all(cover)
    held = (
        table[table["kind"] != OUTSIDE]
        .groupby("zone_id")["area_ha"]
        .sum()
        .reindex([str(i) for i in range(len(zones))])
    )
    assert held.fillna(0).to_numpy() == pytest.approx(
        area_m2(shapely.intersection(zones, union)) / 1e4, rel=1e-7, abs=1e-4
    )
    naive = [sum(area_m2(shapely.intersection(zone, np.array(cover)))) / 1e4 for zone in zones]
    counted = table.groupby("zone_id")[["area_ha", "overlap_ha"]].sum().sum(axis=1)
    outside = (
        table[table["kind"] == OUTSIDE]
        .set_index("zone_id")["area_ha"]
        .reindex(counted.index)
        .fillna(0)
    )
    assert (counted - outside).to_numpy() == pytest.approx(naive, rel=1e-7, abs=1e-3)


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(polygons(3), st.integers(0, 2**32 - 1))
def test_grid_classes_and_the_rest_make_up_the_zone(zones, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 5, (20, 25)).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    grid = Raster(
        values, Affine(0.05, 0, 75.9, 0, -0.05, 39.1), classes={1: "one", 2: "two", 3: "three"}
    )
    table = overlay_areas(frame(zones), grid)
    assert table.groupby("zone_id")["area_ha"].sum().to_numpy() == pytest.approx(
        area_m2(zones) / 1e4, rel=1e-9
    )
    assert set(table["class"]) <= {"one", "two", "three", NODATA, UNCLASSIFIED, OUTSIDE}


@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    polygons(6),
    st.floats(75.8, 77.2),
    st.floats(37.8, 39.2),
    st.floats(50, 60_000),
    st.booleans(),
    st.booleans(),
)
def test_discs_share_what_cutting_finds(shapes, lon, lat, radius, holed, many_corners):  # noqa: PLR0917
    if holed:
        shapes = [shapely.difference(s, shapely.affinity.scale(s, 0.4, 0.4)) for s in shapes]
    shapes = np.array(shapes, dtype=object)
    if many_corners:
        shapes = shapely.segmentize(shapes, 0.01)
    circles = Circles.of(np.array([lon]), np.array([lat]), np.array([radius]))
    everyone = np.arange(len(shapes))
    found = shared_m2(circles, shapes, Edges.of(shapes), np.zeros_like(everyone), everyone)
    cut = area_m2(shapely.intersection(shapes, circles.polygons()[0]))
    assert found == pytest.approx(cut, abs=1e-8 * np.pi * radius**2)


def test_disc_in_a_hole_and_disc_that_is_swallowed():
    ring = shapely.difference(shapely.box(76, 38, 77, 39), shapely.box(76.3, 38.3, 76.7, 38.7))
    shapes = np.array([ring, shapely.box(76, 38, 77, 39)], dtype=object)
    circles = Circles.of(np.array([76.5]), np.array([38.5]), np.array([3000.0]))
    found = shared_m2(circles, shapes, Edges.of(shapes), np.array([0, 0]), np.array([0, 1]))
    assert found[0] == 0
    assert found[1] == pytest.approx(np.pi * 3000**2, rel=1e-6)


def test_many_discs_are_the_disc():
    lon, lat, radius = [76, 179.9, 0, 10], [39, -16, 89.5, 0], [5e3, 8e4, 2e5, 4e5]
    for made, *one in zip(discs(lon, lat, radius), lon, lat, radius, strict=True):
        assert (
            area_m2([shapely.symmetric_difference(made, disc(*one))])[0]
            < 1e-6 * np.pi * one[2] ** 2
        )


@pytest.mark.parametrize("radius", [500.0, 30_000.0])
def test_disc_areas_against_geod(radius):
    ring = Circles.of(np.array([80.0]), np.array([37.0]), np.array([radius]))
    corners = shapely.get_coordinates(shapely.segmentize(ring.polygons()[0], 0.001))
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter(*corners.T)
    assert ring.area_m2[0] == pytest.approx(abs(area), rel=1e-7)


# --- nothing but the ground matters
# ----------------------------------------------------------------------------------


def test_row_order_crs_and_arguments_do_not_matter():
    before = FIELDS.copy()
    expected = overlay_areas(ZONES, FIELDS, "kind")
    turned = overlay_areas(ZONES.iloc[::-1], FIELDS.iloc[[2, 0, 1]], "kind")
    pd.testing.assert_frame_equal(expected, turned)
    projected = overlay_areas(ZONES.to_crs("EPSG:32643"), FIELDS.to_crs("EPSG:3857"), "kind")
    pd.testing.assert_frame_equal(expected, projected, rtol=1e-7)
    pd.testing.assert_frame_equal(before, FIELDS)
    over = pd.concat([FIELDS, frame([shapely.box(76, 38.9, 76.3, 39.1)], ["f4"], kind=["apricot"])])
    renamed = over.set_axis(pd.Index(["f9", "f2", "f1", "f0"], name="id"))
    expected = overlay_areas(ZONES, over, "kind")
    assert expected["overlap_ha"].sum() > 0
    pd.testing.assert_frame_equal(expected, overlay_areas(ZONES, renamed, "kind"))


def test_one_zone_and_no_zone():
    assert len(overlay_areas(ZONES.iloc[:0], FIELDS, "kind")) == 0
    assert len(overlay_areas(ZONES.iloc[:0], GRID)) == 0
    empty = overlay_areas(ZONES, FIELDS.iloc[:0], "kind")
    assert empty["kind"].tolist() == [OUTSIDE, OUTSIDE]
    assert empty["share"].tolist() == [1.0, 1.0]
    assert list(empty.columns) == list(overlay_areas(ZONES, FIELDS, "kind").columns)


def test_wrong_calls_name_the_mend():
    with pytest.raises(ColumnError, match="no such column"):
        overlay_areas(ZONES, FIELDS, "crop")
    points = frame([shapely.Point(76, 39)])
    with pytest.raises(InputError, match="need radii"):
        overlay_areas(points, FIELDS, "kind")
    with pytest.raises(InputError, match="positive"):
        overlay_areas(points, FIELDS, "kind", radii_km=[-1])
    with pytest.raises(CrsError, match="set_crs"):
        overlay_areas(ZONES, FIELDS.set_crs(None, allow_override=True), "kind")
    with pytest.raises(InputError, match="zonal_statistics"):
        overlay_areas(ZONES, Raster(GRID.values + 0.5, GRID.transform))  # noqa: PD011, RUF100


@pytest.mark.parametrize(
    "cover",
    [
        frame([shapely.Point(76.1, 0.1)]),
        frame([shapely.LineString([(76, 0), (77, 1)]), None]),
        pd.DataFrame({"kind": ["forage"]}),
        gpd.GeoDataFrame({"kind": ["forage"]}),
        {},
        None,
    ],
)
def test_cover_without_areas_gets_one_message(cover):
    with pytest.raises(InputError, match=r"(no area|no geometry|no raster).* (Give|Read) "):
        overlay_areas(ZONES, cover)
    if isinstance(cover, pd.DataFrame) and not hasattr(cover, "set_crs"):
        with pytest.raises(InputError, match="no geometry"):
            overlay_areas(cover, FIELDS, "kind")


def test_point_among_polygons_is_reported_and_adds_nothing():
    found = []
    mixed = frame([shapely.box(76, 0, 76.1, 0.1), shapely.Point(76.5, 0.5)], ["p", "q"])
    overlay_areas(ZONES, mixed, problems=found)
    assert [(p.code, p.id) for p in found if p.id == "q"] == [("parcel_of_no_area", "q")]


# --- unusual but real
# ------------------------------------------------------------------------------------------------


def codes(problems):
    return sorted({p.code for p in problems})


def test_overlapping_parcels_are_counted_once():
    a, b = shapely.box(76, 0, 76.2, 0.1), shapely.box(76.1, 0, 76.3, 0.1)
    zone = frame([shapely.box(75, -1, 77, 1)])
    found = []
    table = overlay_areas(
        zone, frame([a, b], ["p1", "p2"], kind=["x", "y"]), "kind", problems=found
    ).set_index("kind")
    tenth = area_m2([shapely.box(76, 0, 76.1, 0.1)])[0] / 1e4
    assert table.loc["x", ["area_ha", "overlap_ha"]].tolist() == pytest.approx([2 * tenth, 0])
    assert table.loc["y", ["area_ha", "overlap_ha"]].tolist() == pytest.approx([tenth, tenth])
    assert codes(found) == ["cover_overlaps"]
    assert f"{tenth:.4f} ha" in found[0].message
    # In maps of two years the same ground is no overlap.
    dated = frame([a, b], ["p1", "p2"], kind=["x", "y"], year=[2010, 2020])
    maps = overlay_areas(zone, dated, "kind", snapshots=True)
    assert maps["overlap_ha"].sum() == 0
    assert maps.groupby("year")["area_ha"].sum().tolist() == pytest.approx(
        [maps["zone_ha"].iloc[0]] * 2
    )


def test_repair_is_reported_and_refused():
    # A square whose outline runs back over itself: the spike has no area, so repair changes
    # nothing.
    spike = shapely.Polygon([(76, 0), (76.1, 0), (76.1, 0.1), (76.3, 0.1), (76.1, 0.1), (76, 0.1)])
    bow_tie = shapely.Polygon([(77, 0), (77.1, 0.1), (77.1, 0), (77, 0.1)])
    found = []
    zone = frame([shapely.box(75, -1, 78, 1)])
    table = overlay_areas(
        zone, frame([spike, bow_tie], ["spike", "tie"], kind=["x", "y"]), "kind", problems=found
    )
    assert {(p.code, p.id) for p in found} == {
        ("geometry_repaired", "spike"),
        ("geometry_refused", "tie"),
    }
    hectares = area_m2([shapely.box(76, 0, 76.1, 0.1)])[0] / 1e4
    assert f"{hectares:.4f} ha before and {hectares:.4f} ha after" in next(
        p.message for p in found if p.id == "spike"
    )
    assert table.set_index("kind")["area_ha"].to_dict()["x"] == pytest.approx(hectares)
    assert "y" not in set(table["kind"])


def test_parcel_over_a_county_line_is_given_to_both():
    west, east = shapely.box(76, 0, 77, 1), shapely.box(77, 0, 78, 1)
    parcel = shapely.MultiPolygon(
        [shapely.box(76.9, 0.2, 77.2, 0.3), shapely.box(77.5, 0.5, 77.6, 0.6)]
    )
    found = []
    table = overlay_areas(
        frame([west, east], ["w", "e"]), frame([parcel], ["p"], kind=["x"]), "kind", problems=found
    )
    parts = table[table["kind"] == "x"].set_index("zone_id")["area_ha"]
    assert parts["w"] == pytest.approx(area_m2([shapely.box(76.9, 0.2, 77, 0.3)])[0] / 1e4)
    assert parts.sum() == pytest.approx(area_m2([parcel])[0] / 1e4)
    assert codes(found) == ["parcel_across_zones"]


def test_years_missing_and_after_the_survey():
    shapes = [shapely.box(76 + 0.2 * i, 0, 76.1 + 0.2 * i, 0.1) for i in range(3)]
    found = []
    cover = frame(shapes, ["a", "b", "c"], kind="x", year=[2015, None, 2030])
    table = overlay_areas(
        frame([shapely.box(75, -1, 78, 1)]), cover, "kind", survey_year=2019, problems=found
    )
    assert table["year"].tolist()[:2] == [2015, 2030]
    assert table["year"].isna().tolist() == [False, False, True, True]
    assert {(p.code, p.id) for p in found} == {
        ("parcel_without_year", "b"),
        ("year_after_survey", "c"),
    }


def test_half_covered_missing_and_flat_zones():
    zones = frame(
        [
            shapely.box(75.9, 38.9, 76.1, 39),
            None,
            shapely.Polygon([(76, 39), (76.1, 39), (76, 39)]),
        ],
        ["half", "lost", "flat"],
    )
    found = []
    table = overlay_areas(zones, {2019: GRID}, problems=found).set_index("zone_id")
    assert codes(found) == ["raster_covers_partly", "zone_of_no_area", "zone_without_geometry"]
    half = table.loc["half"].set_index("class")
    assert half.loc[OUTSIDE, "share"] == pytest.approx(0.5)
    assert half.loc[OUTSIDE, "why"] == "the raster does not reach this part of the zone"
    assert np.isnan(table.loc["lost", "area_ha"])
    assert table.loc["lost", "why"] == "position unknown"
    assert table.loc["flat", "area_ha"] == 0
    assert np.isnan(table.loc["flat", "share"])
    assert table.loc["flat", "why"] == "the zone has no area"


def test_illustrative_ground_is_no_evidence():
    cover = frame([shapely.box(76, 0, 76.1, 0.1)], kind="x", geometry_basis="illustrative")
    table = overlay_areas(
        frame([shapely.box(75, -1, 78, 1), shapely.box(10, 0, 11, 1)], ["near", "far"]),
        cover,
        "kind",
    )
    mixed = frame(
        [shapely.box(76, 0, 76.1, 0.1), shapely.box(10, 0, 10.1, 0.1)],
        kind="x",
        geometry_basis=["illustrative", "surveyed"],
    )
    both = overlay_areas(
        frame([shapely.box(75, -1, 78, 1), shapely.box(10, 0, 11, 1)], ["near", "far"]),
        mixed,
        "kind",
    )
    assert both.set_index(["zone_id", "kind"])["evidence"].to_dict() == {
        ("far", "x"): True, ("far", OUTSIDE): True, ("near", "x"): False, ("near", OUTSIDE): False
    }  # fmt: skip
    assert table.set_index(["zone_id", "kind"])["evidence"].to_dict() == {
        ("near", "x"): False,
        ("near", OUTSIDE): False,
        ("far", OUTSIDE): True,
    }


# --- tables and other zones
# ------------------------------------------------------------------------------------------


def test_discs_by_radius_and_households():
    sites = frame([shapely.Point(76.1, 39.0), None], ["s", "t"], households=[50, 10])
    table = overlay_areas(sites, FIELDS, "kind", radii_km=[15, 5])
    assert table.groupby(["zone_id", "radius_km"]).size().index.tolist() == [
        ("s", 5),
        ("s", 15),
        ("t", 5),
        ("t", 15),
    ]
    assert table.loc[table["zone_id"] == "s", "zone_ha"].unique() == pytest.approx(
        np.pi * np.array([2500, 22500]), rel=1e-6
    )
    row = table[(table["kind"] == "forage") & (table["radius_km"] == 5)].iloc[0]
    cut = area_m2([shapely.intersection(disc(76.1, 39.0, 5000), FIELDS.geometry.iloc[0])])[0] / 1e4
    assert row["area_ha"] == pytest.approx(cut, rel=1e-8)
    assert row["area_ha_per_household"] == pytest.approx(cut / 50)
    wide = to_wide(table)
    assert wide.loc["s", "forage_5km_ha"] == pytest.approx(cut)
    assert wide.loc["t"].isna().all()
    pd.testing.assert_frame_equal(table, overlay_table(sites, FIELDS, "kind", [5, 15]))


def test_a_raster_names_zones():
    nearest = Raster(np.array([[1.0, 1, 2, np.nan]] * 4), GRID.transform)
    table = overlay_areas(nearest, GRID)
    first = table[table["zone_id"] == "1"].set_index("class")["area_ha"]
    rows = GRID.cell_areas_m2() / 1e4
    assert first["1"] == pytest.approx(2 * rows[0] + rows[1] + rows[3], rel=1e-9)


def test_continuous_rasters():
    hot = Raster(np.array([[1.0, 3.0], [np.nan, 5.0]]), Affine(0.1, 0, 76, 0, -0.1, 0.1))
    zone = frame([shapely.box(76, -0.1, 76.2, 0.1), shapely.box(80, 0, 81, 1)], ["z", "far"])
    found = []
    table = zonal_statistics(zone, {2020: hot}, problems=found).set_index("zone_id")
    # Rows on both sides of the equator have cells of one size, so the mean is (1 + 3 + 5) / 3.
    assert table.loc["z", ["mean", "minimum", "maximum"]].tolist() == pytest.approx([3, 1, 5])
    assert table.loc["z", "no_data_ha"] == pytest.approx(table.loc["z", "area_ha"] / 3)
    assert table.loc["far", "why"] == "no cell with a value"
    assert codes(found) == ["raster_covers_partly"]
    tepid = Raster(hot.values / 2, hot.transform)  # noqa: PD011, RUF100
    pd.testing.assert_frame_equal(
        overlay_table(zone, {2020: tepid}), zonal_statistics(zone, {2020: tepid})
    )


# --- oasis
# -----------------------------------------------------------------------------------------------------------

RULE = {
    "landcover_classes": [12],
    "ndvi_minimum": 0.3,
    "elevation_ceiling_m": 2000,
    "smallest_patch_km2": 50,
}


def test_oasis_rule_by_hand():
    where = Affine(0.05, 0, 76, 0, -0.05, 39)
    crops = Raster(np.array([[12.0, 16, 16, 16], [16, 16, 16, 16], [16, 16, 16, 12]]), where)
    green = Raster(
        np.array([[0.1, 0.1, 0.1, 0.1], [0.1, 0.5, 0.1, 0.1], [0.1, 0.6, 0.6, 0.1]]), where
    )
    low = np.full((3, 4), 1300.0)
    low[2, 2] = 2400
    fine = Raster(
        np.kron(low, np.ones((5, 5))) + np.tile([-1, 0, 1, 0, 0], (15, 4)),
        Affine(0.01, 0, 76, 0, -0.01, 39),
    )
    # Green: (1,1), (2,1); by class (0,0), which touches (1,1) at a corner, and (2,3); too high:
    # (2,2).
    oasis = derive_oasis(crops, green, fine, RULE, year=2019)
    cells = [
        shapely.box(76 + 0.05 * c, 38.95 - 0.05 * r, 76.05 + 0.05 * c, 39 - 0.05 * r)
        for r, c in ((0, 0), (1, 1), (2, 1))
    ]
    assert len(oasis) == 1
    assert oasis.geometry.is_valid.all()
    assert (
        shapely.symmetric_difference(oasis.geometry.iloc[0], shapely.union_all(cells)).area < 1e-12
    )
    assert oasis["area_km2"].iloc[0] == pytest.approx(area_m2(cells).sum() / 1e6)
    everything = derive_oasis(crops, green, fine, RULE | {"smallest_patch_km2": 0})
    assert len(everything) == 2


def test_oasis_without_elevation_is_reported():
    where = Affine(0.05, 0, 76, 0, -0.05, 39)
    found = []
    oasis = derive_oasis(
        None, Raster(np.full((1, 2), 0.5), where), Raster(np.array([[1000, np.nan]]), where),
        {"ndvi_minimum": 0.3, "elevation_ceiling_m": 2000}, problems=found,
    )  # fmt: skip
    assert oasis.total_bounds.tolist() == pytest.approx([76, 38.95, 76.05, 39])
    assert codes(found) == ["elevation_missing"]
    with pytest.raises(MissingLayerError, match="dem"):
        derive_oasis(
            None,
            Raster(np.full((1, 2), 0.5), where),
            None,
            {"ndvi_minimum": 0.3, "elevation_ceiling_m": 2000},
        )
    with pytest.raises(InputError, match="no such key"):
        derive_oasis(None, Raster(np.full((1, 2), 0.5), where), None, {"ndvi": 0.3})


def test_position_in_the_oasis():
    oasis = frame(
        [shapely.box(76, 0, 77, 1), shapely.box(77, 0, 78, 1)]
    )  # one oasis in two polygons: no edge between
    points = frame(
        [shapely.Point(77, 0.5), shapely.Point(78.02, 0.5), shapely.Point(78.02, 0.5), None, shapely.Point(79, 0.5)],
        ["deep", "near", "blurred", "lost", "away"], uncertainty_km=[0, np.nan, 10, 5, 1],
    )  # fmt: skip
    at = oasis_position(points, oasis, radii_km=[5], fringe_km=5)
    degree = 111.319490793  # km along the equator (a * pi / 180); at half a degree of latitude cos less than 4e-5 apart
    assert at.loc["deep", "oasis_edge_km"] == pytest.approx(
        -0.5 * 110.5743886, rel=1e-6
    )  # meridian arc 0 to 0.5 degrees
    assert at.loc["near", "oasis_edge_km"] == pytest.approx(0.02 * degree, rel=1e-4)
    # The oasis holds 36 % of what "blurred" may be: neither answer has a probability of 95 %.
    assert at["in_oasis"].isna().tolist() == [False, False, True, True, False]
    assert at["in_oasis"].dropna().tolist() == [True, False, False]
    assert at["oasis_zone"].tolist()[:3] == ["core", "fringe", "fringe"]
    assert at.loc["away", "oasis_zone"] == "outside"
    assert at.loc["blurred", ["oasis_edge_low_km", "oasis_edge_high_km"]].tolist() == pytest.approx(
        [-7.7736, 12.2264], abs=1e-3
    )
    assert at.loc["blurred", "oasis_zones"] == "core; fringe; outside"
    assert at.loc["lost", "oasis_why"] == "position unknown"
    assert at.loc["deep", "oasis_share_5km"] == pytest.approx(1)
    # Share of a disc of radius u beyond a straight line at distance d: (arccos(d/u) - (d/u) sqrt(1
    # - (d/u)^2)) / pi.
    ratio = 0.02 * degree / 10
    share = (np.arccos(ratio) - ratio * np.sqrt(1 - ratio**2)) / np.pi
    assert at.loc["blurred", "oasis_probability"] == pytest.approx(share, abs=0.03)
    again = oasis_position(points.iloc[[2]], oasis, radii_km=[5])
    assert again["oasis_probability"].iloc[0] == at.loc["blurred", "oasis_probability"]
    without = oasis_position(points, None)
    assert without["oasis_why"].tolist()[0] == "the study has no oasis layer"


def test_oasis_areas_stand_beside_published_ones():
    units = frame(
        [shapely.box(76, 0, 78, 1), shapely.box(78, 0, 80, 1)],
        ["65A", "65B"],
        name=["A", "B"],
        level="prefecture",
    )
    oases = {
        "low": frame([shapely.box(76, 0, 76.5, 1)]),
        "high": frame([shapely.box(76, 0, 78.5, 1)]),
    }
    published = {
        "A": {"area_km2": 10000, "source": "yearbook"},
        "x": {"share_percent": 29.1, "unit": "A", "claim": "C1"},
    }
    table = oasis_areas(units, oases, published=published)
    a = table[(table["name"] == "A") & (table["setting"] == "low")].set_index("quantity")
    assert a["share_percent"].tolist() == pytest.approx([25, 25])
    assert a.loc["share_percent", "difference"] == pytest.approx(25 - 29.1)
    assert a.loc["share_percent", "claim"] == "C1"
    assert table.loc[table["name"] == "B", "share_percent"].tolist() == pytest.approx([0, 25])
    assert set(table.loc[table["name"] == "B", "why"]) == {"no published figure"}


# --- across the antimeridian
# -----------------------------------------------------------------------------------------


def test_everything_works_across_the_antimeridian():
    where = Affine(0.1, 0, 179.8, 0, -0.1, 0.1)  # 179.8 to 180.2 degrees
    grid = Raster(np.array([[1.0, 1, 2, 2]] * 2), where, classes={1: "west", 2: "east"})
    site = frame([shapely.Point(180, 0)], ["s"])
    table = overlay_areas(site, grid, radii_km=[10]).set_index("class")
    half = np.pi * 1e8 / 2 / 1e4
    assert table["area_ha"].to_dict() == pytest.approx({"west": half, "east": half}, rel=1e-4)
    cells = frame(
        [shapely.box(179.9, -0.1, 180, 0.1), shapely.box(-180, -0.1, -179.9, 0.1)],
        ["w", "e"],
        kind=["west", "east"],
    )
    table = overlay_areas(site, cells, "kind", radii_km=[10]).set_index("kind")
    assert table.loc["west", "area_ha"] == pytest.approx(table.loc["east", "area_ha"], rel=1e-9)
    zones = zones_of_raster(grid)
    assert zones.total_bounds.tolist() == pytest.approx([-180, -0.1, 180, 0.1])
    assert overlay_areas(grid, grid).set_index(["zone_id", "class"])[
        "share"
    ].to_dict() == pytest.approx({("west", "west"): 1, ("east", "east"): 1})
    oasis = derive_oasis(grid, None, None, {"landcover_classes": [1, 2]})
    assert oasis.total_bounds[0] >= -180
    assert oasis["area_km2"].sum() == pytest.approx(
        area_m2([shapely.box(179.8, -0.1, 180.2, 0.1)])[0] / 1e6
    )
    at = oasis_position(site, oasis, radii_km=[5])
    assert at["oasis_edge_km"].iloc[0] == pytest.approx(
        -11.0574276, rel=1e-6
    )  # a (1 - e2) * 0.1 degrees
    assert at["oasis_share_5km"].iloc[0] == pytest.approx(1, rel=1e-6)


def test_polygons_drawn_beyond_180_degrees_are_brought_back():
    beyond, split = (
        frame([shapely.box(179, -17, 181, -16)]),
        frame(
            [
                shapely.MultiPolygon(
                    [shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179, -16)]
                )
            ]
        ),
    )
    fields = frame(
        [shapely.box(179.5, -17, 180, -16), shapely.box(180, -17, 180.5, -16)], kind=["a", "b"]
    )
    table = overlay_areas(beyond, fields, "kind")
    pd.testing.assert_frame_equal(table, overlay_areas(split, fields, "kind"))
    assert table.set_index("kind")["share"].to_dict() == pytest.approx(
        {"a": 0.25, "b": 0.25, "(outside)": 0.5}
    )
    around = overlay_areas(frame([shapely.Point(180 + 360, -16.5)]), fields, "kind", radii_km=[5])
    assert around.set_index("kind")["share"].to_dict() == pytest.approx(
        {"a": 0.5, "b": 0.5}, abs=1e-3
    )


@pytest.mark.parametrize("by", ["year", "zone_id", "area_ha", "why"])
def test_class_column_of_a_taken_name_is_refused(by):
    with pytest.raises(ColumnError, match="name of its own"):
        overlay_areas(ZONES, FIELDS.assign(**{by: 1}), by)


# --- quilts of parcels
# -----------------------------------------------------------------------------------------------


def quilt(side=40, seed=0):
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0))
    x, y = x + rng.normal(0, 0.1, x.shape), y + rng.normal(0, 0.1, y.shape)
    corner = (
        (slice(-1), slice(-1)),
        (slice(-1), slice(1, None)),
        (slice(1, None), slice(1, None)),
        (slice(1, None), slice(-1)),
    )
    return shapely.polygons(
        np.stack([np.stack([x[c], y[c]], -1) for c in corner], 2).reshape(-1, 4, 2)
    )


def pairs(shapes):
    found = contests_among(shapes, Edges.of(shapes), np.zeros(shapes.size))
    return list(zip(found.earlier, found.later, strict=True))


def test_clean_quilt_is_recognised():
    shapes = quilt()
    assert surely_disjoint(shapes, Edges.of(shapes), shapely.STRtree(shapes))
    apart = np.delete(shapes, np.arange(0, shapes.size, 7))  # with holes in it
    assert pairs(apart) == []


@pytest.mark.parametrize(
    "patch",
    [
        shapely.box(5.2, 5.2, 5.8, 5.8),  # inside one
        shapely.box(4.5, 4.5, 7.5, 7.5),  # over several
        shapely.box(-3, -3, 60, 60),  # over all
        shapely.box(39.5, 10.3, 45, 10.6),  # in from the rim
    ],
)
def test_overlap_in_a_quilt_is_found(patch):
    shapes = quilt()
    meets = shapely.intersects(shapes, patch) & ~shapely.touches(shapes, patch)
    assert [later for _, later in pairs(np.append(shapes, patch))] == [shapes.size] * meets.sum()


def test_twin_and_drawn_over_parcels_are_found():
    shapes = quilt()
    assert pairs(np.append(shapes, shapes[17])) == [(17, shapes.size)]
    # One corner of a parcel pulled into its neighbour.
    ring = shapely.get_coordinates(shapes[100])
    ring[1] += [0.3, 0.3]
    drawn = shapes.copy()
    drawn[100] = shapely.Polygon(ring[:-1])
    found = pairs(drawn)
    meets = np.flatnonzero(area_m2(shapely.intersection(drawn, drawn[100])) > 1)
    assert sorted({i for pair in found for i in pair}) == sorted(meets.tolist())
    # Two quilts upon each other, inner parcels clean each within its own.
    both = np.concatenate(
        [
            quilt(12),
            shapely.affinity.translate(shapely.MultiPolygon(list(quilt(12, 1))), 6, 6).geoms,
        ]
    )
    assert pairs(both)


@pytest.mark.parametrize("n", [30, 150])
def test_heap_of_polygons_is_counted_once(n):
    """A heap of more than 64 is settled without trying its pairs; a lone parcel overlaps one of
    it.
    """
    rng = np.random.default_rng(n)
    heap = [shapely.box(x, y, x + 0.3, y + 0.3) for x, y in rng.uniform(0, 0.25, (n, 2))]
    heap += [shapely.box(0.5, 0.1, 2, 0.2), shapely.box(1.9, 0, 2.5, 1)]
    kinds = [*rng.choice(["a", "b"], n), "a", "b"]
    zone, found = frame([shapely.box(-1, -1, 3, 3)]), []
    table = overlay_areas(zone, frame(heap, kind=kinds), "kind", problems=found).set_index("kind")
    first = shapely.union_all([p for p, k in zip(heap, kinds, strict=True) if k == "a"])
    second = shapely.union_all([p for p, k in zip(heap, kinds, strict=True) if k == "b"])
    want = area_m2([first, shapely.difference(second, first)]) / 1e4
    assert table["area_ha"][["a", "b"]].tolist() == pytest.approx(want)
    assert table["overlap_ha"].sum() > 0
    assert {p.code for p in found} == {"cover_overlaps"}
    crowded = contests_among(
        np.array(heap, dtype=object), Edges.of(np.array(heap, dtype=object)), np.zeros(n + 2)
    )
    assert crowded.crowded.sum() == (150 if n == 150 else 0)
    assert crowded.later.size < 65 * n


def test_illustrative_parcel_in_one_zone_leaves_the_others_evidence():
    zones = frame([shapely.box(76, 0, 77, 1), shapely.box(78, 0, 79, 1)], ["y", "z"])
    parcels = frame(
        [
            shapely.box(76.1, 0.1, 76.2, 0.2),
            shapely.box(78.1, 0.1, 78.2, 0.2),
            shapely.box(78.4, 0.1, 78.5, 0.2),
        ],
        kind=["orchard", "orchard", "forage"],
        geometry_basis=["digitised", "illustrative", "surveyed"],
    )
    table = overlay_areas(zones, parcels, "kind").set_index(["zone_id", "kind"])
    assert table["geometry_basis"].drop("(outside)", level="kind").to_dict() == {
        ("y", "orchard"): "digitised", ("z", "forage"): "surveyed", ("z", "orchard"): "illustrative"
    }  # fmt: skip
    assert table["evidence"].drop("(outside)", level="kind").tolist() == [True, True, False]


def test_wide_table_keeps_a_class_called_outside_apart():
    long = overlay_areas(
        frame([shapely.box(0, 0, 2, 1)], ["z"]),
        frame([shapely.box(0, 0, 1, 1)], kind=["outside"]),
        "kind",
    )
    wide = to_wide(long)
    assert sorted(wide.columns) == ["(outside)_ha", "outside_ha"]
    assert wide.loc["z", "outside_ha"] == pytest.approx(wide.loc["z", "(outside)_ha"])


def test_blocks_of_discs_give_the_same(monkeypatch):
    from geosettle.covers import overlay

    sites = frame([shapely.Point(76 + 0.05 * i, 39) for i in range(9)], [f"s{i}" for i in range(9)])
    whole = overlay_areas(sites, FIELDS, "kind", radii_km=[3, 6])
    monkeypatch.setattr(overlay, "_DISCS", 4)
    seen = []
    pieces = overlay_areas(
        sites,
        FIELDS,
        "kind",
        radii_km=[3, 6],
        progress=lambda done, every: seen.append((done, every)),
    )
    pd.testing.assert_frame_equal(whole, pieces)
    assert seen == [(4, 18), (8, 18), (12, 18), (16, 18), (18, 18)]


def test_progress_over_several_maps_only_goes_on(monkeypatch):
    from geosettle.covers import zonal

    monkeypatch.setattr(zonal, "_BLOCK", 2)
    sites = frame([shapely.Point(76 + 0.05 * i, 39) for i in range(3)], [f"s{i}" for i in range(3)])
    seen = []
    overlay_areas(
        sites,
        {2010: GRID, 2020: GRID},
        radii_km=[3],
        progress=lambda done, every: seen.append((done, every)),
    )
    assert seen == [(2, 6), (3, 6), (5, 6), (6, 6)]


def test_oasis_of_the_embedded_study_against_counted_cells(embedded_study):
    """Reference: cells of 0.05 degrees that meet the rule, each in 10 x 10 parts, counted inside
    the prefectures.

    rasterio.features.rasterize(prefecture, out_shape=(10 * rows, 10 * columns)) gives the share of
    each cell in a prefecture, pyproj.Geod(ellps="WGS84").polygon_area_perimeter the area of a cell
    of each row; elevation there from another grid (SRTM30+, mean per cell), which the ceiling of
    2,000 m hardly notices in Kashgar and Hotan.
    """
    landcover = next(iter(embedded_study.landcover.values()))
    fields = derive_oasis(landcover, None, None, {"landcover_classes": [12, 14]})
    wide = {
        "landcover_classes": [11, 12, 13, 14],
        "ndvi_minimum": 0.30,
        "elevation_ceiling_m": 2000,
    }
    green = derive_oasis(landcover, embedded_study.ndvi, embedded_study.dem, wide)
    table = oasis_areas(embedded_study.boundaries, {"fields": fields, "green": green})
    area = table.set_index(["setting", "name"])["area_km2"]
    counted = {
        ("fields", "Kashgar"): 9838, ("fields", "Hotan"): 1306, ("fields", "Kizilsu"): 524,
        ("green", "Kashgar"): 20177, ("green", "Hotan"): 4410, ("green", "Kizilsu"): 1565,
    }  # fmt: skip
    for key, square_kilometres in counted.items():
        assert area[key] == pytest.approx(square_kilometres, rel=1.5e-3)


def test_illustrative_parcels_measure_what_was_declared(embedded_study):
    site = embedded_study.sites.loc[["RS-01"]]
    table = overlay_areas(site, embedded_study.development, "kind", radii_km=[30]).set_index("kind")
    declared = {"forage": 666.67, "facility_agriculture": 333, "forestry": 667}
    for kind, hectares in declared.items():
        assert table.loc[kind, "area_ha"] == pytest.approx(hectares, abs=0.01)
        assert not table.loc[kind, "evidence"]
