"""The table of indicators: one entry each, with meaning, source and function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from geosettle.remoteness import access, land_distance
from geosettle.remoteness._inputs import Indicator, Inputs

Function = Callable[[Inputs], pd.DataFrame]


def _land(
    name: str,
    function: Function,
    meaning: str,
    source: str = "definition",
    unit: str = "",
    *,
    report: tuple[str, ...] = (),
    card: tuple[str, ...] = (),
) -> Indicator:
    return Indicator(name, unit, meaning, source, "pairs", function, report=report, card=card)


def _access(
    name: str,
    function: Function,
    meaning: str,
    source: str = "definition",
    unit: str = "",
    *,
    more_is: str = "remote",
    report: tuple[str, ...] = (),
) -> Indicator:
    # Supply per head needs the demand of the sites, so it has no value at an origin to compare
    # with.
    changes = name != "catchment"
    return Indicator(
        name, unit, meaning, source, "places", function, more_is, changes, report, card=()
    )


_ENTRIES: Final = (
    _land(
        "land_mean",
        land_distance.each("land_mean", land_distance.mean, weighted=True),
        "household-weighted mean distance between the settlement and the land left",
        card=("geodesic", "road", "walk"),
    ),
    _land(
        "land_mean_unweighted",
        land_distance.each("land_mean_unweighted", land_distance.mean, weighted=False),
        "mean distance over the flows, each counted once",
        report=("geodesic", "walk"),
        card=("geodesic", "road", "walk"),
    ),
    _land(
        "land_median",
        land_distance.each(
            "land_median", lambda g, w: land_distance.quantile(g, w, 0.5), weighted=True
        ),
        "distance that half of the households exceed",
        "definition; weights count copies",
    ),
    _land(
        "land_p90",
        land_distance.each(
            "land_p90", lambda g, w: land_distance.quantile(g, w, 0.9), weighted=True
        ),
        "distance that a tenth of the households exceed",
        "definition; weights count copies",
    ),
    _land(
        "land_max",
        land_distance.each("land_max", land_distance.largest, weighted=False),
        "greatest distance of any flow",
        card=("geodesic",),
    ),
    _land(
        "land_gini",
        land_distance.gini,
        "how unevenly the distance is spread over the households",
        "Gini coefficient, population form (Sen 1973)",
        "ratio",
    ),
    _land(
        "land_beyond",
        land_distance.beyond,
        "share of the households whose land is beyond a threshold",
        "thresholds are the user's",
        "share",
    ),
    _land(
        "land_radii",
        land_distance.multiples,
        "household-weighted mean distance in multiples of the suitable farming radius",
        "radii are the user's",
        "farming_radius",
    ),
    _land(
        "land_radii_unweighted",
        lambda inputs: land_distance.multiples(inputs, weighted=False),
        "mean distance over the flows in multiples of the suitable farming radius",
        "radii are the user's",
        "farming_radius",
        report=("geodesic",),
    ),
    _land(
        "land_hours_year",
        land_distance.hours,
        "hours a year to the land and back for the given number of trips",
        "the number of trips is the user's",
        "h_per_year",
    ),
    _access("nearest", access.nearest, "distance to the nearest place of a kind"),
    _access(
        "places_within",
        access.within,
        "number of places within a limit",
        "limits are the user's; 30, 60 and 120 minutes are common in health planning",
        "places",
        more_is="near",
    ),
    _access(
        "drive_class",
        access.drive_class,
        "accessible, remote or very remote by the time to a settlement of 10,000 people",
        "Scottish Government Urban Rural Classification 2022, overview: 30 and 60 minutes' drive",
        "class",
    ),
    _access(
        "aria_style",
        access.aria,
        "sum over classes of centre of the distance over the study's mean, each at most the cap",
        "after ARIA+ (GISCA); classes and means are the study's own: never compare with Australian "
        "classes",
        "score",
        report=("geodesic",),
    ),
    _access(
        "gravity_remoteness",
        access.gravity,
        "minus the logarithm of population over cost of the centres within reach, rescaled within "
        "the study",
        "form of Statistics Canada's Index of Remoteness (Alasia et al. 2017): sum, reach and "
        "floor as in the agency's "
        "program (CSBP-CPSE/RI-IE), its logarithm not confirmed; never compare with Canadian "
        "classes",
        "index",
        report=("geodesic",),
    ),
    _access(
        "catchment",
        access.catchment,
        "supply (jobs, beds, places) per head within reach, shared with everyone else in reach",
        "two-step floating catchment area, Luo and Wang 2003, doi:10.1068/b29120",
        "supply_per_head",
        more_is="near",
    ),
    _access(
        "rural_access",
        access.rural_access,
        "whether a road passes within 2 km; undecidable where the position is known no better than "
        "that",
        "point form of the Rural Access Index, SDG 9.1.1 (UN metadata): 2 km to an all-season road",
        "yes_no",
        more_is="near",
    ),
)

INDICATORS: Final[Mapping[str, Indicator]] = {entry.name: entry for entry in _ENTRIES}
"""Every indicator by name. A new one is one entry above.

The report's table and the map's card show in addition the nearest places of the main kinds.
"""


def indicator_entry(name: str) -> Indicator | None:
    """Return the entry of an indicator that is named with its limit; None where there is none.

    Examples
    --------
    >>> indicator_entry("nearest_county_seat").name, indicator_entry("land_mean_unweighted").name
    ('nearest', 'land_mean_unweighted')
    """
    kinds = [kind for kind in INDICATORS if name == kind or name.startswith(f"{kind}_")]
    return INDICATORS[max(kinds, key=len)] if kinds else None
