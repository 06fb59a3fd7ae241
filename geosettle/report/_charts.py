"""The figures that are no maps: distances, land, livelihood, oasis, declared against computed."""

from __future__ import annotations

import textwrap
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from geosettle import style
from geosettle.analysis import Result
from geosettle.geodesy import area_m2
from geosettle.report._canvas import WIDTH_IN, legible, new_figure
from geosettle.report.summary import numbers, oasis_shares
from geosettle.report.words import say

__all__ = ["capitals", "declared", "distances", "land", "oasis"]

_MOST_ROWS: Final = 60
_GREY: Final = "#9AA3A9"


def names_of(frame: pd.DataFrame, lang: str, most: int = 30) -> dict[str, str]:
    """Return a name per row that the installed fonts can write, else its identifier."""
    columns = [c for c in (("name_local", "name") if lang == "zh" else ("name", "name_local")) if c in frame]
    found = {}
    for key, row in frame[columns].iterrows():
        text = legible(*[row[c] for c in columns], key)[0]
        found[str(key)] = textwrap.shorten(text, most, placeholder="…") or str(key)
    return found


def _titled(figure: Figure, title: str, left: float, note: str = "") -> None:
    high = figure.get_figheight()
    figure.text(left, 1 - 0.16 / high, title, fontsize=9.5, weight="bold", va="center")
    if note:
        figure.text(left, 1 - 0.34 / high, note, fontsize=6.5, color=style.MUTED, va="center")


def distances(result: Result, lang: str) -> Figure | None:
    """Draw one line per pair: the range that the radii allow, the drawn interval, the value, the declared distance."""
    pairs = result.pairs[numbers(result.pairs, "geodesic_km").notna()].sort_index()
    if pairs.empty:
        return None
    pairs = pairs.assign(site=pairs.index.get_level_values("site_id"), value=numbers(pairs, "geodesic_km"))
    pairs = pairs.sort_values(["site", "value"], kind="stable")
    shown = (
        pairs.groupby("site", sort=True).head(max(2, _MOST_ROWS // max(pairs["site"].nunique(), 1))).head(_MOST_ROWS)
    )
    site_names, origin_names = names_of(result.sites, lang), names_of(result.origins, lang, 34)
    spread = _spread(result.intervals)
    rows: list[tuple[float, Any]] = []
    y = 0.0
    for site, group in shown.groupby("site", sort=True):
        rows.append((y, site_names.get(str(site), str(site))))
        for key, pair in group.iterrows():
            y += 1
            rows.append((y, (key, pair)))
        y += 1.6
    figure = new_figure(0.85 + 0.145 * (y + 1))
    high = figure.get_figheight()
    axes = figure.add_axes((0.33, 0.42 / high, 0.64, 1 - 0.95 / high))
    for at, row in rows:
        if isinstance(row, str):
            axes.text(
                -0.5, at, row, transform=axes.get_yaxis_transform(), weight="bold", fontsize=7, va="center", ha="left"
            )
        else:
            _distance_row(axes, at, row, spread, origin_names)
    axes.set_ylim(y - 0.4, -1)
    _horizontal(axes, say(lang, "distances_axis"))
    level = float(spread["level"].iloc[0]) if len(spread) else 0.9
    handles = [
        Line2D([], [], c=style.FLOW, lw=0.8, label=say(lang, "legend_interval")),
        Line2D([], [], c=style.FLOW, lw=3, alpha=0.45, label=say(lang, "legend_draws", level=level)),
        Line2D([], [], marker="o", ls="", mfc="white", mec=style.FLOW, ms=4, label=say(lang, "legend_value")),
        Line2D([], [], marker="^", ls="", mfc=style.SITE, mec="none", ms=4, label=say(lang, "legend_declared")),
        Line2D([], [], marker="^", ls="", mfc="white", mec=_GREY, ms=4, label=say(lang, "legend_declared_used")),
    ]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.5, 1.0), ncols=3, columnspacing=1.2, handlelength=1.6
    )
    _titled(figure, say(lang, "distances_title"), 0.012)
    return figure


def _spread(intervals: pd.DataFrame) -> pd.DataFrame:
    if intervals.empty or "metric" not in intervals:
        return pd.DataFrame(columns=["low", "high", "level"])
    frame = intervals.reset_index() if "origin_id" not in intervals else intervals
    chosen = frame[frame["metric"] == "geodesic"]
    return chosen.set_index(["origin_id", "site_id"])[["low", "high", "level"]]


