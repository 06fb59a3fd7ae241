"""The geography of resettlement: sites, origins, distances, land and maps.

Names load on first use.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any, Final

__version__ = "0.1.0"

# pandas 2.3 can hold texts as version 3 does, where a missing text stays missing: by this variable
# if it is loaded from here, by the option if it was loaded before.
os.environ.setdefault("PANDAS_FUTURE_INFER_STRING", "1")
if getattr(sys.modules.get("pandas"), "__version__", "3").startswith("2.3"):
    sys.modules["pandas"].options.future.infer_string = True
# It also announces what version 3 does, for which this package is written.
warnings.filterwarnings("ignore", "The behavior of .* concatenation", FutureWarning, "geosettle")

_HOME: Final = {
    "GeosettleError": "geosettle.errors",
    "LAYERS": "geosettle.layers",
    "METRICS": "geosettle.distance",
    "ELEMENTS": "geosettle.maps",
    "INDICATORS": "geosettle.remoteness",
    "TABLES": "geosettle.tables",
    "Problem": "geosettle.problems",
    "Raster": "geosettle.raster",
    "Result": "geosettle.analysis",
    "RowsSetAside": "geosettle.problems",
    "Study": "geosettle.study",
    "analyse": "geosettle.analysis",
    "catchments": "geosettle.reach",
    "check_layer": "geosettle.io",
    "cost_distance": "geosettle.distance",
    "cover_change": "geosettle.covers",
    "distance_intervals": "geosettle.distance",
    "distance_matrix": "geosettle.distance",
    "scenario_table": "geosettle.distance",
    "geodesic_distance": "geosettle.distance",
    "join_admin": "geosettle.admin",
    "judge_claims": "geosettle.claims",
    "least_cost_paths": "geosettle.distance",
    "match_names": "geosettle.names",
    "month_table": "geosettle.distance",
    "nearest": "geosettle.distance",
    "overlay_areas": "geosettle.covers",
    "pair_distances": "geosettle.distance",
    "population_within": "geosettle.reach",
    "read_layer": "geosettle.io",
    "read_study": "geosettle.io",
    "render": "geosettle.maps",
    "rural_access": "geosettle.reach",
    "service_areas": "geosettle.reach",
    "site_times": "geosettle.reach",
    "survey_capitals": "geosettle.livelihood",
    "template_path": "geosettle.io",
    "to_wgs84": "geosettle.crs",
    "travel_allocation": "geosettle.reach",
    "travel_time": "geosettle.distance",
    "unreached_groups": "geosettle.reach",
    "write": "geosettle.outputs",
}
__all__ = sorted([*_HOME, "errors"])  # noqa: PLE0605  (a list of names, sorted; importing them all here would take three seconds)


def __getattr__(name: str) -> Any:
    """Load a public name from its module the first time it is asked for (PEP 562)."""
    if name == "errors":
        return importlib.import_module("geosettle.errors")
    if name not in _HOME:
        raise AttributeError(f"module 'geosettle' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
