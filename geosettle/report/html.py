"""report.html: one file that says what was found, how, from what, and what is doubtful."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

import pandas as pd

from geosettle import style
from geosettle.analysis import Result
from geosettle.report._page import Column, cell, element, image, page, table
from geosettle.report.dictionary import entry
from geosettle.report.methods import methods_used
from geosettle.report.summary import name_of, numbers, summary_lines
from geosettle.report.tables import tables
from geosettle.report.wide import oasis_wide, remoteness_wide
from geosettle.report.words import say

__all__ = ["report_html"]

_Part = ET.Element | None
_DISC: Final = re.compile(r"(.+)_(\d+(?:\.\d+)?)km_ha")


def report_html(
    result: Result, *, figures: Mapping[str, bytes] | None = None, map_png: bytes | None = None, lang: str = "en"
) -> str:
    """Write the report as one HTML file that loads nothing from outside and runs no script.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    figures
        What `geosettle.report.figures` returned; the PNGs are put into the page.
    map_png
        Picture of the interactive map; without it the printed map stands in its place.
    lang
        "en" or "zh"; names and texts of the data stay as they are.
    """
    drawn = dict(figures or {})
    if map_png is not None:
        drawn["od_map.png"] = map_png
    writer = _Writer(result, drawn, lang)
    sections = [
        ("summary", writer.summary()),
        ("reading", writer.reading()),
        ("map", writer.picture("od_map", "map")),
        ("sites", writer.sites()),
        ("distances", writer.distances()),
        ("declared", writer.declared()),
        ("land", writer.land()),
        ("remoteness", writer.remoteness()),
        ("livelihood", writer.livelihood()),
        ("claims", writer.claims()),
        ("uncertain", writer.uncertain()),
        ("problems", writer.problems()),
        ("methods", writer.methods()),
        ("sources", writer.sources()),
        ("run", writer.run()),
    ]
    title = str(result.study.settings.get("study", {}).get("title") or "") or result.study.name
    contents = element(
        "nav",
        element("ol", [element("li", element("a", say(lang, f"h_{key}"), href=f"#{key}")) for key, _ in sections]),
        **{"aria-label": say(lang, "contents")},
    )
    main = element(
        "main",
        [
            element(
                "section",
                element("h2", say(lang, f"h_{key}"), id=f"{key}-h"),
                parts,
                id=key,
                **{"aria-labelledby": f"{key}-h"},
            )
            for key, parts in sections
        ],
        id="main",
    )
    header = element(
        "header", element("h1", element("bdi", title)), element("p", say(lang, "report_lead"), class_="lead")
    )
    css = importlib.resources.files("geosettle.report").joinpath("static", "report.css").read_text("utf-8")
    skip = element("a", say(lang, "skip"), href="#main", class_="skip")
    return page(title, css, [element("div", skip, header, contents, main, class_="page")], lang)


class _Writer:
    """The sections of one report; it only holds what they share."""

    def __init__(self, result: Result, figures: Mapping[str, bytes], lang: str) -> None:
        self.result, self.figures, self.lang = result, figures, lang
        self.tables = tables(result)

    def say(self, key: str, **values: Any) -> str:
        return say(self.lang, key, **values)

    def p(self, key: str, **values: Any) -> ET.Element:
        return element("p", self.say(key, **values))

    def picture(self, name: str, words: str) -> list[_Part]:
        data = self.figures.get(f"{name}.png")
        return [image(data, self.say(f"alt_{words}"), self.say(f"caption_{words}"))] if data else []

    def frame(self, name: str, frame: pd.DataFrame, columns: Sequence[str], caption: str) -> ET.Element:
        """Print columns of a written table, with headings and units from the dictionary."""
        printed = [Column(c, self.heading(c), _unit(name, c)) for c in columns]
        more = self.say("more_rows", table=name)
        return table(frame, printed, caption, more=more, yes_no=(self.say("yes"), self.say("no")))

    def heading(self, column: str) -> str:
        try:
            return self.say(f"col_{column}")
        except LookupError:
            disc = _DISC.fullmatch(column)
            if disc:
                return self.say("col_disc", cover=self.heading(f"cover_{disc[1]}").removeprefix("cover "), km=disc[2])
            return column.replace("_", " ")

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put names in the place of identifiers of sites and origins."""
        made = frame.copy()
        for column, places in (("site_id", self.result.sites), ("origin_id", self.result.origins)):
            if column in made:
                made[column] = [name_of(places, key) if key in places.index else key for key in made[column]]
        if "id" in made and "role" in made:
            both = {"site": self.result.sites, "origin": self.result.origins}
            made["id"] = [
                name_of(both[role], key) if role in both and key in both[role].index else key
                for role, key in zip(made["role"], made["id"], strict=True)
            ]
        return made

    # --- sections, in the order of the page

    def summary(self) -> list[_Part]:
        lines = [element("li", element("bdi", line)) for line in summary_lines(self.result, self.lang)]
        return [element("ol", lines, class_="findings")]

    def reading(self) -> list[_Part]:
        return [self.p(f"reading_{n}") for n in range(1, 5)]

    def sites(self) -> list[_Part]:
        frame = _range(self.tables["sites"], "oasis_edge", "km")
        columns = [
            *(
                "name",
                "name_local",
                "site_id",
                "county",
                "declared_county",
                "admin_probability",
                "households",
                "persons",
            ),
            *("year", "uncertainty_km", "in_oasis", "oasis_edge_range_km"),
        ]
        return [self.p("sites_note"), self.frame("sites", frame, columns, self.say("cap_sites"))]

    def distances(self) -> list[_Part]:
        frame = _range(self.named(self.tables["pairs"]), "geodesic", "km")
        known = numbers(frame, "geodesic_km").notna()
        columns = [
            *("origin_id", "site_id", "households", "geodesic_km", "geodesic_range_km", "bearing_deg", "surface_km"),
            *("walk_out_h", "walk_back_h", "road_km", "road_h", "detour_ratio", "elevation_change_m"),
        ]
        parts: list[_Part] = [
            self.p("distances_note"),
            *self.picture("distances", "distances"),
            self.frame("pairs", frame[known], columns, self.say("cap_distances")),
        ]
        if not known.all():
            rest = frame[~known].assign(why=[_last_reason(why) for why in frame.loc[~known, "why"]])
            columns = ["origin_id", "site_id", "households", "why"]
            parts.append(self.frame("pairs", rest, columns, self.say("cap_no_distance")))
        return [*parts, *self.picture("counties", "counties")]

    def declared(self) -> list[_Part]:
        frame = _range(self.named(self.tables["pairs"]), "geodesic", "km")
        frame = frame[numbers(frame, "declared_km").notna()].copy()
        circular = frame["flags"].fillna("").astype(str).str.contains("used_to_place")
        known = numbers(frame, "geodesic_km").notna()
        frame["ratio"] = (numbers(frame, "declared_km") / numbers(frame, "geodesic_km")).round(2)
        columns = [
            "origin_id",
            "site_id",
            "declared_km",
            "geodesic_km",
            "geodesic_range_km",
            "ratio",
            "road_km",
            "flags",
        ]
        parts: list[_Part] = [self.p("declared_note"), *self.picture("declared", "declared")]
        parts.append(self.frame("pairs", frame[~circular & known], columns, self.say("cap_declared")))
        short = ["origin_id", "site_id", "declared_km"]
        if (~circular & ~known).any():
            parts.append(self.frame("pairs", frame[~circular & ~known], short, self.say("cap_declared_alone")))
        if circular.any():
            parts.append(self.p("declared_circular"))
            parts.append(self.frame("pairs", frame[circular], [*short, "flags"], self.say("cap_circular")))
        return parts

    def land(self) -> list[_Part]:
        land, oasis, sites = self.named(self.tables["land"]), self.tables["oasis"], self.tables["sites"]
        parts: list[_Part] = [self.p("land_note"), *self.picture("land", "land")]
        if "developed_ha" in land:
            land = land[numbers(land, "developed_ha").notna()]
        parts.append(self.frame("land", land, _LAND, self.say("cap_land")))
        parts += [element("h3", self.say("h_oasis")), self.p("oasis_note"), *self.picture("oasis", "oasis")]
        if len(oasis):
            wide = oasis_wide(self.result)
            parts.append(table(wide, [Column(c, self.heading(c)) for c in wide.columns], self.say("cap_oasis")))
        discs = [c for c in sites.columns if _DISC.fullmatch(c)]
        if discs:
            parts += [element("h3", self.say("h_covers")), self.p("covers_note")]
            parts.append(self.frame("sites", sites, ["name", *discs], self.say("cap_covers")))
        return parts

    def remoteness(self) -> list[_Part]:
        parts: list[_Part] = [self.p("remoteness_note")]
        wide = remoteness_wide(self.result)
        if len(wide):
            columns = [Column(c, self.heading(c)) for c in wide.columns]
            parts.append(table(wide, columns, self.say("cap_remoteness")))
        change = self.tables["change"]
        if len(change):
            parts += [element("h3", self.say("h_change"))]
            parts.append(self.frame("change", change, list(change.columns), self.say("cap_change")))
        return parts

    def livelihood(self) -> list[_Part]:
        frame = self.tables["livelihood"]
        parts: list[_Part] = [self.p("livelihood_note"), *self.picture("capitals", "capitals")]
        if "section" not in frame:
            return parts
        named = self.named(frame)
        for section in dict.fromkeys(frame["section"]):
            rows = named[frame["section"] == section]
            caption = self.heading(f"section_{section}").removeprefix("section ")
            if section in _COUNTED:
                counts = pd.crosstab(rows["item"], rows["verdict"].fillna("")).reset_index()
                parts.append(table(counts, [Column(c, self.heading(c)) for c in counts.columns], caption))
                parts.append(self.p("rows_counted"))
            else:
                parts += self.section(rows, caption, everything=section == "capital")
        return parts

    def section(self, rows: pd.DataFrame, caption: str, *, everything: bool) -> list[_Part]:
        """Print the rows of one part of the livelihood account that say something; count the others."""
        known = rows if everything else rows[rows["verdict"].fillna("").astype(str) != "unknown"]
        sources = set(known["source"].dropna()) - {""} if "source" in known else set()
        dropped = {"section", "item"} | ({"source"} if len(sources) < 2 else set())
        columns = ["item", *[c for c in rows.columns if c not in dropped]]
        parts: list[_Part] = [
            self.frame("livelihood", known, columns, caption) if len(known) else element("h3", caption)
        ]
        if len(sources) == 1:
            parts.append(element("p", self.say("all_from", source=next(iter(sources))), class_="muted"))
        if len(known) < len(rows):
            parts.append(element("p", self.say("rows_unknown", n=len(rows) - len(known)), class_="muted"))
        return parts

    def claims(self) -> list[_Part]:
        frame = self.tables["claims"].rename(columns={"why": "judged"})
        for joined, pieces, between in (
            ("about", ("subject", "quantity"), ": "),
            ("stated", ("value", "unit"), " "),
            ("found", ("computed", "computed_unit"), " "),
        ):
            frame[joined] = [
                between.join(cell(v) for v in row if isinstance(v, (int, float, str)) and v == v and v != "")  # noqa: PLR0124
                for row in frame.reindex(columns=list(pieces)).itertuples(index=False)
            ]
        columns = ["claim_id", "about", "as_printed", "stated", "found", "verdict", "judged", "reading"]
        parts: list[_Part] = [self.p("claims_note")]
        if "source" not in frame or frame["source"].nunique() > _MOST_SOURCES:
            return [*parts, self.frame("claims", frame, [*columns, "source"], self.say("cap_claims"))]
        for source, rows in frame.groupby(frame["source"].fillna(""), sort=False):
            caption = self.say("cap_claims_of", source=source) if source else self.say("cap_claims")
            parts.append(self.frame("claims", rows, columns, caption))
        return parts

    def uncertain(self) -> list[_Part]:
        rows = []
        for role, frame in (("site", self.result.sites), ("origin", self.result.origins)):
            part = pd.DataFrame({"id": frame.index, "name": [name_of(frame, key) for key in frame.index]})
            part["role"] = self.say(role)
            part["uncertainty_km"] = numbers(frame, "uncertainty_km").to_numpy()
            part["position_basis"] = frame["position_basis"].to_numpy() if "position_basis" in frame else ""
            part["position"] = [self.say("known" if known else "unknown") for known in frame.geometry.notna()]
            rows.append(part)
        both = pd.concat(rows, ignore_index=True).sort_values(
            ["uncertainty_km", "id"], ascending=[False, True], na_position="first"
        )
        told = [frame["why"] for name in ("sites", "pairs") if "why" in (frame := self.tables[name])]
        reasons = pd.concat([part.dropna().astype(str) for part in told] or [pd.Series(dtype=str)])
        reasons = (
            reasons.str.split("; ").explode().map(lambda text: text.rpartition(": ")[2].strip(), na_action="ignore")
        )
        reasons = reasons[reasons != ""].value_counts()
        why = pd.DataFrame({"reason": reasons.index, "n": reasons.to_numpy()})
        why = why.sort_values(["n", "reason"], ascending=[False, True]).head(_MOST_REASONS)
        return [
            self.p("uncertain_note"),
            self.frame(
                "sites",
                both,
                ["name", "id", "role", "position", "uncertainty_km", "position_basis"],
                self.say("cap_positions"),
            ),
            self.frame("sites", why, ["reason", "n"], self.say("cap_reasons")),
        ]

    def problems(self) -> list[_Part]:
        ledger = pd.DataFrame(
            [{"layer": layer, **counts} for layer, counts in sorted(self.result.study.ledger.items())]
        )
        parts: list[_Part] = [self.p("problems_note")]
        if len(ledger):
            columns = ["layer", "rows_in", "rows_used", "rows_set_aside"]
            parts.append(self.frame("problems", ledger, columns, self.say("cap_ledger")))
        kinds = []
        for (severity, code), rows in self.tables["problems"].groupby(["severity", "code"], sort=True):
            ids = [str(key) for key in rows["id"] if isinstance(key, str) and key]
            first = rows.iloc[0]
            files = ", ".join(sorted({str(name) for name in rows["file"] if isinstance(name, str) and name}))
            more = "" if len(ids) <= 5 else f" +{len(ids) - 5}"
            kinds.append(
                {"code": code, "severity": severity, "n": len(rows), "message": first["message"], "mend": first["mend"]}
                | {"file": files, "id": ", ".join(ids[:5]) + more}
            )
        columns = ["code", "severity", "n", "message", "mend", "file", "id"]
        parts.append(self.frame("problems", pd.DataFrame(kinds, columns=columns), columns, self.say("cap_problems")))
        return parts

    def methods(self) -> list[_Part]:
        used = methods_used(self.result)
        intervals = self.result.intervals
        draws, level = (numbers(intervals, name).max() for name in ("draws", "level"))
        values = {"draws": cell(draws), "percent": cell(100 * level)}
        text = ("" if self.lang == "zh" else " ").join(self.say(f"method_{method.name}", **values) for method in used)
        references = dict.fromkeys(method.reference for method in used if method.reference)
        return [
            self.p("methods_note"),
            element("p", text),
            element("h3", self.say("h_references")) if references else None,
            element("ul", [element("li", reference) for reference in references]) if references else None,
        ]

    def sources(self) -> list[_Part]:
        rows = [
            {
                "file": file,
                **{key: facts.get(key) for key in ("layer", "source", "licence", "date", "rows", "crs_read")},
            }
            for file, facts in sorted(self.result.study.inputs.items())
        ]
        parts: list[_Part] = (
            [
                self.frame(
                    "sources",
                    pd.DataFrame(rows),
                    ["file", "layer", "source", "licence", "date", "rows", "crs_read"],
                    self.say("cap_sources"),
                )
            ]
            if rows
            else []
        )
        note = str(self.result.study.settings.get("study", {}).get("boundary_note") or "")
        box = element(
            "div",
            element("p", element("bdi", note)) if note else None,
            element("p", style.BOUNDARY_NOTE[self.lang]),
            class_="box",
        )
        return [*parts, box]

    def run(self) -> list[_Part]:
        facts = dict(self.result.provenance)
        versions = {"geosettle": facts.get("geosettle") or facts.get("version"), **dict(facts.get("versions") or {})}
        listed = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        rows = [
            {"file": file, "sha256": str(details.get("sha256", ""))}
            for file, details in sorted(self.result.study.inputs.items())
        ]
        parts: list[_Part] = [element("p", self.say("versions", versions=listed))] if listed else []
        if "seed" in facts:
            parts.append(element("p", self.say("seed", seed=facts["seed"])))
        if rows:
            parts.append(self.frame("sources", pd.DataFrame(rows), ["file", "sha256"], self.say("cap_hashes")))
        return parts


