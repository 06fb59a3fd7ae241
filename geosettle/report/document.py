"""The report before it is written: its title, its head and its sections, as elements."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree as ET


class Document(NamedTuple):
    """A report: what a page, a printed page and a document to edit have in common."""

    title: str
    tag: str
    """Language, as HTML and word processors name it."""
    header: ET.Element
    contents: ET.Element
    main: ET.Element
