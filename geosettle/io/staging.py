"""Writing that leaves the old result or the new one, never a mixture.

Also on a full disk, under kill -9, or while another process writes.

A folder is written under a hidden name beside its target, every file synced and read back, and put
in place by one exchange of names. What the target held that geosettle did not write is carried
over, never deleted.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

from geosettle.errors import OutputError

# Windows has no flock: there two writers are not told apart.
fcntl: Any = import_module("fcntl") if find_spec("fcntl") else None


_STUDY: Final = "study.toml"
"""What a folder may hold before the first run."""
MANIFEST: Final = "manifest.json"
"""File that makes a folder an output of geosettle; it is written last and lists the others."""


@dataclass
class Stage:
    """A folder in the making.

    Parameters
    ----------
    folder
        Where it is being written.
    digests
        Relative path of every file written so far to the sha256 of its bytes.
    """

    folder: Path
    digests: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> None:
        """Write one file, sync it and read it back.

        Parameters
        ----------
        name
            Path inside the folder, with forward slashes.
        data
            Its bytes.

        Raises
        ------
        OutputError
            It could not be written, or what can be read back differs.
        """
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or name in self.digests:
            raise OutputError(
                "an output has a name that leads out of its folder, or twice the same", file=name
            )
        path = self.folder / inside
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.digests[name] = _write_synced(path, data)


@contextlib.contextmanager
def staged_folder(target: str | Path) -> Iterator[Stage]:
    """Write a folder all at once: it appears complete at the end of the block, or not at all.

    Parameters
    ----------
    target
        The folder; it is made, or replaces an earlier output of geosettle. Files in it that the
        earlier manifest does not list stay.

    Yields
    ------
    Stage
        Its `write` takes bytes. The file manifest.json must be written last.

    Raises
    ------
    OutputError
        Something could not be written, another process writes the same folder, or the target is not
        ours to replace; what was there before is still there.

    Examples
    --------
    >>> import tempfile
    >>> with staged_folder(Path(tempfile.mkdtemp(), "out")) as stage:
    ...     stage.write("a.txt", b"a")
    ...     stage.write("manifest.json", b'{"outputs": {}}')
    """
    final = Path(os.path.realpath(target))
    with contextlib.ExitStack() as at_end:
        with _explained(final):
            _check_target(final)
            final.parent.mkdir(parents=True, exist_ok=True)
            at_end.enter_context(_locked(final))
            _recover(final)
            staging = final.parent / f".{final.name}.staging-{uuid.uuid4().hex[:12]}"
            staging.mkdir()
            at_end.callback(shutil.rmtree, staging, ignore_errors=True)
        stage = Stage(staging)
        yield stage
        if list(stage.digests)[-1:] != [MANIFEST]:
            raise OutputError(f"{MANIFEST} must be the last file written", file=str(final))
        with _explained(final):
            _sync_folders(staging)
            _put_in_place(staging, final)


def write_file(path: str | Path, data: bytes) -> None:
    """Write one file all at once: its name holds the old bytes or the new ones, at any moment.

    Parameters
    ----------
    path
        Where to; folders on the way are made.
    data
        The whole content.

    Raises
    ------
    OutputError
        It could not be written; what was there before is still there.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "new", "a.txt")
    >>> write_file(file, b"a")
    >>> file.read_bytes()
    b'a'
    """
    final = Path(os.path.realpath(path))
    temporary = final.parent / f".{final.name}.staging-{uuid.uuid4().hex[:12]}"
    with _explained(final):
        if final.is_dir():
            raise OutputError(
                "a folder has this name", file=str(final), mend="Choose another name."
            )
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(temporary, data)
            temporary.replace(final)
            _sync(final.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _write_synced(path: Path, data: bytes) -> str:
    """Write a new file, sync it, read it back; its sha256."""
    with path.open("xb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    digest = hashlib.sha256(data).hexdigest()
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise OutputError(
            "what was written reads back differently", file=str(path), mend="Check the disk."
        )
    return digest


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of the system in words, as OutputError."""
    reasons = {
        errno.ENOSPC: ("the disk is full", "Free some space, or choose another folder."),
        errno.EDQUOT: ("the quota is used up", "Free some space, or choose another folder."),
        errno.EROFS: ("the disk is read-only", "Choose another folder."),
        errno.EACCES: (
            "writing is not allowed here",
            "Choose another folder, or change its permissions.",
        ),
        errno.EPERM: (
            "writing is not allowed here",
            "Choose another folder, or change its permissions.",
        ),
        errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter one."),
    }
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        text, mend = reasons.get(
            error.errno or 0, (f"it could not be written ({error.strerror or error})", "")
        )
        raise OutputError(f"{text}; nothing was changed", file=str(path), mend=mend) from error


