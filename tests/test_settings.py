"""Settings: one source of defaults.toml, and every wrong value refused at once whatever the layers."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import geopandas as gpd
import pytest

import geosettle as gs
from geosettle.covers import oasis_position
from geosettle.distance import METRICS
from geosettle.distance.intervals import sample_distances
from geosettle.errors import InputError
from geosettle.livelihood import survey_capitals
from geosettle.livelihood.capitals import wilson
from geosettle.livelihood.survey import agresti_min
from geosettle.maps.page_data import card_columns, charts
from geosettle.settings import (
    DEFAULTS,
    Options,
    OverlayOptions,
    RoadRules,
    Settings,
    WalkOptions,
    check,
    decode,
    defaults_toml,
)
from geosettle.settings.options import choices_of, hints_of, setting

WRONG = {  # what a study.toml says, and what the refusal must name
    "[livelihood]\nlevel = 95": ("livelihood.level", "95", "0.95"),
    "[distance]\nlevel = 90": ("distance.level", "0.9"),
    "[walk]\nneighbours = 7": ("walk.neighbours", "7", "8"),
    '[walk]\nmodel = "tolber"': ("walk.model", "tolber", "tobler"),
    '[remoteness]\ncomposite_how = "minmx"': ("remoteness.composite_how", "minmax"),
    '[overlay]\noasis_setting = "centrl"': ("overlay.oasis_setting", "central"),
    '[services]\nladder = ["county_sate"]': ("services.ladder", "county_sate", "county_seat"),
    '[services]\nkinds = ["markt"]': ("services.kinds", "markt", "market"),
    '[services]\ngroups = { near = ["markt"] }': ("services.groups.near", "market"),
    '[distance]\nplaces_by_road = ["prot"]': ("distance.places_by_road", "prot", "port"),
    "[map]\nbudget_bytes = -5": ("map.budget_bytes", "-5", "at least 1"),
    "[distance]\nreach_cells = -5": ("distance.reach_cells", "-5"),
    "[admin]\ntolerance_km = -5": ("admin.tolerance_km", "-5"),
    "[distance]\ndraws = 2.5": ("distance.draws", "2.5", "a whole number"),
    '[remoteness]\nthresholds_km = ["a"]': ("remoteness.thresholds_km", "'a'"),
    "[distance]\ndetour_range_ratio = [1]": ("distance.detour_range_ratio", "[1]", "2 items"),
    "[study]\nregion = [1, 2]": ("study.region", "[1, 2]", "4 items"),
    '[remoteness]\nfarming_radius_km = { motor = "4" }': ("remoteness.farming_radius_km.motor", "'4'"),
    "[oasis]\npublished = 3": ("oasis.published", "3"),
    "[oasis.low]\nndvi_minimun = 0.3": ("oasis.low.ndvi_minimun", "oasis.low.ndvi_minimum"),
    '[distance]\ninterval_metrics = ["geodesc"]': ("distance.interval_metrics", "geodesic"),
    '[services]\nmetrics = ["raod"]': ("services.metrics", "raod", "road"),
    "[scenario.winter.road]\nseson = 'winter'": ("scenario.winter.road.seson", "season"),
    "[scenario.fast.road]\nspeed_kmh = 0": ("scenario.fast.road.speed_kmh", "above 0"),
    "[[livelihood.checks]]\nitem = 'x'\nmeasure = 'nearst'": ("livelihood.checks.measure", "nearest"),
    "[[livelihood.checks]]\nmeasure = 'slope'": ("livelihood.checks lacks item",),
    "[[models.1.conditions]]\nitem = 'x'\nmeasure = 'slope'\nat_mots = 3": ("models.1.conditions.at_mots", "at_most"),
    "[road]\nspeed_kmh = nan": ("road.speed_kmh",),
    "[overlay]\nradii_km = 5": ("overlay.radii_km", "a list"),
    "[overlay]\nradii_km = [5, 0]": ("overlay.radii_km", "above 0"),
    "[report]\nformats = ['jpg']": ("report.formats", "png"),
    "[study]\nlang = 'de'": ("study.lang", "en, zh"),
    "[walk.speed_by_slope_kmh]\nsteep = 3": ("walk.speed_by_slope_kmh", "'steep'", "-4 to 4"),
    "[walk.speed_by_slope_kmh]\n'0' = 3\n'0.3' = 0": ("walk.speed_by_slope_kmh.0.3", "above 0"),
    "[services.catchment_decay_km]\n'0' = 1\n'-3' = 0": ("services.catchment_decay_km", "'-3'"),
    "[services.catchment_decay_h]\n'0' = 100": ("services.catchment_decay_h.0", "at most 1"),
    "[claims.relative_tolerance]\narea = -1": ("claims.relative_tolerance.area",),
}  # fmt: skip


def sites_alone(folder: Path, more: str) -> Path:
    (folder / "sites.csv").write_text("site_id,name,lon,lat\nS1,One,20,10\n", encoding="utf-8")
    text = f'[layers.sites]\npath = "sites.csv"\n\n{more}\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("stated", WRONG)
def test_a_wrong_value_is_refused_though_the_study_has_no_layer_for_it(
    stated: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        gs.read_study(sites_alone(tmp_path, stated))
    for part in ("study.toml", *WRONG[stated]):
        assert part in str(caught.value)


def test_all_faults_come_in_one_message() -> None:
    with pytest.raises(InputError) as caught:
        decode({"walk": {"neighbours": 7, "modl": "weiss"}, "livelihood": {"level": 95}, "rod": {}})
    for part in (
        "walk.neighbours",
        "walk.modl",
        "walk.model",
        "livelihood.level",
        "no setting rod",
    ):
        assert part in str(caught.value)


def test_defaults_toml_is_what_the_classes_say() -> None:
    file = resources.files("geosettle") / "defaults.toml"
    text = file.read_text(encoding="utf-8")
    assert text == defaults_toml(), "run: make defaults"
    assert decode(tomllib.loads(text)) == DEFAULTS == Settings()


def tables(kind: Any = Settings) -> list[type[Options]]:
    """Return every class of settings, also those held by name or in a list."""
    if isinstance(kind, type) and issubclass(kind, Options):
        return [kind, *[t for hint in hints_of(kind).values() for t in tables(hint)]]
    parts = (
        (kind.__origin__, *kind.__metadata__) if get_origin(kind) is Annotated else get_args(kind)
    )
    return [t for part in parts for t in tables(part)]


def scalars(hint: Any) -> set[Any]:
    """Return the types of the single values in a setting."""
    parts = [p for p in get_args(hint) if p not in {type(None), ...}]
    return set().union(*map(scalars, parts)) if parts else {hint}


def setting_faults(table: type[Options]) -> list[str]:
    """What a table of settings leaves untold.

    A meaning, and of a number its unit, its range or its choices.
    """
    faults = [] if str(table.__doc__).strip() else [f"{table.__name__} has no description"]
    for item in dataclasses.fields(table):
        hint, about = hints_of(table)[item.name], item.metadata
        if isinstance(hint, type) and issubclass(hint, Options):
            continue  # described by its class
        if " " not in about.get("meaning", "").strip():
            faults.append(f"{item.name} has no description")
        limits = [about.get(k) for k in ("least", "above", "most", "below")]
        told = about.get("unit") or about.get("choices") or any(x is not None for x in limits)
        if scalars(hint) & {int, float} and not told:
            faults.append(f"{item.name} is a number without unit, range or choices")
    return faults


TABLES = list(dict.fromkeys(tables()))


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.__name__)
def test_every_setting_has_a_description_and_a_number_its_unit_or_range(
    table: type[Options],
) -> None:
    assert setting_faults(table) == []


def test_a_setting_that_says_too_little_is_found() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Poor(Options):
        """Settings with faults."""

        bare: float = 3.0
        silent: str = setting("", meaning=" ")
        depth: float = setting(1.0, meaning="depth of the well")

    assert setting_faults(Poor) == [
        "bare has no description",
        "bare is a number without unit, range or choices",
        "silent has no description",
        "depth is a number without unit, range or choices",
    ]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.__name__)
def test_every_default_is_a_value_that_would_be_accepted(table: type[Options]) -> None:
    stated = [f for f in dataclasses.fields(table) if f.default is not dataclasses.MISSING]
    check(table, **{item.name: item.default for item in stated})
    if len(stated) == len(dataclasses.fields(table)):
        assert dict(table()) == {item.name: item.default for item in stated}


def test_choices_are_the_names_of_the_mapping_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="by_boat"):
        decode({"distance": {"metrics": ["by_boat"]}})
    monkeypatch.setattr(gs.distance, "METRICS", {**METRICS, "by_boat": METRICS["geodesic"]})
    assert decode({"distance": {"metrics": ["by_boat"]}}).distance.metrics == ("by_boat",)


def test_choices_without_a_mapping_are_those_of_the_code_that_uses_them() -> None:
    names = {f.name: f.metadata["choices"] for f in dataclasses.fields(WalkOptions)}
    assert choices_of(names["neighbours"]) == [4, 8, 16, 32]


def test_kinds_of_the_study_own_places_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text(
        "place_id,name,kind,lon,lat\nP1,Well,hand_pump,20.1,10\n", encoding="utf-8"
    )
    asked = '[layers.places]\npath = "places.csv"\n[services]\nkinds = ["hand_pump", "lga_seat"]'
    study = gs.read_study(sites_alone(tmp_path, asked))
    assert study.settings.services.kinds == ("hand_pump", "lga_seat")


def test_a_study_made_in_python_takes_tables_and_refuses_as_a_file_does() -> None:
    sites = gpd.GeoDataFrame(
        {"site_id": ["S1"], "name": ["One"]}, geometry=gpd.points_from_xy([20], [10]), crs=4326
    )
    study = gs.Study(sites=sites, settings={"overlay": {"radii_km": [10, 20]}})
    assert study.settings.overlay.radii_km == study.settings["overlay"]["radii_km"] == (10, 20)
    assert dict(study.settings.overlay) == dict(OverlayOptions(radii_km=[10, 20]))
    with pytest.raises(InputError, match=r"overlay\.radii_km"):
        gs.Study(sites=sites, settings={"overlay": {"radii_km": [-1]}})
    with pytest.raises(InputError, match="speed_kmh must be above 0"):
        RoadRules(speed_kmh=0)


def test_settings_alone_load_no_engine() -> None:
    code = "import sys, geosettle.settings; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_calls_in_python_refuse_what_a_study_would() -> None:
    with pytest.raises(
        InputError, match=r"level must be above 0 and below 1, not 95; did you mean 0\.95"
    ):
        wilson(24, 200, level=95)
    with pytest.raises(InputError, match="level must be"):
        agresti_min(3, 1, 20, level=0)
    sites = gpd.GeoDataFrame(
        index=["S1"], geometry=gpd.points_from_xy([20], [10]), crs=4326
    ).rename_axis("site_id")
    with pytest.raises(InputError, match=r"level must be .*, not 90; did you mean 0\.9"):
        gs.distance.distance_intervals([], sites, sites, level=90)


def seeds(function: object) -> object:
    return inspect.signature(function).parameters["seed"].default


def test_the_library_draws_what_a_run_draws() -> None:
    draws = (gs.distance.distance_intervals, sample_distances, oasis_position)
    assert {seeds(f) for f in draws} == {DEFAULTS.distance.seed}
    assert seeds(survey_capitals) == DEFAULTS.livelihood.seed


@pytest.mark.parametrize(("radii", "middle"), [((10, 20), 10), ((5, 15, 30), 15), ((2.5,), 2.5)])
def test_the_map_speaks_of_the_radii_of_the_study(radii: tuple[float, ...], middle: float) -> None:
    study = gs.read_study(gs.template_path())
    asked = dataclasses.replace(study.settings, overlay=OverlayOptions(radii_km=radii))
    result = gs.analyse(study.replace(settings=asked))
    rows = {row["column"]: row["label"]["en"] for row in card_columns(result)}
    assert rows[f"oasis_{middle:g}km_ha"] == f"Oasis within {middle:g} km"
    assert rows[f"development_{middle:g}km_ha"] == f"Land development within {middle:g} km"
    chart = charts(result)
    assert chart["radius"] == middle
    site, bars = next(iter(chart["land"].items()))
    oasis = next(area for _, area, is_oasis in bars if is_oasis)
    covers = result.covers.query("zone == 'disc' and layer == 'oasis' and radius_km == @middle")
    assert oasis == pytest.approx(
        covers.loc[(covers["zone_id"] == site) & (covers["class"] != "(outside)"), "area_ha"].sum(),
        abs=0.5,
    )


def test_a_study_without_discs_has_no_land_chart() -> None:
    study = gs.read_study(gs.template_path())
    asked = dataclasses.replace(study.settings, overlay=OverlayOptions(radii_km=()))
    chart = charts(gs.analyse(study.replace(settings=asked)))
    assert chart["land"] == {}
    assert chart["radius"] is None
