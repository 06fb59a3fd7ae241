"""The command `reach`: its options, and what it does with them.

Nothing heavy is imported to parse.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geosettle import __version__
from geosettle.cli import in_parts, reading
from geosettle.cli.distances import take_settings
from geosettle.cli.streams import show, warn
from geosettle.cli.tables import table_file
from geosettle.errors import InputError, MissingLayerError

if TYPE_CHECKING:
    from geosettle.reach import Allocation

_ROLES: Final = {
    "dem": "elevation raster",
    "landcover": "raster of classes",
    "friction": "raster of the time for a metre, instead of --dem; with its unit: --set "
    "friction:unit=min/m",
    "barriers": "lines and areas that cannot be crossed on foot",
    "roads": "roads to ride on",
    "places": "places that a table of road lengths refers to",
    "population": "raster of counts of persons: how many are within the hours",
    "boundaries": "administrative units, by which persons are counted",
}
_GROUND: Final = ("dem", "landcover", "friction", "barriers", "roads", "places")


_PARTS: Final = (
    "With any of these GeoParquet files and rasters, one for each part of the map, are written to "
    "DIR.parts, then joined in DIR."
)


def add_options(
    command: argparse.ArgumentParser, whole: Callable[[str], int], number: Callable[[str], float]
) -> None:
    """Add the options to the command; `whole` and `number` read numbers above zero."""
    command.add_argument("--sites", metavar="FILE", help="sites, or any services")
    for role, text in _ROLES.items():
        command.add_argument(f"--{role}", metavar="FILE", help=text)
    command.add_argument(
        "--hours", type=number, nargs="+", default=[0.5, 1.0, 2.0], metavar="H",
        help="limits of the catchments (default: 0.5 1 2)",
    )  # fmt: skip
    command.add_argument(
        "--direction", choices=("toward", "from"), default="toward",
        help="toward the sites (default), or from them: slopes make the two differ",
    )  # fmt: skip
    command.add_argument(
        "--rural-access", type=number, nargs="?", const=2.0, metavar="KM",
        help="share of the persons within KM (default: 2) of an all-season road, by unit (Rural "
        "Access Index, SDG 9.1.1); needs --roads and --population, no sites and no elevation",
    )  # fmt: skip
    command.add_argument("--model", metavar="NAME", help="speed on foot by slope (walk.model)")
    command.add_argument(
        "--each", action="store_true", help="also a time raster and catchments of each site"
    )
    command.add_argument(
        "--settings", metavar="FILE", help="a study.toml; its tables walk and road count"
    )
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="one setting, such as walk.neighbours=32, or one value of a column for all rows, such "
        "as population:unit=persons; may be given again",
    )  # fmt: skip
    reading.add_options(command, constants=False)
    command.add_argument(
        "-o", "--out", metavar="DIR",
        help="folder to write; without it a table as CSV on standard output",
    )  # fmt: skip
    in_parts.add_options(command, whole, _PARTS)


def measure(
    options: argparse.Namespace,
    *,
    read: Callable[[str, str | None], Any],
    step: Callable[[str], None],
) -> int:
    """Measure who reaches the sites, as the options ask; the exit code.

    Parameters
    ----------
    options
        Parsed options.
    read
        ``f(path, role)``: a layer.
    step
        Called with a few words before each long step.
    """
    from geosettle.reach import rough_positions, travel_allocation  # noqa: PLC0415  (the engine)
    from geosettle.reach.times import within  # noqa: PLC0415

    if options.rural_access:
        return _rural_access(options, read, step)
    parts = any((options.workers, options.scheduler, options.plan, options.memory))
    inputs, layers = _inputs(options, read, step, parts=parts)
    made: dict[str, Any] = {}
    if parts:
        code = _in_parts(options, inputs, layers, made, step)
        if not made:
            return code
        found = made.pop("found")
    else:
        step("measuring")
        found = travel_allocation(inputs["sites"], away=options.direction == "from", **layers)
    for name, why in found.why[found.why != ""].items():
        warn(f"{options.sites}: {name} is left out: {why}.")
    if rough := rough_positions(inputs["sites"]):
        warn(f"{options.sites}: {rough}.")
    tables = _tables(found, inputs, options, step, parts=parts)
    if options.out is None:
        with table_file(None) as write:
            write(tables.get("population", tables["catchments"]))
        return 0
    step("writing")
    if parts:  # hours farther beyond the last may be too long
        found = replace(found, time=within(found.time, max(options.hours)))
    _write(options, inputs, layers, found, tables | made)
    return 0


def _inputs(
    options: argparse.Namespace,
    read: Callable[[str, str | None], Any],
    step: Callable[[str], None],
    *,
    parts: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read all layers that are given; and those to travel over, with the settings."""
    if options.sites is None:
        raise MissingLayerError("reach needs sites", mend="Add --sites FILE.")
    if options.dem is None and options.friction is None:
        raise MissingLayerError("reach needs the layer dem", mend="Add --dem or --friction FILE.")
    if parts and options.out is None:
        raise InputError("parts are written to a folder", mend="Name one: -o DIR.")
    options.speed = None
    if options.model:
        options.set.append(f'walk.model="{options.model}"')
    settings = take_settings(options)
    step("reading")
    inputs: dict[str, Any] = {"sites": read(options.sites, "sites")}
    options.around = [inputs["sites"]]
    for role in (name for name in _ROLES if getattr(options, name)):
        inputs[role] = read(getattr(options, role), role)
    layers: dict[str, Any] = {name: inputs[name] for name in _GROUND if name in inputs}
    layers["options"] = {"walk": dict(settings.walk), "road": dict(settings.road)}
    return inputs, layers


