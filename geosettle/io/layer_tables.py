"""Tables of layers in study.toml: what a call adds to them, and registries of several dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from geosettle.errors import InputError
from geosettle.io.formats import open_source
from geosettle.io.numbers import to_text
from geosettle.layers import plain_name


def with_more(stated: dict[str, Any], layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a study's settings with more options for some layers.

    Raises
    ------
    InputError
        The study has no such layer.
    """
    if not layers:
        return stated
    tables = dict(stated.get("layers", {}))
    for role, noted in layers.items():
        if role not in tables:
            raise InputError(
                f"the study has no layer {role}", value=role,
                mend=f"Name one of its layers before the value: {', '.join(tables)}.",
            )  # fmt: skip
        own = tables[role]
        if isinstance(own, str) or (
            isinstance(own, list) and all(isinstance(item, str) for item in own)
        ):
            own = {"path": own}
        parts = own if isinstance(own, list) else [own]
        merged = [_merged({"path": p} if isinstance(p, str) else p, noted) for p in parts]
        tables[role] = merged if isinstance(own, list) else merged[0]
    return {**stated, "layers": tables}


def _merged(own: Mapping[str, Any], noted: Mapping[str, Any]) -> dict[str, Any]:
    """One table with more options: pairs are added, any other value is replaced."""
    out = dict(own)
    for key, value in noted.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = {**out[key], **value} if both else value
    return out


def dates_of(
    files: Sequence[Path], item: Mapping[str, Any], names: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """Date to the entries of a registry at several dates, the earliest first; {} for one date.

    The dates are those of the parts, or the values of `date_column`. `names` are the plain names
    that a header may have.
    """
    parts = [dict(p) for p in item.get("parts", ())]
    if column := item.get("date_column"):
        plain = {k: v for k, v in item.items() if k != "date_column"}
        sources = [
            open_source(
                file, role="sites", names={*names, plain_name(str(column))},
                encoding=item.get("encoding"), layer=item.get("layer"), sheet=item.get("sheet"),
                header_row=item.get("header_row"),
            )
            for file in files
        ]  # fmt: skip
        wanted = plain_name(str(column))
        cells = [s.cells[h] for s in sources for h in s.cells if plain_name(str(h)) == wanted]
        if not cells:
            raise InputError(
                f"there is no column {column!r} of dates", file=sources[0].file,
                mend=f"It has: {', '.join(map(str, sources[0].cells.columns))[:300]}.",
            )  # fmt: skip
        texts = {t for column_ in cells for c in column_ if (t := (to_text(c) or "").strip())}
        parts = [
            {**plain, "date": t, "where": {**plain.get("where", {}), column: t}} for t in texts
        ]
    by_date: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        by_date.setdefault(str(part.get("date", "")), []).append(part)
    if len(by_date) < 2 or "" in by_date:
        return {}
    return {date: by_date[date] for date in sorted(by_date, key=_date_key)}


def _date_key(text: str) -> tuple[tuple[int, ...], str]:
    """Order of dates: by year, month and day; of other texts by the numbers in them."""
    day = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", text.strip())
    if day:
        return (int(day[3]), int(day[2]), int(day[1])), text
    return tuple(int(n) for n in re.findall(r"\d+", text)[:6]), text
