"""Figures: true to scale and north, the same twice, legible text only, nothing of the data
interpreted.
"""

import dataclasses
import io
import warnings
from xml.etree import ElementTree as ET

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pyproj import Geod, Transformer
from report_example import HOSTILE, example
from shapely import box as rectangle
from shapely.geometry import Point

from geosettle.errors import UnknownNameError
from geosettle.figures import FIGURES, figures
from geosettle.figures.bar_charts import constraints, oasis
from geosettle.figures.canvas import HALO, encode, legible, look, new_figure, shaped, wrapped
from geosettle.figures.distance_charts import _most_moved, declared
from geosettle.figures.map_furniture import _round_steps
from geosettle.figures.map_labels import _label_unit, _place
from geosettle.figures.map_layers import Sheet, prepare
from geosettle.figures.map_projection import frame_around, lines_of, relief
from geosettle.figures.od_map import od_map
from geosettle.figures.slope_charts import spaced
from geosettle.figures.small_multiples import _apart, _most_first, counties
from geosettle.raster import Raster

GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def drawn():
    return figures(example(), dpi=60)


def test_every_figure_is_drawn_once_per_format(drawn):
    few = {"change", "models", "checks", "constraints", "claims", "capitals"}
    names = set(FIGURES) - few  # of these the example has no rows, or fewer than three values
    assert sorted(drawn) == sorted(
        f"{name}.{form}" for name in names for form in ("png", "svg", "pdf")
    )
    for name, data in drawn.items():
        assert data[:4] in (b"\x89PNG", b"<?xm", b"%PDF"), name


def test_two_runs_give_the_same_bytes(drawn):
    again = figures(example(), dpi=60)
    assert [name for name in drawn if drawn[name] != again[name]] == []


def test_pdf_embeds_its_fonts_and_has_no_date():
    first, second = (
        figures(example(["Site"]), formats=("pdf",), only=["oasis"])["oasis.pdf"] for _ in range(2)
    )
    assert first == second
    assert first.startswith(b"%PDF")
    assert b"/FontFile2" in first  # TrueType, so the text can be edited
    assert b"CreationDate" not in first


def test_png_has_the_size_asked_for(drawn):
    image = Image.open(io.BytesIO(drawn["od_map.png"]))
    assert abs(image.width - 180 / 25.4 * 60) <= 1
    assert round(image.info["dpi"][0]) == 60


def test_svg_text_stays_text_and_data_stays_data(drawn):
    for name in (n for n in drawn if n.endswith(".svg")):
        root = ET.fromstring(drawn[name])
        tags = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
        assert "script" not in tags
        assert "foreignObject" not in tags
        assert "text" in tags
        assert b"<dc:date>" not in drawn[name]
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.endswith("href"):
                    assert value.startswith(("#", "data:image/png;base64,"))
    words = "".join(ET.fromstring(drawn["od_map.svg"]).itertext())
    assert "<script>alert(1)</script>" in words
    assert HOSTILE[8] in words or not legible(HOSTILE[8], "x")[1]
    assert b"paint-order: stroke" in drawn["od_map.svg"]


def test_dollar_signs_are_no_formula():
    result = example(["$\\frac{1$ $x^2$"])
    assert b"$x^2$" in figures(result, formats=("svg",), only=["od_map"])["od_map.svg"]


def test_both_languages_and_odd_studies_draw_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert figures(example(), lang="zh", dpi=50, formats=("png",))
        assert set(figures(example(empty=True), dpi=50, formats=("png",))) == {
            "land.png"
        }  # parcels have no need of sites


def test_the_study_chooses_the_formats():
    result = example(["Site"])
    study = dataclasses.replace(
        result.study, settings={**result.study.settings, "report": {"formats": ["svg"]}}
    )
    assert list(figures(dataclasses.replace(result, study=study), only=["oasis"])) == ["oasis.svg"]
    assert set(figures(result, only=["oasis"], dpi=50)) == {"oasis.png", "oasis.svg", "oasis.pdf"}


