"""The relocation study's own analysis next to what was measured.

It covers capitals, models, constraints and recommendations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from geosettle.livelihood._account import COLUMNS, Layers, account
from geosettle.livelihood.capitals import CAPITALS, capitals, few_hidden
from geosettle.livelihood.conditions import MEASURES, conditions, development_models
from geosettle.livelihood.survey import as_indicators, survey_capitals, survey_items
from geosettle.raster import Raster
from geosettle.reasons import rendered
from geosettle.settings import DEFAULTS

__all__ = [
    "CAPITALS",
    "COLUMNS",
    "MEASURES",
    "Layers",
    "as_indicators",
    "capitals",
    "conditions",
    "development_models",
    "livelihood",
    "survey_capitals",
    "survey_items",
]


@rendered
def livelihood(
    sites: gpd.GeoDataFrame,
    *,
    indicators: pd.DataFrame | None = None,
    survey: pd.DataFrame | None = None,
    remoteness: pd.DataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    development: pd.DataFrame | None = None,
    flows: pd.DataFrame | None = None,
    origins: pd.DataFrame | None = None,
    rivers: gpd.GeoDataFrame | None = None,
    boundaries: gpd.GeoDataFrame | None = None,
    dem: Raster | None = None,
    models: Mapping[str, Mapping[str, Any]] | None = None,
    constraints: Sequence[Mapping[str, Any]] = (),
    checks: Sequence[Mapping[str, Any]] = (),
    standards: Sequence[Mapping[str, Any]] = (),
    level: float = DEFAULTS.livelihood.level,
    smallest_cell: int = DEFAULTS.livelihood.smallest_cell,
) -> pd.DataFrame:
    """Put the whole account together, section by section.

    Parameters
    ----------
    sites
        By `site_id`, WGS84.
    indicators
        Aggregates before and after, see `capitals`.
    survey
        What `survey_capitals` gives, put in as it is; its figures also answer the conditions that
        ask for an indicator.
    remoteness
        The long frame of `geosettle.remoteness.remoteness`.
    places, development, flows, origins, rivers, boundaries, dem
        As in the study.
    models
        See `development_models`.
    constraints, checks, standards
        Conditions (see `conditions`) for the sections `constraint`, `recommendation` and `site
        standard`.
    level
        Confidence level of the capitals.
    smallest_cell
        Aggregates that fewer households or persons answered are suppressed.

    Returns
    -------
    DataFrame
        Long, `COLUMNS`; sections `capital`, `model`, `model condition`, `constraint`,
        `recommendation` and `site standard`.

    Examples
    --------
    >>> place = gpd.points_from_xy([76], [39])
    >>> sites = gpd.GeoDataFrame(
    ...     index=pd.Index(["A"], name="site_id"), geometry=place, crs="EPSG:4326"
    ... )
    >>> table = pd.DataFrame(
    ...     [
    ...         {
    ...             "site_id": "survey",
    ...             "capital": "material",
    ...             "indicator": "sheds",
    ...             "before": 13.2,
    ...             "after": 36.8,
    ...             "unit": "percent of households",
    ...             "n": None,
    ...         }
    ...     ]
    ... )
    >>> livelihood(sites, indicators=table)[["section", "site_id", "change", "verdict"]].round(1)
       section site_id  change verdict
    0  capital  survey    23.6  higher
    """
    printed = None if indicators is None else few_hidden(indicators, smallest_cell)
    known = [
        f
        for f in (printed, None if survey is None else as_indicators(survey))
        if f is not None and len(f)
    ]
    stated = pd.concat(known, ignore_index=True) if known else printed
    layers = Layers(
        sites, remoteness, places, development, stated, flows, origins, rivers, boundaries, dem
    )
    groups = (
        []
        if stated is None
        else sorted(set(stated["site_id"].astype(str)) - set(sites.index.astype(str)))
    )
    subjects = [*sorted(sites.index.astype(str)), *groups]
    parts = [
        capitals(indicators, level=level, smallest_cell=smallest_cell),
        account([]) if survey is None else survey,
        development_models(models or {}, layers),
        conditions("constraint", constraints, layers, subjects),
        conditions("recommendation", checks, layers, subjects),
        conditions("site standard", standards, layers, subjects),
    ]
    whole = [p for p in parts if len(p)]
    return pd.concat(whole, ignore_index=True)[list(COLUMNS)] if whole else account([])
