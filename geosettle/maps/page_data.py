"""Sites, origins and flows as packed tables, and what the panel says about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.levels import ladder
from geosettle.maps import encoding
from geosettle.maps.images import mercator_y
from geosettle.reasons import render
from geosettle.results import drawn_pairs
from geosettle.study import in_scope
from geosettle.words import capital_all, has, heading_key, languages, say_all, untranslated

_SITE_COLUMNS: Final = (
    "name", "name_local", "households", "persons", "year", "uncertainty_km",
    "admin_probability", "in_oasis", "oasis_edge_km", "oasis_edge_low_km", "oasis_edge_high_km",
    "models", "source",
)  # fmt: skip
_ORIGIN_COLUMNS: Final = (
    "name", "name_local", "uncertainty_km", "land_ha", "source",
)  # fmt: skip
_DISCS: Final = {"oasis_{:g}km_ha": "oasis_within", "development_{:g}km_ha": "development_within"}
"""Column of the area within the middle radius to the key of its words."""
_FLOW_NUMBERS: Final = {
    "households": 0, "persons": 0, "year": 0, "declared_km": 2,
    "geodesic_km": 2, "geodesic_low_km": 2, "geodesic_high_km": 2, "road_km": 2, "road_h": 2,
    "walk_out_h": 2,
}  # fmt: skip
"""Decimals of the numbers of a flow; one more than is shown, so that they round as the report's
do.
"""


def _positions(frame: gpd.GeoDataFrame) -> tuple[Any, Any]:
    """Longitude and latitude of a point in or at each geometry, NaN where it is unknown."""
    geoms = frame.geometry.to_numpy()
    points = shapely.point_on_surface(geoms)
    return shapely.get_x(points), shapely.get_y(points)


def _text_safe(values: pd.Series[Any]) -> pd.Series[Any]:
    """Booleans as 0 and 1, everything else as it is."""
    return values.astype("float64") if pd.api.types.is_bool_dtype(values) else values


def _table(
    frame: gpd.GeoDataFrame,
    columns: tuple[str, ...],
    boundaries: gpd.GeoDataFrame | None,
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    lon, lat = _positions(frame)
    out = {
        "id": encoding.column(pd.Series(frame.index.astype(str), dtype=object)),
        "lon": encoding.column(lon, steps=encoding.POINT_STEPS),
        "lat": encoding.column(lat, steps=encoding.POINT_STEPS),
    }
    units = unit_columns(frame, boundaries)
    declared = [f"declared_{unit}" for unit in units]
    for name in (*columns, *units, *declared, *(f"{unit}_local" for unit in units)):
        if name not in out and name in frame and frame[name].notna().any():
            out[name] = encoding.column(_text_safe(frame[name].reset_index(drop=True)))
    if "why" in frame and frame["why"].notna().any():
        codes = frame["why"].replace(dict(reasons)).reset_index(drop=True)
        for lang in languages():
            texts = codes.map(lambda text, lang=lang: render(text, lang, columns=False) or None)
            out[f"why_{lang}"] = encoding.column(texts)
    return {"n": len(frame), "columns": out}


def _placed(result: Result, role: str, columns: tuple[str, ...]) -> dict[str, Any]:
    units = result.study.boundaries
    return _table(_with_local_units(getattr(result, role), units), columns, units, result.reasons)


def sites_table(result: Result) -> dict[str, Any]:
    """Sites with their positions and columns; `place` numbers the positions that several share."""
    table = _placed(result, "sites", (*_SITE_COLUMNS, *_discs(middle_radius(result))))
    aside = ~in_scope(result.sites)
    if aside.any():
        table["columns"]["aside"] = encoding.column(
            aside.where(aside).astype("float64").reset_index(drop=True)
        )
    shared = _shared_places(result.sites)
    if np.isfinite(shared).any():
        table["columns"]["place"] = encoding.column(shared, digits=0)
    size = numbers(result.sites, counted(result.sites))
    table["columns"]["by_size"] = encoding.rows(_largest_first(size))
    return table


def counted(frame: pd.DataFrame) -> str:
    """Name what sizes count: households, or persons where only these are known."""
    known = [c for c in ("households", "persons") if numbers(frame, c).notna().any()]
    return known[0] if known else "households"


def _shared_places(sites: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Give each position that several sites share a number; NaN for the other sites."""
    xy = pd.DataFrame(np.column_stack(_positions(sites))).mul(encoding.POINT_STEPS).round()
    place = xy.groupby([0, 1], sort=False, dropna=True).ngroup()
    place = place.where(xy.duplicated(keep=False) & xy.notna().all(axis=1))
    return np.asarray(place, dtype="float64")