def test_labels_of_slopes_keep_their_order_and_their_room():
    gaps = [1.0, 2.0, 1.0, 1.0]
    places = spaced([0.0, 0.0, 0.5, 20.0], gaps, 10.0)
    assert places == sorted(places)
    for at in range(3):
        assert places[at + 1] - places[at] >= (gaps[at] + gaps[at + 1]) / 2 - 1e-9
    assert places[0] - 0.5 >= 0
    assert places[-1] + 0.5 <= 10


def test_a_label_is_not_put_beside_another_site():
    """Two sites side by side: each name lies nearer to its own diamond than to the other."""
    result = example(["Site"])
    sites = result.sites.copy()
    sites.loc["S2", "geometry"] = Point(76.25, 39.13)
    sites["name"] = ["First", "Second", "Third", "Fourth"]
    with look():
        figure = od_map(dataclasses.replace(result, sites=sites), "en")
        axes = figure.axes[0]
        canvas = figure.canvas.get_renderer()
        boxes = {t.get_text(): t.get_window_extent(canvas) for t in axes.texts}
        diamonds = next(c for c in axes.collections if c.get_zorder() == 7)
        spots = axes.transData.transform(diamonds.get_offsets())
    order = sites[sites.geometry.notna()].sort_values(
        "households", ascending=False, na_position="last"
    )["name"]

    def gap(box, spot):
        near = np.clip(spot, [box.x0, box.y0], [box.x1, box.y1])
        return float(np.hypot(*(near - spot)))

    for at, name in enumerate(order):
        gaps = [gap(boxes[name], spot) for spot in spots]
        assert gaps[at] == min(gaps), name


def test_unknown_format_is_refused():
    with pytest.raises(UnknownNameError, match="gif"):
        figures(example(), formats=("gif",))
    with pytest.raises(UnknownNameError, match=r"nonsense.*od_map"):
        figures(example(), only=["nonsense"])


@pytest.mark.parametrize(
    ("lon", "lat"), [([74, 85], [36, 41]), ([-70, -62], [-25, -12]), ([10, 12], [59, 70])]
)
def test_scale_bar_is_true_on_the_ground(lon, lat):
    frame = frame_around(lon, lat)
    for x, y in ((frame.x0 + 1e4, frame.y0 + 1e4), (frame.x0 + frame.width / 2, frame.y1)):
        end, same = frame.scale_bar(x, y, 100_000)
        back = Transformer.from_crs(frame.proj, "EPSG:4326", always_xy=True)
        (a, b), (c, d) = back.transform(x, y), back.transform(end, same)
        assert GEOD.inv(a, b, c, d)[2] == pytest.approx(100_000, abs=0.01)


@pytest.mark.parametrize(
    ("lon", "lat"), [([74, 85], [36, 41]), ([-70, -62], [-25, -12]), ([179, -179], [60, 66])]
)
def test_north_arrow_follows_the_meridian_convergence(lon, lat):
    from pyproj import Proj

    frame = frame_around(lon, lat)
    for x, y in ((frame.x0, frame.y0), (frame.x1, frame.y1), ((frame.x0 + frame.x1) / 2, frame.y0)):
        at = frame.lonlat(x, y)
        convergence = Proj(frame.proj).get_factors(float(at[0]), float(at[1])).meridian_convergence
        ux, uy = frame.north(x, y)
        # PROJ's convergence is the angle from grid north to true north, clockwise negative
        assert np.degrees(np.arctan2(ux, uy)) == pytest.approx(-convergence, abs=0.01)


@pytest.mark.parametrize(
    ("lon", "lat"), [([74, 85], [36, 41]), ([20, 30], [-4, 4]), ([178, -178], [-20, -15])]
)
def test_sheet_is_equal_area_and_holds_what_it_must(lon, lat):
    frame = frame_around(lon, lat, 20_000)
    xy = frame.xy(lon, lat)
    assert (xy[:, 0] > frame.x0).all()
    assert (xy[:, 0] < frame.x1).all()
    assert (xy[:, 1] > frame.y0).all()
    assert (xy[:, 1] < frame.y1).all()
    assert 1 <= frame.width / frame.height <= 1.7501 or frame.height > frame.width
    from pyproj import Proj

    for x in np.linspace(frame.x0, frame.x1, 4):
        for y in np.linspace(frame.y0, frame.y1, 4):
            at = frame.lonlat(x, y)
            assert Proj(frame.proj).get_factors(
                float(at[0]), float(at[1])
            ).areal_scale == pytest.approx(1, abs=1e-6)


