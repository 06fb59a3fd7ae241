"""Livelihood capitals from a household survey: read by row, put together, not kept.

A survey has one anonymous row per household and time. Columns that look like personal data are refused before
anything is computed; figures that rest on fewer than five households are suppressed, and where one suppressed site
could be worked out from the total, the next smallest site is suppressed with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from geosettle.errors import ColumnError, InputError
from geosettle.livelihood.capitals import wilson
from geosettle.livelihood.frames import account, row

__all__ = ["mcnemar", "mean_change", "personal_columns", "survey_capitals", "wilcoxon"]

FloatArray = NDArray[np.float64]

_PERSONAL_NAMES: Final = re.compile(
    r"(^|[_\s.])(name|surname|given|first_?name|last_?name|full_?name|head_?of_?household|phone|mobile|tel|email|e-mail|"
    r"address|street|id_?card|id_?no|id_?number|passport|national_?id|ssn|birth|birthday|dob|photo|bank|account_?no|wechat|"
    r"lat|lon|latitude|longitude|gps|signature|ethnicity|religion)([_\s.]|$)"
    r"|姓名|名字|户主|身份证|证件|电话|手机|住址|地址|门牌|出生|生日|微信|邮箱|银行|卡号|民族|宗教|经度|纬度|照片",
    re.IGNORECASE,
)
_OF_PLACES: Final = re.compile(r"^(site|village|township|county|origin|place|crop)[_\s]?name$", re.IGNORECASE)
_PERSONAL_VALUES: Final = {
    "an identity number": re.compile(r"^\d{17}[\dXx]$|^\d{15}$"),
    "a telephone number": re.compile(r"^1[3-9]\d{9}$|^\+\d[\d\s-]{8,15}\d$|^0\d{2,3}-\d{7,8}$"),
    "an e-mail address": re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
}


def personal_columns(survey: pd.DataFrame) -> dict[str, str]:
    """Columns that look like personal data, each with the reason; by name, and by what their cells look like.

    Examples
    --------
    >>> table = pd.DataFrame({"household": [1], "姓名": ["x"], "contact": ["13800138000"]})
    >>> personal_columns(table)
    {'姓名': 'its name', 'contact': 'cells like a telephone number'}
    """
    out = {}
    for column in survey.columns:
        if _PERSONAL_NAMES.search(str(column)) and not _OF_PLACES.match(str(column)):
            out[str(column)] = "its name"
            continue
        cells = survey[column].dropna()
        text = cells.astype(str).str.strip()
        if pd.api.types.is_float_dtype(cells):
            text = text.str.removesuffix(".0")
        for what, pattern in _PERSONAL_VALUES.items():
            if len(text) and text.str.fullmatch(pattern.pattern).mean() > 0.5:
                out[str(column)] = f"cells like {what}"
                break
    return out


def mcnemar(before: FloatArray, after: FloatArray) -> dict[str, float]:
    """McNemar's exact test of paired yes and no, with its effect sizes.

    Parameters
    ----------
    before, after
        0 or 1 for the same households, shape (n,), no NaN.

    Returns
    -------
    dict
        `gained` (no to yes), `lost` (yes to no), `p` (two-sided binomial test of the changers), `odds_ratio` (gained
        over lost; infinite where none lost), `change` (difference of the two shares).

    Examples
    --------
    >>> mcnemar(np.r_[np.zeros(8), np.ones(2)], np.ones(10))["p"]
    0.0078125
    """
    from scipy import stats  # noqa: PLC0415  (slow to load; most runs have no survey)

    gained, lost = int(((before == 0) & (after == 1)).sum()), int(((before == 1) & (after == 0)).sum())
    p = float(stats.binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    odds = gained / lost if lost else (np.inf if gained else np.nan)
    return {"gained": gained, "lost": lost, "p": p, "odds_ratio": odds, "change": float(after.mean() - before.mean())}


def wilcoxon(before: FloatArray, after: FloatArray) -> dict[str, float]:
    """Wilcoxon's signed-rank test of paired numbers, with the matched-pairs rank-biserial correlation.

    Households without a change are left out of the ranks (Wilcoxon's own treatment). The correlation is the rank sum
    of the rises less that of the falls, over their sum: 1 where all rose, -1 where all fell (Kerby 2014).

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
    n = len(change)
    if n < 2:
        return float("nan"), float("nan")
    if draws == 0:
        half = float(stdtrit(n - 1, (1 + level) / 2) * change.std(ddof=1) / np.sqrt(n))
        return float(change.mean()) - half, float(change.mean()) + half
    picks = np.random.default_rng(seed).integers(0, n, (draws, n))
    low, high = np.quantile(np.sort(change)[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def survey_capitals(
    survey: pd.DataFrame,
    items: Sequence[tuple[str, str, str]],
    *,
    household: str = "household",
    time: str = "time",
    site: str = "site_id",
    times: tuple[Any, Any] = ("before", "after"),
    level: float = 0.95,
    smallest_cell: int = 5,
    draws: int = 2000,
    seed: int = 20191001,
    source: str = "household survey",
) -> pd.DataFrame:
    """Shares and means before and after the move, per site and in all, with paired tests; no row is kept.

    Parameters
    ----------
    survey
        One row per household and time: `household` (an anonymous number), `site_id`, `time` and the columns of `items`.
    items
        (column, capital, unit). A column of 0 and 1 (or no and yes, False and True) is a share of households,
        any other a mean.
    household, time, site
        Names of those columns.
    times
        The two values of `time`.
    level
        Confidence level: Wilson for shares at each time, Student's t or bootstrap for the change.
    smallest_cell
        Figures from fewer households are suppressed, and shares that show a group of fewer (but not none).
    draws, seed
        Of the bootstrap for mean changes; `draws = 0` takes Student's t.
    source
        Words for the source column.

    Returns
    -------
    DataFrame
        Section `capital`; `site_id` is the site or `all`; `n` the households seen at both times. `note` holds the test,
        its p value and effect size. Rows without figures say why.

    Raises
    ------
    InputError
        Columns that look like personal data; a household twice at one time; cells that are no numbers.
    ColumnError
        A column is missing.

    Examples
    --------
    >>> survey = pd.DataFrame({"household": [*range(12)] * 2, "site_id": "S1", "time": ["before"] * 12 + ["after"] * 12,
    ...     "shed": [0] * 12 + [1] * 6 + [0] * 6})
    >>> survey_capitals(survey, [("shed", "material", "percent of households")])[["site_id", "before", "after", "n"]]
      site_id  before  after     n
    0     all     0.0   50.0  12.0
    1      S1     0.0   50.0  12.0
    """
    for column in (household, time, site, *(name for name, _, _ in items)):
        if column not in survey:
            raise ColumnError(f"the survey has no column {column!r}", column=column, mend="Add it, or name another.")
    for column, reason in personal_columns(survey).items():
        raise InputError(
            f"this column looks like personal data ({reason}), and surveys are read without any",
            column=column,
            mend="Leave it out of the file; number the households instead.",
        )
    if survey.duplicated([household, site, time]).any():
        where = int(np.flatnonzero(survey.duplicated([household, site, time]))[0]) + 1
        raise InputError("this household appears twice at one time", row=where, column=household)
    rows: list[dict[str, Any]] = []
    for column, capital, unit in items:
        wide = survey.assign(_v=_numbers(survey[column])).pivot(index=[site, household], columns=time, values="_v")  # noqa: PD010  (no aggregation wanted)
        wide = wide.reindex(columns=list(times)).dropna()
        yes_no = bool(wide.isin([0, 1]).to_numpy().all())
        groups = {"all": wide.to_numpy(float)}
        groups |= {str(k): part.to_numpy(float) for k, part in wide.groupby(level=0, sort=True)}
        hidden = _hidden({k: v for k, v in groups.items() if k != "all"}, smallest_cell, yes_no=yes_no)
        if _too_small(groups["all"], smallest_cell, yes_no=yes_no):
            hidden |= set(groups)
        for name, pairs in groups.items():
            item = f"{capital}: {column}"
            if name in hidden:
                text = f"suppressed: it would show fewer than {smallest_cell} households"
                rows.append(row("capital", name, item, unit=unit, verdict="suppressed", source=source, note=text))
            else:
                made = _share(pairs, level) if yes_no else _mean(pairs, level, draws, seed)
                rows.append(
                    row("capital", name, item, unit=unit, n=len(pairs), source=source, evidence="surveyed", **made)
                )
    return account(rows)


def _numbers(column: pd.Series) -> pd.Series:
    words = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "是": 1.0, "否": 0.0, "有": 1.0, "无": 0.0}
    text = column.astype(str).str.strip().str.casefold()
    out = pd.to_numeric(text.map(words).where(text.isin(list(words)), column), errors="coerce")
    bad = out.isna() & column.notna() & (text != "")
    if bad.any():
        where = int(np.flatnonzero(bad.to_numpy())[0])
        raise InputError("this cell is no number", row=where + 1, column=str(column.name), value=column.iloc[where])
    return out.astype(float)


def _too_small(pairs: FloatArray, smallest: int, *, yes_no: bool) -> bool:
    """Whether a group's figures would show fewer households than allowed, on either side of a share."""
    n = len(pairs)
    if n < smallest:
        return True
    counts = pairs.sum(axis=0) if yes_no else np.array([])
    return bool(any(0 < c < smallest or 0 < n - c < smallest for c in counts))


def _hidden(groups: dict[str, FloatArray], smallest: int, *, yes_no: bool) -> set[str]:
    """Name the groups to suppress, until what the total less the shown ones tells is large enough itself."""
    hidden = {k for k, v in groups.items() if _too_small(v, smallest, yes_no=yes_no)}
    rest = sorted((len(v), k) for k, v in groups.items() if k not in hidden)
    while hidden and rest:
        together = np.concatenate([groups[k] for k in sorted(hidden)])
        if not _too_small(together, smallest, yes_no=yes_no):
            break
        hidden.add(rest.pop(0)[1])
    return hidden


def _share(pairs: FloatArray, level: float) -> dict[str, Any]:
    before, after = pairs[:, 0], pairs[:, 1]
    test = mcnemar(before, after)
    n = len(pairs)
    # Wald interval of a paired difference; with few changers it is wide enough to say so by holding 0.
    change = after - before
    half = float(ndtri((1 + level) / 2) * change.std(ddof=0) / np.sqrt(n))
    ends = [wilson(float(v.sum()), n, level) for v in (before, after)]
    spans = " and ".join(f"{100 * low:.1f} to {100 * high:.1f}" for low, high in ends)
    odds = "infinite" if np.isinf(test["odds_ratio"]) else f"{test['odds_ratio']:.3g}"
    note = f"McNemar exact p = {test['p']:.3g}, odds ratio of gain to loss {odds}; Wilson intervals {spans}"
    word = "higher" if test["change"] > 0 else "lower"
    return {
        "before": 100 * float(before.mean()), "after": 100 * float(after.mean()),
        "low": 100 * max(-1.0, test["change"] - half), "high": 100 * min(1.0, test["change"] + half),
        "verdict": word if test["p"] < 1 - level else "not distinguishable", "note": note,
    }  # fmt: skip


def _mean(pairs: FloatArray, level: float, draws: int, seed: int) -> dict[str, Any]:
    before, after = pairs[:, 0], pairs[:, 1]
    test = wilcoxon(before, after)
    low, high = mean_change(after - before, level, draws, seed)
    note = f"Wilcoxon signed-rank p = {test['p']:.3g}, rank-biserial correlation {test['rank_biserial']:.2f}"
    word = "higher" if test["rank_biserial"] > 0 else "lower"
    return {
        "before": float(before.mean()), "after": float(after.mean()), "low": low, "high": high,
        "verdict": word if test["p"] < 1 - level else "not distinguishable", "note": note,
    }  # fmt: skip
