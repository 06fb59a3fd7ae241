"""What the steps of the analysis share: the origins as a frame, reasons joined, `why` last."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geosettle.study import Study

__all__ = ["last_why", "origins_of", "reasons"]


def origins_of(study: Study) -> gpd.GeoDataFrame:
    if study.origins is not None:
        return study.origins
    return gpd.GeoDataFrame(
        {"name": []}, geometry=[], crs=study.sites.crs, index=pd.Index([], name="origin_id")
    )


def reasons(*columns: pd.Series) -> pd.Series:
    """Reasons of several steps in one text each, none twice."""
    joined = [
        "; ".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
        for texts in zip(*columns, strict=True)
    ]
    return pd.Series(joined, index=columns[0].index, dtype="str")


def last_why(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame[[*[c for c in frame.columns if c != "why"], "why"]]
