"""A figure says what it shows: its axes, its gaps, its moments, to those who see and to those who listen."""

import math
import re

from drawing.pictures import SVG, of_class, parsed, texts, titles
from watchdog.domain.conditions import Dimension
from watchdog.drawing import (
    Band,
    Bars,
    Dot,
    Dots,
    Elapsed,
    Figure,
    Happened,
    Limit,
    Line,
    Linear,
    Moment,
    Odds,
    Panel,
    in_page,
    stylesheet,
)

HOSTILE = "</text><script>alert(1)</script>\n]]>\u202eevil\x00\x1b[2J" + "x" * 10_000


def a_figure(points=((0, 0.01), (15, 0.02), (30, 0.08)), moments=(), **others) -> Figure:
    panel = Panel("errors", Linear(0, 0.1, Dimension.RATIO), [Line("candidate", points), Limit("limit 5 %", 0.05)])
    given = {"title": "error-rate", "description": "It rose to 8 %.", "caption": "since the switch", **others}
    return Figure(x=Elapsed(0, 60), panels=[panel], moments=moments, **given)


def test_a_picture_has_words_for_those_who_cannot_see_it() -> None:
    root = parsed(a_figure().svg())
    assert root.get("role") == "img"
    named = [root.find(f".//*[@id='{one}']") for one in (root.get("aria-labelledby") or "").split()]
    assert [each.text for each in named if each is not None] == ["error-rate", "It rose to 8 %."]


def test_the_axes_carry_their_units() -> None:
    drawn = texts(parsed(a_figure().svg()))
    assert {"0", "2 %", "10 %"} <= set(drawn)
    assert "+0:30" in drawn
    assert "since the switch" in drawn
    assert "limit 5 %" in drawn


def test_a_value_that_is_missing_is_a_gap_and_not_a_line() -> None:
    points = [(0, 0.01), (15, 0.02), (30, None), (45, 0.08), (60, math.nan)]
    root = parsed(a_figure(points).svg())
    gaps = of_class(root, "wd-gap")
    assert [gap.findtext(f"{SVG}title") for gap in gaps] == ["candidate: no data from +0:15 to +0:45"]
    # What is known alone, between two gaps, is still seen.
    drawn = of_class(root, "wd-panel")[0]
    assert [each.tag for each in of_class(drawn, "wd-value")] == [f"{SVG}path", f"{SVG}circle"]


def test_points_further_apart_than_a_line_reaches_are_a_gap() -> None:
    points = [(0, 0.01), (15, 0.02), (45, 0.02), (60, 0.02)]
    panel = Panel("errors", Linear(0, 0.1), [Line("candidate", points, reach=20)])
    root = parsed(Figure("t", "d", "c", Elapsed(0, 60), [panel]).svg())
    assert len(of_class(root, "wd-gap")) == 1


def test_an_unbroken_line_has_no_gap() -> None:
    assert not of_class(parsed(a_figure().svg()), "wd-gap")


def test_moments_are_named_once_and_do_not_overlap() -> None:
    moments = [Moment(30, Happened.BREACH, "error-rate breached"), Moment(31, Happened.ACT, "would roll back")]
    root = parsed(a_figure(moments=moments).svg())
    drawn = [each for each in root.iter(f"{SVG}text") if each.text in ("error-rate breached", "would roll back")]
    heights = {each.text: each.get("y") for each in drawn}
    assert len(set(heights.values())) == 2
    assert "error-rate breached: +0:30" in titles(root)
    assert of_class(root, "wd-moment-breach")
    assert of_class(root, "wd-moment-act")


def test_whatever_a_name_holds_it_stays_text() -> None:
    layers = [
        Line(HOSTILE, [(0, 1.0), (60, 2.0)]), Band(HOSTILE, [(0, 1, 2), (60, 1, 2)]), Limit(HOSTILE, 1.0),
        Bars(HOSTILE, [(0, 10, 1.0)]), Dots(HOSTILE, [Dot(10, 1.0, HOSTILE, HOSTILE)]),
    ]  # fmt: skip
    moments = [Moment(5, Happened.NOTE, HOSTILE)]
    figure = Figure(HOSTILE, HOSTILE, HOSTILE, Elapsed(0, 60), [Panel(HOSTILE, Linear(0, 3), layers)], moments, HOSTILE)
    svg = figure.svg()
    root = parsed(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert len(svg) < 20_000
    assert "\u202e" not in svg
    assert "\x1b" not in svg
    width = float(root.get("width") or 0)
    assert all(0 <= float(each.get("x") or 0) <= width for each in root.iter(f"{SVG}text"))


def test_ids_do_not_meet_on_one_page() -> None:
    svgs = [in_page(a_figure(), f"switch-{index}") for index in range(3)]
    svgs += [a_figure(title="one").svg(), a_figure(title="two").svg()]
    ids = [found for svg in svgs for found in re.findall(r' id="([^"]+)"', svg)]
    assert len(ids) == 15
    assert len(set(ids)) == len(ids)


def test_a_key_that_can_be_no_id_is_not_taken_over() -> None:
    svg = in_page(a_figure(), '"><script>')
    assert "script" not in svg
    parsed(svg)


def test_within_a_page_no_style_is_needed() -> None:
    """A strict Content-Security-Policy allows neither style elements nor style attributes."""
    svg = in_page(a_figure(moments=[Moment(30, Happened.BREACH, "breach")]), "a")
    assert "<style" not in svg
    assert " style=" not in svg
    assert 'fill="#' in svg


def test_alone_it_brings_its_paper_and_both_palettes() -> None:
    root = parsed(a_figure().svg())
    assert root.findtext(f"{SVG}style") == stylesheet()
    assert "prefers-color-scheme:dark" in stylesheet()
    assert root.find(f"{SVG}rect") is not None


def test_evidence_is_read_as_odds() -> None:
    panel = Panel("odds", Odds(0, 14), [Line("evidence", [(0, 0.0), (60, 12.0)])])
    drawn = texts(parsed(Figure("t", "d", "c", Elapsed(0, 60), [panel]).svg()))
    assert {"even", "100 to 1", "10,000 to 1", "1,000,000 to 1"} <= set(drawn)


def test_a_figure_without_anything_in_it_is_still_a_picture() -> None:
    parsed(Figure("t", "d", "c", Elapsed(0, 60), []).svg())
    parsed(a_figure(points=()).svg())
