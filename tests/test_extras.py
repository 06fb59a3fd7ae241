"""What an extra brings is asked for by name where it is missing, and nothing else needs it."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pytest

import geosettle as gs

TEMPLATE = Path(gs.template_path())
WITHOUT = """
import sys
for name in ("pyarrow", "pyarrow.parquet", "pyarrow.compute"):
    sys.modules[name] = None
from geosettle.cli import main
sys.exit(main(sys.argv[1:]))
"""


def called_without(*words: str) -> subprocess.CompletedProcess[str]:
    """Call the command line as on a machine without pyarrow."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, check=False
    )


def test_a_run_without_pyarrow_writes_the_same_bytes(tmp_path):
    done = called_without("run", str(TEMPLATE), "-o", str(tmp_path / "without"))
    assert done.returncode == 0, done.stderr
    gs.write(gs.analyse(gs.read_study(TEMPLATE)), tmp_path / "with")
    names = sorted(path.name for path in (tmp_path / "with" / "tables").iterdir())
    assert len(names) > 5
    for name in names:
        files = [tmp_path / run / "tables" / name for run in ("with", "without")]
        assert files[0].read_bytes() == files[1].read_bytes(), name


@pytest.mark.parametrize("way", ["read", "write"])
def test_parquet_without_pyarrow_names_the_extra(way, tmp_path):
    sites = TEMPLATE / "sites.csv"
    out = tmp_path / "d.parquet"
    if way == "read":
        points = gpd.GeoDataFrame(
            {"site_id": ["S"]}, geometry=gpd.points_from_xy([-30], [40]), crs="EPSG:4326"
        )
        sites, out = tmp_path / "s.parquet", tmp_path / "d.csv"
        points.to_parquet(sites)
    done = called_without(
        *("distances", "--origins", str(TEMPLATE / "origins.csv"), "--sites", str(sites)),
        *("-o", str(out)),
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert 'pip install "geosettle[parquet]"' in line
    assert not out.exists()
