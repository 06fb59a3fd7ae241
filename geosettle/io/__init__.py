"""Reading and writing: the only place that touches the disk."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.crs import parse_crs
from geosettle.errors import InputError
from geosettle.io.check import check_path, guess_role
from geosettle.io.formats import kind_of, open_source
from geosettle.io.gpkg import Picture, write_gpkg_bytes
from geosettle.io.raster_files import DRIVERS
from geosettle.io.rasters import TIME, raster_problems, read_raster
from geosettle.io.source import Options, Source
from geosettle.io.staging import Stage, check_writable, staged_folder, write_file
from geosettle.io.study import read_rows, read_study
from geosettle.io.template import template_path, write_template
from geosettle.io.validation import Checked, spec_of, understand
from geosettle.io.write import cog_bytes, csv_bytes, geotiff_bytes, safe_text
from geosettle.layers import LayerSpec
from geosettle.problems import Problem, RowsSetAside
from geosettle.raster import Raster

__all__ = [
    "Picture",
    "Stage",
    "check_layer",
    "check_path",
    "check_writable",
    "cog_bytes",
    "csv_bytes",
    "geotiff_bytes",
    "read_any",
    "read_layer",
    "read_study",
    "safe_text",
    "staged_folder",
    "template_path",
    "write_file",
    "write_gpkg_bytes",
    "write_template",
]

_ANY = LayerSpec("layer", ("point", "line", "polygon"))


def read_layer(
    path: str | Path,
    role: str,
    *,
    crs: str | None = None,
    datum: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    sheet: str | None = None,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    header_row: int | None = None,
    window: tuple[float, float, float, float] | None = None,
    problems: list[Problem] | None = None,
) -> gpd.GeoDataFrame | pd.DataFrame | Raster:
    """Read one file as one layer, checked.

    Rows that cannot be used are left out; a warning names them, with the reason.

    Parameters
    ----------
    path
        A table, vector file or GeoTIFF.
    role
        A key of `LAYERS`; or "time": hours as `geosettle reach` writes them, infinite where there
        is no way, NaN where nothing can be measured.
    crs, datum, encoding, layer, sheet
        What the file does not say itself: EPSG code, "gcj02" or "bd09", text encoding, layer or
        sheet to read.
    columns
        Column of the layer to header of the file, or the other way round.
    where
        Column of the file to the value, or values, of the rows that are read.
    constants
        Column to the one value that all rows have.
    header_row
        Row of the header, from 1, as a spreadsheet numbers it; 0 where there is none: the columns
        are then column1, column2 and so on.
    window
        West, south, east, north in degrees: of an OpenStreetMap extract, of a raster of more than
        200 million cells and of a file of more than 200,000 features only what is in this box is
        read.
    problems
        A list that takes everything found in the file; then nothing is warned of.

    Returns
    -------
    GeoDataFrame, DataFrame or Raster
        Indexed by the layer's key, on WGS84; a raster on its own grid.

    Warns
    -----
    RowsSetAside
        Rows were left out and no list took the problems; the warning carries them.

    Raises
    ------
    InputError
        The file cannot be used; everything that is wrong in one message.

    Examples
    --------
    >>> read_layer(template_path() / "sites.csv", "sites").index.tolist()
    ['S1', 'S2', 'S3']
    """
    stated = Options(
        crs, datum, encoding, layer, sheet, columns=dict(columns or {}), header_row=header_row,
        where=dict(where or {}), constants=dict(constants or {}), window=window,
    )  # fmt: skip
    return _read(Path(path), role, stated, problems)


def read_any(
    path: str | Path, *, problems: list[Problem] | None = None, options: Options | None = None
) -> gpd.GeoDataFrame | pd.DataFrame | Raster:
    r"""Read one file as whatever layer it is.

    The layer is found by the name of the file or by its columns; else the file holds places with
    their columns.

    Parameters
    ----------
    path
        A table, vector file or GeoTIFF.
    problems
        As for `read_layer`, which also says what is warned of.
    options
        How to read the file; by default as it is recognised.

    Returns
    -------
    GeoDataFrame, DataFrame or Raster
        As `read_layer`; of a file that is no layer of a study, a frame indexed by its column `id`,
        if it has one.

    Raises
    ------
    InputError
        The file cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> sites = Path(tempfile.mkdtemp(), "sites.csv")
    >>> _ = sites.write_text("site_id,name,lon,lat\nS1,One,20,10\n", encoding="utf-8")
    >>> read_any(sites).index.tolist()
    ['S1']
    """
    file = Path(path)
    stated = options or Options()
    role = guess_role(file, stated)
    frame = _read(file, role, stated, problems)
    if (
        role is not None
        or isinstance(frame, Raster)
        or "id" not in frame
        or not frame["id"].is_unique
    ):
        return frame
    return frame.set_index("id")


def _read(
    file: Path, role: str | None, options: Options, problems: list[Problem] | None
) -> gpd.GeoDataFrame | pd.DataFrame | Raster:
    """One file as one layer, or as places of any kind."""
    if role is None:
        source = open_source(
            file, role=None, encoding=options.encoding, layer=options.layer, sheet=options.sheet,
            header_row=options.header_row,
        )  # fmt: skip
        return _accepted(understand(source, _ANY, options), problems)
    if role != TIME and spec_of(role).geometries != ("raster",):
        return _accepted(read_rows(file, role, options), problems)
    if kind_of(file) not in DRIVERS:
        raise InputError(f"the layer {role} is a raster", file=file.name, mend="Give a GeoTIFF.")
    kind, unit = (str(options.constants.get(name, "")) for name in ("kind", "unit"))
    raster, found, declared = read_raster(
        file, file.name, role=role, crs=options.crs, window=options.window, kind=kind, unit=unit
    )
    if role == "friction":  # hours would be wrong sixty times
        found += raster_problems(raster, role, file.name, declared)
        wrong = next((p for p in found if p.severity == "fatal"), None)
        if wrong is not None:
            raise InputError(wrong.message, file=file.name, value=wrong.value, mend=wrong.mend)
    if problems is not None:
        problems += found
    return raster


def _accepted(checked: Checked, problems: list[Problem] | None) -> gpd.GeoDataFrame | pd.DataFrame:
    """Return the rows of a layer that can be used.

    What was found goes to the caller, as a list or as a warning.
    """
    fatal = [p for p in checked.problems if p.severity == "fatal"]
    if fatal:
        raise InputError(" ".join(p.message for p in fatal), file=fatal[0].file, mend=fatal[0].mend)
    lost = checked.rows_in - len(checked.frame)
    if problems is not None:
        problems += checked.problems
    elif lost:
        why = sorted(
            {
                p.row: f"row {p.row}: {p.message}"
                for p in checked.problems
                if p.severity == "error"
            }.items()
        )
        stated = " ".join(text for _, text in why[:3]) + (" ..." if len(why) > 3 else "")
        text = f"{checked.source.file}: {lost} of {checked.rows_in} rows were set aside. {stated}"
        warnings.warn(RowsSetAside(text, checked.problems), stacklevel=4)
    return checked.frame


def check_layer(
    frame: pd.DataFrame, role: str, *, region: tuple[float, float, float, float] | None = None
) -> tuple[gpd.GeoDataFrame | pd.DataFrame, tuple[Problem, ...]]:
    """Return a frame as one layer: the rows that can be used, and everything that is wrong.

    Parameters
    ----------
    frame
        Any frame; a named index counts as a column. It is not written into.
    role
        A key of `LAYERS`.
    region
        West, south, east, north in degrees, outside which a position is wrong.

    Returns
    -------
    tuple
        The frame, indexed by the layer's key, on WGS84, and the problems. If a problem is fatal the
        frame has no row.

    Examples
    --------
    >>> moves = pd.DataFrame({"origin_id": ["a", None], "site_id": ["s", "s"]})
    >>> frame, problems = check_layer(moves, "flows")
    >>> len(frame), [p.code for p in problems]
    (1, ['id_missing'])
    """
    named = [n for n in frame.index.names if n is not None]
    table = frame.reset_index(names=named) if named else frame.reset_index(drop=True)
    geometry, crs = None, None
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        geometry = frame.geometry.to_numpy()
        crs = parse_crs(frame.crs) if frame.crs is not None else None
    cells = pd.DataFrame(
        {
            str(c): pd.Series(table[c].tolist(), dtype=object)
            for c in table
            if not isinstance(table[c].dtype, gpd.array.GeometryDtype)
        },
        index=range(len(table)),
    )
    cells = cells.where(cells.notna(), None)
    source = Source(
        cells,
        "frame",
        "frame",
        layer=role,
        geometry=None if geometry is None else np.asarray(geometry),
        crs=crs,
    )
    checked = understand(source, role, Options(region=region))
    return checked.frame, checked.problems
