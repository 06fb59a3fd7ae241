"""The map without a browser: packing, pictures, the page's safety, its size and its seams."""

from __future__ import annotations

import base64
import hashlib
import html as markup
import importlib.resources
import io
import itertools
import json
import re
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import branca
import folium
import folium.plugins
import geopandas as gpd
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent / "browser"))
import made_up

from geosettle.errors import InputError, OutputError, UnknownNameError
from geosettle.maps import ELEMENTS, encoding, images, map_html, offline, render
from geosettle.maps.basemaps import find_basemap
from geosettle.problems import Problem
from geosettle.raster import Raster
from geosettle.remoteness import INDICATORS
from geosettle.words import has

STATIC = importlib.resources.files("geosettle.maps") / "static"
SCRIPT = "\n".join((STATIC / name).read_text("utf-8") for name in (*offline.SCRIPTS, "bridge.js"))


def unpack(text: str) -> list[int]:
    """Zigzag variable-length integers, read as the Protocol Buffers encoding guide says, one byte
    at a time.
    """
    out, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            out.append((value >> 1) ^ -(value & 1))
            value, shift = 0, 0
    return out


def whole_numbers(packed: dict) -> list[int]:
    """Whole numbers of a column, whichever way it was packed."""
    if "w" in packed:
        letter = {1: "b", 2: "h", 4: "i"}[packed["w"]]
        return [n for (n,) in struct.iter_unpack(f"<{letter}", base64.b64decode(packed["d"]))]
    numbers = unpack(packed["d"])
    return list(itertools.accumulate(numbers)) if packed.get("delta") else numbers


@pytest.fixture(scope="module")
def result():
    return made_up.result()


@pytest.fixture(scope="module")
def html(result):
    return map_html(result)


def data_of(html: str) -> dict:
    block = re.search(
        r'<script type="application/json" id="gs-data">(.*?)</script>', html, re.DOTALL
    ).group(1)
    return json.loads(block)


def texts_of(packed: dict) -> list:
    """Texts of a packed column, in whichever of the three ways they are written."""
    if "j" in packed:
        return packed["j"].split(packed["s"])
    return packed["k"] if "k" in packed else packed["v"]


# --- packing
# -----------------------------------------------------------------------------------------------------------


@hypothesis.given(st.lists(st.integers(-(2**52), 2**52)))
def test_packed_numbers_come_back(numbers):
    assert unpack(encoding.pack(numbers)) == numbers


@hypothesis.settings(
    deadline=None
)  # the first table of a process takes longer than the rest together
@hypothesis.given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=30))
def test_columns_keep_what_is_missing_and_round_the_rest(values):
    packed = encoding.column(pd.Series(values, dtype="float64"), digits=2)
    for value, number in zip(values, whole_numbers(packed), strict=True):
        if value is None:
            assert number == 0
        else:
            assert number != 0
            assert (number - (number > 0)) / 100 == pytest.approx(value, abs=0.0051)


@pytest.mark.parametrize(
    ("most", "wide"), [(126, 1), (127, 2), (32_766, 2), (3_000_000, 4), (2**31 - 2, 4)]
)
def test_a_column_is_as_wide_as_its_largest_number(most, wide):
    numbers = [most, -most - 1] * 9 + [
        None,
        0,
    ]  # 0 is kept for what is missing, so a number from 0 on is written one more
    packed = encoding.column(pd.Series(numbers, dtype="float64"), digits=0)
    assert packed["w"] == wide
    assert whole_numbers(packed) == [most + 1, -most - 1] * 9 + [0, 1]


@pytest.mark.parametrize(
    "numbers", [[*range(100_000, 100_200)], [None] * 99 + [70_000], [2**40, 5]]
)
def test_columns_that_are_much_shorter_so_have_numbers_of_varying_length(numbers):
    packed = encoding.column(pd.Series(numbers, dtype="float64"), digits=0)
    assert "w" not in packed
    assert whole_numbers(packed) == [0 if n is None else n + 1 for n in numbers]


def test_numbers_too_large_to_be_exact_are_missing():
    """2**53 + 1 is not a number in the browser."""
    assert whole_numbers(encoding.column([1e300, 2.0**60, -np.inf, 3.0], digits=0)) == [0, 0, 0, 4]


ODD_TEXT = st.text(alphabet=st.sampled_from("|;~^\t\0\r\n\u2028\ufeff\"'<\\{%ab\u548c"), max_size=6)


@hypothesis.given(st.lists(st.none() | ODD_TEXT, max_size=12))
def test_texts_come_back_whatever_they_hold(texts):
    """Through the page and as the script reads them: split, or by the numbers of their levels."""
    packed = json.loads(offline.inert_json(encoding.column(pd.Series(texts, dtype=object))))
    levels = [None, *packed["k"]] if "k" in packed else None
    assert (
        texts_of(packed) if levels is None else [levels[n] for n in whole_numbers(packed)]
    ) == texts


