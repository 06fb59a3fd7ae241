"""Text of init on the terminal: totals, then file by file, then what needs an answer."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from geosettle.intake.plan import Plan
from geosettle.intake.proposals import Proposal
from geosettle.problem_groups import group_lines
from geosettle.problems import Problem

_SHOWN: Final = 10
"""Spellings, and files without use, that are listed."""
_WIDE: Final = 110
_USEFUL: Final = (
    ("boundaries", "boundaries: units of the moves, and origins or sites placed by name"),
    ("flows", "flows: without them no distance from origin to site"),
    ("dem", "dem: heights, for walking time"),
    ("roads", "roads: distance by road"),
)


def summary_lines(
    plan: Plan,
    totals: pd.DataFrame,
    spellings: Sequence[Mapping[str, Any]],
    problems: Sequence[Problem],
    *,
    every: bool = False,
) -> list[str]:
    """Lines of the first screen; `every` lists all that is otherwise cut short."""
    shown = None if every else _SHOWN
    lines = ["Totals"]
    lines += [f"  {_total(str(role), row, plan)}" for role, row in totals.iterrows()]
    lines += ["", "Files"]
    for role, proposals in plan.layers.items():
        for one in proposals:
            lines += _file(role, one)
    lines += [f"  {one.label}: not used ({why})" for one, why in plan.unused[:shown]]
    if left := len(plan.unused[:0] if every else plan.unused[_SHOWN:]):
        lines.append(f"  ... and {left} more that are not used")
    lines += _waiting(spellings, every=every)
    lines += _wrong(problems, every=every)
    missing = [text for role, text in _USEFUL if role not in plan.layers]
    if missing:
        lines += ["", "Missing and useful", *(f"  {text}" for text in missing)]
    return lines


def _total(role: str, row: pd.Series, plan: Plan) -> str:
    layer = role.split(",", maxsplit=1)[0]  # "sites, 2019-10" are the sites of an earlier date
    parts = [f"{_n(row['rows'])} rows"]
    if row["used"] < row["rows"]:
        parts.append(f"{_n(row['rows'] - row['used'])} set aside")
    for column in ("households", "persons"):
        header = next((p.columns[column] for p in plan.layers[layer] if column in p.columns), "")
        if pd.notna(row[column]) and header:
            parts.append(f"{_n(row[column])} {column} (column {' '.join(header.split())!r})")
    if pd.notna(row["placed"]):
        how = f", {_n(row['by_unit'])} of them somewhere in their unit" if row["by_unit"] else ""
        how += f", {_n(row['by_name'])} by their name" if row["by_name"] else ""
        parts.append(f"{_n(row['placed'])} with a position{how}")
    return f"{role}: {'; '.join(parts)}"


def _file(role: str, one: Proposal) -> list[str]:
    source = one.dataset.source
    head = f"  {one.dataset.label}: {role} ({one.why})"
    if source is None:
        return [head]
    if one.dataset.header_row == 0:
        head += "; it has no header, so its columns are called column1, column2 ..."
    above = next((p.line for p in source.problems if p.code == "header_below_title"), None)
    stated = f"header in row {above}, " if above else ""
    texts = [f"{k} = {v}" for k, v in one.columns.items()]
    texts += [f"{k} = {' / '.join(v)}" for k, v in one.made.items()]
    texts += [f"{k} = {v} (stated unit)" for k, v in one.units.items()]
    texts += [f"{k} = {v!r} for all" for k, v in one.constants.items()]
    unused = [str(c) for c in source.cells.columns if str(c) not in one.used]
    lines = [head, *_wrapped(f"{stated}{len(source.cells)} rows; {', '.join(texts)}")]
    if unused:
        lines += _wrapped(f"not used: {', '.join(unused)}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), _WIDE, initial_indent="    ", subsequent_indent="      ",
        break_long_words=False,
    )[:6]  # fmt: skip


def _waiting(spellings: Sequence[Mapping[str, Any]], *, every: bool) -> list[str]:
    if not spellings:
        return []
    shown = len(spellings) if every else _SHOWN
    lines = [
        "",
        "Names that are no unit's name (lines to correct are in study.toml, under admin.aliases)",
    ]
    for one in spellings[:shown]:
        if one["candidate"]:
            means = f"{one['text']} → {one['candidate']}?"
        elif one["several"] > 1:
            means = f"{one['text']}: {one['several']} units have this name"
        else:
            means = f"{one['text']}: no unit is spelled like it"
        lines.append(
            f"  {one['rows']} rows, {_n(one['households'])} households: {means} ({one['level']})"
        )
    if rest := spellings[shown:]:
        rows, households = (sum(s[k] for s in rest) for k in ("rows", "households"))
        lines.append(f"  ... and {len(rest)} more names: {rows} rows, {_n(households)} households")
    return lines


def _wrong(problems: Sequence[Problem], *, every: bool) -> list[str]:
    """Lines on what is wrong or doubted in the files, each cause once, the worst first."""
    bad = [p for p in problems if p.severity != "note" or p.code == "outside_by_border"]
    if not bad:
        return []
    lines = group_lines(bad, None if every else _SHOWN)
    return ["", "Wrong or doubtful in the files", *(w for line in lines for w in _wrapped(line))]


def _n(value: float) -> str:
    return f"{value:,.0f}"
