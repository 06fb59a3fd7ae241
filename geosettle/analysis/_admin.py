"""Where sites and origins lie: the administrative units they are joined with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
        regions = study.regions.get(f"{role}s", {})
        joined = join_admin(
            _in_regions(frame, regions),
            study.boundaries,
            aliases=study.settings.admin.aliases,
            tolerance_km=study.settings.admin.tolerance_km,
        )
        _no_border(joined, regions)
        long.append(admin_long(joined, role))
        made.append(own.join(_admin_columns(joined)))
    return (
        made[0],
        made[1],
        pd.concat(long, ignore_index=True) if long else pd.DataFrame(columns=list(_ADMIN_LONG)),
    )


def _in_regions(frame: gpd.GeoDataFrame, regions: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """Places with the area they are somewhere in, for those that have one."""
    if not regions:
        return frame
    own = zip(map(str, frame.index), frame.geometry, strict=True)
    shapes = [regions.get(key, shape) for key, shape in own]
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def _no_border(joined: pd.DataFrame, regions: Mapping[str, Any]) -> None:
    """Take the border away, in place, from places that are somewhere in an area."""
    rows = joined.index.astype(str).isin(list(regions))
    for column in joined.columns:
        if rows.any() and str(column).endswith(("on_border", "border_km")):
            joined.loc[rows, column] = pd.NA if str(column).endswith("on_border") else float("nan")


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
