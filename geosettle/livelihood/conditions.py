"""Development models, constraints and recommendations as conditions on the layers.

The layers can or cannot answer them.

A condition is data: which measure, of what, against which threshold. There is no score: each
condition keeps its own value, interval, evidence and verdict, and a model only counts them. What no
layer says is `unknown`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import numbers
from geosettle.distance import METRICS, distance_matrix
from geosettle.errors import InputError, UnknownNameError
from geosettle.livelihood import standards
from geosettle.livelihood._account import (
    Condition,
    Layers,
    Measure,
    Measured,
    account,
    by_subject,
    number,
    row,
    show,
    verdict,
)
from geosettle.reasons import join, no_layer, reason, rendered, word

FloatArray = NDArray[np.float64]


def _positioned(layers: Layers) -> dict[str, bool]:
    """Whether each site has a position, by its id as text."""
    known = layers.sites.geometry.notna().to_numpy()
    return dict(zip(layers.sites.index.astype(str), known.tolist(), strict=True))


def _not_measured(layers: Layers, why: str) -> pd.DataFrame:
    """Say of every site why there is no value."""
    return by_subject(dict.fromkeys(layers.sites.index.astype(str), Measured(why=why)))


def _nearest(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Distance to the nearest place of any of the kinds; `metric` default geodesic."""
    metric = str(condition.get("metric", "geodesic"))
    nothing = _no_place(condition)
    found = {}
    for subject, positioned in _positioned(layers).items():
        keys = [(subject, f"nearest_{kind}", metric) for kind in condition["kinds"]]
        known = [layers.site_indicators[k] for k in keys if k in layers.site_indicators]
        if not known:
            found[subject] = Measured(why=nothing if positioned else reason("position_unknown"))
            continue
        # np.min: one end that is not known leaves the end of the nearest unknown.
        value, low, high = (
            float(np.min([number(r[c]) for r in known])) for c in ("value", "low", "high")
        )
        found[subject] = Measured(
            value,
            low,
            high,
            str(known[0]["unit"]),
            sum(number(r["n"]) for r in known),
            "measured",
            reason("by_metric", metric=word("metric", metric)),
        )
    return by_subject(found)


def _no_place(condition: Condition) -> str:
    kinds = [word("kind", str(kind)) for kind in condition["kinds"]]
    return reason("no_place_in_study", kinds=kinds)


