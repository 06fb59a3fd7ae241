"""`geosettle fetch`: the only command that connects."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from geosettle.cli import reading
from geosettle.cli.streams import show


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "study", nargs="?", metavar="STUDY", help="a study (folder, study.toml or fetch.toml)"
    )
    command.add_argument(
        "--bbox", nargs=4, type=float, metavar=("WEST", "SOUTH", "EAST", "NORTH"),
        help="degrees; without it around sites and origins",
    )  # fmt: skip
    add_how(command)
    command.add_argument(
        "--layers", nargs="+", default=[], metavar="LAYER|SOURCE",
        help="what to fetch; without it the layers that the study lacks",
    )  # fmt: skip
    command.add_argument("--plan", action="store_true", help="only say how many bytes would move")
    command.add_argument(
        "--offline", action="store_true", help="connect to nothing: check what was fetched before"
    )
    command.add_argument(
        "--update", action="store_true", help="fetch anew what has changed on its server"
    )
    command.add_argument(
        "-o", "--out", metavar="DIR",
        help="folder for the study with what is fetched (default: the study's own folder)",
    )  # fmt: skip


def add_how(command: argparse.ArgumentParser) -> None:
    """Add what says which country, and which server is asked."""
    command.add_argument("--country", default="", metavar="CCC", help="its code of three letters")
    command.add_argument(
        "--mirror", default="", metavar="URL",
        help="a server that has the files of all sources, under host/path",
    )  # fmt: skip


def run(options: argparse.Namespace, step: Callable[[str], None]) -> None:
    """Fetch, or plan, and print what was done."""
    from geosettle.errors import InputError  # noqa: PLC0415
    from geosettle.fetch import fetch  # noqa: PLC0415

    if options.study is None and not options.bbox and not options.country:
        raise InputError(
            "it is not known around what to fetch", mend="Name a study, --bbox or --country."
        )
    done = fetch(
        options.study, box=options.bbox or (), country=options.country, layers=options.layers,
        out=options.out, mirror=options.mirror, offline=options.offline, plan=options.plan,
        update=options.update, progress=step,
    )  # fmt: skip
    show("\n".join(done.lines))
    if not options.plan and options.study is not None:
        show(f"Study: {done.folder / 'study.toml'}. Then: geosettle run {done.folder}")


def boundaries_for(
    files: Sequence[str], options: argparse.Namespace, step: Callable[[str], None]
) -> list[str]:
    """Return the boundaries that place sites which only name their unit; [] if they need none."""
    from geosettle.errors import InputError  # noqa: PLC0415
    from geosettle.fetch import fetch, has_positions  # noqa: PLC0415
    from geosettle.intake import init_study  # noqa: PLC0415

    folder = Path(options.folder)
    if not options.country or (folder / "study.toml").exists():
        return []
    with TemporaryDirectory(prefix="geosettle-") as probe:
        layer_options = reading.for_layers(options)
        with suppress(InputError):  # without boundaries such a table is none of sites
            made = init_study(files, probe, layer_options=layer_options, progress=step)
            if has_positions(made.path):
                return []
    fetch(
        country=options.country, layers=["boundaries"], out=folder, mirror=options.mirror,
        progress=step,
    )  # fmt: skip
    (folder / "study.toml").unlink()  # init writes its own
    return [str(path) for path in sorted((folder / "data").glob("boundaries_*.fgb"))]


def after_init(options: argparse.Namespace, step: Callable[[str], None]) -> None:
    """Fetch what a study lacks that was just made."""
    from geosettle.fetch import fetch  # noqa: PLC0415

    done = fetch(options.folder, country=options.country, mirror=options.mirror, progress=step)
    show("\n".join(done.lines))
