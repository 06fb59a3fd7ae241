"""Files as people hold them, for `init` and `run`: what is printed, and what is asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geosettle.cli.streams import show

if TYPE_CHECKING:
    from geosettle.intake import Intake, Proposal


def are_files(named: Sequence[str]) -> bool:
    """Whether what a run was given is files, not a study."""
    if len(named) != 1:
        return len(named) > 1
    path = Path(named[0])
    if path.is_dir():
        study = (path / "study.toml").exists() or any(p.stem == "sites" for p in path.iterdir())
        return not study and any(path.iterdir())
    return path.exists() and path.suffix.lower() != ".toml"


def take(
    files: Sequence[str],
    folder: Path,
    *,
    ask: bool,
    step: Callable[[str], None],
    copy: bool = False,
    every: bool = False,
    layer_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Intake:
    """Write study.toml for files, and print what each was taken for."""
    from geosettle.intake import init_study  # noqa: PLC0415

    terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    more: dict[str, Any] = {"choose": _ask} if ask and terminal else {}
    made = init_study(
        files, folder, copy=copy, every=every, layer_options=layer_options, progress=step, **more
    )
    show("\n".join(made.lines))
    return made


def _ask(role: str, near: Sequence[Proposal]) -> Proposal:
    """Let the user choose among proposals; Enter takes the first."""
    show(f"Which of these are the {role}?")
    for number, one in enumerate(near, start=1):
        show(f"  {number}  {one.dataset.label} ({one.why})")
    answer = input(f"1 to {len(near)} [1]: ").strip()
    chosen = int(answer) if answer.isdecimal() and 1 <= int(answer) <= len(near) else 1
    return near[chosen - 1]
