"""Reasons are codes with values until the end; sentences are made last, in every language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import geosettle
from geosettle.errors import UnknownNameError
from geosettle.reasons import (
    Reason,
    at,
    coded,
    concerning,
    count_kinds,
    decode,
    in_words,
    join,
    reason,
    render,
    rendered,
    sentences,
    word,
)
from geosettle.words import language, languages

PACKAGE = Path(geosettle.__file__).parent
HOSTILE = st.text(
    st.one_of(st.sampled_from('\x1e\x1f"{}[]\\;:,\n\u2028 §a'), st.characters(codec="utf-8"))
)
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
VALUES = st.one_of(HOSTILE, st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@UNTIMED
@given(st.lists(st.tuples(HOSTILE, VALUES), max_size=4))
@example([("", 0), ("", 0.0)])
def test_any_values_come_back_as_they_were(rows):
    texts = [reason("same_place_named", name=name, about=value) for name, value in rows]
    column = pd.Series([join(*texts)], dtype="str")
    wanted = [Reason("same_place_named", {"name": n, "about": v}) for n, v in dict(rows).items()]
    found = decode(column.iloc[0])
    assert [one for k, one in enumerate(found) if one in found[:k]] == []
    assert {n.values["name"] for n in found} == {n.values["name"] for n in wanted}
    for name, value in rows:
        assert Reason("same_place_named", {"name": name, "about": value}) in found


@UNTIMED
@given(HOSTILE)
def test_a_text_that_is_no_code_is_printed_as_it_is(text):
    assert render(text) == (text if not text.startswith("\x1e") or decode(text) else "")
    assert [one.values.get("text") for one in decode(text)] == ([text] if text else [])


def test_reasons_are_joined_once_and_keep_what_they_are_about():
    lost = reason("position_unknown")
    both = join(concerning(join(at(lost, "origin"), "no ferry"), "walk_out_h"), lost, lost)
    assert render(both) == "walk_out_h: origin: position unknown; no ferry; position unknown"
    assert render(both, "zh", columns=False) == "迁出地\uff1a位置不明\uff1bno ferry\uff1b位置不明"
    assert join() == join("", "") == render("") == render(None) == render(np.nan) == ""


def test_what_repeats_another_reason_is_left_out_for_readers():
    said = join(reason("position_unknown"), reason("positions_unknown"))
    assert render(said, columns=False) == "positions of origin and site unknown"
    assert render(said) == "position unknown; positions of origin and site unknown"


def test_numpy_values_are_numbers():
    assert render(reason("position_known_to", km=np.float64(7.5))) == "position known to 7.5 km"


def test_an_unknown_code_is_refused():
    with pytest.raises(UnknownNameError, match="no such reason"):
        reason("nonsense")


def test_kinds_are_counted_by_code():
    far = [
        reason("no_road_within", role=word("end", end), km=km)
        for end, km in (("origin", 5.0), ("origin", 9.0), ("site", 5.0))
    ]
    counts = count_kinds([*far, join(far[0], "no ferry"), "no ferry", ""])
    assert {render(kind): n for kind, n in counts.items()} == {
        "no road within … km of the origin": 3,
        "no road within 5 km of the site": 1,
        "no ferry": 2,
    }


def test_sentences_lead_back_to_their_codes():
    code = join(reason("year_unknown"), reason("persons_unknown"))
    frame = pd.DataFrame({"why": [code, "", None, "as given"], "county_why": [code] * 4})
    (text,) = sentences([frame])
    assert in_words(frame)["why"].tolist()[:2] == [text, ""]
    assert in_words(frame)["county_why"].tolist() == [text] * 4
    assert sentences([frame])[text] == code


def test_users_get_sentences_and_the_package_codes():
    @rendered
    def table():
        return pd.DataFrame({"why": [reason("year_unknown")]})

    assert table()["why"].tolist() == ["year of founding unknown"]
    with coded():
        assert decode(table()["why"].iloc[0]) == [Reason("year_unknown", {})]
    assert table()["why"].tolist() == ["year of founding unknown"]


@pytest.mark.parametrize("lang", languages())
def test_every_reason_has_words(lang):
    codes = [key.removeprefix("why_") for key in language("en").words if key.startswith("why_")]
    assert len(codes) > 100
    for code in codes:
        text = language(lang).words[f"why_{code}"]
        forms = [text] if isinstance(text, str) else list(text.values())
        blanks = {blank for form in forms for blank in re.findall(r"\{(\w+)\}", form)}
        if code.startswith("at_"):
            continue
        said = render(reason(code, **dict.fromkeys(blanks, 3)), lang)
        assert said
        assert "{" not in said
        assert lang == "en" or said != render(reason(code, **dict.fromkeys(blanks, 3)))


def _trees():
    for file in sorted(PACKAGE.rglob("*.py")):
        yield file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text("utf-8"))


def test_every_code_in_the_code_is_in_the_catalogue():
    asked = {
        node.args[0].value
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "reason"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(asked) > 80
    assert {code for code in asked if f"why_{code}" not in language("en").words} == set()


_PARSES = {"match", "search", "fullmatch", "findall", "split", "partition", "startswith", "contains",
           "replace", "extract", "endswith", "sub"}  # fmt: skip
_MADE = re.compile(r"(\b|_)(why|note|flags)(\b|_)")


def test_no_sentence_is_parsed():
    """No text of a `why`, a `note` or of flags is searched, split or replaced.

    Reading files (io) and printed claims is what their rooms are for.
    """
    found = []
    for name, tree in _trees():
        if name.startswith(("io/", "claims/")) or name == "reasons.py":
            continue
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "split" and not node.args:  # only evens out the spaces
                continue
            if node.func.attr in _PARSES and ast.unparse(node.func.value) != "dataclasses":
                subject = [ast.unparse(node.func.value), *map(ast.unparse, node.args)]
                if any(_MADE.search(text) for text in subject):
                    found.append(f"{name}: {ast.unparse(node)}")
    # The cell of flags is taken apart in one place; why and codes of a run in one mapping.
    allowed = ("flags.split(';')", "frame['why'].replace(dict(reasons))")
    assert [f for f in found if not f.endswith(allowed)] == []
