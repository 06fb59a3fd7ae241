"""Colours, widths and sizes shared by the interactive map and the printed figures.

Constants only, no imports.

The colours were chosen for the least distance in CAM02-UCS under normal vision and three simulated
colour-vision deficiencies; contrast against the relief is at least 3:1 for symbols and 4.5:1 for
text. Colour is never the only difference: sites are diamonds, origins rings, illustrative areas
hatched.
"""

from __future__ import annotations

from typing import Final

SITE: Final = "#D55E00"
FLOW: Final = "#0072B2"
ORIGIN: Final = "#1F2A44"
OASIS: Final = "#8FBF9F"
WATER: Final = "#7FA8C9"
SELECTED: Final = "#111111"
UNCERTAINTY: Final = "#D55E00"
INK: Final = "#22272B"
MUTED: Final = "#5D666D"
PAPER: Final = "#FFFFFF"

CHANGE_UP: Final = "#8C510A"
CHANGE_DOWN: Final = "#01665E"
"""More or less of an indicator at the site than at the origin; ends of ColorBrewer's BrBG."""

OASIS_OPACITY: Final = 0.62
FLOW_OPACITY: Final = {"normal": 0.5, "selected": 0.8, "others": 0.12}
FLOW_TAPER: Final = 0.35
"""Width at the origin as a share of the width at the site."""

PARCEL_YEARS: Final = ("#FFF3B0", "#F2C14E", "#B98B1E", "#6B4E0E")
"""Development by year, oldest to newest."""
DEVELOPMENT_COLOURS: Final = ("#B98B1E", "#F2C14E", "#6B4E0E", "#FFF3B0")
"""Development by kind, in the order of the kinds' names; further kinds repeat the colours with
another hatch.
"""

UNITS: Final = ("#EDF8FB", "#B3CDE3", "#8C96C6", "#8856A7", "#810F7C")
"""Administrative units by a number, from low to high: ColorBrewer's BuPu, safe for colour-blind
readers.
"""

CATEGORIES: Final = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7"),
    *("#56B4E9", "#D55E00", "#F0E442", "#000000"),
)
"""Levels of a text, the most frequent first: Okabe and Ito (2008)."""

TRAVEL: Final = ("#F2F0F7", "#DADAEB", "#BCBDDC", "#9E9AC8", "#756BB1", "#54278F")
REACH: Final = "#54278F"
"""Outline of catchments."""
WAY: Final = "#B5179E"
"""Line of a way."""
TRAVEL_BREAKS_MIN: Final = (0, 30, 60, 120, 240, 480)
"""Lower bounds of the travel-time classes, minutes; the last class is open."""

RELIEF_STOPS_M: Final = (900, 1100, 1400, 2000, 3000, 4200, 6000)
RELIEF: Final = ("#F8F3E7", "#F5EFE2", "#F1EBDF", "#E9E4D9", "#E0DCD4", "#E6E5E2", "#FAFAFA")
"""Hypsometric tints at RELIEF_STOPS_M metres; interpolate between them and multiply by the
hillshade.
"""

# Line: colour, width in CSS pixels (1/96 inch), dash pattern in the same unit (empty: solid).
INTERNATIONAL: Final = ("#444444", 1.6, (7.0, 3.0, 1.5, 3.0))
PREFECTURE: Final = ("#555555", 1.5, ())
COUNTY: Final = ("#8A8A8A", 1.0, (4.0, 3.0))
GRATICULE: Final = ("#7D8790", 0.6, ())

# Sizes in CSS pixels: (smallest, largest).
SITE_RADIUS_PX: Final = (4.0, 16.0)
"""Half diagonal of the diamond; its area is proportional to households."""
ORIGIN_RADIUS_PX: Final = (2.2, 5.0)
FLOW_WIDTH_PX: Final = (1.2, 9.0)
