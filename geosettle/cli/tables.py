"""Tables that a command writes: the ending of the file's name says in which format."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from geosettle.cli.streams import send, show
from geosettle.errors import OutputError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Write = Callable[["pd.DataFrame"], object]
Change = Callable[["pd.DataFrame"], "pd.DataFrame"]
Shapes = Callable[["pd.DataFrame"], "gpd.GeoDataFrame"]
"""Gives a table its geometry: the line of a pair, the polygon of a zone."""

_TABLES: Final = (".csv", ".xlsx", ".parquet")
_LAYERS: Final = (".gpkg", ".geojson")
ENDINGS: Final = ", ".join((*_TABLES, *_LAYERS))
_MARK: Final = b"\xef\xbb\xbf"
_SHEET_ROWS: Final = 1_048_575


def check_out(path: str | None, *, shapes: bool = True, tables: bool = True) -> None:
    """Find before the work that a table cannot be written to a path.

    Parameters
    ----------
    path
        File to write; None is standard output.
    shapes
        Whether the table has geometry.
    tables
        Whether formats without geometry will do.

    Raises
    ------
    OutputError
        The ending is none of `ENDINGS`, the format needs geometry that the table has not, or the
        file cannot be written.
    """
    if path is None:
        return
    from geosettle.io.staging import check_writable  # noqa: PLC0415

    check_writable(path)
    ending = Path(path).suffix.lower()
    known = ((*_TABLES, *_LAYERS) if tables else (*_LAYERS, ".parquet")) if shapes else _TABLES
    if ending not in known:
        what = "this table has no geometry for" if ending in _LAYERS else "no format has"
        what = what if tables else "lines cannot be written with"
        raise OutputError(
            f"{what} the ending {ending or '(none)'}", file=path, mend=f"Use {', '.join(known)}."
        )


@contextmanager
def table_file(
    path: str | None,
    shapes: Shapes | None = None,
    *,
    drawn: bool = False,
    rounded: Change = lambda table: table,
) -> Iterator[Write]:
    """Open a table that is written part by part.

    The file appears under its name when all parts are in; standard output takes them as they come.

    Parameters
    ----------
    path
        File to write, its ending one of `ENDINGS`; None is standard output, as CSV.
    shapes
        Gives a part its geometry, for GeoPackage and GeoJSON.
    drawn
        Whether Parquet has the geometry too.
    rounded
        Gives a part the digits that it is written with; Parquet keeps every digit.

    Yields
    ------
    Callable
        Takes a frame with named index levels; all must have the same columns.
    """
    if path is None:
        mark = True

        def printed(table: pd.DataFrame) -> None:
            nonlocal mark
            # The mark is for files that Excel opens.
            send(_csv(rounded(table), head=mark).removeprefix(_MARK))
            mark = False

        yield printed
        return
    if path.lower().endswith(".parquet"):
        from geosettle.io.parquet import geoparquet_bytes, parquet_blocks  # noqa: PLC0415
    if path.lower().endswith(".parquet") and drawn:
        from geosettle.io import write_file  # noqa: PLC0415

        layers: list[pd.DataFrame] = []
        yield layers.append
        write_file(path, geoparquet_bytes(cast("Shapes", shapes)(_joined(layers))))
    elif path.lower().endswith(".parquet"):
        with parquet_blocks(path) as write:
            yield write
    else:
        parts: list[pd.DataFrame] = []
        yield lambda table: parts.append(rounded(table))
        _write(path, parts, shapes)
    show(f"{path} is written.", sys.stderr)


def _csv(table: pd.DataFrame, *, head: bool) -> bytes:
    """Rows of a table as CSV, with the head or without."""
    from geosettle.io import csv_bytes  # noqa: PLC0415

    data = csv_bytes(table)
    return data if head else data.split(b"\r\n", 1)[1]


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    return pd.concat(parts) if len(parts) > 1 else parts[0]


def _write(path: str, parts: list[pd.DataFrame], shapes: Shapes | None) -> None:
    from geosettle.io import write_file, write_gpkg_bytes  # noqa: PLC0415

    file, ending = Path(path), Path(path).suffix.lower()
    if ending == ".csv":
        write_file(path, b"".join(_csv(part, head=n == 0) for n, part in enumerate(parts)))
        return
    table = _joined(parts)
    if ending == ".xlsx":
        from geosettle.tables.xlsx import sheet_xlsx  # noqa: PLC0415

        if len(table) > _SHEET_ROWS:
            raise OutputError(
                f"a sheet holds {_SHEET_ROWS:,} rows, this table has {len(table):,}",
                file=path,
                mend="Use .csv or .parquet.",
            )
        write_file(path, sheet_xlsx(file.stem, table))
        return
    layer = cast("Shapes", shapes)(table)  # `check_out` refuses these endings without geometry
    if ending == ".gpkg":
        write_file(path, write_gpkg_bytes({file.stem: layer}))
    else:
        write_file(path, layer.reset_index().to_json(drop_id=True, ensure_ascii=False).encode())
