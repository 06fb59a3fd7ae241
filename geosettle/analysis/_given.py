"""Columns of the input that are called like computed ones: kept under another name."""

from __future__ import annotations

import re
from typing import Any, Final

from geosettle.distance import ESTIMATES, METRICS, PAIR_COLUMNS
from geosettle.layers import LAYERS
from geosettle.levels import free_name, name_declared
from geosettle.problems import Problem, problem
from geosettle.study import Study

_OF_PLACES: Final = re.compile(
    r"(origin|site)_id|why|on_border|border_km|admin_(probability|agrees)|in_oasis(_probability)?"
    r"|oasis_(probability|zones?|edge_\w+|share_\w+)|(oasis|development)_[\d.]+km_ha"
    r"|land_(mean|mean_unweighted|median|max)_\w+_(km|h)"
    r"|nearest_road(_low|_high)?_km|road_(class|name)|elevation(_low|_high)?_m|slope(_low|_high)?_deg"
    r"|land_cover(_shares)?"
)
"""Columns that the analysis adds to sites and origins, or looks for to know them.

Columns of the levels are not among them.
"""


def keep_given(study: Study) -> tuple[Study, list[Problem]]:
    """Free the names of computed columns: a column of the input that has one is called `given_...`.

    Columns of declared units are called after their levels. What was renamed is in the problems, as
    notes.
    """
    changed: dict[str, Any] = {}
    notes: list[Problem] = []
    for role in ("sites", "origins", "flows", "places"):
        frame = getattr(study, role)
        if frame is None:
            continue
        renamed: dict[str, str] = {}
        if role != "flows" and study.boundaries is not None and len(study.boundaries):
            frame, new_to_old = name_declared(frame, study.boundaries, study.settings.admin.aliases)
            renamed = {old: new for new, old in new_to_old.items()}
        own = {column.name for column in LAYERS[role].columns}
        computed = {
            str(c): free_name(str(c), {str(n) for n in frame.columns})
            for c in frame.columns
            if c not in own and _is_computed(str(c), role)
        }
        if renamed or computed:
            changed[role] = frame.rename(columns=computed)
        notes += [
            problem("column_renamed", f"The column {old} is kept as {new}.", layer=role, column=old)
            for old, new in {**renamed, **computed}.items()
        ]
    return (study.replace(**changed) if changed else study), notes


def _is_computed(column: str, role: str) -> bool:
    if role == "places":
        return column in {"origin_id", "site_id"}
    if role != "flows":
        return _OF_PLACES.fullmatch(column) is not None
    return column in {*PAIR_COLUMNS, *ESTIMATES, *(c for m in METRICS.values() for c in m.columns)}
