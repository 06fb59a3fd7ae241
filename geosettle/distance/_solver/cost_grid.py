"""A grid to walk on: what a move is, what it costs and which moves are legal.

A *move* goes from the centre of a cell to the centre of one of its 4, 8, 16 or 32 neighbours in a
straight line. Its cost is ``length * pace(slope) * mean multiplier``, where

* `length` is the true horizontal length, per row on a longitude/latitude grid (geodesic between the
  centres);
* `pace` (s/m) depends on the signed slope between the two ends; without heights it is 1 and the
  multiplier is a friction in its own right;
* the mean multiplier is the line integral of the piecewise constant multiplier over the cells that
  the line goes through, so it is exact for the grid given: half and half for the 8 neighbours,
  quarters for a knight's move.

A cost per metre may be added on top, averaged along the line in the same way (GRASS r.walk's
friction).

A move is *forbidden* when its line goes through the inside of a closed cell, or through a corner at
which both cells on either side are closed. So no 16- or 32-neighbour move jumps a barrier, and a
barrier one cell wide that is connected only by its corners holds; passing the corner of a single
closed cell is allowed. Other rules for corners are a choice (`CORNERS`): GRASS r.cost, AccessMod
and scikit-image pass every corner.

Metrication, the grid's own error: with directions limited to those of the moves, the cost of a
straight trip at constant friction is never too low and at most too high by 41.4 % (4), 8.24 % (8),
2.75 % (16) and 1.31 % (32 neighbours) on square cells; on oblong cells (longitude/latitude away
from the equator) somewhat more, see `metrication`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geosettle.errors import InputError

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
Progress = Callable[[float], None]

EXACT_CELLS: Final = 4_000_000
"""Cells up to which costs are float64; beyond, memory counts for more than the seventh figure."""
_STRIP: Final = 256
_FIRST_OCTANT: Final = {
    4: [],
    8: [(1, 1)],
    16: [(1, 1), (1, 2)],
    32: [(1, 1), (1, 2), (1, 3), (2, 3)],
}
NEIGHBOURS: Final = tuple(_FIRST_OCTANT)
CORNERS: Final = {"any": 0, "one_open": 1, "both_open": 2}
"""Corner rules: how many of the two cells at a corner must be open for a line to pass it."""


def open_at_corner(rule: str) -> int:
    """Open cells that a corner rule asks for.

    Raises
    ------
    InputError
        No such rule.
    """
    if rule not in CORNERS:
        raise InputError("no such rule for corners", value=rule, mend=f"Use {', '.join(CORNERS)}.")
    return CORNERS[rule]


@dataclass(frozen=True, eq=False)
class Moves:
    """The moves of a neighbourhood.

    Attributes
    ----------
    row, column
        Steps of each move, shape (k,); the first four are the orthogonal ones.
    passed
        Per move: (row step, column step, share of the length) of every cell that the line goes
        through, both ends included; the shares add up to 1.
    corners
        Per move: pairs of cells between which the line squeezes through a common corner.
    """

    row: IndexArray
    column: IndexArray
    passed: tuple[tuple[tuple[int, int, float], ...], ...]
    corners: tuple[tuple[tuple[tuple[int, int], tuple[int, int]], ...], ...]

    @property
    def reach(self) -> int:
        """Largest step of any move, cells."""
        return int(max(np.abs(self.row).max(), np.abs(self.column).max()))


def _line(
    dr: int, dc: int
) -> tuple[tuple[tuple[int, int, float], ...], tuple[tuple[tuple[int, int], tuple[int, int]], ...]]:
    """Cells and corners on the straight line from cell (0, 0) to (dr, dc), for dr, dc >= 0.

    The line goes from centre to centre.
    """
    cuts = {0.0, 1.0}
    for step in (dr, dc):
        cuts |= {(i + 0.5) / step for i in range(step)}
    at = sorted(cuts)
    cells = []
    for low, high in pairwise(at):
        middle = (low + high) / 2
        cells.append(
            (int(np.floor(middle * dr + 0.5)), int(np.floor(middle * dc + 0.5)), high - low)
        )
    corners = [
        ((b[0], a[1]), (a[0], b[1])) for a, b in pairwise(cells) if a[0] != b[0] and a[1] != b[1]
    ]
    return tuple(cells), tuple(corners)


def straight_line(
    dr: int, dc: int
) -> tuple[list[tuple[int, int, float]], list[tuple[tuple[int, int], tuple[int, int]]]]:
    """Cells with their shares on the straight line from cell (0, 0) to (dr, dc).

    The corners that the line passes through are given too.
    """
    if dr == 0 and dc == 0:
        return [(0, 0, 1.0)], []
    sr, sc = (1 if dr >= 0 else -1), (1 if dc >= 0 else -1)
    cells, squeezed = _line(abs(dr), abs(dc))
    return (
        [(r * sr, c * sc, share) for r, c, share in cells],
        [((a[0] * sr, a[1] * sc), (b[0] * sr, b[1] * sc)) for a, b in squeezed],
    )


def make_moves(neighbours: int) -> Moves:
    """List the moves of a neighbourhood of 4, 8, 16 or 32.

    Examples
    --------
    >>> m = make_moves(16)
    >>> len(m.row), m.reach
    (16, 2)
    >>> m.passed[8]  # (1, 2), a knight's move, crosses four cells over a quarter of its length each
    ((0, 0, 0.25), (0, 1, 0.25), (1, 1, 0.25), (1, 2, 0.25))
    """
    steps = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    for a, b in _FIRST_OCTANT[neighbours]:
        for dr, dc in ((a, b), (b, a)) if a != b else ((a, b),):
            steps += [(dr, dc), (dr, -dc), (-dr, dc), (-dr, -dc)]
    passed, corners = [], []
    for dr, dc in steps:
        cells, squeezed = straight_line(dr, dc)
        passed.append(tuple(cells))
        corners.append(tuple(squeezed))
    row, column = np.array(steps, dtype=np.int64).T
    return Moves(row, column, tuple(passed), tuple(corners))


def metrication(neighbours: int, aspect: float = 1.0) -> float:
    """Largest relative error of a straight trip at constant friction.

    It is caused by the limited directions of the moves.

    Parameters
    ----------
    neighbours
        4, 8, 16 or 32.
    aspect
        Width of a cell divided by its height.

    Notes
    -----
    A trip in a direction between two moves with vectors p and q is made of both; its length against
    the straight one is ``(|p|·a + |q|·b) / |a·p + b·q|``, at most ``1 / cos(angle/2)`` for the
    angle between p and q (a rhombus halves it).

    Examples
    --------
    >>> [round(100 * metrication(n), 2) for n in (4, 8, 16, 32)]
    [41.42, 8.24, 2.75, 1.31]
    """
    m = make_moves(neighbours)
    angle = np.sort(np.arctan2(m.row, m.column * aspect))
    widest = np.diff(np.r_[angle, angle[0] + 2 * np.pi]).max()
    return float(1 / np.cos(widest / 2) - 1)


@dataclass(frozen=True, eq=False)
class PaceTable:
    """Pace (s/m) by signed slope as a table of linear pieces.

    It is ``base[i] + gain[i] * slope`` in bin i.

    The bins start at `low` and are `step` wide; beyond both ends the last piece goes on.
    """

    low: float
    step: float
    base: FloatArray
    gain: FloatArray

    def __call__(self, slope: FloatArray) -> FloatArray:
        """Pace at each slope, s/m."""
        scaled = (slope - self.low) * (1 / self.step)
        # A missing slope (no height) gives a missing pace.
        i = np.fmin(np.fmax(scaled, 0), self.base.size - 1).astype(np.int32)
        out: FloatArray = self.gain[i] * slope + self.base[i]
        return out

    @property
    def fastest(self) -> float:
        """Smallest pace, s/m."""
        left = self.low + self.step * np.arange(self.base.size)
        return float(
            min(
                (self.base + self.gain * left).min(),
                (self.base + self.gain * (left + self.step)).min(),
            )
        )


@dataclass(frozen=True, eq=False)
class Arcs:
    """Connections between cells other than the moves: roads.

    Arcs leaving cell i are ``first[i]:first[i + 1]``.

    They may cross closed cells (bridges, tunnels).
    """

    first: NDArray[np.int32]
    head: NDArray[np.int32]
    seconds: FloatArray
    fastest: float
    """Smallest cost per metre of straight distance of any arc, for lower bounds."""


@dataclass(frozen=True, eq=False)
class CostGrid:
    """A grid ready to be crossed.

    Attributes
    ----------
    moves
        See `Moves`.
    lengths
        Metres of each move from each row, shape (rows, k).
    closed
        Cells that cannot be entered, shape (rows, columns).
    multiplier
        Friction or multiplier of the pace, shape (rows, columns), positive in open cells; None
        means 1 everywhere.
    height
        Metres, shape (rows, columns); None for isotropic friction.
    pace
        Pace by slope; None for isotropic friction.
    added
        Cost per metre on top of the rest, shape (rows, columns), not negative in open cells; None
        means none.
    wraps
        The last column is next to the first: a grid around the whole Earth.
    arcs, arcs_back
        Roads between cells, and the same turned round; or None.
    corner
        How many of the two cells at the corner of a diagonal line must be open, see `CORNERS`.
    whole
        Cells of the grid that this one is a window of.
    cut
        Cells, ascending, and of each the moves (bit k is move k) that a barrier crosses; or None.
    """

    moves: Moves
    lengths: FloatArray
    closed: NDArray[np.bool_]
    multiplier: NDArray[np.floating] | None = None
    height: NDArray[np.floating] | None = None
    pace: PaceTable | None = None
    added: NDArray[np.floating] | None = None
    wraps: bool = False
    arcs: Arcs | None = None
    arcs_back: Arcs | None = None
    corner: int = 1
    whole: int = 0
    cut: tuple[IndexArray, NDArray[np.uint32]] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.closed.shape
        return rows, columns

    @property
    def precision(self) -> type[np.floating]:
        """Type of the costs."""
        few = max(self.closed.size, self.whole) <= EXACT_CELLS
        return np.float64 if few else np.float32

    def stepped(self, cells: IndexArray, dr: IndexArray | int, dc: IndexArray | int) -> IndexArray:
        """Flat indices of the cells at a step from each; no meaning where it leaves the grid."""
        columns = self.shape[1]
        there = cells + (dr * columns + dc)
        if self.wraps:
            column = cells % columns + dc
            there = there - columns * (column >= columns) + columns * (column < 0)
        return np.asarray(there)

    def legal_strips(self) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        """Give the legal moves, see `legal_strips`, without those that a barrier crosses."""
        columns = self.shape[1]
        for top, strip in legal_strips(
            self.closed, self.moves, wraps=self.wraps, corner=self.corner
        ):
            if self.cut is not None:
                cells, bits = self.cut
                ends = np.searchsorted(cells, [top * columns, (top + len(strip)) * columns])
                some = slice(*ends)
                strip.reshape(-1)[cells[some] - top * columns] &= ~bits[some]
            yield top, strip

    def neighbours_of(self, cell: int) -> IndexArray:
        """Cells that one move from a cell leads to, among those that touch it."""
        rows, columns = self.shape
        reach = self.moves.reach
        r = np.arange(max(0, cell // columns - reach), min(rows, cell // columns + reach + 1))
        c = np.arange(cell % columns - reach, cell % columns + reach + 1)
        beyond = (c < 0) | (c >= columns)
        window = self.closed[r[:, None], c % columns] | (beyond & (not self.wraps))
        bits = legal_moves(window, self.moves, corner=self.corner)[cell // columns - r[0], reach]
        near = np.flatnonzero(np.maximum(np.abs(self.moves.row), np.abs(self.moves.column)) == 1)
        near = near[(bits >> near.astype(np.uint32)) & 1 == 1]
        return self.stepped(np.array([cell]), self.moves.row[near], self.moves.column[near])

    def window(self, rows: slice, columns: slice) -> CostGrid:
        """Part of a grid without arcs that does not go around the Earth; moves end at its edge."""

        def part(values: NDArray[Any] | None) -> Any:
            return None if values is None else values[rows, columns]

        cut = self.cut
        if cut is not None:
            row, column = np.divmod(cut[0], self.shape[1])
            inside = (row >= rows.start) & (row < rows.stop)
            inside &= (column >= columns.start) & (column < columns.stop)
            row, column = row[inside] - rows.start, column[inside] - columns.start
            cut = row * (columns.stop - columns.start) + column, cut[1][inside]
        return dataclasses.replace(
            self,
            lengths=self.lengths[rows],
            closed=self.closed[rows, columns],
            multiplier=part(self.multiplier),
            height=part(self.height),
            added=part(self.added),
            cut=cut,
            whole=self.closed.size,
        )

    def least_per_metre(self) -> float:
        """Smallest possible cost of a metre anywhere, for a lower bound of the rest of a way."""
        pace = 1.0 if self.pace is None else self.pace.fastest
        if self.multiplier is not None:
            pace *= float(np.min(self.multiplier, where=~self.closed, initial=np.inf))
        if self.added is not None:
            pace += float(np.min(self.added, where=~self.closed, initial=np.inf))
        return pace if self.arcs is None else min(pace, self.arcs.fastest)


def _shifted(array: NDArray[np.bool_], dr: int, dc: int, *, wraps: bool) -> NDArray[np.bool_]:
    """`array` seen from each cell at (dr, dc); True (closed) outside the grid."""
    rows, columns = array.shape
    if wraps:
        array, dc = np.roll(array, -dc, axis=1), 0
    out = np.ones_like(array)
    r0, r1 = max(0, -dr), min(rows, rows - dr)
    c0, c1 = max(0, -dc), min(columns, columns - dc)
    if r0 < r1 and c0 < c1:
        out[r0:r1, c0:c1] = array[r0 + dr : r1 + dr, c0 + dc : c1 + dc]
    return out


def legal_moves(
    closed: NDArray[np.bool_], moves: Moves, *, wraps: bool = False, corner: int = 1
) -> NDArray[np.uint32]:
    """Bit mask per cell of the moves that leave it.

    No such move crosses a closed cell, a closed corner or the grid's edge.

    Parameters
    ----------
    closed
        Shape (rows, columns).
    moves
        At most 32.
    wraps
        The last column is next to the first.
    corner
        Open cells needed at a corner, see `CORNERS`.
    """
    legal = np.empty(closed.shape, dtype=np.uint32)
    for top, strip in legal_strips(closed, moves, wraps=wraps, corner=corner):
        legal[top : top + strip.shape[0]] = strip
    return legal


def legal_strips(
    closed: NDArray[np.bool_], moves: Moves, *, wraps: bool = False, corner: int = 1
) -> Iterator[tuple[int, NDArray[np.uint32]]]:
    """Give the legal moves in strips, each with its first row, so that shifted copies are small."""
    halo = moves.reach
    for top in range(0, closed.shape[0], _STRIP):
        low, high = max(0, top - halo), min(closed.shape[0], top + _STRIP + halo)
        strip = _legal_strip(closed[low:high], moves, wraps=wraps, corner=corner)
        yield top, strip[top - low : top - low + _STRIP]


def _legal_strip(
    closed: NDArray[np.bool_], moves: Moves, *, wraps: bool, corner: int
) -> NDArray[np.uint32]:
    """Legal moves of a strip of rows, right where the strip goes on far enough beyond a row."""
    if not closed.any():
        return _within(closed.shape, moves, wraps=wraps)
    legal = np.zeros(closed.shape, dtype=np.uint32)
    # The cells that lines of this neighbourhood touch are few; each shifted copy is made once.
    seen: dict[tuple[int, int], NDArray[np.bool_]] = {}

    def at(dr: int, dc: int) -> NDArray[np.bool_]:
        if (dr, dc) not in seen:
            seen[dr, dc] = _shifted(closed, dr, dc, wraps=wraps)
        return seen[dr, dc]

    for k, (cells, corners) in enumerate(zip(moves.passed, moves.corners, strict=True)):
        blocked = closed.copy()
        for dr, dc, _ in cells[1:]:
            blocked |= at(dr, dc)
        for one, other in corners if corner else ():
            blocked |= at(*one) & at(*other) if corner == 1 else at(*one) | at(*other)
        legal |= (~blocked).astype(np.uint32) << np.uint32(k)
    return legal


def _within(shape: tuple[int, ...], moves: Moves, *, wraps: bool) -> NDArray[np.uint32]:
    """List the moves that stay on the grid, where no cell is closed."""
    bits = np.uint32(1) << np.arange(moves.row.size, dtype=np.uint32)
    r, c = np.arange(shape[0])[:, None] + moves.row, np.arange(shape[1])[:, None] + moves.column
    down = ((r >= 0) & (r < shape[0])) @ bits
    across = (((c >= 0) & (c < shape[1])) | wraps) @ bits
    return np.asarray(down[:, None] & across, dtype=np.uint32)


def islands(closed: NDArray[np.bool_], *, wraps: bool = False) -> NDArray[np.int32]:
    """Label of the island of open cells of each cell, 0 where closed; a shared corner joins cells.

    Parameters
    ----------
    closed
        Shape (rows, columns).
    wraps
        The last column is next to the first.
    """
    from scipy.ndimage import label  # noqa: PLC0415

    labels = np.empty(closed.shape, dtype=np.int32)
    label(~closed, np.ones((3, 3)), output=labels)
    return _joined_at_the_seam(labels) if wraps else labels


def _joined_at_the_seam(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give islands that touch across the first and the last column one label."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    west = np.pad(labels[:, 0], 1)
    pairs = [(labels[:, -1], west[1 + d : west.size - 1 + d]) for d in (-1, 0, 1)]
    a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
    both = (a > 0) & (b > 0)
    size = int(labels.max(initial=0)) + 1
    graph = coo_array((np.ones(both.sum(), dtype=np.int8), (a[both], b[both])), shape=(size, size))
    new = connected_components(graph, directed=False)[1].astype(np.int32)
    return np.asarray(new[labels])


@dataclass(frozen=True, eq=False)
class Target:
    """A place to reach: its cells, and the cost from the centre of each to the place itself."""

    cells: IndexArray
    legs: FloatArray


def middling_move(grid: CostGrid) -> float:
    """Cost of an ordinary orthogonal move on the flat, from a sample of the cells."""
    some = (
        slice(None, None, max(1, grid.shape[0] // 256)),
        slice(None, None, max(1, grid.shape[1] // 256)),
    )
    free = ~grid.closed[some]
    pace = 1.0 if grid.pace is None else float(grid.pace(np.zeros(1))[0])
    if grid.multiplier is not None and free.any():
        pace *= float(np.median(grid.multiplier[some][free]))
    if grid.added is not None and free.any():
        pace += float(np.median(grid.added[some][free]))
    return float(np.median(grid.lengths[:, :4])) * pace
