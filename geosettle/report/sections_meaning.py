"""Sections of the report on what the numbers mean.

Plain words first, then table, chart and caveat.
"""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from geosettle.cells import numbers
from geosettle.report.html_builder import Column, cell
from geosettle.report.section import Part, Writer
from geosettle.results import name_of, sentences
from geosettle.results.pivots import (
    changes,
    conditions_wide,
    kinds_shown,
    models_wide,
    other_sections,
    place_groups,
    ranged_text,
    remoteness_wide,
    section_rows,
    verdict_counts,
)
from geosettle.words import capital, heading_key

_MOST_SOURCES: Final = 6
"""With more sources than this the claims stand in one table, the source in its own column."""
_MOST_KINDS: Final = 4
_OWN_SECTION: Final = ("capital", "model", "model condition", "constraint", "recommendation")


def remoteness(writer: Writer) -> list[Part]:
    """Say how far each site is from the land left and from the nearest places."""
    stated, wide = (
        sentences.remoteness_sentences(writer.result, writer.lang),
        remoteness_wide(writer.result, lambda k, n: writer.say("k_of_n_moves", k=k, n=n)),
    )
    columns = [Column(c, _indicator_heading(writer, c)) for c in wide.columns]
    if len(columns) < 2 and not stated:
        return []
    table = writer.table(wide, columns, writer.say("cap_remoteness"))
    return [
        *writer.stated(stated),
        writer.p("remoteness_note"),
        table,
        writer.caveat("remoteness_caveat"),
    ]


def _indicator_heading(writer: Writer, column: str) -> str:
    """Head a column `ind_<indicator>_<metric>`.

    By its own words where there are some, else by those of the indicator.
    """
    if heading_key(column):
        return writer.heading(column)
    metrics = sorted(set(writer.result.remoteness["metric"].astype(str)), key=len, reverse=True)
    metric = next((m for m in metrics if column.endswith(f"_{m}")), "geodesic")
    indicator = column.removeprefix("ind_").removesuffix(f"_{metric}")
    rows = writer.result.remoteness
    units = rows.loc[(rows["indicator"] == indicator) & (rows["metric"] == metric), "unit"]
    unit = sentences.unit_name(writer.lang, str(units.iloc[0])) if len(units) else ""
    return writer.say(
        "with_unit",
        what=capital(sentences.indicator_name(writer.lang, indicator, metric)),
        unit=unit,
    )


def _service(writer: Writer, kind: str) -> str:
    """Name a kind of service; a road is no kind of place."""
    return capital(writer.say("services_road") if kind == "road" else writer.word("kind", kind))


def _services(writer: Writer) -> list[Part]:
    """Show for how many households each service is nearer or farther after the move."""
    frame = writer.tables.get("services", pd.DataFrame())
    if frame.empty:
        return []
    change = [
        ranged_text(*row, sign=True) for row in frame[["change", "low", "high"]].to_numpy(float)
    ]
    shown = frame.assign(
        service=[_service(writer, kind) for kind in frame["service"]],
        metric=[writer.word("metric", metric) for metric in frame["metric"]],
        change=change,
    )
    columns = ["service", "metric", "of", "nearer_n", "farther_n", "as_before_n"]
    columns += ["not_distinguishable_n", "unknown_n", "before", "after", "change", "unit", "why"]
    heads = {c: writer.say(f"services_{c}") for c in columns if c not in {"metric", "unit", "why"}}
    table = writer.frame("services", shown, columns, writer.say("cap_services"), heads, whole=True)
    return [writer.p("services_note"), table]


def change(writer: Writer) -> list[Part]:
    """State how remoteness changed for those who moved.

    The value at the origin, at the site, and the difference; services first.
    """
    found = changes(writer.result)
    if found.empty:
        return _services(writer)
    shown = kinds_shown(found, place_groups(writer.result), "change", _MOST_KINDS)
    parts: list[Part] = [
        *_services(writer),
        writer.p("change_note"),
        *writer.stated(sentences.change_sentences(writer.result, writer.lang)),
    ]
    rows: dict[str, dict[str, object]] = {}
    for name, metric, _ in shown:
        own = found[(found["indicator"] == name) & (found["metric"] == metric)]
        for row in own.to_dict("records"):
            whole = row["role"] == "study"
            key = "~" if whole else str(row["id"])
            who = writer.say("whole_study") if whole else name_of(writer.result.sites, row["id"])
            text = ranged_text(row["change"], row["low"], row["high"], sign=True)
            line = rows.setdefault(key, {"name": who, "n": 0, "of": 0})
            line["n"] = max(int(str(line["n"])), int(row["n"]))
            line["of"] = max(int(str(line["of"])), int(row["of"]))
            line[f"{name}_{metric}"] = f"{text}: {writer.word('direction', row['direction'])}"
    for line in rows.values():
        if line["n"] != line["of"]:
            line["n"] = writer.say("k_of_n", k=line["n"], n=line["of"])
    if rows:
        columns = [Column("name", writer.heading("name")), Column("n", writer.say("col_moves"))]
        columns += [
            Column(
                f"{name}_{metric}",
                capital(sentences.indicator_name(writer.lang, name, metric)),
                sentences.unit_name(writer.lang, unit),
            )
            for name, metric, unit in shown
        ]
        table = pd.DataFrame([rows[key] for key in sorted(rows)])
        parts.append(writer.table(table, columns, writer.say("cap_remoteness_change")))
    return [*parts, *writer.picture("change", "change"), writer.caveat("change_caveat")]


