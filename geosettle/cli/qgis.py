"""The command `qgis`: geosettle's commands in the Processing toolbox of QGIS.

The plugin is the folder `qgis_plugin`, copied as it is, with a `manifest.json` of the algorithms:
they are read from the parser itself, so that the two cannot differ.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from geosettle import __version__
from geosettle.cli.streams import show
from geosettle.errors import InputError

NAME: Final = "geosettle_qgis"
_PROGRAMS: Final = (
    "qgis_process.bin",
    "qgis_process",
    "qgis_process-qgis",
    "qgis_process-qgis-ltr",
)
"""Debian's `qgis_process` adds an option that the program itself refuses."""

_SPARED: Final = frozenset(
    [
        *("help", "quiet", "verbose", "workers", "scheduler", "plan", "yes", "copy", "mirror"),
        *("encoding", "layer", "sheet", "header_row", "where"),
    ]
)
"""Options without a use in QGIS, which hands over layers."""
_ADVANCED: Final = frozenset(
    [
        *("matrix", "settings", "set", "crs", "datum", "map", "intervals", "scenarios", "paths"),
        *("friction", "places", "boundaries", "model", "each", "all", "basemap", "max_h"),
    ]
)
_ALGORITHMS: Final[dict[str, dict[str, Any]]] = {
    "distances": {"spared": {"nearest", "max_km", "max_h"}, "styles": {"OUTPUT": "flows"}},
    "nearest": {
        "command": "distances",
        "label": "Nearest sites",
        "help": "The nearest sites of each origin, in km or by the hours that it takes.",
        "spared": {"flows", "within", "within_h", "matrix"},
        "required": {"nearest"},
        "styles": {"OUTPUT": "flows"},
    },
    "overlay": {"styles": {"OUTPUT": "sites_areas"}},
    "reach": {
        "loads": {
            "TIME": ("raster", "time.tif"),
            "CATCHMENTS": ("vector", "reach.gpkg|layername=catchments"),
        },
        "styles": {"CATCHMENTS": "catchments"},
    },
    "map": {"label": "Interactive map"},
    "init": {"label": "Study from layers", "always": ["--copy", "--yes"]},
}
"""Algorithm to what distinguishes it from the command of its name."""
_SHORT: Final = 50
"""Letters up to which a help text is part of the label."""
_RESULTS: Final = {"out": "Result", "folder": "Folder of the study"}
_WRITTEN: Final = {
    ("out", "FILE"): "layer to write",
    ("out", "DIR"): "folder to write",
    ("folder", "DIR"): "folder to write",
    ("out", "FILE.html"): "page to write",
    ("intervals", "FILE"): "table to write",
    ("scenarios", "FILE"): "table to write",
    ("paths", "FILE"): "layer to write",
}


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "action", choices=("install", "remove"), metavar="install|remove",
        help="put the plugin into QGIS, over an older one, or take it out",
    )  # fmt: skip
    command.add_argument(
        "--profile", default="default", metavar="NAME",
        help="user profile of QGIS (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--plugins", metavar="DIR", help="plugin folder of QGIS, where it is not the usual one"
    )


