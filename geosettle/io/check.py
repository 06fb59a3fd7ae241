"""check_path: what is wrong with a file or a study, and what was read of it, as a JSON object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.crs import crs_name, parse_crs
from geosettle.errors import GeosettleError, InputError
from geosettle.geodesy import area_m2
from geosettle.io.column_names import find_columns
from geosettle.io.columns import Columns
from geosettle.io.cross_layer_checks import boundary_faults, suspect_datum
from geosettle.io.describe import every_name, role_scores
from geosettle.io.formats import EXTENSIONS, kind_of, open_source
from geosettle.io.layer_tables import with_more
from geosettle.io.position_checks import HOME, inside
from geosettle.io.positions import locate
from geosettle.io.raster_files import DRIVERS
from geosettle.io.rasters import raster_problems, read_raster
from geosettle.io.source import Options, Refused, centres
from geosettle.io.study import gather, read_rows, study_file
from geosettle.io.unit_checks import outside_declared
from geosettle.io.validation import Checked, set_aside, spec_of
from geosettle.layers import LAT, LAYERS, LON, WKT, LayerSpec, plain_name
from geosettle.problems import Problem, problem, problem_of
from geosettle.raster import Raster
from geosettle.settings import decode

Region = tuple[float, float, float, float]

_POINTS: Final = LayerSpec("points", ("point",))
"""Any table with positions, for reading values of a raster at them."""


def check_path(
    path: str | Path,
    role: str | None = None,
    *,
    region: Region | Literal["none"] | None = None,
    crs: str | None = None,
    datum: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    sheet: str | None = None,
    columns: Mapping[str, str] | None = None,
    at: str | Path | None = None,
    options: Options | None = None,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    r"""Look for problems in a file or a whole study; nothing is computed and nothing written.

    Parameters
    ----------
    path
        A file, or a study (folder or study.toml).
    role
        A key of `LAYERS`; None to guess it from name and columns, which is reported in a note.
    region
        West, south, east, north in degrees; "none" to look nowhere in particular; None for what a
        study says.
    crs, datum, encoding, layer, sheet, columns
        As for `geosettle.read_layer`.
    options
        All of these together, and row filter, header row and constants.
    layers
        For a study: role to how that layer is read, over what the study states; see `read_study`.
    at
        For a raster: a table of points, at which its values are added to the summary.

    Returns
    -------
    dict
        `status` ("accepted", "quarantined" if rows were set aside, "rejected" if nothing can be
        used), `rows_in`, `rows_ok`, `problems` (dicts) and `summary`. It holds only what JSON
        knows.

    Examples
    --------
    >>> import tempfile
    >>> sites = Path(tempfile.mkdtemp(), "sites.csv")
    >>> _ = sites.write_text("site_id,name,lon,lat\nS1,One,20,10\n", encoding="utf-8")
    >>> check_path(sites)["status"]
    'accepted'
    """
    file = Path(path)
    try:
        if (file.is_dir() and file.suffix.lower() != ".gdb") or file.suffix.lower() == ".toml":
            return _study(file, region, layers or {})
        box = None if region in (None, "none") else _box(region)
        noted = options or Options(crs, datum, encoding, layer, sheet, dict(columns or {}))
        return _file(file, role, replace(noted, region=box), at)
    except GeosettleError as error:
        return _answer([problem_of(error, role or "", file.name)], 0, 0, {"role": role})


def _box(region: Any) -> Region:
    west, south, east, north = (float(v) for v in region)
    if not (
        -90 <= south < north <= 90 and -180 <= west <= 360 and -180 <= east <= 360 and west != east
    ):
        raise InputError(
            "the region must be west, south, east, north in degrees",
            value=region,
            mend="For example 73,34,86,42.",
        )
    return west, south, east, north


def _answer(
    problems: list[Problem], rows_in: int, rows_ok: int, summary: dict[str, Any]
) -> dict[str, Any]:
    fatal = any(p.severity == "fatal" for p in problems)
    used = 0 if fatal else rows_ok
    status = "rejected" if fatal or not used else "accepted" if used == rows_in else "quarantined"
    order = {"fatal": 0, "error": 1, "warning": 2, "note": 3}
    ranked = sorted(problems, key=lambda p: (order[p.severity], p.layer, p.row or 0))
    return {
        "status": status,
        "rows_in": rows_in,
        "rows_ok": used,
        "problems": [dict(vars(p)) for p in ranked],
        "summary": _plain(summary),
    }


def _plain(value: Any) -> Any:
    """Return the value with nothing in it that JSON does not know."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list) and all(type(v) is str for v in value):
        return value
    if isinstance(value, list | tuple | np.ndarray | pd.Index):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value is pd.NA or value is pd.NaT else value