def _distance_row(axes: Any, at: float, row: Any, spread: pd.DataFrame, names: dict[str, str]) -> None:
    (origin, site), pair = row
    label = names.get(str(origin), str(origin))
    axes.text(-0.49, at, label, transform=axes.get_yaxis_transform(), fontsize=6.5, va="center", ha="left")
    axes.plot([pair["geodesic_low_km"], pair["geodesic_high_km"]], [at, at], c=style.FLOW, lw=0.8, zorder=2)
    if (origin, site) in spread.index:
        found = spread.loc[(origin, site)]
        axes.plot(
            [found["low"], found["high"]], [at, at], c=style.FLOW, lw=3, alpha=0.45, solid_capstyle="butt", zorder=2
        )
    axes.plot(pair["value"], at, "o", mfc="white", mec=style.FLOW, mew=0.9, ms=4, zorder=3)
    stated = pd.to_numeric(pair.get("declared_km"), errors="coerce")
    if np.isfinite(stated):
        circular = "used_to_place" in str(pair.get("flags", ""))
        look = {"mfc": "white", "mec": _GREY} if circular else {"mfc": style.SITE, "mec": "none"}
        axes.plot(float(stated), at, "^", ms=4, zorder=3, **look)


def declared(result: Result, lang: str) -> Figure | None:
    """Draw declared road distances against straight lines; below the diagonal no road is possible."""
    pairs = result.pairs.sort_index()
    pairs = pairs.assign(x=numbers(pairs, "geodesic_km"), y=numbers(pairs, "declared_km"))
    pairs = pairs[pairs["x"].notna() & pairs["y"].notna()]
    if pairs.empty:
        return None
    figure = new_figure(3.9, 4.6)
    axes = figure.add_axes((0.11, 0.11, 0.86, 0.75))
    most = float(np.nanmax([pairs["y"].max(), numbers(pairs, "geodesic_high_km").max(), pairs["x"].max()])) * 1.08
    axes.fill_between([0, most], 0, [0, most], color="#EEF0F1", lw=0, zorder=0)
    axes.text(most * 0.97, most * 0.06, say(lang, "possible"), ha="right", fontsize=6.5, color=style.MUTED)
    for ratio in (1.0, 1.5, 2.0):
        axes.plot([0, most / ratio], [0, most], c=_GREY, lw=0.7, ls="-" if ratio == 1 else (0, (4, 3)), zorder=1)
        if ratio > 1:
            axes.text(
                most / ratio,
                most * 1.005,
                say(lang, "times", ratio=ratio),
                ha="center",
                va="bottom",
                fontsize=6,
                color=style.MUTED,
            )
    used = pairs.get("flags", pd.Series("", pairs.index)).astype(str).str.contains("used_to_place")
    for circular, colour, face in ((False, style.SITE, style.SITE), (True, _GREY, "white")):
        part = pairs[used.to_numpy() == circular]
        axes.hlines(part["y"], part["geodesic_low_km"], part["geodesic_high_km"], colors=colour, lw=0.8, zorder=2)
        axes.plot(part["x"], part["y"], "^", ls="", mfc=face, mec=colour, ms=4.5, zorder=3)
    for row in pairs.reset_index().to_dict("records") if len(pairs) <= _MOST_ROWS else ():
        text = f"{legible(row['origin_id'], '')[0]} → {legible(row['site_id'], '')[0]}"
        axes.annotate(text, (row["x"], row["y"]), (3, 3), textcoords="offset points", fontsize=5.8, color=style.MUTED)
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    axes.set_xlabel(say(lang, "distances_axis"))
    axes.set_ylabel(say(lang, "declared_axis"))
    handles = [
        Line2D([], [], marker="^", ls="", mfc=style.SITE, mec=style.SITE, ms=4.5, label=say(lang, "legend_declared")),
        Line2D([], [], marker="^", ls="", mfc="white", mec=_GREY, ms=4.5, label=say(lang, "no_evidence")),
    ]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.01, 0.945), ncols=2, handlelength=1)
    _titled(figure, say(lang, "declared_title"), 0.02)
    return figure


