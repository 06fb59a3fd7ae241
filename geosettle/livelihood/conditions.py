"""Development models, constraints and recommendations as conditions that the layers can or cannot
answer.

A condition is data: which measure, of what, against which threshold. There is no score: each
condition keeps its own value, interval, evidence and verdict, and a model only counts them. What no
layer says is `unknown`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.distance import METRICS, distance_matrix
from geosettle.errors import InputError, UnknownNameError
from geosettle.livelihood import standards
from geosettle.livelihood._account import Layers, Measured, account, number, row, show, verdict

__all__ = ["MEASURES", "conditions", "development_models"]


Measure = Callable[[Layers, str, Mapping[str, Any]], Measured]


def _found(layers: Layers, subject: str, indicator: str, metric: str) -> Mapping[str, Any] | None:
    """Give one row of the remoteness table, if it has a value."""
    return layers.site_indicators.get((subject, indicator, metric))


def _nearest(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Distance to the nearest place of any of the kinds; `metric` default geodesic."""
    metric = str(condition.get("metric", "geodesic"))
    rows = [_found(layers, subject, f"nearest_{kind}", metric) for kind in condition["kinds"]]
    known = [r for r in rows if r is not None]
    if not known:
        if subject in layers.sites.index and pd.isna(layers.sites.geometry.loc[subject]):
            return Measured(why="position unknown")
        return Measured(why=f"no place of kind {' or '.join(condition['kinds'])} in the study")
    # np.min: one end that is not known leaves the end of the nearest unknown.
    value, low, high = (
        float(np.min([number(r[c]) for r in known])) for c in ("value", "low", "high")
    )
    n = sum(number(r["n"]) for r in known)
    return Measured(
        value,
        low,
        high,
        str(known[0]["unit"]),
        n,
        "measured",
        "straight line" * (metric == "geodesic"),
    )