PLACE = st.none() | st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(st.lists(PLACE, max_size=8), st.lists(PLACE, max_size=8))
def test_the_box_holds_every_place_and_no_flow_is_longer_than_the_longest(sites, origins):
    """Drawn as the script draws them: what lies west of `wrap` is a turn further east."""
    from geosettle.maps.page_data import extent, wrap

    frames = []
    for role, places in (("site", sites), ("origin", origins)):
        points = [None if p is None else shapely.Point(p) for p in places]
        index = pd.Index([f"{role}{i}" for i in range(len(places))], name=f"{role}_id")
        frames.append(gpd.GeoDataFrame({"name": index}, geometry=points, crs=4326, index=index))
    ends = [(f"origin{i}", f"site{j}") for i in range(len(origins)) for j in range(len(sites))]
    pairs = pd.DataFrame(
        index=pd.MultiIndex.from_tuples(ends or [("x", "y")], names=["origin_id", "site_id"])
    )
    ends_of = dict(zip(("sites", "origins"), frames, strict=True))
    result = SimpleNamespace(**ends_of, pairs=pairs, intervals=pd.DataFrame())
    seen, turn = extent(result), wrap(result)
    drawn = {
        role: [
            (lon + 360 if turn is not None and lon < turn else lon, lat)
            for lon, lat in filter(None, places)
        ]
        for role, places in (("site", sites), ("origin", origins))
    }
    if not (drawn["site"] or drawn["origin"]):
        assert seen is None
        return
    west, south, east, north = seen["box"]
    assert east - west <= 360
    for lon, lat in drawn["site"] + drawn["origin"]:
        assert west - 1e-5 <= lon <= east + 1e-5
        assert south - 1e-5 <= lat <= north + 1e-5

    def mercator(lon, lat):
        lat = min(85, max(-85, lat))
        return lon / 360, np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)) / (2 * np.pi)

    both = ((mercator(*a), mercator(*b)) for a in drawn["origin"] for b in drawn["site"])
    sides = [abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in both]
    assert seen["longest"] == pytest.approx(max(sides, default=0), abs=1e-6)


def test_outlines_keep_every_ring_within_half_a_step():
    shape = shapely.Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    packed = encoding.outlines(
        [shape, None, shapely.LineString([(76.12344, 38), (77, 39)])], steps=10_000
    )
    assert unpack(packed["rings"]) == [2, 0, 1]
    assert unpack(packed["points"]) == [5, 5, 2]
    xs = np.cumsum(unpack(packed["x"])) / 10_000
    assert xs[-2] == pytest.approx(76.1234, abs=1e-9)


def test_simplified_neighbours_still_share_their_border():
    wave = [(1 + 0.01 * np.sin(40 * y), y) for y in np.linspace(0, 1, 200)]
    left = shapely.Polygon([(0, 0), *wave, (0, 1)])
    right = shapely.Polygon([(2, 0), *wave, (2, 1)])
    simple = encoding.simplify([left, right], 0.05)
    assert len(shapely.get_coordinates(simple)) < 60
    assert shapely.coverage_is_valid(simple)
    assert shapely.area(shapely.intersection(simple[0], simple[1])) == 0


# --- pictures
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("south", "north"), [(34.0, 42.0), (-10.0, 10.0), (60.0, 75.0)])
def test_a_warped_raster_of_latitudes_is_right_within_half_a_cell(south, north):
    rows = 240
    cell = (north - south) / rows
    centre = north - cell * (np.arange(rows) + 0.5)
    raster = Raster(np.repeat(centre[:, None], 3, axis=1), Affine(1, 0, 70, 0, -cell, north))
    true = images.mercator_rows(north, south, 400)
    nearest = images.to_mercator(raster, 400, smooth=False)[:, 0]
    smooth = images.to_mercator(raster, 400, smooth=True)[:, 0]
    assert np.abs(nearest - true).max() <= cell / 2 + 1e-9
    assert np.abs(smooth - true)[5:-5].max() < 1e-6


def test_rows_of_a_mercator_picture_are_where_web_mercator_puts_them():
    # PROJ: pyproj.Transformer.from_crs(4326, 3857, always_xy=True) puts 36 N at y = 4300621.372 and
    # 41 N at y = 5012341.664; the middle, y = 4656481.518, transformed back is 38.54343184 N.
    assert images.mercator_rows(41, 36, 1)[0] == pytest.approx(38.54343184, abs=1e-7)


def test_class_pictures_hold_exactly_the_colours_of_the_legend():
    values = np.array([[0.2, 0.7], [1.5, np.nan]])
    raster = Raster(values, Affine(1, 0, 0, 0, -1, 1))
    colours = ["#F2F0F7", "#756BB1", "#54278F"]
    uri = images.class_picture(raster, [(0, 0.5), (0.5, 1), (1, np.inf)], colours)
    picture = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA")
    pixels = np.asarray(picture)
    seen = {"#{:02X}{:02X}{:02X}".format(*p[:3]) for p in pixels.reshape(-1, 4) if p[3]}
    assert seen == set(colours)
    assert (pixels[-1, -1, 3] == 0).all()


def test_light_from_the_north_west_brightens_slopes_that_face_it():
    x, y = np.meshgrid(np.arange(60.0), np.arange(60.0))
    facing = Raster(
        3000 + (x + y - 60) * 100, Affine(0.01, 0, 76, 0, -0.01, 39)
    )  # rises to the south-east, so it faces north-west
    away = Raster(3000 - (x + y - 60) * 100, Affine(0.01, 0, 76, 0, -0.01, 39))
    bright, dark = (
        np.asarray(
            Image.open(
                io.BytesIO(base64.b64decode(images.relief_picture(r)["src"].split(",")[1]))
            ).convert("L")
        )[30, 30]
        for r in (facing, away)
    )
    assert bright > dark + 20


