"""Options of commands that write a folder in parts, and what is done with them."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from geosettle.cli.streams import show, warn
from geosettle.errors import InputError

if TYPE_CHECKING:
    from geosettle.jobs import Job

PARTS_SET_ASIDE: Final = 3
_LISTED: Final = 10


def add_options(command: argparse.ArgumentParser, whole: Callable[[str], int]) -> None:
    """Add the options to a command; `whole` reads a number above zero."""
    group = command.add_argument_group(
        "a folder in parts",
        "With -o DIR/: GeoParquet files, one for each part of the map. A second start with the same"
        " command makes only what is missing or has changed.",
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument("--workers", type=whole, metavar="N", help="processes that make parts")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers make parts"
    )

    group.add_argument(
        "--plan",
        action="store_true",
        help="only say how many parts there are, and what time and disk they take",
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
    for name in ("workers", "scheduler", "plan"):
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

    if options.plan:
        step("measuring some parts")
        workers = options.workers or 1
        plan = estimate(job, workers)
        what = "zones" if job.kind == "overlay" else "pairs"
        show(
            f"{plan['parts']:,} parts with {plan['units']:,} {what}: about "
            f"{duration(plan['seconds'])} with {workers} worker{'s' * (workers > 1)}, and "
            f"{plan['bytes'] / 1e6:,.1f} MB on disk. Nothing was written."
        )
        return 0
    step("making parts")
    engine = engine_on(options.workers or 1, options.scheduler)
    done = run_job(job, options.out, engine, progress=step)
    for name, why in list(done.set_aside.items())[:_LISTED]:
        warn(f"part {name} was set aside: {why}")
    made = done.parts - done.kept - len(done.set_aside)
    show(
        f"{options.out}: {done.rows:,} rows in {made + done.kept} parts, {done.kept} of them from "
        f"before; {len(done.set_aside)} were set aside."
    )
    return PARTS_SET_ASIDE if done.set_aside else 0