def _file(file: Path, role: str | None, options: Options, at: str | Path | None) -> dict[str, Any]:
    """One file as one layer."""
    noted: list[Problem] = []
    if role is None:
        role = guess_role(file, options)
        if role is None:
            raise Refused(
                "file_unreadable",
                "the layer of the file cannot be recognised by its name or columns",
                file=file.name,
                mend=f"Say it with --role; there are: {', '.join(LAYERS)}.",
            )  # fmt: skip
        noted.append(
            problem(
                "role_guessed",
                f"The file was taken for the layer {role}.",
                file=file.name,
                layer=role,
            )
        )
    if spec_of(role).geometries == ("raster",):
        return _raster(file, role, options, at, noted)
    if at is not None:
        raise InputError(
            "values at points can only be read from a raster",
            file=file.name,
            mend="Leave --at out.",
        )
    checked = read_rows(file, role, options)
    if not checked.fatal:
        checked = set_aside(checked, _against_reference(checked))
    return _answer(
        [*noted, *checked.problems], checked.rows_in, len(checked.frame), summary(checked)
    )


def guess_role(file: Path, options: Options) -> str | None:
    """Return the role of a file by its name, else by how many of its columns a layer knows.

    None if it fits none.
    """
    stem = plain_name(file.stem)
    if kind_of(file) in DRIVERS:
        roles = (role for role, spec in LAYERS.items() if spec.geometries == ("raster",))
        return next((role for role in roles if role in stem), "dem")
    if stem in LAYERS:
        return stem
    source = open_source(
        file,
        names=every_name(),
        encoding=options.encoding,
        layer=options.layer,
        sheet=options.sheet,
        header_row=options.header_row,
        role=None,
    )
    scores = role_scores(source, options.columns)
    best = next(iter(scores), None)
    return best if best is not None and scores[best] > 0 else None


def _against_reference(checked: Checked) -> list[Problem]:
    """Find what a single layer shows, by itself and compared with the embedded study.

    It is compared where it is in the region of that study.
    """
    out = boundary_faults(checked) if checked.role == "boundaries" else []
    frame = checked.frame
    if not isinstance(frame, gpd.GeoDataFrame) or checked.role not in {
        "sites",
        "origins",
        "places",
        "boundaries",
    }:
        return out
    x, y = centres(frame.geometry.to_numpy())
    known = np.isfinite(x)
    if not known.any() or not inside(x[known], y[known], HOME).all():
        return out
    others = _reference()
    if checked.role in {"sites", "origins"} and "the embedded boundaries" in others:
        units = others["the embedded boundaries"]
        out += [
            p
            for p in outside_declared(checked, units, _aliases())
            if p.code in {"outside_declared_unit", "outside_by_border"}
        ]
    return out + suspect_datum(frame, others)


@cache
def _aliases() -> dict[str, str]:
    """Other spellings of the units of the embedded study."""
    with study_file(None) as (_, stated):
        return dict(stated.get("admin", {}).get("aliases", {}))


@cache
def _reference() -> dict[str, gpd.GeoDataFrame]:
    """Boundaries and places of the embedded study, on WGS84; none if it is not installed."""
    try:
        with study_file(None) as (folder, stated):
            layers = stated["layers"]
            return {
                f"the embedded {role}": read_rows(
                    folder / layers[role]["path"], role, Options()
                ).frame
                for role in ("boundaries", "places")
                if role in layers
            }
    except GeosettleError:
        return {}