# --- the page
# ----------------------------------------------------------------------------------------------------------


@hypothesis.given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.sampled_from(made_up.HOSTILE)
)
def test_inert_json_is_data_and_nothing_else(text):
    written = offline.inert_json({"name": text, text: [text]})
    assert json.loads(written) == {"name": text} | {text: [text]}
    for mark in ("<", ">", "&", "{{", "{%", "{#", "\u2028", "\u2029"):
        assert mark not in written


def test_half_a_surrogate_pair_does_not_stop_the_map():
    assert json.loads(offline.inert_json("\ud800 name")) == "? name"


def test_the_policy_names_every_script_and_style_of_the_page_and_nothing_else(html):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html).group(1)
    for tag in ("script", "style"):
        later = (
            '(?: type="text/plain" id="gs-leaflet")?' if tag == "script" else ""
        )  # the script itself puts it to work
        texts = re.findall(rf"<{tag}{later}>(.*?)</{tag}>", html, re.DOTALL)
        hashes = {
            f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'"
            for t in texts
        }
        assert texts
        assert hashes == set(re.search(rf"{tag}-src ([^;]+)", policy).group(1).split())
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_nothing_in_the_page_points_outside(html):
    outside_scripts = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(
        r"""(?:src|href)=["']?(?:https?:)?//|@import|url\((?!["']?(?:data:|#))""", outside_scripts
    )
    assert "user-scalable" not in html


def test_hostile_text_stands_only_in_the_data_block(html):
    rest = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)
    assert "__ran" not in rest
    assert set(made_up.HOSTILE) <= set(texts_of(data_of(html)["sites"]["columns"]["name"]))


def test_no_hostile_setting_source_or_title_adds_a_tag(result):
    """All that stands outside the data: title of the window, what the page was made from, texts for
    screen readers.
    """
    said = made_up.HOSTILE
    keys = ("name", "title", "title_zh", "boundary_note")
    study = {**vars(result.study)}
    study["settings"] = {"study": dict(zip(keys, said, strict=False))}
    fields = ("sha256", "layer", "source", "licence", "date")
    study["inputs"] = {
        text: dict(zip(fields, said[i:], strict=False)) for i, text in enumerate(said[:-5])
    }
    odd = {
        **vars(result),
        "study": type(result.study)(**study),
        "provenance": {text: text[::-1] for text in said},
    }
    plain = {**vars(result), "provenance": {"a": "b"}}

    def tags(fields, title):
        page = map_html(type(result)(**fields), title=title, relief_px=100)
        return re.findall(
            r"<[/!\w-]+|(?<=<meta )\w+",
            re.sub(r"(<script)[^>]*>.*?(</script>)", r"\1\2", page, flags=re.DOTALL),
        )

    assert tags(odd, " ".join(said)) == tags(plain, "Plain")


def test_the_page_is_ascii_whatever_the_data_hold(html, result):
    assert html.isascii()
    local = result.sites["name_local"].dropna().astype(str).tolist()
    assert any(not name.isascii() for name in local)
    assert set(local) <= set(texts_of(data_of(html)["sites"]["columns"]["name_local"]))


def test_the_page_is_the_same_every_time_and_leaves_its_input_alone():
    one, two = made_up.result(), made_up.result()
    before = one.sites.copy(), one.pairs.copy(), one.study.boundaries.copy()
    assert map_html(one) == map_html(two)
    for frame, kept in zip((one.sites, one.pairs, one.study.boundaries), before, strict=True):
        assert frame.equals(kept)


def test_everything_has_its_place(html, result):
    data = data_of(html)
    assert data["sites"]["n"] == len(result.sites)
    assert data["origins"]["n"] == len(result.origins)
    assert data["flows"]["n"] == len(result.pairs)
    drawn = [e["name"] for e in data["elements"]]
    assert drawn == [
        e.name for e in sorted(ELEMENTS.values(), key=lambda e: e.order) if e.name in drawn
    ]
    assert {
        "relief",
        "oasis",
        "boundaries",
        "development",
        "flows",
        "origins",
        "sites",
        "labels",
        "areas",
    } <= set(drawn)


def test_an_empty_study_still_gives_a_map():
    empty = made_up.result(hostile=False)
    sites, origins, pairs = empty.sites.iloc[:0], empty.origins.iloc[:0], empty.pairs.iloc[:0]
    bare = type(empty.study)(sites=sites)
    none = pd.DataFrame()
    result = type(empty)(bare, sites, origins, pairs, *[none] * 10)
    data = data_of(map_html(result))
    assert data["sites"]["n"] == data["flows"]["n"] == 0
    assert data["title"]["en"] == "Settlement sites and origins"


def test_the_title_states_the_finding(html, result):
    known = result.pairs.dropna(subset=["geodesic_km", "households"])
    copies = np.repeat(known["geodesic_km"], known["households"].astype(int))
    assert (
        f"farther than {np.median(copies):,.1f}".removesuffix(".0") in data_of(html)["title"]["en"]
    )
    assert "imply no position" in " ".join(c["en"] for c in data_of(html)["notes"]["caveats"])


