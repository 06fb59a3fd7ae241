"""The report: one page that says what was found. Nothing here writes to disk."""

from __future__ import annotations

from geosettle.report.document import Document
from geosettle.report.html import html_page, report_document, report_html
from geosettle.report.summary import summary_lines
from geosettle.report.word_document import report_docx, require_docx

__all__ = [
    "Document",
    "html_page",
    "report_document",
    "report_docx",
    "report_html",
    "require_docx",
    "summary_lines",
]
