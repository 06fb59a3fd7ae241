"""The figure that the README shows is what the software draws today; no drawing loads anything."""

from __future__ import annotations

import re

import pytest
from previews import PICTURES, difference

from geosettle.figures import figures


@pytest.fixture(scope="module")
def drawn(embedded) -> dict[str, bytes]:
    return figures(embedded)


def test_the_figure_of_the_readme_is_fresh(drawn) -> None:
    share = difference((PICTURES / "distances.png").read_bytes(), drawn["distances.png"])
    assert share < 0.01, "run: make previews"


def test_drawings_load_nothing(drawn) -> None:
    drawings = {name: content for name, content in drawn.items() if name.endswith(".svg")}
    assert len(drawings) > 5
    for name, content in drawings.items():
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