def test_outlines_are_simplified_only_to_fit_and_the_map_says_so():
    result = made_up.result(hostile=False)
    coast = [
        (
            77 + (1 + 0.05 * np.sin(90 * a)) * np.cos(a),
            38.5 + (1 + 0.05 * np.sin(70 * a)) * np.sin(a),
        )
        for a in np.linspace(0, 2 * np.pi, 60_000)
    ]
    rough = gpd.GeoDataFrame(geometry=[shapely.Polygon(coast)], crs=4326)
    study = type(result.study)(**{**vars(result.study), "oasis": rough})
    result = type(result)(**{**vars(result), "study": study})
    free, tight = map_html(result, budget_bytes=10**8), map_html(result, budget_bytes=420_000)
    assert "simplified" not in data_of(free)["rounding"]["en"]
    assert "simplified to about" in data_of(tight)["rounding"]["en"]
    assert len(tight.encode()) <= 420_000 < len(free.encode())
    known = type(result)(
        **{**vars(result), "provenance": {"note": '"&<>' * 8_000}}
    )  # stands in the page's head
    between = (len(free.encode()) + len(map_html(known, budget_bytes=10**8).encode())) // 2
    assert len(map_html(known, budget_bytes=between).encode()) <= between


def test_unknown_languages_and_base_maps_are_refused(result):
    with pytest.raises(UnknownNameError, match="language"):
        render(result, lang="xx")
    with pytest.raises(UnknownNameError, match="base map"):
        render(result, basemap="No.Such")


@pytest.mark.parametrize(
    "name", ["Gaode.Normal", "Gaode.Satellite", "gaode", "高德", "AMap", "Baidu", "百度"]
)
def test_shifted_tiles_are_refused_with_the_reason(name):
    with pytest.raises(InputError, match=r"GCJ-02|BD-09"):
        find_basemap(name)


@pytest.mark.parametrize("name", ["OpenSeaMap", "Stadia.Outdoors"])
def test_other_base_maps_are_not_called_shifted(name):
    """Their addresses, tiles.openseamap.org and tiles.stadiamaps.com, hold "amap" too."""
    assert "amap" in find_basemap(name).hosts[0]


def test_base_maps_lie_where_they_say():
    with pytest.raises(InputError, match=r"EPSG:3031.*wrong place"):
        find_basemap("Esri.AntarcticImagery")
    assert "/{z}/{x}/{-y}.png" in find_basemap("OpenAIP").url  # TMS counts its rows from the south
    assert "<" not in find_basemap("Strava.All").credit
    assert find_basemap("Esri.WorldImagery").credit.startswith("Tiles (C) Esri")


def test_a_base_map_opens_the_policy_to_its_own_hosts_only(result):
    policy = re.search(r'Policy" content="([^"]+)"', map_html(result, basemap="OpenTopoMap")).group(
        1
    )
    hosts = re.findall(r"https?://[^ ;]+", policy)
    assert hosts == [f"https://{s}.tile.opentopomap.org" for s in "abc"]
    assert re.search(r"img-src [^;]*https://a\.tile", policy)


# --- folium
# ------------------------------------------------------------------------------------------------------------


def test_it_is_a_folium_map_that_saves_and_shows_the_safe_page(result, html, tmp_path):
    shown = render(result)
    assert isinstance(shown, folium.Map)
    shown.save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_text("utf-8") == html
    assert "srcdoc" in shown._repr_html_()
    assert "cdn.jsdelivr" not in shown._repr_html_()


def test_text_of_a_users_layer_is_never_run_as_a_template(result):
    shown = render(result, relief_px=100)
    said = "{{ 7*7 }} {{cycler.__init__.__globals__.os.getpid()}} {% if %} {# gone #}"
    folium.CircleMarker([38, 77], popup=said).add_to(shown)
    feature = {"type": "Feature", "properties": {"n": "{{ 7*7 }}"}, "geometry": None}
    folium.GeoJson(feature).add_to(shown)
    page = shown.get_root().render()
    assert said in markup.unescape(page)
    assert page.count("{{ 7*7 }}") == 1  # in the GeoJson
    assert "bindPopup" in page
    assert page.count("new DOMParser") == 1


@pytest.mark.parametrize("parse_html", [False, True])
def test_text_of_a_users_popups_and_tooltips_is_not_run_as_javascript(result, parse_html):
    """folium puts it between backticks, where a backslash, a backtick and ${ mean something."""
    shown = render(result, relief_px=100)
    said = "C:\\x\\2019 `+f()+` ${f()} \u548c"
    marker = folium.CircleMarker(
        [38, 77], popup=folium.Popup(said, parse_html=parse_html), tooltip=said
    ).add_to(shown)
    page = shown.to_html()
    own = page.rsplit("<script>", 1)[1]
    assert own.count("C:&#92;x&#92;2019 &#96;+f()+&#96; $&#123;f()} \u548c") == 2
    assert "${" not in own
    assert shown.to_html() == page  # what the user added is as it was
    assert next(iter(marker._children.values())).get_name() in page
    tooltips = [c for c in marker._children.values() if isinstance(c, folium.Tooltip)]
    assert [t.text for t in tooltips] == [said]


