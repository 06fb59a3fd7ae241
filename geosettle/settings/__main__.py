"""Write defaults.toml: `python -m geosettle.settings`."""

from pathlib import Path

from geosettle.settings import defaults_toml

Path(__file__).parents[1].joinpath("defaults.toml").write_text(defaults_toml(), encoding="utf-8")
