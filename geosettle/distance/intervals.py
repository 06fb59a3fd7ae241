"""Intervals of every metric from drawn positions.

The draws of a place are the same for all its pairs and metrics.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.distance._inputs import as_flows, no_layers, position_unknown
from geosettle.distance._metrics import context_of, measures_of, metric_named, metrics_of, places_of
from geosettle.distance._protocol import Context, Metric, SampleFunction, positions
from geosettle.distance.geodesic import radius_m
from geosettle.distance.monte_carlo import DrawnPairs
from geosettle.distance.regions import regions_of
from geosettle.distance.sampling import (
    SEED,
    Samples,
    declared_units,
    draw_positions,
    generator,
    quantiles,
)
from geosettle.errors import InputError, UnknownNameError
from geosettle.geodesy import GEOD, inverse, shortest_m
from geosettle.reasons import decode, join, reason, render, rendered
from geosettle.settings import DEFAULTS, DistanceOptions, Spread, check

FloatArray = NDArray[np.float64]
_VALUES_AT_ONCE: Final = 4_000_000
_MOST_KEPT: Final = 1_500_000
_LEAST_KEPT: Final = 50
_ROUNDING: Final = 1e-4  # ends of intervals are not known better


@dataclass(frozen=True, eq=False)
class _End:
    """One side of the pairs: the places, where they are, and how far off they may be."""

    role: str
    frame: gpd.GeoDataFrame
    lon: FloatArray
    lat: FloatArray
    radius: FloatArray
    units: pd.Series
    regions: NDArray[np.object_]
    draws: int
    seed: int

    def drawn(self, i: int) -> tuple[FloatArray, FloatArray, str]:
        """Draws of place i, the same whenever asked."""
        key = str(self.frame.index[i])
        where = float(self.lon[i]), float(self.lat[i]), float(self.radius[i]), self.draws
        return draw_positions(
            *where, key=key, role=self.role, seed=self.seed, unit=self.units.get(key),
            region=self.regions[i],
        )  # fmt: skip


def sample_distances(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metric: str = "geodesic",
    *,
    boundaries: gpd.GeoDataFrame | None = None,
    aliases: Mapping[str, str] | None = None,
    units: Mapping[str, pd.Series] | None = None,
    spread: Spread | None = None,
    measured: pd.DataFrame | None = None,
    draws: int = DEFAULTS.distance.draws,
    seed: int = SEED,
    **layers: Any,
) -> Samples:
    """Draw the distance of every distinct pair of the flows.

    Parameters
    ----------
    flows, origins, sites
        As in `pair_distances`; the radii are in a column `uncertainty_km`. An area is moved as a
        whole: its nearest point to the other end is shifted by the offset drawn.
    metric
        A measure of a metric (``walk_back``, ``road_time`` ...).
    boundaries, aliases
        Administrative units by code with `name` and `level`, and further spellings of their names:
        a place that declares a unit is drawn within it.
    units
        Instead: ``{"origin": series, "site": series}``, polygons by id.
    spread
        How the costly metrics are drawn, and what varies besides the positions; see `Spread`.
    measured
        The table of `pair_distances`, where it is known: saves walking between the stated positions
        once more.
    draws, seed
        How many draws; the seed.
    **layers
        dem, landcover, roads, places, options, as the metric needs; see `Context`.

    Returns
    -------
    Samples
        Pairs in sorted order. Roads are drawn `Spread.line_draws` times, the first of all draws.

    Raises
    ------
    UnknownNameError
        The metric is no measure of METRICS.
    InputError
        Fewer than one draw, or positions that cannot be used.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(
    ...     {"uncertainty_km": [5.0]},
    ...     geometry=gpd.points_from_xy([76], [39]),
    ...     index=["v"],
    ...     crs=4326,
    ... )
    >>> sample_distances(
    ...     pd.DataFrame({"origin_id": ["v"], "site_id": ["v"]}), places, places, draws=8
    ... ).drawn.shape
    (1, 8)
    """
    if draws < 1:
        raise InputError("at least one draw is needed", value=draws)
    context = context_of(layers)
    measures = measures_of(context)
    if metric not in measures:
        mend = f"There are: {', '.join(measures)}."
        raise UnknownNameError("no way to draw this metric", value=metric, mend=mend)
    table = as_flows(flows)[["origin_id", "site_id"]].drop_duplicates(ignore_index=True)
    ends = _frames(context, origins, sites)
    region = _units(ends, boundaries, aliases, units)
    setting = _Setting(context, spread or Spread(), measured)
    family = measures[metric][0]
    found = _sampled(table, _ends(ends, region, context, draws, seed), family, setting)[metric]
    return dataclasses.replace(found, why=tuple(render(text) for text in found.why))


@dataclass(frozen=True, eq=False)
class _Setting:
    """What metrics are drawn with."""

    context: Context
    spread: Spread
    measured: pd.DataFrame | None


def _frames(context: Context, origins: Any, sites: Any) -> dict[str, gpd.GeoDataFrame]:
    """Origins and sites, checked, by role."""
    given = {"origin": origins, "site": sites}
    return {role: places_of(context, frame, role) for role, frame in given.items()}


def _units(
    frames: Mapping[str, gpd.GeoDataFrame],
    boundaries: gpd.GeoDataFrame | None,
    aliases: Mapping[str, str] | None,
    units: Mapping[str, pd.Series] | None,
) -> dict[str, pd.Series]:
    """Polygon of the declared unit of every place, by role."""
    given = dict(units or {})
    return {
        role: given[role] if role in given else declared_units(f, boundaries, aliases)
        for role, f in frames.items()
    }


def _ends(
    frames: Mapping[str, gpd.GeoDataFrame],
    units: Mapping[str, pd.Series],
    context: Context,
    draws: int,
    seed: int,
) -> list[_End]:
    return [
        _End(r, f, *positions(f), radius_m(f), units[r], regions_of(context, r, f), draws, seed)
        for r, f in frames.items()
    ]


def drawn_places(
    frame: gpd.GeoDataFrame,
    role: str,
    context: Context,
    *,
    draws: int,
    seed: int,
    boundaries: gpd.GeoDataFrame | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield longitudes and latitudes where each place may be, those that its distances have.

    One position where it is known exactly, none where it is not known.
    """
    frames = {role: frame}
    units = _units(frames, boundaries, aliases, None)
    end = _ends(frames, units, context, draws, seed)[0]
    for i in range(len(frame)):
        if not np.isfinite(end.lon[i]):
            yield end.lon[:0], end.lat[:0]
        elif end.radius[i] > 0 or end.regions[i] is not None:
            yield end.drawn(i)[:2]
        else:
            yield end.lon[i : i + 1], end.lat[i : i + 1]


