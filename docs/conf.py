"""Settings of Sphinx, and the pages made from what the package itself holds, at every build."""

from __future__ import annotations

from pathlib import Path

import geosettle as gs
from geosettle.data_files import read_data
from geosettle.layers import LAYERS
from geosettle.tables.dictionary import DICTIONARY

ROOT = Path(__file__).parent.parent
project = "geosettle"
version = release = gs.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["conf.py", "__pycache__"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]
napoleon_google_docstring = False
autodoc_typehints = "none"
html_theme = "pydata_sphinx_theme"
html_title = "geosettle"
html_show_sourcelink = False
html_sidebars = {"**": ["globaltoc.html"]}
html_theme_options = {"navbar_center": [], "show_toc_level": 2, "navigation_with_keys": False}


def _cell(text: object) -> str:
    return " ".join(str(text).replace("|", "\\|").replace("<", "&lt;").split())


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n\n"


def _settings() -> str:
    text = (ROOT / "geosettle/defaults.toml").read_text(encoding="utf-8")
    about = """# Settings

Every setting of `study.toml`, with its default, unit and range. State only what differs; a name that does not exist is refused
with the nearest one that does.

"""
    return f"{about}```toml\n{text}```\n"


def _layers() -> str:
    about = """# Layers and their columns

What a study may hold. Columns are found by these names, their aliases, and words in seven languages; `--map NAME=COLUMN`
states them.

"""
    out = [about]
    for name, spec in LAYERS.items():
        kinds = ", ".join(k for k in spec.geometries if k != "none") or "a table"
        out.append(f"## {name}\n\nGeometry: {kinds}.\n\n")
        rows = [
            [f"`{c.name}`", "yes" if c.required else "", c.unit or "", c.meaning]
            for c in spec.columns
        ]
        if rows:
            out.append(_table(["column", "needed", "unit", "meaning"], rows))
    return "".join(out)


def _problems() -> str:
    about = """# Problems

Every code of `problems.csv`, what it means and what to do. A *note* is worth knowing; with a *warning* the row is used; with an
*error* the row is set aside; *fatal* refuses the input.

"""
    out = [about]
    for group, codes in read_data("problems.toml").items():
        rows = [[f"`{code}`", *about] for code, about in codes.items()]
        out.append(f"## {group.replace('_', ' ').capitalize()}\n\n")
        out.append(_table(["code", "severity", "what it means", "what to do"], rows))
    return "".join(out)


def _tables() -> str:
    about = """# Tables and their columns

What a run may write, and what each column means. In a name, `*` is any text.

"""
    out = [about]
    for table, columns in DICTIONARY.items():
        rows = [[f"`{name}`", entry.unit, entry.meaning] for name, entry in columns.items()]
        out += [f"## {table}\n\n", _table(["column", "unit", "meaning"], rows)]
    return "".join(out)


def _python() -> str:
    about = """# Python

`import geosettle as gs`: everything below is `gs.NAME`. Frames go in and come out with their index and CRS; nothing that is
given is changed.

"""
    out = [about]
    for name in (n for n in gs.__all__ if callable(getattr(gs, n))):
        kind = "function" if name[0].islower() else "class"
        out.append(f"## {name}\n\n```{{eval-rst}}\n.. auto{kind}:: geosettle.{name}\n```\n\n")
    return "".join(out)


def _changes() -> str:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.replace("](docs/", "](../")


PAGES = {
    "python": _python,
    "settings": _settings,
    "layers": _layers,
    "tables": _tables,
    "problems": _problems,
    "changes": _changes,
}

(ROOT / "docs/reference").mkdir(exist_ok=True)
for page, make in PAGES.items():
    (ROOT / f"docs/reference/{page}.md").write_text(make(), encoding="utf-8")
