"""The catalogue of words: complete in every language, used throughout, open for one more language."""

from __future__ import annotations

import ast
import importlib.resources
import json
import re
import shutil
from pathlib import Path

import pytest
from report_example import example

import geosettle
from geosettle import words
from geosettle.errors import UnknownNameError
from geosettle.maps import map_html, offline
from geosettle.report import report_html, summary_lines
from geosettle.words import has, language, languages, plural_category, say, say_all

PACKAGE = Path(geosettle.__file__).parent
_RUSSIAN = {
    "one": "v = 0 and i % 10 = 1 and i % 100 != 11",
    "few": "v = 0 and i % 10 = 2..4 and i % 100 != 12..14",
    "many": "v = 0 and i % 10 = 0 or v = 0 and i % 10 = 5..9 or v = 0 and i % 100 = 11..14",
}
_ARABIC = {
    "zero": "n = 0",
    "one": "n = 1",
    "two": "n = 2",
    "few": "n % 100 = 3..10",
    "many": "n % 100 = 11..99",
}
_FRENCH = {"one": "i = 0,1"}


def forms(text: words.Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def blanks(text: words.Text) -> set[str]:
    return {blank for form in forms(text) for blank in re.findall(r"\{(\w+)\}", form)}


@pytest.mark.parametrize("lang", languages())
def test_every_language_has_every_text_with_the_same_blanks(lang):
    file = json.loads((words.FOLDER / f"{lang}.json").read_text("utf-8"))
    english = language("en").words
    assert set(file["words"]) == set(english)
    for key, text in file["words"].items():
        assert blanks(text) == blanks(english[key]), key
        assert not re.search(r"\{\w*[^\w}]", "".join(forms(text))), key
        if not isinstance(text, str):
            assert set(text) == {*file["language"]["plural"], "other"}, key


def _trees() -> list[ast.AST]:
    rooms = (
        "report",
        "results",
        "figures",
        "tables",
        "maps",
        "cli",
        "analysis",
        "words",
        "outputs.py",
    )
    files = [
        f for room in rooms for f in sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / room]
    ]
    return [node for f in files for node in ast.walk(ast.parse(f.read_text("utf-8")))]


def _may_name_keys() -> tuple[set[str], list[re.Pattern[str]]]:
    """Texts of the package's code that may be keys, and patterns of f-strings that may make some."""
    whole: set[str] = set()
    made: set[str] = {rf"{stem}_.+" for stem in (*_WORDED, "col_ind", "col_oasis", "col_section")}
    for node in _trees():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            whole.add(node.value)
            made |= {f"{node.value}.+"} if re.fullmatch(r"[a-z]+_", node.value) else set()
        elif isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
            fixed = "".join(part for part in parts if part)
            if re.fullmatch(r"\w+", fixed) and len(fixed) > 3 and "_" in fixed:
                made.add("".join(part or ".+" for part in parts))
    whole |= set(re.findall(r"['\"]([\w ]+)['\"]", offline.own_script()))
    made |= {f"{start}.+" for start in re.findall(r"`(\w+_)\$\{", offline.own_script())}
    made |= {f"{kind}s{end}" for kind in ("site", "origin") for end in _PER_KIND}
    return whole, [re.compile(pattern) for pattern in made]


_WORDED = (
    "severity",
    "status",
    "threshold",
    "verdict",
    "evidence",
    "subject",
    "direction",
    "flag",
    "metric",
    "claims",
)
"""What `Writer.word` is asked for."""
_PER_KIND = ("_caption",)
"""What the map's script asks for sites and for origins."""


def test_no_text_is_left_that_nothing_uses():
    whole, made = _may_name_keys()
    whole |= {"at_most", "at_least"} | {"list_or"}
    whole |= _codes_of_reasons()
    made += [re.compile(stem) for stem in (r"(end|zone|piece)_.*", r"why_at_(origin|site)")]
    whole |= {f"col_{text}" for text in whole}  # headings of columns
    unused = {
        key
        for key in language("en").words
        if key not in whole and not any(pattern.fullmatch(key) for pattern in made)
    }
    assert unused == set()


def _codes_of_reasons() -> set[str]:
    """Keys of the reasons that the package's code may give: every text in it may be a code."""
    trees = (ast.parse(file.read_text("utf-8")) for file in PACKAGE.rglob("*.py"))
    texts = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    stems = ("no_road_within_", "on_border_")
    ends = ("named", "nearest", "parent", "code")
    return {f"why_{text}" for text in texts} | {f"why_{a}{b}" for a in stems for b in ends}


def _asked() -> set[str]:
    """Keys that calls of `say` and its like name outright."""
    found = set(re.findall(r"\b(?:word|button)\('(\w+)'", offline.own_script()))
    for node in _trees():
        name = isinstance(node, ast.Call) and getattr(
            node.func, "attr", getattr(node.func, "id", "")
        )
        if name in {"say", "say_all", "p", "muted", "caveat"}:
            found |= {
                a.value
                for a in node.args[:2]
                if isinstance(a, ast.Constant) and isinstance(a.value, str)
            }
    return found - set(languages())


