"""The data dictionary: what every column of every table means, and its unit.

A new column is one line here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from geosettle.distance import PAIR_COLUMNS as MEASURED
from geosettle.layers import LAYERS


class Entry(NamedTuple):
    """Meaning and unit of one column."""

    meaning: str
    unit: str = ""


PAIR_COLUMNS: Final = ("origin_id", "site_id", *MEASURED)
"""Columns of pairs.csv, in this order; what further metrics add stands behind them."""

_WHY = Entry("for each missing number, the reason in words")
_SITE = Entry("identifier of the settlement site")
_ORIGIN = Entry("identifier of the origin")
_HOUSEHOLDS = Entry("households that moved", "households")
_PERSONS = Entry("persons that moved", "persons")
_YEAR = Entry("year of the event", "year")
_LOW = Entry("lower end of the interval that the uncertain positions allow", "as value")
_HIGH = Entry("upper end of the interval that the uncertain positions allow", "as value")
_UNIT = Entry("unit of the values in this row")
_ID = Entry("identifier of the site or origin")
_ROLE = Entry("what the row is about: site or origin")
_N = Entry("number of values that entered", "count")
_SOURCE = Entry("where the row comes from")
_EVIDENCE = Entry(
    "true where it may be counted as evidence; false for illustrative geometry and unsupported text"
)

GIVEN: Final = Entry("column of the input, as given", "as given")
"""A column of the user's own; the unit is said of numbers."""
UNDESCRIBED: Final = Entry("computed; the table does not describe it")
UNIT_NAME: Final = Entry("name of the administrative unit that the position falls in")
"""Column called like a level; its code is in the column that ends in `_code`."""
ADMIN: Final[Mapping[str, Entry]] = {
    "declared_*": Entry("unit of this level as the source declares it"),
    "given_*": Entry("column of the input that has the name of a computed one, as given"),
    "admin_probability": Entry(
        "share of the disc of possible positions that lies in the unit named", "share, 0-1"
    ),
    "on_border": Entry("true where the position lies on a shared border; the rule then decides"),
    "border_km": Entry("distance to the unit's border", "km"),
    "admin_agrees": Entry(
        "true where the computed unit is the declared one; empty where none was declared"
    ),
    "*_code": Entry("code of the unit of this level that the position falls in"),
    "*_probability": Entry(
        "share of the disc of possible positions that lies in the unit of this level", "share, 0-1"
    ),
    "*_distance_m": Entry(
        "metres to the unit taken where the position lies outside every unit; 0 inside", "m"
    ),
    "*_alternatives": Entry("units that the disc of possible positions touches, with their shares"),
    "in_oasis": Entry(
        "true or false where the probability of it is at least 95 %; empty where it is lower"
    ),
    "oasis_probability": Entry(
        "share of the disc of possible positions that lies in the oasis", "share, 0-1"
    ),
    "oasis_zones": Entry("zones that the uncertain position allows"),
    "in_oasis_probability": Entry(
        "share of the disc of possible positions that lies in the oasis", "share, 0-1"
    ),
    "oasis_edge_by_setting": Entry(
        "distance to the oasis edge under each setting of the rule, negative inside", "km"
    ),
    "oasis_edge_km": Entry("distance to the edge of the oasis, negative inside", "km"),
    "oasis_edge_low_km": Entry(
        "lowest distance to the oasis edge that the uncertain position allows", "km"
    ),
    "oasis_edge_high_km": Entry(
        "highest distance to the oasis edge that the uncertain position allows", "km"
    ),
    "oasis_zone": Entry(
        "core, fringe or outside of the oasis, by the study's distances from the edge"
    ),
    "oasis_share_*": Entry("share of the geodesic disc of this radius that is oasis", "share, 0-1"),
    "elevation_m": Entry("elevation at the position, from the DEM", "m"),
}

_WALK: Final = {
    "walk_*_h": Entry("walking time by Tobler's function over the DEM, this way", "h"),
    "walk_*_km": Entry("length of the walked way", "km"),
}

