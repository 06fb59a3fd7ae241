"""Problems: what is wrong with an input, row by row, in words a user can act on."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, NamedTuple, TypeVar

import pandas as pd

from geosettle.errors import GeosettleError

T = TypeVar("T")
Severity = Literal["note", "warning", "error", "fatal"]
"""note: worth knowing; warning: doubted, the row is used; error: the row is set aside; fatal: the
input is refused.
"""


class Code(NamedTuple):
    """One kind of problem: how severe it usually is, what it means, and what to do about it."""

    severity: Severity
    meaning: str
    mend: str

    @property
    def sentence(self) -> str:
        """The meaning as a sentence."""
        return f"{self.meaning[0].upper()}{self.meaning[1:]}."


_FOUND_READING: Final[Mapping[str, tuple[Severity, str, str]]] = {
    # --- the file
    "file_missing": ("fatal", "the file does not exist", "Check the path."),
    "file_unreadable": (
        "fatal",
        "the file cannot be read as what it claims to be",
        "Save it again.",
    ),
    "file_refused": (
        "fatal",
        "the file is of a kind that is not opened, for safety",
        "Convert it to a listed format.",
    ),
    "file_too_large": ("fatal", "the file is larger than is read", "Cut it to the study region."),
    "layer_unclear": (
        "fatal",
        "the file holds several layers or sheets and none was named",
        "Name the one to read.",
    ),
    "sheet_hidden": (
        "warning",
        "the sheet that is read is hidden",
        "Show it, or name another with --sheet.",
    ),
    "rows_deleted": (
        "warning",
        "rows are marked as deleted and are not read",
        "Save the file again.",
    ),
    "role_guessed": (
        "note",
        "the layer's role was guessed from its columns",
        "Say it with --role.",
    ),
    "reader_warning": (
        "warning",
        "the reader of the format complained",
        "Save the file again with its own program.",
    ),
    "count_differs": (
        "fatal",
        "fewer features could be read than the file declares",
        "Get an undamaged copy.",
    ),
    "encoding_guessed": (
        "note",
        "the text encoding was guessed",
        "Save the file as UTF-8, or name its encoding.",
    ),
    "text_damaged": (
        "warning",
        "letters were destroyed by a wrong encoding",
        "Save again from the original as UTF-8.",
    ),
    "link_not_followed": (
        "warning",
        "the file points to another file, which is not opened",
        "Put the data in one file.",
    ),
    # --- the table
    "table_empty": ("fatal", "there is no row", "Give the table a header and at least one row."),
    "header_below_title": ("note", "the header stands below title lines", ""),
    "header_several_rows": ("note", "the header has more than one row", ""),
    "header_repeated": ("note", "the header is repeated among the rows", ""),
    "quotes_kept": (
        "warning",
        "quotation marks do not pair and were read as letters",
        "Check them.",
    ),
    "rows_chosen": ("note", "rows were chosen by a filter", ""),
    "rows_combined": ("note", "rows with one key were put together", ""),
    "columns_unused": ("note", "columns are not used", ""),
    "rows_hidden": ("note", "rows are hidden in the sheet; they are read like the others", ""),
    "column_missing": (
        "fatal",
        "a required column is missing",
        "Add it, or map a column to it with --map.",
    ),
    "column_repeated": (
        "warning",
        "two columns have the same name; the first is used",
        "Rename one of them.",
    ),
    "column_unclear": (
        "warning",
        "several columns fit one meaning; the first is used",
        "Say which with --map.",
    ),
    "map_unknown": (
        "fatal",
        "a mapped column does not exist",
        "Check the spelling of the mapping.",
    ),
    "row_too_long": (
        "error",
        "a row has more cells than headers",
        "Put text that holds the delimiter in quotation marks.",
    ),
    "row_too_short": (
        "warning",
        "a row has fewer cells than headers",
        "Add the missing delimiters.",
    ),
    "row_cut": ("error", "the file ends in the middle of a row", "Get the whole file."),
    "row_repeated": ("error", "the row is an exact copy of another", "Remove one of them."),
    "row_total": ("error", "the row is a total, not an item", "Remove total rows."),
    "merged_cells": (
        "warning",
        "merged cells hold their value once",
        "Unmerge them and fill every row.",
    ),
    "formula_without_value": (
        "warning",
        "a formula has no saved value",
        "Open, calculate and save the workbook.",
    ),
    # --- cells
    "value_missing": ("error", "a required value is empty", "Fill it in."),
    "excel_error": (
        "error",
        "the cell holds a spreadsheet error",
        "Mend the formula, or empty the cell.",
    ),
    "date_in_number": (
        "error",
        "a spreadsheet turned the number into a date",
        "Format the column as text; enter it again.",
    ),
    "number_unreadable": (
        "error",
        "the cell should hold a number and does not",
        "Write digits only.",
    ),
    "number_out_of_range": (
        "error",
        "the number cannot be right",
        "Correct it, or leave it empty.",
    ),
    "number_ambiguous": (
        "warning",
        "the mark in the number can be decimal or thousands",
        "Write it without thousands marks.",
    ),
    "time_unknown": (
        "error",
        "the time is neither before nor after the move",
        "Write before or after.",
    ),
    "number_not_whole": ("warning", "a count is not a whole number", "Check it."),
    "year_read_from_text": (
        "note",
        "the first year named in the text was taken",
        "Write one year.",
    ),
    "unit_converted": ("note", "the unit in the header was converted", ""),
    "unit_unknown": (
        "warning",
        "the header names a unit that is not known",
        "Use the unit of the contract.",
    ),
    "unit_suspected": (
        "warning",
        "the numbers look like another unit",
        "Check the unit of the column.",
    ),
    "text_markup": ("note", "the text holds markup or formula signs; it is treated as text", ""),
    "text_bidi": ("warning", "the text holds invisible direction marks", "Remove them."),
    "personal_data": (
        "fatal",
        "the column looks like data about persons",
        "Remove it; only places are studied here.",
    ),
    # --- identity
    "id_missing": ("error", "the identifier is empty", "Give every row an identifier of its own."),
    "id_duplicate": (
        "error",
        "two rows have the same identifier",
        "Give every row an identifier of its own.",
    ),
    "id_near_duplicate": (
        "warning",
        "two identifiers differ only in spaces, case or look",
        "Write them alike or apart.",
    ),
    "id_scientific": (
        "error",
        "the identifier was rounded by a spreadsheet",
        "Format the column as text; enter it again.",
    ),
    "id_from_name": (
        "note",
        "the file has no identifiers; names are used",
        "Give the features identifiers.",
    ),
    "code_missing": (
        "warning",
        "the code of a unit says that it has none",
        "Give the unit a code.",
    ),
    "flows_from_matrix": ("note", "a matrix of moves was read as rows", ""),
    "place_from_area": ("note", "areas were taken as places by a point on each", ""),
    "id_made": (
        "note",
        "no column identifies a row; rows were numbered",
        "Give the rows identifiers.",
    ),
    "name_from_id": ("note", "the file has no names; identifiers are used", "Give the rows names."),
    "no_move": ("note", "nobody moved: with 0 households the row is no flow", ""),
    "year_buddhist": ("note", "a year of the Buddhist era was brought to the common era", ""),
    "id_cleaned": ("note", "invisible characters or spaces were taken off the identifier", ""),
    "reference_unknown": (
        "error",
        "the identifier it refers to does not exist",
        "Correct it, or add that row.",
    ),
    "reference_mended": (
        "warning",
        "the identifier matches another one but for spaces, case or look",
        "Write them alike.",
    ),
    "spelling_differs": (
        "warning",
        "one word that groups rows is spelled in several ways",
        "Write it alike.",
    ),
    "name_duplicate": ("warning", "two rows have the same name", "Check that they are two places."),
    # --- position
    "position_unknown": (
        "warning",
        "the row has no position; it is kept without one",
        "Give lon and lat when known.",
    ),
    "placed_by_unit": ("note", "rows without a position were placed in the unit they declare", ""),
    "position_half": ("error", "only one of lon and lat is given", "Give both."),
    "position_order": ("note", "the order of the two numbers of a position was chosen", ""),
    "position_from_column": ("note", "positions were found in a column by what it holds", ""),
    "degrees_from_time": ("note", "a spreadsheet made times of degrees, minutes and seconds", ""),
    "degrees_packed": ("note", "degrees and minutes are written without a mark between them", ""),
    "zone_unclear": ("error", "the zone of the row is not clear", "Write it as 37N or 37S."),
    "position_zero": (
        "error",
        "zero stands where a coordinate is missing",
        "Leave unknown coordinates empty.",
    ),
    "position_duplicate": (
        "warning",
        "two rows lie at the same or nearly the same position",
        "Check both.",
    ),
    "position_contradicts_geometry": (
        "warning",
        "lon and lat disagree with the geometry, which is used",
        "Remove one.",
    ),
    "coordinate_unreadable": ("error", "the coordinate cannot be read", "Write decimal degrees."),
    "coordinate_out_of_range": (
        "error",
        "the coordinate is outside the Earth",
        "Write decimal degrees.",
    ),
    "coordinate_coarse": (
        "note",
        "the coordinates are given to few decimals",
        "State uncertainty_km.",
    ),
    "longitude_wrapped": ("note", "longitudes counted from 0 to 360 were brought to ±180", ""),
    "coordinates_swapped": ("error", "longitude and latitude are swapped", "Swap the two columns."),
    "coordinates_equal": (
        "error",
        "longitude and latitude are the same number",
        "Check both columns.",
    ),
    "coordinates_metres": (
        "error",
        "metres were taken for degrees",
        "State the coordinate reference system.",
    ),
    "coordinates_radians": ("error", "radians were taken for degrees", "Convert them to degrees."),
    "coordinate_scaled": (
        "error",
        "the decimal mark of the coordinate was lost",
        "Write it with its decimal mark.",
    ),
    "hemisphere_axis": (
        "error",
        "the hemisphere letter belongs to the other axis",
        "Check the columns.",
    ),
    "hemisphere_contradicts": (
        "error",
        "sign or hemisphere contradicts the region",
        "Check sign and hemisphere.",
    ),
    "outside_region": (
        "error",
        "the position is outside the study region",
        "Correct it, or widen the region.",
    ),
    "far_from_others": ("warning", "the position lies far from all others", "Check it."),
    "outside_declared_unit": (
        "warning",
        "the position is outside the unit declared",
        "Check position and unit.",
    ),
    "declared_unit_unknown": (
        "note",
        "the unit declared is not among the boundaries",
        "Check its spelling.",
    ),
    "scope_unknown": (
        "warning",
        "the scope is neither study nor comparison; the row is not counted in the study",
        "Write study, comparison, or leave the cell empty.",
    ),
    "declared_code_differs": (
        "warning",
        "the name and the code that are declared are those of different units",
        "Correct one of them; the name is used.",
    ),
    "column_declares_unit": (
        "note",
        "a column is read as the declared unit of a level",
        "Rename the column if it is something else.",
    ),
    "column_renamed": (
        "note",
        "a column has the name of one that is computed; it is kept under another name",
        "",
    ),
    # --- coordinate reference system
    "crs_missing": ("fatal", "the coordinate reference system is not said", "Say it with --crs."),
    "crs_unknown": ("fatal", "the coordinate reference system is not known", "Give an EPSG code."),
    "crs_contradicted": (
        "fatal",
        "the coordinates cannot be in the system declared",
        "Correct it with --crs.",
    ),
    "crs_axis_order": (
        "fatal",
        "the coordinates are in latitude, longitude order",
        "Write longitude first.",
    ),
    "crs_overridden": (
        "warning",
        "the system stated goes before the one the file declares",
        "Check which is right.",
    ),
    "crs_converted": ("note", "the coordinates were brought to WGS84", ""),
    "datum_converted": ("note", "coordinates of a Chinese map service were brought to WGS84", ""),
    "datum_suspected": (
        "warning",
        "the positions look shifted as by a Chinese map service",
        "State --datum.",
    ),
    # --- geometry
    "geometry_missing": ("error", "the feature has no geometry", "Draw it, or remove the row."),
    "geometry_unreadable": ("error", "the geometry cannot be read", "Draw it again."),
    "geometry_empty": ("error", "the geometry is empty", "Draw it, or remove the row."),
    "geometry_type": (
        "error",
        "the geometry is of a type the layer does not take",
        "Use the right type.",
    ),
    "geometry_invalid": (
        "error",
        "the outline is invalid and mending would change its area",
        "Draw it again.",
    ),
    "geometry_mended": ("warning", "the outline was invalid and was mended", "Check the outline."),
    "geometry_not_finite": (
        "error",
        "the geometry holds coordinates that are not finite",
        "Draw it again.",
    ),
    "geometry_mixed": ("error", "the geometry mixes points, lines and areas", "Split it by type."),
    "geometry_tiny": ("warning", "the area is too small for what it should be", "Check it."),
    "geometry_dropped_z": ("note", "heights in the geometry are not used", ""),
    "geometry_duplicate": ("warning", "two features have the same geometry", "Remove one of them."),
    "multipoint_centre": (
        "warning",
        "several points for one place; their centre is used",
        "Give one point.",
    ),
    "antimeridian": ("note", "the geometry was cut at the 180th meridian", ""),
    # --- between rows and layers
    "boundaries_overlap": ("warning", "units of one level overlap", "Use one boundary set."),
    "boundaries_gap": (
        "warning",
        "there is a gap between units of one level",
        "Use one boundary set.",
    ),
    "unit_outside_parent": (
        "warning",
        "the unit lies outside the unit above",
        "Check parent_code.",
    ),
    "parent_missing": (
        "warning",
        "the unit above does not exist",
        "Add it, or correct parent_code.",
    ),
    "households_differ": ("warning", "households do not add up", "Check both layers."),
    "households_exceed_persons": (
        "warning",
        "there are more households than persons",
        "Check both columns.",
    ),
    "household_size": ("warning", "persons per household are improbable", "Check both columns."),
    "area_differs": ("warning", "declared and drawn area differ", "Check the area and its unit."),
    "areas_overlap": (
        "warning",
        "areas of one kind and year overlap",
        "Draw them apart, or join them.",
    ),
    "value_improbable": ("warning", "the value is improbable", "Check it."),
    "leased_exceeds_declared": ("warning", "more is leased than there is", "Check both columns."),
    "declared_shorter": (
        "warning",
        "the distance declared is shorter than the straight line",
        "Check its unit.",
    ),
    "road_ends_equal": ("error", "the road ends where it begins", "Correct one of its ends."),
    "road_contradicts": (
        "warning",
        "two rows give one road different lengths",
        "Keep the right one.",
    ),
    "flow_duplicate": (
        "warning",
        "the same flow stands twice",
        "Join the rows, or tell them apart by year.",
    ),
    "site_without_flow": ("note", "no flow leads to the site", ""),
    "validity_reversed": ("error", "the validity ends before it begins", "Swap the years."),
    # --- rasters
    "raster_resampled": ("note", "the raster was brought to longitude/latitude", ""),
    "raster_no_place": ("fatal", "the raster has no place on Earth", "Georeference it."),
    "raster_empty": ("fatal", "every cell is missing", "Get an undamaged copy."),
    "raster_constant": ("warning", "every cell has the same value", "Check the raster."),
    "raster_values": ("warning", "cells hold impossible values", "Check unit, scale and nodata."),
    "raster_classes": ("warning", "cells hold values that are no classes", "Give a class raster."),
    "raster_bands": (
        "warning",
        "the raster has several bands; the first is read",
        "Name the band.",
    ),
    "raster_coverage": ("warning", "the raster does not cover the places", "Use a larger raster."),
    "nodata_undeclared": (
        "warning",
        "a value is taken as missing though the file does not declare it",
        "Set nodata.",
    ),
    # --- study
    "setting_unknown": ("fatal", "the setting does not exist", "Correct its name."),
    "setting_type": ("fatal", "the setting is of the wrong kind", "See defaults.toml."),
    "layer_unknown": ("fatal", "there is no layer of that name", "Correct its name."),
    "file_unused": ("note", "the file belongs to no layer", ""),
}

_FOUND_COMPUTING: Final[Mapping[str, tuple[Severity, str, str]]] = {
    # --- areal layers
    "area_in_mu": (
        "warning",
        (
            "a declared area is about 15 times the mapped one, as if mu were labelled ha; "
            "used as written"
        ),
        "",
    ),
    "cover_overlaps": (
        "warning",
        "polygons of the cover overlap; the ground is counted once, the overlap is reported in ha",
        "",
    ),
    "cover_without_geometry": (
        "note",
        "a polygon has no geometry; its mapped area is missing, its declared area is kept",
        "",
    ),
    "declared_differs": (
        "warning",
        "declared and mapped area differ by more than the stated share; both are shown",
        "",
    ),
    "elevation_missing": (
        "warning",
        "the elevation of part of the green land is unknown; that part is not counted as oasis",
        "",
    ),
    "geometry_refused": (
        "error",
        "repair would change the area of a polygon beyond the stated share; it is set aside",
        "",
    ),
    "geometry_repaired": (
        "warning",
        "a polygon crossed itself and was repaired; its area before and after is in the message",
        "",
    ),
    "illustrative_geometry": (
        "note",
        "a polygon only illustrates a declared area; it shows no place, and is never evidence",
        "",
    ),
    "leased_exceeds": (
        "warning",
        "more land is declared leased than is there; the self-run part is left missing",
        "",
    ),
    "parcel_across_zones": (
        "note",
        "a parcel is in several zones; each zone is given its own part of it",
        "",
    ),
    "parcel_of_no_area": ("note", "a polygon has no area; it adds nothing", ""),
    "parcel_of_two_sites": (
        "warning",
        "ground is claimed by several sites; it is divided equally between them and reported",
        "",
    ),
    "parcel_without_site": (
        "note",
        "a polygon names no site of the study; it is counted for none",
        "",
    ),
    "parcel_without_year": (
        "note",
        "a polygon has no year; it is counted in its own row, with the year missing",
        "",
    ),
    "products_differ": (
        "warning",
        "two products, class tables or resolutions are compared; a difference may be theirs",
        "",
    ),
    "raster_covers_partly": (
        "warning",
        "a raster covers only part of a zone; the rest is outside, nothing is extrapolated",
        "",
    ),
    "year_after_survey": (
        "warning",
        (
            "a polygon is dated after the survey: a plan, or a wrong year; "
            "it is counted under its year"
        ),
        "",
    ),
    "zone_of_no_area": (
        "warning",
        "a zone has no area; its areas are 0 and its shares missing",
        "",
    ),
    "zone_without_geometry": ("note", "a zone has no position; its areas are missing", ""),
    # --- roads
    "road_closed": (
        "note",
        "a road is closed in the season or by an attribute; it is not used for routing",
        "",
    ),
    "road_detour": (
        "warning",
        "a published length over the straight line is outside the range set as plausible",
        "Check the length and the positions of its places.",
    ),
    "road_end": ("error", "a row of a table of lengths names no place at one end", ""),
    "road_geometry": ("error", "a road has no line", ""),
    "road_joined": (
        "note",
        "ends of roads were joined to the nearest road",
        "Set tolerance_m under [road] to join over other gaps.",
    ),
    "road_length": ("error", "the length of a road is missing or not above zero", ""),
    "road_not_for_vehicles": (
        "note",
        "lines that vehicles may not use are not used for routing",
        "Set highway or access of those that are roads.",
    ),
    "road_not_used": ("note", "the road's own row says that it is not to be used for routing", ""),
    "road_place_unknown": (
        "warning",
        "the position of a place that the table of lengths names is unknown; no way leads to it",
        "Add it to the places, by id or name.",
    ),
    "road_quality": ("error", "the road is of a quality that is not used for routing", ""),
    "road_shorter_than_straight": (
        "error",
        "a published length is shorter than the straight line between its places: impossible",
        "Check the length and the positions of its places.",
    ),
    "road_speed": ("error", "the speed of a road is not above zero", ""),
    "road_speed_assumed": (
        "note",
        "the speed of a road is the general one",
        "Set class_speed_kmh under [road], or speed_kmh there.",
    ),
    "road_tag_unknown": (
        "warning",
        "no rule knows the value of a tag of OpenStreetMap",
        "Add it to class_speed_kmh under [road], or correct the file.",
    ),
    # --- outputs
    "part_failed": (
        "warning",
        "a part of the outputs could not be made; everything else is there",
        "Report it with the study; GEOSETTLE_DEBUG=1 shows where it happened.",
    ),
    # --- masking
    "masked": ("note", "the position is coarsened or withheld to protect households", ""),
}

CODES: Final[Mapping[str, Code]] = {
    code: Code(*entry) for code, entry in {**_FOUND_READING, **_FOUND_COMPUTING}.items()
}
"""Every problem code, with its severity, meaning and mend."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding about one input.

    Parameters
    ----------
    code
        Stable name, a key of `CODES`.
    severity
        See `Severity`.
    message
        What is wrong, one sentence.
    mend
        What to do about it, one sentence; empty if nothing is to be done.
    file, layer, sheet
        The file's name as the user gave it; the role that it is read as; the sheet or layer inside
        the file, where it has several.
    row, line
        The 1-based data row, and the row as the user's own program numbers it: the row of the
        spreadsheet, the line of a text file. None where the file has no such numbers.
    column, value
        The column and the value as read.
    id
        Identifier of the row, where it has one.
    """

    code: str
    severity: Severity
    message: str
    mend: str = ""
    file: str = ""
    layer: str = ""
    sheet: str = ""
    row: int | None = None
    line: int | None = None
    column: str = ""
    value: str = ""
    id: str = ""


class RowsSetAside(UserWarning):
    """Rows of a file that cannot be used were left out.

    `problems` holds all that was found in the file.
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def problem(code: str, message: str = "", **where: Any) -> Problem:
    """Return a problem with the severity and mend that its code usually has.

    Every problem is made here, so that none has a code without a meaning.

    Examples
    --------
    >>> problem("id_missing", row=3).severity
    'error'
    """
    kind = CODES[code]
    usual = {"severity": kind.severity, "mend": kind.mend}
    return Problem(code=code, message=message or kind.sentence, **{**usual, **where})


