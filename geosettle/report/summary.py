"""The findings of a run: at most ten short paragraphs, each computed from the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.analysis import UNKNOWN, Result
from geosettle.cells import numbers
from geosettle.distance import has_flag
from geosettle.results import drawn_pairs, headline_of, in_scope, name_of, number, oasis_shares
from geosettle.results.given import (
    aside,
    finest_level,
    level_name,
    radius_stated,
    radius_stated_of_pairs,
    widest_radius,
)
from geosettle.results.sentences import change_finding, claims_sentences, headline_sentence
from geosettle.words import all_of, say, sentences

_MOST: Final = 10
"""Findings that are printed at most; those of which a reader asks first come first."""
_SURE: Final = 0.95
_MOST_NAMED: Final = 3
_OF_ALL_SITES: Final = {
    "find_inside": "find_all_inside",
    "find_outside": "find_all_outside",
    "find_edge_open": "find_all_open",
}
"""What is said of some sites, to what is said where it holds for all."""


def summary_lines(result: Result, lang: str = "en") -> list[str]:
    """Say what was found, at most ten paragraphs; none for what the study cannot answer.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    lang
        Language of the sentences.

    Returns
    -------
    list of str
        Plain text.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> 3 <= len(summary_lines(result)) <= 10
    True
    """
    studied = in_scope(result)
    return [line for finding in FINDINGS if (line := finding(studied, lang))][:_MOST]


def _known(frame: pd.DataFrame) -> int:
    return int(frame["geometry"].notna().sum()) if "geometry" in frame else 0


def _rounds(result: Result, lang: str) -> str:
    """Sites and households from one survey date to the next; nothing for one date."""
    lines = []
    for _, row in result.round_units.iterrows():
        if row["level"] != "all":
            continue
        values = {k: int(row[k]) for k in ("sites_before", "sites", "new", "closed", "moved")}
        dates = {k: row[k] for k in ("date_before", "date")}
        lines.append(say(lang, "find_rounds", **dates, **values))
        if pd.notna(row["households_before"]) and pd.notna(row["households"]):
            before, after = round(row["households_before"]), round(row["households"])
            lines.append(say(lang, "find_round_households", before=before, after=after))
    return sentences(lang, *lines)


def _counts(result: Result, lang: str) -> str:
    located = [
        say(lang, "located_of", what=say(lang, key, n=len(frame)), n=_known(frame))
        for key, frame in (("n_sites", result.sites), ("n_origins_of", result.origins))
        if len(frame)
    ]
    moves = [say(lang, "n_moves", n=len(result.pairs))] if len(result.pairs) else []
    households = numbers(result.sites, "households")
    stated = int(households.notna().sum())
    total = say(lang, "households_n", n=round(float(households.sum())))
    # The study still holds what was left out for being a case to compare with.
    compared = len(result.study.sites) - len(result.sites)
    return sentences(
        lang,
        say(lang, "find_counts", parts=all_of(lang, [*located, *moves])) if located else "",
        say(lang, "find_households", n=stated, households=total) if stated else "",
        say(lang, "find_compared", n=compared) if compared > 0 else "",
    )


def _distances(result: Result, lang: str) -> str:
    """Say the median distance of those who moved: the number that map and chart show too."""
    found = headline_of(result)
    if found is None:
        none = say(lang, "find_no_distances") if len(result.pairs) else ""
        return aside(result, "flows", lang) or none
    value = numbers(result.pairs, "geodesic_km")
    without = int((~radius_stated_of_pairs(result)[value.notna()]).sum())
    stated = radius_stated(result.sites).any() or radius_stated(result.origins).any()
    unstated = "find_unstated" if stated else "find_unstated_all"
    return sentences(
        lang,
        headline_sentence(found, lang),
        say(lang, "find_distances_cover", n=found.n, pairs=found.of) if found.n < found.of else "",
        say(lang, unstated, n=without) if without else "",
    )


def _farthest(result: Result, lang: str) -> str:
    value = numbers(drawn_pairs(result), "geodesic_km")
    if int(value.notna().sum()) < 2:
        return ""
    low, high = (
        numbers(result.pairs, f"geodesic_{end}_km").fillna(value) for end in ("low", "high")
    )
    # By row of the table, because a move of two years has two rows; it is no rival of itself.
    at = int(np.flatnonzero(value.to_numpy() == value.max())[-1])
    first: Any = value.index[at]
    others = np.asarray(value.notna() & (value.index != first))
    rivals = int((high[others] >= low.iloc[at]).sum())
    ends = (float(low.iloc[at]), float(high.iloc[at]))
    half = (ends[1] - ends[0]) / 2
    least, middle, most = (number(km, half) for km in (ends[0], float(value.iloc[at]), ends[1]))
    stated = radius_stated_of_pairs(result)[value.notna()]
    certain = "find_farthest_true" if stated.all() else "find_farthest_partly"
    return sentences(
        lang,
        say(
            lang,
            "find_farthest",
            origin=name_of(result.origins, first[0]),
            site=name_of(result.sites, first[1]),
            range=say(lang, "km_range", value=middle, low=least, high=most)
            if least != most
            else say(lang, "km_only", value=middle),
        ),
        say(lang, "find_farthest_rivals", n=rivals) if rivals else "",
        say(lang, certain) if not rivals and bool((low < high).any()) else "",
    )


def _farming(result: Result, lang: str) -> str:
    low, high = numbers(result.pairs, "geodesic_low_km"), numbers(result.pairs, "geodesic_high_km")
    known = low.notna()
    widest = widest_radius(result, lang)
    if not known.any() or widest is None:
        return ""
    mode, radius = widest
    surely = say(lang, "surely") if radius_stated_of_pairs(result)[known].all() else ""
    beyond, within = (low[known] > radius).sum(), (high[known] <= radius).sum()
    about = {"of": int(known.sum()), "radius": radius, "mode": mode, "surely": surely}
    rest = int(known.sum()) - int(beyond) - int(within)
    return sentences(
        lang,
        say(lang, "find_farming_beyond", n=int(beyond), **about) if beyond else "",
        say(lang, "find_farming_within", n=int(within), **about) if within else "",
        say(lang, "find_farming_open", n=rest) if rest else "",
    )


def _units(result: Result, lang: str) -> str:
    probability = numbers(result.sites, "admin_probability").dropna()
    if probability.empty:
        return aside(result, "boundaries", lang)
    sure = probability >= _SURE
    stated = radius_stated(result.sites)[probability.index]
    given = not stated.any() and bool(sure.all())
    level = level_name(lang, finest_level(result))
    located = say(lang, "n_located", n=len(probability))
    partly = not given and not stated.all()
    outside = _known(result.sites) - len(probability)
    agrees = (
        result.sites["admin_agrees"].astype("boolean").fillna(value=True)
        if "admin_agrees" in result.sites
        else pd.Series(dtype=bool)
    )
    differing = [name_of(result.sites, key) for key in agrees.index[~agrees]]
    return sentences(
        lang,
        say(lang, "find_units_given", n=len(probability), level=level)
        if given
        else say(lang, "find_units_all", n=len(sure), level=level)
        if sure.all()
        else say(lang, "find_units", n=int(sure.sum()), sites=located, level=level),
        say(lang, "find_units_partly", n=int((~stated).sum())) if partly else "",
        say(lang, "find_units_outside", n=outside, level=level) if outside else "",
        say(lang, "find_units_differ", n=len(differing), names=_named(lang, differing))
        if differing
        else "",
    )


def _named(lang: str, names: list[str]) -> str:
    """Name the first of several, and count the rest."""
    shown = say(lang, "list_comma").join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return say(lang, "names_and_more", names=shown, n=rest) if rest > 0 else shown


def _green(result: Result, lang: str) -> str:
    """Say which sites are in the oasis, and how large it is."""
    return sentences(lang, _in_oasis(result, lang), _oasis(result, lang))


def _in_oasis(result: Result, lang: str) -> str:
    edge = numbers(result.sites, "oasis_edge_km")
    low, high = (
        numbers(result.sites, "oasis_edge_low_km"),
        numbers(result.sites, "oasis_edge_high_km"),
    )
    known = edge.notna()
    if not known.any():
        return aside(result, "oasis", lang)
    inside, outside = (high.fillna(edge) < 0)[known], (low.fillna(edge) > 0)[known]
    surely = say(lang, "surely") if radius_stated(result.sites)[known].all() else ""
    counts = {
        "find_inside": inside.sum(),
        "find_outside": outside.sum(),
        "find_edge_open": (~inside & ~outside).sum(),
    }
    for key, of_all in _OF_ALL_SITES.items():
        if counts[key] == known.sum():
            return say(lang, of_all, n=int(counts[key]), surely=surely)
    return say(
        lang,
        "find_in_oasis",
        sites=say(lang, "n_located", n=int(known.sum())),
        parts=all_of(
            lang, [say(lang, k, n=n, surely=surely) for k, n in counts.items() if n], "clause"
        ),
    )


def _oasis(result: Result, lang: str) -> str:
    shares = [share for share in oasis_shares(result) if share.derived]
    if not shares:
        return ""
    # The unit with a printed figure is the one a reader will ask about; else the one with most
    # oasis.
    chosen = max(shares, key=lambda share: (len(share.printed), max(share.derived.values())))

    def listed(values: tuple[float, ...]) -> str:
        return "-".join(dict.fromkeys(number(value) for value in (min(values), max(values))))

    low, high = (number(end(chosen.derived.values())) for end in (min, max))
    key = "find_oasis" if low != high else "find_oasis_one"
    published, printed = chosen.published, chosen.printed
    return sentences(
        lang,
        say(lang, key, unit=chosen.name, low=low, high=high),
        say(lang, "find_oasis_published", share=listed(published)) if published else "",
        say(lang, "find_oasis_printed", share=listed(printed)) if printed else "",
    )


def _land(result: Result, lang: str) -> str:
    """Sum the land of the sites, which includes what a site reports without any parcel."""
    development = result.study.development
    parcels = development if development is not None else pd.DataFrame()
    declared = numbers(parcels, "declared_ha")
    own = numbers(result.land, "declared_ha").where(lambda ha: ha > 0).dropna()
    total = float(own.sum()) or float(declared.sum())
    if not total and parcels.empty:
        return aside(result, "development", lang)
    stated = int(declared.notna().sum())
    basis = parcels.get("geometry_basis", pd.Series("", parcels.index)).astype(str)
    drawn = "illustrative" in set(basis)
    alone = own[numbers(result.land, "mapped_ha").reindex(own.index).isna()]
    # A site without any mapped land, and of the others the parcels that are only illustrated.
    elsewhere = (basis == "illustrative") & ~parcels.get("site_id", basis).isin(alone.index)
    unplaced = float(alone.sum()) + float(declared[elsewhere].sum())
    leased = float(numbers(result.land, "leased_ha").sum() or numbers(parcels, "leased_ha").sum())
    largest = own.sort_values(ascending=False, kind="stable")
    places = [
        say(lang, "land_at", ha=_hectares(float(ha)), site=name_of(result.sites, site))
        for site, ha in largest.items()
    ]
    only = name_of(result.sites, largest.index[0]) if len(own) == 1 else ""
    return sentences(
        lang,
        say(lang, "find_land_one", ha=_hectares(total), site=only)
        if only
        else say(
            lang,
            "find_land",
            ha=_hectares(total),
            sites=say(lang, "n_sites", n=len(own)),
            list=_named(lang, places),
        )
        if len(own)
        else say(lang, "find_land_parcels", ha=_hectares(total), n=stated)
        if total
        else "",
        say(lang, "find_land_unstated", n=len(parcels) - stated) if stated < len(parcels) else "",
        say(lang, "find_unplaced_all")
        if unplaced and unplaced == total
        else say(lang, "find_unplaced", ha=_hectares(unplaced))
        if unplaced
        else "",
        say(lang, "find_shapes") if drawn else "",
        say(lang, "find_leased", ha=_hectares(leased)) if leased else "",
    )


def _hectares(area: float) -> str:
    """Write an area, from a hundred hectares on without decimals."""
    return number(area, most=0 if area >= 100 else 1)


def _declared(result: Result, lang: str) -> str:
    stated = numbers(result.pairs, "declared_km")
    circular = has_flag(result.pairs, "used_to_place")
    usable = stated.notna() & numbers(result.pairs, "geodesic_km").notna() & ~circular
    if not stated.notna().any():
        return ""
    ratio = (stated / numbers(result.pairs, "geodesic_km"))[usable]
    counts = {
        "find_declared_short": usable & has_flag(result.pairs, "declared_shorter_than_straight"),
        "find_declared_circular": stated.notna() & circular,
        "find_declared_alone": stated.notna() & ~circular & ~usable,
    }
    key = "find_declared_one" if len(ratio) == 1 else "find_declared_ratio"
    return sentences(
        lang,
        say(lang, "find_declared", n=int(stated.notna().sum())),
        say(lang, key, n=len(ratio), ratio=number(float(ratio.median()), 0, 2))
        if len(ratio)
        else "",
        *(say(lang, name, n=int(rows.sum())) for name, rows in counts.items() if rows.any()),
    )


def _doubts(result: Result, lang: str) -> str:
    severities = (
        result.problems["severity"].value_counts()
        if "severity" in result.problems
        else pd.Series(dtype=int)
    )
    listed = [
        say(lang, f"severities_{name}", n=int(severities[name]))
        for name in ("fatal", "error", "warning", "note")
        if severities.get(name, 0)
    ]
    lost = sum(int(counts.get("rows_set_aside", 0)) for counts in result.study.ledger.values())
    given = result.study.claims is not None or aside(result, "claims", lang)
    claims = claims_sentences(result, lang)[:1] if given else []
    return sentences(
        lang,
        *claims,
        say(lang, "find_doubts", n=lost) if lost else "",
        say(lang, "find_problems", problems=all_of(lang, listed)) if listed else "",
    )


def _between(result: Result, lang: str) -> str:
    """Say how many stayed within one unit, and the largest stream between two, coarsest level."""
    if result.moves.empty or "within" not in result.moves:
        return ""
    rows = result.moves[result.moves["level"] == result.moves["level"].iloc[0]]
    found = headline_of(result)
    by = "households" if found is not None and found.weighting == "households" else "moves"
    count = numbers(rows, by)
    level = level_name(lang, str(rows["level"].iloc[0]))
    within = float(count[rows["within"]].sum())
    named = rows[~rows["within"] & (numbers(rows, by) > 0)]
    named = named[(named["origin_unit"] != UNKNOWN) & (named["site_unit"] != UNKNOWN)]
    first = named.iloc[0] if len(named) and named[by].iloc[0] > 1 else None
    return sentences(
        lang,
        say(lang, f"find_within_{by}", n=round(within), of=round(float(count.sum())), level=level)
        if within
        else "",
        say(
            lang,
            f"find_between_{by}",
            origin=first["origin_unit"],
            site=first["site_unit"],
            n=round(float(first[by])),
        )
        if first is not None
        else "",
    )


FINDINGS: Final[tuple[Callable[[Result, str], str], ...]] = (
    _rounds,
    _counts,
    _distances,
    _between,
    _farthest,
    _farming,
    _units,
    change_finding,
    _green,
    _land,
    _doubts,
    _declared,
)
