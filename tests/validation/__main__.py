"""Write docs/validation.md: numbers and intervals of geosettle against independent tools.

    python tests/validation [share of the simulations]

Seeds are fixed. Ends with 1 where a bound does not hold; with a share nothing is written.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import exact
import published
import simulated
from page import Subject, page

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
SUBJECTS = (*simulated.SUBJECTS, *exact.SUBJECTS, *published.SUBJECTS)
HEAD = """
# Validation

How far geosettle's numbers are from those of independent tools, and how often its intervals hold
the truth. `make validate` writes this page: every number is computed by `tests/validation/` and the
command is given with it. Inputs are invented and made with fixed seeds. Please cite the page with
the version of geosettle (`geosettle --version`).

Differences are the largest of n, rounded up to one figure. A bound that does not hold ends
`make validate` with an error. Where two tools differ by definition, the remark says why.

An interval of 90 % should hold the true value in 90 of 100 cases. For each pair a true position is
drawn within what is stated of both ends, the true value is computed by the tool named, and counted
if it is inside. "95 % of such runs" is the binomial band: in 95 of 100 simulations of n pairs with
a coverage of 90 % the share falls there. Each interval also has to hold the value at the stated
positions; where it would not, it is widened to it, which can only raise the coverage, and `why`
says so.

Not compared: travel times and lengths of a real road service, and elevation models against surveyed
heights.
"""


def _made(name: str, size: float) -> Subject:
    return {f.__name__: f for f in SUBJECTS}[name](size)


def main() -> int:
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    names = [f.__name__ for f in SUBJECTS]
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(names, pool.map(_made, names, [size] * len(names)), strict=True))
    subjects = [
        found[f.__name__] for f in (*exact.SUBJECTS, *published.SUBJECTS, *simulated.SUBJECTS)
    ]
    text = page(HEAD, subjects)
    if size == 1:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    failed = [(s.title, *row.cells()) for s in subjects for row in s.rows if not row.holds]
    for cells in failed:
        print("DOES NOT HOLD:", " | ".join(cells), file=sys.stderr)
    print(f"{sum(len(s.rows) for s in subjects)} rows, {len(failed)} do not hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
