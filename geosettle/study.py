"""A study: every checked layer in one mapping, frozen, and the settings with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.cells import text_column
from geosettle.crs import WGS84, lonlat
from geosettle.errors import InputError, UnknownNameError
from geosettle.layers import LAYERS, STUDY, LayerSpec
from geosettle.problems import Problem, problem
from geosettle.raster import Raster
from geosettle.settings import DEFAULTS, Settings, decode


def complete(frame: pd.DataFrame, spec: LayerSpec) -> pd.DataFrame:
    """Return a frame with every column of the layer, in the layer's order.

    Absent ones are missing; other columns follow.

    Examples
    --------
    >>> complete(pd.DataFrame({"origin_id": ["a"], "site_id": ["s"]}), LAYERS["flows"])[
    ...     "households"
    ... ].isna().all()
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
    for column in spec.columns:
        if column.default:
            own[column.name] = _filled(own[column.name], column.default)
    rest = {str(name): frame[name] for name in frame.columns if name not in names}
    return pd.DataFrame({**own, **rest}, index=frame.index)


def _filled(cells: pd.Series, default: str) -> pd.Series:
    """Cells with the default where they are empty; the default in any case is the default."""
    texts = cells.map(lambda cell: str(cell).strip(), na_action="ignore").astype(object)
    plain = texts.isna() | texts.astype(str).str.casefold().isin(["", default])
    return text_column(texts.mask(plain, default))


def in_scope(frame: pd.DataFrame) -> pd.Series:
    """Tell which sites, origins or flows the study is about; the others are listed for comparison.

    Parameters
    ----------
    frame
        Any frame of them; without a column `scope` all belong to the study.

    Returns
    -------
    Series
        Bool, on the index of the frame.

    Examples
    --------
    >>> in_scope(pd.DataFrame({"scope": ["study", None, "comparison"]})).tolist()
    [True, True, False]
    """
    if "scope" not in frame:
        return pd.Series(data=True, index=frame.index)
    return _filled(frame["scope"], STUDY).eq(STUDY).astype(bool)


