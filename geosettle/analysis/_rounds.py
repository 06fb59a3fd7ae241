"""The same registry at several survey dates: sites that are new, closed or moved, by unit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geosettle.levels import declared_units, ladder
from geosettle.rounds import compare_sites, totals
from geosettle.study import Study, in_scope

_ALL = "all"


def rounds_of(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare each date of a registry with the one before.

    Returns
    -------
    tuple
        One row per site and pair of dates, and one per unit of each level and pair of dates, the
        total first; both empty for a registry of one date.
    """
    if not study.rounds:
        return pd.DataFrame(), pd.DataFrame()
    dated = [*study.rounds.items(), (_latest(study), study.sites)]
    frames = [(date, frame[in_scope(frame)]) for date, frame in dated]
    sites, units = [], []
    for (date_before, old), (date, new) in pairwise(frames):
        compared = compare_sites(_plain(old), _plain(new))
        names = new["name"].reindex(compared.index).fillna(old["name"].reindex(compared.index))
        dates = {"date_before": date_before, "date": date}
        sites.append(compared.assign(**dates, name=names).rename_axis("site_id").reset_index())
        of_unit = [_units_of(frame, study) for frame in (old, new)]
        units.append({"level": _ALL, "unit": _ALL, **dates, **totals(compared, len(old), len(new))})
        for level in of_unit[1]:
            there, here = (units_[level] for units_ in of_unit)
            at = here.reindex(compared.index).fillna(there.reindex(compared.index))
            for unit, rows in compared.groupby(at):
                counts = int((there == unit).sum()), int((here == unit).sum())
                units.append({"level": level, "unit": unit, **dates, **totals(rows, *counts)})
    return pd.concat(sites, ignore_index=True), pd.DataFrame(units)


def _latest(study: Study) -> str:
    """Date of the sites themselves, as the inputs state it."""
    dates = {str(i.get("date", "")) for i in study.inputs.values() if i.get("layer") == "sites"}
    left = sorted(dates - {*study.rounds, ""})
    return left[-1] if left else "latest"


def _plain(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    points = shapely.centroid(frame.geometry.to_numpy())
    return pd.DataFrame(frame.drop(columns=["geometry", "lon", "lat"], errors="ignore")).assign(
        lon=shapely.get_x(points), lat=shapely.get_y(points)
    )


def _units_of(frame: gpd.GeoDataFrame, study: Study) -> dict[str, pd.Series]:
    """Return the unit of each site at each level: declared, else the one its position is in."""
    units = study.boundaries
    if units is None or not len(units):
        return {}
    declared: dict[str, Any] = declared_units(frame, units, study.settings.admin.aliases)
    out = {}
    points = shapely.centroid(frame.geometry.to_numpy())
    for level in ladder(units):
        some = units[units["level"].astype(str) == level]
        names = pd.Series([None] * len(frame), index=frame.index, dtype=object)
        at, unit = shapely.STRtree(some.geometry.to_numpy()).query(points, predicate="intersects")
        for a, u in zip(at[::-1].tolist(), unit[::-1].tolist(), strict=True):
            names.iloc[a] = str(some["name"].iloc[u])
        if level in declared:
            for row, codes in enumerate(declared[level].codes):
                if len(codes) == 1:
                    names.iloc[row] = str(units["name"].loc[codes[0]])
        out[level] = names
    return out