def problem_of(error: GeosettleError, layer: str, file: str = "") -> Problem:
    """Return an error of reading as a fatal problem, so that it is listed with all the others."""
    text = error.message + (f" (got {error.value!r})" if error.value is not None else "")
    return problem(
        error.code, f"{text[0].upper()}{text[1:]}.".replace("..", "."), severity="fatal",
        file=error.file or file, layer=layer, row=error.row, column=error.column, mend=error.mend,
    )  # fmt: skip


Problems = list[Problem]
"""Where a function puts what it found wrong, if the caller gave it one."""


def note(problems: Problems | None, code: str, message: str = "", **where: Any) -> None:
    """Add a problem to the caller's list, if there is one.

    Examples
    --------
    >>> found: Problems = []
    >>> note(found, "zone_of_no_area", "Zone z has no area.", id="z")
    >>> found[0].severity
    'warning'
    """
    found = problem(code, message, **where)
    if problems is not None:
        problems.append(found)


def attempt(problems: Problems | None, part: str, make: Callable[[], T]) -> T | None:
    """Return what is made; on failure None and one problem that names the part and the cause.

    Without a list to put the problem in, what is raised goes on to the caller.

    Examples
    --------
    >>> found: Problems = []
    >>> attempt(found, "figure land", lambda: 1 / 0)
    >>> found[0].code, found[0].message
    ('part_failed', 'figure land could not be made: ZeroDivisionError: division by zero.')
    """
    try:
        return make()
    except Exception as error:
        if problems is None:
            raise
        if os.environ.get("GEOSETTLE_DEBUG"):
            traceback.print_exc()
        cause = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")
        found = problem("part_failed", f"{part} could not be made: {cause}.", id=part)
        if found not in problems:
            problems.append(found)
        return None


PROBLEM_COLUMNS: Final = tuple(f.name for f in fields(Problem))


def problems_frame(problems: Iterable[Problem]) -> pd.DataFrame:
    """Problems as a table, in a fixed order of columns and rows.

    Examples
    --------
    >>> p = Problem(code="id_missing", severity="error", message="The id is empty.", row=3)
    >>> problems_frame([p])[["code", "row"]].to_dict("records")
    [{'code': 'id_missing', 'row': 3}]
    """
    frame = pd.DataFrame([asdict(p) for p in problems], columns=list(PROBLEM_COLUMNS))
    frame[["row", "line"]] = frame[["row", "line"]].astype("Int64")
    order = ["layer", "file", "row", "column", "code", "value", "message"]
    return frame.sort_values(order, kind="stable", na_position="first").reset_index(drop=True)
