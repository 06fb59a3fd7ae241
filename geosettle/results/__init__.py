"""Reading a result: numbers of a column, names of rows, the part that the study is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geosettle import study
from geosettle.analysis import MedianDistance, Result, median_distance, moves_of
from geosettle.cells import numbers
from geosettle.tables import round_to

__all__ = [
    "OasisShare",
    "drawn_of",
    "drawn_pairs",
    "flat",
    "in_scope",
    "name_of",
    "number",
    "oasis_shares",
    "title_of",
]


def in_scope(result: Result) -> Result:
    """Leave out sites and origins that a `scope` column marks as comparison only.

    Their moves are left out too.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.

    Returns
    -------
    Result
        The same, with fewer sites, origins and pairs.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> len(in_scope(result).sites) <= len(result.sites)
    True
    """
    sites, origins = (f[study.in_scope(f)] for f in (result.sites, result.origins))
    index, flows = result.pairs.index, result.study.flows
    about = index.get_level_values("site_id").isin(sites.index) & index.get_level_values(
        "origin_id"
    ).isin(origins.index)
    if flows is not None and len(flows):
        key = pd.MultiIndex.from_frame(flows[["origin_id", "site_id"]])
        inside = study.in_scope(flows).to_numpy()
        about &= ~index.isin(key[~inside]) | index.isin(key[inside])
    pairs = result.pairs[about]
    return replace(result, sites=sites, origins=origins, pairs=pairs)


def headline_of(result: Result) -> MedianDistance | None:
    """Median distance of those who moved; of a result made by hand, without an interval."""
    if result.headline is not None or result.pairs.empty:
        return result.headline
    own = in_scope(result)
    level = result.study.settings.distance.level
    moves = moves_of(own.pairs, own.sites, own.origins, None, pd.DataFrame(), level=level)
    return median_distance(moves)


def drawn_pairs(result: Result) -> pd.DataFrame:
    """Give each pair the median of its simulated distances, where its locations are uncertain.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.

    Returns
    -------
    DataFrame
        The pairs; `geodesic_km` is the median of the draws that its interval is of. Between fixed
        positions, and without draws, it is the distance itself.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> float(drawn_pairs(result)["geodesic_km"].max()) > 0
    True
    """
    drawn = drawn_of(result)
    own = drawn[drawn["metric"] == "geodesic"] if len(drawn) else drawn
    if own.empty:
        return result.pairs
    median = own.set_index(["origin_id", "site_id"])["median"].reindex(result.pairs.index)
    stated = numbers(result.pairs, "geodesic_km")
    return result.pairs.assign(geodesic_km=median.to_numpy(float)).fillna({"geodesic_km": stated})


def drawn_of(result: Result) -> pd.DataFrame:
    """Return the intervals that have a width: one row per origin, site and measure.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.

    Returns
    -------
    DataFrame
        Rows of `result.intervals` with a plain index; no rows where there are none.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> bool((drawn_of(result)["low"] < drawn_of(result)["high"]).all())
    True
    """
    rows = flat(result.intervals, "low", "median", "high")
    if "metric" not in rows:
        return rows.iloc[:0]
    rows = rows[numbers(rows, "low") < numbers(rows, "high")]
    return rows.drop_duplicates(["origin_id", "site_id", "metric"])  # flows of several years


def number(value: float, uncertainty: float = 0.0, most: int = 1) -> str:
    """Write a number with the digits its uncertainty carries, at most `most` decimals.

    Parameters
    ----------
    value, uncertainty
        In one unit; an uncertainty of 0 or NaN is none.
    most
        Most decimals.

    Returns
    -------
    str
        With commas between thousands.

    Examples
    --------
    >>> number(12345.678), number(123.456, 10), number(2.0)
    ('12,345.7', '123', '2')
    """
    rounded = float(round_to(value, uncertainty, most))
    return f"{rounded:,.{most}f}".rstrip("0").rstrip(".") if most > 0 else f"{rounded:,.0f}"


def flat(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a frame whose named index levels are columns.

    Parameters
    ----------
    frame
        Any frame.
    *columns
        Added, empty, where it does not have them.

    Returns
    -------
    DataFrame
        With a plain index.

    Examples
    --------
    >>> list(flat(pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="id")), "b"))
    ['id', 'a', 'b']
    """
    extra = [name for name in frame.index.names if name is not None and name not in frame.columns]
    made = pd.DataFrame(frame.reset_index(level=extra) if extra else frame.reset_index(drop=True))
    for name in columns:
        if name not in made:
            made[name] = np.nan
    return made


def name_of(frame: pd.DataFrame, key: object) -> str:
    """Return the name of a row, its identifier where it has none.

    Parameters
    ----------
    frame
        Indexed by identifier, with a column `name` or without.
    key
        An identifier.

    Returns
    -------
    str
        Never empty.

    Examples
    --------
    >>> frame = pd.DataFrame({"name": ["Akto", None]}, index=["S1", "S2"])
    >>> name_of(frame, "S1"), name_of(frame, "S2")
    ('Akto', 'S2')
    """
    name = frame["name"].get(key) if "name" in frame else None
    return str(name) if isinstance(name, str) and name.strip() else str(key)


def title_of(result: Result, lang: str) -> str:
    """Return the title that the study sets for this language, else its title.

    Empty where it sets none.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    lang
        Code of a language.

    Returns
    -------
    str
        As the study states it.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> isinstance(title_of(result, "en"), str)
    True
    """
    named = result.study.settings.study.to_dict()
    return str(named.get(f"title_{lang}") or named["title"]).strip()


@dataclass(frozen=True)
class OasisShare:
    """Oasis of one unit, percent of its area.

    Derived per setting, published elsewhere, printed by a claim.
    """

    code: str
    name: str
    derived: Mapping[str, float]
    published: tuple[float, ...]
    printed: tuple[float, ...]


def oasis_shares(result: Result) -> list[OasisShare]:
    """Return the oasis shares of every unit, by code.

    A published area is divided by the unit's own area.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.

    Returns
    -------
    list of OasisShare
        Empty where the study derives no oasis.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> [(share.code, sorted(share.derived)) for share in oasis_shares(result)]
    [('90', ['central'])]
    """
    frame = result.oasis
    if frame.empty or "share_percent" not in frame:
        return []
    made = []
    for code, rows in frame.groupby("code", sort=True):
        derived = rows.drop_duplicates("setting").set_index("setting")["share_percent"]
        published = numbers(rows, "published")
        area = rows["quantity"] == "area_km2"
        published = published.where(~area, published / numbers(rows, "unit_area_km2") * 100)
        claimed = rows["claim"].fillna("").astype(str) != ""
        made.append(
            OasisShare(
                str(code),
                str(rows["name"].iloc[0]),
                {str(setting): float(share) for setting, share in derived.items()},
                tuple(sorted(set(published[~claimed].dropna()))),
                tuple(sorted(set(published[claimed].dropna()))),
            )
        )
    return made