def _tables(
    found: Allocation,
    inputs: dict[str, Any],
    options: argparse.Namespace,
    step: Callable[[str], None],
    *,
    parts: bool,
) -> dict[str, Any]:
    """Catchments of all sites together, and where there is a population the persons in them."""
    from geosettle.reach import catchments, persons_by, unreached_groups  # noqa: PLC0415
    from geosettle.reach.times import within  # noqa: PLC0415

    tables: dict[str, Any] = {"catchments": catchments(found.time, options.hours)}
    if "population" in inputs:
        step("counting persons")
        people, some = inputs["population"], (inputs["sites"], inputs.get("boundaries"))
        table = persons_by(found, people, options.hours, *some)
        tables["population"] = table.set_index(["by", "area_id"])
        limit = max(options.hours)
        sought = {"time": within(found.time, limit), "sought_h": limit} if parts else {}
        tables["unreached"] = unreached_groups(
            **{"time": found.time, "population": people, "hours": limit, **sought},
            sites=inputs["sites"],
        )
    return tables


def _in_parts(
    options: argparse.Namespace,
    inputs: dict[str, Any],
    layers: dict[str, Any],
    made: dict[str, Any],
    step: Callable[[str], None],
) -> int:
    """Make the parts that are missing and join them in `made`, if none is set aside."""
    import geopandas as gpd  # noqa: PLC0415

    from geosettle.distance import Context  # noqa: PLC0415
    from geosettle.jobs.reach import joined, reach_job, site_files  # noqa: PLC0415

    folder = Path(f"{Path(options.out)}.parts")
    files = {role: getattr(options, role) for role in inputs if role in {*_GROUND, "population"}}
    job = reach_job(
        inputs["sites"], options.hours, away=options.direction == "from",
        context=Context(**layers), population=inputs.get("population"), each=options.each,
        inputs=in_parts.digests(files),
    )  # fmt: skip
    asked = argparse.Namespace(**{**vars(options), "out": str(folder)})
    code = in_parts.write(job, asked, step)
    if options.plan or code:
        return code
    step("joining the parts")
    rows = gpd.read_parquet(folder).set_crs(4326, allow_override=True)
    rows = rows.set_index(["site_id", "hours"]).sort_index()
    made["found"] = joined(job, folder, inputs["sites"])
    made["site_catchments"] = rows[rows["why"] == ""].drop(columns="why")
    made["sites"] = made["found"].why.rename_axis("site_id").to_frame()
    if options.each:
        names = site_files(job, inputs["sites"])
        made["sites"]["file"] = [
            "" if why else f"../{folder.name}/{names[name]}"
            for name, why in made["sites"]["why"].items()
        ]
    return code


