"""Figures of studies of other countries and shapes: their scripts, their levels, their crowds, and what they lack."""

import dataclasses
import unicodedata

import matplotlib as mpl
import pytest
from matplotlib import font_manager
from report_example import example

from geosettle.report import figures
from geosettle.report._canvas import families, legible, letterspaced, look, new_figure, wrapped
from geosettle.report._od_map import od_map
from geosettle.report._scripts import family_with

NAMES = {
    "ETHIOPIC": "የሰፈራ ጣቢያዎች",
    "LAO": "ຫຼວງພະບາງ",
    "THAI": "เชียงใหม่ ที่อยู่ใหม่",
    "BENGALI": "বাংলাদেশ পুনর্বাসন কেন্দ্র",
    "KHMER": "ភូមិសំរោង",
    "MYANMAR": "မြန်မာ ရွှေပြည်သာ",
    "TIBETAN": "བོད་ལྗོངས་",
    "TAMIL": "தமிழ் நாடு",
    "SINHALA": "ශ්\u200dරී ලංකාව",
}
UNWRITTEN = "\U00031300\U00031301"  # ideographs that hardly a font has


def texts_of(figure):
    return " ".join(text.get_text() for text in figure.findobj(mpl.text.Text)).replace("\n", " ")


def has_font(letters):
    """Whether an installed font has each of the letters, asked of the font files apart from the code under test."""
    missing = set(letters)
    for entry in font_manager.fontManager.ttflist:
        if missing and "last resort" not in entry.name.lower():
            font = font_manager.get_font(font_manager.FontPath(entry.fname, entry.index))
            missing -= {letter for letter in missing if font.get_char_index(ord(letter))}
    return not missing


@pytest.mark.parametrize("script", NAMES)
def test_a_name_is_written_wherever_a_font_has_its_letters(script):
    """The warning of matplotlib for a letter without a font is an error here: what is drawn is drawn in full."""
    name = NAMES[script]
    letters = {letter for letter in name if unicodedata.category(letter) not in {"Zs", "Cf"}}
    with look():
        written = legible(name, "S1")
        figure = new_figure(0.5)
        figure.text(0.1, 0.5, written[0])
        figure.canvas.draw()
    assert written == ((name, True) if has_font(letters) else ("S1", False))


def test_the_map_and_its_title_are_in_the_script_of_the_study():
    result = example([NAMES["ETHIOPIC"]])
    study = dataclasses.replace(result.study, settings={**result.study.settings, "study": {"title": "ሞጆ 2015"}})
    with look():
        said = texts_of(od_map(dataclasses.replace(result, study=study), "en"))
    if family_with("ሞ"):
        assert "ሞጆ 2015" in said
        assert NAMES["ETHIOPIC"].split()[0] in said
        assert "no installed font" not in said
    else:
        assert "Shown by identifier, because no installed font writes the script: S1, S2, S3, O1" in said


def test_a_further_family_joins_the_figure_that_needs_it_and_no_other():
    """Here the letter stands for any script beyond the four: where no font has it, none joins."""
    family = family_with("ሞ")
    with look():
        legible("Site 1", "x")
        assert tuple(mpl.rcParams["font.family"]) == families()
        legible("ሞጆ", "x")
        assert tuple(mpl.rcParams["font.family"]) == (*families(), *([family] if family else []))
        legible("ሞጆ", "x")
        assert len(mpl.rcParams["font.family"]) == len(families()) + bool(family)
    before = list(mpl.rcParams["font.family"])
    legible("ሞጆ", "x")  # outside of a figure nothing changes
    assert mpl.rcParams["font.family"] == before


def test_a_figure_does_not_depend_on_what_was_drawn_before_it():
    result = example([NAMES["ETHIOPIC"], "Site"])
    both = figures(result, formats=("svg",), dpi=50, only=["od_map", "oasis"])
    assert figures(result, formats=("svg",), dpi=50, only=["oasis"])["oasis.svg"] == both["oasis.svg"]


def test_a_name_without_a_font_is_noted_and_a_name_that_has_another_is_not():
    with look():
        said = texts_of(od_map(example([UNWRITTEN]), "en"))
    assert "because no installed font writes the script: S1, S2, S3, O1, O3." in said
    result = example([UNWRITTEN])
    frames = {role: getattr(result, role).assign(name_local="Sugut") for role in ("sites", "origins")}
    with look():
        said = texts_of(od_map(dataclasses.replace(result, **frames), "en"))
    assert "Sugut" in said
    assert "no installed font" not in said


def test_a_line_does_not_end_between_a_letter_and_its_marks():
    name = NAMES["MYANMAR"].replace(" ", "") * 3
    for columns in range(3, 12):
        lines = wrapped(name, columns)
        assert "".join(lines) == name
        assert len(lines) > 1
        assert not any(unicodedata.category(line[0])[0] == "M" for line in lines)
    khmer = wrapped(NAMES["KHMER"] + "ស្ទឹង", 11)  # the second of two joined letters, after the sign that joins them
    assert not any(line.endswith("\u17d2") for line in khmer)


def test_letters_that_join_are_not_set_apart():
    assert letterspaced("AWASH") == "A\u2009W\u2009A\u2009S\u2009H"
    assert letterspaced("كاشغر") == "كاشغر"
    assert letterspaced(NAMES["BENGALI"]) == NAMES["BENGALI"]
