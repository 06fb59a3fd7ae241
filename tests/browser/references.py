"""Pictures of the map's main states: `python tests/browser/references.py` draws them anew into
tests/browser/reference/.

Each is kept at a quarter of its size, written with the fonts that `launching` brings. `worst`
compares tile by tile, blurred: letters that another Chromium sets a little differently pass, a
symbol, a layer or a colour that is not what it was does not. States without names are held to a fifth of what names need.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

FOLDER = Path(__file__).parent / "reference"
TILE = 12
"""Edge of a tile, pixels of the small picture: 48 on the screen, a symbol and what is around it."""
PANEL = 392 // 4
WRITING, SYMBOLS = 14.0, 2.5
"""Grey levels by which a tile may differ. Measured: with another font of like width, 13 on a page
and 1 without names; by a colour of the sites, a pattern of lines, an arrow or a parcel that is not
what it was, 3 to 17."""
BARE = "hide=flows,labels,graticule"
STATES = {
    "load": (1200, 800, "", WRITING),
    "selected": (1200, 800, "#site=s10", WRITING),
    "change": (1200, 800, f"#by=mean:geodesic&{BARE},uncertainty", SYMBOLS),
    "year": (1200, 800, f"#year=2009&parcels=year&{BARE},uncertainty&map=8/38.7/78.2", SYMBOLS),
    "swipe": (1200, 800, f"#area=landcover_2005&with=landcover_2019&{BARE}", SYMBOLS),
    "flows": (1200, 800, "#hide=labels,graticule", SYMBOLS),
    "chinese": (1200, 800, "#lang=zh&area=walk_h", WRITING),
    "phone": (390, 844, "#site=s10", WRITING),
    "print": (1200, 800, "#by=mean:geodesic", WRITING),
}
"""Name to width, height, address and limit; of the states without writing the map alone is kept."""


def shots(browser, page_html: str, names=tuple(STATES)) -> Iterator[tuple[str, Image.Image]]:
    """What a browser shows, at a quarter of its size."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        file.write_text(page_html, encoding="utf-8")
        for name in names:
            width, height, fragment, limit = STATES[name]
            context = browser.new_context(
                viewport={"width": width, "height": height}, offline=True, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(file.as_uri() + fragment)
            page.wait_for_selector("#gs-map[data-sites]")
            if name == "print":
                page.emulate_media(media="print")
                page.evaluate("dispatchEvent(new Event('beforeprint'))")
            page.wait_for_timeout(250)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            small = picture.resize((width // 4, height // 4), Image.Resampling.BOX)
            yield (
                name,
                small.crop((0, 0, small.width - PANEL, small.height))
                if limit == SYMBOLS
                else small,
            )
            context.close()


def worst(one: Image.Image, two: Image.Image) -> float:
    """Greatest mean difference of any tile, in the channel that differs most, grey levels; 255 if
    the sizes differ.
    """
    if one.size != two.size:
        return 255.0
    a, b = (gaussian_filter(np.asarray(p, dtype=float), (1, 1, 0)) for p in (one, two))
    difference = np.abs(a - b).max(axis=2)
    rows, columns = (max(1, n // TILE) for n in difference.shape)
    tiles = [
        t
        for strip in np.array_split(difference, rows)
        for t in np.array_split(strip, columns, axis=1)
    ]
    return float(max(t.mean() for t in tiles))


def kept(name: str) -> Image.Image:
    """Picture that is kept."""
    return Image.open(FOLDER / f"{name}.webp").convert("RGB")


def main() -> None:
    """Draw everything anew."""
    import made_up
    from launching import MISSING, chromium_path, launched
    from playwright.sync_api import sync_playwright

    from geosettle.maps import map_html

    if chromium_path() is None:
        sys.exit(MISSING)
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, launched(playwright) as browser:
        for name, picture in shots(browser, map_html(made_up.result(hostile=False))):
            picture.save(FOLDER / f"{name}.webp", lossless=True, method=6)


if __name__ == "__main__":
    main()
