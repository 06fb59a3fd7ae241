"""What a metric is: the seam between the table of metrics and the functions that compute them.

A metric is a function ``f(origins, sites, pairs, context) -> DataFrame``. It gets all origins and
all sites once, and the pairs as positions, so that it can do one computation per site (or per
origin) for all its pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from geosettle.raster import Raster


T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What is asked of a metric, where it is less than all its columns for all pairs.

    Attributes
    ----------
    value_only
        Only the column `Metric.value` is needed; others may be missing.
    within
        Values above this (km or h) need not be found: they may be missing, with any reason.
    fewer
        Side with fewer places in the whole job, 0 origins or 1 sites; None: in the pairs given. It
        decides which way sums are rounded, so that parts of a job give what the whole gives.
    """

    value_only: bool = False
    within: float = np.inf
    fewer: int | None = None


EVERYTHING: Final = Asked()


@dataclass(frozen=True, eq=False)
class Context:
    """The layers that metrics may use, their options, and what was prepared from them.

    One context serves a whole run: a network of roads or a walking grid is prepared when it is
    first asked for, and kept (`once`). Copies with other options share what is kept.

    Attributes
    ----------
    dem, landcover
        Rasters, or None where the study has none.
    friction
        Raster of the time that a metre takes, in s/m or min/m, or None; hours on foot come from it
        instead of the elevation.
    barriers
        Lines and areas that cannot be crossed on foot, or None.
    roads
        Road lines, or a table of `a, b, length_km` between places, or None.
    places
        Service places by `place_id`, or None.
    options
        Options per metric: metric name to keyword arguments (``{"walk": {"speed": "tobler"}}``).
    metrics
        The metrics that names mean; empty: METRICS.
    settlements
        Origins and sites of the whole study, which a table of road lengths may name.
    regions
        ``origin`` or ``site`` to the areas, by id, in which places without a position of their own
        are somewhere; the point in the frame is then only the middle.
    asked
        Whether less is asked than everything.
    memory
        What was prepared, by its key.
    """

    dem: Raster | None = None
    landcover: Raster | None = None
    friction: Raster | None = None
    barriers: gpd.GeoDataFrame | None = None
    roads: pd.DataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    settlements: tuple[gpd.GeoDataFrame, ...] = ()
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: Asked = EVERYTHING
    memory: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @property
    def ground(self) -> Raster | None:
        """What is walked on: the friction where there is one, else the elevation."""
        return self.dem if self.friction is None else self.friction

    def sent(self, n: int, m: int) -> Context:
        """Give what is sent to a worker that measures some of n origins and m sites."""
        fewer = self.asked.fewer if self.asked.fewer is not None else 0 if n < m else 1
        return replace(self, asked=replace(self.asked, fewer=fewer), memory={})

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what is kept under a key; make and keep it where it is asked for the first time."""
        if key not in self.memory:
            self.memory[key] = make()
        return cast("T", self.memory[key])


PairFunction = Callable[
    [gpd.GeoDataFrame, gpd.GeoDataFrame, NDArray[np.intp], Context], pd.DataFrame
]
"""``f(origins, sites, pairs, context)``. `origins` and `sites` are GeoDataFrames in WGS84 with a
unique index; their geometry is a point, a polygon (village land) or None. `pairs` has shape (m, 2):
positions (origin i, site j). Returns m rows in the order of `pairs` with a RangeIndex: the metric's
columns (km, h, m; NaN = missing) and `why`, a string that is empty where nothing is missing and
otherwise the reason: in words, or by `geosettle.reasons.reason`; without the name of the column."""

MatrixFunction = Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame, Context], NDArray[np.float64]]
"""``f(origins, sites, context)``: the metric's `value` for every origin (rows) and site (columns),
NaN = missing.
"""


SampleFunction = Callable[[Any], tuple[Mapping[str, NDArray[np.float64]], list[str]]]
"""``f(drawn)`` with a `geosettle.distance.monte_carlo.DrawnPairs`."""


@dataclass(frozen=True)
class Metric:
    """One way of measuring how far a site is from an origin.

    Attributes
    ----------
    name
        Name, the key in METRICS.
    value
        Column that a matrix, k nearest and within-radius look at, e.g. ``geodesic_km``.
    unit
        Its unit, ``km`` or ``h``.
    columns
        Every column that `pairs` gives, in the order of pairs.csv.
    pairs
        The function for a table of pairs.
    matrix
        The function for all origins and all sites; None: `pairs` is asked for every combination.
    needs
        Layers without which nothing can be computed (names of Context's attributes).
    instead
        Layer that is needed to one that serves in its place.
    meaning
        One sentence for tables, map and report, where they have no words of their own.
    sample
        The function for drawn positions: from a `DrawnPairs`, values per measure (pairs x draws)
        and a reason per pair; None: the metric has no intervals.
    after
        Whether `sample` needs the values at the stated positions first.
    measures
        What intervals and scenarios are of: name to column of the pairs and unit; empty: `value`.
    options
        Tables of settings that change the values (names of Context's options).
    least
        Gives what a kilometre of the geodesic is worth at least in a context, proven, 0 where that
        is not known; None: never known.
    """

    name: str
    value: str
    unit: str
    columns: tuple[str, ...]
    pairs: PairFunction
    matrix: MatrixFunction | None = None
    needs: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)
    meaning: str = ""
    sample: SampleFunction | None = None
    after: bool = False
    measures: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    least: Callable[[Context], float] | None = None

    def lacking(self, layers: object) -> list[str]:
        """Layers needed that are None among the attributes, and so is what serves in their place.

        `layers` is a `Context`, or anything else with the layers as attributes.
        """
        return [
            name
            for name in self.needs
            if getattr(layers, name) is None
            and getattr(layers, self.instead.get(name, name)) is None
        ]

    @property
    def measured(self) -> Mapping[str, tuple[str, str]]:
        """The measures; of a metric that names none, its value."""
        return self.measures or {self.name: (self.value, self.unit)}


def positions(frame: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of each row: the point, or a point inside the polygon.

    NaN if unknown.

    Parameters
    ----------
    frame
        Origins or sites, WGS84.

    Returns
    -------
    lon, lat
        Degrees, shape (n,).
    """
    import shapely  # noqa: PLC0415

    geoms = np.asarray(frame.geometry.array, dtype=object)
    if (shapely.get_type_id(geoms) <= 0).all() and not shapely.is_empty(
        geoms
    ).any():  # points and None
        return shapely.get_x(geoms), shapely.get_y(geoms)
    known = ~(shapely.is_missing(geoms) | shapely.is_empty(geoms))
    is_point = shapely.get_type_id(geoms) == 0
    point = geoms.copy()
    point[~known] = None
    point[known & ~is_point] = shapely.point_on_surface(geoms[known & ~is_point])
    return shapely.get_x(point), shapely.get_y(point)