def land(result: Result, lang: str) -> Figure | None:
    """Draw declared and mapped area per site and kind, and what is leased; illustrative shapes are hatched."""
    rows = _land_rows(result, lang)
    if not rows:
        return None
    figure = new_figure(1.0 + 0.3 * len(rows))
    high = figure.get_figheight()
    axes = figure.add_axes((0.33, 0.42 / high, 0.62, 1 - 0.95 / high))
    dark = style.PARCEL_YEARS[3]
    solid: dict[str, Any] = {"facecolor": style.PARCEL_YEARS[1], "edgecolor": dark, "linewidth": 0.6}
    hatched: dict[str, Any] = {"facecolor": "white", "edgecolor": dark, "linewidth": 0.6, "hatch": "//////"}
    for at, row in enumerate(rows):
        axes.barh(at - 0.17, row["declared"], 0.3, facecolor=style.PARCEL_YEARS[2], edgecolor=dark, linewidth=0.6)
        axes.barh(at - 0.17, row["leased"], 0.3, facecolor=dark)
        axes.barh(at + 0.17, row["mapped"], 0.3, **(hatched if row["illustrative"] else solid))
        weight = "bold" if row["total"] else "normal"
        axes.text(
            -0.5, at, row["label"], transform=axes.get_yaxis_transform(), fontsize=6.5, va="center", weight=weight
        )
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _horizontal(axes, say(lang, "land_axis"))
    handles = [
        Patch(facecolor=style.PARCEL_YEARS[2], edgecolor=dark, lw=0.6, label=say(lang, "declared_area")),
        Patch(facecolor=dark, label=say(lang, "leased_area")),
        Patch(label=say(lang, "mapped_area"), **solid),
        Patch(label=say(lang, "illustrative"), **hatched),
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.52, 1.0),
        ncols=4,
        columnspacing=1.4,
        handlelength=1.6,
    )
    _titled(figure, say(lang, "land_title"), 0.012)
    return figure


