"""Sites, origins and flows as packed tables, and what the panel says about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import geosettle
from geosettle.analysis import Result
from geosettle.maps import _pack
from geosettle.maps._words import words

__all__ = [
    "card_columns",
    "charts",
    "flows_table",
    "headline",
    "notes",
    "origins_table",
    "sites_table",
    "totals",
    "view",
]

_SITE_COLUMNS: Final = (
    "name", "name_local", "households", "persons", "year", "uncertainty_km", "county", "prefecture",
    "admin_probability", "declared_county", "in_oasis", "oasis_edge_km", "oasis_edge_low_km", "oasis_edge_high_km",
    "models", "source", "why",
)  # fmt: skip
_ORIGIN_COLUMNS: Final = ("name", "name_local", "uncertainty_km", "county", "prefecture", "land_ha", "source", "why")
_FLOW_NUMBERS: Final = {
    "households": 0, "persons": 0, "year": 0, "declared_km": 1,
    "geodesic_km": 1, "geodesic_low_km": 1, "geodesic_high_km": 1, "road_km": 1, "road_h": 1, "walk_out_h": 1,
}  # fmt: skip


def _positions(frame: gpd.GeoDataFrame) -> tuple[Any, Any]:
    """Longitude and latitude of a point in or at each geometry, NaN where it is unknown."""
    geoms = frame.geometry.to_numpy()
    points = shapely.point_on_surface(geoms)
    return shapely.get_x(points), shapely.get_y(points)


def _text_safe(values: pd.Series[Any]) -> pd.Series[Any]:
    """Booleans as 0 and 1, everything else as it is."""
    return values.astype("float64") if pd.api.types.is_bool_dtype(values) else values


def _table(frame: gpd.GeoDataFrame, columns: tuple[str, ...]) -> dict[str, Any]:
    lon, lat = _positions(frame)
    out = {
        "id": _pack.column(pd.Series(frame.index.astype(str), dtype=object)),
        "lon": _pack.column(lon, steps=_pack.POINT_STEPS),
        "lat": _pack.column(lat, steps=_pack.POINT_STEPS),
    }
    for name in columns:
        if name in frame and frame[name].notna().any():
            out[name] = _pack.column(_text_safe(frame[name].reset_index(drop=True)))
    return {"n": len(frame), "columns": out}


def sites_table(result: Result) -> dict[str, Any]:
    """Sites with their positions and columns, then their indicators as columns `i0`, `i1` ..."""
    table = _table(result.sites, _SITE_COLUMNS)
    indicators = []
    for i, (key, rows) in enumerate(_indicators(result)):
        aligned = rows.reindex(result.sites.index.astype(str))
        for suffix, column in (("", "value"), ("_low", "low"), ("_high", "high")):
            if aligned[column].notna().any():
                table["columns"][f"i{i}{suffix}"] = _pack.column(aligned[column].reset_index(drop=True))
        unit = next((str(u) for u in rows["unit"] if pd.notna(u) and str(u)), "")
        indicators.append({"column": f"i{i}", "label": key, "unit": unit})
    table["indicators"] = indicators
    return table


def _indicators(result: Result) -> list[tuple[str, pd.DataFrame]]:
    """Remoteness per site, one frame by site_id per indicator and metric that has any number."""
    long = result.remoteness
    if len(long) == 0 or not {"role", "id", "indicator", "value"} <= set(long.columns):
        return []
    long = long[long["role"].astype(str).eq("site") & pd.to_numeric(long["value"], errors="coerce").notna()]
    metric = long["metric"].fillna("").astype(str) if "metric" in long else pd.Series("", index=long.index)
    name = long["indicator"].astype(str) + metric.where(metric.eq(""), ", " + metric)
    out = []
    for key, rows in long.groupby(name, sort=True):
        frame = rows.assign(id=rows["id"].astype(str)).drop_duplicates("id").set_index("id")
        out.append((str(key).replace("_", " "), frame.reindex(columns=["value", "low", "high", "unit"])))
    return out


def origins_table(result: Result) -> dict[str, Any]:
    """Origins with their positions and columns."""
    return _table(result.origins, _ORIGIN_COLUMNS)


def flows_table(result: Result) -> dict[str, Any]:
    """Flows: row of the origin, row of the site, then numbers."""
    pairs = result.pairs.reset_index()
    known = result.origins.index.astype(str), result.sites.index.astype(str)
    rows = [pd.Index(k).get_indexer(pairs[c].astype(str)) for k, c in zip(known, ("origin_id", "site_id"), strict=True)]
    both = (rows[0] >= 0) & (rows[1] >= 0)
    out = {"origin": _pack.column(rows[0][both], digits=0), "site": _pack.column(rows[1][both], digits=0)}
    for name, digits in _FLOW_NUMBERS.items():
        if name in pairs:
            number = pd.to_numeric(pairs[name], errors="coerce")[both]
            if number.notna().any():
                out[name] = _pack.column(number.reset_index(drop=True), digits=digits)
    return {"n": int(both.sum()), "columns": out}


def card_columns(result: Result) -> list[dict[str, Any]]:
    """Rows of the card of a site: label, column, columns of its interval, unit."""
    rows: list[dict[str, Any]] = []
    for name, unit in (("households", ""), ("persons", ""), ("year", "year"), ("county", ""), ("declared_county", ""),
                       ("prefecture", ""), ("uncertainty_km", "±km"), ("oasis_edge_km", "km"), ("models", "")):  # fmt: skip
        if name in result.sites:
            row = {"column": name, "label": words(name), "unit": unit}
            if name == "oasis_edge_km":
                row |= {"low": "oasis_edge_low_km", "high": "oasis_edge_high_km"}
            rows.append(row)
    return rows


def charts(result: Result) -> dict[str, Any]:
    """Land by kind and capitals before and after, per site, where the result has them."""
    return {"land": _land(result), "capitals": _capitals(result)}


def _land(result: Result) -> dict[str, list[list[Any]]]:
    """Site to [kind, hectares] within the middle radius."""
    covers = result.covers
    if len(covers) == 0 or not {"zone_id", "radius_km", "layer", "class", "area_ha"} <= set(covers.columns):
        return {}
    radius = pd.to_numeric(covers["radius_km"], errors="coerce")
    near = covers[radius.eq(15) & (pd.to_numeric(covers["area_ha"], errors="coerce") > 0)]
    near = near[near["layer"].astype(str).isin(["oasis", "development"])]
    if "zone" in near and near["zone"].notna().any():
        near = near[near["zone"].astype(str).isin(["site", "sites"])]
    out: dict[str, list[list[Any]]] = {}
    for zone, rows in near.groupby(near["zone_id"].astype(str), sort=True):
        label = rows["class"].fillna("").astype(str).where(rows["layer"].ne("oasis"), "oasis")
        total = rows["area_ha"].astype(float).groupby(label.str.replace("_", " ")).sum().sort_values(ascending=False)
        out[str(zone)] = [[str(k), round(float(v))] for k, v in total.items()][:6]
    return out


def _capitals(result: Result) -> dict[str, list[list[Any]]]:
    """Site to [capital, before, after], where both are known."""
    frame = result.livelihood
    if len(frame) == 0 or not {"section", "site_id", "item", "before", "after"} <= set(frame.columns):
        return {}
    rows = frame[
        frame["section"].astype(str).str.contains("capital") & frame["before"].notna() & frame["after"].notna()
    ]
    out: dict[str, list[list[Any]]] = {}
    for site, item, before, after in zip(rows["site_id"], rows["item"], rows["before"], rows["after"], strict=True):
        numbers = pd.to_numeric(pd.Series([before, after]), errors="coerce")
        if pd.notna(site) and numbers.notna().all():
            out.setdefault(str(site), []).append([str(item).replace("_", " "), *numbers.round(3).tolist()])
    return out


def headline(result: Result, title: str | None) -> dict[str, dict[str, str]]:
    """Title that states the finding, and subtitle that says what it rests on."""
    study = _study_name(result)
    km = pd.to_numeric(result.pairs.get("geodesic_km", pd.Series(dtype=float)), errors="coerce")
    known = km.dropna()
    if len(known) == 0:
        head, sub = words("title_none"), words("subtitle_none", study=study)
    else:
        key = "title_one" if len(known) == 1 else "title_distance"
        head = words(key, median=_short(float(known.median())))
        low, high = _short(float(known.min())), _short(float(known.max()))
        sub = words("subtitle_distance", study=study, low=low, high=high, n=len(known), m=len(km))
    if title:
        head = dict.fromkeys(head, title)
    kicker = str(_study_settings(result).get("title") or "")
    return {"kicker": dict.fromkeys(head, kicker), "title": head, "subtitle": sub}


def _short(km: float) -> str:
    return f"{km:,.0f}" if km >= 10 else f"{km:.1f}"


def _study_settings(result: Result) -> Mapping[str, Any]:
    """Take the study's own name, title, region, date and boundary note: all that the map takes from its settings."""
    study: Mapping[str, Any] = result.study.settings.get("study", {})
    return study


