"""The findings of a run in ten plain sentences, each computed from the result, in neutral words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.results import in_scope, name_of, number, numbers, oasis_shares
from geosettle.results.given import (
    aside,
    finest_level,
    level_name,
    positions_said,
    radius_stated,
    radius_stated_of_pairs,
)
from geosettle.results.sentences import change_finding, claims_said
from geosettle.words import say

__all__ = ["FINDINGS", "summary_lines"]

"""Farming radius by motor vehicle (Ni, Hua and Xu 2013), where the study sets none."""
_SURE: Final = 0.95


def summary_lines(result: Result, lang: str = "en") -> list[str]:
    """Say in ten sentences what was found.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    lang
        "en" or "zh".
    """
    studied = in_scope(result)
    return [finding(studied, lang) for finding in FINDINGS]


def _known(frame: pd.DataFrame) -> int:
    return int(frame["geometry"].notna().sum()) if "geometry" in frame else 0


def _counts(result: Result, lang: str) -> str:
    households = numbers(result.sites, "households")
    # The study still holds what was left out for being a case to compare with.
    compared = len(result.study.sites) - len(result.sites)
    stated = int(households.notna().sum())
    told = say(lang, "find_households", stated=stated, households=households.sum())
    return say(
        lang,
        "find_counts",
        sites=len(result.sites),
        sites_known=_known(result.sites),
        origins=len(result.origins),
        origins_known=_known(result.origins),
        pairs=len(result.pairs),
        households=told if stated else say(lang, "find_no_households"),
        compared=say(lang, "find_compared", n=compared) if compared > 0 else "",
    )


def _distances(result: Result, lang: str) -> str:
    value = numbers(result.pairs, "geodesic_km")
    known = value.dropna()
    if known.empty:
        return aside(result, "flows", lang) or say(lang, "find_no_distances")
    low, high = numbers(result.pairs, "geodesic_low_km"), numbers(result.pairs, "geodesic_high_km")
    half = ((high - low) / 2)[value.notna()].to_numpy()
    typical = float(np.median(half))
    without = int((~radius_stated_of_pairs(result)[value.notna()]).sum())
    unstated = "find_unstated_all" if without == len(known) and not half.any() else "find_unstated"
    return say(
        lang,
        "find_distances" if typical > 0 else "find_distances_exact",
        n=len(known),
        pairs=len(value),
        median=number(float(known.median()), typical),
        least=number(float(known.min()), float(half[known.to_numpy().argmin()])),
        most=number(float(known.max()), float(half[known.to_numpy().argmax()])),
        half=number(typical, typical),
        unstated=say(lang, unstated, n=without) if without else "",
    )


def _farthest(result: Result, lang: str) -> str:
    value = numbers(result.pairs, "geodesic_km")
    if int(value.notna().sum()) < 2:
        return say(lang, "find_no_farthest")
    low, high = (
        numbers(result.pairs, f"geodesic_{end}_km").fillna(value) for end in ("low", "high")
    )
    # By place in the table, for a way walked in two years stands there twice; it is no rival of
    # itself.
    at = int(np.flatnonzero(value.to_numpy() == value.max())[-1])
    first: Any = value.index[at]
    others = np.asarray(value.notna() & (value.index != first))
    rivals = int((high[others] >= low.iloc[at]).sum())
    ends = (float(low.iloc[at]), float(high.iloc[at]))
    least, most = (number(end, (ends[1] - ends[0]) / 2) for end in ends)
    return say(
        lang,
        "find_farthest_unclear" if rivals else "find_farthest",
        origin=name_of(result.origins, first[0]),
        site=name_of(result.sites, first[1]),
        range=say(lang, "find_between", low=least, high=most) if least != most else least,
        positions=positions_said(
            lang, radius_stated_of_pairs(result)[value.notna()], ranged=bool((low < high).any())
        ),
        n=rivals,
    )


def _farming(result: Result, lang: str) -> str:
    low, high = numbers(result.pairs, "geodesic_low_km"), numbers(result.pairs, "geodesic_high_km")
    known = low.notna()
    if not known.any():
        return say(lang, "find_no_farming")
    radius = result.study.settings.remoteness.farming_radius_km["motor"]
    stated, wide = radius_stated_of_pairs(result)[known], bool((low < high).any())
    return say(
        lang,
        "find_farming" if wide or stated.all() else "find_farming_given",
        n=int(known.sum()),
        beyond=int((low[known] > radius).sum()),
        within=int((high[known] <= radius).sum()),
        open=int(((low[known] <= radius) & (high[known] > radius)).sum()),
        radius=f"{radius:g}",
        positions=positions_said(lang, stated, ranged=wide),
    )


def _units(result: Result, lang: str) -> str:
    probability = numbers(result.sites, "admin_probability").dropna()
    if probability.empty:
        none = result.study.boundaries is None or result.study.boundaries.empty
        return aside(result, "boundaries", lang) or say(
            lang, "find_no_boundaries" if none else "find_no_units"
        )
    sure = probability >= _SURE
    stated = radius_stated(result.sites)[probability.index]
    given = not stated.any() and bool(sure.all())
    level = level_name(lang, finest_level(result))
    text = say(
        lang,
        "find_units_given" if given else "find_units",
        sure=int(sure.sum()),
        n=len(probability),
        unsure=int((~sure).sum()),
        level=level,
    )
    if not given and not stated.all():
        text += say(lang, "find_units_partly", n=int((~stated).sum()))
    if outside := _known(result.sites) - len(probability):
        text += say(lang, "find_units_outside", n=outside, level=level)
    agrees = (
        result.sites["admin_agrees"].astype("boolean")
        if "admin_agrees" in result.sites
        else pd.Series(dtype=bool)
    )
    # Where nothing is declared, none can differ, and a 0 would say that all agree.
    return (
        text + say(lang, "find_units_differ", differs=int((~agrees.dropna()).sum()))
        if agrees.notna().any()
        else text
    )


def _green(result: Result, lang: str) -> str:
    """Say which sites lie in the oasis, and how large it is."""
    return say(lang, "sentence_gap").join([_in_oasis(result, lang), _oasis(result, lang)])


def _in_oasis(result: Result, lang: str) -> str:
    edge = numbers(result.sites, "oasis_edge_km")
    low, high = (
        numbers(result.sites, "oasis_edge_low_km"),
        numbers(result.sites, "oasis_edge_high_km"),
    )
    known = edge.notna()
    if not known.any():
        return aside(result, "oasis", lang) or say(lang, "find_no_oasis")
    inside, outside = (high.fillna(edge) < 0)[known], (low.fillna(edge) > 0)[known]
    stated = radius_stated(result.sites)[known]
    return say(
        lang,
        "find_in_oasis" if stated.any() else "find_in_oasis_given",
        inside=int(inside.sum()),
        outside=int(outside.sum()),
        open=int((~inside & ~outside).sum()),
        n=int(known.sum()),
        positions=positions_said(lang, stated, ranged=bool(stated.any())),
    )


def _oasis(result: Result, lang: str) -> str:
    shares = [share for share in oasis_shares(result) if share.derived]
    if not shares:
        return say(lang, "find_no_oasis_area")
    # The unit with a printed figure is the one a reader will ask about; else the one with most
    # oasis.
    chosen = max(shares, key=lambda share: (len(share.printed), max(share.derived.values())))

    def listed(values: tuple[float, ...]) -> str:
        return "-".join(dict.fromkeys(number(value) for value in (min(values), max(values))))

    return say(
        lang,
        "find_oasis" if len(chosen.derived) > 1 else "find_oasis_one",
        unit=chosen.name,
        low=number(min(chosen.derived.values())),
        high=number(max(chosen.derived.values())),
        published=say(lang, "find_oasis_published", share=listed(chosen.published))
        if chosen.published
        else "",
        printed=say(lang, "find_oasis_printed", share=listed(chosen.printed))
        if chosen.printed
        else "",
    )


def _land(result: Result, lang: str) -> str:
    development = result.study.development
    if development is None or development.empty:
        return aside(result, "development", lang) or say(lang, "find_no_land")
    declared = numbers(development, "declared_ha")
    stated = int(declared.notna().sum())
    leased = numbers(result.land, "leased_ha").sum() or numbers(development, "leased_ha").sum()
    leases = (
        say(lang, "find_leased", ha=number(float(leased)))
        if leased
        else say(lang, "find_no_leased")
    )
    basis = (
        development["geometry_basis"]
        if "geometry_basis" in development
        else pd.Series("", development.index)
    )
    drawn = declared[basis.astype(str) == "illustrative"]
    key = (
        "find_land"
        if stated == len(development)
        else "find_land_some"
        if stated
        else "find_land_none"
    )
    text = say(
        lang,
        key,
        declared=number(float(declared.sum())),
        stated=stated,
        n=len(development),
        kinds=development["kind"].nunique() if "kind" in development else 1,
        leased=leases,
    )
    made_up = drawn.notna().any()
    return text + say(lang, "find_illustrative", ha=number(float(drawn.sum()))) if made_up else text


def _declared(result: Result, lang: str) -> str:
    stated = numbers(result.pairs, "declared_km")
    flags = (
        result.pairs["flags"].fillna("").astype(str)
        if "flags" in result.pairs
        else pd.Series("", result.pairs.index)
    )
    circular = flags.str.contains("used_to_place")
    usable = stated.notna() & numbers(result.pairs, "geodesic_km").notna() & ~circular
    if not stated.notna().any():
        return say(lang, "find_no_declared")
    ratio = (stated / numbers(result.pairs, "geodesic_km"))[usable]
    placed = int((stated.notna() & circular).sum())
    text = say(
        lang,
        "find_declared",
        stated=int(stated.notna().sum()),
        usable=int(usable.sum()),
        circular=placed,
        alone=int(stated.notna().sum()) - int(usable.sum()) - placed,
    )
    if ratio.empty:
        return text
    short = int((usable & flags.str.contains("declared_shorter_than_straight")).sum())
    key = "find_declared_one" if len(ratio) == 1 else "find_declared_ratio"
    return text + say(lang, key, ratio=number(float(ratio.median()), 0, 2), short=short)


def _doubts(result: Result, lang: str) -> str:
    severities = (
        result.problems["severity"].value_counts()
        if "severity" in result.problems
        else pd.Series(dtype=int)
    )
    listed = say(lang, "comma").join(
        say(lang, "counted", n=int(severities[name]), what=say(lang, f"severities_{name}"))
        for name in ("fatal", "error", "warning", "note")
        if severities.get(name, 0)
    )
    aside = sum(int(counts.get("rows_set_aside", 0)) for counts in result.study.ledger.values())
    told = say(lang, "find_doubts", aside=aside, problems=listed or say(lang, "none"))
    return say(lang, "sentence_gap").join([" ".join(claims_said(result, lang)[:1]), told])


FINDINGS: Final[tuple[Callable[[Result, str], str], ...]] = (
    _counts,
    _distances,
    _farthest,
    _farming,
    _units,
    change_finding,
    _green,
    _land,
    _declared,
    _doubts,
)
