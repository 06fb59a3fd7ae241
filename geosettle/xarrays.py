"""Grids to and from xarray's arrays, by the conventions of rioxarray and CF.

The optional package xarray is needed: `pip install "geosettle[xarray]"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geosettle.crs import crs_name, parse_crs
from geosettle.errors import CrsError, InputError

if TYPE_CHECKING:
    import xarray as xr

_AXES: Final = (("y", "x"), ("lat", "lon"), ("latitude", "longitude"))
_EVEN: Final = 1e-3
"""By how much of a step the steps between coordinates may differ."""


def data_array(
    values: NDArray[np.floating], transform: Affine, crs: str, about: Mapping[str, Any]
) -> xr.DataArray:
    """Return a grid as a DataArray; `about` are its attributes, empty ones left out.

    Raises
    ------
    InputError
        xarray is not installed, or the grid is rotated.
    """
    try:
        import xarray as xr  # noqa: PLC0415  (an extra)
    except ImportError:
        raise InputError(
            "a DataArray needs the package xarray", mend='Run: pip install "geosettle[xarray]"'
        ) from None
    t = transform
    if t.b or t.d:
        raise InputError("a rotated raster has no coordinates along its axes")
    rows, columns = values.shape
    system = parse_crs(crs)
    wkt = system.to_wkt()
    mapping = {
        **system.to_cf(), "crs_wkt": wkt, "spatial_ref": wkt,
        "GeoTransform": " ".join(repr(float(v)) for v in (t.c, t.a, t.b, t.f, t.d, t.e)),
    }  # fmt: skip
    array = xr.DataArray(
        values,
        dims=("y", "x"),
        coords={
            "y": t.f + t.e * (np.arange(rows) + 0.5),
            "x": t.c + t.a * (np.arange(columns) + 0.5),
            "spatial_ref": ((), 0, mapping),
        },
        attrs={name: value for name, value in about.items() if len(value)},
    )
    array.encoding = {"grid_mapping": "spatial_ref", "_FillValue": np.nan}
    return array


def from_data_array(array: xr.DataArray) -> tuple[NDArray[np.floating], Affine, str]:
    """Return values, north-up, their transform and the system that a DataArray states.

    Raises
    ------
    InputError
        It has several bands, other dimensions, or is not evenly spaced.
    CrsError
        It states no coordinate reference system.
    """
    axes = next((pair for pair in _AXES if set(pair) <= set(array.dims)), None)
    others = [name for name in array.dims if axes is None or name not in axes]
    if axes is None or any(array.sizes[name] > 1 for name in others):
        raise InputError(
            "the array is not one band over y and x", value=dict(array.sizes),
            mend="Choose one band, such as array.sel(band=1).",
        )  # fmt: skip
    array = array.squeeze(others, drop=True).transpose(*axes)
    mapping = _grid_mapping(array)
    system = mapping.get("crs_wkt") or mapping.get("spatial_ref")
    if not system:
        raise CrsError(
            "the array states no coordinate reference system",
            mend='Write it with rioxarray: array.rio.write_crs("EPSG:...").',
        )
    stated = [float(v) for v in str(mapping.get("GeoTransform", "")).split()]
    top, tall, down = _axis(array, axes[0], stated[5] if len(stated) == 6 else None)
    left, wide, across = _axis(array, axes[1], stated[1] if len(stated) == 6 else None)
    values = _values(array)[:: -1 if tall > 0 else 1, :: -1 if wide < 0 else 1]
    transform = Affine(abs(wide), 0, min(left, across), 0, -abs(tall), max(top, down))
    return np.ascontiguousarray(values), transform, crs_name(parse_crs(system))


def _grid_mapping(array: xr.DataArray) -> Mapping[str, Any]:
    """Attributes of the coordinate that states the system."""
    name = array.encoding.get("grid_mapping") or array.attrs.get("grid_mapping") or "spatial_ref"
    return dict(array.coords[name].attrs) if name in array.coords else {}


def _axis(array: xr.DataArray, name: str, stated: float | None) -> tuple[float, float, float]:
    """Return the outer edge where an axis begins, its step, and the edge where it ends."""
    if name not in array.coords:
        raise InputError(f"the array has no coordinates {name}")
    centres = np.asarray(array.coords[name].values, dtype=np.float64)
    steps = np.diff(centres)
    if not len(steps) and not stated:
        raise InputError(f"one cell along {name} does not say how wide it is")
    step = float((centres[-1] - centres[0]) / len(steps)) if len(steps) else float(stated or 0)
    if not step or (np.abs(steps - step) > _EVEN * abs(step)).any():
        raise InputError(f"the coordinates {name} are not evenly spaced")
    return float(centres[0]) - step / 2, step, float(centres[-1]) + step / 2


def _values(array: xr.DataArray) -> NDArray[np.floating]:
    """Values as they are meant, missing as NaN."""
    values = np.asarray(array.values)
    kind = values.dtype if np.issubdtype(values.dtype, np.floating) else np.dtype(np.float64)
    result: NDArray[np.floating] = values.astype(kind)
    for name in ("_FillValue", "missing_value"):
        for missing in np.atleast_1d(array.attrs.get(name, [])):
            if not (missing == np.inf and array.attrs.get("units") == "h"):  # hours: no way
                result[values == missing] = np.nan
    scale, offset = (
        float(array.attrs.get(n, d)) for n, d in (("scale_factor", 1), ("add_offset", 0))
    )
    return result if (scale, offset) == (1, 0) else result * scale + offset
