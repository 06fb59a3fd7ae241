"""Looking at the map in a browser: where things are, which colours are seen, what is written."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def counts(page):
    return page.evaluate("({...geosettle.drawn})")


def settle(page):
    """Wait until the canvas has been painted."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def until(page, expression, seconds=10):
    """Wait for an expression to hold; Playwright's own waiting needs eval, which the page's policy
    forbids.
    """
    for _ in range(seconds * 20):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def at(page, lon, lat):
    """Pixel of a position in the page."""
    point = page.evaluate(
        "([lon, lat]) => geosettle.map.latLngToContainerPoint([lat, lon])", [lon, lat]
    )
    return point["x"], point["y"]


def pixels(page):
    settle(page)
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def near_colour(picture, x, y, colour, tolerance=12):
    """Whether a pixel within 2 of a place has a colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    patch = picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
    return bool((np.abs(patch - wanted).max(axis=2) <= tolerance).any())


def written(page, action):
    """Texts that an action writes on canvases, in order; it is an expression, awaited if it is a
    promise.
    """
    return page.evaluate(
        """async () => {
          const texts = [];
          const own = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { texts.push(text); own.call(this, text, ...rest); };
          await action(window.geosettle);
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          CanvasRenderingContext2D.prototype.fillText = own;
          return texts;
        }""".replace("action(window.geosettle)", f"({action})(window.geosettle)")
    )