def _study_name(result: Result) -> str:
    return str(_study_settings(result).get("name") or result.study.name).replace("_", " ")


def totals(result: Result) -> list[dict[str, Any]]:
    """Three numbers above the legend; each says over how many rows it was taken."""
    sites, origins = result.sites, result.origins
    households = pd.to_numeric(sites.get("households", pd.Series(np.nan, index=sites.index)), errors="coerce")
    return [
        {"value": len(sites), "label": words("total_sites", n=int(sites.geometry.notna().sum()))},
        {"value": len(origins), "label": words("total_origins", n=int(origins.geometry.notna().sum()))},
        {
            "value": round(float(households.sum())) if households.notna().any() else None,
            "label": words("total_households", n=int(households.notna().sum()), m=len(sites)),
        },
    ]


def view(result: Result) -> list[float]:
    """West, south, east, north of what is to be seen first: sites and origins, else boundaries, else the world."""
    points = [np.column_stack(_positions(f)) for f in (result.sites, result.origins) if len(f)]
    xy = np.vstack(points) if points else np.empty((0, 2))
    xy = xy[np.isfinite(xy).all(axis=1)]
    region = list(_study_settings(result).get("region") or [])
    if region:  # a position outside the study's region is doubted; it must not decide what is seen first
        inside = (xy >= region[:2]).all(axis=1) & (xy <= region[2:]).all(axis=1)
        xy = xy[inside] if inside.any() else xy
    if len(xy) == 0:
        boundaries = result.study.boundaries
        if boundaries is None or len(boundaries) == 0:
            return [-180.0, -60.0, 180.0, 75.0]
        return [round(float(v), 4) for v in boundaries.total_bounds]
    low, high = xy.min(axis=0), xy.max(axis=0)
    pad = max(0.05, 0.04 * float((high - low).max()))
    return [round(float(v), 4) for v in (*(low - pad), *(high + pad))]


