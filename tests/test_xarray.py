"""Rasters and DataArrays, each way compared with rioxarray's own reading of the same file."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geosettle.errors import CrsError, InputError
from geosettle.io import cog_bytes, read_layer
from geosettle.raster import Raster

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    rioxarray = pytest.importorskip("rioxarray")

# rioxarray multiplies affine transforms with *, which affine 3 announces the end of.
pytestmark = pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning")

UTM = Raster(
    np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]], dtype=np.float32),
    Affine(90, 0, 500_000, 0, -30, 4_000_000), "EPSG:32643", unit="m", source="invented",
    kind="measurements", product="slope 1",
)  # fmt: skip
DEGREES = replace(
    UTM, crs="EPSG:4326", transform=Affine(0.5, 0, 76, 0, -0.25, 40), unit="class", kind="classes",
    classes={1: "bare ground", 3: "water"},
)  # fmt: skip


def written(raster: Raster, folder: Path) -> Path:
    path = folder / "dem.tif"
    path.write_bytes(cog_bytes(raster, {}))
    return path


@pytest.mark.parametrize("raster", [UTM, DEGREES])
def test_rioxarray_reads_of_the_array_what_it_reads_of_the_file(
    raster: Raster, tmp_path: Path
) -> None:
    ours = raster.to_xarray()
    with rioxarray.open_rasterio(written(raster, tmp_path), masked=True) as opened:
        theirs = opened.squeeze("band", drop=True)
        assert ours.rio.crs == theirs.rio.crs
        assert ours.rio.transform() == theirs.rio.transform() == raster.transform
        assert ours.rio.transform(recalc=True) == raster.transform
        assert ours.rio.bounds() == theirs.rio.bounds()
        assert ours.rio.resolution() == theirs.rio.resolution()
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-14)
        np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-14)
    assert ours.dims == ("y", "x")
    assert ours.dtype == raster.values.dtype
    assert np.isnan(ours.rio.nodata if ours.rio.nodata is not None else ours.rio.encoded_nodata)
    ours.rio.to_raster(tmp_path / "back.tif")
    with rasterio.open(tmp_path / "back.tif") as back:
        assert (back.crs.to_epsg(), back.transform) == (int(raster.crs[5:]), raster.transform)


@pytest.mark.parametrize("raster", [UTM, DEGREES])
def test_there_and_back(raster: Raster) -> None:
    back = Raster.from_xarray(raster.to_xarray())
    np.testing.assert_array_equal(back.values, raster.values)
    np.testing.assert_allclose(back.transform, raster.transform, rtol=1e-14)
    for name in ("crs", "unit", "classes", "source", "kind", "product"):
        assert getattr(back, name) == getattr(raster, name), name


@pytest.mark.parametrize("masked", [True, False])
def test_a_file_opened_by_rioxarray_is_the_raster_that_we_read(
    tmp_path: Path, *, masked: bool
) -> None:
    """Whole numbers with a value for missing, as elevation models have them."""
    path = tmp_path / "dem.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=3, height=2, count=1, dtype="int16", nodata=-32768,
        crs=32643, transform=UTM.transform,
    ) as file:  # fmt: skip
        file.write(np.array([[100, -32768, 300], [400, 500, 600]], dtype=np.int16), 1)
    with rioxarray.open_rasterio(path, masked=masked) as opened:
        found = Raster.from_xarray(opened)
        part = Raster.from_xarray(opened.isel(x=slice(1, 3)))  # its GeoTransform is the whole's
        upside_down = Raster.from_xarray(opened.isel(y=slice(None, None, -1)))
    expected = read_layer(path, "dem")
    np.testing.assert_array_equal(found.values, expected.values)
    assert np.isnan(found.values[0, 1])
    assert (found.transform, found.crs) == (expected.transform, expected.crs)
    assert part.transform == Affine(90, 0, 500_090, 0, -30, 4_000_000)
    assert upside_down.transform == expected.transform
    np.testing.assert_array_equal(upside_down.values, expected.values)


def test_hours_without_a_way_stay_infinite(tmp_path: Path) -> None:
    time = replace(UTM, values=np.array([[1.0, np.inf, 2.0], [np.nan, 3.0, 4.0]]), unit="h")
    with rioxarray.open_rasterio(written(time, tmp_path)) as opened:
        np.testing.assert_array_equal(Raster.from_xarray(opened).values, time.values)


def test_scaled_values_are_those_meant() -> None:
    array = UTM.to_xarray()
    array.attrs |= {"scale_factor": 0.1, "add_offset": -5.0, "_FillValue": 6.0}
    np.testing.assert_allclose(
        Raster.from_xarray(array).values, [[-4.9, np.nan, -4.7], [-4.6, -4.5, np.nan]], rtol=1e-6
    )


def test_what_is_no_raster_is_refused() -> None:
    array = UTM.to_xarray()
    with pytest.raises(CrsError, match="write_crs"):
        Raster.from_xarray(array.drop_vars("spatial_ref"))
    with pytest.raises(InputError, match="one band"):
        Raster.from_xarray(array.expand_dims(band=2))
    with pytest.raises(InputError, match="one band"):
        Raster.from_xarray(array.rename(x="column"))
    with pytest.raises(InputError, match="evenly"):
        Raster.from_xarray(array.assign_coords(x=[0.0, 1.0, 5.0]))
    one = Raster.from_xarray(array.isel(x=slice(0, 1)))
    assert one.transform == UTM.transform
    array.spatial_ref.attrs.pop("GeoTransform")
    with pytest.raises(InputError, match="how wide"):
        Raster.from_xarray(array.isel(x=slice(0, 1)))
    with pytest.raises(InputError, match="rotated"):
        replace(UTM, transform=Affine(1, 1, 0, 1, -1, 0)).to_xarray()


def test_without_xarray_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['xarray'] = None\n"
        "import numpy as np, geosettle as gs; from affine import Affine\n"
        "from geosettle.raster import Raster\n"
        "try: Raster(np.zeros((1, 1)), Affine(1, 0, 0, 0, -1, 0)).to_xarray()\n"
        "except gs.errors.InputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "geosettle[xarray]"' in done.stdout
