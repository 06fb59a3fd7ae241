"""Coarsen what could point at a few households before anything is computed or written.

Positions of small origins are moved within a donut (geographic masking; Hampton et al. 2010, "Mapping health data:
improved privacy protection with donut method geomasking", American Journal of Epidemiology 172:1062-1069), small counts
are suppressed. Because it changes the study and not the outputs, every output follows: tables, map source, workbook.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.quality import Problem
from geosettle.study import Study

__all__ = ["Masking", "mask_study", "suppress_small"]

_KEPT: Final = ("uncertainty_km", "land_ha", "county", "prefecture", "geometry")
"""Columns of an origin that survive masking; names, notes and sources would undo it."""
_COUNTS: Final = ("households", "persons")


@dataclass(frozen=True)
class Masking:
    """How origins are masked.

    Parameters
    ----------
    households
        An origin that fewer households left, or an unknown number, is masked; and a masked position stays possible for
        every origin within a disc that this many households left.
    key
        Secret bytes. The same key moves an origin to the same place in every run, so that averaging many published
        positions gives nothing away; without the key the move cannot be undone.
    smallest_count
        Counts from 1 up to this one, exclusive, are suppressed.
    least_km, most_km
        Bounds of the outer radius of the donut, km. Where even the largest disc holds too few households the position
        is withheld.
    inner_share
        Inner radius of the donut as a share of the outer one.
    """

    households: int
    key: bytes
    smallest_count: int = 5
    least_km: float = 2.0
    most_km: float = 30.0
    inner_share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse settings that would mask nothing."""
        if self.households < 2:
            raise InputError("masking needs at least two households", value=self.households, mend="Give --mask 20.")
        if len(self.key) < 16:
            raise InputError(
                "the masking key is too short", value=f"{len(self.key)} bytes", mend="Give 16 bytes or more."
            )


def mask_study(study: Study, masking: Masking) -> Study:
    """Return a study whose small origins are coarsened and whose small counts are suppressed.

    Parameters
    ----------
    study
        Any study; it is not changed.
    masking
        How.

    Returns
    -------
    Study
        With masked origins renamed (``M-…``), moved or without position, their `uncertainty_km` enlarged by the outer
        radius (which therefore enters every interval), and one note per masked origin in `problems`.
    """
    if study.origins is None or study.flows is None:
        return replace(study, sites=suppress_small(study.sites, masking.smallest_count))
    households = _households(study.origins.index, study.flows)
    small = study.origins.index[~(households >= masking.households).to_numpy()]
    radius = _radii_km(study.origins, households, masking).reindex(small)
    labels = {str(name): _label(str(name), masking.key) for name in small}
    flows = study.flows.copy()
    touched = flows["origin_id"].isin(small).to_numpy()
    # A declared distance would place the origin again on a circle around the site.
    for column in [c for c in flows.columns if c.startswith("declared")]:
        flows[column] = flows[column].mask(touched)
    for column in [c for c in flows.columns if c not in {"origin_id", "site_id", "year", *_COUNTS}]:
        if not column.startswith("declared") and not pd.api.types.is_numeric_dtype(flows[column]):
            flows[column] = flows[column].mask(touched)
    flows["origin_id"] = flows["origin_id"].replace(labels)
    return replace(
        study,
        origins=_masked_origins(study.origins, radius, labels, masking),
        flows=_suppress_within_sites(flows, masking.smallest_count),
        sites=suppress_small(study.sites, masking.smallest_count),
        problems=(*study.problems, *_notes(radius, labels)),
    )


def suppress_small(frame: gpd.GeoDataFrame, smallest: int) -> gpd.GeoDataFrame:
    """Return a copy in which household and person counts from 1 up to `smallest`, exclusive, are missing.

    Examples
    --------
    >>> suppress_small(pd.DataFrame({"households": [3.0, 40.0, 0.0]}), 5)["households"].tolist()
    [nan, 40.0, 0.0]
    """
    out = frame.copy()
    for column in [c for c in _COUNTS if c in out.columns]:
        out[column] = out[column].mask((out[column] > 0) & (out[column] < smallest))
    return out


def _households(origins: pd.Index, flows: pd.DataFrame) -> pd.Series:
    """Households that left each origin; NaN where a flow does not say."""
    if "households" not in flows.columns:
        return pd.Series(np.nan, index=origins)
    total = flows.groupby("origin_id")["households"].agg(lambda h: h.sum(skipna=False))
    return total.reindex(origins).astype(float)


