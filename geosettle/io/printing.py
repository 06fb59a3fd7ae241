"""A page printed as PDF by the Chromium that is on the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from geosettle.errors import InputError, OutputError

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_OPTIONS: Final = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing is asked for over the network
    *("--no-pdf-header-footer", "--export-tagged-pdf", "--generate-pdf-document-outline"),
)
_TO_FILES: Final = re.compile(r' href="(?!#|https?:)[^"]*"')
_SECONDS: Final = 300
_DATES: Final = re.compile(rb"\(D:\d{14}[^)]*\)")
_SAME_DATE: Final = b"(D:19800101000000+00'00')"


def find_chromium() -> str:
    """Return the path of Chromium.

    Raises
    ------
    InputError
        There is none.
    """
    for name in _NAMES:
        if (found := shutil.which(name)) is not None:
            return found
    mend = 'Install Chromium or Chrome, or take "pdf" out of [report] documents.'
    raise InputError("report.pdf needs Chromium, and none is on the path", mend=mend)


def print_pdf(page: str) -> bytes:
    """Print an HTML page as a tagged PDF, by its own rules for paper.

    Parameters
    ----------
    page
        The page; it loads nothing.

    Returns
    -------
    bytes
        The file, without the date on which it was made.

    Raises
    ------
    InputError
        There is no Chromium.
    OutputError
        Chromium printed nothing.
    """
    chromium = find_chromium()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "report.html", folder / "report.pdf"
        # Links to files of the folder would lead to where the page is printed.
        source.write_text(_TO_FILES.sub("", page), encoding="utf-8")
        own = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        places = [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={target}"]
        call = [chromium, *_OPTIONS, *own, *places, source.as_uri()]
        done = subprocess.run(call, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        if done.returncode or not target.is_file():
            stated = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise OutputError("Chromium printed no PDF", value=" ".join(stated))
        return _undated(target.read_bytes())


def _undated(content: bytes) -> bytes:
    """Put one date in the place of those of printing, of the same length."""
    return _DATES.sub(lambda found: _SAME_DATE.ljust(len(found[0]))[: len(found[0])], content)
