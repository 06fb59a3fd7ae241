"""The small terrain of the reference arrays, and the step from GRASS's output to grass_reference.npz.

python make_terrain.py FOLDER            writes height.asc, friction.asc, wall.asc, start.txt
python make_terrain.py FOLDER OUT.npz    packs the arrays that make_grass.sh left in FOLDER
"""

import sys
from pathlib import Path

import numpy as np

SHAPE = (60, 80)
CELL = 100.0
START = (22, 31)  # row, column
NAMES = ("walk8", "walk16", "walk16_other", "cost8", "cost8_wall")


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
    """The friction with a closed wall (NaN) that leaves a gap at its southern end, orthogonally connected."""
    out = friction()
    out[0:50, 45:47] = np.nan
    return out


def _write(folder, name, values):
    rows, columns = values.shape
    head = f"ncols {columns}\nnrows {rows}\nxllcorner 0\nyllcorner 0\ncellsize {CELL:g}\nNODATA_value -9999\n"
    lines = "\n".join(" ".join(f"{v:.4f}" if np.isfinite(v) else "-9999" for v in row) for row in values)
    (folder / f"{name}.asc").write_text(head + lines + "\n")


def main():
    folder = Path(sys.argv[1])
    if len(sys.argv) == 2:
        for name, values in (("height", height()), ("friction", friction()), ("wall", wall())):
            _write(folder, name, values)
        east, north = (START[1] + 0.5) * CELL, (SHAPE[0] - START[0] - 0.5) * CELL
        (folder / "start.txt").write_text(f"{east:g},{north:g}")
        return
    arrays = {n: np.fromfile(folder / f"{n}.bin", dtype=np.float64).reshape(SHAPE) for n in NAMES}
    np.savez_compressed(sys.argv[2], **{n: np.where(a == -1, np.nan, a) for n, a in arrays.items()})


if __name__ == "__main__":
    main()
