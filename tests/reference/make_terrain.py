"""The small terrain of the reference arrays, and the step from GRASS's output to
grass_reference.npz.

python make_terrain.py FOLDER            writes height.asc, friction.asc, wall.asc, start.txt
python make_terrain.py FOLDER OUT.npz    packs the arrays that make_grass.sh left in FOLDER
"""

import sys
from pathlib import Path

import numpy as np

SHAPE = (60, 80)
CELL = 100.0
START = (22, 31)  # row, column
NAMES = ("walk8", "walk16", "walk16_other", "walk8_lambda", "walk16_lambda", "cost8", "cost8_wall")
ROUGH_SHAPE = (300, 300)
ROUGH_START = (150, 140)
EVERY = 7  # of the large grids every seventh row and column is kept
ROUGH_NAMES = ("rough_cost8", "rough_walk8", "rough_walk16", "corner_cost8")


def height():
    """Hills and a scarp, metres; slopes up to 1.3, both moderate and steep descents."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(float)
    hills = 400 * np.sin(x / 9) * np.cos(y / 7) + 150 * np.sin(x / 3 + y / 4)
    return np.round(1500 + hills + 300 * np.tanh((x + 0.5 * y - 70) / 3), 3)


def friction():
    """Smooth friction between 1 and 9 with a fast strip."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(float)
    out = 5 + 4 * np.sin(x / 5) * np.sin(y / 6)
    out[40, :] = 1.0
    return np.round(out, 4)


def wall():
    """The friction with a closed wall (NaN) that leaves a gap at its southern end, orthogonally
    connected.
    """
    out = friction()
    out[0:50, 45:47] = np.nan
    return out


def _noise(salt):
    """Numbers between 0 and 1 without order, by integer arithmetic alone, so that they are the same
    everywhere.
    """
    y, x = np.mgrid[0 : ROUGH_SHAPE[0], 0 : ROUGH_SHAPE[1]].astype(np.uint64)
    mixed = (y * np.uint64(73856093)) ^ (x * np.uint64(19349663)) ^ np.uint64(salt * 83492791)
    for factor in (2654435761, 2246822519):
        mixed = (mixed * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
        mixed ^= mixed >> np.uint64(15)
    return (mixed >> np.uint64(8)) / 2.0**24


def rough():
    """Random heights on broad hills, metres, float32."""
    y, x = np.mgrid[0 : ROUGH_SHAPE[0], 0 : ROUGH_SHAPE[1]].astype(float)
    return (
        (1500 + 300 * np.sin(x / 40) * np.cos(y / 30) + 12 * _noise(1)).round(2).astype(np.float32)
    )


def corners():
    """Random friction between 1 and 11, 35 % of the cells closed (NaN), many joined by a corner
    alone; float32.
    """
    shut = _noise(3) < 0.35
    shut[ROUGH_START] = False
    return np.where(shut, np.nan, (1 + 10 * _noise(2)).round(4)).astype(np.float32)


def holes():
    """Random friction between 1 and 11, 15 % of the cells closed (NaN), none joined by a corner
    alone; float32.
    """
    out = (1 + 10 * _noise(2)).round(4)
    shut = _noise(3) < 0.15
    shut[ROUGH_START] = False
    # GRASS squeezes through the corner between two closed cells, geosettle does not: there must be
    # none.
    for _ in range(20):
        a, b, c, d = shut[:-1, :-1], shut[:-1, 1:], shut[1:, :-1], shut[1:, 1:]
        a &= ~(a & d & ~b & ~c)
        b &= ~(b & c & ~a & ~d)
    return np.where(shut, np.nan, out).astype(np.float32)


def _write(folder, name, values):
    rows, columns = values.shape
    head = f"ncols {columns}\nnrows {rows}\nxllcorner 0\nyllcorner 0\ncellsize {CELL:g}\nNODATA_value -9999\n"
    lines = "\n".join(
        " ".join(f"{v:.4f}" if np.isfinite(v) else "-9999" for v in row) for row in values
    )
    (folder / f"{name}.asc").write_text(head + lines + "\n")


def main():
    folder = Path(sys.argv[1])
    if len(sys.argv) == 2:
        for name, values in (("height", height()), ("friction", friction()), ("wall", wall())):
            _write(folder, name, values)
        east, north = (START[1] + 0.5) * CELL, (SHAPE[0] - START[0] - 0.5) * CELL
        (folder / "start.txt").write_text(f"{east:g},{north:g}")
        for name, values in (("rough", rough()), ("holes", holes()), ("corners", corners())):
            np.where(np.isnan(values), -9999, values).astype("<f4").tofile(folder / f"{name}.bin")
        return
    arrays = {n: np.fromfile(folder / f"{n}.bin", dtype=np.float64).reshape(SHAPE) for n in NAMES}
    for n in ROUGH_NAMES:
        whole = np.fromfile(folder / f"{n}.bin", dtype=np.float64).reshape(ROUGH_SHAPE)
        arrays[n] = whole[::EVERY, ::EVERY]
    # Neighbours, easting of the end, easting and northing of each vertex, from the end to the start.
    arrays["paths"] = np.loadtxt(folder / "paths.txt")
    np.savez_compressed(sys.argv[2], **{n: np.where(a == -1, np.nan, a) for n, a in arrays.items()})


if __name__ == "__main__":
    main()
