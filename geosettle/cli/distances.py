"""The command `distances`: its options, and what it does with them.

Nothing heavy is imported to parse.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geosettle.cli import in_parts, reading
from geosettle.cli.tables import ENDINGS, check_out, table_file
from geosettle.errors import InputError, MissingLayerError, UnknownNameError
from geosettle.settings import Settings, decode

if TYPE_CHECKING:
    import pandas as pd


_SECTIONS: Final = ("distance", "walk", "road", "scenario")
"""Tables of a study.toml that say how distances are measured."""


def add_options(
    command: argparse.ArgumentParser, whole: Callable[[str], int], number: Callable[[str], float]
) -> None:
    """Add the options to the command; `whole` and `number` read numbers above zero."""
    command.add_argument("--origins", required=True, metavar="FILE")
    command.add_argument("--sites", required=True, metavar="FILE")
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--flows",
        metavar="FILE",
        help="the pairs to measure; without it every origin with every site",
    )
    which.add_argument(
        "--nearest", type=whole, metavar="K", help="the K nearest sites of each origin"
    )
    which.add_argument("--k", dest="nearest", type=whole, metavar="K", help="the same as --nearest")
    which.add_argument(
        "--within", type=number, metavar="KM", help="the sites within KM of each origin"
    )
    which.add_argument(
        "--within-km", dest="within", type=number, metavar="KM", help="the same as --within"
    )
    which.add_argument(
        "--within-h",
        type=number,
        metavar="H",
        help="the sites within H hours, by a metric in hours",
    )
    which.add_argument(
        "--matrix", action="store_true", help="origins x sites, one metric, in km or h"
    )
    command.add_argument(
        "--max-km", type=number, metavar="KM", help="with --nearest: none farther than this"
    )
    command.add_argument(
        "--max-h", type=number, metavar="H", help="with --nearest: none that takes longer"
    )
    command.add_argument(
        "--metric",
        nargs="+",
        default=["geodesic"],
        metavar="M",
        help="geodesic (default), surface, walk, road, travel",
    )
    command.add_argument(
        "--dem", metavar="FILE", help="elevation raster, for surface, walk and travel"
    )
    command.add_argument(
        "--landcover", metavar="FILE", help="raster of classes, for walk and travel"
    )
    command.add_argument(
        "--friction",
        metavar="FILE",
        help="raster of the time for a metre, for walk and travel instead of --dem; with its unit: "
        "--set friction:unit=min/m",
    )
    command.add_argument(
        "--barriers",
        metavar="FILE",
        help="lines and areas that cannot be crossed on foot, for walk and travel",
    )
    command.add_argument("--roads", metavar="FILE", help="roads, for road and travel")
    command.add_argument(
        "--places", metavar="FILE", help="places that a table of road lengths refers to"
    )
    command.add_argument(
        "--boundaries",
        metavar="FILE",
        help="units that positions are drawn within, for --intervals",
    )
    command.add_argument(
        "--speed", type=number, metavar="KMH", help="speed of roads that say none (road.speed_kmh)"
    )
    command.add_argument(
        "--settings",
        metavar="FILE",
        help="a study.toml; its tables distance, walk, road and scenario count",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting, such as road.season=winter or walk.closed_classes=[17], or one value of "
        "a"
        " column for all rows, such as sites:year=2019; may be given again",
    )
    reading.add_options(command, constants=False)
    command.add_argument(
        "--intervals", metavar="FILE", help="also write the interval of every pair and metric"
    )
    command.add_argument(
        "--scenarios",
        metavar="FILE",
        help="also write the pairs under the scenarios of the settings",
    )
    command.add_argument(
        "--paths",
        metavar="FILE",
        help="also write the ways of walk, road and travel as lines, out and back (.gpkg, .geojson,"
        " .parquet)",
    )
    command.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help=f"file to write ({ENDINGS}; lines in the last two), or a folder (DIR/) to write in "
        "parts; without it CSV on standard output",
    )
    in_parts.add_options(command, whole)


def measure(
    options: argparse.Namespace,
    *,
    read: Callable[[str, str | None], Any],
    step: Callable[[str], None],
    block_rows: int,
) -> int:
    """Measure what the options ask for; the exit code.

    Parameters
    ----------
    options
        Parsed options.
    read
        ``f(path, role)``: a layer.
    step
        Called with a few words before each long step.
    block_rows
        Pairs measured at a time.
    """
    from geosettle.distance import Context, distance_table, least_cost_paths  # noqa: PLC0415  (loads the engine)
    from geosettle.tables.rounding import round_by_interval, round_pairs  # noqa: PLC0415

    parts = in_parts.asked(options)
    if not parts:
        check_out(options.out, shapes=not options.matrix)
    for path in (options.intervals, options.scenarios):
        check_out(path)
    check_out(options.paths, tables=False)
    metrics, settings = _metrics(options), take_settings(options)
    step("reading")
    roles = (
        *("origins", "sites", "flows", "dem", "landcover", "friction", "barriers", "roads"),
        *("places", "boundaries"),
    )
    inputs: dict[str, Any] = {}
    for role in (name for name in roles if getattr(options, name)):
        # Of a raster too large to be read only what surrounds these places is.
        options.around = [inputs[name] for name in ("origins", "sites") if name in inputs]
        inputs[role] = read(getattr(options, role), role)
    origins, sites, boundaries = (
        inputs.pop(role, None) for role in ("origins", "sites", "boundaries")
    )
    flows = inputs.pop("flows", None)
    layers = {**inputs, "options": {"walk": dict(settings.walk), "road": dict(settings.road)}}
    layers = {"context": Context(**layers)}  # what is prepared serves all blocks
    origins = origins.sort_index()
    chosen = {
        "nearest": options.nearest,
        "within_km": options.within or options.max_km,
        "within_h": options.within_h or options.max_h,
        "metrics": metrics,
        "detour_range": settings.distance.detour_range_ratio,
        "rough_share": settings.distance.rough_share,
        **layers,
    }
    if parts:
        from geosettle.jobs import distances_job  # noqa: PLC0415

        digests = in_parts.digests({role: getattr(options, role) for role in inputs})
        job = distances_job(origins, sites, flows=flows, inputs=digests, **chosen)
        return in_parts.write(job, options, step)
    step("measuring")
    if options.matrix:
        _matrix(options, origins, sites, metrics, layers, block_rows=block_rows)
        return 0
    # Every origin with every site may be more rows than fit: some origins at a time, in the order
    # of their ids.
    each = min(options.nearest or len(sites), len(sites))
    size = len(origins) if flows is not None else max(1, block_rows // max(1, each))
    starts = range(0, max(1, len(origins)), max(1, size))
    shapes, rounded = partial(_lines, origins, sites), partial(round_pairs, exact=True)
    by_interval = partial(round_by_interval, values=("low", "median", "high"), exact=True)
    with ExitStack() as stack:
        drawn, compared = (
            stack.enter_context(table_file(path, shapes, rounded=by_interval)) if path else None
            for path in (options.intervals, options.scenarios)
        )
        drawing = table_file(options.paths, _ways, drawn=True)
        found = stack.enter_context(drawing) if options.paths else None
        write = stack.enter_context(table_file(options.out, shapes, rounded=rounded))
        for i in starts:
            some = origins.iloc[i : i + size]
            table = distance_table(some, sites, flows=flows, **chosen)
            pairs = table.index.to_frame(index=False)
            pairs = pairs[pairs["site_id"] != ""]
            if drawn:
                made = _intervals(pairs, some, sites, metrics, settings, boundaries, table, layers)
                drawn(made)
            if compared:
                compared(_scenarios(pairs, some, sites, metrics, settings, layers))
            if found:
                found(least_cost_paths(pairs, some, sites, _with_ways(metrics), **layers))
            write(_named(table, origins, sites))
    return 0


def _named(table: pd.DataFrame, origins: Any, sites: Any) -> pd.DataFrame:
    """Add the names of origins and sites after ids and rank, where the files give names."""
    after = int("rank" in table)
    for at, (end, frame) in enumerate((("origin", origins), ("site", sites)), start=after):
        if "name" not in frame or frame["name"].isna().all():
            continue
        ids = table.index.get_level_values(f"{end}_id")
        names = frame["name"].reindex(ids).to_numpy()
        table.insert(min(at, len(table.columns)), f"{end}_name", names)
    return table


def _lines(origins: Any, sites: Any, table: pd.DataFrame) -> Any:
    """Give every pair the straight line from its origin to its site.

    A pair with an end of unknown position has an empty one.
    """
    import geopandas as gpd  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    from geosettle.crs import within_180  # noqa: PLC0415

    ends = []
    keys = table.reset_index()
    for end, frame in (("origin", origins), ("site", sites)):
        inner = frame.geometry.to_crs(4326).representative_point()
        ids = keys[f"{end}_id"]
        ends.append(inner.get_coordinates().reindex(ids).to_numpy(float, copy=True))
    ends[1][:, 0] -= 360 * np.round((ends[1][:, 0] - ends[0][:, 0]) / 360)  # the short way round
    whole = np.isfinite(np.stack(ends, axis=1)).all(axis=(1, 2))
    lines = np.full(len(table), shapely.LineString(), dtype=object)
    lines[whole] = within_180(shapely.linestrings(np.stack(ends, axis=1)[whole]))
    return gpd.GeoDataFrame(table, geometry=lines, crs="EPSG:4326")


def _metrics(options: argparse.Namespace) -> tuple[str, ...]:
    """Metrics asked for, each with its layers given."""
    from geosettle.distance import METRICS, WAYS  # noqa: PLC0415

    metrics = tuple(dict.fromkeys(options.metric))
    for name in metrics:
        if name not in METRICS:
            raise UnknownNameError(
                "there is no such metric", value=name, mend=f"Use one of {', '.join(METRICS)}."
            )
        for need in METRICS[name].lacking(options):
            other = METRICS[name].instead.get(need)
            more = f" or --{other} FILE" if other else ""
            raise MissingLayerError(
                f"the metric {name} needs the layer {need}", mend=f"Add --{need} FILE{more}."
            )
    if options.matrix and len(metrics) > 1:
        raise InputError(
            "a matrix has one metric", value=" ".join(metrics), mend="Ask for one after the other."
        )
    if (options.max_km or options.max_h) and not options.nearest:
        raise InputError(
            "--max-km and --max-h go with --nearest", mend="Use --within KM or --within-h H."
        )
    more = options.intervals or options.scenarios or options.paths
    if in_parts.asked(options) and (options.matrix or more):
        raise InputError(
            "--matrix, --intervals, --scenarios and --paths are not written in parts",
            mend="Leave them out, or name a file after -o.",
        )
    if options.matrix and more:
        raise InputError(
            "a matrix has no intervals, scenarios or paths", mend="Leave --matrix out."
        )
    if options.paths and not _with_ways(metrics):
        mend = f"Add --metric with one of {', '.join(WAYS)}."
        raise InputError("none of the metrics has ways", value=" ".join(metrics), mend=mend)
    return metrics


def _with_ways(metrics: Sequence[str]) -> list[str]:
    from geosettle.distance import WAYS  # noqa: PLC0415

    return [name for name in metrics if name in WAYS]


def _ways(paths: pd.DataFrame) -> Any:
    """Give the paths, which have lines, by their pair."""
    return paths.set_index(["origin_id", "site_id"])


def take_settings(options: argparse.Namespace) -> Settings:
    """Defaults, over them the file's tables, over them what the call sets.

    What is no setting stays in `options.set`: it is read with the files.
    """
    stated: dict[str, Any] = {}
    if options.settings:
        found = _toml(Path(options.settings))
        stated = {name: found[name] for name in _SECTIONS if name in found}
    for text in filter(_is_setting, options.set):
        _lay_over(stated, _setting(text))
    options.set = [text for text in options.set if not _is_setting(text)]
    if options.speed:
        _lay_over(stated, {"road": {"speed_kmh": options.speed}})
    return decode(stated, file=options.settings or "")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the settings cannot be read: {error}", file=str(path)) from None


def _is_setting(text: str) -> bool:
    """Whether a NAME=VALUE is a setting (road.season=winter), not a constant of a column."""
    return "." in text.partition("=")[0] or "=" not in text


def _setting(text: str) -> dict[str, Any]:
    """Read NAME=VALUE; a value that is no TOML is text."""
    name, sign, value = text.partition("=")
    section = name.strip().partition(".")[0]
    if not sign or section not in _SECTIONS or "." not in name:
        mend = f"Write NAME=VALUE with a name in {', '.join(_SECTIONS)}, such as road.speed_kmh=60."
        raise InputError("--set cannot be read", value=text, mend=mend)
    for noted in (value, f'"{value.strip()}"'):
        try:
            return tomllib.loads(f"{name} = {noted}")
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
    raise InputError(
        "--set cannot be read", value=text, mend="Write NAME=VALUE as in a study.toml."
    )


def _lay_over(base: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(base.get(name), dict):
            _lay_over(base[name], value)
        else:
            base[name] = value


def _matrix(
    options: argparse.Namespace,
    origins: Any,
    sites: Any,
    metrics: tuple[str, ...],
    layers: Mapping[str, Any],
    *,
    block_rows: int,
) -> None:
    """Write origins x sites, some origins at a time."""
    from geosettle.distance import distance_matrix  # noqa: PLC0415
    from geosettle.tables.rounding import round_matrix  # noqa: PLC0415

    if _is_parquet(options.out):
        distance_matrix(
            origins, sites, metrics[0], out=options.out, block_cells=block_rows, **layers
        )
        return
    size = max(1, block_rows // max(1, len(sites)))
    rounded = partial(round_matrix, origins=origins, sites=sites, exact=True)
    with table_file(options.out, rounded=rounded) as write:
        for i in range(0, max(1, len(origins)), size):
            write(distance_matrix(origins.iloc[i : i + size], sites, metrics[0], **layers))


def _intervals(  # noqa: PLR0917
    pairs: pd.DataFrame,
    origins: Any,
    sites: Any,
    metrics: tuple[str, ...],
    settings: Settings,
    boundaries: Any,
    table: pd.DataFrame,
    layers: Mapping[str, Any],
) -> pd.DataFrame:
    from geosettle.distance import distance_intervals  # noqa: PLC0415

    chosen = settings.distance
    return distance_intervals(
        pairs,
        origins,
        sites,
        metrics,
        level=chosen.level,
        draws=chosen.draws,
        seed=chosen.seed,
        boundaries=boundaries,
        spread=chosen,
        measured=table,
        **layers,
    )


def _scenarios(  # noqa: PLR0917
    pairs: pd.DataFrame,
    origins: Any,
    sites: Any,
    metrics: tuple[str, ...],
    settings: Settings,
    layers: Mapping[str, Any],
) -> pd.DataFrame:
    from geosettle.distance import scenario_table  # noqa: PLC0415

    if not settings.scenario:
        mend = (
            "Name them in the file of --settings, such as [scenario.winter.road] and below it "
            'season = "winter".'
        )
        raise InputError("the settings hold no scenario", mend=mend)
    return scenario_table(pairs, origins, sites, metrics, settings.scenario, **layers)


def _is_parquet(path: str | None) -> bool:
    return path is not None and path.lower().endswith(".parquet")
