"""Figures of studies of other countries and shapes: their scripts, their levels, their crowds, and
what they lack.
"""

import dataclasses
import re
import unicodedata
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from report_example import example
from shapely import LineString, MultiPolygon, box
from shapely.geometry import Point

from geosettle.figures import figures
from geosettle.figures.canvas import legible, letterspaced, look, new_figure, wrapped
from geosettle.figures.distance_charts import distances, distribution
from geosettle.figures.fonts import FAMILIES
from geosettle.figures.map_furniture import _use
from geosettle.figures.map_labels import FEW_LABELS
from geosettle.figures.map_layers import Sheet
from geosettle.figures.map_projection import frame_around
from geosettle.figures.od_map import od_map
from geosettle.figures.small_multiples import counties

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
UNWRITTEN = "\U00031300\U00031301"  # rare ideographs


def texts_of(figure):
    return " ".join(text.get_text() for text in figure.findobj(mpl.text.Text)).replace("\n", " ")


@pytest.mark.parametrize("script", NAMES)
def test_a_name_is_written_in_its_script(script):
    """The warning of matplotlib for a letter without a font is an error here: what is drawn is
    drawn in full.
    """
    with look():
        written = legible(NAMES[script], "S1")
        figure = new_figure(0.5)
        figure.text(0.1, 0.5, written[0])
        figure.canvas.draw()
    assert written == (NAMES[script], True)


@pytest.mark.parametrize("name", ["한국어 마을", UNWRITTEN])
def test_a_script_without_a_font_gives_way_to_the_identifier(name):
    assert legible(name, "S1") == ("S1", False)


@pytest.mark.parametrize("installed", ["nothing", "another font under the same names"])
def test_the_fonts_of_the_machine_do_not_matter(installed, monkeypatch):
    """Neither does the list of fonts that matplotlib keeps between its runs."""
    result = example([NAMES["ETHIOPIC"], "Site"])
    expected = figures(result, lang="zh", dpi=50, only=["od_map"])
    serif = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf")
    impostor = font_manager.ttfFontProperty(font_manager.get_font(serif))
    names = (*FAMILIES, "Noto Sans Ethiopic")
    fonts = [dataclasses.replace(impostor, name=name) for name in names]
    listed = fonts if "another" in installed else []
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    assert figures(result, lang="zh", dpi=50, only=["od_map"]) == expected
    assert font_manager.fontManager.ttflist is listed
    named = re.findall(rb"font-family: ([^;\"]+)", expected["od_map.svg"])
    families = set(re.findall(rb"'([^']+)'", b" ".join(named)))
    assert families == {name.encode() for name in names}


def test_the_map_and_its_title_are_in_the_script_of_the_study():
    result = example([NAMES["ETHIOPIC"]])
    study = dataclasses.replace(
        result.study, settings={**result.study.settings, "study": {"title": "ሞጆ 2015"}}
    )
    with look():
        said = texts_of(od_map(dataclasses.replace(result, study=study), "en"))
    assert "ሞጆ 2015" in said
    assert NAMES["ETHIOPIC"].split()[0] in said
    assert "no font for" not in said


def test_a_further_family_joins_the_figure_that_needs_it_and_no_other():
    usual = [*FAMILIES, "sans-serif"]
    with look():
        legible("Site 1", "x")
        assert mpl.rcParams["font.family"] == usual
        legible("ሞጆ", "x")
        legible("ሞጆ", "x")
        assert mpl.rcParams["font.family"] == [*FAMILIES, "Noto Sans Ethiopic", "sans-serif"]
    before = list(mpl.rcParams["font.family"])
    legible("ሞጆ", "x")  # outside of a figure nothing changes
    assert mpl.rcParams["font.family"] == before


def test_a_figure_does_not_depend_on_what_was_drawn_before_it():
    result = example([NAMES["ETHIOPIC"], "Site"])
    both = figures(result, formats=("svg",), dpi=50, only=["od_map", "oasis"])
    assert (
        figures(result, formats=("svg",), dpi=50, only=["oasis"])["oasis.svg"] == both["oasis.svg"]
    )


