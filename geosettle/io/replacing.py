"""A finished folder put in the place of an older one; what a killed run left is finished first.

Where the folder can be renamed, the two exchange their names in one step. A mount point, the
working folder of the process, and a folder whose parent takes no files must stay the folder it is:
there the new files move in one by one, once all of them are complete, and the manifest last.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import stat
import uuid
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest.json"
"""File that makes a folder an output of geosettle; it is written last and lists the others."""
STUDY: Final = "study.toml"
"""What a folder may hold before the first run."""
_OF_SYSTEMS: Final = frozenset(
    [
        *("lost+found", "System Volume Information", "$RECYCLE.BIN", ".DS_Store", ".Trashes"),
        *(".Spotlight-V100", ".fseventsd", "Thumbs.db", "desktop.ini"),
    ]
)
"""What systems keep on a disk or in a folder; it belongs to nobody."""
_INSIDE: Final = ".geosettle"
"""Beginning of the names of what is in the making inside its own folder."""


def stays(final: Path) -> bool:
    """Whether a folder must remain the folder it is, and gets its new files inside it."""
    return final.is_dir() and (_is_mounted(final) or _is_working_in(final) or not _takes(final))


def _takes(final: Path) -> bool:
    """Whether a folder can be made next to this one."""
    return os.access(final.parent, os.W_OK | os.X_OK)


def _is_working_in(final: Path) -> bool:
    """Whether the process, and so the shell that started it, works in the folder or below it."""
    try:
        return Path.cwd().is_relative_to(final)
    except FileNotFoundError:  # the working folder was deleted
        return False


def _is_mounted(final: Path) -> bool:
    """Whether a folder is where a disk is mounted, also another folder of the same disk."""
    if os.path.ismount(final):
        return True
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        points = {line.split()[4] for line in lines.splitlines() if line.count(" ") > 4}
        return re.sub(r"([ \t\n\\])", lambda m: f"\\{ord(m[1]):03o}", str(final)) in points
    return False


def lock_of(final: Path) -> Path:
    """Name of the lock of a folder: inside a mount point, which others may see by other names."""
    inside = final.is_dir() and (_is_mounted(final) or not _takes(final))
    return final / f"{_INSIDE}.lock" if inside else final.parent / f".{final.name}.lock"


def staging_of(final: Path) -> Path:
    """Make the hidden folder in which the new content is written."""
    number = uuid.uuid4().hex[:12]
    inside = stays(final)
    staging = final / f"{_INSIDE}.staging-{number}" if inside else _named(final, "staging", number)
    # The content may be for few eyes only: nobody else looks in before it has its own rights.
    staging.mkdir(mode=0o700 if final.is_dir() else 0o777)
    return staging


def _named(final: Path, what: str, number: str) -> Path:
    return final.parent / f".{final.name}.{what}-{number}"


def own_files(folder: Path) -> set[str] | None:
    """List the files that geosettle wrote into a folder, by its manifest.

    None where it is not a folder of geosettle's.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {*manifest["outputs"], MANIFEST} if "geosettle" in manifest else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_foreign(folder: Path) -> bool:
    """Whether a folder holds files, and geosettle wrote none of them."""
    found = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    if any(name.startswith(f"{_INSIDE}.ready-") for name in found):
        return False  # a run that was killed while its files moved in
    known = {STUDY, *_OF_SYSTEMS}
    others = [n for n in found if n not in known and not n.startswith(f"{_INSIDE}.")]
    return bool(others) and own_files(folder) is None