def _rural_access(
    options: argparse.Namespace, read: Callable[[str, str | None], Any], step: Callable[[str], None]
) -> int:
    """Write the Rural Access Index of everybody and of the units of each level as one table."""
    from geosettle.reach.rural import rural_access_by  # noqa: PLC0415  (loads the engine)

    for role in ("roads", "population"):
        if getattr(options, role) is None:
            raise MissingLayerError(
                f"--rural-access needs the layer {role}", mend=f"Add --{role} FILE."
            )
    step("reading")
    people = read(options.population, "population")
    roads = read(options.roads, "roads")
    units = read(options.boundaries, "boundaries") if options.boundaries else None
    step("counting persons")
    table = rural_access_by(people, roads, units, options.rural_access)
    with table_file(options.out) as write:
        write(table.set_index(["by", "area_id"]))
    return 0


def _write(
    options: argparse.Namespace,
    inputs: dict[str, Any],
    layers: dict[str, Any],
    found: Allocation,
    tables: dict[str, Any],
) -> None:
    """Write rasters, polygons and tables to the folder, all at once."""
    from geosettle.io import cog_bytes, csv_bytes, staged_folder, write_gpkg_bytes  # noqa: PLC0415
    from geosettle.reach import catchments, service_areas  # noqa: PLC0415

    files = {
        name: hashlib.sha256(Path(getattr(options, name)).read_bytes()).hexdigest()
        for name in inputs
        if Path(getattr(options, name)).is_file()
    }
    facts = {
        "GEOSETTLE": __version__,
        "DIRECTION": options.direction,
        "SETTINGS": json.dumps(layers["options"], sort_keys=True, default=list),
        **{f"INPUT_{name.upper()}": f"sha256 {digest}" for name, digest in files.items()},
    }
    sites = tables.pop("sites", found.why.rename_axis("site_id").to_frame())
    if "name" in inputs["sites"]:
        sites.insert(0, "name", inputs["sites"]["name"].reindex(sites.index))
    with staged_folder(options.out) as stage:
        what = {"TITLE": f"hours {options.direction} the nearest site"}
        stage.write("time.tif", cog_bytes(found.time, facts | what))
        names = json.dumps({str(k): v for k, v in found.first.classes.items()}, ensure_ascii=False)
        what = {"TITLE": "number of the site that is first", "SITES": names}
        stage.write("allocation.tif", cog_bytes(found.first, facts | what))
        tables["service_areas"] = service_areas(found)
        if options.each and "site_catchments" not in tables:
            tables["site_catchments"] = catchments(
                _each(options, inputs["sites"], layers, facts, stage), options.hours
            )
            sites["file"] = [
                "" if why else f"times/{n:05d}.tif" for n, why in enumerate(sites["why"], start=1)
            ]
        tables["sites"] = sites
        for name, table in sorted(tables.items()):
            stage.write(f"{name}.csv", csv_bytes(table))
        shapes = {k: v for k, v in tables.items() if hasattr(v, "geometry")}
        stage.write("reach.gpkg", write_gpkg_bytes(shapes))
        manifest = {
            "geosettle": __version__, "command": "reach", "hours": options.hours,
            "direction": options.direction, "parameters": layers["options"],
            "inputs": {name: {"sha256": digest} for name, digest in files.items()},
            "outputs": dict(sorted(stage.digests.items())),
        }  # fmt: skip
        text = json.dumps(manifest, ensure_ascii=False, indent=2, default=list)
        stage.write("manifest.json", text.encode() + b"\n")
    show(f"{options.out} is written.")


def _each(
    options: argparse.Namespace, sites: Any, layers: dict[str, Any], facts: Any, stage: Any
) -> Iterator[tuple[str, Any]]:
    """Time raster of each site, written on the way: hours up to a little above the last limit."""
    from geosettle.io import cog_bytes  # noqa: PLC0415
    from geosettle.reach import site_times  # noqa: PLC0415
    from geosettle.reach.times import within  # noqa: PLC0415

    numbers = {str(name): n for n, name in enumerate(sorted(sites.index.astype(str)), start=1)}
    limit, away = max(options.hours), options.direction == "from"
    for name, time in site_times(sites, away=away, limit_h=limit, **layers):
        what = {"TITLE": f"hours {options.direction} the site {name}", "SITE": name}
        stage.write(f"times/{numbers[name]:05d}.tif", cog_bytes(within(time, limit), facts | what))
        yield name, time
