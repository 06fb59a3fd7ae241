"""Writing that leaves the old result or the new one, never a mixture.

Also on a full disk, under kill -9, or while another process writes.

A folder is written under a hidden name next to its target (inside it where the target must stay the
folder it is), every file synced and read back, and then put in place: see `replacing`. What the
target held that geosettle did not write stays.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from geosettle.errors import GeosettleError, OutputError
from geosettle.io import replacing
from geosettle.io.replacing import MANIFEST

# Windows has no flock: there two writers are not distinguished.
fcntl: Any = import_module("fcntl") if find_spec("fcntl") else None


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
        with explained(path):
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
        with explained(final):
            _check_target(final)
            final.parent.mkdir(parents=True, exist_ok=True)
            at_end.enter_context(locked(final))
            replacing.recover(final)
            staging = replacing.staging_of(final)
            at_end.callback(shutil.rmtree, staging, ignore_errors=True)
        stage = Stage(staging)
        yield stage
        if list(stage.digests)[-1:] != [MANIFEST]:
            raise OutputError(f"{MANIFEST} must be the last file written", file=str(final))
        with explained(final):
            replacing.sync_folders(staging)
        with explained(final, "some files may be new"):
            replacing.put_in_place(staging, final)


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
    with explained(final):
        if final.is_dir():
            raise OutputError(
                "a folder has this name", file=str(final), mend="Choose another name."
            )
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(temporary, data, before=final)
            temporary.replace(final)
            replacing.sync(final.parent)
        finally:
            temporary.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Find before the work what would prevent writing a file after it.

    Parameters
    ----------
    path
        Where the file is to be written; folders on the way need not be there.

    Raises
    ------
    OutputError
        A folder has the name, or nothing can be written where it should be.

    Examples
    --------
    >>> import tempfile
    >>> check_writable(Path(tempfile.mkdtemp(), "new", "a.txt"))
    """
    final = Path(os.path.realpath(path))
    with explained(final):
        if final.is_dir():
            raise OutputError(
                "a folder has this name", file=str(final), mend="Choose another name."
            )
        near = next(folder for folder in final.parents if folder.exists())
        with tempfile.TemporaryFile(dir=near):
            pass


def _write_synced(path: Path, data: bytes, before: Path | None = None) -> str:
    """Write a new file, sync it, read it back; its sha256.

    It has the rights of the one that it replaces before anything is in it.
    """
    with path.open("xb") as handle:
        if before is not None:
            replacing.same_rights(path, before)
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
def explained(path: Path, left: str = "nothing was changed") -> Iterator[None]:
    """Errors of the system in words, as OutputError, and what they leave behind."""
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
    except GeosettleError:
        raise
    except OSError as error:
        text, mend = reasons.get(
            error.errno or 0, (f"it could not be written ({error.strerror or error})", "")
        )
        raise OutputError(f"{text}; {left}", file=str(path), mend=mend) from error


def _check_target(final: Path) -> None:
    """Refuse to replace anything that geosettle did not make."""
    if final.exists() and not final.is_dir():
        raise OutputError("a file has this name", file=str(final), mend="Choose another folder.")
    if replacing.is_foreign(final):
        raise OutputError(
            f"the folder is not empty and holds no {MANIFEST} of geosettle", file=str(final),
            mend="Choose an empty or a new folder.",
        )  # fmt: skip


@contextlib.contextmanager
def locked(final: Path) -> Iterator[None]:
    """Be the only writer of a folder; the lock dies with its process."""
    path = replacing.lock_of(final)
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
