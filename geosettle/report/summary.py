"""The findings of a run in ten plain sentences, each computed from the result, in neutral words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.analysis import Result
from geosettle.report.tables import round_to
from geosettle.report.words import say

__all__ = ["FINDINGS", "OasisShare", "oasis_shares", "summary_lines"]

_FARMING_RADIUS_KM: Final = 4.0
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


def in_scope(result: Result) -> Result:
    """Leave out sites and origins that a `scope` column names for comparison only, with their moves."""
    sites, origins = (
        frame[frame["scope"].astype(str) == "study"] if "scope" in frame else frame
        for frame in (result.sites, result.origins)
    )
    pairs = result.pairs[
        result.pairs.index.get_level_values("site_id").isin(sites.index)
        & result.pairs.index.get_level_values("origin_id").isin(origins.index)
    ]
    return replace(result, sites=sites, origins=origins, pairs=pairs)


def numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as floats, missing where it is not there or not a number."""
    column = frame[name] if name in frame else pd.Series(np.nan, frame.index)
    return pd.to_numeric(column, errors="coerce").astype(float)


def number(value: float, uncertainty: float = 0.0, most: int = 1) -> str:
    """Write a number with the digits its uncertainty carries, at most `most` decimals.

    Examples
    --------
    >>> number(12345.678), number(123.456, 10), number(2.0)
    ('12,345.7', '123', '2')
    """
    rounded = float(round_to(value, uncertainty, most))
    return f"{rounded:,.{most}f}".rstrip("0").rstrip(".") if most > 0 else f"{rounded:,.0f}"