def test_relief_lies_where_the_heights_are():
    """A plain at 1,000 m with one tall block: the block is shaded inside its own outline only; no
    data is white.
    """
    from affine import Affine

    values = np.full((100, 100), 1000.0)
    values[30:40, 60:70] = 5000.0  # lon 76..77, lat 38..39 on a tenth-degree grid from (70, 42)
    values[:, :5] = np.nan
    frame = frame_around([71, 79], [33, 41])
    picture = relief(frame, Raster(values, Affine(0.1, 0, 70, 0, -0.1, 42)), 400)
    rows, columns = picture.shape[:2]

    def colour(lon, lat):
        ((x, y),) = frame.xy(lon, lat)
        return picture[
            int((frame.y1 - y) / frame.height * rows), int((x - frame.x0) / frame.width * columns)
        ]

    plain, block = colour(73, 35), colour(76.5, 38.5)
    assert (plain != block).any()
    for lon, lat in ((75.7, 38.5), (77.3, 38.5), (76.5, 37.7), (76.5, 39.3)):
        assert (colour(lon, lat) == plain).all()
    assert (colour(70.2, 35) == 255).all()
    # light comes from the north-west: the slope that faces it is brighter than the one that faces
    # away
    assert int(colour(76.02, 38.5).sum()) > int(colour(76.98, 38.5).sum())


def test_names_are_written_only_where_a_font_has_the_letters():
    assert legible("Kokyar", "x") == ("Kokyar", True)
    assert legible("\U00031300\U00031301", "S1") == (
        "S1",
        False,
    )  # rare ideographs that hardly a font has
    assert legible(None, float("nan"), "S1")[0] == "S1"
    assert legible("a\u202eb\x00c\nd", "") == ("ab c d", True)
    if not shaped():
        assert legible(HOSTILE[7], "S1") == ("S1", False)


def test_names_without_a_font_are_noted_under_the_map():
    with look():
        figure = od_map(example(["\U00031300"]), "en")
        text = " ".join(t.get_text() for t in figure.texts).replace("\n", " ")
    assert (
        "These names are shown by id, because the figures have no font for their script: "
        "S1, S2, S3, O1, O3." in text
    )
    assert "Location unknown: Ajoz, Nowhere." in text


def test_labels_do_not_cover_each_other_or_the_symbols():
    with look():
        figure = od_map(example(["Site"]), "en")
        axes = figure.axes[0]
        canvas = figure.canvas.get_renderer()
        boxes = [
            t.get_window_extent(canvas)
            for t in axes.texts
            if t.get_weight() == "bold" and t.get_text() != "N"
        ]
    assert len(boxes) == 3
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_legend_sizes_are_round():
    assert _round_steps(3150) == [3000, 1000, 300]
    assert _round_steps(1) == [1]
    assert _round_steps(47) == [30, 10, 3]


def test_drawing_leaves_the_users_matplotlib_alone():
    before = dict(mpl.rcParams)
    figures(example(), dpi=50, only=["oasis"])
    assert dict(mpl.rcParams) == before


def test_place_prefers_the_right_hand_side():
    with look():
        figure = od_map(example(), "en")
        sheet = Sheet(figure.axes[0], frame_around([74, 85], [36, 41]), 6)
        middle = np.array([0.0, 0.0])
        x, _, side, far = _place(sheet, middle, 5, 40, 10)
        assert x > sheet.pixel(middle)[0]
        assert (side, far) == ("left", False)


def test_a_split_at_the_180th_meridian_is_no_boundary(across_180):
    for geometry, *_ in prepare(across_180).lines:
        for line in lines_of(geometry):
            along = (np.abs(line[:-1, 0]) == 180) & (np.abs(line[1:, 0]) == 180)
            assert not along.any()


def test_a_panel_across_the_180th_meridian_shows_its_sites(across_180):
    with look():
        figure = counties(across_180, "en")
    assert all(axes.texts for axes in figure.axes)  # every panel has the name of a site on it


