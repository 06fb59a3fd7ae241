"""write(result, folder): every output of a run, staged and moved into place at once.

The manifest is last.

The manifest says what a run was made from and what it made. `replay` repeats the run it describes,
`diff` tells two runs apart in words.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geosettle import io
from geosettle._fork import run_in_fork
from geosettle.analysis import Result, analyse
from geosettle.errors import InputError
from geosettle.figures import FIGURES, figures
from geosettle.io.manifest import (
    manifest_differences,
    manifest_of,
    read_manifest,
    read_written_tables,
    table_differences,
)
from geosettle.io.masking_key import mask_key
from geosettle.io.printing import find_chromium, print_pdf
from geosettle.io.replacing import MANIFEST
from geosettle.maps import Element, map_html
from geosettle.maps.basemaps import find_basemap
from geosettle.maps.images import relief_tile
from geosettle.masking import Masking, mask_study
from geosettle.problems import Problems, attempt, problems_frame
from geosettle.report import html_page, report_document, report_docx, require_docx, summary_lines
from geosettle.results import title_of
from geosettle.rounds import compare_sites, totals, totals_lines
from geosettle.study import Study
from geosettle.tables import TABLES, Table
from geosettle.tables import cited as cited_tables
from geosettle.tables import tables as made_tables
from geosettle.tables.geopackage import gpkg_layers, qgis_styles
from geosettle.tables.qgis_project import RELIEF, qgis_project
from geosettle.tables.xlsx import tables_xlsx
from geosettle.terminal import steps
from geosettle.words import say

_EMBEDDED: Final = "embedded"


@dataclass(frozen=True)
class Written:
    """What a run left behind."""

    folder: Path
    files: tuple[str, ...]
    summary: tuple[str, ...]
    rows_set_aside: int
    failures: tuple[str, ...] = ()
    """Parts that could not be made, each with its cause."""


@dataclass(frozen=True)
class _Made:
    """What is written: the tables, and what the map draws."""

    tables: Mapping[str, Table]
    elements: Mapping[str, Element] | None = None


_FIRST_SHARE: Final = ("od_map", "distances", "distribution", "declared", "oasis", "change")
_SHARES: Final = (_FIRST_SHARE, tuple(name for name in FIGURES if name not in _FIRST_SHARE))
"""Figures in two shares that take about the same time."""


def _silent(_: str) -> None:
    """Report progress to nobody."""


def run(
    source: str | Path | None,
    folder: Path,
    *,
    lang: str | None = None,
    mask_households: int | None = None,
    workers: int = 1,
    progress: Callable[[str], None] = _silent,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
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
        Coarsen origins that fewer households left; see `geosettle.masking`.
    workers
        Processes that may work at once; the outputs are the same for any number.
    progress
        Called with a few words before each long step.
    layers
        Role to what is how that layer is read, over what the study states; see `read_study`.

    Raises
    ------
    InputError
        The study cannot be used.
    OutputError
        The folder cannot be written; what was there is still there.
    """
    progress("reading")
    study = _study(source, mask_households, layers)
    _require_documents(study)
    # A folder that cannot be written is reported before the work, not after.
    with io.staged_folder(folder) as stage:
        result = analyse(study, progress=progress, workers=workers)
        named = _EMBEDDED if source is None else _relative_to(Path(source), folder)
        return _fill(
            stage, result, folder, lang=lang, source=named, workers=workers, progress=progress,
            layers=layers or {},
        )  # fmt: skip