_MOST_REASONS: Final = 30
_MOST_SOURCES: Final = 6
"""With more sources than this the claims stand in one table, the source in its own column."""
_COUNTED: Final = frozenset({"model condition", "recommendation"})
"""Parts of the livelihood account with a row per site and condition: the report counts their verdicts."""
_LAND: Final = (
    *("site_id", "households", "parcels_n", "declared_ha", "mapped_ha", "leased_ha", "self_run_ha"),
    *("developed_mu_per_household", "self_run_mu_per_household", "enough_mu", "enough", "geometry_basis", "why"),
)

_NO_UNIT: Final = frozenset(
    {"as unit", "as value", "as quantity", "count", "share, 0-1", "year", "households", "persons", "computed_unit"}
)


def _unit(name: str, column: str) -> str:
    if column in {"geodesic_range_km", "oasis_edge_range_km"}:
        return "km"
    try:
        found = entry(name, column)
    except KeyError:
        return ""
    return "" if found is None or found.unit in _NO_UNIT else found.unit


def _range(frame: pd.DataFrame, stem: str, unit: str) -> pd.DataFrame:
    """Join the low and high column of a quantity into one text, "low to high"."""
    made = frame.copy()
    low, high = (numbers(frame, f"{stem}_{end}_{unit}") for end in ("low", "high"))
    made[f"{stem}_range_{unit}"] = [
        f"{a:,.6g} … {b:,.6g}" if a == a and b == b else ""  # noqa: PLR0124  (NaN is not equal to itself)
        for a, b in zip(low, high, strict=True)
    ]
    return made


def _last_reason(why: object) -> str:
    """Return why a pair has no distance, without the list of the columns it concerns."""
    reasons = [part.rpartition(": ")[2] for part in str(why).split("; ")] if isinstance(why, str) else []
    return "; ".join(dict.fromkeys(reasons))