@pytest.mark.parametrize("column", ["a b", "x) {} alert(1", "a'b", "1st", "a\nb"])
def test_columns_that_folium_would_write_as_javascript_are_refused(result, column):
    shown = render(result, relief_px=100)
    feature = {
        "type": "Feature",
        "properties": {column: "v"},
        "geometry": {"type": "Point", "coordinates": [77, 38]},
    }
    data = {"type": "FeatureCollection", "features": [feature]}
    folium.GeoJson(data, style_function=lambda _: {"color": "red"}).add_to(shown)
    with pytest.raises(OutputError, match="Rename it"):
        shown.to_html()
    feature["id"] = "1"
    named = render(result, relief_px=100)
    folium.GeoJson(data, style_function=lambda _: {"color": "red"}).add_to(named)
    assert "feature.id" in named.to_html()


def test_broken_template_marks_in_a_users_layer_are_a_clear_error(result):
    shown = render(result, relief_px=100)
    folium.GeoJson({"type": "Feature", "properties": {"n": "{% if"}, "geometry": None}).add_to(
        shown
    )
    with pytest.raises(OutputError, match="template marks"):
        shown.get_root().render()


def test_the_end_of_a_script_in_a_users_layer_is_refused(result):
    shown = render(result, relief_px=100)
    folium.CircleMarker([38, 77], popup="</script><script>1</script>").add_to(shown)
    with pytest.raises(OutputError, match="</script"):
        shown.get_root().render()


BOX = [[38, 77], [39, 78]]


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (folium.TileLayer("OpenStreetMap"), "TileLayer loads files"),
        (folium.WmsTileLayer("https://maps.example/wms", "a"), "WmsTileLayer loads files"),
        (folium.Marker([38, 77], icon=folium.Icon()), "Icon loads files"),
        (
            folium.Marker([38, 77], icon=folium.CustomIcon("https://maps.example/a.png")),
            "CustomIcon loads files",
        ),
        (
            folium.raster_layers.ImageOverlay("https://maps.example/a.png", BOX),
            "ImageOverlay loads files",
        ),
        (
            folium.raster_layers.VideoOverlay("https://maps.example/a.webm", BOX),
            "VideoOverlay loads files",
        ),
        (folium.plugins.Fullscreen(), "needs https://"),
        (
            folium.plugins.FloatImage("https://maps.example/a.png"),
            "needs HTML or a script outside the map",
        ),
    ],
)
def test_layers_that_need_the_network_are_refused_with_the_reason(result, layer, told):
    shown = render(result, relief_px=100)
    layer.add_to(shown)
    with pytest.raises(OutputError, match=told):
        shown.get_root().render()


def test_a_users_pictures_and_tooltips_of_geojson_stand_in_the_file(result, tmp_path):
    """folium writes arrays and local files as data, and the looks of a tooltip into the head of its
    page.
    """
    Image.new("RGB", (4, 4), "red").save(tmp_path / "red.png")
    shown = render(result, relief_px=100)
    feature = {
        "type": "Feature",
        "properties": {"n": "\u548c"},
        "geometry": {"type": "Point", "coordinates": [77, 38]},
    }
    tip = folium.GeoJsonTooltip(["n"], style="color: #123456")
    folium.GeoJson({"type": "FeatureCollection", "features": [feature]}, tooltip=tip).add_to(shown)
    folium.raster_layers.ImageOverlay(np.zeros((2, 2, 3)), BOX).add_to(shown)
    folium.Marker([38, 77], icon=folium.CustomIcon(str(tmp_path / "red.png"))).add_to(shown)
    page = shown.to_html()
    assert re.search(r"<style>[^<]*color: #123456[^<]*</style>", page)
    assert re.search(r"<style>[^<]*image-rendering: pixelated[^<]*</style>", page)
    assert len(re.findall(r"var \w+ = L\.(?:imageOverlay|icon)\(", page)) == 2
    policy = re.search(r'Policy" content="([^"]+)"', page).group(1)
    assert "http" not in policy


@pytest.mark.parametrize("part", ["header", "html", "script"])
def test_what_a_user_adds_to_the_page_outside_the_map_is_refused_not_dropped(result, part):
    shown = render(result, relief_px=100)
    getattr(shown.get_root(), part).add_child(branca.element.Element("<h3>Mine</h3>"))
    with pytest.raises(OutputError, match="outside the map"):
        shown.to_html()


def test_a_figure_of_the_users_own_holds_the_whole_safe_page(result, html, tmp_path):
    shown = render(result)
    figure = branca.element.Figure(width=600, height=400)
    figure.add_child(shown)
    around = figure.render()
    assert re.findall("(?:src|href)=", around.split("srcdoc=")[0]) == []
    assert markup.unescape(re.search(r'<iframe srcdoc="([^"]*)"', around).group(1)) == html
    shown.save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_text("utf-8") == html
    folium.CircleMarker([38, 77]).add_to(shown)
    assert "L.circleMarker(" in shown.to_html()
    assert "L.circleMarker(" in markup.unescape(figure.render())


