"""Every dataset of the files given: sheets, layers, members of archives, files of folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from geosettle.errors import GeosettleError, InputError
from geosettle.io.archives import dataset_names
from geosettle.io.describe import every_name
from geosettle.io.formats import EXTENSIONS, kind_of, open_source
from geosettle.io.raster_files import DRIVERS, RASTERS
from geosettle.io.source import Source
from geosettle.io.vectors import layer_names
from geosettle.io.workbooks import read_sheets, read_workbook

_OWN: Final = frozenset({"layer_styles", "geosettle_metadata"})
"""Layers of a GeoPackage that hold no data."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """One table, layer or raster of the files given.

    Attributes
    ----------
    path
        The file.
    layer, sheet
        Its layer or archive member, or its sheet; "" where the file is one dataset.
    source
        Cells and geometries as read; None for a raster, and for what cannot be read.
    why
        Why it cannot be read.
    header_row
        Row of the header where it is not found by itself; 0 where there is none.
    """

    path: Path
    layer: str = ""
    sheet: str = ""
    source: Source | None = None
    why: str = ""
    header_row: int | None = None

    @property
    def label(self) -> str:
        """File, and sheet or layer, as shown."""
        inner = self.sheet or self.layer
        return f"{self.path.name}: {inner}" if inner else self.path.name

    @property
    def is_raster(self) -> bool:
        """Whether it is a raster."""
        return self.source is None and not self.why


def datasets(
    paths: Sequence[Path], layer_options: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Dataset]:
    """Read every dataset of the files and folders given.

    Parameters
    ----------
    paths
        Files and folders.
    layer_options
        Role to what the caller says of that layer; the row of the header of one holds for the sheet
        that is named with it, or else for every table.

    Raises
    ------
    InputError
        A path does not exist, or no file can be read.
    """
    for path in paths:
        if not path.exists():
            raise InputError("the file does not exist", file=str(path), mend="Check the path.")
    rows = {
        str(own.get("sheet") or ""): int(own["header_row"])
        for own in (layer_options or {}).values() if own.get("header_row") is not None
    }  # fmt: skip
    found = [one for path in paths for file in _files(path) for one in _of_file(file, rows)]
    if not any(one.is_raster or one.source is not None for one in found):
        why = "; ".join(f"{one.label}: {one.why}" for one in found[:3]) or "the folder is empty"
        raise InputError(f"none of the files can be read: {why}", file=str(paths[0]))
    return found


def _files(path: Path) -> list[Path]:
    """Return a file, or the files of a folder that hold data."""
    if not path.is_dir() or path.suffix.lower() == ".gdb":
        return [path]
    inside = sorted(path.rglob("*"))
    bases = [p for p in inside if p.is_dir() and p.suffix.lower() == ".gdb"]
    plain = [
        p for p in inside
        if p.is_file() and p.suffix.lower() in EXTENSIONS and not p.name.startswith("~$")
        and not any(base in p.parents for base in bases)
    ]  # fmt: skip
    return [*plain, *bases]


def _of_file(path: Path, rows: Mapping[str, int]) -> Iterator[Dataset]:
    try:
        kind = kind_of(path)
        if kind in DRIVERS:
            yield Dataset(path)
        elif kind == "workbook":
            data = path.read_bytes()
            sheets = read_sheets(data, path.name, names=every_name())
            for source in sheets:
                row = rows.get(source.layer, rows.get("", None if _has_header(source) else 0))
                again = source
                if row is not None:
                    again = read_workbook(
                        data, path.name, names=every_name(), sheet=source.layer, header_row=row
                    )
                yield Dataset(path, sheet=source.layer, source=again, header_row=row)
            if not sheets:
                yield Dataset(path, why="no sheet has a table")
        else:
            for layer in _layers(path, kind):
                yield _one(path, layer, rows.get(""))
    except GeosettleError as error:
        yield Dataset(path, why=str(error).removeprefix(f"{error.file}: "))


def _layers(path: Path, kind: str) -> list[str]:
    """Names of the layers or members of a file; [""] where it is one dataset."""
    if kind == "archive":
        names = dataset_names(path.read_bytes(), path.name)
        return names if len(names) > 1 else [""]
    if kind in {"geopackage", "filegdb"}:
        names = [n for n in layer_names(path) if n not in _OWN]
        return names if len(names) > 1 else [""]
    return [""]


def _has_header(source: Source) -> bool:
    """Whether the header of a table holds names, not the values of a first row."""
    headers = [str(c) for c in source.cells.columns if not str(c).startswith("column ")]
    numbers = [h for h in headers if re.fullmatch(r"-?\d+(?:[.,]\d+)?(?:\.\d+)?", h.strip())]
    return source.geometry is not None or len(numbers) <= max(2, 0.25 * len(headers))


def _one(path: Path, layer: str, row: int | None) -> Dataset:
    if layer.lower().endswith(RASTERS):
        return Dataset(path, layer)
    layer_options: dict[str, Any] = {"role": None, "layer": layer or None, "names": every_name()}
    try:
        source = open_source(path, **layer_options, header_row=row)
        if row is None and not _has_header(source):
            row = 0
            source = open_source(path, **layer_options, header_row=row)
        return Dataset(path, layer, source=source, header_row=row)
    except GeosettleError as error:
        return Dataset(path, layer, why=str(error).removeprefix(f"{error.file}: "))
