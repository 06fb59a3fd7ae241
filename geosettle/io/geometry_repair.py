"""Geometries as they were drawn, brought into the forms the layers take; the rest is reported.

Everything here works on longitude/latitude. Mending is allowed only where it leaves the area as it
was.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.crs import within_180
from geosettle.geodesy import area_m2
from geosettle.io.source import only
from geosettle.layers import LayerSpec
from geosettle.problems import Problem, problem

Geometries = NDArray[Any]

_DIMENSION: Final = {
    0: "point",
    4: "point",
    1: "line",
    2: "line",
    5: "line",
    3: "polygon",
    6: "polygon",
}
_AREA_CHANGE: Final = 1e-3
"""Share of its area that mending an outline may change."""
_NOT_TINY_DEG2: Final = 1e-6
"""An area that is larger in square degrees has more than 1 m², but for the last 500 m to a pole."""


def mend(geometry: Geometries, spec: LayerSpec) -> tuple[Geometries, list[Problem]]:
    """Geometries flat, single where they can be, within ±180 degrees and valid; and what was found.

    Parameters
    ----------
    geometry
        Shapely geometries or None.
    spec
        The layer, which says the types it takes.
    """
    out = geometry.copy()
    problems: list[Problem] = []
    present = np.flatnonzero(~shapely.is_missing(out))
    has_z = present[shapely.has_z(out[present]) | shapely.has_m(out[present])]
    if has_z.size:
        problems.append(
            problem(
                "geometry_dropped_z", f"{has_z.size} feature(s) carry heights, which are not used."
            )
        )
        out[has_z] = shapely.force_2d(out[has_z])
    points = only(out, (shapely.get_type_id(out) == 0) & ~shapely.is_empty(out))
    plain = np.isfinite(shapely.get_x(points) + shapely.get_y(points)) & (
        "point" in spec.geometries
    )
    for i in present[~plain[present]]:
        out[i], stated = _one(out[i], spec)
        problems += [
            problem(code, text, row=int(i) + 1, value=value) for code, text, value in stated
        ]
    return out, problems


def _one(shape: Any, spec: LayerSpec) -> tuple[Any, list[tuple[str, str, str]]]:  # noqa: PLR0911  (one way out for each kind of geometry)
    """One geometry, mended, with (code, sentence, value) of what was found."""
    name = shape.geom_type
    if shape.is_empty:
        return shape, [("geometry_empty", "", name)]
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return shape, [("geometry_not_finite", "", name)]
    shape, stated = _single(shape)
    kind = _DIMENSION.get(int(shapely.get_type_id(shape)), "mixed")
    if kind == "mixed":
        return shape, [*stated, ("geometry_mixed", "", name)]
    if kind not in spec.geometries:
        takes = " or ".join(g for g in spec.geometries if g not in {"none", "raster"})
        return shape, [*stated, ("geometry_type", f"{spec.name} takes {takes}, not {name}.", name)]
    if kind == "point":
        return shape, stated
    drawn, shape = shape, within_180(np.array([shape], dtype=object))[0]
    stated += [] if shape is drawn else [("antimeridian", "", "")]
    if kind == "line":
        return shape, stated + (
            [] if shape.length > 0 else [("geometry_empty", "The line has no length.", name)]
        )
    return _valid(shape, stated)


def _single(shape: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    """Open collections.

    One member is returned by itself, members of one kind become a multi-geometry.
    """
    if shape.geom_type == "GeometryCollection":
        parts = [p for p in _leaves(shape) if not p.is_empty]
        kinds = {_DIMENSION.get(int(shapely.get_type_id(p)), "mixed") for p in parts}
        if len(kinds) > 1 or not parts:
            return shape, []
        parts = [leaf for p in parts for leaf in shapely.get_parts(p)]
        many = {
            "point": shapely.multipoints,
            "line": shapely.multilinestrings,
            "polygon": shapely.multipolygons,
        }
        maker = many.get(kinds.pop())
        if maker is None:
            return shape, []
        shape = maker(parts)
    if shape.geom_type == "MultiPoint":
        unique = np.unique(shapely.get_coordinates(shape), axis=0)
        if len(unique) == 1:
            return shapely.Point(unique[0]), []
        text = f"The row has {len(unique)} points; their centre is used."
        return shape.centroid, [("multipoint_centre", text, f"{len(unique)} points")]
    if (
        shape.geom_type in {"MultiPolygon", "MultiLineString"}
        and shapely.get_num_geometries(shape) == 1
    ):
        return shapely.get_geometry(shape, 0), []
    return shape, []


def _leaves(shape: Any) -> list[Any]:
    if shape.geom_type != "GeometryCollection":
        return [shape]
    return [leaf for part in shapely.get_parts(shape) for leaf in _leaves(part)]


def _valid(
    shape: Any, stated: list[tuple[str, str, str]]
) -> tuple[Any, list[tuple[str, str, str]]]:
    """Return a valid outline; mended if that leaves its area, and refused otherwise."""
    if shapely.is_valid(shape):
        if shape.area > _NOT_TINY_DEG2:
            return shape, stated
        area = float(area_m2([shape])[0])
        tiny = [("geometry_tiny", f"The area is {area:.3g} m².", f"{area:.3g}")] if area < 1 else []
        return shape, stated + tiny
    reason = str(shapely.is_valid_reason(shape))
    mended = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    before, after = float(area_m2([shape])[0]), float(area_m2([mended])[0])
    if after <= 0 or mended.is_empty:
        return shape, [
            *stated,
            (
                "geometry_invalid",
                f"The outline is invalid ({reason}) and encloses nothing.",
                reason,
            ),
        ]
    change = abs(after - before) / max(after, before)
    if change > _AREA_CHANGE:
        text = (
            f"The outline is invalid ({reason}); mending it would change its area by {change:.1%}."
        )
        return shape, [*stated, ("geometry_invalid", text, reason)]
    text = f"The outline was invalid ({reason}) and was mended; its area changed by {change:.2%}."
    return _single(mended)[0], [*stated, ("geometry_mended", text, reason)]
