"""Where sites and origins lie: the administrative units they are joined with."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import pandas as pd

from geosettle.admin import admin_long, join_admin
from geosettle.levels import ladder
from geosettle.study import Study, origins_of


def join_units(study: Study) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Sites and origins with their administrative columns, and the long table of both."""
    made, long = [], []
    levels = () if study.boundaries is None else ladder(study.boundaries)
    declaring = [name for level in levels for name in (level, f"{level}_code")]
    for role, frame in (("site", study.sites), ("origin", origins_of(study))):
        own = frame.rename(columns={c: f"declared_{c}" for c in declaring if c in frame})
        if study.boundaries is None or not levels:
            made.append(own.assign(why=""))
            continue
        joined = join_admin(
            frame,
            study.boundaries,
            aliases=study.settings.admin.aliases,
            tolerance_km=study.settings.admin.tolerance_km,
        )
        long.append(admin_long(joined, role))
        made.append(own.join(_admin_columns(joined)))
    return (
        made[0],
        made[1],
        pd.concat(long, ignore_index=True) if long else pd.DataFrame(columns=list(_ADMIN_LONG)),
    )


_ADMIN_LONG: Final = (
    "role",
    "id",
    "level",
    "code",
    "name",
    "probability",
    "alternatives",
    "on_border",
    "border_km",
    "distance_m",
    "declared",
    "agrees",
    "why",
)


def _admin_columns(joined: pd.DataFrame) -> pd.DataFrame:
    """Columns of sites.csv: code and name per level, probability, border, and agreement."""
    levels = [c.removesuffix("_code") for c in joined.columns if c.endswith("_code")]
    wanted = [name for level in reversed(levels) for name in (f"{level}_code", level)]
    return joined.reindex(
        columns=[*wanted, "admin_probability", "on_border", "border_km", "admin_agrees", "why"]
    )
