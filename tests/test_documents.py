"""The report as a Word document and as a printed page: same content, same bytes, only on request."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from pathlib import Path

import pytest
import report_example

import geosettle as gs
from geosettle import errors
from geosettle.io import printing
from geosettle.report import html_page, report_document, report_docx

docx = pytest.importorskip("docx")


@pytest.fixture(scope="module")
def report():
    return report_document(report_example.example())


@pytest.fixture(scope="module")
def document(report):
    return docx.Document(io.BytesIO(report_docx(report)))


def test_a_document_has_every_heading_finding_and_table_of_the_page(report, document):
    page = report.main
    paragraphs = [p.text for p in document.paragraphs]
    for heading in page.iter("h2"):
        assert heading.text in paragraphs
    for finding in page.find(".//ol[@class='findings']"):
        assert "".join(finding.itertext()) in paragraphs
    boxes = len(page.findall(".//div[@class='boxes']"))
    tables = [*page.iter("table")]
    assert len(document.tables) == len(tables) + boxes
    for written, told in zip(document.tables[boxes:], tables, strict=True):
        rows = [["".join(c.itertext()).strip() for c in row] for row in told.iter("tr")]
        assert [[c.text for c in row.cells] for row in written.rows][1:] == rows[1:]


def test_tables_repeat_their_head_and_cut_no_row(document):
    xml = document.element.xml
    assert xml.count("<w:tblHeader/>") == len(document.tables) - 1  # the boxes have none
    assert xml.count("<w:cantSplit/>") == sum(len(t.rows) for t in document.tables[1:])


def test_a_document_is_the_same_in_every_run(report):
    once, again = report_docx(report), report_docx(report)
    assert once == again
    with zipfile.ZipFile(io.BytesIO(once)) as parts:
        assert {p.date_time for p in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_without_the_library_the_message_says_what_to_install(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(errors.InputError, match=re.escape('pip install "geosettle[docx]"')):
        report_docx(report)


def test_without_chromium_the_message_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(errors.InputError, match="none is on the path"):
        printing.print_pdf("<p>")


def test_documents_are_written_only_on_request_and_listed(tmp_path):
    study = gs.read_study(gs.template_path())
    plain = gs.write(gs.analyse(study), tmp_path / "plain")
    assert not {"report.docx", "report.pdf"} & {*plain.files}
    settings = {**study.settings.to_dict(), "report": {"documents": ["docx"], "formats": ["png"]}}
    asked = gs.write(gs.analyse(study.replace(settings=settings)), tmp_path / "asked")
    assert "report.docx" in asked.files
    assert '"report.docx"' in (tmp_path / "asked" / "manifest.json").read_text("utf-8")


def test_what_cannot_be_made_is_refused_before_the_work(tmp_path, monkeypatch):
    study = gs.read_study(gs.template_path())
    settings = {**study.settings.to_dict(), "report": {"documents": ["pdf"]}}
    result = gs.analyse(study.replace(settings=settings))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(errors.InputError, match="Chromium"):
        gs.write(result, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(
    not any(map(printing.shutil.which, printing._NAMES)), reason="no Chromium is installed"
)
def test_a_printed_page_is_tagged_dated_the_same_and_tells_no_path(report):
    content = printing.print_pdf(html_page(report))
    assert content.startswith(b"%PDF")
    assert b"/StructTreeRoot" in content
    assert b"/Marked true" in content
    assert b"D:19800101000000" in content
    assert b"file:" not in content
    assert str(Path.home()).encode() not in content
    assert content == printing.print_pdf(html_page(report))
