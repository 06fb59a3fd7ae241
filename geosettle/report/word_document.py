"""report.docx: the sections of the report as a document to edit and sign, with the same content."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final
from xml.etree import ElementTree as ET

from geosettle.errors import InputError
from geosettle.report.document import Document
from geosettle.report.html_builder import shown

_DATE: Final = datetime(1980, 1, 1)  # noqa: DTZ001  (the same in every run; a ZIP knows no zone)
_WIDTH_MM: Final = 180.0
_SMALL: Final = 8
"""Columns from which a table is written smaller."""
_HEADINGS: Final = {"h1": 0, "h2": 1, "h3": 2, "summary": 2}
_LISTS: Final = {"ol": "List Number", "ul": "List Bullet"}


def require_docx() -> None:
    """Refuse to go on without the library that writes Word documents.

    Raises
    ------
    InputError
        python-docx is not installed.

    Examples
    --------
    >>> require_docx()
    """
    if find_spec("docx") is None:
        mend = 'Run: pip install "geosettle[docx]", or take "docx" out of [report] documents.'
        raise InputError("report.docx needs the library python-docx", mend=mend)


def report_docx(document: Document) -> bytes:
    """Write the report as a Word document.

    Parameters
    ----------
    document
        What `report_document` returned.

    Returns
    -------
    bytes
        The file; the same document gives the same bytes.

    Raises
    ------
    InputError
        python-docx is not installed.

    Examples
    --------
    >>> import geosettle as gs
    >>> from geosettle.report import report_document
    >>> report_docx(report_document(gs.analyse(gs.read_study(gs.template_path()))))[:2]
    b'PK'
    """
    require_docx()
    import docx  # noqa: PLC0415  (an extra)

    made = _Writer(docx.Document())
    made.frame(document)
    for part in (document.header, document.main):
        made.write(part)
    stream = io.BytesIO()
    made.document.save(stream)
    return _same_bytes(stream.getvalue())


def _same_bytes(content: bytes) -> bytes:
    """Pack the parts again in order of their names, with one date."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        # Word wants the list of contents first.
        for name in sorted(before.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            entry = zipfile.ZipInfo(name, _DATE.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(entry, before.read(name))
    return stream.getvalue()


class _Writer:
    """Elements of the page as paragraphs, tables and pictures."""

    def __init__(self, document: Any) -> None:
        from docx.shared import Mm, Pt  # noqa: PLC0415

        self.document, self.mm, self.pt = document, Mm, Pt
        self.captions = document.styles["Caption"]
        self.pictures = 0

    def frame(self, document: Document) -> None:
        """Set the page, its running head and foot, the language and the properties."""
        section = self.document.sections[0]
        section.page_width, section.page_height = self.mm(210), self.mm(297)
        section.left_margin = section.right_margin = self.mm(15)
        section.top_margin, section.bottom_margin = self.mm(18), self.mm(16)
        section.header.paragraphs[0].text = shown(document.title)
        _field(section.footer.paragraphs[0], "PAGE")
        normal = self.document.styles["Normal"]
        normal.font.size = self.pt(10)
        tag = _made("w:lang", {"w:val": document.tag, "w:eastAsia": document.tag})
        normal.element.get_or_add_rPr().append(tag)
        facts = self.document.core_properties
        facts.title, facts.author, facts.comments = shown(document.title), "geosettle", ""
        facts.created = facts.modified = _DATE
        facts.language = document.tag

    def write(self, part: ET.Element) -> None:
        """Write one element and what is in it."""
        look = part.get("class") or ""
        if part.tag in _HEADINGS:
            inner = part.find("h2")
            level = _HEADINGS[part.tag if inner is None else "h2"]
            self.document.add_heading(_text(part), level)
        elif part.tag == "p":
            self.document.add_paragraph(_text(part))
        elif part.tag in _LISTS:
            for item in part.iter("li"):
                self.document.add_paragraph(_text(item), _LISTS[part.tag])
        elif part.tag == "figure":
            self._picture(part)
        elif part.tag == "table":
            self._table(part)
        elif look == "boxes":
            self._boxes(part)
        elif part.tag != "nav":
            for child in part:
                self.write(child)

    def _boxes(self, part: ET.Element) -> None:
        """Write the three questions of page one as the cells of one row."""
        cells = self.document.add_table(1, len(part)).rows[0].cells
        for cell, box in zip(cells, part, strict=True):
            paragraphs = [cell.paragraphs[0], *(cell.add_paragraph() for _ in range(len(box) - 1))]
            for paragraph, line in zip(paragraphs, box, strict=True):
                run = paragraph.add_run(_text(line))
                run.bold = line.get("class") != "muted"
                if line.get("class") == "figure":
                    run.font.size = self.pt(20)

    def _picture(self, part: ET.Element) -> None:
        image = next(part.iter("img"))
        data = base64.b64decode(image.get("src", "").partition(",")[2])
        wide, high = (float(image.get(side, 1)) for side in ("width", "height"))
        width = min(_WIDTH_MM, wide / 96 * 25.4, 220 * wide / high)
        picture = self.document.add_picture(io.BytesIO(data), width=self.mm(width))
        picture._inline.docPr.set("descr", shown(image.get("alt") or ""))  # noqa: SLF001  (no call for it)
        self.document.paragraphs[-1].paragraph_format.keep_with_next = True
        for caption in part.iter("figcaption"):
            self.document.add_paragraph(_text(caption), self.captions)

    def _table(self, part: ET.Element) -> None:
        """Write a table whose head is repeated and whose rows are not cut between pages."""
        caption = self.document.add_paragraph(_text(part.find("caption")), self.captions)
        caption.paragraph_format.keep_with_next = True
        rows = list(part.iter("tr"))
        columns = len(rows[0])
        size = str(14 if columns >= _SMALL else 17)  # half points
        made = self.document.add_table(0, columns, "Light List")
        made.autofit = True
        for at, row in enumerate(rows):
            own = _made("w:trPr", {}, _made("w:cantSplit"))
            if at == 0:
                own.append(_made("w:tblHeader"))
            made._tbl.append(_made("w:tr", {}, own, *_cells(row, size, bold=at == 0)))  # noqa: SLF001


def _cells(row: ET.Element, size: str, *, bold: bool) -> Iterator[Any]:
    for cell in row:
        look = _made("w:rPr", {}, *([_made("w:b")] if bold or cell.tag == "th" else []))
        look.append(_made("w:sz", {"w:val": size}))
        heading, unit = (
            (cell.text or "", cell.findtext("span") or "") if bold else (_text(cell), "")
        )
        text = _made("w:t", {"xml:space": "preserve"})
        text.text = f"{heading}, {unit}" if unit else heading
        side = {"w:val": "right" if cell.get("class") == "n" else "left"}
        style = _made("w:pPr", {}, _made("w:spacing", {"w:after": "0"}), _made("w:jc", side))
        paragraph = _made("w:p", {}, style, _made("w:r", {}, look, text))
        yield _made("w:tc", {}, _made("w:tcPr"), paragraph)


def _made(tag: str, attributes: dict[str, str] | None = None, *children: Any) -> Any:
    """Make an element of the format."""
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.oxml.ns import qn  # noqa: PLC0415

    made = OxmlElement(tag)
    for name, value in (attributes or {}).items():
        made.set(_SPACE if name == "xml:space" else qn(name), value)
    made.extend(children)
    return made


_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"


def _field(paragraph: Any, name: str) -> None:
    """Add a field that the word processor fills in, such as the number of the page."""
    run = paragraph.add_run()._r  # noqa: SLF001  (no call for it)
    code = _made("w:instrText", {"xml:space": "preserve"})
    code.text = name
    marks = [_made("w:fldChar", {"w:fldCharType": kind}) for kind in ("begin", "end")]
    run.extend([marks[0], code, marks[1]])


def _text(part: ET.Element | None) -> str:
    return "" if part is None else shown("".join(part.itertext())).strip()
