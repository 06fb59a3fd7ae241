"""What a table is: role scores, columns, what is not used, totals; from one read of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import shapely

from geosettle.io.archives import dataset_names
from geosettle.io.column_names import columns_of, find_columns
from geosettle.io.companions import position_column
from geosettle.io.formats import kind_of, open_source
from geosettle.io.source import Options, Source
from geosettle.io.validation import Checked, understand
from geosettle.io.vectors import layer_names
from geosettle.io.workbooks import read_sheets
from geosettle.layers import LAYERS, plain_name


@dataclass(frozen=True, eq=False)
class Description:
    """One table and what it is taken for.

    Parameters
    ----------
    source
        The table as read.
    scores
        Role to how well the table fits it, best first; 0 and less where it cannot be that role.
    role
        The best of them, or the one asked for; None if none fits.
    columns
        Column of that role to header.
    unused
        Headers that no column of the role takes.
    totals
        `rows`, `rows_used`, `with_position`, and the sums of `households` and `persons` where
        known.
    checked
        The table read as that role; None if it has none.
    """

    source: Source
    scores: Mapping[str, float]
    role: str | None
    columns: Mapping[str, str]
    unused: tuple[str, ...]
    totals: Mapping[str, float]
    checked: Checked | None


def every_name() -> frozenset[str]:
    """Plain names that a header of any layer may have."""
    columns = [c for spec in LAYERS.values() for c in columns_of(spec)]
    return frozenset(plain_name(n) for c in columns for n in (c.name, *c.aliases))


def tables_of(path: Path, options: Options | None = None) -> list[Source]:
    """Every table of a file: visible sheets of a workbook, layers, datasets of an archive.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    stated, kind = options or Options(), kind_of(path)
    names = every_name()

    def one(layer: str | None) -> Source:
        return open_source(
            path, role=None, names=names, encoding=stated.encoding, layer=layer, sheet=stated.sheet,
            header_row=stated.header_row,
        )  # fmt: skip

    if kind == "workbook" and stated.sheet is None and stated.header_row is None:
        return read_sheets(path.read_bytes(), path.name, names=names)
    if stated.layer is None and kind in {"geopackage", "filegdb"}:
        own = [n for n in layer_names(path) if n not in {"layer_styles", "geosettle_metadata"}]
        return [one(name) for name in own]
    if stated.layer is None and kind == "archive":
        return [one(name) for name in dataset_names(path.read_bytes(), path.name)]
    return [one(stated.layer)]


def role_scores(source: Source, mapping: Mapping[str, str] | None = None) -> dict[str, float]:
    """Score every layer of rows: required columns found, own names among them, a position.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"origin_id": ["a"], "site_id": ["b"], "households": [3]})
    >>> next(iter(role_scores(Source(cells, "f.csv", "CSV"))))
    'flows'
    """
    headers = [str(c) for c in source.cells.columns]
    drawn = source.geometry is not None or position_column(source, {}) is not None
    kinds = set()
    if source.geometry is not None:
        kinds = {int(d) for d in shapely.get_dimensions(source.geometry) if d >= 0}
    scores: dict[str, float] = {}
    for name, spec in LAYERS.items():
        if spec.geometries == ("raster",):
            continue
        found, _, _ = find_columns(headers, spec, mapping)
        own = sum(plain_name(found[c.name]) == c.name for c in spec.columns if c.name in found)
        # A missing identifier, name or level can be proposed or given as a constant; the rest not.
        needed = [c.name for c in spec.columns if c.required]
        given = {spec.key[0], "name", "level"} if len(spec.key) == 1 else set()
        missing = [c for c in needed if c not in found]
        placed = drawn or {"lon", "lat"} <= found.keys() or "wkt" in found or "position" in found
        fits = (placed or "none" in spec.geometries) and all(c in given for c in missing)
        shapes = {"point": 0, "line": 1, "polygon": 2}
        if not needed and not kinds:
            fits = {"a", "b", "length_km"} <= found.keys()
        if kinds and not kinds & {shapes[g] for g in spec.geometries if g in shapes}:
            fits = False
        share = 1 - len(missing) / max(1, len(needed)) if needed else 0.25
        known = sum(c.name in found for c in spec.columns)
        # What has positions is a layer of places rather than a list of moves.
        score = 10 * share + own + 0.5 * known - 2.0 * (placed and spec.geometries == ("none",))
        scores[name] = round(score, 3) if fits else round(min(0.0, share - 1), 3)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def describe(
    source: Source, role: str | None = None, options: Options | None = None
) -> Description:
    """Say what a table is, or what it gives as the role asked for; nothing is read again."""
    stated = options or Options()
    scores = role_scores(source, stated.columns)
    best = next(iter(scores), None)
    chosen = role or (best if best is not None and scores[best] > 0 else None)
    if chosen is None:
        headers = tuple(str(c) for c in source.cells.columns)
        return Description(source, scores, None, {}, headers, {"rows": len(source.cells)}, None)
    checked = understand(source, chosen, stated)
    frame = checked.frame
    totals: dict[str, float] = {"rows": checked.rows_in, "rows_used": len(frame)}
    if isinstance(frame, gpd.GeoDataFrame):
        totals["with_position"] = int(frame.geometry.notna().sum())
    for column in ("households", "persons"):
        if column in frame and frame[column].notna().any():
            totals[column] = float(frame[column].sum())
    found, _, _ = find_columns(
        [str(c) for c in source.cells.columns], LAYERS[chosen], stated.columns
    )
    unused = tuple(str(c) for c in source.cells.columns if str(c) not in found.values())
    return Description(source, scores, chosen, found, unused, totals, checked)