def _land(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Mean distance to the land left, by households where they are known, else over the flows."""
    metric = str(condition.get("metric", "geodesic"))
    found = {}
    for subject in layers.sites.index.astype(str):
        named = word("metric", metric)
        found[subject] = Measured(why=reason("no_flow_distance", metric=named))
        for indicator, weighting in (
            ("land_mean", "households"),
            ("land_mean_unweighted", "flows"),
        ):
            r = layers.site_indicators.get((subject, indicator, metric))
            if r is not None:
                value, low, high, n = (number(r[c]) for c in ("value", "low", "high", "n"))
                note = reason(f"mean_by_{weighting}", metric=named)
                found[subject] = Measured(
                    value, low, high, str(r["unit"]), n, "measured", note, weighting=weighting
                )
                break
    return by_subject(found)


def _origin_land(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Land held at the origins of a site.

    Land of an origin that sends to several sites is divided by households.
    """
    if layers.flows is None or layers.origins is None or "land_ha" not in layers.origins:
        return _not_measured(layers, reason("no_origin_has", column="land_ha"))
    held = layers.origins["land_ha"].map(number)
    held = held.set_axis(held.index.astype(str), axis=0)
    moves = layers.moves
    leaving = moves.groupby("origin_id")["households"]
    households = leaving.transform(lambda v: v.sum(skipna=False))
    share = moves["households"] / households.where(households != 0)
    share = share.where(leaving.transform("size") != 1, 1.0)
    land = moves["origin_id"].map(held).astype(float) * share
    total = land.groupby(moves["site_id"]).agg(lambda v: v.sum(skipna=False))
    count = moves.groupby("site_id").size()
    found = {}
    for subject in layers.sites.index.astype(str):
        if subject not in total.index:
            found[subject] = Measured(why=reason("no_flow_to_site"))
        elif np.isnan(total[subject]):
            found[subject] = Measured(why=reason("origin_share_unknown"))
        else:
            value = float(total[subject])
            note = reason("held_at_origins", ha=show(value), n=int(count[subject]))
            found[subject] = _each(layers, subject, value, condition, note)
    return by_subject(found)


def _column(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Take a declared column of the sites, per household where `per_household` is set."""
    column = str(condition["column"])
    if column not in layers.sites:
        return _not_measured(layers, reason("no_site_has", column=column))
    found = {}
    subjects = layers.sites.index.astype(str)
    for subject, value in zip(subjects, layers.sites[column].map(number), strict=True):
        found[subject] = (
            Measured(why=reason("subject_lacks", column=column))
            if np.isnan(value)
            else _each(
                layers,
                subject,
                value,
                condition,
                reason("declared", column=column, value=show(value)),
            )
        )
    return by_subject(found)


def _each(layers: Layers, subject: str, total: float, condition: Condition, why: str) -> Measured:
    unit = str(condition.get("unit", ""))
    if not condition.get("per_household"):
        return Measured(total, unit=unit, evidence="declared", why=why)
    households = (
        number(layers.sites["households"].loc[subject]) if "households" in layers.sites else np.nan
    )
    if not households > 0:
        return Measured(unit=unit, why=join(why, reason("households_unknown")))
    return Measured(total / households, unit=unit, n=households, evidence="declared", why=why)


def _development(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Add up the area declared for the site; parcels drawn for illustration measure nothing."""
    if layers.development is None or "site_id" not in layers.development:
        return _not_measured(layers, no_layer("development"))
    rows = pd.DataFrame(layers.development)
    if condition.get("kinds"):
        rows = rows[rows["kind"].isin(list(condition["kinds"]))]
    column = str(condition.get("column", "declared_ha"))
    site = rows["site_id"].astype(str)
    area = numbers(rows, column)
    sums, counts = area.groupby(site).sum(), area.groupby(site).count()
    drawn = (
        set(site[rows["geometry_basis"] == "illustrative"]) if "geometry_basis" in rows else set()
    )
    found = {}
    for subject in layers.sites.index.astype(str):
        n = int(counts.get(subject, 0))
        if not n:
            found[subject] = Measured(why=reason("no_parcel_declares", column=column))
            continue
        why = reason("declared_on_parcels", ha=show(float(sums[subject])), n=n)
        why = join(why, reason("parcels_illustrative")) if subject in drawn else why
        found[subject] = _each(layers, subject, float(sums[subject]), condition, why)
    return by_subject(found)


def _indicator(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Take an indicator of the survey of each site or group, after the move.

    The value before the move is given too.
    """
    if layers.indicators is None:
        return _not_measured(layers, no_layer("indicators"))
    subjects = [*layers.sites.index.astype(str), *layers.indicators["site_id"].astype(str)]
    found = dict.fromkeys(subjects, Measured(why=reason("not_surveyed")))
    rows = layers.indicators[layers.indicators["indicator"] == condition["indicator"]]
    for r in rows.drop_duplicates("site_id").to_dict("records"):
        before, after, unit = (
            number(r.get("before")),
            number(r.get("after")),
            str(r.get("unit", "")),
        )
        found[str(r["site_id"])] = (
            Measured(before=before, unit=unit, why=reason("no_figure_printed"))
            if np.isnan(after)
            else Measured(
                after,
                unit=unit,
                n=number(r.get("n")),
                evidence="surveyed" if r.get("evidence") == "surveyed" else "declared",
                before=before,
            )
        )
    return by_subject(found)


def _people_per_centre(layers: Layers, condition: Condition) -> pd.DataFrame:
    """People of all sites in reach of a site's job centres, over the number of centres.

    The centres are those within reach of the site; the people are of all sites within reach of
    these centres.

    The interval comes from the number of centres within reach when the site is moved by its radius;
    the people are held fixed.
    """
    if layers.places is None:
        return _not_measured(layers, no_layer("places"))
    centres = layers.places[layers.places["kind"].isin(list(condition["kinds"]))]
    if centres.empty:
        return _not_measured(layers, _no_place(condition))
    reach = float(condition["reach_km"])
    km = distance_matrix(layers.sites, centres).to_numpy()
    zero, unknown = pd.Series(0.0, layers.sites.index), pd.Series(np.nan, layers.sites.index)
    shift = layers.sites.get("uncertainty_km", zero).astype(float).fillna(0.0).to_numpy()
    people = layers.sites.get("persons", unknown).astype(float).to_numpy()
    near = km <= reach
    fewest, most = ((km <= reach + d[:, None]).sum(axis=1) for d in (-shift, shift))
    # Sites within reach of the same centres share them with the same people.
    sets, which = np.unique(near, axis=0, return_inverse=True)
    shared = [near[:, centres_of].any(axis=1) for centres_of in sets]
    persons = [people[users & ~np.isnan(people)] for users in shared]
    found = {}
    for i, (subject, positioned) in enumerate(_positioned(layers).items()):
        if not positioned:
            found[subject] = Measured(why=reason("position_unknown"))
            continue
        group = int(which.ravel()[i])
        counts = int(fewest[i]), int(near[i].sum()), int(most[i])
        found[subject] = _shared(
            persons[group], int(shared[group].sum()), counts, reach, float(shift[i])
        )
    return by_subject(found)


def _shared(
    known: FloatArray, users: int, counts: tuple[int, int, int], reach: float, shift: float
) -> Measured:
    """Persons per centre of one site.

    They come from the known persons of the sites that share its centres and the fewest, stated and
    greatest number of centres.
    """
    fewest, n, most = counts
    unit = "persons_per_centre"
    if not n:
        why = reason("no_centre_within", km=reach)
        why = join(why, reason("centres_if_moved", n=most, km=shift)) if most else why
        return Measured(n=0, unit=unit, why=why)
    if not known.size:
        return Measured(n=n, unit=unit, why=reason("no_persons_in_reach"))
    left_out = users - known.size
    note = join(
        reason("centres_shared", n=n, km=reach, sites=int(known.size)),
        reason("sites_left_out", n=left_out, column="persons") if left_out else "",
        "" if fewest else reason("no_centre_if_moved", km=shift),
    )
    total = float(known.sum())
    low = total / most if most else np.nan
    high = total / fewest if fewest else np.inf
    return Measured(total / n, low, high, unit, n, "measured", note)


def _training(layers: Layers, condition: Condition) -> pd.DataFrame:
    """Households that took up a new kind of farming.

    They are the change of the shares named, times the households of the site.
    """
    kinds = [
        _indicator(layers, {"indicator": name}).to_dict("index") for name in condition["indicators"]
    ]
    found = {}
    for subject in dict.fromkeys(subject for kind in kinds for subject in kind):
        rows = [kind[subject] for kind in kinds]
        rises = [
            (r["value"] - r["before"], r) for r in rows if not np.isnan(r["value"] - r["before"])
        ]
        if not rises:
            found[str(subject)] = Measured(why=reason("shares_not_surveyed"))
            continue
        rise, top = max(rises, key=lambda pair: pair[0])
        note = reason("largest_rise", n=len(rises))
        found[str(subject)] = Measured(
            rise, unit="points_of_households", n=top["n"], evidence=top["evidence"], why=note
        )
    return by_subject(found)


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


_NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "nearest": ("kinds",),
        "column": ("column",),
        "indicator": ("indicator",),
        "people_per_centre": ("kinds", "reach_km"),
        "training": ("indicators",),
    }
)
"""Keys that a condition must give besides `item` and `measure`."""


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
        "people_per_centre": "persons_per_centre",
        "training": "points_of_households",
        "area_per_person": "m2_per_person",
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


@rendered
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
    >>> sites = gpd.GeoDataFrame(
    ...     {"sheds": [30.0], "households": [100.0]},
    ...     index=pd.Index(["A"], name="site_id"),
    ...     geometry=gpd.points_from_xy([76], [39]),
    ...     crs="EPSG:4326",
    ... )
    >>> wanted = [
    ...     {
    ...         "item": "sheds",
    ...         "measure": "column",
    ...         "column": "sheds",
    ...         "per_household": True,
    ...         "at_least": 0.5,
    ...     }
    ... ]
    >>> conditions("constraint", wanted, Layers(sites), ["A"])[
    ...     ["site_id", "after", "verdict", "evidence"]
    ... ]
      site_id  after  verdict  evidence
    0       A    0.3  not met  declared
    """
    rows = []
    for condition in wanted:
        _check(section, condition)
        name = str(condition["measure"])
        limits = {k: float(condition[k]) for k in ("at_most", "at_least") if k in condition}
        threshold = join(*(reason(f"limit_{k}", value=show(v)) for k, v in limits.items()))
        source = (
            str(condition.get("threshold_source", "threshold set by the user")) if limits else ""
        )
        # A threshold has its unit also where nothing was measured against it.
        unit = _unit(condition) if limits else ""
        table = MEASURES[name](layers, condition).to_dict("index")
        for subject in subjects:
            if subject not in table:
                continue  # a group surveyed has no place
            found = Measured(**{str(k): v for k, v in table[subject].items()})
            word = (
                verdict(found.value, found.low, found.high, **limits)
                if limits or np.isnan(found.value)
                else "measured"
            )
            open_end = reason("no_upper_bound") if np.isinf(found.high) else ""
            rows.append(
                row(
                    section, subject, str(condition["item"]), condition=str(condition["item"]),
                    before=found.before, after=found.value, low=found.low,
                    high=np.nan if open_end else found.high, **limits,
                    unit=found.unit or unit, n=found.n, weighting=found.weighting, verdict=word,
                    evidence=found.evidence, source=source,
                    note=join(threshold, found.why, open_end),
                )
            )  # fmt: skip
    return account(rows)


@rendered
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
    >>> made = development_models(
    ...     {"1": {"name": "industrial park", "conditions": [park]}}, Layers(sites)
    ... )
    >>> made[["section", "item", "verdict"]]
               section                      item   verdict
    0            model  model 1: industrial park  declared
    1  model condition             model 1: park   unknown
    """
    subjects = sorted(str(i) for i in layers.sites.index)
    frames = []
    for key in sorted(models):
        parts = list(models[key].get("conditions", ()))
        measured = conditions("model condition", parts, layers, subjects)
        measured = measured.assign(model=key, item=f"model {key}: " + measured["item"])
        frames += [
            _declared(key, str(models[key].get("name", "")), layers, subjects, measured),
            measured,
        ]
    return pd.concat(frames, ignore_index=True) if frames else account([])


def _declared(
    key: str, name: str, layers: Layers, subjects: Sequence[str], measured: pd.DataFrame
) -> pd.DataFrame:
    title = f"model {key}: {name}" if name else f"model {key}"
    stated = (
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
        text = stated.loc[subject]
        listed = (
            []
            if pd.isna(text)
            else [t.strip() for t in str(text).replace(",", ";").split(";") if t.strip()]
        )
        word = "unknown" if not listed else "declared" if key in listed else "not declared"
        counted = [
            reason(f"conditions_{w.replace(' ', '_')}", n=counts[subject, w])
            for w in order
            if (subject, w) in counts
        ]
        rows.append(
            row(
                "model", subject, title, model=key, condition=name, verdict=word,
                evidence="declared" if listed else "none",
                note=join(*counted) or reason("no_condition"),
            )
        )  # fmt: skip
    return account(rows)