def notes(result: Result) -> dict[str, Any]:
    """Caveats, sources and colophon."""
    study = _study_settings(result)
    caveats = [words("note_straight"), words("note_uncertain")]
    development = result.study.development
    basis = pd.Series(dtype=str) if development is None else development.get("geometry_basis", pd.Series(dtype=str))
    if basis.astype(str).eq("illustrative").any():
        caveats.append(words("note_illustrative"))
    if study.get("boundary_note"):
        caveats.append(words("note_boundary_set", set=str(study["boundary_note"]).rstrip(".")))
    caveats += [words("note_boundary"), words("note_projection")]
    colophon = words("colophon", version=geosettle.__version__, hash=inputs_hash(result))
    date = str(study.get("date") or "")
    return {"caveats": caveats, "sources": _sources(result), "colophon": colophon, "date": date}


def inputs_hash(result: Result) -> str:
    """First twelve digits of the sha256 over the names and hashes of all input files."""
    lines = [f"{name} {facts.get('sha256', '')}" for name, facts in sorted(result.study.inputs.items())]
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:12]


def _sources(result: Result) -> list[str]:
    """One line per input: layer, source, licence, date."""
    lines = []
    for name, facts in sorted(result.study.inputs.items(), key=lambda item: (str(item[1].get("layer", "")), item[0])):
        parts = [str(facts.get(key) or "") for key in ("source", "licence", "date")]
        said = "; ".join(p for p in parts if p)
        layer = str(facts.get("layer") or name).replace("_", " ")
        lines.append(f"{layer}: {said}" if said else f"{layer}: {name}")
    return list(dict.fromkeys(lines))
