"""METHODS: how each thing was measured, with its reference, and when it belongs in a report. A method is one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from geosettle.analysis import Result

__all__ = ["METHODS", "Method", "methods_used"]


@dataclass(frozen=True)
class Method:
    """One method: its name, by which `words` has the sentence `method_<name>`, its reference, and who used it."""

    name: str
    reference: str
    used: Callable[[Result], bool]


def methods_used(result: Result) -> list[Method]:
    """Return the methods that the numbers of this result come from, in the order of `METHODS`."""
    return [method for method in METHODS.values() if method.used(result)]


def _column(table: str, *names: str) -> Callable[[Result], bool]:
    """Whether a table has a value in one of these columns."""

    def used(result: Result) -> bool:
        frame = getattr(result, table)
        return any(name in frame and bool(frame[name].notna().any()) for name in names)

    return used


def _says(table: str, column: str, *parts: str) -> Callable[[Result], bool]:
    """Whether a column of names contains one of these parts."""

    def used(result: Result) -> bool:
        frame = getattr(result, table)
        if column not in frame:
            return False
        names = frame[column].dropna().astype(str).str.lower()
        return any(bool(names.str.contains(part, regex=False).any()) for part in parts)

    return used


_KARNEY: Final = (
    "Karney, C. F. F. (2013). Algorithms for geodesics. J. Geodesy 87, 43-55. doi:10.1007/s00190-012-0578-z"
)

METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "geodesic",
            _KARNEY,
            _column("pairs", "geodesic_km"),
        ),
        Method(
            "radii",
            "",
            _column("pairs", "geodesic_low_km"),
        ),
        Method(
            "draws",
            "",
            _column("intervals", "low"),
        ),
        Method(
            "surface",
            "",
            _column("pairs", "surface_km"),
        ),
        Method(
            "tobler",
            "Tobler, W. (1993). Three presentations on geographical analysis and modeling. NCGIA report 93-1.",
            _column("pairs", "walk_out_h", "walk_back_h"),
        ),
        Method(
            "road",
            "Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Num. Math. 1, 269-271.",
            _column("pairs", "road_km"),
        ),
        Method(
            "admin",
            "",
            _column("sites", "admin_probability"),
        ),
        Method(
            "areas",
            _KARNEY,
            _column("covers", "area_ha"),
        ),
        Method(
            "oasis",
            "",
            _column("oasis", "share", "area_km2", "area_ha", "oasis_km2", "oasis_ha"),
        ),
        Method(
            "farming_radius",
            "Ni Y., Hua Y., Xu Z. (2013). 中国土地科学 (China Land Science) 2013(10).",
            _says("remoteness", "indicator", "land_radii", "farming"),
        ),
        Method(
            "aria",
            "GISCA, Accessibility/Remoteness Index of Australia (ARIA+).",
            _says("remoteness", "indicator", "aria"),
        ),
        Method(
            "statcan",
            "Alasia, A. et al. (2017). Measuring remoteness and accessibility. Statistics Canada.",
            _says("remoteness", "indicator", "statcan", "gravity", "remoteness_index"),
        ),
        Method(
            "rural_access",
            "UN Statistics Division, SDG indicator 9.1.1 metadata.",
            _says("remoteness", "indicator", "rural_access", "rai"),
        ),
        Method(
            "friction",
            "Weiss, D. J. et al. (2018). A global map of travel time to cities. Nature 553. doi:10.1038/nature25181",
            lambda result: any("travel" in name for name in (*result.pairs.columns, *result.rasters)),
        ),
        Method(
            "capitals",
            "DFID (1999). Sustainable livelihoods guidance sheets.",
            _column("livelihood", "before", "after"),
        ),
    )
}