def summary(checked: Checked) -> dict[str, Any]:
    """Return what was understood of a layer: the rows that are used, in the order of the file."""
    frame, source = checked.frame, checked.source
    out: dict[str, Any] = {
        "role": checked.role, "format": source.format, "encoding": source.encoding,
        "layer": source.layer,
        "count": len(frame), "columns": [str(c) for c in source.cells.columns],
    }  # fmt: skip
    if frame.index.name:
        out["ids"] = frame.index.tolist()
    out |= {
        c: _column(frame, c)
        for c in ("origin_id", "site_id")
        if c in frame and checked.role == "flows"
    }
    if "name" in frame:
        out["names"] = _column(frame, "name")
    for column in ("households", "persons"):
        if column in frame:
            values = frame[column].to_numpy(dtype=float)
            missing = int(np.isnan(values).sum())
            out[f"{column}_sum"] = None if missing == len(values) else float(np.nansum(values))
            out[f"{column}_missing"] = missing
    if isinstance(frame, gpd.GeoDataFrame):
        out |= _geometry_summary(frame) | {"crs_read": checked.crs_read, "crs_used": "EPSG:4326"}
    return out


def _column(frame: pd.DataFrame, name: str) -> list[Any]:
    return [None if pd.isna(v) else str(v) for v in frame[name]]


