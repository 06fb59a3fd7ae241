"""Every file of the corpus is accepted, set aside in part or rejected as it must be, and understood
rightly.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import corpus
import pytest

from geosettle.data_files import read_data
from geosettle.io import check_path
from geosettle.problems import CODES


def faults(case: corpus.Case) -> list[str]:
    """What did not come out as it must."""
    found = check_path(case.path, case.role, **case.options)
    json.dumps(found, allow_nan=False)
    codes = {p["code"] for p in found["problems"]}
    said = [(p["code"], p["severity"], p["row"], p["message"]) for p in found["problems"]]
    out = []
    if found["status"] != case.status:
        out.append(f"is {found['status']}, not {case.status}: {said}")
    if not case.codes <= codes:
        out.append(f"lacks {sorted(case.codes - codes)}: {said}")
    if not codes <= set(CODES):
        out.append(f"codes without meaning: {sorted(codes - set(CODES))}")
    if (
        not case.codes
        and case.status == "accepted"
        and any(p["severity"] != "note" for p in found["problems"])
    ):
        out.append(f"is doubted: {said}")
    for key, value in case.summary.items():
        got = found["summary"].get(key)
        if not _same(key, got, value):
            out.append(f"{key} is {got!r}, not {value!r}: {said}")
    return [f"{case.name}: {text}" for text in out]


def _same(key: str, got: Any, value: Any) -> bool:
    if got is None:
        return False
    if key in {"lon", "lat"}:
        return bool(got == pytest.approx(value, abs=1e-7))
    return bool([p["value"] for p in got] == value if key == "at" else got == value)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[corpus.Case]]:
    folder: Path = tmp_path_factory.mktemp("corpus")
    return {group: corpus.make(folder, [group]) for group in corpus.GROUPS}


@pytest.mark.parametrize("group", corpus.GROUPS)
def test_group(group: str, cases: dict[str, list[corpus.Case]]) -> None:
    assert cases[group]
    found = [text for case in cases[group] for text in faults(case)]
    assert not found, "\n".join(found)


def test_every_code_is_in_the_corpus(cases: dict[str, list[corpus.Case]]) -> None:
    named = frozenset().union(*(case.codes for group in cases.values() for case in group))
    # What `init` writes asks for the first two (test_intake); the others speak of whole files with
    # many rows (test_file_facts), of places somewhere in an area (test_regions) and of files too
    # large to be read whole (test_raster_windows).
    elsewhere = {
        *("placed_by_unit", "rows_combined", "placed_in_area", "outside_by_border", "window_read"),
        *("placed_by_name", "name_repeated"),  # test_gazetteer
        # test_friction, test_barriers, test_raster_windows
        *("friction_unit", "months_unreadable", "raster_thinned"),
        # test_doubtful_inputs, test_streams
        *("encoding_mixed", "side_file", "level_made", "vertex_far", "text_control"),
        *("year_not_used", "area_among_points"),
        *("boundaries_elsewhere", "boundaries_other_set", "unit_elsewhere"),
    }
    assert set(read_data("problems.toml")["reading"]) - named == elsewhere
    assert all(c.meaning[0].islower() and not c.meaning.endswith(".") for c in CODES.values())
