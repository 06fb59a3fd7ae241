"""The folium shell: a Map that writes our page, and lets a user's own folium layers ride on top.

folium compiles what it has already rendered a second time as a template (``Element(text)``), so
that ``{{...}}`` in a village's name would run in the process that saves the map. Nothing of the
study passes through folium. For layers that a user adds, the text that folium hands over is taken
as it is and never rendered again; what folium itself makes of such a layer's text (a popup is HTML)
remains folium's contract with that user.
"""

from __future__ import annotations

import html
import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

import folium
import jinja2
from branca.element import Element, Figure, Html

from geosettle.errors import OutputError
from geosettle.maps import offline
from geosettle.maps.basemaps import Basemap


class _SafeFigure(Figure):
    """The root of the map: whoever renders it (save, notebook, browser) gets the safe page."""

    def __init__(self, owner: StudyMap) -> None:
        super().__init__(height="720px")
        self.owner = owner

    def render(self, **_options: Any) -> str:
        return self.owner.to_html()


class StudyMap(folium.Map):
    """A folium.Map that saves itself as one offline file.

    Layers of your own may be added as to any folium map, after which these hold: their vector data
    are drawn above the study's; whatever needs a further script or style sheet from the network
    (most plugins, `folium.Icon`, tile layers) is refused when the map is saved, and so is HTML
    added to the page outside the map; text in their popups and tooltips is HTML, as folium
    documents, unless a popup says ``parse_html=True``, but neither a template nor JavaScript. The
    page's policy forbids every request and every script but those that were put in.

    Parameters
    ----------
    data
        What the static script draws; see `geosettle.maps.render`.
    tiles
        Base map that was asked for.
    location
        Latitude and longitude of the centre, for folium's own use.
    provenance
        What the map was made from: versions, parameters and the hashes of the inputs, as JSON.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        tiles: Basemap | None,
        location: list[float],
        provenance: str = "",
    ) -> None:
        super().__init__(location=location, tiles=None)
        self._data = data
        self._tiles = tiles
        self._provenance = provenance
        self._figure = _SafeFigure(self)
        self._figure.add_child(self)

    def to_html(self) -> str:
        """Write the page as text.

        Raises
        ------
        OutputError
            A layer that was added needs something from the network, or HTML outside the map.
        """
        lang = str(self._data["lang"])
        scripts, styles = self._foreign()
        return offline.page(
            self._data,
            lang=lang,
            title=str(self._data["title"][lang]),
            hosts=self._tiles.hosts if self._tiles else (),
            foreign=scripts,
            foreign_styles=styles,
            provenance=self._provenance,
        )

    def save(
        self,
        outfile: str | bytes | os.PathLike[str] | BinaryIO | TextIO,
        close_file: bool = True,
        **_options: Any,
    ) -> None:
        """Write the page into a file; if it cannot be written, the file stays as it was.

        Parameters
        ----------
        outfile
            Path, or a file open for writing bytes or text.
        close_file
            Whether a file that was given open is closed afterwards, as folium has it.

        Raises
        ------
        OutputError
            As `to_html` raises it.
        """
        page = self.to_html()
        if isinstance(outfile, str | bytes | os.PathLike):
            Path(os.fsdecode(outfile)).write_bytes(page.encode("utf-8"))
            return
        if isinstance(outfile, io.TextIOBase | TextIO):
            outfile.write(page)
        else:
            outfile.write(page.encode("utf-8"))
        if close_file:
            outfile.close()

    def render(self, **_options: Any) -> str:
        """Take part in a figure of the user's own, as a frame that holds the page."""
        figure: Any = self.get_root()
        if figure is not self._figure:
            figure.html.add_child(_Frame(self.to_html()), name=self.get_name())
        return ""

    def _foreign(self) -> tuple[list[str] | None, list[str]]:
        """Scripts and styles of the layers the user added.

        They are as folium wrote them in its first and only pass.

        None instead of scripts: nothing was added.
        """
        figure: Any = self._figure
        parts = figure.header, figure.html, figure.script
        own = {key: dict(part._children) for key, part in zip(_PARTS, parts, strict=True)}  # noqa: SLF001
        own["header"].pop("meta_http", None)
        parent = self._parent
        made = [_Collector(figure) for _ in _PARTS]
        figure.header, figure.html, figure.script = made
        self._parent = figure  # the layers look for their root, wherever the map itself was put
        try:
            for child in self._children.values():
                for part in _parts_of(child):
                    _refuse_unsafe(part)
                with _taken_literally(child):
                    _render(child)
        finally:
            figure.header, figure.html, figure.script = parts
            self._parent = parent
        header, body, script = made
        in_head = [*own["header"].items(), *header._children.items()]  # noqa: SLF001
        styles = [_style_text(name, element) for name, element in in_head]
        in_body = body._children.items()  # noqa: SLF001
        for name, element in [*own["html"].items(), *own["script"].items(), *in_body]:
            raise _outside(name, element)
        if not self._children and not styles:
            return None, []
        return [
            f"var {self.get_name()} = window.geosettle.map;\n" + "\n".join(script.texts)
        ], styles


