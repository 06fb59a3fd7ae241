"""Coordinate systems: longitude/latitude on WGS84 at rest; Chinese datums brought to it."""
