"""What a job is: parts, each of which is made from its own inputs and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle import __version__

IntArray = NDArray[np.intp]
Rows: TypeAlias = gpd.GeoDataFrame | tuple[pd.DataFrame, NDArray[np.float64]]
"""Rows with shapes; or rows, and the two ends of the line of each, shape (n, 2, 2)."""
RASTERS: Final = "_rasters"
"""Folder of what a part has besides rows; readers of Parquet files pass over its name."""
_LEVELS: Final = 16  # of the Hilbert curve: 550 m along the equator
_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
UNPLACED: Final = "unplaced"


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a job.

    Attributes
    ----------
    name
        Place on the Hilbert curve, in digits of base 4.
    key
        Hash of everything that it is made from.
    rows
        Positions of its origins or zones.
    units
        Pairs or zones in it, as far as is known before: what its time grows with.
    """

    name: str
    key: str
    rows: IntArray
    units: int

    @property
    def file(self) -> str:
        """Name of its file; another content has another name."""
        return f"{self.stem}.parquet"

    @property
    def stem(self) -> str:
        """Beginning of the names of its files."""
        return f"part-{self.name}-{self.key[:12]}"


@dataclass(frozen=True, eq=False)
class WithRasters:
    """Rows of a part, and rasters as bytes by the end of their name."""

    rows: Rows
    rasters: Mapping[str, bytes]


@dataclass(frozen=True, eq=False)
class Job:
    """A plan of parts, and the function that makes one.

    Attributes
    ----------
    kind
        What is measured: ``distances``, ``overlay``, ``reach``.
    about
        Options that decide the result, for the manifest.
    parts
        In the order of the curve; other parts do not change one.
    inputs
        Gives the arguments of `make` for a part.
    make
        Makes the rows of a part; picklable, the same for all parts.
    """

    kind: str
    about: Mapping[str, Any]
    parts: Sequence[Part]
    inputs: Callable[[Part], tuple[Any, ...]]
    make: Callable[..., Rows | WithRasters]


def digest(*facts: Any) -> str:
    """Hash facts that JSON can hold, and arrays, with the version of the program.

    Examples
    --------
    >>> digest("a", np.arange(3)) == digest("a", np.arange(3)) != digest("a", np.arange(4))
    True
    """
    found = hashlib.sha256(__version__.encode())
    for fact in facts:
        if isinstance(fact, np.ndarray):
            found.update(f"{fact.dtype.str}{fact.shape}".encode())
            found.update(np.ascontiguousarray(fact).tobytes())
        else:
            found.update(json.dumps(fact, sort_keys=True, default=str).encode())
    return found.hexdigest()


def row_hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Hash each row of a frame, its id and its geometry included.

    Examples
    --------
    >>> a, b = row_hashes(pd.DataFrame({"name": ["x", "x"]}, index=["1", "2"]))
    >>> bool(a == b)
    False
    """
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name) if _placed(frame) else frame)
    if _placed(frame):
        geoms = np.asarray(frame.geometry.array, dtype=object)
        if (shapely.get_type_id(geoms) == 0).all() and not shapely.is_empty(geoms).any():
            at = shapely.get_coordinates(geoms)
            plain = plain.assign(_x=at[:, 0], _y=at[:, 1])
        else:
            shapes = [b"" if blob is None else blob for blob in shapely.to_wkb(geoms)]
            codes = [int.from_bytes(hashlib.sha256(s).digest()[:8], "big") for s in shapes]
            plain = plain.assign(_shape=np.array(codes, dtype=np.uint64))
    names = sorted(map(str, plain.columns))
    plain = plain.set_axis([str(c) for c in plain.columns], axis=1)[names]
    seen = plain.astype({c: "str" for c in names if plain[c].dtype == object})
    return np.asarray(pd.util.hash_pandas_object(seen, categorize=False), dtype=np.uint64)


def _placed(frame: pd.DataFrame) -> bool:
    return isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None


def tiles(
    lon: NDArray[np.float64], lat: NDArray[np.float64], most: int
) -> Iterator[tuple[str, IntArray]]:
    """Group places into compact tiles: quarters of quarters of the world, along a Hilbert curve.

    Parameters
    ----------
    lon, lat
        Degrees, shape (n,); NaN where unknown.
    most
        Places in a tile at most.

    Yields
    ------
    name, rows
        Name of the tile, which sorts along the curve, and the positions of its places along the
        curve. A place more or less changes its own tile, and others only where that has to be
        divided. Places without position are in tiles of their own.

    Examples
    --------
    >>> lon, lat = np.array([76.0, 77.0, -60.0]), np.array([39.0, 39.0, -10.0])
    >>> [(name, rows.tolist()) for name, rows in tiles(lon, lat, 2)]
    [('0', [2]), ('2', [0, 1])]
    """
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    points = gpd.GeoSeries(gpd.points_from_xy((lon[known] + 180) % 360 - 180, lat[known]))
    place = np.asarray(points.hilbert_distance(_WORLD, _LEVELS), dtype=np.int64)
    order = np.argsort(place, kind="stable")
    place, known = place[order], known[order]
    if known.size:
        for name, first, last in _divide(place, 0, 0, known.size, most):
            yield from _chunks(name, known[first:last], most)
    yield from _chunks(UNPLACED, np.setdiff1d(np.arange(lon.size), known), most)


def _chunks(name: str, rows: IntArray, most: int) -> Iterator[tuple[str, IntArray]]:
    for n, first in enumerate(range(0, rows.size, most)):
        yield name if rows.size <= most else f"{name}.{n:06}", rows[first : first + most]


def _divide(
    place: NDArray[np.int64], level: int, first: int, last: int, most: int
) -> Iterator[tuple[str, int, int]]:
    """Divide a run of places into quarters until each holds few enough; small quarters join."""
    if level == _LEVELS or (last - first <= most and level):
        yield _digits(int(place[first]), max(level, 1)), first, last
        return
    shift = 2 * (_LEVELS - level - 1)
    base = (int(place[first]) >> (shift + 2)) << 2
    edges = [first + int(np.searchsorted(place[first:last], (base + q) << shift)) for q in range(5)]
    begin = edges[0]
    for q in range(4):
        following = edges[q + 2] if q < 3 else None
        if following is not None and following - begin <= most:
            continue  # the next quarter joins
        end = edges[q + 1]
        if end - begin > most:
            yield from _divide(place, level + 1, begin, end, most)
        elif end > begin:
            yield _digits(int(place[begin]), level + 1), begin, end
        begin = end


def _digits(place: int, level: int) -> str:
    return "".join(str((place >> 2 * (_LEVELS - n - 1)) & 3) for n in range(level))
