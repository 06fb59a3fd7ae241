"""Indicators of what is within reach of sites and origins, from the places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers, radius_km
from geosettle.distance._protocol import positions
from geosettle.distance.nearest_road import all_season
from geosettle.errors import InputError
from geosettle.geodesy import edge_distance_m
from geosettle.reasons import join, join_rows, reason, word
from geosettle.remoteness import measures
from geosettle.remoteness._inputs import Inputs, named, stack
from geosettle.settings import ServiceOptions, points_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Near:
    """Distances from the points of one role to the places.

    The least and greatest that positions allow are given too.
    """

    role: str
    metric: str
    points: gpd.GeoDataFrame
    distance: FloatArray
    low: FloatArray
    high: FloatArray
    asked: NDArray[np.bool_]
    """Places whose distance was asked for; the others stay out of every count."""
    anchor: NDArray[np.bool_]
    """Places that the position was taken from: how far they are is not known, only how far at
    most.
    """
    straight: FloatArray
    """Straight-line distances to the same places."""
    unit: str
    """Of the distances: km or h."""

    @property
    def most(self) -> FloatArray:
        """Distances, of places that a position was taken from the greatest possible."""
        return np.where(self.anchor, self.high, self.distance)

    def frame(
        self,
        kind: str,
        values: Sequence[FloatArray],
        *,
        n: int,
        other: Any,
        unit: str = "",
        limit: tuple[str, str] = ("", ""),
        note: Any = "",
        no_interval: str = "",
    ) -> pd.DataFrame:
        """Rows of the long table.

        `other` (one text, or one a point) explains why a value is missing at a known place.
        """
        value, low, high = values
        why = np.where(
            np.isnan(value), other, np.where(np.isnan(low), no_interval or self._no_interval, "")
        )
        why = np.where(
            np.isnan(value) & self.points.geometry.isna().to_numpy(),
            reason("position_unknown"),
            why,
        )
        head = {
            "role": self.role,
            "id": self.points.index.to_numpy(),
            **named(kind, *limit),
            "metric": self.metric,
        }
        tail = {
            "value": value,
            "low": low,
            "high": high,
            "unit": unit or self.unit,
            "n": n,
            "of": n,
            "weighting": "",
            "why": join_rows(why, np.broadcast_to(note, why.shape)),
        }
        return pd.DataFrame({**head, **tail})

    @property
    def _no_interval(self) -> str:
        return reason("no_interval_to_places", metric=word("metric", self.metric))


def _tables(inputs: Inputs) -> list[_Near]:
    """One table per role and metric.

    Moving a point by its radius changes no geodesic distance by more than that.
    """
    out = []
    for (role, metric), table in inputs.nearby.items():
        points = inputs.points[role]
        if inputs.places is None:
            continue
        places = inputs.places.index
        every = table if isinstance(table, tuple) else (table,)
        distance, *ends = (
            t.reindex(index=points.index, columns=places).to_numpy(float) for t in every
        )
        straight = inputs.nearby[role, "geodesic"]
        geodesic = straight[0] if isinstance(straight, tuple) else straight
        geodesic_km = geodesic.reindex(index=points.index, columns=places).to_numpy(float)
        shift = radius_km(points)[:, None] + radius_km(inputs.places)[None, :]
        anchor = geodesic_km < _ANCHORED * shift
        if ends:
            low, high = ends
        elif metric == "geodesic":
            low, high = np.maximum(distance - shift, 0.0), distance + shift
            distance = measures.median_distance(distance, shift)
        else:
            low = high = np.full(distance.shape, np.nan)
        asked = np.asarray(places.isin(every[0].columns), bool)
        distance = np.where(anchor, np.nan, distance)
        unit = inputs.units.get(metric, "km")
        out.append(
            _Near(role, metric, points, distance, low, high, asked, anchor, geodesic_km, unit)
        )
    return out


_ANCHORED: Final = 0.01
"""A place nearer than this share of the radius is the one that the position was taken from."""


def _to_nearest(
    near: _Near, chosen: NDArray[np.bool_]
) -> tuple[list[FloatArray], NDArray[np.bool_], NDArray[np.bool_]]:
    """Distance to the nearest of the places chosen, the least it may be and the greatest.

    Where the nearest place is undecided is returned too, and where it is the one that the position
    was taken from, so that only a greatest distance is known.

    The nearest is no farther than the greatest distance to any of them, and no nearer than the
    least to any. A place whose own ends are not known could be the nearest, so it leaves the ends
    unknown; and a place without a known way that lies nearer in a straight line than the one found
    leaves the nearest itself undecided.
    """
    chosen = chosen & near.asked
    nothing = np.full(len(near.points), np.nan)
    if not chosen.any():
        none = np.zeros(len(near.points), bool)
        return [nothing, nothing, nothing], none, none
    distance, low, high, straight = (
        t[:, chosen] for t in (near.distance, near.low, near.high, near.straight)
    )
    reached = ~np.isnan(distance)
    bounded = reached | (near.anchor[:, chosen] & ~np.isnan(high))
    some = bounded.any(axis=1)
    at = np.where(bounded, np.where(reached, distance, straight), np.inf).argmin(axis=1)[:, None]
    beyond = np.take_along_axis(straight, at, axis=1)
    undecided = np.asarray(some & (~bounded & (straight < beyond)).any(axis=1), bool)
    unsure = ~some | undecided | (bounded & np.isnan(low)).any(axis=1)
    value = np.where(some & ~undecided, np.take_along_axis(distance, at, axis=1)[:, 0], np.nan)
    least, most = (np.where(np.isnan(end), np.inf, end).min(axis=1) for end in (low, high))
    ends = [value, np.where(unsure, np.nan, least), np.where(unsure, np.nan, most)]
    return ends, undecided, np.asarray(some & ~undecided & np.isnan(value), bool)


def nearest(inputs: Inputs) -> pd.DataFrame:
    """Distance to the nearest place of each kind, and of each group of kinds."""
    kinds = _kinds(inputs)
    wanted = {kind: (kind,) for kind in inputs.options["kinds"]} | dict(inputs.options["groups"])
    frames = []
    for near in _tables(inputs):
        for name, members in wanted.items():
            there = np.isin(kinds.astype(str), list(members))
            mine = there & near.asked
            named_kinds = [word("kind", str(kind)) for kind in members]
            lacking = "no_place_reached" if mine.any() else "no_place_in_study"
            if there.any() and not mine.any():
                continue  # the distance by this metric to such a place was not asked for
            ends, undecided, anchored = _to_nearest(near, mine)
            why = np.where(
                undecided,
                reason("undecided_place", kinds=named_kinds),
                reason(lacking, kinds=named_kinds),
            ).astype(object)
            for point in np.flatnonzero(anchored):
                km = float(f"{ends[2][point]:.4g}")
                why[point] = reason("placed_at_place", kinds=named_kinds, km=km)
            frames.append(
                near.frame("nearest", ends, n=int(mine.sum()), other=why, limit=(name, ""))
            )
    return stack(frames)


def _kinds(inputs: Inputs) -> NDArray[Any]:
    return np.asarray([] if inputs.places is None else inputs.places["kind"], dtype=object)


def within(inputs: Inputs) -> pd.DataFrame:
    """Count the places within each limit."""
    frames = []
    limits = {"h": inputs.options["minutes"], "km": inputs.options["reach_km"]}
    for near in _tables(inputs):
        nothing = np.asarray(np.isnan(near.most).all(axis=1), bool)
        left_out = int((~near.asked).sum())
        lost = (near.asked & np.isnan(near.most)).sum(axis=1)
        others = reason("places_not_asked", n=left_out) if left_out else ""
        notes = [
            join(reason("places_not_counted", n=int(k)) if 0 < k < near.asked.sum() else "", others)
            for k in lost
        ]
        # A place reached whose own ends are not known may be within the limit or not.
        unsure = (~np.isnan(near.most) & np.isnan(near.low)).any(axis=1)
        for limit in limits[near.unit]:
            edge, unit = (limit / 60, "min") if near.unit == "h" else (limit, "km")
            # The fewest places are those within the limit even from the worst position, hence high
            # before low.
            value, low, high = (_count(d, edge, nothing) for d in (near.most, near.high, near.low))
            low, high = (np.where(unsure, np.nan, end) for end in (low, high))
            frames.append(
                near.frame(
                    "places_within",
                    (value, low, high),
                    n=int(near.asked.sum()),
                    other=reason("no_place"),
                    unit="places",
                    limit=(f"{limit:g}", unit),
                    note=notes,
                )
            )
    return stack(frames)


def _count(distance: FloatArray, edge: float, nothing: NDArray[np.bool_]) -> FloatArray:
    blank = nothing | np.isnan(distance).all(axis=1)
    return np.where(blank, np.nan, (distance <= edge).sum(axis=1))


def drive_class(inputs: Inputs) -> pd.DataFrame:
    """Scottish Government classes: nearest settlement of 10,000 in 30 minutes, 30 to 60, over.

    The last class is over 60 minutes.
    """
    frames = []
    people = _population(inputs)
    for near in _tables(inputs):
        if near.unit != "h" or near.metric == "walk":
            continue  # the classes are of driving
        towns = people >= 10_000
        ends, undecided, anchored = _to_nearest(near, towns)
        value, low, high = (_by_minutes(hours) for hours in ends)
        other = np.where(undecided, reason("undecided_town"), reason("no_town_reached"))
        other = np.where(anchored, reason("placed_at_town"), other)
        frames.append(
            near.frame(
                "drive_class",
                (value, low, high),
                n=int((towns & near.asked).sum()),
                other=other,
                unit="class",
            )
        )
    return stack(frames)


def _by_minutes(hours: FloatArray) -> FloatArray:
    """Class 0 up to 30 minutes, 1 up to 60, 2 beyond; NaN where the time is not known."""
    return np.where(np.isnan(hours), np.nan, (hours > 0.5).astype(float) + (hours > 1.0))


def _population(inputs: Inputs) -> FloatArray:
    if inputs.places is None:
        return np.empty(0)
    people = numbers(inputs.places, "population").to_numpy()
    return np.where(people > 0, people, np.nan)


def aria(inputs: Inputs) -> pd.DataFrame:
    """Score in the way of ARIA over the ladder of centres."""
    frames = []
    kinds, cap = _kinds(inputs), float(inputs.options["aria_cap"])
    ladder = tuple(inputs.options["ladder"])
    present = tuple(kind for kind in ladder if (kinds == kind).any())
    absent = [word("kind", str(kind)) for kind in ladder if kind not in present]
    tables = _tables(inputs)
    serves = bool(inputs.options["higher_serves"])
    for metric in dict.fromkeys(t.metric for t in tables) if present else ():
        mine = [t for t in tables if t.metric == metric]
        ladders = [_ladder_distances(t, kinds, present, higher_serves=serves) for t in mine]
        # A place counts once in the mean, however many sites and origins are placed at it.
        where = np.nan_to_num(np.vstack([t.straight for t in mine]), nan=-1.0).round(6)
        once = np.sort(np.unique(where, axis=0, return_index=True)[1])
        means = measures.class_means(np.vstack([ends[0] for ends, _, _ in ladders])[once])
        for near, (ends, undecided, anchored) in zip(mine, ladders, strict=True):
            score = [measures.aria_score(end, means, cap=cap) for end in ends]
            other = np.where(undecided, reason("undecided_centre"), reason("no_centre_reached"))
            other = np.where(anchored, reason("placed_at_centre"), other)
            frames.append(
                near.frame(
                    "aria_style",
                    score,
                    n=len(present),
                    other=other,
                    unit="score",
                    note=reason("without_kinds", kinds=absent) if absent else "",
                )
            )
    return stack(frames)


def _ladder_distances(
    near: _Near, kinds: NDArray[Any], ladder: Sequence[str], *, higher_serves: bool
) -> tuple[list[FloatArray], NDArray[np.bool_], NDArray[np.bool_]]:
    """Distance to the nearest centre of each class, or of a higher one too.

    The classes run from high to low.
    """
    found = [
        _to_nearest(
            near, np.isin(kinds.astype(str), ladder[: k + 1] if higher_serves else ladder[k])
        )
        for k in range(len(ladder))
    ]
    ends = [np.stack([three[end] for three, _, _ in found], axis=1) for end in range(3)]
    undecided, anchored = (np.stack([f[k] for f in found]).any(axis=0) for k in (1, 2))
    return ends, np.asarray(undecided, bool), np.asarray(anchored, bool)


def gravity(inputs: Inputs) -> pd.DataFrame:
    """Rescaled logarithm of the centres' pull, in the form of Statistics Canada's index."""
    frames = []
    people, tables = _population(inputs), _tables(inputs)
    unknown = int(np.isnan(people).sum())
    for metric in dict.fromkeys(t.metric for t in tables):
        mine = [t for t in tables if t.metric == metric]
        reach, floor = (
            float(inputs.options[f"gravity_{k}_{mine[0].unit}"]) for k in ("reach", "floor")
        )
        # Below the least cost it makes no difference how near the centre is that a position was
        # taken from; above it the pull is not known.
        pull = [measures.gravity_access(t.most, people, reach=reach, floor=floor) for t in mine]
        blank = [(t.anchor & ~(t.high <= floor) & (people > 0)).any(axis=1) for t in mine]
        pull = [np.where(b, np.nan, p) for p, b in zip(pull, blank, strict=True)]
        score = measures.gravity_remoteness(np.concatenate(pull))
        for near, part in zip(
            mine, np.split(score, np.cumsum([len(p) for p in pull])[:-1]), strict=True
        ):
            # Rescaling makes every score depend on every other position: bounds for one alone would
            # mislead.
            missing = np.full(len(part), np.nan)
            frames.append(
                near.frame(
                    "gravity_remoteness",
                    (part, missing, missing),
                    n=int((people > 0).sum()),
                    other=reason("no_population_reached"),
                    unit="index",
                    note=reason("places_without_population", n=unknown) if unknown else "",
                    no_interval=reason("no_interval_rescaled"),
                )
            )
    return stack(frames)


def decay_by_table(weights: Mapping[Any, float]) -> Callable[[FloatArray], FloatArray] | None:
    """Weight of a place by its cost, straight between stated points and the last one beyond.

    Parameters
    ----------
    weights
        Cost (a number or its text) to weight from 0 to 1; empty: None.

    Raises
    ------
    InputError
        A cost or weight is out of range, there are fewer than two, or a weight rises with the cost.

    Examples
    --------
    >>> decay_by_table({"0": 1, "10": 0.5, "30": 0})(np.array([0, 5, 20, 99])).tolist()
    [1.0, 0.75, 0.25, 0.0]
    """
    if not weights:
        return None
    cost, weight = points_of(ServiceOptions, "catchment_decay_km", weights)
    if any(np.diff(weight) > 0):
        raise InputError("a decay gives a farther place more weight", value=dict(weights))
    return lambda c: np.asarray(np.interp(c, cost, weight))


def catchment(inputs: Inputs) -> pd.DataFrame:
    """Supply per head by the two-step floating catchment area.

    It is for the kinds of place that have a supply.
    """
    places = inputs.places
    if places is None or "supply" not in places:
        return stack([])
    kinds, supply = _kinds(inputs), numbers(places, "supply").to_numpy()
    frames = []
    for near in (t for t in _tables(inputs) if t.role == "site"):
        reach = float(inputs.options[f"catchment_reach_{near.unit}"])
        decay = decay_by_table(inputs.options[f"catchment_decay_{near.unit}"])
        column = str(inputs.options["demand"])
        demand = numbers(near.points, column).to_numpy()
        unknown = int(np.isnan(demand).sum())
        for kind in sorted(set(kinds[supply >= 0])):
            mine = (kinds == kind) & (supply >= 0) & near.asked
            if not mine.any():
                continue
            value = measures.two_step_catchment(
                near.most[:, mine], demand, supply[mine], reach=reach, decay=decay
            )
            lost = np.isnan(near.most[:, mine]).all(axis=1)
            value = np.where(lost, np.nan, value)
            other = np.where(
                np.isnan(demand),
                reason("site_column_unknown", column=column),
                reason("no_place_reached", kinds=[word("kind", str(kind))]),
            )
            missing = np.full(len(value), np.nan)
            frames.append(
                near.frame(
                    "catchment",
                    (value, missing, missing),
                    n=int(mine.sum()),
                    other=other,
                    unit="supply_per_head",
                    limit=(str(kind), ""),
                    note=reason("sites_without", n=unknown, column=column) if unknown else "",
                    no_interval=reason("no_interval_shared"),
                )
            )
    return stack(frames)


def rural_access(inputs: Inputs) -> pd.DataFrame:
    """Whether a road passes within the limit: 1, 0, or undecidable.

    It is undecidable where the position is too rough.
    """
    limit, roads = float(inputs.options["rural_access_km"]), inputs.options.get("roads")
    if roads is None:
        return stack([])
    lines, no_lines = _road_lines(roads)
    season = "season" in roads and bool(roads["season"].notna().any())
    note = "" if season else reason("all_season_unknown")
    frames = []
    for role, points in inputs.points.items():
        lon, lat = positions(points)
        if lines is None:
            km = np.full(len(points), np.nan)
        else:
            km = np.asarray(edge_distance_m(lon, lat, lines), float) / 1000
        radius = radius_km(points)
        value = measures.within_limit(km, km - radius, km + radius, limit)
        undecided = ~np.isnan(km) & np.isnan(value)
        low, high = np.where(undecided, 0.0, value), np.where(undecided, 1.0, value)
        near = _Near(
            role,
            "geodesic",
            points,
            km[:, None],
            km[:, None],
            km[:, None],
            np.ones(1, bool),
            np.zeros((len(km), 1), bool),
            km[:, None],
            "km",
        )
        frame = near.frame(
            "rural_access",
            (value, low, high),
            n=0 if lines is None else 1,
            other=no_lines or reason("undecidable"),
            unit="yes_no",
            note="" if lines is None else note,
        )
        undecided_why = [
            reason("undecidable_km", km=round(float(d), 1), radius=float(r))
            for d, r in zip(km[undecided], radius[undecided], strict=True)
        ]
        frame.loc[undecided, "why"] = undecided_why
        frames.append(frame)
    return stack(frames)


def _road_lines(roads: pd.DataFrame) -> tuple[Any, str]:
    """All-season lines as one geometry, or why there are none."""
    if not isinstance(roads, gpd.GeoDataFrame):
        return None, reason("roads_are_table")
    if "geometry_basis" in roads and (roads["geometry_basis"] == "schematic").any():
        return None, reason("roads_are_schematic")
    known = all_season(roads)
    if known.empty:
        return None, reason("no_all_season_road")
    return shapely.union_all(known.geometry.to_numpy()), ""
