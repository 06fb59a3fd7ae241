"""What an earlier run left, its manifest and its tables, and how two runs differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geosettle.errors import InputError
from geosettle.io.replacing import MANIFEST

_NEEDED: Final = {
    "geosettle": str,
    "inputs": dict,
    "lang": str,
    "outputs": dict,
    "parameters": dict,
    "study": dict,
    "versions": dict,
}
_EXACT: Final = 1e-9
"""Numbers of two runs that differ by less, relatively, are the same."""


def manifest_of(folder: Path) -> Path | None:
    """Path of the manifest of a run; None where the folder holds none."""
    path = folder / MANIFEST
    return path if path.is_file() else None


def read_manifest(path: Path) -> dict[str, Any]:
    """Manifest of a run, given the file or its folder.

    Raises
    ------
    InputError
        There is none, or it is damaged.
    """
    file = path / MANIFEST if path.is_dir() else path
    mend = "Give the folder of a run, or its manifest.json."
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("there is no manifest of a run", file=str(file), mend=mend) from error
    except (ValueError, RecursionError) as error:
        raise InputError("this is no manifest of a run", file=str(file), mend=mend) from error
    whole = isinstance(manifest, dict) and all(
        isinstance(manifest.get(k), kind) for k, kind in _NEEDED.items()
    )
    if not whole or "source" not in manifest["study"]:
        raise InputError("this is no manifest of a run", file=str(file), mend=mend)
    return {key: manifest[key] for key in _NEEDED}


def read_written_tables(folder: Path, manifest: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Every table that a run wrote and that is still there, as text cells, by name.

    Raises
    ------
    InputError
        A table cannot be read any more.
    """
    found = {}
    for name in sorted(manifest["outputs"]):
        path = folder / name
        if path.suffix != ".csv" or not path.is_file():
            continue
        try:
            found[path.stem] = pd.read_csv(
                path, dtype="str", keep_default_na=False, encoding="utf-8-sig"
            )
        except (OSError, ValueError) as error:
            raise InputError(
                "the table cannot be read any more", file=str(path), mend="Run it again."
            ) from error
    return found


# --- differences
# ------------------------------------------------------------------------------------------------


