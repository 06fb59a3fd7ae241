"""The folium shell: a Map that writes our page, and lets a user's own folium layers ride on top.

folium compiles what it has already rendered a second time as a template (``Element(text)``), so that ``{{...}}`` in a
village's name would run in the process that saves the map. Nothing of the study passes through folium. For layers that
a user adds, the text that folium hands over is taken as it is and never rendered again; what folium itself makes of
such a layer's text (a popup is HTML) remains folium's contract with that user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import folium
import jinja2
from branca.element import Element, Figure

from geosettle.errors import OutputError
from geosettle.maps import offline
from geosettle.maps.basemaps import Basemap

__all__ = ["StudyMap"]


class _SafeFigure(Figure):
    """The root of the map: whoever renders it (save, notebook, browser) gets the safe page."""

    def __init__(self, owner: StudyMap) -> None:
        super().__init__(height="720px")
        self.owner = owner

    def render(self, **_options: Any) -> str:
        return self.owner.to_html()


class StudyMap(folium.Map):
    """A folium.Map that saves itself as one offline file.

    Layers of your own may be added as to any folium map, after which these hold: their vector data are drawn above the
    study's; whatever needs a further script or style sheet from the network (most plugins, `folium.Icon`, tile layers)
    is refused when the map is saved; text in their popups and tooltips is HTML, as folium documents, so do not put
    untrusted text there. The page's policy still forbids every request and every script but those that were put in.

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
        self, data: Mapping[str, Any], tiles: Basemap | None, location: list[float], provenance: str = ""
    ) -> None:
        super().__init__(location=location, tiles=None)
        self._data = data
        self._tiles = tiles
        self._provenance = provenance
        _SafeFigure(self).add_child(self)

    def to_html(self) -> str:
        """Write the page as text."""
        lang = str(self._data["lang"])
        return offline.page(
            self._data,
            lang=lang,
            title=str(self._data["title"][lang]),
            hosts=self._tiles.hosts if self._tiles else (),
            foreign=self._foreign_scripts() if self._children else None,
            provenance=self._provenance,
        )

    def _foreign_scripts(self) -> list[str]:
        """Scripts of the layers the user added, as folium wrote them in its first and only pass."""
        figure: Any = self.get_root()
        figure.header, figure.html, figure.script = _Collector(figure), _Collector(figure), _Collector(figure)
        for child in self._children.values():
            _refuse_unsafe(child)
            try:
                child.render()
            except jinja2.TemplateSyntaxError as error:
                raise OutputError(
                    f"a folium layer that was added to the map holds template marks in its text ({error.message})",
                    mend="Remove '{{', '{%' and '{#' from it: folium would run them.",
                ) from None
        for name, element in [*figure.header._children.items(), *figure.html._children.items()]:  # noqa: SLF001
            raise OutputError(
                f"the folium layer {name} needs {getattr(element, 'url', 'HTML outside the map')}, which a file that "
                "loads nothing cannot have",
                mend="Use folium's vector layers (GeoJson, PolyLine, CircleMarker, Marker without Icon).",
            )
        return [f"var {self.get_name()} = window.geosettle.map;\n" + "\n".join(figure.script.texts)]


class _Collector(Element):
    """Takes what folium hands over and keeps its text, without rendering it again."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self._parent = figure
        self.texts: list[str] = []

    def add_child(self, child: Element, name: str | None = None, index: int | None = None) -> Element:
        self.texts.append(child._template_str or "")  # noqa: SLF001
        return super().add_child(child, name, index)


def _refuse_unsafe(element: Element) -> None:
    """Refuse what cannot work in a page that loads nothing, with the reason, before folium writes it."""
    if isinstance(element, folium.TileLayer | folium.Icon):
        raise OutputError(
            f"folium.{type(element).__name__} loads files from the network, which this map never does by itself",
            mend="For a base map use render(result, basemap=...); for markers leave the icon out or use DivIcon.",
        )
    if isinstance(element, folium.Popup) and element.script._children:  # noqa: SLF001
        raise OutputError("a chart or map inside a folium popup needs files from the network")
    for child in element._children.values():  # noqa: SLF001
        _refuse_unsafe(child)
