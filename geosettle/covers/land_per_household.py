"""Land per household: whether there is enough, and how much is the households' own.

Declared areas are what a source says, mapped areas what polygons measure; both are shown, with
their difference. A polygon that only illustrates a declared area is never measured. 1 mu is 1/15
ha.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers, text_array, texts
from geosettle.covers.zones import fit_to_measure, lonlat
from geosettle.geodesy import area_m2
from geosettle.problems import Problems, note
from geosettle.reasons import join, reason, rendered
from geosettle.settings import DEFAULTS

MU_PER_HA: Final = 15.0
FloatArray = NDArray[np.float64]


@rendered
def land_per_household(
    sites: gpd.GeoDataFrame,
    development: gpd.GeoDataFrame | None,
    flows: pd.DataFrame | None = None,
    origins: pd.DataFrame | None = None,
    *,
    enough_mu_per_person: float | None = None,
    enough_mu_per_household: float | None = None,
    differs_share: float = DEFAULTS.land.differs_share,
    max_repair_share: float = DEFAULTS.overlay.max_repair_share,
    problems: Problems | None = None,
) -> pd.DataFrame:
    """One row per site: land developed, leased, self-run and left behind, per household and person.

    Parameters
    ----------
    sites
        By `site_id`, with `households`, `persons`, and where known `developed_ha`, `leased_ha` (as
        declared for the site as a whole).
    development
        Parcels by `development_id` with `site_id` (several separated by semicolons share it
        equally), `declared_ha`, `leased_ha`, `geometry_basis`; or None.
    flows, origins
        Who came from where, and `land_ha` of each origin: the land its moving households hold
        there, divided among the sites by households.
    enough_mu_per_person, enough_mu_per_household
        Thresholds, mu of self-run land at the site; None or 0 asks nothing.
    differs_share
        Declared and mapped areas that differ by more than this share of the declared one are
        reported.
    max_repair_share, problems
        As for `overlay_areas`.

    Returns
    -------
    DataFrame
        By `site_id`: `households, persons, parcels_n, declared_ha, mapped_ha,
        mapped_minus_declared_ha, difference_percent, contested_ha, developed_ha, developed_basis`
        ("declared" or "mapped"), `leased_ha, leased_share, self_run_ha, origin_land_ha`; for
        developed, leased, self_run and origin land `{kind}_ha_per_household,
        {kind}_mu_per_household, {kind}_ha_per_person, {kind}_mu_per_person`; `enough_mu` (the
        threshold, per person if persons are known), `enough_basis`, `enough` (True, False, NA),
        `theirs_share` (self-run share of the developed land), `geometry_basis, evidence, why`.

    Examples
    --------
    >>> sites = gpd.GeoDataFrame(
    ...     {"households": [100], "persons": [400], "leased_ha": [24.0]},
    ...     index=pd.Index(["s"], name="site_id"),
    ...     geometry=[shapely.Point(76, 39)],
    ...     crs="EPSG:4326",
    ... )
    >>> fields = gpd.GeoDataFrame(
    ...     {"site_id": ["s"], "declared_ha": [100.0], "geometry_basis": ["illustrative"]},
    ...     index=pd.Index(["d"], name="development_id"),
    ...     geometry=[shapely.box(76, 39, 76.01, 39.01)],
    ...     crs="EPSG:4326",
    ... )
    >>> land_per_household(sites, fields, enough_mu_per_person=3)[
    ...     ["self_run_ha", "self_run_mu_per_person", "enough", "theirs_share"]]
             self_run_ha  self_run_mu_per_person  enough  theirs_share
    site_id
    s               76.0                    2.85   False          0.76
    """
    index = pd.Index(sorted(sites.index.astype(str)), name="site_id", dtype="str")
    frame = sites.set_axis(sites.index.astype(str)).reindex(index)
    out = pd.DataFrame(index=index)
    for column in ("households", "persons"):
        out[column] = numbers(frame, column)
    parcels = _parcels(development, index, max_repair_share, problems)
    _report(parcels, differs_share, problems)
    out = out.join(_by_site(parcels, index))
    declared_whole = numbers(frame, "developed_ha")
    why = _Reasons(index)
    twice = out["declared_ha"].notna() & declared_whole.notna()
    apart = twice & ((out["declared_ha"] - declared_whole).abs() > differs_share * declared_whole)
    why.add(apart, reason("declared_areas_differ"))
    out["declared_ha"] = out["declared_ha"].fillna(declared_whole)
    out["mapped_minus_declared_ha"] = out["mapped_ha"] - out["declared_ha"]
    out["difference_percent"] = (100 * out["mapped_minus_declared_ha"] / out["declared_ha"]).where(
        out["declared_ha"] > 0
    )
    out["developed_ha"] = out["declared_ha"].fillna(out["mapped_ha"])
    basis = np.select(
        [out["declared_ha"].notna(), out["mapped_ha"].notna()], ["declared", "mapped"], ""
    )
    out["developed_basis"] = text_array([b or None for b in basis])
    leased = out.pop("parcel_leased_ha").fillna(numbers(frame, "leased_ha"))
    out["leased_ha"] = leased
    out["leased_share"] = (leased / out["developed_ha"]).where(out["developed_ha"] > 0)
    too_much = leased > out["developed_ha"] * (1 + 1e-9)
    for site in index[too_much.to_numpy()]:
        message = f"Site {site} leases {leased[site]:g} ha of {out.loc[site, 'developed_ha']:g} ha."
        note(problems, "leased_exceeds", message, id=str(site), column="leased_ha")
    out["self_run_ha"] = (out["developed_ha"] - leased).where(~too_much)
    out["theirs_share"] = (1 - out["leased_share"]).where(~too_much)
    out["origin_land_ha"] = _origin_land(index, flows, origins)
    _per_head(out)
    _enough(out, enough_mu_per_person, enough_mu_per_household)
    why.add(out["developed_ha"].isna(), reason("no_developed"))
    why.add(out["mapped_ha"].isna() & out["declared_ha"].notna(), reason("no_evidence_of_place"))
    why.add(out["leased_ha"].isna(), reason("leased_unknown"))
    why.add(too_much, reason("leased_exceeds"))
    why.add(out["households"].isna(), reason("households_unknown"))
    why.add(out["persons"].isna(), reason("persons_unknown"))
    why.add(out["origin_land_ha"].isna(), reason("origin_land_unknown"))
    out["why"] = why.texts()
    return out[[*_FIRST, *(c for c in out if c not in (*_FIRST, *_LAST)), *_LAST]]


_FIRST: Final = (
    *(
        "households",
        "persons",
        "parcels_n",
        "declared_ha",
        "mapped_ha",
        "mapped_minus_declared_ha",
        "difference_percent",
    ),
    *(
        "contested_ha",
        "developed_ha",
        "developed_basis",
        "leased_ha",
        "leased_share",
        "self_run_ha",
        "origin_land_ha",
    ),
)
_LAST: Final = (
    "enough_mu",
    "enough_basis",
    "enough",
    "theirs_share",
    "geometry_basis",
    "evidence",
    "why",
)


class _Reasons:
    """Reasons for what is missing, collected row by row."""

    def __init__(self, index: pd.Index) -> None:
        self._lists: list[list[str]] = [[] for _ in index]

    def add(self, where: pd.Series, text: str) -> None:
        for row in np.flatnonzero(where.to_numpy(bool)):
            self._lists[row].append(text)

    def texts(self) -> pd.api.extensions.ExtensionArray:
        return text_array([join(*texts) for texts in self._lists])


def _parcels(
    development: gpd.GeoDataFrame | None,
    index: pd.Index,
    max_repair_share: float,
    problems: Problems | None,
) -> pd.DataFrame:
    """One row per parcel and site it serves; a parcel that serves several is divided equally."""
    columns = [
        "parcel",
        "site_id",
        "share",
        "declared_ha",
        "leased_ha",
        "basis",
        "illustrative",
        "geometry",
        "area_ha",
    ]
    if development is None or len(development) == 0:
        return pd.DataFrame(
            {c: pd.Series(dtype=object if c in {"geometry", "basis"} else float) for c in columns}
        )
    ids = development.index.astype(str).to_numpy(object)
    geometry, area = fit_to_measure(lonlat(development), ids, "parcel", max_repair_share, problems)
    basis = texts(development, "geometry_basis")
    named = [[s.strip() for s in t.split(";") if s.strip()] for t in texts(development, "site_id")]
    rows: list[dict[str, Any]] = []
    declared, leased = (
        numbers(development, "declared_ha").to_numpy(),
        numbers(development, "leased_ha").to_numpy(),
    )
    for i, sites in enumerate(named):
        served = [s for s in dict.fromkeys(sites) if s in index]
        if not served:
            note(
                problems,
                "parcel_without_site",
                f"Parcel {ids[i]} names no site of the study.",
                id=str(ids[i]),
            )
        if len(served) > 1:
            message = (
                f"Parcel {ids[i]} is claimed by {', '.join(served)}; it is divided equally between "
                "them."
            )
            note(problems, "parcel_of_two_sites", message, id=str(ids[i]), column="site_id")
        k = max(len(served), 1)
        rows += [
            {
                "parcel": ids[i],
                "site_id": site,
                "share": 1 / k,
                "declared_ha": declared[i] / k,
                "leased_ha": leased[i] / k,
                "basis": basis.iloc[i],
                "illustrative": "illustrative" in basis.iloc[i],
                "geometry": geometry[i],
                "area_ha": area[i] / 1e4,
            }
            for site in served
        ]
    if any(row["illustrative"] for row in rows):
        n = len({row["parcel"] for row in rows if row["illustrative"]})
        message = f"{n} parcels only illustrate declared areas; they are not measured."
        note(problems, "illustrative_geometry", message, layer="development")
    return pd.DataFrame(rows, columns=columns)


def _report(parcels: pd.DataFrame, differs_share: float, problems: Problems | None) -> None:
    """Report declared areas that do not fit the mapped ones."""
    if problems is None:
        return
    known = parcels[~parcels["illustrative"].astype(bool)].drop_duplicates("parcel")
    declared_each = known["declared_ha"].to_numpy(np.float64) / known["share"].to_numpy(np.float64)
    for name, declared, mapped in zip(
        known["parcel"], declared_each, known["area_ha"].to_numpy(float), strict=True
    ):
        if not (declared > 0 and mapped > 0):
            continue
        where = {"id": str(name), "column": "declared_ha", "value": f"{declared:g}"}
        if abs(declared / mapped / MU_PER_HA - 1) < 0.1:
            message = (
                f"Parcel {name}: declared {declared:g} ha is 15 times the mapped {mapped:.2f} ha; "
                "mu?"
            )
            note(
                problems,
                "area_in_mu",
                message,
                mend="Divide by 15 if the figure is in mu.",
                **where,
            )
        elif abs(mapped - declared) > differs_share * declared:
            message = (
                f"Parcel {name}: mapped {mapped:.2f} ha, declared {declared:g} ha "
                f"({mapped - declared:+.2f})."
            )
            note(problems, "declared_differs", message, **where)


def _by_site(parcels: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Add up per site: declared and leased, and the ground measured once."""
    grouped = parcels.groupby("site_id")
    out = pd.DataFrame(index=index)
    out["parcels_n"] = grouped.size().reindex(index).fillna(0).astype(int)
    out["declared_ha"] = grouped["declared_ha"].sum(min_count=1).reindex(index)
    out["parcel_leased_ha"] = grouped["leased_ha"].sum(min_count=1).reindex(index)
    real = parcels[~parcels["illustrative"].astype(bool) & parcels["area_ha"].notna()]
    mapped, contested = _divided(real)
    out["mapped_ha"] = pd.Series(mapped, dtype=float).reindex(index)
    out["contested_ha"] = pd.Series(contested, dtype=float).reindex(index)
    stated = grouped["basis"].agg(lambda s: "; ".join(sorted(set(s) - {""})))
    out["geometry_basis"] = stated.reindex(index).fillna("").astype("str")
    out["evidence"] = out["mapped_ha"].notna()
    return out


