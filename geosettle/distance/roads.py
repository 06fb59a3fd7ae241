"""Road distance: the metric, its reasons, and what is wrong with the roads."""

from __future__ import annotations

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import text_array
from geosettle.distance._protocol import Context
from geosettle.distance.network import RoadNetwork, network_of, with_settlements
from geosettle.distance.noding import LOOSE_M
from geosettle.distance.road_access import JoinedPlaces, fastest, join_places
from geosettle.distance.road_cleaning import is_closed, left_out
from geosettle.geodesy import inverse
from geosettle.problems import Problem, problem
from geosettle.reasons import join, reason, rendered, word
from geosettle.settings import RoadRules

IntArray = NDArray[np.int64]
NO_ROADS: Final = reason("no_roads")
UNKNOWN: Final = reason("position_unknown")
COLUMNS: Final = ("road_km", "road_h", "road_access_km", "road_egress_km")


def road_problems(
    network: RoadNetwork, detour_range: tuple[float, float] = (0.0, np.inf)
) -> list[Problem]:
    """Rows of the road layer that were not used or are doubtful, as problems.

    So are places of a table of lengths that have no known position, and ends that were joined.

    Parameters
    ----------
    network
        The network.
    detour_range
        Least and greatest plausible ratio of a published length to the straight line.
    """
    aside = network.set_aside
    nowhere = [
        problem(
            "road_place_unknown",
            f"The roads lead to {place!r}, whose position is unknown: it cannot be left or reached "
            "on foot.",
            layer="roads",
            id=str(place),
        )
        for place in (network.name[np.isnan(network.lon)] if network.schematic else ())
        if place
    ]
    unused = [
        problem(
            code,
            f"Not used for routing: {why}.",
            layer="roads",
            row=int(row),
            id=str(road),
            value="" if np.isnan(value) else f"{value:g}",
        )
        for row, road, code, why, value in zip(*(aside[c].tolist() for c in aside), strict=True)
        if code != "road_not_for_vehicles"  # as one note
    ]
    return (
        nowhere + unused + _detours(network, detour_range) + _joined(network) + list(network.notes)
    )


def _detours(network: RoadNetwork, detour_range: tuple[float, float]) -> list[Problem]:
    """List published lengths that are used although their detour is not plausible."""
    if network.lengths is None:
        return []
    least, most = detour_range
    out = []
    for row in network.lengths.to_dict("records"):
        ratio = row["km"] / row["straight_km"] if row["straight_km"] > 0 else np.nan
        if least * 0.995 <= ratio <= most or np.isnan(ratio):
            continue
        a, b = network.name[row["tail"]], network.name[row["head"]]
        out.append(
            problem(
                "road_detour",
                f"{a} to {b}: {row['km']:g} km is {ratio:.2f} times the straight line of "
                f"{row['straight_km']:.1f} km; plausible is {least:g} to {most:g}.",
                layer="roads",
                row=int(row["row"]),
                id=str(row["id"]),
                value=f"{row['km']:g}",
            )
        )
    return out


def _joined(network: RoadNetwork) -> list[Problem]:
    """Report the ends that were joined to another road, and those that nearly were, as notes."""
    if network.edges is None:
        return []
    noded = network.edges.noded
    text = (
        f"{noded.loose} ends of roads were not joined though another road is within {LOOSE_M:g} m; "
        "the tolerance is smaller."
    )
    near = [problem("road_ends_near", text, layer="roads", value=f"{noded.loose}")]
    near = near if noded.loose else []
    if not noded.joint.any():
        return near
    gaps = noded.metres[noded.joint]
    kept = noded.metres[~noded.joint].sum() / 1000
    return [
        problem(
            "road_joined",
            f"{gaps.size} ends of roads were joined to the nearest road over gaps of up to "
            f"{gaps.max():.2g} m ({gaps.sum():.3g} m in all). The roads are "
            f"{noded.drawn_m / 1000:.3f} km "
            f"as drawn and {kept:.3f} km in the network.",
            layer="roads",
            value=f"{gaps.size}",
        ),
        *near,
    ]


