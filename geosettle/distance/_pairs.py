"""The table of pairs: every metric, flags for contradictions, reasons for missing values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import numbers, says_yes
from geosettle.distance._inputs import as_flows, no_layers
from geosettle.distance._metrics import context_of, metric_named, places_of
from geosettle.distance._protocol import Context, Metric
from geosettle.distance.geodesic import radius_m
from geosettle.distance.network import is_table, network_of, with_settlements
from geosettle.distance.sampling import quantiles
from geosettle.reasons import concerning, join_rows, reason, rendered, word
from geosettle.settings import DEFAULTS

PAIR_COLUMNS: Final = (
    "households",
    "persons",
    "year",
    "geodesic_km",
    "geodesic_low_km",
    "geodesic_high_km",
    "bearing_deg",
    "surface_km",
    "ascent_m",
    "descent_m",
    "walk_out_h",
    "walk_back_h",
    "road_km",
    "road_h",
    "detour_ratio",
    "elevation_change_m",
    "declared_km",
    "flags",
    "why",
)
"""Columns of pairs.csv after origin_id and site_id; columns of metrics not listed here follow
before `flags`.
"""

ESTIMATES: Final = ("road_estimate_km", "road_estimate_low_km", "road_estimate_high_km")
"""Kilometres by road where no road is known, from the study's own detours; see `_estimates`."""

FLAGS: Final[Mapping[str, str]] = {
    "declared_shorter_than_straight": (
        "the declared distance is shorter than the straight line can be: impossible"
    ),
    "declared_detour_outside_range": (
        "declared distance over straight line is outside the range set as plausible"
    ),
    "detour_outside_range": (
        "road distance over straight line is outside the range set as plausible"
    ),
    "published_longer_than_others": (
        "the published length of the pair is longer than a way over other rows of the table"
    ),
    "order_violated": (
        "a path on the ground came out shorter than the straight line: a fault of grid or roads"
    ),
    "position_rough": "the radii of both ends are more than a set share of the straight line",
    "used_to_place": "the declared distance served to place the site or origin: no evidence for it",
    "illustrative_position": "an end is drawn for illustration and is no evidence of place",
}
"""Code in the `flags` column (joined by semicolons) and what it says."""

_DETOURS: Final = 10  # fewer say too little of how roads wind here
_ORDER_SLACK = 0.005
"""Half a per cent is no contradiction: the lines are draped, gridded or from edge to edge."""


@rendered
def pair_distances(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str] = ("geodesic",),
    *,
    detour_range: tuple[float, float] = DEFAULTS.distance.detour_range_ratio,
    rough_share: float = DEFAULTS.distance.rough_share,
    **layers: Any,
) -> pd.DataFrame:
    """Every distance of every flow, with flags for contradictions and reasons for gaps.

    Parameters
    ----------
    flows
        Columns (or index levels) origin_id and site_id; households, persons, year and declared_km
        are passed on. Heeded where they exist: `used_to_place` (true where the declared distance
        had served to place an end), `declared_low_km` and `declared_high_km`, `declared_bound` ("at
        least" or "at most").
    origins, sites
        GeoDataFrames by id, points or areas, WGS84 (or with a CRS to bring there); `uncertainty_km`
        in a column.
    metrics
        Names in METRICS.
    detour_range
        Least and greatest plausible ratio of path to straight line.
    rough_share
        Sum of the radii over the straight line from which on a pair is flagged `position_rough`.
    **layers
        dem, landcover, roads, places, options, as the metrics need; see `Context`. Where a layer is
        missing, so are the columns' values, and `why` says so. Or context alone, a `Context` that
        several calls share, so that roads and grids are prepared once.

    Returns
    -------
    DataFrame
        One row per flow, by (origin_id, site_id), sorted; the columns of PAIR_COLUMNS that the
        metrics give. `flags` holds codes of FLAGS, `why` one reason per missing number
        ("walk_out_h: outside the elevation model; ...").

    Raises
    ------
    UnknownNameError
        No such metric.
    InputError
        Positions or tables that cannot be used.

    Examples
    --------
    >>> villages = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([76.0], [39]), index=["v"], crs=4326
    ... )
    >>> places = gpd.GeoDataFrame(geometry=gpd.points_from_xy([77], [39]), index=["s"], crs=4326)
    >>> flows = pd.DataFrame({"origin_id": ["v"], "site_id": ["s"], "declared_km": [80.0]})
    >>> pair_distances(flows, villages, places)[["geodesic_km", "bearing_deg"]].round(1)
                       geodesic_km  bearing_deg
    origin_id site_id
    v         s               86.6         89.7
    """
    context = context_of(layers)
    for name in metrics:
        metric_named(name, context)
    origins, sites = (
        places_of(context, frame, role) for frame, role in ((origins, "origin"), (sites, "site"))
    )
    table = as_flows(flows)
    i, j = origins.index.get_indexer(table["origin_id"]), sites.index.get_indexer(table["site_id"])
    found = measured(
        table, i, j, origins, sites, metrics, context,
        detour_range=detour_range, rough_share=rough_share,
    )  # fmt: skip
    return found.set_axis(pd.MultiIndex.from_frame(table[["origin_id", "site_id"]]), axis=0)


