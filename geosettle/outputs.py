"""write(result, folder): every output of a run, staged and moved into place at once, the manifest last.

The manifest says what a run was made from and what it made. `replay` repeats the run it describes, `diff` tells two
runs apart in words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geosettle import io
from geosettle.analysis import Result, analyse
from geosettle.io.keys import mask_key
from geosettle.io.runs import manifest_of, read_manifest, read_written_tables
from geosettle.io.staging import MANIFEST
from geosettle.maps import map_html
from geosettle.privacy import Masking, mask_study
from geosettle.report import figures, gpkg_layers, qgis_styles, report_html, summary_lines, tables, tables_xlsx
from geosettle.study import Study

__all__ = ["Written", "diff", "replay", "run", "write", "write_map"]

_EXACT: Final = 1e-9
"""Numbers of two runs that differ by less, relatively, are the same."""


@dataclass(frozen=True)
class Written:
    """What a run left behind."""

    folder: Path
    files: tuple[str, ...]
    summary: tuple[str, ...]
    rows_set_aside: int


def _silent(_: str) -> None:
    """Report progress to nobody."""


def run(
    source: str | Path | None,
    folder: Path,
    *,
    lang: str | None = None,
    mask_households: int | None = None,
    progress: Callable[[str], None] = _silent,
) -> Written:
    """Read a study, analyse it and write everything.

    Parameters
    ----------
    source
        Folder or study.toml; None is the embedded study.
    folder
        Where to write.
    lang
        "en" or "zh"; None takes the study's own.
    mask_households
        Coarsen origins that fewer households left; see `geosettle.privacy`.
    progress
        Called with a few words before each long step.

    Raises
    ------
    InputError
        The study cannot be used.
    OutputError
        The folder cannot be written; what was there is still there.
    """
    progress("reading")
    result = analyse(_study(source, mask_households), progress=progress)
    return write(result, folder, lang=lang, progress=progress, source=source)


def write(
    result: Result,
    folder: str | Path,
    *,
    lang: str | None = None,
    progress: Callable[[str], None] = _silent,
    source: str | Path | None = None,
) -> Written:
    """Write map, report, tables, workbook, GeoPackage, figures and manifest.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    folder
        Where to write; made if need be. An earlier run in it is replaced as a whole; files that no run wrote stay.
    lang
        "en" or "zh"; None takes the study's own.
    progress
        Called with a few words before each long step.
    source
        Where the study was read from, for the manifest; None is the embedded study or one made of frames.

    Returns
    -------
    Written

    Raises
    ------
    OutputError
        The folder cannot be written; what was there is still there.

    Examples
    --------
    >>> import geosettle as gs, tempfile
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> sorted(name for name in gs.write(result, tempfile.mkdtemp()).files if "/" not in name)
    ['manifest.json', 'map.html', 'report.html', 'study.gpkg', 'tables.xlsx']
    """
    target = Path(folder)
    lang = lang or str(result.study.settings["study"]["lang"])
    files: dict[str, bytes] = {}
    # A folder that cannot be written is said before the work, not after.
    with io.staged_folder(target) as stage:
        for name, content in _contents(result, lang, progress):
            files[name] = content
            stage.write(name, content)
        manifest = _manifest(result, files, lang, source)
        stage.write(MANIFEST, _json(manifest))
    set_aside = sum(int(counts["rows_set_aside"]) for counts in result.study.ledger.values())
    lines = (*summary_lines(result), f"Map:    {target / 'map.html'}", f"Report: {target / 'report.html'}")
    return Written(target, (*sorted(files), MANIFEST), lines, set_aside)


def write_map(
    source: str,
    path: Path,
    *,
    lang: str | None = None,
    basemap: str | None = None,
    progress: Callable[[str], None] = _silent,
) -> Path:
    """Write only the interactive map of a study, or of the study that an earlier run was made from."""
    progress("reading")
    result = analyse(_study(_source_of(Path(source)), None), progress=progress)
    progress("drawing the map")
    lang = lang or str(result.study.settings["study"]["lang"])
    io.write_file(path, map_html(result, lang=lang, basemap=basemap).encode())
    return path


def replay(manifest_path: Path, folder: Path) -> list[str]:
    """Repeat the run that a manifest describes and say what differs.

    Raises
    ------
    InputError
        The file is no manifest of a run, or the study it names is gone.
    """
    before = read_manifest(manifest_path)
    masked = before["parameters"].get("mask_households")
    written = run(_recorded(before), folder, lang=before["lang"], mask_households=masked)
    after = read_manifest(folder)
    lines = [*_differences(before, after)]
    changed = sorted(
        n for n in {*before["outputs"], *after["outputs"]} if before["outputs"].get(n) != after["outputs"].get(n)
    )
    if not changed:
        return [*lines, f"All {len(written.files) - 1} outputs are the same, byte for byte."]
    return [*lines, f"{len(changed)} of {len(after['outputs'])} outputs differ: {', '.join(changed)}"]


def diff(first: Path, second: Path) -> list[str]:
    """Say in words which inputs of two runs differ and which results moved by how much.

    Raises
    ------
    InputError
        One of the folders holds no run.
    """
    lines = [*_differences(read_manifest(first), read_manifest(second))]
    old, new = read_written_tables(first), read_written_tables(second)
    for name in sorted({*old, *new}):
        if name in old and name in new:
            lines += _table_differences(name, old[name], new[name])
        else:
            lines.append(f"{name}: only in the {'first' if name in old else 'second'}")
    return lines or ["The two runs are the same."]


# --- what is written ------------------------------------------------------------------------------------------------


def _contents(result: Result, lang: str, progress: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    progress("writing tables")
    for name, frame in tables(result).items():
        yield f"tables/{name}.csv", io.csv_bytes(frame)
    yield "tables.xlsx", tables_xlsx(result)
    yield (
        "study.gpkg",
        io.write_gpkg_bytes(gpkg_layers(result), qgis_styles(), {"provenance": _json(result.provenance).decode()}),
    )
    progress("drawing figures")
    drawn = figures(result, lang=lang)
    for name, content in drawn.items():
        yield f"figures/{name}", content
    progress("drawing the map")
    yield "map.html", map_html(result, lang=lang).encode()
    progress("writing the report")
    yield "report.html", report_html(result, figures=drawn, lang=lang).encode()


def _manifest(result: Result, files: Mapping[str, bytes], lang: str, source: str | Path | None) -> dict[str, Any]:
    return {
        **result.provenance,
        "study": {"name": result.study.name, "source": "embedded" if source is None else str(source)},
        "lang": lang,
        "outputs": {name: sha256(content).hexdigest() for name, content in sorted(files.items())},
    }


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n").encode()


def _study(source: str | Path | None, mask_households: int | None) -> Study:
    study = io.read_study(source)
    if mask_households is None:
        return study
    masked = mask_study(study, Masking(mask_households, mask_key()))
    return replace(masked, settings={**masked.settings, "mask_households": mask_households})


# --- what earlier runs say ------------------------------------------------------------------------------------------


def _source_of(path: Path) -> str | Path | None:
    """Give the study itself: a folder that holds a run stands for the study it was made from."""
    manifest = manifest_of(path)
    return _recorded(read_manifest(manifest)) if manifest else path


def _recorded(manifest: Mapping[str, Any]) -> str | None:
    source = str(manifest["study"]["source"])
    return None if source == "embedded" else source


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say which inputs, versions and parameters differ."""
    old, new = before["inputs"], after["inputs"]
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"input {name}: only in the first"
        elif name not in old:
            yield f"input {name}: only in the second"
        elif old[name]["sha256"] != new[name]["sha256"]:
            yield f"input {name}: changed ({old[name].get('rows', '?')} rows, now {new[name].get('rows', '?')})"
    flat = [
        dict(_flat({"version": run["versions"] | {"geosettle": run["geosettle"]}, "parameter": run["parameters"]}))
        for run in (before, after)
    ]
    for name in sorted({*flat[0], *flat[1]}):
        if flat[0].get(name) != flat[1].get(name):
            yield f"{name}: {flat[0].get(name, 'not set')} → {flat[1].get(name, 'not set')}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _flat(value[key], f"{path} {key}".strip())
    else:
        yield path, str(value)


