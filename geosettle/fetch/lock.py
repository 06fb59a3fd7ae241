"""sources.lock: what was fetched from where, when, and what it is, so that it is fetched once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from geosettle.errors import InputError
from geosettle.fetch.transport import Remote
from geosettle.io.staging import write_file

LOCK: Final = "sources.lock"
_VERSION: Final = 1


@dataclass(frozen=True)
class Locked:
    """A file that was fetched."""

    source: str
    layer: str
    date: str
    """Day on which it was fetched."""
    sha256: str
    bytes: int
    moved: int
    """Bytes that came over the network for it."""
    licence: str
    attribution: str
    box: tuple[float, ...]
    asked: str
    """What else decides about its cells or rows: its address, the levels, the number of cells."""
    remotes: tuple[Remote, ...]
    entry: Mapping[str, Any] = field(default_factory=dict)
    """What study.toml says of it."""

    def covers(self, box: tuple[float, ...], asked: str) -> bool:
        """Whether it serves a box: it was asked for in the same way, and is no smaller."""
        slack = 1e-6
        low = all(a <= b + slack for a, b in zip(self.box[:2], box[:2], strict=True))
        high = all(a >= b - slack for a, b in zip(self.box[2:], box[2:], strict=True))
        return low and high and self.asked == asked

    def changes(self, remotes: list[Remote]) -> str:
        """Say which of its files is another one now; "" if none."""
        before = {remote.url: remote for remote in self.remotes}
        for now in remotes:
            old = before.get(now.url)
            if old is not None and not old.same_as(now):
                marks = [r.etag or r.modified or f"{r.size} bytes" for r in (old, now)]
                return f"{now.url} was {marks[0]} on {self.date} and is {marks[1]} now"
        if before and remotes and not any(now.url in before for now in remotes):
            return f"it was {next(iter(before))} on {self.date} and is {remotes[0].url} now"
        return ""


def read_lock(folder: Path) -> dict[str, Locked]:
    """Return file to what is known of it; empty where nothing was fetched.

    Raises
    ------
    InputError
        The lock is damaged.
    """
    path = folder / LOCK
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        return {name: _locked(about) for name, about in stated["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            "this is no lock of fetched files", file=str(path),
            mend="Take it away; what it lists is then fetched anew.",
        ) from error  # fmt: skip


def _locked(about: Mapping[str, Any]) -> Locked:
    remotes = tuple(Remote(**remote) for remote in about["remotes"])
    return Locked(**{**about, "box": tuple(about["box"]), "remotes": remotes})


def write_lock(folder: Path, files: Mapping[str, Locked]) -> None:
    """Write the lock, all at once."""
    stated = {"version": _VERSION, "files": {name: asdict(files[name]) for name in sorted(files)}}
    text = json.dumps(stated, indent=1, ensure_ascii=False, sort_keys=True)
    write_file(folder / LOCK, f"{text}\n".encode())


def digest(path: Path) -> str:
    """SHA-256 of a file of any size."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