class RoadWays:
    """Ways by road of pairs, with the places joined to the network.

    Attributes
    ----------
    joined
        Origins and then sites.
    start, end
        Number of the places of each pair.
    found
        Shape (m, 5), as `ways` gives it.
    over
        Feet and nodes that each leads over, as in `Fastest`.
    published
        Whether the table has the length of the very pair.
    longer
        Whether a way over other rows of the table is shorter than the published length of the pair.
    """

    def __init__(self, joined: JoinedPlaces, start: IntArray, end: IntArray) -> None:
        self.joined, self.start, self.end = joined, start, end
        legs = joined.km, joined.leave, joined.reach
        best = fastest(joined.network, joined.feet, legs, (start, end))
        self.found, self.over = best.found, best.over
        self.longer = np.zeros(start.size, dtype=bool)
        a, b = joined.node[start], joined.node[end]
        known = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
        # The published length of the very pair goes before any sum of other lengths.
        seconds, metres = joined.network.arc(a[known], b[known]).T
        has = np.isfinite(metres)
        rows, km = known[has], metres[has] / 1000
        self.published = np.zeros(start.size, dtype=bool)
        self.published[rows] = True
        self.longer[rows] = self.found[rows, 0] < 0.99 * km
        zero = np.zeros(rows.size)
        self.found[rows] = np.column_stack([km, seconds[has] / 3600, zero, zero, zero])


def road_ways(
    origins: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    pairs: NDArray[np.intp],
    context: Context,
    *,
    back: bool = False,
) -> RoadWays:
    """Fastest way by road of each pair, out or back; see `road_pairs`."""
    context = with_settlements(context, origins, sites)
    rules = RoadRules(**context.options.get("road", {}))
    network = network_of(context)
    frames = (origins, sites)
    both = gpd.GeoDataFrame(
        {"name": [n for f in frames for n in (f["name"] if "name" in f else [""] * len(f))]},
        index=[str(i) for f in frames for i in f.index],
        geometry=[g for f in frames for g in f.geometry],
        crs="EPSG:4326",
    )
    joined = join_places(network, both, context, rules)
    ends = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64) + len(origins)
    return RoadWays(joined, *(ends[::-1] if back else ends))


@rendered
def road_pairs(
    origins: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, pairs: NDArray[np.intp], context: Context
) -> pd.DataFrame:
    """Fastest way by road from each origin to its site, with the legs to and from the road.

    Parameters
    ----------
    origins, sites, pairs, context
        See `geosettle.distance._protocol.PairFunction`; `context.roads` lines or a table of
        lengths, `context.places` for the table; options of "road" are the fields of `RoadRules`.

    Returns
    -------
    DataFrame
        `road_km` and `road_h` of the whole way, legs included; `road_access_km`, `road_egress_km`,
        the legs; `road_flags`, codes of FLAGS; `why`.

    Notes
    -----
    Places stand for areas by a point inside them. Legs run straight on the map, draped on the
    elevation grid, at walking pace; a place on the road has none. Of a table of lengths only its
    places can be reached: the lines between them are drawn, not surveyed. An origin or site that
    the table names, by id or name, or that is where one of its places is, is that place; the
    published length of a pair goes before any sum of others.
    """
    rules = RoadRules(**context.options.get("road", {}))
    none = no_roads(context.roads, rules)
    if none:
        frame = pd.DataFrame({c: np.full(len(pairs), np.nan) for c in COLUMNS})
        return frame.assign(road_flags="", why=text_array([none] * len(pairs)))
    found = road_ways(origins, sites, pairs, context)
    flags = np.where(found.longer, "published_longer_than_others", "")
    table = pd.DataFrame(dict(zip(COLUMNS, found.found.T[:4], strict=True)))
    return table.assign(road_flags=flags, why=text_array(road_reasons(found)))


