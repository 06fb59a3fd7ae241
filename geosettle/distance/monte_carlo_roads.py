"""Roads at drawn positions of both ends: places on a road are drawn along it."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from geosettle.distance._solver.cost_grid import FloatArray
from geosettle.distance.monte_carlo import Drawn, DrawnPairs, draw_reasons
from geosettle.distance.road_access import Feet, Legs, feet_on_lines, ways
from geosettle.distance.roads import RoadWays, road_ways
from geosettle.geodesy import GEOD, inverse

IntArray = NDArray[np.intp]


def sample_road(job: DrawnPairs) -> Drawn:
    """Kilometres and hours by road, for the first `Spread.line_draws` draws.

    Notes
    -----
    A place is where it is stated in relation to the road, give or take its radius:

    * farther from the road than its radius: each drawn position has its own foot on the road and
      its own leg;
    * nearer: the foot is that of the drawn position, so it moves along the roads around; the leg is
      the stated one, longer or shorter by its own length times the share of the radius by which the
      draw is moved from the road or towards it. A place on the road has no leg in any draw.

    Of a table of lengths the feet are its places; what a draw is moved towards the other end of the
    pair shortens the way, and in the other direction lengthens it, by the share that the place is
    on the road. Lengths and speeds vary as `Spread` says. Legs go at the pace of the stated leg.
    The graph stays the same: a draw is a place on an edge, not a node.
    """
    found = road_ways(*job.places, np.column_stack([job.origin, job.site]), job.context)
    m, some = len(job.origin), min(job.ends[0].shape[1], job.spread.line_draws)
    places = _drawn(job, found, some)
    if found.joined.network.schematic:
        out = _by_table(job, found, places, some)
    else:
        number = np.arange(places.count * some).reshape(places.count, some)
        ends = number[places.start].ravel(), number[places.end].ravel()
        feet, legs = _on_lines(found, places)
        out = ways(found.joined.network, feet, legs, ends).reshape(m, some, 5)
    km, hours, walked = out[:, :, 0], out[:, :, 1], out[:, :, 4]
    ride = (hours - walked) * job.factors("speed by road", job.spread.road_speed_share)[:some]
    walked = walked * job.factors("speed on foot", job.spread.walk_speed_share)[:some]
    values = {"road": km, "road_time": walked + ride}
    return values, draw_reasons({"draws_without_road": np.isnan(km)})


@dataclasses.dataclass(frozen=True, eq=False)
class _Places:
    """Distinct places of the pairs with their draws.

    Attributes
    ----------
    number
        Which of the joined places each is, shape (count,).
    start, end
        Place at the start and end of each pair, shape (m,).
    lon, lat
        Drawn positions, shape (count, some).
    east, north
        Metres by which they are off the stated one.
    radius
        Metres, shape (count,).
    """

    number: IntArray
    start: IntArray
    end: IntArray
    lon: FloatArray
    lat: FloatArray
    east: FloatArray
    north: FloatArray
    radius: FloatArray

    @property
    def count(self) -> int:
        """How many places."""
        return self.number.size


def _drawn(job: DrawnPairs, found: RoadWays, some: int) -> _Places:
    """Draws of every place that occurs in the pairs."""
    both = np.r_[found.start, found.end]
    number, first, of = np.unique(both, return_index=True, return_inverse=True)
    m = found.start.size
    east, north = np.empty((2, number.size, some))
    for row, at in enumerate(first):
        side, pair = divmod(int(at), m)
        lon, lat = (e[pair, :some] for e in job.side(side))
        home = [np.full(some, e[pair]) for e in job.stated[2 * side : 2 * side + 2]]
        away, azimuth = inverse(home[0], home[1], lon, lat)
        turn = np.radians(azimuth)
        east[row], north[row] = np.asarray(away) * np.sin(turn), np.asarray(away) * np.cos(turn)
    joined = found.joined
    home_lon, home_lat = (
        np.repeat(v[number][:, None], some, axis=1) for v in (joined.lon, joined.lat)
    )
    lon, lat, _ = GEOD.fwd(
        home_lon, home_lat, np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    )
    radius = np.r_[job.radius[0], job.radius[1]][number]
    return _Places(number, of[:m], of[m:], np.asarray(lon), np.asarray(lat), east, north, radius)


def _nearness(found: RoadWays, places: _Places) -> tuple[FloatArray, FloatArray]:
    """Metres from each place to its feet as stated, and the change of each leg by draw.

    The metres have shape (count, k). The change is a share of the length of the leg, shape (count,
    some, k).
    """
    feet = found.joined.feet.rows(places.number)
    straight = feet.straight
    lon, lat = (v[places.number][:, None] for v in (found.joined.lon, found.joined.lat))
    azimuth = np.radians(inverse(lon, lat, feet.lon, feet.lat)[1])
    moved = (
        places.east[:, :, None] * np.sin(azimuth)[:, None]
        + places.north[:, :, None] * np.cos(azimuth)[:, None]
    )
    radius = np.where(places.radius > 0, places.radius, 1.0)
    return straight, -moved / radius[:, None, None]


def _legs(found: RoadWays, places: _Places, metres: FloatArray) -> Legs:
    """Legs of every draw from their metres, at the pace of the stated leg.

    The metres have shape (count, some, k).
    """
    joined = found.joined
    straight = joined.feet.straight[places.number][:, None]
    longest = joined.rules.max_access_km * 1000
    share = np.where(straight > 0, metres / np.where(straight > 0, straight, 1.0), 0.0)
    share = np.where(metres <= longest, share, np.nan)
    km, leave, reach = (
        (share * v[places.number][:, None]).reshape(-1, v.shape[1])
        for v in (joined.km, joined.leave, joined.reach)
    )
    return km, leave, reach


def _on_lines(found: RoadWays, places: _Places) -> tuple[Feet, Legs]:
    """Feet and legs of every draw of every place, draws of a place one after the other."""
    some = places.lon.shape[1]
    straight, change = _nearness(found, places)
    piece = np.repeat(found.joined.feet.piece[places.number], some, axis=0)
    feet = feet_on_lines(found.joined.network, places.lon.ravel(), places.lat.ravel(), piece)
    real = feet.straight.reshape(places.count, some, -1)
    apart = straight > places.radius[:, None]
    metres = np.where(apart[:, None], real, straight[:, None] * (1 + change))
    return feet, _legs(found, places, metres)


def _by_table(job: DrawnPairs, found: RoadWays, places: _Places, some: int) -> FloatArray:
    """Ways of every draw over a table of lengths, shape (m, some, 5)."""
    joined, m = found.joined, found.start.size
    straight, change = _nearness(found, places)
    apart = straight > places.radius[:, None]
    lon, lat = (v[:, :, None] for v in (places.lon, places.lat))
    feet = joined.feet.rows(places.number)
    real = inverse(lon, lat, feet.lon[:, None], feet.lat[:, None])[0]
    metres = np.where(apart[:, None], real, straight[:, None] * (1 + change))
    legs = _legs(found, places, metres)
    number = np.arange(places.count * some).reshape(places.count, some)
    every = feet.rows(np.repeat(np.arange(places.count), some))
    rows = number[places.start].ravel(), number[places.end].ravel()
    out = ways(joined.network, every, legs, rows).reshape(m, some, 5)
    direct = (joined.node[found.start] >= 0) & (joined.node[found.end] >= 0)
    out[direct] = found.found[direct][:, None]
    # Along the road: towards the other end the way is shorter.
    shift = np.zeros((m, some))
    for at, here, there in (
        (places.start, found.start, found.end),
        (places.end, found.end, found.start),
    ):
        ends = joined.lon[here], joined.lat[here], joined.lon[there], joined.lat[there]
        turn = np.radians(inverse(*ends)[1])[:, None]
        toward = places.east[at] * np.sin(turn) + places.north[at] * np.cos(turn)
        nearest = np.nan_to_num(straight[at, 0], nan=np.inf)
        radius = np.where(places.radius[at] > 0, places.radius[at], 1.0)
        shift -= np.clip(1 - nearest / radius, 0, 1)[:, None] * toward / 1000
    walked_km = out[:, :, 2] + out[:, :, 3]
    ride_km, ride_h = out[:, :, 0] - walked_km, out[:, :, 1] - out[:, :, 4]
    changed = np.maximum(ride_km + shift, 0.0)
    if job.spread.road_length_share:
        names = [frame.index for frame in job.places]
        for row, (o, s) in enumerate(zip(names[0][job.origin], names[1][job.site], strict=True)):
            error = job.normal(f"length by road {o} {s}", some)
            changed[row] *= np.exp(job.spread.road_length_share * error)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(ride_km > 0, changed / ride_km, 1.0)
    out[:, :, 0] = walked_km + changed
    out[:, :, 1] = out[:, :, 4] + ride_h * ratio
    return out
