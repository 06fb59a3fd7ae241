"""GPX waypoints as rows; routes and tracks as lines where lines are wanted."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
import pandas as pd
import shapely
from defusedxml import DefusedXmlException

from geosettle.crs import parse_crs
from geosettle.io.source import Refused, Source
from geosettle.problems import problem


def read_gpx(data: bytes, file: str, *, lines: bool = False) -> Source:
    """Waypoints of a GPX file, or its routes and tracks.

    Parameters
    ----------
    data
        Bytes of the file.
    file
        Name for messages.
    lines
        Whether the layer takes lines, and no points.

    Raises
    ------
    Refused
        Not GPX, or it declares entities, or it holds nothing of that kind.
    """
    try:
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Refused(
            "file_refused", "the XML declares entities, which are not expanded", file=file
        ) from error
    except (ParseError, ValueError, RecursionError, LookupError) as error:
        raise Refused("file_unreadable", f"this is not valid XML ({error})", file=file) from error
    kinds = {"trk", "rte"} if lines else {"wpt"}
    marks = [e for e in root if _tag(e) in kinds]
    if _tag(root) != "gpx" or not marks:
        what = "routes or tracks" if lines else "waypoints"
        raise Refused("file_unreadable", f"the file holds no {what}", file=file)
    rows, shapes, problems = [], np.full(len(marks), None, dtype=object), []
    for i, mark in enumerate(marks):
        rows.append({_tag(e): (e.text or "").strip() or None for e in mark if not len(e)})
        try:
            shapes[i] = _lines(mark) if lines else shapely.Point(_place(mark))
        except (ValueError, KeyError, shapely.errors.GEOSException):
            problems.append(problem("geometry_unreadable", file=file, row=i + 1))
    columns = list(dict.fromkeys(k for row in rows for k in row))
    cells = pd.DataFrame(
        {c: pd.Series([r.get(c) for r in rows], dtype=object) for c in columns},
        index=range(len(rows)),
    )
    left = sorted({_tag(e) for e in root} & {"wpt", "trk", "rte"} - kinds)
    if left:
        text = f"The file holds {', '.join(left)} elements too, which are not read."
        problems.append(problem("reader_warning", text, severity="note", file=file))
    return Source(
        cells, file, "GPX", geometry=shapes, crs=parse_crs(4326), problems=tuple(problems)
    )


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _place(element: Element) -> tuple[float, float]:
    return float(element.attrib["lon"]), float(element.attrib["lat"])


def _lines(mark: Element) -> Any:
    parts = [e for e in mark if _tag(e) == "trkseg"] or [mark]
    runs = [[_place(p) for p in part if _tag(p) in {"trkpt", "rtept"}] for part in parts]
    return shapely.MultiLineString([run for run in runs if len(run) > 1])
