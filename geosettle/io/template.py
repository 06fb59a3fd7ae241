"""The template study of `geosettle init`."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from geosettle.errors import OutputError


def template_path() -> Path:
    """Folder of the made-up template study that comes with the package.

    Returns
    -------
    Path

    Examples
    --------
    >>> (template_path() / "study.toml").exists()
    True
    """
    return Path(__file__).resolve().parent.parent / "template"


def write_template(folder: Path) -> None:
    """Copy the template study into a new or empty folder: the whole of it, or nothing.

    Parameters
    ----------
    folder
        Where to put it; made if need be.

    Raises
    ------
    OutputError
        The folder holds something already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_template(folder)
    >>> (folder / "study.toml").exists()
    True
    """
    taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if taken:
        raise OutputError(
            "this is there already", file=str(folder), mend="Name a new or an empty folder."
        )
    final = Path(os.path.realpath(folder))
    staging = final.parent / f".{final.name}.staging-{uuid.uuid4().hex[:12]}"
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template_path(), staging)
        if final.exists():
            final.rmdir()  # empty, see above
        staging.rename(final)
    except OSError as error:
        raise OutputError(
            f"the template cannot be written: {error.strerror}",
            file=str(folder),
            mend="Name a folder you may write to.",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