def _sampled(
    table: pd.DataFrame, ends: Sequence[_End], metric: Metric, setting: _Setting
) -> dict[str, Samples]:
    """Draw every measure of a metric, for a table of distinct pairs."""
    context = setting.context
    index, draws = pd.MultiIndex.from_frame(table), ends[0].draws
    i, j = (e.frame.index.get_indexer(table[f"{e.role}_id"]) for e in ends)
    why = np.full(len(table), "", dtype=object)
    for k, at in enumerate(zip(i, j, strict=True)):
        unknown = [e.role for e, a in zip(ends, at, strict=True) if a < 0 or np.isnan(e.lon[a])]
        why[k] = position_unknown(unknown)
    lacking = metric.lacking(context)
    if lacking:
        why[why == ""] = no_layers(lacking)
    rows = np.flatnonzero(why == "")
    values = {name: np.full((len(table), draws), np.nan) for name in metric.measured}
    stated_values = {name: np.full(len(table), np.nan) for name in metric.measured}
    if rows.size:
        drawn, stated, notes = _drawn_ends(ends, i[rows], j[rows])
        if setting.measured is not None:
            hours = _known(setting.measured, index[rows], context)
        else:
            pairs = np.column_stack([i[rows], j[rows]]).astype(np.intp)
            hours = _measured(metric, ends, pairs, context)
        for name, (column, _) in metric.measured.items():
            if column in hours:
                stated_values[name][rows] = hours[column]
        job = DrawnPairs(
            i[rows],
            j[rows],
            drawn,
            stated,
            hours,
            (ends[0].frame, ends[1].frame),
            (ends[0].radius, ends[1].radius),
            context,
            setting.spread,
            _normal(ends[0].seed),
        )
        found, more = _sampler(metric, context)(job)
        for name in metric.measured:
            values[name] = np.full((len(table), found[name].shape[1]), np.nan)
            values[name][rows] = found[name]
        for note, noted, row in zip(notes, more, rows, strict=True):
            why[row] = join(*note, noted)
    most = setting.spread.missing_share
    return {
        name: Samples(
            index, values[name], name, unit, _without_few(values[name], why, most),
            stated_values[name],
        )
        for name, (_, unit) in metric.measured.items()
    }  # fmt: skip


