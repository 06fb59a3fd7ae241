"""OpenStreetMap extracts: what each layer takes of one, the window, and roads that equal networkx."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from pyproj import Geod

import geosettle as gs
from geosettle import io
from geosettle.distance._protocol import Context
from geosettle.distance.roads import road_pairs
from geosettle.errors import InputError
from geosettle.io.osm import surroundings

GEOD = Geod(ellps="WGS84")
NODES = {
    1: (76.00, 39.00), 2: (76.01, 39.00), 3: (76.02, 39.00), 4: (76.02, 39.01), 5: (76.01, 39.01),
    6: (76.00, 39.01), 7: (76.01, 38.99), 8: (76.005, 39.02), 9: (76.005, 38.99), 10: (76.03, 39.01),
    20: (76.004, 39.004), 21: (76.5, 39.5),
}  # fmt: skip
"""Node 2 is shared by the street 1-2-3 and a tunnel; way 8-9 crosses the streets without a node."""
TAGS = {
    20: {"amenity": "school"},
    21: {"place": "village", "name": "Far Village", "population": "1200"},
}
WAYS = {
    100: ([1, 2, 3], {"highway": "primary", "maxspeed": "60"}),
    101: ([3, 4, 5, 6, 1], {"highway": "residential"}),
    102: ([5, 2, 7], {"highway": "track", "tunnel": "yes", "layer": "-1", "oneway": "yes"}),
    103: ([8, 9], {"highway": "secondary"}),
    104: ([4, 10], {"route": "ferry"}),
    105: ([3, 10], {"waterway": "river", "name": "Long River"}),
    106: ([1, 3, 4, 6, 1], {"boundary": "administrative", "admin_level": "8", "name": "Town"}),
}
SPEED = {"primary": 60.0, "residential": 30.0, "track": 15.0, "secondary": 50.0, "ferry": 10.0}


def as_xml() -> bytes:
    def tags(of):
        return "".join(f'<tag k="{k}" v="{v}"/>' for k, v in of.items())

    nodes = "".join(
        f'<node id="{n}" lon="{x}" lat="{y}">{tags(TAGS.get(n, {}))}</node>'
        for n, (x, y) in NODES.items()
    )
    ways = "".join(
        f'<way id="{w}">{"".join(f"<nd ref={chr(34)}{n}{chr(34)}/>" for n in of)}{tags(t)}</way>'
        for w, (of, t) in WAYS.items()
    )
    return f'<?xml version="1.0"?>\n<osm version="0.6">{nodes}{ways}</osm>'.encode()


def as_pbf() -> bytes:
    """The same extract in the binary form: a header block and one block of nodes and ways."""

    def varint(value):
        out = b""
        while value > 0x7F:
            out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
        return out + bytes([value])

    def zigzag(values):
        return b"".join(varint(v << 1 if v >= 0 else (-v << 1) - 1) for v in values)

    def field(number, content):
        if isinstance(content, int):
            return varint(number << 3) + varint(content)
        return varint(number << 3 | 2) + varint(len(content)) + content

    def steps(values):
        return [b - a for a, b in pairwise([0, *values])]

    def blob(kind, content):
        body = field(2, len(content)) + field(3, zlib.compress(content))
        head = field(1, kind) + field(3, len(body))
        return struct.pack(">I", len(head)) + head + body

    texts = sorted(
        {
            t
            for of in (*TAGS.values(), *(t for _, t in WAYS.values()))
            for p in of.items()
            for t in p
        }
    )
    place = {text: i for i, text in enumerate(["", *texts])}
    strings = b"".join(field(1, text.encode()) for text in place)
    dense = field(1, zigzag(steps(NODES)))
    dense += field(8, zigzag(steps([round(y * 1e7) for _, y in NODES.values()])))
    dense += field(9, zigzag(steps([round(x * 1e7) for x, _ in NODES.values()])))
    pairs = [[*(place[t] for p in TAGS.get(n, {}).items() for t in p), 0] for n in NODES]
    dense += field(10, b"".join(varint(v) for row in pairs for v in row))
    ways = b"".join(
        field(3, field(1, way)
              + field(2, b"".join(varint(place[k]) for k in t))
              + field(3, b"".join(varint(place[v]) for v in t.values()))
              + field(8, zigzag(steps(of))))
        for way, (of, t) in WAYS.items()
    )  # fmt: skip
    block = field(1, strings) + field(2, field(2, dense)) + field(2, ways)
    header = field(4, b"OsmSchema-V0.6") + field(4, b"DenseNodes")
    return blob(b"OSMHeader", header) + blob(b"OSMData", block)


@pytest.fixture(params=["town.osm", "town.osm.pbf"])
def extract(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(as_xml() if path.suffix == ".osm" else as_pbf())
    return path


def test_each_layer_takes_its_features(extract):
    found = {
        role: io.read_layer(extract, role, problems=[])
        for role in ("roads", "rivers", "places", "boundaries")
    }
    assert sorted(found["roads"]["road_id"]) == ["100", "101", "102", "103", "104"]
    assert list(found["rivers"]["name"]) == ["Long River"]
    places = found["places"]
    assert places["kind"].to_dict() == {"20": "school", "21": "village"}
    assert places["name"].to_dict() == {"20": "school 20", "21": "Far Village"}
    assert places.loc["21", "population"] == 1200
    assert found["boundaries"][["name", "level"]].to_numpy().tolist() == [["Town", "admin_level_8"]]
    with pytest.raises(InputError, match=r"does not give the layer sites.*roads, rivers, places"):
        io.read_layer(extract, "sites")


def test_tags_that_are_used_are_not_listed_as_unused(extract):
    problems = []
    io.read_layer(extract, "roads", problems=problems)
    unused = " ".join(p.message for p in problems if p.code == "columns_unused")
    assert "highway" not in unused
    assert "other_tags" not in unused


def reference() -> nx.DiGraph:
    """Graph of the nodes that ways share; fastest way with the same speeds."""
    graph = nx.DiGraph()
    for of, tags in WAYS.values():
        kind = tags.get("highway") or tags.get("route")
        if kind is None:
            continue
        for a, b in pairwise(of):
            hours = GEOD.inv(*NODES[a], *NODES[b])[2] / 1000 / SPEED[kind]
            graph.add_edge(a, b, hours=hours)
            if tags.get("oneway") != "yes":
                graph.add_edge(b, a, hours=hours)
    return graph


def test_roads_equal_networkx(extract):
    roads = io.read_layer(extract, "roads", problems=[])
    ids = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    ends = gpd.GeoDataFrame(
        geometry=[shapely.Point(NODES[n]) for n in ids], index=[str(n) for n in ids], crs=4326
    )
    pairs = np.array([(i, j) for i in range(len(ids)) for j in range(len(ids)) if i != j])
    options = {"max_access_km": 0.01, "tolerance_m": 0, "class_speed_kmh": SPEED}
    got = road_pairs(ends, ends, pairs, Context(roads=roads, options={"road": options})).road_h
    lengths = dict(nx.all_pairs_dijkstra_path_length(reference(), weight="hours"))
    want = [lengths[ids[i]].get(ids[j], np.nan) for i, j in pairs]
    np.testing.assert_allclose(got.to_numpy(float), want, rtol=1e-9)
    # The tunnel meets the street at their common node although they are on different levels; the
    # way that crosses without a node meets nothing.
    assert np.isfinite(got.to_numpy()[[tuple(p) == (1, 6) for p in pairs]]).all()
    assert np.isnan(got.to_numpy()[[7 in p for p in pairs.tolist()]]).sum() == 16


def test_nodes_in_any_order(tmp_path):
    path = tmp_path / "edited.osm"
    nodes = (
        as_xml().replace(b'<node id="1" ', b'<node id="900" ', 1).replace(b'ref="1"', b'ref="900"')
    )
    path.write_bytes(nodes)
    assert len(io.read_layer(path, "roads", problems=[])) == 5


def test_a_study_reads_what_surrounds_it(tmp_path, extract):
    (tmp_path / "sites.csv").write_text(
        "site_id,name,lon,lat\nS1,Home,76.0,39.0\nS2,Next,76.02,39.01\n"
    )
    (tmp_path / "study.toml").write_text(
        f'[study]\nname = "s"\n[layers]\nroads = "{extract.name}"\nplaces = "{extract.name}"\nsites = "sites.csv"\n'
    )
    study = gs.read_study(tmp_path)
    assert len(study.roads) == 5
    assert list(study.places.index) == ["20"]  # the village is 70 km away
    assert any(p.code == "window_read" for p in study.problems)
    text = (
        (tmp_path / "study.toml")
        .read_text()
        .replace('name = "s"', 'name = "s"\nregion = [75, 38, 77, 40]')
    )
    (tmp_path / "study.toml").write_text(text)
    assert list(gs.read_study(tmp_path).places.index) == ["20", "21"]


def test_surroundings_are_as_wide_as_half_the_diagonal():
    ends = shapely.points([[70.0, 30.0], [74.0, 33.0]])
    west, south, east, north = surroundings([ends])
    half = GEOD.inv(70, 30, 74, 33)[2] / 2
    assert GEOD.inv(70, 33, west, 33)[2] == pytest.approx(half, rel=1e-3)
    assert GEOD.inv(70, 30, 70, south)[2] == pytest.approx(half, rel=1e-9)
    assert GEOD.inv(74, 33, 74, north)[2] == pytest.approx(half, rel=1e-9)
    assert east - 74 == pytest.approx(70 - west)
    assert surroundings([shapely.points([[np.nan, np.nan]])]) is None
    assert surroundings([shapely.points([[179.9, 0.0]])]) is None