def test_it_is_saved_to_whatever_folium_saves_to_and_the_same_each_time(result, tmp_path):
    shown = render(result, relief_px=100)
    folium.CircleMarker([38, 77], popup="\u548c").add_to(shown)
    page = shown.to_html()
    shown.save(str(tmp_path / "a.html"))
    with (tmp_path / "b.html").open("wb") as file:
        shown.save(file)
    with (tmp_path / "c.html").open("w", encoding="utf-8") as file:
        shown.save(file, close_file=False)
        assert not file.closed
    assert {(tmp_path / f"{name}.html").read_text("utf-8") for name in "abc"} == {page}
    assert shown.get_root().render() == page
    assert page.count("L.circleMarker(") == 1


def test_a_map_that_cannot_be_saved_leaves_the_file_as_it_was(result, tmp_path):
    (tmp_path / "map.html").write_text("before")
    shown = render(result, relief_px=100)
    folium.TileLayer("OpenStreetMap").add_to(shown)
    with pytest.raises(OutputError):
        shown.save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_text() == "before"


def test_the_policy_knows_a_users_script_as_the_browser_reads_it(result):
    """A parser of HTML makes one line feed of a carriage return, and U+FFFD of NUL, before the hash
    is taken.
    """
    shown = render(result, relief_px=100)
    folium.CircleMarker([38, 77], popup="a\r\nb\rc\0d", tooltip="half \ud800").add_to(shown)
    page = shown.to_html()
    assert not set("\r\0") & set(page)
    assert re.search("a\\s+b\\s+c\ufffdd", page)
    policy = re.search(r'Policy" content="([^"]+)"', page).group(1)
    for text in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode() in policy


# --- seams between Python and the script
# -------------------------------------------------------------------------------


def test_every_kind_of_element_has_a_drawing_function():
    table = re.search(r"const DRAW = \{(.*?)\};", SCRIPT, re.DOTALL).group(1)
    kinds = set(re.findall(r"^\s*(\w+)[:(]", table, re.MULTILINE))
    assert {e.kind for e in ELEMENTS.values()} <= kinds


def test_names_of_areas_stand_inside_them_beside_each_other():
    from geosettle.maps.place_names import anchors as anchors_of

    shape = shapely.Polygon(
        [(0, 0), (4, 0), (4, 1), (1, 1), (1, 4), (0, 4)]
    )  # an L, whose centroid lies outside
    anchors = [shapely.Point(p) for p in anchors_of(shape, 4)]
    assert len(anchors) == 4
    assert all(shape.contains(p) for p in anchors)
    assert min(a.distance(b) for i, a in enumerate(anchors) for b in anchors[:i]) > 0.2


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["a", "b", "c", "d"], {"j": "a|b|c|d", "s": "|"}),
        (["a|b", "c;d", "e", "f"], {"j": "a|b~c;d~e~f", "s": "~"}),
        (["a|b", "c;d~", "e^\t", "f"], {"v": ["a|b", "c;d~", "e^\t", "f"]}),
        (["a", "b", None, "d", "e"], {"v": ["a", "b", None, "d", "e"]}),
        (["", "b", "", "d", "e"], {"j": "|b||d|e", "s": "|"}),
    ],
)
def test_texts_of_which_most_differ_are_written_so_that_they_come_back(texts, written):
    packed = encoding.column(pd.Series(texts, dtype=object))
    assert packed == written
    assert texts_of(packed) == texts


def test_the_page_knows_box_longest_flow_largest_counts_and_order_of_size(result):
    """What the script would otherwise have to look for among all rows before it can draw
    anything.
    """
    data = data_of(map_html(result))
    located = pd.concat([result.sites.geometry, result.origins.geometry]).dropna()
    assert data["extent"]["box"] == pytest.approx(located.total_bounds, abs=1e-5)
    a, b = (
        gpd.GeoSeries(
            frame.geometry.reindex(result.pairs.index.get_level_values(frame.index.name)), crs=4326
        )
        .to_crs(3857)
        .reset_index(drop=True)
        for frame in (result.origins, result.sites)
    )
    world = 2 * np.pi * 6_378_137
    assert data["extent"]["longest"] == pytest.approx(
        ((a.x - b.x).abs() + (a.y - b.y).abs()).max() / world, rel=1e-4
    )
    moved = result.pairs["households"].groupby("origin_id").sum()
    assert data["most"] == {
        "site": result.sites["households"].max(),
        "flow": result.pairs["households"].max(),
        "origin": moved.max(),
    }
    order = np.frombuffer(base64.b64decode(data["sites"]["columns"]["by_size"]["d"]), dtype="i1")
    assert sorted(order) == list(range(len(result.sites)))
    drawn = result.sites["households"].iloc[order]
    assert drawn.dropna().is_monotonic_decreasing
    assert not drawn.isna().to_numpy()[: drawn.notna().sum()].any()


def test_without_a_single_position_the_page_has_no_box():
    nowhere = made_up.result()
    for frame in (nowhere.sites, nowhere.origins):
        frame.geometry = [None] * len(frame)
    assert data_of(map_html(nowhere))["extent"] is None


def test_every_unit_has_words_in_every_language():
    """Units are codes in the frames; the page and the report say them in words."""
    source = "\n".join(
        p.read_text("utf-8")
        for room in ("remoteness", "livelihood")
        for p in Path(str(importlib.resources.files(f"geosettle.{room}"))).glob("*.py")
    )
    units = set(re.findall(r'unit"? ?[=:] ?"([^"]+)"', source))
    units |= {entry.unit for entry in INDICATORS.values() if entry.unit}
    assert {"share", "farming_radius", "h_per_year", "persons_per_centre", "index"} <= units
    assert {u for u in units if not has(f"unit_{u}")} == set()