def flat(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a frame whose named index levels are columns."""
    extra = [name for name in frame.index.names if name is not None and name not in frame.columns]
    made = pd.DataFrame(frame.reset_index(level=extra) if extra else frame.reset_index(drop=True))
    for name in columns:
        if name not in made:
            made[name] = np.nan
    return made


def name_of(frame: pd.DataFrame, key: object) -> str:
    """Return the name of a row, its identifier where it has none."""
    name = frame["name"].get(key) if "name" in frame else None
    return str(name) if isinstance(name, str) and name.strip() else str(key)


def _known(frame: pd.DataFrame) -> int:
    return int(frame["geometry"].notna().sum()) if "geometry" in frame else 0


def _counts(result: Result, lang: str) -> str:
    households = numbers(result.sites, "households")
    # The study still holds what was left out for being a case to compare with.
    compared = len(result.study.sites) - len(result.sites)
    return say(
        lang,
        "find_counts",
        sites=len(result.sites),
        sites_known=_known(result.sites),
        origins=len(result.origins),
        origins_known=_known(result.origins),
        pairs=len(result.pairs),
        households=f"{households.sum():,.0f}",
        stated=int(households.notna().sum()),
        compared=say(lang, "find_compared", n=compared) if compared > 0 else "",
    )


def _distances(result: Result, lang: str) -> str:
    value = numbers(result.pairs, "geodesic_km")
    known = value.dropna()
    if known.empty:
        return say(lang, "find_no_distances")
    low, high = numbers(result.pairs, "geodesic_low_km"), numbers(result.pairs, "geodesic_high_km")
    half = ((high - low) / 2)[value.notna()].to_numpy()
    typical = float(np.median(half))
    return say(
        lang,
        "find_distances",
        n=len(known),
        pairs=len(value),
        median=number(float(known.median()), typical),
        least=number(float(known.min()), float(half[known.to_numpy().argmin()])),
        most=number(float(known.max()), float(half[known.to_numpy().argmax()])),
        half=number(typical, typical),
    )


def _farthest(result: Result, lang: str) -> str:
    value = numbers(result.pairs, "geodesic_km").dropna().sort_values(kind="stable")
    if len(value) < 2:
        return say(lang, "find_no_farthest")
    low, high = numbers(result.pairs, "geodesic_low_km"), numbers(result.pairs, "geodesic_high_km")
    first: Any = value.index[-1]
    others = high.drop(index=first)
    rivals = int((others >= low[first]).sum())
    return say(
        lang,
        "find_farthest_unclear" if rivals else "find_farthest",
        origin=name_of(result.origins, first[0]),
        site=name_of(result.sites, first[1]),
        low=number(float(low[first]), float(high[first] - low[first]) / 2),
        high=number(float(high[first]), float(high[first] - low[first]) / 2),
        n=rivals,
    )


def _farming(result: Result, lang: str) -> str:
    low, high = numbers(result.pairs, "geodesic_low_km"), numbers(result.pairs, "geodesic_high_km")
    known = low.notna()
    if not known.any():
        return say(lang, "find_no_farming")
    chosen = result.study.settings.get("remoteness", {}).get("farming_radius_km", {})
    radius = float(chosen.get("motor", _FARMING_RADIUS_KM))
    return say(
        lang,
        "find_farming",
        n=int(known.sum()),
        beyond=int((low[known] > radius).sum()),
        within=int((high[known] <= radius).sum()),
        radius=f"{radius:g}",
    )


def _units(result: Result, lang: str) -> str:
    probability = numbers(result.sites, "admin_probability").dropna()
    if probability.empty:
        return say(lang, "find_no_units")
    sure = probability >= _SURE
    declared = result.sites["admin_agrees"] if "admin_agrees" in result.sites else pd.Series(dtype=object)
    return say(
        lang,
        "find_units",
        sure=int(sure.sum()),
        n=len(probability),
        unsure=int((~sure).sum()),
        differs=int((declared.astype("boolean") == False).sum()),  # noqa: E712  (missing is neither)
    )


def _in_oasis(result: Result, lang: str) -> str:
    edge = numbers(result.sites, "oasis_edge_km")
    low, high = numbers(result.sites, "oasis_edge_low_km"), numbers(result.sites, "oasis_edge_high_km")
    known = edge.notna()
    if not known.any():
        return say(lang, "find_no_oasis")
    inside, outside = (high.fillna(edge) < 0)[known], (low.fillna(edge) > 0)[known]
    return say(
        lang,
        "find_in_oasis",
        inside=int(inside.sum()),
        outside=int(outside.sum()),
        open=int((~inside & ~outside).sum()),
        n=int(known.sum()),
    )


@dataclass(frozen=True)
class OasisShare:
    """Oasis of one unit, percent of its area: derived per setting, published elsewhere, printed by a claim."""

    name: str
    derived: Mapping[str, float]
    published: tuple[float, ...]
    printed: tuple[float, ...]


def oasis_shares(result: Result) -> list[OasisShare]:
    """Return the oasis shares of every unit, by code; a published area is divided by the unit's own area."""
    frame = result.oasis
    if frame.empty or "share_percent" not in frame:
        return []
    made = []
    for _, rows in frame.groupby("code", sort=True):
        derived = rows.drop_duplicates("setting").set_index("setting")["share_percent"]
        published = numbers(rows, "published")
        area = rows["quantity"] == "area_km2"
        published = published.where(~area, published / numbers(rows, "unit_area_km2") * 100)
        claimed = rows["claim"].fillna("").astype(str) != ""
        made.append(
            OasisShare(
                str(rows["name"].iloc[0]),
                {str(setting): float(share) for setting, share in derived.items()},
                tuple(sorted(set(published[~claimed].dropna()))),
                tuple(sorted(set(published[claimed].dropna()))),
            )
        )
    return made


def _oasis(result: Result, lang: str) -> str:
    shares = [share for share in oasis_shares(result) if share.derived]
    if not shares:
        return say(lang, "find_no_oasis_area")
    # The unit with a printed figure is the one a reader will ask about; else the one with most oasis.
    chosen = max(shares, key=lambda share: (len(share.printed), max(share.derived.values())))

    def listed(values: tuple[float, ...]) -> str:
        return "-".join(dict.fromkeys(number(value) for value in (min(values), max(values))))

    return say(
        lang,
        "find_oasis" if len(chosen.derived) > 1 else "find_oasis_one",
        unit=chosen.name,
        low=number(min(chosen.derived.values())),
        high=number(max(chosen.derived.values())),
        published=say(lang, "find_oasis_published", share=listed(chosen.published)) if chosen.published else "",
        printed=say(lang, "find_oasis_printed", share=listed(chosen.printed)) if chosen.printed else "",
    )


def _land(result: Result, lang: str) -> str:
    development = result.study.development
    if development is None or development.empty:
        return say(lang, "find_no_land")
    declared = numbers(development, "declared_ha")
    leased = numbers(result.land, "leased_ha").sum() or numbers(development, "leased_ha").sum()
    basis = development["geometry_basis"] if "geometry_basis" in development else pd.Series("", development.index)
    return say(
        lang,
        "find_land",
        declared=number(float(declared.sum())),
        n=len(development),
        kinds=development["kind"].nunique() if "kind" in development else 1,
        leased=number(float(leased)),
        illustrative=number(float(declared[basis.astype(str) == "illustrative"].sum())),
    )


def _declared(result: Result, lang: str) -> str:
    stated = numbers(result.pairs, "declared_km")
    flags = (
        result.pairs["flags"].fillna("").astype(str) if "flags" in result.pairs else pd.Series("", result.pairs.index)
    )
    circular = flags.str.contains("used_to_place")
    usable = stated.notna() & numbers(result.pairs, "geodesic_km").notna() & ~circular
    if not stated.notna().any():
        return say(lang, "find_no_declared")
    ratio = (stated / numbers(result.pairs, "geodesic_km"))[usable]
    return say(
        lang,
        "find_declared",
        stated=int(stated.notna().sum()),
        usable=int(usable.sum()),
        circular=int((stated.notna() & circular).sum()),
        short=int((usable & flags.str.contains("declared_shorter_than_straight")).sum()),
        ratio=number(float(ratio.median()), 0, 2) if len(ratio) else say(lang, "missing"),
    )


def _doubts(result: Result, lang: str) -> str:
    verdicts: Any = result.claims["verdict"].value_counts() if "verdict" in result.claims else pd.Series(dtype=int)
    listed = ", ".join(
        f"{verdict} {n}" for verdict, n in sorted(verdicts.items(), key=lambda item: (-item[1], str(item[0])))
    )
    aside = sum(int(counts.get("rows_set_aside", 0)) for counts in result.study.ledger.values())
    return say(
        lang,
        "find_doubts",
        claims=len(result.claims),
        verdicts=f" ({listed})" if listed else "",
        aside=aside,
        problems=len(result.problems),
    )


FINDINGS: Final[tuple[Callable[[Result, str], str], ...]] = (
    _counts,
    _distances,
    _farthest,
    _farming,
    _units,
    _in_oasis,
    _oasis,
    _land,
    _declared,
    _doubts,
)
