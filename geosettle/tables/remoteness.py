"""Tables of remoteness for reading.

Names and ids, labels, one row for reasons that repeat, and one row per site.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from geosettle.analysis import Result
from geosettle.tables.dictionary import Entry
from geosettle.words import has, say

_ABOUT: Final = ("indicator", "kind", "limit", "limit_unit")


def indicator_label(
    lang: str, indicator: str, kind: str = "", limit: str = "", limit_unit: str = ""
) -> str:
    """Return an indicator in words; one that the catalogue does not know, by its name.

    Examples
    --------
    >>> indicator_label("en", "nearest_ger", "nearest", "ger")
    'Nearest ger'
    """
    if has(f"ind_{indicator}"):
        return say(lang, f"ind_{indicator}")
    if not limit or not has(f"ind_{kind}"):
        return indicator.replace("_", " ")
    key = f"kind_{limit}"
    what = say(lang, key) if has(key) else limit.replace("_", " ")
    return say(lang, f"ind_{kind}", x=f"{limit} {limit_unit}" if limit_unit else what)


def compact(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    """Keep the rows with a value, and one row per id, metric and reason for all the others.

    A reason that holds for one indicator stays with it; one that holds for several is a row without
    an indicator, which speaks of every indicator of that id and metric that has no row of its own.
    """
    known, missing = frame[frame[value].notna()], frame[frame[value].isna()]
    keys = [name for name in ("role", "id", "metric", "why") if name in frame]
    several = missing.duplicated(keys, keep=False)
    shared = missing[several].drop_duplicates(keys)
    blank = [name for name in shared.columns if name not in keys]
    texts = [name for name in blank if not pd.api.types.is_numeric_dtype(shared[name])]
    shared = shared.assign(**{n: "" if n in texts else float("nan") for n in blank})
    parts = [part for part in (known, missing[~several], shared) if len(part)]
    return pd.concat(parts, ignore_index=True)[list(frame.columns)] if parts else frame


def with_names(frame: pd.DataFrame, result: Result) -> pd.DataFrame:
    """Add the name of each place to its id, and the label of each indicator to its name."""
    made = frame.copy()
    names: dict[tuple[str, str], str] = {}
    for role, places in (("site", result.sites), ("origin", result.origins)):
        if "name" in places:
            titles = places["name"].fillna("").astype(str)
            names |= {(role, str(key)): name for key, name in titles.items()}
    keys = zip(made["role"].astype(str), made["id"].astype(str), strict=True)
    made.insert(made.columns.get_loc("id") + 1, "name", [names.get(key, "") for key in keys])  # type: ignore[arg-type, operator]
    about = made.reindex(columns=list(_ABOUT)).astype(object).fillna("").astype(str)
    labels = {
        row: indicator_label("en", *row) if row[0] else ""
        for row in set(about.itertuples(index=False, name=None))
    }
    found = [labels[row] for row in about.itertuples(index=False, name=None)]
    made.insert(made.columns.get_loc("indicator") + 1, "label", found)  # type: ignore[arg-type, operator]
    return made


def wide(long: pd.DataFrame) -> pd.DataFrame:
    """One row per site, one column per indicator and metric that has a value.

    The unit is in the name where it is km or h.
    """
    rows = long[(long["role"] == "site") & long["value"].notna()]
    rows = rows.assign(site_id=rows["id"], column=_wide_names(rows))
    made = rows.pivot_table(
        index=["site_id", "name"], columns="column", values="value", aggfunc="first"
    )
    return made.rename_axis(columns=None).reset_index()


def _wide_names(rows: pd.DataFrame) -> pd.Series:
    unit = rows["unit"].where(rows["unit"].isin(["km", "h"]), "")
    return rows["indicator"] + "_" + rows["metric"] + ("_" + unit).where(unit != "", "")


def wide_entries(result: Result) -> dict[str, Entry]:
    """Describe the columns of `wide`: the indicator in words, the metric's name, and the unit."""
    rows = result.remoteness
    rows = rows[(rows["role"] == "site") & rows["value"].notna()]
    rows = rows.assign(column=_wide_names(rows)).drop_duplicates("column")
    about = rows.reindex(columns=list(_ABOUT)).astype(object).fillna("").astype(str)
    made = {}
    for row, column, metric, unit in zip(
        about.itertuples(index=False, name=None),
        *(rows[name] for name in ("column", "metric", "unit")),
        strict=True,
    ):
        by = f"metric {metric}; " if metric else ""
        key = f"unit_{unit}"
        words = say("en", key) if has(key) else str(unit)
        made[str(column)] = Entry(
            f"{indicator_label('en', *row)}; {by}intervals are in the table remoteness", words
        )
    return made
