"""What was fetched, as lines of study.toml; what the user wrote stays, if only as a comment."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from geosettle.data_files import toml_text
from geosettle.errors import InputError
from geosettle.layers import LAYERS


def with_layer(text: str, role: str, entries: Sequence[Mapping[str, Any]], note: str) -> str:
    r"""Return the text of a study.toml with the tables of a layer.

    Parameters
    ----------
    text
        What study.toml says so far.
    role
        The layer. Tables that it has already become comments.
    entries
        One table each: `path`, `source`, `licence` and so on.
    note
        Comment above them.

    Raises
    ------
    InputError
        The file is written in a way that the lines do not fit in; they are in the message.

    Examples
    --------
    >>> print(with_layer('[layers.dem]\npath = "old.tif"\n', "dem", [{"path": "new.tif"}], "new"))
    # [layers.dem]
    # path = "old.tif"
    <BLANKLINE>
    # new
    [layers.dem]
    path = "new.tif"
    <BLANKLINE>
    """
    several = len(entries) > 1 or LAYERS[role].by_year
    head = f"[[layers.{role}]]" if several else f"[layers.{role}]"
    blocks = [
        "\n".join([head, *(f"{key} = {toml_text(value)}" for key, value in entry.items())])
        for entry in entries
    ]
    added = f"# {note}\n" + "\n\n".join(blocks) + "\n"
    new = f"{_commented(text, role).rstrip()}\n\n{added}".lstrip("\n")
    wanted = copy.deepcopy(tomllib.loads(text))
    wanted.setdefault("layers", {})[role] = (
        [dict(e) for e in entries] if several else dict(entries[0])
    )
    try:
        good = tomllib.loads(new) == _plain(wanted)
    except tomllib.TOMLDecodeError:
        good = False
    if not good:
        raise InputError(
            f"the layer {role} cannot be written into it", file="study.toml",
            mend=f"Put this there by hand: {' '.join(added.split())}",
        )  # fmt: skip
    return new


def _plain(value: Any) -> Any:
    """Return tables with lists where they have tuples, as TOML gives them."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _commented(text: str, role: str) -> str:
    """Text in which the tables of a layer are comments."""
    own, lines = False, []
    for line in text.splitlines():
        if re.match(r"\s*\[", line) and (header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)):
            own = bool(re.fullmatch(rf"layers\.{role}(\..+)?", header[1]))
        lines.append(
            f"# {line}" if own and line.strip() and not line.lstrip().startswith("#") else line
        )
    return "\n".join(lines)
