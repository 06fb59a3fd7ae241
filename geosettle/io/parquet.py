"""Parquet and GeoParquet, read whole and written part by part, with pyarrow (extra `parquet`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.crs import parse_crs, within_180
from geosettle.errors import InputError, OutputError
from geosettle.io.source import Refused, Source, check_size
from geosettle.io.vectors import first_line, flat, from_wkb, geometry_problem
from geosettle.problems import Problem, problem

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ImportError as error:
    raise InputError(
        "Parquet needs the package pyarrow", mend='Run: pip install "geosettle[parquet]"'
    ) from error


def _from_arrow(path: Path, name: str, file: str) -> Any:
    """Geometries of a column in one of GeoArrow's own encodings."""
    try:
        return gpd.read_parquet(path, columns=[name]).geometry.to_numpy()
    except (ValueError, TypeError, NotImplementedError, pa.ArrowException) as error:
        raise InputError(
            f"the geometry column cannot be read ({first_line(error)})", file=file
        ) from error


def _declared_otherwise(column: Mapping[str, Any], geometry: Any, file: str) -> list[Problem]:
    """Extent and types that a GeoParquet file declares for its geometries, where they differ."""
    out = []
    box = column.get("bbox")
    real = shapely.total_bounds(geometry)
    if isinstance(box, list) and len(box) in {4, 6} and np.isfinite(real).all():
        stated = np.array([*box[:2], *box[len(box) // 2 :][:2]], dtype=float)
        slack = 1e-6 * max(1.0, float(np.abs(real).max()))
        if stated[0] <= stated[2] and (np.abs(stated - real) > slack).any():
            text = (
                f"The file declares the extent {stated.round(4).tolist()}; its geometries reach "
                f"{real.round(4).tolist()}."
            )
            out.append(problem("reader_warning", text, file=file, mend="Save the file again."))
    types = {str(t).removesuffix(" Z") for t in column.get("geometry_types") or ()}
    held = {str(g.geom_type) for g in geometry if g is not None}
    if types and held - types:
        text = (
            f"The file declares {', '.join(sorted(types))} and holds "
            f"{', '.join(sorted(held - types))} too."
        )
        out.append(problem("reader_warning", text, file=file, mend="Save the file again."))
    return out


def _whole_table(path: Path, file: str) -> pa.Table:
    """Read a Parquet file once it is known to what its cells, texts and geometries unpack."""
    about = pq.ParquetFile(path)
    schema = about.schema_arrow
    check_size(about.metadata.num_rows, about.metadata.num_columns, file)
    is_kinds = ("is_string", "is_binary", "is_large_string", "is_large_binary")
    names = [f.name for f in schema if any(getattr(pa.types, k)(f.type) for k in is_kinds)]
    # A text that all rows share is stored once: so it is read, until its lengths are added up.
    # Bytes in lists or records are no cell, and may be as large: they stay unread.
    unread = [f.name for f in schema if f.type.num_fields and _holds_bytes(f.type)]
    schema = pa.schema([f for f in schema if f.name not in unread], metadata=schema.metadata)
    table = pq.ParquetFile(path, read_dictionary=names).read(
        columns=schema.names if unread else None
    )
    size = 0
    for name in names:
        for chunk in table.column(name).chunks:
            if pa.types.is_dictionary(chunk.type):
                lengths = pc.take(pc.binary_length(chunk.dictionary), chunk.indices)
                size += pc.sum(lengths.cast(pa.int64())).as_py() or 0
    check_size(table.num_rows, table.num_columns, file, size)
    table = table.cast(schema)
    for name in unread:
        table = table.append_column(name, pa.nulls(len(table)))
    return table


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether a type is one of bytes, or nests one."""
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    is_kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(is_kind(kind) for is_kind in is_kinds) or any(map(_holds_bytes, inner))


def read_parquet(path: Path, file: str) -> Source:
    """Features of a GeoParquet file; a Parquet file without geometry gives a table.

    Raises
    ------
    InputError
        Not Parquet, or its geometry column is not described as GeoParquet wants.
    """
    try:
        table = _whole_table(path, file)
    except Refused:
        raise
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
        raise InputError(
            f"this is not a readable Parquet file ({first_line(error)})", file=file
        ) from error
    raw = (table.schema.metadata or {}).get(b"geo")
    name, crs, geometry, problems = "", None, None, []
    if raw is not None:
        try:
            geo = json.loads(raw)
            name = geo["primary_column"]
            column = geo["columns"][name]
            blobs = table.column(name).to_pylist()
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "the description of the geometry column is damaged", file=file
            ) from error
        definition = column.get("crs", "OGC:CRS84")
        crs = (
            None
            if definition is None
            else parse_crs(definition if isinstance(definition, str) else json.dumps(definition))
        )
        if column.get("encoding", "WKB") == "WKB":
            geometry, broken = from_wkb(blobs)
            problems = [geometry_problem(file, "", row + 1, what) for row, what in broken]
        else:
            geometry = _from_arrow(path, name, file)
        problems += _declared_otherwise(column, geometry, file)
    cells = pd.DataFrame(
        {
            n: pd.Series([flat(v) for v in table.column(n).to_pylist()], dtype=object)
            for n in table.column_names
            if n != name
            and not (raw and pa.types.is_binary(table.schema.field(n).type))
            and n != "bbox"
        },
        index=range(table.num_rows),
    )
    return Source(
        cells,
        file,
        "GeoParquet" if raw else "Parquet",
        geometry=geometry,
        crs=crs,
        problems=tuple(problems),
    )


_ROW_GROUP: Final = 20_000


def geoparquet_bytes(frame: gpd.GeoDataFrame, about: Mapping[str, str] | None = None) -> bytes:
    """Write rows as GeoParquet 1.1 whose groups of rows can be skipped by their extent.

    Parameters
    ----------
    frame
        On WGS84; the levels of its index become the first columns. A row without geometry has none.
    about
        Further facts for the head of the file.

    Returns
    -------
    bytes
        The file: geometry as WKB, its extent in the column `bbox` (west, south, east, north).

    Examples
    --------
    >>> points = gpd.GeoDataFrame({"n": [1]}, geometry=gpd.points_from_xy([76], [39]), crs=4326)
    >>> pq.read_table(pa.BufferReader(geoparquet_bytes(points))).column_names
    ['n', 'geometry', 'bbox']
    """
    geoms = np.asarray(frame.geometry.array, dtype=object)
    shapes = pa.array(shapely.to_wkb(geoms), type=pa.binary())
    kinds = {_KINDS[k] for k in np.unique(shapely.get_type_id(geoms)) if k >= 0}
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    return _geoparquet(plain, shapes, shapely.bounds(geoms), kinds, about)


def geoparquet_lines(
    frame: pd.DataFrame, ends: NDArray[np.float64], about: Mapping[str, str] | None = None
) -> bytes:
    """Write rows with straight lines as `geoparquet_bytes` does, in a tenth of the time.

    Parameters
    ----------
    frame
        The levels of its index become the first columns.
    ends
        Longitude and latitude of both ends of each line, shape (n, 2, 2). A line that leaves
        -180..180 is cut there; one with NaN is missing.
    about
        Further facts for the head of the file.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> data = geoparquet_lines(pd.DataFrame({"n": [1]}), np.array([[[76.0, 39.0], [77.0, 39.0]]]))
    >>> shapely.from_wkb(pq.read_table(pa.BufferReader(data))["geometry"][0].as_py())
    <LINESTRING (76 39, 77 39)>
    """
    n = len(ends)
    x1, y1, x2, y2 = ends.reshape(n, 4).T
    missing = np.isnan(x1 + y1 + x2 + y2)
    rows = np.empty(n, dtype=[("order", "u1"), ("kind", "<u4"), ("n", "<u4"), ("at", "<f8", 4)])
    rows["order"], rows["kind"], rows["n"], rows["at"] = 1, 2, 2, ends.reshape(n, 4)
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(rows.itemsize), n, [None, pa.py_buffer(rows.tobytes())]
    )
    shapes = pc.if_else(pa.array(missing), None, fixed.cast(pa.binary()))
    low, high = (np.minimum(x1, x2), np.minimum(y1, y2)), (np.maximum(x1, x2), np.maximum(y1, y2))
    boxes = np.column_stack([*low, *high])
    boxes[missing] = np.nan
    kinds = set() if missing.all() else {"LineString"}
    across = np.flatnonzero((boxes[:, 0] < -180) | (boxes[:, 2] > 180))
    if across.size:
        cut = within_180(shapely.linestrings(ends[across]))
        boxes[across], mask = shapely.bounds(cut), np.zeros(n, dtype=bool)
        mask[across] = True
        cut_wkb = pa.array(shapely.to_wkb(cut), type=pa.binary())
        shapes = pc.replace_with_mask(shapes, pa.array(mask), cut_wkb)
        kinds = {_KINDS[k] for k in np.unique(shapely.get_type_id(cut))}
        kinds |= {"LineString"} if (~mask & ~missing).any() else set()
    return _geoparquet(frame, shapes, boxes, kinds, about)


def _geoparquet(
    plain: pd.DataFrame,
    shapes: pa.Array,
    boxes: NDArray[np.float64],
    kinds: set[str],
    about: Mapping[str, str] | None,
) -> bytes:
    """Write columns, shapes as WKB, their boxes (NaN where missing) and names of their kinds."""
    levels = plain.index.names
    columns = {}
    if isinstance(plain.index, pd.MultiIndex):  # a text that many rows share is stored once
        for name, held, codes in zip(levels, plain.index.levels, plain.index.codes, strict=True):
            columns[str(name)] = _arrow(held).take(pa.array(codes, mask=codes < 0))
    elif levels[0] is not None:
        plain = plain.reset_index()
    columns |= {str(c): _arrow(plain[c]) for c in plain}
    texts = [name for name, held in columns.items() if pa.types.is_string(held.type)]
    missing = np.isnan(boxes).any(axis=1)
    sides = [pa.array(boxes[:, n], mask=missing) for n in range(4)]
    names = ["xmin", "ymin", "xmax", "ymax"]
    columns["geometry"] = shapes
    columns["bbox"] = pa.StructArray.from_arrays(sides, names=names, mask=pa.array(missing))
    known = boxes[~missing]
    whole = np.append(known[:, :2].min(axis=0), known[:, 2:].max(axis=0)) if len(known) else None
    primary = {
        "encoding": "WKB",
        "geometry_types": sorted(kinds),
        "covering": {"bbox": {name: ["bbox", name] for name in names}},
        **({} if whole is None else {"bbox": whole.tolist()}),
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": primary}}
    table = pa.table(columns).replace_schema_metadata({"geo": json.dumps(geo), **(about or {})})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP, use_dictionary=texts)
    return bytes(sink.getvalue())


def _arrow(values: pd.Series | pd.Index) -> pa.Array:
    """Values of a column; one of texts that are all missing is one of texts."""
    kind = None if pd.api.types.is_numeric_dtype(values.dtype) else pa.string()
    found = pa.array(values, type=kind, from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def rows_of(data: bytes) -> tuple[int, dict[str, str]] | None:
    """Count the rows of a Parquet file, and give its facts; None where it is damaged.

    Examples
    --------
    >>> rows_of(b"no Parquet") is None
    True
    """
    try:
        found = pq.ParquetFile(pa.BufferReader(data)).metadata
        about = {
            k.decode(): v.decode("utf-8", "replace") for k, v in (found.metadata or {}).items()
        }
        return int(found.num_rows), about
    except (pa.ArrowException, OSError, ValueError):
        return None


_KINDS: Final = (
    *("Point", "LineString", "LineString", "Polygon"),
    *("MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"),
)
"""Names of the kinds of geometry by their number in GEOS."""


@contextmanager
def parquet_blocks(path: Path | str) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a Parquet file that takes one block of rows after the other.

    It appears under its name when all are in.

    Parameters
    ----------
    path
        The file to make. What was there stays until the new one is whole, also after an error or
        Ctrl-C.

    Yields
    ------
    Callable
        Takes a frame; all must have the same columns. Its index becomes a column, as pandas writes
        it.

    Raises
    ------
    OutputError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "matrix.parquet"
    >>> with parquet_blocks(target) as write:
    ...     write(pd.DataFrame({"s": [1.0]}, index=["a"]))
    ...     write(pd.DataFrame({"s": [2.0]}, index=["b"]))
    >>> pd.read_parquet(target)["s"].tolist()
    [1.0, 2.0]
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.part")
    writers: list[pq.ParquetWriter] = []

    def write(block: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(block)
        if not writers:
            writers.append(pq.ParquetWriter(part, table.schema))
        writers[0].write_table(table)

    try:
        yield write
        for writer in writers:
            writer.close()
        if writers:
            part.replace(target)
    except OSError as error:
        raise OutputError(
            "the table cannot be written", file=str(target), mend=str(error)
        ) from error
    finally:
        for writer in writers:
            writer.close()
        part.unlink(missing_ok=True)