def _moved(places, **extra):
    """Return the example with its sites, and origins where given, at other positions; no layers
    below them.
    """
    result = example(["Site"])
    study = dataclasses.replace(
        result.study, boundaries=None, oasis=None, dem=None, rivers=None, development=None
    )
    frames = {}
    for role in ("sites", "origins"):
        frame = getattr(result, role).copy()
        spots = places.get(role, [])
        frame = frame.iloc[: len(spots)]
        frame["geometry"] = [Point(*spot) for spot in spots]
        frame["uncertainty_km"] = 0.0
        frames[role] = frame
    return dataclasses.replace(result, study=study, oasis_polygons={}, **frames, **extra)


def test_legend_bar_and_locator_hide_no_place():
    """Four sites in the corners of the sheet, four origins in the middle of its sides."""
    corners = [(75, 36), (75, 40), (80, 36), (80, 40)]
    result = _moved({"sites": corners, "origins": [(77.5, 36.1), (77.5, 39.9)]})
    with look():
        figure = od_map(result, "en")
        axes, globe = figure.axes
        canvas = figure.canvas.get_renderer()
        boxes = [axes.get_legend().get_window_extent(canvas), globe.get_window_extent(canvas)]
        boxes += [
            text.get_window_extent(canvas)
            for text in axes.texts
            if text.get_text() in {"0", "N", "100 km"}
        ]
        dots = [c for c in axes.collections if c.get_zorder() in {6, 7}]
        spots = axes.transData.transform(np.vstack([c.get_offsets() for c in dots]))
    assert len(boxes) == 5
    assert len(spots) == 6
    for box in boxes:
        assert not any(box.contains(*spot) for spot in spots)
    for number, box in enumerate(boxes[:2]):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_a_study_of_five_kilometres_fills_its_sheet():
    places = {"sites": [(76.0, 39.0), (76.03, 39.02)], "origins": [(76.01, 39.03)]}
    with look():
        figure = od_map(_moved(places), "en")
    axes, globe = figure.axes
    low, high = axes.get_xlim()
    assert 3000 < high - low < 6000
    texts = [text.get_text() for text in axes.texts]
    assert sum(text.endswith("°E") for text in texts) >= 2
    assert sum(text.endswith("°N") for text in texts) >= 2
    assert "0.5 km" in texts
    assert "Albers equal-area (39°N)" in " ".join(text.get_text() for text in figure.texts)
    # Its sheet is a speck on the globe: a mark of its own shows it.
    assert [line.get_marker() for line in globe.lines if line.get_marker() == "o"] == ["o"]


def test_a_wide_sheet_in_the_north_has_more_than_one_parallel():
    with look():
        figure = od_map(_moved({"sites": [(18, 67.2), (32, 72.3)]}), "en")
    assert sum(text.get_text().endswith("°N") for text in figure.axes[0].texts) >= 2


def test_the_legend_names_only_what_is_drawn():
    with look():
        figure = od_map(_moved({"sites": [(76, 39), (77, 38)]}), "en")
        drawn = od_map(example(["Site"]), "en")
    said, whole = (
        " ".join(t.get_text() for t in f.axes[0].get_legend().get_texts()) for f in (figure, drawn)
    )
    for words in ("Origin (larger", "True location is within this circle", "Flow"):
        assert words not in said
        assert words in whole


def test_a_town_under_a_site_is_not_named():
    result = example(["Site"])
    towns = [Point(76.1, 39.13), Point(79.5, 37.0)]
    places = gpd.GeoDataFrame(
        {"name": ["Hidden", "Seen"], "kind": "prefecture_seat"},
        geometry=towns,
        index=["p1", "p2"],
        crs="EPSG:4326",
    )
    with look():
        figure = od_map(
            dataclasses.replace(result, study=dataclasses.replace(result.study, places=places)),
            "en",
        )
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "Seen" in texts
    assert "Hidden" not in texts


