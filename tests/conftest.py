"""Studies that several tests share, each read and analysed once."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from geosettle.analysis import Result
    from geosettle.study import Study

# A shell starts what it puts in the background deaf to Ctrl-C; the tests of interruptions need it
# heard.
signal.signal(signal.SIGINT, signal.default_int_handler)

STUDIES = Path(__file__).parent / "studies"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def embedded_study() -> Study:
    import geosettle as gs

    return gs.read_study()


@pytest.fixture(scope="session")
def embedded(embedded_study: Study) -> Result:
    import geosettle as gs

    return gs.analyse(embedded_study)


@pytest.fixture(scope="session")
def across_180() -> Result:
    """A made-up study in the southern hemisphere, on both sides of the antimeridian, with two dates
    of land cover.
    """
    import geosettle as gs

    return gs.analyse(gs.read_study(STUDIES / "made_up_across_180"))
