"""The smallest builder of HTML.

Elements are trees, text is escaped when they are written, nothing is a template.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

import pandas as pd

# What XML and HTML cannot hold, and what would turn the direction of the text around it.
_DROPPED: Final = dict.fromkeys(
    [
        *(n for n in range(32) if n not in (9, 10)),
        127,
        *range(0x80, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ]
)
_MISSING: Final = "\N{EN DASH}"
_LOOKED_AT: Final = 250
_ONE_PAGE: Final = 25
"""Rows of a table that is printed on one page, where it fits."""
_MANY: Final = 6
_SOME: Final = 4
_WIDE: Final = "wide"
_MIDDLE: Final = "middle"
_STACKED_BELOW: Final = {_WIDE: "60rem", _MIDDLE: "40rem"}
"""Width of the window below which a table of many, or of some, columns is shown row by row."""
_DRAWN_DPI: Final = 300
_LARGER: Final = 1.1  # a screen is read from farther away than a page

Child = str | ET.Element | None | Sequence["str | ET.Element | None"]


def shown(text: object) -> str:
    """Return text without control characters, direction overrides and lone surrogates."""
    return str(text).translate(_DROPPED).encode("utf-8", "replace").decode()


def element(tag: str, *children: Child, **attributes: str | None) -> ET.Element:
    """Make an element; a trailing underscore of an attribute is dropped, None leaves it out.

    Examples
    --------
    >>> made = element("p", "a < b ", element("b", "& c"), class_="x")
    >>> ET.tostring(made, encoding="unicode", method="html")
    '<p class="x">a &lt; b <b>&amp; c</b></p>'
    """
    made = ET.Element(
        tag,
        {key.rstrip("_"): shown(value) for key, value in attributes.items() if value is not None},
    )
    for child in children:
        for part in (
            child if isinstance(child, Sequence) and not isinstance(child, str) else (child,)
        ):
            _append(made, part)
    return made


def _append(parent: ET.Element, part: str | ET.Element | None) -> None:
    if part is None:
        return
    if isinstance(part, ET.Element):
        parent.append(part)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + shown(part)
    else:
        parent.text = (parent.text or "") + shown(part)


def image(
    data: bytes, alt: str, caption: str = "", *, dpi: float = _DRAWN_DPI, label: str = ""
) -> ET.Element:
    """Make a figure that carries its PNG inside the page, under its number.

    It is a little larger than in print.
    """
    source = "data:image/png;base64," + base64.b64encode(data).decode()
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    scale = 96 / dpi * _LARGER
    picture = element(
        "img", src=source, alt=alt, width=f"{width * scale:.0f}", height=f"{height * scale:.0f}"
    )
    return element(
        "figure", picture, element("figcaption", _labelled(label, caption)) if caption else None
    )


def _labelled(label: str, caption: str) -> list[str | ET.Element | None]:
    """Put the number of a table or picture before its caption."""
    return [element("span", label, class_="no"), " ", caption] if label else [caption]


class Column(NamedTuple):
    """One column of a printed table: where it comes from, its heading and unit."""

    name: str
    heading: str
    unit: str = ""


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    caption: str,
    *,
    more: Callable[[int], str] | None = None,
    link: str = "",
    most: int = 250,
    yes_no: tuple[str, str] = ("yes", "no"),
    label: str = "",
    key: str = "",
) -> ET.Element:
    """Make a table with a caption and scoped headings; the first column names the row.

    Parameters
    ----------
    frame
        Rows to print; beyond `most` the rest is counted in a last line.
    columns
        What to print; columns that the frame lacks, or that are empty throughout, are left out.
    caption
        Said over the table.
    more
        Makes the sentence that counts the rows left out.
    link
        Where that sentence leads.
    most
        Rows that are printed.
    yes_no
        Words for true and false.
    label
        Number of the table, written before the caption.
    key
        Identifier in the page.
    """
    kept = [
        c
        for c in columns
        if c.name in frame and (c is columns[0] or frame[c.name].map(_present).any())
    ]
    looks = {c.name: _look(frame[c.name]) for c in kept}
    head = [
        element(
            "th",
            c.heading,
            element("span", c.unit, class_="unit") if c.unit else None,
            scope="col",
            class_=looks[c.name],
        )
        for c in kept
    ]
    body = element("tbody")
    top = frame.head(most)
    texts = [
        [cell(value, year=c.name.endswith("year"), yes_no=yes_no) for value in top[c.name].tolist()]
        for c in kept
    ]
    for at in range(len(top)):
        row = ET.SubElement(body, "tr")
        for number, c in enumerate(kept):
            value = texts[number][at]
            inner: Child = value if looks[c.name] == "n" else element("bdi", value)
            if number == 0:
                row.append(element("th", inner, scope="row", class_=looks[c.name]))
            else:
                row.append(element("td", inner, class_=looks[c.name]))
    made = element(
        "table",
        element("caption", _labelled(label, caption)),
        element("thead", element("tr", head)),
        body,
        id=key or None,
        class_=_WIDE if len(kept) >= _MANY else _MIDDLE if len(kept) >= _SOME else None,
    )
    region = element(
        "div",
        made,
        class_="table short" if len(top) <= _ONE_PAGE else "table",
        tabindex="0",
        role="region",
        **{"aria-label": caption},
    )
    rest = len(frame) - most
    if rest <= 0 or more is None:
        return element("div", region)
    stated = element("a", more(rest), href=link) if link else more(rest)
    return element("div", region, element("p", stated, class_="muted"))


def stacked_css(body: ET.Element) -> str:
    """Style by which narrow screens show a wide table row by row, each value after its heading."""
    rules = []
    for made in body.iter("table"):
        name, look = made.get("id"), made.get("class")
        if not name or not look:
            continue
        heads = made.findall("thead/tr/th")[1:]
        texts = [", ".join(filter(None, (h.text, h.findtext("span")))) for h in heads]
        rules += [
            f"@media screen and (max-width: {_STACKED_BELOW[look]}) {{ "
            f'#{name} td:nth-child({n})::before {{ content: "{css_text(text)}: "; }} }}'
            for n, text in enumerate(texts, start=2)
        ]
    return "\n".join(rules)


def css_text(text: str) -> str:
    """Write text as it is inside the quotes of CSS."""
    return "".join(f"\\{ord(c):x} " if c in '"\\<>' or ord(c) < 32 else c for c in shown(text))


def _look(column: pd.Series) -> str | None:
    """Return "n" for numbers, "r" for ranges, "long" and "t" for texts that need room."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return "n"
    texts = [str(value) for value in column.head(_LOOKED_AT) if _present(value)]
    longest = max(map(len, texts), default=0)
    if longest < 30 and (
        (any(" … " in text for text in texts) and not any("(" in text for text in texts))
        or not any(" " in text for text in texts)
    ):
        return "r"  # ranges and identifiers stay on one line
    return "long" if longest > 60 else "t" if longest > 12 else None


def _present(value: Any) -> bool:
    return not (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
        or value == ""
    )


def cell(value: Any, *, year: bool = False, yes_no: tuple[str, str] = ("yes", "no")) -> str:
    r"""Write one value; a dash where it is missing.

    Examples
    --------
    >>> cell(12345.0), cell(0.25), cell(None), cell(2019, year=True), cell(True)
    ('12,345', '0.25', '\u2013', '2019', 'yes')
    """
    if not _present(value):
        return _MISSING
    if isinstance(value, bool):
        return yes_no[0] if value else yes_no[1]
    if isinstance(value, (int, float)):
        if math.isinf(value):
            return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
        if year:
            return f"{value:.0f}"
        text = f"{value:,.6f}" if abs(value) < 1e12 else f"{value:g}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def page(title: str, css: str, body: Sequence[ET.Element], tag: str) -> str:
    """Write a whole page that loads and runs nothing.

    Its policy allows its own style and inline pictures only.
    """
    digest = base64.b64encode(sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
    )
    sheet = ET.SubElement(head, "style")
    sheet.text = css
    root = element("html", head, element("body", body), lang=tag)
    return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"
