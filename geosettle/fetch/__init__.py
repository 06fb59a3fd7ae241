"""Open data for a study: the only package that opens a connection, and only when it is called."""

from __future__ import annotations

from geosettle.fetch.fetching import HOW, Fetched, fetch, has_positions
from geosettle.fetch.sources import SOURCES, Source

__all__ = ["HOW", "SOURCES", "Fetched", "Source", "fetch", "has_positions"]