def test_no_text_of_the_script_spans_lines_whose_indents_are_left_out():
    code = re.sub(r"(?ms)^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", "", SCRIPT)
    assert [line for line in code.splitlines() if line.count("`") % 2] == []


def test_the_script_has_no_way_to_turn_text_into_code():
    assert SCRIPT.count("'script'") == 1  # Leaflet, whose hash the policy knows
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setTimeout('", "srcdoc", "fetch(", "XMLHttpRequest", "localStorage", "bindPopup", "bindTooltip", "divIcon"):  # fmt: skip
        assert forbidden not in SCRIPT, forbidden


def test_settings_of_the_defaults_are_options_of_render():
    import inspect

    from geosettle.settings import DEFAULTS

    options = inspect.signature(render).parameters
    for key, value in dict(DEFAULTS.map).items():
        assert (value or None) == (options[key].default or None), key


# --- what the map says
# -------------------------------------------------------------------------------------------------


def test_a_saved_map_says_what_it_was_made_from(result, html, tmp_path):
    assert "geosettle-provenance" not in html  # a made-up result has none
    made_from = {"geosettle": "1.2.3", "input_hash": 'abc"></head><script>1</script>{{7*7}}'}
    known = type(result)(**{**vars(result), "provenance": made_from})
    render(known, relief_px=100).save(tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text("utf-8")
    (said,) = re.findall(r'<meta name="geosettle-provenance" content="([^"]*)">', page)
    assert json.loads(markup.unescape(said)) == made_from
    assert page.count("<script>1") == 0


def test_totals_leave_out_what_is_there_for_comparison_only():
    result = made_up.result(hostile=False)
    sites, origins = result.sites.copy(), result.origins.copy()
    sites["scope"], origins["scope"] = "study", "study"
    sites.loc["s30", "scope"] = "comparison"
    origins.loc[["o1", "o63"], "scope"] = "comparison"  # o63 has no position
    totals = data_of(
        map_html(type(result)(**{**vars(result), "sites": sites, "origins": origins}))
    )["totals"]
    assert [t["value"] for t in totals[:2]] == [30, 62]
    assert totals[1]["label"]["en"] == "origins, 58 located; 2 more for comparison"


def test_no_other_line_runs_under_a_disputed_one(result, monkeypatch):
    from geosettle.maps.elements import Settings

    monkeypatch.setattr(encoding, "outlines", lambda geometries: geometries[0])
    boundaries = ELEMENTS["boundaries"].payload(result, Settings())["parts"]
    labels = [part["label"]["en"] for part in boundaries]
    assert labels == ["County boundary", "Prefecture boundary", "Disputed boundary"]
    assert [part["style"].get("dash") for part in boundaries] == [[4, 3], None, [7, 3, 1.5, 3]]
    disputed = result.study.boundaries.geometry.iloc[7].boundary  # the one unit that is flagged
    assert boundaries[2]["paths"].equals(disputed)
    for part in boundaries[:2]:
        assert part["paths"].length > 5
        assert part["paths"].intersection(disputed.buffer(1e-5)).length == 0


def test_change_takes_households_where_they_are_known_and_says_which_way():
    from geosettle.maps.indicator_columns import _changes, _found, indicators

    def row(site, indicator, value, low, high):
        return {"role": "site", "id": site, "indicator": indicator, "metric": "geodesic", "value": value, "low": low, "high": high, "unit": "km"}  # fmt: skip

    result = made_up.result(hostile=False)
    base = "nearest_county_seat"

    def moved(site, weighting, change, low, high, direction):  # noqa: PLR0917
        return row(site, base, None, low, high) | {
            "change": change,
            "weighting": weighting,
            "direction": direction,
        }

    rows = [
        *(row(s, base, v, v - 1, v + 1) for s, v in (("s0", 10), ("s1", 20), ("s2", 30), ("s3", 40), ("s4", np.inf))),
    ]  # fmt: skip
    rows[0] |= {"n": 1, "of": 3}
    changed = [
        moved("s0", "households", -5, -8, -2, "nearer"),
        moved("s0", "flows", -6, -9, -3, "nearer"),  # households win
        moved("s1", "flows", 7, -1, 15, "not distinguishable"),
        moved("s2", "flows", 3, 1, 5, "farther"),
        moved("s3", "flows", 0, 0, 0, "as before"),
        moved("s5", "flows", np.nan, np.nan, np.nan, ""),
    ]
    more = {"remoteness": pd.DataFrame(rows), "access_change": pd.DataFrame(changed)}
    result = type(result)(**{**vars(result), **more})
    columns, (entry,) = indicators(result)
    assert {"i0_n", "i0_of"} <= set(columns)  # the card says "1 of 3 moves"
    assert (entry["key"], entry["change"], entry["main"]) == (
        "nearest_county_seat:geodesic",
        "far",
        True,
    )
    by_site = dict(
        zip(result.sites.index, _found(result)[base, "geodesic"][1]["value"], strict=True)
    )
    assert {site: by_site[site] for site in ("s0", "s1", "s2", "s3")} == {
        "s0": 10,
        "s1": 20,
        "s2": 30,
        "s3": 40,
    }
    change = pd.DataFrame(_changes(result)[base, "geodesic"][1], index=result.sites.index)
    assert change.dropna(subset="value").to_dict("index") == {
        "s0": {"value": -5, "low": -8, "high": -2, "plain": 0, "way": -1},
        "s1": {"value": 7, "low": -1, "high": 15, "plain": 1, "way": 2},
        "s2": {"value": 3, "low": 1, "high": 5, "plain": 1, "way": 1},
        "s3": {"value": 0, "low": 0, "high": 0, "plain": 1, "way": 0},
    }


def test_units_can_be_searched_in_their_own_script():
    from geosettle.maps.page_data import _with_local_units

    sites = gpd.GeoDataFrame(
        {"county_code": ["7", "8", None], "county": ["Akto", "?", None]},
        geometry=[None] * 3,
        crs=4326,
    )
    boundaries = gpd.GeoDataFrame(
        {"name_local": ["阿克陶县"], "level": "county"},
        geometry=[shapely.box(0, 0, 1, 1)],
        crs=4326,
        index=["7"],
    )
    assert _with_local_units(sites, boundaries)["county_local"].fillna("").tolist() == [
        "阿克陶县",
        "",
        "",
    ]
    assert "county_local" not in _with_local_units(sites, None)
    assert "county_local" not in sites


def test_infinite_numbers_are_missing_ones():
    result = made_up.result(hostile=False)
    sites, remoteness = result.sites.copy(), result.remoteness.copy()
    sites.loc["s0", "households"] = np.inf
    remoteness.loc[0, ["value", "low", "high"]] = [np.inf, -np.inf, np.nan]
    livelihood = result.livelihood.assign(after=[np.inf, *result.livelihood["after"][1:]])
    odd = type(result)(
        **{**vars(result), "sites": sites, "remoteness": remoteness, "livelihood": livelihood}
    )
    data = data_of(map_html(odd))
    assert data["totals"][2]["value"] == pytest.approx(
        sites["households"].where(np.isfinite(sites["households"])).sum()
    )
    assert len(data["charts"]["capitals"]["s0"]) == 1


def test_land_of_the_locator_has_no_border():
    from geosettle.locator import land_path

    rings = [
        np.array([float(v) for v in re.findall(r"-?[\d.]+", ring)]).reshape(-1, 2)
        for ring in land_path([73, 34, 85, 42]).split("M")[1:]
    ]
    land = shapely.union_all(
        [shapely.make_valid(shapely.Polygon(ring)) for ring in rings if len(ring) > 3]
    )
    assert shapely.intersects_xy(land, 0, 0)  # the middle: the Tarim Basin
    assert not shapely.intersects_xy(land, 0, 35)  # south of it: the Indian Ocean
    # Eurasia with Africa is one piece: no line runs through it.
    assert max(shapely.area(shapely.get_parts(land))) > 0.25 * np.pi * 46**2
    assert np.hypot(*np.concatenate(rings).T).max() <= 46.5


def test_no_two_kinds_of_land_look_alike(result):
    from geosettle.maps.elements import Settings

    land = gpd.GeoDataFrame(
        {"kind": list("abcdefgh") * 2, "geometry_basis": ["illustrative"] * 8 + ["surveyed"] * 8},
        geometry=[shapely.box(i, 0, i + 0.5, 1) for i in range(16)],
        crs=4326,
        index=pd.Index([f"d{i}" for i in range(16)], name="development_id"),
    )
    study = type(result.study)(**{**vars(result.study), "development": land})
    parts = ELEMENTS["development"].payload(
        type(result)(**{**vars(result), "study": study}), Settings()
    )["parts"]
    looks = {
        (p["style"]["fill"], p["style"]["width"], p["style"].get("hatch", False)) for p in parts
    }
    assert len(parts) == len(looks) == 16
    assert [p["style"].get("hatch", False) for p in parts] == [i % 2 == 1 for i in range(16)]


@pytest.mark.parametrize(
    "part", ["view", "most", "charts", "card_columns", "sites_table", "flows_table", "extent"]
)
def test_a_part_of_the_page_that_fails_costs_only_itself(monkeypatch, part):
    from geosettle.maps import page_data

    def fails(*_: object) -> None:
        raise ArithmeticError("no such number")

    whole = data_of(map_html(made_up.result(hostile=False)))
    monkeypatch.setattr(page_data, part, fails)
    with pytest.raises(ArithmeticError):
        map_html(made_up.result(hostile=False))
    problems: list[Problem] = []
    data = data_of(map_html(made_up.result(hostile=False), problems=problems))
    (found,) = problems
    assert found.code == "part_failed"
    assert "no such number" in found.message
    assert set(data) == set(whole)
    assert data["elements"] == whole["elements"]
    lost = {key for key in whole if data[key] != whole[key]}
    if part in {"sites_table", "flows_table"}:  # their rows name each other
        assert lost == {"sites", "origins", "flows"}
    else:
        # the globe is turned to the view
        assert lost - {"land"} == {{"card_columns": "card"}.get(part, part)}