def test_a_name_without_a_font_is_noted_and_a_name_that_has_another_is_not():
    with look():
        said = texts_of(od_map(example([UNWRITTEN]), "en"))
    assert "because the figures have no font for their script: S1, S2, S3, O1, O3." in said
    result = example([UNWRITTEN])
    frames = {
        role: getattr(result, role).assign(name_local="Sugut") for role in ("sites", "origins")
    }
    with look():
        said = texts_of(od_map(dataclasses.replace(result, **frames), "en"))
    assert "Sugut" in said
    assert "no font for" not in said


def test_a_line_does_not_end_between_a_letter_and_its_marks():
    name = NAMES["MYANMAR"].replace(" ", "") * 3
    for columns in range(3, 12):
        lines = wrapped(name, columns)
        assert "".join(lines) == name
        assert len(lines) > 1
        assert not any(unicodedata.category(line[0])[0] == "M" for line in lines)
    khmer = wrapped(
        NAMES["KHMER"] + "ស្ទឹង", 11
    )  # the second of two joined letters, after the sign that joins them
    assert not any(line.endswith("\u17d2") for line in khmer)


def test_letters_that_join_are_not_set_apart():
    assert letterspaced("AWASH") == "A\u2009W\u2009A\u2009S\u2009H"
    assert letterspaced("كاشغر") == "كاشغر"
    assert letterspaced(NAMES["BENGALI"]) == NAMES["BENGALI"]


def places(spots, key, **columns):
    frame = gpd.GeoDataFrame(
        {"name": [f"{key[0].upper()}{n}" for n in range(len(spots))], **columns},
        geometry=[Point(*spot) for spot in spots],
        crs="EPSG:4326",
    )
    frame.index = pd.Index(frame["name"], name=key)
    return frame


def study_of(sites, origins=None, pairs=(), **layers):
    """Return a result that holds these frames, flows between them, and no layer but those given."""
    result = example(["Site"])
    bare = dict.fromkeys(("boundaries", "oasis", "dem", "rivers", "development", "places"))
    index = pd.MultiIndex.from_tuples([pair[:2] for pair in pairs], names=["origin_id", "site_id"])
    low, middle, high = ([pair[at] for pair in pairs] for at in (2, 3, 4))
    frame = {
        "households": 10.0,
        "geodesic_low_km": low,
        "geodesic_km": middle,
        "geodesic_high_km": high,
    }
    return dataclasses.replace(
        result,
        study=dataclasses.replace(result.study, settings={}, **(bare | layers)),
        sites=sites,
        origins=places([], "origin_id") if origins is None else origins,
        pairs=pd.DataFrame(frame, index=index) if len(pairs) else result.pairs.iloc[:0],
        intervals=pd.DataFrame(),
        oasis_polygons={},
    )


def units(*levels):
    """One row of squares of a degree, from 70 E, per level given as (name, number of squares,
    width, gap).
    """
    rows = [
        (f"{name}{n}", name, box(70 + n * (wide + gap), 40, 70 + n * (wide + gap) + wide, 41))
        for name, count, wide, gap in levels
        for n in range(count)
    ]
    code, level, geometry = zip(*rows, strict=True)
    index = pd.Index(code, name="code")
    return gpd.GeoDataFrame(
        {"name": code, "level": level}, geometry=list(geometry), index=index, crs="EPSG:4326"
    )


