"""Coarsen what could point at a few households before anything is computed or written.

Positions of small origins are moved within a donut (geographic masking; Hampton et al. 2010,
"Mapping health data: improved privacy protection with donut method geomasking", American Journal of
Epidemiology 172:1062-1069), small counts are suppressed, and what other layers say of a masked
origin is taken out. Because it changes the study and not the outputs, every output follows: tables,
map source, workbook.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.errors import InputError
from geosettle.geodesy import GEOD
from geosettle.levels import ladder
from geosettle.problems import CODES, Problem, problem
from geosettle.settings import Options
from geosettle.study import Study

_KEPT: Final = ("uncertainty_km", "land_ha", "scope", "geometry")
"""Columns of an origin that survive masking; names, notes and sources would undo it."""
_COUNTS: Final = ("households", "persons")
_MASKED_BY_CELL: Final = {
    *("sites", "origins", "flows", "indicators", "development", "survey"),
    *("boundaries", "oasis", "rivers"),
}
"""Layers masked in a way of their own, and those that say nothing of origins; every other loses the
rows that name a masked origin.
"""
_FLOW_KEPT: Final = ("origin_id", "site_id", "year", "scope", *_COUNTS)
"""Columns of a masked origin's flow that survive: a declared distance would place it on a circle
around the site.
"""


@dataclass(frozen=True)
class Masking:
    """How origins are masked.

    Parameters
    ----------
    households
        An origin that fewer households left, or an unknown number, is masked; and a masked position
        stays possible for every origin within a disc that this many households left.
    key
        Secret bytes. The same key moves an origin to the same place in every run, so that averaging
        many published positions gives nothing away; without the key the move cannot be undone.
        Radii are rounded up to a few steps (each twice the last), so that runs with many values of
        `households` give no more than that many positions, and no radius tells how far a neighbour
        lies.
    smallest_count
        Counts from 1 up to this one, exclusive, are suppressed.
    least_km, most_km
        Bounds of the outer radius of the donut, km. Where even the largest disc holds too few
        households the position is withheld.
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
            raise InputError(
                "masking needs at least two households",
                value=self.households,
                mend="Give --mask 20.",
            )
        if len(self.key) < 16:
            raise InputError(
                "the masking key is too short",
                value=f"{len(self.key)} bytes",
                mend="Give 16 bytes or more.",
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
        With masked origins renamed (``M-…``), moved or without position, their `uncertainty_km`
        enlarged by the outer radius (which therefore enters every interval), and one note per
        masked origin in `problems`. Names of sites stay: a site that bears the name of a masked
        origin tells it, and has to be renamed by the study's owner.
    """
    sites = suppress_small(study.sites, masking.smallest_count)
    indicators = _suppress_few_answers(study.indicators, masking.smallest_count)
    claims = _suppress_small_claims(study.claims, masking.smallest_count)
    if study.origins is None or study.flows is None:
        rounds = {
            date: suppress_small(frame, masking.smallest_count)
            for date, frame in study.rounds.items()
        }
        return study.replace(sites=sites, indicators=indicators, claims=claims, rounds=rounds)
    households = _households(study.origins.index, study.flows)
    small = study.origins.index[~(households >= masking.households).to_numpy()]
    radius = _radii_km(study.origins, households, masking).reindex(small)
    labels = {str(name): _label(str(name), masking.key) for name in small}
    flows = study.flows.copy()
    touched = flows["origin_id"].isin(small).to_numpy()
    for column in [c for c in flows.columns if c not in _FLOW_KEPT]:
        flows[column] = _hidden(flows[column], touched)
    for column in [c for c in _COUNTS if c in flows]:
        flows[column] = _coarse_counts(flows[column], touched, masking.smallest_count)
    flows["origin_id"] = flows["origin_id"].replace(labels)
    mentions = _Mentions(study.origins.loc[small])
    others = {
        role: mentions.rows_dropped(layer)
        for role, layer in {**study.layers, "claims": claims}.items()
        if role not in _MASKED_BY_CELL and (layer is None or isinstance(layer, pd.DataFrame))
    }
    units = study.boundaries
    levels = () if units is None or units.empty else ladder(units)
    return study.replace(
        origins=_masked_origins(study.origins, radius, labels, masking, levels),
        flows=_suppress_within_sites(flows, masking.smallest_count),
        sites=mentions.notes_emptied(sites),
        indicators=mentions.notes_emptied(indicators),
        development=mentions.notes_emptied(study.development),
        settings=mentions.texts_emptied(study.settings),
        rounds={
            date: mentions.notes_emptied(suppress_small(frame, masking.smallest_count))
            for date, frame in study.rounds.items()
        },
        regions={
            role: {key: area for key, area in areas.items() if key not in labels}
            for role, areas in study.regions.items()
        },
        inputs=mentions.texts_emptied(study.inputs),
        **others,
        problems=(*mentions.problems_in_general(study.problems), *_notes(radius, labels)),
    )


def suppress_small(frame: gpd.GeoDataFrame, smallest: int) -> gpd.GeoDataFrame:
    """Return a copy in which small household and person counts are missing.

    Small is from 1 up to `smallest`, exclusive.

    Examples
    --------
    >>> suppress_small(pd.DataFrame({"households": [3.0, 40.0, 0.0]}), 5)["households"].tolist()
    [nan, 40.0, 0.0]
    """
    out = frame.copy()
    for count in [c for c in _COUNTS if c in out.columns]:
        few = ((out[count] > 0) & (out[count] < smallest)).fillna(value=False).to_numpy(dtype=bool)
        for column in [
            c for c in out.columns if str(c).startswith(count)
        ]:  # also as printed, low and high
            out[column] = _hidden(out[column], few)
    return out


def _hidden(values: pd.Series, rows: NDArray[np.bool_]) -> pd.Series:
    """Return a column in which some rows are missing; truth values stay truth values."""
    return (values.astype("boolean") if values.dtype == bool else values).mask(rows)


def _coarse_counts(counts: pd.Series, rows: NDArray[np.bool_], step: int) -> pd.Series:
    """Round the counts of some rows to the nearest multiple of a step, those below it not.

    An exact number is as good as a name to whoever knows how many left a village.

    Examples
    --------
    >>> _coarse_counts(pd.Series([3.0, 37.0, 37.0]), np.array([True, True, False]), 5).tolist()
    [3.0, 35.0, 37.0]
    """
    rounded = (counts / step).round() * step
    return counts.mask(rows & (counts >= step).fillna(value=False).to_numpy(dtype=bool), rounded)


def _one_digit(values: pd.Series) -> pd.Series:
    """Round to one digit that is not zero.

    Examples
    --------
    >>> _one_digit(pd.Series([1234.0, 0.0, 0.0567, np.nan])).tolist()
    [1000.0, 0.0, 0.06, nan]
    """
    return values.map(lambda v: float(f"{v:.1g}"), na_action="ignore")


def _suppress_few_answers(indicators: pd.DataFrame | None, smallest: int) -> pd.DataFrame | None:
    """Empty the figures of an indicator that too few households answered, and their number.

    Too few is fewer than `smallest`.
    """
    if indicators is None or "n" not in indicators:
        return indicators
    out = indicators.copy()
    few = ((out["n"] > 0) & (out["n"] < smallest)).fillna(value=False).to_numpy(dtype=bool)
    for column in [c for c in out.columns if c == "n" or str(c).startswith(("before", "after"))]:
        out[column] = _hidden(out[column], few)
    return out


def _suppress_small_claims(claims: pd.DataFrame | None, smallest: int) -> pd.DataFrame | None:
    """Leave out claims of a few households or persons."""
    if claims is None or "value" not in claims:
        return claims
    value = numbers(claims, "value")
    text = (
        claims["quantity"].fillna("")
        + " "
        + (claims["unit"].fillna("") if "unit" in claims else "")
    )
    return claims[
        ~(
            text.str.contains("household|person|people|famil", case=False)
            & (value > 0)
            & (value < smallest)
        )
    ]


class _Mentions:
    """What other layers say of masked origins."""

    def __init__(self, masked: gpd.GeoDataFrame) -> None:
        names = [str(name) for name in masked.index]
        for column in ("name", "name_local"):
            if column in masked:
                names += [str(name) for name in masked[column].dropna() if len(str(name)) > 1]
        self._exact = {name.casefold() for name in names}
        # A name inside a longer text, but not inside a longer Latin word; Chinese puts no space
        # between words.
        words = "|".join(re.escape(name) for name in sorted(self._exact, key=len, reverse=True))
        self._inside = re.compile(rf"(?<![a-z0-9_])(?:{words})(?![a-z0-9_])" if words else r"(?!)")

    def _mentioned(self, texts: pd.Series, *, exact: bool = False) -> NDArray[np.bool_]:
        folded = texts.fillna("").astype(str).str.casefold()
        found = (
            folded.isin(self._exact)
            if exact
            else folded.map(lambda text: bool(self._inside.search(text)))
        )
        return np.asarray(found.to_numpy(), dtype=bool)

    def rows_dropped(self, frame: Any) -> Any:
        """Leave out the rows that have a masked origin for a subject, an end or a name."""
        if frame is None:
            return None
        mentioned = np.zeros(len(frame), dtype=bool)
        keys = pd.DataFrame(
            {
                str(level): frame.index.get_level_values(level)
                for level in frame.index.names
                if level
            }
        )
        for column in _texts(keys):
            mentioned |= self._mentioned(keys[column], exact=True)
        for column in _texts(frame):
            mentioned |= self._mentioned(frame[column])
        return frame[~mentioned]

    def notes_emptied(self, frame: Any) -> Any:
        """Empty the cells of notes, sources and the like that mention a masked origin."""
        if frame is None:
            return None
        out = frame.copy()
        for column in [
            c for c in _texts(out) if c not in {"name", "name_local", "site_id", "kind"}
        ]:
            out[column] = _hidden(out[column], self._mentioned(out[column]))
        return out

    def texts_emptied(self, value: Any) -> Any:
        """Empty the texts of settings and notes that mention a masked origin.

        What is named after one is left out.
        """
        if isinstance(value, Options):  # a value among choices names no place
            texts = {f.name: value[f.name] for f in fields(value) if not f.metadata.get("choices")}
            return replace(value, **{k: self.texts_emptied(v) for k, v in texts.items()})
        if isinstance(value, Mapping):
            return {
                k: self.texts_emptied(v)
                for k, v in value.items()
                if not self._inside.search(str(k).casefold())
            }
        if isinstance(value, list | tuple):
            return type(value)(self.texts_emptied(v) for v in value)
        return "" if isinstance(value, str) and self._inside.search(value.casefold()) else value

    def problems_in_general(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Report what was wrong without its place: a row, value or distance reveals the origin."""
        for found in problems:
            text = f"{found.message} {found.value} {found.id}".casefold()
            if found.layer in {"origins", "flows"} or self._inside.search(text):
                sentence = CODES[found.code].sentence
                yield replace(found, message=sentence, value="", id="", row=None, line=None,
                              distance_km=None, falls_in="", households=None)  # fmt: skip
            else:
                yield replace(found, distance_km=None, falls_in="", households=None)


def _texts(frame: pd.DataFrame) -> list[str]:
    return [
        str(c)
        for c in frame.columns
        if not isinstance(frame[c].dtype, gpd.array.GeometryDtype)
        and not pd.api.types.is_numeric_dtype(frame[c])
        and not pd.api.types.is_bool_dtype(frame[c])
    ]


def _households(origins: pd.Index, flows: pd.DataFrame) -> pd.Series:
    """Households that left each origin; NaN where a flow does not say."""
    if "households" not in flows.columns:
        return pd.Series(np.nan, index=origins)
    total = flows.groupby("origin_id")["households"].agg(lambda h: h.sum(skipna=False))
    return total.reindex(origins).astype(float)


def _radii_km(origins: gpd.GeoDataFrame, households: pd.Series, masking: Masking) -> pd.Series:
    """Smallest radius around each origin within which enough households left.

    It is inf where none within the bound does.
    """
    point = shapely.point_on_surface(np.asarray(origins.geometry.array, dtype=object))
    lon, lat = shapely.get_x(point), shapely.get_y(point)
    counts = households.fillna(0).to_numpy()
    radii = [_radius_km(lon, lat, counts, i, masking) for i in range(len(origins))]
    return pd.Series(radii, index=origins.index)


def _radius_km(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    counts: NDArray[np.float64],
    i: int,
    masking: Masking,
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
    reached = float(km[order][int(np.argmax(enough))])
    return next((step for step in _steps_km(masking) if reached <= step), np.inf)


def _steps_km(masking: Masking) -> list[float]:
    """Return the radii there are: each twice the last, the largest as it is set."""
    steps = [masking.least_km]
    while steps[-1] < masking.most_km:
        steps.append(min(2 * steps[-1], masking.most_km))
    return steps


def _masked_origins(
    origins: gpd.GeoDataFrame,
    radius: pd.Series,
    labels: dict[str, str],
    masking: Masking,
    levels: tuple[str, ...],
) -> gpd.GeoDataFrame:
    out = origins.copy()
    masked = out.index.isin(radius.index)
    kept = {*_KEPT, *levels}
    for column in [c for c in out.columns if c not in kept]:
        out[column] = out[column].mask(masked)
    if "name" in out.columns:
        out.loc[masked, "name"] = "masked origin"
    if "land_ha" in out.columns:
        out["land_ha"] = out["land_ha"].mask(masked, _one_digit(out["land_ha"].astype(float)))
    if "uncertainty_km" not in out.columns:
        out["uncertainty_km"] = np.nan
    geometry = np.asarray(out.geometry.array, dtype=object).copy()
    for name, km in radius.items():
        at = out.index.get_loc(name)
        geometry[at] = _displaced(geometry[at], str(name), float(km), masking)
        old = out["uncertainty_km"].iloc[at]
        out.loc[name, "uncertainty_km"] = (
            np.nan if not np.isfinite(km) else (0 if np.isnan(old) else old) + km
        )
    out = out.set_geometry(gpd.GeoSeries(geometry, index=out.index, crs=origins.crs))
    out.index = pd.Index([labels.get(str(name), name) for name in out.index], name=out.index.name)
    return out.sort_index()


def _displaced(
    geometry: shapely.Geometry | None, name: str, km: float, masking: Masking
) -> shapely.Point | None:
    """Return a point uniform by area in the donut, drawn from the key and the name.

    None where it must be withheld.
    """
    if geometry is None or not np.isfinite(km):
        return None
    point = shapely.point_on_surface(geometry)
    # Another radius, another move: two positions on one line from the true one, with their radii,
    # would tell it.
    digest = hmac.new(masking.key, f"donut:{km:g}:{name}".encode(), hashlib.sha256).digest()
    turn, reach = (int.from_bytes(digest[i : i + 8], "big") / 2**64 for i in (0, 8))
    inner = masking.inner_share**2
    distance_m = 1000 * km * float(np.sqrt(inner + reach * (1 - inner)))
    lon, lat, _ = GEOD.fwd(point.x, point.y, 360 * turn, distance_m)
    return shapely.Point(round(lon, 4), round(lat, 4))


def _label(name: str, key: bytes) -> str:
    """Return a stable name that says nothing: a village's id is often its official code."""
    return "M-" + hmac.new(key, f"label:{name}".encode(), hashlib.sha256).hexdigest()[:10]


def _suppress_within_sites(flows: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Suppress small counts, and the next smallest where only one of a site is suppressed.

    Otherwise the total of the site would reveal it.

    Households and persons of a flow are hidden together, since one tells the other.
    """
    out = flows.copy()
    counts = [c for c in _COUNTS if c in out.columns]
    hide = pd.Series(data=False, index=out.index)
    for column in counts:
        hide |= ((out[column] > 0) & (out[column] < smallest)).fillna(value=False).astype(bool)
    for _, rows in out[counts[:1]].groupby(out["site_id"]):
        shown = rows[~hide[rows.index]].dropna()
        if hide[rows.index].sum() == 1 and len(shown):
            hide[shown.sort_values(counts[0], kind="stable").index[0]] = True
    for column in [c for c in out.columns if str(c).startswith(_COUNTS)]:
        out[column] = _hidden(out[column], hide.to_numpy())
    return out


def _notes(radius: pd.Series, labels: dict[str, str]) -> Iterable[Problem]:
    for name, km in sorted(radius.items(), key=lambda item: labels[str(item[0])]):
        moved = np.isfinite(km)
        yield problem(
            "masked",
            layer="origins",
            id=labels[str(name)],
            message=f"The position is moved by up to {km:.1f} km."
            if moved
            else "The position is withheld.",
            mend="The move is part of every interval." if moved else "",
        )
