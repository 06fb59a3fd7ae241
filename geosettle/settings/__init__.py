"""Every setting of a study: type, default, unit, range, choices and meaning, in one place.

`defaults.toml` is written from them (`make defaults`), a study.toml is decoded into them with all
its faults at once, and functions take their defaults from them.
"""

from __future__ import annotations

from geosettle.settings.decoding import check_kinds, decode, defaults_toml
from geosettle.settings.fetching import FetchOptions
from geosettle.settings.options import Options, check, points_of
from geosettle.settings.reaching import ReachOptions
from geosettle.settings.tables import (
    DEFAULTS,
    AdminOptions,
    ClaimOptions,
    Condition,
    DistanceOptions,
    LandOptions,
    LivelihoodOptions,
    MapOptions,
    Model,
    OasisOptions,
    OasisRule,
    OverlayOptions,
    PublishedOasis,
    RemotenessOptions,
    ReportOptions,
    RoadRules,
    ScenarioOptions,
    ServiceOptions,
    Settings,
    Spread,
    StudyOptions,
    SurveyItem,
    SurveyOptions,
    WalkOptions,
)

__all__ = [
    "DEFAULTS",
    "AdminOptions",
    "ClaimOptions",
    "Condition",
    "DistanceOptions",
    "FetchOptions",
    "LandOptions",
    "LivelihoodOptions",
    "MapOptions",
    "Model",
    "OasisOptions",
    "OasisRule",
    "Options",
    "OverlayOptions",
    "PublishedOasis",
    "ReachOptions",
    "RemotenessOptions",
    "ReportOptions",
    "RoadRules",
    "ScenarioOptions",
    "ServiceOptions",
    "Settings",
    "Spread",
    "StudyOptions",
    "SurveyItem",
    "SurveyOptions",
    "WalkOptions",
    "check",
    "check_kinds",
    "decode",
    "defaults_toml",
    "points_of",
]