def no_roads(roads: pd.DataFrame | None, rules: RoadRules) -> str:
    """Say so where there are no roads, or rules close every one; nothing else is at fault then."""
    if roads is None:
        return NO_ROADS
    closed = is_closed(left_out(roads, rules))
    return reason("all_roads_closed") if closed.size and closed.all() else ""


def road_reasons(found: RoadWays, *, back: bool = False) -> NDArray[np.object_]:
    """Why each pair has no way; with `back` the ways start at the sites."""
    order = -1 if back else 1
    joined, out, pairs = found.joined, found.found, (found.start, found.end)
    network, rules = joined.network, joined.rules
    lon, straight, km = joined.lon, joined.feet.straight, joined.km
    node = np.where(np.isfinite(joined.feet.leave), joined.feet.node, -1).max(axis=2)
    why = np.full(out.shape[0], "", dtype=object)
    pieces: dict[int, dict[str, Any]] = {}
    usable = np.isfinite(km)
    for m in np.flatnonzero(np.isnan(out[:, 0])):
        ends = [int(side[m]) for side in pairs]
        if (np.isnan(lon[ends]) & (joined.node[ends] < 0)).any():
            why[m] = UNKNOWN
            continue
        reasons = []
        for role, i in zip(("origin", "site")[::order], ends, strict=True):
            if (
                network.schematic
                and not np.isfinite(network.lon[np.diff(network.graph.first) > 0]).any()
            ):
                reasons.append(_no_nodes(network))
            elif not np.isfinite(km[i]).any():
                nearest = int(np.nanargmin(straight[i])) if np.isfinite(straight[i]).any() else -1
                far: dict[str, Any] = {"km": rules.max_access_km, "role": word("end", role)}
                if nearest >= 0:
                    far["nearest"] = round(float(straight[i, nearest]) / 1000, 1)
                    called = network.name[node[i, nearest]]
                    far |= {"name": str(called)} if called else {}
                kind = "named" if "name" in far else "nearest" if nearest >= 0 else ""
                reasons.append(reason(f"no_road_within{kind and '_' + kind}", **far))
        if not reasons and _same_foot(joined, ends, usable):
            called = network.name[node[ends[0], 0]] if network.schematic else ""
            reasons = [reason("same_place_named", name=called) if called else reason("same_place")]
        if not reasons:
            reasons = [_unconnected(network, pieces, *(node[i][usable[i]] for i in ends[::order]))]
        why[m] = join(*reasons)
    return why


def _same_foot(joined: JoinedPlaces, ends: list[int], usable: NDArray[np.bool_]) -> bool:
    """Whether two places meet the network at one point."""
    (x, y), (u, v) = ((joined.feet.lon[i][usable[i]], joined.feet.lat[i][usable[i]]) for i in ends)
    apart = inverse(x[:, None], y[:, None], u, v)[0]
    return bool((apart < 0.01).any())


def _no_nodes(network: RoadNetwork) -> str:
    """Why a table of lengths gives no place to go to."""
    if not network.graph.head.size:
        return reason("no_road_lengths")
    names = ", ".join(sorted(str(n) for n in network.name)[:3])
    return reason("no_road_places", names=names)


def _unconnected(
    network: RoadNetwork, pieces: dict[int, dict[str, Any]], here: IntArray, there: IntArray
) -> str:
    """Why there is no way between two sets of nodes that can be reached.

    `pieces` keeps descriptions made before.
    """
    a, b = int(here[0]), int(there[0])
    if network.component[a] == network.component[b]:
        return reason("roads_one_way")
    for at in (a, b):
        label = int(network.component[at])
        pieces[label] = pieces.get(label) or network.describe(at)
    origin, site = (pieces[int(network.component[at])] for at in (a, b))
    return reason("roads_apart", origin=origin, site=site)
