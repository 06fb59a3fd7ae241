"""Options of commands that write a folder in parts, and what is done with them."""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from geosettle.cli.streams import show, warn
from geosettle.errors import InputError

if TYPE_CHECKING:
    from geosettle.jobs import Job

PARTS_SET_ASIDE: Final = 3
_LISTED: Final = 10
_MINUTE: Final = 60
_MANY_PARTS: Final = 40
"""Parts from which a terminal is told before what comes: to measure some is little of the work."""


_DIR: Final = "With -o DIR/: GeoParquet files, one for each part of the map."


def add_options(
    command: argparse.ArgumentParser, whole: Callable[[str], int], text: str = _DIR
) -> None:
    """Add the options to a command; `whole` reads a number above zero."""
    group = command.add_argument_group(
        "a folder in parts",
        f"{text} A second start with the same command makes only what is missing or has changed.",
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument("--workers", type=whole, metavar="N", help="processes that make parts")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers make parts"
    )

    group.add_argument(
        "--plan",
        action="store_true",
        help="only say how many parts there are, and what time, memory and disk they take",
    )
    group.add_argument(
        "--memory", type=whole, metavar="GB", help="take fewer workers where they need more"
    )


def asked(options: argparse.Namespace) -> bool:
    """Whether a call writes a folder in parts.

    Raises
    ------
    InputError
        It has options of a folder, and none to write.
    """
    out = options.out
    folder = out is not None and out.endswith(("/", "\\"))
    for name in ("workers", "scheduler", "plan", "memory"):
        if getattr(options, name) and not folder:
            raise InputError(
                f"--{name} goes with a folder to write in parts", mend="Name one: -o DIR/."
            )
    return folder


def digests(paths: Mapping[str, str]) -> dict[str, str]:
    """Hash what files hold."""
    out = {}
    for name, path in paths.items():
        with Path(path).open("rb") as handle:
            out[name] = hashlib.file_digest(handle, "sha256").hexdigest()
    return out


def write(job: Job, options: argparse.Namespace, step: Callable[[str], None]) -> int:
    """Make the parts of a job that are missing; the exit code."""
    from geosettle.jobs import engine_on, estimate, run_job  # noqa: PLC0415
    from geosettle.jobs.run import duration  # noqa: PLC0415

    workers = options.workers or 1
    many = len(job.parts) >= _MANY_PARTS and not options.scheduler and sys.stderr.isatty()
    if options.plan or options.memory or many:
        step("measuring some parts")
        plan = estimate(job, workers)
        workers = _fitting(plan["memory"] / 1e9, workers, options.memory)
        seconds = plan["seconds"] * (options.workers or 1) / workers
        what = {"overlay": "zones", "reach": "sites"}.get(job.kind, "pairs")
        text = (
            f"{plan['parts']:,} part{'s' * (plan['parts'] != 1)} with {plan['units']:,} {what}: "
            f"about {duration(seconds)} with {workers} worker{'s' * (workers > 1)} of at most "
            f"{plan['memory'] / 1e9:.1f} GB, and {plan['bytes'] / 1e6:,.1f} MB on disk."
        )
        if options.plan:
            show(f"{text} Nothing was written.")
            return 0
        if seconds > _MINUTE:
            show(text, sys.stderr)
    step("making parts")
    engine = engine_on(workers, options.scheduler)
    done = run_job(job, options.out, engine, progress=step)
    for name, why in list(done.set_aside.items())[:_LISTED]:
        warn(f"part {name} was set aside: {why}")
    made = done.parts - done.kept - len(done.set_aside)
    show(
        f"{options.out}: {done.rows:,} rows in {made + done.kept} parts, {done.kept} of them from "
        f"before; {len(done.set_aside)} were set aside."
    )
    return PARTS_SET_ASIDE if done.set_aside else 0


def _fitting(each: float, workers: int, most: int | None) -> int:
    """As many of the workers, GB each, as fit into GB; the first process is one more of them."""
    if most is None or math.isnan(each):
        return workers
    if each > most:
        raise InputError(
            f"a worker needs about {each:.1f} GB, more than --memory allows", value=most,
            mend="Allow more, or give fewer rows at a time, or coarser rasters.",
        )  # fmt: skip
    return max(1, min(workers, int(most / each) - 1))
