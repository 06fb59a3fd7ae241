"""The table of metrics, and how each is asked for all pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geosettle.distance._inputs import as_places
from geosettle.distance._protocol import Context, Metric
from geosettle.distance.geodesic import COLUMNS, geodesic_matrix, geodesic_pairs
from geosettle.distance.monte_carlo import straight, surfaced
from geosettle.distance.monte_carlo_roads import sample_road
from geosettle.distance.monte_carlo_walking import travelled, walked
from geosettle.distance.roads import road_pairs
from geosettle.distance.terrain import least_walk, surface_pairs, walk_pairs
from geosettle.distance.travel import least_travel, travel_pairs
from geosettle.errors import UnknownNameError

_SHARES: Final = 32


def _draped(_: Context) -> float:
    """Least km of a line over the ground for one in a straight line: it is no shorter."""
    return 1 - 1e-6


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            "geodesic",
            value="geodesic_km",
            unit="km",
            columns=COLUMNS,
            pairs=geodesic_pairs,
            matrix=geodesic_matrix,
            meaning=(
                "shortest line on the WGS84 ellipsoid, from edge to edge where an end is an area"
            ),
            sample=straight,
        ),
        Metric(
            "surface",
            value="surface_km",
            unit="km",
            columns=("surface_km", "ascent_m", "descent_m", "elevation_change_m"),
            pairs=surface_pairs,
            needs=("dem",),
            meaning="length of the straight line draped on the elevation grid",
            sample=surfaced,
            least=_draped,
        ),
        Metric(
            "walk",
            value="walk_out_h",
            unit="h",
            columns=("walk_out_h", "walk_back_h", "walk_round_h"),
            pairs=walk_pairs,
            needs=("dem",),
            instead={"dem": "friction"},
            meaning=(
                "time of the quickest walk over the elevation grid, from origin to site and back"
            ),
            sample=walked,
            after=True,
            measures={
                "walk": ("walk_out_h", "h"),
                "walk_back": ("walk_back_h", "h"),
                "walk_round": ("walk_round_h", "h"),
            },
            options=("walk",),
            least=least_walk,
        ),
        Metric(
            "road",
            value="road_km",
            unit="km",
            columns=("road_km", "road_h", "road_access_km", "road_egress_km"),
            pairs=road_pairs,
            needs=("roads",),
            meaning="way that takes least time by road, with the legs to the road and from it",
            sample=sample_road,
            measures={"road": ("road_km", "km"), "road_time": ("road_h", "h")},
            options=("road",),
        ),
        Metric(
            "travel",
            value="travel_out_h",
            unit="h",
            columns=("travel_out_h", "travel_back_h"),
            pairs=travel_pairs,
            needs=("dem",),
            instead={"dem": "friction"},
            meaning="time of the quickest mix of walking and riding, from origin to site and back",
            sample=travelled,
            after=True,
            measures={"travel": ("travel_out_h", "h"), "travel_back": ("travel_back_h", "h")},
            options=("walk", "road", "travel"),
            least=least_travel,
        ),
    )
}


def metrics_of(context: Context | None = None) -> Mapping[str, Metric]:
    """Return the metrics that names mean in a call: those of its context, else METRICS."""
    return (context.metrics if context else {}) or METRICS


def metric_named(name: str, context: Context | None = None) -> Metric:
    known = metrics_of(context)
    if name not in known:
        raise UnknownNameError("no such metric", value=name, mend=f"There are: {', '.join(known)}.")
    return known[name]


def measures_of(context: Context | None = None) -> dict[str, tuple[Metric, str, str]]:
    """Return what intervals are of: name to its metric, the column of the pairs, and the unit."""
    return {
        name: (metric, column, unit)
        for metric in metrics_of(context).values()
        if metric.sample is not None
        for name, (column, unit) in metric.measured.items()
    }


def context_of(layers: Mapping[str, Any]) -> Context:
    """Context of the keywords of a call: its layers and options, or one made before."""
    if set(layers) == {"context"}:
        return cast("Context", layers["context"])
    unknown = set(layers) - {
        "dem", "landcover", "friction", "barriers", "roads", "places", "options",
    }  # fmt: skip
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    return Context(**{k: v for k, v in layers.items() if v is not None})


def blocks(n: int, m: int, cells: int = 4_000_000) -> Iterator[NDArray[np.intp]]:
    """Rows of a matrix in blocks of about so many cells."""
    step = max(1, cells // max(m, 1))
    for first in range(0, n, step):
        yield np.arange(first, min(first + step, n))


def places_of(context: Context, frame: Any, role: str) -> gpd.GeoDataFrame:
    """Origins or sites as `as_places` gives them, checked once for each context."""
    # The frame given is kept with the result, so that its identity stays its own.
    return context.once((role, id(frame)), lambda: (frame, as_places(frame, role)))[1]


def shares(n: int) -> list[slice]:
    """Rows of a job in shares for the workers of an executor, as many for any number of them."""
    step = max(1, -(-n // _SHARES))
    return [slice(first, first + step) for first in range(0, max(n, 1), step)]


def matrix_of(
    metric: Metric, origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, context: Context
) -> NDArray[np.float64]:
    """Values of a metric for all origins and sites, whichever way the metric offers."""
    if metric.matrix is not None:
        return metric.matrix(origins, sites, context)
    every = np.stack(
        np.meshgrid(np.arange(len(origins)), np.arange(len(sites)), indexing="ij"), axis=-1
    )
    asked = dataclasses.replace(context.asked, value_only=True)
    context = dataclasses.replace(context, asked=asked)
    table = metric.pairs(origins, sites, every.reshape(-1, 2), context)
    return table[metric.value].to_numpy(dtype=np.float64).reshape(len(origins), len(sites))
