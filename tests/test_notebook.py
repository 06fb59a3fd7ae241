"""A study and a result show themselves in a notebook, and print as one line."""

import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import geopandas as gpd
import pytest

import geosettle as gs
from geosettle.report import summary_lines


@pytest.fixture(scope="module")
def result() -> gs.Result:
    return gs.analyse(gs.read_study(gs.template_path()))


class Seen(HTMLParser):
    """What a page holds: its tags, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_print_is_one_line_without_rows(result):
    for text in (repr(result), repr(result.study)):
        assert "\n" not in text
        assert len(text) < 600
        assert "New Harbour" not in text
    assert f"{len(result.pairs)} pairs" in repr(result)


def test_a_result_shows_findings_map_and_tables(result):
    seen = Seen(result._repr_html_())
    assert [line for line in summary_lines(result) if line not in seen.text] == []
    (picture,) = [attrs for tag, attrs in seen.tags if tag == "img"]
    assert picture["src"].startswith("data:image/png;base64,")
    at = seen.text.index("result.pairs")
    assert seen.text[at + 1] == str(len(result.pairs))
    assert {tag for tag, _ in seen.tags} <= {
        *("p", "b", "ul", "li", "img", "table", "tr", "th", "td", "code")
    }


def test_a_study_shows_rows_and_positions(result):
    seen = Seen(result.study._repr_html_())
    at = seen.text.index("origins")
    assert seen.text[at + 1 : at + 3] == ["4", "3"]  # one origin has no position


def test_a_notebook_shows_the_step_that_runs_and_then_nothing(monkeypatch, tmp_path):
    shown = []

    class Line:
        update = staticmethod(lambda data, raw: shown.append(data["text/plain"]))

    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    display = SimpleNamespace(display=lambda *_, **__: Line)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    result = gs.analyse(gs.read_study(gs.template_path()))
    assert shown[:3] == ["reading ...", "", "joining boundaries ..."]
    assert "measuring distances ..." in shown
    assert shown[-1] == ""
    shown.clear()
    gs.render(result)
    gs.write(result, tmp_path / "out")
    assert "drawing the map ..." in shown
    assert "writing tables ..." in shown
    assert shown[-1] == ""


def test_outside_of_a_notebook_no_step_is_shown(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    gs.read_study(gs.template_path())
    assert capsys.readouterr() == ("", "")


def test_names_are_text_in_a_notebook():
    points = gpd.points_from_xy([1.0, 2.0], [1.0, 2.0])
    sites = gpd.GeoDataFrame(
        {"site_id": ["A", "B"], "name": ["<script>x</script>", "b"]}, geometry=points, crs=4326
    )
    study = gs.Study(sites=sites, name="<img src=x onerror=y>")
    for page in (study._repr_html_(), gs.analyse(study)._repr_html_()):
        seen = Seen(page)
        assert "<img src=x onerror=y>" in seen.text
        assert all("onerror" not in attrs for _, attrs in seen.tags)
        assert "script" not in {tag for tag, _ in seen.tags}


def test_dir_lists_what_is_public():
    assert set(dir(gs)) == {*gs.__all__, "__version__"}
    assert not [name for name in dir(gs) if not hasattr(gs, name)]