def _radii_km(origins: gpd.GeoDataFrame, households: pd.Series, masking: Masking) -> pd.Series:
    """Smallest radius around each origin within which enough households left; inf where none within the bound does."""
    point = shapely.point_on_surface(np.asarray(origins.geometry.array, dtype=object))
    lon, lat = shapely.get_x(point), shapely.get_y(point)
    counts = households.fillna(0).to_numpy()
    radii = [_radius_km(lon, lat, counts, i, masking) for i in range(len(origins))]
    return pd.Series(radii, index=origins.index)


def _radius_km(
    lon: NDArray[np.float64], lat: NDArray[np.float64], counts: NDArray[np.float64], i: int, masking: Masking
) -> float:
    if np.isnan(lon[i]):
        return np.nan
    known = ~np.isnan(lon)
    ones = np.ones(int(known.sum()))
    km = np.asarray(GEOD.inv(ones * lon[i], ones * lat[i], lon[known], lat[known])[2]) / 1000
    order = np.argsort(km, kind="stable")
    enough = np.cumsum(counts[known][order]) >= masking.households
    if not enough.any():
        return np.inf
    reached = max(float(km[order][int(np.argmax(enough))]), masking.least_km)
    return reached if reached <= masking.most_km else np.inf


def _masked_origins(
    origins: gpd.GeoDataFrame, radius: pd.Series, labels: dict[str, str], masking: Masking
) -> gpd.GeoDataFrame:
    out = origins.copy()
    masked = out.index.isin(radius.index)
    for column in [c for c in out.columns if c not in _KEPT]:
        out[column] = out[column].mask(masked)
    if "name" in out.columns:
        out.loc[masked, "name"] = "masked origin"
    if "uncertainty_km" not in out.columns:
        out["uncertainty_km"] = np.nan
    geometry = np.asarray(out.geometry.array, dtype=object).copy()
    for name, km in radius.items():
        at = out.index.get_loc(name)
        geometry[at] = _displaced(geometry[at], str(name), float(km), masking)
        old = out["uncertainty_km"].iloc[at]
        out.loc[name, "uncertainty_km"] = np.nan if not np.isfinite(km) else (0 if np.isnan(old) else old) + km
    out = out.set_geometry(gpd.GeoSeries(geometry, index=out.index, crs=origins.crs))
    out.index = pd.Index([labels.get(str(name), name) for name in out.index], name=out.index.name)
    return out.sort_index()


def _displaced(geometry: shapely.Geometry | None, name: str, km: float, masking: Masking) -> shapely.Point | None:
    """Return a point uniform by area in the donut, drawn from the key and the name; None where it must be withheld."""
    if geometry is None or not np.isfinite(km):
        return None
    point = shapely.point_on_surface(geometry)
    digest = hmac.new(masking.key, f"donut:{name}".encode(), hashlib.sha256).digest()
    turn, reach = (int.from_bytes(digest[i : i + 8], "big") / 2**64 for i in (0, 8))
    inner = masking.inner_share**2
    distance_m = 1000 * km * float(np.sqrt(inner + reach * (1 - inner)))
    lon, lat, _ = GEOD.fwd(point.x, point.y, 360 * turn, distance_m)
    return shapely.Point(round(lon, 4), round(lat, 4))


def _label(name: str, key: bytes) -> str:
    """Return a stable name that says nothing: a village's id is often its official code."""
    return "M-" + hmac.new(key, f"label:{name}".encode(), hashlib.sha256).hexdigest()[:10]


def _suppress_within_sites(flows: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Suppress small counts, and where only one of a site is suppressed the next smallest too: totals give it away.

    Households and persons of a flow are hidden together, since one tells the other.
    """
    out = flows.copy()
    counts = [c for c in _COUNTS if c in out.columns]
    hide = pd.Series(data=False, index=out.index)
    for column in counts:
        hide |= (out[column] > 0) & (out[column] < smallest)
    for _, rows in out[counts[:1]].groupby(out["site_id"]):
        shown = rows[~hide[rows.index]].dropna()
        if hide[rows.index].sum() == 1 and len(shown):
            hide[shown.sort_values(counts[0], kind="stable").index[0]] = True
    for column in counts:
        out[column] = out[column].mask(hide)
    return out


def _notes(radius: pd.Series, labels: dict[str, str]) -> Iterable[Problem]:
    for name, km in sorted(radius.items(), key=lambda item: labels[str(item[0])]):
        moved = np.isfinite(km)
        yield Problem(
            code="masked",
            severity="note",
            layer="origins",
            id=labels[str(name)],
            message=f"The position is moved by up to {km:.1f} km." if moved else "The position is withheld.",
            mend="The move is part of every interval." if moved else "",
        )