def _geometry_summary(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    geometry = frame.geometry.to_numpy()
    x, y = centres(geometry)
    area = area_m2(geometry)
    kinds = [None if g is None else g.geom_type for g in geometry]
    known = ~shapely.is_missing(geometry)
    return {
        "lon": [None if np.isnan(v) else round(v, 9) for v in x.tolist()],
        "lat": [None if np.isnan(v) else round(v, 9) for v in y.tolist()],
        "positions_missing": int((~known).sum()),
        "bounds": shapely.total_bounds(geometry).tolist() if known.any() else None,
        "geometry_types": {k: kinds.count(k) for k in sorted({k for k in kinds if k})},
        "area_m2": [round(float(a), 3) for a in area],
        "area_ha": [round(float(a) / 1e4, 7) for a in area],
        "area_m2_total": float(area.sum()),
        "area_ha_total": float(area.sum()) / 1e4,
        "area_km2_total": float(area.sum()) / 1e6,
    }


def _raster(
    file: Path, role: str, options: Options, at: str | Path | None, noted: list[Problem]
) -> dict[str, Any]:
    """Describe a raster: what it is, and its values at points if asked for."""
    if kind_of(file) not in DRIVERS:
        raise InputError(f"the layer {role} is a raster", file=file.name, mend="Give a GeoTIFF.")
    kind, unit = (str(options.constants.get(name, "")) for name in ("kind", "unit"))
    raster, problems, declared = read_raster(
        file, file.name, role=role, crs=options.crs, kind=kind, unit=unit, thinned=True
    )
    if role == "dem":
        problems += _other_heights(raster, file.name)
    found = [
        replace(p, layer=role)
        for p in (*problems, *raster_problems(raster, role, file.name, declared))
    ]
    out = {
        "role": role,
        "format": "GeoTIFF",
        "count": 1,
        **declared,
        "crs_used": crs_name(parse_crs(raster.crs)),
        "bounds": raster.lonlat_bounds,
    }
    if options.region is not None:
        found += _raster_region(raster, options.region, file.name, role)
    if at is not None:
        out["at"], points = _values_at(raster, Path(at))
        found += points
    return _answer([*noted, *found], 1, 1, out)


def _other_heights(raster: Raster, file: str) -> list[Problem]:
    """Heights that are 3.28 or 0.001 times those of the embedded study's elevation model.

    Only where both have heights.
    """
    try:
        with study_file(None) as (folder, stated):
            known = read_raster(folder / stated["layers"]["dem"]["path"], "dem", role="dem")[0]
    except (GeosettleError, KeyError):
        return []
    west, south, east, north = raster.lonlat_bounds
    x, y = (
        v.ravel() for v in np.meshgrid(np.linspace(west, east, 25), np.linspace(south, north, 25))
    )
    here, there = raster.sample(x, y), known.sample(x, y)
    both = np.isfinite(here) & np.isfinite(there) & (there > 100)
    if both.sum() < 4:
        return []
    ratio = float(np.median(here[both] / there[both]))
    units = ((3.28084, "feet"), (0.001, "kilometres"), (100.0, "centimetres"), (10.0, "decimetres"))
    unit = next((name for factor, name in units if abs(ratio / factor - 1) <= 0.05), "")
    if not unit:
        return []
    text = (
        f"The heights are {ratio:.3g} times those of another elevation model there; they look "
        f"like {unit}."
    )
    return [problem("unit_suspected", text, file=file, value=f"{ratio:.3f}")]


def _raster_region(raster: Raster, region: Region, file: str, role: str) -> list[Problem]:
    west, south, east, north = raster.lonlat_bounds
    # A region or a raster may cross the 180th meridian: then its east is counted on beyond 180.
    to_east = region[2] + (360 if region[2] < region[0] else 0)
    across = any(west + turn <= to_east and east + turn >= region[0] for turn in (-360, 0, 360))
    if not across or south > region[3] or north < region[1]:
        text = (
            f"The raster ({west:.2f}, {south:.2f}, {east:.2f}, {north:.2f}) is outside the "
            "study region."
        )
        return [problem("outside_region", text, severity="fatal", file=file, layer=role)]
    return []


def _values_at(raster: Raster, points: Path) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Values of the raster at the points of a table, in its order."""
    names = frozenset(plain_name(n) for c in (LON, LAT, WKT) for n in (c.name, *c.aliases))
    source = open_source(points, names=names, role=None)
    found, _, _ = find_columns([str(c) for c in source.cells.columns], _POINTS)
    where = locate(source, _POINTS, Columns(found), Options())
    bad = [
        replace(p, file=points.name, layer="points")
        for p in where.problems
        if p.severity in {"error", "fatal"}
    ]
    if where.geometry is None:
        return [], bad
    x, y = centres(where.geometry)
    values = raster.sample(x, y)
    known = np.isfinite(x)
    if known.any() and np.isnan(values[known]).all():
        west, south, east, north = raster.lonlat_bounds
        text = (
            f"None of {int(known.sum())} points has a value; the raster is at {west:.2f}, "
            f"{south:.2f}, {east:.2f}, {north:.2f} and the first point at {x[known][0]:.2f}, "
            f"{y[known][0]:.2f}."
        )
        bad.append(problem("raster_coverage", text, file=points.name, layer="points"))
    label = next(
        (
            c
            for c in source.cells.columns
            if plain_name(str(c)).endswith("id") or plain_name(str(c)) == "name"
        ),
        None,
    )
    ids = (
        [str(i + 1) for i in range(len(x))]
        if label is None
        else [str(v) for v in source.cells[label]]
    )
    rows = zip(ids, x.tolist(), y.tolist(), values.tolist(), strict=True)
    return [{"id": i, "lon": a, "lat": b, "value": v} for i, a, b, v in rows], bad


def _study(path: Path, region: Any, layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every layer of a study."""
    with study_file(path) as (folder, stated):
        settings = decode(with_more(stated, layers))
        if region is not None:
            box = () if region == "none" else _box(region)
            settings = replace(settings, study=replace(settings.study, region=box))
        found = gather(folder, settings)
    read = {role: summary(c) for role, c in found.checked.items()}
    read |= {item["role"]: {**item, "file": file} for file, item in found.rasters.items()}
    rows_in = sum(c.rows_in for c in found.checked.values())
    rows_ok = sum(len(c.frame) for c in found.checked.values())
    unused = _unused(folder, found.inputs) if path.is_dir() else []
    return _answer(
        [*found.problems, *unused], rows_in, rows_ok, {"layers": read, "ledger": found.ledger}
    )


def _unused(folder: Path, inputs: Mapping[str, Any]) -> list[Problem]:
    """Find data files of a study folder that no layer reads."""
    files = [
        f
        for f in sorted(folder.iterdir())
        if f.suffix.lower() in EXTENSIONS and f.suffix.lower() != ".txt"
    ]
    used = {key.removesuffix(f" ({about['layer']})") for key, about in inputs.items()}
    return [
        problem("file_unused", file=f.name)
        for f in files
        if not any(key == f.name or key.startswith(f"{f.name}#") for key in used)
    ]
