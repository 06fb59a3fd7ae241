"""Places in administrative units: which unit, how surely, and whether the source agrees.

Any ladder of levels will do (province, prefecture, county, township ...); it is read from `level`
and `parent_code`. The boundary set is the user's choice, and joining with it takes no position on
where a border ought to run.
"""

from __future__ import annotations

from geosettle.admin.join import admin_long, join_admin
from geosettle.levels import ladder

__all__ = ["admin_long", "join_admin", "ladder"]
