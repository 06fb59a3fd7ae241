"""The page of `make validate`: what is cheap is compared here too, the simulations there only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "validation"))
import exact  # noqa: E402
import published  # noqa: E402
import simulated  # noqa: E402
from page import Comparison, Coverage, Subject, band, page  # noqa: E402

PAGE = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "subject",
    [exact.distances, exact.roads, exact.costs, exact.grass, exact.r_packages, *published.SUBJECTS],
)
def test_numbers_are_those_of_the_peers(subject) -> None:
    found = subject(0.01)
    assert [row for row in found.rows if not row.holds] == []
    assert f"## {found.title}\n" in PAGE
    assert all(f"| {row.what} |" in PAGE for row in found.rows)


def test_intervals_of_roads_hold_their_share() -> None:
    found = simulated.by_road(0.05)
    assert [row for row in found.rows if not row.holds] == []
    assert all(f"| {row.what} |" in PAGE for row in found.rows)


def test_the_page_has_every_subject() -> None:
    assert PAGE.count("\n## ") == sum(len(part.SUBJECTS) for part in (exact, published, simulated))
    assert "nan" not in PAGE
    assert "inf |" not in PAGE


def test_a_bound_that_does_not_hold_is_seen() -> None:
    assert Comparison("a", 3, 1e-9, "m", 1e-8).holds
    assert not Comparison("a", 3, 2e-8, "m", 1e-8).holds
    assert not Comparison("a", 0, 0.0, "m", 1e-8).holds
    assert not Comparison("a", 3, float("nan"), "m", 1e-8).holds
    assert Coverage("b", 1000, 900, 1000, 0).holds
    assert not Coverage("b", 1000, 850, 1000, 0).holds
    assert not Coverage("b", 1000, 950, 1000, 0).holds
    assert not Coverage("b", 1000, 900, 999, 0).holds
    # Intervals that were widened may hold more.
    assert Coverage("b", 1000, 950, 1000, 100).holds


def test_the_band_is_the_binomial_one() -> None:
    # 900 +- 1.96 sqrt(1000 0.9 0.1) = 881.4 to 918.6
    assert band(1000) == (881, 918)


def test_differences_are_rounded_upward() -> None:
    rows = [Comparison("a", 1200, 1.01e-7, "mm", 0.1), Comparison("b", 1, 4e-14, "m", None, "why")]
    text = page("# Head", [Subject("Title", "a peer", "Text.", rows)])
    assert "| a | 1,200 | 2e-07 mm | 0.1 mm |  |" in text
    assert "| b | 1 | below 1e-12 | by definition | why |" in text
