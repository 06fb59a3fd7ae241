"""The screenshots checked in are what a browser shows of the embedded study's map today."""

from __future__ import annotations

import pytest
from previews import PREVIEWS, difference, screenshots

from geosettle.maps import map_html


@pytest.mark.browser
def test_screenshots_are_fresh(chromium, embedded) -> None:
    shown = dict(screenshots(chromium, map_html(embedded)))
    assert {p.stem for p in PREVIEWS.iterdir()} == set(shown)
    stale = {
        name: share
        for name, png in shown.items()
        if (share := difference((PREVIEWS / f"{name}.png").read_bytes(), png)) > 0.03
    }
    assert stale == {}, "run: make previews"