_PAIRS: Final[Mapping[str, Entry]] = {
    "origin_id": _ORIGIN,
    "site_id": _SITE,
    "households": _HOUSEHOLDS,
    "persons": _PERSONS,
    "year": _YEAR,
    "geodesic_km": Entry("shortest line on the WGS84 ellipsoid between the two positions", "km"),
    "geodesic_low_km": Entry(
        "least distance that both positions allow: their radii, or the areas they are somewhere in",
        "km",
    ),
    "geodesic_high_km": Entry(
        "greatest distance that both radii, or the areas that the ends are in, allow", "km"
    ),
    "bearing_deg": Entry("initial azimuth from origin to site, clockwise from north", "degrees"),
    "surface_km": Entry("length of the same line draped over the DEM", "km"),
    "ascent_m": Entry("sum of climbs along that line", "m"),
    "descent_m": Entry("sum of descents along that line", "m"),
    "walk_out_h": Entry("least walking time from origin to site over the DEM (Tobler)", "h"),
    "walk_back_h": Entry("least walking time from site to origin over the DEM (Tobler)", "h"),
    "road_km": Entry("shortest way on the road graph, access legs included", "km"),
    "road_h": Entry("shortest time on the road graph, access legs included", "h"),
    "detour_ratio": Entry("road distance divided by geodesic distance", "ratio"),
    "road_estimate_km": Entry(
        "where no road is known: geodesic distance times the median detour of the study's own "
        "roads; an estimate",
        "km",
    ),
    "road_estimate_low_km": Entry("the same with the 5 per cent quantile of these detours", "km"),
    "road_estimate_high_km": Entry("the same with the 95 per cent quantile of these detours", "km"),
    "elevation_change_m": Entry("elevation of the site minus that of the origin", "m"),
    "travel_*h": Entry("fastest travel time, road and walking", "h"),
    "declared_km": Entry(
        "distance as the source declares it; a statement of the source, not a measurement", "km"
    ),
    "flags": Entry("names of the checks that this pair did not pass, separated by semicolons"),
    "why": _WHY,
    "*_km": Entry("distance by the metric named", "km"),
    "*_h": Entry("time by the metric named", "h"),
    **_WALK,
}

_SITES: Final[Mapping[str, Entry]] = {
    **{column.name: Entry(column.meaning, column.unit) for column in LAYERS["sites"].columns},
    "households": Entry("households of the site", "households"),
    "persons": Entry("persons of the site", "persons"),
    "year": _YEAR,
    "year_from": Entry("first year that the source allows", "year"),
    "year_to": Entry("last year that the source allows", "year"),
    "households_low": Entry("least number of households that the source allows", "households"),
    "households_high": Entry("greatest number of households that the source allows", "households"),
    "persons_low": Entry("least number of persons that the source allows", "persons"),
    "persons_high": Entry("greatest number of persons that the source allows", "persons"),
    "lon": Entry(
        "longitude of the position as given (of a point inside, for an area), WGS84", "degrees"
    ),
    "lat": Entry(
        "latitude of the position as given (of a point inside, for an area), WGS84", "degrees"
    ),
    **ADMIN,
    "position_basis": Entry("how the position was found"),
    "*_as_printed": Entry("the same as the source prints it"),
    "scope": Entry(
        "study, or what else the site is listed for; only those of the study enter findings"
    ),
    "note": Entry("remark of the study's author"),
    "*_*km_ha_per_household": Entry(
        "area of this cover within this radius, per household", "ha per household"
    ),
    "*_*km_ha": Entry("area of this cover within this geodesic radius of the site", "ha"),
    "*_*km_share": Entry("share of the geodesic disc of this radius with this cover", "share, 0-1"),
    "declared_*_ha": Entry("area as declared by the source", "ha"),
    "*_ha": Entry("area", "ha"),
    "*_mu": Entry("area in mu, 1/15 ha", "mu"),
    "land_mean_unweighted_*_km": Entry(
        "mean distance to the land at the origins, each origin counted once", "km"
    ),
    "land_mean_*_km": Entry(
        "mean distance to the land at the origins, weighted by households", "km"
    ),
    "land_median_*_km": Entry(
        "median distance to the land at the origins, weighted by households", "km"
    ),
    "land_*_km": Entry(
        "distance to the land at the origins by the statistic and metric named", "km"
    ),
    "land_*_h": Entry(
        "time one way to the land at the origins by the statistic and metric named", "h"
    ),
    "*_km": Entry("distance by the metric and statistic named", "km"),
    "*_h": Entry("time by the metric and statistic named", "h"),
    "*_m": Entry("length or elevation named", "m"),
    "*_ratio": Entry("ratio named", "ratio"),
    "*_share": Entry("share named", "share, 0-1"),
    "*_n": Entry("count named", "count"),
    "*_rank": Entry("rank, given only where the intervals separate", "rank"),
    "*_low": Entry("lower end of the interval of the quantity named"),
    "*_high": Entry("upper end of the interval of the quantity named"),
    "why": _WHY,
}

