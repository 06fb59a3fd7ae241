"""Raster files as `Raster` on their own grid, missing cells as NaN."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
import rasterio.crs
import rasterio.errors
import rasterio.windows
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosettle.crs import crs_name, parse_crs, same_crs
from geosettle.errors import CrsError, InputError
from geosettle.io.position_checks import HOME
from geosettle.io.raster_files import Window, cells_within, driver_of, one_file
from geosettle.io.side_files import check_side_files, world_file_differs
from geosettle.io.source import Refused
from geosettle.problems import Problem, problem
from geosettle.raster import Raster, seconds_per_metre

_CLASSES: Final = 256
"""Classes that a class raster has at most; elevations are more."""
_DEGREE: Final = np.pi / 180
_SIGNS: Final = (-9999.0, -99999.0, -32768.0, -32767.0, 32767.0, 65535.0)
"""Numbers that stand for "no data" in many files."""
_SIGNS_OF_NDVI: Final = (-3000.0, -28672.0)
"""The same in NDVI times 10,000 (MODIS, VIIRS), whose values begin at -2000."""
_LEAST_GAP: Final = {"dem": 150.0, "ndvi": 0.0}
"""Role to how far a number must be from all others to be doubted, in the unit of the values."""
KIND_OF_ROLE: Final = {"landcover": "classes", "ndvi": "measurements", "population": "counts",
                       "friction": "measurements"}  # fmt: skip
"""What the values of a layer are."""
_SLOWEST_KMH: Final = 0.2
_FASTEST_KMH: Final = 100.0
"""Between these is the speed in the middle cell of a friction whose unit is right."""
TIME: Final = "time"
"""Role of a raster of hours that was written before: infinite cells are a value, no way."""
CELL_LIMIT: Final = 200_000_000
"""Cells that are read at most."""
_LOOKED_AT: Final = 4_000_000
"""Cells that are read of a larger raster, only to see what it is."""


@dataclass(frozen=True)
class _Asked:
    """What is read of a raster file, and as what."""

    file: str
    role: str
    crs: str | None
    band: int
    classes: Mapping[int, str]
    kind: str
    unit: str
    window: Window | None
    limit: int
    thinned: bool


def read_raster(
    path: Path | Sequence[Path],
    file: str,
    *,
    role: str = "dem",
    crs: str | None = None,
    band: int = 1,
    classes: Mapping[int, str] | None = None,
    kind: str = "",
    unit: str = "",
    window: Window | None = None,
    limit: int = CELL_LIMIT,
    thinned: bool = False,
) -> tuple[Raster, list[Problem], dict[str, Any]]:
    """Read a raster file of any kind, or several tiles of one grid, on its own grid, north-up.

    Parameters
    ----------
    path
        A plain file whose content is known to be of its kind, or several.
    file
        Name for messages.
    role
        What it is for: says which values are doubted, and the kind of its values.
    crs
        What the user says it is in; goes before what the file declares.
    band
        Band to read, from 1.
    classes
        Class value to name.
    kind
        "classes", "measurements" or "counts"; empty: that of the role.
    unit
        Of the values; empty: what the file declares.
    window
        West, south, east, north in degrees: the part that is read of a raster of more cells than
        the limit. The file itself may be of any size.
    limit
        Cells that are read at most.
    thinned
        Whether of more cells than the limit some are read, evenly spread, to see what the file is.

    Returns
    -------
    tuple
        The raster; what was found; what the file declared (`width, height, crs, cell_size, nodata
        ...`).

    Raises
    ------
    InputError, CrsError
        Unreadable, too large, or without a place on Earth.
    """
    paths = [path] if isinstance(path, Path) else list(path)
    side_notes = [found for one in paths for found in check_side_files(one, file)]
    asked = _Asked(
        file,
        role,
        crs,
        band,
        classes or {},
        kind or KIND_OF_ROLE.get(role, ""),
        unit,
        window,
        limit,
        thinned,
    )
    with one_file(paths, limit, window, crs) as whole:
        raster, problems, declared = _read(whole, asked)
    return raster, [*side_notes, *problems], declared


def _read(path: Path, asked: _Asked) -> tuple[Raster, list[Problem], dict[str, Any]]:
    """Read one raster file."""
    file, band = asked.file, asked.band
    try:
        with warnings.catch_warnings(), _unheard():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(path, driver=driver_of(path)) as data:
                system = _system(data.crs, asked.crs, file)
                step = _step(data, asked)
                part, problems = _part(data, system, asked) if step == 1 else (None, [])
                if part is None and step == 1:
                    _check_unpacked(data, path, file)
                values, found = _values(data, part, asked, step)
                problems += found
                declared = {
                    "width": data.width, "height": data.height, "bands": data.count,
                    "dtype": data.dtypes[band - 1],
                    "alpha": ColorInterp.alpha in data.colorinterp,
                    "nodata": data.nodatavals[band - 1],
                    "unit": asked.unit or data.units[band - 1] or "",
                }  # fmt: skip
                whole, own, points = data.transform, data.crs, data.gcps[0]
    except (rasterio.errors.RasterioError, OSError, ValueError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"this raster cannot be read ({str(error).splitlines()[0][:160]})", file=file
        ) from error
    if whole == Affine.identity():
        what = "by control points only" if points else "by nothing"
        raise Refused(
            "raster_no_place",
            f"the raster is placed on Earth {what}",
            file=file,
            mend="Georeference it.",
        )
    problems += world_file_differs(path, file, tuple(whole)[:6])
    transform = whole if part is None else whole @ Affine.translation(part.col_off, part.row_off)
    if step > 1:
        transform @= Affine.scale(
            declared["width"] / values.shape[1], declared["height"] / values.shape[0]
        )
        cells = declared["width"] * declared["height"]
        text = f"The raster has {cells / 1e6:.0f} million cells; one of {step**2} was looked at."
        problems.append(problem("raster_thinned", text, file=file, layer=asked.role))
    _check_extent(transform, values.shape, system, file)
    if declared["bands"] > 1 + declared.pop("alpha"):
        text = f"The raster has {declared['bands']} bands; band {band} is read."
        problems.append(problem("raster_bands", text, file=file, value=str(declared["bands"])))
    declared |= _statistics(values, transform, asked.classes, asked.role)
    if step > 1:
        rows, columns = declared["height"], declared["width"]
        declared |= {"size": [columns, rows], "rows": rows, "columns": columns}
        declared["cell_size"] = [
            float(np.hypot(whole.a, whole.d)), float(np.hypot(whole.b, whole.e))
        ]  # fmt: skip
    declared |= {
        "crs_read": crs_name(parse_crs(own.to_wkt())) if own else None,
        "transform": tuple(transform)[:6],
    }
    raster = Raster(
        values,
        transform,
        _name_of(system),
        unit=declared["unit"],
        classes=dict(asked.classes),
        source=file,
        kind=asked.kind,
    )
    return _upright(raster, system, file), problems, declared


def _step(data: Any, asked: _Asked) -> int:
    """Of how many rows and columns of a raster one is read, where it is only looked at."""
    cells = data.width * data.height
    if not asked.thinned or cells <= asked.limit:
        return 1
    return int(np.ceil(np.sqrt(cells / min(asked.limit, _LOOKED_AT))))


def _part(data: Any, system: Any, asked: _Asked) -> tuple[Any, list[Problem]]:
    """Part of a raster that is read, None for all of it, and a note about it.

    Raises
    ------
    InputError
        It has more cells than the limit, or the window is outside the raster.
    """
    most = f"at most {asked.limit / 1e6:.0f} million are read"
    if data.width * data.height <= asked.limit:
        return None, []
    if asked.window is None:
        raise InputError(
            f"the raster has {data.width * data.height / 1e6:.0f} million cells; {most}",
            file=asked.file,
            mend="Clip it to the study region, or set [study] raster_cells.",
        )
    rows, columns = cells_within(data, system, asked.window)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    box = ", ".join(f"{side:.2f}" for side in asked.window)
    if height <= 0 or width <= 0:
        raise Refused(
            "outside_region", f"the raster does not reach the part that is read ({box})",
            file=asked.file,
        )  # fmt: skip
    if height * width > asked.limit:
        raise InputError(
            f"the part of the raster around the study ({box}) has {height * width / 1e6:.0f} "
            f"million cells; {most}",
            file=asked.file,
            mend="Set [study] region to a smaller box, or [study] raster_cells.",
        )
    text = f"Of the raster {width} x {height} cells were read ({box}), around the study."
    note = problem("window_read", text, file=asked.file, layer=asked.role)
    return rasterio.windows.Window(columns.start, rows.start, width, height), [note]


_UNPACKED: Final = 300_000_000
"""Bytes of cells that are read whatever the size of the file."""
_RATIO: Final = 2000
"""Bytes of cells for each byte of a file beyond these: no compression of real cells does more."""


def _check_unpacked(data: Any, path: Path, file: str) -> None:
    """Refuse a raster that is nearly all left out of its file, such as a sparse TIFF."""
    cells = data.width * data.height
    size = cells * np.dtype(data.dtypes[0]).itemsize
    if data.driver == "GTiff" and size > max(_UNPACKED, _RATIO * path.stat().st_size):
        raise Refused(
            "file_too_large",
            f"{cells / 1e6:.0f} million cells are in a file of {path.stat().st_size / 1e3:.0f} KB, "
            "so nearly all are empty",
            file=file, mend="Clip it to the study region.",
        )  # fmt: skip


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep off the terminal what rasterio cannot log.

    GDAL quotes damaged files in bytes that are no text.
    """
    before = sys.unraisablehook
    sys.unraisablehook = lambda found: (
        None if isinstance(found.exc_value, UnicodeDecodeError) else before(found)
    )
    try:
        yield
    finally:
        sys.unraisablehook = before