def test_the_name_of_a_unit_stands_in_free_room_or_nowhere():
    with look():
        figure = od_map(example(["Site"]), "en")
        frame = frame_around([74, 85], [36, 41])
        sheet = Sheet(figure.axes[0], frame, 6)
        area = rectangle(frame.x0, frame.y0, frame.x1, frame.y1)
        assert _label_unit(sheet, "UNIT", 8.0, area)
        (x0, y0), (x1, y1) = (
            sheet.pixel(np.array(spot)) for spot in ((frame.x0, frame.y0), (frame.x1, frame.y1))
        )
        before = len(sheet.axes.texts)
        for x in np.linspace(x0, x1, 60):  # labels everywhere, each leaving half of its room free
            sheet.taken.add(x, y0, x + (x1 - x0) / 120, y1)
        assert not _label_unit(sheet, "UNIT", 8.0, area)
        assert len(sheet.axes.texts) == before


def test_the_title_is_that_of_the_language_and_keeps_to_the_sheet():
    result = example(["Site"])
    named = {"title": "A long title, " * 12, "title_zh": "易地安置"}
    study = dataclasses.replace(result.study, settings={**result.study.settings, "study": named})
    with look():
        figure, chinese = (
            od_map(dataclasses.replace(result, study=study), lang) for lang in ("en", "zh")
        )
        wide = [text.get_window_extent(figure.canvas.get_renderer()) for text in figure.texts]
        assert all(extent.x1 < figure.bbox.x1 for extent in wide)
        assert not wide[0].overlaps(wide[1])
    assert figure.texts[0].get_text().count("\n") == 1
    assert chinese.texts[0].get_text() == legible("易地安置", result.study.name)[0]


def test_panels_are_as_wide_as_their_sites_need_and_named_in_the_language():
    result = example(["Site"])
    sites = result.sites.assign(
        geometry=[Point(76.1, 39.13), Point(77.6, 37.9), None, None], uncertainty_km=1.0
    )
    units = result.study.boundaries.assign(name_local=["", "", "甲县", "乙县", ""])
    small = dataclasses.replace(
        result, sites=sites, study=dataclasses.replace(result.study, boundaries=units)
    )
    with look():
        figure, wide = counties(small, "zh"), counties(result, "en")
    assert np.ptp(figure.axes[0].get_xlim()) == pytest.approx(24e3)
    assert np.ptp(wide.axes[0].get_xlim()) == pytest.approx(120e3)  # a site known to 100 km
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        legible("甲县", "Site")[0],
        legible("乙县", "B1 county")[0],
    ]
    assert "Each panel spans 120 km" in " ".join(text.get_text() for text in wide.texts)


def test_the_key_of_declared_distances_names_only_what_is_there():
    result = example(["Site"])
    pairs = result.pairs.assign(declared_km=90.0)
    pairs = pairs[pairs["geodesic_km"].notna()]
    used = pairs.assign(flags=["used_to_place", *[""] * (len(pairs) - 1)])
    with look():
        figure, both = (
            declared(dataclasses.replace(result, pairs=each), "en")
            for each in (pairs.assign(flags=""), used)
        )
        assert declared(dataclasses.replace(result, pairs=pairs.head(2)), "en") is None
    assert len(figure.legends[0].get_texts()) == 1
    assert len(both.legends[0].get_texts()) == 2


def test_a_pdf_has_text_as_text_over_its_halo():
    with look():
        mpl.rcParams["pdf.compression"] = 0
        figure = new_figure(1)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.text(0.5, 0.5, "Kokyar", **HALO)
        data = encode(figure, ["pdf"], 100)["pdf"]
    page = data[data.index(b"stream") : data.index(b"endstream")]
    assert page.count(b"BT") == 1  # the word, once, as text
    assert b"1.8 w" in page[: page.index(b"BT")]  # under it the outlines, as wide as the halo
    assert b"1.8 w" not in page[page.index(b"BT") :]


def test_a_number_keeps_its_unit_on_its_line():
    assert wrapped("people per job centre within 30 km", 32) == [
        "people per job centre within",
        "30 km",
    ]
    assert wrapped("Donaudampfschifffahrt", 10, 2) == ["Donaudampf", "schifffahr…"]


