"""What a result was made from: versions, parameters, hashes of the inputs."""

from __future__ import annotations

import platform
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

from geosettle import __version__
from geosettle.io.versions import native_versions
from geosettle.study import Study

_LIBRARIES: Final = (
    "geopandas",
    "shapely",
    "pyproj",
    "pyogrio",
    "rasterio",
    "pandas",
    "numpy",
    "scipy",
    "exactextract",
    "folium",
    "matplotlib",
)


def provenance_of(study: Study) -> dict[str, Any]:
    """Versions, parameters and input hashes; no clock, no path, so that two runs say the same."""
    inputs = {name: dict(what) for name, what in sorted(study.inputs.items())}
    # What the files say, whatever the order of their rows.
    entries = {
        name: what.get("content_sha256") or what.get("sha256", "") for name, what in inputs.items()
    }
    masked = study.mask_households
    digest = sha256("".join(f"{name} {what}\n" for name, what in entries.items()).encode())
    return {
        "geosettle": __version__,
        "versions": {
            **{name: version(name) for name in _LIBRARIES},
            **native_versions(),
            "python": platform.python_version(),
        },
        "parameters": study.settings.to_dict()
        | ({} if masked is None else {"mask_households": masked}),
        "seed": study.settings.distance.seed,
        "inputs": inputs,
        "input_hash": digest.hexdigest(),
        "ledger": {layer: dict(counts) for layer, counts in sorted(study.ledger.items())},
    }
