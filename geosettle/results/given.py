"""What the study was given, for the sentences that depend on it.

Stated radii, rows that could not be used, levels.
"""

from __future__ import annotations

import pandas as pd

from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.levels import ladder
from geosettle.words import has, say


def radius_stated(frame: pd.DataFrame) -> pd.Series:
    """Whether a radius is stated for the position of each row.

    Without one the position is taken as exact.
    """
    return numbers(frame, "uncertainty_km").notna()


def radius_stated_of_pairs(result: Result) -> pd.Series:
    """Whether a radius is stated for both ends of each pair, aligned with the pairs.

    A pair may be there twice.
    """
    index = result.pairs.index
    ends = (("origin_id", result.origins), ("site_id", result.sites))
    stated = [
        pd.Index(index.get_level_values(name)).isin(frame.index[radius_stated(frame).to_numpy()])
        for name, frame in ends
    ]
    return pd.Series(stated[0] & stated[1], index=index)


def aside(result: Result, layer: str, lang: str) -> str:
    """Say that rows of a layer were given and none could be used; nothing where that is not so."""
    counts = result.study.ledger.get(layer, {})
    lost = int(counts.get("rows_set_aside", 0))
    none_left = lost > 0 and int(counts.get("rows_in", 0)) == lost
    return (
        say(lang, "all_set_aside", rows=say(lang, f"rows_of_{layer}", n=lost)) if none_left else ""
    )


def finest_level(result: Result) -> str:
    """Return the finest level of the boundaries that sites were joined with.

    `admin_probability` is about this level.
    """
    boundaries = result.study.boundaries
    if boundaries is not None and len(boundaries):
        return ladder(boundaries.set_index("code") if "code" in boundaries else boundaries)[-1]
    coded = (str(c).removesuffix("_code") for c in result.sites if str(c).endswith("_code"))
    return next((level for level in coded if level in result.sites), "")


def level_name(lang: str, level: str) -> str:
    """Return a level of the boundaries in words.

    One that `words` does not know keeps the name of the study.

    Examples
    --------
    >>> level_name("en", "county"), level_name("en", "municipal_ward")
    ('county', 'municipal ward')
    """
    return say(lang, f"level_{level}") if has(f"level_{level}") else level.replace("_", " ")


def widest_radius(result: Result, lang: str) -> tuple[str, float] | None:
    """Return the widest farming radius, km, after its mode in words; None without one."""
    radii = result.study.settings.remoteness.farming_radius_km
    if not radii:
        return None
    mode, km = max(radii.items(), key=lambda radius: radius[1])
    key = f"kind_{mode}"
    return say(lang, key) if has(key) else f"({mode.replace('_', ' ')})", float(km)