def _check_target(final: Path) -> None:
    """Refuse to replace anything that geosettle did not make."""
    if final.exists() and not final.is_dir():
        raise OutputError("a file has this name", file=str(final), mend="Choose another folder.")
    foreign = final.is_dir() and any(path.name != _STUDY for path in final.iterdir())
    if foreign and _listed(final) is None:
        raise OutputError(
            f"the folder is not empty and holds no {MANIFEST} of geosettle", file=str(final),
            mend="Choose an empty or a new folder.",
        )  # fmt: skip


def _listed(folder: Path) -> set[str] | None:
    """List the files that geosettle wrote into a folder, by its manifest.

    None where it is not a folder of geosettle's.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {*manifest["outputs"], MANIFEST} if "geosettle" in manifest else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


@contextlib.contextmanager
def _locked(final: Path) -> Iterator[None]:
    """Be the only writer of a folder; the lock dies with its process."""
    path = final.parent / f".{final.name}.lock"
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    "another process is writing this folder",
                    file=str(final),
                    mend="Wait until it is done.",
                ) from error
            # Whoever held the lock before may have removed its file just now: then this lock guards
            # nothing.
            if not path.exists() or path.stat().st_ino != os.fstat(handle).st_ino:
                raise OutputError(
                    "another process has just written this folder",
                    file=str(final),
                    mend="Try again.",
                )
            # Only the holder removes the file; a rival that opened it meanwhile finds out by its
            # number above.
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
        else:  # pragma: no cover
            yield
    finally:
        os.close(handle)


def _recover(final: Path) -> None:
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


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _put_in_place(staging: Path, final: Path) -> None:
    """Exchange the names of the new folder and the old one; the old one then goes."""
    old = final.parent / f".{final.name}.old-{uuid.uuid4().hex[:12]}"
    if not final.exists():
        staging.rename(final)
    elif not any(final.iterdir()):
        os.replace(staging, final)  # an empty folder is replaced in one step  # noqa: PTH105
    elif _exchange(staging, final):
        staging.rename(old)
    else:
        final.rename(old)  # a run killed here is mended by the next one, see _recover
        staging.rename(final)
    _sync(final.parent)
    if old.exists():
        _keep_foreign(old, final)
        shutil.rmtree(old, ignore_errors=True)


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
    listed = _listed(old)
    found = sorted(p for p in old.rglob("*") if p.is_file() or p.is_symlink())
    if listed is None:  # not finished, so nothing but the study was in it before
        listed, found = set(), [p for p in found if p == old / _STUDY]
    for path in found:
        name = path.relative_to(old)
        if name.as_posix() not in listed and not (final / name).exists():
            (final / name).parent.mkdir(parents=True, exist_ok=True)
            path.rename(final / name)


def _sync_folders(folder: Path) -> None:
    for path in [folder, *sorted(p for p in folder.rglob("*") if p.is_dir())]:
        _sync(path)


def _sync(folder: Path) -> None:
    """Sync the names in a folder; some file systems cannot, and need not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
