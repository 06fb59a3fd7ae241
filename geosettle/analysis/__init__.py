"""analyse(study) -> Result: the main job, as one page that reads like its data flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import import_module
from typing import Any

import geopandas as gpd
import pandas as pd

from geosettle._fork import run_in_fork
from geosettle.analysis._admin import join_units
from geosettle.analysis._distances import (
    context_of,
    draw_intervals,
    hours_on_foot,
    matrix_of,
    measure_distances,
    unused_roads,
    ways_of,
    without,
)
from geosettle.analysis._given import keep_given
from geosettle.analysis._indicators import (
    access_change_of,
    indicators_of,
    livelihood_of,
    remoteness_of,
    services_of,
    survey_of,
    weighted_distances,
)
from geosettle.analysis._land import (
    areas_wide,
    central,
    edge_by_setting,
    measure_change,
    measure_covers,
    measure_land,
    measure_oases,
    oases_of,
    place_in_oasis,
)
from geosettle.analysis._moves import MedianDistance, median_distance, moves_of
from geosettle.analysis._provenance import provenance_of
from geosettle.analysis._reach import reach_of, rural_access_of
from geosettle.analysis._rounds import rounds_of
from geosettle.analysis._site_values import site_values
from geosettle.analysis._units import UNKNOWN, units_and_moves, units_by_level
from geosettle.claims import Evidence, judge_claims
from geosettle.distance import METRICS, Context, Metric
from geosettle.problems import Problem, problems_frame
from geosettle.raster import Raster
from geosettle.reasons import coded, in_words, sentences
from geosettle.study import Study, why_last
from geosettle.terminal import steps

__all__ = [
    "UNKNOWN",
    "MedianDistance",
    "Result",
    "analyse",
    "median_distance",
    "moves_of",
    "units_by_level",
]


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that was computed, as plain frames.

    Missing numbers are NaN and their reason is in `why`.

    Attributes
    ----------
    study
        The inputs it was computed from.
    sites
        GeoDataFrame by `site_id`: the site's own columns (`declared_county`, `declared_prefecture`
        for what the source says), then `county_code, county, prefecture_code, prefecture,
        admin_probability, on_border, border_km, admin_agrees, in_oasis, oasis_edge_km,
        oasis_edge_low_km, oasis_edge_high_km` (negative inside), then areas (`oasis_5km_ha`,
        `development_5km_ha` ...), `nearest_road_km, road_class, road_name, elevation_m, slope_deg,
        land_cover` where there are the layers, household-weighted distances and indicators, then
        `why`.
    origins
        GeoDataFrame by `origin_id`, with the same administrative and oasis columns.
    pairs
        DataFrame by `(origin_id, site_id)`, the columns of pairs.csv in the contract.
    intervals
        Long: `origin_id, site_id, metric, unit, low, median, high, level, draws, why`.
    admin
        Long, one row per place and level: `role, id, level, code, name, probability, alternatives,
        on_border, border_km, distance_m, declared, agrees, why`.
    covers
        Long: `zone_id, zone, radius_km, layer, class, year, area_ha, share, households,
        area_ha_per_household, geometry_basis, evidence, why`.
    oasis
        Area of the oasis per prefecture and setting, with published figures.
    land
        Land per household and site: declared, mapped, leased, self-run, in ha and mu, against
        thresholds.
    change
        Cover change: from-to, gain, loss, rates; empty where there is one date only.
    remoteness
        Long: `role, id, indicator, kind, limit, limit_unit, metric, value, low, high, unit, n, of,
        weighting, rank_low, rank_high, why`; `n` of `of` flows have a distance.
    livelihood
        Long: `section, site_id, item, capital, indicator, model, condition, before, after, change,
        low, high, unit, n, weighting, test, at_most, at_least, verdict, evidence, source, note`.
    claims
        The claims ledger: the claim's own columns, then `computed, computed_unit, layer,
        difference, verdict, why`.
    problems
        Every problem, from reading to computing; see `geosettle.problems`.
    oasis_polygons
        Oasis by setting (low, central, high), as polygons.
    rasters
        Rasters made on the way, by name (`walk_h` ...), for the map.
    """

    study: Study
    sites: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    pairs: pd.DataFrame
    intervals: pd.DataFrame
    admin: pd.DataFrame
    covers: pd.DataFrame
    oasis: pd.DataFrame
    land: pd.DataFrame
    change: pd.DataFrame
    remoteness: pd.DataFrame
    livelihood: pd.DataFrame
    claims: pd.DataFrame
    problems: pd.DataFrame
    oasis_polygons: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    rasters: Mapping[str, Raster] = field(default_factory=dict)
    scenarios: pd.DataFrame = field(default_factory=pd.DataFrame)
    rounds: pd.DataFrame = field(default_factory=pd.DataFrame)
    round_units: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The pairs under other closures or speeds: `origin_id, site_id, scenario, metric, unit, value,
    baseline, change, change_share, effect, why`; empty where the settings name no scenario."""
    matrix: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Straight line in km of every origin to every site, which are not moves; empty unless
    `[distance] matrix` asks for it."""
    access_change: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What changed between origin and site: `role, id, indicator, kind, limit, limit_unit, metric,
    weighting, at_origin, at_site, change, low, high, unit, n, of, households, direction, why`."""
    reach: gpd.GeoDataFrame = field(default_factory=gpd.GeoDataFrame)
    """Catchments by hours, of all sites together (`site_id` empty) and of each: `site_id, hours,
    area_ha, why`; empty unless `[reach] hours` asks for them."""
    population: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Persons by time, of everybody, by service area and by unit: see `reach.persons_by`."""
    unreached: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Largest groups of persons beyond the last of the hours: see `reach.unreached_groups`."""
    rural_access: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rural Access Index of everybody and by unit: see `reach.rural_access`; empty unless `[reach]
    rural_access_km` asks for it."""
    paths: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Ways of the moves as lines, as `least_cost_paths` gives them; empty unless `[distance] paths`
    asks for them."""
    months: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Hours by month, as `month_table` gives them; empty unless `[distance] months` asks for
    them."""
    services: pd.DataFrame = field(default_factory=pd.DataFrame)
    """For how many households each service is nearer or farther after the move, and by how much;
    empty where the study has no places of service."""
    service_moves: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The same by move: `origin_id, site_id, service, metric, unit, households, before, after,
    change, low, high, direction, why`."""
    units: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Sites, people, moves, distances, land and services of every stated unit of every level, with
    a row of totals; empty where the study has no level."""
    moves: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Moves from unit to unit, per level, with households and distance."""
    headline: MedianDistance | None = None
    """Median distance of those who moved, with its interval; None where no move has a distance."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Versions, parameters, seed, input hashes: what manifest.json says, for map and report to
    print.
    """

    def __repr__(self) -> str:
        """Study and tables, with the rows of each; never a row itself."""
        held = [
            f"{len(frame)} {f.name}"
            for f in fields(self)
            if isinstance(frame := getattr(self, f.name), pd.DataFrame) and len(frame)
        ]
        return f"<Result of {self.study.name!r}: {', '.join(held)}>"

    def _repr_html_(self) -> str:
        """Show findings, a small map and the tables in a notebook."""
        text: str = import_module("geosettle.notebook").result_html(self)
        return text

    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    """What the names of metrics mean."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Every sentence of a `why` to the codes it was made of (`geosettle.reasons`), for counting
    them and for other languages.
    """


def analyse(
    study: Study,
    *,
    progress: Callable[[str], None] | None = None,
    workers: int = 1,
    metrics: Mapping[str, Metric] | None = None,
) -> Result:
    """Join, measure and judge everything that the study's layers allow.

    Parameters
    ----------
    study
        From `geosettle.read_study`, or made of frames.
    progress
        Called with a few words before each long step; None shows them in a notebook.
    workers
        Processes that may work at once; the result is the same for any number.
    metrics
        What the names of metrics mean; None takes `METRICS`. Those of `METRICS` are measured where
        the settings name them, any other always: `{**METRICS, "air": Metric(...)}` adds one.

    Returns
    -------
    Result
        Frames that are empty where a layer is missing; see `Result`.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> result.sites.loc["S1", "county"], bool(result.sites.loc["S1", "in_oasis"])
    ('West County', True)
    """
    with coded(), steps(progress) as step:
        return _in_words(_analysed(study, step, workers, metrics))


def _in_words(result: Result) -> Result:
    """Write the reasons of every table as sentences, and keep the codes of each sentence."""
    tables = {f.name: getattr(result, f.name) for f in fields(result)}
    tables = {name: t for name, t in tables.items() if isinstance(t, pd.DataFrame)}
    known = sentences(tables.values())
    return replace(
        result, **{name: in_words(table) for name, table in tables.items()}, reasons=known
    )


def _measured(
    study: Study, context: Context
) -> tuple[
    tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    dict[str, Raster],
    tuple[pd.DataFrame, pd.DataFrame],
]:
    """Measure what needs compiled code, so that one process loads it."""
    return measure_distances(study, context), hours_on_foot(study), ways_of(study, context)


def _analysed(
    study: Study,
    progress: Callable[[str], None],
    workers: int,
    metrics: Mapping[str, Metric] | None,
) -> Result:
    """Compute everything; reasons are codes."""
    study, renamed = keep_given(study)
    problems: list[Problem] = [*study.problems, *renamed]
    surveyed = survey_of(study)
    study = study.replace(survey=None)  # answers of households are kept nowhere
    context = context_of(study, metrics)
    unused = unused_roads(study, context)  # prepares the network once, for the copy too
    measured = run_in_fork(partial(_measured, study, context), workers)
    progress("joining boundaries")
    sites, origins, admin = join_units(study)
    progress("measuring the oasis")
    oases = oases_of(study, problems)
    oasis = central(oases, study.settings)
    sites, origins = (place_in_oasis(frame, oasis, study.settings) for frame in (sites, origins))
    if oases:
        sites["oasis_edge_by_setting"] = edge_by_setting(sites, oases)
    oasis_table = measure_oases(study, oases)
    progress("overlaying land")
    covers = measure_covers(study, sites, oasis, problems)
    sites = sites.join(areas_wide(covers, sites.index))
    sites = site_values(study, context, sites)
    land = measure_land(study, sites, oasis, problems)
    change = measure_change(study, sites, problems)
    progress("measuring distances")
    drawn: dict[str, pd.DataFrame] = {}
    intervals = draw_intervals(study, context, kept=drawn)
    (pairs, walked, scenarios), reach, (paths, months) = measured()
    intervals = pd.concat([intervals, walked], ignore_index=True)
    problems += unused
    study = without(study, "roads", sum(p.severity == "error" for p in unused))
    progress("measuring remoteness")
    remote = remoteness_of(study, context, pairs, origins, intervals, draws=drawn)
    sites = why_last(sites.join(weighted_distances(remote, sites.index)))
    progress("adding up by unit")
    moved = moves_of(
        pairs,
        sites,
        origins,
        study.flows,
        drawn.get("geodesic", pd.DataFrame()),
        level=study.settings.distance.level,
    )
    units, moves = units_and_moves(
        study, sites, origins, moved, land=land, covers=covers, remote=remote
    )
    progress("holding claims against the layers")
    evidence = Evidence(
        sites=sites,
        origins=origins,
        flows=study.flows,
        boundaries=study.boundaries,
        development=study.development,
        indicators=indicators_of(study, surveyed),
        oasis=oasis_table,
        remoteness=remote,
        claims=study.claims,
        aliases=study.settings.admin.aliases,
    )
    rounds, round_units = rounds_of(study)
    catchments, population, unreached = reach_of(study, context, problems)
    rural_access = rural_access_of(study, problems)
    service_table, service_rows = services_of(study, context, remote, pairs, sites)
    return Result(
        study=study,
        sites=sites,
        origins=why_last(origins),
        pairs=pairs,
        intervals=intervals,
        admin=admin,
        covers=covers,
        oasis=oasis_table,
        land=land,
        change=change,
        remoteness=remote,
        livelihood=livelihood_of(study, sites, remote, surveyed),
        claims=judge_claims(
            study.claims, evidence, relative_tolerance=study.settings.claims.relative_tolerance
        ),
        problems=problems_frame(
            dict.fromkeys(problems)
        ),  # a fault met on the way to two tables is one fault
        oasis_polygons=oases,
        rasters=reach,
        scenarios=scenarios,
        paths=paths,
        months=months,
        matrix=matrix_of(study),
        rounds=rounds,
        round_units=round_units,
        access_change=access_change_of(study, remote, pairs),
        reach=catchments,
        population=population,
        unreached=unreached,
        rural_access=rural_access,
        services=service_table,
        service_moves=service_rows,
        units=units,
        moves=moves,
        headline=median_distance(moved),
        provenance=provenance_of(study),
        metrics=metrics or METRICS,
    )
