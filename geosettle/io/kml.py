"""KML placemarks of every folder. Links to other files are never followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
import pandas as pd
import shapely
from defusedxml import DefusedXmlException

from geosettle.crs import parse_crs
from geosettle.io.nesting import DEEPEST, NESTED
from geosettle.io.source import Refused, Source
from geosettle.problems import Problem, problem

_DEPTH: Final = 200
_SHAPES: Final = frozenset({"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry"})


def read_kml(data: bytes, file: str, *, layer: str | None = None) -> Source:
    """Placemarks of a KML document, with their folder as the column `folder`.

    Or those of one folder only.

    Raises
    ------
    Refused
        Not KML, or it declares entities.
    """
    try:
        data = _as_utf8(data)
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Refused(
            "file_refused", "the XML declares entities, which are not expanded", file=file
        ) from error
    except (ParseError, ValueError, RecursionError, LookupError) as error:
        raise Refused("file_unreadable", f"this is not valid XML ({error})", file=file) from error
    if _tag(root) != "kml" and not any(
        _tag(e) in {"Placemark", "Document", "Folder"} for e in root.iter()
    ):
        raise Refused(
            "file_unreadable", f"this is XML but not KML (<{_tag(root)[:40]}>)", file=file
        )
    rows, geometries, problems = [], [], list[Problem]()
    marks = list(_placemarks(root, file))
    if layer is not None:
        every = sorted({folder for _, folder in marks if folder})
        marks = [(mark, folder) for mark, folder in marks if layer in {folder, *folder.split("/")}]
        if not marks:
            mend = f"It has: {', '.join(every[:20])}." if every else "Leave --layer out."
            raise Refused("layer_unclear", f"there is no folder {layer!r}", file=file, mend=mend)
    for number, (mark, folder) in enumerate(marks, 1):
        rows.append({"folder": folder or None, **_fields(mark)})
        shape, what = _geometry(mark)
        geometries.append(shape)
        if what:
            problems.append(problem("geometry_unreadable", f"{what}.", row=number, value=what))
    if any(_tag(e) == "NetworkLink" for e in root.iter()):
        problems.append(
            problem("link_not_followed", "The file links to another one, which is not opened.")
        )
    columns = list(dict.fromkeys(k for row in rows for k in row))
    cells = pd.DataFrame(
        {c: pd.Series([r.get(c) for r in rows], dtype=object) for c in columns},
        index=range(len(rows)),
    )
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = geometries
    return Source(
        cells, file, "KML", geometry=shapes, crs=parse_crs(4326), problems=tuple(problems)
    )


def _as_utf8(data: bytes) -> bytes:
    """Return XML in UTF-8 if it declares an encoding of several bytes a letter.

    The parser does not know such encodings.
    """
    declared = re.match(
        rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""", data[:200]
    )
    name = declared[1].decode().casefold() if declared else ""
    if declared is None or name not in {"gbk", "gb2312", "gb18030", "big5", "euc-kr", "shift_jis"}:
        return data
    wide = {"gbk": "gb18030", "gb2312": "gb18030"}.get(name, name)
    return data[declared.end() :].decode(wide).encode()


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _placemarks(root: Element, file: str) -> Iterator[tuple[Element, str]]:
    """Every placemark in document order with the path of folders it stands in."""
    stack: list[tuple[Element, tuple[str, ...]]] = [(root, ())]
    while stack:
        element, path = stack.pop()
        if len(path) > _DEPTH:
            raise Refused("file_refused", f"folders are nested more than {_DEPTH} deep", file=file)
        if _tag(element) == "Placemark":
            yield element, "/".join(p for p in path if p)
            continue
        here = path
        if _tag(element) in {"Folder", "Document"}:
            here = (*path, _text(element, "name") if _tag(element) == "Folder" else "")
        stack += [(child, here) for child in reversed(list(element))]


def _text(element: Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _tag(child) == name), "")


def _fields(mark: Element) -> dict[str, str | None]:
    """Name, description and extended data of a placemark.

    Its own data have priority over the general ones.
    """
    out: dict[str, str | None] = {}
    if mark.get("id"):
        out["id"] = mark.get("id")
    for name in ("name", "description"):
        if _text(mark, name):
            out[name] = _text(mark, name)
    for element in mark.iter():
        if _tag(element) == "SimpleData":
            out[element.get("name", "")] = (element.text or "").strip() or None
        elif _tag(element) == "Data":
            out[element.get("name", "")] = _text(element, "value") or None
    return out


def _geometry(mark: Element) -> tuple[Any, str]:
    """Geometry of a placemark, and what is wrong with it."""
    shapes = [child for child in mark if _tag(child) in _SHAPES]
    other = [_tag(c) for c in mark if _tag(c) in {"Track", "MultiTrack", "Model"}]
    if not shapes:
        return None, f"A {other[0]} is no place" if other else ""
    try:
        parts = [_shape(s) for s in shapes]
    except (ValueError, TypeError, shapely.errors.GEOSException) as error:
        return None, str(error).splitlines()[0][:100]
    return (parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts)), ""


def _shape(element: Element, depth: int = 0) -> Any:
    kind = _tag(element)
    if depth > DEEPEST:
        raise ValueError(NESTED)
    if kind == "MultiGeometry":
        inner = [_shape(c, depth + 1) for c in element if _tag(c) in _SHAPES]
        return shapely.GeometryCollection(inner)
    if kind == "Polygon":
        rings = {"outerBoundaryIs": list[Any](), "innerBoundaryIs": list[Any]()}
        for side in element:
            if _tag(side) in rings:
                rings[_tag(side)] += [_coordinates(r) for r in side if _tag(r) == "LinearRing"]
        if len(rings["outerBoundaryIs"]) != 1:
            raise ValueError("A polygon has not exactly one outer ring")
        return shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"])
    points = _coordinates(element)
    if kind == "Point":
        if len(points) != 1:
            raise ValueError("A point has not exactly one coordinate")
        return shapely.Point(points[0])
    return shapely.LineString(points)


def _coordinates(element: Element) -> Any:
    """Longitude and latitude of every tuple; heights are left out."""
    text = next((c.text or "" for c in element if _tag(c) == "coordinates"), "")
    # Some programs write "76.1, 39.2" with a space after the comma, which the standard does not
    # allow.
    tuples = re.sub(r"\s*,\s*", ",", text.strip()).split()
    return np.array([[float(v) for v in t.split(",")[:2]] for t in tuples], dtype=np.float64)
