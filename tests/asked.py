"""Settings that ask for what the embedded study asks: models, constraints, recommendations."""

from __future__ import annotations

import tomllib
from pathlib import Path

from geosettle.settings import Settings, decode

STUDY = Path(__file__).parents[1] / "data" / "southern_xinjiang" / "study.toml"
_STATED = decode(tomllib.loads(STUDY.read_text(encoding="utf-8")))
ASKED = Settings(
    livelihood=_STATED.livelihood, models=_STATED.models, remoteness=_STATED.remoteness
)
