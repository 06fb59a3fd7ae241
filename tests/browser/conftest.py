"""A real browser that refuses the network and reports every request, console message and page
error.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field

import made_up
import pytest
from launching import MISSING, chromium_path, launched

from geosettle.maps import map_html


@dataclass
class Seen:
    """What a page did that it must not do."""

    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def nothing(self) -> bool:
        return not (self.requests or self.messages or self.errors)


@pytest.fixture(scope="session")
def chromium():
    if chromium_path() is None:
        if os.environ.get("GEOSETTLE_REQUIRE_BROWSER") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.fixture
def open_page(chromium, tmp_path):
    """Open a page from its text; afterwards it must have asked for nothing and complained of
    nothing.
    """
    opened = []

    @contextmanager
    def visit(html, *, width=1440, height=900, fragment="", scale=1, mobile=False, scheme="light"):
        file = tmp_path / f"map{len(opened)}.html"
        file.write_text(html, encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            has_touch=mobile,
            is_mobile=mobile,
            offline=True,
            color_scheme=scheme,
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        seen = Seen()
        own = file.as_uri()

        def refuse(route):
            if route.request.url.split("#")[0] == own:
                route.continue_()
            else:
                seen.requests.append(route.request.url)
                route.abort()

        page.route("**/*", refuse)
        page.on("console", lambda m: seen.messages.append(m.text))
        page.on("pageerror", lambda e: seen.errors.append(str(e)))
        opened.append(seen)
        page.goto(own + fragment)
        assert seen.nothing(), seen
        page.wait_for_selector("#gs-map[data-sites]")
        try:
            yield page
        finally:
            ran = page.evaluate("window.__ran === 1")
            context.close()
        assert not ran, "text from the data was run"
        assert seen.nothing(), seen

    return visit


@pytest.fixture(scope="session")
def plain():
    return made_up.result(hostile=False)


@pytest.fixture(scope="session")
def plain_html(plain):
    return map_html(plain)


@pytest.fixture(scope="session")
def hostile_html():
    return map_html(made_up.result())
