"""One way walked in several years: two flows with the same ends, beside others whose ends are
unknown.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import geosettle as gs
from geosettle.outputs import write


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repeated")
    sites = "site_id,name,lon,lat,households\nS1,Upper,77.0,39.0,100\nS2,Lower,77.4,39.1,60\nS3,Lost,,,20\n"
    origins = "origin_id,name,lon,lat\nO1,One,76.5,38.6\nO2,Two,76.6,38.2\n"
    flows = "origin_id,site_id,households,year\nO1,S1,30,2001\nO1,S1,50,2004\nO2,S1,20,2004\nO2,S2,60,2004\nO1,S3,20,2004\n"
    for name, text in (("sites", sites), ("origins", origins), ("flows", flows)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_way_walked_in_several_years_goes_through_every_output(
    study: Path, tmp_path: Path
) -> None:
    result = gs.analyse(gs.read_study(study))
    write(result, tmp_path / "out")
    pairs = pd.read_csv(tmp_path / "out" / "tables" / "pairs.csv")
    assert len(pairs) == 5
    assert pairs[["origin_id", "site_id"]].value_counts()["O1", "S1"] == 2
    assert pairs["geodesic_km"].notna().sum() == 4
    assert (tmp_path / "out" / "report.html").stat().st_size > 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
