"""Bars and dots per site or unit: land, oasis, and how many sites have which verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from geosettle import style
from geosettle.analysis import Result
from geosettle.cells import numbers, texts
from geosettle.figures.canvas import legible, new_figure, wrapped
from geosettle.figures.chart_parts import (
    FEWEST,
    axes_of_rows,
    horizontal,
    legend,
    marker,
    names_of,
    one_line,
    rows_shown,
    titled,
)
from geosettle.geodesy import area_m2
from geosettle.results import oasis_shares
from geosettle.results.pivots import section_rows, verdict_counts
from geosettle.results.sentences import other_sites
from geosettle.words import capital, has, language, say

_MOST_ROWS: Final = 30
_OASIS_EDGE: Final = "#3F6B50"
_STATED: Final = (("published", "D", "white"), ("printed", "X", style.SITE))
"""Figures of the oasis by others: attribute and text, symbol, face."""


def land(result: Result, lang: str) -> Figure | None:
    """Draw declared, mapped and leased area per site and kind; hatch illustrative shapes."""
    rows = _land_rows(result, lang)
    if not rows:
        return None
    shown = rows[:_MOST_ROWS]
    figure, axes = axes_of_rows(0.3, len(shown), 0.33, 0.6)
    dark = style.PARCEL_YEARS[3]
    edge = {"edgecolor": dark, "linewidth": 0.6}
    solid: dict[str, Any] = {"facecolor": style.PARCEL_YEARS[1], **edge}
    looks: dict[bool, dict[str, Any]] = {
        True: {"facecolor": style.PARCEL_YEARS[2], **edge},
        False: {"facecolor": "white", "hatch": "//////", **edge},
    }
    for at, row in enumerate(shown):
        placed = np.isfinite(row["mapped"]) and not row["illustrative"]
        bar, high = (at - 0.17, 0.3) if placed else (at, 0.5)
        axes.barh(bar, row["declared"], high, **looks[placed])
        axes.barh(bar, row["leased"], high, facecolor=dark)
        if placed:
            axes.barh(at + 0.17, row["mapped"], 0.3, **solid)
        if np.isfinite(row["declared"]):
            text = f" {row['declared']:,.0f}"
            axes.text(row["declared"], bar, text, fontsize=6, va="center", color=style.MUTED)
        look = {"weight": "bold" if row["total"] else "normal", "fontsize": 6.5, "va": "center"}
        axes.text(-0.53, at, row["label"], transform=axes.get_yaxis_transform(), **look)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    horizontal(axes, say(lang, "land_axis"))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    placed_rows = [np.isfinite(row["mapped"]) and not row["illustrative"] for row in shown]
    handles = [
        Patch(label=say(lang, "declared_area" if placed else "declared_unplaced"), **looks[placed])
        for placed in (True, False)
        if any(now == placed and np.isfinite(row["declared"])
               for now, row in zip(placed_rows, shown, strict=True))
    ]  # fmt: skip
    if any(np.isfinite(row["leased"]) for row in shown):
        handles.append(Patch(facecolor=dark, label=say(lang, "leased_area")))
    if any(placed_rows):
        handles.append(Patch(label=say(lang, "mapped_area"), **solid))
    legend(figure, handles, ncols=4, columnspacing=1.4, handlelength=1.6)
    left_out = rows_shown(lang, len(shown), len(rows), "land")
    titled(figure, say(lang, "land_title"), 0.012, left_out)
    return figure


def _land_rows(result: Result, lang: str) -> list[dict[str, Any]]:
    """Return one row per site for its development, then one per kind where there are several."""
    parcels = result.study.development
    names = names_of(result.sites, lang, 36)
    leased, stated = numbers(result.land, "leased_ha"), numbers(result.land, "declared_ha")
    if parcels is None or parcels.empty or "site_id" not in parcels:
        return _declared_alone(stated, leased, names, set())
    frame = pd.DataFrame(
        {
            "site": parcels["site_id"].astype(str),
            "kind": parcels["kind"].astype(str),
            "declared": numbers(parcels, "declared_ha"),
            "mapped": area_m2(np.asarray(parcels.geometry, dtype=object)) / 1e4,
            "illustrative": texts(parcels, "geometry_basis") == "illustrative",
        }
    )
    rows: list[dict[str, Any]] = []
    for site, group in frame[parcels["site_id"].notna()].groupby("site", sort=True):
        whole = {
            "label": names.get(str(site), legible(site, "?")[0]),
            "leased": leased.get(site, np.nan),
            "total": True,
        }
        rows.append(whole | _land_sums(group))
        kinds = group.groupby("kind", sort=True)
        for kind, part in kinds if kinds.ngroups > 1 else ():
            label = "   " + one_line(capital(legible(kind, "?")[0].replace("_", " ")), 38)
            rows.append({"label": label, "leased": np.nan, "total": False} | _land_sums(part))
    return rows + _declared_alone(
        stated, leased, names, set(parcels["site_id"].dropna().astype(str))
    )


def _declared_alone(
    stated: pd.Series, leased: pd.Series, names: Mapping[str, str], mapped: set[str]
) -> list[dict[str, Any]]:
    """Rows of the sites that declare an area without any parcel."""
    return [
        {
            "label": names.get(str(site), str(site)),
            "leased": leased.get(site, np.nan),
            "total": True,
        }
        | {"declared": float(area), "mapped": np.nan, "illustrative": False}
        for site, area in stated.dropna().sort_index().items()
        if str(site) not in mapped
    ]


def _land_sums(group: pd.DataFrame) -> dict[str, Any]:
    return {
        "declared": float(group["declared"].sum(min_count=1)),
        "mapped": float(group["mapped"].sum(min_count=1)),
        "illustrative": bool(group["illustrative"].any()),
    }


def oasis(result: Result, lang: str) -> Figure | None:
    """Draw the oasis share per unit for each setting, with published and printed figures."""
    shares = oasis_shares(result)
    if not shares:
        return None
    everything, shares = shares, shares[:_MOST_ROWS]
    units = result.study.boundaries
    local = (
        {}
        if units is None or not language(lang).local_names or "name_local" not in units
        else units["name_local"].dropna().to_dict()
    )
    figure, axes = axes_of_rows(0.34, len(shares), 0.16, 0.8)
    looks = {"low": ("<", "white"), "central": ("o", style.OASIS), "high": (">", "white")}
    for at, unit in enumerate(shares):
        values = list(unit.derived.values())
        axes.plot([min(values), max(values)], [at, at], c=style.OASIS, lw=3, zorder=1)
        for setting, (shape, face) in looks.items():
            if setting in unit.derived:
                look = {"ms": 5, "mfc": face, "mec": _OASIS_EDGE, "mew": 0.9, "zorder": 3}
                axes.plot(unit.derived[setting], at, shape, **look)
        for key, shape, face in _STATED:
            found, look = getattr(unit, key), {"ms": 5, "mfc": face, "mec": style.SITE, "ls": ""}
            axes.plot(found, [at] * len(found), shape, zorder=4, **look)
        name = one_line(legible(local.get(unit.code, unit.name), unit.name)[0], 24)
        axes.text(-0.185, at, name, transform=axes.get_yaxis_transform(), va="center")
    axes.set_ylim(len(shares) - 0.5, -0.5)
    horizontal(axes, say(lang, "oasis_axis"))
    handles = [
        marker(say(lang, f"setting_{setting}"), shape, face, _OASIS_EDGE)
        for setting, (shape, face) in looks.items()
        if any(setting in unit.derived for unit in shares)
    ]
    handles += [
        marker(say(lang, key), shape, face, style.SITE)
        for key, shape, face in _STATED
        if any(getattr(unit, key) for unit in shares)
    ]
    legend(figure, handles, ncols=5, columnspacing=1.4, handlelength=1)
    left_out = rows_shown(lang, len(shares), len(everything), "oasis")
    titled(figure, say(lang, "oasis_title"), 0.012, left_out)
    return figure


# One look per verdict, in black and white on purpose: the colours of the maps mean other things.
_LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "met": {"facecolor": style.INK, "edgecolor": style.INK},
    "agrees": {"facecolor": style.INK, "edgecolor": style.INK},
    "measured": {"facecolor": "#8A949B", "edgecolor": style.INK},
    "undecidable": {"facecolor": "#D5DADD", "edgecolor": style.INK, "hatch": "//////"},
    "cannot be decided": {"facecolor": "#D5DADD", "edgecolor": style.INK, "hatch": "//////"},
    "not met": {"facecolor": "white", "edgecolor": style.INK},
    "differs": {"facecolor": "white", "edgecolor": style.INK},
    "unknown": {"facecolor": "#EDEFF1", "edgecolor": "#EDEFF1"},
    "not computable": {"facecolor": "#EDEFF1", "edgecolor": "#EDEFF1"},
}
_NO_RESULT: Final = ("unknown", "not computable")
_OTHER: Final[Mapping[str, Any]] = {"facecolor": "#B9C0C5", "edgecolor": style.INK, "hatch": "...."}


def _verdict_bars(counts: pd.DataFrame, title: str, axis: str, lang: str) -> Figure | None:
    """Draw one bar per item, divided by verdict; items with fewer than three results are left out.

    A number is written in every part that has room for it.
    """
    verdicts = sorted(
        (str(c) for c in counts if c != "item"),
        key=lambda v: (list(_LOOKS).index(v) if v in _LOOKS else 99, v),
    )
    decided = [v for v in verdicts if v not in _NO_RESULT]
    shown = counts[counts[decided].sum(axis=1) >= FEWEST].head(_MOST_ROWS)
    if len(shown) < 2:  # one bar says less than its row of the table
        return None
    figure = new_figure(1.15 + 0.27 * len(shown))
    high = figure.get_figheight()
    axes = figure.add_axes((0.42, 0.42 / high, 0.55, 1 - 1.15 / high))
    most = float(shown[verdicts].sum(axis=1).max())
    for at, row in enumerate(shown.to_dict("records")):
        left = 0.0
        for verdict in verdicts:
            wide = float(row[verdict])
            if not wide:
                continue
            look = _LOOKS.get(verdict, _OTHER)
            axes.barh(at, wide, 0.62, left=left, linewidth=0.6, **look)
            if wide > most * 0.03:
                text = axes.text(
                    left + wide / 2, at, f"{wide:g}", ha="center", va="center", fontsize=6
                )
                text.set_color("white" if look["facecolor"] == style.INK else style.INK)
                if "hatch" in look:
                    text.set_bbox({"facecolor": look["facecolor"], "edgecolor": "none", "pad": 0.8})
            left += wide
        label = "\n".join(wrapped(capital(legible(row["item"], "?")[0]), 54, 2))
        place: dict[str, Any] = {
            "transform": axes.get_yaxis_transform(),
            "va": "center",
            "linespacing": 0.9,
        }
        axes.text(-0.75, at, label, fontsize=6.3, **place)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, most)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    horizontal(axes, axis)
    handles = [
        Patch(linewidth=0.6, label=_verdict_word(verdict, lang), **_LOOKS.get(verdict, _OTHER))
        for verdict in verdicts
    ]
    legend(figure, handles, ncols=5, handlelength=1.6, columnspacing=1.4)
    note = rows_shown(lang, len(shown), len(counts), "livelihood")
    titled(figure, title, 0.012, note)
    return figure


def _verdict_word(verdict: str, lang: str) -> str:
    key = f"verdict_{verdict.replace(' ', '_')}"
    return say(lang, key) if has(key) else legible(verdict, "?")[0]


def _of_section(section: str, title: str) -> Callable[[Result, str], Figure | None]:
    def draw(result: Result, lang: str) -> Figure | None:
        rows = section_rows(result, section)
        axis = say(lang, "sites_axis") + other_sites(result, lang, rows["site_id"])
        return (
            _verdict_bars(verdict_counts(rows), say(lang, title), axis, lang) if len(rows) else None
        )

    return draw


models: Final = _of_section("model condition", "models_title")
constraints: Final = _of_section("constraint", "constraints_title")
checks: Final = _of_section("recommendation", "checks_title")


def claims(result: Result, lang: str) -> Figure | None:
    """Draw how many claims of each source have which verdict."""
    frame = result.claims
    if frame.empty or "verdict" not in frame or "source" not in frame:
        return None
    rows = frame.assign(item=frame["source"].fillna("-").astype(str)).sort_values(
        "item", kind="stable"
    )
    return _verdict_bars(
        verdict_counts(rows), say(lang, "claims_title"), say(lang, "claims_axis"), lang
    )
