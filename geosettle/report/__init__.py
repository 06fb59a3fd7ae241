"""Tables, figures and the report: everything that is read, apart from the interactive map. Nothing here writes to disk."""

from __future__ import annotations

from geosettle.report.tables import TABLES, Table, round_to, tables
from geosettle.report.workbook import tables_xlsx

__all__ = ["TABLES", "Table", "round_to", "tables", "tables_xlsx"]