def _without_few(
    values: FloatArray, why: NDArray[np.object_], missing_share: float
) -> tuple[str, ...]:
    """Empty the rows of which too many draws are missing, and give the reasons of all rows."""
    missing = np.isnan(values).mean(axis=1)
    lost = np.flatnonzero((missing > missing_share) & (missing > 0))
    reasons = why.copy()
    for row in lost:
        if missing[row] < 1 or any(found.code.startswith("draws_") for found in decode(why[row])):
            few = reason("no_interval_draws", percent=round(100 * missing_share))
            reasons[row] = join(why[row], few)
    values[lost] = np.nan
    return tuple(reasons)


def _sampler(metric: Metric, context: Context) -> SampleFunction:
    """Return the function that draws a metric.

    Raises
    ------
    UnknownNameError
        It has no such function.
    """
    if metric.sample is None:
        drawn = [m.name for m in metrics_of(context).values() if m.sample is not None]
        raise UnknownNameError(
            "no way to draw this metric", value=metric.name, mend=f"There are: {', '.join(drawn)}."
        )
    return metric.sample


def _known(measured: pd.DataFrame, pairs: pd.MultiIndex, context: Context) -> dict[str, FloatArray]:
    """Values at the stated positions by column, aligned with the pairs."""
    first = measured[~measured.index.duplicated()]
    columns = [c for _, c, _ in measures_of(context).values() if c in first]
    return {c: first[c].reindex(pairs).to_numpy(dtype=np.float64, na_value=np.nan) for c in columns}


def _measured(
    metric: Metric, ends: Sequence[_End], pairs: NDArray[np.intp], context: Context
) -> dict[str, FloatArray]:
    """Values at the stated positions by column."""
    found = metric.pairs(ends[0].frame, ends[1].frame, pairs, context)
    columns = [column for column, _ in metric.measured.values()]
    return {c: found[c].to_numpy(dtype=np.float64) for c in columns}


def _normal(seed: int) -> Callable[[str, int], FloatArray]:
    return lambda name, n: np.asarray(generator(seed, "normal", name).standard_normal(n))