def _largest_first(size: pd.Series) -> NDArray[np.intp]:
    """Rows by size, largest first, then those without a number.

    Small symbols are drawn over large ones.
    """
    return np.argsort(-size.fillna(-1.0).to_numpy(dtype="float64"), kind="stable")


def origins_table(result: Result) -> dict[str, Any]:
    """Origins with their positions, columns and numbers of households that left.

    These are the households of the flows from each.
    """
    table = _placed(result, "origins", _ORIGIN_COLUMNS)
    table["columns"]["moved"] = encoding.column(_moved(result), digits=0)
    return table


def _moved(result: Result) -> NDArray[np.float64]:
    """Households (or persons) of all flows of each origin; 0 where none are reported."""
    pairs, (origin, _) = _linked(result)
    households = numbers(pairs, counted(pairs)).fillna(0.0).to_numpy()
    moved: NDArray[np.float64] = np.bincount(origin, households, len(result.origins)).astype(
        "float64"
    )
    return moved


def _with_local_units(
    frame: gpd.GeoDataFrame, boundaries: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Add the names of units in their own script, so that the table can be searched in it."""
    if boundaries is None or "name_local" not in boundaries:
        return frame
    local = pd.Series(boundaries["name_local"].to_numpy(), index=boundaries.index.astype(str))
    local = local[~local.index.duplicated()]
    return frame.assign(
        **{f"{u}_local": frame[f"{u}_code"].map(local) for u in unit_columns(frame, boundaries)}
    )


def flows_table(result: Result) -> dict[str, Any]:
    """Flows: row of the origin, row of the site, then numbers."""
    pairs, (origin, site) = _linked(result)
    out = {"origin": encoding.rows(origin), "site": encoding.rows(site)}
    for name, digits in _FLOW_NUMBERS.items():
        if name in pairs:
            number = numbers(pairs, name)
            if number.notna().any():
                out[name] = encoding.column(number, digits=digits)
    return {"n": len(pairs), "columns": out}


def _linked(result: Result) -> tuple[pd.DataFrame, tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs whose two ends are in the tables, and the rows of their origins and sites."""
    pairs = drawn_pairs(result).reset_index()
    origin, site = (
        pd.Index(frame.index.astype(str)).get_indexer(pairs[end].astype(str))
        for frame, end in ((result.origins, "origin_id"), (result.sites, "site_id"))
    )
    both = (origin >= 0) & (site >= 0)
    return pairs[both].reset_index(drop=True), (origin[both], site[both])


def linked_pairs(result: Result) -> pd.DataFrame:
    """Give the pairs of the table of flows, in its order."""
    return _linked(result)[0]


def most(result: Result) -> dict[str, float]:
    """Most households (or persons) at a place, of a flow and of an origin: sizes count from these.

    1 if none are known.
    """
    pairs, _ = _linked(result)
    size = numbers(result.sites, counted(result.sites))
    place = pd.Series(_shared_places(result.sites), size.index)
    together = size.groupby(place).sum() if place.notna().any() else size.iloc[:0]
    counts = {
        "site": pd.concat([size, together]),
        "flow": numbers(pairs, counted(pairs)),
        "origin": _moved(result),
    }
    known = {
        key: pd.to_numeric(pd.Series(values), errors="coerce") for key, values in counts.items()
    }
    known = {key: values[np.isfinite(values)] for key, values in known.items()}
    return {
        key: float(values.max()) if len(values) and values.max() > 0 else 1.0
        for key, values in known.items()
    }


def card_columns(result: Result) -> list[dict[str, Any]]:
    """Rows of the card of a site.

    Label, column, columns of its interval, unit, rank of its level (1: the finest); none without
    a value.
    """
    levels = unit_columns(result.sites, result.study.boundaries)
    units = {
        "id": "", "households": "", "persons": "", "year": "year", **dict.fromkeys(levels, ""),
        **{f"declared_{level}": "" for level in levels},
        "uncertainty_km": "±km", "oasis_edge_km": "km",
    }  # fmt: skip
    radius = middle_radius(result)
    discs = _discs(radius)
    units |= dict.fromkeys(discs, "ha") | {"models": ""}
    rows: list[dict[str, Any]] = []
    for name, unit in units.items():
        if name == "id" or (name in result.sites and result.sites[name].notna().any()):
            label = _column_words(name)
            if name in discs:
                label = capital_all(say_all(discs[name], km=f"{radius:g}"))
            row: dict[str, Any] = {"column": name, "label": label, "unit": unit}
            if name == "oasis_edge_km":
                row |= {"low": "oasis_edge_low_km", "high": "oasis_edge_high_km"}
            if name in levels:
                row["level"] = levels.index(name) + 1
            rows.append(row)
    return rows


def _discs(radius: float | None) -> dict[str, str]:
    """Columns of the areas within a radius, km, to the keys of their words."""
    return {} if radius is None else {name.format(radius): key for name, key in _DISCS.items()}


def _column_words(name: str) -> dict[str, str]:
    """Words for a column, or for the level of units that it declares or names."""
    if name.startswith("declared_"):
        level = _column_words(name.removeprefix("declared_"))
        return say_all("declared_unit", level=level)
    key = heading_key(name)
    return capital_all(say_all(key) if key else untranslated(name.replace("_", " ")))


def unit_columns(frame: pd.DataFrame, boundaries: pd.DataFrame | None) -> list[str]:
    """Columns that name the administrative units of a place, the finest level first."""
    levels = ladder(boundaries) if boundaries is not None and len(boundaries) else ()
    return [level for level in reversed(levels) if level in frame and f"{level}_code" in frame]


def searched_units(result: Result) -> list[str]:
    """Columns of units in which a table is searched, in either script."""
    frames, boundaries = (result.sites, result.origins), result.study.boundaries
    names = sorted({u for frame in frames for u in unit_columns(frame, boundaries)})
    return [column for name in names for column in (name, f"{name}_local")]


def middle_radius(result: Result) -> float | None:
    """Radius of the discs that the map shows, km: the middle one of the study's.

    The smaller of two; None where it sets none.
    """
    radii = sorted(result.study.settings.overlay.radii_km)
    return radii[(len(radii) - 1) // 2] if radii else None


def charts(result: Result) -> dict[str, Any]:
    """Land by kind and capitals before and after, per site, where the result has them."""
    land = _land(result)
    return {
        "land": land,
        "capitals": _capitals(result),
        "radius": middle_radius(result) if land else None,
    }


def _land(result: Result) -> dict[str, list[list[Any]]]:
    """Site to [kind in words, hectares, whether it is oasis] within the middle radius.

    The oasis is that of its last year.
    """
    covers = result.covers
    if len(covers) == 0 or not {"zone_id", "zone", "radius_km", "layer", "class", "area_ha"} <= set(
        covers.columns
    ):
        return {}
    near = covers[
        numbers(covers, "radius_km").eq(middle_radius(result) or np.nan)
        & covers["zone"].astype(str).eq("disc")
        & covers["layer"].astype(str).isin(["oasis", "development"])
        & covers["class"].astype(str).ne("(outside)")
        & numbers(covers, "area_ha").between(0, np.inf, inclusive="neither")
    ]
    oasis = near["layer"].astype(str).eq("oasis")
    kind = near["class"].astype(str).where(~oasis, "oasis").str.replace("_", " ")
    near = near.assign(_kind=kind, _zone=near["zone_id"].astype(str))
    if (
        "year" in near
    ):  # oases of several years are maps of the same ground; developments of several years add up
        near = near[
            ~oasis
            | near["year"].isna()
            | near["year"].eq(near.loc[oasis, "year"].max()).fillna(value=False)
        ]
    last = near.groupby(["_zone", "_kind"], sort=True)["area_ha"].sum().reset_index()
    out: dict[str, list[list[Any]]] = {}
    for zone, rows in last.sort_values("area_ha", ascending=False, kind="stable").groupby(
        "_zone", sort=True
    ):
        areas = rows["area_ha"].astype(float).round().tolist()
        out[str(zone)] = [
            [_land_words(k), area, int(k == "oasis")]
            for k, area in zip(rows["_kind"], areas, strict=True)
        ][:6]
    return out


def _land_words(kind: str) -> dict[str, str]:
    """Words for a kind of land, where we have them."""
    key = "oasis" if kind == "oasis" else f"kind_{kind.replace(' ', '_')}"
    return say_all(key) if has(key) else untranslated(kind)


def _capitals(result: Result) -> dict[str, list[list[Any]]]:
    """Site or group to [indicator, before, after, unit], where both are known."""
    frame = result.livelihood
    if len(frame) == 0 or not {"section", "site_id", "item", "before", "after"} <= set(
        frame.columns
    ):
        return {}
    rows = frame[
        frame["section"].astype(str).str.contains("capital")
        & frame["before"].notna()
        & frame["after"].notna()
    ]
    out: dict[str, list[list[Any]]] = {}
    units = (
        rows["unit"].fillna("").astype(str) if "unit" in rows else pd.Series("", index=rows.index)
    )
    for site, item, before, after, unit in zip(
        rows["site_id"], rows["item"], rows["before"], rows["after"], units, strict=True
    ):
        ends = pd.to_numeric(pd.Series([before, after]), errors="coerce")
        if pd.notna(site) and np.isfinite(ends).all():
            out.setdefault(str(site), []).append(
                [str(item).replace("_", " "), *ends.round(3).tolist(), unit]
            )
    return out


def wrap(result: Result) -> float | None:
    """Longitude west of which everything is drawn one turn (360°) further east.

    The antimeridian then splits nothing.

    None unless sites and origins spread over more than half a turn; then the east end of their
    widest gap.
    """
    lon = np.concatenate(
        [np.asarray(_positions(f)[0]) for f in (result.sites, result.origins) if len(f)]
        or [np.empty(0)]
    )
    lon = np.sort(lon[np.isfinite(lon)])
    if len(lon) < 2 or lon[-1] - lon[0] <= 180:
        return None
    gap = int(np.argmax(np.diff(lon)))
    inside = float(lon[gap + 1] - lon[gap])
    return float(lon[gap] + lon[gap + 1]) / 2 if inside > 360 - (lon[-1] - lon[0]) else None


def extent(result: Result) -> dict[str, Any] | None:
    """Box of all sites and origins, and length of the longest flow.

    The script then need not look for them.

    `box` is west, south, east, north, wrapped as it is drawn; `longest` the largest sum of a flow's
    two sides in Web Mercator, as a share of the world's width. None if nothing has a position.
    """
    turn = wrap(result)
    sites, origins = (
        xy if turn is None else _unwrapped(xy, turn)
        for xy in (np.column_stack(_positions(f)) for f in (result.sites, result.origins))
    )
    xy = np.vstack([sites, origins])
    xy = xy[np.isfinite(xy).all(axis=1)]
    if len(xy) == 0:
        return None
    _, (origin, site) = _linked(result)
    sides = np.abs(_mercator(sites)[site] - _mercator(origins)[origin]).sum(axis=1)
    longest = float(sides.max(initial=0.0, where=np.isfinite(sides)))
    return {
        "box": [round(float(v), 5) for v in (*xy.min(axis=0), *xy.max(axis=0))],
        "longest": round(longest, 7),
    }


def _mercator(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitude and latitude in degrees as Web Mercator, as a share of the world's width."""
    return np.column_stack(
        [xy[:, 0] / 360.0, mercator_y(np.clip(xy[:, 1], -85.0, 85.0)) / (2.0 * np.pi)]
    )


def _unwrapped(xy: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    """Longitudes west of `turn` a turn further east."""
    unwrapped: NDArray[np.float64] = xy + np.column_stack(
        [np.where(xy[:, 0] < turn, 360.0, 0.0), np.zeros(len(xy))]
    )
    return unwrapped


def view(result: Result) -> list[float]:
    """West, south, east and north of the first view.

    It shows sites and origins, else boundaries, else the world.
    """
    points = [
        np.column_stack(_positions(f[in_scope(f)]))
        for f in (result.sites, result.origins)
        if len(f)
    ]
    xy = np.vstack(points) if points else np.empty((0, 2))
    xy = xy[np.isfinite(xy).all(axis=1)]
    turn = wrap(result)
    region = list(result.study.settings.study.region)
    if (
        region and turn is None
    ):  # a position outside the region is doubted; it must not decide what is seen first
        inside = (xy >= region[:2]).all(axis=1) & (xy <= region[2:]).all(axis=1)
        xy = xy[inside] if inside.any() else xy
    if len(xy) == 0:
        boundaries = result.study.boundaries
        if boundaries is None or len(boundaries) == 0:
            return [-180.0, -60.0, 180.0, 75.0]
        return [round(float(v), 4) for v in boundaries.total_bounds]
    if turn is not None:
        xy = _unwrapped(xy, turn)
    low, high = xy.min(axis=0), xy.max(axis=0)
    pad = max(0.05, 0.04 * float((high - low).max()))
    return [round(float(v), 4) for v in (*(low - pad), *(high + pad))]
