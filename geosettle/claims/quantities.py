"""The quantities that claims may name, each computed from the layers.

A new one is one entry in QUANTITIES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.cells import numbers, texts
from geosettle.claims.evidence import Computed, Evidence, Quantity, show
from geosettle.claims.printed_numbers import claimed_range, to_float
from geosettle.geodesy import area_m2
from geosettle.names import Names
from geosettle.reasons import join, no_layer, reason, word
from geosettle.study import in_scope


def _site(evidence: Evidence, claim: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the row of the site that the claim is about; None where its subject is not a site."""
    if evidence.sites is None or claim["subject"] not in evidence.sites.index:
        return None
    return dict(evidence.sites.loc[[claim["subject"]]].iloc[0])


def _declared(evidence: Evidence, claim: Mapping[str, Any], column: str, unit: str) -> Computed:
    """Give a figure of the sites table: declared by somebody, measured by nobody."""
    site = _site(evidence, claim)
    if site is None or column not in site or pd.isna(site[column]):
        return Computed(None, why=reason("subject_lacks", column=column))
    value, low, high = (to_float(site.get(c)) for c in (column, f"{column}_low", f"{column}_high"))
    others = [show(end) for end in (low, high) if end is not None and end != value]
    why = reason("other_sources", values=", ".join(others)) if others else ""
    circular = reason("declared_only")
    return Computed(value, unit, "sites", low, high, why, circular)


