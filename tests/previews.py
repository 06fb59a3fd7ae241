"""The pictures of the README: `python tests/previews.py` draws them anew into docs/pictures/.

They show the map and a figure of the embedded study. Tests fail when one is stale.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


def screenshots(browser, page_html: str) -> Iterator[tuple[str, bytes]]:
    """What a browser shows of a map: at first, and with a site chosen."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        file.write_text(page_html, encoding="utf-8")
        for name, fragment in (("map", ""), ("selected", "#site=RS-05")):
            context = browser.new_context(
                viewport={"width": 1440, "height": 900}, offline=True, reduced_motion="reduce"
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

    Letters may move by a pixel from one Chromium to the next; a layer that is gone or a symbol that
    moved remains.
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
    from browser.launching import MISSING, chromium_path, launched
    from playwright.sync_api import sync_playwright

    import geosettle as gs
    from geosettle.figures import figures
    from geosettle.maps import map_html

    if chromium_path() is None:
        sys.exit(MISSING)
    result = gs.analyse(gs.read_study())
    drawn = figures(result, only=["distances"], formats=["png"])
    (PICTURES / "distances.png").write_bytes(drawn["distances.png"])
    with sync_playwright() as playwright, launched(playwright) as browser:
        for name, png in screenshots(browser, map_html(result)):
            Image.open(io.BytesIO(png)).save(PICTURES / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