def measured(  # noqa: PLR0917
    table: pd.DataFrame,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str],
    context: Context,
    *,
    detour_range: tuple[float, float],
    rough_share: float,
) -> pd.DataFrame:
    """Measure rows of flows, whose ends are at known positions in origins and sites.

    Parameters
    ----------
    table
        As `as_flows` gives it, in any order.
    i, j
        Position of each row's origin and site, -1 where its id matches none.
    origins, sites
        As `as_places` gives them.
    metrics, context, detour_range, rough_share
        As of `pair_distances`.
    """
    chosen = [metric_named(name, context) for name in metrics]
    context = with_settlements(context, origins, sites)
    matched = (i >= 0) & (j >= 0)
    number, row = np.unique((i * len(sites) + j)[matched], return_inverse=True)
    pairs = np.stack(np.divmod(number, max(len(sites), 1)), axis=1)
    whys: list[Any] = [unmatched(table, i, j)]
    for metric in chosen:
        values = _evaluate(metric, origins, sites, pairs.astype(np.intp), context)
        spread = (
            values.iloc[row.ravel()].set_axis(table.index[matched], axis=0).reindex(table.index)
        )
        table = table.assign(**{c: spread[c] for c in spread.columns if c != "why"})
        whys.append(spread["why"].fillna(""))
    if {"road_km", "geodesic_km"} <= set(table):
        table["detour_ratio"] = table["road_km"] / table["geodesic_km"].where(
            table["geodesic_km"] > 0
        )
        table = table.assign(**_estimates(table, context))
    i, j = np.where(matched, i, -1), np.where(matched, j, -1)
    table["flags"] = _flags(
        table, origins, sites, i, j, detour_range=detour_range, rough_share=rough_share
    )
    table["why"] = pd.Series(join_rows(*whys), index=table.index, dtype="str")
    for column in ("households", "persons", "declared_km"):
        table[column] = pd.to_numeric(table[column], errors="coerce") if column in table else np.nan
    extra = [c for m in chosen for c in m.columns if c not in PAIR_COLUMNS]
    further = [*extra, *(c for c in ESTIMATES if c in table)]
    names = [c for c in PAIR_COLUMNS[:-2] if c in table] + further + ["flags", "why"]
    return table[names]


def _evaluate(
    metric: Metric,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    context: Context,
) -> pd.DataFrame:
    """Values of a metric for pairs; `why` names the missing columns with each reason."""
    lacking = metric.lacking(context)
    if lacking:
        values = pd.DataFrame(np.nan, index=range(len(pairs)), columns=list(metric.columns))
        values["why"] = no_layers(lacking)
    else:
        values = metric.pairs(origins, sites, pairs, context)
    missing = values[list(metric.columns)].isna().to_numpy()
    why = values["why"].to_numpy(dtype=object).copy()
    patterns = missing @ (1 << np.arange(missing.shape[1]))
    for pattern in np.unique(patterns):
        if pattern:
            rows = patterns == pattern
            names = np.array(metric.columns)[missing[np.argmax(rows)]].tolist()
            none = reason("not_computed")
            stated = {text: concerning(text or none, *names) for text in set(why[rows])}
            why[rows] = [stated[text] for text in why[rows]]
    return values.assign(why=pd.Series(why, index=values.index, dtype="str"))


def unmatched(table: pd.DataFrame, i: NDArray[np.intp], j: NDArray[np.intp]) -> pd.Series:
    """Say which id of a flow matches nothing."""
    sides = np.full((2, len(table)), "", dtype=object)
    for side, role, where in zip(sides, ("origin", "site"), (i, j), strict=True):
        lost = np.flatnonzero(where < 0)
        side[lost] = [_no_such(role, key) for key in table[f"{role}_id"].iloc[lost]]
    return pd.Series(join_rows(*sides), index=table.index, dtype="str")


def _no_such(role: str, key: str) -> str:
    end = word("end", role)
    return reason("no_such_id", role=end, id=key) if key else reason("no_id", role=end)


