"""Headless Chromium that writes with the fonts of the figures, whatever the machine has."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl

import geosettle

MISSING = "no Chromium is installed; on Debian: apt-get install chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--disable-lcd-text", "--lang=en-US")  # fmt: skip
FONTS = (
    Path(geosettle.__file__).parent / "figures" / "static",
    Path(mpl.get_data_path()) / "fonts" / "ttf",
)


def chromium_path() -> str | None:
    """Return where Chromium is, None where it is not."""
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


@contextmanager
def launched(playwright) -> Iterator:
    """Start a browser whose only fonts are those of the figures; Noto Sans before the others."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "fonts.conf"
        config.write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
            + "".join(f"<dir>{path}</dir>" for path in FONTS)
            + f"<cachedir>{folder}</cachedir>"
            '<match target="pattern"><edit name="family" mode="append" binding="weak">'
            "<string>Noto Sans</string><string>DejaVu Sans</string><string>Noto Sans SC</string>"
            "</edit></match></fontconfig>",
            encoding="utf-8",
        )
        environment = {**os.environ, "FONTCONFIG_FILE": str(config), "LC_ALL": "C.UTF-8"}
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=list(ARGUMENTS), env=environment
        )
        yield browser
        browser.close()
