"""Totals of what a proposed study reads, and the spellings of units that wait for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from geosettle.io.study import gather
from geosettle.io.validation import Checked
from geosettle.levels import declared_units
from geosettle.problems import Problem
from geosettle.settings import Settings


def read_totals(
    folder: Path, settings: Settings
) -> tuple[pd.DataFrame, list[dict[str, Any]], list[Problem]]:
    """Read the layers as a run does.

    Returns
    -------
    tuple
        One row per layer: `rows, used, households, persons, placed, by_unit, by_name` (missing
        where it does not apply); the spellings, those of most households first: `text, level,
        rows, households, candidate, code`; and every problem.
    """
    found = gather(folder, settings)
    rows = {role: _total(checked) for role, checked in found.checked.items()}
    rows |= {f"sites, {date}": _total(checked) for date, checked in found.earlier.items()}
    totals = pd.DataFrame.from_dict(
        rows,
        orient="index",
        columns=["rows", "used", "households", "persons", "placed", "by_unit", "by_name"],
    )  # fmt: skip
    return totals, _spellings(found.checked, settings), found.problems


def _total(checked: Checked) -> list[float]:
    frame = checked.frame
    sums = [
        float(frame[c].sum(min_count=1))
        if c in frame and frame[c].dtype.kind == "f"
        else float("nan")
        for c in ("households", "persons")
    ]
    placed = by_unit = by_name = float("nan")
    if "geometry" in frame and checked.role in {"sites", "origins", "places"}:
        placed = float((~shapely.is_missing(frame["geometry"].to_numpy())).sum())
        by_unit = sum(float(p.value) for p in checked.problems if p.code == "placed_by_unit")
        by_name = sum(float(p.value) for p in checked.problems if p.code == "placed_by_name")
    return [float(checked.rows_in), float(len(frame)), *sums, placed, by_unit, by_name]


def _spellings(layers: Mapping[str, Checked], settings: Settings) -> list[dict[str, Any]]:
    """Texts that name no unit, or not one alone, of sites and origins."""
    if "boundaries" not in layers or layers["boundaries"].fatal:
        return []
    units = layers["boundaries"].frame
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for role in ("sites", "origins"):
        if role not in layers or layers[role].fatal:
            continue
        frame = layers[role].frame
        rows, households = _weights(role, layers)
        for declared in declared_units(frame, units, settings.admin.aliases).values():
            for at, (text, codes) in enumerate(zip(declared.texts, declared.codes, strict=True)):
                if not text or len(codes) == 1:
                    continue
                item = out.setdefault(
                    (declared.level, text),
                    {"text": text, "level": declared.level, "rows": 0, "households": 0.0,
                     "candidate": "", "code": "", "several": len(codes)},
                )  # fmt: skip
                item["rows"] += int(rows.get(frame.index[at], 1))
                item["households"] += float(households.get(frame.index[at], 0.0))
                near = declared.names.candidates(text, most=1)
                if near and not codes:
                    item["candidate"], item["code"] = near[0].name, near[0].code
    return sorted(out.values(), key=lambda s: (-s["households"], -s["rows"], s["level"], s["text"]))


def _weights(role: str, layers: Mapping[str, Checked]) -> tuple[Any, Any]:
    """Rows and households behind each site, or behind each origin by the flows."""
    frame = layers[role].frame
    if role == "sites":
        return {}, frame["households"].fillna(0)
    flows = layers["flows"].frame if "flows" in layers else None
    if flows is None or not len(flows):
        return {}, {}
    by_origin = flows.groupby("origin_id")
    return by_origin.size(), by_origin["households"].sum()
