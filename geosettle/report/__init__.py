"""The report: one HTML page that says what was found. Nothing here writes to disk."""

from __future__ import annotations

from geosettle.report.html import report_html
from geosettle.report.summary import summary_lines

__all__ = ["report_html", "summary_lines"]
