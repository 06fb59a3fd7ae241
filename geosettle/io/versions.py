"""Versions of the libraries underneath, for the manifest."""

from __future__ import annotations

import pyogrio
import pyproj
import rasterio
import shapely


def native_versions() -> dict[str, str]:
    """Give the versions of GDAL, PROJ and GEOS that files and geometries go through.

    Vectors are read by one copy of GDAL, rasters by another; coordinates are converted by one copy
    of PROJ, the systems of rasters are read by another.

    Examples
    --------
    >>> sorted(native_versions())
    ['GDAL', 'GDAL of rasterio', 'GEOS', 'PROJ', 'PROJ of rasterio']
    """
    return {
        "GDAL": str(pyogrio.__gdal_version_string__),
        "GDAL of rasterio": str(rasterio.__gdal_version__),
        "PROJ of rasterio": str(rasterio.__proj_version__),
        "GEOS": str(shapely.geos_version_string),
        "PROJ": str(pyproj.proj_version_str),
    }
