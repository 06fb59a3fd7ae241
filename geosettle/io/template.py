"""The template study of `geosettle init`."""

from __future__ import annotations

import shutil
from pathlib import Path

from geosettle.errors import OutputError

__all__ = ["template_path", "write_template"]


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
    """Copy the template study into a new or empty folder.

    Parameters
    ----------
    folder
        Where to put it; made if need be.

    Raises
    ------
    OutputError
        The folder holds something already, or cannot be written.
    """
    taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if taken:
        raise OutputError("this is there already", file=str(folder), mend="Name a new or an empty folder.")
    try:
        shutil.copytree(template_path(), folder, dirs_exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the template cannot be written: {error.strerror}",
            file=str(folder),
            mend="Name a folder you may write to.",
        ) from error