def run(options: argparse.Namespace, commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Install or remove the plugin, and say what is left to do.

    Raises
    ------
    InputError
        There is no plugin to remove.
    """
    plugins = Path(options.plugins or plugin_folder(options.profile, os.environ))
    folder = plugins / NAME
    if options.action == "remove":
        remove(folder)
        show(f"{folder} is removed. Start QGIS again.")
        return
    install(folder, commands)
    show(f"{folder} is written; it runs {sys.executable}.")
    usual = not options.plugins and options.profile == "default"
    if usual and _is_switched_on():
        show("It is switched on: start QGIS again, and see Processing > Toolbox > geosettle.")
    else:
        show(
            "To switch it on, start QGIS again, open Plugins > Manage and Install Plugins > "
            "Installed, and tick geosettle."
        )


def plugin_folder(profile: str, environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """Return where QGIS 3 keeps the plugins of a user's profile.

    Parameters
    ----------
    profile
        Name of the profile.
    environment
        Variables of the process.
    system
        As `sys.platform`.

    Examples
    --------
    >>> plugin_folder("default", {"HOME": "/h"}, "linux").as_posix()
    '/h/.local/share/QGIS/QGIS3/profiles/default/python/plugins'
    """
    home = Path(environment.get("HOME") or Path.home())
    if own := environment.get("QGIS_CUSTOM_CONFIG_PATH"):
        base = Path(own)
    elif system == "win32":
        base = Path(environment.get("APPDATA") or home / "AppData/Roaming", "QGIS/QGIS3")
    elif system == "darwin":
        base = home / "Library/Application Support/QGIS/QGIS3"
    else:
        base = Path(environment.get("XDG_DATA_HOME") or home / ".local/share", "QGIS/QGIS3")
    return base / "profiles" / profile / "python/plugins"


def install(folder: Path, commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Write the plugin, over an older one of ours, all at once.

    Parameters
    ----------
    folder
        The plugin's own folder.
    commands
        Parser of each command.
    """
    from geosettle.io import staged_folder  # noqa: PLC0415
    from geosettle.tables.geopackage import qgis_styles  # noqa: PLC0415

    manifest = {
        "geosettle": __version__, "python": sys.executable, "algorithms": algorithms(commands),
    }  # fmt: skip
    with staged_folder(folder) as stage:
        for file in sorted(
            (resources.files("geosettle") / "qgis_plugin").iterdir(), key=lambda one: one.name
        ):
            if file.name.endswith((".py", ".txt")):
                text = file.read_text(encoding="utf-8").replace("@VERSION@", __version__)
                stage.write(file.name, text.encode())
        used = {name for one in _ALGORITHMS.values() for name in one.get("styles", {}).values()}
        for name, style in sorted(qgis_styles(used).items()):
            stage.write(f"{name}.qml", style.encode())
        outputs = dict(sorted(stage.digests.items()))
        text = json.dumps({**manifest, "outputs": outputs}, ensure_ascii=False, indent=1)
        stage.write("manifest.json", text.encode() + b"\n")


def remove(folder: Path) -> None:
    """Remove the plugin.

    Raises
    ------
    InputError
        The folder holds none of ours.
    """
    from geosettle.io.replacing import own_files  # noqa: PLC0415

    if own_files(folder) is None:
        raise InputError(
            "geosettle's plugin is not there", file=str(folder), mend="See --profile and --plugins."
        )
    shutil.rmtree(folder)


def _is_switched_on() -> bool:
    """Switch the plugin on by QGIS's own program, where there is one; whether it is on."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for program in filter(None, map(shutil.which, _PROGRAMS)):
        try:
            done = subprocess.run(  # noqa: S603  (QGIS's own program)
                [program, "plugins", "enable", NAME],
                env={**kept, "QT_QPA_PLATFORM": "offscreen"},
                capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 or b"already enabled" in done.stdout + done.stderr:
            return True
    return False


def algorithms(commands: Mapping[str, argparse.ArgumentParser]) -> list[dict[str, Any]]:
    """Describe every algorithm, its parameters as the parser of its command has them.

    Parameters
    ----------
    commands
        Parser of each command.
    """
    made = []
    for name, about in _ALGORITHMS.items():
        command = about.get("command", name)
        parser = commands[command]
        label = about.get("label") or (parser.description or "").rstrip(".")
        spared = _SPARED | about.get("spared", set())
        seen: dict[str, argparse.Action] = {}
        for action in parser._actions:  # noqa: SLF001
            if action.dest not in spared:
                seen.setdefault(action.dest, action)
        parameters = [
            one
            for action in seen.values()
            for one in _parameters(action, about.get("required", set()))
        ]
        made.append({
            "name": name, "command": command, "label": label,
            "help": about.get("help") or parser.description,
            "always": about.get("always", []), "loads": about.get("loads", {}),
            "styles": about.get("styles", {}),
            "parameters": parameters,
        })  # fmt: skip
    return made


def _parameters(action: argparse.Action, must: set[str]) -> list[dict[str, Any]]:
    """Describe an option, and the fields of the layer that it is."""
    from geosettle.layers import LAYERS  # noqa: PLC0415

    dest = action.dest
    shown = dest.upper() if dest in {"dem", "crs"} else dest.replace("_", " ").capitalize()
    text = (action.help or "").replace("%(default)s", str(action.default))
    text = re.sub(r"--([a-z-]+)", lambda option: option[1].replace("-", " ").capitalize(), text)
    about = _kind(action)
    required = dest in {"out", "folder", *must} or (action.required and action.nargs != "*")
    if about.get("again"):
        text += f" ({action.metavar}; each on its own line)"
    if dest in _RESULTS:
        shown, text = _RESULTS[dest], ""
    one = {
        "name": "OUTPUT" if dest in {"out", "folder"} else dest.upper(),
        "option": max(action.option_strings, key=len, default=""),
        "label": f"{shown}: {text}" if 0 < len(text) <= _SHORT else shown,
        "help": text if len(text) > _SHORT else "", "required": required,
        "advanced": dest in _ADVANCED,
        **about,
    }  # fmt: skip
    parts = [one]
    if dest in {"origins", "sites", "flows"}:
        parts += [
            {
                "name": f"{dest}_{column.name}".upper(), "kind": "field", "option": "--map",
                "map": f"{dest}:{column.name}", "parent": dest.upper(), "required": False,
                "label": f"{shown}: field with the {column.meaning.split(',')[0]}", "help": "",
                "advanced": not action.required,
            }
            for column in LAYERS[dest].columns if column.required
        ]  # fmt: skip
    elif dest == "zones":
        parts.append({
            "name": "ZONES_ID", "kind": "field", "option": None, "copy": "zone_id",
            "parent": "ZONES", "required": False, "label": "Zones: field that names each zone",
            "help": "",
        })  # fmt: skip
    return parts


_ARGUMENTS: Final[dict[str, dict[str, Any]]] = {
    "zones": {"kind": "layer", "types": ["polygon", "point"]},
    "cover": {"kind": "any layer", "types": ["polygon", "raster"]},
    "by": {"kind": "field", "parent": "COVER"},
    "files": {"kind": "layers"},
    "study": {"kind": "folder"},
}
"""What the parser does not know of an argument."""


def _kind(action: argparse.Action) -> dict[str, Any]:
    """Describe what an option takes."""
    if written := _WRITTEN.get((action.dest, str(action.metavar))):
        return {"kind": written}
    if action.dest in _ARGUMENTS:
        return _ARGUMENTS[action.dest]
    return _file(action) if action.metavar == "FILE" else _value(action)


def _file(action: argparse.Action) -> dict[str, Any]:
    from geosettle.layers import LAYERS  # noqa: PLC0415

    if action.dest not in LAYERS:
        return {"kind": "file"}
    types = LAYERS[action.dest].geometries
    if types == ("raster",):
        return {"kind": "raster"}
    return {"kind": "layer", "types": ["none"] if "none" in types else list(types)}


def _value(action: argparse.Action) -> dict[str, Any]:
    from geosettle.distance import METRICS  # noqa: PLC0415  (loads the engine)

    many = action.nargs == "+"
    if action.nargs == 0:
        return {"kind": "flag", "default": False}
    if choices := list(METRICS) if action.dest == "metric" else list(action.choices or ()):
        return {"kind": "choice", "choices": choices, "many": many, "default": action.default}
    if many:
        default = action.default and " ".join(f"{value:g}" for value in action.default)
        return {"kind": "text", "many": True, "default": default}
    if isinstance(action.default, list):
        return {"kind": "text", "again": True}
    read = getattr(action.type, "__name__", "str")
    return {"kind": {"str": "text", "_positive_int": "whole"}.get(read, "number")}
