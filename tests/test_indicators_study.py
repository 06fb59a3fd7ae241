"""Indicators of a whole study: places reached by its own metrics, with intervals, across the 180th
meridian.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geosettle.analysis._distances import context_of
from geosettle.analysis._indicators import to_places
from geosettle.errors import InputError
from geosettle.io import read_study


@pytest.fixture(scope="module")
def study():
    return read_study(Path(__file__).parent / "studies" / "made_up_across_180")


def with_metrics(study, *names):
    settings = study.settings.to_dict()
    settings["services"]["metrics"] = list(names)
    settings["distance"]["draws"] = 50
    return replace(study, settings=settings)


def reached(study):
    return to_places(study, context_of(study), study.sites)


def test_places_are_reached_by_road_with_intervals(study):
    tables = reached(with_metrics(study, "road"))
    assert set(tables) == {"road", "road_time"}
    value, low, high = (t.to_numpy(float) for t in tables["road"])
    known = ~np.isnan(value) & ~np.isnan(low)
    assert known.sum() > 3
    assert (low[known] <= value[known]).all()
    assert (value[known] <= high[known]).all()
    assert (high[known] > low[known]).any()
    assert list(tables["road"][0].index) == sorted(study.sites.index)
    kinds = set(study.places.loc[tables["road"][0].columns, "kind"])
    assert kinds <= set(study.settings["distance"]["places_by_road"])
    settings = with_metrics(study, "road").settings.to_dict()
    settings["distance"]["places_by_road"] = []
    assert reached(replace(study, settings=settings)) == {}


def test_what_a_study_does_not_measure_reaches_no_place(study):
    assert reached(with_metrics(study, "travel")) == {}  # not among distance.metrics
    assert reached(replace(with_metrics(study, "road"), roads=None)) == {}
    assert reached(replace(with_metrics(study, "road"), places=None)) == {}
    with pytest.raises(InputError, match=r"services\.metrics"):
        reached(with_metrics(study, "flight"))
