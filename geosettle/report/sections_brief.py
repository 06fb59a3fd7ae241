"""Page one of the report: three numbers, what was found, the map, and the units."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

import pandas as pd

from geosettle.cells import numbers
from geosettle.report.html_builder import element
from geosettle.report.section import FEW_ROWS, Part, Writer, ranged
from geosettle.report.summary import summary_lines
from geosettle.results import headline_of, in_scope, number
from geosettle.results.given import level_name
from geosettle.results.sentences import headline_numbers
from geosettle.words import capital

_TOTAL: Final = "total"
_UNITS: Final = (
    *("unit", "level_name", "sites", "households", "persons"),
    *("moves_in", "moves_out", "moves_within", "distance_median_km", "distance_range_km"),
    *("distance_moves", "developed_ha", "nearest_road_km"),
)
_MOVES: Final = (
    *("origin_unit", "site_unit", "level_name", "moves", "households", "persons"),
    *("distance_median_km", "distance_range_km"),
)
_ALL: Final = "all"
_ROUND_UNITS: Final = (
    *("unit", "level_name", "date_before", "date", "sites_before", "sites", "new", "closed"),
    *("moved", "households_before", "households", "persons_before", "persons"),
)
_ROUNDS: Final = ("name", "site_id", "date", "status", "moved_km", "households")


def brief(writer: Writer) -> list[Part]:
    """Answer the three questions, then say what was found, and show the map and the units."""
    lines = [
        element("li", element("bdi", line)) for line in summary_lines(writer.result, writer.lang)
    ]
    links = [
        element("a", writer.say(key), href=path)
        for key, path in (("link_map", "map.html"), ("link_workbook", "tables.xlsx"))
    ]
    return [
        element("div", [box for box in _boxes(writer) if box is not None], class_="boxes"),
        element("ol", lines, class_="findings"),
        element("p", links[0], " · ", links[1]),
        *writer.picture("od_map", "map"),
        _coarsest(writer),
    ]


def _boxes(writer: Writer) -> list[Part]:
    """Give three questions with a number each; a question that the study cannot answer has none."""
    result = in_scope(writer.result)
    located = int(result.sites.geometry.notna().sum())
    boxes: list[Part] = [
        _box(writer, "where", f"{located:,}", writer.say("brief_of", n=f"{len(result.sites):,}"))
    ]
    found = headline_of(result)
    if found is not None:
        low, middle, high = headline_numbers(found)
        range_ = f"{low}-{high} km; " if low != high else ""
        by = writer.say(f"brief_by_{found.weighting}", n=f"{found.total:,.0f}")
        boxes.append(_box(writer, "how_far", f"{middle} km", f"{range_}{by}"))
    own = numbers(result.land, "developed_ha")
    own = own[own > 0]
    if len(own):
        at = writer.say("brief_at", n=len(own))
        boxes.append(_box(writer, "what_land", f"{number(float(own.sum()))} ha", at))
    return boxes


def _box(writer: Writer, question: str, figure: str, note: str) -> ET.Element:
    return element(
        "div",
        element("p", writer.say(f"brief_{question}"), class_="ask"),
        element("p", figure, class_="figure"),
        element("p", note, class_="muted"),
        class_="brief",
    )


def _coarsest(writer: Writer) -> Part:
    """Show the units of the coarsest level, with the totals."""
    frame = writer.tables.get("units", pd.DataFrame())
    if frame.empty:
        return None
    top = str(frame["level"].iloc[0])
    return _unit_table(writer, frame[frame["level"].isin([top, _TOTAL])], "cap_units_top")


def units(writer: Writer) -> list[Part]:
    """Show the units of every level, and the moves from unit to unit of the finest."""
    frame = writer.tables.get("units", pd.DataFrame())
    if frame.empty:
        return []
    drawn = numbers(frame, "distance_median_low_km") < numbers(frame, "distance_median_high_km")
    percent = f"{100 * writer.result.study.settings.distance.level:g}"
    made: list[Part] = [
        writer.p("units_note"),
        writer.p("units_interval", percent=percent) if drawn.any() else None,
        *writer.picture("counties", "counties"),
    ]
    levels = [level for level in frame["level"].unique() if level != _TOTAL]
    if len(levels) > 1 and len(frame) <= FEW_ROWS:
        made.append(_unit_table(writer, frame, "cap_units"))
    elif len(levels) > 1:
        # The coarsest level is on page one; of the next, the units of most households.
        rows = frame[frame["level"] == levels[1]]
        made.append(_unit_table(writer, rows, "cap_units_level", whole=False))
    moves = writer.tables.get("moves", pd.DataFrame())
    if len(moves):
        finest = moves[moves["level"] == moves["level"].iloc[-1]]
        for within, caption in ((False, "cap_moves"), (True, "cap_moves_within")):
            rows = _said(writer, finest[finest["within"] == within])
            made.append(writer.frame("moves", rows, _MOVES, writer.say(caption)))
    return made


def rounds(writer: Writer) -> list[Part]:
    """Compare the survey dates: by unit, then the sites that are new, closed or moved."""
    by_unit = writer.tables.get("round_units", pd.DataFrame())
    if by_unit.empty:
        return []
    level = {v: capital(level_name(writer.lang, v)) for v in by_unit["level"].astype(str).unique()}
    whole = by_unit["level"] == _ALL
    shown = by_unit.assign(
        level_name=by_unit["level"].map(level).where(~whole, ""),
        unit=by_unit["unit"].where(~whole, writer.say("all_units")),
    )
    shown = shown.sort_values(
        ["date", "level"], kind="stable", key=lambda c: c.where(c != _ALL, "")
    )
    sites = writer.tables.get("rounds", pd.DataFrame())
    sites = sites[~sites["status"].isin(["same place"])]
    sites = sites.assign(
        status=[writer.word("status", text) for text in sites["status"]],
        moved_km=numbers(sites, "moved_km").round(1),
        households=numbers(sites, "households").fillna(numbers(sites, "households_before")),
    )
    return [
        writer.p("rounds_note"),
        writer.frame("round_units", shown, _ROUND_UNITS, writer.say("cap_round_units"), whole=True),
        writer.frame("rounds", sites, _ROUNDS, writer.say("cap_rounds")),
    ]


def _unit_table(writer: Writer, frame: pd.DataFrame, caption: str, *, whole: bool = True) -> Part:
    rows = _said(writer, frame)
    depth = {level: n for n, level in enumerate(frame["level"].unique())} | {_TOTAL: 0}
    inset = frame["level"].map(depth).map(lambda n: n * "\N{EM SPACE}")
    rows["unit"] = inset + rows["unit"].where(frame["level"] != _TOTAL, writer.say("all_units"))
    text = writer.say(caption, level=rows["level_name"].iloc[0])
    return writer.frame("units", rows, _UNITS, text, whole=whole)


def _said(writer: Writer, frame: pd.DataFrame) -> pd.DataFrame:
    """Levels in words, ranges, and over how many moves a distance is where not over all."""
    made = frame.copy()
    levels = {v: level_name(writer.lang, str(v)) for v in made["level"].unique()}
    made["level_name"] = ["" if v == _TOTAL else capital(levels[v]) for v in made["level"]]
    if "developed_ha" in made:
        made["developed_ha"] = numbers(made, "developed_ha").round(0)
    if "distance_median_km" in made:
        made = ranged(made, "distance_median", "km")
        made["distance_range_km"] = made["distance_median_range_km"]
    if "distance_of" in made:
        made["distance_moves"] = [
            writer.say("n_of" if n < of else "n_of_all", n=n, of=of) if of > 0 else ""
            for n, of in zip(made["distance_n"], made["distance_of"], strict=True)
        ]
    return made


def reach(writer: Writer) -> list[Part]:
    """Show catchments of all sites together, who is within the hours, and who near a road."""
    parts: list[Part] = []
    frame = writer.tables.get("reach", pd.DataFrame())
    if not frame.empty:
        joint, caption = frame[frame["site_id"] == ""], writer.say("cap_reach")
        parts += [
            writer.p("reach_note"),
            writer.frame("reach", joint, ["hours", "area_ha"], caption, whole=True),
        ]
    columns = ["area", "reach", "from_h", "to_h", "persons", "percent"]
    parts += _persons(writer, "population", columns, "cap_population")
    far = writer.tables.get("unreached", pd.DataFrame())
    if not far.empty:
        shown = far.assign(persons=numbers(far, "persons").round())
        columns = ["group", "persons", "hours", "site_id", "site_km", "lon", "lat"]
        columns += ["why"] * bool((shown["why"] != "").any())
        heads = {"hours": writer.say("travel_time")}
        caption = writer.say("cap_unreached")
        parts.append(writer.frame("unreached", shown, columns, caption, heads))
    near = _persons(
        writer, "rural_access", ["area", "persons", "near_road", "percent"], "cap_rural"
    )
    km = writer.result.study.settings.reach.rural_access_km
    return parts + ([writer.p("rural_note", km=f"{km:g}")] if near else []) + near


def _persons(writer: Writer, name: str, columns: list[str], caption: str) -> list[Part]:
    """Show a table of persons, for everybody and by each kind of areas."""
    people = writer.tables.get(name, pd.DataFrame())
    if people.empty:
        return []
    shown = people[numbers(people, "persons") > 0]
    shown = shown.assign(
        persons=numbers(shown, "persons").round(), percent=(100 * numbers(shown, "share")).round(1)
    )
    if "reach" in shown:
        shown["reach"] = [writer.say(f"reach_{text}") for text in shown["reach"]]
    if "near_road" in shown:
        shown["near_road"] = numbers(shown, "near_road").round()
    shown["area"] = shown["area"].where(shown["area"] != "", shown["area_id"])
    parts: list[Part] = []
    for by in shown["by"].unique():
        rows, alone = shown[shown["by"] == by], by == "all"
        known = by in {"all", "site"}
        of = writer.say(f"reach_by_{by}") if known else level_name(writer.lang, by)
        parts.append(
            writer.frame(name, rows, columns[alone:], writer.say(caption, by=of), whole=alone)
        )
    return parts