def test_every_text_that_is_asked_for_exists():
    asked = _asked()
    assert len(asked) > 200
    assert {key for key in asked if not has(key)} == set()


def test_the_page_gets_the_texts_that_its_script_names_and_no_others():
    given = words.script_words(offline.own_script())
    asked = set(re.findall(r"\bword\('(\w+)'", offline.own_script()))
    for lang in languages():
        assert asked <= set(given[lang]["words"])
        assert "method_geodesic" not in given[lang]["words"]
        assert given[lang]["words"]["legend"] == language(lang).words["legend"]


def test_the_same_text_is_written_once_in_each_place():
    """Headings of tables and rows of the map's card are the same words."""
    assert say("en", "site") == "Site"
    for column in ("households", "persons", "year", "county", "source"):
        assert words.heading_key(column) is not None
        assert not has(f"col_{column}")


# What each language does is given by the samples in CLDR's own table of plural rules.
@pytest.mark.parametrize(
    ("rules", "samples"),
    [
        ({"one": "i = 1 and v = 0"}, {"one": [1], "other": [0, 2, 21, 1.5]}),
        (_FRENCH, {"one": [0, 1, 1.5], "other": [2, 17, 100]}),
        (
            _RUSSIAN,
            {"one": [1, 21, 101], "few": [2, 4, 22], "many": [0, 5, 11, 14, 111], "other": [1.5]},
        ),
        (
            _ARABIC,
            {
                "zero": [0],
                "one": [1],
                "two": [2],
                "few": [3, 10, 103],
                "many": [11, 99, 111],
                "other": [100, 102, 0.5],
            },
        ),
        ({}, {"other": [0, 1, 2]}),
    ],
)
def test_plural_categories_are_those_of_cldr(rules, samples):
    for category, numbers in samples.items():
        assert [plural_category(rules, n) for n in numbers] == [category] * len(numbers)


def test_one_is_one():
    assert say("en", "households_n", n=1) == "1 household"
    assert say("en", "households_n", n=1660) == "1,660 households"
    assert say("zh", "households_n", n=1) == "1户"


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError):
        say("fr", "site")
    with pytest.raises(UnknownNameError):
        say("en", "nonsense")


def test_a_blank_in_the_data_is_not_a_blank():
    assert "{n}" in say("en", "boundary_of", level="{n}")


@pytest.fixture
def third_language(tmp_path, monkeypatch):
    """One more file in the folder: a language with three plural forms, one text left to English."""
    folder = tmp_path / "words"
    folder.mkdir()
    for lang in ("en", "zh"):
        with importlib.resources.as_file(words.FOLDER / f"{lang}.json") as file:
            shutil.copy(file, folder)
    english = json.loads((folder / "en.json").read_text("utf-8"))["words"]
    made = {key: f"«{forms(text)[-1]}»" for key, text in english.items()}
    made["households_n"] = {"one": "«{n} uno»", "two": "«{n} duo»", "other": "«{n} multi»"}
    made |= {"sentence_gap": " ", "list_comma": ", ", "list_gap": "; "}
    del made["h_units"]
    own = {
        "name": "Kunstsprache",
        "tag": "x-kunst",
        "plural": {"one": "n = 1", "two": "n = 2"},
        "local_names": True,
    }
    (folder / "kx.json").write_text(json.dumps({"language": own, "words": made}), "utf-8")
    monkeypatch.setattr(words, "FOLDER", folder)
    languages.cache_clear()
    language.cache_clear()
    yield "kx"
    languages.cache_clear()
    language.cache_clear()


def test_a_language_is_one_file(third_language):
    lang = third_language
    assert languages() == ("en", "kx", "zh")
    assert [say(lang, "households_n", n=n) for n in (1, 2, 3)] == [
        "«1 uno»",
        "«2 duo»",
        "«3 multi»",
    ]
    assert say(lang, "h_units") == say("en", "h_units")
    assert say_all("none") == {"en": "none", "kx": "«none»", "zh": "无"}
    result = example()
    assert all(line.startswith("«") for line in summary_lines(result, lang))
    page = report_html(result, lang=lang)
    assert '<html lang="x-kunst">' in page
    assert re.findall(r'<h2 id="summary-h">(.*?)</h2>', page)[0].startswith("«")
    found = re.search(
        r'<script type="application/json" id="gs-data">(.*?)</script>',
        map_html(result, lang=lang),
        re.DOTALL,
    )
    data = json.loads(found[1])
    assert data["lang"] == lang
    assert data["languages"][lang]["plural"] == {"one": "n = 1", "two": "n = 2"}
    assert data["languages"][lang]["words"]["legend"].startswith("«")
    assert set(data["title"]) == {"en", "kx", "zh"}
