"""Problems: what is wrong with an input, row by row, in words a user can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal

import pandas as pd

__all__ = ["CODES", "PROBLEM_COLUMNS", "Problem", "Severity", "problems_frame"]

Severity = Literal["note", "warning", "error", "fatal"]
"""note: worth knowing; warning: doubted, the row is used; error: the row is set aside; fatal: the input is refused."""

CODES: Final[Mapping[str, str]] = {}
"""Every problem code with what it means; filled below, so that one list documents them all."""


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
    file, layer
        The file's name as the user gave it, and the role or sheet or layer inside it.
    row, line
        1-based data row; line of a text file.
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
    row: int | None = None
    line: int | None = None
    column: str = ""
    value: str = ""
    id: str = ""


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
