"""Limits over time, and bars that say what they show."""

import re

import pytest

from watchdog.drawing import Limit, Line
from watchdog.drawing.levels import level
from watchdog.drawing.meters import progress


def test_a_limit_that_never_moved_is_one_level_with_its_words() -> None:
    (layer,) = level("limit", [(0.0, 0.05), (15.0, None), (30.0, 0.05)], said="5 %", upward=False)
    assert isinstance(layer, Limit)
    assert (layer.name, layer.value, layer.upward) == ("limit 5 %", 0.05, False)


def test_a_limit_that_moved_is_a_line() -> None:
    (layer,) = level("limit", [(0.0, 0.05), (15.0, 0.06)])
    assert isinstance(layer, Line)
    assert list(layer.points) == [(0.0, 0.05), (15.0, 0.06)]


def test_a_limit_that_is_not_known_is_not_drawn() -> None:
    assert level("limit", [(0.0, None)]) == []


@pytest.mark.parametrize(("share", "wide"), [(-1.0, []), (0.0, []), (0.25, [250]), (1.0, [1000]), (7.0, [1000])])
def test_a_bar_stays_within_its_frame_and_says_what_it_shows(share: float, wide: list[int]) -> None:
    svg = progress(share, "a <quarter>")
    assert [int(each) for each in re.findall(r'<rect width="(\d+)"', svg)][1:] == wide
    assert "<title>a &lt;quarter&gt;</title>" in svg
