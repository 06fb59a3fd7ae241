"""The report in a real browser: it asks for nothing, says nothing, runs nothing, and axe finds
nothing.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from geosettle.report import report_html

sys.path.insert(0, str(Path(__file__).parents[1]))
from report_example import HOSTILE, example

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("lang", "width"), [("en", 1200), ("zh", 1200), ("en", 390)])
def test_report_is_quiet_accessible_and_shows_text_as_text(chromium, tmp_path, lang, width):
    file = tmp_path / "report.html"
    file.write_text(report_html(example(), lang=lang), encoding="utf-8")
    context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True)
    try:
        page = context.new_page()
        heard = []
        page.on("request", lambda request: heard.append(request.url))
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
        page.goto(file.as_uri())
        assert [entry for entry in heard if entry != file.as_uri()] == []
        text = page.inner_text("body")
        assert HOSTILE[0] in text
        assert "{{7*7}} {% if 7*7==49 %}" in text
        # The page itself never scrolls sideways; wide tables do, in their own frame.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
    finally:
        context.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (820, "dark"), (1100, "light"), (1500, "dark")]
)
def test_no_table_runs_off_the_page_at_any_width(chromium, tmp_path, embedded, width, scheme):
    file = tmp_path / "report.html"
    file.write_text(report_html(embedded), encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page.goto(file.as_uri())
        if width == 1100:  # figures, of which there are none here, take up to 2,000 px
            assert page.evaluate("document.documentElement.scrollHeight") < 7500
        page.evaluate(
            "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
        )
        wider = page.eval_on_selector_all(
            ".table",
            "parts => parts.filter((p) => p.scrollWidth > p.clientWidth + 1)"
            ".map((p) => p.querySelector('caption').innerText)",
        )
        assert wider == []
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
    finally:
        page.close()


def test_on_paper_a_long_text_beside_one_word_takes_the_width_of_the_page(chromium, tmp_path):
    file = tmp_path / "report.html"
    result = example(["Site"])
    kinds = [f"kind of service number {n}" for n in range(40)]
    study = result.study.replace(settings={"services": {"kinds": kinds}})
    file.write_text(report_html(dataclasses.replace(result, study=study)), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 700, "height": 900})
    try:
        page.goto(file.as_uri())
        page.emulate_media(media="print")
        rows = page.eval_on_selector_all(
            "table", "ts => ts.map(t => [...t.rows[0].cells].map(c => c.offsetWidth))"
        )
        settings = next(
            widths
            for widths, heads in zip(rows, _heads(page), strict=True)
            if heads == ["Setting", "Value", "Default"]
        )
        assert settings[1] > 1.4 * settings[0]
        # No table reaches beyond the page, but for the rounding of each cell.
        assert max(sum(widths) for widths in rows) <= 702
    finally:
        page.close()


def _heads(page):
    return page.eval_on_selector_all(
        "table", "ts => ts.map(t => [...t.rows[0].cells].map(c => c.innerText))"
    )