_MARKS: Final = re.compile(r"[\\`]|(?<=\$)\{|\{(?=[{%#])")
"""What a template, or JavaScript between backticks, would take for more than text."""
_PARTS: Final = ("header", "html", "script")
"""What a folium figure is made of."""


class _Collector(Element):
    """Takes what folium hands over and keeps its text, without rendering it again."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self._parent = figure
        self.texts: list[str] = []

    def add_child(
        self, child: Element, name: str | None = None, index: int | None = None
    ) -> Element:
        self.texts.append(child._template_str or "")  # noqa: SLF001
        return super().add_child(child, name, index)


class _Frame(Element):
    """The page as a frame inside another page; no template is made of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page

    def render(self, **_options: Any) -> str:
        look = "position:absolute;left:0;top:0;width:100%;height:100%;border:none"
        return f'<iframe srcdoc="{html.escape(self._page)}" style="{look}"></iframe>'


def _render(layer: Element) -> None:
    try:
        layer.render()
    except jinja2.TemplateSyntaxError as error:
        raise OutputError(
            "a folium layer that was added to the map holds template marks in its text "
            f"({error.message})",
            mend="Remove '{{', '{%' and '{#' from it: folium would run them.",
        ) from None


def _style_text(name: str, element: Element) -> str:
    """Return the rules of an element of a page's head that is only a style.

    A layer's own tooltips have such elements.
    """
    found = re.fullmatch(r"\s*<style>([^<]*)</style>\s*", element._template_str or "")  # noqa: SLF001
    if type(element) is not Element or not found:
        raise _outside(name, element)
    return found.group(1)


def _outside(name: str, element: Element) -> OutputError:
    stated = re.sub(r"_[0-9a-f]{32}", " ", name).strip()
    needs = getattr(element, "url", "HTML or a script outside the map")
    return OutputError(
        f"a folium element that was added to the map ({stated}) needs {needs}, which a file that "
        "loads "
        "nothing cannot have",
        mend="Use folium's vector layers (GeoJson, PolyLine, CircleMarker, Marker without Icon).",
    )


def _parts_of(element: Element) -> Iterator[Element]:
    """Yield an element and all below it."""
    yield element
    for child in element._children.values():  # noqa: SLF001
        yield from _parts_of(child)


@contextmanager
def _taken_literally(layer: Element) -> Iterator[None]:
    """Escape the text of popups and tooltips.

    Folium writes it into a template and between backticks.

    Backtick, backslash, ``${`` and ``{{`` become HTML's names for them: the same to a reader, and
    nothing to a script.
    """
    before: list[tuple[Any, dict[str, Any]]] = []
    for part in _parts_of(layer):
        if isinstance(part, folium.Tooltip):
            before.append((part, {"text": part.text}))
            part.text = _without_marks(part.text)
        for text in part.html._children.values() if isinstance(part, folium.Popup) else ():  # noqa: SLF001
            if isinstance(text, Html):
                before.append((text, {"data": text.data, "script": text.script}))
                data = text.data.replace("\\`", "`")  # as the popup was given it
                text.data, text.script = (
                    _without_marks(data if text.script else html.escape(data)),
                    True,
                )
    try:
        yield
    finally:
        for part, kept in before:
            vars(part).update(kept)


def _without_marks(text: str) -> str:
    return _MARKS.sub(lambda mark: f"&#{ord(mark.group())};", text)


def _refuse_unsafe(element: Element) -> None:
    """Refuse what cannot work in a page that loads nothing.

    With the reason, before folium writes it.
    """
    if _loads(element):
        raise OutputError(
            f"folium.{type(element).__name__} loads files from the network, which this map never "
            "does by itself",
            mend="For a base map use render(result, basemap=...); for markers leave the icon out "
            "or use DivIcon; give "
            "pictures as arrays or local files.",
        )
    if isinstance(element, folium.Popup) and element.script._children:  # noqa: SLF001
        raise OutputError("a chart or map inside a folium popup needs files from the network")
    key = getattr(element, "feature_identifier", "feature.id")
    if not re.fullmatch(r"feature(\.[^\W\d]\w*)+", key):
        raise OutputError(
            "folium writes the name of this column of a GeoJson layer into the page's script",
            value=key.removeprefix("feature.properties."),
            mend="Rename it to letters, digits and underscores, or give each feature an id.",
        )


def _loads(element: Element) -> bool:
    """Whether a folium element asks for files.

    Pictures that folium has written into the page are there already.
    """
    if isinstance(element, folium.CustomIcon):
        urls = [element.options.get(key) for key in ("icon_url", "shadow_url")]
        return any(url and not str(url).startswith("data:") for url in urls)
    if isinstance(element, folium.raster_layers.ImageOverlay):
        return not str(element.url).startswith("data:")
    network = folium.TileLayer, folium.WmsTileLayer, folium.raster_layers.VideoOverlay, folium.Icon
    return isinstance(element, network)