def _divided(parcels: pd.DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    """Hectares of each site, and how much ground is shared.

    Ground under the parcels of several sites is divided equally.
    """
    whole = {
        str(s): shapely.union_all(part["geometry"].to_numpy())
        for s, part in parcels.groupby("site_id")
    }
    names = sorted(whole)
    mapped = (
        dict(zip(names, area_m2([whole[n] for n in names]) / 1e4, strict=True)) if names else {}
    )
    contested = dict.fromkeys(names, 0.0)
    shapes = np.array([whole[n] for n in names], dtype=object)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    one, other = (
        shapely.STRtree(parts).query(parts, predicate="intersects") if names else (owner, owner)
    )
    rivals = np.unique(one[owner[one] != owner[other]])
    if rivals.size == 0:
        return mapped, contested
    # The faces of all rivals' outlines together: each belongs wholly to certain sites.
    lines = shapely.union_all(shapely.boundary(parts[rivals]))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    face, part = shapely.STRtree(parts[rivals]).query(
        shapely.point_on_surface(faces), predicate="within"
    )
    who, area = owner[rivals][part], area_m2(faces) / 1e4
    claims = np.bincount(face, minlength=faces.size)
    several = claims[face] > 1
    who, area, claims = who[several], area[face[several]], claims[face[several]]
    under_several = np.bincount(who, area, minlength=len(names))
    given_up = np.bincount(who, area * (1 - 1 / claims), minlength=len(names))
    for row, name in enumerate(names):
        contested[name] = float(under_several[row])
        mapped[name] -= float(given_up[row])
    return mapped, contested


def _origin_land(
    index: pd.Index, flows: pd.DataFrame | None, origins: pd.DataFrame | None
) -> pd.Series:
    """Land held at the origins, divided among the sites by households.

    NaN where the part of any origin is unknown.
    """
    if flows is None or origins is None or "land_ha" not in origins or len(flows) == 0:
        return pd.Series(np.nan, index=index)
    land = numbers(origins.set_axis(origins.index.astype(str)), "land_ha")
    homes = numbers(flows, "households").to_numpy()
    table = pd.DataFrame(
        {
            "origin": flows["origin_id"].astype(str),
            "site": flows["site_id"].astype(str),
            "homes": homes,
        }
    )
    only = table.groupby("origin")["site"].transform("size") == 1
    table["share"] = np.where(
        only,
        1.0,
        table["homes"] / table.groupby("origin")["homes"].transform(lambda s: s.sum(skipna=False)),
    )
    table["land"] = table["share"] * table["origin"].map(land)
    return (
        table.groupby("site")["land"]
        .agg(lambda s: s.sum(skipna=False))
        .astype("float64")
        .reindex(index)
    )


def _per_head(out: pd.DataFrame) -> None:
    """Add hectares and mu per household and person."""
    sources = {
        "developed": "developed_ha",
        "leased": "leased_ha",
        "self_run": "self_run_ha",
        "origin": "origin_land_ha",
    }
    for kind, column in sources.items():
        for head, count in (("household", out["households"]), ("person", out["persons"])):
            each = (out[column] / count).where(count > 0)
            out[f"{kind}_ha_per_{head}"] = each
            out[f"{kind}_mu_per_{head}"] = each * MU_PER_HA


def _enough(out: pd.DataFrame, per_person: float | None, per_household: float | None) -> None:
    """Compare self-run land with the thresholds: per person where known, else per household."""
    threshold, value = pd.Series(np.nan, index=out.index), pd.Series(np.nan, index=out.index)
    basis = pd.Series("", index=out.index, dtype="str")
    for head, limit in (("household", per_household), ("person", per_person)):
        if limit:
            each = out[f"self_run_mu_per_{head}"]
            known = each.notna()
            threshold, value = threshold.mask(known, float(limit)), value.mask(known, each)
            basis = basis.mask(known, f"self-run mu per {head}")
    out["enough_mu"] = threshold
    out["enough_basis"] = basis
    out["enough"] = pd.array(
        [None if np.isnan(v) else bool(v >= t) for v, t in zip(value, threshold, strict=True)],
        dtype="boolean",
    )


@rendered
def founding_status(
    sites: gpd.GeoDataFrame,
    oasis: Mapping[int, gpd.GeoDataFrame] | gpd.GeoDataFrame | None,
    development: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Tell what the land was when each site was founded, and what it is now.

    Parameters
    ----------
    sites
        By `site_id` with `year` of founding.
    oasis
        Year to oasis, or one frame with a `year` per polygon.
    development
        Parcels with `site_id` and `year`.

    Returns
    -------
    DataFrame
        Index of `sites`: `founded`, `oasis_year_then` (the last map up to the founding),
        `oasis_year_now`, `in_oasis_then`, `in_oasis_now`, `oasis_status` ("then and now", "then
        only", "now only", "neither"), `first_developed`, `developed_before_ha`,
        `developed_after_ha`, `developed_undated_ha`, `evidence`, `why`. Land of the founding year
        itself counts as after the move.

    Examples
    --------
    >>> site = gpd.GeoDataFrame(
    ...     {"year": [2015]}, index=["s"], geometry=[shapely.Point(76.5, 38.5)], crs="EPSG:4326"
    ... )
    >>> maps = gpd.GeoDataFrame({"year": [2010, 2020]}, crs="EPSG:4326",
    ...     geometry=[shapely.box(77, 38, 78, 39), shapely.box(76, 38, 78, 39)])
    >>> founding_status(site, maps)["oasis_status"].tolist()
    ['now only']
    """
    if isinstance(oasis, gpd.GeoDataFrame):
        dated = numbers(oasis, "year")
        maps = {
            int(y): oasis[(dated == y).to_numpy(bool, na_value=False)]
            for y in sorted(dated.dropna().unique())
        }
    else:
        maps = dict(sorted((oasis or {}).items()))
    years, geometry = list(maps), lonlat(sites)
    shapes = {year: shapely.union_all(lonlat(frame)) for year, frame in maps.items()}
    founded = numbers(sites, "year").to_numpy()
    areas = _developed(sites, development, founded)
    rows = []
    for i, point in enumerate(geometry):
        why = []
        lost = shapely.is_missing(point) or shapely.is_empty(point)
        then = max((y for y in years if y <= founded[i]), default=None)
        now = years[-1] if years else None
        if lost:
            why.append(reason("position_unknown"))
        if np.isnan(founded[i]):
            why.append(reason("year_unknown"))
        elif then is None:
            why.append(reason("no_oasis_before"))
        elif then == now:
            why.append(reason("no_oasis_after"))
        was = None if lost or then is None else bool(shapely.intersects(shapes[then], point))
        is_ = None if lost or now is None else bool(shapely.intersects(shapes[now], point))
        if was is None or is_ is None or then == now:
            status = None
        else:
            status = {
                (True, True): "then and now",
                (True, False): "then only",
                (False, True): "now only",
            }.get((was, is_), "neither")
        rows.append((then, now, was, is_, status, join(*why)))
    columns = [
        "oasis_year_then",
        "oasis_year_now",
        "in_oasis_then",
        "in_oasis_now",
        "oasis_status",
        "why",
    ]
    table = pd.DataFrame(rows, columns=columns, index=sites.index)
    types = {
        "oasis_year_then": "Int64",
        "oasis_year_now": "Int64",
        "in_oasis_then": "boolean",
        "in_oasis_now": "boolean",
    }
    out = pd.DataFrame(
        {"founded": pd.array([None if np.isnan(y) else int(y) for y in founded], dtype="Int64")},
        index=sites.index,
    )
    table = table.astype({**types, "oasis_status": "str", "why": "str"})
    return out.join(table.drop(columns="why")).join(areas).join(table["why"])


def _developed(
    sites: pd.DataFrame, development: gpd.GeoDataFrame | None, founded: FloatArray
) -> pd.DataFrame:
    """Hectares of each site's parcels dated before the founding, from it on, and not dated."""
    names = ("developed_before_ha", "developed_after_ha", "developed_undated_ha")
    hectares = {name: np.full(len(sites), np.nan) for name in names}
    first: list[int | None] = [None] * len(sites)
    evidence = np.ones(len(sites), dtype=bool)
    if development is not None and "site_id" in development:
        year = numbers(development, "year").to_numpy()
        mapped = area_m2(lonlat(development)) / 1e4
        basis = texts(development, "geometry_basis")
        made_up = basis.str.contains("illustrative").to_numpy(bool)
        area = np.where(
            made_up | (mapped == 0), numbers(development, "declared_ha").to_numpy(), mapped
        )
        owner = development["site_id"].astype("str").to_numpy()
        for i, site in enumerate(sites.index.astype(str)):
            own = owner == site
            if not own.any() or np.isnan(founded[i]):
                continue
            for name, rows in zip(
                names, (year < founded[i], year >= founded[i], np.isnan(year)), strict=True
            ):
                hectares[name][i] = float(np.nansum(area[own & rows]))
            evidence[i] = not made_up[own].any()
            dated = own & np.isfinite(year)
            first[i] = int(year[dated].min()) if dated.any() else None
    out = pd.DataFrame(
        {"first_developed": pd.array(first, dtype="Int64"), **hectares}, index=sites.index
    )
    return out.assign(evidence=evidence)
