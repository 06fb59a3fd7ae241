"""Jobs that the tests of `geosettle.jobs` give to workers, which import them by name."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np

from geosettle.jobs import Job, Part
from geosettle.jobs.parts import digest


def made(folder, act, number):
    """Rows of a part; before them, once for the whole test, what is to happen to its worker."""
    act, _, which = act.partition(":")
    mark = Path(folder, f"{act}-{number}")
    if act == "slow":
        time.sleep(0.1)
    if act == "always" and number == 3:
        raise ValueError("no such ground")
    if act in {"kill", "fail"} and number == int(which or 3) and not mark.exists():
        mark.touch()
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("not at the first try")
    if act == "deadly" and number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    rng = np.random.default_rng(number)
    at = gpd.points_from_xy(70 + rng.random(300), 30 + number + rng.random(300))
    return gpd.GeoDataFrame({"n": number, "v": rng.random(300)}, geometry=at, crs=4326)


def small_job(folder, act="", parts=6, changed=()):
    numbers = range(parts)
    plan = [Part(f"{n:02}", digest(n, n in changed), np.array([n]), 300) for n in numbers]
    return Job("test", {}, plan, lambda part: (int(part.name),), partial(made, str(folder), act))
