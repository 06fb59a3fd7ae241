"""Options that say how a file is read: the same in every command that reads one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from geosettle.errors import InputError

if TYPE_CHECKING:
    from geosettle.io.source import Options


_PLAIN = ("crs", "datum", "encoding", "layer", "sheet", "header_row")
_PAIRS = ("map", "where", "set")


def add_options(
    command: argparse.ArgumentParser, *, constants: bool = True, study: bool = False
) -> None:
    """Add the options to a command; each may begin with ROLE: to go with one of its files.

    Parameters
    ----------
    command
        The command.
    constants
        Whether to add --set; a command that has one of its own hands its constants over itself.
    study
        Whether the command reads a whole study: what names no role is then for the sites.
    """
    group = command.add_argument_group(
        "how files are read",
        "With ROLE: before the value, such as --sheet origins:Villages, for that layer"
        + ("; without it, for the sites." if study else " only."),
    )
    for name, text in (
        ("--crs", "coordinate reference system, where the file says none"),
        ("--datum", "datum of the coordinates: gcj02, bd09, cgcs2000 or wgs84"),
        ("--encoding", "text encoding, where it cannot be recognised"),
        ("--layer", "layer of a file with several"),
        ("--sheet", "sheet of a workbook"),
        ("--header-row", "row of the header, as the spreadsheet numbers it; 0: none (column1 ...)"),
    ):
        group.add_argument(name, action="append", default=[], metavar="VALUE", help=text)
    group.add_argument(
        "--map", action="append", default=[], metavar="NAME=COLUMN,...",
        help="column of the layer and the header it has in the file, either way round",
    )  # fmt: skip
    group.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=VALUE[|VALUE]",
        help="read only the rows with this value",
    )  # fmt: skip
    if constants:
        group.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE",
            help="one value of a column for all rows, such as level=district",
        )  # fmt: skip


def for_role(given: argparse.Namespace, role: str | None, *, region: Any = None) -> Options:
    """Return what the call says about the file of a role.

    Raises
    ------
    InputError
        A value cannot be read.
    """
    from geosettle.io.source import Options  # noqa: PLC0415

    plain = {name: _last(getattr(given, name, []), role) for name in _PLAIN}
    pairs = {name: _pairs(getattr(given, name, []), role, f"--{name}") for name in _PAIRS}
    if plain["datum"] not in {None, "gcj02", "bd09", "cgcs2000", "wgs84"}:
        raise InputError(
            "there is no such datum",
            value=plain["datum"],
            mend="Use gcj02, bd09, cgcs2000 or wgs84.",
        )
    row = plain["header_row"]
    if row is not None and not row.isdecimal():
        raise InputError("--header-row is the number of a row, 0 for none", value=row)
    return Options(
        plain["crs"], plain["datum"], plain["encoding"], plain["layer"], plain["sheet"],
        columns=pairs["map"],
        header_row=None if row is None else int(row),
        where={name: value.split("|") for name, value in pairs["where"].items()},
        constants=pairs["set"],
        region=region,
    )  # fmt: skip


def for_layers(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return what a call says about the layers of a study, as study.toml says it.

    Without ROLE: it is for the sites.

    Raises
    ------
    InputError
        A value cannot be read.
    """
    from geosettle.layers import LAYERS  # noqa: PLC0415

    out: dict[str, dict[str, Any]] = {}
    for role in LAYERS:
        own = argparse.Namespace(**{
            name: [
                text for text in getattr(given, name, [])
                if role == "sites" or _role_in(text) == role
            ]
            for name in (*_PLAIN, *_PAIRS)
        })  # fmt: skip
        stated = for_role(own, role)
        table = {
            **{name: getattr(stated, name) for name in _PLAIN},
            "map": dict(stated.columns), "where": dict(stated.where), "set": dict(stated.constants),
        }  # fmt: skip
        table = {k: v for k, v in table.items() if v or (k == "header_row" and v == 0)}
        if table:
            out[role] = table
    return out


def _role_in(text: str) -> str:
    """Role that a value begins with, "" if none."""
    from geosettle.layers import LAYERS  # noqa: PLC0415

    head, mark, _ = text.partition(":")
    return head.strip() if mark and head.strip() in LAYERS else ""


def _own(texts: list[str], role: str | None) -> list[str]:
    """Values that go with a role: its own ones after those without any."""
    from geosettle.layers import LAYERS  # noqa: PLC0415

    plain, own = [], []
    for text in texts:
        head, mark, rest = text.partition(":")
        if mark and head.strip() in LAYERS:
            own += [rest.strip()] if head.strip() == role else []
        else:
            plain.append(text)
    return plain + own


def _last(texts: list[str], role: str | None) -> str | None:
    own = _own(texts, role)
    return own[-1] if own else None


def _pairs(texts: list[str], role: str | None, option: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for text in _own(texts, role):
        for part in text.split(",") if option == "--map" else [text]:
            name, sign, value = part.partition("=")
            if not (name.strip() and sign and value.strip()):
                raise InputError(f"{option} cannot be read", value=part, mend="Write NAME=VALUE.")
            out[name.strip()] = value.strip()
    return out
