"""What an earlier run left: its manifest and its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geosettle.errors import InputError
from geosettle.io.staging import MANIFEST

__all__ = ["manifest_of", "read_manifest", "read_written_tables"]

_NEEDED: Final = ("geosettle", "inputs", "lang", "outputs", "parameters", "study", "versions")


def manifest_of(folder: Path) -> Path | None:
    """Path of the manifest of a run; None where the folder holds none."""
    path = folder / MANIFEST
    return path if path.is_file() else None


def read_manifest(path: Path) -> dict[str, Any]:
    """Manifest of a run, given the file or its folder.

    Raises
    ------
    InputError
        There is none, or it is damaged.
    """
    file = path / MANIFEST if path.is_dir() else path
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        return {key: manifest[key] for key in _NEEDED}
    except OSError as error:
        raise InputError("there is no manifest of a run", file=str(file), mend="Give the folder of a run.") from error
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError("this is no manifest of a run", file=str(file), mend="Give the folder of a run.") from error


def read_written_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table that a run wrote, as text cells, by name."""
    return {
        path.stem: pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        for path in sorted((folder / "tables").glob("*.csv"))
    }
