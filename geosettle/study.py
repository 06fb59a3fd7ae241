"""A study: every checked input, frozen, and the settings with their defaults."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.crs import WGS84
from geosettle.errors import InputError
from geosettle.layers import LAYERS, LayerSpec
from geosettle.problems import Problem, problem
from geosettle.raster import Raster

__all__ = ["Study", "complete", "default_settings", "frame_layer"]


@cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(
        resources.files("geosettle").joinpath("defaults.toml").read_text(encoding="utf-8")
    )


def default_settings() -> dict[str, Any]:
    """Return a fresh copy of every setting with its default.

    Examples
    --------
    >>> default_settings()["study"]["name"]
    'study'
    """
    return copy.deepcopy(_defaults())


def complete(frame: pd.DataFrame, spec: LayerSpec) -> pd.DataFrame:
    """Return a frame with every column of the layer, in the layer's order, the absent ones missing;
    others follow.

    Examples
    --------
    >>> complete(pd.DataFrame({"origin_id": ["a"], "site_id": ["s"]}), LAYERS["flows"])["households"].isna().all()
    np.True_
    """
    kinds = {"number": "float64", "integer": "Int64", "year": "Int64"}
    names = [c.name for c in spec.columns]
    own = {
        c.name: frame[c.name]
        if c.name in frame
        else pd.Series([None] * len(frame), index=frame.index, dtype=kinds.get(c.kind, "str"))
        for c in spec.columns
        if c.name in frame or c.name not in frame.index.names
    }
    rest = {str(name): frame[name] for name in frame.columns if name not in names}
    return pd.DataFrame({**own, **rest}, index=frame.index)


def frame_layer(frame: pd.DataFrame, role: str) -> gpd.GeoDataFrame | pd.DataFrame:
    """Return a user's frame as the layer `role`: indexed by its key as text, on WGS84, with every
    column.

    Parameters
    ----------
    frame
        With the key as a column or as the index; with a geometry, or with lon and lat. It is not
        written into.
    role
        A key of `LAYERS`.

    Raises
    ------
    InputError
        Columns are missing, identifiers are missing or repeated, or the CRS is not set: all said in
        one message.
    """
    spec = LAYERS[role]
    out = frame.copy()
    key = spec.key[0] if len(spec.key) == 1 else ""
    if (
        key
        and key not in out
        and (out.index.name == key or not isinstance(out.index, pd.RangeIndex))
    ):
        out = out.reset_index(names=key)
    for name in {*spec.key, *spec.references} & set(out.columns):
        out[name] = _as_ids(out[name])
    geographic = isinstance(out, gpd.GeoDataFrame) and out.active_geometry_name is not None
    needs = "none" not in spec.geometries
    faults = _faults(out, spec, geographic=geographic)
    if needs and not geographic and not {"lon", "lat"} <= set(out.columns):
        faults.append("there is neither a geometry nor lon and lat")
    if faults:
        raise InputError(
            f"{role}: {'; '.join(faults)}",
            mend="See geosettle.LAYERS for what the layer must hold.",
        )
    if geographic:
        geometry = cast("gpd.GeoDataFrame", out).geometry.to_crs(WGS84).to_numpy()
    elif needs:
        x, y = (
            pd.to_numeric(out[c]).to_numpy(dtype=float, na_value=np.nan) for c in ("lon", "lat")
        )
        known = np.isfinite(x) & np.isfinite(y)
        geometry = np.full(len(out), None, dtype=object)
        geometry[known] = shapely.points(x[known], y[known])
    else:
        geometry = None
    if geometry is not None:
        geometry = np.where(
            shapely.is_empty(geometry), None, geometry
        )  # an empty point is no position
    plain = pd.DataFrame(out)
    plain = plain.drop(
        columns=[
            c
            for c in plain
            if c == "geometry" or isinstance(plain[c].dtype, gpd.array.GeometryDtype)
        ]
    )
    plain = complete(plain.reset_index(drop=True), spec)
    if geometry is not None:
        plain = gpd.GeoDataFrame(
            plain, geometry=gpd.GeoSeries(geometry, index=plain.index, crs=WGS84)
        )
    return plain.set_index(key) if key else plain


def _faults(frame: pd.DataFrame, spec: LayerSpec, *, geographic: bool) -> list[str]:
    """Why a frame cannot be the layer, each in a few words."""
    faults = [
        f"column {c.name} is missing" for c in spec.columns if c.required and c.name not in frame
    ]
    for name in spec.key:
        ids = frame[name] if name in frame else pd.Series(dtype="str")
        if ids.isna().any():
            faults.append(f"{int(ids.isna().sum())} row(s) have no {name}")
        twice = ids.dropna()[ids.dropna().duplicated()].unique()
        if len(spec.key) == 1 and twice.size:
            faults.append(f"{name} is repeated: {', '.join(sorted(twice)[:5])}")
    if geographic and cast("gpd.GeoDataFrame", frame).crs is None:
        faults.append("the geometry has no coordinate reference system (set_crs)")
    return faults


def _as_ids(values: pd.Series) -> pd.Series:
    """Return identifiers as text; a whole number has no decimals, and 007 stays 007."""

    def text(value: Any) -> str | None:
        if pd.isna(value):
            return None
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip() or None

    return values.map(text).astype("str")


@dataclass(frozen=True, eq=False)
class Study:
    """Checked inputs of one study.

    Frames are indexed by their key (`site_id`, `origin_id`, `code`, `place_id`, `development_id`;
    flows keep `origin_id` and `site_id` as columns), geometries are WGS84 longitude/latitude and
    None where a position is unknown. A layer that the study does not have is None.
    """

    sites: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame | None = None
    flows: pd.DataFrame | None = None
    boundaries: gpd.GeoDataFrame | None = None
    oasis: gpd.GeoDataFrame | None = None
    development: gpd.GeoDataFrame | None = None
    landcover: Mapping[int, Raster] = field(default_factory=dict)
    ndvi: Raster | None = None
    dem: Raster | None = None
    roads: gpd.GeoDataFrame | pd.DataFrame | None = None
    rivers: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    indicators: pd.DataFrame | None = None
    survey: pd.DataFrame | None = field(default=None, repr=False)
    """Rows of a household survey, one per household and time: `analyse` puts them together and
    drops them.
    """
    claims: pd.DataFrame | None = None
    village_transfers: pd.DataFrame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """defaults.toml overlaid with the study's own study.toml; nested tables."""
    problems: tuple[Problem, ...] = ()
    ledger: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Layer to rows_in, rows_used, rows_set_aside."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """File (relative to the study) to sha256, layer, source, licence, date, crs_read, crs_used,
    rows.
    """
    name: str = "study"

    def __post_init__(self) -> None:
        """Bring frames given by a user into the form of the contract; refuse, in one message, what
        cannot be.
        """
        if not self.settings:
            object.__setattr__(self, "settings", default_settings())
        faults = []
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in LAYERS or not isinstance(value, pd.DataFrame):
                continue
            try:
                object.__setattr__(self, item.name, frame_layer(value, item.name))
            except InputError as error:
                faults.append(error.message)
        if faults:
            raise InputError(
                "; ".join(faults), mend="See geosettle.LAYERS for what each layer must hold."
            )
        self._set_lost_flows_aside()

    def _set_lost_flows_aside(self) -> None:
        """Leave out flows from or to a place that the study does not have, each with a problem that
        says so.
        """
        flows = self.flows
        if flows is None:
            return
        problems, lost = [], np.zeros(len(flows), dtype=bool)
        for column, target in LAYERS["flows"].references.items():
            places = getattr(self, target)
            unknown = (
                np.zeros(len(flows), bool)
                if places is None
                else ~flows[column].isin(places.index).to_numpy()
            )
            lost |= unknown
            problems += [
                problem("reference_unknown", f"{column} {value!r} is not in {target}.", layer="flows", row=int(row) + 1,
                        column=column, value=str(value))
                for row, value in zip(np.flatnonzero(unknown), flows[column][unknown], strict=True)
            ]  # fmt: skip
        if problems:
            counts = {"rows_in": len(flows), "rows_set_aside": 0, **self.ledger.get("flows", {})}
            counts["rows_set_aside"] += int(lost.sum())
            counts["rows_used"] = int((~lost).sum())
            object.__setattr__(self, "flows", flows[~lost].reset_index(drop=True))
            object.__setattr__(self, "problems", (*self.problems, *problems))
            object.__setattr__(self, "ledger", {**self.ledger, "flows": counts})
