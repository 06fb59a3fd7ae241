"""Settings: one class per table of study.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from geosettle.settings.fetching import FetchOptions
from geosettle.settings.options import KINDS, Options, setting
from geosettle.settings.reaching import ReachOptions

_METRICS: Final = "geosettle.distance:METRICS"
_WALK_MODELS: Final = "geosettle.distance.walk_models:MODELS"


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Options):
    """What the study is called and where it is."""

    name: str = setting("study", meaning="name of the study")
    title: str = setting("", meaning="printed over map and report; empty: made from what was found")
    title_zh: str = setting("", meaning="the same where the language is zh; empty: title")
    region: tuple[float, ...] = setting(
        (), unit="degrees", least=-180, most=180, length=(0, 4),
        meaning="[west, south, east, north]; rows outside are set aside; empty: anywhere",
    )  # fmt: skip
    raster_cells: int = setting(
        200_000_000,
        unit="cells",
        least=1,
        meaning="largest raster that is read; of a larger one only the surroundings of the study",
    )
    features: int = setting(
        200_000,
        unit="features",
        least=1,
        meaning="largest file of roads, rivers, boundaries or development that is read whole; of a "
        "larger one only the surroundings of the study",
    )
    boundary_note: str = setting("", meaning="whose boundary set it is")
    lang: str = setting(
        "en", choices=("geosettle.words:languages",), meaning="language of map and report"
    )


@dataclass(frozen=True, kw_only=True)
class MapOptions(Options):
    """Options of geosettle.render."""

    basemap: str = setting(
        "",
        meaning='xyzservices name such as "OpenStreetMap.Mapnik"; empty: nothing from the network',
    )
    budget_bytes: int = setting(
        1_500_000,
        unit="bytes",
        least=1,
        meaning="outlines are simplified until the page is no larger",
    )
    columns: tuple[str, ...] = setting(
        (),
        meaning="columns of the sites file, not used otherwise, to colour the sites of the map by",
    )
    relief_px: int = setting(
        1400, unit="pixels", least=1, most=20_000, meaning="width of the relief picture"
    )


@dataclass(frozen=True, kw_only=True)
class ReportOptions(Options):
    """Options of the figures and of the report."""

    documents: tuple[str, ...] = setting(
        (), choices=("docx", "pdf"),
        meaning="also report.docx (needs python-docx) and report.pdf (needs Chromium)",
    )  # fmt: skip

    formats: tuple[str, ...] = setting(
        ("png", "svg", "pdf"), choices=("png", "svg", "pdf"),
        meaning="files in figures/; png is also what report.html shows",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AdminOptions(Options):
    """How places are joined with administrative units."""

    tolerance_km: float = setting(
        5.0,
        unit="km",
        least=0,
        meaning="a place outside every unit belongs to the nearest one within this distance",
    )
    aliases: Mapping[str, str] = setting(
        {}, meaning="other spelling of a unit = its name in the boundaries"
    )


@dataclass(frozen=True, kw_only=True)
class OasisRule(Options):
    """A rule that derives the oasis from rasters; what is not set is no condition."""

    landcover_classes: tuple[float, ...] | None = setting(
        None, unit="class numbers", meaning="classes of land cover that are oasis"
    )
    ndvi_minimum: float | None = setting(
        None, least=-1, most=1, meaning="or where the highest NDVI reaches this"
    )
    elevation_ceiling_m: float | None = setting(
        None, unit="m", meaning="and the mean elevation is below this"
    )
    smallest_patch_km2: float | None = setting(
        None, unit="km2", least=0, meaning="smaller patches are left out"
    )


@dataclass(frozen=True, kw_only=True)
class PublishedOasis(Options):
    """A figure by others, of the unit that names the table or that `unit` names."""

    area_km2: float | None = setting(None, unit="km2", least=0, meaning="area of the oasis")
    share_percent: float | None = setting(
        None, unit="percent", least=0, most=100, meaning="share of the unit"
    )
    of_km2: float | None = setting(
        None, unit="km2", above=0, meaning="area of the unit it is a share of"
    )
    source: str = setting("", meaning="who published it")
    claim: str = setting("", meaning="id of the claim it is")
    unit: str = setting("", meaning="name or code of the unit, where the table is not called by it")


@dataclass(frozen=True, kw_only=True)
class OasisOptions(Options):
    """The rule that derives the oasis where no layer draws it, in up to three settings."""

    low: Annotated[Mapping[str, Any], OasisRule] = setting(
        {}, meaning="rule that gives the least oasis"
    )
    central: Annotated[Mapping[str, Any], OasisRule] = setting({}, meaning="rule thought the best")
    high: Annotated[Mapping[str, Any], OasisRule] = setting(
        {}, meaning="rule that gives the most oasis"
    )
    published: Mapping[str, Annotated[Mapping[str, Any], PublishedOasis]] = setting(
        {}, meaning="unit = { area_km2, share_percent, of_km2, source, claim }: figures by others"
    )


@dataclass(frozen=True, kw_only=True)
class OverlayOptions(Options):
    """Areas of land around the sites."""

    radii_km: tuple[float, ...] = setting(
        (5, 15, 30),
        unit="km",
        above=0,
        meaning="geodesic discs around the sites; the map speaks of the middle one",
    )
    fringe_km: float = setting(
        5.0,
        unit="km",
        least=0,
        meaning="an oasis is fringe within this distance of its edge, core beyond",
    )
    survey_year: int = setting(
        0, least=0, meaning="polygons dated later are reported; 0: not asked"
    )
    oasis_setting: str = setting(
        "central",
        choices=("low", "central", "high"),
        meaning="setting of the oasis rule used for sites and map",
    )
    max_repair_share: float = setting(
        0.01, least=0, most=1,
        meaning="an invalid polygon is repaired if its area changes by no more than this share, "
        "else set aside",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LandOptions(Options):
    """Land per household."""

    enough_mu_per_person: float = setting(
        0.0,
        unit="mu",
        least=0,
        meaning="self-run land a person that counts as enough; 0: not asked",
    )
    enough_mu_per_household: float = setting(
        0.0,
        unit="mu",
        least=0,
        meaning="self-run land a household, where persons are unknown; 0: not asked",
    )
    differs_share: float = setting(
        0.05,
        least=0,
        meaning="declared and mapped areas further apart than this share of the declared one are "
        "reported",
    )


@dataclass(frozen=True, kw_only=True)
class Spread(Options):
    """How the costly metrics are drawn, and what varies besides the positions.

    Speeds vary log-normally, the same in draw d of every pair; the error of the heights enters
    walking and travel only.
    """

    positions: int = setting(
        8,
        least=1,
        meaning="representative positions of a place from which walks are solved for its draws",
    )
    cells: int = setting(
        40_000,
        least=1,
        meaning="cells walked per place for intervals; a larger region is walked on coarser cells",
    )
    line_draws: int = setting(
        100, least=1, meaning="of the draws, so many are draped and sent by road"
    )
    missing_share: float = setting(
        0.25, least=0, most=1,
        meaning="no interval where more of the draws than this are outside the grid, "
        "in barriers or off the roads",
    )  # fmt: skip
    walk_speed_share: float = setting(
        0.0,
        least=0,
        meaning="relative standard deviation of the speed on foot in the intervals; 0: as stated",
    )
    road_speed_share: float = setting(
        0.1, least=0, meaning="the same of the speed by road: an assumption, no norm"
    )
    road_length_share: float = setting(
        0.02,
        least=0,
        meaning="the same of the lengths in a table of roads, for each pair by itself: "
        "an assumption",
    )
    dem_error_m: float = setting(
        0.0, unit="m", least=0,
        meaning="standard deviation of the heights' error in the intervals of walk and travel; 0: "
        "none",
    )  # fmt: skip
    dem_error_range_km: float = setting(
        1.0,
        unit="km",
        above=0,
        meaning="distance at which the correlation of that error has fallen to 1/e",
    )


@dataclass(frozen=True, kw_only=True)
class DistanceOptions(Spread):
    """Which distances are measured, and how their intervals are drawn."""

    metrics: tuple[str, ...] = setting(
        (), choices=(_METRICS,),
        meaning='what is measured; empty: geodesic, surface, walk and road as far as there are '
        'layers; also "travel": slower, worth it where roads are surveyed lines',
    )  # fmt: skip
    interval_metrics: tuple[str, ...] = setting(
        ("geodesic", "surface", "walk", "road", "travel"), choices=(_METRICS,),
        meaning="metrics whose intervals are drawn, where they are measured",
    )  # fmt: skip
    matrix: bool = setting(
        default=False,
        meaning="whether tables/matrix.csv gives the straight line of every origin to every site; "
        "these are not moves",
    )
    paths: tuple[str, ...] = setting(
        (), choices=("walk", "road", "travel"),
        meaning="metrics whose ways study.gpkg holds as lines, and tables/paths.csv without them",
    )  # fmt: skip
    months: bool = setting(
        default=False,
        meaning="whether tables/months.csv gives the hours of every pair by month, from barriers "
        "and roads that are closed in some",
    )
    level: float = setting(0.9, above=0, below=1, meaning="of the intervals")
    draws: int = setting(2000, least=1, meaning="positions drawn per place")
    seed: int = setting(20191001, least=0, meaning="of the draws")
    detour_range_ratio: tuple[float, float] = setting(
        (1.0, 3.0), least=0, length=(2,), meaning="plausible way by road over straight line"
    )
    reach_cells: int = setting(
        250_000,
        unit="cells",
        least=0,
        meaning="size of the picture of hours on foot to the nearest site; 0: none",
    )
    places_by_road: tuple[str, ...] = setting(
        (), choices=(KINDS,),
        meaning="kinds of places to which the metrics of services are taken; empty: none",
    )  # fmt: skip
    rough_share: float = setting(
        0.25,
        least=0,
        meaning="sum of the radii over the straight line from which a pair is called rough",
    )


@dataclass(frozen=True, kw_only=True)
class WalkOptions(Options):
    """Keywords of the metric "walk"."""

    model: str = setting("tobler", choices=(_WALK_MODELS,), meaning="speed on foot by slope")
    speed_by_slope_kmh: Mapping[Any, float] = setting(
        {}, unit="km/h", above=0, keys=(-4, 4),
        meaning='slope (rise over run, uphill positive) = speed instead of the model, as in '
        '"-0.3" = 3.0; straight between slopes, beyond them the speed at the last',
    )  # fmt: skip
    flat_kmh: float = setting(
        0.0, unit="km/h", least=0,
        meaning="speed on the level, to which all speeds of the model are scaled; 0: the model's",
    )  # fmt: skip
    age: str = setting(
        "adult", choices=("geosettle.distance.walk_models:AGES",),
        meaning="age of those who walk; years, slower after Bohannon & Andrews (2011)",
    )  # fmt: skip
    load_kg: float = setting(
        0.0, unit="kg", least=0, meaning="load carried, slower after Pandolf et al. (1977)"
    )
    body_kg: float = setting(
        60.0, unit="kg", above=0, meaning="weight of who carries: an assumption, no norm"
    )
    flat: bool = setting(
        default=False, meaning="whether slopes are left out: every step at the pace of the flat"
    )
    neighbours: int = setting(
        16, choices=("geosettle.distance._solver.cost_grid:NEIGHBOURS",),
        meaning="directions of a step; largest error of the grid 41.4, 8.2, 2.7 and 1.3 %",
    )  # fmt: skip
    corners: str = setting(
        "one_open", choices=("geosettle.distance._solver.cost_grid:CORNERS",),
        meaning="a step passes a corner between closed cells if one of the two cells is open, if "
        "both are, or any corner (as r.cost of GRASS does)",
    )  # fmt: skip
    closed_classes: tuple[float, ...] = setting(
        (), unit="class numbers", meaning="land cover classes that cannot be entered (water)"
    )
    landcover_speed_kmh: Mapping[Any, float] = setting(
        {}, unit="km/h", least=0,
        meaning="class = speed on the flat, 0 closes it; empty: land cover does not slow walking",
    )  # fmt: skip
    open_without_landcover: bool = setting(
        default=False,
        meaning="whether ground without data in the land cover can be walked on, where it is used",
    )
    month: int = setting(
        0,
        least=0,
        most=12,
        meaning="month whose barriers are closed; 0: only those that are closed all year",
    )


@dataclass(frozen=True, kw_only=True)
class RoadRules(Options):
    """How roads are read and used: keywords of the metric "road"."""

    speed_kmh: float = setting(
        40.0,
        unit="km/h",
        above=0,
        meaning="where neither the row nor its class has one: an assumption, no norm",
    )
    max_access_km: float = setting(
        25.0, unit="km", least=0, meaning="longest leg between a place and the road"
    )
    access_model: str = setting(
        "tobler", choices=(_WALK_MODELS,), meaning="walking model of these legs"
    )
    off_road_kmh: float = setting(
        4.0, unit="km/h", above=0, meaning="speed of these legs where there is no elevation"
    )
    tolerance_m: float = setting(
        1.0,
        unit="m",
        least=0,
        meaning="a dangling end of a line no farther than this from another line is joined to it",
    )
    crossings: bool = setting(
        default=True,
        meaning="whether lines that cross without a common vertex are joined there (never where "
        "their `layer` differs, nor in data of OpenStreetMap)",
    )
    season: str = setting(
        "", meaning="leave out rows whose `season` names others only; empty: all are open"
    )
    month: int = setting(
        0, least=0, most=12, unit="month",
        meaning="leave out rows whose `season` names other months only, as in 5-10; 0: none",
    )  # fmt: skip
    leave_out_quality: tuple[str, ...] = setting(
        ("C",), meaning="rows of this quality are not used for routing"
    )
    straight_tolerance_km: float = setting(
        1.0, unit="km", least=0,
        meaning="a published length may be so much shorter than the straight line between its "
        "places",
    )  # fmt: skip
    candidates: int = setting(
        4, least=1, meaning="in a table of places: how many of the nearest a leg may lead to"
    )
    country: str = setting(
        "", meaning='country of the roads; a class may have a speed there, as in "RO:track" = 20'
    )
    class_speed_kmh: Mapping[str, float] = setting(
        {},
        unit="km/h",
        above=0,
        meaning='class = speed; also of a limit without a number, as in "RO:rural" = 90',
    )
    closed: Mapping[str, tuple[Any, ...]] = setting({}, meaning="column = [values]: rows left out")


@dataclass(frozen=True, kw_only=True)
class ScenarioOptions(Options):
    """Settings that differ in a scenario."""

    road: Annotated[Mapping[str, Any], RoadRules] = setting(
        {}, meaning="settings of road that differ"
    )
    walk: Annotated[Mapping[str, Any], WalkOptions] = setting(
        {}, meaning="settings of walk that differ"
    )
    travel: Annotated[Mapping[str, Any], WalkOptions] = setting(
        {}, meaning="settings of walk, for travel only"
    )


@dataclass(frozen=True, kw_only=True)
class RemotenessOptions(Options):
    """Indicators of remoteness."""

    metrics: tuple[str, ...] = setting(
        (), choices=(_METRICS, "road_time"),
        meaning="metrics to take distances from, and road_time; empty: every one that was measured",
    )  # fmt: skip
    thresholds_km: tuple[float, ...] = setting(
        (4, 20, 50, 100),
        unit="km",
        above=0,
        meaning="share of the households whose land is farther than this",
    )
    thresholds_h: tuple[float, ...] = setting(
        (0.5, 1, 2, 8), unit="h", above=0, meaning="the same for metrics in hours, one way"
    )
    farming_radius_km: Mapping[str, float] = setting(
        {}, unit="km", above=0,
        meaning="way of going = radius, such as foot = 0.666; distances to the land in "
        "multiples of it; empty: none",
    )  # fmt: skip
    farming_radius_source: str = setting(
        "", meaning="who published these radii; the report cites it"
    )
    trips_per_year: float = setting(
        1,
        least=0,
        meaning="round trips a year to the land left; 1 gives the hours of one trip; no norm",
    )
    composite_weights: Mapping[str, float] = setting(
        {}, least=0, meaning="indicator = weight, such as land_mean_unweighted = 1; empty: none"
    )
    composite_metric: str = setting(
        "geodesic", choices=(_METRICS, "road_time"), meaning="metric of the composite"
    )
    composite_how: str = setting(
        "minmax",
        choices=("geosettle.remoteness.measures:SCALINGS",),
        meaning="how indicators are scaled",
    )


@dataclass(frozen=True, kw_only=True)
class ServiceOptions(Options):
    """What is within reach: places of service, centres, roads."""

    metrics: tuple[str, ...] = setting(
        ("road",), choices=(_METRICS,),
        meaning="how places are reached besides the straight line; walk and travel take minutes",
    )  # fmt: skip
    kinds: tuple[str, ...] = setting(
        (), choices=(KINDS,),
        meaning="kinds of place to find the nearest of; empty: every kind among the study's places",
    )  # fmt: skip
    compared: tuple[str, ...] = setting(
        (), choices=(KINDS,),
        meaning="kinds of place that services.csv compares before and after the move; empty: "
        "schools, clinics, markets, water points and their like, as far as the study has them",
    )  # fmt: skip
    groups: Mapping[str, tuple[str, ...]] = setting(
        {}, choices=(KINDS,),
        meaning="name of your own = kinds that serve alike",
    )  # fmt: skip
    minutes: tuple[float, ...] = setting(
        (30, 60, 120),
        unit="min",
        above=0,
        meaning="places within these times, where a metric in hours is given",
    )
    reach_km: tuple[float, ...] = setting(
        (10, 30, 60),
        unit="km",
        above=0,
        meaning="places within these straight-line distances; no norm",
    )
    ladder: tuple[str, ...] = setting(
        (), choices=(KINDS,),
        meaning="kinds of centre from high to low, for the ARIA-style score; empty: none",
    )  # fmt: skip
    higher_serves: bool = setting(
        default=True, meaning="a higher centre serves for the lower classes too"
    )
    aria_cap: float = setting(
        3,
        above=0,
        meaning="greatest ratio of distance to the study's mean that counts (GISCA, ARIA+)",
    )
    gravity_reach_km: float = setting(
        200, unit="km", above=0,
        meaning="centres beyond do not count: 2.5 h at 80 km/h in Statistics Canada's code of 2016",
    )  # fmt: skip
    gravity_floor_km: float = setting(
        18.75, unit="km", above=0,
        meaning="least distance, for a centre at the door: 3 dollars at 16 cents a km there",
    )  # fmt: skip
    gravity_reach_h: float = setting(2.5, unit="h", above=0, meaning="the same in hours")
    gravity_floor_h: float = setting(0.234, unit="h", above=0, meaning="18.75 km at 80 km/h")
    demand: str = setting(
        "persons",
        meaning="column of the sites that counts as demand where places have a supply (2SFCA)",
    )
    catchment_reach_km: float = setting(
        30, unit="km", above=0, meaning="reach of the 2SFCA; no norm"
    )
    catchment_reach_h: float = setting(1, unit="h", above=0, meaning="the same in hours; no norm")
    catchment_decay_km: Mapping[Any, float] = setting(
        {}, least=0, most=1, keys=(0, 1e5),
        meaning='km = weight of a place so far away, as in "0" = 1, "30" = 0.2; straight between, '
        "beyond them the last weight; empty: each within the reach counts in full",
    )  # fmt: skip
    catchment_decay_h: Mapping[Any, float] = setting(
        {}, least=0, most=1, keys=(0, 1e4), meaning="the same by hours"
    )
    rural_access_km: float = setting(
        2.0, unit="km", above=0, meaning="to an all-season road (UN metadata of SDG 9.1.1)"
    )


@dataclass(frozen=True, kw_only=True)
class Condition(Options):
    """A condition of a model, constraint, recommendation or site standard."""

    item: str = setting(meaning="what it is called")
    measure: str = setting(choices=("geosettle.livelihood:MEASURES",), meaning="how it is measured")
    at_most: float | None = setting(
        None, unit="unit of the measure", meaning="upper threshold; without one it is only measured"
    )
    at_least: float | None = setting(None, unit="unit of the measure", meaning="lower threshold")
    threshold_source: str | None = setting(
        None, meaning="where the threshold comes from; unset: the user"
    )
    metric: str | None = setting(
        None, choices=(_METRICS, "road_time"), meaning="of nearest and land"
    )
    kinds: tuple[str, ...] | None = setting(None, meaning="kinds of place, or of development")
    reach_km: float | None = setting(None, unit="km", above=0, meaning="of people_per_centre")
    column: str | None = setting(None, meaning="column that is measured")
    per_household: bool | None = setting(None, meaning="whether it is divided by the households")
    indicator: str | None = setting(None, meaning="indicator of the survey")
    indicators: tuple[str, ...] | None = setting(
        None, meaning="indicators of the survey, for training"
    )
    level: str | None = setting(None, meaning="level of the units whose border is measured to")
    unit: str | None = setting(None, meaning="unit of a declared column")


@dataclass(frozen=True, kw_only=True)
class Model(Options):
    """A development model: its name and its conditions."""

    name: str = setting("", meaning="what it is called")
    conditions: tuple[Annotated[Mapping[str, Any], Condition], ...] = setting(
        (), meaning="its conditions"
    )


@dataclass(frozen=True, kw_only=True)
class SurveyItem(Options):
    """A column of the household survey."""

    column: str = setting(meaning="column of the survey")
    capital: str = setting(
        choices=("geosettle.livelihood:CAPITALS",), meaning="capital it belongs to"
    )
    indicator: str | None = setting(None, meaning="what it is called; unset: the column's name")
    unit: str | None = setting(None, meaning="unit of its values")


@dataclass(frozen=True, kw_only=True)
class SurveyOptions(Options):
    """The layer survey: one anonymous row per household and time (before, after), never kept."""

    items: tuple[Annotated[Mapping[str, Any], SurveyItem], ...] = setting(
        (),
        meaning="{ column, capital, indicator, unit }; empty: columns named after a capital, "
        "such as material_shed",
    )


@dataclass(frozen=True, kw_only=True)
class LivelihoodOptions(Options):
    """Livelihood capitals, and conditions that the layers can answer."""

    level: float = setting(
        0.95, above=0, below=1, meaning="confidence level of shares, means and changes"
    )
    smallest_cell: int = setting(
        5, least=5, meaning="figures from fewer households of a survey are suppressed"
    )
    seed: int = setting(20191001, least=0, meaning="of the bootstrap for means")
    draws: int = setting(2000, least=0, meaning="of the bootstrap; 0: Student's t")
    constraints: tuple[Annotated[Mapping[str, Any], Condition], ...] = setting(
        (), meaning="conditions: item, measure, its options, at_most or at_least, threshold_source"
    )
    checks: tuple[Annotated[Mapping[str, Any], Condition], ...] = setting(
        (), meaning="recommendations, as conditions"
    )
    standards: tuple[Annotated[Mapping[str, Any], Condition], ...] = setting(
        (), meaning="site standards, as conditions; no camp standard is built in"
    )
    survey: SurveyOptions = field(default_factory=SurveyOptions)


@dataclass(frozen=True, kw_only=True)
class ClaimOptions(Options):
    """How claims are held against what was measured."""

    relative_tolerance: Mapping[str, float] = setting(
        {},
        least=0,
        meaning="quantity = share of the claimed value, where wider than half a printed unit",
    )


@dataclass(frozen=True, kw_only=True)
class Settings(Options):
    """Every table of study.toml."""

    study: StudyOptions = field(default_factory=StudyOptions)
    map: MapOptions = field(default_factory=MapOptions)
    layers: Mapping[str, Any] = setting(
        {},
        meaning="per layer: path, and where needed crs, datum, encoding, layer, sheet, map, "
        "source, licence, date",
    )
    fetch: FetchOptions = field(default_factory=FetchOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    admin: AdminOptions = field(default_factory=AdminOptions)
    oasis: OasisOptions = field(default_factory=OasisOptions)
    overlay: OverlayOptions = field(default_factory=OverlayOptions)
    land: LandOptions = field(default_factory=LandOptions)
    distance: DistanceOptions = field(default_factory=DistanceOptions)
    walk: WalkOptions = field(default_factory=WalkOptions)
    road: RoadRules = field(default_factory=RoadRules)
    scenario: Mapping[str, Annotated[Mapping[str, Any], ScenarioOptions]] = setting(
        {},
        meaning="name = { road = { ... }, walk = { ... } }: the pairs once more with what differs, "
        "and compared",
    )
    remoteness: RemotenessOptions = field(default_factory=RemotenessOptions)
    services: ServiceOptions = field(default_factory=ServiceOptions)
    reach: ReachOptions = field(default_factory=ReachOptions)
    livelihood: LivelihoodOptions = field(default_factory=LivelihoodOptions)
    models: Mapping[str, Annotated[Mapping[str, Any], Model]] = setting(
        {},
        meaning="key, as in the column models of the sites = { name, conditions }: "
        "development models",
    )
    claims: ClaimOptions = field(default_factory=ClaimOptions)


DEFAULTS: Final = Settings()
"""The settings of a study that states none."""