def recover(final: Path) -> None:
    """Finish or take back what a killed run left behind."""
    for left in sorted(final.parent.glob(f".{_escaped(final.name)}.old-*")):
        if not final.exists():
            left.rename(final)
        else:
            _keep_foreign(left, final)
            shutil.rmtree(left, ignore_errors=True)
    for left in sorted(final.parent.glob(f".{_escaped(final.name)}.staging-*")):
        if left.is_dir():
            # A run killed right after the exchange of names leaves the old folder under this name,
            # not the new one.
            _keep_foreign(left, final)
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    if final.is_dir():
        for left in sorted(final.glob(f"{_INSIDE}.staging-*")):
            shutil.rmtree(left, ignore_errors=True)
        for left in sorted(final.glob(f"{_INSIDE}.ready-*")):
            _move_in(left, final)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def put_in_place(staging: Path, final: Path) -> None:
    """Make the content of the staging folder that of the final one."""
    if staging.parent == final:
        ready = final / staging.name.replace(".staging-", ".ready-")
        _as_before(staging, final, itself=False)
        staging.rename(ready)  # from here on a killed run is finished by the next one, see recover
        sync(final)
        _move_in(ready, final)
        return
    old = _named(final, "old", uuid.uuid4().hex[:12])
    _as_before(staging, final)
    if not final.exists():
        staging.rename(final)
    elif not any(final.iterdir()):
        os.replace(staging, final)  # an empty folder is replaced in one step  # noqa: PTH105
    elif _exchange(staging, final):
        staging.rename(old)
    else:
        final.rename(old)  # a run killed here is mended by the next one, see recover
        staging.rename(final)
    sync(final.parent)
    if old.exists():
        _keep_foreign(old, final)
        shutil.rmtree(old, ignore_errors=True)


def _move_in(ready: Path, final: Path) -> None:
    """Move complete files into a folder, the manifest last; earlier files of geosettle's go."""
    names = [p.relative_to(ready).as_posix() for p in ready.rglob("*") if p.is_file()]
    new = own_files(ready)
    stale = set() if new is None else (own_files(final) or set()) - new
    for name in sorted(names, key=lambda name: (name == MANIFEST, name)):
        if name == MANIFEST:
            for gone in sorted(stale):
                (final / gone).unlink(missing_ok=True)
        (final / name).parent.mkdir(parents=True, exist_ok=True)
        (ready / name).replace(final / name)
    sync_folders(final)
    shutil.rmtree(ready, ignore_errors=True)


def _as_before(staging: Path, final: Path, *, itself: bool = True) -> None:
    """Give new files and folders the rights and the group of those that they replace."""
    for path in ([staging] if itself else []) + sorted(staging.rglob("*")):
        same_rights(path, final / path.relative_to(staging))


def same_rights(path: Path, before: Path) -> None:
    """Give a new file or folder the rights and the group of the one that it replaces."""
    if not before.exists():
        return
    old, new = before.stat(), path.stat()
    mode = stat.S_IMODE(old.st_mode)
    if old.st_gid != new.st_gid and hasattr(os, "chown"):
        try:
            os.chown(path, -1, old.st_gid)
        except OSError:
            mode &= ~stat.S_IRWXG  # what the old group might do, another must not
    with contextlib.suppress(OSError):  # some disks know no rights
        path.chmod(mode)


def _exchange(a: Path, b: Path) -> bool:
    """Swap two names in one step (renameat2 of Linux); False where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return int(rename(here, os.fsencode(a), here, os.fsencode(b), exchange)) == 0


def _keep_foreign(old: Path, final: Path) -> None:
    """Carry over the files that the old manifest does not list.

    Only where the new folder has none of that name.
    """
    listed = own_files(old)
    found = sorted(p for p in old.rglob("*") if p.is_file() or p.is_symlink())
    if listed is None:  # not finished, so nothing but the study was in it before
        listed, found = set(), [p for p in found if p == old / STUDY]
    for path in found:
        name = path.relative_to(old)
        if name.as_posix() not in listed and not (final / name).exists():
            (final / name).parent.mkdir(parents=True, exist_ok=True)
            path.rename(final / name)


def sync_folders(folder: Path) -> None:
    """Sync the names in a folder and in all folders below it."""
    for path in [folder, *sorted(p for p in folder.rglob("*") if p.is_dir())]:
        sync(path)


def sync(folder: Path) -> None:
    """Sync the names in a folder; some file systems cannot, and need not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