_INDICATOR: Final = {
    "name": Entry("name of the site or origin"),
    "indicator": Entry(
        "name of the indicator; empty: every indicator of this metric without a row of its own"
    ),
    "label": Entry("the indicator in words"),
    "kind": Entry("what is measured"),
    "limit": Entry("kind of place, mode or limit that it is measured for"),
    "limit_unit": Entry("unit of the limit: km, h or min"),
    "metric": Entry("metric that it is computed from"),
}

DICTIONARY: Final[Mapping[str, Mapping[str, Entry]]] = {
    # The columns of the tables of TABLES; a further table brings its own.
    "sites": _SITES,
    "pairs": _PAIRS,
    "intervals": {
        "origin_id": _ORIGIN,
        "site_id": _SITE,
        "metric": Entry("name of the metric"),
        "unit": _UNIT,
        "low": Entry("lower end of the interval", "as unit"),
        "median": Entry("median of the drawn values", "as unit"),
        "high": Entry("upper end of the interval", "as unit"),
        "level": Entry(
            "probability that the interval covers, under the stated spread of positions",
            "share, 0-1",
        ),
        "draws": Entry("number of positions drawn", "count"),
        "why": _WHY,
    },
    "scenarios": {
        "origin_id": _ORIGIN,
        "site_id": _SITE,
        "scenario": Entry("name of the scenario, as the study gives it"),
        "metric": Entry("name of the metric"),
        "unit": _UNIT,
        "value": Entry("distance or time under the scenario", "as unit"),
        "baseline": Entry("the same without the scenario", "as unit"),
        "change": Entry("value less baseline", "as unit"),
        "change_share": Entry("change as a share of the baseline", "share"),
        "effect": Entry("what the scenario does to this pair, in words"),
        "why": _WHY,
    },
    "admin": {
        "role": _ROLE,
        "id": _ID,
        "level": Entry("rung of the administrative ladder"),
        "code": Entry("code of the unit that the position falls in"),
        "name": Entry("name of that unit"),
        "probability": Entry(
            "share of the disc of possible positions that lies in it", "share, 0-1"
        ),
        "alternatives": Entry(
            "units that the disc of possible positions touches, with their shares"
        ),
        "on_border": ADMIN["on_border"],
        "border_km": ADMIN["border_km"],
        "distance_m": ADMIN["*_distance_m"],
        "declared": Entry("unit as the source declares it"),
        "agrees": ADMIN["admin_agrees"],
        "why": _WHY,
    },
    "covers": {
        "zone_id": Entry("identifier of the zone measured"),
        "zone": Entry(
            "what the zone is: a disc around a site, or the level of an administrative unit"
        ),
        "radius_km": Entry("geodesic radius of a disc", "km"),
        "layer": Entry("areal layer that was measured"),
        "class": Entry("class or kind within the layer"),
        "year": Entry("year of the layer", "year"),
        "area_ha": Entry("geodesic area", "ha"),
        "share": Entry("share of the zone", "share, 0-1"),
        "overlap_ha": Entry(
            "area that several polygons of the layer cover, counted once in area_ha", "ha"
        ),
        "households": Entry("households of the site", "households"),
        "area_ha_per_household": Entry("area divided by households", "ha per household"),
        "geometry_basis": Entry("surveyed, digitised, derived or illustrative"),
        "evidence": _EVIDENCE,
        "why": _WHY,
    },
    "oasis": {
        "code": Entry("code of the unit"),
        "name": Entry("name of the unit"),
        "setting": Entry("low, central or high setting of the rule that derives the oasis"),
        "area_km2": Entry("geodesic area of the oasis in the unit", "km²"),
        "unit_area_km2": Entry("geodesic area of the unit", "km²"),
        "share_percent": Entry("oasis as a share of the unit", "%"),
        "quantity": Entry("which quantity the published figure is: area_km2 or share_percent"),
        "published": Entry("figure published elsewhere, with its own method", "as quantity"),
        "difference": Entry("computed less published", "as quantity"),
        "difference_percent": Entry("difference as a share of the published figure", "%"),
        "source": Entry("where the published figure comes from"),
        "claim": Entry(
            "identifier of the claim, where the figure is one that a source of the study prints"
        ),
        "why": _WHY,
    },
    "land": {
        "site_id": _SITE,
        "households": Entry("households of the site", "households"),
        "persons": Entry("persons of the site", "persons"),
        "parcels_n": Entry("development polygons that name the site", "count"),
        "declared_ha": Entry("area as declared by the source", "ha"),
        "mapped_ha": Entry("geodesic area of the polygons that are evidence of place", "ha"),
        "mapped_minus_declared_ha": Entry("mapped less declared area", "ha"),
        "difference_percent": Entry("that difference as a share of the declared area", "%"),
        "contested_ha": Entry("mapped area that polygons of another site cover too", "ha"),
        "developed_ha": Entry(
            "developed land reckoned with: mapped where mapped, else declared", "ha"
        ),
        "developed_basis": Entry("mapped or declared"),
        "leased_ha": Entry("area leased out, as declared", "ha"),
        "leased_share": Entry("leased area as a share of the developed", "share, 0-1"),
        "self_run_ha": Entry("developed area less leased area", "ha"),
        "origin_land_ha": Entry("land held at the origins, as declared", "ha"),
        "*_ha_per_household": Entry("area per household", "ha per household"),
        "*_mu_per_household": Entry("area per household in mu, 1/15 ha", "mu per household"),
        "*_ha_per_person": Entry("area per person", "ha per person"),
        "*_mu_per_person": Entry("area per person in mu, 1/15 ha", "mu per person"),
        "enough_mu": Entry("threshold of land that the study sets", "mu"),
        "enough_basis": Entry("whether the threshold is per household or per person"),
        "enough": Entry("whether the self-run land reaches the threshold; empty where unknown"),
        "theirs_share": Entry("self-run land as a share of the developed", "share, 0-1"),
        "geometry_basis": Entry("surveyed, digitised, derived or illustrative"),
        "evidence": _EVIDENCE,
        "why": _WHY,
        "founded": Entry("year in which the site was founded", "year"),
        "oasis_year_then": Entry("year of the oasis map nearest to the founding", "year"),
        "oasis_year_now": Entry("year of the latest oasis map", "year"),
        "in_oasis_then": Entry("true where the site lay in the oasis then"),
        "in_oasis_now": Entry("true where the site lies in the oasis now"),
        "oasis_status": Entry("what the two say together"),
        "first_developed": Entry("first year of development that the polygons name", "year"),
        "developed_before_ha": Entry("area developed before the founding", "ha"),
        "developed_after_ha": Entry("area developed since the founding", "ha"),
        "developed_undated_ha": Entry("area developed in a year that is not stated", "ha"),
        "*_ha": Entry("area", "ha"),
        "*_mu": Entry("area in mu, 1/15 ha", "mu"),
        "*_share": Entry("share", "share, 0-1"),
    },
    "change": {
        "zone_id": Entry("identifier of the zone measured"),
        "zone": Entry("what the zone is"),
        "radius_km": Entry("geodesic radius of a disc", "km"),
        "layer": Entry("areal layer that was measured"),
        "year_from": Entry("first date", "year"),
        "year_to": Entry("second date", "year"),
        "measure": Entry("from_to, gain, loss, net, swap, annual_rate and others"),
        "class": Entry("class, at the first date where two are named"),
        "class_to": Entry("class at the second date"),
        "value": Entry("value of the measure", "as unit"),
        "low": Entry("lower end of its interval", "as unit"),
        "high": Entry("upper end of its interval", "as unit"),
        "unit": _UNIT,
        "why": _WHY,
    },
    "remoteness": {
        "role": _ROLE,
        "id": _ID,
        **_INDICATOR,
        "value": Entry("value of the indicator", "as unit"),
        "low": _LOW,
        "high": _HIGH,
        "unit": _UNIT,
        "n": Entry("moves with a distance, or places, that the value rests on", "count"),
        "of": Entry("all of them; no rank, share or Gini where n is less", "count"),
        "weighting": Entry("what a mean is weighted by: households, or flows (each move once)"),
        "rank_low": Entry(
            "best rank that the intervals allow; equal to rank_high only where they separate",
            "rank",
        ),
        "rank_high": Entry("worst rank that the intervals allow", "rank"),
        "why": _WHY,
    },
    "remoteness_wide": {
        "site_id": Entry("identifier of the site"),
        "name": Entry("name of the site"),
    },
    "remoteness_change": {
        "role": _ROLE,
        "id": _ID,
        **_INDICATOR,
        "weighting": Entry("what the mean is weighted by: households, or flows (each move once)"),
        "at_origin": Entry("mean of the indicator at the origins", "as unit"),
        "at_site": Entry("mean of the indicator at the sites", "as unit"),
        "change": Entry("at the site less at the origin", "as unit"),
        "low": _LOW,
        "high": _HIGH,
        "unit": _UNIT,
        "n": Entry("moves with the indicator at both ends", "count"),
        "of": Entry("all moves", "count"),
        "households": Entry("households of the moves used", "households"),
        "direction": Entry(
            "nearer, farther, more, fewer, as before, or not distinguishable where the interval "
            "holds 0"
        ),
        "why": _WHY,
    },
    "livelihood": {
        "section": Entry("capital, model, constraint or other part of the livelihood account"),
        "site_id": Entry("site, or the name of the group surveyed"),
        "item": Entry("what was measured or judged"),
        "capital": Entry("livelihood capital of the indicator"),
        "indicator": Entry("name of the indicator, as the study gives it"),
        "model": Entry("number of the development model"),
        "condition": Entry("name of the condition, or of the model"),
        "before": Entry("value before the move", "as unit"),
        "after": Entry("value after the move", "as unit"),
        "change": Entry("after less before", "as unit"),
        "low": Entry("lower end of the interval of the change", "as unit"),
        "high": Entry("upper end of the interval of the change", "as unit"),
        "unit": _UNIT,
        "n": Entry("households or persons observed", "count"),
        "weighting": Entry("what a mean is weighted by: households, or flows (each move once)"),
        "test": Entry("paired test of the change: mcnemar or wilcoxon"),
        "at_most": Entry("threshold: greatest value that meets the condition", "as unit"),
        "at_least": Entry("threshold: least value that meets the condition", "as unit"),
        "verdict": Entry("what the values allow to be said"),
        "evidence": Entry("what the verdict rests on"),
        "source": _SOURCE,
        "note": Entry("remark"),
    },
    "claims": {
        **{
            column.name: Entry(column.meaning, "as unit" if column.name == "value" else column.unit)
            for column in LAYERS["claims"].columns
        },
        "claim_id": Entry("identifier of the claim"),
        "value_basis": Entry("whether the value is as printed, read from damaged text, or lost"),
        "note": Entry("remark"),
        "topic": Entry("what the claim is about"),
        "computed": Entry("what was computed for the same quantity", "computed_unit"),
        "computed_unit": Entry("unit of the computed value"),
        "layer": Entry("layer or table that the computed value comes from"),
        "difference": Entry(
            "computed less claimed, where both are numbers of one unit", "computed_unit"
        ),
        "verdict": Entry("how claim and computation stand to each other"),
        "why": Entry("why the claim could not be compared, or what the comparison rests on"),
    },
    "problems": {
        "code": Entry("name of the check"),
        "severity": Entry("note, warning (row used), error (row set aside) or fatal"),
        "message": Entry("what is wrong"),
        "mend": Entry("what can be done about it"),
        "file": Entry("file as the user named it"),
        "layer": Entry("role that the file is read as"),
        "sheet": Entry("sheet or layer inside the file"),
        "row": Entry(
            "row as the spreadsheet numbers it, or line of a text file; else the data row",
            "row number",
        ),
        "column": Entry("column"),
        "value": Entry("value as read"),
        "id": Entry("identifier of the row"),
    },
}