def _land_rows(result: Result, lang: str) -> list[dict[str, Any]]:
    """One row per site for its whole development, and below it one per kind where there are several."""
    parcels = result.study.development
    if parcels is None or parcels.empty or "site_id" not in parcels:
        return []
    frame = pd.DataFrame(
        {
            "site": parcels["site_id"].astype(str),
            "kind": parcels["kind"].astype(str),
            "declared": numbers(parcels, "declared_ha"),
            "mapped": area_m2(np.asarray(parcels.geometry, dtype=object)) / 1e4,
            "illustrative": parcels.get("geometry_basis", pd.Series("", parcels.index)).astype(str) == "illustrative",
        }
    )
    leased = numbers(result.land, "leased_ha")
    names, rows = names_of(result.sites, lang), []
    for site, group in frame[parcels["site_id"].notna()].groupby("site", sort=True):
        whole = {
            "label": names.get(str(site), legible(site, "?")[0]),
            "leased": leased.get(site, np.nan),
            "total": True,
        }
        rows.append(whole | _land_sums(group))
        kinds = group.groupby("kind", sort=True)
        for kind, part in kinds if kinds.ngroups > 1 else ():
            label = "   " + textwrap.shorten(legible(kind, "?")[0].replace("_", " "), 34, placeholder="…")
            rows.append({"label": label, "leased": np.nan, "total": False} | _land_sums(part))
    return rows[: _MOST_ROWS // 2]


def _land_sums(group: pd.DataFrame) -> dict[str, Any]:
    return {
        "declared": float(group["declared"].sum(min_count=1)),
        "mapped": float(group["mapped"].sum(min_count=1)),
        "illustrative": bool(group["illustrative"].any()),
    }


def capitals(result: Result, lang: str) -> Figure | None:
    """Draw before and after as slopes, one panel per unit, so that no two units share an axis."""
    frame = result.livelihood.reset_index(drop=True)
    frame = frame.assign(a=numbers(frame, "before"), b=numbers(frame, "after"))
    frame = frame[frame["a"].notna() & frame["b"].notna()]
    if frame.empty:
        return None
    unit = frame["unit"].astype(str) if "unit" in frame else pd.Series("", frame.index)
    if "site_id" in frame and len(set(frame["site_id"])) > 1:  # the same indicator of several sites: say whose it is
        names = names_of(result.sites, lang)
        frame["item"] = [
            f"{item} ({names.get(str(site), site)})" for item, site in zip(frame["item"], frame["site_id"], strict=True)
        ]
    panels = sorted(set(unit), key=lambda name: (-(unit == name).sum(), name))[:4]
    figure = new_figure(3.3)
    wide = 1 / len(panels)
    letters = int(0.4 * wide * WIDTH_IN * 72 / (6.5 * 0.6))
    for number, name in enumerate(panels):
        axes = figure.add_axes((number * wide + 0.15 * wide, 0.1, 0.3 * wide, 0.72))
        rows = frame[unit == name].sort_values(["b", "a"], kind="stable")
        low, top = 0.0, float(max(rows["a"].max(), rows["b"].max())) * 1.06
        ends = _spaced(rows["b"].to_numpy(), (top - low) * 0.2)
        starts = _spaced(rows.sort_values(["a", "b"], kind="stable")["a"].to_numpy(), (top - low) * 0.05)
        start_of = dict(zip(rows.sort_values(["a", "b"], kind="stable").index, starts, strict=True))
        for (key, row), end in zip(rows.iterrows(), ends, strict=True):
            axes.plot(
                [0, 1],
                [row["a"], row["b"]],
                c=style.FLOW,
                lw=1.3,
                marker="o",
                ms=4,
                mfc="white",
                mec=style.FLOW,
                clip_on=False,
            )
            axes.text(-0.08, start_of[key], f"{row['a']:g}", ha="right", va="center", fontsize=6.5)
            label = "\n".join(textwrap.wrap(legible(row["item"], "?")[0], letters)[:3])
            axes.text(1.1, end, f"{row['b']:g}\n{label}", ha="left", va="center", fontsize=6.5, linespacing=1.15)
        axes.set_ylim(low, top)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 1], [say(lang, "before"), say(lang, "after")])
        axes.tick_params(length=0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title(legible(name, "-")[0], fontsize=7, color=style.MUTED, pad=8)
    _titled(figure, say(lang, "capitals_title"), 0.012)
    return figure


def _spaced(values: Any, gap: float) -> list[float]:
    """Move labels of sorted values apart so that they do not overlap, keeping their order."""
    placed: list[float] = []
    for value in values:
        placed.append(max(float(value), placed[-1] + gap) if placed else float(value))
    excess = placed[-1] - float(values[-1]) if placed else 0.0
    return [value - excess / 2 for value in placed]


def oasis(result: Result, lang: str) -> Figure | None:
    """Draw the oasis share per unit for each setting, beside published and printed figures."""
    shares = oasis_shares(result)
    if not shares:
        return None
    figure = new_figure(1.0 + 0.34 * len(shares))
    high = figure.get_figheight()
    axes = figure.add_axes((0.16, 0.42 / high, 0.8, 1 - 0.95 / high))
    looks = {"low": ("<", "white"), "central": ("o", style.OASIS), "high": (">", "white")}
    for at, unit in enumerate(shares):
        values = list(unit.derived.values())
        axes.plot([min(values), max(values)], [at, at], c=style.OASIS, lw=3, zorder=1)
        for setting, (marker, face) in looks.items():
            if setting in unit.derived:
                axes.plot(unit.derived[setting], at, marker, ms=5, mfc=face, mec="#3F6B50", mew=0.9, zorder=3)
        for found, marker, face in ((unit.published, "D", "white"), (unit.printed, "X", style.SITE)):
            axes.plot(found, [at] * len(found), marker, ms=5, mfc=face, mec=style.SITE, ls="", zorder=4)
        name = textwrap.shorten(legible(unit.name, "?")[0], 24, placeholder="…")
        axes.text(-0.185, at, name, transform=axes.get_yaxis_transform(), va="center")
    axes.set_ylim(len(shares) - 0.5, -0.5)
    _horizontal(axes, say(lang, "oasis_axis"))
    handles = [
        Line2D([], [], marker=marker, ls="", mfc=face, mec="#3F6B50", ms=5, label=say(lang, f"setting_{setting}"))
        for setting, (marker, face) in looks.items()
        if any(setting in unit.derived for unit in shares)
    ]
    stated = (
        ("published", "D", "white", [unit.published for unit in shares]),
        ("printed", "X", style.SITE, [unit.printed for unit in shares]),
    )
    for key, marker, face, given in stated:
        if any(given):
            handles.append(Line2D([], [], marker=marker, ls="", mfc=face, mec=style.SITE, ms=5, label=say(lang, key)))
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=5, columnspacing=1.4, handlelength=1
    )
    _titled(figure, say(lang, "oasis_title"), 0.012)
    return figure


def _horizontal(axes: Any, label: str) -> None:
    """Dress axes whose rows are named beside them: one scale below, from zero."""
    axes.set_yticks([])
    axes.set_xlim(left=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#E3E6E8", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)
