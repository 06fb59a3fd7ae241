"""The oasis by a stated rule from land cover, greenness and elevation; position of places in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from geosettle.cells import radius_km, text_array
from geosettle.covers.zones import lonlat, vectorise
from geosettle.errors import InputError, MissingLayerError
from geosettle.geodesy import GEOD, area_m2, edge_distance_m
from geosettle.geodesy.disc_overlap import discs
from geosettle.levels import ladder
from geosettle.problems import Problems, note
from geosettle.raster import Raster, resample_mean, resample_nearest
from geosettle.reasons import join, reason, rendered, word
from geosettle.settings import DEFAULTS

_RULE: Final = ("landcover_classes", "ndvi_minimum", "elevation_ceiling_m", "smallest_patch_km2")
OASIS_COLUMNS: Final = (
    *(
        "code",
        "name",
        "setting",
        "area_km2",
        "unit_area_km2",
        "share_percent",
        "quantity",
        "published",
    ),
    *("difference", "difference_percent", "source", "claim", "why"),
)
"""Columns of the table that `oasis_areas` gives."""
_SURE: Final = 0.95
"""Least probability at which a place counts as inside, or as outside."""
FloatArray = NDArray[np.float64]


def derive_oasis(
    landcover: Raster | None,
    ndvi: Raster | None,
    dem: Raster | None,
    rule: Mapping[str, Any],
    *,
    year: int | None = None,
    problems: Problems | None = None,
) -> gpd.GeoDataFrame:
    """Oasis by a rule of class or greenness, elevation and size of patch.

    Cells are of given classes or green enough, below a ceiling, in patches large enough.

    Parameters
    ----------
    landcover
        Class raster, or None.
    ndvi
        Highest NDVI of the year, or None. The finer of the two rasters is the grid.
    dem
        Elevation, metres; averaged over each cell of the grid. None only if the rule has no
        ceiling.
    rule
        `landcover_classes` (class values), `ndvi_minimum`, `elevation_ceiling_m`,
        `smallest_patch_km2`; a missing key sets no condition.
    year
        Year of each patch.
    problems
        Where green land of unknown elevation is reported; it is not counted as oasis.

    Returns
    -------
    GeoDataFrame
        By `oasis_id`, WGS84: patches (cells that touch, corners included) as polygons along cell
        edges, not smoothed; with `area_km2` (geodesic) and `year`.

    Raises
    ------
    MissingLayerError
        The rule names a layer that is not given.
    InputError
        The rule has an unknown key, or neither classes nor NDVI.

    Examples
    --------
    >>> from affine import Affine
    >>> where = Affine(0.05, 0, 76, 0, -0.05, 39)
    >>> green = Raster(np.array([[0.1, 0.4, 0.5], [0.1, 0.1, 0.6]]), where)
    >>> dem = Raster(np.array([[1200.0, 1200, 1300], [1200, 1200, 2500]]), where, unit="m")
    >>> derive_oasis(None, green, dem, {"ndvi_minimum": 0.3, "elevation_ceiling_m": 2000})[
    ...     "area_km2"
    ... ].round(1).tolist()
    [48.1]
    """
    unknown = sorted(set(rule) - set(_RULE))
    if unknown:
        raise InputError(
            "the oasis rule has no such key", column=unknown[0], mend=f"Known: {', '.join(_RULE)}."
        )
    classes, ndvi_min = rule.get("landcover_classes") or (), rule.get("ndvi_minimum")
    for name, layer, needed in (
        ("landcover", landcover, bool(classes)),
        ("ndvi", ndvi, ndvi_min is not None),
        ("dem", dem, rule.get("elevation_ceiling_m") is not None),
    ):
        if needed and layer is None:
            raise MissingLayerError(
                f"the oasis rule needs the layer {name}",
                mend="Give it, or leave it out of the rule.",
            )
    used = [
        r
        for r, need in ((landcover, bool(classes)), (ndvi, ndvi_min is not None))
        if need and r is not None
    ]
    if not used:
        raise InputError(
            "the oasis rule has neither landcover_classes nor ndvi_minimum",
            mend="Give at least one of them.",
        )
    grid = min(used, key=lambda r: float(r.cell_sizes_m()[1][r.shape[0] // 2]))
    mask = np.zeros(grid.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        if classes and landcover is not None:
            mask |= np.isin(resample_nearest(landcover, grid), np.asarray(classes, dtype=float))
        if ndvi_min is not None and ndvi is not None:
            mask |= resample_mean(ndvi, grid) >= float(ndvi_min)
    if dem is not None and rule.get("elevation_ceiling_m") is not None:
        mask &= _low_enough(
            mask, resample_mean(dem, grid), float(rule["elevation_ceiling_m"]), grid, problems
        )
    patches = _patches(mask, grid)
    area = area_m2(patches) / 1e6
    keep = area >= float(rule.get("smallest_patch_km2") or 0)
    patches, area = patches[keep], area[keep]
    return gpd.GeoDataFrame(
        {"area_km2": area, "year": pd.array([year] * len(patches), dtype="Int64")},
        index=pd.Index(
            [f"O{i + 1:04d}" for i in range(len(patches))], name="oasis_id", dtype="str"
        ),
        geometry=list(patches),
        crs="EPSG:4326",
    )


def _patches(mask: NDArray[np.bool_], grid: Raster) -> NDArray[np.object_]:
    """Patches of cells that touch, corners included.

    Parts that meet at a corner stay parts, so each is valid.
    """
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    out = vectorise(labels, grid)
    bounds = shapely.bounds(out)
    return out[np.lexsort((bounds[:, 1], bounds[:, 0]))]


def _low_enough(
    green: NDArray[np.bool_],
    height: FloatArray,
    ceiling: float,
    grid: Raster,
    problems: Problems | None,
) -> NDArray[np.bool_]:
    """Cells known to lie below the ceiling; green cells of unknown height are reported."""
    unknown = green & np.isnan(height)
    if unknown.any():
        area = float((unknown * grid.cell_areas_m2()).sum() / 1e6)
        message = (
            f"{area:.0f} km² of green land have no known elevation and are not counted as oasis."
        )
        note(problems, "elevation_missing", message, layer="dem")
    with np.errstate(invalid="ignore"):
        return np.asarray(height < ceiling)


@rendered
def oasis_areas(
    boundaries: gpd.GeoDataFrame,
    oases: Mapping[str, gpd.GeoDataFrame],
    *,
    level: str | None = None,
    published: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Area of the oasis in each unit under several settings of the rule, with what is published.

    Parameters
    ----------
    boundaries
        Units by `code` with `name` and `level`.
    oases
        Setting ("low", "central", "high") to the oasis it gives; the order is kept.
    level
        Which units; None takes those of the coarsest level.
    published
        Figures by others: unit (name or code; or any key, with the unit under `unit`) to
        `area_km2` and/or `share_percent`, `source`, and the `claim` it is.

    Returns
    -------
    DataFrame
        `code, name, setting, area_km2, unit_area_km2, share_percent, quantity, published,
        difference, difference_percent, source, claim, why`: one row per unit, setting and
        published figure (one row where there is none).

    Examples
    --------
    >>> units = gpd.GeoDataFrame(
    ...     {"name": ["A"], "level": ["prefecture"]},
    ...     index=pd.Index(["1"], name="code"),
    ...     geometry=[shapely.box(76, 38, 78, 39)],
    ...     crs="EPSG:4326",
    ... )
    >>> half = gpd.GeoDataFrame(geometry=[shapely.box(76, 38, 77, 39)], crs="EPSG:4326")
    >>> figures = {"A": {"share_percent": 40, "source": "a yearbook"}}
    >>> oasis_areas(units, {"central": half}, published=figures)[
    ...     ["share_percent", "published", "difference"]
    ... ].round(1)
       share_percent  published  difference
    0           50.0       40.0        10.0
    """
    frame = boundaries
    if "level" in boundaries and len(boundaries):
        frame = boundaries[boundaries["level"] == (level or ladder(boundaries)[0])]
    geometry = lonlat(frame)
    order = np.argsort(frame.index.astype(str).to_numpy())
    rows: list[dict[str, Any]] = []
    covers = {name: shapely.union_all(lonlat(oasis)) for name, oasis in oases.items()}
    whole = area_m2(geometry) / 1e6
    inside = {
        name: area_m2(shapely.intersection(geometry, cover)) / 1e6 for name, cover in covers.items()
    }
    for i in order:
        code, name = str(frame.index[i]), str(frame["name"].iloc[i])
        figures = [
            (quantity, figure)
            for key, figure in (published or {}).items()
            for quantity in ("area_km2", "share_percent")
            if str(figure.get("unit", key)) in {code, name} and quantity in figure
        ]
        for setting in oases:
            area = float(inside[setting][i])
            base = {
                "code": code,
                "name": name,
                "setting": setting,
                "area_km2": area,
                "unit_area_km2": float(whole[i]),
                "share_percent": 100 * area / whole[i] if whole[i] > 0 else np.nan,
            }
            rows.extend(base | _compared(base, *p) for p in figures or [("", {})])
    return pd.DataFrame(rows, columns=list(OASIS_COLUMNS))