def legend_of(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


TWO = [(70.05, 40.05), (71.95, 40.95)]
THREE = [*TWO, (77, 41)]
LAST = ("O0", "S2", 120.0, 120.0, 120.0)


@pytest.mark.parametrize(
    ("levels", "lang", "said"),
    [
        # two woredas side by side: the border between them, and the outer limit where the sheet
        # reaches it
        ([("woreda", 2, 1, 0)], "en", ["Outer limit of the boundary set", "Woreda boundary"]),
        ([("woreda", 2, 1, 0)], "zh", ["界线数据集外缘", "Woreda界"]),
        (
            [("division", 2, 0.9, 0.2)],
            "en",
            ["Division boundary"],
        ),  # two islands: their outlines are their borders
        (
            [("prefecture", 2, 1, 0), ("county", 4, 0.5, 0)],
            "zh",
            ["界线数据集外缘", "地州界", "县界"],
        ),
        (
            [("region", 1, 2, 0), ("zone", 2, 1, 0), ("municipal_ward", 4, 0.5, 0)],
            "en",
            ["Region boundary", "Zone boundary", "Municipal ward boundary"],
        ),
    ],
)
def test_the_legend_names_the_levels_of_the_study(levels, lang, said):
    with look():
        figure = od_map(
            study_of(places(TWO, "site_id", households=[5.0, 3.0]), boundaries=units(*levels)), lang
        )
    legend = legend_of(figure)
    assert [text for text in legend if "oundary" in text or text.endswith(("界", "外缘"))] == said
    handles = [
        h
        for h in figure.axes[0].get_legend().legend_handles
        if h.get_linestyle() not in {"None", ""}
    ]
    looks = {(h.get_linewidth(), h.get_color(), h.get_linestyle()) for h in handles}
    assert len(looks) == len(said)  # each line looks another


def test_no_legend_for_borders_beyond_the_sheet():
    """Two sites 150 m apart in the middle of one of two squares, from whose sides they are 40 km
    away.
    """
    spots = [(70.5, 40.5), (70.501, 40.501)]
    with look():
        figure = od_map(
            study_of(
                places(spots, "site_id", households=[5.0, 3.0]),
                boundaries=units(("woreda", 2, 1, 0)),
            ),
            "en",
        )
    assert not [text for text in legend_of(figure) if "oundary" in text]


def test_a_radius_too_small_to_be_seen_has_no_row_in_the_legend():
    for radius_km, shown in ((0.01, False), (20.0, True)):
        sites = places(TWO, "site_id", households=[5.0, 3.0], uncertainty_km=[radius_km, np.nan])
        with look():
            figure = od_map(study_of(sites), "en")
        assert ("True location is within this circle" in legend_of(figure)) == shown


def test_in_a_crowd_every_symbol_can_be_seen_and_the_named_are_not_hidden():
    grid = [(70 + 0.1 * (n % 40), 40 + 0.08 * (n // 40)) for n in range(1600)]
    households = np.arange(1.0, 1601)
    # the 20 largest lie in the last half of the last row, in the north-east
    sites = places(grid, "site_id", households=households)
    flows = [("O0", f"S{n}", 9.0, 9.0, 9.0) for n in range(1600)]
    with look():
        figure = od_map(study_of(sites, places([(72, 38)], "origin_id"), flows), "en")
        figure.canvas.draw()
        axes = figure.axes[0]
        (diamonds,) = [c for c in axes.collections if c.get_zorder() == 7]
        legend = axes.get_legend()
        box_of = legend.get_window_extent()
        spots = axes.transData.transform(diamonds.get_offsets()[:FEW_LABELS])
    # half the diagonal of a diamond is its side, the root of its size, divided by the root of two
    halves = np.sqrt(diamonds.get_sizes() / 2)
    assert halves.min() >= 1.0 - 1e-9
    assert halves.max() >= 2.0 - 1e-9
    rows = [h for h in legend.legend_handles if h.get_marker() == "D"]
    assert len(rows) == 3
    for row in rows:
        assert row.get_markersize() - row.get_markeredgewidth() > 1.0
        assert row.get_markerfacecolor() != "none"
    assert not any(box_of.contains(*spot) for spot in spots)
    names = [text for text in axes.texts if text.get_text().startswith("S")]
    assert 0 < len(names) <= FEW_LABELS  # none covers another
    assert not any(box_of.overlaps(name.get_window_extent()) for name in names)


def test_a_study_of_sites_alone_speaks_of_nothing_else():
    result = study_of(places(TWO, "site_id"))
    for lang, title, count in (
        ("en", "Where the settlement sites are", "On the map: 2 sites"),
        ("zh", "安置点在哪里", "图上有2个安置点"),
    ):
        with look():
            figure = od_map(result, lang)
        texts = [text.get_text() for text in figure.texts]
        assert texts[:2] == [title, count]
        assert not any(word in texts[2] for word in ("Flow", "迁移流"))
    assert legend_of(figure) == ["安置点"]


def test_ranges_are_named_only_where_one_is_drawn():
    sites, origins = places(THREE, "site_id"), places([(75, 40)], "origin_id")
    exact = [("O0", "S0", 80.0, 80.0, 80.0), ("O0", "S1", 90.0, 90.0, 90.0), LAST]
    ranged = [("O0", "S0", 70.0, 80.0, 90.0), ("O0", "S1", 90.0, 90.0, 90.0), LAST]
    with look():
        plain, wide = (
            distances(study_of(sites, origins, pairs), "en") for pairs in (exact, ranged)
        )
        single, band = (
            distribution(study_of(sites, origins, pairs), "en") for pairs in (exact, ranged)
        )
    said = texts_of(plain)
    assert "Distance of each move" in said
    assert "uncertainty" not in said
    assert "uncertain locations" not in said
    assert "Distance of each move, with its uncertainty" in texts_of(wide)
    assert "full range given uncertain locations" in texts_of(wide)
    assert "range given uncertain locations" not in texts_of(single)
    assert "range given uncertain locations" in texts_of(band)


def test_the_chart_begins_where_its_names_end():
    short = [("O0", "S0", 80.0, 80.0, 80.0), ("O0", "S1", 90.0, 90.0, 90.0), LAST]
    long = places([(75, 40)], "origin_id").assign(name="A place with a name of forty letters here")
    with look():
        narrow = distances(
            study_of(places(THREE, "site_id"), places([(75, 40)], "origin_id"), short), "en"
        )
        wide = distances(study_of(places(THREE, "site_id"), long, short), "en")
        ends = []
        for figure in (narrow, wide):
            figure.canvas.draw()
            axes = figure.axes[0]
            names = max(text.get_window_extent().x1 for text in axes.texts)
            gap = (axes.get_window_extent().x0 - names) / figure.bbox.width
            assert 0.005 < gap < 0.05
            ends.append(axes.get_position().x0)
    assert ends[0] < 0.1
    assert 0.2 < ends[1] < 0.34


def test_the_legend_covers_no_flow_where_another_place_is_free():
    """Lines cut off the corners of the sheet at a tenth of its sides; in the middle of each side
    there is room.
    """
    with look():
        axes = od_map(study_of(places(TWO, "site_id")), "en").axes[0]
        x0, y0, x1, y1 = axes.get_window_extent().extents
        wide, high = (x1 - x0) / 10, (y1 - y0) / 10
        sheet = Sheet(axes, frame_around([70, 72], [40, 41]), 6)
        assert _use(sheet, [], 1.5 * wide, 1.5 * high)[2:] == pytest.approx((x1, y1))
        ends = [
            (x, y, dx, dy)
            for x, dx in ((x0, wide), (x1, -wide))
            for y, dy in ((y0, high), (y1, -high))
        ]
        sheet.curves.extend(LineString([(x + dx, y), (x, y + dy)]) for x, y, dx, dy in ends)
        for line in sheet.curves:  # labels keep clear of flows by small boxes along them
            sheet.taken.add(*line.centroid.buffer(3).bounds)
        cover = _use(sheet, [], 1.5 * wide, 1.5 * high)
    assert not any(line.intersects(box(*cover)) for line in sheet.curves)


def test_the_note_names_what_is_not_on_the_map_by_households():
    """A site and an origin have one identifier, and neither has a position: both are named."""
    sites = places([*TWO, (71, 40.5), (71, 40.6)], "site_id", households=[5.0, 6.0, 7.0, 8.0])
    sites["name"] = ["One", "Two", "Small camp", "Large camp"]
    sites = sites.rename(index={"S3": "O0"})
    origins = places([(71, 40.4)], "origin_id").assign(name="Old village")
    for frame, lost in ((sites, ["S2", "O0"]), (origins, ["O0"])):
        frame.loc[lost, "geometry"] = None
    with look():
        figure = od_map(study_of(sites, origins), "en")
    note = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert "Location unknown: Large camp, Small camp, Old village." in note


def borders_of(axes):
    """Return the least and greatest coordinates of the boundary lines drawn."""
    lines = [c for c in axes.collections if 3 < c.get_zorder() <= 3.2]
    points = np.vstack([path.vertices for c in lines for path in c.get_paths()])
    return points.min(axis=0), points.max(axis=0)


@pytest.mark.parametrize("east", [0.0, 109.0])
def test_units_that_nearly_fit_are_shown_whole(east):
    """Two squares of 0.9 degrees whose sites lie 0.2 degrees inside; in the second case the 180th
    meridian cuts one.
    """
    areas = units(("division", 2, 0.9, 0.2))
    spots = [((lon + east + 180) % 360 - 180, lat) for lon, lat in ((70.2, 40.2), (71.8, 40.8))]
    if east:
        parts = [box(179.95, 40, 180, 41), box(-180, 40, -179.05, 41)]
        areas.geometry = [box(179, 40, 179.9, 41), MultiPolygon(parts)]
    with look():
        axes = od_map(study_of(places(spots, "site_id"), boundaries=areas), "en").axes[0]
    low, high = borders_of(axes)
    assert axes.get_xlim()[0] < low[0]
    assert high[0] < axes.get_xlim()[1]
    assert axes.get_ylim()[0] < low[1]
    assert high[1] < axes.get_ylim()[1]
    assert np.ptp(axes.get_xlim()) < 1.2 * (high[0] - low[0])  # and it is no map of the world


def test_units_much_wider_than_the_study_do_not_widen_the_sheet():
    sites = places([(71.9, 40.2), (72.1, 40.8)], "site_id")
    with look():
        alone, within = (
            od_map(study_of(sites, boundaries=areas), "en").axes[0]
            for areas in (None, units(("division", 2, 4, 0)))
        )
    assert (alone.get_xlim(), alone.get_ylim()) == (within.get_xlim(), within.get_ylim())


def test_panels_are_of_the_units_of_the_table_most_households_first(embedded):
    """A site is in the unit that its source states, as in the table of units."""
    with look():
        titles = [axes.get_title(loc="left") for axes in counties(embedded, "en").axes]
    named = list(dict.fromkeys(re.sub(r" \d+/\d+$", "", title) for title in titles))
    table = embedded.units[embedded.units["level"] == "county"]
    table = table[table["sites_located"] > 0].sort_values(
        "households", ascending=False, kind="stable", na_position="last"
    )
    assert set(named) == set(table["unit"])
    assert named[:5] == table["unit"].tolist()[:5]


def test_the_note_of_the_panels_names_only_what_they_show():
    joined = {"county_code": ["A", "B"], "county": ["A", "B"]}  # as sites joined with units have
    sites = places(TWO, "site_id", **joined, uncertainty_km=[np.nan, np.nan])
    with look():
        bare, whole = (counties(result, "en") for result in (study_of(sites), example(["Site"])))
    assert bare.texts[1].get_text() == "Each panel spans 24 km. Diamond: site."
    assert whole.texts[1].get_text() == (
        "Each panel spans 120 km. Diamond: site; ring: origin; blue: flow; "
        "dashed circle: true location is inside; green: oasis."
    )
