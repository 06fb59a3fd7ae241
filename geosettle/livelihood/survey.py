"""Livelihood capitals from a household survey: read by row, put together, not kept.

A survey has one anonymous row per household and time. Columns that look like personal data are
refused before anything is computed. Figures that rest on fewer than five households, or that show a
group of one to four (those with a shed, those without, those who gained or lost one), are
suppressed; and where what is left could be worked out from the total less the other sites, the next
smallest site is suppressed with it. What cannot be seen from here is a figure that follows from
another item (households with sheep or goats, less those with sheep): leave such an item out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from geosettle.errors import ColumnError, InputError
from geosettle.io.survey import ANSWERS, personal_columns, time_of
from geosettle.livelihood._account import account, row, show
from geosettle.livelihood.capitals import CAPITALS, wilson
from geosettle.reasons import join, reason, rendered
from geosettle.settings import DEFAULTS, LivelihoodOptions, check

FloatArray = NDArray[np.float64]

_KEYS: Final = ("site_id", "household", "time")
_SHARE: Final = "percent of households"
_LEAST_CELL: Final = 5
_ENDS: Final = ("before_low", "before_high", "after_low", "after_high")


@dataclass(frozen=True)
class Item:
    """One question of a survey: its column, capital, meaning and unit."""

    column: str
    capital: str
    indicator: str
    unit: str = ""


def survey_items(survey: pd.DataFrame, stated: Sequence[Mapping[str, Any]] = ()) -> list[Item]:
    """Items of a survey: those stated, or else every column named after a capital.

    Such a column is `material_shed`.

    Parameters
    ----------
    survey
        The survey's columns.
    stated
        Tables with `column` and `capital`, and where wanted `indicator` (the words for it) and
        `unit`.

    Returns
    -------
    list of Item
        In the order stated, or of the columns.

    Raises
    ------
    ColumnError
        A column stated is not there.
    InputError
        A capital is none of the five, or nothing tells which columns to use.

    Examples
    --------
    >>> survey_items(
    ...     pd.DataFrame(columns=["household", "material_shed", "natural: land (mu per person)"])
    ... )[1]
    Item(column='natural: land (mu per person)', capital='natural', indicator='land', unit='mu per
    person')
    """
    if stated:
        return [_stated_item(survey, entry) for entry in stated]
    found = []
    for column in map(str, survey.columns):
        capital = next((c for c in CAPITALS if column.casefold().startswith(c)), None)
        rest = column[len(capital or "") :].lstrip("_:.- ")
        if capital is None or not rest or column[len(capital)].isalnum():
            continue
        words, _, unit = rest.partition("(")
        found.append(Item(column, capital, words.replace("_", " ").strip(), unit.strip(") ")))
    if not found:
        raise InputError(
            "no column of the survey belongs to a capital",
            mend=f"Name columns after one, such as material_shed ({', '.join(CAPITALS)}), "
            "or list them as [[livelihood.survey.items]].",
        )
    return found


def _stated_item(survey: pd.DataFrame, entry: Any) -> Item:
    if not isinstance(entry, Mapping):
        raise InputError("an item of a survey is a table with column and capital", value=entry)
    column, capital = str(entry.get("column", "")), str(entry.get("capital", ""))
    if column not in survey:
        raise ColumnError(
            f"the survey has no column {column!r}", column=column, mend="Add it, or name another."
        )
    if capital not in CAPITALS:
        raise InputError(
            f"there is no capital {capital!r}",
            column=column,
            mend=f"Use one of {', '.join(CAPITALS)}.",
        )
    return Item(column, capital, str(entry.get("indicator", column)), str(entry.get("unit", "")))


def mcnemar(before: FloatArray, after: FloatArray) -> dict[str, float]:
    """McNemar's exact test of paired yes and no, with its effect sizes.

    Parameters
    ----------
    before, after
        0 or 1 for the same households, shape (n,), no NaN.

    Returns
    -------
    dict
        `gained` (no to yes), `lost` (yes to no), `p` (two-sided binomial test of the changers),
        `odds_ratio` (gained over lost; infinite where none lost), `change` (difference of the two
        shares).

    Examples
    --------
    >>> mcnemar(np.r_[np.zeros(8), np.ones(2)], np.ones(10))["p"]
    0.0078125
    """
    from scipy import stats  # noqa: PLC0415  (slow to load; most runs have no survey)

    gained, lost = (
        int(((before == 0) & (after == 1)).sum()),
        int(((before == 1) & (after == 0)).sum()),
    )
    p = float(stats.binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    odds = gained / lost if lost else (np.inf if gained else np.nan)
    return {
        "gained": gained,
        "lost": lost,
        "p": p,
        "odds_ratio": odds,
        "change": float(after.mean() - before.mean()),
    }


def wilcoxon(before: FloatArray, after: FloatArray) -> dict[str, float]:
    """Wilcoxon's signed-rank test of paired numbers.

    The effect size is the matched-pairs rank-biserial correlation.

    Households without a change are left out of the ranks (Wilcoxon's own treatment). The
    correlation is the rank sum of the rises less that of the falls, over their sum: 1 where all
    rose, -1 where all fell (Kerby 2014).

    Examples
    --------
    >>> {k: round(float(v), 4) for k, v in wilcoxon(np.arange(8.0), np.arange(8.0) * 2 + 1).items()}
    {'statistic': 0.0, 'p': 0.0078, 'rank_biserial': 1.0, 'used': 8.0}
    """
    from scipy import stats  # noqa: PLC0415  (slow to load; most runs have no survey)

    change = after - before
    moved = change[change != 0]
    if not len(moved):
        return {"statistic": np.nan, "p": 1.0, "rank_biserial": 0.0, "used": 0.0}
    ranks = stats.rankdata(np.abs(moved))
    up, down = float(ranks[moved > 0].sum()), float(ranks[moved < 0].sum())
    result = stats.wilcoxon(moved, zero_method="wilcox", correction=False, method="auto")
    return {
        "statistic": min(up, down),
        "p": float(result.pvalue),
        "rank_biserial": (up - down) / (up + down),
        "used": float(len(moved)),
    }


def mean_change(change: FloatArray, level: float, draws: int, seed: int) -> tuple[float, float]:
    """Bootstrap interval (percentile) of a mean change over the households drawn.

    Student's t where `draws` is 0. The seed is fixed, so that two runs agree.

    Examples
    --------
    >>> low, high = mean_change(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.95, 0, 0)
    >>> round(low, 3), round(high, 3)
    (1.037, 4.963)
    """
    check(LivelihoodOptions, level=level, draws=draws)
    n = len(change)
    if n < 2:
        return float("nan"), float("nan")
    if draws == 0:
        half = float(stdtrit(n - 1, (1 + level) / 2) * change.std(ddof=1) / np.sqrt(n))
        return float(change.mean()) - half, float(change.mean()) + half
    picks = np.random.default_rng(seed).integers(0, n, (draws, n))
    low, high = np.quantile(np.sort(change)[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def agresti_min(
    gained: float, lost: float, n: float, level: float = DEFAULTS.livelihood.level
) -> tuple[float, float]:
    """Interval of the difference of two paired shares.

    Half an observation is added to each of the four cells.

    Agresti and Min (2005), Statistics in Medicine 24, 729-740. Unlike the plain Wald interval it
    has a width where nobody changed.

    Parameters
    ----------
    gained, lost
        Pairs that went from no to yes, and from yes to no.
    n
        Pairs.
    level
        Confidence level.

    Examples
    --------
    >>> [round(v, 4) for v in agresti_min(0, 0, 20)]
    [-0.0891, 0.0891]
    """
    check(LivelihoodOptions, level=level)
    b, c, size = gained + 0.5, lost + 0.5, n + 2
    change = (b - c) / size
    half = float(ndtri((1 + level) / 2)) * float(np.sqrt(b + c - (b - c) ** 2 / size)) / size
    return max(-1.0, change - half), min(1.0, change + half)


@rendered
def survey_capitals(
    survey: pd.DataFrame,
    items: Sequence[Item],
    *,
    level: float = DEFAULTS.livelihood.level,
    smallest_cell: int = DEFAULTS.livelihood.smallest_cell,
    draws: int = DEFAULTS.livelihood.draws,
    seed: int = DEFAULTS.livelihood.seed,
    source: str = "household survey",
) -> pd.DataFrame:
    """Shares and means before and after the move, per site and in all, with paired tests.

    No row is kept.

    Parameters
    ----------
    survey
        One row per household and time: `site_id`, `household` (an anonymous code), `time` (before,
        after) and the columns of `items`.
    items
        See `survey_items`. A column of 0 and 1 (or no and yes) is a share of households, any other
        a mean.
    level
        Confidence level: Wilson's interval for shares and Student's t for means at each time; for
        the change Agresti and Min's paired interval, and the bootstrap or Student's t.
    smallest_cell
        5 or more: figures from fewer households are suppressed, and shares that show a group of
        fewer (but not none). Where the paired answers show such a group, the odds ratio, the
        interval of the change and the exact p are too, for together they tell it.
    draws, seed
        Of the bootstrap for mean changes; `draws = 0` takes Student's t.
    source
        Words for the source column.

    Returns
    -------
    DataFrame
        Section `capital`; `site_id` is the site or `all`; `n` the households that answered at both
        times. `note` holds the test, its p value (not corrected for the number of tests) and its
        effect size. Rows without figures say why.

    Raises
    ------
    InputError
        Columns that look like personal data; a household twice at one time; cells that are no
        numbers. No cell is quoted.
    ColumnError
        A column is missing.

    Examples
    --------
    >>> survey = pd.DataFrame(
    ...     {
    ...         "household": [*range(12)] * 2,
    ...         "site_id": "S1",
    ...         "time": ["before"] * 12 + ["after"] * 12,
    ...         "material_shed": [0] * 12 + [1] * 6 + [0] * 6,
    ...     }
    ... )
    >>> survey_capitals(survey, survey_items(survey))[["site_id", "before", "after", "n"]]
      site_id  before  after     n
    0     all     0.0   50.0  12.0
    1      S1     0.0   50.0  12.0
    """
    if smallest_cell < _LEAST_CELL:
        raise InputError(
            "figures of fewer than five households are never shown",
            value=smallest_cell,
            mend="Set 5 or more.",
        )
    table = _usable(survey, items)
    rows: list[dict[str, Any]] = []
    for item in items:
        wide = table.assign(_v=_numbers(table[item.column])).pivot(
            index=["site_id", "household"], columns="time", values="_v"
        )  # noqa: E501, PD010, RUF100
        wide = wide.reindex(columns=["before", "after"])
        once = int(wide.isna().any(axis=1).sum())
        wide = wide.dropna()
        yes_no = bool(wide.isin([0, 1]).to_numpy().all())
        groups = {"all": wide.to_numpy(float)}
        groups |= {str(k): part.to_numpy(float) for k, part in wide.groupby(level=0, sort=True)}
        hidden, veiled = _suppressed(groups, smallest_cell, yes_no=yes_no)
        unit = _SHARE if yes_no else item.unit
        for name, pairs in groups.items():
            head: dict[str, Any] = {"unit": unit, "source": source}
            if name in hidden:
                text = reason("suppressed", n=smallest_cell)
                made: dict[str, Any] = {"verdict": "suppressed", "note": text}
            elif yes_no:
                made = _share(pairs, level, smallest_cell if name in veiled else 0)
            else:
                made = _mean(pairs, level, draws, seed)
            if name not in hidden:
                head |= {"n": len(pairs), "evidence": "surveyed"}
            if name == "all" and once:
                enough = once >= smallest_cell
                left_out = "answered_once" if enough else "few_answered_once"
                made["note"] = join(
                    made["note"], reason(left_out, n=once if enough else smallest_cell)
                )
            head |= {"capital": item.capital, "indicator": item.indicator}
            rows.append(row("capital", name, f"{item.capital}: {item.indicator}", **head, **made))
    return account(rows)


def as_indicators(surveyed: pd.DataFrame, level: float = DEFAULTS.livelihood.level) -> pd.DataFrame:
    """Give the surveyed figures the form of the `indicators` layer.

    Conditions and claims that ask for an indicator use it.

    Beside the layer's columns: `evidence`, `verdict`, and for shares Wilson's interval at each time
    (`before_low`, `before_high`, `after_low`, `after_high`).

    Parameters
    ----------
    surveyed
        From `survey_capitals`.
    level
        Confidence level of the intervals of shares.

    Returns
    -------
    DataFrame
        One row per figure that is not suppressed.

    Examples
    --------
    >>> survey = pd.DataFrame(
    ...     {
    ...         "site_id": "S1",
    ...         "household": [*range(8)] * 2,
    ...         "time": ["before"] * 8 + ["after"] * 8,
    ...         "material_shed": [0] * 8 + [1] * 8,
    ...     }
    ... )
    >>> as_indicators(survey_capitals(survey, survey_items(survey)))["after"].tolist()
    [100.0, 100.0]
    """
    shown = surveyed[surveyed["verdict"] != "suppressed"]
    names = ["site_id", "before", "after", "unit", "n", "evidence", "source", "verdict"]
    out = shown[[*names, "capital", "indicator"]]
    for time in ("before", "after"):
        ends = [
            [100 * v for v in wilson(share / 100 * n, n, level)]
            if unit == _SHARE
            else [np.nan, np.nan]
            for share, n, unit in zip(out[time], out["n"], out["unit"], strict=True)
        ]
        out[[f"{time}_low", f"{time}_high"]] = np.array(ends, float).reshape(-1, 2)
    return out


def _usable(survey: pd.DataFrame, items: Sequence[Item]) -> pd.DataFrame:
    """Rows with a site, a household and a time that is before or after.

    They are refused where they are about persons.
    """
    for column in (*_KEYS, *(item.column for item in items)):
        if column not in survey:
            raise ColumnError(
                f"the survey has no column {column!r}",
                column=column,
                mend="Add it, or name another.",
            )
    for column, why in personal_columns(survey).items():
        raise InputError(
            f"this column looks like personal data ({why}), and surveys are read without any",
            column=column,
            mend="Leave it out of the file; number the households instead.",
        )
    out = survey.assign(time=survey["time"].map(time_of), site_id=survey["site_id"].astype("str"))
    out = out[out[list(_KEYS)].notna().all(axis=1)]
    twice = out.duplicated(list(_KEYS))
    if twice.any():
        where = int(np.flatnonzero(survey.index.isin(out.index[twice]))[0]) + 1
        raise InputError("this household appears twice at one time", row=where, column="household")
    return out


def _numbers(column: pd.Series) -> pd.Series:
    text = column.astype(str).str.strip().str.casefold()
    known = text.map(dict(ANSWERS))
    out = pd.to_numeric(known.where(text.isin(list(ANSWERS)), column), errors="coerce")
    bad = out.isna() & column.notna() & ~text.isin(["", "nan", "none", "<na>"])
    if bad.any():
        where = int(np.flatnonzero(bad.to_numpy())[0])
        raise InputError(
            "this answer is no number, and neither yes nor no",
            row=where + 1,
            column=str(column.name),
        )
    return out.astype(float)


# --- what must not be shown
# -------------------------------------------------------------------------------------------


def _margins(pairs: FloatArray) -> list[int]:
    """Households with yes and with no, before and after."""
    yes = [int(v) for v in pairs.sum(axis=0)]
    return [*yes, *(len(pairs) - v for v in yes)]


def _cells(pairs: FloatArray) -> list[int]:
    """Households by both answers: no-no, no-yes, yes-no, yes-yes."""
    return [int(v) for v in np.bincount((2 * pairs[:, 0] + pairs[:, 1]).astype(int), minlength=4)]


def _suppressed(
    groups: Mapping[str, FloatArray], smallest: int, *, yes_no: bool
) -> tuple[set[str], set[str]]:
    """Name the suppressed groups, and those with only the paired answers suppressed."""

    def few(counts: Sequence[int]) -> bool:
        return any(0 < c < smallest for c in counts)

    def small(pairs: FloatArray) -> bool:
        return len(pairs) < smallest or (yes_no and few(_margins(pairs)))

    sites = {k: v for k, v in groups.items() if k != "all"}
    if small(groups["all"]):
        return set(groups), set()
    hidden = _until_safe(sites, {k for k, v in sites.items() if small(v)}, small)
    if not yes_no:
        return hidden, set()

    def telling(pairs: FloatArray) -> bool:
        return few(_cells(pairs))

    veiled = hidden | {k for k, v in sites.items() if telling(v)}
    if telling(groups["all"]):
        return hidden, (veiled | {"all"}) - hidden
    return hidden, _until_safe(sites, veiled, telling) - hidden


def _until_safe(
    sites: Mapping[str, FloatArray], hidden: set[str], small: Callable[[FloatArray], bool]
) -> set[str]:
    """Add the next smallest sites until the total does not reveal the suppressed ones.

    The total less the shown sites is then a figure that may be published.
    """
    out = set(hidden)
    rest = sorted((len(v), k) for k, v in sites.items() if k not in out)
    while out and rest and small(np.concatenate([sites[k] for k in sorted(out)])):
        out.add(rest.pop(0)[1])
    return out


# --- figures


def _share(pairs: FloatArray, level: float, veil: int) -> dict[str, Any]:
    """Shares at both times and their change.

    With `veil`, without what reveals how many households gained or lost.
    """
    before, after = pairs[:, 0], pairs[:, 1]
    n, test = len(pairs), mcnemar(before, after)
    ends = [wilson(float(v.sum()), n, level) for v in (before, after)]
    shown = [f"{100 * end:.1f}" for pair in ends for end in pair]
    spans = reason("wilson", **dict(zip(_ENDS, shown, strict=True)))
    clear = test["p"] < 1 - level
    if veil:
        low = high = float("nan")
        test_code = "mcnemar_below" if clear else "mcnemar_not_below"
        p = f"{1 - level:.3g}"
        note = join(reason(test_code, p=p), spans, reason("paired_suppressed", n=veil))
    else:
        low, high = (100 * v for v in agresti_min(test["gained"], test["lost"], n, level))
        ratio = test["odds_ratio"]
        odds = (
            reason("odds_undefined")
            if np.isnan(ratio)
            else reason("odds_infinite")
            if np.isinf(ratio)
            else reason("odds", ratio=f"{ratio:.3g}")
        )
        note = join(reason("mcnemar", p=f"{test['p']:.3g}"), odds, spans)
    word = ("higher" if test["change"] > 0 else "lower") if clear else "not distinguishable"
    shares = {"before": 100 * float(before.mean()), "after": 100 * float(after.mean())}
    return {**shares, "low": low, "high": high, "test": "mcnemar", "verdict": word, "note": note}


def _mean(pairs: FloatArray, level: float, draws: int, seed: int) -> dict[str, Any]:
    before, after = pairs[:, 0], pairs[:, 1]
    test = wilcoxon(before, after)
    low, high = mean_change(after - before, level, draws, seed)
    shown = [show(end) for v in (before, after) for end in mean_change(v, level, 0, seed)]
    effect = f"{test['rank_biserial']:.2f}"
    note = join(
        reason("wilcoxon", p=f"{test['p']:.3g}", correlation=effect),
        reason("student", **dict(zip(_ENDS, shown, strict=True))),
    )
    word = "higher" if test["rank_biserial"] > 0 else "lower"
    word = word if test["p"] < 1 - level else "not distinguishable"
    shares = {"before": float(before.mean()), "after": float(after.mean())}
    return {**shares, "low": low, "high": high, "test": "wilcoxon", "verdict": word, "note": note}