ABOUT_SOURCES: Final[Mapping[str, Entry]] = {
    "file": Entry("input file, as the user named it"),
    "layer": Entry("layer that was read from it"),
    "source": Entry("where its content comes from"),
    "licence": Entry("terms under which it may be passed on"),
    "date": Entry("date of its content, as stated"),
    "rows": Entry("rows read from it", "count"),
    "sha256": Entry("fingerprint of the file: SHA-256, hexadecimal"),
}
"""Columns of the workbook's sheet `sources`."""

ABOUT_DICTIONARY: Final[Mapping[str, Entry]] = {
    "table": Entry("sheet, and file among the tables, that holds the column"),
    "title": Entry("what that table is about"),
    "column": Entry("column, as its first row names it"),
    "meaning": Entry("what the column says"),
    "unit": Entry("unit of its numbers, else what kind of value it holds"),
}
"""Columns of the workbook's sheet `dictionary`."""


def entry(columns: Mapping[str, Entry], column: str) -> Entry | None:
    """Meaning of a column: by its exact name, else by the first pattern that fits.

    In a pattern, `*` matches any text.

    Examples
    --------
    >>> entry(DICTIONARY["sites"], "oasis_5km_ha").unit
    'ha'
    >>> entry(DICTIONARY["pairs"], "nonsense") is None
    True
    """
    if column in columns:
        return columns[column]
    for pattern, meaning in columns.items():
        if "*" in pattern and re.fullmatch(re.escape(pattern).replace(r"\*", ".+"), column):
            return meaning
    return None
