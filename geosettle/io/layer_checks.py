"""Every check of a single layer, in the order its findings are listed."""

from __future__ import annotations

from typing import Final

from geosettle.io.area_checks import areas, areas_among_points, other_areas, overlaps
from geosettle.io.row_checks import (
    Check,
    barrier_months,
    coarse_positions,
    contradicting_indicators,
    copied_rows,
    distances,
    duplicate_ids,
    empty_table,
    hidden_total,
    household_sizes,
    missing_positions,
    no_moves,
    repeated_flows,
    road_table,
    same_positions,
    scopes,
    similar_ids,
    similar_names,
    spellings,
    texts,
    totals,
    validity,
)

FOR_LAYER: Final[tuple[Check, ...]] = (
    scopes,
    empty_table,
    totals,
    hidden_total,
    road_table,
    copied_rows,
    duplicate_ids,
    similar_ids,
    spellings,
    similar_names,
    missing_positions,
    coarse_positions,
    same_positions,
    texts,
    household_sizes,
    areas,
    other_areas,
    areas_among_points,
    overlaps,
    contradicting_indicators,
    distances,
    validity,
    repeated_flows,
    no_moves,
    barrier_months,
)
