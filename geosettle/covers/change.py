"""Land between two dates: from-to areas, gains, losses, rates; areas corrected for map errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import text_array
from geosettle.covers.overlay import OUTSIDE, UNCLASSIFIED
from geosettle.covers.polygons import Parcels, pieces
from geosettle.covers.zonal import class_areas
from geosettle.covers.zones import Zones, polygons_of
from geosettle.errors import InputError
from geosettle.geodesy import area_m2
from geosettle.problems import Problems, note
from geosettle.raster import Raster, resample_nearest, same_grid
from geosettle.reasons import join, reason, render, rendered
from geosettle.settings import DEFAULTS

_COLUMNS: Final = (
    *("zone_id", "radius_km", "year_from", "year_to", "measure", "class", "class_to"),
    *("value", "low", "high", "unit", "why"),
)
_NODATA: Final = "(no data)"


_Step = tuple[int, int, pd.DataFrame | str]
"""Two years, and what became what between them, or why they are not compared."""


class ProductsDifferWarning(UserWarning):
    """Two land-cover products or resolutions are compared; part of the change may be theirs."""


def annual_rate(start: float, end: float, years: float) -> float:
    """Compound annual rate of change of an area, as a share per year.

    Parameters
    ----------
    start, end
        Areas at the two dates, any unit.
    years
        Years between them.

    Returns
    -------
    float
        ``(end / start) ** (1 / years) - 1``; NaN without an area at the start or without time
        between.

    Notes
    -----
    The rate of FAO (1995), Forest resources assessment 1990, as given by Puyravaud (2003), Forest
    Ecology and Management 177: 593-596, eq. 1.

    Examples
    --------
    >>> round(annual_rate(100, 121, 2), 6), annual_rate(0, 5, 2)
    (0.1, nan)
    """
    return float(_rates(np.array([start]), np.array([end]), years)[0])


def _rates(
    start: NDArray[np.float64], end: NDArray[np.float64], years: float
) -> NDArray[np.float64]:
    """Compound annual rates, NaN where there are none; see `annual_rate`."""
    known = (start > 0) & (end >= 0) & (years > 0)
    growth = np.divide(end, start, out=np.full(start.shape, np.nan), where=known)
    return np.asarray(growth ** (1 / years) - 1 if years > 0 else growth)


@rendered
def cover_change(
    zones: gpd.GeoDataFrame | Raster,
    cover: gpd.GeoDataFrame | Mapping[int, Raster],
    by: str | None = None,
    *,
    radii_km: Sequence[float] | None = None,
    confusion: pd.DataFrame | Mapping[int, pd.DataFrame] | None = None,
    max_repair_share: float = DEFAULTS.overlay.max_repair_share,
    problems: Problems | None = None,
) -> pd.DataFrame:
    """How land cover changed in each zone between each two dates that follow each other.

    Parameters
    ----------
    zones, radii_km
        As for `overlay_areas`.
    cover
        Polygons with a `year` (one map per year; ground without a polygon is `(outside)`), or year
        to class raster.
    by
        Column of the polygons that holds the class.
    confusion
        Counts of an accuracy sample, rows the map's classes, columns the reference classes; one for
        all years or one per year. Adds error-adjusted areas, see `adjusted_areas`.
    max_repair_share, problems
        As for `overlay_areas`. Without `problems`, differing products are announced by
        `ProductsDifferWarning`.

    Returns
    -------
    DataFrame
        Long: `zone_id, radius_km, year_from, year_to, measure, class, class_to, value, low, high,
        unit, why`. Measures: `from_to` (ha of `class` that became `class_to`), and for each class
        `start`, `end`, `gain`, `loss`, `net` (ha), `annual_rate` (share per year, compound),
        `adjusted_start`, `adjusted_end` (ha, with the 95 % interval). `from_to` sums to the zone.

    Raises
    ------
    InputError
        There are fewer than two dates.

    Examples
    --------
    >>> from affine import Affine
    >>> where = Affine(0.1, 0, 76, 0, -0.1, 0.1)
    >>> before, after = (Raster(np.array([row]), where, classes={1: "desert", 2: "field"})
    ...     for row in ([1.0, 1.0, 2.0], [2.0, 1.0, 2.0]))
    >>> zone = gpd.GeoDataFrame(
    ...     index=["z"], geometry=[shapely.box(76, 0, 76.3, 0.1)], crs="EPSG:4326"
    ... )
    >>> change = (
    ...     cover_change(zone, {2010: before, 2020: after})
    ...     .set_index(["measure", "class"])["value"]
    ...     .sort_index()
    ... )
    >>> round(change["gain", "field"]), round(float(change["annual_rate", "field"]), 4)
    (12309, 0.0718)
    """
    areas = Zones.of(zones, radii_km, max_repair_share=max_repair_share, problems=problems)
    if isinstance(cover, gpd.GeoDataFrame):
        steps: list[_Step] = list(_polygon_steps(areas, cover, by, max_repair_share, problems))
    else:
        steps = _raster_steps(areas, cover, problems)
    frames = [
        _refused(areas, table, first, last)
        if isinstance(table, str)
        else _measures(areas, table, first, last, confusion)
        for first, last, table in steps
    ]
    lost = np.flatnonzero(np.isnan(areas.area_m2))
    gone = pd.DataFrame(
        {"zone_id": areas.ids[lost], "radius_km": areas.radius_km[lost], "why": areas.why[lost]}
    )
    out = pd.concat([f for f in (*frames, gone) if len(f)] or [gone], ignore_index=True).reindex(
        columns=list(_COLUMNS)
    )
    return _typed(out)


def _typed(out: pd.DataFrame) -> pd.DataFrame:
    """Settle types and order."""
    out["why"] = out["why"].fillna("")
    for column in ("zone_id", "measure", "class", "class_to", "unit", "why"):
        out[column] = text_array([None if pd.isna(v) else str(v) for v in out[column]])
    for column in ("year_from", "year_to"):
        out[column] = out[column].astype("Int64")
    for column in ("radius_km", "value", "low", "high"):
        out[column] = out[column].astype("float64")
    return out.reset_index(drop=True)


def _warn(problems: Problems | None, message: str) -> None:
    """Tell that two products are compared, to the problem list or as a warning."""
    if problems is None:
        warnings.warn(message, ProductsDifferWarning, stacklevel=4)
    else:
        note(problems, "products_differ", message)


def _product(source: object) -> str:
    """Take the dates out of a source: what is left names the product."""
    return re.sub(r"\W+", " ", re.sub(r"\d{4}", " ", str(source))).strip().casefold()


def _refused(zones: Zones, why: str, first: int, last: int) -> pd.DataFrame:
    """Rows without numbers for two dates that may not be compared."""
    return pd.DataFrame(
        {
            "zone_id": zones.ids, "radius_km": zones.radius_km, "year_from": first,
            "year_to": last, "why": why,
        }
    )  # fmt: skip


def _incomparable(a: Raster, b: Raster) -> str:
    """Return why a difference between two rasters is no change; "" if nothing says so."""
    because = a.not_comparable.get(b.product) or b.not_comparable.get(a.product)
    named = [raster.source or raster.product for raster in (a, b)]
    return reason("not_comparable", a=named[0], b=named[1], because=because) if because else ""


def _raster_steps(
    zones: Zones, cover: Mapping[int, Raster], problems: Problems | None
) -> list[_Step]:
    """From-to tables of each two rasters, crossed cell by cell on the finer grid.

    In place of the table, the reason why two may not be compared.
    """
    years = sorted(cover)
    if len(years) < 2:
        raise InputError(
            "change needs rasters of two dates",
            value=years,
            mend="Give year to raster, two at least.",
        )
    steps: list[_Step] = []
    for first, last in pairwise(years):
        a, b = cover[first], cover[last]
        if why := _incomparable(a, b):
            steps.append((first, last, why))
            if problems is not None:
                note(problems, "not_comparable", f"{render(why)[0].upper()}{render(why)[1:]}.")
            continue
        apart = []
        if not same_grid(a, b):
            cells = [f"{float(np.median(r.cell_sizes_m()[1])):,.0f}" for r in (a, b)]
            apart.append(f"cells of {cells[0]} and {cells[1]} m, or shifted grids")
        if dict(a.classes) != dict(b.classes):
            apart.append("different class tables")
        if _product(a.source) != _product(b.source):
            apart.append(f"different sources ({a.source} and {b.source})")
        if apart:
            _warn(
                problems,
                f"Land cover of {first} and {last} has {'; '.join(apart)}: classes are drawn and "
                "mixed in differently, "
                "so part of what looks like change, or all of it, may be the products'.",
            )
        steps.append((first, last, _crossed(zones, a, b)))
    return steps


def _crossed(zones: Zones, a: Raster, b: Raster) -> pd.DataFrame:
    """From-to square metres of two rasters in each zone."""
    heights = [float(np.median(r.cell_sizes_m()[1])) for r in (a, b)]
    grid = a if heights[0] <= heights[1] * (1 + 1e-9) else b
    old, new = (resample_nearest(r, grid) for r in (a, b))
    names = sorted(
        {_class_name(v, r.classes) for r, grid_ in ((a, old), (b, new)) for v in np.unique(grid_)}
    )
    codes = {name: k for k, name in enumerate(names)}
    crossed = _coded(old, a, codes) * len(names) + _coded(new, b, codes)
    table = {i * len(names) + j: f"{x}\t{y}" for x, i in codes.items() for y, j in codes.items()}
    long = class_areas(zones, Raster(crossed, grid.transform, grid.crs, "class", table), None, None)
    pair = [c.split("\t") if "\t" in c else [c, c] for c in long["class"].astype(str)]
    old_name, new_name = ([p[k] for p in pair] for k in (0, 1))
    return pd.DataFrame({"zone": long["zone"], "from": old_name, "to": new_name, "m2": long["m2"]})


def _class_name(value: float, classes: Mapping[int, str]) -> str:
    """Name of a class value, as in `overlay_areas`."""
    if not np.isfinite(value):
        return _NODATA
    return str(classes.get(int(value), UNCLASSIFIED)) if classes else str(int(value))


def _coded(
    values: NDArray[np.floating], raster: Raster, codes: Mapping[str, int]
) -> NDArray[np.float64]:
    """Class values as positions in the list of names."""
    found, inverse = np.unique(values, return_inverse=True)
    return np.array([codes[_class_name(v, raster.classes)] for v in found], dtype=np.float64)[
        inverse
    ].reshape(values.shape)


def _polygon_steps(
    zones: Zones,
    cover: gpd.GeoDataFrame,
    by: str | None,
    max_repair_share: float,
    problems: Problems | None,
) -> list[tuple[int, int, pd.DataFrame]]:
    """From-to tables of polygons, map by map.

    Polygons without a year belong to no map and are reported.
    """
    parcels = Parcels.of(
        cover, by, snapshots=True, max_repair_share=max_repair_share, problems=problems
    )
    years = [int(y) for y in np.unique(parcels.year[np.isfinite(parcels.year)])]
    if len(years) < 2:
        raise InputError(
            "change needs polygons of two years",
            column="year",
            value=years,
            mend="Give each its year.",
        )
    if "source" in cover and "year" in cover:
        named = cover["source"].notna()
        made = {
            y: {_product(s) for s in cover.loc[named & (cover["year"] == y), "source"]}
            for y in years
        }
        for first, last in pairwise(years):
            if made[first] and made[last] and made[first].isdisjoint(made[last]):
                _warn(
                    problems,
                    f"Polygons of {first} and {last} come from different sources; change may be "
                    "theirs.",
                )
    return [
        (first, last, _intersected(zones, parcels, first, last)) for first, last in pairwise(years)
    ]


def _intersected(zones: Zones, parcels: Parcels, first: int, last: int) -> pd.DataFrame:
    """From-to square metres of two polygon maps in each zone.

    What one map leaves blank is `(outside)` of it.
    """
    label = np.where(parcels.label == "", UNCLASSIFIED, parcels.label)
    old, new = np.flatnonzero(parcels.year == first), np.flatnonzero(parcels.year == last)
    at, of = shapely.STRtree(parcels.geometry[new]).query(
        parcels.geometry[old], predicate="intersects"
    )
    both = shapely.intersection(parcels.geometry[old[at]], parcels.geometry[new[of]])
    shapes = np.array([polygons_of(g) for g in both], dtype=object)
    area = area_m2(shapes)
    keep = area > 0
    zone, piece, metres = pieces(zones, shapes[keep], area[keep])
    held = pd.DataFrame(
        {
            "zone": zone,
            "from": label[old[at[keep][piece]]],
            "to": label[new[of[keep][piece]]],
            "m2": metres,
        }
    )
    held = held.groupby(["zone", "from", "to"])[["m2"]].sum().reset_index()
    whole = {}
    for side, rows in (("from", old), ("to", new)):
        z, p, m = pieces(zones, parcels.geometry[rows], parcels.area_m2[rows])
        whole[side] = (
            pd.DataFrame({"zone": z, side: label[rows[p]], "m2": m})
            .groupby(["zone", side])["m2"]
            .sum()
        )
    parts = [held]
    for side, other in (("from", "to"), ("to", "from")):
        rest = (
            whole[side]
            - held.groupby(["zone", side])["m2"].sum().reindex(whole[side].index).fillna(0.0)
        ).clip(lower=0)
        parts.append(rest.reset_index().assign(**{other: OUTSIDE}))
    out = pd.concat(parts, ignore_index=True)
    usable = np.flatnonzero(np.nan_to_num(zones.area_m2) > 0)
    sums = out.groupby("zone")["m2"].sum().reindex(usable).fillna(0.0)
    blank = np.maximum(zones.area_m2[usable] - sums.to_numpy(), 0.0)
    neither = pd.DataFrame({"zone": usable, "from": OUTSIDE, "to": OUTSIDE, "m2": blank})
    out = pd.concat([out, neither], ignore_index=True)
    return pd.DataFrame(out[out["m2"] > zones.area_m2[out["zone"].to_numpy()] * 1e-9])


def _measures(
    zones: Zones,
    table: pd.DataFrame,
    first: int,
    last: int,
    confusion: pd.DataFrame | Mapping[int, pd.DataFrame] | None,
) -> pd.DataFrame:
    """All measures of one pair of dates, from its from-to table."""
    table = (
        table.assign(ha=table["m2"] / 1e4)
        .groupby(["zone", "from", "to"], sort=True)["ha"]
        .sum()
        .reset_index()
    )
    changed = table[table["ha"] > 0].rename(
        columns={"from": "class", "to": "class_to", "ha": "value"}
    )
    parts = [changed.assign(measure="from_to", unit="ha", rank=0)]
    before, after = (
        table.groupby(["zone", side])["ha"].sum().rename_axis(["zone", "class"])
        for side in ("from", "to")
    )
    same = table[table["from"] == table["to"]].set_index(["zone", "from"])["ha"]
    keys = before.index.union(after.index)
    start, end, kept = (
        part.reindex(keys).fillna(0.0).to_numpy(np.float64) for part in (before, after, same)
    )
    measures = {
        "start": start,
        "end": end,
        "gain": end - kept,
        "loss": start - kept,
        "net": end - start,
    }
    measures["annual_rate"] = _rates(start, end, last - first)
    of_class = keys.to_frame(index=False)
    for rank, (measure, value) in enumerate(measures.items(), 1):
        rate = measure == "annual_rate"
        why = np.where(np.isnan(value), reason("no_rate"), "")
        unit = "share per year" if rate else "ha"
        parts.append(of_class.assign(measure=measure, value=value, unit=unit, why=why, rank=rank))
    out = pd.concat(parts, ignore_index=True)
    # First what became what; then class by class.
    name = out["class"].where(out["rank"] > 0, "").to_numpy(object).astype(str)
    out = out.iloc[
        np.lexsort(
            (out["rank"].to_numpy(), name, out["rank"].to_numpy() > 0, out["zone"].to_numpy())
        )
    ]
    if confusion is not None:
        adjusted = []
        for year, mapped, measure in (
            (first, start, "adjusted_start"),
            (last, end, "adjusted_end"),
        ):
            matrix = confusion.get(year) if isinstance(confusion, Mapping) else confusion
            for zone, of_zone in pd.Series(mapped, index=keys).groupby(level="zone", sort=True):
                rows = _adjusted_rows(matrix, of_zone.droplevel("zone"), measure)
                adjusted += [{"zone": zone, **row} for row in rows]
        out = pd.concat([out, pd.DataFrame(adjusted)], ignore_index=True) if adjusted else out
        out = out.iloc[np.argsort(out["zone"].to_numpy(np.intp), kind="stable")]
    at = out["zone"].to_numpy(np.intp)
    out = out.assign(
        zone_id=zones.ids[at], radius_km=zones.radius_km[at], year_from=first, year_to=last
    )
    return out.reindex(columns=list(_COLUMNS))


def _adjusted_rows(
    matrix: pd.DataFrame | None, mapped: pd.Series, measure: str
) -> list[dict[str, Any]]:
    """Error-adjusted areas of one zone and date."""
    if matrix is None:
        return []
    known = [name for name in matrix.index if name in mapped.index and mapped[name] > 0]
    left = sorted(set(mapped.index) - set(known) - {OUTSIDE, _NODATA})
    without = reason("classes_without_sample", classes=", ".join(left)) if left else ""
    why = join(reason("error_matrix"), without)
    if not known:
        return []
    found = adjusted_areas(matrix.loc[known], mapped[known])
    return [
        {
            "measure": measure,
            "class": name,
            "value": row.adjusted,
            "low": row.low,
            "high": row.high,
            "unit": "ha",
            "why": why,
        }
        for name, row in zip(found.index, found.itertuples(), strict=True)
    ]


def adjusted_areas(counts: pd.DataFrame, mapped: pd.Series, *, z: float = 1.96) -> pd.DataFrame:
    """Areas of classes corrected for the map's errors, with confidence intervals.

    The accuracy of the map is given too.

    Parameters
    ----------
    counts
        Error matrix of a sample stratified by map class: rows the map's classes, columns the
        reference classes. Two sample units at least in each row.
    mapped
        Area of each map class, any unit, by the row names of `counts`.
    z
        Normal quantile of the interval; 1.96 gives 95 %.

    Returns
    -------
    DataFrame
        By reference class: `mapped, adjusted, standard_error, low, high` in the unit of `mapped`;
        `users_accuracy, users_ci, producers_accuracy, producers_ci, overall_accuracy, overall_ci`
        (half widths).

    Raises
    ------
    InputError
        A map class has no area, or fewer than two sample units.

    Notes
    -----
    Olofsson et al. (2014), Remote Sensing of Environment 148: 42-57, eqs. 1-11. The adjusted area
    of a class is the area-weighted share of the sample that the reference finds in it, summed over
    the map's classes.

    Examples
    --------
    The worked example of that paper (table 8), in pixels:

    >>> names = ["deforestation", "gain", "forest", "other"]
    >>> sample = pd.DataFrame(
    ...     [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]], names, names
    ... )
    >>> pixels = pd.Series([200_000, 150_000, 3_200_000, 6_450_000], names)
    >>> found = adjusted_areas(sample, pixels).loc["deforestation"]
    >>> round(float(found["adjusted"])), round(1.96 * float(found["standard_error"]))
    (235086, 68418)
    """
    area = mapped.reindex(counts.index).to_numpy(np.float64)
    n = counts.to_numpy(np.float64)
    size = n.sum(axis=1)
    if not np.all(area >= 0) or area.sum() <= 0:
        raise InputError(
            "a map class of the error matrix has no mapped area",
            column="mapped",
            value=list(counts.index),
        )
    if np.any(size < 2):
        short = counts.index[size < 2][0]
        raise InputError(
            "a map class has fewer than two sample units",
            row=None,
            column=str(short),
            mend="Sample more.",
        )
    total = area.sum()
    weight = area / total
    share = n / size[:, None]
    p = weight[:, None] * share
    column = p.sum(axis=0)
    error = np.sqrt(((weight**2)[:, None] * share * (1 - share) / (size - 1)[:, None]).sum(axis=0))
    out = pd.DataFrame(index=counts.columns)
    out["mapped"] = mapped.reindex(counts.columns).to_numpy(np.float64)
    out["adjusted"] = total * column
    out["standard_error"] = total * error
    out["low"] = np.maximum(out["adjusted"] - z * out["standard_error"], 0.0)
    out["high"] = out["adjusted"] + z * out["standard_error"]
    return out.join(_accuracies(counts, area, z))


def _accuracies(counts: pd.DataFrame, area: NDArray[np.float64], z: float) -> pd.DataFrame:
    """User's, producer's and overall accuracy with half widths (eqs. 1-3 and 5-7 of the paper)."""
    n = counts.to_numpy(np.float64)
    size = n.sum(axis=1)
    share = n / size[:, None]
    weight = area / area.sum()
    user = pd.Series([share[i, counts.columns.get_loc(c)] if c in counts.columns else np.nan
                      for i, c in enumerate(counts.index)], index=counts.index)  # fmt: skip
    spread = user * (1 - user) / (size - 1)
    reference = (area[:, None] * share).sum(axis=0)
    producer, variance = {}, {}
    for j, name in enumerate(counts.columns):
        if name not in counts.index or reference[j] <= 0:
            continue
        i = counts.index.get_loc(name)
        producer[name] = area[i] * share[i, j] / reference[j]
        others = np.arange(len(counts)) != i
        missed = (area**2 * share[:, j] * (1 - share[:, j]) / (size - 1))[others].sum()
        own = area[i] ** 2 * (1 - producer[name]) ** 2 * spread.iloc[i]
        variance[name] = (own + producer[name] ** 2 * missed) / reference[j] ** 2
    out = pd.DataFrame(index=counts.columns)
    out["users_accuracy"] = user.reindex(counts.columns)
    out["users_ci"] = z * np.sqrt(spread.reindex(counts.columns))
    out["producers_accuracy"] = pd.Series(producer, dtype=float).reindex(counts.columns)
    out["producers_ci"] = z * np.sqrt(pd.Series(variance, dtype=float).reindex(counts.columns))
    out["overall_accuracy"] = float((weight * user).sum())
    out["overall_ci"] = z * float(np.sqrt((weight**2 * spread).sum()))
    return out