def capitals(writer: Writer) -> list[Part]:
    """Show the livelihood indicators before and after the move."""
    parts: list[Part] = [*writer.stated(sentences.capitals_sentences(writer.result, writer.lang))]
    parts += _account(writer, "capital")
    parts += writer.picture("capitals", "capitals")
    for section in other_sections(writer.result, _OWN_SECTION):
        parts += _account(writer, section)
    # One list of sentences and nothing else: there is no value that the note could speak of.
    return [*parts, writer.caveat("livelihood_note")] if len(parts) > 1 else parts


def _account(writer: Writer, section: str) -> list[Part]:
    """Print the rows of one part of the livelihood account as they are."""
    frame = writer.tables["livelihood"]
    if "section" not in frame or not (frame["section"] == section).any():
        return []
    rows = writer.named(frame[frame["section"] == section])
    rows = rows.assign(
        site_id=[writer.word("subject", key) for key in rows["site_id"]],
        verdict=[writer.word("verdict", v) if isinstance(v, str) else v for v in rows["verdict"]],
        evidence=[writer.word("evidence", v) if isinstance(v,
        str) else v for v in rows["evidence"]],
        change_range=[
            ranged_text(*row) for row in zip(*(numbers(rows, c) for c in ("change", "low", "high")),
            strict=True)
        ],
    )  # fmt: skip
    sources = set(rows["source"].dropna()) - {""} if "source" in rows else set()
    columns = [
        "item",
        "site_id",
        "before",
        "after",
        "change_range",
        "unit",
        "n",
        "verdict",
        "evidence",
        "note",
    ]
    heading = writer.heading(f"section_{section}").removeprefix("section ")
    made: list[Part] = [
        writer.frame(
            "livelihood", rows, columns + (["source"] if len(sources) > 1 else []), heading
        )
    ]
    return (
        [*made, writer.muted("all_from", source=next(iter(sources)))] if len(sources) == 1 else made
    )


def models(writer: Writer) -> list[Part]:
    """Show the development models: declared where, and what their conditions come to."""
    if not any(len(section_rows(writer.result, name)) for name in ("model", "model condition")):
        return []
    parts: list[Part] = [
        *writer.stated(sentences.models_sentences(writer.result, writer.lang)),
        writer.p("models_note"),
    ]
    wide, unknown = models_wide(writer.result, writer.word)
    if len(wide):
        columns = [
            Column("name", writer.heading("name")),
            *[Column(c, _item_heading(writer, "model", c)) for c in wide.columns[1:]],
        ]
        parts.append(writer.table(wide, columns, writer.say("cap_models")))
    if unknown:
        parts.append(writer.muted("sites_unknown", n=unknown))
    parts += _counts(writer, "model condition", "cap_conditions")
    return [*parts, *writer.picture("models", "models"), writer.caveat("models_caveat")]


def constraints(writer: Writer) -> list[Part]:
    """Show the constraints as measured proxies, site by site."""
    return _conditions(
        writer,
        "constraint",
        sentences.constraints_sentences(writer.result, writer.lang),
        "constraints",
    )


def checks(writer: Writer) -> list[Part]:
    """Show the recommendations as checks that any study can run."""
    stated = sentences.verdicts_sentences(writer.result, writer.lang, "recommendation")
    return _conditions(writer, "recommendation", stated, "checks")


def _conditions(writer: Writer, section: str, stated: list[str], words: str) -> list[Part]:
    rows = section_rows(writer.result, section)
    if rows.empty:
        return []
    parts: list[Part] = [*writer.stated(stated), writer.p(f"{words}_note")]
    if (rows["weighting"] == "households").any():
        parts.append(writer.p("land_mean_note"))
    wide, unknown = conditions_wide(writer.result, section, writer.word)
    if len(wide):
        columns = [
            Column("name", writer.heading("name")),
            *[Column(c, _item_heading(writer, section, c)) for c in wide.columns[1:]],
        ]
        parts.append(writer.table(wide, columns, writer.say(f"cap_{words}")))
    if unknown:
        parts.append(writer.muted("sites_unknown", n=unknown))
    parts += _counts(writer, section, f"cap_{words}_counts")
    return [*parts, *writer.picture(words, words), writer.caveat(f"{words}_caveat")]


