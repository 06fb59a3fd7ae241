"""One entry is one entry: a made-up layer, setting, metric, indicator, map element and table, each
added in one place, goes from the files to every output, in both languages.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest

import geosettle as gs
from geosettle import outputs
from geosettle.distance import METRICS, Metric, positions
from geosettle.errors import InputError
from geosettle.layers import LAYERS, Column, LayerSpec
from geosettle.maps import ELEMENTS, Element
from geosettle.maps.encoding import column
from geosettle.maps.indicator_columns import indicators
from geosettle.remoteness import INDICATORS
from geosettle.remoteness._inputs import Indicator
from geosettle.results.pivots import remoteness_wide
from geosettle.settings import RemotenessOptions, Settings, decode, defaults_toml
from geosettle.settings.options import Options, setting
from geosettle.tables import TABLES, Table
from geosettle.tables.dictionary import Entry
from geosettle.words import capital

WELLS = LayerSpec(
    "wells",
    ("point",),
    ("well_id",),
    (
        Column("well_id", required=True, meaning="identifier of the well"),
        Column("depth_m", "number", unit="m", minimum=0, meaning="depth of the well"),
    ),
    "wells that were measured",
)


@dataclass(frozen=True, kw_only=True)
class Flight(Options):
    """How flights are reckoned."""

    speed_kmh: float = setting(100.0, unit="km/h", above=0, meaning="speed of a flight")


@dataclass(frozen=True, kw_only=True)
class Noon(RemotenessOptions):
    """Indicators of remoteness, and one of shade."""

    shade_percent: float = setting(41.5, unit="percent", least=0, meaning="shade at noon")


@dataclass(frozen=True, kw_only=True)
class Mine(Settings):
    """Settings with a table of their own, and one more in a table of the package."""

    flight: Flight = field(default_factory=Flight)
    remoteness: Noon = field(default_factory=Noon)


def flight_pairs(origins, sites, pairs, context) -> pd.DataFrame:
    """Hours of a flight along the parallel and the meridian, as degrees of 100 km."""
    (x0, y0), (x1, y1) = positions(origins), positions(sites)
    i, j = pairs.T
    speed = context.options["flight"]["speed_kmh"]
    hours = (np.abs(x0[i] - x1[j]) + np.abs(y0[i] - y1[j])) * 100 / speed
    why = np.where(np.isnan(hours), "position unknown", "")
    return pd.DataFrame({"flight_h": hours, "why": why})


def flight_drawn(job):
    x0, y0, x1, y1 = job.ends
    speed = job.context.options["flight"]["speed_kmh"]
    hours = (np.abs(x0 - x1) + np.abs(y0 - y1)) * 100 / speed
    return {"flight": hours}, [""] * len(job.origin)


FLIGHT = Metric(
    "flight",
    value="flight_h",
    unit="h",
    columns=("flight_h",),
    pairs=flight_pairs,
    meaning="time of a flight along parallel and meridian",
    sample=flight_drawn,
    options=("flight",),
)


def shade(inputs) -> pd.DataFrame:
    ids = list(inputs.points["site"].index)
    value = inputs.options["shade_percent"]
    rows = {"role": "site", "id": ids, "indicator": "shade", "metric": "", "value": value}
    return pd.DataFrame(
        {**rows, "low": value - 1, "high": value + 1, "unit": "percent", "n": 1.0, "why": ""}
    )


SHADE = Indicator("shade", "percent", "shade at noon", "made up", "pairs", shade)


def draw_wells(result, settings):
    at = result.study.layers["wells"].geometry
    part = {"lon": column(at.x, steps=100_000), "lat": column(at.y, steps=100_000)}
    look = {"fill": "#FF00FF", "radius": 6}
    return {"parts": [{"label": {"en": "Well", "zh": "井"}, "style": look, **part}]}


DRAWN = Element("wells", 130, "points", draw_wells, {"en": "Wells, measured", "zh": "实测水井"})


IN_CHINESE = json.dumps("实测水井")
"""As the data of the page hold it."""


def deep_wells(result) -> pd.DataFrame:
    wells = pd.DataFrame(result.study.layers["wells"].drop(columns="geometry")).reset_index()
    return wells.assign(deep=wells["depth_m"] > 20, odd=1)


DEEP = Table(
    "deep_wells",
    "Deep wells",
    deep_wells,
    {"well_id": Entry("identifier of the well"), "deep": Entry("whether it is deeper than 20 m")},
    ("well_id",),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> gs.Study:
    folder = Path(shutil.copytree(gs.template_path(), tmp_path_factory.mktemp("x") / "study"))
    rows = "well_id,lon,lat,depth_m,driller\nW2,-30.1,40.1,12,Ana\nW1,-30.2,40.2,35.5,Bo\nW3,x,40,1,C\n"
    (folder / "wells.csv").write_text(rows, encoding="utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[layers.wells]\npath = "wells.csv"\nsource = "own survey"\n')
        file.write("\n[flight]\nspeed_kmh = 50\n\n[remoteness]\nshade_percent = 61.5\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LAYERS, "wells", WELLS)
        yield gs.read_study(folder, settings=Mine)


@pytest.fixture(scope="module")
def result(study: gs.Study) -> gs.Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(INDICATORS, "shade", SHADE)
        yield gs.analyse(study, metrics={**METRICS, "flight": FLIGHT})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_one_entry_reaches_every_output(
    result: gs.Result, lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "figures", lambda *_, **__: {})  # slow, and drawn from the same
    more = {"tables": {**TABLES, "deep_wells": DEEP}, "elements": {**ELEMENTS, "wells": DRAWN}}
    gs.write(result, tmp_path, lang=lang, **more)

    # The layer: rows counted, bad ones set aside, the others in the GeoPackage.
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["ledger"]["wells"] == {"rows_in": 3, "rows_used": 2, "rows_set_aside": 1}
    assert manifest["inputs"]["wells.csv"]["layer"] == "wells"
    wells = pyogrio.read_dataframe(tmp_path / "study.gpkg", layer="wells")
    assert wells["well_id"].tolist() == ["W1", "W2"]
    assert wells.geometry.x.tolist() == pytest.approx([-30.2, -30.1])

    # The metric: its values, its intervals around them, its meaning in the dictionary.
    pairs = pd.read_csv(tmp_path / "tables" / "pairs.csv").set_index(["origin_id", "site_id"])
    origins, sites = result.origins.geometry, result.sites.geometry
    for (origin, site), row in pairs.iterrows():
        a, b = origins[origin], sites[site]
        if a is None or b is None:
            assert np.isnan(row["flight_h"])
            assert "flight_h" in row["why"]
        else:
            assert row["flight_h"] == pytest.approx(2 * (abs(a.x - b.x) + abs(a.y - b.y)), abs=0.06)
    intervals = pd.read_csv(tmp_path / "tables" / "intervals.csv")
    drawn = intervals[intervals["metric"] == "flight"].set_index(["origin_id", "site_id"])
    assert len(drawn) == len(pairs)
    assert (drawn["unit"] == "h").all()
    known = drawn["median"].notna()
    assert known.any()
    assert (drawn["low"] <= drawn["high"])[known].all()
    book = pd.read_excel(tmp_path / "tables.xlsx", sheet_name="dictionary", engine="openpyxl")
    meaning = book.set_index(["table", "column"])["meaning"]
    assert meaning["pairs", "flight_h"] == FLIGHT.meaning

    # The settings: in the manifest, in the report's list of what differs from the defaults.
    assert manifest["parameters"]["flight"] == {"speed_kmh": 50}
    assert manifest["parameters"]["remoteness"]["shade_percent"] == 61.5
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "flight.speed_kmh" in report
    assert "remoteness.shade_percent" in report

    distances_to_the_land_are_everywhere(result, tmp_path, pairs)

    # The table: written, in the workbook, and no computed column is called one of the input.
    written = pd.read_csv(tmp_path / "tables" / "deep_wells.csv")
    assert written["deep"].tolist() == [True, False]
    assert meaning["deep_wells", "deep"] == "whether it is deeper than 20 m"
    assert meaning["deep_wells", "driller"] == "column of the input, as given"
    assert meaning["deep_wells", "odd"] == "computed; the table does not describe it"

    # The indicator: its rows, and its meaning on the map where it has no words.
    remote = pd.read_csv(tmp_path / "tables" / "remoteness.csv")
    assert (remote.loc[remote["indicator"] == "shade", "value"] == 61.5).all()
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert SHADE.meaning in page
    assert capital(SHADE.meaning) in report

    # The element.
    assert IN_CHINESE in page
    assert "Wells, measured" in page

    # The report names the metric by its meaning, and lists the layer.
    assert FLIGHT.meaning in report
    assert "wells" in report


def distances_to_the_land_are_everywhere(
    result: gs.Result, folder: Path, pairs: pd.DataFrame
) -> None:
    """By the made-up metric: of the sites, in the report's table, on the card of the map."""
    sites = pd.read_csv(folder / "tables" / "sites.csv").set_index("site_id")
    flows = pairs.reset_index().dropna(subset="flight_h")
    for site, own in flows[flows["households"] > 0].groupby("site_id"):
        mean = np.average(own["flight_h"], weights=own["households"])
        assert sites.loc[site, "land_mean_flight_h"] == pytest.approx(mean, abs=0.1)
    assert "ind_land_mean_unweighted_flight" in shown_in_report(result)
    main = {entry["key"] for entry in indicators(result)[1] if entry["main"]}
    assert {"land_mean:flight", "shade:"} <= main
    assert "ind_shade_" in shown_in_report(result)