def write(
    result: Result,
    folder: str | Path,
    *,
    lang: str | None = None,
    progress: Callable[[str], None] | None = None,
    tables: Mapping[str, Table] | None = None,
    elements: Mapping[str, Element] | None = None,
) -> Written:
    """Write map, report, tables, workbook, GeoPackage, figures and manifest.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    folder
        Where to write; made if need be. An earlier run in it is replaced as a whole; files that no
        run wrote stay.
    lang
        "en" or "zh"; None takes the study's own.
    progress
        Called with a few words before each long step; None shows them in a notebook.
    tables
        The tables to write, by name; None writes `TABLES`.
    elements
        What the map draws, by name; None draws `ELEMENTS`.

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
    _require_documents(result.study)
    with io.staged_folder(folder) as stage, steps(progress) as step:
        # Frames do not say which files they came from: their manifest names no study to read again.
        return _fill(
            stage,
            result,
            Path(folder),
            lang=lang,
            source="",
            workers=1,
            progress=step,
            made=_Made(TABLES if tables is None else tables, elements),
        )


def write_map(
    source: str,
    path: Path,
    *,
    lang: str | None = None,
    basemap: str | None = None,
    progress: Callable[[str], None] = _silent,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write only the interactive map of a study, or of the study of an earlier run.

    It is masked as that run was.

    Raises
    ------
    InputError
        There is no such study, or the run does not say where its study lies.
    OutputError
        The file cannot be written.
    """
    manifest = manifest_of(Path(source))
    before = read_manifest(manifest) if manifest else None
    if basemap:
        find_basemap(basemap)  # a misspelt name is refused before the work
    progress("reading")
    study = (
        _study(_recorded(before, Path(source)), _masked(before), layers or _reading_of(before))
        if before
        else _study(source, None, layers)
    )
    result = _lasting(analyse(study, progress=progress))
    progress("drawing the map")
    lang = lang or (before["lang"] if before else _lang(result))
    io.write_file(path, map_html(result, lang=lang, **_map_settings(result, basemap)).encode())
    return path


def replay(
    manifest_path: Path,
    folder: Path,
    *,
    source: str | None = None,
    progress: Callable[[str], None] = _silent,
) -> list[str]:
    """Repeat the run that a manifest describes and say what differs.

    Parameters
    ----------
    manifest_path
        A manifest.json, or the folder it lies in.
    folder
        Where to write.
    source
        Where the study lies now; None: where the manifest says.
    progress
        Called with a few words before each long step.

    Raises
    ------
    InputError
        The file is no manifest of a run, or the study it names is gone.
    """
    before = read_manifest(manifest_path)
    made_in = manifest_path if manifest_path.is_dir() else manifest_path.parent
    tables_before = read_written_tables(made_in, before)
    origin = source or _recorded(before, made_in)
    written = run(
        origin, folder, lang=before["lang"], mask_households=_masked(before), progress=progress,
        layers=_reading_of(before),
    )  # fmt: skip
    after = read_manifest(folder)
    lines = [
        *manifest_differences(before, after),
        *table_differences(
            tables_before, read_written_tables(folder, after) if tables_before else {}
        ),
    ]
    changed = _changed_files(before, after)
    if not changed:
        return [*lines, f"All {len(written.files) - 1} outputs are the same, byte for byte."]
    return [
        *lines,
        f"{len(changed)} of {len(after['outputs'])} outputs differ: {', '.join(changed)}",
    ]


def diff(first: Path, second: Path) -> list[str]:
    """Say in words which inputs of two runs differ and which results moved by how much.

    Raises
    ------
    InputError
        One of the folders holds no run, or a table of it is damaged.
    """
    old, new = read_manifest(first), read_manifest(second)
    tables = read_written_tables(first, old), read_written_tables(second, new)
    lines = [*manifest_differences(old, new), *table_differences(*tables)]
    if changed := _changed_files(old, new):
        lines.append(f"files that differ: {', '.join(changed)}")
    return [*_totals(*tables), *lines] if lines else ["The two runs are the same."]


def _totals(old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]) -> list[str]:
    """Totals of the sites of two runs."""
    if "sites" not in old or "sites" not in new:
        return []
    sites = [tables["sites"].set_index("site_id") for tables in (old, new)]
    return totals_lines(totals(compare_sites(*sites), *map(len, sites)))


# --- what is written
# ------------------------------------------------------------------------------------------------


def _require_documents(study: Study) -> None:
    """Refuse documents that cannot be made here, before the work."""
    for kind in study.settings.report.documents:
        require_docx() if kind == "docx" else find_chromium()