def manifest_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say which inputs, versions and parameters of two runs differ.

    Examples
    --------
    >>> a = {"inputs": {}, "geosettle": "1", "versions": {}, "lang": "en"}
    >>> a["parameters"] = {"walk": {"model": "tobler"}}
    >>> list(manifest_differences(a, {**a, "parameters": {"walk": {"model": "weiss"}}}))
    ['parameter walk model: tobler → weiss']
    """
    old, new = before["inputs"], after["inputs"]
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"input {name}: only in the first"
        elif name not in old:
            yield f"input {name}: only in the second"
        elif old[name].get("sha256") != new[name].get("sha256"):
            content = [run[name].get("content_sha256") for run in (old, new)]
            if content[0] and content[0] == content[1]:
                yield (
                    f"input {name}: another file that says the same (order of rows or columns, "
                    "form of writing)"
                )
                continue
            yield (
                f"input {name}: changed ({old[name].get('rows', '?')} rows, now "
                f"{new[name].get('rows', '?')})"
            )
    first, second = (
        dict(
            _flat(
                {
                    "version": {**run["versions"], "geosettle": run["geosettle"]},
                    "parameter": run["parameters"],
                    "language": run["lang"],
                }
            )
        )
        for run in (before, after)
    )
    for name in sorted({*first, *second}):
        if first.get(name) != second.get(name):
            yield f"{name}: {first.get(name, 'not set')} → {second.get(name, 'not set')}"


def table_differences(
    old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """List which rows of written tables were added and removed, and which values changed.

    For each column: how many values changed, and the largest change.

    Examples
    --------
    >>> a = pd.DataFrame({"site_id": ["S1", "S2"], "km": ["10", "20"]}, dtype="str")
    >>> list(table_differences({"sites": a}, {"sites": a.assign(km=["10", "23.5"])}))
    ['sites km: 1 value moved, most at S2: 20 → 23.5']
    """
    for name in sorted({*old, *new}):
        if name in old and name in new:
            # Where in its file a row is, is no result: `row` of the problems is not compared.
            both = (table[name].drop(columns="row", errors="ignore") for table in (old, new))
            yield from _rows_and_columns(name, *both)
        else:
            yield f"{name}: only in the {'first' if name in old else 'second'}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _flat(value[key], f"{path} {key}".strip())
    else:
        yield path, str(value)


def _rows_and_columns(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    keys = _keys(old, new)
    # Rows that nothing names are the same if they say the same, as often as they say it.
    old, new = (
        f if keys[-1] != _TIMES else f.assign(**{_TIMES: f.groupby(keys[:-1]).cumcount()})
        for f in (old, new)
    )
    old, new = old.set_index(keys), new.set_index(keys)
    for rows, word in (
        (old.index.difference(new.index), "gone"),
        (new.index.difference(old.index), "new"),
    ):
        if len(rows):
            more = " …" if len(rows) > 3 else ""
            yield (
                f"{name}: {_n(len(rows), 'row')} {word} "
                f"({', '.join(_said(r) for r in rows[:3])}{more})"
            )
    both = old.index.intersection(new.index)
    for column in [c for c in old.columns if c in new.columns]:
        yield from _column(f"{name} {column}", old.loc[both, column], new.loc[both, column])
    for column in [
        c for c in (*old.columns, *new.columns) if (c in old.columns) != (c in new.columns)
    ]:
        yield f"{name} {column}: only in the {'first' if column in old.columns else 'second'}"


_TIMES: Final = "times"


def _keys(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Return the leading columns that identify the rows of both tables.

    Identifiers come first; if they are not enough, the whole row.
    """
    shared = [c for c in old.columns if c in new.columns]
    texts = [
        c
        for c in shared
        if pd.to_numeric(old[c], errors="coerce").notna().sum() < len(old) or c.endswith("id")
    ]
    leading = next((n for n, c in enumerate(shared) if not c.endswith("_id")), len(shared))
    for n in range(max(1, leading), len(texts) + 1):
        if not old.duplicated(texts[:n]).any() and not new.duplicated(texts[:n]).any():
            return texts[:n]
    return [*shared, _TIMES]


def _column(name: str, old: pd.Series, new: pd.Series) -> Iterator[str]:
    a, b = (pd.to_numeric(values, errors="coerce") for values in (old, new))
    numbers = (a.notna() & b.notna()).to_numpy()
    step = (b - a).abs().to_numpy()
    moved = numbers & (step > _EXACT * a.abs().clip(lower=1).to_numpy())
    others = (old != new).to_numpy() & ~numbers
    came, went = others & (old == "").to_numpy(), others & (new == "").to_numpy()
    reworded = others & ~came & ~went
    stated = []
    if moved.any():
        at = int(pd.Series(step).where(moved).argmax())
        most = f"{_said(old.index[at])}: {a.iloc[at]:g} → {b.iloc[at]:g}"
        stated.append(f"{_n(int(moved.sum()), 'value')} moved, most at {most}")
    for which, word in ((came, "new"), (went, "gone"), (reworded, "other")):
        if which.any():
            at = int(which.argmax())
            example = f"{_said(old.index[at])}: {_short(old.iloc[at])} → {_short(new.iloc[at])}"
            stated.append(f"{_n(int(which.sum()), 'value')} {word}, e.g. {example}")
    if stated:
        yield f"{name}: {'; '.join(stated)}"


def _n(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _short(text: str) -> str:
    return "missing" if text == "" else text if len(text) <= 60 else text[:59] + "…"


def _said(key: object) -> str:
    return (
        _short(" ".join(str(part) for part in key if part != ""))
        if isinstance(key, tuple)
        else str(key)
    )