def frame_layer(frame: pd.DataFrame, role: str) -> gpd.GeoDataFrame | pd.DataFrame:
    """Return a user's frame as the layer `role`.

    It is indexed by its key as text, on WGS84, with every column.

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
        Columns are missing, identifiers are missing or repeated, or the CRS is not set: all in
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
        geometry = lonlat(cast("gpd.GeoDataFrame", out))
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
            shapely.is_empty(geometry), np.array(None), geometry
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

    return text_column(values.map(text))


@dataclass(frozen=True, eq=False, repr=False)
class _Parts:
    """What a study is made of; `Study` adds the check of frames and the layers as attributes."""

    layers: Mapping[str, Any]
    settings: Settings = DEFAULTS
    problems: tuple[Problem, ...] = ()
    ledger: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    name: str = "study"
    mask_households: int | None = None
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rounds: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)


class Study(_Parts):
    """Checked inputs of one study.

    `Study(sites=..., origins=..., flows=...)` takes the user's frames, brings each into the form
    that `LAYERS` describes, and refuses in one message what cannot be. `study.replace(...)` gives a
    changed copy and checks nothing, for frames that are layers already.

    Parameters
    ----------
    sites
        The settlement sites: a frame with `site_id`, `name` and a geometry or `lon` and `lat`.
    layers
        Layers of another study, by role; those given by name go before them.
    settings
        What differs from the defaults: `Settings`, or nested tables like those of study.toml.
    problems
        What was found wrong with the inputs.
    ledger
        Layer to `rows_in`, `rows_used`, `rows_set_aside`.
    inputs
        File (relative to the study) to sha256, layer, source, licence, date, crs_read, crs_used,
        rows.
    name
        Name of the study; None: that of the settings.
    mask_households
        Origins that sent fewer households than this are masked; None: nothing is.
    regions
        Role to the areas, by id, in which sites or origins without a position of their own are
        somewhere, such as the unit that they declare; their point is only the middle of it.
    rounds
        Sites of the earlier dates of the same registry, by date; `sites` are those of the latest.
    **more
        Any other layer of `LAYERS`, by its role: frames for tables and shapes, a `Raster` for a
        raster, a mapping of year to `Raster` for one per year.

    Attributes
    ----------
    layers
        Role to layer, for every layer that the study has. Each is also an attribute: `study.roads`
        is `study.layers["roads"]`, or None (an empty mapping for rasters by year) where the study
        has none. Frames are indexed by their key (`site_id`, `origin_id`, `code`, `place_id`,
        `development_id`; flows keep `origin_id` and `site_id` as columns); geometries are WGS84
        longitude and latitude, None where a position is unknown.

    Raises
    ------
    InputError
        Columns or identifiers are missing or repeated, a CRS is not set, or there are no sites.
    UnknownNameError
        There is no layer of a name.

    Examples
    --------
    >>> sites = pd.DataFrame({"site_id": ["S1"], "name": ["A"], "lon": [76.0], "lat": [39.4]})
    >>> study = Study(sites=sites, name="mine")
    >>> study
    <Study 'mine': 1 sites>
    >>> study.roads is None, study.replace(name="other").name
    (True, 'other')
    """

    sites: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame | None
    flows: pd.DataFrame | None
    boundaries: gpd.GeoDataFrame | None
    oasis: gpd.GeoDataFrame | None
    development: gpd.GeoDataFrame | None
    landcover: Mapping[int, Raster]
    ndvi: Raster | None
    dem: Raster | None
    friction: Raster | None
    roads: gpd.GeoDataFrame | pd.DataFrame | None
    rivers: gpd.GeoDataFrame | None
    barriers: gpd.GeoDataFrame | None
    population: Raster | None
    places: gpd.GeoDataFrame | None
    indicators: pd.DataFrame | None
    survey: pd.DataFrame | None
    """Rows of a household survey, one per household and time: `analyse` puts them together and
    drops them.
    """
    claims: pd.DataFrame | None

    def __init__(
        self,
        sites: pd.DataFrame | None = None,
        *,
        layers: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | Settings = DEFAULTS,
        problems: Sequence[Problem] = (),
        ledger: Mapping[str, Mapping[str, int]] | None = None,
        inputs: Mapping[str, Mapping[str, Any]] | None = None,
        name: str | None = None,
        mask_households: int | None = None,
        regions: Mapping[str, Mapping[str, Any]] | None = None,
        rounds: Mapping[str, gpd.GeoDataFrame] | None = None,
        **more: Any,
    ) -> None:
        """Bring the user's frames into the form of the contract, or refuse them in one message."""
        given = {**(layers or {}), **more} | ({} if sites is None else {"sites": sites})
        checked = _checked(_only_known(given))
        flows, lost = _lost_flows(checked)
        counts = dict(ledger or {})
        if lost:
            rows = len(checked["flows"])
            before = {"rows_in": rows, "rows_set_aside": 0, **counts.get("flows", {})}
            aside = before["rows_set_aside"] + rows - len(flows)
            counts["flows"] = {**before, "rows_used": len(flows), "rows_set_aside": aside}
            checked["flows"] = flows
        chosen = decode(settings, file="")
        super().__init__(
            checked,
            chosen,
            (*problems, *lost),
            counts,
            dict(inputs or {}),
            chosen.study.name if name is None else name,
            mask_households,
            dict(regions or {}),
            dict(rounds or {}),
        )

    @classmethod
    def of_layers(cls, layers: Mapping[str, Any], **parts: Any) -> Self:
        """Return a study of layers that already have the form of the contract, without checks.

        `parts` are `settings`, `problems`, `ledger`, `inputs` and `name`.
        """
        made = cls.__new__(cls)
        _Parts.__init__(made, _only_known(layers), **parts)
        return made

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some layers or parts changed; frames are taken as they are.

        Examples
        --------
        >>> sites = pd.DataFrame({"site_id": ["S1"], "name": ["A"], "lon": [76.0], "lat": [39.4]})
        >>> study = Study(sites=sites)
        >>> study.replace(sites=study.sites.assign(households=7)).sites["households"].tolist()
        [7]
        """
        parts = {f.name: changes.pop(f.name, getattr(self, f.name)) for f in fields(self)}
        parts["settings"] = decode(parts["settings"], file="")
        return self.of_layers({**parts.pop("layers"), **changes}, **parts)

    if not TYPE_CHECKING:  # a misspelt layer stays an error for the type checker

        def __getattr__(self, role: str) -> Any:
            """Give a layer by its role."""
            if role not in LAYERS:
                raise AttributeError(f"a study has no {role!r}")
            return self.layers.get(role, {} if LAYERS[role].by_year else None)

    def __repr__(self) -> str:
        """Name and layers, with the rows of each; never a row itself."""
        held = [
            f"{len(layer)} {role}" if isinstance(layer, pd.DataFrame) else role
            for role, layer in self.layers.items()
        ]
        return f"<Study {self.name!r}: {', '.join(held)}>"

    def _repr_html_(self) -> str:
        """Show layers and problems in a notebook."""
        text: str = import_module("geosettle.notebook").study_html(self)
        return text


def _only_known(layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layers that are there, in the order of `LAYERS`."""
    for role in layers:
        if role not in LAYERS:
            near = get_close_matches(role, LAYERS, 1, 0.5)
            mend = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(LAYERS)}."
            raise UnknownNameError("a study has no such layer", value=role, mend=mend)
    return {role: layers[role] for role in LAYERS if layers.get(role) is not None}


def _checked(layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return every frame as its layer; all that cannot be is one error."""
    made, faults = {}, [] if "sites" in layers else ["sites: the study has none"]
    for role, layer in layers.items():
        try:
            made[role] = frame_layer(layer, role) if isinstance(layer, pd.DataFrame) else layer
        except InputError as error:
            faults.append(error.message)
    if faults:
        raise InputError(
            "; ".join(faults), mend="See geosettle.LAYERS for what each layer must hold."
        )
    return made


def _lost_flows(layers: Mapping[str, Any]) -> tuple[pd.DataFrame, list[Problem]]:
    """Flows between places that the study has, and a problem for each reference to another."""
    flows = layers.get("flows", pd.DataFrame())
    problems, lost = [], np.zeros(len(flows), dtype=bool)
    for column, target in LAYERS["flows"].references.items() if "flows" in layers else ():
        if target not in layers:
            continue
        unknown = ~flows[column].isin(layers[target].index).to_numpy()
        lost |= unknown
        problems += [
            problem("reference_unknown", f"{column} {value!r} is not in {target}.", layer="flows",
                    row=int(row) + 1, column=column, value=str(value))
            for row, value in zip(np.flatnonzero(unknown), flows[column][unknown], strict=True)
        ]  # fmt: skip
    return (flows[~lost].reset_index(drop=True) if problems else flows), problems


def origins_of(study: Study) -> gpd.GeoDataFrame:
    """Return the origins of a study; an empty frame where it has none."""
    if study.origins is not None:
        return study.origins
    return gpd.GeoDataFrame(
        {"name": []}, geometry=[], crs=study.sites.crs, index=pd.Index([], name="origin_id")
    )


def why_last(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame with the column `why` behind all others."""
    return frame[[*[c for c in frame.columns if c != "why"], "why"]]
