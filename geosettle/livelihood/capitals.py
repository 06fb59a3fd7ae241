"""Livelihood capitals before and after the move, from published aggregates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from geosettle.livelihood._account import account, number, row
from geosettle.reasons import join, reason, rendered
from geosettle.settings import DEFAULTS, LivelihoodOptions, check

CAPITALS: Final = ("human", "natural", "material", "financial", "social")
_WORDS: Final[Mapping[str, int]] = {
    "increase": 1,
    "increased": 1,
    "decrease": -1,
    "decreased": -1,
    "little change": 0,
}


def wilson(
    successes: float, n: float, level: float = DEFAULTS.livelihood.level
) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Parameters
    ----------
    successes, n
        How many of how many; n > 0.
    level
        Confidence level, above 0 and below 1.

    Raises
    ------
    InputError
        A level that is none, such as 95 for 0.95.

    Examples
    --------
    >>> low, high = wilson(5, 10)
    >>> round(low, 4), round(high, 4)
    (0.2366, 0.7634)
    """
    check(LivelihoodOptions, level=level)
    z = float(ndtri((1 + level) / 2))
    p = successes / n
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, float((centre - half) / scale)), min(1.0, float((centre + half) / scale))


def newcombe(
    before: float,
    n_before: float,
    after: float,
    n_after: float,
    level: float = DEFAULTS.livelihood.level,
) -> tuple[float, float]:
    """Interval of the difference of two shares, after less before, from two separate samples.

    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10: Wilson's limits put together.

    Parameters
    ----------
    before, after
        Shares, 0 to 1.
    n_before, n_after
        Numbers that they come from.
    level
        Confidence level.

    Examples
    --------
    The paper's first example, 56/70 against 48/80:

    >>> [round(v, 4) for v in newcombe(48 / 80, 80, 56 / 70, 70)]
    [0.0524, 0.3339]
    """
    (low_b, high_b), (low_a, high_a) = (
        wilson(before * n_before, n_before, level),
        wilson(after * n_after, n_after, level),
    )
    change = after - before
    low = change - np.hypot(after - low_a, high_b - before)
    high = change + np.hypot(high_a - after, before - low_b)
    return float(low), float(high)


def few_hidden(indicators: pd.DataFrame, smallest: int = 5) -> pd.DataFrame:
    """Return a copy without the figures that fewer than `smallest` households or persons answered.

    Examples
    --------
    >>> table = pd.DataFrame({"before": [10.0, 20.0], "after": [30.0, 40.0], "n": [4, 60]})
    >>> few_hidden(table)[["before", "n", "suppressed"]].values.tolist()
    [[nan, nan, True], [20.0, 60.0, False]]
    """
    figures = [
        str(c) for c in indicators.columns if c == "n" or str(c).startswith(("before", "after"))
    ]
    exact = [c for c in ("before", "after", "n") if c in indicators]
    out = indicators.assign(
        **{c: pd.to_numeric(indicators[c], errors="coerce").astype(float) for c in exact}
    )
    answered = out["n"] if "n" in out else pd.Series(np.nan, index=out.index)
    few = ((answered > 0) & (answered < smallest)).to_numpy(bool)
    return out.assign(suppressed=few, **{c: out[c].mask(few) for c in figures})


@rendered
def capitals(
    indicators: pd.DataFrame | None,
    *,
    level: float = DEFAULTS.livelihood.level,
    smallest_cell: int = DEFAULTS.livelihood.smallest_cell,
) -> pd.DataFrame:
    """Every indicator before and after, its change, and what is doubtful about it.

    Parameters
    ----------
    indicators
        Columns `site_id, capital, indicator, before, after, unit, n, source`, and where known
        `direction` (in the source's words), `reading`, `garbled`, `note`.
    level
        Confidence level.
    smallest_cell
        Figures that fewer households or persons answered are suppressed.

    Returns
    -------
    DataFrame
        Section `capital`. `low, high` is the interval of the change for shares in percent with a
        known `n` (as of two separate samples, for the pairing is not published; with positive
        correlation the true interval is narrower). `verdict`: `higher`, `lower`, `unchanged`, `not
        distinguishable`, `suppressed`, or `unknown` where no figure is printed.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     [
    ...         {
    ...             "site_id": "survey",
    ...             "capital": "material",
    ...             "indicator": "sheds",
    ...             "before": 10.0,
    ...             "after": 60.0,
    ...             "unit": "percent of households",
    ...             "n": 100,
    ...         }
    ...     ]
    ... )
    >>> capitals(table)[["change", "low", "high", "verdict"]].round(1).values.tolist()
    [[50.0, 37.7, 60.1, 'higher']]
    """
    if indicators is None:
        return account([])
    rows = [
        _capital(r, level, smallest_cell)
        for r in few_hidden(indicators, smallest_cell).to_dict("records")
    ]
    frame = account(rows)
    return _marked(frame)


def _capital(r: Mapping[Any, Any], level: float, smallest: int) -> dict[str, Any]:
    before, after, n = (number(r.get(c)) for c in ("before", "after", "n"))
    unit = _text(r.get("unit"))
    low = high = np.nan
    notes = []
    direction = _text(r.get("direction"))
    if r.get("suppressed"):
        word = "suppressed"
        notes.append(reason("few_answered", n=smallest))
    elif np.isnan(before) or np.isnan(after):
        word = "unknown"
        notes.append(reason("no_figure_printed"))
        notes.append(reason("source_direction", text=direction) if direction else "")
    else:
        if unit.startswith("percent") and n > 0:
            low, high = (100 * v for v in newcombe(before / 100, n, after / 100, n, level))
        else:
            notes.append(
                reason("no_interval_without_n" if not n > 0 else "no_interval_without_spread")
            )
        word = _word(after - before, low, high)
        if direction in _WORDS and _WORDS[direction] != np.sign(after - before):
            notes.append(reason("direction_differs", text=direction))
    if str(r.get("garbled")).lower() == "true":
        printed = [_text(r.get(c)) for c in ("before_as_printed", "after_as_printed")]
        ends = {"before": printed[0], "after": printed[1]} if all(printed) else {}
        notes.append(reason("damaged_figures" if ends else "damaged_print", **ends))
        notes.append(reason("read_as", text=_text(r.get("reading"))))
    notes.append(_text(r.get("note")))
    return row(
        "capital",
        _text(r.get("site_id")),
        f"{_text(r.get('capital'))}: {_text(r.get('indicator'))}",
        capital=_text(r.get("capital")),
        indicator=_text(r.get("indicator")),
        before=before,
        after=after,
        low=low,
        high=high,
        unit=unit,
        n=n,
        verdict=word,
        evidence="declared by the source",
        source=_text(r.get("source")),
        note=join(*notes),
    )


def _word(change: float, low: float, high: float) -> str:
    if not np.isnan(low) and low <= 0 <= high:
        return "not distinguishable"
    return "higher" if change > 0 else "lower" if change < 0 else "unchanged"


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _marked(frame: pd.DataFrame) -> pd.DataFrame:
    """Mark figures that a source prints twice for different things.

    Whether this is chance or a copying error cannot be known.
    """
    out = frame.copy()
    for _, group in frame[frame["after"].notna()].groupby(
        ["site_id", "after", "source"], sort=False
    ):
        if len(set(group["item"])) > 1:
            for i in group.index:
                others = ", ".join(sorted(set(group["item"]) - {str(group.loc[i, "item"])}))
                same = reason("same_figure", items=others)
                out.loc[i, "note"] = join(str(out.loc[i, "note"]), same)
    return out
