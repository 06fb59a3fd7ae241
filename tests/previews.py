"""The pictures of the README: `python tests/previews.py` draws them anew into maps/.

`maps/southern_xinjiang/` is what `make run` writes, of which the figures and the manifest are
checked in; `maps/previews/` are what a browser shows of its map. Tests fail when either is stale.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "maps" / "southern_xinjiang" / "figures"
PREVIEWS = ROOT / "maps" / "previews"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def screenshots(browser, page_html: str) -> Iterator[tuple[str, bytes]]:
    """What a browser shows of a map: at first, with a site chosen, on a phone."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        file.write_text(page_html, encoding="utf-8")
        for name, width, height, fragment in (
            ("map", 1440, 900, ""),
            ("selected", 1440, 900, "#site=RS-05"),
            ("phone", 390, 844, ""),
        ):
            context = browser.new_context(
                viewport={"width": width, "height": height}, offline=True, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(file.as_uri() + fragment)
            page.wait_for_selector("#gs-map[data-sites]")
            page.wait_for_timeout(500)
            yield name, page.screenshot()
            context.close()


def difference(one: bytes, two: bytes) -> float:
    """Share of the picture that differs: blurred to a quarter of its size, by more than a twelfth
    of the grey scale.

    Letters move by a pixel from one machine's fonts to the next; a layer that is gone or a symbol
    that moved remains.
    """
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in (one, two)]
    if pictures[0].size != pictures[1].size:
        return 1.0
    width, height = pictures[0].size
    a, b = (
        np.asarray(p.resize((width // 4, height // 4), Image.Resampling.BOX), dtype=float)
        for p in pictures
    )
    return float((np.abs(a - b).max(axis=2) > 255 / 12).mean())


def main() -> None:
    """Draw everything anew."""
    from playwright.sync_api import sync_playwright

    from geosettle.outputs import run

    written = run(None, FIGURES.parent)
    PREVIEWS.mkdir(parents=True, exist_ok=True)
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        sys.exit("no Chromium is installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for name, png in screenshots(
            browser, (written.folder / "map.html").read_text(encoding="utf-8")
        ):
            (PREVIEWS / f"{name}.png").write_bytes(png)
        browser.close()


if __name__ == "__main__":
    main()