def _flags(
    table: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    *,
    detour_range: tuple[float, float],
    rough_share: float,
) -> pd.Series:
    """Codes of FLAGS for each row."""
    names = ("geodesic_km", "geodesic_low_km", "surface_km", "road_km", "detour_ratio")
    column = {c: numbers(table, c).to_numpy() for c in names}
    straight, low = column["geodesic_km"], column["geodesic_low_km"]
    least, most = _declared(table)
    slack = (np.r_[radius_m(origins), 0.0][i] + np.r_[radius_m(sites), 0.0][j]) / 1000
    drawn = np.zeros(len(table), dtype=bool)
    for frame, at in ((origins, i), (sites, j)):
        if "geometry_basis" in frame:
            drawn |= np.r_[frame["geometry_basis"].eq("illustrative").to_numpy(dtype=bool), False][
                at
            ]
    used = (
        says_yes(table["used_to_place"]).to_numpy()
        if "used_to_place" in table
        else np.zeros(len(table), bool)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        loosest = most / np.maximum(low, 1e-9), least / (straight + slack)
        floor, draped = straight * (1 - _ORDER_SLACK), column["surface_km"] * (1 - _ORDER_SLACK)
        found = {
            "declared_shorter_than_straight": most < low,
            "declared_detour_outside_range": (loosest[0] < detour_range[0])
            | (loosest[1] > detour_range[1]),
            "detour_outside_range": (column["detour_ratio"] < detour_range[0] * (1 - _ORDER_SLACK))
            | (column["detour_ratio"] > detour_range[1]),
            "published_longer_than_others": _flagged(table, "published_longer_than_others"),
            "order_violated": (column["surface_km"] < floor)
            | (column["road_km"] < np.fmax(floor, draped)),
            "position_rough": slack > rough_share * straight,
            "used_to_place": used,
            "illustrative_position": drawn,
        }
    every = np.array([found[code] for code in FLAGS])
    codes = np.full(len(table), "", dtype=object)
    for row in np.flatnonzero(every.any(axis=0)):
        codes[row] = ";".join(code for code, one in zip(FLAGS, every[:, row], strict=True) if one)
    return pd.Series(codes, index=table.index, dtype="str")


def _estimates(table: pd.DataFrame, context: Context) -> dict[str, NDArray[np.float64]]:
    """Kilometres by road where no road is known, from the study's own detours.

    They are the straight line times the median of the detours, and times their 5 and 95 per cent;
    none where fewer than `_DETOURS` are known.
    """
    detours = table["detour_ratio"].to_numpy(dtype=np.float64)
    if context.roads is not None and is_table(context.roads):
        rows = network_of(context).lengths
        if rows is not None:
            detours = (rows["km"] / rows["straight_km"].where(rows["straight_km"] > 0)).to_numpy()
    detours = detours[np.isfinite(detours) & (detours >= 1)]
    if detours.size < _DETOURS:
        return {}
    low, median, high = quantiles(detours[None], 0.9)[:, 0]
    straight = table["geodesic_km"].where(table["road_km"].isna()).to_numpy(dtype=np.float64)
    if np.isnan(straight).all():
        return {}
    return {
        "road_estimate_km": straight * median,
        "road_estimate_low_km": straight * low,
        "road_estimate_high_km": straight * high,
    }


def _flagged(table: pd.DataFrame, code: str) -> NDArray[np.bool_]:
    """Whether the metric by road has flagged a row."""
    if "road_flags" not in table:
        return np.zeros(len(table), dtype=bool)
    return table["road_flags"].eq(code).to_numpy(dtype=bool, na_value=False)


def flag_codes(flags: object) -> tuple[str, ...]:
    """Return the codes of a cell of the column `flags`.

    Parameters
    ----------
    flags
        Codes separated by semicolons; anything but text has none.

    Returns
    -------
    tuple of str
        The codes, in their order.

    Examples
    --------
    >>> flag_codes("position_rough;used_to_place"), flag_codes("")
    (('position_rough', 'used_to_place'), ())
    """
    return tuple(filter(None, flags.split(";"))) if isinstance(flags, str) else ()


def has_flag(pairs: pd.DataFrame, code: str) -> pd.Series:
    """Whether each pair has a flag; False where the table has no flags.

    Parameters
    ----------
    pairs
        Table of pairs, with a column `flags` or without.
    code
        A code of that column.

    Returns
    -------
    Series
        Bool, on the index of the pairs.

    Examples
    --------
    >>> has_flag(pd.DataFrame({"flags": ["a;b", "", None]}), "b").tolist()
    [True, False, False]
    """
    if "flags" not in pairs:
        return pd.Series(data=False, index=pairs.index)
    return pairs["flags"].map(lambda flags: code in flag_codes(flags)).astype(bool)


def _declared(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest distance that the source's words allow, km."""
    value = numbers(table, "declared_km").to_numpy()
    least, most = (
        np.where(np.isnan(value), np.nan, pick(value, numbers(table, f"declared_{end}_km")))
        for pick, end in ((np.fmin, "low"), (np.fmax, "high"))
    )
    if "declared_bound" in table:
        bound = table["declared_bound"].astype("str").str.strip().str.lower()
        least = np.where(bound.eq("at most") & ~np.isnan(least), 0.0, least)
        most = np.where(bound.eq("at least") & ~np.isnan(most), np.inf, most)
    return least, most
