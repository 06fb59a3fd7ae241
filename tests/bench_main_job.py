"""The main job in parts, and small matrices beside their peer: `pytest tests/bench_main_job.py`
(pytest-benchmark).

Within a group the figure in brackets is the ratio to the fastest of the same run. The larger
comparisons with peers, which need minutes and programs of their own, are the other files
bench_*.py: each prints its ratios.
"""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

import geosettle as gs
from geosettle.figures import figures
from geosettle.maps import map_html
from geosettle.report import report_html
from geosettle.tables import tables

RNG = np.random.default_rng(1)
LON, LAT = 75 + 10 * RNG.random(1000), 35 + 6 * RNG.random(1000)


@pytest.mark.benchmark(group="geodesic matrix 1,000 x 1,000")
def test_matrix_by_geosettle(benchmark) -> None:
    benchmark.pedantic(
        gs.geodesic_distance, (LON[:, None], LAT[:, None], LON, LAT), rounds=5, warmup_rounds=1
    )


@pytest.mark.benchmark(group="geodesic matrix 1,000 x 1,000")
def test_matrix_by_pyproj(benchmark) -> None:
    lon1, lon2 = np.meshgrid(LON, LON, indexing="ij")
    lat1, lat2 = np.meshgrid(LAT, LAT, indexing="ij")
    benchmark.pedantic(Geod(ellps="WGS84").inv, (lon1, lat1, lon2, lat2), rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="main job on the embedded study")
@pytest.mark.parametrize("part", ["read", "analyse", "tables", "figures", "map", "report"])
def test_part(benchmark, part: str, embedded) -> None:
    job = {
        "read": gs.read_study,
        "analyse": lambda: gs.analyse(embedded.study),
        "tables": lambda: tables(embedded),
        "figures": lambda: figures(embedded),
        "map": lambda: map_html(embedded),
        "report": lambda: report_html(embedded, figures={}),
    }[part]
    benchmark.pedantic(job, rounds=2)
