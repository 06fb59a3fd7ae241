"""The plugin that QGIS loads: geosettle's commands as Processing algorithms.

`geosettle qgis install` copies this folder. It runs in QGIS's own Python (3.9 or newer) and imports
nothing of geosettle, which it starts as a program in an environment of its own.
"""

from __future__ import annotations

from typing import Any


def classFactory(_: Any) -> Any:  # noqa: N802  (QGIS's name)
    """Return the plugin; QGIS calls it."""
    from .provider import Plugin  # noqa: PLC0415  (imports QGIS)

    return Plugin()
