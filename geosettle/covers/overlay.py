"""Land in zones, by class and year: the one table behind every area the software prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from geosettle.cells import text_array, texts
from geosettle.covers.polygons import Parcels, pieces
from geosettle.covers.zonal import class_areas, holds_classes, zonal_statistics
from geosettle.covers.zones import Zones
from geosettle.errors import ColumnError, InputError
from geosettle.geodesy import area_m2
from geosettle.problems import Problems, note
from geosettle.raster import Raster
from geosettle.reasons import join_rows, reason, rendered
from geosettle.settings import DEFAULTS

OUTSIDE: Final = "(outside)"
"""Ground of the zone that the cover says nothing about."""
UNCLASSIFIED: Final = "(unclassified)"
"""Ground under a polygon without a class, or under a raster value without a name where others have
one.
"""
NODATA: Final = "(no data)"
"""Ground inside a raster whose cells are missing."""

_TAKEN: Final = frozenset({
    *("zone_id", "radius_km", "year", "area_ha", "share", "overlap_ha", "zone_ha", "households"),
    *("area_ha_per_household", "geometry_basis", "evidence", "why"),
})  # fmt: skip
_HECTARE: Final = 1e4
_DISCS: Final = 10_000


@rendered
def overlay_areas(
    zones: gpd.GeoDataFrame | Raster,
    cover: gpd.GeoDataFrame | Raster | Mapping[int, Raster],
    by: str | None = None,
    *,
    radii_km: Sequence[float] | None = None,
    snapshots: bool = False,
    households: str = "households",
    max_repair_share: float = DEFAULTS.overlay.max_repair_share,
    survey_year: int | None = None,
    problems: Problems | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """How much land of which class, since when, lies in each zone.

    Parameters
    ----------
    zones
        Polygons, or points with `radii_km`, in any CRS, indexed by their id; or a raster whose
        values name the zones (see `zones_of_raster`).
    cover
        Polygons, with `year` where known; a class raster; or year to class raster.
    by
        Column of the polygons that holds the class; for a raster the name of the class column.
        None: polygons are one class "all", a raster's column is called "class".
    radii_km
        Radii of geodesic discs around the zones' points (around an inner point of polygons).
    snapshots
        Polygons of different years are separate maps of the same ground (land cover of 2010 and of
        2020). Otherwise the year is an event (land developed in 2018), and ground is counted once
        over all years.
    households
        Column of the zones with their households, for hectares per household.
    max_repair_share
        An invalid polygon is repaired if that changes its area by no more than this share, else set
        aside.
    survey_year
        Polygons dated later are reported.
    problems
        A list to which everything odd is added.
    progress
        Called with (zones done, zones in all); each counts once for every raster.

    Returns
    -------
    DataFrame
        Sorted, one row per zone, radius, class and year: `zone_id, radius_km, <by>, year, area_ha,
        share, overlap_ha, zone_ha, households, area_ha_per_household, geometry_basis, evidence,
        why`. The rows of one zone and radius (and map year) sum to the zone: classes,
        `(unclassified)`, `(no data)` and `(outside)`. `overlap_ha` is ground that polygons of this
        class claim beyond `area_ha`, already counted under another polygon. `evidence` is False
        where any polygon in the sum is illustrative, and where there is no area.

    Raises
    ------
    ColumnError
        The cover has no column `by`, or the table has one of this name of its own.
    InputError
        Zones are points and there are no radii; a radius is not positive; a raster holds no
        classes; the cover is neither polygons nor rasters.
    CrsError
        A frame has no CRS, or a raster is not in longitude/latitude.

    Notes
    -----
    Areas are geodesic, along edges straight in longitude/latitude. Ground under two polygons stays
    with the class that comes first in the alphabet, then with the earlier year; ids and the order
    of rows decide nothing. Raster cells count with the exact fraction that the zone covers
    (exactextract) times their geodesic area.

    Examples
    --------
    >>> import shapely
    >>> zone = gpd.GeoDataFrame(
    ...     index=["z"], geometry=[shapely.box(76, 0, 76.2, 0.1)], crs="EPSG:4326"
    ... )
    >>> fields = gpd.GeoDataFrame({"kind": ["forage", "orchard"]}, crs="EPSG:4326",
    ...     geometry=[shapely.box(76, 0, 76.1, 0.1), shapely.box(76.05, 0, 76.15, 0.1)])
    >>> overlay_areas(zone, fields, by="kind")[["kind", "area_ha", "share", "overlap_ha"]].round(2)
            kind   area_ha  share  overlap_ha
    0     forage  12309.07   0.50        0.00
    1    orchard   6154.53   0.25     6154.53
    2  (outside)   6154.53   0.25        0.00
    """
    if by in _TAKEN:
        mend = (
            "Leave `by` out: there is a row for each year in any case."
            if by == "year"
            else "Rename it."
        )
        raise ColumnError("the table has a column of this name of its own", column=by, mend=mend)
    parcels = None
    rasters = cover if isinstance(cover, Mapping) else {None: cover}
    if not rasters:
        raise InputError("the cover holds no raster", mend="Give a raster, or year to raster.")
    if not all(isinstance(raster, Raster) for raster in rasters.values()):
        parcels = Parcels.of(
            cover,
            by,
            snapshots=snapshots,
            max_repair_share=max_repair_share,
            survey_year=survey_year,
            problems=problems,
        )
    tables, done, maps = [], 0, len(rasters)
    for part, whole in _blocks(zones, radii_km):
        areas = Zones.of(
            part,
            radii_km,
            households=households,
            max_repair_share=max_repair_share,
            problems=problems,
        )
        steps = [
            None
            if progress is None
            else partial(_advance, progress, done * maps + k * len(areas), whole * maps)
            for k in range(maps)
        ]
        if parcels is not None:
            long, pairs = _polygon_rows(areas, parcels, snapshots, steps[0])
            if radii_km is None:
                _across(areas, parcels, pairs, problems)
        else:
            years = zip(sorted(rasters.items(), key=str), steps, strict=True)
            long = pd.concat(
                [class_areas(areas, raster, year, problems, step) for (year, raster), step in years]
            )
        tables.append(_finish(long, areas, by or "class"))
        done += len(areas)
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]


def _blocks(
    zones: gpd.GeoDataFrame | Raster, radii_km: Sequence[float] | None
) -> Iterator[tuple[gpd.GeoDataFrame | Raster, int]]:
    """Zones in blocks of at most `_DISCS` discs; and how many zones there are in all."""
    if radii_km is None or isinstance(zones, Raster):
        yield zones, 0 if isinstance(zones, Raster) else len(zones)
        return
    ordered = zones.iloc[np.argsort(zones.index.astype(str).to_numpy(), kind="stable")]
    size = max(1, _DISCS // max(1, len(set(radii_km))))
    for start in range(0, max(1, len(ordered)), size):
        yield ordered.iloc[start : start + size], len(ordered) * len(set(radii_km))


def _advance(
    progress: Callable[[int, int], None], before: int, whole: int, done: int, here: int
) -> None:
    """Pass on the progress of a block as that of all zones."""
    progress(before + done, max(whole, before + here))


def _polygon_rows(
    zones: Zones, parcels: Parcels, snapshots: bool, progress: Callable[[int, int], None] | None
) -> tuple[pd.DataFrame, tuple[Any, Any, Any]]:
    """Square metres by zone (position), class and year, with the rest of the zone.

    The pairs that they are of are returned too.
    """
    zone, parcel, metres = pieces(zones, parcels.geometry, parcels.area_m2, parcels.edges, progress)
    o_zone, o_parcel, o_metres = pieces(
        zones, parcels.overlap_geometry, area_m2(parcels.overlap_geometry)
    )
    o_parcel = parcels.overlap[o_parcel]
    frame = pd.DataFrame(
        {
            "zone": np.concatenate([zone, o_zone]),
            "class": parcels.label[np.concatenate([parcel, o_parcel])],
            "year": parcels.year[np.concatenate([parcel, o_parcel])],
            "m2": np.concatenate([metres, np.zeros(o_metres.size)]),
            "overlap_m2": np.concatenate([np.zeros(metres.size), o_metres]),
        }
    )
    frame["class"] = frame["class"].where(frame["class"] != "", UNCLASSIFIED)
    key = ["zone", "class", "year"]
    long = frame.groupby(key, dropna=False, sort=True, as_index=False).sum()
    if any(parcels.basis):
        bases = (
            frame[key]
            .assign(basis=parcels.basis[np.concatenate([parcel, o_parcel])])
            .drop_duplicates()
        )
        joined = (
            bases.groupby(key, dropna=False)["basis"]
            .agg(lambda s: "; ".join(sorted(set(s) - {""})))
            .reset_index()
        )
        long = long.merge(joined, on=key, how="left")
    years = np.unique(parcels.year) if snapshots else np.array([np.nan])
    if years.size == 0:
        years = np.array([np.nan])
    usable = np.flatnonzero(np.isfinite(zones.area_m2))
    rest = pd.DataFrame(
        {"zone": np.tile(usable, years.size), "year": np.repeat(years, usable.size)}
    )
    if snapshots:
        held = long.groupby(["zone", "year"], dropna=False)["m2"].sum().reset_index(name="held")
        rest = rest.merge(held, on=["zone", "year"], how="left")
    else:
        rest["held"] = rest["zone"].map(long.groupby("zone")["m2"].sum())
    rest["m2"] = zones.area_m2[rest["zone"].to_numpy()] - rest["held"].fillna(0.0)
    # What rounding leaves of a zone that is wholly covered is no land.
    rest["m2"] = rest["m2"].where(rest["m2"] > zones.area_m2[rest["zone"].to_numpy()] * 1e-9, 0.0)
    rest = rest[(rest["m2"] > 0) | (zones.area_m2[rest["zone"].to_numpy()] == 0)]
    rest = rest.assign(overlap_m2=0.0, **{"class": OUTSIDE}).drop(columns="held")
    return pd.concat([long, rest], ignore_index=True), (zone, parcel, metres)


def _across(
    zones: Zones, parcels: Parcels, pairs: tuple[Any, Any, Any], problems: Problems | None
) -> None:
    """Report parcels that lie in several zones."""
    if problems is None:
        return
    zone, parcel, metres = pairs
    order = np.argsort(parcel, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(parcel[order])) + 1)
    for run in (r for r in runs if r.size > 1):
        one = parcel[run[0]]
        parts = [
            f"{zones.ids[z]} {m / _HECTARE:.4f} ha"
            for z, m in zip(zone[run], metres[run], strict=True)
        ]
        message = f"Parcel {parcels.ids[one]} is in {len(parts)} zones: {', '.join(parts)}."
        note(problems, "parcel_across_zones", message, id=str(parcels.ids[one]))


def _finish(long: pd.DataFrame, zones: Zones, column: str) -> pd.DataFrame:
    """Make the table: hectares, shares, households, evidence, reasons.

    A zone without an area has a row too.
    """
    lost = np.flatnonzero(np.isnan(zones.area_m2))
    gone = pd.DataFrame(
        {"zone": lost, "class": None, "year": np.nan, "m2": np.nan, "overlap_m2": np.nan}
    )
    # NaN rows would set the types; the frames are joined only where there is something to join.
    long = (
        pd.concat([f for f in (long, gone) if len(f)], ignore_index=True)
        if len(long) or len(gone)
        else long
    )
    at = long["zone"].to_numpy(dtype=np.intp)
    whole = zones.area_m2[at]
    label = long["class"].astype(object).where(long["class"].notna(), None)
    out = pd.DataFrame(
        {
            "zone_id": text_array(zones.ids[at]),
            "radius_km": zones.radius_km[at],
            column: text_array(label.to_list()),
            "year": pd.array(
                np.where(np.isnan(y := long["year"].to_numpy(np.float64)), -1, y).astype(int),
                dtype="Int64",
            ),
            "area_ha": long["m2"].to_numpy(np.float64) / _HECTARE,
            "share": np.divide(
                long["m2"].to_numpy(np.float64),
                whole,
                out=np.full(len(long), np.nan),
                where=np.nan_to_num(whole) > 0,
            ),
            "overlap_ha": long["overlap_m2"].to_numpy(np.float64) / _HECTARE,
            "zone_ha": whole / _HECTARE,
            "households": zones.households[at],
        }
    )
    out["year"] = out["year"].mask(out["year"] == -1)
    homes = out["households"]
    known_class = (label.notna() & ~label.isin([OUTSIDE, NODATA])).to_numpy(bool)
    out["area_ha_per_household"] = (out["area_ha"] / homes).where((homes > 0) & known_class)
    out["geometry_basis"] = texts(long, "basis").array
    # Illustrative ground is no evidence, and so neither is what it leaves over in the same zone.
    made_up = out["geometry_basis"].str.contains("illustrative")
    touched = made_up.groupby([out["zone_id"], out["radius_km"].fillna(-1.0)]).transform("any")
    out["evidence"] = ~(made_up | (touched & (out[column] == OUTSIDE)) | out["area_ha"].isna())
    why = texts(long, "why").to_numpy(object)
    no_homes = bool(np.isfinite(zones.households).any()) & homes.isna().to_numpy(bool) & known_class
    homeless = np.where(no_homes, reason("households_unknown"), "")
    undated = np.where(
        out["year"].isna().to_numpy(bool) & known_class & long["year"].notna().any(),
        reason("no_year"),
        "",
    )
    out["why"] = text_array(join_rows(zones.why[at], why, undated, homeless))
    last = {OUTSIDE: 3, NODATA: 2, UNCLASSIFIED: 1}
    names = np.array(["" if c is None else c for c in label], dtype=str)
    rank = np.array([last.get(c, 0) for c in label])
    order = np.lexsort((names, rank, out["year"].fillna(9999).to_numpy(int), at))
    return out.iloc[order].reset_index(drop=True)


def to_wide(long: pd.DataFrame, values: str = "area_ha") -> pd.DataFrame:
    """Zones down, classes (and radii and years, where there are several) across.

    Parameters
    ----------
    long
        From `overlay_areas`.
    values
        Column to spread.

    Returns
    -------
    DataFrame
        By `zone_id`; columns such as `forage_2018_5km_ha`. A class that a zone does not have is 0,
        an unknown area NaN.

    Examples
    --------
    >>> to_wide(
    ...     pd.DataFrame(
    ...         {
    ...             "zone_id": ["a", "b"],
    ...             "radius_km": [5.0, 5.0],
    ...             "kind": ["forage", "orchard"],
    ...             "year": pd.array([None, None], dtype="Int64"),
    ...             "area_ha": [1.0, 2.0],
    ...         }
    ...     )
    ... )
             forage_5km_ha  orchard_5km_ha
    zone_id
    a                  1.0             0.0
    b                  0.0             2.0
    """
    column = next(c for c in long.columns if c not in {"zone_id", "radius_km", "year"})
    unit = values.removeprefix("area_") if values.startswith("area_") else values
    known = long[long[column].notna()]
    own = set(known[column])  # a class that is called "outside" stays apart from what lies outside
    plain = {c: c.strip("()") for c in (OUTSIDE, UNCLASSIFIED, NODATA) if c.strip("()") not in own}
    label = known[column].replace(plain).str.replace(" ", "_")
    for extra, form in (("year", "{:.0f}"), ("radius_km", "{:g}km")):
        text = [form.format(v) if pd.notna(v) else "" for v in known[extra]]
        label = label + [f"_{t}" if t else "" for t in text]
    wide = known.assign(label=label + f"_{unit}").pivot_table(
        index="zone_id", columns="label", values=values, aggfunc="sum", fill_value=0.0
    )
    wide = wide.reindex(pd.Index(sorted(long["zone_id"].unique()), name="zone_id"))
    return wide.rename_axis(columns=None).reindex(columns=sorted(wide.columns))


def overlay_table(
    zones: gpd.GeoDataFrame | Raster,
    cover: gpd.GeoDataFrame | Raster | Mapping[int, Raster],
    by: str | None = None,
    buffer_km: float | Sequence[float] | None = None,
    *,
    problems: Problems | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Make the table of `geosettle overlay`: `overlay_areas` with discs where a buffer is given.

    Parameters
    ----------
    zones, cover, by, problems, progress
        As for `overlay_areas`.
    buffer_km
        Radius or radii of discs around the zones.

    Returns
    -------
    DataFrame
        As `overlay_areas`; of a raster that holds measurements instead of classes, as
        `zonal_statistics`.

    Examples
    --------
    >>> import shapely
    >>> zones = gpd.GeoDataFrame(
    ...     index=["A"], geometry=gpd.points_from_xy([76.0], [39.0]), crs=4326
    ... ).rename_axis("zone_id")
    >>> cover = gpd.GeoDataFrame(geometry=[shapely.box(75, 38, 77, 40)], crs=4326)
    >>> overlay_table(zones, cover, buffer_km=1)["area_ha"].round(0).tolist()
    [314.0]
    """
    if buffer_km is None:
        radii: Sequence[float] | None = None
    else:
        radii = [float(r) for r in np.atleast_1d(np.asarray(buffer_km, dtype=np.float64))]
    rasters = (
        ()
        if isinstance(cover, gpd.GeoDataFrame)
        else cover.values()
        if isinstance(cover, Mapping)
        else (cover,)
    )
    if not all(holds_classes(r) for r in rasters):
        return zonal_statistics(zones, cover, radii_km=radii, problems=problems, progress=progress)
    return overlay_areas(zones, cover, by, radii_km=radii, problems=problems, progress=progress)
