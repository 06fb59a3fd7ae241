"""From files as people hold them to a study: what each file is, column by column, as study.toml."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geosettle.errors import InputError, OutputError
from geosettle.intake.datasets import datasets
from geosettle.intake.plan import Choose, make_plan
from geosettle.intake.proposals import Proposal
from geosettle.intake.study_file import aliases_text, study_text
from geosettle.intake.summary import summary_lines
from geosettle.intake.totals import read_totals
from geosettle.io.staging import check_writable
from geosettle.settings import decode

__all__ = ["Intake", "Proposal", "init_study"]


@dataclass(frozen=True)
class Intake:
    """A study.toml that was written, and what is printed about it."""

    path: Path
    lines: tuple[str, ...]
    usable: bool


def _best(_role: str, near: Sequence[Proposal]) -> Proposal:
    return near[0]


def init_study(
    paths: Sequence[str | Path],
    folder: str | Path,
    *,
    choose: Choose = _best,
    copy: bool = False,
    every: bool = False,
    layer_options: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Intake:
    r"""Look into files, say what each is, and write study.toml.

    Parameters
    ----------
    paths
        Tables, workbooks, vector files, archives, rasters, folders of them.
    folder
        Where study.toml is written; made if need be. The files stay where they are.
    choose
        Chooses among proposals for one role that are about equally good, the best first.
    copy
        Also copy the files into the folder.
    layer_options
        Role to what the caller says of that layer, with the keys of `[layers.ROLE]`; it goes before
        every guess.
    every
        List every problem, spelling and file, not only the first.
    progress
        Called with a few words before each step.

    Returns
    -------
    Intake
        Path of study.toml, lines for a reader, and whether the study can be run.

    Raises
    ------
    InputError
        No file can be read, or none serves as sites.
    OutputError
        There is another study.toml already, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> sites = Path(tempfile.mkdtemp(), "sites.csv")
    >>> _ = sites.write_text("site_id,name,lon,lat\nS1,One,20,10\n", encoding="utf-8")
    >>> init_study([sites], tempfile.mkdtemp()).path.name
    'study.toml'
    """
    target = Path(folder)
    check_writable(target / "study.toml")
    progress("looking into the files")
    found = datasets([Path(path) for path in paths], layer_options or {})
    plan = make_plan(found, choose, layer_options or {})
    name = Path(os.path.realpath(target)).name
    files = sorted({p.dataset.path for proposals in plan.layers.values() for p in proposals})
    where = {f: target / "data" / f.name for f in files} if copy else {}
    progress("reading the study")
    stated = tomllib.loads(study_text(plan, target, name))
    totals, spellings, problems = read_totals(target, decode(stated))
    _copy(where)
    text = study_text(plan, target, name, where) + aliases_text(spellings)
    path = target / "study.toml"
    _write(path, text)
    lines = summary_lines(plan, totals, spellings, problems, every=every)
    return Intake(path, tuple(lines), not any(p.severity == "fatal" for p in problems))


def _copy(where: dict[Path, Path]) -> None:
    """Copy files, and what belongs to them, next to each other."""
    if len(set(where.values())) < len(where):
        raise InputError("two files have the same name", mend="Leave --copy out, or rename one.")
    for source, target in where.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        own = {".shp", ".shx", ".dbf", ".prj", ".cpg"} if source.suffix.lower() == ".shp" else set()
        for file in source.parent.glob(f"{source.stem}.*") if own else [source]:
            if file == source or file.suffix.lower() in own:
                shutil.copy2(file, target.parent / file.name)


def _write(path: Path, text: str) -> None:
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return
        raise OutputError(
            "this is there already, and says something else", file=str(path),
            mend=f"Run it as it is with geosettle run {path.parent}, or name another folder.",
        )  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"study.toml cannot be written: {error.strerror}", file=str(path)
        ) from error