def _land(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Mean distance to the land left, by households where they are known, else over the flows."""
    metric = str(condition.get("metric", "geodesic"))
    for indicator, words in (
        ("land_mean", "weighted by households"),
        ("land_mean_unweighted", "mean over the flows"),
    ):
        r = _found(layers, subject, indicator, metric)
        if r is not None:
            value, low, high, n = (number(r[c]) for c in ("value", "low", "high", "n"))
            return Measured(
                value, low, high, str(r["unit"]), n, "measured", f"{metric} distance, {words}"
            )
    return Measured(why=f"no flow to this site has a {metric} distance")


def _origin_land(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Land held at the origins of a site; an origin that sends to several sites is shared out by
    households.
    """
    if layers.flows is None or layers.origins is None or "land_ha" not in layers.origins:
        return Measured(why="the origins have no land_ha")
    mine = layers.moves[layers.moves["site_id"] == subject]
    if mine.empty:
        return Measured(why="no flow leads to this site")
    total = 0.0
    for flow in mine.itertuples():
        land = number(layers.origins["land_ha"].get(flow.origin_id))
        leaving, households = layers.sent[str(flow.origin_id)]
        share = 1.0 if leaving == 1 else number(flow.households) / (households or np.nan)
        total += land * share
    if np.isnan(total):
        return Measured(
            why="land_ha, or the households that share it, unknown for one or more origins"
        )
    return _each(layers, subject, total, condition, f"{show(total)} ha held at {len(mine)} origins")


def _column(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Take a declared column of the sites, per household where `per_household` is set."""
    column = str(condition["column"])
    if subject not in layers.sites.index or column not in layers.sites:
        return Measured(why=f"the sites layer has no column {column}")
    value = number(layers.sites[column].loc[subject])
    if np.isnan(value):
        return Measured(why=f"the sites layer has no {column} for this site")
    return _each(layers, subject, value, condition, f"declared {column} {show(value)}")


def _each(
    layers: Layers, subject: str, total: float, condition: Mapping[str, Any], words: str
) -> Measured:
    unit = str(condition.get("unit", ""))
    if not condition.get("per_household"):
        return Measured(total, unit=unit, evidence="declared", why=words)
    households = (
        number(layers.sites["households"].loc[subject]) if "households" in layers.sites else np.nan
    )
    if not households > 0:
        return Measured(unit=unit, why=f"{words}, but the households are unknown")
    return Measured(total / households, unit=unit, n=households, evidence="declared", why=words)


def _development(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Add up the area declared for the site; parcels drawn for illustration measure nothing."""
    if layers.development is None or "site_id" not in layers.development:
        return Measured(why="the study has no development layer")
    column = str(condition.get("column", "declared_ha"))
    rows = layers.development[layers.development["site_id"].astype(str) == subject]
    if condition.get("kinds"):
        rows = rows[rows["kind"].isin(list(condition["kinds"]))]
    known = (
        pd.to_numeric(rows[column], errors="coerce").dropna()
        if column in rows
        else pd.Series(dtype=float)
    )
    if known.empty:
        return Measured(why="no parcel of this site declares it")
    words = f"declared {show(float(known.sum()))} ha on {len(known)} parcels"
    if "geometry_basis" in rows and (rows["geometry_basis"] == "illustrative").any():
        words += ", drawn for illustration only"
    return _each(layers, subject, float(known.sum()), condition, words)


def _indicator(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Take an indicator of the survey of this site or group: after the move, with the value before
    beside it.
    """
    if layers.indicators is None:
        return Measured(why="the study has no indicators")
    rows = layers.indicators[
        (layers.indicators["site_id"] == subject)
        & (layers.indicators["indicator"] == condition["indicator"])
    ]
    if rows.empty:
        return Measured(why="no survey of this site or group holds it")
    r = rows.iloc[0]
    before, after = number(r.get("before")), number(r.get("after"))
    if np.isnan(after):
        return Measured(before=before, unit=str(r.get("unit", "")), why="no figure is printed")
    evidence = "surveyed" if r.get("evidence") == "surveyed" else "declared"
    return Measured(
        after, unit=str(r.get("unit", "")), n=number(r.get("n")), evidence=evidence, before=before
    )


def _people_per_centre(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """People of all sites within reach of the job centres within reach of this site, over the
    number of centres.

    The interval comes from the number of centres within reach when the site is moved by its radius;
    the people are held fixed.
    """
    if layers.places is None:
        return Measured(why="the study has no places")
    reach = float(condition["reach_km"])
    centres = layers.places[layers.places["kind"].isin(list(condition["kinds"]))]
    if centres.empty:
        return Measured(why=f"no place of kind {' or '.join(condition['kinds'])} in the study")
    if subject not in layers.sites.index or pd.isna(layers.sites.geometry.loc[subject]):
        return Measured(why="position unknown")
    table = distance_matrix(layers.sites, centres)
    radius = (
        layers.sites.get("uncertainty_km", pd.Series(0.0, layers.sites.index))
        .astype(float)
        .fillna(0.0)
    )
    people = layers.sites.get("persons", pd.Series(np.nan, layers.sites.index)).astype(float)
    near = table.columns[(table.loc[subject] <= reach).to_numpy()]
    shift = float(radius.loc[subject])
    counts = [int((table.loc[subject].to_numpy() <= reach + d).sum()) for d in (-shift, shift)]
    if not len(near):
        span = (
            f"; up to {counts[1]} if the site lies elsewhere within its {show(shift)} km"
            if counts[1]
            else ""
        )
        return Measured(
            n=0, unit="persons per centre", why=f"no job centre within {show(reach)} km{span}"
        )
    users = (table[near] <= reach).any(axis=1)
    known = people[users].dropna()
    if known.empty:
        return Measured(
            n=len(near),
            unit="persons per centre",
            why="no site within reach of these centres has persons",
        )
    left_out = int(users.sum()) - len(known)
    note = f"{len(near)} centres within {show(reach)} km, shared by {len(known)} sites with known persons"
    note += f"; {left_out} sites without persons left out" * bool(left_out)
    total = float(known.sum())
    low = total / counts[1] if counts[1] else np.nan
    high = total / counts[0] if counts[0] else np.inf
    note += (
        ""
        if counts[0]
        else f"; none within reach if the site lies elsewhere within its {show(shift)} km"
    )
    return Measured(total / len(near), low, high, "persons per centre", len(near), "measured", note)


def _training(layers: Layers, subject: str, condition: Mapping[str, Any]) -> Measured:
    """Households that took up a new kind of farming: change of the shares named, times the
    households of the site.
    """
    found = [_indicator(layers, subject, {"indicator": name}) for name in condition["indicators"]]
    rises = [(m.value - m.before, m) for m in found if not np.isnan(m.value - m.before)]
    if not rises:
        return Measured(
            why="no survey of this site or group holds the share of households before and after"
        )
    rise, most = max(rises, key=lambda pair: pair[0])
    note = f"largest rise among {len(rises)} kinds of farming; households that took up two count once at least"
    return Measured(
        rise, unit="percentage points of households", n=most.n, evidence=most.evidence, why=note
    )


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "nearest": _nearest,
        "land": _land,
        "origin_land": _origin_land,
        "column": _column,
        "development": _development,
        "indicator": _indicator,
        "people_per_centre": _people_per_centre,
        "training": _training,
        "area_per_person": standards.area_per_person,
        "slope": standards.slope,
        "water": standards.water,
        "border": standards.border,
    }
)
"""Every measure that a condition may name. A new one is one entry."""


_OF_GROUPS: Final = ("indicator", "training")


_NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "nearest": ("kinds",),
        "column": ("column",),
        "indicator": ("indicator",),
        "people_per_centre": ("kinds", "reach_km"),
        "training": ("indicators",),
    }
)
"""Keys that a condition must give beside `item` and `measure`."""


def _check(section: str, condition: Any) -> None:
    """Refuse a condition that cannot be measured, naming what it lacks."""
    if not isinstance(condition, Mapping):
        raise InputError(f"a {section} is a table with item and measure", value=condition)
    item = str(condition.get("item", condition.get("measure", "")))
    name = str(condition.get("measure", ""))
    lacking = [k for k in ("item", "measure", *_NEEDS.get(name, ())) if k not in condition]
    if lacking:
        raise InputError(
            f"the {section} {item!r} lacks {' and '.join(lacking)}",
            file="study.toml",
            mend="Add it.",
        )
    if name not in MEASURES:
        raise UnknownNameError(f"no measure {name!r}", mend=f"Use one of {', '.join(MEASURES)}.")
    for key in ("at_most", "at_least", "reach_km"):
        value = condition.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(
                f"{key} of the {section} {item!r} must be a number", file="study.toml", value=value
            )


_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "people_per_centre": "persons per centre",
        "training": "percentage points of households",
        "area_per_person": "m2 per person",
        "slope": "percent",
        "water": "km",
        "border": "km",
    }
)
"""Units of the measures that have one of their own."""


def _unit(condition: Mapping[str, Any]) -> str:
    """Return the unit in which a condition is measured, empty where only the data could say."""
    if condition["measure"] in {"nearest", "land"}:
        metric = METRICS.get(str(condition.get("metric", "geodesic")))
        return metric.unit if metric else ""
    return _UNITS.get(str(condition["measure"]), str(condition.get("unit", "")))


def conditions(
    section: str, wanted: Sequence[Mapping[str, Any]], layers: Layers, subjects: Sequence[str]
) -> pd.DataFrame:
    """Measure a list of conditions for every subject.

    Parameters
    ----------
    section
        Name of the part of the account.
    wanted
        Conditions: `item`, `measure` (a name in MEASURES), its options, and `at_most` or `at_least`
        where there is a threshold; `threshold_source` says where it comes from.
    layers
        What to measure from.
    subjects
        Site ids, or names of groups surveyed.

    Returns
    -------
    DataFrame
        `after` is the measured value and `low, high` its interval; `verdict` is met, not met,
        undecidable or unknown, or `measured` where no threshold is set.

    Raises
    ------
    UnknownNameError
        For a measure without such a name.
    InputError
        A condition lacks what its measure needs, or its threshold is no number.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame({"sheds": [30.0], "households": [100.0]}, index=pd.Index(["A"], name="site_id"),
    ...     geometry=gpd.points_from_xy([76], [39]), crs="EPSG:4326")
    >>> wanted = [{"item": "sheds", "measure": "column", "column": "sheds", "per_household": True, "at_least": 0.5}]
    >>> conditions("constraint", wanted, Layers(sites), ["A"])[["site_id", "after", "verdict", "evidence"]]
      site_id  after  verdict  evidence
    0       A    0.3  not met  declared
    """
    rows = []
    for condition in wanted:
        _check(section, condition)
        name = str(condition["measure"])
        limits = {k: float(condition[k]) for k in ("at_most", "at_least") if k in condition}
        threshold = " and ".join(f"{k.replace('_', ' ')} {show(v)}" for k, v in limits.items())
        source = (
            str(condition.get("threshold_source", "threshold set by the user")) if limits else ""
        )
        # A threshold has its unit also where nothing was measured against it.
        unit = _unit(condition) if limits else ""
        for subject in subjects:
            if name not in _OF_GROUPS and subject not in layers.sites.index:
                continue  # a group surveyed has no place
            found = MEASURES[name](layers, subject, condition)
            word = (
                verdict(found.value, found.low, found.high, **limits)
                if limits or np.isnan(found.value)
                else "measured"
            )
            open_end = "no upper bound" if np.isinf(found.high) else ""
            rows.append(
                row(
                    section, subject, str(condition["item"]), before=found.before, after=found.value, low=found.low,
                    high=np.nan if open_end else found.high, unit=found.unit or unit, n=found.n, verdict=word,
                    evidence=found.evidence, source=source,
                    note="; ".join(filter(None, (threshold, found.why, open_end))),
                )
            )  # fmt: skip
    return account(rows)


def development_models(models: Mapping[str, Mapping[str, Any]], layers: Layers) -> pd.DataFrame:
    """For every site and model: what was declared, and each condition with its evidence.

    Parameters
    ----------
    models
        Number to `name` and `conditions` (see `conditions`).
    layers
        What to measure from; `sites.models` holds the declared numbers ("1;2;5").

    Returns
    -------
    DataFrame
        Section `model`: one row per site and model, verdict `declared`, `not declared` or `unknown`
        (no declaration), the note counts its conditions. Section `model condition`: one row per
        site, model and condition.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame({"models": ["1;2"]}, index=pd.Index(["A"], name="site_id"),
    ...     geometry=gpd.points_from_xy([76], [39]), crs="EPSG:4326")
    >>> park = {"item": "park", "measure": "nearest", "kinds": ["industrial_park"], "at_most": 10}
    >>> made = development_models({"1": {"name": "industrial park", "conditions": [park]}}, Layers(sites))
    >>> made[["section", "item", "verdict"]]
               section                      item   verdict
    0            model  model 1: industrial park  declared
    1  model condition             model 1: park   unknown
    """
    subjects = sorted(str(i) for i in layers.sites.index)
    frames = []
    for key in sorted(models):
        parts = [
            dict(c, item=f"model {key}: {c['item']}") for c in models[key].get("conditions", ())
        ]
        measured = conditions("model condition", parts, layers, subjects)
        frames += [
            _declared(key, str(models[key].get("name", "")), layers, subjects, measured),
            measured,
        ]
    return pd.concat(frames, ignore_index=True) if frames else account([])


def _declared(
    key: str, name: str, layers: Layers, subjects: Sequence[str], measured: pd.DataFrame
) -> pd.DataFrame:
    title = f"model {key}: {name}" if name else f"model {key}"
    told = (
        layers.sites["models"]
        if "models" in layers.sites
        else pd.Series(None, layers.sites.index, dtype=object)
    )
    counts = Counter(
        zip(measured["site_id"].astype(str), measured["verdict"].astype(str), strict=True)
    )
    order = ("met", "measured", "undecidable", "not met", "unknown")
    rows = []
    for subject in subjects:
        text = told.loc[subject]
        listed = (
            []
            if pd.isna(text)
            else [t.strip() for t in str(text).replace(",", ";").split(";") if t.strip()]
        )
        word = "unknown" if not listed else "declared" if key in listed else "not declared"
        note = ", ".join(f"{counts[subject, w]} {w}" for w in order if (subject, w) in counts)
        rows.append(
            row(
                "model", subject, title, verdict=word, evidence="declared" if listed else "none",
                note=f"conditions: {note}" if note else "no condition is set",
            )
        )  # fmt: skip
    return account(rows)
