"""Jobs too large for one table: planned in parts, done anywhere, resumed where they stopped."""

from __future__ import annotations

from geosettle.jobs.distances import distances_job
from geosettle.jobs.overlay import overlay_job
from geosettle.jobs.parts import Job, Part, tiles
from geosettle.jobs.reach import reach_job
from geosettle.jobs.run import Engine, Outcome, engine_on, estimate, run_job

__all__ = [
    "Engine",
    "Job",
    "Outcome",
    "Part",
    "distances_job",
    "engine_on",
    "estimate",
    "overlay_job",
    "reach_job",
    "run_job",
    "tiles",
]