def _drawn_ends(
    ends: Sequence[_End], i: NDArray[np.intp], j: NDArray[np.intp]
) -> tuple[
    tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    list[list[str]],
]:
    """Drawn and stated positions of both ends of every pair, and notes on the draws."""
    shapes = [np.asarray(e.frame.geometry.array, dtype=object) for e in ends]
    memory = [
        {int(a): e.drawn(int(a)) for a in np.unique(at)} for e, at in zip(ends, (i, j), strict=True)
    ]
    drawn = np.empty((4, i.size, ends[0].draws))
    stated = np.stack([ends[0].lon[i], ends[0].lat[i], ends[1].lon[j], ends[1].lat[j]])
    notes = []
    for row, at in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        here = [memory[k][at[k]] for k in (0, 1)]
        drawn[0, row], drawn[1, row], drawn[2, row], drawn[3, row] = (
            here[0][0],
            here[0][1],
            here[1][0],
            here[1][1],
        )
        shape = [shapes[k][at[k]] for k in (0, 1)]
        if any(shapely.get_type_id(s) != 0 for s in shape):
            drawn[:, row], stated[:, row] = _at_edges(
                shape, ends, at, drawn[:, row], stated[:, row]
            )
        notes.append([h[2] for h in here if h[2]])
    return (
        (drawn[0], drawn[1], drawn[2], drawn[3]),
        (stated[0], stated[1], stated[2], stated[3]),
        notes,
    )