def _fill(
    stage: io.Stage,
    result: Result,
    folder: Path,
    *,
    lang: str | None,
    source: str,
    workers: int,
    progress: Callable[[str], None],
    made: _Made | None = None,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
) -> Written:
    """Write every output and then the manifest that lists them."""
    lang = lang or _lang(result)
    failed: Problems = []
    findings = attempt(failed, "summary", partial(summary_lines, result, lang))
    for name, content in _contents(
        _lasting(result), lang, workers, progress, made=made or _Made(TABLES), failed=failed
    ):
        stage.write(name, content)
    manifest = {
        **result.provenance,
        "study": {"name": result.study.name, "source": source}
        | ({"layers": layers} if layers else {}),
        "lang": lang,
        "outputs": dict(sorted(stage.digests.items())),
    }
    stage.write(MANIFEST, _json(manifest))
    set_aside = sum(int(counts["rows_set_aside"]) for counts in result.study.ledger.values())
    lines = (
        *(findings or ()),
        say(lang, "map_is", path=folder / "map.html"),
        say(lang, "report_is", path=folder / "report.html"),
    )
    failures = tuple(found.message for found in failed)
    return Written(folder, tuple(stage.digests), lines, set_aside, failures)


def _lasting(result: Result) -> Result:
    """Return a result with hashes of what its files say, instead of their bytes.

    The order of the rows in the files then decides nothing but the rows that problems name. The
    manifest keeps the hashes of the bytes.
    """

    def of_content(inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        return {
            name: {k: v for k, v in what.items() if k != "content_sha256"}
            | ({"sha256": what["content_sha256"]} if "content_sha256" in what else {})
            for name, what in inputs.items()
        }

    facts = dict(result.provenance)
    if "inputs" in facts:
        facts["inputs"] = of_content(facts["inputs"])
    study = result.study.replace(inputs=of_content(result.study.inputs))
    return replace(result, study=study, provenance=facts)


def _map_settings(result: Result, basemap: str | None = None) -> dict[str, Any]:
    """Options of the map that the study sets.

    The caller's base map has precedence; an empty one is none.
    """
    chosen = result.study.settings.map.to_dict()
    return {**chosen, "basemap": basemap or chosen["basemap"] or None}


def _contents(
    result: Result,
    lang: str,
    workers: int,
    progress: Callable[[str], None],
    *,
    made: _Made,
    failed: Problems,
) -> Iterator[tuple[str, bytes]]:
    """Yield every output; a part that fails is left out and listed among the problems."""
    progress("drawing figures")
    # matplotlib takes a second to load: once here, not again in each of the copies.
    importlib.import_module("geosettle.figures.canvas")
    # Figures take longest: they are drawn at the same time as the rest, in two equal shares.
    shares = [run_in_fork(partial(_figures, result, lang, only), workers) for only in _SHARES]
    progress("writing tables")
    written = made_tables(result, made.tables, failed)
    bound = dict(_bound_tables(result, lang, written, made, failed))
    progress("drawing the map")
    draw = partial(map_html, result, lang=lang, elements=made.elements, problems=failed)
    page = attempt(failed, "map.html", partial(draw, **_map_settings(result)))
    if page is not None:
        yield "map.html", page.encode()
    progress("drawing figures")
    drawn: dict[str, bytes] = {}
    for share in shares:
        pictures, troubles = share()
        drawn |= pictures
        failed.extend(troubles)
    for name in sorted(drawn):
        yield f"figures/{name}", drawn[name]
    progress("writing the report")
    listed_result = _list_failures(result, written, made, failed)
    make = partial(report_document, figures=drawn, lang=lang, written=written, problems=failed)
    report = attempt(failed, "report.html", partial(make, listed_result))
    if report is not None:
        html = _page(html_page(report, lang), result)
        yield "report.html", html
        for kind in result.study.settings.report.documents:
            write = (
                partial(report_docx, report)
                if kind == "docx"
                else partial(print_pdf, html.decode())
            )
            if (content := attempt(failed, f"report.{kind}", write)) is not None:
                yield f"report.{kind}", content
    if failed:  # the list of problems that the workbook and the GeoPackage hold has grown
        listed_result = _list_failures(result, written, made, failed)
        bound = dict(_bound_tables(listed_result, lang, written, made, failed))
    yield from bound.items()
    for name, frame in cited_tables(written, result).items():
        yield f"tables/{name}.csv", io.csv_bytes(frame)


def _bound_tables(
    result: Result, lang: str, written: Mapping[str, pd.DataFrame], made: _Made, failed: Problems
) -> Iterator[tuple[str, bytes]]:
    """Yield the workbook and the GeoPackage."""
    workbook = partial(
        tables_xlsx,
        result,
        written=cited_tables(written, result),
        catalogue=made.tables,
        problems=failed,
    )
    if (content := attempt(failed, "tables.xlsx", workbook)) is not None:
        yield "tables.xlsx", content
    made_from = {"provenance": _json(result.provenance).decode()}

    def geopackage() -> bytes:
        layers = gpkg_layers(result, written=written, problems=failed)
        styles, dem = qgis_styles(layers), result.study.dem
        pictures: dict[str, io.Picture] = {}
        if dem is not None and dem.is_north_up:
            make = partial(relief_tile, dem, result.study.settings.map.relief_px)
            if (drawn := attempt(failed, f"GeoPackage layer {RELIEF}", make)) is not None:
                pictures[RELIEF] = drawn
        title, relief = title_of(result, lang) or "geosettle", pictures.get(RELIEF)
        project = qgis_project(
            layers, styles, title=title, lang=lang, relief=relief.crs if relief else ""
        )
        projects = {"study": project}
        return io.write_gpkg_bytes(layers, styles, made_from, pictures=pictures, projects=projects)

    if (content := attempt(failed, "study.gpkg", geopackage)) is not None:
        yield "study.gpkg", content


def _figures(result: Result, lang: str, only: Sequence[str]) -> tuple[dict[str, bytes], Problems]:
    failed: Problems = []
    return figures(result, lang=lang, only=only, problems=failed), failed


def _list_failures(
    result: Result, written: dict[str, pd.DataFrame], made: _Made, failed: Problems
) -> Result:
    """Return a result that lists the parts that failed, and put them into the table of problems."""
    if not failed:
        return result
    listed = pd.concat([result.problems, problems_frame(failed)], ignore_index=True)
    listed_result = replace(result, problems=listed)
    again = {name: table for name, table in made.tables.items() if name == "problems"}
    written |= made_tables(listed_result, again, failed)
    return listed_result


def _page(html: str, result: Result) -> bytes:
    """Put into the head of a page what it was made from, also for a page passed on alone."""
    record = escape(json.dumps(result.provenance, ensure_ascii=False, sort_keys=True, default=str))
    return html.replace(
        "</head>", f'<meta name="geosettle-provenance" content="{record}">\n</head>', 1
    ).encode()


def _json(value: Mapping[str, Any]) -> bytes:
    return (
        json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n"
    ).encode()


def _lang(result: Result) -> str:
    return result.study.settings.study.lang


def _study(
    source: str | Path | None,
    mask_households: int | None,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
) -> Study:
    study = io.read_study(source, layers=layers)
    if mask_households is None:
        return study
    masked = mask_study(study, Masking(mask_households, mask_key()))
    return masked.replace(mask_households=mask_households)


def _relative_to(source: Path, folder: Path) -> str:
    """Path of a study from the folder that holds the run.

    The study can be found again, and the path reveals nothing of the machine.
    """
    try:
        return Path(os.path.relpath(source.resolve(), folder.resolve().parent)).as_posix()
    except ValueError:  # on another drive
        return source.name


# --- what an earlier run was made from
# ------------------------------------------------------------------------------


def _recorded(manifest: Mapping[str, Any], made_in: Path) -> Path | None:
    """Find the study that a manifest names: from here, or from the folder that holds the run."""
    source = str(manifest["study"]["source"])
    if source == _EMBEDDED:
        return None
    if not source:
        raise InputError(
            "this run was made from frames in Python and names no study",
            file=str(made_in / MANIFEST),
            mend="Name the study: geosettle run STUDY --replay MANIFEST.",
        )
    found = [path for path in (made_in.resolve().parent / source, Path(source)) if path.exists()]
    if not found:
        raise InputError(
            f"the study that this run was made from is not at {source}",
            file=str(made_in / MANIFEST),
            mend="Name where it is now: geosettle run STUDY --replay MANIFEST.",
        )
    return found[0]


def _reading_of(manifest: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return dict(manifest["study"].get("layers", {}))


def _masked(manifest: Mapping[str, Any]) -> int | None:
    households = manifest["parameters"].get("mask_households")
    return None if households is None else int(households)


def _changed_files(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    old, new = before["outputs"], after["outputs"]
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
