"""Versions of the libraries underneath, for the manifest."""

from __future__ import annotations

import pyogrio
import pyproj
import shapely


def native_versions() -> dict[str, str]:
    """Give the versions of GDAL, PROJ and GEOS that files and geometries go through.

    Examples
    --------
    >>> sorted(native_versions())
    ['GDAL', 'GEOS', 'PROJ']
    """
    return {
        "GDAL": str(pyogrio.__gdal_version_string__),
        "GEOS": str(shapely.geos_version_string),
        "PROJ": str(pyproj.proj_version_str),
    }
