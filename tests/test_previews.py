"""The figures checked in are those that the software draws today."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from hashlib import sha256

import pytest
from previews import FIGURES, difference

from geosettle.figures import figures


@pytest.fixture(scope="module")
def drawn(embedded) -> dict[str, bytes]:
    return figures(embedded)


def words(svg: bytes) -> list[str]:
    """Every text in a drawing."""
    return sorted(
        t
        for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        if (t := "".join(e.itertext()).strip())
    )


def test_every_figure_is_checked_in_and_no_other(drawn) -> None:
    assert {p.name for p in FIGURES.iterdir()} == set(drawn)


def test_the_manifest_tells_the_truth_about_inputs_and_figures(embedded) -> None:
    manifest = json.loads((FIGURES.parent / "manifest.json").read_text(encoding="utf-8"))
    now = {name: what["sha256"] for name, what in embedded.provenance["inputs"].items()}
    assert {name: what["sha256"] for name, what in manifest["inputs"].items()} == now, (
        "run: make previews"
    )
    for path in FIGURES.iterdir():
        assert manifest["outputs"][f"figures/{path.name}"] == sha256(path.read_bytes()).hexdigest()


def test_pictures_are_fresh(drawn) -> None:
    stale = {
        name: share
        for name, content in drawn.items()
        if name.endswith(".png")
        and (share := difference((FIGURES / name).read_bytes(), content)) > 0.01
    }
    assert stale == {}, "run: make previews"


def test_drawings_are_fresh(drawn) -> None:
    for name, content in drawn.items():
        if name.endswith(".svg"):
            assert words((FIGURES / name).read_bytes()) == words(content), (
                f"{name} is stale; run: make previews"
            )
            assert not re.search(rb"(href|src)=\"(?!#|data:)", content), name


def test_a_changed_picture_is_noticed(drawn) -> None:
    import io

    from PIL import Image

    picture = Image.open(io.BytesIO(drawn["od_map.png"])).convert("RGB")
    width, height = picture.size
    picture.paste((255, 255, 255), (width // 3, height // 3, width // 2, height // 2))
    out = io.BytesIO()
    picture.save(out, "png")
    assert difference(drawn["od_map.png"], out.getvalue()) > 0.01