def _compared(row: Mapping[str, Any], quantity: str, figure: Mapping[str, Any]) -> dict[str, Any]:
    """Compare a published figure with the computed one."""
    if not figure:
        missing = dict.fromkeys(("published", "difference", "difference_percent"), np.nan)
        return {"quantity": "", **missing, "source": "", "claim": "", "why": reason("no_published")}
    value = float(figure[quantity])
    difference = row[quantity] - value
    return {
        "quantity": quantity,
        "published": value,
        "difference": difference,
        "difference_percent": 100 * difference / value if value else np.nan,
        "source": str(figure.get("source", "")),
        "claim": str(figure.get("claim", "")),
        "why": "",
    }


@rendered
def oasis_position(
    points: gpd.GeoDataFrame,
    oasis: gpd.GeoDataFrame | None,
    *,
    radii_km: Sequence[float] = DEFAULTS.overlay.radii_km,
    fringe_km: float = DEFAULTS.overlay.fringe_km,
    draws: int = 1000,
    seed: int = DEFAULTS.distance.seed,
) -> pd.DataFrame:
    """Where each place lies in the oasis, with the interval that its position allows.

    Parameters
    ----------
    points
        Points (or polygons, taken at an inner point), None where unknown; `uncertainty_km` where
        present: the true position lies within it.
    oasis
        Polygons; None or no rows where the study has none.
    radii_km
        Radii of the discs whose oasis share is given.
    fringe_km
        The fringe reaches this far from the edge, to both sides; deeper inside is the core, further
        out is outside.
    draws, seed
        Positions drawn, uniformly by area, within the uncertainty for `oasis_probability`; the same
        draws whatever the other rows.

    Returns
    -------
    DataFrame
        Index of `points`: `in_oasis` (missing where neither answer has a probability of at least
        0.95), `oasis_edge_km` (negative inside), `oasis_edge_low_km`,
        `oasis_edge_high_km` (bounds: moving by u changes the distance to the edge by at most u),
        `oasis_probability` (share of the disc inside), `oasis_zone` (core, fringe, outside),
        `oasis_zones` (all that the interval allows), one `oasis_share_{r}km` per radius,
        `oasis_why`.

    Examples
    --------
    >>> oasis = gpd.GeoDataFrame(geometry=[shapely.box(76, 38, 77, 39)], crs="EPSG:4326")
    >>> site = gpd.GeoDataFrame(
    ...     {"uncertainty_km": [10.0]},
    ...     index=["s"],
    ...     geometry=[shapely.Point(77, 38.5)],
    ...     crs="EPSG:4326",
    ... )
    >>> oasis_position(site, oasis)[
    ...     ["oasis_edge_low_km", "oasis_edge_high_km", "oasis_zone", "oasis_zones"]
    ... ].round(3)
       oasis_edge_low_km  oasis_edge_high_km oasis_zone            oasis_zones
    s              -10.0                10.0     fringe  core; fringe; outside
    """
    geometry = lonlat(points)
    n = len(points)
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    why = np.full(n, "", dtype=object)
    why[missing] = reason("position_unknown")
    whole = None if oasis is None or len(oasis) == 0 else shapely.union_all(lonlat(oasis))
    if whole is None or shapely.is_empty(whole):
        whole, why[~missing] = None, reason("no_oasis")
    centre = np.where(
        shapely.get_dimensions(geometry) == 2, shapely.point_on_surface(geometry), geometry
    )
    lon, lat = shapely.get_x(shapely.centroid(centre)), shapely.get_y(shapely.centroid(centre))
    u = radius_km(points)
    edge = np.full(n, np.nan)
    rows = np.flatnonzero(~missing) if whole is not None else np.zeros(0, dtype=np.intp)
    if rows.size:
        edge[rows] = edge_distance_m(lon[rows], lat[rows], whole) / 1000
    low, high = edge - u, edge + u
    out = pd.DataFrame(index=points.index)
    known = np.isfinite(edge)
    inside = _inside_share(lon, lat, u, edge, whole, draws=draws, seed=seed)
    decided = (inside >= _SURE) | (inside <= 1 - _SURE)
    out["in_oasis"] = pd.arrays.BooleanArray(inside >= _SURE, ~decided)
    out["oasis_edge_km"], out["oasis_edge_low_km"], out["oasis_edge_high_km"] = edge, low, high
    out["oasis_probability"] = inside
    zone = np.select(
        [~known, edge < -fringe_km, edge <= fringe_km], ["", "core", "fringe"], "outside"
    )
    out["oasis_zone"] = text_array([z or None for z in zone])
    possible = (low < -fringe_km, (low <= fringe_km) & (high >= -fringe_km), high > fringe_km)
    words = [
        [z for z, p in zip(("core", "fringe", "outside"), row, strict=True) if p]
        for row in zip(*possible, strict=True)
    ]
    out["oasis_zones"] = text_array(["; ".join(w) or None for w in words])
    for radius in radii_km:
        rings = discs(np.where(known, lon, np.nan), lat, np.full(n, radius * 1000))
        share = np.full(n, np.nan)
        if known.any():
            share[known] = area_m2(shapely.intersection(rings[known], whole)) / area_m2(
                rings[known]
            )
        out[f"oasis_share_{radius:g}km"] = share
    for i in np.flatnonzero(known & (u > 0)):
        zones = [word("zone", z) for z in words[i]]
        may_be = reason("zone_may_be", zones=zones) if len(zones) > 1 else ""
        why[i] = join(reason("position_known_to", km=float(u[i])), may_be)
    out["oasis_why"] = text_array(why)
    return out


def _inside_share(
    lon: FloatArray,
    lat: FloatArray,
    u: FloatArray,
    edge: FloatArray,
    whole: Any,
    *,
    draws: int,
    seed: int,
) -> FloatArray:
    """Share of each uncertainty disc inside the oasis; certain where the edge is out of reach."""
    share = np.where(np.isfinite(edge), (edge <= 0).astype(float), np.nan)
    # One set of draws for all places: the answer for one place does not depend on which others are
    # asked about.
    rng = np.random.default_rng(seed)
    radius, azimuth = np.sqrt(rng.random(draws)), rng.random(draws) * 360
    for i in np.flatnonzero(np.isfinite(edge) & (np.abs(edge) < u)):
        x, y, _ = GEOD.fwd(
            np.full(draws, lon[i]), np.full(draws, lat[i]), azimuth, radius * u[i] * 1000
        )
        shapely.prepare(whole)
        share[i] = float(np.mean(shapely.intersects_xy(whole, x, y)))
    return share
