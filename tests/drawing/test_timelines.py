"""A timeline shows what crossed its threshold, and shortening a path keeps what it shows."""

import math

from hypothesis import given
from hypothesis import strategies as st

from drawing.pictures import SVG, of_class, parsed, texts, titles
from watchdog.drawing import Clock, Tone
from watchdog.drawing.thinning import thinned, with_gaps
from watchdog.drawing.timelines import Event, Kind, Row, Timeline

PASSED = Kind("passed", Tone.GOOD, "circle")
BACK = Kind("rolled back", Tone.BREACH, "triangle")


def a_timeline(*rows: Row) -> Timeline:
    return Timeline("Switches", "Two switches.", "UTC", Clock(0, 86400), rows, "evidence needed", ring="labelled bad")


def test_a_lollipop_that_crosses_the_threshold_is_seen_to_cross_it() -> None:
    row = Row("shop", [Event(3600, PASSED, "one: passed", 0.3), Event(7200, BACK, "two: back", 1.2, ring=True)])
    root = parsed(a_timeline(row).svg())
    (threshold,) = [each for each in of_class(root, "wd-limit") if each.get("opacity") == "0.75"]
    under, over = (each.find(f"{SVG}line") for each in of_class(root, "wd-event"))
    assert under is not None
    assert over is not None
    level = float(threshold.get("y1") or 0)
    assert float(under.get("y2") or 0) > level > float(over.get("y2") or 0)
    assert {"one: passed", "two: back"} <= set(titles(root))
    assert {"passed", "rolled back", "labelled bad", "evidence needed", "shop"} <= set(texts(root))


def test_a_gap_of_a_row_is_said() -> None:
    root = parsed(a_timeline(Row("shop", [], gaps=[(0, 3600)])).svg())
    (gap,) = of_class(root, "wd-gap")
    assert gap.findtext(f"{SVG}title") == "no data from 1970-01-01 00:00:00 UTC to 1970-01-01 01:00:00 UTC"


def test_links_lead_to_places_on_the_same_page_alone() -> None:
    events = [Event(1, PASSED, "a", link="#switch-1"), Event(2, PASSED, "b", link="javascript:alert(1)")]
    root = parsed(a_timeline(Row("shop", events)).svg())
    assert [each.get("href") for each in root.iter(f"{SVG}a")] == ["#switch-1"]


values = st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(math.nan))


@given(ys=st.lists(values, min_size=1, max_size=400), most=st.integers(10, 60))
def test_shortening_keeps_the_extremes_the_ends_and_the_gaps(ys: list[float | None], most: int) -> None:
    points = [(float(index), y) for index, y in enumerate(ys)]
    short = thinned(points, most)
    known = [y for y in ys if y is not None and not math.isnan(y)]
    kept = [y for _, y in short if y is not None and not math.isnan(y)]
    assert len(short) <= max(most, 10)
    assert short[0][0] == 0.0
    assert short[-1][0] == points[-1][0]
    assert [x for x, _ in short] == sorted(x for x, _ in short)
    if known:
        assert (min(kept), max(kept)) == (min(known), max(known))
    assert any(y is None or math.isnan(y) for _, y in short) == (len(known) < len(ys))


def test_a_gap_outlives_the_shortening() -> None:
    points = [(float(x), 1.0) for x in range(1000) if not 400 <= x < 500]
    short = thinned(with_gaps(points, reach=2.5), 50)
    assert len(short) <= 50
    assert [x for x, y in short if y is None] == [449.5]
