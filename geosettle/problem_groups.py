"""Problems for a reader: each cause once, the worst first, by distance and households."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from geosettle.problems import Problem

_ALONE: Final = 3
"""Rows of one kind that are still listed one by one."""
_ROWS_SHOWN: Final = 5
_VALUE_SHOWN: Final = 60
"""Characters of a cell that a message shows."""
_RANK: Final = {"fatal": 0, "error": 1, "warning": 2, "note": 3}
_BY_VALUE: Final = frozenset({"outside_declared_unit", "declared_unit_unknown"})
"""Kinds of which rows with the same value have the same cause."""


@dataclass(frozen=True)
class Group:
    """Problems of one cause.

    Attributes
    ----------
    problems
        In the order of their rows; those of a group have one code, layer, file and column.
    """

    problems: tuple[Problem, ...]

    @property
    def households(self) -> float:
        """Households of all rows together; 0 where none is known."""
        return sum(p.households or 0.0 for p in self.problems)

    @property
    def weight(self) -> tuple[int, float, float, int]:
        """What puts a group before another: severity, distance by households, households, rows."""
        moved = sum((p.distance_km or 0.0) * (p.households or 1.0) for p in self.problems)
        rank = _RANK[self.problems[0].severity]
        return rank, -moved, -self.households, -len(self.problems)

    @property
    def line(self) -> str:
        """One line for all of them."""
        first, n = self.problems[0], len(self.problems)
        if n == 1:
            return line_of(first)
        place = [first.file] if first.file else []
        place += [f"sheet {first.sheet}"] if first.sheet else []
        place += [first.column] if first.column else []
        rows = [p.line or p.row for p in self.problems]
        shown = ", ".join(str(r) for r in rows[:_ROWS_SHOWN] if r is not None)
        more = f" and {n - _ROWS_SHOWN} more" if n > _ROWS_SHOWN else ""
        listed = f"{n} rows ({shown}{more})" if shown else f"{n} times"
        known = [p.distance_km for p in self.problems if p.distance_km is not None]
        if known:
            listed += f", {min(known):,.1f} to {max(known):,.1f} km"
        if self.households:
            listed += f", {self.households:,.0f} households"
        one = (
            first.message
            if len({p.message for p in self.problems}) == 1
            else f"first: {first.message}"
        )
        text = f"{first.severity}: {', '.join(place)}: {listed}: {one} {first.mend} [{first.code}]"
        return " ".join(text.split())


def grouped(problems: Iterable[Problem]) -> list[Group]:
    """Put problems of one cause together; what is reported of one row under two layers counts once.

    Examples
    --------
    >>> from geosettle.problems import problem
    >>> where = {"column": "households"}
    >>> rows = [problem("number_unreadable", row=n, layer="sites", **where) for n in range(2, 12)]
    >>> again = [problem("number_unreadable", row=2, layer="flows", **where)]
    >>> [len(group.problems) for group in grouped([*rows, *again])]
    [10]
    """
    seen: set[tuple[object, ...]] = set()
    causes: dict[tuple[object, ...], list[Problem]] = {}
    for one in problems:
        at = one.line or one.row
        if at is not None:
            same = (one.code, one.file, one.sheet, at, one.message)
            if same in seen:
                continue
            seen.add(same)
        by_value = (one.value, one.falls_in.split(" / ")[0]) if one.code in _BY_VALUE else ()
        message = one.message if at is None else ""
        cause = (one.code, one.severity, one.file, one.sheet, one.column, message, *by_value)
        causes.setdefault(cause, []).append(one)
    groups = [
        Group(tuple(part))
        for rows in causes.values()
        for part in ([[p] for p in rows] if len(rows) <= _ALONE else [rows])
    ]
    return sorted(groups, key=lambda group: group.weight)


def group_lines(problems: Iterable[Problem], most: int | None = None) -> list[str]:
    """Lines for a reader; beyond `most` the number of those that are left out.

    Parameters
    ----------
    problems
        In any order.
    most
        Lines at most; None shows every problem in a line of its own.
    """
    if most is None:
        return [
            line_of(p)
            for p in sorted(problems, key=lambda p: (_RANK[p.severity], p.layer, p.row or 0))
        ]
    groups = grouped(problems)
    lines = [group.line for group in groups[:most]]
    if left := groups[most:]:
        rows = sum(len(group.problems) for group in left)
        lines.append(
            f"... and {len(left)} more kinds of problems in {rows} rows: --all lists every one"
        )
    return lines


def line_of(found: Problem) -> str:
    """One problem as a line: severity, file, sheet, row, column, what is wrong and what to do."""
    place = [found.file] if found.file else []
    place += [f"sheet {found.sheet}"] if found.sheet else []
    row = found.line or found.row  # as the user's own program numbers it
    place += [f"row {row}"] if row is not None else []
    place += [found.column] if found.column else []
    # Messages of one kind are alike: only what the cell holds tells which mistake it is.
    value = "".join(c if c.isprintable() else "\ufffd" for c in found.value)
    if value and value not in found.message:
        place.append(f"'{value}'" if len(value) <= _VALUE_SHOWN else f"'{value[:_VALUE_SHOWN]}…'")
    wording = f"{found.message} {found.mend} [{found.code}]"
    return " ".join(f"{found.severity}: {', '.join(place)}: {wording}".split())