def _table_differences(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    """Rows that came and went, and per column how many values moved and the largest move."""
    keys = _keys(old, new)
    old, new = old.set_index(keys), new.set_index(keys)
    gone, come = old.index.difference(new.index), new.index.difference(old.index)
    for rows, word in ((gone, "gone"), (come, "new")):
        if len(rows):
            more = " …" if len(rows) > 3 else ""
            yield f"{name}: {len(rows)} rows {word} ({', '.join(_said(r) for r in rows[:3])}{more})"
    both = old.index.intersection(new.index)
    for column in [c for c in old.columns if c in new.columns]:
        yield from _column_difference(f"{name} {column}", old.loc[both, column], new.loc[both, column])
    for column in old.columns.symmetric_difference(new.columns):
        yield f"{name} {column}: only in the {'first' if column in old.columns else 'second'}"


def _keys(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Return the fewest leading columns, and then a running number, that tell rows of both tables apart."""
    shared = [c for c in old.columns if c in new.columns]
    texts = [c for c in shared if pd.to_numeric(old[c], errors="coerce").notna().sum() < len(old) or c.endswith("id")]
    for n in range(1, len(texts) + 1):
        if not old.duplicated(texts[:n]).any() and not new.duplicated(texts[:n]).any():
            return texts[:n]
    for frame in (old, new):
        frame["row"] = range(1, len(frame) + 1)
    return ["row"]


def _column_difference(name: str, old: pd.Series, new: pd.Series) -> Iterator[str]:
    changed = (old.fillna("") != new.fillna("")).to_numpy()
    if not changed.any():
        return
    a, b = pd.to_numeric(old[changed], errors="coerce"), pd.to_numeric(new[changed], errors="coerce")
    moved = (b - a).abs()
    moved = moved[moved > _EXACT * a.abs().clip(lower=1)]
    if moved.empty:
        yield f"{name}: {int(changed.sum())} values differ, e.g. {_said(old.index[changed][0])}"
        return
    at = moved.index[int(moved.to_numpy().argmax())]
    yield f"{name}: {int(changed.sum())} values moved, most at {_said(at)}: {a.loc[at]:g} → {b.loc[at]:g}"


def _said(key: object) -> str:
    return " ".join(str(part) for part in key) if isinstance(key, tuple) else str(key)