def _system(own: Any, stated: str | None, file: str) -> Any:
    if stated:
        return parse_crs(stated)
    if own is None:
        raise CrsError(
            "the raster does not say its coordinate reference system",
            file=file,
            mend="Say it with --crs.",
        )
    return parse_crs(own.to_wkt())


def _name_of(system: Any) -> str:
    """Short name of a system where it says all of it, else its definition."""
    name = crs_name(system)
    with suppress(CrsError):
        if same_crs(system, name):
            return name
    return str(system.to_wkt())


def _values(
    data: Any, part: Any, asked: _Asked, step: int
) -> tuple[NDArray[np.floating], list[Problem]]:
    """Cells of one band as floats with scale and offset applied and everything missing as NaN."""
    band, file = asked.band, asked.file
    if not 1 <= band <= data.count:
        raise InputError(f"the raster has {data.count} band(s)", file=file, value=band)
    problems = []
    if np.issubdtype(np.dtype(data.dtypes[band - 1]), np.complexfloating):
        raise InputError("the raster holds complex numbers", file=file)
    how: dict[str, Any] = {"window": part}
    if step > 1:
        how["out_shape"] = (-(-data.height // step), -(-data.width // step))
    raw = data.read(band, **how)
    kind = np.float64 if raw.dtype.itemsize > 2 and raw.dtype != np.float32 else np.float32
    values = raw.astype(kind)
    values[data.read_masks(band, **how) == 0] = np.nan
    nodata = data.nodatavals[band - 1]
    if nodata is not None and not np.isnan(nodata):
        # A float raster often carries its nodata value rounded to single precision.
        values[np.isclose(raw.astype(np.float64), nodata, rtol=1e-6, atol=0)] = np.nan
    if np.issubdtype(raw.dtype, np.floating):
        undeclared = (np.abs(raw) > 1e30) & ~((asked.role == TIME) & np.isposinf(raw))
        if (undeclared & ~np.isnan(values)).any():
            problems.append(
                problem("nodata_undeclared", file=file, value=f"{raw[undeclared].flat[0]:.6g}",
                    message="Cells beyond 1e30 are taken as missing though the file declares no "
                            "such value.",
                    mend="Set the nodata value of the raster.",
                ),
            )  # fmt: skip
        values[~np.isfinite(values) | undeclared] = np.nan
    if asked.role == TIME:  # no way is not the same as not measured
        values[np.isposinf(raw)] = np.inf
    problems += _hidden_nodata(values, raw.dtype, asked)
    scale, offset = data.scales[band - 1], data.offsets[band - 1]
    if (scale, offset) != (1.0, 0.0):
        values = (values * kind(scale) + kind(offset)).astype(kind)
    return values, problems


def _hidden_nodata(
    values: NDArray[np.floating], dtype: np.dtype[Any], asked: _Asked
) -> list[Problem]:
    """Make cells missing that hold an undeclared sign for missing values.

    It is one of the usual signs, and neither the file nor the class table knows it.
    """
    signs = [*_SIGNS, *([255.0] if asked.kind == "classes" and dtype == np.uint8 else [])]
    if asked.role == "ndvi" and np.nanmax(values, initial=0) > 100:
        signs += [s for s in _SIGNS_OF_NDVI if np.nanmin(values, initial=0) == s]
    signs = [s for s in signs if s not in asked.classes and (values == s).any()]
    for sign in signs:
        values[values == sign] = np.nan
    found = [(f"Cells of {s:g} are taken as missing though the file does not declare it.", s)
             for s in signs]  # fmt: skip
    least = {"counts": ("below 0, which no count is", values < 0)}.get(asked.kind)
    if asked.role == "friction":
        least = "0 or below, which no time for a metre is", values <= 0
    if least is not None and (below := least[1]).any():
        text = f"{int(below.sum())} cells are {least[0]}; they are taken as missing."
        found.append((text, float(values[below].min())))
        values[below] = np.nan
    out = [problem("nodata_undeclared", text, file=asked.file, value=f"{s:g}") for text, s in found]
    zero = values == 0
    if (
        asked.role == "dem"
        and zero.any()
        and not zero.all()
        and float(np.nanmin(values[~zero])) > 200
    ):
        text = f"{int(zero.sum())} cells are 0 while no other is below 200 m; 0 may mean no data."
        out.append(problem("nodata_undeclared", text, file=asked.file, value="0"))
    elif asked.role in _LEAST_GAP:
        out += _far_from_all_others(values, asked.file, _LEAST_GAP[asked.role])
    return out


def _far_from_all_others(values: NDArray[np.floating], file: str, least: float) -> list[Problem]:
    """Find a value that several cells have, far below or above every other.

    It may be a sign for missing values.
    """
    known = values[np.isfinite(values)]
    if known.size < 20:
        return []
    out = []
    for extreme, rest in (
        (known.min(), known[known > known.min()]),
        (known.max(), known[known < known.max()]),
    ):
        count = known.size - rest.size
        if not rest.size or count < 4 or count > 0.9 * known.size:
            continue
        gap = float(np.abs(rest - extreme).min())
        if gap > max(least, 0.2 * float(np.ptp(rest))):
            text = (
                f"{count} cells are {extreme:g} and no other comes within {gap:g} of it; it may "
                "stand for missing."
            )
            out.append(problem("nodata_undeclared", text, file=file, value=f"{extreme:g}"))
    return out


def _upright(raster: Raster, system: Any, file: str) -> Raster:
    """Return the raster with its rows from north to south and its columns from west to east.

    Raises
    ------
    Refused
        It is turned against its axes, or parts of it are outside the Earth.
    """
    t, values, (rows, columns) = raster.transform, raster.values, raster.shape
    if t.b or t.d:
        raise Refused(
            "raster_rotated", "the grid of the raster is rotated", file=file,
            mend="Warp it first: gdalwarp FILE NEW.tif",
        )  # fmt: skip
    if system.is_geographic and not np.isclose(system.axis_info[0].unit_conversion_factor, _DEGREE):
        raise Refused(
            "crs_contradicted", "the coordinates of the raster are no degrees", file=file,
            mend="Warp it first: gdalwarp -t_srs EPSG:4326 FILE NEW.tif",
        )  # fmt: skip
    if t.e > 0:
        values, t = values[::-1], Affine(t.a, 0, t.c, 0, -t.e, t.f + t.e * rows)
    if t.a < 0:
        values, t = values[:, ::-1], Affine(-t.a, 0, t.c + t.a * columns, 0, t.e, t.f)
    if system.is_geographic and t.c >= 180:
        t = Affine(t.a, 0, t.c - 360, 0, t.e, t.f)
    upright = replace(raster, values=np.ascontiguousarray(values), transform=t)
    if not np.isfinite(upright.outline()).all():
        raise Refused("crs_contradicted", "parts of the raster are outside the Earth", file=file)
    return upright


def _check_extent(transform: Affine, shape: tuple[int, ...], system: Any, file: str) -> None:
    """Refuse degrees that are called metres, and metres that are called degrees."""
    rows, columns = shape
    xy = np.abs(
        [transform @ corner for corner in ((0, 0), (columns, 0), (0, rows), (columns, rows))]
    )
    degrees = bool((xy[:, 0] <= 540).all() and (xy[:, 1] <= 91).all())
    if not np.isfinite(xy).all():
        raise Refused("raster_no_place", "the corners of the raster are not finite", file=file)
    if system.is_geographic and not degrees:
        raise Refused(
            "crs_contradicted",
            f"the corners are outside the Earth, but {crs_name(system)} is in degrees", file=file,
            mend="State the right system with --crs.",
        )  # fmt: skip
    if system.is_projected and degrees and max(abs(transform.a), abs(transform.b)) < 1:
        raise Refused(
            "crs_contradicted", f"the corners are degrees, but {crs_name(system)} is in metres",
            file=file,
            mend="State the right system with --crs.",
        )  # fmt: skip


def _statistics(
    values: NDArray[np.floating], transform: Affine, classes: Mapping[int, str] | None, role: str
) -> dict[str, Any]:
    """Size, cells and values as they are in the file, before anything is resampled."""
    known = values[~np.isnan(values)]
    rows, columns = values.shape
    out: dict[str, Any] = {
        "size": [columns, rows],
        "rows": rows,
        "columns": columns,
        "cell_size": [
            float(np.hypot(transform.a, transform.d)),
            float(np.hypot(transform.b, transform.e)),
        ],
        "nodata_share": float(1 - known.size / values.size) if values.size else 1.0,
        "min": float(known.min()) if known.size else None,
        "max": float(known.max()) if known.size else None,
        "mean": float(known.mean(dtype=np.float64)) if known.size else None,
    }
    whole = known.size > 0 and bool((known == np.round(known)).all())
    if role == "landcover" and whole:
        numbers, counts = np.unique(known, return_counts=True)
        if numbers.size <= _CLASSES:
            out["classes"] = {str(int(n)): int(k) for n, k in zip(numbers, counts, strict=True)}
            out["class_names"] = {str(k): v for k, v in (classes or {}).items()}
    return out


def raster_problems(
    raster: Raster, role: str, file: str, declared: Mapping[str, Any]
) -> list[Problem]:
    """Values that a raster of this role cannot have."""
    low, high = declared["min"], declared["max"]
    out = []

    def say(code: str, message: str, value: object) -> None:
        out.append(problem(code, message, file=file, layer=role, value=str(value)))

    if low is None or high is None:
        say("raster_empty", "Every cell of the raster is missing.", "")
        return out
    if low == high and raster.values.size > 1:
        say("raster_constant", f"Every cell has the value {low:g}.", low)
    nodata = declared.get("nodata")
    if role != "landcover" and nodata and low < nodata < high and declared["nodata_share"] > 0:
        say(
            "raster_values",
            f"The value declared as missing, {nodata:g}, is among the others.",
            f"{nodata:g}",
        )
    if swapped_home(raster):
        out.append(
            problem(
                "crs_axis_order",
                "The raster has latitude where longitude should be.",
                file=file,
                layer=role,
            )
        )
    for code, message, value in _WRONG.get(role, _nothing)(raster, low, high, declared):
        say(code, message, value)
    return out


def swapped_home(raster: Raster) -> bool:
    """Whether a raster is in the Arctic Ocean, but in the study region once its axes are exchanged.

    The region is that of the embedded study.
    """
    west, south, east, north = raster.lonlat_bounds
    home_west, home_south, home_east, home_north = HOME
    return home_south <= west < east <= home_north and home_west <= south < north <= home_east


Wrong = list[tuple[str, str, object]]


def _nothing(_raster: Raster, _low: float, _high: float, _declared: Mapping[str, Any]) -> Wrong:
    return []


def _wrong_heights(raster: Raster, low: float, high: float, declared: Mapping[str, Any]) -> Wrong:
    """Find heights that are feet, or that no place on Earth has."""
    if str(declared.get("unit", "")).casefold() in {
        "ft",
        "foot",
        "feet",
        "us survey foot",
        "us-ft",
    }:
        return [
            (
                "unit_suspected",
                "The file says that its heights are feet; metres are wanted.",
                declared["unit"],
            )
        ]
    if 9000 < high <= 29_100 and low >= -1500:
        text = f"The highest cell is {high:g}; no land is so high in metres, so these may be feet."
        return [("unit_suspected", text, high)]
    if high > 9000 or low < -12_000:
        return [
            ("raster_values", f"Elevations run from {low:g} to {high:g} m.", f"{low:g} to {high:g}")
        ]
    with np.errstate(invalid="ignore"):
        deep = float((raster.values < -500).mean())
    if 0 < deep < 0.01:
        return [
            (
                "raster_values",
                f"A few cells are as low as {low:g} m; no land is below -430 m.",
                f"{low:g}",
            )
        ]
    if declared.get("dtype") == "uint8" and high - low > 200:
        return [
            (
                "raster_values",
                "The cells are bytes from end to end, as in a picture; heights are wanted.",
                high,
            )
        ]
    return []


def _wrong_ndvi(_raster: Raster, low: float, high: float, _declared: Mapping[str, Any]) -> Wrong:
    """Find values beyond -1 to 1."""
    if low >= -1.001 and high <= 1.001:
        return []
    scaled = "; they look like NDVI times 10,000" if max(abs(low), abs(high)) > 100 else ""
    text = f"NDVI runs from {low:g} to {high:g}, beyond -1 to 1{scaled}."
    return [("raster_values", text, f"{low:g} to {high:g}")]


def _wrong_classes(raster: Raster, _low: float, _high: float, declared: Mapping[str, Any]) -> Wrong:
    """Find values that are no classes, or classes without a name."""
    if "classes" not in declared:
        return [
            (
                "raster_classes",
                "The cells are not whole numbers, or there are more than 256 of them.",
                "",
            )
        ]
    unknown = sorted(
        int(c) for c in declared["classes"] if raster.classes and int(c) not in raster.classes
    )
    text = f"Classes without a name: {', '.join(map(str, unknown[:20]))}."
    return [("raster_classes", text, unknown[0])] if unknown else []


def plausible_kmh(friction: Raster, unit: str) -> tuple[float, bool]:
    """Speed in the middle cell of a friction with a unit, and whether people could move so."""
    middle = float(np.nanmedian(friction.values)) if np.isfinite(friction.values).any() else np.nan
    kmh = 3.6 / (middle * (seconds_per_metre(unit) or np.nan))
    return kmh, _SLOWEST_KMH <= kmh <= _FASTEST_KMH


def _wrong_friction(
    raster: Raster, _low: float, _high: float, declared: Mapping[str, Any]
) -> Wrong:
    """Find a unit that is not stated, or with which nobody could walk or drive."""
    if seconds_per_metre(declared["unit"]) is None:
        text = "The unit of the friction is not stated."
        return [("friction_unit", text, declared["unit"])]
    kmh, plausible = plausible_kmh(raster, declared["unit"])
    if plausible:
        return []
    text = (
        f"Half of the cells are crossed at {kmh:.3g} km/h or faster; is {declared['unit']} right?"
    )
    return [("friction_unit", text, f"{kmh:.3g} km/h")]


_WRONG: Final = {"dem": _wrong_heights, "ndvi": _wrong_ndvi, "landcover": _wrong_classes,
                 "friction": _wrong_friction}  # fmt: skip
"""Role of a raster to what looks for values it cannot have."""