def shown_in_report(result: gs.Result) -> list[str]:
    return list(remoteness_wide(result, lambda k, n: f"{k} of {n}"))


def test_a_setting_is_checked_where_it_is_declared() -> None:
    with pytest.raises(InputError, match=r"flight\.speed_kmh must be above 0.*"):
        decode({"flight": {"speed_kmh": 0}}, settings=Mine)
    with pytest.raises(InputError, match=r"no setting flight\.sped_kmh; did you mean"):
        decode({"flight": {"sped_kmh": 3}}, settings=Mine)
    with pytest.raises(InputError, match="no setting flight"):
        decode({"flight": {"speed_kmh": 3}})
    assert "speed_kmh = 100.0 " in defaults_toml(Mine)


def test_the_map_takes_elements_of_its_own(result: gs.Result) -> None:
    assert IN_CHINESE in gs.render(result, elements={"wells": DRAWN}).to_html()
    assert IN_CHINESE not in gs.render(result).to_html()


def test_frames_serve_as_a_further_layer(study: gs.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = gpd.GeoDataFrame(
        {"well_id": ["W7"]}, geometry=gpd.points_from_xy([-30.1], [40.1]), crs=4326
    )
    made = gs.Study(sites=study.sites, wells=frame)
    assert made.wells.index.tolist() == ["W7"]
    assert made.layers["wells"]["depth_m"].isna().all()
