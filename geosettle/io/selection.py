"""Rows and columns of a source as the user wants them: a filter, constants, identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.crs import same_crs
from geosettle.errors import InputError
from geosettle.io.column_names import find_columns
from geosettle.io.numbers import clean, to_number, to_text
from geosettle.io.source import Options, Source
from geosettle.layers import LAYERS, LayerSpec, plain_name
from geosettle.problems import problem


def select(source: Source, options: Options) -> Source:
    """Rows that the user's filter keeps, with the columns that hold one value for all.

    Raises
    ------
    InputError
        A column of the filter does not exist, or no row is kept.
    """
    for name, wanted in options.where.items():
        source = _filtered(source, name, wanted)
    if not options.constants:
        return source
    cells = source.cells.copy()
    for name, value in options.constants.items():
        held = _header(cells, name) or name
        cells[held] = pd.Series([value] * len(cells), index=cells.index, dtype=object)
    return replace(source, cells=cells)


def _header(cells: pd.DataFrame, name: str) -> str | None:
    wanted = plain_name(name)
    return next((str(h) for h in cells.columns if plain_name(str(h)) == wanted), None)


def _filtered(source: Source, name: str, wanted: Any) -> Source:
    header = _header(source.cells, name)
    if header is None:
        listed = ", ".join(map(str, source.cells.columns))
        raise InputError(
            f"there is no column {name!r} to choose rows by",
            file=source.file,
            mend=f"It has: {listed[:300]}.",
        )
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    accepted = {clean(v).casefold() for v in values}
    texts = [clean(to_text(c) or "").casefold() for c in source.cells[header].tolist()]
    keep = np.array([t in accepted for t in texts], dtype=bool)
    if not keep.any():
        held = sorted({t for t in texts if t})
        raise InputError(
            f"no row has {' or '.join(map(repr, map(str, values)))} in {header!r}",
            file=source.file,
            mend=f"It holds: {', '.join(held[:12])}{' ...' if len(held) > 12 else ''}.",
        )  # fmt: skip
    rows = np.flatnonzero(keep)
    new = {int(old): i for i, old in enumerate(rows)}
    text = (
        f"{len(rows)} of {len(keep)} rows are those with {', '.join(map(str, values))} in "
        f"{header!r}."
    )
    problems = [
        replace(p, row=new[p.row - 1] + 1) if p.row else p
        for p in source.problems
        if not p.row or p.row - 1 in new
    ]
    return replace(
        source,
        cells=source.cells.iloc[rows].reset_index(drop=True),
        geometry=None if source.geometry is None else source.geometry[rows],
        lines=(rows + 2 if source.lines is None else source.lines[rows]).astype(np.int64),
        covered=frozenset((new[r], h) for r, h in source.covered if r in new),
        problems=(*problems, problem("rows_chosen", text, file=source.file)),
    )


def propose_ids(source: Source, spec: LayerSpec, mapping: Mapping[str, str]) -> Source:
    """Give rows an identifier where the file has none, and use the identifier as a name.

    It is their name where every row has its own, else the number of the row; the identifier is the
    name of rows without one.
    """
    key = spec.key[0] if len(spec.key) == 1 else ""
    if not key or not len(source.cells):
        return source
    found, _, absent = find_columns([str(c) for c in source.cells.columns], spec, mapping)
    if spec.name == "boundaries" and source.geometry is not None and not absent:
        source = _on_one_level(source, found)
    if key in found and "name" in found:
        source = _without_codes(source, spec, found[key], found["name"])
    needs_name = any(c.name == "name" and c.required for c in spec.columns)
    if absent or (key in found and ("name" in found or not needs_name)):
        return source
    if _of_other_layer(source, spec):
        return source
    placed = source.geometry is not None or {"lon", "lat"} <= found.keys() or "position" in found
    if key not in found and "name" not in found and not placed:
        return source
    cells, stated = source.cells.copy(), []
    if key not in found:
        names = [to_text(c) for c in cells[found["name"]]] if "name" in found else []
        if names and None not in names and len(set(names)) == len(names):
            cells[key] = pd.Series(names, index=cells.index, dtype=object)
            stated.append(problem("id_from_name", column=key, file=source.file))
        else:
            digits = len(str(len(cells)))
            made = [f"{spec.name[:1].upper()}{n:0{digits}d}" for n in range(1, len(cells) + 1)]
            cells[key] = pd.Series(made, index=cells.index, dtype=object)
            text = f"No column identifies a row; the rows were numbered {made[0]} to {made[-1]}."
            stated.append(problem("id_made", text, column=key, file=source.file))
    if needs_name and "name" not in found:
        cells["name"] = cells[found.get(key, key)]
        stated.append(problem("name_from_id", column="name", file=source.file))
    return replace(source, cells=cells, problems=(*source.problems, *stated))


_LEVEL: Final = "boundary"
"""Level of units whose file names none."""


def _on_one_level(source: Source, found: Mapping[str, str]) -> Source:
    """Put units on one level where the file names neither levels nor units above."""
    if "level" in found or "parent_code" in found:
        return source
    cells = source.cells.copy()
    cells["level"] = pd.Series([_LEVEL] * len(cells), index=cells.index, dtype=object)
    made = problem("level_made", column="level", file=source.file)
    return replace(source, cells=cells, problems=(*source.problems, made))


def _of_other_layer(source: Source, spec: LayerSpec) -> bool:
    """Whether a table has the key of another layer, and not that of this one: it is that layer."""
    keys = {s.key[0] for s in LAYERS.values() if len(s.key) == 1 and "_" in s.key[0]}
    others = keys - {c.name for c in spec.columns}
    return any(plain_name(str(h)) in others for h in source.cells.columns)


_NO_CODE: Final = frozenset({"-99", "-999", "-9999", "-99.0", "-999.0", "-9999.0"})
"""What boundary sets write where a unit has no code."""


def _without_codes(source: Source, spec: LayerSpec, key: str, name: str) -> Source:
    """Give units the name for a code where their code only says that there is none."""
    codes = [to_text(c) for c in source.cells[key]] if spec.name == "boundaries" else []
    rows = [i for i, c in enumerate(codes) if c in _NO_CODE]
    if not rows:
        return source
    taken, cells = {c for c in codes if c}, source.cells.copy()
    sign = codes[rows[0]]
    for n, i in enumerate(rows, 1):
        own = to_text(cells[name].iloc[i]) or ""
        code = own if own and own not in taken else f"{codes[i]} ({n})"
        taken.add(code)
        codes[i] = code
    text = f"{sign} is no code in {len(rows)} row(s); the name is used as the code there."
    cells[key] = pd.Series(codes, index=cells.index, dtype=object)
    stated = problem("code_missing", text, column=key, file=source.file)
    return replace(source, cells=cells, problems=(*source.problems, stated))


def unfold_matrix(source: Source, spec: LayerSpec, mapping: Mapping[str, str]) -> Source:
    """Turn a table of moves with a row for each origin and a column for each site into rows."""
    if spec.name != "flows" or not len(source.cells):
        return source
    headers = [str(c) for c in source.cells.columns]
    found, _, _ = find_columns(headers, spec, mapping)
    sites = [h for h in headers if h not in found.values() and not h.startswith("column ")]
    if "origin_id" not in found or "site_id" in found or "households" in found or len(sites) < 2:
        return source
    counts = {h: [to_number(c, source.decimal) for c in source.cells[h]] for h in sites}
    if any(code for column in counts.values() for _, code in column):
        return source
    rows = [
        (i, h,
        counts[h][i][0]) for i in range(len(source.cells)) for h in sites if counts[h][i][0] > 0
    ]  # fmt: skip
    cells = pd.DataFrame(
        {
            "origin_id": pd.Series(
                [source.cells[found["origin_id"]].iloc[i] for i, _, _ in rows], dtype=object
            ),
            "site_id": pd.Series([h for _, h, _ in rows], dtype=object),
            "households": pd.Series([n for _, _, n in rows], dtype=object),
        }
    )
    text = (
        f"The table has a column for each of {len(sites)} sites; its {len(rows)} counts above 0 "
        "were read as moves."
    )
    lines = None if source.lines is None else source.lines[[i for i, _, _ in rows]]
    stated = problem("flows_from_matrix", text, file=source.file)
    kept = [p for p in source.problems if p.row is None]
    return replace(source, cells=cells, lines=lines, covered=frozenset(), problems=(*kept, stated))


def join_sources(sources: Sequence[Source], files: Sequence[str]) -> Source:
    """Several files of one layer as one, each row with the file it comes from.

    Raises
    ------
    InputError
        Their systems differ, or one is drawn and another is not.
    """
    first = sources[0]
    for other, file in zip(sources[1:], files[1:], strict=True):
        if (other.geometry is None) != (first.geometry is None):
            raise InputError("one file of the layer is drawn and another is a table", file=file)
        if (other.crs is None) != (first.crs is None) or (
            first.crs is not None and not same_crs(first.crs, other.crs)
        ):
            raise InputError(
                "the files of the layer are in different coordinate reference systems", file=file,
                mend="Bring them to one system, or make them layers of their own.",
            )  # fmt: skip
    cells = pd.concat([s.cells for s in sources], ignore_index=True).astype(object)
    cells = cells.where(cells.notna(), None)
    start, problems = 0, []
    for source in sources:
        problems += [replace(p, row=p.row + start) if p.row else p for p in source.problems]
        start += len(source.cells)
    drawn = [s.geometry for s in sources if s.geometry is not None]
    lines = [np.arange(2, len(s.cells) + 2) if s.lines is None else s.lines for s in sources]
    return replace(
        first, cells=cells, file=" + ".join(files),
        geometry=np.concatenate(drawn) if drawn else None,
        lines=np.concatenate(lines).astype(np.int64), covered=frozenset(), problems=tuple(problems),
    )  # fmt: skip
