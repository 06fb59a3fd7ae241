"""Standard output and standard error: everything that is printed passes here.

What the program says never steers the terminal; tables are sent as they are into a file or a pipe,
and cleaned too where a terminal shows them.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from contextvars import ContextVar
from io import TextIOWrapper
from typing import Final, TextIO

from geosettle.terminal import plain


def open_streams() -> None:
    """Make the standard streams usable: a closed one is replaced by one that shows nothing."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one: else the first file that is written would get it.
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names in any script, on any terminal


_QUIET: Final = ContextVar("quiet", default=False)


def keep_quiet(*, on: bool) -> None:
    """Print nothing from now on but warnings, errors and tables; or print again."""
    _QUIET.set(on)


def show(text: str, stream: TextIO | None = None) -> None:
    """Print lines, on standard output unless another stream is named; nothing when quiet."""
    if _QUIET.get():
        return
    _print(text, stream)


def _print(text: str, stream: TextIO | None) -> None:
    print(plain(text), file=stream or sys.stdout, flush=True)


def warn(text: str) -> None:
    """Print a message of the program on standard error, if it can take one."""
    with suppress(OSError):
        _print(f"geosettle: {text}", sys.stderr)


def send(data: bytes) -> None:
    """Send part of a table to standard output."""
    if not isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.write(data.decode())
    elif sys.stdout.isatty():
        sys.stdout.write(plain(data.decode().replace("\r\n", "\n")))
    else:
        sys.stdout.buffer.write(data)
