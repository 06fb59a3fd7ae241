"""What is at each site: road, height, slope and land cover, as far as the position allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.analysis._distances import interval_options
from geosettle.cells import numbers
from geosettle.distance import Context
from geosettle.distance.intervals import drawn_places
from geosettle.distance.nearest_road import nearest_road
from geosettle.distance.sampling import quantiles
from geosettle.raster import Raster
from geosettle.reasons import join_rows, reason
from geosettle.settings import RoadRules
from geosettle.study import Study

_SURE: Final = 0.95
_NAMES: Final = ("name", "ref")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Where the sites may be: longitude and latitude of every drawn position, and its site."""

    lon: FloatArray
    lat: FloatArray
    first: NDArray[np.intp]
    """Where the positions of each site begin, and where the last ones end."""
    index: pd.Index
    level: float

    def of(self, values: NDArray[np.generic], site: int) -> NDArray[np.generic]:
        return values[self.first[site] : self.first[site + 1]]

    @property
    def counts(self) -> NDArray[np.intp]:
        return np.diff(self.first)


def site_values(study: Study, context: Context, sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sites with columns of what is at each: of roads, elevation and land cover, those there are.

    Parameters
    ----------
    study, context
        The study, and the layers of its metrics.
    sites
        Sites by `site_id`, with `why`.

    Returns
    -------
    GeoDataFrame
        With roads as lines: `nearest_road_km`, its low and high end, `road_class`, `road_name`.
        With elevation: `elevation_m`, `slope_deg` and the ends of both. With land cover:
        `land_cover`, and `land_cover_shares` where a site may be on several classes. A position
        known to less than a cell gives a range of heights and slopes, and no value.
    """
    road, dem, cover = study.roads, study.dem, context.landcover
    if not len(sites) or (road is None and dem is None and cover is None):
        return sites
    drawn = _drawn(study, context, sites)
    out = pd.DataFrame(index=sites.index)
    notes = [_located(drawn)]
    if road is not None:
        rules = RoadRules(**context.options.get("road", {}))
        out = out.join(_road(road, drawn, rules))
    if dem is not None:
        for name, sampled in (("elevation_{}m", dem.sample), ("slope_{}deg", dem.slope)):
            out = out.join(_sampled(name, sampled, dem, drawn))
        notes += [_outside(out, drawn), _rough(out, sites)]
    if cover is not None:
        covered, open_ = _cover(cover, drawn)
        out = out.join(covered)
        notes.append(open_)
    out = out.dropna(axis=1, how="all")
    if out.empty:
        return sites
    return sites.join(out).assign(why=join_rows(sites["why"], *notes))


def nearest_roads(study: Study, context: Context, places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Kilometres from origins to the nearest road, as `nearest_road_km` of the sites is found."""
    if study.roads is None or not len(places):
        return pd.DataFrame(index=places.index)
    rules = RoadRules(**context.options.get("road", {}))
    return _road(study.roads, _drawn(study, context, places, "origin"), rules)


def _drawn(study: Study, context: Context, sites: gpd.GeoDataFrame, role: str = "site") -> _Drawn:
    options = interval_options(study)
    wanted = {name: options[name] for name in ("seed", "boundaries", "aliases")}
    # As many as are sent by road: each position asks every layer.
    draws = min(study.settings.distance.draws, study.settings.distance.line_draws)
    places = list(drawn_places(sites, role, context, draws=draws, **wanted))
    lon, lat = (np.concatenate([place[k] for place in places]) for k in (0, 1))
    first = np.cumsum([0, *(len(place[0]) for place in places)])
    return _Drawn(lon, lat, first, sites.index, options["level"])


def _located(drawn: _Drawn) -> list[str]:
    return ["" if n else reason("position_unknown") for n in drawn.counts]


def _outside(out: pd.DataFrame, drawn: _Drawn) -> list[str]:
    missing = out[["elevation_low_m", "slope_low_deg"]].isna().any(axis=1).to_numpy()
    return [reason("outside_elevation") if gone else "" for gone in missing & (drawn.counts > 0)]


def _rough(out: pd.DataFrame, sites: pd.DataFrame) -> list[str]:
    """Say how well a position is known where it gives a range of heights only."""
    some = (out["elevation_m"].isna() & out["elevation_low_m"].notna()).to_numpy()
    radius = numbers(sites, "uncertainty_km").to_numpy()
    return [
        reason("position_known_to", km=float(km)) if rough and km > 0 else ""
        for rough, km in zip(some, radius, strict=True)
    ]


def _ranges(values: FloatArray, drawn: _Drawn) -> FloatArray:
    """Low end, median and high end of the values of each site, shape (3, sites)."""
    found = np.full((3, len(drawn.counts)), np.nan)
    for site in np.flatnonzero(drawn.counts):
        own = drawn.of(values, int(site))
        found[:, site] = quantiles(own[None].astype(float), drawn.level)[:, 0]
    return found


def _road(roads: pd.DataFrame, drawn: _Drawn, rules: RoadRules) -> pd.DataFrame:
    """Kilometres to the nearest road; its class and name where nearly all positions have one."""
    metres, row = nearest_road(roads, drawn.lon, drawn.lat, rules)
    low, middle, high = _ranges(metres / 1000, drawn)
    one = drawn.counts > 1
    out = pd.DataFrame({"nearest_road_km": middle}, index=drawn.index)
    out["nearest_road_low_km"], out["nearest_road_high_km"] = (
        np.where(one, end, np.nan) for end in (low, high)
    )
    named = [name for name in _NAMES if name in roads]
    texts = {"road_class": ["class", "highway"], "road_name": named}
    for column, candidates in texts.items():
        found = pd.Series("", index=range(len(roads)))
        for name in candidates:
            if name in roads:
                own = roads[name].astype("string").fillna("").str.strip().to_numpy(str)
                found = found.where(found != "", pd.Series(own))
        known = np.where(row >= 0, found.to_numpy(str)[row], "")
        out[column] = [_most(drawn.of(known, site))[0] for site in range(len(drawn.index))]
    return out


def _most(texts: NDArray[np.generic]) -> tuple[str | None, dict[str, float]]:
    """Return the text of at least 95 % of the positions, and the shares of all, largest first."""
    known, counts = np.unique(texts, return_counts=True)
    if not counts.size:
        return None, {}
    order = np.argsort(-counts, kind="stable")
    shares = {str(known[k]): float(counts[k] / counts.sum()) for k in order}
    first = next(iter(shares))
    return (first or None) if shares[first] >= _SURE else None, shares


def _sampled(
    name: str, sample: Callable[[FloatArray, FloatArray], FloatArray], raster: Raster, drawn: _Drawn
) -> pd.DataFrame:
    """Return the value where all positions are in one cell, else the range of the values."""
    low, middle, high = _ranges(sample(drawn.lon, drawn.lat), drawn)
    row, column, _ = raster.index(drawn.lon, drawn.lat)
    one = np.array(
        [
            all(np.unique(drawn.of(part, site)).size <= 1 for part in (row, column))
            for site in range(len(drawn.index))
        ]
    )
    ends = {"": np.where(one, middle, np.nan), "low_": low, "high_": high}
    return pd.DataFrame(
        {name.format(end): values for end, values in ends.items()}, index=drawn.index
    )


def _cover(cover: Raster, drawn: _Drawn) -> tuple[pd.DataFrame, list[str]]:
    """Class of land cover at each site, or the shares of the classes that it may be on."""
    values = cover.sample(drawn.lon, drawn.lat)
    names = np.array([_class(cover, v) for v in values], dtype=str)
    first, shares, notes = [], [], []
    for site in range(len(drawn.index)):
        only, found = _most(drawn.of(names, site))
        outside = found.pop("", 0.0) > 1 - _SURE
        several = only is None and len(found) > 1 and not outside
        first.append(None if outside else only)
        texts = [f"{name} {share:.2f}" for name, share in found.items()]
        shares.append("; ".join(texts) if several else None)
        open_ = reason("land_cover_may_be", classes=list(found)) if several else ""
        notes.append(reason("outside_landcover") if outside else open_)
    columns = {"land_cover": first, "land_cover_shares": shares}
    return pd.DataFrame(columns, index=drawn.index, dtype="str"), notes


def _class(cover: Raster, value: float) -> str:
    if np.isnan(value):
        return ""
    return str(cover.classes.get(int(value), "")) or f"class {int(value)}"