def _at_edges(
    shapes: Sequence[Any],
    ends: Sequence[_End],
    at: tuple[int, int],
    drawn: FloatArray,
    stated: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Drawn and stated positions of a pair's ends.

    For areas these are the positions of their nearest points, moved along.
    """
    drawn, stated = drawn.copy(), stated.copy()
    _, *feet = shortest_m([shapes[0]], [shapes[1]])
    for side, (end, i, foot) in enumerate(zip(ends, at, feet, strict=True)):
        if shapely.get_type_id(shapes[side]) == 0:
            continue
        x, y = 2 * side, 2 * side + 1
        away, azimuth = inverse(end.lon[i], end.lat[i], drawn[x], drawn[y])
        n = np.ones(len(away))
        drawn[x], drawn[y], _ = GEOD.fwd(n * foot[0, 0], n * foot[0, 1], azimuth, away)
        stated[x], stated[y] = foot[0]
    return drawn, stated


@rendered
def distance_intervals(
    flows: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    metrics: Sequence[str] = ("geodesic",),
    *,
    level: float = DEFAULTS.distance.level,
    boundaries: gpd.GeoDataFrame | None = None,
    aliases: Mapping[str, str] | None = None,
    units: Mapping[str, pd.Series] | None = None,
    spread: Spread | None = None,
    measured: pd.DataFrame | None = None,
    draws: int = DEFAULTS.distance.draws,
    seed: int = SEED,
    kept: dict[str, pd.DataFrame] | None = None,
    **layers: Any,
) -> pd.DataFrame:
    """Interval of every pair and metric at a level, from drawn positions.

    Parameters
    ----------
    flows, origins, sites
        As in `sample_distances`.
    metrics
        Names in METRICS.
    level
        Share of the draws inside the interval, equal shares left out at both ends. Where the value
        at the stated positions is outside, the interval is widened to it, and `why` says so.
    boundaries, aliases, units, spread, measured, seed, **layers
        As in `sample_distances`.
    kept
        Takes, by measure, the first draws of every pair (rows by `origin_id, site_id`, a column
        each), as many as fit into a million and a half numbers, at least 50.
    draws
        How many; the ends of a 90 % interval from 2,000 draws lie within half a per cent of
        probability (one standard deviation, ``sqrt(0.05 * 0.95 / draws)``), from the 100 of roads
        within two.

    Returns
    -------
    DataFrame
        Long: `origin_id, site_id, metric, unit, low, median, high, level, draws, why`, sorted;
        `metric` is a measure: "walk" gives the rows `walk` (out), `walk_back` and
        `walk_round`, "road" gives `road` (km) and `road_time` (h), "travel" gives `travel` and
        `travel_back`. NaN with a reason in `why` where a position is unknown or too many draws
        cannot be evaluated.

    Raises
    ------
    InputError
        A level outside 0..1.
    UnknownNameError
        No such metric.

    Examples
    --------
    >>> one = gpd.GeoDataFrame(
    ...     {"uncertainty_km": [5]}, geometry=gpd.points_from_xy([76], [39]), index=["v"], crs=4326
    ... )
    >>> two = gpd.GeoDataFrame(geometry=gpd.points_from_xy([78], [39]), index=["s"], crs=4326)
    >>> table = distance_intervals(pd.DataFrame({"origin_id": ["v"], "site_id": ["s"]}), one, two)
    >>> bool(
    ...     173.2 - 5
    ...     < table["low"].iloc[0]
    ...     < table["median"].iloc[0]
    ...     < table["high"].iloc[0]
    ...     < 173.3 + 5
    ... )
    True
    """
    check(DistanceOptions, level=level, draws=draws, seed=seed)
    if draws < 1:
        raise InputError("at least one draw is needed", value=draws)
    context = context_of(layers)
    chosen = [metric_named(name, context) for name in metrics]
    for metric in chosen:
        _sampler(metric, context)
    keys = as_flows(flows)[["origin_id", "site_id"]].drop_duplicates(ignore_index=True)
    frame = _frames(context, origins, sites)
    ends = _ends(frame, _units(frame, boundaries, aliases, units), context, draws, seed)
    setting = _Setting(context, spread or Spread(), measured)
    frames: dict[str, list[pd.DataFrame]] = {}
    first: dict[str, list[pd.DataFrame]] = {}
    most = max(_LEAST_KEPT, _MOST_KEPT // max(1, len(keys)))
    for metric in chosen:
        for some in _chunks(keys, draws):
            found = _sampled(some, ends, metric, setting)
            for measure, samples in found.items():
                frames.setdefault(measure, []).append(_summary(samples, level))
                if kept is not None:
                    some_draws = pd.DataFrame(samples.drawn[:, :most].copy(), index=samples.pairs)
                    first.setdefault(measure, []).append(some_draws)
    if kept is not None:
        kept |= {measure: pd.concat(parts) for measure, parts in first.items()}
    if not frames:
        columns = [
            "origin_id",
            "site_id",
            "metric",
            "unit",
            "low",
            "median",
            "high",
            "level",
            "draws",
            "why",
        ]
        return pd.DataFrame(
            {c: pd.Series(dtype="float64" if c in columns[4:9] else "str") for c in columns}
        )
    parts = [
        pd.concat(f).sort_values(["origin_id", "site_id"], kind="stable") for f in frames.values()
    ]
    return pd.concat(parts, ignore_index=True)


def _chunks(keys: pd.DataFrame, draws: int) -> Iterator[pd.DataFrame]:
    """Pairs in groups whose draws fit in memory; those of a site together, as they share work."""
    step = max(1, _VALUES_AT_ONCE // max(1, draws))
    if len(keys) <= step:
        yield keys
        return
    by_site = keys.sort_values(["site_id", "origin_id"], kind="stable", ignore_index=True)
    for first in range(0, len(keys), step):
        yield by_site.iloc[first : first + step].reset_index(drop=True)


def _summary(samples: Samples, level: float) -> pd.DataFrame:
    table = samples.pairs.to_frame(index=False)
    table["metric"], table["unit"] = samples.metric, samples.unit
    low, median, high = quantiles(samples.drawn, level)
    why = np.array(samples.why, dtype=object)
    if samples.stated is not None:
        low, high = _holding(samples.stated, low, high, why)
    table["low"], table["median"], table["high"] = low, median, high
    table["level"], table["draws"] = level, samples.drawn.shape[1]
    return table.assign(why=pd.Series(why, dtype="str"))


def _holding(
    value: FloatArray, low: FloatArray, high: FloatArray, why: NDArray[np.object_]
) -> tuple[FloatArray, FloatArray]:
    """Intervals that hold the value at the stated position.

    Notes in `why` where one is widened for it.
    """
    with np.errstate(invalid="ignore"):
        outside = (value < low * (1 - _ROUNDING)) | (value > high * (1 + _ROUNDING))
    for row in np.flatnonzero(outside):
        why[row] = join(why[row], reason("interval_widened"))
    none = np.isnan(low)
    return np.where(none, low, np.fmin(low, value)), np.where(none, high, np.fmax(high, value))
