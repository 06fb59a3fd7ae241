"""Write a table that does not fit into memory, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geosettle.errors import OutputError

__all__ = ["parquet_blocks"]


@contextmanager
def parquet_blocks(path: Path | str) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a Parquet file that takes one block of rows after the other; it appears under its name
    when all are in.

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
