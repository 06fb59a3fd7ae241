"""Errors a caller can catch, each also the builtin error it resembles.

A user's mistake ends in one of these, carrying where it is and how to mend it; the command line
prints the message and exits with 2. Anything else that escapes is a fault of the program.
"""

from __future__ import annotations

from geosettle.terminal import plain


class GeosettleError(Exception):
    """Base of every error geosettle raises on purpose.

    Parameters
    ----------
    message
        What is wrong, in one sentence.
    file, row, column, value
        Where it is, as far as that is known; `row` is the 1-based data row.
    mend
        What the user can do about it.

    Attributes
    ----------
    code
        The code of the problem that it is listed as; see `geosettle.problems.CODES`.
    """

    code: str = "file_unreadable"

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        row: int | None = None,
        column: str = "",
        value: object = None,
        mend: str = "",
    ) -> None:
        self.message = message
        self.file = file
        self.row = row
        self.column = column
        self.value = value
        self.mend = mend
        super().__init__(self.__str__())

    def __str__(self) -> str:
        """Where, what and how to mend it, in one line."""
        where = [self.file] if self.file else []
        where += [f"row {self.row}"] if self.row is not None else []
        where += [f"column {self.column}"] if self.column else []
        text = f"{', '.join(where)}: {self.message}" if where else self.message
        if self.value is not None:
            text += f" (got {self.value!r})"
        if self.mend and not text.endswith((".", "!", "?")):
            text += "."
        return plain(f"{text} {self.mend}" if self.mend else text)


class InputError(GeosettleError, ValueError):
    """A file, row or value cannot be used."""


class ColumnError(InputError, LookupError):
    """A required column is missing."""


class CrsError(InputError):
    """A coordinate reference system is missing, unknown or contradicted by the coordinates."""

    code = "crs_missing"


class UnknownNameError(GeosettleError, LookupError):
    """A metric, layer, role, indicator or setting has no such name."""

    code = "layer_unknown"


class MissingLayerError(GeosettleError, LookupError):
    """The work asked for needs a layer that the study does not have."""


class OutputError(GeosettleError, OSError):
    """An output could not be written; what was there before is still there."""


class FetchError(GeosettleError, ConnectionError):
    """Open data could not be fetched; what was there before is still there."""