def test_bars_say_which_of_the_counted_are_no_sites_of_the_study():
    result = example(["Site"])
    rows = pd.DataFrame(
        {
            "section": "constraint",
            "site_id": ["S1", "S2", "survey", *["S1"] * 3, *["S1"] * 2],
            "item": [*"aaa", *"bbb", *"cc"],
            "verdict": ["met", "met", "not met", *["met"] * 3, *["not met"] * 2],
        }
    )
    with look():
        for few in (rows.assign(verdict="unknown"), rows.head(3), rows.tail(5)):
            # Unknown, or a single bar of three results: the table says more.
            assert constraints(dataclasses.replace(result, livelihood=few), "en") is None
    sites = result.sites.assign(scope=["study", "comparison", "study", "study"])
    with look():
        plain, told = (
            constraints(dataclasses.replace(result, livelihood=each, sites=sites), "en")
            for each in (rows.assign(site_id="S1"), rows)
        )
    assert len(told.axes[0].texts) - 3 == 2  # names of a and b, numbers in their three parts; no c
    assert plain.axes[0].get_xlabel() == "Number of sites"
    assert (
        told.axes[0].get_xlabel()
        == "Number of sites (1 for comparison only, 1 surveyed as a group)"
    )


def test_distances_of_most_households_are_drawn_first():
    index = pd.MultiIndex.from_tuples(
        [(f"o{n}", f"s{n:03}") for n in range(200)], names=["origin_id", "site_id"]
    )
    pairs = pd.DataFrame({"households": np.arange(200), "value": 5.0}, index=index)
    shown = _most_moved(pairs.assign(site=index.get_level_values("site_id")))
    assert shown["households"].tolist() == list(range(199, 199 - len(shown), -1))


def test_panels_of_many_units_are_of_most_households_and_show_different_ground():
    def group(key, lon):
        return pd.DataFrame({"lon": [lon], "lat": [10.0], "radius_m": [0.0]}, index=[key])

    groups = [group(f"s{n}", 10 + n * 0.1) for n in range(60)]
    households = pd.Series(np.arange(60.0), [f"s{n}" for n in range(60)])
    ordered = _most_first(groups, households)
    assert ordered[0].index[0] == "s59"
    shown = _apart(ordered, 60e3)
    east = np.sort([g["lon"].iloc[0] for g in shown])
    assert len(shown) == 16
    assert (np.diff(east) * 109.6 > 30).all()  # km of a degree of longitude at 10 degrees north


def test_units_of_the_oasis_chart_are_named_in_the_language():
    result = example(["Site"])
    units = result.study.boundaries.assign(name_local=["甲州", None, None, None, None])
    local = dataclasses.replace(result, study=dataclasses.replace(result.study, boundaries=units))
    with look():
        english, chinese = (
            {t.get_text() for t in oasis(local, lang).axes[0].texts} for lang in ("en", "zh")
        )
    assert english == {"Site", "Pref B"}
    assert chinese == {
        legible("甲州", "Site")[0],
        "Pref B",
    }  # a unit without a local name keeps its name


def test_names_of_sites_never_pile_up():
    """Of sites at nearly one position some are named, those of most households, and it is told."""
    result = example(["Site"])
    many = pd.concat([result.sites.iloc[[0]]] * 30, ignore_index=True)
    many.index = pd.Index([f"P{n:02}" for n in range(30)], name="site_id")
    many = many.assign(name=[f"Settlement {n:02}" for n in range(30)], households=range(30))
    crowded = dataclasses.replace(result, sites=many, study=result.study.replace(sites=many))
    with look():
        figure = FIGURES["od_map"].draw(crowded, "en")
        figure.canvas.draw()
        written = [t for t in figure.axes[0].texts if t.get_text().startswith("Settlement")]
        boxes = [t.get_window_extent() for t in written]
    names = [t.get_text() for t in written]
    assert "Settlement 29" in names
    assert len(names) < 30
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            wide = min(one.x1, other.x1) - max(one.x0, other.x0)
            high = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert max(wide, 0) * max(high, 0) <= 0.2 * one.width * one.height
    told = " ".join(t.get_text() for t in figure.texts)
    assert f"{len(names)} of 30 sites are named, those with most households first" in told
