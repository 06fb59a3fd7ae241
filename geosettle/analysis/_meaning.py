"""What the numbers mean: remoteness of sites and origins, livelihoods, and the columns that sum them up."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geosettle.analysis._distances import by_road
from geosettle.analysis._frames import origins_of
from geosettle.livelihood import livelihood, survey_capitals, survey_items
from geosettle.remoteness import remoteness
from geosettle.study import Study

__all__ = ["livelihood_of", "remoteness_of", "survey_of", "weighted_distances"]


def remoteness_of(
    study: Study, pairs: pd.DataFrame, origins: gpd.GeoDataFrame, intervals: pd.DataFrame
) -> pd.DataFrame:
    """Every indicator of sites, origins and the study, with road distances to the places where there are roads."""
    return remoteness(
        pairs,
        study.sites,
        origins,
        study.places,
        intervals=intervals,
        roads=study.roads,
        site_places=by_road(study, study.sites),
        origin_places=by_road(study, origins_of(study)),
        **study.settings["remoteness"],
        **study.settings["services"],
    )


def survey_of(study: Study) -> pd.DataFrame | None:
    """Figures of the household survey, put together by site; its rows go no further than this."""
    if study.survey is None:
        return None
    chosen = study.settings["livelihood"]
    options = {name: chosen[name] for name in ("level", "smallest_cell", "draws", "seed")}
    return survey_capitals(study.survey, survey_items(study.survey, chosen["survey"]["items"]), **options)


def livelihood_of(
    study: Study, sites: gpd.GeoDataFrame, remote: pd.DataFrame, surveyed: pd.DataFrame | None
) -> pd.DataFrame:
    """Capitals, models, constraints, recommendations and standards, with the survey's figures beside the aggregates."""
    chosen = study.settings["livelihood"]
    return livelihood(
        sites,
        indicators=study.indicators,
        survey=surveyed,
        remoteness=remote,
        places=study.places,
        development=study.development,
        flows=study.flows,
        origins=study.origins,
        rivers=study.rivers,
        boundaries=study.boundaries,
        dem=study.dem,
        models=study.settings["models"],
        constraints=chosen["constraints"],
        checks=chosen["checks"],
        standards=chosen["standards"],
        level=chosen["level"],
    )


def weighted_distances(remote: pd.DataFrame, sites: pd.Index) -> pd.DataFrame:
    """Mean, median and largest distance of the land at the origins from each site, weighted and not, as columns."""
    wanted = ("land_mean", "land_mean_unweighted", "land_median", "land_max")
    rows = remote[(remote["role"] == "site") & remote["indicator"].isin(wanted)]
    names = rows["indicator"] + "_" + rows["metric"] + "_" + rows["unit"]
    wide = rows.assign(column=names).pivot_table(index="id", columns="column", values="value", aggfunc="first")
    return wide.reindex(sites).reindex(columns=sorted(wide.columns))
