"""Primitives on the WGS84 ellipsoid: areas, discs, inverse geodesics, distances to edges.

Arrays in, arrays out.

Edges of polygons are straight in longitude/latitude, as every GIS draws them (a county border along
a parallel follows the parallel). Areas are integrated along exactly those edges, so nothing needs
densifying to be measured.
"""

from __future__ import annotations

from geosettle.geodesy.edges import edge_distance_m, shortest_m
from geosettle.geodesy.ellipsoid import (
    FLATTENING,
    GEOD,
    SEMI_MAJOR_M,
    FloatArray,
    arc_bound_m,
    area_m2,
    authalic_q,
    cell_areas_m2,
    disc,
    inverse,
    require_lonlat,
    to_xyz,
)

__all__ = [
    "FLATTENING",
    "GEOD",
    "SEMI_MAJOR_M",
    "FloatArray",
    "arc_bound_m",
    "area_m2",
    "authalic_q",
    "cell_areas_m2",
    "disc",
    "edge_distance_m",
    "inverse",
    "require_lonlat",
    "shortest_m",
    "to_xyz",
]