def _people(column: str) -> Callable[[Evidence, Mapping[str, Any]], Computed]:
    def function(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
        if _site(evidence, claim) is not None:
            return _site_people(evidence, claim, column)
        if str(claim["subject"]) not in {"programme", "study_area"} or evidence.sites is None:
            return Computed(None)
        listed = _listed(evidence)
        known = numbers(listed, column).dropna()
        if known.empty:
            return Computed(None, why=reason("no_site_has", column=column))
        why = reason("sum_of_sites", some=len(known), of=len(listed), column=column)
        ratio = _persons_per_household(listed) if column == "persons" else ""
        total = float(known.sum())
        claim_range = claimed_range(str(claim["value"]))
        if (
            len(known) == len(listed)
            and claim_range is not None
            and claim_range[0] <= total <= claim_range[1]
        ):
            return Computed(total, column, "sites", why=join(why, ratio))
        # Sites that are not listed, or without the figure, can only add to the sum.
        why = join(why, reason("list_open"), ratio)
        return Computed(total, column, "sites", low=total, high=np.inf, why=why)

    return function


def _persons_per_household(sites: pd.DataFrame) -> str:
    both = sites[["households", "persons"]].apply(pd.to_numeric, errors="coerce").dropna()
    both = both[both["households"] > 0]
    if both.empty:
        return ""
    each = both["persons"] / both["households"]
    overall = both["persons"].sum() / both["households"].sum()
    low, mean, high = (f"{ratio:.2f}" for ratio in (each.min(), overall, each.max()))
    return reason("persons_per_household", n=len(both), mean=mean, low=low, high=high)


def _site_people(evidence: Evidence, claim: Mapping[str, Any], column: str) -> Computed:
    """Sum over the flows to a site where every one is known, else the site's declared figure."""
    subject = str(claim["subject"])
    if evidence.flows is not None and column in evidence.flows:
        mine = evidence.flows[evidence.flows["site_id"].astype(str) == subject]
        counts = numbers(mine, column)
        if len(mine) and counts.notna().all():
            why = reason("sum_of_flows", n=len(mine))
            return Computed(float(counts.sum()), column, "flows", why=why)
    return _declared(evidence, claim, column, column)


def _product(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    """Persons of the programme: its households times the persons per household of listed sites."""
    summed = _people("persons")(evidence, claim)
    site = _site(evidence, claim)
    if site is not None and evidence.sites is not None and summed.value is not None:
        households, claimed = to_float(site.get("households")), to_float(claim["value"])
        if households and claimed:
            others = _persons_per_household(_listed(evidence))
            ratio = reason("persons_per_site_household", ratio=f"{claimed / households:.2f}")
            return replace(summed, why=join(summed.why, ratio, others))
    if evidence.claims is None or summed.value is None or _site(evidence, claim) is not None:
        return summed
    same = evidence.claims[
        (evidence.claims["subject"] == claim["subject"])
        & (evidence.claims["quantity"] == "households")
    ]
    households = to_float(same["value"].iloc[0]) if len(same) else None
    if households is None or evidence.sites is None:
        return summed
    listed = _listed(evidence)
    both = listed[["households", "persons"]].apply(pd.to_numeric, errors="coerce").dropna()
    both = both[both["households"] > 0]
    if both.empty:
        return summed
    each = both["persons"] / both["households"]
    value = households * both["persons"].sum() / both["households"].sum()
    claimed = to_float(claim["value"])
    ratio = (
        reason("persons_per_claimed_household", ratio=f"{claimed / households:.2f}")
        if claimed
        else ""
    )
    product = reason("households_times_ratio", households=households, n=len(both))
    why = join(product, ratio, summed.why)
    return Computed(
        float(value),
        "persons",
        "sites x claims",
        low=float(households * each.min()),
        high=float(households * each.max()),
        why=why,
    )


def _area(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    if evidence.boundaries is None:
        return Computed(None, why=no_layer("boundaries"))
    units, layer = evidence.boundaries, "boundaries"
    top = units["level"].iloc[0] if "level" in units else None
    if str(claim["subject"]) != "study_area":
        units = units[
            units["name"].map(evidence.name) == evidence.name(str(claim["subject"]))
        ].head(1)
    elif top is not None:
        parents = (
            units[units["parent_code"].isna() | (units["parent_code"] == "")]
            if "parent_code" in units
            else units
        )
        units = parents if len(parents) else units[units["level"] == top]
    if units.empty:
        return Computed(None, why=reason("no_unit_of_name"))
    km2 = float(area_m2(units.geometry.to_numpy()).sum()) / 1e6
    names = ", ".join(sorted(units["name"]))
    why = reason("area_of_units", n=len(units), names=names)
    return Computed(km2, "km2", layer, why=why)


def _listed(evidence: Evidence) -> pd.DataFrame:
    """Sites that the study is about."""
    return (
        evidence.sites[in_scope(evidence.sites)] if evidence.sites is not None else pd.DataFrame()
    )


def _units_counted(evidence: Evidence, _claim: Mapping[str, Any], *, level: str) -> Computed:
    if evidence.boundaries is None or "level" not in evidence.boundaries:
        return Computed(None, why=no_layer("boundaries"))
    units = evidence.boundaries[evidence.boundaries["level"] == level]
    parents = texts(units, "parent_code").str.rstrip("0")
    governed = np.array(
        [str(c).startswith(p) for c, p in zip(units.index, parents, strict=True)], bool
    )
    others = sorted(units["name"][~governed])
    why = reason("units_of_level", level=word("level", level))
    if others:
        why = join(why, reason("units_elsewhere", names=", ".join(others)))
    return Computed(float(governed.sum()), "units", "boundaries", why=why)


def _units_listed(evidence: Evidence, claim: Mapping[str, Any], *, level: str) -> Computed:
    """Names printed in a list, counted and looked up among the units of a level."""
    if evidence.claims is None or evidence.boundaries is None:
        return Computed(None, why=reason("needs_list"))
    stem = str(claim["quantity"]).removesuffix("_listed")
    rows = evidence.claims[evidence.claims["quantity"] == f"{stem}_listed"]
    if rows.empty:
        return Computed(None, why=reason("no_list"))
    names = [n for n in re.split(r"[;,]", str(rows["as_printed"].iloc[0])) if n.strip()]
    units = evidence.boundaries
    known = Names.of_units(units[units["level"] == level], evidence.aliases)
    strange = [n.strip() for n in names if not known.units_in(n)]
    if strange:
        why = reason("names_not_found", level=word("level", level), names=", ".join(strange))
        return Computed(
            float(len(names) - len(strange)), "units", "boundaries", high=float(len(names)), why=why
        )
    why = reason("names_found", n=len(names), level=word("level", level))
    return Computed(
        float(len({known.units_in(n) for n in names})), "units", "boundaries, claims", why=why
    )


def _oasis_share(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    if evidence.oasis is None or evidence.oasis.empty:
        return Computed(None, why=reason("no_oasis_computed"))
    rows = evidence.oasis[
        evidence.oasis["name"].map(evidence.name) == evidence.name(str(claim["subject"]))
    ]
    rows = rows.drop_duplicates("setting").dropna(subset="share_percent")
    shares = dict(
        zip(rows["setting"].astype(str), rows["share_percent"].astype(float), strict=True)
    )
    if not shares:
        return Computed(None, why=reason("no_oasis_of_subject"))
    each = sorted(shares.values())
    value = shares.get("central", each[len(each) // 2])
    each_setting = ", ".join(f"{name} {share:.1f} %" for name, share in shares.items())
    why = reason("by_setting", shares=each_setting)
    return Computed(value, "percent", "oasis", each[0], each[-1], why)


def _unit(evidence: Evidence, claim: Mapping[str, Any], *, level: str) -> Computed:
    site = _site(evidence, claim)
    if site is None or f"{level}_code" not in site or pd.isna(site.get(level)):
        return Computed(None, why=reason("site_in_no_unit"))
    unit, chance = str(site[level]), float(site.get("admin_probability", np.nan))
    basis = str(site.get("position_basis", ""))
    name = evidence.name(str(claim["value"]))
    used = [w for w in (name, "seat", "polygon") if w and w in basis.casefold()]
    circular = reason("position_from_claim", level=word("level", level)) if used else ""
    why = (
        reason("in_unit", unit=unit)
        if np.isnan(chance)
        else reason("in_unit_probably", unit=unit, probability=f"{chance:.2f}")
    )
    return Computed(
        unit,
        "name",
        "sites, boundaries",
        low=chance if chance < 0.95 else None,
        why=why,
        circular=circular,
    )


def _development(kinds: tuple[str, ...]) -> Callable[[Evidence, Mapping[str, Any]], Computed]:
    def function(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
        if evidence.development is None:
            return Computed(None, why=no_layer("development"))
        rows = evidence.development
        rows = rows[
            (rows["site_id"].astype(str) == str(claim["subject"])) & rows["kind"].isin(kinds)
        ]
        if rows.empty:
            return Computed(None, why=reason("no_parcel_of_kind"))
        if "geometry_basis" in rows and (rows["geometry_basis"] == "illustrative").any():
            return Computed(None, layer="development", why=reason("parcels_illustrative"))
        ha = float(area_m2(rows.geometry.to_numpy()).sum()) / 1e4
        return Computed(ha, "ha", "development", why=reason("area_of_parcels", n=len(rows)))

    return function


def _leased(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    rows = evidence.development
    if rows is not None and "leased_ha" in rows:
        mine = rows[rows["site_id"].astype(str) == str(claim["subject"])]
        known = numbers(mine, "leased_ha").dropna()
        if len(known):
            circular = reason("lease_declared")
            return Computed(float(known.sum()), "ha", "development", circular=circular)
    return _declared(evidence, claim, "leased_ha", "ha")


def _column(column: str, unit: str) -> Callable[[Evidence, Mapping[str, Any]], Computed]:
    return lambda evidence, claim: _declared(evidence, claim, column, unit)


_OF_INDICATOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "farmland_per_person": "farmland per person",
        "greenhouse_households": "households with a vegetable greenhouse",
        "shed_households": "households with a livestock shed",
        "loan_access": "migrants who obtained a loan",
    }
)


_FEWEST: Final = 5
"""Figures that fewer households answered are not shown."""


def _indicator(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    """Give a figure of the indicators table, which holds what the same source printed."""
    stem, _, when = str(claim["quantity"]).rpartition("_")
    if evidence.indicators is None:
        return Computed(None, why=no_layer("indicators"))
    named = evidence.indicators["indicator"] == _OF_INDICATOR.get(stem, stem)
    rows = evidence.indicators[named & (evidence.indicators["site_id"] == claim["subject"])]
    if "evidence" in rows and (rows["evidence"] == "surveyed").any():
        return _surveyed(dict(rows[rows["evidence"] == "surveyed"].iloc[0]), when)
    before, after, answered = (
        numbers(rows, c).iloc[0] if len(rows) else np.nan for c in ("before", "after", "n")
    )
    if pd.isna(before) or pd.isna(after):
        return Computed(None, why=reason("no_figure"))
    if 0 < answered < _FEWEST:
        return Computed(None, why=reason("few_answered", n=_FEWEST))
    unit = str(rows["unit"].iloc[0])
    if when == "direction":
        verb = "increased" if after > before else "decreased" if after < before else "unchanged"
        why = reason("source_figures", before=show(before), after=show(after), unit=unit)
        return Computed(verb, "direction", "indicators", why=why)
    value = float(before if when == "before" else after)
    return Computed(value, unit, "indicators", circular=reason("same_source"))


def _surveyed(row: Mapping[str, Any], when: str) -> Computed:
    """Give a figure of the study's own household survey, not of the source of the claim."""
    whom = reason("survey_of", n=float(row["n"]))
    if when == "direction":
        verb = {"higher": "increased", "lower": "decreased"}.get(str(row["verdict"]))
        ends = {end: show(row[end]) for end in ("before", "after")}
        why = join(whom, reason("survey_change", **ends, unit=str(row["unit"])))
        if verb is None:
            return Computed("not distinguishable", "direction", "survey", low=0.0, why=why)
        return Computed(verb, "direction", "survey", why=why)
    low, high = (float(row[f"{when}_{end}"]) for end in ("low", "high"))
    if np.isnan(low):
        circular = reason("mean_not_compared")
        return Computed(float(row[when]), str(row["unit"]), "survey", why=whom, circular=circular)
    return Computed(float(row[when]), str(row["unit"]), "survey", low, high, why=whom)


def _capitals(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    if evidence.indicators is None:
        return Computed(None, why=no_layer("indicators"))
    rows = evidence.indicators[evidence.indicators["site_id"] == claim["subject"]]
    change = numbers(rows, "after") - numbers(rows, "before")
    signs = change.dropna().map(np.sign).groupby(rows["capital"]).agg(["min", "max"])
    if signs.empty:
        return Computed(None, why=reason("no_figure"))
    mark = {1.0: "+", -1.0: "-", 0.0: "0"}
    words = [
        f"{c} {mark[r['min']]}" if r["min"] == r["max"] else f"{c} mixed"
        for c, r in signs.iterrows()
    ]
    without = sorted(set(rows["capital"]) - set(signs.index))
    capitals = [word("capital", str(name)) for name in without]
    why = reason("no_figures_for", capitals=capitals) if without else ""
    circular = reason("figures_of_some_capitals") if without else ""
    return Computed("; ".join(words), "direction", "indicators", why=why, circular=circular)


def _sites_count(evidence: Evidence, _claim: Mapping[str, Any]) -> Computed:
    """Sites that the source names: those with declared models."""
    if evidence.sites is None or "models" not in evidence.sites:
        return Computed(None, why=reason("surveyed_sites_unknown"))
    named = _listed(evidence)["models"].dropna().astype(str)
    named = named[named.str.strip() != ""]
    why = reason("sites_with_models")
    return Computed(float(len(named)), "sites", "sites", high=np.inf, why=why)


def _models_count(evidence: Evidence, _claim: Mapping[str, Any]) -> Computed:
    if evidence.sites is None or "models" not in evidence.sites:
        return Computed(None, why=reason("no_site_has", column="models"))
    stated = (
        _listed(evidence)["models"].dropna().astype(str).str.split(r"[;,]", regex=True).explode()
    )
    numbers = sorted({t.strip() for t in stated if t.strip()})
    why = reason("models_at_sites", models=", ".join(numbers))
    return Computed(float(len(numbers)), "models", "sites", high=np.inf, why=why)


def _model(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    site = _site(evidence, claim)
    if site is None or "models" not in site or pd.isna(site["models"]):
        return Computed(None, why=reason("subject_lacks", column="models"))
    return Computed(str(site["models"]), "models", "sites", circular=reason("model_declared"))


def _location(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    level = next((v for v in _levels(evidence) if str(claim["unit"]) == f"{_plural(v)} named"), "")
    if not level or evidence.boundaries is None:
        return Computed(None, why=reason("region_in_words"))
    units = evidence.boundaries
    names = sorted(units["name"][units["level"] == level])
    circular = reason("boundaries_from_claim", level=word("level", level))
    return Computed("; ".join(names), "names", "boundaries", circular=circular)


def _origin_count(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    if evidence.flows is None:
        return Computed(None, why=no_layer("flows"))
    mine = evidence.flows[evidence.flows["site_id"].astype(str) == str(claim["subject"])]
    if mine.empty:
        return Computed(None, why=reason("no_flow_to_site"))
    role = mine["role"] if "role" in mine else pd.Series("documented", mine.index)
    sure = int((role == "documented").sum())
    why = (
        reason("origins_inferred", sure=sure, inferred=len(mine) - sure)
        if sure < len(mine)
        else reason("origins_with_flow")
    )
    return Computed(float(len(mine)), "origins", "flows", low=float(sure), why=why)


def _rank(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    site = _site(evidence, claim)
    if site is None or evidence.sites is None or pd.isna(site.get("households")):
        return Computed(None, why=reason("households_unknown"))
    listed = _listed(evidence)
    known = numbers(listed, "households").dropna()
    rank = int((known > float(site["households"])).sum()) + 1
    text = "largest" if rank == 1 else f"rank {rank}"
    among = reason("ranked_among", some=len(known), of=len(listed))
    why, circular = join(among, reason("list_open")), reason("households_declared")
    return Computed(text, "rank", "sites", low=0.0, why=why, circular=circular)


def _year(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    site = _site(evidence, claim)
    if site is None:
        return Computed(None)
    for column in ("year_from", "year"):
        if column in site and not pd.isna(site[column]):
            circular = reason("year_declared")
            return Computed(float(site[column]), "year", "sites", circular=circular)
    return Computed(None, why=reason("subject_lacks", column="year"))


def _how_far(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    """Put the mean distance to the land left next to the word remote, which sets no threshold."""
    if evidence.remoteness is None or evidence.remoteness.empty:
        return Computed(None, why=reason("no_distance_computed"))
    found = evidence.remoteness
    rows = found[(found["indicator"] == "land_mean_unweighted") & (found["metric"] == "geodesic")]
    subject = str(claim["subject"])
    if subject.startswith("model_") and evidence.sites is not None and "models" in evidence.sites:
        number = subject.removeprefix("model_")
        stated = texts(evidence.sites, "models").str.split(r"[;,]", regex=True)
        sites = evidence.sites.index[stated.map(lambda parts: number in [p.strip() for p in parts])]
        rows = rows[(rows["role"] == "site") & rows["id"].isin(list(sites))]
    else:
        rows = rows[rows["role"] == "study"]
    rows = rows[rows["value"].notna()]
    if rows.empty:
        return Computed(None, why=reason("no_distance_of_flows"))
    mean, low, high = (float(rows[c].mean()) for c in ("value", "low", "high"))
    shown = {name: f"{km:.0f}" for name, km in (("mean", mean), ("low", low), ("high", high))}
    why = reason("mean_over_flows", **shown, n=int(rows["n"].sum()))
    return Computed(mean, "km", "remoteness", low, high, why, reason("word_without_distance"))


def _persons_in_year(evidence: Evidence, claim: Mapping[str, Any]) -> Computed:
    year = str(claim["quantity"]).rpartition("_")[2]
    if evidence.flows is None or "persons" not in evidence.flows or "year" not in evidence.flows:
        return Computed(None, why=reason("no_persons_by_year"))
    years = numbers(evidence.flows, "year")
    moved = numbers(evidence.flows, "persons")[years == float(year)].dropna()
    if moved.empty:
        return Computed(None, why=reason("no_flow_in_year", year=year))
    why = join(reason("sum_of_year", n=len(moved), year=year), reason("list_open"))
    return Computed(float(moved.sum()), "persons", "flows", high=np.inf, why=why)


_ENTRIES: Final = (
    Quantity(
        "households",
        "households of a site (sum of its flows) or of the programme (sum of the sites)",
        _people("households"),
    ),
    Quantity(
        "persons",
        "persons of a site, or of the programme: households times persons per household",
        _product,
    ),
    Quantity("area", "geodesic area of the study area or a unit", _area),
    Quantity(
        "oasis_share", "share of the unit that is oasis, by setting of the rule", _oasis_share
    ),
    Quantity(
        "location", "names of the units of a level, or words about the wider region", _location
    ),
    Quantity("forage_area", "area of forage parcels", _development(("forage",))),
    Quantity(
        "facility_agriculture_area",
        "area of facility-agriculture parcels",
        _development(("facility_agriculture",)),
    ),
    Quantity("forestry_area", "area of forestry parcels", _development(("forestry",))),
    Quantity("leased_area", "developed land leased out", _leased),
    Quantity("greenhouses", "greenhouses of a site", _column("greenhouses", "greenhouses")),
    Quantity("sheds", "livestock sheds of a site", _column("sheds", "sheds")),
    Quantity("sites", "sites surveyed", _sites_count, counted=True),
    Quantity("models", "development models", _models_count, counted=True),
    Quantity("model", "development model of a site", _model),
    Quantity(
        "origin_townships", "origins that a site took households from", _origin_count, counted=True
    ),
    Quantity("rank_by_households", "rank of a site by households", _rank),
    Quantity("year", "first year of a site", _year, counted=True),
    Quantity("origin_distance", "how far the land left is", _how_far),
    Quantity("remoteness", "how far the land left is, for the sites of a model", _how_far),
    Quantity("capital_change", "direction of change of each livelihood capital", _capitals),
    Quantity("persons_relocated_2019", "persons moved in the year named", _persons_in_year),
    *(
        Quantity(f"{stem}_{when}", f"{text}, {when}", _indicator)
        for stem, text in _OF_INDICATOR.items()
        for when in ("before", "after", "direction")
    ),
)


def _of_units(name: str, evidence: Evidence) -> Quantity | None:
    """Give the quantity that is named after a level of the boundaries."""
    for level in _levels(evidence):
        if name == level:
            return Quantity(
                name, f"{level} that a site's position is in", partial(_unit, level=level)
            )
        if name == _plural(level):
            count = partial(_units_counted, level=level)
            return Quantity(name, f"{level}-level units", count, counted=True)
        printed = () if evidence.claims is None else set(evidence.claims["quantity"])
        stem = name.removesuffix("_listed")
        if stem.endswith(f"_{_plural(level)}") and f"{stem}_listed" in printed:
            listed = partial(_units_listed, level=level)
            return Quantity(name, f"names of {_plural(level)} listed", listed, counted=True)
    return None


def _levels(evidence: Evidence) -> list[str]:
    units, sites = evidence.boundaries, evidence.sites
    drawn = [] if units is None or "level" not in units else units["level"].astype(str).tolist()
    columns = [] if sites is None else [str(c) for c in sites]
    return sorted({*drawn, *(c for c in columns if f"{c}_code" in columns)})


def _plural(level: str) -> str:
    return f"{level[:-1]}ies" if level.endswith("y") else f"{level}s"


QUANTITIES: Final[Mapping[str, Quantity]] = MappingProxyType(
    {entry.name: entry for entry in _ENTRIES}
)
"""Every quantity that can be computed, by the name that claims use. A new one is one entry
above.
"""


def quantity_of(name: str, evidence: Evidence) -> Quantity | None:
    """Give the quantity of a name, or of a family of names that the layers know; else None.

    Families: the name of a level of the boundaries (the unit that a site's position lies in), its
    plural (units of the level) and any other name that ends in it (a number printed, or with
    `_listed` the names, against the names that are listed); `persons_relocated_YEAR`; `KIND_area`
    for a kind of land development of the study; and `INDICATOR_before`, `INDICATOR_after`,
    `INDICATOR_direction` for an indicator of the study.

    Examples
    --------
    >>> (
    ...     quantity_of("persons_relocated_2021", Evidence()).meaning,
    ...     quantity_of("happiness", Evidence()),
    ... )
    ('persons moved in the year named', None)
    """
    if name in QUANTITIES:
        return QUANTITIES[name]
    if re.fullmatch(r"persons_relocated_\d{4}", name):
        return replace(QUANTITIES["persons_relocated_2019"], name=name)
    if found := _of_units(name, evidence):
        return found
    stem, _, last = name.rpartition("_")
    kinds = set() if evidence.development is None else set(evidence.development["kind"].dropna())
    if last == "area" and stem in kinds:
        return Quantity(name, f"area of {stem} parcels", _development((stem,)))
    measured = (
        set() if evidence.indicators is None else set(evidence.indicators["indicator"].dropna())
    )
    if last in {"before", "after", "direction"} and stem in measured:
        return Quantity(name, f"{stem}, {last}", _indicator)
    return None
