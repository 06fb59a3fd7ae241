"""What can be odd about areal layers: one list of codes, each with its defined answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from geosettle.problems import Problem, Severity

__all__ = ["LAND_CODES", "Problems", "note"]

LAND_CODES: Final[Mapping[str, str]] = {
    "area_in_mu": "a declared area is about 15 times the mapped one, as if mu were labelled ha; used as written",
    "cover_overlaps": "polygons of the cover overlap; the ground is counted once, the overlap is reported in ha",
    "cover_without_geometry": "a polygon has no geometry; its mapped area is missing, its declared area is kept",
    "declared_differs": "declared and mapped area differ by more than the stated share; both are shown",
    "elevation_missing": "the elevation of part of the green land is unknown; that part is not counted as oasis",
    "geometry_refused": "repair would change the area of a polygon beyond the stated share; it is set aside",
    "geometry_repaired": "a polygon crossed itself and was repaired; its area before and after is in the message",
    "illustrative_geometry": "a polygon only illustrates a declared area; it shows no place, and is never evidence",
    "leased_exceeds": "more land is declared leased than is there; the self-run part is left missing",
    "parcel_across_zones": "a parcel lies in several zones; each zone is given its own part of it",
    "parcel_of_no_area": "a polygon has no area; it adds nothing",
    "parcel_of_two_sites": "ground is claimed by several sites; it is divided equally between them and reported",
    "parcel_without_site": "a polygon names no site of the study; it is counted for none",
    "parcel_without_year": "a polygon has no year; it is counted in its own row, with the year missing",
    "products_differ": "two products, class tables or resolutions are compared; a difference may be theirs",
    "raster_covers_partly": "a raster covers only part of a zone; the rest is outside, nothing is extrapolated",
    "year_after_survey": "a polygon is dated after the survey: a plan, or a wrong year; it is counted under its year",
    "zone_of_no_area": "a zone has no area; its areas are 0 and its shares missing",
    "zone_without_geometry": "a zone has no position; its areas are missing",
}
"""Problem codes of this package with their meaning and what is done."""

Problems = list[Problem]
"""Where a function puts what it found odd, if the caller gave it one."""


def note(
    problems: Problems | None, code: str, severity: Severity, message: str, **where: object
) -> None:
    """Add a problem to the caller's list, if there is one.

    Examples
    --------
    >>> found: Problems = []
    >>> note(found, "zone_of_no_area", "warning", "Zone z has no area.", id="z")
    >>> found[0].code
    'zone_of_no_area'
    """
    if code not in LAND_CODES:
        raise KeyError(code)
    if problems is not None:
        problems.append(Problem(code=code, severity=severity, message=message, **where))  # type: ignore[arg-type]
