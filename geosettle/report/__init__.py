"""Tables, figures and the report: all that is read apart from the interactive map. Nothing here writes to disk."""

from __future__ import annotations

from geosettle.report.figures import FIGURES, figures
from geosettle.report.html import report_html
from geosettle.report.qgis import gpkg_layers, qgis_styles
from geosettle.report.summary import summary_lines
from geosettle.report.tables import TABLES, Table, round_to, tables
from geosettle.report.workbook import tables_xlsx

__all__ = [
    "FIGURES",
    "TABLES",
    "Table",
    "figures",
    "gpkg_layers",
    "qgis_styles",
    "report_html",
    "round_to",
    "summary_lines",
    "tables",
    "tables_xlsx",
]
