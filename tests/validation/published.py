"""Numbers that others have published with their inputs: geodesics, cost surfaces, areas of classes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from page import Comparison, Subject

from geosettle.covers.change import adjusted_areas
from geosettle.distance import cost_distance, geodesic_distance

sys.path.insert(0, str(Path(__file__).parents[1]))
import test_change

# Karney, C. F. F. (2010). Test set for geodesics. doi:10.5281/zenodo.32156 (CC0): latitude of point
# 1 (its longitude is 0), latitude and longitude of point 2, degrees; their distance, metres.
GEODTEST = """
36.530042355041 -48.164270779097768864 5.762344694676510456 9398502.0434687
.003311913742 .001762385472585824 32.846794581272844 3656488.4472191
20.423135394589 -21.179388017798691648 179.757116934570412271 19917969.3423672
35.602540598169 -19.406200172031696834 78.995799629955596127 10299779.6328425
26.010745808687 64.958396828764391273 .001576658648546905 4328675.605565
.000227056052 -.000342923983172007 176.956361997998361364 19698692.1099486
23.225828498891 -23.225828498891 179.44518683104154539 19975528.4919571414229
72.071239718919 -72.07123971890502904 179.813796146422114323 20000731.2068002
89.991989548145 -61.038150741515986969 89.631261715462284382 16771704.5214092
18.725775553796 18.724785210853172866 .006615636046166963 706.2676803
89.996344967961 -89.996002848213014514 114.609255826886658305 20003468.6532733
47.900780879363 47.899309788344023215 .001327005894209747 191.3088022
23.287785477695 20.452440593866921854 35.797365608165841143 3703998.3106422
"""
# GRASS GIS manual of r.cost, section "Examples": cost surface, start, both cumulative surfaces as
# printed there, rounded to whole numbers.
R_COST = """
2 2 1 1 5 5 5
2 2 8 8 5 2 1
7 1 1 8 2 2 2
8 7 8 8 8 8 5
8 8 1 1 5 3 9
8 1 1 2 5 3 9
"""
R_COST_START = (4, 5)
R_COST_PRINTED = {
    8: """
22 21 21 20 17 15 14
20 19 22 20 15 12 11
22 18 17 18 13 11  9
21 14 13 12  8  6  6
16 13  8  7  4  0  6
14  9  8  9  6  3  8
""",
    16: """
21 21 20 19 17 15 14
20 19 22 19 15 12 11
22 18 17 17 12 11  9
21 14 13 12  8  6  6
16 13  8  7  4  0  6
14  9  8  9  6  3  8
""",
}


def _numbers(text: str) -> np.ndarray:
    return np.array([line.split() for line in text.split("\n") if line], dtype=float)


def geodesics(size: float = 1.0) -> Subject:
    del size
    lat1, lat2, lon2, metres = _numbers(GEODTEST).T
    apart = np.abs(geodesic_distance(np.zeros(lat1.size), lat1, lon2, lat2) - metres).max() * 1000
    what = "short, long, along the equator, over a pole, next to the antipode"
    return Subject(
        "Published geodesics",
        "Karney, C. F. F. (2010), Test set for geodesics, doi:10.5281/zenodo.32156, made with "
        "high precision: the cases listed in `tests/validation/published.py`",
        "`geosettle.geodesic_distance`.",
        [Comparison(what, metres.size, float(apart), "mm", 1e-3)],
    )


def cost_surfaces(size: float = 1.0) -> Subject:
    del size
    surface, rows = _numbers(R_COST), []
    for neighbours, what in ((8, "`r.cost`"), (16, "`r.cost -k`")):
        found = np.asarray(cost_distance(surface, [R_COST_START], neighbours=neighbours))
        apart = np.abs(found - _numbers(R_COST_PRINTED[neighbours]))
        off = np.argwhere(apart > 0.5)
        note = "printed as whole numbers"
        bound: float | None = 0.5
        if neighbours == 16:
            bound = None
            cells = "; ".join(f"row {r + 1}, column {c + 1}: {found[r, c]:.2f}" for r, c in off)
            note += (
                f"; but for one cell ({cells}) all are within 0.5: there 9 is printed for both, "
                "though a knight's move over cells of 3, 5, 5 and 2 costs 3.75 times the root of 5"
            )
        rows.append(Comparison(what, apart.size, float(apart.max()), "cost", bound, note))
    return Subject(
        "Published cost surface",
        "GRASS GIS, manual of r.cost, the example with its numbers",
        "`geosettle.distance.cost_distance`.",
        rows,
    )


def class_areas_of_samples(size: float = 1.0) -> Subject:
    del size
    found = adjusted_areas(test_change.SAMPLE, test_change.MAPPED)
    rows = []
    for name, printed in test_change.PRINTED.items():
        ours = (found["high"] - found["low"]) / 2 if name == "half width" else found[name]
        apart = np.abs(ours.to_numpy()[: len(printed)] - printed).max()
        hectares = name in {"adjusted", "half width"}
        unit, bound = ("ha", 0.5) if hectares else ("share", 0.005)
        what = {"adjusted": "adjusted areas", "half width": "half widths of their 95 % intervals"}
        rows.append(
            Comparison(what.get(name, f"`{name}`"), len(printed), float(apart), unit, bound,
                       "printed as whole hectares" if hectares else "printed with two decimals")
        )  # fmt: skip
    return Subject(
        "Published areas from an error matrix",
        "Olofsson et al. (2014), Remote Sensing of Environment 148: 42-57, table 8 and page 54",
        "`geosettle.covers.change.adjusted_areas`.",
        rows,
    )


SUBJECTS = (geodesics, cost_surfaces, class_areas_of_samples)
