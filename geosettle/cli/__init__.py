"""The command line: parse, call, print.

Nothing heavy is imported before a command is known, so that --help is quick.
"""

from __future__ import annotations

import argparse
import json
import locale
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geosettle import __version__
from geosettle.cli import distances, fetch, in_parts, qgis, reach, reading, taking
from geosettle.cli.calls import Completion, Parser, examples_of
from geosettle.cli.streams import keep_quiet, open_streams, show, warn
from geosettle.cli.tables import ENDINGS, check_out, table_file
from geosettle.errors import GeosettleError, InputError
from geosettle.terminal import plain
from geosettle.words import languages

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main", "parser"]

_WORKERS = 2
"""Processes of `run`; more gain nothing, for there are two long jobs that need not wait for each
other.
"""
_LINES: Final = 30
"""Problems that are listed unless all are asked for."""

DONE, SET_ASIDE, WRONG, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Arguments after the program's name; None takes them from the process.

    Returns
    -------
    int
        0 done; 1 done, and rows were set aside or a part failed (only under --strict);
        2 the input or the call is wrong; 3 parts of a job were set aside; 130 interrupted.

    Examples
    --------
    >>> main(["check", "no_such_file.csv"])
    no_such_file.csv: rejected; 0 of 0 rows can be used
    2
    """
    open_streams()
    # GDAL compares the names of its options by the letters of the locale, and complains where I is
    # no capital of i.
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    called = parser()
    if not (sys.argv[1:] if argv is None else argv):
        called.print_help()
        return DONE
    # It makes do without a home that it can write to, and would say so in its own words.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    options = called.parse_args(argv)
    keep_quiet(on=options.quiet)
    try:
        with _terminated_as_interrupted():
            _check_out(options)
            command: Callable[[argparse.Namespace], int] = options.command
            code = command(options)
            sys.stdout.flush()
    except BrokenPipeError:
        _say_no_more()  # the reader of our pipe went away, which is no fault
        return DONE
    except KeyboardInterrupt:
        warn("interrupted")
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("GEOSETTLE_DEBUG"):
            raise
        warn(_in_words(error))
        if isinstance(error, OSError) and not isinstance(error, GeosettleError):
            _say_no_more()
        return WRONG
    return code


_WRITTEN: Final = ("out", "intervals", "scenarios", "paths")


def _check_out(options: argparse.Namespace) -> None:
    """Find before the work that what a command writes cannot be written; `run` looks itself."""
    named = [
        (name, Path(text))
        for name, value in vars(options).items()
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str) and text
    ]
    for name, path in named:
        if name not in _WRITTEN or path.is_dir():
            continue
        for at in (at for other, at in named if other != name):
            if at.absolute() == path.absolute() or (
                path.is_file() and at.is_file() and path.samefile(at)
            ):
                text = "this file is one of those that are read, or is written twice"
                raise InputError(text, file=str(path), mend="Write to another file.")
    if options.command is _map:
        from geosettle.io.staging import check_writable  # noqa: PLC0415

        check_writable(options.out)


def _say_no_more() -> None:
    """Drop what standard output still holds.

    Python would try to write it once more at exit, and complain.
    """
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_words(error: Exception) -> str:
    """Say what went wrong without a traceback; GEOSETTLE_DEBUG=1 shows it."""
    if isinstance(error, GeosettleError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for this. Take fewer rows, or coarser rasters."
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "the working folder was deleted. Change to another one."
    if isinstance(error, OSError):
        return f"{error.filename or 'standard output'}: {error.strerror or error}."
    return (
        f"a fault of the program, or an input that it does not foresee: {type(error).__name__}: "
        f"{error}. "
        "GEOSETTLE_DEBUG=1 shows where it happened."
    )


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Clean up under `kill` and `timeout` as under Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parser() -> argparse.ArgumentParser:
    """Every command with its options.

    Returns
    -------
    ArgumentParser
        It reports a wrong call in one message.

    Examples
    --------
    >>> parser().parse_args(["run", "my_study"]).study
    ['my_study']
    """
    top = Parser(
        prog="geosettle",
        description="The geography of resettlement: site maps, distances from origins, "
        "land-development overlays.",
    )
    top.add_argument("--version", action="version", version=f"geosettle {__version__}")
    top.add_argument(
        "--print-completion",
        action=Completion,
        choices=("bash", "zsh", "tcsh"),
        metavar="SHELL",
        help="print what lets the shell complete commands and options (bash, zsh, tcsh)",
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_study_commands(commands)
    _add_single_commands(commands)
    return top


def _add_study_commands(commands: Any) -> None:
    """Add the commands that take a whole study, or the folder of a run."""
    run = _command(
        commands,
        "run",
        _run,
        "the main job: join, measure, overlay, and write tables, report and map",
    )
    run.add_argument(
        "study",
        nargs="*",
        metavar="STUDY|FILE",
        help="a study (folder or study.toml), or files as you have them, of which a study.toml is"
        " made in the folder to write; without any the embedded study",
    )
    run.add_argument("--yes", action="store_true", help="ask nothing: take the likeliest reading")
    run.add_argument("--all", action="store_true", help="list every problem of the files")
    run.add_argument(
        "-o", "--out", default="geosettle-out", help="folder to write (default: %(default)s)"
    )
    run.add_argument(
        "--strict", action="store_true", help="exit with 1 if rows were set aside or a part failed"
    )
    run.add_argument("--lang", choices=languages(), help="language of map and report")
    run.add_argument(
        "--mask",
        type=_positive_int,
        metavar="K",
        help="coarsen positions of origins with under K households",
    )
    run.add_argument(
        "--replay",
        metavar="MANIFEST",
        help="repeat the run of a manifest.json (of STUDY, if it moved), say what differs",
    )

    reading.add_options(run, study=True)

    check = _command(commands, "check", _check, "only look for problems")
    check.add_argument("path", help="a file or a study")
    check.add_argument(
        "--role", help="what the file is: sites, origins, flows, boundaries, dem ..."
    )
    check.add_argument(
        "--strict", action="store_true", help="exit with 1 if rows would be set aside"
    )
    check.add_argument("--all", action="store_true", help="list every problem, row by row")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.add_argument(
        "--region", type=_region, metavar="W,S,E,N|none", help="where coordinates are expected"
    )
    reading.add_options(check)
    check.add_argument("--at", metavar="FILE", help="points at which to add a raster's values")

    init = _command(
        commands,
        "init",
        _init,
        "study.toml from files as you have them; without files a template study that runs as it is",
    )
    init.add_argument("folder", metavar="DIR", help="folder for study.toml")
    init.add_argument("files", nargs="*", metavar="FILE", help="tables, layers, archives, folders")
    init.add_argument("--copy", action="store_true", help="copy the files into DIR")
    init.add_argument("--yes", action="store_true", help="ask nothing: take the likeliest reading")
    init.add_argument("--all", action="store_true", help="list every problem of the files")

    init.add_argument(
        "--fetch", action="store_true", help="then fetch the open data around the sites"
    )
    fetch.add_how(init)
    reading.add_options(init, study=True)

    fetch.add_options(
        _command(
            commands,
            "fetch",
            _fetch,
            "bring open data around a study: elevation, land cover, boundaries, roads ...",
        )
    )

    draw = _command(commands, "map", _map, "only the interactive map")
    draw.add_argument("study", help="a study, or the folder of an earlier run")
    draw.add_argument(
        "-o",
        "--out",
        default="map.html",
        metavar="FILE.html",
        help="file to write (default: %(default)s)",
    )
    draw.add_argument("--lang", choices=languages(), help="language of the map")
    draw.add_argument(
        "--basemap",
        metavar="NAME",
        help="an online base map, e.g. OpenStreetMap.Mapnik; never by default",
    )

    reading.add_options(draw, study=True)

    diff = _command(commands, "diff", _diff, "what changed between two runs")
    diff.add_argument("first", metavar="OUT1")
    diff.add_argument("second", metavar="OUT2")


def _add_single_commands(commands: Any) -> None:
    """Add the commands that do one job on files of their own."""
    parser = _command(commands, "distances", _distances, "distances between origins and sites")
    distances.add_options(parser, _positive_int, _positive_float)

    parser = _command(commands, "reach", _reach, "who reaches the sites in how many hours")
    reach.add_options(parser, _positive_int, _positive_float)

    overlay = _command(commands, "overlay", _overlay, "how much land of which kind is in each zone")
    overlay.add_argument(
        "--zones", required=True, metavar="FILE", help="polygons, or points with --buffer-km"
    )
    overlay.add_argument(
        "--cover", required=True, metavar="FILE", help="polygons or a raster of classes"
    )
    overlay.add_argument(
        "--by", metavar="COL", help="column of the cover to break the areas down by"
    )
    overlay.add_argument(
        "--buffer-km",
        type=_positive_float,
        nargs="+",
        metavar="KM",
        help="geodesic discs of these radii around the zones",
    )
    overlay.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help=f"file to write ({ENDINGS}), or a folder (DIR/) to write in parts; without it CSV on "
        "standard output",
    )
    in_parts.add_options(overlay, _positive_int)
    reading.add_options(overlay)

    names = "the commands as algorithms in the Processing toolbox of QGIS"
    parser = _command(commands, "qgis", partial(_qgis, commands.choices), names)
    qgis.add_options(parser)


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", epilog=examples_of(name)
    )
    loud = made.add_mutually_exclusive_group()
    loud.add_argument("--quiet", action="store_true", help="print only warnings and errors")
    loud.add_argument("--verbose", action="store_true", help="print each step with its time")
    made.set_defaults(command=function)
    return made


def _run(options: argparse.Namespace) -> int:
    from geosettle import outputs  # noqa: PLC0415  (loads the whole engine)

    out = Path(options.out)
    if options.replay and len(options.study) > 1:
        raise InputError("--replay takes one study", mend="Name the study, or none.")
    source = options.study[0] if options.study else None
    layer_options = reading.for_layers(options)
    files = not options.replay and taking.are_files(options.study)
    if files:
        with _progress(options) as step:
            made = taking.take(
                options.study,
                out,
                ask=not options.yes,
                step=step,
                every=options.all,
                layer_options=layer_options,
            )
        if not made.usable:
            raise InputError(
                "the study cannot be used as it is, see above", file=str(made.path),
                mend=f"Correct it, then: geosettle run {made.path}",
            )  # fmt: skip
        source = str(made.path)
    if options.replay:
        if options.mask or options.lang or layer_options:
            raise InputError(
                "--replay takes mask, language and reading of files from the manifest",
                mend="Leave --mask, --lang and what says how files are read out.",
            )
        with _progress(options) as step:
            lines = outputs.replay(Path(options.replay), out, source=source, progress=step)
        show("\n".join(lines))
        return DONE
    with _progress(options) as step:
        written = outputs.run(
            source,
            out,
            lang=options.lang,
            mask_households=options.mask,
            workers=_WORKERS,
            progress=step,
            layers=None if files else layer_options,
        )
    show("\n".join(written.summary))
    for failure in written.failures:
        warn(f"warning: {failure}")
    incomplete = written.rows_set_aside or written.failures
    return SET_ASIDE if options.strict and incomplete else DONE


def _check(options: argparse.Namespace) -> int:
    from geosettle.io import check_path  # noqa: PLC0415
    from geosettle.problem_groups import group_lines, line_of  # noqa: PLC0415
    from geosettle.problems import Problem  # noqa: PLC0415

    found = check_path(
        options.path,
        options.role,
        region=options.region,
        at=options.at,
        options=reading.for_role(options, options.role),
        layers=reading.for_layers(options),
    )
    fatal = [problem for problem in found["problems"] if problem["severity"] == "fatal"]
    if options.json:
        show(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        shown = [Problem(**problem) for problem in found["problems"] if problem not in fatal]
        for line in group_lines(shown, None if options.all else _LINES):
            show(line)
        show(
            f"{options.path}: {found['status']}; {found['rows_ok']} of {found['rows_in']} rows can "
            "be used"
        )
    for problem in fatal:
        warn(line_of(Problem(**problem)))
    if found["status"] == "rejected":
        return WRONG
    return SET_ASIDE if options.strict and found["rows_ok"] < found["rows_in"] else DONE


def _init(options: argparse.Namespace) -> int:
    from geosettle.io import write_template  # noqa: PLC0415

    folder = Path(options.folder)
    if options.fetch and not options.files:
        raise InputError("--fetch needs a table of sites", mend="Name it: init DIR sites.xlsx.")
    if options.files:
        with _progress(options) as step:
            more = fetch.boundaries_for(options.files, options, step) if options.fetch else []
            taking.take(
                [*options.files, *more], folder, ask=not options.yes, step=step, copy=options.copy,
                every=options.all, layer_options=reading.for_layers(options),
            )  # fmt: skip
            if options.fetch:
                fetch.after_init(options, step)
        show(f"\nStudy: {folder / 'study.toml'}. Look through it, then: geosettle run {folder}")
        return DONE
    write_template(folder)
    show(
        f"A made-up study is in {folder}. Put your own files in its place, then: geosettle run "
        f"{folder}"
    )
    return DONE


def _fetch(options: argparse.Namespace) -> int:
    with _progress(options) as step:
        fetch.run(options, step)
    return DONE


def _distances(options: argparse.Namespace) -> int:
    with _progress(options) as step:
        return distances.measure(
            options,
            read=lambda path, role: _layer(path, role, options),
            step=step,
            block_rows=_BLOCK_ROWS,
        )


def _reach(options: argparse.Namespace) -> int:
    with _progress(options) as step:
        return reach.measure(
            options, read=lambda path, role: _layer(path, role, options), step=step
        )


def _overlay(options: argparse.Namespace) -> int:
    from geosettle.covers import overlay_table  # noqa: PLC0415

    with _progress(options) as step:
        step("reading")
        parts = in_parts.asked(options)
        if not parts:
            check_out(options.out)
        zones = _places(options.zones, options)
        options.around = [zones]
        zones = _by_zone_id(zones, options.zones)
        cover = _places(options.cover, options, areas=True)
        if parts:
            from geosettle.jobs import overlay_job  # noqa: PLC0415

            inputs = in_parts.digests(
                {} if hasattr(cover, "geometry") else {"cover": options.cover}
            )
            job = overlay_job(zones, cover, options.by, options.buffer_km, inputs=inputs)
            return in_parts.write(job, options, step)
        step("measuring")
        table = overlay_table(zones, cover, by=options.by, buffer_km=options.buffer_km)
        with table_file(options.out, partial(_zones, zones)) as write:
            write(table)
    return DONE


def _by_zone_id(zones: Any, path: str) -> Any:
    """Index zones by their column `zone_id`, where they have one."""
    if "zone_id" not in zones:
        return zones
    if twice := zones["zone_id"][zones["zone_id"].duplicated()].tolist():
        raise InputError("two zones have one zone_id", file=path, value=twice[0])
    return zones.set_index("zone_id")


def _layer(path: str, role: str | None, options: argparse.Namespace) -> Any:
    """Read a file of the caller; name rows that cannot be used on standard error."""
    from geosettle.io import read_any, read_layer  # noqa: PLC0415
    from geosettle.io.osm import surroundings  # noqa: PLC0415
    from geosettle.io.study import AROUND, all_placed, read_rows  # noqa: PLC0415
    from geosettle.io.validation import spec_of  # noqa: PLC0415
    from geosettle.problem_groups import line_of  # noqa: PLC0415

    if role is None:
        found: list[Any] = []
        frame = read_any(path, problems=found, options=reading.for_role(options, None))
        errors = {p.row: p for p in found if p.severity == "error"}
        for problem in list(errors.values())[:10]:
            warn(line_of(problem))
        if errors:
            warn(f"{path}: {len(errors)} rows were set aside.")
        _check_rows(path, frame)
        return frame
    layer_options = reading.for_role(options, role)
    ends = [frame for frame in getattr(options, "around", ()) if hasattr(frame, "geometry")]
    around = [frame.geometry.to_numpy() for frame in ends]
    window = surroundings(around) if around else None
    if spec_of(role).geometries == ("raster",):
        return read_layer(
            path, role, crs=layer_options.crs, constants=layer_options.constants, window=window
        )
    if role in AROUND and all_placed(ends):
        layer_options = replace(layer_options, window=window)
    checked = read_rows(Path(path), role, layer_options)
    if fatal := [problem for problem in checked.problems if problem.severity == "fatal"]:
        raise InputError(" ".join(p.message for p in fatal), file=path, mend=fatal[0].mend)
    for problem in [p for p in checked.problems if p.severity == "error"][:10]:
        warn(line_of(problem))
    if lost := checked.rows_in - len(checked.frame):
        warn(f"{path}: {lost} of {checked.rows_in} rows were set aside.")
    _check_rows(path, checked.frame)
    return checked.frame


def _check_rows(path: str, layer: Any) -> None:
    """Refuse a file of which no row can be used: an empty result would look like an answer."""
    if hasattr(layer, "index") and not len(layer):
        raise InputError("no row can be used", file=path, mend="See why, above, and correct them.")


def _places(path: str, options: argparse.Namespace, *, areas: bool = False) -> Any:
    """Read a layer that has positions, or a raster; a cover must have areas."""
    from geosettle.io.check import guess_role  # noqa: PLC0415
    from geosettle.raster import Raster  # noqa: PLC0415

    layer = _layer(path, guess_role(Path(path), reading.for_role(options, None)), options)
    if isinstance(layer, Raster):
        return layer
    if not hasattr(layer, "geom_type"):
        raise InputError(
            "the file holds no positions", file=path, mend="Give polygons, points or a raster."
        )
    if areas and not layer.geom_type.isin(["Polygon", "MultiPolygon"]).any():
        raise InputError(
            "the cover holds no areas", file=path, mend="Give polygons or a raster of classes."
        )
    return layer


def _map(options: argparse.Namespace) -> int:
    from geosettle import outputs  # noqa: PLC0415

    with _progress(options) as step:
        path = outputs.write_map(
            options.study,
            Path(options.out),
            lang=options.lang,
            basemap=options.basemap,
            progress=step,
            layers=reading.for_layers(options),
        )
    show(f"Map: {path}")
    return DONE


def _qgis(commands: Any, options: argparse.Namespace) -> int:
    qgis.run(options, commands)
    return DONE


def _diff(options: argparse.Namespace) -> int:
    from geosettle import outputs  # noqa: PLC0415

    show("\n".join(outputs.diff(Path(options.first), Path(options.second))))
    return DONE


_BLOCK_ROWS: Final = 500_000


def _zones(zones: Any, table: pd.DataFrame) -> Any:
    """Give every row of an overlay the polygon of its zone, or its disc."""
    import geopandas as gpd  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    from geosettle.geodesy import disc  # noqa: PLC0415

    rows = table.reset_index()
    shapes = zones.geometry.to_crs(4326)
    shapes.index = shapes.index.astype(str)
    outlines = shapes.reindex(rows["zone_id"].astype(str)).to_numpy()
    for at, km in enumerate(rows["radius_km"].to_numpy(float)):
        if np.isfinite(km) and outlines[at] is not None:
            point = outlines[at].representative_point()
            outlines[at] = disc(point.x, point.y, km * 1000)
    return gpd.GeoDataFrame(table, geometry=outlines, crs="EPSG:4326")


@contextmanager
def _progress(options: argparse.Namespace) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, in a pipe only if asked for."""
    if options.verbose:
        begun = time.monotonic()
        yield lambda text: warn(f"{time.monotonic() - begun:6.1f} s  {text}")
        return
    if options.quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting")
        yield lambda text: bar.update(task, description=escape(plain(text)))


def _region(text: str) -> tuple[float, float, float, float] | str:
    if text.strip().lower() == "none":
        return "none"
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not W,S,E,N in degrees, nor none") from None
    return west, south, east, north


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number greater than 0")
    return value
