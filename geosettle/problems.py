"""Problems: what is wrong with an input, row by row, in words a user can act on."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, NamedTuple, TypeVar

import pandas as pd

from geosettle.data_files import read_data
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


CODES: Final[Mapping[str, Code]] = {
    code: Code(*entry)
    for part in read_data("problems.toml").values()
    for code, entry in part.items()
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
    distance_km
        How far the position is from where it should be.
    falls_in
        Unit that the position is in, the coarser ones first.
    households
        Households of the row.
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
    distance_km: float | None = None
    falls_in: str = ""
    households: float | None = None


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