def _counts(writer: Writer, section: str, caption: str) -> list[Part]:
    """Count the verdicts of each item, with its threshold and where that comes from."""
    rows = section_rows(writer.result, section)
    if rows.empty:
        return []
    counts = verdict_counts(rows)
    by_item = {item: rows[rows["item"] == item] for item in counts["item"]}
    counts["threshold"] = [_threshold(writer, by_item[item]) for item in counts["item"]]
    counts["source"] = [
        writer.say("list_gap").join(
            writer.word("threshold", text) for text in sorted(set(by_item[item]["source"]) - {""})
        )
        for item in counts["item"]
    ]
    counts["item"] = counts["item"].map(sentences.item_names(writer.lang, rows))
    columns = [Column(c, writer.heading(c)) for c in ("item", "threshold")]
    columns += [
        Column(c, writer.word("verdict", c))
        for c in counts.columns
        if c not in {"item", "threshold", "source"}
    ]
    columns.append(Column("source", writer.say("col_threshold_source")))
    return [writer.table(counts, columns, writer.say(caption))]


def _item_heading(writer: Writer, section: str, item: str) -> str:
    names = sentences.item_names(writer.lang, section_rows(writer.result, section))
    return capital(names[item])


def _threshold(writer: Writer, rows: pd.DataFrame) -> str:
    """Say the threshold of an item in the language wanted."""
    units = [unit for unit in dict.fromkeys(rows["unit"]) if unit]
    unit = sentences.unit_name(writer.lang, units[0]) if units else ""
    limits = rows[["at_most", "at_least"]].iloc[0].dropna()
    stated = [writer.say(str(key), n=f"{limit:,.10g}", unit=unit) for key, limit in limits.items()]
    return writer.say("list_comma").join(stated).strip()


def claims(writer: Writer) -> list[Part]:
    """Compare every claim with what was computed."""
    frame = writer.tables["claims"].copy()
    places = writer.result.sites
    if "subject" in frame:
        frame["subject"] = [
            name_of(places, key) if key in places.index else key for key in frame["subject"]
        ]
    for joined, pieces, between in (
        ("about", ("subject", "quantity"), ": "),
        ("stated", ("value", "unit"), " "),
        ("found", ("computed", "computed_unit"), " "),
    ):
        rows = frame.reindex(columns=list(pieces)).itertuples(index=False)
        frame[joined] = [between.join(_grouped(v) for v in row if _is_filled(v)) for row in rows]
    frame["about"] = [text.replace("_", " ") for text in frame["about"]]
    frame["judged"] = _judged(writer, frame)
    frame["verdict"] = [
        writer.word("verdict", v) if isinstance(v, str) else v for v in frame["verdict"]
    ]
    columns = ["claim_id", "about", "as_printed", "stated", "found", "verdict", "judged"]
    parts: list[Part] = [*writer.stated(sentences.claims_sentences(writer.result, writer.lang))]
    if frame.empty:
        return parts
    if "source" not in frame or frame["source"].nunique() > _MOST_SOURCES:
        parts.append(writer.frame("claims", frame, [*columns, "source"], writer.say("cap_claims")))
    else:
        for source, own in frame.groupby(frame["source"].fillna(""), sort=False):
            caption = (
                writer.say("cap_claims_of", source=source) if source else writer.say("cap_claims")
            )
            parts.append(writer.frame("claims", own, columns, caption))
    return [*parts, *writer.picture("claims", "claims"), writer.caveat("claims_note")]


def _judged(writer: Writer, frame: pd.DataFrame) -> list[str]:
    """Join what the verdict rests on with how a damaged print was read."""
    readings = frame["reading"] if "reading" in frame else pd.Series("", frame.index)
    parts = [
        (writer.reasons(why), writer.say("reading_is", text=text) if _is_filled(text) else "")
        for why, text in zip(frame["why"], readings, strict=True)
    ]
    return [writer.say("list_gap").join(filter(None, pair)) for pair in parts]


def _is_filled(value: object) -> bool:
    return value is not None and value is not pd.NA and value != "" and value == value  # noqa: PLR0124  (NaN)


def _grouped(value: object) -> str:
    """Write a number of the ledger with its thousands apart.

    It has no more than four figures where it has decimals.

    Examples
    --------
    >>> _grouped("441000"), _grouped(1.6291), _grouped("2019-10")
    ('441,000', '1.629', '2019-10')
    """
    text = str(value)
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    found = float(text)
    if abs(found) < 10_000 and found.is_integer():
        return text.removesuffix(".0")  # it may be a year
    return cell(round(found) if abs(found) >= 1000 else float(f"{found:.4g}"))
