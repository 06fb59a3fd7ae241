"""Sections of the report on quality.

Uncertainty, problems, methods, sources, and the run itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.cells import numbers
from geosettle.reasons import count_kinds
from geosettle.report.html_builder import element
from geosettle.report.methods import method_texts
from geosettle.report.section import Part, Writer
from geosettle.results import name_of
from geosettle.results.given import radius_stated
from geosettle.settings import DEFAULTS

_MOST_REASONS: Final = 30
_MOST_IDS: Final = 5


def uncertain(writer: Writer) -> list[Part]:
    """Say how well each position is known, and why numbers are missing."""
    rows = []
    for role, frame in (("site", writer.result.sites), ("origin", writer.result.origins)):
        part = pd.DataFrame(
            {"id": frame.index, "name": [name_of(frame, key) for key in frame.index]}
        )
        part["role"] = writer.say(role)
        part["uncertainty_km"] = numbers(frame, "uncertainty_km").to_numpy()
        part["position_basis"] = (
            frame["position_basis"].to_numpy() if "position_basis" in frame else ""
        )
        words = np.select(
            [frame.geometry.isna(), radius_stated(frame)],
            [writer.say("unknown"), writer.say("known")],
            writer.say("given"),
        )
        part["position"] = words
        rows.append(part)
    both = pd.concat(rows, ignore_index=True).sort_values(
        ["uncertainty_km", "id"], ascending=[False, True], na_position="first"
    )
    declared = [
        frame["why"] for name in ("sites", "pairs") if "why" in (frame := writer.tables[name])
    ]
    counts = count_kinds(writer.codes(text) for part in declared for text in part)
    why = pd.DataFrame({"reason": map(writer.reasons, counts), "n": counts.values()})
    why = why.sort_values(["n", "reason"], ascending=[False, True]).head(_MOST_REASONS)
    columns = ["name", "id", "role", "position", "uncertainty_km", "position_basis"]
    return [
        writer.p("uncertain_note"),
        writer.frame("sites", both, columns, writer.say("cap_positions")),
        writer.frame("sites", why, ["reason", "n"], writer.say("cap_reasons")),
    ]


def problems(writer: Writer) -> list[Part]:
    """Count the rows of each layer, then list each kind of problem once, with its places."""
    ledger = pd.DataFrame(
        [{"layer": layer, **counts} for layer, counts in sorted(writer.result.study.ledger.items())]
    )
    parts: list[Part] = [writer.p("problems_note")]
    if len(ledger):
        columns = ["layer", "rows_in", "rows_used", "rows_set_aside"]
        parts.append(writer.frame("problems", ledger, columns, writer.say("cap_ledger")))
    kinds = []
    severe = {"fatal": 0, "error": 1, "warning": 2, "note": 3}
    for (severity, code), rows in writer.tables["problems"].groupby(
        ["severity", "code"], sort=True
    ):
        ids = list(dict.fromkeys(str(key) for key in rows["id"] if isinstance(key, str) and key))
        first = rows.iloc[0]
        files = ", ".join(
            sorted({str(name) for name in rows["file"] if isinstance(name, str) and name})
        )
        lines = list(dict.fromkeys(str(row) for row in rows["row"].dropna()))
        message = (
            first["message"] if len(rows) == 1 else writer.say("for_example", text=first["message"])
        )
        kinds.append(
            {
                "code": str(code).replace("_", " "),
                "severity": writer.word("severity", severity),
                "n": len(rows),
            }
            | {
                "message": message,
                "mend": first["mend"],
                "file": files,
                "at": severe.get(str(severity), 4),
            }
            | {"id": _few(ids), "row": _few(lines)}
        )
    if not kinds:
        return [*parts, writer.p("problems_none")]
    columns = ["code", "severity", "n", "message", "mend", "file", "row", "id"]
    frame = pd.DataFrame(kinds, columns=[*columns, "at"]).sort_values(
        ["at", "n"], ascending=[True, False]
    )
    parts.append(writer.frame("problems", frame, columns, writer.say("cap_problems")))
    return parts


def _few(names: list[str]) -> str:
    """Name a few, and count the others."""
    more = "" if len(names) <= _MOST_IDS else f" +{len(names) - _MOST_IDS}"
    return ", ".join(names[:_MOST_IDS]) + more


def methods(writer: Writer) -> list[Part]:
    """Write the methods paragraph from what was really run."""
    sentences, references = method_texts(writer.result, writer.say)
    text = writer.say("sentence_gap").join(sentences)
    return [
        writer.p("methods_note"),
        element("p", element("bdi", text)),
        element("h3", writer.say("h_references")) if references else None,
        element("ul", [element("li", element("bdi", reference)) for reference in references])
        if references
        else None,
    ]


def sources(writer: Writer) -> list[Part]:
    """Name every input with its source and licence, and whose boundaries were used."""
    inputs = writer.result.study.inputs
    stated = ["attribution"] * any(facts.get("attribution") for facts in inputs.values())
    fields = ["layer", "source", "licence", *stated, "date", "rows", "crs_read"]
    rows = [
        {"file": file, **{key: facts.get(key) for key in fields}}
        for file, facts in sorted(inputs.items())
    ]
    parts: list[Part] = (
        [writer.frame("sources", pd.DataFrame(rows), ["file", *fields], writer.say("cap_sources"))]
        if rows
        else []
    )
    note = writer.result.study.settings.study.boundary_note
    if writer.result.study.boundaries is None:
        return parts
    box = element(
        "div",
        element("p", element("bdi", note)) if note else None,
        element("p", writer.say("boundaries_as_drawn")),
        class_="box",
    )
    return [*parts, box]


def run(writer: Writer) -> list[Part]:
    """Say with which versions, seed and settings the report was made, and of which inputs."""
    facts = dict(writer.result.provenance)
    versions = {
        "geosettle": facts.get("geosettle") or facts.get("version"),
        **dict(facts.get("versions") or {}),
    }
    listed = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    rows = [
        {"file": file, "sha256": str(details.get("sha256", ""))}
        for file, details in sorted(writer.result.study.inputs.items())
    ]
    parts: list[Part] = [element("p", writer.say("versions", versions=listed))] if listed else []
    if "seed" in facts:
        parts.append(element("p", writer.say("seed", seed=str(facts["seed"]))))
    if facts.get("input_hash"):
        text = writer.say("input_hash", hash=facts["input_hash"])
        parts.append(element("p", text, class_="hash"))
    changed = _settings(writer.result.study.settings.to_dict(), DEFAULTS.to_dict())
    if len(changed):
        parts.append(writer.p("settings_note"))
        columns = ["setting", "value", "default"]
        parts.append(writer.frame("settings", changed, columns, writer.say("cap_settings")))
    if rows:
        parts.append(
            writer.frame(
                "sources", pd.DataFrame(rows), ["file", "sha256"], writer.say("cap_hashes")
            )
        )
    return parts


_OWN_TABLES: Final = ("layers", "models")
"""Tables of study.toml that are shown elsewhere in the report: its sources, and its models with
their thresholds.
"""


_AS_ONE: Final = frozenset({"admin.aliases"})
"""Long tables of names: their size says enough here, study.toml and manifest.json hold them."""


def _settings(used: Mapping[str, Any], defaults: Mapping[str, Any]) -> pd.DataFrame:
    """Return the settings that the study changed, one row each."""
    before = dict(_leaves(defaults))
    changed = [
        {"setting": name, "value": _written(value), "default": _written(before.get(name, ""))}
        for name, value in sorted(_leaves(used), key=lambda leaf: leaf[0])
        if not (isinstance(value, list) and any(isinstance(part, Mapping) for part in value))
        and (name not in before or before[name] != value)
    ]
    return pd.DataFrame(changed, columns=["setting", "value", "default"])


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if not above and key in _OWN_TABLES:
            continue
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping) and value and name not in _AS_ONE:
            yield from _leaves(value, name)
        else:
            yield name, value


def _written(value: Any) -> str:
    """Write the value of a setting as study.toml would, without quotes around a lone text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_written, value)) or "[]"
    return (f"({len(value)})" if value else "{}") if isinstance(value, Mapping) else str(value)
