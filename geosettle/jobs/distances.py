"""Distances in parts: the origins of a tile with their pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.distance import ESTIMATES, Context, distance_table
from geosettle.distance._inputs import as_flows, as_places, rows_at
from geosettle.distance._metrics import places_of
from geosettle.distance._protocol import positions
from geosettle.jobs.parts import Job, Part, digest, row_hashes, tiles

_ROWS: Final = 200_000
"""Rows of a part at most, where that is known before."""
_ORIGINS: Final = 20_000


@dataclass(frozen=True, eq=False)
class MakeDistances:
    """Makes the pairs of some origins; the same for all parts.

    Parameters
    ----------
    sites
        All sites.
    options
        As of `distance_table`: nearest, within_km, metrics and so on.
    context
        Layers that all parts share.
    named
        Ends of a pair that have names.
    """

    sites: gpd.GeoDataFrame
    options: Mapping[str, Any]
    context: Context = field(default_factory=Context)
    named: tuple[str, ...] = ()

    def __call__(
        self, origins: gpd.GeoDataFrame, flows: pd.DataFrame | None
    ) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """Measure the pairs of some origins, along the Hilbert curve of the origins."""
        order = pd.Index(origins.index)
        places_of(self.context, self.sites, "site")  # checked once for all parts
        # What was checked for one part would keep the places of all of them.
        context = Context(**{**vars(self.context), "memory": dict(self.context.memory)})
        table = distance_table(
            origins.sort_index(), self.sites, flows=flows, context=context, **self.options
        )
        table = table.drop(columns=[c for c in ESTIMATES if c in table])  # they are of all pairs
        table = table.iloc[np.argsort(rows_at(table.index, 0, order), kind="stable")]
        named = with_names(table, origins, self.sites, self.named)
        return named, pair_ends(table.index, origins, self.sites)


def distances_job(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    *,
    flows: pd.DataFrame | None = None,
    context: Context | None = None,
    inputs: Mapping[str, str] | None = None,
    **options: Any,
) -> Job:
    """Plan the table of `geosettle.distance.distance_table` in parts.

    Parameters
    ----------
    origins, sites, flows
        As of `distance_table`.
    context
        Layers that metrics need, and their options.
    inputs
        Name of a layer to what its files hold (a hash), so that a part is made again where it
        changes.
    **options
        nearest, within_km, within_h, metrics, detour_range, rough_share.

    Returns
    -------
    Job
        For `run_job`. The columns are those of `distance_table`, without the estimates by road,
        which need all pairs at once; geometry is the line from the origin to the site.

    Raises
    ------
    InputError
        Options that `distance_table` refuses.

    Examples
    --------
    >>> at = gpd.points_from_xy
    >>> origins = gpd.GeoDataFrame(index=["o"], geometry=at([76.0], [39.0]), crs=4326)
    >>> sites = gpd.GeoDataFrame(index=["s", "t"], geometry=at([76.1, 77], [39.0] * 2), crs=4326)
    >>> job = distances_job(origins, sites, nearest=1)
    >>> [part.units for part in job.parts]
    [1]
    """
    origins, sites = as_places(origins, "origin"), as_places(sites, "site").sort_index()
    context = context or Context()
    none = None if flows is None else pd.DataFrame({"origin_id": [], "site_id": []}, dtype="str")
    # A wrong call is refused here, and not in every part.
    bare = Context(metrics=context.metrics)
    distance_table(origins.iloc[:0], sites.iloc[:0], flows=none, context=bare, **options)
    groups: Any = None
    if flows is not None:
        flows = as_flows(flows)
        at = origins.index.get_indexer(flows["origin_id"])
        groups = np.argsort(at, kind="stable"), np.sort(at)
    named = tuple(
        end
        for end, frame in (("origin", origins), ("site", sites))
        if "name" in frame and frame["name"].notna().any()
    )
    each = 1 if flows is not None else min(options.get("nearest") or len(sites), len(sites))
    most = max(1, min(_ORIGINS, _ROWS // max(1, each)))
    about = {"version": 1, **options, "layers": dict(inputs or {}), "settings": context.options}
    common = digest(about, row_hashes(sites))
    hashes = row_hashes(origins)
    flow_hashes = None if flows is None else row_hashes(flows.set_axis(np.zeros(len(flows), int)))
    parts = []
    places = list(tiles(*positions(origins), most))
    if flows is not None and (at < 0).any():
        places.append(("unknown", np.array([-1])))  # flows from origins that are not there
    for name, rows in places:
        facts, units = [hashes[rows[rows >= 0]]], rows.size * each
        if flow_hashes is not None:
            mine = flow_hashes[_flows_of(groups, rows)]
            facts, units = [*facts, np.sort(mine)], mine.size
            if not units:
                continue
        parts.append(Part(name, digest(common, *facts), rows, units))

    def given(part: Part) -> tuple[Any, ...]:
        some = None if flows is None else flows.iloc[_flows_of(groups, part.rows)]
        return origins.iloc[part.rows[part.rows >= 0]], some

    make = MakeDistances(sites, options, context, named)
    return Job("distances", about, sorted(parts, key=lambda p: p.name), given, make)


def _flows_of(groups: Any, rows: Any) -> Any:
    """Positions of the flows of some origins, from the flows sorted by the position of origins."""
    order, at = groups
    first, last = np.searchsorted(at, rows), np.searchsorted(at, rows, side="right")
    return np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)])


def with_names(
    table: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    named: Sequence[str] = ("origin", "site"),
) -> pd.DataFrame:
    """Add the names of origins and sites after ids and rank.

    Parameters
    ----------
    table
        By (origin_id, site_id).
    origins, sites
        With a column `name`.
    named
        Ends that get names.
    """
    at = int("rank" in table)
    for n, (end, frame) in enumerate((("origin", origins), ("site", sites))):
        if end in named:
            rows = rows_at(table.index, n, frame.index)
            table.insert(at, f"{end}_name", frame["name"].array.take(rows, allow_fill=True))
            at += 1
    return table


def pair_ends(
    pairs: pd.Index, origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    """Longitude and latitude of both ends of each pair, shape (n, 2, 2); NaN where unknown.

    Parameters
    ----------
    pairs
        (origin_id, site_id).
    origins, sites
        On WGS84.
    """
    out = np.empty((len(pairs), 2, 2))
    for n, frame in enumerate((origins, sites)):
        at = np.column_stack(positions(frame))
        out[:, n] = np.vstack([at, [np.nan, np.nan]])[rows_at(pairs, n, frame.index)]
    out[:, 1, 0] -= 360 * np.round((out[:, 1, 0] - out[:, 0, 0]) / 360)  # the short way round
    return out
