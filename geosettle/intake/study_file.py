"""study.toml as text: every layer with its columns, commented, to be corrected by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from geosettle.data_files import toml_text
from geosettle.intake.plan import Plan
from geosettle.intake.proposals import Proposal
from geosettle.layers import LAYERS

_SAID: Final = frozenset({"year", "crs", "datum", "encoding", "date", "date_column", "unit"})
"""Further settings of a layer that are written."""


def study_text(
    plan: Plan, folder: Path, name: str, paths: Mapping[Path, Path] | None = None
) -> str:
    """Return the text of study.toml for a plan.

    Parameters
    ----------
    plan
        What serves which layer.
    folder
        Folder of study.toml; files inside it are named relative to it.
    name
        Name of the study.
    paths
        File given to the file that the study names, where they were copied.
    """
    lines = [
        "# What geosettle init took each file for. Correct it by hand, then run the study.",
        "# map: column of the layer = header of the file; join: column made of several headers;",
        (
            "# where: rows that are read; set: one value for all rows; "
            "combine: rows of one key are one;"
        ),
        '# place: rows without a position are somewhere in their declared "unit", or at the one of',
        '# the "places" that has their name.',
        "",
        "[study]",
        f"name = {toml_text(name)}",
    ]
    for role, proposals in plan.layers.items():
        several = len(proposals) > 1
        for one in proposals:
            lines += [
                "",
                f"# {_comment(one)}",
                f"[[layers.{role}]]" if several else f"[layers.{role}]",
            ]
            lines += [
                f"{key} = {toml_text(value)}"
                for key, value in _entry(one, folder, paths or {}).items()
            ]
            unused = _unused(one)
            if unused:
                lines.append(f"# not used: {', '.join(unused)}")
    return "\n".join(lines) + "\n"


def aliases_text(spellings: Sequence[Mapping[str, Any]]) -> str:
    """Return lines for study.toml that wait for an answer: spellings that are no unit's name."""
    rows = [s for s in spellings if s["candidate"]]
    if not rows:
        return ""
    lines = ["", "[admin.aliases]", "# Take away the # where the spelling means that unit."]
    lines += [
        f"# {toml_text(s['text'])} = {toml_text(s['candidate'])}  # {s['level']}, {s['rows']} rows"
        for s in rows
    ]
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _entry(one: Proposal, folder: Path, paths: Mapping[Path, Path]) -> dict[str, Any]:
    spec = {c.name for c in LAYERS[one.role].columns}
    mapped = {k: v for k, v in one.columns.items() if k not in one.made}
    plain = {k for k, v in one.made.items() if k in spec and len(v) == 1 and v[0] != "#"}
    mapped |= {k: one.made[k][0] if k in plain else k for k in one.made if k in spec}
    out = {
        "path": _path(paths.get(one.dataset.path, one.dataset.path), folder),
        "layer": one.dataset.layer,
        "sheet": one.dataset.sheet,
        "where": dict(one.where),
        "map": mapped,
        "join": {k: v if len(v) > 1 else v[0] for k, v in one.made.items() if k not in plain},
        "set": dict(one.constants),
        "combine": one.combine,
        "place": one.place[0] if len(one.place) == 1 else list(one.place),
        "header_row": one.dataset.header_row,
        **{k: v for k, v in one.also.items() if k in _SAID},
    }
    return {k: v for k, v in out.items() if v or (k == "header_row" and v is not None)}


def _path(path: Path, folder: Path) -> str:
    """Path of a file as the study names it: relative where it is in the folder."""
    full, base = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else full.as_posix()


def _comment(one: Proposal) -> str:
    source = one.dataset.source
    rows = "" if source is None else f", {len(source.cells)} rows"
    return " ".join(f"{one.dataset.label}{rows}: {one.why}".split())


def _unused(one: Proposal) -> list[str]:
    source = one.dataset.source
    if source is None:
        return []
    return [" ".join(str(c).split()) for c in source.cells.columns if str(c) not in one.used]
