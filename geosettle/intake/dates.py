"""The same registry at several survey dates, known by the columns and names of its files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from geosettle.intake.proposals import Proposal
from geosettle.io.numbers import to_text

_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_DATES: Final = (
    (re.compile(rf"(?<!\d)(20\d\d)[-_.]?{_MONTH}[-_.]?{_DAY}(?!\d)"), (1, 2, 3)),
    (re.compile(rf"(?<!\d){_DAY}[-_.]?{_MONTH}[-_.]?(20\d\d)(?!\d)"), (3, 2, 1)),
    (re.compile(rf"(?<!\d)(20\d\d)[-_.]{_MONTH}(?!\d)"), (1, 2)),
    (re.compile(r"(?<!\d)(19\d\d|20\d\d)(?!\d)"), (1,)),
)
"""Dates in names of files and sheets, with the groups of year, month and day."""
_ROUND: Final = re.compile(
    r"(?<![a-z])(?:round|wave|ronda|vague|tour|r|w)[\s_-]?(\d{1,3})(?!\d)", re.IGNORECASE
)
_COLUMN: Final = re.compile(
    r"(?:(?:survey|assessment|report(?:ing)?|data|update|reference)_?)?(?:date|round|wave|period|month)"
)
"""Headers of the date of a survey."""
_AGREE: Final = 0.5
"""Least share of names and positions that must be the same under one identifier."""
_COMMON: Final = 0.3
"""Least share of the identifiers that two dates must have in common."""
_LIST: Final = 24
"""Dates of one registry at most."""


def date_in(name: str) -> str:
    """Date, or number of the round, that a name holds; "" if none.

    Examples
    --------
    >>> date_in("DTM_26102014"), date_in("sites 2014-09"), date_in("Baseline round 9"), date_in("a")
    ('2014-10-26', '2014-09', 'round 009', '')
    """
    for pattern, groups in _DATES:
        if match := pattern.search(name):
            return "-".join(match[g] for g in groups)
    match = _ROUND.search(name)
    return f"round {int(match[1]):03d}" if match else ""


def dated(sites: Sequence[Proposal], proposals: Sequence[Proposal]) -> list[Proposal]:
    """Sites together with those of other dates: tables of the same columns, each with its date.

    They are left alone where not every table says its date, or two say the same.
    """
    first = sites[0]
    source = first.dataset.source
    if len(sites) > 1 or source is None or source.geometry is not None:
        return list(sites)
    headers = list(source.cells.columns)
    same = [
        p for p in proposals
        if p.role == "sites" and p.dataset is not first.dataset and p.dataset.source is not None
        and list(p.dataset.source.cells.columns) == headers
    ]  # fmt: skip
    if not same:
        return _by_column(first)
    dates = [date_in(_name(p)) for p in (first, *same)]
    if "" in dates or len(set(dates)) < len(dates) or len(dates) > _LIST:
        return [first]
    every = [first, *same]
    key = _stable(every)
    if not key and "#" in first.made.get("site_id", []):
        return [first]  # rows that nothing identifies cannot be found again at another date
    out = []
    for date, one in sorted(zip(dates, every, strict=True), key=lambda item: item[0]):
        made = {k: v for k, v in first.made.items() if k != "site_id" or not key}
        columns = {**first.columns, **({"site_id": key} if key else {})}
        out.append(
            replace(
                first, dataset=one.dataset, columns=columns, made=made,
                why=f"{first.why}; survey date {date}", also={**first.also, "date": date},
            )
        )  # fmt: skip
    return out


def _name(one: Proposal) -> str:
    return one.dataset.sheet or PurePosixPath(one.dataset.layer or one.dataset.path.name).stem


def _texts(one: Proposal, header: str) -> list[str]:
    source = one.dataset.source
    return [] if source is None else [(to_text(c) or "").strip() for c in source.cells[header]]


def _stable(every: Sequence[Proposal]) -> str:
    """Header that identifies the same sites at every date, by their names and positions.

    A running number identifies rows too, but other sites at another date. "" if none does.
    """
    source = every[0].dataset.source
    if source is None or "#" not in every[0].made.get("site_id", []):
        return ""
    first = every[0].columns
    facts = [first[c] for c in ("name", "lon", "lat") if c in first]
    best, most = "", _AGREE
    for header in map(str, source.cells.columns):
        lists = [_texts(one, header) for one in every]
        if header in facts or any("" in t or len(set(t)) < len(t) for t in lists):
            continue
        share = _agreement(every, lists, facts)
        if share > most:
            best, most = header, share
    return best


def _agreement(
    every: Sequence[Proposal], lists: Sequence[Sequence[str]], facts: Sequence[str]
) -> float:
    """Share of the rows with one identifier at the first and last date that say the same."""
    old, new = (
        {key: tuple(row) for key, *row in zip(keys, *(_texts(one, f) for f in facts), strict=True)}
        for keys, one in ((lists[0], every[0]), (lists[-1], every[-1]))
    )
    common = old.keys() & new.keys()
    if not facts or len(common) < _COMMON * min(len(old), len(new)):
        return 0.0
    same = sum(a == b for k in common for a, b in zip(old[k], new[k], strict=True))
    return float(same) / (len(common) * len(facts))


def _by_column(one: Proposal) -> list[Proposal]:
    """Sites of a table whose column of dates tells several surveys of the same sites apart."""
    source = one.dataset.source
    made = one.made.get("site_id", [])
    if source is None or "#" not in made:
        return [one]
    named = [h for h in made if h != "#"] or [one.columns[c] for c in ("name",) if c in one.columns]
    for header in map(str, source.cells.columns):
        if not named or not _COLUMN.fullmatch(header.strip().casefold().replace(" ", "_")):
            continue
        dates = _texts(one, header)
        keys = list(zip(dates, *(_texts(one, h) for h in named), strict=True))
        several = 1 < len(set(dates)) <= _LIST and "" not in dates
        if several and len(set(keys)) == len(keys):
            why = f"{one.why}; surveys by {header}"
            return [
                replace(one, made={**one.made, "site_id": named}, why=why,
                        also={**one.also, "date_column": header})
            ]  # fmt: skip
    return [one]
