"""Tables of units and of moves between them, and the one headline."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

import geosettle as gs
from geosettle.tables import tables

GEOD = Geod(ellps="WGS84")


def places(kind, rows, **columns):
    ids, names, lon, lat = zip(*rows, strict=True)
    at = [None if x is None else shapely.Point(x, y) for x, y in zip(lon, lat, strict=True)]
    frame = {"name": list(names), **columns}
    index = pd.Index(ids, name=f"{kind}_id")
    return gpd.GeoDataFrame(frame, geometry=at, index=index, crs="EPSG:4326")


def oblasts():
    """Two oblasts of two raions each, none of which is called like a level of another test."""
    boxes = {"N": (30, 50, 32, 51), "S": (30, 49, 32, 50), "N1": (30, 50, 31, 51),
             "N2": (31, 50, 32, 51), "S1": (30, 49, 31, 50), "S2": (31, 49, 32, 50)}  # fmt: skip
    return gpd.GeoDataFrame(
        {"name": ["North", "South", "Nova", "Lis", "Pole", "Lis"],
         "level": ["oblast", "oblast", "raion", "raion", "raion", "raion"],
         "parent_code": [None, None, "N", "N", "S", "S"]},
        geometry=[shapely.box(*b) for b in boxes.values()],
        index=pd.Index(list(boxes), name="code"), crs="EPSG:4326",
    )  # fmt: skip


SITES = [("A", "Alpha", 30.5, 50.5), ("B", "Beta", 31.5, 50.5), ("C", "Gamma", 31.5, 49.5),
         ("D", "Delta", None, None)]  # fmt: skip
ORIGINS = [("o1", "One", 30.2, 50.2), ("o2", "Two", 31.8, 49.2), ("o3", "Three", 30.8, 49.8)]
FLOWS = pd.DataFrame(
    [("o1", "A", 40, 200), ("o2", "A", 10, 50), ("o3", "B", 100, 420), ("o2", "C", 7, 30),
     ("o1", "D", 3, 9)],
    columns=["origin_id", "site_id", "households", "persons"],
)  # fmt: skip


def study(**changed):
    own = {
        # Gamma is stated to be in North, though its position is in South.
        "sites": places("site", SITES, oblast=["North", "North", "North", "South"],
                        raion=["Nova", "Lis", None, None]),
        "origins": places("origin", ORIGINS, uncertainty_km=[0.0, 15.0, 5.0]),
        "flows": FLOWS,
        "boundaries": oblasts(),
    }  # fmt: skip
    return gs.Study(**{**own, **changed})


@pytest.fixture(scope="module")
def made():
    result = gs.analyse(study())
    return result, tables(result)


def test_units_are_those_stated_and_nested_in_the_order_of_households(made):
    units = made[1]["units"]
    listed = list(zip(units["level"], units["unit"], units["sites"], strict=True))
    assert listed == [
        ("oblast", "North", 3), ("raion", "Lis", 1), ("raion", "Nova", 1), ("oblast", "South", 1),
        ("raion", "Lis", 0), ("raion", "Pole", 0), ("raion", "(not known)", 2), ("total", "", 4),
    ]  # fmt: skip
    assert units["households"].tolist()[:4] == [157, 100, 50, 3]
    assert units["parent"].tolist()[:3] == ["", "North", "North"]
    assert units["code"].tolist()[:5] == ["N", "N2", "N1", "S", "S2"]
    # By position Gamma is in South: shown because it differs.
    assert units["sites_by_position"].tolist()[:4] == [2, 1, 1, 1]
    assert units["sites_located"].tolist()[-1] == 3


def test_every_move_is_counted_once_at_each_level(made):
    units, moves = made[1]["units"], made[1]["moves"]
    for level in ("oblast", "raion"):
        rows = moves[moves["level"] == level]
        assert rows["households"].sum() == FLOWS["households"].sum()
        assert rows["persons"].sum() == FLOWS["persons"].sum()
        assert rows["moves"].sum() == len(FLOWS)
        own = units[units["level"] == level]
        within = rows.loc[rows["within"], "households"].sum()
        assert own["households_within"].sum() == within
        assert own["households_in"].sum() == own["households_out"].sum()
        assert own["households_in"].sum() + within == FLOWS["households"].sum()
    north = units.iloc[0]
    # One -> Alpha stays in North; Two -> Alpha, Three -> Beta and Two -> Gamma come from South.
    assert north[["households_in", "households_within", "households_out"]].tolist() == [117, 40, 3]
    first = moves.iloc[0]
    assert first[["origin_unit", "site_unit", "households"]].tolist() == ["South", "North", 117]
    assert moves[moves["level"] == "oblast"]["within"].tolist() == [False, False, True]


def weighted_median(values, weights):
    """Median of as many copies of each value as it weighs."""
    return float(np.median(np.repeat(values, weights)))


def drawn_distances(rng, draws=4000):
    """Distances of the moves with a position, drawn here without the package."""
    at = {key: (x, y) for key, _, x, y in [*SITES, *ORIGINS]}
    radius = {"o2": 15_000.0, "o3": 5_000.0}
    shifted = {}
    for key, (x, y) in at.items():
        if x is None:
            continue
        r = radius.get(key, 0.0) * np.sqrt(rng.random(draws))
        n = np.ones(draws)
        shifted[key] = GEOD.fwd(x * n, y * n, 360 * rng.random(draws), r)[:2]
    rows = FLOWS[FLOWS["site_id"] != "D"]
    km = [
        GEOD.inv(*shifted[o], *shifted[s])[2] / 1000
        for o, s in zip(rows["origin_id"], rows["site_id"], strict=True)
    ]
    return np.array(km), rows["households"].to_numpy()


def test_the_headline_is_the_household_median_with_its_interval(made):
    km, households = drawn_distances(np.random.default_rng(3))
    drawn = [weighted_median(km[:, d], households) for d in range(km.shape[1])]
    low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95])
    headline = made[0].headline
    assert headline.weighting == "households"
    assert (headline.total, headline.n, headline.of) == (157, 4, 5)
    assert headline.km == pytest.approx(middle, abs=0.3)
    assert headline.low_km == pytest.approx(low, abs=0.5)
    assert headline.high_km == pytest.approx(high, abs=0.5)
    total = made[1]["units"].iloc[-1]
    assert total["distance_median_km"] == pytest.approx(headline.km, abs=0.06)
    assert (total["distance_n"], total["distance_of"]) == (4, 5)


def test_the_median_of_a_unit_is_over_its_own_moves(made):
    km, households = drawn_distances(np.random.default_rng(4))
    nova = made[1]["units"].set_index("code").loc["N1"]  # the first two moves reach Alpha
    drawn = [weighted_median(km[:2, d], households[:2]) for d in range(km.shape[1])]
    mean = (km[:2] * households[:2, None]).sum(axis=0) / households[:2].sum()
    assert nova["distance_median_km"] == pytest.approx(np.median(drawn), abs=0.3)
    assert nova["distance_mean_km"] == pytest.approx(np.median(mean), abs=0.3)
    assert nova["distance_mean_low_km"] == pytest.approx(np.quantile(mean, 0.05), abs=0.4)


def test_households_weigh_only_where_enough_are_known():
    some = FLOWS.assign(households=[40, None, None, None, 3], persons=[None, 50, 420, 30, None])
    headline = gs.analyse(study(flows=some)).headline
    assert (headline.weighting, headline.total, headline.n) == ("persons", 500, 3)
    none = FLOWS.drop(columns=["households", "persons"])
    result = gs.analyse(study(flows=none))
    assert (result.headline.weighting, result.headline.n) == ("moves", 4)
    assert "households" not in tables(result)["moves"]


def test_exact_positions_have_a_distance_without_width():
    exact = places("origin", ORIGINS)
    headline = gs.analyse(study(origins=exact)).headline
    assert headline.low_km == headline.km == headline.high_km
    at = {key: (x, y) for key, _, x, y in [*SITES, *ORIGINS]}
    # 100 of 157 households moved from Three to Beta.
    assert headline.km == pytest.approx(GEOD.inv(*at["o3"], *at["B"])[2] / 1000, abs=1e-6)


def test_levels_are_found_without_boundaries():
    sites = places("site", SITES, state=["Kano", "Kano", "Benue", "Benue"],
                   lga=["Obi", "Dala", "Obi", "Obi"])  # fmt: skip
    origins = places("origin", ORIGINS, state=["Kano", "Benue", "Benue"], lga=["Dala", "Obi", None])
    result = gs.analyse(gs.Study(sites=sites, origins=origins, flows=FLOWS))
    units = tables(result)["units"]
    assert list(zip(units["level"], units["unit"], units["parent"].fillna(""), strict=True))[:5] == [
        ("state", "Kano", ""), ("lga", "Dala", "Kano"), ("lga", "Obi", "Kano"),
        ("state", "Benue", ""), ("lga", "Obi", "Benue"),
    ]  # fmt: skip
    assert "code" not in units


def test_a_study_without_levels_has_no_table_of_units():
    result = gs.analyse(gs.Study(sites=places("site", SITES)))
    assert result.headline is None
    assert result.units.empty
    assert result.moves.empty


# --- every origin to every site -----------------------------------------------------------------


def test_a_matrix_is_made_only_on_request():
    result = gs.analyse(study(flows=None))
    assert result.matrix.empty
    assert tables(result)["matrix"].empty


def test_a_matrix_holds_every_straight_line_with_the_digits_of_both_positions():
    result = gs.analyse(study(flows=None, settings={"distance": {"matrix": True}}))
    made = tables(result)["matrix"].set_index("origin_id")
    assert result.moves.empty  # a matrix is no moves
    assert list(made) == ["origin", "A", "B", "C", "D", "why"]
    assert made.loc["o1", "origin"] == "One"
    _, _, metres = GEOD.inv(30.2, 50.2, 30.5, 50.5)
    assert made.loc["o1", "A"] == pytest.approx(metres / 1000, abs=5e-4)
    _, _, rough = GEOD.inv(31.8, 49.2, 31.5, 49.5)
    assert made.loc["o2", "C"] == round(rough / 1000, 1)  # known to 15 km
    assert made["D"].isna().all()
    assert made["why"].tolist() == ["position of the site unknown"] * 3
