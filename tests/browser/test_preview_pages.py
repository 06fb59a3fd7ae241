"""The pictures of the README are what a browser shows of the embedded study's map today."""

from __future__ import annotations

import pytest
from previews import PICTURES, difference, screenshots

from geosettle.maps import map_html


@pytest.mark.browser
def test_screenshots_are_fresh(chromium, embedded) -> None:
    shown = dict(screenshots(chromium, map_html(embedded)))
    assert {p.stem for p in PICTURES.glob("*.webp")} == set(shown)
    stale = {
        name: share
        for name, png in shown.items()
        if (share := difference((PICTURES / f"{name}.webp").read_bytes(), png)) > 0.03
    }
    assert stale == {}, "run: make previews"
