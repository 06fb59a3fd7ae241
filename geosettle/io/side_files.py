"""Files next to a raster that state where it is and what its cells mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from geosettle.io.source import Refused
from geosettle.problems import Problem, problem

_STATED: Final = ("SRS", "GeoTransform", "NoDataValue", "UnitType", "Offset", "Scale")
"""What an .aux.xml can state that changes how a raster is read."""
_LARGEST_WORLD_FILE: Final = 1000
"""Bytes; six numbers need no more."""


def check_side_files(path: Path, file: str) -> list[Problem]:
    """Refuse companion files of a raster that are not what they seem; name what the others state.

    GDAL opens them, and what they state goes before what the raster itself states.
    """
    for suffix in (".msk", ".ovr"):
        side_file = path.with_name(path.name + suffix)
        if side_file.is_file():
            with side_file.open("rb") as handle:
                if handle.read(4) not in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
                    raise Refused(
                        "file_refused", f"the {suffix} next to the raster is no TIFF", file=file
                    )
    side_file = path.with_name(path.name + ".aux.xml")
    if side_file.is_file():
        if side_file.stat().st_size > 10_000_000:
            raise Refused(
                "file_too_large", "the .aux.xml next to the raster is too large", file=file
            )
        text = side_file.read_bytes()
        if (
            b"<!DOCTYPE" in text
            or b"<!ENTITY" in text
            or b"SourceFilename" in text
            or b"<VRT" in text
        ):
            raise Refused(
                "file_refused", "the .aux.xml next to the raster points to other files", file=file
            )
        stated = [name for name in _STATED if f"<{name}" in text.decode("latin-1")]
        if stated:
            noted = f"The .aux.xml next to the raster states {', '.join(stated)}, which is used."
            return [problem("side_file", noted, file=file)]
    return []


def world_file_differs(path: Path, file: str, transform: Sequence[float]) -> list[Problem]:
    """Find a world file that places the raster elsewhere than it is read.

    Parameters
    ----------
    path
        The raster.
    file
        Name for messages.
    transform
        Its six numbers as read: cell width, row rotation, x of the corner, column rotation, cell
        height, y of the corner.
    """
    ending = path.suffix
    endings = {f"{ending}w", f"{ending[:2]}{ending[-1]}w", ".wld"}
    for side_file in [path.with_suffix(end) for end in sorted(endings)]:
        if not side_file.is_file() or side_file.stat().st_size > _LARGEST_WORLD_FILE:
            continue
        try:
            a, d, b, e, c, f = (
                float(t.replace(",", ".")) for t in side_file.read_text("latin-1").split()
            )
        except ValueError:
            text = f"The {side_file.suffix} next to the raster is no world file; it is not used."
            return [problem("side_file", text, severity="warning", file=file)]
        # A world file names the centre of the first cell, a raster its corner.
        stated = np.array([a, b, c - a / 2 - b / 2, d, e, f - d / 2 - e / 2])
        size = max(abs(transform[0]), abs(transform[4]))
        if (np.abs(stated - np.asarray(transform)) > 0.01 * size).any():
            text = (
                f"The {side_file.suffix} next to the raster places its corner at {stated[2]:.6g}, "
                f"{stated[5]:.6g} with cells of {a:.6g}; the raster itself says "
                f"{transform[2]:.6g}, {transform[5]:.6g} and {transform[0]:.6g}, which is used."
            )
            return [problem("side_file", text, severity="warning", file=file)]
    return []
