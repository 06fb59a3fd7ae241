"""One HTML file that loads nothing.

Assets by name, data in one inert block, scripts known by their hashes.

No template engine touches the page. The data stand in a single ``application/json`` block that one
static script reads and writes with `textContent`; so text from data can become neither HTML, nor
JavaScript, nor a template.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from geosettle.errors import OutputError
from geosettle.words import language, say

SCRIPTS: Final = (
    "core.js",
    "canvas.js",
    "crowd.js",
    "draw.js",
    "shown.js",
    "charts.js",
    "change.js",
    "ways.js",
    "parcels.js",
    "tools.js",
    "units.js",
    "measure.js",
    "legend.js",
    "panel.js",
    "main.js",
)
"""Our own script, in the order in which its files are joined into one function."""

_ESCAPES: Final = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def _ascii(text: str) -> str:
    """Escape what is not ASCII, inside strings of JSON or of a script.

    A browser keeps a page of nothing but ASCII in half the memory and is through with it much
    sooner.
    """
    return re.sub(r"[^\x00-\x7f]+", lambda run: json.dumps(run.group())[1:-1], text)


def inert_json(value: Any) -> str:
    r"""JSON in ASCII that is only data in any place of a page.

    No tag, comment or template can begin in it.

    Parameters
    ----------
    value
        Anything json writes; NaN is refused, missing is None.

    Returns
    -------
    str
        The same value on parsing, but ``<``, ``>``, ``&`` and all beyond ASCII are written as
        escapes, and so is the brace of ``{{``, ``{%`` and ``{#``. Half a surrogate pair becomes
        ``?``.

    Examples
    --------
    >>> print(inert_json({"name": "</script>{{7*7}}"}))
    {"name":"\u003c/script\u003e\u007b\u007b7*7}}"}
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = _ascii(text.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8"))
    # JSON's own braces are never followed by one of these, so every match stands inside a string.
    return re.sub(r"\{(?=[{%#])", r"\\u007b", re.sub(r"\{\{", r"\\u007b\\u007b", text))


def _asset_text(name: str) -> str:
    """Read a text file of Leaflet, its lines ended as a browser's parser ends them.

    Hashes are taken of that.
    """
    return _asset(name).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


@cache
def _asset(name: str) -> bytes:
    """Read a file of Leaflet from the package that carries it."""
    folder = importlib.resources.files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    try:
        return folder.joinpath(name).read_bytes()
    except FileNotFoundError:
        raise OutputError(
            f"the installed django-js-lib-leaflet has no file {name}",
            mend="Install django-js-lib-leaflet==1.9.4.1.",
        ) from None


@cache
def _own(name: str) -> str:
    return (importlib.resources.files("geosettle.maps") / "static" / name).read_text("utf-8")


@cache
def leaflet_js() -> str:
    """Leaflet's script, fit to stand inside a page."""
    text = re.sub(r"//[#@] sourceMappingURL=.*", "", _asset_text("leaflet.js"))
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def leaflet_css() -> str:
    """Leaflet's style with its pictures inside; a picture we do not know is an error."""
    text = _asset_text("leaflet.css")

    def inline(match: re.Match[str]) -> str:
        target = match.group(1).strip("'\"")
        if target.startswith("#"):  # a behaviour of old Internet Explorer, kept as it is
            return match.group(0)
        return f'url("{_picture(target)}")'

    return re.sub(r"url\(([^)]*)\)", inline, text)


def _picture(name: str) -> str:
    if not re.fullmatch(r"images/[\w-]+\.png", name):
        raise OutputError(f"Leaflet's style asks for {name!r}, which is not one of its pictures")
    return f"data:image/png;base64,{base64.b64encode(_asset(name)).decode('ascii')}"


@cache
def _marker_icons() -> str:
    """Name Leaflet's marker pictures.

    Leaflet finds them by reading its style, which fails once they are inside the page.
    """
    uris = [_picture(f"images/{n}.png") for n in ("marker-icon", "marker-icon-2x", "marker-shadow")]
    options = json.dumps(dict(zip(("iconUrl", "iconRetinaUrl", "shadowUrl"), uris, strict=True)))
    return f"delete L.Icon.Default.prototype._getIconUrl;L.Icon.Default.mergeOptions({options});"


def _without_comments(script: str) -> str:
    """Leave out lines of comment and indents.

    They are for those who read the source; many open a page.
    """
    return re.sub(
        r"(?m)^[ \t]+",
        "",
        re.sub(r"(?ms)^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", "", script),
    )


@cache
def own_script() -> str:
    """Script of the page, all its files joined into one function."""
    parts = _ascii("\n".join(_without_comments(_own(name)) for name in SCRIPTS))
    if re.search(r"</script|<!--", parts):
        raise OutputError("the map's own script holds the end of a script element")
    return f"(function () {{\n'use strict';\n{parts}\n}})();"


@cache
def _leaflet_script() -> str:
    """Leaflet and its marker pictures.

    The page holds it as text that our script runs when it is needed.
    """
    return f"{_ascii(leaflet_js())}\n{_marker_icons()}"


@cache
def shell_bytes(provenance: str = "") -> int:
    """Size of everything in the page but its data, in bytes; a little more rather than less."""
    texts = (_leaflet_script(), leaflet_css(), own_script(), _own("map.css"), _escaped(provenance))
    return sum(len(t.encode("utf-8")) for t in texts) + 2_000


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def csp(
    scripts: Iterable[str],
    styles: Iterable[str],
    *,
    hosts: Sequence[str] = (),
    foreign: bool = False,
) -> str:
    """Content-Security-Policy that allows exactly these scripts and styles.

    It allows nothing to be fetched.

    Parameters
    ----------
    scripts, styles
        The texts that are put into the page.
    hosts
        Hosts of a base map that was asked for; only pictures may come from them.
    foreign
        Whether the page holds the user's own folium layers, whose HTML carries style attributes.

    Returns
    -------
    str
        The policy; it holds no double quote.

    Examples
    --------
    >>> # printf 'var a = 1;' | openssl dgst -sha256 -binary | base64
    >>> csp(["var a = 1;"], []).split("; ")[1]
    "script-src 'sha256-+dZ6udsWxNVoGfScAq7t5IIF5UJb4F6RhjbN6oe1p4w='"
    """
    style = "'unsafe-inline'" if foreign else " ".join(_hash(s) for s in styles) or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(_hash(s) for s in scripts)}",
            f"style-src {style}",
            f"img-src data: blob:{''.join(f' {host}' for host in hosts)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def page(
    data: Mapping[str, Any],
    *,
    lang: str,
    title: str,
    hosts: Sequence[str] = (),
    foreign: Sequence[str] | None = None,
    foreign_styles: Sequence[str] = (),
    provenance: str = "",
) -> str:
    """Write the whole page.

    Parameters
    ----------
    data
        What the script draws; JSON-able.
    lang
        Language of the page, for screen readers.
    title
        Title of the window, plain text.
    hosts
        Hosts of a base map.
    foreign
        Scripts of the user's own folium layers, run after ours; None: there are none.
    foreign_styles
        Their style rules.
    provenance
        What the page was made from, written into its head: a page that is passed on alone still
        says it.

    Returns
    -------
    str
        HTML, deterministic.
    """
    bridge = ["geosettleFinish();", _own("bridge.js")] if foreign is not None else []
    later = [*bridge, *(_safe_script(s) for s in foreign or ())]
    styles = [leaflet_css(), _own("map.css"), *foreign_styles]
    policy = csp(
        [own_script(), _leaflet_script(), *later], styles, hosts=hosts, foreign=foreign is not None
    )
    tags = "".join(f"<script>{s}</script>\n" for s in later)
    css = "\n".join(f"<style>{s}</style>" for s in styles)
    text = {key: _escaped(say(lang, key)) for key in ("map_label", "needs_script")}
    made_from = (
        f'<meta name="geosettle-provenance" content="{_escaped(provenance)}">\n'
        if provenance
        else ""
    )
    return f"""<!DOCTYPE html>
<html lang="{html.escape(language(lang).tag)}" dir="ltr">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
{made_from}<title>{_escaped(title)}</title>
{css}
</head>
<body>
<main id="gs-main"><div id="gs-map" role="application" aria-label="{text["map_label"]}"></div>
<section id="gs-card" tabindex="0" hidden></section>
<div id="gs-tip" role="presentation" hidden></div>\
<div id="gs-live" class="gs-hidden" aria-live="polite"></div></main>
<aside id="gs-panel"><noscript>{text["needs_script"]}</noscript></aside>
<script type="application/json" id="gs-data">{inert_json(data)}</script>
<script>{own_script()}</script>
<script type="text/plain" id="gs-leaflet">{_leaflet_script()}</script>
{tags}</body>
</html>
"""


def _escaped(text: Any) -> str:
    """Text as HTML in ASCII."""
    return html.escape(str(text)).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _safe_script(text: str) -> str:
    """Pass a script that folium wrote for a user's layer, unless it would end its own element."""
    if re.search(r"</script|<!--", text, flags=re.IGNORECASE):
        raise OutputError(
            "a folium layer that was added to the map holds '</script' or '<!--' in its data",
            mend="Remove it from the layer's text: folium writes such text into the script as it "
            "is.",
        )
    # What a browser's parser makes of these, for the hash is taken of that.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return (
        whole.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
