"""Command lines from the values of an algorithm's parameters, and what a running command prints.

It knows nothing of QGIS: `manifest.json`, written at the installation, holds the algorithms.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

_FOREIGN = ("PYTHON", "GDAL_", "PROJ_", "LD_LIBRARY_PATH", "DYLD_", "VIRTUAL_ENV")
"""Beginnings of variables by which QGIS would lead another Python to its own libraries."""
_STEP = re.compile(r"geosettle: +\d+\.\d s  (.*)")
_PATIENCE_S = 5.0


def arguments(algorithm: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a command: values by name of parameter, those not given left out.

    >>> by = {"name": "BY", "kind": "text", "option": "--by"}
    >>> arguments({"command": "overlay", "always": [], "parameters": [by]}, {"BY": "kind"})
    ['overlay', '--verbose', '--by=kind']
    """
    places: list[str] = []
    options: list[str] = []
    for parameter in algorithm["parameters"]:
        value, option = values.get(parameter["name"]), parameter.get("option", "")
        if value in (None, "", False, []) or option is None:
            continue
        if "map" in parameter:
            options.append(f"--map={parameter['map']}={value}")
        elif not option:
            places += value if isinstance(value, list) else [value]
        elif value is True:
            options.append(option)
        elif isinstance(value, list) and not parameter.get("again"):
            options += [option, *value]
        else:
            again = value if isinstance(value, list) else [value]
            options += [f"{option}={one}" for one in again]
    return [algorithm["command"], *places, "--verbose", *algorithm["always"], *options]


def environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for geosettle's own Python, without those that are for QGIS's.

    >>> environment({"PYTHONHOME": "C:/QGIS", "PROJ_LIB": "C:/QGIS", "LANG": "C"})
    {'LANG': 'C', 'PYTHONUTF8': '1'}
    """
    kept = {k: v for k, v in outside.items() if not k.upper().startswith(_FOREIGN)}
    return {**kept, "PYTHONUTF8": "1"}


def step_of(line: str) -> str:
    """Return what a line of `--verbose` says is being done; "" if it is another line.

    >>> step_of("geosettle:    0.3 s  reading"), step_of("geosettle: sites.gpkg: ...")
    ('reading', '')
    """
    found = _STEP.fullmatch(line)
    return found[1] if found else ""


def run(command: Sequence[str], folder: Path, canceled: Callable[[], bool]) -> Iterator[str | int]:
    """Run a command: yield its lines as they come, and its exit code last.

    Parameters
    ----------
    command
        Program and arguments.
    folder
        Folder to work in.
    canceled
        Asked ten times a second; where it says yes the command and what it started are ended.

    Yields
    ------
    str or int
        Lines of standard output and standard error, then the exit code.
    """
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NO_WINDOW}
    process = subprocess.Popen(  # noqa: S603  (the user's own geosettle)
        list(command),
        cwd=folder,
        env=environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        **own,
    )
    lines: Queue[str | None] = Queue()
    reader = Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        while True:
            if canceled():
                break
            try:
                line = lines.get(timeout=0.1)
            except Empty:
                continue
            if line is None:
                break
            yield line
        if not canceled():
            process.wait()
    finally:
        _end(process)
        reader.join(_PATIENCE_S)
        if process.stdout and not reader.is_alive():
            process.stdout.close()
    yield process.returncode


def _read(process: Any, lines: Any) -> None:
    for line in process.stdout:
        lines.put(line.rstrip("\r\n"))
    lines.put(None)


def _end(process: Any) -> None:
    """End a process with those it started, if it runs: first by asking, then by force."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        killer = Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "taskkill.exe")
        subprocess.run([killer, "/T", "/F", "/PID", str(process.pid)], check=False)  # noqa: S603
    else:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
